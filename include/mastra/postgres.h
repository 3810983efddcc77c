/*
 * Stores on PostgreSQL: how they connect, and connection pools that a program shares with them. In a library that was
 * built without libpq every function here answers NOT_SUPPORTED.
 *
 * A plain store needs none of this: mastra_open("postgresql://user@host/database?schema=app", ...) takes every keyword of
 * libpq and every setting below in its URL.
 */
#ifndef MASTRA_POSTGRES_H
#define MASTRA_POSTGRES_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pg_conn; /* libpq's PGconn */

/* A pool of connections. It may be used from any number of threads. */
typedef struct mastra_postgres_pool mastra_postgres_pool;

/* In place of a number of milliseconds or seconds: no limit. */
#define MASTRA_NO_LIMIT ((int64_t)-1)

typedef enum mastra_pooler {
    MASTRA_POOLER_DEFAULT = 0, /* what the URL says, else NONE */
    MASTRA_POOLER_NONE = 1,    /* a server, or a pooler that gives each connection a session of its own */
    MASTRA_POOLER_TRANSACTION =
        2, /* PgBouncer or the like, with a session for each transaction only: nothing is
                                      prepared by name, and run locks are leases without advisory locks */
} mastra_pooler;

/*
 * Where to connect, and how the pool behaves. Start from MASTRA_POSTGRES_OPTIONS_INIT and set what you need: zero always
 * means the default. What stands in brackets is the parameter of the URL that says the same; a field that is set wins.
 */
typedef struct mastra_postgres_options {
    size_t size;                       /* set by MASTRA_POSTGRES_OPTIONS_INIT */
    const mastra_allocator *allocator; /* of a pool that is opened by itself; copied; NULL: malloc */
    const char *url;             /* "postgresql://...", or libpq's other form, "host=db1 dbname=agents" */
    const char *const *keywords; /* further ones of libpq, the last one NULL, laid over the URL's */
    const char *const *values;   /* theirs */
    const char *schema;          /* of the tables [schema]; default "public" */
    mastra_postgres_pool
        *pool;    /* mastra_open_postgres: connect through this one; nothing else but the schema is set */
    uint32_t max; /* most connections [max]; default 10, at most 1,000 */
    uint32_t min; /* connections kept open once the pool is in use [min]; default 0 */
    int64_t
        idle_timeout_ms; /* idle ones above `min` are closed after this [idleTimeoutMillis]; default 30,000 */
    int64_t
        max_lifetime_s; /* a connection is replaced after this, or up to a tenth sooner [maxLifetimeSeconds];
                                   default: no limit */
    int64_t
        connection_timeout_ms; /* most that a call waits for a connection [connectionTimeoutMillis]; default 10,000 */
    int64_t
        statement_timeout_ms; /* most that a call waits for the server's answer [statementTimeoutMillis]; default
                                      30,000 */
    mastra_pooler pooler;     /* [pooler=none|transaction] */
    bool
        allow_exit_on_idle; /* for bindings whose process an open pool would keep running [allowExitOnIdle]; a C program
                                may end at any time */
} mastra_postgres_options;

#define MASTRA_POSTGRES_OPTIONS_INIT                                                                         \
    {                                                                                                        \
        sizeof(mastra_postgres_options), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,               \
            MASTRA_POOLER_DEFAULT, false                                                                     \
    }

/*
 * Opens a store as mastra_open does, by these options. `options` may be NULL. Nothing is connected before the first
 * operation or mastra_init. A pool that is handed over is shared: it serves the program and other stores as well, and
 * stays open until all of them have closed it. Errors as mastra_open. Thread-safe.
 */
MASTRA_API mastra_status mastra_open_postgres(const mastra_postgres_options *postgres,
                                              const mastra_options *options, mastra_store **ret_store,
                                              mastra_error *error);

/*
 * Opens a pool; nothing is connected yet. *ret_pool is the caller's, to be closed by mastra_postgres_pool_close. Errors:
 * INVALID_ARGUMENT, NOT_SUPPORTED, OUT_OF_MEMORY. Thread-safe.
 */
MASTRA_API mastra_status mastra_postgres_pool_open(const mastra_postgres_options *postgres,
                                                   mastra_postgres_pool **ret_pool, mastra_error *error);

/*
 * The pool of a store, to be closed by mastra_postgres_pool_close like one that was opened; it may be closed before or
 * after the store. Errors: NOT_SUPPORTED (the store is not on PostgreSQL), CLOSED, FORKED, USAGE. Thread-safe.
 */
MASTRA_API mastra_status mastra_postgres_store_pool(mastra_store *store, mastra_postgres_pool **ret_pool,
                                                    mastra_error *error);

/*
 * Ends one use of a pool, so that there must be as many of these as there were pools opened or got. Its connections are
 * closed when the last use has ended, the stores' among them, and every borrowed connection has been given back. NULL is
 * allowed. Errors: FORKED in a child process (nothing is released or touched). Thread-safe.
 */
MASTRA_API mastra_status mastra_postgres_pool_close(mastra_postgres_pool *pool, mastra_error *error);

/*
 * Borrows a connection, for a program's own statements: *ret_connection is libpq's PGconn, in blocking mode, no
 * transaction open. Until it is given back it is the caller's alone, to be used by one thread at a time; it must not be
 * finished by PQfinish. It counts among the pool's `max`. The session is as the server has made it but for DateStyle ISO,
 * TimeZone UTC, extra_float_digits 1 and UTF-8. `timeout_ms` 0: the pool's own, MASTRA_NO_LIMIT: as long as it takes.
 *
 * Errors: TIMEOUT (all are in use, or the server does not answer), UNAVAILABLE, DENIED, FORKED, OUT_OF_MEMORY.
 * Thread-safe.
 */
MASTRA_API mastra_status mastra_postgres_borrow(mastra_postgres_pool *pool, int64_t timeout_ms,
                                                struct pg_conn **ret_connection, mastra_error *error);

/*
 * Gives a borrowed connection back: it forgets its session's state (DISCARD ALL), or is closed when it has a transaction
 * open, is in pipeline mode or was lost, or when `discard` is true. Errors: INVALID_ARGUMENT when it was not borrowed from
 * this pool, or was given back already; FORKED. Thread-safe.
 */
MASTRA_API mastra_status mastra_postgres_give_back(mastra_postgres_pool *pool, struct pg_conn *connection,
                                                   bool discard, mastra_error *error);

typedef struct mastra_postgres_pool_info {
    size_t size;
    uint32_t max;
    uint32_t total;   /* connections that are open, or being opened */
    uint32_t idle;    /* of them nobody uses */
    uint32_t waiting; /* calls that wait for a connection */
    bool allow_exit_on_idle;
} mastra_postgres_pool_info;

#define MASTRA_POSTGRES_POOL_INFO_INIT                                                                       \
    {                                                                                                        \
        sizeof(mastra_postgres_pool_info), 0, 0, 0, 0, false                                                 \
    }

/* How a pool is at this moment. Errors: FORKED. Thread-safe. */
MASTRA_API mastra_status mastra_postgres_pool_inspect(mastra_postgres_pool *pool,
                                                      mastra_postgres_pool_info *ret_info,
                                                      mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
