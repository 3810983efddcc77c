/* Us: workflow runs and spans by the typed functions. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>

double ours_persist(struct ours *ours, const struct batch *batch)
{
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
        char id[24];

        (void)snprintf(id, sizeof(id), "run-%zu", i % RUNS);
        run.workflow_name = mastra_str_of("bench");
        run.run_id = mastra_str_of(id);
        run.snapshot = mastra_str_of(batch->snapshots[i]);
        if (mastra_persist_workflow_snapshot(ours->store, &run, NULL, &ours->error) != MASTRA_OK) {
            return ours_complain(ours, "persistWorkflowSnapshot");
        }
    }
    return seconds_now() - begin;
}

static mastra_span span_of(const struct span_note *note)
{
    mastra_span span = MASTRA_SPAN_INIT;

    span.trace_id = mastra_str_of(note->trace);
    span.span_id = mastra_str_of(note->id);
    span.name = mastra_str_of("generate");
    span.span_type = mastra_str_of("model_generation");
    span.started_at = note->started_at;
    span.ended_at = note->started_at + 1500;
    span.parent_span_id = mastra_str_of(note->root ? NULL : "parent");
    span.entity_type = mastra_str_of("agent");
    span.entity_id = mastra_str_of("assistant");
    span.run_id = mastra_str_of("run-1");
    span.thread_id = mastra_str_of("long");
    span.attributes = mastra_str_of(span_attributes);
    span.input = mastra_str_of(span_input);
    span.output = mastra_str_of(span_output);
    return span;
}

double ours_create_spans(struct ours *ours, const struct batch *batch)
{
    mastra_span *spans = calloc(batch->span_count, sizeof(*spans));
    const mastra_span **list = calloc(batch->span_count, sizeof(*list));
    mastra_status status = spans && list ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
    double begin;

    for (size_t i = 0; status == MASTRA_OK && i < batch->span_count; i++) {
        spans[i] = span_of(&batch->spans[i]);
        list[i] = &spans[i];
    }
    begin = seconds_now();
    for (size_t i = 0; status == MASTRA_OK && i < batch->span_count; i += MANY) {
        size_t rest = batch->span_count - i;

        status = mastra_batch_create_spans(ours->store, list + i, rest < MANY ? rest : MANY, &ours->error);
    }
    begin = seconds_now() - begin;
    free(list);
    free(spans);
    return status == MASTRA_OK ? begin : ours_complain(ours, "batchCreateSpans");
}

double ours_get_trace(struct ours *ours, const struct batch *batch)
{
    char trace[24];
    double begin = seconds_now();

    (void)snprintf(trace, sizeof(trace), "trace-%d", TRACES / 2);
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_span_list *list = NULL;
        bool right;

        if (mastra_get_trace(ours->store, mastra_str_of(trace), &list, &ours->error) != MASTRA_OK) {
            return ours_complain(ours, "getTrace");
        }
        right = mastra_span_list_count(list) == TRACE_SPANS &&
                mastra_span_list_at(list, TRACE_SPANS - 1)->output.len == mastra_str_of(span_output).len;
        mastra_span_list_free(list);
        if (!right) {
            return ours_complain(ours, "getTrace answered something else");
        }
    }
    return seconds_now() - begin;
}

double ours_list_traces(struct ours *ours, const struct batch *batch)
{
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_str newest;
    char trace[24];
    double begin = seconds_now();

    (void)snprintf(trace, sizeof(trace), "trace-%d", TRACES - 1);
    newest = mastra_str_of(trace);
    args.per_page = TRACES_PAGE;
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_span_list *list = NULL;
        bool right;

        if (mastra_list_traces(ours->store, &args, &list, &ours->error) != MASTRA_OK) {
            return ours_complain(ours, "listTraces");
        }
        right = mastra_span_list_count(list) == TRACES_PAGE && mastra_span_list_page(list)->total == TRACES &&
                strcmp(mastra_span_list_at(list, 0)->trace_id.ptr, newest.ptr) == 0;
        mastra_span_list_free(list);
        if (!right) {
            return ours_complain(ours, "listTraces answered something else");
        }
    }
    return seconds_now() - begin;
}
