/* Tests of many actions: they are split, batched, and sent at once or from a queue, and each has its own true outcome. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

/* An action that creates a user and adds it to a group. */
static umapi_action *newcomer(int number, const char *group)
{
    umapi_action *action = creation(number);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    return action;
}

static void actions_are_sent_ten_to_a_request(void)
{
    umapi_client *client = new_client();
    umapi_action *actions[25];
    umapi_results *results;
    int i;
    for (i = 0; i < 25; i++) {
        actions[i] = newcomer(i, "Sales");
    }
    results = execute_all(client, actions, 25);
    CHECK_INT(umapi_results_length(results), 25);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 25);
    for (i = 0; i < 25; i++) {
        CHECK_INT(umapi_outcome_tag(umapi_results_get(results, (size_t)i)), i);
        CHECK_INT(umapi_outcome_applied(umapi_results_get(results, (size_t)i)), 2);
    }
    CHECK_INT(requests_to("action"), 3);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void one_failed_action_does_not_affect_the_others(void)
{
    umapi_client *client = new_client();
    umapi_action *actions[10];
    umapi_results *results;
    const umapi_finding *finding;
    int i;
    for (i = 0; i < 10; i++) {
        actions[i] = newcomer(i, i == 6 ? "Ghosts" : "Sales");
    }
    results = execute_all(client, actions, 10);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 9);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 6)), UMAPI_OUTCOME_FAILED);
    CHECK_INT(umapi_outcome_applied(umapi_results_get(results, 6)), 1);
    CHECK_TEXT(umapi_outcome_target(umapi_results_get(results, 6)), "newcomer6@example.com");
    CHECK_INT(umapi_outcome_finding_count(umapi_results_get(results, 6)), 1);
    finding = umapi_outcome_finding(umapi_results_get(results, 6), 0);
    CHECK_INT(umapi_finding_severity(finding), UMAPI_SEVERITY_ERROR);
    CHECK_INT(umapi_finding_command(finding), 1);
    CHECK_TEXT(umapi_finding_command_json(finding), "{\"add\":{\"group\":[\"Ghosts\"]}}");
    CHECK_TEXT(umapi_finding_code(finding), "error.group.not_found");
    CHECK_TEXT(umapi_finding_message(finding), "no group Ghosts");
    umapi_results_free(results);
    umapi_client_free(client);
}

static void make_teams(const umapi_client *client, int count)
{
    umapi_action *actions[64];
    umapi_results *results;
    char name[32];
    int i;
    for (i = 0; i < count; i++) {
        sprintf(name, "Team %02d", i);
        actions[i] = group_action(name);
        CHECK_OK(umapi_action_create_group(actions[i], NULL, UMAPI_ON_CONFLICT_ERROR, &error), error);
    }
    results = execute_all(client, actions, (size_t)count);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), count);
    umapi_results_free(results);
}

/* 25 names become three steps, and an error in the third is reported for the caller's one command. */
static void a_long_list_is_split_and_reported_as_one_command(void)
{
    static char names[26][32];
    const char *groups[26];
    umapi_client *client = new_client();
    umapi_action *action = user_action("person000002@example.com");
    umapi_results *results;
    const umapi_finding *finding;
    char *ledger;
    int i;
    make_teams(client, 25);
    for (i = 0; i < 26; i++) {
        sprintf(names[i], "Team %02d", i);
        groups[i] = names[i];
    }
    CHECK_OK(umapi_action_add_to_groups(action, groups, 25, &error), error);
    execute_successfully(client, action);
    ledger = control("GET", "/ledger", NULL);
    CHECK_INT(occurrences(ledger, "{\"add\":{\"group\":"), 3);
    free(ledger);

    action = user_action("person000003@example.com");
    CHECK_OK(umapi_action_remove_from_all_groups(action, &error), error);
    CHECK_OK(umapi_action_add_to_groups(action, groups, 26, &error), error); /* there is no Team 25 */
    results = execute(client, action);
    finding = umapi_outcome_finding(umapi_results_get(results, 0), 0);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_FAILED);
    CHECK_INT(umapi_outcome_applied(umapi_results_get(results, 0)), 1);
    CHECK_INT(umapi_finding_command(finding), 1);
    CHECK_HAS(umapi_finding_command_json(finding), "Team 00");
    CHECK_HAS(umapi_finding_command_json(finding), "Team 25");
    umapi_results_free(results);
    umapi_client_free(client);
}

/* More than ten steps become several entries, which are in different requests, in order. */
static void many_steps_are_split_into_entries_in_order(void)
{
    umapi_client *client = new_client();
    umapi_action *action = user_action("person000002@example.com");
    char name[32], *user, *ledger;
    int i;
    for (i = 0; i < 25; i++) {
        sprintf(name, "Name %02d", i);
        CHECK_OK(umapi_action_update_user(action, NULL, NULL, name, NULL, &error), error);
    }
    execute_successfully(client, action);
    user = user_in_state("person000002@example.com");
    CHECK_HAS(user, "\"firstname\":\"Name 24\"");
    CHECK_INT(requests_to("action"), 3);
    ledger = control("GET", "/ledger", NULL);
    CHECK(strstr(ledger, "Name 09") < strstr(ledger, "Name 10"));
    free(user);
    free(ledger);
    umapi_client_free(client);
}

static void one_target_is_never_twice_in_a_request(void)
{
    umapi_client *client = new_client();
    umapi_action *actions[3];
    umapi_results *results;
    char *user;
    int i;
    for (i = 0; i < 3; i++) {
        const char *name = i == 0 ? "First" : i == 1 ? "Second" : "Third";
        /* The names differ in letter case, which the service ignores. */
        actions[i] = user_action(i == 1 ? "PERSON000002@example.com" : "person000002@example.com");
        CHECK_OK(umapi_action_update_user(actions[i], NULL, NULL, name, NULL, &error), error);
    }
    results = execute_all(client, actions, 3);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 3);
    CHECK_INT(requests_to("action"), 3);
    user = user_in_state("person000002@example.com");
    CHECK_HAS(user, "\"firstname\":\"Third\"");
    free(user);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void only_one_group_is_deleted_in_a_request(void)
{
    umapi_client *client = new_client();
    umapi_action *actions[2];
    umapi_results *results;
    int i;
    make_teams(client, 2);
    for (i = 0; i < 2; i++) {
        actions[i] = group_action(i == 0 ? "Team 00" : "Team 01");
        CHECK_OK(umapi_action_delete_group(actions[i], &error), error);
    }
    results = execute_all(client, actions, 2);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 2);
    CHECK_INT(requests_to("action"), 3);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void the_limits_can_be_set(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_action *actions[4];
    umapi_results *results;
    const char *groups[] = {"Sales", "Marketing", "Engineering"};
    char *ledger;
    int i;
    CHECK_OK(umapi_client_options_set_batch_limits(options, 2, 10, 1, &error), error);
    client = new_client_with(options);
    for (i = 0; i < 4; i++) {
        actions[i] = newcomer(i, "Sales");
        CHECK_OK(umapi_action_add_to_groups(actions[i], groups, 3, &error), error);
    }
    results = execute_all(client, actions, 4);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 4);
    CHECK_INT(requests_to("action"), 2);
    ledger = control("GET", "/ledger", NULL);
    CHECK_INT(occurrences(ledger, "{\"add\":{\"group\":"), 16);
    free(ledger);
    umapi_results_free(results);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void a_request_that_fails_affects_its_own_actions_only(void)
{
    umapi_client *client = new_client();
    umapi_action *actions[30];
    umapi_results *results;
    int i;
    for (i = 0; i < 30; i++) {
        actions[i] = newcomer(i, "Sales");
    }
    add_fault("{'endpoint':'action','match':{'body_contains':'newcomer15@'},'fault':{'status':{'code':404,'body':'result'}}}");
    results = execute_all(client, actions, 30);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 20);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_FAILED), 10);
    for (i = 0; i < 30; i++) {
        const umapi_outcome *outcome = umapi_results_get(results, (size_t)i);
        int in_bad_request = i >= 10 && i < 20;
        CHECK_INT(umapi_outcome_kind(outcome), in_bad_request ? UMAPI_OUTCOME_FAILED : UMAPI_OUTCOME_SUCCEEDED);
        if (in_bad_request) {
            CHECK_INT(umapi_error_http_status(umapi_outcome_error(outcome)), 404);
            CHECK_TEXT(umapi_error_code(umapi_outcome_error(outcome)), "error.sandbox.404");
        }
    }
    umapi_results_free(results);
    umapi_client_free(client);
}

/* The answer is lost after the work: actions that may run twice are sent again, the others are unknown. */
static void a_lost_answer_is_reported_truthfully(void)
{
    umapi_client *client = new_client();
    umapi_action *action;
    umapi_results *results;
    add_fault("{'endpoint':'action','times':1,'fault':{'reset':{'at':'after_work'}}}");
    results = execute(client, newcomer(1, "Sales"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_SUCCEEDED);
    CHECK_INT(requests_to("action"), 2);
    umapi_results_free(results);

    control_only("DELETE", "/faults", NULL);
    add_fault("{'endpoint':'action','times':1,'fault':{'reset':{'at':'after_work'}}}");
    action = user_action("newcomer1@example.com");
    CHECK_OK(umapi_action_update_user(action, "renamed@example.com", NULL, NULL, NULL, &error), error);
    results = execute(client, action);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_UNKNOWN);
    CHECK(umapi_outcome_error(umapi_results_get(results, 0)) != NULL);
    CHECK_INT(requests_to("action"), 3);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void an_action_that_was_never_sent_is_reported_so(void)
{
    umapi_client *client = new_client();
    umapi_results *results;
    umapi_client_options *options = new_options();
    umapi_client_free(client);
    CHECK_OK(umapi_client_options_set_retry(options, 2, 1, 1000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'token','fault':{'status':{'code':400,'body':'ims'}}}");
    results = execute(client, newcomer(1, "Sales"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_NOT_SENT);
    CHECK_INT(umapi_error_status(umapi_outcome_error(umapi_results_get(results, 0))), UMAPI_STATUS_AUTH);
    CHECK_INT(requests_to("action"), 0);
    umapi_results_free(results);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void a_queue_sends_whenever_it_has_ten_actions(void)
{
    umapi_client *client = new_client();
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    int i;
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    for (i = 0; i < 23; i++) {
        umapi_action *action = newcomer(i, "Sales");
        CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
        umapi_action_free(action);
        CHECK_INT(requests_to("action"), (i + 1) / 10);
        CHECK_INT(umapi_queue_pending(queue), (i + 1) % 10);
        CHECK_INT(umapi_client_actions_queued(client), (i + 1) % 10);
    }
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 20);
    umapi_results_free(results);
    CHECK_OK(umapi_queue_flush(queue, NULL, &error), error);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_length(results), 3);
    CHECK_INT(umapi_outcome_tag(umapi_results_get(results, 0)), 20);
    CHECK_INT(umapi_queue_pending(queue), 0);
    umapi_results_free(results);
    umapi_queue_free(queue);
    CHECK_INT(requests_to("action"), 3);
    umapi_client_free(client);
}

static void a_queue_that_is_freed_sends_nothing(void)
{
    umapi_client *client = new_client();
    umapi_queue *queue = NULL;
    umapi_action *action = newcomer(1, "Sales");
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
    umapi_action_free(action);
    umapi_queue_free(queue);
    CHECK_INT(requests_to("action"), 0);
    CHECK_INT(umapi_client_actions_queued(client), 0);
    umapi_client_free(client);
}

static void an_action_can_be_executed_again(void)
{
    umapi_client *client = new_client();
    umapi_action *action = newcomer(1, "Sales");
    const umapi_action *one = action;
    umapi_results *results = NULL;
    int i;
    for (i = 0; i < 2; i++) {
        CHECK_OK(umapi_client_execute(client, NULL, &one, 1, &results, &error), error);
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
        umapi_results_free(results);
    }
    CHECK_INT(requests_to("action"), 2);
    umapi_action_free(action);
    umapi_client_free(client);
}

static void test_mode_changes_nothing_and_is_reported(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_results *results;
    char *before = control("GET", "/state", NULL), *after, *requests;
    CHECK_OK(umapi_client_options_set_test_mode(options, 1, &error), error);
    client = new_client_with(options);
    results = execute(client, newcomer(1, "Sales"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_SUCCEEDED);
    CHECK_INT(umapi_outcome_is_test(umapi_results_get(results, 0)), 1);
    after = control("GET", "/state", NULL);
    CHECK_TEXT(after, before);
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "\"query\":\"testOnly=true\"");
    free(before);
    free(after);
    free(requests);
    umapi_results_free(results);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static umapi_action *account_delete(void)
{
    umapi_action *action = user_action("person000002@example.com");
    CHECK_OK(umapi_action_remove_from_org(action, 1, &error), error);
    return action;
}

/* The service has deleted accounts in test mode; therefore it needs an additional option. */
static void account_deletes_in_test_mode_need_an_option(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_results *results;
    const umapi_error *refusal;
    CHECK_OK(umapi_client_options_set_test_mode(options, 1, &error), error);
    client = new_client_with(options);
    results = execute(client, account_delete());
    refusal = umapi_outcome_error(umapi_results_get(results, 0));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_NOT_SENT);
    CHECK_INT(umapi_error_status(refusal), UMAPI_STATUS_INVALID_ARGUMENT);
    CHECK_HAS(umapi_error_message(refusal), "delete_account");
    CHECK_INT(requests_to("action"), 0);
    umapi_results_free(results);
    umapi_client_free(client);

    CHECK_OK(umapi_client_options_set_account_deletes_in_test_mode(options, 1, &error), error);
    client = new_client_with(options);
    execute_successfully(client, account_delete());
    CHECK_INT(requests_to("action"), 1);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

int main(void)
{
    RUN(actions_are_sent_ten_to_a_request);
    RUN(one_failed_action_does_not_affect_the_others);
    RUN(a_long_list_is_split_and_reported_as_one_command);
    RUN(many_steps_are_split_into_entries_in_order);
    RUN(one_target_is_never_twice_in_a_request);
    RUN(only_one_group_is_deleted_in_a_request);
    RUN(the_limits_can_be_set);
    RUN(a_request_that_fails_affects_its_own_actions_only);
    RUN(a_lost_answer_is_reported_truthfully);
    RUN(an_action_that_was_never_sent_is_reported_so);
    RUN(a_queue_sends_whenever_it_has_ten_actions);
    RUN(a_queue_that_is_freed_sends_nothing);
    RUN(an_action_can_be_executed_again);
    RUN(test_mode_changes_nothing_and_is_reported);
    RUN(account_deletes_in_test_mode_need_an_option);
    return all_passed();
}
