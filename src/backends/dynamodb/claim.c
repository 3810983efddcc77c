/* Claims: see struct ddb_claim. */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/write.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "schema/form.h"

#include <inttypes.h>
#include <stdio.h>

#define CLAIM_TYPE  "ext_claim"
#define CLAIM_SORT  "$claim_1#"
#define CLAIM_OWNER "mastra_claim" /* the attempt that has it */
#define CLAIM_MARK  DDB_ATTEMPT    /* what everything bears that was written under it, by whichever attempt */
#define CLAIM_UNTIL "mastra_until" /* when the attempt will have ended, in milliseconds since 1970 */

/* Beside the rounds of what is written: the claim, what another one has left, what is only checked, the record. */
#define STEPS       8

/* A claim as it stands in the table. */
struct found {
    bool there;
    mastra_str owner;
    mastra_str mark;
    int64_t until;
};

bool ddb_claims(const struct ddb_op *op)
{
    return op->kind == DDB_OP_UPDATE && op->what == MS_WRITE_INSERT && op->condition == DDB_SEEN &&
           !op->seen->there;
}

static bool belongs(const struct ddb_op *op, const struct ddb_op *claimed)
{
    return op->kind == DDB_OP_UPDATE && op->what == MS_WRITE_INSERT && op->entity != claimed->entity;
}

bool ddb_claim_marks(const struct ddb_work *work, const struct ddb_op *op)
{
    return work->claim.held && op->kind == DDB_OP_UPDATE && op->what == MS_WRITE_INSERT &&
           op->entity != work->claim.entity;
}

/* In the record's partition, where there may be others: what tells their sort keys apart need not be all of them. */
static mastra_status key_of_claim(const struct ms_key *key, struct ms_arena *arena, struct ms_key *ret,
                                  mastra_error *error)
{
    size_t size = strlen(CLAIM_SORT) + 17;
    char *sort = ms_arena_bytes(arena, size);

    if (!sort) {
        return ms_error_oom(error);
    }
    snprintf(sort, size, CLAIM_SORT "%016" PRIx64, ms_str_hash(MS_HASH_START, key->sort));
    *ret = (struct ms_key){key->partition, mastra_str_of(sort)};
    return MASTRA_OK;
}

/* Reading. */

static bool read_text(mastra_str item, const char *name, const char *type, struct ms_arena *arena,
                      mastra_str *ret)
{
    mastra_str raw = ms_json_member(ms_json_member(item, mastra_str_of(name)), mastra_str_of(type));

    *ret = (mastra_str){"", 0};
    return ms_json_kind(raw) != MS_JSON_STRING || ms_json_unescape_arena(raw, arena, ret, NULL);
}

static mastra_status read_claim(struct ddb_work *work, struct found *ret, mastra_error *error)
{
    struct dynamodb *owner = work->session->owner;
    struct ddb_batch batch;
    struct ms_buf *body;
    mastra_status status;

    *ret = (struct found){.there = false};
    ddb_batch_init(&batch, owner);
    body = ddb_batch_add(&batch, "GetItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(owner, body);
    ms_buf_add_text(body, ",\"ConsistentRead\":true,\"Key\":");
    ms_item_write_key(body, &work->claim.key);
    ms_buf_add_char(body, '}');
    status = ddb_batch_send(&batch, 0, work->session->deadline_ns, error);
    if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
        status = ddb_call_failed(owner, &batch.calls[0], error);
    }
    if (status == MASTRA_OK) {
        mastra_str item = ms_json_member(batch.calls[0].answer, mastra_str_of("Item"));
        mastra_str until;

        ret->there = item.ptr != NULL;
        if (!read_text(item, CLAIM_OWNER, "S", work->arena, &ret->owner) ||
            !read_text(item, CLAIM_MARK, "S", work->arena, &ret->mark) ||
            !read_text(item, CLAIM_UNTIL, "N", work->arena, &until)) {
            status = ms_error_oom(error);
        } else {
            ms_json_int(until, &ret->until);
        }
    }
    ddb_batch_release(&batch);
    return status;
}

/* Writing. */

static mastra_time clock_of(const struct ddb_work *work)
{
    return ms_clock_now() + atomic_load_explicit(&work->session->owner->ahead_ms, memory_order_relaxed);
}

/* When the last request of this attempt will have ended. */
static mastra_time end_of(const struct ddb_work *work)
{
    const struct ddb_settings *settings = &work->session->owner->base.client.settings;

    return clock_of(work) + (int64_t)(ddb_rounds(work) + STEPS) * settings->timeout_ms;
}

static void put_table(struct ddb_work *work, const char *before)
{
    ms_buf_printf(&work->texts,
                  "\"TableName\":\"%s\",\"%s\":", work->session->owner->base.client.settings.table, before);
}

/* `old`: the claim that is taken over. */
static void put_claim(struct ddb_work *work, const struct found *old, struct ddb_op *op)
{
    struct ms_buf *texts = &work->texts;

    op->at = texts->len;
    put_table(work, "Item");
    ms_buf_add_text(texts, "{\"pk\":");
    ddb_put_string(texts, work->claim.key.partition);
    ms_buf_add_text(texts, ",\"sk\":");
    ddb_put_string(texts, work->claim.key.sort);
    ms_buf_printf(texts,
                  ",\"__edb_e__\":{\"S\":\"" CLAIM_TYPE "\"},\"__edb_v__\":{\"S\":\"1\"},\"" CLAIM_OWNER
                  "\":{\"S\":\"%s\"},\"" CLAIM_MARK "\":{\"S\":\"%s\"},\"" CLAIM_UNTIL "\":",
                  work->attempt, work->claim.mark);
    ddb_put_number(texts, end_of(work));
    if (old->there) {
        ms_buf_add_text(texts, "},\"ConditionExpression\":\"" CLAIM_OWNER " = :o AND " CLAIM_UNTIL
                               " = :u\",\"ExpressionAttributeValues\":{\":o\":");
        ddb_put_string(texts, old->owner);
        ms_buf_add_text(texts, ",\":u\":");
        ddb_put_number(texts, old->until);
        ms_buf_add_char(texts, '}');
    } else {
        ms_buf_add_text(texts, "},\"ConditionExpression\":\"attribute_not_exists(pk)\"");
    }
    op->len = texts->len - op->at;
}

static void put_ours(struct ms_buf *body, const struct ddb_work *work)
{
    ms_buf_printf(body,
                  ",\"ConditionExpression\":\"" CLAIM_OWNER
                  " = :o\",\"ExpressionAttributeValues\":{\":o\":{\"S\":\"%s\"}",
                  work->attempt);
}

/* Takes it, as long as the record is not there. */
static mastra_status write_claim(struct ddb_work *work, const struct ddb_op *claimed, const struct found *old,
                                 mastra_error *error)
{
    struct ddb_op ops[2] = {
        {.kind = DDB_OP_PUT, .condition = DDB_SEEN, .entity = claimed->entity},
        {.kind = DDB_OP_CHECK, .condition = DDB_SEEN, .entity = claimed->entity},
    };
    bool ignored = false;

    put_claim(work, old, &ops[0]);
    ops[1].at = work->texts.len;
    put_table(work, "Key");
    ms_item_write_key(&work->texts, &claimed->key);
    ms_buf_add_text(&work->texts, ",\"ConditionExpression\":\"attribute_not_exists(pk)\"");
    ops[1].len = work->texts.len - ops[1].at;
    return work->texts.failed ? ms_error_oom(error) : ddb_send_transaction(work, ops, 2, &ignored, error);
}

/* Taking away what bears the mark of a claim that was never completed. */

/* Where records like this one are: in that index's partition of it. */
static mastra_status plan_siblings(struct ddb_work *work, const struct ddb_op *op, struct ms_query *query,
                                   struct ddb_plan *plan, mastra_error *error)
{
    const struct ms_entity *entity = op->entity;
    uint64_t columns = ms_key_columns(entity, 1) & ~ms_entity_keys(entity);

    ms_query_init_on(query, entity);
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if ((columns & MS_BIT(i)) && entity->columns[i].type == MS_TEXT) {
            ms_query_equal(query, i, *ms_field_str(&entity->columns[i], op->record));
        }
    }
    return ddb_plan_query(work->session, query, work->arena, plan, error);
}

static void put_search(struct ddb_work *work, const struct ddb_plan *plan, mastra_str next,
                       struct ms_buf *body)
{
    ddb_put_head(work->session->owner, body);
    ddb_put_range(body, plan, &plan->range[0]);
    ms_buf_add_text(body, ",\"ProjectionExpression\":\"pk,sk\",\"FilterExpression\":\"" CLAIM_MARK
                          " = :m\",\"ExpressionAttributeValues\":{");
    ddb_put_range_values(body, &plan->range[0]);
    ms_buf_printf(body, ",\":m\":{\"S\":\"%s\"}}", work->claim.mark);
    if (next.ptr) {
        ms_buf_add_text(body, ",\"ExclusiveStartKey\":");
        ms_buf_add_str(body, next);
    }
    ms_buf_add_char(body, '}');
}

/* Deletes what has this key, if it bears the mark. `key`: as JSON; NULL: that of the operation. */
static mastra_status add_delete(struct ddb_work *work, const mastra_str *key, const struct ddb_op *op,
                                struct ddb_batch *deletes, mastra_error *error)
{
    struct ms_buf *body = ddb_batch_add(deletes, "DeleteItem", true, error);

    if (!body) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(work->session->owner, body);
    ms_buf_add_text(body, ",\"Key\":");
    if (key) {
        ms_buf_add_str(body, *key);
    } else {
        ms_item_write_key(body, &op->key);
    }
    ms_buf_printf(body,
                  ",\"ConditionExpression\":\"" CLAIM_MARK
                  " = :m\",\"ExpressionAttributeValues\":{\":m\":{\"S\":\"%s\"}}}",
                  work->claim.mark);
    return MASTRA_OK;
}

static mastra_status add_deletes(struct ddb_work *work, mastra_str answer, struct ddb_batch *deletes,
                                 mastra_error *error)
{
    mastra_str items = ms_json_member(answer, mastra_str_of("Items"));
    struct ms_json_iter iter;
    mastra_str item;

    if (ms_json_kind(items) != MS_JSON_ARRAY) {
        return MASTRA_OK;
    }
    ms_json_iter_init(&iter, items);
    while (ms_json_next(&iter, NULL, &item)) {
        mastra_status status = add_delete(work, &item, NULL, deletes, error);

        if (status != MASTRA_OK) {
            return status;
        }
    }
    return MASTRA_OK;
}

/* One page of them. *next absent: it was the last one. */
static mastra_status sweep_page(struct ddb_work *work, const struct ddb_plan *plan, mastra_str *next,
                                mastra_error *error)
{
    struct dynamodb *owner = work->session->owner;
    struct ddb_batch search;
    struct ddb_batch deletes;
    struct ms_buf *body;
    mastra_status status;

    ddb_batch_init(&search, owner);
    ddb_batch_init(&deletes, owner);
    body = ddb_batch_add(&search, "Query", true, error);
    status = body ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
    if (body) {
        put_search(work, plan, *next, body);
        status = ddb_batch_send(&search, 0, work->session->deadline_ns, error);
    }
    if (status == MASTRA_OK && !ms_service_call_ok(&search.calls[0])) {
        status = ddb_call_failed(owner, &search.calls[0], error);
    }
    if (status == MASTRA_OK) {
        status = add_deletes(work, search.calls[0].answer, &deletes, error);
    }
    if (status == MASTRA_OK &&
        !ms_arena_str(work->arena, ms_json_member(search.calls[0].answer, mastra_str_of("LastEvaluatedKey")),
                      next)) {
        status = ms_error_oom(error);
    }
    if (status == MASTRA_OK) {
        status = ddb_send_bulk(work, &deletes, error);
    }
    ddb_batch_release(&search);
    ddb_batch_release(&deletes);
    ddb_renew_deadline(work->session);
    return status;
}

static mastra_status sweep(struct ddb_work *work, const struct ddb_op *claimed, mastra_error *error)
{
    mastra_status status = MASTRA_OK;
    const struct ddb_op *sibling = NULL;
    struct ddb_plan plan = {.kind = DDB_PLAN_NOTHING};
    struct ms_query query;
    mastra_str next = {NULL, 0};

    for (size_t i = 0; i < work->count && !sibling; i++) {
        sibling = belongs(&work->ops[i], claimed) ? &work->ops[i] : NULL;
    }
    if (sibling) {
        status = plan_siblings(work, sibling, &query, &plan, error);
    }
    if (status != MASTRA_OK || plan.kind != DDB_PLAN_RANGES) {
        return status;
    }
    do {
        status = sweep_page(work, &plan, &next, error);
    } while (status == MASTRA_OK && next.ptr);
    return status;
}

/* Taking, completing, giving up. */

static bool may_be_held(mastra_status status)
{
    return status == MASTRA_OK || status == MASTRA_UNKNOWN_OUTCOME;
}

static mastra_status refuse_claimed(const struct ddb_op *claimed, mastra_error *error)
{
    ms_error_set(error, MASTRA_CONFLICT, "a %s with this key is being made by another call",
                 claimed->entity->noun);
    error->retriable = true;
    return MASTRA_CONFLICT;
}

static mastra_status take_over(struct ddb_work *work, const struct ddb_op *claimed, const struct found *old,
                               mastra_error *error)
{
    mastra_status status;

    if (old->until + work->session->owner->base.base.ops->clock_slack_ms > clock_of(work) && old->until > 0) {
        return refuse_claimed(claimed, error);
    }
    if (old->mark.len != MS_UUID_LEN) {
        return ms_error_set(error, MASTRA_CORRUPT, "the claim of a %s is malformed", claimed->entity->noun);
    }
    memcpy(work->claim.mark, old->mark.ptr, MS_UUID_LEN);
    status = write_claim(work, claimed, old, error);
    work->claim.held = may_be_held(status);
    return status != MASTRA_OK ? status : sweep(work, claimed, error);
}

mastra_status ddb_claim_take(struct ddb_work *work, const struct ddb_op *claimed, mastra_error *error)
{
    static const struct found none = {.there = false};
    struct found found;
    mastra_error refusal;
    mastra_status status = key_of_claim(&claimed->key, work->arena, &work->claim.key, error);

    if (status != MASTRA_OK) {
        return status;
    }
    work->claim.entity = claimed->entity;
    memcpy(work->claim.mark, work->attempt, sizeof work->claim.mark);
    status = write_claim(work, claimed, &none, error);
    work->claim.held = may_be_held(status);
    if (status != MASTRA_CONFLICT) {
        return status;
    }
    refusal = *error;
    status = read_claim(work, &found, error);
    if (status != MASTRA_OK) {
        return status;
    }
    if (!found.there) {
        *error = refusal; /* the record is there by now, or somebody has just given up */
        return MASTRA_CONFLICT;
    }
    return take_over(work, claimed, &found, error);
}

mastra_status ddb_claim_complete(struct ddb_work *work, const struct ddb_op *claimed, mastra_error *error)
{
    struct ddb_op ops[2] = {*claimed,
                            {.kind = DDB_OP_DELETE, .condition = DDB_SEEN, .entity = claimed->entity}};
    bool ignored = false;
    mastra_status status;

    ops[1].at = work->texts.len;
    put_table(work, "Key");
    ms_item_write_key(&work->texts, &work->claim.key);
    put_ours(&work->texts, work);
    ms_buf_add_char(&work->texts, '}');
    ops[1].len = work->texts.len - ops[1].at;
    status = work->texts.failed ? ms_error_oom(error) : ddb_send_transaction(work, ops, 2, &ignored, error);
    work->claim.held = work->claim.held && status != MASTRA_OK;
    return status;
}

/* Deletes what this attempt has written, by its keys: the record may be there by now without it, and nobody claims it again. */
static mastra_status take_back(struct ddb_work *work, mastra_error *error)
{
    struct ddb_batch deletes;
    struct found found;
    mastra_status status;

    ddb_renew_deadline(work->session);
    status = read_claim(work, &found, error);
    if (status != MASTRA_OK || !found.there) {
        return status; /* without the claim nobody knows that it was not completed */
    }
    ddb_batch_init(&deletes, work->session->owner);
    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        if (ddb_claim_marks(work, &work->ops[i])) {
            status = add_delete(work, NULL, &work->ops[i], &deletes, error);
        }
    }
    if (status == MASTRA_OK) {
        status = ddb_send_bulk(work, &deletes, error);
    }
    ddb_batch_release(&deletes);
    return status;
}

void ddb_claim_abandon(struct ddb_work *work, mastra_status failure)
{
    struct dynamodb *owner = work->session->owner;
    bool under_way = work->claim.doubtful || failure == MASTRA_UNKNOWN_OUTCOME || failure == MASTRA_TIMEOUT ||
                     failure == MASTRA_UNAVAILABLE || failure == MASTRA_CLOSED;
    mastra_error ignored = MASTRA_ERROR_INIT;
    struct ddb_batch batch;
    struct ms_buf *body;

    if (!under_way && work->claim.wrote) {
        (void)take_back(work, &ignored); /* whoever claims next looks for the rest */
    }
    ddb_batch_init(&batch, owner);
    body = ddb_batch_add(&batch, "UpdateItem", true, &ignored);
    if (body) {
        ddb_put_head(owner, body);
        ms_buf_add_text(body, ",\"Key\":");
        ms_item_write_key(body, &work->claim.key);
        ms_buf_add_text(body, ",\"UpdateExpression\":\"SET " CLAIM_UNTIL " = :u\"");
        put_ours(body, work);
        ms_buf_add_text(body, ",\":u\":");
        ddb_put_number(body, under_way ? clock_of(work) : 0);
        ms_buf_add_text(body, "}}");
        (void)ddb_batch_send(&batch, 0, ddb_client_deadline(&owner->base.client), &ignored);
    }
    ddb_batch_release(&batch);
    work->claim.held = false;
}
