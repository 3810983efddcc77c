/* Lists of threads: order, pages, filters. */
#include "conformance/conformance.h"

#define LIST(args, ids, page)                                                                                \
    {                                                                                                        \
        "listThreads", args, THREADS(ids, page)                                                              \
    }
#define ALL(count) PAGE(count, "0", "100", "false")

/* Saved in an order that is none of those that lists know. */
#define FOUR                                                                                                 \
    THREAD_OF("b", "r", "2"), THREAD_OF("d", "r", "1"), THREAD_OF("a", "s", "2"), THREAD_OF("c", "r", "3")

#define WITH(id, metadata)                                                                                   \
    {                                                                                                        \
        "saveThread",                                                                                        \
            "{'thread':{'id':'" id "','resourceId':'r','title':'','metadata':" metadata                      \
            ",'createdAt':1000}}",                                                                           \
            NULL                                                                                             \
    }
#define FILTER(metadata) "{'filter':{'metadata':" metadata "},'orderBy':{'direction':'ASC'}}"
#define FOUND(metadata, ids, count)                                                                          \
    {                                                                                                        \
        "listThreads", FILTER(metadata), THREADS(ids, ALL(count))                                            \
    }
#define INVALID_PAGE(text)                                                                                   \
    "{'$error':'invalid_argument','$message':'" text "','$id':'LIST_THREADS_INVALID_PAGE','$category':'"     \
    "USER'}"
#define INVALID_KEY(text)                                                                                    \
    "{'$error':'invalid_argument','$message':'" text                                                         \
    "','$id':'LIST_THREADS_INVALID_METADATA_KEY','$category':'USER'}"
#define K16  "kkkkkkkkkkkkkkkk"
#define K128 K16 K16 K16 K16 K16 K16 K16 K16

static const struct test_case cases[] = {
    {"M", "listThreads", "an empty store has an empty page",
     STEPS({"listThreads", "{}", "{'threads':[]," ALL("0") "}"},
           {"listThreads", NULL, "{'threads':[]," ALL("0") "}"})},
    {"M", "listThreads", "whole records, absent members as null",
     STEPS(THREAD("t"),
           {"listThreads", "{}",
            "{'threads':[{'id':'t','resourceId':'r','title':'T t','metadata':null,'createdAt':" TIME(
                "1") ",'updatedAt':" TIME("1") "}]," ALL("1") "}"})},
    {"R6", "listThreads", "newest first, equal times by id, downwards",
     STEPS(FOUR, LIST("{}", "'c','b','a','d'", ALL("4")),
           LIST("{'orderBy':{'field':'createdAt','direction':'DESC'}}", "'c','b','a','d'", ALL("4")))},
    {"R6", "listThreads", "ascending turns ties by id around too",
     STEPS(FOUR, LIST("{'orderBy':{'field':'createdAt','direction':'ASC'}}", "'d','a','b','c'", ALL("4")))},
    {"M", "listThreads", "by updatedAt in both directions",
     STEPS(FOUR, {"updateThread", "{'id':'d','title':'x'}", NULL},
           LIST("{'orderBy':{'field':'updatedAt'}}", "'d','c','b','a'", ALL("4")),
           LIST("{'orderBy':{'field':'updatedAt','direction':'ASC'}}", "'a','b','c','d'", ALL("4")))},
    {"R10", "listThreads", "an unknown field or direction gives the default order",
     STEPS(FOUR, LIST("{'orderBy':{'field':'title','direction':'up'}}", "'c','b','a','d'", ALL("4")),
           LIST("{'orderBy':{'field':'id; DROP TABLE x'}}", "'c','b','a','d'", ALL("4")),
           LIST("{'orderBy':{'field':'nothing','direction':'ASC'}}", "'d','a','b','c'", ALL("4")))},
    {"M", "listThreads", "pages cover the list without gap or overlap",
     STEPS(FOUR, THREAD_OF("e", "r", "2"), LIST("{'perPage':2}", "'c','e'", PAGE("5", "0", "2", "true")),
           LIST("{'perPage':2,'page':1}", "'b','a'", PAGE("5", "1", "2", "true")),
           LIST("{'perPage':2,'page':2}", "'d'", PAGE("5", "2", "2", "false")))},
    {"M", "listThreads", "a page that ends with the list has no more",
     STEPS(FOUR, LIST("{'perPage':2,'page':1}", "'a','d'", PAGE("4", "1", "2", "false")))},
    {"M", "listThreads", "a page past the end is empty and has no more",
     STEPS(FOUR, LIST("{'perPage':2,'page':9}", "", PAGE("4", "9", "2", "false")))},
    {"M", "listThreads", "perPage false means all and is echoed",
     STEPS(FOUR, LIST("{'perPage':false}", "'c','b','a','d'", PAGE("4", "0", "false", "false")))},
    {"M", "listThreads", "perPage 0 gives the total alone",
     STEPS(LIST("{'perPage':0}", "", PAGE("0", "0", "0", "false")), FOUR,
           LIST("{'perPage':0}", "", PAGE("4", "0", "0", "true")))},
    {"M", "listThreads", "null means the default",
     STEPS(FOUR,
           LIST("{'perPage':null,'page':null,'filter':null,'orderBy':null}", "'c','b','a','d'", ALL("4")))},
    {"M", "listThreads", "page and perPage are checked",
     STEPS(
         {"listThreads", "{'page':-1}", INVALID_PAGE("page must be >= 0")},
         {"listThreads", "{'page':1.5}", INVALID_PAGE("page must be >= 0")},
         {"listThreads", "{'perPage':-1}", INVALID_PAGE("perPage must be >= 0")},
         {"listThreads", "{'perPage':1.5}", INVALID_PAGE("perPage must be false or a safe integer")},
         {"listThreads", "{'perPage':'5'}", INVALID_PAGE("perPage must be false or a safe integer")},
         {"listThreads", "{'perPage':true}", INVALID_PAGE("perPage must be false or a safe integer")},
         {"listThreads", "{'perPage':9007199254740992}",
          INVALID_PAGE("perPage must be false or a safe integer")},
         {"listThreads", "{'perPage':false,'page':1}", INVALID_PAGE("page must be 0 when perPage is false")},
         {"listThreads", "{'page':4503599627370496,'perPage':100}", INVALID_PAGE("page value too large")})},
    {"M", "listThreads", "filters by resource",
     STEPS(FOUR, LIST("{'filter':{'resourceId':'r'}}", "'c','b','d'", ALL("3")),
           LIST("{'filter':{'resourceId':'s'}}", "'a'", ALL("1")),
           LIST("{'filter':{'resourceId':'none'}}", "", ALL("0")))},
    {"M", "listThreads", "an empty resource is no filter",
     STEPS(FOUR, LIST("{'filter':{'resourceId':''}}", "'c','b','a','d'", ALL("4")))},

    {"R11", "listThreads", "metadata values compare with their type",
     STEPS(WITH("n", "{'k':1}"), WITH("s", "{'k':'1'}"), WITH("t", "{'k':true}"), WITH("f", "{'k':false}"),
           WITH("z", "{'k':0}"), FOUND("{'k':1}", "'n'", "1"), FOUND("{'k':'1'}", "'s'", "1"),
           FOUND("{'k':true}", "'t'", "1"), FOUND("{'k':false}", "'f'", "1"), FOUND("{'k':0}", "'z'", "1"))},
    {"R11", "listThreads", "null means an explicit null",
     STEPS(WITH("a", "{'k':null}"), WITH("b", "{'x':1}"), WITH("c", "{'k':0}"), THREAD("d"),
           FOUND("{'k':null}", "'a'", "1"))},
    {"R11", "listThreads", "objects and arrays compare by value",
     STEPS(WITH("a", "{'k':{'x':1,'y':[1,2]}}"), WITH("b", "{'k':{'y':[1,2],'x':1}}"),
           WITH("c", "{'k':{'x':1,'y':[2,1]}}"), WITH("d", "{'k':{'x':1}}"), WITH("e", "{'k':[1,2]}"),
           FOUND("{'k':{'y':[1,2],'x':1}}", "'a','b'", "2"), FOUND("{'k':{'x':1}}", "'d'", "1"),
           FOUND("{'k':[1,2]}", "'e'", "1"), FOUND("{'k':[2,1]}", "", "0"), FOUND("{'k':{}}", "", "0"))},
    {"R11", "listThreads", "all keys must match",
     STEPS(WITH("a", "{'k':1,'l':2}"), WITH("b", "{'k':1,'l':3}"), WITH("c", "{'k':1}"),
           FOUND("{'k':1,'l':2}", "'a'", "1"), FOUND("{'k':1}", "'a','b','c'", "3"),
           FOUND("{'k':1,'l':2,'m':null}", "", "0"))},
    {"R11", "listThreads", "an empty filter filters nothing",
     STEPS(WITH("a", "{'k':1}"), THREAD("b"), FOUND("{}", "'a','b'", "2"))},
    {"R3", "listThreads", "numbers compare exactly, not by their spelling",
     STEPS_ON(TRAIT_TEXT, WITH("a", "{'k':9007199254740993}"), WITH("b", "{'k':9007199254740992}"),
              WITH("c", "{'k':1.50}"), FOUND("{'k':9007199254740993}", "'a'", "1"),
              FOUND("{'k':9007199254740992}", "'b'", "1"), FOUND("{'k':15e-1}", "'c'", "1"))},
    {"R11", "listThreads", "strings compare by their characters",
     STEPS(WITH("a", "{'k':'caf\\u00e9'}"), WITH("b", "{'k':'caf\xc3\xa9'}"), WITH("c", "{'k':'CAF\\u00c9'}"),
           FOUND("{'k':'caf\xc3\xa9'}", "'a','b'", "2"), FOUND("{'\\u006b':'caf\\u00E9'}", "'a','b'", "2"))},
    {"R11", "listThreads", "values with quotes, percent signs and SQL are only text",
     STEPS(WITH("a", "{'k':'x\\u0027 OR 1=1 --'}"), WITH("b", "{'k':'50%'}"), WITH("c", "{'k':'a\\\"b'}"),
           FOUND("{'k':'x\\u0027 OR 1=1 --'}", "'a'", "1"), FOUND("{'k':'50%'}", "'b'", "1"),
           FOUND("{'k':'%'}", "", "0"), FOUND("{'k':'a\\\"b'}", "'c'", "1"))},
    {"R11", "listThreads", "the filter holds for total and pages",
     STEPS(WITH("a", "{'k':1}"), WITH("b", "{'k':2}"), WITH("c", "{'k':1}"), WITH("d", "{'k':1}"),
           {"listThreads", "{'perPage':2,'filter':{'metadata':{'k':1},'resourceId':'r'}}",
            THREADS("'d','c'", PAGE("3", "0", "2", "true"))},
           {"listThreads", "{'perPage':2,'page':1,'filter':{'metadata':{'k':1},'resourceId':'r'}}",
            THREADS("'a'", PAGE("3", "1", "2", "false"))})},
    {"R11", "listThreads", "keys of metadata filters are checked",
     STEPS(
         {"listThreads", FILTER("{'a b':1}"),
          INVALID_KEY("Invalid metadata key: \\'a b\\'. Keys must start with a letter or underscore and "
                      "contain only alphanumeric characters and underscores.")},
         {"listThreads", FILTER("{'1a':1}"), INVALID_KEY("Invalid metadata key: \\'1a\\'")},
         {"listThreads", FILTER("{'':1}"), INVALID_KEY("Invalid metadata key: \\'\\'")},
         {"listThreads", FILTER("{'ok':1,'a.b':1}"), INVALID_KEY("Invalid metadata key: \\'a.b\\'")},
         {"listThreads", FILTER("{'constructor':1}"),
          INVALID_KEY("Invalid metadata key: \\'constructor\\'.")},
         {"listThreads", FILTER("{'__proto__':1}"), INVALID_KEY("Invalid metadata key: \\'__proto__\\'.")},
         {"listThreads", FILTER("{'prototype':1}"), INVALID_KEY("Invalid metadata key: \\'prototype\\'.")},
         {"listThreads", FILTER("{'k" K128 "':1}"), INVALID_KEY("exceeds maximum length of 128 characters.")},
         {"listThreads", FILTER("{'" K128 "':1,'_a1':2}"), "{'threads':[]," ALL("0") "}"})},
    {"M", "listThreads", "pages are checked before metadata keys",
     STEPS(
         {"listThreads", "{'page':-1,'filter':{'metadata':{'a b':1}}}", INVALID_PAGE("page must be >= 0")})},
    {"R7", "listThreads", "the total follows every change",
     STEPS(FOUR, LIST("{'perPage':1}", "'c'", PAGE("4", "0", "1", "true")), THREAD_OF("e", "r", "9"),
           LIST("{'perPage':1}", "'e'", PAGE("5", "0", "1", "true")),
           {"deleteThread", "{'threadId':'e'}", NULL}, {"deleteThread", "{'threadId':'c'}", NULL},
           LIST("{'perPage':1}", "'b'", PAGE("3", "0", "1", "true")))},

    {"M", "listThreadsByResourceId", "lists the resource's threads, newest first",
     STEPS(FOUR, {"listThreadsByResourceId", "{'resourceId':'r'}", THREADS("'c','b','d'", ALL("3"))},
           {"listThreadsByResourceId", "{'resourceId':'none'}", THREADS("", ALL("0"))})},
    {"M", "listThreadsByResourceId", "takes page and perPage",
     STEPS(FOUR,
           {"listThreadsByResourceId", "{'resourceId':'r','page':1,'perPage':2}",
            THREADS("'d'", PAGE("3", "1", "2", "false"))},
           {"listThreadsByResourceId", "{'resourceId':'r','perPage':false}",
            THREADS("'c','b','d'", PAGE("3", "0", "false", "false"))})},
    {"M", "listThreadsByResourceId", "takes offset and limit",
     STEPS(FOUR,
           {"listThreadsByResourceId", "{'resourceId':'r','offset':0,'limit':2}",
            THREADS("'c','b'", PAGE("3", "0", "2", "true"))},
           {"listThreadsByResourceId", "{'resourceId':'r','offset':2,'limit':2}",
            THREADS("'d'", PAGE("3", "1", "2", "false"))})},
    {"M", "listThreadsByResourceId", "an offset between two pages belongs to the first of them",
     STEPS(FOUR,
           {"listThreadsByResourceId", "{'resourceId':'r','offset':1,'limit':2}",
            THREADS("'b','d'", PAGE("3", "0", "2", "false"))},
           {"listThreadsByResourceId", "{'resourceId':'r','offset':3,'limit':2}",
            THREADS("", PAGE("3", "1", "2", "false"))})},
    {"M", "listThreadsByResourceId", "takes an order",
     STEPS(FOUR,
           {"listThreadsByResourceId", "{'resourceId':'r','orderBy':{'field':'createdAt','direction':'ASC'}}",
            THREADS("'d','b','c'", ALL("3"))})},
    {"M", "listThreadsByResourceId", "insists on the resource and sound pages",
     STEPS({"listThreadsByResourceId", "{}", "{'$error':'invalid_argument'}"},
           {"listThreadsByResourceId", "{'resourceId':'r','page':-1}",
            "{'$error':'invalid_argument','$message':'page must be >= 0'}"},
           {"listThreadsByResourceId", "{'resourceId':'r','offset':-1,'limit':2}",
            "{'$error':'invalid_argument'}"},
           {"listThreadsByResourceId", "{'resourceId':'r','offset':0,'limit':-2}",
            "{'$error':'invalid_argument'}"})},
};

const struct case_table thread_list_case_table = CASE_TABLE(cases);
