/* Tests of one client on many threads, of many clients, of a child process that inherits a client, and of signals. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 16, ROUNDS = 6 };

static umapi_client *client;

/* ---- One client, many threads ---- */

/* The objects that a thread has received, for another thread to read and free. */
static struct {
    pthread_mutex_t lock;
    umapi_results *results;
    umapi_user_page *page;
    umapi_error *error;
} mailbox = {PTHREAD_MUTEX_INITIALIZER, NULL, NULL, NULL};

static void read_and_free(umapi_results *results, umapi_user_page *page, umapi_error *error)
{
    if (results != NULL) {
        CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
        CHECK(umapi_outcome_error(umapi_results_get(results, 0)) == NULL);
    }
    if (page != NULL) {
        CHECK(umapi_user_email(umapi_user_page_get(page, 0)) != NULL);
    }
    if (error != NULL) {
        CHECK(strlen(umapi_error_message(error)) > 10);
    }
    umapi_results_free(results);
    umapi_user_page_free(page);
    umapi_error_free(error);
}

/* Stores the objects for another thread, and reads and frees those that another thread has stored. */
static void hand_over(umapi_results *results, umapi_user_page *page, umapi_error *error)
{
    umapi_results *old_results;
    umapi_user_page *old_page;
    umapi_error *old_error;
    pthread_mutex_lock(&mailbox.lock);
    old_results = mailbox.results;
    old_page = mailbox.page;
    old_error = mailbox.error;
    mailbox.results = results;
    mailbox.page = page;
    mailbox.error = error;
    pthread_mutex_unlock(&mailbox.lock);
    read_and_free(old_results, old_page, old_error);
}

static void read_everything(void)
{
    umapi_error *error = NULL;
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    size_t count = 0;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    for (;;) {
        CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
        if (user == NULL) {
            break;
        }
        count++;
    }
    CHECK_INT(count, umapi_users_total_count(users) - 2); /* without the technical accounts */
    umapi_users_free(users);
}

static void find_existing_user(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, "person000003@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), "person000003@example.com");
    umapi_user_free(user);
}

static umapi_results *change_existing_user(long thread)
{
    char email[64];
    const char *group = "Sales";
    umapi_error *error = NULL;
    umapi_action *action;
    umapi_results *results;
    sprintf(email, "person%06ld@example.com", thread % 12 * 5 + 2);
    action = user_action(email);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    results = execute(client, action);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
    return results;
}

static umapi_user_page *read_a_page(void)
{
    umapi_error *error = NULL;
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
    umapi_users_free(users);
    return page;
}

static void *trigger(void *cancel)
{
    umapi_cancel_trigger(cancel);
    return NULL;
}

/* Another thread cancels the call while it runs or just after its end. */
static umapi_error *find_user_unless_cancelled(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    umapi_status status;
    pthread_t thread;
    umapi_call_set_cancel(call, cancel, NULL);
    pthread_create(&thread, NULL, trigger, cancel);
    status = umapi_client_find_user(client, call, "person000003@example.com", NULL, &user, &error);
    CHECK(status == UMAPI_OK || status == UMAPI_STATUS_CANCELLED);
    CHECK((status == UMAPI_OK) == (user != NULL));
    pthread_join(thread, NULL);
    umapi_user_free(user);
    umapi_call_free(call);
    umapi_cancel_free(cancel);
    return error;
}

static void *work(void *number)
{
    long thread = (long)(size_t)number;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        if (thread % 4 == round % 4) {
            read_everything();
        }
        find_existing_user();
        hand_over(change_existing_user(thread), read_a_page(), find_user_unless_cancelled());
    }
    return NULL;
}

static void many_threads_use_one_client(void)
{
    pthread_t threads[THREADS];
    size_t i;
    client = new_client();
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, (void *)i);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    hand_over(NULL, NULL, NULL);
    CHECK_INT(umapi_client_actions_completed(client), THREADS * ROUNDS);
    CHECK_INT(requests_to("token"), 1);
    umapi_client_free(client);
}

/* ---- Freeing a client ---- */

static void *find_slowly(void *borrowed)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(borrowed, NULL, "person000003@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), "person000003@example.com");
    umapi_user_free(user);
    return NULL;
}

/* As the header says, running calls finish, and the free does not wait for them. */
static void a_client_is_freed_during_the_calls_of_others(void)
{
    pthread_t threads[THREADS];
    int64_t start;
    size_t i;
    client = new_client();
    find_existing_user();
    add_fault("{'endpoint':'user','fault':{'slow':{'ms':300}}}");
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, find_slowly, client);
    }
    while (requests_to("user") < 1 + THREADS) {
        sleep_ms(1);
    }
    start = now_ms();
    umapi_client_free(client);
    CHECK(now_ms() - start < 50 * slowness());
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* ---- Many clients ---- */

/* The number after a key in a status file of the process, such as VmRSS. */
static long of_this_process(const char *key)
{
    char line[256];
    long number = -1;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            number = strtol(line + strlen(key) + 1, NULL, 10);
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    CHECK(number >= 0);
    return number;
}

static long open_files(void)
{
    long count = 0;
    DIR *files = opendir("/proc/self/fd");
    CHECK(files != NULL);
    while (readdir(files) != NULL) {
        count++;
    }
    closedir(files);
    return count;
}

static void use_clients(int count)
{
    for (; count > 0; count--) {
        client = new_client();
        find_existing_user();
        execute_successfully(client, membership("Sales"));
        umapi_client_free(client);
    }
}

static void a_thousand_clients_leak_nothing(void)
{
    int count = slowness() > 1 ? 20 : 1000;
    long memory, threads, files;
    use_clients(count / 5);
    memory = of_this_process("VmRSS:");
    threads = of_this_process("Threads:");
    files = open_files();
    use_clients(count);
    CHECK_INT(of_this_process("Threads:"), threads);
    CHECK_INT(open_files(), files);
    if (slowness() == 1) {
        long grown = of_this_process("VmRSS:") - memory;
        printf("        %d clients: memory grew by %ld kB\n", count, grown);
        CHECK(grown < 1024);
    }
}

/* ---- A child process ---- */

static void a_client_of_the_parent_is_refused_in_a_child_process(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    int status = -1;
    pid_t child;
    client = new_client();
    find_existing_user();
    child = fork();
    if (child == 0) {
        umapi_status answer = umapi_client_find_user(client, NULL, "a@example.com", NULL, &user, &error);
        int good = answer == UMAPI_STATUS_FORK && umapi_error_status(error) == UMAPI_STATUS_FORK
                   && strstr(umapi_error_message(error), "fork") != NULL;
        umapi_error_free(error);
        umapi_client_free(client);
        client = new_client();
        find_existing_user();
        umapi_client_free(client);
        CHECK(good);
        end_child();
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    find_existing_user();
    umapi_client_free(client);
}

/* ---- Signals ---- */

/* Writing to a connection that the service has closed raises SIGPIPE, which must not reach the program. */
static void a_broken_connection_raises_no_signal(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    sigset_t pending;
    int i;
    signal(SIGPIPE, SIG_DFL);
    client = new_client();
    add_fault("{'endpoint':'user','every':2,'fault':{'reset':{'at':'after_work'}}}");
    for (i = 0; i < 20; i++) {
        CHECK_OK(umapi_client_find_user(client, NULL, "person000003@example.com", NULL, &user, &error), error);
        umapi_user_free(user);
    }
    sigpending(&pending);
    CHECK_INT(sigismember(&pending, SIGPIPE), 0);
    umapi_client_free(client);
}

int main(void)
{
    RUN(many_threads_use_one_client);
    RUN(a_client_is_freed_during_the_calls_of_others);
    RUN(a_thousand_clients_leak_nothing);
    RUN(a_client_of_the_parent_is_refused_in_a_child_process);
    RUN(a_broken_connection_raises_no_signal);
    return all_passed();
}
