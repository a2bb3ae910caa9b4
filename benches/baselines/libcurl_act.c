/* Posts with libcurl the same bodies as libumapi, one after the other over one connection, and checks the answers.
 *
 *     libcurl_act actions
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIONS_IN_REQUEST = 10, LONGEST_ACTION = 512 };

struct answer {
    char text[4096];
    size_t length;
};

static size_t append(char *data, size_t size, size_t count, void *to)
{
    struct answer *answer = to;
    size_t length = size * count;
    if (length >= sizeof answer->text - answer->length) return 0;
    memcpy(answer->text + answer->length, data, length);
    answer->length += length;
    return length;
}

static void must(CURLcode code)
{
    if (code == CURLE_OK) return;
    fprintf(stderr, "%s\n", curl_easy_strerror(code));
    exit(1);
}

static size_t write_action(char *to, int number)
{
    char address[64];
    snprintf(address, sizeof address, "person%06d@example.com", number);
    return (size_t)snprintf(to, LONGEST_ACTION,
                            "{\"user\":\"%s\",\"do\":[{\"createFederatedID\":{\"email\":\"%s\",\"firstname\":\"Zoë\","
                            "\"lastname\":\"Müller\",\"country\":\"DE\",\"option\":\"ignoreIfAlreadyExists\"}},"
                            "{\"add\":{\"group\":[\"Sales\",\"Design/UX\",\"Engineering\"]}}]}",
                            address, address);
}

static size_t write_body(char *to, int first, int end)
{
    size_t length = 0;
    to[length++] = '[';
    for (int number = first; number < end; number++) {
        if (number > first) to[length++] = ',';
        length += write_action(to + length, number);
    }
    to[length++] = ']';
    return length;
}

static struct curl_slist *header(struct curl_slist *list, const char *name, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "%s: %s", name, value);
    return curl_slist_append(list, line);
}

/* Whether the service completed all actions of a request. */
static int all_done(CURL *curl, const struct answer *answer, int actions)
{
    char completed[32];
    long status = 0;
    must(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status));
    snprintf(completed, sizeof completed, "\"completed\":%d,", actions);
    return status == 200 && strstr(answer->text, "\"result\":\"success\"") != NULL
        && strstr(answer->text, completed) != NULL;
}

int main(int count, char **arguments)
{
    char url[512], body[ACTIONS_IN_REQUEST * LONGEST_ACTION];
    struct curl_slist *headers = NULL;
    struct answer answer;
    int actions = count == 2 ? atoi(arguments[1]) : 0, succeeded = 0;

    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s/action/%s", getenv("UMAPI_ENDPOINT"), getenv("UMAPI_ORG_ID"));
    snprintf(body, sizeof body, "Bearer %s", getenv("UMAPI_TOKEN"));
    headers = header(headers, "Authorization", body);
    headers = header(headers, "x-api-key", getenv("UMAPI_CLIENT_ID"));
    headers = header(headers, "Accept", "application/json");
    headers = header(headers, "Content-Type", "application/json");
    must(curl_easy_setopt(curl, CURLOPT_URL, url));
    must(curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers));
    must(curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append));
    must(curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer));
    must(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body));

    for (int first = 0; first < actions; first += ACTIONS_IN_REQUEST) {
        int end = first + ACTIONS_IN_REQUEST < actions ? first + ACTIONS_IN_REQUEST : actions;
        size_t length = write_body(body, first, end);
        answer.length = 0;
        must(curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)length));
        must(curl_easy_perform(curl));
        answer.text[answer.length] = '\0';
        if (all_done(curl, &answer, end - first)) succeeded += end - first;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);

    printf("{\"succeeded\":%d}\n", succeeded);
    return 0;
}
