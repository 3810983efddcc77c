/* Changes to stored messages. */
#include "conformance/conformance.h"

#define UPDATE(list, result)                                                                                 \
    {                                                                                                        \
        "updateMessages", "{'messages':[" list "]}", result                                                  \
    }
#define READ(id, thread, seconds) READ_OF(id, thread, "r", seconds)
#define STORED(ids, result)                                                                                  \
    {                                                                                                        \
        "listMessagesById", "{'messageIds':[" ids "]}", "{'messages':" result "}"                            \
    }
#define HOLDING(content)                                                                                     \
    {                                                                                                        \
        "saveMessages",                                                                                      \
            "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':" content        \
            ",'createdAt':1000}]}",                                                                          \
            NULL                                                                                             \
    }
#define HELD(content)                                                                                        \
    "[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':" content                            \
    ",'createdAt':" TIME("1") "}]"
/* Content before, the patch's content, content after: answered and stored. */
#define MERGE_CASE(before, patch, after)                                                                     \
    STEPS(HOLDING(before), UPDATE("{'id':'m','content':" patch "}", HELD(after)), STORED("'m'", HELD(after)))

static const struct test_case cases[] = {
    {"M", "updateMessages", "changes the fields that are given and no others",
     STEPS(THREAD("t"), SAVE(MESSAGE("a", "t", "1")),
           UPDATE("{'id':'a','role':'assistant'}",
                  "[{'id':'a','threadId':'t','resourceId':'r','role':'assistant','content':'text of a',"
                  "'createdAt':" TIME("1") "}]"),
           UPDATE("{'id':'a','type':'text','resourceId':'q','createdAt':5000}",
                  "[{'id':'a','threadId':'t','resourceId':'q','role':'assistant','type':'text',"
                  "'content':'text of a','createdAt':" TIME("5") "}]"),
           STORED("'a'", "[{'id':'a','threadId':'t','resourceId':'q','role':'assistant','type':'text',"
                         "'content':'text of a','createdAt':" TIME("5") "}]"))},
    {"M", "updateMessages", "answers oldest first with whole records, unknown ids left out",
     STEPS(
         SAVE(MESSAGE("b", "t", "2") "," MESSAGE("a", "t", "3") "," MESSAGE("c", "t", "1")),
         UPDATE(
             "{'id':'a','role':'x'},{'id':'nope','role':'y'},{'id':'c','role':'z'}",
             "[{'id':'c','threadId':'t','resourceId':'r','role':'z','content':'text of c','createdAt':" TIME(
                 "1") "},{'id':'a','threadId':'t','resourceId':'r','role':'x','content':'text of a',"
                      "'createdAt':" TIME("3") "}]"))},
    {"M", "updateMessages", "takes members of content.metadata away",
     STEPS(HOLDING("{'parts':[],'metadata':{'a':1,'b':2}}"),
           {"updateMessages",
            "{'messages':[{'id':'m','content':{'metadata':{'c':3}}}],'unset':{'m':['a','none'],'x':['b']}}",
            HELD("{'parts':[],'metadata':{'b':2,'c':3}}")},
           {"updateMessages", "{'messages':[{'id':'m','role':'x'}],'unset':{'m':'b'}}",
            "{'$error':'invalid_argument','$field':'unset'}"},
           {"updateMessages", "{'messages':[{'id':'m','role':'x'}],'unset':['b']}",
            "{'$error':'invalid_argument','$field':'unset'}"},
           STORED("'m'", HELD("{'parts':[],'metadata':{'b':2,'c':3}}")))},
    {"R18", "updateMessages", "no messages, unknown messages: nothing happens",
     STEPS(UPDATE("", "[]"), UPDATE("{'id':'nope','role':'x'}", "[]"), STORED("'nope'", "[]"))},
    {"M", "updateMessages", "an id alone answers with the message as it is",
     STEPS(THREAD("t"), SAVE(MESSAGE("a", "t", "1")), THREAD("t"),
           UPDATE("{'id':'a'}", "[" READ("a", "t", "1") "]"))},
    {"M", "updateMessages", "lays content over the stored object, one level deep",
     MERGE_CASE("{'format':2,'parts':[1],'n':{'x':1}}", "{'parts':[2,3],'n':{'y':2},'new':null}",
                "{'format':2,'parts':[2,3],'n':{'y':2},'new':null}")},
    {"M", "updateMessages", "metadata inside content is merged as well",
     MERGE_CASE("{'format':2,'metadata':{'k':1,'n':{'x':1}}}", "{'metadata':{'q':2,'n':{'y':1}}}",
                "{'format':2,'metadata':{'k':1,'q':2,'n':{'y':1}}}")},
    {"M", "updateMessages", "metadata is replaced where only one side has an object",
     STEPS(HOLDING("{'metadata':5}"),
           UPDATE("{'id':'m','content':{'metadata':{'a':1}}}", HELD("{'metadata':{'a':1}}")),
           UPDATE("{'id':'m','content':{'metadata':null}}", HELD("{'metadata':null}")),
           UPDATE("{'id':'m','content':{'metadata':{'b':1}}}", HELD("{'metadata':{'b':1}}")))},
    {"M", "updateMessages", "content without metadata leaves the stored metadata alone",
     MERGE_CASE("{'metadata':{'k':1},'parts':[]}", "{'parts':[1]}", "{'metadata':{'k':1},'parts':[1]}")},
    {"M", "updateMessages", "an object replaces plain text", MERGE_CASE("'plain'", "{'a':1}", "{'a':1}")},
    {"M", "updateMessages", "an object replaces an array", MERGE_CASE("[1,2]", "{'a':1}", "{'a':1}")},
    {"M", "updateMessages", "plain text replaces an object", MERGE_CASE("{'a':1}", "'plain'", "'plain'")},
    {"M", "updateMessages", "an array replaces an object", MERGE_CASE("{'a':1}", "[1]", "[1]")},
    {"R2", "updateMessages", "what is not changed keeps its spelling and place",
     STEPS_ON(TRAIT_RAW_JSON, HOLDING("{'z':1.0,'metadata':{'y':[1, 9007199254740993],'b':1},'a':'\\u00e9'}"),
              UPDATE("{'id':'m','content':{'a':2E0,'metadata':{'b':2,'c':3}}}", NULL),
              STORED("'m'",
                     HELD("{'$raw':{'z':1.0,'metadata':{'y':[1, 9007199254740993],'b':2,'c':3},'a':2E0}}")))},
    {"M", "updateMessages", "resourceId null becomes null",
     STEPS(SAVE(MESSAGE("a", "t", "1")),
           UPDATE("{'id':'a','resourceId':null}",
                  "[{'id':'a','threadId':'t','resourceId':null,'role':'user','content':'text of a',"
                  "'createdAt':" TIME("1") "}]"))},
    {"M", "updateMessages", "type null becomes the default",
     STEPS({"saveMessages",
            "{'messages':[{'id':'a','threadId':'t','resourceId':'r','role':'user','content':'text of a',"
            "'type':'text','createdAt':1000}]}",
            NULL},
           UPDATE("{'id':'a','type':null}", "[" READ("a", "t", "1") "]"),
           STORED("'a'", "[" READ("a", "t", "1") "]"))},
    {"M", "updateMessages", "bumps the thread of every message",
     STEPS(THREAD("t"), THREAD("u"), THREAD("v"),
           SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "u", "1") "," MESSAGE("c", "v", "1")), THREAD("t"),
           THREAD("u"), THREAD("v"), UPDATE("{'id':'a','role':'x'},{'id':'b','role':'x'}", NULL),
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':'$now'}"},
           {"getThreadById", "{'threadId':'u'}", "{'$open':true,'updatedAt':'$now'}"},
           {"getThreadById", "{'threadId':'v'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"M", "updateMessages", "a move bumps the thread left and the thread entered",
     STEPS(THREAD("t"), THREAD("u"), SAVE(MESSAGE("a", "t", "1")), THREAD("t"), THREAD("u"),
           UPDATE("{'id':'a','threadId':'u'}", "[" READ("a", "u", "1") "]"),
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':'$now'}"},
           {"getThreadById", "{'threadId':'u'}", "{'$open':true,'updatedAt':'$now'}"},
           {"listMessages", "{'threadId':'u'}", MESSAGES("'a'", PAGE("1", "0", "40", "false"))},
           {"listMessages", "{'threadId':'t'}", MESSAGES("", PAGE("0", "0", "40", "false"))})},
    {"M", "updateMessages", "a new createdAt moves the message in lists",
     STEPS(SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "2") "," MESSAGE("c", "t", "3")),
           UPDATE("{'id':'a','createdAt':" TIME("9") "}", NULL),
           {"listMessages", "{'threadId':'t'}", MESSAGES("'b','c','a'", PAGE("3", "0", "40", "false"))})},
    {"R6", "updateMessages", "a change keeps the place among equal times",
     STEPS(SAVE(MESSAGE("z", "t", "1") "," MESSAGE("b", "t", "1") "," MESSAGE("a", "t", "1")),
           UPDATE("{'id':'z','role':'x'},{'id':'a','content':'y'}", "{'$ids':['z','a']}"),
           {"listMessages", "{'threadId':'t'}", MESSAGES("'z','b','a'", PAGE("3", "0", "40", "false"))})},
    {"M", "updateMessages", "members that are no columns are ignored",
     STEPS(
         SAVE(MESSAGE("a", "t", "1")),
         UPDATE(
             "{'id':'a','colour':'red','role':'x'}",
             "[{'id':'a','threadId':'t','resourceId':'r','role':'x','content':'text of a','createdAt':" TIME(
                 "1") "}]"))},
    {"R13", "updateMessages", "a bad patch among good ones changes nothing",
     STEPS(THREAD("t"), SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "1")), THREAD("t"),
           UPDATE("{'id':'a','role':'x'},{'role':'y'}",
                  "{'$error':'invalid_argument','$field':'messages[1].id'}"),
           UPDATE("{'id':'a','role':'x'},{'id':'b','role':null}",
                  "{'$error':'invalid_argument','$field':'messages[1].role'}"),
           UPDATE("{'id':'a','role':'x'},{'id':'b','content':7}",
                  "{'$error':'invalid_argument','$field':'messages[1].content'}"),
           UPDATE("{'id':'a','role':'x'},{'id':'b','threadId':null}",
                  "{'$error':'invalid_argument','$field':'messages[1].threadId'}"),
           UPDATE("{'id':'a','role':'x'},{'id':'b','createdAt':'never'}",
                  "{'$error':'invalid_argument','$field':'messages[1].createdAt'}"),
           STORED("'a','b'", "[" READ("a", "t", "1") "," READ("b", "t", "1") "]"),
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"M", "updateMessages", "the same message twice in one call: both changes",
     STEPS(HOLDING("{'a':1}"),
           UPDATE("{'id':'m','content':{'b':2}},{'id':'m','content':{'c':3}}", "'$count:1'"),
           STORED("'m'", HELD("{'a':1,'b':2,'c':3}")))},
    {"M", "updateMessages", "the same message twice in one call: different fields",
     STEPS(
         SAVE(MESSAGE("a", "t", "1")),
         UPDATE("{'id':'a','role':'x'},{'id':'a','createdAt':2000},{'id':'a','role':'y'}", "'$count:1'"),
         STORED(
             "'a'",
             "[{'id':'a','threadId':'t','resourceId':'r','role':'y','content':'text of a','createdAt':" TIME(
                 "2") "}]"))},
    {"M", "updateMessages", "lists and totals follow a move",
     STEPS(SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "2")),
           {"listMessages", "{'threadId':'t'}", MESSAGES("'a','b'", PAGE("2", "0", "40", "false"))},
           {"listMessages", "{'threadId':'u'}", MESSAGES("", PAGE("0", "0", "40", "false"))},
           UPDATE("{'id':'a','threadId':'u','resourceId':'q'}", NULL),
           {"listMessages", "{'threadId':'t'}", MESSAGES("'b'", PAGE("1", "0", "40", "false"))},
           {"listMessages", "{'threadId':'u'}", MESSAGES("'a'", PAGE("1", "0", "40", "false"))},
           {"listMessages", "{'threadId':'u','resourceId':'q'}",
            MESSAGES("'a'", PAGE("1", "0", "40", "false"))})},
};

const struct case_table update_case_table = CASE_TABLE(cases);
