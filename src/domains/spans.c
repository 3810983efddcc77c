/* Writing spans, reading and deleting traces. */
#include "domains/spans.h"

#include "domains/check.h"
#include "domains/listing.h"

#include "base/error.h"
#include "store/store.h"

#include <stdio.h>

#define PREFIX_SIZE 40

/* A row that is to be written: all of it, or some columns. */
struct row {
    mastra_span span;
    uint64_t columns;
};

struct write_work {
    struct row *rows;
    size_t count;
};

/* Rows that outlive the unit, however often it runs; to be freed with *ret_arena. */
static struct row *rows_new(struct ms_call *call, size_t count, struct ms_arena **ret_arena)
{
    struct ms_arena *arena = ms_arena_new(call->store->heap, 0);
    struct row *rows =
        arena && count < SIZE_MAX / sizeof *rows ? ms_arena_alloc(arena, count * sizeof *rows) : NULL;

    if (!rows) {
        ms_arena_free(arena);
        ms_error_oom(&call->error);
        return NULL;
    }
    *ret_arena = arena;
    return rows;
}

/* "records[3]" and what follows it, or the latter alone when there is one record only. */
static void name_record(char out[PREFIX_SIZE], bool alone, size_t index, const char *member)
{
    if (alone) {
        snprintf(out, PREFIX_SIZE, "%s", member);
    } else {
        snprintf(out, PREFIX_SIZE, "records[%zu]%s%s", index, member[0] ? "." : "", member);
    }
}

/* Creating. */

static mastra_status create(struct ms_unit *unit, void *arg)
{
    struct write_work *work = arg;
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        status = ms_unit_put(unit, MS_SPAN, &work->rows[i].span);
    }
    return status;
}

static mastra_status check_new(struct ms_call *call, bool alone, size_t index, const mastra_span *given,
                               struct row *row)
{
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    char prefix[PREFIX_SIZE];

    name_record(prefix, alone, index, alone ? "span" : "");
    if (!given) {
        return ms_error_argument(&call->error, prefix, mastra_str_of(NULL), "is required");
    }
    ms_record_copy(entity, &row->span, given);
    row->span.created_at = call->now;
    row->span.updated_at = call->now;
    return ms_check_record(&call->error, prefix, entity, &row->span, ms_entity_all(entity));
}

static mastra_status create_all(struct ms_call *call, bool alone, const mastra_span *const *spans,
                                size_t count)
{
    struct write_work work = {.count = count};
    struct ms_arena *arena = NULL;
    mastra_status status = MASTRA_OK;

    if (count == 0) {
        return MASTRA_OK;
    }
    if (!spans) {
        return ms_error_argument(&call->error, "records", mastra_str_of(NULL), "must not be NULL");
    }
    work.rows = rows_new(call, count, &arena);
    if (!work.rows) {
        return MASTRA_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        status = check_new(call, alone, i, spans[i], &work.rows[i]);
    }
    if (status == MASTRA_OK) {
        status = ms_transact(call, create, &work, NULL);
    }
    ms_arena_free(arena);
    return status;
}

mastra_status ms_create_span(struct ms_call *call, const mastra_span *span)
{
    return create_all(call, true, &span, 1);
}

mastra_status ms_batch_create_spans(struct ms_call *call, const mastra_span *const *spans, size_t count)
{
    return create_all(call, false, spans, count);
}

/* Changing. */

static mastra_status update(struct ms_unit *unit, void *arg)
{
    struct write_work *work = arg;
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        status = ms_unit_patch(unit, MS_SPAN, &work->rows[i].span, work->rows[i].columns);
    }
    return status;
}

static mastra_status check_key_of(mastra_error *error, bool alone, size_t index, const mastra_span *span)
{
    char field[PREFIX_SIZE];
    mastra_status status;

    name_record(field, alone, index, "traceId");
    status = ms_check_sought(error, field, span->trace_id);
    if (status != MASTRA_OK) {
        return status;
    }
    name_record(field, alone, index, "spanId");
    return ms_check_sought(error, field, span->span_id);
}

/* Neither the key nor the two times that the store keeps by itself can be set. */
static mastra_status check_patch(struct ms_call *call, bool alone, size_t index,
                                 const mastra_span_patch *given, struct row *row)
{
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    uint64_t fixed = ms_entity_keys(entity) | MASTRA_SPAN_SET_CREATED_AT | MASTRA_SPAN_SET_UPDATED_AT;
    char prefix[PREFIX_SIZE];

    if (!given) {
        name_record(prefix, alone, index, alone ? "patch" : "");
        return ms_error_argument(&call->error, prefix, mastra_str_of(NULL), "is required");
    }
    ms_record_copy(entity, &row->span, &given->values);
    row->columns = given->set & ms_entity_all(entity) & ~fixed;
    if (check_key_of(&call->error, alone, index, &row->span) != MASTRA_OK) {
        return call->error.status;
    }
    name_record(prefix, alone, index, "updates");
    if (ms_check_record(&call->error, prefix, entity, &row->span, row->columns) != MASTRA_OK) {
        return call->error.status;
    }
    row->span.updated_at = call->now;
    row->columns |= MASTRA_SPAN_SET_UPDATED_AT;
    return MASTRA_OK;
}

static mastra_status update_all(struct ms_call *call, bool alone, const mastra_span_patch *const *patches,
                                size_t count)
{
    struct write_work work = {.count = count};
    struct ms_arena *arena = NULL;
    mastra_status status = MASTRA_OK;

    if (count == 0) {
        return MASTRA_OK;
    }
    if (!patches) {
        return ms_error_argument(&call->error, "records", mastra_str_of(NULL), "must not be NULL");
    }
    work.rows = rows_new(call, count, &arena);
    if (!work.rows) {
        return MASTRA_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        status = check_patch(call, alone, i, patches[i], &work.rows[i]);
    }
    if (status == MASTRA_OK) {
        status = ms_transact(call, update, &work, NULL);
    }
    ms_arena_free(arena);
    return status;
}

mastra_status ms_update_span(struct ms_call *call, const mastra_span_patch *patch)
{
    return update_all(call, true, &patch, 1);
}

mastra_status ms_batch_update_spans(struct ms_call *call, const mastra_span_patch *const *patches,
                                    size_t count)
{
    return update_all(call, false, patches, count);
}

/* Reading. */

struct read_work {
    mastra_str key[2]; /* of the trace, of the span */
    mastra_span *span;
};

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct read_work *work = arg;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_SPAN, work->key, false, &found);

    work->span = found;
    return status;
}

static mastra_status get_root(struct ms_unit *unit, void *arg)
{
    struct read_work *work = arg;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    ms_query_init(&query, MS_SPAN);
    ms_query_equal(&query, MS_SPAN_TRACE_ID, work->key[0]);
    ms_query_null(&query, MS_SPAN_PARENT_SPAN_ID, true);
    query.limit = 1;
    status = ms_unit_list(unit, &query, &rows);
    work->span = status == MASTRA_OK && rows.count > 0 ? rows.items[0] : NULL;
    return status;
}

static mastra_status read_span(struct ms_call *call, ms_unit_fn fn, struct read_work *work, mastra_span **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_read(call, fn == get ? MS_READ_ROW : MS_READ_ONE, fn, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work->span, ret);
    }
    return status;
}

mastra_status ms_get_span(struct ms_call *call, mastra_str trace_id, mastra_str span_id, mastra_span **ret)
{
    struct read_work work = {.key = {trace_id, span_id}};
    mastra_status status = ms_check_sought(&call->error, "traceId", trace_id);

    if (status == MASTRA_OK) {
        status = ms_check_sought(&call->error, "spanId", span_id);
    }
    return status == MASTRA_OK ? read_span(call, get, &work, ret) : status;
}

mastra_status ms_get_root_span(struct ms_call *call, mastra_str trace_id, mastra_span **ret)
{
    struct read_work work = {.key = {trace_id}};
    mastra_status status = ms_check_sought(&call->error, "traceId", trace_id);

    return status == MASTRA_OK ? read_span(call, get_root, &work, ret) : status;
}

static mastra_status read_trace(struct ms_call *call, mastra_str trace_id, uint64_t without,
                                mastra_span_list **ret)
{
    struct ms_listing work = {.paging = {.per_page = MASTRA_PER_PAGE_ALL}};
    struct ms_arena *arena = NULL;
    mastra_span_list *spans;
    mastra_status status = ms_check_sought(&call->error, "traceId", trace_id);

    if (status != MASTRA_OK) {
        return status;
    }
    ms_query_init(&work.query, MS_SPAN);
    ms_query_equal(&work.query, MS_SPAN_TRACE_ID, trace_id);
    work.query.columns &= ~without;
    status = ms_listing_run(call, &work, &arena);
    if (status == MASTRA_OK) {
        spans = work.list->count > 0 ? (mastra_span_list *)work.list : NULL;
        MS_HAND_OVER(arena, spans, ret);
    }
    return status;
}

mastra_status ms_get_trace(struct ms_call *call, mastra_str trace_id, mastra_span_list **ret)
{
    return read_trace(call, trace_id, 0, ret);
}

mastra_status ms_get_trace_light(struct ms_call *call, mastra_str trace_id, mastra_span_list **ret)
{
    return read_trace(call, trace_id, MS_SPAN_HEAVY, ret);
}

/* Deleting. */

struct delete_work {
    const mastra_str *ids;
    size_t count;
    const struct ms_trace_scope *scope; /* NULL: none */
};

static struct ms_query *spans_of(struct ms_unit *unit, const mastra_str *ids, size_t count)
{
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);

    if (!query) {
        ms_error_oom(unit->error);
        return NULL;
    }
    ms_query_init(query, MS_SPAN);
    ms_query_any_of(query, MS_SPAN_TRACE_ID, ids, count);
    return query;
}

/* Leaves of the traces those whose root is within the scope. That a span is a root is looked at here: asked for it, a
 * database may well go through the roots of all traces. */
static mastra_status narrow(struct ms_unit *unit, const struct delete_work *work, struct delete_work *ret)
{
    struct ms_query *query = spans_of(unit, work->ids, work->count);
    struct ms_rows spans = {NULL, 0};
    mastra_str *ids;
    size_t count = 0;
    mastra_status status;

    if (!query) {
        return MASTRA_OUT_OF_MEMORY;
    }
    query->columns = MS_BIT(MS_SPAN_TRACE_ID) | MS_BIT(MS_SPAN_PARENT_SPAN_ID);
    query->lock = true;
    if (work->scope->organization_id.ptr) {
        ms_query_equal(query, MS_SPAN_ORGANIZATION_ID, work->scope->organization_id);
    }
    if (work->scope->resource_id.ptr) {
        ms_query_equal(query, MS_SPAN_RESOURCE_ID, work->scope->resource_id);
    }
    status = ms_unit_list(unit, query, &spans);
    if (status != MASTRA_OK) {
        return status;
    }
    ids = ms_arena_alloc(unit->arena, (spans.count + 1) * sizeof *ids);
    if (!ids) {
        return ms_error_oom(unit->error);
    }
    for (size_t i = 0; i < spans.count; i++) {
        const mastra_span *span = spans.items[i];

        if (!span->parent_span_id.ptr) {
            ids[count++] = span->trace_id;
        }
    }
    ret->ids = ids;
    ret->count = ms_distinct(ids, count);
    return MASTRA_OK;
}

static mastra_status erase(struct ms_unit *unit, void *arg)
{
    const struct delete_work *work = arg;
    struct delete_work rest = *work;
    struct ms_query *query;
    mastra_status status = work->scope ? narrow(unit, work, &rest) : MASTRA_OK;

    if (status != MASTRA_OK || rest.count == 0) {
        return status;
    }
    query = spans_of(unit, rest.ids, rest.count);
    return query ? ms_unit_erase_all(unit, query) : MASTRA_OUT_OF_MEMORY;
}

mastra_status ms_batch_delete_traces(struct ms_call *call, const mastra_str *trace_ids, size_t count,
                                     const struct ms_trace_scope *scope)
{
    struct delete_work work = {.ids = trace_ids, .count = count};
    mastra_status status = ms_check_ids(&call->error, "traceIds", trace_ids, count);

    if (status == MASTRA_OK && scope) {
        status = ms_check_text(&call->error, "organizationId", scope->organization_id);
    }
    if (status == MASTRA_OK && scope) {
        status = ms_check_text(&call->error, "resourceId", scope->resource_id);
    }
    if (status != MASTRA_OK || count == 0) {
        return status;
    }
    if (scope && (scope->organization_id.ptr || scope->resource_id.ptr)) {
        work.scope = scope;
    }
    return ms_transact(call, erase, &work, NULL);
}
