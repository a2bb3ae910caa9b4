/* Tests that a program which loads the library at run time can unload it after it has freed the last handle: no thread of
   the library remains, and none of its functions is called any more. The test is not linked against the library, so that
   it is really unloaded. */

#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <umapi.h>
#include <unistd.h>

static void *library;

static void check(int good, const char *what)
{
    if (!good) {
        printf("FAILED  %s\n", what);
        exit(1);
    }
}

/* ISO C has no conversion from an object pointer to a function pointer. */
#define FUNCTION(name)                            \
    __typeof__(&name) name##_;                    \
    *(void **)&name##_ = dlsym(library, #name);   \
    check(*(void **)&name##_ != NULL, #name)

static void *use_library(void *unused)
{
    FUNCTION(umapi_credentials_new_oauth);
    FUNCTION(umapi_credentials_set_auth_host);
    FUNCTION(umapi_credentials_free);
    FUNCTION(umapi_client_options_new);
    FUNCTION(umapi_client_options_set_endpoint);
    FUNCTION(umapi_client_options_add_ca_file);
    FUNCTION(umapi_client_options_free);
    FUNCTION(umapi_client_new);
    FUNCTION(umapi_client_users);
    FUNCTION(umapi_client_free);
    FUNCTION(umapi_users_next);
    FUNCTION(umapi_users_free);
    umapi_credentials *credentials = NULL;
    umapi_client_options *options = umapi_client_options_new_();
    umapi_client *client = NULL;
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    int i;
    check(umapi_credentials_new_oauth_(getenv("UMAPI_CLIENT_ID"), getenv("UMAPI_CLIENT_SECRET"), &credentials, NULL) == 0,
          "credentials");
    check(umapi_credentials_set_auth_host_(credentials, getenv("UMAPI_AUTH_HOST"), NULL) == 0, "token host");
    check(umapi_client_options_set_endpoint_(options, getenv("UMAPI_ENDPOINT"), NULL) == 0, "endpoint");
    check(umapi_client_options_add_ca_file_(options, getenv("UMAPI_CA_FILE"), NULL) == 0, "CA file");
    check(umapi_client_new_(getenv("UMAPI_ORG_ID"), credentials, options, &client, NULL) == 0, "client");
    check(umapi_client_users_(client, NULL, &users, NULL) == 0, "listing");
    /* The listing is read beyond the first page, so that requests are in flight when it is freed. */
    for (i = 0; i < 30; i++) {
        check(umapi_users_next_(users, NULL, &user, NULL) == 0 && user != NULL, "next user");
    }
    umapi_credentials_free_(credentials);
    umapi_client_options_free_(options);
    umapi_client_free_(client);
    umapi_users_free_(users);
    (void)unused;
    return NULL;
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count - 2; /* without . and .. */
}

static int is_mapped(void)
{
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        found |= strstr(line, "libumapi") != NULL;
    }
    fclose(maps);
    return found;
}

static void fork_after_unloading(void)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "a fork after the library was unloaded");
}

int main(int count, char **arguments)
{
    int i;
    check(count == 2, "give the path of the library");
    for (i = 0; i < 20; i++) {
        pthread_t thread;
        library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        check(library != NULL, "dlopen");
        check(is_mapped(), "the library is loaded");
        /* The library is used on another thread, since thread-local data keeps it loaded until its thread ends. */
        check(pthread_create(&thread, NULL, use_library, NULL) == 0, "a thread");
        pthread_join(thread, NULL);
        check(threads() == 1, "no thread is left");
        check(dlclose(library) == 0, "dlclose");
        check(!is_mapped(), "the library is unloaded");
        fork_after_unloading();
    }
    puts("ok      the_library_is_unloaded_after_the_last_free");
    return 0;
}
