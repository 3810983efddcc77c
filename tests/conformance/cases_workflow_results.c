/* Results of workflow steps, laid into the snapshots of their runs. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define UPDATE(more)     "updateWorkflowResults", "{'workflowName':'w','runId':'r'" more "}"
#define STEP(id, result) UPDATE(",'stepId':'" id "','result':" result)
#define LOAD             "loadWorkflowSnapshot", "{'workflowName':'w','runId':'r'}"
#define GET              "getWorkflowRunById", "{'runId':'r'}"
#define PERSIST(snapshot)                                                                                    \
    {                                                                                                        \
        "persistWorkflowSnapshot",                                                                           \
            "{'workflowName':'w','runId':'r','resourceId':'u','createdAt':1000,'updatedAt':2000,"            \
            "'snapshot':" snapshot "}",                                                                      \
            "null"                                                                                           \
    }
#define NOTHING_SAVED                                                                                        \
    {                                                                                                        \
        "listWorkflowRuns", NULL, "{'runs':[],'total':0}"                                                    \
    }
#define PENDING      "{'__mastra_pending__':true}"
#define WRONG(field) "{'$error':'invalid_argument','$field':'" field "'}"
#define NO_CONTEXT(run)                                                                                      \
    "{'$error':'not_found','$message':'Snapshot context not found for runId " run                            \
    "','$id':'UPDATE_WORKFLOW_RESULTS_FAILED'}"
#define NEW_SNAPSHOT(context, request)                                                                       \
    "{'context':" context ",'activePaths':[],'timestamp':'$any','suspendedPaths':{},'activeStepsPath':{},"   \
    "'resumeLabels':{},'serializedStepGraph':[],'status':'pending','value':{},'waitingPaths':{},"            \
    "'runId':'r','requestContext':" request "}"

/* {"a":{"a":...1...}}, so many levels. */
static char *nested(int levels)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (int i = 0; i < levels; i++)
        fputs("{'a':", stream);
    fputc('1', stream);
    for (int i = 0; i < levels; i++)
        fputc('}', stream);
    fclose(stream);
    return text;
}

static void lay(struct fixture *fixture, int levels, const char *expect)
{
    char *deep = nested(levels);
    char *args = test_format("{'workflowName':'w','runId':'r','stepId':'deep','result':%s}", deep);
    fixture_call(fixture, "updateWorkflowResults", args, expect);
    free(args);
    free(deep);
}

/* A snapshot that is written can be read: it is no deeper than what is. */
static void deep_results(struct fixture *fixture)
{
    lay(fixture, 999, WRONG("result"));
    fixture_call(fixture, "listWorkflowRuns", NULL, "{'runs':[],'total':0}");
    lay(fixture, 998, "{'deep':'$any'}");
    lay(fixture, 999, WRONG("result"));
    fixture_call(fixture, STEP("b", "1"), "{'deep':'$any','b':1}");
}

static const struct test_case cases[] = {
    {"R17", "updateWorkflowResults", "creates a missing run",
     STEPS({STEP("a", "{'status':'success'}"), "{'a':{'status':'success'}}"}, {REOPEN, NULL, NULL},
           {LOAD, NEW_SNAPSHOT("{'a':{'status':'success'}}", "{}")},
           {GET, "{'workflowName':'w','runId':'r','resourceId':null,'snapshot':'$any','createdAt':'$bind:at',"
                 "'updatedAt':'$same:at'}"},
           {GET, "{'$open':true,'createdAt':'$now'}"})},
    {"R17", "updateWorkflowResults", "creates a missing run with the context of the request",
     STEPS({UPDATE(",'stepId':'a','result':1,'requestContext':{'q':1}"), "{'a':1}"},
           {LOAD, NEW_SNAPSHOT("{'a':1}", "{'q':1}")})},
    {"R17", "updateWorkflowResults", "sets updatedAt, and nothing else of the run",
     STEPS(
         PERSIST("{'context':{'input':0},'status':'running','x':[1]}"), {STEP("a", "1"), "{'input':0,'a':1}"},
         {GET,
          "{'workflowName':'w','runId':'r','resourceId':'u','snapshot':{'context':{'input':0,'a':1},"
          "'status':'running','x':[1],'requestContext':{}},'createdAt':" TIME("1") ",'updatedAt':'$now'}"})},
    {"M", "updateWorkflowResults", "replaces the result of a step",
     STEPS(PERSIST("{'context':{'a':{'x':1},'b':2}}"), {STEP("a", "{'y':1}"), "{'a':{'y':1},'b':2}"},
           {STEP("a", "'text'"), "{'a':'text','b':2}"}, {STEP("a", "null"), "{'a':null,'b':2}"},
           {STEP("a", "[1]"), "{'a':[1],'b':2}"}, {STEP("", "0"), "{'a':[1],'b':2,'':0}"})},
    {"M", "updateWorkflowResults", "a foreach in parts: arrays of output are merged",
     STEPS({STEP("f", "{'status':'running','output':[null,null,null]}"), NULL},
           {STEP("f", "{'status':'running','output':[null,2]}"), NULL},
           {STEP("f", "{'status':'success','output':[1,null,null,4],'endedAt':9}"),
            "{'f':{'status':'success','output':[1,2,null,4],'endedAt':9}}"},
           {LOAD, NEW_SNAPSHOT("{'f':{'status':'success','output':[1,2,null,4],'endedAt':9}}", "{}")})},
    {"M", "updateWorkflowResults", "a foreach resumed: marked elements are cleared, the rest stays",
     STEPS(PERSIST(
               "{'context':{'f':{'status':'suspended','output':[1,{'status':'suspended','suspendPayload':{}},"
               "null,{'status':'suspended'}]}}}"),
           {STEP("f", "{'status':'running','output':[" PENDING "," PENDING ",7," PENDING ",8," PENDING "]}"),
            "{'f':{'status':'suspended','output':[1,null,null,{'status':'suspended'},null,null]}}"})},
    {"M", "updateWorkflowResults", "several steps at once, each by the same rule",
     STEPS(PERSIST("{'context':{'f':{'output':[1,null]},'g':{'output':[1]},'h':0}}"),
           {UPDATE(",'results':{'f':{'output':[null,2]},'g':{'x':1},'i':null}"),
            "{'f':{'output':[1,2]},'g':{'x':1},'h':0,'i':null}"},
           {UPDATE(",'stepId':'j','result':1,'results':{'k':2}"),
            "{'f':{'output':[1,2]},'g':{'x':1},'h':0,'i':null,'k':2,'j':1}"})},
    {"M", "updateWorkflowResults", "lays the context of the request over the stored one, one level deep",
     STEPS(PERSIST("{'context':{},'requestContext':{'a':{'x':1},'b':1}}"), {STEP("s", "1"), NULL},
           {LOAD, "{'context':{'s':1},'requestContext':{'a':{'x':1},'b':1}}"},
           {UPDATE(",'stepId':'s','result':2,'requestContext':{'a':{'y':1},'c':1}"), "{'s':2}"},
           {LOAD, "{'context':{'s':2},'requestContext':{'a':{'y':1},'b':1,'c':1}}"},
           {UPDATE(",'results':{},'requestContext':{'b':null}"), "{'s':2}"},
           {LOAD, "{'context':{'s':2},'requestContext':{'a':{'y':1},'b':null,'c':1}}"})},
    {"R18", "updateWorkflowResults", "no results change nothing",
     STEPS({UPDATE(",'results':{}"), "{}"}, {UPDATE(",'results':{},'requestContext':{}"), "{}"},
           NOTHING_SAVED, PERSIST("{'context':{'a':1}}"), {UPDATE(",'results':{}"), "{'a':1}"},
           {GET, "{'$open':true,'snapshot':{'context':{'a':1}},'updatedAt':" TIME("2") "}"})},
    {"R2", "updateWorkflowResults", "untouched members keep every character",
     STEPS_ON(TRAIT_RAW_JSON,
              PERSIST("{'n':9007199254740993,'context':{'a':{ 'k' : 1.50 },'f':{'output':[ 1e2, null ]}},"
                      "'requestContext':{ 'r' : 1.0 }}"),
              {STEP("f", "{'output':[null,{ 'x' : 2.0 }]}"),
               "{'$raw':{'a':{ 'k' : 1.50 },'f':{'output':[1e2,{ 'x' : 2.0 }]}}}"},
              {LOAD, "{'$raw':{'n':9007199254740993,'context':{'a':{ 'k' : 1.50 },"
                     "'f':{'output':[1e2,{ 'x' : 2.0 }]}},'requestContext':{ 'r' : 1.0 }}}"})},
    {"M", "updateWorkflowResults", "a snapshot without a context is an error and stays as it is",
     STEPS(PERSIST("{'runId':'inner'}"), {STEP("a", "1"), NO_CONTEXT("inner")},
           {UPDATE(",'results':{}"), NO_CONTEXT("inner")},
           {GET, "{'$open':true,'snapshot':{'runId':'inner'},'updatedAt':" TIME("2") "}"},
           PERSIST("{'context':null,'runId':5}"), {STEP("a", "1"), NO_CONTEXT("5")},
           PERSIST("{'context':[1]}"), {STEP("a", "1"), NO_CONTEXT("undefined")}, PERSIST("'text'"),
           {STEP("a", "1"), NO_CONTEXT("undefined")})},
    {"R5", "updateWorkflowResults", "a result that would make the snapshot too deep", RUN(deep_results)},
    {"M", "updateWorkflowResults", "bad arguments save nothing",
     STEPS(
         {UPDATE(""), WRONG("stepId")}, {UPDATE(",'result':1"), WRONG("stepId")},
         {UPDATE(",'result':null"), WRONG("stepId")}, {UPDATE(",'stepId':'a'"), WRONG("result")},
         {UPDATE(",'stepId':'a','results':{'b':1}"), WRONG("result")},
         {UPDATE(",'stepId':5,'result':1"), WRONG("stepId")}, {UPDATE(",'results':[1]"), WRONG("results")},
         {UPDATE(",'stepId':'a','result':1,'requestContext':'x'"), WRONG("requestContext")},
         {"updateWorkflowResults", "{'runId':'r','stepId':'a','result':1}", WRONG("workflowName")},
         {"updateWorkflowResults", "{'workflowName':'w','runId':'','stepId':'a','result':1}", WRONG("runId")},
         NOTHING_SAVED)},
};

const struct case_table workflow_result_case_table = CASE_TABLE(cases);
