/* A list of people from a CSV file, as the Adobe Admin Console and most directories export it. */

#ifndef PEOPLE_H
#define PEOPLE_H

#include <stddef.h>

enum { PERSON_MOST_GROUPS = 64 };

typedef struct person {
    size_t line;          /* the line on which the person begins, from 1 */
    const char *type;     /* "Adobe ID", "Enterprise ID" or "Federated ID" */
    const char *username; /* never empty: the email, if the file gives none */
    const char *domain;   /* NULL unless the username has no @ */
    const char *email;
    const char *first_name; /* NULL if the file gives none, and so on */
    const char *last_name;
    const char *country;
    const char *groups[PERSON_MOST_GROUPS];
    size_t group_count;
} person;

/* A row that is not a valid person. */
typedef struct bad_row {
    size_t line;
    char reason[128];
} bad_row;

typedef struct people {
    person *list;
    size_t count;
    bad_row *bad;
    size_t bad_count;
    char *text; /* the file, which the fields point into */
} people;

/*
 * Reads the file, which is in UTF-8. The first line names the columns, in any order: Email and Identity Type, and
 * optionally Username, Domain, First Name, Last Name, Country Code, User Groups and Product Configurations. A field of the
 * last two may contain several names, separated by commas. Other columns are ignored. Fields are separated by commas,
 * semicolons or tabs.
 *
 * An invalid row is added to `bad`, and the other rows to `list`. Returns 0, or -1 with a reason in `problem` if the file
 * cannot be read or has no valid first line.
 */
int people_read(const char *path, people *people, char *problem, size_t problem_size);

void people_free(people *people);

#endif
