/* Functions that call the service, all with one signature, so that a test can run the same checks on each of them. */

#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <umapi.h>

#define EXISTING_USER "person000002@example.com"

/* `call` may be NULL. The function frees what it receives. */
typedef umapi_status (*operation)(const umapi_client *client, const umapi_call *call, umapi_error **error);

umapi_status find_user(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status next_user(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status next_page_of_users(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status next_group(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status next_page_of_groups(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status next_page_of_user_groups(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status read_service(const umapi_client *client, const umapi_call *call, umapi_error **error);

/* Each sends one action; the status is that of the outcome's error, or UMAPI_OK if it has none. */
umapi_status execute_action(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status flush_queue(const umapi_client *client, const umapi_call *call, umapi_error **error);
umapi_status add_to_queue(const umapi_client *client, const umapi_call *call, umapi_error **error);

/* Creates newcomerN@example.com unless it exists; the tag of the action is N. */
umapi_action *creation(int number);

/* EXISTING_USER joins a group, which may be repeated, or gets another address, which may not be repeated. */
umapi_action *membership(const char *group);
umapi_action *renaming(const char *address);

#endif
