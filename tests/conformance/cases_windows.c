/* Messages included with their neighbours. */
#include "conformance/conformance.h"

#define LIST(args, ids, page)                                                                                \
    {                                                                                                        \
        "listMessages", "{'threadId':'t'," args "}", MESSAGES(ids, page)                                     \
    }
#define INCLUDE(id) "'include':[{'id':'" id "'}]"
#define WINDOW(id, previous, next)                                                                           \
    "'include':[{'id':'" id "','withPreviousMessages':" previous ",'withNextMessages':" next "}]"
#define NO_PAGE PAGE("0", "0", "0", "false")

/* Two threads; d and z belong to another resource; c and y have one time. */
#define TWO_THREADS                                                                                          \
    SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "2") "," MESSAGE("c", "t", "3") "," MESSAGE_OF(        \
        "d", "t", "q", "4") "," MESSAGE("e", "t", "5")),                                                     \
        SAVE(MESSAGE("x", "u", "1") "," MESSAGE("y", "u", "3") "," MESSAGE_OF("z", "u", "q", "6"))
/* One time throughout; the order of saving is z b y a. */
#define TIED                                                                                                 \
    SAVE(MESSAGE("z", "t", "1") "," MESSAGE("b", "t", "1") "," MESSAGE("y", "t", "1") "," MESSAGE("a", "t",  \
                                                                                                  "1"))

static const struct test_case cases[] = {
    {"R8", "listMessages", "include adds neighbours to the page",
     STEPS(TWO_THREADS,
           LIST("'perPage':1," WINDOW("c", "1", "1"), "'a','b','c','d'", PAGE("5", "0", "1", "true")))},
    {"R8", "listMessages", "include alone when perPage is 0",
     STEPS(TWO_THREADS, LIST("'perPage':0," INCLUDE("c"), "'c'", NO_PAGE),
           LIST("'perPage':0," WINDOW("c", "1", "0"), "'b','c'", NO_PAGE),
           LIST("'perPage':0," WINDOW("c", "0", "1"), "'c','d'", NO_PAGE),
           LIST("'perPage':0," WINDOW("c", "9", "9"), "'a','b','c','d','e'", NO_PAGE))},
    {"R8", "listMessages", "include finds its target among equal times",
     STEPS(TIED, LIST("'perPage':0," INCLUDE("z"), "'z'", NO_PAGE),
           LIST("'perPage':0," INCLUDE("b"), "'b'", NO_PAGE),
           LIST("'perPage':0," INCLUDE("y"), "'y'", NO_PAGE),
           LIST("'perPage':0," INCLUDE("a"), "'a'", NO_PAGE))},
    {"R8", "listMessages", "neighbours among equal times are those of the list",
     STEPS(TIED, LIST("'perPage':0," WINDOW("b", "1", "1"), "'z','b','y'", NO_PAGE),
           LIST("'perPage':0," WINDOW("z", "2", "1"), "'z','b'", NO_PAGE),
           LIST("'perPage':0," WINDOW("a", "2", "2"), "'b','y','a'", NO_PAGE))},
    {"R8", "listMessages", "descending turns the result around, not the neighbours",
     STEPS(TIED,
           LIST("'perPage':0,'orderBy':{'direction':'DESC'}," WINDOW("y", "1", "0"), "'y','b'", NO_PAGE),
           LIST("'perPage':0,'orderBy':{'direction':'DESC'}," WINDOW("y", "0", "1"), "'a','y'", NO_PAGE))},
    {"R8", "listMessages", "equal times in part of the window",
     STEPS(SAVE(MESSAGE("p", "t", "1") "," MESSAGE("z", "t", "2") "," MESSAGE("m", "t", "2") "," MESSAGE(
               "a", "t", "2") "," MESSAGE("n", "t", "3")),
           LIST("'perPage':0," WINDOW("m", "2", "2"), "'p','z','m','a','n'", NO_PAGE),
           LIST("'perPage':0," WINDOW("a", "1", "1"), "'m','a','n'", NO_PAGE),
           LIST("'perPage':0," WINDOW("z", "1", "1"), "'p','z','m'", NO_PAGE))},
    {"R8", "listMessages", "include reaches into other threads",
     STEPS(
         TWO_THREADS,
         LIST("'perPage':1," WINDOW("y", "1", "1"), "'a','x','y','z'", PAGE("5", "0", "1", "true")),
         LIST("'perPage':false," INCLUDE("y"), "'a','b','c','y','d','e'", PAGE("5", "0", "false", "false")))},
    {"R8", "listMessages", "include honours the resource, of target and neighbours",
     STEPS(TWO_THREADS,
           LIST("'perPage':1,'resourceId':'r'," WINDOW("d", "1", "1"), "'a'", PAGE("4", "0", "1", "true")),
           LIST("'perPage':1,'resourceId':'r'," WINDOW("c", "1", "1"), "'a','b','c','e'",
                PAGE("4", "0", "1", "false")))},
    {"M", "listMessages", "an included message is there once",
     STEPS(TWO_THREADS,
           LIST("'perPage':2,'include':[{'id':'b','withNextMessages':1},{'id':'c'},{'id':'b'},{'id':'a'}]",
                "'a','b','c'", PAGE("5", "0", "2", "true")))},
    {"R18", "listMessages", "an unknown include is ignored",
     STEPS(TWO_THREADS,
           LIST("'perPage':1,'include':[{'id':'nope','withPreviousMessages':3},{'id':'b'}]", "'a','b'",
                PAGE("5", "0", "1", "true")),
           LIST("'perPage':0," INCLUDE("nope"), "", NO_PAGE))},
    {"M", "listMessages", "an empty include is none",
     STEPS(TWO_THREADS, LIST("'perPage':1,'include':[]", "'a'", PAGE("5", "0", "1", "true")),
           LIST("'perPage':0,'include':[]", "", NO_PAGE))},
    {"M", "listMessages", "a threadId in an include is ignored",
     STEPS(TWO_THREADS, LIST("'perPage':1,'include':[{'id':'c','threadId':'u'}]", "'a','c'",
                             PAGE("5", "0", "1", "true")))},
    {"M", "listMessages", "include together with descending pages",
     STEPS(TWO_THREADS, LIST("'perPage':2,'orderBy':{'field':'createdAt','direction':'DESC'}," INCLUDE("a"),
                             "'e','d','a'", PAGE("5", "0", "2", "true")))},
    {"R7", "listMessages", "hasMore is false once includes complete the thread",
     STEPS(TWO_THREADS,
           LIST("'perPage':3,'page':1," WINDOW("a", "0", "2"), "'a','b','c','d','e'",
                PAGE("5", "1", "3", "false")),
           LIST("'perPage':1," WINDOW("c", "1", "2"), "'a','b','c','d','e'", PAGE("5", "0", "1", "false")))},
    {"R7", "listMessages", "includes from other threads do not complete the thread",
     STEPS(TWO_THREADS, LIST("'perPage':3," WINDOW("y", "1", "1"), "'a','x','b','c','y','z'",
                             PAGE("5", "0", "3", "true")))},
    {"M", "listMessages", "include beside an empty page",
     STEPS(TWO_THREADS, LIST("'perPage':1,'page':9," INCLUDE("b"), "'b'", PAGE("5", "9", "1", "false")),
           {"listMessages", "{'threadId':'none'," INCLUDE("y") "}",
            MESSAGES("'y'", PAGE("0", "0", "40", "false"))})},
    {"M", "listMessages", "filters of the list do not bind includes",
     STEPS(TWO_THREADS, LIST("'perPage':1,'filter':{'dateRange':{'start':2000}}," INCLUDE("a"), "'a','b'",
                             PAGE("4", "0", "1", "true")))},
    {"R7", "listMessages", "a metadata filter leaves includes out of hasMore",
     STEPS({"saveMessages",
            "{'messages':["
            "{'id':'a','threadId':'t','role':'user','content':{'metadata':{'k':1}},'createdAt':1000},"
            "{'id':'b','threadId':'t','role':'user','content':{'metadata':{'k':1}},'createdAt':2000}]}",
            NULL},
           LIST("'perPage':1,'filter':{'metadata':{'k':1}}," INCLUDE("b"), "'a','b'",
                PAGE("2", "0", "1", "true")),
           LIST("'perPage':1," INCLUDE("b"), "'a','b'", PAGE("2", "0", "1", "false")))},
    {"M", "listMessagesByResourceId", "includes must belong to the resource",
     STEPS(TWO_THREADS,
           {"listMessagesByResourceId", "{'resourceId':'r','perPage':0,'include':[{'id':'z'},{'id':'b'}]}",
            MESSAGES("'b'", NO_PAGE)},
           {"listMessagesByResourceId",
            "{'resourceId':'q','perPage':1,'include':[{'id':'z','withPreviousMessages':5}]}",
            MESSAGES("'d','z'", PAGE("2", "0", "1", "'$any'"))})},
    {"M", "listMessages", "include must be an array of objects with ids",
     STEPS({"listMessages", "{'threadId':'t','include':{'id':'a'}}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','include':['a']}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','include':[{}]}", "{'$error':'invalid_argument'}"},
           {"listMessages", "{'threadId':'t','include':[{'id':'a','withNextMessages':'1'}]}",
            "{'$error':'invalid_argument'}"})},
};

const struct case_table window_case_table = CASE_TABLE(cases);
