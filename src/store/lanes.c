#include "store/lanes.h"

void ms_task_push(struct ms_task_list *list, struct ms_task *task)
{
    task->next = NULL;
    if (list->tail) {
        list->tail->next = task;
    } else {
        list->head = task;
    }
    list->tail = task;
}

struct ms_task *ms_task_pop(struct ms_task_list *list)
{
    struct ms_task *task = list->head;

    if (task) {
        list->head = task->next;
        if (!list->head) {
            list->tail = NULL;
        }
        task->next = NULL;
    }
    return task;
}

static struct ms_task **bucket_of(struct ms_lanes *lanes, const struct ms_task *task)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < task->order.len; i++) {
        hash = (hash ^ (unsigned char)task->order.ptr[i]) * 16777619u;
    }
    return &lanes->lanes[hash % MS_LANE_BUCKETS];
}

static bool same_key(const struct ms_task *a, const struct ms_task *b)
{
    return a->order.len == b->order.len && memcmp(a->order.ptr, b->order.ptr, a->order.len) == 0;
}

/* Becomes the first of its lane, or goes behind those that are in it. */
static void enter_lane(struct ms_lanes *lanes, struct ms_task *task)
{
    struct ms_task **bucket = bucket_of(lanes, task);
    struct ms_task *first = *bucket;

    while (first && !same_key(first, task)) {
        first = first->lane;
    }
    if (first) {
        task->next = NULL;
        *(first->behind_last ? &first->behind_last->next : &first->behind) = task;
        first->behind_last = task;
        return;
    }
    task->lane = *bucket;
    *bucket = task;
    ms_task_push(&lanes->ready, task);
}

static void leave_lane(struct ms_lanes *lanes, struct ms_task *task)
{
    struct ms_task **at = bucket_of(lanes, task);
    struct ms_task *next = task->behind;

    while (*at != task) {
        at = &(*at)->lane;
    }
    *at = task->lane;
    if (!next) {
        return;
    }
    next->behind = next->next;
    next->behind_last = next->behind ? task->behind_last : NULL;
    next->lane = *at;
    *at = next;
    ms_task_push(&lanes->ready, next);
}

/* Looks at the queue's head, as far as barriers let it. */
static void admit(struct ms_lanes *lanes)
{
    while (lanes->queued.head && !lanes->barrier) {
        bool barrier = !lanes->queued.head->order.ptr;
        struct ms_task *task;

        if (barrier && lanes->admitted > 0) {
            return;
        }
        task = ms_task_pop(&lanes->queued);
        lanes->admitted++;
        if (barrier) {
            lanes->barrier = true;
            ms_task_push(&lanes->ready, task);
        } else {
            enter_lane(lanes, task);
        }
    }
}

void ms_lanes_add(struct ms_lanes *lanes, struct ms_task *task)
{
    task->lane = NULL;
    task->behind = NULL;
    task->behind_last = NULL;
    ms_task_push(&lanes->queued, task);
    admit(lanes);
}

struct ms_task *ms_lanes_take(struct ms_lanes *lanes)
{
    return ms_task_pop(&lanes->ready);
}

void ms_lanes_done(struct ms_lanes *lanes, struct ms_task *task)
{
    lanes->admitted--;
    if (task->order.ptr) {
        leave_lane(lanes, task);
    } else {
        lanes->barrier = false;
    }
    admit(lanes);
}

bool ms_lanes_empty(const struct ms_lanes *lanes)
{
    return lanes->admitted == 0 && !lanes->queued.head;
}
