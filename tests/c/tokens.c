/* One token serves all calls, and is renewed when it has to be: early, by one caller, and once on a refusal. */

#include "harness.h"
#include "operations.h"

#include <pthread.h>
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
    steer("POST", "/settings", "{\"token_ttl_s\":1}");
    CHECK_OK(find_user(client, NULL, &error), error);
    sleep_ms(920); /* the last tenth of the token's second */
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
    steer("POST", "/tokens/revoke", NULL);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("token"), 2);
    CHECK_INT(requests_to("user"), 3);
    umapi_client_free(client);
}

static void a_second_refusal_is_an_error(void)
{
    umapi_error *error = NULL;
    umapi_client *client = new_client();
    fault("{'endpoint':'user','fault':{'status':{'code':401}}}");
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
    fault("{'endpoint':'token','times':2,'fault':{'status':{'code':503}}}");
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
    fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_TIMEOUT, error);
    CHECK_HAS(umapi_error_endpoint(error), "/ims/token/v2");
    umapi_error_free(error);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

int main(void)
{
    RUN(all_threads_use_one_token);
    RUN(a_token_near_its_end_is_renewed_before_it_is_refused);
    RUN(a_refused_token_is_renewed_once_and_the_call_repeated);
    RUN(a_second_refusal_is_an_error);
    RUN(the_token_call_is_retried_like_any_other);
    RUN(the_token_call_has_the_timeout_of_an_attempt);
    return all_passed();
}
