/* What PostgreSQL is asked: how often the server is waited for, and by which plans it answers. */
#include "backends/postgres/postgres.h"
#include "support/client.h"
#include "support/files.h"
#include "support/place.h"
#include "support/postgres.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each exchange ends in one Sync: this stands before libpq's own function and counts them. */
static atomic_int syncs;

int PQpipelineSync(PGconn *connection)
{
    void *found = dlsym(RTLD_NEXT, "PQpipelineSync");
    int (*real)(PGconn *);
    memcpy(&real, &found, sizeof(real));
    atomic_fetch_add(&syncs, 1);
    return real(connection);
}

struct fixture {
    struct place place;
    mastra_store *store;
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    mastra_error error = MASTRA_ERROR_INIT;
    if (!fixture || !postgres_wanted())
        return -1;
    place_postgres_begin(&fixture->place);
    char *url = place_url(&fixture->place, "max=1");
    mastra_status status = mastra_open(url, NULL, &fixture->store, &error);
    free(url);
    *state = fixture;
    return status == MASTRA_OK ? 0 : -1;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    mastra_status status = mastra_close(fixture->store, NULL);
    place_end(&fixture->place);
    free(fixture);
    return status == MASTRA_OK ? 0 : -1;
}

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = client_call(store, op, NULL, &error, "%s", args);
    if (status != MASTRA_OK)
        fail_msg("%s %s: %s", op, args, error.message);
}

static int trips(mastra_store *store, const char *op, const char *args)
{
    int before = atomic_load(&syncs);
    call(store, op, args);
    return atomic_load(&syncs) - before;
}

#define SPAN(id)                                                                                             \
    "{'traceId':'x','spanId':'" id "','name':'n','spanType':'t','isEvent':false,'startedAt':1000}"
#define TEXT(id)                                                                                             \
    "{'id':'" id "','threadId':'t','resourceId':'r','role':'user','content':'c','createdAt':1000}"
#define SCORE(id)                                                                                            \
    "{'id':'" id "','scorerId':'s','entityId':'e','runId':'r','scorer':{},'entity':{},'source':'LIVE','"     \
    "score':1,'output':1}"

static void test_trips(void **state)
{
    static const struct {
        const char *op;
        const char *args;
        int trips;
    } calls[] = {
        {"saveThread", "{'thread':{'id':'t','resourceId':'r'}}", 1},
        {"saveMessages", "{'messages':[" TEXT("a") "]}", 1},
        {"saveMessages", "{'messages':[" TEXT("b") "," TEXT("c") "," TEXT("b") "]}", 1},
        {"getThreadById", "{'threadId':'t'}", 1},
        {"listThreads", "{'perPage':1}", 1},
        {"listMessages", "{'threadId':'t'}", 1},
        {"listMessages", "{'threadId':'t','perPage':2,'page':1}", 1},
        {"listMessagesById", "{'messageIds':['a','b']}", 1},
        {"updateThread", "{'id':'t','title':'x','metadata':{'a':1}}", 2},
        {"updateMessages", "{'messages':[{'id':'a','content':{'x':1}}]}", 2},
        {"deleteMessages", "{'messageIds':['a','b']}", 2},
        {"saveResource", "{'resource':{'id':'r'}}", 1},
        {"updateResource", "{'resourceId':'r','metadata':{'a':1}}", 2},
        {"persistWorkflowSnapshot", "{'workflowName':'w','runId':'r','snapshot':{'context':{}}}", 1},
        {"updateWorkflowResults",
         "{'workflowName':'w','runId':'r','stepId':'s','result':{},'requestContext':{}}", 2},
        {"updateWorkflowResults",
         "{'workflowName':'w','runId':'new','stepId':'s','result':{},'requestContext':{}}", 2},
        {"getWorkflowRunLock", "{'workflowName':'w','runId':'r'}", 1},
        {"createSpan", "{'span':" SPAN("1") "}", 1},
        {"batchCreateSpans", "{'records':[" SPAN("2") "," SPAN("3") "]}", 1},
        {"batchUpdateSpans",
         "{'records':[{'traceId':'x','spanId':'1','updates':{'name':'m'}},{'traceId':'x','spanId':'2','"
         "updates':"
         "{'endedAt':5000}}]}",
         1},
        {"getTrace", "{'traceId':'x'}", 1},
        {"listTraces", "{}", 1},
        {"batchDeleteTraces", "{'traceIds':['x']}", 1},
        {"saveScore", SCORE("s"), 1},
        {"getScoreById", "{'id':'s'}", 1},
        {"deleteThread", "{'threadId':'t'}", 1},
    };
    struct fixture *fixture = *state;
    call(fixture->store, "listThreads", "{}");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int made = trips(fixture->store, calls[i].op, calls[i].args);
        if (made != calls[i].trips)
            fail_msg("%s %s: %d round trips, not %d", calls[i].op, calls[i].args, made, calls[i].trips);
    }
}

/* A store whose tables are all there looks at them once. */
static void test_start(void **state)
{
    struct fixture *fixture = *state;
    int before = atomic_load(&syncs);
    call(fixture->store, "getThreadById", "{'threadId':'none'}");
    /* The look, and the call; what a new connection is told counts as well, and is not more than one. */
    assert_in_range(atomic_load(&syncs) - before, 2, 3);
}

/* A page far behind the first: its total, then the page from the end that is nearer. */
static void test_far_page(void **state)
{
    struct fixture *fixture = *state;
    call(fixture->store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    place_run(
        &fixture->place,
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, \"createdAt\", \"createdAtZ\")"
        " SELECT 'm' || i, 't', 'c', 'user', 'v2', to_timestamp(i) AT TIME ZONE 'UTC', to_timestamp(i)"
        " FROM generate_series(1, 2000) AS i");
    assert_int_equal(trips(fixture->store, "listMessages", "{'threadId':'t','perPage':10,'page':199}"), 2);
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(
        client_call(fixture->store, "listMessages", &json, &error, "{'threadId':'t','perPage':2,'page':999}"),
        MASTRA_OK);
    assert_non_null(strstr(json, "\"id\":\"m1999\""));
    assert_true(strstr(json, "\"id\":\"m1999\"") < strstr(json, "\"id\":\"m2000\""));
    assert_int_equal(client_number(json, "total"), 2000);
    mastra_json_free(json);
}

#define PAGE_OF(resource, page) "{'threadId':'t'" resource ",'perPage':10,'page':" page "}"
#define NEWEST                  "{'threadId':'t','perPage':10,'orderBy':{'field':'createdAt','direction':'DESC'}}"

static void expect_page(const struct fixture *fixture, const char *args, const char *first, int total)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = client_call(fixture->store, "listMessages", &json, &error, "%s", args);
    if (status != MASTRA_OK)
        fail_msg("%s: %s", args, error.message);
    char *sought = test_format("\"id\":\"%s\"", first);
    const char *found = strstr(json, "\"id\":\"");
    if (!found || strncmp(found, sought, strlen(sought)) != 0 || client_number(json, "total") != total)
        fail_msg("%s: not %s of %d: %s", args, first, total, json);
    free(sought);
    mastra_json_free(json);
}

static void expect_none(const struct fixture *fixture, const char *args, int total)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(client_call(fixture->store, "listMessages", &json, &error, "%s", args), MASTRA_OK);
    assert_int_equal(client_count(json, "id"), 0);
    assert_int_equal(client_number(json, "total"), total);
    mastra_json_free(json);
}

static void write_behind(const struct fixture *fixture, const char *sql)
{
    place_run(&fixture->place, sql);
}

/* A total that was counted before is asked for with the page, and follows whatever anybody commits. */
static void test_known_totals(void **state)
{
    static const char far[] = PAGE_OF("", "199");
    static const char near[] = PAGE_OF("", "0");
    static const char mine[] = PAGE_OF(",'resourceId':'r'", "0");
    struct fixture *fixture = *state;
    call(fixture->store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    write_behind(fixture, "INSERT INTO mastra_messages (id, thread_id, content, role, type, \"resourceId\","
                          " \"createdAt\", \"createdAtZ\")"
                          " SELECT 'm' || i, 't', 'c', 'user', 'v2', CASE WHEN i > 500 THEN 'r' END,"
                          " to_timestamp(i) AT TIME ZONE 'UTC', to_timestamp(i)"
                          " FROM generate_series(1, 2000) AS i");
    expect_page(fixture, far, "m1991", 2000);
    assert_int_equal(trips(fixture->store, "listMessages", far), 1);
    assert_int_equal(trips(fixture->store, "listMessages", near), 1);
    expect_page(fixture, far, "m1991", 2000);
    expect_page(fixture, near, "m1", 2000);
    expect_page(fixture, mine, "m501", 1500);
    expect_page(fixture, mine, "m501", 1500);

    /* None of these touches the thread's row. */
    write_behind(fixture, "DELETE FROM mastra_messages WHERE id = 'm1'");
    int before = atomic_load(&syncs);
    expect_page(fixture, far, "m1992", 1999);
    assert_int_equal(atomic_load(&syncs) - before, 1);
    write_behind(fixture, "DELETE FROM mastra_messages WHERE id = 'm2'");
    expect_page(fixture, near, "m3", 1998);
    expect_page(fixture, mine, "m501", 1500);
    /* As many as before, but others. */
    write_behind(fixture, "UPDATE mastra_messages SET thread_id = CASE id WHEN 'm3' THEN 'u' ELSE 't' END,"
                          " id = id || 'x' WHERE id IN ('m3', 'm4')");
    expect_page(fixture, near, "m4x", 1997);
    write_behind(fixture, "BEGIN; DELETE FROM mastra_messages; ROLLBACK");
    expect_page(fixture, near, "m4x", 1997);
    write_behind(fixture, "DELETE FROM mastra_messages WHERE id IN ('m1999', 'm2000');"
                          " UPDATE mastra_messages SET thread_id = 't' WHERE id = 'm3x'");
    expect_page(fixture, NEWEST, "m1998", 1996);
    /* Both ends of what is left of it, and what is behind its end by now. */
    expect_page(fixture, far, "m1993", 1996);
    write_behind(fixture, "DELETE FROM mastra_messages WHERE id > 'm1979' AND id < 'm1999'");
    expect_none(fixture, far, 1975);
    expect_page(fixture, NEWEST, "m1979", 1975);
    assert_int_equal(trips(fixture->store, "listMessages", NEWEST), 1);
    write_behind(fixture, "TRUNCATE mastra_messages");
    call(fixture->store, "saveMessages", "{'messages':[" TEXT("a") "]}");
    expect_page(fixture, near, "a", 1);
}

/* The plan of a statement as the backend writes it, for whatever values, in the database of the fixture. */
static char *plan_of(const struct fixture *fixture, ms_sql_fn fn, const void *query)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct pg_conn *connection = postgres_connect(postgres_fact(postgres_shared(), ""));
    struct ms_buf text;
    struct ms_sql sql;
    ms_buf_init(&text, heap, 0);
    ms_buf_add_text(&text, "PREPARE page AS ");
    ms_sql_begin(&sql, &pg_dialect, fixture->place.schema, &text);
    fn(&sql, query);
    postgres_run(connection, ms_buf_view(&text).ptr);
    ms_buf_clear(&text);
    for (size_t i = 0; i < sql.bind_count; i++)
        ms_buf_add_text(&text, i == 0 ? "(NULL" : ", NULL");
    ms_buf_add_char(&text, ')');
    char *explain = test_format("SET enable_seqscan = off; SET enable_bitmapscan = off;"
                                " SET plan_cache_mode = force_generic_plan;"
                                " EXPLAIN (COSTS off, FORMAT json) EXECUTE page %s",
                                ms_buf_view(&text).ptr);
    char *plan = postgres_text(connection, explain);
    free(explain);
    postgres_close(connection);
    ms_buf_release(&text);
    ms_heap_unref(heap);
    return plan;
}

static void expect_plan(const struct fixture *fixture, ms_sql_fn fn, const void *query, const char *wanted)
{
    char *plan = plan_of(fixture, fn, query);
    if (strstr(plan, "Sort") || !strstr(plan, wanted))
        fail_msg("%s: %s", wanted, plan);
    free(plan);
}

/* Pages of a thread, forwards and backwards, the windows around a message, and the total, all by one index. */
static void test_plans(void **state)
{
    struct fixture *fixture = *state;
    struct ms_query query;
    call(fixture->store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    for (int descending = 0; descending < 2; descending++) {
        ms_query_init(&query, MS_MESSAGE);
        ms_query_equal(&query, MS_MESSAGE_THREAD_ID, mastra_str_of("t"));
        ms_query_equal(&query, MS_MESSAGE_RESOURCE_ID, mastra_str_of("r"));
        query.descending = descending;
        query.limit = 40;
        expect_plan(fixture, ms_sql_page, &query, "mastra_messages_pages_idx");
        query.offset = 2000;
        const struct ms_sql_since since = {&query, mastra_str_of("1:1:"), 2010};
        expect_plan(fixture, ms_sql_page_since, &since, "mastra_messages_pages_idx");
        query.offset = 0;
        query.side = MS_SIDE_UP_TO;
        query.anchor[0] = mastra_str_of("m");
        expect_plan(fixture, ms_sql_list, &query, "mastra_messages_pages_idx");
    }
    query.side = MS_SIDE_ALL;
    expect_plan(fixture, ms_sql_count, &query, "Index Only Scan");
    place_run(&fixture->place,
              "INSERT INTO mastra_ai_spans (\"traceId\", \"spanId\", name, \"spanType\", \"isEvent\", "
              "\"startedAt\")"
              " SELECT 't' || i, 's', 'n', 't', false, to_timestamp(i) FROM generate_series(1, 2000) AS i;"
              " ANALYZE mastra_ai_spans");
    ms_query_init(&query, MS_SPAN);
    ms_query_null(&query, MS_SPAN_PARENT_SPAN_ID, true);
    query.descending = true;
    query.limit = 10;
    char *plan = plan_of(fixture, ms_sql_list, &query);
    assert_non_null(strstr(plan, "mastra_ai_spans_root_spans_idx"));
    assert_null(strstr(plan, "\"Sort\""));
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trips, begin, end),
        cmocka_unit_test_setup_teardown(test_start, begin, end),
        cmocka_unit_test_setup_teardown(test_far_page, begin, end),
        cmocka_unit_test_setup_teardown(test_known_totals, begin, end),
        cmocka_unit_test_setup_teardown(test_plans, begin, end),
    };
    return cmocka_run_group_tests_name("postgres trips", tests, NULL, NULL);
}
