/*
 * The limit: SQLite by hand, with the statements that saving and reading cannot do without, prepared once. The tables
 * and indexes are copied from a file of ours.
 */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPAN_COLUMNS                                                                                         \
    "traceId, spanId, name, spanType, isEvent, startedAt, parentSpanId, entityType, entityId, entityName, "  \
    "parentEntityType, parentEntityId, parentEntityName, rootEntityType, rootEntityId, rootEntityName, "     \
    "userId, organizationId, resourceId, runId, sessionId, threadId, requestId, environment, serviceName, "  \
    "scope, entityVersionId, parentEntityVersionId, rootEntityVersionId, experimentId, source, metadata, "   \
    "tags, attributes, links, input, output, error, endedAt, requestContext, createdAt, updatedAt"

static const char *const texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [BEGIN_READ] = "BEGIN",
    [COMMIT] = "COMMIT",
    [SAVE] =
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET thread_id = excluded.thread_id, "
        "content = excluded.content, role = excluded.role, type = excluded.type, "
        "resourceId = excluded.resourceId",
    [TOUCH] = "UPDATE mastra_threads SET updatedAt = ?1 WHERE id = ?2",
    [NEWEST] = "SELECT id, thread_id, content, role, type, createdAt, resourceId FROM mastra_messages "
               "WHERE thread_id = ?1 ORDER BY createdAt DESC, rowid DESC LIMIT ?2",
    [COUNT] = "SELECT count(*) FROM mastra_messages WHERE thread_id = ?1",
    [THREAD] =
        "SELECT id, resourceId, title, metadata, createdAt, updatedAt FROM mastra_threads WHERE id = ?1",
    [SAVE_THREAD] = "INSERT INTO mastra_threads (id, resourceId, title, metadata, createdAt, updatedAt) "
                    "VALUES (?1, 'user-1', 'A thread', '{\"topic\":\"benchmark\"}', ?2, ?2)",
    [SAVE_RUN] =
        "INSERT INTO mastra_workflow_snapshot (workflow_name, run_id, snapshot, createdAt, updatedAt) "
        "VALUES ('bench', ?1, ?2, ?3, ?3) ON CONFLICT (workflow_name, run_id) DO UPDATE SET "
        "resourceId = coalesce(excluded.resourceId, resourceId), snapshot = excluded.snapshot, "
        "updatedAt = excluded.updatedAt",
    /* A span that is there already is replaced; what is not bound is null. */
    [SAVE_SPAN] =
        "INSERT INTO mastra_ai_spans (traceId, spanId, name, spanType, isEvent, startedAt, parentSpanId, "
        "entityType, entityId, runId, threadId, attributes, input, output, endedAt, createdAt, updatedAt) "
        "VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15) "
        "ON CONFLICT (spanId, traceId) DO UPDATE SET (name, spanType, isEvent, startedAt, parentSpanId, "
        "entityType, entityId, runId, threadId, attributes, input, output, endedAt, createdAt, updatedAt, "
        "entityName, parentEntityType, parentEntityId, parentEntityName, rootEntityType, rootEntityId, "
        "rootEntityName, userId, organizationId, resourceId, sessionId, requestId, environment, serviceName, "
        "scope, entityVersionId, parentEntityVersionId, rootEntityVersionId, experimentId, source, metadata, "
        "tags, links, error, requestContext) = (excluded.name, excluded.spanType, 0, excluded.startedAt, "
        "excluded.parentSpanId, excluded.entityType, excluded.entityId, excluded.runId, excluded.threadId, "
        "excluded.attributes, excluded.input, excluded.output, excluded.endedAt, excluded.createdAt, "
        "excluded.updatedAt, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    [SPANS_OF] = "SELECT " SPAN_COLUMNS " FROM mastra_ai_spans WHERE traceId = ?1 ORDER BY startedAt, rowid",
    [ROOTS] = "SELECT " SPAN_COLUMNS " FROM mastra_ai_spans WHERE parentSpanId IS NULL "
              "ORDER BY startedAt DESC LIMIT ?1",
    [COUNT_ROOTS] = "SELECT count(*) FROM mastra_ai_spans WHERE parentSpanId IS NULL",
};

#define MOST_SCHEMA 128

static const char *schema_path;
static char *schema[MOST_SCHEMA];
static size_t schema_count;

void raw_use_schema_of(const char *path)
{
    schema_path = path;
}

double raw_complain(const struct raw *raw, const char *doing)
{
    fprintf(stderr, "bench: raw: %s: %s\n", doing, raw->db ? sqlite3_errmsg(raw->db) : "out of memory");
    return -1;
}

void raw_bind(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, (int)strlen(text), SQLITE_STATIC);
}

bool raw_done(sqlite3_stmt *statement)
{
    return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

void raw_time(char text[25], int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, 25, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    for (int at = 22, rest = (int)(milliseconds % 1000); at >= 20; at--, rest /= 10) {
        text[at] = (char)('0' + rest % 10);
    }
}

size_t raw_fetch(struct raw *raw, sqlite3_stmt *statement)
{
    int columns = sqlite3_column_count(statement);
    size_t len = 0;

    for (int i = 0; i < columns; i++) {
        const unsigned char *text = sqlite3_column_text(statement, i);
        size_t size = (size_t)sqlite3_column_bytes(statement, i);

        if (text && len + size <= sizeof(raw->row)) {
            memcpy(raw->row + len, text, size);
            len += size;
        }
    }
    return len;
}

/* Opening. */

/* Whoever writes a program by hand has its schema in it: it is read before the clock runs. */
static bool read_schema(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *list = NULL;
    bool read =
        sqlite3_open_v2(schema_path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC", -1,
                           &list, NULL) == SQLITE_OK;

    while (read && schema_count < MOST_SCHEMA && sqlite3_step(list) == SQLITE_ROW) {
        schema[schema_count] = strdup((const char *)sqlite3_column_text(list, 0));
        read = schema[schema_count++] != NULL;
    }
    sqlite3_finalize(list);
    sqlite3_close(db);
    return read && schema_count > 0 && schema_count < MOST_SCHEMA;
}

static bool create_tables(struct raw *raw)
{
    bool created = sqlite3_exec(raw->db, texts[BEGIN], NULL, NULL, NULL) == SQLITE_OK;

    for (size_t i = 0; created && i < schema_count; i++) {
        created = sqlite3_exec(raw->db, schema[i], NULL, NULL, NULL) == SQLITE_OK;
    }
    return created && sqlite3_exec(raw->db, texts[COMMIT], NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct raw *raw, enum statement which)
{
    return sqlite3_prepare_v3(raw->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &raw->statements[which],
                              NULL) == SQLITE_OK;
}

static bool prepare_all(struct raw *raw)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (!prepare(raw, (enum statement)i)) {
            return false;
        }
    }
    return true;
}

bool raw_close(void *self)
{
    struct raw *raw = self;
    bool closed;

    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(raw->statements[i]);
    }
    closed = sqlite3_close(raw->db) == SQLITE_OK;
    free(raw);
    return closed;
}

static struct raw *connect_raw(const char *path, bool full, int wait)
{
    struct raw *raw = calloc(1, sizeof(*raw));

    if (!raw) {
        return NULL;
    }
    (void)snprintf(raw->path, sizeof(raw->path), "%s", path);
    if (sqlite3_open_v2(path, &raw->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(raw->db, wait) != SQLITE_OK ||
        sqlite3_exec(raw->db,
                     full ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; "
                            "PRAGMA cache_size=-16000"
                          : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
                            "PRAGMA cache_size=-16000",
                     NULL, NULL, NULL) != SQLITE_OK) {
        raw_complain(raw, "open");
        (void)raw_close(raw);
        return NULL;
    }
    return raw;
}

static struct raw *checked(struct raw *raw, bool right)
{
    if (raw && !right) {
        raw_complain(raw, "open");
        (void)raw_close(raw);
        return NULL;
    }
    return raw;
}

struct raw *raw_open(const char *path, bool full, int wait)
{
    struct raw *raw = connect_raw(path, full, wait);

    return checked(raw, raw && (schema_count > 0 || read_schema()) && create_tables(raw) && prepare_all(raw));
}

struct raw *raw_open_existing(const char *path, int wait)
{
    struct raw *raw = connect_raw(path, false, wait);

    return checked(raw, raw && prepare(raw, BEGIN) && prepare(raw, SAVE) && prepare(raw, TOUCH) &&
                            prepare(raw, COMMIT));
}

bool raw_save_thread(struct raw *raw, const char *id)
{
    sqlite3_stmt *statement = raw->statements[SAVE_THREAD];
    char now[25];

    raw_time(now, milliseconds_now());
    raw_bind(statement, 1, id);
    raw_bind(statement, 2, now);
    return raw_done(statement);
}

static void *open_raw(const char *path, bool full)
{
    struct raw *raw = raw_open(path, full, 5000);
    bool saved = raw != NULL;
    char agent[24];

    for (size_t i = 0; saved && i < THREAD_KINDS; i++) {
        saved = raw_save_thread(raw, thread_kinds[i]);
    }
    for (size_t i = 0; saved && i < AT_ONCE; i++) {
        agent_name(agent, i);
        saved = raw_save_thread(raw, agent);
    }
    return checked(raw, saved);
}

/* With that one statement prepared which is needed. */
static double start(struct raw *raw, const struct batch *batch)
{
    double took = 0;

    for (size_t i = 0; i < batch->operations; i++) {
        char path[4150];
        struct raw *fresh;
        double begin;
        bool saved;

        fresh_path(path, sizeof(path), raw->path);
        begin = seconds_now();
        fresh = connect_raw(path, false, 5000);
        saved =
            fresh && create_tables(fresh) && prepare(fresh, SAVE_THREAD) && raw_save_thread(fresh, "first");
        took += seconds_now() - begin;
        saved = fresh && raw_close(fresh) && saved;
        remove_database(path);
        if (!saved) {
            return raw_complain(raw, "start");
        }
    }
    return took;
}

static double run_raw(void *self, struct batch *batch)
{
    switch (rows[batch->row].work) {
    case WORK_SAVE:
    case WORK_AT_ONCE:
    case WORK_THREADS:
        return raw_save(self, batch);
    case WORK_PAGE:
        return raw_page(self, batch);
    case WORK_GET_THREAD:
        return raw_get_thread(self, batch);
    case WORK_PERSIST:
        return raw_persist(self, batch);
    case WORK_SPANS:
        return raw_create_spans(self, batch);
    case WORK_TRACE:
        return raw_get_trace(self, batch);
    case WORK_TRACES:
        return raw_list_traces(self, batch);
    case WORK_START:
        return start(self, batch);
    }
    return -1;
}

const struct contestant contestant_raw = {"raw", open_raw, run_raw, raw_close};
