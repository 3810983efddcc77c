/* Saving and reading scores. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The members that every score must have but score and output, and those two. */
#define BASE    "'scorerId':'s','entityId':'e','runId':'r','scorer':{'id':'x'},'entity':{'k':1},'source':'LIVE'"
#define PAYLOAD BASE ",'score':0.5,'output':'o'"
#define SAVE_SCORE(members, expect)                                                                          \
    {                                                                                                        \
        "saveScore", "{" members "}", expect                                                                 \
    }
#define GET_A "getScoreById", "{'id':'a'}"
#define TIMES ",'createdAt':'$now','updatedAt':'$now'"
#define INVALID(field)                                                                                       \
    "{'$error':'invalid_argument','$id':'SAVE_SCORE_VALIDATION_FAILED','$category':'USER','$field':'"        \
    "score." field "'}"
#define KEEPS(output)                                                                                        \
    SAVE_SCORE(BASE ",'id':'a','score':1,'output':" output, "{'score':{'$open':true,'output':" output "}}"), \
    {                                                                                                        \
        GET_A, "{'$open':true,'output':{'$raw':" output "}}"                                                 \
    }
/* The same for JSON whose spelling may change. */
#define KEEPS_VALUE(output)                                                                                  \
    SAVE_SCORE(BASE ",'id':'a','score':1,'output':" output, "{'score':{'$open':true,'output':" output "}}"), \
    {                                                                                                        \
        GET_A, "{'$open':true,'output':" output "}"                                                          \
    }
#define NUMBER(score, printed)                                                                               \
    SAVE_SCORE(BASE ",'id':'a','output':1,'score':" score,                                                   \
               "{'score':{'$open':true,'score':{'$raw':" printed "}}}"),                                     \
    {                                                                                                        \
        GET_A, "{'$open':true,'score':{'$raw':" printed "}}"                                                 \
    }

/* Every member. */
#define ALL                                                                                                  \
    "'id':'a','scorerId':'s','traceId':'t','spanId':'p','runId':'r','scorer':{'id':'x','n':[1]},"            \
    "'preprocessStepResult':{'a':1},'extractStepResult':{'b':2},'analyzeStepResult':{'c':3},'score':0.25,"   \
    "'reason':'why','metadata':{'m':null},'preprocessPrompt':'p1','extractPrompt':'p2',"                     \
    "'generateScorePrompt':'p3','generateReasonPrompt':'p4','analyzePrompt':'p5','reasonPrompt':'p6',"       \
    "'input':[{'role':'user'}],'output':{'text':'x'},'additionalContext':{'d':4},'requestContext':{'e':5},"  \
    "'entityType':'AGENT','entity':{'name':'n'},'entityId':'e','source':'TEST','resourceId':'res',"          \
    "'threadId':'th','organizationId':'o','projectId':'pr','batchId':'ba','datasetId':'da',"                 \
    "'datasetItemId':'di'"

static void megabyte_prompt(struct fixture *fixture)
{
    size_t size = (size_t)1 << 20;
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = "prompt \xc3\xa9"[i % 7];
    text[size] = '\0';
    char *args = test_format("{" PAYLOAD ",'id':'a','analyzePrompt':'%s','input':['%s']}", text, text);
    char *want = test_format("{'$open':true,'analyzePrompt':'%s','input':['%s']}", text, text);
    fixture_call(fixture, "saveScore", args, NULL);
    fixture_call(fixture, GET_A, want);
    free(args);
    free(want);
    free(text);
}

static const struct test_case cases[] = {
    {"M", "saveScore", "takes the payload as the arguments, draws an id, leaves absent members out",
     STEPS({"saveScore", "{" PAYLOAD "}", "{'score':{'id':'$uuid'," PAYLOAD TIMES "}}"},
           {"saveScore", "{" PAYLOAD "}", "{'score':{'$open':true,'id':'$bind:id','createdAt':'$bind:at'}}"},
           {"getScoreById", "{'id':'$id'}",
            "{'id':'$same:id'," PAYLOAD ",'createdAt':'$same:at','updatedAt':'$same:at'}"})},
    {"M", "saveScore", "takes it in a member \"score\" too",
     STEPS({"saveScore", "{'score':{" PAYLOAD ",'id':'a'}}", "{'score':{'id':'a'," PAYLOAD TIMES "}}"},
           {GET_A, "{'id':'a'," PAYLOAD TIMES "}"})},
    {"M", "saveScore", "keeps every member",
     STEPS(SAVE_SCORE(ALL, "{'score':{" ALL TIMES "}}"), {GET_A, "{" ALL TIMES "}"}, {REOPEN, NULL, NULL},
           {GET_A, "{" ALL TIMES "}"})},
    {"R16", "saveScore", "one with the same id is replaced as a whole",
     STEPS(SAVE_SCORE(ALL, NULL), SAVE_SCORE(PAYLOAD ",'id':'a'", "{'score':{'id':'a'," PAYLOAD TIMES "}}"),
           {GET_A, "{'id':'a'," PAYLOAD TIMES "}"},
           {"listScores", NULL, "{'scores':'$count:1','pagination':{" PAGE("1", "0", "100", "false") "}}"})},
    {"M", "saveScore", "the times are the store's, whatever is given",
     STEPS(SAVE_SCORE(PAYLOAD ",'id':'a','createdAt':1000,'updatedAt':'1999-01-01T00:00:00Z'",
                      "{'score':{'id':'a'," PAYLOAD TIMES "}}"))},
    {"M", "saveScore", "unknown members are ignored",
     STEPS(SAVE_SCORE(PAYLOAD ",'id':'a','structuredOutput':true,'other':{'x':1}",
                      "{'score':{'id':'a'," PAYLOAD TIMES "}}"))},
    {"M", "saveScore", "members that are null count as absent",
     STEPS(SAVE_SCORE(PAYLOAD ",'id':'a','organizationId':null,'reason':null,'metadata':null,'input':null",
                      "{'score':{'id':'a'," PAYLOAD TIMES "}}"))},
    {"M", "saveScore", "the output may be null, but not be missing",
     STEPS(SAVE_SCORE(BASE ",'id':'a','score':1", INVALID("output")),
           SAVE_SCORE(BASE ",'id':'a','score':1,'output':null",
                      "{'score':{'id':'a'," BASE ",'score':1" TIMES "}}"),
           {GET_A, "{'id':'a'," BASE ",'score':1" TIMES "}"},
           {"saveScore", "{'score':{" BASE ",'id':'a','score':1,'output':null}}", NULL})},

    {"M", "saveScore", "each required member",
     STEPS(
         SAVE_SCORE("'scorerId':'s'", INVALID("runId")), SAVE_SCORE("'runId':'r'", INVALID("scorerId")),
         SAVE_SCORE("'scorerId':'s','runId':'r'", INVALID("scorer")),
         SAVE_SCORE("'scorerId':'s','runId':'r','scorer':{}", INVALID("score")),
         SAVE_SCORE("'scorerId':'s','runId':'r','scorer':{},'score':1", INVALID("output")),
         SAVE_SCORE("'scorerId':'s','runId':'r','scorer':{},'score':1,'output':1", INVALID("entity")),
         SAVE_SCORE("'scorerId':'s','runId':'r','scorer':{},'score':1,'output':1,'entity':{}",
                    INVALID("entityId")),
         SAVE_SCORE("'scorerId':'s','runId':'r','scorer':{},'score':1,'output':1,'entity':{},'entityId':'e'",
                    INVALID("source")),
         {"saveScore", NULL, INVALID("scorerId")},
         {"saveScore", "[]",
          "{'$error':'invalid_argument','$id':'SAVE_SCORE_VALIDATION_FAILED','$field':'score'}"},
         {"listScores", NULL, "{'scores':[],'pagination':{" PAGE("0", "0", "100", "false") "}}"})},
    {"M", "saveScore", "a score that is no double",
     STEPS_ON(TRAIT_TEXT, SAVE_SCORE(PAYLOAD ",'score':1e999", INVALID("score")),
              SAVE_SCORE(PAYLOAD ",'score':-1e999", INVALID("score")))},
    {"M", "saveScore", "members of the wrong kind",
     STEPS(SAVE_SCORE(PAYLOAD ",'scorerId':5", INVALID("scorerId")),
           SAVE_SCORE(PAYLOAD ",'score':'1'", INVALID("score")),
           SAVE_SCORE(PAYLOAD ",'score':null", INVALID("score")),
           SAVE_SCORE(PAYLOAD ",'scorer':[1]", INVALID("scorer")),
           SAVE_SCORE(PAYLOAD ",'scorer':null", INVALID("scorer")),
           SAVE_SCORE(PAYLOAD ",'entity':'x'", INVALID("entity")),
           SAVE_SCORE(PAYLOAD ",'source':'live'", INVALID("source")),
           SAVE_SCORE(PAYLOAD ",'source':''", INVALID("source")),
           SAVE_SCORE(PAYLOAD ",'entityType':'agent'", INVALID("entityType")),
           SAVE_SCORE(PAYLOAD ",'metadata':[]", INVALID("metadata")),
           SAVE_SCORE(PAYLOAD ",'preprocessStepResult':'x'", INVALID("preprocessStepResult")),
           SAVE_SCORE(PAYLOAD ",'extractStepResult':5", INVALID("extractStepResult")),
           SAVE_SCORE(PAYLOAD ",'analyzeStepResult':true", INVALID("analyzeStepResult")),
           SAVE_SCORE(PAYLOAD ",'additionalContext':[1]", INVALID("additionalContext")),
           SAVE_SCORE(PAYLOAD ",'requestContext':''", INVALID("requestContext")),
           SAVE_SCORE(PAYLOAD ",'reason':{}", INVALID("reason")),
           SAVE_SCORE(PAYLOAD ",'datasetItemId':1", INVALID("datasetItemId")),
           SAVE_SCORE(PAYLOAD ",'id':''", INVALID("id")),
           SAVE_SCORE(PAYLOAD ",'id':'a\\u0000'", INVALID("id")),
           SAVE_SCORE(PAYLOAD ",'scorerId':'\\ud800'", INVALID("scorerId")),
           {"listScores", NULL, "{'scores':[],'pagination':{" PAGE("0", "0", "100", "false") "}}"})},
    {"M", "saveScore", "every kind of entity",
     STEPS(SAVE_SCORE(PAYLOAD ",'entityType':'WORKFLOW'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':'TRAJECTORY'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':'STEP'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':'EXTERNAL'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':'agent_run'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':'workspace_action'", NULL),
           SAVE_SCORE(PAYLOAD ",'entityType':''", INVALID("entityType")))},
    {"M", "saveScore", "empty texts are values",
     STEPS(
         SAVE_SCORE("'id':'a','scorerId':'','entityId':'','runId':'','scorer':{},'entity':{},'source':'TEST',"
                    "'score':0,'output':'','reason':'','analyzePrompt':'','organizationId':''",
                    NULL),
         {GET_A, "{'id':'a','scorerId':'','entityId':'','runId':'','scorer':{},'entity':{},'source':'TEST',"
                 "'score':0,'output':'','reason':'','analyzePrompt':'','organizationId':''" TIMES "}"})},

    {"R2", "saveScore", "output of any kind comes out as it was given",
     STEPS(KEEPS("'plain'"), KEEPS("'5'"), KEEPS("false"), KEEPS("0"), KEEPS("[]"),
           KEEPS_VALUE("{'b':1,'a':[null,'x']}"), KEEPS("''"))},
    {"R2", "saveScore", "output that is text with JSON in it comes out as it was given",
     STEPS_ON(TRAIT_TEXT, KEEPS("'{\\u0022a\\u0022:1}'"))},
    {"R3", "saveScore", "JSON is kept character for character",
     STEPS_ON(TRAIT_RAW_JSON, KEEPS("12345678901234567890.123456789"),
              KEEPS("{'z':1.50,'a':1e2,'z2':9007199254740993}"), KEEPS("['a\\u0000b','\\ud800','\\/']"))},
    {"M", "saveScore", "the score is a double in all its digits",
     STEPS(NUMBER("0.30000000000000004", "0.30000000000000004"), NUMBER("-0", "0"), NUMBER("-0.0", "0"),
           NUMBER("1e-130", "1e-130"), NUMBER("-123.456", "-123.456"),
           NUMBER("9007199254740993", "9007199254740992"), NUMBER("1", "1"), NUMBER("0.1", "0.1"))},
    {"M", "saveScore", "the score is any double",
     STEPS_ON(TRAIT_DOUBLES, NUMBER("1e-300", "1e-300"), NUMBER("5e-324", "5e-324"),
              NUMBER("1.7976931348623157e308", "1.7976931348623157e+308"))},
    {"R1", "saveScore", "texts that are JSON or hold a zero stay the texts that they are",
     STEPS_ON(
         TRAIT_NUL,
         SAVE_SCORE(
             PAYLOAD
             ",'id':'a','reason':'{\\u0022a\\u0022:1}','reasonPrompt':'[1]','extractPrompt':'x\\u0000y'",
             NULL),
         {GET_A,
          "{'$open':true,'reason':'{\\u0022a\\u0022:1}','reasonPrompt':'[1]','extractPrompt':'x\\u0000y'}"})},
    {"R1", "saveScore", "texts that are JSON stay the texts that they are",
     STEPS(SAVE_SCORE(PAYLOAD ",'id':'a','reason':'{\\u0022a\\u0022:1}','reasonPrompt':'[1]'", NULL),
           {GET_A, "{'$open':true,'reason':'{\\u0022a\\u0022:1}','reasonPrompt':'[1]'}"})},
    {"R2", "saveScore", "texts that hold a zero where there is no room for it",
     STEPS_ON(TRAIT_POSTGRES,
              SAVE_SCORE(PAYLOAD ",'id':'a','extractPrompt':'x\\u0000y'",
                         "{'$error':'invalid_argument','$field':'extractPrompt'}"),
              {GET_A, "null"})},
    {"M", "saveScore", "a prompt and an input of a megabyte", RUN_ON(TRAIT_LARGE, megabyte_prompt)},

    {"M", "getScoreById", "what is not there",
     STEPS(SAVE_SCORE(PAYLOAD ",'id':'a'", NULL), {"getScoreById", "{'id':'A'}", "null"},
           {"getScoreById", "{'id':''}", "null"}, {"getScoreById", "'a'", "{'$open':true,'id':'a'}"},
           {"getScoreById", "{}", "{'$error':'invalid_argument','$field':'id'}"},
           {"getScoreById", "{'id':5}", "{'$error':'invalid_argument','$field':'id'}"})},
};

const struct case_table score_case_table = CASE_TABLE(cases);
