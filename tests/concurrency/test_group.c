/*
 * Writes that are committed together, one of which fails: it alone reports the failure, all others are acknowledged
 * and there. The members are brought into one group by another connection that holds the file until they all wait.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/vfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MEMBERS  64
#define ODD      31 /* the one that fails */

#define MEGABYTE ((size_t)1 << 20)

struct hall {
    char *directory;
    char *path;
    mastra_store *store;
    sqlite3 *holder;
    struct crew_gate *done;
    struct crew_gate *begun; /* calls of threads */
    size_t odd_size;         /* of the odd member's message; 0: it is a clone of an existing thread */
    mastra_status status[MEMBERS];
    char message[MEMBERS][512];
    atomic_int calls[MEMBERS];
};

/* An SQL function that interrupts the connection it runs on. */
static void interrupt_me(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_int(context, 1);
}

static atomic_int commits;

static int count_commit(void *user)
{
    (void)user;
    atomic_fetch_add(&commits, 1);
    return 0;
}

/* Called for every connection that SQLite opens, the store's too. */
static int on_connect(sqlite3 *db, const char **ret_message, const void *api)
{
    (void)ret_message;
    (void)api;
    sqlite3_commit_hook(db, count_commit, NULL);
    return sqlite3_create_function(db, "interrupt_me", 0, SQLITE_UTF8, NULL, interrupt_me, NULL, NULL);
}

static int begin(void **state)
{
    struct hall *hall = calloc(1, sizeof(*hall));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(hall);
    fault_vfs_register();
    fault_vfs_limit(-1, SQLITE_OK);
    fault_vfs_watch(-1, NULL, NULL);
    hall->directory = test_dir_new();
    hall->path = test_format("%s/store.db", hall->directory);
    hall->done = crew_gate_new();
    hall->begun = crew_gate_new();
    char *url = test_format("file:%s?vfs=" FAULT_VFS "&busy_timeout=60000", hall->path);
    mastra_status status = mastra_open(url, NULL, &hall->store, &error);
    free(url);
    if (status != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(
        client_call(hall->store, "saveThread", NULL, NULL, "{'thread':{'id':'t','resourceId':'r'}}"),
        MASTRA_OK);
    assert_int_equal(sqlite3_open(hall->path, &hall->holder), SQLITE_OK);
    *state = hall;
    return 0;
}

static int end(void **state)
{
    struct hall *hall = *state;
    fault_vfs_limit(-1, SQLITE_OK);
    fault_vfs_watch(-1, NULL, NULL);
    sqlite3_close(hall->holder);
    mastra_status status = mastra_close(hall->store, NULL);
    crew_gate_free(hall->done);
    crew_gate_free(hall->begun);
    test_dir_remove(hall->directory);
    free(hall->path);
    free(hall);
    return status == MASTRA_OK ? 0 : -1;
}

static void hold(struct hall *hall)
{
    if (sqlite3_exec(hall->holder, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(hall->holder));
}

static void let_go(struct hall *hall)
{
    assert_int_equal(sqlite3_exec(hall->holder, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
}

/* The arguments of a member, and its operation. */
static char *member_args(const struct hall *hall, int index, const char **op)
{
    char *text;
    if (index == ODD && !hall->odd_size) {
        *op = "cloneThread";
        return test_format("{'sourceThreadId':'t','newThreadId':'t'}");
    }
    size_t size = index == ODD ? hall->odd_size : 10;
    text = malloc(size + 1);
    if (!text)
        abort();
    memset(text, 'x', size);
    text[size] = '\0';
    char *args =
        test_format("{'messages':[{'id':'m%d','threadId':'t','role':'user','content':'%s'}]}", index, text);
    *op = "saveMessages";
    free(text);
    return args;
}

struct member {
    struct hall *hall;
    int index;
};

static void note(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct member *member = user;
    struct hall *hall = member->hall;
    (void)json;
    hall->status[member->index] = status;
    if (error)
        memcpy(hall->message[member->index], error->message, sizeof(error->message));
    atomic_fetch_add(&hall->calls[member->index], 1);
    crew_gate_add(hall->done);
}

static void run_async(struct hall *hall)
{
    struct member members[MEMBERS];
    int before = crew_gate_count(hall->done);
    hold(hall);
    for (int i = 0; i < MEMBERS; i++) {
        const char *op;
        char *args = member_args(hall, i, &op);
        members[i] = (struct member){hall, i};
        assert_int_equal(client_submit(hall->store, op, 0, note, &members[i], "%s", args), MASTRA_OK);
        free(args);
    }
    let_go(hall);
    crew_gate_wait(hall->done, before + MEMBERS);
    crew_check();
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(atomic_exchange(&hall->calls[i], 0), 1);
}

static void call_member(int index, void *arg)
{
    struct hall *hall = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    const char *op;
    char *args = member_args(hall, index, &op);
    crew_gate_add(hall->begun);
    hall->status[index] = client_call(hall->store, op, NULL, &error, "%s", args);
    memcpy(hall->message[index], error.message, sizeof(error.message));
    free(args);
}

static void run_all(int index, void *arg)
{
    (void)index;
    crew_run(MEMBERS, call_member, arg);
}

/* The first thread to come leads and waits for the file, all others wait for it. */
static void run_sync(struct hall *hall)
{
    hold(hall);
    struct crew_thread *all = crew_start(run_all, 0, hall);
    crew_gate_wait(hall->begun, MEMBERS);
    crew_settle();
    let_go(hall);
    crew_join(all);
    crew_check();
}

/* All but the odd one were acknowledged and are there; the odd one failed so and left nothing. */
static void check_result(struct hall *hall, mastra_status odd)
{
    for (int i = 0; i < MEMBERS; i++) {
        mastra_status want = i == ODD ? odd : MASTRA_OK;
        if (hall->status[i] != want)
            fail_msg("member %d: %s: %s", i, mastra_status_name(hall->status[i]), hall->message[i]);
    }
    assert_int_equal(client_total(hall->store, "t"), MEMBERS - 1);
    for (int i = 0; i < MEMBERS; i++) {
        char *json = NULL;
        client_call(hall->store, "listMessagesById", &json, NULL, "{'messageIds':['m%d']}", i);
        assert_int_equal(client_count(json, "messages"), i != ODD);
        mastra_json_free(json);
    }
}

/* After the failure the store works as before. */
static void check_alive(struct hall *hall)
{
    fault_vfs_limit(-1, SQLITE_OK);
    fault_vfs_watch(-1, NULL, NULL);
    assert_int_equal(client_call(hall->store, "saveMessages", NULL, NULL,
                                 "{'messages':[{'id':'m%d','threadId':'t','role':'user','content':'again'}]}",
                                 ODD),
                     MASTRA_OK);
    assert_int_equal(client_total(hall->store, "t"), MEMBERS);
}

/* Writes that wait together are committed together. */
static void check_shared(struct hall *hall, void (*run)(struct hall *hall))
{
    hall->odd_size = 10;
    atomic_store(&commits, 0);
    run(hall);
    assert_int_equal(client_total(hall->store, "t"), MEMBERS);
    assert_in_range(atomic_load(&commits), 1, MEMBERS / 2);
}

static void shared_async(void **state)
{
    check_shared(*state, run_async);
}

static void shared_sync(void **state)
{
    check_shared(*state, run_sync);
}

static void conflict_async(void **state)
{
    run_async(*state);
    check_result(*state, MASTRA_CONFLICT);
    check_alive(*state);
}

static void conflict_sync(void **state)
{
    run_sync(*state);
    check_result(*state, MASTRA_CONFLICT);
    check_alive(*state);
}

/* A limit between what all small members need and what the odd one needs. */
#define LIMIT ((sqlite3_int64)3 << 20)

static void check_disk(struct hall *hall, size_t size, void (*run)(struct hall *hall), int code,
                       mastra_status status)
{
    hall->odd_size = size;
    fault_vfs_limit(LIMIT, code);
    run(hall);
    assert_true(fault_vfs_refused() > 0);
    check_result(hall, status);
    check_alive(hall);
}

/* 5 MB stay in the cache until the commit, which fails. */
static void full_at_commit_async(void **state)
{
    check_disk(*state, 5 * MEGABYTE, run_async, SQLITE_FULL, MASTRA_FULL);
}

static void full_at_commit_sync(void **state)
{
    check_disk(*state, 5 * MEGABYTE, run_sync, SQLITE_FULL, MASTRA_FULL);
}

/* 24 MB leave the cache early: the statement fails, and SQLite drops the whole transaction with it. */
static void full_in_statement_async(void **state)
{
    check_disk(*state, 24 * MEGABYTE, run_async, SQLITE_FULL, MASTRA_FULL);
}

static void full_in_statement_sync(void **state)
{
    check_disk(*state, 24 * MEGABYTE, run_sync, SQLITE_FULL, MASTRA_FULL);
}

static void failing_disk(void **state)
{
    check_disk(*state, 5 * MEGABYTE, run_async, SQLITE_IOERR_WRITE, MASTRA_UNAVAILABLE);
}

/* A trigger interrupts the statement that saves the odd member; the loop in it is where SQLite notices. */
static const char trigger[] = "CREATE TRIGGER odd AFTER INSERT ON mastra_messages WHEN NEW.id = 'm31' BEGIN "
                              "SELECT count(*) FROM mastra_threads WHERE interrupt_me(); END";

static void check_interrupt(struct hall *hall, void (*run)(struct hall *hall))
{
    for (int i = 0; i < 10; i++) {
        assert_int_equal(client_call(hall->store, "saveThread", NULL, NULL,
                                     "{'thread':{'id':'row%d','resourceId':'r'}}", i),
                         MASTRA_OK);
    }
    hall->odd_size = 10;
    if (sqlite3_exec(hall->holder, trigger, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(hall->holder));
    run(hall);
    assert_int_not_equal(hall->status[ODD], MASTRA_OK);
    check_result(hall, hall->status[ODD]);
    assert_int_equal(sqlite3_exec(hall->holder, "DROP TRIGGER odd", NULL, NULL, NULL), SQLITE_OK);
    check_alive(hall);
}

static void interrupt_async(void **state)
{
    check_interrupt(*state, run_async);
}

static void interrupt_sync(void **state)
{
    check_interrupt(*state, run_sync);
}

/* A commit that fails once only: everything is acknowledged in the end. */
static void heal(void *user)
{
    if (atomic_fetch_add((atomic_int *)user, 1) == 1)
        fault_vfs_limit(-1, SQLITE_OK);
}

static void passing_failure(void **state)
{
    struct hall *hall = *state;
    atomic_int writes = 0;
    hall->odd_size = 100;
    fault_vfs_limit(0, SQLITE_IOERR_WRITE);
    fault_vfs_watch(0, heal, &writes);
    run_async(hall);
    fault_vfs_watch(-1, NULL, NULL);
    for (int i = 0; i < MEMBERS; i++) {
        if (hall->status[i] != MASTRA_OK)
            fail_msg("member %d: %s: %s", i, mastra_status_name(hall->status[i]), hall->message[i]);
    }
    assert_int_equal(client_total(hall->store, "t"), MEMBERS);
}

/* No member can be written: each reports it, none is there, none is said to be. */
static void nothing_goes(void **state)
{
    struct hall *hall = *state;
    hall->odd_size = 100;
    fault_vfs_limit(0, SQLITE_FULL);
    run_async(hall);
    fault_vfs_limit(-1, SQLITE_OK);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(hall->status[i], MASTRA_FULL);
    assert_int_equal(client_total(hall->store, "t"), 0);
    run_async(hall);
    assert_int_equal(client_total(hall->store, "t"), MEMBERS);
}

#define TEST(name, function)                                                                                 \
    {                                                                                                        \
        name, function, begin, end, NULL                                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("64 queued writes share commits", shared_async),
        TEST("the writes of 64 threads share commits", shared_sync),
        TEST("a conflict among 64 queued writes", conflict_async),
        TEST("a conflict among 64 threads", conflict_sync),
        TEST("disk full at the commit, 64 queued writes", full_at_commit_async),
        TEST("disk full at the commit, 64 threads", full_at_commit_sync),
        TEST("disk full in a statement, 64 queued writes", full_in_statement_async),
        TEST("disk full in a statement, 64 threads", full_in_statement_sync),
        TEST("a disk that fails, 64 queued writes", failing_disk),
        TEST("an interrupt, 64 queued writes", interrupt_async),
        TEST("an interrupt, 64 threads", interrupt_sync),
        TEST("a failure that passes", passing_failure),
        TEST("a disk that takes nothing", nothing_goes),
    };
    sqlite3_auto_extension((void (*)(void))on_connect);
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
