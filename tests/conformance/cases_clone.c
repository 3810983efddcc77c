/* Copies of threads with their messages. */
#include "conformance/conformance.h"

#define SOURCE                                                                                               \
    {                                                                                                        \
        "saveThread",                                                                                        \
            "{'thread':{'id':'s','resourceId':'r','title':'Plan','metadata':{'a':1},'createdAt':1000,"       \
            "'updatedAt':1000}}",                                                                            \
            NULL                                                                                             \
    }
#define SOURCE_MESSAGES                                                                                      \
    {                                                                                                        \
        "saveMessages",                                                                                      \
            "{'messages':["                                                                                  \
            "{'id':'m1','threadId':'s','resourceId':'r','role':'system','content':'one','createdAt':1000},"  \
            "{'id':'m2','threadId':'s','resourceId':'r','role':'user','content':{'format':2,'parts':[]},"    \
            "'createdAt':2000,'type':'text'},"                                                               \
            "{'id':'m3','threadId':'s','resourceId':'q','role':'assistant','content':[1],'createdAt':3000}]" \
            "}",                                                                                             \
            NULL                                                                                             \
    }
#define CLONED(source, extra) "{'sourceThreadId':'" source "','clonedAt':'$now'" extra "}"

/* Four messages whose order is not that of their times alone. */
#define TIED                                                                                                 \
    SAVE(MESSAGE("z", "s", "1") "," MESSAGE("b", "s", "1") "," MESSAGE("y", "s", "1") "," MESSAGE("a", "s",  \
                                                                                                  "1"))
/* The texts of the clone's messages, in order. */
#define TEXT(id) "{'$open':true,'content':'text of " id "'}"
#define CLONE_GIVES(args, texts)                                                                             \
    {                                                                                                        \
        "cloneThread", "{'sourceThreadId':'s'," args "}", "{'$open':true,'clonedMessages':[" texts "]}"      \
    }

static const struct test_case cases[] = {
    {"M", "cloneThread", "what is empty counts as absent",
     STEPS(SOURCE, SOURCE_MESSAGES,
           {"cloneThread",
            "{'sourceThreadId':'s','newThreadId':'','title':'','resourceId':'',"
            "'options':{'messageLimit':-1,'messageFilter':{'messageIds':[]}}}",
            "{'$open':true,'thread':{'$open':true,'id':'$uuid','title':'Clone of Plan','resourceId':'r'},"
            "'clonedMessages':['$any','$any','$any']}"})},
    {"M", "cloneThread", "copies everything under new ids",
     STEPS(SOURCE, SOURCE_MESSAGES,
           {"cloneThread", "{'sourceThreadId':'s'}",
            "{'thread':{'id':'$bind:t','resourceId':'r','title':'Clone of Plan','metadata':{'clone':"
            "{'sourceThreadId':'s','clonedAt':'$now','lastMessageId':'m3'}},'createdAt':'$now',"
            "'updatedAt':'$now'},'clonedMessages':["
            "{'id':'$bind:c1','threadId':'$same:t','resourceId':'r','role':'system','content':'one',"
            "'createdAt':" TIME(
                "1") "},"
                     "{'id':'$bind:c2','threadId':'$same:t','resourceId':'r','role':'user','type':'text',"
                     "'content':{'format':2,'parts':[]},'createdAt':" TIME(
                         "2") "},"
                              "{'id':'$bind:c3','threadId':'$same:t','resourceId':'r','role':'assistant','"
                              "content':[1],"
                              "'createdAt':" TIME(
                                  "3") "}],"
                                       "'messageIdMap':{'m1':'$same:c1','m2':'$same:c2','m3':'$same:c3'}}"},
           {"getThreadById", "{'threadId':'$t'}",
            "{'id':'$uuid','resourceId':'r','title':'Clone of Plan','metadata':{'clone':" CLONED(
                "s", ",'lastMessageId':'m3'") "},'createdAt':'$now','updatedAt':'$now'}"},
           {"listMessages", "{'threadId':'$t'}",
            "{'messages':[{'$open':true,'id':'$uuid','role':'system'},{'$open':true,'id':'$uuid'},"
            "{'$open':true,'id':'$uuid','resourceId':'r'}]," PAGE("3", "0", "40", "false") "}"})},
    {"M", "cloneThread", "leaves the source as it was",
     STEPS(SOURCE, SOURCE_MESSAGES, SOURCE, {"cloneThread", "{'sourceThreadId':'s'}", NULL},
           {"getThreadById", "{'threadId':'s'}",
            "{'id':'s','resourceId':'r','title':'Plan','metadata':{'a':1},'createdAt':" TIME(
                "1") ",'updatedAt':" TIME("1") "}"},
           {"listMessages", "{'threadId':'s'}", MESSAGES("'m1','m2','m3'", PAGE("3", "0", "40", "false"))})},
    {"M", "cloneThread", "takes id, resource, title and metadata; the source's metadata stays behind",
     STEPS(SOURCE, SOURCE_MESSAGES,
           {"cloneThread",
            "{'sourceThreadId':'s','newThreadId':'n','resourceId':'R2','title':'Mine','metadata':{'b':2}}",
            "{'$open':true,'thread':{'id':'n','resourceId':'R2','title':'Mine','metadata':{'b':2,'clone'"
            ":" CLONED("s", ",'lastMessageId':'m3'") "},'createdAt':'$now','updatedAt':'$now'}}"},
           {"listMessagesByResourceId", "{'resourceId':'R2'}",
            "{'messages':'$count:3'," PAGE("3", "0", "40", "false") "}"})},
    {"M", "cloneThread", "our member clone stands over a given one",
     STEPS(SOURCE,
           {"cloneThread", "{'sourceThreadId':'s','newThreadId':'n','metadata':{'clone':'x','b':1}}",
            "{'$open':true,'thread':{'$open':true,'metadata':{'b':1,'clone':" CLONED("s", "") "}}}"})},
    {"M", "cloneThread", "a source without title or messages",
     STEPS({"saveThread", "{'thread':{'id':'s','resourceId':'r'}}", NULL},
           {"cloneThread", "{'sourceThreadId':'s','newThreadId':'n'}",
            "{'thread':{'id':'n','resourceId':'r','title':'','metadata':{'clone':" CLONED(
                "s", "") "},'createdAt':'$now','updatedAt':'$now'},'clonedMessages':[],'messageIdMap':{}}"})},
    {"R6", "cloneThread", "equal times keep their order",
     STEPS(SOURCE, TIED,
           CLONE_GIVES("'newThreadId':'n'", TEXT("z") "," TEXT("b") "," TEXT("y") "," TEXT("a")),
           {"listMessages", "{'threadId':'n','orderBy':{'field':'createdAt','direction':'DESC'}}",
            "{'$open':true,'messages':[" TEXT("a") "," TEXT("y") "," TEXT("b") "," TEXT("z") "]}"})},
    {"M", "cloneThread", "messageLimit keeps the newest, in order",
     STEPS(SOURCE, SOURCE_MESSAGES,
           {"cloneThread", "{'sourceThreadId':'s','options':{'messageLimit':2}}",
            "{'$open':true,'thread':{'$open':true,'metadata':{'clone':" CLONED(
                "s", ",'lastMessageId':'m3'") "}},'clonedMessages':[{'$open':true,'id':'$bind:a','createdAt'"
                                              ":" TIME("2") "},{'$open':true,'id':'$bind:b','createdAt'"
                                                            ":" TIME("3") "}],'messageIdMap':{'m2':'$same:a',"
                                                                          "'m3':'$same:b'}}"})},
    {"R6", "cloneThread", "messageLimit among equal times",
     STEPS(SOURCE, TIED, CLONE_GIVES("'options':{'messageLimit':2}", TEXT("y") "," TEXT("a")))},
    {"M", "cloneThread", "filters by dates, both ends included",
     STEPS(SOURCE,
           SAVE(MESSAGE("a", "s", "1") "," MESSAGE("b", "s", "2") "," MESSAGE("c", "s", "3") "," MESSAGE(
               "d", "s", "4")),
           CLONE_GIVES("'options':{'messageFilter':{'startDate':2000,'endDate':" TIME("3") "}}",
                       TEXT("b") "," TEXT("c")),
           CLONE_GIVES("'options':{'messageFilter':{'startDate':4000}}", TEXT("d")),
           CLONE_GIVES("'options':{'messageFilter':{'endDate':1000}}", TEXT("a")))},
    {
        "M",
        "cloneThread",
        "filters by ids, together with dates and limit",
        STEPS(SOURCE,
              SAVE(MESSAGE("a", "s", "1") "," MESSAGE("b", "s", "2") "," MESSAGE("c", "s", "3") "," MESSAGE(
                  "d", "s", "4")),
              SAVE(MESSAGE("x", "other", "1")),
              CLONE_GIVES("'options':{'messageFilter':{'messageIds':['c','a','x','nope']}}",
                          TEXT("a") "," TEXT("c")),
              CLONE_GIVES("'options':{'messageLimit':1,'messageFilter':{'messageIds':['a','c'],"
                          "'endDate':2000}}",
                          TEXT("a"))),
    },
    {"M", "cloneThread", "an unknown source is not found",
     STEPS({"cloneThread", "{'sourceThreadId':'no'}",
            "{'$error':'not_found','$message':'Source thread with id no not found',"
            "'$id':'CLONE_THREAD_SOURCE_NOT_FOUND','$category':'USER'}"})},
    {"R13", "cloneThread", "a new id that exists is a conflict and changes nothing",
     STEPS(SOURCE, SOURCE_MESSAGES, THREAD("t"), SAVE(MESSAGE("n", "t", "1")), THREAD("t"),
           {"cloneThread", "{'sourceThreadId':'s','newThreadId':'t'}",
            "{'$error':'conflict','$message':'Thread with id t already exists',"
            "'$id':'CLONE_THREAD_THREAD_EXISTS','$category':'USER'}"},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'title':'T t','updatedAt':" TIME("1") "}"},
           {"listMessages", "{'threadId':'t'}", MESSAGES("'n'", PAGE("1", "0", "40", "false"))})},
    {"M", "cloneThread", "a clone of itself is a conflict",
     STEPS(SOURCE, {"cloneThread", "{'sourceThreadId':'s','newThreadId':'s'}", "{'$error':'conflict'}"})},
    {"M", "cloneThread", "a clone of a clone",
     STEPS(SOURCE, SOURCE_MESSAGES, {"cloneThread", "{'sourceThreadId':'s','newThreadId':'c1'}", NULL},
           {"cloneThread", "{'sourceThreadId':'c1','newThreadId':'c2'}",
            "{'$open':true,'thread':{'$open':true,'title':'Clone of Clone of Plan','metadata':{'clone':"
            "{'sourceThreadId':'c1','clonedAt':'$now','lastMessageId':'$uuid'}}},"
            "'clonedMessages':'$count:3'}"},
           {"listMessagesByResourceId", "{'resourceId':'r','perPage':1}",
            "{'messages':'$count:1'," PAGE("8", "0", "1", "true") "}"})},
    {"M", "copyThread", "answers without the messages",
     STEPS(SOURCE, SOURCE_MESSAGES,
           {"copyThread", "{'sourceThreadId':'s','newThreadId':'n','options':{'messageLimit':1}}",
            "{'thread':{'id':'n','resourceId':'r','title':'Clone of Plan','metadata':{'clone':" CLONED(
                "s", ",'lastMessageId':'m3'") "},'createdAt':'$now','updatedAt':'$now'},'messageIdMap':{'m3':"
                                              "'$bind:c'}}"},
           {"listMessages", "{'threadId':'n'}", MESSAGES("'$c'", PAGE("1", "0", "40", "false"))})},
    {"M", "copyThread", "has the errors of cloneThread",
     STEPS(SOURCE,
           {"copyThread", "{'sourceThreadId':'no'}",
            "{'$error':'not_found','$id':'CLONE_THREAD_SOURCE_NOT_FOUND'}"},
           {"copyThread", "{'sourceThreadId':'s','newThreadId':'s'}",
            "{'$error':'conflict','$id':'CLONE_THREAD_THREAD_EXISTS'}"})},
};

const struct case_table clone_case_table = CASE_TABLE(cases);
