/* Pruning while another process writes to what is being pruned. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#define THREADS 2500
#define TRACES  500
#define SPANS   4
#define RUNS    1500
#define CUTOFF  INT64_C(100000000) /* what was there before is older, what is written meanwhile younger */
#define TOUCHED 100                /* rounds of the other process before the pruning begins */

/* What the two processes share. */
struct shared {
    atomic_bool stop;
    atomic_int touches; /* rounds of the other process */
    atomic_bool thread_updated[THREADS];
    atomic_bool trace_touched[TRACES];
    atomic_int added; /* threads */
};

struct place {
    char *directory;
    char *path;
    char *url;
    struct shared *shared;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    place->url = test_format("file:%s", place->path);
    place->shared =
        mmap(NULL, sizeof(*place->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(place->shared, MAP_FAILED);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    munmap(place->shared, sizeof(*place->shared));
    test_dir_remove(place->directory);
    free(place->path);
    free(place->url);
    free(place);
    return 0;
}

static mastra_store *open_store(const struct place *place)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    options.busy_timeout_ms = 60000;
    if (mastra_open(place->url, &options, &store, &error) != MASTRA_OK)
        crew_fail("open: %s", error.message);
    return store;
}

static void call(mastra_store *store, const char *op, const char *format, int a, int b)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *args = test_format(format, a, b);
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        crew_fail("%s %s: %s", op, args, error.message);
    free(args);
}

/* Old threads with two messages each, traces, runs, behind the library's back: it would take its time. */
static void fill(const struct place *place)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_store(place);
    assert_int_equal(mastra_init(store, &error), MASTRA_OK);
    mastra_close(store, NULL);
    sqlite3 *db = raw_open(place->path);
    char *sql = test_format(
        "BEGIN;"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO mastra_threads SELECT 't' || i, 'r', 'T', NULL, '1970-01-01T00:00:01.000Z',"
        " '1970-01-01T00:00:01.000Z' FROM n;"
        "INSERT INTO mastra_messages SELECT 'm' || m.k || id, id, 'x', 'user', 'v2', createdAt, NULL"
        " FROM mastra_threads, (SELECT 0 AS k UNION SELECT 1) AS m;"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO mastra_ai_spans (traceId, spanId, name, spanType, isEvent, startedAt, createdAt)"
        " SELECT 't' || (i / %d), 's' || (i %% %d), 'n', 'x', 0, '1970-01-01T00:00:01.000Z', "
        "'1970-01-01T00:00:01.000Z' FROM n;"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO mastra_workflow_snapshot SELECT 'w' || (i %% 7), 'r' || i, NULL, '{}',"
        " '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.000Z' FROM n;"
        "COMMIT",
        THREADS - 1, TRACES * SPANS - 1, SPANS, SPANS, RUNS - 1);
    raw_run(db, sql);
    sqlite3_close(db);
    free(sql);
}

/* A thread that is updated is young from then on, if it is still there. */
static void touch_thread(mastra_store *store, struct shared *shared, int n)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status =
        client_call(store, "updateThread", NULL, &error, "{'id':'t%d','title':'new','metadata':{}}", n);
    if (status == MASTRA_OK)
        atomic_store(&shared->thread_updated[n], true);
    else if (status != MASTRA_NOT_FOUND)
        crew_fail("updateThread: %s", error.message);
}

/* Goes through every fifth thread and every second trace from the end, again and again, makes them young, adds new ones. */
static void write_on(int index, void *arg)
{
    const struct place *place = arg;
    struct shared *shared = place->shared;
    mastra_store *store = open_store(place);
    (void)index;
    for (int round = 0; store && !atomic_load(&shared->stop); round++) {
        int n = THREADS - 1 - round * 5 % THREADS;
        int trace = TRACES - 1 - round * 2 % TRACES;
        touch_thread(store, shared, n);
        call(store, "insert",
             "{'tableName':'mastra_ai_spans','record':{'traceId':'t%d','spanId':'young%d','name':'n',"
             "'spanType':'x','startedAt':200000000,'createdAt':200000000}}",
             trace, 0);
        atomic_store(&shared->trace_touched[trace], true);
        call(store, "saveThread", "{'thread':{'id':'new%d','resourceId':'r','title':'T'}}", round, 0);
        call(store, "saveMessages",
             "{'messages':[{'id':'new%d','threadId':'new%d','role':'user','content':'x','createdAt':1}]}",
             round, round);
        atomic_store(&shared->added, round + 1);
        atomic_fetch_add(&shared->touches, 1);
    }
    mastra_close(store, NULL);
}

static int64_t number(const struct place *place, const char *sql)
{
    char *text = raw_text(place->path, sql);
    int64_t value = text ? strtoll(text, NULL, 10) : -1;
    free(text);
    return value;
}

static void wait_for(const struct shared *shared, int touches)
{
    while (atomic_load(&shared->touches) < touches) {
        struct timespec time = {0, 1000000};
        nanosleep(&time, NULL);
    }
}

static void check_threads(const struct place *place, const mastra_prune_report *report)
{
    const struct shared *shared = place->shared;
    int64_t kept = 0;
    for (int n = 0; n < THREADS; n++) {
        char *sql = test_format("SELECT (SELECT count(*) FROM mastra_threads WHERE id = 't%d') * 10"
                                " + (SELECT count(*) FROM mastra_messages WHERE thread_id = 't%d')",
                                n, n);
        bool updated = atomic_load(&shared->thread_updated[n]);
        assert_int_equal(number(place, sql), updated ? 12 : 0);
        kept += updated;
        free(sql);
    }
    assert_true(kept > 0 && kept < THREADS);
    assert_int_equal(report->threads, THREADS - kept);
    assert_int_equal(report->messages, 2 * (THREADS - kept));
    assert_int_equal(number(place, "SELECT count(*) FROM mastra_threads WHERE id GLOB 'new*'"),
                     atomic_load(&shared->added));
    assert_int_equal(number(place, "SELECT count(*) FROM mastra_messages WHERE id GLOB 'new*'"),
                     atomic_load(&shared->added));
}

/* A trace that a young span came to is there as a whole, or went as a whole before. */
static void check_traces(const struct place *place, const mastra_prune_report *report)
{
    int64_t left = 0;
    int64_t whole = 0;
    for (int n = 0; n < TRACES; n++) {
        char *old =
            test_format("SELECT count(*) FROM mastra_ai_spans WHERE traceId = 't%d' AND spanId GLOB 's*'", n);
        char *young =
            test_format("SELECT count(*) FROM mastra_ai_spans WHERE traceId = 't%d' AND spanId GLOB 'y*'", n);
        int64_t spans = number(place, old);
        bool touched = atomic_load(&place->shared->trace_touched[n]);
        assert_int_equal(number(place, young), touched);
        assert_true(spans == 0 || (spans == SPANS && touched));
        left += spans;
        whole += spans == SPANS;
        free(old);
        free(young);
    }
    assert_true(whole > 0 && whole < TRACES);
    assert_int_equal(report->ai_spans, TRACES * SPANS - left);
}

static void beside_a_writer(void **state)
{
    struct place *place = *state;
    mastra_prune_args args = MASTRA_PRUNE_INIT;
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    pid_t child;
    fill(place);
    child = crew_fork(write_on, 0, place);
    wait_for(place->shared, TOUCHED);
    mastra_store *store = open_store(place);
    args.threads = CUTOFF;
    args.workflow_snapshot = CUTOFF;
    args.ai_spans = CUTOFF;
    args.batch_size = 60;
    if (mastra_prune(store, &args, &report, &error) != MASTRA_OK)
        crew_fail("prune: %s", error.message);
    /* It went on in between. */
    int during = atomic_load(&place->shared->touches);
    wait_for(place->shared, during + 1);
    atomic_store(&place->shared->stop, true);
    crew_wait(child);
    mastra_close(store, NULL);
    crew_check();
    assert_int_equal(report.workflow_snapshot, RUNS);
    assert_int_equal(number(place, "SELECT count(*) FROM mastra_workflow_snapshot"), 0);
    check_threads(place, &report);
    check_traces(place, &report);
    raw_check(place->path);
}

/* Threads of this process that save while one of them prunes. */
static void save_beside(int index, void *arg)
{
    mastra_store *store = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    if (index == 0) {
        mastra_prune_args args = MASTRA_PRUNE_INIT;
        mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
        args.threads = CUTOFF;
        args.batch_size = 30;
        if (mastra_prune(store, &args, &report, &error) != MASTRA_OK)
            crew_fail("prune: %s", error.message);
        if (report.threads != THREADS || report.messages != 2 * THREADS)
            crew_fail("pruned %lld threads, %lld messages", (long long)report.threads,
                      (long long)report.messages);
        return;
    }
    for (int i = 0; i < 50; i++) {
        call(store, "saveThread", "{'thread':{'id':'new%d-%d','resourceId':'r','title':'T'}}", index, i);
    }
}

static void beside_threads(void **state)
{
    struct place *place = *state;
    fill(place);
    mastra_store *store = open_store(place);
    crew_run(4, save_beside, store);
    crew_check();
    mastra_close(store, NULL);
    assert_int_equal(number(place, "SELECT count(*) FROM mastra_threads"), 150);
    assert_int_equal(number(place, "SELECT count(*) FROM mastra_messages"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beside_a_writer, begin, end),
        cmocka_unit_test_setup_teardown(beside_threads, begin, end),
    };
    return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
