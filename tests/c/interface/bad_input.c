/* Tests that invalid arguments are refused with a message that names the argument, and have no effect. */

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_UTF8 "caf\xE9"

/* The call must return "invalid argument", with a message that contains the argument's name. */
#define REFUSES(call, argument) check_refusal((call), argument, #call, __FILE__, __LINE__)

static umapi_error *error;
static char long_text[100001];

static void check_refusal(umapi_status status, const char *argument, const char *what, const char *file, int line)
{
    check_fails(status, UMAPI_STATUS_INVALID_ARGUMENT, &error, what, file, line);
    check_has(umapi_error_message(error), argument, what, file, line);
    umapi_error_free(error);
    error = NULL;
}

/* ---- Credentials ---- */

static void oauth_credentials(void)
{
    umapi_credentials *made = (umapi_credentials *)&error;
    REFUSES(umapi_credentials_new_oauth(NULL, "s", &made, &error), "client_id");
    CHECK(made == NULL);
    REFUSES(umapi_credentials_new_oauth("", "s", &made, &error), "client_id");
    REFUSES(umapi_credentials_new_oauth("a\r\nx: y", "s", &made, &error), "client_id");
    REFUSES(umapi_credentials_new_oauth(NOT_UTF8, "s", &made, &error), "client_id");
    REFUSES(umapi_credentials_new_oauth("c", NULL, &made, &error), "client_secret");
    REFUSES(umapi_credentials_new_oauth("c", "", &made, &error), "client_secret");
    REFUSES(umapi_credentials_new_oauth("c", NOT_UTF8, &made, &error), "client_secret");
    REFUSES(umapi_credentials_new_oauth("c", "s", NULL, &error), "credentials");
    CHECK(made == NULL);
}

static umapi_status jwt(const char *pem, umapi_credentials **made)
{
    return umapi_credentials_new_jwt("c", "s", "t", pem, pem == NULL ? 0 : strlen(pem), made, &error);
}

static void jwt_credentials(void)
{
    umapi_credentials *made = NULL;
    char *public_key;
    size_t length;
    REFUSES(jwt(NULL, &made), "private_key");
    REFUSES(jwt("", &made), "private_key");
    REFUSES(jwt("no PEM at all", &made), "private_key");
    REFUSES(jwt(NOT_UTF8, &made), "private_key");
    REFUSES(jwt("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n", &made), "private_key");
    REFUSES(jwt("-----BEGIN RSA PRIVATE KEY-----\nnot base64!\n-----END RSA PRIVATE KEY-----\n", &made), "private_key");
    REFUSES(jwt("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", &made), "private_key");
    public_key = read_file(test_key("public.pem"), &length);
    REFUSES(jwt(public_key, &made), "private_key");
    free(public_key);
    REFUSES(umapi_credentials_new_jwt("c", "s", NULL, "k", 1, &made, &error), "tech_acct_id");
    REFUSES(umapi_credentials_new_jwt("c", "s", "", "k", 1, &made, &error), "tech_acct_id");
    REFUSES(umapi_credentials_new_jwt("c", NULL, "t", "k", 1, &made, &error), "client_secret");
    REFUSES(umapi_credentials_new_jwt(NULL, "s", "t", "k", 1, &made, &error), "client_id");
    CHECK(made == NULL);
}

static void jwt_credentials_with_a_passphrase(void)
{
    umapi_credentials *made = NULL;
    size_t length;
    char *key = read_file(test_key("pbes2-aes-256-cbc.pem"), &length);
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "t", NULL, 0, NULL, &made, &error), "private_key");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "t", key, (size_t)-1, NULL, &made, &error), "private_key");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "t", key, length, NOT_UTF8, &made, &error), "passphrase");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "t", key, length, long_text, &made, &error), "passphrase");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "", key, length, NULL, &made, &error), "tech_acct_id");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", NULL, "t", key, length, NULL, &made, &error), "client_secret");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("", "s", "t", key, length, NULL, &made, &error), "client_id");
    REFUSES(umapi_credentials_new_jwt_with_passphrase("c", "s", "t", key, length, NULL, NULL, &error), "credentials");
    free(key);
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", NULL, NULL, &made, &error), "private_key_path");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", "", NULL, &made, &error), "private_key_path");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", NOT_UTF8, NULL, &made, &error), "private_key_path");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", long_text, NULL, &made, &error), "private_key_path");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", "/dev/null", NULL, &made, &error), "is empty");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", "/dev/null", NOT_UTF8, &made, &error), "passphrase");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", NULL, "/dev/null", NULL, &made, &error), "tech_acct_id");
    REFUSES(umapi_credentials_new_jwt_from_file("c", "s", "t", "/dev/null", NULL, NULL, &error), "credentials");
    CHECK(made == NULL);
}

static void key_pairs(void)
{
    umapi_key_pair_options *options = umapi_key_pair_options_new();
    umapi_key_pair *pair = (umapi_key_pair *)&error;
    umapi_status (*const setters[])(umapi_key_pair_options *, const char *, umapi_error **) = {
        umapi_key_pair_options_set_country, umapi_key_pair_options_set_state, umapi_key_pair_options_set_locality,
        umapi_key_pair_options_set_organization, umapi_key_pair_options_set_email};
    const char *const names[] = {"country", "state", "locality", "organization", "email"};
    size_t i;
    for (i = 0; i < sizeof setters / sizeof *setters; i++) {
        REFUSES(setters[i](NULL, "DE", &error), "options");
        REFUSES(setters[i](options, NULL, &error), names[i]);
        REFUSES(setters[i](options, "", &error), names[i]);
        REFUSES(setters[i](options, "  ", &error), names[i]);
        REFUSES(setters[i](options, "a\nb", &error), names[i]);
        REFUSES(setters[i](options, NOT_UTF8, &error), names[i]);
        REFUSES(setters[i](options, long_text, &error), names[i]);
    }
    REFUSES(umapi_key_pair_options_set_country(options, "de", &error), "country");
    REFUSES(umapi_key_pair_options_set_country(options, "DEU", &error), "country");
    REFUSES(umapi_key_pair_options_set_email(options, "m\xC3\xBCller@example.com", &error), "email");
    REFUSES(umapi_key_pair_options_set_bits(NULL, 2048, &error), "options");
    REFUSES(umapi_key_pair_options_set_bits(options, 1024, &error), "bits");
    REFUSES(umapi_key_pair_options_set_bits(options, 2049, &error), "bits");
    REFUSES(umapi_key_pair_options_set_bits(options, -2048, &error), "bits");
    REFUSES(umapi_key_pair_options_set_not_after(NULL, 4102444800, &error), "options");
    REFUSES(umapi_key_pair_options_set_not_after(options, 0, &error), "not_after");
    REFUSES(umapi_key_pair_options_set_not_after(options, INT64_MIN, &error), "not_after");
    REFUSES(umapi_key_pair_options_set_not_after(options, INT64_MAX, &error), "not_after");
    REFUSES(umapi_key_pair_new(NULL, options, &pair, &error), "common_name");
    CHECK(pair == NULL);
    REFUSES(umapi_key_pair_new("", options, &pair, &error), "common_name");
    REFUSES(umapi_key_pair_new(NOT_UTF8, NULL, &pair, &error), "common_name");
    REFUSES(umapi_key_pair_new(long_text, NULL, &pair, &error), "common_name");
    REFUSES(umapi_key_pair_new("umapi", NULL, NULL, &error), "pair");
    REFUSES(umapi_key_pair_save(NULL, "/nowhere/a", "/nowhere/b", 0, &error), "pair");
    umapi_key_pair_options_free(options);

    CHECK_OK(umapi_key_pair_new("umapi", NULL, &pair, &error), error);
    REFUSES(umapi_key_pair_save(pair, NULL, "/nowhere/b", 0, &error), "private_key_path");
    REFUSES(umapi_key_pair_save(pair, "/nowhere/a", NULL, 0, &error), "certificate_path");
    REFUSES(umapi_key_pair_save(pair, "", "/nowhere/b", 0, &error), "private_key_path");
    REFUSES(umapi_key_pair_save(pair, "/nowhere/a", NOT_UTF8, 0, &error), "certificate_path");
    REFUSES(umapi_key_pair_save(pair, "/nowhere/a", "/nowhere/b", 2, &error), "replace");
    REFUSES(umapi_key_pair_save(pair, "/nowhere/a", "/nowhere/b", 0, &error), "private_key_path");
    umapi_key_pair_free(pair);

    CHECK_TEXT(umapi_key_pair_private_key(NULL), NULL);
    CHECK_TEXT(umapi_key_pair_certificate(NULL), NULL);
    umapi_key_pair_free(NULL);
    umapi_key_pair_options_free(NULL);
}

static void configurations(void)
{
    umapi_client *client = (umapi_client *)&error;
    REFUSES(umapi_client_new_from_file(NULL, NULL, &client, &error), "path");
    CHECK(client == NULL);
    REFUSES(umapi_client_new_from_file("", NULL, &client, &error), "path");
    REFUSES(umapi_client_new_from_file(NOT_UTF8, NULL, &client, &error), "path");
    REFUSES(umapi_client_new_from_file(long_text, NULL, &client, &error), "holds what should be in a file");
    REFUSES(umapi_client_new_from_file("/dev/null", NULL, &client, &error), "is no JSON");
    REFUSES(umapi_client_new_from_file("/dev/null", NULL, NULL, &error), "client");
    REFUSES(umapi_client_new_from_environment(NULL, NULL, &error), "client");
    CHECK(client == NULL);
}

static void new_credentials_of_a_client(void)
{
    umapi_client *client = new_client();
    umapi_credentials *credentials = new_credentials();
    REFUSES(umapi_client_set_credentials(NULL, credentials, &error), "client");
    REFUSES(umapi_client_set_credentials(client, NULL, &error), "credentials");
    umapi_credentials_free(credentials);
    umapi_client_free(client);
}

static void nothing(umapi_token_answer *answer, void *user_data)
{
    (void)answer;
    (void)user_data;
}

static void bad_token(umapi_token_answer *answer, void *user_data)
{
    (void)user_data;
    REFUSES(umapi_token_answer_set(NULL, "t", 1000, &error), "answer");
    REFUSES(umapi_token_answer_set(answer, NULL, 1000, &error), "token");
    REFUSES(umapi_token_answer_set(answer, "", 1000, &error), "token");
    REFUSES(umapi_token_answer_set(answer, "a\r\nb", 1000, &error), "token");
    REFUSES(umapi_token_answer_set(answer, NOT_UTF8, 1000, &error), "token");
    REFUSES(umapi_token_answer_set(answer, "t", 0, &error), "lifetime_ms");
    REFUSES(umapi_token_answer_set(answer, "t", -1, &error), "lifetime_ms");
    REFUSES(umapi_token_answer_fail(NULL, "m", &error), "answer");
    REFUSES(umapi_token_answer_fail(answer, NULL, &error), "message");
}

static void callback_credentials(void)
{
    umapi_credentials *made = NULL;
    umapi_client *client = NULL;
    umapi_client_options *options = new_options();
    umapi_user *user = NULL;
    umapi_error *own = NULL;
    REFUSES(umapi_credentials_new_callback(NULL, nothing, NULL, NULL, &made, &error), "client_id");
    REFUSES(umapi_credentials_new_callback("c", NULL, NULL, NULL, &made, &error), "fetch");
    REFUSES(umapi_credentials_new_callback("c", nothing, NULL, NULL, NULL, &error), "credentials");
    /* A callback that returns without an answer has failed. */
    CHECK_OK(umapi_credentials_new_callback("c", bad_token, NULL, NULL, &made, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), made, options, &client, &error), error);
    CHECK_FAILS(umapi_client_find_user(client, NULL, "a@example.com", NULL, &user, &own), UMAPI_STATUS_AUTH, own);
    CHECK_INT(requests_to("user"), 0);
    umapi_error_free(own);
    umapi_client_free(client);
    umapi_client_options_free(options);
    umapi_credentials_free(made);
}

static void token_host_and_path(void)
{
    umapi_credentials *credentials = new_credentials();
    const char *const hosts[] = {"",         "a b",    "http://adobe.example", "ftp://x", "host:port", "user@host",
                                 "host/path", "x\r\ny", "host?query",           NOT_UTF8,  "[::1"};
    const char *const paths[] = {"", "no-slash", "/a b", "/a?b=c", "/a#b", "/a\r\nb", NOT_UTF8};
    size_t i;
    for (i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        REFUSES(umapi_credentials_set_auth_host(credentials, hosts[i], &error), "host");
    }
    for (i = 0; i < sizeof paths / sizeof *paths; i++) {
        REFUSES(umapi_credentials_set_auth_path(credentials, paths[i], &error), "path");
    }
    REFUSES(umapi_credentials_set_auth_host(credentials, NULL, &error), "host");
    REFUSES(umapi_credentials_set_auth_path(credentials, NULL, &error), "path");
    REFUSES(umapi_credentials_set_auth_host(NULL, "host", &error), "credentials");
    REFUSES(umapi_credentials_set_auth_path(NULL, "/path", &error), "credentials");
    umapi_credentials_free(credentials);
}

/* ---- Calls and client options ---- */

static void calls(void)
{
    umapi_call *call = umapi_call_new();
    REFUSES(umapi_call_set_timeout_ms(NULL, 1, &error), "call");
    REFUSES(umapi_call_set_timeout_ms(call, 0, &error), "timeout_ms");
    REFUSES(umapi_call_set_timeout_ms(call, -5, &error), "timeout_ms");
    REFUSES(umapi_call_set_cancel(NULL, NULL, &error), "call");
    CHECK_OK(umapi_call_set_cancel(call, NULL, &error), error);
    REFUSES(umapi_call_set_request_id(NULL, "x", &error), "call");
    REFUSES(umapi_call_set_request_id(call, NULL, &error), "request_id");
    REFUSES(umapi_call_set_request_id(call, "", &error), "request_id");
    REFUSES(umapi_call_set_request_id(call, "a\r\nx: y", &error), "request_id");
    REFUSES(umapi_call_set_request_id(call, "a b", &error), "request_id");
    REFUSES(umapi_call_set_request_id(call, NOT_UTF8, &error), "request_id");
    REFUSES(umapi_call_set_request_id(call, long_text, &error), "request_id");
    REFUSES(umapi_call_set_progress(NULL, NULL, NULL, NULL, &error), "call");
    REFUSES(umapi_call_set_progress(call, NULL, NULL, NULL, &error), "progress");
    umapi_call_free(call);
}

static void endpoints(void)
{
    umapi_client_options *options = umapi_client_options_new();
    const char *const endpoints[] = {"",         "no URL",       "http://adobe.example/v2", "ftp://127.0.0.1/",
                                     "https://", "//host/path",  "https://user:pw@host/",   "https://host/?q=1",
                                     NOT_UTF8,   "https://a b/", "https://host/#fragment",  "file:///etc/passwd"};
    size_t i;
    for (i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        REFUSES(umapi_client_options_set_endpoint(options, endpoints[i], &error), "endpoint");
    }
    REFUSES(umapi_client_options_set_endpoint(options, NULL, &error), "endpoint");
    REFUSES(umapi_client_options_set_endpoint(NULL, "https://host/", &error), "options");
    CHECK_OK(umapi_client_options_set_endpoint(options, "http://127.0.0.1:8080/v2/usermanagement", &error), error);
    CHECK_OK(umapi_client_options_set_endpoint(options, "http://localhost/v2/usermanagement", &error), error);
    CHECK_OK(umapi_client_options_set_endpoint(options, "http://[::1]:1/v2/usermanagement", &error), error);
    umapi_client_options_free(options);
}

static void log_line(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
}

static void client_options(void)
{
    umapi_client_options *options = umapi_client_options_new();
    REFUSES(umapi_client_options_set_test_mode(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_test_mode(options, 2, &error), "enabled");
    REFUSES(umapi_client_options_set_account_deletes_in_test_mode(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_account_deletes_in_test_mode(options, -1, &error), "allowed");
    REFUSES(umapi_client_options_set_connect_timeout_ms(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_connect_timeout_ms(options, 0, &error), "timeout_ms");
    REFUSES(umapi_client_options_set_attempt_timeout_ms(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_attempt_timeout_ms(options, -1, &error), "timeout_ms");
    REFUSES(umapi_client_options_set_retry(NULL, 1, 1, 1, &error), "options");
    REFUSES(umapi_client_options_set_retry(options, 0, 1, 1, &error), "max_attempts");
    REFUSES(umapi_client_options_set_retry(options, 1, -1, 1, &error), "first_delay_ms");
    REFUSES(umapi_client_options_set_retry(options, 1, 1, -1, &error), "max_wait_ms");
    REFUSES(umapi_client_options_set_rate_limit(NULL, UMAPI_ENDPOINT_USERS, 1, 1, &error), "options");
    REFUSES(umapi_client_options_set_rate_limit(options, 0, 1, 1, &error), "endpoint");
    REFUSES(umapi_client_options_set_rate_limit(options, 99, 1, 1, &error), "endpoint");
    REFUSES(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USERS, -1, 1, &error), "requests");
    REFUSES(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USERS, 1, 0, &error), "window_ms");
    REFUSES(umapi_client_options_set_batch_limits(NULL, 1, 1, 1, &error), "options");
    REFUSES(umapi_client_options_set_batch_limits(options, 0, 1, 1, &error), "entries_per_request");
    REFUSES(umapi_client_options_set_batch_limits(options, 1, 0, 1, &error), "steps_per_entry");
    REFUSES(umapi_client_options_set_batch_limits(options, 1, 1, -1, &error), "names_per_step");
    REFUSES(umapi_client_options_set_read_ahead(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_read_ahead(options, 0, &error), "pages");
    REFUSES(umapi_client_options_set_user_agent_prefix(NULL, "a", &error), "options");
    REFUSES(umapi_client_options_set_user_agent_prefix(options, NULL, &error), "prefix");
    REFUSES(umapi_client_options_set_user_agent_prefix(options, "", &error), "prefix");
    REFUSES(umapi_client_options_set_user_agent_prefix(options, "a\nb", &error), "prefix");
    REFUSES(umapi_client_options_set_user_agent_prefix(options, long_text, &error), "prefix");
    REFUSES(umapi_client_options_add_ca_pem(NULL, "a", 1, &error), "options");
    REFUSES(umapi_client_options_add_ca_pem(options, NULL, 1, &error), "pem");
    REFUSES(umapi_client_options_add_ca_pem(options, "", 0, &error), "pem");
    REFUSES(umapi_client_options_add_ca_pem(options, "garbage", 7, &error), "pem");
    REFUSES(umapi_client_options_add_ca_file(NULL, "ca.pem", &error), "options");
    REFUSES(umapi_client_options_add_ca_file(options, NULL, &error), "path");
    REFUSES(umapi_client_options_add_ca_file(options, "", &error), "path");
    REFUSES(umapi_client_options_add_ca_file(options, "/nonexistent/ca.pem", &error), "path");
    REFUSES(umapi_client_options_set_platform_certificates(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_platform_certificates(options, 2, &error), "trusted");
    REFUSES(umapi_client_options_set_danger_accept_invalid_certificates(NULL, 1, &error), "options");
    REFUSES(umapi_client_options_set_danger_accept_invalid_certificates(options, -1, &error), "accepted");
    REFUSES(umapi_client_options_set_proxy(NULL, "http://h:1", NULL, NULL, &error), "options");
    REFUSES(umapi_client_options_set_proxy(options, NULL, NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "", NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "ftp://h:1", NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1/path", NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1\r\nX: y", NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "http://u:p@h:1", NULL, NULL, &error), "url");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1", "", "p", &error), "user");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1", "a:b", "p", &error), "user");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1", "a\r\nX: y", "p", &error), "user");
    REFUSES(umapi_client_options_set_proxy(options, "http://h:1", NULL, "p", &error), "user");
    REFUSES(umapi_client_options_set_proxy(options, "socks5://h:1", long_text, "p", &error), "user");
    REFUSES(umapi_client_options_disable_proxy(NULL, &error), "options");
    REFUSES(umapi_client_options_set_log(NULL, UMAPI_LOG_INFO, log_line, NULL, NULL, &error), "options");
    REFUSES(umapi_client_options_set_log(options, 0, log_line, NULL, NULL, &error), "level");
    REFUSES(umapi_client_options_set_log(options, 5, log_line, NULL, NULL, &error), "level");
    REFUSES(umapi_client_options_set_log(options, UMAPI_LOG_INFO, NULL, NULL, NULL, &error), "log");
    umapi_client_options_free(options);
}

/* ---- Clients and reading ---- */

static void clients(void)
{
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = (umapi_client *)&error;
    REFUSES(umapi_client_new(NULL, credentials, NULL, &client, &error), "org_id");
    CHECK(client == NULL);
    REFUSES(umapi_client_new("", credentials, NULL, &client, &error), "org_id");
    REFUSES(umapi_client_new("a\r\n", credentials, NULL, &client, &error), "org_id");
    REFUSES(umapi_client_new(NOT_UTF8, credentials, NULL, &client, &error), "org_id");
    REFUSES(umapi_client_new("A@AdobeOrg", NULL, NULL, &client, &error), "credentials");
    REFUSES(umapi_client_new("A@AdobeOrg", credentials, NULL, NULL, &error), "client");
    CHECK(client == NULL);
    umapi_credentials_free(credentials);
}

static void reading(void)
{
    umapi_client *client = new_client();
    umapi_users *users = (umapi_users *)&error;
    umapi_groups *groups = NULL;
    umapi_user *user = NULL;
    umapi_user_page *page = NULL;
    umapi_service *service = NULL;
    umapi_check *found = (umapi_check *)&error;
    REFUSES(umapi_client_check(NULL, NULL, &found, &error), "client");
    CHECK(found == NULL);
    REFUSES(umapi_client_check(client, NULL, NULL, &error), "check");
    REFUSES(umapi_check_new_misconfigured(NULL, &found, &error), "why");
    REFUSES(umapi_check_new_misconfigured(NULL, NULL, &error), "check");
    REFUSES(umapi_client_find_user(NULL, NULL, "a@b.c", NULL, &user, &error), "client");
    REFUSES(umapi_client_find_user(client, NULL, NULL, NULL, &user, &error), "user_string");
    REFUSES(umapi_client_find_user(client, NULL, "", NULL, &user, &error), "user_string");
    REFUSES(umapi_client_find_user(client, NULL, "a\nb", NULL, &user, &error), "user_string");
    REFUSES(umapi_client_find_user(client, NULL, NOT_UTF8, NULL, &user, &error), "user_string");
    REFUSES(umapi_client_find_user(client, NULL, "jdoe", NULL, &user, &error), "domain");
    REFUSES(umapi_client_find_user(client, NULL, "jdoe", "", &user, &error), "domain");
    REFUSES(umapi_client_find_user(client, NULL, "jdoe", NOT_UTF8, &user, &error), "domain");
    REFUSES(umapi_client_find_user(client, NULL, "a@b.c", "", &user, &error), "domain");
    REFUSES(umapi_client_find_user(client, NULL, "a@b.c", "b\nc", &user, &error), "domain");
    REFUSES(umapi_client_find_user(client, NULL, "a@b.c", NULL, NULL, &error), "user");
    REFUSES(umapi_client_users(NULL, NULL, &users, &error), "client");
    CHECK(users == NULL);
    REFUSES(umapi_client_users(client, NULL, NULL, &error), "users");
    REFUSES(umapi_client_groups(NULL, &groups, &error), "client");
    REFUSES(umapi_client_groups(client, NULL, &error), "groups");
    REFUSES(umapi_client_user_groups(NULL, &groups, &error), "client");
    REFUSES(umapi_client_user_groups(client, NULL, &error), "groups");
    REFUSES(umapi_client_service(NULL, NULL, &service, &error), "client");
    REFUSES(umapi_client_service(client, NULL, NULL, &error), "service");
    REFUSES(umapi_users_next_page(NULL, NULL, &page, &error), "users");
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    REFUSES(umapi_users_next(users, NULL, NULL, &error), "user");
    REFUSES(umapi_users_next_page(users, NULL, NULL, &error), "page");
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    REFUSES(umapi_groups_next(groups, NULL, NULL, &error), "group");
    REFUSES(umapi_groups_next_page(groups, NULL, NULL, &error), "page");
    umapi_users_free(users);
    umapi_groups_free(groups);
    CHECK_INT(requests_to("user") + requests_to("users") + requests_to("groups") + requests_to("token"), 0);
    umapi_client_free(client);
}

static void listings_without_a_handle(void)
{
    const umapi_user *user = (const umapi_user *)&error;
    const umapi_group *group = (const umapi_group *)&error;
    umapi_group_page *page = NULL;
    REFUSES(umapi_users_next(NULL, NULL, &user, &error), "users");
    CHECK(user == NULL);
    REFUSES(umapi_groups_next(NULL, NULL, &group, &error), "groups");
    CHECK(group == NULL);
    REFUSES(umapi_groups_next_page(NULL, NULL, &page, &error), "groups");
}

static void queries(void)
{
    umapi_user_query *query = umapi_user_query_new();
    REFUSES(umapi_user_query_set_group(NULL, "a", &error), "query");
    REFUSES(umapi_user_query_set_group(query, NULL, &error), "name");
    REFUSES(umapi_user_query_set_group(query, "", &error), "name");
    REFUSES(umapi_user_query_set_group(query, NOT_UTF8, &error), "name");
    REFUSES(umapi_user_query_set_group(query, long_text, &error), "name: has 100000 characters; at most 255");
    REFUSES(umapi_user_query_set_group_id(NULL, 1, &error), "query");
    REFUSES(umapi_user_query_set_group_id(query, 0, &error), "group_id");
    REFUSES(umapi_user_query_set_group_id(query, -7, &error), "group_id");
    REFUSES(umapi_user_query_set_domain(NULL, "a", &error), "query");
    REFUSES(umapi_user_query_set_domain(query, NULL, &error), "domain");
    REFUSES(umapi_user_query_set_domain(query, "", &error), "domain");
    REFUSES(umapi_user_query_set_domain(query, long_text, &error), "domain: has 100000 characters; at most 254");
    REFUSES(umapi_user_query_set_direct_only(NULL, 1, &error), "query");
    REFUSES(umapi_user_query_set_direct_only(query, 2, &error), "value");
    REFUSES(umapi_user_query_set_status(NULL, UMAPI_MEMBER_ACTIVE, &error), "query");
    REFUSES(umapi_user_query_set_status(query, 0, &error), "status");
    REFUSES(umapi_user_query_set_exclude_groups(NULL, 1, &error), "query");
    REFUSES(umapi_user_query_set_exclude_groups(query, 7, &error), "value");
    umapi_user_query_free(query);
}

/* ---- Texts that are sent in a URL or a header ---- */

static void texts_longer_than_can_be_sent(void)
{
    char *path = malloc(sizeof long_text + 32), *root = malloc(sizeof long_text + 32);
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = new_credentials(), *made = NULL;
    umapi_client *client = NULL;
    umapi_call *call = umapi_call_new();
    umapi_user *user = NULL;
    sprintf(path, "/%s", long_text);
    sprintf(root, "https://127.0.0.1/%s", long_text);
    REFUSES(umapi_credentials_new_oauth(long_text, "s", &made, &error), "client_id");
    REFUSES(umapi_credentials_new_oauth("c", long_text, &made, &error), "client_secret");
    REFUSES(umapi_credentials_set_auth_host(credentials, long_text, &error), "auth_host");
    REFUSES(umapi_credentials_set_auth_path(credentials, path, &error), "auth_path");
    REFUSES(umapi_client_options_set_endpoint(options, root, &error), "endpoint");
    REFUSES(umapi_client_options_set_user_agent_prefix(options, long_text, &error), "prefix");
    REFUSES(umapi_client_options_set_proxy(options, long_text, NULL, NULL, &error), "url");
    REFUSES(umapi_client_new(long_text, credentials, options, &client, &error), "org_id");
    REFUSES(umapi_call_set_request_id(call, long_text, &error), "request_id");
    client = new_client();
    REFUSES(umapi_client_find_user(client, NULL, long_text, "example.com", &user, &error), "user_string");
    REFUSES(umapi_client_find_user(client, NULL, "jdoe", long_text, &user, &error), "domain");
    CHECK_INT(requests_to("user"), 0);
    umapi_client_free(client);
    umapi_call_free(call);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
    free(path);
    free(root);
}

/* ---- Actions ---- */

static void targets(void)
{
    umapi_action *action = (umapi_action *)&error;
    REFUSES(umapi_action_new_user(NULL, NULL, &action, &error), "user");
    CHECK(action == NULL);
    REFUSES(umapi_action_new_user("", NULL, &action, &error), "user");
    REFUSES(umapi_action_new_user("a\nb@c.d", NULL, &action, &error), "user");
    REFUSES(umapi_action_new_user(NOT_UTF8, NULL, &action, &error), "user");
    REFUSES(umapi_action_new_user(long_text, "example.com", &action, &error), "user");
    REFUSES(umapi_action_new_user("jdoe", NULL, &action, &error), "domain");
    REFUSES(umapi_action_new_user("jdoe", "", &action, &error), "domain");
    REFUSES(umapi_action_new_user("a@b.c", "b.c", &action, &error), "domain");
    REFUSES(umapi_action_new_user("a@b.c", NULL, NULL, &error), "action");
    REFUSES(umapi_action_new_group(NULL, &action, &error), "name");
    REFUSES(umapi_action_new_group("", &action, &error), "name");
    REFUSES(umapi_action_new_group(NOT_UTF8, &action, &error), "name");
    REFUSES(umapi_action_new_group(long_text, &action, &error), "name");
    REFUSES(umapi_action_new_group("g", NULL, &error), "action");
    CHECK(action == NULL);
}

static umapi_status create(umapi_action *action, int32_t identity, const char *email, const char *first,
                           const char *country, int32_t on_conflict)
{
    return umapi_action_create_user(action, identity, email, first, NULL, country, on_conflict, &error);
}

static void user_commands(void)
{
    umapi_action *action = user_action("a@example.com");
    const char *names[] = {"Sales", NULL}, *empty = "";
    const int32_t fed = UMAPI_IDENTITY_FEDERATED, ignore = UMAPI_ON_CONFLICT_IGNORE;
    REFUSES(create(NULL, fed, "a@b.c", NULL, "DE", ignore), "action");
    REFUSES(create(action, UMAPI_IDENTITY_UNKNOWN, "a@b.c", NULL, "DE", ignore), "identity");
    REFUSES(create(action, 4, "a@b.c", NULL, "DE", ignore), "identity");
    REFUSES(create(action, fed, NULL, NULL, "DE", ignore), "email");
    REFUSES(create(action, fed, "", NULL, "DE", ignore), "email");
    REFUSES(create(action, fed, "no address", NULL, "DE", ignore), "email");
    REFUSES(create(action, fed, long_text, NULL, "DE", ignore), "email");
    REFUSES(create(action, fed, "a@b.c", NOT_UTF8, "DE", ignore), "firstname");
    REFUSES(create(action, fed, "a@b.c", long_text, "DE", ignore), "firstname");
    REFUSES(create(action, fed, "a@b.c", NULL, NULL, ignore), "country");
    REFUSES(create(action, fed, "a@b.c", NULL, "Germany", ignore), "country");
    REFUSES(create(action, fed, "a@b.c", NULL, "DE", 0), "on_conflict");
    REFUSES(umapi_action_update_user(NULL, NULL, NULL, "x", NULL, &error), "action");
    REFUSES(umapi_action_update_user(action, NULL, NULL, NULL, NULL, &error), "update");
    REFUSES(umapi_action_update_user(action, "", NULL, NULL, NULL, &error), "email");
    REFUSES(umapi_action_update_user(action, NULL, "", NULL, NULL, &error), "username");
    REFUSES(umapi_action_update_user(action, NULL, NULL, NULL, long_text, &error), "lastname");
    REFUSES(umapi_action_add_to_groups(NULL, names, 1, &error), "action");
    REFUSES(umapi_action_add_to_groups(action, NULL, 1, &error), "groups");
    REFUSES(umapi_action_add_to_groups(action, names, 0, &error), "groups");
    REFUSES(umapi_action_add_to_groups(action, names, 2, &error), "groups[1]");
    REFUSES(umapi_action_add_to_groups(action, &empty, 1, &error), "groups");
    REFUSES(umapi_action_add_to_groups(action, names, (size_t)-1, &error), "groups");
    REFUSES(umapi_action_remove_from_groups(NULL, names, 1, &error), "action");
    REFUSES(umapi_action_remove_from_groups(action, names, 0, &error), "groups");
    REFUSES(umapi_action_remove_from_all_groups(NULL, &error), "action");
    REFUSES(umapi_action_remove_from_org(NULL, 0, &error), "action");
    REFUSES(umapi_action_remove_from_org(action, 2, &error), "delete_account");
    REFUSES(umapi_action_set_use_adobe_id(NULL, 1, &error), "action");
    REFUSES(umapi_action_set_use_adobe_id(action, 3, &error), "value");
    REFUSES(umapi_action_set_request_id(NULL, "x", &error), "action");
    REFUSES(umapi_action_set_request_id(action, NULL, &error), "request_id");
    REFUSES(umapi_action_set_request_id(action, "", &error), "request_id");
    REFUSES(umapi_action_set_request_id(action, NOT_UTF8, &error), "request_id");
    CHECK_INT(umapi_action_command_count(action), 0);
    umapi_action_free(action);
}

static void group_commands(void)
{
    umapi_action *action = group_action("Night shift"), *special = group_action("_org_admin");
    const char *names[] = {"a@example.com", NOT_UTF8};
    REFUSES(umapi_action_create_group(NULL, NULL, UMAPI_ON_CONFLICT_IGNORE, &error), "action");
    REFUSES(umapi_action_create_group(action, NULL, 9, &error), "on_conflict");
    REFUSES(umapi_action_create_group(action, NOT_UTF8, UMAPI_ON_CONFLICT_IGNORE, &error), "description");
    REFUSES(umapi_action_create_group(special, NULL, UMAPI_ON_CONFLICT_IGNORE, &error), "name");
    REFUSES(umapi_action_update_group(NULL, "x", NULL, &error), "action");
    REFUSES(umapi_action_update_group(action, NULL, NULL, &error), "update");
    REFUSES(umapi_action_update_group(action, "", NULL, &error), "new_name");
    REFUSES(umapi_action_update_group(action, "_x", NULL, &error), "new_name");
    REFUSES(umapi_action_update_group(action, long_text, NULL, &error), "new_name");
    REFUSES(umapi_action_delete_group(NULL, &error), "action");
    REFUSES(umapi_action_add_users(NULL, names, 1, &error), "action");
    REFUSES(umapi_action_add_users(action, names, 2, &error), "emails[1]");
    REFUSES(umapi_action_add_users(action, NULL, 1, &error), "emails");
    REFUSES(umapi_action_remove_users(action, names, 0, &error), "emails");
    REFUSES(umapi_action_remove_users(NULL, names, 1, &error), "action");
    REFUSES(umapi_action_add_products(action, NULL, 2, &error), "profiles");
    REFUSES(umapi_action_add_products(NULL, names, 1, &error), "action");
    REFUSES(umapi_action_remove_products(action, names, 2, &error), "profiles[1]");
    REFUSES(umapi_action_remove_products(NULL, names, 1, &error), "action");
    CHECK_INT(umapi_action_command_count(action), 0);
    umapi_action_free(action);
    umapi_action_free(special);
}

static void commands_of_the_other_kind_and_in_a_wrong_order(void)
{
    umapi_action *user = user_action("a@example.com"), *group = group_action("Night shift");
    const char *name = "Sales";
    REFUSES(create(group, UMAPI_IDENTITY_ADOBE, "a@b.c", NULL, NULL, UMAPI_ON_CONFLICT_IGNORE), "action");
    REFUSES(umapi_action_add_to_groups(group, &name, 1, &error), "action");
    REFUSES(umapi_action_remove_from_org(group, 0, &error), "action");
    REFUSES(umapi_action_set_use_adobe_id(group, 1, &error), "action");
    REFUSES(umapi_action_create_group(user, NULL, UMAPI_ON_CONFLICT_IGNORE, &error), "action");
    REFUSES(umapi_action_add_users(user, &name, 1, &error), "action");
    REFUSES(umapi_action_delete_group(user, &error), "action");

    CHECK_OK(create(user, UMAPI_IDENTITY_ADOBE, "a@example.com", NULL, NULL, UMAPI_ON_CONFLICT_IGNORE), error);
    REFUSES(create(user, UMAPI_IDENTITY_ADOBE, "a@example.com", NULL, NULL, UMAPI_ON_CONFLICT_IGNORE), "create");
    CHECK_OK(umapi_action_remove_from_org(user, 0, &error), error);
    REFUSES(umapi_action_add_to_groups(user, &name, 1, &error), "removeFromOrg");
    REFUSES(umapi_action_remove_from_org(user, 0, &error), "removeFromOrg");
    CHECK_OK(umapi_action_delete_group(group, &error), error);
    REFUSES(umapi_action_update_group(group, "New name", NULL, &error), "deleteUserGroup");
    CHECK_INT(umapi_action_command_count(user), 2);
    CHECK_INT(umapi_action_command_count(group), 1);
    umapi_action_free(user);
    umapi_action_free(group);
}

static umapi_status append(umapi_action *action, const char *json)
{
    return umapi_action_append_json(action, json, json == NULL ? 0 : strlen(json), &error);
}

static void json_commands(void)
{
    umapi_action *action = user_action("a@example.com");
    const char *const wrong[] = {"",          "{",        "[]",
                                 "7",         "\"add\"",  "{\"add\":{}} x",
                                 "{}",        "{\"a\":1,\"b\":2}", "{\"add\":{\"group\":[\"caf\xE9\"]}}",
                                 "nonsense", "{'add':{}}"};
    const char *good = "{\"update\":{\"firstname\":\"A\"}}";
    size_t i;
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        REFUSES(append(action, wrong[i]), "json");
        REFUSES(umapi_action_insert_json(action, 0, wrong[i], strlen(wrong[i]), &error), "json");
    }
    REFUSES(append(action, NULL), "json");
    REFUSES(append(NULL, good), "action");
    REFUSES(umapi_action_insert_json(NULL, 0, good, strlen(good), &error), "action");
    REFUSES(umapi_action_insert_json(action, 1, good, strlen(good), &error), "index");
    CHECK_INT(umapi_action_command_count(action), 0);
    umapi_action_free(action);
}

static void execution(void)
{
    umapi_client *client = new_client();
    umapi_action *empty = user_action("a@example.com");
    const umapi_action *actions[2];
    umapi_results *results = (umapi_results *)&error;
    umapi_queue *queue = NULL;
    actions[0] = empty;
    actions[1] = NULL;
    REFUSES(umapi_client_execute(NULL, NULL, actions, 1, &results, &error), "client");
    CHECK(results == NULL);
    REFUSES(umapi_client_execute(client, NULL, NULL, 1, &results, &error), "actions");
    REFUSES(umapi_client_execute(client, NULL, actions, 2, &results, &error), "actions[1]");
    REFUSES(umapi_client_execute(client, NULL, actions, (size_t)-1, &results, &error), "actions");
    REFUSES(umapi_client_execute(client, NULL, actions, 1, NULL, &error), "results");
    REFUSES(umapi_client_queue(NULL, &queue, &error), "client");
    REFUSES(umapi_client_queue(client, NULL, &error), "queue");
    REFUSES(umapi_queue_add(NULL, NULL, empty, &error), "queue");
    REFUSES(umapi_queue_flush(NULL, NULL, &error), "queue");
    REFUSES(umapi_queue_take_results(NULL, &results, &error), "queue");
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    REFUSES(umapi_queue_add(queue, NULL, NULL, &error), "action");
    REFUSES(umapi_queue_take_results(queue, NULL, &error), "results");
    umapi_queue_free(queue);
    CHECK_INT(requests_to("action") + requests_to("token"), 0);
    umapi_action_free(empty);
    umapi_client_free(client);
}

/* ---- NULL where it is allowed ---- */

static void every_free_accepts_null(void)
{
    umapi_error_free(NULL);
    umapi_credentials_free(NULL);
    umapi_cancel_free(NULL);
    umapi_cancel_trigger(NULL);
    umapi_call_free(NULL);
    umapi_client_options_free(NULL);
    umapi_client_free(NULL);
    umapi_user_free(NULL);
    umapi_user_page_free(NULL);
    umapi_users_free(NULL);
    CHECK_FAILS(umapi_users_reload(NULL, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    umapi_error_free(error);
    error = NULL;
    umapi_group_free(NULL);
    umapi_group_page_free(NULL);
    umapi_groups_free(NULL);
    CHECK_FAILS(umapi_groups_reload(NULL, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    umapi_error_free(error);
    error = NULL;
    umapi_user_query_free(NULL);
    umapi_action_free(NULL);
    umapi_action_set_tag(NULL, 1);
    umapi_results_free(NULL);
    umapi_queue_free(NULL);
    umapi_service_free(NULL);
    umapi_check_free(NULL);
    umapi_client_sync_start(NULL);
    umapi_client_sync_end(NULL);
}

static void accessors_of_null_errors_and_progress(void)
{
    CHECK_INT(umapi_error_status(NULL), UMAPI_OK);
    CHECK(umapi_error_message(NULL) != NULL);
    CHECK_INT(umapi_error_http_status(NULL), 0);
    CHECK_TEXT(umapi_error_code(NULL), NULL);
    CHECK_TEXT(umapi_error_request_id(NULL), NULL);
    CHECK_TEXT(umapi_error_endpoint(NULL), NULL);
    CHECK_INT(umapi_error_retry_after_ms(NULL), -1);
    CHECK_INT(umapi_error_attempts(NULL), 0);
    CHECK_INT(umapi_error_is_retryable(NULL), 0);
    CHECK_INT(umapi_progress_kind(NULL), 0);
    CHECK_INT(umapi_progress_endpoint(NULL), 0);
    CHECK_INT(umapi_progress_attempt(NULL), 0);
    CHECK_INT(umapi_progress_wait_reason(NULL), 0);
    CHECK_INT(umapi_progress_wait_ms(NULL), -1);
    CHECK_INT(umapi_progress_done(NULL), 0);
    CHECK_INT(umapi_progress_total(NULL), -1);
    CHECK_INT(umapi_cancel_is_triggered(NULL), 0);
}

static void accessors_of_null_users(void)
{
    const char *(*const texts[])(const umapi_user *) = {
        umapi_user_id,        umapi_user_email,    umapi_user_status,  umapi_user_username, umapi_user_domain,
        umapi_user_firstname, umapi_user_lastname, umapi_user_country, umapi_user_type,     umapi_user_json};
    size_t i, length = 7;
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_TEXT(texts[i](NULL), NULL);
    }
    CHECK_TEXT(umapi_user_text(NULL, UMAPI_USER_EMAIL, &length), NULL);
    CHECK_INT(length, 0);
    CHECK_INT(umapi_user_identity(NULL), UMAPI_IDENTITY_UNKNOWN);
    CHECK_INT(umapi_user_group_count(NULL) + umapi_user_tag_count(NULL) + umapi_user_admin_role_count(NULL), 0);
    CHECK_TEXT(umapi_user_group(NULL, 0), NULL);
    CHECK_TEXT(umapi_user_tag(NULL, 0), NULL);
    CHECK_TEXT(umapi_user_admin_role(NULL, 0), NULL);
    CHECK_INT(umapi_user_org_specific(NULL), -1);
    CHECK_INT(umapi_user_business_account(NULL), -1);
    CHECK(umapi_user_copy(NULL) == NULL);
    CHECK_INT(umapi_user_page_length(NULL), 0);
    CHECK(umapi_user_page_get(NULL, 0) == NULL);
    CHECK_INT(umapi_users_total_count(NULL), -1);
    CHECK_INT(umapi_users_page_count(NULL), -1);
    CHECK_INT(umapi_users_current_page(NULL), -1);
    CHECK_INT(umapi_users_page_size(NULL), -1);
}

static void accessors_of_null_groups(void)
{
    const char *(*const texts[])(const umapi_group *) = {
        umapi_group_name,          umapi_group_type,           umapi_group_admin_group_name,     umapi_group_product_name,
        umapi_group_license_quota, umapi_group_user_group_name, umapi_group_product_profile_name,
        umapi_group_profile_group_name, umapi_group_json};
    size_t i, length = 7;
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK_TEXT(texts[i](NULL), NULL);
    }
    CHECK_TEXT(umapi_group_text(NULL, UMAPI_GROUP_NAME, &length), NULL);
    CHECK_INT(length, 0);
    CHECK_INT(umapi_group_id(NULL), -1);
    CHECK_INT(umapi_group_member_count(NULL), -1);
    CHECK_INT(umapi_group_is_read_only(NULL), -1);
    CHECK(umapi_group_copy(NULL) == NULL);
    CHECK_INT(umapi_group_page_length(NULL), 0);
    CHECK(umapi_group_page_get(NULL, 0) == NULL);
    CHECK_INT(umapi_groups_total_count(NULL), -1);
    CHECK_INT(umapi_groups_page_count(NULL), -1);
    CHECK_INT(umapi_groups_current_page(NULL), -1);
    CHECK_INT(umapi_groups_page_size(NULL), -1);
}

static void accessors_of_null_outcomes(void)
{
    CHECK_INT(umapi_action_command_count(NULL), 0);
    CHECK_TEXT(umapi_action_command_json(NULL, 0), NULL);
    CHECK_INT(umapi_results_length(NULL), 0);
    CHECK_INT(umapi_results_count(NULL, UMAPI_OUTCOME_FAILED), 0);
    CHECK(umapi_results_get(NULL, 0) == NULL);
    CHECK_INT(umapi_outcome_kind(NULL), 0);
    CHECK_INT(umapi_outcome_tag(NULL), 0);
    CHECK_TEXT(umapi_outcome_target(NULL), NULL);
    CHECK_INT(umapi_outcome_applied(NULL), 0);
    CHECK_INT(umapi_outcome_is_test(NULL), 0);
    CHECK(umapi_outcome_error(NULL) == NULL);
    CHECK_INT(umapi_outcome_finding_count(NULL), 0);
    CHECK(umapi_outcome_finding(NULL, 0) == NULL);
    CHECK_INT(umapi_finding_severity(NULL), 0);
    CHECK_INT(umapi_finding_command(NULL), -1);
    CHECK_TEXT(umapi_finding_command_json(NULL), NULL);
    CHECK_TEXT(umapi_finding_code(NULL), NULL);
    CHECK_TEXT(umapi_finding_message(NULL), NULL);
    CHECK_TEXT(umapi_finding_request_id(NULL), NULL);
    CHECK_TEXT(umapi_finding_user(NULL), NULL);
    CHECK_INT(umapi_queue_pending(NULL), 0);
    CHECK_TEXT(umapi_service_state(NULL), NULL);
    CHECK_TEXT(umapi_service_version(NULL), NULL);
    CHECK_TEXT(umapi_service_build(NULL), NULL);
    CHECK_TEXT(umapi_service_json(NULL), NULL);
    CHECK_INT(umapi_check_passed(NULL) + (int)umapi_check_count(NULL), 0);
    CHECK(umapi_check_get(NULL, 0) == NULL && umapi_check_step_error(NULL) == NULL);
    CHECK_TEXT(umapi_check_text(NULL), NULL);
    CHECK_TEXT(umapi_check_json(NULL), NULL);
    CHECK_INT(umapi_check_step_kind(NULL) + umapi_check_step_result(NULL) + umapi_check_step_ms(NULL), 0);
    CHECK_TEXT(umapi_check_step_host(NULL), NULL);
    CHECK_TEXT(umapi_check_step_message(NULL), NULL);
    CHECK_TEXT(umapi_check_step_remedy(NULL), NULL);
    CHECK_INT(umapi_client_listing_queries(NULL) + umapi_client_single_queries(NULL), 0);
    CHECK_INT(umapi_client_actions_sent(NULL) + umapi_client_actions_completed(NULL), 0);
    CHECK_INT(umapi_client_actions_queued(NULL), 0);
}

static void elements_past_the_last(void)
{
    umapi_client *client = new_client();
    umapi_user *user = NULL;
    size_t length = 7;
    CHECK_OK(umapi_client_find_user(client, NULL, "person000002@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_text(user, 0, &length), NULL);
    CHECK_INT(length, 0);
    CHECK_TEXT(umapi_user_text(user, 999, NULL), NULL);
    CHECK(umapi_user_text(user, UMAPI_USER_EMAIL, NULL) != NULL);
    CHECK_TEXT(umapi_user_group(user, (size_t)-1), NULL);
    umapi_user_free(user);
    umapi_client_free(client);
}

int main(void)
{
    memset(long_text, 'x', sizeof long_text - 1);
    RUN(oauth_credentials);
    RUN(jwt_credentials);
    RUN(jwt_credentials_with_a_passphrase);
    RUN(key_pairs);
    RUN(configurations);
    RUN(new_credentials_of_a_client);
    RUN(callback_credentials);
    RUN(token_host_and_path);
    RUN(calls);
    RUN(endpoints);
    RUN(client_options);
    RUN(clients);
    RUN(reading);
    RUN(listings_without_a_handle);
    RUN(queries);
    RUN(texts_longer_than_can_be_sent);
    RUN(targets);
    RUN(user_commands);
    RUN(group_commands);
    RUN(commands_of_the_other_kind_and_in_a_wrong_order);
    RUN(json_commands);
    RUN(execution);
    RUN(every_free_accepts_null);
    RUN(accessors_of_null_errors_and_progress);
    RUN(accessors_of_null_users);
    RUN(accessors_of_null_groups);
    RUN(accessors_of_null_outcomes);
    RUN(elements_past_the_last);
    return all_passed();
}
