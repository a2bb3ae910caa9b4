#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 8 };

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, length = 0;
    if (file == NULL) {
        return NULL;
    }
    while (!feof(file) && !ferror(file)) {
        if (size - length < 4096) {
            char *more = realloc(text, size += 65536);
            if (more == NULL) {
                break;
            }
            text = more;
        }
        length += fread(text + length, 1, size - length - 1, file);
    }
    if (ferror(file) || !feof(file)) {
        free(text);
        text = NULL;
    } else {
        text[length] = '\0';
    }
    fclose(file);
    return text;
}

/* Takes one field off the text, in place; `*last` tells whether it was the last one of its line. */
static char *next_field(char **text, int *last)
{
    char *from = *text, *to = *text, *field = *text;
    int quoted = *from == '"';
    from += quoted;
    while (*from != '\0' && (quoted || (*from != ',' && *from != '\n' && *from != '\r'))) {
        if (quoted && *from == '"' && *++from != '"') {
            quoted = 0;
            continue;
        }
        *to++ = *from++;
    }
    *last = *from != ',';
    from += *from == '\r';
    *text = *from == '\0' ? from : from + 1;
    *to = '\0';
    return field;
}

/* Splits "Sales, Marketing" in place. */
static int split_groups(char *names, person *person)
{
    char *name = names;
    while (*name != '\0') {
        size_t length = strcspn(name, ",");
        char *next = name + length + (name[length] == ',');
        name[length] = '\0';
        name += strspn(name, " ");
        if (person->group_count == PERSON_MOST_GROUPS) {
            return -1;
        }
        if (*name != '\0') {
            person->groups[person->group_count++] = name;
        }
        name = next;
    }
    return 0;
}

static const char *or_null(const char *text)
{
    return *text == '\0' ? NULL : text;
}

static int read_person(char **text, person *person)
{
    char *fields[COLUMNS];
    int column, last = 0;
    memset(person, 0, sizeof *person);
    for (column = 0; column < COLUMNS && !last; column++) {
        fields[column] = next_field(text, &last);
    }
    if (column < COLUMNS || !last || *fields[3] == '\0') {
        return -1;
    }
    person->type = fields[0];
    person->username = *fields[1] == '\0' ? fields[3] : fields[1];
    person->domain = or_null(fields[2]);
    person->email = fields[3];
    person->first_name = or_null(fields[4]);
    person->last_name = or_null(fields[5]);
    person->country = or_null(fields[6]);
    return split_groups(fields[7], person);
}

int people_read(const char *path, people *people, char *problem, size_t problem_size)
{
    char *text;
    int last = 0;
    people->list = NULL;
    people->count = 0;
    people->text = text = read_file(path);
    if (text == NULL) {
        snprintf(problem, problem_size, "cannot read %s", path);
        return -1;
    }
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark, as spreadsheets write it */
        text += 3;
    }
    while (*text != '\0' && !last) {
        next_field(&text, &last);
    }
    while (*text != '\0') {
        person *more = realloc(people->list, (people->count + 1) * sizeof *more);
        if (more == NULL) {
            snprintf(problem, problem_size, "out of memory");
            return -1;
        }
        people->list = more;
        if (read_person(&text, &people->list[people->count++]) != 0) {
            snprintf(problem, problem_size, "%s: person %lu is not understood", path, (unsigned long)people->count);
            return -1;
        }
    }
    return 0;
}

void people_free(people *people)
{
    free(people->list);
    free(people->text);
    people->list = NULL;
    people->text = NULL;
    people->count = 0;
}
