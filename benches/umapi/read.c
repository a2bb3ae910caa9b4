/* Reads all users, and reads every field of each.
 *
 *     read [-a pages to read ahead] [-t threads, each with its own listing] [-l requests -w window in ms]
 */
#define _POSIX_C_SOURCE 200809L

#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 16 };

/* One listing, and the counts of what was read. */
struct reading {
    const umapi_client *client;
    size_t users;
    size_t texts;
    size_t bytes;
    size_t flags;
};

static void touch_text(struct reading *seen, const char *text)
{
    if (text == NULL) return;
    seen->texts++;
    seen->bytes += strlen(text);
}

static void touch(struct reading *seen, const umapi_user *user)
{
    seen->users++;
    touch_text(seen, umapi_user_id(user));
    touch_text(seen, umapi_user_email(user));
    touch_text(seen, umapi_user_status(user));
    touch_text(seen, umapi_user_username(user));
    touch_text(seen, umapi_user_domain(user));
    touch_text(seen, umapi_user_firstname(user));
    touch_text(seen, umapi_user_lastname(user));
    touch_text(seen, umapi_user_country(user));
    touch_text(seen, umapi_user_type(user));
    for (size_t i = 0; i < umapi_user_group_count(user); i++) touch_text(seen, umapi_user_group(user, i));
    for (size_t i = 0; i < umapi_user_tag_count(user); i++) touch_text(seen, umapi_user_tag(user, i));
    for (size_t i = 0; i < umapi_user_admin_role_count(user); i++) touch_text(seen, umapi_user_admin_role(user, i));
    seen->flags += umapi_user_org_specific(user) == 1;
    seen->flags += umapi_user_business_account(user) == 1;
}

static void *read_all(void *data)
{
    struct reading *reading = data;
    umapi_users *users = NULL;
    umapi_error *error = NULL;
    const umapi_user *user = NULL;

    must(umapi_client_users(reading->client, NULL, &users, &error), error);
    for (;;) {
        must(umapi_users_next(users, NULL, &user, &error), error);
        if (user == NULL) break;
        touch(reading, user);
    }
    umapi_users_free(users);
    return NULL;
}

int main(int count, char **arguments)
{
    struct settings settings = {0, 0, 1};
    struct reading readings[MOST_THREADS];
    struct reading all = {0};
    pthread_t threads[MOST_THREADS];
    int option, listings = 1;

    while ((option = getopt(count, arguments, "a:t:l:w:")) != -1) {
        if (option == 'a') settings.read_ahead = (int32_t)atoi(optarg);
        if (option == 't') listings = atoi(optarg);
        if (option == 'l') settings.limit = (int32_t)atoi(optarg);
        if (option == 'w') settings.window_ms = atol(optarg);
        if (option == '?') return 2;
    }
    if (listings < 1 || listings > MOST_THREADS) return 2;

    umapi_client *client = connect_to_service(UMAPI_ENDPOINT_USERS, &settings);
    for (int i = 0; i < listings; i++) readings[i] = (struct reading){client, 0, 0, 0, 0};
    for (int i = 1; i < listings; i++)
        if (pthread_create(&threads[i], NULL, read_all, &readings[i]) != 0) return 1;
    read_all(&readings[0]);
    for (int i = 1; i < listings; i++) pthread_join(threads[i], NULL);
    umapi_client_free(client);

    for (int i = 0; i < listings; i++) {
        all.users += readings[i].users;
        all.texts += readings[i].texts;
        all.bytes += readings[i].bytes;
        all.flags += readings[i].flags;
    }
    printf("{\"users\":%zu,\"texts\":%zu,\"bytes\":%zu,\"flags\":%zu}\n", all.users, all.texts, all.bytes, all.flags);
    return 0;
}
