/* Tests of invalid answers: the error is clear, and each action's outcome is reported truthfully. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

static void clear_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

/* ---- Reading ---- */

typedef struct source {
    const char *endpoint;
    operation read;
} source;

static const source SOURCES[] = {
    {"token", find_user},
    {"user", find_user},
    {"users", next_page_of_users},
    {"groups", next_page_of_groups},
    {"user-groups", next_page_of_user_groups},
    {"status", read_service},
};

typedef struct kind_of_garbage {
    const char *fault;
    umapi_status status;
} kind_of_garbage;

static const kind_of_garbage KINDS[] = {
    {"{'truncate':{'after':7}}", UMAPI_STATUS_PROTOCOL},
    {"{'truncate':{'after':0}}", UMAPI_STATUS_PROTOCOL},
    {"{'truncate':{'after':20,'keep_length':true}}", UMAPI_STATUS_CONNECT},
    {"{'garbage':{'kind':'bytes'}}", UMAPI_STATUS_PROTOCOL},
    {"{'garbage':{'kind':'html'}}", UMAPI_STATUS_PROTOCOL},
    {"{'deep':{'levels':100000}}", UMAPI_STATUS_PROTOCOL},
    {"{'wrong_length':{'by':10}}", UMAPI_STATUS_CONNECT},
    {"{'wrong_length':{'by':-10}}", UMAPI_STATUS_PROTOCOL},
    {"{'gzip':{}}", UMAPI_STATUS_PROTOCOL},
    {"{'status':{'code':204,'body':'empty'}}", UMAPI_STATUS_PROTOCOL},
};

static umapi_client *client_of_two_attempts(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, 2, 1, 1000, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

static void set_fault(const char *endpoint, const char *what)
{
    char rule[512];
    snprintf(rule, sizeof rule, "{'endpoint':'%s','fault':%s}", endpoint, what);
    control_only("POST", "/reset", NULL);
    add_fault(rule);
}

static void check_garbage(const source *source, const kind_of_garbage *kind)
{
    umapi_client *client;
    umapi_status status;
    set_fault(source->endpoint, kind->fault);
    client = client_of_two_attempts();
    status = source->read(client, NULL, &error);
    if (status != kind->status) {
        printf("    %s with %s: %d, %s\n", source->endpoint, kind->fault, (int)status, umapi_error_message(error));
    }
    CHECK_INT(status, kind->status);
    CHECK(strlen(umapi_error_message(error)) > 10);
    CHECK_HAS(umapi_error_endpoint(error), "/");
    CHECK(umapi_error_attempts(error) >= 1);
    clear_error();
    umapi_client_free(client);
}

static void garbage_is_reported_from_every_endpoint(void)
{
    size_t i, j;
    for (i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++) {
        for (j = 0; j < sizeof KINDS / sizeof *KINDS; j++) {
            check_garbage(&SOURCES[i], &KINDS[j]);
        }
    }
}

static void a_redirect_is_not_followed_with_credentials(void)
{
    size_t i;
    for (i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++) {
        char what[256];
        umapi_client *client;
        snprintf(what, sizeof what, "{'redirect':{'to':'%s/users/12345ABCDE@AdobeOrg/0'}}",
                 environment("UMAPI_ENDPOINT"));
        set_fault(SOURCES[i].endpoint, what);
        client = client_of_two_attempts();
        CHECK_FAILS(SOURCES[i].read(client, NULL, &error), UMAPI_STATUS_PROTOCOL, error);
        CHECK_HAS(umapi_error_message(error), "redirect");
        CHECK_INT(umapi_error_http_status(error), 302);
        clear_error();
        CHECK_INT(requests_to(SOURCES[i].endpoint), 1);
        CHECK(strcmp(SOURCES[i].endpoint, "users") == 0 || requests_to("users") == 0);
        umapi_client_free(client);
    }
}

/* An answer without end would need unlimited memory; the library stops at a limit. */
static void an_endless_answer_ends(void)
{
    umapi_client *client;
    if (slowness() > 1) {
        printf("        (not under valgrind: 64 MiB take it too long)\n");
        return;
    }
    set_fault("users", "{'endless':{}}");
    client = client_of_two_attempts();
    CHECK_FAILS(next_page_of_users(client, NULL, &error), UMAPI_STATUS_PROTOCOL, error);
    CHECK_HAS(umapi_error_message(error), "longer than");
    clear_error();
    umapi_client_free(client);
}

/* ---- Fields of the wrong type ---- */

static void fields_of_the_wrong_type(void)
{
    const struct {
        const char *endpoint;
        operation read;
        const char *set;
    } cases[] = {
        {"users", next_page_of_users, "'/users':5"},
        {"users", next_page_of_users, "'/users':null"},
        {"users", next_page_of_users, "'/users':[7]"},
        {"users", next_page_of_users, "'/users':[{'email':{}}]"},
        {"users", next_page_of_users, "'/users':[{'groups':'Sales'}]"},
        {"users", next_page_of_users, "'/result':'error.of.some.kind'"},
        {"users", next_page_of_users, "'/result':7"},
        {"users", next_page_of_users, "'/lastPage':'perhaps'"},
        {"groups", next_page_of_groups, "'/groups':{}"},
        {"groups", next_page_of_groups, "'/groups':[{'groupId':'many'}]"},
        {"groups", next_page_of_groups, "'/groups':[{'groupName':[]}]"},
        {"user", find_user, "'/user':[]"},
        {"user", find_user, "'/user':{'username':{}}"},
        {"token", find_user, "'/access_token':12"},
        {"token", find_user, "'/access_token':''"},
        {"token", find_user, "'/access_token':'a\\u000d\\u000ab'"},
        {"status", read_service, "'':[]"},
    };
    size_t i;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[256];
        umapi_client *client;
        umapi_status status;
        snprintf(what, sizeof what, "{'rewrite':{'set':{%s}}}", cases[i].set);
        set_fault(cases[i].endpoint, what);
        client = client_of_two_attempts();
        status = cases[i].read(client, NULL, &error);
        if (status != UMAPI_STATUS_PROTOCOL) {
            printf("    %s with %s: %d, %s\n", cases[i].endpoint, what, (int)status, umapi_error_message(error));
        }
        CHECK_INT(status, UMAPI_STATUS_PROTOCOL);
        clear_error();
        umapi_client_free(client);
    }
}

/* ---- Answers to actions ---- */

static int32_t outcome_of(const umapi_client *client, umapi_action *action)
{
    umapi_results *results = execute(client, action);
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    int32_t kind = umapi_outcome_kind(outcome);
    CHECK(kind != UMAPI_OUTCOME_UNKNOWN || umapi_outcome_error(outcome) != NULL);
    umapi_results_free(results);
    return kind;
}

/* The work was done, and the answer does not show it. */
static void garbage_about_actions_leaves_them_unknown(void)
{
    size_t i;
    for (i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        umapi_client *client;
        char *renamed;
        int is_instead_of_work = strstr(KINDS[i].fault, "status") != NULL;
        set_fault("action", KINDS[i].fault);
        client = client_of_two_attempts();
        CHECK_INT(outcome_of(client, membership("Marketing")), UMAPI_OUTCOME_UNKNOWN);
        CHECK_INT(requests_to("action"), 2);
        CHECK_INT(outcome_of(client, renaming("renamed@example.com")), UMAPI_OUTCOME_UNKNOWN);
        CHECK_INT(requests_to("action"), 3);
        renamed = user_in_state("renamed@example.com");
        CHECK(is_instead_of_work || renamed != NULL);
        free(renamed);
        umapi_client_free(client);
    }
}

/* The garbage occurs once; the repeat of an action that may run twice has a valid answer. */
static void an_action_is_repeated_after_garbage(void)
{
    umapi_client *client = client_of_two_attempts();
    add_fault("{'endpoint':'action','times':1,'fault':{'garbage':{'kind':'html'}}}");
    CHECK_INT(outcome_of(client, membership("Marketing")), UMAPI_OUTCOME_SUCCEEDED);
    umapi_client_free(client);
}

static void a_redirected_action_was_not_done(void)
{
    umapi_client *client = client_of_two_attempts();
    int32_t kind;
    add_fault("{'endpoint':'action','fault':{'redirect':{'to':'https://example.com/','code':307}}}");
    kind = outcome_of(client, membership("Marketing"));
    CHECK(kind == UMAPI_OUTCOME_FAILED || kind == UMAPI_OUTCOME_UNKNOWN);
    CHECK_INT(requests_to("action"), 1);
    umapi_client_free(client);
}

/* After an error that cannot be assigned to an action, no action is reported as succeeded. */
static void errors_without_index(void)
{
    const char *const places[] = {
        "'remove':['/errors/0/index']",
        "'remove':['/errors/0/step']",
        "'remove':['/errors/0/index','/errors/0/step']",
        "'set':{'/errors/0/index':null}",
        "'set':{'/errors/0/index':'0'}",
        "'set':{'/errors/0/index':99}",
        "'set':{'/errors/0/index':-1}",
        "'set':{'/errors/0/index':1e300}",
        "'set':{'/errors/0/index':{}}",
        "'set':{'/errors/0/step':'0'}",
        "'set':{'/errors/0/step':99}",
        "'set':{'/errors/0/step':'first'}",
        "'set':{'/errors/0/step':[]}",
        "'set':{'/errors/0':null}",
        "'set':{'/errors':{}}",
        "'set':{'/errors':[]}",
        "'remove':['/errors']",
        "'set':{'/errors/0/message':7,'/errors/0/errorCode':null}",
    };
    size_t i;
    for (i = 0; i < sizeof places / sizeof *places; i++) {
        char what[256];
        umapi_client *client;
        int32_t kind;
        snprintf(what, sizeof what, "{'rewrite':{%s}}", places[i]);
        set_fault("action", what);
        client = client_of_two_attempts();
        kind = outcome_of(client, membership("Ghosts"));
        if (kind != UMAPI_OUTCOME_FAILED && kind != UMAPI_OUTCOME_UNKNOWN) {
            printf("    with %s: %d\n", places[i], (int)kind);
        }
        CHECK(kind == UMAPI_OUTCOME_FAILED || kind == UMAPI_OUTCOME_UNKNOWN);
        umapi_client_free(client);
    }
}

int main(void)
{
    RUN(garbage_is_reported_from_every_endpoint);
    RUN(a_redirect_is_not_followed_with_credentials);
    RUN(an_endless_answer_ends);
    RUN(fields_of_the_wrong_type);
    RUN(garbage_about_actions_leaves_them_unknown);
    RUN(an_action_is_repeated_after_garbage);
    RUN(a_redirected_action_was_not_done);
    RUN(errors_without_index);
    return all_passed();
}
