/* Requests to the table, and what their answers come to. */
#ifndef BACKENDS_DYNAMODB_WIRE_H
#define BACKENDS_DYNAMODB_WIRE_H

#include "aws/service.h"

struct dynamodb;

/* Requests that are made side by side. Zeroed, then ddb_batch_init. */
struct ddb_batch {
    struct dynamodb *backend;
    struct ms_service_call *calls;
    struct ms_buf *bodies;
    size_t count;
    size_t room;
};

void ddb_batch_init(struct ddb_batch *batch, struct dynamodb *backend);
void ddb_batch_release(struct ddb_batch *batch);

/* A further request; its body is to be written by the caller. `repeatable`: as that of ms_service_call. NULL when memory
 * is out (error is set). */
struct ms_buf *ddb_batch_add(struct ddb_batch *batch, const char *operation, bool repeatable,
                             mastra_error *error);

/*
 * Makes those from number `from` on. That one went wrong is no error here; see ddb_call_failed. Errors: CLOSED,
 * OUT_OF_MEMORY, LIMIT_EXCEEDED (a body is too large).
 */
mastra_status ddb_batch_send(struct ddb_batch *batch, size_t from, int64_t deadline_ns, mastra_error *error);

/* Whether a call that was made was answered with an error of this code. */
bool ddb_call_said(const struct ms_service_call *call, const char *code);

/* What a call that did not go well comes to. */
mastra_status ddb_call_failed(struct dynamodb *backend, const struct ms_service_call *call,
                              mastra_error *error);

/* The beginning of a body: {"TableName":"...". */
void ddb_put_head(const struct dynamodb *backend, struct ms_buf *body);

/* A member in an object that has others already: ,"name":"text" with the text escaped. */
void ddb_put_text(struct ms_buf *body, const char *name, mastra_str text);

/* {"S":"..."} and {"N":"..."}. */
void ddb_put_string(struct ms_buf *body, mastra_str text);
void ddb_put_number(struct ms_buf *body, int64_t number);

/* {"pk":{"S":"..."},"sk":{"S":"..."}} */
void ddb_put_key(struct ms_buf *body, mastra_str pk, mastra_str sk);

#endif
