/* Writing and reading rows of any table. */
#include "conformance/conformance.h"

#define INSERT(table, record) "insert", "{'tableName':'" table "','record':{" record "}}"
#define BATCH(table, records) "batchInsert", "{'tableName':'" table "','records':[" records "]}"
#define LOAD(table, keys)     "load", "{'tableName':'" table "','keys':{" keys "}}"
#define WRONG(field)          "{'$error':'invalid_argument','$field':'" field "'}"
#define ISO(seconds)          TIME(seconds)
#define NOTES                                                                                                \
    {                                                                                                        \
        "createTable",                                                                                       \
            "{'tableName':'notes','schema':{'id':{'type':'text','nullable':false,'primaryKey':true},"        \
            "'body':{'type':'jsonb','nullable':true},'n':{'type':'integer','nullable':true},"                \
            "'f':{'type':'float','nullable':true},'must':{'type':'text','nullable':false},"                  \
            "'createdAt':{'type':'timestamp','nullable':true}}}",                                            \
            "null"                                                                                           \
    }
#define LOG                                                                                                  \
    {                                                                                                        \
        "createTable",                                                                                       \
            "{'tableName':'log','schema':{'who':{'type':'text'},'n':{'type':'integer'},"                     \
            "'createdAt':{'type':'timestamp','nullable':true}}}",                                            \
            "null"                                                                                           \
    }

static const struct test_case cases[] = {
    {"M", "insert", "adds a row, replaces the one of its key as a whole",
     STEPS(
         NOTES,
         {INSERT("notes", "'id':'a','must':'x','n':1,'f':2.5,'body':{'k':1},'createdAt':" ISO("1")), "null"},
         {LOAD("notes", "'id':'a'"),
          "{'id':'a','body':{'k':1},'n':1,'f':2.5,'must':'x','createdAt':" ISO("1") "}"},
         {INSERT("notes", "'id':'a','must':'y'"), "null"},
         {LOAD("notes", "'id':'a'"),
          "{'id':'a','body':null,'n':null,'f':null,'must':'y','createdAt':null}"})},
    {"M", "insert", "a table without a key takes every row",
     STEPS(LOG, {INSERT("log", "'who':'a','n':1"), "null"}, {INSERT("log", "'who':'a','n':1"), "null"},
           {"clearTable", "{'tableName':'log'}", "null"}, {LOAD("log", "'who':'a'"), "null"})},
    {"M", "insert", "a whole number as the key is drawn when it is left out",
     STEPS_ON(TRAIT_SQLITE,
              {"createTable",
               "{'tableName':'t','schema':{'id':{'type':'integer','primaryKey':true},'v':{'type':'text'}}}",
               "null"},
              {INSERT("t", "'v':'a'"), "null"}, {INSERT("t", "'v':'b'"), "null"},
              {INSERT("t", "'id':1,'v':'c'"), "null"}, {LOAD("t", "'id':1"), "{'id':1,'v':'c'}"},
              {LOAD("t", "'id':2"), "{'id':2,'v':'b'}"})},
    {"M", "insert", "what is no column is passed over; nothing left writes nothing",
     STEPS(NOTES, {INSERT("notes", "'id':'a','must':'x','other':1,'ID':2"), "null"},
           {LOAD("notes", "'must':'x'"), "{'$open':true,'id':'a'}"}, {INSERT("notes", "'other':1"), "null"},
           {INSERT("notes", ""), "null"}, {INSERT("mastra_threads", ""), "null"})},
    {"M", "insert", "bad records name what is wrong",
     STEPS(NOTES, {INSERT("notes", "'id':'a'"), WRONG("record.must")},
           {INSERT("notes", "'must':'x'"), WRONG("record.id")},
           {INSERT("notes", "'id':null,'must':'x'"), WRONG("record.id")},
           {INSERT("notes", "'id':'a','must':null"), WRONG("record.must")},
           {INSERT("notes", "'id':'a','must':'x','n':1.5"), WRONG("record.n")},
           {INSERT("notes", "'id':'a','must':'x','f':'1'"), WRONG("record.f")},
           {INSERT("notes", "'id':5,'must':'x'"), WRONG("record.id")},
           {"insert", "{'tableName':'notes','record':[1]}", WRONG("record")},
           {"insert", "{'tableName':'notes'}", WRONG("record")},
           {"insert", "{'record':{}}", WRONG("tableName")},
           {INSERT("nothing", "'id':'a'"), "{'$error':'not_found','$id':'INSERT_FAILED'}"},
           {INSERT("no thing", "'id':'a'"), WRONG("tableName")}, {LOAD("notes", "'id':'a'"), "null"})},
    {"M", "insert", "a constraint of the table is a conflict",
     STEPS_ON(TRAIT_INDEXES, NOTES,
              {"createIndex", "{'name':'u','table':'notes','columns':['n'],'unique':true}", "null"},
              {INSERT("notes", "'id':'a','must':'x','n':1"), "null"},
              {INSERT("notes", "'id':'b','must':'x','n':1"), "{'$error':'conflict','$id':'INSERT_FAILED'}"},
              {INSERT("notes", "'id':'a','must':'y','n':1"), "null"},
              {LOAD("notes", "'n':1"), "{'$open':true,'must':'y'}"})},
    {"R2", "insert", "JSON in a text column is kept character for character",
     STEPS_ON(
         TRAIT_RAW_JSON, NOTES,
         {INSERT("notes", "'id':'a','must':'x','body':{ 'z':1.0, 'a':9007199254740993 }"), "null"},
         {LOAD("notes", "'id':'a'"), "{'$open':true,'body':{'$raw':{ 'z':1.0, 'a':9007199254740993 }}}"})},
    {"M", "insert", "text that is no object and no array stays text",
     STEPS(NOTES, {INSERT("notes", "'id':'a','must':'123','body':'true'"), "null"},
           {LOAD("notes", "'id':'a'"), "{'$open':true,'must':'123','body':'true'}"})},

    {"M", "insert", "into the store's own tables, by column or record name",
     STEPS(
         {INSERT("mastra_messages",
                 "'id':'m','threadId':'t','content':{'a':1},'role':'user','createdAt':1000"),
          "null"},
         {INSERT("mastra_messages", "'id':'n','thread_id':'t','content':'hi','role':'user','createdAt':2000,"
                                    "'resourceId':'r'"),
          "null"},
         {"listMessages", "{'threadId':'t'}",
          "{'$open':true,'messages':[{'id':'m','threadId':'t','content':{'a':1},'role':'user','createdAt'"
          ":" ISO("1") ",'resourceId':null},{'id':'n','threadId':'t','content':'hi','role':'user','createdAt'"
                       ":" ISO("2") ",'resourceId':'r'}]}"},
         {LOAD("mastra_messages", "'threadId':'t'"),
          "{'id':'n','thread_id':'t','content':'hi','role':'user','type':'v2','createdAt':" ISO(
              "2") ",'resourceId':'r'}"})},
    {"M", "insert", "replaces all of a record of the store's own, its creation too",
     STEPS({INSERT("mastra_messages",
                   "'id':'m','threadId':'t','content':'1','role':'user','createdAt':1000,'resourceId':'r'"),
            "null"},
           {INSERT("mastra_messages", "'id':'m','threadId':'t','content':'2','role':'user','createdAt':5000"),
            "null"},
           {LOAD("mastra_messages", "'id':'m'"),
            "{'$open':true,'content':'2','createdAt':" ISO("5") ",'resourceId':null}"},
           {INSERT("mastra_workflow_snapshot",
                   "'workflow_name':'w','run_id':'1','resourceId':'r','snapshot':{'a':1},"
                   "'createdAt':1000,'updatedAt':1000"),
            "null"},
           {INSERT("mastra_workflow_snapshot",
                   "'workflowName':'w','runId':'1','snapshot':{'a':2},'createdAt':3000"),
            "null"},
           {LOAD("mastra_workflow_snapshot", "'run_id':'1'"),
            "{'workflow_name':'w','run_id':'1','resourceId':null,'snapshot':{'a':2},'createdAt':" ISO(
                "3") ",'updatedAt':'$now'}"})},
    {"M", "insert", "a record of the store's own is checked",
     STEPS({INSERT("mastra_threads", "'id':'t'"), WRONG("record.resourceId")},
           {INSERT("mastra_threads", "'id':'','resourceId':'r'"), WRONG("record.id")},
           {INSERT("mastra_threads", "'resourceId':'r'"), WRONG("record.id")},
           {INSERT("mastra_threads", "'id':'t','resourceId':'r','createdAt':'soon'"),
            WRONG("record.createdAt")},
           {INSERT("mastra_workflow_snapshot", "'run_id':'1','snapshot':{}"), WRONG("record.workflow_name")},
           {INSERT("mastra_threads", "'id':'t','resourceId':'r'"), "null"},
           {"getThreadById", "{'threadId':'t'}",
            "{'id':'t','resourceId':'r','title':'','metadata':null,'createdAt':'$now','updatedAt':'$now'}"})},
    {"M", "insert", "evals have no key",
     STEPS({INSERT("mastra_evals",
                   "'input':'i','output':'o','result':{'score':1},'agent_name':'a','metric_name':'m',"
                   "'instructions':'x','global_run_id':'g','run_id':'r','created_at':1000"),
            "null"},
           {INSERT("mastra_evals",
                   "'input':'i','output':'p','result':{'score':1},'agentName':'a','metricName':'m',"
                   "'instructions':'x','globalRunId':'g','runId':'r','createdAt':2000"),
            "null"},
           {LOAD("mastra_evals", "'agent_name':'a'"), "{'$open':true,'output':'p','result':{'score':1}}"})},

    {"R13", "batchInsert", "all or none",
     STEPS_ON(TRAIT_INDEXES, NOTES,
              {BATCH("notes", "{'id':'a','must':'x'},{'id':'b','must':'y','n':2}"), "null"},
              {LOAD("notes", "'id':'b'"), "{'$open':true,'n':2}"},
              {BATCH("notes", "{'id':'c','must':'x'},{'id':'d'}"), WRONG("records[1].must")},
              {LOAD("notes", "'id':'c'"), "null"},
              {"createIndex", "{'name':'u','table':'notes','columns':['n'],'unique':true}", "null"},
              {BATCH("notes", "{'id':'c','must':'x'},{'id':'d','must':'x','n':2}"),
               "{'$error':'conflict','$id':'BATCH_INSERT_FAILED'}"},
              {LOAD("notes", "'id':'c'"), "null"}, {LOAD("notes", "'id':'b'"), "{'$open':true,'must':'y'}"})},
    {"M", "batchInsert", "the last of one key stays",
     STEPS(
         NOTES,
         {BATCH("notes", "{'id':'a','must':'x','n':1},{'id':'a','must':'y'},{'id':'b','must':'z'}"), "null"},
         {LOAD("notes", "'id':'a'"), "{'$open':true,'must':'y','n':null}"})},
    {"R18", "batchInsert", "an empty batch is a no-op",
     STEPS({BATCH("notes", ""), "null"}, {"batchInsert", "{'tableName':'notes'}", WRONG("records")},
           {"batchInsert", "{'tableName':'notes','records':{}}", "{'$error':'invalid_argument'}"}, NOTES,
           {BATCH("notes", "5"), WRONG("records[0]")})},

    {"M", "load", "the newest row by createdAt",
     STEPS(
         LOG,
         {BATCH("log", "{'who':'a','n':1,'createdAt':" ISO("1") "},{'who':'a','n':3,'createdAt':" ISO(
                           "3") "},{'who':'a','n':2,'createdAt':" ISO("2") "},{'who':'a','n':0},{'who':'b','"
                                                                           "n':9,'createdAt':" ISO("9") "}"),
          "null"},
         {LOAD("log", "'who':'a'"), "{'$open':true,'n':3}"},
         {LOAD("log", "'who':'a','n':2"), "{'$open':true,'n':2}"},
         {LOAD("log", "'createdAt':" ISO("2")), "{'$open':true,'n':2}"},
         {LOAD("log", "'createdAt':null"), "{'$open':true,'n':0}"}, {LOAD("log", "'who':'c'"), "null"})},
    {"M", "load", "without a createdAt the last by its key",
     STEPS({"createTable",
            "{'tableName':'t','schema':{'id':{'type':'text','primaryKey':true},'v':{'type':'text'}}}",
            "null"},
           {BATCH("t", "{'id':'b','v':'x'},{'id':'c','v':'x'},{'id':'a','v':'x'}"), "null"},
           {LOAD("t", "'v':'x'"), "{'id':'c','v':'x'}"})},
    {"M", "load", "by numbers, truth and times",
     STEPS({INSERT("mastra_ai_spans",
                   "'traceId':'t','spanId':'s','name':'n','spanType':'x','isEvent':true,'startedAt':1000"),
            "null"},
           {LOAD("mastra_ai_spans", "'isEvent':true"), "{'$open':true,'spanId':'s','isEvent':true}"},
           {LOAD("mastra_ai_spans", "'isEvent':false"), "null"},
           {LOAD("mastra_ai_spans", "'startedAt':1000"), "{'$open':true,'spanId':'s'}"},
           {LOAD("mastra_ai_spans", "'parentSpanId':null"), "{'$open':true,'spanId':'s'}"}, NOTES,
           {INSERT("notes", "'id':'a','must':'x','f':0.1"), "null"},
           {LOAD("notes", "'f':0.1"), "{'$open':true,'id':'a'}"}, {LOAD("notes", "'f':0.2"), "null"})},
    {"M", "load", "bad keys",
     STEPS(NOTES, {LOAD("notes", ""), WRONG("keys")}, {LOAD("notes", "'nothing':1"), WRONG("keys")},
           {LOAD("notes", "'n':'one'"), WRONG("keys.n")},
           {LOAD("mastra_threads", "'metadata':{'a':1}"), WRONG("keys.metadata")},
           {"load", "{'tableName':'notes'}", WRONG("keys")},
           {"load", "{'tableName':'notes','keys':[1]}", WRONG("keys")},
           {LOAD("nothing", "'id':'a'"), "{'$error':'not_found','$id':'LOAD_FAILED'}"},
           {LOAD("sqlite_schema", "'name':'a'"), WRONG("tableName")})},
};

const struct case_table row_case_table = CASE_TABLE(cases);
