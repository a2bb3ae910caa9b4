/* Tests of call options: the cancel handle, the request id, and the progress callback. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

/* ---- Cancelling ---- */

static void a_cancel_is_sticky_and_sends_nothing(void)
{
    const operation operations[] = {find_user,  next_user,           next_page_of_users,
                                    next_group, next_page_of_groups, next_page_of_user_groups,
                                    read_service, execute_action,    flush_queue};
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
    umapi_cancel_free(cancel); /* the call keeps its own reference */
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

/* ---- Request ids and progress ---- */

static void the_request_id_is_sent_with_the_number_of_the_attempt(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    char *requests;
    CHECK_OK(umapi_call_set_request_id(call, "nightly-run-7", &error), error);
    add_fault("{'endpoint':'user','times':1,'fault':{'status':{'code':503}}}");
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
    add_fault("{'endpoint':'user','fault':{'status':{'code':403}}}");
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

static void on_destroy(void *user_data)
{
    ((record *)user_data)->destroyed++;
}

static umapi_call *recorded(record *record)
{
    umapi_call *call = umapi_call_new();
    memset(record, 0, sizeof *record);
    record->thread = pthread_self();
    CHECK_OK(umapi_call_set_progress(call, note, record, on_destroy, &error), error);
    return call;
}

static void progress_reports_attempts_and_waits(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    record record;
    umapi_call *call = recorded(&record);
    CHECK_OK(umapi_client_options_set_retry(options, 4, 20, 300000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'user','times':2,'fault':{'status':{'code':503}}}");
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

static void progress_reports_a_pause_that_the_service_asks_for(void)
{
    umapi_client *client = new_client();
    record record;
    umapi_call *call = recorded(&record);
    add_fault("{'endpoint':'user','times':1,'fault':{'status':{'code':429,'retry_after':1}}}");
    CHECK_OK(find_user(client, call, &error), error);
    CHECK_INT(record.waits, 1);
    CHECK_INT(record.wait_reason, UMAPI_WAIT_THROTTLED);
    CHECK(record.wait_ms >= 900 && record.wait_ms <= 1100);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void progress_reports_pages_and_actions(void)
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

static void a_callback_must_not_call_what_can_wait(void)
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
    RUN(a_cancel_is_sticky_and_sends_nothing);
    RUN(the_request_id_is_sent_with_the_number_of_the_attempt);
    RUN(the_request_id_is_in_the_error);
    RUN(progress_reports_attempts_and_waits);
    RUN(progress_reports_a_pause_that_the_service_asks_for);
    RUN(progress_reports_pages_and_actions);
    RUN(a_callback_must_not_call_what_can_wait);
    return all_passed();
}
