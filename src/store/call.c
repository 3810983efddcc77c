#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "store/store.h"

#include <stdio.h>
#include <unistd.h>

static mastra_status make_ready(struct ms_call *call)
{
    mastra_store *store = call->store;
    mastra_status status = MASTRA_OK;

    if (atomic_load_explicit(&store->ready, memory_order_acquire)) {
        return MASTRA_OK;
    }
    pthread_mutex_lock(&store->init_lock);
    if (!atomic_load_explicit(&store->ready, memory_order_acquire)) {
        status = ms_store_ensure_schema(store, &call->error);
        /* What can't be written is read with what it has. */
        if (status == MASTRA_READ_ONLY) {
            atomic_store_explicit(&store->ready, true, memory_order_release);
            status = MASTRA_OK;
        }
    }
    pthread_mutex_unlock(&store->init_lock);
    return status;
}

/* Counts the call among the running ones. A closing store still runs what its own queue holds. */
static mastra_status enter(struct ms_call *call)
{
    mastra_store *store = call->store;
    enum ms_async_role role;

    if (store->pid != getpid()) {
        return ms_error_set(&call->error, MASTRA_FORKED,
                            "the store was opened before this process was forked");
    }
    pthread_mutex_lock(&store->lock);
    role = store->async ? ms_async_role(store->async) : MS_ASYNC_OUTSIDE;
    call->counted = role == MS_ASYNC_RUNNER || (role == MS_ASYNC_OUTSIDE && !store->closing);
    store->calls += call->counted;
    pthread_mutex_unlock(&store->lock);
    if (role == MS_ASYNC_DELIVERY) {
        return ms_error_set(&call->error, MASTRA_USAGE,
                            "a callback of a store may only submit asynchronous calls to it");
    }
    if (!call->counted) {
        return ms_error_set(&call->error, MASTRA_CLOSED, "the store is closed");
    }
    return MASTRA_OK;
}

mastra_status ms_call_enter(struct ms_call *call, mastra_store *store, const struct ms_op *op)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;

    memset(call, 0, offsetof(struct ms_call, error));
    call->error = blank;
    call->store = store;
    call->op = op;
    if (!store) {
        return ms_error_argument(&call->error, "store", mastra_str_of(NULL), "must not be NULL");
    }
    call->now = ms_clock_now();
    call->deadline_ns = ms_clock_monotonic_ns() + store->options.busy_timeout_ms * 1000000;
    return enter(call);
}

mastra_status ms_call_begin(struct ms_call *call, mastra_store *store, const struct ms_op *op,
                            struct ms_group *group)
{
    mastra_status status = ms_call_enter(call, store, op);

    call->group = group;
    return status == MASTRA_OK ? make_ready(call) : status;
}

static const char *default_category(mastra_status status)
{
    switch (status) {
    case MASTRA_USAGE:
    case MASTRA_INVALID_ARGUMENT:
    case MASTRA_NOT_FOUND:
    case MASTRA_CONFLICT:
        return "USER";
    case MASTRA_INTERNAL:
    case MASTRA_OUT_OF_MEMORY:
    case MASTRA_NOT_SUPPORTED:
        return "SYSTEM";
    default:
        return "THIRD_PARTY";
    }
}

/* Until here error.id holds the last part only, when an operation chose one. */
static void complete_error(struct ms_call *call)
{
    mastra_error *error = &call->error;
    const char *store = call->store ? call->store->backend->ops->error_store : "STORE";
    char reason[32];

    ms_error_copy(reason, sizeof reason, mastra_str_of(error->id[0] ? error->id : "FAILED"));
    snprintf(error->id, sizeof error->id, "MASTRA_STORAGE_%.12s_%.32s_%s", store, call->op->error, reason);
    ms_error_copy(error->operation, sizeof error->operation, mastra_str_of(call->op->name));
    if (!error->category[0]) {
        ms_error_copy(error->category, sizeof error->category,
                      mastra_str_of(default_category(error->status)));
    }
}

mastra_status ms_call_end(struct ms_call *call, mastra_status status, mastra_error *error)
{
    if (status != MASTRA_OK && error) {
        complete_error(call);
        ms_error_export(error, &call->error);
    }
    if (call->ids) {
        ms_heap_release(call->store->heap, call->ids);
        call->ids = NULL;
    }
    if (call->counted) {
        mastra_store *store = call->store;

        pthread_mutex_lock(&store->lock);
        if (--store->calls == 0 && store->closing) {
            pthread_cond_broadcast(&store->idle);
        }
        pthread_mutex_unlock(&store->lock);
        call->counted = false;
    }
    return status;
}

void ms_call_answer_to(struct ms_call *call, ms_answer_fn answer, struct ms_buf *out)
{
    call->answer = answer;
    call->answer_to = out;
    call->answer_at = out->len;
}

mastra_status ms_call_answer(struct ms_call *call, const void *result)
{
    struct ms_buf *out = call->answer_to;

    if (!call->answer) {
        return MASTRA_OK;
    }
    ms_buf_cut(out, call->answer_at);
    call->answer(out, result);
    ms_buf_reserve(out, MS_ANSWER_SLACK);
    if (out->failed == MASTRA_LIMIT_EXCEEDED) {
        return ms_error_set(&call->error, MASTRA_LIMIT_EXCEEDED, "the result is larger than 1 GiB");
    }
    return out->failed == MASTRA_OK ? MASTRA_OK : ms_error_oom(&call->error);
}

const char *ms_call_id(struct ms_call *call, size_t n)
{
    struct ms_heap *heap = call->store->heap;

    while (call->id_count <= n) {
        /* The ids drawn so far are a power of two: the array is full. */
        if ((call->id_count & (call->id_count - 1)) == 0) {
            size_t room = call->id_count ? call->id_count * 2 : 1;
            void *grown = ms_heap_realloc(heap, call->ids, room * sizeof call->ids[0]);

            if (!grown) {
                ms_error_oom(&call->error);
                return NULL;
            }
            call->ids = grown;
        }
        if (!ms_uuid_v4(call->ids[call->id_count])) {
            ms_error_set(&call->error, MASTRA_INTERNAL, "the system's random generator failed");
            return NULL;
        }
        call->id_count++;
    }
    return call->ids[n];
}

bool ms_call_strict_parents(const struct ms_call *call)
{
    return (call->store->traits & MS_TRAIT_STRICT_PARENTS) != 0;
}

mastra_status ms_call_reason(mastra_error *error, const char *reason, const char *category)
{
    ms_error_copy(error->id, sizeof error->id, mastra_str_of(reason));
    if (category) {
        ms_error_copy(error->category, sizeof error->category, mastra_str_of(category));
    }
    return error->status;
}
