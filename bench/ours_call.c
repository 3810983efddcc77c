/* Us by name: JSON in and out. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arguments. */

static size_t put_messages(char *text, size_t room, const struct note *notes, size_t count)
{
    size_t len = (size_t)snprintf(text, room, "{\"messages\":[");

    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, room - len,
                                "%s{\"id\":\"%s\",\"threadId\":\"%s\",\"resourceId\":\"user-1\","
                                "\"role\":\"user\",\"createdAt\":%lld,\"content\":%s}",
                                i ? "," : "", notes[i].id, notes[i].thread, (long long)notes[i].created_at,
                                notes[i].content);
    }
    return len + (size_t)snprintf(text + len, room - len, "]}");
}

static size_t put_spans(char *text, size_t room, const struct span_note *spans, size_t count)
{
    size_t len = (size_t)snprintf(text, room, "{\"records\":[");

    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(
            text + len, room - len,
            "%s{\"traceId\":\"%s\",\"spanId\":\"%s\",\"name\":\"generate\","
            "\"spanType\":\"model_generation\",\"isEvent\":false,\"startedAt\":%lld,\"endedAt\":%lld,"
            "\"parentSpanId\":%s,\"entityType\":\"agent\",\"entityId\":\"assistant\",\"runId\":\"run-1\","
            "\"threadId\":\"long\",\"attributes\":%s,\"input\":%s,\"output\":%s}",
            i ? "," : "", spans[i].trace, spans[i].id, (long long)spans[i].started_at,
            (long long)spans[i].started_at + 1500, spans[i].root ? "null" : "\"parent\"", span_attributes,
            span_input, span_output);
    }
    return len + (size_t)snprintf(text + len, room - len, "]}");
}

static size_t put(char *text, size_t room, const struct batch *batch, size_t i)
{
    size_t each = rows[batch->row].things;

    if (batch->snapshots) {
        return (size_t)snprintf(text, room,
                                "{\"workflowName\":\"bench\",\"runId\":\"run-%zu\",\"snapshot\":%s}",
                                i % RUNS, batch->snapshots[i]);
    }
    if (batch->spans) {
        size_t rest = batch->span_count - i * each;

        return put_spans(text, room, batch->spans + i * each, rest < each ? rest : each);
    }
    return put_messages(text, room, batch->notes + i * each, each);
}

char **ours_arguments(const struct batch *batch)
{
    size_t room = batch->snapshots ? SNAPSHOT + 256 : rows[batch->row].things * (CONTENT + 1024) + 64;
    char **arguments = calloc(batch->operations, sizeof(*arguments));

    for (size_t i = 0; arguments && i < batch->operations; i++) {
        arguments[i] = malloc(room);
        if (!arguments[i] || put(arguments[i], room, batch, i) >= room) {
            ours_arguments_free(arguments, batch->operations);
            return NULL;
        }
    }
    return arguments;
}

void ours_arguments_free(char **arguments, size_t count)
{
    for (size_t i = 0; arguments && i < count; i++) {
        free(arguments[i]);
    }
    free(arguments);
}

/* Calls. */

/* One call, whose answer must hold a text. */
static bool call(struct ours *ours, const char *operation, const char *arguments, const char *expected)
{
    char *answer = NULL;
    bool right;

    if (mastra_call(ours->store, operation, mastra_str_of(arguments), &answer, NULL, &ours->error) !=
        MASTRA_OK) {
        return false;
    }
    right = strstr(answer, expected) != NULL;
    mastra_json_free(answer);
    return right;
}

static double save_called(struct ours *ours, struct batch *batch, const char *operation, const char *expected)
{
    char **arguments = ours_arguments(batch);
    bool saved = arguments != NULL;
    double begin = seconds_now();
    double last = begin;

    for (size_t i = 0; saved && i < batch->operations; i++) {
        saved = call(ours, operation, arguments[i], expected);
        if (batch->laps) {
            double now = seconds_now();

            batch->laps[i] = now - last;
            last = now;
        }
    }
    last = seconds_now();
    batch_sum_up(batch);
    ours_arguments_free(arguments, batch->operations);
    return saved ? last - begin : ours_complain(ours, operation);
}

static double read_called(struct ours *ours, const struct batch *batch, const char *operation,
                          const char *arguments, const char *expected)
{
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        if (!call(ours, operation, arguments, expected)) {
            return ours_complain(ours, operation);
        }
    }
    return seconds_now() - begin;
}

static double get_threads(struct ours *ours, const struct batch *batch)
{
    char arguments[64];
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        (void)snprintf(arguments, sizeof(arguments), "{\"threadId\":\"agent-%zu\"}", i % AT_ONCE);
        if (!call(ours, "getThreadById", arguments, "{\"id\":\"agent-")) {
            return ours_complain(ours, "getThreadById");
        }
    }
    return seconds_now() - begin;
}

static double list_messages(struct ours *ours, const struct batch *batch)
{
    const struct row_info *info = &rows[batch->row];
    int total = info->thread[0] == 'h' ? HUGE_THREAD : LONG_THREAD;
    char arguments[160];
    char expected[32];

    if (info->newest_first) {
        (void)snprintf(arguments, sizeof(arguments),
                       "{\"threadId\":\"%s\",\"perPage\":%d,%s\"orderBy\":{\"field\":\"createdAt\","
                       "\"direction\":\"DESC\"}}",
                       info->thread, PAGE, info->no_total ? "\"includeTotal\":false," : "");
    } else {
        (void)snprintf(arguments, sizeof(arguments), "{\"threadId\":\"%s\",\"perPage\":%d,\"page\":%d}",
                       info->thread, PAGE, total / PAGE - 1);
    }
    (void)snprintf(expected, sizeof(expected), "\"total\":%d", info->no_total ? PAGE : total);
    return read_called(ours, batch, "listMessages", arguments, expected);
}

static double get_trace(struct ours *ours, const struct batch *batch)
{
    char arguments[64];

    (void)snprintf(arguments, sizeof(arguments), "{\"traceId\":\"trace-%d\"}", TRACES / 2);
    return read_called(ours, batch, "getTrace", arguments, "\"finishReason\":\"stop\"");
}

static double list_traces(struct ours *ours, const struct batch *batch)
{
    char arguments[64];
    char expected[32];

    (void)snprintf(arguments, sizeof(arguments), "{\"pagination\":{\"page\":0,\"perPage\":%d}}", TRACES_PAGE);
    (void)snprintf(expected, sizeof(expected), "\"total\":%d", TRACES);
    return read_called(ours, batch, "listTraces", arguments, expected);
}

double ours_run_called(void *self, struct batch *batch)
{
    switch (rows[batch->row].work) {
    case WORK_SAVE:
        return save_called(self, batch, "saveMessages", "{\"messages\":[{");
    case WORK_PAGE:
        return list_messages(self, batch);
    case WORK_GET_THREAD:
        return get_threads(self, batch);
    case WORK_PERSIST:
        return save_called(self, batch, "persistWorkflowSnapshot", "null");
    case WORK_SPANS:
        return save_called(self, batch, "batchCreateSpans", "null");
    case WORK_TRACE:
        return get_trace(self, batch);
    case WORK_TRACES:
        return list_traces(self, batch);
    default:
        return -1; /* not by name */
    }
}
