/*
 * What the C tests share: checks, a client of the sandbox that tests/support/with-sandbox.sh started, and the sandbox's
 * control API, by which they see what really happened.
 */

#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <umapi.h>

/* Each prints where it failed, and the program ends with status 1. */
#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) check_int((int64_t)(actual), (int64_t)(expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check_has((text), (part), #text, __FILE__, __LINE__)
#define CHECK_HAS_NOT(text, part) check_has_not((text), (part), #text, __FILE__, __LINE__)
/* Frees the error, and shows its words if the status is another. */
#define CHECK_OK(call, error) check_status((call), UMAPI_OK, &(error), #call, __FILE__, __LINE__)
/* Leaves the error to the caller, who looks at it and frees it. */
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
/* Ends a child of a fork with `all_passed()`. What only threads of the parent held is lost to it, which a checker of leaks
   must not take for a leak: so the child ends as another program. */
void end_child(void);

/* A variable of the environment that tests/support/with-sandbox.sh has set; ends the program if it is not there. */
const char *environment(const char *name);

/* How much slower things may be than promised: more than 1 under valgrind. */
int slowness(void);
int64_t now_ms(void);
void sleep_ms(int64_t ms);

/* For the sandbox: OAuth, its CA, no throttle, and retries after a millisecond. */
umapi_credentials *new_credentials(void);
umapi_client_options *new_options(void);
umapi_client *new_client(void);
umapi_client *new_client_with(const umapi_client_options *options);

/* The whole of a file; the caller frees it. */
char *read_file(const char *path, size_t *length);

/* The path of a file that tests/support/keys.sh has made; good until the next call. */
const char *test_key(const char *name);
/* Tells the sandbox which signatures to accept: those of the owner of this certificate or public key. */
void expect_signatures_of(const char *name);
void expect_signatures_of_pem(const char *pem);

/* The control API. The answer is the caller's to free. */
char *control(const char *method, const char *path, const char *body);
/* For calls whose answer is of no interest. */
void steer(const char *method, const char *path, const char *body);
/* Adds a fault rule; single quotes stand for double ones. */
void fault(const char *rule);

/* What the state holds of a user or group: its JSON object, or NULL. The caller frees it. */
char *user_in_state(const char *email);
char *group_in_state(const char *name);
/* How many requests the sandbox has received at an endpoint. */
long requests_to(const char *endpoint);
/* Waits, but not for ever, until there are so many. */
void wait_for_requests_to(const char *endpoint, long count);
size_t occurrences(const char *text, const char *part);
/* The number after "key": in a JSON text; -1 if it is not there. */
long number_in(const char *json, const char *key);

/* Executes one action, frees it, and gives the results, which the caller frees. */
umapi_results *execute(const umapi_client *client, umapi_action *action);
/* The same with several. */
umapi_results *execute_all(const umapi_client *client, umapi_action **actions, size_t count);
/* The same, checking that it succeeded. */
void execute_well(const umapi_client *client, umapi_action *action);
umapi_action *user_action(const char *user);
umapi_action *group_action(const char *group);

#endif
