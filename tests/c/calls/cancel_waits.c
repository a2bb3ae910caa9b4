/* Tests that a cancel ends every call within 50 ms at every wait that it reports. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <string.h>

static umapi_error *error;

/* ---- Calls in addition to operations.h ---- */

static umapi_action *creation_without_option(void)
{
    umapi_action *action = user_action("newcomer@example.com");
    CHECK_OK(umapi_action_create_user(action, UMAPI_IDENTITY_FEDERATED, "newcomer@example.com", "A", "B", "US",
                                      UMAPI_ON_CONFLICT_ERROR, &error),
             error);
    return action;
}

/* The status of the action that may run twice; the other one is unknown, with the error that lost its answer. A queue
   returns outcomes in the order in which they are known. */
static umapi_status status_of_both(umapi_results *results)
{
    umapi_status first = umapi_error_status(umapi_outcome_error(umapi_results_get(results, 0)));
    umapi_status second = umapi_error_status(umapi_outcome_error(umapi_results_get(results, 1)));
    CHECK_INT(umapi_results_length(results), 2);
    umapi_results_free(results);
    return second == UMAPI_STATUS_CANCELLED ? second : first;
}

/* An action that may run twice and one that may not, in one request: after a lost answer a part of it is repeated. */
static umapi_status execute_both(const umapi_client *client, const umapi_call *call, umapi_error **own)
{
    umapi_action *actions[2];
    umapi_results *results = NULL;
    umapi_status status;
    actions[0] = membership("Sales");
    actions[1] = creation_without_option();
    status = umapi_client_execute(client, call, (const umapi_action *const *)actions, 2, &results, own);
    umapi_action_free(actions[0]);
    umapi_action_free(actions[1]);
    return status == UMAPI_OK ? status_of_both(results) : status;
}

static umapi_status queue_both(const umapi_client *client, const umapi_call *call, int with_flush)
{
    umapi_action *first = membership("Sales"), *second = creation_without_option();
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    CHECK_OK(umapi_queue_add(queue, NULL, first, &error), error);
    CHECK_OK(umapi_queue_add(queue, call, second, &error), error);
    if (with_flush) {
        CHECK_OK(umapi_queue_flush(queue, call, &error), error);
    }
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    umapi_queue_free(queue);
    umapi_action_free(first);
    umapi_action_free(second);
    return status_of_both(results);
}

static umapi_status flush_both(const umapi_client *client, const umapi_call *call, umapi_error **own)
{
    (void)own;
    return queue_both(client, call, 1);
}

/* With two entries a request, the second action makes it full. */
static umapi_status add_both(const umapi_client *client, const umapi_call *call, umapi_error **own)
{
    (void)own;
    return queue_both(client, call, 0);
}

static umapi_status check_all(const umapi_client *client, const umapi_call *call, umapi_error **own)
{
    umapi_check *check = NULL;
    umapi_status status = umapi_client_check(client, call, &check, own);
    umapi_check_free(check);
    return status;
}

/* ---- Every call, in every situation ---- */

typedef struct named_call {
    const char *name;
    operation operation;
    int entries_per_request;
    int may_not_wait; /* since each step of a check is tried once */
} named_call;

static const named_call CALLS[] = {
    {"find user", find_user, 10, 0},
    {"next user", next_user, 10, 0},
    {"page of users", next_page_of_users, 10, 0},
    {"next group", next_group, 10, 0},
    {"page of groups", next_page_of_groups, 10, 0},
    {"page of user groups", next_page_of_user_groups, 10, 0},
    {"service's status", read_service, 10, 0},
    {"execute", execute_action, 10, 0},
    {"execute what may run twice and what may not", execute_both, 10, 0},
    {"flush", flush_queue, 10, 0},
    {"flush what may run twice and what may not", flush_both, 10, 0},
    {"add", add_to_queue, 1, 0},
    {"add what may run twice and what may not", add_both, 2, 0},
    {"check", check_all, 10, 1},
};

typedef struct situation {
    const char *name;
    const char *fault;
    int with_token;            /* whether the client already has a token */
    int32_t requests; /* the limit of each endpoint in a window; 0 for no limit */
} situation;

enum { WINDOW_MS = 400 };

static const situation SITUATIONS[] = {
    {"503", "{'fault':{'status':{'code':503}}}", 1, 0},
    {"503, Retry-After: 0.2", "{'fault':{'status':{'code':503,'retry_after':'0.2'}}}", 1, 0},
    {"429, Retry-After: 0.2", "{'fault':{'status':{'code':429,'retry_after':'0.2'}}}", 1, 0},
    {"the documented limit", NULL, 1, 1},
    {"503 of the token host", "{'endpoint':'token','fault':{'status':{'code':503}}}", 0, 0},
};

/* Cancels the call at the wait with this number, and records the time. */
typedef struct canceller {
    umapi_cancel *cancel;
    int at_wait, waits;
    int64_t cancelled_at;
} canceller;

static void cancel_at_wait(const umapi_progress *progress, void *user_data)
{
    canceller *canceller = user_data;
    if (umapi_progress_kind(progress) == UMAPI_PROGRESS_WAIT && ++canceller->waits == canceller->at_wait) {
        canceller->cancelled_at = now_ms();
        umapi_cancel_trigger(canceller->cancel);
    }
}

static umapi_client *client_in(const situation *situation, const named_call *named)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    int32_t endpoint;
    CHECK_OK(umapi_client_options_set_retry(options, 3, 150 * slowness(), 300000, &error), error);
    CHECK_OK(umapi_client_options_set_batch_limits(options, named->entries_per_request, 10, 10, &error), error);
    for (endpoint = UMAPI_ENDPOINT_USERS; endpoint <= UMAPI_ENDPOINT_STATUS; endpoint++) {
        if (endpoint != UMAPI_ENDPOINT_TOKEN) {
            CHECK_OK(umapi_client_options_set_rate_limit(options, endpoint, situation->requests, WINDOW_MS * slowness(), &error),
                     error);
        }
    }
    client = new_client_with(options);
    umapi_client_options_free(options);
    if (situation->with_token) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    if (situation->requests > 0) {
        named->operation(client, NULL, &error);
        umapi_error_free(error);
        error = NULL;
    }
    if (situation->fault != NULL) {
        add_fault(situation->fault);
    }
    return client;
}

/* Whether the call reached the wait with this number. */
static int ends_at_wait(const situation *situation, const named_call *named, int number)
{
    canceller canceller = {umapi_cancel_new(), 0, 0, 0};
    umapi_call *call = umapi_call_new();
    umapi_client *client;
    umapi_status status;
    int64_t late;
    control_only("POST", "/reset", NULL);
    client = client_in(situation, named);
    canceller.at_wait = number;
    CHECK_OK(umapi_call_set_cancel(call, canceller.cancel, &error), error);
    CHECK_OK(umapi_call_set_progress(call, cancel_at_wait, &canceller, NULL, &error), error);
    status = named->operation(client, call, &error);
    late = now_ms() - canceller.cancelled_at;
    if (canceller.waits >= number && (late > 50 * slowness() || status != UMAPI_STATUS_CANCELLED)) {
        printf("    %s, %s, wait %d: %ld ms late: %s\n", named->name, situation->name, number, (long)late,
               umapi_error_message(error));
        CHECK_INT(status, UMAPI_STATUS_CANCELLED);
        CHECK(late <= 50 * slowness());
    }
    umapi_error_free(error);
    error = NULL;
    umapi_call_free(call);
    umapi_client_free(client);
    umapi_cancel_free(canceller.cancel);
    return canceller.waits >= number;
}

/* The number of waits that are tested; later waits are repetitions of these. */
enum { MOST_WAITS = 2 };

static void a_cancel_ends_every_call_at_every_wait(void)
{
    size_t i, j;
    for (i = 0; i < sizeof SITUATIONS / sizeof *SITUATIONS; i++) {
        for (j = 0; j < sizeof CALLS / sizeof *CALLS; j++) {
            int needs_no_token = CALLS[j].operation == read_service && !SITUATIONS[i].with_token;
            int number = 1;
            while (number <= MOST_WAITS && ends_at_wait(&SITUATIONS[i], &CALLS[j], number)) {
                number++;
            }
            if (number == 1 && !CALLS[j].may_not_wait && !needs_no_token) {
                printf("    %s, %s: the call reported no wait\n", CALLS[j].name, SITUATIONS[i].name);
                CHECK(number > 1);
            }
        }
    }
}

int main(void)
{
    RUN(a_cancel_ends_every_call_at_every_wait);
    return all_passed();
}
