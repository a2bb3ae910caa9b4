/* Tests of client options, counters, sync signals, the log, and the service's status. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static umapi_error *error;

static void the_version_is_the_headers(void)
{
    CHECK_TEXT(umapi_version(), UMAPI_VERSION);
    CHECK_INT(umapi_abi_version(), UMAPI_ABI_VERSION);
}

static void queries_and_actions_are_counted(void)
{
    umapi_client *client = new_client();
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    do {
        CHECK_OK(umapi_users_next(users, NULL, &user, &error), error);
    } while (user != NULL);
    umapi_users_free(users);
    umapi_results_free(execute(client, membership("Sales")));
    umapi_results_free(execute(client, membership("Ghosts")));
    CHECK_INT(umapi_client_single_queries(client), 2);
    CHECK_INT(umapi_client_listing_queries(client), requests_to("users"));
    CHECK_INT(umapi_client_actions_sent(client), 2);
    CHECK_INT(umapi_client_actions_completed(client), 1);
    CHECK_INT(umapi_client_actions_queued(client), 0);
    umapi_client_free(client);
}

static void the_status_of_the_service(void)
{
    umapi_client *client = new_client();
    umapi_service *service = NULL;
    CHECK_OK(umapi_client_service(client, NULL, &service, &error), error);
    CHECK_TEXT(umapi_service_state(service), "LIVE");
    CHECK_TEXT(umapi_service_build(service), "sandbox");
    CHECK(umapi_service_version(service) != NULL);
    CHECK_HAS(umapi_service_json(service), "\"state\":\"LIVE\"");
    umapi_service_free(service);
    umapi_client_free(client);
}

/* Each signal is sent once, with the next call of any kind. */
static void signals_of_a_sync(void)
{
    umapi_client *client = new_client();
    char *requests, *start, *end;
    umapi_client_sync_start(client);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_sync_end(client);
    execute_successfully(client, membership("Sales"));
    execute_successfully(client, membership("Marketing"));
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"pragma\""), 2);
    start = strstr(requests, "\"pragma\":\"umapi-sync-start\"");
    end = strstr(requests, "\"pragma\":\"umapi-sync-end\"");
    CHECK(start != NULL && end != NULL && start < end);
    free(requests);
    umapi_client_free(client);
}

static long number_of_request_with(const char *requests, const char *part)
{
    const char *found = strstr(requests, part), *number = NULL, *next;
    if (found == NULL) {
        return -1;
    }
    for (next = strstr(requests, "\"number\":"); next != NULL && next < found; next = strstr(next + 1, "\"number\":")) {
        number = next;
    }
    return number == NULL ? -1 : strtol(number + strlen("\"number\":"), NULL, 10);
}

/* A call that sends no request, and the status page, do not consume a signal. */
static void a_sync_that_starts_and_ends_before_any_call(void)
{
    umapi_client *client = new_client();
    umapi_cancel *cancel = umapi_cancel_new();
    umapi_call *call = umapi_call_new();
    char *requests;
    umapi_client_sync_start(client);
    umapi_client_sync_end(client);
    umapi_cancel_trigger(cancel);
    CHECK_OK(umapi_call_set_cancel(call, cancel, &error), error);
    CHECK_FAILS(find_user(client, call, &error), UMAPI_STATUS_CANCELLED, error);
    umapi_error_free(error);
    error = NULL;
    CHECK_INT(execute_action(client, call, &error), UMAPI_STATUS_CANCELLED);
    CHECK_OK(read_service(client, NULL, &error), error);
    add_fault("{'endpoint':'token','times':1,'fault':{'status':{'code':400,'body':'ims'}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_AUTH, error);
    umapi_error_free(error);
    error = NULL;
    CHECK_OK(find_user(client, NULL, &error), error);
    execute_successfully(client, membership("Sales"));
    CHECK_OK(find_user(client, NULL, &error), error);
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"pragma\""), 2);
    CHECK_INT(number_of_request_with(requests, "umapi-sync-start") + 1,
              number_of_request_with(requests, "umapi-sync-end"));
    free(requests);
    umapi_call_free(call);
    umapi_cancel_free(cancel);
    umapi_client_free(client);
}

static void a_prefix_precedes_the_user_agent(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    char *requests;
    CHECK_OK(umapi_client_options_set_user_agent_prefix(options, "AcmeSync/3.1", &error), error);
    client = new_client_with(options);
    CHECK_OK(find_user(client, NULL, &error), error);
    requests = control("GET", "/requests", NULL);
    CHECK_INT(occurrences(requests, "\"user-agent\":\"AcmeSync/3.1 libumapi/" UMAPI_VERSION "\""), 2);
    free(requests);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void an_attempt_has_its_own_timeout(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_attempt_timeout_ms(options, 200 * slowness(), &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'user','times':1,'fault':{'stall':{'at':'after_work'}}}");
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(requests_to("user"), 2);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void retries_can_be_turned_off(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    CHECK_OK(umapi_client_options_set_retry(options, 1, 1, 1000, &error), error);
    client = new_client_with(options);
    add_fault("{'endpoint':'user','fault':{'status':{'code':503}}}");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_SERVER, error);
    CHECK_INT(umapi_error_attempts(error), 1);
    CHECK_INT(requests_to("user"), 1);
    umapi_error_free(error);
    error = NULL;
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* The client sends as many requests as the documented limit allows, and no faster, so that none is refused. */
static void the_throttle_is_respected_and_fully_used(void)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    int64_t start, took;
    int i;
    CHECK_OK(umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USER, 25, 600 * slowness(), &error), error);
    client = new_client_with(options);
    {
        char limit[128];
        sprintf(limit, "{\"endpoint\":\"user\",\"limit\":{\"requests\":25,\"window_ms\":%d}}", 600 * slowness());
        control_only("POST", "/limits", limit);
    }
    start = now_ms();
    for (i = 0; i < 60; i++) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    took = now_ms() - start;
    CHECK_INT(requests_to("user"), 60);
    CHECK(took >= 1200 * slowness());
    CHECK(took < 2000 * slowness());
    umapi_client_free(client);
    umapi_client_options_free(options);
}

typedef struct log {
    char text[65536];
    int lines;
    int destroyed;
} log;

static void write_log(int32_t level, const char *message, void *user_data)
{
    log *log = user_data;
    CHECK(level >= UMAPI_LOG_ERROR && level <= UMAPI_LOG_DEBUG);
    log->lines++;
    if (strlen(log->text) + strlen(message) + 2 < sizeof log->text) {
        strcat(strcat(log->text, message), "\n");
    }
}

static void end_log(void *user_data)
{
    ((log *)user_data)->destroyed++;
}

static umapi_client *client_with_log(log *log, int32_t level)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    memset(log, 0, sizeof *log);
    CHECK_OK(umapi_client_options_set_log(options, level, write_log, log, end_log, &error), error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

static log lines;

static void the_log_contains_requests_and_no_secrets(void)
{
    umapi_client *client = client_with_log(&lines, UMAPI_LOG_DEBUG);
    add_fault("{'endpoint':'user','times':1,'fault':{'status':{'code':503}}}");
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_HAS(lines.text, "/users/person000002");
    CHECK_HAS(lines.text, "503");
    CHECK_HAS_NOT(lines.text, environment("UMAPI_CLIENT_SECRET"));
    CHECK_HAS_NOT(lines.text, "p8e-sandbox");
    CHECK_HAS_NOT(lines.text, "sandbox.");
    CHECK_INT(lines.destroyed, 0);
    umapi_client_free(client);
    CHECK_INT(lines.destroyed, 1);
}

static void the_log_respects_its_level(void)
{
    umapi_client *client = client_with_log(&lines, UMAPI_LOG_ERROR);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_INT(lines.lines, 0);
    umapi_client_free(client);
}

static void everything_can_be_freed_in_any_order(void)
{
    umapi_client *client = new_client();
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_queue *queue = NULL;
    umapi_action *action = membership("Sales");
    umapi_results *results = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    CHECK_OK(umapi_client_queue(client, &queue, &error), error);
    umapi_client_free(client);
    CHECK_OK(umapi_users_next_page(users, NULL, &page, &error), error);
    umapi_users_free(users);
    CHECK(umapi_user_email(umapi_user_page_get(page, 0)) != NULL);
    umapi_user_page_free(page);
    CHECK_OK(umapi_queue_add(queue, NULL, action, &error), error);
    umapi_action_free(action);
    CHECK_OK(umapi_queue_flush(queue, NULL, &error), error);
    CHECK_OK(umapi_queue_take_results(queue, &results, &error), error);
    umapi_queue_free(queue);
    CHECK_INT(umapi_results_count(results, UMAPI_OUTCOME_SUCCEEDED), 1);
    umapi_results_free(results);
}

int main(void)
{
    RUN(the_version_is_the_headers);
    RUN(queries_and_actions_are_counted);
    RUN(the_status_of_the_service);
    RUN(signals_of_a_sync);
    RUN(a_sync_that_starts_and_ends_before_any_call);
    RUN(a_prefix_precedes_the_user_agent);
    RUN(an_attempt_has_its_own_timeout);
    RUN(retries_can_be_turned_off);
    RUN(the_throttle_is_respected_and_fully_used);
    RUN(the_log_contains_requests_and_no_secrets);
    RUN(the_log_respects_its_level);
    RUN(everything_can_be_freed_in_any_order);
    return all_passed();
}
