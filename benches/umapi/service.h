/* What the programs on libumapi share: a client for the service that the environment names, and a way out. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdint.h>
#include <umapi.h>

struct settings {
    int32_t read_ahead; /* pages; 0 for the library's default */
    int32_t limit;      /* requests in each window; 0 for no limit */
    int64_t window_ms;
};

/* A client that keeps `settings` for this class of requests: one of UMAPI_ENDPOINT_*. */
umapi_client *connect_to_service(int32_t endpoint, const struct settings *settings);

/* Ends the program with the error's words, unless all is well. */
void must(umapi_status status, umapi_error *error);

#endif
