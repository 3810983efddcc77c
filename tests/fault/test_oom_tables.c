/*
 * Each allocation of an operation on tables failed in turn, alone and together with all that follow: the call says
 * OUT_OF_MEMORY, leaks nothing, changes all or nothing (pruning: whole units), and the store goes on working.
 */
#include "support/client.h"
#include "support/files.h"
#include "support/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST_ALLOCATIONS 2000

struct scenario {
    const char *name;
    const char *op;
    const char *args;
    bool in_parts; /* what an earlier part has done stays done */
};

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static void fill(mastra_store *store)
{
    call(store, "createTable",
         "{'tableName':'notes','schema':{'id':{'type':'text','primaryKey':true},'n':{'type':'integer'}}}");
    call(store, "batchInsert", "{'tableName':'notes','records':[{'id':'a','n':1},{'id':'b','n':2}]}");
    call(store, "createIndex", "{'name':'idx','table':'notes','columns':['n']}");
    call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'T','updatedAt':1}}");
    call(store, "insert",
         "{'tableName':'mastra_messages','record':{'id':'m','threadId':'t','role':'user','content':'x',"
         "'createdAt':1}}");
    call(store, "insert",
         "{'tableName':'mastra_ai_spans','record':{'traceId':'t','spanId':'s','name':'n','spanType':'x',"
         "'startedAt':1}}");
    call(store, "insert",
         "{'tableName':'mastra_workflow_snapshot','record':{'workflow_name':'w','run_id':'1','snapshot':{},"
         "'updatedAt':1}}");
    call(store, "insert",
         "{'tableName':'mastra_evals','record':{'input':'i','output':'o','result':{},'agentName':'a',"
         "'metricName':'m','instructions':'x','globalRunId':'g','runId':'r','createdAt':1}}");
}

/* What the scenarios may change, as one text. */
static char *content_of(mastra_store *store)
{
    static const char *const calls[][2] = {
        {"listIndexes", "{}"},
        {"hasColumn", "{'tableName':'notes','column':'more'}"},
        {"hasColumn", "{'tableName':'other','column':'id'}"},
        {"load", "{'tableName':'notes','keys':{'id':'a'}}"},
        {"load", "{'tableName':'notes','keys':{'id':'b'}}"},
        {"load", "{'tableName':'notes','keys':{'id':'c'}}"},
        {"listThreads", "{}"},
    };
    char *all = test_format("%s", "");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        char *json = NULL;
        client_call(store, calls[i][0], &json, NULL, "%s", calls[i][1]);
        char *more = test_format("%s\n%s", all, json ? json : "-");
        mastra_json_free(json);
        free(all);
        all = more;
    }
    return all;
}

/* False once no allocation was refused. */
static bool try_with(const struct scenario *scenario, long n, bool all)
{
    struct test_heap heap;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    assert_int_equal(mastra_open(":memory:", &options, &store, &error), MASTRA_OK);
    fill(store);
    char *before = content_of(store);
    char *json = NULL;
    test_heap_fail(&heap, n, all);
    mastra_status status = client_call(store, scenario->op, &json, &error, "%s", scenario->args);
    bool refused = heap.refused > 0;
    test_heap_fail(&heap, 0, false);
    mastra_json_free(json);
    if (status != MASTRA_OK && (status != MASTRA_OUT_OF_MEMORY || error.status != status || !refused))
        fail_msg("allocation %ld: %s: %s", n, mastra_status_name(status), error.message);
    char *after = content_of(store);
    if (status != MASTRA_OK && !scenario->in_parts && strcmp(before, after) != 0)
        fail_msg("allocation %ld failed, yet something was changed:\n%s\n%s", n, before, after);
    free(before);
    free(after);
    call(store, scenario->op, scenario->args);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(heap.misused, 0);
    if (heap.live != 0)
        fail_msg("allocation %ld: %ld blocks were not released", n, (long)heap.live);
    return refused;
}

static void perform(void **state)
{
    for (int all = 0; all < 2; all++) {
        for (long n = 1; try_with(*state, n, all); n++)
            assert_true(n < MOST_ALLOCATIONS);
    }
}

static const struct scenario scenarios[] = {
    {"createTable", "createTable",
     "{'tableName':'other','schema':{'id':{'type':'text'},'\\u0062':{'type':'jsonb'}},"
     "'compositePrimaryKey':['b','id']}",
     false},
    {"alterTable", "alterTable",
     "{'tableName':'notes','schema':{'more':{'type':'text'}},'ifNotExists':['more']}", false},
    {"clearTable", "clearTable", "{'tableName':'notes'}", false},
    {"dropTable", "dropTable", "{'tableName':'mastra_threads'}", false},
    {"hasColumn", "hasColumn", "{'tableName':'notes','column':'n'}", false},
    {"insert, foreign", "insert", "{'tableName':'notes','record':{'id':'a','n':5}}", false},
    {"insert, own", "insert",
     "{'tableName':'mastra_messages','record':{'id':'m','threadId':'u','role':'user','content':{'a':1},"
     "'createdAt':5}}",
     false},
    {"batchInsert", "batchInsert",
     "{'tableName':'notes','records':[{'id':'a'},{'id':'c','n':3},{'id':'\\u0063','n':4}]}", false},
    {"load", "load", "{'tableName':'notes','keys':{'\\u006e':2}}", false},
    {"createIndex", "createIndex",
     "{'name':'more','table':'notes','columns':['n desc','id'],'storage':{'fillfactor':70}}", false},
    {"listIndexes", "listIndexes", "{}", false},
    {"describeIndex", "describeIndex", "'idx'", false},
    {"dropIndex", "dropIndex", "'idx'", false},
    {"prune", "prune", "{'olderThan':5,'batchSize':1}", true},
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int main(void)
{
    struct CMUnitTest tests[SCENARIOS];
    for (size_t i = 0; i < SCENARIOS; i++)
        tests[i] =
            (struct CMUnitTest){scenarios[i].name, perform, NULL, NULL, (void *)(uintptr_t)&scenarios[i]};
    return _cmocka_run_group_tests("out of memory, tables", tests, SCENARIOS, NULL, NULL);
}
