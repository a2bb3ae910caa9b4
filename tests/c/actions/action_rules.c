/* Tests of the rules that the library itself enforces on actions: which may be sent twice, which could delete an account,
   the order of commands and of requests, unreachable hosts, and that a call which fails has no effect. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PERSON "person000002@example.com"

static umapi_error *error;

static umapi_status append(umapi_action *action, const char *json)
{
    return umapi_action_append_json(action, json, strlen(json), &error);
}

static umapi_status insert_first(umapi_action *action, const char *json)
{
    return umapi_action_insert_json(action, 0, json, strlen(json), &error);
}

static void check_refused(umapi_status status, const char *part)
{
    CHECK_FAILS(status, UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), part);
    umapi_error_free(error);
    error = NULL;
}

/* ---- Actions that may be sent twice ---- */

static long requests_for(const umapi_client *client, const char *json, int32_t *kind)
{
    umapi_action *action = user_action("newcomer@example.com");
    umapi_results *results;
    long before = requests_to("action");
    CHECK_OK(append(action, json), error);
    results = execute(client, action);
    *kind = umapi_outcome_kind(umapi_results_get(results, 0));
    umapi_results_free(results);
    return requests_to("action") - before;
}

static void only_known_commands_are_sent_twice(void)
{
    const char *const unknown[] = {
        "{\"createFederatedID\":{\"email\":\"newcomer@example.com\",\"option\":\"errorIfAlreadyExists\"}}",
        "{\"createFederatedID\":{\"email\":\"newcomer@example.com\",\"option\":null}}",
        "{\"createFederatedID\":{\"email\":\"newcomer@example.com\",\"option\":\"IGNOREIFALREADYEXISTS\"}}",
        "{\"createFederatedID\":{\"email\":\"newcomer@example.com\",\"option\":\"ignoreIfAlreadyExists\",\"mail\":true}}",
        "{\"update\":{\"firstname\":\"A\",\"counter\":1}}",
        "{\"add\":{\"group\":[\"Sales\"],\"notify\":true}}",
        "{\"removeFromOrg\":{\"deleteAccount\":\"true\"}}",
        "{\"teleport\":{}}",
    };
    const char *known =
        "{\"createFederatedID\":{\"email\":\"newcomer@example.com\",\"option\":\"updateIfAlreadyExists\"}}";
    umapi_client *client = new_client();
    int32_t kind;
    size_t i;
    add_fault("{'endpoint':'action','fault':{'status':{'code':503}}}");
    for (i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        CHECK_INT(requests_for(client, unknown[i], &kind), 1);
        CHECK_INT(kind, UMAPI_OUTCOME_UNKNOWN);
    }
    CHECK_INT(requests_for(client, known, &kind), 4);
    CHECK_INT(kind, UMAPI_OUTCOME_UNKNOWN);
    umapi_client_free(client);
}

/* ---- Actions that could delete an account ---- */

static void actions_that_could_delete_an_account_are_refused_in_test_mode(void)
{
    const char *const deletes[] = {
        "{\"removeFromOrg\":{\"deleteAccount\":true}}",     "{\"removeFromOrg\":{\"deleteAccount\":\"true\"}}",
        "{\"removeFromOrg\":{\"deleteAccount\":\"TRUE\"}}", "{\"removeFromOrg\":{\"deleteAccount\":1}}",
        "{\"removeFromOrg\":{\"deleteAccount\":null}}",     "{\"removeFromOrg\":{\"DeleteAccount\":true}}",
        "{\"RemoveFromOrg\":{\"deleteAccount\":true}}",     "{\"removeFromOrg\":null}",
        "{\"update\":{\"deleteAccount\":true}}",            "{\"deleteUser\":{}}",
    };
    const char *twice = "{\"removeFromOrg\":{\"deleteAccount\":false,\"deleteAccount\":true}}";
    const char *harmless = "{\"removeFromOrg\":{\"deleteAccount\":false}}";
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_action *action;
    int32_t kind;
    size_t i;
    CHECK_OK(umapi_client_options_set_test_mode(options, 1, &error), error);
    client = new_client_with(options);
    for (i = 0; i < sizeof deletes / sizeof *deletes; i++) {
        CHECK_INT(requests_for(client, deletes[i], &kind), 0);
        CHECK_INT(kind, UMAPI_OUTCOME_NOT_SENT);
    }
    CHECK_INT(requests_for(client, harmless, &kind), 1);
    action = user_action(PERSON);
    check_refused(append(action, twice), "occurs twice");
    check_refused(append(action, "{\"add\":{\"group\":[\"A\"]},\"add\":{\"group\":[\"B\"]}}"), "occurs twice");
    CHECK_INT(umapi_action_command_count(action), 0);
    umapi_action_free(action);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- The order of commands ---- */

static void builders_and_json_have_the_same_rules_of_order(void)
{
    const char *add = "{\"add\":{\"group\":[\"Sales\"]}}", *create, *remove;
    umapi_action *action = user_action("newcomer@example.com");
    create = "{\"createFederatedID\":{\"email\":\"newcomer@example.com\"}}";
    remove = "{\"removeFromOrg\":{\"deleteAccount\":false}}";
    CHECK_OK(append(action, add), error);
    check_refused(insert_first(action, remove), "goes last");
    check_refused(append(action, create), "goes first");
    CHECK_OK(insert_first(action, create), error);
    check_refused(insert_first(action, add), "nothing can go before");
    check_refused(insert_first(action, create), "creates its target already");
    CHECK_OK(append(action, remove), error);
    check_refused(append(action, add), "nothing can follow");
    check_refused(append(action, remove), "nothing can follow");
    CHECK_INT(umapi_action_command_count(action), 3);
    umapi_action_free(action);

    action = group_action("Team");
    CHECK_OK(append(action, "{\"updateUserGroup\":{\"description\":\"d\"}}"), error);
    check_refused(insert_first(action, "{\"deleteUserGroup\":{}}"), "goes last");
    CHECK_OK(append(action, "{\"deleteUserGroup\":{}}"), error);
    check_refused(append(action, "{\"add\":{\"user\":[\"" PERSON "\"]}}"), "nothing can follow");
    CHECK_INT(umapi_action_command_count(action), 2);
    umapi_action_free(action);
}

/* ---- A group and its admins ---- */

static void the_admins_of_a_new_group_are_added_in_a_later_request(void)
{
    const char *const admins[] = {"_admin_New team", "_ADMIN_new team"};
    umapi_client *client = new_client();
    umapi_action *actions[3];
    umapi_results *results;
    char *requests;
    const char *creation, *joining;
    int i;
    actions[0] = group_action("New team");
    CHECK_OK(umapi_action_create_group(actions[0], NULL, UMAPI_ON_CONFLICT_ERROR, &error), error);
    for (i = 0; i < 2; i++) {
        actions[i + 1] = user_action(i == 0 ? PERSON : "person000003@example.com");
        CHECK_OK(umapi_action_add_to_groups(actions[i + 1], &admins[i], 1, &error), error);
    }
    results = execute_all(client, actions, 3);
    CHECK_INT(requests_to("action"), 2);
    requests = control("GET", "/requests", NULL);
    creation = strstr(requests, "createUserGroup");
    joining = strstr(requests, "_admin_New team");
    CHECK(creation != NULL && joining != NULL && creation < joining);
    free(requests);
    umapi_results_free(results);
    umapi_client_free(client);
}

/* ---- Unreachable hosts ---- */

static void count_attempts(const umapi_progress *progress, void *user_data)
{
    *(int *)user_data += umapi_progress_kind(progress) == UMAPI_PROGRESS_ATTEMPT;
}

#define MANY 1000

static void an_unreachable_host_ends_a_run_after_two_requests(void)
{
    static umapi_action *actions[MANY];
    const char *group = "Sales";
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_call *call = umapi_call_new();
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    int attempts = 0;
    char email[64];
    size_t i;
    CHECK_OK(umapi_client_options_set_retry(options, 2, 1, 1000, &error), error);
    client = new_client_with(options);
    CHECK_OK(umapi_call_set_progress(call, count_attempts, &attempts, NULL, &error), error);
    for (i = 0; i < MANY; i++) {
        sprintf(email, "newcomer%lu@example.com", (unsigned long)i);
        actions[i] = user_action(email);
        CHECK_OK(umapi_action_add_to_groups(actions[i], &group, 1, &error), error);
    }
    control_only("POST", "/refuse", "{\"ms\":600000}");
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    for (i = 0; i < MANY; i++) {
        CHECK_OK(umapi_queue_add(queue, call, actions[i], &error), error);
    }
    CHECK_OK(umapi_queue_flush(queue, call, &error), error);
    CHECK_INT(attempts, 4);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), MANY);
    umapi_results_free(results);
    attempts = 0;
    CHECK_OK(umapi_client_execute(client, call, (const umapi_action *const *)actions, MANY, &results, &error), error);
    CHECK_INT(attempts, 4);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), MANY);
    CHECK_INT(umapi_error_status(umapi_outcome_error(umapi_results_get(results, MANY - 1))), UMAPI_STATUS_CONNECT);
    umapi_results_free(results);
    umapi_queue_free(queue);
    for (i = 0; i < MANY; i++) {
        umapi_action_free(actions[i]);
    }
    umapi_call_free(call);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- A call that fails has no effect ---- */

/* Ten actions fill a request. Without a free file descriptor the library cannot start to send it. */
static void a_queue_does_not_keep_an_action_that_it_refuses(void)
{
    umapi_client *client = new_client();
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    struct rlimit former, limit;
    const char *group = "Sales";
    char email[64], *ledger;
    int i, attempt, last;
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    for (i = 0; i < 10; i++) {
        umapi_action *action;
        sprintf(email, "person%06d@example.com", 5 * i + 2);
        action = user_action(email);
        CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
        if (i == 0) {
            CHECK_INT(getrlimit(RLIMIT_NOFILE, &former), 0);
            last = open("/dev/null", O_RDONLY);
            limit = former;
            limit.rlim_cur = (rlim_t)last + 1;
            CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
            for (attempt = 0; attempt < 3; attempt++) {
                CHECK_FAILS(umapi_queue_add(queue, NULL, action, &error), UMAPI_STATUS_INTERNAL, error);
                umapi_error_free(error);
                error = NULL;
                CHECK_INT(umapi_queue_pending(queue), 0);
                CHECK_INT(umapi_client_actions_queued(client), 0);
            }
            CHECK_INT(setrlimit(RLIMIT_NOFILE, &former), 0);
            close(last);
        }
        CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
        umapi_action_free(action);
    }
    CHECK_OK(umapi_queue_flush(queue, NULL, &error), error);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_length(results), 10);
    CHECK_INT(requests_to("action"), 1);
    ledger = control("GET", "/ledger", NULL);
    CHECK_INT(occurrences(ledger, "{\"add\":{\"group\":[\"Sales\"]}}"), 10);
    free(ledger);
    umapi_results_free(results);
    umapi_queue_free(queue);
    umapi_client_free(client);
}

static void a_setter_that_refuses_changes_nothing(void)
{
    umapi_action *action = user_action(PERSON);
    char *requests;
    umapi_client *client = new_client();
    CHECK_OK(umapi_action_create_user(action, UMAPI_IDENTITY_FEDERATED, PERSON, "A", "B", "US",
                                      UMAPI_ON_CONFLICT_IGNORE, &error),
             error);
    check_refused(umapi_action_create_user(action, UMAPI_IDENTITY_ADOBE, PERSON, NULL, NULL, NULL,
                                           UMAPI_ON_CONFLICT_IGNORE, &error),
                  "creates its target already");
    umapi_results_free(execute(client, action));
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "createFederatedID");
    CHECK_HAS_NOT(requests, "useAdobeID");
    free(requests);
    umapi_client_free(client);
}

/* ---- Cancelled before they are sent ---- */

static void a_call_with_many_actions_ends_soon_after_its_deadline(void)
{
    enum { COUNT = 200000 };
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    const umapi_action **actions = malloc(COUNT * sizeof *actions);
    umapi_action *action = user_action(PERSON);
    umapi_results *results = NULL;
    const char *group = "Sales";
    size_t i;
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    for (i = 0; i < COUNT; i++) {
        actions[i] = action;
    }
    CHECK_OK(umapi_call_set_timeout_ms(call, 1, &error), error);
    CHECK_OK(umapi_client_execute(client, call, actions, COUNT, &results, &error), error);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), COUNT);
    CHECK_INT(umapi_error_status(umapi_outcome_error(umapi_results_get(results, COUNT - 1))), UMAPI_STATUS_DEADLINE);
    CHECK_INT(requests_to("action"), 0);
    umapi_results_free(results);
    umapi_action_free(action);
    free(actions);
    umapi_call_free(call);
    umapi_client_free(client);
}

int main(void)
{
    /* This test is the first, since no client has needed a file descriptor yet. */
    RUN(a_queue_does_not_keep_an_action_that_it_refuses);
    RUN(only_known_commands_are_sent_twice);
    RUN(actions_that_could_delete_an_account_are_refused_in_test_mode);
    RUN(builders_and_json_have_the_same_rules_of_order);
    RUN(the_admins_of_a_new_group_are_added_in_a_later_request);
    RUN(an_unreachable_host_ends_a_run_after_two_requests);
    RUN(a_setter_that_refuses_changes_nothing);
    RUN(a_call_with_many_actions_ends_soon_after_its_deadline);
    return all_passed();
}
