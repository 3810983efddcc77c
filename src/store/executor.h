/*
 * Who may write, and what is committed together. Under MS_TRAIT_GROUP_COMMIT the thread that finds the writer free
 * leads: it runs its own unit and, when others have queued up meanwhile, theirs, in one transaction. Without the trait
 * every unit has a transaction of its own.
 */
#ifndef STORE_EXECUTOR_H
#define STORE_EXECUTOR_H

#include "store/unit.h"

#include <pthread.h>

struct ms_member;

struct ms_executor {
    pthread_mutex_t lock;
    struct ms_member *head; /* those who wait */
    struct ms_member *tail;
    size_t waiting;
    size_t awaited; /* so many of them are worth telling the leader about; 0: he is not waiting */
    pthread_cond_t arrived;
    bool busy; /* somebody leads */

    /* The leader's own. */
    int64_t commit_ns; /* how long a commit takes of late */
    size_t group_size; /* of the last one */
};

mastra_status ms_executor_init(struct ms_executor *executor);
void ms_executor_destroy(struct ms_executor *executor);

/* Runs one attempt at a unit. *ret_arena is set on success. */
mastra_status ms_executor_run(struct ms_call *call, ms_unit_fn fn, void *arg, struct ms_arena **ret_arena);

/* Takes the writer, waiting in line, and gives it back. */
void ms_executor_acquire(struct ms_executor *executor);
bool ms_executor_try_acquire(struct ms_executor *executor); /* false: somebody else has it */
void ms_executor_release(struct ms_executor *executor);

/*
 * How long it pays to wait for more, with so many units in hand, before a commit: as many as took part in the last
 * one may be on their way, and where a commit waits for the disk it is better to go once. 0: not at all. For whoever
 * leads.
 */
int64_t ms_executor_patience_ns(const struct ms_executor *executor, size_t in_hand, size_t expected);

/* A transaction that several calls share. Its holder leads: it has acquired the writer where there is a single one. */
struct ms_group {
    mastra_store *store;
    struct ms_session *session;
    mastra_error error; /* why it could not be opened */
    bool broken;        /* the transaction is gone: nothing of the group may be acknowledged */
};

/* On failure the group may be used all the same: every unit run in it fails with the reason, without another wait. */
mastra_status ms_group_open(struct ms_group *group, mastra_store *store);

/* The same under MS_TRAIT_QUICK_COMMITS, BUSY when anybody would have to be waited for. */
mastra_status ms_group_open_at_once(struct ms_group *group, mastra_store *store);

/*
 * Runs a unit inside. One that fails has written nothing, and the group goes on without it; only when it fails in the
 * middle of its writes the group is broken: then every unit of it runs again, alone. That is rare, and a savepoint for
 * each unit, which would confine it, costs a tenth of what a group can do.
 */
mastra_status ms_group_run(struct ms_group *group, struct ms_call *call, ms_unit_fn fn, void *arg,
                           struct ms_arena **ret_arena);
mastra_status ms_group_commit(struct ms_group *group, mastra_error *error);
void ms_group_abandon(struct ms_group *group);

#endif
