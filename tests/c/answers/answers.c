/* Tests of where an answer comes from and whether it is consistent: a part that the rest contradicts is not trusted. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIREWALL "'<html><body><h1>Request blocked</h1>Support ID 4711</body></html>'"
#define MIGRATING "{'result':'error.organization.migrating','message':'back at noon'}"
#define THROTTLE "{'error_code':'429050','message':'Too many requests'}"
#define CAPACITY 64

static umapi_error *error;

static void clear_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

static umapi_client *client_with(int attempts, int test_mode)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, attempts, 1, 1000, &error), error);
    CHECK_OK(umapi_client_options_set_test_mode(options, test_mode, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

/* Makes the sandbox answer every request to the endpoint with this; `rest` are further fields of the rule. */
static void answer_with(const char *endpoint, int status, const char *body, const char *rest)
{
    char rule[2048];
    snprintf(rule, sizeof rule, "{'endpoint':'%s',%s'fault':{'answer':{'status':%d,'body':%s}}}", endpoint, rest, status,
             body);
    add_fault(rule);
}

static umapi_action *joining(int number, const char *group)
{
    char email[64];
    umapi_action *action;
    sprintf(email, "person%06d@example.com", number);
    action = user_action(email);
    umapi_action_set_tag(action, (uint64_t)number);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    return action;
}

static umapi_results *execute_newcomers(const umapi_client *client, int count)
{
    umapi_action *actions[CAPACITY];
    int i;
    for (i = 0; i < count; i++) {
        actions[i] = creation(i);
    }
    return execute_all(client, actions, (size_t)count);
}

/* ---- The origin of an answer ---- */

static void a_firewall_that_refuses_one_name_affects_one_action(void)
{
    umapi_client *client = client_with(2, 0);
    umapi_results *results;
    int i;
    answer_with("action", 403, FIREWALL, "'match':{'body_contains':'newcomer17@'},");
    results = execute_newcomers(client, 45);
    for (i = 0; i < 45; i++) {
        const umapi_outcome *outcome = umapi_results_get(results, (size_t)i);
        const umapi_error *refusal = umapi_outcome_error(outcome);
        CHECK_INT(umapi_outcome_kind(outcome), i == 17 ? UMAPI_OUTCOME_FAILED : UMAPI_OUTCOME_SUCCEEDED);
        if (i == 17) {
            CHECK_INT(umapi_error_status(refusal), UMAPI_STATUS_REJECTED);
            CHECK_INT(umapi_error_http_status(refusal), 403);
            CHECK_HAS(umapi_error_message(refusal), "Support ID 4711");
            CHECK_HAS(umapi_error_message(refusal), "a proxy or firewall");
        }
    }
    umapi_results_free(results);
    umapi_client_free(client);
}

static void a_firewall_that_refuses_long_bodies_affects_no_action(void)
{
    umapi_client *client = client_with(2, 0);
    umapi_action *actions[10];
    umapi_results *results;
    char description[2001] = "", name[32];
    int i;
    memset(description, 'x', sizeof description - 1);
    for (i = 0; i < 10; i++) {
        sprintf(name, "Team %d", i);
        actions[i] = group_action(name);
        CHECK_OK(umapi_action_create_group(actions[i], description, UMAPI_ON_CONFLICT_ERROR, &error), error);
    }
    answer_with("action", 403, "{'blocked':true}", "'match':{'body_longer_than':8192},");
    results = execute_all(client, actions, 10);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 10);
    umapi_results_free(results);
    umapi_client_free(client);
}

/* If every request is refused, the reason is not one action, and the rest is not tried one by one. */
static void a_firewall_that_refuses_everything_ends_the_run(void)
{
    umapi_client *client = client_with(2, 0);
    umapi_results *results;
    answer_with("action", 403, FIREWALL, "");
    results = execute_newcomers(client, 45);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_FAILED), 20);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), 25);
    CHECK_HAS(umapi_error_message(umapi_outcome_error(umapi_results_get(results, 44))), "a proxy or firewall");
    umapi_results_free(results);
    umapi_client_free(client);
}

static void what_the_service_itself_forbids_ends_the_run(void)
{
    const char *const bodies[] = {"''", "{'error_code':'403000','message':'Api Key is invalid'}",
                                  "{'result':'error.apikey.invalid'}"};
    size_t i;
    for (i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        umapi_client *client = client_with(2, 0);
        umapi_results *results;
        control_only("POST", "/reset", NULL);
        answer_with("action", 403, bodies[i], "");
        results = execute_newcomers(client, 45);
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_FAILED), 10);
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), 35);
        CHECK_INT(umapi_error_status(umapi_outcome_error(umapi_results_get(results, 44))), UMAPI_STATUS_FORBIDDEN);
        CHECK_INT(requests_to("action"), 1);
        umapi_results_free(results);
        umapi_client_free(client);
    }
}

typedef struct source {
    const char *endpoint;
    operation call;
} source;

static const source SOURCES[] = {
    {"user", find_user},
    {"users", next_page_of_users},
    {"groups", next_page_of_groups},
    {"user-groups", next_page_of_user_groups},
    {"action", execute_action},
};

enum { SOURCE_COUNT = sizeof SOURCES / sizeof *SOURCES };

/* The status of the call or of its action's outcome. The message is checked if the call returns it. */
static umapi_status status_when(const source *source, int status, const char *body)
{
    umapi_client *client = client_with(2, 0);
    umapi_status result;
    control_only("POST", "/reset", NULL);
    answer_with(source->endpoint, status, body, "");
    result = source->call(client, NULL, &error);
    umapi_client_free(client);
    return result;
}

static void a_refusal_from_elsewhere_is_reported_as_such(void)
{
    size_t i;
    for (i = 0; i < SOURCE_COUNT - 1; i++) {
        CHECK_INT(status_when(&SOURCES[i], 403, FIREWALL), UMAPI_STATUS_REJECTED);
        CHECK_HAS(umapi_error_message(error), "a proxy or firewall");
        CHECK_HAS(umapi_error_message(error), "Support ID 4711");
        clear_error();
        CHECK_INT(requests_to(SOURCES[i].endpoint), 1);
        CHECK_INT(status_when(&SOURCES[i], 403, "''"), UMAPI_STATUS_FORBIDDEN);
        clear_error();
    }
}

static void a_throttle_is_recognised_with_any_status(void)
{
    const int statuses[] = {200, 403, 429, 503};
    size_t i, j;
    for (i = 0; i < SOURCE_COUNT; i++) {
        for (j = 0; j < sizeof statuses / sizeof *statuses; j++) {
            CHECK_INT(status_when(&SOURCES[i], statuses[j], THROTTLE), UMAPI_STATUS_THROTTLED);
            CHECK_TEXT(umapi_error_code(error), error == NULL ? NULL : "429050");
            clear_error();
            CHECK_INT(requests_to(SOURCES[i].endpoint), 2);
        }
    }
}

static void a_throttled_action_is_sent_again_and_not_unknown(void)
{
    umapi_client *client = client_with(3, 0);
    umapi_results *results;
    answer_with("action", 200, THROTTLE, "'times':1,");
    execute_successfully(client, renaming("renamed@example.com"));
    control_only("DELETE", "/faults", NULL);
    answer_with("action", 503, THROTTLE, "");
    results = execute(client, renaming("again@example.com"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_NOT_SENT);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void an_error_of_the_whole_request_may_come_with_200(void)
{
    umapi_client *client;
    umapi_results *results;
    const umapi_error *refusal;
    size_t i;
    for (i = 0; i < SOURCE_COUNT - 1; i++) {
        CHECK_INT(status_when(&SOURCES[i], 200, MIGRATING), UMAPI_STATUS_FORBIDDEN);
        CHECK_TEXT(umapi_error_code(error), "error.organization.migrating");
        CHECK_HAS(umapi_error_message(error), "back at noon");
        clear_error();
        CHECK_INT(requests_to(SOURCES[i].endpoint), 1);
    }
    control_only("POST", "/reset", NULL);
    client = client_with(4, 0);
    answer_with("action", 200, MIGRATING, "");
    results = execute(client, membership("Marketing"));
    refusal = umapi_outcome_error(umapi_results_get(results, 0));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_FAILED);
    CHECK_TEXT(umapi_error_code(refusal), "error.organization.migrating");
    CHECK_HAS(umapi_error_message(refusal), "back at noon");
    CHECK_INT(requests_to("action"), 1);
    umapi_results_free(results);
    umapi_client_free(client);
}

static void a_malformed_command_is_found_whatever_the_status(void)
{
    umapi_client *client = client_with(2, 0);
    umapi_results *results;
    answer_with("action", 200, "{'result':'error.command.malformed','message':'no such step'}",
                "'match':{'body_contains':'newcomer3@'},");
    results = execute_newcomers(client, 10);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 9);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 3)), UMAPI_OUTCOME_FAILED);
    CHECK_TEXT(umapi_error_code(umapi_outcome_error(umapi_results_get(results, 3))), "error.command.malformed");
    umapi_results_free(results);
    umapi_client_free(client);
}

/* ---- Not found ---- */

static umapi_status find_user_when(int http_status, const char *body)
{
    umapi_client *client = client_with(1, 0);
    umapi_user *user = NULL;
    umapi_status status;
    control_only("POST", "/reset", NULL);
    answer_with("user", http_status, body, "");
    status = umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error);
    CHECK(user == NULL);
    umapi_client_free(client);
    return status;
}

static void only_an_answer_about_the_user_means_no_such_user(void)
{
    const char *const users[] = {"''", "{'result':'error.user.not_found','message':'m'}",
                                 "{'result':'error.user.nonexistent'}",
                                 "{'errorCode':'error.user.not_found','errorMessage':'m'}"};
    const struct {
        int http_status;
        const char *body;
        umapi_status status;
        const char *message;
    } others[] = {
        {404, "{'result':'error.organization.invalid_id','message':'no such org'}", UMAPI_STATUS_NOT_FOUND, "no such org"},
        {404, "{'result':'Not found'}", UMAPI_STATUS_NOT_FOUND, "Not found"},
        {404, "{'errorMessage':'words'}", UMAPI_STATUS_NOT_FOUND, "words"},
        {404, "{'message':'no Route matched with those values'}", UMAPI_STATUS_PROTOCOL, "no Route matched"},
        {404, "{'error_code':'404000','message':'words'}", UMAPI_STATUS_PROTOCOL, "words"},
        {404, "{'timestamp':'t','status':404,'error':'Not Found','path':'/x'}", UMAPI_STATUS_PROTOCOL, "Not Found"},
        {404, "'404 page not found'", UMAPI_STATUS_PROTOCOL, "404 page not found"},
        {200, "{'result':'error.organization.invalid_id','message':'no such org'}", UMAPI_STATUS_NOT_FOUND, "no such org"},
        {200, "{'result':'Not found'}", UMAPI_STATUS_PROTOCOL, "Not found"},
        {200, "{'result':'success'}", UMAPI_STATUS_PROTOCOL, "user"},
        {200, "''", UMAPI_STATUS_PROTOCOL, "user"},
    };
    size_t i;
    for (i = 0; i < sizeof users / sizeof *users; i++) {
        CHECK_INT(find_user_when(404, users[i]), UMAPI_OK);
    }
    for (i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK_INT(find_user_when(others[i].http_status, others[i].body), others[i].status);
        CHECK_HAS(umapi_error_message(error), others[i].message);
        clear_error();
    }
}

static void a_404_of_the_token_host_does_not_mean_no_such_user(void)
{
    const char *const bodies[] = {"''", "{'result':'error.user.not_found'}"};
    size_t i;
    for (i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        umapi_client *client = client_with(1, 0);
        control_only("POST", "/reset", NULL);
        answer_with("token", 404, bodies[i], "");
        CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
        clear_error();
        umapi_client_free(client);
    }
}

/* Reads the users of a group to the end, or up to an error. */
static umapi_status read_group(const umapi_client *client, const char *group, size_t *count)
{
    umapi_user_query *query = umapi_user_query_new();
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    umapi_status status;
    if (group != NULL) {
        CHECK_OK(umapi_user_query_set_group(query, group, &error), error);
    }
    CHECK_OK(umapi_client_users(client, query, &users, &error), error);
    *count = 0;
    while ((status = umapi_users_next(users, NULL, &user, &error)) == UMAPI_OK && user != NULL) {
        ++*count;
    }
    umapi_users_free(users);
    umapi_user_query_free(query);
    return status;
}

static void only_an_answer_of_the_service_means_no_such_group(void)
{
    const struct {
        int http_status;
        const char *body;
        umapi_status status;
        int is_about_the_group;
    } cases[] = {
        {404, "{'result':'error.group.not_found'}", UMAPI_STATUS_NOT_FOUND, 1},
        {404, "''", UMAPI_STATUS_NOT_FOUND, 1},
        {200, "{'result':'Not found','lastPage':true}", UMAPI_STATUS_NOT_FOUND, 1},
        {404, "{'result':'error.organization.invalid_id'}", UMAPI_STATUS_NOT_FOUND, 0},
        {404, "{'message':'no Route matched with those values'}", UMAPI_STATUS_PROTOCOL, 0},
        {404, "{'status':404,'error':'Not Found','path':'/x'}", UMAPI_STATUS_PROTOCOL, 0},
        {404, FIREWALL, UMAPI_STATUS_PROTOCOL, 0},
    };
    size_t i, count;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        umapi_client *client = client_with(1, 0);
        control_only("POST", "/reset", NULL);
        answer_with("users", cases[i].http_status, cases[i].body, "");
        CHECK_INT(read_group(client, "Sales", &count), cases[i].status);
        CHECK_INT(strstr(umapi_error_message(error), "no group \"Sales\"") != NULL, cases[i].is_about_the_group);
        clear_error();
        umapi_client_free(client);
    }
}

/* Every listing has a first page, so "not found" for it is an error. */
static void not_found_for_the_first_page_is_an_error(void)
{
    size_t i;
    for (i = 1; i < SOURCE_COUNT - 2; i++) {
        CHECK_INT(status_when(&SOURCES[i], 200, "{'result':'Not found','lastPage':true,'message':'words'}"),
                  UMAPI_STATUS_NOT_FOUND);
        CHECK_HAS(umapi_error_message(error), "Not found, words");
        CHECK_HAS(umapi_error_endpoint(error), SOURCES[i].endpoint);
        CHECK_INT(umapi_error_http_status(error), 200);
        clear_error();
    }
}

/* A 404 about the organisation, or from a host between, is not the end of a listing. */
static void a_listing_does_not_end_with_another_404(void)
{
    const char *const bodies[] = {"{'result':'error.organization.invalid_id'}", "{'result':'error.group.not_found'}",
                                  "{'message':'no Route matched with those values'}"};
    size_t i, count;
    for (i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        umapi_client *client = client_with(1, 0);
        control_only("POST", "/reset", NULL);
        add_fault("{'endpoint':'users','nth':[1],'fault':{'rewrite':{'remove':['/lastPage'],"
              "'headers':{'X-Page-Count':null,'X-Total-Count':null}}}}");
        answer_with("users", 404, bodies[i], "'match':{'path_contains':'AdobeOrg/1'},");
        CHECK(read_group(client, NULL, &count) != UMAPI_OK);
        clear_error();
        umapi_client_free(client);
    }
}

static void a_listing_of_another_group_is_an_error(void)
{
    umapi_client *client = client_with(1, 0);
    size_t count;
    CHECK_INT(read_group(client, "Sales", &count), UMAPI_OK);
    CHECK(count > 2);
    add_fault("{'endpoint':'users','fault':{'rewrite':{'set':{'/groupName':'sALES'}}}}");
    CHECK_INT(read_group(client, "Sales", &count), UMAPI_OK);
    CHECK(count > 2);
    control_only("DELETE", "/faults", NULL);
    add_fault("{'endpoint':'users','fault':{'rewrite':{'set':{'/groupName':'v2.0'}}}}");
    CHECK_INT(read_group(client, "v2.0.1 Testers", &count), UMAPI_STATUS_NOT_FOUND);
    clear_error();
    CHECK_INT(read_group(client, "Sales", &count), UMAPI_STATUS_NOT_FOUND);
    CHECK_INT(count, 0);
    CHECK_HAS(umapi_error_message(error), "\"v2.0\" in place of \"Sales\"");
    CHECK_HAS(umapi_error_message(error), "numeric group id");
    clear_error();
    umapi_client_free(client);
}

/* ---- The last page of a listing ---- */

static void a_last_page_that_the_count_denies(void)
{
    umapi_client *client = client_with(1, 0);
    size_t all, count;
    long requests;
    CHECK_INT(read_group(client, NULL, &all), UMAPI_OK);
    requests = requests_to("users");
    add_fault("{'endpoint':'users','nth':[1],'fault':{'rewrite':{'set':{'/lastPage':true}}}}");
    CHECK_INT(read_group(client, NULL, &count), UMAPI_OK);
    CHECK_INT(count, all);
    CHECK_INT(requests_to("users"), 2 * requests);
    umapi_client_free(client);
}

/* There is no page after it, so it was the last one. */
static void a_last_page_that_the_count_denies_wrongly(void)
{
    const char *const missing[] = {"'fault':{'answer':{'status':404,'body':{'result':'Not found'}}}",
                                   "'fault':{'answer':{'body':{'result':'Not found','lastPage':true}}}",
                                   "'fault':{'answer':{'status':404,'body':''}}"};
    size_t i, count;
    for (i = 0; i < sizeof missing / sizeof *missing; i++) {
        umapi_client *client = client_with(1, 0);
        char rule[256];
        control_only("POST", "/reset", NULL);
        add_fault("{'endpoint':'users','nth':[1],'fault':{'rewrite':{'set':{'/lastPage':true},"
              "'headers':{'X-Page-Count':'3'}}}}");
        snprintf(rule, sizeof rule, "{'endpoint':'users','match':{'path_contains':'AdobeOrg/1'},%s}", missing[i]);
        add_fault(rule);
        CHECK_INT(read_group(client, NULL, &count), UMAPI_OK);
        CHECK_INT(count, 20);
        umapi_client_free(client);
    }
}

static void a_count_that_the_pages_disprove(void)
{
    umapi_client *client = client_with(1, 0);
    size_t all, count;
    CHECK_INT(read_group(client, NULL, &all), UMAPI_OK);
    add_fault("{'endpoint':'users','fault':{'rewrite':{'remove':['/lastPage'],'headers':{'X-Page-Count':'1'}}}}");
    CHECK_INT(read_group(client, NULL, &count), UMAPI_OK);
    CHECK_INT(count, all);
    umapi_client_free(client);
}

static void an_empty_listing_whose_count_is_not_zero(void)
{
    umapi_client *client = client_with(1, 0);
    size_t all, count;
    CHECK_INT(read_group(client, NULL, &all), UMAPI_OK);
    add_fault("{'endpoint':'users','nth':[1],'fault':{'rewrite':{'set':{'/lastPage':true,'/users':[]}}}}");
    CHECK_INT(read_group(client, NULL, &count), UMAPI_OK);
    CHECK_INT(count, all - 20);
    umapi_client_free(client);
}

/* ---- Answers to actions ---- */

/* Executes three actions, whose answer is rewritten like this. */
static umapi_results *three_when(const char *rewriting, int test_mode, const char *third_group)
{
    umapi_client *client = client_with(2, test_mode);
    umapi_action *actions[3];
    umapi_results *results;
    char rule[1024];
    int i;
    control_only("POST", "/reset", NULL);
    snprintf(rule, sizeof rule, "{'endpoint':'action','fault':{'rewrite':{%s}}}", rewriting);
    add_fault(rule);
    for (i = 0; i < 3; i++) {
        actions[i] = joining(i + 2, i == 2 ? third_group : "Marketing");
    }
    results = execute_all(client, actions, 3);
    CHECK_INT(requests_to("action"), 1);
    umapi_client_free(client);
    return results;
}

static void counts_that_contradict_the_result(void)
{
    const char *const contradictions[] = {
        "'set':{'/completed':0,'/notCompleted':3}",
        "'set':{'/completed':1,'/notCompleted':2}",
        "'set':{'/completed':1},'remove':['/notCompleted']",
        "'set':{'/notCompleted':3},'remove':['/completed']",
        "'set':{'/completed':4}",
        "'set':{'/completed':0}",
        "'set':{'/result':'error'}",
        "'set':{'/result':'partial'}",
        "'set':{'/errors':[{'message':'words','errorCode':'error.x'}]}",
    };
    const char *const agreements[] = {
        "'remove':['/completed','/notCompleted','/completedInTestMode']",
        "'remove':['/completed']",
        "'set':{'/completed':'3','/notCompleted':'0'}",
        "'set':{'/completed':null,'/notCompleted':null}",
        "'set':{'/errors':[],'/warnings':null}",
    };
    size_t i;
    for (i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
        umapi_results *results = three_when(contradictions[i], 0, "Marketing");
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 3);
        CHECK_HAS(umapi_error_message(umapi_outcome_error(umapi_results_get(results, 0))), "does not tell what became");
        umapi_results_free(results);
    }
    for (i = 0; i < sizeof agreements / sizeof *agreements; i++) {
        umapi_results *results = three_when(agreements[i], 0, "Marketing");
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 3);
        umapi_results_free(results);
    }
}

static void a_test_that_was_really_applied_is_reported(void)
{
    umapi_results *results = three_when("'set':{'/completed':3,'/completedInTestMode':0}", 1, "Marketing");
    const umapi_error *outcome_error = umapi_outcome_error(umapi_results_get(results, 0));
    umapi_client *client;
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 3);
    CHECK_INT(umapi_error_status(outcome_error), UMAPI_STATUS_WRONG_MODE);
    CHECK_HAS(umapi_error_message(outcome_error), "done for real");
    umapi_results_free(results);
    /* The rest of the test is not sent, so that it is not really applied as well. */
    control_only("POST", "/reset", NULL);
    client = client_with(2, 1);
    add_fault("{'endpoint':'action','fault':{'rewrite':{'set':{'/completed':10,'/completedInTestMode':0}}}}");
    results = execute_newcomers(client, 25);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 10);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), 15);
    CHECK_INT(umapi_error_status(umapi_outcome_error(umapi_results_get(results, 24))), UMAPI_STATUS_WRONG_MODE);
    CHECK_INT(requests_to("action"), 1);
    umapi_results_free(results);
    umapi_client_free(client);
}

/* A queue sends nothing more either, in any later call. */
static void a_queue_whose_test_was_really_applied_sends_no_more(void)
{
    umapi_client *client = client_with(2, 1);
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    int i;
    add_fault("{'endpoint':'action','fault':{'rewrite':{'set':{'/completed':10,'/completedInTestMode':0}}}}");
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    for (i = 0; i < 25; i++) {
        umapi_action *action = creation(i);
        CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
        umapi_action_free(action);
    }
    CHECK_OK(umapi_queue_flush(queue, NULL, &error), error);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 10);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_NOT_SENT), 15);
    CHECK_INT(requests_to("action"), 1);
    umapi_results_free(results);
    umapi_queue_free(queue);
    umapi_client_free(client);
}

static void a_command_that_was_only_tested_is_reported(void)
{
    umapi_results *results = three_when("'set':{'/completed':0,'/completedInTestMode':3}", 0, "Marketing");
    const umapi_error *outcome_error = umapi_outcome_error(umapi_results_get(results, 0));
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 3);
    CHECK_INT(umapi_error_status(outcome_error), UMAPI_STATUS_WRONG_MODE);
    CHECK_HAS(umapi_error_message(outcome_error), "in test mode");
    umapi_results_free(results);
}

static void an_error_without_index_when_there_is_one_action(void)
{
    umapi_client *client = client_with(2, 0);
    umapi_results *results;
    const umapi_outcome *outcome;
    add_fault("{'endpoint':'action','fault':{'rewrite':{'remove':['/errors/0/index','/errors/0/user',"
          "'/errors/0/requestID','/errors/0/step']}}}");
    results = execute(client, membership("Ghosts"));
    outcome = umapi_results_get(results, 0);
    CHECK_INT(umapi_outcome_kind(outcome), UMAPI_OUTCOME_FAILED);
    CHECK_TEXT(umapi_finding_code(umapi_outcome_finding(outcome, 0)), "error.group.not_found");
    umapi_results_free(results);
    umapi_client_free(client);
}

static void an_error_without_index_when_all_actions_failed(void)
{
    umapi_results *results = three_when("'set':{'':{'result':'error','completed':0,'notCompleted':3,"
                                        "'errors':[{'message':'words','errorCode':'error.x'}]}}",
                                        0, "Marketing");
    const umapi_error *outcome_error = umapi_outcome_error(umapi_results_get(results, 1));
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_FAILED), 3);
    CHECK_INT(umapi_error_status(outcome_error), UMAPI_STATUS_REJECTED);
    CHECK_TEXT(umapi_error_code(outcome_error), "error.x");
    CHECK_HAS(umapi_error_message(outcome_error), "words");
    umapi_results_free(results);
    /* One of three actions failed, and it could be any of them. */
    results = three_when("'remove':['/errors/0/index','/errors/0/user']", 0, "Ghosts");
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 3);
    outcome_error = umapi_outcome_error(umapi_results_get(results, 0));
    CHECK_TEXT(umapi_error_code(outcome_error), "error.group.not_found");
    CHECK_HAS(umapi_error_message(outcome_error), "no group Ghosts");
    umapi_results_free(results);
}

static void an_index_that_the_user_contradicts(void)
{
    umapi_results *results = three_when("'set':{'/errors/0/index':0}", 0, "Ghosts");
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_UNKNOWN), 3);
    umapi_results_free(results);
}

static void a_warning_without_index_is_kept(void)
{
    umapi_results *results = three_when("'set':{'/warnings':[{'message':'words','warningCode':'warning.x','step':0}]}", 0,
                                        "Marketing");
    size_t i;
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 3);
    for (i = 0; i < 3; i++) {
        const umapi_outcome *outcome = umapi_results_get(results, i);
        const umapi_finding *finding = umapi_outcome_finding(outcome, 0);
        CHECK_INT(umapi_outcome_finding_count(outcome), 1);
        CHECK_INT(umapi_finding_severity(finding), UMAPI_SEVERITY_WARNING);
        CHECK_TEXT(umapi_finding_code(finding), "warning.x");
        CHECK_TEXT(umapi_finding_message(finding), "words");
    }
    umapi_results_free(results);
}

/* ---- The library's own repeats ---- */

/* The first request is applied and its answer is lost; the repeat is refused with these errors. */
static umapi_results *repeated(umapi_action *action, const char *errors)
{
    umapi_client *client = client_with(3, 0);
    umapi_results *results;
    char rule[1024];
    control_only("POST", "/reset", NULL);
    add_fault("{'endpoint':'action','times':1,'fault':{'status':{'code':504,'body':'empty','after_work':true}}}");
    snprintf(rule, sizeof rule,
             "{'endpoint':'action','fault':{'answer':{'body':{'result':'error','completed':0,'notCompleted':1,"
             "'completedInTestMode':0,'errors':[%s]}}}}",
             errors);
    add_fault(rule);
    results = execute(client, action);
    CHECK_INT(requests_to("action"), 2);
    umapi_client_free(client);
    return results;
}

static void check_repeat(umapi_action *action, const char *errors, int32_t kind, int32_t severity)
{
    umapi_results *results = repeated(action, errors);
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    if (umapi_outcome_kind(outcome) != kind) {
        printf("    with %s\n", errors);
    }
    CHECK_INT(umapi_outcome_kind(outcome), kind);
    CHECK_INT(umapi_finding_severity(umapi_outcome_finding(outcome, 0)), severity);
    CHECK(umapi_finding_code(umapi_outcome_finding(outcome, 0)) != NULL);
    CHECK(kind != UMAPI_OUTCOME_SUCCEEDED || umapi_outcome_error(outcome) == NULL);
    umapi_results_free(results);
}

static umapi_action *leaving(const char *group)
{
    umapi_action *action = user_action(EXISTING_USER);
    CHECK_OK(umapi_action_remove_from_groups(action, &group, 1, &error), error);
    return action;
}

#define ALREADY_THERE "{'index':0,'step':0,'errorCode':'error.user.already_exists','message':'already a member'}"

static void a_repeat_refused_because_the_work_is_done(void)
{
    static const char *const joined[] = {
        ALREADY_THERE,
        "{'index':0,'step':0,'errorCode':'error.usergroup.user.alreadyMember','message':'m'}",
        "{'step':0,'errorCode':'error.usergroup.user_list.invalid','message':'m'}",
    };
    umapi_action *action;
    size_t i;
    for (i = 0; i < sizeof joined / sizeof *joined; i++) {
        check_repeat(membership("Marketing"), joined[i], UMAPI_OUTCOME_SUCCEEDED, UMAPI_SEVERITY_WARNING);
    }
    check_repeat(leaving("Sales"), "{'index':0,'errorCode':'error.usergroup.user.notMember'}", UMAPI_OUTCOME_SUCCEEDED,
                 UMAPI_SEVERITY_WARNING);
    action = user_action(EXISTING_USER);
    CHECK_OK(umapi_action_remove_from_org(action, 0, &error), error);
    check_repeat(action, "{'index':0,'step':0,'errorCode':'error.user.nonexistent'}", UMAPI_OUTCOME_SUCCEEDED,
                 UMAPI_SEVERITY_WARNING);
    check_repeat(creation(1), "{'index':0,'step':0,'errorCode':'error.user.already_in_org'}", UMAPI_OUTCOME_SUCCEEDED,
                 UMAPI_SEVERITY_WARNING);
    action = group_action("Newest");
    CHECK_OK(umapi_action_create_group(action, NULL, UMAPI_ON_CONFLICT_IGNORE, &error), error);
    check_repeat(action, "{'index':0,'step':0,'errorCode':'error.usergroup.already_exists'}", UMAPI_OUTCOME_SUCCEEDED,
                 UMAPI_SEVERITY_WARNING);
}

static void a_repeat_that_is_refused_for_another_reason(void)
{
    check_repeat(membership("Marketing"), "{'index':0,'step':0,'errorCode':'error.group.not_found'}",
                 UMAPI_OUTCOME_FAILED, UMAPI_SEVERITY_ERROR);
    check_repeat(leaving("Sales"), ALREADY_THERE, UMAPI_OUTCOME_FAILED, UMAPI_SEVERITY_ERROR);
    check_repeat(membership("Marketing"), ALREADY_THERE ",{'index':0,'step':0,'errorCode':'error.group.not_found'}",
                 UMAPI_OUTCOME_FAILED, UMAPI_SEVERITY_ERROR);
}

/* The first request may have been applied up to the refused step, further, or not at all. */
static void a_repeat_after_which_the_later_steps_are_unknown(void)
{
    const char *const two[] = {"Marketing", "Engineering"}, *one = "Sales";
    umapi_action *action = membership("Marketing");
    CHECK_OK(umapi_action_remove_from_groups(action, &one, 1, &error), error);
    check_repeat(action, ALREADY_THERE, UMAPI_OUTCOME_UNKNOWN, UMAPI_SEVERITY_ERROR);
    action = user_action(EXISTING_USER);
    CHECK_OK(umapi_action_add_to_groups(action, two, 2, &error), error);
    check_repeat(action, ALREADY_THERE, UMAPI_OUTCOME_UNKNOWN, UMAPI_SEVERITY_ERROR);
}

static void a_first_request_refused_because_the_work_is_done(void)
{
    umapi_client *client = client_with(3, 0);
    umapi_results *results;
    answer_with("action", 200, "{'result':'error','completed':0,'notCompleted':1,'errors':[" ALREADY_THERE "]}", "");
    results = execute(client, membership("Marketing"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_FAILED);
    CHECK_INT(requests_to("action"), 1);
    umapi_results_free(results);
    /* A throttle refused the first request, so nothing of it was applied. */
    control_only("POST", "/reset", NULL);
    umapi_client_free(client);
    client = client_with(3, 0);
    answer_with("action", 429, THROTTLE, "'times':1,");
    answer_with("action", 200, "{'result':'error','completed':0,'notCompleted':1,'errors':[" ALREADY_THERE "]}", "");
    results = execute(client, membership("Marketing"));
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_FAILED);
    CHECK_INT(requests_to("action"), 2);
    umapi_results_free(results);
    umapi_client_free(client);
}

/* The part of a lost request that may run twice is also a repeat. */
static void the_part_of_a_request_that_is_sent_again_is_a_repeat(void)
{
    umapi_client *client = client_with(3, 0);
    umapi_action *actions[2];
    umapi_results *results;
    actions[0] = joining(3, "Marketing");
    actions[1] = renaming("renamed@example.com");
    add_fault("{'endpoint':'action','times':1,'fault':{'status':{'code':504,'body':'empty','after_work':true}}}");
    answer_with("action", 200, "{'result':'error','completed':0,'notCompleted':1,'errors':[" ALREADY_THERE "]}", "");
    results = execute_all(client, actions, 2);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 0)), UMAPI_OUTCOME_SUCCEEDED);
    CHECK_INT(umapi_outcome_kind(umapi_results_get(results, 1)), UMAPI_OUTCOME_UNKNOWN);
    umapi_results_free(results);
    umapi_client_free(client);
}

int main(void)
{
    RUN(a_firewall_that_refuses_one_name_affects_one_action);
    RUN(a_firewall_that_refuses_long_bodies_affects_no_action);
    RUN(a_firewall_that_refuses_everything_ends_the_run);
    RUN(what_the_service_itself_forbids_ends_the_run);
    RUN(a_refusal_from_elsewhere_is_reported_as_such);
    RUN(a_throttle_is_recognised_with_any_status);
    RUN(a_throttled_action_is_sent_again_and_not_unknown);
    RUN(an_error_of_the_whole_request_may_come_with_200);
    RUN(a_malformed_command_is_found_whatever_the_status);
    RUN(only_an_answer_about_the_user_means_no_such_user);
    RUN(a_404_of_the_token_host_does_not_mean_no_such_user);
    RUN(only_an_answer_of_the_service_means_no_such_group);
    RUN(not_found_for_the_first_page_is_an_error);
    RUN(a_listing_does_not_end_with_another_404);
    RUN(a_listing_of_another_group_is_an_error);
    RUN(a_last_page_that_the_count_denies);
    RUN(a_last_page_that_the_count_denies_wrongly);
    RUN(a_count_that_the_pages_disprove);
    RUN(an_empty_listing_whose_count_is_not_zero);
    RUN(counts_that_contradict_the_result);
    RUN(a_test_that_was_really_applied_is_reported);
    RUN(a_queue_whose_test_was_really_applied_sends_no_more);
    RUN(a_command_that_was_only_tested_is_reported);
    RUN(an_error_without_index_when_there_is_one_action);
    RUN(an_error_without_index_when_all_actions_failed);
    RUN(an_index_that_the_user_contradicts);
    RUN(a_warning_without_index_is_kept);
    RUN(a_repeat_refused_because_the_work_is_done);
    RUN(a_repeat_that_is_refused_for_another_reason);
    RUN(a_repeat_after_which_the_later_steps_are_unknown);
    RUN(a_first_request_refused_because_the_work_is_done);
    RUN(the_part_of_a_request_that_is_sent_again_is_a_repeat);
    return all_passed();
}
