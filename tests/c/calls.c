/* A call that waits, wherever it waits, ends within 50 ms of a cancel and of its deadline. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static umapi_error *error;

/* ---- Places to wait at ---- */

typedef struct place {
    const char *name;
    operation operation;
    const char *settings; /* of the sandbox */
    const char *fault;
    int warmed_up; /* with a token and a connection */
    int64_t first_delay_ms;
    int32_t requests_per_minute;
} place;

static const place PLACES[] = {
    {"TLS handshake", find_user, "{\"hold_connections\":true}", NULL, 0, 1, 0},
    {"token call", find_user, NULL, "{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}", 0, 1, 0},
    {"answer about a user", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}", 1, 1, 0},
    {"answer's head", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'in_headers'}}}", 1, 1, 0},
    {"answer's body", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'in_body'}}}", 1, 1, 0},
    {"request's body", execute_action, NULL, "{'endpoint':'action','fault':{'stall':{'at':'before_read'}}}", 1, 1, 0},
    {"back-off", find_user, NULL, "{'endpoint':'user','fault':{'status':{'code':503}}}", 1, 60000, 0},
    {"throttle", find_user, NULL, "{'endpoint':'user','fault':{'status':{'code':429,'retry_after':60}}}", 1, 1, 0},
    {"pacer", find_user, NULL, NULL, 1, 1, 1},
    {"next user", next_user, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
    {"page of users", next_page_of_users, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
    {"next group", next_group, NULL, "{'endpoint':'groups','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
    {"page of groups", next_page_of_user_groups, NULL, "{'endpoint':'user-groups','fault':{'stall':{'at':'after_work'}}}", 1,
     1, 0},
    {"service's status", read_service, NULL, "{'endpoint':'status','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
    {"execution", execute_action, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
    {"flush", flush_queue, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0},
};

static umapi_client *client_at(const place *place)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, 4, place->first_delay_ms, 300000, &error), error);
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, place->requests_per_minute, 60000, &error),
             error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    if (place->warmed_up) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    if (place->settings != NULL) {
        steer("POST", "/settings", place->settings);
    }
    if (place->fault != NULL) {
        fault(place->fault);
    }
    return client;
}

/* ---- Cancelling ---- */

typedef struct canceller {
    umapi_cancel *cancel;
    int64_t at;
} canceller;

static void *cancel_soon(void *data)
{
    canceller *canceller = data;
    sleep_ms(100 * slowness());
    canceller->at = now_ms();
    umapi_cancel_trigger(canceller->cancel);
    return NULL;
}

static void check_cancelled_wait(const char *where, const umapi_client *client, operation operation)
{
    canceller canceller = {umapi_cancel_new(), 0};
    umapi_call *call = umapi_call_new();
    umapi_status status;
    pthread_t thread;
    int64_t late;
    CHECK_OK(umapi_call_set_cancel(call, canceller.cancel, &error), error);
    pthread_create(&thread, NULL, cancel_soon, &canceller);
    status = operation(client, call, &error);
    pthread_join(thread, NULL);
    late = now_ms() - canceller.at;
    if (status != UMAPI_STATUS_CANCELLED || late > 50 * slowness()) {
        printf("cancelled at: %s: %s, %ld ms late\n", where, umapi_error_message(error), (long)late);
    }
    CHECK_INT(status, UMAPI_STATUS_CANCELLED);
    CHECK(late <= 50 * slowness());
    umapi_error_free(error);
    error = NULL;
    umapi_call_free(call);
    umapi_cancel_free(canceller.cancel);
}

static void a_cancel_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        umapi_client *client;
        steer("POST", "/reset", NULL);
        client = client_at(&PLACES[i]);
        check_cancelled_wait(PLACES[i].name, client, PLACES[i].operation);
        umapi_client_free(client);
    }
}

/* A listener that takes no more connections. */
static int full_listener(int *filler, char *url, size_t size)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), i;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(listener, 0), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    for (i = 0; i < 2; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        /* "In progress" is all that is wanted. */
        (void)!connect(filler[i], (struct sockaddr *)&address, sizeof address);
    }
    sleep_ms(20);
    snprintf(url, size, "https://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

static umapi_client *client_of_nobody(const char *url)
{
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, url, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    return client;
}

static void a_cancel_ends_connecting(void)
{
    char url[64];
    int filler[2], listener = full_listener(filler, url, sizeof url);
    umapi_client *client = client_of_nobody(url);
    check_cancelled_wait("connect", client, find_user);
    umapi_client_free(client);
    close(filler[0]);
    close(filler[1]);
    close(listener);
}

static void connecting_has_its_own_timeout(void)
{
    char url[64];
    int filler[2], listener = full_listener(filler, url, sizeof url);
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_options_set_connect_timeout_ms(options, 100, &error), error);
    CHECK_OK(umapi_client_options_set_retry(options, 1, 1, 1000, &error), error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, url, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_CONNECT, error);
    umapi_error_free(error);
    error = NULL;
    umapi_client_free(client);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    close(filler[0]);
    close(filler[1]);
    close(listener);
}

static void *find_without_end(void *data)
{
    umapi_error *own = NULL;
    void **client_and_call = data;
    CHECK_FAILS(find_user(client_and_call[0], client_and_call[1], &own), UMAPI_STATUS_CANCELLED, own);
    umapi_error_free(own);
    return NULL;
}

static void a_cancel_ends_the_wait_behind_another_threads_token_call(void)
{
    umapi_client *client = new_client();
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    void *client_and_call[2];
    pthread_t thread;
    client_and_call[0] = client;
    client_and_call[1] = call;
    CHECK_OK(umapi_call_set_cancel(call, cancel, &error), error);
    fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    pthread_create(&thread, NULL, find_without_end, client_and_call);
    while (requests_to("token") == 0) {
        sleep_ms(5);
    }
    check_cancelled_wait("another thread's token call", client, find_user);
    CHECK_INT(requests_to("token"), 1);
    umapi_cancel_trigger(cancel);
    pthread_join(thread, NULL);
    umapi_call_free(call);
    umapi_cancel_free(cancel);
    umapi_client_free(client);
}

static void a_cancel_is_sticky_and_sends_nothing(void)
{
    const operation operations[] = {find_user, next_user,       next_page_of_users, next_group, next_page_of_user_groups,
                                    read_service,   execute_action, flush_queue};
    umapi_client_options *options = new_options();
    umapi_client *client = new_client(), *sending_at_once;
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    size_t i;
    char *requests;
    CHECK_OK(umapi_client_options_set_batch_limits(options, 1, 10, 10, &error), error);
    sending_at_once = new_client_with(options);
    CHECK_OK(umapi_call_set_cancel(call, cancel, &error), error);
    CHECK_INT(umapi_cancel_is_triggered(cancel), 0);
    umapi_cancel_trigger(cancel);
    umapi_cancel_free(cancel); /* the call holds on to it */
    for (i = 0; i < sizeof operations / sizeof *operations; i++) {
        CHECK_INT(operations[i](client, call, &error), UMAPI_STATUS_CANCELLED);
        umapi_error_free(error);
        error = NULL;
    }
    CHECK_INT(add_to_queue(sending_at_once, call, &error), UMAPI_STATUS_CANCELLED);
    requests = control("GET", "/requests", NULL);
    CHECK_TEXT(requests, "[]");
    free(requests);
    umapi_call_free(call);
    umapi_client_free(sending_at_once);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- Deadlines ---- */

/* A pause that would outlast the deadline is not begun, and its reason told at once. */
static umapi_status at_deadline(const place *place)
{
    if (strcmp(place->name, "back-off") == 0) {
        return UMAPI_STATUS_SERVER;
    }
    if (strcmp(place->name, "throttle") == 0 || strcmp(place->name, "pacer") == 0) {
        return UMAPI_STATUS_THROTTLED;
    }
    return UMAPI_STATUS_DEADLINE;
}

static void check_deadline(const place *place)
{
    umapi_client *client = client_at(place);
    umapi_call *call = umapi_call_new();
    umapi_status expected = at_deadline(place);
    int64_t limit = 150 * slowness(), start, took;
    CHECK_OK(umapi_call_set_timeout_ms(call, limit, &error), error);
    start = now_ms();
    CHECK_INT(place->operation(client, call, &error), expected);
    took = now_ms() - start;
    if (took > limit + 50 * slowness()) {
        printf("deadline at: %s: %s, after %ld ms\n", place->name, umapi_error_message(error), (long)took);
    }
    CHECK(took <= limit + 50 * slowness());
    CHECK(expected == UMAPI_STATUS_DEADLINE || took < limit);
    if (expected == UMAPI_STATUS_THROTTLED) {
        CHECK(umapi_error_retry_after_ms(error) > 58000 && umapi_error_retry_after_ms(error) <= 60000);
    }
    umapi_error_free(error);
    error = NULL;
    umapi_call_free(call);
    umapi_client_free(client);
}

static void a_deadline_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        steer("POST", "/reset", NULL);
        check_deadline(&PLACES[i]);
    }
}

/* ---- Request ids and progress ---- */

static void the_request_id_goes_out_with_the_attempt_told_apart(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    char *requests;
    CHECK_OK(umapi_call_set_request_id(call, "nightly-run-7", &error), error);
    fault("{'endpoint':'user','times':1,'fault':{'status':{'code':503}}}");
    CHECK_OK(find_user(client, call, &error), error);
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"nightly-run-7.1-1\""), 1);
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"nightly-run-7.2-1\""), 1);
    CHECK_INT(occurrences(requests, "\"x-request-id\":\"nightly-run-7.2-2\""), 1);
    free(requests);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void the_request_id_is_in_the_error(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_request_id(call, "nightly-run-8", &error), error);
    fault("{'endpoint':'user','fault':{'status':{'code':403}}}");
    CHECK_FAILS(find_user(client, call, &error), UMAPI_STATUS_FORBIDDEN, error);
    CHECK_HAS(umapi_error_request_id(error), "nightly-run-8");
    umapi_error_free(error);
    error = NULL;
    umapi_call_free(call);
    umapi_client_free(client);
}

typedef struct record {
    int attempts;
    int waits;
    int pages;
    int actions;
    int64_t wait_ms;
    int32_t wait_reason;
    int32_t wait_endpoint;
    uint64_t done;
    int64_t total;
    int destroyed;
    pthread_t thread;
} record;

static void note(const umapi_progress *progress, void *user_data)
{
    record *record = user_data;
    CHECK(pthread_equal(record->thread, pthread_self()));
    switch (umapi_progress_kind(progress)) {
    case UMAPI_PROGRESS_ATTEMPT:
        record->attempts++;
        CHECK(umapi_progress_attempt(progress) >= 1);
        break;
    case UMAPI_PROGRESS_WAIT:
        record->waits++;
        record->wait_ms = umapi_progress_wait_ms(progress);
        record->wait_reason = umapi_progress_wait_reason(progress);
        record->wait_endpoint = umapi_progress_endpoint(progress);
        break;
    case UMAPI_PROGRESS_PAGE:
        record->pages++;
        record->done = umapi_progress_done(progress);
        record->total = umapi_progress_total(progress);
        break;
    case UMAPI_PROGRESS_ACTIONS:
        record->actions++;
        record->done = umapi_progress_done(progress);
        record->total = umapi_progress_total(progress);
        break;
    default:
        CHECK(0);
    }
}

static void forget(void *user_data)
{
    ((record *)user_data)->destroyed++;
}

static umapi_call *recorded(record *record)
{
    umapi_call *call = umapi_call_new();
    memset(record, 0, sizeof *record);
    record->thread = pthread_self();
    CHECK_OK(umapi_call_set_progress(call, note, record, forget, &error), error);
    return call;
}

static void progress_tells_of_attempts_and_waits(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    record record;
    umapi_call *call = recorded(&record);
    CHECK_OK(umapi_client_options_set_retry(options, 4, 20, 300000, &error), error);
    client = new_client_with(options);
    fault("{'endpoint':'user','times':2,'fault':{'status':{'code':503}}}");
    CHECK_OK(find_user(client, call, &error), error);
    CHECK_INT(record.attempts, 4); /* the token, and three for the user */
    CHECK_INT(record.waits, 2);
    CHECK_INT(record.wait_reason, UMAPI_WAIT_BACK_OFF);
    CHECK_INT(record.wait_endpoint, UMAPI_ENDPOINT_USER);
    CHECK(record.wait_ms >= 30 && record.wait_ms <= 80);
    CHECK_INT(record.destroyed, 0);
    umapi_call_free(call);
    CHECK_INT(record.destroyed, 1);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void progress_tells_of_a_pause_that_the_service_asks_for(void)
{
    umapi_client *client = new_client();
    record record;
    umapi_call *call = recorded(&record);
    fault("{'endpoint':'user','times':1,'fault':{'status':{'code':429,'retry_after':1}}}");
    CHECK_OK(find_user(client, call, &error), error);
    CHECK_INT(record.waits, 1);
    CHECK_INT(record.wait_reason, UMAPI_WAIT_THROTTLED);
    CHECK(record.wait_ms >= 900 && record.wait_ms <= 1100);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void progress_tells_of_pages_and_actions(void)
{
    umapi_client *client = new_client();
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    record record;
    umapi_call *call = recorded(&record);
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    do {
        CHECK_OK(umapi_users_next(users, call, &user, &error), error);
    } while (user != NULL);
    CHECK_INT(record.pages, umapi_users_page_count(users));
    CHECK_INT(record.total, umapi_users_total_count(users));
    CHECK(record.done > 60);
    umapi_users_free(users);
    CHECK_INT(execute_action(client, call, &error), UMAPI_OK);
    CHECK_INT(record.actions, 1);
    CHECK_INT(record.done, 1);
    CHECK_INT(record.total, 1);
    umapi_call_free(call);
    umapi_client_free(client);
}

static umapi_status nested_status;

static void call_again(const umapi_progress *progress, void *client)
{
    umapi_error *own = NULL;
    (void)progress;
    nested_status = find_user(client, NULL, &own);
    umapi_error_free(own);
}

static void a_callback_must_not_wait(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_progress(call, call_again, client, NULL, &error), error);
    CHECK_OK(find_user(client, call, &error), error);
    CHECK_INT(nested_status, UMAPI_STATUS_INVALID_ARGUMENT);
    umapi_call_free(call);
    umapi_client_free(client);
}

int main(void)
{
    RUN(a_cancel_ends_every_wait);
    RUN(a_cancel_ends_connecting);
    RUN(connecting_has_its_own_timeout);
    RUN(a_cancel_ends_the_wait_behind_another_threads_token_call);
    RUN(a_cancel_is_sticky_and_sends_nothing);
    RUN(a_deadline_ends_every_wait);
    RUN(the_request_id_goes_out_with_the_attempt_told_apart);
    RUN(the_request_id_is_in_the_error);
    RUN(progress_tells_of_attempts_and_waits);
    RUN(progress_tells_of_a_pause_that_the_service_asks_for);
    RUN(progress_tells_of_pages_and_actions);
    RUN(a_callback_must_not_wait);
    return all_passed();
}
