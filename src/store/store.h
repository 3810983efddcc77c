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

struct mastra_store {
    struct ms_heap *heap;
    struct ms_log log;
    struct ms_backend *backend;
    unsigned traits;
    mastra_options options;
    pid_t pid;

    atomic_bool ready; /* the tables are there, or are not to be looked at */
    pthread_mutex_t init_lock;

    pthread_mutex_t lock; /* guards closing, calls, async */
    pthread_cond_t idle;
    bool closing;
    size_t calls; /* between ms_call_begin and ms_call_end */
    struct ms_async *async;

    struct ms_executor executor;
};

struct ms_heap *ms_store_heap(const mastra_store *store);

/*
 * Counts a caller among those that closing waits for, until ms_store_leave, or says why it may not come in: CLOSED,
 * FORKED, or USAGE in a callback of the store. `submits`: it only queues work, which a callback may do as well. A
 * closing store still lets in its own runner.
 */
mastra_status ms_store_enter(mastra_store *store, bool submits, mastra_error *error);
void ms_store_leave(mastra_store *store);

/* Has the backend create what is missing, as the only writer of this store; init_lock is held. */
mastra_status ms_store_ensure_schema(mastra_store *store, mastra_error *error);

/* The operation init. It is no write to the asynchronous queue: its transaction is its own and joins no group. */
extern const struct ms_op ms_op_init;
mastra_status ms_store_init(struct ms_call *call);

/* The store's asynchronous side, started on first use; NULL with `error` set when it can't be had. */
struct ms_async *ms_store_async(mastra_store *store, mastra_error *error);

#endif
