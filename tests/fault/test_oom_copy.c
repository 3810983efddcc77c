/*
 * Each allocation of what works on whole stores failed in turn, alone and together with all that follow: the call says
 * OUT_OF_MEMORY, leaks nothing, and when it is repeated ends as if nothing had been.
 */
#include "support/client.h"
#include "support/files.h"
#include "support/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MOST_ALLOCATIONS 4000

struct stores {
    struct test_heap heap;
    mastra_store *from;
    mastra_store *to;
};

typedef mastra_status (*work_fn)(struct stores *stores, mastra_error *error);

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static void fill(mastra_store *store)
{
    call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'T','metadata':{'a':1}}}");
    call(store, "saveMessages",
         "{'messages':[{'id':'m','threadId':'t','role':'user','content':'x'},"
         "{'id':'n','threadId':'gone','role':'user','content':{'a':1}}]}");
    call(store, "createSpan",
         "{'span':{'traceId':'t','spanId':'s','parentSpanId':'p','name':'n','spanType':'x','isEvent':false,"
         "'startedAt':1}}");
    call(store, "persistWorkflowSnapshot", "{'workflowName':'w','runId':'1','snapshot':{}}");
    call(store, "saveEval",
         "{'input':'i','output':'o','result':{'score':1},'agentName':'a','metricName':'m','instructions':'x',"
         "'globalRunId':'g','runId':'r','createdAt':1}");
}

static void ignore(void *user, const mastra_copy_event *event)
{
    (void)user;
    (void)event;
}

static mastra_copy_args told(void)
{
    mastra_copy_args args = MASTRA_COPY_INIT;
    args.tell = ignore;
    return args;
}

static mastra_status copy(struct stores *stores, mastra_error *error)
{
    mastra_copy_args args = told();
    return mastra_copy(stores->from, stores->to, &args, NULL, error);
}

static mastra_status diff(struct stores *stores, mastra_error *error)
{
    mastra_copy_args args = told();
    return mastra_diff(stores->from, stores->to, &args, NULL, error);
}

static void ignore_problem(void *user, const mastra_problem *problem)
{
    (void)user;
    (void)problem;
}

static mastra_status check(struct stores *stores, mastra_error *error)
{
    mastra_check_args args = MASTRA_CHECK_INIT;
    args.repair = true;
    args.delete_orphans = true;
    args.tell = ignore_problem;
    return mastra_check(stores->from, &args, NULL, error);
}

static void ignore_stat(void *user, const mastra_stat *stat)
{
    (void)user;
    (void)stat;
}

static mastra_status stats(struct stores *stores, mastra_error *error)
{
    mastra_stats_args args = MASTRA_STATS_INIT;
    args.tell = ignore_stat;
    return mastra_stats(stores->from, &args, NULL, error);
}

static bool ignore_line(void *user, mastra_str line)
{
    (void)user;
    return line.len > 0;
}

static mastra_status export(struct stores *stores, mastra_error *error)
{
    return mastra_export(stores->from, NULL, ignore_line, NULL, NULL, error);
}

static int next_line(void *user, mastra_str *ret_line)
{
    static const char *const lines[] = {
        "{\"table\":\"mastra_threads\",\"record\":{\"id\":\"t\",\"resourceId\":\"r\\u0041\",\"createdAt\":1,"
        "\"updatedAt\":1,\"metadata\":{}}}",
        "{\"table\":\"mastra_threads\",\"record\":{\"id\":\"u\",\"resourceId\":\"r\",\"createdAt\":1,"
        "\"updatedAt\":1}}",
        "{\"table\":\"mastra_evals\",\"record\":{\"input\":\"i\",\"created_at\":1,\"result:text\":\"{\","
        "\"output\":\"o\",\"agent_name\":\"a\",\"metric_name\":\"m\",\"instructions\":\"i\","
        "\"global_run_id\":\"g\",\"run_id\":\"r\"}}",
    };
    size_t *at = user;
    if (*at == sizeof(lines) / sizeof(lines[0]))
        return 0;
    *ret_line = mastra_str_of(lines[(*at)++]);
    return 1;
}

static mastra_status import(struct stores *stores, mastra_error *error)
{
    size_t at = 0;
    return mastra_import(stores->to, NULL, next_line, &at, NULL, error);
}

static int64_t differences(struct stores *stores)
{
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    assert_int_equal(mastra_diff(stores->from, stores->to, NULL, &report, NULL), MASTRA_OK);
    return report.different;
}

/* False once no allocation was refused. */
static bool try_with(work_fn work, long n, bool all)
{
    struct stores stores;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    test_heap_init(&stores.heap);
    options.allocator = &stores.heap.allocator;
    assert_int_equal(mastra_open(":memory:", &options, &stores.from, &error), MASTRA_OK);
    assert_int_equal(mastra_open(":memory:", &options, &stores.to, &error), MASTRA_OK);
    fill(stores.from);
    call(stores.to, "saveThread", "{'thread':{'id':'t','resourceId':'other'}}");
    test_heap_fail(&stores.heap, n, all);
    mastra_status status = work(&stores, &error);
    bool refused = stores.heap.refused > 0;
    test_heap_fail(&stores.heap, 0, false);
    if (status != MASTRA_OK && (status != MASTRA_OUT_OF_MEMORY || error.status != status || !refused))
        fail_msg("allocation %ld: %s: %s", n, mastra_status_name(status), error.message);
    if (work(&stores, &error) != MASTRA_OK)
        fail_msg("after allocation %ld: %s", n, error.message);
    if (work == copy)
        assert_int_equal(differences(&stores), 0);
    assert_int_equal(mastra_close(stores.from, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(stores.to, NULL), MASTRA_OK);
    assert_int_equal(stores.heap.misused, 0);
    if (stores.heap.live != 0)
        fail_msg("allocation %ld: %ld blocks were not released", n, (long)stores.heap.live);
    return refused;
}

static void perform(work_fn work)
{
    for (int all = 0; all < 2; all++) {
        for (long n = 1; try_with(work, n, all); n++)
            assert_true(n < MOST_ALLOCATIONS);
    }
}

#define TEST(name)                                                                                           \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        perform(name);                                                                                       \
    }

TEST(copy)
TEST(diff)
TEST(check)
TEST(stats)
TEST(export)
TEST(import)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),  cmocka_unit_test(test_diff),   cmocka_unit_test(test_check),
        cmocka_unit_test(test_stats), cmocka_unit_test(test_export), cmocka_unit_test(test_import),
    };
    return cmocka_run_group_tests_name("out of memory on whole stores", tests, NULL, NULL);
}
