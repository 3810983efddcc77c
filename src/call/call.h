/* The operation registry: name -> JSON in, JSON out. The command's help, the pipe and the bindings come from it. */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include "base/json.h"
#include "call/args.h"
#include "store/call.h"

/*
 * Runs an operation on the args struct that its table describes. One that reads appends the result's JSON to `out`; of
 * one that writes the entry's `answer` does so, inside the unit of work.
 */
typedef mastra_status (*ms_handler)(struct ms_call *call, const void *args, struct ms_buf *out);

struct ms_operation {
    const struct ms_op *op;
    const char *domain; /* "memory" */
    const char *summary;
    const struct ms_arg *args;
    size_t arg_count;
    const void *blank; /* the args struct with its defaults; what the table's offsets are meant in */
    size_t size;       /* of that struct */
    const struct ms_arg *result; /* a description without a name */
    const char *const
        *order; /* where the id of the one thread concerned may stand in the arguments, ended by NULL:
                                 "threadId", "thread.id"; arrays on the way are gone through. NULL: nowhere */
    const char
        *across; /* an argument which, when it is there and not empty, reaches beyond that thread; or NULL */
    ms_handler handler;
    ms_answer_fn answer; /* of a writing operation; NULL: the result is null */
    const char *example; /* arguments, as JSON text */
    uint32_t errors;     /* MS_FAILS of what it may end in, besides what any call may */
};

/* The longest result of an operation that is `alone`. */
#define MS_OWN_ANSWER_MOST 1024

#define MS_FAILS(status)   (UINT32_C(1) << -MASTRA_##status)

struct ms_operation_set {
    const struct ms_operation *operations;
    size_t count;
};

extern const struct ms_operation_set ms_thread_operations;
extern const struct ms_operation_set ms_message_operations;
extern const struct ms_operation_set ms_clone_operations;
extern const struct ms_operation_set ms_resource_operations;
extern const struct ms_operation_set ms_workflow_operations;
extern const struct ms_operation_set ms_run_lock_operations;
extern const struct ms_operation_set ms_span_operations;
extern const struct ms_operation_set ms_trace_operations;
extern const struct ms_operation_set ms_score_operations;
extern const struct ms_operation_set ms_eval_operations;
extern const struct ms_operation_set ms_trace_record_operations;
extern const struct ms_operation_set ms_table_operations;
extern const struct ms_operation_set ms_last_table_operations;
extern const struct ms_operation_set ms_row_operations;
extern const struct ms_operation_set ms_index_operations;
extern const struct ms_operation_set ms_prune_operations;
extern const struct ms_operation_set ms_store_operations;

/* The operation of that name, or the n-th of all; NULL when there is none. */
const struct ms_operation *ms_operation_find(mastra_str name);
const struct ms_operation *ms_operation_at(size_t index);

/*
 * Finds the operation and checks the arguments' text, without touching the database. Absent arguments stay absent.
 * USAGE, INVALID_ARGUMENT; `error` may be NULL.
 */
mastra_status ms_operation_prepare(mastra_store *store, mastra_str name, mastra_str args,
                                   const struct ms_operation **ret_operation, mastra_str *ret_args,
                                   mastra_error *error);

/* Fills `error`, which may be NULL, for a call that is refused before it has begun: `inner` with its id completed. */
mastra_status ms_operation_refuse(mastra_store *store, const struct ms_op *op, const mastra_error *inner,
                                  mastra_error *error);

/*
 * Reads the arguments (a checked value, or absent), runs the operation and appends the result to `out`. Between
 * ms_call_begin and ms_call_end; may run more than once for one call (see store/async.h).
 */
mastra_status ms_operation_run(const struct ms_operation *operation, struct ms_call *call, mastra_str args,
                               struct ms_buf *out);

/* Appends {name, domain, summary, args, result, writes, repeatable, errors, example}. */
void ms_operation_describe(struct ms_buf *out, const struct ms_operation *operation);

/* Appends the arguments for people to read, one to a line. */
void ms_operation_explain(struct ms_buf *out, const struct ms_operation *operation);

/* Appends the error record as a JSON object; one of a shorter, older struct too. */
void ms_put_error(struct ms_buf *out, const mastra_error *error);

/*
 * JSON texts that the caller releases with mastra_json_free, which gets nothing but the pointer: a head in front of
 * the text holds a reference on the heap, taken by begin. What is appended between begin and end is the text; end
 * hands it over (and drops it when ret_json is NULL), or returns why an append failed.
 */
void ms_json_text_begin(struct ms_buf *buf, struct ms_heap *heap);
void ms_json_text_clear(struct ms_buf *buf); /* back to where begin left it */
void ms_json_text_one_line(struct ms_buf *buf);
void ms_json_text_abandon(struct ms_buf *buf);
mastra_status ms_json_text_end(struct ms_buf *buf, char **ret_json, size_t *ret_len);

#endif
