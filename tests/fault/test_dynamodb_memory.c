/*
 * Each allocation failed in turn on DynamoDB, from opening to a row that is written, and in every kind of call: it says
 * OUT_OF_MEMORY, or that it is not known what it has done; nothing leaks, and the store goes on working.
 */
#include "support/client.h"
#include "support/dynamodb.h"
#include "support/files.h"
#include "support/heap.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_ALLOCATIONS 5000

/* A call, and the one before each of its runs that makes its row as it was; NULL: it can be repeated as it is. */
struct scenario {
    const char *op;
    const char *args;
    const char *before_op;
    const char *before;
};

#define MESSAGE(id, time)                                                                                    \
    "{'id':'" id "','threadId':'t','resourceId':'r','role':'user','content':{'format':2,'parts':[]},"        \
    "'createdAt':" #time "}"

static const struct scenario scenarios[] = {
    {"saveThread", "{'thread':{'id':'t','resourceId':'r','title':'T','metadata':{'k':1}}}", NULL, NULL},
    {"getThreadById", "{'threadId':'t'}", NULL, NULL},
    {"updateThread", "{'id':'t','title':'T','metadata':{'more':[1,2]}}", NULL, NULL},
    {"listThreads", "{'filter':{'resourceId':'r','metadata':{'k':1}},'perPage':2}", NULL, NULL},
    {"listThreads", "{'page':0,'perPage':1}", NULL, NULL},
    {"saveMessages", "{'messages':[" MESSAGE("m1", 1000) "]}", NULL, NULL},
    {"saveMessages", "{'messages':[" MESSAGE("m1", 1000) "," MESSAGE("m2", 2000) "," MESSAGE("m3", 3000) "]}",
     NULL, NULL},
    {"listMessages", "{'threadId':'t','perPage':2,'page':1}", NULL, NULL},
    {"listMessages",
     "{'threadId':['t','u'],'perPage':1,'includeTotal':false,'orderBy':{'field':'createdAt','direction':"
     "'DESC'},'include':[{'id':'m2','withPreviousMessages':1,'withNextMessages':1}]}",
     NULL, NULL},
    {"listMessagesById", "{'messageIds':['m1','none','m2']}", NULL, NULL},
    {"updateMessages", "{'messages':[{'id':'m1','content':{'metadata':{'x':1}}},{'id':'m2','role':'user'}]}",
     NULL, NULL},
    {"deleteMessages", "['m1','m2']", "saveMessages",
     "{'messages':[" MESSAGE("m1", 1000) "," MESSAGE("m2", 2000) "]}"},
    {"cloneThread", "{'sourceThreadId':'t','title':'copy'}", NULL, NULL},
    {"deleteThread", "{'threadId':'gone'}", "saveMessages",
     "{'messages':[{'id':'g','threadId':'gone','resourceId':'r','role':'user','content':'x'}]}"},
    {"updateResource", "{'resourceId':'r','workingMemory':'w','metadata':{'a':1}}", NULL, NULL},
    {"persistWorkflowSnapshot",
     "{'workflowName':'w','runId':'run','snapshot':{'status':'running','context':{}}}", NULL, NULL},
    {"updateWorkflowResults", "{'workflowName':'w','runId':'run','stepId':'s','result':{'n':1}}", NULL, NULL},
    {"listWorkflowRuns", "{'workflowName':'w','perPage':1,'page':0}", NULL, NULL},
    {"tryAcquireWorkflowRunLock", "{'workflowName':'w','runId':'lock','ownerId':'me','ttlMs':600000}",
     "releaseWorkflowRunLock", "{'workflowName':'w','runId':'lock','ownerId':'me'}"},
    {"renewWorkflowRunLock", "{'workflowName':'w','runId':'held','ownerId':'me','ttlMs':600000}",
     "tryAcquireWorkflowRunLock", "{'workflowName':'w','runId':'held','ownerId':'me','ttlMs':600000}"},
    {"batchCreateSpans",
     "{'records':[{'traceId':'tr','spanId':'a','name':'n','spanType':'x','startedAt':5},"
     "{'traceId':'tr','spanId':'b','parentSpanId':'a','name':'n','spanType':'x','startedAt':6}]}",
     NULL, NULL},
    {"batchUpdateSpans", "{'records':[{'traceId':'tr','spanId':'a','updates':{'output':[1]}}]}", NULL, NULL},
    {"getTrace", "{'traceId':'tr'}", NULL, NULL},
    {"listTraces", "{'filters':{'hasChildError':false},'pagination':{'page':0,'perPage':1}}", NULL, NULL},
    {"saveScore",
     "{'id':'s','scorerId':'s','runId':'r','entityId':'e','scorer':{},'entity':{},'source':'LIVE','score':1,"
     "'output':{}}",
     NULL, NULL},
    {"listScoresByRunId", "{'runId':'r','pagination':{'page':0,'perPage':1}}", NULL, NULL},
    {"describeIndex", "'gsi1'", NULL, NULL},
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    if (!place)
        return 1;
    dynamodb_wanted();
    place_dynamodb_begin(place);
    *state = place;
    return 0;
}

static int end(void **state)
{
    place_end(*state);
    free(*state);
    return 0;
}

static bool is_allowed(mastra_status status)
{
    return status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY || status == MASTRA_UNKNOWN_OUTCOME;
}

/* Opens a store by these options, writes a row and closes it; false when memory was out. */
static bool use_once(const char *url, const mastra_options *options)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status = mastra_open(url, options, &store, &error);
    if (status == MASTRA_OK) {
        status = client_call(store, "saveThread", NULL, &error,
                             "{'thread':{'id':'t','resourceId':'r','title':'x'}}");
        assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    }
    if (!is_allowed(status))
        fail_msg("%s", error.message);
    return status == MASTRA_OK;
}

static void test_opening(void **state)
{
    const struct place *place = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    struct test_heap heap;
    bool done = false;
    assert_true(use_once(place->url, NULL));
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    for (long n = 1; !done; n++) {
        assert_true(n < MOST_ALLOCATIONS);
        test_heap_fail(&heap, n, false);
        done = use_once(place->url, &options);
        assert_int_equal(atomic_load(&heap.live), 0);
        assert_int_equal(atomic_load(&heap.misused), 0);
        done = done && atomic_load(&heap.refused) == 0;
    }
}

static void prepare(mastra_store *store, const struct scenario *scenario)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (scenario->before_op &&
        client_call(store, scenario->before_op, NULL, &error, "%s", scenario->before) != MASTRA_OK)
        fail_msg("%s: %s", scenario->before_op, error.message);
}

/* Every allocation of a call in turn, alone or with all that follow. */
static void try_all(mastra_store *store, struct test_heap *heap, const struct scenario *scenario, bool all)
{
    bool done = false;
    for (long n = 1; !done; n++) {
        mastra_error error = MASTRA_ERROR_INIT;
        long live;
        assert_true(n < MOST_ALLOCATIONS);
        prepare(store, scenario);
        live = atomic_load(&heap->live);
        test_heap_fail(heap, n, all);
        mastra_status status = client_call(store, scenario->op, NULL, &error, "%s", scenario->args);
        done = atomic_load(&heap->refused) == 0;
        test_heap_fail(heap, 0, false);
        if (!is_allowed(status) || (done && status != MASTRA_OK))
            fail_msg("%s, allocation %ld: %s", scenario->op, n, error.message);
        /* What is kept for the next call is no leak, and does not grow. */
        if (atomic_load(&heap->live) > live + 16)
            fail_msg("%s, allocation %ld: %ld blocks were there, %ld are", scenario->op, n, live,
                     atomic_load(&heap->live));
        assert_int_equal(atomic_load(&heap->misused), 0);
    }
    prepare(store, scenario);
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, scenario->op, NULL, &error, "%s", scenario->args) != MASTRA_OK)
        fail_msg("%s, afterwards: %s", scenario->op, error.message);
}

static void try_scenarios(const struct place *place, bool all)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    struct test_heap heap;
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    assert_int_equal(mastra_open(place->url, &options, &store, &error), MASTRA_OK);
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        try_all(store, &heap, &scenarios[i], all);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(atomic_load(&heap.live), 0);
}

static void test_calls(void **state)
{
    try_scenarios(*state, false);
}

static void test_calls_from_there_on(void **state)
{
    try_scenarios(*state, true);
}

/* A write is there as a whole or not at all. */
static void test_atomic(void **state)
{
    const struct place *place = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    struct test_heap heap;
    bool done = false;
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    assert_int_equal(mastra_open(place->url, &options, &store, &error), MASTRA_OK);
    for (long n = 1; !done; n++) {
        char thread[24];
        snprintf(thread, sizeof(thread), "t%ld", n);
        test_heap_fail(&heap, n, false);
        mastra_status status = client_call(
            store, "saveMessages", NULL, &error,
            "{'messages':[{'id':'a%s','threadId':'%s','resourceId':'r','role':'user','content':'x'},"
            "{'id':'b%s','threadId':'%s','resourceId':'r','role':'user','content':'x'}]}",
            thread, thread, thread, thread);
        done = atomic_load(&heap.refused) == 0;
        test_heap_fail(&heap, 0, false);
        int64_t total = client_total(store, thread);
        assert_true(is_allowed(status));
        assert_true(total == 2 || (total == 0 && status != MASTRA_OK));
        if (status == MASTRA_OUT_OF_MEMORY)
            assert_int_equal(total, 0);
    }
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(atomic_load(&heap.live), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opening, begin, end),
        cmocka_unit_test_setup_teardown(test_calls, begin, end),
        cmocka_unit_test_setup_teardown(test_calls_from_there_on, begin, end),
        cmocka_unit_test_setup_teardown(test_atomic, begin, end),
    };
    return cmocka_run_group_tests_name("dynamodb memory", tests, NULL, NULL);
}
