/* Saving, changing and deleting messages. */
#include "domains/check.h"
#include "domains/memory.h"
#include "domains/merge.h"
#include "domains/result.h"

#include "base/error.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

/* An array in the unit's arena; NULL (with the error set) when memory is out. Never NULL for a count of 0. */
static void *array(struct ms_unit *unit, size_t count, size_t size)
{
    void *memory = count < SIZE_MAX / size ? ms_arena_calloc(unit->arena, (count ? count : 1) * size) : NULL;

    if (!memory) {
        ms_error_oom(unit->error);
    }
    return memory;
}

/* Moves updatedAt of every thread named to now; `new_messages`: where parents are needed, they must be there. Sorts `ids`. */
static mastra_status touch_threads(struct ms_unit *unit, mastra_str *ids, size_t count, bool new_messages)
{
    mastra_status status = MASTRA_OK;

    count = ms_distinct(ids, count);
    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        if (new_messages && ms_call_strict_parents(unit->call)) {
            status = ms_unit_expect(unit, MS_THREAD, &ids[i]);
        }
        if (status == MASTRA_OK) {
            status = ms_unit_touch(unit, MS_THREAD, &ids[i], MS_THREAD_UPDATED_AT, unit->call->now);
        }
    }
    return status;
}

/* By time, then in the order they stand in. */
struct placed {
    mastra_message *message;
    size_t place;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *left = a;
    const struct placed *right = b;

    if (left->message->created_at != right->message->created_at) {
        return left->message->created_at < right->message->created_at ? -1 : 1;
    }
    return (left->place > right->place) - (left->place < right->place);
}

static int compare_ids(const void *a, const void *b)
{
    const struct placed *left = a;
    const struct placed *right = b;
    int order = ms_str_compare(left->message->id, right->message->id);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* A list of messages in their order; of several with one id the last, in the place of the first. */
static mastra_status list_of(struct ms_unit *unit, mastra_message **messages, size_t count,
                             struct ms_list **ret)
{
    struct placed *placed = array(unit, count, sizeof *placed);
    mastra_page page = {0, 0, MASTRA_PER_PAGE_ALL, false};
    size_t kept = 0;

    if (!placed) {
        return MASTRA_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        placed[i] = (struct placed){messages[i], i};
    }
    qsort(placed, count, sizeof *placed, compare_ids);
    for (size_t i = 0; i < count; i++) {
        bool again = kept > 0 && ms_str_compare(placed[kept - 1].message->id, placed[i].message->id) == 0;

        if (again) {
            placed[kept - 1].message = placed[i].message;
        } else {
            placed[kept++] = placed[i];
        }
    }
    qsort(placed, kept, sizeof *placed, compare_placed);
    for (size_t i = 0; i < kept; i++) {
        messages[i] = placed[i].message;
    }
    page.total = (int64_t)kept;
    *ret = ms_list_new(unit->arena, (void **)messages, kept, page);
    unit->result = *ret;
    return *ret ? MASTRA_OK : ms_error_oom(unit->error);
}

/* Runs a unit whose answer is a list of messages. */
struct messages_work {
    const mastra_message *const *given;
    const mastra_message_patch *const *patches;
    const mastra_str *ids;
    size_t count;
    bool wanted;
    struct ms_list *list;
    mastra_str unset; /* of updates: names of members of metadata by message, or absent */
};

static mastra_status run_messages(struct ms_call *call, ms_unit_fn fn, struct messages_work *work,
                                  mastra_message_list **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status;

    work->wanted = ret || (call->answer && !call->unread);
    status = ms_transact(call, fn, work, &arena);
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_message_list *)work->list, ret);
    }
    return status;
}

/* Saving. */

static mastra_status check_message(mastra_error *error, mastra_message *message, size_t index)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    char prefix[40];

    if (ms_check_record(NULL, "", entity, message, ms_entity_all(entity)) == MASTRA_OK &&
        message->thread_id.len > 0) {
        return MASTRA_OK;
    }
    if (message->thread_id.len == 0) {
        ms_error_set(error, MASTRA_INVALID_ARGUMENT, "Thread ID is required");
        snprintf(error->field, sizeof error->field, "messages[%zu].threadId", index);
        return ms_call_reason(error, "FAILED", "THIRD_PARTY");
    }
    snprintf(prefix, sizeof prefix, "messages[%zu]", index);
    return ms_check_record(error, prefix, entity, message, ms_entity_all(entity));
}

/* Text with U+0000 in it is no JSON and would end early in some database: it is kept as its JSON literal. */
static mastra_status escape_nul(struct ms_unit *unit, mastra_str *content)
{
    struct ms_buf literal;
    mastra_status status = MASTRA_OK;

    if (!memchr(content->ptr, '\0', content->len)) {
        return MASTRA_OK;
    }
    ms_buf_init(&literal, ms_arena_heap(unit->arena), 0);
    ms_json_put_string(&literal, *content);
    if (literal.failed || !ms_arena_str(unit->arena, ms_buf_view(&literal), content)) {
        status = ms_error_oom(unit->error);
    }
    ms_buf_release(&literal);
    return status;
}

/* A message as it is stored: what the caller left out filled in. Its texts are copied when they go into the answer. */
static mastra_message *filled_in(struct ms_unit *unit, const mastra_message *given, bool wanted)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    mastra_message *message = ms_unit_record(unit, MS_MESSAGE);

    if (!message) {
        return NULL;
    }
    ms_record_copy(entity, message, given);
    if (!message->type.ptr) {
        message->type = mastra_str_of(entity->columns[MS_MESSAGE_TYPE].default_text);
    }
    if (message->created_at == MASTRA_TIME_NONE) {
        message->created_at = unit->call->now;
    }
    if (wanted) {
        message = ms_record_dup(unit->arena, entity, message);
    }
    if (!message) {
        ms_error_oom(unit->error);
        return NULL;
    }
    return escape_nul(unit, &message->content) == MASTRA_OK ? message : NULL;
}

static mastra_status save(struct ms_unit *unit, void *arg)
{
    struct messages_work *work = arg;
    mastra_message **messages = array(unit, work->count, sizeof(void *));
    mastra_str *threads = array(unit, work->count, sizeof *threads);
    mastra_status status = messages && threads ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;

    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        messages[i] = filled_in(unit, work->given[i], work->wanted);
        if (!messages[i]) {
            return MASTRA_OUT_OF_MEMORY;
        }
        threads[i] = messages[i]->thread_id;
        status = ms_unit_put(unit, MS_MESSAGE, messages[i]);
    }
    if (status == MASTRA_OK) {
        status = touch_threads(unit, threads, work->count, true);
    }
    if (status == MASTRA_OK && work->wanted) {
        status = list_of(unit, messages, work->count, &work->list);
    }
    return status;
}

/* An answer without messages costs no transaction. */
static mastra_status no_messages(struct ms_call *call, mastra_message_list **ret)
{
    mastra_page page = {0, 0, MASTRA_PER_PAGE_ALL, false};
    struct ms_arena *arena = ms_arena_new(call->store->heap, 0);
    struct ms_list *list = arena ? ms_list_new(arena, NULL, 0, page) : NULL;
    mastra_status status = list ? ms_call_answer(call, list) : ms_error_oom(&call->error);

    if (status == MASTRA_OK && ret) {
        *ret = (mastra_message_list *)list;
    } else {
        ms_arena_free(arena);
    }
    return status;
}

mastra_status ms_save_messages(struct ms_call *call, const mastra_message *const *messages, size_t count,
                               mastra_message_list **ret)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    struct messages_work work = {.given = messages, .count = count};

    if (count == 0) {
        return no_messages(call, ret);
    }
    for (size_t i = 0; i < count; i++) {
        mastra_message message;

        if (!messages || !messages[i]) {
            return ms_error_argument(&call->error, "messages", mastra_str_of(NULL), "must not hold NULL");
        }
        ms_record_copy(entity, &message, messages[i]);
        if (check_message(&call->error, &message, i) != MASTRA_OK) {
            return call->error.status;
        }
    }
    return run_messages(call, save, &work, ret);
}

/* Changing. */

static mastra_status check_patch(mastra_error *error, const mastra_message_patch *patch, size_t index)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    mastra_message values;
    char prefix[40];

    snprintf(prefix, sizeof prefix, "messages[%zu]", index);
    ms_record_copy(entity, &values, &patch->values);
    if (patch->set & MASTRA_MESSAGE_SET_THREAD_ID && values.thread_id.len == 0) {
        snprintf(prefix, sizeof prefix, "messages[%zu].threadId", index);
        return ms_error_argument(error, prefix, values.thread_id, "must not be empty");
    }
    return ms_check_record(error, prefix, entity, &values,
                           (patch->set & ms_entity_all(entity)) | MS_BIT(MS_MESSAGE_ID));
}

struct change {
    mastra_message *message; /* as it is stored, then as it will be */
    size_t place;            /* in the total order before the change */
    uint64_t columns;
};

static int compare_changes(const void *a, const void *b)
{
    return ms_str_compare(((const struct change *)a)->message->id, ((const struct change *)b)->message->id);
}

static struct change *find_change(struct change *changes, size_t count, mastra_str id)
{
    mastra_message key = {.id = id};
    struct change wanted = {.message = &key};

    return count > 0 ? bsearch(&wanted, changes, count, sizeof *changes, compare_changes) : NULL;
}

static uint64_t changed_columns(const mastra_message_patch *patch)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);

    return patch->set & ms_entity_all(entity) & ~ms_entity_keys(entity);
}

/* Lays one patch over a message. */
static mastra_status change_message(struct ms_unit *unit, struct change *change, mastra_str unset,
                                    const mastra_message_patch *patch)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    uint64_t columns = changed_columns(patch);
    mastra_status status = MASTRA_OK;
    mastra_message values;

    ms_record_copy(entity, &values, &patch->values);
    for (int i = 0; i < entity->column_count && status == MASTRA_OK; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i))) {
            continue;
        }
        if (i == MS_MESSAGE_CONTENT) {
            status = ms_merge_content(unit, change->message->content, unset, values.content,
                                      &change->message->content);
            if (status == MASTRA_OK) {
                status = escape_nul(unit, &change->message->content);
            }
        } else if (column->type == MS_TIMESTAMP) {
            *ms_field_time(column, change->message) = *ms_field_time(column, &values);
        } else if (!ms_arena_str(unit->arena, *ms_field_str(column, &values),
                                 ms_field_str(column, change->message))) {
            status = ms_error_oom(unit->error);
        }
    }
    change->columns |= columns;
    return status;
}

/* Optional columns that are to become null take what stands in for them. */
static void settle(struct change *change, mastra_time now)
{
    if (!change->message->type.ptr) {
        change->message->type = mastra_str_of(ms_entity(MS_MESSAGE)->columns[MS_MESSAGE_TYPE].default_text);
    }
    if (change->message->created_at == MASTRA_TIME_NONE) {
        change->message->created_at = now;
    }
}

static mastra_status read_changes(struct ms_unit *unit, const struct messages_work *work, struct change **ret,
                                  size_t *ret_count)
{
    mastra_str *ids = array(unit, work->count, sizeof *ids);
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    struct change *changes;
    mastra_status status;

    if (!ids) {
        return MASTRA_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < work->count; i++) {
        ids[i] = work->patches[i]->values.id;
    }
    ms_query_init(&query, MS_MESSAGE);
    ms_query_any_of(&query, MS_MESSAGE_ID, ids, work->count);
    query.lock = true;
    status = ms_unit_list(unit, &query, &rows);
    changes = status == MASTRA_OK ? array(unit, rows.count, sizeof *changes) : NULL;
    if (!changes) {
        return unit->error->status;
    }
    for (size_t i = 0; i < rows.count; i++) {
        changes[i].message = rows.items[i];
        changes[i].place = i;
    }
    qsort(changes, rows.count, sizeof *changes, compare_changes);
    *ret = changes;
    *ret_count = rows.count;
    return MASTRA_OK;
}

/* Writes what has changed; `threads` has room for two of each change. */
static mastra_status write_changes(struct ms_unit *unit, struct change *changes, size_t count,
                                   mastra_str *threads, size_t thread_count)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        if (changes[i].columns != 0) {
            settle(&changes[i], unit->call->now);
            threads[thread_count++] = changes[i].message->thread_id;
            status = ms_unit_patch(unit, MS_MESSAGE, changes[i].message, changes[i].columns);
        }
    }
    return status == MASTRA_OK ? touch_threads(unit, threads, thread_count, false) : status;
}

static mastra_status update(struct ms_unit *unit, void *arg)
{
    struct messages_work *work = arg;
    struct change *changes = NULL;
    size_t count = 0;
    size_t thread_count = 0;
    mastra_status status = read_changes(unit, work, &changes, &count);
    mastra_str *threads = status == MASTRA_OK ? array(unit, work->count + count, sizeof *threads) : NULL;
    mastra_message **messages = threads ? array(unit, count, sizeof(void *)) : NULL;

    if (!messages) {
        return unit->error->status;
    }
    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        struct change *change = find_change(changes, count, work->patches[i]->values.id);

        if (change && changed_columns(work->patches[i])) {
            mastra_str unset =
                work->unset.ptr ? ms_json_member(work->unset, change->message->id) : work->unset;

            threads[thread_count++] = change->message->thread_id;
            status = change_message(unit, change, unset, work->patches[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        messages[changes[i].place] = changes[i].message;
    }
    if (status == MASTRA_OK) {
        status = write_changes(unit, changes, count, threads, thread_count);
    }
    return status == MASTRA_OK ? list_of(unit, messages, count, &work->list) : status;
}

/* Names of members of metadata by message. */
static mastra_status check_unset(mastra_error *error, mastra_str text, mastra_str *ret)
{
    struct ms_json_iter iter;
    mastra_str names;
    mastra_status status = ms_check_json(error, "unset", text, true, ret);

    ms_json_iter_init(&iter, *ret);
    while (status == MASTRA_OK && ms_json_next(&iter, NULL, &names)) {
        mastra_str checked = {NULL, 0};

        status = ms_check_names(error, "unset", names, &checked);
    }
    return status;
}

mastra_status ms_update_messages(struct ms_call *call, const mastra_message_patch *const *patches,
                                 size_t count, mastra_str unset, mastra_message_list **ret)
{
    struct messages_work work = {.patches = patches, .count = count};

    if (count == 0) {
        return no_messages(call, ret);
    }
    for (size_t i = 0; i < count; i++) {
        if (!patches || !patches[i]) {
            return ms_error_argument(&call->error, "messages", mastra_str_of(NULL), "must not hold NULL");
        }
        if (check_patch(&call->error, patches[i], i) != MASTRA_OK) {
            return call->error.status;
        }
    }
    if (check_unset(&call->error, unset, &work.unset) != MASTRA_OK) {
        return call->error.status;
    }
    return run_messages(call, update, &work, ret);
}

/* Deleting. */

static mastra_status erase(struct ms_unit *unit, void *arg)
{
    const struct messages_work *work = arg;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_str *threads;
    mastra_status status;

    ms_query_init(&query, MS_MESSAGE);
    query.columns = MS_BIT(MS_MESSAGE_ID) | MS_BIT(MS_MESSAGE_THREAD_ID);
    query.lock = true;
    ms_query_any_of(&query, MS_MESSAGE_ID, work->ids, work->count);
    status = ms_unit_list(unit, &query, &rows);
    threads = status == MASTRA_OK ? array(unit, rows.count, sizeof *threads) : NULL;
    if (!threads) {
        return unit->error->status;
    }
    for (size_t i = 0; i < rows.count && status == MASTRA_OK; i++) {
        const mastra_message *message = rows.items[i];

        threads[i] = message->thread_id;
        status = ms_unit_erase(unit, MS_MESSAGE, &message->id);
    }
    return status == MASTRA_OK ? touch_threads(unit, threads, rows.count, false) : status;
}

mastra_status ms_delete_messages(struct ms_call *call, const mastra_str *ids, size_t count)
{
    struct messages_work work = {.ids = ids, .count = count};
    mastra_status status = ms_check_ids(&call->error, "messageIds", ids, count);

    if (status != MASTRA_OK || count == 0) {
        return status;
    }
    return ms_transact(call, erase, &work, NULL);
}
