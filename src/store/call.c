#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "store/store.h"
#include "store/survey.h"

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

mastra_status ms_call_enter(struct ms_call *call, mastra_store *store, const struct ms_op *op)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    mastra_status status;

    memset(call, 0, offsetof(struct ms_call, error));
    call->error = blank;
    call->store = store;
    call->op = op;
    if (!store) {
        return ms_error_argument(&call->error, "store", mastra_str_of(NULL), "must not be NULL");
    }
    call->error_store = store->backend->ops->error_store;
    call->now = ms_clock_now();
    ms_call_renew_deadline(call);
    status = ms_store_enter(store, false, &call->error);
    call->counted = status == MASTRA_OK;
    return status;
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

/* Where one of Mastra's adapters names an operation, or what became of it, unlike the others. */
static const struct {
    const char *store;
    const char *error;  /* the operation, as the others name it */
    const char *reason; /* NULL: any */
    const char *error_there;
    const char *reason_there; /* NULL: the same */
} exceptions[] = {
    {"PG", "UPDATE_THREAD", "NOT_FOUND", "UPDATE_THREAD", "FAILED"},
    {"PG", "LIST_SCORES_BY_SCORER_ID", NULL, "GET_SCORES_BY_SCORER_ID", NULL},
    {"PG", "LIST_SCORES_BY_RUN_ID", NULL, "GET_SCORES_BY_RUN_ID", NULL},
    {"PG", "LIST_SCORES_BY_ENTITY_ID", NULL, "GET_SCORES_BY_ENTITY_ID", NULL},
    {"PG", "LIST_SCORES_BY_SPAN", NULL, "GET_SCORES_BY_SPAN", NULL},
    {"DYNAMODB", "UPDATE_THREAD", "NOT_FOUND", "UPDATE_THREAD", "FAILED"},
};

static void write_id(mastra_error *error, const char *store, const char *operation, const char *reason)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (strcmp(exceptions[i].store, store) == 0 && strcmp(exceptions[i].error, operation) == 0 &&
            (!exceptions[i].reason || strcmp(exceptions[i].reason, reason) == 0)) {
            operation = exceptions[i].error_there;
            reason = exceptions[i].reason_there ? exceptions[i].reason_there : reason;
            break;
        }
    }
    snprintf(error->id, sizeof error->id, "MASTRA_STORAGE_%.12s_%.32s_%s", store, operation, reason);
}

/* Until here error.id holds the last part only, when an operation chose one. */
static void complete_error(struct ms_call *call)
{
    mastra_error *error = &call->error;
    const char *store = call->error_store ? call->error_store : "STORE";
    char reason[32];

    ms_error_copy(reason, sizeof reason, mastra_str_of(error->id[0] ? error->id : "FAILED"));
    write_id(error, store, call->op->error, reason);
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
    ms_arena_free(call->ids);
    call->ids = NULL;
    ms_survey_end(call);
    if (call->counted) {
        ms_store_leave(call->store);
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

static char *draw_id(struct ms_call *call)
{
    char *id = ms_arena_bytes(call->ids, MS_UUID_LEN + 1);

    if (!id) {
        ms_error_oom(&call->error);
        return NULL;
    }
    if (!ms_uuid_v4(id)) {
        ms_error_set(&call->error, MASTRA_INTERNAL, "the system's random generator failed");
        return NULL;
    }
    return id;
}

/* Makes room for twice as many; the ids themselves stay where they are. */
static bool grow_ids(struct ms_call *call)
{
    size_t room = call->id_room ? call->id_room * 2 : 8;
    const char **grown;

    if (!call->ids) {
        call->ids = ms_arena_new(call->store->heap, 0);
    }
    grown = call->ids ? ms_arena_alloc(call->ids, room * sizeof(void *)) : NULL;
    if (!grown) {
        ms_error_oom(&call->error);
        return false;
    }
    if (call->id_count > 0) {
        memcpy(grown, call->id, call->id_count * sizeof(void *));
    }
    call->id = grown;
    call->id_room = room;
    return true;
}

const char *ms_call_id(struct ms_call *call, size_t n)
{
    while (call->id_count <= n) {
        const char *id;

        if (call->id_count == call->id_room && !grow_ids(call)) {
            return NULL;
        }
        id = draw_id(call);
        if (!id) {
            return NULL;
        }
        call->id[call->id_count++] = id;
    }
    return call->id[n];
}

void ms_call_renew_deadline(struct ms_call *call)
{
    call->deadline_ns = ms_clock_monotonic_ns() + call->store->options.busy_timeout_ms * 1000000;
}

bool ms_call_allows_raw_sql(const struct ms_call *call)
{
    return call->store->options.allow_raw_sql;
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
