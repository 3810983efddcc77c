/*
 * The limit on PostgreSQL: libpq by hand, with the statements that saving and reading cannot do without, prepared once
 * and sent in pipelines: one exchange with the server for each call. The tables are those that ours makes.
 */
#include "postgres.h"

#include <mastra/mastra.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES_OF_SPAN                                                                                        \
    "\"traceId\", \"spanId\", name, \"spanType\", \"isEvent\", \"startedAtZ\", \"parentSpanId\", "           \
    "\"entityType\", \"entityId\", \"entityName\", \"userId\", \"organizationId\", \"resourceId\", "         \
    "\"runId\", "                                                                                            \
    "\"sessionId\", \"threadId\", \"requestId\", environment, \"serviceName\", scope, source, metadata, "    \
    "tags, "                                                                                                 \
    "attributes, links, input, output, error, \"endedAtZ\", \"requestContext\", \"createdAtZ\", "            \
    "\"updatedAtZ\""

enum statement {
    BEGIN,
    BEGIN_READ,
    COMMIT,
    SAVE,
    TOUCH,
    NEWEST,
    THREAD,
    SAVE_THREAD,
    SAVE_RUN,
    SAVE_SPAN,
    SPANS_OF,
    ROOTS,
    COUNT_ROOTS,
    STATEMENT_COUNT,
};

static const char *const texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN",
    [BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [COMMIT] = "COMMIT",
    [SAVE] =
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, \"createdAt\", \"createdAtZ\", "
        "\"resourceId\", \"mastraSeq\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO "
        "UPDATE SET thread_id = excluded.thread_id, content = excluded.content, role = excluded.role, "
        "type = excluded.type, \"resourceId\" = excluded.\"resourceId\"",
    [TOUCH] = "UPDATE mastra_threads SET \"updatedAt\" = $1, \"updatedAtZ\" = $2 WHERE id = $3",
    [NEWEST] =
        "SELECT id, thread_id, content, role, type, \"createdAtZ\", \"resourceId\" FROM mastra_messages "
        "WHERE thread_id = $1 ORDER BY \"createdAt\" DESC, COALESCE(\"mastraSeq\", 0) DESC, id DESC LIMIT $2",
    [THREAD] =
        "SELECT id, \"resourceId\", title, metadata, \"createdAtZ\", \"updatedAtZ\" FROM mastra_threads "
        "WHERE id = $1",
    [SAVE_THREAD] =
        "INSERT INTO mastra_threads (id, \"resourceId\", title, metadata, \"createdAt\", \"createdAtZ\", "
        "\"updatedAt\", \"updatedAtZ\") VALUES ($1, 'user-1', 'A thread', '{\"topic\":\"benchmark\"}', "
        "$2, $3, $2, $3)",
    [SAVE_RUN] =
        "INSERT INTO mastra_workflow_snapshot AS old (workflow_name, run_id, snapshot, \"createdAt\", "
        "\"createdAtZ\", \"updatedAt\", \"updatedAtZ\") VALUES ('bench', $1, $2, $3, $4, $3, $4) ON CONFLICT "
        "(workflow_name, run_id) DO UPDATE SET \"resourceId\" = coalesce(excluded.\"resourceId\", "
        "old.\"resourceId\"), snapshot = excluded.snapshot, \"updatedAt\" = excluded.\"updatedAt\", "
        "\"updatedAtZ\" = excluded.\"updatedAtZ\"",
    [SAVE_SPAN] =
        "INSERT INTO mastra_ai_spans (\"traceId\", \"spanId\", name, \"spanType\", \"isEvent\", "
        "\"startedAt\", "
        "\"startedAtZ\", \"parentSpanId\", \"entityType\", \"entityId\", \"runId\", \"threadId\", "
        "attributes, "
        "input, output, \"endedAt\", \"endedAtZ\", \"createdAt\") VALUES ($1, $2, $3, $4, false, $5, $6, $7, "
        "$8, "
        "$9, $10, $11, $12, $13, $14, $15, $16, now()) ON CONFLICT (\"traceId\", \"spanId\") DO UPDATE SET "
        "name = excluded.name, \"spanType\" = excluded.\"spanType\", \"isEvent\" = false, \"startedAt\" = "
        "excluded.\"startedAt\", \"startedAtZ\" = excluded.\"startedAtZ\", \"parentSpanId\" = "
        "excluded.\"parentSpanId\", \"entityType\" = excluded.\"entityType\", \"entityId\" = "
        "excluded.\"entityId\", \"runId\" = excluded.\"runId\", \"threadId\" = excluded.\"threadId\", "
        "attributes = excluded.attributes, input = excluded.input, output = excluded.output, \"endedAt\" = "
        "excluded.\"endedAt\", \"endedAtZ\" = excluded.\"endedAtZ\"",
    [SPANS_OF] =
        "SELECT " NAMES_OF_SPAN " FROM mastra_ai_spans WHERE \"traceId\" = $1 ORDER BY \"startedAt\", "
        "\"spanId\"",
    [ROOTS] = "SELECT " NAMES_OF_SPAN " FROM mastra_ai_spans WHERE \"parentSpanId\" IS NULL ORDER BY "
              "\"startedAt\" DESC LIMIT $1",
    [COUNT_ROOTS] = "SELECT count(*) FROM mastra_ai_spans WHERE \"parentSpanId\" IS NULL",
};

#define MOST_VALUES 16

struct raw {
    PGconn *connection;
    int64_t sequence;
    char row[8 * CONTENT]; /* where a record that was read is put */
};

/* What a batch of statements has brought: its last result with rows. */
struct answer {
    PGresult *rows;
    PGresult *count;
};

static double complain(const struct raw *raw, const char *doing)
{
    fprintf(stderr, "bench: raw: %s: %s\n", doing,
            raw->connection ? PQerrorMessage(raw->connection) : "no memory");
    return -1;
}

static bool send(struct raw *raw, enum statement which, const char *const *values, int count)
{
    char name[8];

    (void)snprintf(name, sizeof(name), "s%d", (int)which);
    return PQsendQueryPrepared(raw->connection, name, count, values, NULL, NULL, 0) == 1;
}

/* Ends the pipeline and takes everything that comes; keeps results with rows when they are wanted. */
static bool settle(struct raw *raw, struct answer *answer)
{
    bool right = PQpipelineSync(raw->connection) == 1;

    while (right) {
        PGresult *result = PQgetResult(raw->connection);
        ExecStatusType status = PQresultStatus(result);

        if (!result) {
            continue; /* between two statements */
        }
        if (status == PGRES_TUPLES_OK && answer) {
            PGresult **place = answer->rows ? &answer->count : &answer->rows;

            *place = result;
            continue;
        }
        PQclear(result);
        if (status == PGRES_PIPELINE_SYNC) {
            return true;
        }
        right = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    }
    return false;
}

static void forget(struct answer *answer)
{
    PQclear(answer->rows);
    PQclear(answer->count);
    *answer = (struct answer){NULL, NULL};
}

static void time_text(char text[32], int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    size_t len;

    (void)gmtime_r(&seconds, &parts);
    len = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + len, 32 - len, ".%03dZ", (int)(milliseconds % 1000));
}

/* Takes a record out of the result, as anyone must who wants to keep it; gives its length. */
static size_t fetch(struct raw *raw, const PGresult *result, int row)
{
    int columns = PQnfields(result);
    size_t len = 0;

    for (int i = 0; i < columns; i++) {
        size_t size = (size_t)PQgetlength(result, row, i);

        if (len + size <= sizeof(raw->row)) {
            memcpy(raw->row + len, PQgetvalue(result, row, i), size);
            len += size;
        }
    }
    return len;
}

/* Opening. */

static bool raw_close(void *self)
{
    struct raw *raw = self;

    PQfinish(raw->connection);
    free(raw);
    return true;
}

static bool prepare_all(struct raw *raw)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        char name[8];
        PGresult *result;
        bool right;

        (void)snprintf(name, sizeof(name), "s%d", i);
        result = PQprepare(raw->connection, name, texts[i], 0, NULL);
        right = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        if (!right) {
            return false;
        }
    }
    return PQenterPipelineMode(raw->connection) == 1;
}

static bool save_thread(struct raw *raw, const char *id)
{
    char now[32];
    const char *values[] = {id, now, now};

    time_text(now, milliseconds_now());
    return send(raw, SAVE_THREAD, values, 3) && settle(raw, NULL);
}

static bool save_threads(struct raw *raw)
{
    bool saved = true;
    char agent[24];

    for (size_t i = 0; saved && i < THREAD_KINDS; i++) {
        saved = save_thread(raw, thread_kinds[i]);
    }
    for (size_t i = 0; saved && i < AT_ONCE; i++) {
        agent_name(agent, i);
        saved = save_thread(raw, agent);
    }
    return saved;
}

/* Whoever writes a program by hand has its schema in it. */
static bool make_tables(const char *url)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    bool made =
        mastra_open(url, NULL, &store, &error) == MASTRA_OK && mastra_init(store, &error) == MASTRA_OK;

    (void)mastra_close(store, NULL);
    if (!made) {
        fprintf(stderr, "bench: raw: tables: %s\n", error.message);
    }
    return made;
}

static void *open_raw(const char *url, bool full)
{
    struct raw *raw = calloc(1, sizeof(*raw));
    bool right = raw && make_tables(url);

    (void)full;
    if (right) {
        raw->connection = postgres_connect(url);
        right = raw->connection && prepare_all(raw) && save_threads(raw);
    }
    if (raw && !right) {
        (void)complain(raw, "open");
        (void)raw_close(raw);
        return NULL;
    }
    return raw;
}

/* Writing. */

static bool send_note(struct raw *raw, const struct note *note)
{
    char created[32];
    char sequence[24];
    const char *values[] = {note->id, note->thread, note->content, "user",  "v2",
                            created,  created,      "user-1",      sequence};

    time_text(created, note->created_at);
    (void)snprintf(sequence, sizeof(sequence), "%lld", (long long)++raw->sequence);
    return send(raw, SAVE, values, 9);
}

static bool send_touch(struct raw *raw, const char *thread)
{
    char now[32];
    const char *values[] = {now, now, thread};

    time_text(now, milliseconds_now());
    return send(raw, TOUCH, values, 3);
}

static bool save_group(struct raw *raw, const struct note *notes, size_t count)
{
    bool sent = send(raw, BEGIN, NULL, 0);

    for (size_t i = 0; sent && i < count; i++) {
        sent = send_note(raw, &notes[i]);
    }
    return sent && send_touch(raw, notes[0].thread) && send(raw, COMMIT, NULL, 0) && settle(raw, NULL);
}

static double save(struct raw *raw, struct batch *batch)
{
    size_t group = rows[batch->row].things;
    double begin = seconds_now();
    double last = begin;
    bool saved = true;

    for (size_t i = 0; saved && i < batch->note_count; i += group) {
        saved = save_group(raw, &batch->notes[i], group);
        if (batch->laps) {
            double now = seconds_now();

            batch->laps[i] = now - last;
            last = now;
        }
    }
    last = seconds_now();
    batch_sum_up(batch);
    return saved ? last - begin : complain(raw, "save");
}

static double persist(struct raw *raw, const struct batch *batch)
{
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        char id[24];
        char now[32];
        const char *values[] = {id, batch->snapshots[i], now, now};

        (void)snprintf(id, sizeof(id), "run-%zu", i % RUNS);
        time_text(now, milliseconds_now());
        if (!send(raw, SAVE_RUN, values, 4) || !settle(raw, NULL)) {
            return complain(raw, "persist");
        }
    }
    return seconds_now() - begin;
}

static bool send_span(struct raw *raw, const struct span_note *span)
{
    char started[32];
    char ended[32];
    const char *values[] = {span->trace,
                            span->id,
                            "generate",
                            "model_generation",
                            started,
                            started,
                            span->root ? NULL : "parent",
                            "agent",
                            "assistant",
                            "run-1",
                            "long",
                            span_attributes,
                            span_input,
                            span_output,
                            ended,
                            ended};

    time_text(started, span->started_at);
    time_text(ended, span->started_at + 1500);
    return send(raw, SAVE_SPAN, values, MOST_VALUES);
}

static double create_spans(struct raw *raw, const struct batch *batch)
{
    bool saved = true;
    double begin = seconds_now();

    for (size_t i = 0; saved && i < batch->span_count; i += MANY) {
        saved = send(raw, BEGIN, NULL, 0);
        for (size_t j = i; saved && j < batch->span_count && j < i + MANY; j++) {
            saved = send_span(raw, &batch->spans[j]);
        }
        saved = saved && send(raw, COMMIT, NULL, 0) && settle(raw, NULL);
    }
    return saved ? seconds_now() - begin : complain(raw, "spans");
}

/* Reading. */

static bool read_all(struct raw *raw, const PGresult *rows_read, int expected, size_t least)
{
    bool right = rows_read && PQntuples(rows_read) == expected;

    for (int i = 0; right && i < expected; i++) {
        right = fetch(raw, rows_read, i) > least;
    }
    return right;
}

/* From the thread's end, without a total. */
static double page(struct raw *raw, const struct batch *batch)
{
    char limit[16];
    const char *values[] = {rows[batch->row].thread, limit};
    double begin = seconds_now();

    (void)snprintf(limit, sizeof(limit), "%d", PAGE);
    for (size_t i = 0; i < batch->operations; i++) {
        struct answer answer = {NULL, NULL};
        bool right =
            send(raw, NEWEST, values, 2) && settle(raw, &answer) && read_all(raw, answer.rows, PAGE, CONTENT);

        forget(&answer);
        if (!right) {
            return complain(raw, "page");
        }
    }
    return seconds_now() - begin;
}

static double get_thread(struct raw *raw, const struct batch *batch)
{
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        char id[24];
        const char *values[] = {id};
        struct answer answer = {NULL, NULL};
        bool right;

        agent_name(id, i);
        right = send(raw, THREAD, values, 1) && settle(raw, &answer) && read_all(raw, answer.rows, 1, 1);
        forget(&answer);
        if (!right) {
            return complain(raw, "thread");
        }
    }
    return seconds_now() - begin;
}

static size_t span_size(void)
{
    return strlen(span_attributes) + strlen(span_input) + strlen(span_output);
}

static double get_trace(struct raw *raw, const struct batch *batch)
{
    char trace[24];
    const char *values[] = {trace};
    double begin = seconds_now();

    (void)snprintf(trace, sizeof(trace), "trace-%d", TRACES / 2);
    for (size_t i = 0; i < batch->operations; i++) {
        struct answer answer = {NULL, NULL};
        bool right = send(raw, SPANS_OF, values, 1) && settle(raw, &answer) &&
                     read_all(raw, answer.rows, TRACE_SPANS, span_size());

        forget(&answer);
        if (!right) {
            return complain(raw, "trace");
        }
    }
    return seconds_now() - begin;
}

/* The page and its total, of one moment. */
static double list_traces(struct raw *raw, const struct batch *batch)
{
    char limit[16];
    const char *values[] = {limit};
    double begin = seconds_now();

    (void)snprintf(limit, sizeof(limit), "%d", TRACES_PAGE);
    for (size_t i = 0; i < batch->operations; i++) {
        struct answer answer = {NULL, NULL};
        bool right = send(raw, BEGIN_READ, NULL, 0) && send(raw, ROOTS, values, 1) &&
                     send(raw, COUNT_ROOTS, NULL, 0) && send(raw, COMMIT, NULL, 0) && settle(raw, &answer) &&
                     read_all(raw, answer.rows, TRACES_PAGE, span_size()) && answer.count &&
                     strtol(PQgetvalue(answer.count, 0, 0), NULL, 10) == TRACES;

        forget(&answer);
        if (!right) {
            return complain(raw, "traces");
        }
    }
    return seconds_now() - begin;
}

static double run_raw(void *self, struct batch *batch)
{
    switch (rows[batch->row].work) {
    case WORK_SAVE:
        return save(self, batch);
    case WORK_PAGE:
        return page(self, batch);
    case WORK_GET_THREAD:
        return get_thread(self, batch);
    case WORK_PERSIST:
        return persist(self, batch);
    case WORK_SPANS:
        return create_spans(self, batch);
    case WORK_TRACE:
        return get_trace(self, batch);
    case WORK_TRACES:
        return list_traces(self, batch);
    default:
        return -1;
    }
}

const struct contestant contestant_raw_postgres = {"raw", open_raw, run_raw, raw_close};
