#include "domains/lock_keeper.h"

#include "domains/result.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "store/store.h"

#define NS_PER_MS  INT64_C(1000000)

/* A renewal is tried again after so much of the lock's time when the database could not be asked. */
#define RENEW_PART 3
#define RETRY_PART 12

struct ms_kept_lock {
    struct ms_kept_lock *next;
    struct ms_heap *heap;
    mastra_run_lock lock; /* its texts stand behind the struct */
    int64_t ttl_ms;
    int64_t held_until_ns; /* monotonic, counted from before the last renewal was asked for: never too late */
    int64_t due_ns;
    mastra_lock_lost_fn lost;
    void *user;
};

struct keeper {
    struct ms_service service; /* first */
    mastra_store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    struct ms_kept_lock *kept;
    struct ms_kept_lock *renewing; /* taken out of `kept` meanwhile */
    bool forgotten;                /* what is being renewed was released */
};

static struct keeper *keeper_of(const struct ms_service *service)
{
    return (struct keeper *)(uintptr_t)service;
}

void ms_keeper_discard(struct ms_kept_lock *kept)
{
    if (kept) {
        ms_heap_release(kept->heap, kept);
    }
}

/* Generation 0 stands for every one. */
static bool is_of(const struct ms_kept_lock *kept, const mastra_run_lock *lock)
{
    return ms_str_compare(kept->lock.workflow_name, lock->workflow_name) == 0 &&
           ms_str_compare(kept->lock.run_id, lock->run_id) == 0 &&
           ms_str_compare(kept->lock.owner_id, lock->owner_id) == 0 &&
           (lock->generation == 0 || kept->lock.generation == lock->generation);
}

/* The thread. */

static struct ms_kept_lock *take_next_due(struct keeper *keeper)
{
    struct ms_kept_lock **next = &keeper->kept;
    struct ms_kept_lock *taken;

    for (struct ms_kept_lock **at = &keeper->kept; *at; at = &(*at)->next) {
        if ((*at)->due_ns < (*next)->due_ns) {
            next = at;
        }
    }
    taken = *next;
    if (taken && taken->due_ns > ms_clock_monotonic_ns()) {
        return NULL;
    }
    if (taken) {
        *next = taken->next;
    }
    return taken;
}

static int64_t next_due_ns(const struct keeper *keeper)
{
    int64_t due = INT64_MAX;

    for (const struct ms_kept_lock *at = keeper->kept; at; at = at->next) {
        due = at->due_ns < due ? at->due_ns : due;
    }
    return due;
}

/* Whether the lock is held for longer now; *ret_lost: it is not, and will not be. */
static bool renew(struct keeper *keeper, struct ms_kept_lock *kept, bool *ret_lost)
{
    int64_t asked_ns = ms_clock_monotonic_ns();
    struct ms_call call;
    bool held = false;
    mastra_status status = ms_call_begin(&call, keeper->store, &ms_op_renew_workflow_run_lock, NULL);

    if (status == MASTRA_OK) {
        status = ms_renew_kept_lock(&call, &kept->lock, kept->ttl_ms, &held);
    }
    status = ms_call_end(&call, status, NULL);
    if (status == MASTRA_OK && held) {
        kept->held_until_ns = asked_ns + kept->ttl_ms * NS_PER_MS;
        kept->due_ns = asked_ns + kept->ttl_ms * NS_PER_MS / RENEW_PART;
        return true;
    }
    kept->due_ns = ms_clock_monotonic_ns() + kept->ttl_ms * NS_PER_MS / RETRY_PART;
    *ret_lost = (status == MASTRA_OK && !held) || ms_clock_monotonic_ns() >= kept->held_until_ns;
    return false;
}

/* `keeper->lock` is held on entry and on return, not in between. */
static void serve(struct keeper *keeper, struct ms_kept_lock *kept)
{
    bool lost = false;
    bool tell;

    keeper->renewing = kept;
    keeper->forgotten = false;
    pthread_mutex_unlock(&keeper->lock);
    renew(keeper, kept, &lost);
    pthread_mutex_lock(&keeper->lock);
    keeper->renewing = NULL;
    tell = lost && !keeper->forgotten && !keeper->stopping;
    if (!lost && !keeper->forgotten) {
        kept->next = keeper->kept;
        keeper->kept = kept;
        return;
    }
    pthread_mutex_unlock(&keeper->lock);
    if (tell && kept->lost) {
        kept->lost(kept->user, &kept->lock);
    }
    ms_keeper_discard(kept);
    pthread_mutex_lock(&keeper->lock);
}

static void wait_for_work(struct keeper *keeper)
{
    int64_t due_ns = next_due_ns(keeper);
    struct timespec until = {due_ns / (1000 * NS_PER_MS), due_ns % (1000 * NS_PER_MS)};

    if (due_ns == INT64_MAX) {
        pthread_cond_wait(&keeper->changed, &keeper->lock);
    } else {
        pthread_cond_timedwait(&keeper->changed, &keeper->lock, &until);
    }
}

static void *keeper_main(void *arg)
{
    struct keeper *keeper = arg;

    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stopping) {
        struct ms_kept_lock *kept = take_next_due(keeper);

        if (kept) {
            serve(keeper, kept);
        } else {
            wait_for_work(keeper);
        }
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* The service. */

static void stop(struct ms_service *service)
{
    struct keeper *keeper = keeper_of(service);

    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
}

static void release(struct ms_service *service)
{
    struct keeper *keeper = keeper_of(service);

    while (keeper->kept) {
        struct ms_kept_lock *kept = keeper->kept;

        keeper->kept = kept->next;
        ms_keeper_discard(kept);
    }
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    ms_heap_release(ms_store_heap(keeper->store), keeper);
}

static bool inside(const struct ms_service *service)
{
    return pthread_equal(pthread_self(), keeper_of(service)->thread) != 0;
}

static struct ms_service *start(mastra_store *store)
{
    struct keeper *keeper = ms_heap_calloc(ms_store_heap(store), sizeof *keeper);
    pthread_condattr_t monotonic;

    if (!keeper) {
        return NULL;
    }
    if (pthread_condattr_init(&monotonic) != 0) {
        ms_heap_release(ms_store_heap(store), keeper);
        return NULL;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    keeper->service = (struct ms_service){stop, release, inside};
    keeper->store = store;
    if (!ms_thread_start(&keeper->thread, keeper_main, keeper)) {
        release(&keeper->service);
        return NULL;
    }
    return &keeper->service;
}

/* What the operations call. */

static mastra_str put_text(char **at, mastra_str text)
{
    mastra_str copy = {*at, text.len};

    memcpy(*at, text.ptr, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

mastra_status ms_keeper_prepare(struct ms_call *call, const mastra_run_lock *lock,
                                const mastra_run_lock_args *args, int64_t ttl_ms, struct ms_kept_lock **ret)
{
    struct ms_heap *heap = ms_store_heap(call->store);
    size_t texts = lock->workflow_name.len + lock->run_id.len + lock->owner_id.len + 3;
    struct ms_service *service = NULL;
    struct ms_kept_lock *kept;
    mastra_status status = ms_store_service(call->store, start, &service, &call->error);
    char *at;

    if (status != MASTRA_OK) {
        return status;
    }
    kept = ms_heap_alloc(heap, sizeof *kept + texts);
    if (!kept) {
        return ms_error_oom(&call->error);
    }
    at = (char *)(kept + 1);
    *kept =
        (struct ms_kept_lock){.heap = heap, .ttl_ms = ttl_ms, .lost = args->lost, .user = args->lost_user};
    kept->lock = *lock;
    kept->lock.workflow_name = put_text(&at, lock->workflow_name);
    kept->lock.run_id = put_text(&at, lock->run_id);
    kept->lock.owner_id = put_text(&at, lock->owner_id);
    /* From before the lock is asked for. */
    kept->held_until_ns = ms_clock_monotonic_ns() + ttl_ms * NS_PER_MS;
    kept->due_ns = kept->held_until_ns - ttl_ms * NS_PER_MS / RENEW_PART * (RENEW_PART - 1);
    *ret = kept;
    return MASTRA_OK;
}

/* Takes out what is kept of this lock. */
static void drop(struct keeper *keeper, const mastra_run_lock *lock)
{
    struct ms_kept_lock **at = &keeper->kept;

    while (*at) {
        struct ms_kept_lock *kept = *at;

        if (is_of(kept, lock)) {
            *at = kept->next;
            ms_keeper_discard(kept);
        } else {
            at = &kept->next;
        }
    }
    if (keeper->renewing && is_of(keeper->renewing, lock)) {
        keeper->forgotten = true;
    }
}

void ms_keeper_keep(struct ms_call *call, struct ms_kept_lock *kept, const mastra_run_lock *lock)
{
    struct ms_service *service = NULL;
    struct keeper *keeper;

    ms_store_service(call->store, NULL, &service, NULL);
    keeper = keeper_of(service);
    kept->lock.generation = lock->generation;
    kept->lock.acquired_at = lock->acquired_at;
    kept->lock.expires_at = lock->expires_at;
    pthread_mutex_lock(&keeper->lock);
    kept->next = keeper->kept;
    keeper->kept = kept;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
}

void ms_keeper_forget(struct ms_call *call, const mastra_run_lock *lock)
{
    struct ms_service *service = NULL;
    struct keeper *keeper;

    ms_store_service(call->store, NULL, &service, NULL);
    if (!service) {
        return;
    }
    keeper = keeper_of(service);
    pthread_mutex_lock(&keeper->lock);
    drop(keeper, lock);
    pthread_mutex_unlock(&keeper->lock);
}
