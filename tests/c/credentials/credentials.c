/* Tests that each kind of credentials obtains a token, and that each refusal has its reason. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_client *client_of(umapi_credentials *credentials)
{
    umapi_error *error = NULL;
    umapi_client *client = NULL;
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
    return client;
}

static umapi_status find_user_with(umapi_credentials *credentials, umapi_error **error)
{
    umapi_client *client = client_of(credentials);
    umapi_user *user = NULL;
    umapi_status status = umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, error);
    CHECK_TEXT(umapi_user_email(user), status == UMAPI_OK ? EXISTING_USER : NULL);
    umapi_user_free(user);
    umapi_client_free(client);
    return status;
}

static void oauth(void)
{
    umapi_error *error = NULL;
    CHECK_OK(find_user_with(new_credentials(), &error), error);
}

static void a_wrong_secret_is_refused_with_the_services_message(void)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_oauth(environment("UMAPI_CLIENT_ID"), "a-wrong-secret", &credentials, &error), error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    CHECK_FAILS(find_user_with(credentials, &error), UMAPI_STATUS_AUTH, error);
    CHECK_TEXT(umapi_error_code(error), "invalid_client");
    CHECK_INT(umapi_error_http_status(error), 401);
    CHECK_INT(umapi_error_attempts(error), 1);
    CHECK_HAS(umapi_error_message(error), "invalid client_secret parameter");
    CHECK_HAS_NOT(umapi_error_message(error), "a-wrong-secret");
    umapi_error_free(error);
}

static void the_token_host_and_path_can_be_chosen(void)
{
    umapi_error *error = NULL;
    char *requests;
    umapi_credentials *credentials = new_credentials();
    CHECK_OK(umapi_credentials_set_auth_path(credentials, "/ims/token/v3", &error), error);
    CHECK_OK(find_user_with(credentials, &error), error);
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "\"path\":\"/ims/token/v3\"");
    free(requests);
}

static umapi_credentials *jwt(const char *private_key_file)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    size_t length;
    char *pem = read_file(test_key(private_key_file), &length);
    CHECK_OK(umapi_credentials_new_jwt(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                       environment("UMAPI_TECH_ACCT_ID"), pem, length, &credentials, &error),
             error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    free(pem);
    return credentials;
}

static void jwt_with_a_pkcs1_key(void)
{
    umapi_error *error = NULL;
    verify_assertions_with("public.pem");
    CHECK_OK(find_user_with(jwt("pkcs1.pem"), &error), error);
}

static void jwt_with_a_pkcs8_key(void)
{
    umapi_error *error = NULL;
    verify_assertions_with("public.pem");
    CHECK_OK(find_user_with(jwt("pkcs8.pem"), &error), error);
}

static void jwt_with_a_key_that_is_not_the_certificates(void)
{
    umapi_error *error = NULL;
    verify_assertions_with("other-public.pem");
    CHECK_FAILS(find_user_with(jwt("pkcs8.pem"), &error), UMAPI_STATUS_AUTH, error);
    CHECK_TEXT(umapi_error_code(error), "invalid_token");
    umapi_error_free(error);
}

typedef struct vault {
    char token[128];
    const char *failure;
    int asked;
    int destroyed;
} vault;

static void fetch(umapi_token_answer *answer, void *user_data)
{
    vault *vault = user_data;
    umapi_error *error = NULL;
    vault->asked++;
    if (vault->failure != NULL) {
        CHECK_OK(umapi_token_answer_fail(answer, vault->failure, &error), error);
    } else {
        CHECK_OK(umapi_token_answer_set(answer, vault->token, 3600000, &error), error);
    }
}

static void destroy(void *user_data)
{
    ((vault *)user_data)->destroyed++;
}

static umapi_credentials *from_vault(vault *vault)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_callback(environment("UMAPI_CLIENT_ID"), fetch, vault, destroy, &credentials, &error),
             error);
    return credentials;
}

static void a_callback_provides_the_token(void)
{
    umapi_error *error = NULL;
    vault vault = {"", NULL, 0, 0};
    umapi_client *client = client_of(from_vault(&vault));
    char *answer = control("POST", "/tokens", NULL);
    int i;
    sscanf(answer, "{\"token\":\"%127[^\"]", vault.token);
    free(answer);
    for (i = 0; i < 3; i++) {
        umapi_user *user = NULL;
        CHECK_OK(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), error);
        umapi_user_free(user);
    }
    CHECK_INT(vault.asked, 1);
    CHECK_INT(requests_to("token"), 0);
    CHECK_INT(vault.destroyed, 0);
    umapi_client_free(client);
    CHECK_INT(vault.destroyed, 1);
}

static void a_callback_that_fails_is_quoted(void)
{
    umapi_error *error = NULL;
    vault vault = {"", "the vault is sealed", 0, 0};
    CHECK_FAILS(find_user_with(from_vault(&vault), &error), UMAPI_STATUS_AUTH, error);
    CHECK_HAS(umapi_error_message(error), "the vault is sealed");
    CHECK_INT(vault.destroyed, 1);
    umapi_error_free(error);
}

int main(void)
{
    RUN(oauth);
    RUN(a_wrong_secret_is_refused_with_the_services_message);
    RUN(the_token_host_and_path_can_be_chosen);
    RUN(jwt_with_a_pkcs1_key);
    RUN(jwt_with_a_pkcs8_key);
    RUN(jwt_with_a_key_that_is_not_the_certificates);
    RUN(a_callback_provides_the_token);
    RUN(a_callback_that_fails_is_quoted);
    return all_passed();
}
