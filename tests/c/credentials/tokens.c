/* Tests that one token serves all calls, and is renewed early, in the background, and once after a refusal. */

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *find_in_thread(void *client)
{
    umapi_error *error = NULL;
    CHECK_OK(find_user(client, NULL, &error), error);
    return NULL;
}

static void all_threads_use_one_token(void)
{
    umapi_client *client = new_client();
    pthread_t threads[16];
    size_t i;
    for (i = 0; i < 16; i++) {
        pthread_create(&threads[i], NULL, find_in_thread, client);
    }
    for (i = 0; i < 16; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_INT(requests_to("token"), 1);
    CHECK_INT(requests_to("user"), 16);
    umapi_client_free(client);
}

static void a_token_near_its_end_is_renewed_before_it_is_refused(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    char *counters;
    control_only("POST", "/settings", "{\"token_ttl_s\":1}");
    CHECK_OK(find_user(client, NULL, &error), error);
    sleep_ms(920); /* the last tenth of the token's second */
    CHECK_OK(find_user(client, NULL, &error), error);
    wait_for_requests_to("token", 2); /* in the background */
    CHECK_OK(find_user(client, NULL, &error), error);
    counters = control("GET", "/counters", NULL);
    CHECK_INT(number_in(counters, "tokens_issued"), 2);
    CHECK_HAS_NOT(counters, "\"401\"");
    free(counters);
    umapi_client_free(client);
}

static void a_refused_token_is_renewed_once_and_the_call_repeated(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    control_only("POST", "/tokens/revoke", NULL);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 2);
    CHECK_INT(requests_to("user"), 3);
    umapi_client_free(client);
}

static void a_second_refusal_is_an_error(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    add_fault("{'endpoint':'user','fault':{'status':{'code':401}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
    CHECK_INT(umapi_error_http_status(error), 401);
    umapi_error_free(error);
    CHECK_INT(requests_to("token"), 2);
    CHECK_INT(requests_to("user"), 2);
    umapi_client_free(client);
}

static void the_token_call_is_retried_like_any_other(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    add_fault("{'endpoint':'token','times':2,'fault':{'status':{'code':503}}}");
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 3);
    umapi_client_free(client);
}

static void the_token_call_has_the_timeout_of_an_attempt(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_attempt_timeout_ms(options, 300 * slowness(), &error), error);
    CHECK_OK(umapi_client_options_set_retry(options, 1, 1, 1000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_TIMEOUT, error);
    CHECK_HAS(umapi_error_endpoint(error), "/ims/token/v2");
    umapi_error_free(error);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- A token host or a callback that is slow or fails ---- */

/* A lifetime whose last tenth is long enough for a call. */
static int64_t life_s(void)
{
    return slowness() > 1 ? 15 : 3;
}

/* A client whose token is in the last tenth of its lifetime. */
static umapi_client *client_with_a_token_to_renew(int32_t attempts, int64_t first_delay_ms)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client;
    char settings[64];
    snprintf(settings, sizeof settings, "{\"token_ttl_s\":%d}", (int)life_s());
    control_only("POST", "/settings", settings);
    CHECK_OK(umapi_client_options_set_retry(options, attempts, first_delay_ms, 300000, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    CHECK_OK(find_user(client, NULL, &error), error);
    sleep_ms(life_s() * 910);
    return client;
}

static umapi_call *call_of_ms(int64_t timeout_ms)
{
    umapi_error *error = NULL;
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_timeout_ms(call, timeout_ms, &error), error);
    return call;
}

static void a_valid_token_is_used_while_the_token_host_stalls(void)
{
    umapi_error *error = NULL;
    umapi_client *client = client_with_a_token_to_renew(4, 1);
    umapi_call *call = call_of_ms(80 * slowness());
    add_fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    CHECK_OK(find_user(client, call, &error), error);
    CHECK_OK(find_user(client, call, &error), error);
    wait_for_requests_to("token", 2);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void a_valid_token_is_used_while_the_token_host_fails(void)
{
    umapi_error *error = NULL;
    int64_t began;
    umapi_client *client = client_with_a_token_to_renew(2, 60000);
    add_fault("{'endpoint':'token','fault':{'status':{'code':503}}}");
    began = now_ms();
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK(now_ms() - began < 200 * slowness());
    wait_for_requests_to("token", 2);
    umapi_client_free(client);
}

static void a_failed_early_renewal_is_postponed(void)
{
    umapi_error *error = NULL;
    umapi_client *client = client_with_a_token_to_renew(4, 1);
    umapi_call *call = call_of_ms(80 * slowness());
    add_fault("{'endpoint':'token','times':4,'fault':{'status':{'code':503}}}");
    CHECK_OK(find_user(client, call, &error), error);
    wait_for_requests_to("token", 5);
    CHECK_OK(find_user(client, call, &error), error);
    umapi_call_free(call);
    /* No token is requested again before this one has expired. */
    sleep_ms(life_s() * 200);
    CHECK_INT(requests_to("token"), 5);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 6);
    umapi_client_free(client);
}

enum { CALLERS = 6 };

static umapi_status ends[CALLERS];

typedef struct caller {
    umapi_client *client;
    umapi_status *end;
} caller;

static void *call_and_fail(void *data)
{
    caller *caller = data;
    umapi_error *error = NULL;
    *caller->end = find_user(caller->client, NULL, &error);
    umapi_error_free(error);
    return NULL;
}

/* Runs the call on all threads at once, and returns how long they took. */
static int64_t all_at_once(umapi_client *client)
{
    pthread_t threads[CALLERS];
    caller callers[CALLERS];
    int64_t began = now_ms();
    int i;
    for (i = 0; i < CALLERS; i++) {
        callers[i].client = client;
        callers[i].end = &ends[i];
        pthread_create(&threads[i], NULL, call_and_fail, &callers[i]);
    }
    for (i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    return now_ms() - began;
}

static void a_failure_is_shared_by_all_waiting_calls(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client;
    int64_t took;
    int i;
    CHECK_OK(umapi_client_options_set_retry(options, 3, 200 * slowness(), 300000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'token','fault':{'status':{'code':503}}}");
    took = all_at_once(client);
    for (i = 0; i < CALLERS; i++) {
        CHECK_INT(ends[i], UMAPI_STATUS_SERVER);
    }
    CHECK_INT(requests_to("token"), 3);
    CHECK(took < 1500 * slowness()); /* one series of retries: at most 267 ms and 533 ms */
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void a_wrong_secret_causes_one_request(void)
{
    umapi_client *client = new_client();
    int i;
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-another\"}");
    add_fault("{'endpoint':'token','fault':{'slow':{'ms':500}}}");
    all_at_once(client);
    for (i = 0; i < CALLERS; i++) {
        CHECK_INT(ends[i], UMAPI_STATUS_AUTH);
    }
    CHECK_INT(requests_to("token"), 1);
    umapi_client_free(client);
}

/* A slow source of tokens. */
typedef struct vault {
    char token[128];
    pthread_mutex_t lock;
    int asked, at_once, most_at_once;
} vault;

static void fetch_slowly(umapi_token_answer *answer, void *user_data)
{
    vault *vault = user_data;
    umapi_error *error = NULL;
    pthread_mutex_lock(&vault->lock);
    vault->asked++;
    if (++vault->at_once > vault->most_at_once) {
        vault->most_at_once = vault->at_once;
    }
    pthread_mutex_unlock(&vault->lock);
    sleep_ms(1000 * slowness());
    CHECK_OK(umapi_token_answer_set(answer, vault->token, 3600000, &error), error);
    pthread_mutex_lock(&vault->lock);
    vault->at_once--;
    pthread_mutex_unlock(&vault->lock);
}

static void a_late_token_is_kept(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = NULL;
    umapi_client *client = NULL;
    umapi_call *call = call_of_ms(50 * slowness());
    vault vault = {"", PTHREAD_MUTEX_INITIALIZER, 0, 0, 0};
    char *answer = control("POST", "/tokens", NULL);
    umapi_status status = UMAPI_STATUS_DEADLINE;
    int calls = 0;
    sscanf(answer, "{\"token\":\"%127[^\"]", vault.token);
    free(answer);
    CHECK_OK(umapi_credentials_new_callback(environment("UMAPI_CLIENT_ID"), fetch_slowly, &vault, NULL, &credentials,
                                            &error),
             error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    while (status == UMAPI_STATUS_DEADLINE && calls < 60) {
        int64_t began = now_ms();
        status = find_user(client, call, &error);
        CHECK(now_ms() - began <= 100 * slowness());
        umapi_error_free(error);
        error = NULL;
        calls++;
    }
    CHECK_INT(status, UMAPI_OK);
    CHECK(calls > 10);
    CHECK_INT(vault.asked, 1);
    CHECK_INT(vault.most_at_once, 1);
    umapi_call_free(call);
    umapi_client_free(client);
}

/* ---- When a token is chosen ---- */

static void a_token_is_chosen_after_the_wait_for_the_rate_limit(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client;
    char *counters;
    int i;
    control_only("POST", "/settings", "{\"token_ttl_s\":1}");
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 1, 1500, &error), error);
    client = new_client_with(options);
    for (i = 0; i < 3; i++) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    counters = control("GET", "/counters", NULL);
    CHECK_HAS_NOT(counters, "\"401\"");
    free(counters);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void a_refused_token_is_renewed_within_the_request(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    char *requests;
    CHECK_OK(find_user(client, NULL, &error), error);
    control_only("POST", "/tokens/revoke", NULL);
    CHECK_OK(umapi_call_set_request_id(call, "night", &error), error);
    CHECK_OK(find_user(client, call, &error), error);
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"night.1-1\""), 1);
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"night.2-1\""), 1); /* the token's */
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"night.1-2\""), 1);
    free(requests);
    umapi_call_free(call);
    umapi_client_free(client);
}

/* ---- Answers of token hosts ---- */

static void a_lifetime_may_be_text_or_absent(void)
{
    const char *const lifetimes[] = {"'set':{'/expires_in':'86399'}", "'set':{'/expires_in':null}",
                                     "'remove':['/expires_in']", "'set':{'/expires_in':0}", "'set':{'/expires_in':'soon'}",
                                     "'set':{'/expires_in':-5}", "'set':{'/expires_in':1e300}"};
    size_t i;
    for (i = 0; i < sizeof lifetimes / sizeof *lifetimes; i++) {
        umapi_error *error = NULL;
        umapi_client *client;
        char rule[256];
        control_only("POST", "/reset", NULL);
        snprintf(rule, sizeof rule, "{'endpoint':'token','fault':{'rewrite':{%s}}}", lifetimes[i]);
        add_fault(rule);
        client = new_client();
        CHECK_OK(find_user(client, NULL, &error), error);
        CHECK_OK(find_user(client, NULL, &error), error);
        CHECK_INT(requests_to("token"), 1);
        /* A token without a lifetime is used until it is refused. */
        control_only("POST", "/tokens/revoke", NULL);
        CHECK_OK(find_user(client, NULL, &error), error);
        CHECK_INT(requests_to("token"), 2);
        umapi_client_free(client);
    }
}

static void check_refusal(umapi_credentials *credentials, const char *answer, const char *remedy, const char *never)
{
    umapi_error *error = NULL;
    umapi_client_options *options = new_options();
    umapi_client *client = NULL;
    umapi_check *found = NULL;
    char rule[512];
    size_t i;
    control_only("DELETE", "/faults", NULL);
    snprintf(rule, sizeof rule, "{'endpoint':'token','fault':{'answer':{'status':400,'body':%s}}}", answer);
    add_fault(rule);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
    CHECK_HAS(umapi_error_message(error), "the credentials were refused");
    CHECK_HAS(umapi_error_message(error), remedy);
    CHECK_HAS_NOT(umapi_error_message(error), never);
    umapi_error_free(error);
    error = NULL;
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    for (i = 0; i < umapi_check_count(found); i++) {
        const umapi_check_step *step = umapi_check_get(found, i);
        if (umapi_check_step_kind(step) == UMAPI_CHECK_TOKEN) {
            CHECK_HAS(umapi_check_step_remedy(step), remedy);
            CHECK_HAS_NOT(umapi_check_step_remedy(step), never);
        }
    }
    umapi_check_free(found);
    umapi_client_free(client);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
}

static umapi_credentials *new_jwt(void)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_jwt_from_file(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                                 environment("UMAPI_TECH_ACCT_ID"), test_key("pkcs8.pem"), NULL,
                                                 &credentials, &error),
             error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    return credentials;
}

static void each_refusal_has_its_remedy(void)
{
    const char *const scope = "{'error':'invalid_scope'}";
    check_refusal(new_credentials(), scope, "add the User Management API to the project", "clock");
    check_refusal(new_credentials(), scope, "add the User Management API to the project", "secret");
    check_refusal(new_jwt(), scope, "add the User Management API to the project", "clock");
    check_refusal(new_credentials(), "{'error':'invalid_client'}", "the client id and the client secret", "clock");
    check_refusal(new_credentials(), "{'error':'brand_new'}", "the client id and the client secret", "1 March 2026");
    check_refusal(new_jwt(), "{'error':'invalid_token'}", "1 March 2026", "clock");
    check_refusal(new_jwt(), "{'error':'bad_request','error_description':'JWT token is expired'}", "clock", "scope");
}

int main(void)
{
    RUN(all_threads_use_one_token);
    RUN(a_token_near_its_end_is_renewed_before_it_is_refused);
    RUN(a_refused_token_is_renewed_once_and_the_call_repeated);
    RUN(a_second_refusal_is_an_error);
    RUN(the_token_call_is_retried_like_any_other);
    RUN(the_token_call_has_the_timeout_of_an_attempt);
    RUN(a_valid_token_is_used_while_the_token_host_stalls);
    RUN(a_valid_token_is_used_while_the_token_host_fails);
    RUN(a_failed_early_renewal_is_postponed);
    RUN(a_failure_is_shared_by_all_waiting_calls);
    RUN(a_wrong_secret_causes_one_request);
    RUN(a_late_token_is_kept);
    RUN(a_token_is_chosen_after_the_wait_for_the_rate_limit);
    RUN(a_refused_token_is_renewed_within_the_request);
    RUN(a_lifetime_may_be_text_or_absent);
    RUN(each_refusal_has_its_remedy);
    return all_passed();
}
