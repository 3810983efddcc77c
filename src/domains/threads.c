#include "domains/check.h"
#include "domains/listing.h"
#include "domains/memory.h"
#include "domains/merge.h"
#include "domains/result.h"

#include "base/error.h"

/* A thread as it is stored: what the caller left out filled in. */
static void fill_in(mastra_thread *thread, const mastra_thread *given, mastra_time now)
{
    ms_record_copy(ms_entity(MS_THREAD), thread, given);
    if (!thread->title.ptr) {
        thread->title = mastra_str_of("");
    }
    if (thread->created_at == MASTRA_TIME_NONE) {
        thread->created_at = now;
    }
    if (thread->updated_at == MASTRA_TIME_NONE) {
        thread->updated_at = now;
    }
}

/* A unit's argument and answer for one thread. */
struct thread_work {
    mastra_str id;
    mastra_str resource_id;
    const mastra_thread *given;
    mastra_str metadata; /* a checked object, or absent */
    mastra_str unset;    /* names of members of the stored metadata, or absent */
    mastra_str title;
    mastra_thread *thread;
};

static mastra_status run_thread(struct ms_call *call, ms_unit_fn fn, struct thread_work *work,
                                mastra_thread **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_transact(call, fn, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work->thread, ret);
    }
    return status;
}

/* Saving. */

static mastra_status save(struct ms_unit *unit, void *arg)
{
    struct thread_work *work = arg;

    work->thread = ms_record_dup(unit->arena, ms_entity(MS_THREAD), work->given);
    unit->result = work->thread;
    if (!work->thread) {
        return ms_error_oom(unit->error);
    }
    return ms_unit_put(unit, MS_THREAD, work->thread);
}

/* Fills in and checks what is to be saved; `ret` borrows its texts. */
static mastra_status complete(struct ms_call *call, const mastra_thread *given, bool draw_id,
                              mastra_thread *ret)
{
    const struct ms_entity *entity = ms_entity(MS_THREAD);

    if (!given) {
        return ms_error_argument(&call->error, "thread", mastra_str_of(NULL), "is required");
    }
    fill_in(ret, given, call->now);
    if (!ret->id.ptr && draw_id) {
        ret->id = mastra_str_of(ms_call_id(call, 0));
        if (!ret->id.ptr) {
            return call->error.status;
        }
    }
    return ms_check_record(&call->error, "thread", entity, ret, ms_entity_all(entity));
}

mastra_status ms_build_thread(struct ms_call *call, const mastra_thread *given, mastra_thread *ret)
{
    return complete(call, given, true, ret);
}

static mastra_status save_completed(struct ms_call *call, const mastra_thread *given, bool draw_id,
                                    mastra_thread **ret)
{
    mastra_thread thread;
    struct thread_work work = {.given = &thread};
    mastra_status status = complete(call, given, draw_id, &thread);

    return status == MASTRA_OK ? run_thread(call, save, &work, ret) : status;
}

mastra_status ms_save_thread(struct ms_call *call, const mastra_thread *given, mastra_thread **ret)
{
    return save_completed(call, given, false, ret);
}

mastra_status ms_create_thread(struct ms_call *call, const mastra_thread *given, mastra_thread **ret)
{
    return save_completed(call, given, true, ret);
}

/* Reading. */

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct thread_work *work = arg;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_THREAD, &work->id, false, &found);

    work->thread = found;
    if (found && work->resource_id.ptr && ms_str_compare(work->thread->resource_id, work->resource_id) != 0) {
        work->thread = NULL;
    }
    return status;
}

mastra_status ms_get_thread_by_id(struct ms_call *call, mastra_str thread_id, mastra_str resource_id,
                                  mastra_thread **ret)
{
    struct thread_work work = {.id = thread_id, .resource_id = resource_id};
    struct ms_arena *arena = NULL;
    mastra_status status = ms_check_sought(&call->error, "threadId", thread_id);

    if (status == MASTRA_OK) {
        status = ms_check_text(&call->error, "resourceId", resource_id);
    }
    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_ROW, get, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.thread, ret);
    }
    return status;
}

/* Changing. */

static mastra_status update(struct ms_unit *unit, void *arg)
{
    struct thread_work *work = arg;
    uint64_t columns = MS_BIT(MS_THREAD_METADATA) | MS_BIT(MS_THREAD_UPDATED_AT);
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_THREAD, &work->id, true, &found);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!found) {
        ms_error_set(unit->error, MASTRA_NOT_FOUND, "Thread %.*s not found", (int)work->id.len, work->id.ptr);
        return ms_call_reason(unit->error, "NOT_FOUND", "USER");
    }
    work->thread = found;
    unit->result = found;
    if (work->title.ptr) {
        columns |= MS_BIT(MS_THREAD_TITLE);
        if (!ms_arena_str(unit->arena, work->title, &work->thread->title)) {
            return ms_error_oom(unit->error);
        }
    }
    status =
        ms_merge_stored(unit, work->thread->metadata, work->unset,
                        work->metadata.ptr ? work->metadata : mastra_str_of("{}"), &work->thread->metadata);
    if (status != MASTRA_OK) {
        return status;
    }
    work->thread->updated_at = unit->call->now;
    return ms_unit_patch(unit, MS_THREAD, work->thread, columns);
}

mastra_status ms_update_thread(struct ms_call *call, const mastra_thread_patch *given, mastra_str unset,
                               mastra_thread **ret)
{
    mastra_thread_patch patch = MASTRA_THREAD_PATCH_INIT;
    struct thread_work work = {0};
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "patch", mastra_str_of(NULL), "is required");
    }
    patch.set = given->set;
    ms_record_copy(ms_entity(MS_THREAD), &patch.values, &given->values);
    status = ms_check_sought(&call->error, "id", patch.values.id);
    if (status == MASTRA_OK && patch.set & MASTRA_THREAD_SET_TITLE) {
        status = ms_check_text(&call->error, "title", patch.values.title);
        work.title = patch.values.title;
    }
    if (status == MASTRA_OK && patch.set & MASTRA_THREAD_SET_METADATA) {
        status = ms_check_json(&call->error, "metadata", patch.values.metadata, true, &work.metadata);
    }
    if (status == MASTRA_OK) {
        status = ms_check_names(&call->error, "unset", unset, &work.unset);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    work.id = patch.values.id;
    return run_thread(call, update, &work, ret);
}

/* The messages of one thread, for writes over all of them. */
static struct ms_query *messages_of(struct ms_unit *unit, mastra_str thread_id)
{
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);

    if (!query) {
        ms_error_oom(unit->error);
        return NULL;
    }
    ms_query_init(query, MS_MESSAGE);
    ms_query_equal(query, MS_MESSAGE_THREAD_ID, thread_id);
    return query;
}

static mastra_status move(struct ms_unit *unit, void *arg)
{
    struct thread_work *work = arg;
    mastra_message *message;
    struct ms_query *query;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_THREAD, &work->id, true, &found);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!found) {
        ms_error_set(unit->error, MASTRA_NOT_FOUND, "Thread \"%.*s\" not found", (int)work->id.len,
                     work->id.ptr);
        return ms_call_reason(unit->error, "FAILED", "THIRD_PARTY");
    }
    work->thread = found;
    unit->result = found;
    if (ms_str_compare(work->thread->resource_id, work->resource_id) == 0) {
        return MASTRA_OK;
    }
    message = ms_unit_record(unit, MS_MESSAGE);
    query = message ? messages_of(unit, work->id) : NULL;
    if (!query || !ms_arena_str(unit->arena, work->resource_id, &work->thread->resource_id)) {
        return ms_error_oom(unit->error);
    }
    work->thread->updated_at = unit->call->now;
    message->resource_id = work->thread->resource_id;
    status = ms_unit_patch(unit, MS_THREAD, work->thread,
                           MS_BIT(MS_THREAD_RESOURCE_ID) | MS_BIT(MS_THREAD_UPDATED_AT));
    return status == MASTRA_OK ? ms_unit_patch_all(unit, query, message, MS_BIT(MS_MESSAGE_RESOURCE_ID))
                               : status;
}

mastra_status ms_update_thread_resource_id(struct ms_call *call, mastra_str thread_id, mastra_str resource_id,
                                           mastra_thread **ret)
{
    struct thread_work work = {.id = thread_id, .resource_id = resource_id};
    mastra_status status = ms_check_sought(&call->error, "threadId", thread_id);

    if (status == MASTRA_OK) {
        status = ms_check_sought(&call->error, "resourceId", resource_id);
    }
    return status == MASTRA_OK ? run_thread(call, move, &work, ret) : status;
}

/* The thread goes first: should the rest of a split deletion fail, repeating it sweeps what is left. */
static mastra_status erase(struct ms_unit *unit, void *arg)
{
    const mastra_str *id = arg;
    struct ms_query *query = messages_of(unit, *id);
    mastra_status status;

    if (!query) {
        return MASTRA_OUT_OF_MEMORY;
    }
    status = ms_unit_erase(unit, MS_THREAD, id);
    return status == MASTRA_OK ? ms_unit_erase_all(unit, query) : status;
}

mastra_status ms_delete_thread(struct ms_call *call, mastra_str thread_id)
{
    mastra_status status = ms_check_sought(&call->error, "threadId", thread_id);

    return status == MASTRA_OK ? ms_transact(call, erase, &thread_id, NULL) : status;
}

/* Listing. */

static mastra_status paging_of(mastra_error *error, const mastra_list_threads_args *args,
                               struct ms_paging *ret)
{
    if (args->limit != MASTRA_PER_PAGE_DEFAULT || args->offset != 0) {
        int64_t limit = args->limit == MASTRA_PER_PAGE_DEFAULT ? MS_RECORDS_PER_PAGE : args->limit;

        return ms_paging_of_window(error, args->offset, limit, ret);
    }
    /* Mastra takes this for messages, where it is no use either. */
    if (args->per_page == MASTRA_PER_PAGE_ALL && args->page > 0) {
        return ms_paging_refuse(error, "page", args->page, "page must be 0 when perPage is false");
    }
    return ms_paging_of(error, args->page, args->per_page, MS_RECORDS_PER_PAGE, ret);
}

mastra_status ms_list_threads(struct ms_call *call, const mastra_list_threads_args *given,
                              mastra_thread_list **ret)
{
    mastra_list_threads_args args = MASTRA_LIST_THREADS_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_str filter = {NULL, 0};
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_THREAD);
    work.query.order = args.order_by == MASTRA_ORDER_UPDATED_AT ? MS_THREAD_UPDATED_AT : MS_THREAD_CREATED_AT;
    work.query.descending = args.direction != MASTRA_ASCENDING;
    status = paging_of(&call->error, &args, &work.paging);
    if (status == MASTRA_OK) {
        status = ms_check_text(&call->error, "filter.resourceId", args.resource_id);
    }
    if (status == MASTRA_OK && args.resource_id.len > 0) {
        ms_query_equal(&work.query, MS_THREAD_RESOURCE_ID, args.resource_id);
    }
    if (status == MASTRA_OK) {
        status =
            ms_check_filter(&call->error, "filter.metadata", "INVALID_METADATA_KEY", args.metadata, &filter);
    }
    if (status == MASTRA_OK && filter.ptr) {
        ms_query_has(&work.query, MS_THREAD_METADATA, NULL, filter);
    }
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_thread_list *)work.list, ret);
    }
    return status;
}

mastra_status ms_list_threads_by_resource_id(struct ms_call *call, const mastra_list_threads_args *args,
                                             mastra_thread_list **ret)
{
    mastra_status status =
        ms_check_id(&call->error, "resourceId", args ? args->resource_id : mastra_str_of(NULL));

    return status == MASTRA_OK ? ms_list_threads(call, args, ret) : status;
}
