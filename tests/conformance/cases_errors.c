/* What every operation does with arguments that are wrong, and what its errors say. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define INVALID "{'$error':'invalid_argument'}"
#define GET_T   "getThreadById", "{'threadId':'t'}"

/* Operations with an argument that they cannot do without. */
static const char *const demanding[] = {
    "saveThread",       "createThread",           "getThreadById",
    "updateThread",     "deleteThread",           "listThreadsByResourceId",
    "saveMessages",     "updateThreadResourceId", "cloneThread",
    "copyThread",       "listMessages",           "listMessagesByResourceId",
    "listMessagesById", "updateMessages",         "deleteMessages",
    "getResourceById",  "saveResource",           "updateResource",
};

static void nothing_given(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof(demanding) / sizeof(demanding[0]); i++) {
        fixture_call(fixture, demanding[i], "{}", INVALID);
        fixture_call(fixture, demanding[i], NULL, INVALID);
    }
}

/* Texts that are no JSON, or not of the kind that arguments are. */
static const char *const no_arguments[] = {
    "",    " ", "{",   "{}{}", "{'thread':}", "{'thread':{'id':01}}", "{\n\t'a':'\t'}", "nul", "[1,]",
    "{,}", "1", "'x'", "true", "{'a':1}x",    "\xef\xbb\xbf{}",
};

static void not_json(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof(no_arguments) / sizeof(no_arguments[0]); i++) {
        fixture_call(fixture, "listThreads", no_arguments[i], INVALID);
        fixture_call(fixture, "deleteMessages", no_arguments[i], INVALID);
    }
}

/* A NUL byte inside the text of the arguments is no JSON, wherever it stands. */
static void nul_bytes(struct fixture *fixture)
{
    static const char text[] = "{\"threadId\":\"a\0b\"}";
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str args = {text, sizeof(text) - 1};
    assert_int_equal(mastra_call(fixture->store, "getThreadById", args, &json, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    args = (mastra_str){"{}\0", 3};
    assert_int_equal(mastra_call(fixture->store, "listThreads", args, &json, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_null(json);
}

/* The record of an error, and its JSON form. */
static void error_record(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    size_t len = 0;
    char *untouched = (char *)&len;
    mastra_str args = mastra_str_of("{\"id\":\"no\",\"title\":\"x\"}");
    assert_int_equal(mastra_call(fixture->store, "updateThread", args, &untouched, &len, &error),
                     MASTRA_NOT_FOUND);
    assert_ptr_equal(untouched, &len);
    assert_int_equal(len, 0);
    assert_int_equal(error.status, MASTRA_NOT_FOUND);
    assert_string_equal(error.operation, "updateThread");
    assert_string_equal(error.category, "USER");
    assert_false(error.retriable);
    assert_int_equal(mastra_error_json(&error, &json, &len), MASTRA_OK);
    assert_int_equal(strlen(json), len);
    bool failed = strcmp(fixture->backend->error_store, "PG") == 0 ||
                  strcmp(fixture->backend->error_store, "DYNAMODB") == 0;
    char *text = test_format("{'code':'not_found','id':'MASTRA_STORAGE_%s_UPDATE_THREAD_%s',"
                             "'category':'USER','message':'Thread no not found','op':'updateThread',"
                             "'retriable':false,'details':'$any'}",
                             fixture->backend->error_store, failed ? "FAILED" : "NOT_FOUND");
    char *pattern = match_expand(&fixture->match, text);
    free(text);
    bool fits = match_value(&fixture->match, pattern, (mastra_str){json, len});
    free(pattern);
    mastra_json_free(json);
    if (!fits)
        fail_msg("%s", fixture->match.why);
}

/* Every operation takes a NULL error and NULL results. */
static void nothing_wanted(struct fixture *fixture)
{
    mastra_str args = mastra_str_of("{\"thread\":{\"id\":\"t\",\"resourceId\":\"r\"}}");
    assert_int_equal(mastra_call(fixture->store, "saveThread", args, NULL, NULL, NULL), MASTRA_OK);
    assert_int_equal(mastra_call(fixture->store, "noSuch", args, NULL, NULL, NULL), MASTRA_USAGE);
    assert_int_equal(mastra_call(fixture->store, "updateThread", args, NULL, NULL, NULL),
                     MASTRA_INVALID_ARGUMENT);
    fixture_call(fixture, GET_T, "{'$open':true,'id':'t'}");
}

static const struct test_case cases[] = {
    {"M", "any", "an operation that does not exist",
     STEPS({"saveThreads", "{}", "{'$error':'usage'}"}, {"", "{}", "{'$error':'usage'}"},
           {"savethread", "{}", "{'$error':'usage'}"})},
    {"M", "any", "arguments that are missing", RUN(nothing_given)},
    {"M", "any", "arguments that are no JSON", RUN_ON(TRAIT_TEXT, not_json)},
    {"M", "any", "arguments with NUL bytes", RUN_ON(TRAIT_HANDLE, nul_bytes)},
    {"M", "any", "the error record and its JSON", RUN_ON(TRAIT_HANDLE, error_record)},
    {"M", "any", "no error and no result wanted", RUN_ON(TRAIT_HANDLE, nothing_wanted)},
    {"M", "saveThread", "required members",
     STEPS({"saveThread", "{'thread':{'resourceId':'r'}}", INVALID},
           {"saveThread", "{'thread':{'id':'t'}}", INVALID},
           {"saveThread", "{'thread':{'id':null,'resourceId':'r'}}", INVALID},
           {"saveThread", "{'thread':null}", INVALID}, {"saveThread", "{'thread':[]}", INVALID},
           {"saveThread", "{'thread':'t'}", INVALID}, {GET_T, "null"})},
    {"M", "saveThread", "members of the wrong type",
     STEPS({"saveThread", "{'thread':{'id':1,'resourceId':'r'}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':{}}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':'r','title':5}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':'r','createdAt':'tomorrow'}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':'r','createdAt':1.5}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':'r','createdAt':true}}", INVALID},
           {"saveThread", "{'thread':{'id':'t','resourceId':'r','createdAt':99999999999999999}}", INVALID},
           {GET_T, "null"})},
    {"M", "saveThread", "an error names operation and field",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r','title':5}}",
            "{'$error':'invalid_argument','$field':'thread.title','$id':'SAVE_THREAD_FAILED',"
            "'$category':'USER'}"})},
    {"M", "createThread", "insists on the resource",
     STEPS({"createThread", "{'title':'x'}", INVALID},
           {"listThreads", "{}", THREADS("", PAGE("0", "0", "100", "false"))})},
    {"M", "updateThread", "insists on the id",
     STEPS({"updateThread", "{'title':'x'}", INVALID}, {"updateThread", "{'id':5,'title':'x'}", INVALID})},
    {"M", "updateThread", "members of the wrong type change nothing",
     STEPS(THREAD("t"), {"updateThread", "{'id':'t','title':5}", INVALID},
           {"updateThread", "{'id':'t','metadata':'x'}", INVALID},
           {"updateThread", "{'id':'t','metadata':5}", INVALID},
           {GET_T, "{'$open':true,'title':'T t','metadata':null,'updatedAt':" TIME("1") "}"})},
    {"M", "updateThreadResourceId", "insists on both ids",
     STEPS(THREAD("t"), {"updateThreadResourceId", "{'threadId':'t'}", INVALID},
           {"updateThreadResourceId", "{'resourceId':'r'}", INVALID},
           {"updateThreadResourceId", "{'threadId':'t','resourceId':5}", INVALID},
           {GET_T, "{'$open':true,'resourceId':'r'}"})},
    {"M", "cloneThread", "members of the wrong type",
     STEPS(THREAD("s"), {"cloneThread", "{'sourceThreadId':5}", INVALID},
           {"cloneThread", "{'sourceThreadId':'s','options':5}", INVALID},
           {"cloneThread", "{'sourceThreadId':'s','metadata':[1]}", INVALID},
           {"cloneThread", "{'sourceThreadId':'s','options':{'messageLimit':'2'}}", INVALID},
           {"cloneThread", "{'sourceThreadId':'s','options':{'messageFilter':{'messageIds':'m'}}}", INVALID},
           {"cloneThread", "{'sourceThreadId':'s','options':{'messageFilter':{'startDate':'x'}}}", INVALID},
           {"listThreads", "{}", THREADS("'s'", PAGE("1", "0", "100", "false"))})},
    {"M", "listThreads", "options of the wrong type",
     STEPS({"listThreads", "{'filter':5}", INVALID}, {"listThreads", "{'filter':{'resourceId':5}}", INVALID},
           {"listThreads", "{'filter':{'metadata':'x'}}", INVALID})},
    {"M", "any", "of repeated members the last counts",
     STEPS({"saveThread", "{'thread':{'id':'a','resourceId':'r','id':'t'}}", "{'$open':true,'id':'t'}"},
           {"getThreadById", "{'threadId':'x','threadId':'t'}", "{'$open':true,'id':'t'}"})},
    {"M", "any", "members that no operation knows are ignored",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r'},'extra':{'a':[1]}}", NULL},
           {"getThreadById", "{'threadId':'t','extra':1}", "{'$open':true,'id':'t'}"},
           {"listThreads", "{'extra':1,'filter':{'extra':2}}",
            THREADS("'t'", PAGE("1", "0", "100", "false"))})},
    {"M", "any", "white space around everything",
     STEPS({"saveThread", " \n{ 'thread' : { 'id' : 't' ,\t'resourceId' : 'r' , 'metadata' : { } } }\r\n",
            NULL},
           {"getThreadById", "\t{ 'threadId'\n: 't' }", "{'$open':true,'id':'t','metadata':{}}"},
           {"deleteMessages", " [ ] ", "null"})},
    {"M", "any", "keys with escapes are the same keys",
     STEPS({"saveThread", "{'thr\\u0065ad':{'i\\u0064':'t','resourceId':'r'}}", "{'$open':true,'id':'t'}"})},
};

const struct case_table error_case_table = CASE_TABLE(cases);
