/* Operations by themselves: how they are sent, and what became of them. */
#include "backends/dynamodb/write.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "schema/form.h"

#define BACKOFF_FIRST_MS 20
#define BACKOFF_MOST_MS  2000

static struct dynamodb *owner_of(const struct ddb_work *work)
{
    return work->session->owner;
}

/* Outcomes. */

/* Whether it may have taken effect although nobody said so. */
bool ddb_is_unknown(const struct ms_service_call *call)
{
    if (call->end != MS_HTTP_ANSWERED) {
        return call->sent || call->doubtful;
    }
    /* A refusal for another reason says that nothing was there to be repeated. */
    return call->fault == MS_FAULT_SERVER || (call->doubtful && call->fault == MS_FAULT_THROTTLED);
}

mastra_status ddb_write_failed(struct ddb_work *work, const struct ms_service_call *call, mastra_error *error)
{
    mastra_status status = ddb_call_failed(owner_of(work), call, error);

    if (ddb_is_unknown(call)) {
        error->status = MASTRA_UNKNOWN_OUTCOME;
        error->retriable = false;
        return MASTRA_UNKNOWN_OUTCOME;
    }
    return status;
}

/* A condition did not hold. */
mastra_status ddb_refused(const struct ddb_op *op, mastra_error *error)
{
    if (op->condition == DDB_EXPECT) {
        return ms_error_set(error, MASTRA_NOT_FOUND, "%s not found", op->entity->noun);
    }
    if (op->condition == DDB_NEW) {
        ms_error_set(error, MASTRA_CONFLICT, "a %s with this key exists already", op->entity->noun);
        error->retriable = false;
        return MASTRA_CONFLICT;
    }
    ms_error_set(error, MASTRA_CONFLICT, "%s was changed by somebody else meanwhile", op->entity->noun);
    error->retriable = true;
    return MASTRA_CONFLICT;
}

/* Whether it depends on nothing that was there before. */
bool ddb_is_free(const struct ddb_op *op)
{
    return op->condition == DDB_ANY || op->condition == DDB_THERE || op->condition == DDB_PLAIN;
}

static const char *operation_of(const struct ddb_op *op)
{
    if (op->kind == DDB_OP_DELETE) {
        return "DeleteItem";
    }
    return op->kind == DDB_OP_UPDATE && !op->whole ? "UpdateItem" : "PutItem";
}

mastra_str ddb_op_text(const struct ddb_work *work, const struct ddb_op *op)
{
    return (mastra_str){work->texts.ptr + op->at, op->len};
}

void ddb_put_capacity(const struct ddb_work *work, struct ms_buf *body)
{
    if (owner_of(work)->base.client.settings.count_capacity) {
        ms_buf_add_text(body, ",\"ReturnConsumedCapacity\":\"TOTAL\"");
    }
}

mastra_status ddb_add_single(struct ddb_work *work, struct ddb_batch *batch, const struct ddb_op *op,
                             mastra_error *error)
{
    bool repeatable = ddb_is_free(op);
    struct ms_buf *body = ddb_batch_add(batch, operation_of(op), repeatable, error);

    if (!body) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ms_buf_add_char(body, '{');
    ms_buf_add_str(body, ddb_op_text(work, op));
    ddb_put_capacity(work, body);
    ms_buf_add_char(body, '}');
    return MASTRA_OK;
}

/* One item. */

enum lookup {
    LOOKUP_DONE,    /* it is as we wanted it */
    LOOKUP_OPEN,    /* it is as it was: the same request may be sent again, and has an effect at most once */
    LOOKUP_CHANGED, /* somebody else was quicker */
};

static bool same_attempt(const struct ddb_work *work, mastra_str item)
{
    mastra_str raw = ms_json_member(ms_json_member(item, mastra_str_of(DDB_ATTEMPT)), mastra_str_of("S"));

    return ms_json_kind(raw) == MS_JSON_STRING && ms_json_string_equals(raw, mastra_str_of(work->attempt));
}

static bool same_revision(const struct ddb_seen *seen, mastra_str item)
{
    mastra_str raw =
        ms_json_member(ms_json_member(item, mastra_str_of(MS_ITEM_REVISION)), mastra_str_of("N"));
    char text[24];
    int64_t revision = 0;

    if (ms_json_kind(raw) == MS_JSON_STRING && raw.len - 2 < sizeof text) {
        ms_json_int((mastra_str){text, ms_json_unescape(raw, text, NULL)}, &revision);
    }
    return revision == seen->item.revision;
}

/* What was found under the key of a write whose answer was lost. */
static enum lookup judge_found(const struct ddb_work *work, const struct ddb_op *op, mastra_str item)
{
    bool was_there = op->condition == DDB_SEEN && op->seen->there;

    if (!item.ptr) {
        return op->kind == DDB_OP_DELETE ? LOOKUP_DONE : was_there ? LOOKUP_CHANGED : LOOKUP_OPEN;
    }
    if (op->kind == DDB_OP_UPDATE && same_attempt(work, item)) {
        return LOOKUP_DONE;
    }
    /* What a peer's touch has left behind is in nobody's way. */
    if (op->condition == DDB_NEW && !ms_json_member(item, mastra_str_of(op->entity->item->proof)).ptr) {
        return LOOKUP_OPEN;
    }
    return was_there && same_revision(op->seen, item) ? LOOKUP_OPEN : LOOKUP_CHANGED;
}

/* What became of a write whose answer was lost. */
static mastra_status look_up(struct ddb_work *work, const struct ddb_op *op, enum lookup *ret,
                             mastra_error *error)
{
    struct ddb_batch batch;
    struct ms_buf *body;
    mastra_status status;

    ddb_batch_init(&batch, owner_of(work));
    body = ddb_batch_add(&batch, "GetItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(owner_of(work), body);
    ms_buf_add_text(body, ",\"ConsistentRead\":true,\"ProjectionExpression\":\"pk," DDB_ATTEMPT
                          "," MS_ITEM_REVISION);
    if (strcmp(op->entity->item->proof, MS_ITEM_REVISION) != 0) {
        ms_buf_printf(body, ",%s", op->entity->item->proof);
    }
    ms_buf_add_text(body, "\",\"Key\":");
    ms_item_write_key(body, &op->key);
    ms_buf_add_char(body, '}');
    status = ddb_batch_send(&batch, 0, ddb_client_deadline(&owner_of(work)->base.client), error);
    if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
        status = ddb_call_failed(owner_of(work), &batch.calls[0], error);
    }
    if (status == MASTRA_OK) {
        *ret = judge_found(work, op, ms_json_member(batch.calls[0].answer, mastra_str_of("Item")));
    }
    ddb_batch_release(&batch);
    return status;
}

/* Whether the touches can be sent at the same time. */
static bool touches_beside(const struct ddb_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->ops[i].condition != DDB_ANY || work->ops[i].kind != DDB_OP_UPDATE) {
            return false;
        }
    }
    return work->touch_count > 0 && !work->touched;
}

/* Sends requests that are writes, and the touches where they can be beside them. */
mastra_status ddb_send_writes(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error)
{
    size_t writes = batch->count;
    bool beside = touches_beside(work);
    mastra_status status = beside ? ddb_add_touches(work, batch, error) : MASTRA_OK;

    if (status == MASTRA_OK) {
        status = ddb_batch_send(batch, 0, work->session->deadline_ns, error);
    }
    if (status == MASTRA_OK && beside) {
        ddb_take_touches(work, batch, writes);
    }
    return status;
}

/* One attempt. *ret_again: the outcome was looked up, it has had no effect so far. */
static mastra_status try_single(struct ddb_work *work, const struct ddb_op *op, bool *ret_again, bool *lost,
                                mastra_error *error)
{
    enum lookup found = LOOKUP_CHANGED;
    struct ddb_batch batch;
    mastra_error ignored = MASTRA_ERROR_INIT;
    mastra_status status;
    bool doubtful;

    *ret_again = false;
    ddb_batch_init(&batch, owner_of(work));
    status = ddb_add_single(work, &batch, op, error);
    if (status == MASTRA_OK) {
        status = ddb_send_writes(work, &batch, error);
    }
    if (status != MASTRA_OK || ms_service_call_ok(&batch.calls[0])) {
        ddb_batch_release(&batch);
        return status;
    }
    doubtful = op->condition == DDB_SEEN || op->condition == DDB_NEW;
    *lost = *lost || ddb_is_unknown(&batch.calls[0]);
    if (ddb_call_said(&batch.calls[0], "ConditionalCheckFailedException") && !(doubtful && *lost)) {
        work->unsure = op->condition == DDB_PLAIN;
        status = op->condition == DDB_THERE || work->unsure ? MASTRA_OK : ddb_refused(op, error);
    } else {
        bool refusal = ddb_call_said(&batch.calls[0], "ConditionalCheckFailedException");

        status = ddb_write_failed(work, &batch.calls[0], error);
        if (doubtful && *lost && look_up(work, op, &found, &ignored) == MASTRA_OK) {
            /* What was refused is not as it was, even if its revision is: a peer's writes leave that alone. */
            found = found == LOOKUP_OPEN && refusal ? LOOKUP_CHANGED : found;
            *ret_again = found == LOOKUP_OPEN;
            status = found == LOOKUP_DONE      ? MASTRA_OK
                     : found == LOOKUP_CHANGED ? ddb_refused(op, error)
                                               : status;
        } else if (doubtful && *lost) {
            error->status = status = MASTRA_UNKNOWN_OUTCOME;
            error->retriable = false;
        }
    }
    ddb_batch_release(&batch);
    return status;
}

mastra_status ddb_send_single(struct ddb_work *work, const struct ddb_op *op, mastra_error *error)
{
    int64_t backoff_ms = BACKOFF_FIRST_MS;
    bool again = false;
    bool lost = false;
    mastra_status status;

    for (;;) {
        status = try_single(work, op, &again, &lost, error);
        if (!again || ms_clock_monotonic_ns() >= work->session->deadline_ns) {
            return status;
        }
        ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)backoff_ms * 1000));
        backoff_ms = backoff_ms * 2 < BACKOFF_MOST_MS ? backoff_ms * 2 : BACKOFF_MOST_MS;
    }
}
