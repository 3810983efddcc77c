#include "store/async.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "store/store.h"

#include <stdatomic.h>

/* Writes that share one commit at most, and how long the first of them may wait for others. */
#define BATCH_MAX     256
#define BATCH_MOST_NS 3000000

struct task_list {
    struct ms_task *head;
    struct ms_task *tail;
};

struct ms_async {
    mastra_store *store;
    struct ms_heap *heap;
    uint32_t limit;

    pthread_mutex_t lock;
    pthread_cond_t work;     /* for the runner: a task is queued, or it is time to end */
    pthread_cond_t room;     /* for submitters and ms_async_stop: a task was delivered */
    pthread_cond_t outcomes; /* for the delivery thread */
    struct task_list queued;
    struct task_list done;
    uint32_t outstanding; /* queued, running or not yet delivered */
    bool stopping;        /* no new tasks */
    bool cancelling;      /* what is queued is not run any more */
    bool runner_started;
    atomic_bool started; /* both threads run; their ids do not change any more */
    bool runner_ended;
    pthread_t runner;
    pthread_t delivery;

    /* The runner's own: the open group and the writes that wait for its commit. */
    struct ms_group group;
    bool group_open;
    int64_t group_since_ns;
    struct task_list pending;
    size_t pending_count;
    size_t last_count; /* of the group before */
    bool in_callback;
};

static void push(struct task_list *list, struct ms_task *task)
{
    task->next = NULL;
    if (list->tail) {
        list->tail->next = task;
    } else {
        list->head = task;
    }
    list->tail = task;
}

static struct ms_task *pop(struct task_list *list)
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

/* The runner. */

/* Delivers the tasks of a list, all at once: the delivery thread is woken for the whole list, if at all. */
static void deliver_list(struct ms_async *async, struct task_list *list)
{
    struct task_list others = {NULL, NULL};
    struct ms_task *task;
    uint32_t count = 0;

    async->in_callback = true;
    while ((task = pop(list)) != NULL) {
        if (task->brief) {
            task->finish(task);
            count++;
        } else {
            push(&others, task);
        }
    }
    async->in_callback = false;
    pthread_mutex_lock(&async->lock);
    async->outstanding -= count;
    while ((task = pop(&others)) != NULL) {
        push(&async->done, task);
    }
    if (async->done.head) {
        pthread_cond_signal(&async->outcomes);
    }
    if (count > 0) {
        pthread_cond_broadcast(&async->room);
    }
    pthread_mutex_unlock(&async->lock);
}

static void deliver(struct ms_async *async, struct ms_task *task)
{
    struct task_list one = {task, task};

    deliver_list(async, &one);
}

static void deliver_pending(struct ms_async *async)
{
    if (async->pending.head) {
        deliver_list(async, &async->pending);
        async->pending_count = 0;
    }
}

/* Gives up the group; every call in it runs again alone and reports its own error. */
static void run_pending_alone(struct ms_async *async)
{
    ms_group_abandon(&async->group);
    async->group_open = false;
    ms_executor_release(&async->store->executor);
    for (struct ms_task *task = async->pending.head; task; task = task->next) {
        task->status = task->run(task, NULL);
    }
    deliver_pending(async);
}

static void close_group(struct ms_async *async)
{
    mastra_error error = MASTRA_ERROR_INIT;

    if (!async->group_open) {
        return;
    }
    async->last_count = async->pending_count;
    if (ms_group_commit(&async->group, &error) != MASTRA_OK) {
        run_pending_alone(async);
        return;
    }
    async->group_open = false;
    ms_executor_release(&async->store->executor);
    deliver_pending(async);
}

/* Returns false when the database does not let us write; the group then says why to whoever is run in it. */
static bool open_group(struct ms_async *async)
{
    if (async->group_open) {
        return true;
    }
    ms_executor_acquire(&async->store->executor);
    if (ms_group_open(&async->group, async->store) != MASTRA_OK) {
        ms_executor_release(&async->store->executor);
        return false;
    }
    async->group_open = true;
    async->group_since_ns = ms_clock_monotonic_ns();
    return true;
}

static bool same_order(const struct ms_task *a, const struct ms_task *b)
{
    if (!a->order.ptr || !b->order.ptr) {
        return true; /* a barrier */
    }
    return a->order.len == b->order.len && memcmp(a->order.ptr, b->order.ptr, a->order.len) == 0;
}

/* Whether a read must see a write that is not committed yet. */
static bool depends_on_pending(const struct ms_async *async, const struct ms_task *task)
{
    if (async->store->traits & MS_TRAIT_ONE_CONNECTION) {
        return true;
    }
    for (const struct ms_task *write = async->pending.head; write; write = write->next) {
        if (same_order(write, task)) {
            return true;
        }
    }
    return false;
}

static void run_alone(struct ms_async *async, struct ms_task *task)
{
    task->status = task->run(task, NULL);
    deliver(async, task);
}

/* The writer cannot be had: that is the answer for every write that waits by now, or each would wait as long again. What
 * reads is served in its place. */
static void refuse_waiting(struct ms_async *async, struct ms_task *task)
{
    struct task_list waiting;

    pthread_mutex_lock(&async->lock);
    waiting = async->queued;
    async->queued = (struct task_list){NULL, NULL};
    pthread_mutex_unlock(&async->lock);
    for (; task; task = pop(&waiting)) {
        task->status = task->run(task, task->writes ? &async->group : NULL);
        deliver(async, task);
    }
}

/* The tables must be there before a transaction is open: making them needs one of its own. */
static bool tables_ready(const mastra_store *store)
{
    return atomic_load_explicit(&store->ready, memory_order_acquire);
}

static void run_write(struct ms_async *async, struct ms_task *task)
{
    bool grouped = (async->store->traits & MS_TRAIT_GROUP_COMMIT) && tables_ready(async->store);

    if (!grouped) {
        run_alone(async, task);
        return;
    }
    if (!open_group(async)) {
        refuse_waiting(async, task);
        return;
    }
    /* A table may have been dropped while the writer was waited for. */
    if (!tables_ready(async->store)) {
        close_group(async);
        run_alone(async, task);
        return;
    }
    task->status = task->run(task, &async->group);
    push(&async->pending, task);
    async->pending_count++;
    if (async->group.broken) {
        run_pending_alone(async);
    } else if (async->pending_count >= BATCH_MAX) {
        close_group(async);
    }
}

/* Reads that have nothing to do with the group must not keep it, and the writer, waiting either. */
static bool overdue(const struct ms_async *async)
{
    return async->group_open && ms_clock_monotonic_ns() - async->group_since_ns > BATCH_MOST_NS;
}

static void run_task(struct ms_async *async, struct ms_task *task, bool cancelled)
{
    if (overdue(async)) {
        close_group(async);
    }
    if (cancelled) {
        task->cancel(task);
        task->status = MASTRA_CLOSED;
        deliver(async, task);
        return;
    }
    if (task->writes) {
        run_write(async, task);
        return;
    }
    if (depends_on_pending(async, task)) {
        close_group(async);
    }
    run_alone(async, task);
}

/* Lets more writes join the open group, when that is worth it; `async->lock` is held. */
static void linger(struct ms_async *async)
{
    int64_t patience_ns =
        ms_executor_patience_ns(&async->store->executor, async->pending_count, async->last_count);
    int64_t until_ns = ms_clock_monotonic_ns() + patience_ns;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    int timed_out = patience_ns == 0;

    while (!timed_out && !async->queued.head && !async->stopping) {
        timed_out = pthread_cond_timedwait(&async->work, &async->lock, &until);
    }
}

/* The next task; NULL when there is none (and a group is to be committed) or it is time to end. */
static struct ms_task *next_task(struct ms_async *async, bool *ret_cancelled)
{
    struct ms_task *task;

    pthread_mutex_lock(&async->lock);
    while (!async->group_open && !async->queued.head && !async->stopping) {
        pthread_cond_wait(&async->work, &async->lock);
    }
    if (async->group_open) {
        linger(async);
    }
    task = pop(&async->queued);
    *ret_cancelled = async->cancelling;
    pthread_mutex_unlock(&async->lock);
    return task;
}

static void *runner_main(void *arg)
{
    struct ms_async *async = arg;

    for (;;) {
        bool cancelled;
        struct ms_task *task = next_task(async, &cancelled);

        if (task) {
            run_task(async, task, cancelled);
        } else if (async->group_open) {
            close_group(async);
        } else {
            break;
        }
    }
    pthread_mutex_lock(&async->lock);
    async->runner_ended = true;
    pthread_cond_signal(&async->outcomes);
    pthread_mutex_unlock(&async->lock);
    return NULL;
}

/* Delivery. */

static void *delivery_main(void *arg)
{
    struct ms_async *async = arg;

    pthread_mutex_lock(&async->lock);
    for (;;) {
        struct ms_task *task = pop(&async->done);

        if (task) {
            pthread_mutex_unlock(&async->lock);
            task->finish(task);
            pthread_mutex_lock(&async->lock);
            async->outstanding--;
            pthread_cond_broadcast(&async->room);
        } else if (async->runner_ended) {
            break;
        } else {
            pthread_cond_wait(&async->outcomes, &async->lock);
        }
    }
    pthread_mutex_unlock(&async->lock);
    return NULL;
}

/* From outside. */

struct ms_async *ms_async_new(mastra_store *store, struct ms_heap *heap, uint32_t limit)
{
    pthread_condattr_t monotonic;
    struct ms_async *async = ms_heap_calloc(heap, sizeof *async);

    if (!async) {
        return NULL;
    }
    async->store = store;
    async->heap = heap;
    async->limit = limit;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&async->lock, NULL);
    pthread_cond_init(&async->work, &monotonic);
    pthread_cond_init(&async->room, &monotonic);
    pthread_cond_init(&async->outcomes, NULL);
    pthread_condattr_destroy(&monotonic);
    return async;
}

/* Both threads, or what is still missing of them; a runner without tasks does no harm. */
static bool start(struct ms_async *async)
{
    if (!async->runner_started) {
        async->runner_started = ms_thread_start(&async->runner, runner_main, async);
    }
    if (async->runner_started && !async->started && ms_thread_start(&async->delivery, delivery_main, async)) {
        atomic_store_explicit(&async->started, true, memory_order_release);
    }
    return async->started;
}

enum ms_async_role ms_async_role(struct ms_async *async)
{
    if (!atomic_load_explicit(&async->started, memory_order_acquire)) {
        return MS_ASYNC_OUTSIDE;
    }
    if (pthread_equal(pthread_self(), async->delivery)) {
        return MS_ASYNC_DELIVERY;
    }
    if (!pthread_equal(pthread_self(), async->runner)) {
        return MS_ASYNC_OUTSIDE;
    }
    return async->in_callback ? MS_ASYNC_DELIVERY : MS_ASYNC_RUNNER;
}

mastra_status ms_async_submit(struct ms_async *async, struct ms_task *task, bool wait, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    /* A callback that waited for room would wait for its own end. */
    wait = wait && ms_async_role(async) != MS_ASYNC_DELIVERY;
    pthread_mutex_lock(&async->lock);
    while (wait && !async->stopping && async->outstanding >= async->limit) {
        pthread_cond_wait(&async->room, &async->lock);
    }
    if (async->stopping) {
        status = ms_error_set(error, MASTRA_CLOSED, "the store is closed");
    } else if (async->outstanding >= async->limit) {
        status = ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "the queue is full: %u calls wait",
                              async->outstanding);
    } else if (!start(async)) {
        status = ms_error_set(error, MASTRA_OUT_OF_MEMORY, "no thread could be started");
    } else {
        push(&async->queued, task);
        async->outstanding++;
    }
    pthread_mutex_unlock(&async->lock);
    /* Now that the lock is free, or the runner would wake only to wait for it. The caller keeps the store open. */
    if (status == MASTRA_OK) {
        pthread_cond_signal(&async->work);
    }
    return status;
}

static void wait_until_delivered(struct ms_async *async, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int timed_out = 0;

    while (async->outstanding > 0 && !timed_out) {
        timed_out = pthread_cond_timedwait(&async->room, &async->lock, &until);
    }
}

void ms_async_stop(struct ms_async *async, int64_t deadline_ns)
{
    struct ms_backend *backend = async->store->backend;

    pthread_mutex_lock(&async->lock);
    async->stopping = true;
    pthread_cond_broadcast(&async->room);
    wait_until_delivered(async, deadline_ns);
    async->cancelling = true;
    if (async->outstanding > 0 && backend->ops->interrupt) {
        backend->ops->interrupt(backend);
    }
    pthread_cond_signal(&async->work);
    pthread_mutex_unlock(&async->lock);
    if (async->runner_started) {
        pthread_join(async->runner, NULL);
    }
    if (async->started) {
        pthread_join(async->delivery, NULL);
    }
}

void ms_async_free(struct ms_async *async)
{
    if (!async) {
        return;
    }
    pthread_cond_destroy(&async->outcomes);
    pthread_cond_destroy(&async->room);
    pthread_cond_destroy(&async->work);
    pthread_mutex_destroy(&async->lock);
    ms_heap_release(async->heap, async);
}
