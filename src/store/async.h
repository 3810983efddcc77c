/*
 * Asynchronous calls of one store: a bounded queue, runners that execute them, and a delivery thread that hands out
 * results. Where the backend commits in groups there is one runner, which executes all in order and commits the writes
 * that wait together as one group; elsewhere there are as many as the backend serves at once, and only what belongs
 * together is kept in order (see lanes.h). The threads start when there is work for them.
 */
#ifndef STORE_ASYNC_H
#define STORE_ASYNC_H

#include "base/arena.h"

#include <mastra/store.h>

struct ms_group;
struct ms_async;

/* One asynchronous call; the common part of the submitter's own struct. */
struct ms_task {
    struct ms_task *next;
    struct ms_task *lane; /* this and the next two are of lanes.c: the next lane; whoever waits in this one */
    struct ms_task *behind;
    struct ms_task *behind_last;
    mastra_str
        order; /* tasks with equal keys keep their order; absent: a barrier. Lives as long as the task */
    bool writes;
    bool brief; /* its outcome is handed out by the runner, which saves waking the delivery thread */
    mastra_status status;

    /*
     * Executes the call, joining `group` when it is given (then the result is provisional until the group has
     * committed), and keeps its result or error in the task. Runs on a runner. After a group was lost it is called
     * once more without one; it must then forget what the first run left.
     */
    mastra_status (*run)(struct ms_task *task, struct ms_group *group);

    /* Says that the call was cancelled before it ran (CLOSED). Any thread. */
    void (*cancel)(struct ms_task *task);

    /* Hands the outcome to the submitter and frees the task. Runs on the delivery thread, or the runner. */
    void (*finish)(struct ms_task *task);
};

/* `limit`: most tasks between submission and delivery. NULL when memory is out. */
struct ms_async *ms_async_new(mastra_store *store, struct ms_heap *heap, uint32_t limit);

/* Whether the caller may run a task by itself, callback and all: it overtakes none, all so far having been executed, and
 * is not in a callback, from which it would go deeper with each. If so, ms_async_step_out follows. */
bool ms_async_step_in(struct ms_async *async);
void ms_async_step_out(struct ms_async *async);

/* Queues a task. On failure the task is still the caller's. `more`: the caller goes on with others and then with
 * ms_async_wake, if not with one without `more`. */
mastra_status ms_async_submit(struct ms_async *async, struct ms_task *task, bool wait, bool more,
                              mastra_error *error);
void ms_async_wake(struct ms_async *async);

/* Whose thread the caller is on. */
enum ms_async_role {
    MS_ASYNC_OUTSIDE,
    MS_ASYNC_RUNNER,
    MS_ASYNC_DELIVERY, /* a callback is running, on whichever thread */
};
enum ms_async_role ms_async_role(struct ms_async *async);

/* Refuses new tasks, lets the queued ones finish until the deadline (monotonic ns), cancels the rest, ends the
 * threads. */
void ms_async_stop(struct ms_async *async, int64_t deadline_ns);

void ms_async_free(struct ms_async *async); /* NULL is allowed; after ms_async_stop */

#endif
