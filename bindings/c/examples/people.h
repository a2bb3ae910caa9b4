/* A list of people from a CSV file, as the Adobe Admin Console and most directories export it. */

#ifndef PEOPLE_H
#define PEOPLE_H

#include <stddef.h>

enum { PERSON_MOST_GROUPS = 64 };

typedef struct person {
    const char *type;     /* "Adobe ID", "Enterprise ID" or "Federated ID" */
    const char *username; /* never empty: the email, if the file gives none */
    const char *domain;   /* NULL unless the username has no @ */
    const char *email;
    const char *first_name;
    const char *last_name;
    const char *country; /* NULL if the file gives none */
    const char *groups[PERSON_MOST_GROUPS];
    size_t group_count;
} person;

typedef struct people {
    person *list;
    size_t count;
    char *text; /* the file, which the fields point into */
} people;

/*
 * Reads the file. The columns are: Identity Type, Username, Domain, Email, First Name, Last Name, Country Code, User
 * Groups; the first line names them. Returns 0, or -1 with a reason in `problem`.
 */
int people_read(const char *path, people *people, char *problem, size_t problem_size);

void people_free(people *people);

#endif
