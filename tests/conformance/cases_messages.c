/* Messages: saving, reading by id, deleting. */
#include "conformance/conformance.h"

#define BY_ID(ids)                "listMessagesById", "{'messageIds':[" ids "]}"
#define READ(id, thread, seconds) READ_OF(id, thread, "r", seconds)
#define ALL_OF_T                  "listMessages", "{'threadId':'t'}"
#define FULL_PAGE(count)          PAGE(count, "0", "40", "false")

/* A message of thread t with the given content, and how the content comes back. */
#define CONTENT_CASE(given, read) CONTENT_ON(0, given, read)
#define CONTENT_ON(traits, given, read)                                                                      \
    STEPS_ON(traits,                                                                                         \
             {"saveMessages",                                                                                \
              "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':" given        \
              ",'createdAt':1000}]}",                                                                        \
              NULL},                                                                                         \
             {BY_ID("'m'"), "{'messages':[{'$open':true,'content':" read "}]}"})
#define BAD_MESSAGE(members) "saveMessages", "{'messages':[" MESSAGE("g", "t", "1") ",{" members "}]}"
#define BAD_FIELD(field)     "{'$error':'invalid_argument','$field':'messages[1]." field "'}"

static const struct test_case cases[] = {
    {"R6", "saveMessages", "the answer has a repeated message where the list has it",
     STEPS({"saveMessages",
            "{'messages':[" MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "1") "," MESSAGE("a", "t", "1") "]}",
            "{'messages':{'$ids':['a','b']}}"},
           {"listMessages", "{'threadId':'t'}", "{'$open':true,'messages':{'$ids':['a','b']}}"})},
    {"M", "saveMessages", "answers with the records, oldest first",
     STEPS(THREAD("t"),
           {"saveMessages", "{'messages':[" MESSAGE("b", "t", "2") "," MESSAGE("a", "t", "1") "]}",
            "{'messages':[" READ("a", "t", "1") "," READ("b", "t", "2") "]}"})},
    {"M", "saveMessages", "type is kept, the default type is hidden",
     STEPS(THREAD("t"),
           {"saveMessages",
            "{'messages':[{'id':'a','threadId':'t','resourceId':'r','role':'user','content':'x','type':'v2',"
            "'createdAt':1000},{'id':'b','threadId':'t','resourceId':'r','role':'user','content':'x',"
            "'type':'text','createdAt':2000}]}",
            "{'messages':[{'id':'a','threadId':'t','resourceId':'r','role':'user','content':'x',"
            "'createdAt':" TIME("1") "},{'id':'b','threadId':'t','resourceId':'r','role':'user',"
                                     "'content':'x','type':'text','createdAt':" TIME("2") "}]}"},
           {ALL_OF_T, "{'messages':[{'id':'a','threadId':'t','resourceId':'r','role':'user','content':'x',"
                      "'createdAt':" TIME("1") "},{'id':'b','threadId':'t','resourceId':'r','role':'user',"
                                               "'content':'x','type':'text','createdAt':" TIME(
                                                   "2") "}]," FULL_PAGE("2") "}"})},
    {"M", "saveMessages", "createdAt defaults to now; resourceId may be missing",
     STEPS(THREAD("t"),
           {"saveMessages", "{'messages':[{'id':'a','threadId':'t','role':'user','content':'x'}]}",
            "{'messages':[{'id':'a','threadId':'t','role':'user','content':'x','createdAt':'$bind:at'}]}"},
           {ALL_OF_T, "{'messages':[{'id':'a','threadId':'t','resourceId':null,'role':'user','content':'x',"
                      "'createdAt':'$same:at'}]," FULL_PAGE("1") "}"},
           {BY_ID("'a'"), "{'messages':[{'$open':true,'createdAt':'$now'}]}"})},
    {"R18", "saveMessages", "an empty batch does nothing",
     STEPS(THREAD("t"), {"saveMessages", "{'messages':[]}", "{'messages':[]}"},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"R1", "saveMessages", "system messages and any role are kept as they are",
     STEPS(
         THREAD("t"),
         {"saveMessages",
          "{'messages':[{'id':'a','threadId':'t','resourceId':'r','role':'system','content':'be kind',"
          "'createdAt':1000},{'id':'b','threadId':'t','resourceId':'r','role':'Tool X','content':'y',"
          "'createdAt':2000}]}",
          "{'messages':[{'$open':true,'role':'system','content':'be kind'},{'$open':true,'role':'Tool X'}]}"},
         {ALL_OF_T, "{'messages':[{'$open':true,'role':'system','content':'be kind'},{'$open':true,"
                    "'role':'Tool X'}]," FULL_PAGE("2") "}"})},
    {"R1", "saveMessages", "content without format is not rewritten",
     CONTENT_CASE("{'content':'Hello','x':[]}", "{'content':'Hello','x':[]}")},
    {"R1", "saveMessages", "content that is an array",
     CONTENT_CASE("[{'type':'text','text':'hi'}]", "[{'type':'text','text':'hi'}]")},
    {"R1", "saveMessages", "content that is plain text", CONTENT_CASE("'plain'", "'plain'")},
    {"R1", "saveMessages", "empty content", CONTENT_CASE("''", "''")},
    {"R1", "saveMessages", "an empty object and an empty array stay what they are",
     STEPS({"saveMessages",
            "{'messages':[{'id':'m','threadId':'t','role':'user','content':{},'createdAt':1000},"
            "{'id':'n','threadId':'t','role':'user','content':[],'createdAt':2000}]}",
            NULL},
           {BY_ID("'m','n'"), "{'messages':[{'$open':true,'content':{}},{'$open':true,'content':[]}]}"})},
    {"R1", "saveMessages", "text that is a JSON object comes back as that object",
     CONTENT_ON(TRAIT_TEXT, "'{\\'a\\':[1,2.50]}'", "{'$raw':{'a':[1,2.50]}}")},
    {"R1", "saveMessages", "text that is a JSON array comes back as that array",
     CONTENT_ON(TRAIT_TEXT, "'[1, 2]'", "{'$raw':[1, 2]}")},
    {"R1", "saveMessages", "text that is any other JSON stays text",
     STEPS({"saveMessages",
            "{'messages':[{'id':'a','threadId':'t','role':'user','content':'123','createdAt':1000},"
            "{'id':'b','threadId':'t','role':'user','content':'null','createdAt':2000},"
            "{'id':'c','threadId':'t','role':'user','content':'true','createdAt':3000},"
            "{'id':'d','threadId':'t','role':'user','content':'\\'quoted\\'','createdAt':4000}]}",
            NULL},
           {BY_ID("'a','b','c','d'"),
            "{'messages':[{'$open':true,'content':'123'},{'$open':true,'content':'null'},"
            "{'$open':true,'content':'true'},{'$open':true,'content':'\\'quoted\\''}]}"})},
    {"R1", "saveMessages", "text that is nearly JSON stays text",
     STEPS({"saveMessages",
            "{'messages':[{'id':'a','threadId':'t','role':'user','content':'{\\'a\\':1','createdAt':1000},"
            "{'id':'b','threadId':'t','role':'user','content':'[1,]','createdAt':2000},"
            "{'id':'c','threadId':'t','role':'user','content':'{} {}','createdAt':3000},"
            "{'id':'d','threadId':'t','role':'user','content':'{a:1}','createdAt':4000}]}",
            NULL},
           {BY_ID("'a','b','c','d'"),
            "{'messages':[{'$open':true,'content':'{\\'a\\':1'},{'$open':true,'content':'[1,]'},"
            "{'$open':true,'content':'{} {}'},{'$open':true,'content':'{a:1}'}]}"})},
    {"R2", "saveMessages", "content is kept character for character",
     STEPS_ON(TRAIT_TEXT,
              {"saveMessages",
               "{'messages':[{'id':'m','threadId':'t','role':'user','content':{ 'z' : 1.0, 'a':1e3,'z':2,"
               "'\\u0061b':'\\u00e9\\/'},'createdAt':1000}]}",
               NULL},
              {BY_ID("'m'"), "{'messages':[{'$open':true,'content':{'$raw':{ 'z' : 1.0, 'a':1e3,'z':2,"
                             "'\\u0061b':'\\u00e9\\/'}}}]}"},
              {REOPEN, NULL, NULL},
              {ALL_OF_T,
               "{'$open':true,'messages':[{'$open':true,'content':{'$raw':{ 'z' : 1.0, 'a':1e3,'z':2,"
               "'\\u0061b':'\\u00e9\\/'}}}]}"})},
    {"R3", "saveMessages", "numbers beyond 2^53 and long decimals survive",
     CONTENT_ON(TRAIT_TEXT,
                "{'n':9007199254740993,'d':0.1000000000000000055511151231257827,'e':1e400,'m':-0}",
                "{'$raw':{'n':9007199254740993,'d':0.1000000000000000055511151231257827,'e':1e400,"
                "'m':-0}}")},

    {"R4", "saveMessages", "a message saved again keeps its first createdAt",
     STEPS(THREAD("t"), SAVE(MESSAGE("m", "t", "1")),
           {"saveMessages",
            "{'messages':[{'id':'m','threadId':'t','resourceId':'q','role':'assistant','type':'text',"
            "'content':'new','createdAt':9000}]}",
            "{'messages':[{'$open':true,'id':'m','content':'new'}]}"},
           {ALL_OF_T, "{'messages':[{'id':'m','threadId':'t','resourceId':'q','role':'assistant',"
                      "'type':'text','content':'new','createdAt':" TIME("1") "}]," FULL_PAGE("1") "}"})},
    {"M", "saveMessages", "what a second save leaves out becomes the default",
     STEPS(THREAD("t"),
           {"saveMessages",
            "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','type':'text',"
            "'content':'x','createdAt':1000}]}",
            NULL},
           {"saveMessages", "{'messages':[{'id':'m','threadId':'t','role':'user','content':'y'}]}", NULL},
           {ALL_OF_T, "{'messages':[{'id':'m','threadId':'t','resourceId':null,'role':'user','content':'y',"
                      "'createdAt':" TIME("1") "}]," FULL_PAGE("1") "}"})},
    {"M", "saveMessages", "a message can move to another thread",
     STEPS(
         THREAD("t"), THREAD("u"), SAVE(MESSAGE("m", "t", "1")), SAVE(MESSAGE("m", "u", "2")),
         {ALL_OF_T, MESSAGES("", FULL_PAGE("0"))},
         {"listMessages", "{'threadId':'u'}", "{'messages':[" READ("m", "u", "1") "]," FULL_PAGE("1") "}"})},
    {"M", "saveMessages", "of equal ids the last one's content wins with the first one's time",
     STEPS(
         THREAD("t"),
         {"saveMessages",
          "{'messages':[{'id':'m','threadId':'t','role':'user','content':'first','createdAt':1000}," MESSAGE(
              "n", "t",
              "2") ",{'id':'m','threadId':'t','role':'assistant','content':'last','createdAt':3000}]}",
          "{'messages':'$count:2'}"},
         {ALL_OF_T,
          "{'messages':[{'id':'m','threadId':'t','resourceId':null,'role':'assistant','content':'last',"
          "'createdAt':" TIME("1") "}," READ("n", "t", "2") "]," FULL_PAGE("2") "}"})},
    {"R6", "saveMessages", "equal times keep the order of the call",
     STEPS(THREAD("t"),
           {"saveMessages",
            "{'messages':[" MESSAGE("z", "t", "2") "," MESSAGE("b", "t", "2") "," MESSAGE(
                "y", "t", "1") "," MESSAGE("a", "t", "2") "]}",
            "{'messages':{'$ids':['y','z','b','a']}}"},
           {ALL_OF_T, MESSAGES("'y','z','b','a'", FULL_PAGE("4"))})},

    {"R15", "saveMessages", "moves updatedAt of every thread touched",
     STEPS(
         THREAD("t"), THREAD("u"), THREAD("v"), SAVE(MESSAGE("m", "t", "1") "," MESSAGE("n", "u", "1")),
         {"getThreadById", "{'threadId':'t'}", "{'$open':true,'createdAt':" TIME("1") ",'updatedAt':'$now'}"},
         {"getThreadById", "{'threadId':'u'}", "{'$open':true,'updatedAt':'$now'}"},
         {"getThreadById", "{'threadId':'v'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"R15", "saveMessages", "a message for an unknown thread is taken; no thread is made",
     STEPS_ON(TRAIT_ORPHANS, SAVE(MESSAGE("m", "ghost", "1")),
              {"listMessages", "{'threadId':'ghost'}", MESSAGES("'m'", FULL_PAGE("1"))},
              {"getThreadById", "{'threadId':'ghost'}", "null"},
              {"listThreads", "{}", THREADS("", PAGE("0", "0", "100", "false"))})},

    {"R13", "saveMessages", "all or nothing: a bad field of one message",
     STEPS(THREAD("t"), {BAD_MESSAGE("'threadId':'t','role':'user','content':'x'"), BAD_FIELD("id")},
           {BAD_MESSAGE("'id':'b','threadId':'t','content':'x'"), BAD_FIELD("role")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user'"), BAD_FIELD("content")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user','content':null"), BAD_FIELD("content")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user','content':5"), BAD_FIELD("content")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user','content':true"), BAD_FIELD("content")},
           {BAD_MESSAGE("'id':7,'threadId':'t','role':'user','content':'x'"), BAD_FIELD("id")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user','content':'x','createdAt':'soon'"),
            BAD_FIELD("createdAt")},
           {BAD_MESSAGE("'id':'b','threadId':'t','role':'user','content':'x','type':[]"), BAD_FIELD("type")},
           {ALL_OF_T, MESSAGES("", FULL_PAGE("0"))},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"M", "saveMessages", "a missing or blank threadId",
     STEPS({"saveMessages", "{'messages':[{'id':'b','role':'user','content':'x'}]}",
            "{'$error':'invalid_argument','$message':'Thread ID is required'}"},
           {"saveMessages", "{'messages':[{'id':'b','threadId':'','role':'user','content':'x'}]}",
            "{'$error':'invalid_argument','$message':'Thread ID is required'}"},
           {"listMessagesById", "{'messageIds':['b']}", "{'messages':[]}"})},
    {"M", "saveMessages", "messages must be an array of objects",
     STEPS({"saveMessages", "{}", "{'$error':'invalid_argument'}"},
           {"saveMessages", "{'messages':{}}", "{'$error':'invalid_argument'}"},
           {"saveMessages", "{'messages':['x']}", "{'$error':'invalid_argument'}"},
           {"saveMessages", "{'messages':[null]}", "{'$error':'invalid_argument'}"})},
    {"M", "saveMessages", "members that are no columns are dropped",
     STEPS({"saveMessages",
            "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':'x',"
            "'createdAt':1000,'colour':'red'}]}",
            NULL},
           {BY_ID("'m'"), "{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user',"
                          "'content':'x','createdAt':" TIME("1") "}]}"})},

    {"M", "listMessagesById", "oldest first, each once, unknown ones left out",
     STEPS(SAVE(MESSAGE("a", "t", "2") "," MESSAGE("b", "u", "1") "," MESSAGE("c", "t", "3")),
           {BY_ID("'c','none','a','b','c'"),
            "{'messages':[" READ("b", "u", "1") "," READ("a", "t", "2") "," READ("c", "t", "3") "]}"})},
    {"R6", "listMessagesById", "equal times in the order of saving",
     STEPS(SAVE(MESSAGE("z", "t", "1") "," MESSAGE("m", "u", "1") "," MESSAGE("a", "t", "1")),
           {BY_ID("'a','m','z'"), "{'messages':{'$ids':['z','m','a']}}"})},
    {"R18", "listMessagesById", "no ids, no messages",
     STEPS(SAVE(MESSAGE("a", "t", "1")), {BY_ID(""), "{'messages':[]}"})},
    {"M", "listMessagesById", "ids must be strings",
     STEPS({"listMessagesById", "{'messageIds':[1]}", "{'$error':'invalid_argument'}"},
           {"listMessagesById", "{'messageIds':'a'}", "{'$error':'invalid_argument'}"},
           {"listMessagesById", "{}", "{'$error':'invalid_argument'}"})},

    {"M", "deleteMessages", "takes an array of ids and bumps their threads",
     STEPS(THREAD("t"), THREAD("u"), THREAD("v"),
           SAVE(MESSAGE("a", "t", "1") "," MESSAGE("b", "t", "2") "," MESSAGE("c", "u", "1") "," MESSAGE(
               "d", "v", "1")),
           THREAD("t"), THREAD("u"), THREAD("v"), {"deleteMessages", "['a','c']", "null"},
           {BY_ID("'a','b','c','d'"), "{'messages':{'$ids':['d','b']}}"},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':'$now'}"},
           {"getThreadById", "{'threadId':'u'}", "{'$open':true,'updatedAt':'$now'}"},
           {"getThreadById", "{'threadId':'v'}", "{'$open':true,'updatedAt':" TIME("1") "}"})},
    {"R18", "deleteMessages", "nothing and unknown ids are ignored",
     STEPS(THREAD("t"), SAVE(MESSAGE("a", "t", "1")), THREAD("t"), {"deleteMessages", "[]", "null"},
           {"deleteMessages", "['no','never']", "null"}, {BY_ID("'a'"), "{'messages':{'$ids':['a']}}"},
           {"getThreadById", "{'threadId':'t'}", "{'$open':true,'updatedAt':" TIME("1") "}"},
           {"deleteMessages", "['no','a','a']", "null"}, {BY_ID("'a'"), "{'messages':[]}"})},
    {"R13", "deleteMessages", "a bad id among good ones deletes nothing",
     STEPS(SAVE(MESSAGE("a", "t", "1")), {"deleteMessages", "['a',5]", "{'$error':'invalid_argument'}"},
           {"deleteMessages", "['a','x\\u0000']", "{'$error':'invalid_argument'}"},
           {BY_ID("'a'"), "{'messages':{'$ids':['a']}}"})},
};

const struct case_table message_case_table = CASE_TABLE(cases);
