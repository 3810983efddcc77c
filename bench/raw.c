/*
 * The limit: SQLite by hand, with the statements that saving and reading cannot do without, prepared once. The tables
 * and indexes are copied from a file of ours.
 */
#include "contestant.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum statement {
    BEGIN,
    COMMIT,
    SAVE,
    TOUCH,
    NEWEST,
    THREAD,
    SAVE_THREAD,
    STATEMENT_COUNT,
};

static const char *const texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [SAVE] =
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET thread_id = excluded.thread_id, "
        "content = excluded.content, role = excluded.role, type = excluded.type, "
        "resourceId = excluded.resourceId",
    [TOUCH] = "UPDATE mastra_threads SET updatedAt = ?1 WHERE id = ?2",
    [NEWEST] = "SELECT id, thread_id, content, role, type, createdAt, resourceId FROM mastra_messages "
               "WHERE thread_id = ?1 ORDER BY createdAt DESC, rowid DESC LIMIT ?2",
    [THREAD] =
        "SELECT id, resourceId, title, metadata, createdAt, updatedAt FROM mastra_threads WHERE id = ?1",
    [SAVE_THREAD] = "INSERT INTO mastra_threads (id, resourceId, title, metadata, createdAt, updatedAt) "
                    "VALUES (?1, 'user-1', 'A thread', '{\"topic\":\"benchmark\"}', ?2, ?2)",
};

struct raw {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char row[2 * CONTENT]; /* where a record that was read is put */
};

static const char *schema_path;

void raw_use_schema_of(const char *path)
{
    schema_path = path;
}

static double complain(const struct raw *raw, const char *doing)
{
    fprintf(stderr, "bench: raw: %s: %s\n", doing, raw->db ? sqlite3_errmsg(raw->db) : "out of memory");
    return -1;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, (int)strlen(text), SQLITE_STATIC);
}

static bool step_done(sqlite3_stmt *statement)
{
    return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

static void time_text(char text[25], int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, 25, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
    for (int at = 22, rest = (int)(milliseconds % 1000); at >= 20; at--, rest /= 10) {
        text[at] = (char)('0' + rest % 10);
    }
}

/* Opening. */

static bool copy_schema(struct raw *raw)
{
    sqlite3_stmt *list = NULL;
    bool copied = true;
    int code;

    if (sqlite3_prepare_v2(raw->db, "ATTACH ?1 AS model", -1, &list, NULL) != SQLITE_OK) {
        return false;
    }
    bind_text(list, 1, schema_path);
    copied = sqlite3_step(list) == SQLITE_DONE;
    sqlite3_finalize(list);
    if (!copied || sqlite3_prepare_v2(raw->db,
                                      "SELECT sql FROM model.sqlite_master WHERE sql IS NOT NULL "
                                      "ORDER BY type DESC",
                                      -1, &list, NULL) != SQLITE_OK) {
        return false;
    }
    while ((code = sqlite3_step(list)) == SQLITE_ROW && copied) {
        copied =
            sqlite3_exec(raw->db, (const char *)sqlite3_column_text(list, 0), NULL, NULL, NULL) == SQLITE_OK;
    }
    sqlite3_finalize(list);
    return copied && code == SQLITE_DONE &&
           sqlite3_exec(raw->db, "DETACH model", NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct raw *raw)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(raw->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &raw->statements[i], NULL) !=
            SQLITE_OK) {
            return false;
        }
    }
    return true;
}

static bool save_thread(struct raw *raw, const char *kind, size_t number)
{
    sqlite3_stmt *statement = raw->statements[SAVE_THREAD];
    char id[24];
    char now[25];

    thread_name(id, sizeof(id), kind, number);
    time_text(now, milliseconds_now());
    bind_text(statement, 1, id);
    bind_text(statement, 2, now);
    return step_done(statement);
}

static bool save_threads(struct raw *raw)
{
    bool saved = save_thread(raw, "one", 0) && save_thread(raw, "many", 0) && save_thread(raw, "long", 0);

    for (size_t i = 0; saved && i < AT_ONCE; i++) {
        saved = save_thread(raw, NULL, i);
    }
    return saved;
}

static bool close_raw(void *self)
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

static void *open_raw(const char *path)
{
    struct raw *raw = calloc(1, sizeof(*raw));

    if (!raw) {
        return NULL;
    }
    if (sqlite3_open_v2(path, &raw->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        sqlite3_exec(raw->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; "
                     "PRAGMA cache_size=-16000",
                     NULL, NULL, NULL) != SQLITE_OK ||
        !copy_schema(raw) || !prepare(raw) || !save_threads(raw)) {
        complain(raw, "open");
        (void)close_raw(raw);
        return NULL;
    }
    return raw;
}

/* Work. */

static bool save_note(struct raw *raw, const struct note *note)
{
    sqlite3_stmt *save = raw->statements[SAVE];
    char created[25];

    time_text(created, note->created_at);
    sqlite3_bind_text(save, 1, note->id, 36, SQLITE_STATIC);
    bind_text(save, 2, note->thread);
    sqlite3_bind_text(save, 3, note->content, CONTENT, SQLITE_STATIC);
    sqlite3_bind_text(save, 4, "user", 4, SQLITE_STATIC);
    sqlite3_bind_text(save, 5, "v2", 2, SQLITE_STATIC);
    sqlite3_bind_text(save, 6, created, 24, SQLITE_STATIC);
    sqlite3_bind_text(save, 7, "user-1", 6, SQLITE_STATIC);
    return step_done(save);
}

static bool touch(struct raw *raw, const char *thread)
{
    sqlite3_stmt *statement = raw->statements[TOUCH];
    char now[25];

    time_text(now, milliseconds_now());
    sqlite3_bind_text(statement, 1, now, 24, SQLITE_STATIC);
    bind_text(statement, 2, thread);
    return step_done(statement);
}

/* Calls submitted at once are one transaction here, each with its own touch. */
static double save(struct raw *raw, const struct batch *batch)
{
    size_t group = batch->row == SAVE_AT_ONCE ? AT_ONCE : rows[batch->row].messages;
    double begin = seconds_now();
    bool saved = true;

    for (size_t i = 0; saved && i < batch->note_count; i += group) {
        saved = step_done(raw->statements[BEGIN]);
        for (size_t j = i; saved && j < i + group; j++) {
            saved = save_note(raw, &batch->notes[j]);
            if (saved && (batch->row == SAVE_AT_ONCE || j + 1 == i + group)) {
                saved = touch(raw, batch->notes[j].thread);
            }
        }
        saved = saved && step_done(raw->statements[COMMIT]);
    }
    return saved ? seconds_now() - begin : complain(raw, "save");
}

/* Takes a record out of SQLite, as anyone must who wants to keep it; gives its length. */
static size_t fetch(struct raw *raw, sqlite3_stmt *statement)
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

static double page(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[NEWEST];
    double begin = seconds_now();

    for (size_t i = 0; i < batch->operations; i++) {
        size_t count = 0;

        bind_text(statement, 1, "long");
        sqlite3_bind_int(statement, 2, PAGE);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            count += fetch(raw, statement) > CONTENT;
        }
        if (sqlite3_reset(statement) != SQLITE_OK || count != PAGE) {
            return complain(raw, "page");
        }
    }
    return seconds_now() - begin;
}

static double get_thread(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[THREAD];
    char ids[AT_ONCE][24];
    double begin;

    for (size_t i = 0; i < AT_ONCE; i++) {
        thread_name(ids[i], sizeof(ids[i]), NULL, i);
    }
    begin = seconds_now();
    for (size_t i = 0; i < batch->operations; i++) {
        bind_text(statement, 1, ids[i % AT_ONCE]);
        if (sqlite3_step(statement) != SQLITE_ROW || fetch(raw, statement) == 0 ||
            sqlite3_reset(statement) != SQLITE_OK) {
            return complain(raw, "thread");
        }
    }
    return seconds_now() - begin;
}

static double run_raw(void *self, const struct batch *batch)
{
    switch (batch->row) {
    case SAVE_ONE:
    case SAVE_MANY:
    case SAVE_AT_ONCE:
        return save(self, batch);
    case GET_THREAD:
        return get_thread(self, batch);
    default:
        return page(self, batch);
    }
}

const struct contestant contestant_raw = {"raw", open_raw, run_raw, close_raw};
