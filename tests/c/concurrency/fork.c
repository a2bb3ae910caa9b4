/* Tests that a child process does not hang on the clients, listings and locks that it inherits from its parent. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static umapi_error *error;

/* Every kind of handle that a process can hold when it forks. */
typedef struct handles {
    umapi_client *client;
    umapi_users *users;
    umapi_user_page *page;
    umapi_queue *queue;
    umapi_call *call;
    umapi_cancel *cancel;
    umapi_credentials *credentials;
    umapi_client_options *options;
} handles;

static handles all_handles(int32_t requests, int64_t window_ms)
{
    handles all;
    umapi_action *action = membership("Sales");
    memset(&all, 0, sizeof all);
    all.options = new_options();
    all.credentials = new_credentials();
    all.call = umapi_call_new();
    all.cancel = umapi_cancel_new();
    CHECK_OK(umapi_call_set_cancel(all.call, all.cancel, &error), error);
    CHECK_OK(umapi_client_options_set_rate_limit(all.options, UMAPI_ENDPOINT_USERS, requests, window_ms, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), all.credentials, all.options, &all.client, &error), error);
    CHECK_OK(umapi_client_users(all.client, NULL, &all.users, &error), error);
    CHECK_OK(umapi_users_next_page(all.users, all.call, &all.page, &error), error);
    if (requests > 1) {
        /* From the second page on, pages are read ahead. */
        umapi_user_page_free(all.page);
        CHECK_OK(umapi_users_next_page(all.users, all.call, &all.page, &error), error);
    }
    CHECK_OK(umapi_client_queue(all.client, &all.queue, &error), error);
    CHECK_OK(umapi_queue_add(all.queue, all.call, action, &error), error);
    umapi_action_free(action);
    return all;
}

static void free_all(handles *all)
{
    umapi_user_page_free(all->page);
    umapi_users_free(all->users);
    umapi_queue_free(all->queue);
    umapi_client_free(all->client);
    umapi_call_free(all->call);
    umapi_cancel_free(all->cancel);
    umapi_credentials_free(all->credentials);
    umapi_client_options_free(all->options);
}

static void check_fork(umapi_status status, umapi_error *error)
{
    CHECK_INT(status, UMAPI_STATUS_FORK);
    CHECK_HAS(umapi_error_message(error), "new one in the child");
    umapi_error_free(error);
}

/* Functions that never wait must not wait for a lock of the parent either. */
static void check_functions_that_do_not_wait(const handles *all)
{
    umapi_error *error = NULL;
    umapi_users *users = NULL;
    umapi_groups *groups = NULL;
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    umapi_status status = umapi_users_reload(all->users, &error);
    check_fork(status, error);
    status = umapi_queue_take_results(all->queue, &results, &error);
    check_fork(status, error);
    status = umapi_client_users(all->client, NULL, &users, &error);
    check_fork(status, error);
    status = umapi_client_groups(all->client, &groups, &error);
    check_fork(status, error);
    status = umapi_client_queue(all->client, &queue, &error);
    check_fork(status, error);
    status = umapi_client_set_credentials(all->client, all->credentials, &error);
    check_fork(status, error);
    CHECK(users == NULL && groups == NULL && queue == NULL && results == NULL);
    umapi_client_sync_start(all->client);
    umapi_client_sync_end(all->client);
    umapi_cancel_trigger(all->cancel);
    CHECK_INT(umapi_cancel_is_triggered(all->cancel), 0);
    CHECK(umapi_client_listing_queries(all->client) > 0);
    CHECK_INT(umapi_queue_pending(all->queue), 1);
}

/* Every function with a handle of the parent reports that. */
static void check_that_handles_are_refused(const handles *all)
{
    umapi_error *error = NULL;
    umapi_user_page *page = NULL;
    umapi_action *action = membership("Sales");
    umapi_status status = find_user(all->client, NULL, &error);
    check_fork(status, error);
    status = umapi_users_next_page(all->users, NULL, &page, &error);
    check_fork(status, error);
    CHECK(page == NULL);
    status = umapi_queue_add(all->queue, NULL, action, &error);
    check_fork(status, error);
    status = umapi_queue_flush(all->queue, NULL, &error);
    check_fork(status, error);
    umapi_action_free(action);
    check_functions_that_do_not_wait(all);
}

static void read_everything(const umapi_client *client)
{
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    do {
        umapi_user_page_free(page);
        CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
    } while (page != NULL);
    umapi_users_free(users);
}

/* The child ends with status 0 if its checks succeed; a child that hangs is killed. */
static void in_child(void (*work)(void *), void *data)
{
    int status = -1;
    pid_t child;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        alarm((unsigned)(20 * slowness()));
        work(data);
        end_child();
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
}

static void use_handles_and_a_new_client(void *data)
{
    handles *all = data;
    umapi_client *client;
    check_that_handles_are_refused(all);
    client = new_client_with(all->options);
    free_all(all);
    read_everything(client);
    execute_successfully(client, membership("Marketing"));
    umapi_client_free(client);
}

static void a_listing_that_is_partly_read_at_the_fork(void)
{
    enum { WINDOW_MS = 300 };
    handles all;
    control_only("POST", "/settings", "{\"page_size\":10}");
    all = all_handles(4, WINDOW_MS * slowness());
    in_child(use_handles_and_a_new_client, &all);
    /* The parent continues its listing. */
    do {
        umapi_user_page_free(all.page);
        CHECK_OK(umapi_users_next_page(all.users, NULL, &all.page, &error), error);
    } while (all.page != NULL);
    CHECK_OK(umapi_queue_flush(all.queue, NULL, &error), error);
    CHECK_OK(find_user(all.client, NULL, &error), error);
    free_all(&all);
}

/* ---- Other threads at the fork ---- */

static volatile int stop;

static void *keep_busy(void *data)
{
    while (!stop) {
        umapi_client *client = new_client();
        umapi_error *own = NULL;
        read_everything(data);
        CHECK_OK(find_user(client, NULL, &own), own);
        umapi_client_free(client);
    }
    return NULL;
}

/* A lock that one of these threads holds at the fork is never released in the child. */
static void many_threads_at_the_fork(void)
{
    enum { THREADS = 6 };
    int forks = slowness() > 1 ? 5 : 40;
    handles all = all_handles(0, 1000);
    pthread_t threads[THREADS];
    size_t i;
    stop = 0;
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, keep_busy, all.client);
    }
    for (; forks > 0; forks--) {
        in_child(use_handles_and_a_new_client, &all);
    }
    stop = 1;
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    free_all(&all);
}

static void *wait_for_the_rate_limit(void *data)
{
    umapi_error *own = NULL;
    const handles *all = data;
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_status status;
    CHECK_OK(umapi_client_users(all->client, NULL, &users, &own), own);
    status = umapi_users_next_page(users, all->call, &page, &own);
    CHECK_INT(status, UMAPI_STATUS_CANCELLED);
    umapi_error_free(own);
    umapi_users_free(users);
    return NULL;
}

/* Python's multiprocessing forks like this. */
static void a_thread_waits_for_the_rate_limit_at_the_fork(void)
{
    handles all = all_handles(1, 60000);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_the_rate_limit, &all);
    sleep_ms(100 * slowness());
    CHECK_OK(umapi_client_options_set_rate_limit(all.options, UMAPI_ENDPOINT_USERS, 10, 1000, &error), error);
    in_child(use_handles_and_a_new_client, &all);
    umapi_cancel_trigger(all.cancel);
    pthread_join(thread, NULL);
    free_all(&all);
}

static void list_with_the_parents_limit(void *data)
{
    const handles *all = data;
    umapi_client *client = new_client_with(all->options);
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
    umapi_user_page_free(page);
    umapi_users_free(users);
    umapi_client_free(client);
}

static void the_child_does_not_wait_for_the_parents_rate_limit(void)
{
    handles all = all_handles(1, 60000);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_the_rate_limit, &all);
    sleep_ms(100 * slowness());
    in_child(list_with_the_parents_limit, &all);
    umapi_cancel_trigger(all.cancel);
    pthread_join(thread, NULL);
    free_all(&all);
}

/* ---- Random numbers ---- */

static void find_with_a_new_client(void *data)
{
    umapi_client *client = new_client();
    (void)data;
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
}

/* The length of the id at `id`, without the numbers of the request and of the attempt. */
static size_t length_of_id(const char *id)
{
    return strcspn(id, ".\"");
}

static void request_ids_differ_between_processes(void)
{
    enum { CHILDREN = 5, MOST = 64 };
    static const char KEY[] = "\"x-request-id\":\"";
    const char *ids[MOST], *next;
    char *requests;
    size_t count = 0, i, j;
    int child;
    find_with_a_new_client(NULL);
    for (child = 0; child < CHILDREN; child++) {
        in_child(find_with_a_new_client, NULL);
    }
    requests = control("GET", "/requests", NULL);
    for (next = strstr(requests, KEY); next != NULL && count < MOST; next = strstr(next, KEY)) {
        next += strlen(KEY);
        if (strncmp(next + length_of_id(next), ".1-1", 4) == 0) {
            ids[count++] = next;
        }
    }
    CHECK_INT(count, CHILDREN + 1);
    for (i = 0; i < count; i++) {
        for (j = i + 1; j < count; j++) {
            CHECK(strncmp(ids[i], ids[j], length_of_id(ids[i])) != 0);
        }
    }
    free(requests);
}

/* ---- In a callback ---- */

static int is_child;

static void fork_once(const umapi_progress *progress, void *data)
{
    int *forked = data;
    (void)progress;
    if (!*forked) {
        *forked = 1;
        fflush(stdout);
        is_child = fork() == 0;
    }
}

/* The parent's call ends normally; in the child it ends at once. */
static void a_callback_that_forks(void)
{
    umapi_client *client = new_client();
    umapi_call *call = umapi_call_new();
    int forked = 0, status = -1;
    umapi_status found;
    is_child = 0;
    CHECK_OK(umapi_call_set_progress(call, fork_once, &forked, NULL, &error), error);
    found = find_user(client, call, &error);
    if (is_child) {
        alarm((unsigned)(20 * slowness()));
        check_fork(found, error);
        umapi_client_free(client);
        find_with_a_new_client(NULL);
        end_child();
    }
    CHECK_OK(found, error);
    CHECK(wait(&status) > 0);
    CHECK_INT(status, 0);
    umapi_call_free(call);
    umapi_client_free(client);
}

int main(void)
{
    RUN(a_listing_that_is_partly_read_at_the_fork);
    RUN(many_threads_at_the_fork);
    RUN(a_thread_waits_for_the_rate_limit_at_the_fork);
    RUN(the_child_does_not_wait_for_the_parents_rate_limit);
    RUN(request_ids_differ_between_processes);
    RUN(a_callback_that_forks);
    return all_passed();
}
