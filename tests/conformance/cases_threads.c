/* Threads: saving, reading, changing, moving, deleting. */
#include "conformance/conformance.h"

/* A thread with metadata, made long ago. */
#define OLD_THREAD(metadata)                                                                                 \
    {                                                                                                        \
        "saveThread",                                                                                        \
            "{'thread':{'id':'t','resourceId':'r','title':'Old','metadata':" metadata                        \
            ",'createdAt':1000,'updatedAt':2000}}",                                                          \
            NULL                                                                                             \
    }
#define GET_T "getThreadById", "{'threadId':'t'}"
#define OLD_BUT(title, metadata)                                                                             \
    "{'id':'t','resourceId':'r','title':" title ",'metadata':" metadata                                      \
    ",'createdAt':" TIME("1") ",'updatedAt':'$now'}"

static const struct test_case cases[] = {
    {"M", "saveThread", "answers with the record, absent members left out",
     STEPS({"saveThread",
            "{'thread':{'id':'t','resourceId':'r','title':'A','createdAt':1000,'updatedAt':2000}}",
            "{'id':'t','resourceId':'r','title':'A','createdAt':" TIME("1") ",'updatedAt':" TIME("2") "}"})},
    {"M", "saveThread", "answers with the metadata that was given",
     STEPS({"saveThread",
            "{'thread':{'id':'t','resourceId':'r','title':'A','metadata':{'a':[1,{'b':null}]}}}",
            "{'id':'t','resourceId':'r','title':'A','metadata':{'a':[1,{'b':null}]},'createdAt':'$now',"
            "'updatedAt':'$now'}"})},
    {"M", "saveThread", "title defaults to empty, both times to one now",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r'}}",
            "{'id':'t','resourceId':'r','title':'','createdAt':'$bind:at','updatedAt':'$same:at'}"},
           {GET_T, "{'id':'t','resourceId':'r','title':'','metadata':null,'createdAt':'$now',"
                   "'updatedAt':'$same:at'}"})},
    {"M", "saveThread", "an empty title is a title",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r','title':''}}", "{'$open':true,'title':''}"},
           {GET_T, "{'$open':true,'title':''}"})},
    {"M", "saveThread", "empty metadata stays empty metadata",
     STEPS(OLD_THREAD("{}"), {GET_T, "{'$open':true,'metadata':{}}"})},
    {"M", "saveThread", "null metadata is no metadata",
     STEPS(OLD_THREAD("null"), {GET_T, "{'$open':true,'metadata':null}"})},
    {"M", "saveThread", "members that are no columns are dropped",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r','title':'A','colour':'red'}}", NULL},
           {GET_T, "{'id':'t','resourceId':'r','title':'A','metadata':null,'createdAt':'$now',"
                   "'updatedAt':'$now'}"})},
    {"R16", "saveThread", "a second save replaces every field",
     STEPS(OLD_THREAD("{'a':1}"),
           {"saveThread",
            "{'thread':{'id':'t','resourceId':'q','title':'New','createdAt':5000,'updatedAt':6000}}", NULL},
           {GET_T, "{'id':'t','resourceId':'q','title':'New','metadata':null,'createdAt':" TIME(
                       "5") ",'updatedAt':" TIME("6") "}"})},
    {"R4", "saveThread", "a second save overwrites createdAt, also by the default",
     STEPS(OLD_THREAD("{'a':1}"), {"saveThread", "{'thread':{'id':'t','resourceId':'r'}}", NULL},
           {GET_T, "{'$open':true,'title':'','metadata':null,'createdAt':'$now','updatedAt':'$now'}"})},
    {"R16", "saveThread", "messages of a thread survive its being saved again",
     STEPS(THREAD("t"), SAVE(MESSAGE("m", "t", "2")), THREAD("t"),
           {"listMessages", "{'threadId':'t'}", MESSAGES("'m'", PAGE("1", "0", "40", "false"))})},
    {"R4", "saveThread", "ISO times with and without a zone mean UTC",
     STEPS({"saveThread",
            "{'thread':{'id':'t','resourceId':'r','createdAt':'2024-03-10T02:30:00',"
            "'updatedAt':'2024-03-10T02:30:00.5+02:00'}}",
            "{'$open':true,'createdAt':'2024-03-10T02:30:00.000Z','updatedAt':'2024-03-10T00:30:00.500Z'}"},
           {GET_T, "{'$open':true,'createdAt':'2024-03-10T02:30:00.000Z',"
                   "'updatedAt':'2024-03-10T00:30:00.500Z'}"})},
    {"R4", "saveThread", "a date alone and a time with a blank are UTC",
     STEPS({"saveThread",
            "{'thread':{'id':'t','resourceId':'r','createdAt':'2024-01-31',"
            "'updatedAt':'2024-01-31 12:00:00'}}",
            "{'$open':true,'createdAt':'2024-01-31T00:00:00.000Z','updatedAt':'2024-01-31T12:00:00.000Z'}"})},
    {"R4", "saveThread", "times before 1970 and to the millisecond",
     STEPS({"saveThread", "{'thread':{'id':'t','resourceId':'r','createdAt':-1,'updatedAt':1700000000123}}",
            NULL},
           {GET_T, "{'$open':true,'createdAt':'1969-12-31T23:59:59.999Z',"
                   "'updatedAt':'2023-11-14T22:13:20.123Z'}"})},
    {"M", "saveThread", "survives reopening the store",
     STEPS(OLD_THREAD("{'a':1}"), {REOPEN, NULL, NULL},
           {GET_T, "{'id':'t','resourceId':'r','title':'Old','metadata':{'a':1},'createdAt':" TIME(
                       "1") ",'updatedAt':" TIME("2") "}"})},

    {"M", "createThread", "makes an id and the defaults, and saves",
     STEPS({"createThread", "{'resourceId':'r'}",
            "{'id':'$bind:id','resourceId':'r','title':'','createdAt':'$bind:at','updatedAt':'$same:at'}"},
           {"getThreadById", "{'threadId':'$id'}",
            "{'id':'$uuid','resourceId':'r','title':'','metadata':null,'createdAt':'$now',"
            "'updatedAt':'$same:at'}"})},
    {"M", "createThread", "keeps title and metadata",
     STEPS({"createThread", "{'resourceId':'r','title':'A','metadata':{'k':'v'}}",
            "{'id':'$uuid','resourceId':'r','title':'A','metadata':{'k':'v'},'createdAt':'$now',"
            "'updatedAt':'$now'}"})},
    {"M", "createThread", "takes the id that is given",
     STEPS({"createThread", "{'threadId':'mine','resourceId':'r'}", "{'$open':true,'id':'mine'}"},
           {"getThreadById", "{'threadId':'mine'}", "{'$open':true,'id':'mine'}"})},
    {"M", "createThread", "makes a new id each time",
     STEPS({"createThread", "{'resourceId':'r'}", "{'$open':true,'id':'$bind:first'}"},
           {"createThread", "{'resourceId':'r'}", "{'$open':true,'id':'$other:first'}"},
           {"listThreads", NULL, "{'threads':'$count:2'," PAGE("2", "0", "100", "false") "}"})},

    {"M", "getThreadById", "an unknown id is null",
     STEPS({"getThreadById", "{'threadId':'none'}", "null"}, THREAD("t"),
           {"getThreadById", "{'threadId':'T'}", "null"}, {"getThreadById", "{'threadId':''}", "null"})},
    {"M", "getThreadById", "a resourceId that is given must be the thread's",
     STEPS(THREAD("t"), {"getThreadById", "{'threadId':'t','resourceId':'r'}", "{'$open':true,'id':'t'}"},
           {"getThreadById", "{'threadId':'t','resourceId':'other'}", "null"})},

    {"M", "updateThread", "changes the title, keeps the rest, sets updatedAt",
     STEPS(OLD_THREAD("{'a':1}"), {"updateThread", "{'id':'t','title':'New'}", OLD_BUT("'New'", "{'a':1}")},
           {GET_T, OLD_BUT("'New'", "{'a':1}")})},
    {"M", "updateThread", "lays metadata over the stored one, one level deep",
     STEPS(OLD_THREAD("{'a':1,'n':{'x':1,'y':2}}"),
           {"updateThread", "{'id':'t','metadata':{'b':2,'n':{'z':3}}}",
            OLD_BUT("'Old'", "{'a':1,'b':2,'n':{'z':3}}")},
           {GET_T, OLD_BUT("'Old'", "{'a':1,'b':2,'n':{'z':3}}")})},
    {"M", "updateThread", "a member set to null becomes null",
     STEPS(OLD_THREAD("{'a':1,'b':2}"),
           {"updateThread", "{'id':'t','metadata':{'a':null}}", OLD_BUT("'Old'", "{'a':null,'b':2}")})},
    {"M", "updateThread", "takes members of the metadata away",
     STEPS(OLD_THREAD("{'a':1,'b':{'x':2},'c':3}"),
           {"updateThread", "{'id':'t','metadata':{'c':4,'d':5},'unset':['a','c','b','none']}",
            OLD_BUT("'Old'", "{'c':4,'d':5}")},
           {"updateThread", "{'id':'t','unset':['d']}", OLD_BUT("'Old'", "{'c':4}")},
           {"updateThread", "{'id':'t','unset':'c'}", "{'$error':'invalid_argument','$field':'unset'}"},
           {"updateThread", "{'id':'t','unset':[1]}", "{'$error':'invalid_argument','$field':'unset'}"},
           {GET_T, OLD_BUT("'Old'", "{'c':4}")})},
    {"M", "updateThread", "an empty title is a value",
     STEPS(OLD_THREAD("{}"), {"updateThread", "{'id':'t','title':''}", OLD_BUT("''", "{}")})},
    {"M", "updateThread", "null for title or metadata changes nothing",
     STEPS(OLD_THREAD("{'a':1}"),
           {"updateThread", "{'id':'t','title':null,'metadata':null}", OLD_BUT("'Old'", "{'a':1}")})},
    {"M", "updateThread", "absent metadata becomes an empty object",
     STEPS(THREAD_OF("t", "r", "1"), {"updateThread", "{'id':'t','title':'New'}", OLD_BUT("'New'", "{}")},
           {GET_T, OLD_BUT("'New'", "{}")})},
    {"M", "updateThread", "with an id alone only sets updatedAt",
     STEPS(OLD_THREAD("{'a':1}"), {"updateThread", "{'id':'t'}", OLD_BUT("'Old'", "{'a':1}")})},
    {"R2", "updateThread", "keeps the order and the spelling of what it does not change",
     STEPS_ON(TRAIT_RAW_JSON, OLD_THREAD("{'z':1.10,'a':{'q' : 1},'m':9007199254740993}"),
              {"updateThread", "{'id':'t','metadata':{'a':1E2,'b':0}}", NULL},
              {GET_T, "{'$open':true,'metadata':{'$raw':{'z':1.10,'a':1E2,'m':9007199254740993,'b':0}}}"})},
    {"M", "updateThread", "an unknown thread is not found",
     STEPS({"updateThread", "{'id':'no','title':'x'}",
            "{'$error':'not_found','$message':'Thread no not found','$id':'UPDATE_THREAD_NOT_FOUND','$id "
            "PG':'UPDATE_THREAD_FAILED','$id DYNAMODB':'UPDATE_THREAD_FAILED',"
            "'$category':'USER'}"},
           {"getThreadById", "{'threadId':'no'}", "null"})},
    {"M", "updateThread", "metadata must be an object",
     STEPS(OLD_THREAD("{'a':1}"),
           {"updateThread", "{'id':'t','title':'New','metadata':[1]}", "{'$error':'invalid_argument'}"},
           {GET_T, "{'$open':true,'title':'Old','metadata':{'a':1},'updatedAt':" TIME("2") "}"})},

    {"M", "deleteThread", "takes the messages along and nothing else",
     STEPS(THREAD("t"), THREAD("u"), SAVE(MESSAGE("m1", "t", "1") "," MESSAGE("m2", "t", "2")),
           SAVE(MESSAGE("n", "u", "1")), {"deleteThread", "{'threadId':'t'}", "null"}, {GET_T, "null"},
           {"listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false"))},
           {"listMessagesById", "{'messageIds':['m1','m2','n']}", "{'messages':{'$ids':['n']}}"},
           {"getThreadById", "{'threadId':'u'}", "{'$open':true,'id':'u'}"})},
    {"R18", "deleteThread", "an unknown id is ignored",
     STEPS(THREAD("t"), {"deleteThread", "{'threadId':'no'}", "null"},
           {"deleteThread", "{'threadId':'no'}", "null"}, {GET_T, "{'$open':true,'id':'t'}"})},
    {"R13", "deleteThread", "sweeps messages whose thread is gone",
     STEPS_ON(TRAIT_ORPHANS, SAVE(MESSAGE("m", "ghost", "1")),
              {"deleteThread", "{'threadId':'ghost'}", "null"},
              {"listMessagesById", "{'messageIds':['m']}", "{'messages':[]}"})},
    {"M", "deleteThread", "the id is free again",
     STEPS(OLD_THREAD("{'a':1}"), SAVE(MESSAGE("m", "t", "1")), {"deleteThread", "{'threadId':'t'}", "null"},
           THREAD("t"), {GET_T, "{'$open':true,'metadata':null}"},
           {"listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false"))})},

    {"M", "updateThreadResourceId", "moves the thread and all its messages",
     STEPS(OLD_THREAD("{'a':1}"), THREAD("u"),
           SAVE(MESSAGE("m1", "t", "1") "," MESSAGE("m2", "t", "2") "," MESSAGE("n", "u", "3")),
           {"updateThreadResourceId", "{'threadId':'t','resourceId':'R2'}",
            "{'id':'t','resourceId':'R2','title':'Old','metadata':{'a':1},'createdAt':" TIME(
                "1") ",'updatedAt':'$now'}"},
           {"listMessages", "{'threadId':'t','resourceId':'R2'}",
            "{'messages':[" READ_OF("m1", "t", "R2", "1") "," READ_OF("m2", "t", "R2", "2") "]," PAGE(
                "2", "0", "40", "false") "}"},
           {"listMessagesByResourceId", "{'resourceId':'r'}", MESSAGES("'n'", PAGE("1", "0", "40", "false"))},
           {"getThreadById", "{'threadId':'t','resourceId':'r'}", "null"})},
    {"M", "updateThreadResourceId", "the same resource changes nothing",
     STEPS(OLD_THREAD("{'a':1}"),
           {"updateThreadResourceId", "{'threadId':'t','resourceId':'r'}",
            "{'id':'t','resourceId':'r','title':'Old','metadata':{'a':1},'createdAt':" TIME(
                "1") ",'updatedAt':" TIME("2") "}"},
           {GET_T, "{'$open':true,'updatedAt':" TIME("2") "}"})},
    {"M", "updateThreadResourceId", "an unknown thread is not found",
     STEPS({"updateThreadResourceId", "{'threadId':'no','resourceId':'r'}",
            "{'$error':'not_found','$message':'Thread \\'no\\' not found'}"})},
};

const struct case_table thread_case_table = CASE_TABLE(cases);
