/* Functions of the programs that use libumapi: a client for the service that the environment names, and an exit on errors. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>
#include <umapi.h>

struct settings {
    int32_t read_ahead; /* pages; 0 for the library's default */
    int32_t limit;      /* requests in each window; 0 for no limit */
    int64_t window_ms;
};

/* A client with `settings` for requests to this endpoint, one of UMAPI_ENDPOINT_*. */
umapi_client *connect_to_service(int32_t endpoint, const struct settings *settings);

/* Prints the error's message and ends the program, unless the status is UMAPI_OK. */
void must(umapi_status status, umapi_error *error);

#endif
