/* The cost of one getter from C: the text getters over all users of a page, minus the same loop without them. */
#define _POSIX_C_SOURCE 200809L

#include "service.h"

#include <stdio.h>
#include <time.h>

enum { ROUNDS = 2000 };

/* Prevents the compiler from removing the computation of the value. */
static void keep(const void *value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double with_getters(const umapi_user_page *page, size_t users)
{
    double begun = seconds();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < users; i++) {
            const umapi_user *user = umapi_user_page_get(page, i);
            keep(user);
            keep(umapi_user_id(user));
            keep(umapi_user_email(user));
            keep(umapi_user_username(user));
            keep(umapi_user_firstname(user));
            keep(umapi_user_lastname(user));
        }
    return seconds() - begun;
}

static double without(const umapi_user_page *page, size_t users)
{
    double begun = seconds();
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < users; i++) keep(umapi_user_page_get(page, i));
    return seconds() - begun;
}

int main(void)
{
    const struct settings settings = {1, 0, 1};
    umapi_users *listing = NULL;
    umapi_user_page *page = NULL;
    umapi_error *error = NULL;

    umapi_client *client = connect_to_service(UMAPI_ENDPOINT_USERS, &settings);
    must(umapi_client_users(client, NULL, &listing, &error), error);
    must(umapi_users_next_page(listing, NULL, &page, &error), error);

    size_t users = umapi_user_page_length(page);
    double calls = 5.0 * ROUNDS * (double)users;
    without(page, users);
    printf("{\"ns\":%.3f}\n", (with_getters(page, users) - without(page, users)) * 1e9 / calls);

    umapi_user_page_free(page);
    umapi_users_free(listing);
    umapi_client_free(client);
    return 0;
}
