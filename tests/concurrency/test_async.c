/* Asynchronous calls: order, barriers, the bounded queue. */
#include "concurrency/desk.h"

#include "support/files.h"

/* Per thread, a list sees the saves queued before it and none queued after it. */

#define LINES 8
#define STEPS 25

static void order_per_thread(void **state)
{
    struct desk *desk = *state;
    struct outcome *saves = outcomes_new(desk, LINES * STEPS);
    struct outcome *lists = outcomes_new(desk, LINES * STEPS);
    desk->store = desk_open(desk, "");
    desk_threads(desk->store, "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", NULL);
    for (int i = 0; i < LINES * STEPS; i++) {
        char thread[8];
        char *args = test_format("{'threadId':'t%d','perPage':1}", i % LINES);
        snprintf(thread, sizeof(thread), "t%d", i % LINES);
        submit_save(desk->store, thread, i / LINES, &saves[i]);
        submit_list(desk->store, args, &lists[i]);
        free(args);
    }
    crew_gate_wait(desk->done, 2 * LINES * STEPS);
    crew_check();
    check_once(saves, LINES * STEPS);
    check_once(lists, LINES * STEPS);
    for (int i = 0; i < LINES * STEPS; i++) {
        assert_int_equal(saves[i].status, MASTRA_OK);
        assert_int_equal(lists[i].total, i / LINES + 1);
        assert_true(saves[i].position < lists[i].position);
        if (i >= LINES)
            assert_true(lists[i - LINES].position < saves[i].position);
    }
    free(saves);
    free(lists);
}

/* The same id saved again and again: the last one queued is the one that stays. */
static void last_write_stays(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 200);
    mastra_thread *thread = NULL;
    desk->store = desk_open(desk, "");
    for (int i = 0; i < 200; i++) {
        assert_int_equal(client_submit(desk->store, "saveThread", 0, note, &outcomes[i],
                                       "{'thread':{'id':'t','resourceId':'r','title':'%d'}}", i),
                         MASTRA_OK);
    }
    crew_gate_wait(desk->done, 200);
    crew_check();
    assert_int_equal(
        mastra_get_thread_by_id(desk->store, mastra_str_of("t"), mastra_str_of(NULL), &thread, NULL),
        MASTRA_OK);
    assert_string_equal(thread->title.ptr, "199");
    for (int i = 1; i < 200; i++)
        assert_true(outcomes[i - 1].position < outcomes[i].position);
    mastra_thread_free(thread);
    free(outcomes);
}

/* Calls that name several threads, or none, wait for all before them and hold back all after them. */
static void barriers(void **state)
{
    struct desk *desk = *state;
    struct outcome *saves = outcomes_new(desk, 400);
    struct outcome *walls = outcomes_new(desk, 40);
    desk->store = desk_open(desk, "");
    desk_threads(desk->store, "a", "b", NULL);
    for (int i = 0; i < 400; i++) {
        submit_save(desk->store, i % 2 ? "b" : "a", i, &saves[i]);
        if (i % 20 == 9)
            submit_list(desk->store, "{'threadId':['a','b'],'perPage':1}", &walls[i / 10]);
        if (i % 20 == 19)
            assert_int_equal(client_submit(desk->store, "listMessagesByResourceId", 0, note, &walls[i / 10],
                                           "{'resourceId':'r','perPage':1}"),
                             MASTRA_OK);
    }
    crew_gate_wait(desk->done, 440);
    crew_check();
    for (int i = 0; i < 40; i++) {
        int before = i * 10 + 10;
        assert_int_equal(walls[i].total, before);
        assert_true(saves[before - 1].position < walls[i].position);
        if (before < 400)
            assert_true(walls[i].position < saves[before].position);
    }
    free(saves);
    free(walls);
}

/* A list that includes messages of other threads waits for what is queued there. */
static void includes_are_barriers(void **state)
{
    struct desk *desk = *state;
    struct outcome *saves = outcomes_new(desk, 50);
    struct outcome *lists = outcomes_new(desk, 50);
    char args[128];
    desk->store = desk_open(desk, "");
    desk_threads(desk->store, "b", NULL);
    for (int i = 0; i < 50; i++) {
        snprintf(args, sizeof args, "{'threadId':'a','perPage':0,'include':[{'id':'b-%d'}]}", i);
        submit_save(desk->store, "b", i, &saves[i]);
        submit_list(desk->store, args, &lists[i]);
    }
    crew_gate_wait(desk->done, 100);
    crew_check();
    for (int i = 0; i < 50; i++)
        assert_true(saves[i].position < lists[i].position);
    free(saves);
    free(lists);
}

/* Reads of other threads, however many, do not keep a write from its commit. */
static void reads_do_not_starve_writes(void **state)
{
    struct desk *desk = *state;
    enum { MOST = 50000 };
    struct outcome *outcomes = outcomes_new(desk, MOST + 1);
    int reads = 0;
    desk->store = desk_open(desk, "queue=256");
    desk_threads(desk->store, "t", NULL);
    for (int i = 0; i < 256; i++)
        submit_list(desk->store, "{'threadId':'other'}", &outcomes[++reads]);
    submit_save(desk->store, "t", 0, &outcomes[0]);
    while (reads < MOST && !atomic_load(&outcomes[0].calls))
        submit_list(desk->store, "{'threadId':'other'}", &outcomes[++reads]);
    crew_gate_wait(desk->done, reads + 1);
    crew_check();
    assert_true(reads < MOST);
    free(outcomes);
}

/* A write that names no thread is a barrier too: what follows sees it, although it waits for a common commit. */
static void writing_barriers(void **state)
{
    struct desk *desk = *state;
    struct outcome *saves = outcomes_new(desk, 100);
    struct outcome *erasures = outcomes_new(desk, 100);
    struct outcome *lists = outcomes_new(desk, 100);
    desk->store = desk_open(desk, "");
    desk_threads(desk->store, "a", NULL);
    for (int i = 0; i < 100; i++) {
        submit_save(desk->store, "a", i, &saves[i]);
        assert_int_equal(
            client_submit(desk->store, "deleteMessages", 0, note, &erasures[i], "['a-%d']", i - 1),
            MASTRA_OK);
        submit_list(desk->store, "{'threadId':'a','perPage':1}", &lists[i]);
    }
    crew_gate_wait(desk->done, 300);
    crew_check();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(erasures[i].status, MASTRA_OK);
        assert_int_equal(lists[i].total, 1);
    }
    free(saves);
    free(erasures);
    free(lists);
}

/* The queue. */

static void full_queue(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 8);
    int taken = 0;
    desk->store = desk_open(desk, "queue=4");
    desk_threads(desk->store, "t", NULL);
    mastra_status status = MASTRA_OK;
    while (status == MASTRA_OK && taken < 8) {
        status = client_submit(desk->store, "saveMessages", MASTRA_NO_WAIT, note_slowly, &outcomes[taken],
                               SAVE_FORMAT, "t", taken, "t");
        taken += status == MASTRA_OK;
    }
    assert_int_equal(status, MASTRA_LIMIT_EXCEEDED);
    assert_int_equal(taken, 4);
    crew_gate_add(desk->open);
    crew_gate_wait(desk->done, taken);
    status = client_submit(desk->store, "saveMessages", MASTRA_NO_WAIT, note, &outcomes[taken], SAVE_FORMAT,
                           "t", taken, "t");
    if (status == MASTRA_OK)
        crew_gate_wait(desk->done, ++taken);
    assert_true(status == MASTRA_OK || status == MASTRA_LIMIT_EXCEEDED);
    crew_check();
    check_once(outcomes, (size_t)taken);
    assert_int_equal(client_total(desk->store, "t"), taken);
    free(outcomes);
}

static void submit_and_wait(int index, void *arg)
{
    struct outcome *outcomes = arg;
    submit_save(outcomes[0].desk->store, "t", index, &outcomes[index]);
}

/* Without the flag a submitter waits until there is room. */
static void waiting_for_room(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 40);
    desk->store = desk_open(desk, "queue=2");
    desk_threads(desk->store, "t", NULL);
    assert_int_equal(client_submit(desk->store, "listThreads", 0, note_slowly, &outcomes[39], "{}"),
                     MASTRA_OK);
    struct crew_thread *threads[8];
    for (int i = 0; i < 8; i++)
        threads[i] = crew_start(submit_and_wait, i, outcomes);
    assert_int_equal(crew_gate_count(desk->done), 0);
    crew_gate_add(desk->open);
    for (int i = 0; i < 8; i++)
        crew_join(threads[i]);
    crew_gate_wait(desk->done, 9);
    crew_check();
    check_once(outcomes, 8);
    assert_int_equal(client_total(desk->store, "t"), 8);
    free(outcomes);
}

#define SUBMITTERS 16
#define SUBMITS    40

static void submit_many(int index, void *arg)
{
    struct outcome *outcomes = arg;
    char thread[8];
    snprintf(thread, sizeof(thread), "t%d", index);
    for (int i = 0; i < SUBMITS; i++)
        submit_save(outcomes[0].desk->store, thread, i, &outcomes[index * SUBMITS + i]);
}

static void many_submitters(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, SUBMITTERS * SUBMITS);
    desk->store = desk_open(desk, "queue=64");
    desk_threads(desk->store, "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12",
                 "t13", "t14", "t15", NULL);
    crew_run(SUBMITTERS, submit_many, outcomes);
    crew_gate_wait(desk->done, SUBMITTERS * SUBMITS);
    crew_check();
    check_once(outcomes, SUBMITTERS * SUBMITS);
    for (int i = 0; i < SUBMITTERS * SUBMITS; i++) {
        assert_int_equal(outcomes[i].status, MASTRA_OK);
        if (i % SUBMITS > 0)
            assert_true(outcomes[i - 1].position < outcomes[i].position);
    }
    free(outcomes);
}

/* Synchronous and asynchronous calls side by side. */
static void save_either_way(int index, void *arg)
{
    struct outcome *outcomes = arg;
    mastra_store *store = outcomes[0].desk->store;
    mastra_error error = MASTRA_ERROR_INIT;
    for (int i = 0; i < 20; i++) {
        int number = index * 20 + i;
        if (index % 2)
            submit_save(store, "t", number, &outcomes[number]);
        else if (client_call(store, "saveMessages", NULL, &error, SAVE_FORMAT, "t", number, "t") != MASTRA_OK)
            crew_fail("%s", error.message);
        if (client_call(store, "updateThread", NULL, &error, "{'id':'t','metadata':{'k%d':1}}", number) !=
            MASTRA_OK)
            crew_fail("%s", error.message);
    }
}

static void both_kinds(void **state)
{
    struct desk *desk = *state;
    struct outcome *outcomes = outcomes_new(desk, 320);
    desk->store = desk_open(desk, "");
    assert_int_equal(
        client_call(desk->store, "saveThread", NULL, NULL, "{'thread':{'id':'t','resourceId':'r'}}"),
        MASTRA_OK);
    crew_run(16, save_either_way, outcomes);
    crew_gate_wait(desk->done, 160);
    crew_check();
    assert_int_equal(client_total(desk->store, "t"), 320);
    assert_int_equal(client_metadata_count(desk->store, "t"), 320);
    free(outcomes);
}

#define SHARED (PLACE_FILE | PLACE_POSTGRES | PLACE_DYNAMODB)

int main(void)
{
    const struct place_test tests[] = {
        {"calls of one thread keep their order", order_per_thread, SHARED},
        {"the last write queued stays", last_write_stays, SHARED},
        {"calls of several threads or none are barriers", barriers, SHARED},
        {"lists with included messages are barriers", includes_are_barriers, SHARED},
        {"reads do not starve writes", reads_do_not_starve_writes, SHARED},
        {"writes that name no thread are barriers", writing_barriers, SHARED},
        {"a full queue answers at once when asked to", full_queue, SHARED},
        {"a full queue makes submitters wait", waiting_for_room, SHARED},
        {"16 threads submit", many_submitters, SHARED},
        {"synchronous and asynchronous calls mixed", both_kinds, SHARED | PLACE_MEMORY},
    };
    return place_main("async", tests, sizeof(tests) / sizeof(tests[0]), desk_begin, desk_end);
}
