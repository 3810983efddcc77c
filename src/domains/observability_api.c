/* The typed functions of <mastra/observability.h>: each begins a call, runs the domain's function, ends the call. */
#include "domains/api.h"
#include "domains/spans.h"

MS_SPAN_OPS(MS_OP_DEFINE)

mastra_status mastra_create_span(mastra_store *store, const mastra_span *span, mastra_error *error)
{
    MS_RUN(create_span, ms_create_span, span);
}

mastra_status mastra_batch_create_spans(mastra_store *store, const mastra_span *const *spans, size_t count,
                                        mastra_error *error)
{
    MS_RUN(batch_create_spans, ms_batch_create_spans, spans, count);
}

mastra_status mastra_update_span(mastra_store *store, const mastra_span_patch *patch, mastra_error *error)
{
    MS_RUN(update_span, ms_update_span, patch);
}

mastra_status mastra_batch_update_spans(mastra_store *store, const mastra_span_patch *const *patches,
                                        size_t count, mastra_error *error)
{
    MS_RUN(batch_update_spans, ms_batch_update_spans, patches, count);
}

mastra_status mastra_get_span(mastra_store *store, mastra_str trace_id, mastra_str span_id,
                              mastra_span **ret_span, mastra_error *error)
{
    MS_RUN(get_span, ms_get_span, trace_id, span_id, ret_span);
}

mastra_status mastra_get_root_span(mastra_store *store, mastra_str trace_id, mastra_span **ret_span,
                                   mastra_error *error)
{
    MS_RUN(get_root_span, ms_get_root_span, trace_id, ret_span);
}

mastra_status mastra_get_trace(mastra_store *store, mastra_str trace_id, mastra_span_list **ret_spans,
                               mastra_error *error)
{
    MS_RUN(get_trace, ms_get_trace, trace_id, ret_spans);
}

mastra_status mastra_get_trace_light(mastra_store *store, mastra_str trace_id, mastra_span_list **ret_spans,
                                     mastra_error *error)
{
    MS_RUN(get_trace_light, ms_get_trace_light, trace_id, ret_spans);
}

mastra_status mastra_list_traces(mastra_store *store, const mastra_list_traces_args *args,
                                 mastra_span_list **ret_roots, mastra_error *error)
{
    MS_RUN(list_traces, ms_list_traces, args, ret_roots);
}

mastra_status mastra_batch_delete_traces(mastra_store *store, const mastra_str *trace_ids, size_t count,
                                         mastra_error *error)
{
    MS_RUN(batch_delete_traces, ms_batch_delete_traces, trace_ids, count, NULL);
}
