/* Tests of new credentials on a client in use: the next request uses them, and requests in flight finish. */

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

static umapi_credentials *oauth(const char *id, const char *secret)
{
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_oauth(id, secret, &credentials, &error), error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    return credentials;
}

static umapi_credentials *with_secret(const char *secret)
{
    return oauth(environment("UMAPI_CLIENT_ID"), secret);
}

static void rotate(const umapi_client *client, umapi_credentials *credentials)
{
    CHECK_OK(umapi_client_set_credentials(client, credentials, &error), error);
    umapi_credentials_free(credentials);
}

static void is_refused(const umapi_client *client)
{
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
    umapi_error_free(error);
    error = NULL;
}

static void a_new_secret_is_used_from_the_next_token_on(void)
{
    umapi_client *client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-the-next\"}");
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 1);
    rotate(client, with_secret("p8e-the-next"));
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 2);
    umapi_client_free(client);
}

static void a_wrong_new_secret_is_reported_and_can_be_corrected(void)
{
    umapi_client *client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    rotate(client, with_secret("p8e-mistyped"));
    is_refused(client);
    rotate(client, new_credentials());
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
}

static void a_refused_token_is_renewed_with_the_new_secret(void)
{
    umapi_client *client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    control_only("POST", "/tokens/revoke", NULL);
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-the-next\"}");
    rotate(client, with_secret("p8e-the-next"));
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
}

static void the_private_key_changes(void)
{
    size_t length;
    int i;
    const char *const keys[] = {"pkcs8.pem", "other-pkcs8.pem"}, *const publics[] = {"public.pem", "other-public.pem"};
    umapi_client *client = new_client();
    for (i = 0; i < 2; i++) {
        umapi_credentials *credentials = NULL;
        char *pem = read_file(test_key(keys[i]), &length);
        verify_assertions_with(publics[i]);
        CHECK_OK(umapi_credentials_new_jwt(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                           environment("UMAPI_TECH_ACCT_ID"), pem, length, &credentials, &error),
                 error);
        free(pem);
        CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
        rotate(client, credentials);
        CHECK_OK(find_user(client, NULL, &error), error);
        CHECK_INT(requests_to("token"), i + 1);
    }
    umapi_client_free(client);
}

static void *find_in_thread(void *client)
{
    umapi_error *own = NULL;
    CHECK_OK(find_user(client, NULL, &own), own);
    return NULL;
}

static void a_request_in_flight_finishes(void)
{
    umapi_client *client = new_client();
    pthread_t thread;
    CHECK_OK(find_user(client, NULL, &error), error);
    add_fault("{'endpoint':'user','times':1,'fault':{'slow':{'ms':400}}}");
    pthread_create(&thread, NULL, find_in_thread, client);
    wait_for_requests_to("user", 2);
    rotate(client, with_secret("p8e-mistyped"));
    is_refused(client);
    pthread_join(thread, NULL);
    is_refused(client);
    umapi_client_free(client);
}

static void a_call_whose_old_secret_is_refused_retries_with_the_new_one(void)
{
    umapi_client *client = new_client();
    pthread_t thread;
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-the-next\"}");
    add_fault("{'endpoint':'token','times':1,'fault':{'slow':{'ms':400}}}");
    pthread_create(&thread, NULL, find_in_thread, client);
    wait_for_requests_to("token", 1);
    rotate(client, with_secret("p8e-the-next"));
    pthread_join(thread, NULL);
    CHECK_INT(requests_to("token"), 2);
    umapi_client_free(client);
}

/* A token callback that waits until it is released. */
typedef struct slow_vault {
    char token[128];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int asked, may_answer, destroyed;
} slow_vault;

static void set_up(slow_vault *vault, int may_answer)
{
    char *answer = control("POST", "/tokens", NULL);
    memset(vault, 0, sizeof *vault);
    pthread_mutex_init(&vault->lock, NULL);
    pthread_cond_init(&vault->changed, NULL);
    vault->may_answer = may_answer;
    sscanf(answer, "{\"token\":\"%127[^\"]", vault->token);
    free(answer);
}

static void tear_down(slow_vault *vault)
{
    pthread_cond_destroy(&vault->changed);
    pthread_mutex_destroy(&vault->lock);
}

static void fetch(umapi_token_answer *answer, void *user_data)
{
    slow_vault *vault = user_data;
    umapi_error *own = NULL;
    pthread_mutex_lock(&vault->lock);
    vault->asked++;
    pthread_cond_broadcast(&vault->changed);
    while (!vault->may_answer) {
        pthread_cond_wait(&vault->changed, &vault->lock);
    }
    pthread_mutex_unlock(&vault->lock);
    CHECK_OK(umapi_token_answer_set(answer, vault->token, 3600000, &own), own);
}

static void destroy(void *user_data)
{
    ((slow_vault *)user_data)->destroyed++;
}

static umapi_credentials *from_vault(const char *id, slow_vault *vault)
{
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_callback(id, fetch, vault, destroy, &credentials, &error), error);
    return credentials;
}

static void a_late_token_of_the_old_credentials_is_not_used_later(void)
{
    slow_vault before, after;
    umapi_client *client = NULL;
    umapi_client_options *options = new_options();
    umapi_credentials *credentials;
    pthread_t thread;
    char *requests;
    set_up(&before, 0);
    set_up(&after, 1);
    credentials = from_vault(environment("UMAPI_CLIENT_ID"), &before);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    pthread_create(&thread, NULL, find_in_thread, client);
    pthread_mutex_lock(&before.lock);
    while (before.asked == 0) {
        pthread_cond_wait(&before.changed, &before.lock);
    }
    pthread_mutex_unlock(&before.lock);

    rotate(client, from_vault(environment("UMAPI_CLIENT_ID"), &after));
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(before.destroyed, 0);
    pthread_mutex_lock(&before.lock);
    before.may_answer = 1;
    pthread_cond_broadcast(&before.changed);
    pthread_mutex_unlock(&before.lock);
    pthread_join(thread, NULL);
    CHECK_INT(before.destroyed, 1);

    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(before.asked, 1);
    CHECK_INT(after.asked, 1);
    /* The tokens in order: the new one, the old one for the call that had requested it, and the new one again. */
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "Bearer (token 2)");
    CHECK(strstr(requests, "Bearer (token 2)") < strstr(requests, "Bearer (token 1)"));
    CHECK_INT(occurrences(requests, "Bearer (token 1)"), 1);
    CHECK_INT(occurrences(requests, "Bearer (token 2)"), 2);
    free(requests);
    umapi_client_free(client);
    CHECK_INT(after.destroyed, 1);
    tear_down(&before);
    tear_down(&after);
}

static void another_client_id_has_a_separate_rate_limit(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    char *requests;
    int64_t began;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 1, 3600000, &error), error);
    client = new_client_with(options);
    CHECK_OK(find_user(client, NULL, &error), error);
    control_only("POST", "/settings", "{\"client_id\":\"the-next-client\",\"client_secret\":\"p8e-the-next\"}");
    rotate(client, oauth("the-next-client", "p8e-the-next"));
    began = now_ms();
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK(now_ms() - began < 60000);
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"x-api-key\":\"the-next-client\""), 1);
    free(requests);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void a_listing_continues_with_the_new_credentials(void)
{
    umapi_client *client = new_client();
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    long count = 0;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    control_only("POST", "/tokens/revoke", NULL);
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-the-next\"}");
    rotate(client, with_secret("p8e-the-next"));
    for (; user != NULL; count++) {
        CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    }
    CHECK_INT(count, umapi_users_total_count(users) - 2); /* without the technical accounts */
    umapi_users_free(users);
    umapi_client_free(client);
}

static void *find_often(void *client)
{
    int i;
    for (i = 0; i < 12; i++) {
        find_in_thread(client);
    }
    return NULL;
}

static void threads_may_call_during_a_rotation(void)
{
    umapi_client *client = new_client();
    pthread_t threads[6];
    int i;
    for (i = 0; i < 6; i++) {
        pthread_create(&threads[i], NULL, find_often, client);
    }
    for (i = 0; i < 25; i++) {
        rotate(client, new_credentials());
    }
    for (i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_INT(requests_to("user"), 72);
    umapi_client_free(client);
}

int main(void)
{
    RUN(a_new_secret_is_used_from_the_next_token_on);
    RUN(a_wrong_new_secret_is_reported_and_can_be_corrected);
    RUN(a_refused_token_is_renewed_with_the_new_secret);
    RUN(the_private_key_changes);
    RUN(a_request_in_flight_finishes);
    RUN(a_call_whose_old_secret_is_refused_retries_with_the_new_one);
    RUN(a_late_token_of_the_old_credentials_is_not_used_later);
    RUN(another_client_id_has_a_separate_rate_limit);
    RUN(a_listing_continues_with_the_new_credentials);
    RUN(threads_may_call_during_a_rotation);
    return all_passed();
}
