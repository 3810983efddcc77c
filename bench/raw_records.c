/* The limit: workflow runs and spans. */
#include "raw.h"

#include <stdio.h>
#include <string.h>

double raw_persist(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[SAVE_RUN];
    char id[24];
    char now[25];
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        (void)snprintf(id, sizeof(id), "run-%zu", i % RUNS);
        raw_time(now, milliseconds_now());
        raw_bind(statement, 1, id);
        raw_bind(statement, 2, batch->snapshots[i]);
        raw_bind(statement, 3, now);
        if (!raw_done(statement)) {
            return raw_complain(raw, "persist");
        }
    }
    return seconds_now() - begin;
}

static bool save_span(struct raw *raw, const struct span_note *span, const char now[25])
{
    sqlite3_stmt *statement = raw->statements[SAVE_SPAN];
    char started[25];
    char ended[25];

    raw_time(started, span->started_at);
    raw_time(ended, span->started_at + 1500);
    raw_bind(statement, 1, span->trace);
    raw_bind(statement, 2, span->id);
    raw_bind(statement, 3, "generate");
    raw_bind(statement, 4, "model_generation");
    raw_bind(statement, 5, started);
    if (span->root) {
        sqlite3_bind_null(statement, 6);
    } else {
        raw_bind(statement, 6, "parent");
    }
    raw_bind(statement, 7, "agent");
    raw_bind(statement, 8, "assistant");
    raw_bind(statement, 9, "run-1");
    raw_bind(statement, 10, "long");
    raw_bind(statement, 11, span_attributes);
    raw_bind(statement, 12, span_input);
    raw_bind(statement, 13, span_output);
    raw_bind(statement, 14, ended);
    raw_bind(statement, 15, now);
    return raw_done(statement);
}

double raw_create_spans(struct raw *raw, const struct batch *batch)
{
    bool saved = true;
    double begin = seconds_now();

    for (size_t i = 0; saved && i < batch->span_count; i += MANY) {
        char now[25];

        raw_time(now, milliseconds_now());
        saved = raw_done(raw->statements[BEGIN]);
        for (size_t j = i; saved && j < batch->span_count && j < i + MANY; j++) {
            saved = save_span(raw, &batch->spans[j], now);
        }
        saved = saved && raw_done(raw->statements[COMMIT]);
    }
    return saved ? seconds_now() - begin : raw_complain(raw, "spans");
}

/* Gives the number of spans that the statement has brought; 0 when one was too short. */
static size_t read_spans(struct raw *raw, sqlite3_stmt *statement)
{
    size_t least = strlen(span_attributes) + strlen(span_input) + strlen(span_output);
    size_t count = 0;
    bool right = true;

    while (sqlite3_step(statement) == SQLITE_ROW) {
        right = right && raw_fetch(raw, statement) > least;
        count++;
    }
    return sqlite3_reset(statement) == SQLITE_OK && right ? count : 0;
}

double raw_get_trace(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[SPANS_OF];
    char trace[24];
    double begin = seconds_now();

    (void)snprintf(trace, sizeof(trace), "trace-%d", TRACES / 2);
    for (size_t i = 0; i < batch->operations; i++) {
        raw_bind(statement, 1, trace);
        if (read_spans(raw, statement) != TRACE_SPANS) {
            return raw_complain(raw, "trace");
        }
    }
    return seconds_now() - begin;
}

static bool count_roots(struct raw *raw)
{
    sqlite3_stmt *statement = raw->statements[COUNT_ROOTS];
    bool right = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == TRACES;

    return sqlite3_reset(statement) == SQLITE_OK && right;
}

/* The page and its total, of one moment. */
double raw_list_traces(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[ROOTS];
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        sqlite3_bind_int(statement, 1, TRACES_PAGE);
        if (!raw_done(raw->statements[BEGIN_READ]) || read_spans(raw, statement) != TRACES_PAGE ||
            !count_roots(raw) || !raw_done(raw->statements[COMMIT])) {
            return raw_complain(raw, "traces");
        }
    }
    return seconds_now() - begin;
}
