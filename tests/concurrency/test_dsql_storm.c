/* Many writers of the same rows where nobody waits for anybody: every change is there in the end. */
#include "support/client.h"
#include "support/crew.h"
#include "support/dsql.h"
#include "support/files.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WRITERS 32
#define STORES  4

struct storm {
    struct place place;
    mastra_store *stores[STORES];
    atomic_int won;
};

/* Every writer has to come first in the end: on a busy machine that takes its time. */
static mastra_store *open_store(const struct place *place)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    char *url = place_url(place, "busy_timeout=240000&statementTimeoutMillis=120000");
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return store;
}

static int begin(void **state)
{
    struct storm *storm = calloc(1, sizeof(*storm));
    assert_non_null(storm);
    dsql_wanted();
    place_dsql_begin(&storm->place);
    for (int i = 0; i < STORES; i++)
        storm->stores[i] = open_store(&storm->place);
    *state = storm;
    return 0;
}

static int end(void **state)
{
    struct storm *storm = *state;
    for (int i = 0; i < STORES; i++)
        mastra_close(storm->stores[i], NULL);
    place_end(&storm->place);
    free(storm);
    return 0;
}

static void call(mastra_store *store, const char *op, const char *format, int index)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char args[512];
    snprintf(args, sizeof(args), format, index, index);
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        crew_fail("%s: %s", op, error.message);
}

static void change_thread(int index, void *arg)
{
    struct storm *storm = arg;
    call(storm->stores[index % STORES], "updateThread", "{'id':'t','metadata':{'k%d':%d}}", index);
}

static void test_thread(void **state)
{
    struct storm *storm = *state;
    call(storm->stores[0], "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'%d %d'}}", 0);
    crew_run(WRITERS, change_thread, storm);
    crew_check();
    assert_int_equal(client_metadata_count(storm->stores[0], "t"), WRITERS);
}

static void change_run(int index, void *arg)
{
    struct storm *storm = arg;
    call(storm->stores[index % STORES], "updateWorkflowResults",
         "{'workflowName':'w','runId':'r','stepId':'s%d','result':{'output':{'n':%d}}}", index);
}

/* The run is not there at first: whoever comes first makes it. */
static void test_run(void **state)
{
    struct storm *storm = *state;
    crew_run(WRITERS, change_run, storm);
    crew_check();
    assert_int_equal(place_number(&storm->place, "SELECT count(*) FROM mastra_workflow_snapshot"), 1);
    for (int i = 0; i < WRITERS; i++) {
        char *sql = test_format(
            "SELECT snapshot::jsonb #>> '{context,s%d,output,n}' FROM mastra_workflow_snapshot", i);
        assert_int_equal(place_number(&storm->place, sql), i);
        free(sql);
    }
}

static void take_lock(int index, void *arg)
{
    struct storm *storm = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    if (client_call(storm->stores[index % STORES], "tryAcquireWorkflowRunLock", &json, &error,
                    "{'workflowName':'w','runId':'r','ownerId':'o%d'}", index) != MASTRA_OK)
        crew_fail("tryAcquireWorkflowRunLock: %s", error.message);
    else if (strcmp(json, "true") == 0)
        atomic_fetch_add(&storm->won, 1);
    mastra_json_free(json);
}

static void test_lock(void **state)
{
    struct storm *storm = *state;
    crew_run(WRITERS, take_lock, storm);
    crew_check();
    assert_int_equal(atomic_load(&storm->won), 1);
}

static void save_messages(int index, void *arg)
{
    struct storm *storm = arg;
    call(storm->stores[index % STORES], "saveMessages",
         "{'messages':[{'id':'m%d','threadId':'t','resourceId':'r','role':'user','content':'%d'}]}", index);
}

static void test_messages(void **state)
{
    struct storm *storm = *state;
    call(storm->stores[0], "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'%d %d'}}", 0);
    crew_run(WRITERS, save_messages, storm);
    crew_check();
    assert_int_equal(client_total(storm->stores[0], "t"), WRITERS);
}

static void init_store(int index, void *arg)
{
    const struct place *place = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_store(place);
    (void)index;
    if (mastra_init(store, &error) != MASTRA_OK)
        crew_fail("init: %s", error.message);
    mastra_close(store, NULL);
}

/* Where no store has ever been. */
static void test_init(void **state)
{
    struct place place;
    (void)state;
    dsql_wanted();
    place_dsql_begin_fresh(&place);
    crew_run(3, init_store, &place);
    crew_check();
    assert_int_equal(
        place_number(&place, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"), 9);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_thread, begin, end),
        cmocka_unit_test_setup_teardown(test_run, begin, end),
        cmocka_unit_test_setup_teardown(test_lock, begin, end),
        cmocka_unit_test_setup_teardown(test_messages, begin, end),
        cmocka_unit_test(test_init),
    };
    return cmocka_run_group_tests_name("dsql storm", tests, NULL, NULL);
}
