/* Lists of messages by date and by metadata. */
#include "conformance/conformance.h"

#define RANGE(range) "{'threadId':'t','filter':{'dateRange':{" range "}}}"
#define IN_RANGE(range, ids, count)                                                                          \
    {                                                                                                        \
        "listMessages", RANGE(range), MESSAGES(ids, PAGE(count, "0", "40", "false"))                         \
    }
#define FOUR                                                                                                 \
    SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "2") "," MESSAGE("c", "t", "3") "," MESSAGE("d", "t",  \
                                                                                                  "4"))

/* Messages of thread t one second after the other. */
#define WITH(id, seconds, content)                                                                           \
    "{'id':'" id "','threadId':'t','resourceId':'r','role':'user','createdAt':" seconds                      \
    "000,'content':" content "}"
#define META(id, seconds, metadata) WITH(id, seconds, "{'format':2,'parts':[],'metadata':" metadata "}")
#define BY(metadata)                "{'threadId':'t','filter':{'metadata':" metadata "}}"
#define FOUND(metadata, ids, count)                                                                          \
    {                                                                                                        \
        "listMessages", BY(metadata), MESSAGES(ids, PAGE(count, "0", "40", "false"))                         \
    }
#define INVALID_KEY(key)                                                                                     \
    "{'$error':'invalid_argument','$message':'Invalid metadata filter key \\'" key "\\'.'}"
#define INVALID_VALUE                                                                                        \
    "{'$error':'invalid_argument','$message':'Invalid metadata filter value for key \\'k\\'.'}"
#define K16  "kkkkkkkkkkkkkkkk"
#define K128 K16 K16 K16 K16 K16 K16 K16 K16

static const struct test_case cases[] = {
    {"R9", "listMessages", "a range includes both its ends",
     STEPS(FOUR, IN_RANGE("'start':2000,'end':3000", "'b','c'", "2"),
           IN_RANGE("'start':2000,'end':2000", "'b'", "1"), IN_RANGE("'start':2001,'end':2999", "", "0"))},
    {"R9", "listMessages", "an open range",
     STEPS(FOUR, IN_RANGE("'start':3000", "'c','d'", "2"), IN_RANGE("'end':2000", "'a','b'", "2"),
           IN_RANGE("", "'a','b','c','d'", "4"),
           IN_RANGE("'start':null,'end':null", "'a','b','c','d'", "4"))},
    {"R9", "listMessages", "an end beyond the years that are stored is open or meets nothing",
     STEPS(FOUR, IN_RANGE("'end':'+010000-01-01T00:00:00.000Z'", "'a','b','c','d'", "4"),
           IN_RANGE("'start':'+010000-01-01T00:00:00.000Z'", "", "0"),
           IN_RANGE("'start':'-000001-01-01T00:00:00.000Z'", "'a','b','c','d'", "4"),
           IN_RANGE("'end':'-000001-01-01T00:00:00.000Z'", "", "0"),
           {"saveMessages",
            "{'messages':[{'id':'x','threadId':'t','role':'user','content':'x',"
            "'createdAt':'+010000-01-01T00:00:00.000Z'}]}",
            "{'$error':'invalid_argument','$field':'messages[0].createdAt'}"})},
    {"R9", "listMessages", "exclusive ends",
     STEPS(FOUR, IN_RANGE("'start':2000,'startExclusive':true,'end':4000", "'c','d'", "2"),
           IN_RANGE("'start':2000,'end':4000,'endExclusive':true", "'b','c'", "2"),
           IN_RANGE("'start':2000,'startExclusive':true,'end':3000,'endExclusive':true", "", "0"),
           IN_RANGE("'start':2000,'startExclusive':false,'end':3000,'endExclusive':false", "'b','c'", "2"))},
    {"R9", "listMessages", "a range that ends before it starts is empty",
     STEPS(FOUR, IN_RANGE("'start':3000,'end':2000", "", "0"))},
    {"R9", "listMessages", "a range to the millisecond, as text or number, in any zone",
     STEPS(
         {"saveMessages",
          "{'messages':["
          "{'id':'a','threadId':'t','role':'user','content':'x','createdAt':'2024-06-01T12:00:00.000Z'},"
          "{'id':'b','threadId':'t','role':'user','content':'x','createdAt':'2024-06-01T12:00:00.001Z'},"
          "{'id':'c','threadId':'t','role':'user','content':'x','createdAt':'2024-06-01T14:00:00.002+02:00'}"
          "]}",
          NULL},
         IN_RANGE("'start':'2024-06-01T12:00:00.001Z'", "'b','c'", "2"),
         IN_RANGE("'start':'2024-06-01T08:00:00.001-04:00'", "'b','c'", "2"),
         IN_RANGE("'start':'2024-06-01T12:00:00.001'", "'b','c'", "2"),
         IN_RANGE("'start':1717243200002", "'c'", "1"),
         IN_RANGE("'end':'2024-06-01T12:00:00.001Z','endExclusive':true", "'a'", "1"))},
    {"R9", "listMessages", "times before 1970 sort and filter as times",
     STEPS({"saveMessages",
            "{'messages':[{'id':'a','threadId':'t','role':'user','content':'x','createdAt':1},"
            "{'id':'b','threadId':'t','role':'user','content':'x','createdAt':-1},"
            "{'id':'c','threadId':'t','role':'user','content':'x','createdAt':-86400000}]}",
            NULL},
           IN_RANGE("'start':-86400000,'end':0", "'c','b'", "2"), IN_RANGE("", "'c','b','a'", "3"))},
    {"R9", "listMessages", "ranges, pages and totals",
     STEPS(FOUR,
           {"listMessages", "{'threadId':'t','perPage':1,'page':1,'filter':{'dateRange':{'start':2000}}}",
            MESSAGES("'c'", PAGE("3", "1", "1", "true"))})},
    {"R9", "listMessages", "a bad date is an error",
     STEPS(
         {"listMessages", RANGE("'start':'yesterday'"), "{'$error':'invalid_argument'}"},
         {"listMessages", RANGE("'end':true"), "{'$error':'invalid_argument'}"},
         {"listMessages", RANGE("'end':'2024-13-01'"), "{'$error':'invalid_argument'}"},
         {"listMessages", "{'threadId':'t','filter':{'dateRange':'all'}}", "{'$error':'invalid_argument'}"})},

    {"R11", "listMessages", "metadata values compare with their type",
     STEPS(SAVE(META("n", "1", "{'k':1}") "," META("s", "2", "{'k':'1'}") "," META(
               "t", "3", "{'k':true}") "," META("f", "4",
                                                "{'k':false}") "," META("z", "5",
                                                                        "{'k':0}") "," META("e", "6",
                                                                                            "{'k':''}")),
           FOUND("{'k':1}", "'n'", "1"), FOUND("{'k':'1'}", "'s'", "1"), FOUND("{'k':true}", "'t'", "1"),
           FOUND("{'k':false}", "'f'", "1"), FOUND("{'k':0}", "'z'", "1"), FOUND("{'k':''}", "'e'", "1"))},
    {"R11", "listMessages", "null means an explicit null",
     STEPS(SAVE(META("a", "1", "{'k':null}") "," META("b", "2", "{}") "," META("c", "3", "{'k':0}") "," WITH(
               "d", "4", "{'format':2}")),
           FOUND("{'k':null}", "'a'", "1"))},
    {"R11", "listMessages", "only content with an object metadata can match",
     STEPS(
         SAVE(META("a", "1", "{'k':1}") "," WITH("b", "2", "'plain'") "," WITH("c", "3", "[1]") "," WITH(
             "d", "4",
             "{'metadata':'k'}") "," WITH("e", "5",
                                          "{'metadata':[1]}") "," WITH("f", "6",
                                                                       "{'k':1}") "," WITH("g", "7",
                                                                                           "'{\\'metadata\\':"
                                                                                           "{\\'k\\':"
                                                                                           "1}}'") "," WITH("h",
                                                                                                            "8",
                                                                                                            "'{\\'"
                                                                                                            "metadata\\"
                                                                                                            "':{\\'k\\'"
                                                                                                            ":1}'")),
         FOUND("{'k':1}", "'a','g'", "2"))},
    {"R11", "listMessages", "all keys must match",
     STEPS(SAVE(META("a", "1", "{'k':1,'l':'x'}") "," META("b", "2", "{'k':1,'l':'y'}") "," META("c", "3",
                                                                                                 "{'k':1}")),
           FOUND("{'k':1,'l':'x'}", "'a'", "1"), FOUND("{'k':1}", "'a','b','c'", "3"),
           FOUND("{'k':1,'m':null}", "", "0"))},
    {"R11", "listMessages", "an empty filter filters nothing",
     STEPS(SAVE(META("a", "1", "{'k':1}") "," WITH("b", "2", "'plain'")), FOUND("{}", "'a','b'", "2"))},
    {"R11", "listMessages", "nested values match no scalar",
     STEPS(
         SAVE(META("a", "1", "{'k':{'x':1}}") "," META("b", "2", "{'k':[1]}") "," META("c", "3", "{'k':1}")),
         FOUND("{'k':1}", "'c'", "1"))},
    {"R3", "listMessages", "numbers compare exactly, not by their spelling",
     STEPS_ON(
         TRAIT_TEXT,
         SAVE(META("a", "1", "{'k':9007199254740993}") "," META("b", "2", "{'k':9007199254740992}") "," META(
             "c", "3", "{'k':0.10}") "," META("d", "4", "{'k':100}")),
         FOUND("{'k':9007199254740993}", "'a'", "1"), FOUND("{'k':9007199254740992}", "'b'", "1"),
         FOUND("{'k':0.1}", "'c'", "1"), FOUND("{'k':1e2}", "'d'", "1"))},
    {"R11", "listMessages", "strings compare by their characters",
     STEPS(SAVE(META("a", "1", "{'k':'caf\\u00e9'}") "," META("b", "2", "{'k':'caf\xc3\xa9'}") "," META(
               "c", "3", "{'k':'x\\u0027 OR 1=1 --'}") "," META("d", "4",
                                                                "{'k':'a\\u0000b'}") "," META("e", "5",
                                                                                              "{'k':'a'}")),
           FOUND("{'k':'caf\xc3\xa9'}", "'a','b'", "2"), FOUND("{'k':'x\\u0027 OR 1=1 --'}", "'c'", "1"),
           FOUND("{'k':'a\\u0000b'}", "'d'", "1"), FOUND("{'k':'a'}", "'e'", "1"))},
    {"R7", "listMessages", "metadata, pages and totals",
     STEPS(SAVE(META("a", "1", "{'k':1}") "," META("b", "2", "{'k':2}") "," META(
               "c", "3", "{'k':1}") "," META("d", "4", "{'k':1}")),
           {"listMessages", "{'threadId':'t','perPage':2,'filter':{'metadata':{'k':1}}}",
            MESSAGES("'a','c'", PAGE("3", "0", "2", "true"))},
           {"listMessages", "{'threadId':'t','perPage':2,'page':1,'filter':{'metadata':{'k':1}}}",
            MESSAGES("'d'", PAGE("3", "1", "2", "false"))},
           {"listMessages",
            "{'threadId':'t','perPage':2,'filter':{'metadata':{'k':1}},'orderBy':{'direction':'DESC'}}",
            MESSAGES("'d','c'", PAGE("3", "0", "2", "true"))},
           {"listMessages", "{'threadId':'t','perPage':2,'includeTotal':false,'filter':{'metadata':{'k':1}}}",
            MESSAGES("'a','c'", PAGE("2", "0", "2", "true"))})},
    {"R11", "listMessages", "metadata together with dates, resource and threads",
     STEPS(
         SAVE(META("a", "1", "{'k':1}") "," META("b", "2", "{'k':1}") "," META("c", "3", "{'k':1}")),
         {"saveMessages",
          "{'messages':[{'id':'x','threadId':'u','resourceId':'q','role':'user','createdAt':2000,"
          "'content':{'metadata':{'k':1}}}]}",
          NULL},
         {"listMessages", "{'threadId':['t','u'],'filter':{'metadata':{'k':1},'dateRange':{'start':2000}}}",
          MESSAGES("'b','x','c'", PAGE("3", "0", "40", "false"))},
         {"listMessages",
          "{'threadId':['t','u'],'resourceId':'q','filter':{'metadata':{'k':1},'dateRange':{'start':2000}}}",
          MESSAGES("'x'", PAGE("1", "0", "40", "false"))})},
    {"R11", "listMessages", "a metadata filter follows a change of content",
     STEPS(SAVE(META("a", "1", "{'k':1}")), FOUND("{'k':1}", "'a'", "1"),
           {"updateMessages", "{'messages':[{'id':'a','content':{'metadata':{'k':2}}}]}", NULL},
           FOUND("{'k':1}", "", "0"), FOUND("{'k':2}", "'a'", "1"))},
    {"R11", "listMessagesByResourceId", "filters by metadata too",
     STEPS(SAVE(META("a", "1", "{'k':1}") "," META("b", "2", "{'k':2}")),
           {"listMessagesByResourceId", "{'resourceId':'r','filter':{'metadata':{'k':2}}}",
            MESSAGES("'b'", PAGE("1", "0", "40", "false"))})},
    {"R11", "listMessages", "keys of the filter are checked",
     STEPS({"listMessages", BY("{'a b':1}"), INVALID_KEY("a b")},
           {"listMessages", BY("{'1a':1}"), INVALID_KEY("1a")},
           {"listMessages", BY("{'':1}"), INVALID_KEY("")},
           {"listMessages", BY("{'ok':1,'a.b':1}"), INVALID_KEY("a.b")},
           {"listMessages", BY("{'constructor':1}"), INVALID_KEY("constructor")},
           {"listMessages", BY("{'__proto__':1}"), INVALID_KEY("__proto__")},
           {"listMessages", BY("{'prototype':1}"), INVALID_KEY("prototype")},
           {"listMessages", BY("{'k" K128 "':1}"), INVALID_KEY("k" K128)}, FOUND("{'" K128 "':1}", "", "0"),
           FOUND("{'_a1':1}", "", "0"))},
    {"R11", "listMessages", "values of the filter are checked",
     STEPS({"listMessages", BY("{'k':{'x':1}}"), INVALID_VALUE},
           {"listMessages", BY("{'k':[]}"), INVALID_VALUE},
           {"listMessages", BY("[1]"),
            "{'$error':'invalid_argument','$message':'Metadata filter must be an "
            "object.'}"},
           {"listMessages", BY("'k'"), "{'$error':'invalid_argument'}"})},
};

const struct case_table filter_case_table = CASE_TABLE(cases);
