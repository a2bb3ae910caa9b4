/*
 * Tests of connections to the service and to the token endpoint: proxies of every kind, certificates of every kind, and
 * the remedy of each failure. Needs tests/support/with-network.py and the sandbox.
 */

#define _POSIX_C_SOURCE 200809L

#include "harness.h"
#include "operations.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static umapi_error *error;

static void clear_error(void)
{
    umapi_error_free(error);
    error = NULL;
}

/* The proxy settings of this machine must not affect the test. */
static void unset_proxy_variables(void)
{
    const char *names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy",
                           "NO_PROXY", "no_proxy"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        unsetenv(names[i]);
    }
}

/* A client of the sandbox with these options and, unless it is NULL, this token host. */
static umapi_client *client_of(const umapi_client_options *options, const char *token_host)
{
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_credentials_set_auth_host(credentials, token_host, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    return client;
}

/* Finds a user with these options, which it frees, and returns the status. */
static umapi_status try_with(umapi_client_options *options)
{
    umapi_client *client = client_of(options, environment("UMAPI_AUTH_HOST"));
    umapi_status status = find_user(client, NULL, &error);
    umapi_client_free(client);
    umapi_client_options_free(options);
    return status;
}

static umapi_client_options *through(const char *proxy, const char *user, const char *password)
{
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_options_set_proxy(options, proxy, user, password, &error), error);
    return options;
}

static char *socks(const char *scheme, const char *variable)
{
    static char address[128];
    snprintf(address, sizeof address, "%s://%s", scheme, environment(variable));
    return address;
}

/* How many times a proxy was asked for a host, by its log. */
static size_t times_asked(const char *log_variable, const char *host)
{
    size_t length, count;
    char *log = read_file(environment(log_variable), &length);
    count = occurrences(log, host);
    free(log);
    return count;
}

/* The sandbox's `host:port`. */
static const char *sandbox_host(void)
{
    static char host[128];
    snprintf(host, sizeof host, "%s", environment("UMAPI_AUTH_HOST") + strlen("https://"));
    host[strcspn(host, "/")] = '\0';
    return host;
}

/* ---- Proxies ---- */

static void an_open_proxy_is_used_for_both_hosts(void)
{
    char asked[160];
    size_t before;
    snprintf(asked, sizeof asked, "CONNECT %s", sandbox_host());
    before = times_asked("PROXY_OPEN_LOG", asked);
    CHECK_OK(try_with(through(environment("PROXY_OPEN"), NULL, NULL)), error);
    CHECK(times_asked("PROXY_OPEN_LOG", asked) > before);
    CHECK_INT(requests_to("token"), 1);
    CHECK_INT(requests_to("user"), 1);
}

static void each_host_on_its_own_goes_through_the_proxy(void)
{
    umapi_client_options *options = through(environment("PROXY_OPEN"), NULL, NULL);
    umapi_client *client = client_of(options, "https://forbidden.example");
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "no access token");
    CHECK_HAS(umapi_error_message(error), "forbidden.example:443");
    clear_error();
    umapi_client_free(client);
    CHECK_OK(umapi_client_options_set_endpoint(options, "https://forbidden.example/v2", &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_PROXY, error);
    CHECK_HAS_NOT(umapi_error_message(error), "no access token");
    CHECK_HAS(umapi_error_message(error), "refuses to connect to forbidden.example:443; it says \"403 ");
    CHECK_HAS(umapi_error_message(error), "ask the proxy's operator to permit forbidden.example:443");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
}

static void a_proxy_that_wants_a_login(void)
{
    const char *proxy = environment("PROXY_LOGIN");
    CHECK_OK(try_with(through(proxy, environment("PROXY_USER"), environment("PROXY_PASSWORD"))), error);
    CHECK_FAILS(try_with(through(proxy, NULL, NULL)), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "requires a user and password; it says \"407 ");
    CHECK_HAS(umapi_error_message(error), "give the right user and password with the option proxy");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
    CHECK_FAILS(try_with(through(proxy, environment("PROXY_USER"), "wr0ng-p4ss")), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "refuses the user and password");
    CHECK_HAS_NOT(umapi_error_message(error), "wr0ng-p4ss");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
}

static void a_socks_proxy(void)
{
    size_t before = times_asked("PROXY_SOCKS_LOG", sandbox_host());
    CHECK_OK(try_with(through(socks("socks5h", "PROXY_SOCKS"), NULL, NULL)), error);
    CHECK(times_asked("PROXY_SOCKS_LOG", sandbox_host()) > before);
    CHECK_OK(try_with(through(socks("socks5", "PROXY_SOCKS"), NULL, NULL)), error);
}

/* Requests the endpoint by the name of the sandbox's host, since the log shows whether the proxy got a name or an address. */
static umapi_status by_name_through(const char *scheme)
{
    umapi_client_options *options = through(socks(scheme, "PROXY_SOCKS"), NULL, NULL);
    const char *port = strrchr(sandbox_host(), ':');
    char endpoint[160];
    snprintf(endpoint, sizeof endpoint, "https://localhost%s%s", port,
             strstr(environment("UMAPI_ENDPOINT") + strlen("https://"), "/"));
    CHECK_OK(umapi_client_options_set_endpoint(options, endpoint, &error), error);
    return try_with(options);
}

static void the_scheme_decides_where_names_are_looked_up(void)
{
    char asked[160];
    size_t before;
    snprintf(asked, sizeof asked, "localhost%s", strrchr(sandbox_host(), ':'));
    before = times_asked("PROXY_SOCKS_LOG", asked);
    CHECK_OK(by_name_through("socks5"), error);
    CHECK_INT(times_asked("PROXY_SOCKS_LOG", asked), before);
    CHECK_OK(by_name_through("socks5h"), error);
    CHECK_INT(times_asked("PROXY_SOCKS_LOG", asked), before + 1);
}

static void a_socks_proxy_that_wants_a_login(void)
{
    const char *proxy = socks("socks5h", "PROXY_SOCKS_LOGIN");
    CHECK_OK(try_with(through(proxy, environment("PROXY_USER"), environment("PROXY_PASSWORD"))), error);
    CHECK_FAILS(try_with(through(proxy, NULL, NULL)), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "requires a user and password");
    clear_error();
    CHECK_FAILS(try_with(through(proxy, environment("PROXY_USER"), "wr0ng-p4ss")), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "refuses the user and password");
    CHECK_HAS_NOT(umapi_error_message(error), "wr0ng-p4ss");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
}

static void a_socks_login_full_of_signs(void)
{
    const char *proxy = socks("socks5h", "PROXY_SOCKS_ODD");
    char address[256];
    CHECK_OK(try_with(through(proxy, environment("PROXY_ODD_USER"), environment("PROXY_ODD_PASSWORD"))), error);
    /* The login encoded for a URL; the same login as in tests/support/with-network.py. */
    snprintf(address, sizeof address, "socks5h://odd%%2541%%40u%%3Aser:p%%2577%%3A%%2F%%20%%40%%3F%%23%%C3%%BC%%25@%s",
             environment("PROXY_SOCKS_ODD"));
    setenv("HTTPS_PROXY", address, 1);
    CHECK_OK(try_with(new_options()), error);
    unsetenv("HTTPS_PROXY");
}

static void a_proxy_that_does_not_run(void)
{
    const char *unreachable[] = {"http://127.0.0.1:1", "socks5h://127.0.0.1:1", "socks5://127.0.0.1:1"};
    size_t i;
    for (i = 0; i < sizeof unreachable / sizeof *unreachable; i++) {
        CHECK_FAILS(try_with(through(unreachable[i], NULL, NULL)), UMAPI_STATUS_PROXY, error);
        CHECK_HAS(umapi_error_message(error), unreachable[i]);
        CHECK_HAS(umapi_error_message(error), "refused");
        CHECK_HAS(umapi_error_message(error), "check that the proxy runs and that the option proxy is right");
        CHECK_INT(umapi_error_attempts(error), 1);
        clear_error();
    }
    CHECK_FAILS(try_with(through("http://proxy.invalid:3128", NULL, NULL)), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "the proxy's name proxy.invalid is not found");
    clear_error();
}

static void a_proxy_of_another_kind_than_its_url_says(void)
{
    char address[128];
    snprintf(address, sizeof address, "http://%s", environment("PROXY_SOCKS"));
    CHECK_FAILS(try_with(through(address, NULL, NULL)), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "check that the proxy is of the kind that its address says");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
}

/* The inspecting proxy also accepts TLS itself, with a certificate of its own CA. */
static void a_proxy_that_speaks_tls(void)
{
    umapi_client_options *options;
    char address[128];
    snprintf(address, sizeof address, "https%s", strchr(environment("PROXY_INSPECTS"), ':'));
    CHECK_FAILS(try_with(through(address, NULL, NULL)), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "the proxy https://127.0.0.1:");
    CHECK_HAS(umapi_error_message(error), "cannot be used: the certificate of 127.0.0.1 was issued by \"");
    CHECK_HAS(umapi_error_message(error), "with the option ca_file");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
    options = through(address, NULL, NULL);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("PROXY_INSPECTS_CA"), &error), error);
    CHECK_OK(try_with(options), error);
}

static void a_host_that_the_proxy_cannot_reach(void)
{
    umapi_client_options *options = through(environment("PROXY_OPEN"), NULL, NULL);
    CHECK_OK(umapi_client_options_set_endpoint(options, "https://127.0.0.1:1/v2", &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_CONNECT, error);
    CHECK_HAS(umapi_error_message(error), "cannot reach 127.0.0.1:1; it says \"50");
    clear_error();
    options = through(socks("socks5h", "PROXY_SOCKS"), NULL, NULL);
    CHECK_OK(umapi_client_options_set_endpoint(options, "https://127.0.0.1:1/v2", &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_CONNECT, error);
    CHECK_HAS(umapi_error_message(error), "cannot reach 127.0.0.1:1: ");
    clear_error();
    /* A name that this machine cannot look up, with a scheme by which the proxy does not look it up. */
    options = through(socks("socks5", "PROXY_SOCKS"), NULL, NULL);
    CHECK_OK(umapi_client_options_set_endpoint(options, "https://nowhere.invalid/v2", &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_CONNECT, error);
    CHECK_HAS(umapi_error_message(error), "the name nowhere.invalid is not found");
    CHECK_HAS(umapi_error_message(error), "socks5h, not socks5");
    clear_error();
}

static void the_environment_names_the_proxy(void)
{
    const char *names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"};
    char login[256];
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) {
        setenv(names[i], "http://127.0.0.1:1", 1);
        CHECK_FAILS(try_with(new_options()), UMAPI_STATUS_PROXY, error);
        CHECK_HAS(umapi_error_message(error), names[i]);
        clear_error();
        setenv(names[i], environment("PROXY_OPEN"), 1);
        CHECK_OK(try_with(new_options()), error);
        unsetenv(names[i]);
    }
    snprintf(login, sizeof login, "http://%s:%s@%s", environment("PROXY_USER"), environment("PROXY_PASSWORD"),
             environment("PROXY_LOGIN") + strlen("http://"));
    setenv("HTTPS_PROXY", login, 1);
    CHECK_OK(try_with(new_options()), error);
    setenv("HTTPS_PROXY", socks("socks5h", "PROXY_SOCKS"), 1);
    CHECK_OK(try_with(new_options()), error);
    unsetenv("HTTPS_PROXY");
}

static void hosts_in_no_proxy_are_reached_directly(void)
{
    umapi_client_options *options;
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    setenv("NO_PROXY", "intranet.example,127.0.0.0/8", 1);
    CHECK_OK(try_with(new_options()), error);
    unsetenv("NO_PROXY");
    setenv("no_proxy", "127.0.0.1", 1);
    CHECK_OK(try_with(new_options()), error);
    setenv("no_proxy", "*", 1);
    CHECK_OK(try_with(new_options()), error);
    /* NO_PROXY does not apply to a proxy that the program sets. */
    CHECK_FAILS(try_with(through("http://127.0.0.1:1", NULL, NULL)), UMAPI_STATUS_PROXY, error);
    clear_error();
    unsetenv("no_proxy");
    options = new_options();
    CHECK_OK(umapi_client_options_disable_proxy(options, &error), error);
    CHECK_OK(try_with(options), error);
    unsetenv("HTTPS_PROXY");
}

static void an_invalid_variable_is_named_and_its_value_is_not_shown(void)
{
    setenv("HTTPS_PROXY", "ftp://me:s3cr3t-in-url@proxy.example", 1);
    CHECK_FAILS(try_with(new_options()), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "HTTPS_PROXY in the environment has a scheme that is not supported");
    CHECK_HAS_NOT(umapi_error_message(error), "s3cr3t-in-url");
    clear_error();
    setenv("HTTPS_PROXY", "http://caf\xE9.example:3128", 1);
    CHECK_FAILS(try_with(new_options()), UMAPI_STATUS_PROXY, error);
    CHECK_HAS(umapi_error_message(error), "HTTPS_PROXY in the environment is not UTF-8");
    clear_error();
    unsetenv("HTTPS_PROXY");
}

static void plain_http_on_this_machine_uses_no_proxy(void)
{
    umapi_client_options *options = new_options();
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_SANDBOX_CONTROL"), &error), error);
    setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
    setenv("NO_PROXY", "127.0.0.1", 1);
    /* The control API is not the UMAPI and refuses the request; but the answer comes from it. */
    CHECK_FAILS(try_with(options), UMAPI_STATUS_REJECTED, error);
    CHECK_HAS(umapi_error_message(error), "the control API has no GET");
    clear_error();
    unsetenv("HTTP_PROXY");
    unsetenv("NO_PROXY");
}

static void a_proxy_that_inspects(void)
{
    const char *proxy = environment("PROXY_INSPECTS");
    umapi_client_options *options = through(proxy, NULL, NULL);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_TLS, error);
    CHECK_HAS(umapi_error_message(error), "was issued by \"");
    CHECK_HAS(umapi_error_message(error), "CN=mitmproxy");
    CHECK_HAS(umapi_error_message(error), "add your company's CA certificate with the option ca_file");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
    options = through(proxy, NULL, NULL);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("PROXY_INSPECTS_CA"), &error), error);
    CHECK_OK(try_with(options), error);
    CHECK_INT(requests_to("user"), 1);
}

/* ---- Certificates ---- */

static umapi_client_options *of_the_tls_servers(const char *ca_file)
{
    umapi_client_options *options = umapi_client_options_new();
    CHECK_OK(umapi_client_options_set_retry(options, 4, 1, 1000, &error), error);
    CHECK_OK(umapi_client_options_disable_proxy(options, &error), error);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("UMAPI_CA_FILE"), &error), error);
    if (ca_file != NULL) {
        CHECK_OK(umapi_client_options_add_ca_file(options, ca_file, &error), error);
    }
    return options;
}

typedef struct refusal {
    const char *server;
    const char *what;
    const char *remedy;
} refusal;

static const refusal REFUSALS[] = {
    {"TLS_EXPIRED", "has expired on Sat, 01 Feb 2020 00:00:00 GMT", "check this machine's clock"},
    {"TLS_FUTURE", "is not valid before Wed, 01 Jan 2048 00:00:00 GMT", "check this machine's clock"},
    {"TLS_WRONG_NAME", "is for intranet.example, www.intranet.example, and not for 127.0.0.1", "check the host"},
    {"TLS_SELF_SIGNED", "is self-signed, by \"CN=alone.example\"", "give the host a certificate of a CA"},
    {"TLS_1_1", "does not support TLS 1.2 or later", "must be brought up to date"},
    {"UMAPI_SANDBOX_CONTROL", "does not speak TLS", "check the port"},
};

static void refused(const umapi_client *client, const char *what, const char *remedy)
{
    int64_t start = now_ms();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_TLS, error);
    CHECK_HAS(umapi_error_message(error), what);
    CHECK_HAS(umapi_error_message(error), remedy);
    CHECK_INT(umapi_error_attempts(error), 1);
    CHECK_INT(umapi_error_is_retryable(error), 0);
    CHECK(now_ms() - start < 2000 * slowness());
    clear_error();
}

/* Checks the refusal both for the service and for the token endpoint. */
static void refused_at_both_hosts(const char *ca_file, const char *server, const char *what, const char *remedy)
{
    umapi_client_options *options = of_the_tls_servers(ca_file);
    umapi_client *client;
    char address[160];
    snprintf(address, sizeof address, "https%s", strchr(environment(server), ':'));
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    client = client_of(options, address);
    refused(client, what, remedy);
    umapi_client_free(client);
    CHECK_OK(umapi_client_options_set_endpoint(options, address, &error), error);
    client = client_of(options, environment("UMAPI_AUTH_HOST"));
    refused(client, what, remedy);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

static void each_bad_certificate_has_its_message(void)
{
    size_t i;
    for (i = 0; i < sizeof REFUSALS / sizeof *REFUSALS; i++) {
        const refusal *expected = &REFUSALS[i];
        refused_at_both_hosts(environment("TLS_CA"), expected->server, expected->what, expected->remedy);
    }
    refused_at_both_hosts(NULL, "TLS_GOOD", "was issued by \"CN=Example Corp Test CA,O=Example Corp\"",
                          "add your company's CA certificate with the option ca_file");
}

static void only_the_added_certificates(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_credentials *credentials = new_credentials();
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
    CHECK_FAILS(umapi_client_new("1@AdobeOrg", credentials, options, &client, &error),
                UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "options: ");
    CHECK(client == NULL);
    clear_error();
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("TLS_CA"), &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_TLS, error);
    CHECK_HAS(umapi_error_message(error), "umapi-sandbox throw-away CA");
    clear_error();
    options = new_options();
    CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
    CHECK_OK(try_with(options), error);
    umapi_credentials_free(credentials);
}

/* SSL_CERT_FILE, if it is set, replaces the platform's store. */
static void the_platforms_certificates(void)
{
    umapi_client_options *options = umapi_client_options_new();
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    setenv("SSL_CERT_FILE", environment("UMAPI_CA_FILE"), 1);
    CHECK_OK(try_with(options), error);
    options = umapi_client_options_new();
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("TLS_CA"), &error), error);
    CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_TLS, error);
    clear_error();
    unsetenv("SSL_CERT_FILE");
}

/* The file has a byte order mark; the first certificate must be read too. */
static void certificates_as_windows_writes_them(void)
{
    size_t length;
    char *pem = read_file(environment("UMAPI_CA_FILE"), &length);
    char *marked = malloc(length + 4);
    umapi_client_options *options = umapi_client_options_new();
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
    memcpy(marked, "\357\273\277", 3);
    memcpy(marked + 3, pem, length);
    CHECK_OK(umapi_client_options_add_ca_pem(options, marked, length + 3, &error), error);
    CHECK_OK(try_with(options), error);
    free(marked);
    free(pem);
}

/* Runs OpenSSL on the sandbox's CA certificate; the first `%s` is its file and the second the new file. */
static const char *converted_ca(const char *command)
{
    static char path[64];
    char line[512];
    int file;
    strcpy(path, "/tmp/umapi-ca-XXXXXX");
    file = mkstemp(path);
    CHECK(file >= 0);
    close(file);
    snprintf(line, sizeof line, command, environment("UMAPI_CA_FILE"), path);
    CHECK_INT(system(line), 0);
    return path;
}

static void certificates_in_der(void)
{
    umapi_client_options *options = umapi_client_options_new();
    const char *der = converted_ca("openssl x509 -in %s -outform DER -out %s");
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
    CHECK_OK(umapi_client_options_add_ca_file(options, der, &error), error);
    CHECK_OK(try_with(options), error);
    unlink(der);
}

/* Certificates from an environment variable, which may have lost its line ends. */
static void certificates_from_a_variable(void)
{
    static const char *const ENDS[] = {"\\n", " ", "\\r\\n"};
    size_t length, i, k;
    char *pem = read_file(environment("UMAPI_CA_FILE"), &length);
    for (i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        umapi_client_options *options = umapi_client_options_new();
        char *dressed = calloc(4, length + 1), *to = dressed;
        *to++ = '"';
        for (k = 0; k < length; k++) {
            to += pem[k] == '\n' ? sprintf(to, "%s", ENDS[i]) : sprintf(to, "%c", pem[k]);
        }
        *to++ = '"';
        CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
        CHECK_OK(umapi_client_options_set_platform_certificates(options, 0, &error), error);
        CHECK_OK(umapi_client_options_add_ca_pem(options, dressed, (size_t)(to - dressed), &error), error);
        CHECK_OK(try_with(options), error);
        free(dressed);
    }
    free(pem);
}

static void bundles_are_refused_with_the_command_that_converts_them_to_pem(void)
{
    static const char *const BUNDLES[][2] = {
        {"openssl crl2pkcs7 -nocrl -certfile %s -out %s", "is a PKCS#7 bundle (.p7b); `openssl pkcs7 -print_certs"},
        {"openssl crl2pkcs7 -nocrl -certfile %s -outform DER -out %s", "`openssl pkcs7 -inform DER -print_certs"},
        {"openssl pkcs12 -export -nokeys -in %s -out %s -passout pass:", "is PKCS#12 (.p12 or .pfx); `openssl pkcs12"},
        {"openssl x509 -in %s -trustout -out %s", "`openssl x509"},
    };
    size_t i;
    for (i = 0; i < sizeof BUNDLES / sizeof *BUNDLES; i++) {
        umapi_client_options *options = umapi_client_options_new();
        const char *bundle = converted_ca(BUNDLES[i][0]);
        CHECK_FAILS(umapi_client_options_add_ca_file(options, bundle, &error), UMAPI_STATUS_INVALID_ARGUMENT, error);
        CHECK_HAS(umapi_error_message(error), BUNDLES[i][1]);
        CHECK_HAS(umapi_error_message(error), bundle);
        clear_error();
        unlink(bundle);
        umapi_client_options_free(options);
    }
}

/* ---- Plain http, which is allowed to this machine only ---- */

static void give_a_token(umapi_token_answer *answer, void *user_data)
{
    (void)user_data;
    umapi_token_answer_set(answer, "a-token", 3600, NULL);
}

/* A client of the control API, which is not the UMAPI and refuses requests; but the answers come from it. */
static umapi_client *client_of_plain_http(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_credentials *credentials = NULL;
    umapi_client *client = NULL;
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_SANDBOX_CONTROL"), &error), error);
    CHECK_OK(umapi_credentials_new_callback("an-id", give_a_token, NULL, NULL, &credentials, &error), error);
    CHECK_OK(umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &client, &error), error);
    umapi_credentials_free(credentials);
    umapi_client_options_free(options);
    return client;
}

static void plain_http_needs_no_certificates(void)
{
    umapi_client *client = client_of_plain_http();
    umapi_check *found = NULL;
    setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem", 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
    setenv("HTTPS_PROXY", "gopher://nonsense", 1);
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_REJECTED, error);
    CHECK_HAS(umapi_error_message(error), "the control API has no GET");
    clear_error();
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    CHECK_INT(umapi_check_step_result(umapi_check_get(found, 0)), UMAPI_CHECK_PASSED);
    CHECK_HAS(umapi_check_step_message(umapi_check_get(found, 0)), "certificates: not needed for plain http");
    umapi_check_free(found);
    umapi_client_free(client);
    unsetenv("HTTPS_PROXY");
    /* With TLS they are needed. */
    client = client_of(NULL, environment("UMAPI_AUTH_HOST"));
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_TLS, error);
    CHECK_HAS(umapi_error_message(error), "ca-certificates");
    CHECK_HAS_NOT(umapi_error_message(error), "umapi_client_options");
    clear_error();
    umapi_client_free(client);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

/* ---- No file descriptors ---- */

static struct rlimit former_limit;
static int last_descriptor;

/* Lowers the limit so that no descriptor above the lowest free one can be opened. */
static void forbid_descriptors(void)
{
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &former_limit), 0);
    last_descriptor = open("/dev/null", O_RDONLY);
    limit = former_limit;
    limit.rlim_cur = (rlim_t)last_descriptor + 1;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void allow_descriptors(void)
{
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &former_limit), 0);
    close(last_descriptor);
}

/* Checks that the last error is reported as the operating system's, without a remedy about firewalls. */
static void is_reported_as_local(void)
{
    const char *message = umapi_error_message(error);
    CHECK_HAS(message, "Too many open files");
    CHECK_HAS(message, "ulimit -n");
    CHECK_HAS_NOT(message, "firewall");
    CHECK_HAS_NOT(message, "ca-certificates");
    CHECK_HAS_NOT(message, "check that");
    CHECK_HAS_NOT(message, "spelling");
    CHECK_INT(umapi_error_is_retryable(error), 0);
    clear_error();
}

static void a_call_without_descriptors(const umapi_client *client)
{
    forbid_descriptors();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_INTERNAL, error);
    allow_descriptors();
    is_reported_as_local();
}

static umapi_credentials *with_host(const char *host)
{
    umapi_credentials *credentials = new_credentials();
    CHECK_OK(umapi_credentials_set_auth_host(credentials, host, &error), error);
    return credentials;
}

/* The client has its event loop and its certificates, and calls a host to which it has no connection. */
static void a_new_host_without_descriptors(umapi_client_options *options, const char *host)
{
    umapi_client *client = client_of(options, environment("UMAPI_AUTH_HOST"));
    umapi_credentials *credentials = with_host(host);
    umapi_check *found = NULL;
    size_t i;
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(umapi_client_set_credentials(client, credentials, &error), error);
    a_call_without_descriptors(client);
    forbid_descriptors();
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    allow_descriptors();
    CHECK_INT(umapi_check_passed(found), 0);
    CHECK_HAS(umapi_check_text(found), "Too many open files");
    CHECK_HAS(umapi_check_text(found), "ulimit -n");
    CHECK_HAS_NOT(umapi_check_text(found), "firewall");
    for (i = 0; i < umapi_check_count(found); i++) {
        const umapi_error *why = umapi_check_step_error(umapi_check_get(found, i));
        CHECK(why == NULL || umapi_error_status(why) == UMAPI_STATUS_INTERNAL);
    }
    umapi_check_free(found);
    umapi_credentials_free(credentials);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

#define PAIR "/tmp/umapi-unsaved"

static void no_descriptors_left(void)
{
    char localhost[64], secure[128];
    umapi_client *client = new_client();
    umapi_credentials *credentials = with_host("https://127.0.0.1:1");
    umapi_client_options *options;
    umapi_key_pair *pair = NULL;
    remove(PAIR ".key");
    remove(PAIR ".crt");
    /* The first call needs descriptors for the event loop. */
    a_call_without_descriptors(client);
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
    /* The certificates are read from a file. */
    client = client_of_plain_http();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_REJECTED, error);
    clear_error();
    CHECK_OK(umapi_client_set_credentials(client, credentials, &error), error);
    a_call_without_descriptors(client);
    umapi_credentials_free(credentials);
    umapi_client_free(client);
    /* A connection, a name look-up, and proxies of every kind need descriptors. */
    snprintf(localhost, sizeof localhost, "https://localhost%s", strrchr(sandbox_host(), ':'));
    snprintf(secure, sizeof secure, "https%s", strchr(environment("PROXY_INSPECTS"), ':'));
    a_new_host_without_descriptors(new_options(), "https://127.0.0.1:1");
    a_new_host_without_descriptors(new_options(), localhost);
    a_new_host_without_descriptors(through(environment("PROXY_OPEN"), NULL, NULL), "https://127.0.0.1:1");
    a_new_host_without_descriptors(through(socks("socks5h", "PROXY_SOCKS"), NULL, NULL), "https://127.0.0.1:1");
    a_new_host_without_descriptors(through(socks("socks5", "PROXY_SOCKS"), NULL, NULL), localhost);
    options = through(secure, NULL, NULL);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("PROXY_INSPECTS_CA"), &error), error);
    a_new_host_without_descriptors(options, "https://127.0.0.1:1");
    /* Files need descriptors. */
    options = umapi_client_options_new();
    credentials = NULL;
    CHECK_OK(umapi_key_pair_new("umapi", NULL, &pair, &error), error);
    forbid_descriptors();
    CHECK_FAILS(umapi_client_options_add_ca_file(options, environment("UMAPI_CA_FILE"), &error), UMAPI_STATUS_INTERNAL,
                error);
    is_reported_as_local();
    CHECK_FAILS(umapi_client_new_from_file(environment("UMAPI_CA_FILE"), NULL, &client, &error), UMAPI_STATUS_INTERNAL,
                error);
    is_reported_as_local();
    CHECK_FAILS(umapi_credentials_new_jwt_from_file("c", "s", "t", environment("UMAPI_CA_FILE"), NULL, &credentials,
                                                    &error),
                UMAPI_STATUS_INTERNAL, error);
    is_reported_as_local();
    CHECK_FAILS(umapi_key_pair_save(pair, PAIR ".key", PAIR ".crt", 0, &error), UMAPI_STATUS_INTERNAL, error);
    is_reported_as_local();
    allow_descriptors();
    /* valgrind creates the file before it checks the limit, so this part does not run under valgrind. */
    if (slowness() < 10) {
        CHECK(access(PAIR ".key", F_OK) != 0);
        CHECK(access(PAIR ".crt", F_OK) != 0);
    }
    remove(PAIR ".key");
    remove(PAIR ".crt");
    umapi_key_pair_free(pair);
    umapi_client_options_free(options);
}

/* ---- A small stack ---- */

/* The stack size; musl gives new threads little more. */
enum { SMALL_STACK = 96 * 1024 };

static umapi_client_options *for_small_stack;

static void *everything_on_a_small_stack(void *unused)
{
    umapi_client *client = client_of(for_small_stack, environment("UMAPI_AUTH_HOST"));
    umapi_check *found = NULL;
    CHECK_OK(umapi_client_check(client, NULL, &found, &error), error);
    CHECK_INT(umapi_check_passed(found), 1);
    umapi_check_free(found);
    CHECK_OK(find_user(client, NULL, &error), error);
    CHECK_OK(next_user(client, NULL, &error), error);
    CHECK_OK(next_group(client, NULL, &error), error);
    CHECK_OK(execute_action(client, NULL, &error), error);
    CHECK_OK(flush_queue(client, NULL, &error), error);
    umapi_client_free(client);
    return unused;
}

static void on_a_small_stack(umapi_client_options *options)
{
    pthread_attr_t attributes;
    pthread_t thread;
    for_small_stack = options;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, SMALL_STACK), 0);
    CHECK_INT(pthread_create(&thread, &attributes, everything_on_a_small_stack, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    umapi_client_options_free(options);
}

static void a_small_stack_is_large_enough_for_every_route(void)
{
    umapi_client_options *options;
    char secure[128];
    on_a_small_stack(new_options());
    on_a_small_stack(through(environment("PROXY_OPEN"), NULL, NULL));
    on_a_small_stack(through(socks("socks5h", "PROXY_SOCKS"), NULL, NULL));
    snprintf(secure, sizeof secure, "https%s", strchr(environment("PROXY_INSPECTS"), ':'));
    options = through(secure, NULL, NULL);
    CHECK_OK(umapi_client_options_add_ca_file(options, environment("PROXY_INSPECTS_CA"), &error), error);
    on_a_small_stack(options);
}

static void files_that_hold_no_certificate(void)
{
    umapi_client_options *options = umapi_client_options_new();
    CHECK_FAILS(umapi_client_options_add_ca_file(options, "/nonexistent/ca.pem", &error),
                UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "path: /nonexistent/ca.pem: cannot be read: No such file");
    clear_error();
    CHECK_FAILS(umapi_client_options_add_ca_file(options, environment("PROXY_OPEN_LOG"), &error),
                UMAPI_STATUS_INVALID_ARGUMENT, error);
    CHECK_HAS(umapi_error_message(error), "holds no certificate in PEM");
    CHECK_HAS(umapi_error_message(error), environment("PROXY_OPEN_LOG"));
    clear_error();
    umapi_client_options_free(options);
}

static void remember_danger(int32_t level, const char *message, void *seen)
{
    if (level == UMAPI_LOG_WARN && strstr(message, "DANGER") != NULL) {
        ++*(int *)seen;
    }
}

static void without_verification_any_certificate_is_accepted_with_a_warning(void)
{
    umapi_client_options *options = umapi_client_options_new();
    umapi_client *client;
    int warnings = 0;
    CHECK_OK(umapi_client_options_set_endpoint(options, environment("UMAPI_ENDPOINT"), &error), error);
    CHECK_OK(umapi_client_options_set_log(options, UMAPI_LOG_WARN, remember_danger, &warnings, NULL, &error), error);
    CHECK_OK(umapi_client_options_set_danger_accept_invalid_certificates(options, 1, &error), error);
    client = client_of(options, environment("UMAPI_AUTH_HOST"));
    CHECK_INT(warnings, 1);
    CHECK_OK(find_user(client, NULL, &error), error);
    umapi_client_free(client);
    CHECK_OK(umapi_client_options_set_danger_accept_invalid_certificates(options, 0, &error), error);
    CHECK_FAILS(try_with(options), UMAPI_STATUS_TLS, error);
    CHECK_INT(warnings, 1);
    clear_error();
}

/* ---- No connection at all ---- */

static void a_missing_connection_is_reported_within_seconds(void)
{
    static const struct {
        const char *host, *what, *remedy;
    } NOWHERE[] = {
        {"https://nowhere.invalid", "the name nowhere.invalid is not found", "by the option proxy"},
        {"https://127.0.0.1:1", "127.0.0.1:1 refuses the connection", "whether a firewall lets this machine out"},
    };
    size_t i;
    for (i = 0; i < 2; i++) {
        umapi_client_options *options = new_options();
        umapi_client *client;
        int64_t start = now_ms();
        /* The retries and timeouts are the defaults. */
        CHECK_OK(umapi_client_options_set_retry(options, 4, 15000, 300000, &error), error);
        client = client_of(options, NOWHERE[i].host);
        CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_CONNECT, error);
        CHECK_HAS(umapi_error_message(error), NOWHERE[i].what);
        CHECK_HAS(umapi_error_message(error), NOWHERE[i].remedy);
        CHECK_INT(umapi_error_attempts(error), 4);
        CHECK_INT(umapi_error_is_retryable(error), 1);
        CHECK(now_ms() - start < 12000 * slowness());
        clear_error();
        umapi_client_free(client);
        umapi_client_options_free(options);
    }
}

/* Accepts connections, and closes each after its first bytes; every other one with a reset, as firewalls do. */
static void *close_after_first_bytes(void *listener)
{
    struct linger reset = {1, 0};
    char hello[16];
    int connection, is_reset = 0;
    while ((connection = accept(*(int *)listener, NULL, NULL)) >= 0) {
        (void)!read(connection, hello, sizeof hello);
        if ((is_reset = !is_reset)) {
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        close(connection);
    }
    return NULL;
}

static void a_handshake_that_is_cut_off(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    char host[64];
    size_t i;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, length), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    CHECK_INT(listen(listener, 8), 0);
    CHECK_INT(pthread_create(&thread, NULL, close_after_first_bytes, &listener), 0);
    snprintf(host, sizeof host, "https://127.0.0.1:%d", ntohs(address.sin_port));
    for (i = 0; i < 4; i++) {
        umapi_client_options *options = i < 2 ? new_options() : through(environment("PROXY_OPEN"), NULL, NULL);
        umapi_client *client = client_of(options, host);
        CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_CONNECT, error);
        CHECK_HAS(umapi_error_message(error), "was cut off in the TLS handshake");
        CHECK_HAS(umapi_error_message(error), i < 2 ? "ask whether a firewall permits 127.0.0.1:" :
                                                      "or a firewall behind it permits 127.0.0.1:");
        CHECK_HAS_NOT(umapi_error_message(error), "the option proxy");
        clear_error();
        umapi_client_free(client);
        umapi_client_options_free(options);
    }
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
}

/* A host that does not answer costs one connect timeout, not one for each attempt. */
static void silence_is_reported_after_one_timeout(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), waiting[4];
    umapi_client_options *options = new_options();
    umapi_client *client;
    char host[64];
    int64_t start;
    size_t i;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, length), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    CHECK_INT(listen(listener, 0), 0);
    /* Once the queue of connections is full, the system does not answer any more. */
    for (i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(waiting[i], F_SETFL, O_NONBLOCK);
        connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    sleep_ms(100);
    snprintf(host, sizeof host, "https://127.0.0.1:%d", ntohs(address.sin_port));
    CHECK_OK(umapi_client_options_set_connect_timeout_ms(options, 300, &error), error);
    client = client_of(options, host);
    start = now_ms();
    CHECK_FAILS(find_user(client, NULL, &error), UMAPI_STATUS_CONNECT, error);
    CHECK(now_ms() - start < 300 + 400 * slowness());
    CHECK_HAS(umapi_error_message(error), "no connection to 127.0.0.1:");
    CHECK_HAS(umapi_error_message(error), "within 300ms");
    CHECK_HAS(umapi_error_message(error), "whether a firewall lets this machine out");
    CHECK_INT(umapi_error_attempts(error), 1);
    clear_error();
    for (i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        close(waiting[i]);
    }
    close(listener);
    umapi_client_free(client);
    umapi_client_options_free(options);
}

int main(void)
{
    unset_proxy_variables();
    RUN(an_open_proxy_is_used_for_both_hosts);
    RUN(each_host_on_its_own_goes_through_the_proxy);
    RUN(a_proxy_that_wants_a_login);
    RUN(a_socks_proxy);
    RUN(the_scheme_decides_where_names_are_looked_up);
    RUN(a_socks_proxy_that_wants_a_login);
    RUN(a_socks_login_full_of_signs);
    RUN(a_proxy_that_does_not_run);
    RUN(a_proxy_of_another_kind_than_its_url_says);
    RUN(a_proxy_that_speaks_tls);
    RUN(a_host_that_the_proxy_cannot_reach);
    RUN(the_environment_names_the_proxy);
    RUN(hosts_in_no_proxy_are_reached_directly);
    RUN(an_invalid_variable_is_named_and_its_value_is_not_shown);
    RUN(plain_http_on_this_machine_uses_no_proxy);
    RUN(a_proxy_that_inspects);
    RUN(each_bad_certificate_has_its_message);
    RUN(only_the_added_certificates);
    RUN(the_platforms_certificates);
    RUN(certificates_as_windows_writes_them);
    RUN(certificates_in_der);
    RUN(certificates_from_a_variable);
    RUN(bundles_are_refused_with_the_command_that_converts_them_to_pem);
    RUN(plain_http_needs_no_certificates);
    RUN(no_descriptors_left);
    RUN(a_small_stack_is_large_enough_for_every_route);
    RUN(files_that_hold_no_certificate);
    RUN(without_verification_any_certificate_is_accepted_with_a_warning);
    RUN(a_missing_connection_is_reported_within_seconds);
    RUN(a_handshake_that_is_cut_off);
    RUN(silence_is_reported_after_one_timeout);
    return all_passed();
}
