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
    int32_t reason; /* that the call tells of the wait; none for what is a part of an attempt */
} place;

static const place PLACES[] = {
    {"TLS handshake", find_user, "{\"hold_connections\":true}", NULL, 0, 1, 0, 0},
    {"token call", find_user, NULL, "{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}", 0, 1, 0, 0},
    {"answer about a user", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}", 1, 1, 0, 0},
    {"answer's head", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'in_headers'}}}", 1, 1, 0, 0},
    {"answer's body", find_user, NULL, "{'endpoint':'user','fault':{'stall':{'at':'in_body'}}}", 1, 1, 0, 0},
    {"request's body", execute_action, NULL, "{'endpoint':'action','fault':{'stall':{'at':'before_read'}}}", 1, 1, 0, 0},
    {"back-off", find_user, NULL, "{'endpoint':'user','fault':{'status':{'code':503}}}", 1, 60000, 0,
     UMAPI_WAIT_BACK_OFF},
    {"throttle", find_user, NULL, "{'endpoint':'user','fault':{'status':{'code':429,'retry_after':60}}}", 1, 1, 0,
     UMAPI_WAIT_THROTTLED},
    {"pacer", find_user, NULL, NULL, 1, 1, 1, UMAPI_WAIT_PACE},
    {"next user", next_user, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"page of users", next_page_of_users, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"next group", next_group, NULL, "{'endpoint':'groups','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"page of groups", next_page_of_user_groups, NULL, "{'endpoint':'user-groups','fault':{'stall':{'at':'after_work'}}}", 1,
     1, 0, 0},
    {"service's status", read_service, NULL, "{'endpoint':'status','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"execution", execute_action, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"flush", flush_queue, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
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

/* ---- Ends ---- */

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

/* The newest wait that a call has told of: why, and for how long. */
static int32_t told_reason;
static int64_t told_ms;

static void note_wait(const umapi_progress *progress, void *user_data)
{
    (void)user_data;
    if (umapi_progress_kind(progress) == UMAPI_PROGRESS_WAIT) {
        told_reason = umapi_progress_wait_reason(progress);
        told_ms = umapi_progress_wait_ms(progress);
    }
}

static umapi_call *noted_call(void)
{
    umapi_call *call = umapi_call_new();
    told_reason = 0;
    CHECK_OK(umapi_call_set_progress(call, note_wait, NULL, NULL, &error), error);
    return call;
}

/* Its time counts from a cancel, or from the deadline. */
static void check_end(const char *where, umapi_status status, umapi_status expected, int64_t late)
{
    if (status != expected || late > 50 * slowness()) {
        printf("    at: %s: %s, %ld ms late\n", where, umapi_error_message(error), (long)late);
    }
    CHECK_INT(status, expected);
    CHECK(late <= 50 * slowness());
}

static void forget_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

static void check_cancelled_wait(const char *where, const umapi_client *client, operation operation)
{
    canceller canceller = {umapi_cancel_new(), 0};
    umapi_call *call = noted_call();
    umapi_status status;
    pthread_t thread;
    CHECK_OK(umapi_call_set_cancel(call, canceller.cancel, &error), error);
    pthread_create(&thread, NULL, cancel_soon, &canceller);
    status = operation(client, call, &error);
    pthread_join(thread, NULL);
    check_end(where, status, UMAPI_STATUS_CANCELLED, now_ms() - canceller.at);
    forget_error();
    umapi_call_free(call);
    umapi_cancel_free(canceller.cancel);
}

/* A pause that would outlast the deadline is not begun, and its reason told at once; the error is left to the caller. */
static void check_deadline(const char *where, const umapi_client *client, operation operation, umapi_status expected)
{
    umapi_call *call = noted_call();
    int64_t limit = 150 * slowness(), end = now_ms() + limit;
    CHECK_OK(umapi_call_set_timeout_ms(call, limit, &error), error);
    check_end(where, operation(client, call, &error), expected, now_ms() - end);
    CHECK(expected == UMAPI_STATUS_DEADLINE || now_ms() < end);
    umapi_call_free(call);
}

static void check_both_ends(const char *where, const umapi_client *client)
{
    check_cancelled_wait(where, client, find_user);
    check_deadline(where, client, find_user, UMAPI_STATUS_DEADLINE);
    forget_error();
}

/* ---- A call on its own ---- */

static void a_cancel_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        umapi_client *client;
        steer("POST", "/reset", NULL);
        client = client_at(&PLACES[i]);
        check_cancelled_wait(PLACES[i].name, client, PLACES[i].operation);
        CHECK_INT(told_reason, PLACES[i].reason);
        CHECK(told_reason == 0 || (told_ms > 58000 && told_ms <= 80000));
        umapi_client_free(client);
    }
}

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

static void a_deadline_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        umapi_status expected = at_deadline(&PLACES[i]);
        umapi_client *client;
        steer("POST", "/reset", NULL);
        client = client_at(&PLACES[i]);
        check_deadline(PLACES[i].name, client, PLACES[i].operation, expected);
        if (expected == UMAPI_STATUS_THROTTLED) {
            CHECK(umapi_error_retry_after_ms(error) > 58000 && umapi_error_retry_after_ms(error) <= 60000);
        }
        forget_error();
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

static void both_end_connecting(void)
{
    char url[64];
    int filler[2], listener = full_listener(filler, url, sizeof url);
    umapi_client *client = client_of_nobody(url);
    check_both_ends("connect", client);
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

/* ---- A call behind another's ---- */

typedef struct other {
    const umapi_client *client;
    umapi_call *call;
    umapi_cancel *cancel;
    pthread_t thread;
} other;

static void *find_without_end(void *data)
{
    umapi_error *own = NULL;
    other *other = data;
    CHECK_FAILS(find_user(other->client, other->call, &own), UMAPI_STATUS_CANCELLED, own);
    umapi_error_free(own);
    return NULL;
}

/* Another thread's call, which hangs once the endpoint has received so many requests in all. */
static void begin_other(other *other, const umapi_client *client, const char *endpoint, long requests)
{
    other->client = client;
    other->cancel = umapi_cancel_new();
    other->call = umapi_call_new();
    CHECK_OK(umapi_call_set_cancel(other->call, other->cancel, &error), error);
    pthread_create(&other->thread, NULL, find_without_end, other);
    while (requests_to(endpoint) < requests) {
        sleep_ms(5);
    }
}

static void end_other(other *other)
{
    umapi_cancel_trigger(other->cancel);
    pthread_join(other->thread, NULL);
    umapi_call_free(other->call);
    umapi_cancel_free(other->cancel);
}

static void both_end_the_wait_behind_anothers_token_call(void)
{
    umapi_client *client = new_client();
    other other;
    fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    begin_other(&other, client, "token", 1);
    check_both_ends("another's token call", client);
    CHECK_INT(told_reason, UMAPI_WAIT_TOKEN);
    CHECK_INT(told_ms, -1); /* nobody knows */
    CHECK_INT(requests_to("token"), 1);
    end_other(&other);
    umapi_client_free(client);
}

/* When a place comes free is not known while the request that has it is on its way. */
static void both_end_the_wait_for_a_full_pacer(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    other other;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 1, 60000, &error), error);
    client = new_client_with(options);
    fault("{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}");
    begin_other(&other, client, "user", 1);
    check_both_ends("a full pacer", client);
    CHECK_INT(told_reason, UMAPI_WAIT_PACE);
    CHECK_INT(told_ms, -1);
    CHECK_INT(requests_to("user"), 1);
    end_other(&other);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* A checker takes its time over code that it meets for the first time. */
static void meet_all_code(void)
{
    umapi_client *client;
    steer("POST", "/reset", NULL);
    client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
}

int main(void)
{
    meet_all_code();
    RUN(a_cancel_ends_every_wait);
    RUN(a_deadline_ends_every_wait);
    RUN(both_end_connecting);
    RUN(connecting_has_its_own_timeout);
    RUN(both_end_the_wait_behind_anothers_token_call);
    RUN(both_end_the_wait_for_a_full_pacer);
    return all_passed();
}
