#include "store/async.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "store/lanes.h"
#include "store/store.h"

#include <stdatomic.h>

/* Writes that share one commit at most, and how long the first of them may wait for others. */
#define BATCH_MAX     256
#define BATCH_MOST_NS 3000000

#define RUNNERS_MOST  16

struct runner {
    struct ms_async *async;
    pthread_t thread;
    bool in_callback; /* its own */
};

struct ms_async {
    mastra_store *store;
    struct ms_heap *heap;
    uint32_t limit;

    pthread_mutex_t lock;
    pthread_cond_t work;     /* for the runners: a task is queued, or it is time to end */
    pthread_cond_t room;     /* for submitters and ms_async_stop: a task was delivered */
    pthread_cond_t outcomes; /* for the delivery thread */
    struct ms_lanes lanes;   /* where there are several runners; the list `queued` elsewhere */
    struct ms_task_list queued;
    struct ms_task_list done;
    uint32_t outstanding;   /* queued, running or not yet delivered */
    atomic_uint unfinished; /* queued or running; what it wrote is committed when it counts no more */
    atomic_bool visited;    /* a submitter runs a task by itself, or its callback */
    bool stopping;          /* no new tasks */
    bool cancelling;        /* what is queued is not run any more */
    uint32_t runners_most;
    uint32_t runners_idle;
    uint32_t runners_ended;
    atomic_uint runner_count; /* so many of them are there, and do not move any more */
    atomic_bool delivers;     /* the delivery thread runs, and its id does not change any more */
    struct runner runners[RUNNERS_MOST];
    pthread_t delivery;

    /* Of a single runner: the open group and the writes that wait for its commit. */
    struct ms_group group;
    bool group_open;
    int64_t group_since_ns;
    struct ms_task_list pending;
    size_t pending_count;
    size_t last_count; /* of the group before */
};

/* The runner. */

/* Hands out the outcome of a brief task on its runner's own thread. */
static void finish_here(struct runner *runner, struct ms_task *task)
{
    runner->in_callback = true;
    task->finish(task);
    runner->in_callback = false;
}

/* Delivers the tasks of a list, all at once: the delivery thread is woken for the whole list, if at all. */
static void deliver_list(struct ms_async *async, struct ms_task_list *list)
{
    struct ms_task_list others = {NULL, NULL};
    struct ms_task *task;
    uint32_t finished = 0;
    uint32_t count = 0;

    for (task = list->head; task; task = task->next) {
        finished++;
    }
    atomic_fetch_sub_explicit(&async->unfinished, finished, memory_order_release);
    while ((task = ms_task_pop(list)) != NULL) {
        if (task->brief) {
            finish_here(&async->runners[0], task);
            count++;
        } else {
            ms_task_push(&others, task);
        }
    }
    pthread_mutex_lock(&async->lock);
    async->outstanding -= count;
    while ((task = ms_task_pop(&others)) != NULL) {
        ms_task_push(&async->done, task);
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
    struct ms_task_list one = {task, task};

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
    struct ms_task_list waiting;

    pthread_mutex_lock(&async->lock);
    waiting = async->queued;
    async->queued = (struct ms_task_list){NULL, NULL};
    pthread_mutex_unlock(&async->lock);
    for (; task; task = ms_task_pop(&waiting)) {
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
    ms_task_push(&async->pending, task);
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
    task = ms_task_pop(&async->queued);
    *ret_cancelled = async->cancelling;
    pthread_mutex_unlock(&async->lock);
    return task;
}

/* Says that this runner has ended; `async->lock` is held. */
static void end_runner(struct ms_async *async)
{
    async->runners_ended++;
    pthread_cond_signal(&async->outcomes);
}

/* Delivers what one of several runners has executed; `async->lock` is held, and let go meanwhile. */
static void deliver_parallel(struct runner *runner, struct ms_task *task)
{
    struct ms_async *async = runner->async;

    atomic_fetch_sub_explicit(&async->unfinished, 1, memory_order_release);
    if (!task->brief) {
        ms_task_push(&async->done, task);
        pthread_cond_signal(&async->outcomes);
        return;
    }
    pthread_mutex_unlock(&async->lock);
    finish_here(runner, task);
    pthread_mutex_lock(&async->lock);
    async->outstanding--;
    pthread_cond_broadcast(&async->room);
}

/* One of several: executes what may run. */
static void *parallel_main(void *arg)
{
    struct runner *runner = arg;
    struct ms_async *async = runner->async;

    pthread_mutex_lock(&async->lock);
    while (!async->stopping || !ms_lanes_empty(&async->lanes)) {
        struct ms_task *task = ms_lanes_take(&async->lanes);
        bool cancelled = async->cancelling;

        if (!task) {
            async->runners_idle++;
            pthread_cond_wait(&async->work, &async->lock);
            async->runners_idle--;
            continue;
        }
        pthread_mutex_unlock(&async->lock);
        if (cancelled) {
            task->cancel(task);
            task->status = MASTRA_CLOSED;
        } else {
            task->status = task->run(task, NULL);
        }
        pthread_mutex_lock(&async->lock);
        ms_lanes_done(&async->lanes, task);
        /* It may have held back several, and whoever waits for the end has to look. */
        if (async->lanes.ready.head || async->stopping) {
            pthread_cond_broadcast(&async->work);
        }
        deliver_parallel(runner, task);
    }
    end_runner(async);
    pthread_mutex_unlock(&async->lock);
    return NULL;
}

static void *runner_main(void *arg)
{
    struct runner *runner = arg;
    struct ms_async *async = runner->async;

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
    end_runner(async);
    pthread_mutex_unlock(&async->lock);
    return NULL;
}

/* Delivery. */

static void *delivery_main(void *arg)
{
    struct ms_async *async = arg;

    pthread_mutex_lock(&async->lock);
    for (;;) {
        struct ms_task *task = ms_task_pop(&async->done);

        if (task) {
            pthread_mutex_unlock(&async->lock);
            task->finish(task);
            pthread_mutex_lock(&async->lock);
            async->outstanding--;
            pthread_cond_broadcast(&async->room);
        } else if (async->stopping && async->runners_ended == atomic_load(&async->runner_count)) {
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
    async->runners_most = 1;
    if (store->backend->ops->parallel) {
        async->runners_most = store->backend->ops->parallel(store->backend);
        async->runners_most = async->runners_most < RUNNERS_MOST ? async->runners_most : RUNNERS_MOST;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&async->lock, NULL);
    pthread_cond_init(&async->work, &monotonic);
    pthread_cond_init(&async->room, &monotonic);
    pthread_cond_init(&async->outcomes, NULL);
    pthread_condattr_destroy(&monotonic);
    return async;
}

static bool is_parallel(const struct ms_async *async)
{
    return async->store->backend->ops->parallel != NULL;
}

static bool start_runner(struct ms_async *async)
{
    uint32_t count = atomic_load_explicit(&async->runner_count, memory_order_relaxed);

    struct runner *runner = &async->runners[count];

    runner->async = async;
    if (!ms_thread_start(&runner->thread, is_parallel(async) ? parallel_main : runner_main, runner)) {
        return false;
    }
    atomic_store_explicit(&async->runner_count, count + 1, memory_order_release);
    return true;
}

/* The threads that a further task needs, or what is still missing of them; runners without tasks do no harm. */
static bool start(struct ms_async *async)
{
    uint32_t count = atomic_load_explicit(&async->runner_count, memory_order_relaxed);

    if (count == 0 && !start_runner(async)) {
        return false;
    }
    /* One more is a favour: that it can't be had is no failure. */
    if (count > 0 && count < async->runners_most && async->runners_idle == 0) {
        start_runner(async);
    }
    if (!atomic_load_explicit(&async->delivers, memory_order_relaxed)) {
        atomic_store_explicit(&async->delivers, ms_thread_start(&async->delivery, delivery_main, async),
                              memory_order_release);
    }
    return atomic_load_explicit(&async->delivers, memory_order_relaxed);
}

enum ms_async_role ms_async_role(struct ms_async *async)
{
    uint32_t count = atomic_load_explicit(&async->runner_count, memory_order_acquire);

    if (atomic_load_explicit(&async->delivers, memory_order_acquire) &&
        pthread_equal(pthread_self(), async->delivery)) {
        return MS_ASYNC_DELIVERY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (pthread_equal(pthread_self(), async->runners[i].thread)) {
            return async->runners[i].in_callback ? MS_ASYNC_DELIVERY : MS_ASYNC_RUNNER;
        }
    }
    return MS_ASYNC_OUTSIDE;
}

bool ms_async_step_in(struct ms_async *async)
{
    return atomic_load_explicit(&async->unfinished, memory_order_acquire) == 0 &&
           ms_async_role(async) == MS_ASYNC_OUTSIDE &&
           !atomic_exchange_explicit(&async->visited, true, memory_order_acq_rel);
}

void ms_async_step_out(struct ms_async *async)
{
    atomic_store_explicit(&async->visited, false, memory_order_release);
}

void ms_async_wake(struct ms_async *async)
{
    pthread_cond_signal(&async->work);
}

mastra_status ms_async_submit(struct ms_async *async, struct ms_task *task, bool wait, bool more,
                              mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    /* A callback that waited for room would wait for its own end. */
    wait = wait && ms_async_role(async) != MS_ASYNC_DELIVERY;
    pthread_mutex_lock(&async->lock);
    while (wait && !async->stopping && async->outstanding >= async->limit) {
        /* What fills the queue may have been queued without waking anybody. */
        ms_async_wake(async);
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
        atomic_fetch_add_explicit(&async->unfinished, 1, memory_order_relaxed);
        if (is_parallel(async)) {
            ms_lanes_add(&async->lanes, task);
        } else {
            ms_task_push(&async->queued, task);
        }
        async->outstanding++;
    }
    pthread_mutex_unlock(&async->lock);
    /* Now that the lock is free, or the runner would wake only to wait for it. The caller keeps the store open. Several
     * runners commit nothing together, and each is to be woken. */
    if (status != MASTRA_OK || !more || is_parallel(async)) {
        ms_async_wake(async);
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
    /* Whoever was to wake the runner for what is queued may have been refused. */
    pthread_cond_broadcast(&async->work);
    wait_until_delivered(async, deadline_ns);
    async->cancelling = true;
    if (async->outstanding > 0 && backend->ops->interrupt) {
        backend->ops->interrupt(backend);
    }
    pthread_cond_broadcast(&async->work);
    pthread_cond_signal(&async->outcomes);
    pthread_mutex_unlock(&async->lock);
    for (uint32_t i = 0; i < atomic_load(&async->runner_count); i++) {
        pthread_join(async->runners[i].thread, NULL);
    }
    if (atomic_load(&async->delivers)) {
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
