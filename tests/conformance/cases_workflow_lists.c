/* Lists of workflow runs: order, filters, pages. */
#include "conformance/conformance.h"

#define SAVE_RUN(workflow, run, seconds, more)                                                               \
    {                                                                                                        \
        "persistWorkflowSnapshot",                                                                           \
            "{'workflowName':'" workflow "','runId':'" run "','createdAt':" seconds "000,'updatedAt':1" more \
            "}",                                                                                             \
            "null"                                                                                           \
    }
#define PLAIN(workflow, run, seconds) SAVE_RUN(workflow, run, seconds, ",'snapshot':{}")
#define ROW(workflow, run)            "{'$open':true,'workflowName':'" workflow "','runId':'" run "'}"
#define LIST(args, rows, total)                                                                              \
    {                                                                                                        \
        "listWorkflowRuns", args, "{'runs':[" rows "],'total':" total "}"                                    \
    }
#define FIVE                                                                                                 \
    PLAIN("w", "c", "3"), PLAIN("w", "a", "1"), PLAIN("w", "e", "5"), PLAIN("w", "d", "4"),                  \
        PLAIN("w", "b", "2")
#define A   ROW("w", "a")
#define B   ROW("w", "b")
#define C   ROW("w", "c")
#define D   ROW("w", "d")
#define E   ROW("w", "e")
#define ALL E "," D "," C "," B "," A
#define NOT_A_PAGE(message)                                                                                  \
    "{'$error':'invalid_argument','$message':'" message "','$id':'LIST_WORKFLOW_RUNS_INVALID_PAGE',"         \
    "'$category':'USER'}"

#define SUSPENDED(thread)                                                                                    \
    "{'status':'suspended','suspendPayload':{'__streamState':{'messageList':{'memoryInfo':{'threadId':"      \
    "'" thread "'}}}}}"
#define INPUT(thread) "{'messageListState':{'memoryInfo':{'threadId':'" thread "'}}}"

static const struct test_case cases[] = {
    {"M", "listWorkflowRuns", "whole runs and their number; an empty store",
     STEPS(
         LIST(NULL, "", "0"), LIST("{'page':0,'perPage':5}", "", "0"),
         SAVE_RUN("w", "r", "1", ",'resourceId':'u','snapshot':{'status':'x'}"),
         LIST(NULL,
              "{'workflowName':'w','runId':'r','resourceId':'u','snapshot':{'status':'x'},'createdAt':" TIME(
                  "1") ",'updatedAt':'1970-01-01T00:00:00.001Z'}",
              "1"))},
    {"R6", "listWorkflowRuns", "newest first", STEPS(FIVE, LIST(NULL, ALL, "5"), LIST("{}", ALL, "5"))},
    {"R6", "listWorkflowRuns", "equal times by workflow and run, downwards",
     STEPS(PLAIN("w", "b", "1"), PLAIN("x", "a", "1"), PLAIN("w", "c", "1"), PLAIN("v", "z", "1"),
           PLAIN("w", "a", "1"), PLAIN("v", "y", "2"),
           LIST(NULL,
                ROW("v", "y") "," ROW("x", "a") "," ROW("w", "c") "," ROW("w", "b") "," ROW("w", "a") "," ROW(
                    "v", "z"),
                "6"),
           LIST("{'page':0,'perPage':4}", ROW("v", "y") "," ROW("x", "a") "," ROW("w", "c") "," ROW("w", "b"),
                "6"),
           LIST("{'page':1,'perPage':4}", ROW("w", "a") "," ROW("v", "z"), "6"))},
    {"R6", "listWorkflowRuns", "a run saved again keeps its place",
     STEPS(FIVE, PLAIN("w", "a", "9"), LIST(NULL, ALL, "5"))},
    {"R7", "listWorkflowRuns", "pages, and their exact total",
     STEPS(FIVE, LIST("{'page':0,'perPage':2}", E "," D, "5"), LIST("{'page':1,'perPage':2}", C "," B, "5"),
           LIST("{'page':2,'perPage':2}", A, "5"), LIST("{'page':3,'perPage':2}", "", "5"),
           LIST("{'page':0,'perPage':5}", ALL, "5"), LIST("{'page':0,'perPage':50}", ALL, "5"),
           LIST("{'page':1,'perPage':50}", "", "5"), LIST("{'page':0,'perPage':0}", "", "5"),
           LIST("{'page':7,'perPage':0}", "", "5"))},
    {"M", "listWorkflowRuns", "no page unless page and perPage are both given",
     STEPS(FIVE, LIST("{'page':1}", ALL, "5"), LIST("{'perPage':2}", ALL, "5"),
           LIST("{'page':null,'perPage':2}", ALL, "5"), LIST("{'page':1,'perPage':null}", ALL, "5"),
           LIST("{'page':0,'perPage':false}", ALL, "5"), LIST("{'page':3,'perPage':false}", ALL, "5"))},
    {"M", "listWorkflowRuns", "other forms of a page",
     STEPS(FIVE, LIST("{'pagination':{'page':1,'perPage':2}}", C "," B, "5"),
           LIST("{'pagination':{'perPage':2}}", ALL, "5"), LIST("{'pagination':{}}", ALL, "5"),
           LIST("{'offset':1,'limit':2}", D "," C, "5"), LIST("{'limit':2}", E "," D, "5"),
           LIST("{'offset':0,'limit':0}", "", "5"), LIST("{'offset':3}", B "," A, "5"),
           LIST("{'offset':3,'limit':false}", B "," A, "5"), LIST("{'offset':9,'limit':2}", "", "5"))},
    {"M", "listWorkflowRuns", "bad pages",
     STEPS(FIVE, {"listWorkflowRuns", "{'page':-1,'perPage':2}", NOT_A_PAGE("page must be >= 0")},
           {"listWorkflowRuns", "{'page':-1}", NOT_A_PAGE("page must be >= 0")},
           {"listWorkflowRuns", "{'page':0.5,'perPage':2}", NOT_A_PAGE("page must be >= 0")},
           {"listWorkflowRuns", "{'page':0,'perPage':-1}", NOT_A_PAGE("perPage must be >= 0")},
           {"listWorkflowRuns", "{'page':0,'perPage':1.5}", NOT_A_PAGE("perPage must be >= 0")},
           {"listWorkflowRuns", "{'pagination':{'page':-1,'perPage':2}}", NOT_A_PAGE("page must be >= 0")},
           {"listWorkflowRuns", "{'offset':-1,'limit':2}", NOT_A_PAGE("offset must be >= 0")},
           {"listWorkflowRuns", "{'limit':-1}", NOT_A_PAGE("limit must be >= 0")},
           {"listWorkflowRuns", "{'fromDate':'never'}", "{'$error':'invalid_argument','$field':'fromDate'}"},
           {"listWorkflowRuns", "{'status':5}", "{'$error':'invalid_argument','$field':'status'}"})},
    {"M", "listWorkflowRuns", "of one workflow, of one resource; an empty text is no filter",
     STEPS(SAVE_RUN("w", "a", "1", ",'resourceId':'u','snapshot':{}"),
           SAVE_RUN("w", "b", "2", ",'resourceId':'v','snapshot':{}"), PLAIN("w", "c", "3"),
           SAVE_RUN("x", "d", "4", ",'resourceId':'u','snapshot':{}"),
           LIST("{'workflowName':'w'}", C "," B "," A, "3"),
           LIST("{'resourceId':'u'}", ROW("x", "d") "," A, "2"),
           LIST("{'workflowName':'w','resourceId':'u'}", A, "1"), LIST("{'workflowName':'W'}", "", "0"),
           LIST("{'workflowName':'','resourceId':'','status':'','threadId':''}",
                ROW("x", "d") "," C "," B "," A, "4"),
           LIST("{'workflowName':'w','page':1,'perPage':2}", A, "3"))},
    {"M", "listWorkflowRuns", "by the snapshot's status",
     STEPS(SAVE_RUN("w", "a", "1", ",'snapshot':{'status':'running'}"),
           SAVE_RUN("w", "b", "2", ",'snapshot':{'status':'success','context':{'status':'running'}}"),
           SAVE_RUN("w", "c", "3", ",'snapshot':{'\\u0073tatus':'running'}"),
           SAVE_RUN("w", "d", "4", ",'snapshot':'running'"),
           SAVE_RUN("w", "e", "5", ",'snapshot':{'status':1}"), LIST("{'status':'running'}", C "," A, "2"),
           LIST("{'status':'success'}", B, "1"), LIST("{'status':'1'}", "", "0"),
           LIST("{'status':'running','page':1,'perPage':1}", A, "2"),
           {"updateWorkflowState", "{'workflowName':'w','runId':'b','opts':{'status':'running'}}", NULL},
           LIST("{'status':'running'}", C "," B "," A, "3"))},
    {"R9", "listWorkflowRuns", "by dates, inclusive at both ends",
     STEPS(FIVE, LIST("{'fromDate':2000,'toDate':4000}", D "," C "," B, "3"),
           LIST("{'fromDate':" TIME("4") "}", E "," D, "2"), LIST("{'toDate':" TIME("2") "}", B "," A, "2"),
           LIST("{'fromDate':2001,'toDate':3999}", C, "1"), LIST("{'fromDate':4000,'toDate':2000}", "", "0"),
           LIST("{'fromDate':2000,'page':1,'perPage':3}", B, "4"))},
    {"R12", "listWorkflowRuns", "by the memory thread of a suspended step or of the input",
     STEPS(SAVE_RUN("w", "a", "1", ",'snapshot':{'context':{'x':1,'step':" SUSPENDED("t") "}}"),
           SAVE_RUN("w", "b", "2", ",'snapshot':{'context':{'input':" INPUT("t") "}}"),
           SAVE_RUN("w", "c", "3",
                    ",'snapshot':{'context':{'first':" SUSPENDED("u") ",'second':" SUSPENDED("t") "}}"),
           SAVE_RUN("w", "d", "4",
                    ",'snapshot':{'context':{'step':{'status':'success','suspendPayload':{'__streamState':"
                    "{'messageList':{'memoryInfo':{'threadId':'t'}}}}},'other':" INPUT("t") "}}"),
           SAVE_RUN("w", "e", "5", ",'snapshot':{'threadId':'t','context':{'input':" INPUT("u") "}}"),
           LIST("{'threadId':'t'}", C "," B "," A, "3"), LIST("{'threadId':'u'}", E "," C, "2"),
           LIST("{'threadId':'v'}", "", "0"), LIST("{'threadId':'t','page':1,'perPage':2}", A, "3"),
           LIST("{'threadId':'t','toDate':2000}", B "," A, "2"))},
};

const struct case_table workflow_list_case_table = CASE_TABLE(cases);
