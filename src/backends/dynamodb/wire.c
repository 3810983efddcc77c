#include "backends/dynamodb/wire.h"

#include "backends/dynamodb/dynamodb.h"
#include "backends/dynamodb/table.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

/* The `Date` of an answer has no fraction. */
#define DATE_FRACTION_MS 999

/* Of requests that one call makes, for the time that it gets. */
#define ROUNDS_MOST      1000

/* A body holds at most what a request may: 16 MB, and what escaping adds. */
#define BODY_MOST        ((size_t)64 << 20)

void ddb_batch_init(struct ddb_batch *batch, struct dynamodb *backend)
{
    *batch = (struct ddb_batch){.backend = backend};
}

void ddb_batch_release(struct ddb_batch *batch)
{
    struct ddb_client *client = &batch->backend->base.client;

    for (size_t i = 0; i < batch->count; i++) {
        ms_service_call_release(&client->service, &batch->calls[i]);
        ms_buf_release(&batch->bodies[i]);
    }
    ms_heap_release(client->heap, batch->calls);
    ms_heap_release(client->heap, batch->bodies);
    ddb_batch_init(batch, batch->backend);
}

static bool grow(struct ddb_batch *batch)
{
    struct ms_heap *heap = batch->backend->base.client.heap;
    size_t room = batch->room ? batch->room * 2 : 4;
    struct ms_service_call *calls = ms_heap_realloc(heap, batch->calls, room * sizeof *calls);
    struct ms_buf *bodies;

    if (!calls) {
        return false;
    }
    batch->calls = calls;
    bodies = ms_heap_realloc(heap, batch->bodies, room * sizeof *bodies);
    if (!bodies) {
        return false;
    }
    batch->bodies = bodies;
    batch->room = room;
    return true;
}

struct ms_buf *ddb_batch_add(struct ddb_batch *batch, const char *operation, bool repeatable,
                             mastra_error *error)
{
    struct ms_buf *body;

    if (batch->count == batch->room && !grow(batch)) {
        ms_error_oom(error);
        return NULL;
    }
    batch->calls[batch->count] = (struct ms_service_call){.operation = operation, .repeatable = repeatable};
    body = &batch->bodies[batch->count++];
    ms_buf_init(body, batch->backend->base.client.heap, BODY_MOST);
    return body;
}

/*
 * What the answer says of the time: it was made, within the second of its `Date`, after the request was sent and before the
 * answer was here. However long either was under way, the service's clock is ahead of ours by something between the two,
 * and what was known so far is changed no further than into that.
 */
static void learn_time(struct dynamodb *backend, const struct ms_service_call *call, mastra_time sent)
{
    int64_t known = atomic_load_explicit(&backend->ahead_ms, memory_order_relaxed);
    int64_t least;
    int64_t most;

    if (call->date == MASTRA_TIME_NONE || call->date == 0) {
        return;
    }
    least = call->date - ms_clock_now();
    most = call->date + DATE_FRACTION_MS - sent;
    if (known < least || known > most) {
        atomic_store_explicit(&backend->ahead_ms, known < least ? least : most, memory_order_relaxed);
    }
}

mastra_status ddb_batch_send(struct ddb_batch *batch, size_t from, int64_t deadline_ns, mastra_error *error)
{
    struct ddb_client *client = &batch->backend->base.client;
    mastra_time sent = ms_clock_now();
    mastra_status status;

    for (size_t i = from; i < batch->count; i++) {
        if (batch->bodies[i].failed == MASTRA_LIMIT_EXCEEDED) {
            return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "a request of more than 64 MiB");
        }
        if (batch->bodies[i].failed != MASTRA_OK) {
            return ms_error_oom(error);
        }
        batch->calls[i].body = ms_buf_view(&batch->bodies[i]);
    }
    /* Those that have to wait for others have their time as well. */
    if (batch->count > from) {
        size_t rounds = (batch->count - from - 1) / client->settings.parallel;

        rounds = rounds < ROUNDS_MOST ? rounds : ROUNDS_MOST;
        deadline_ns += (int64_t)rounds * client->settings.timeout_ms * 1000000;
    }
    status = ms_service_send(&client->service, batch->calls + from, batch->count - from,
                             client->settings.parallel, deadline_ns, error);
    if (status == MASTRA_OK && batch->count > from) {
        learn_time(batch->backend, &batch->calls[batch->count - 1], sent);
    }
    return status;
}

bool ddb_call_said(const struct ms_service_call *call, const char *code)
{
    return call->end == MS_HTTP_ANSWERED && call->status != 200 && strcmp(call->code, code) == 0;
}

/* Whether one of a cancelled transaction's reasons is that a condition did not hold. */
static bool condition_failed(const struct ms_service_call *call)
{
    return ddb_call_said(call, "ConditionalCheckFailedException") ||
           (ddb_call_said(call, "TransactionCanceledException") &&
            (strstr(call->message, "ConditionalCheckFailed") ||
             (call->answer.ptr && strstr(call->answer.ptr, "ConditionalCheckFailed"))));
}

mastra_status ddb_call_failed(struct dynamodb *backend, const struct ms_service_call *call,
                              mastra_error *error)
{
    struct ddb_client *client = &backend->base.client;
    mastra_status status = ms_service_call_error(call, error);

    if (condition_failed(call)) {
        error->status = status = MASTRA_CONFLICT;
        error->retriable = true;
        return status;
    }
    if (ddb_call_said(call, "ResourceNotFoundException")) {
        ddb_table_forget(client);
        error->status = MASTRA_CANNOT_OPEN;
        return MASTRA_CANNOT_OPEN;
    }
    if (ddb_call_said(call, "ValidationException")) {
        if (strstr(call->message, "specified index")) {
            ddb_table_forget(client);
        }
        if (strstr(call->message, "size") || strstr(call->message, "Size")) {
            error->status = MASTRA_LIMIT_EXCEEDED;
            return MASTRA_LIMIT_EXCEEDED;
        }
    }
    return status;
}

/* Writing. */

void ddb_put_head(const struct dynamodb *backend, struct ms_buf *body)
{
    ms_buf_add_text(body, "{\"TableName\":\"");
    ms_buf_add_text(body, backend->base.client.settings.table);
    ms_buf_add_char(body, '"');
    if (backend->base.client.settings.count_capacity) {
        ms_buf_add_text(body, ",\"ReturnConsumedCapacity\":\"TOTAL\"");
    }
}

void ddb_put_text(struct ms_buf *body, const char *name, mastra_str text)
{
    ms_buf_add_char(body, ',');
    ms_json_put_key(body, name);
    ms_json_put_string(body, text);
}

void ddb_put_string(struct ms_buf *body, mastra_str text)
{
    ms_buf_add_text(body, "{\"S\":");
    ms_json_put_string(body, text);
    ms_buf_add_char(body, '}');
}

void ddb_put_number(struct ms_buf *body, int64_t number)
{
    ms_buf_add_text(body, "{\"N\":\"");
    ms_buf_add_int(body, number);
    ms_buf_add_text(body, "\"}");
}

void ddb_put_key(struct ms_buf *body, mastra_str pk, mastra_str sk)
{
    ms_buf_add_text(body, "{\"pk\":");
    ddb_put_string(body, pk);
    ms_buf_add_text(body, ",\"sk\":");
    ddb_put_string(body, sk);
    ms_buf_add_char(body, '}');
}
