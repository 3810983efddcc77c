/* Files that are not what a store hopes for: each is a clear error, and what is in the file stays as it was. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/raw.h"
#include "support/vfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct yard {
    char *directory;
    char *path;
};

static int begin(void **state)
{
    struct yard *yard = calloc(1, sizeof(*yard));
    assert_non_null(yard);
    yard->directory = test_dir_new();
    yard->path = test_format("%s/store.db", yard->directory);
    *state = yard;
    return 0;
}

static int end(void **state)
{
    struct yard *yard = *state;
    fault_vfs_limit(-1, SQLITE_OK);
    test_dir_remove(yard->directory);
    free(yard->path);
    free(yard);
    return 0;
}

static mastra_store *try_open(const char *path, const char *params, mastra_error *error)
{
    char *url = test_format("file:%s%s%s", path, *params ? "?" : "", params);
    mastra_store *store = NULL;
    mastra_status status = mastra_open(url, NULL, &store, error);
    free(url);
    if ((status == MASTRA_OK) != (store != NULL))
        fail_msg("%s and store %p", mastra_status_name(status), (void *)store);
    return store;
}

static mastra_store *open_store(const char *path, const char *params)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = try_open(path, params, &error);
    if (!store)
        fail_msg("%s: %s", mastra_status_name(error.status), error.message);
    return store;
}

static void close_store(mastra_store *store)
{
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

#define OK(call)         assert_int_equal((call), MASTRA_OK)
#define SAVE_MESSAGE(id) "{'messages':[{'id':'" id "','threadId':'t','role':'user','content':'x'}]}"

/* A store with one thread and so many messages. */
static void make_store(const char *path, int messages)
{
    mastra_store *store = open_store(path, "");
    OK(client_call(store, "saveThread", NULL, NULL,
                   "{'thread':{'id':'t','resourceId':'r','metadata':{'a':1}}}"));
    for (int i = 0; i < messages; i++) {
        OK(client_call(store, "saveMessages", NULL, NULL,
                       "{'messages':[{'id':'m%d','threadId':'t','role':'user','content':'%0200d'}]}", i, i));
    }
    close_store(store);
}

/* Opens and uses it: the first status that is not OK, with its error. */
static mastra_status use(const char *path, const char *params, mastra_error *error)
{
    mastra_store *store = try_open(path, params, error);
    if (!store)
        return error->status;
    mastra_status status = client_call(store, "saveMessages", NULL, error, SAVE_MESSAGE("new"));
    close_store(store);
    return status;
}

static void expect_refusal(const char *path, const char *params, mastra_status want)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = use(path, params, &error);
    if (status != want)
        fail_msg("want %s, got %s: %s", mastra_status_name(want), mastra_status_name(status), error.message);
    assert_string_not_equal(error.message, "");
    assert_non_null(strstr(error.id, "MASTRA_STORAGE_"));
}

/* Files that are no databases. */

static void check_untouched(const char *path, const char *bytes, size_t len, mastra_status want)
{
    size_t after_len;
    test_file_write(path, bytes, len);
    expect_refusal(path, "", want);
    char *after = test_file_read(path, &after_len);
    assert_int_equal(after_len, len);
    assert_memory_equal(after, bytes, len);
    free(after);
}

static void not_a_database(void **state)
{
    struct yard *yard = *state;
    char bytes[20000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)((i * 2654435761u) >> 13);
    check_untouched(yard->path, bytes, sizeof(bytes), MASTRA_CORRUPT);
    check_untouched(yard->path, bytes, 600, MASTRA_CORRUPT);
    memset(bytes, 'x', sizeof(bytes));
    check_untouched(yard->path, bytes, sizeof(bytes), MASTRA_CORRUPT);
    check_untouched(yard->path, "# Notes\n\nBuy milk.\n", 19, MASTRA_CORRUPT);
    memcpy(bytes, "SQLite format 3", 16);
    check_untouched(yard->path, bytes, sizeof(bytes), MASTRA_CORRUPT);
}

static void empty_file(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    test_file_write(yard->path, "", 0);
    assert_int_equal(use(yard->path, "", &error), MASTRA_OK);
    raw_check(yard->path);
}

static void no_file(void **state)
{
    struct yard *yard = *state;
    char *inside = test_format("%s/none/store.db", yard->directory);
    expect_refusal(yard->directory, "", MASTRA_CANNOT_OPEN);
    expect_refusal(inside, "", MASTRA_CANNOT_OPEN);
    expect_refusal(yard->path, "mode=ro", MASTRA_CANNOT_OPEN);
    expect_refusal(yard->path, "mode=rw", MASTRA_CANNOT_OPEN);
    assert_int_equal(access(yard->path, F_OK), -1);
    free(inside);
}

static void truncated(void **state)
{
    struct yard *yard = *state;
    struct stat info;
    make_store(yard->path, 400);
    assert_int_equal(stat(yard->path, &info), 0);
    for (int part = 1; part < 8; part++) {
        char *cut = test_format("%s/cut%d.db", yard->directory, part);
        size_t len;
        char *bytes = test_file_read(yard->path, &len);
        mastra_error error = MASTRA_ERROR_INIT;
        test_file_write(cut, bytes, len * (size_t)part / 8);
        mastra_store *store = try_open(cut, "", &error);
        mastra_status status =
            store ? client_call(store, "listMessages", NULL, &error, "{'threadId':'t','perPage':false}")
                  : error.status;
        if (status != MASTRA_CORRUPT)
            fail_msg("%d/8 of the file: %s: %s", part, mastra_status_name(status), error.message);
        mastra_close(store, NULL);
        free(bytes);
        free(cut);
    }
}

/* A page in the middle is overwritten: what is read is right or an error, never a crash. */
static void damaged(void **state)
{
    struct yard *yard = *state;
    size_t len;
    int failed = 0;
    make_store(yard->path, 400);
    char *bytes = test_file_read(yard->path, &len);
    for (size_t page = 1; page < len / 4096; page++) {
        char *copy = malloc(len);
        mastra_error error = MASTRA_ERROR_INIT;
        assert_non_null(copy);
        memcpy(copy, bytes, len);
        memset(copy + page * 4096, 0xee, 4096);
        test_file_write(yard->path, copy, len);
        free(copy);
        mastra_store *store = try_open(yard->path, "", &error);
        mastra_status status = error.status;
        if (store) {
            status = client_call(store, "listMessages", NULL, &error, "{'threadId':'t','perPage':false}");
            client_call(store, "listThreads", NULL, NULL, "{}");
            client_call(store, "saveMessages", NULL, NULL, SAVE_MESSAGE("new"));
            client_call(store, "deleteThread", NULL, NULL, "{'threadId':'t'}");
        }
        if (status != MASTRA_OK && status != MASTRA_CORRUPT)
            fail_msg("page %zu: %s: %s", page, mastra_status_name(status), error.message);
        failed += status == MASTRA_CORRUPT;
        mastra_close(store, NULL);
    }
    assert_true(failed > 0);
    free(bytes);
}

/* Read-only. */

static void check_reads_only(const char *path, const char *params)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_store(path, params);
    assert_int_equal(client_total(store, "t"), 3);
    assert_int_equal(client_metadata_count(store, "t"), 1);
    assert_int_equal(client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")), MASTRA_READ_ONLY);
    assert_int_equal(client_call(store, "updateThread", NULL, &error, "{'id':'t'}"), MASTRA_READ_ONLY);
    assert_int_equal(client_call(store, "deleteThread", NULL, NULL, "{'threadId':'t'}"), MASTRA_READ_ONLY);
    assert_int_equal(client_total(store, "t"), 3);
    close_store(store);
}

static void read_only_url(void **state)
{
    struct yard *yard = *state;
    make_store(yard->path, 3);
    check_reads_only(yard->path, "mode=ro");
    raw_check(yard->path);
}

/* A file without our tables cannot get them. */
static void read_only_and_old(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    raw_run_file(yard->path, "CREATE TABLE other (a)");
    mastra_store *store = open_store(yard->path, "mode=ro");
    mastra_status status = client_call(store, "listThreads", NULL, &error, "{}");
    assert_int_not_equal(status, MASTRA_OK);
    assert_int_not_equal(status, MASTRA_INTERNAL);
    assert_int_equal(mastra_init(store, &error), MASTRA_READ_ONLY);
    close_store(store);
}

/* One that lacks what is not asked for is read all the same. */
static void read_only_and_incomplete(void **state)
{
    struct yard *yard = *state;
    make_store(yard->path, 3);
    raw_run_file(yard->path, "DROP TABLE mastra_evals; DROP INDEX idx_messages_thread_created_at");
    check_reads_only(yard->path, "mode=ro");
}

#define SOMEONE 65534

/* In a child process that gives up being root; the file is not the child's. */
static void as_someone(const char *path, void (*fn)(const char *path))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(SOMEONE) || setuid(SOMEONE)))
            _exit(9);
        fn(path);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The child's checks end it with a number that tells which. */
static void read_as_someone(const char *path)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = try_open(path, "", &error);
    if (!store) {
        fprintf(stderr, "%s\n", error.message);
        _exit(1);
    }
    if (client_total(store, "t") != 3)
        _exit(2);
    if (client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")) != MASTRA_READ_ONLY)
        _exit(3);
    if (client_total(store, "t") != 3 || mastra_close(store, NULL) != MASTRA_OK)
        _exit(4);
}

static void refused_as_someone(const char *path)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = use(path, "", &error);
    if (status != MASTRA_CANNOT_OPEN && status != MASTRA_DENIED)
        _exit(1);
}

static void another_users_file(void **state)
{
    struct yard *yard = *state;
    make_store(yard->path, 3);
    assert_int_equal(chmod(yard->directory, 0777), 0);
    assert_int_equal(chmod(yard->path, 0444), 0);
    as_someone(yard->path, read_as_someone);
    assert_int_equal(chmod(yard->path, 0), 0);
    as_someone(yard->path, refused_as_someone);
    char *fresh = test_format("%s/fresh.db", yard->directory);
    assert_int_equal(chmod(yard->directory, 0555), 0);
    as_someone(fresh, refused_as_someone);
    assert_int_equal(chmod(yard->directory, 0700), 0);
    free(fresh);
}

/* A full disk. */

static void full_disk(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    make_store(yard->path, 3);
    mastra_store *store = open_store(yard->path, "vfs=" FAULT_VFS);
    fault_vfs_limit(0, SQLITE_FULL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")), MASTRA_FULL);
        assert_int_equal(client_call(store, "deleteThread", NULL, &error, "{'threadId':'t'}"), MASTRA_FULL);
        assert_int_equal(client_total(store, "t"), 3);
    }
    assert_string_equal(error.backend, "SQLITE_FULL");
    fault_vfs_limit(-1, SQLITE_OK);
    OK(client_call(store, "saveMessages", NULL, NULL, SAVE_MESSAGE("new")));
    assert_int_equal(client_total(store, "t"), 4);
    close_store(store);
    raw_check(yard->path);
}

/* However early the disk is full on a fresh file, the next try finds nothing half done. */
static void full_from_the_start(void **state)
{
    struct yard *yard = *state;
    for (int pages = 0; pages < 40; pages += 3) {
        char *path = test_format("%s/%d.db", yard->directory, pages);
        mastra_error error = MASTRA_ERROR_INIT;
        fault_vfs_limit((sqlite3_int64)pages * 4096, SQLITE_FULL);
        mastra_status status = use(path, "vfs=" FAULT_VFS, &error);
        if (status != MASTRA_FULL && status != MASTRA_OK)
            fail_msg("%d pages: %s: %s", pages, mastra_status_name(status), error.message);
        fault_vfs_limit(-1, SQLITE_OK);
        OK(use(path, "vfs=" FAULT_VFS, &error));
        raw_check(path);
        free(path);
    }
}

/* Locks of other processes. */

struct lock {
    const char *path;
    const char *sql;
    long ms;
    int taken[2]; /* a pipe: the lock is held */
};

static void hold_lock(int index, void *arg)
{
    struct lock *lock = arg;
    struct timespec nap = {lock->ms / 1000, lock->ms % 1000 * 1000000};
    sqlite3 *db = NULL;
    (void)index;
    if (sqlite3_open(lock->path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 10000) != SQLITE_OK ||
        sqlite3_exec(db, lock->sql, NULL, NULL, NULL) != SQLITE_OK)
        crew_fail("%s", sqlite3_errmsg(db));
    if (write(lock->taken[1], "x", 1) != 1)
        crew_fail("nobody listens");
    nanosleep(&nap, NULL);
    sqlite3_close(db);
}

/* A process that holds the lock when this returns and keeps it for so long. */
static pid_t start_lock(struct lock *lock)
{
    char byte;
    assert_int_equal(pipe(lock->taken), 0);
    pid_t child = crew_fork(hold_lock, 0, lock);
    assert_int_equal(read(lock->taken[0], &byte, 1), 1);
    close(lock->taken[0]);
    close(lock->taken[1]);
    return child;
}

static void locked_too_long(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    struct lock lock = {.path = yard->path, .sql = "BEGIN EXCLUSIVE", .ms = 600000};
    make_store(yard->path, 3);
    pid_t child = start_lock(&lock);
    mastra_store *store = open_store(yard->path, "busy_timeout=200");
    assert_int_equal(client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")), MASTRA_BUSY);
    assert_true(error.retriable);
    assert_string_equal(error.backend, "SQLITE_BUSY");
    assert_int_equal(client_total(store, "t"), 3);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    OK(client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")));
    assert_int_equal(client_total(store, "t"), 4);
    close_store(store);
    raw_check(yard->path);
    crew_check();
}

static void locked_for_a_moment(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    struct lock lock = {.path = yard->path, .sql = "BEGIN EXCLUSIVE", .ms = 300};
    make_store(yard->path, 3);
    mastra_store *store = open_store(yard->path, "busy_timeout=60000");
    pid_t child = start_lock(&lock);
    OK(client_call(store, "saveMessages", NULL, &error, SAVE_MESSAGE("new")));
    crew_wait(child);
    crew_check();
    assert_int_equal(client_total(store, "t"), 4);
    close_store(store);
}

/* A rollback-journal file, on which a lock keeps readers out as well; opening switches it to WAL. */
static void locked_without_wal(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    struct lock lock = {.path = yard->path, .sql = "BEGIN EXCLUSIVE", .ms = 600000};
    make_store(yard->path, 3);
    raw_run_file(yard->path, "PRAGMA journal_mode=DELETE");
    pid_t child = start_lock(&lock);
    assert_int_equal(use(yard->path, "busy_timeout=200", &error), MASTRA_BUSY);
    assert_true(error.retriable);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    OK(use(yard->path, "busy_timeout=200", &error));
    char *mode = raw_text(yard->path, "PRAGMA journal_mode");
    assert_string_equal(mode, "wal");
    free(mode);
    crew_check();
}

/* A fresh file that another process is just making. */
static void locked_and_fresh(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    struct lock lock = {.path = yard->path, .sql = "BEGIN EXCLUSIVE; CREATE TABLE x (y)", .ms = 300};
    pid_t child = start_lock(&lock);
    if (use(yard->path, "busy_timeout=60000", &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    crew_wait(child);
    crew_check();
}

/* URLs and options. */

static void expect_url(const char *url, mastra_status want)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status = mastra_open(url, NULL, &store, &error);
    mastra_close(store, NULL);
    if (status != want)
        fail_msg("%s: want %s, got %s: %s", url ? url : "NULL", mastra_status_name(want),
                 mastra_status_name(status), error.message);
    if (status != MASTRA_OK)
        assert_string_equal(error.operation, "open");
    assert_null(status == MASTRA_OK ? NULL : store);
}

static void bad_urls(void **state)
{
    static const char *const bad_params[] = {
        "colour=red",
        "busy_timeout=",
        "busy_timeout=x",
        "busy_timeout=-5",
        "busy_timeout=1.5",
        "readers=0",
        "readers=many",
        "queue=0",
        "mode=rwx",
        "mode=",
        "synchronous=sort-of",
        "disable_init=2",
        "busy_timeout=99999999999999999999",
        "allow_vulnerable_wal=maybe",
        "queue=4&colour=red",
    };
    struct yard *yard = *state;
    expect_url("mongodb://localhost/db", MASTRA_NOT_SUPPORTED);
    expect_url("FILE2:x", MASTRA_NOT_SUPPORTED);
    expect_url("store.db", MASTRA_INVALID_ARGUMENT);
    expect_url("", MASTRA_INVALID_ARGUMENT);
    expect_url(NULL, MASTRA_INVALID_ARGUMENT);
    expect_url("file:", MASTRA_INVALID_ARGUMENT);
    for (size_t i = 0; i < sizeof(bad_params) / sizeof(bad_params[0]); i++) {
        char *url = test_format("file:%s?%s", yard->path, bad_params[i]);
        expect_url(url, MASTRA_INVALID_ARGUMENT);
        free(url);
    }
    /* None of these may have made the file. */
    assert_int_equal(access(yard->path, F_OK), -1);
    assert_int_equal(mastra_open(":memory:", NULL, NULL, NULL), MASTRA_INVALID_ARGUMENT);
}

static void good_urls(void **state)
{
    static const char *const params[] = {
        "",
        "?",
        "?busy_timeout=100&readers=1&queue=1&synchronous=full&disable_init=0&mode=rwc",
        "?mode=rw&synchronous=normal&disable_init=false",
        "?busy_timeout=1&busy_timeout=2",
    };
    struct yard *yard = *state;
    expect_url(":memory:", MASTRA_OK);
    expect_url("file::memory:", MASTRA_OK);
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        char *url = test_format("file:%s%s", yard->path, params[i]);
        expect_url(url, MASTRA_OK);
        free(url);
    }
}

static void odd_names(void **state)
{
    struct yard *yard = *state;
    char *url = test_format("file:%s/a%%20b%%3Fc%%23d%%25e\xc3\xa9\xf0\x9f\x9a\x80'\".db", yard->directory);
    char *path = test_format("%s/a b?c#d%%e\xc3\xa9\xf0\x9f\x9a\x80'\".db", yard->directory);
    expect_url(url, MASTRA_OK);
    assert_int_equal(access(path, F_OK), 0);
    free(url);
    url = test_format("file://%s/slashes.db", yard->directory);
    expect_url(url, MASTRA_OK);
    free(url);
    url = test_format("file://localhost%s/slashes.db?mode=rw", yard->directory);
    expect_url(url, MASTRA_OK);
    free(url);
    free(path);
    path = test_format("%s/slashes.db", yard->directory);
    assert_int_equal(access(path, F_OK), 0);
    free(path);
}

static void bad_options(void **state)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    (void)state;
    options.busy_timeout_ms = -1;
    assert_int_equal(mastra_open(":memory:", &options, &store, NULL), MASTRA_INVALID_ARGUMENT);
    options.busy_timeout_ms = 0;
    options.close_timeout_ms = -1;
    assert_int_equal(mastra_open(":memory:", &options, &store, NULL), MASTRA_INVALID_ARGUMENT);
    /* An older program's options end early. */
    options.size = offsetof(mastra_options, close_timeout_ms);
    assert_int_equal(mastra_open(":memory:", &options, &store, NULL), MASTRA_OK);
    close_store(store);
}

static size_t size_of_wal(const struct yard *yard)
{
    struct stat info;
    char *path = test_format("%s-wal", yard->path);
    size_t size = stat(path, &info) == 0 ? (size_t)info.st_size : 0;
    free(path);
    return size;
}

/* However much is written without a pause, the log is moved into the database in time; closing leaves none of it. */
static void short_log(void **state)
{
    enum { CALLS = 400, EACH = 100, CONTENT = 1000, MOST = 40000000 };
    struct yard *yard = *state;
    mastra_store *store = open_store(yard->path, "");
    mastra_message messages[EACH];
    const mastra_message *list[EACH];
    char ids[EACH][24];
    char content[CONTENT + 1];
    memset(content, 'x', CONTENT);
    content[CONTENT] = '\0';
    for (int i = 0; i < CALLS; i++) {
        for (int j = 0; j < EACH; j++) {
            messages[j] = (mastra_message)MASTRA_MESSAGE_INIT;
            snprintf(ids[j], sizeof(ids[j]), "%d-%d", j, i);
            messages[j].id = mastra_str_of(ids[j]);
            messages[j].thread_id = mastra_str_of("t");
            messages[j].role = mastra_str_of("user");
            messages[j].content = mastra_str_of(content);
            list[j] = &messages[j];
        }
        assert_int_equal(mastra_save_messages(store, list, EACH, NULL, NULL), MASTRA_OK);
        if (size_of_wal(yard) > MOST)
            fail_msg("the log has %zu bytes after %d calls", size_of_wal(yard), i + 1);
    }
    assert_int_equal(client_total(store, "t"), CALLS * EACH);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(size_of_wal(yard), 0);
    raw_check(yard->path);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(not_a_database),
        TEST(empty_file),
        TEST(no_file),
        TEST(truncated),
        TEST(damaged),
        TEST(read_only_url),
        TEST(read_only_and_old),
        TEST(read_only_and_incomplete),
        TEST(another_users_file),
        TEST(full_disk),
        TEST(full_from_the_start),
        TEST(locked_too_long),
        TEST(locked_for_a_moment),
        TEST(locked_without_wal),
        TEST(locked_and_fresh),
        TEST(bad_urls),
        TEST(good_urls),
        TEST(odd_names),
        TEST(short_log),
        TEST(bad_options),
    };
    fault_vfs_register();
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
