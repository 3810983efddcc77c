/*
 * Each allocation failed in turn, alone and together with all that follow: the call says OUT_OF_MEMORY, leaks
 * nothing, writes all or nothing, and the store goes on working.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/heap.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(literal)       ((mastra_str)MASTRA_STR(literal))
#define MOST_ALLOCATIONS 5000

/* One call; its results are freed before it returns. */
typedef mastra_status (*scenario_fn)(mastra_store *store, mastra_error *error);

static mastra_status save_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_thread *saved = NULL;
    thread.id = S("new");
    thread.resource_id = S("r");
    thread.metadata = S("{\"k\":1}");
    mastra_status status = mastra_save_thread(store, &thread, &saved, error);
    mastra_thread_free(saved);
    return status;
}

static mastra_status create_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_thread *saved = NULL;
    thread.resource_id = S("r");
    mastra_status status = mastra_create_thread(store, &thread, &saved, error);
    mastra_thread_free(saved);
    return status;
}

static mastra_status get_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread *thread = NULL;
    mastra_status status = mastra_get_thread_by_id(store, S("t"), S("r"), &thread, error);
    mastra_thread_free(thread);
    return status;
}

static mastra_status update_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread_patch patch = MASTRA_THREAD_PATCH_INIT;
    mastra_thread *thread = NULL;
    patch.values.id = S("t");
    patch.values.metadata = S("{\"more\":[1,2,3]}");
    patch.set = MASTRA_THREAD_SET_METADATA;
    mastra_status status = mastra_update_thread(store, &patch, &thread, error);
    mastra_thread_free(thread);
    return status;
}

static mastra_status move_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread *thread = NULL;
    mastra_status status = mastra_update_thread_resource_id(store, S("t"), S("other"), &thread, error);
    mastra_thread_free(thread);
    return status;
}

static mastra_status delete_thread(mastra_store *store, mastra_error *error)
{
    return mastra_delete_thread(store, S("t"), error);
}

static mastra_status list_threads(mastra_store *store, mastra_error *error)
{
    mastra_list_threads_args args = MASTRA_LIST_THREADS_INIT;
    mastra_thread_list *list = NULL;
    args.resource_id = S("r");
    args.metadata = S("{\"k\":{\"deep\":[1]}}");
    mastra_status status = mastra_list_threads(store, &args, &list, error);
    mastra_thread_list_free(list);
    return status;
}

static mastra_status clone_thread(mastra_store *store, mastra_error *error)
{
    mastra_clone_thread_args args = MASTRA_CLONE_THREAD_INIT;
    mastra_clone *clone = NULL;
    args.source_thread_id = S("t");
    args.metadata = S("{\"k\":1}");
    mastra_status status = mastra_clone_thread(store, &args, &clone, error);
    mastra_clone_free(clone);
    return status;
}

static mastra_status save_messages(mastra_store *store, mastra_error *error)
{
    const mastra_message *list[3];
    mastra_message messages[3];
    mastra_message_list *saved = NULL;
    const char *ids[3] = {"n1", "n2", "n1"};
    for (int i = 0; i < 3; i++) {
        mastra_message blank = MASTRA_MESSAGE_INIT;
        messages[i] = blank;
        messages[i].id = mastra_str_of(ids[i]);
        messages[i].thread_id = i ? S("t") : S("u");
        messages[i].role = S("user");
        messages[i].content = S("{\"format\":2,\"parts\":[]}");
        list[i] = &messages[i];
    }
    mastra_status status = mastra_save_messages(store, list, 3, &saved, error);
    mastra_message_list_free(saved);
    return status;
}

static mastra_status list_messages(mastra_store *store, mastra_error *error)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    const mastra_include included[2] = {{sizeof(mastra_include), S("m2"), 1, 1},
                                        {sizeof(mastra_include), S("m4"), 2, 0}};
    const mastra_include *include[2] = {&included[0], &included[1]};
    mastra_str threads[2] = {S("t"), S("u")};
    mastra_message_list *list = NULL;
    args.thread_ids = threads;
    args.thread_id_count = 2;
    args.include = include;
    args.include_count = 2;
    args.per_page = 2;
    args.metadata = S("{\"k\":1}");
    args.start_date = 1;
    mastra_status status = mastra_list_messages(store, &args, &list, error);
    mastra_message_list_free(list);
    return status;
}

static mastra_status list_by_resource(mastra_store *store, mastra_error *error)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_message_list *list = NULL;
    args.resource_id = S("r");
    mastra_status status = mastra_list_messages_by_resource_id(store, &args, &list, error);
    mastra_message_list_free(list);
    return status;
}

static mastra_status list_by_id(mastra_store *store, mastra_error *error)
{
    mastra_str ids[3] = {S("m1"), S("none"), S("m5")};
    mastra_message_list *list = NULL;
    mastra_status status = mastra_list_messages_by_id(store, ids, 3, &list, error);
    mastra_message_list_free(list);
    return status;
}

static mastra_status update_messages(mastra_store *store, mastra_error *error)
{
    mastra_message_patch patches[2] = {MASTRA_MESSAGE_PATCH_INIT, MASTRA_MESSAGE_PATCH_INIT};
    const mastra_message_patch *list[2] = {&patches[0], &patches[1]};
    mastra_message_list *updated = NULL;
    patches[0].values.id = S("m1");
    patches[0].values.content = S("{\"metadata\":{\"x\":1}}");
    patches[0].set = MASTRA_MESSAGE_SET_CONTENT;
    patches[1].values.id = S("m2");
    patches[1].values.thread_id = S("u");
    patches[1].set = MASTRA_MESSAGE_SET_THREAD_ID;
    mastra_status status = mastra_update_messages(store, list, 2, &updated, error);
    mastra_message_list_free(updated);
    return status;
}

static mastra_status delete_messages(mastra_store *store, mastra_error *error)
{
    mastra_str ids[2] = {S("m1"), S("m2")};
    return mastra_delete_messages(store, ids, 2, error);
}

static mastra_status update_resource(mastra_store *store, mastra_error *error)
{
    mastra_resource_patch patch = MASTRA_RESOURCE_PATCH_INIT;
    mastra_resource *resource = NULL;
    patch.values.id = S("r");
    patch.values.working_memory = S("wm");
    patch.values.metadata = S("{\"k\":1}");
    patch.set = MASTRA_RESOURCE_SET_METADATA | MASTRA_RESOURCE_SET_WORKING_MEMORY;
    mastra_status status = mastra_update_resource(store, &patch, &resource, error);
    mastra_resource_free(resource);
    return status;
}

/* By name, JSON in and out. */
static mastra_status named(mastra_store *store, mastra_error *error, const char *op, const char *args)
{
    char *json = NULL;
    mastra_status status = client_call(store, op, &json, error, "%s", args);
    if ((status == MASTRA_OK) != (json != NULL))
        crew_fail("%s: %s and json %p", op, mastra_status_name(status), (void *)json);
    mastra_json_free(json);
    return status;
}

static mastra_status named_save(mastra_store *store, mastra_error *error)
{
    return named(
        store, error, "saveMessages",
        "{'messages':[{'id':'n1','threadId':'u','role':'\\u0075ser','content':{'a':'\\u0061'}},"
        "{'id':'n2','threadId':'t','role':'user','content':'te\\u0078t','createdAt':'2024-01-01'}]}");
}

static mastra_status named_list(mastra_store *store, mastra_error *error)
{
    return named(
        store, error, "listMessages",
        "{'threadId':['\\u0074','u'],'include':[{'id':'m\\u0034','withPreviousMessages':1}],'perPage':2,"
        "'filter':{'metadata':{'k':1},'dateRange':{'start':1}}}");
}

static mastra_status named_update(mastra_store *store, mastra_error *error)
{
    return named(store, error, "updateMessages",
                 "{'messages':[{'id':'m1','content':{'x':1}},{'id':'m\\u0032','role':'x'}]}");
}

static mastra_status named_threads(mastra_store *store, mastra_error *error)
{
    return named(store, error, "listThreads", "{'filter':{'resourceId':'\\u0072','metadata':{'k':null}}}");
}

static mastra_status named_clone(mastra_store *store, mastra_error *error)
{
    return named(
        store, error, "cloneThread",
        "{'sourceThreadId':'t','title':'\\u0041','options':{'messageFilter':{'messageIds':['m1','m2']}}}");
}

static mastra_status named_resource(mastra_store *store, mastra_error *error)
{
    return named(store, error, "updateResource",
                 "{'resourceId':'r','workingMemory':'a\\u0000b','metadata':{'a':1}}");
}

/* Workflow runs: 'run' is there, 'new' is not. */

static mastra_status typed_results(mastra_store *store, mastra_error *error)
{
    mastra_update_workflow_results_args args = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    mastra_workflow_run *run = NULL;
    args.workflow_name = S("w");
    args.run_id = S("new");
    args.step_id = S("a");
    args.result = S("{\"output\":[1]}");
    mastra_status status = mastra_update_workflow_results(store, &args, &run, error);
    mastra_workflow_run_free(run);
    return status;
}

static mastra_status named_persist(mastra_store *store, mastra_error *error)
{
    return named(store, error, "persistWorkflowSnapshot",
                 "{'workflowName':'\\u0077','runId':'run','snapshot':{'context':{'a':{'output':[1,null]}}},"
                 "'fence':{'ownerId':'\\u006de','generation':1}}");
}

static mastra_status named_results(mastra_store *store, mastra_error *error)
{
    return named(store, error, "updateWorkflowResults",
                 "{'workflowName':'w','runId':'run','results':{'a':{'output':[null,2],'x':1},'b':null},"
                 "'requestContext':{'k':1}}");
}

static mastra_status named_state(mastra_store *store, mastra_error *error)
{
    return named(
        store, error, "updateWorkflowState",
        "{'workflowName':'w','runId':'run','opts':{'error':null,'expectedStatus':['x','runnin\\u0067']}}");
}

static mastra_status named_runs(mastra_store *store, mastra_error *error)
{
    return named(store, error, "listWorkflowRuns",
                 "{'status':'running','threadId':'\\u0074','page':0,'perPage':1}");
}

#define SCORE "'scorerId':'s','runId':'r','entityId':'e','scorer':{},'entity':{},'source':'LIVE','score':1"

static mastra_status named_score(mastra_store *store, mastra_error *error)
{
    return named(store, error, "saveScore",
                 "{" SCORE ",'output':null,'reason':'\\u0061','metadata':{'k':[1]}}");
}

static mastra_status named_get_score(mastra_store *store, mastra_error *error)
{
    return named(store, error, "getScoreById", "{'id':'\\u0073'}");
}

static mastra_status named_scores(mastra_store *store, mastra_error *error)
{
    return named(store, error, "listScoresByRunId", "{'runId':'r','pagination':{'perPage':1}}");
}

static mastra_status named_eval(mastra_store *store, mastra_error *error)
{
    return named(store, error, "saveEval",
                 "{'input':'i','output':'\\u006f','result':{'score':1},'agentName':'a','metricName':'m',"
                 "'instructions':'','globalRunId':'g','runId':'r','testInfo':{'testPath':'p'}}");
}

static mastra_status named_evals(mastra_store *store, mastra_error *error)
{
    return named(store, error, "getEvals", "{'type':'test','perPage':1}");
}

static mastra_status named_insert(mastra_store *store, mastra_error *error)
{
    return named(store, error, "batchTraceInsert",
                 "[{'id':'x','name':'n','traceId':'t','scope':'s','kind':1,'startTime':1,'endTime':2},"
                 "{'id':'y','name':'n','traceId':'t','scope':'s','kind':1,'startTime':1,'endTime':2}]");
}

static mastra_status named_traces(mastra_store *store, mastra_error *error)
{
    return named(store, error, "getTraces",
                 "{'name':'n','attributes':{'k':1},'filters':{'id':'\\u0074','kind':1},'perPage':1}");
}

/* A queued call: either it is refused and nothing calls back, or the callback brings the outcome. */
struct reply {
    struct crew_gate *gate;
    mastra_status status;
};

static void take_reply(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct reply *reply = user;
    reply->status = status;
    if ((status == MASTRA_OK) != (json.ptr != NULL) || (status == MASTRA_OK) != (error == NULL))
        crew_fail("an outcome that is neither result nor error");
    crew_gate_add(reply->gate);
}

static mastra_status queued_save(mastra_store *store, mastra_error *error)
{
    struct reply reply = {crew_gate_new(), MASTRA_OK};
    mastra_str args =
        S("{\"messages\":[{\"id\":\"n1\",\"threadId\":\"t\",\"role\":\"user\",\"content\":\"x\"}]}");
    mastra_status status = mastra_call_async(store, "saveMessages", args, 0, take_reply, &reply, error);
    if (status == MASTRA_OK) {
        crew_gate_wait(reply.gate, 1);
        status = reply.status;
        if (error)
            error->status = status;
    }
    crew_gate_free(reply.gate);
    return status;
}

static mastra_status named_spans(mastra_store *store, mastra_error *error)
{
    return named(store, error, "batchCreateSpans",
                 "{'records':[{'traceId':'tr','spanId':'new','name':'n','spanType':'x','startedAt':5,"
                 "'name':'\\u00fc','input':{'a':1}},{'traceId':'tr','spanId':'b','name':'n','spanType':'x',"
                 "'startedAt':6}]}");
}

static mastra_status named_span_updates(mastra_store *store, mastra_error *error)
{
    return named(store, error, "batchUpdateSpans",
                 "{'records':[{'traceId':'tr','spanId':'a','updates':{'name':'\\u00fc','output':[1]}},"
                 "{'traceId':'tr','spanId':'b','updates':{'endedAt':7}}]}");
}

static mastra_status named_span(mastra_store *store, mastra_error *error)
{
    return named(store, error, "getRootSpan", "'tr'");
}

static mastra_status named_trace(mastra_store *store, mastra_error *error)
{
    return named(store, error, "getTraceLight", "{'traceId':'tr'}");
}

static mastra_status named_roots(mastra_store *store, mastra_error *error)
{
    return named(
        store, error, "listTraces",
        "{'filters':{'name':'N \\u00fc','tags':['x'],'metadata':{'k':{'deep':[1]}},'hasChildError':true}}");
}

static mastra_status named_trace_deletion(mastra_store *store, mastra_error *error)
{
    return named(store, error, "batchDeleteTraces", "{'traceIds':['tr','none','tr'],'organizationId':'o'}");
}

/* What the scenarios work on: two threads, six messages, a resource, a workflow run, a score, an eval, a trace of 0.x,
 * one of two spans. */
static void fill(mastra_store *store)
{
    static const char *const calls[][2] = {
        {"saveThread", "{'thread':{'id':'t','resourceId':'r','title':'T','metadata':{'k':{'deep':[1]}}}}"},
        {"saveThread", "{'thread':{'id':'u','resourceId':'r'}}"},
        {"saveResource", "{'resource':{'id':'r','workingMemory':'w','metadata':{'a':1}}}"},
        {"createSpan", "{'traceId':'tr','spanId':'a','name':'N \\u00fc','spanType':'x','startedAt':1,"
                       "'organizationId':'o','tags':['x'],'metadata':{'k':{'deep':[1]}}}"},
        {"createSpan",
         "{'traceId':'tr','spanId':'b','parentSpanId':'a','name':'n','spanType':'x','startedAt':2,"
         "'error':{}}"},
        {"tryAcquireWorkflowRunLock", "{'workflowName':'w','runId':'run','ownerId':'me'}"},
        {"persistWorkflowSnapshot",
         "{'workflowName':'w','runId':'run','snapshot':{'status':'running','context':"
         "{'input':{'messageListState':{'memoryInfo':{'threadId':'t'}}}}}}"},
        {"saveScore", "{" SCORE ",'id':'s','output':{'k':1}}"},
        {"saveEval", "{'input':'i','output':'o','result':{'score':1},'agentName':'a','metricName':'m',"
                     "'instructions':'','globalRunId':'g','runId':'r','testInfo':{'testPath':'p'}}"},
        {"batchTraceInsert", "[{'id':'t','name':'n','traceId':'t','scope':'s','kind':1,'startTime':1,"
                             "'endTime':2,'attributes':{'k':1}}]"},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        assert_int_equal(client_call(store, calls[i][0], NULL, NULL, "%s", calls[i][1]), MASTRA_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(
            client_call(store, "saveMessages", NULL, NULL,
                        "{'messages':[{'id':'m%d','threadId':'%s','resourceId':'r','role':'user',"
                        "'createdAt':%d,'content':{'metadata':{'k':1}}}]}",
                        i, i < 3 ? "t" : "u", i + 5),
            MASTRA_OK);
    }
}

static mastra_store *open_store(struct test_heap *heap, const char *url)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    options.allocator = &heap->allocator;
    if (mastra_open(url, &options, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static void close_store(struct test_heap *heap, mastra_store *store)
{
    test_heap_fail(heap, 0, false);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(heap->misused, 0);
    if (heap->live != 0)
        fail_msg("%ld blocks were not released", (long)heap->live);
}

/* Runs the scenario with the n-th allocation failing; false once no allocation was refused. */
static bool try_with(struct test_heap *heap, mastra_store *store, scenario_fn run, long n, bool all)
{
    mastra_error error = MASTRA_ERROR_INIT;
    test_heap_fail(heap, n, all);
    mastra_status status = run(store, &error);
    bool refused = heap->refused > 0;
    test_heap_fail(heap, 0, false);
    crew_check();
    if (status != MASTRA_OK && status != MASTRA_OUT_OF_MEMORY)
        fail_msg("allocation %ld: %s: %s", n, mastra_status_name(status), error.message);
    if (status != MASTRA_OK && !refused)
        fail_msg("OUT_OF_MEMORY though no allocation failed");
    if (status != MASTRA_OK && error.status != status)
        fail_msg("allocation %ld: the error record says %s", n, mastra_status_name(error.status));
    return refused;
}

/* All of the store's content as one text, for comparison. */
static char *content_of(mastra_store *store)
{
    char *threads = NULL;
    char *messages = NULL;
    char *resources = NULL;
    char *spans = NULL;
    char *runs = NULL;
    client_call(store, "listThreads", &threads, NULL, "{'perPage':false,'orderBy':{'direction':'ASC'}}");
    client_call(store, "listMessages", &messages, NULL, "{'threadId':['t','u','new'],'perPage':false}");
    client_call(store, "listResources", &resources, NULL, "{'perPage':false}");
    client_call(store, "getTrace", &spans, NULL, "'tr'");
    client_call(store, "listWorkflowRuns", &runs, NULL, "{}");
    char *all = test_format("%s\n%s\n%s\n%s\n%s", threads ? threads : "-", messages ? messages : "-",
                            resources ? resources : "-", spans ? spans : "-", runs ? runs : "-");
    mastra_json_free(runs);
    mastra_json_free(threads);
    mastra_json_free(messages);
    mastra_json_free(resources);
    mastra_json_free(spans);
    return all;
}

/* On a fresh store each time: nothing is prepared or cached yet. A call that failed has written nothing. */
static void cold(scenario_fn run, bool all)
{
    bool refused = true;
    for (long n = 1; refused; n++) {
        struct test_heap heap;
        test_heap_init(&heap);
        mastra_store *store = open_store(&heap, ":memory:");
        mastra_error error = MASTRA_ERROR_INIT;
        fill(store);
        char *before = content_of(store);
        test_heap_fail(&heap, n, all);
        mastra_status status = run(store, &error);
        test_heap_fail(&heap, 0, false);
        char *after = content_of(store);
        if (status == MASTRA_OUT_OF_MEMORY && strcmp(before, after) != 0)
            fail_msg("allocation %ld%s failed, yet something was written", n, all ? " and all after it" : "");
        free(before);
        free(after);
        refused = try_with(&heap, store, run, n, all);
        close_store(&heap, store);
        assert_true(n < MOST_ALLOCATIONS);
    }
}

static void check_integrity(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* On one file, the failures one after the other. */
static void warm(scenario_fn run)
{
    struct test_heap heap;
    char *directory = test_dir_new();
    char *path = test_format("%s/store.db", directory);
    char *url = test_format("file:%s", path);
    test_heap_init(&heap);
    mastra_store *store = open_store(&heap, url);
    fill(store);
    for (int all = 0; all < 2; all++) {
        for (long n = 1; try_with(&heap, store, run, n, all); n++)
            assert_true(n < MOST_ALLOCATIONS);
    }
    assert_int_equal(run(store, NULL), MASTRA_OK);
    close_store(&heap, store);
    check_integrity(path);
    free(url);
    free(path);
    test_dir_remove(directory);
}

static void perform(void **state)
{
    scenario_fn run = *(const scenario_fn *)*state;
    cold(run, false);
    cold(run, true);
    warm(run);
}

/* Opening and making the tables, by mastra_init or by the first call. */
static mastra_status open_and_use(struct test_heap *heap, const char *url, bool init)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    options.allocator = &heap->allocator;
    mastra_status status = mastra_open(url, &options, &store, &error);
    if (status == MASTRA_OK)
        status = init ? mastra_init(store, &error) : save_thread(store, &error);
    else
        assert_null(store);
    test_heap_fail(heap, 0, false);
    assert_int_equal(status, error.status);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    return status;
}

static void opening(void **state)
{
    char *directory = test_dir_new();
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        mastra_status status = MASTRA_OUT_OF_MEMORY;
        for (long n = 1; status == MASTRA_OUT_OF_MEMORY; n++) {
            struct test_heap heap;
            char *path = test_format("%s/%d-%ld.db", directory, kind, n);
            char *url = kind & 4 ? test_format(":memory:") : test_format("file:%s?busy_timeout=100", path);
            test_heap_init(&heap);
            test_heap_fail(&heap, n, kind & 1);
            status = open_and_use(&heap, url, kind & 2);
            assert_true(status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY);
            assert_int_equal(heap.live, 0);
            assert_int_equal(heap.misused, 0);
            assert_int_equal(open_and_use(&heap, url, true), MASTRA_OK);
            if (!(kind & 4))
                check_integrity(path);
            free(url);
            free(path);
        }
    }
    test_dir_remove(directory);
}

static const struct {
    const char *name;
    scenario_fn run;
} scenarios[] = {
    {"saveThread", save_thread},
    {"createThread", create_thread},
    {"getThreadById", get_thread},
    {"updateThread", update_thread},
    {"updateThreadResourceId", move_thread},
    {"deleteThread", delete_thread},
    {"listThreads", list_threads},
    {"cloneThread", clone_thread},
    {"saveMessages", save_messages},
    {"listMessages", list_messages},
    {"listMessagesByResourceId", list_by_resource},
    {"listMessagesById", list_by_id},
    {"updateMessages", update_messages},
    {"deleteMessages", delete_messages},
    {"updateResource", update_resource},
    {"saveMessages by name", named_save},
    {"listMessages by name", named_list},
    {"updateMessages by name", named_update},
    {"listThreads by name", named_threads},
    {"cloneThread by name", named_clone},
    {"updateResource by name", named_resource},
    {"batchCreateSpans by name", named_spans},
    {"batchUpdateSpans by name", named_span_updates},
    {"getRootSpan by name", named_span},
    {"getTraceLight by name", named_trace},
    {"listTraces by name", named_roots},
    {"batchDeleteTraces by name", named_trace_deletion},
    {"updateWorkflowResults", typed_results},
    {"persistWorkflowSnapshot by name", named_persist},
    {"updateWorkflowResults by name", named_results},
    {"updateWorkflowState by name", named_state},
    {"listWorkflowRuns by name", named_runs},
    {"saveScore by name", named_score},
    {"getScoreById by name", named_get_score},
    {"listScoresByRunId by name", named_scores},
    {"saveEval by name", named_eval},
    {"getEvals by name", named_evals},
    {"batchTraceInsert by name", named_insert},
    {"getTraces by name", named_traces},
    {"saveMessages queued", queued_save},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int main(void)
{
    struct CMUnitTest tests[SCENARIOS + 1];
    tests[0] = (struct CMUnitTest)cmocka_unit_test(opening);
    for (size_t i = 0; i < SCENARIOS; i++) {
        tests[i + 1] =
            (struct CMUnitTest){scenarios[i].name, perform, NULL, NULL, (void *)(uintptr_t)&scenarios[i].run};
    }
    return _cmocka_run_group_tests("oom", tests, SCENARIOS + 1, NULL, NULL);
}
