/*
 * Who may talk to the server: connections of libpq, opened as they are needed, shared by threads and, if the program
 * wants it so, by stores.
 *
 * A connection is lent to one thread at a time. While it is lent nobody else touches it; all other state of the pool is
 * guarded by its mutex, which is never held while anything waits for the network.
 */
#ifndef BACKENDS_POSTGRES_POOL_H
#define BACKENDS_POSTGRES_POOL_H

#include "base/heap.h"
#include "base/log.h"
#include "sql/sql.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct pg_pool;

/* Keywords of libpq and their values, which may be secrets: they are wiped when they go. */
struct pg_keywords {
    struct ms_heap *heap;
    char **names; /* both end in NULL, as PQconnectStartParams wants them */
    char **values;
    size_t count;
};

void pg_keywords_init(struct pg_keywords *keywords, struct ms_heap *heap);
void pg_keywords_release(struct pg_keywords *keywords);

/* Sets a keyword, in place of the value it had. False: memory is out. */
bool pg_keywords_set(struct pg_keywords *keywords, const char *name, const char *value);
const char *pg_keywords_get(const struct pg_keywords *keywords, const char *name); /* NULL: not set */
bool pg_keywords_copy(struct pg_keywords *to, const struct pg_keywords *from);

/*
 * What a flavour of PostgreSQL changes about connecting. Every slot may be NULL. `arg` is what was handed to the pool;
 * the slots are called from any thread, several at once.
 */
struct pg_connect_ops {
    /* Completes the keywords of one new connection: a password that is made for it, rules of TLS. They begin as a copy
     * of the pool's. A failure is the connection's. */
    mastra_status (*prepare)(void *arg, struct pg_keywords *keywords, mastra_error *error);

    /* A connection could not be made. `error` says why (error->backend is the SQLSTATE, empty when the server said
     * nothing) and may be changed, to add a hint. True: try once more at once; `attempt` counts from 1. */
    bool (*again)(void *arg, unsigned attempt, mastra_error *error);

    /* The pool is gone. */
    void (*release)(void *arg);

    /* Statements that give a new session its settings, separated by semicolons; NULL: what struct pg_connection
     * promises; empty: only what the server reports to be otherwise is set. Unless it is NULL, a session that the program
     * had is not used again. */
    const char *session;
};

struct pg_pool_settings {
    uint32_t max;                  /* connections, at least 1 */
    uint32_t min;                  /* kept open once the pool is in use, at most max */
    int64_t idle_timeout_ms;       /* an idle connection above `min` is closed after this; 0: never */
    int64_t max_lifetime_s;        /* a connection is closed after this, less up to a tenth of it; 0: never */
    int64_t connection_timeout_ms; /* most that borrowing waits, connecting included; 0: for ever */
    int64_t statement_timeout_ms;  /* most that one exchange waits for the server; 0: for ever */
    bool allow_exit_on_idle;       /* for bindings whose event loop an open pool would keep alive */
    bool
        transaction_pooler; /* each transaction may run on another session of the server: see pg_connection */
    const struct pg_connect_ops *connect; /* NULL: nothing special */
    void *connect_arg;                    /* the pool's from pg_pool_new on, whether that succeeds or not */
};

/* Something that ends the waits of those who look at it, for good. */
struct pg_interrupt {
    int fd; /* becomes readable */
    atomic_bool raised;
};

/*
 * One user of a pool: a store. It is told apart from other users of the same pool when its waits are interrupted.
 */
struct pg_client {
    struct pg_pool *pool; /* one reference */
    const struct ms_log *log;
    struct pg_interrupt interrupt;
};

/*
 * Prepared statements of one connection, by shape. The cache is the core's (statement.c); the pool makes room for it
 * and forgets it with the connection. `scope` tells apart statements of one shape that name different schemas.
 */
#define PG_STATEMENTS_MAX 128

struct pg_statement {
    uint32_t hash;
    uint32_t scope;
    uint32_t used;   /* when, in statements */
    uint32_t number; /* the server knows it as "ms" and this number; never used twice on one connection */
    unsigned rows;   /* MS_ROWS_ bits */
    uint8_t shape_len;
    bool prepared; /* the server has said so */
    unsigned char shape[MS_SQL_SHAPE];
};

/*
 * A connection is in pipeline mode and not blocking from the moment it is lent, has no transaction open, and speaks UTF-8;
 * DateStyle is ISO, TimeZone UTC, extra_float_digits 1, standard_conforming_strings on, whatever server, database and
 * role have as defaults. Behind a transaction pooler extra_float_digits is whatever it is, statements must not be
 * prepared by name, and nothing may be SET for longer than a transaction.
 */
struct pg_connection {
    struct pg_pool *pool;
    PGconn *pg;
    struct pg_client *client; /* who has borrowed it; NULL while it is idle, or lent to the program itself */
    bool lost;                /* of no use any more: it is closed when it is given back. Anyone may set it */
    bool late;                /* lost because the server did not answer within the statement timeout */
    bool worn;                /* to be closed when it is given back, although it works */
    uint64_t number;          /* unique in the pool: another one means another session of the server */

    uint32_t clock; /* in statements */
    uint32_t next_statement;
    size_t statement_count;
    struct pg_statement *statements; /* room for PG_STATEMENTS_MAX; NULL behind a transaction pooler */

    struct pg_totals *totals; /* what was counted on it, see totals.c; NULL: nothing yet */

    /* The pool's own. */
    struct pg_connection *next;
    struct pg_connection *previous;
    int64_t opened_ns;
    int64_t expires_ns; /* INT64_MAX: never */
    int64_t idle_since_ns;
    int64_t checked_ns; /* when the server was last heard of */
};

/* Forgets them. */
void pg_totals_drop(struct pg_connection *connection);

/*
 * A pool that connects with these keywords; one reference, the caller's. Nothing is connected yet. Both arguments are
 * copied. Errors: OUT_OF_MEMORY, INTERNAL (no descriptors left).
 */
mastra_status pg_pool_new(struct ms_heap *heap, const struct pg_keywords *keywords,
                          const struct pg_pool_settings *settings, struct pg_pool **ret, mastra_error *error);
struct pg_pool *pg_pool_ref(struct pg_pool *pool);

/* The last one closes all connections. NULL is allowed. */
void pg_pool_unref(struct pg_pool *pool);

/* Whether this process is a child of the one that opened the pool. */
bool pg_pool_forked(const struct pg_pool *pool);

const struct pg_pool_settings *pg_pool_settings_of(const struct pg_pool *pool);

/* A number for a schema, the same for equal names and never 0; 0: memory is out. See struct pg_statement. */
uint32_t pg_pool_scope(struct pg_pool *pool, const char *schema);

struct pg_pool_counts {
    size_t total; /* open, or being opened */
    size_t idle;
    size_t waiting; /* those who want one */
};

void pg_pool_count(struct pg_pool *pool, struct pg_pool_counts *ret);

/* Becomes a user of the pool, by a reference of its own, until pg_client_release, which NULLs the pool and may be called
 * on a client that is all zero. Every connection has been given back by then. */
mastra_status pg_client_init(struct pg_client *client, struct pg_pool *pool, const struct ms_log *log,
                             mastra_error *error);
void pg_client_release(struct pg_client *client);

/* What the client waits for ends soon, and what it begins from now on ends at once, with CLOSED. Any thread. */
void pg_client_interrupt(struct pg_client *client);

/*
 * Borrows a connection: one that is idle and was not lost meanwhile, or a new one, or the next that is given back, those
 * who came first being served first. Waits until `deadline_ns` (monotonic), or as long as the settings say, whichever is
 * less.
 *
 * Errors: TIMEOUT, naming the pool's size when all connections were taken; UNAVAILABLE (retriable: the server cannot be
 * reached, is starting up or going down, or has no room); DENIED (user, password, database, TLS were refused);
 * INVALID_ARGUMENT (libpq refuses a keyword's value); CLOSED, FORKED, OUT_OF_MEMORY.
 */
mastra_status pg_pool_borrow(struct pg_client *client, int64_t deadline_ns, struct pg_connection **ret,
                             mastra_error *error);

/*
 * Gives a connection back. One that is lost, is not idle (an open transaction, results not read) or too old is closed
 * instead. NULL is allowed.
 */
void pg_pool_give_back(struct pg_connection *connection);

/*
 * Lends a connection to the program itself: blocking, not in pipeline mode. 0: waits as long as the settings say. The pool
 * stays until it is back. MASTRA_NO_LIMIT: for ever. Errors as pg_pool_borrow.
 */
mastra_status pg_pool_lend(struct pg_pool *pool, int64_t timeout_ms, PGconn **ret, mastra_error *error);

/* Takes it back, and makes it forget what the program did to its session, or closes it. False: it is not one that was
 * lent. */
bool pg_pool_take_back(struct pg_pool *pool, PGconn *pg, bool discard);

/*
 * A connection of the client's own, beside the pool and not counted in it: for what must stay with one session.
 * `application_name` NULL: as in the pool's keywords. Closed with pg_disconnect. Errors as pg_pool_borrow.
 */
mastra_status pg_connect_apart(struct pg_client *client, const char *application_name, int64_t deadline_ns,
                               struct pg_connection **ret, mastra_error *error);
void pg_disconnect(struct pg_connection *connection); /* NULL is allowed */

/* Whether the connection still stands, as far as can be told without asking the server. */
bool pg_connection_alive(struct pg_connection *connection);

#endif
