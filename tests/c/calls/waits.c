/* Tests that a call ends within 50 ms of a cancel and of its deadline, whatever it waits for. */

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

/* ---- The waits ---- */

typedef struct wait_case {
    const char *name;
    operation operation;
    const char *settings; /* the settings of the sandbox */
    const char *fault;
    int warmed_up; /* whether the client has a token and a connection */
    int64_t first_delay_ms;
    int32_t requests_per_minute;
    int32_t reason; /* the reason of the wait that the call reports; none for a wait within an attempt */
} wait_case;

static const wait_case WAIT_CASES[] = {
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
    {"permit", find_user, NULL, NULL, 1, 1, 1, UMAPI_WAIT_PACE},
    {"next user", next_user, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"page of users", next_page_of_users, NULL, "{'endpoint':'users','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"next group", next_group, NULL, "{'endpoint':'groups','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"page of groups", next_page_of_user_groups, NULL, "{'endpoint':'user-groups','fault':{'stall':{'at':'after_work'}}}", 1,
     1, 0, 0},
    {"service's status", read_service, NULL, "{'endpoint':'status','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"execution", execute_action, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
    {"flush", flush_queue, NULL, "{'endpoint':'action','fault':{'stall':{'at':'after_work'}}}", 1, 1, 0, 0},
};

static umapi_client *client_at(const wait_case *wait_case)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, 4, wait_case->first_delay_ms, 300000, &error), error);
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, wait_case->requests_per_minute, 60000, &error),
             error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    if (wait_case->warmed_up) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    if (wait_case->settings != NULL) {
        control_only("POST", "/settings", wait_case->settings);
    }
    if (wait_case->fault != NULL) {
        add_fault(wait_case->fault);
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

/* The latest wait that a call has reported: its reason and its length. */
static int32_t reported_reason;
static int64_t reported_ms;

static void note_wait(const umapi_progress *progress, void *user_data)
{
    (void)user_data;
    if (umapi_progress_kind(progress) == UMAPI_PROGRESS_WAIT) {
        reported_reason = umapi_progress_wait_reason(progress);
        reported_ms = umapi_progress_wait_ms(progress);
    }
}

static umapi_call *noted_call(void)
{
    umapi_call *call = umapi_call_new();
    reported_reason = 0;
    CHECK_OK(umapi_call_set_progress(call, note_wait, NULL, NULL, &error), error);
    return call;
}

/* `late` is the time from the cancel or the deadline to the end of the call. */
static void check_end(const char *where, umapi_status status, umapi_status expected, int64_t late)
{
    if (status != expected || late > 50 * slowness()) {
        printf("    at: %s: %s, %ld ms late\n", where, umapi_error_message(error), (long)late);
    }
    CHECK_INT(status, expected);
    CHECK(late <= 50 * slowness());
}

static void clear_error(void)
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
    clear_error();
    umapi_call_free(call);
    umapi_cancel_free(canceller.cancel);
}

/* A pause that would outlast the deadline does not begin; its reason is reported at once. The error is left to the caller. */
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
    clear_error();
}

/* ---- A single call ---- */

static void a_cancel_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof WAIT_CASES / sizeof *WAIT_CASES; i++) {
        umapi_client *client;
        control_only("POST", "/reset", NULL);
        client = client_at(&WAIT_CASES[i]);
        check_cancelled_wait(WAIT_CASES[i].name, client, WAIT_CASES[i].operation);
        CHECK_INT(reported_reason, WAIT_CASES[i].reason);
        CHECK(reported_reason == 0 || (reported_ms > 58000 && reported_ms <= 80000));
        umapi_client_free(client);
    }
}

static umapi_status at_deadline(const wait_case *wait_case)
{
    if (strcmp(wait_case->name, "back-off") == 0) {
        return UMAPI_STATUS_SERVER;
    }
    if (strcmp(wait_case->name, "throttle") == 0 || strcmp(wait_case->name, "permit") == 0) {
        return UMAPI_STATUS_THROTTLED;
    }
    return UMAPI_STATUS_DEADLINE;
}

static void a_deadline_ends_every_wait(void)
{
    size_t i;
    for (i = 0; i < sizeof WAIT_CASES / sizeof *WAIT_CASES; i++) {
        umapi_status expected = at_deadline(&WAIT_CASES[i]);
        umapi_client *client;
        control_only("POST", "/reset", NULL);
        client = client_at(&WAIT_CASES[i]);
        check_deadline(WAIT_CASES[i].name, client, WAIT_CASES[i].operation, expected);
        if (expected == UMAPI_STATUS_THROTTLED) {
            CHECK(umapi_error_retry_after_ms(error) > 58000 && umapi_error_retry_after_ms(error) <= 60000);
        }
        clear_error();
        umapi_client_free(client);
    }
}

/* A listener whose queue of connections is full. */
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
        /* The connection only has to be in progress. */
        (void)!connect(filler[i], (struct sockaddr *)&address, sizeof address);
    }
    sleep_ms(20);
    snprintf(url, size, "https://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

static umapi_client *client_without_a_server(const char *url)
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

static void cancel_and_deadline_end_connecting(void)
{
    char url[64];
    int filler[2], listener = full_listener(filler, url, sizeof url);
    umapi_client *client = client_without_a_server(url);
    check_both_ends("connect", client);
    umapi_client_free(client);
    close(filler[0]);
    close(filler[1]);
    close(listener);
}

static void connecting_has_a_separate_timeout(void)
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

/* ---- A call that waits for another call ---- */

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

/* Another thread's call, which hangs once the endpoint has received `requests` requests in all. */
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

static void cancel_and_deadline_end_the_wait_for_anothers_token_call(void)
{
    umapi_client *client = new_client();
    other other;
    add_fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    begin_other(&other, client, "token", 1);
    check_both_ends("another's token call", client);
    CHECK_INT(reported_reason, UMAPI_WAIT_TOKEN);
    CHECK_INT(reported_ms, -1); /* the length is unknown */
    CHECK_INT(requests_to("token"), 1);
    end_other(&other);
    umapi_client_free(client);
}

/* The length of the wait is unknown while the request that holds the permit is in flight. */
static void cancel_and_deadline_end_the_wait_for_a_permit(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    other other;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 1, 60000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'user','fault':{'stall':{'at':'before_work'}}}");
    begin_other(&other, client, "user", 1);
    check_both_ends("a full pacer", client);
    CHECK_INT(reported_reason, UMAPI_WAIT_PACE);
    CHECK_INT(reported_ms, -1);
    CHECK_INT(requests_to("user"), 1);
    end_other(&other);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* Runs all code once, since valgrind is slow on code that runs for the first time. */
static void run_all_code_once(void)
{
    umapi_client *client;
    control_only("POST", "/reset", NULL);
    client = new_client();
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
}

int main(void)
{
    run_all_code_once();
    RUN(a_cancel_ends_every_wait);
    RUN(a_deadline_ends_every_wait);
    RUN(cancel_and_deadline_end_connecting);
    RUN(connecting_has_a_separate_timeout);
    RUN(cancel_and_deadline_end_the_wait_for_anothers_token_call);
    RUN(cancel_and_deadline_end_the_wait_for_a_permit);
    return all_passed();
}
