/*
 * Tests of the self-check: its steps and their order, the message and the remedy of each failure, its time limit, and its
 * end by a cancel. Needs tests/support/with-network.py and the sandbox; umapi-check.py tests the faults of the service.
 */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

static void clear_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

static const int32_t STEPS[] = {
    UMAPI_CHECK_CONFIGURATION,
    UMAPI_CHECK_NAME, UMAPI_CHECK_CONNECT, UMAPI_CHECK_PROXY, UMAPI_CHECK_TLS, UMAPI_CHECK_TOKEN,
    UMAPI_CHECK_NAME, UMAPI_CHECK_CONNECT, UMAPI_CHECK_PROXY, UMAPI_CHECK_TLS, UMAPI_CHECK_CALL,
};

enum { COUNT = sizeof STEPS / sizeof *STEPS, TOKEN_HOST = 1, TOKEN = 5, SERVICE_HOST = 6, CALL = 10 };

/* Checks that all steps are there in their order, each with the fields of its result. */
static void is_well_formed(const umapi_check *found)
{
    size_t i;
    CHECK_INT(umapi_check_count(found), COUNT);
    CHECK(umapi_check_get(found, COUNT) == NULL);
    for (i = 0; i < umapi_check_count(found) && i < COUNT; i++) {
        const umapi_check_step *step = umapi_check_get(found, i);
        int32_t result = umapi_check_step_result(step);
        CHECK_INT(umapi_check_step_kind(step), STEPS[i]);
        CHECK(result >= UMAPI_CHECK_PASSED && result <= UMAPI_CHECK_SKIPPED);
        CHECK(umapi_check_step_message(step) != NULL && umapi_check_step_ms(step) >= 0);
        CHECK((umapi_check_step_host(step) == NULL) == (i == 0));
        CHECK((umapi_check_step_error(step) != NULL) == (result == UMAPI_CHECK_FAILED));
        CHECK(result != UMAPI_CHECK_FAILED || umapi_check_step_remedy(step) != NULL);
        CHECK_HAS(umapi_check_text(found), umapi_check_step_message(step));
    }
}

static umapi_check *check_with(const umapi_client *client, const umapi_call *call)
{
    umapi_check *found = NULL;
    CHECK_OK(umapi_client_check(client, call, &found, &error), error);
    is_well_formed(found);
    return found;
}

/* Checks a client with these options, which it frees, and this token host. */
static umapi_check *check_of(umapi_client_options *options, const char *token_host)
{
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    umapi_check *found;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, token_host, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    found = check_with(client, NULL);
    umapi_client_free(client);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    return found;
}

static void results_are(const umapi_check *found, size_t from, size_t to, int32_t result)
{
    for (; from <= to; from++) {
        CHECK_INT(umapi_check_step_result(umapi_check_get(found, from)), result);
    }
}

/* Checks that this step failed with this error, that all steps before it passed, and that later ones are skipped. */
static void failed_at(umapi_check *found, size_t at, umapi_status status, const char *message, const char *remedy)
{
    const umapi_check_step *step = umapi_check_get(found, at);
    int of_token = at <= TOKEN;
    results_are(found, 0, at - 1, UMAPI_CHECK_PASSED);
    CHECK_INT(umapi_check_step_result(step), UMAPI_CHECK_FAILED);
    CHECK_INT(umapi_error_status(umapi_check_step_error(step)), status);
    CHECK_HAS(umapi_check_step_message(step), message);
    CHECK_HAS(umapi_check_step_remedy(step), remedy);
    CHECK_HAS_NOT(umapi_check_step_message(step), umapi_check_step_remedy(step));
    CHECK_HAS(umapi_check_text(found), umapi_check_step_remedy(step));
    CHECK_HAS(umapi_check_json(found), "\"result\":\"failed\"");
    CHECK_INT(umapi_check_passed(found), 0);
    results_are(found, at + 1, of_token ? TOKEN : CALL, UMAPI_CHECK_SKIPPED);
    CHECK_INT(umapi_check_step_result(umapi_check_get(found, CALL)),
              at == CALL ? UMAPI_CHECK_FAILED : UMAPI_CHECK_SKIPPED);
    umapi_check_free(found);
}

static void every_step_passes(void)
{
    umapi_client *client = new_client();
    umapi_check *found = check_with(client, NULL);
    results_are(found, 0, CALL, UMAPI_CHECK_PASSED);
    CHECK_INT(umapi_check_passed(found), 1);
    CHECK_HAS(umapi_check_text(found), "all steps passed\n");
    CHECK_HAS(umapi_check_json(found), "{\"passed\":true,\"version\":\"" UMAPI_VERSION "\",\"steps\":[{\"step\":");
    CHECK_HAS(umapi_check_step_message(umapi_check_get(found, 0)), environment("UMAPI_CLIENT_ID"));
    CHECK_HAS_NOT(umapi_check_text(found), environment("UMAPI_CLIENT_SECRET"));
    CHECK_HAS_NOT(umapi_check_json(found), environment("UMAPI_CLIENT_SECRET"));
    CHECK_INT(requests_to("token"), 1);
    CHECK_INT(requests_to("user"), 1);
    umapi_check_free(found);
    /* A second check on the same client requests a new token, since that is a step. */
    umapi_check_free(check_with(client, NULL));
    CHECK_INT(requests_to("token"), 2);
    umapi_client_free(client);
}

/* ---- Each host fails at each step ---- */

static umapi_client_options *through(const char *proxy, const char *user, const char *password)
{
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_options_set_proxy(options, proxy, user, password, &error), error);
    return options;
}

static void fails_directly_at(const char *host, size_t step, umapi_status status, const char *message, const char *remedy)
{
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("TLS_CA"), &error), error);
    failed_at(check_of(options, host), TOKEN_HOST + step, status, message, remedy);
    options = new_options();
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("TLS_CA"), &error), error);
    CHECK_OK(umapi_client_options_set_endpoint(options, host, &error), error);
    failed_at(check_of(options, environment("UMAPI_AUTH_HOST")), SERVICE_HOST + step, status, message, remedy);
}

enum { NAME, CONNECT, PROXY, TLS };

static void names(void)
{
    fails_directly_at("https://nowhere.invalid", NAME, UMAPI_STATUS_CONNECT, "the name nowhere.invalid is not found",
                "check the spelling of nowhere.invalid");
}

static void connections(void)
{
    fails_directly_at("https://127.0.0.1:1", CONNECT, UMAPI_STATUS_CONNECT, "127.0.0.1:1 refuses the connection",
                "whether a firewall lets this machine out to 127.0.0.1:1");
}

static void certificates(void)
{
    char no_tls[160];
    snprintf(no_tls, sizeof no_tls, "https%s", strchr(environment("UMAPI_SANDBOX_CONTROL"), ':'));
    fails_directly_at(environment("TLS_EXPIRED"), TLS, UMAPI_STATUS_TLS, "has expired on", "check this machine's clock");
    fails_directly_at(environment("TLS_WRONG_NAME"), TLS, UMAPI_STATUS_TLS, "is for intranet.example", "check the host");
    fails_directly_at(environment("TLS_1_1"), TLS, UMAPI_STATUS_TLS, "does not support TLS 1.2 or later",
                      "brought up to date");
    fails_directly_at(environment("TLS_SELF_SIGNED"), TLS, UMAPI_STATUS_TLS, "is self-signed", "a certificate of a CA");
    fails_directly_at(no_tls, TLS, UMAPI_STATUS_TLS, "does not speak TLS", "check the port");
}

static void an_unknown_ca(void)
{
    umapi_client_options *options = umapi_client_options_new();
    failed_at(check_of(options, environment("TLS_GOOD")), TOKEN_HOST + TLS, UMAPI_STATUS_TLS,
              "CN=Example Corp Test CA", "add your company's CA certificate");
}

static void proxies(void)
{
    const char *host = environment("UMAPI_AUTH_HOST");
    char socks[128];
    umapi_check *found;
    failed_at(check_of(through("http://127.0.0.1:1", NULL, NULL), host), TOKEN_HOST + CONNECT, UMAPI_STATUS_PROXY,
              "the proxy http://127.0.0.1:1 refuses the connection", "check that the proxy runs");
    failed_at(check_of(through("http://proxy.invalid:3128", NULL, NULL), host), TOKEN_HOST + NAME, UMAPI_STATUS_PROXY,
              "the proxy's name proxy.invalid is not found", "check the option proxy");
    failed_at(check_of(through(environment("PROXY_LOGIN"), NULL, NULL), host), TOKEN_HOST + PROXY, UMAPI_STATUS_PROXY,
              "it says \"407 ", "give the right user and password");
    failed_at(check_of(through(environment("PROXY_LOGIN"), "other-user", "wr0ng-p4ss"), host), TOKEN_HOST + PROXY,
              UMAPI_STATUS_PROXY, "refuses the user and password", "give the right user and password");
    failed_at(check_of(through(environment("PROXY_OPEN"), NULL, NULL), "https://forbidden.example"),
              TOKEN_HOST + PROXY, UMAPI_STATUS_PROXY, "it says \"403 ", "to permit forbidden.example:443");
    failed_at(check_of(through(environment("PROXY_INSPECTS"), NULL, NULL), host), TOKEN_HOST + TLS, UMAPI_STATUS_TLS,
              "CN=mitmproxy", "add your company's CA certificate");
    snprintf(socks, sizeof socks, "socks5h://%s", environment("PROXY_SOCKS_LOGIN"));
    failed_at(check_of(through(socks, "other-user", "wr0ng-p4ss"), host), TOKEN_HOST + PROXY, UMAPI_STATUS_PROXY,
              "refuses the user and password", "give the right user and password");
    failed_at(check_of(through(socks, environment("PROXY_USER"), environment("PROXY_PASSWORD")), "127.0.0.1:1"),
              TOKEN_HOST + PROXY, UMAPI_STATUS_CONNECT, "cannot reach 127.0.0.1:1", "ask the proxy's operator");
    found = check_of(through(socks, environment("PROXY_USER"), environment("PROXY_PASSWORD")), host);
    CHECK_INT(umapi_check_passed(found), 1);
    umapi_check_free(found);
    found = check_of(through(environment("PROXY_OPEN"), NULL, NULL), host);
    CHECK_INT(umapi_check_passed(found), 1);
    CHECK_HAS(umapi_check_step_message(umapi_check_get(found, SERVICE_HOST + PROXY)), "connects to 127.0.0.1:");
    umapi_check_free(found);
}

/* ---- The configuration ---- */

static void the_environment_is_part_of_the_configuration(void)
{
    umapi_client *client = new_client();
    umapi_check *found = NULL;
    setenv("HTTPS_PROXY", "ftp://proxy.example", 1);
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    unsetenv("HTTPS_PROXY");
    CHECK_INT(umapi_check_count(found), 1);
    CHECK_INT(umapi_check_step_result(umapi_check_get(found, 0)), UMAPI_CHECK_FAILED);
    CHECK_HAS(umapi_check_step_message(umapi_check_get(found, 0)), "HTTPS_PROXY in the environment");
    CHECK_HAS(umapi_check_step_remedy(umapi_check_get(found, 0)), "correct or unset it");
    umapi_check_free(found);
    umapi_client_free(client);
}

static void a_client_that_cannot_be_made(void)
{
    umapi_credentials *credentials = NULL;
    umapi_check *found = NULL;
    const umapi_check_step *step;
    CHECK_FAILS(umapi_credentials_new_oauth("an id", "secret", &credentials, &error), UMAPI_STATUS_INVALID_ARGUMENT,
                error);
    CHECK_INT(umapi_check_new_misconfigured(error, &found, NULL), UMAPI_OK);
    clear_error();
    CHECK_INT(umapi_check_count(found), 1);
    CHECK_INT(umapi_check_passed(found), 0);
    step = umapi_check_get(found, 0);
    CHECK_INT(umapi_check_step_kind(step), UMAPI_CHECK_CONFIGURATION);
    CHECK_HAS(umapi_check_step_message(step), "client_id: contains a space");
    CHECK_HAS(umapi_check_step_remedy(step), "correct what the message names");
    CHECK_INT(umapi_error_status(umapi_check_step_error(step)), UMAPI_STATUS_INVALID_ARGUMENT);
    umapi_check_free(found);
}

static void the_check_reports_that_certificates_are_not_verified(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_check *found;
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_set_danger_accept_invalid_certificates(options, 1, &error), error);
    found = check_of(options, environment("UMAPI_AUTH_HOST"));
    CHECK_INT(umapi_check_passed(found), 1);
    CHECK_HAS(umapi_check_step_remedy(umapi_check_get(found, 0)), "turn the verification of certificates on again");
    CHECK_HAS(umapi_check_step_message(umapi_check_get(found, TOKEN_HOST + TLS)), "NOT VERIFIED");
    umapi_check_free(found);
}

static void give_no_token(umapi_token_answer *answer, void *user_data)
{
    (void)user_data;
    umapi_token_answer_fail(answer, "the vault is shut", NULL);
}

/* With a token callback there is no token host to check. */
static void a_token_callback(void)
{
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = NULL;
    umapi_client *client = NULL;
    umapi_check *found = NULL;
    const umapi_check_step *token;
    CHECK_OK(umapi_credentials_new_callback("an-id", give_no_token, NULL, NULL, &credentials, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    CHECK_INT(umapi_check_count(found), 7);
    token = umapi_check_get(found, 1);
    CHECK_INT(umapi_check_step_kind(token), UMAPI_CHECK_TOKEN);
    CHECK_TEXT(umapi_check_step_host(token), NULL);
    CHECK_HAS(umapi_check_step_message(token), "the vault is shut");
    CHECK_HAS(umapi_check_step_remedy(token), "the program's token callback");
    CHECK_INT(umapi_check_step_result(umapi_check_get(found, 6)), UMAPI_CHECK_SKIPPED);
    umapi_check_free(found);
    umapi_client_free(client);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
}

/* ---- Time ---- */

static void the_time_limit_ends_the_running_step(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    int64_t start = now_ms();
    add_fault("{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}");
    CHECK_OK(umapi_call_set_timeout_ms(call, 500 * slowness(), &error), error);
    failed_at(check_with(client, call), CALL, UMAPI_STATUS_DEADLINE, "time of", "give the check more time");
    CHECK(now_ms() - start < 2000 * slowness());
    umapi_call_free(call);
    umapi_client_free(client);
}

static void *trigger_later(void *cancel)
{
    sleep_ms(200 * slowness());
    umapi_cancel_trigger(cancel);
    return NULL;
}

static void a_cancel_ends_the_check(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_check *found = NULL;
    pthread_t thread;
    add_fault("{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}");
    CHECK_OK(umapi_call_set_cancel(call, cancel, &error), error);
    pthread_create(&thread, NULL, trigger_later, cancel);
    CHECK_FAILS(umapi_client_check(client, call, &found, &error), UMAPI_STATUS_CANCELLED, error);
    CHECK(found == NULL);
    clear_error();
    pthread_join(thread, NULL);
    umapi_cancel_free(cancel);
    umapi_call_free(call);
    umapi_client_free(client);
}

int main(void)
{
    unsetenv("HTTPS_PROXY");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    RUN(every_step_passes);
    RUN(names);
    RUN(connections);
    RUN(certificates);
    RUN(an_unknown_ca);
    RUN(proxies);
    RUN(the_environment_is_part_of_the_configuration);
    RUN(a_client_that_cannot_be_made);
    RUN(the_check_reports_that_certificates_are_not_verified);
    RUN(a_token_callback);
    RUN(the_time_limit_ends_the_running_step);
    RUN(a_cancel_ends_the_check);
    return all_passed();
}
