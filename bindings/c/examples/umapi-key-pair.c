/*
 * Generates an RSA private key and its self-signed certificate, to upload to the Adobe Developer Console:
 *
 *     umapi-key-pair [--country DE] [--state TEXT] [--locality TEXT] [--organization TEXT] [--email ADDRESS]
 *                    [--bits 2048|3072|4096] [--days N] [--replace] NAME PRIVATE_KEY CERTIFICATE
 *
 * NAME is the common name of the certificate; the other two arguments are the files to write. Only you can read the private
 * key. Files that exist are not replaced unless --replace is given. The exit status is 0 if both files were written, 1 if
 * none was written, and 2 for wrong arguments.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <umapi.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *flag;
    umapi_status (*set)(umapi_key_pair_options *, const char *, umapi_error **);
} subject[] = {{"--country", umapi_key_pair_options_set_country},
               {"--state", umapi_key_pair_options_set_state},
               {"--locality", umapi_key_pair_options_set_locality},
               {"--organization", umapi_key_pair_options_set_organization},
               {"--email", umapi_key_pair_options_set_email}};

static umapi_status set_subject(umapi_key_pair_options *options, const char *flag, const char *value, int *known,
                                umapi_error **error)
{
    size_t i;
    for (i = 0; i < LENGTH(subject); i++) {
        if (strcmp(flag, subject[i].flag) == 0)
            return subject[i].set(options, value, error);
    }
    *known = 0;
    return UMAPI_OK;
}

static umapi_status set(umapi_key_pair_options *options, const char *flag, const char *value, int *known,
                        umapi_error **error)
{
    if (strcmp(flag, "--bits") == 0)
        return umapi_key_pair_options_set_bits(options, (int32_t)strtol(value, NULL, 10), error);
    if (strcmp(flag, "--days") == 0)
        return umapi_key_pair_options_set_not_after(options, (int64_t)time(NULL) + strtol(value, NULL, 10) * INT64_C(86400),
                                                    error);
    return set_subject(options, flag, value, known, error);
}

/* Returns the index of the first argument that is not an option, or 0 if an option is unknown or lacks its value. */
static int parse_options(umapi_key_pair_options *options, int *replace, int argc, char **argv, umapi_error **error)
{
    int i, known = 1;
    for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0 && *error == NULL; i++) {
        if (strcmp(argv[i], "--replace") == 0) {
            *replace = 1;
        } else {
            if (i + 1 == argc)
                return 0;
            set(options, argv[i], argv[i + 1], &known, error);
            if (!known)
                return 0;
            i++;
        }
    }
    return i;
}

static int usage(const char *program)
{
    fprintf(stderr,
            "usage: %s [--country DE] [--state TEXT] [--locality TEXT] [--organization TEXT] [--email ADDRESS]\n"
            "       [--bits 2048|3072|4096] [--days N] [--replace] NAME PRIVATE_KEY CERTIFICATE\n",
            program);
    return 2;
}

int main(int argc, char **argv)
{
    umapi_key_pair_options *options = umapi_key_pair_options_new();
    umapi_key_pair *pair = NULL;
    umapi_error *error = NULL;
    int replace = 0, result = 0, first = parse_options(options, &replace, argc, argv, &error);
    if (error == NULL && (first == 0 || argc - first != 3))
        result = usage(argv[0]);
    else if (error != NULL || umapi_key_pair_new(argv[first], options, &pair, &error) != UMAPI_OK
             || umapi_key_pair_save(pair, argv[first + 1], argv[first + 2], replace, &error) != UMAPI_OK) {
        fprintf(stderr, "%s\n", umapi_error_message(error));
        result = 1;
    }
    umapi_error_free(error);
    umapi_key_pair_free(pair);
    umapi_key_pair_options_free(options);
    return result;
}
