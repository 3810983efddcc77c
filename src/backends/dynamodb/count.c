/* Counting by the service, which reads the items all the same, but does not send them. */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/table.h"

#include "base/error.h"
#include "base/json.h"
#include "schema/form.h"

/* Of an expression. */
#define SET_MOST 100

/* Whether an attribute can be compared with what the predicate says. */
static bool can_say(const struct ms_entity *entity, const struct ms_predicate *predicate)
{
    const struct ms_column *column = &entity->columns[predicate->column];

    if (column->type != MS_TEXT || (entity->item->nameless & MS_BIT(predicate->column))) {
        return false;
    }
    if (predicate->compare == MS_EQUAL) {
        return predicate->text.len > 0;
    }
    if (predicate->compare != MS_ANY_OF || predicate->set_count > SET_MOST) {
        return false;
    }
    for (size_t i = 0; i < predicate->set_count; i++) {
        if (predicate->set[i].len == 0) {
            return false;
        }
    }
    return true;
}

bool ddb_can_filter(const struct ms_query *query, const struct ddb_plan *plan)
{
    if (plan->kind != DDB_PLAN_RANGES && plan->kind != DDB_PLAN_SCAN) {
        return false;
    }
    for (size_t i = 0; i < query->where_count; i++) {
        if (!(plan->exact & MS_BIT(i)) && !can_say(query->entity, &query->where[i])) {
            return false;
        }
    }
    return true;
}

static void put_condition(struct ms_buf *body, size_t number, const struct ms_predicate *predicate)
{
    if (predicate->compare == MS_EQUAL) {
        ms_buf_printf(body, " AND #f%zu = :f%zu", number, number);
        return;
    }
    ms_buf_printf(body, " AND #f%zu IN (", number);
    for (size_t i = 0; i < predicate->set_count; i++) {
        ms_buf_printf(body, i > 0 ? ",:f%zu_%zu" : ":f%zu_%zu", number, i);
    }
    ms_buf_add_char(body, ')');
}

static void put_values(struct ms_buf *body, size_t number, const struct ms_predicate *predicate)
{
    if (predicate->compare == MS_EQUAL) {
        ms_buf_printf(body, ",\":f%zu\":", number);
        ddb_put_string(body, predicate->text);
        return;
    }
    for (size_t i = 0; i < predicate->set_count; i++) {
        ms_buf_printf(body, ",\":f%zu_%zu\":", number, i);
        ddb_put_string(body, predicate->set[i]);
    }
}

static bool is_open(const struct ddb_plan *plan, size_t predicate)
{
    return !(plan->exact & MS_BIT(predicate));
}

/* The filter: a record of the entity, for which those predicates hold that the place does not answer. */
static void put_filter(const struct ms_query *query, const struct ddb_plan *plan, struct ms_buf *body)
{
    const struct ms_entity *entity = query->entity;

    ms_buf_add_text(body, ",\"FilterExpression\":\"");
    if (plan->kind == DDB_PLAN_SCAN) {
        ms_buf_add_text(body, "begins_with(pk, :k0) AND begins_with(sk, :k1) AND ");
    }
    ms_buf_add_text(body, "attribute_exists(#proof)");
    for (size_t i = 0; i < query->where_count; i++) {
        if (is_open(plan, i)) {
            put_condition(body, i, &query->where[i]);
        }
    }
    ms_buf_printf(body, "\",\"ExpressionAttributeNames\":{\"#proof\":\"%s\"", entity->item->proof);
    for (size_t i = 0; i < query->where_count; i++) {
        if (is_open(plan, i)) {
            ms_buf_printf(body, ",\"#f%zu\":\"%s\"", i, ms_item_attribute(entity, query->where[i].column));
        }
    }
    ms_buf_add_char(body, '}');
}

/* One range, and how far it has been counted. */
struct counter {
    const struct ms_key_range *range; /* NULL: a segment of the scan */
    mastra_str next;
    bool done;
};

static void put_count(const struct ddb_count *counting, size_t number, struct ms_buf *body)
{
    const struct counter *counter = &counting->counters[number];
    const struct ddb_plan *plan = counting->plan;
    const struct ms_query *query = counting->query;

    ddb_put_head(counting->session->owner, body);
    ms_buf_add_text(body, ",\"Select\":\"COUNT\"");
    if (counter->range) {
        ddb_put_range(body, plan, counter->range);
    }
    put_filter(query, plan, body);
    if (plan->index == 0) {
        ms_buf_add_text(body, ",\"ConsistentRead\":true");
    }
    ms_buf_add_text(body, ",\"ExpressionAttributeValues\":{");
    if (counter->range) {
        ddb_put_range_values(body, counter->range);
    } else {
        ms_buf_add_text(body, "\":k0\":");
        ddb_put_string(body, plan->prefix.partition);
        ms_buf_add_text(body, ",\":k1\":");
        ddb_put_string(body, plan->prefix.sort);
    }
    for (size_t i = 0; i < query->where_count; i++) {
        if (is_open(plan, i)) {
            put_values(body, i, &query->where[i]);
        }
    }
    ms_buf_add_char(body, '}');
    if (!counter->range) {
        ddb_put_segment(body, number, counting->count);
    }
    if (counter->next.ptr) {
        ms_buf_add_text(body, ",\"ExclusiveStartKey\":");
        ms_buf_add_str(body, counter->next);
    }
    ms_buf_add_char(body, '}');
}

static mastra_status take_count(struct ddb_count *counting, struct counter *counter,
                                const struct ms_service_call *call, mastra_error *error)
{
    int64_t count = 0;

    if (!ms_service_call_ok(call)) {
        return ddb_call_failed(counting->session->owner, call, error);
    }
    if (!ms_json_int(ms_json_member(call->answer, mastra_str_of("Count")), &count)) {
        return ms_error_set(error, MASTRA_INTERNAL, "%s: the answer has no Count", call->operation);
    }
    counting->total += count;
    if (!ms_arena_str(counting->arena, ms_json_member(call->answer, mastra_str_of("LastEvaluatedKey")),
                      &counter->next)) {
        return ms_error_oom(error);
    }
    counter->done = !counter->next.ptr;
    return MASTRA_OK;
}

mastra_status ddb_count_begin(struct ddb_count *counting, struct ddb_session *session,
                              const struct ms_query *query, const struct ddb_plan *plan, mastra_error *error)
{
    bool scan = plan->kind == DDB_PLAN_SCAN;

    *counting = (struct ddb_count){.session = session, .query = query, .plan = plan};
    counting->count = scan ? ddb_table_segments(&session->owner->base.client) : plan->count;
    counting->open = true;
    counting->arena = ms_arena_new(session->owner->base.client.heap, 0);
    counting->counters =
        counting->arena ? ms_arena_calloc(counting->arena, (counting->count + 1) * sizeof(struct counter))
                        : NULL;
    if (!counting->counters) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < counting->count; i++) {
        counting->counters[i].range = scan ? NULL : &plan->range[i];
    }
    return MASTRA_OK;
}

void ddb_count_end(struct ddb_count *counting)
{
    ms_arena_free(counting->arena);
}

mastra_status ddb_count_ask(const struct ddb_count *counting, struct ddb_batch *batch, mastra_error *error)
{
    for (size_t i = 0; i < counting->count; i++) {
        struct ms_buf *body;

        if (counting->counters[i].done) {
            continue;
        }
        body = ddb_batch_add(batch, counting->counters[i].range ? "Query" : "Scan", true, error);
        if (!body) {
            return MASTRA_OUT_OF_MEMORY;
        }
        put_count(counting, i, body);
    }
    return MASTRA_OK;
}

mastra_status ddb_count_take(struct ddb_count *counting, const struct ddb_batch *batch, size_t first,
                             mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    counting->open = false;
    for (size_t i = 0; i < counting->count && status == MASTRA_OK; i++) {
        struct counter *counter = &counting->counters[i];

        if (!counter->done) {
            status = take_count(counting, counter, &batch->calls[first++], error);
            counting->open = counting->open || !counter->done;
        }
    }
    return status;
}

mastra_status ddb_count_finish(struct ddb_count *counting, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    while (status == MASTRA_OK && counting->open) {
        struct ddb_batch batch;

        ddb_batch_init(&batch, counting->session->owner);
        status = ddb_count_ask(counting, &batch, error);
        if (status == MASTRA_OK) {
            status = ddb_batch_send(&batch, 0, counting->session->deadline_ns, error);
        }
        if (status == MASTRA_OK) {
            status = ddb_count_take(counting, &batch, 0, error);
        }
        ddb_batch_release(&batch);
        ddb_renew_deadline(counting->session);
    }
    return status;
}

mastra_status ddb_fetch_count(struct ddb_session *session, const struct ms_query *query,
                              const struct ddb_plan *plan, int64_t *ret, mastra_error *error)
{
    struct ddb_count counting;
    mastra_status status = ddb_count_begin(&counting, session, query, plan, error);

    if (status == MASTRA_OK) {
        status = ddb_count_finish(&counting, error);
    }
    *ret = counting.total;
    ddb_count_end(&counting);
    return status;
}
