/*
 * What Mastra 0.x kept and later versions do not: evals, and traces as OpenTelemetry records.
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written only
 * on success; each is released as a whole by its _free function, may be used from any thread after that, and stays
 * valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing or malformed,
 * named in the error; nothing has been written), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED
 * and OUT_OF_MEMORY.
 */
#ifndef MASTRA_EVALS_H
#define MASTRA_EVALS_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mastra_eval {
    size_t size;
    mastra_str input;
    mastra_str output;
    mastra_str result; /* JSON object with a member "score" */
    mastra_str agent_name;
    mastra_str metric_name;
    mastra_str instructions;
    mastra_str test_info; /* JSON object; absent: none */
    mastra_str global_run_id;
    mastra_str run_id;
    mastra_time created_at;
} mastra_eval;

#define MASTRA_EVAL_INIT                                                                                     \
    {                                                                                                        \
        sizeof(mastra_eval), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},    \
            {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE                                                           \
    }

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_eval_list mastra_eval_list;

MASTRA_API size_t mastra_eval_list_count(const mastra_eval_list *list);
MASTRA_API const mastra_eval *mastra_eval_list_at(const mastra_eval_list *list, size_t index);
MASTRA_API const mastra_page *mastra_eval_list_page(const mastra_eval_list *list);
MASTRA_API void mastra_eval_list_free(mastra_eval_list *list); /* NULL is allowed */

/*
 * Adds an eval; each call adds one, evals have no key. Required: input, output, result, agent_name, metric_name,
 * instructions, global_run_id, run_id. createdAt defaults to now. Mastra 0.x: insert into mastra_evals.
 */
MASTRA_API mastra_status mastra_save_eval(mastra_store *store, const mastra_eval *eval, mastra_error *error);

typedef enum mastra_eval_type {
    MASTRA_EVAL_ANY = 0,
    MASTRA_EVAL_TEST = 1, /* test_info names a testPath */
    MASTRA_EVAL_LIVE = 2, /* it does not */
} mastra_eval_type;

typedef struct mastra_get_evals_args {
    size_t size;
    mastra_str agent_name; /* absent: any */
    mastra_eval_type type;
    mastra_time start_date; /* inclusive; MASTRA_TIME_NONE: open */
    mastra_time end_date;
    int64_t page;
    int64_t per_page; /* default 100 */
} mastra_get_evals_args;

#define MASTRA_GET_EVALS_INIT                                                                                \
    {                                                                                                        \
        sizeof(mastra_get_evals_args), {NULL, 0}, MASTRA_EVAL_ANY, MASTRA_TIME_NONE, MASTRA_TIME_NONE, 0,    \
            MASTRA_PER_PAGE_DEFAULT                                                                          \
    }

/* Evals, newest first. `args` NULL: all defaults. Mastra: getEvals, listEvals. */
MASTRA_API mastra_status mastra_get_evals(mastra_store *store, const mastra_get_evals_args *args,
                                          mastra_eval_list **ret_evals, mastra_error *error);

/* All evals of an agent, newest first. Mastra: getEvalsByAgentName. */
MASTRA_API mastra_status mastra_get_evals_by_agent_name(mastra_store *store, mastra_str agent_name,
                                                        mastra_eval_type type, mastra_eval_list **ret_evals,
                                                        mastra_error *error);

/* Traces of Mastra 0.x: one record is one span. */

typedef struct mastra_trace_record {
    size_t size;
    mastra_str id;
    mastra_str parent_span_id;
    mastra_str name;
    mastra_str trace_id;
    mastra_str scope;
    int64_t kind;
    mastra_str attributes; /* JSON, as are status, events and links */
    mastra_str status;
    mastra_str events;
    mastra_str links;
    mastra_str other;   /* any text */
    int64_t start_time; /* in the units of whoever traces, microseconds as a rule */
    int64_t end_time;
    mastra_time created_at;
} mastra_trace_record;

#define MASTRA_TRACE_RECORD_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_trace_record), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},                  \
            MASTRA_INTEGER_NONE, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_INTEGER_NONE, \
            MASTRA_INTEGER_NONE, MASTRA_TIME_NONE                                                            \
    }

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_trace_record_list mastra_trace_record_list;

MASTRA_API size_t mastra_trace_record_list_count(const mastra_trace_record_list *list);
MASTRA_API const mastra_trace_record *mastra_trace_record_list_at(const mastra_trace_record_list *list,
                                                                  size_t index);
MASTRA_API const mastra_page *mastra_trace_record_list_page(const mastra_trace_record_list *list);
MASTRA_API void mastra_trace_record_list_free(mastra_trace_record_list *list); /* NULL is allowed */

/*
 * Creates or replaces records by id, all or none. Required: id, name, trace_id, scope, kind, start_time, end_time.
 * createdAt defaults to now. Mastra 0.x: batchTraceInsert.
 */
MASTRA_API mastra_status mastra_batch_trace_insert(mastra_store *store,
                                                   const mastra_trace_record *const *records, size_t count,
                                                   mastra_error *error);

typedef struct mastra_get_traces_args {
    size_t size;
    mastra_str name;       /* what the name begins with; absent: any */
    mastra_str scope;      /* absent: any */
    mastra_str attributes; /* JSON object; every member must equal the record's of that name, type included */
    mastra_str filters;    /* JSON object of column to text, number or null; the record's must equal it */
    mastra_time from_date; /* of createdAt, inclusive; MASTRA_TIME_NONE: open */
    mastra_time to_date;
    int64_t page;
    int64_t per_page; /* default 100 */
} mastra_get_traces_args;

#define MASTRA_GET_TRACES_INIT                                                                               \
    {                                                                                                        \
        sizeof(mastra_get_traces_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE,        \
            MASTRA_TIME_NONE, 0, MASTRA_PER_PAGE_DEFAULT                                                     \
    }

/* Records, the latest start first. `args` NULL: all defaults. Mastra 0.x: getTraces. */
MASTRA_API mastra_status mastra_get_traces(mastra_store *store, const mastra_get_traces_args *args,
                                           mastra_trace_record_list **ret_records, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
