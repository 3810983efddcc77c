/* Writing spans and reading them one by one. */
#include "conformance/spans.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PLAIN_REST                                                                                           \
    "'entityType':null,'entityId':null,'entityName':null,'userId':null,'scope':null,'error':null,"           \
    "'endedAt':null,'requestContext':null,'parentSpanId':null," NO_ENTITIES "," NO_CONTEXT "," NO_HEAVY
#define PLAIN(trace, id, started, times)                                                                     \
    "{'traceId':'" trace "','spanId':'" id "','name':'N " id "','spanType':'agent_run','isEvent':false,"     \
    "'startedAt':" TIME(started) "," PLAIN_REST "," times "}"
#define BOTH_NOW "'createdAt':'$bind:at','updatedAt':'$same:at'"

/* Every column that the caller can set, with a value of its own. */
#define EVERY                                                                                                \
    "'traceId':'t','spanId':'s','name':'a name','spanType':'tool_call','isEvent':true,"                      \
    "'parentSpanId':'p','entityType':'agent','entityId':'e1','entityName':'E','parentEntityType':'tool',"    \
    "'parentEntityId':'e2','parentEntityName':'PE','rootEntityType':'workflow_run','rootEntityId':'e3',"     \
    "'rootEntityName':'RE','userId':'u','organizationId':'o','resourceId':'r','runId':'run',"                \
    "'sessionId':'se','threadId':'th','requestId':'rq','environment':'test','serviceName':'sv',"             \
    "'scope':{'v':'1'},'entityVersionId':'v1','parentEntityVersionId':'v2','rootEntityVersionId':'v3',"      \
    "'experimentId':'x','source':'ci','metadata':{'m':[1]},'tags':['a','b'],'attributes':{'q':null},"        \
    "'links':[{'traceId':'l'}],'input':'in','output':5,'error':{'message':'no'},"                            \
    "'requestContext':{'c':true}"

/* Two thousand in one call, every one of them there afterwards. */
static void many_at_once(struct fixture *fixture)
{
    enum { MANY = 2000 };
    char *args = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&args, &size);
    assert_non_null(text);
    fputs("{'records':[", text);
    for (int i = 0; i < MANY; i++) {
        fprintf(text,
                "%s{'traceId':'t%d','spanId':'s%d','name':'n','spanType':'agent_run','isEvent':false,"
                "'startedAt':%d,'input':{'number':%d}}",
                i ? "," : "", i % 4, i, 1000 + i, i);
    }
    fputs("]}", text);
    fclose(text);
    fixture_call(fixture, "batchCreateSpans", args, "null");
    fixture_call(fixture, "listTraces", "{'pagination':{'perPage':1}}",
                 "{'$open':true,'pagination':{'total':2000,'page':0,'perPage':1,'hasMore':true}}");
    fixture_call(fixture, "getTrace", "'t3'", "{'traceId':'t3','spans':'$count:500'}");
    fixture_call(fixture, GET("t1", "s1997"), "{'span':{'$open':true,'input':{'number':1997}}}");
    free(args);
}

/* Calls with two milliseconds between them, so that their times differ. */
static void calls_apart(struct fixture *fixture, const struct step *steps)
{
    struct timespec pause = {0, 2000000};
    for (; steps->op; steps++) {
        fixture_call(fixture, steps->op, steps->args, steps->expect);
        nanosleep(&pause, NULL);
    }
}

#define REPLACED(created)                                                                                    \
    {                                                                                                        \
        CREATE("t", "s", "5", ",'userId':'u','input':{'a':1},'endedAt':6000"),                               \
            {GET("t", "s"), "{'span':{'$open':true,'createdAt':'$bind:first'}}"}, CREATE("t", "s", "7", ""), \
            {GET("t", "s"), "{'span':" PLAIN("t", "s", "7", created ",'updatedAt':'$later:first'") "}"},     \
            {"getTrace", "'t'", "{'traceId':'t','spans':'$count:1'}"}, {NULL, NULL, NULL},                   \
    }

/* PostgreSQL's tables have a trigger of Mastra's that keeps the first createdAt. */
static void replaced(struct fixture *fixture)
{
    static const struct step anew[] = REPLACED("'createdAt':'$later:first'");
    static const struct step kept[] = REPLACED("'createdAt':'$same:first'");
    calls_apart(fixture, fixture->backend->traits & TRAIT_POSTGRES ? kept : anew);
}

static void changed(struct fixture *fixture)
{
    static const struct step steps[] = {
        CREATE("t", "s", "5", ",'userId':'u','metadata':{'a':1},'output':'old'"),
        {GET("t", "s"), "{'span':{'$open':true,'createdAt':'$bind:made'}}"},
        UPDATE("t", "s", "{'endedAt':6000,'metadata':{'b':2},'isEvent':true,'name':'new'}"),
        {GET("t", "s"),
         "{'span':{'$open':true,'endedAt':" TIME(
             "6") ",'metadata':{'b':2},'isEvent':true,'name':'new','userId':'u','output':'old',"
                  "'startedAt':" TIME("5") ",'createdAt':'$same:made','updatedAt':'$later:made'}}"},
        {GET("t", "s"), "{'span':{'$open':true,'updatedAt':'$bind:changed'}}"},
        UPDATE("t", "s", "{}"),
        {GET("t", "s"), "{'span':{'$open':true,'name':'new','updatedAt':'$later:changed'}}"},
        {NULL, NULL, NULL},
    };
    calls_apart(fixture, steps);
}

/* Larger than an item of DynamoDB may be, and changed in both directions. */
static void in_parts(struct fixture *fixture)
{
    enum { LENGTH = 1000000 };
    char *big = malloc(LENGTH + 1);
    assert_non_null(big);
    memset(big, 'x', LENGTH);
    big[LENGTH] = '\0';
    char *create =
        test_format("{'span':{'traceId':'t','spanId':'s','name':'n','spanType':'x','startedAt':1000,"
                    "'input':{'a':'%s'}}}",
                    big);
    char *large = test_format("{'span':{'$open':true,'input':{'a':'%s'},'output':{'o':1}}}", big);
    char *grow = test_format("{'traceId':'t','spanId':'s','updates':{'output':{'b':'%s'}}}", big);
    char *grown = test_format("{'span':{'$open':true,'input':{'a':1},'output':{'b':'%s'}}}", big);
    fixture_call(fixture, "createSpan", create, "null");
    fixture_call(fixture, "updateSpan", "{'traceId':'t','spanId':'s','updates':{'output':{'o':1}}}", "null");
    fixture_call(fixture, "getSpan", "{'traceId':'t','spanId':'s'}", large);
    fixture_call(fixture, "updateSpan", "{'traceId':'t','spanId':'s','updates':{'input':{'a':1}}}", "null");
    fixture_call(fixture, "getSpan", "{'traceId':'t','spanId':'s'}",
                 "{'span':{'$open':true,'input':{'a':1},'output':{'o':1}}}");
    fixture_call(fixture, "updateSpan", grow, "null");
    fixture_call(fixture, "getSpan", "{'traceId':'t','spanId':'s'}", grown);
    fixture_call(fixture, "batchDeleteTraces", "{'traceIds':['t']}", "null");
    fixture_call(fixture, "getTrace", "{'traceId':'t'}", "null");
    free(grown);
    free(grow);
    free(large);
    free(create);
    free(big);
}

static const struct test_case cases[] = {
    {"M", "createSpan", "stores what was given, all else is null; both times are now",
     STEPS(CREATE("t", "s", "5", ""), {GET("t", "s"), "{'span':" PLAIN("t", "s", "5", BOTH_NOW) "}"},
           {REOPEN, NULL, NULL},
           {GET("t", "s"),
            "{'span':" PLAIN("t", "s", "5", "'createdAt':'$same:at','updatedAt':'$same:at'") "}"})},
    {"M", "createSpan", "every column",
     STEPS({"createSpan", "{'span':{" EVERY ",'startedAt':1000,'endedAt':'1970-01-01T00:00:02Z'}}", "null"},
           {GET("t", "s"),
            "{'span':{" EVERY ",'startedAt':" TIME("1") ",'endedAt':" TIME("2") "," BOTH_NOW "}}"})},
    {"M", "createSpan", "takes the bare span as well",
     STEPS({"createSpan", SPAN_OF("t", "s", "5", ",'input':[1]"), "null"},
           {GET("t", "s"), "{'span':{'$open':true,'input':[1]}}"})},
    {"M", "createSpan", "times that are given for the record itself do not count",
     STEPS(CREATE("t", "s", "5", ",'createdAt':1,'updatedAt':2"),
           {GET("t", "s"), "{'span':{'$open':true,'createdAt':'$now','updatedAt':'$now'}}"})},
    {"R16", "createSpan", "a second one replaces the whole row, createdAt too", RUN(replaced)},
    {"R16", "createSpan", "the key is trace and span together",
     STEPS(CREATE("t", "s", "1", ""), CREATE("u", "s", "2", ""), CREATE("t", "r", "3", ""),
           {GET("t", "s"), "{'span':{'$open':true,'startedAt':" TIME("1") "}}"},
           {GET("u", "s"), "{'span':{'$open':true,'startedAt':" TIME("2") "}}"},
           {GET("t", "r"), "{'span':{'$open':true,'startedAt':" TIME("3") "}}"})},
    {"R2", "createSpan", "JSON is kept character for character",
     STEPS_ON(TRAIT_RAW_JSON,
              CREATE("t", "s", "5", ",'metadata':{ 'z':1.0, 'a':[ ],'\\u0061':1e2 },'tags':[ 'x' ]"),
              {GET("t", "s"), "{'span':{'$open':true,'metadata':{'$raw':{ 'z':1.0, 'a':[ ],'\\u0061':1e2 }},"
                              "'tags':{'$raw':[ 'x' ]}}}"})},
    {"R3", "createSpan", "large and long numbers survive",
     STEPS_ON(TRAIT_TEXT,
              CREATE("t", "s", "5",
                     ",'input':9007199254740993,'output':{'d':0.1000000000000000055511151231257827},"
                     "'attributes':{'n':-18446744073709551615}"),
              {GET("t", "s"), "{'span':{'$open':true,'input':{'$raw':9007199254740993},"
                              "'output':{'d':{'$raw':0.1000000000000000055511151231257827}},"
                              "'attributes':{'n':{'$raw':-18446744073709551615}}}}"})},
    {"M", "createSpan", "JSON of any kind; text that looks like JSON stays text",
     STEPS(CREATE("t", "s", "5", ",'input':'{\\'a\\':1}','output':false,'error':'broken','attributes':''"),
           {GET("t", "s"), "{'span':{'$open':true,'input':'{\\'a\\':1}','output':false,'error':'broken',"
                           "'attributes':''}}"},
           {"getRootSpan", "'t'", "{'span':{'$open':true,'input':'{\\'a\\':1}'}}"})},
    {"M", "createSpan", "null is absent",
     STEPS(CREATE("t", "s", "5", ",'input':null,'userId':null,'endedAt':null"),
           {GET("t", "s"), "{'span':" PLAIN("t", "s", "5", BOTH_NOW) "}"})},
    {"M", "createSpan", "names the field that is missing or wrong",
     STEPS({"createSpan", "{}", INVALID("span.traceId")}, {"createSpan", NULL, INVALID("span.traceId")},
           {"createSpan", "{'span':{'traceId':'t'}}", INVALID("span.spanId")},
           {"createSpan", "{'span':{'traceId':'t','spanId':'s'}}", INVALID("span.name")},
           {"createSpan", "{'span':{'traceId':'t','spanId':'s','name':'n'}}", INVALID("span.spanType")},
           {"createSpan", "{'span':{'traceId':'t','spanId':'s','name':'n','spanType':'x'}}",
            INVALID("span.startedAt")},
           {"createSpan", "{'span':{'traceId':'','spanId':'s','name':'n','spanType':'x','startedAt':1}}",
            INVALID("span.traceId")},
           {"createSpan", "{'span':5}", INVALID("span")},
           {"createSpan", "{'span':{'isEvent':1}}", INVALID("span.isEvent")},
           {"createSpan", "{'span':{'parentEntityVersionId':1}}", INVALID("span.parentEntityVersionId")},
           {"createSpan", "{'span':{'startedAt':'soon'}}", INVALID("span.startedAt")},
           {"listTraces", "{}", "{'$open':true,'spans':[]}"})},

    {"M", "batchCreateSpans", "several, as an object or as an array",
     STEPS({"batchCreateSpans",
            "{'records':[" SPAN_OF("t", "a", "1", "") "," SPAN_OF("t", "b", "2", ",'parentSpanId':'a'") "]}",
            "null"},
           {"batchCreateSpans", "[" SPAN_OF("t", "c", "3", ",'parentSpanId':'a'") "]", "null"},
           {"getTrace", "'t'",
            "{'traceId':'t','spans':[{'$open':true,'spanId':'a'},{'$open':true,'spanId':'b'},"
            "{'$open':true,'spanId':'c'}]}"})},
    {"M", "batchCreateSpans", "of several with one key the last counts",
     STEPS(
         {"batchCreateSpans",
          "[" SPAN_OF("t", "a", "1", ",'input':1,'userId':'u'") "," SPAN_OF("t", "a", "2", ",'input':2") "]",
          "null"},
         {"getTrace", "'t'",
          "{'traceId':'t','spans':[{'$open':true,'input':2,'userId':null,'startedAt':" TIME("2") "}]}"})},
    {"R13", "batchCreateSpans", "all or none",
     STEPS({"batchCreateSpans", "[" SPAN_OF("t", "a", "1", "") ",{'traceId':'t','spanId':'b'}]",
            INVALID("records[1].name")},
           {"batchCreateSpans", "[" SPAN_OF("t", "a", "1", "") ",5]", INVALID("records[1]")},
           {"batchCreateSpans", "{'records':{}}", INVALID("records")},
           {"batchCreateSpans", "{}", INVALID("records")}, {"getTrace", "'t'", "null"})},
    {"R18", "batchCreateSpans", "none at all",
     STEPS({"batchCreateSpans", "{'records':[]}", "null"}, {"batchCreateSpans", "[]", "null"})},
    {"R13", "batchCreateSpans", "two thousand at once", RUN(many_at_once)},

    {"M", "updateSpan", "sets what is given and moves updatedAt, also when nothing is given", RUN(changed)},
    {"M", "updateSpan", "null writes null",
     STEPS(CREATE("t", "s", "5", ",'userId':'u','input':{'a':1},'endedAt':6000,'parentSpanId':'p'"),
           UPDATE("t", "s", "{'userId':null,'input':null,'endedAt':null,'parentSpanId':null}"),
           {GET("t", "s"), "{'span':" PLAIN("t", "s", "5", "'createdAt':'$now','updatedAt':'$now'") "}"})},
    {"M", "updateSpan", "null is refused where a span must have a value",
     STEPS(CREATE("t", "s", "5", ""),
           {"updateSpan", "{'traceId':'t','spanId':'s','updates':{'name':null}}", INVALID("updates.name")},
           {"updateSpan", "{'traceId':'t','spanId':'s','updates':{'spanType':null}}",
            INVALID("updates.spanType")},
           {"updateSpan", "{'traceId':'t','spanId':'s','updates':{'startedAt':null}}",
            INVALID("updates.startedAt")},
           {"updateSpan", "{'traceId':'t','spanId':'s','updates':{'isEvent':null,'userId':'x'}}",
            INVALID("updates.isEvent")},
           {GET("t", "s"), "{'span':" PLAIN("t", "s", "5", BOTH_NOW) "}"})},
    {"M", "updateSpan", "neither key nor createdAt can be changed",
     STEPS(CREATE("t", "s", "5", ""), {GET("t", "s"), "{'span':{'$open':true,'createdAt':'$bind:made'}}"},
           UPDATE("t", "s", "{'traceId':'T','spanId':7,'createdAt':1,'updatedAt':1,'userId':'u'}"),
           {GET("t", "s"), "{'span':{'$open':true,'traceId':'t','spanId':'s','userId':'u',"
                           "'createdAt':'$same:made','updatedAt':'$now'}}"},
           {GET("T", "s"), "null"})},
    {"R16", "updateSpan", "a missing span is left alone",
     STEPS(UPDATE("t", "s", "{'name':'x'}"), {GET("t", "s"), "null"}, {"getTrace", "'t'", "null"})},
    {"R3", "updateSpan", "JSON is replaced whole and kept as it is",
     STEPS_ON(TRAIT_RAW_JSON, CREATE("t", "s", "5", ",'output':{'a':1}"),
              UPDATE("t", "s", "{'output':{ 'b' : 9007199254740993 }}"),
              {GET("t", "s"), "{'span':{'$open':true,'output':{'$raw':{ 'b' : 9007199254740993 }}}}"})},
    {"M", "updateSpan", "insists on the key and on the changes",
     STEPS({"updateSpan", "{'spanId':'s','updates':{}}", INVALID("traceId")},
           {"updateSpan", "{'traceId':'t','updates':{}}", INVALID("spanId")},
           {"updateSpan", "{'traceId':'t','spanId':'s','updates':{'endedAt':'x'}}",
            INVALID("updates.endedAt")})},
    {"M", "updateSpan", "insists that there are changes",
     STEPS_ON(TRAIT_TEXT, {"updateSpan", "{'traceId':'t','spanId':'s'}", INVALID("updates")},
              {"updateSpan", "{'traceId':'t','spanId':'s','updates':[]}", INVALID("updates")})},

    {"M", "batchUpdateSpans", "each record with its own changes; missing ones are left alone",
     STEPS(CREATE("t", "a", "1", ",'userId':'u'"), CREATE("t", "b", "2", ",'userId':'u'"),
           {"batchUpdateSpans",
            "{'records':[{'traceId':'t','spanId':'a','updates':{'endedAt':3000}},"
            "{'traceId':'t','spanId':'none','updates':{'name':'x'}},"
            "{'traceId':'t','spanId':'b','updates':{'userId':null,'isEvent':true}}]}",
            "null"},
           {"getTrace", "'t'",
            "{'traceId':'t','spans':[{'$open':true,'spanId':'a','endedAt':" TIME(
                "3") ",'userId':'u','isEvent':false,'name':'N a'},{'$open':true,'spanId':'b','endedAt':null,"
                     "'userId':null,'isEvent':true,'startedAt':" TIME("2") "}]}"})},
    {"M", "batchUpdateSpans", "later changes to a span are laid over earlier ones",
     STEPS(CREATE("t", "a", "1", ""),
           {"batchUpdateSpans",
            "{'records':[{'traceId':'t','spanId':'a','updates':{'name':'x','userId':'u'}},"
            "{'traceId':'t','spanId':'a','updates':{'name':'y'}}]}",
            "null"},
           {GET("t", "a"), "{'span':{'$open':true,'name':'y','userId':'u'}}"})},
    {"R13", "batchUpdateSpans", "all or none",
     STEPS(CREATE("t", "a", "1", ""),
           {"batchUpdateSpans",
            "{'records':[{'traceId':'t','spanId':'a','updates':{'name':'x'}},"
            "{'traceId':'t','spanId':'a','updates':{'startedAt':null}}]}",
            INVALID("records[1].updates.startedAt")},
           {"batchUpdateSpans",
            "{'records':[{'traceId':'t','spanId':'a','updates':{'name':'x'}},{'traceId':'t','updates':{}}]}",
            INVALID("records[1].spanId")},
           {"batchUpdateSpans", "{}", INVALID("records")},
           {GET("t", "a"), "{'span':{'$open':true,'name':'N a'}}"})},
    {"R18", "batchUpdateSpans", "none at all", STEPS({"batchUpdateSpans", "{'records':[]}", "null"})},

    {"R5", "updateSpan", "a span of a megabyte, made smaller and larger", RUN(in_parts)},

    {"M", "getSpan", "unknown ones are null, and so are empty ids",
     STEPS({GET("t", "s"), "null"}, CREATE("t", "s", "5", ""), {GET("t", "S"), "null"},
           {GET("T", "s"), "null"}, {GET("", ""), "null"}, {"getSpan", "{'traceId':'t'}", INVALID("spanId")},
           {"getSpan", "{'spanId':'t'}", INVALID("traceId")})},
};

const struct case_table span_case_table = CASE_TABLE(cases);
