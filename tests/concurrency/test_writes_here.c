/* Writes that may be done on the submitter's thread: when they are, when they are not, and that nothing is overtaken. */
#include "concurrency/desk.h"

#include "support/files.h"

#include <pthread.h>
#include <sqlite3.h>

#define MAY_WRITE_HERE (MASTRA_NO_WAIT | MASTRA_DONE_IS_BRIEF | MASTRA_MAY_WRITE_HERE)

/* A call: where its callback ran, and what it was told. */
struct attempt {
    struct desk *desk;
    pthread_t thread;
    atomic_bool called;
    mastra_status status;
    char id[128]; /* of an error */
    char json[64];
};

static void note_attempt(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct attempt *attempt = user;
    attempt->thread = pthread_self();
    attempt->status = status;
    snprintf(attempt->id, sizeof(attempt->id), "%s", error ? error->id : "");
    snprintf(attempt->json, sizeof(attempt->json), "%.*s", (int)json.len, json.ptr ? json.ptr : "");
    atomic_store(&attempt->called, true);
    crew_gate_add(attempt->desk->done);
}

/* Returns whether it was over when it had been submitted. */
static bool attempt(struct attempt *attempt, const char *op, const char *args)
{
    atomic_store(&attempt->called, false);
    assert_int_equal(
        client_submit(attempt->desk->store, op, MAY_WRITE_HERE, note_attempt, attempt, "%s", args),
        MASTRA_OK);
    return atomic_load(&attempt->called) && pthread_equal(attempt->thread, pthread_self());
}

static void check_title(mastra_store *store, const char *title)
{
    char *json = NULL;
    static const char args[] = "{\"threadId\":\"t\"}";
    const mastra_str view = {args, sizeof(args) - 1};
    assert_int_equal(mastra_call(store, "getThreadById", view, &json, NULL, NULL), MASTRA_OK);
    if (!strstr(json, title))
        fail_msg("%s", json);
    mastra_json_free(json);
}

#define THREAD(title) "{'thread':{'id':'t','resourceId':'r','title':'" title "'}}"

static void rows_are_written_here(void **state)
{
    struct desk *desk = *state;
    struct attempt write = {.desk = desk};
    mastra_store *other = desk_open(desk, "");
    desk->store = desk_open(desk, "");
    /* The tables are not there yet, and making them may take long. */
    assert_false(attempt(&write, "saveThread", THREAD("first")));
    crew_gate_wait(desk->done, 1);
    assert_int_equal(write.status, MASTRA_OK);
    assert_true(attempt(&write, "saveThread", THREAD("second")));
    assert_int_equal(write.status, MASTRA_OK);
    /* It is committed. */
    check_title(other, "\"second\"");
    /* What is refused is told in the same way, and the next one is not the worse for it. */
    assert_true(attempt(&write, "updateThread", "{'id':'none','title':'x'}"));
    assert_int_equal(write.status, MASTRA_NOT_FOUND);
    assert_string_equal(write.id, "MASTRA_STORAGE_LIBSQL_UPDATE_THREAD_NOT_FOUND");
    assert_true(attempt(&write, "updateThread", "{'id':'t','title':5}"));
    assert_int_equal(write.status, MASTRA_INVALID_ARGUMENT);
    assert_true(attempt(&write, "saveThread", THREAD("third")));
    check_title(other, "\"third\"");
    assert_int_equal(mastra_close(other, NULL), MASTRA_OK);
}

/* Not without the flag, not what has transactions of its own, and not where a commit waits for the disk. */
static void others_are_queued(void **state)
{
    struct desk *desk = *state;
    struct attempt write = {.desk = desk};
    struct outcome *outcomes = outcomes_new(desk, 1);
    desk->store = desk_open(desk, "synchronous=full");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_false(attempt(&write, "saveThread", THREAD("full")));
    crew_gate_wait(desk->done, 1);
    assert_int_equal(write.status, MASTRA_OK);
    check_title(desk->store, "\"full\"");
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    desk->store = desk_open(desk, "");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_false(attempt(&write, "prune", "{'olderThan':{'mastra_threads':1000}}"));
    crew_gate_wait(desk->done, 2);
    assert_int_equal(write.status, MASTRA_OK);
    assert_int_equal(client_submit(desk->store, "saveThread", MASTRA_DONE_IS_BRIEF | MASTRA_MAY_RUN_HERE,
                                   note_briefly, &outcomes[0], "%s", THREAD("queued")),
                     MASTRA_OK);
    crew_gate_wait(desk->done, 3);
    check_once(outcomes, 1);
    check_title(desk->store, "\"queued\"");
    free(outcomes);
}

static void execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* Of a read there is a result all the same. */
static void results_may_be_left_out(void **state)
{
    static const unsigned flags[] = {MASTRA_NO_RESULT, MASTRA_NO_RESULT | MAY_WRITE_HERE};
    struct desk *desk = *state;
    struct attempt call = {.desk = desk};
    desk->store = desk_open(desk, "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_submit(desk->store, "saveMessages", flags[i], note_attempt, &call,
                                       SAVE_FORMAT, "t", i, "t"),
                         MASTRA_OK);
        crew_gate_wait(desk->done, 5 * i + 1);
        assert_string_equal(call.json, "null");
        assert_int_equal(client_total(desk->store, "t"), i + 1);
        assert_int_equal(
            client_submit(desk->store, "saveThread", flags[i], note_attempt, &call, "%s", THREAD("x")),
            MASTRA_OK);
        crew_gate_wait(desk->done, 5 * i + 2);
        assert_string_equal(call.json, "null");
        assert_int_equal(
            client_submit(desk->store, "deleteThread", flags[i], note_attempt, &call, "{'threadId':'none'}"),
            MASTRA_OK);
        crew_gate_wait(desk->done, 5 * i + 3);
        assert_string_equal(call.json, "null");
        assert_int_equal(client_submit(desk->store, "updateThread", flags[i], note_attempt, &call,
                                       "{'id':'none','title':'x'}"),
                         MASTRA_OK);
        crew_gate_wait(desk->done, 5 * i + 4);
        assert_int_equal(call.status, MASTRA_NOT_FOUND);
        assert_int_equal(
            client_submit(desk->store, "getThreadById", flags[i], note_attempt, &call, "{'threadId':'t'}"),
            MASTRA_OK);
        crew_gate_wait(desk->done, 5 * i + 5);
        assert_memory_equal(call.json, "{\"id\":\"t\",", 9);
    }
}

/* While somebody else writes the call waits in the queue, and what is submitted behind it waits as well. */
static void locks_are_not_waited_for(void **state)
{
    struct desk *desk = *state;
    struct attempt first = {.desk = desk};
    struct attempt second = {.desk = desk};
    sqlite3 *holder = NULL;
    desk->store = desk_open(desk, "busy_timeout=600000");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_int_equal(sqlite3_open(desk->place.path, &holder), SQLITE_OK);
    execute(holder, "BEGIN IMMEDIATE");
    assert_false(attempt(&first, "saveThread", THREAD("first")));
    assert_false(attempt(&second, "saveThread", THREAD("second")));
    assert_false(atomic_load(&first.called));
    assert_false(atomic_load(&second.called));
    execute(holder, "ROLLBACK");
    crew_gate_wait(desk->done, 2);
    assert_int_equal(first.status, MASTRA_OK);
    assert_int_equal(second.status, MASTRA_OK);
    check_title(desk->store, "\"second\"");
    assert_true(attempt(&first, "saveThread", THREAD("third")));
    check_title(desk->store, "\"third\"");
    assert_int_equal(sqlite3_close(holder), SQLITE_OK);
}

static mastra_store *open_at_once(struct desk *desk, int64_t busy_timeout_ms, mastra_status expected,
                                  bool at_once)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    options.open_at_once = at_once;
    options.busy_timeout_ms = busy_timeout_ms;
    assert_int_equal(mastra_open(desk->place.url, &options, &store, NULL), expected);
    return store;
}

/* The first call waits for whoever has the file for himself, and the next one when the first has given up. */
static void files_are_opened_at_once(void **state)
{
    struct desk *desk = *state;
    struct attempt write = {.desk = desk};
    char garbage[4096];
    sqlite3 *holder = NULL;
    mastra_store *hasty;
    desk->store = desk_open(desk, "");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    assert_int_equal(sqlite3_open(desk->place.path, &holder), SQLITE_OK);
    execute(holder, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT");
    desk->store = open_at_once(desk, 1, MASTRA_BUSY, false);
    hasty = open_at_once(desk, 1, MASTRA_OK, true);
    desk->store = open_at_once(desk, 600000, MASTRA_OK, true);
    assert_int_equal(client_call(hasty, "saveThread", NULL, NULL, THREAD("no")), MASTRA_BUSY);
    assert_int_equal(client_call(hasty, "listThreads", NULL, NULL, "{}"), MASTRA_BUSY);
    assert_false(attempt(&write, "saveThread", THREAD("first")));
    assert_false(atomic_load(&write.called));
    assert_int_equal(sqlite3_close(holder), SQLITE_OK);
    crew_gate_wait(desk->done, 1);
    assert_int_equal(write.status, MASTRA_OK);
    check_title(hasty, "\"first\"");
    assert_int_equal(mastra_close(hasty, NULL), MASTRA_OK);
    /* What is wrong with the file is told when it is opened. */
    memset(garbage, 'x', sizeof(garbage));
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    desk->store = NULL;
    test_file_write(desk->place.path, garbage, sizeof(garbage));
    assert_null(open_at_once(desk, 1, MASTRA_CORRUPT, true));
}

/* A call that fails in the middle of its writes is done again, and leaves nothing behind when it fails again. */
static void failures_are_undone(void **state)
{
    struct desk *desk = *state;
    struct attempt write = {.desk = desk};
    sqlite3 *db = NULL;
    desk->store = desk_open(desk, "");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_true(attempt(&write, "saveThread", THREAD("first")));
    crew_gate_wait(desk->done, 1);
    assert_int_equal(sqlite3_open(desk->place.path, &db), SQLITE_OK);
    execute(db, "CREATE TRIGGER odd BEFORE INSERT ON mastra_messages WHEN NEW.id = 'm-2' "
                "BEGIN SELECT RAISE(ABORT, 'odd'); END");
    assert_false(
        attempt(&write, "saveMessages",
                "{'messages':[{'id':'m-1','threadId':'t','resourceId':'r','role':'user','content':'x'},"
                "{'id':'m-2','threadId':'t','resourceId':'r','role':'user','content':'x'}]}"));
    crew_gate_wait(desk->done, 2);
    assert_int_not_equal(write.status, MASTRA_OK);
    assert_int_equal(client_total(desk->store, "t"), 0);
    execute(db, "DROP TRIGGER odd");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    attempt(&write, "saveMessages",
            "{'messages':[{'id':'m-2','threadId':'t','resourceId':'r','role':'user','content':'x'}]}");
    crew_gate_wait(desk->done, 3);
    assert_int_equal(write.status, MASTRA_OK);
    assert_int_equal(client_total(desk->store, "t"), 1);
}

/* Some are queued, some are done at once: each finds what was submitted before it. */
static void the_order_is_kept(void **state)
{
    struct desk *desk = *state;
    struct attempt *writes = calloc(300, sizeof(*writes));
    char args[128];
    char title[32];
    desk->store = desk_open(desk, "");
    assert_non_null(writes);
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    for (int i = 0; i < 300; i++) {
        const unsigned flags = i % 3 ? MAY_WRITE_HERE : MASTRA_DONE_IS_BRIEF;
        writes[i].desk = desk;
        snprintf(args, sizeof(args), "{'thread':{'id':'t','resourceId':'r','title':'number %d'}}", i);
        assert_int_equal(
            client_submit(desk->store, "saveThread", flags, note_attempt, &writes[i], "%s", args), MASTRA_OK);
        if (i % 7 == 0)
            crew_gate_wait(desk->done, i + 1);
        if (i % 7 == 0 || atomic_load(&writes[i].called)) {
            snprintf(title, sizeof(title), "\"number %d\"", i);
            check_title(desk->store, title);
        }
    }
    crew_gate_wait(desk->done, 300);
    check_title(desk->store, "\"number 299\"");
    for (int i = 0; i < 300; i++)
        assert_int_equal(writes[i].status, MASTRA_OK);
    free(writes);
}

#define TOGETHER 4
#define EACH     200

struct writer {
    struct desk *desk;
    struct outcome *outcomes;
    int number;
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;
    char name[8];
    snprintf(name, sizeof(name), "t%d", writer->number);
    for (int i = 0; i < EACH; i++) {
        if (writer->number % 2 == 0) {
            if (client_submit(writer->desk->store, "saveMessages", MAY_WRITE_HERE, note_briefly,
                              &writer->outcomes[i], SAVE_FORMAT, name, i, name) != MASTRA_OK)
                crew_fail("a save is not taken");
        } else if (client_call(writer->desk->store, "saveMessages", NULL, NULL, SAVE_FORMAT, name, i, name) !=
                   MASTRA_OK) {
            crew_fail("a save failed");
        }
    }
    return NULL;
}

/* Threads that submit and threads that call: there is one writer all the same. */
static void threads_share_the_writer(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, TOGETHER / 2 * EACH);
    struct writer writers[TOGETHER];
    pthread_t threads[TOGETHER];
    char name[8];
    desk->store = desk_open(desk, "");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    for (int i = 0; i < TOGETHER; i++) {
        writers[i] = (struct writer){desk, outcomes + i / 2 * EACH, i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writers[i]), 0);
    }
    for (int i = 0; i < TOGETHER; i++)
        pthread_join(threads[i], NULL);
    crew_gate_wait(desk->done, TOGETHER / 2 * EACH);
    crew_check();
    check_once(outcomes, TOGETHER / 2 * EACH);
    for (int i = 0; i < TOGETHER; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        assert_int_equal(client_total(desk->store, name), EACH);
    }
    free(outcomes);
}

/* A store whose runner sleeps, having saved one message. */
static void open_at_rest(struct desk *desk, const char *parameter, struct outcome *first)
{
    desk->store = desk_open(desk, parameter);
    submit_save(desk->store, "t", 0, first);
    crew_gate_wait(desk->done, 1);
    crew_settle();
}

static void save_on(struct desk *desk, int number, unsigned flags, struct outcome *outcome)
{
    assert_int_equal(client_submit(desk->store, "saveMessages", MASTRA_DONE_IS_BRIEF | flags, note_briefly,
                                   outcome, SAVE_FORMAT, "t", number, "t"),
                     MASTRA_OK);
}

/* Nobody was woken for those that fill the queue: whoever waits for room has it worked off. */
static void a_full_queue_is_worked_off(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 6);
    open_at_rest(desk, "queue=2", &outcomes[0]);
    for (int i = 1; i < 6; i++)
        save_on(desk, i, i < 5 ? MASTRA_MORE_FOLLOWS : 0, &outcomes[i]);
    crew_gate_wait(desk->done, 6);
    check_once(outcomes, 6);
    assert_int_equal(client_total(desk->store, "t"), 6);
    free(outcomes);
}

/* What was refused may have been the last. */
static void refusals_begin_those_before(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 2);
    const mastra_str none = {NULL, 0};
    open_at_rest(desk, "", &outcomes[0]);
    save_on(desk, 1, MASTRA_MORE_FOLLOWS, &outcomes[1]);
    assert_int_equal(mastra_call_async(desk->store, "noSuch", none, 0, note_briefly, &outcomes[0], NULL),
                     MASTRA_USAGE);
    crew_gate_wait(desk->done, 2);
    check_once(outcomes, 2);
    free(outcomes);
}

/* Closing lets them finish, though the last of them never came. */
static void closing_begins_those_before(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 2);
    open_at_rest(desk, "close_timeout=86400000", &outcomes[0]);
    save_on(desk, 1, MASTRA_MORE_FOLLOWS, &outcomes[1]);
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    desk->store = NULL;
    check_once(outcomes, 2);
    assert_int_equal(outcomes[1].status, MASTRA_OK);
    free(outcomes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST("rows are written on the submitter's thread", rows_are_written_here),
        DESK_TEST("other writes are queued", others_are_queued),
        DESK_TEST("results may be left out", results_may_be_left_out),
        DESK_TEST("locks are not waited for", locks_are_not_waited_for),
        DESK_TEST("files are opened at once", files_are_opened_at_once),
        DESK_TEST("a write that fails leaves nothing behind", failures_are_undone),
        DESK_TEST("writes on the submitter's thread keep the order", the_order_is_kept),
        DESK_TEST("threads share the writer", threads_share_the_writer),
        DESK_TEST("a full queue is worked off", a_full_queue_is_worked_off),
        DESK_TEST("a refused call has those before begun", refusals_begin_those_before),
        DESK_TEST("closing has those before begun", closing_begins_those_before),
    };
    return cmocka_run_group_tests_name("writes_here", tests, NULL, NULL);
}
