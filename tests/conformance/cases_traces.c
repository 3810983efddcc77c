/* Reading and deleting whole traces. */
#include "conformance/spans.h"

#define OPEN(id)     "{'$open':true,'spanId':'" id "'}"
#define TRACE(spans) "{'traceId':'t','spans':[" spans "]}"

/* A trace with two levels; what has the same start is told apart by its id. */
#define FAMILY                                                                                               \
    CHILD("t", "d", "b", "3", ""), CHILD("t", "c", "a", "2", ""), CHILD("t", "b", "a", "2", ""),             \
        CREATE("t", "a", "1", ""), CREATE("u", "x", "1", "")

#define LIGHT(id, started)                                                                                   \
    "{'traceId':'t','spanId':'" id "','name':'N " id "','spanType':'agent_run','isEvent':false,"             \
    "'startedAt':" TIME(                                                                                     \
        started) ",'parentSpanId':null,'entityType':null,'entityId':null,"                                   \
                 "'entityName':null,'userId':null,'scope':{'v':1},'error':{'m':1},'endedAt':null,"           \
                 "'requestContext':{'k':1}," NO_ENTITIES "," NO_CONTEXT                                      \
                 ",'createdAt':'$now','updatedAt':'$now'}"

/* A root in each of three traces, and something below the first. */
#define THREE                                                                                                \
    CREATE("t", "a", "1", ",'organizationId':'o','resourceId':'r'"),                                         \
        CHILD("t", "b", "a", "2", ",'organizationId':'other'"),                                              \
        CREATE("u", "a", "1", ",'organizationId':'o'"), CREATE("v", "a", "1", ""),                           \
        CHILD("w", "b", "a", "2", ",'organizationId':'o','resourceId':'r'")
#define LEFT(t, u, v, w)                                                                                     \
    {"getTrace", "'t'", t}, {"getTrace", "'u'", u}, {"getTrace", "'v'", v},                                  \
    {                                                                                                        \
        "getTrace", "'w'", w                                                                                 \
    }
#define ONE(trace) "{'traceId':'" trace "','spans':'$count:1'}"
#define TWO(trace) "{'traceId':'" trace "','spans':'$count:2'}"

static const struct test_case cases[] = {
    {"R6", "getTrace", "all spans by their start, equal ones by id",
     STEPS(FAMILY,
           {"getTrace", "{'traceId':'t'}", TRACE(OPEN("a") "," OPEN("b") "," OPEN("c") "," OPEN("d"))},
           {"getTrace", "'t'", TRACE(OPEN("a") "," OPEN("b") "," OPEN("c") "," OPEN("d"))})},
    {"M", "getTrace", "whole spans, all 42 members",
     STEPS(CREATE("t", "a", "1", ",'input':{'x':1},'tags':['y']"),
           {"getTrace", "'t'",
            "{'traceId':'t','spans':[{'traceId':'t','spanId':'a','name':'N a','spanType':'agent_run',"
            "'isEvent':false,'startedAt':" TIME(
                "1") ",'parentSpanId':null,'entityType':null,'entityId':null,"
                     "'entityName':null,'userId':null,'scope':null,'error':null,'endedAt':null,"
                     "'requestContext':null," NO_ENTITIES "," NO_CONTEXT ",'metadata':null,'tags':['y'],"
                     "'attributes':null,'links':null,'input':{'x':1},'output':null,'createdAt':'$now',"
                     "'updatedAt':'$now'}]}"})},
    {"M", "getTrace", "an unknown trace is null",
     STEPS({"getTrace", "'t'", "null"}, {"getTrace", "{'traceId':''}", "null"},
           {"getTrace", "{}", INVALID("traceId")}, {"getTrace", "5", "{'$error':'invalid_argument'}"},
           {"getTrace", "{'traceId':5}", INVALID("traceId")}, {"getTraceLight", "'t'", "null"},
           {"getTraceLight", NULL, INVALID("traceId")})},
    {"M", "getTraceLight", "the same without what is heavy, and without the members for it",
     STEPS(CREATE("t", "a", "1",
                  ",'input':1,'output':2,'attributes':{'a':1},'metadata':{'m':1},'tags':['x'],'links':[],"
                  "'scope':{'v':1},'error':{'m':1},'requestContext':{'k':1}"),
           {"getTraceLight", "'t'", "{'traceId':'t','spans':[" LIGHT("a", "1") "]}"},
           {"getTraceLight", "{'traceId':'t'}", "{'traceId':'t','spans':[" LIGHT("a", "1") "]}"})},
    {"R6", "getTraceLight", "in the same order",
     STEPS(FAMILY, {"getTraceLight", "'t'", TRACE(OPEN("a") "," OPEN("b") "," OPEN("c") "," OPEN("d"))})},

    {"M", "getRootSpan", "the span without a parent",
     STEPS(FAMILY, {"getRootSpan", "{'traceId':'t'}", "{'span':" OPEN("a") "}"},
           {"getRootSpan", "'u'", "{'span':" OPEN("x") "}"}, {"getRootSpan", "'v'", "null"},
           {"getRootSpan", "{}", INVALID("traceId")})},
    {"M", "getRootSpan", "a parent that is not there is a parent all the same",
     STEPS(CHILD("t", "b", "gone", "1", ""), {"getRootSpan", "'t'", "null"},
           {"getTrace", "'t'", TRACE(OPEN("b"))})},
    {"M", "getRootSpan", "of two roots the first to start",
     STEPS(CREATE("t", "z", "1", ""), CREATE("t", "a", "2", ""),
           {"getRootSpan", "'t'", "{'span':" OPEN("z") "}"}, CREATE("t", "b", "1", ""),
           {"getRootSpan", "'t'", "{'span':" OPEN("b") "}"})},

    {"M", "batchDeleteTraces", "all spans of the traces named; unknown ones are ignored",
     STEPS(THREE, {"batchDeleteTraces", "{'traceIds':['t','none','v','t']}", "null"},
           LEFT("null", ONE("u"), "null", ONE("w")), {"batchDeleteTraces", "['u','w']", "null"},
           LEFT("null", "null", "null", "null"))},
    {"R18", "batchDeleteTraces", "none at all",
     STEPS(THREE, {"batchDeleteTraces", "{'traceIds':[]}", "null"}, {"batchDeleteTraces", "[]", "null"},
           LEFT(TWO("t"), ONE("u"), ONE("v"), ONE("w")))},
    {"M", "batchDeleteTraces", "within a scope only traces whose root is in it",
     STEPS(THREE, {"batchDeleteTraces", "{'traceIds':['t','u','v','w'],'resourceId':'none'}", "null"},
           LEFT(TWO("t"), ONE("u"), ONE("v"), ONE("w")),
           {"batchDeleteTraces", "{'traceIds':['t','u','v','w'],'organizationId':'o','resourceId':'r'}",
            "null"},
           LEFT("null", ONE("u"), ONE("v"), ONE("w")),
           {"batchDeleteTraces", "{'traceIds':['v','u','w'],'organizationId':'o'}", "null"},
           LEFT("null", "null", ONE("v"), ONE("w")))},
    {"M", "batchDeleteTraces", "bad arguments delete nothing",
     STEPS(THREE, {"batchDeleteTraces", "{}", INVALID("traceIds")},
           {"batchDeleteTraces", "{'traceIds':'t'}", INVALID("traceIds")},
           {"batchDeleteTraces", "{'traceIds':['t',5]}", INVALID("traceIds[1]")},
           {"batchDeleteTraces", "{'traceIds':['t'],'organizationId':5}", INVALID("organizationId")},
           LEFT(TWO("t"), ONE("u"), ONE("v"), ONE("w")))},
};

const struct case_table trace_case_table = CASE_TABLE(cases);
