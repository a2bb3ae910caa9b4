#include "service.h"

#include <stdio.h>
#include <stdlib.h>

void must(umapi_status status, umapi_error *error)
{
    if (status == UMAPI_OK) return;
    fprintf(stderr, "%s\n", umapi_error_message(error));
    exit(1);
}

umapi_client *connect_to_service(int32_t endpoint, const struct settings *settings)
{
    umapi_credentials *me = NULL;
    umapi_client_options *options = umapi_client_options_new();
    umapi_client *client = NULL;
    umapi_error *error = NULL;
    int32_t ahead = settings->read_ahead;
    const char *client_id = getenv("UMAPI_CLIENT_ID"), *secret = getenv("UMAPI_CLIENT_SECRET");

    must(umapi_credentials_new_oauth(client_id, secret, &me, &error), error);
    must(umapi_credentials_set_auth_host(me, getenv("UMAPI_AUTH_HOST"), &error), error);
    must(umapi_client_options_set_endpoint(options, getenv("UMAPI_ENDPOINT"), &error), error);
    must(umapi_client_options_set_rate_limit(options, endpoint, settings->limit, settings->window_ms, &error), error);
    if (ahead > 0) must(umapi_client_options_set_read_ahead(options, ahead, &error), error);
    must(umapi_client_new(getenv("UMAPI_ORG_ID"), me, options, &client, &error), error);
    umapi_client_options_free(options);
    umapi_credentials_free(me);
    return client;
}
