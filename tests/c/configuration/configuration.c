/* Tests of clients from a configuration: from a file with the library's own keys or in the form of the Developer Console,
 * and from the environment. Each mistake is reported with its file and key. */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static umapi_error *error;
static char folder[] = "/tmp/umapi-configuration-XXXXXX";
static char file[64];

/* The environment is restored after each test. */
static const char *const variables[] = {
    "UMAPI_ORG_ID",    "UMAPI_CLIENT_ID", "UMAPI_CLIENT_SECRET", "UMAPI_TECH_ACCT_ID", "UMAPI_PRIVATE_KEY_PATH",
    "UMAPI_PRIVATE_KEY_PASSPHRASE", "UMAPI_ENDPOINT", "UMAPI_AUTH_HOST", "UMAPI_AUTH_PATH", "UMAPI_CA_FILE",
    "UMAPI_CONNECT_TIMEOUT_MS", "UMAPI_ATTEMPT_TIMEOUT_MS", "UMAPI_PROXY", "UMAPI_PROXY_USER", "UMAPI_PROXY_PASSWORD",
    "UMAPI_DANGER_ACCEPT_INVALID_CERTIFICATES", "UMAPI_USER_AGENT_PREFIX", "UMAPI_MAX_ATTEMPTS", "UMAPI_LOG_LEVEL"};
enum { VARIABLES = sizeof variables / sizeof *variables };
static char *values[VARIABLES];

static void remember_the_environment(void)
{
    size_t i;
    for (i = 0; i < VARIABLES; i++) {
        values[i] = getenv(variables[i]) == NULL ? NULL : strdup(getenv(variables[i]));
    }
}

static void restore_the_environment(void)
{
    size_t i;
    for (i = 0; i < VARIABLES; i++) {
        if (values[i] == NULL) {
            unsetenv(variables[i]);
        } else {
            setenv(variables[i], values[i], 1);
        }
    }
}

static void clear_the_environment(void)
{
    size_t i;
    for (i = 0; i < VARIABLES; i++) {
        unsetenv(variables[i]);
    }
}

static const char *value_of(const char *name)
{
    size_t i;
    for (i = 0; i < VARIABLES; i++) {
        if (strcmp(variables[i], name) == 0 && values[i] != NULL) {
            return values[i];
        }
    }
    return environment(name);
}

/* Writes the configuration. Single quotes stand for double quotes, and $NAME for a value of the sandbox. */
static void write_file(const char *template)
{
    FILE *out = fopen(file, "w");
    const char *at;
    for (at = template; *at != '\0'; at++) {
        if (*at == '$') {
            char name[64] = "UMAPI_";
            size_t length = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
            strncat(name, at + 1, length);
            fputs(value_of(name), out);
            at += length;
        } else {
            fputc(*at == '\'' ? '"' : *at, out);
        }
    }
    fclose(out);
}

static void copy_key(const char *name, const char *to)
{
    char path[512];
    size_t length;
    char *pem = read_file(test_key(name), &length);
    FILE *out;
    sprintf(path, "%s/%s", folder, to);
    out = fopen(path, "w");
    fwrite(pem, 1, length, out);
    fclose(out);
    free(pem);
}

static void finds_a_user(umapi_client *client)
{
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), error);
    CHECK_TEXT(umapi_user_email(user), EXISTING_USER);
    umapi_user_free(user);
    umapi_client_free(client);
}

static void works(const char *template)
{
    umapi_client *client = NULL;
    write_file(template);
    CHECK_OK(umapi_client_new_from_file(file, NULL, &client, &error), error);
    finds_a_user(client);
}

static long exchanges(const char *path)
{
    char *requests = control("GET", "/requests", NULL), part[64];
    long count;
    sprintf(part, "\"path\":\"%s\"", path);
    count = (long)occurrences(requests, part);
    free(requests);
    return count;
}

#define WHERE "'endpoint':'$ENDPOINT','auth_host':'$AUTH_HOST','ca_file':'$CA_FILE'"
#define OAUTH "'org_id':'$ORG_ID','client_id':'$CLIENT_ID','client_secret':'$CLIENT_SECRET'"
#define PROJECT(credentials)                                                                                               \
    "'project':{'id':'1','name':'2','title':'My project','org':{'id':'3','name':'Acme','ims_org_id':'$ORG_ID'},"           \
    "'workspace':{'id':'4','name':'Production','details':{'credentials':[" credentials "],"                                \
    "'services':[{'code':'UserManagementSDK','name':'User Management API'}],'runtime':{'namespaces':[]}}}}"
#define API_KEY "{'id':'5','name':'k','integration_type':'apikey','api_key':{'client_id':'other'}}"
#define PROJECT_OAUTH                                                                                                      \
    "{'id':'6','name':'o','integration_type':'oauth_server_to_server','oauth_server_to_server':{'client_id':'$CLIENT_ID',"  \
    "'client_secrets':['$CLIENT_SECRET','another'],'technical_account_email':'7@techacct.adobe.com',"                      \
    "'technical_account_id':'8@techacct.adobe.com','scopes':['openid','AdobeID','user_management_sdk']}}"
#define PROJECT_JWT                                                                                                        \
    "{'id':'9','name':'j','integration_type':'service','jwt':{'client_id':'$CLIENT_ID','client_secret':'$CLIENT_SECRET',"  \
    "'technical_account_email':'7@techacct.adobe.com','technical_account_id':'$TECH_ACCT_ID',"                             \
    "'meta_scopes':['ent_user_sdk'],'public_keys':[]}}"

#define OTHER_OAUTH                                                                                                        \
    "{'oauth_server_to_server':{'client_id':'other-oauth','client_secrets':['wrong'],'technical_account_id':'t'}}"
#define OTHER_JWT "{'jwt':{'client_id':'other-jwt','client_secret':'wrong','technical_account_id':'t'}}"

static void own_keys(void)
{
    works("{" OAUTH "," WHERE ",'connect_timeout_ms':5000,'attempt_timeout_ms':60000}");
    CHECK_INT(exchanges("/ims/token/v2"), 1);
    works("\xEF\xBB\xBF{" OAUTH "," WHERE ",'auth_path':'/ims/token/v3'}\r\n");
    CHECK_INT(exchanges("/ims/token/v3"), 1);
}

static void own_keys_with_a_private_key_in_the_files_folder(void)
{
    verify_assertions_with("public.pem");
    works("{" OAUTH "," WHERE ",'tech_acct_id':'$TECH_ACCT_ID','private_key_path':'plain.key'}");
    works("{" OAUTH "," WHERE ",'tech_acct_id':'$TECH_ACCT_ID','private_key_path':'./closed.key',"
          "'private_key_passphrase':'correct horse'}");
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 2);
    setenv("UMAPI_PRIVATE_KEY_PASSPHRASE", "correct horse", 1);
    works("{" OAUTH "," WHERE ",'tech_acct_id':'$TECH_ACCT_ID','private_key_path':'closed.key'}");
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 3);
}

static void a_secret_in_the_environment(void)
{
    setenv("UMAPI_CLIENT_SECRET", value_of("UMAPI_CLIENT_SECRET"), 1);
    works("{'org_id':'$ORG_ID','client_id':'$CLIENT_ID'," WHERE "}");
}

static void a_project_file_with_oauth(void)
{
    works("{" PROJECT(API_KEY "," PROJECT_OAUTH) "," WHERE "}");
    CHECK_INT(exchanges("/ims/token/v2"), 1);
}

static void a_project_file_with_jwt(void)
{
    char path[128];
    verify_assertions_with("public.pem");
    works("{" PROJECT(PROJECT_JWT) "," WHERE ",'private_key_path':'plain.key'}");
    sprintf(path, "%s/plain.key", folder);
    setenv("UMAPI_PRIVATE_KEY_PATH", path, 1);
    works("{" PROJECT(PROJECT_JWT) "," WHERE "}");
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 2);
}

/* A project in transition has one credential of each kind: OAuth is used, unless a key beside the project selects JWT. */
static void a_project_file_in_transition(void)
{
    char path[128];
    works("{" PROJECT(PROJECT_JWT "," PROJECT_OAUTH) "," WHERE "}");
    works("{" PROJECT(PROJECT_OAUTH "," OTHER_JWT) "," WHERE "}");
    works("{" PROJECT(PROJECT_OAUTH "," OTHER_JWT) "," WHERE ",'client_id':'$CLIENT_ID'}");
    works("{" PROJECT(PROJECT_JWT "," PROJECT_OAUTH) "," WHERE ",'client_id':'$CLIENT_ID'}");
    /* The variable may be a remnant, and is not beside the project, so it does not select JWT. */
    sprintf(path, "%s/plain.key", folder);
    setenv("UMAPI_PRIVATE_KEY_PATH", path, 1);
    works("{" PROJECT(PROJECT_JWT "," PROJECT_OAUTH) "," WHERE "}");
    unsetenv("UMAPI_PRIVATE_KEY_PATH");
    CHECK_INT(exchanges("/ims/token/v2"), 5);
    verify_assertions_with("public.pem");
    works("{" PROJECT(PROJECT_JWT "," OTHER_OAUTH) "," WHERE ",'private_key_path':'plain.key'}");
    works("{" PROJECT(PROJECT_OAUTH "," PROJECT_JWT) "," WHERE ",'private_key_path':'plain.key','client_id':'$CLIENT_ID'}");
    setenv("UMAPI_PRIVATE_KEY_PATH", path, 1);
    works("{" PROJECT(PROJECT_JWT "," OTHER_OAUTH) "," WHERE ",'client_id':'$CLIENT_ID'}");
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 3);
}

static void the_client_id_selects_one_of_several_credentials(void)
{
    works("{" PROJECT(OTHER_OAUTH "," PROJECT_OAUTH) "," WHERE ",'client_id':'$CLIENT_ID'}");
    works("{" PROJECT(OTHER_JWT "," PROJECT_OAUTH "," OTHER_OAUTH) "," WHERE ",'client_id':'$CLIENT_ID'}");
    CHECK_INT(exchanges("/ims/token/v2"), 2);
    verify_assertions_with("public.pem");
    works("{" PROJECT(OTHER_JWT "," PROJECT_JWT) "," WHERE ",'private_key_path':'plain.key','client_id':'$CLIENT_ID'}");
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 1);
}

static void own_keys_override_the_project(void)
{
    control_only("POST", "/settings", "{\"client_secret\":\"p8e-the-next\"}");
    works("{" PROJECT(PROJECT_OAUTH) "," WHERE ",'client_secret':'p8e-the-next'}");
}

/* The file overrides the options of the program. */
static void options_and_configuration_together(void)
{
    umapi_client *client = NULL;
    umapi_client_options *options = umapi_client_options_new();
    char *requests;
    CHECK_OK(umapi_client_options_set_endpoint(options, "http://127.0.0.1:1/nowhere", &error), error);
    CHECK_OK(umapi_client_options_set_user_agent_prefix(options, "acme-sync/2.1", &error), error);
    write_file("{" OAUTH "," WHERE "}");
    CHECK_OK(umapi_client_new_from_file(file, options, &client, &error), error);
    umapi_client_options_free(options);
    finds_a_user(client);
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "acme-sync/2.1 libumapi/");
    free(requests);
}

static void timeouts_of_the_file_are_respected(void)
{
    umapi_client *client = NULL;
    umapi_client_options *options = umapi_client_options_new();
    umapi_user *user = NULL;
    CHECK_OK(umapi_client_options_set_retry(options, 1, 1, 1, &error), error);
    write_file("{" OAUTH "," WHERE ",'attempt_timeout_ms':300}");
    add_fault("{'endpoint':'token','fault':{'stall':{'at':'before_work'}}}");
    CHECK_OK(umapi_client_new_from_file(file, options, &client, &error), error);
    CHECK_FAILS(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), UMAPI_STATUS_TIMEOUT, error);
    CHECK_HAS(umapi_error_message(error), "300ms");
    umapi_error_free(error);
    error = NULL;
    umapi_client_free(client);
    umapi_client_options_free(options);
}

/* The message begins with the file and then `message`, and contains no secret. */
static void is_refused(const char *template, const char *message)
{
    umapi_client *client = (umapi_client *)&error;
    char start[512];
    write_file(template);
    CHECK_FAILS(umapi_client_new_from_file(file, NULL, &client, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK(client == NULL);
    sprintf(start, "%s: %s", file, message);
    CHECK_HAS(umapi_error_message(error), start);
    CHECK(umapi_error_message(error) != NULL && strncmp(umapi_error_message(error), start, strlen(start)) == 0);
    CHECK_HAS_NOT(umapi_error_message(error), value_of("UMAPI_CLIENT_SECRET"));
    CHECK_HAS_NOT(umapi_error_message(error), "correct horse");
    umapi_error_free(error);
    error = NULL;
}

static void unknown_missing_and_invalid_keys(void)
{
    is_refused("", "is no JSON: ");
    is_refused("{" OAUTH ",}", "is no JSON: ");
    is_refused("{'client_secret':'$CLIENT_SECRET", "is no JSON: ");
    is_refused("['$CLIENT_SECRET']", "must be an object");
    is_refused("{" OAUTH ",'client_id':'$CLIENT_ID'}", "client_id: stands there twice");
    is_refused("{'project':{},'project':{}}", "project: stands there twice");
    is_refused("{'org_id':'caf\xE9'}", "is not UTF-8");
    is_refused("\xFF\xFE{", "is no JSON: ");
    is_refused("'text'", "must be an object");
    is_refused("7", "must be an object");
    is_refused("{" OAUTH "}{}", "is no JSON: trailing characters");
    is_refused("{" OAUTH ",'clientid':'x'}", "unknown key \"clientid\"; known are org_id, client_id, ");
    is_refused("{}", "org_id: is missing");
    is_refused("{'org_id':'o'}", "client_id: is missing");
    is_refused("{'org_id':'o','client_id':'c'}", "client_secret: is missing; add it, or set UMAPI_CLIENT_SECRET");
    is_refused("{'org_id':'','client_id':'c','client_secret':'s'}", "org_id: must not be empty");
    is_refused("{'org_id':7,'client_id':'c','client_secret':'s'}", "org_id: must be a string");
    is_refused("{'org_id':'o','client_id':'a b','client_secret':'s'}", "client_id: contains a space");
    is_refused("{'org_id':'o','client_id':'c','client_secret':'a\\nb'}", "client_secret: contains a space");
    is_refused("{'org_id':'o','client_id':'c','client_secret':null}", "client_secret: must be a string");
    is_refused("{" OAUTH ",'endpoint':'http://example.com'}", "endpoint: ");
    is_refused("{" OAUTH ",'auth_host':'ims.example/path'}", "auth_host: must be a host without a path");
    is_refused("{" OAUTH ",'auth_path':'ims'}", "auth_path: is not an absolute path");
    is_refused("{" OAUTH ",'connect_timeout_ms':'5 s'}", "connect_timeout_ms: must be a number of milliseconds");
    is_refused("{" OAUTH ",'attempt_timeout_ms':0}", "attempt_timeout_ms: must be a whole number of milliseconds");
    is_refused("{" OAUTH ",'attempt_timeout_ms':1.5}", "attempt_timeout_ms: must be a whole number of milliseconds");
    is_refused("{" OAUTH ",'ca_file':''}", "ca_file: must not be empty");
}

static void invalid_private_keys_and_certificates(void)
{
    char message[256];
    sprintf(message, "ca_file: %s/nowhere.pem: cannot be read: No such file", folder);
    is_refused("{" OAUTH ",'ca_file':'nowhere.pem'}", message);
    sprintf(message, "ca_file: %s/plain.key: holds a private key and no certificate", folder);
    is_refused("{" OAUTH ",'ca_file':'plain.key'}", message);
    sprintf(message, "private_key_path: %s/nowhere.pem: cannot be read: No such file", folder);
    is_refused("{" OAUTH ",'tech_acct_id':'t','private_key_path':'nowhere.pem'}", message);
    sprintf(message, "private_key_path: %s/public.pem: is a public key", folder);
    is_refused("{" OAUTH ",'tech_acct_id':'t','private_key_path':'public.pem'}", message);
    is_refused("{" OAUTH ",'private_key_path':'plain.key'}", "tech_acct_id: is missing");
    is_refused("{" OAUTH ",'private_key_passphrase':'correct horse'}", "private_key_path: is missing");
    is_refused("{" OAUTH ",'tech_acct_id':'t','private_key_path':'closed.key'}",
               "private_key_passphrase: is missing, and the private key is encrypted");
    is_refused("{" OAUTH ",'tech_acct_id':'t','private_key_path':'closed.key','private_key_passphrase':'wrong'}",
               "private_key_passphrase: is wrong");
}

#define IN_PROJECT "project.workspace.details.credentials"

static void invalid_project_files(void)
{
    is_refused("{'project':{}}", "project.org.ims_org_id: is missing");
    is_refused("{'project':[]}", "project.org.ims_org_id: is missing");
    is_refused("{'project':{'org':{'ims_org_id':7}}}", "project.org.ims_org_id: must be a string");
    is_refused("{'project':{'org':{'ims_org_id':'o'}}}", IN_PROJECT ": is missing");
    is_refused("{'org_id':'o','project':{'workspace':{'details':{'credentials':{}}}}}", IN_PROJECT ": must be an array");
    is_refused("{" PROJECT(API_KEY) "}", IN_PROJECT ": holds neither oauth_server_to_server nor jwt");
    is_refused("{" PROJECT(PROJECT_OAUTH "," OTHER_OAUTH) "}",
               IN_PROJECT ": holds more than one oauth_server_to_server; name the one to be used by client_id beside project: ");
    is_refused("{" PROJECT(PROJECT_OAUTH "," PROJECT_OAUTH) ",'client_id':'$CLIENT_ID'}",
               IN_PROJECT ": holds more than one oauth_server_to_server of this client_id");
    is_refused("{" PROJECT(PROJECT_JWT "," OTHER_JWT) ",'private_key_path':'plain.key'}",
               IN_PROJECT ": holds more than one jwt; name the one to be used by client_id");
    is_refused("{" PROJECT(OTHER_OAUTH "," OTHER_JWT) ",'client_id':'unknown'}",
               "client_id: is of none of the credentials in " IN_PROJECT "; they have other-oauth (oauth_server_to_server), "
               "other-jwt (jwt)");
    is_refused("{" PROJECT(OTHER_OAUTH "," OTHER_JWT) ",'client_id':'other-jwt'}", "private_key_path: is missing");
    is_refused("{" PROJECT(OTHER_OAUTH "," OTHER_JWT) ",'client_id':'other-oauth','private_key_path':'plain.key'}",
               "private_key_path: is for jwt, and the project has");
    is_refused("{" PROJECT(PROJECT_OAUTH) ",'private_key_path':'plain.key'}", "private_key_path: is for jwt, and the project has");
    is_refused("{" PROJECT(PROJECT_JWT) "}", "private_key_path: is missing: the project has a jwt credential");
    is_refused("{" PROJECT("{'oauth_server_to_server':{'client_secrets':['s']}}") "}", "client_id: is missing");
    is_refused("{" PROJECT("{'oauth_server_to_server':{'client_id':'c','client_secrets':[]}}") "}",
               "client_secret: is missing");
    is_refused("{" PROJECT("{'oauth_server_to_server':{'client_id':'c','client_secrets':[5]}}") "}",
               IN_PROJECT "[0].oauth_server_to_server.client_secrets[0]: must be a string");
    is_refused("{" PROJECT(API_KEY ",{'jwt':{'client_id':'a b','client_secret':'s','technical_account_id':'t'}}")
               ",'private_key_path':'plain.key'}",
               IN_PROJECT "[1].jwt.client_id: contains a space");
}

static void files_that_cannot_be_read(void)
{
    umapi_client *client = NULL;
    char message[128];
    CHECK_FAILS(umapi_client_new_from_file("/nowhere/umapi.json", NULL, &client, &error), UMAPI_STATUS_INVALID_ARGUMENT,
                error);
    CHECK_HAS(umapi_error_message(error), "/nowhere/umapi.json: cannot be read: No such file");
    umapi_error_free(error);
    CHECK_FAILS(umapi_client_new_from_file(folder, NULL, &client, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    sprintf(message, "%s: cannot be read: Is a directory", folder);
    CHECK_HAS(umapi_error_message(error), message);
    umapi_error_free(error);
    CHECK_FAILS(umapi_client_new_from_file("/dev/zero", NULL, &client, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "/dev/zero: is longer than 1 MiB");
    umapi_error_free(error);
    /* The content of a configuration instead of its path. */
    CHECK_FAILS(umapi_client_new_from_file("{\"client_secret\":\"p8e-hidden\"}", NULL, &client, &error),
                UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "path: holds what should be in a file");
    CHECK_HAS_NOT(umapi_error_message(error), "p8e-hidden");
    umapi_error_free(error);
    error = NULL;
}

/* Windows shells write files in this encoding. */
static void a_file_in_utf16(void)
{
    umapi_client *client = NULL;
    size_t length, i;
    char *json;
    FILE *out;
    write_file("{" OAUTH "," WHERE "}");
    json = read_file(file, &length);
    out = fopen(file, "wb");
    fputs("\xFF\xFE", out);
    for (i = 0; i < length; i++) {
        fputc(json[i], out);
        fputc('\0', out);
    }
    fclose(out);
    free(json);
    CHECK_OK(umapi_client_new_from_file(file, NULL, &client, &error), error);
    finds_a_user(client);
}

/* The client can be created, and the error of its first call names where the unreachable proxy was configured. */
static void names_as_source(umapi_client *client, const char *where)
{
    umapi_user *user = NULL;
    umapi_check *found = NULL;
    CHECK_FAILS(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), where);
    CHECK_HAS_NOT(umapi_error_message(error), "umapi_client_options");
    umapi_error_free(error);
    error = NULL;
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    CHECK_HAS(umapi_check_text(found), where);
    CHECK_HAS_NOT(umapi_check_text(found), "umapi_client_options");
    umapi_check_free(found);
    umapi_client_free(client);
}

static void the_error_names_where_a_proxy_was_configured(void)
{
    umapi_client *client = NULL;
    char where[128];
    write_file("{" OAUTH "," WHERE ",'proxy':'http://127.0.0.1:1'}");
    CHECK_OK(umapi_client_new_from_file(file, NULL, &client, &error), error);
    sprintf(where, "that proxy in %s is right", file);
    names_as_source(client, where);
    restore_the_environment();
    setenv("UMAPI_PROXY", "socks5h://127.0.0.1:1", 1);
    CHECK_OK(umapi_client_new_from_environment(NULL, &client, &error), error);
    names_as_source(client, "that UMAPI_PROXY in the environment is right");
}

static void write_to_file(const char *name, const char *content, size_t count)
{
    char path[128];
    FILE *out;
    sprintf(path, "%s/%s", folder, name);
    out = fopen(path, "wb");
    while (count-- > 0) {
        fputs(content, out);
    }
    fclose(out);
}

/* Any file is read up to a size limit, and without a long wait. */
static void paths_that_are_not_regular_files(void)
{
    char path[128];
    umapi_client_options *options = umapi_client_options_new();
    int64_t start = now_ms();
    write_to_file("long.pem", "# filling up with what is no certificate at all\n", 30000);
    sprintf(path, "%s/pipe", folder);
    CHECK_INT(mkfifo(path, 0600), 0);
    is_refused("{" OAUTH ",'ca_file':'/dev/zero'}", "ca_file: /dev/zero: is longer than 1 MiB");
    is_refused("{" OAUTH ",'ca_file':'/'}", "ca_file: /: cannot be read: Is a directory");
    is_refused("{" OAUTH ",'ca_file':'/dev/null'}", "ca_file: /dev/null: is empty");
    sprintf(path, "ca_file: %s/pipe: cannot be read: nothing was written to it", folder);
    is_refused("{" OAUTH ",'ca_file':'pipe'}", path);
    CHECK(now_ms() - start < 8000 * slowness());
    CHECK_FAILS(umapi_client_options_add_ca_file(options, "/dev/zero", &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "path: /dev/zero: is longer than 1 MiB");
    umapi_error_free(error);
    sprintf(path, "%s/long.pem", folder);
    CHECK_FAILS(umapi_client_options_add_ca_file(options, path, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "long.pem: is longer than 1 MiB");
    umapi_error_free(error);
    error = NULL;
    umapi_client_options_free(options);
}

/* ---- The environment ---- */

static void the_environment_alone(void)
{
    umapi_client *client = NULL;
    restore_the_environment();
    CHECK_OK(umapi_client_new_from_environment(NULL, &client, &error), error);
    finds_a_user(client);
    CHECK_INT(exchanges("/ims/token/v2"), 1);
}

static void the_environment_with_a_private_key(void)
{
    umapi_client *client = NULL;
    restore_the_environment();
    verify_assertions_with("public.pem");
    setenv("UMAPI_PRIVATE_KEY_PATH", test_key("private-key-des-ede3-cbc.pem"), 1);
    setenv("UMAPI_PRIVATE_KEY_PASSPHRASE", "correct horse", 1);
    CHECK_OK(umapi_client_new_from_environment(NULL, &client, &error), error);
    finds_a_user(client);
    CHECK_INT(exchanges("/ims/exchange/jwt/"), 1);
}

static void variable_is_refused(const char *name, const char *value, const char *message)
{
    umapi_client *client = (umapi_client *)&error;
    restore_the_environment();
    setenv(name, value, 1);
    CHECK_FAILS(umapi_client_new_from_environment(NULL, &client, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK(client == NULL);
    CHECK_HAS(umapi_error_message(error), message);
    CHECK(umapi_error_message(error) != NULL && strncmp(umapi_error_message(error), message, strlen(message)) == 0);
    umapi_error_free(error);
    error = NULL;
}

static void invalid_variables(void)
{
    variable_is_refused("UMAPI_ORG_ID", "", "UMAPI_ORG_ID: is missing");
    variable_is_refused("UMAPI_CLIENT_ID", "", "UMAPI_CLIENT_ID: is missing");
    variable_is_refused("UMAPI_CLIENT_SECRET", "", "UMAPI_CLIENT_SECRET: is missing");
    variable_is_refused("UMAPI_CLIENT_ID", "caf\xE9", "UMAPI_CLIENT_ID: is not UTF-8");
    variable_is_refused("UMAPI_CA_FILE", "/nowhere.pem", "UMAPI_CA_FILE: /nowhere.pem: cannot be read: No such file");
    variable_is_refused("UMAPI_PRIVATE_KEY_PATH", "/nowhere.pem", "UMAPI_PRIVATE_KEY_PATH: /nowhere.pem: cannot be read");
    variable_is_refused("UMAPI_PRIVATE_KEY_PATH", test_key("legacy-aes-256-cbc.pem"),
                        "UMAPI_PRIVATE_KEY_PASSPHRASE: is missing, and the private key is encrypted");
    variable_is_refused("UMAPI_PRIVATE_KEY_PATH", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
                        "UMAPI_PRIVATE_KEY_PATH: holds what should be in a file; give the path");
    variable_is_refused("UMAPI_PRIVATE_KEY_PASSPHRASE", "p", "UMAPI_PRIVATE_KEY_PATH: is missing");
    variable_is_refused("UMAPI_CONNECT_TIMEOUT_MS", "-1", "UMAPI_CONNECT_TIMEOUT_MS: must be a whole number");
}

/* ---- Client options by their keys ---- */

/* What each key takes and refuses, as text. `json` is the value in a file where that is no text. */
static const struct {
    const char *key, *good, *bad, *json;
} keys[] = {
    {"endpoint", "https://h.example/v2", "http://h.example", NULL},
    {"ca_file", "$CA_FILE", "/nowhere.pem", NULL},
    {"platform_certificates", "true", "yes", "true"},
    {"danger_accept_invalid_certificates", "false", "2", "false"},
    {"proxy", "http://h.example:3128", "gopher://h", NULL},
    {"proxy_user", "me", "a:b", NULL},
    {"proxy_password", "p4ssw0rd", "a\x01", NULL},
    {"user_agent_prefix", "acme/1", "caf\xC3\xA9", NULL},
    {"connect_timeout_ms", "1", "0", "1"},
    {"attempt_timeout_ms", "60000", "5 s", "60000"},
    {"max_attempts", "1", "0", "1"},
    {"first_retry_delay_ms", "1", "-1", "1"},
    {"max_retry_wait_ms", "1", "1.5", "1"},
    {"rate_limit_users", "25/60000", "25", NULL},
    {"rate_limit_user", "1/1", "0/1", NULL},
    {"rate_limit_groups", "off", "1/0", NULL},
    {"rate_limit_user_groups", "5/1000", "/", NULL},
    {"rate_limit_action", "10/1000", "-1/1", NULL},
    {"rate_limit_token", "1/1", "none", NULL},
    {"rate_limit_status", "off", "OFF", NULL},
    {"entries_per_request", "20", "0", "20"},
    {"steps_per_entry", "1", "-1", "1"},
    {"names_per_step", "20", "x", "20"},
    {"test_mode", "1", "on", "true"},
    {"account_deletes_in_test_mode", "true", "TRUE", "true"},
    {"read_ahead", "1", "0", "1"},
    {"log_level", "debug", "trace", NULL},
};
enum { KEYS = sizeof keys / sizeof *keys };

static const char *good_value(size_t i)
{
    return keys[i].good[0] == '$' ? value_of("UMAPI_CA_FILE") : keys[i].good;
}

static void is_refused_by_key(umapi_client_options *options, const char *key, const char *value, const char *start)
{
    CHECK_FAILS(umapi_client_options_set(options, key, value, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK(umapi_error_message(error) != NULL && strncmp(umapi_error_message(error), start, strlen(start)) == 0);
    CHECK_HAS(umapi_error_message(error), start);
    CHECK_HAS_NOT(umapi_error_message(error), "umapi_");
    umapi_error_free(error);
    error = NULL;
}

static void every_option_by_its_key(void)
{
    umapi_client_options *options = umapi_client_options_new();
    char start[64];
    size_t i;
    is_refused_by_key(options, "proxy_user", "me", "proxy_user: is for a proxy, and none is given");
    for (i = 0; i < KEYS; i++) {
        CHECK_OK(umapi_client_options_set(options, keys[i].key, good_value(i), &error), error);
        sprintf(start, "%s: ", keys[i].key);
        is_refused_by_key(options, keys[i].key, keys[i].bad, start);
    }
    CHECK_OK(umapi_client_options_set(options, "proxy", "off", &error), error);
    is_refused_by_key(options, "proxy_user", "me", "proxy_user: is for a proxy, and the option proxy is off");
    is_refused_by_key(options, "client_secret", "p8e", "client_secret: is no client option");
    is_refused_by_key(options, "org_id", "o", "org_id: is no client option");
    is_refused_by_key(options, "conect_timeout_ms", "1", "key: unknown key \"conect_timeout_ms\"; known are endpoint, ");
    is_refused_by_key(options, "", "1", "key: unknown key");
    is_refused_by_key(options, NULL, "1", "key: is NULL");
    is_refused_by_key(options, "max_attempts", NULL, "value: is NULL");
    is_refused_by_key(NULL, "max_attempts", "1", "options: is NULL");
    umapi_client_options_free(options);
}

static void every_option_in_a_file(void)
{
    umapi_client *client = NULL;
    char all[4096] = "{" OAUTH, one[512], start[64];
    size_t i;
    for (i = 0; i < KEYS; i++) {
        const char *quote = keys[i].json == NULL ? "'" : "";
        sprintf(all + strlen(all), ",'%s':%s%s%s", keys[i].key, quote, keys[i].json == NULL ? keys[i].good : keys[i].json,
                quote);
    }
    strcat(all, "}");
    write_file(all);
    CHECK_OK(umapi_client_new_from_file(file, NULL, &client, &error), error);
    umapi_client_free(client);
    for (i = 0; i < KEYS; i++) {
        const char *quote = keys[i].json == NULL ? "'" : "";
        const char *login = strcmp(keys[i].key, "proxy_password") == 0 ? ",'proxy':'h:1','proxy_user':'u'"
                            : strcmp(keys[i].key, "proxy_user") == 0   ? ",'proxy':'h:1'"
                                                                       : "";
        /* JSON has no raw control characters. */
        const char *bad = strchr(keys[i].bad, '\x01') != NULL ? "a\\u0001" : keys[i].bad;
        if (strspn(bad, "-.0123456789") != strlen(bad)) {
            quote = "'";
        }
        sprintf(one, "{" OAUTH "%s,'%s':%s%s%s}", login, keys[i].key, quote, bad, quote);
        sprintf(start, "%s: ", keys[i].key);
        is_refused(one, start);
    }
    is_refused("{" OAUTH ",'max_attempts':'4'}", "max_attempts: must be a number");
    is_refused("{" OAUTH ",'test_mode':1}", "test_mode: must be true or false");
    is_refused("{" OAUTH ",'proxy':7}", "proxy: must be a string");
    is_refused("{" OAUTH ",'proxy':'h:1','proxy_password':'p'}", "proxy_user: is missing");
    is_refused("{" OAUTH ",'red_ahead':1}", "unknown key \"red_ahead\"; known are org_id, client_id, ");
}

static void every_option_in_the_environment(void)
{
    char variable[64], start[80];
    size_t i, c;
    for (i = 0; i < KEYS; i++) {
        sprintf(variable, "UMAPI_%s", keys[i].key);
        for (c = 0; variable[c] != '\0'; c++) {
            if (variable[c] >= 'a' && variable[c] <= 'z') {
                variable[c] = (char)(variable[c] - 'a' + 'A');
            }
        }
        sprintf(start, "%s: ", variable);
        if (strncmp(keys[i].key, "proxy_", 6) == 0) {
            variable_is_refused(variable, keys[i].bad, "UMAPI_PROXY: is missing");
        } else {
            variable_is_refused(variable, keys[i].bad, start);
        }
        unsetenv(variable);
    }
    variable_is_refused("UMAPI_PROXY_USER", "me", "UMAPI_PROXY: is missing");
}

/* Where both set an option, the operator's value counts; what only the program sets stays. */
static void the_operator_wins_over_the_program_by_key(void)
{
    umapi_client *client = NULL;
    umapi_client_options *options = umapi_client_options_new();
    umapi_user *user = NULL;
    char *requests;
    CHECK_OK(umapi_client_options_set(options, "max_attempts", "4", &error), error);
    CHECK_OK(umapi_client_options_set(options, "first_retry_delay_ms", "1", &error), error);
    CHECK_OK(umapi_client_options_set(options, "user_agent_prefix", "program/1", &error), error);
    write_file("{" OAUTH "," WHERE ",'max_attempts':2,'user_agent_prefix':'operator/1'}");
    CHECK_OK(umapi_client_new_from_file(file, options, &client, &error), error);
    add_fault("{'endpoint':'user','fault':{'status':{'code':503}}}");
    CHECK_FAILS(umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error), UMAPI_STATUS_SERVER, error);
    CHECK_INT(umapi_error_attempts(error), 2);
    umapi_error_free(error);
    error = NULL;
    requests = control("GET", "/requests", NULL);
    CHECK_HAS(requests, "operator/1 libumapi/");
    CHECK_HAS_NOT(requests, "program/1");
    free(requests);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

typedef struct counts {
    int dangers, debugs;
} counts;

static void count_lines(int32_t level, const char *message, void *user_data)
{
    counts *counts = user_data;
    if (level == UMAPI_LOG_DEBUG) {
        counts->debugs++;
    }
    if (level == UMAPI_LOG_WARN && strstr(message, "DANGER: certificates are not verified") != NULL) {
        counts->dangers++;
    }
}

static void an_operator_turns_the_log_up_and_the_verification_off(void)
{
    umapi_client *client = NULL;
    umapi_client_options *options = umapi_client_options_new();
    counts counts = {0, 0};
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_ERROR, count_lines, &counts, NULL, &error), error);
    restore_the_environment();
    CHECK_OK(umapi_client_new_from_environment(options, &client, &error), error);
    finds_a_user(client);
    CHECK_INT(counts.debugs, 0);
    setenv("UMAPI_LOG_LEVEL", "debug", 1);
    setenv("UMAPI_DANGER_ACCEPT_INVALID_CERTIFICATES", "true", 1);
    CHECK_OK(umapi_client_new_from_environment(options, &client, &error), error);
    CHECK_INT(counts.dangers, 1);
    finds_a_user(client);
    CHECK(counts.debugs > 0);
    umapi_client_options_free(options);
}

#define RUN_CLEAR(test) (clear_the_environment(), RUN(test))

int main(void)
{
    char remove[64];
    size_t i;
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    sprintf(file, "%s/umapi.json", folder);
    copy_key("pkcs8.pem", "plain.key");
    copy_key("pbes2-aes-256-cbc.pem", "closed.key");
    copy_key("public.pem", "public.pem");
    remember_the_environment();
    RUN_CLEAR(own_keys);
    RUN_CLEAR(own_keys_with_a_private_key_in_the_files_folder);
    RUN_CLEAR(a_secret_in_the_environment);
    RUN_CLEAR(a_project_file_with_oauth);
    RUN_CLEAR(a_project_file_with_jwt);
    RUN_CLEAR(a_project_file_in_transition);
    RUN_CLEAR(the_client_id_selects_one_of_several_credentials);
    RUN_CLEAR(own_keys_override_the_project);
    RUN_CLEAR(options_and_configuration_together);
    RUN_CLEAR(timeouts_of_the_file_are_respected);
    RUN_CLEAR(unknown_missing_and_invalid_keys);
    RUN_CLEAR(invalid_private_keys_and_certificates);
    RUN_CLEAR(invalid_project_files);
    RUN_CLEAR(files_that_cannot_be_read);
    RUN_CLEAR(a_file_in_utf16);
    RUN_CLEAR(paths_that_are_not_regular_files);
    RUN_CLEAR(the_error_names_where_a_proxy_was_configured);
    RUN(the_environment_alone);
    RUN(the_environment_with_a_private_key);
    RUN(invalid_variables);
    RUN_CLEAR(every_option_by_its_key);
    RUN_CLEAR(every_option_in_a_file);
    RUN(every_option_in_the_environment);
    RUN_CLEAR(the_operator_wins_over_the_program_by_key);
    RUN(an_operator_turns_the_log_up_and_the_verification_off);
    for (i = 0; i < VARIABLES; i++) {
        free(values[i]);
    }
    sprintf(remove, "rm -r '%s'", folder);
    CHECK_INT(system(remove), 0);
    return all_passed();
}
