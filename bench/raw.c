/* The limit: the same statements on the same SQLite, written out by hand, with nothing around them. */
#include "contestant.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum statement {
    BEGIN,
    COMMIT,
    INSERT,
    TOUCH,
    PAGE,
    GET,
    STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [INSERT] = "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId)"
               " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET thread_id = excluded.thread_id,"
               " content = excluded.content, role = excluded.role, type = excluded.type,"
               " resourceId = excluded.resourceId",
    [TOUCH] = "UPDATE mastra_threads SET updatedAt = ? WHERE id = ?",
    /* From the end: what can be had without a count. */
    [PAGE] = "SELECT id, thread_id, content, role, type, createdAt, resourceId FROM mastra_messages"
             " WHERE thread_id = ? ORDER BY createdAt DESC, rowid DESC LIMIT ?",
    [GET] = "SELECT id, resourceId, title, metadata, createdAt, updatedAt FROM mastra_threads WHERE id = ?",
};

struct raw {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    int next_id;
    volatile size_t read; /* so that reading is not optimised away */
};

static void print_time(char out[25], int64_t ms)
{
    /* The days since 1970 as a date (the civil calendar from days). */
    int64_t days = ms / 86400000 + 719468;
    int64_t era = days / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    unsigned year = (unsigned)(year_of_era + era * 400) + (month <= 2);
    unsigned rest = (unsigned)(ms % 86400000);

    snprintf(out, 25, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000, month % 100,
             (day_of_year - (153 * shifted + 2) / 5 + 1) % 100, rest / 3600000 % 100, rest / 60000 % 60,
             rest / 1000 % 60, rest % 1000);
}

static bool step(struct raw *self, enum statement which)
{
    int code = sqlite3_step(self->statements[which]);

    sqlite3_reset(self->statements[which]);
    return code == SQLITE_DONE || bench_complain("raw", sqlite3_errmsg(self->db));
}

static bool insert(struct raw *self, const char *thread)
{
    sqlite3_stmt *stmt = self->statements[INSERT];
    char time[25];
    char id[32];
    int len = snprintf(id, sizeof id, "message-%d", self->next_id++);

    print_time(time, bench_time());
    sqlite3_bind_text(stmt, 1, id, len, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, thread, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, bench_content(), BENCH_CONTENT_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, "user", 4, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, "v2", 2, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, time, 24, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 7, "user", 4, SQLITE_STATIC);
    return step(self, INSERT);
}

static bool touch(struct raw *self, const char *thread)
{
    char time[25];

    print_time(time, bench_time());
    sqlite3_bind_text(self->statements[TOUCH], 1, time, 24, SQLITE_STATIC);
    sqlite3_bind_text(self->statements[TOUCH], 2, thread, -1, SQLITE_STATIC);
    return step(self, TOUCH);
}

/* One transaction with `count` inserts; `touches` of them move the thread's time, as single saves each do. */
static bool save(struct raw *self, const char *thread, int count, int touches)
{
    bool ok = step(self, BEGIN);

    for (int i = 0; ok && i < count; i++) {
        ok = insert(self, thread) && (i >= touches || touch(self, thread));
    }
    return ok && step(self, COMMIT);
}

/* Copies every column of every row, as whoever reads must. */
static bool read_rows(struct raw *self, enum statement which, int expected)
{
    sqlite3_stmt *stmt = self->statements[which];
    int columns = sqlite3_column_count(stmt);
    int rows = 0;

    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);
            size_t len = (size_t)sqlite3_column_bytes(stmt, i);
            char *copy = malloc(len + 1);

            if (copy && text) {
                memcpy(copy, text, len);
                self->read += len;
            }
            free(copy);
        }
        rows++;
    }
    sqlite3_reset(stmt);
    return rows == expected || bench_complain("raw", "wrong number of rows");
}

static bool unit(struct raw *self, enum workload workload)
{
    switch (workload) {
    case SAVE_ONE:
        return save(self, "short", 1, 1);
    case SAVE_BATCH:
        return save(self, "short", BENCH_BATCH, 1);
    case SUBMIT:
        return save(self, "short", BENCH_SUBMITTED, BENCH_SUBMITTED);
    case LAST_PAGE:
        sqlite3_bind_text(self->statements[PAGE], 1, "long", 4, SQLITE_STATIC);
        sqlite3_bind_int(self->statements[PAGE], 2, BENCH_PAGE);
        return read_rows(self, PAGE, BENCH_PAGE);
    default:
        sqlite3_bind_text(self->statements[GET], 1, "short", 5, SQLITE_STATIC);
        return read_rows(self, GET, 1);
    }
}

static void close_raw(void *user)
{
    struct raw *self = user;

    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(self->statements[i]);
    }
    sqlite3_close(self->db);
    free(self);
}

static bool prepare(struct raw *self)
{
    static const char threads[] =
        "INSERT INTO mastra_threads VALUES ('short', 'user', 'A thread', '{\"topic\":\"weather\"}',"
        " '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'), ('long', 'user', 'A thread',"
        " '{\"topic\":\"weather\"}', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')";

    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(self->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[i],
                               NULL) != SQLITE_OK) {
            return bench_complain("raw", sqlite3_errmsg(self->db));
        }
    }
    return sqlite3_exec(self->db, threads, NULL, NULL, NULL) == SQLITE_OK ||
           bench_complain("raw", sqlite3_errmsg(self->db));
}

static void *open_raw(const char *path)
{
    static const char pragmas[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;"
        " PRAGMA cache_size=-16000; PRAGMA busy_timeout=5000";
    struct raw *self = calloc(1, sizeof *self);
    bool ok = self && bench_make_tables(path);

    ok = ok &&
         sqlite3_open_v2(path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;
    ok = ok && sqlite3_exec(self->db, pragmas, NULL, NULL, NULL) == SQLITE_OK && prepare(self);
    for (int i = 0; ok && i < BENCH_LONG_THREAD / BENCH_BATCH; i++) {
        ok = save(self, "long", BENCH_BATCH, 1);
    }
    if (!ok) {
        if (self) {
            close_raw(self);
        }
        return NULL;
    }
    return self;
}

static double run(void *user, enum workload workload, int count)
{
    struct raw *self = user;
    double begin = bench_seconds();

    for (int i = 0; i < count; i++) {
        if (!unit(self, workload)) {
            return -1;
        }
    }
    return bench_seconds() - begin;
}

const struct contestant contestant_raw = {"raw", open_raw, run, close_raw};
