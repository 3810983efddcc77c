/* Evals. */
#include "conformance/conformance.h"

#define EVAL_BODY(input, agent)                                                                              \
    "'input':'" input "','output':'o','result':{'score':0.5,'info':{'r':'x'}},'agentName':'" agent           \
    "','metricName':'m','instructions':'','globalRunId':'g','runId':'r'"
#define EVAL(input, agent, rest)                                                                             \
    {                                                                                                        \
        "saveEval", "{" EVAL_BODY(input, agent) rest "}", "null"                                             \
    }
#define AT(seconds)                ",'createdAt':" seconds "000"
#define ROW(input, agent, seconds) "{" EVAL_BODY(input, agent) ",'createdAt':" TIME(seconds) "}"
#define NAMED(input)               "{'$open':true,'input':'" input "'}"
#define EVALS(list, page)          "{'evals':[" list "]," page "}"
#define ALL_OF(list, total)        EVALS(list, PAGE(total, "0", "100", "false"))
#define FOUR                                                                                                 \
    EVAL("a", "x", AT("1")), EVAL("b", "y", AT("3")),                                                        \
        EVAL("c", "x", AT("2") ",'testInfo':{'testName':'n','testPath':'p'}"),                               \
        EVAL("d", "x", AT("2") ",'testInfo':{'testName':'n'}")
#define WRONG(rest, field)                                                                                   \
    {                                                                                                        \
        "saveEval", "{" EVAL_BODY("i", "a") rest "}",                                                        \
            "{'$error':'invalid_argument','$field':'eval." field "'}"                                        \
    }

static const struct test_case cases[] = {
    {"M", "saveEval", "every call adds one, with the present as its time",
     STEPS(
         {"saveEval", "{" EVAL_BODY("a", "x") "}", "null"},
         {"saveEval", "{'eval':{" EVAL_BODY("a", "x") "}}", "null"},
         {"getEvals", NULL,
          ALL_OF("{" EVAL_BODY("a", "x") ",'createdAt':'$now'},{" EVAL_BODY("a", "x") ",'createdAt':'$now'}",
                 "2")})},
    {"M", "saveEval", "takes the names of the columns too",
     STEPS({"saveEval",
            "{'input':'a','output':'','result':{'score':1},'agent_name':'x','metric_name':'m','instructions':"
            "'i',"
            "'global_run_id':'g','run_id':'r','created_at':1000,'test_info':{'testPath':''}}",
            "null"},
           {"getEvals", NULL,
            ALL_OF("{'input':'a','output':'','result':{'score':1},'agentName':'x','metricName':'m','"
                   "instructions':'i',"
                   "'globalRunId':'g','runId':'r','createdAt':" TIME("1") ",'testInfo':{'testPath':''}}",
                   "1")})},
    {"M", "saveEval", "what it must be told",
     STEPS(WRONG(",'input':null", "input"), WRONG(",'output':null", "output"),
           WRONG(",'agentName':null", "agentName"), WRONG(",'metricName':null", "metricName"),
           WRONG(",'instructions':null", "instructions"), WRONG(",'globalRunId':null", "globalRunId"),
           WRONG(",'runId':null", "runId"), WRONG(",'result':null", "result"),
           WRONG(",'result':{}", "result"), WRONG(",'result':[1]", "result"),
           WRONG(",'result':'score'", "result"), WRONG(",'testInfo':'x'", "testInfo"),
           WRONG(",'runId':5", "runId"), WRONG(",'agentName':'\\u0000'", "agentName"),
           WRONG(",'createdAt':'soon'", "createdAt"), {"saveEval", NULL, "{'$error':'invalid_argument'}"},
           {"getEvals", NULL, ALL_OF("", "0")})},
    {"R2", "saveEval", "JSON comes out as it was given",
     STEPS_ON(TRAIT_RAW_JSON,
              {"saveEval",
               "{" EVAL_BODY("a", "x") ",'input':'[1]','output':'z','result':{'score': "
                                       "1.50,'n':9007199254740993,'s':'\\u0000'}}",
               "null"},
              {"getEvals", NULL,
               ALL_OF("{'$open':true,'input':'[1]','result':{'$raw':{'score': "
                      "1.50,'n':9007199254740993,'s':'\\u0000'}}}",
                      "1")})},
    {"R2", "saveEval", "JSON and texts come out as they were given",
     STEPS_ON(TRAIT_RAW_JSON | TRAIT_NUL,
              {"saveEval",
               "{" EVAL_BODY("a", "x") ",'input':'[1]','output':'z\\u0000','result':{'score': "
                                       "1.50,'n':9007199254740993,'s':'\\u0000'}}",
               "null"},
              {"getEvals", NULL,
               ALL_OF("{'$open':true,'input':'[1]','output':'z\\u0000','result':{'$raw':{'score': "
                      "1.50,'n':9007199254740993,'s':'\\u0000'}}}",
                      "1")},
              {REOPEN, NULL, NULL},
              {"getEvals", NULL,
               ALL_OF("{'$open':true,'result':{'$raw':{'score': 1.50,'n':9007199254740993,'s':'\\u0000'}}}",
                      "1")})},
    {"R6", "getEvals", "newest first, equal times by the last one saved",
     STEPS(
         FOUR, {"getEvals", NULL, ALL_OF(NAMED("b") "," NAMED("d") "," NAMED("c") "," NAMED("a"), "4")},
         {"listEvals", "{}", ALL_OF(NAMED("b") "," NAMED("d") "," NAMED("c") "," NAMED("a"), "4")},
         {"getEvals", "{'perPage':3}",
          EVALS(NAMED("b") "," NAMED("d") "," NAMED("c"), PAGE("4", "0", "3", "true"))},
         {"getEvals", "{'perPage':3,'page':1}", EVALS(ROW("a", "x", "1"), PAGE("4", "1", "3", "false"))},
         {"getEvals", "{'perPage':1,'page':2}", EVALS(NAMED("c"), PAGE("4", "2", "1", "true"))},
         {"getEvals", "{'perPage':false}",
          EVALS(NAMED("b") "," NAMED("d") "," NAMED("c") "," NAMED("a"), PAGE("4", "0", "false", "false"))})},
    {"M", "getEvals", "by agent and by type",
     STEPS(FOUR, {"getEvals", "{'agentName':'x'}", ALL_OF(NAMED("d") "," NAMED("c") "," NAMED("a"), "3")},
           {"getEvals", "{'agentName':'x','type':'test'}", ALL_OF(NAMED("c"), "1")},
           {"getEvals", "{'type':'live'}", ALL_OF(NAMED("b") "," NAMED("d") "," NAMED("a"), "3")},
           {"getEvals", "{'type':'other','agentName':''}",
            ALL_OF(NAMED("b") "," NAMED("d") "," NAMED("c") "," NAMED("a"), "4")},
           {"getEvals", "{'agentName':'X'}", ALL_OF("", "0")})},
    {"M", "getEvals", "a testPath that is null is none, an empty one is one",
     STEPS(EVAL("a", "x", AT("1") ",'testInfo':{'testPath':null}"),
           EVAL("b", "x", AT("2") ",'testInfo':{'testPath':''}"),
           EVAL("c", "x", AT("3") ",'testInfo':{'testPath':false}"),
           EVAL("d", "x", AT("4") ",'testInfo':{'testPath':{}}"),
           EVAL("e", "x", AT("5") ",'testInfo':{'\\u0074estPath':1}"),
           EVAL("f", "x", AT("6") ",'testInfo':{'o':{'testPath':1}}"),
           {"getEvals", "{'type':'test'}",
            ALL_OF(NAMED("e") "," NAMED("d") "," NAMED("c") "," NAMED("b"), "4")},
           {"getEvals", "{'type':'live'}", ALL_OF(NAMED("f") "," NAMED("a"), "2")})},
    {"R9", "getEvals", "a range of dates, both ends inside",
     STEPS(
         FOUR,
         {"getEvals", "{'dateRange':{'start':2000}}", ALL_OF(NAMED("b") "," NAMED("d") "," NAMED("c"), "3")},
         {"getEvals", "{'dateRange':{'end':" TIME("2") "}}",
          ALL_OF(NAMED("d") "," NAMED("c") "," NAMED("a"), "3")},
         {"getEvals", "{'dateRange':{'start':1001,'end':1999}}", ALL_OF("", "0")},
         {"getEvals", "{'dateRange':{'start':'never'}}", "{'$error':'invalid_argument'}"})},
    {"M", "getEvals", "pages that are none",
     STEPS({"getEvals", "{'page':-1}", "{'$error':'invalid_argument','$id':'GET_EVALS_INVALID_PAGE'}"},
           {"listEvals", "{'perPage':-1}", "{'$error':'invalid_argument','$id':'LIST_EVALS_INVALID_PAGE'}"})},
    {"M", "getEvalsByAgentName", "all of an agent as an array",
     STEPS(FOUR,
           {"getEvalsByAgentName", "{'agentName':'x'}",
            "[" NAMED("d") "," NAMED("c") "," ROW("a", "x", "1") "]"},
           {"getEvalsByAgentName", "{'agentName':'x','type':'test'}", "[" NAMED("c") "]"},
           {"getEvalsByAgentName", "{'agentName':'x','type':'live'}", "[" NAMED("d") "," NAMED("a") "]"},
           {"getEvalsByAgentName", "'y'", "[" NAMED("b") "]"},
           {"getEvalsByAgentName", "{'agentName':''}", "[]"},
           {"getEvalsByAgentName", "{}", "{'$error':'invalid_argument','$field':'agentName'}"})},
};

const struct case_table eval_case_table = CASE_TABLE(cases);
