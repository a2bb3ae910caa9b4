/*
 * Tests that no secret is ever shown. Everything that the library outputs, with every kind of credentials, every fault and
 * the most detailed log level, is searched for each secret that it was given or received, and so are the URLs that it
 * requested. Needs tests/support/with-network.py and the sandbox.
 */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static umapi_error *error;

/* ---- The collected output ---- */

static char *output;
static size_t output_length, output_size;

static void collect(const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (output_length + length + 2 > output_size) {
        output_size = (output_length + length + 2) * 2;
        output = realloc(output, output_size);
    }
    memcpy(output + output_length, text == NULL ? "" : text, length);
    output_length += length;
    output[output_length++] = '\n';
    output[output_length] = '\0';
}

static void collect_line(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)user_data;
    collect(message);
}

static void collect_error(const umapi_error *reported)
{
    collect(umapi_error_message(reported));
    collect(umapi_error_code(reported));
    collect(umapi_error_request_id(reported));
    collect(umapi_error_endpoint(reported));
}

static void collect_and_clear_error(void)
{
    collect_error(error);
    umapi_error_free(error);
    error = NULL;
}

/* ---- The search for secrets ---- */

static void base64(const char *text, char *encoded)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i, length = strlen(text);
    for (i = 0; i < length; i += 3) {
        unsigned long bits = (unsigned long)(unsigned char)text[i] << 16;
        bits |= i + 1 < length ? (unsigned long)(unsigned char)text[i + 1] << 8 : 0;
        bits |= i + 2 < length ? (unsigned long)(unsigned char)text[i + 2] : 0;
        *encoded++ = ALPHABET[bits >> 18 & 63];
        *encoded++ = ALPHABET[bits >> 12 & 63];
        *encoded++ = i + 1 < length ? ALPHABET[bits >> 6 & 63] : '=';
        *encoded++ = i + 2 < length ? ALPHABET[bits & 63] : '=';
    }
    *encoded = '\0';
}

/* The sandbox's tokens are "sandbox." and 32 hexadecimal digits; its error codes also contain "sandbox.". */
static const char *find_token(const char *text)
{
    for (text = strstr(text, "sandbox."); text != NULL; text = strstr(text + 1, "sandbox.")) {
        size_t digits = 0;
        while (isxdigit((unsigned char)text[strlen("sandbox.") + digits])) {
            digits++;
        }
        if (digits >= 16) {
            return text;
        }
    }
    return NULL;
}

static size_t key_lines_in(const char *text, const char *key_file)
{
    char path[512], *pem, *line;
    size_t length, found = 0;
    snprintf(path, sizeof path, "%s/%s", environment("UMAPI_TEST_KEYS"), key_file);
    pem = read_file(path, &length);
    for (line = strtok(pem, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "-----", 5) != 0) {
            found += strstr(text, line) != NULL;
        }
    }
    free(pem);
    return found;
}

/* Whether the search prints nothing of what it finds, as in the test of the search itself. */
static int is_silent;

static size_t secrets_in(const char *text)
{
    size_t length;
    char *passphrase = read_file(test_key("passphrase"), &length);
    char pair[256], encoded[512], secret[256];
    const char *plain[5];
    size_t i, found = 0;
    snprintf(pair, sizeof pair, "%s:%s", environment("PROXY_USER"), environment("PROXY_PASSWORD"));
    base64(pair, encoded);
    /* The part of the secret that does not change when it is encoded for a form or a URL. */
    snprintf(secret, sizeof secret, "%s", environment("UMAPI_CLIENT_SECRET"));
    secret[strcspn(secret, "+/&=% ")] = '\0';
    CHECK(strlen(secret) > 8);
    plain[0] = secret;
    plain[1] = environment("PROXY_PASSWORD");
    plain[2] = encoded;
    plain[3] = "eyJ"; /* the beginning of every JWT */
    plain[4] = passphrase;
    for (i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strstr(text, plain[i]) != NULL) {
            found++;
            if (!is_silent) {
                printf("    \"%s\" is in it: %.200s\n", plain[i], strstr(text, plain[i]));
            }
        }
    }
    if (find_token(text) != NULL) {
        found++;
        if (!is_silent) {
            printf("    a token is in it: %.80s\n", find_token(text));
        }
    }
    free(passphrase);
    return found + key_lines_in(text, "pkcs8.pem") + key_lines_in(text, "pkcs1.pem")
        + key_lines_in(text, "pbes2-aes-256-cbc.pem");
}

/* ---- The clients ---- */

static umapi_credentials *jwt(const char *key_file)
{
    umapi_credentials *credentials = NULL;
    char path[512], *pem;
    size_t length;
    snprintf(path, sizeof path, "%s/%s", environment("UMAPI_TEST_KEYS"), key_file);
    pem = read_file(path, &length);
    CHECK_OK(umapi_credentials_new_jwt(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                       environment("UMAPI_TECH_ACCT_ID"), pem, length, &credentials, &error),
             error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    free(pem);
    return credentials;
}

static void give_a_token(umapi_token_answer *answer, void *user_data)
{
    char *json = control("POST", "/tokens", ""), *token = strstr(json, "sandbox.");
    (void)user_data;
    if (token != NULL) {
        token[strcspn(token, "\"")] = '\0';
    }
    CHECK_INT(umapi_token_answer_set(answer, token, 3600, NULL), UMAPI_OK);
    free(json);
}

/* Credentials with an encrypted key. */
static umapi_credentials *jwt_with_passphrase(void)
{
    umapi_credentials *credentials = NULL;
    size_t length;
    char *passphrase = read_file(test_key("passphrase"), &length);
    CHECK_OK(umapi_credentials_new_jwt_from_file(environment("UMAPI_CLIENT_ID"), environment("UMAPI_CLIENT_SECRET"),
                                                 environment("UMAPI_TECH_ACCT_ID"), test_key("pbes2-aes-256-cbc.pem"),
                                                 passphrase, &credentials, &error),
             error);
    CHECK_OK(umapi_credentials_set_auth_host(credentials, environment("UMAPI_AUTH_HOST"), &error), error);
    free(passphrase);
    return credentials;
}

static umapi_credentials *callback(void)
{
    umapi_credentials *credentials = NULL;
    CHECK_OK(umapi_credentials_new_callback(environment("UMAPI_CLIENT_ID"), give_a_token, NULL, NULL, &credentials,
                                            &error),
             error);
    return credentials;
}

/* A client whose whole output is collected. Frees the options and the credentials. */
static umapi_client *observed_client(umapi_client_options *options, umapi_credentials *credentials)
{
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_DEBUG, collect_line, NULL, NULL, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
    return client;
}

static umapi_client_options *through(const char *proxy)
{
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_options_set_proxy(options, proxy, environment("PROXY_USER"), environment("PROXY_PASSWORD"),
                                            &error),
             error);
    return options;
}

/* ---- The calls ---- */

static void find_existing_user(const umapi_client *client)
{
    umapi_user *user = NULL;
    umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error);
    collect_and_clear_error();
    umapi_user_free(user);
}

static void read_a_page(const umapi_client *client)
{
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    umapi_users_next(users, NULL, &user, &error);
    collect_and_clear_error();
    umapi_users_free(users);
}

static void act(const umapi_client *client)
{
    const char *groups[] = {"Sales", "Ghosts"};
    umapi_action *action = user_action(EXISTING_USER);
    const umapi_action *actions[1];
    umapi_results *results = NULL;
    const umapi_outcome *outcome;
    size_t i;
    CHECK_OK(umapi_action_add_to_groups(action, groups, 2, &error), error);
    actions[0] = action;
    umapi_client_execute(client, NULL, actions, 1, &results, &error);
    collect_and_clear_error();
    outcome = umapi_results_get(results, 0);
    collect_error(umapi_outcome_error(outcome));
    for (i = 0; umapi_outcome_finding(outcome, i) != NULL; i++) {
        collect(umapi_finding_message(umapi_outcome_finding(outcome, i)));
    }
    umapi_results_free(results);
    umapi_action_free(action);
}

static void self_check(const umapi_client *client)
{
    umapi_check *found = NULL;
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    collect(umapi_check_text(found));
    collect(umapi_check_json(found));
    umapi_check_free(found);
}

static void do_everything(umapi_client *client)
{
    find_existing_user(client);
    read_a_page(client);
    act(client);
    self_check(client);
    umapi_client_free(client);
}

/* ---- The faults ---- */

static const char *const FAULTS[] = {
    "{'status':{'code':400,'body':'result'}}",
    "{'status':{'code':400,'body':'ims'}}",
    "{'status':{'code':401,'body':'gateway'}}",
    "{'status':{'code':403,'body':'gateway'}}",
    "{'status':{'code':404,'body':'html'}}",
    "{'status':{'code':409,'body':'error_message'}}",
    "{'status':{'code':429,'retry_after':3244}}",
    "{'status':{'code':500,'body':'error_message_code'}}",
    "{'status':{'code':503,'body':'empty'}}",
    "{'garbage':{'kind':'bytes'}}",
    "{'garbage':{'kind':'html'}}",
    "{'garbage':{'kind':'other_json'}}",
    "{'truncate':{'after':20}}",
    "{'reset':{'at':'before_work'}}",
    "{'reset':{'at':'in_body'}}",
    "{'redirect':{'to':'https://example.com/'}}",
};

static void with_every_fault(umapi_credentials *(*credentials)(void), const char *proxy)
{
    const char *endpoints[] = {"token", "user", "users", "action"};
    size_t i, j, step = slowness() > 1 ? 5 : 1;
    for (i = 0; i < sizeof FAULTS / sizeof *FAULTS; i += step) {
        for (j = 0; j < sizeof endpoints / sizeof *endpoints; j++) {
            char rule[256];
            snprintf(rule, sizeof rule, "{'endpoint':'%s','fault':%s}", endpoints[j], FAULTS[i]);
            control_only("DELETE", "/faults", NULL);
            add_fault(rule);
            do_everything(observed_client(through(proxy), credentials()));
        }
    }
}

/* ---- A host that echoes the request ---- */

static const char *const ECHOES[] = {"html", "text", "error_message", "gateway", "ims", "json"};
static const int ECHO_STATUS[] = {200, 400, 401, 403, 500};

static void read_every_listing(const umapi_client *client)
{
    umapi_call *call = umapi_call_new();
    next_group(client, call, &error);
    collect_and_clear_error();
    next_page_of_user_groups(client, call, &error);
    collect_and_clear_error();
    read_service(client, call, &error);
    collect_and_clear_error();
    umapi_call_free(call);
}

static void with_every_echo(umapi_credentials *(*credentials)(void))
{
    const char *endpoints[] = {"token", "user", "users", "groups", "user-groups", "action", "status"};
    size_t i, j, k, step = slowness() > 1 ? 4 : 1, number = 0;
    for (i = 0; i < sizeof ECHOES / sizeof *ECHOES; i++) {
        for (j = 0; j < sizeof ECHO_STATUS / sizeof *ECHO_STATUS; j++) {
            for (k = 0; k < sizeof endpoints / sizeof *endpoints; k++) {
                char rule[256];
                umapi_client *client;
                if (number++ % step != 0) {
                    continue;
                }
                snprintf(rule, sizeof rule, "{'endpoint':'%s','fault':{'echo':{'status':%d,'as':'%s'}}}", endpoints[k],
                         ECHO_STATUS[j], ECHOES[i]);
                control_only("DELETE", "/faults", NULL);
                add_fault(rule);
                client = observed_client(new_options(), credentials());
                read_every_listing(client);
                do_everything(client);
            }
        }
    }
    control_only("DELETE", "/faults", NULL);
}

static umapi_credentials *good_jwt(void)
{
    return jwt("pkcs8.pem");
}

static void expect_our_key(void)
{
    char path[512], body[4096], *pem, *line;
    size_t length;
    snprintf(path, sizeof path, "%s/public.pem", environment("UMAPI_TEST_KEYS"));
    pem = read_file(path, &length);
    strcpy(body, "{\"jwt_pem\":\"");
    for (line = strtok(pem, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        strcat(strcat(body, line), "\\n");
    }
    control_only("POST", "/settings", strcat(body, "\"}"));
    free(pem);
}

static void no_secret_was_output(const char *what)
{
    char *requests = control("GET", "/requests", NULL);
    CHECK(output_length > 1000);
    CHECK(strstr(output, what) != NULL);
    CHECK_INT(secrets_in(output), 0);
    CHECK(strstr(requests, "\"path\":\"/v2/usermanagement/organizations/") != NULL);
    CHECK_INT(secrets_in(requests), 0);
    free(requests);
    output_length = 0;
}

static void oauth_with_every_fault(void)
{
    with_every_fault(new_credentials, environment("PROXY_LOGIN"));
    no_secret_was_output("credentials were refused");
}

static void jwt_with_every_fault(void)
{
    expect_our_key();
    with_every_fault(good_jwt, environment("PROXY_LOGIN"));
    do_everything(observed_client(new_options(), jwt("other-pkcs8.pem")));
    do_everything(observed_client(new_options(), jwt_with_passphrase()));
    no_secret_was_output("credentials were refused");
}

static void a_callback_with_every_fault(void)
{
    with_every_fault(callback, environment("PROXY_LOGIN"));
    no_secret_was_output("token callback");
}

/* The echoed secrets were replaced in the messages, and the messages were kept. */
static void no_echoed_secret_was_output(void)
{
    CHECK(occurrences(output, "[secret]") > 10);
    no_secret_was_output("HTTP 403");
}

static void oauth_with_every_echo(void)
{
    with_every_echo(new_credentials);
    no_echoed_secret_was_output();
}

static void jwt_with_every_echo(void)
{
    expect_our_key();
    with_every_echo(good_jwt);
    no_echoed_secret_was_output();
}

static void a_callback_with_every_echo(void)
{
    with_every_echo(callback);
    no_echoed_secret_was_output();
}

static char known_token[128];

static void give_the_known_token(umapi_token_answer *answer, void *user_data)
{
    (void)user_data;
    CHECK_INT(umapi_token_answer_set(answer, known_token, 3600000, NULL), UMAPI_OK);
}

/* The token is in a message of an answer that is otherwise valid. */
static void a_token_in_the_message_about_an_action(void)
{
    umapi_credentials *credentials = NULL;
    char *answer = control("POST", "/tokens", ""), rule[1024];
    sscanf(answer, "{\"token\":\"%127[^\"]", known_token);
    free(answer);
    snprintf(rule, sizeof rule,
             "{'endpoint':'action','fault':{'answer':{'status':200,'body':{'result':'partial','completed':0,'notCompleted':1,"
             "'errors':[{'index':0,'step':0,'errorCode':'error.%s','message':'refused: Bearer %s','user':'%s'}],"
             "'warnings':[{'index':0,'warningCode':'w','message':'%s'}]}}}}",
             known_token, known_token, known_token, known_token);
    add_fault(rule);
    CHECK_OK(umapi_credentials_new_callback(environment("UMAPI_CLIENT_ID"), give_the_known_token, NULL, NULL, &credentials,
                                            &error),
             error);
    do_everything(observed_client(new_options(), credentials));
    no_secret_was_output("refused: Bearer [secret]");
}

/* ---- A proxy that echoes the request ---- */

typedef struct echoing_proxy {
    int listener, port, status;
} echoing_proxy;

/* Answers each connection with the head that it received, in the status line. */
static void *serve_echoes(void *data)
{
    echoing_proxy *proxy = data;
    int connection;
    while ((connection = accept(proxy->listener, NULL, NULL)) >= 0) {
        char head[4096], answer[8192], *next;
        size_t length = 0;
        ssize_t got;
        head[0] = '\0';
        while (strstr(head, "\r\n\r\n") == NULL && length < sizeof head - 1
               && (got = read(connection, head + length, sizeof head - 1 - length)) > 0) {
            length += (size_t)got;
            head[length] = '\0';
        }
        for (next = head; *next != '\0'; next++) {
            if (*next == '\r' || *next == '\n') {
                *next = ' ';
            }
        }
        length = (size_t)snprintf(answer, sizeof answer,
                                  "HTTP/1.1 %d You sent %s\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
                                  proxy->status, head);
        CHECK(write(connection, answer, length) == (ssize_t)length);
        close(connection);
    }
    return NULL;
}

static pthread_t begin_echoes(echoing_proxy *proxy, int status)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    pthread_t thread;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proxy->status = status;
    proxy->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(proxy->listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(proxy->listener, 8) == 0);
    CHECK(getsockname(proxy->listener, (struct sockaddr *)&address, &size) == 0);
    proxy->port = ntohs(address.sin_port);
    CHECK(pthread_create(&thread, NULL, serve_echoes, proxy) == 0);
    return thread;
}

static void a_proxy_that_echoes_its_login(void)
{
    const int statuses[] = {403, 407, 502};
    size_t i;
    /* A call that reaches the service, so that there are requests to search. */
    do_everything(observed_client(new_options(), new_credentials()));
    for (i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        echoing_proxy proxy;
        pthread_t thread = begin_echoes(&proxy, statuses[i]);
        char address[64];
        snprintf(address, sizeof address, "http://127.0.0.1:%d", proxy.port);
        do_everything(observed_client(through(address), new_credentials()));
        shutdown(proxy.listener, SHUT_RDWR);
        pthread_join(thread, NULL);
        close(proxy.listener);
    }
    CHECK_HAS(output, "Basic [secret]");
    no_secret_was_output("You sent CONNECT");
}

static void every_route_that_fails(void)
{
    const char *servers[] = {"TLS_GOOD", "TLS_EXPIRED", "TLS_WRONG_NAME", "TLS_1_1", "UMAPI_SANDBOX_CONTROL"};
    const char *proxies[] = {"http://127.0.0.1:1", "socks5h://127.0.0.1:1", "http://nowhere.invalid:1"};
    char address[256];
    size_t i;
    for (i = 0; i < sizeof servers / sizeof *servers; i++) {
        umapi_client_options *options = new_options();
        snprintf(address, sizeof address, "https%s", strchr(environment(servers[i]), ':'));
        CHECK_OK(umapi_client_options_set_endpoint(options, address, &error), error);
        do_everything(observed_client(options, new_credentials()));
    }
    for (i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        do_everything(observed_client(through(proxies[i]), new_credentials()));
    }
    do_everything(observed_client(through(environment("PROXY_INSPECTS")), new_credentials()));
    snprintf(address, sizeof address, "socks5h://%s", environment("PROXY_SOCKS_LOGIN"));
    do_everything(observed_client(through(address), new_credentials()));
    snprintf(address, sizeof address, "http://%s:%s@127.0.0.1:1", environment("PROXY_USER"),
             environment("PROXY_PASSWORD"));
    setenv("HTTPS_PROXY", address, 1);
    do_everything(observed_client(new_options(), new_credentials()));
    unsetenv("HTTPS_PROXY");
    no_secret_was_output("CN=mitmproxy");
}

/* Messages do not contain the refused arguments. */
static void refused_arguments(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_credentials *credentials = NULL;
    char secret[256], *pem, *passphrase, path[512];
    size_t length;
    snprintf(secret, sizeof secret, "%s \n", environment("UMAPI_CLIENT_SECRET"));
    umapi_credentials_new_oauth("an-id", secret, &credentials, &error);
    collect_and_clear_error();
    snprintf(secret, sizeof secret, "http://me:%s@proxy.example", environment("PROXY_PASSWORD"));
    umapi_client_options_set_proxy(options, secret, NULL, NULL, &error);
    collect_and_clear_error();
    snprintf(secret, sizeof secret, "%s\n", environment("PROXY_PASSWORD"));
    umapi_client_options_set_proxy(options, "http://proxy.example", "me", secret, &error);
    collect_and_clear_error();
    snprintf(path, sizeof path, "%s/pkcs8.pem", environment("UMAPI_TEST_KEYS"));
    umapi_client_options_add_ca_file(options, path, &error);
    collect_and_clear_error();
    pem = read_file(path, &length);
    umapi_credentials_new_jwt("an-id", "a-secret", "an-account", pem, length / 2, &credentials, &error);
    collect_and_clear_error();
    passphrase = read_file(test_key("passphrase"), &length);
    /* The passphrase of another key, and a wrong one. */
    umapi_credentials_new_jwt_from_file("an-id", "a-secret", "an-account", test_key("utf8-PBE-SHA1-3DES.pem"), passphrase,
                                        &credentials, &error);
    collect_and_clear_error();
    umapi_credentials_new_jwt_from_file("an-id", "a-secret", "an-account", test_key("pbes2-aes-256-cbc.pem"),
                                        "a wrong passphrase", &credentials, &error);
    collect_and_clear_error();
    free(passphrase);
    CHECK(credentials == NULL);
    CHECK_HAS(output, "passphrase");
    CHECK_INT(secrets_in(output), 0);
    free(pem);
    umapi_client_options_free(options);
    output_length = 0;
}

/* A test of the search itself. */
static void the_search_finds_each_secret(void)
{
    char pair[256], *pem, path[512], *requests;
    size_t length;
    is_silent = 1;
    collect(environment("UMAPI_CLIENT_SECRET"));
    collect(environment("PROXY_PASSWORD"));
    snprintf(pair, sizeof pair, "Basic ");
    snprintf(path, sizeof path, "%s:%s", environment("PROXY_USER"), environment("PROXY_PASSWORD"));
    base64(path, pair + strlen(pair));
    collect(pair);
    requests = control("POST", "/tokens", "");
    collect(requests);
    free(requests);
    collect("eyJhbGciOi");
    pem = read_file(test_key("passphrase"), &length);
    collect(pem);
    free(pem);
    CHECK_INT(secrets_in(output), 6);
    snprintf(path, sizeof path, "%s/pkcs8.pem", environment("UMAPI_TEST_KEYS"));
    pem = read_file(path, &length);
    collect(pem);
    CHECK(secrets_in(output) > 20);
    free(pem);
    output_length = 0;
}

int main(void)
{
    unsetenv("HTTPS_PROXY");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("all_proxy");
    RUN(oauth_with_every_fault);
    RUN(jwt_with_every_fault);
    RUN(a_callback_with_every_fault);
    RUN(oauth_with_every_echo);
    RUN(jwt_with_every_echo);
    RUN(a_callback_with_every_echo);
    RUN(a_token_in_the_message_about_an_action);
    RUN(a_proxy_that_echoes_its_login);
    RUN(every_route_that_fails);
    RUN(refused_arguments);
    RUN(the_search_finds_each_secret);
    free(output);
    return all_passed();
}
