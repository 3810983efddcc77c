/* The connecting part of the PostgreSQL backend for tests that look below the store. */
#ifndef SUPPORT_PG_CLIENT_H
#define SUPPORT_PG_CLIENT_H

#include "backends/postgres/client.h"
#include "backends/postgres/wire.h"
#include "support/postgres.h"

#include <stdatomic.h>

struct pg_test {
    struct pg_backend backend; /* first */
    struct ms_heap *heap;
    struct ms_log log;
    char all_log[4096]; /* guarded by nothing: to be looked at when nobody writes */
    mastra_error error; /* of the last call below */
};

/* Reads the URL and options, either may be NULL; the status is left in test->error. To be closed in any case. */
struct pg_test *pg_test_try(const char *url, const void *options);

/* The same with other defaults. */
struct pg_test *pg_test_try_with(const char *url, const void *options, const struct pg_defaults *defaults);

/* The same on the URL with more behind it, which must succeed. */
struct pg_test *pg_test_open(const char *url, const char *more);
void pg_test_close(struct pg_test *test);

/*
 * Limits of a pool from now on, in place of those it was opened with: connecting takes its time on a busy machine, and a
 * test that waits for an end of patience should not have to hurry before. Nobody else may be using the pool.
 */
void pg_test_limit(struct pg_pool *pool, int64_t connection_ms, int64_t statement_ms);

/* Borrows a connection, which must succeed. */
struct pg_connection *pg_test_borrow(struct pg_test *test);

/* Runs one statement on a borrowed connection; the status, test->error. */
mastra_status pg_test_run(struct pg_test *test, struct pg_connection *connection, const char *sql);

/* The first column of the first row, which must be there; to be freed. */
char *pg_test_text(struct pg_connection *connection, const char *sql);

/* Borrows, runs, gives back. */
mastra_status pg_test_once(struct pg_test *test, const char *sql);

/* How many sessions of this application_name the server has; waits until it are so many, or fails the test. */
void pg_test_expect_sessions(struct pg_conn *look, const char *application_name, int count);

#endif
