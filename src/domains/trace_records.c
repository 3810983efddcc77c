/* Traces of Mastra 0.x. */
#include "domains/check.h"
#include "domains/evals.h"
#include "domains/listing.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

#include <stdio.h>

#define FIELD_SIZE 64

/* batchTraceInsert */

struct batch {
    const mastra_trace_record *const *given;
    size_t count;
};

static mastra_status check_trace(mastra_error *error, mastra_trace_record *record, size_t index)
{
    const struct ms_entity *entity = ms_entity(MS_TRACE);
    char prefix[FIELD_SIZE];

    snprintf(prefix, sizeof prefix, "records[%zu]", index);
    return ms_check_record(error, prefix, entity, record, ms_entity_all(entity));
}

/* The records were checked: checking again only takes the space off their JSON. */
static mastra_status put_all(struct ms_unit *unit, void *arg)
{
    struct batch *batch = arg;
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < batch->count && status == MASTRA_OK; i++) {
        mastra_trace_record *record = ms_unit_record(unit, MS_TRACE);

        if (!record) {
            return MASTRA_OUT_OF_MEMORY;
        }
        ms_record_copy(ms_entity(MS_TRACE), record, batch->given[i]);
        if (record->created_at == MASTRA_TIME_NONE) {
            record->created_at = unit->call->now;
        }
        status = check_trace(unit->error, record, i);
        if (status == MASTRA_OK) {
            status = ms_unit_put(unit, MS_TRACE, record);
        }
    }
    return status;
}

mastra_status ms_batch_trace_insert(struct ms_call *call, const mastra_trace_record *const *records,
                                    size_t count)
{
    struct batch batch = {records, count};

    for (size_t i = 0; i < count; i++) {
        mastra_trace_record record;

        if (!records || !records[i]) {
            return ms_error_argument(&call->error, "records", mastra_str_of(NULL), "must not hold NULL");
        }
        ms_record_copy(ms_entity(MS_TRACE), &record, records[i]);
        if (check_trace(&call->error, &record, i) != MASTRA_OK) {
            return call->error.status;
        }
    }
    return count > 0 ? ms_transact(call, put_all, &batch, NULL) : MASTRA_OK;
}

/* getTraces */

static void match_none(struct ms_query *query, uint8_t column)
{
    ms_query_any_of(query, column, NULL, 0);
}

/* A number, or a text that is one. */
static void match_integer(struct ms_query *query, uint8_t column, mastra_str text)
{
    mastra_str value;
    int64_t number;

    if (ms_json_check(text, &value, NULL) && ms_json_kind(value) == MS_JSON_NUMBER &&
        ms_json_int(value, &number)) {
        ms_query_number(query, MS_NUMBER, column, number);
    } else {
        match_none(query, column);
    }
}

static void match_time(struct ms_query *query, uint8_t column, mastra_str text, bool is_number)
{
    mastra_time time;

    if (is_number ? ms_json_int(text, &time) && ms_time_valid(time) : ms_time_parse(text, &time)) {
        ms_query_range(query, column, time, false, time, false);
    } else {
        match_none(query, column);
    }
}

/* What the value says, as text; borrowed when it stands there as it is. */
static bool text_of(mastra_str value, struct ms_arena *arena, mastra_str *ret)
{
    *ret = value;
    return ms_json_kind(value) != MS_JSON_STRING || ms_json_unescape_arena(value, arena, ret, NULL);
}

static mastra_status add_filter(mastra_error *error, struct ms_query *query, uint8_t index, mastra_str value,
                                struct ms_arena *arena)
{
    const struct ms_column *column = &query->entity->columns[index];
    enum ms_json_kind kind = ms_json_kind(value);
    char field[FIELD_SIZE];
    mastra_str text;

    if (kind == MS_JSON_NULL) {
        ms_query_null(query, index, true);
        return MASTRA_OK;
    }
    if (kind != MS_JSON_STRING && kind != MS_JSON_NUMBER) {
        snprintf(field, sizeof field, "filters.%s", column->name);
        return ms_error_argument(error, field, value, "must be a string, a number or null");
    }
    if (!text_of(value, arena, &text)) {
        return ms_error_oom(error);
    }
    if (column->type == MS_INTEGER || column->type == MS_BIGINT) {
        match_integer(query, index, text);
    } else if (column->type == MS_TIMESTAMP) {
        match_time(query, index, text, kind == MS_JSON_NUMBER);
    } else {
        ms_query_equal(query, index, text);
    }
    return MASTRA_OK;
}

/* The number of the column that a raw key names, or -1. */
static int column_of(const struct ms_entity *entity, mastra_str key)
{
    for (int i = 0; i < entity->column_count; i++) {
        if (ms_json_string_equals(key, mastra_str_of(entity->columns[i].name))) {
            return i;
        }
    }
    return -1;
}

static mastra_status refuse_key(mastra_error *error, const char *group, mastra_str key, const char *complaint)
{
    mastra_str name = {key.ptr + 1, key.len - 2};
    char field[FIELD_SIZE];
    int len = snprintf(field, sizeof field, "%s.", group);

    ms_error_copy(field + len, sizeof field - (size_t)len, name);
    return ms_error_argument(error, field, name, complaint);
}

/* Column equality; of repeated members the last counts. */
static mastra_status add_filters(mastra_error *error, struct ms_query *query, mastra_str filters,
                                 struct ms_arena *arena)
{
    mastra_str values[64] = {{NULL, 0}};
    struct ms_json_iter iter;
    mastra_str key, value;
    mastra_status status = MASTRA_OK;

    ms_json_iter_init(&iter, filters);
    while (ms_json_next(&iter, &key, &value)) {
        int index = column_of(query->entity, key);

        if (index < 0) {
            return refuse_key(error, "filters", key, "is not a column of a trace");
        }
        values[index] = value;
    }
    for (uint8_t i = 0; i < query->entity->column_count && status == MASTRA_OK; i++) {
        if (values[i].ptr) {
            status = add_filter(error, query, i, values[i], arena);
        }
    }
    return status;
}

static mastra_status check_attribute_names(mastra_error *error, mastra_str attributes)
{
    struct ms_json_iter iter;
    mastra_str key, value;

    ms_json_iter_init(&iter, attributes);
    while (ms_json_next(&iter, &key, &value)) {
        if (key.len > MS_FILTER_KEY_RAW) {
            return refuse_key(error, "attributes", key, "is too long a name");
        }
    }
    return MASTRA_OK;
}

static mastra_status add_conditions(mastra_error *error, struct ms_query *query,
                                    const mastra_get_traces_args *args, struct ms_arena *arena)
{
    mastra_str attributes, filters;
    mastra_status status = ms_check_text(error, "name", args->name);

    if (status == MASTRA_OK) {
        status = ms_check_text(error, "scope", args->scope);
    }
    if (status == MASTRA_OK) {
        status = ms_check_json(error, "attributes", args->attributes, true, &attributes);
    }
    if (status == MASTRA_OK) {
        status = ms_check_json(error, "filters", args->filters, true, &filters);
    }
    if (status == MASTRA_OK && attributes.ptr) {
        status = check_attribute_names(error, attributes);
        if (ms_json_count(attributes) > 0) {
            ms_query_has(query, MS_TRACE_ATTRIBUTES, NULL, attributes);
        }
    }
    if (status == MASTRA_OK && filters.ptr) {
        status = add_filters(error, query, filters, arena);
    }
    if (status == MASTRA_OK && args->name.len > 0) {
        ms_query_text(query, MS_PREFIX, MS_TRACE_NAME, args->name);
    }
    if (status == MASTRA_OK && args->scope.len > 0) {
        ms_query_equal(query, MS_TRACE_SCOPE, args->scope);
    }
    ms_query_range(query, MS_TRACE_CREATED_AT, args->from_date, false, args->to_date, false);
    return status;
}

mastra_status ms_get_traces(struct ms_call *call, const mastra_get_traces_args *given,
                            mastra_trace_record_list **ret)
{
    mastra_get_traces_args args = MASTRA_GET_TRACES_INIT;
    struct ms_listing work = {0};
    struct ms_arena *texts = ms_arena_new(ms_store_heap(call->store), 0);
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (!texts) {
        return ms_error_oom(&call->error);
    }
    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_TRACE);
    work.query.order = MS_TRACE_START_TIME;
    work.query.descending = true;
    status = add_conditions(&call->error, &work.query, &args, texts);
    if (status == MASTRA_OK) {
        status = ms_paging_of(&call->error, args.page, args.per_page, MS_RECORDS_PER_PAGE, &work.paging);
    }
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_trace_record_list *)work.list, ret);
    }
    ms_arena_free(texts);
    return status;
}
