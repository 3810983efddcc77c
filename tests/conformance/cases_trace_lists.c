/* Lists of traces: order, pages, filters. */
#include "conformance/spans.h"

#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGED(total, page, per_page, more) "'pagination':{" PAGE(total, page, per_page, more) "}"
#define ALL(count)                         PAGED(count, "0", "10", "false")

/* A list by the ids of its traces. */
#define T(id)                              "{'$open':true,'traceId':'" id "'}"
#define LIST(args, spans, page)                                                                              \
    {                                                                                                        \
        "listTraces", args, "{'spans':[" spans "]," page "}"                                                 \
    }
#define FOUND(filters, spans, count)                                                                         \
    LIST("{'filters':" filters ",'orderBy':{'direction':'ASC'}}", spans, ALL(count))
#define OLD(args, spans, page)                                                                               \
    {                                                                                                        \
        "getTracesPaginated", args, "{'spans':[" spans "]," page "}"                                         \
    }
#define OLD_FOUND(filters, spans, count) OLD("{" filters ",'orderBy':{'direction':'ASC'}}", spans, ALL(count))
#define NONE                             ""

/* Written in an order that is none of those that lists know; children do not show. */
#define FOUR                                                                                                 \
    CREATE("b", "s", "2", ",'endedAt':7000"), CREATE("d", "s", "1", ""),                                     \
        CREATE("a", "s", "2", ",'endedAt':4000"), CREATE("c", "s", "3", ",'endedAt':7000"),                  \
        CHILD("c", "x", "s", "9", "")

/* One of each status; the error of "e" has ended, that of "f" has not; below "g" something failed. */
#define STATES                                                                                               \
    CREATE("e", "s", "1", ",'endedAt':2000,'error':{'m':1}"), CREATE("f", "s", "2", ",'error':'x'"),         \
        CREATE("g", "s", "3", ",'endedAt':4000"), CHILD("g", "c", "s", "3", ",'error':{}"),                  \
        CREATE("h", "s", "4", ""), CHILD("h", "c", "s", "4", ",'endedAt':5000")

#define INVALID_PAGE(field)                                                                                  \
    "{'$error':'invalid_argument','$field':'" field "','$id':'LIST_TRACES_INVALID_PAGE','$category':'USER'}"
#define INVALID_KEY(field)                                                                                   \
    "{'$error':'invalid_argument','$field':'" field "','$id':'LIST_TRACES_INVALID_FILTER_KEY'}"
#define REFUSED(args, field)                                                                                 \
    {                                                                                                        \
        "listTraces", args, INVALID(field)                                                                   \
    }

/* Texts of a root, each with its own value in "y" and another in "z". */
static const char *const texts[] = {
    "spanType",
    "entityType",
    "entityId",
    "entityName",
    "parentEntityType",
    "parentEntityId",
    "parentEntityName",
    "rootEntityType",
    "rootEntityId",
    "rootEntityName",
    "userId",
    "organizationId",
    "resourceId",
    "runId",
    "sessionId",
    "threadId",
    "requestId",
    "environment",
    "serviceName",
    "entityVersionId",
    "experimentId",
    "source",
    "parentEntityVersionId",
    "rootEntityVersionId",
};
#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

static void create_with_texts(struct fixture *fixture, const char *trace, const char *other)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        char *args = test_format("{'traceId':'%s%zu','spanId':'s','name':'n','spanType':'x','startedAt':%zu,"
                                 "'%s':'%s'}",
                                 trace, i, i, texts[i], other);
        fixture_call(fixture, "createSpan", args, "null");
        free(args);
    }
}

/* Every text filters by itself: one trace has the value in this member, another in the next one. */
static void by_text(struct fixture *fixture)
{
    create_with_texts(fixture, "y", "it\\u0027s");
    create_with_texts(fixture, "z", "its");
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        char *args = test_format("{'filters':{'%s':'it\\u0027s'}}", texts[i]);
        char *bare = test_format("{'%s':'it\\u0027s','unknown':1}", texts[i]);
        char *expect = test_format("{'$open':true,'spans':[{'$open':true,'traceId':'y%zu'}]}", i);
        fixture_call(fixture, "listTraces", args, expect);
        fixture_call(fixture, "getTracesPaginated", args, expect);
        fixture_call(fixture, "getTracesPaginated", bare, expect);
        free(args);
        free(bare);
        free(expect);
    }
    fixture_call(fixture, "listTraces", "{'filters':{'traceId':'z3'}}",
                 "{'$open':true,'spans':[{'$open':true,'traceId':'z3'}]}");
    fixture_call(fixture, "listTraces", "{'filters':{'userId':''}}", "{'$open':true,'spans':[]}");
}

/* The statements that a store's connections ran, of which the last that reads a list of roots is kept. */
static char *listing_statement;

static int note_statement(unsigned event, void *context, void *statement, void *text)
{
    char *sql = sqlite3_expanded_sql(statement);
    (void)event;
    (void)context;
    (void)text;
    if (sql && strstr(sql, "\"parentSpanId\" IS NULL") && strstr(sql, "ORDER BY")) {
        free(listing_statement);
        listing_statement = strdup(sql);
    }
    sqlite3_free(sql);
    return 0;
}

static int watch(sqlite3 *db, const char **message, const void *api)
{
    (void)message;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, note_statement, NULL);
}

/* How the database means to run a statement, in one text. */
static char *plan_of(const char *path, const char *sql)
{
    sqlite3 *db = raw_open(path);
    sqlite3_stmt *stmt = NULL;
    char *explain = test_format("EXPLAIN QUERY PLAN %s", sql);
    char *plan = test_format("%s", "");
    if (sqlite3_prepare_v2(db, explain, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", explain, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        char *longer = test_format("%s%s\n", plan, (const char *)sqlite3_column_text(stmt, 3));
        free(plan);
        plan = longer;
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    free(explain);
    return plan;
}

static void assert_plan(const char *path, const char *index)
{
    char *plan = plan_of(path, listing_statement);
    if (!strstr(plan, index) || strstr(plan, "FOR ORDER BY"))
        fail_msg("%s is not used in order:\n%s", index, plan);
    free(plan);
}

/* A page without filters walks the roots in an index and sorts no more than those that started together: either the
 * index over parents, or the one that Mastra's adapter makes, where it is alone. */
static void served_by_an_index(struct fixture *fixture)
{
    const char *path = fixture->place.path;
    sqlite3_auto_extension((void (*)(void))watch);
    mastra_store *store = fixture_open_again(fixture);
    mastra_span_list *roots = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    fixture_ok(mastra_list_traces(store, NULL, &roots, &error), &error);
    mastra_span_list_free(roots);
    fixture_ok(mastra_close(store, &error), &error);
    sqlite3_cancel_auto_extension((void (*)(void))watch);
    assert_non_null(listing_statement);
    assert_plan(path, "mastra_ai_spans_parentspanid_startedat_idx");
    raw_run_file(path, "DROP INDEX mastra_ai_spans_parentspanid_startedat_idx");
    assert_plan(path, "mastra_ai_spans_roots_started_at_idx");
    free(listing_statement);
    listing_statement = NULL;
}

static const struct test_case cases[] = {
    {"M", "listTraces", "an empty store has an empty page",
     STEPS(LIST("{}", NONE, ALL("0")), LIST(NULL, NONE, ALL("0")),
           LIST("{'filters':null,'pagination':null,'orderBy':null,'mode':null}", NONE, ALL("0")),
           OLD(NULL, NONE, ALL("0")))},
    {"M", "listTraces", "whole root spans with their status",
     STEPS(CREATE("t", "a", "1", ",'input':{'x':1}"),
           {"listTraces", "{}",
            "{'spans':[{'traceId':'t','spanId':'a','name':'N a','spanType':'agent_run','isEvent':false,"
            "'startedAt':" TIME(
                "1") ",'parentSpanId':null,'entityType':null,'entityId':null,"
                     "'entityName':null,'userId':null,'scope':null,'error':null,'endedAt':null,"
                     "'requestContext':null," NO_ENTITIES "," NO_CONTEXT ",'metadata':null,'tags':null,"
                     "'attributes':null,'links':null,'input':{'x':1},'output':null,'createdAt':'$now',"
                     "'updatedAt':'$now','status':'running'}]," ALL("1") "}"})},
    {"M", "listTraces", "the status of each",
     STEPS(STATES, {"listTraces", "{}",
                    "{'spans':[{'$open':true,'traceId':'h','status':'running'},"
                    "{'$open':true,'traceId':'g','status':'success'},"
                    "{'$open':true,'traceId':'f','status':'error'},"
                    "{'$open':true,'traceId':'e','status':'error'}]," ALL("4") "}"})},

    {"R6", "listTraces", "newest first, equal times by id, downwards",
     STEPS(FOUR, LIST("{}", T("c") "," T("b") "," T("a") "," T("d"), ALL("4")),
           LIST("{'orderBy':{'field':'startedAt','direction':'DESC'}}",
                T("c") "," T("b") "," T("a") "," T("d"), ALL("4")),
           LIST("{'orderBy':{'direction':'ASC'}}", T("d") "," T("a") "," T("b") "," T("c"), ALL("4")))},
    {"R6", "listTraces", "several roots of one trace stand beside each other",
     STEPS(CREATE("t", "b", "1", ""), CREATE("t", "a", "1", ""), CREATE("s", "z", "1", ""),
           {"listTraces", "{}",
            "{'spans':[{'$open':true,'spanId':'b'},{'$open':true,'spanId':'a'},{'$open':true,'spanId':'z'}]"
            "," ALL("3") "}"})},
    {"R6", "listTraces", "by endedAt, where what has not ended counts as latest",
     STEPS(FOUR, LIST("{'orderBy':{'field':'endedAt'}}", T("d") "," T("c") "," T("b") "," T("a"), ALL("4")),
           LIST("{'orderBy':{'field':'endedAt','direction':'ASC'}}", T("a") "," T("b") "," T("c") "," T("d"),
                ALL("4")))},
    {"R10", "listTraces", "an unknown field or direction gives the default order",
     STEPS(FOUR,
           LIST("{'orderBy':{'field':'name','direction':'up'}}", T("c") "," T("b") "," T("a") "," T("d"),
                ALL("4")),
           LIST("{'orderBy':5}", T("c") "," T("b") "," T("a") "," T("d"), ALL("4")))},

    {"R7", "listTraces", "pages cover the list without gap or overlap",
     STEPS(FOUR, CREATE("e", "s", "2", ""),
           LIST("{'pagination':{'perPage':2}}", T("c") "," T("e"), PAGED("5", "0", "2", "true")),
           LIST("{'pagination':{'perPage':2,'page':1}}", T("b") "," T("a"), PAGED("5", "1", "2", "true")),
           LIST("{'pagination':{'perPage':2,'page':2}}", T("d"), PAGED("5", "2", "2", "false")),
           LIST("{'pagination':{'perPage':2,'page':3}}", NONE, PAGED("5", "3", "2", "false")),
           LIST("{'pagination':{'perPage':5}}", T("c") "," T("e") "," T("b") "," T("a") "," T("d"),
                PAGED("5", "0", "5", "false")))},
    {"M", "listTraces", "page and perPage may be spelled as strings, as in a URL",
     STEPS(FOUR, LIST("{'pagination':{'perPage':'2','page':'1'}}", T("a") "," T("d"),
                      PAGED("4", "1", "2", "false")))},
    {"M", "listTraces", "page and perPage are checked",
     STEPS({"listTraces", "{'pagination':{'page':-1}}", INVALID_PAGE("page")},
           {"listTraces", "{'pagination':{'perPage':0}}", INVALID_PAGE("perPage")},
           {"listTraces", "{'pagination':{'perPage':101}}", INVALID_PAGE("perPage")},
           {"listTraces", "{'pagination':{'perPage':false}}", INVALID_PAGE("pagination.perPage")},
           {"listTraces", "{'pagination':{'perPage':1.5}}", INVALID_PAGE("pagination.perPage")},
           {"listTraces", "{'pagination':{'perPage':'x'}}", INVALID_PAGE("pagination.perPage")},
           {"listTraces", "{'pagination':{'page':''}}", INVALID_PAGE("pagination.page")},
           LIST("{'pagination':{'perPage':100}}", NONE, PAGED("0", "0", "100", "false")))},
    {"M", "listTraces", "unknown arguments and values are refused, unknown filters are not",
     STEPS(
         FOUR, REFUSED("{'perPage':5}", "args"), REFUSED("{'filter':{}}", "args"), REFUSED("[]", "args"),
         REFUSED("{'filters':5}", "filters"), REFUSED("{'filters':{'status':'done'}}", "filters.status"),
         REFUSED("{'filters':{'status':1}}", "filters.status"),
         REFUSED("{'filters':{'hasChildError':1}}", "filters.hasChildError"),
         REFUSED("{'filters':{'hasChildError':'yes'}}", "filters.hasChildError"),
         REFUSED("{'filters':{'startedAt':{'start':'x'}}}", "filters.startedAt.start"),
         REFUSED("{'filters':{'startedAt':5}}", "filters.startedAt"),
         REFUSED("{'filters':{'userId':5}}", "filters.userId"),
         REFUSED("{'filters':{'tags':'x'}}", "filters.tags"),
         REFUSED("{'filters':{'scope':[]}}", "filters.scope"),
         REFUSED("{'filters':{'metadata':'x'}}", "filters.metadata"), REFUSED("{'mode':'x'}", "mode"),
         LIST("{'filters':{'unknown':1,'spanId':'q'}}", T("c") "," T("b") "," T("a") "," T("d"), ALL("4")))},
    {"M", "listTraces", "polling for changes is answered with the newest traces",
     STEPS(FOUR,
           LIST("{'mode':'delta','after':'x','limit':5}", T("c") "," T("b") "," T("a") "," T("d"), ALL("4")),
           LIST("{'mode':'page'}", T("c") "," T("b") "," T("a") "," T("d"), ALL("4")),
           REFUSED("{'after':'x'}", "after"), REFUSED("{'mode':'page','limit':5}", "limit"),
           REFUSED("{'mode':'delta','pagination':{}}", "pagination"),
           REFUSED("{'mode':'delta','orderBy':{}}", "orderBy"))},

    {"R12", "listTraces", "every text of the root filters", RUN(by_text)},
    {"R12", "listTraces", "null is no filter",
     STEPS(
         FOUR,
         FOUND("{'userId':null,'status':null,'tags':null,'scope':null,'startedAt':null,'hasChildError':null}",
               T("d") "," T("a") "," T("b") "," T("c"), "4"))},
    {"R9", "listTraces", "startedAt, ends included unless they are excluded",
     STEPS(FOUR, FOUND("{'startedAt':{'start':2000}}", T("a") "," T("b") "," T("c"), "3"),
           FOUND("{'startedAt':{'end':2000}}", T("d") "," T("a") "," T("b"), "3"),
           FOUND("{'startedAt':{'start':" TIME("2") ",'end':" TIME("2") "}}", T("a") "," T("b"), "2"),
           FOUND("{'startedAt':{'start':2000,'startExclusive':true}}", T("c"), "1"),
           FOUND("{'startedAt':{'end':2000,'endExclusive':true}}", T("d"), "1"),
           FOUND("{'startedAt':{'start':1000,'end':3000,'startExclusive':true,'endExclusive':true}}",
                 T("a") "," T("b"), "2"),
           FOUND("{'startedAt':{}}", T("d") "," T("a") "," T("b") "," T("c"), "4"))},
    {"R9", "listTraces", "endedAt; what has not ended is in no range",
     STEPS(FOUR, FOUND("{'endedAt':{'start':1}}", T("a") "," T("b") "," T("c"), "3"),
           FOUND("{'endedAt':{'end':7000}}", T("a") "," T("b") "," T("c"), "3"),
           FOUND("{'endedAt':{'end':7000,'endExclusive':true}}", T("a"), "1"),
           FOUND("{'endedAt':{'start':4000,'startExclusive':true}}", T("b") "," T("c"), "2"),
           FOUND("{'endedAt':{'start':4000},'startedAt':{'start':3000}}", T("c"), "1"))},
    {"M", "listTraces", "status",
     STEPS(STATES, FOUND("{'status':'error'}", T("e") "," T("f"), "2"),
           FOUND("{'status':'success'}", T("g"), "1"), FOUND("{'status':'running'}", T("h"), "1"))},
    {"M", "listTraces", "hasChildError looks at all spans of the trace",
     STEPS(STATES, FOUND("{'hasChildError':true}", T("e") "," T("f") "," T("g"), "3"),
           FOUND("{'hasChildError':false}", T("h"), "1"),
           FOUND("{'hasChildError':'true','status':'success'}", T("g"), "1"),
           FOUND("{'hasChildError':'false'}", T("h"), "1"))},
    {"M", "listTraces", "tags: all of them must be there",
     STEPS(CREATE("a", "s", "1", ",'tags':['x','y']"), CREATE("b", "s", "2", ",'tags':['y']"),
           CREATE("c", "s", "3", ""), CREATE("d", "s", "4", ",'tags':'x'"),
           FOUND("{'tags':['y']}", T("a") "," T("b"), "2"), FOUND("{'tags':['y','x']}", T("a"), "1"),
           FOUND("{'tags':['xy']}", NONE, "0"),
           FOUND("{'tags':[]}", T("a") "," T("b") "," T("c") "," T("d"), "4"))},
    {"R11", "listTraces", "metadata and scope: every member deeply equal, type included",
     STEPS(CREATE("a", "s", "1", ",'metadata':{'k':1,'o':{'x':[1],'y':null}},'scope':{'v':'1'}"),
           CREATE("b", "s", "2", ",'metadata':{'k':'1','o':{'x':[2]}},'scope':{'v':1}"),
           CREATE("c", "s", "3", ",'metadata':{'k':true,'n':null}"), CREATE("d", "s", "4", ""),
           FOUND("{'metadata':{'k':1}}", T("a"), "1"), FOUND("{'metadata':{'k':'1'}}", T("b"), "1"),
           FOUND("{'metadata':{'k':true}}", T("c"), "1"),
           FOUND("{'metadata':{'o':{'y':null,'x':[1.0]}}}", T("a"), "1"),
           FOUND("{'metadata':{'n':null}}", T("c"), "1"), FOUND("{'metadata':{'k':1,'o':5}}", NONE, "0"),
           FOUND("{'scope':{'v':'1'}}", T("a"), "1"),
           FOUND("{'scope':{'v':1},'metadata':{'k':'1'}}", T("b"), "1"),
           FOUND("{'metadata':{},'scope':{}}", T("a") "," T("b") "," T("c") "," T("d"), "4"))},
    {"R11", "listTraces", "keys of metadata and scope are plain names",
     STEPS({"listTraces", "{'filters':{'metadata':{'a.b':1}}}", INVALID_KEY("filters.metadata")},
           {"listTraces", "{'filters':{'scope':{'':1}}}", INVALID_KEY("filters.scope")},
           {"listTraces", "{'filters':{'scope':{'__proto__':1}}}", INVALID_KEY("filters.scope")})},
    {"M", "listTraces", "a page without filters is read in the order of an index",
     RUN_ON(TRAIT_HANDLE | TRAIT_FILE, served_by_an_index)},

    {"M", "getTracesPaginated", "filters beside the pagination, or in filters",
     STEPS(STATES, OLD_FOUND("'spanType':'agent_run','status':'error'", T("e") "," T("f"), "2"),
           OLD_FOUND("'filters':{'name':'N s','status':'running'}", T("h"), "1"),
           OLD_FOUND("'name':'N'", NONE, "0"),
           OLD_FOUND("'filters':{'traceId':'g'},'hasChildError':true", T("g"), "1"))},
    {"M", "getTracesPaginated", "a range of startedAt in the pagination",
     STEPS(
         FOUR, OLD("{'pagination':{'dateRange':{'start':2000}}}", T("c") "," T("b") "," T("a"), ALL("3")),
         OLD("{'pagination':{'dateRange':{'end':2000,'endExclusive':true}}}", T("d"), ALL("1")),
         OLD("{'pagination':{'page':1,'perPage':2,'dateRange':{'start':" TIME("1") ",'end':" TIME("3") "}}}",
             T("a") "," T("d"), PAGED("4", "1", "2", "false")))},
    {"M", "getTracesPaginated", "pages of any size",
     STEPS(FOUR,
           OLD("{'pagination':{'perPage':5000}}", T("c") "," T("b") "," T("a") "," T("d"),
               PAGED("4", "0", "5000", "false")),
           OLD("{'pagination':{'perPage':false}}", T("c") "," T("b") "," T("a") "," T("d"),
               PAGED("4", "0", "false", "false")),
           OLD("{'pagination':{'perPage':0}}", NONE, PAGED("4", "0", "0", "true")),
           {"getTracesPaginated", "{'pagination':{'page':-1}}", "{'$error':'invalid_argument'}"},
           {"getTracesPaginated", "{'pagination':{'perPage':'many'}}", "{'$error':'invalid_argument'}"})},
    {"M", "getTracesPaginated", "an agent is found by its columns",
     STEPS(CREATE("a", "s", "1", ",'entityType':'agent','entityId':'chef'"),
           CREATE("b", "s", "2", ",'name':'agent run: \\u0027chef\\u0027'"),
           OLD_FOUND("'entityType':'agent','entityId':'chef'", T("a"), "1"))},
};

const struct case_table trace_list_case_table = CASE_TABLE(cases);
