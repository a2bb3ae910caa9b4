/* Tests that every call of a client respects a pause that the service asks for, and waits no longer than necessary. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

/* The client has its token and its connection, so that calls wait only for the throttle. */
static umapi_client *warm_client(int32_t attempts, int64_t max_wait_ms)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, attempts, 1, max_wait_ms, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    CHECK_OK(find_user(client, NULL, &error), error);
    return client;
}

/* ---- Retry-After ---- */

typedef struct form {
    const char *retry_after;
    const char *clock; /* the setting of the service's clock */
    int64_t least_ms;  /* the least pause that is reported; NONE if the header is invalid */
    int64_t most_ms;
} form;

#define NONE (-1)
#define YEAR_MS ((int64_t)366 * 24 * 3600 * 1000)

static const form FORMS[] = {
    {"3", NULL, 3000, 3000},
    {"'3'", NULL, 3000, 3000},
    {"' 3 '", NULL, 3000, 3000},
    {"'2.5'", NULL, 2500, 2500},
    {"3244", NULL, 3244000, 3244000},
    {"{'date_in':90}", NULL, 89000, 91000},
    {"{'date_in':90}", "{\"date_offset_s\":3600}", 89000, 91000},
    {"{'date_in':90}", "{\"date_offset_s\":-3600}", 89000, 91000},
    {"'99999999999999999999'", NULL, YEAR_MS, YEAR_MS},
    {"'Fri, 31 Dec 9999 23:59:59 GMT'", NULL, YEAR_MS, YEAR_MS},
    {"{'date_in':-90}", NULL, NONE, NONE},
    {"{'date_in':-90}", "{\"date_offset_s\":-3600}", NONE, NONE},
    {"0", NULL, NONE, NONE},
    {"'-5'", NULL, NONE, NONE},
    {"'soon'", NULL, NONE, NONE},
    {"''", NULL, NONE, NONE},
    {"null", NULL, NONE, NONE},
};

/* The client waits at most two seconds: a longer pause is reported at once, and an answer without a pause is retried. */
static void check_form(const form *form)
{
    char rule[256];
    umapi_client *client;
    int64_t pause, start;
    int has_pause = form->least_ms > 0;
    control_only("POST", "/reset", NULL);
    client = warm_client(3, 2000);
    if (form->clock != NULL) {
        control_only("POST", "/settings", form->clock);
    }
    snprintf(rule, sizeof rule, "{'endpoint':'user','fault':{'status':{'code':429,'retry_after':%s}}}",
             form->retry_after);
    add_fault(rule);
    start = now_ms();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_THROTTLED, error);
    CHECK(now_ms() - start < 1000 * slowness());
    pause = umapi_error_retry_after_ms(error);
    if (pause < form->least_ms || pause > form->most_ms) {
        printf("    Retry-After %s: %ld ms\n", form->retry_after, (long)pause);
    }
    CHECK(pause >= form->least_ms && pause <= form->most_ms);
    CHECK_INT(umapi_error_attempts(error), has_pause ? 1 : 3);
    CHECK_INT(requests_to("user"), 1 + (has_pause ? 1 : 3));
    CHECK(umapi_error_is_retryable(error));
    umapi_error_free(error);
    error = NULL;
    if (has_pause) {
        /* Later calls fail in the same way, without a request. */
        CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_THROTTLED, error);
        CHECK(umapi_error_retry_after_ms(error) > 0 && umapi_error_retry_after_ms(error) <= pause);
        CHECK_INT(umapi_error_attempts(error), 0);
        CHECK_INT(requests_to("user"), 2);
        umapi_error_free(error);
        error = NULL;
    }
    umapi_client_free(client);
}

static void every_form_of_retry_after_is_understood(void)
{
    size_t i;
    for (i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        check_form(&FORMS[i]);
    }
}

/* The pause of a failure that is not a throttle is respected as well. */
static void the_pause_of_an_outage_is_respected(void)
{
    umapi_client *client = warm_client(3, 2000);
    add_fault("{'endpoint':'user','fault':{'status':{'code':503,'retry_after':30}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_THROTTLED, error);
    CHECK_INT(umapi_error_retry_after_ms(error), 30000);
    CHECK_INT(umapi_error_http_status(error), 503);
    CHECK_INT(requests_to("user"), 2);
    umapi_error_free(error);
    error = NULL;
    umapi_client_free(client);
}

/* ---- One throttle for all calls ---- */

enum { THREADS = 16 };

typedef struct finder {
    const umapi_client *client;
    umapi_status status;
    int64_t ended;
} finder;

static void *find_in_thread(void *data)
{
    finder *finder = data;
    umapi_error *own = NULL;
    finder->status = find_user(finder->client, NULL, &own);
    finder->ended = now_ms();
    if (finder->status != UMAPI_OK) {
        printf("    %s (%d attempts)\n", umapi_error_message(own), (int)umapi_error_attempts(own));
    }
    umapi_error_free(own);
    return NULL;
}

static void find_in_threads(const umapi_client *client, finder *finders, pthread_t *threads, size_t from, size_t to)
{
    size_t i;
    for (i = from; i < to; i++) {
        finders[i].client = client;
        pthread_create(&threads[i], NULL, find_in_thread, &finders[i]);
    }
}

static void join(const finder *finders, const pthread_t *threads)
{
    size_t i;
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(finders[i].status, UMAPI_OK);
    }
}

static void a_throttle_delays_all_calls_and_costs_no_attempt(void)
{
    umapi_client *client = warm_client(2, 60000);
    finder finders[THREADS];
    pthread_t threads[THREADS];
    int64_t start = now_ms();
    size_t i;
    add_fault("{'endpoint':'user','times':1,'fault':{'status':{'code':429,'retry_after':1}}}");
    find_in_threads(client, finders, threads, 0, 1);
    while (requests_to("user") < 2) {
        sleep_ms(1);
    }
    sleep_ms(20 * slowness());
    find_in_threads(client, finders, threads, 1, THREADS);
    join(finders, threads);
    for (i = 0; i < THREADS; i++) {
        CHECK(finders[i].ended - start >= 1000);
    }
    CHECK_INT(requests_to("user"), 1 + 1 + THREADS);
    umapi_client_free(client);
}

/* The service refuses every second request, as if it accepted only one at a time. */
static void every_call_succeeds_after_the_throttle(void)
{
    umapi_client *client = warm_client(3, 60000);
    finder finders[THREADS];
    pthread_t threads[THREADS];
    add_fault("{'endpoint':'user','every':2,'fault':{'status':{'code':429,'retry_after':'0.02'}}}");
    find_in_threads(client, finders, threads, 0, THREADS);
    join(finders, threads);
    umapi_client_free(client);
}

/* ---- Pages that are read ahead ---- */

static void *read_a_page_in_thread(void *client)
{
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_call *call = umapi_call_new();
    umapi_error *own = NULL;
    CHECK_OK(umapi_call_set_timeout_ms(call, 5000 * slowness(), &own), own);
    CHECK_OK(umapi_client_users(client, NULL, &users, &own), own);
    CHECK_OK(umapi_users_next_page(users, call, &page, &own), own);
    umapi_user_page_free(page);
    umapi_users_free(users);
    umapi_call_free(call);
    return NULL;
}

/* A program that works on a page for long does not delay other listings. */
static void an_idle_listing_delays_no_other_caller(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    pthread_t thread;
    int i;
    CHECK_OK(umapi_client_options_set_read_ahead(options, 4, &error), error);
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USERS, 3, 300 * slowness(), &error), error);
    client = new_client_with(options);
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    for (i = 0; i < 2; i++) {
        CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
        umapi_user_page_free(page);
    }
    pthread_create(&thread, NULL, read_a_page_in_thread, client);
    pthread_join(thread, NULL);
    umapi_users_free(users);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- All users, and all groups, once in two hours ---- */

static umapi_status read_to_the_end(umapi_users *users)
{
    const umapi_user *user = NULL;
    umapi_status status;
    while ((status = umapi_users_next(users, NULL, &user, &error)) == UMAPI_OK && user != NULL) {
    }
    return status;
}

/* The second full listing fails at once with the time to wait, and delays no other call. */
static void the_two_hour_rule_is_reported_at_once(void)
{
    umapi_client *client = warm_client(4, 60000);
    umapi_groups *groups = NULL;
    umapi_users *users = NULL;
    const umapi_group *group = NULL;
    int64_t start;
    control_only("POST", "/settings", "{\"full_listing_every_ms\":7200000}");
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    CHECK_OK(read_to_the_end(users), error);
    CHECK_OK(umapi_users_reload(users, &error), error);
    start = now_ms();
    CHECK_FAILS(read_to_the_end(users), UMAPI_STATUS_THROTTLED, error);
    CHECK(umapi_error_retry_after_ms(error) > 7100000 && umapi_error_retry_after_ms(error) <= 7200000);
    umapi_error_free(error);
    error = NULL;
    CHECK(now_ms() - start < 1000 * slowness());
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    CHECK_OK(umapi_groups_next(groups, NULL, &group, &error), error);
    CHECK(group != NULL);
    umapi_groups_free(groups);
    umapi_users_free(users);
    umapi_client_free(client);
}

int main(void)
{
    RUN(every_form_of_retry_after_is_understood);
    RUN(the_pause_of_an_outage_is_respected);
    RUN(a_throttle_delays_all_calls_and_costs_no_attempt);
    RUN(every_call_succeeds_after_the_throttle);
    RUN(an_idle_listing_delays_no_other_caller);
    RUN(the_two_hour_rule_is_reported_at_once);
    return all_passed();
}
