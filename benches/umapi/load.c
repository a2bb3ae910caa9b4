/* The time to a program's first client: the library is loaded at run time, as by a plug-in, and a client is created.
 *
 *     load path-of-libumapi.so
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>
#include <umapi.h>

/* ISO C has no conversion from an object pointer to a function pointer; POSIX allows it through memory. */
static int find(void *library, const char *name, void *function)
{
    void *address = dlsym(library, name);
    *(void **)function = address;
    return address != NULL;
}

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int count, char **arguments)
{
    umapi_status (*new_credentials)(const char *, const char *, umapi_credentials **, umapi_error **);
    umapi_status (*new_client)(const char *, const umapi_credentials *, const umapi_client_options *, umapi_client **,
                               umapi_error **);
    umapi_credentials *me = NULL;
    umapi_client *client = NULL;
    if (count != 2) return 2;

    double begun = milliseconds();
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    int made = library != NULL
        && find(library, "umapi_credentials_new_oauth", &new_credentials)
        && find(library, "umapi_client_new", &new_client)
        && new_credentials("id", "secret", &me, NULL) == UMAPI_OK
        && new_client("12345ABCDE@AdobeOrg", me, NULL, &client, NULL) == UMAPI_OK;
    double ended = milliseconds();

    if (made) printf("{\"ms\":%.3f}\n", ended - begun);
    return !made;
}
