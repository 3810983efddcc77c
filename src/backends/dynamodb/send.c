/* Sending operations: one by itself, several in a transaction, more than it takes in parts. */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/write.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "schema/form.h"

/* What AWS takes in one transaction; other endpoints may take less. */
#define ITEMS_MOST       100u
#define ITEMS_LEAST      10u
#define BYTES_MOST       ((size_t)4000000)

/* Of BatchWriteItem. */
#define DELETES_MOST     25

/* Times the requests that are under way together. */
#define ROUNDS_AT_ONCE   4

#define BACKOFF_FIRST_MS 20
#define BACKOFF_MOST_MS  2000

static struct dynamodb *owner_of(const struct ddb_work *work)
{
    return work->session->owner;
}

/* Transactions. */

static const char *member_of(const struct ddb_op *op)
{
    switch (op->kind) {
    case DDB_OP_UPDATE:
        return op->whole ? "Put" : "Update";
    case DDB_OP_DELETE:
        return "Delete";
    case DDB_OP_PUT:
        return "Put";
    default:
        return "ConditionCheck";
    }
}

/* The token makes it have an effect once, however often it is sent. */
static mastra_status add_transaction(struct ddb_work *work, struct ddb_batch *batch, const struct ddb_op *ops,
                                     size_t count, mastra_error *error)
{
    struct ms_buf *body = ddb_batch_add(batch, "TransactWriteItems", true, error);
    char token[MS_UUID_LEN + 1];

    if (!body) {
        return MASTRA_OUT_OF_MEMORY;
    }
    if (!ms_uuid_v4(token)) {
        return ms_error_set(error, MASTRA_INTERNAL, "the system's random generator failed");
    }
    ms_buf_add_text(body, "{\"TransactItems\":[");
    for (size_t i = 0; i < count; i++) {
        ms_buf_printf(body, "%s{\"%s\":{", i > 0 ? "," : "", member_of(&ops[i]));
        ms_buf_add_str(body, ddb_op_text(work, &ops[i]));
        ms_buf_add_text(body, "}}");
    }
    ms_buf_printf(body, "],\"ClientRequestToken\":\"%s\"", token);
    ddb_put_capacity(work, body);
    ms_buf_add_char(body, '}');
    return MASTRA_OK;
}

/* The number of the operation whose condition did not hold; `count` when the answer does not tell. Reasons stand in a
 * list of the answer or, from some servers, in its message only: "[None, ConditionalCheckFailed]". */
static size_t refused_at(const struct ms_service_call *call, size_t count)
{
    mastra_str reasons = ms_json_member(call->answer, mastra_str_of("CancellationReasons"));
    const char *at = call->answer.ptr ? strchr(call->answer.ptr, '[') : NULL;
    struct ms_json_iter iter;
    mastra_str reason;
    size_t number = 0;

    if (ms_json_kind(reasons) == MS_JSON_ARRAY) {
        ms_json_iter_init(&iter, reasons);
        for (; ms_json_next(&iter, NULL, &reason); number++) {
            mastra_str code = ms_json_member(reason, mastra_str_of("Code"));

            if (ms_json_kind(code) == MS_JSON_STRING &&
                ms_json_string_equals(code, mastra_str_of("ConditionalCheckFailed"))) {
                return number;
            }
        }
        return count;
    }
    for (; at && number < count; number++) {
        at += strspn(at, "[, ");
        if (strncmp(at, "ConditionalCheckFailed", strlen("ConditionalCheckFailed")) == 0) {
            return number;
        }
        at = strpbrk(at, ",]");
        at = at && *at == ',' ? at : NULL;
    }
    return count;
}

/* Some endpoints take fewer items than AWS. */
static bool learn_most(struct ddb_work *work, const struct ms_service_call *call, size_t count)
{
    unsigned most = atomic_load(&owner_of(work)->most_items);

    if (count <= ITEMS_LEAST || (most > 0 && most <= ITEMS_LEAST) ||
        !ddb_call_said(call, "ValidationException") ||
        !strstr(call->message, "ength less than or equal to")) {
        return false;
    }
    atomic_store(&owner_of(work)->most_items, ITEMS_LEAST);
    return true;
}

static mastra_status judge_transaction(struct ddb_work *work, const struct ms_service_call *call,
                                       const struct ddb_op *ops, size_t count, bool *ret_smaller,
                                       mastra_error *error)
{
    size_t at;
    mastra_status status;

    if (ms_service_call_ok(call)) {
        return MASTRA_OK;
    }
    if (learn_most(work, call, count)) {
        *ret_smaller = true;
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "a transaction of %zu items", count);
    }
    status = ddb_write_failed(work, call, error);
    if (!ddb_call_said(call, "TransactionCanceledException")) {
        return status;
    }
    at = refused_at(call, count);
    return at < count ? ddb_refused(&ops[at], error) : status;
}

mastra_status ddb_send_transaction(struct ddb_work *work, const struct ddb_op *ops, size_t count,
                                   bool *ret_smaller, mastra_error *error)
{
    struct ddb_batch batch;
    mastra_status status;

    ddb_renew_deadline(work->session);
    ddb_batch_init(&batch, owner_of(work));
    status = add_transaction(work, &batch, ops, count, error);
    if (status == MASTRA_OK) {
        status = ddb_send_writes(work, &batch, error);
    }
    if (status == MASTRA_OK) {
        status = judge_transaction(work, &batch.calls[0], ops, count, ret_smaller, error);
    }
    ddb_batch_release(&batch);
    return status;
}

/* Parts. */

unsigned ddb_most_items(const struct ddb_work *work)
{
    unsigned most = atomic_load(&owner_of(work)->most_items);

    return most > 0 ? most : ITEMS_MOST;
}

/* How many of the operations from `from` on one transaction takes; *ret_free: none of them depends on what is there, nor
 * on parts that were written before. */
static size_t part_of(const struct ddb_work *work, size_t from, size_t end, bool *ret_free)
{
    size_t most = ddb_most_items(work);
    size_t bytes = 0;
    size_t count = 0;

    *ret_free = true;
    while (from + count < end && count < most) {
        const struct ddb_op *op = &work->ops[from + count];

        bytes += op->bytes;
        if (count > 0 && bytes > BYTES_MOST) {
            break;
        }
        *ret_free = *ret_free && ddb_is_free(op) && (from == 0 || op->added || !work->ops[0].added);
        count++;
    }
    return count;
}

size_t ddb_rounds(const struct ddb_work *work)
{
    size_t beside = 0;
    size_t rounds = 1;

    for (size_t at = 0; at < work->count;) {
        bool free_part = true;

        at += part_of(work, at, work->count, &free_part);
        beside += free_part ? 1 : 0;
        rounds += free_part ? 0 : 1;
    }
    return rounds + beside / owner_of(work)->base.client.settings.parallel;
}

bool ddb_fits(const struct ddb_work *work)
{
    bool ignored;

    return part_of(work, 0, work->count, &ignored) == work->count;
}

/* What was written under a claim, for when it has to be given up. */
static void note_claimed(struct ddb_work *work, const struct ms_service_call *calls, size_t count)
{
    for (size_t i = 0; i < count && work->claim.held; i++) {
        work->claim.wrote = work->claim.wrote || ms_service_call_ok(&calls[i]);
        work->claim.doubtful = work->claim.doubtful || ddb_is_unknown(&calls[i]);
    }
}

/* Parts one after the other, but those that depend on nothing side by side. */
static mastra_status send_parts(struct ddb_work *work, size_t end, bool *ret_smaller, mastra_error *error)
{
    /* Their bodies are in memory together. */
    size_t at_once = ROUNDS_AT_ONCE * owner_of(work)->base.client.settings.parallel;
    mastra_status status = MASTRA_OK;
    size_t from = 0;

    while (from < end && status == MASTRA_OK) {
        struct ddb_batch batch;
        size_t begin = from;
        size_t parts;
        bool free_part = true;

        ddb_batch_init(&batch, owner_of(work));
        while (from < end && free_part && status == MASTRA_OK && batch.count < at_once) {
            size_t count = part_of(work, from, end, &free_part);

            if (!free_part && batch.count > 0) {
                break;
            }
            status = add_transaction(work, &batch, &work->ops[from], count, error);
            from += count;
        }
        parts = batch.count;
        ddb_renew_deadline(work->session);
        if (status == MASTRA_OK) {
            status = ddb_send_writes(work, &batch, error);
            note_claimed(work, batch.calls, parts);
        }
        for (size_t i = 0, at = begin; i < parts && status == MASTRA_OK; i++) {
            bool ignored;
            size_t count = part_of(work, at, end, &ignored);

            status = judge_transaction(work, &batch.calls[i], &work->ops[at], count, ret_smaller, error);
            at += count;
        }
        ddb_batch_release(&batch);
    }
    return status;
}

static void put_deletes(const struct ddb_work *work, const struct ddb_op *const *ops, size_t count,
                        struct ms_buf *body)
{
    ms_buf_printf(body, "{\"RequestItems\":{\"%s\":[", owner_of(work)->base.client.settings.table);
    for (size_t i = 0; i < count; i++) {
        ms_buf_add_text(body, i > 0 ? ",{\"DeleteRequest\":{\"Key\":" : "{\"DeleteRequest\":{\"Key\":");
        ms_item_write_key(body, &ops[i]->key);
        ms_buf_add_text(body, "}}");
    }
    ms_buf_add_text(body, "]}");
    ddb_put_capacity(work, body);
    ms_buf_add_char(body, '}');
}

/* Asks once more for what an answer has left undone. */
static mastra_status add_rest(struct ddb_batch *batch, const struct ms_service_call *call,
                              mastra_error *error)
{
    mastra_str rest = ms_json_member(call->answer, mastra_str_of("UnprocessedItems"));
    struct ms_buf *body;

    if (ms_json_kind(rest) != MS_JSON_OBJECT || ms_json_count(rest) == 0) {
        return MASTRA_OK;
    }
    body = ddb_batch_add(batch, "BatchWriteItem", true, error);
    if (!body) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ms_buf_add_text(body, "{\"RequestItems\":");
    ms_buf_add_str(body, rest);
    ms_buf_add_char(body, '}');
    return MASTRA_OK;
}

/* Requests until nothing of them is left undone. */
mastra_status ddb_send_bulk(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error)
{
    int64_t backoff_ms = BACKOFF_FIRST_MS;
    mastra_status status = MASTRA_OK;
    size_t from = 0;

    while (from < batch->count && status == MASTRA_OK) {
        size_t end = batch->count;

        if (from > 0) {
            ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)backoff_ms * 1000));
            backoff_ms = backoff_ms * 2 < BACKOFF_MOST_MS ? backoff_ms * 2 : BACKOFF_MOST_MS;
        }
        status = ddb_batch_send(batch, from, work->session->deadline_ns, error);
        for (size_t i = from; i < end && status == MASTRA_OK; i++) {
            struct ms_service_call call = batch->calls[i];

            if (ddb_call_said(&call, "ConditionalCheckFailedException")) {
                continue; /* the row has gone meanwhile */
            }
            status = ms_service_call_ok(&call) ? add_rest(batch, &call, error)
                                               : ddb_write_failed(work, &call, error);
        }
        from = end;
    }
    return status;
}

/* Those that may be done by themselves. */
static mastra_status send_apart(struct ddb_work *work, size_t from, size_t end, mastra_error *error)
{
    const struct ddb_op *deletes[DELETES_MOST];
    struct ddb_batch batch;
    size_t count = 0;
    mastra_status status = MASTRA_OK;

    ddb_renew_deadline(work->session);
    ddb_batch_init(&batch, owner_of(work));
    for (size_t i = from; i <= end && status == MASTRA_OK; i++) {
        const struct ddb_op *op = i < end ? &work->ops[i] : NULL;

        if (op && op->kind == DDB_OP_DELETE) {
            deletes[count++] = op;
        } else if (op) {
            status = ddb_add_single(work, &batch, op, error);
        }
        if (count == DELETES_MOST || (!op && count > 0)) {
            struct ms_buf *body = ddb_batch_add(&batch, "BatchWriteItem", true, error);

            if (!body) {
                status = MASTRA_OUT_OF_MEMORY;
                break;
            }
            put_deletes(work, deletes, count, body);
            count = 0;
        }
    }
    if (status == MASTRA_OK) {
        status = ddb_send_bulk(work, &batch, error);
    }
    ddb_batch_release(&batch);
    return status;
}

/* When an operation is done, of those that are not done together. */
static unsigned rank_of(const struct ddb_op *op)
{
    return op->after ? 2 : op->bulk ? 1 : 0;
}

/* Those of queries last, which may be done by themselves, but for what is left over then; returns how many come before
 * the one and the other. False: memory is out. */
static bool rank(struct ddb_work *work, size_t *ret_bulk, size_t *ret_after)
{
    struct ddb_op *ranked = ms_arena_alloc(work->arena, (work->count + 1) * sizeof *ranked);
    size_t begin[4] = {0};
    size_t count = 0;

    for (unsigned wanted = 0; ranked && wanted < 3; wanted++) {
        begin[wanted] = count;
        for (size_t i = 0; i < work->count; i++) {
            if (rank_of(&work->ops[i]) == wanted) {
                ranked[count++] = work->ops[i];
            }
        }
    }
    *ret_bulk = begin[1];
    *ret_after = begin[2];
    if (!ranked) {
        return false;
    }
    work->ops = ranked;
    work->room = work->count + 1;
    return true;
}

static bool fits(const struct ddb_work *work, size_t end)
{
    bool ignored;

    return part_of(work, 0, end, &ignored) == end;
}

/* The last operation before `end` that creates a record to which the others belong; `end`: none does. */
static size_t find_claiming(const struct ddb_work *work, size_t end)
{
    for (size_t i = end; i-- > 0;) {
        if (ddb_claims(&work->ops[i])) {
            return i;
        }
    }
    return end;
}

/* More than a transaction takes, of which the record at `at` must be created by nobody else. */
static mastra_status send_claiming(struct ddb_work *work, size_t at, size_t end, bool *ret_smaller,
                                   mastra_error *error)
{
    struct ddb_op claimed = work->ops[at];
    mastra_status status;

    if (!work->claim.held) {
        status = ddb_claim_take(work, &claimed, error);
        *ret_smaller = status == MASTRA_OK; /* to be rendered anew, with its mark */
        return status;
    }
    memmove(&work->ops[at], &work->ops[at + 1], (end - 1 - at) * sizeof claimed);
    work->ops[end - 1] = claimed;
    status = send_parts(work, end - 1, ret_smaller, error);
    return status == MASTRA_OK ? ddb_claim_complete(work, &claimed, error) : status;
}

/* More than a transaction takes: the operations from `bulk` to `end` were selected by queries. */
static mastra_status send_divided(struct ddb_work *work, size_t bulk, size_t end, bool *ret_smaller,
                                  mastra_error *error)
{
    size_t claiming = find_claiming(work, bulk);
    mastra_status status;

    if (claiming < bulk && bulk > 1) {
        return send_claiming(work, claiming, bulk, ret_smaller, error);
    }
    /* A parent that is changed tells that its children were: it comes last then, as one that is deleted comes first. */
    if (bulk < end && work->ops[bulk].kind == DDB_OP_UPDATE) {
        status = send_apart(work, bulk, end, error);
        return status == MASTRA_OK ? send_parts(work, bulk, ret_smaller, error) : status;
    }
    status = send_parts(work, bulk, ret_smaller, error);
    return status == MASTRA_OK ? send_apart(work, bulk, end, error) : status;
}

/* All that anybody reads, but not what is left over: that is done together, too, when there is room for it. */
static mastra_status send_main(struct ddb_work *work, size_t bulk, size_t *end, bool *ret_smaller,
                               mastra_error *error)
{
    if (work->count == 1 && work->ops[0].kind != DDB_OP_CHECK) {
        *end = 1;
        return ddb_send_single(work, &work->ops[0], error);
    }
    if (fits(work, work->count)) {
        *end = work->count;
        return ddb_send_transaction(work, work->ops, work->count, ret_smaller, error);
    }
    if (*end == 1 && work->ops[0].kind != DDB_OP_CHECK) {
        return ddb_send_single(work, &work->ops[0], error);
    }
    if (fits(work, *end)) {
        return ddb_send_transaction(work, work->ops, *end, ret_smaller, error);
    }
    return send_divided(work, bulk, *end, ret_smaller, error);
}

mastra_status ddb_send(struct ddb_work *work, bool *ret_smaller, mastra_error *error)
{
    mastra_error left = MASTRA_ERROR_INIT;
    size_t bulk = 0;
    size_t end = 0;
    mastra_status status;

    if (!rank(work, &bulk, &end)) {
        return ms_error_oom(error);
    }
    status = send_main(work, bulk, &end, ret_smaller, error);
    if (status != MASTRA_OK || *ret_smaller || work->unsure || end == work->count) {
        return status;
    }
    /* All that anybody reads has been done: what is left over takes room and does no harm. */
    if (send_apart(work, end, work->count, &left) != MASTRA_OK && owner_of(work)->base.client.log) {
        ms_log_write(owner_of(work)->base.client.log, MASTRA_LOG_WARNING,
                     "parts of a record that has been replaced or deleted are left: %s", left.message);
    }
    return MASTRA_OK;
}
