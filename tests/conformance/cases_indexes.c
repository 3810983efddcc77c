/* Indexes: making, listing, describing, dropping. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <stdlib.h>

#define CREATE(rest) "createIndex", "{'name':'idx','table':'mastra_threads'," rest "}"
#define WRONG(field) "{'$error':'invalid_argument','$field':'" field "'}"
#define MADE                                                                                                 \
    {                                                                                                        \
        CREATE("'columns':['title']"), "null"                                                                \
    }
#define NAMED(name) "{'$open':true,'name':'" name "'}"

/* Definitions name the schema, which is another one in every run. */
static void described(struct fixture *fixture)
{
    char *expect = test_format(
        "{'name':'idx','table':'mastra_messages','columns':['role','createdAt'],'unique':false,'size':'8192 "
        "bytes',"
        "'definition':'CREATE INDEX idx ON %s.mastra_messages USING btree (role, \\'createdAt\\' DESC)',"
        "'method':'btree','scans':0,'tuples_read':0,'tuples_fetched':0}",
        fixture->place.schema);
    fixture_call(fixture, "createIndex",
                 "{'name':'idx','table':'mastra_messages','columns':['role','createdAt DESC']}", "null");
    fixture_call(fixture, "describeIndex", "{'indexName':'idx'}", expect);
    free(expect);
    expect = test_format("{'$error':'not_found','$message':'%s'}", fixture->place.schema);
    fixture_call(fixture, "describeIndex", "{'indexName':'none'}", expect);
    free(expect);
}

static void own_indexes(struct fixture *fixture)
{
    char *expect = test_format("[{'$open':true,'name':'mastra_threads_pkey','columns':['id'],'unique':true},"
                               "{'$open':true,'name':'%s_mastra_threads_resourceid_createdat_idx'}]",
                               fixture->place.schema);
    fixture_call(fixture, "listIndexes", "'mastra_threads'", expect);
    fixture_call(fixture, "listIndexes", "'mastra_ai_spans'", "'$count:11'");
    free(expect);
}

static const struct test_case cases[] = {
    {"M", "createIndex", "is listed and described",
     STEPS_ON(TRAIT_SQLITE,
              {"createIndex", "{'name':'idx','table':'mastra_messages','columns':['role','createdAt DESC']}",
               "null"},
              {REOPEN, NULL, NULL},
              {"describeIndex", "{'indexName':'idx'}",
               "{'name':'idx','table':'mastra_messages','columns':['role','createdAt'],'unique':"
               "false,'"
               "size':'4 KB',"
               "'definition':'CREATE INDEX \\'idx\\' ON \\'mastra_messages\\' (\\'role\\', "
               "\\'createdAt\\' DESC)',"
               "'method':'btree','scans':null,'tuples_read':null,'tuples_fetched':null}"},
              {"listIndexes", "{'tableName':'mastra_messages'}",
               "[{'name':'idx','table':'mastra_messages','columns':['role','createdAt'],'unique'"
               ":false,'"
               "size':'4 KB',"
               "'definition':'$any'}," NAMED("idx_messages_thread_created_at") "," NAMED(
                   "idx_messages_thread_resource_created_at") "]"})},
    {"M", "createIndex", "is listed and described, with what the server knows of its use",
     RUN_ON(TRAIT_POSTGRES, described)},
    {"M", "createIndex", "of a name that is there in other letters does nothing",
     STEPS_ON(TRAIT_SQLITE, MADE, {CREATE("'columns':['resourceId'],'unique':true"), "null"},
              {"createIndex", "{'name':'IDX','table':'mastra_messages','columns':['role']}", "null"},
              {"describeIndex", "'idx'", "{'$open':true,'columns':['title'],'unique':false}"})},
    {"M", "createIndex", "unique, on a table of the user",
     STEPS_ON(TRAIT_INDEXES, {"createTable", "{'tableName':'t','schema':{'a':{'type':'text'}}}", "null"},
              {"createIndex", "{'name':'u','table':'t','columns':['a'],'unique':true}", "null"},
              {"insert", "{'tableName':'t','record':{'a':'x'}}", "null"},
              {"insert", "{'tableName':'t','record':{'a':'x'}}", "{'$error':'conflict'}"},
              {"describeIndex", "'u'", "{'$open':true,'table':'t','unique':true}"})},
    {"M", "createIndex", "unique over rows that are not",
     STEPS_ON(TRAIT_INDEXES, THREAD_OF("a", "r", "1"), THREAD_OF("b", "r", "1"),
              {CREATE("'columns':['resourceId'],'unique':true"),
               "{'$error':'conflict','$id':'INDEX_CREATE_FAILED'}"},
              {"describeIndex", "'idx'", "{'$error':'not_found'}"})},
    {"M", "createIndex", "what the database has no use for is ignored",
     STEPS_ON(TRAIT_SQLITE,
              {CREATE("'columns':['title asc','createdAt  "
                      "desc'],'concurrent':true,'method':'gin','opclass':'text_ops',"
                      "'storage':{'fillfactor':70,'buffering':'auto','fastupdate':true},'"
                      "tablespace':'fast'"),
               "null"},
              {"describeIndex", "'idx'", "{'$open':true,'columns':['title','createdAt'],'method':'btree'}"})},
    {"M", "createIndex", "of a name that is there does nothing",
     STEPS_ON(TRAIT_INDEXES, MADE, {CREATE("'columns':['resourceId'],'unique':true"), "null"},
              {"describeIndex", "'idx'", "{'$open':true,'columns':['title'],'unique':false}"})},
    {"M", "createIndex", "method, operator class, storage and tablespace reach the server",
     STEPS_ON(TRAIT_POSTGRES,
              {CREATE("'columns':['metadata'],'concurrent':true,'method':'gin','opclass':'jsonb_path_ops',"
                      "'storage':{'fastupdate':true},'tablespace':'pg_default'"),
               "null"},
              {"describeIndex", "'idx'", "{'$open':true,'columns':['metadata'],'method':'gin'}"},
              {"createIndex",
               "{'name':'full','table':'mastra_threads','columns':['title asc','createdAt  desc'],"
               "'concurrent':false,'storage':{'fillfactor':70}}",
               "null"},
              {"describeIndex", "'full'", "{'$open':true,'columns':['title','createdAt'],'method':'btree'}"},
              {"createIndex", "{'name':'i','table':'mastra_threads','columns':['id'],'tablespace':'fast'}",
               "{'$error':'invalid_argument','$message':'fast'}"},
              {"createIndex", "{'name':'i','table':'mastra_threads','columns':['id'],'method':'none'}",
               "{'$error':'invalid_argument','$message':'none'}"},
              {"createIndex",
               "{'name':'i','table':'mastra_threads','columns':['id'],'storage':{'fillfactor':7}}",
               "{'$error':'invalid_argument'}"},
              {"createIndex",
               "{'name':'i','table':'mastra_threads','columns':['metadata'],'method':'gin'"
               ",'opclass':'text_ops'}",
               "{'$error':'invalid_argument'}"},
              {"describeIndex", "'i'", "{'$error':'not_found'}"})},
    {"M", "dropIndex", "of a key is refused",
     STEPS_ON(TRAIT_POSTGRES, {"dropIndex", "'mastra_threads_pkey'", "{'$error':'invalid_argument'}"},
              {"describeIndex", "'mastra_threads_pkey'", "{'$open':true,'unique':true}"})},
    {"M", "createIndex", "bad arguments name what is wrong",
     STEPS_ON(TRAIT_INDEXES, {"createIndex", "{'table':'mastra_threads','columns':['id']}", WRONG("name")},
              {"createIndex", "{'name':'a b','table':'mastra_threads','columns':['id']}", WRONG("name")},
              {"createIndex", "{'name':'sqlite_i','table':'mastra_threads','columns':['id']}", WRONG("name")},
              {"createIndex", "{'name':'i','columns':['id']}", WRONG("table")},
              {"createIndex", "{'name':'i','table':'sqlite_schema','columns':['name']}", WRONG("table")},
              {"createIndex", "{'name':'i','table':'nothing','columns':['id']}",
               "{'$error':'not_found','$id':'INDEX_CREATE_FAILED'}"},
              {CREATE("'unique':false"), WRONG("columns")}, {CREATE("'columns':[]"), WRONG("columns")},
              {CREATE("'columns':['id','nothing']"), WRONG("columns[1]")},
              {CREATE("'columns':['id DOWN']"), WRONG("columns[0]")},
              {CREATE("'columns':['']"), WRONG("columns[0]")},
              {CREATE("'columns':['lower(title)']"), WRONG("columns[0]")},
              {CREATE("'columns':['id); DROP TABLE mastra_threads; --']"), WRONG("columns[0]")},
              {CREATE("'columns':['id'],'method':'b tree'"), WRONG("method")},
              {CREATE("'columns':['id'],'opclass':'a;b'"), WRONG("opclass")},
              {CREATE("'columns':['id'],'tablespace':'1'"), WRONG("tablespace")},
              {CREATE("'columns':['id'],'storage':{'fill factor':1}"), WRONG("storage")},
              {CREATE("'columns':['id'],'storage':{'fillfactor':'7 0'}"), WRONG("storage")},
              {CREATE("'columns':['id'],'storage':{'fillfactor':[1]}"), WRONG("storage")},
              {"createIndex", "{'name':'mastra_threads','table':'mastra_messages','columns':['id']}",
               "{'$error':'conflict'}"},
              {"describeIndex", "'idx'", "{'$error':'not_found'}"})},
    {"M", "createIndex", "calls by name carry no SQL",
     STEPS_ON(TRAIT_INDEXES,
              {CREATE("'columns':['id'],'where':'1'"), "{'$error':'denied','$id':'INDEX_CREATE_RAW_SQL_"
                                                       "DENIED','$category':'USER','$field':'where'}"},
              {CREATE("'columns':['id'],'where':null"), "null"})},
    {"M", "createIndex", "on DynamoDB: what its own indexes serve, and nothing else",
     STEPS_ON(
         TRAIT_DYNAMODB, {CREATE("'columns':['resourceId']"), "null"},
         {CREATE("'columns':['resourceId','createdAt DESC']"), "null"},
         {CREATE("'columns':['title']"),
          "{'$error':'not_supported','$id':'INDEX_CREATE_FAILED','$message':'resourceId, createdAt (gsi1)'}"},
         {CREATE("'columns':['createdAt']"), "{'$error':'not_supported'}"},
         {CREATE("'columns':['resourceId','createdAt','id']"), "{'$error':'not_supported'}"},
         {CREATE("'columns':['resourceId'],'unique':true"),
          "{'$error':'not_supported','$message':'none is unique'}"},
         {CREATE("'columns':['id','nothing']"), WRONG("columns[1]")},
         {"createIndex", "{'name':'i','table':'nothing','columns':['id']}", "{'$error':'not_found'}"},
         {"createTable", "{'tableName':'t','schema':{'a':{'type':'text'}}}", "null"},
         {"createIndex", "{'name':'i','table':'t','columns':['a']}",
          "{'$error':'not_supported','$message':'a program has made itself'}"})},
    {"M", "describeIndex", "on DynamoDB: keys, size and state",
     STEPS_ON(TRAIT_DYNAMODB, {"listIndexes", "'mastra_threads'", "[" NAMED("gsi1") "]"},
              {"describeIndex", "'gsi2'",
               "{'$open':true,'name':'gsi2','columns':['gsi2pk','gsi2sk'],'unique':false,'method':'gsi',"
               "'size':'0 bytes','items':0,'status':'ACTIVE'}"},
              {"describeIndex", "'idx'", "{'$error':'not_found','$id':'INDEX_DESCRIBE_FAILED'}"})},
    {"M", "dropIndex", "on DynamoDB: those that lists need stay",
     STEPS_ON(TRAIT_DYNAMODB, {"dropIndex", "'gsi1'", "{'$error':'not_supported','$id':'INDEX_DROP_FAILED'}"},
              {"dropIndex", "'gsi2'", "{'$error':'not_supported'}"}, {"dropIndex", "'idx'", "null"},
              {"describeIndex", "'gsi1'", NAMED("gsi1")})},

    {"M", "listIndexes", "the store's own of a fresh database, none twice",
     STEPS_ON(
         TRAIT_SQLITE,
         {"listIndexes", NULL,
          "[" NAMED("mastra_ai_spans_name_idx") "," NAMED(
              "mastra_ai_spans_parentspanid_startedat_"
              "idx") "," NAMED("mastra_ai_spans_roots_"
                               "started_at_idx") "," NAMED("mastra_ai_spans_spanid_traceid_"
                                                           "idx") "," NAMED("mastra_ai_spans_"
                                                                            "spantype_"
                                                                            "startedat_idx") "," NAMED("mastr"
                                                                                                       "a_ai_"
                                                                                                       "spans"
                                                                                                       "_trac"
                                                                                                       "e_"
                                                                                                       "start"
                                                                                                       "ed_"
                                                                                                       "at_"
                                                                                                       "idx") "," NAMED("idx_messages_"
                                                                                                                        "thread_created_"
                                                                                                                        "at") "," NAMED("i"
                                                                                                                                        "d"
                                                                                                                                        "x"
                                                                                                                                        "_"
                                                                                                                                        "m"
                                                                                                                                        "e"
                                                                                                                                        "s"
                                                                                                                                        "s"
                                                                                                                                        "a"
                                                                                                                                        "g"
                                                                                                                                        "e"
                                                                                                                                        "s"
                                                                                                                                        "_"
                                                                                                                                        "t"
                                                                                                                                        "h"
                                                                                                                                        "r"
                                                                                                                                        "e"
                                                                                                                                        "a"
                                                                                                                                        "d"
                                                                                                                                        "_"
                                                                                                                                        "r"
                                                                                                                                        "e"
                                                                                                                                        "s"
                                                                                                                                        "o"
                                                                                                                                        "u"
                                                                                                                                        "r"
                                                                                                                                        "c"
                                                                                                                                        "e"
                                                                                                                                        "_"
                                                                                                                                        "c"
                                                                                                                                        "r"
                                                                                                                                        "e"
                                                                                                                                        "a"
                                                                                                                                        "t"
                                                                                                                                        "e"
                                                                                                                                        "d"
                                                                                                                                        "_"
                                                                                                                                        "a"
                                                                                                                                        "t") "," NAMED("mastra_scores_trace_id_span_id_created_at_idx") "," NAMED("mastra_threads_resourceid_createdat_idx") "]"},
         {"listIndexes", "'mastra_threads'", "[" NAMED("mastra_threads_resourceid_createdat_idx") "]"},
         {"listIndexes", "{'table':'mastra_threads'}",
          "[" NAMED("mastra_threads_resourceid_createdat_idx") "]"})},
    {"M", "listIndexes", "the store's own of a fresh schema, with those of its keys",
     RUN_ON(TRAIT_POSTGRES, own_indexes)},
    {"M", "listIndexes", "keys that are no indexes of their own",
     STEPS_ON(TRAIT_SQLITE, {"listIndexes", "'mastra_resources'", "[]"})},
    {"M", "listIndexes", "tables without any, bad names",
     STEPS({"listIndexes", "'nothing'", "[]"},
           {"listIndexes", "'no thing'", "{'$error':'invalid_argument','$id':'INDEX_LIST_FAILED'}"},
           {"listIndexes", "'sqlite_schema'", "{'$error':'invalid_argument'}"})},
    {"M", "describeIndex", "an unknown one",
     STEPS_ON(TRAIT_INDEXES,
              {"describeIndex", "'idx'",
               "{'$error':'not_found','$id':'INDEX_DESCRIBE_FAILED','$message':'Index \\'idx\\' "
               "not "
               "found in schema'}"},
              {"describeIndex", "{}", WRONG("indexName")}, {"describeIndex", "'i dx'", WRONG("indexName")},
              {"describeIndex", "'sqlite_autoindex_mastra_threads_1'", WRONG("indexName")}, MADE,
              {"describeIndex", "{'name':'idx'}", NAMED("idx")})},
    {"R18", "dropIndex", "one that is there, one that is not",
     STEPS_ON(TRAIT_INDEXES, MADE, {"dropIndex", "'idx'", "null"},
              {"describeIndex", "'idx'", "{'$error':'not_found'}"}, {"dropIndex", "'idx'", "null"}, MADE,
              {"dropIndex", "{'indexName':'idx'}", "null"}, MADE, {"dropIndex", "{'name':'idx'}", "null"},
              {"describeIndex", "'idx'", "{'$error':'not_found'}"},
              {"dropIndex", "{}", "{'$error':'invalid_argument','$id':'INDEX_DROP_FAILED'}"},
              {"dropIndex", "'sqlite_autoindex_mastra_threads_1'", WRONG("indexName")})},
};

const struct case_table index_case_table = CASE_TABLE(cases);
