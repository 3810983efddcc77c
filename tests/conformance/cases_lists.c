/* Lists of messages: order, pages, totals. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LIST(args, ids, page)                                                                                \
    {                                                                                                        \
        "listMessages", args, MESSAGES(ids, page)                                                            \
    }
#define BY_RESOURCE(args, ids, page)                                                                         \
    {                                                                                                        \
        "listMessagesByResourceId", args, MESSAGES(ids, page)                                                \
    }
#define DEFAULT_PAGE(count) PAGE(count, "0", "40", "false")
#define DESCENDING          "'orderBy':{'field':'createdAt','direction':'DESC'}"

#define FIVE                                                                                                 \
    SAVE(MESSAGE("c", "t", "3") "," MESSAGE("a", "t", "1") "," MESSAGE("e", "t", "5") "," MESSAGE("d", "t",  \
                                                                                                  "4"))      \
    , SAVE(MESSAGE("b", "t", "2"))
/* The same time throughout; the order of saving is z y b a x. */
#define TIED                                                                                                 \
    SAVE(MESSAGE("z", "t", "1") "," MESSAGE("y", "t", "1")), SAVE(MESSAGE("b", "t", "1")),                   \
        SAVE(MESSAGE("a", "t", "1") "," MESSAGE("x", "t", "1"))
#define RESOURCES                                                                                            \
    SAVE(MESSAGE_OF("a", "t", "r", "1") "," MESSAGE_OF("b", "u", "r", "2") "," MESSAGE_OF(                   \
        "c", "t", "q", "3") "," MESSAGE_OF("d", "u", "r", "4"))
#define THREAD_ID_ERROR                                                                                      \
    "{'$error':'invalid_argument','$id':'LIST_MESSAGES_INVALID_THREAD_ID',"                                  \
    "'$message':'threadId must be a non-empty string or array of non-empty strings'}"
#define PAGE_ERROR                                                                                           \
    "{'$error':'invalid_argument','$message':'page must be >= 0','$id':'LIST_MESSAGES_INVALID_PAGE',"        \
    "'$category':'USER'}"
#define PER_PAGE_ERROR "{'$error':'invalid_argument','$message':'perPage must be >= 0'}"

/* Saves so many messages m0000, m0001, ... of one thread, one per second, in one call. */
static void save_many(struct fixture *fixture, int count)
{
    char *args = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&args, &size);
    assert_non_null(stream);
    fputs("{'messages':[", stream);
    for (int i = 0; i < count; i++)
        fprintf(stream,
                "%s{'id':'m%04d','threadId':'t','resourceId':'r','role':'user','content':'x','createdAt':%d}",
                i ? "," : "", i, i * 1000);
    fputs("]}", stream);
    fclose(stream);
    fixture_call(fixture, "saveMessages", args, "{'messages':'$any'}");
    free(args);
}

static void default_page(struct fixture *fixture)
{
    save_many(fixture, 41);
    fixture_call(fixture, "listMessages", "{'threadId':'t'}",
                 "{'messages':'$count:40'," PAGE("41", "0", "40", "true") "}");
    fixture_call(fixture, "listMessages", "{'threadId':'t','page':1}",
                 MESSAGES("'m0040'", PAGE("41", "1", "40", "false")));
    fixture_call(fixture, "listMessagesByResourceId", "{'resourceId':'r'}",
                 "{'messages':'$count:40'," PAGE("41", "0", "40", "true") "}");
}

static void thread_default_page(struct fixture *fixture)
{
    for (int i = 0; i < 101; i++) {
        char *args = test_format("{'thread':{'id':'t%03d','resourceId':'r','createdAt':%d}}", i, i);
        fixture_call(fixture, "saveThread", args, NULL);
        free(args);
    }
    fixture_call(fixture, "listThreads", "{}",
                 "{'threads':'$count:100'," PAGE("101", "0", "100", "true") "}");
    fixture_call(fixture, "listThreads", "{'page':1}", THREADS("'t000'", PAGE("101", "1", "100", "false")));
}

/* More messages than fit in any batch; every page from either end. */
static void many_pages(struct fixture *fixture)
{
    save_many(fixture, 1203);
    fixture_call(fixture, "listMessages", "{'threadId':'t','perPage':false}",
                 "{'messages':'$count:1203'," PAGE("1203", "0", "false", "false") "}");
    for (int page = 0; page < 601; page += 75) {
        char *args = test_format("{'threadId':'t','perPage':2,'page':%d}", page);
        char *back = test_format("{'threadId':'t','perPage':2,'page':%d," DESCENDING "}", page);
        char *want = test_format("{'messages':{'$ids':['m%04d','m%04d']},'total':1203,'page':%d,'perPage':2,"
                                 "'hasMore':true}",
                                 2 * page, 2 * page + 1, page);
        char *want_back = test_format("{'messages':{'$ids':['m%04d','m%04d']},'total':1203,'page':%d,"
                                      "'perPage':2,'hasMore':true}",
                                      1202 - 2 * page, 1201 - 2 * page, page);
        fixture_call(fixture, "listMessages", args, want);
        fixture_call(fixture, "listMessages", back, want_back);
        free(args);
        free(back);
        free(want);
        free(want_back);
    }
}

/* More kinds of lists than a connection keeps statements for, twice over. */
static void many_kinds(struct fixture *fixture)
{
    static const char *const ranges[] = {
        "",
        "'start':0",
        "'end':99999999",
        "'start':0,'end':99999999",
        "'start':-1,'startExclusive':true",
        "'end':99999999,'endExclusive':true",
    };
    static const char *const threads[] = {"'t'", "['t','u']", "['t','u','v']"};
    static const char *const pages[] = {"'perPage':5", "'perPage':false", "'perPage':5,'includeTotal':false"};
    save_many(fixture, 3);
    for (int i = 0; i < 2 * 6 * 3 * 3 * 2 * 2; i++) {
        char *args =
            test_format("{'threadId':%s,%s,'orderBy':{'direction':'%s'}%s,'filter':{'dateRange':{%s}}}",
                        threads[i % 3], pages[i / 3 % 3], i / 9 % 2 ? "DESC" : "ASC",
                        i / 18 % 2 ? ",'resourceId':'r'" : "", ranges[i / 36 % 6]);
        fixture_call(fixture, "listMessages", args,
                     i / 9 % 2 ? "{'$open':true,'messages':{'$ids':['m0002','m0001','m0000']}}"
                               : "{'$open':true,'messages':{'$ids':['m0000','m0001','m0002']}}");
        free(args);
    }
}

/* A total that was counted must not outlive a write that another handle makes. */
static void total_after_other_writer(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    save_many(fixture, 3);
    fixture_call(fixture, "listMessages", "{'threadId':'t','perPage':1}",
                 MESSAGES("'m0000'", PAGE("3", "0", "1", "true")));
    mastra_store *mine = fixture->store;
    fixture->store = fixture_open_again(fixture);
    save_many(fixture, 5);
    mastra_store *other = fixture->store;
    fixture->store = mine;
    fixture_call(fixture, "listMessages", "{'threadId':'t','perPage':1}",
                 MESSAGES("'m0000'", PAGE("5", "0", "1", "true")));
    fixture->store = other;
    fixture_call(fixture, "deleteThread", "{'threadId':'t'}", "null");
    fixture->store = mine;
    fixture_ok(mastra_close(other, &error), &error);
    fixture_call(fixture, "listMessages", "{'threadId':'t','perPage':1}",
                 MESSAGES("", PAGE("0", "0", "1", "false")));
}

static const struct test_case cases[] = {
    {"M", "listMessages", "an unknown thread has an empty page",
     STEPS(LIST("{'threadId':'none'}", "", DEFAULT_PAGE("0")))},
    {"M", "listMessages", "oldest first by default",
     STEPS(FIVE, LIST("{'threadId':'t'}", "'a','b','c','d','e'", DEFAULT_PAGE("5")),
           LIST("{'threadId':'t','orderBy':{'field':'createdAt','direction':'ASC'}}", "'a','b','c','d','e'",
                DEFAULT_PAGE("5")))},
    {"M", "listMessages", "newest first when asked",
     STEPS(FIVE, LIST("{'threadId':'t'," DESCENDING "}", "'e','d','c','b','a'", DEFAULT_PAGE("5")))},
    {"R6", "listMessages", "equal times keep the order of saving",
     STEPS(TIED, LIST("{'threadId':'t'}", "'z','y','b','a','x'", DEFAULT_PAGE("5")))},
    {"R6", "listMessages", "descending is the exact reverse",
     STEPS(TIED, LIST("{'threadId':'t'," DESCENDING "}", "'x','a','b','y','z'", DEFAULT_PAGE("5")))},
    {"R6", "listMessages", "equal times over pages, ascending",
     STEPS(TIED, LIST("{'threadId':'t','perPage':2}", "'z','y'", PAGE("5", "0", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':1}", "'b','a'", PAGE("5", "1", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':2}", "'x'", PAGE("5", "2", "2", "false")))},
    {"R6", "listMessages", "equal times over pages, descending",
     STEPS(
         TIED, LIST("{'threadId':'t','perPage':2," DESCENDING "}", "'x','a'", PAGE("5", "0", "2", "true")),
         LIST("{'threadId':'t','perPage':2,'page':1," DESCENDING "}", "'b','y'", PAGE("5", "1", "2", "true")),
         LIST("{'threadId':'t','perPage':2,'page':2," DESCENDING "}", "'z'", PAGE("5", "2", "2", "false")))},
    {"R6", "listMessages", "a message saved again keeps its place",
     STEPS(TIED, SAVE(MESSAGE("y", "t", "9")), SAVE(MESSAGE("z", "t", "9")),
           LIST("{'threadId':'t'}", "'z','y','b','a','x'", DEFAULT_PAGE("5")), {REOPEN, NULL, NULL},
           LIST("{'threadId':'t'}", "'z','y','b','a','x'", DEFAULT_PAGE("5")))},
    {"R10", "listMessages", "an unknown field and updatedAt give the default order",
     STEPS(FIVE,
           LIST("{'threadId':'t','orderBy':{'field':'updatedAt'}}", "'a','b','c','d','e'", DEFAULT_PAGE("5")),
           LIST("{'threadId':'t','orderBy':{'field':'role; --','direction':'sideways'}}",
                "'a','b','c','d','e'", DEFAULT_PAGE("5")),
           LIST("{'threadId':'t','orderBy':{'field':'updatedAt','direction':'DESC'}}", "'e','d','c','b','a'",
                DEFAULT_PAGE("5")))},
    {"M", "listMessages", "pages",
     STEPS(FIVE, LIST("{'threadId':'t','perPage':2}", "'a','b'", PAGE("5", "0", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':1}", "'c','d'", PAGE("5", "1", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':2}", "'e'", PAGE("5", "2", "2", "false")),
           LIST("{'threadId':'t','perPage':2,'page':3}", "", PAGE("5", "3", "2", "false")),
           LIST("{'threadId':'t','perPage':5}", "'a','b','c','d','e'", PAGE("5", "0", "5", "false")))},
    {"M", "listMessages", "the newest page, as an agent asks for it",
     STEPS(FIVE,
           LIST("{'threadId':'t','perPage':2," DESCENDING "}", "'e','d'", PAGE("5", "0", "2", "true")))},
    {"M", "listMessages", "perPage false means all",
     STEPS(FIVE,
           LIST("{'threadId':'t','perPage':false}", "'a','b','c','d','e'", PAGE("5", "0", "false", "false")),
           LIST("{'threadId':'t','perPage':false," DESCENDING "}", "'e','d','c','b','a'",
                PAGE("5", "0", "false", "false")))},
    {"M", "listMessages", "perPage 0 without include asks for nothing",
     STEPS(FIVE, LIST("{'threadId':'t','perPage':0}", "", PAGE("0", "0", "0", "false")))},
    {"M", "listMessages", "40 to a page", RUN(default_page)},
    {"M", "listThreads", "100 to a page", RUN(thread_default_page)},
    {"R6", "listMessages", "many pages from both ends", RUN(many_pages)},
    {"M", "listMessages", "many kinds of lists one after the other", RUN(many_kinds)},
    {"R7", "listMessages", "totals follow another handle's writes",
     RUN_ON(TRAIT_HANDLE | TRAIT_SHARED, total_after_other_writer)},
    {"R7", "listMessages", "totals follow every kind of change",
     STEPS(FIVE, LIST("{'threadId':'t','perPage':1}", "'a'", PAGE("5", "0", "1", "true")),
           {"deleteMessages", "['a','c']", NULL},
           LIST("{'threadId':'t','perPage':1}", "'b'", PAGE("3", "0", "1", "true")),
           SAVE(MESSAGE("b", "t", "2") "," MESSAGE("f", "t", "6")),
           LIST("{'threadId':'t','perPage':1}", "'b'", PAGE("4", "0", "1", "true")),
           SAVE(MESSAGE("b", "u", "2")),
           LIST("{'threadId':'t','perPage':1}", "'d'", PAGE("3", "0", "1", "true")),
           LIST("{'threadId':'u','perPage':1}", "'b'", PAGE("1", "0", "1", "false")),
           {"deleteThread", "{'threadId':'t'}", NULL},
           LIST("{'threadId':'t','perPage':1}", "", PAGE("0", "0", "1", "false")))},
    {"R7", "listMessages", "totals per resource within a thread",
     STEPS(RESOURCES, LIST("{'threadId':'t','resourceId':'r'}", "'a'", DEFAULT_PAGE("1")),
           LIST("{'threadId':'t','resourceId':'q'}", "'c'", DEFAULT_PAGE("1")),
           LIST("{'threadId':'t'}", "'a','c'", DEFAULT_PAGE("2")),
           {"updateMessages", "{'messages':[{'id':'a','resourceId':'q'}]}", NULL},
           LIST("{'threadId':'t','resourceId':'r'}", "", DEFAULT_PAGE("0")),
           LIST("{'threadId':'t','resourceId':'q'}", "'a','c'", DEFAULT_PAGE("2")))},
    {"R7", "listMessages", "totals follow a thread that changes hands and its copies",
     STEPS(THREAD("t"), FIVE,
           LIST("{'threadId':'t','resourceId':'r','perPage':1}", "'a'", PAGE("5", "0", "1", "true")),
           LIST("{'threadId':'t','resourceId':'q','perPage':1}", "", PAGE("0", "0", "1", "false")),
           BY_RESOURCE("{'resourceId':'q','perPage':1}", "", PAGE("0", "0", "1", "false")),
           LIST("{'threadId':'n','perPage':1}", "", PAGE("0", "0", "1", "false")),
           {"updateThreadResourceId", "{'threadId':'t','resourceId':'q'}", NULL},
           LIST("{'threadId':'t','resourceId':'r','perPage':1}", "", PAGE("0", "0", "1", "false")),
           LIST("{'threadId':'t','resourceId':'q','perPage':1}", "'a'", PAGE("5", "0", "1", "true")),
           {"cloneThread", "{'sourceThreadId':'t','newThreadId':'n'}", NULL},
           {"listMessages", "{'threadId':'n','perPage':1}",
            "{'messages':'$count:1'," PAGE("5", "0", "1", "true") "}"},
           {"listMessagesByResourceId", "{'resourceId':'q','perPage':1}",
            "{'messages':'$count:1'," PAGE("10", "0", "1", "true") "}"})},
    {"R7", "listMessages", "includeTotal false counts what the pages so far hold",
     STEPS(FIVE,
           LIST("{'threadId':'t','perPage':2,'includeTotal':false}", "'a','b'", PAGE("2", "0", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':1,'includeTotal':false}", "'c','d'",
                PAGE("4", "1", "2", "true")),
           LIST("{'threadId':'t','perPage':2,'page':2,'includeTotal':false}", "'e'",
                PAGE("5", "2", "2", "false")),
           LIST("{'threadId':'t','perPage':5,'includeTotal':false}", "'a','b','c','d','e'",
                PAGE("5", "0", "5", "false")),
           LIST("{'threadId':'t','perPage':false,'includeTotal':false}", "'a','b','c','d','e'",
                PAGE("5", "0", "false", "false")))},
    {"R7", "listMessages", "includeTotal true is the default",
     STEPS(FIVE,
           LIST("{'threadId':'t','perPage':2,'includeTotal':true}", "'a','b'", PAGE("5", "0", "2", "true")))},
    {"M", "listMessages", "several threads in one list",
     STEPS(SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "u", "2") "," MESSAGE("c", "v", "3") "," MESSAGE(
               "d", "t", "4")),
           LIST("{'threadId':['t','u']}", "'a','b','d'", DEFAULT_PAGE("3")),
           LIST("{'threadId':['u','t','u','none']}", "'a','b','d'", DEFAULT_PAGE("3")),
           LIST("{'threadId':['t','u','v'],'perPage':2," DESCENDING "}", "'d','c'",
                PAGE("4", "0", "2", "true")),
           LIST("{'threadId':['v']}", "'c'", DEFAULT_PAGE("1")))},
    {"R6", "listMessages", "equal times over several threads keep the order of saving",
     STEPS(SAVE(MESSAGE("z", "u", "1") "," MESSAGE("y", "t", "1") "," MESSAGE("b", "u", "1") "," MESSAGE(
               "a", "t", "1")),
           LIST("{'threadId':['t','u']}", "'z','y','b','a'", DEFAULT_PAGE("4")))},
    {"M", "listMessages", "filters by resource",
     STEPS(RESOURCES, LIST("{'threadId':'t','resourceId':'q'}", "'c'", DEFAULT_PAGE("1")),
           LIST("{'threadId':['t','u'],'resourceId':'r'}", "'a','b','d'", DEFAULT_PAGE("3")),
           LIST("{'threadId':'t','resourceId':'none'}", "", DEFAULT_PAGE("0")))},
    {"M", "listMessages", "an empty resource is no filter",
     STEPS(RESOURCES, LIST("{'threadId':'t','resourceId':''}", "'a','c'", DEFAULT_PAGE("2")))},
    {"M", "listMessages", "null options mean their defaults",
     STEPS(FIVE, LIST("{'threadId':'t','resourceId':null,'include':null,'filter':null,'page':null,"
                      "'perPage':null,'orderBy':null,'includeTotal':null}",
                      "'a','b','c','d','e'", DEFAULT_PAGE("5")))},
    {"M", "listMessages", "insists on a thread",
     STEPS({"listMessages", "{'threadId':''}", THREAD_ID_ERROR},
           {"listMessages", "{'threadId':'  '}", THREAD_ID_ERROR},
           {"listMessages", "{'threadId':[]}", THREAD_ID_ERROR},
           {"listMessages", "{'threadId':['t',' ']}", THREAD_ID_ERROR},
           {"listMessages", "{}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':5}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':['t',5]}", "{'$error':'invalid_argument'}"})},
    {"M", "listMessages", "page and perPage are checked",
     STEPS({"listMessages", "{'threadId':'t','page':-1}", PAGE_ERROR},
           {"listMessages", "{'threadId':'t','page':1.5}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','page':'1'}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','perPage':-1}", PER_PAGE_ERROR},
           {"listMessages", "{'threadId':'t','perPage':1.5}", PER_PAGE_ERROR},
           {"listMessages", "{'threadId':'t','perPage':true}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','perPage':'2'}", "{'$error':'invalid_argument'}"})},

    {"M", "listMessagesByResourceId", "over all threads of the resource",
     STEPS(RESOURCES,
           {"listMessagesByResourceId", "{'resourceId':'r'}",
            "{'messages':[" READ_OF("a", "t", "r", "1") "," READ_OF("b", "u", "r", "2") "," READ_OF(
                "d", "u", "r", "4") "]," DEFAULT_PAGE("3") "}"},
           BY_RESOURCE("{'resourceId':'none'}", "", DEFAULT_PAGE("0")))},
    {"M", "listMessagesByResourceId", "pages, order and totals",
     STEPS(RESOURCES, BY_RESOURCE("{'resourceId':'r','perPage':2}", "'a','b'", PAGE("3", "0", "2", "true")),
           BY_RESOURCE("{'resourceId':'r','perPage':2,'page':1}", "'d'", PAGE("3", "1", "2", "false")),
           BY_RESOURCE("{'resourceId':'r','perPage':false," DESCENDING "}", "'d','b','a'",
                       PAGE("3", "0", "false", "false")),
           BY_RESOURCE("{'resourceId':'r','perPage':0}", "", PAGE("0", "0", "0", "false")),
           BY_RESOURCE("{'resourceId':'r','perPage':1,'includeTotal':false}", "'a'",
                       PAGE("1", "0", "1", "true")))},
    {"R9", "listMessagesByResourceId", "takes a range of dates",
     STEPS(RESOURCES, BY_RESOURCE("{'resourceId':'r','filter':{'dateRange':{'start':2000,'end':4000,"
                                  "'endExclusive':true}}}",
                                  "'b'", DEFAULT_PAGE("1")))},
    {"M", "listMessagesByResourceId", "insists on the resource",
     STEPS({"listMessagesByResourceId", "{'resourceId':' '}",
            "{'$error':'invalid_argument','$message':'resourceId is required',"
            "'$id':'LIST_MESSAGES_BY_RESOURCE_ID_INVALID_QUERY','$category':'USER'}"},
           {"listMessagesByResourceId", "{'resourceId':''}", "{'$error':'invalid_argument'}"},
           {"listMessagesByResourceId", "{}", "{'$error':'invalid_argument'}"},
           {"listMessagesByResourceId", "{'resourceId':'r','page':-1}", "{'$error':'invalid_argument'}"})},
};

const struct case_table list_case_table = CASE_TABLE(cases);
