/* Pruning. What another process does meanwhile stands elsewhere. */
#include "conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/files.h"

#define WRONG(field)           "{'$error':'invalid_argument','$field':'" field "'}"
#define BEFORE(table, seconds) "prune", "{'olderThan':{'" table "':" seconds "000}}"
#define COUNT(table, n)        "{'deleted':{'" table "':" n "}}"
#define LEFT(ids)                                                                                            \
    {                                                                                                        \
        "listThreads", "{'orderBy':{'direction':'ASC'}}", "{'$open':true,'threads':{'$ids':[" ids "]}}"      \
    }
#define LEFT_IN(thread, ids)                                                                                 \
    {                                                                                                        \
        "listMessages", "{'threadId':'" thread "'}", "{'$open':true,'messages':{'$ids':[" ids "]}}"          \
    }
#define INSERT(table, record) "insert", "{'tableName':'" table "','record':{" record "}}", "null"
#define SPAN(trace, span, seconds)                                                                           \
    {                                                                                                        \
        INSERT("mastra_ai_spans", "'traceId':'" trace "','spanId':'" span                                    \
                                  "','name':'n','spanType':'x','startedAt':" seconds "000")                  \
    }
#define RUN_OF(workflow, run, seconds)                                                                       \
    {                                                                                                        \
        INSERT("mastra_workflow_snapshot", "'workflow_name':'" workflow "','run_id':'" run                   \
                                           "','snapshot':{},'createdAt':1000,'updatedAt':" seconds "000")    \
    }
#define EVAL(seconds)                                                                                        \
    {                                                                                                        \
        INSERT("mastra_evals", "'input':'i','output':'o','result':{'score':1},'agent_name':'a',"             \
                               "'metric_name':'m','instructions':'x','global_run_id':'g','run_id':'r',"      \
                               "'created_at':" seconds "000")                                                \
    }
#define GONE(table, column, value)                                                                           \
    {                                                                                                        \
        "load", "{'tableName':'" table "','keys':{'" column "':'" value "'}}", "null"                        \
    }
#define THERE(table, column, value)                                                                          \
    {                                                                                                        \
        "load", "{'tableName':'" table "','keys':{'" column "':'" value "'}}", "{'$open':true}"              \
    }

#define MANY 230

/* Thread n was last written at second n and has n % 4 messages. */
static void save_many(struct fixture *fixture)
{
    for (int n = 0; n < MANY; n++) {
        char *thread = test_format("{'tableName':'mastra_threads','record':{'id':'t%d','resourceId':'r',"
                                   "'createdAt':0,'updatedAt':%d}}",
                                   n, n * 1000);
        fixture_call(fixture, "insert", thread, "null");
        free(thread);
        for (int m = 0; m < n % 4; m++) {
            char *message =
                test_format("{'tableName':'mastra_messages','record':{'id':'m%d-%d','threadId':'t%d',"
                            "'role':'user','content':'x','createdAt':%d}}",
                            n, m, n, n * 1000);
            fixture_call(fixture, "insert", message, "null");
            free(message);
        }
    }
}

/* Whatever the size of the batches, the same goes. */
static void in_batches(struct fixture *fixture, int batch)
{
    save_many(fixture);
    char *args = test_format("{'olderThan':{'threads':%d000},'batchSize':%d}", 200, batch);
    fixture_call(fixture, "prune", args, "{'deleted':{'mastra_threads':200,'mastra_messages':300}}");
    free(args);
    fixture_call(fixture, "listThreads", "{'perPage':1}", "{'$open':true,'total':30}");
    fixture_call(fixture, "listMessages", "{'threadId':'t203'}", "{'$open':true,'total':3}");
    fixture_call(fixture, "listMessages", "{'threadId':'t199'}", "{'$open':true,'total':0}");
    fixture_call(fixture, "prune", "{'olderThan':{'threads':200000}}",
                 "{'deleted':{'mastra_threads':0,'mastra_messages':0}}");
}

static void batches_of_one(struct fixture *fixture)
{
    in_batches(fixture, 1);
}

static void batches_of_seven(struct fixture *fixture)
{
    in_batches(fixture, 7);
}

static void one_batch(struct fixture *fixture)
{
    in_batches(fixture, 100000);
}

/* Pages end within a workflow and between two. */
static void runs_in_batches(struct fixture *fixture)
{
    for (int n = 0; n < 60; n++) {
        char *run =
            test_format("{'tableName':'mastra_workflow_snapshot','record':{'workflow_name':'w%d','run_id':"
                        "'r%d','snapshot':{},'createdAt':1000,'updatedAt':%d000}}",
                        n / 15, n, n % 5 ? 1 : 9);
        fixture_call(fixture, "insert", run, "null");
        free(run);
    }
    fixture_call(fixture, "prune", "{'olderThan':{'workflow_snapshot':5000},'batchSize':4}",
                 COUNT("mastra_workflow_snapshot", "48"));
    fixture_call(fixture, "load", "{'tableName':'mastra_workflow_snapshot','keys':{'run_id':'r55'}}",
                 "{'$open':true}");
    fixture_call(fixture, "load", "{'tableName':'mastra_workflow_snapshot','keys':{'run_id':'r54'}}", "null");
}

/* Trace n has 5 spans at second 1; the third of every third trace is younger. */
static void traces_in_batches(struct fixture *fixture)
{
    for (int n = 0; n < 40; n++) {
        for (int s = 0; s < 5; s++) {
            char *span =
                test_format("{'tableName':'mastra_ai_spans','record':{'traceId':'t%02d','spanId':'s%d',"
                            "'name':'n','spanType':'x','startedAt':%d000}}",
                            n, s, n % 3 == 0 && s == 2 ? 9 : 1);
            fixture_call(fixture, "insert", span, "null");
            free(span);
        }
    }
    fixture_call(fixture, "prune", "{'olderThan':{'ai_spans':5000},'batchSize':3}",
                 COUNT("mastra_ai_spans", "130"));
    fixture_call(fixture, "load", "{'tableName':'mastra_ai_spans','keys':{'traceId':'t39','spanId':'s0'}}",
                 "{'$open':true}");
    fixture_call(fixture, "load", "{'tableName':'mastra_ai_spans','keys':{'traceId':'t38'}}", "null");
    fixture_call(fixture, "prune", "{'olderThan':{'ai_spans':10000},'batchSize':3}",
                 COUNT("mastra_ai_spans", "70"));
}

static void evals_in_batches(struct fixture *fixture)
{
    for (int n = 0; n < 50; n++) {
        char *eval = test_format(
            "{'tableName':'mastra_evals','record':{'input':'i','output':'o%d','result':{'score':1},"
            "'agentName':'a','metricName':'m','instructions':'x','globalRunId':'g','runId':'r',"
            "'createdAt':%d}}",
            n, n / 4 * 1000);
        fixture_call(fixture, "insert", eval, "null");
        free(eval);
    }
    fixture_call(fixture, "prune", "{'olderThan':{'evals':10000},'batchSize':3}",
                 COUNT("mastra_evals", "40"));
    fixture_call(fixture, "load", "{'tableName':'mastra_evals','keys':{'output':'o40'}}", "{'$open':true}");
    fixture_call(fixture, "load", "{'tableName':'mastra_evals','keys':{'output':'o39'}}", "null");
}

/* A blob stands above every text, so that the walk finds it whatever it has read last. */
static void keys_that_are_no_text(struct fixture *fixture)
{
    fixture_call(fixture, "saveThread",
                 "{'thread':{'id':'t','resourceId':'r','createdAt':1000,'updatedAt':1000}}", NULL);
    place_run(&fixture->place,
              "INSERT INTO mastra_threads (id, resourceId, title, createdAt, updatedAt) VALUES"
              " (x'61', 'r', 'x', '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.000Z');"
              "INSERT INTO mastra_workflow_snapshot (workflow_name, run_id, snapshot, createdAt,"
              " updatedAt) VALUES (x'61', 'r', '{}', '1970-01-01T00:00:01.000Z',"
              " '1970-01-01T00:00:01.000Z'), ('w', x'61', '{}', '1970-01-01T00:00:01.000Z',"
              " '1970-01-01T00:00:01.000Z'), ('w', 's', '{}', '1970-01-01T00:00:01.000Z',"
              " '1970-01-01T00:00:01.000Z')");
    fixture_call(fixture, "prune", "{'olderThan':{'threads':5000,'workflow_snapshot':5000},'batchSize':1}",
                 "{'deleted':{'mastra_threads':1,'mastra_messages':0,'mastra_workflow_snapshot':1}}");
}

static const struct test_case cases[] = {
    {"M", "prune", "threads by updatedAt, strictly older, with their messages",
     STEPS(
         THREAD_OF("a", "r", "1"), THREAD_OF("b", "r", "2"), THREAD_OF("c", "r", "3"),
         {INSERT("mastra_messages", "'id':'ma','threadId':'a','role':'user','content':'x','createdAt':9000")},
         {INSERT("mastra_messages", "'id':'mb','threadId':'b','role':'user','content':'x','createdAt':1")},
         {BEFORE("mastra_threads", "2"), "{'deleted':{'mastra_threads':1,'mastra_messages':1}}"},
         LEFT("'b','c'"), LEFT_IN("a", ""), LEFT_IN("b", "'mb'"), {REOPEN, NULL, NULL}, LEFT("'b','c'"))},
    {"M", "prune", "messages by createdAt, whatever their thread",
     STEPS(THREAD_OF("a", "r", "9"),
           {"saveMessages",
            "{'messages':[" MESSAGE("m1", "a", "1") "," MESSAGE("m2", "a", "2") "," MESSAGE("m3", "a",
                                                                                            "3") "]}",
            NULL},
           {BEFORE("messages", "3"), COUNT("mastra_messages", "2")}, LEFT_IN("a", "'m3'"),
           {"getThreadById", "{'threadId':'a'}", "{'$open':true}"})},
    {"M", "prune", "messages that went either way are counted together",
     STEPS(
         {INSERT("mastra_threads", "'id':'a','resourceId':'r','createdAt':1000,'updatedAt':1000")},
         {INSERT("mastra_messages", "'id':'m1','threadId':'a','role':'user','content':'x','createdAt':1000")},
         {INSERT("mastra_messages", "'id':'m2','threadId':'b','role':'user','content':'x','createdAt':1000")},
         {"prune", "{'olderThan':{'threads':'1970-01-01T00:00:05Z','messages':5000}}",
          "{'deleted':{'mastra_threads':1,'mastra_messages':2}}"})},
    {"M", "prune", "runs by updatedAt, by both parts of their key",
     STEPS(RUN_OF("v", "1", "1"), RUN_OF("v", "2", "9"), RUN_OF("w", "1", "1"), RUN_OF("w", "3", "5"),
           {BEFORE("mastra_workflow_snapshot", "5"), COUNT("mastra_workflow_snapshot", "2")},
           THERE("mastra_workflow_snapshot", "run_id", "2"), THERE("mastra_workflow_snapshot", "run_id", "3"),
           GONE("mastra_workflow_snapshot", "run_id", "1"))},
    {"M", "prune", "traces whole, and only when all of them is old",
     STEPS(SPAN("a", "1", "1"), SPAN("a", "2", "2"), SPAN("b", "1", "1"), SPAN("b", "2", "5"),
           SPAN("c", "1", "9"), {BEFORE("spans", "5"), COUNT("mastra_ai_spans", "2")},
           GONE("mastra_ai_spans", "traceId", "a"), THERE("mastra_ai_spans", "traceId", "b"),
           THERE("mastra_ai_spans", "traceId", "c"), {BEFORE("ai_spans", "6"), COUNT("mastra_ai_spans", "2")},
           GONE("mastra_ai_spans", "traceId", "b"))},
    {"M", "prune", "all else by createdAt",
     STEPS({"saveResource", "{'resource':{'id':'a','createdAt':1000,'updatedAt':9000}}", NULL},
           {"saveResource", "{'resource':{'id':'b','createdAt':9000,'updatedAt':1000}}", NULL},
           {INSERT("mastra_scorers",
                   "'id':'a','scorerId':'s','runId':'r','scorer':{},'score':1,'input':1,'output':1,"
                   "'source':'x','entityId':'e','entity':{},'createdAt':1000,'updatedAt':9000")},
           {INSERT("mastra_traces",
                   "'id':'a','name':'n','traceId':'t','scope':'s','kind':1,'startTime':1,'endTime':2,"
                   "'createdAt':1000")},
           EVAL("1"), EVAL("5"),
           {"prune", "{'olderThan':{'resources':5000,'scorers':5000,'mastra_traces':5000,'evals':5000}}",
            "{'deleted':{'mastra_resources':1,'mastra_scorers':1,'mastra_evals':1,'mastra_traces':1}}"},
           GONE("mastra_resources", "id", "a"), THERE("mastra_resources", "id", "b"),
           {BEFORE("scores", "5"), COUNT("mastra_scorers", "0")},
           {BEFORE("traces", "5"), COUNT("mastra_traces", "0")}, THERE("mastra_evals", "agent_name", "a"))},
    {"M", "prune", "one time for all tables",
     STEPS(THREAD_OF("a", "r", "1"), {"saveMessages", "{'messages':[" MESSAGE("m", "a", "1") "]}", NULL},
           SPAN("a", "1", "1"), RUN_OF("v", "1", "1"), EVAL("1"),
           {"prune", "{'olderThan':'1970-01-01T00:00:01.000Z'}",
            "{'deleted':{'mastra_threads':0,'mastra_messages':0,'mastra_resources':0,'mastra_workflow_"
            "snapshot':0,"
            "'mastra_ai_spans':0,'mastra_scorers':0,'mastra_evals':0,'mastra_traces':0}}"},
           {"prune", "{'olderThan':1001}",
            "{'deleted':{'mastra_threads':0,'mastra_messages':1,'mastra_resources':0,'mastra_workflow_"
            "snapshot':1,"
            "'mastra_ai_spans':1,'mastra_scorers':0,'mastra_evals':1,'mastra_traces':0}}"},
           LEFT("'a'"), {"prune", "{'olderThan':{}}", "{'deleted':{}}"},
           {"prune", "{'olderThan':{'threads':null}}", "{'deleted':{}}"})},
    {"M", "prune", "threads in batches of one", RUN(batches_of_one)},
    {"M", "prune", "threads in small batches", RUN(batches_of_seven)},
    {"M", "prune", "threads in one batch", RUN(one_batch)},
    {"M", "prune", "runs in small batches", RUN(runs_in_batches)},
    {"M", "prune", "traces in small batches", RUN(traces_in_batches)},
    {"M", "prune", "evals in small batches", RUN(evals_in_batches)},
    {"M", "prune", "rows whose keys are no text end the walk", RUN_ON(TRAIT_FILE, keys_that_are_no_text)},
    {"M", "prune", "goes no further than so many batches of each table",
     STEPS(THREAD_OF("a", "r", "1"), THREAD_OF("b", "r", "2"), THREAD_OF("c", "r", "3"), EVAL("1"), EVAL("2"),
           {"prune", "{'olderThan':{'threads':3000,'evals':3000},'batchSize':1,'maxBatches':1}",
            "{'deleted':{'mastra_threads':1,'mastra_messages':0,'mastra_evals':1},'done':false}"},
           LEFT("'b','c'"),
           {"prune", "{'olderThan':{'threads':3000},'batchSize':10,'maxBatches':1}",
            "{'deleted':{'mastra_threads':1,'mastra_messages':0},'done':true}"},
           LEFT("'c'"),
           {"prune", "{'olderThan':{'threads':3000},'batchSize':10,'maxBatches':1}",
            "{'deleted':{'mastra_threads':0,'mastra_messages':0},'done':true}"},
           {"prune", "{'olderThan':{'threads':9000},'maxBatches':-1}", WRONG("maxBatches")}, LEFT("'c'"))},
    {"M", "prune", "bad arguments delete nothing",
     STEPS(THREAD_OF("a", "r", "1"), {"prune", "{}", WRONG("olderThan")},
           {"prune", "{'olderThan':{'threads':9000,'locks':9000}}", WRONG("olderThan")},
           {"prune", "{'olderThan':{'threads':'soon'}}", WRONG("olderThan.mastra_threads")},
           {"prune", "{'olderThan':'soon'}", WRONG("olderThan")},
           {"prune", "{'olderThan':[1]}", WRONG("olderThan")},
           {"prune", "{'olderThan':8000000000000000}", WRONG("olderThan.mastra_threads")},
           {"prune", "{'olderThan':{'threads':9000},'batchSize':0}", WRONG("batchSize")},
           {"prune", "{'olderThan':{'threads':9000},'batchSize':-1}", WRONG("batchSize")},
           {"prune", "{'olderThan':{'threads':9000},'batchSize':100001}", WRONG("batchSize")},
           {"prune", "{'olderThan':{'threads':9000},'batchSize':'all'}", WRONG("batchSize")}, LEFT("'a'"))},
};

const struct case_table prune_case_table = CASE_TABLE(cases);
