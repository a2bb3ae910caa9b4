/*
 * Checks every step from this machine to the service, and prints for each whether it works and, if it does not, what to do:
 *
 *     umapi-check [--config FILE] [--json] [--ca FILE] [--only-ca FILE] [--proxy URL | --no-proxy] [--timeout SECONDS]
 *
 * The organisation and the credentials are in the file (umapi_client_new_from_file) or, without --config, in the
 * environment (umapi_client_new_from_environment): UMAPI_ORG_ID, UMAPI_CLIENT_ID, UMAPI_CLIENT_SECRET and so on. The login
 * for --proxy is in UMAPI_PROXY_USER and UMAPI_PROXY_PASSWORD. The arguments override the environment, and the file
 * overrides the arguments.
 *
 * The program changes nothing at the service. Its exit status is 0 if every step passes, 1 if a step fails, and 2 for
 * wrong arguments.
 */

#define _POSIX_C_SOURCE 200112L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umapi.h>

typedef struct request {
    const char *config;
    int json;
    int no_proxy;
    int only_ca;
    const char *ca;
    const char *proxy;
    long seconds;
} request;

/* NULL for a variable that is not set or is empty. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--config FILE] [--json] [--ca FILE] [--only-ca FILE] [--proxy URL | --no-proxy] [--timeout SECONDS]\n",
            program);
    return 2;
}

static int parse_arguments(request *request, int argc, char **argv)
{
    int i;
    memset(request, 0, sizeof *request);
    request->seconds = 60;
    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--json") == 0) {
            request->json = 1;
        } else if (strcmp(argv[i], "--no-proxy") == 0) {
            request->no_proxy = 1;
        } else if (value == NULL) {
            return -1;
        } else if (strcmp(argv[i], "--config") == 0) {
            request->config = argv[++i];
        } else if (strcmp(argv[i], "--ca") == 0 || strcmp(argv[i], "--only-ca") == 0) {
            request->only_ca = strcmp(argv[i], "--only-ca") == 0;
            request->ca = argv[++i];
        } else if (strcmp(argv[i], "--proxy") == 0) {
            request->proxy = argv[++i];
        } else if (strcmp(argv[i], "--timeout") == 0) {
            request->seconds = strtol(argv[++i], NULL, 10);
        } else {
            return -1;
        }
    }
    return request->seconds > 0 && !(request->proxy != NULL && request->no_proxy) ? 0 : -1;
}

/* ---- From the request and the environment to a client ---- */

static umapi_status set_up(umapi_client_options *options, const request *request, umapi_error **error)
{
    umapi_status status = UMAPI_OK;
    if (request->ca != NULL)
        status = umapi_client_options_add_ca_file(options, request->ca, error);
    if (status == UMAPI_OK && request->only_ca)
        status = umapi_client_options_set_platform_certificates(options, 0, error);
    if (status == UMAPI_OK && request->proxy != NULL)
        status = umapi_client_options_set_proxy(options, request->proxy, environment("UMAPI_PROXY_USER"),
                                                environment("UMAPI_PROXY_PASSWORD"), error);
    if (status == UMAPI_OK && request->no_proxy)
        status = umapi_client_options_disable_proxy(options, error);
    return status;
}

/* Unsets the variables that the arguments override. */
static void unset_overridden(const request *request)
{
    if (request->ca != NULL)
        unsetenv("UMAPI_CA_FILE");
    if (request->proxy != NULL || request->no_proxy) {
        unsetenv("UMAPI_PROXY");
        unsetenv("UMAPI_PROXY_USER");
        unsetenv("UMAPI_PROXY_PASSWORD");
    }
}

static umapi_status make_client(const request *request, umapi_client **client, umapi_error **error)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_status status = set_up(options, request, error);
    unset_overridden(request);
    if (status == UMAPI_OK && request->config != NULL)
        status = umapi_client_new_from_file(request->config, options, client, error);
    else if (status == UMAPI_OK)
        status = umapi_client_new_from_environment(options, client, error);
    umapi_client_options_free(options);
    return status;
}

/* ---- The check ---- */

static umapi_status check(const request *request, umapi_check **result, umapi_error **error)
{
    umapi_client *client = NULL;
    umapi_call *call = umapi_call_new();
    umapi_error *reason = NULL;
    umapi_status status = umapi_call_set_timeout_ms(call, (int64_t)request->seconds * 1000, error);
    if (status == UMAPI_OK && make_client(request, &client, &reason) != UMAPI_OK)
        status = umapi_check_new_misconfigured(reason, result, error);
    else if (status == UMAPI_OK)
        status = umapi_client_check(client, call, result, error);
    umapi_error_free(reason);
    umapi_call_free(call);
    umapi_client_free(client);
    return status;
}

int main(int argc, char **argv)
{
    request request;
    umapi_check *result = NULL;
    umapi_error *error = NULL;
    int passed;
    if (parse_arguments(&request, argc, argv) != 0)
        return usage(argv[0]);
    if (check(&request, &result, &error) == UMAPI_OK)
        printf(request.json ? "%s\n" : "%s", request.json ? umapi_check_json(result) : umapi_check_text(result));
    else
        fprintf(stderr, "%s\n", umapi_error_message(error));
    passed = umapi_check_passed(result);
    umapi_error_free(error);
    umapi_check_free(result);
    return passed ? 0 : 1;
}
