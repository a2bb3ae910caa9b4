/*
 * Provisions the people of a CSV file: creates each with the groups that the file names, prints each refusal, and then
 * reads the organisation back to check that each person is as asked.
 *
 *     cc -std=c99 provision.c people.c -lumapi -o provision
 *     UMAPI_ORG_ID=... UMAPI_CLIENT_ID=... UMAPI_CLIENT_SECRET=... ./provision people.csv
 *
 * It runs in the service's test mode, which changes nothing, unless UMAPI_LIVE=1 is set. You may copy from it freely.
 */

#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umapi.h>

#ifdef _WIN32
#include <io.h>
#define isatty _isatty
#else
int isatty(int file); /* from unistd.h, which strict C99 hides */
#endif

typedef struct job {
    people people;
    umapi_client *client;
    umapi_call *call;
    int live;
    int on_terminal;
    const char *doing;
    /* For each person: the outcome, how many commands were applied, and whether the user that was read back is as asked. */
    int32_t *outcome;
    size_t *applied;
    int *as_asked;
    size_t refused;
    size_t users_read;
    size_t pages_read;
} job;

/* Prints and frees an error; returns -1. */
static int failed(const char *what, umapi_error *error)
{
    fprintf(stderr, "%s: %s\n", what, umapi_error_message(error));
    umapi_error_free(error);
    return -1;
}

static int failed_locally(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return -1;
}

/* ---- Progress: one line that is overwritten on a terminal, plain lines elsewhere ---- */

static void show(const job *job, const char *line)
{
    if (job->on_terminal) {
        printf("\r\033[K%s", line);
    } else {
        printf("%s\n", line);
    }
    fflush(stdout);
}

static void clear_progress(const job *job)
{
    if (job->on_terminal) {
        printf("\r\033[K");
    }
}

static void on_progress(const umapi_progress *progress, void *user_data)
{
    const job *job = user_data;
    char line[128];
    switch (umapi_progress_kind(progress)) {
    case UMAPI_PROGRESS_WAIT:
        snprintf(line, sizeof line, "%s: the service's limit is reached, waiting %.1f s", job->doing,
                 (double)umapi_progress_wait_ms(progress) / 1000.0);
        show(job, line);
        break;
    case UMAPI_PROGRESS_PAGE:
        snprintf(line, sizeof line, "%s: %lu of %ld users", job->doing, (unsigned long)umapi_progress_done(progress),
                 (long)umapi_progress_total(progress));
        show(job, line);
        break;
    default:
        break;
    }
}

/* ---- The client ---- */

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* The service limits the requests in a minute; the sandbox of the demo has a shorter window. */
static umapi_status set_window(umapi_client_options *options, const char *window, umapi_error **error)
{
    int64_t ms = window == NULL ? 60000 : strtol(window, NULL, 10);
    umapi_status status = umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_ACTION, 10, ms, error);
    if (status == UMAPI_OK) {
        status = umapi_client_options_set_rate_limit(options, UMAPI_ENDPOINT_USERS, 25, ms, error);
    }
    return status;
}

static umapi_status set_options(umapi_client_options *options, int live, umapi_error **error)
{
    const char *endpoint = environment("UMAPI_ENDPOINT"), *ca_file = environment("UMAPI_CA_FILE");
    umapi_status status = umapi_client_options_set_test_mode(options, !live, error);
    if (status == UMAPI_OK && endpoint != NULL) {
        status = umapi_client_options_set_endpoint(options, endpoint, error);
    }
    if (status == UMAPI_OK && ca_file != NULL) {
        status = umapi_client_options_add_ca_file(options, ca_file, error); /* for a company's own CA */
    }
    if (status == UMAPI_OK) {
        status = set_window(options, environment("UMAPI_WINDOW_MS"), error);
    }
    return status;
}

static int connect(job *job)
{
    umapi_error *error = NULL;
    umapi_credentials *credentials = NULL;
    umapi_client_options *options = umapi_client_options_new();
    const char *auth_host = environment("UMAPI_AUTH_HOST");
    umapi_status status = umapi_credentials_new_oauth(environment("UMAPI_CLIENT_ID"),
                                                      environment("UMAPI_CLIENT_SECRET"), &credentials, &error);
    if (status == UMAPI_OK && auth_host != NULL) {
        status = umapi_credentials_set_auth_host(credentials, auth_host, &error);
    }
    if (status == UMAPI_OK) {
        status = set_options(options, job->live, &error);
    }
    if (status == UMAPI_OK) {
        status = umapi_client_new(environment("UMAPI_ORG_ID"), credentials, options, &job->client, &error);
    }
    umapi_client_options_free(options);
    umapi_credentials_free(credentials);
    if (status == UMAPI_OK) {
        job->call = umapi_call_new();
        status = umapi_call_set_progress(job->call, on_progress, job, NULL, &error);
    }
    return status == UMAPI_OK ? 0 : failed("cannot connect", error);
}

/* ---- Creating the people ---- */

static int32_t identity(const person *person)
{
    switch (person->type[0]) {
    case 'A':
        return UMAPI_IDENTITY_ADOBE;
    case 'E':
        return UMAPI_IDENTITY_ENTERPRISE;
    default:
        return UMAPI_IDENTITY_FEDERATED;
    }
}

/* The first command creates the person, or updates an existing one; the second adds the groups. */
static umapi_status build_action(const person *person, uint64_t tag, umapi_action **action, umapi_error **error)
{
    umapi_status status = umapi_action_new_user(person->username, person->domain, action, error);
    if (status == UMAPI_OK) {
        umapi_action_set_tag(*action, tag);
        status = umapi_action_create_user(*action, identity(person), person->email, person->first_name,
                                          person->last_name, person->country, UMAPI_ON_CONFLICT_UPDATE, error);
    }
    if (status == UMAPI_OK && person->group_count > 0) {
        status = umapi_action_add_to_groups(*action, person->groups, person->group_count, error);
    }
    return status;
}

static const char *text(const char *maybe)
{
    return maybe == NULL ? "-" : maybe;
}

static void print_refusal(const job *job, const umapi_outcome *outcome)
{
    const umapi_error *error = umapi_outcome_error(outcome);
    const char *email = job->people.list[umapi_outcome_tag(outcome)].email;
    size_t i;
    clear_progress(job);
    if (error != NULL) {
        printf("refused: %s: %s\n", email, umapi_error_message(error));
    }
    for (i = 0; i < umapi_outcome_finding_count(outcome); i++) {
        const umapi_finding *finding = umapi_outcome_finding(outcome, i);
        if (umapi_finding_severity(finding) == UMAPI_SEVERITY_ERROR) {
            printf("refused: %s: %s\n         %s: %s\n", email, text(umapi_finding_command_json(finding)),
                   text(umapi_finding_code(finding)), text(umapi_finding_message(finding)));
        }
    }
}

static int take_outcomes(job *job, umapi_queue *queue, size_t *done)
{
    umapi_error *error = NULL;
    umapi_results *results = NULL;
    char line[128];
    size_t i;
    if (umapi_queue_take_results(queue, &results, &error) != UMAPI_OK) {
        return failed("cannot take the results", error);
    }
    for (i = 0; i < umapi_results_length(results); i++) {
        const umapi_outcome *outcome = umapi_results_get(results, i);
        size_t person = umapi_outcome_tag(outcome);
        job->outcome[person] = umapi_outcome_kind(outcome);
        job->applied[person] = umapi_outcome_applied(outcome);
        if (job->outcome[person] != UMAPI_OUTCOME_SUCCEEDED) {
            job->refused++;
            print_refusal(job, outcome);
        }
    }
    if (umapi_results_length(results) > 0) {
        *done += umapi_results_length(results);
        snprintf(line, sizeof line, "%s: %lu of %lu people", job->doing, (unsigned long)*done,
                 (unsigned long)job->people.count);
        show(job, line);
    }
    umapi_results_free(results);
    return 0;
}

/* Reports a person that the library refuses; nothing was sent, and the other people are still processed. */
static void report_local_refusal(job *job, size_t index, umapi_error *error)
{
    const person *person = &job->people.list[index];
    clear_progress(job);
    printf("refused: %s: line %lu: %s\n", person->email, (unsigned long)person->line, umapi_error_message(error));
    umapi_error_free(error);
    job->outcome[index] = UMAPI_OUTCOME_FAILED;
    job->refused++;
}

/* Even when a person cannot be added, the actions that were queued before are sent and reported. */
static int add_people(job *job, umapi_queue *queue)
{
    umapi_error *error = NULL;
    size_t i, done = 0;
    int result = 0;
    for (i = 0; i < job->people.count && result == 0; i++) {
        umapi_action *action = NULL;
        umapi_status status = build_action(&job->people.list[i], i, &action, &error);
        if (status == UMAPI_OK) {
            status = umapi_queue_add(queue, job->call, action, &error);
        }
        umapi_action_free(action);
        if (status == UMAPI_STATUS_INVALID_ARGUMENT) {
            report_local_refusal(job, i, error);
            error = NULL;
            done++;
        } else if (status != UMAPI_OK) {
            result = failed(job->people.list[i].email, error);
            error = NULL;
        } else {
            result = take_outcomes(job, queue, &done);
        }
    }
    if (i < job->people.count) {
        printf("not sent: %lu people, from line %lu on\n", (unsigned long)(job->people.count - i),
               (unsigned long)job->people.list[i].line);
    }
    if (umapi_queue_flush(queue, job->call, &error) != UMAPI_OK) {
        result = failed("cannot send the rest", error);
    }
    return take_outcomes(job, queue, &done) != 0 ? -1 : result;
}

static int create_people(job *job)
{
    umapi_error *error = NULL;
    umapi_queue *queue = NULL;
    int result;
    job->doing = "creating";
    if (umapi_client_queue(job->client, &queue, &error) != UMAPI_OK) {
        return failed("cannot begin", error);
    }
    result = add_people(job, queue);
    umapi_queue_free(queue);
    clear_progress(job);
    return result;
}

/* ---- Reading the organisation back ---- */

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The service keeps the letter case of addresses, and ignores it in comparisons. */
static int same(const char *a, const char *b)
{
    while (*a != '\0' && lower((unsigned char)*a) == lower((unsigned char)*b)) {
        a++;
        b++;
    }
    return lower((unsigned char)*a) == lower((unsigned char)*b);
}

static int equal(const char *asked, const char *read)
{
    return asked == NULL || (read != NULL && strcmp(asked, read) == 0);
}

static int is_in(const umapi_user *user, const char *group)
{
    size_t i;
    for (i = 0; i < umapi_user_group_count(user); i++) {
        if (strcmp(umapi_user_group(user, i), group) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Of a refused person, only the commands before the refusal must have taken effect. */
static int is_as_asked(const job *job, size_t index, const umapi_user *user)
{
    const person *person = &job->people.list[index];
    int in_groups = job->applied[index] >= 2;
    size_t i;
    if (job->applied[index] == 0 || !equal(person->first_name, umapi_user_firstname(user))
        || !equal(person->last_name, umapi_user_lastname(user)) || !equal(person->country, umapi_user_country(user))
        || !same(person->username, text(umapi_user_username(user)))) {
        return 0;
    }
    for (i = 0; i < person->group_count; i++) {
        if (is_in(user, person->groups[i]) != in_groups) {
            return 0;
        }
    }
    return 1;
}

static void check_user(job *job, const umapi_user *user)
{
    size_t i;
    for (i = 0; i < job->people.count; i++) {
        const person *person = &job->people.list[i];
        if (identity(person) == umapi_user_identity(user) && same(person->email, text(umapi_user_email(user)))) {
            job->as_asked[i] = is_as_asked(job, i, user) ? 1 : -1;
        }
    }
}

static int read_back(job *job)
{
    umapi_error *error = NULL;
    umapi_users *users = NULL;
    umapi_user_page *page = NULL;
    umapi_status status = umapi_client_users(job->client, NULL, &users, &error);
    size_t i;
    job->doing = "reading back";
    while (status == UMAPI_OK) {
        status = umapi_users_next_page(users, job->call, &page, &error);
        if (status != UMAPI_OK || page == NULL) {
            break;
        }
        for (i = 0; i < umapi_user_page_length(page); i++) {
            check_user(job, umapi_user_page_get(page, i));
        }
        job->pages_read++;
        job->users_read += umapi_user_page_length(page);
        umapi_user_page_free(page);
    }
    umapi_users_free(users);
    clear_progress(job);
    return status == UMAPI_OK ? 0 : failed("cannot read the organisation back", error);
}

/* ---- The result ---- */

static int summarize(const job *job)
{
    size_t i, wrong = 0, total = job->people.count;
    for (i = 0; i < total; i++) {
        int known = job->outcome[i] == UMAPI_OUTCOME_SUCCEEDED || job->outcome[i] == UMAPI_OUTCOME_FAILED;
        int wanted = job->live && job->applied[i] > 0;
        if (!known || (job->live && job->as_asked[i] != wanted)) {
            printf("not as asked: %s\n", job->people.list[i].email);
            wrong++;
        }
    }
    if (wrong > 0) {
        printf("demo failed: %lu of %lu people are not as asked\n", (unsigned long)wrong, (unsigned long)total);
        return 1;
    }
    if (!job->live) {
        printf("demo ok: in test mode %lu people would be provisioned and %lu refused; nothing was changed\n",
               (unsigned long)(total - job->refused), (unsigned long)job->refused);
        return 0;
    }
    printf("demo ok: %lu people asked for, %lu provisioned, %lu refused; read back %lu users on %lu pages, all as asked\n",
           (unsigned long)total, (unsigned long)(total - job->refused), (unsigned long)job->refused,
           (unsigned long)job->users_read, (unsigned long)job->pages_read);
    return 0;
}

/* Prints the invalid rows, each with its line. */
static void print_bad_rows(const people *people, const char *path)
{
    size_t i;
    for (i = 0; i < people->bad_count; i++) {
        printf("not taken: %s, line %lu: %s\n", path, (unsigned long)people->bad[i].line, people->bad[i].reason);
    }
}

static int run(job *job, const char *path)
{
    char problem[256];
    int result;
    if (people_read(path, &job->people, problem, sizeof problem) != 0) {
        return failed_locally(problem);
    }
    print_bad_rows(&job->people, path);
    job->outcome = calloc(job->people.count + 1, sizeof *job->outcome);
    job->applied = calloc(job->people.count + 1, sizeof *job->applied);
    job->as_asked = calloc(job->people.count + 1, sizeof *job->as_asked);
    if (job->outcome == NULL || job->applied == NULL || job->as_asked == NULL) {
        return failed_locally("out of memory");
    }
    if (connect(job) != 0 || create_people(job) != 0 || (job->live && read_back(job) != 0)) {
        return -1;
    }
    result = summarize(job);
    if (job->people.bad_count > 0) {
        printf("demo incomplete: %lu rows of the file were not taken\n", (unsigned long)job->people.bad_count);
        result = 1;
    }
    return result;
}

int main(int argc, char **argv)
{
    job job;
    int result;
    const char *live = environment("UMAPI_LIVE");
    if (argc != 2) {
        fprintf(stderr, "usage: %s people.csv\n", argv[0]);
        return 2;
    }
    memset(&job, 0, sizeof job);
    job.live = live != NULL && strcmp(live, "1") == 0;
    job.on_terminal = isatty(1);
    result = run(&job, argv[1]);
    if (result < 0) {
        printf("demo failed: it could not be finished\n");
    }
    umapi_call_free(job.call);
    umapi_client_free(job.client);
    people_free(&job.people);
    free(job.outcome);
    free(job.applied);
    free(job.as_asked);
    return result == 0 ? 0 : 1;
}
