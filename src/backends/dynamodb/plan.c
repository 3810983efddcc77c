#include "backends/dynamodb/plan.h"

#include "backends/dynamodb/table.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_ranges(const void *a, const void *b)
{
    const struct ms_key_range *left = a;
    const struct ms_key_range *right = b;
    int order = ms_str_compare(left->partition, right->partition);

    return order != 0 ? order : ms_str_compare(left->low, right->low);
}

/* Ids that differ in nothing but case are one key: it is asked for once. */
static void drop_doubles(struct ddb_plan *plan)
{
    size_t kept = 0;

    qsort(plan->range, plan->count, sizeof *plan->range, compare_ranges);
    for (size_t i = 0; i < plan->count; i++) {
        if (kept == 0 || compare_ranges(&plan->range[kept - 1], &plan->range[i]) != 0) {
            plan->range[kept++] = plan->range[i];
        }
    }
    plan->count = kept;
}

/* Whether `a` leaves fewer items to be looked at than `b`. */
static bool is_better(const struct ms_key_use *a, const struct ms_key_use *b)
{
    if (a->single != b->single) {
        return a->single;
    }
    if (a->by_day != b->by_day) {
        return b->by_day;
    }
    if (a->terms != b->terms) {
        return a->terms > b->terms;
    }
    if (a->ordered != b->ordered) {
        return a->ordered;
    }
    return a->ranges < b->ranges || (a->ranges == b->ranges && a->path->index < b->path->index);
}

/* False: there is no way but to look at everything. */
static bool best_path(const struct ms_query *query, unsigned indexes, struct ms_key_use *ret)
{
    const struct ms_item_form *form = query->entity->item;
    bool found = false;

    for (uint8_t i = 0; i < form->path_count; i++) {
        const struct ms_item_path *path = &form->paths[i];
        struct ms_key_use use;

        if (path->index > 0 && !(indexes & (1u << path->index))) {
            continue;
        }
        if (ms_key_use_path(query, path, &use) && (!found || is_better(&use, ret))) {
            *ret = use;
            found = true;
        }
    }
    return found;
}

/* The days of which there are items, in the query's direction. */
static mastra_status read_days(struct ddb_session *session, const struct ms_query *query,
                               struct ms_arena *arena, mastra_str **ret, size_t *ret_count,
                               mastra_error *error);

static mastra_status add_ranges(const struct ms_query *query, const struct ms_key_use *use, mastra_str day,
                                struct ms_arena *arena, struct ddb_plan *plan, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < use->ranges && status == MASTRA_OK; i++) {
        bool empty = false;

        status = ms_key_use_range(query, use, i, day, arena, &plan->range[plan->count], &empty, error);
        if (status == MASTRA_OK && !empty) {
            plan->count++;
        }
    }
    return status;
}

static mastra_status plan_ranges(struct ddb_session *session, const struct ms_query *query,
                                 const struct ms_key_use *use, struct ms_arena *arena, struct ddb_plan *plan,
                                 mastra_error *error)
{
    static const mastra_str no_day = {NULL, 0};
    const mastra_str *days = &no_day;
    mastra_str *found = NULL;
    size_t day_count = 1;
    mastra_status status = MASTRA_OK;

    if (use->by_day) {
        status = read_days(session, query, arena, &found, &day_count, error);
        days = found;
    }
    if (status != MASTRA_OK || day_count == 0 || use->ranges == 0) {
        return status;
    }
    plan->range = ms_arena_alloc(arena, day_count * use->ranges * sizeof *plan->range);
    if (!plan->range) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < day_count && status == MASTRA_OK; i++) {
        status = add_ranges(query, use, days[i], arena, plan, error);
    }
    plan->kind = plan->count == 0 ? DDB_PLAN_NOTHING : use->single ? DDB_PLAN_KEYS : DDB_PLAN_RANGES;
    plan->index = use->path->index;
    plan->answered = use->answered;
    plan->exact = use->exact;
    plan->ordered = use->ordered && !use->single;
    plan->in_turn = plan->ordered && use->by_day && use->ranges == 1;
    if (!plan->in_turn) {
        drop_doubles(plan);
    }
    return status;
}

/* A set of ids without elements is met by nothing. */
static bool is_void(const struct ms_query *query)
{
    for (size_t i = 0; i < query->where_count; i++) {
        if (query->where[i].compare == MS_ANY_OF && query->where[i].set_count == 0) {
            return true;
        }
    }
    return false;
}

mastra_status ddb_plan_query(struct ddb_session *session, const struct ms_query *query,
                             struct ms_arena *arena, struct ddb_plan *ret, mastra_error *error)
{
    struct ms_key_use use;
    unsigned indexes = 0;
    mastra_status status;

    *ret = (struct ddb_plan){.kind = DDB_PLAN_NOTHING};
    if (is_void(query)) {
        return MASTRA_OK;
    }
    status = ddb_table_indexes(&session->owner->base.client, &indexes, error);
    if (status != MASTRA_OK) {
        return status;
    }
    if (best_path(query, indexes, &use)) {
        return plan_ranges(session, query, &use, arena, ret, error);
    }
    ret->kind = DDB_PLAN_SCAN;
    return ms_key_prefix(query->entity, arena, &ret->prefix, error);
}

/* Requests. */

void ddb_put_range(struct ms_buf *body, const struct ddb_plan *plan, const struct ms_key_range *range)
{
    char partition[16] = "pk";
    char sort[16] = "sk";

    if (plan->index > 0) {
        ms_buf_printf(body, ",\"IndexName\":\"gsi%u\"", plan->index);
        snprintf(partition, sizeof partition, "gsi%upk", plan->index);
        snprintf(sort, sizeof sort, "gsi%usk", plan->index);
    }
    ms_buf_printf(body, ",\"KeyConditionExpression\":\"%s = :k0 AND ", partition);
    switch (range->sort) {
    case MS_SORT_EQUAL:
        ms_buf_printf(body, "%s = :k1\"", sort);
        break;
    case MS_SORT_PREFIX:
        ms_buf_printf(body, "begins_with(%s, :k1)\"", sort);
        break;
    case MS_SORT_BETWEEN:
        ms_buf_printf(body, "%s BETWEEN :k1 AND :k2\"", sort);
        break;
    }
}

void ddb_put_range_values(struct ms_buf *body, const struct ms_key_range *range)
{
    ms_buf_add_text(body, "\":k0\":");
    ddb_put_string(body, range->partition);
    ms_buf_add_text(body, ",\":k1\":");
    ddb_put_string(body, range->low);
    if (range->sort == MS_SORT_BETWEEN) {
        ms_buf_add_text(body, ",\":k2\":");
        ddb_put_string(body, range->high);
    }
}

/* The book of days. */

/* Adds what follows the prefix in the sort keys of an answer. */
static mastra_status take_days(mastra_str answer, size_t prefix, struct ms_arena *arena, mastra_str **days,
                               size_t *count, mastra_error *error)
{
    mastra_str items = ms_json_member(answer, mastra_str_of("Items"));
    size_t more = ms_json_kind(items) == MS_JSON_ARRAY ? ms_json_count(items) : 0;
    mastra_str *grown = ms_arena_alloc(arena, (*count + more + 1) * sizeof *grown);
    struct ms_json_iter iter;
    mastra_str item;

    if (!grown) {
        return ms_error_oom(error);
    }
    if (*count > 0) {
        memcpy(grown, *days, *count * sizeof *grown);
    }
    *days = grown;
    if (more == 0) {
        return MASTRA_OK;
    }
    ms_json_iter_init(&iter, items);
    while (ms_json_next(&iter, NULL, &item)) {
        mastra_str raw = ms_json_member(ms_json_member(item, mastra_str_of("sk")), mastra_str_of("S"));
        mastra_str text;

        if (ms_json_kind(raw) != MS_JSON_STRING) {
            continue;
        }
        if (!ms_json_unescape_arena(raw, arena, &text, NULL)) {
            return ms_error_oom(error);
        }
        if (text.len > prefix) {
            grown[(*count)++] = (mastra_str){text.ptr + prefix, text.len - prefix};
        }
    }
    return MASTRA_OK;
}

static mastra_status read_days(struct ddb_session *session, const struct ms_query *query,
                               struct ms_arena *arena, mastra_str **ret, size_t *ret_count,
                               mastra_error *error)
{
    const struct ms_item_days *days = &query->entity->item->days;
    const struct ms_key_range all = {
        mastra_str_of(days->partition), MS_SORT_PREFIX, mastra_str_of(days->sort), {NULL, 0}};
    const struct ddb_plan table = {.kind = DDB_PLAN_RANGES};
    mastra_str next = {NULL, 0};
    mastra_status status;

    *ret_count = 0;
    do {
        struct ddb_batch batch;
        struct ms_buf *body;

        ddb_batch_init(&batch, session->owner);
        body = ddb_batch_add(&batch, "Query", true, error);
        if (!body) {
            ddb_batch_release(&batch);
            return MASTRA_OUT_OF_MEMORY;
        }
        ddb_put_head(session->owner, body);
        ddb_put_range(body, &table, &all);
        ms_buf_add_text(body, ",\"ConsistentRead\":true,\"ProjectionExpression\":\"sk\"");
        ms_buf_add_text(body, query->descending ? ",\"ScanIndexForward\":false" : "");
        ms_buf_add_text(body, ",\"ExpressionAttributeValues\":{");
        ddb_put_range_values(body, &all);
        ms_buf_add_char(body, '}');
        if (next.ptr) {
            ms_buf_add_text(body, ",\"ExclusiveStartKey\":");
            ms_buf_add_str(body, next);
        }
        ms_buf_add_char(body, '}');
        status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
        if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
            status = ddb_call_failed(session->owner, &batch.calls[0], error);
        }
        if (status == MASTRA_OK) {
            status = take_days(batch.calls[0].answer, all.low.len, arena, ret, ret_count, error);
        }
        next = (mastra_str){NULL, 0};
        if (status == MASTRA_OK &&
            !ms_arena_str(arena, ms_json_member(batch.calls[0].answer, mastra_str_of("LastEvaluatedKey")),
                          &next)) {
            status = ms_error_oom(error);
        }
        ddb_batch_release(&batch);
        ddb_renew_deadline(session);
    } while (status == MASTRA_OK && next.ptr);
    return status;
}
