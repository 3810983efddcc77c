/* Traces of Mastra 0.x. */
#include "conformance/conformance.h"

#define BODY(id, start)                                                                                      \
    "'id':'" id "','name':'agent.run','traceId':'t','scope':'s','kind':1,'startTime':" start ",'endTime':9"
#define RECORD(id, start, rest) "{" BODY(id, start) rest "}"
#define INSERT(list)                                                                                         \
    {                                                                                                        \
        "batchTraceInsert", "{'records':[" list "]}", "null"                                                 \
    }
#define GET(args, ids)                                                                                       \
    {                                                                                                        \
        "getTraces", args, "{'$ids':[" ids "]}"                                                              \
    }
#define READ(id, start)                                                                                      \
    "{" BODY(id, start) ",'parentSpanId':null,'attributes':null,'status':null,'events':null,'links':null,'"  \
                        "other':null,'createdAt':'$now'}"
#define FULL                                                                                                 \
    "'id':'a','parentSpanId':'p','name':'n','traceId':'t','scope':'s','kind':2,'attributes':{'a.b':1,'c':["  \
    "true]},'status':{'code':0},'events':[{'e':1}],'links':[],'startTime':1700000000000001,'endTime':"       \
    "1700000000000002"
#define WRONG(rest, field)                                                                                   \
    {                                                                                                        \
        "batchTraceInsert", "{'records':[" RECORD("a", "1", "") "," RECORD("b", "1", rest) "]}",             \
            "{'$error':'invalid_argument','$field':'records[1]." field "'}"                                  \
    }
#define INVALID(field) "{'$error':'invalid_argument','$field':'" field "'}"
#define THREE                                                                                                       \
    INSERT(                                                                                                         \
        RECORD("a", "1", ",'attributes':{'x':1,'y':'1','z':{'b':2,'a':1},'d.e':null},'createdAt':1000") "," RECORD( \
            "b", "3",                                                                                               \
            ",'attributes':{'x':1,'y':'2'},'kind':3,'scope':'S','createdAt':2000") "," RECORD("c", "2",             \
                                                                                              ",'name':'"           \
                                                                                              "Agent%run','"        \
                                                                                              "traceId':'t_"        \
                                                                                              "','"                 \
                                                                                              "parentSpanId"        \
                                                                                              "':'a','"             \
                                                                                              "createdAt':"         \
                                                                                              "3000"))

static const struct test_case cases[] = {
    {"M", "batchTraceInsert", "records there and back; the present as their time",
     STEPS(INSERT(RECORD("a", "1", "")), {"getTraces", NULL, "[" READ("a", "1") "]"})},
    {"M", "batchTraceInsert", "keeps every member",
     STEPS(INSERT("{" FULL ",'other':'text','createdAt':5000}"),
           {"getTraces", NULL, "[{" FULL ",'other':'text','createdAt':" TIME("5") "}]"}, {REOPEN, NULL, NULL},
           {"getTraces", NULL, "[{" FULL ",'other':'text','createdAt':" TIME("5") "}]"})},
    {"M", "batchTraceInsert", "takes a bare array",
     STEPS({"batchTraceInsert", "[" RECORD("a", "1", "") "]", "null"}, GET(NULL, "'a'"))},
    {"M", "batchTraceInsert", "replaces by id, the last of equal ones in a call too",
     STEPS(INSERT("{" FULL "}"), INSERT(RECORD("a", "1", "")), {"getTraces", NULL, "[" READ("a", "1") "]"},
           INSERT(RECORD("b", "2", "") "," RECORD("b", "3", "")),
           {"getTraces", NULL, "[" READ("b", "3") "," READ("a", "1") "]"})},
    {"R18", "batchTraceInsert", "no records are no work",
     STEPS({"batchTraceInsert", "{'records':[]}", "null"}, {"batchTraceInsert", "[]", "null"},
           {"getTraces", "{}", "[]"})},
    {"R13", "batchTraceInsert", "a record at fault leaves nothing behind",
     STEPS(WRONG(",'name':null", "name"), WRONG(",'id':''", "id"), WRONG(",'traceId':null", "traceId"),
           WRONG(",'scope':null", "scope"), WRONG(",'kind':null", "kind"), WRONG(",'kind':1.5", "kind"),
           WRONG(",'kind':'1'", "kind"), WRONG(",'startTime':null", "startTime"),
           WRONG(",'endTime':null", "endTime"), WRONG(",'startTime':'1'", "startTime"),
           WRONG(",'startTime':9223372036854775808", "startTime"),
           WRONG(",'endTime':-9223372036854775808", "endTime"), WRONG(",'endTime':0.5", "endTime"),
           WRONG(",'createdAt':'x'", "createdAt"), WRONG(",'parentSpanId':5", "parentSpanId"),
           {"batchTraceInsert", "{'records':[5]}", INVALID("records[0]")},
           {"batchTraceInsert", "{'records':5}", INVALID("records")},
           {"batchTraceInsert", "{}", INVALID("records")}, {"getTraces", NULL, "[]"})},
    {"R3", "batchTraceInsert", "times of 64 bits",
     STEPS_ON(
         TRAIT_TEXT,
         INSERT(RECORD("a", "9007199254740993", "") "," RECORD(
             "b", "9223372036854775807",
             ",'endTime':-9223372036854775807") "," RECORD("c", "-1", "") "," RECORD("d", "9007199254740992",
                                                                                     "")),
         {"getTraces", NULL,
          "[{'$open':true,'id':'b','startTime':{'$raw':9223372036854775807},'endTime':{'$raw':-"
          "9223372036854775807}},"
          "{'$open':true,'id':'a','startTime':{'$raw':9007199254740993}},{'$open':true,'id':'d','startTime'"
          ":{'$raw':9007199254740992}},"
          "{'$open':true,'id':'c','startTime':-1}]"},
         GET("{'filters':{'startTime':9007199254740993}}", "'a'"),
         GET("{'filters':{'startTime':'9007199254740992'}}", "'d'"))},
    {"M", "getTraces", "other: the text, or the JSON that it is",
     STEPS(INSERT(RECORD("a", "4", ",'other':'{\\u0022q\\u0022: 1}'") "," RECORD(
               "b", "3", ",'other':{'q':1}") "," RECORD("c", "2", ",'other':'5'") "," RECORD("d", "1",
                                                                                             ",'other':''")),
           {"getTraces", NULL,
            "[{'$open':true,'other':{'q':1}},{'$open':true,'other':{'q':1}},{'$open':true,'other':'5'},{'$"
            "open':true,'other':''}]"})},
    {"R2", "getTraces", "JSON comes out as it was given",
     STEPS_ON(TRAIT_RAW_JSON,
              INSERT(RECORD("a", "1",
                            ",'attributes':{'z':1.50,'a':9007199254740993,'u':'\\u0000\\ud800'},'events':['x'"
                            "],'status':'text','links':[ ]")),
              {"getTraces", NULL,
               "[{'$open':true,'attributes':{'$raw':{'z':1.50,'a':9007199254740993,'u':'\\u0000\\ud800'}},'"
               "events':['x'],'status':'text','links':{'$raw':[ ]}}]"})},
    {"R6", "getTraces", "the latest start first, equal ones by id downwards",
     STEPS(INSERT(RECORD("b", "2", "") "," RECORD("d", "2", "") "," RECORD("a", "9", "") "," RECORD("c", "2",
                                                                                                    "")),
           GET(NULL, "'a','d','c','b'"), GET("{'perPage':2}", "'a','d'"),
           GET("{'perPage':2,'page':1}", "'c','b'"), GET("{'pagination':{'page':3,'perPage':1}}", "'b'"),
           GET("{'perPage':false}", "'a','d','c','b'"), GET("{'perPage':0}", ""))},
    {"M", "getTraces", "by the beginning of the name, by scope",
     STEPS(THREE, GET("{'name':'agent.'}", "'b','a'"), GET("{'name':'Agent%'}", "'c'"),
           GET("{'name':'%'}", ""), GET("{'name':'agent_run'}", ""), GET("{'name':'agent.run'}", "'b','a'"),
           GET("{'name':'agent.run '}", ""), GET("{'name':''}", "'b','c','a'"),
           GET("{'scope':'s'}", "'c','a'"), GET("{'scope':''}", "'b','c','a'"))},
    {"R11", "getTraces", "by attributes, equal in kind and value",
     STEPS(THREE, GET("{'attributes':{'x':1}}", "'b','a'"), GET("{'attributes':{'x':1.0,'y':'1'}}", "'a'"),
           GET("{'attributes':{'x':'1'}}", ""), GET("{'attributes':{'z':{'a':1,'b':2}}}", "'a'"),
           GET("{'attributes':{'z':{'a':1}}}", ""), GET("{'attributes':{'d.e':null}}", "'a'"),
           GET("{'attributes':{'nope':null}}", ""), GET("{'attributes':{}}", "'b','c','a'"),
           {"getTraces", "{'attributes':[1]}", INVALID("attributes")},
           {"getTraces", "{'attributes':'x'}", INVALID("attributes")})},
    {"M", "getTraces", "by columns",
     STEPS(
         THREE, GET("{'filters':{'kind':3}}", "'b'"), GET("{'filters':{'kind':'3'}}", "'b'"),
         GET("{'filters':{'kind':'x'}}", ""), GET("{'filters':{'kind':3.5}}", ""),
         GET("{'filters':{'traceId':'t_'}}", "'c'"), GET("{'filters':{'parentSpanId':'a','id':'c'}}", "'c'"),
         GET("{'filters':{'parentSpanId':null}}", "'b','a'"),
         GET("{'filters':{'createdAt':" TIME("2") "}}", "'b'"), GET("{'filters':{'createdAt':2000}}", "'b'"),
         GET("{'filters':{'createdAt':'x'}}", ""), GET("{'filters':{'startTime':2,'kind':1}}", "'c'"),
         GET("{'filters':{'id':'a','\\u0069d':'b'}}", "'b'"), GET("{'filters':{'id':'it\\u0027s'}}", ""),
         GET("{'filters':{}}", "'b','c','a'"))},
    {"M", "getTraces", "a filter that is none",
     STEPS({"getTraces", "{'filters':{'nope':1}}", INVALID("filters.nope")},
           {"getTraces", "{'filters':{'id = id --':1}}", INVALID("filters.id = id --")},
           {"getTraces", "{'filters':{'kind':true}}", INVALID("filters.kind")},
           {"getTraces", "{'filters':{'id':{}}}", INVALID("filters.id")},
           {"getTraces", "{'filters':[1]}", INVALID("filters")},
           {"getTraces", "{'page':-1}", "{'$error':'invalid_argument','$id':'GET_TRACES_INVALID_PAGE'}"},
           {"getTraces", "{'name':5}", INVALID("name")},
           {"getTraces", "{'scope':'\\u0000'}", INVALID("scope")})},
    {"R9", "getTraces", "by the time of saving, both ends inside",
     STEPS(THREE, GET("{'fromDate':2000}", "'b','c'"), GET("{'toDate':" TIME("2") "}", "'b','a'"),
           GET("{'dateRange':{'start':2000,'end':2000}}", "'b'"),
           GET("{'dateRange':{'start':2000},'fromDate':3000}", "'c'"))},
};

const struct case_table trace_record_case_table = CASE_TABLE(cases);
