/**
 * @file umapi.h
 *
 * libumapi: Adobe's User Management API (UMAPI) from any language that can call C.
 *
 * # Example
 *
 *     umapi_credentials *me = NULL;
 *     umapi_client *client = NULL;
 *     umapi_users *users = NULL;
 *     const umapi_user *user = NULL;
 *     if (umapi_credentials_new_oauth(client_id, client_secret, &me, NULL) == UMAPI_OK
 *         && umapi_client_new(org_id, me, NULL, &client, NULL) == UMAPI_OK
 *         && umapi_client_users(client, NULL, &users, NULL) == UMAPI_OK)
 *         while (umapi_users_next(users, NULL, &user, NULL) == UMAPI_OK && user != NULL)
 *             puts(umapi_user_id(user));
 *     umapi_users_free(users); umapi_client_free(client); umapi_credentials_free(me);
 *
 * # Results
 *
 * A function that can fail returns a `umapi_status`: `UMAPI_OK` (0) or the kind of failure. Its last parameter,
 * `umapi_error **error`, receives the details of a failure, for you to free; pass NULL if you do not need them. It is
 * NULL after success. There is no hidden "last error" of a thread: the error object is the only one.
 *
 * Outputs are set to NULL when a function begins and written only when it succeeds.
 *
 * # Ownership
 *
 * - `T **out`: you own what you receive, and free it with the `_free` function of its type. Each accepts NULL, never
 *   fails and never waits.
 * - A returned `const T *` or `const char *`, and a `const T **out`: borrowed. It lives as long as its parent, which the
 *   function's comment names.
 * - The library never takes ownership of an argument. Strings, options and credentials are copied; a client keeps what it
 *   needs of them, and a listing or a queue keeps what it needs of its client. You can free in any order.
 *
 * # Text
 *
 * All text is UTF-8. Inputs are NUL-terminated, except PEM and JSON, which come with their length. Outputs are
 * NUL-terminated; umapi_user_text and umapi_group_text also give the length. Text that is not UTF-8 is refused.
 *
 * # Threads
 *
 * A client never changes, except for its credentials (umapi_client_set_credentials), and any number of threads may use it
 * at once. Credentials, options, queries, calls and actions may be used by one thread at a time. A listing or a queue
 * accepts one call at a time: another call meanwhile returns `UMAPI_STATUS_INVALID_ARGUMENT`, and a `_free` meanwhile takes
 * effect when the call has finished. Results, pages, users, groups and errors may be read and freed on any thread.
 *
 * Each client has one driver thread, from its first call until its last handle is freed, which runs the sockets and timers;
 * further threads look up names and run token callbacks. All of them block all signals, so that signal handlers run only on
 * your threads and a connection that the service has closed never ends your program by SIGPIPE. The library does not change
 * the signal mask of your threads or the handling of signals. Your code never runs on the driver thread.
 *
 * After a fork, functions with a client that was made before it, or with its listings and queues, return
 * `UMAPI_STATUS_FORK` in the child. Every handle made before the fork can be freed in the child, and a new client works. Do
 * not use the parent's handles in the child otherwise. A call whose callback forks returns `UMAPI_STATUS_FORK` in the child.
 *
 * # Waiting
 *
 * Every function that takes a `const umapi_call *` can wait: for a connection, the token, an answer, the service's
 * throttle, another attempt. The call's timeout and its cancel handle end each of these waits at once. A progress
 * callback reports each wait. Without a call (NULL) there is no limit on the whole, but each attempt and each wait has one.
 * No call waits for what another call does with its results or in its callbacks.
 *
 * # Callbacks
 *
 * Each takes your `void *user_data` and an optional function `destroy`, which the library calls once when it does not need
 * `user_data` any more.
 *
 * - Progress and log callbacks run on the threads that make calls, while they wait in the call; a token callback runs on its
 *   own thread; `destroy` runs on a thread that calls the library or on the thread of a token callback.
 * - A callback that blocks, or that waits for a lock, delays only the call that it belongs to. The deadline and the cancel
 *   handle of that call take effect when the callback returns.
 * - Within a callback you may call accessors, `_free` of any handle, umapi_cancel_trigger, and the functions that build
 *   actions, options and the like. A function that can wait, with any client, and any function with the listing or the queue
 *   whose call is running, return `UMAPI_STATUS_INVALID_ARGUMENT`.
 * - A callback must return: no exception and no longjmp may leave it.
 *
 * # Compatibility
 *
 * Under one soname, functions and constants are added, and never changed or removed. Handles are opaque; enumerations are
 * `int32_t` with fixed values, and later versions may return values that this header does not name.
 */


#ifndef UMAPI_H
#define UMAPI_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; umapi_version() returns the version of the library that was loaded. */
#define UMAPI_VERSION "0.1.0"
#define UMAPI_VERSION_MAJOR 0
#define UMAPI_VERSION_MINOR 1
#define UMAPI_VERSION_PATCH 0

/**
 * The version of the binary interface that this header describes. It is the number in the soname, `libumapi.so.1`.
 * Under one number functions are added, and never changed.
 *
 * @since 0.1.0
 */
#define UMAPI_ABI_VERSION 1

/**
 * A request is about to be sent: see umapi_progress_attempt and umapi_progress_endpoint.
 */
#define UMAPI_PROGRESS_ATTEMPT 1

/**
 * A wait begins: see umapi_progress_wait_reason, umapi_progress_wait_ms and umapi_progress_endpoint.
 */
#define UMAPI_PROGRESS_WAIT 2

/**
 * A page was read: see umapi_progress_done (items so far) and umapi_progress_total.
 */
#define UMAPI_PROGRESS_PAGE 3

/**
 * Actions have their outcome: see umapi_progress_done and umapi_progress_total.
 */
#define UMAPI_PROGRESS_ACTIONS 4

/**
 * The delay before another attempt, after a failure that may be temporary.
 */
#define UMAPI_WAIT_BACK_OFF 1

/**
 * The service asked for a pause.
 */
#define UMAPI_WAIT_THROTTLED 2

/**
 * The documented rate limit has been reached.
 */
#define UMAPI_WAIT_PACE 3

/**
 * Another call of this client is requesting the token.
 */
#define UMAPI_WAIT_TOKEN 4

/**
 * Listings of users. The service applies its rate limits to such classes of endpoints.
 */
#define UMAPI_ENDPOINT_USERS 1

/**
 * One user.
 */
#define UMAPI_ENDPOINT_USER 2

/**
 * Listings of groups.
 */
#define UMAPI_ENDPOINT_GROUPS 3

/**
 * The deprecated listing of user groups.
 */
#define UMAPI_ENDPOINT_USER_GROUPS 4

/**
 * Actions.
 */
#define UMAPI_ENDPOINT_ACTION 5

/**
 * The token endpoint.
 */
#define UMAPI_ENDPOINT_TOKEN 6

/**
 * The service's status page.
 */
#define UMAPI_ENDPOINT_STATUS 7

/**
 * Log lines about failures that are final.
 */
#define UMAPI_LOG_ERROR 1

/**
 * Also about failures after which the request is tried again.
 */
#define UMAPI_LOG_WARN 2

/**
 * Also about rare events, such as a new token.
 */
#define UMAPI_LOG_INFO 3

/**
 * Also about every request and answer.
 */
#define UMAPI_LOG_DEBUG 4

/**
 * An account without a type, or of a type that this version does not know.
 */
#define UMAPI_IDENTITY_UNKNOWN 0

/**
 * An Adobe ID: an account that the person has made and owns.
 */
#define UMAPI_IDENTITY_ADOBE 1

/**
 * An Enterprise ID: an account that the organisation owns and Adobe authenticates.
 */
#define UMAPI_IDENTITY_ENTERPRISE 2

/**
 * A Federated ID: an account that the organisation owns and authenticates.
 */
#define UMAPI_IDENTITY_FEDERATED 3

/**
 * See umapi_user_id.
 */
#define UMAPI_USER_ID 1

/**
 * See umapi_user_email.
 */
#define UMAPI_USER_EMAIL 2

/**
 * See umapi_user_status.
 */
#define UMAPI_USER_STATUS 3

/**
 * See umapi_user_username.
 */
#define UMAPI_USER_USERNAME 4

/**
 * See umapi_user_domain.
 */
#define UMAPI_USER_DOMAIN 5

/**
 * See umapi_user_firstname.
 */
#define UMAPI_USER_FIRSTNAME 6

/**
 * See umapi_user_lastname.
 */
#define UMAPI_USER_LASTNAME 7

/**
 * See umapi_user_country.
 */
#define UMAPI_USER_COUNTRY 8

/**
 * See umapi_user_type.
 */
#define UMAPI_USER_TYPE 9

/**
 * See umapi_user_json.
 */
#define UMAPI_USER_JSON 10

/**
 * See umapi_group_name.
 */
#define UMAPI_GROUP_NAME 1

/**
 * See umapi_group_type.
 */
#define UMAPI_GROUP_TYPE 2

/**
 * See umapi_group_admin_group_name.
 */
#define UMAPI_GROUP_ADMIN_GROUP_NAME 3

/**
 * See umapi_group_product_name.
 */
#define UMAPI_GROUP_PRODUCT_NAME 4

/**
 * See umapi_group_license_quota.
 */
#define UMAPI_GROUP_LICENSE_QUOTA 5

/**
 * See umapi_group_user_group_name.
 */
#define UMAPI_GROUP_USER_GROUP_NAME 6

/**
 * See umapi_group_product_profile_name.
 */
#define UMAPI_GROUP_PRODUCT_PROFILE_NAME 7

/**
 * See umapi_group_profile_group_name.
 */
#define UMAPI_GROUP_PROFILE_GROUP_NAME 8

/**
 * See umapi_group_json.
 */
#define UMAPI_GROUP_JSON 9

/**
 * Members of a product profile whose access is active.
 */
#define UMAPI_MEMBER_ACTIVE 1

/**
 * Members of a product profile whose access is not active.
 */
#define UMAPI_MEMBER_INACTIVE 2

/**
 * Leave an existing user or group as it is, and go on.
 */
#define UMAPI_ON_CONFLICT_IGNORE 1

/**
 * Overwrite what may be overwritten of an existing user or group, and go on.
 */
#define UMAPI_ON_CONFLICT_UPDATE 2

/**
 * Fail if the user or group exists. Such a create is never sent twice: if its answer is lost it ends as unknown.
 */
#define UMAPI_ON_CONFLICT_ERROR 3

/**
 * Every command was applied or, in test mode, would have been applied.
 */
#define UMAPI_OUTCOME_SUCCEEDED 1

/**
 * The service refused a command or the whole request, or the action could not be finished: see the findings and the
 * error. The commands before that one (umapi_outcome_applied) were applied.
 */
#define UMAPI_OUTCOME_FAILED 2

/**
 * No command of the action was applied; see the error for the reason. It can be executed again.
 */
#define UMAPI_OUTCOME_NOT_SENT 3

/**
 * The action was sent, but the answer was lost or contradicts itself: see the error. The action may or may not have
 * been applied, so check that before you repeat it.
 */
#define UMAPI_OUTCOME_UNKNOWN 4

/**
 * The service refused the command.
 */
#define UMAPI_SEVERITY_ERROR 1

/**
 * The service applied the command and adds a remark; or it refused the command when the library sent it again after a
 * lost answer, and its refusal ("already a member") shows that the command had been applied.
 */
#define UMAPI_SEVERITY_WARNING 2

/**
 * The options, the certificates to trust and the proxy from the environment.
 */
#define UMAPI_CHECK_CONFIGURATION 1

/**
 * The lookup of the address of a host, or of the proxy before it.
 */
#define UMAPI_CHECK_NAME 2

/**
 * A connection to that address.
 */
#define UMAPI_CHECK_CONNECT 3

/**
 * The connection through the proxy, if there is one.
 */
#define UMAPI_CHECK_PROXY 4

/**
 * The TLS handshake with the host, and an answer in HTTP.
 */
#define UMAPI_CHECK_TLS 5

/**
 * An access token from the token host or the token callback.
 */
#define UMAPI_CHECK_TOKEN 6

/**
 * A call of the API that only reads.
 */
#define UMAPI_CHECK_CALL 7

/**
 * The step succeeded.
 */
#define UMAPI_CHECK_PASSED 1

/**
 * The step failed; see umapi_check_step_remedy.
 */
#define UMAPI_CHECK_FAILED 2

/**
 * The step was not tried, because a step that it depends on failed.
 */
#define UMAPI_CHECK_SKIPPED 3

/**
 * What to do to one user or one user group: a target and its commands, in order. Built once, executed any number of
 * times. One thread at a time while it is built; read by any number of threads after that. A command that is refused
 * leaves the action as it was.
 *
 * @since 0.1.0
 */
typedef struct umapi_action umapi_action;

/**
 * The options of a call: deadline, cancel handle, request id, progress callback. Every function that can wait takes
 * such options, or NULL for a call without a time limit. A call reads them when it begins, so the same options can
 * serve any number of calls, from any threads, as long as no thread changes them. Only one thread at a time may set
 * them up.
 *
 * @since 0.1.0
 */
typedef struct umapi_call umapi_call;

/**
 * A handle that ends calls from another thread. One handle can serve any number of calls, at the same time or one after
 * another. It can be passed to every function on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_cancel umapi_cancel;

/**
 * The result of a self-check (umapi_client_check): the steps in the order in which they were tried. The configuration
 * comes first; then name, connection, proxy and TLS of the token host, and a token; then the same of the service's
 * host, and a call. It never contains a secret. Every accessor accepts NULL. It can be read and freed on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_check umapi_check;

/**
 * One step of a self-check. Borrowed from the check, and valid until the check is freed.
 *
 * @since 0.1.0
 */
typedef struct umapi_check_step umapi_check_step;

/**
 * A client of one organisation at the service. Except for its credentials (umapi_client_set_credentials) it does not
 * change after it is made, and any number of threads may use it at the same time. In a child process after a fork
 * every call answers `UMAPI_STATUS_FORK`.
 *
 * @since 0.1.0
 */
typedef struct umapi_client umapi_client;

/**
 * How a client behaves. Copied into each client made with it, and may be freed after that. One thread at a time.
 *
 * @since 0.1.0
 */
typedef struct umapi_client_options umapi_client_options;

/**
 * The credentials by which the program authenticates to Adobe. Each client made with them has a copy, so they may be
 * freed after that. Only one thread at a time may set them up.
 *
 * @since 0.1.0
 */
typedef struct umapi_credentials umapi_credentials;

/**
 * The details of a failure. The caller owns an error that it receives through an `umapi_error **`, and borrows one
 * that an accessor returns. Every accessor accepts NULL and then answers as for "no error". It can be read and freed
 * on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_error umapi_error;

/**
 * An error or warning of the service about one command. Borrowed from its outcome. Every accessor accepts NULL.
 *
 * @since 0.1.0
 */
typedef struct umapi_finding umapi_finding;

/**
 * A group, as the service describes it: a user group, a product profile or an admin group. Every accessor accepts NULL
 * and then answers as for an absent field. It can be read on any thread. A `const umapi_group *` is borrowed; the
 * caller owns a `umapi_group *`, and frees it with umapi_group_free.
 *
 * @since 0.1.0
 */
typedef struct umapi_group umapi_group;

/**
 * A page of a listing of groups. The caller owns it. It can be read and freed on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_group_page umapi_group_page;

/**
 * A listing of groups, read group by group or page by page. The next pages are fetched ahead, in order, also while no
 * call is in progress. Only one call at a time may use it: during a call, another call with the same listing answers
 * `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call. Only its figures can be read at any
 * time.
 *
 * @since 0.1.0
 */
typedef struct umapi_groups umapi_groups;

/**
 * A new RSA private key and its certificate, which the Adobe Developer Console requires for a Service Account (JWT,
 * legacy). It can be read on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_key_pair umapi_key_pair;

/**
 * The options of a new key pair: the subject of its certificate, how long the certificate is valid, and the length of
 * the key. Only one thread at a time may use them.
 *
 * @since 0.1.0
 */
typedef struct umapi_key_pair_options umapi_key_pair_options;

/**
 * The outcome of one action. Borrowed from its results. Every accessor accepts NULL.
 *
 * @since 0.1.0
 */
typedef struct umapi_outcome umapi_outcome;

/**
 * A report on the progress of a call. A progress callback borrows it while it runs.
 *
 * @since 0.1.0
 */
typedef struct umapi_progress umapi_progress;

/**
 * A queue that collects actions until a request is full. Only one call at a time may use it: during a call, another
 * call with the same queue answers `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call.
 * However, other threads may take results and ask for the number of pending actions at any time.
 *
 * @since 0.1.0
 */
typedef struct umapi_queue umapi_queue;

/**
 * The outcomes of actions. All that its accessors return is borrowed from it. It can be read and freed on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_results umapi_results;

/**
 * The status of the service, as the service reports it. Every accessor accepts NULL. It can be read and freed on any
 * thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_service umapi_service;

/**
 * The answer of a token callback. The callback borrows it while it runs.
 *
 * @since 0.1.0
 */
typedef struct umapi_token_answer umapi_token_answer;

/**
 * A user, as the service describes it. Every accessor accepts NULL and then answers as for an absent field. It can be
 * read on any thread. A `const umapi_user *` is borrowed; the caller owns a `umapi_user *`, and frees it with
 * umapi_user_free.
 *
 * @since 0.1.0
 */
typedef struct umapi_user umapi_user;

/**
 * A page of a listing of users. The caller owns it. It can be read and freed on any thread.
 *
 * @since 0.1.0
 */
typedef struct umapi_user_page umapi_user_page;

/**
 * A query that selects the users of a listing. Each listing has a copy of it. Only one thread at a time may use it.
 *
 * @since 0.1.0
 */
typedef struct umapi_user_query umapi_user_query;

/**
 * A listing of users, read user by user or page by page. The next pages are fetched ahead, in order, also while no call
 * is in progress. Only one call at a time may use it: during a call, another call with the same listing answers
 * `UMAPI_STATUS_INVALID_ARGUMENT`, on other threads and in a callback of the call. Only its figures can be read at any
 * time.
 *
 * @since 0.1.0
 */
typedef struct umapi_users umapi_users;

/**
 * The result of a function that can fail: `UMAPI_OK` or the kind of failure. The numbers never change. Later versions
 * may add numbers, so treat one that you do not know as `UMAPI_STATUS_INTERNAL`.
 *
 * @since 0.1.0
 */
typedef int32_t umapi_status;

/**
 * A callback that provides an access token, from a vault for example. It runs on a thread of the library whenever a
 * token is needed, may block, and answers with umapi_token_answer_set or umapi_token_answer_fail. A call that is
 * cancelled meanwhile does not wait for it; `user_data` stays valid until it returns. See "Callbacks" in the first
 * chapter for the functions that it may call. The library must not be unloaded before it has returned.
 *
 * @since 0.1.0
 */
typedef void (*umapi_token_fn)(umapi_token_answer *answer, void *user_data);

/**
 * A callback that is called once with the `user_data` of another callback, when the library no longer uses it. May be
 * NULL. It runs on a thread that calls the library, or on the thread of a token callback. See "Callbacks" in the first
 * chapter for the functions that it may call.
 *
 * @since 0.1.0
 */
typedef void (*umapi_destroy_fn)(void *user_data);

/**
 * A callback that receives the progress of a call. It runs on the thread that made the call and delays only that call,
 * which does not return before it; `progress` is valid until the callback returns. See "Callbacks" in the first chapter
 * for the functions that it may call.
 *
 * @since 0.1.0
 */
typedef void (*umapi_progress_fn)(const umapi_progress *progress, void *user_data);

/**
 * Receives a log line: one of `UMAPI_LOG_*` and a text that is valid until it returns. Lines never hold a secret.
 *
 * It runs on the thread whose call the line is about, before that call returns. A line about work beside the calls, such as
 * a page that is fetched ahead or the renewal of a token, is given to a thread whose call of the same client is under way,
 * or to the next such call; of lines that wait for a call, the newest 1,000 are kept. See "Callbacks" in the first chapter for
 * what it may call.
 *
 * @since 0.1.0
 */
typedef void (*umapi_log_fn)(int32_t level, const char *message, void *user_data);

/**
 * Success.
 */
#define UMAPI_OK 0

/**
 * An argument is not valid; the message names it. Nothing was sent and nothing has changed.
 */
#define UMAPI_STATUS_INVALID_ARGUMENT 1

/**
 * The call was cancelled by `umapi_cancel_trigger`.
 */
#define UMAPI_STATUS_CANCELLED 2

/**
 * The time of the call (`umapi_call_set_timeout_ms`) ran out.
 */
#define UMAPI_STATUS_DEADLINE 3

/**
 * The service requires a longer wait than the call allows; umapi_error_retry_after_ms returns its length.
 */
#define UMAPI_STATUS_THROTTLED 4

/**
 * The connection failed: the name was not found, the host refused or was not reached, or the connection broke. If no
 * connection was established at all, retries end after some seconds.
 */
#define UMAPI_STATUS_CONNECT 5

/**
 * The TLS handshake failed or the certificate is not trusted. Not retried.
 */
#define UMAPI_STATUS_TLS 6

/**
 * The proxy refused the connection or could not be used. Not retried.
 */
#define UMAPI_STATUS_PROXY 7

/**
 * The connection was established, but no complete answer came within the time of one attempt.
 */
#define UMAPI_STATUS_TIMEOUT 8

/**
 * The credentials or the token were refused.
 */
#define UMAPI_STATUS_AUTH 9

/**
 * The credentials are valid but do not permit this.
 */
#define UMAPI_STATUS_FORBIDDEN 10

/**
 * The service does not know the group or the organisation. For a host that does not know the service's paths the
 * status is `UMAPI_STATUS_PROTOCOL`.
 */
#define UMAPI_STATUS_NOT_FOUND 11

/**
 * The service refused the request as wrong, or a system between, such as a firewall, refused this one request; the
 * message says which.
 */
#define UMAPI_STATUS_REJECTED 12

/**
 * The service, or a gateway in front of it, failed.
 */
#define UMAPI_STATUS_SERVER 13

/**
 * The answer could not be understood.
 */
#define UMAPI_STATUS_PROTOCOL 14

/**
 * A client that was made before a fork was used in the child. Make a new client in the child.
 */
#define UMAPI_STATUS_FORK 15

/**
 * A defect of the library: a panic was caught. The handle that was used may be freed, but not used otherwise.
 */
#define UMAPI_STATUS_PANIC 16

/**
 * A defect of the library, or a shortage in the operating system, such as of descriptors or memory; in that case the
 * message contains the system's error.
 */
#define UMAPI_STATUS_INTERNAL 17

/**
 * The service used the wrong mode: by its own count it applied actions that were sent in test mode, or only tested
 * actions that were to be applied. The outcome of these actions is unknown, and the rest of the run is not sent. Check
 * what has changed before you send anything else.
 */
#define UMAPI_STATUS_WRONG_MODE 18

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that was loaded, such as "0.1.0". Static; never NULL.
 *
 * @since 0.1.0
 */
const char *umapi_version(void);

/**
 * The `UMAPI_ABI_VERSION` of the library that was loaded. A program that loads the library at run time compares it
 * with the version that the program was written for.
 *
 * @since 0.1.0
 */
uint32_t umapi_abi_version(void);

/**
 * Frees an error that the caller owns. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_error_free(umapi_error *error);

/**
 * The kind of failure, as the function returned it; `UMAPI_OK` for NULL.
 *
 * @since 0.1.0
 */
umapi_status umapi_error_status(const umapi_error *error);

/**
 * One sentence for people: what went wrong, in the wording of the service or system that refused, and what to do if
 * that is known. It never contains a secret. Borrowed from the error; "no error" for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_error_message(const umapi_error *error);

/**
 * The status of the last HTTP answer; 0 if there was none.
 *
 * @since 0.1.0
 */
int32_t umapi_error_http_status(const umapi_error *error);

/**
 * The service's own error code, unchanged, such as "error.group.not_found". Borrowed from the error; NULL if the
 * service sent none.
 *
 * @since 0.1.0
 */
const char *umapi_error_code(const umapi_error *error);

/**
 * The `X-Request-Id` of the last attempt, by which Adobe's support can find it. Borrowed from the error; NULL if
 * nothing was sent.
 *
 * @since 0.1.0
 */
const char *umapi_error_request_id(const umapi_error *error);

/**
 * The time in milliseconds after which the service accepts requests again; -1 if it did not say.
 *
 * @since 0.1.0
 */
int64_t umapi_error_retry_after_ms(const umapi_error *error);

/**
 * The number of attempts at the request.
 *
 * @since 0.1.0
 */
int32_t umapi_error_attempts(const umapi_error *error);

/**
 * Method and path of the call that failed, without its query. Borrowed from the error; NULL if there was no call.
 *
 * @since 0.1.0
 */
const char *umapi_error_endpoint(const umapi_error *error);

/**
 * 1 if the same call may succeed later although the caller changes nothing; otherwise 0.
 *
 * @since 0.1.0
 */
int32_t umapi_error_is_retryable(const umapi_error *error);

/**
 * Makes credentials of the kind OAuth Server-to-Server, the standard, from the Adobe Developer Console.
 *
 * @param client_id      the client id ("API key").
 * @param client_secret  the client secret; copied; the copy is zeroed when it is no longer needed.
 * @param credentials    receives the credentials; free with umapi_credentials_free.
 * @param error          receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_credentials_new_oauth(const char *client_id,
                                         const char *client_secret,
                                         umapi_credentials **credentials,
                                         umapi_error **error);

/**
 * Makes credentials of the kind Service Account (JWT), which are legacy: Adobe has created none since mid-2024, their
 * certificates cannot be renewed since 30 June 2025, and the remaining ones become OAuth Server-to-Server credentials
 * when their certificate expires, or on 1 March 2026.
 *
 * @param client_id       the client id ("API key").
 * @param client_secret   the client secret; copied; the copy is zeroed when it is no longer needed.
 * @param tech_acct_id    the technical account id, such as "…@techacct.adobe.com".
 * @param private_key     an RSA private key in PEM, PKCS#1 or PKCS#8, not encrypted; for an
 *                        encrypted one see umapi_credentials_new_jwt_with_passphrase.
 * @param private_key_length  its length in bytes.
 * @param credentials     receives the credentials; free with umapi_credentials_free.
 * @param error           receives the error; may be NULL. A key that cannot sign fails here.
 * @since 0.1.0
 */
umapi_status umapi_credentials_new_jwt(const char *client_id,
                                       const char *client_secret,
                                       const char *tech_acct_id,
                                       const char *private_key,
                                       size_t private_key_length,
                                       umapi_credentials **credentials,
                                       umapi_error **error);

/**
 * Makes credentials as umapi_credentials_new_jwt does, from a private key that may be encrypted.
 *
 * Every form of RSA key that OpenSSL writes is read: PKCS#1 (`RSA PRIVATE KEY`), PKCS#8 (`PRIVATE KEY`), encrypted
 * PKCS#8 (`ENCRYPTED PRIVATE KEY`) with PBES2 (AES or 3DES; PBKDF2 or scrypt) and with PBES1 or the schemes of PKCS#12
 * (DES, 3DES or RC2; not RC4 and not MD2), and the old form with the headers `Proc-Type` and `DEK-Info` (AES, 3DES or
 * DES) under either label. Line ends, a byte order mark, and text and certificates before and after the key are
 * ignored. The key must have 2048 to 8192 bits. A key that requires more than 10,000,000 iterations to be decrypted is
 * refused.
 *
 * @param client_id       the client id ("API key").
 * @param client_secret   the client secret; copied; the copy is zeroed when it is no longer needed.
 * @param tech_acct_id    the technical account id, such as "…@techacct.adobe.com".
 * @param private_key     an RSA private key in PEM. As variables of the environment often hold it, it may have `\n`, spaces
 *                        or nothing in place of its line ends, be in quotes, or be base64 of the whole.
 * @param private_key_length  its length in bytes.
 * @param passphrase      decrypts the key, in UTF-8; ignored if the key is not encrypted; NULL for none. It is not kept.
 * @param credentials     receives the credentials; free with umapi_credentials_free.
 * @param error           receives the error; may be NULL. Its message begins with `private_key` or `passphrase`. If the
 *                        input is not an RSA private key, it says what the input is. It shows no part of the key.
 * @since 0.1.0
 */
umapi_status umapi_credentials_new_jwt_with_passphrase(const char *client_id,
                                                       const char *client_secret,
                                                       const char *tech_acct_id,
                                                       const char *private_key,
                                                       size_t private_key_length,
                                                       const char *passphrase,
                                                       umapi_credentials **credentials,
                                                       umapi_error **error);

/**
 * Makes credentials as umapi_credentials_new_jwt_with_passphrase does, with the private key in a file.
 *
 * @param client_id         the client id ("API key").
 * @param client_secret     the client secret; copied; the copy is zeroed when it is no longer needed.
 * @param tech_acct_id      the technical account id, such as "…@techacct.adobe.com".
 * @param private_key_path  a file with an RSA private key in PEM, in any form that
 *                          umapi_credentials_new_jwt_with_passphrase accepts; at most 1 MiB. The file is read once, now.
 * @param passphrase        decrypts the key, in UTF-8; ignored if the key is not encrypted; NULL for none. It is not kept.
 * @param credentials       receives the credentials; free with umapi_credentials_free.
 * @param error             receives the error; may be NULL. Its message begins with `private_key_path` and the path,
 *                          or with `passphrase`.
 * @since 0.1.0
 */
umapi_status umapi_credentials_new_jwt_from_file(const char *client_id,
                                                 const char *client_secret,
                                                 const char *tech_acct_id,
                                                 const char *private_key_path,
                                                 const char *passphrase,
                                                 umapi_credentials **credentials,
                                                 umapi_error **error);

/**
 * Makes credentials for a program that obtains its access tokens by itself.
 *
 * @param client_id    the client id ("API key"), which is sent with every request.
 * @param fetch        called whenever a token is needed.
 * @param user_data    passed to `fetch`.
 * @param destroy      called with `user_data` when the credentials and the last client with them no longer exist; may be
 *                     NULL. Not called if this function fails.
 * @param credentials  receives the credentials; free with umapi_credentials_free.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_credentials_new_callback(const char *client_id,
                                            umapi_token_fn fetch,
                                            void *user_data,
                                            umapi_destroy_fn destroy,
                                            umapi_credentials **credentials,
                                            umapi_error **error);

/**
 * Sets the answer of a token callback to a token.
 *
 * @param answer       the parameter of the callback.
 * @param token        the access token; copied; the copy is zeroed when it is no longer needed.
 * @param lifetime_ms  how long the token is valid from now on, in milliseconds; the callback is called again before that.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_token_answer_set(umapi_token_answer *answer,
                                    const char *token,
                                    int64_t lifetime_ms,
                                    umapi_error **error);

/**
 * Sets the answer of a token callback to a failure; the call that needs the token fails with `UMAPI_STATUS_AUTH`.
 *
 * @param answer   the parameter of the callback.
 * @param message  the reason why there is no token, for the error's message; copied.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_token_answer_fail(umapi_token_answer *answer,
                                     const char *message,
                                     umapi_error **error);

/**
 * Sets the host of the token endpoint, in place of `ims-na1.adobelogin.com`.
 *
 * @param credentials  the credentials.
 * @param host         `host` or `host:port`; it may begin with `https://`, and on loopback with `http://`.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_credentials_set_auth_host(umapi_credentials *credentials,
                                             const char *host,
                                             umapi_error **error);

/**
 * Sets the path of the token endpoint, in place of `/ims/token/v2` (OAuth) or `/ims/exchange/jwt/` (JWT).
 *
 * @param credentials  the credentials.
 * @param path         begins with `/`; no query.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_credentials_set_auth_path(umapi_credentials *credentials,
                                             const char *path,
                                             umapi_error **error);

/**
 * Frees credentials. Clients made with them are not affected. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_credentials_free(umapi_credentials *credentials);

/**
 * Makes options with the defaults: a key of 2048 bits, a certificate that is valid for ten years, and only the common
 * name in its subject. Free with umapi_key_pair_options_free. NULL only if there is no memory.
 *
 * @since 0.1.0
 */
umapi_key_pair_options *umapi_key_pair_options_new(void);

/**
 * Sets the country in the certificate's subject (`C`).
 *
 * @param options  the options.
 * @param country  two capital letters of ISO 3166-1, such as "DE"; copied.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_country(umapi_key_pair_options *options,
                                                const char *country,
                                                umapi_error **error);

/**
 * Sets the state or province in the certificate's subject (`ST`).
 *
 * @param options  the options.
 * @param state    1 to 128 characters; copied.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_state(umapi_key_pair_options *options,
                                              const char *state,
                                              umapi_error **error);

/**
 * Sets the locality in the certificate's subject (`L`).
 *
 * @param options   the options.
 * @param locality  1 to 128 characters; copied.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_locality(umapi_key_pair_options *options,
                                                 const char *locality,
                                                 umapi_error **error);

/**
 * Sets the organisation in the certificate's subject (`O`).
 *
 * @param options       the options.
 * @param organization  1 to 64 characters; copied.
 * @param error         receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_organization(umapi_key_pair_options *options,
                                                     const char *organization,
                                                     umapi_error **error);

/**
 * Sets the email address in the certificate's subject (`emailAddress`).
 *
 * @param options  the options.
 * @param email    1 to 128 ASCII characters; copied.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_email(umapi_key_pair_options *options,
                                              const char *email,
                                              umapi_error **error);

/**
 * Sets the length of the RSA key.
 *
 * @param options  the options.
 * @param bits     2048 (the default), 3072 or 4096. Generating a key of 4096 bits can take seconds.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_bits(umapi_key_pair_options *options,
                                             int32_t bits,
                                             umapi_error **error);

/**
 * Sets the time at which the certificate expires.
 *
 * @param options    the options.
 * @param not_after  seconds since 1970, UTC (a `time_t`), in the future and not after the year 9999; the default is ten
 *                   years after the pair is made.
 * @param error      receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_options_set_not_after(umapi_key_pair_options *options,
                                                  int64_t not_after,
                                                  umapi_error **error);

/**
 * Frees options. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_key_pair_options_free(umapi_key_pair_options *options);

/**
 * Generates an RSA private key and a self-signed X.509 certificate for it (version 3, sha256WithRSAEncryption), valid
 * from yesterday on. It takes from a tenth of a second to some seconds, and does not use the network.
 *
 * @param common_name  the common name in the certificate's subject (`CN`), such as the name of your program; 1 to 64
 *                     characters.
 * @param options      the rest of the subject, the length of the key, the expiry of the certificate; NULL for the defaults.
 * @param pair         receives the pair; free with umapi_key_pair_free.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_new(const char *common_name,
                                const umapi_key_pair_options *options,
                                umapi_key_pair **pair,
                                umapi_error **error);

/**
 * The private key in PEM (PKCS#8, not encrypted), which must be kept secret. Borrowed from the pair, and zeroed when
 * the pair is freed. NULL for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_key_pair_private_key(const umapi_key_pair *pair);

/**
 * The certificate in PEM, for upload to the Developer Console. Borrowed from the pair; NULL for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_key_pair_certificate(const umapi_key_pair *pair);

/**
 * Writes the private key and the certificate to files, both or neither: after an error the files are as they were. At
 * no time can any user but the owner read the file of the key (mode 0600).
 *
 * @param pair              the pair.
 * @param private_key_path  the path of the file for the private key.
 * @param certificate_path  the path of the file for the certificate.
 * @param replace           1 to replace files that exist; 0 to fail if one exists.
 * @param error             receives the error; may be NULL. Its message names the path.
 * @since 0.1.0
 */
umapi_status umapi_key_pair_save(const umapi_key_pair *pair,
                                 const char *private_key_path,
                                 const char *certificate_path,
                                 int32_t replace,
                                 umapi_error **error);

/**
 * Frees a pair, and zeroes its private key. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_key_pair_free(umapi_key_pair *pair);

/**
 * The kind of the report: one of `UMAPI_PROGRESS_*`; 0 for NULL. Later versions may add kinds: ignore those that you
 * do not know.
 *
 * @since 0.1.0
 */
int32_t umapi_progress_kind(const umapi_progress *progress);

/**
 * The endpoint of the request that is sent or waited for: one of `UMAPI_ENDPOINT_*`; 0 where it does not apply.
 *
 * @since 0.1.0
 */
int32_t umapi_progress_endpoint(const umapi_progress *progress);

/**
 * The number of the attempt, from 1; 0 where it does not apply.
 *
 * @since 0.1.0
 */
int32_t umapi_progress_attempt(const umapi_progress *progress);

/**
 * Why the call waits: one of `UMAPI_WAIT_*`; 0 where it does not apply.
 *
 * @since 0.1.0
 */
int32_t umapi_progress_wait_reason(const umapi_progress *progress);

/**
 * The length of the wait in milliseconds; -1 if it is not known, because the wait ends when another call does.
 *
 * @since 0.1.0
 */
int64_t umapi_progress_wait_ms(const umapi_progress *progress);

/**
 * The number of items that were read, or of actions that have their outcome; 0 where it does not apply.
 *
 * @since 0.1.0
 */
uint64_t umapi_progress_done(const umapi_progress *progress);

/**
 * The number of all items or actions, if it is known; otherwise -1. The service's count of users includes technical
 * accounts that its listing leaves out.
 *
 * @since 0.1.0
 */
int64_t umapi_progress_total(const umapi_progress *progress);

/**
 * A new cancel handle; free with umapi_cancel_free. NULL only if there is no memory.
 *
 * @since 0.1.0
 */
umapi_cancel *umapi_cancel_new(void);

/**
 * Ends every call that runs with this handle within a few milliseconds, whatever the call waits for, and every later
 * call at its start: a triggered handle stays triggered. NULL is allowed. It must not be called in a signal handler.
 * In a child of a fork it has no effect on a handle of the parent.
 *
 * @since 0.1.0
 */
void umapi_cancel_trigger(const umapi_cancel *cancel);

/**
 * 1 if the handle has been triggered; otherwise 0.
 *
 * @since 0.1.0
 */
int32_t umapi_cancel_is_triggered(const umapi_cancel *cancel);

/**
 * Frees the handle. Calls and `umapi_call` objects that use it keep what they need of it. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_cancel_free(umapi_cancel *cancel);

/**
 * New call options with no time limit; free with umapi_call_free. NULL only if there is no memory.
 *
 * @since 0.1.0
 */
umapi_call *umapi_call_new(void);

/**
 * Sets the total time that each call with these options may take, including the token, waits, retries and the answer.
 * A call that has used up its time ends with `UMAPI_STATUS_DEADLINE`. A call does not begin a wait that would last
 * longer than its time; it ends at once, with `UMAPI_STATUS_THROTTLED` if the service or its documented limit requires
 * the wait, and otherwise with the failure after which it would have tried again.
 *
 * @param call        the options.
 * @param timeout_ms  milliseconds, at least 1.
 * @param error       receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_call_set_timeout_ms(umapi_call *call,
                                       int64_t timeout_ms,
                                       umapi_error **error);

/**
 * Sets the handle by which another thread can end these calls.
 *
 * @param call    the options; they keep what they need of `cancel`.
 * @param cancel  the handle; NULL removes the present one.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_call_set_cancel(umapi_call *call,
                                   const umapi_cancel *cancel,
                                   umapi_error **error);

/**
 * Sets the request id that is sent to the service, by which a call can be found in its logs and in yours. Each request
 * of the call appends its number and the number of the attempt, as in `nightly-17.2-1`. Without this, each call gets a
 * random request id.
 *
 * @param call        the options.
 * @param request_id  1 to 128 visible ASCII characters; copied.
 * @param error       receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_call_set_request_id(umapi_call *call,
                                       const char *request_id,
                                       umapi_error **error);

/**
 * Sets the callback that receives progress: attempts, waits, pages and finished actions.
 *
 * @param call       the options.
 * @param progress   the callback.
 * @param user_data  passed to the callback.
 * @param destroy    called with `user_data` when the options, and the last call and listing that use them, no longer
 *                   exist; may be NULL. Not called if this function fails.
 * @param error      receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_call_set_progress(umapi_call *call,
                                     umapi_progress_fn progress,
                                     void *user_data,
                                     umapi_destroy_fn destroy,
                                     umapi_error **error);

/**
 * Frees the options. Calls in progress keep what they need of them. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_call_free(umapi_call *call);

/**
 * Options with the defaults for Adobe's production service; free with umapi_client_options_free. NULL only if there
 * is no memory.
 *
 * @since 0.1.0
 */
umapi_client_options *umapi_client_options_new(void);

/**
 * Sets one option by its key, as a configuration file or a variable of the environment would
 * (umapi_client_new_from_file, umapi_client_new_from_environment): for programs that pass on what their own users
 * configure. Where there is a function of its own for an option, both do the same and make the same checks.
 *
 * The keys, with the default where there is one:
 *
 * - `endpoint` (`https://usermanagement.adobe.io/v2/usermanagement`): The root URL of the service: https, or http
 *   with a loopback address.
 * - `ca_file`: A file with certificates in PEM or DER to trust besides those of the platform.
 * - `platform_certificates` (`true`): Whether the certificates that the platform trusts are trusted.
 * - `danger_accept_invalid_certificates` (`false`): DANGER: turns the verification of certificates off; each client
 *   logs a warning.
 * - `proxy`: The proxy, as `http://host:port`, `https:`, `socks5:` or `socks5h:`, or `off` for none.
 * - `proxy_user`: The user for the proxy; set it after `proxy`.
 * - `proxy_password`: The password for the proxy; set it after `proxy_user`.
 * - `user_agent_prefix`: Text before the library's name in `User-Agent`: 1 to 256 printable ASCII characters.
 * - `connect_timeout_ms` (`30000`): How long connecting to a host may take, TLS included; at least 1.
 * - `attempt_timeout_ms` (`120000`): How long one attempt may take, from connecting to the last byte of its answer;
 *   at least 1.
 * - `max_attempts` (`4`): How often a request is tried in all; at least 1, which turns retries off.
 * - `first_retry_delay_ms` (`15000`): The wait before the second attempt where the service names none, and doubled
 *   with each further one; at least 1.
 * - `max_retry_wait_ms` (`300000`): The longest single wait of a call, which fails if the service asks for more; at
 *   least 1.
 * - `rate_limit_users` (`25/60000`): The pace of listings of users: requests/milliseconds, or `off`.
 * - `rate_limit_user` (`25/60000`): The pace of requests for one user, likewise.
 * - `rate_limit_groups` (`5/60000`): The pace of listings of groups, likewise.
 * - `rate_limit_user_groups` (`5/60000`): The pace of the deprecated listing of user groups, likewise.
 * - `rate_limit_action` (`10/60000`): The pace of requests of actions, likewise.
 * - `rate_limit_token` (`off`): The pace of requests for a token, likewise.
 * - `rate_limit_status` (`off`): The pace of requests for the service's status, likewise.
 * - `entries_per_request` (`10`): How many entries a request of actions has at most; at least 1.
 * - `steps_per_entry` (`10`): How many steps an entry has at most; at least 1.
 * - `names_per_step` (`10`): How many names a step has at most; at least 1.
 * - `test_mode` (`false`): Whether the service only checks actions, and changes nothing.
 * - `account_deletes_in_test_mode` (`false`): Whether actions that delete accounts are sent in test mode, which once
 *   deleted for real.
 * - `read_ahead` (`8`): How many pages of a listing may be under way at once; at least 1, which reads one after the
 *   other.
 * - `log_level`: The least important lines that the program's log callback gets: `error`, `warn`, `info` or `debug`.
 *
 * A flag is `true` or `1`, `false` or `0`. Times are whole numbers of milliseconds. A rate limit is a number of requests
 * and the milliseconds of their window, such as `25/60000`; see umapi_client_options_set_rate_limit. `ca_file` adds to the
 * certificates that were added before. `proxy` takes the place of a proxy and a login that were set before. `log_level`
 * has an effect on the callback of umapi_client_options_set_log, which must have been set before.
 *
 * The keys of the organisation and of the credentials (`org_id`, `client_id`, `client_secret`, `tech_acct_id`,
 * `private_key_path`, `private_key_passphrase`, `auth_host`, `auth_path`) are keys of a configuration, but no options of
 * a client; they are refused here.
 *
 * @param options  the options.
 * @param key      one of the keys above; copied.
 * @param value    the value as text; copied. `proxy_password` is zeroed when no longer needed, and never shown.
 * @param error    receives the error; may be NULL. Its message begins with the key; for a key that is unknown it names
 *                 the nearest one.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set(umapi_client_options *options,
                                      const char *key,
                                      const char *value,
                                      umapi_error **error);

/**
 * Sets the root URL of the service, in place of `https://usermanagement.adobe.io/v2/usermanagement`.
 *
 * @param options   the options.
 * @param endpoint  an https URL, or http with a loopback address; copied.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_endpoint(umapi_client_options *options,
                                               const char *endpoint,
                                               umapi_error **error);

/**
 * Sets test mode: the service checks actions and changes nothing. Actions that could delete an account are not sent
 * in it (see umapi_client_options_set_account_deletes_in_test_mode).
 *
 * @param options  the options.
 * @param enabled  1 or 0; the default is 0.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_test_mode(umapi_client_options *options,
                                                int32_t enabled,
                                                umapi_error **error);

/**
 * Lets actions that delete accounts through in test mode. The service's test mode once deleted for real; set this
 * only if you are sure of it.
 *
 * @param options  the options.
 * @param allowed  1 or 0; the default is 0.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_account_deletes_in_test_mode(umapi_client_options *options,
                                                                   int32_t allowed,
                                                                   umapi_error **error);

/**
 * Sets how long connecting to a host may take, TLS included.
 *
 * @param options     the options.
 * @param timeout_ms  milliseconds, at least 1; the default is 30,000.
 * @param error       receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_connect_timeout_ms(umapi_client_options *options,
                                                         int64_t timeout_ms,
                                                         umapi_error **error);

/**
 * Sets how long one attempt may take, from connecting to the last byte of the answer.
 *
 * @param options     the options.
 * @param timeout_ms  milliseconds, at least 1; the default is 120,000.
 * @param error       receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_attempt_timeout_ms(umapi_client_options *options,
                                                         int64_t timeout_ms,
                                                         umapi_error **error);

/**
 * Sets when a request is tried again. A request is tried again after 429, 408, 500, 502, 503, 504, failed connections and
 * timeouts, unless it might then be executed twice: an action whose answer was lost is sent again only if all its commands
 * may run twice with the same result.
 *
 * If no connection can be made (the name is not found, the host refuses or does not answer, the proxy cannot reach it), the
 * next attempts follow after 1, 2 and 4 seconds, or sooner if `first_delay_ms` is less, and none follows once the connect
 * timeout has passed since the first of them, so that such a failure is reported within seconds. Failures of TLS, of
 * certificates and of the proxy itself are reported at once.
 *
 * @param options         the options.
 * @param max_attempts    how often a request is tried in all; 1 turns retries off; the default is 4.
 * @param first_delay_ms  the wait before the second attempt where the service names none; it doubles each time, and
 *                        up to a third is added at random; at least 1; the default is 15,000.
 * @param max_wait_ms     the longest single wait; if the service asks for more, the call ends at once with
 *                        `UMAPI_STATUS_THROTTLED`; at least 1; the default is 300,000.
 * @param error           receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_retry(umapi_client_options *options,
                                            int32_t max_attempts,
                                            int64_t first_delay_ms,
                                            int64_t max_wait_ms,
                                            umapi_error **error);

/**
 * Sets the pace at which requests of a class are sent, in place of the service's documented limit for one client id:
 * 25 a minute for users and for one user, 5 for groups and for user groups, 10 for actions. All clients of the process
 * with the same endpoint, client id and limits share one pace.
 *
 * Half of the limit is used without proof. Requests beyond that, and beyond what the service has accepted before, are sent
 * one at a time. If the service refuses one (HTTP 429) although the limit leaves room, the number that it accepted in the
 * window is the limit for some windows; then the limit that is set here is tried again.
 *
 * @param options    the options.
 * @param endpoint   one of `UMAPI_ENDPOINT_*`.
 * @param requests   how many requests in each window; 0 for no limit.
 * @param window_ms  the window in milliseconds, at least 1; ignored if there is no limit.
 * @param error      receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_rate_limit(umapi_client_options *options,
                                                 int32_t endpoint,
                                                 int32_t requests,
                                                 int64_t window_ms,
                                                 umapi_error **error);

/**
 * Sets how much goes into one request of actions. The service documents 10 entries a request and 10 names a list; 10
 * steps an entry is the figure of Adobe's own client.
 *
 * @param options              the options.
 * @param entries_per_request  at least 1; the default is 10.
 * @param steps_per_entry      at least 1; the default is 10.
 * @param names_per_step       at least 1; the default is 10.
 * @param error                receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_batch_limits(umapi_client_options *options,
                                                   int32_t entries_per_request,
                                                   int32_t steps_per_entry,
                                                   int32_t names_per_step,
                                                   umapi_error **error);

/**
 * Sets how many pages of a listing may be under way at once. Pages are always delivered in order; each page under way
 * takes the memory of its answer.
 *
 * @param options  the options.
 * @param pages    at least 1, which reads one after the other; the default is 8.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_read_ahead(umapi_client_options *options,
                                                 int32_t pages,
                                                 umapi_error **error);

/**
 * Sets the text before the library's own name in the `User-Agent` header, such as "acme-sync/2.1".
 *
 * @param options  the options.
 * @param prefix   1 to 256 printable ASCII characters; copied.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_user_agent_prefix(umapi_client_options *options,
                                                        const char *prefix,
                                                        umapi_error **error);

/**
 * Adds certificates to trust, for the service and for the token endpoint: the CA of a company that inspects TLS, or of
 * the sandbox. They are trusted besides those of the platform, unless umapi_client_options_set_platform_certificates turns
 * these off.
 *
 * @param options  the options.
 * @param pem      one or more certificates in PEM, or in DER; copied.
 * @param length   its length in bytes.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_add_ca_pem(umapi_client_options *options,
                                             const char *pem,
                                             size_t length,
                                             umapi_error **error);

/**
 * Adds certificates to trust, as umapi_client_options_add_ca_pem does, from a file.
 *
 * @param options  the options.
 * @param path     a file with one or more certificates in PEM, or in DER; at most 1 MiB; read now.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_add_ca_file(umapi_client_options *options,
                                              const char *path,
                                              umapi_error **error);

/**
 * Sets whether the certificates that the platform trusts are trusted: on Linux those of the distribution, or of
 * `SSL_CERT_FILE` and `SSL_CERT_DIR` in the environment; on macOS and Windows those of the system. Without them only
 * the added ones are, and umapi_client_new fails if there are none.
 *
 * @param options  the options.
 * @param trusted  1 or 0; the default is 1.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_platform_certificates(umapi_client_options *options,
                                                            int32_t trusted,
                                                            umapi_error **error);

/**
 * DANGER: turns the verification of certificates off. A third party on the connection can then read the client secret and
 * the token, and change all that is read or written; TLS protects nothing any more. It is for a short look at a network
 * that does not work, never for production; use umapi_client_options_add_ca_file instead. Every client that is made with
 * it logs a warning (`UMAPI_LOG_WARN`).
 *
 * @param options   the options.
 * @param accepted  1 or 0; the default is 0.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_danger_accept_invalid_certificates(umapi_client_options *options,
                                                                         int32_t accepted,
                                                                         umapi_error **error);

/**
 * Sets the proxy for every https connection, to the service and to the token endpoint. It takes the place of what the
 * environment says: without this function (and umapi_client_options_disable_proxy) the first of `HTTPS_PROXY`,
 * `https_proxy`, `ALL_PROXY`, `all_proxy` that is set names the proxy, as `http://user:password@host:port` (with
 * percent-encoding for special characters), and `NO_PROXY` or `no_proxy` lists the hosts that are reached directly, by
 * domain (with all below it), address or network (`10.0.0.0/8`), or `*` for all, but not by port; on macOS and Windows the
 * system's settings come last. The environment is read when a client makes its first connection.
 * `NO_PROXY` does not apply to a proxy set here. Plain http, which is for loopback addresses only, never takes a proxy.
 *
 * @param options   the options.
 * @param url       the proxy: `http://host:port` or `https://host:port` (asked by CONNECT), `socks5://host:port`
 *                  (SOCKS 5; this machine looks up the host's address) or `socks5h://host:port` (SOCKS 5; the proxy
 *                  looks it up, as is needed in networks that cannot resolve outside names); copied.
 * @param user      the user; NULL for a proxy without login. HTTP proxies receive it as Basic authentication; NTLM
 *                  and Negotiate are not supported.
 * @param password  the password; NULL for none; copied, zeroed when no longer needed, never shown.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_proxy(umapi_client_options *options,
                                            const char *url,
                                            const char *user,
                                            const char *password,
                                            umapi_error **error);

/**
 * Turns proxies off, whatever the environment says.
 *
 * @param options  the options.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_disable_proxy(umapi_client_options *options, umapi_error **error);

/**
 * Sets where log lines go; without it the library is quiet.
 *
 * @param options    the options.
 * @param level      the least important lines wanted: one of `UMAPI_LOG_*`.
 * @param log        the callback. It runs on the threads that make calls, on several at once.
 * @param user_data  passed to the callback.
 * @param destroy    called with `user_data` when the options and the last client made with them are gone; may be
 *                   NULL. Not called if this function fails.
 * @param error      receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_options_set_log(umapi_client_options *options,
                                          int32_t level,
                                          umapi_log_fn log,
                                          void *user_data,
                                          umapi_destroy_fn destroy,
                                          umapi_error **error);

/**
 * Frees options. Clients made with them are not affected. NULL is fine.
 *
 * @since 0.1.0
 */
void umapi_client_options_free(umapi_client_options *options);

/**
 * The type of the user's account: one of `UMAPI_IDENTITY_*`.
 *
 * @since 0.1.0
 */
int32_t umapi_user_identity(const umapi_user *user);

/**
 * The service's own id of the user. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_id(const umapi_user *user);

/**
 * The email address. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_email(const umapi_user *user);

/**
 * The status of the account: "active", "disabled", "locked", "removed", or a value that the service adds later.
 * Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_status(const umapi_user *user);

/**
 * The username, which is often the email. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_username(const umapi_user *user);

/**
 * The domain that the user belongs to. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_domain(const umapi_user *user);

/**
 * The first name. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_firstname(const umapi_user *user);

/**
 * The last name. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_lastname(const umapi_user *user);

/**
 * The country, ISO 3166-1 alpha-2. Borrowed from the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_country(const umapi_user *user);

/**
 * The identity type in the service's own spelling; see also umapi_user_identity. Borrowed from the user; NULL if
 * absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_type(const umapi_user *user);

/**
 * The JSON object as the service sent it, including fields that this version does not know. Borrowed from
 * the user; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_user_json(const umapi_user *user);

/**
 * A text of the user with its length, for programs that copy it or that have to handle a NUL inside.
 *
 * @param user    the user.
 * @param field   one of `UMAPI_USER_*`.
 * @param length  receives the length in bytes, without the NUL at the end; 0 if absent; may be NULL.
 * @return the text, borrowed from the user; NULL if absent or for an unknown field.
 * @since 0.1.0
 */
const char *umapi_user_text(const umapi_user *user,
                            int32_t field,
                            size_t *length);

/**
 * The number of groups that umapi_user_group reads.
 *
 * @since 0.1.0
 */
size_t umapi_user_group_count(const umapi_user *user);

/**
 * The name of a group that the user is in. Borrowed from the user; NULL beyond the last.
 *
 * @param user   the user.
 * @param index  from 0.
 * @since 0.1.0
 */
const char *umapi_user_group(const umapi_user *user, size_t index);

/**
 * The number of tags that umapi_user_tag reads.
 *
 * @since 0.1.0
 */
size_t umapi_user_tag_count(const umapi_user *user);

/**
 * A tag of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL beyond
 * the last.
 *
 * @param user   the user.
 * @param index  from 0.
 * @since 0.1.0
 */
const char *umapi_user_tag(const umapi_user *user,
                           size_t index);

/**
 * The number of roles that umapi_user_admin_role reads.
 *
 * @since 0.1.0
 */
size_t umapi_user_admin_role_count(const umapi_user *user);

/**
 * An admin role of the user; deprecated by the service, and absent from newer answers. Borrowed from the user; NULL
 * beyond the last.
 *
 * @param user   the user.
 * @param index  from 0.
 * @since 0.1.0
 */
const char *umapi_user_admin_role(const umapi_user *user,
                                  size_t index);

/**
 * The service's `orgSpecific`: 1 or 0; -1 if absent.
 *
 * @since 0.1.0
 */
int32_t umapi_user_org_specific(const umapi_user *user);

/**
 * The service's `businessAccount`: 1 or 0; -1 if absent.
 *
 * @since 0.1.0
 */
int32_t umapi_user_business_account(const umapi_user *user);

/**
 * Makes an owned user from a borrowed one, which stays valid after its page is freed. It copies no text, but keeps the
 * memory of the page. NULL for NULL.
 *
 * @since 0.1.0
 */
umapi_user *umapi_user_copy(const umapi_user *user);

/**
 * Frees a user that the caller owns (not one borrowed as `const umapi_user *`). NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_user_free(umapi_user *user);

/**
 * The number of users on the page. 0 only for NULL.
 *
 * @since 0.1.0
 */
size_t umapi_user_page_length(const umapi_user_page *page);

/**
 * The user at an index of the page. Borrowed from the page; NULL beyond its end.
 *
 * @param page   the page.
 * @param index  from 0.
 * @since 0.1.0
 */
const umapi_user *umapi_user_page_get(const umapi_user_page *page, size_t index);

/**
 * Frees a page and everything borrowed from it. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_user_page_free(umapi_user_page *page);

/**
 * The next user: `UMAPI_OK` with `*user` NULL at the end of the listing. After an error the next call asks for the
 * same page again; the users before it remain valid. A listing that is cut short is an error and never looks like the
 * end. A call whose cancel handle is triggered answers `UMAPI_STATUS_CANCELLED`, even if there are users left of a
 * page that was read.
 *
 * @param users  the listing.
 * @param call   the options of this call; may be NULL.
 * @param user   receives the user, borrowed until the next call with this listing; umapi_user_copy makes one
 *               that stays valid.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_users_next(umapi_users *users,
                              const umapi_call *call,
                              const umapi_user **user,
                              umapi_error **error);

/**
 * The next page: `UMAPI_OK` with `*page` NULL at the end of the listing. It skips the users that
 * umapi_users_next has left of its page.
 *
 * @param users  the listing.
 * @param call   the options of this call; may be NULL.
 * @param page   receives the page; free with umapi_user_page_free.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_users_next_page(umapi_users *users,
                                   const umapi_call *call,
                                   umapi_user_page **page,
                                   umapi_error **error);

/**
 * Starts the listing over: the next call reads the first page again, as the service then has it. Never waits.
 *
 * @param users  the listing.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_users_reload(umapi_users *users,
                                umapi_error **error);

/**
 * The service's count of all users of the listing, from its newest page; -1 if it sent none. It includes technical
 * accounts, which the listing leaves out.
 *
 * @since 0.1.0
 */
int64_t umapi_users_total_count(const umapi_users *users);

/**
 * The service's count of the pages; -1 if it sent none.
 *
 * @since 0.1.0
 */
int64_t umapi_users_page_count(const umapi_users *users);

/**
 * The number of the newest page, as the service counts; -1 if it sent none.
 *
 * @since 0.1.0
 */
int64_t umapi_users_current_page(const umapi_users *users);

/**
 * The number of items on a full page; -1 if the service sent none. The service chooses it, and may change it.
 *
 * @since 0.1.0
 */
int64_t umapi_users_page_size(const umapi_users *users);

/**
 * Frees a listing and everything borrowed from it. During a call with it, on another thread or around the callback
 * that frees it, that call continues, and frees the listing when it ends. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_users_free(umapi_users *users);

/**
 * The numeric id, which works in queries also for a group whose name has a dot; -1 if absent.
 *
 * @since 0.1.0
 */
int64_t umapi_group_id(const umapi_group *group);

/**
 * The number of members; -1 if absent.
 *
 * @since 0.1.0
 */
int64_t umapi_group_member_count(const umapi_group *group);

/**
 * Whether the group is managed elsewhere, such as by directory sync: 1 or 0; -1 if absent. Only the listing of
 * umapi_client_user_groups contains this.
 *
 * @since 0.1.0
 */
int32_t umapi_group_is_read_only(const umapi_group *group);

/**
 * The name. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_name(const umapi_group *group);

/**
 * The type: "USER_GROUP", "PRODUCT_PROFILE", "SYSADMIN_GROUP" and so on; the service may add types. Borrowed from the
 * group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_type(const umapi_group *group);

/**
 * The name of the group whose members administer this group. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_admin_group_name(const umapi_group *group);

/**
 * The product to which a profile gives access. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_product_name(const umapi_group *group);

/**
 * The number of licences, or "UNLIMITED", as the service writes it. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_license_quota(const umapi_group *group);

/**
 * The user group that an admin group administers. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_user_group_name(const umapi_group *group);

/**
 * The product profile that a developer or admin group belongs to. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_product_profile_name(const umapi_group *group);

/**
 * The profile that an admin group administers. Borrowed from the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_profile_group_name(const umapi_group *group);

/**
 * The JSON object as the service sent it, including fields that this version does not know. Borrowed from
 * the group; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_group_json(const umapi_group *group);

/**
 * A text of the group with its length, for programs that copy it or that have to handle a NUL inside.
 *
 * @param group    the group.
 * @param field   one of `UMAPI_GROUP_*`.
 * @param length  receives the length in bytes, without the NUL at the end; 0 if absent; may be NULL.
 * @return the text, borrowed from the group; NULL if absent or for an unknown field.
 * @since 0.1.0
 */
const char *umapi_group_text(const umapi_group *group,
                             int32_t field,
                             size_t *length);

/**
 * Makes an owned group from a borrowed one, which stays valid after its page is freed. It copies no text, but keeps
 * the memory of the page. NULL for NULL.
 *
 * @since 0.1.0
 */
umapi_group *umapi_group_copy(const umapi_group *group);

/**
 * Frees a group that the caller owns (not one borrowed as `const umapi_group *`). NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_group_free(umapi_group *group);

/**
 * The number of groups on the page. 0 only for NULL.
 *
 * @since 0.1.0
 */
size_t umapi_group_page_length(const umapi_group_page *page);

/**
 * The group at an index of the page. Borrowed from the page; NULL beyond its end.
 *
 * @param page   the page.
 * @param index  from 0.
 * @since 0.1.0
 */
const umapi_group *umapi_group_page_get(const umapi_group_page *page, size_t index);

/**
 * Frees a page and everything borrowed from it. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_group_page_free(umapi_group_page *page);

/**
 * The next group: `UMAPI_OK` with `*group` NULL at the end of the listing. After an error the next call asks for the
 * same page again; the groups before it remain valid. A listing that is cut short is an error and never looks like the
 * end. A call whose cancel handle is triggered answers `UMAPI_STATUS_CANCELLED`, even if there are groups left of a
 * page that was read.
 *
 * @param groups  the listing.
 * @param call   the options of this call; may be NULL.
 * @param group   receives the group, borrowed until the next call with this listing; umapi_group_copy makes one
 *               that stays valid.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_groups_next(umapi_groups *groups,
                               const umapi_call *call,
                               const umapi_group **group,
                               umapi_error **error);

/**
 * The next page: `UMAPI_OK` with `*page` NULL at the end of the listing. It skips the groups that
 * umapi_groups_next has left of its page.
 *
 * @param groups  the listing.
 * @param call   the options of this call; may be NULL.
 * @param page   receives the page; free with umapi_group_page_free.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_groups_next_page(umapi_groups *groups,
                                    const umapi_call *call,
                                    umapi_group_page **page,
                                    umapi_error **error);

/**
 * Starts the listing over: the next call reads the first page again, as the service then has it. Never waits.
 *
 * @param groups  the listing.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_groups_reload(umapi_groups *groups,
                                 umapi_error **error);

/**
 * The service's count of all groups of the listing, from its newest page; -1 if it sent none.
 *
 * @since 0.1.0
 */
int64_t umapi_groups_total_count(const umapi_groups *groups);

/**
 * The service's count of the pages; -1 if it sent none.
 *
 * @since 0.1.0
 */
int64_t umapi_groups_page_count(const umapi_groups *groups);

/**
 * The number of the newest page, as the service counts; -1 if it sent none.
 *
 * @since 0.1.0
 */
int64_t umapi_groups_current_page(const umapi_groups *groups);

/**
 * The number of items on a full page; -1 if the service sent none. The service chooses it, and may change it.
 *
 * @since 0.1.0
 */
int64_t umapi_groups_page_size(const umapi_groups *groups);

/**
 * Frees a listing and everything borrowed from it. During a call with it, on another thread or around the callback
 * that frees it, that call continues, and frees the listing when it ends. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_groups_free(umapi_groups *groups);

/**
 * Makes a query for all users; free with umapi_user_query_free. NULL only if there is no memory.
 *
 * @since 0.1.0
 */
umapi_user_query *umapi_user_query_new(void);

/**
 * Lists only members of a group, product profile or admin group. Every name works, also with slashes and in any
 * script, except a name with a dot, which the service cuts there; for such names see umapi_user_query_set_group_id. If
 * the service answers for a group with another name, apart from letter case, the listing ends with
 * `UMAPI_STATUS_NOT_FOUND`.
 *
 * @param query  the query.
 * @param name   the group's name; copied.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_group(umapi_user_query *query,
                                        const char *name,
                                        umapi_error **error);

/**
 * Lists only members of the group with this numeric id (umapi_group_id).
 *
 * @param query     the query.
 * @param group_id  the id.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_group_id(umapi_user_query *query,
                                           int64_t group_id,
                                           umapi_error **error);

/**
 * Lists only users of a domain.
 *
 * @param query   the query.
 * @param domain  the domain; copied.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_domain(umapi_user_query *query,
                                         const char *domain,
                                         umapi_error **error);

/**
 * Sets whether to leave out users that are members only through another group. The service's default is 1.
 *
 * @param query  the query.
 * @param value  1 or 0.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_direct_only(umapi_user_query *query,
                                              int32_t value,
                                              umapi_error **error);

/**
 * Lists, of a product profile, only members whose access is active, or only members whose access is not.
 *
 * @param query   the query.
 * @param status  one of `UMAPI_MEMBER_*`.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_status(umapi_user_query *query,
                                         int32_t status,
                                         umapi_error **error);

/**
 * Sets whether to leave each user's groups out of the answer, which makes it smaller.
 *
 * @param query  the query.
 * @param value  1 or 0; the service's default is 0.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_user_query_set_exclude_groups(umapi_user_query *query,
                                                 int32_t value,
                                                 umapi_error **error);

/**
 * Frees a query. Listings that were begun with it are not affected. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_user_query_free(umapi_user_query *query);

/**
 * Begins an action on a user.
 *
 * @param user    the user's email or username. To create a user whose username differs from the email, give the
 *                username here and the email to umapi_action_create_user.
 * @param domain  the domain, for a username without `@`, which needs it; otherwise NULL.
 * @param action  receives the action; free with umapi_action_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_new_user(const char *user,
                                   const char *domain,
                                   umapi_action **action,
                                   umapi_error **error);

/**
 * Begins an action on a user group.
 *
 * @param name    the group's name.
 * @param action  receives the action; free with umapi_action_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_new_group(const char *name, umapi_action **action, umapi_error **error);

/**
 * Frees an action. Queues and calls that were given it keep what they need. NULL is fine.
 *
 * @since 0.1.0
 */
void umapi_action_free(umapi_action *action);

/**
 * Sets a number that the action's outcome will bear, to know it by.
 *
 * @param action  the action; NULL is fine.
 * @param tag     any number; a pointer cast to it works.
 * @since 0.1.0
 */
void umapi_action_set_tag(umapi_action *action, uint64_t tag);

/**
 * Sets the `requestID` that the service repeats in its errors about the action.
 *
 * @param action      the action.
 * @param request_id  1 to 255 characters; copied.
 * @param error       receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_set_request_id(umapi_action *action,
                                         const char *request_id,
                                         umapi_error **error);

/**
 * Means the Adobe ID, where an Adobe ID and another account share one email. Creating an Adobe ID sets it.
 *
 * @param action  an action on a user.
 * @param value   1 or 0; the default is 0.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_set_use_adobe_id(umapi_action *action,
                                           int32_t value,
                                           umapi_error **error);

/**
 * Creates the user. The command goes before those that are there already, since the service wants it first; an action
 * can have one.
 *
 * @param action       an action on a user.
 * @param identity     which kind of account: `UMAPI_IDENTITY_ADOBE`, `_ENTERPRISE` or `_FEDERATED`.
 * @param email        the email.
 * @param firstname    the first name, up to 250 characters; NULL to leave it out.
 * @param lastname     the last name, up to 250 characters; NULL to leave it out.
 * @param country      ISO 3166-1 alpha-2; needed for a federated account, and can never be changed; otherwise NULL to
 *                     leave it out.
 * @param on_conflict  what to do if the user exists: one of `UMAPI_ON_CONFLICT_*`.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_create_user(umapi_action *action,
                                      int32_t identity,
                                      const char *email,
                                      const char *firstname,
                                      const char *lastname,
                                      const char *country,
                                      int32_t on_conflict,
                                      umapi_error **error);

/**
 * Changes attributes of the user. Not for Adobe IDs, whose attributes belong to their owner; the service cannot change
 * only the letter case of an email. A change of email or username is never sent twice: if its answer is lost it ends
 * as unknown.
 *
 * @param action     an action on a user.
 * @param email      the new email; NULL leaves it.
 * @param username   the new username; NULL leaves it.
 * @param firstname  the new first name; NULL leaves it.
 * @param lastname   the new last name; NULL leaves it.
 * @param error      receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_update_user(umapi_action *action,
                                      const char *email,
                                      const char *username,
                                      const char *firstname,
                                      const char *lastname,
                                      umapi_error **error);

/**
 * Adds the user to groups: user groups, product profiles and admin groups, by name. Any number; the library keeps the
 * service's limit on a list.
 *
 * @param action  an action on a user.
 * @param groups  the names; copied.
 * @param count   how many; at least 1.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_add_to_groups(umapi_action *action,
                                        const char *const *groups,
                                        size_t count,
                                        umapi_error **error);

/**
 * Takes the user out of groups, by name. Any number.
 *
 * @param action  an action on a user.
 * @param groups  the names; copied.
 * @param count   how many; at least 1.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_remove_from_groups(umapi_action *action,
                                             const char *const *groups,
                                             size_t count,
                                             umapi_error **error);

/**
 * Takes the user out of every group.
 *
 * @param action  an action on a user.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_remove_from_all_groups(umapi_action *action, umapi_error **error);

/**
 * Takes the user out of the organisation. Nothing can follow it.
 *
 * @param action          an action on a user.
 * @param delete_account  1 to end the account as well, which only an organisation that owns the account's domain can
 *                        do; otherwise 0.
 * @param error           receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_remove_from_org(umapi_action *action,
                                          int32_t delete_account,
                                          umapi_error **error);

/**
 * Creates the user group. The command goes before those that are there already; an action can have one. The name must
 * not begin with `_`, as those of the service's own groups do.
 *
 * @param action       an action on a user group.
 * @param description  a description; NULL to leave it out.
 * @param on_conflict  what to do if the group exists: one of `UMAPI_ON_CONFLICT_*`.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_create_group(umapi_action *action,
                                       const char *description,
                                       int32_t on_conflict,
                                       umapi_error **error);

/**
 * Renames the user group or gives it another description.
 *
 * @param action       an action on a user group.
 * @param new_name     the new name; NULL leaves it. A rename is never sent twice: if its answer is lost it ends as
 *                     unknown.
 * @param description  the new description; NULL leaves it.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_update_group(umapi_action *action,
                                       const char *new_name,
                                       const char *description,
                                       umapi_error **error);

/**
 * Deletes the user group. Nothing can follow it, and it is never sent twice: if its answer is lost it ends as unknown.
 *
 * @param action  an action on a user group.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_delete_group(umapi_action *action,
                                       umapi_error **error);

/**
 * Adds users to the user group: ten times as many memberships in one request as from the users' side. Only for user
 * groups that are not read-only.
 *
 * @param action  an action on a user group.
 * @param emails  the users' emails; copied.
 * @param count   how many; at least 1.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_add_users(umapi_action *action,
                                    const char *const *emails,
                                    size_t count,
                                    umapi_error **error);

/**
 * Takes users out of the user group.
 *
 * @param action  an action on a user group.
 * @param emails  the users' emails; copied.
 * @param count   how many; at least 1.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_remove_users(umapi_action *action,
                                       const char *const *emails,
                                       size_t count,
                                       umapi_error **error);

/**
 * Gives the members of the user group product profiles.
 *
 * @param action    an action on a user group.
 * @param profiles  the profiles' names; copied.
 * @param count     how many; at least 1.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_add_products(umapi_action *action,
                                       const char *const *profiles,
                                       size_t count,
                                       umapi_error **error);

/**
 * Takes product profiles from the members of the user group.
 *
 * @param action    an action on a user group.
 * @param profiles  the profiles' names; copied.
 * @param count     how many; at least 1.
 * @param error     receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_remove_products(umapi_action *action,
                                          const char *const *profiles,
                                          size_t count,
                                          umapi_error **error);

/**
 * Appends a command as JSON, for what the service has learnt since this version: an object with one key, the command's
 * name. A command that holds a name, field or word that this version does not know is never sent twice. A create goes
 * first and there is one at most, removeFromOrg and deleteUserGroup go last, and no key stands twice in one object.
 *
 * @param action  the action.
 * @param json    the command, such as `{"add": {"group": ["Design"]}}`; copied.
 * @param length  its length in bytes.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_append_json(umapi_action *action,
                                      const char *json,
                                      size_t length,
                                      umapi_error **error);

/**
 * Puts a command as JSON before the one at `index`, by the same rules as umapi_action_append_json.
 *
 * @param action  the action.
 * @param index   from 0 to the number of commands.
 * @param json    the command; copied.
 * @param length  its length in bytes.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_action_insert_json(umapi_action *action,
                                      size_t index,
                                      const char *json,
                                      size_t length,
                                      umapi_error **error);

/**
 * How many commands the action has.
 *
 * @since 0.1.0
 */
size_t umapi_action_command_count(const umapi_action *action);

/**
 * A command as JSON, as the service will get it (a long list goes out in parts). Borrowed until the action is changed
 * or freed; NULL beyond the end.
 *
 * @param action  the action.
 * @param index   from 0.
 * @since 0.1.0
 */
const char *umapi_action_command_json(const umapi_action *action,
                                      size_t index);

/**
 * The number of outcomes.
 *
 * @since 0.1.0
 */
size_t umapi_results_length(const umapi_results *results);

/**
 * The number of outcomes of a kind, which is one of `UMAPI_OUTCOME_*`.
 *
 * @since 0.1.0
 */
size_t umapi_results_count(const umapi_results *results, int32_t kind);

/**
 * The outcome at an index. Borrowed from the results; NULL beyond the end.
 *
 * @param results  the results.
 * @param index    from 0; after umapi_client_execute the index of the action in its array.
 * @since 0.1.0
 */
const umapi_outcome *umapi_results_get(const umapi_results *results, size_t index);

/**
 * Frees results and everything borrowed from them. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_results_free(umapi_results *results);

/**
 * The kind of the outcome: one of `UMAPI_OUTCOME_*`; 0 for NULL.
 *
 * @since 0.1.0
 */
int32_t umapi_outcome_kind(const umapi_outcome *outcome);

/**
 * The number that the caller gave the action with umapi_action_set_tag; 0 if none.
 *
 * @since 0.1.0
 */
uint64_t umapi_outcome_tag(const umapi_outcome *outcome);

/**
 * The user or group that the action changes, as the caller named it. Borrowed.
 *
 * @since 0.1.0
 */
const char *umapi_outcome_target(const umapi_outcome *outcome);

/**
 * The number of the action's commands, counted from the first, that are known to have been applied. A command that was
 * sent in parts and applied in part is not counted.
 *
 * @since 0.1.0
 */
size_t umapi_outcome_applied(const umapi_outcome *outcome);

/**
 * 1 if the action was executed in test mode, so that nothing was changed; otherwise 0.
 *
 * @since 0.1.0
 */
int32_t umapi_outcome_is_test(const umapi_outcome *outcome);

/**
 * The error of the request that contained the action, rather than of one of its commands. Borrowed; NULL if the
 * request did not fail.
 *
 * @since 0.1.0
 */
const umapi_error *umapi_outcome_error(const umapi_outcome *outcome);

/**
 * The number of errors and warnings of the service about the action's commands.
 *
 * @since 0.1.0
 */
size_t umapi_outcome_finding_count(const umapi_outcome *outcome);

/**
 * The error or warning at an index. Borrowed; NULL beyond the end.
 *
 * @param outcome  the outcome.
 * @param index    from 0.
 * @since 0.1.0
 */
const umapi_finding *umapi_outcome_finding(const umapi_outcome *outcome, size_t index);

/**
 * `UMAPI_SEVERITY_ERROR` or `UMAPI_SEVERITY_WARNING`; 0 for NULL.
 *
 * @since 0.1.0
 */
int32_t umapi_finding_severity(const umapi_finding *finding);

/**
 * The index of the action's command that the finding concerns, from 0, in the caller's order, however the action was
 * split;
 * -1 if the service did not say.
 *
 * @since 0.1.0
 */
int32_t umapi_finding_command(const umapi_finding *finding);

/**
 * The command that the finding concerns, as JSON. Borrowed; NULL if the service did not say which it is.
 *
 * @since 0.1.0
 */
const char *umapi_finding_command_json(const umapi_finding *finding);

/**
 * The service's code, such as "error.user.nonexistent". Borrowed; NULL if it sent none.
 *
 * @since 0.1.0
 */
const char *umapi_finding_code(const umapi_finding *finding);

/**
 * The service's message. Borrowed; NULL if it sent none.
 *
 * @since 0.1.0
 */
const char *umapi_finding_message(const umapi_finding *finding);

/**
 * The action's request id (umapi_action_set_request_id) as the service repeats it. Borrowed; NULL if it sent none.
 *
 * @since 0.1.0
 */
const char *umapi_finding_request_id(const umapi_finding *finding);

/**
 * The user, or for a group action the group, as the service names it. Borrowed; NULL if it sent none.
 *
 * @since 0.1.0
 */
const char *umapi_finding_user(const umapi_finding *finding);

/**
 * Adds an action, and sends the requests that are full now, so that this call can wait. Only umapi_queue_take_results
 * returns the outcomes of actions: `UMAPI_OK` here means that the queue contains the action, and any other status that
 * it does not.
 *
 * After two requests in a row that could not reach the host at all, nothing is sent for 30 seconds: actions that would
 * be sent in this time end as not sent, with the error of the second request.
 *
 * @param queue   the queue.
 * @param call    the options of this call; may be NULL.
 * @param action  the action; copied. A tag (umapi_action_set_tag) identifies its outcome.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_queue_add(umapi_queue *queue,
                             const umapi_call *call,
                             const umapi_action *action,
                             umapi_error **error);

/**
 * Sends all actions that wait in the queue. Afterwards every action that was added has its outcome.
 *
 * @param queue  the queue.
 * @param call   the options of this call; may be NULL.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_queue_flush(umapi_queue *queue, const umapi_call *call, umapi_error **error);

/**
 * Takes the outcomes since the last time, in the order in which they became known; there may be none. Taking them
 * regularly keeps the memory of a long run constant. During a call with the queue another thread may take them, but a
 * callback of that call may not. Never waits.
 *
 * @param queue    the queue.
 * @param results  receives the outcomes; free with umapi_results_free.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_queue_take_results(umapi_queue *queue,
                                      umapi_results **results,
                                      umapi_error **error);

/**
 * The number of actions that have no outcome yet.
 *
 * @since 0.1.0
 */
size_t umapi_queue_pending(const umapi_queue *queue);

/**
 * Frees a queue without sending anything. Actions that were not flushed are dropped unsent. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_queue_free(umapi_queue *queue);

/**
 * The state of the service, "LIVE" when it works. Borrowed from the handle; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_service_state(const umapi_service *service);

/**
 * The service's version. Borrowed from the handle; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_service_version(const umapi_service *service);

/**
 * The service's build. Borrowed from the handle; NULL if absent.
 *
 * @since 0.1.0
 */
const char *umapi_service_build(const umapi_service *service);

/**
 * The whole answer as JSON. Borrowed from the handle; NULL for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_service_json(const umapi_service *service);

/**
 * Frees the status. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_service_free(umapi_service *service);

/**
 * Makes a check whose only step, the configuration, has failed. It is for a program that cannot make its client and
 * still shows the same kind of report.
 *
 * @param why    the error by which making the client, its options or its credentials failed; copied.
 * @param check  receives the check; free with umapi_check_free.
 * @param error  receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_check_new_misconfigured(const umapi_error *why,
                                           umapi_check **check,
                                           umapi_error **error);

/**
 * 1 if every step passed; otherwise 0, also for NULL.
 *
 * @since 0.1.0
 */
int32_t umapi_check_passed(const umapi_check *check);

/**
 * How many steps there are; 0 for NULL.
 *
 * @since 0.1.0
 */
size_t umapi_check_count(const umapi_check *check);

/**
 * The step at a position, counted from 0. Borrowed from the check; NULL beyond the last step.
 *
 * @since 0.1.0
 */
const umapi_check_step *umapi_check_get(const umapi_check *check, size_t position);

/**
 * The whole check for people: a line for each step, followed by what to do about it. Borrowed from the check; NULL for
 * NULL.
 *
 * @since 0.1.0
 */
const char *umapi_check_text(const umapi_check *check);

/**
 * The whole check for programs, as one JSON object: `passed` (true or false), `version` (of this library) and `steps`,
 * an array of objects with `step` ("configuration", "name", "connect", "proxy", "tls", "token" or "call"), `host`
 * ("host:port", or null), `result` ("passed", "failed" or "skipped"), `ms`, `message` and `remedy` (or null). Borrowed
 * from the check; NULL for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_check_json(const umapi_check *check);

/**
 * The kind of the step: one of `UMAPI_CHECK_CONFIGURATION` to `UMAPI_CHECK_CALL`; later versions may add kinds. 0 for
 * NULL.
 *
 * @since 0.1.0
 */
int32_t umapi_check_step_kind(const umapi_check_step *step);

/**
 * The result of the step: `UMAPI_CHECK_PASSED`, `UMAPI_CHECK_FAILED` or `UMAPI_CHECK_SKIPPED`; 0 for NULL.
 *
 * @since 0.1.0
 */
int32_t umapi_check_step_result(const umapi_check_step *step);

/**
 * The host and port that the step concerns, such as "usermanagement.adobe.io:443". Borrowed from the check; NULL for
 * the configuration and for a token from a token callback.
 *
 * @since 0.1.0
 */
const char *umapi_check_step_host(const umapi_check_step *step);

/**
 * The duration of the step in milliseconds; 0 for NULL.
 *
 * @since 0.1.0
 */
int64_t umapi_check_step_ms(const umapi_check_step *step);

/**
 * The finding of the step, in one sentence. Borrowed from the check; NULL for NULL.
 *
 * @since 0.1.0
 */
const char *umapi_check_step_message(const umapi_check_step *step);

/**
 * What to do. Every failed step has a remedy. A passed step has one if it works but should be configured differently,
 * as when certificates are not verified. Borrowed from the check; NULL if there is nothing to do.
 *
 * @since 0.1.0
 */
const char *umapi_check_step_remedy(const umapi_check_step *step);

/**
 * The error of a failed step, as a call of a program would get it. Borrowed from the check; NULL if the step did not
 * fail.
 *
 * @since 0.1.0
 */
const umapi_error *umapi_check_step_error(const umapi_check_step *step);

/**
 * Frees a check and its steps. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_check_free(umapi_check *check);

/**
 * Makes a client. Nothing is sent before its first call.
 *
 * @param org_id       the organisation's id, such as "12345ABCDE@AdobeOrg".
 * @param credentials  the credentials of the program; copied.
 * @param options      the options of the client; copied; NULL for the defaults.
 * @param client       receives the client; free with umapi_client_free.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_new(const char *org_id,
                              const umapi_credentials *credentials,
                              const umapi_client_options *options,
                              umapi_client **client,
                              umapi_error **error);

/**
 * Makes a client from a configuration in a JSON file. Nothing is sent before its first call.
 *
 * The file is an object with any of these keys:
 *
 * - `org_id`, `client_id`, `client_secret`: the identity of the program and its organisation. Required.
 * - `private_key_path`, `private_key_passphrase`, `tech_acct_id`: with the first, the credentials are of the kind Service
 *   Account (JWT, legacy), and `tech_acct_id` is required; without it they are OAuth Server-to-Server.
 * - `auth_host`, `auth_path`: as by umapi_credentials_set_auth_host and umapi_credentials_set_auth_path.
 * - the key of any client option; umapi_client_options_set lists them. Times and counts are numbers, flags are `true` or
 *   `false`, all other values are texts. `proxy_user` and `proxy_password` stand beside `proxy`.
 *
 * Or it is the project file that the Adobe Developer Console lets one download, which has all of it under `project`:
 * `org.ims_org_id`, and one of `workspace.details.credentials` with `oauth_server_to_server` or with `jwt`. The keys above
 * may stand beside `project`, and win over it. A private key is in no project file: for `jwt`, add `private_key_path`, or
 * set the variable. If the project has both kinds, it is OAuth, unless `private_key_path` stands beside `project` or
 * `client_id` is that of `jwt` alone; of several of one kind `client_id` names the one to be used.
 *
 * Paths are relative to the file. What should not be in a file may be in the environment: `UMAPI_CLIENT_SECRET`,
 * `UMAPI_PRIVATE_KEY_PASSPHRASE` and `UMAPI_PROXY_PASSWORD` are looked at when the file has no such key, and
 * `UMAPI_PRIVATE_KEY_PATH` for a project with `jwt`.
 *
 * @param path     the file; at most 1 MiB. Read now, as are the files that it names, and not again.
 * @param options  how the client behaves; copied; NULL for the defaults. What the file names wins over them.
 * @param client   receives the client; free with umapi_client_free.
 * @param error    receives the error; may be NULL. Its message begins with the file, or the variable, and the key: one
 *                 that is unknown, missing, there twice or of no use, a path that cannot be read.
 * @since 0.1.0
 */
umapi_status umapi_client_new_from_file(const char *path,
                                        const umapi_client_options *options,
                                        umapi_client **client,
                                        umapi_error **error);

/**
 * Makes a client from a configuration in the environment. Nothing is sent before its first call.
 *
 * Each key of umapi_client_new_from_file is a variable, in capital letters after `UMAPI_`, such as `UMAPI_ORG_ID`,
 * `UMAPI_CLIENT_ID`, `UMAPI_CLIENT_SECRET` and `UMAPI_CONNECT_TIMEOUT_MS`. All values are texts, as for
 * umapi_client_options_set. A variable that is empty counts as not set. Paths are relative to the
 * working directory. No other thread may change the environment meanwhile.
 *
 * @param options  how the client behaves; copied; NULL for the defaults. What the environment names wins over them.
 * @param client   receives the client; free with umapi_client_free.
 * @param error    receives the error; may be NULL. Its message begins with the variable.
 * @since 0.1.0
 */
umapi_status umapi_client_new_from_environment(const umapi_client_options *options,
                                               umapi_client **client,
                                               umapi_error **error);

/**
 * Replaces the credentials of a client, for a secret or a key that changes while a job runs. May be called on any
 * thread, also while other threads use the client.
 *
 * Every attempt that begins after this uses the new credentials, so the next one first requests a token. An attempt in
 * progress finishes with the token that it has; if it has to be repeated, the repeat uses the new credentials. A token
 * that arrives late for the old credentials is not used by any other attempt. Listings, queues and calls of several
 * requests use the new credentials from their next request on.
 *
 * The client id may change too. Then `x-api-key` changes, and requests are counted against the rate limits of the new
 * client id (umapi_client_options_set_rate_limit). The organisation, the options and the counters stay the same.
 *
 * @param client       the client.
 * @param credentials  the new credentials; copied. They are not verified here: the next request fails with
 *                     `UMAPI_STATUS_AUTH` if they are wrong.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_set_credentials(const umapi_client *client,
                                          const umapi_credentials *credentials,
                                          umapi_error **error);

/**
 * Frees a client; never waits for the network. Calls in progress on other threads, listings and queues keep what they
 * need and continue; only no new call may be made with the pointer. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_client_free(umapi_client *client);

/**
 * Looks up one user. If the service says that it does not know this user, the result is `UMAPI_OK` and `*user` is
 * NULL. A 404 that concerns the organisation, or that comes from a gateway or proxy, is an error.
 *
 * @param client       the client.
 * @param call         the options of this call; may be NULL.
 * @param user_string  the user's email, or a username; compared without regard to letter case.
 * @param domain       for a username without `@`, the domain that it belongs to. With an email it may be NULL; it selects
 *                     among accounts with the same email: "AdobeID" asks for the Adobe ID, and a domain, which may differ
 *                     from the email's, for the Federated ID or Enterprise ID in it. Adobe recommends it for all users.
 * @param user         receives the user, or NULL; free with umapi_user_free.
 * @param error        receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_find_user(const umapi_client *client,
                                    const umapi_call *call,
                                    const char *user_string,
                                    const char *domain,
                                    umapi_user **user,
                                    umapi_error **error);

/**
 * Begins a listing of users. Nothing is sent before the first user or page is read.
 *
 * @param client  the client; the listing keeps what it needs of it.
 * @param query   which users to list; NULL for all.
 * @param users   receives the listing; free with umapi_users_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_users(const umapi_client *client,
                                const umapi_user_query *query,
                                umapi_users **users,
                                umapi_error **error);

/**
 * Begins a listing of all groups of every type: user groups, product profiles and admin groups. Nothing is sent before
 * the first group or page is read.
 *
 * @param client  the client; the listing keeps what it needs of it.
 * @param groups  receives the listing; free with umapi_groups_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_groups(const umapi_client *client,
                                 umapi_groups **groups,
                                 umapi_error **error);

/**
 * Begins a listing of user groups from the service's deprecated endpoint, the only one that says whether a group is
 * read-only. Nothing is sent before the first group or page is read.
 *
 * @param client  the client; the listing keeps what it needs of it.
 * @param groups  receives the listing; free with umapi_groups_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_user_groups(const umapi_client *client,
                                      umapi_groups **groups,
                                      umapi_error **error);

/**
 * Sends actions now, and returns the outcome of each. They are sent in as few requests as the service's limits allow.
 * Two actions on the same target, or on a group and a group that depends on it, keep their order. A request that fails
 * affects only its own actions; if two requests in a row cannot reach the host at all, the rest is not sent.
 *
 * `UMAPI_OK` means that every action has its outcome in `*results`, also if some or all actions failed or the call was
 * cancelled while it ran: look at umapi_results_count. Any other status means that nothing was sent.
 *
 * @param client   the client.
 * @param call     the options of this call; may be NULL.
 * @param actions  the actions; they are not changed, and can be executed again.
 * @param count    the number of actions.
 * @param results  receives the outcomes, in the order of the actions; free with umapi_results_free.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_execute(const umapi_client *client,
                                  const umapi_call *call,
                                  const umapi_action *const *actions,
                                  size_t count,
                                  umapi_results **results,
                                  umapi_error **error);

/**
 * Makes a queue, which sends its actions whenever there are enough for a full request.
 *
 * @param client  the client; the queue keeps what it needs of it.
 * @param queue   receives the queue; free with umapi_queue_free.
 * @param error   receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_queue(const umapi_client *client,
                                umapi_queue **queue,
                                umapi_error **error);

/**
 * Asks the service for its status.
 *
 * @param client   the client.
 * @param call     the options of this call; may be NULL.
 * @param service  receives the answer; free with umapi_service_free.
 * @param error    receives the error; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_service(const umapi_client *client,
                                  const umapi_call *call,
                                  umapi_service **service,
                                  umapi_error **error);

/**
 * Checks every step between the program and the service, and reports for each step how it went, how long it took and,
 * if it failed, what to do. Each step is tried once, and none changes anything. The steps are the configuration; then,
 * for the token host and for the service's host, the name, a connection, the proxy and TLS, as calls of this client
 * use them; a new token; and a call of the API that asks for a user who does not exist. It is meant for support staff;
 * the example program `umapi-check` shows its use.
 *
 * `UMAPI_OK` means that there is a check, also if steps in it failed: call umapi_check_passed. If the time of the call
 * runs out, the step in progress fails with `UMAPI_STATUS_DEADLINE` and the steps that depend on it are skipped.
 * Without a time limit of the call, the time limits of the client's options apply to each step.
 *
 * @param client  the client.
 * @param call    the options of this call; may be NULL.
 * @param check   receives the check; free with umapi_check_free.
 * @param error   receives the error, such as `UMAPI_STATUS_CANCELLED`; may be NULL.
 * @since 0.1.0
 */
umapi_status umapi_client_check(const umapi_client *client,
                                const umapi_call *call,
                                umapi_check **check,
                                umapi_error **error);

/**
 * Tells the service, with the next request for users, groups or actions, that a sync begins (`Pragma:
 * umapi-sync-start`). A call that sends nothing does not use it up, nor does umapi_client_service. According to Adobe
 * it helps the service's load management. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_client_sync_start(const umapi_client *client);

/**
 * Tells the service, with the next such request, that a sync ends (`Pragma: umapi-sync-end`). If a start has not been
 * sent yet, the start goes with the next request and the end with the one after it. NULL is allowed.
 *
 * @since 0.1.0
 */
void umapi_client_sync_end(const umapi_client *client);

/**
 * The number of pages of listings that this client has requested.
 *
 * @since 0.1.0
 */
uint64_t umapi_client_listing_queries(const umapi_client *client);

/**
 * The number of single users that this client has looked up.
 *
 * @since 0.1.0
 */
uint64_t umapi_client_single_queries(const umapi_client *client);

/**
 * The number of actions that this client has sent, in whole or in part.
 *
 * @since 0.1.0
 */
uint64_t umapi_client_actions_sent(const umapi_client *client);

/**
 * The number of actions of this client that have succeeded.
 *
 * @since 0.1.0
 */
uint64_t umapi_client_actions_completed(const umapi_client *client);

/**
 * The number of actions that wait in the queues of this client.
 *
 * @since 0.1.0
 */
uint64_t umapi_client_actions_queued(const umapi_client *client);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* UMAPI_H */
