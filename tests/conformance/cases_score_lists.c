/* Lists of scores. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A score with those members besides the ones that do not matter here. */
#define SCORE(id, members)                                                                                   \
    {                                                                                                        \
        "saveScore", "{'id':'" id "','score':1,'output':1,'scorer':{},'entity':{}," members "}", NULL        \
    }
#define OF(scorer, run, entity)                                                                              \
    "'scorerId':'" scorer "','runId':'" run "','entityId':'" entity "','source':'LIVE'"
#define SCORES(ids, page)  "{'scores':{'$ids':[" ids "]},'pagination':{" page "}}"
#define ALL_OF(ids, total) SCORES(ids, PAGE(total, "0", "100", "false"))
#define MISSING(field)     "{'$error':'invalid_argument','$field':'" field "'}"

/* Saved in the order of their ids, they are listed in the opposite one, whether or not their times are equal. */
#define FIVE                                                                                                 \
    SCORE("a", OF("s1", "r1", "e1") ",'entityType':'AGENT'"),                                                \
        SCORE("b", OF("s1", "r2", "e1") ",'entityType':'WORKFLOW'"),                                         \
        SCORE("c", OF("s2", "r1", "e2") ",'entityType':'AGENT','traceId':'t','spanId':'p'"),                 \
        SCORE("d", OF("s1", "r1", "e1") ",'entityType':'AGENT','organizationId':'o','projectId':'q','"       \
                                        "batchId':'h','datasetId':'k'"),                                     \
        SCORE("e", "'scorerId':'s1','runId':'r3','entityId':'e3','source':'TEST','traceId':'t','spanId':'"   \
                   "p2','organizationId':'o2'")

#define COUNT 40

/* createdAt downwards, equal times by id downwards; every page continues where the one before ended. */
static void total_order(struct fixture *fixture)
{
    mastra_score_list *all = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_scores_args args = MASTRA_LIST_SCORES_INIT;
    for (unsigned i = 0; i < COUNT; i++) {
        char *args_text = test_format("{'id':'s%02u','scorerId':'s','runId':'r','entityId':'e','scorer':{},"
                                      "'entity':{},'source':'LIVE','score':%u,'output':1}",
                                      i * 17 % COUNT, i);
        fixture_call(fixture, "saveScore", args_text, NULL);
        free(args_text);
    }
    fixture_ok(mastra_list_scores(fixture->store, NULL, &all, &error), &error);
    assert_int_equal(mastra_score_list_count(all), COUNT);
    for (size_t i = 1; i < COUNT; i++) {
        const mastra_score *before = mastra_score_list_at(all, i - 1);
        const mastra_score *after = mastra_score_list_at(all, i);
        assert_true(before->created_at > after->created_at ||
                    (before->created_at == after->created_at && strcmp(before->id.ptr, after->id.ptr) > 0));
    }
    for (args.page = 0, args.per_page = 7; args.page * 7 < COUNT; args.page++) {
        mastra_score_list *page = NULL;
        fixture_ok(mastra_list_scores(fixture->store, &args, &page, &error), &error);
        for (size_t i = 0; i < mastra_score_list_count(page); i++)
            assert_string_equal(mastra_score_list_at(page, i)->id.ptr,
                                mastra_score_list_at(all, (size_t)args.page * 7 + i)->id.ptr);
        assert_int_equal(mastra_score_list_page(page)->has_more, (args.page + 1) * 7 < COUNT);
        mastra_score_list_free(page);
    }
    mastra_score_list_free(all);
}

static const struct test_case cases[] = {
    {"M", "listScoresByScorerId", "newest first, with its further filters",
     STEPS(FIVE, {"listScoresByScorerId", "{'scorerId':'s1'}", ALL_OF("'e','d','b','a'", "4")},
           {"listScoresByScorerId", "{'scorerId':'s1','entityId':'e1'}", ALL_OF("'d','b','a'", "3")},
           {"listScoresByScorerId", "{'scorerId':'s1','entityId':'e1','entityType':'AGENT'}",
            ALL_OF("'d','a'", "2")},
           {"listScoresByScorerId", "{'scorerId':'s1','source':'TEST'}", ALL_OF("'e'", "1")},
           {"listScoresByScorerId", "{'scorerId':'s1','source':'OTHER'}", ALL_OF("", "0")},
           {"listScoresByScorerId", "{'scorerId':'S1'}", ALL_OF("", "0")})},
    {"M", "listScoresByScorerId", "an empty scorerId is not found; other empty texts count as absent",
     STEPS(FIVE, {"listScoresByScorerId", "{'scorerId':''}", ALL_OF("", "0")},
           {"listScoresByScorerId", "{'scorerId':'s2','entityId':'','entityType':'','source':''}",
            ALL_OF("'c'", "1")},
           SCORE("f", OF("", "r", "e")), {"listScoresByScorerId", "{'scorerId':''}", ALL_OF("'f'", "1")})},
    {"M", "listScoresByRunId", "and nothing else",
     STEPS(FIVE, {"listScoresByRunId", "{'runId':'r1'}", ALL_OF("'d','c','a'", "3")},
           {"listScoresByRunId", "{'runId':''}", ALL_OF("", "0")})},
    {"M", "listScoresByEntityId", "by entity and its type",
     STEPS(FIVE, {"listScoresByEntityId", "{'entityId':'e1','entityType':'AGENT'}", ALL_OF("'d','a'", "2")},
           {"listScoresByEntityId", "{'entityId':'e1','entityType':''}", ALL_OF("", "0")})},
    {"M", "listScoresBySpan", "by trace and span",
     STEPS(FIVE, {"listScoresBySpan", "{'traceId':'t','spanId':'p'}", ALL_OF("'c'", "1")},
           {"listScoresBySpan", "{'traceId':'p','spanId':'t'}", ALL_OF("", "0")})},
    {"M", "listScores", "all of them, or by any filters together",
     STEPS(FIVE, {"listScores", NULL, ALL_OF("'e','d','c','b','a'", "5")},
           {"listScores", "{'source':'LIVE','runId':'r1','entityId':'e1'}", ALL_OF("'d','a'", "2")},
           {"listScores", "{'traceId':'t'}", ALL_OF("'e','c'", "2")},
           {"listScores", "{'spanId':'p2','scorerId':'s1','entityType':null}", ALL_OF("'e'", "1")},
           {"listScores", "{'scorerId':''}", ALL_OF("", "0")})},
    {"M", "listScores", "whole records without their absent members",
     STEPS(SCORE("a", OF("s", "r", "e")),
           {"listScores", NULL,
            "{'scores':[{'id':'a','score':1,'output':1,'scorer':{},'entity':{}," OF(
                "s", "r", "e") ",'createdAt':'$now','updatedAt':'$now'}],"
                               "'pagination':{" PAGE("1", "0", "100", "false") "}}"})},
    {"M", "listScores", "tenants: equality; null and the empty text are nobody's, not everybody's",
     STEPS(FIVE, {"listScores", "{'filters':{'organizationId':'o'}}", ALL_OF("'d'", "1")},
           {"listScoresByScorerId", "{'scorerId':'s1','filters':{'organizationId':'o','projectId':'q'}}",
            ALL_OF("'d'", "1")},
           {"listScoresByRunId", "{'runId':'r1','filters':{'projectId':'q'}}", ALL_OF("'d'", "1")},
           {"listScoresByEntityId",
            "{'entityId':'e1','entityType':'AGENT','filters':{'organizationId':'o2'}}", ALL_OF("", "0")},
           {"listScoresBySpan", "{'traceId':'t','spanId':'p2','filters':{'organizationId':'o2'}}",
            ALL_OF("'e'", "1")},
           {"listScores", "{'filters':{'batchId':'h','datasetId':'k'}}", ALL_OF("'d'", "1")},
           {"listScores", "{'filters':{'organizationId':null}}", ALL_OF("", "0")},
           {"listScoresByScorerId", "{'scorerId':'s1','filters':{'projectId':null}}", ALL_OF("", "0")},
           {"listScores", "{'filters':{'organizationId':''}}", ALL_OF("", "0")},
           {"listScores", "{'filters':{}}", ALL_OF("'e','d','c','b','a'", "5")},
           {"listScores", "{'filters':null}", ALL_OF("'e','d','c','b','a'", "5")})},
    {"R7", "listScores", "pages",
     STEPS(
         FIVE,
         {"listScores", "{'pagination':{'page':0,'perPage':2}}",
          SCORES("'e','d'", PAGE("5", "0", "2", "true"))},
         {"listScores", "{'pagination':{'page':2,'perPage':2}}", SCORES("'a'", PAGE("5", "2", "2", "false"))},
         {"listScores", "{'pagination':{'page':3,'perPage':2}}", SCORES("", PAGE("5", "3", "2", "false"))},
         {"listScores", "{'pagination':{'page':0,'perPage':0}}", SCORES("", PAGE("5", "0", "0", "true"))},
         {"listScores", "{'pagination':{'page':0,'perPage':false}}",
          SCORES("'e','d','c','b','a'", PAGE("5", "0", "false", "false"))},
         {"listScores", "{'pagination':{'page':1}}", SCORES("", PAGE("5", "1", "100", "false"))},
         {"listScoresByRunId", "{'runId':'none','pagination':{'page':3,'perPage':5}}",
          SCORES("", PAGE("0", "3", "5", "false"))})},
    {"M", "listScores", "pages that are none",
     STEPS({"listScoresByScorerId", "{'scorerId':'s','pagination':{'page':-1,'perPage':5}}",
            "{'$error':'invalid_argument','$id':'LIST_SCORES_BY_SCORER_ID_INVALID_PAGE','$id "
            "PG':'GET_SCORES_BY_SCORER_ID_INVALID_PAGE','$field':'page','$"
            "message':'page must be >= 0'}"},
           {"listScoresByRunId", "{'runId':'s','pagination':{'page':0,'perPage':-5}}",
            "{'$error':'invalid_argument','$id':'LIST_SCORES_BY_RUN_ID_INVALID_PAGE','$id "
            "PG':'GET_SCORES_BY_RUN_ID_INVALID_PAGE','$field':'perPage','$"
            "message':'perPage must be >= 0'}"},
           {"listScores", "{'pagination':{'page':1.5}}",
            "{'$error':'invalid_argument','$id':'LIST_SCORES_INVALID_PAGE'}"},
           {"listScores", "{'pagination':5}", "{'$error':'invalid_argument'}"})},
    {"M", "listScores", "what a list must be told",
     STEPS({"listScoresByScorerId", "{}", MISSING("scorerId")}, {"listScoresByRunId", "{}", MISSING("runId")},
           {"listScoresByEntityId", "{'entityType':'AGENT'}", MISSING("entityId")},
           {"listScoresByEntityId", "{'entityId':'e'}", MISSING("entityType")},
           {"listScoresBySpan", "{'spanId':'p'}", MISSING("traceId")},
           {"listScoresBySpan", "{'traceId':'t'}", MISSING("spanId")},
           {"listScores", "{'runId':5}", MISSING("runId")},
           {"listScores", "{'runId':'\\u0000'}", MISSING("runId")},
           {"listScores", "{'filters':{'organizationId':5}}", MISSING("filters.organizationId")})},
    {"R6", "listScores", "a total order", RUN(total_order)},
};

const struct case_table score_list_case_table = CASE_TABLE(cases);
