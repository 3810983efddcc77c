/*
 * The conformance suite: one table of cases, run on every backend. A further backend adds one entry in backends.c.
 *
 * A case is a list of calls by name, JSON in and JSON out, each with a pattern for what must come back (see
 * support/match.h), and begins with a fresh and empty store. `rule` says what it proves: "R6" is a rule that holds on
 * every backend, "M" what the operation itself promises.
 *
 * With CONFORMANCE_CHILD=command in the environment the stores are opened and called by that child process (child.h),
 * which is how a binding is put to the same cases. Those that need the handle itself are left out then.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "conformance/child.h"
#include "support/match.h"
#include "support/place.h"

#include <mastra/mastra.h>

enum trait {
    TRAIT_ORPHANS = 1u << 0,  /* a message may name a thread that does not exist */
    TRAIT_KEEPS = 1u << 1,    /* the data outlives the handle */
    TRAIT_SHARED = 1u << 2,   /* two handles may be open at once */
    TRAIT_RAW_JSON = 1u << 3, /* JSON is kept character for character */
    TRAIT_LARGE = 1u << 4,    /* records of several megabytes */
    TRAIT_FILE = 1u << 5,     /* SQLite's file, which a case looks into by itself */
    TRAIT_NUL = 1u << 6,      /* columns of texts hold U+0000 */
    TRAIT_JSONB = 1u << 7,    /* JSON keeps its value, not its spelling */
    TRAIT_SQLITE = 1u << 8,   /* what is peculiar to one database */
    TRAIT_POSTGRES = 1u << 9,
    TRAIT_DSQL = 1u << 15,
    TRAIT_DYNAMODB = 1u << 10,
    TRAIT_CASED =
        1u << 11, /* ids that differ in nothing but case are two; locks of different workflows are */
    TRAIT_INDEXES = 1u << 12, /* any columns can have an index, a unique one too */
    TRAIT_CLOCK = 1u << 13,   /* one clock judges all leases */
    TRAIT_DOUBLES = 1u << 14, /* numbers of any size are stored */

    /* Not of backends, but of the way to them. */
    TRAIT_HANDLE = 1u << 16, /* the store is open in this process */
    TRAIT_TEXT = 1u << 17,   /* arguments and results pass letter for letter */
};

struct backend {
    const char *name;
    const char *error_store; /* its part of error ids, "LIBSQL" */
    unsigned traits;
    bool (*available)(void); /* false: its server is missing, and every case is skipped */
    void (*begin)(struct place *place);
    void (*begin_fresh)(struct place *place); /* where no store has ever been */
};

extern const struct backend conformance_backends[];
extern const size_t conformance_backend_count;

/* The environment may ask for some of the cases: CASES=word runs those whose names have it. */
bool conformance_wanted(const char *name);

struct fixture {
    const struct backend *backend;
    struct place place;
    mastra_store *store; /* NULL when a child process has it */
    struct child *child;
    struct match match;
};

struct step {
    const char *op;     /* REOPEN: closes the store and opens it again, where the data outlives that */
    const char *args;   /* NULL: absent */
    const char *expect; /* NULL: any success */
};

#define REOPEN "(reopen)"

struct test_case {
    const char *rule;
    const char *op;
    const char *title;
    const struct step *steps;             /* ends with an op of NULL */
    void (*run)(struct fixture *fixture); /* instead of steps */
    unsigned needs;                       /* traits without which the case is left out */
};

struct case_table {
    const struct test_case *cases;
    size_t count;
};

/* How a case goes on behind its title; the traits are those without which it is left out. */
#define STEPS_ON(traits, ...)    (const struct step[]){__VA_ARGS__, {NULL, NULL, NULL}}, NULL, traits
#define STEPS(...)               STEPS_ON(0, __VA_ARGS__)
#define RUN_ON(traits, function) NULL, function, traits
#define RUN(function)            RUN_ON(0, function)
#define CASE_TABLE(cases)                                                                                    \
    {                                                                                                        \
        cases, sizeof(cases) / sizeof((cases)[0])                                                            \
    }

extern const struct case_table clone_case_table;
extern const struct case_table error_case_table;
extern const struct case_table eval_case_table;
extern const struct case_table filter_case_table;
extern const struct case_table list_case_table;
extern const struct case_table message_case_table;
extern const struct case_table model_case_table;
extern const struct case_table resource_case_table;
extern const struct case_table run_lock_case_table;
extern const struct case_table score_case_table;
extern const struct case_table score_list_case_table;
extern const struct case_table span_case_table;
extern const struct case_table text_case_table;
extern const struct case_table thread_case_table;
extern const struct case_table thread_list_case_table;
extern const struct case_table trace_case_table;
extern const struct case_table trace_list_case_table;
extern const struct case_table trace_model_case_table;
extern const struct case_table trace_record_case_table;
extern const struct case_table update_case_table;
extern const struct case_table window_case_table;
extern const struct case_table workflow_case_table;
extern const struct case_table workflow_list_case_table;
extern const struct case_table workflow_result_case_table;

extern const struct case_table table_case_table;
extern const struct case_table row_case_table;
extern const struct case_table index_case_table;
extern const struct case_table prune_case_table;

/* Runs all cases of the tables on every backend; the result is for main. */
int conformance_main(const char *group, const struct case_table *const *tables, size_t table_count);

/* Makes one call and compares; fails the test, saying what differs. For cases that are functions. */
void fixture_call(struct fixture *fixture, const char *op, const char *args, const char *expect);

/* Fails the test unless the call succeeded. */
void fixture_ok(mastra_status status, const mastra_error *error);

/* A second handle on the fixture's store; the caller closes it. */
mastra_store *fixture_open_again(struct fixture *fixture);

/* Steps that most cases begin with. Times are seconds since 1970. */
#define THREAD_OF(id, resource, seconds)                                                                     \
    {                                                                                                        \
        "saveThread",                                                                                        \
            "{'thread':{'id':'" id "','resourceId':'" resource "','title':'T " id "','createdAt':" seconds   \
            "000,'updatedAt':" seconds "000}}",                                                              \
            NULL                                                                                             \
    }
#define THREAD(id) THREAD_OF(id, "r", "1")

#define MESSAGE_OF(id, thread, resource, seconds)                                                            \
    "{'id':'" id "','threadId':'" thread "','resourceId':'" resource                                         \
    "','role':'user','content':'text of " id "','createdAt':" seconds "000}"
#define MESSAGE(id, thread, seconds) MESSAGE_OF(id, thread, "r", seconds)
#define SAVE(list)                                                                                           \
    {                                                                                                        \
        "saveMessages", "{'messages':[" list "]}", NULL                                                      \
    }

#define TIME(seconds) "'1970-01-01T00:00:0" seconds ".000Z'"

/* How a saved MESSAGE_OF comes back. */
#define READ_OF(id, thread, resource, seconds)                                                               \
    "{'id':'" id "','threadId':'" thread "','resourceId':'" resource                                         \
    "','role':'user','content':'text of " id "','createdAt':" TIME(seconds) "}"

/* The members of a page behind its list. */
#define PAGE(total, page, per_page, more)                                                                    \
    "'total':" total ",'page':" page ",'perPage':" per_page ",'hasMore':" more

/* A page of messages or threads by their ids. */
#define MESSAGES(ids, page) "{'messages':{'$ids':[" ids "]}," page "}"
#define THREADS(ids, page)  "{'threads':{'$ids':[" ids "]}," page "}"

#endif
