/* Where a test keeps its store: an empty database of one of the kinds that there are. */
#ifndef SUPPORT_PLACE_H
#define SUPPORT_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct realm;

struct place {
    char *url;           /* of the store */
    char *directory;     /* removed with it, NULL: none */
    char *path;          /* of SQLite's file, NULL: none */
    char *schema;        /* of a server, NULL: none */
    struct realm *realm; /* the server */
    char *table;         /* of DynamoDB, NULL: none */
    bool tidy;           /* the schema is emptied and used again by this program's next place */
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

/* The same on the shared double of Aurora DSQL (see support/dsql.h). */
bool place_dsql_available(void);
void place_dsql_begin(struct place *place);
void place_dsql_begin_fresh(struct place *place);
/* A table of the shared DynamoDB Local (see support/dynamodb.h) with gsi1 and gsi2, which has no item yet. */
bool place_dynamodb_available(void);
void place_dynamodb_begin(struct place *place);

void place_end(struct place *place);

/* Takes away everything, as if no store had ever been there. None is open. */
void place_wipe(const struct place *place);

/* The URL with a further parameter, "name=value"; to be freed. */
char *place_url(const struct place *place, const char *parameter);

/* Statements run behind the store's back, and the first column of the first row: to be freed, NULL for none. Names of
 * columns in capitals and small letters are quoted for all kinds. Not on DynamoDB. */
void place_run(const struct place *place, const char *sql);
char *place_text(const struct place *place, const char *sql);
long long place_number(const struct place *place, const char *sql);

/* Fails unless the database is whole, as far as its kind can tell. */
void place_check(const struct place *place);

/* The kinds, for tests that run on several of them. */
#define PLACE_FILE     1u
#define PLACE_MEMORY   2u
#define PLACE_POSTGRES 4u
#define PLACE_DSQL     8u
#define PLACE_DYNAMODB 16u

struct place_kind;

struct place_test {
    const char *name;
    void (*run)(void **state);
    unsigned kinds; /* on which it runs */
};

/*
 * Runs each test on each of its kinds; the result is for main. setup finds the kind in *state, a struct place_kind *,
 * and begins its place with it. Where no store has ever been.
 */
int place_main(const char *group, const struct place_test *tests, size_t count, int (*setup)(void **),
               int (*teardown)(void **));
void place_begin(struct place *place, const struct place_kind *kind);

#endif
