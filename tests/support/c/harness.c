#define _POSIX_C_SOURCE 200809L

#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int failures;
static const char *running = "";

static void fail(const char *file, int line, const char *what)
{
    failures++;
    printf("%s:%d: in %s: %s", file, line, running, what);
}

void check(int good, const char *what, const char *file, int line)
{
    if (!good) {
        fail(file, line, what);
        printf(" does not hold\n");
    }
}

void check_int(int64_t actual, int64_t expected, const char *what, const char *file, int line)
{
    if (actual != expected) {
        fail(file, line, what);
        printf(" is %ld, not %ld\n", (long)actual, (long)expected);
    }
}

static const char *shown(const char *text)
{
    return text == NULL ? "(NULL)" : text;
}

void check_text(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    if (actual == NULL || expected == NULL ? actual != expected : strcmp(actual, expected) != 0) {
        fail(file, line, what);
        printf(" is \"%s\", not \"%s\"\n", shown(actual), shown(expected));
    }
}

void check_has(const char *text, const char *part, const char *what, const char *file, int line)
{
    if (text == NULL || strstr(text, part) == NULL) {
        fail(file, line, what);
        printf(" is \"%s\", and does not contain \"%s\"\n", shown(text), part);
    }
}

void check_has_not(const char *text, const char *part, const char *what, const char *file, int line)
{
    if (text != NULL && strstr(text, part) != NULL) {
        fail(file, line, what);
        printf(" is \"%s\", and contains \"%s\"\n", text, part);
    }
}

void check_status(umapi_status actual, umapi_status expected, umapi_error **error, const char *what, const char *file,
                  int line)
{
    if (actual != expected || (expected == UMAPI_OK && *error != NULL)) {
        fail(file, line, what);
        printf(" is %d, not %d: %s\n", (int)actual, (int)expected, shown(umapi_error_message(*error)));
    }
    umapi_error_free(*error);
    *error = NULL;
}

void check_fails(umapi_status actual, umapi_status expected, umapi_error *const *error, const char *what,
                 const char *file, int line)
{
    if (actual != expected || umapi_error_status(*error) != expected) {
        fail(file, line, what);
        printf(" is %d (its error says %d), not %d: %s\n", (int)actual, (int)umapi_error_status(*error), (int)expected,
               shown(umapi_error_message(*error)));
    }
}

void run(const char *name, void (*test)(void))
{
    int before = failures;
    running = name;
    control_only("POST", "/reset", NULL);
    test();
    printf("%s %s\n", failures == before ? "ok     " : "FAILED ", name);
    fflush(stdout);
}

int all_passed(void)
{
    return failures == 0 ? 0 : 1;
}

void end_child(void)
{
    fflush(stdout);
    execl("/bin/sh", "sh", "-c", all_passed() == 0 ? "exit 0" : "exit 1", (char *)NULL);
    _exit(2);
}

const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || *value == '\0') {
        fprintf(stderr, "%s is not set; run this test by `make test`\n", name);
        exit(2);
    }
    return value;
}

int slowness(void)
{
    const char *value = getenv("UMAPI_TEST_SLOWNESS");
    return value == NULL ? 1 : atoi(value);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int64_t ms)
{
    struct timespec time;
    time.tv_sec = ms / 1000;
    time.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&time, NULL);
}

char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    if (file == NULL || text == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    *length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    return text;
}

umapi_credentials *new_credentials(void)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_oauth(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                         &credentials, &error),
             error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    return credentials;
}

umapi_client_options *new_options(void)
{
    umapi_error *error = NULL;
    umapi_client_options *options = umapi_client_options_new();
    size_t length;
    char *pem = read_file(environment("UMAPI_CA_FILE"), &length);
    int32_t endpoint;
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_add_ca_pem(options, pem, length, &error), error);
    CHECK_OK(umapi_client_options_set_retry(options, 4, 1, 300000, &error), error);
    for (endpoint = UMAPI_ENDPOINT_USERS; endpoint <= UMAPI_ENDPOINT_ACTION; endpoint++) {
        CHECK_OK(umapi_client_options_set_rate_limit(options, endpoint, 0, 60000, &error), error);
    }
    free(pem);
    return options;
}

umapi_client *new_client_with(const umapi_client_options *options)
{
    umapi_error *error = NULL;
    umapi_client *client = NULL;
    umapi_credentials *credentials = new_credentials();
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    return client;
}

umapi_client *new_client(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

/* ---- The control API ---- */

static int dial(const char *url)
{
    struct sockaddr_in address;
    int port = 0, socket_number = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    sscanf(url, "http://127.0.0.1:%d", &port);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_number, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("the sandbox's control API");
        exit(2);
    }
    return socket_number;
}

static char *receive(int socket_number)
{
    size_t length = 0, size = 1 << 16;
    char *text = malloc(size);
    ssize_t got;
    while ((got = read(socket_number, text + length, size - length - 1)) > 0) {
        length += (size_t)got;
        if (size - length < 1 << 15) {
            text = realloc(text, size *= 2);
        }
    }
    text[length] = '\0';
    return text;
}

char *control(const char *method, const char *path, const char *body)
{
    int socket_number = dial(environment("UMAPI_SANDBOX_CONTROL"));
    size_t length = body == NULL ? 0 : strlen(body);
    char *request = malloc(length + 512), *answer, *start;
    int size = sprintf(request, "%s %s HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: %lu\r\n\r\n%s",
                       method, path, (unsigned long)length, body == NULL ? "" : body);
    if (write(socket_number, request, (size_t)size) != size) {
        perror("the sandbox's control API");
        exit(2);
    }
    free(request);
    answer = receive(socket_number);
    close(socket_number);
    start = strstr(answer, "\r\n\r\n");
    if (start == NULL || strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "the sandbox refuses %s %s: %s\n", method, path, start == NULL ? answer : start);
        exit(2);
    }
    memmove(answer, start + 4, strlen(start + 4) + 1);
    return answer;
}

void control_only(const char *method, const char *path, const char *body)
{
    free(control(method, path, body));
}

void add_fault(const char *rule)
{
    char *json = strdup(rule), *quote;
    for (quote = json; *quote != '\0'; quote++) {
        if (*quote == '\'') {
            *quote = '"';
        }
    }
    control_only("POST", "/faults", json);
    free(json);
}

/* The object that contains a text, in a JSON array of flat objects. */
static char *object_around(const char *json, const char *part, const char *begins_with)
{
    const char *place = strstr(json, part), *start = NULL, *next, *end;
    char *object;
    if (place == NULL) {
        return NULL;
    }
    for (next = strstr(json, begins_with); next != NULL && next <= place; next = strstr(next + 1, begins_with)) {
        start = next;
    }
    end = strchr(place, '}');
    if (start == NULL || end == NULL) {
        return NULL;
    }
    object = calloc(1, (size_t)(end - start) + 2);
    memcpy(object, start, (size_t)(end - start) + 1);
    return object;
}

static char *in_state(const char *key, const char *value, const char *begins_with)
{
    char *state = control("GET", "/state", NULL), *object;
    char part[512];
    snprintf(part, sizeof part, "\"%s\":\"%s\"", key, value);
    object = object_around(state, part, begins_with);
    free(state);
    return object;
}

char *user_in_state(const char *email)
{
    return in_state("email", email, "{\"id\":");
}

char *group_in_state(const char *name)
{
    return in_state("groupName", name, "{\"groupId\":");
}

long requests_to(const char *endpoint)
{
    char *counters = control("GET", "/counters", NULL);
    char *requests = strstr(counters, "\"requests\":");
    char *end = requests == NULL ? NULL : strchr(requests, '}');
    long number;
    if (end != NULL) {
        *end = '\0';
    }
    number = requests == NULL ? 0 : number_in(requests, endpoint);
    free(counters);
    return number < 0 ? 0 : number;
}

void wait_for_requests_to(const char *endpoint, long count)
{
    int64_t until = now_ms() + 10000 * slowness();
    while (requests_to(endpoint) < count && now_ms() < until) {
        sleep_ms(5);
    }
}

size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part)) {
        count++;
    }
    return count;
}

long number_in(const char *json, const char *key)
{
    char part[128];
    const char *place;
    snprintf(part, sizeof part, "\"%s\":", key);
    place = strstr(json, part);
    return place == NULL ? -1 : strtol(place + strlen(part), NULL, 10);
}

/* ---- Keys ---- */

const char *test_key(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", environment("UMAPI_TEST_KEYS"), name);
    return path;
}

void verify_assertions_with_pem(const char *pem)
{
    char body[1 << 14] = "{\"jwt_pem\":\"", *end = body + strlen(body);
    for (; *pem != '\0'; pem++) {
        if (*pem == '\n') {
            *end++ = '\\';
            *end++ = 'n';
        } else {
            *end++ = *pem;
        }
    }
    strcpy(end, "\"}");
    control_only("POST", "/settings", body);
}

void verify_assertions_with(const char *name)
{
    size_t length;
    char *pem = read_file(test_key(name), &length);
    verify_assertions_with_pem(pem);
    free(pem);
}

/* ---- Actions ---- */

umapi_action *user_action(const char *user)
{
    umapi_error *error = NULL;
    umapi_action *action = NULL;
    CHECK_OK(umapi_action_new_user(user, NULL, &action, &error), error);
    return action;
}

umapi_action *group_action(const char *group)
{
    umapi_error *error = NULL;
    umapi_action *action = NULL;
    CHECK_OK(umapi_action_new_group(group, &action, &error), error);
    return action;
}

umapi_results *execute_all(const umapi_client *client, umapi_action **actions, size_t count)
{
    umapi_error *error = NULL;
    umapi_results *results = NULL;
    size_t i;
    CHECK_OK(umapi_client_execute(client, NULL, (const umapi_action *const *)actions, count, &results, &error), error);
    for (i = 0; i < count; i++) {
        umapi_action_free(actions[i]);
    }
    return results;
}

umapi_results *execute(const umapi_client *client, umapi_action *action)
{
    return execute_all(client, &action, 1);
}

void execute_successfully(const umapi_client *client, umapi_action *action)
{
    umapi_results *results = execute(client, action);
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    CHECK_INT(umapi_outcome_kind(outcome), UMAPI_OUTCOME_SUCCEEDED);
    CHECK(umapi_outcome_error(outcome) == NULL);
    CHECK_TEXT(umapi_finding_message(umapi_outcome_finding(outcome, 0)), NULL);
    umapi_results_free(results);
}
