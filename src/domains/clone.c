/* Copying a thread with its messages. */
#include "domains/check.h"
#include "domains/memory.h"
#include "domains/result.h"

#include "base/clock.h"
#include "base/error.h"

struct clone_work {
    mastra_clone_thread_args args;
    mastra_str metadata; /* a checked object, or absent */
    mastra_str new_id;
    mastra_clone *clone;
};

/* The source is locked: deleted between this and the next read, it would be copied without its messages. */
static mastra_status find_source(struct ms_unit *unit, const struct clone_work *work, mastra_thread **ret)
{
    const mastra_str id = work->args.source_thread_id;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_THREAD, &id, true, &found);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!found) {
        ms_error_set(unit->error, MASTRA_NOT_FOUND, "Source thread with id %.*s not found", (int)id.len,
                     id.ptr);
        ms_call_reason(unit->error, "SOURCE_NOT_FOUND", "USER");
        return MASTRA_NOT_FOUND;
    }
    *ret = found;
    status = ms_unit_get(unit, MS_THREAD, &work->new_id, true, &found);
    if (status == MASTRA_OK && found) {
        ms_error_set(unit->error, MASTRA_CONFLICT, "Thread with id %.*s already exists",
                     (int)work->new_id.len, work->new_id.ptr);
        return ms_call_reason(unit->error, "THREAD_EXISTS", "USER");
    }
    return status;
}

/* The messages to copy, oldest first. A limit keeps the newest. */
static mastra_status read_source(struct ms_unit *unit, const mastra_clone_thread_args *args,
                                 struct ms_rows *rows)
{
    struct ms_query query;
    mastra_status status;

    ms_query_init(&query, MS_MESSAGE);
    ms_query_equal(&query, MS_MESSAGE_THREAD_ID, args->source_thread_id);
    ms_query_range(&query, MS_MESSAGE_CREATED_AT, args->start_date, false, args->end_date, false);
    if (args->message_id_count > 0) {
        ms_query_any_of(&query, MS_MESSAGE_ID, args->message_ids, args->message_id_count);
    }
    if (args->message_limit > 0) {
        query.descending = true;
        query.limit = args->message_limit;
    }
    status = ms_unit_list(unit, &query, rows);
    for (size_t i = 0; query.descending && i < rows->count / 2; i++) {
        void *swapped = rows->items[i];

        rows->items[i] = rows->items[rows->count - 1 - i];
        rows->items[rows->count - 1 - i] = swapped;
    }
    return status;
}

/* {"sourceThreadId":…,"clonedAt":…,"lastMessageId":…} */
static void write_origin(struct ms_buf *out, const struct clone_work *work, mastra_time now,
                         const struct ms_rows *rows)
{
    char iso[MS_ISO_SIZE];

    ms_time_format(now, iso);
    ms_buf_add_char(out, '{');
    ms_json_put_key(out, "sourceThreadId");
    ms_json_put_string(out, work->args.source_thread_id);
    ms_buf_add_char(out, ',');
    ms_json_put_key(out, "clonedAt");
    ms_json_put_string(out, mastra_str_of(iso));
    if (rows->count > 0) {
        const mastra_message *last = rows->items[rows->count - 1];

        ms_buf_add_char(out, ',');
        ms_json_put_key(out, "lastMessageId");
        ms_json_put_string(out, last->id);
    }
    ms_buf_add_char(out, '}');
}

static mastra_status write_metadata(struct ms_unit *unit, const struct clone_work *work,
                                    const struct ms_rows *rows, mastra_str *ret)
{
    static const mastra_str member = MASTRA_STR("clone");
    mastra_str base = work->metadata.ptr ? work->metadata : mastra_str_of("{}");
    struct ms_buf origin;
    struct ms_buf metadata;
    mastra_status status = MASTRA_OK;

    ms_buf_init(&origin, ms_arena_heap(unit->arena), 0);
    ms_buf_init(&metadata, ms_arena_heap(unit->arena), 0);
    write_origin(&origin, work, unit->call->now, rows);
    if (!origin.failed) {
        ms_json_with_member(&metadata, base, member, ms_buf_view(&origin));
    }
    if (origin.failed || metadata.failed || !ms_arena_str(unit->arena, ms_buf_view(&metadata), ret)) {
        status = ms_error_oom(unit->error);
    }
    ms_buf_release(&metadata);
    ms_buf_release(&origin);
    return status;
}

static mastra_status write_title(struct ms_unit *unit, const struct clone_work *work,
                                 const mastra_thread *source, mastra_str *ret)
{
    struct ms_buf title;
    bool ok;

    ms_buf_init(&title, ms_arena_heap(unit->arena), 0);
    if (work->args.title.len > 0) {
        ms_buf_add_str(&title, work->args.title);
    } else if (source->title.len > 0) {
        ms_buf_add_text(&title, "Clone of ");
        ms_buf_add_str(&title, source->title);
    }
    ok = !title.failed && ms_arena_str(unit->arena, ms_buf_view(&title), ret);
    ms_buf_release(&title);
    return ok ? MASTRA_OK : ms_error_oom(unit->error);
}

static mastra_status copy_thread(struct ms_unit *unit, const struct clone_work *work,
                                 const mastra_thread *source, const struct ms_rows *rows, mastra_thread **ret)
{
    mastra_str resource_id = work->args.resource_id.len > 0 ? work->args.resource_id : source->resource_id;
    mastra_thread *thread = ms_unit_record(unit, MS_THREAD);
    mastra_status status;

    if (!thread) {
        return MASTRA_OUT_OF_MEMORY;
    }
    if (!ms_arena_str(unit->arena, work->new_id, &thread->id) ||
        !ms_arena_str(unit->arena, resource_id, &thread->resource_id)) {
        return ms_error_oom(unit->error);
    }
    status = write_title(unit, work, source, &thread->title);
    if (status == MASTRA_OK) {
        status = write_metadata(unit, work, rows, &thread->metadata);
    }
    thread->created_at = unit->call->now;
    thread->updated_at = unit->call->now;
    *ret = thread;
    return status;
}

/* Turns the rows read into their copies and buffers them. */
static mastra_status copy_messages(struct ms_unit *unit, struct ms_rows *rows, mastra_clone *clone)
{
    mastra_status status = MASTRA_OK;

    clone->count = rows->count;
    clone->messages = (mastra_message **)rows->items;
    clone->source_ids = ms_arena_alloc(unit->arena, (rows->count + 1) * sizeof *clone->source_ids);
    if (!clone->source_ids) {
        return ms_error_oom(unit->error);
    }
    for (size_t i = 0; i < rows->count && status == MASTRA_OK; i++) {
        mastra_message *message = clone->messages[i];
        mastra_str id = mastra_str_of(ms_call_id(unit->call, i + 1));

        clone->source_ids[i] = message->id;
        message->thread_id = clone->thread->id;
        message->resource_id = clone->thread->resource_id;
        /* A foreign writer's time may be none of ours, as PostgreSQL's infinity is. */
        if (message->created_at == MASTRA_TIME_NONE) {
            message->created_at = unit->call->now;
        }
        if (!id.ptr || !ms_arena_str(unit->arena, id, &message->id)) {
            return ms_error_oom(unit->error);
        }
        status = ms_unit_insert(unit, MS_MESSAGE, message);
    }
    return status;
}

static mastra_status clone_thread(struct ms_unit *unit, void *arg)
{
    struct clone_work *work = arg;
    mastra_clone *clone = ms_arena_calloc(unit->arena, sizeof *clone);
    mastra_thread *source = NULL;
    struct ms_rows rows = {NULL, 0};
    mastra_status status = clone ? find_source(unit, work, &source) : ms_error_oom(unit->error);

    if (status == MASTRA_OK) {
        status = read_source(unit, &work->args, &rows);
    }
    if (status == MASTRA_OK) {
        status = copy_thread(unit, work, source, &rows, &clone->thread);
    }
    if (status == MASTRA_OK) {
        status = copy_messages(unit, &rows, clone);
    }
    if (status == MASTRA_OK) {
        status = ms_unit_insert(unit, MS_THREAD, clone->thread);
    }
    if (status == MASTRA_OK) {
        clone->arena = unit->arena;
        unit->result = clone;
        work->clone = clone;
    }
    return status;
}

static mastra_status check_args(mastra_error *error, struct clone_work *work)
{
    const mastra_clone_thread_args *args = &work->args;
    mastra_status status = ms_check_id(error, "sourceThreadId", args->source_thread_id);

    if (status == MASTRA_OK && args->new_thread_id.len > 0) {
        status = ms_check_id(error, "newThreadId", args->new_thread_id);
    }
    if (status == MASTRA_OK) {
        status = ms_check_text(error, "resourceId", args->resource_id);
    }
    if (status == MASTRA_OK) {
        status = ms_check_text(error, "title", args->title);
    }
    if (status == MASTRA_OK) {
        status = ms_check_json(error, "metadata", args->metadata, true, &work->metadata);
    }
    if (status == MASTRA_OK && args->message_id_count > 0) {
        status = ms_check_ids(error, "options.messageFilter.messageIds", args->message_ids,
                              args->message_id_count);
    }
    return status;
}

mastra_status ms_clone_thread(struct ms_call *call, const mastra_clone_thread_args *given, mastra_clone **ret)
{
    struct clone_work work = {.args = MASTRA_CLONE_THREAD_INIT};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "sourceThreadId", mastra_str_of(NULL), "is required");
    }
    memcpy(&work.args, given, given->size < sizeof work.args ? given->size : sizeof work.args);
    status = check_args(&call->error, &work);
    if (status != MASTRA_OK) {
        return status;
    }
    work.new_id =
        work.args.new_thread_id.len > 0 ? work.args.new_thread_id : mastra_str_of(ms_call_id(call, 0));
    if (!work.new_id.ptr) {
        return call->error.status;
    }
    status = ms_transact(call, clone_thread, &work, &arena);
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.clone, ret);
    }
    return status;
}
