/*
 * A writer that is killed at random moments, again and again on one file: the file stays whole, and every message that
 * the writer acknowledged is in it.
 */
#include "support/client.h"
#include "support/files.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define KILLS   100
#define MOST_US 30000
#define LINE    32

/* The ids that writers acknowledged so far, one per LINE bytes. */
struct ledger {
    char *ids;
    size_t count;
    size_t room;
};

static void enter(struct ledger *ledger, const char *line)
{
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room ? ledger->room * 2 : 1024;
        ledger->ids = realloc(ledger->ids, ledger->room * LINE);
        assert_non_null(ledger->ids);
    }
    snprintf(ledger->ids + ledger->count++ * LINE, LINE, "%s", line);
}

/* One write shorter than PIPE_BUF is never torn. */
static void acknowledge(int fd, const char *id)
{
    char line[LINE] = "";
    snprintf(line, sizeof(line), "%s", id);
    if (write(fd, line, sizeof(line)) != (ssize_t)sizeof(line))
        _exit(2);
}

static void acknowledge_done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    char *id = user;
    (void)json;
    (void)error;
    if (status == MASTRA_OK)
        acknowledge(STDOUT_FILENO, id);
    free(id);
}

#define SAVE                                                                                                 \
    "{'messages':[{'id':'%s','threadId':'t','role':'user','content':'%s'},"                                  \
    "{'id':'%s+','threadId':'t','role':'user','content':'its twin'}]}"

/* Saves pairs of messages until it is killed: every third by a queued call, with texts of several sizes. */
static _Noreturn void write_on(const char *url, int life)
{
    static char text[20000];
    mastra_store *store = NULL;
    memset(text, 'x', sizeof(text) - 1);
    if (mastra_open(url, NULL, &store, NULL) != MASTRA_OK)
        _exit(3);
    for (int i = 0;; i++) {
        char *id = test_format("m%d-%d", life, i);
        const char *content = text + (size_t)(i * 7919 % 19000);
        if (i % 3 == 0) {
            if (client_submit(store, "saveMessages", 0, acknowledge_done, id, SAVE, id, content, id) !=
                MASTRA_OK)
                _exit(4);
            continue;
        }
        if (client_call(store, "saveMessages", NULL, NULL, SAVE, id, content, id) != MASTRA_OK)
            _exit(5);
        acknowledge(STDOUT_FILENO, id);
        free(id);
    }
}

/* Lets a writer live for a moment; notes what it acknowledged. */
static void one_life(const char *url, int life, struct ledger *ledger)
{
    int ends[2];
    char line[LINE];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        write_on(url, life);
    }
    close(ends[1]);
    int64_t us = (int64_t)ms_random_below(MOST_US);
    struct timespec nap = {0, us * 1000};
    nanosleep(&nap, NULL);
    kill(child, SIGKILL);
    for (ssize_t got; (got = read(ends[0], line, sizeof(line))) != 0;) {
        if (got == (ssize_t)sizeof(line))
            enter(ledger, line);
        else
            assert_true(got < 0 && errno == EINTR);
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("writer %d ended by itself with %d", life, WEXITSTATUS(status));
}

static int64_t query_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

static bool has_row(sqlite3_stmt *stmt, const char *id)
{
    sqlite3_reset(stmt);
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    return sqlite3_step(stmt) == SQLITE_ROW;
}

/* `from`: what was checked in earlier rounds is only counted. */
static void check_file(const char *path, const struct ledger *ledger, size_t from)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    /* Before the first table stands there is nothing to lose. */
    if (ledger->count == 0) {
        sqlite3_close(db);
        return;
    }
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT 1 FROM mastra_messages WHERE id = ?", -1, &stmt, NULL),
                     SQLITE_OK);
    for (size_t i = from; i < ledger->count; i++) {
        if (!has_row(stmt, ledger->ids + i * LINE))
            fail_msg("%s was acknowledged and is gone", ledger->ids + i * LINE);
    }
    sqlite3_finalize(stmt);
    assert_true(query_number(db, "SELECT count(*) FROM mastra_messages") >= (int64_t)(2 * ledger->count));
    assert_int_equal(query_number(db, "SELECT count(*) FROM mastra_messages WHERE id LIKE '%+'") * 2,
                     query_number(db, "SELECT count(*) FROM mastra_messages"));
    sqlite3_close(db);
}

static void killed_writers(void **state)
{
    struct ledger ledger = {NULL, 0, 0};
    char *directory = test_dir_new();
    char *path = test_format("%s/store.db", directory);
    char *url = test_format("file:%s?busy_timeout=120000", path);
    (void)state;
    int life = 0;
    /* On a busy machine most die before they have done anything. */
    for (; life < KILLS || (ledger.count == 0 && life < 20 * KILLS); life++) {
        size_t from = ledger.count;
        one_life(url, life, &ledger);
        check_file(path, &ledger, from);
    }
    check_file(path, &ledger, 0);
    assert_true(ledger.count > 0);
    print_message("# %zu calls were acknowledged in %d lives\n", ledger.count, life);
    free(ledger.ids);
    free(url);
    free(path);
    test_dir_remove(directory);
}

/* Killed while the tables are being made: the next one makes what is missing. */
static void killed_starters(void **state)
{
    char *directory = test_dir_new();
    (void)state;
    for (int life = 0; life < KILLS; life++) {
        struct ledger ledger = {NULL, 0, 0};
        char *path = test_format("%s/%d.db", directory, life);
        char *url = test_format("file:%s?busy_timeout=120000", path);
        mastra_store *store = NULL;
        mastra_error error = MASTRA_ERROR_INIT;
        fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
            write_on(url, 0);
        }
        struct timespec nap = {0, (long)ms_random_below(8000) * 1000};
        nanosleep(&nap, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (mastra_open(url, NULL, &store, &error) != MASTRA_OK || mastra_init(store, &error) != MASTRA_OK)
            fail_msg("%s", error.message);
        assert_int_equal(
            client_call(store, "saveThread", NULL, NULL, "{'thread':{'id':'x','resourceId':'r'}}"),
            MASTRA_OK);
        assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
        check_file(path, &ledger, 0);
        free(url);
        free(path);
    }
    test_dir_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writers),
        cmocka_unit_test(killed_starters),
    };
    return cmocka_run_group_tests_name("kill", tests, NULL, NULL);
}
