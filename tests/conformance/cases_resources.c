/* Resources and their working memory. */
#include "conformance/conformance.h"

#define RESOURCE(rest) "{'resource':{'id':'r','createdAt':1000,'updatedAt':2000" rest "}}"
#define GET_R          "getResourceById", "{'resourceId':'r'}"
#define SAVED                                                                                                \
    {                                                                                                        \
        "saveResource", RESOURCE(",'workingMemory':'wm','metadata':{'a':1,'n':{'x':1}}"), NULL               \
    }
#define CHANGED(memory, metadata)                                                                            \
    "{'id':'r','workingMemory':" memory ",'metadata':" metadata                                              \
    ",'createdAt':" TIME("1") ",'updatedAt':'$now'}"
#define UPDATE(members, result)                                                                              \
    {                                                                                                        \
        "updateResource", "{'resourceId':'r'" members "}", result                                            \
    }
#define AT(id, seconds)                                                                                      \
    {                                                                                                        \
        "saveResource", "{'resource':{'id':'" id "','createdAt':" seconds "000}}", NULL                      \
    }
#define RESOURCES(ids, page) "{'resources':{'$ids':[" ids "]}," page "}"

static const struct test_case cases[] = {
    {"M", "saveResource", "answers with the record, absent members left out",
     STEPS({"saveResource", RESOURCE(""), "{'id':'r','createdAt':" TIME("1") ",'updatedAt':" TIME("2") "}"},
           {GET_R, "{'id':'r','workingMemory':null,'metadata':null,'createdAt':" TIME(
                       "1") ",'updatedAt':" TIME("2") "}"})},
    {"M", "saveResource", "working memory and metadata",
     STEPS({"saveResource", RESOURCE(",'workingMemory':'wm','metadata':{'a':1}"),
            "{'id':'r','workingMemory':'wm','metadata':{'a':1},'createdAt':" TIME("1") ",'updatedAt':" TIME(
                "2") "}"},
           {REOPEN, NULL, NULL},
           {GET_R, "{'id':'r','workingMemory':'wm','metadata':{'a':1},'createdAt':" TIME(
                       "1") ",'updatedAt':" TIME("2") "}"})},
    {"M", "saveResource", "both times default to one now",
     STEPS({"saveResource", "{'resource':{'id':'r'}}",
            "{'id':'r','createdAt':'$bind:at','updatedAt':'$same:at'}"},
           {GET_R, "{'$open':true,'createdAt':'$now','updatedAt':'$same:at'}"})},
    {"R16", "saveResource", "a second save replaces every field",
     STEPS(SAVED, {"saveResource", "{'resource':{'id':'r','createdAt':5000,'updatedAt':6000}}", NULL},
           {GET_R, "{'id':'r','workingMemory':null,'metadata':null,'createdAt':" TIME(
                       "5") ",'updatedAt':" TIME("6") "}"})},
    {"R1", "saveResource", "working memory is never parsed",
     STEPS({"saveResource", RESOURCE(",'workingMemory':'{\\'a\\' : 1}'"),
            "{'$open':true,'workingMemory':'{\\'a\\' : 1}'}"},
           {GET_R, "{'$open':true,'workingMemory':'{\\'a\\' : 1}'}"},
           UPDATE(",'workingMemory':'[1, 2]'", "{'$open':true,'workingMemory':'[1, 2]'}"),
           {GET_R, "{'$open':true,'workingMemory':'[1, 2]'}"})},
    {"R2", "saveResource", "metadata is kept character for character",
     STEPS_ON(TRAIT_RAW_JSON,
              {"saveResource", RESOURCE(",'metadata':{ 'z':1.0, 'a':9007199254740993,'\\u0061':[ ] }"), NULL},
              {GET_R, "{'$open':true,'metadata':{'$raw':{ 'z':1.0, 'a':9007199254740993,'\\u0061':[ ] }}}"})},
    {"M", "saveResource", "insists on the resource and its id",
     STEPS({"saveResource", "{}", "{'$error':'invalid_argument'}"},
           {"saveResource", "{'resource':{}}", "{'$error':'invalid_argument'}"},
           {"saveResource", "{'resource':{'id':5}}", "{'$error':'invalid_argument'}"},
           {"saveResource", "{'resource':{'id':'r','workingMemory':5}}", "{'$error':'invalid_argument'}"},
           {"saveResource", "{'resource':{'id':'r','createdAt':'now'}}", "{'$error':'invalid_argument'}"})},
    {"M", "getResourceById", "an unknown id is null",
     STEPS({GET_R, "null"}, SAVED, {"getResourceById", "{'resourceId':'R'}", "null"})},

    {"M", "updateResource", "replaces working memory and keeps metadata",
     STEPS(SAVED, UPDATE(",'workingMemory':'new'", CHANGED("'new'", "{'a':1,'n':{'x':1}}")),
           {GET_R, CHANGED("'new'", "{'a':1,'n':{'x':1}}")})},
    {"M", "updateResource", "lays metadata over the stored one, one level deep",
     STEPS(SAVED, UPDATE(",'metadata':{'b':2,'n':{'y':1}}", CHANGED("'wm'", "{'a':1,'b':2,'n':{'y':1}}")),
           {GET_R, CHANGED("'wm'", "{'a':1,'b':2,'n':{'y':1}}")})},
    {"M", "updateResource", "working memory set to null or to empty text",
     STEPS(SAVED, UPDATE(",'workingMemory':''", "{'$open':true,'workingMemory':''}"),
           UPDATE(",'workingMemory':null", "{'$open':true,'workingMemory':null}"),
           {GET_R, "{'$open':true,'workingMemory':null}"})},
    {"M", "updateResource", "a metadata member set to null becomes null",
     STEPS(SAVED, UPDATE(",'metadata':{'a':null}", CHANGED("'wm'", "{'a':null,'n':{'x':1}}")))},
    {"M", "updateResource", "takes members of the metadata away",
     STEPS(SAVED, UPDATE(",'metadata':{'b':2},'unset':['n','none']", CHANGED("'wm'", "{'a':1,'b':2}")),
           UPDATE(",'unset':['a']", CHANGED("'wm'", "{'b':2}")),
           UPDATE(",'unset':{'b':1}", "{'$error':'invalid_argument','$field':'unset'}"),
           {GET_R, CHANGED("'wm'", "{'b':2}")})},
    {"M", "updateResource", "creates a missing resource",
     STEPS(
         UPDATE(",'workingMemory':'q'", "{'id':'r','workingMemory':'q','metadata':{},'createdAt':'$bind:at',"
                                        "'updatedAt':'$same:at'}"),
         {GET_R, "{'id':'r','workingMemory':'q','metadata':{},'createdAt':'$now','updatedAt':'$same:at'}"})},
    {"M", "updateResource", "creates a missing resource from metadata alone",
     STEPS(UPDATE(",'metadata':{'a':1}", "{'$open':true,'id':'r','metadata':{'a':1},'createdAt':'$now'}"),
           {GET_R,
            "{'id':'r','workingMemory':null,'metadata':{'a':1},'createdAt':'$now','updatedAt':'$now'}"})},
    {"M", "updateResource", "with an id alone only sets updatedAt",
     STEPS(SAVED, UPDATE("", NULL), {GET_R, CHANGED("'wm'", "{'a':1,'n':{'x':1}}")})},
    {"M", "updateResource", "absent metadata and a patch of it",
     STEPS({"saveResource", RESOURCE(",'workingMemory':'wm'"), NULL},
           UPDATE(",'metadata':{'b':1}", CHANGED("'wm'", "{'b':1}")), {GET_R, CHANGED("'wm'", "{'b':1}")})},
    {"M", "updateResource", "bad arguments change nothing",
     STEPS(SAVED, {"updateResource", "{'workingMemory':'x'}", "{'$error':'invalid_argument'}"},
           UPDATE(",'workingMemory':'x','metadata':[1]", "{'$error':'invalid_argument'}"),
           UPDATE(",'workingMemory':5", "{'$error':'invalid_argument'}"),
           {GET_R, "{'id':'r','workingMemory':'wm','metadata':{'a':1,'n':{'x':1}},'createdAt':" TIME(
                       "1") ",'updatedAt':" TIME("2") "}"})},

    {"R6", "listResources", "newest first, equal times by id, downwards",
     STEPS(AT("b", "2"), AT("d", "1"), AT("a", "2"), AT("c", "3"),
           {"listResources", "{}", RESOURCES("'c','b','a','d'", PAGE("4", "0", "100", "false"))},
           {"listResources", "{'perPage':3}", RESOURCES("'c','b','a'", PAGE("4", "0", "3", "true"))},
           {"listResources", "{'perPage':3,'page':1}", RESOURCES("'d'", PAGE("4", "1", "3", "false"))},
           {"listResources", "{'perPage':false}",
            RESOURCES("'c','b','a','d'", PAGE("4", "0", "false", "false"))})},
    {"M", "listResources", "whole records; an empty store; bad pages",
     STEPS({"listResources", "{}", RESOURCES("", PAGE("0", "0", "100", "false"))}, SAVED,
           {"listResources", "{}",
            "{'resources':[{'id':'r','workingMemory':'wm','metadata':{'a':1,'n':{'x':1}},'createdAt':" TIME(
                "1") ",'updatedAt':" TIME("2") "}]," PAGE("1", "0", "100", "false") "}"},
           {"listResources", "{'page':-1}", "{'$error':'invalid_argument'}"})},
};

const struct case_table resource_case_table = CASE_TABLE(cases);
