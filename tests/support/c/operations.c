#include "operations.h"

#include "harness.h"

#include <stdio.h>

/* ---- Reading ---- */

umapi_status find_user(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_user *user = NULL;
    umapi_status status = umapi_client_find_user(client, call, EXISTING_USER, NULL, &user, error);
    CHECK_TEXT(umapi_user_email(user), status == UMAPI_OK ? EXISTING_USER : NULL);
    umapi_user_free(user);
    return status;
}

umapi_status next_user(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    umapi_status status = umapi_client_users(client, NULL, &users, error);
    if (status == UMAPI_OK) {
        status = umapi_users_next(users, call, &user, error);
    }
    CHECK(status == UMAPI_OK || user == NULL);
    umapi_users_free(users);
    return status;
}

umapi_status next_page_of_users(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_status status = umapi_client_users(client, NULL, &users, error);
    if (status == UMAPI_OK) {
        status = umapi_users_next_page(users, call, &page, error);
    }
    CHECK(status == UMAPI_OK || page == NULL);
    umapi_user_page_free(page);
    umapi_users_free(users);
    return status;
}

umapi_status next_group(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_groups *groups = NULL;
    const umapi_group *group = NULL;
    umapi_status status = umapi_client_groups(client, &groups, error);
    if (status == UMAPI_OK) {
        status = umapi_groups_next(groups, call, &group, error);
    }
    CHECK(status == UMAPI_OK || group == NULL);
    umapi_groups_free(groups);
    return status;
}

static umapi_status next_group_page(umapi_groups *groups, const umapi_call *call, umapi_error **error)
{
    umapi_group_page *page = NULL;
    umapi_status status = umapi_groups_next_page(groups, call, &page, error);
    CHECK(status == UMAPI_OK || page == NULL);
    umapi_group_page_free(page);
    umapi_groups_free(groups);
    return status;
}

umapi_status next_page_of_groups(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_groups *groups = NULL;
    umapi_status status = umapi_client_groups(client, &groups, error);
    return status == UMAPI_OK ? next_group_page(groups, call, error) : status;
}

umapi_status next_page_of_user_groups(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_groups *groups = NULL;
    umapi_status status = umapi_client_user_groups(client, &groups, error);
    return status == UMAPI_OK ? next_group_page(groups, call, error) : status;
}

umapi_status read_service(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_service *service = NULL;
    umapi_status status = umapi_client_service(client, call, &service, error);
    CHECK(status == UMAPI_OK || service == NULL);
    umapi_service_free(service);
    return status;
}

/* ---- Acting ---- */

umapi_action *creation(int number)
{
    umapi_error *error = NULL;
    char email[64];
    umapi_action *action;
    sprintf(email, "newcomer%d@example.com", number);
    action = user_action(email);
    umapi_action_set_tag(action, (uint64_t)number);
    CHECK_OK(umapi_action_create_user(action, UMAPI_IDENTITY_FEDERATED, email, "A", "B", "US", UMAPI_ON_CONFLICT_IGNORE,
                                      &error),
             error);
    return action;
}

umapi_action *membership(const char *group)
{
    umapi_error *error = NULL;
    umapi_action *action = user_action(EXISTING_USER);
    CHECK_OK(umapi_action_add_to_groups(action, &group, 1, &error), error);
    return action;
}

umapi_action *renaming(const char *address)
{
    umapi_error *error = NULL;
    umapi_action *action = user_action(EXISTING_USER);
    CHECK_OK(umapi_action_update_user(action, address, NULL, NULL, NULL, &error), error);
    return action;
}

/* The status of the only outcome's error. */
static umapi_status status_of(umapi_results *results)
{
    umapi_status status = umapi_error_status(umapi_outcome_error(umapi_results_get(results, 0)));
    CHECK_INT(umapi_results_length(results), 1);
    umapi_results_free(results);
    return status;
}

umapi_status execute_action(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_action *action = membership("Sales");
    const umapi_action *one = action;
    umapi_results *results = NULL;
    umapi_status status = umapi_client_execute(client, call, &one, 1, &results, error);
    umapi_action_free(action);
    return status == UMAPI_OK ? status_of(results) : status;
}

umapi_status flush_queue(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_action *action = membership("Sales");
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    CHECK_INT(umapi_client_queue(client, &queue, error), UMAPI_OK);
    CHECK_INT(umapi_queue_add(queue, NULL, action, error), UMAPI_OK);
    CHECK_INT(umapi_queue_flush(queue, call, error), UMAPI_OK);
    CHECK_INT(umapi_queue_take_results(queue, &results, error), UMAPI_OK);
    umapi_queue_free(queue);
    umapi_action_free(action);
    return status_of(results);
}

umapi_status add_to_queue(const umapi_client *client, const umapi_call *call, umapi_error **error)
{
    umapi_action *action = membership("Sales");
    umapi_queue *queue = NULL;
    umapi_results *results = NULL;
    CHECK_INT(umapi_client_queue(client, &queue, error), UMAPI_OK);
    CHECK_INT(umapi_queue_add(queue, call, action, error), UMAPI_OK);
    CHECK_INT(umapi_queue_take_results(queue, &results, error), UMAPI_OK);
    umapi_queue_free(queue);
    umapi_action_free(action);
    return status_of(results);
}
