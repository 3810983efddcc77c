/* Operations on spans and single traces: arguments, results, handlers. */
#include "domains/spans.h"
#include "call/common.h"

/* createSpan, batchCreateSpans */

struct create_args {
    mastra_span span;
};

static const struct create_args create_blank = {MASTRA_SPAN_INIT};

static const struct ms_arg create_table[] = {
    {.name = "span",
     .type = MS_ARG_RECORD,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct create_args, span),
     .entity = MS_SPAN,
     .about = "createdAt and updatedAt become now"},
};

static mastra_status create_span(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct create_args *create = args;

    (void)out;
    return ms_create_span(call, &create->span);
}

struct batch_create_args {
    const mastra_span *const *spans;
    size_t count;
};

static const struct batch_create_args batch_create_blank = {NULL, 0};

static const struct ms_arg batch_create_table[] = {
    {.name = "records",
     .type = MS_ARG_RECORDS,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct batch_create_args, spans),
     .also = offsetof(struct batch_create_args, count),
     .entity = MS_SPAN,
     .about = "of several with one key the last counts"},
};

static mastra_status batch_create_spans(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct batch_create_args *create = args;

    (void)out;
    return ms_batch_create_spans(call, create->spans, create->count);
}

/* updateSpan, batchUpdateSpans */

static const mastra_span_patch update_blank = MASTRA_SPAN_PATCH_INIT;

#define PATCH(field) offsetof(mastra_span_patch, field)
static const struct ms_arg update_table[] = {
    {.name = "traceId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED, .offset = PATCH(values.trace_id)},
    {.name = "spanId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED, .offset = PATCH(values.span_id)},
    {.name = "updates",
     .type = MS_ARG_UPDATES,
     .flags = MS_ARG_REQUIRED,
     .offset = PATCH(values),
     .also = PATCH(set),
     .entity = MS_SPAN,
     .about = "a member that is missing keeps what is stored; JSON is replaced whole"},
};
#undef PATCH

static mastra_status update_span(struct ms_call *call, const void *args, struct ms_buf *out)
{
    (void)out;
    return ms_update_span(call, args);
}

struct batch_update_args {
    const mastra_span_patch *const *patches;
    size_t count;
};

static const struct batch_update_args batch_update_blank = {NULL, 0};

static const struct ms_arg batch_update_table[] = {
    {.name = "records",
     .type = MS_ARG_GROUPS,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct batch_update_args, patches),
     .also = offsetof(struct batch_update_args, count),
     .members = update_table,
     .member_count = MS_COUNT(update_table),
     .size = sizeof(mastra_span_patch),
     .blank = &update_blank},
};

static mastra_status batch_update_spans(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct batch_update_args *update = args;

    (void)out;
    return ms_batch_update_spans(call, update->patches, update->count);
}

/* getSpan, getRootSpan */

struct span_ref {
    mastra_str trace_id;
    mastra_str span_id;
};

static const struct span_ref ref_blank = {{NULL, 0}, {NULL, 0}};

#define TRACE_ID_ARG(more)                                                                                   \
    {                                                                                                        \
        .name = "traceId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | (more),                           \
        .offset = offsetof(struct span_ref, trace_id)                                                        \
    }

static const struct ms_arg get_span_table[] = {
    TRACE_ID_ARG(0),
    {.name = "spanId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct span_ref, span_id)},
};

static const struct ms_arg trace_table[] = {TRACE_ID_ARG(MS_ARG_BARE)};

static const struct ms_arg span_members[] = {
    {.name = "span", .type = MS_ARG_RECORD, .flags = MS_ARG_REQUIRED, .entity = MS_SPAN},
};
static const struct ms_arg span_result = {.type = MS_ARG_GROUP,
                                          .flags = MS_ARG_NULLABLE,
                                          .members = span_members,
                                          .member_count = MS_COUNT(span_members)};

static mastra_status put_span(struct ms_buf *out, mastra_status status, mastra_span *span)
{
    if (status == MASTRA_OK && span) {
        ms_buf_add_text(out, "{\"span\":");
        ms_put_record(out, MS_SPAN, span, 0);
        ms_buf_add_char(out, '}');
    } else if (status == MASTRA_OK) {
        ms_buf_add_text(out, "null");
    }
    mastra_span_free(span);
    return status;
}

static mastra_status get_span(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct span_ref *ref = args;
    mastra_span *span = NULL;
    mastra_status status = ms_get_span(call, ref->trace_id, ref->span_id, &span);

    return put_span(out, status, span);
}

static mastra_status get_root_span(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct span_ref *ref = args;
    mastra_span *span = NULL;
    mastra_status status = ms_get_root_span(call, ref->trace_id, &span);

    return put_span(out, status, span);
}

/* getTrace, getTraceLight */

#define TRACE_MEMBERS(without)                                                                               \
    {.name = "traceId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED},                                      \
    {                                                                                                        \
        .name = "spans", .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = MS_SPAN,                \
        .bit = (without)                                                                                     \
    }
#define TRACE_RESULT(table)                                                                                  \
    {                                                                                                        \
        .type = MS_ARG_GROUP, .flags = MS_ARG_NULLABLE, .members = (table), .member_count = MS_COUNT(table)  \
    }

static const struct ms_arg trace_members[] = {TRACE_MEMBERS(0)};
static const struct ms_arg trace_result = TRACE_RESULT(trace_members);

static const struct ms_arg light_members[] = {TRACE_MEMBERS(MS_SPAN_HEAVY)};
static const struct ms_arg light_result = TRACE_RESULT(light_members);

static void put_trace_span(struct ms_buf *out, const mastra_span *span, uint64_t columns, bool compact)
{
    const struct ms_entity *entity = ms_entity(MS_SPAN);

    if (compact) {
        ms_put_pairs(out, entity, span, columns);
        return;
    }
    ms_buf_add_char(out, '{');
    ms_put_members(out, entity, span, columns, 0);
    ms_buf_add_char(out, '}');
}

static void put_trace(struct ms_buf *out, mastra_str trace_id, const mastra_span_list *spans,
                      uint64_t columns, bool compact)
{
    if (!spans) {
        ms_buf_add_text(out, "null");
        return;
    }
    ms_buf_add_text(out, "{\"traceId\":");
    ms_put_text(out, trace_id);
    if (compact) {
        ms_buf_add_char(out, ',');
        ms_put_columns(out, ms_entity(MS_SPAN), columns);
    }
    ms_buf_add_text(out, ",\"spans\":[");
    for (size_t i = 0; i < mastra_span_list_count(spans); i++) {
        ms_buf_add_text(out, i ? "," : "");
        put_trace_span(out, mastra_span_list_at(spans, i), columns, compact);
    }
    ms_buf_add_text(out, "]}");
}

static mastra_status get_trace(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct span_ref *ref = args;
    mastra_span_list *spans = NULL;
    mastra_status status = ms_get_trace(call, ref->trace_id, &spans);

    if (status == MASTRA_OK) {
        put_trace(out, ref->trace_id, spans, ms_entity_all(ms_entity(MS_SPAN)), call->compact);
    }
    mastra_span_list_free(spans);
    return status;
}

static mastra_status get_trace_light(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct span_ref *ref = args;
    mastra_span_list *spans = NULL;
    mastra_status status = ms_get_trace_light(call, ref->trace_id, &spans);

    if (status == MASTRA_OK) {
        put_trace(out, ref->trace_id, spans, ms_entity_all(ms_entity(MS_SPAN)) & ~MS_SPAN_HEAVY,
                  call->compact);
    }
    mastra_span_list_free(spans);
    return status;
}

/* batchDeleteTraces */

struct delete_args {
    const mastra_str *ids;
    size_t count;
    struct ms_trace_scope scope;
};

static const struct delete_args delete_blank = {NULL, 0, {{NULL, 0}, {NULL, 0}}};

#define DELETE(field) offsetof(struct delete_args, field)
static const struct ms_arg delete_table[] = {
    {.name = "traceIds",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = DELETE(ids),
     .also = DELETE(count)},
    {.name = "organizationId",
     .type = MS_ARG_TEXT,
     .offset = DELETE(scope.organization_id),
     .about = "only traces whose root has this one"},
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .offset = DELETE(scope.resource_id),
     .about = "only traces whose root has this one"},
};
#undef DELETE

static mastra_status batch_delete_traces(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct delete_args *which = args;

    (void)out;
    return ms_batch_delete_traces(call, which->ids, which->count, &which->scope);
}

/* The operations. */

#define ENTRY(c_name, text, table, initial, returned, sample)                                                \
    {                                                                                                        \
        MS_OPERATION("observability", c_name, text, table, initial, returned, NULL, sample, 0)               \
    }

static const struct ms_operation operations[] = {
    ENTRY(create_span, "Creates or wholly replaces a span.", create_table, create_blank, ms_result_null,
          "{\"span\":{\"traceId\":\"tr1\",\"spanId\":\"s1\",\"name\":\"agent run: 'chef'\",\"spanType\":"
          "\"agent_run\",\"entityType\":\"agent\",\"entityId\":\"chef\",\"isEvent\":false,"
          "\"startedAt\":\"2026-01-01T00:00:00.000Z\",\"input\":\"Hello\"}}"),
    ENTRY(batch_create_spans, "Creates or wholly replaces spans, all or none.", batch_create_table,
          batch_create_blank, ms_result_null,
          "{\"records\":[{\"traceId\":\"tr1\",\"spanId\":\"s2\",\"parentSpanId\":\"s1\",\"name\":\"step: 0\","
          "\"spanType\":\"model_step\",\"isEvent\":false,\"startedAt\":\"2026-01-01T00:00:01.000Z\"}]}"),
    ENTRY(update_span, "Changes a span; a missing one is left alone.", update_table, update_blank,
          ms_result_null,
          "{\"traceId\":\"tr1\",\"spanId\":\"s1\",\"updates\":{\"endedAt\":\"2026-01-01T00:00:02.000Z\","
          "\"output\":{\"text\":\"Hi\"}}}"),
    ENTRY(batch_update_spans, "Changes spans, all or none; missing ones are left alone.", batch_update_table,
          batch_update_blank, ms_result_null,
          "{\"records\":[{\"traceId\":\"tr1\",\"spanId\":\"s2\",\"updates\":{\"endedAt\":"
          "\"2026-01-01T00:00:02.000Z\"}}]}"),
    ENTRY(get_span, "Reads one span.", get_span_table, ref_blank, span_result,
          "{\"traceId\":\"tr1\",\"spanId\":\"s1\"}"),
    ENTRY(get_root_span, "Reads the root of a trace, the span without a parent.", trace_table, ref_blank,
          span_result, "{\"traceId\":\"tr1\"}"),
    ENTRY(get_trace, "Reads all spans of a trace, by their start.", trace_table, ref_blank, trace_result,
          "{\"traceId\":\"tr1\"}"),
    ENTRY(get_trace_light, "Reads all spans of a trace without what is often large.", trace_table, ref_blank,
          light_result, "{\"traceId\":\"tr1\"}"),
    ENTRY(batch_delete_traces, "Deletes all spans of traces, all or none.", delete_table, delete_blank,
          ms_result_null, "{\"traceIds\":[\"tr8\",\"tr9\"]}"),
};

const struct ms_operation_set ms_span_operations = {operations, MS_COUNT(operations)};
