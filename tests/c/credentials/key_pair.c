/* Tests of key pairs for the Developer Console: OpenSSL verifies that key and certificate are valid and match, the sandbox
 * accepts the key's signatures, and either both files are written or none. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Runs a shell script in the folder. */
#define CHECK_SHELL(script) CHECK_INT(shell(script), 0)

static umapi_error *error;
static char folder[] = "/tmp/umapi-key-pair-XXXXXX";
static umapi_key_pair *usual;

static int shell(const char *script)
{
    char command[4096];
    snprintf(command, sizeof command, "cd '%s' && { %s; } >shell.log 2>&1 || { cat shell.log; exit 1; }", folder, script);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char paths[2][512];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static umapi_status save(const char *key, const char *certificate, int32_t replace)
{
    return umapi_key_pair_save(usual, in_folder(key), in_folder(certificate), replace, &error);
}

static void openssl_verifies_that_key_and_certificate_match(void)
{
    CHECK_OK(save("private.key", "certificate.crt", 0), error);
    CHECK_SHELL("openssl x509 -in certificate.crt -noout -text >text && grep 'Version: 3 (0x2)' text"
                " && grep 'Signature Algorithm: sha256WithRSAEncryption' text && grep 'Public-Key: (2048 bit)' text"
                " && grep 'Exponent: 65537 ' text");
    CHECK_SHELL("openssl x509 -in certificate.crt -noout -subject -issuer >names"
                " && grep '^subject=CN = umapi test$' names && grep '^issuer=CN = umapi test$' names");
    CHECK_SHELL("openssl verify -x509_strict -check_ss_sig -CAfile certificate.crt certificate.crt");
    CHECK_SHELL("openssl rsa -in private.key -check -noout");
    CHECK_SHELL("test \"$(openssl x509 -in certificate.crt -noout -modulus)\""
                " = \"$(openssl rsa -in private.key -noout -modulus)\"");
}

static void the_certificate_is_valid_from_yesterday_for_ten_years(void)
{
    CHECK_SHELL("began=$(date -d \"$(openssl x509 -in certificate.crt -noout -startdate | cut -d= -f2)\" +%s)"
                " && age=$(($(date +%s) - began)) && test $age -ge 86400 && test $age -lt 90000");
    CHECK_SHELL("openssl x509 -in certificate.crt -noout -checkend $((3651 * 86400))");
    CHECK_SHELL("! openssl x509 -in certificate.crt -noout -checkend $((3654 * 86400))");
}

/* The size of a longer key. Under valgrind it is smaller, since a larger key would take minutes and prove no more. */
static int32_t longer(void)
{
    return slowness() > 1 ? 2048 : 3072;
}

static void all_fields_of_the_subject_a_longer_key_and_another_end(void)
{
    umapi_key_pair *pair = NULL;
    umapi_key_pair_options *options = umapi_key_pair_options_new();
    char script[256];
    CHECK_OK(umapi_key_pair_options_set_email(options, "it@example.com", &error), error);
    CHECK_OK(umapi_key_pair_options_set_organization(options, "Acme, \"Inc.\"", &error), error);
    CHECK_OK(umapi_key_pair_options_set_locality(options, "W\xC3\xA4" "denswil", &error), error);
    CHECK_OK(umapi_key_pair_options_set_state(options, "Z\xC3\xBC" "rich \xE6\x9D\xB1", &error), error);
    CHECK_OK(umapi_key_pair_options_set_country(options, "CH", &error), error);
    CHECK_OK(umapi_key_pair_options_set_bits(options, longer(), &error), error);
    CHECK_OK(umapi_key_pair_options_set_not_after(options, INT64_C(4102444800), &error), error);
    CHECK_OK(umapi_key_pair_new("sync", options, &pair, &error), error);
    umapi_key_pair_options_free(options);
    CHECK_OK(umapi_key_pair_save(pair, in_folder("all.key"), in_folder("all.crt"), 0, &error), error);
    umapi_key_pair_free(pair);
    CHECK_SHELL("openssl x509 -in all.crt -noout -subject -nameopt oneline,utf8,-esc_msb >names"
                " && grep '^subject=C = CH, ST = Z\xC3\xBC" "rich \xE6\x9D\xB1, L = W\xC3\xA4" "denswil,"
                " O = .Acme, .*Inc[.].*, CN = sync, emailAddress = it@example.com$' names");
    CHECK_SHELL("openssl x509 -in all.crt -noout -enddate | grep '^notAfter=Jan  1 00:00:00 2100 GMT$'");
    sprintf(script, "openssl x509 -in all.crt -noout -text | grep 'Public-Key: (%d bit)'", (int)longer());
    CHECK_SHELL(script);
    CHECK_SHELL("openssl asn1parse -in all.crt | grep -A1 ':emailAddress' | grep 'IA5STRING *:it@example.com'"
                " && openssl asn1parse -in all.crt | grep -A1 ':countryName' | grep 'PRINTABLESTRING *:CH'");
    CHECK_SHELL("openssl verify -x509_strict -check_ss_sig -CAfile all.crt all.crt");
}

static void obtains_a_token(umapi_credentials *credentials)
{
    umapi_client *client = NULL;
    umapi_client_options *options = new_options();
    umapi_user *user = NULL;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    CHECK_OK(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), error);
    umapi_user_free(user);
    umapi_client_free(client);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
}

static void the_sandbox_accepts_the_certificate_and_the_keys_signatures(void)
{
    const char *id = environment("UMAPI_CLIENT_ID"), *secret = environment("UMAPI_CLIENT_SECRET");
    const char *account = environment("UMAPI_TECH_ACCT_ID"), *pem = umapi_key_pair_private_key(usual);
    umapi_credentials *credentials = NULL;
    verify_assertions_with_pem(umapi_key_pair_certificate(usual));
    CHECK_OK(umapi_credentials_new_jwt(id, secret, account, pem, strlen(pem), &credentials, &error), error);
    obtains_a_token(credentials);
    CHECK_OK(umapi_credentials_new_jwt_from_file(id, secret, account, in_folder("private.key"), NULL, &credentials, &error),
             error);
    obtains_a_token(credentials);
}

static int mode_of(const char *name)
{
    struct stat found;
    return stat(in_folder(name), &found) == 0 ? (int)(found.st_mode & 0777) : -1;
}

static void only_the_owner_can_read_the_key(void)
{
    mode_t before = umask(0);
    CHECK_OK(save("open.key", "open.crt", 0), error);
    CHECK_INT(mode_of("open.key"), 0600);
    CHECK_INT(mode_of("open.crt"), 0644);
    CHECK_SHELL("chmod 666 open.key");
    CHECK_OK(save("open.key", "open.crt", 1), error);
    CHECK_INT(mode_of("open.key"), 0600);
    umask(before);
}

static void is_refused_as_existing(const char *key, const char *certificate, const char *argument, const char *path)
{
    CHECK_FAILS(save(key, certificate, 0), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), argument);
    CHECK_HAS(umapi_error_message(error), path);
    CHECK_HAS(umapi_error_message(error), "exists already");
    umapi_error_free(error);
    error = NULL;
}

static void existing_files_are_kept_unless_replacement_is_requested(void)
{
    CHECK_SHELL("echo mine >my.key && echo mine >my.crt && ln -s nowhere dangling.key");
    is_refused_as_existing("my.key", "new.crt", "private_key_path: ", "/my.key");
    is_refused_as_existing("new.key", "my.crt", "certificate_path: ", "/my.crt");
    is_refused_as_existing("dangling.key", "new.crt", "private_key_path: ", "/dangling.key");
    CHECK_SHELL("test \"$(cat my.key my.crt)\" = \"$(printf 'mine\\nmine')\" && ! ls | grep -e new -e nowhere -e old");
    CHECK_OK(save("my.key", "my.crt", 1), error);
    CHECK_OK(save("new.key", "new.crt", 1), error);
    CHECK_SHELL("cmp my.key private.key && cmp my.crt certificate.crt && cmp new.key private.key && ! ls | grep old");
}

static void a_failure_leaves_no_file_of_the_pair(void)
{
    CHECK_SHELL("mkdir taken && echo mine >kept.key");
    CHECK_FAILS(save("half.key", "nowhere/half.crt", 0), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "certificate_path: ");
    CHECK_HAS(umapi_error_message(error), "/nowhere/half.crt: cannot be created: No such file");
    umapi_error_free(error);
    CHECK_FAILS(save("kept.key", "taken", 1), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "/taken: cannot be replaced");
    umapi_error_free(error);
    CHECK_FAILS(save("same", "same", 1), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "certificate_path: is the path of the other file");
    umapi_error_free(error);
    CHECK_FAILS(save("kept.key", "taken/../kept.key", 1), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "certificate_path: is the path of the other file");
    umapi_error_free(error);
    error = NULL;
    CHECK_SHELL("test \"$(cat kept.key)\" = mine && ! ls | grep -e half -e same -e old");
}

int main(void)
{
    char remove[64];
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    CHECK_OK(umapi_key_pair_new("umapi test", NULL, &usual, &error), error);
    RUN(openssl_verifies_that_key_and_certificate_match);
    RUN(the_certificate_is_valid_from_yesterday_for_ten_years);
    RUN(all_fields_of_the_subject_a_longer_key_and_another_end);
    RUN(the_sandbox_accepts_the_certificate_and_the_keys_signatures);
    RUN(only_the_owner_can_read_the_key);
    RUN(existing_files_are_kept_unless_replacement_is_requested);
    RUN(a_failure_leaves_no_file_of_the_pair);
    umapi_key_pair_free(usual);
    sprintf(remove, "rm -r '%s'", folder);
    CHECK_INT(system(remove), 0);
    return all_passed();
}
