/* Making, widening, emptying and dropping tables. */
#include "conformance/conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/files.h"

#define CREATE(table, schema) "createTable", "{'tableName':'" table "','schema':{" schema "}}"
#define NOTES                                                                                                \
    {                                                                                                        \
        CREATE("notes", "'id':{'type':'text','nullable':false,'primaryKey':true},"                           \
                        "'n':{'type':'integer','nullable':true}"),                                           \
            "null"                                                                                           \
    }
#define HAS(table, column)    "hasColumn", "{'tableName':'" table "','column':'" column "'}"
#define INSERT(table, record) "insert", "{'tableName':'" table "','record':{" record "}}"
#define LOAD(table, keys)     "load", "{'tableName':'" table "','keys':{" keys "}}"
#define ALTER(table, schema, columns)                                                                        \
    "alterTable", "{'tableName':'" table "','schema':{" schema "},'ifNotExists':[" columns "]}"
#define WRONG(field) "{'$error':'invalid_argument','$field':'" field "'}"
#define ALL_TYPES                                                                                            \
    {                                                                                                        \
        CREATE("t",                                                                                          \
               "'a':{'type':'text'},'b':{'type':'timestamp'},'c':{'type':'jsonb'},'d':{'type':'float'},"     \
               "'e':{'type':'integer'},'f':{'type':'bigint'},'g':{'type':'boolean'},'h':{'type':'uuid'},"    \
               "'i':{'type':'geometry'}"),                                                                   \
            "null"                                                                                           \
    }
#define INSERT_ALL(uuid)                                                                                     \
    {                                                                                                        \
        INSERT("t", "'a':'x','b':'2024-01-01T00:00:00.000Z','c':{'k':[1]},'d':0.5,'e':-7,"                   \
                    "'f':9007199254740991,'g':true,'h':'" uuid "','i':'other'"),                             \
            "null"                                                                                           \
    }
#define LOADED_ALL(truth, uuid)                                                                              \
    "{'a':'x','b':'2024-01-01T00:00:00.000Z','c':{'k':[1]},'d':0.5,'e':-7,'f':9007199254740991,'g':" truth   \
    ",'h':'" uuid "','i':'other'}"
#define TEXT_64 "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

/* {"c0":{"type":"text"},...} */
static char *wide_schema(int columns)
{
    size_t room = (size_t)columns * 48 + 1;
    char *text = malloc(room);
    size_t len = 0;
    for (int i = 0; text && i < columns; i++)
        len += (size_t)snprintf(text + len, room - len, "%s'c%d':{'type':'text','nullable':true}",
                                i ? "," : "", i);
    return text;
}

static void create_wide(struct fixture *fixture, const char *table, int columns, const char *expect)
{
    char *schema = wide_schema(columns);
    char *args = test_format("{'tableName':'%s','schema':{%s}}", table, schema);
    fixture_call(fixture, "createTable", args, expect);
    free(args);
    free(schema);
}

static void widest(struct fixture *fixture)
{
    create_wide(fixture, "wide", 64, "null");
    fixture_call(fixture, INSERT("wide", "'c0':'first','c63':'last'"), "null");
    fixture_call(fixture, LOAD("wide", "'c63':'last'"),
                 "{'$open':true,'c0':'first','c62':null,'c63':'last'}");
    create_wide(fixture, "wider", 65, "{'$error':'limit_exceeded','$id':'CREATE_TABLE_FAILED'}");
    fixture_call(fixture, HAS("wider", "c0"), "false");
    fixture_call(fixture, ALTER("wide", "'d':{'type':'text'}", "'d'"), "{'$error':'limit_exceeded'}");
}

static const struct test_case cases[] = {
    {"M", "createTable", "makes a table that holds rows",
     STEPS({HAS("notes", "id"), "false"}, NOTES, {HAS("notes", "id"), "true"}, {HAS("notes", "n"), "true"},
           {INSERT("notes", "'id':'a','n':1"), "null"}, {REOPEN, NULL, NULL},
           {LOAD("notes", "'id':'a'"), "{'id':'a','n':1}"})},
    {"M", "createTable", "leaves one that is there as it is",
     STEPS(NOTES, {INSERT("notes", "'id':'a','n':1"), "null"},
           {CREATE("notes", "'x':{'type':'text'}"), "null"}, {HAS("notes", "x"), "false"},
           {LOAD("notes", "'id':'a'"), "{'id':'a','n':1}"})},
    {"M", "createTable", "every type there is, and others as text",
     STEPS_ON(TRAIT_SQLITE, ALL_TYPES, INSERT_ALL("u"), {LOAD("t", "'e':-7"), LOADED_ALL("1", "u")})},
    {"M", "createTable", "every type there is, truth and UUIDs among them, and others as text",
     STEPS_ON(TRAIT_POSTGRES, ALL_TYPES, INSERT_ALL("0B6C9E0E-1111-4222-8333-444455556666"),
              {LOAD("t", "'e':-7"), LOADED_ALL("true", "0b6c9e0e-1111-4222-8333-444455556666")},
              {INSERT("t", "'a':'x','b':0,'c':1,'d':0,'e':0,'f':0,'g':false,'h':'no UUID','i':''"),
               "{'$error':'invalid_argument'}"})},
    {"M", "createTable", "a key of several columns",
     STEPS({"createTable",
            "{'tableName':'p','schema':{'a':{'type':'text'},'b':{'type':'integer'},'v':{'type':'text'}},"
            "'compositePrimaryKey':['b','a']}",
            "null"},
           {INSERT("p", "'a':'x','b':1,'v':'one'"), "null"}, {INSERT("p", "'a':'x','b':2,'v':'two'"), "null"},
           {INSERT("p", "'a':'x','b':1,'v':'three'"), "null"},
           {LOAD("p", "'a':'x','b':1"), "{'a':'x','b':1,'v':'three'}"}, {LOAD("p", "'v':'one'"), "null"},
           {LOAD("p", "'v':'two'"), "{'a':'x','b':2,'v':'two'}"})},
    {"M", "createTable", "wrong keys",
     STEPS({CREATE("t", "'a':{'type':'text','primaryKey':true},'b':{'type':'text','primaryKey':true}"),
            WRONG("schema.b.primaryKey")},
           {"createTable",
            "{'tableName':'t','schema':{'a':{'type':'text','primaryKey':true},'b':{'type':'text'}},"
            "'compositePrimaryKey':['b']}",
            WRONG("schema.a.primaryKey")},
           {"createTable", "{'tableName':'t','schema':{'a':{'type':'text'}},'compositePrimaryKey':['z']}",
            WRONG("compositePrimaryKey[0]")},
           {"createTable", "{'tableName':'t','schema':{'a':{'type':'text'}},'compositePrimaryKey':['a','a']}",
            WRONG("compositePrimaryKey[1]")},
           {"createTable",
            "{'tableName':'t','schema':{'a':{'type':'text'},'b':{'type':'text'},'c':{'type':'text'},"
            "'d':{'type':'text'},'e':{'type':'text'},'f':{'type':'text'},'g':{'type':'text'},'h':{'type':'"
            "text'},"
            "'i':{'type':'text'}},'compositePrimaryKey':['a','b','c','d','e','f','g','h','i']}",
            "{'$error':'limit_exceeded'}"},
           {HAS("t", "a"), "false"})},
    {"M", "createTable", "names are checked",
     STEPS({CREATE("", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("1a", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("a b", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("a;b", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("sqlite_t", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("SQLite_t", "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE(TEXT_64, "'a':{'type':'text'}"), WRONG("tableName")},
           {CREATE("t", "'a\\'b':{'type':'text'}"), "{'$error':'invalid_argument'}"},
           {CREATE("t", "'" TEXT_64 "':{'type':'text'}"), "{'$error':'invalid_argument'}"},
           {CREATE("t", "'a':{'type':'text'},'A':{'type':'text'}"), WRONG("schema.A")},
           {CREATE("t", "'a':{'type':5}"), WRONG("schema.a.type")},
           {CREATE("t", "'a':'text'"), WRONG("schema.a")}, {CREATE("t", ""), WRONG("schema")},
           {"createTable", "{'tableName':'t'}", WRONG("schema")},
           {"createTable", "{'schema':{'a':{'type':'text'}}}", WRONG("tableName")})},
    {"M", "createTable", "64 columns and no more", RUN(widest)},
    {"M", "createTable", "one of the store's own is there",
     STEPS({CREATE("mastra_threads", "'x':{'type':'text'}"), "null"}, {HAS("mastra_threads", "x"), "false"},
           {HAS("mastra_threads", "resourceId"), "true"}, THREAD("t"))},

    {"M", "alterTable", "adds what is missing, with the default of its type",
     STEPS_ON(
         TRAIT_SQLITE, NOTES, {INSERT("notes", "'id':'a'"), "null"},
         {ALTER("notes",
                "'t':{'type':'text'},'u':{'type':'uuid','nullable':false},'i':{'type':'bigint','nullable':"
                "false},"
                "'f':{'type':'float'},'b':{'type':'boolean'},'j':{'type':'jsonb'},"
                "'x':{'type':'text','nullable':true},'y':{'type':'text'},'N':{'type':'text'}",
                "'t','u','i','f','b','j','x','N','unknown'"),
          "null"},
         {HAS("notes", "y"), "false"}, {HAS("notes", "N"), "false"},
         {LOAD("notes", "'id':'a'"), "{'id':'a','n':null,'t':'','u':'','i':0,'f':0,'b':0,'j':{},'x':null}"},
         {INSERT("notes", "'id':'b','t':'text','i':5"), "null"},
         {LOAD("notes", "'id':'b'"),
          "{'id':'b','n':null,'t':'text','u':'','i':5,'f':0,'b':0,'j':{},'x':null}"})},
    {"M", "alterTable", "adds what is missing, with the default of its type, and times",
     STEPS_ON(TRAIT_POSTGRES, NOTES, {INSERT("notes", "'id':'a'"), "null"},
              {ALTER("notes",
                     "'t':{'type':'text'},'i':{'type':'bigint','nullable':false},'f':{'type':'float'},"
                     "'b':{'type':'boolean'},'j':{'type':'jsonb'},'x':{'type':'text','nullable':true},"
                     "'at':{'type':'timestamp'}",
                     "'t','i','f','b','j','x','at','unknown'"),
               "null"},
              {HAS("notes", "unknown"), "false"}, {HAS("notes", "atZ"), "true"},
              {LOAD("notes", "'id':'a'"),
               "{'id':'a','n':null,'t':'','i':0,'f':0,'b':false,'j':{},'x':null,'at':'$now'}"})},
    {"M", "alterTable", "a second time changes nothing",
     STEPS(NOTES, {ALTER("notes", "'k':{'type':'text'}", "'k'"), "null"},
           {ALTER("notes", "'k':{'type':'text'}", "'k'"), "null"}, {ALTER("notes", "", ""), "null"})},
    {"M", "alterTable", "the store's own tables take further columns",
     STEPS(THREAD("t"),
           {ALTER("mastra_threads", "'extra':{'type':'text','nullable':true}", "'extra'"), "null"},
           {HAS("mastra_threads", "extra"), "true"}, THREAD("u"), {REOPEN, NULL, NULL},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'title':'T t'}"})},
    {"M", "alterTable", "bad arguments",
     STEPS({ALTER("nothing", "'k':{'type':'text'}", "'k'"),
            "{'$error':'not_found','$id':'ALTER_TABLE_FAILED','$message':'nothing'}"},
           NOTES, {ALTER("notes", "'k':{'type':'text'}", "'k k'"), WRONG("ifNotExists[0]")},
           {"alterTable", "{'tableName':'notes','schema':{}}", WRONG("ifNotExists")})},

    {"M", "clearTable", "deletes the rows of one table",
     STEPS(NOTES, {INSERT("notes", "'id':'a'"), "null"}, THREAD("t"),
           {"clearTable", "{'tableName':'notes'}", "null"}, {LOAD("notes", "'id':'a'"), "null"},
           {HAS("notes", "id"), "true"}, {"getThreadById", "{'threadId':'t'}", "{'$open':true}"},
           {"clearTable", "{'tableName':'mastra_threads'}", "null"},
           {"getThreadById", "{'threadId':'t'}", "null"})},
    {"R18", "clearTable", "none to clear is no error",
     STEPS({"clearTable", "{'tableName':'nothing'}", "null"}, {"clearTable", "{}", WRONG("tableName")},
           {"clearTable", "{'tableName':'sqlite_schema'}", WRONG("tableName")})},

    {"M", "dropTable", "drops rows and indexes with the table",
     STEPS_ON(TRAIT_INDEXES, NOTES, {INSERT("notes", "'id':'a'"), "null"},
              {"createIndex", "{'name':'idx','table':'notes','columns':['n']}", "null"},
              {"dropTable", "{'tableName':'notes'}", "null"}, {HAS("notes", "id"), "false"},
              {"listIndexes", "{'tableName':'notes'}", "[]"},
              {LOAD("notes", "'id':'a'"), "{'$error':'not_found'}"}, NOTES,
              {LOAD("notes", "'id':'a'"), "null"})},
    {"R18", "dropTable", "none to drop is no error",
     STEPS({"dropTable", "{'tableName':'nothing'}", "null"}, {"dropTable", "{}", WRONG("tableName")},
           {"dropTable", "{'tableName':'sqlite_sequence'}", WRONG("tableName")})},
    {"M", "dropTable", "the store's own tables come back",
     STEPS_ON(TRAIT_INDEXES, THREAD("t"), {"saveMessages", "{'messages':[" MESSAGE("m", "t", "1") "]}", NULL},
              {"dropTable", "{'tableName':'mastra_messages'}", "null"},
              {"listMessages", "{'threadId':'t'}", "{'$open':true,'messages':[],'total':0}"},
              {"saveMessages", "{'messages':[" MESSAGE("n", "t", "1") "]}", NULL},
              {"dropTable", "{'tableName':'mastra_threads'}", "null"}, THREAD("u"),
              {"getThreadById", "{'threadId':'t'}", "null"},
              {"getThreadById", "{'threadId':'u'}", "{'$open':true}"},
              {"listMessages", "{'threadId':'t'}", "{'$open':true,'total':1}"})},
    {"M", "dropTable", "the store's own tables come back with their indexes",
     STEPS_ON(TRAIT_SQLITE, THREAD("t"), {"dropTable", "{'tableName':'mastra_threads'}", "null"}, THREAD("u"),
              {"listIndexes", "{'tableName':'mastra_threads'}",
               "[{'$open':true,'columns':['resourceId','createdAt']}]"})},
    {"M", "dropTable", "the store's own tables come back with their indexes, keys' among them",
     STEPS_ON(TRAIT_POSTGRES, THREAD("t"), {"dropTable", "{'tableName':'mastra_threads'}", "null"},
              THREAD("u"),
              {"listIndexes", "{'tableName':'mastra_threads'}",
               "[{'$open':true,'columns':['id'],'unique':true},"
               "{'$open':true,'columns':['resourceId','createdAt'],'unique':false}]"})},

    {"M", "hasColumn", "goes by the exact name",
     STEPS({HAS("mastra_messages", "thread_id"), "true"}, {HAS("mastra_messages", "threadId"), "false"},
           {HAS("mastra_threads", "resourceId"), "true"}, {HAS("mastra_threads", "resourceid"), "false"},
           {"hasColumn", "{'table':'mastra_threads','column':'title'}", "true"},
           {HAS("nothing", "x"), "false"}, {"hasColumn", "{'tableName':'mastra_threads'}", WRONG("column")},
           {HAS("mastra_threads", "a b"), WRONG("column")},
           {"hasColumn", "{'column':'x'}", WRONG("tableName")})},
};

const struct case_table table_case_table = CASE_TABLE(cases);
