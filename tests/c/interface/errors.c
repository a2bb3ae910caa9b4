/* Tests that each kind of failure has its status, the service's code and message, and the number of attempts. */

#define _POSIX_C_SOURCE 200809L

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

typedef struct expectation {
    const char *fault;
    umapi_status status;
    int32_t http_status;
    int32_t attempts;
    int32_t retryable;
    const char *code;
    const char *message;
} expectation;

static const expectation EXPECTATIONS[] = {
    {"{'status':{'code':400,'body':'result'}}", UMAPI_STATUS_REJECTED, 400, 1, 0, "error.sandbox.400", "fault rule"},
    {"{'status':{'code':400,'body':'empty'}}", UMAPI_STATUS_REJECTED, 400, 1, 0, NULL, "400"},
    {"{'status':{'code':401,'body':'gateway'}}", UMAPI_STATUS_AUTH, 401, 2, 0, "401000", "fault rule"},
    {"{'status':{'code':403,'body':'gateway'}}", UMAPI_STATUS_FORBIDDEN, 403, 1, 0, "403000", "fault rule"},
    {"{'status':{'code':409,'body':'error_message'}}", UMAPI_STATUS_REJECTED, 409, 1, 0, NULL, "fault rule"},
    {"{'status':{'code':429,'retry_after':3244}}", UMAPI_STATUS_THROTTLED, 429, 1, 1, "429000", "3244"},
    {"{'status':{'code':429}}", UMAPI_STATUS_THROTTLED, 429, 4, 1, "429000", "fault rule"},
    {"{'status':{'code':500,'body':'error_message_code'}}", UMAPI_STATUS_SERVER, 500, 4, 1, "error.sandbox.500",
     "fault rule"},
    {"{'status':{'code':502,'body':'html'}}", UMAPI_STATUS_SERVER, 502, 4, 1, NULL, "502"},
    {"{'status':{'code':503,'body':'ims'}}", UMAPI_STATUS_SERVER, 503, 4, 1, "sandbox_fault", "fault rule"},
    {"{'status':{'code':504,'body':'empty'}}", UMAPI_STATUS_SERVER, 504, 4, 1, NULL, "504"},
    {"{'garbage':{'kind':'other_json'}}", UMAPI_STATUS_PROTOCOL, 200, 1, 0, NULL, "user"},
    {"{'reset':{'at':'before_work'}}", UMAPI_STATUS_CONNECT, 0, 4, 1, NULL, "connection"},
};

static void each_kind_has_its_status(void)
{
    umapi_client *client = new_client();
    size_t i;
    for (i = 0; i < sizeof EXPECTATIONS / sizeof *EXPECTATIONS; i++) {
        const expectation *expected = &EXPECTATIONS[i];
        char rule[256];
        snprintf(rule, sizeof rule, "{'endpoint':'user','fault':%s}", expected->fault);
        control_only("DELETE", "/faults", NULL);
        add_fault(rule);
        umapi_client_free(client); /* and with it the throttle of a 429 */
        client = new_client();
        CHECK_FAILS(find_user(client, NULL, &error), expected->status, error);
        CHECK_INT(umapi_error_http_status(error), expected->http_status);
        CHECK_INT(umapi_error_attempts(error), expected->attempts);
        CHECK_INT(umapi_error_is_retryable(error), expected->retryable);
        CHECK_TEXT(umapi_error_code(error), expected->code);
        CHECK_HAS(umapi_error_message(error), expected->message);
        CHECK_HAS(umapi_error_endpoint(error), "/organizations/12345ABCDE");
        CHECK(umapi_error_request_id(error) != NULL);
        if (error == NULL || umapi_error_status(error) != expected->status) {
            printf("    with %s\n", expected->fault);
        }
        clear_error();
    }
    umapi_client_free(client);
}

static void a_long_block_is_reported_at_once_with_its_length(void)
{
    umapi_client *client = new_client();
    int64_t start = now_ms();
    add_fault("{'endpoint':'user','fault':{'status':{'code':429,'retry_after':3244}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_THROTTLED, error);
    CHECK_INT(umapi_error_retry_after_ms(error) / 1000, 3244);
    clear_error();
    /* The next call is throttled too, without a request. */
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_THROTTLED, error);
    CHECK(umapi_error_retry_after_ms(error) > 3200000 && umapi_error_retry_after_ms(error) <= 3244000);
    clear_error();
    CHECK_INT(requests_to("user"), 1);
    CHECK(now_ms() - start < 1000 * slowness());
    umapi_client_free(client);
}

static void a_wrong_organisation_is_an_authentication_failure(void)
{
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_new("OTHER@AdobeOrg", credentials, options, &client, &error), error);
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
    CHECK(umapi_error_code(error) == NULL); /* the service's 401 has no body */
    clear_error();
    umapi_client_free(client);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
}

static umapi_client *client_at(const char *token_host)
{
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, token_host, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    return client;
}

static void a_host_without_a_listener(void)
{
    umapi_client *client = client_at("https://127.0.0.1:1");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_CONNECT, error);
    CHECK_HAS(umapi_error_message(error), "refuses the connection");
    CHECK_INT(umapi_error_attempts(error), 4);
    clear_error();
    umapi_client_free(client);
}

static void an_untrusted_certificate_is_reported_without_a_retry(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_TLS, error);
    CHECK_INT(umapi_error_attempts(error), 1);
    CHECK_HAS(umapi_error_message(error), "add your company's CA certificate");
    clear_error();
    umapi_client_free(client);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
}

static void a_proxy_that_does_not_run(void)
{
    umapi_client *client;
    unsetenv("NO_PROXY");
    unsetenv("no_proxy");
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    client = new_client();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_PROXY, error);
    unsetenv("HTTPS_PROXY");
    CHECK_HAS(umapi_error_message(error), "HTTPS_PROXY");
    clear_error();
    umapi_client_free(client);
}

static void the_error_parameter_is_optional(void)
{
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    add_fault("{'endpoint':'user','fault':{'status':{'code':400}}}");
    CHECK_INT(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, NULL), UMAPI_STATUS_REJECTED);
    CHECK(user == NULL);
    umapi_client_free(client);
}

int main(void)
{
    RUN(each_kind_has_its_status);
    RUN(a_long_block_is_reported_at_once_with_its_length);
    RUN(a_wrong_organisation_is_an_authentication_failure);
    RUN(a_host_without_a_listener);
    RUN(an_untrusted_certificate_is_reported_without_a_retry);
    RUN(a_proxy_that_does_not_run);
    RUN(the_error_parameter_is_optional);
    return all_passed();
}
