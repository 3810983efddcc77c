/* Workflow runs: saving, loading and deleting their snapshots, their state, and fences. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUN_W(run)         "'workflowName':'w','runId':'" run "'"
#define PERSIST(run, more) "persistWorkflowSnapshot", "{" RUN_W(run) more "}"
#define LOAD(run)          "loadWorkflowSnapshot", "{" RUN_W(run) "}"
#define GET(run)           "getWorkflowRunById", "{'runId':'" run "'}"
#define DELETE(run, more)  "deleteWorkflowRunById", "{" RUN_W(run) more "}"
#define STATE(run, more)   "updateWorkflowState", "{" RUN_W(run) more "}"
#define STEP(run, more)    "updateWorkflowResults", "{" RUN_W(run) more "}"
#define SNAPSHOT           "{'status':'running','context':{'input':{'n':1}},'runId':'r'}"
#define SAVED                                                                                                \
    {                                                                                                        \
        PERSIST("r", ",'snapshot':" SNAPSHOT ",'createdAt':1000,'updatedAt':2000"), "null"                   \
    }
#define ROW(resource, snapshot, created, updated)                                                            \
    "{'workflowName':'w','runId':'r','resourceId':" resource ",'snapshot':" snapshot ",'createdAt':" created \
    ",'updatedAt':" updated "}"
#define WRONG(field)    "{'$error':'invalid_argument','$field':'" field "'}"
#define ACQUIRE(run)    "tryAcquireWorkflowRunLock", "{" RUN_W(run) ",'ownerId':'me'}"
#define RELEASE(run)    "releaseWorkflowRunLock", "{" RUN_W(run) ",'ownerId':'me'}"
#define FENCE(owner, n) ",'fence':{'ownerId':'" owner "','generation':" n "}"
#define FENCED(op)      "{'$error':'fenced','$id':'" op "_FENCED'}"

/* A snapshot of 20 MB through every way in. */

#define MEGABYTES       20

/* Where the spelling of JSON is not kept, as it will be spelled. */
static char *large_snapshot(const struct fixture *fixture)
{
    bool spelled = fixture->backend->traits & TRAIT_JSONB;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    fputs("{\"status\":\"running\",\"context\":{", stream);
    fputs(spelled ? "\"large\":[0" : "\"small\":{\"output\":[1,null]},\"large\":[0", stream);
    while (ftell(stream) < (long)MEGABYTES << 20)
        fputs(spelled ? ",{\"n\":1.50,\"s\":\"line \u00e9\\n\"}" : ",{\"n\":1.50,\"s\":\"line \\u00e9\\n\"}",
              stream);
    fputs(spelled ? "],\"small\":{\"output\":[1,null]}},\"requestContext\":{}}" : "]},\"requestContext\":{}}",
          stream);
    fclose(stream);
    return text;
}

/* The same with the small step's result replaced. */
static char *changed(const char *large, const char *output, const char *becomes)
{
    const char *at = strstr(large, output);
    assert_non_null(at);
    return test_format("%.*s%s%s", (int)(at - large), large, becomes, at + strlen(output));
}

static void same_text(mastra_str text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_true(memcmp(text.ptr, expected, text.len) == 0);
}

static void large_by_name(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    size_t len = 0;
    char *large = large_snapshot(fixture);
    char *args = test_format("{\"workflowName\":\"w\",\"runId\":\"r\",\"snapshot\":%s}", large);
    fixture_ok(
        mastra_call(fixture->store, "persistWorkflowSnapshot", mastra_str_of(args), NULL, NULL, &error),
        &error);
    free(args);
    args = strdup(
        "{\"workflowName\":\"w\",\"runId\":\"r\",\"stepId\":\"small\",\"result\":{\"output\":[null,2]}}");
    fixture_ok(mastra_call(fixture->store, "updateWorkflowResults", mastra_str_of(args), NULL, NULL, &error),
               &error);
    free(args);
    fixture_call(fixture, "listWorkflowRuns", "{'status':'running','page':0,'perPage':0}",
                 "{'runs':[],'total':1}");
    char *expected = changed(large, "[1,null]", "[1,2]");
    args = strdup("{\"workflowName\":\"w\",\"runId\":\"r\"}");
    fixture_ok(mastra_call(fixture->store, "loadWorkflowSnapshot", mastra_str_of(args), &json, &len, &error),
               &error);
    same_text((mastra_str){json, len}, expected);
    mastra_json_free(json);
    free(args);
    free(expected);
    free(large);
}

static void large_by_line(struct fixture *fixture)
{
    char *json = NULL;
    size_t len = 0;
    char *large = large_snapshot(fixture);
    char *line = test_format("{\"id\":1,\"op\":\"persistWorkflowSnapshot\",\"args\":{\"workflowName\":\"w\","
                             "\"runId\":\"r\",\"snapshot\":%s}}",
                             large);
    assert_int_equal(mastra_call_line(fixture->store, mastra_str_of(line), &json, &len), MASTRA_OK);
    same_text((mastra_str){json, len}, "{\"id\":1,\"ok\":true,\"result\":null}");
    mastra_json_free(json);
    free(line);
    line = strdup("{\"id\":2,\"op\":\"updateWorkflowState\",\"args\":{\"workflowName\":\"w\",\"runId\":\"r\","
                  "\"opts\":{\"status\":\"done\"}}}");
    assert_int_equal(mastra_call_line(fixture->store, mastra_str_of(line), &json, &len), MASTRA_OK);
    char *snapshot = changed(large, "running", "done");
    char *expected = test_format("{\"id\":2,\"ok\":true,\"result\":%s}", snapshot);
    same_text((mastra_str){json, len}, expected);
    mastra_json_free(json);
    free(line);
    free(expected);
    free(snapshot);
    free(large);
}

static void large_typed(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
    mastra_update_workflow_results_args update = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    mastra_workflow_run *read = NULL;
    char *large = large_snapshot(fixture);
    run.workflow_name = update.workflow_name = mastra_str_of("w");
    run.run_id = update.run_id = mastra_str_of("r");
    run.snapshot = mastra_str_of(large);
    fixture_ok(mastra_persist_workflow_snapshot(fixture->store, &run, NULL, &error), &error);
    update.step_id = mastra_str_of("small");
    update.result = mastra_str_of("{\"output\":[null,2]}");
    char *expected = changed(large, "[1,null]", "[1,2]");
    fixture_ok(mastra_update_workflow_results(fixture->store, &update, &read, &error), &error);
    same_text(read->snapshot, expected);
    mastra_workflow_run_free(read);
    fixture_ok(mastra_get_workflow_run_by_id(fixture->store, run.run_id, run.workflow_name, &read, &error),
               &error);
    same_text(read->snapshot, expected);
    mastra_workflow_run_free(read);
    free(expected);
    free(large);
}

static const struct test_case cases[] = {
    {"M", "persistWorkflowSnapshot", "a new run, its times default to now",
     STEPS({PERSIST("r", ",'snapshot':" SNAPSHOT), "null"}, {REOPEN, NULL, NULL}, {LOAD("r"), SNAPSHOT},
           {GET("r"), ROW("null", SNAPSHOT, "'$bind:at'", "'$same:at'")},
           {GET("r"), ROW("null", SNAPSHOT, "'$now'", "'$now'")})},
    {"R4", "persistWorkflowSnapshot", "the times given are kept",
     STEPS(SAVED, {GET("r"), ROW("null", SNAPSHOT, TIME("1"), TIME("2"))})},
    {"R4", "persistWorkflowSnapshot", "a run saved again keeps its first time, even when another is given",
     STEPS(SAVED, {PERSIST("r", ",'snapshot':{'a':1}"), "null"},
           {GET("r"), ROW("null", "{'a':1}", TIME("1"), "'$now'")},
           {PERSIST("r", ",'snapshot':{'a':2},'createdAt':5000,'updatedAt':6000"), "null"},
           {GET("r"), ROW("null", "{'a':2}", TIME("1"), TIME("6"))})},
    {"M", "persistWorkflowSnapshot", "a run saved again keeps its resource unless one is given",
     STEPS({PERSIST("r", ",'snapshot':{},'resourceId':'one','createdAt':1000,'updatedAt':1000"), "null"},
           {PERSIST("r", ",'snapshot':{},'updatedAt':2000"), "null"},
           {GET("r"), ROW("'one'", "{}", TIME("1"), TIME("2"))},
           {PERSIST("r", ",'snapshot':{},'resourceId':null,'updatedAt':2000"), "null"},
           {GET("r"), ROW("'one'", "{}", TIME("1"), TIME("2"))},
           {PERSIST("r", ",'snapshot':{},'resourceId':'two','updatedAt':3000"), "null"},
           {GET("r"), ROW("'two'", "{}", TIME("1"), TIME("3"))})},
    {"M", "persistWorkflowSnapshot", "replaces the whole snapshot",
     STEPS(SAVED, {PERSIST("r", ",'snapshot':{'b':1}"), "null"}, {LOAD("r"), "{'b':1}"})},
    {"M", "persistWorkflowSnapshot", "workflow and run make the key",
     STEPS(SAVED, {"persistWorkflowSnapshot", "{'workflowName':'v','runId':'r','snapshot':{'v':1}}", "null"},
           {PERSIST("s", ",'snapshot':{'s':1}"), "null"}, {LOAD("r"), SNAPSHOT}, {LOAD("s"), "{'s':1}"},
           {"loadWorkflowSnapshot", "{'workflowName':'v','runId':'r'}", "{'v':1}"})},
    {"R2", "persistWorkflowSnapshot", "snapshots are kept character for character",
     STEPS_ON(
         TRAIT_RAW_JSON,
         {PERSIST("r", ",'snapshot':{ 'z':1.0, 'a':9007199254740993,'\\u0061':[ ],'n':'\\u0000\\ud800' }"),
          "null"},
         {REOPEN, NULL, NULL},
         {LOAD("r"), "{'$raw':{ 'z':1.0, 'a':9007199254740993,'\\u0061':[ ],'n':'\\u0000\\ud800' }}"})},
    {"R1", "persistWorkflowSnapshot", "any JSON value but null is a snapshot",
     STEPS({PERSIST("r", ",'snapshot':'{\\'a\\':1}'"), "null"}, {LOAD("r"), "'{\\'a\\':1}'"},
           {PERSIST("r", ",'snapshot':[1]"), "null"}, {LOAD("r"), "[1]"},
           {PERSIST("r", ",'snapshot':5"), "null"}, {LOAD("r"), "5"},
           {GET("r"), ROW("null", "5", "'$now'", "'$now'")})},
    {"M", "persistWorkflowSnapshot", "bad arguments save nothing",
     STEPS(
         {"persistWorkflowSnapshot", "{'runId':'r','snapshot':{}}", WRONG("workflowName")},
         {"persistWorkflowSnapshot", "{'workflowName':'w','snapshot':{}}", WRONG("runId")},
         {PERSIST("", ",'snapshot':{}"), WRONG("runId")},
         {"persistWorkflowSnapshot", "{'workflowName':'','runId':'r','snapshot':{}}", WRONG("workflowName")},
         {PERSIST("r", ""), WRONG("snapshot")}, {PERSIST("r", ",'snapshot':null"), WRONG("snapshot")},
         {PERSIST("r", ",'snapshot':{},'resourceId':5"), WRONG("resourceId")},
         {PERSIST("r", ",'snapshot':{},'createdAt':'never'"), WRONG("createdAt")},
         {PERSIST("r", ",'snapshot':{},'updatedAt':true"), WRONG("updatedAt")},
         {PERSIST("r\\u0000", ",'snapshot':{}"), WRONG("runId")},
         {PERSIST("r", ",'snapshot':{},'fence':5"), WRONG("fence")},
         {PERSIST("r", ",'snapshot':{},'fence':{}"), WRONG("fence.ownerId")},
         {PERSIST("r", ",'snapshot':{},'fence':{'ownerId':'me'}"), WRONG("fence.generation")},
         {PERSIST("r", ",'snapshot':{},'fence':{'ownerId':'','generation':1}"), WRONG("fence.ownerId")},
         {"listWorkflowRuns", NULL, "{'runs':[],'total':0}"})},
    {"R5", "persistWorkflowSnapshot", "20 MB by name", RUN_ON(TRAIT_HANDLE | TRAIT_LARGE, large_by_name)},
    {"R5", "persistWorkflowSnapshot", "20 MB by the pipe's lines",
     RUN_ON(TRAIT_HANDLE | TRAIT_LARGE, large_by_line)},
    {"R5", "persistWorkflowSnapshot", "20 MB by the typed functions",
     RUN_ON(TRAIT_HANDLE | TRAIT_LARGE, large_typed)},

    {"M", "loadWorkflowSnapshot", "of an unknown run is null",
     STEPS({LOAD("r"), "null"}, SAVED, {LOAD("s"), "null"},
           {"loadWorkflowSnapshot", "{'workflowName':'v','runId':'r'}", "null"}, {LOAD(""), "null"},
           {"loadWorkflowSnapshot", "{'runId':'r'}", WRONG("workflowName")},
           {"loadWorkflowSnapshot", "{'workflowName':'w'}", WRONG("runId")})},
    {"M", "getWorkflowRunById", "by its id alone it is the newest of several workflows'",
     STEPS({GET("r"), "null"}, SAVED,
           {"persistWorkflowSnapshot", "{'workflowName':'a','runId':'r','snapshot':{'a':1},'createdAt':3000}",
            "null"},
           {"persistWorkflowSnapshot", "{'workflowName':'z','runId':'r','snapshot':{'z':1},'createdAt':2000}",
            "null"},
           {GET("r"), "{'$open':true,'workflowName':'a','snapshot':{'a':1}}"},
           {"getWorkflowRunById", "{'runId':'r','workflowName':''}", "{'$open':true,'workflowName':'a'}"},
           {"getWorkflowRunById", "{'runId':'r','workflowName':'w'}",
            ROW("null", SNAPSHOT, TIME("1"), TIME("2"))},
           {"getWorkflowRunById", "{'runId':'r','workflowName':'v'}", "null"}, {GET("s"), "null"},
           {"getWorkflowRunById", "{'workflowName':'w'}", WRONG("runId")})},
    {"R6", "getWorkflowRunById", "among equal times the last by its name",
     STEPS(
         {"persistWorkflowSnapshot", "{'workflowName':'b','runId':'r','snapshot':{},'createdAt':1000}", NULL},
         {"persistWorkflowSnapshot", "{'workflowName':'c','runId':'r','snapshot':{},'createdAt':1000}", NULL},
         {"persistWorkflowSnapshot", "{'workflowName':'a','runId':'r','snapshot':{},'createdAt':1000}", NULL},
         {GET("r"), "{'$open':true,'workflowName':'c'}"})},
    {"R18", "deleteWorkflowRunById", "deletes that run; an unknown one is no error",
     STEPS({DELETE("r", ""), "null"}, SAVED, {PERSIST("s", ",'snapshot':{}"), "null"},
           {DELETE("r", ""), "null"}, {LOAD("r"), "null"}, {LOAD("s"), "{}"},
           {"deleteWorkflowRunById", "{'workflowName':'v','runId':'s'}", "null"}, {LOAD("s"), "{}"},
           {"deleteWorkflowRunById", "{'runId':'s'}", WRONG("workflowName")},
           {"deleteWorkflowRunById", "{'workflowName':'w'}", WRONG("runId")}, {LOAD("s"), "{}"})},

    {"R17", "updateWorkflowState", "lays members over the snapshot, one level deep; updatedAt moves",
     STEPS(SAVED,
           {STATE("r", ",'opts':{'status':'suspended','suspendedPaths':{'a':[0]},'error':null}"),
            "{'status':'suspended','context':{'input':{'n':1}},'runId':'r','suspendedPaths':{'a':[0]},"
            "'error':null}"},
           {STATE("r", ",'opts':{'suspendedPaths':{'b':[1]}}"),
            "{'status':'suspended','context':{'input':{'n':1}},'runId':'r','suspendedPaths':{'b':[1]},"
            "'error':null}"},
           {GET("r"), ROW("null",
                          "{'status':'suspended','context':{'input':{'n':1}},'runId':'r',"
                          "'suspendedPaths':{'b':[1]},'error':null}",
                          TIME("1"), "'$now'")})},
    {"R17", "updateWorkflowState", "takes members away",
     STEPS({PERSIST("r", ",'snapshot':{'context':{},'status':'failed','error':{'a':1},'result':2,'value':3}"),
            NULL},
           {STATE("r", ",'opts':{'status':'running','value':4},'unset':['error','result','none','value']"),
            "{'context':{},'status':'running','value':4}"},
           {LOAD("r"), "{'context':{},'status':'running','value':4}"},
           {STATE("r", ",'opts':{},'unset':'status'"), WRONG("unset")},
           {LOAD("r"), "{'context':{},'status':'running','value':4}"})},
    {"R17", "updateWorkflowState", "state is another name of opts",
     STEPS(SAVED, {STATE("r", ",'state':{'status':'done'}"), "{'$open':true,'status':'done'}"},
           {STATE("r", ",'state':{'status':'x','expectedStatus':'running'}"), "null"},
           {STATE("r", ",'state':{'status':'x','expectedStatus':'done'}"), "{'$open':true,'status':'x'}"})},
    {"R17", "updateWorkflowState", "of an unknown run is null, and creates nothing",
     STEPS({STATE("r", ",'opts':{'status':'x'}"), "null"},
           {"listWorkflowRuns", NULL, "{'runs':[],'total':0}"})},
    {"R17", "updateWorkflowState", "expectedStatus makes it a compare-and-set and is not stored",
     STEPS(SAVED, {STATE("r", ",'opts':{'status':'x','expectedStatus':'suspended'}"), "null"},
           {GET("r"), ROW("null", SNAPSHOT, TIME("1"), TIME("2"))},
           {STATE("r", ",'opts':{'status':'x','expectedStatus':['suspended','running']}"),
            "{'status':'x','context':{'input':{'n':1}},'runId':'r'}"},
           {LOAD("r"), "{'status':'x','context':{'input':{'n':1}},'runId':'r'}"},
           {STATE("r", ",'opts':{'status':'y'},'expectedStatus':'running'"), "null"},
           {STATE("r", ",'opts':{'status':'y'},'expectedStatus':['x']"), "{'$open':true,'status':'y'}"})},
    {"R17", "updateWorkflowState", "no status, or none that is expected, changes nothing",
     STEPS({PERSIST("r", ",'snapshot':{'context':{}}"), NULL},
           {STATE("r", ",'opts':{'a':1,'expectedStatus':'running'}"), "null"},
           {STATE("r", ",'opts':{'status':'running'}"), "{'context':{},'status':'running'}"},
           {STATE("r", ",'opts':{'a':1,'expectedStatus':[]}"), "null"},
           {STATE("r", ",'opts':{'a':1,'expectedStatus':null}"), "null"},
           {STATE("r", ",'opts':{'a':1,'expectedStatus':'runnin'}"), "null"},
           {LOAD("r"), "{'context':{},'status':'running'}"},
           {STATE("r", ",'opts':{'expectedStatus':'running'}"), "{'context':{},'status':'running'}"},
           {STATE("r", ",'opts':{'a':1},'expectedStatus':null"), "{'$open':true,'a':1}"})},
    {"R2", "updateWorkflowState", "untouched members keep every character",
     STEPS_ON(
         TRAIT_RAW_JSON,
         {PERSIST("r", ",'snapshot':{'context':{ 'a' : 1.50 },'n':9007199254740993,'status':'x'}"), NULL},
         {STATE("r", ",'opts':{'status':{ 'y' : 1e2 }}"),
          "{'$raw':{'context':{ 'a' : 1.50 },'n':9007199254740993,'status':{ 'y' : 1e2 }}}"},
         {LOAD("r"), "{'$raw':{'context':{ 'a' : 1.50 },'n':9007199254740993,'status':{ 'y' : 1e2 }}}"})},
    {"M", "updateWorkflowState", "a snapshot without a context is an error",
     STEPS({PERSIST("r", ",'snapshot':{'status':'x'},'updatedAt':1000"), NULL},
           {STATE("r", ",'opts':{'status':'y'}"),
            "{'$error':'not_found','$message':'Snapshot not found for runId r','$id':"
            "'UPDATE_WORKFLOW_STATE_FAILED'}"},
           {STATE("r", ",'opts':{'status':'y','expectedStatus':'z'}"), "{'$error':'not_found'}"},
           {PERSIST("r", ",'snapshot':[1],'updatedAt':1000"), NULL},
           {STATE("r", ",'opts':{'status':'y'}"), "{'$error':'not_found'}"}, {LOAD("r"), "[1]"},
           {GET("r"), "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"M", "updateWorkflowState", "bad arguments change nothing",
     STEPS(SAVED, {STATE("r", ""), WRONG("opts")}, {STATE("r", ",'opts':5"), WRONG("opts")},
           {STATE("r", ",'state':[{}]"), WRONG("state")},
           {STATE("r", ",'opts':{'status':'x','expectedStatus':5}"), WRONG("opts.expectedStatus")},
           {STATE("r", ",'opts':{'status':'x','expectedStatus':[5]}"), WRONG("opts.expectedStatus[0]")},
           {"updateWorkflowState", "{'runId':'r','opts':{'status':'x'}}", WRONG("workflowName")},
           {"updateWorkflowState", "{'workflowName':'w','opts':{'status':'x'}}", WRONG("runId")},
           {GET("r"), ROW("null", SNAPSHOT, TIME("1"), TIME("2"))})},

    {"R20", "any", "a fence that holds lets every write through",
     STEPS({ACQUIRE("r"), "true"}, {PERSIST("r", ",'snapshot':" SNAPSHOT FENCE("me", "1")), "null"},
           {STEP("r", ",'stepId':'a','result':1" FENCE("me", "1")), "{'input':{'n':1},'a':1}"},
           {STATE("r", ",'opts':{'status':'x'}" FENCE("me", "1")), "{'$open':true,'status':'x'}"},
           {DELETE("r", FENCE("me", "1")), "null"}, {LOAD("r"), "null"},
           {PERSIST("r", ",'snapshot':{},'fence':null"), "null"}, {LOAD("r"), "{}"})},
    {"R20", "any", "a fence that does not hold refuses every write and changes nothing",
     STEPS(SAVED, {ACQUIRE("r"), "true"},
           {PERSIST("r", ",'snapshot':{'b':1}" FENCE("me", "2")), FENCED("PERSIST_WORKFLOW_SNAPSHOT")},
           {PERSIST("r", ",'snapshot':{'b':1}" FENCE("you", "1")), FENCED("PERSIST_WORKFLOW_SNAPSHOT")},
           {STEP("r", ",'stepId':'a','result':1" FENCE("me", "2")), FENCED("UPDATE_WORKFLOW_RESULTS")},
           {STATE("r", ",'opts':{'status':'x'}" FENCE("me", "0")), FENCED("UPDATE_WORKFLOW_STATE")},
           {STATE("r", ",'opts':{'status':'x','expectedStatus':'no'}" FENCE("me", "0")),
            FENCED("UPDATE_WORKFLOW_STATE")},
           {DELETE("r", FENCE("you", "1")), FENCED("DELETE_WORKFLOW_RUN_BY_ID")},
           {GET("r"), ROW("null", SNAPSHOT, TIME("1"), TIME("2"))})},
    {"R20", "updateWorkflowState", "the fence may stand among the state, and is not stored",
     STEPS(SAVED, {ACQUIRE("r"), "true"},
           {STATE("r", ",'opts':{'status':'x'" FENCE("me", "2") "}"), FENCED("UPDATE_WORKFLOW_STATE")},
           {STATE("r", ",'state':{'status':'y'" FENCE("me", "1") "}"),
            "{'$open':true,'status':'y','fence':'$absent'}"},
           {STATE("r", ",'opts':{'fence':{'generation':1}}"), WRONG("opts.fence.ownerId")})},
    {"R20", "any", "the lock of another run, or of no run, does not hold",
     STEPS({ACQUIRE("s"), "true"},
           {PERSIST("r", ",'snapshot':{}" FENCE("me", "1")), FENCED("PERSIST_WORKFLOW_SNAPSHOT")},
           {STEP("r", ",'stepId':'a','result':1" FENCE("me", "1")), FENCED("UPDATE_WORKFLOW_RESULTS")},
           {STATE("r", ",'opts':{}" FENCE("me", "1")), FENCED("UPDATE_WORKFLOW_STATE")},
           {DELETE("r", FENCE("me", "1")), FENCED("DELETE_WORKFLOW_RUN_BY_ID")}, {LOAD("r"), "null"})},
    {"R20", "any", "a lock that was released and taken anew does not hold for its former owner",
     STEPS(SAVED, {ACQUIRE("r"), "true"}, {RELEASE("r"), "true"},
           {"tryAcquireWorkflowRunLock", "{" RUN_W("r") ",'ownerId':'you'}", "true"},
           {STATE("r", ",'opts':{'status':'x'}" FENCE("me", "1")), FENCED("UPDATE_WORKFLOW_STATE")},
           {STATE("r", ",'opts':{'status':'x'}" FENCE("you", "2")), "{'$open':true,'status':'x'}"})},
};

const struct case_table workflow_case_table = CASE_TABLE(cases);
