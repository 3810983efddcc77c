/* What stands behind a mastra_store. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/async.h"
#include "store/backend.h"
#include "store/call.h"
#include "store/executor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* A thread that a domain runs for the store, see ms_store_service. The first part of its own struct. */
struct ms_service {
    void (*stop)(struct ms_service *service);         /* waits for the thread's end */
    void (*release)(struct ms_service *service);      /* frees it, after all calls of the store have ended */
    bool (*inside)(const struct ms_service *service); /* whether this is its thread */
};

typedef struct ms_service *(*ms_service_fn)(mastra_store *store);

struct mastra_store {
    struct ms_heap *heap;
    struct ms_log log;
    struct ms_backend *backend;
    unsigned traits;
    mastra_options options;
    pid_t pid;
    char *owner; /* of run locks */

    atomic_bool
        ready; /* the tables are there, or are not to be looked at; under MS_TRAIT_GROUP_COMMIT it changes
                          only while the writer is held */
    pthread_mutex_t init_lock;

    _Atomic int64_t sequence; /* the last number drawn, see ms_store_sequence */

    pthread_mutex_t lock; /* guards closing, calls, async, service */
    pthread_cond_t idle;
    bool closing;
    size_t calls; /* between ms_call_begin and ms_call_end */
    struct ms_async *async;
    struct ms_service *service;

    struct ms_executor executor;
};

/*
 * mastra_open for a backend that has a function of its own for opening: `special` reaches its slot `open` in the config.
 * `url` is one of that scheme, of any other form that only the backend knows (it stands in `special` as well), or NULL.
 */
mastra_status ms_store_open(const char *scheme, const char *url, const void *special,
                            const mastra_options *options, mastra_store **ret_store, mastra_error *error);

/* Takes such a URL apart as far as it is one. */
mastra_status ms_store_url(const char *url, const char *scheme, struct ms_arena *arena,
                           struct ms_config *config, mastra_error *error);

struct ms_heap *ms_store_heap(const mastra_store *store);

/*
 * The first of so many numbers in a row that are greater than all that the store has given out, and, as clocks go, than
 * those of other processes before: microseconds, as long as nobody draws more than one in each.
 */
int64_t ms_store_sequence(mastra_store *store, size_t count);

/*
 * Counts a caller among those that closing waits for, until ms_store_leave, or says why it may not come in: CLOSED,
 * FORKED, or USAGE in a callback of the store. `submits`: it only queues work, which a callback may do as well. A
 * closing store still lets in its own runner.
 */
mastra_status ms_store_enter(mastra_store *store, bool submits, mastra_error *error);
void ms_store_leave(mastra_store *store);

/* Has the backend create what is missing, as the only writer of this store; init_lock is held. */
mastra_status ms_store_ensure_schema(mastra_store *store, mastra_error *error);

/* A table may have gone: the next call looks at them again. From a unit that writes, before it does. */
void ms_store_tables_changed(mastra_store *store);

/* The operation init. It is no write to the asynchronous queue: its transaction is its own and joins no group. */
extern const struct ms_op ms_op_init;
mastra_status ms_store_init(struct ms_call *call);

/* The store's asynchronous side, started on first use; NULL with `error` set when it can't be had. */
struct ms_async *ms_store_async(mastra_store *store, mastra_error *error);

/*
 * The store's service, made by `start` on first use (NULL: none is made); *ret may come out NULL then. CLOSED when the
 * store is closing, OUT_OF_MEMORY. It stays until all calls of the store have ended.
 */
mastra_status ms_store_service(mastra_store *store, ms_service_fn start, struct ms_service **ret,
                               mastra_error *error);

#endif
