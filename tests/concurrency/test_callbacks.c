/* Callbacks of asynchronous calls, and closing while calls are on their way. */
#include "concurrency/desk.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

/* Callbacks. */

struct chain {
    struct outcome outcome;
    unsigned flags;
    int left;
};

static void go_on(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct chain *chain = user;
    struct desk *desk = chain->outcome.desk;
    (void)json;
    (void)error;
    if (status != MASTRA_OK)
        crew_fail("a link ended with %s", mastra_status_name(status));
    if (chain->left-- > 0 && client_submit(desk->store, "saveMessages", chain->flags, go_on, chain,
                                           SAVE_FORMAT, "t", chain->left, "t") != MASTRA_OK)
        crew_fail("a link is not taken");
    crew_gate_add(desk->done);
}

static void run_chain(struct desk *desk, unsigned flags)
{
    struct chain chain = {.outcome = {.desk = desk}, .flags = flags, .left = 100};
    desk->store = desk_open(desk, "");
    assert_int_equal(client_submit(desk->store, "listThreads", flags, go_on, &chain, "{}"), MASTRA_OK);
    crew_gate_wait(desk->done, 101);
    crew_check();
    assert_int_equal(client_total(desk->store, "t"), 100);
}

static void callbacks_submit(void **state)
{
    run_chain(*state, 0);
}

static void brief_callbacks_submit(void **state)
{
    run_chain(*state, MASTRA_DONE_IS_BRIEF);
}

static void call_back_in(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct desk *desk = user;
    mastra_error inner = MASTRA_ERROR_INIT;
    mastra_store *other = NULL;
    sigset_t mask;
    (void)json;
    (void)error;
    if (status != MASTRA_OK)
        crew_fail("%s", mastra_status_name(status));
    if (client_call(desk->store, "listThreads", NULL, &inner, "{}") != MASTRA_USAGE ||
        inner.status != MASTRA_USAGE)
        crew_fail("mastra_call in a callback: %s", mastra_status_name(inner.status));
    if (mastra_list_threads(desk->store, NULL, NULL, NULL) != MASTRA_USAGE)
        crew_fail("a typed call in a callback is taken");
    if (mastra_init(desk->store, NULL) != MASTRA_USAGE || mastra_close(desk->store, NULL) != MASTRA_USAGE)
        crew_fail("mastra_init or mastra_close in a callback is taken");
    if (mastra_open(":memory:", NULL, &other, &inner) != MASTRA_OK ||
        mastra_list_threads(other, NULL, NULL, &inner) != MASTRA_OK ||
        mastra_close(other, &inner) != MASTRA_OK)
        crew_fail("another store in a callback: %s", inner.message);
    if (pthread_sigmask(SIG_BLOCK, NULL, &mask) || !sigismember(&mask, SIGTERM) ||
        !sigismember(&mask, SIGINT))
        crew_fail("the library's thread takes signals");
    crew_gate_add(desk->done);
}

static void callbacks_call_nothing_else(void **state)
{
    struct desk *desk = *state;
    desk->store = desk_open(desk, "");
    assert_int_equal(client_submit(desk->store, "listThreads", 0, call_back_in, desk, "{}"), MASTRA_OK);
    assert_int_equal(
        client_submit(desk->store, "listThreads", MASTRA_DONE_IS_BRIEF, call_back_in, desk, "{}"), MASTRA_OK);
    crew_gate_wait(desk->done, 2);
    crew_check();
    assert_int_equal(client_call(desk->store, "listThreads", NULL, NULL, "{}"), MASTRA_OK);
}

/* Which thread ran the callback shows in nothing but this. */
static void note_thread(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    pthread_t *thread = user;
    (void)status;
    (void)json;
    (void)error;
    *thread = pthread_self();
}

static void brief_and_others(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 200);
    pthread_t threads[2];
    desk->store = desk_open(desk, "");
    for (int i = 0; i < 200; i++) {
        unsigned flags = i % 3 ? MASTRA_DONE_IS_BRIEF : 0;
        mastra_done_fn done = flags ? note_briefly : note;
        const char *op = i % 5 ? "saveMessages" : "listMessages";
        mastra_status status =
            i % 5 ? client_submit(desk->store, op, flags, done, &outcomes[i], SAVE_FORMAT, "t", i, "t")
                  : client_submit(desk->store, op, flags, done, &outcomes[i], "{'threadId':'t','perPage':1}");
        assert_int_equal(status, MASTRA_OK);
    }
    assert_int_equal(client_submit(desk->store, "listThreads", 0, note_thread, &threads[0], "{}"), MASTRA_OK);
    assert_int_equal(
        client_submit(desk->store, "listThreads", MASTRA_DONE_IS_BRIEF, note_thread, &threads[1], "{}"),
        MASTRA_OK);
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    desk->store = desk_open(desk, "");
    crew_check();
    check_once(outcomes, 200);
    for (int i = 0; i < 200; i += 5)
        assert_int_equal(outcomes[i].total, i - i / 5);
    assert_int_equal(client_total(desk->store, "t"), 160);
    assert_false(pthread_equal(threads[0], threads[1]));
    free(outcomes);
}

/* A read that may run on the submitter's thread: where it ran, and what it found. */
struct glimpse {
    struct desk *desk;
    pthread_t thread;
    atomic_bool called;
    mastra_status status;
    char json[1024];
};

static void note_glimpse(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct glimpse *glimpse = user;
    glimpse->thread = pthread_self();
    glimpse->status = status;
    snprintf(glimpse->json, sizeof(glimpse->json), "%.*s", (int)json.len, json.ptr ? json.ptr : "");
    if (error)
        snprintf(glimpse->json, sizeof(glimpse->json), "%s", error->id);
    atomic_store(&glimpse->called, true);
    crew_gate_add(glimpse->desk->done);
}

#define MAY_RUN_HERE (MASTRA_NO_WAIT | MASTRA_DONE_IS_BRIEF | MASTRA_MAY_RUN_HERE)

/* Submits it as the count-th callback of the desk. Returns whether it was over before it was queued. */
static bool glimpse(struct glimpse *glimpse, const char *op, int count, const char *args)
{
    bool here;
    atomic_store(&glimpse->called, false);
    assert_int_equal(client_submit(glimpse->desk->store, op, MAY_RUN_HERE, note_glimpse, glimpse, "%s", args),
                     MASTRA_OK);
    here = atomic_load(&glimpse->called) && pthread_equal(glimpse->thread, pthread_self());
    crew_gate_wait(glimpse->desk->done, count);
    return here;
}

/* When all callbacks are over. The thread of the last one may still be about to end its call: then this one is queued. */
static bool glimpse_at_last(struct glimpse *read, const char *op, const char *args)
{
    bool here = false;
    for (int i = 0; i < 60000 && !here; i++) {
        here = glimpse(read, op, crew_gate_count(read->desk->done) + 1, args);
        if (!here)
            usleep(1000);
    }
    return here;
}

static void rows_are_read_here(void **state)
{
    struct desk *desk = *state;
    struct glimpse read = {.desk = desk};
    desk->store = desk_open(desk, "");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    /* Nobody has read yet: a connection would have to be opened. */
    assert_false(glimpse(&read, "getThreadById", 1, "{'threadId':'t'}"));
    assert_string_equal(read.json, "null");
    assert_true(glimpse_at_last(&read, "getThreadById", "{'threadId':'t'}"));
    assert_string_equal(read.json, "null");
    assert_int_equal(client_call(desk->store, "saveThread", NULL, NULL,
                                 "{'thread':{'id':'t','resourceId':'r','title':'x'}}"),
                     MASTRA_OK);
    assert_true(glimpse_at_last(&read, "getThreadById", "{'threadId':'t'}"));
    assert_non_null(strstr(read.json, "\"title\":\"x\""));
    assert_true(glimpse_at_last(&read, "getResourceById", "{'resourceId':'r'}"));
    /* What is refused is told in the same way. */
    assert_true(glimpse_at_last(&read, "getThreadById", "{'threadId':5}"));
    assert_int_equal(read.status, MASTRA_INVALID_ARGUMENT);
    assert_string_equal(read.json, "MASTRA_STORAGE_LIBSQL_GET_THREAD_BY_ID_FAILED");
    /* More than a row, and what may have to look at all of them. */
    assert_false(glimpse(&read, "listThreads", crew_gate_count(desk->done) + 1, "{}"));
    assert_false(glimpse(&read, "getWorkflowRunById", crew_gate_count(desk->done) + 1, "{'runId':'r'}"));
    assert_int_equal(read.status, MASTRA_OK);
    assert_true(glimpse_at_last(&read, "getWorkflowRunById", "{'runId':'r','workflowName':'w'}"));
}

/* It never overtakes what was queued before. */
static void reads_here_keep_the_order(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 300);
    struct glimpse read = {.desk = desk};
    int here = 0;
    char title[32];
    desk->store = desk_open(desk, "");
    assert_int_equal(client_call(desk->store, "getThreadById", NULL, NULL, "{'threadId':'t'}"), MASTRA_OK);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(client_submit(desk->store, "saveThread", MASTRA_DONE_IS_BRIEF, note_briefly,
                                       &outcomes[i],
                                       "{'thread':{'id':'t','resourceId':'r','title':'number %d'}}", i),
                         MASTRA_OK);
        if (i % 3 == 0)
            crew_gate_wait(desk->done, 2 * i + 1);
        here += glimpse(&read, "getThreadById", 2 * i + 2, "{'threadId':'t'}");
        snprintf(title, sizeof(title), "\"number %d\"", i);
        assert_non_null(strstr(read.json, title));
    }
    crew_check();
    check_once(outcomes, 300);
    assert_true(here > 0 || glimpse_at_last(&read, "getThreadById", "{'threadId':'t'}"));
    free(outcomes);
}

static void read_on(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct chain *chain = user;
    struct desk *desk = chain->outcome.desk;
    (void)json;
    if (status != MASTRA_OK)
        crew_fail("a link ended with %s: %s", mastra_status_name(status), error->message);
    if (chain->left-- > 0 && client_submit(desk->store, "getThreadById", chain->flags, read_on, chain,
                                           "{'threadId':'t'}") != MASTRA_OK)
        crew_fail("a link is not taken");
    crew_gate_add(desk->done);
}

/* However long the chain, it does not grow on one stack. */
static void reads_here_submit(void **state)
{
    static const unsigned flags[] = {MAY_RUN_HERE, MASTRA_NO_WAIT | MASTRA_MAY_RUN_HERE};
    struct desk *desk = *state;
    int links = 0;
    desk->store = desk_open(desk, "");
    assert_int_equal(client_call(desk->store, "getThreadById", NULL, NULL, "{'threadId':'t'}"), MASTRA_OK);
    for (int i = 0; i < 2; i++) {
        struct chain chain = {.outcome = {.desk = desk}, .flags = flags[i], .left = 20000};
        links += chain.left + 1;
        assert_int_equal(
            client_submit(desk->store, "getThreadById", chain.flags, read_on, &chain, "{'threadId':'t'}"),
            MASTRA_OK);
        crew_gate_wait(desk->done, links);
        crew_check();
    }
}

/* The compact answer of a trace. */
static void compact_traces(void **state)
{
    struct desk *desk = *state;
    struct glimpse read = {.desk = desk};
    static const char args[] = "{\"traceId\":\"x\"}";
    const mastra_str view = {args, sizeof(args) - 1};
    desk->store = desk_open(desk, "");
    assert_int_equal(
        client_call(desk->store, "batchCreateSpans", NULL, NULL,
                    "{'records':[{'traceId':'x','spanId':'1','name':'n','spanType':'t','isEvent':"
                    "false,'startedAt':1000,'input':{'a':null}}]}"),
        MASTRA_OK);
    assert_int_equal(
        mastra_call_async(desk->store, "getTraceLight", view, MASTRA_COMPACT, note_glimpse, &read, NULL),
        MASTRA_OK);
    crew_gate_wait(desk->done, 1);
    assert_int_equal(client_count(read.json, "spans"), 1);
    const char *spans = strstr(read.json, "\"times\":");
    assert_non_null(spans);
    if (strncmp(read.json, "{\"traceId\":\"x\",\"columns\":[\"traceId\",\"spanId\",", 44) != 0 ||
        !strstr(spans, "\"spans\":[[0,\"x\",1,\"1\",2,\"n\",3,\"t\",4,false,5,1000,"))
        fail_msg("%s", read.json);
}

/* A callback cannot wait for room that only its own end can make. */
static void fill_from_inside(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct outcome *outcomes = user;
    struct desk *desk = outcomes[0].desk;
    mastra_status taken = MASTRA_OK;
    (void)json;
    (void)error;
    if (status != MASTRA_OK)
        crew_fail("%s", mastra_status_name(status));
    for (int i = 1; i < 10 && taken == MASTRA_OK; i++) {
        taken = client_submit(desk->store, "listThreads", 0, note, &outcomes[i], "{}");
        outcomes[0].total += taken == MASTRA_OK;
    }
    if (taken != MASTRA_LIMIT_EXCEEDED)
        crew_fail("a full queue in a callback: %s", mastra_status_name(taken));
    crew_gate_add(desk->done);
}

static void full_queue_in_callback(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 10);
    desk->store = desk_open(desk, "queue=3");
    assert_int_equal(client_submit(desk->store, "listThreads", 0, fill_from_inside, outcomes, "{}"),
                     MASTRA_OK);
    crew_gate_wait(desk->done, 1);
    crew_check();
    assert_true(outcomes[0].total >= 1);
    crew_gate_wait(desk->done, 1 + (int)outcomes[0].total);
    check_once(outcomes + 1, (size_t)outcomes[0].total);
    crew_check();
    free(outcomes);
}

static void errors_of_submitting(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 4);
    desk->store = desk_open(desk, "");
    assert_int_equal(client_submit(desk->store, "noSuch", 0, note, &outcomes[0], "{}"), MASTRA_USAGE);
    assert_int_equal(client_submit(desk->store, "listThreads", 0, note, &outcomes[1], "{"),
                     MASTRA_INVALID_ARGUMENT);
    assert_int_equal(client_submit(desk->store, "updateThread", 0, note, &outcomes[2], "{'id':'no'}"),
                     MASTRA_OK);
    crew_gate_wait(desk->done, 1);
    assert_int_equal(client_submit(desk->store, "saveMessages", 0, note, &outcomes[3], "{'messages':[{}]}"),
                     MASTRA_OK);
    crew_gate_wait(desk->done, 2);
    crew_check();
    assert_int_equal(outcomes[0].calls + outcomes[1].calls, 0);
    assert_int_equal(outcomes[2].status, MASTRA_NOT_FOUND);
    assert_int_equal(outcomes[3].status, MASTRA_INVALID_ARGUMENT);
    free(outcomes);
}

/* Closing. */

static void close_drains(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 300);
    desk->store = desk_open(desk, "");
    for (int i = 0; i < 300; i++)
        submit_save(desk->store, "t", i, &outcomes[i]);
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    crew_check();
    check_once(outcomes, 300);
    for (int i = 0; i < 300; i++)
        assert_int_equal(outcomes[i].status, MASTRA_OK);
    desk->store = desk_open(desk, "");
    assert_int_equal(client_total(desk->store, "t"), 300);
    free(outcomes);
}

/* Another connection holds the file, so that nothing can be written before the deadline. */
static void close_cancels(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 100);
    sqlite3 *holder = NULL;
    desk->store = desk_open(desk, "busy_timeout=600000&close_timeout=1");
    assert_int_equal(mastra_init(desk->store, NULL), MASTRA_OK);
    assert_int_equal(sqlite3_open(desk->place.path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 100; i++)
        submit_save(desk->store, "t", i, &outcomes[i]);
    assert_int_equal(mastra_close(desk->store, NULL), MASTRA_OK);
    sqlite3_exec(holder, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(holder);
    crew_check();
    check_once(outcomes, 100);
    for (int i = 0; i < 100; i++)
        assert_string_equal(mastra_status_name(outcomes[i].status), "closed");
    desk->store = desk_open(desk, "");
    assert_int_equal(client_total(desk->store, "t"), 0);
    free(outcomes);
}

/* A synchronous call that is under way at the deadline is cut off, and closing waits for it to return. */
struct late_call {
    mastra_store *store;
    atomic_int begun;
    mastra_status status;
};

static void call_late(int index, void *arg)
{
    struct late_call *call = arg;
    (void)index;
    atomic_store(&call->begun, 1);
    call->status = client_call(call->store, "saveMessages", NULL, NULL, SAVE_FORMAT, "t", 0, "t");
}

static void close_cuts_off(void **state)
{
    struct desk *desk = *state;
    struct late_call call = {.store = desk_open(desk, "busy_timeout=600000&close_timeout=50")};
    sqlite3 *holder = NULL;
    assert_int_equal(mastra_init(call.store, NULL), MASTRA_OK);
    assert_int_equal(sqlite3_open(desk->place.path, &holder), SQLITE_OK);
    assert_int_equal(sqlite3_exec(holder, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct crew_thread *thread = crew_start(call_late, 0, &call);
    while (!atomic_load(&call.begun))
        usleep(1000);
    /* It waits for the file. */
    crew_settle();
    assert_int_equal(mastra_close(call.store, NULL), MASTRA_OK);
    crew_join(thread);
    assert_string_equal(mastra_status_name(call.status), "closed");
    sqlite3_exec(holder, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(holder);
}

/* A callback that runs while the store closes is refused further calls. */
static void submit_late(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct outcome *outcomes = user;
    struct desk *desk = outcomes[0].desk;
    mastra_status taken = MASTRA_OK;
    (void)json;
    (void)error;
    if (status != MASTRA_OK)
        crew_fail("%s", mastra_status_name(status));
    crew_gate_add(desk->done);
    crew_gate_wait(desk->open, 1);
    for (int i = 0; i < 20000 && taken == MASTRA_OK; i++) {
        taken = client_submit(desk->store, "listThreads", MASTRA_NO_WAIT, note, &outcomes[1], "{}");
        outcomes[0].total += taken == MASTRA_OK;
    }
    if (taken != MASTRA_CLOSED && taken != MASTRA_LIMIT_EXCEEDED)
        crew_fail("a closing store: %s", mastra_status_name(taken));
}

static void close_in_thread(int index, void *arg)
{
    struct desk *desk = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    (void)index;
    crew_gate_add(desk->open);
    if (mastra_close(desk->store, &error) != MASTRA_OK)
        crew_fail("%s", error.message);
}

static void callback_during_close(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 2);
    desk->store = desk_open(desk, "");
    assert_int_equal(client_submit(desk->store, "listThreads", 0, submit_late, outcomes, "{}"), MASTRA_OK);
    crew_gate_wait(desk->done, 1);
    crew_join(crew_start(close_in_thread, 0, desk));
    desk->store = NULL;
    crew_check();
    assert_int_equal(outcomes[1].calls, outcomes[0].total);
    free(outcomes);
}

/* Stores that never used their queue, or only just, close at once. */
static void close_idle(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 20);
    for (int i = 0; i < 20; i++) {
        mastra_store *store = desk_open(desk, "");
        if (i % 2)
            assert_int_equal(client_submit(store, "listThreads", 0, note, &outcomes[i], "{}"), MASTRA_OK);
        assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
        assert_int_equal(outcomes[i].calls, i % 2);
    }
    crew_check();
    free(outcomes);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST("callbacks may submit", callbacks_submit),
        DESK_TEST("brief callbacks may submit", brief_callbacks_submit),
        DESK_TEST("callbacks may call nothing else", callbacks_call_nothing_else),
        DESK_TEST("brief callbacks and others", brief_and_others),
        DESK_TEST("rows are read on the submitter's thread", rows_are_read_here),
        DESK_TEST("reads on the submitter's thread keep the order", reads_here_keep_the_order),
        DESK_TEST("callbacks on the submitter's thread may submit", reads_here_submit),
        DESK_TEST("compact traces", compact_traces),
        DESK_TEST("a full queue does not block a callback", full_queue_in_callback),
        DESK_TEST("what is refused calls nothing back", errors_of_submitting),
        DESK_TEST("closing drains the queue", close_drains),
        DESK_TEST("closing cancels what is left at the deadline", close_cancels),
        DESK_TEST("closing cuts off a synchronous call", close_cuts_off),
        DESK_TEST("a callback while the store closes", callback_during_close),
        DESK_TEST("closing an idle store", close_idle),
    };
    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
