/*
 * An exchange with the server: several statements sent in one go, by pipeline mode with one Sync behind them, and their
 * results read as they come, under a deadline.
 */
#ifndef BACKENDS_POSTGRES_WIRE_H
#define BACKENDS_POSTGRES_WIRE_H

#include "backends/postgres/pool.h"

enum pg_step_kind {
    PG_STEP_PREPARE, /* `sql` by the name `name` */
    PG_STEP_EXECUTE, /* the prepared statement `name` */
    PG_STEP_TEXT,    /* `sql` without a name, one statement */
};

/* One statement of an exchange. All is borrowed until the exchange has ended. */
struct pg_step {
    enum pg_step_kind kind;
    const char *name;
    const char *sql;
    int param_count;
    const Oid *types;          /* PREPARE, TEXT; NULL: the server infers them all */
    const char *const *values; /* NULL: null. A text parameter is NUL-terminated, and ends there */
    const int *lengths;        /* of binary ones */
    const int *formats;        /* 1: binary; NULL: all are text */
    int result_format;         /* 1: binary */
    /* COMMIT, or a statement that writes outside a transaction: once it is sent, only the answer tells what became of it. */
    bool commits;
};

/*
 * Receives what a step came to: its rows (PGRES_TUPLES_OK) or its completion (PGRES_COMMAND_OK). The result is
 * borrowed. A failure of the function becomes the exchange's, whose remaining results are read and dropped: the steps
 * behind it are executed all the same.
 */
typedef mastra_status (*pg_result_fn)(void *arg, size_t step, const PGresult *result, mastra_error *error);

/* What is said of an answer that did not come in time. */
#define PG_LATE "the server did not answer within the statement timeout"

/* How an exchange failed, besides its status. */
struct pg_outcome {
    size_t step; /* the one that failed; the number of steps when it cannot be told */
    bool
        by_server; /* the server refused that step, with error->backend as its SQLSTATE; none behind it has run */
    bool in_doubt;    /* a step that commits may have been executed, and its answer was not heard */
    bool by_function; /* it was the caller's own function */
};

/*
 * Sends the steps and reads all their results. `fn` NULL: nobody wants them. `outcome` may be NULL, and is set only on
 * failure. Nothing that was sent is left unread, or the connection is lost: after any error that is not the server's or
 * the function's, connection->lost is set. A transaction that was open stays open, or has failed, as the server does
 * with a pipeline: steps behind one that failed are skipped, a COMMIT among them; an error outside a transaction undoes
 * what the steps before it did since the last Sync.
 *
 * The deadline is the pool's statement_timeout_ms from now on. When it passes, the server is asked to cancel, on a
 * connection of its own which nobody waits for, and the connection is lost, with connection->late set.
 *
 * Errors: what pg_error_result makes of the server's; UNAVAILABLE (retriable, connection lost); TIMEOUT; CLOSED (the
 * client was interrupted); UNKNOWN_OUTCOME in place of these three when outcome->in_doubt; OUT_OF_MEMORY.
 */
mastra_status pg_exchange(struct pg_connection *connection, const struct pg_step *steps, size_t count,
                          pg_result_fn fn, void *arg, struct pg_outcome *outcome, mastra_error *error);

/* The same for one statement without parameters. */
mastra_status pg_execute(struct pg_connection *connection, const char *sql, mastra_error *error);

/* error.c: what the server says. */

/* Fills the error from the server's refusal (SQLSTATE to status, retriable, message without values); returns its status. */
mastra_status pg_error_result(const PGresult *result, mastra_error *error);

/* The same from an SQLSTATE and the server's first line alone: all that is known of a refused connection. */
mastra_status pg_error_state(const char *sqlstate, const char *message, mastra_error *error);

#endif
