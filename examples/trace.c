/*
 * A trace recorder: an agent's run as a tree of spans, written in batches, and the list of traces read back.
 *
 *     trace URL
 *
 * Recording must cost the agent little, so spans are collected and saved together: one call for a batch, all or none.
 */
#define _POSIX_C_SOURCE 200809L

#include <mastra/mastra.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define BATCH   8
#define ID_SIZE 33

/* A span under way. It belongs to the caller and must live until it has ended. */
struct span {
    char trace_id[ID_SIZE];
    char id[ID_SIZE];
    char parent_id[ID_SIZE];
    const char *name;
    const char *type;
    mastra_time started_at;
};

/* Spans that have ended, until they are saved. The texts that they point to live beside them. */
struct recorder {
    mastra_store *store;
    size_t count;
    struct span ended[BATCH];
    mastra_span rows[BATCH];
};

static mastra_time now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (mastra_time)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* As OpenTelemetry has them: 16 random bytes for a trace, 8 for a span, in hexadecimal digits. */
static void make_id(char id[ID_SIZE], size_t count)
{
    unsigned char bytes[16];

    if (getrandom(bytes, count, 0) != (ssize_t)count) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* Begins a span below the parent; without a parent the root of a new trace. */
static struct span begin_span(const struct span *parent, const char *name, const char *type)
{
    struct span span = {.name = name, .type = type, .started_at = now()};

    if (parent) {
        snprintf(span.trace_id, ID_SIZE, "%s", parent->trace_id);
        snprintf(span.parent_id, ID_SIZE, "%s", parent->id);
    } else {
        make_id(span.trace_id, 16);
    }
    make_id(span.id, 8);
    return span;
}

/* Saves what has been collected. On failure it stays, and the next call tries again. */
static mastra_status flush_spans(struct recorder *recorder, mastra_error *error)
{
    const mastra_span *rows[BATCH];
    mastra_status status;

    for (size_t i = 0; i < recorder->count; i++) {
        rows[i] = &recorder->rows[i];
    }
    status = mastra_batch_create_spans(recorder->store, rows, recorder->count, error);
    if (status == MASTRA_OK) {
        printf("saved %zu spans\n", recorder->count);
        recorder->count = 0;
    }
    return status;
}

/* Ends a span. `output` and `failure` are JSON, or NULL. */
static mastra_status end_span(struct recorder *recorder, const struct span *span, const char *output,
                              const char *failure, mastra_error *error)
{
    struct span *kept;
    mastra_span *row;
    mastra_status status = MASTRA_OK;

    if (recorder->count == BATCH) {
        status = flush_spans(recorder, error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    kept = &recorder->ended[recorder->count];
    row = &recorder->rows[recorder->count];
    recorder->count++;
    *kept = *span;
    *row = (mastra_span)MASTRA_SPAN_INIT;
    row->trace_id = mastra_str_of(kept->trace_id);
    row->span_id = mastra_str_of(kept->id);
    row->parent_span_id = mastra_str_of(kept->parent_id[0] ? kept->parent_id : NULL);
    row->name = mastra_str_of(kept->name);
    row->span_type = mastra_str_of(kept->type);
    row->started_at = kept->started_at;
    row->ended_at = now();
    row->output = mastra_str_of(output);
    row->error = mastra_str_of(failure);
    return MASTRA_OK;
}

/* What is recorded: an agent that thinks, calls a tool, and fails at it when it is told to. */
static mastra_status run_agent(struct recorder *recorder, bool fails, mastra_error *error)
{
    const char *failure = fails ? "{\"message\":\"no route to the weather\"}" : NULL;
    struct span root = begin_span(NULL, "agent run: weather", "agent_run");
    mastra_status status = MASTRA_OK;

    for (int round = 1; status == MASTRA_OK && round <= 2; round++) {
        struct span thought = begin_span(&root, "llm: stub", "model_generation");
        struct span tool = begin_span(&thought, "tool: getWeather", "tool_call");

        status = end_span(recorder, &tool, fails ? NULL : "{\"rain\":true}", failure, error);
        if (status == MASTRA_OK) {
            status = end_span(recorder, &thought, "{\"text\":\"Take a coat.\"}", NULL, error);
        }
    }
    return status == MASTRA_OK ? end_span(recorder, &root, NULL, failure, error) : status;
}

static mastra_status show_trace(mastra_store *store, const mastra_span *root, mastra_error *error)
{
    static const char *const words[] = {[MASTRA_TRACE_SUCCESS] = "success",
                                        [MASTRA_TRACE_ERROR] = "error",
                                        [MASTRA_TRACE_RUNNING] = "running"};
    mastra_span_list *spans = NULL;
    mastra_status status = mastra_get_trace_light(store, root->trace_id, &spans, error);

    if (status == MASTRA_OK) {
        printf("%s: %s, %zu spans\n", root->name.ptr, words[mastra_trace_status_of(root)],
               mastra_span_list_count(spans));
    }
    mastra_span_list_free(spans);
    return status;
}

/* The traces of the last hour, newest first. */
static mastra_status list_traces(mastra_store *store, mastra_error *error)
{
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_span_list *roots = NULL;
    mastra_status status;

    args.started_from = now() - 3600 * 1000;
    args.per_page = 5;
    status = mastra_list_traces(store, &args, &roots, error);
    if (status == MASTRA_OK) {
        printf("%lld traces\n", (long long)mastra_span_list_page(roots)->total);
    }
    for (size_t i = 0; status == MASTRA_OK && i < mastra_span_list_count(roots); i++) {
        status = show_trace(store, mastra_span_list_at(roots, i), error);
    }
    mastra_span_list_free(roots);
    return status;
}

int main(int argc, char **argv)
{
    struct recorder recorder = {.store = NULL};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    if (argc != 2) {
        fputs("usage: trace URL\n", stderr);
        return 2;
    }
    status = mastra_open(argv[1], NULL, &recorder.store, &error);
    for (int run = 1; status == MASTRA_OK && run <= 3; run++) {
        status = run_agent(&recorder, run == 2, &error);
    }
    if (status == MASTRA_OK) {
        status = flush_spans(&recorder, &error);
    }
    if (status == MASTRA_OK) {
        status = list_traces(recorder.store, &error);
    }
    if (status != MASTRA_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    mastra_close(recorder.store, NULL);
    return mastra_status_exit_code(status);
}
