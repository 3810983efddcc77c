/* Where a test keeps its store: an empty database of one of the kinds that there are. */
#ifndef SUPPORT_PLACE_H
#define SUPPORT_PLACE_H

#include <stdbool.h>

struct place {
    char *url;       /* of the store */
    char *directory; /* removed with it, NULL: none */
    char *path;      /* of SQLite's file, NULL: none */
    char *schema;    /* of PostgreSQL, NULL: none */
    bool tidy;       /* the schema is emptied and used again by this program's next place */
};

/* All begin with an empty store and are ended by place_end. */
void place_file_begin(struct place *place);
void place_memory_begin(struct place *place);

/*
 * A schema of the shared server (see support/postgres.h), whose zone differs from the session's. Tables are there already, made by an earlier store; with `fresh` there is
 * not even the schema.
 */
bool place_postgres_available(void);
void place_postgres_begin(struct place *place);
void place_postgres_begin_fresh(struct place *place);

void place_end(struct place *place);

/* The URL with a further parameter, "name=value"; to be freed. */
char *place_url(const struct place *place, const char *parameter);

/* Statements run behind the store's back, and the first column of the first row: to be freed, NULL for none. Names of
 * columns in capitals and small letters are quoted for all kinds. */
void place_run(const struct place *place, const char *sql);
char *place_text(const struct place *place, const char *sql);
long long place_number(const struct place *place, const char *sql);

/* Fails unless the database is whole, as far as its kind can tell. */
void place_check(const struct place *place);

#endif
