/* Lists of traces: the roots that match. */
#include "domains/spans.h"

#include "domains/check.h"
#include "domains/listing.h"

#include "base/error.h"
#include "base/utf8.h"

#include <stdio.h>

#define TRACES_PER_PAGE      10
#define TRACES_PER_PAGE_MOST 100
#define FIELD_SIZE           64

static const struct ms_predicate has_error = {.compare = MS_ANY_VALUE, .column = MS_SPAN_ERROR};

mastra_trace_status mastra_trace_status_of(const mastra_span *root)
{
    if (root->error.ptr) {
        return MASTRA_TRACE_ERROR;
    }
    return root->ended_at == MASTRA_TIME_NONE ? MASTRA_TRACE_RUNNING : MASTRA_TRACE_SUCCESS;
}

/* Filters. */

static mastra_status filter_by_text(mastra_error *error, const char *field, int index, mastra_str text,
                                    struct ms_query *query)
{
    mastra_status status = MASTRA_OK;

    if (ms_entity(MS_SPAN)->columns[index].flags & MS_STRICT) {
        status = ms_check_text(error, field, text);
    } else if (!ms_utf8_valid(text)) {
        status = ms_error_argument(error, field, text, "is not valid UTF-8");
    }
    if (status == MASTRA_OK) {
        ms_query_equal(query, (uint8_t)index, text);
    }
    return status;
}

static mastra_status filter_by_tags(mastra_error *error, const char *field, mastra_str given,
                                    struct ms_query *query)
{
    mastra_str tags;
    mastra_status status = ms_check_json(error, field, given, false, &tags);

    if (status != MASTRA_OK || !tags.ptr) {
        return status;
    }
    if (ms_json_kind(tags) != MS_JSON_ARRAY) {
        return ms_error_argument(error, field, given, "must be a JSON array");
    }
    if (ms_json_count(tags) > 0) {
        ms_query_contains(query, MS_SPAN_TAGS, tags);
    }
    return MASTRA_OK;
}

static mastra_status filter_by_json(mastra_error *error, const char *field, int index, mastra_str given,
                                    struct ms_query *query)
{
    mastra_str filter = {NULL, 0};
    mastra_status status;

    if (index == MS_SPAN_TAGS) {
        return filter_by_tags(error, field, given, query);
    }
    if (index != MS_SPAN_SCOPE && index != MS_SPAN_METADATA) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "is nothing that traces are listed by");
    }
    status = ms_check_filter(error, field, "INVALID_FILTER_KEY", given, &filter);
    if (status == MASTRA_OK && filter.ptr) {
        ms_query_has(query, (uint8_t)index, NULL, filter);
    }
    return status;
}

static mastra_status filter_by_match(mastra_error *error, const mastra_span *given, struct ms_query *query)
{
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    mastra_status status = MASTRA_OK;
    mastra_span match;

    if (!given) {
        return MASTRA_OK;
    }
    ms_record_copy(entity, &match, given);
    for (int i = 0; i < entity->column_count && status == MASTRA_OK; i++) {
        const struct ms_column *column = &entity->columns[i];
        char field[FIELD_SIZE];
        mastra_str text;

        if (column->type != MS_TEXT && column->type != MS_JSON) {
            continue;
        }
        text = *ms_field_str(column, &match);
        if (!text.ptr) {
            continue;
        }
        snprintf(field, sizeof field, "filters.%.40s", column->json);
        status = column->type == MS_TEXT ? filter_by_text(error, field, i, text, query)
                                         : filter_by_json(error, field, i, text, query);
    }
    return status;
}

static mastra_status filter_by_status(mastra_error *error, mastra_trace_status status, struct ms_query *query)
{
    switch (status) {
    case MASTRA_TRACE_ANY:
        return MASTRA_OK;
    case MASTRA_TRACE_ERROR:
        ms_query_null(query, MS_SPAN_ERROR, false);
        return MASTRA_OK;
    case MASTRA_TRACE_SUCCESS:
    case MASTRA_TRACE_RUNNING:
        ms_query_null(query, MS_SPAN_ERROR, true);
        ms_query_null(query, MS_SPAN_ENDED_AT, status == MASTRA_TRACE_RUNNING);
        return MASTRA_OK;
    }
    return ms_error_argument(error, "filters.status", mastra_str_of(NULL), "is not one of those known");
}

static mastra_status filter(mastra_error *error, const mastra_list_traces_args *args, struct ms_query *query)
{
    ms_query_null(query, MS_SPAN_PARENT_SPAN_ID, true);
    ms_query_range(query, MS_SPAN_STARTED_AT, args->started_from, args->started_from_exclusive,
                   args->started_to, args->started_to_exclusive);
    ms_query_range(query, MS_SPAN_ENDED_AT, args->ended_from, args->ended_from_exclusive, args->ended_to,
                   args->ended_to_exclusive);
    if (args->has_child_error >= 0) {
        ms_query_related(query, args->has_child_error > 0, MS_SPAN_TRACE_ID, &has_error);
    }
    if (filter_by_status(error, args->status, query) != MASTRA_OK) {
        return MASTRA_INVALID_ARGUMENT;
    }
    return filter_by_match(error, args->match, query);
}

/* Listing. */

static mastra_status list(struct ms_call *call, const mastra_list_traces_args *given, int64_t least,
                          int64_t most, mastra_span_list **ret)
{
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_SPAN);
    work.query.order = args.order_by == MASTRA_SPAN_ORDER_ENDED_AT ? MS_SPAN_ENDED_AT : MS_SPAN_STARTED_AT;
    work.query.descending = args.direction != MASTRA_ASCENDING;
    status = ms_paging_of(&call->error, args.page, args.per_page, TRACES_PER_PAGE, &work.paging);
    if (status == MASTRA_OK && (work.paging.per_page < least || work.paging.per_page > most)) {
        status = ms_paging_refuse(&call->error, "perPage", args.per_page, "perPage must be from 1 to 100");
    }
    if (status == MASTRA_OK) {
        status = filter(&call->error, &args, &work.query);
    }
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_span_list *)work.list, ret);
    }
    return status;
}

mastra_status ms_list_traces(struct ms_call *call, const mastra_list_traces_args *args,
                             mastra_span_list **ret)
{
    return list(call, args, 1, TRACES_PER_PAGE_MOST, ret);
}

mastra_status ms_get_traces_paginated(struct ms_call *call, const mastra_list_traces_args *args,
                                      mastra_span_list **ret)
{
    return list(call, args, 0, MASTRA_PER_PAGE_ALL, ret);
}
