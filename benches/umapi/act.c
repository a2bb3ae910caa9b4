/* Creates users with three groups each, through a queue.
 *
 *     act [-n actions] [-l requests -w window in ms]
 */
#define _POSIX_C_SOURCE 200809L

#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const GROUPS[] = {"Sales", "Design/UX", "Engineering"};

/* The number of actions after which outcomes are taken from the queue. */
enum { TAKEN_EVERY = 1000 };

static umapi_action *creation(int number)
{
    char address[64];
    umapi_action *action = NULL;
    umapi_error *error = NULL;

    snprintf(address, sizeof address, "person%06d@example.com", number);
    must(umapi_action_new_user(address, NULL, &action, &error), error);
    must(umapi_action_create_user(action, UMAPI_IDENTITY_FEDERATED, address, "Zoë", "Müller", "DE",
                                  UMAPI_ON_CONFLICT_IGNORE, &error), error);
    must(umapi_action_add_to_groups(action, GROUPS, 3, &error), error);
    umapi_action_set_tag(action, (uint64_t)number);
    return action;
}

/* Takes the outcomes, and returns the number of actions that succeeded. */
static size_t take(umapi_queue *queue)
{
    umapi_results *results = NULL;
    umapi_error *error = NULL;
    size_t succeeded = 0;

    must(umapi_queue_take_results(queue, &results, &error), error);
    for (size_t i = 0; i < umapi_results_length(results); i++)
        succeeded += umapi_outcome_kind(umapi_results_get(results, i)) == UMAPI_OUTCOME_SUCCEEDED;
    umapi_results_free(results);
    return succeeded;
}

int main(int count, char **arguments)
{
    struct settings settings = {0, 0, 1};
    umapi_queue *queue = NULL;
    umapi_error *error = NULL;
    int option, actions = 0;
    size_t succeeded = 0;

    while ((option = getopt(count, arguments, "n:l:w:")) != -1) {
        if (option == 'n') actions = atoi(optarg);
        if (option == 'l') settings.limit = (int32_t)atoi(optarg);
        if (option == 'w') settings.window_ms = atol(optarg);
        if (option == '?') return 2;
    }

    umapi_client *client = connect_to_service(UMAPI_ENDPOINT_ACTION, &settings);
    must(umapi_client_queue(client, &queue, &error), error);
    for (int number = 0; number < actions; number++) {
        umapi_action *action = creation(number);
        must(umapi_queue_add(queue, NULL, action, &error), error);
        umapi_action_free(action);
        if (number % TAKEN_EVERY == 0) succeeded += take(queue);
    }
    must(umapi_queue_flush(queue, NULL, &error), error);
    succeeded += take(queue);
    umapi_queue_free(queue);
    umapi_client_free(client);

    printf("{\"succeeded\":%zu}\n", succeeded);
    return 0;
}
