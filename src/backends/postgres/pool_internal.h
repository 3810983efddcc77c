/* What the pool is made of, for the files that it is written in. */
#ifndef BACKENDS_POSTGRES_POOL_INTERNAL_H
#define BACKENDS_POSTGRES_POOL_INTERNAL_H

#include "backends/postgres/connection.h"

/* A thread that waits for a connection. */
struct waiter {
    struct waiter *next;
    const struct pg_client *client; /* NULL: the program */
    struct pg_connection *given;
    bool may_open; /* a place in the pool is its own */
    pthread_cond_t wake;
};

struct scope {
    struct scope *next;
    uint32_t number;
    char schema[];
};

struct pg_pool {
    struct ms_heap *heap;
    atomic_uint refs;
    pid_t pid;
    struct pg_keywords keywords;
    struct pg_pool_settings settings;
    struct pg_cancels *cancels;
    struct pg_interrupt closing;
    _Atomic int64_t suspect_ns; /* connections not heard of since then are asked */

    pthread_mutex_t lock; /* guards all below, and the lists' links */
    struct pg_connection *idle;
    struct pg_connection *idle_last; /* idle for longest */
    struct pg_connection *lent;      /* to the program */
    size_t total;                    /* open, or being opened: idle, lent, or somebody's */
    size_t idle_count;
    struct waiter *waiters;
    struct waiter **waiters_end;
    size_t waiting;
    uint64_t last_number;
    struct scope *scopes;

    pthread_t keeper;
    pthread_cond_t changed; /* for the keeper */
    bool keeps;             /* the keeper runs */
    bool stopping;
    int64_t refill_ns; /* not before */
    int64_t awake_ns;  /* when the keeper looks again by itself */
};

/* pool.c; the pool's lock is held. */

void pg_pool_take_idle(struct pg_pool *pool, struct pg_connection *connection);

/* A connection that nobody has any more goes to the first who waits for one, or is idle. */
void pg_pool_hand_on(struct pg_pool *pool, struct pg_connection *connection);

/* A place in the pool that nobody uses any more: the same. */
void pg_pool_hand_on_place(struct pg_pool *pool);

/* pool.c; without the lock. */

/* Closes a connection whose place somebody else may have. */
void pg_pool_retire(struct pg_connection *connection);
mastra_status pg_pool_connect(struct pg_pool *pool, const struct pg_interrupt *interrupt,
                              const char *application_name, int64_t deadline_ns, struct pg_connection **ret,
                              mastra_error *error);

/*
 * keeper.c: a thread that closes what has been idle, or has lived, for too long, and keeps `min` open. It is started with
 * the first connection, where the settings need it; one that cannot be started is tried for again at the next.
 */
void pg_keeper_start(struct pg_pool *pool);

/* When a connection, which is idle, has to go; the pool's lock is held. */
int64_t pg_keeper_due(const struct pg_pool *pool, const struct pg_connection *connection);

/* Something has changed that it may have to see to by then. The pool's lock is held. */
void pg_keeper_expect(struct pg_pool *pool, int64_t due_ns);
void pg_keeper_stop(struct pg_pool *pool);

#endif
