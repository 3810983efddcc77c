/*
 * Observability: the spans of traces. A trace is the spans of one trace id; its root is the span without a parent.
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written only
 * on success; each is released as a whole by its _free function, may be used from any thread after that, and stays
 * valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing or malformed,
 * named in the error; nothing has been written), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED
 * and OUT_OF_MEMORY.
 */
#ifndef MASTRA_OBSERVABILITY_H
#define MASTRA_OBSERVABILITY_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mastra_span {
    size_t size;
    mastra_str trace_id;
    mastra_str span_id;
    mastra_str name;
    mastra_str span_type;
    bool is_event;
    mastra_time started_at;
    mastra_str parent_span_id;
    mastra_str entity_type;
    mastra_str entity_id;
    mastra_str entity_name;
    mastra_str parent_entity_type;
    mastra_str parent_entity_id;
    mastra_str parent_entity_name;
    mastra_str root_entity_type;
    mastra_str root_entity_id;
    mastra_str root_entity_name;
    mastra_str user_id;
    mastra_str organization_id;
    mastra_str resource_id;
    mastra_str run_id;
    mastra_str session_id;
    mastra_str thread_id;
    mastra_str request_id;
    mastra_str environment;
    mastra_str service_name;
    mastra_str scope; /* here and below: JSON text, kept character for character */
    mastra_str entity_version_id;
    mastra_str parent_entity_version_id;
    mastra_str root_entity_version_id;
    mastra_str experiment_id;
    mastra_str source;
    mastra_str metadata;
    mastra_str tags;
    mastra_str attributes;
    mastra_str links;
    mastra_str input;
    mastra_str output;
    mastra_str error;
    mastra_time ended_at;
    mastra_str request_context;
    mastra_time created_at;
    mastra_time updated_at;
} mastra_span;

#define MASTRA_SPAN_INIT                                                                                     \
    {                                                                                                        \
        sizeof(mastra_span), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, false, MASTRA_TIME_NONE, {NULL, 0}, \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},          \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},          \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},          \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE,   \
            {NULL, 0}, MASTRA_TIME_NONE, MASTRA_TIME_NONE                                                    \
    }

/* Patches: `values` holds the key (trace_id, span_id) and the new values, `set` says which are meant; null is written
 * for a value that is absent. */
#define MASTRA_SPAN_SET_NAME                     (UINT64_C(1) << 2)
#define MASTRA_SPAN_SET_SPAN_TYPE                (UINT64_C(1) << 3)
#define MASTRA_SPAN_SET_IS_EVENT                 (UINT64_C(1) << 4)
#define MASTRA_SPAN_SET_STARTED_AT               (UINT64_C(1) << 5)
#define MASTRA_SPAN_SET_PARENT_SPAN_ID           (UINT64_C(1) << 6)
#define MASTRA_SPAN_SET_ENTITY_TYPE              (UINT64_C(1) << 7)
#define MASTRA_SPAN_SET_ENTITY_ID                (UINT64_C(1) << 8)
#define MASTRA_SPAN_SET_ENTITY_NAME              (UINT64_C(1) << 9)
#define MASTRA_SPAN_SET_PARENT_ENTITY_TYPE       (UINT64_C(1) << 10)
#define MASTRA_SPAN_SET_PARENT_ENTITY_ID         (UINT64_C(1) << 11)
#define MASTRA_SPAN_SET_PARENT_ENTITY_NAME       (UINT64_C(1) << 12)
#define MASTRA_SPAN_SET_ROOT_ENTITY_TYPE         (UINT64_C(1) << 13)
#define MASTRA_SPAN_SET_ROOT_ENTITY_ID           (UINT64_C(1) << 14)
#define MASTRA_SPAN_SET_ROOT_ENTITY_NAME         (UINT64_C(1) << 15)
#define MASTRA_SPAN_SET_USER_ID                  (UINT64_C(1) << 16)
#define MASTRA_SPAN_SET_ORGANIZATION_ID          (UINT64_C(1) << 17)
#define MASTRA_SPAN_SET_RESOURCE_ID              (UINT64_C(1) << 18)
#define MASTRA_SPAN_SET_RUN_ID                   (UINT64_C(1) << 19)
#define MASTRA_SPAN_SET_SESSION_ID               (UINT64_C(1) << 20)
#define MASTRA_SPAN_SET_THREAD_ID                (UINT64_C(1) << 21)
#define MASTRA_SPAN_SET_REQUEST_ID               (UINT64_C(1) << 22)
#define MASTRA_SPAN_SET_ENVIRONMENT              (UINT64_C(1) << 23)
#define MASTRA_SPAN_SET_SERVICE_NAME             (UINT64_C(1) << 24)
#define MASTRA_SPAN_SET_SCOPE                    (UINT64_C(1) << 25)
#define MASTRA_SPAN_SET_ENTITY_VERSION_ID        (UINT64_C(1) << 26)
#define MASTRA_SPAN_SET_PARENT_ENTITY_VERSION_ID (UINT64_C(1) << 27)
#define MASTRA_SPAN_SET_ROOT_ENTITY_VERSION_ID   (UINT64_C(1) << 28)
#define MASTRA_SPAN_SET_EXPERIMENT_ID            (UINT64_C(1) << 29)
#define MASTRA_SPAN_SET_SOURCE                   (UINT64_C(1) << 30)
#define MASTRA_SPAN_SET_METADATA                 (UINT64_C(1) << 31)
#define MASTRA_SPAN_SET_TAGS                     (UINT64_C(1) << 32)
#define MASTRA_SPAN_SET_ATTRIBUTES               (UINT64_C(1) << 33)
#define MASTRA_SPAN_SET_LINKS                    (UINT64_C(1) << 34)
#define MASTRA_SPAN_SET_INPUT                    (UINT64_C(1) << 35)
#define MASTRA_SPAN_SET_OUTPUT                   (UINT64_C(1) << 36)
#define MASTRA_SPAN_SET_ERROR                    (UINT64_C(1) << 37)
#define MASTRA_SPAN_SET_ENDED_AT                 (UINT64_C(1) << 38)
#define MASTRA_SPAN_SET_REQUEST_CONTEXT          (UINT64_C(1) << 39)
#define MASTRA_SPAN_SET_CREATED_AT               (UINT64_C(1) << 40)
#define MASTRA_SPAN_SET_UPDATED_AT               (UINT64_C(1) << 41)

typedef struct mastra_span_patch {
    size_t size;
    uint64_t set;
    mastra_span values;
} mastra_span_patch;

#define MASTRA_SPAN_PATCH_INIT                                                                               \
    {                                                                                                        \
        sizeof(mastra_span_patch), 0, MASTRA_SPAN_INIT                                                       \
    }

MASTRA_API void mastra_span_free(mastra_span *span); /* NULL is allowed */

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_span_list mastra_span_list;

MASTRA_API size_t mastra_span_list_count(const mastra_span_list *list);
MASTRA_API const mastra_span *mastra_span_list_at(const mastra_span_list *list, size_t index);
MASTRA_API const mastra_page *mastra_span_list_page(const mastra_span_list *list);
MASTRA_API void mastra_span_list_free(mastra_span_list *list); /* NULL is allowed */

typedef enum mastra_trace_status {
    MASTRA_TRACE_ANY = 0,
    MASTRA_TRACE_SUCCESS = 1, /* the root has ended without an error */
    MASTRA_TRACE_ERROR = 2,   /* the root has an error */
    MASTRA_TRACE_RUNNING = 3, /* neither */
} mastra_trace_status;

/* The status that a root span gives its trace; never ANY. */
MASTRA_API mastra_trace_status mastra_trace_status_of(const mastra_span *root);

/*
 * Creates a span, or wholly replaces the one with the same trace_id and span_id. Required: trace_id, span_id, name,
 * span_type, started_at. createdAt and updatedAt become now. Mastra: createSpan.
 */
MASTRA_API mastra_status mastra_create_span(mastra_store *store, const mastra_span *span,
                                            mastra_error *error);

/* The same for several, all or none; an empty batch does nothing. Mastra: batchCreateSpans. */
MASTRA_API mastra_status mastra_batch_create_spans(mastra_store *store, const mastra_span *const *spans,
                                                   size_t count, mastra_error *error);

/*
 * Changes a span; a missing one is left alone without an error. JSON values are replaced whole. updatedAt becomes now.
 * Mastra: updateSpan.
 */
MASTRA_API mastra_status mastra_update_span(mastra_store *store, const mastra_span_patch *patch,
                                            mastra_error *error);

/* The same for several, all or none. Mastra: batchUpdateSpans. */
MASTRA_API mastra_status mastra_batch_update_spans(mastra_store *store,
                                                   const mastra_span_patch *const *patches, size_t count,
                                                   mastra_error *error);

/* Reads one span; *ret_span is NULL when there is none. Mastra: getSpan. */
MASTRA_API mastra_status mastra_get_span(mastra_store *store, mastra_str trace_id, mastra_str span_id,
                                         mastra_span **ret_span, mastra_error *error);

/* Reads a trace's root, of several the first to start; *ret_span is NULL when there is none. Mastra: getRootSpan. */
MASTRA_API mastra_status mastra_get_root_span(mastra_store *store, mastra_str trace_id,
                                              mastra_span **ret_span, mastra_error *error);

/* Reads all spans of a trace, by their start; *ret_spans is NULL when there are none. Mastra: getTrace. */
MASTRA_API mastra_status mastra_get_trace(mastra_store *store, mastra_str trace_id,
                                          mastra_span_list **ret_spans, mastra_error *error);

/* The same without what is often large: input, output, attributes, metadata, tags and links, which are absent.
 * Mastra: getTraceLight. */
MASTRA_API mastra_status mastra_get_trace_light(mastra_store *store, mastra_str trace_id,
                                                mastra_span_list **ret_spans, mastra_error *error);

typedef enum mastra_span_order {
    MASTRA_SPAN_ORDER_DEFAULT = 0,
    MASTRA_SPAN_ORDER_STARTED_AT = 1, /* the default */
    MASTRA_SPAN_ORDER_ENDED_AT = 2,   /* what has not ended counts as latest */
} mastra_span_order;

typedef struct mastra_list_traces_args {
    size_t size;
    mastra_time started_from; /* inclusive unless excluded; MASTRA_TIME_NONE: open */
    mastra_time started_to;
    bool started_from_exclusive;
    bool started_to_exclusive;
    mastra_time ended_from;
    mastra_time ended_to;
    bool ended_from_exclusive;
    bool ended_to_exclusive;
    const mastra_span
        *match; /* what the root must equal in every text that is present here; of scope and metadata, each
                                 member of the JSON object given here; of tags, every element; other JSON is an
                                 error; NULL: anything */
    mastra_trace_status status;
    int has_child_error; /* -1: whether or not any span of the trace has an error; 0: none; 1: some */
    int64_t page;
    int64_t per_page; /* 1 to 100; default 10 */
    mastra_span_order order_by;
    mastra_direction direction; /* default: descending */
} mastra_list_traces_args;

#define MASTRA_LIST_TRACES_INIT                                                                              \
    {                                                                                                        \
        sizeof(mastra_list_traces_args), MASTRA_TIME_NONE, MASTRA_TIME_NONE, false, false, MASTRA_TIME_NONE, \
            MASTRA_TIME_NONE, false, false, NULL, MASTRA_TRACE_ANY, -1, 0, MASTRA_PER_PAGE_DEFAULT,          \
            MASTRA_SPAN_ORDER_DEFAULT, MASTRA_DIRECTION_DEFAULT                                              \
    }

/* The root spans of the traces that match. `args` NULL: all defaults. Mastra: listTraces, getTracesPaginated. */
MASTRA_API mastra_status mastra_list_traces(mastra_store *store, const mastra_list_traces_args *args,
                                            mastra_span_list **ret_roots, mastra_error *error);

/* Deletes all spans of these traces, all or none; unknown ids are ignored. Mastra: batchDeleteTraces. */
MASTRA_API mastra_status mastra_batch_delete_traces(mastra_store *store, const mastra_str *trace_ids,
                                                    size_t count, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
