/* Listing messages: pages, filters, and windows around included messages. */
#include "domains/check.h"
#include "domains/listing.h"
#include "domains/memory.h"

#include "base/error.h"

#include <stdio.h>

#define MESSAGES_PER_PAGE 40

struct message_list_work {
    mastra_list_messages_args args;
    struct ms_query query; /* filters and order */
    struct ms_paging paging;
    bool by_resource;
    bool filtered; /* by metadata */
    struct ms_list *list;
};

/* Checks. */

static mastra_status refuse_filter(mastra_error *error, const char *what, mastra_str raw_key,
                                   const char *rule)
{
    ms_error_set(error, MASTRA_INVALID_ARGUMENT, "Invalid metadata filter %s \"%.*s\".%s", what,
                 (int)raw_key.len - 2, raw_key.ptr + 1, rule);
    ms_error_copy(error->field, sizeof error->field, mastra_str_of("filter.metadata"));
    return MASTRA_INVALID_ARGUMENT;
}

static mastra_status check_filter(mastra_error *error, mastra_str filter)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    ms_json_iter_init(&iter, filter);
    while (ms_json_next(&iter, &key, &value)) {
        enum ms_json_kind kind = ms_json_kind(value);

        if (ms_check_key(key) != MS_KEY_FINE) {
            return refuse_filter(error, "key", key, "");
        }
        if (kind == MS_JSON_ARRAY || kind == MS_JSON_OBJECT) {
            return refuse_filter(error, "value for key", key,
                                 " Values must be string, finite number, boolean, or null.");
        }
    }
    return MASTRA_OK;
}

static mastra_status add_filter(mastra_error *error, struct message_list_work *work)
{
    mastra_str filter;
    mastra_status status = ms_check_json(error, "filter.metadata", work->args.metadata, false, &filter);

    if (status != MASTRA_OK || !filter.ptr) {
        return status;
    }
    if (ms_json_kind(filter) != MS_JSON_OBJECT) {
        ms_error_set(error, MASTRA_INVALID_ARGUMENT, "Metadata filter must be an object.");
        ms_error_copy(error->field, sizeof error->field, mastra_str_of("filter.metadata"));
        return MASTRA_INVALID_ARGUMENT;
    }
    status = check_filter(error, filter);
    if (status == MASTRA_OK && ms_json_count(filter) > 0) {
        ms_query_has(&work->query, MS_MESSAGE_CONTENT, "metadata", filter);
        work->filtered = true;
    }
    return status;
}

static mastra_status check_threads(mastra_error *error, const mastra_list_messages_args *args)
{
    bool fine = args->thread_ids && args->thread_id_count > 0;

    for (size_t i = 0; fine && i < args->thread_id_count; i++) {
        fine = !ms_is_blank(args->thread_ids[i]);
    }
    if (!fine) {
        ms_error_set(error, MASTRA_INVALID_ARGUMENT,
                     "threadId must be a non-empty string or array of non-empty strings");
        ms_error_copy(error->field, sizeof error->field, mastra_str_of("threadId"));
        return ms_call_reason(error, "INVALID_THREAD_ID", "THIRD_PARTY");
    }
    return ms_check_ids(error, "threadId", args->thread_ids, args->thread_id_count);
}

static mastra_status check_resource(mastra_error *error, mastra_str resource_id)
{
    if (!ms_is_blank(resource_id)) {
        return MASTRA_OK;
    }
    ms_error_set(error, MASTRA_INVALID_ARGUMENT, "resourceId is required");
    ms_error_copy(error->field, sizeof error->field, mastra_str_of("resourceId"));
    return ms_call_reason(error, "INVALID_QUERY", "USER");
}

static mastra_status check_include(mastra_error *error, const mastra_list_messages_args *args)
{
    char field[40];

    if (!args->include && args->include_count > 0) {
        return ms_error_argument(error, "include", mastra_str_of(NULL), "must not be NULL");
    }
    for (size_t i = 0; i < args->include_count; i++) {
        snprintf(field, sizeof field, "include[%zu].id", i);
        if (ms_check_sought(error, field, args->include[i] ? args->include[i]->id : mastra_str_of(NULL)) !=
            MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
    }
    return MASTRA_OK;
}

static void add_ranges(struct message_list_work *work)
{
    const mastra_list_messages_args *args = &work->args;

    if (args->resource_id.len > 0) {
        ms_query_equal(&work->query, MS_MESSAGE_RESOURCE_ID, args->resource_id);
    }
    ms_query_range(&work->query, MS_MESSAGE_CREATED_AT, args->start_date, args->start_exclusive,
                   args->end_date, args->end_exclusive);
}

static mastra_status prepare(mastra_error *error, struct message_list_work *work)
{
    const mastra_list_messages_args *args = &work->args;
    mastra_status status =
        work->by_resource ? check_resource(error, args->resource_id) : check_threads(error, args);

    ms_query_init(&work->query, MS_MESSAGE);
    work->query.descending = args->direction == MASTRA_DESCENDING;
    if (status == MASTRA_OK && !work->by_resource) {
        ms_query_any_of(&work->query, MS_MESSAGE_THREAD_ID, args->thread_ids, args->thread_id_count);
    }
    if (status == MASTRA_OK) {
        status = ms_check_text(error, "resourceId", args->resource_id);
    }
    if (status == MASTRA_OK) {
        status = ms_paging_of(error, args->page, args->per_page, MESSAGES_PER_PAGE, &work->paging);
    }
    if (status == MASTRA_OK) {
        status = check_include(error, args);
    }
    if (status == MASTRA_OK) {
        add_ranges(work);
        status = add_filter(error, work);
    }
    ms_paging_apply(&work->paging, &work->query);
    return status;
}

/* The page. */

/* Without a total one row more than asked for tells whether there is another page. */
static mastra_status read_untotalled(struct ms_unit *unit, struct message_list_work *work,
                                     struct ms_rows *rows, mastra_page *page)
{
    bool all = work->query.limit == MS_NO_LIMIT;
    int64_t asked = work->query.limit;
    mastra_status status;

    work->query.limit = all ? MS_NO_LIMIT : asked + 1;
    status = ms_unit_list(unit, &work->query, rows);
    work->query.limit = asked;
    if (status != MASTRA_OK) {
        return status;
    }
    *page = ms_paging_answer(&work->paging, 0);
    page->has_more = !all && (int64_t)rows->count > asked;
    rows->count -= page->has_more;
    page->total = work->paging.offset + (int64_t)rows->count;
    return MASTRA_OK;
}

/* A page of no messages is not worth a query; what is included may still be wanted. */
static mastra_status read_page(struct ms_unit *unit, struct message_list_work *work, struct ms_rows *rows,
                               mastra_page *page)
{
    if (work->paging.per_page == 0) {
        *page = ms_paging_answer(&work->paging, 0);
        return MASTRA_OK;
    }
    if (work->args.skip_total) {
        return read_untotalled(unit, work, rows, page);
    }
    return ms_page_read(unit, &work->query, &work->paging, rows, page);
}

/* Included messages. */

struct id_set {
    mastra_str *ids;
    size_t count;
    size_t room;
};

static mastra_status add_ids(struct ms_unit *unit, struct id_set *set, const struct ms_rows *rows)
{
    if (set->count + rows->count > set->room) {
        size_t room = (set->count + rows->count) * 2;
        mastra_str *grown = ms_arena_alloc(unit->arena, room * sizeof *grown);

        if (!grown) {
            return ms_error_oom(unit->error);
        }
        if (set->count > 0) {
            memcpy(grown, set->ids, set->count * sizeof *grown);
        }
        set->ids = grown;
        set->room = room;
    }
    for (size_t i = 0; i < rows->count; i++) {
        set->ids[set->count++] = ((const mastra_message *)rows->items[i])->id;
    }
    return MASTRA_OK;
}

/* One side of the window around a message, in its own thread. */
static mastra_status read_side(struct ms_unit *unit, const struct message_list_work *work,
                               const mastra_message *target, enum ms_side side, int64_t limit,
                               struct id_set *set)
{
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    if (limit <= 0) {
        return MASTRA_OK;
    }
    ms_query_init(&query, MS_MESSAGE);
    query.columns = MS_BIT(MS_MESSAGE_ID);
    query.side = side;
    query.anchor[0] = target->id;
    query.descending = side == MS_SIDE_UP_TO;
    query.limit = limit;
    ms_query_equal(&query, MS_MESSAGE_THREAD_ID, target->thread_id);
    if (work->args.resource_id.len > 0) {
        ms_query_equal(&query, MS_MESSAGE_RESOURCE_ID, work->args.resource_id);
    }
    status = ms_unit_list(unit, &query, &rows);
    return status == MASTRA_OK ? add_ids(unit, set, &rows) : status;
}

static mastra_status read_window(struct ms_unit *unit, const struct message_list_work *work,
                                 const mastra_include *include, struct id_set *set)
{
    const mastra_str wanted = work->args.resource_id;
    int64_t previous = include->with_previous > 0 ? include->with_previous : 0;
    const mastra_message *target;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_MESSAGE, &include->id, false, &found);

    target = found;
    if (status != MASTRA_OK || !target) {
        return status;
    }
    if (wanted.len > 0 && ms_str_compare(target->resource_id, wanted) != 0) {
        return MASTRA_OK;
    }
    /* The target itself belongs to this side. */
    status =
        read_side(unit, work, target, MS_SIDE_UP_TO, previous < INT64_MAX ? previous + 1 : previous, set);
    return status == MASTRA_OK ? read_side(unit, work, target, MS_SIDE_AFTER, include->with_next, set)
                               : status;
}

/* Replaces the page's rows by those of page and windows together, each once, in the list's total order: the database
 * puts them in order, as it alone knows the order of equal times. */
static mastra_status add_included(struct ms_unit *unit, const struct message_list_work *work,
                                  struct ms_rows *rows)
{
    struct id_set set = {NULL, 0, 0};
    struct ms_query query;
    mastra_status status = add_ids(unit, &set, rows);

    for (size_t i = 0; i < work->args.include_count && status == MASTRA_OK; i++) {
        status = read_window(unit, work, work->args.include[i], &set);
    }
    set.count = ms_distinct(set.ids, set.count);
    if (status != MASTRA_OK || set.count == 0) {
        return status;
    }
    ms_query_init(&query, MS_MESSAGE);
    query.descending = work->query.descending;
    ms_query_any_of(&query, MS_MESSAGE_ID, set.ids, set.count);
    return ms_unit_list(unit, &query, rows);
}

static bool in_threads(const struct message_list_work *work, const mastra_message *message)
{
    for (size_t i = 0; i < work->args.thread_id_count; i++) {
        if (ms_str_compare(work->args.thread_ids[i], message->thread_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Nothing lies beyond the page when included messages have already brought all the rest of the threads. */
static bool all_present(const struct message_list_work *work, const struct ms_rows *rows, int64_t total)
{
    int64_t present = 0;

    for (size_t i = 0; i < rows->count; i++) {
        present += in_threads(work, rows->items[i]);
    }
    return present >= total;
}

static mastra_status list(struct ms_unit *unit, void *arg)
{
    struct message_list_work *work = arg;
    bool includes = work->args.include_count > 0;
    struct ms_rows rows = {NULL, 0};
    mastra_page page;
    mastra_status status;

    work->query.columns = includes ? MS_BIT(MS_MESSAGE_ID) : ms_entity_all(work->query.entity);
    status = read_page(unit, work, &rows, &page);
    if (status == MASTRA_OK && includes) {
        status = add_included(unit, work, &rows);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    if (includes && page.has_more && !work->by_resource && !work->filtered && !work->args.skip_total) {
        page.has_more = !all_present(work, &rows, page.total);
    }
    work->list = ms_list_new(unit->arena, rows.items, rows.count, page);
    return work->list ? MASTRA_OK : ms_error_oom(unit->error);
}

static mastra_status run(struct ms_call *call, enum ms_read_mode mode, ms_unit_fn fn,
                         struct message_list_work *work, mastra_message_list **ret)
{
    struct ms_arena *arena = NULL; /* the list's own */
    mastra_status status = ms_read(call, mode, fn, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_message_list *)work->list, ret);
    }
    return status;
}

static mastra_status list_messages(struct ms_call *call, const mastra_list_messages_args *given,
                                   bool by_resource, mastra_message_list **ret)
{
    struct message_list_work work = {.args = MASTRA_LIST_MESSAGES_INIT, .by_resource = by_resource};
    mastra_status status;

    if (given) {
        memcpy(&work.args, given, given->size < sizeof work.args ? given->size : sizeof work.args);
    }
    status = prepare(&call->error, &work);
    if (status != MASTRA_OK) {
        return status;
    }
    return run(call, work.args.include_count > 0 ? MS_READ_SNAPSHOT : ms_page_mode(call, &work.query), list,
               &work, ret);
}

mastra_status ms_list_messages(struct ms_call *call, const mastra_list_messages_args *args,
                               mastra_message_list **ret)
{
    return list_messages(call, args, false, ret);
}

mastra_status ms_list_messages_by_resource_id(struct ms_call *call, const mastra_list_messages_args *args,
                                              mastra_message_list **ret)
{
    return list_messages(call, args, true, ret);
}

/* By id. */

static mastra_status list_by_id(struct ms_unit *unit, void *arg)
{
    struct message_list_work *work = arg;
    struct ms_rows rows = {NULL, 0};
    mastra_page page = {0, 0, MASTRA_PER_PAGE_ALL, false};
    mastra_status status = ms_unit_list(unit, &work->query, &rows);

    if (status != MASTRA_OK) {
        return status;
    }
    page.total = (int64_t)rows.count;
    work->list = ms_list_new(unit->arena, rows.items, rows.count, page);
    return work->list ? MASTRA_OK : ms_error_oom(unit->error);
}

mastra_status ms_list_messages_by_id(struct ms_call *call, const mastra_str *ids, size_t count,
                                     mastra_message_list **ret)
{
    struct message_list_work work = {.args = MASTRA_LIST_MESSAGES_INIT};
    mastra_status status = ms_check_ids(&call->error, "messageIds", ids, count);

    if (status != MASTRA_OK) {
        return status;
    }
    ms_query_init(&work.query, MS_MESSAGE);
    ms_query_any_of(&work.query, MS_MESSAGE_ID, ids, count);
    return run(call, MS_READ_ONE, list_by_id, &work, ret);
}
