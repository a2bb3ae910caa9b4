#include <stdio.h>
#include <stdlib.h>
#include <umapi.h>

int main(void)
{
    const char *client_id = getenv("UMAPI_CLIENT_ID"), *secret = getenv("UMAPI_CLIENT_SECRET"), *groups[] = {"Sales"};
    umapi_credentials *me = NULL;
    umapi_client *client = NULL;
    umapi_users *users = NULL;
    umapi_action *ada = NULL;
    umapi_results *results = NULL;
    umapi_error *error = NULL;
    const umapi_user *user = NULL;

    umapi_status status = umapi_credentials_new_oauth(client_id, secret, &me, &error);
    if (status == UMAPI_OK) status = umapi_client_new(getenv("UMAPI_ORG_ID"), me, NULL, &client, &error);
    if (status == UMAPI_OK) status = umapi_client_users(client, NULL, &users, &error);
    while (status == UMAPI_OK && (status = umapi_users_next(users, NULL, &user, &error)) == UMAPI_OK && user != NULL)
        printf("%s\n", umapi_user_username(user));

    if (status == UMAPI_OK) status = umapi_action_new_user("ada@example.com", NULL, &ada, &error);
    if (status == UMAPI_OK) status = umapi_action_create_user(ada, UMAPI_IDENTITY_FEDERATED, "ada@example.com", "Ada",
                                                              "Lovelace", "GB", UMAPI_ON_CONFLICT_IGNORE, &error);
    if (status == UMAPI_OK) status = umapi_action_add_to_groups(ada, groups, 1, &error);
    const umapi_action *actions[] = {ada};
    if (status == UMAPI_OK) status = umapi_client_execute(client, NULL, actions, 1, &results, &error);

    if (status != UMAPI_OK)
        fprintf(stderr, "%s\n", umapi_error_message(error));
    else if (umapi_outcome_kind(umapi_results_get(results, 0)) == UMAPI_OUTCOME_SUCCEEDED)
        puts("Ada is there, and in Sales");
    umapi_error_free(error);
    umapi_results_free(results);
    umapi_action_free(ada);
    umapi_users_free(users);
    umapi_client_free(client);
    umapi_credentials_free(me);
    return status != UMAPI_OK;
}
