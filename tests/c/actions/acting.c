/* Tests of every command on users and groups, by the sandbox's state afterwards. */

#include "harness.h"

#include <stdlib.h>
#include <string.h>

#define PERSON "person000002@example.com"

static umapi_error *error;

static void check_user(const char *email, const char *part)
{
    char *user = user_in_state(email);
    CHECK_HAS(user, part);
    free(user);
}

static umapi_action *create(const char *email, int32_t identity, int32_t on_conflict)
{
    umapi_action *action = user_action(email);
    CHECK_OK(umapi_action_create_user(action, identity, email, "Zoë", "O'Hara", "DE", on_conflict, &error), error);
    return action;
}

static void create_each_type_of_account(void)
{
    const struct {
        const char *email;
        int32_t identity;
        const char *type;
    } cases[] = {{"new+a@mail.example", UMAPI_IDENTITY_ADOBE, "\"type\":\"adobeID\""},
                 {"new@corp.example.com", UMAPI_IDENTITY_ENTERPRISE, "\"type\":\"enterpriseID\""},
                 {"new@example.com", UMAPI_IDENTITY_FEDERATED, "\"type\":\"federatedID\""}};
    umapi_client *client = new_client();
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        execute_successfully(client, create(cases[i].email, cases[i].identity, UMAPI_ON_CONFLICT_ERROR));
        check_user(cases[i].email, cases[i].type);
        check_user(cases[i].email, "\"firstname\":\"Zoë\",\"lastname\":\"O'Hara\",\"country\":\"DE\"");
    }
    umapi_client_free(client);
}

static void create_with_a_username_that_is_not_the_email(void)
{
    umapi_client *client = new_client();
    umapi_action *action = NULL;
    CHECK_OK(umapi_action_new_user("zara", "example.com", &action, &error), error);
    CHECK_OK(umapi_action_create_user(action, UMAPI_IDENTITY_FEDERATED, "zara.z@example.com", "Zara", "Z", "FR",
                                      UMAPI_ON_CONFLICT_ERROR, &error),
             error);
    execute_successfully(client, action);
    check_user("zara.z@example.com", "\"username\":\"zara\",\"domain\":\"example.com\"");
    umapi_client_free(client);
}

static void the_three_options_on_conflict(void)
{
    umapi_client *client = new_client();
    char *before = user_in_state(PERSON), *after;
    umapi_results *results = execute(client, create(PERSON, UMAPI_IDENTITY_FEDERATED, UMAPI_ON_CONFLICT_ERROR));
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    CHECK_INT(umapi_outcome_kind(outcome), UMAPI_OUTCOME_FAILED);
    CHECK_TEXT(umapi_finding_code(umapi_outcome_finding(outcome, 0)), "error.user.already_in_org");
    umapi_results_free(results);

    results = execute(client, create(PERSON, UMAPI_IDENTITY_FEDERATED, UMAPI_ON_CONFLICT_IGNORE));
    outcome = umapi_results_get(results, 0);
    CHECK_INT(umapi_outcome_kind(outcome), UMAPI_OUTCOME_SUCCEEDED);
    CHECK_INT(umapi_outcome_finding_count(outcome), 1);
    CHECK_INT(umapi_finding_severity(umapi_outcome_finding(outcome, 0)), UMAPI_SEVERITY_WARNING);
    CHECK_TEXT(umapi_finding_code(umapi_outcome_finding(outcome, 0)), "warning.user.already_exists");
    umapi_results_free(results);
    after = user_in_state(PERSON);
    CHECK_TEXT(after, before);

    execute_successfully(client, create(PERSON, UMAPI_IDENTITY_FEDERATED, UMAPI_ON_CONFLICT_UPDATE));
    check_user(PERSON, "\"lastname\":\"O'Hara\"");
    free(before);
    free(after);
    umapi_client_free(client);
}

static void update(void)
{
    umapi_client *client = new_client();
    umapi_action *action = user_action(PERSON);
    CHECK_OK(umapi_action_update_user(action, "renamed@example.com", "renamed", "New", "Name", &error), error);
    execute_successfully(client, action);
    check_user("renamed@example.com", "\"username\":\"renamed\"");
    check_user("renamed@example.com", "\"firstname\":\"New\",\"lastname\":\"Name\"");
    action = user_action("person000003@example.com");
    CHECK_OK(umapi_action_update_user(action, NULL, NULL, "Only", NULL, &error), error);
    execute_successfully(client, action);
    check_user("person000003@example.com", "\"firstname\":\"Only\"");
    umapi_client_free(client);
}

static void memberships(void)
{
    const char *groups[] = {"Sales", "Design/UX", "v2.0 Testers", "Acrobat Pro DC", "_support_admin"};
    umapi_client *client = new_client();
    umapi_action *action = user_action(PERSON);
    CHECK_OK(umapi_action_remove_from_all_groups(action, &error), error);
    execute_successfully(client, action);
    check_user(PERSON, "\"groups\":[]");
    action = user_action(PERSON);
    CHECK_OK(umapi_action_add_to_groups(action, groups, 5, &error), error);
    CHECK_OK(umapi_action_remove_from_groups(action, groups + 1, 1, &error), error);
    execute_successfully(client, action);
    check_user(PERSON, "\"groups\":[\"Acrobat Pro DC\",\"Sales\",\"_support_admin\",\"v2.0 Testers\"]");
    umapi_client_free(client);
}

static void remove_from_the_organisation(void)
{
    const char *const emails[] = {PERSON, "person000001@corp.example.com"};
    umapi_client *client = new_client();
    int32_t delete_account;
    char *ledger;
    for (delete_account = 0; delete_account <= 1; delete_account++) {
        umapi_action *action = user_action(emails[delete_account]);
        CHECK_OK(umapi_action_remove_from_org(action, delete_account, &error), error);
        execute_successfully(client, action);
        CHECK(user_in_state(emails[delete_account]) == NULL);
    }
    ledger = control("GET", "/ledger", NULL);
    CHECK_HAS(ledger, "{\"removeFromOrg\":{\"deleteAccount\":false}}");
    CHECK_HAS(ledger, "{\"removeFromOrg\":{\"deleteAccount\":true}}");
    free(ledger);
    umapi_client_free(client);
}

static void a_user_by_username_and_domain(void)
{
    const char *group = "Marketing";
    umapi_client *client = new_client();
    umapi_action *action = NULL;
    CHECK_OK(umapi_action_new_user("jdoe", "example.com", &action, &error), error);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    execute_successfully(client, action);
    check_user("jane.doe@example.com", "\"groups\":[\"Marketing\"]");
    umapi_client_free(client);
}

static void the_adobe_id_of_two_accounts_with_one_email(void)
{
    const char *group = "Marketing";
    umapi_client *client = new_client();
    umapi_action *action = user_action("twin@example.com");
    char *state;
    CHECK_OK(umapi_action_set_use_adobe_id(action, 1, &error), error);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    execute_successfully(client, action);
    check_user("twin@example.com", "\"type\":\"federatedID\",\"groups\":[]");
    state = control("GET", "/state", NULL);
    CHECK_HAS(state, "\"type\":\"adobeID\",\"groups\":[\"Marketing\"]");
    free(state);
    umapi_client_free(client);
}

static void the_callers_request_id_is_sent_and_returned(void)
{
    const char *group = "No such group";
    umapi_client *client = new_client();
    umapi_action *action = user_action(PERSON);
    umapi_results *results;
    CHECK_OK(umapi_action_set_request_id(action, "row-17", &error), error);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    results = execute(client, action);
    CHECK_TEXT(umapi_finding_request_id(umapi_outcome_finding(umapi_results_get(results, 0), 0)), "row-17");
    CHECK_TEXT(umapi_finding_user(umapi_outcome_finding(umapi_results_get(results, 0), 0)), PERSON);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void create_change_and_delete_a_group(void)
{
    const char *people[] = {PERSON, "person000003@example.com"}, *profile = "Acrobat Pro DC";
    umapi_client *client = new_client();
    umapi_action *action = group_action("Night/shift");
    char *group;
    CHECK_OK(umapi_action_create_group(action, "after ten", UMAPI_ON_CONFLICT_ERROR, &error), error);
    CHECK_OK(umapi_action_add_users(action, people, 2, &error), error);
    CHECK_OK(umapi_action_add_products(action, &profile, 1, &error), error);
    execute_successfully(client, action);
    group = group_in_state("Night/shift");
    CHECK_HAS(group, "\"description\":\"after ten\"");
    CHECK_HAS(group, "\"profiles\":[\"Acrobat Pro DC\"]");
    free(group);
    check_user(PERSON, "Night/shift");

    action = group_action("Night/shift");
    CHECK_OK(umapi_action_remove_users(action, people, 1, &error), error);
    CHECK_OK(umapi_action_remove_products(action, &profile, 1, &error), error);
    CHECK_OK(umapi_action_update_group(action, "Day shift", "before ten", &error), error);
    execute_successfully(client, action);
    group = group_in_state("Day shift");
    CHECK_HAS(group, "\"description\":\"before ten\"");
    CHECK_HAS_NOT(group, "profiles");
    free(group);
    check_user(people[1], "Day shift");

    action = group_action("Day shift");
    CHECK_OK(umapi_action_delete_group(action, &error), error);
    execute_successfully(client, action);
    CHECK(group_in_state("Day shift") == NULL);
    umapi_client_free(client);
}

static void a_group_that_exists(void)
{
    umapi_client *client = new_client();
    umapi_action *action = group_action("Sales");
    umapi_results *results;
    char *group;
    CHECK_OK(umapi_action_create_group(action, NULL, UMAPI_ON_CONFLICT_ERROR, &error), error);
    results = execute(client, action);
    CHECK_TEXT(umapi_finding_code(umapi_outcome_finding(umapi_results_get(results, 0), 0)),
               "error.usergroup.already_exists");
    umapi_results_free(results);
    action = group_action("Sales");
    CHECK_OK(umapi_action_create_group(action, "sells", UMAPI_ON_CONFLICT_UPDATE, &error), error);
    execute_successfully(client, action);
    group = group_in_state("Sales");
    CHECK_HAS(group, "\"description\":\"sells\"");
    free(group);
    umapi_client_free(client);
}

static void any_command_as_json(void)
{
    const char *add = "{\"add\":{\"group\":[\"Marketing\"]}}", *create_json;
    umapi_client *client = new_client();
    umapi_action *action = user_action("made@example.com");
    create_json = "{\"createFederatedID\":{\"email\":\"made@example.com\",\"firstname\":\"M\",\"lastname\":\"Ade\","
                  "\"country\":\"NL\",\"future\":{\"x\":1}}}";
    CHECK_OK(umapi_action_append_json(action, add, strlen(add), &error), error);
    CHECK_OK(umapi_action_insert_json(action, 0, create_json, strlen(create_json), &error), error);
    CHECK_INT(umapi_action_command_count(action), 2);
    CHECK_TEXT(umapi_action_command_json(action, 0), create_json);
    CHECK_TEXT(umapi_action_command_json(action, 1), add);
    execute_successfully(client, action);
    check_user("made@example.com", "\"groups\":[\"Marketing\"]");
    umapi_client_free(client);
}

static void a_command_that_the_service_does_not_know(void)
{
    const char *json = "{\"teleport\":{\"to\":\"Mars\"}}";
    umapi_client *client = new_client();
    umapi_action *action = user_action(PERSON);
    umapi_results *results;
    const umapi_finding *finding;
    CHECK_OK(umapi_action_append_json(action, json, strlen(json), &error), error);
    results = execute(client, action);
    finding = umapi_outcome_finding(umapi_results_get(results, 0), 0);
    CHECK_TEXT(umapi_finding_code(finding), "error.command.step.unknown");
    CHECK_TEXT(umapi_finding_command_json(finding), json);
    umapi_results_free(results);
    umapi_client_free(client);
}

int main(void)
{
    RUN(create_each_type_of_account);
    RUN(create_with_a_username_that_is_not_the_email);
    RUN(the_three_options_on_conflict);
    RUN(update);
    RUN(memberships);
    RUN(remove_from_the_organisation);
    RUN(a_user_by_username_and_domain);
    RUN(the_adobe_id_of_two_accounts_with_one_email);
    RUN(the_callers_request_id_is_sent_and_returned);
    RUN(create_change_and_delete_a_group);
    RUN(a_group_that_exists);
    RUN(any_command_as_json);
    RUN(a_command_that_the_service_does_not_know);
    return all_passed();
}
