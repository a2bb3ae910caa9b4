/* One client, many threads; and a child process that inherits a client. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 12, ROUNDS = 4 };

static umapi_client *client;
static umapi_results *kept[THREADS][ROUNDS];

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
    CHECK_INT(count, umapi_users_total_count(users) - 2); /* the technical accounts */
    umapi_users_free(users);
}

static void find_someone(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, "person000003@example.com", NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), "person000003@example.com");
    umapi_user_free(user);
}

static umapi_results *change_someone(long thread)
{
    char email[64];
    const char *group = "Sales";
    umapi_error *error = NULL;
    umapi_action *action;
    umapi_results *results;
    sprintf(email, "person%06ld@example.com", thread * 5 + 2);
    action = user_action(email);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    results = execute(client, action);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
    return results;
}

static void cancel_at_once(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    umapi_call_set_cancel(call, cancel, NULL);
    umapi_cancel_trigger(cancel);
    CHECK_FAILS(umapi_client_find_user(client, call, "a@example.com", NULL, &user, &error), UMAPI_STATUS_CANCELLED,
                error);
    umapi_error_free(error);
    umapi_call_free(call);
    umapi_cancel_free(cancel);
}

static void *work(void *number)
{
    long thread = (long)(size_t)number;
    int round;
    for (round = 0; round < ROUNDS; round++) {
        if (thread % 3 == 0) {
            read_everything();
        }
        find_someone();
        kept[thread][round] = change_someone(thread);
        cancel_at_once();
    }
    return NULL;
}

static void many_threads_use_one_client(void)
{
    pthread_t threads[THREADS];
    size_t i, round;
    client = new_client();
    for (i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, (void *)i);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (i = 0; i < THREADS; i++) {
        for (round = 0; round < ROUNDS; round++) {
            umapi_results_free(kept[i][round]); /* made on another thread */
        }
    }
    CHECK_INT(umapi_client_actions_completed(client), THREADS * ROUNDS);
    CHECK_INT(requests_to("token"), 1);
    umapi_client_free(client);
}

static void a_child_process_is_told_to_make_its_own_client(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    int status = -1;
    pid_t child;
    client = new_client();
    find_someone();
    child = fork();
    if (child == 0) {
        umapi_status answer = umapi_client_find_user(client, NULL, "a@example.com", NULL, &user, &error);
        int good = answer == UMAPI_STATUS_FORK && umapi_error_status(error) == UMAPI_STATUS_FORK
                   && strstr(umapi_error_message(error), "fork") != NULL;
        umapi_error_free(error);
        umapi_client_free(client);
        client = new_client();
        find_someone();
        umapi_client_free(client);
        _exit(good ? all_passed() : 3);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    find_someone();
    umapi_client_free(client);
}

/* Connections that the service closes in the middle of things raise the signal, which must not arrive. */
static void a_broken_connection_raises_no_signal(void)
{
    umapi_error *error = NULL;
    umapi_user *user = NULL;
    sigset_t pending;
    int i;
    signal(SIGPIPE, SIG_DFL);
    client = new_client();
    fault("{'endpoint':'user','every':2,'fault':{'reset':{'at':'after_work'}}}");
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
    RUN(a_child_process_is_told_to_make_its_own_client);
    RUN(a_broken_connection_raises_no_signal);
    return all_passed();
}
