#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 64 };

/* The columns that are read, and their names in files of the Admin Console. */
enum { TYPE, USERNAME, DOMAIN_NAME, EMAIL, FIRST_NAME, LAST_NAME, COUNTRY, USER_GROUPS, PROFILES, KNOWN };

static const char *const NAMES[KNOWN] = {"Identity Type", "Username",     "Domain",      "Email",
                                         "First Name",    "Last Name",    "Country Code", "User Groups",
                                         "Product Configurations"};

/* The layout of the file, from its first line. */
typedef struct layout {
    char separator;
    size_t columns;
    int of_known[KNOWN]; /* the index of the column, or -1 */
} layout;

/* The rest of the file, and the line on which it begins. */
typedef struct reader {
    char *at;
    size_t line;
} reader;

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    *length = 0;
    if (file == NULL) {
        return NULL;
    }
    while (!feof(file) && !ferror(file)) {
        if (size - *length < 4096) {
            char *more = realloc(text, size += 65536);
            if (more == NULL) {
                break;
            }
            text = more;
        }
        *length += fread(text + *length, 1, size - *length - 1, file);
    }
    if (ferror(file) || !feof(file)) {
        free(text);
        text = NULL;
    } else {
        text[*length] = '\0';
    }
    fclose(file);
    return text;
}

/* ---- Rows ---- */

/* The end of the row, at a line end outside quotes; NULL if a quote is never closed. */
static char *end_of_row(char *text)
{
    int quoted = 0;
    for (; *text != '\0' && (quoted || (*text != '\n' && *text != '\r')); text++) {
        quoted ^= *text == '"';
    }
    return quoted ? NULL : text;
}

/* Removes the next row from the reader and ends it with a NUL. `*closed` is set to whether its quotes are closed. */
static char *next_row(reader *reader, int *closed)
{
    char *row = reader->at, *end = end_of_row(row), *c;
    *closed = end != NULL;
    if (end == NULL) {
        end = row + strcspn(row, "\r\n"); /* the row ends with its line, so that the next rows are still read */
    }
    for (c = row; c < end; c++) {
        reader->line += *c == '\n' || (*c == '\r' && c[1] != '\n');
    }
    reader->at = end;
    if (*end != '\0') {
        reader->line++;
        reader->at += 1 + (end[0] == '\r' && end[1] == '\n');
    }
    *end = '\0';
    return row;
}

/* Removes the next field from the row, in place; NULL after the last one. */
static char *next_field(char **row, char separator)
{
    char *from = *row, *to, *field;
    int quoted;
    if (from == NULL) {
        return NULL;
    }
    field = to = from;
    quoted = *from == '"';
    from += quoted;
    while (*from != '\0' && (quoted || *from != separator)) {
        if (quoted && *from == '"' && *++from != '"') {
            quoted = 0;
            continue;
        }
        *to++ = *from++;
    }
    *row = *from == '\0' ? NULL : from + 1;
    *to = '\0';
    return field;
}

static char *trimmed(char *text)
{
    size_t length;
    text += strspn(text, " \t\r\n");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

static int is_utf8(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0') {
        int more = *c < 0x80 ? 0 : *c >= 0xC2 && *c < 0xE0 ? 1 : *c >= 0xE0 && *c < 0xF0 ? 2 : *c >= 0xF0 && *c < 0xF5 ? 3 : -1;
        if (more < 0 || (*c == 0xE0 && c[1] < 0xA0) || (*c == 0xED && c[1] > 0x9F) || (*c == 0xF0 && c[1] < 0x90)
            || (*c == 0xF4 && c[1] > 0x8F)) {
            return 0;
        }
        for (c++; more > 0; more--, c++) {
            if ((*c & 0xC0) != 0x80) {
                return 0;
            }
        }
    }
    return 1;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int same_name(const char *a, const char *b)
{
    while (*a != '\0' && lower((unsigned char)*a) == lower((unsigned char)*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

/* ---- The first line ---- */

static int read_header(char *row, layout *layout, char *problem, size_t problem_size)
{
    char *field, *rest = row;
    size_t first = strcspn(row, ",;\t"), i;
    layout->separator = row[first] == '\0' ? ',' : row[first];
    layout->columns = 0;
    for (i = 0; i < KNOWN; i++) {
        layout->of_known[i] = -1;
    }
    while ((field = next_field(&rest, layout->separator)) != NULL) {
        for (i = 0; i < KNOWN; i++) {
            if (same_name(trimmed(field), NAMES[i])) {
                if (layout->of_known[i] >= 0) {
                    snprintf(problem, problem_size, "line 1: the column %s occurs twice", NAMES[i]);
                    return -1;
                }
                layout->of_known[i] = (int)layout->columns;
            }
        }
        if (++layout->columns > MOST_COLUMNS) {
            snprintf(problem, problem_size, "line 1: there are more than %d columns", MOST_COLUMNS);
            return -1;
        }
    }
    if (layout->of_known[EMAIL] < 0 || layout->of_known[TYPE] < 0) {
        snprintf(problem, problem_size, "line 1: the names of the columns are missing, at least %s and %s",
                 NAMES[EMAIL], NAMES[TYPE]);
        return -1;
    }
    return 0;
}

/* ---- People ---- */

/* Adds "Sales, Marketing" to the groups, in place. */
static const char *add_groups(char *names, person *person)
{
    char *name = names;
    while (*name != '\0') {
        size_t length = strcspn(name, ",");
        char *next = name + length + (name[length] == ',');
        name[length] = '\0';
        name = trimmed(name);
        if (*name != '\0') {
            if (person->group_count == PERSON_MOST_GROUPS) {
                return "has more groups than this program takes";
            }
            person->groups[person->group_count++] = name;
        }
        name = next;
    }
    return NULL;
}

static const char *or_null(const char *text)
{
    return *text == '\0' ? NULL : text;
}

/* Returns NULL, or the reason why the row is not a valid person. `*blank` is set to whether all fields are empty. */
static const char *read_person(char *row, const layout *layout, person *person, int *blank)
{
    static char nothing[1];
    static const char *const TYPES[] = {"Adobe ID", "Enterprise ID", "Federated ID"};
    char *fields[KNOWN], *field;
    const char *problem;
    size_t column, i;
    for (i = 0; i < KNOWN; i++) {
        fields[i] = nothing;
    }
    *blank = 1;
    for (column = 0; (field = next_field(&row, layout->separator)) != NULL; column++) {
        field = trimmed(field);
        *blank &= *field == '\0';
        if (column >= layout->columns && *field != '\0') {
            return "has more fields than the first line has columns";
        }
        for (i = 0; i < KNOWN; i++) {
            if (layout->of_known[i] == (int)column) {
                fields[i] = field;
            }
        }
    }
    if (*fields[EMAIL] == '\0') {
        return "has no email";
    }
    for (i = 0; i < 3 && !same_name(fields[TYPE], TYPES[i]); i++) {
    }
    if (i == 3) {
        return "has an identity type other than Adobe ID, Enterprise ID and Federated ID";
    }
    person->type = TYPES[i];
    person->email = fields[EMAIL];
    person->username = *fields[USERNAME] == '\0' ? fields[EMAIL] : fields[USERNAME];
    /* Files of the Admin Console contain a domain for each user; the service accepts it only for usernames without @. */
    person->domain = strchr(person->username, '@') == NULL ? or_null(fields[DOMAIN_NAME]) : NULL;
    person->first_name = or_null(fields[FIRST_NAME]);
    person->last_name = or_null(fields[LAST_NAME]);
    person->country = or_null(fields[COUNTRY]);
    problem = add_groups(fields[USER_GROUPS], person);
    return problem != NULL ? problem : add_groups(fields[PROFILES], person);
}

/* Grows an array for one more element, if necessary; NULL if there is no memory. */
static void *grown(void *array, size_t count, size_t size)
{
    return (count & (count - 1)) != 0 ? array : realloc(array, (count == 0 ? 1 : 2 * count) * size);
}

static int add_row(people *people, char *row, size_t line, int closed, const layout *layout)
{
    person person;
    int blank = 0;
    const char *problem = NULL;
    memset(&person, 0, sizeof person);
    person.line = line;
    if (!closed) {
        problem = "has a quote that is not closed";
    } else if (!is_utf8(row)) {
        problem = "is not UTF-8; save the file as \"CSV UTF-8\"";
    } else {
        problem = read_person(row, layout, &person, &blank);
    }
    if (blank) {
        return 0;
    }
    if (problem != NULL) {
        bad_row *more = grown(people->bad, people->bad_count, sizeof *more);
        if (more == NULL) {
            return -1;
        }
        people->bad = more;
        more[people->bad_count].line = line;
        snprintf(more[people->bad_count++].reason, sizeof more->reason, "%s", problem);
    } else {
        struct person *more = grown(people->list, people->count, sizeof *more);
        if (more == NULL) {
            return -1;
        }
        people->list = more;
        more[people->count++] = person;
    }
    return 0;
}

int people_read(const char *path, people *people, char *problem, size_t problem_size)
{
    layout layout;
    reader reader = {NULL, 1};
    size_t length;
    int closed;
    memset(people, 0, sizeof *people);
    people->text = read_file(path, &length);
    if (people->text == NULL) {
        snprintf(problem, problem_size, "cannot read %s", path);
        return -1;
    }
    if (strlen(people->text) != length) {
        snprintf(problem, problem_size, "%s is not a text in UTF-8; save it as \"CSV UTF-8\"", path);
        return -1;
    }
    reader.at = people->text;
    if (strncmp(reader.at, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark, as spreadsheets write it */
        reader.at += 3;
    }
    if (read_header(next_row(&reader, &closed), &layout, problem, problem_size) != 0) {
        return -1;
    }
    while (*reader.at != '\0') {
        size_t line = reader.line;
        char *row = next_row(&reader, &closed);
        if (add_row(people, row, line, closed, &layout) != 0) {
            snprintf(problem, problem_size, "out of memory");
            return -1;
        }
    }
    return 0;
}

void people_free(people *people)
{
    free(people->list);
    free(people->bad);
    free(people->text);
    memset(people, 0, sizeof *people);
}
