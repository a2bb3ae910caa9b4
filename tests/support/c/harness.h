/*
 * The harness of the C tests: checks, a client of the sandbox that tests/support/with-sandbox.sh started, and the
 * sandbox's control API, by which tests see what really happened.
 */

#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <umapi.h>

/* A check that fails prints its place, and the program ends with status 1. */
#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) check_int((int64_t)(actual), (int64_t)(expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check_has((text), (part), #text, __FILE__, __LINE__)
#define CHECK_HAS_NOT(text, part) check_has_not((text), (part), #text, __FILE__, __LINE__)
/* Prints the error's message if the status is not UMAPI_OK, and frees the error. */
#define CHECK_OK(call, error) check_status((call), UMAPI_OK, &(error), #call, __FILE__, __LINE__)
/* Leaves the error to the caller, which reads and frees it. */
#define CHECK_FAILS(call, expected, error) check_fails((call), (expected), &(error), #call, __FILE__, __LINE__)

void check(int good, const char *what, const char *file, int line);
void check_int(int64_t actual, int64_t expected, const char *what, const char *file, int line);
void check_text(const char *actual, const char *expected, const char *what, const char *file, int line);
void check_has(const char *text, const char *part, const char *what, const char *file, int line);
void check_has_not(const char *text, const char *part, const char *what, const char *file, int line);
void check_status(umapi_status actual, umapi_status expected, umapi_error **error, const char *what, const char *file,
                  int line);
void check_fails(umapi_status actual, umapi_status expected, umapi_error *const *error, const char *what,
                 const char *file, int line);

/* Runs a test on a fresh sandbox. */
#define RUN(test) run(#test, test)
void run(const char *name, void (*test)(void));
int all_passed(void);
/* Ends a child of a fork with `all_passed()`. Memory that only threads of the parent referenced would be reported as a
   leak; therefore the child replaces itself by another program. */
void end_child(void);

/* A variable that tests/support/with-sandbox.sh has set; ends the program if it is not set. */
const char *environment(const char *name);

/* The factor by which time limits are extended: more than 1 under valgrind. */
int slowness(void);
int64_t now_ms(void);
void sleep_ms(int64_t ms);

/* Credentials, options and clients for the sandbox: OAuth, its CA, no rate limits, and retries after a millisecond. */
umapi_credentials *new_credentials(void);
umapi_client_options *new_options(void);
umapi_client *new_client(void);
umapi_client *new_client_with(const umapi_client_options *options);

/* The content of a file, which the caller frees. */
char *read_file(const char *path, size_t *length);

/* The path of a file that tests/support/keys.sh has generated; valid until the next call. */
const char *test_key(const char *name);
/* Makes the sandbox verify JWT assertions with this certificate or public key. */
void verify_assertions_with(const char *name);
void verify_assertions_with_pem(const char *pem);

/* Sends a request to the control API. The caller frees the answer. */
char *control(const char *method, const char *path, const char *body);
/* The same, and discards the answer. */
void control_only(const char *method, const char *path, const char *body);
/* Adds a fault rule, in which single quotes stand for double quotes. */
void add_fault(const char *rule);

/* The JSON object of a user or group in the sandbox's state, or NULL. The caller frees it. */
char *user_in_state(const char *email);
char *group_in_state(const char *name);
/* The number of requests that the sandbox has received at an endpoint. */
long requests_to(const char *endpoint);
/* Waits for a bounded time until the sandbox has received `count` requests at the endpoint. */
void wait_for_requests_to(const char *endpoint, long count);
size_t occurrences(const char *text, const char *part);
/* The number after "key": in a JSON text; -1 if the key does not occur. */
long number_in(const char *json, const char *key);

/* Executes one action, frees it, and returns the results, which the caller frees. */
umapi_results *execute(const umapi_client *client, umapi_action *action);
/* The same with several actions. */
umapi_results *execute_all(const umapi_client *client, umapi_action **actions, size_t count);
/* Executes one action, frees it, and checks that it succeeded. */
void execute_successfully(const umapi_client *client, umapi_action *action);
umapi_action *user_action(const char *user);
umapi_action *group_action(const char *group);

#endif
