/* Text that is hard to keep: escapes, zeros, surrogates, quotes, sizes, depths. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define INVALID "{'$error':'invalid_argument'}"
#define GET_T   "getThreadById", "{'threadId':'t'}"
#define META(metadata)                                                                                       \
    {                                                                                                        \
        "saveThread", "{'thread':{'id':'t','resourceId':'r','metadata':" metadata "}}", NULL                 \
    }
#define CONTENT(content)                                                                                     \
    {                                                                                                        \
        "saveMessages", "{'messages':[{'id':'m','threadId':'t','role':'user','content':" content "}]}", NULL \
    }
#define GET_M        "listMessagesById", "{'messageIds':['m']}"
#define HAS(content) "{'messages':[{'$open':true,'content':" content "}]}"

/* An id with everything that could break a statement, a key or a line. */
#define ID                                                                                                   \
    "it\\u0027s \\'q\\' `x` \\\\ ;-- %s %00 \\n\\t\\r \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80 #/?&"

static char *big_text(size_t size)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz 0123456789.";
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = alphabet[i * 7 % (sizeof(alphabet) - 1)];
    text[size] = '\0';
    return text;
}

static void five_megabytes(struct fixture *fixture)
{
    char *text = big_text((size_t)5 << 20);
    char *args = test_format("{'messages':[{'id':'m','threadId':'t','role':'user','content':'%s'},"
                             "{'id':'n','threadId':'t','role':'user','content':{'text':'%s','n':1}}]}",
                             text, text);
    char *want = test_format("{'messages':[{'$open':true,'content':'%s'},"
                             "{'$open':true,'content':{'text':'%s','n':1}}]}",
                             text, text);
    fixture_call(fixture, "saveMessages", args, "{'messages':'$count:2'}");
    fixture_call(fixture, "listMessagesById", "{'messageIds':['m','n']}", want);
    free(args);
    args = test_format("{'resource':{'id':'r','workingMemory':'%s'}}", text);
    fixture_call(fixture, "saveResource", args, NULL);
    free(args);
    free(want);
    want = test_format("{'$open':true,'workingMemory':'%s'}", text);
    fixture_call(fixture, "getResourceById", "{'resourceId':'r'}", want);
    free(want);
    free(text);
}

static char *nested(int depth, const char *inside)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (int i = 0; i < depth; i++)
        fputs(i % 2 ? "[" : "{'a':", stream);
    fputs(inside, stream);
    for (int i = depth; i-- > 0;)
        fputc(i % 2 ? ']' : '}', stream);
    fclose(stream);
    return text;
}

/* Arguments may be 1,000 deep in all; the two levels around metadata count. */
static void depths(struct fixture *fixture)
{
    char *deep = nested(998, "1");
    char *args = test_format("{'thread':{'id':'t','resourceId':'r','metadata':%s}}", deep);
    char *want = test_format("{'$open':true,'metadata':{'$raw':%s}}", deep);
    fixture_call(fixture, "saveThread", args, NULL);
    fixture_call(fixture, "getThreadById", "{'threadId':'t'}", want);
    free(args);
    free(want);
    free(deep);
    deep = nested(999, "1");
    args = test_format("{'thread':{'id':'u','resourceId':'r','metadata':%s}}", deep);
    fixture_call(fixture, "saveThread", args, INVALID);
    fixture_call(fixture, "getThreadById", "{'threadId':'u'}", "null");
    free(args);
    free(deep);
}

/* Text content is text however deep its brackets are, as long as it is within what JSON may be. */
static void brackets(struct fixture *fixture)
{
    char *deep = nested(1000, "1");
    for (char *at = deep; *at; at++)
        *at = *at == '\'' ? '`' : *at;
    char *args = test_format("{'messages':[{'id':'m','threadId':'t','role':'user','content':'%s'}]}", deep);
    char *want = test_format(HAS("'%s'"), deep);
    fixture_call(fixture, "saveMessages", args, NULL);
    fixture_call(fixture, GET_M, want);
    free(args);
    free(want);
    free(deep);
}

/* Bytes that are not UTF-8: cut, overlong, surrogates, beyond the end of Unicode. */
static const char *const bad_bytes[] = {
    "\x80", "\xff", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x98",
};

static void invalid_utf8(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++) {
        char *thread = test_format("{'thread':{'id':'t','resourceId':'r','title':'x%sy'}}", bad_bytes[i]);
        char *meta = test_format("{'thread':{'id':'t','resourceId':'r','metadata':{'%s':1}}}", bad_bytes[i]);
        char *message =
            test_format("{'messages':[" MESSAGE(
                            "m", "t", "1") ",{'id':'n','threadId':'t','role':'user','content':'%s'}]}",
                        bad_bytes[i]);
        fixture_call(fixture, "saveThread", thread, INVALID);
        fixture_call(fixture, "saveThread", meta, INVALID);
        fixture_call(fixture, "saveMessages", message, INVALID);
        free(thread);
        free(meta);
        free(message);
    }
    fixture_call(fixture, "listThreads", "{}", THREADS("", PAGE("0", "0", "100", "false")));
    fixture_call(fixture, "listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false")));
}

/* An id of a megabyte is still an id. */
static void long_ids(struct fixture *fixture)
{
    char *id = big_text(100000);
    char *args = test_format("{'thread':{'id':'%s','resourceId':'%s','title':'%s'}}", id, id, id);
    char *get = test_format("{'threadId':'%s'}", id);
    char *want = test_format("{'$open':true,'id':'%s','resourceId':'%s','title':'%s'}", id, id, id);
    char *missing = test_format("{'id':'%sx'}", id);
    fixture_call(fixture, "saveThread", args, NULL);
    fixture_call(fixture, "getThreadById", get, want);
    fixture_call(fixture, "updateThread", missing, "{'$error':'not_found'}");
    free(args);
    free(get);
    free(want);
    free(missing);
    free(id);
}

/* More ids in one call than a statement has parameters. */
static void many_ids(struct fixture *fixture)
{
    char *args = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&args, &size);
    assert_non_null(stream);
    fputs("{'messageIds':[", stream);
    for (int i = 0; i < 40000; i++)
        fprintf(stream, "'m%d',", i);
    fputs("'last']}", stream);
    fclose(stream);
    fixture_call(fixture, "saveMessages",
                 "{'messages':[" MESSAGE("last", "t", "2") "," MESSAGE("m39999", "t", "1") "]}", NULL);
    fixture_call(fixture, "listMessagesById", args, "{'messages':{'$ids':['m39999','last']}}");
    memmove(args, strchr(args, '['), strlen(strchr(args, '[')));
    *strchr(args, ']') = '\0';
    char *list = test_format("%s]", args);
    fixture_call(fixture, "deleteMessages", list, "null");
    fixture_call(fixture, "listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false")));
    free(list);
    free(args);
}

static const struct test_case cases[] = {
    {"R1", "saveThread", "ids with quotes, newlines, emoji and SQL",
     STEPS({"saveThread", "{'thread':{'id':'" ID "','resourceId':'" ID "x','title':'" ID "y'}}", NULL},
           {REOPEN, NULL, NULL},
           {"getThreadById", "{'threadId':'" ID "','resourceId':'" ID "x'}",
            "{'$open':true,'id':'" ID "','resourceId':'" ID "x','title':'" ID "y'}"},
           {"listThreads", "{'filter':{'resourceId':'" ID "x'}}",
            THREADS("'" ID "'", PAGE("1", "0", "100", "false"))},
           {"updateThread", "{'id':'" ID "','title':'z'}", "{'$open':true,'id':'" ID "','title':'z'}"},
           {"deleteThread", "{'threadId':'" ID "'}", "null"},
           {"getThreadById", "{'threadId':'" ID "'}", "null"})},
    {"R1", "saveMessages", "message ids with quotes, newlines, emoji and SQL",
     STEPS({"saveMessages",
            "{'messages':[{'id':'" ID "','threadId':'" ID "t','resourceId':'" ID "r','role':'" ID
            "','type':'" ID "','content':'" ID "','createdAt':1000}]}",
            NULL},
           {"listMessages", "{'threadId':['" ID "t'],'resourceId':'" ID "r'}",
            "{'messages':[{'id':'" ID "','threadId':'" ID "t','resourceId':'" ID "r','role':'" ID
            "','type':'" ID "','content':'" ID
            "','createdAt':" TIME("1") "}]," PAGE("1", "0", "40", "false") "}"},
           {"listMessages", "{'threadId':'none','perPage':0,'include':[{'id':'" ID "'}]}",
            MESSAGES("'" ID "'", PAGE("0", "0", "0", "false"))},
           {"deleteMessages", "['" ID "']", "null"},
           {"listMessagesById", "{'messageIds':['" ID "']}", "{'messages':[]}"})},
    {"R1", "saveResource", "resource ids with quotes, newlines, emoji and SQL",
     STEPS({"saveResource", "{'resource':{'id':'" ID "','workingMemory':'" ID "'}}", NULL},
           {"getResourceById", "{'resourceId':'" ID "'}",
            "{'$open':true,'id':'" ID "','workingMemory':'" ID "'}"})},
    {"R1", "saveThread", "ids that differ in case or normal form are different",
     STEPS_ON(TRAIT_CASED, {"saveThread", "{'thread':{'id':'caf\\u00e9','resourceId':'r'}}", NULL},
              {"saveThread", "{'thread':{'id':'cafe\\u0301','resourceId':'r'}}", NULL},
              {"saveThread", "{'thread':{'id':'CAF\\u00c9','resourceId':'r'}}", NULL},
              {"saveThread", "{'thread':{'id':'caf\\u00e9 ','resourceId':'r'}}", NULL},
              {"listThreads", "{}", "{'threads':'$count:4'," PAGE("4", "0", "100", "false") "}"},
              {"getThreadById", "{'threadId':'caf\xc3\xa9'}", "{'$open':true,'id':'caf\\u00e9'}"})},
    /* Keys are lower-cased, as the peer's are: the last spelling is the item's. */
    {"R1", "saveThread", "ids that differ in case are one item, read by the last spelling alone",
     STEPS_ON(TRAIT_DYNAMODB, {"saveThread", "{'thread':{'id':'caf\\u00e9','resourceId':'r'}}", NULL},
              {"saveThread", "{'thread':{'id':'cafe\\u0301','resourceId':'r'}}", NULL},
              {"saveThread", "{'thread':{'id':'CAF\\u00c9','resourceId':'r'}}", NULL},
              {"listThreads", "{}", "{'threads':'$count:2'," PAGE("2", "0", "100", "false") "}"},
              {"getThreadById", "{'threadId':'caf\xc3\xa9'}", "null"},
              {"getThreadById", "{'threadId':'CAF\xc3\x89'}", "{'$open':true,'id':'CAF\\u00c9'}"})},
    {"R6", "listThreads", "ids order by their bytes",
     STEPS(THREAD("a"), THREAD("B"), THREAD("\xc3\xa9"), THREAD("\xf0\x9f\x9a\x80"), THREAD("\xef\xbf\xbd"),
           THREAD("10"), THREAD("9"),
           {"listThreads", "{'orderBy':{'direction':'ASC'}}",
            THREADS("'10','9','B','a','\xc3\xa9','\xef\xbf\xbd','\xf0\x9f\x9a\x80'",
                    PAGE("7", "0", "100", "false"))})},
    {"R1", "saveThread", "U+0000 and lone surrogates are refused in ids and titles",
     STEPS({"saveThread", "{'thread':{'id':'a\\u0000','resourceId':'r'}}", INVALID},
           {"saveThread", "{'thread':{'id':'a','resourceId':'\\u0000'}}", INVALID},
           {"saveThread", "{'thread':{'id':'a','resourceId':'r','title':'x\\u0000y'}}", INVALID},
           {"saveThread", "{'thread':{'id':'\\ud800','resourceId':'r'}}", INVALID},
           {"saveThread", "{'thread':{'id':'a','resourceId':'r','title':'\\udfff'}}", INVALID},
           {"getThreadById", "{'threadId':'a\\u0000'}", INVALID},
           {"deleteThread", "{'threadId':'\\ud800x'}", INVALID},
           {"listThreads", "{}", THREADS("", PAGE("0", "0", "100", "false"))})},
    {"R1", "saveMessages", "U+0000 and lone surrogates are refused in ids, roles and types",
     STEPS(
         {"saveMessages", "{'messages':[{'id':'\\u0000','threadId':'t','role':'u','content':'x'}]}", INVALID},
         {"saveMessages", "{'messages':[{'id':'m','threadId':'\\u0000t','role':'u','content':'x'}]}",
          INVALID},
         {"saveMessages", "{'messages':[{'id':'m','threadId':'t','role':'\\ud83d','content':'x'}]}", INVALID},
         {"saveMessages",
          "{'messages':[{'id':'m','threadId':'t','role':'u','type':'\\u0000','content':'x'}]}", INVALID},
         {"saveMessages",
          "{'messages':[{'id':'m','threadId':'t','role':'u','resourceId':'\\udc00','content':'x'}]}",
          INVALID},
         {"listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false"))})},
    {"R2", "saveThread", "U+0000 and lone surrogates stay in metadata",
     STEPS_ON(TRAIT_RAW_JSON, META("{'a\\u0000b':'x\\u0000y','s':'\\ud800','t':'\\udc00\\ud800'}"),
              {GET_T, "{'$open':true,'metadata':{'$raw':{'a\\u0000b':'x\\u0000y','s':'\\ud800',"
                      "'t':'\\udc00\\ud800'}}}"},
              {"updateThread", "{'id':'t','metadata':{'n':'\\u0000'}}", NULL},
              {GET_T, "{'$open':true,'metadata':{'$raw':{'a\\u0000b':'x\\u0000y','s':'\\ud800',"
                      "'t':'\\udc00\\ud800','n':'\\u0000'}}}"})},
    {"R2", "saveMessages", "U+0000 and lone surrogates stay in content that is JSON",
     STEPS(CONTENT("{'t':'a\\u0000b\\ud800','\\u0000':1}"),
           {GET_M, HAS("{'$raw':{'t':'a\\u0000b\\ud800','\\u0000':1}}")})},
    {"R2", "saveMessages", "plain text with U+0000 or a lone surrogate is kept as its literal",
     STEPS(CONTENT("'a\\u0000b'"), {GET_M, HAS("'\\'a\\\\u0000b\\''")}, CONTENT("'\\ud83d x'"),
           {GET_M, HAS("'\\'\\\\ud83d x\\''")})},
    {"R2", "saveMessages", "escapes in plain text become their characters",
     STEPS(CONTENT("'\\u00e9\\ud83d\\ude80\\/\\b\\f\\n\\r\\t\\u001f\\u007f'"),
           {GET_M, HAS("'\xc3\xa9\xf0\x9f\x9a\x80/\\b\\f\\n\\r\\t\\u001f\x7f'")})},
    {"R2", "saveMessages", "control characters and separators come out escaped or plain, never broken",
     STEPS(CONTENT("'\\u0001\\u001f \\u2028\\u2029\\ufeff\\uffff'"),
           {GET_M, HAS("'\\u0001\\u001f \xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf\xef\xbf\xbf'")})},
    {"R2", "saveResource", "working memory with U+0000",
     STEPS_ON(TRAIT_NUL, {"saveResource", "{'resource':{'id':'r','workingMemory':'a\\u0000b'}}", NULL},
              {REOPEN, NULL, NULL},
              {"getResourceById", "{'resourceId':'r'}", "{'$open':true,'workingMemory':'a\\u0000b'}"})},
    {"R2", "saveResource", "working memory with U+0000 where there is no room for it",
     STEPS_ON(TRAIT_POSTGRES,
              {"saveResource", "{'resource':{'id':'r','workingMemory':'a\\u0000b'}}",
               "{'$error':'invalid_argument','$field':'workingMemory'}"},
              {"getResourceById", "{'resourceId':'r'}", "null"})},
    {"R2", "saveThread", "metadata keeps order, repeats, white space and spelling",
     STEPS_ON(
         TRAIT_RAW_JSON, META("{ 'z' : 1, 'a':2,'z':3 , '':0,'\\u0061\\/':[ 1 ,2 ] }"), {REOPEN, NULL, NULL},
         {GET_T, "{'$open':true,'metadata':{'$raw':{ 'z' : 1, 'a':2,'z':3 , '':0,'\\u0061\\/':[ 1 ,2 ] }}}"},
         {"listThreads", "{}",
          "{'$open':true,'threads':[{'$open':true,'metadata':{'$raw':{ 'z' : 1, 'a':2,'z':3 , '':0,"
          "'\\u0061\\/':[ 1 ,2 ] }}}]}"})},
    {"R3", "saveThread", "numbers beyond 2^53 and long decimals survive in metadata",
     STEPS_ON(TRAIT_RAW_JSON | TRAIT_TEXT,
              META("{'n':9007199254740993,'m':-9223372036854775809,'d':3.14159265358979323846264338327950288,"
                   "'e':1E+400,'z':-0.0}"),
              {GET_T, "{'$open':true,'metadata':{'$raw':{'n':9007199254740993,'m':-9223372036854775809,"
                      "'d':3.14159265358979323846264338327950288,'e':1E+400,'z':-0.0}}}"})},
    {"R3", "saveThread", "numbers beyond 2^53 and long decimals survive in metadata, whatever their spelling",
     STEPS_ON(TRAIT_JSONB | TRAIT_TEXT,
              META("{'n':9007199254740993,'m':-9223372036854775809,'d':3.14159265358979323846264338327950288,"
                   "'e':1E+20}"),
              {GET_T, "{'$open':true,'metadata':{'n':9007199254740993,'m':-9223372036854775809,"
                      "'d':3.14159265358979323846264338327950288,'e':100000000000000000000}}"})},
    {"R3", "updateThread", "numbers beyond 2^53 survive a change beside them",
     STEPS_ON(TRAIT_TEXT, META("{'n':9007199254740993,'o':{'p':1.10}}"),
              {"updateThread", "{'id':'t','metadata':{'x':18446744073709551615}}", NULL},
              {GET_T, "{'$open':true,'metadata':{'n':{'$raw':9007199254740993},'o':{'p':{'$raw':1.10}},"
                      "'x':{'$raw':18446744073709551615}}}"})},
    {"R5", "saveMessages", "5 MB of content, text and object", RUN_ON(TRAIT_LARGE, five_megabytes)},
    {"M", "saveThread", "arguments 1,000 deep and 1,001 deep", RUN_ON(TRAIT_RAW_JSON, depths)},
    {"M", "saveMessages", "brackets in plain text", RUN(brackets)},
    {"M", "saveThread", "long ids", RUN_ON(TRAIT_LARGE, long_ids)},
    {"M", "any", "invalid UTF-8 is refused and writes nothing", RUN_ON(TRAIT_HANDLE, invalid_utf8)},
    {"M", "listMessagesById", "forty thousand ids in one call", RUN(many_ids)},
};

const struct case_table text_case_table = CASE_TABLE(cases);
