/* What is in the files before the first round, and what must be in them after the last. */
#include "bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* Filling. */

static void by_all(struct bench *bench, struct batch *batch)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        if (bench->players[0][i].self) {
            (void)play(&bench->players[0][i], i, batch);
        }
    }
    batch_free(batch);
}

/* The rows in the same order, and so on the same pages. */
static bool copy_huge(const char *from, const char *to)
{
    static const char copy[] =
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId) "
        "SELECT id, thread_id, content, role, type, createdAt, resourceId FROM model.mastra_messages "
        "WHERE thread_id = 'huge' ORDER BY rowid";
    sqlite3 *db = NULL;
    char *attach = sqlite3_mprintf("ATTACH %Q AS model", from);
    bool copied = attach && sqlite3_open(to, &db) == SQLITE_OK &&
                  sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
                  sqlite3_exec(db, attach, NULL, NULL, NULL) == SQLITE_OK &&
                  sqlite3_exec(db, copy, NULL, NULL, NULL) == SQLITE_OK && sqlite3_changes(db) == HUGE_THREAD;

    sqlite3_free(attach);
    return sqlite3_close(db) == SQLITE_OK && copied;
}

static void fill_huge(struct bench *bench)
{
    struct player *ours = &bench->players[0][OURS];

    for (int i = 0; i < 10; i++) {
        struct batch *batch = batch_new_huge();

        (void)play(ours, OURS, batch);
        bench->newest_huge = batch->first + HUGE_THREAD / 10 - 1;
        batch_free(batch);
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        struct player *player = &bench->players[0][i];

        if (i == OURS || !player->self) {
            continue;
        }
        if (!copy_huge(ours->path, player->path)) {
            give_up("the long thread could not be copied");
        }
        player->messages += HUGE_THREAD;
    }
}

static bool huge_wanted(const struct bench *bench)
{
    for (int row = 0; row < ROW_COUNT; row++) {
        const struct row_info *info = &rows[row];

        if (info->work == WORK_PAGE && info->thread[0] == 'h' &&
            (!bench->only || strstr(info->name, bench->only))) {
            return true;
        }
    }
    return false;
}

void fill(struct bench *bench)
{
    struct batch *batch = batch_new_fill(LONG_THREAD / MANY);

    bench->newest_long = batch->first + LONG_THREAD - 1;
    by_all(bench, batch);
    by_all(bench, batch_new_spans("fill_roots", TRACES));
    by_all(bench, batch_new_spans("fill_trace", TRACE_SPANS - 1));
    if (huge_wanted(bench)) {
        fill_huge(bench);
    }
    if (bench->only) {
        fputs("filled\n", stderr);
    }
}

/* Checking. */

/* JSON may be stored as text or as SQLite's binary form. */
#define TEXT(column) "CASE typeof(" column ") WHEN 'blob' THEN json(" column ") ELSE " column " END"

enum {
    MESSAGES_FOUND,
    MESSAGES_WHOLE,
    THREADS_TOUCHED,
    SPANS_FOUND,
    SPANS_WHOLE,
    ROOTS_FOUND,
    RUNS_WHOLE,
    RUN_LAST,
    FACTS,
};

/* The huge thread is copied, and so not touched by all. */
static const char *const facts[FACTS] = {
    [MESSAGES_FOUND] = "SELECT count(*) FROM mastra_messages",
    [MESSAGES_WHOLE] = "SELECT count(*) FROM mastra_messages WHERE length(content) = 1024",
    [THREADS_TOUCHED] = "SELECT count(*) FROM mastra_threads WHERE updatedAt > createdAt AND id <> 'huge'",
    [SPANS_FOUND] = "SELECT count(*) FROM mastra_ai_spans",
    [SPANS_WHOLE] = "SELECT count(*) FROM mastra_ai_spans WHERE json_extract(" TEXT(
        "output") ", '$.finishReason') = "
                  "'stop' AND length(" TEXT("input") ") > 200 AND length(" TEXT("attributes") ") > 200",
    [ROOTS_FOUND] = "SELECT count(*) FROM mastra_ai_spans WHERE parentSpanId IS NULL",
    [RUNS_WHOLE] =
        "SELECT count(*) FROM mastra_workflow_snapshot WHERE length(" TEXT("snapshot") ") BETWEEN 19456 AND "
                                                                                       "20480",
    [RUN_LAST] = "SELECT coalesce(max(json_extract(" TEXT("snapshot") ", '$.context.input.n')), 0) "
                                                                      "FROM mastra_workflow_snapshot",
};

static bool look_up(sqlite3 *db, const char *sql, int64_t *ret)
{
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;

    if (found) {
        *ret = sqlite3_column_int64(statement, 0);
    } else {
        fprintf(stderr, "bench: %s\n", sqlite3_errmsg(db));
    }
    sqlite3_finalize(statement);
    return found;
}

static void expect(const struct bench *bench, int file, int contestant, int64_t expected[FACTS])
{
    const struct player *player = &bench->players[file][contestant];
    bool saves = contestant != CALL;

    expected[MESSAGES_FOUND] = expected[MESSAGES_WHOLE] = (int64_t)player->messages;
    expected[SPANS_FOUND] = expected[SPANS_WHOLE] = (int64_t)player->spans;
    expected[ROOTS_FOUND] = file == 0 ? TRACES : 0;
    expected[RUNS_WHOLE] = player->last_run > 0 ? RUNS : 0;
    expected[RUN_LAST] = player->last_run;
    /* By threads: one, many, and on the ordinary file long and other. */
    expected[THREADS_TOUCHED] = (file == 0 ? 4 : 2) + (saves ? AT_ONCE : 0);
}

bool check_file(const struct bench *bench, int file, int contestant)
{
    const struct player *player = &bench->players[file][contestant];
    int64_t expected[FACTS];
    sqlite3 *db = NULL;
    bool right = sqlite3_open(player->path, &db) == SQLITE_OK;

    expect(bench, file, contestant, expected);
    for (int i = 0; right && i < FACTS; i++) {
        int64_t found = 0;

        if (i == THREADS_TOUCHED && (bench->only || bench->who >= 0)) {
            continue;
        }
        right = look_up(db, facts[i], &found) && found == expected[i];
        if (!right) {
            fprintf(stderr, "bench: the file of %s holds something else: %s: %lld, not %lld\n",
                    contestants[contestant]->name, facts[i], (long long)found, (long long)expected[i]);
        }
    }
    sqlite3_close(db);
    return right;
}
