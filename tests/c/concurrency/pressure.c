/* Tests that one caller never delays another: slow consumers, blocking callbacks, handles in concurrent use. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

static void clear_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

static umapi_users *users_of(const umapi_client *client)
{
    umapi_users *users = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    return users;
}

static umapi_user_page *next_page(umapi_users *users, const umapi_call *call)
{
    umapi_user_page *page = NULL;
    CHECK_OK(umapi_users_next_page(users, call, &page, &error), error);
    return page;
}

/* Reads the rest of the listing, and returns the number of its pages. */
static long pages_left(umapi_users *users, int64_t work_ms)
{
    long pages = 0;
    umapi_user_page *page;
    while ((page = next_page(users, NULL)) != NULL) {
        umapi_user_page_free(page);
        sleep_ms(work_ms);
        pages++;
    }
    return pages;
}

static void read_pages(umapi_users *users, int count)
{
    for (; count > 0; count--) {
        umapi_user_page_free(next_page(users, NULL));
    }
}

static umapi_call *call_with_timeout(int64_t timeout_ms)
{
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_timeout_ms(call, timeout_ms, &error), error);
    return call;
}

/* ---- Slow consumers ---- */

static umapi_client *limited_client(int32_t requests, int64_t window_ms)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USERS, requests, window_ms, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

static void a_listing_that_pauses_delays_no_other_client(void)
{
    enum { WINDOW_MS = 600 };
    umapi_client *first, *second;
    umapi_users *paused, *users;
    int64_t start;
    control_only("POST", "/settings", "{\"page_size\":2}");
    first = limited_client(4, WINDOW_MS * slowness());
    second = limited_client(4, WINDOW_MS * slowness());
    CHECK_OK(find_user(second, NULL, &error), error);
    paused = users_of(first);
    read_pages(paused, 3);
    users = users_of(second);
    start = now_ms();
    read_pages(users, 1);
    CHECK(now_ms() - start < (WINDOW_MS + 150) * slowness());
    /* Pages that are read ahead leave the next permit to the caller that waits. */
    start = now_ms();
    read_pages(users, 3);
    CHECK(now_ms() - start < (2 * WINDOW_MS + 150) * slowness());
    umapi_users_free(paused);
    umapi_users_free(users);
    umapi_client_free(first);
    umapi_client_free(second);
}

/* Gives the organisation users whose pages are larger than the buffers of sockets. */
static void put_large_users(int count, size_t name_length)
{
    char *name = malloc(name_length + 1), *state = malloc((size_t)count * (name_length + 256) + 256), *end = state;
    int i;
    memset(name, 'n', name_length);
    name[name_length] = '\0';
    end += sprintf(end, "{\"groups\":[],\"domains\":{\"example.com\":\"federatedID\"},\"users\":[");
    for (i = 0; i < count; i++) {
        end += sprintf(end,
                       "%s{\"id\":\"%d@AdobeID\",\"email\":\"u%d@example.com\",\"username\":\"u%d@example.com\","
                       "\"domain\":\"example.com\",\"type\":\"federatedID\",\"status\":\"active\",\"groups\":[],"
                       "\"firstname\":\"%s\",\"lastname\":\"L\",\"country\":\"DE\"}",
                       i == 0 ? "" : ",", i, i, i, name);
    }
    strcpy(end, "]}");
    control_only("PUT", "/state", state);
    free(state);
    free(name);
}

/* Requests in flight make progress while the caller works, so that none of them times out. */
static void a_slow_consumer_causes_no_repeated_request(void)
{
    enum { PAGES = 6, ON_A_PAGE = 200, NAME_LENGTH = 9000 };
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_users *users;
    put_large_users(PAGES * ON_A_PAGE, NAME_LENGTH);
    control_only("POST", "/settings", "{\"page_size\":200}");
    CHECK_OK(umapi_client_options_set_attempt_timeout_ms(options, 1000 * slowness(), &error), error);
    CHECK_OK(umapi_client_options_set_retry(options, 2, 1, 1000, &error), error);
    client = new_client_with(options);
    users = users_of(client);
    CHECK_INT(pages_left(users, 1100 * slowness()), PAGES);
    CHECK_INT(requests_to("users"), PAGES);
    umapi_users_free(users);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* A page that is read ahead has only the limits of the call that takes it: a request that a call with a short deadline
   began does not fail for a later call with a longer one. */
static void the_deadline_is_that_of_the_current_call(void)
{
    enum { WINDOW_MS = 400 };
    umapi_call *hasty = call_with_timeout(WINDOW_MS / 2 * slowness()), *patient = call_with_timeout(60000);
    umapi_client *client;
    umapi_users *users;
    umapi_user_page *page = NULL;
    int64_t start;
    control_only("POST", "/settings", "{\"page_size\":10}");
    client = limited_client(2, WINDOW_MS * slowness());
    CHECK_OK(find_user(client, NULL, &error), error);
    users = users_of(client);
    umapi_user_page_free(next_page(users, hasty));
    umapi_user_page_free(next_page(users, hasty));
    umapi_user_page_free(next_page(users, patient));
    umapi_user_page_free(next_page(users, patient));
    /* Conversely, the call with the short deadline fails at once, since the page that is read ahead waits for longer. */
    start = now_ms();
    CHECK_FAILS(umapi_users_next_page(users, hasty, &page, &error), UMAPI_STATUS_THROTTLED, error);
    CHECK(now_ms() - start < 100 * slowness());
    CHECK(umapi_error_retry_after_ms(error) > WINDOW_MS / 2 * slowness());
    clear_error();
    CHECK_INT(4 + pages_left(users, 0), umapi_users_page_count(users));
    CHECK_INT(requests_to("users"), umapi_users_page_count(users));
    umapi_users_free(users);
    umapi_client_free(client);
    umapi_call_free(hasty);
    umapi_call_free(patient);
}

/* ---- Cancelling ---- */

static void a_cancel_ends_a_listing_whose_page_has_arrived(void)
{
    umapi_client *client = new_client();
    umapi_users *users = users_of(client);
    const umapi_user *user = NULL;
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_cancel(call, cancel, &error), error);
    CHECK_OK(umapi_users_next(users, call, &user, &error), error);
    umapi_cancel_trigger(cancel);
    CHECK_FAILS(umapi_users_next(users, call, &user, &error), UMAPI_STATUS_CANCELLED, error);
    CHECK(user == NULL);
    clear_error();
    /* No item of the listing is lost. */
    CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    CHECK(user != NULL);
    while (user != NULL) {
        CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    }
    CHECK_FAILS(umapi_users_next(users, call, &user, &error), UMAPI_STATUS_CANCELLED, error);
    clear_error();
    umapi_call_free(call);
    umapi_cancel_free(cancel);
    umapi_users_free(users);
    umapi_client_free(client);
}

/* ---- Blocking callbacks ---- */

/* A callback that blocks until it is released. */
typedef struct barrier {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int entered;
    int open;
} barrier;

#define CLOSED_BARRIER {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0}

static void block(barrier *barrier)
{
    pthread_mutex_lock(&barrier->lock);
    barrier->entered = 1;
    pthread_cond_broadcast(&barrier->changed);
    while (!barrier->open) {
        pthread_cond_wait(&barrier->changed, &barrier->lock);
    }
    pthread_mutex_unlock(&barrier->lock);
}

static void wait_until_entered(barrier *barrier)
{
    pthread_mutex_lock(&barrier->lock);
    while (!barrier->entered) {
        pthread_cond_wait(&barrier->changed, &barrier->lock);
    }
    pthread_mutex_unlock(&barrier->lock);
}

static void release(barrier *barrier)
{
    pthread_mutex_lock(&barrier->lock);
    barrier->open = 1;
    pthread_cond_broadcast(&barrier->changed);
    pthread_mutex_unlock(&barrier->lock);
}

static void block_in_progress(const umapi_progress *progress, void *data)
{
    (void)progress;
    block(data);
}

static void block_at_a_wait(const umapi_progress *progress, void *data)
{
    if (umapi_progress_kind(progress) == UMAPI_PROGRESS_WAIT) {
        block(data);
    }
}

/* Blocks at the first line only. */
static void block_in_log(int32_t level, const char *message, void *data)
{
    barrier *barrier = data;
    int first;
    (void)level;
    (void)message;
    pthread_mutex_lock(&barrier->lock);
    first = !barrier->entered;
    barrier->entered = 1;
    pthread_mutex_unlock(&barrier->lock);
    if (first) {
        block(barrier);
    }
}

typedef struct caller {
    const umapi_client *client;
    umapi_call *call;
    umapi_status status;
    pthread_t thread;
} caller;

static void *call_in_thread(void *data)
{
    umapi_error *own = NULL;
    caller *caller = data;
    caller->status = find_user(caller->client, caller->call, &own);
    umapi_error_free(own);
    return NULL;
}

static void begin(caller *caller, const umapi_client *client, umapi_call *call)
{
    caller->client = client;
    caller->call = call;
    pthread_create(&caller->thread, NULL, call_in_thread, caller);
}

static void expect_success(caller *caller)
{
    pthread_join(caller->thread, NULL);
    CHECK_INT(caller->status, UMAPI_OK);
}

static void a_blocking_progress_callback_delays_no_other_call(void)
{
    barrier barrier = CLOSED_BARRIER;
    umapi_client *client = new_client();
    umapi_call *blocked = umapi_call_new(), *limited = call_with_timeout(2000 * slowness());
    caller caller;
    CHECK_OK(umapi_call_set_progress(blocked, block_in_progress, &barrier, NULL, &error), error);
    begin(&caller, client, blocked);
    wait_until_entered(&barrier);
    CHECK_OK(find_user(client, limited, &error), error);
    release(&barrier);
    expect_success(&caller);
    umapi_call_free(blocked);
    umapi_call_free(limited);
    umapi_client_free(client);
}

/* The deadline of a call passes while the callback of another call blocks. */
static void a_blocking_progress_callback_delays_no_deadline(void)
{
    barrier barrier = CLOSED_BARRIER;
    umapi_client *client = new_client();
    umapi_call *blocked = umapi_call_new(), *limited = call_with_timeout(200 * slowness());
    caller caller;
    int64_t start;
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(umapi_call_set_progress(blocked, block_in_progress, &barrier, NULL, &error), error);
    begin(&caller, client, blocked);
    wait_until_entered(&barrier);
    add_fault("{'endpoint':'user','nth':[2],'fault':{'stall':{'at':'before_work'}}}");
    while (requests_to("user") < 2) {
        sleep_ms(5);
    }
    control_only("DELETE", "/faults", NULL);
    add_fault("{'endpoint':'user','fault':{'stall':{'at':'before_work','ms':3000}}}");
    start = now_ms();
    CHECK_FAILS(find_user(client, limited, &error), UMAPI_STATUS_DEADLINE, error);
    CHECK(now_ms() - start < 250 * slowness());
    clear_error();
    control_only("DELETE", "/faults", NULL);
    release(&barrier);
    pthread_join(caller.thread, NULL);
    umapi_call_free(blocked);
    umapi_call_free(limited);
    umapi_client_free(client);
}

/* Two clients share the limit of one client id; the callback of one is called for a wait in the queue, and blocks. */
static void a_callback_that_blocks_at_a_wait_delays_no_other_client(void)
{
    enum { WINDOW_MS = 300 };
    barrier barrier = CLOSED_BARRIER;
    umapi_client_options *options = new_options();
    umapi_client *first, *second;
    umapi_call *blocked = umapi_call_new(), *limited = call_with_timeout(5 * WINDOW_MS * slowness());
    caller caller;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 1, WINDOW_MS * slowness(), &error), error);
    first = new_client_with(options);
    second = new_client_with(options);
    CHECK_OK(find_user(first, NULL, &error), error);
    CHECK_OK(umapi_call_set_progress(blocked, block_at_a_wait, &barrier, NULL, &error), error);
    begin(&caller, first, blocked);
    wait_until_entered(&barrier);
    CHECK_OK(find_user(second, limited, &error), error);
    release(&barrier);
    expect_success(&caller);
    umapi_call_free(blocked);
    umapi_call_free(limited);
    umapi_client_free(first);
    umapi_client_free(second);
    umapi_client_options_free(options);
}

static void a_blocking_log_callback_delays_no_other_call(void)
{
    barrier barrier = CLOSED_BARRIER;
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_call *limited = call_with_timeout(2000 * slowness());
    caller caller;
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_DEBUG, block_in_log, &barrier, NULL, &error), error);
    client = new_client_with(options);
    begin(&caller, client, NULL);
    wait_until_entered(&barrier);
    CHECK_OK(find_user(client, limited, &error), error);
    release(&barrier);
    expect_success(&caller);
    umapi_call_free(limited);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* ---- Where callbacks run ---- */

typedef struct lines {
    pthread_t thread;
    int count;
    int elsewhere;
    int destroyed;
} lines;

static void count_line(int32_t level, const char *message, void *data)
{
    lines *lines = data;
    (void)level;
    CHECK(message[0] != '\0');
    lines->count++;
    lines->elsewhere += !pthread_equal(lines->thread, pthread_self());
}

static void count_end(void *data)
{
    ((lines *)data)->destroyed++;
}

static void log_lines_are_delivered_on_the_thread_that_calls(void)
{
    lines lines = {pthread_self(), 0, 0, 0};
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_users *users;
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_DEBUG, count_line, &lines, count_end, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(lines.count, 5); /* a request and an answer for the token and for the user, and a line about the token */
    users = users_of(client);
    pages_left(users, 0);
    CHECK_INT(lines.count, 5 + 2 * requests_to("users"));
    CHECK_INT(lines.elsewhere, 0);
    umapi_client_free(client);
    CHECK_INT(lines.destroyed, 0); /* the listing keeps the client */
    umapi_users_free(users);
    CHECK_INT(lines.destroyed, 1);
}

/* The log lines of a page that is read ahead are delivered in the next call, if no call is running. */
static void no_log_line_is_lost_between_calls(void)
{
    lines lines = {pthread_self(), 0, 0, 0};
    umapi_client_options *options = new_options();
    umapi_client *client;
    umapi_users *users;
    control_only("POST", "/settings", "{\"page_size\":4}");
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_DEBUG, count_line, &lines, count_end, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    users = users_of(client);
    read_pages(users, 2);
    while (requests_to("users") < 9) {
        sleep_ms(5);
    }
    sleep_ms(50 * slowness());
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(lines.count, 5 + 2 * requests_to("users"));
    CHECK_INT(lines.elsewhere, 0);
    umapi_users_free(users);
    umapi_client_free(client);
    CHECK_INT(lines.destroyed, 1);
}

static sigset_t own_mask(void)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return mask;
}

static int blocks_alike(const sigset_t *one, const sigset_t *other)
{
    int signal;
    for (signal = 1; signal < 32; signal++) {
        if (sigismember(one, signal) != sigismember(other, signal)) {
            return 0;
        }
    }
    return 1;
}

static sigset_t expected_mask;
static int callbacks_with_the_mask, callbacks_with_another;

/* Processes that a callback starts inherit the signal mask. */
static void check_mask(void)
{
    sigset_t mask = own_mask();
    if (blocks_alike(&mask, &expected_mask)) {
        callbacks_with_the_mask++;
    } else {
        callbacks_with_another++;
    }
}

static void check_mask_in_progress(const umapi_progress *progress, void *data)
{
    (void)progress;
    (void)data;
    check_mask();
}

static void check_mask_in_log(int32_t level, const char *message, void *data)
{
    (void)level;
    (void)message;
    (void)data;
    check_mask();
}

static void check_mask_and_answer(umapi_token_answer *answer, void *token)
{
    /* The pipeline ends with status 0 only if SIGPIPE ends `yes`. */
    CHECK_INT(system("yes 2>/dev/null | head -n 1 >/dev/null"), 0);
    check_mask();
    CHECK_OK(umapi_token_answer_set(answer, token, 86400000, NULL), error);
}

static void check_mask_in_destroy(void *data)
{
    (void)data;
    check_mask();
}

static void get_token(char *token)
{
    char *answer = control("POST", "/tokens", NULL);
    CHECK_INT(sscanf(answer, "{\"token\":\"%127[^\"]", token), 1);
    free(answer);
}

static void callbacks_run_with_the_programs_signal_mask(void)
{
    umapi_client_options *options = new_options();
    umapi_credentials *credentials = NULL;
    umapi_client *client = NULL;
    umapi_call *call = umapi_call_new();
    char token[128];
    sigset_t before = own_mask(), after, one;
    get_token(token);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &one, NULL);
    expected_mask = own_mask();
    callbacks_with_the_mask = callbacks_with_another = 0;
    CHECK_OK(umapi_call_set_progress(call, check_mask_in_progress, NULL, check_mask_in_destroy, &error), error);
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_DEBUG, check_mask_in_log, NULL, check_mask_in_destroy, &error), error);
    CHECK_OK(umapi_credentials_new_callback(environment("UMAPI_CLIENT_ID"), check_mask_and_answer, token, check_mask_in_destroy,
                                            &credentials, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    CHECK_OK(find_user(client, call, &error), error);
    after = own_mask();
    CHECK(blocks_alike(&after, &expected_mask));
    umapi_call_free(call);
    umapi_client_free(client);
    CHECK(callbacks_with_the_mask >= 6);
    CHECK_INT(callbacks_with_another, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- Handles in concurrent use ---- */

static umapi_status second_status;
static umapi_users *listing;
static umapi_queue *queue;

static void use_listing_again(const umapi_progress *progress, void *data)
{
    umapi_error *own = NULL;
    const umapi_user *user = NULL;
    (void)progress;
    (void)data;
    CHECK_FAILS(umapi_users_reload(listing, &own), UMAPI_STATUS_INVALID_ARGUMENT, own);
    CHECK_HAS(umapi_error_message(own), "users: is in use");
    umapi_error_free(own);
    second_status = umapi_users_next(listing, NULL, &user, NULL);
    CHECK(umapi_users_total_count(listing) >= -1);
}

static void a_listing_in_its_own_callback_is_refused(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    CHECK_OK(umapi_call_set_progress(call, use_listing_again, NULL, NULL, &error), error);
    listing = users_of(client);
    second_status = UMAPI_OK;
    umapi_user_page_free(next_page(listing, call));
    CHECK_INT(second_status, UMAPI_STATUS_INVALID_ARGUMENT);
    CHECK(pages_left(listing, 0) > 0);
    umapi_users_free(listing);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void use_queue_again(const umapi_progress *progress, void *data)
{
    umapi_error *own = NULL;
    umapi_results *results = NULL;
    (void)progress;
    second_status = umapi_queue_take_results(queue, &results, &own);
    CHECK(results == NULL);
    umapi_error_free(own);
    own = NULL;
    CHECK_FAILS(umapi_queue_add(queue, NULL, data, &own), UMAPI_STATUS_INVALID_ARGUMENT, own);
    umapi_error_free(own);
    CHECK_INT(umapi_queue_flush(queue, NULL, NULL), UMAPI_STATUS_INVALID_ARGUMENT);
}

static void a_queue_in_its_own_callback_is_refused(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    umapi_action *action = membership("Sales");
    umapi_results *results = NULL;
    CHECK_OK(umapi_call_set_progress(call, use_queue_again, action, NULL, &error), error);
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
    second_status = UMAPI_OK;
    CHECK_OK(umapi_queue_flush(queue, call, &error), error);
    CHECK_INT(second_status, UMAPI_STATUS_INVALID_ARGUMENT);
    CHECK_INT(umapi_queue_pending(queue), 0);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
    umapi_results_free(results);
    umapi_queue_free(queue);
    umapi_action_free(action);
    umapi_call_free(call);
    umapi_client_free(client);
}

static void *flush_slowly(void *data)
{
    umapi_error *own = NULL;
    (void)data;
    CHECK_INT(umapi_queue_flush(queue, NULL, &own), UMAPI_OK);
    umapi_error_free(own);
    return NULL;
}

/* The memory of a long flush thus stays constant. Actions on one target are sent one by one. */
static void results_are_taken_while_another_thread_flushes(void)
{
    enum { ACTIONS = 12 };
    umapi_client *client = new_client();
    umapi_action *action = membership("Sales");
    umapi_results *results = NULL;
    pthread_t thread;
    size_t early = 0;
    int i;
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    add_fault("{'endpoint':'action','fault':{'slow':{'ms':40}}}");
    for (i = 0; i < ACTIONS; i++) {
        CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
    }
    CHECK_INT(umapi_queue_pending(queue), ACTIONS);
    pthread_create(&thread, NULL, flush_slowly, NULL);
    while (umapi_queue_pending(queue) > ACTIONS / 3) {
        sleep_ms(5);
    }
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    early = umapi_results_length(results);
    umapi_results_free(results);
    CHECK(early > 0 && early < ACTIONS);
    pthread_join(thread, NULL);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    CHECK_INT(early + umapi_results_length(results), ACTIONS);
    umapi_results_free(results);
    umapi_queue_free(queue);
    umapi_action_free(action);
    umapi_client_free(client);
}

static void *read_one_page(void *data)
{
    umapi_error *own = NULL;
    umapi_user_page *page = NULL;
    (void)data;
    CHECK_INT(umapi_users_next_page(listing, NULL, &page, &own), UMAPI_OK);
    CHECK(umapi_user_page_length(page) > 0);
    umapi_user_page_free(page);
    umapi_error_free(own);
    return NULL;
}

static void begin_slow_page(const umapi_client *client, pthread_t *thread)
{
    listing = users_of(client);
    add_fault("{'endpoint':'users','fault':{'slow':{'ms':300}}}");
    pthread_create(thread, NULL, read_one_page, NULL);
    while (requests_to("users") < 1) {
        sleep_ms(5);
    }
}

static void a_listing_on_two_threads_is_refused(void)
{
    umapi_client *client = new_client();
    umapi_user_page *page = NULL;
    pthread_t thread;
    begin_slow_page(client, &thread);
    CHECK_FAILS(umapi_users_next_page(listing, NULL, &page, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    clear_error();
    pthread_join(thread, NULL);
    umapi_users_free(listing);
    umapi_client_free(client);
}

/* Finalizers of garbage collectors do this. */
static void a_listing_freed_during_its_call_is_freed_after_it(void)
{
    umapi_client *client = new_client();
    pthread_t thread;
    int64_t start;
    begin_slow_page(client, &thread);
    start = now_ms();
    umapi_users_free(listing);
    CHECK(now_ms() - start < 50 * slowness());
    umapi_client_free(client);
    pthread_join(thread, NULL);
}

int main(void)
{
    RUN(a_listing_that_pauses_delays_no_other_client);
    RUN(a_slow_consumer_causes_no_repeated_request);
    RUN(the_deadline_is_that_of_the_current_call);
    RUN(a_cancel_ends_a_listing_whose_page_has_arrived);
    RUN(a_blocking_progress_callback_delays_no_other_call);
    RUN(a_blocking_progress_callback_delays_no_deadline);
    RUN(a_callback_that_blocks_at_a_wait_delays_no_other_client);
    RUN(a_blocking_log_callback_delays_no_other_call);
    RUN(log_lines_are_delivered_on_the_thread_that_calls);
    RUN(no_log_line_is_lost_between_calls);
    RUN(callbacks_run_with_the_programs_signal_mask);
    RUN(a_listing_in_its_own_callback_is_refused);
    RUN(a_queue_in_its_own_callback_is_refused);
    RUN(results_are_taken_while_another_thread_flushes);
    RUN(a_listing_on_two_threads_is_refused);
    RUN(a_listing_freed_during_its_call_is_freed_after_it);
    return all_passed();
}
