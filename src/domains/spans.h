/*
 * The observability domain: what writing spans and reading traces means. The public header says what each operation
 * does; these are the same with the call in place of store and error.
 */
#ifndef DOMAINS_SPANS_H
#define DOMAINS_SPANS_H

#include "domains/api.h"

#include <mastra/observability.h>

#define MS_SPAN_OPS(X)                                                                                       \
    X(create_span, "createSpan", "CREATE_SPAN", true, true)                                                  \
    X(batch_create_spans, "batchCreateSpans", "BATCH_CREATE_SPANS", true, true)                              \
    X(update_span, "updateSpan", "UPDATE_SPAN", true, true)                                                  \
    X(batch_update_spans, "batchUpdateSpans", "BATCH_UPDATE_SPANS", true, true)                              \
    X(get_span, "getSpan", "GET_SPAN", false, true)                                                          \
    X(get_root_span, "getRootSpan", "GET_ROOT_SPAN", false, true)                                            \
    X(get_trace, "getTrace", "GET_TRACE", false, true)                                                       \
    X(get_trace_light, "getTraceLight", "GET_TRACE_LIGHT", false, true)                                      \
    X(list_traces, "listTraces", "LIST_TRACES", false, true)                                                 \
    X(get_traces_paginated, "getTracesPaginated", "GET_TRACES_PAGINATED", false, true)                       \
    X(batch_delete_traces, "batchDeleteTraces", "BATCH_DELETE_TRACES", true, true)

MS_SPAN_OPS(MS_OP_DECLARE)

/* What a trace is read without by ms_get_trace_light. */
#define MS_SPAN_HEAVY                                                                                        \
    (MASTRA_SPAN_SET_INPUT | MASTRA_SPAN_SET_OUTPUT | MASTRA_SPAN_SET_ATTRIBUTES |                           \
     MASTRA_SPAN_SET_METADATA | MASTRA_SPAN_SET_TAGS | MASTRA_SPAN_SET_LINKS)

mastra_status ms_create_span(struct ms_call *call, const mastra_span *span);
mastra_status ms_batch_create_spans(struct ms_call *call, const mastra_span *const *spans, size_t count);
mastra_status ms_update_span(struct ms_call *call, const mastra_span_patch *patch);
mastra_status ms_batch_update_spans(struct ms_call *call, const mastra_span_patch *const *patches,
                                    size_t count);
mastra_status ms_get_span(struct ms_call *call, mastra_str trace_id, mastra_str span_id, mastra_span **ret);
mastra_status ms_get_root_span(struct ms_call *call, mastra_str trace_id, mastra_span **ret);
mastra_status ms_get_trace(struct ms_call *call, mastra_str trace_id, mastra_span_list **ret);
mastra_status ms_get_trace_light(struct ms_call *call, mastra_str trace_id, mastra_span_list **ret);

mastra_status ms_list_traces(struct ms_call *call, const mastra_list_traces_args *args,
                             mastra_span_list **ret);
/* The same with pages of any size. */
mastra_status ms_get_traces_paginated(struct ms_call *call, const mastra_list_traces_args *args,
                                      mastra_span_list **ret);

/* Of the traces named, those whose root is of this organization and this resource; absent: of any. */
struct ms_trace_scope {
    mastra_str organization_id;
    mastra_str resource_id;
};

mastra_status ms_batch_delete_traces(struct ms_call *call, const mastra_str *trace_ids, size_t count,
                                     const struct ms_trace_scope *scope);

#endif
