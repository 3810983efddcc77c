/*
 * Which of the queued asynchronous calls may run at the same time: those of one key one after another, those of different
 * keys in whichever order, a barrier alone. Guarded by whoever uses it.
 */
#ifndef STORE_LANES_H
#define STORE_LANES_H

#include "store/async.h"

#define MS_LANE_BUCKETS 128

struct ms_task_list {
    struct ms_task *head;
    struct ms_task *tail;
};

struct ms_lanes {
    struct ms_task_list queued;             /* not looked at yet, in the order of submission */
    struct ms_task_list ready;              /* may run now */
    struct ms_task *lanes[MS_LANE_BUCKETS]; /* the first of each key that is ready or runs */
    size_t admitted;                        /* ready, running, or in a lane behind such a one */
    bool barrier;                           /* one is ready or runs */
};

void ms_task_push(struct ms_task_list *list, struct ms_task *task);
struct ms_task *ms_task_pop(struct ms_task_list *list);

void ms_lanes_add(struct ms_lanes *lanes, struct ms_task *task);

/* One that may run now; NULL when there is none. */
struct ms_task *ms_lanes_take(struct ms_lanes *lanes);

/* One that was taken has run: what it held back may be ready. */
void ms_lanes_done(struct ms_lanes *lanes, struct ms_task *task);

/* Whether no task is left, running ones counted. */
bool ms_lanes_empty(const struct ms_lanes *lanes);

#endif
