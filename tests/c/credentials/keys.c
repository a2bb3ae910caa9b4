/* Tests that private keys in every form of OpenSSL are read, and that the sandbox accepts their signatures; any other file
 * is refused with a message that says what it is. */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSPHRASE "correct horse"

static umapi_error *error;

static umapi_status from_bytes(const char *file, const char *passphrase, umapi_credentials **credentials)
{
    size_t length;
    char *pem = read_file(test_key(file), &length);
    umapi_status status = umapi_credentials_new_jwt_with_passphrase(
        environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"), environment("UMAPI_TECH_ACCT_ID"), pem, length,
        passphrase, credentials, &error);
    free(pem);
    return status;
}

static umapi_status from_file(const char *file, const char *passphrase, umapi_credentials **credentials)
{
    return umapi_credentials_new_jwt_from_file(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                               environment("UMAPI_TECH_ACCT_ID"), test_key(file), passphrase, credentials,
                                               &error);
}

/* Obtains a token; the sandbox verifies the signature of each assertion. */
static void obtains_a_token(umapi_credentials *credentials)
{
    umapi_client *client = NULL;
    umapi_client_options *options = new_options();
    umapi_user *user = NULL;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_OK(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), EXISTING_USER);
    umapi_user_free(user);
    umapi_client_free(client);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
}

static void is_read(const char *file, const char *passphrase)
{
    umapi_credentials *credentials = NULL;
    umapi_status status = from_bytes(file, passphrase, &credentials);
    if (status != UMAPI_OK) {
        printf("%s: %s\n", file, umapi_error_message(error));
    }
    CHECK_OK(status, error);
    obtains_a_token(credentials);
}

#define EACH(file, files) for (file = files; *file != NULL; file++)

static void keys_without_a_passphrase(void)
{
    static const char *const files[] = {"pkcs1.pem",        "pkcs8.pem", "crlf.pem",
                                        "bom.pem",          "utf16.pem", "leading-text.pem", "base64-of-pem.txt",
                                        "no-final-newline.pem", "certificate-and-key.pem", NULL};
    const char *const *file;
    verify_assertions_with("public.pem");
    EACH(file, files) is_read(*file, NULL);
}

static void a_passphrase_for_a_plain_key_is_ignored(void)
{
    verify_assertions_with("public.pem");
    is_read("pkcs1.pem", PASSPHRASE);
    is_read("pkcs8.pem", PASSPHRASE);
    is_read("pkcs8.pem", "");
}

/* The key as environment variables, shells or JSON may change it: with other line ends, and in quotes. */
static char *reformatted(const char *pem, size_t length, const char *end, const char *quote)
{
    char *text = calloc(5, length + 8), *to = text;
    size_t i;
    to += sprintf(to, "%s", quote);
    for (i = 0; i < length; i++) {
        to += pem[i] == '\n' ? sprintf(to, "%s", end) : sprintf(to, "%c", pem[i]);
    }
    sprintf(to, "%s", quote);
    return text;
}

static void keys_from_environment_variables(void)
{
    static const char *const ENDS[] = {"\\n", "\\r\\n", "\\\\n", " ", "", "\r\n", "\r", "\\n\n"};
    static const char *const QUOTES[] = {"", "\"", "'", "\\\""};
    static const char *const FILES[] = {"pkcs1.pem", "pkcs8.pem", "pbes2-aes-256-cbc.pem", "legacy-aes-256-cbc.pem",
                                        "legacy-des-ede3-cbc.pem", "private-key-aes-256-cbc.pem", NULL};
    const char *const *file;
    size_t e, q, length;
    verify_assertions_with("public.pem");
    EACH(file, FILES) {
        char *pem = read_file(test_key(*file), &length);
        for (e = 0; e < sizeof ENDS / sizeof *ENDS; e++) {
            for (q = 0; q < sizeof QUOTES / sizeof *QUOTES; q++) {
                umapi_credentials *credentials = NULL;
                char *text = reformatted(pem, length, ENDS[e], QUOTES[q]);
                CHECK_OK(umapi_credentials_new_jwt_with_passphrase(
                             environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                             environment("UMAPI_TECH_ACCT_ID"), text, strlen(text), PASSPHRASE, &credentials, &error),
                         error);
                if (q == e % 4 && credentials != NULL) {
                    obtains_a_token(credentials);
                } else {
                    umapi_credentials_free(credentials);
                }
                free(text);
            }
        }
        free(pem);
    }
}

static void a_longer_key(void)
{
    verify_assertions_with("other-public.pem");
    is_read("other-pkcs8.pem", NULL);
}

static const char *const encrypted[] = {"pbes2-aes-128-cbc.pem",
                                        "pbes2-aes-192-cbc.pem",
                                        "pbes2-aes-256-cbc.pem",
                                        "pbes2-des3.pem",
                                        "pbes2-SHA1.pem",
                                        "pbes2-SHA224.pem",
                                        "pbes2-SHA384.pem",
                                        "pbes2-SHA512.pem",
                                        "pbes2-iterations.pem",
                                        "pbes2-scrypt.pem",
                                        "pbes1-PBE-MD5-DES.pem",
                                        "pbes1-PBE-SHA1-DES.pem",
                                        "pbes1-PBE-MD5-RC2-64.pem",
                                        "pbes1-PBE-SHA1-RC2-64.pem",
                                        "pbes1-PBE-SHA1-3DES.pem",
                                        "pbes1-PBE-SHA1-2DES.pem",
                                        "pbes1-PBE-SHA1-RC2-128.pem",
                                        "pbes1-PBE-SHA1-RC2-40.pem",
                                        "legacy-aes-128-cbc.pem",
                                        "legacy-aes-192-cbc.pem",
                                        "legacy-aes-256-cbc.pem",
                                        "legacy-des-ede3-cbc.pem",
                                        "crlf-legacy.pem",
                                        "private-key-des-ede3-cbc.pem",
                                        "private-key-aes-256-cbc.pem",
                                        NULL};

static void encrypted_keys(void)
{
    const char *const *file;
    verify_assertions_with("public.pem");
    EACH(file, encrypted) is_read(*file, PASSPHRASE);
}

static void a_passphrase_beyond_ascii(void)
{
    static const char *const files[] = {"utf8-aes-256-cbc.pem", "utf8-PBE-SHA1-3DES.pem", "utf8-PBE-SHA1-DES.pem", NULL};
    const char *const *file;
    size_t length;
    char *passphrase = read_file(test_key("utf8-passphrase"), &length);
    verify_assertions_with("public.pem");
    EACH(file, files) is_read(*file, passphrase);
    free(passphrase);
}

static void keys_in_files(void)
{
    umapi_credentials *credentials = NULL;
    verify_assertions_with("public.pem");
    CHECK_OK(from_file("pkcs8.pem", NULL, &credentials), error);
    obtains_a_token(credentials);
    CHECK_OK(from_file("private-key-des-ede3-cbc.pem", PASSPHRASE, &credentials), error);
    obtains_a_token(credentials);
}

/* Checks that no sixteen consecutive characters of the key's file are in the message. */
static void contains_nothing_of(const char *file)
{
    size_t length, start;
    char *pem = read_file(test_key(file), &length), piece[17] = "";
    for (start = 0; start + 16 < length; start++) {
        memcpy(piece, pem + start, 16);
        if (strstr(piece, "-----") == NULL && strstr(piece, "PRIVATE KEY") == NULL && strlen(piece) == 16) {
            CHECK_HAS_NOT(umapi_error_message(error), piece);
        }
    }
    CHECK_HAS_NOT(umapi_error_message(error), PASSPHRASE);
    free(pem);
}

static void is_refused(const char *file, const char *passphrase, const char *argument, const char *message)
{
    umapi_credentials *credentials = (umapi_credentials *)&error;
    char start[64];
    CHECK_FAILS(from_bytes(file, passphrase, &credentials), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK(credentials == NULL);
    sprintf(start, "%s: ", argument);
    CHECK(umapi_error_message(error) != NULL && strstr(umapi_error_message(error), start) == umapi_error_message(error));
    CHECK_HAS(umapi_error_message(error), message);
    contains_nothing_of(file);
    umapi_error_free(error);
    error = NULL;
}

static void a_missing_passphrase(void)
{
    const char *const *file;
    EACH(file, encrypted) is_refused(*file, NULL, "passphrase", "is missing, and the private key is encrypted");
}

static void a_wrong_passphrase(void)
{
    const char *const *file;
    EACH(file, encrypted) {
        is_refused(*file, "Correct horse", "passphrase", "is wrong, or the key is damaged");
        is_refused(*file, "", "passphrase", "is wrong, or the key is damaged");
    }
}

static void files_that_are_not_rsa_private_keys(void)
{
    static const struct {
        const char *file, *message;
    } others[] = {{"public.pem", "is a public key"},
                  {"certificate.pem", "is a certificate;"},
                  {"request.pem", "is a certificate request"},
                  {"ec.pem", "is an EC key"},
                  {"ec-sec1.pem", "is an EC key"},
                  {"ec-encrypted.pem", "is an EC key"},
                  {"ed25519.pem", "is an Ed25519 key"},
                  {"rsa-pss.pem", "is an RSA-PSS key"},
                  {"short-pkcs1.pem", "1024 bits; at least 2048"},
                  {"short-pkcs8.pem", "1024 bits; at least 2048"},
                  {"short-encrypted.pem", "1024 bits; at least 2048"},
                  {"pkcs8.der", "is binary"},
                  {"bundle.p12", "is binary"},
                  {"passphrase", "is not PEM"},
                  {"no-marks.txt", "is base64 without its first and last line"},
                  {"percent-encoded.txt", "is percent-encoded"},
                  {"cut-short.pem", "its END line is missing"},
                  {"not-base64.pem", "is not base64"},
                  {"damaged.pem", "is damaged"},
                  {"pbes1-PBE-SHA1-RC4-128.pem", "with an algorithm that is not supported"}};
    size_t i;
    for (i = 0; i < sizeof others / sizeof *others; i++) {
        is_refused(others[i].file, PASSPHRASE, "private_key", others[i].message);
    }
}

static void files_that_cannot_be_read(void)
{
    umapi_credentials *credentials = NULL;
    CHECK_FAILS(from_file("nowhere.pem", NULL, &credentials), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "private_key_path: ");
    CHECK_HAS(umapi_error_message(error), "nowhere.pem: cannot be read: No such file");
    umapi_error_free(error);
    CHECK_FAILS(from_file("", NULL, &credentials), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "cannot be read: Is a directory");
    umapi_error_free(error);
    CHECK_FAILS(from_file("certificate.pem", NULL, &credentials), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "certificate.pem: is a certificate");
    umapi_error_free(error);
    CHECK_FAILS(from_file("pbes2-scrypt.pem", NULL, &credentials), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "passphrase: is missing");
    umapi_error_free(error);
    CHECK_FAILS(umapi_credentials_new_jwt_from_file("c", "s", "t", "/dev/zero", NULL, &credentials, &error),
                UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "/dev/zero: is longer than 1 MiB");
    umapi_error_free(error);
    error = NULL;
}

int main(void)
{
    RUN(keys_without_a_passphrase);
    RUN(a_passphrase_for_a_plain_key_is_ignored);
    RUN(keys_from_environment_variables);
    RUN(a_longer_key);
    RUN(encrypted_keys);
    RUN(a_passphrase_beyond_ascii);
    RUN(keys_in_files);
    RUN(a_missing_passphrase);
    RUN(a_wrong_passphrase);
    RUN(files_that_are_not_rsa_private_keys);
    RUN(files_that_cannot_be_read);
    return all_passed();
}
