/* Whatever a server answers, the error is clear, and no action is told to have ended otherwise than it did. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOMEBODY "person000002@example.com"

static umapi_error *error;

static void forget_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

/* ---- What is read ---- */

typedef umapi_status (*reading)(const umapi_client *client);

static umapi_status read_user(const umapi_client *client)
{
    umapi_user *user = NULL;
    umapi_status status = umapi_client_find_user(client, NULL, SOMEBODY, NULL, &user, &error);
    CHECK(status == UMAPI_OK || user == NULL);
    umapi_user_free(user);
    return status;
}

static umapi_status read_users(const umapi_client *client)
{
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_status status = umapi_client_users(client, NULL, &users, &error);
    if (status == UMAPI_OK) {
        status = umapi_users_next_page(users, NULL, &page, &error);
    }
    CHECK(status == UMAPI_OK || page == NULL);
    umapi_user_page_free(page);
    umapi_users_free(users);
    return status;
}

static umapi_status read_group_page(umapi_groups *groups)
{
    umapi_group_page *page = NULL;
    umapi_status status = umapi_groups_next_page(groups, NULL, &page, &error);
    CHECK(status == UMAPI_OK || page == NULL);
    umapi_group_page_free(page);
    umapi_groups_free(groups);
    return status;
}

static umapi_status read_groups(const umapi_client *client)
{
    umapi_groups *groups = NULL;
    umapi_status status = umapi_client_groups(client, &groups, &error);
    return status == UMAPI_OK ? read_group_page(groups) : status;
}

static umapi_status read_user_groups(const umapi_client *client)
{
    umapi_groups *groups = NULL;
    umapi_status status = umapi_client_user_groups(client, &groups, &error);
    return status == UMAPI_OK ? read_group_page(groups) : status;
}

static umapi_status read_service(const umapi_client *client)
{
    umapi_service *service = NULL;
    umapi_status status = umapi_client_service(client, NULL, &service, &error);
    CHECK(status == UMAPI_OK || service == NULL);
    umapi_service_free(service);
    return status;
}

typedef struct source {
    const char *endpoint;
    reading read;
} source;

static const source SOURCES[] = {
    {"token", read_user},   {"user", read_user},           {"users", read_users},
    {"groups", read_groups}, {"user-groups", read_user_groups}, {"status", read_service},
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
    steer("POST", "/reset", NULL);
    fault(rule);
}

static void check_garbage(const source *source, const kind_of_garbage *kind)
{
    umapi_client *client;
    umapi_status status;
    set_fault(source->endpoint, kind->fault);
    client = client_of_two_attempts();
    status = source->read(client);
    if (status != kind->status) {
        printf("    %s with %s: %d, %s\n", source->endpoint, kind->fault, (int)status, umapi_error_message(error));
    }
    CHECK_INT(status, kind->status);
    CHECK(strlen(umapi_error_message(error)) > 10);
    CHECK_HAS(umapi_error_endpoint(error), "/");
    CHECK(umapi_error_attempts(error) >= 1);
    forget_error();
    umapi_client_free(client);
}

static void garbage_is_told_wherever_it_comes_from(void)
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
        CHECK_FAILS(SOURCES[i].read(client), UMAPI_STATUS_PROTOCOL, error);
        CHECK_HAS(umapi_error_message(error), "redirect");
        CHECK_INT(umapi_error_http_status(error), 302);
        forget_error();
        CHECK_INT(requests_to(SOURCES[i].endpoint), 1);
        CHECK(strcmp(SOURCES[i].endpoint, "users") == 0 || requests_to("users") == 0);
        umapi_client_free(client);
    }
}

/* No memory is enough for it: the reading ends at a bound. */
static void an_endless_answer_ends(void)
{
    umapi_client *client;
    if (slowness() > 1) {
        printf("        (not under valgrind: 64 MiB take it too long)\n");
        return;
    }
    set_fault("users", "{'endless':{}}");
    client = client_of_two_attempts();
    CHECK_FAILS(read_users(client), UMAPI_STATUS_PROTOCOL, error);
    CHECK_HAS(umapi_error_message(error), "longer than");
    forget_error();
    umapi_client_free(client);
}

/* ---- Fields of the wrong type ---- */

static void fields_of_the_wrong_type(void)
{
    const struct {
        const char *endpoint;
        reading read;
        const char *set;
    } cases[] = {
        {"users", read_users, "'/users':5"},
        {"users", read_users, "'/users':null"},
        {"users", read_users, "'/users':[7]"},
        {"users", read_users, "'/users':[{'email':{}}]"},
        {"users", read_users, "'/users':[{'groups':'Sales'}]"},
        {"users", read_users, "'/result':'error.of.some.kind'"},
        {"users", read_users, "'/result':7"},
        {"users", read_users, "'/lastPage':'perhaps'"},
        {"groups", read_groups, "'/groups':{}"},
        {"groups", read_groups, "'/groups':[{'groupId':'many'}]"},
        {"groups", read_groups, "'/groups':[{'groupName':[]}]"},
        {"user", read_user, "'/user':[]"},
        {"user", read_user, "'/user':{'username':{}}"},
        {"token", read_user, "'/access_token':12"},
        {"token", read_user, "'/access_token':''"},
        {"token", read_user, "'/access_token':'a\\u000d\\u000ab'"},
        {"token", read_user, "'/expires_in':'soon'"},
        {"token", read_user, "'/expires_in':-1"},
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
        status = cases[i].read(client);
        if (status != UMAPI_STATUS_PROTOCOL) {
            printf("    %s with %s: %d, %s\n", cases[i].endpoint, what, (int)status, umapi_error_message(error));
        }
        CHECK_INT(status, UMAPI_STATUS_PROTOCOL);
        forget_error();
        umapi_client_free(client);
    }
}

/* ---- Answers to actions ---- */

static umapi_action *membership(const char *group)
{
    umapi_action *action = user_action(SOMEBODY);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    return action;
}

static umapi_action *renaming(void)
{
    umapi_action *action = user_action(SOMEBODY);
    CHECK_OK(umapi_action_update_user(action, "renamed@example.com", NULL, NULL, NULL, &error), error);
    return action;
}

static int32_t outcome_of(const umapi_client *client, umapi_action *action)
{
    umapi_results *results = execute(client, action);
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    int32_t kind = umapi_outcome_kind(outcome);
    CHECK(kind != UMAPI_OUTCOME_UNKNOWN || umapi_outcome_error(outcome) != NULL);
    umapi_results_free(results);
    return kind;
}

/* The work was done, and nobody can tell by the answer. */
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
        CHECK_INT(outcome_of(client, renaming()), UMAPI_OUTCOME_UNKNOWN);
        CHECK_INT(requests_to("action"), 3);
        renamed = user_in_state("renamed@example.com");
        CHECK(is_instead_of_work || renamed != NULL);
        free(renamed);
        umapi_client_free(client);
    }
}

/* Once only: sent again, it is found out what became of what may run twice. */
static void garbage_that_passes_is_cleared_up(void)
{
    umapi_client *client = client_of_two_attempts();
    fault("{'endpoint':'action','times':1,'fault':{'garbage':{'kind':'html'}}}");
    CHECK_INT(outcome_of(client, membership("Marketing")), UMAPI_OUTCOME_SUCCEEDED);
    umapi_client_free(client);
}

static void a_redirected_action_was_not_done(void)
{
    umapi_client *client = client_of_two_attempts();
    int32_t kind;
    fault("{'endpoint':'action','fault':{'redirect':{'to':'https://example.com/','code':307}}}");
    kind = outcome_of(client, membership("Marketing"));
    CHECK(kind == UMAPI_OUTCOME_FAILED || kind == UMAPI_OUTCOME_UNKNOWN);
    CHECK_INT(requests_to("action"), 1);
    umapi_client_free(client);
}

/* An error that cannot be assigned to its action must not make a success of any. */
static void errors_without_a_place(void)
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
    RUN(garbage_is_told_wherever_it_comes_from);
    RUN(a_redirect_is_not_followed_with_credentials);
    RUN(an_endless_answer_ends);
    RUN(fields_of_the_wrong_type);
    RUN(garbage_about_actions_leaves_them_unknown);
    RUN(garbage_that_passes_is_cleared_up);
    RUN(a_redirected_action_was_not_done);
    RUN(errors_without_a_place);
    return all_passed();
}
