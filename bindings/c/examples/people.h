/* A list of people from a CSV file, as the Adobe Admin Console and most directories export it. */

#ifndef PEOPLE_H
#define PEOPLE_H

#include <stddef.h>

enum { PERSON_MOST_GROUPS = 64 };

typedef struct person {
    size_t line;          /* where the person begins in the file, from 1 */
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

/* A row that is no person. */
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
 * Reads the file, in UTF-8. The first line names the columns, which may stand in any order: Email and Identity Type, and as
 * far as they are there Username, Domain, First Name, Last Name, Country Code, User Groups and Product Configurations. Of
 * the last two each may hold several names with commas between them. Other columns are passed over. Commas, semicolons or
 * tabs part the fields.
 *
 * A row that is not understood is one of `bad`, and the others are taken. Returns 0, or -1 with a reason in `problem` if
 * there is nothing to take people from.
 */
int people_read(const char *path, people *people, char *problem, size_t problem_size);

void people_free(people *people);

#endif
