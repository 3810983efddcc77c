/* Commits that conflict, or whose answer is lost, and changes of the schema beside a store on Aurora DSQL. */
#include "support/client.h"
#include "support/dsql.h"
#include "support/files.h"
#include "support/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The test's own: others must not meet the faults that it is told to have. */
static struct dsql_server *double_of_ours;

struct fixture {
    mastra_store *store;
    char *schema;
};

static int begin_group(void **state)
{
    static const char *const settings[] = {"many_schemas=on", NULL};
    (void)state;
    double_of_ours = dsql_start(settings);
    return 0;
}

static int end_group(void **state)
{
    (void)state;
    dsql_end(double_of_ours);
    return 0;
}

static mastra_store *open_store(const char *schema, const char *more)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *parameters =
        test_format("&schema=%s&busy_timeout=120000&statementTimeoutMillis=120000%s", schema, more);
    char *url = dsql_url(double_of_ours, parameters);
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(parameters);
    free(url);
    return store;
}

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(fixture);
    fixture->schema = postgres_schema_name();
    fixture->store = open_store(fixture->schema, "&waitForIndexes=1");
    if (mastra_init(fixture->store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    dsql_do(double_of_ours, "reset");
    assert_int_equal(mastra_close(fixture->store, NULL), MASTRA_OK);
    free(fixture->schema);
    free(fixture);
    return 0;
}

static void expect_ok(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static long long number(const struct fixture *fixture, const char *format)
{
    char *sql = test_format("SET search_path TO \"%s\"; %s", fixture->schema, format);
    char *text = postgres_text_on(dsql_fact(double_of_ours, "_POSTGRES"), sql);
    long long value = text ? strtoll(text, NULL, 10) : -1;
    free(text);
    free(sql);
    return value;
}

static void run_behind(const struct fixture *fixture, const char *statements)
{
    char *sql = test_format("SET search_path TO \"%s\"; %s", fixture->schema, statements);
    postgres_run_on(dsql_fact(double_of_ours, "_POSTGRES"), sql);
    free(sql);
}

#define THREAD "{'thread':{'id':'t','resourceId':'r','title':'x'}}"
#define LOCK   "{'workflowName':'w','runId':'r','ownerId':'o'}"
#define RESULT "{'workflowName':'w','runId':'r','stepId':'s','result':{'output':1}}"
#define EVAL                                                                                                 \
    "{'input':'a','output':'b','result':{'score':1},'agentName':'a','metricName':'m','instructions':'','"    \
    "globalRun"                                                                                              \
    "Id':'g','runId':'r'}"

static void test_conflict(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        dsql_do(double_of_ours, "fail 1 conflict");
        expect_ok(fixture->store, "saveThread", THREAD);
        dsql_do(double_of_ours, "fail 1 conflict");
        expect_ok(fixture->store, "updateThread", "{'id':'t','metadata':{'a':1}}");
    }
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_threads"), 1);
    assert_int_equal(client_metadata_count(fixture->store, "t"), 1);
}

/* Every operation does what it is asked to do once, whether its commit was lost before or behind taking effect. */
static void test_lost_answers(void **state)
{
    static const char *const faults[] = {"fail 1 cut-before", "fail 1 cut-after"};
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        char *json = NULL;
        dsql_do(double_of_ours, faults[i]);
        expect_ok(fixture->store, "saveThread", THREAD);
        dsql_do(double_of_ours, faults[i]);
        expect_ok(fixture->store, "updateWorkflowResults", RESULT);
        dsql_do(double_of_ours, faults[i]);
        /* The lock is had by the call that had it, and by nobody else. */
        if (client_call(fixture->store, "tryAcquireWorkflowRunLock", &json, &error, "%s", LOCK) != MASTRA_OK)
            fail_msg("%s", error.message);
        assert_string_equal(json, "true");
        mastra_json_free(json);
        assert_int_equal(number(fixture, "SELECT generation FROM mastra_workflow_run_locks"), i + 1);
        dsql_do(double_of_ours, faults[i]);
        expect_ok(fixture->store, "releaseWorkflowRunLock", LOCK);
        dsql_do(double_of_ours, faults[i]);
        expect_ok(fixture->store, "saveMessages",
                  "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':'c'}]}");
        dsql_do(double_of_ours, faults[i]);
        expect_ok(fixture->store, "deleteMessages", "{'messageIds':['m']}");
        assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_messages"), 0);
    }
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_threads"), 1);
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_workflow_snapshot"), 1);
}

static void save_history(mastra_store *store, int count)
{
    char *args = test_format("{'messages':[");
    for (int i = 0; i < count; i++) {
        char *longer =
            test_format("%s%s{'id':'m%d','threadId':'t','resourceId':'r','role':'user','content':'c',"
                        "'createdAt':%d}",
                        args, i > 0 ? "," : "", i, 1000 + i);
        free(args);
        args = longer;
    }
    char *whole = test_format("%s]}", args);
    expect_ok(store, "saveMessages", whole);
    free(whole);
    free(args);
}

/* Rows that were there before, as the call was to leave them, are no sign of its commit. */
static void test_lost_among_old_rows(void **state)
{
    struct fixture *fixture = *state;
    expect_ok(fixture->store, "saveThread", THREAD);
    save_history(fixture->store, 20);
    dsql_do(double_of_ours, "fail 1 cut-before");
    save_history(fixture->store, 21);
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_messages"), 21);
    run_behind(fixture,
               "UPDATE mastra_threads SET \"updatedAt\" = '2001-01-01', \"updatedAtZ\" = '2001-01-01'");
    dsql_do(double_of_ours, "fail 1 cut-before");
    save_history(fixture->store, 21);
    assert_int_equal(
        number(fixture, "SELECT count(*) FROM mastra_threads WHERE \"updatedAtZ\" > '2002-01-01'"), 1);
    /* A deletion that was broken off has left messages behind. */
    run_behind(fixture, "DELETE FROM mastra_threads");
    dsql_do(double_of_ours, "fail 1 cut-before");
    expect_ok(fixture->store, "deleteThread", "{'threadId':'t'}");
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_messages"), 0);
}

/* A row without a key cannot be looked up. */
static void test_unknown_outcome(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    dsql_do(double_of_ours, "fail 1 cut-after");
    assert_int_equal(client_call(fixture->store, "saveEval", NULL, &error, "%s", EVAL),
                     MASTRA_UNKNOWN_OUTCOME);
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_evals"), 1);
}

static void test_schema_changed(void **state)
{
    struct fixture *fixture = *state;
    expect_ok(fixture->store, "saveThread", THREAD);
    for (int i = 0; i < 5; i++) {
        dsql_do(double_of_ours, "schema-changed");
        expect_ok(fixture->store, "getThreadById", "{'threadId':'t'}");
        dsql_do(double_of_ours, "schema-changed");
        expect_ok(fixture->store, "updateThread", "{'id':'t','metadata':{'a':1}}");
        dsql_do(double_of_ours, "schema-changed");
        expect_ok(fixture->store, "listMessages", "{'threadId':'t'}");
        dsql_do(double_of_ours, "schema-changed");
        expect_ok(fixture->store, "createTable",
                  "{'tableName':'notes','schema':{'id':{'type':'text','primaryKey':true,'nullable':false}}}");
        dsql_do(double_of_ours, "schema-changed");
        expect_ok(fixture->store, "createIndex", "{'name':'by_id','table':'notes','columns':['id DESC']}");
    }
    assert_true(dsql_count(double_of_ours, "stale") >= 5);
}

static void test_cut_connections(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 5; i++) {
        expect_ok(fixture->store, "saveThread", THREAD);
        dsql_do(double_of_ours, "drop");
    }
    assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_threads"), 1);
}

/* The peer's tables have no key for spans, and one for runs that is built meanwhile. */
static void test_tables_without_keys(void **state)
{
    struct fixture *fixture = *state;
    mastra_store *store;
    assert_int_equal(mastra_close(fixture->store, NULL), MASTRA_OK);
    fixture->store = NULL;
    run_behind(
        fixture,
        "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conname, conrelid::regclass AS t FROM pg_constraint"
        " WHERE conrelid IN ('mastra_ai_spans'::regclass, 'mastra_workflow_snapshot'::regclass) LOOP EXECUTE"
        " format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$;"
        "ALTER TABLE mastra_messages DROP COLUMN \"mastraSeq\"");
    dsql_do(double_of_ours, "set index_delay 3600");
    /* One that does not look at what there is, and one that does. */
    for (int i = 0; i < 2; i++) {
        store = open_store(fixture->schema, i == 0 ? "&disable_init=1" : "");
        for (int k = 0; k < 2; k++) {
            expect_ok(store, "createSpan",
                      "{'span':{'traceId':'a','spanId':'b','name':'n','spanType':'generic','startedAt':1000,'"
                      "isEvent':false,"
                      "'input':{'k':1}}}");
            expect_ok(store, "persistWorkflowSnapshot",
                      "{'workflowName':'w','runId':'r','snapshot':{'context':{}}}");
            expect_ok(store, "updateWorkflowResults", RESULT);
            expect_ok(store, "updateSpan", "{'traceId':'a','spanId':'b','updates':{'output':{'o':1}}}");
        }
        assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_ai_spans"), 1);
        assert_int_equal(number(fixture, "SELECT count(*) FROM mastra_workflow_snapshot"), 1);
        assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    }
    dsql_do(double_of_ours, "finish-jobs");
    store = open_store(fixture->schema, "&waitForIndexes=1");
    expect_ok(store, "saveThread", THREAD);
    expect_ok(store, "saveMessages",
              "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':'c'}]}");
    /* Now there are keys that the peer knows as well, and writes go by them. */
    assert_int_equal(
        number(fixture, "SELECT count(*) FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid WHERE"
                        " c.relnamespace = current_schema()::regnamespace AND x.indisunique AND x.indisvalid"
                        " AND c.relname IN ('mastra_ai_spans', 'mastra_workflow_snapshot')"),
        2);
    expect_ok(store, "persistWorkflowSnapshot", "{'workflowName':'w','runId':'r','snapshot':{'context':{}}}");
    fixture->store = store;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_conflict, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_answers, begin, end),
        cmocka_unit_test_setup_teardown(test_lost_among_old_rows, begin, end),
        cmocka_unit_test_setup_teardown(test_unknown_outcome, begin, end),
        cmocka_unit_test_setup_teardown(test_schema_changed, begin, end),
        cmocka_unit_test_setup_teardown(test_cut_connections, begin, end),
        cmocka_unit_test_setup_teardown(test_tables_without_keys, begin, end),
    };
    return cmocka_run_group_tests_name("dsql commits", tests, begin_group, end_group);
}
