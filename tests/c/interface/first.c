/* A test of the README's program, unchanged, against the sandbox. */

#include "harness.h"

static umapi_status client_of_the_sandbox(const char *org_id, umapi_credentials *credentials,
                                          const umapi_client_options *none, umapi_client **client, umapi_error **error)
{
    umapi_client_options *options = new_options();
    umapi_status status = umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), error);
    CHECK(none == NULL);
    if (status == UMAPI_OK) {
        status = umapi_client_new(org_id, credentials, options, client, error);
    }
    umapi_client_options_free(options);
    return status;
}

#define umapi_client_new client_of_the_sandbox
#define main first
#include "../../../bindings/c/examples/first.c"
#undef main

static void the_first_program(void)
{
    char *ada;
    CHECK_INT(first(), 0);
    ada = user_in_state("ada@example.com");
    CHECK_HAS(ada, "\"groups\":[\"Sales\"]");
    free(ada);
}

int main(void)
{
    RUN(the_first_program);
    return all_passed();
}
