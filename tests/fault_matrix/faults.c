/*
 * The fault matrix: every fault on every call, with two attempts. The program prints a table in Markdown of the reported
 * results, which check.sh compares with the one in README.md, and checks each cell against the sandbox's records: a
 * listing is complete or an error, and each action's outcome is true.
 */

#include "harness.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 64, COLUMNS = 8, SHAPES = 7, ATTEMPTS = 2, STALL_MS = 200 };

static umapi_error *error;

/* ---- Texts of the cells ---- */

static const char *status_word(umapi_status status)
{
    static const char *const names[] = {"OK",      "invalid argument", "cancelled", "deadline",  "throttled", "connect",
                                        "TLS",     "proxy",            "timeout",   "auth",      "forbidden", "not found",
                                        "rejected", "server",          "protocol",  "fork",      "panic",     "internal"};
    return status >= 0 && (size_t)status < sizeof names / sizeof *names ? names[status] : "?";
}

static const char *outcome_word(int32_t kind)
{
    static const char *const names[] = {"?", "succeeded", "failed", "not sent", "unknown"};
    return kind > 0 && (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

/* Writes the error's status, and the number of attempts if there were several. */
static void write_error(char *cell, const umapi_error *error)
{
    int attempts = (int)umapi_error_attempts(error);
    size_t length = strlen(cell);
    CHECK(strlen(umapi_error_message(error)) > 10);
    length += (size_t)sprintf(cell + length, "%s", status_word(umapi_error_status(error)));
    if (attempts > 1) {
        sprintf(cell + length, " ×%d", attempts);
    }
}

static void write_status(char *cell, umapi_status status)
{
    CHECK_INT(umapi_error_status(error), status);
    if (status == UMAPI_OK) {
        strcat(cell, "OK");
    } else {
        write_error(cell, error);
    }
    umapi_error_free(error);
    error = NULL;
}

/* ---- Calls ---- */

/* The number of items in each complete listing. */
static size_t users_expected, groups_expected, user_groups_expected;

static size_t count_users(const umapi_client *client, umapi_status *status)
{
    umapi_users *users = NULL;
    const umapi_user *user = NULL;
    size_t count = 0;
    CHECK_OK(umapi_client_users(client, NULL, &users, &error), error);
    while ((*status = umapi_users_next(users, NULL, &user, &error)) == UMAPI_OK && user != NULL) {
        count++;
    }
    umapi_users_free(users);
    return count;
}

static size_t count_groups(umapi_groups *groups, umapi_status *status)
{
    const umapi_group *group = NULL;
    size_t count = 0;
    while ((*status = umapi_groups_next(groups, NULL, &group, &error)) == UMAPI_OK && group != NULL) {
        count++;
    }
    umapi_groups_free(groups);
    return count;
}

static void write_listing(char *cell, umapi_status status, size_t count, size_t expected)
{
    CHECK(count <= expected);
    CHECK(status != UMAPI_OK || count == expected);
    write_status(cell, status);
}

static void list_users(const umapi_client *client, char *cell)
{
    umapi_status status;
    size_t count = count_users(client, &status);
    write_listing(cell, status, count, users_expected);
}

static void list_groups(const umapi_client *client, char *cell)
{
    umapi_groups *groups = NULL;
    umapi_status status;
    size_t count;
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    count = count_groups(groups, &status);
    write_listing(cell, status, count, groups_expected);
}

static void list_user_groups(const umapi_client *client, char *cell)
{
    umapi_groups *groups = NULL;
    umapi_status status;
    size_t count;
    CHECK_OK(umapi_client_user_groups(client, &groups, &error), error);
    count = count_groups(groups, &status);
    write_listing(cell, status, count, user_groups_expected);
}

static void find_one_user(const umapi_client *client, char *cell)
{
    umapi_user *user = NULL;
    umapi_status status = umapi_client_find_user(client, NULL, EXISTING_USER, NULL, &user, &error);
    if (status == UMAPI_OK && user == NULL) {
        strcat(cell, "no such user");
    } else {
        CHECK(status != UMAPI_OK || strcmp(umapi_user_email(user), EXISTING_USER) == 0);
        write_status(cell, status);
    }
    umapi_user_free(user);
}

static void read_status_page(const umapi_client *client, char *cell)
{
    write_status(cell, read_service(client, NULL, &error));
}

/* Executes the action, and checks its outcome against the ledger. */
static void act(const umapi_client *client, umapi_action *action, int may_run_twice, char *cell)
{
    umapi_results *results = execute(client, action);
    const umapi_outcome *outcome = umapi_results_get(results, 0);
    int32_t kind = umapi_outcome_kind(outcome);
    char *ledger = control("GET", "/ledger", NULL);
    size_t applied = occurrences(ledger, "\"applied\":true");
    CHECK_INT(umapi_results_length(results), 1);
    CHECK(kind != UMAPI_OUTCOME_SUCCEEDED || applied > 0);
    CHECK((kind != UMAPI_OUTCOME_FAILED && kind != UMAPI_OUTCOME_NOT_SENT) || applied == 0);
    CHECK(kind != UMAPI_OUTCOME_UNKNOWN || umapi_outcome_error(outcome) != NULL);
    CHECK(may_run_twice || applied <= 1);
    strcat(cell, outcome_word(kind));
    if (umapi_outcome_error(outcome) != NULL) {
        strcat(cell, ": ");
        write_error(cell, umapi_outcome_error(outcome));
    } else if (umapi_outcome_finding_count(outcome) > 0) {
        strcat(cell, ", with its code");
        CHECK(umapi_finding_code(umapi_outcome_finding(outcome, 0)) != NULL);
    }
    free(ledger);
    umapi_results_free(results);
}

static void join_group(const umapi_client *client, char *cell)
{
    act(client, membership("Marketing"), 1, cell);
}

static void join_no_group(const umapi_client *client, char *cell)
{
    act(client, membership("Ghosts"), 1, cell);
}

static void rename_user(const umapi_client *client, char *cell)
{
    act(client, renaming("renamed@example.com"), 0, cell);
}

typedef struct column {
    const char *heading;
    const char *endpoint;
    void (*call)(const umapi_client *client, char *cell);
} column;

static const column TABLE[COLUMNS] = {
    {"token", "token", find_one_user},
    {"one user", "user", find_one_user},
    {"users", "users", list_users},
    {"groups", "groups", list_groups},
    {"user groups", "user-groups", list_user_groups},
    {"status page", "status", read_status_page},
    {"action that may run twice", "action", join_group},
    {"action that may not", "action", rename_user},
};

enum { ALL = 0xff, TOKEN = 0x01, ALL_BUT_TOKEN = 0xfe, USERS = 0x04, LISTINGS = 0x1c, WITH_TOKEN = 0xdf, JOINING = 0x40 };

/* ---- Faults ---- */

typedef enum way { BY_RULE, BY_REFUSING, BY_REVOKING, BY_EMPTYING_A_PAGE } way;

typedef struct row {
    const char *name;
    /* The rule without its endpoint. SHAPE is replaced by each shape of a body in turn. */
    const char *fault;
    const char *settings;
    int columns;
    way way;
} row;

static const char *const BODIES[SHAPES] = {"gateway", "result", "error_message_code", "error_message",
                                           "ims",     "html",   "empty"};

#define STATUS(code, body) "'fault':{'status':{'code':" #code ",'body':'" body "'}}"
#define PAUSE(code, retry_after) "'fault':{'status':{'code':" #code ",'retry_after':" retry_after "}}"
#define AT(what, place) "'fault':{'" what "':{'at':'" place "'}}"
#define ERROR(rewriting) "'fault':{'rewrite':{" rewriting "}}"
#define SMALL_PAGES "{\"page_size\":4}"

static const row FAULTS[] = {
    {"nothing", NULL, NULL, ALL, BY_RULE},
    {"connection refused", NULL, NULL, ALL, BY_REFUSING},
    {"reset before the request is read", AT("reset", "before_read"), NULL, ALL, BY_RULE},
    {"reset before the work", AT("reset", "before_work"), NULL, ALL, BY_RULE},
    {"reset after the work", AT("reset", "after_work"), NULL, ALL, BY_RULE},
    {"reset in the headers", AT("reset", "in_headers"), NULL, ALL, BY_RULE},
    {"reset in the body", AT("reset", "in_body"), NULL, ALL, BY_RULE},
    {"stall before the request is read", AT("stall", "before_read"), NULL, ALL, BY_RULE},
    {"stall before the work", AT("stall", "before_work"), NULL, ALL, BY_RULE},
    {"stall after the work", AT("stall", "after_work"), NULL, ALL, BY_RULE},
    {"stall in the headers", AT("stall", "in_headers"), NULL, ALL, BY_RULE},
    {"stall in the body", AT("stall", "in_body"), NULL, ALL, BY_RULE},
    {"400", STATUS(400, "SHAPE"), NULL, ALL, BY_RULE},
    {"401", STATUS(401, "SHAPE"), NULL, ALL, BY_RULE},
    {"403", STATUS(403, "SHAPE"), NULL, ALL, BY_RULE},
    {"404", STATUS(404, "SHAPE"), NULL, ALL, BY_RULE},
    {"408", STATUS(408, "SHAPE"), NULL, ALL, BY_RULE},
    {"429", STATUS(429, "SHAPE"), NULL, ALL, BY_RULE},
    {"500", STATUS(500, "SHAPE"), NULL, ALL, BY_RULE},
    {"501", STATUS(501, "SHAPE"), NULL, ALL, BY_RULE},
    {"502", STATUS(502, "SHAPE"), NULL, ALL, BY_RULE},
    {"503", STATUS(503, "SHAPE"), NULL, ALL, BY_RULE},
    {"504", STATUS(504, "SHAPE"), NULL, ALL, BY_RULE},
    {"503 after the work", "'fault':{'status':{'code':503,'after_work':true}}", NULL, ALL, BY_RULE},
    {"429, `Retry-After: 1`", PAUSE(429, "1"), NULL, ALL, BY_RULE},
    {"429, `Retry-After: 3244`", PAUSE(429, "3244"), NULL, ALL, BY_RULE},
    {"429, `Retry-After` a date in an hour", PAUSE(429, "{'date_in':3600}"), NULL, ALL, BY_RULE},
    {"the same by a clock an hour fast", PAUSE(429, "{'date_in':3600}"), "{\"date_offset_s\":3600}", ALL, BY_RULE},
    {"429, `Retry-After` a date in the past", PAUSE(429, "{'date_in':-3600}"), NULL, ALL, BY_RULE},
    {"429, `Retry-After: -5`", PAUSE(429, "'-5'"), NULL, ALL, BY_RULE},
    {"429, `Retry-After: soon`", PAUSE(429, "'soon'"), NULL, ALL, BY_RULE},
    {"503, `Retry-After: 3244`", PAUSE(503, "3244"), NULL, ALL, BY_RULE},
    {"200, truncated JSON", "'fault':{'truncate':{'after':7}}", NULL, ALL, BY_RULE},
    {"200, the body ends early", "'fault':{'truncate':{'after':7,'keep_length':true}}", NULL, ALL, BY_RULE},
    {"200, another JSON", "'fault':{'garbage':{'kind':'other_json'}}", NULL, ALL, BY_RULE},
    {"200, HTML from a proxy", "'fault':{'garbage':{'kind':'html'}}", NULL, ALL, BY_RULE},
    {"200, arbitrary bytes", "'fault':{'garbage':{'kind':'bytes'}}", NULL, ALL, BY_RULE},
    {"200, a body that never ends", "'fault':{'endless':{}}", NULL, USERS | JOINING, BY_RULE},
    {"200, nested 100,000 deep", "'fault':{'deep':{'levels':100000}}", NULL, ALL, BY_RULE},
    {"200, `Content-Length` too small", "'fault':{'wrong_length':{'by':-10}}", NULL, ALL, BY_RULE},
    {"200, `Content-Length` too large", "'fault':{'wrong_length':{'by':10}}", NULL, ALL, BY_RULE},
    {"200, gzip unasked", "'fault':{'gzip':{}}", NULL, ALL, BY_RULE},
    {"204", STATUS(204, "empty"), NULL, ALL, BY_RULE},
    {"redirect to another host", "'fault':{'redirect':{'to':'https://example.com/'}}", NULL, ALL, BY_RULE},
    {"token revoked in mid-run", NULL, NULL, WITH_TOKEN & ~TOKEN, BY_REVOKING},
    {"token that ends before it said", ERROR("'set':{'/expires_in':86399}"), "{\"token_ttl_s\":0}", TOKEN, BY_RULE},
    {"token without an end", ERROR("'remove':['/expires_in']"), NULL, TOKEN, BY_RULE},
    {"token of length 0", ERROR("'set':{'/access_token':''}"), NULL, TOKEN, BY_RULE},
    {"the first page for ever", "'fault':{'serve_page':{'page':0}}", SMALL_PAGES, LISTINGS, BY_RULE},
    {"an empty page in the middle", NULL, SMALL_PAGES, USERS, BY_EMPTYING_A_PAGE},
    {"a last page that is missing", "'match':{'path_contains':'AdobeOrg/3'}," STATUS(404, "result"), NULL, USERS, BY_RULE},
    {"an error without `index`", ERROR("'remove':['/errors/0/index']"), NULL, JOINING, BY_RULE},
    {"an error with `index` null", ERROR("'set':{'/errors/0/index':null}"), NULL, JOINING, BY_RULE},
    {"an error with `index` as text", ERROR("'set':{'/errors/0/index':'0'}"), NULL, JOINING, BY_RULE},
    {"an error with `index` 99", ERROR("'set':{'/errors/0/index':99}"), NULL, JOINING, BY_RULE},
    {"an error without `step`", ERROR("'remove':['/errors/0/step']"), NULL, JOINING, BY_RULE},
    {"an error with `step` null", ERROR("'set':{'/errors/0/step':null}"), NULL, JOINING, BY_RULE},
    {"an error with `step` as text", ERROR("'set':{'/errors/0/step':'0'}"), NULL, JOINING, BY_RULE},
    {"an error with `step` 99", ERROR("'set':{'/errors/0/step':99}"), NULL, JOINING, BY_RULE},
};

/* Under a slow checker, only a third of the rows and of the columns is computed. */
static int is_quick(void)
{
    return slowness() > 1;
}

/* ---- Cells ---- */

static umapi_client *client_for(const row *row)
{
    umapi_client_options *options = new_options();
    umapi_client *client;
    int is_stall = row->fault != NULL && strstr(row->fault, "'stall'") != NULL;
    CHECK_OK(umapi_client_options_set_retry(options, ATTEMPTS, 1, 2000, &error), error);
    CHECK_OK(umapi_client_options_set_attempt_timeout_ms(options, is_stall ? STALL_MS * slowness() : 20000, &error),
             error);
    client = new_client_with(options);
    umapi_client_options_free(options);
    return client;
}

/* Makes all users of the second page technical accounts, which no page contains. */
static void empty_the_second_page(void)
{
    const char *const user = "{\"id\":", *const technical = "{\"technical\":true,\"id\":";
    char *state = control("GET", "/state", NULL), *place = state, *from = state;
    char *changed = calloc(1, strlen(state) + 4 * strlen(technical) + 1);
    int i;
    for (i = 0; i < 8; i++) {
        place = strstr(place + 1, user);
        if (i >= 4) {
            strncat(changed, from, (size_t)(place - from));
            strcat(changed, technical);
            from = place + strlen(user);
        }
    }
    strcat(changed, from);
    control_only("PUT", "/state", changed);
    free(changed);
    free(state);
}

static void set_rule(const row *row, const column *column, const char *shape, int once)
{
    char rule[1024];
    const char *place = strstr(row->fault, "SHAPE");
    int length = sprintf(rule, "{'endpoint':'%s',%s", column->endpoint, once ? "'times':1," : "");
    if (place == NULL) {
        sprintf(rule + length, "%s}", row->fault);
    } else {
        sprintf(rule + length, "%.*s%s%s}", (int)(place - row->fault), row->fault, shape, place + 5);
    }
    add_fault(rule);
}

static void fill(char *cell, const row *row, size_t number, const char *shape, int once)
{
    const column *column = &TABLE[number];
    umapi_client *client;
    void (*call)(const umapi_client *client, char *cell) = column->call;
    memset(cell, 0, CELL);
    if ((row->columns >> number & 1) == 0 || (is_quick() && number % 3 != 0)) {
        return;
    }
    control_only("POST", "/reset", NULL);
    client = client_for(row);
    if (row->columns != TOKEN && number != 0) {
        CHECK_OK(find_user(client, NULL, &error), error);
    }
    if (row->settings != NULL) {
        control_only("POST", "/settings", row->settings);
    }
    if (row->fault != NULL) {
        set_rule(row, column, shape, once);
    }
    switch (row->way) {
    case BY_RULE:
        break;
    case BY_REFUSING:
        control_only("POST", "/refuse", "{\"ms\":60000}");
        /* The reset must have arrived: an action written to the connection just before it is correctly unknown. */
        sleep_ms(30 * slowness());
        break;
    case BY_REVOKING:
        control_only("POST", "/tokens/revoke", NULL);
        break;
    case BY_EMPTYING_A_PAGE:
        empty_the_second_page();
        users_expected -= 4;
        break;
    }
    if (row->columns == JOINING) {
        call = join_no_group;
    }
    call(client, cell);
    if (row->way == BY_EMPTYING_A_PAGE) {
        users_expected += 4;
    }
    umapi_client_free(client);
}

/* ---- Rows ---- */

typedef char cells[COLUMNS][CELL];

static int is_left_out(size_t number, int once)
{
    const row *row = &FAULTS[number];
    int has_no_times = row->fault == NULL && number > 0;
    int is_long = row->fault != NULL && strstr(row->fault, "endless") != NULL;
    return (once && has_no_times) || (is_quick() && (is_long || number % 3 != 0));
}

static void fill_row(cells *line, const row *row, const char *shape, int once)
{
    size_t i;
    for (i = 0; i < COLUMNS; i++) {
        fill((*line)[i], row, i, shape, once);
    }
}

static void print_row(const char *name, const char *shapes, const cells *line)
{
    size_t i;
    printf("| %s%s%s |", name, *shapes == '\0' ? "" : ", ", shapes);
    for (i = 0; i < COLUMNS; i++) {
        printf(" %s |", (*line)[i]);
    }
    printf("\n");
    fflush(stdout);
}

/* Shapes of a body with equal cells share a row. */
static void print_shapes(const row *row, int once)
{
    static cells lines[SHAPES];
    int printed[SHAPES] = {0};
    int i, j, count = is_quick() ? 1 : SHAPES;
    for (i = 0; i < count; i++) {
        fill_row(&lines[i], row, BODIES[i], once);
    }
    for (i = 0; i < count; i++) {
        char shapes[256] = "";
        int same = 0;
        for (j = i; j < count && !printed[i]; j++) {
            if (memcmp(lines[i], lines[j], sizeof lines[i]) == 0) {
                sprintf(shapes + strlen(shapes), "%s%s", same++ == 0 ? "" : ", ", BODIES[j]);
                printed[j] = j > i;
            }
        }
        if (same > 0) {
            print_row(row->name, same == count ? "any body" : shapes, (const cells *)&lines[i]);
        }
    }
}

static void print_table(const char *heading, int once)
{
    static cells line;
    size_t i;
    printf("\n%s\n\n| Fault |", heading);
    for (i = 0; i < COLUMNS; i++) {
        printf(" %s |", TABLE[i].heading);
    }
    printf("\n|---|---|---|---|---|---|---|---|---|\n");
    for (i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) {
        const row *row = &FAULTS[i];
        if (is_left_out(i, once)) {
            continue;
        }
        if (row->fault != NULL && strstr(row->fault, "SHAPE") != NULL) {
            print_shapes(row, once);
        } else {
            fill_row(&line, row, "", once);
            print_row(row->name, "", (const cells *)&line);
        }
    }
}

static void count_items(void)
{
    umapi_client *client = new_client();
    umapi_groups *groups = NULL;
    umapi_status status;
    users_expected = count_users(client, &status);
    CHECK_OK(umapi_client_groups(client, &groups, &error), error);
    groups_expected = count_groups(groups, &status);
    CHECK_OK(umapi_client_user_groups(client, &groups, &error), error);
    user_groups_expected = count_groups(groups, &status);
    CHECK(users_expected > 60 && groups_expected > 4 && user_groups_expected > 4);
    umapi_client_free(client);
}

int main(void)
{
    control_only("POST", "/reset", NULL);
    count_items();
    print_table("Every time, with two attempts:", 0);
    print_table("Once:", 1);
    return all_passed();
}
