/* Single connections, for the pool and the wire. */
#ifndef BACKENDS_POSTGRES_CONNECTION_H
#define BACKENDS_POSTGRES_CONNECTION_H

#include "backends/postgres/pool.h"

mastra_status pg_interrupt_init(struct pg_interrupt *interrupt, mastra_error *error);
void pg_interrupt_release(struct pg_interrupt *interrupt);
void pg_interrupt_raise(struct pg_interrupt *interrupt);

enum pg_wait {
    PG_WAIT_READY,
    PG_WAIT_TIMEOUT,
    PG_WAIT_INTERRUPTED,
};

/* Waits for a descriptor (-1: for none) until the deadline or the interrupt, which may be NULL. */
enum pg_wait pg_wait(int fd, short events, const struct pg_interrupt *interrupt, int64_t deadline_ns);

/* The sooner of a deadline and so many milliseconds from now on; 0 milliseconds set no limit. */
int64_t pg_deadline(int64_t deadline_ns, int64_t limit_ms);

/* What a new connection is made from. */
struct pg_origin {
    struct pg_pool *pool;
    struct ms_heap *heap;
    const struct pg_keywords *keywords;
    const struct pg_pool_settings *settings;
    const struct pg_interrupt *interrupt; /* may be NULL */
    const char *application_name;         /* NULL: as in the keywords */
    int64_t deadline_ns;
};

/* Opens a connection and gives the session its settings; errors as pg_pool_borrow. */
mastra_status pg_connect(const struct pg_origin *origin, struct pg_connection **ret, mastra_error *error);

/* Asks the server for a sign of life. */
bool pg_connection_ask(struct pg_connection *connection, const struct pg_interrupt *interrupt,
                       int64_t deadline_ns);

/* Makes the PGconn what its program expects, and what we expect of it. False: it is of no use any more. */
bool pg_connection_lend(struct pg_connection *connection);
bool pg_connection_take_back(struct pg_connection *connection);

/* How many requests to cancel are under way; shared with the threads that carry them, which outlive the pool if they
 * must. */
struct pg_cancels;

struct pg_cancels *pg_cancels_new(void);
void pg_cancels_unref(struct pg_cancels *cancels); /* NULL is allowed */

/* Asks the server to cancel what the connection does, without waiting for it. */
void pg_cancel(struct pg_cancels *cancels, PGconn *pg);
struct pg_cancels *pg_pool_cancels(struct pg_pool *pool);

#endif
