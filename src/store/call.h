/* One call of an operation: what is drawn once and stays the same however often its unit of work runs. */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include "base/arena.h"
#include "base/buf.h"

#include <mastra/store.h>

struct ms_group;
struct ms_survey;

struct ms_op {
    const char *name;  /* "saveThread" */
    const char *error; /* the operation's part of Mastra's error ids, "SAVE_THREAD" */
    bool writes;
    bool repeatable; /* running it again after a commit whose outcome is unknown does no harm */
    bool
        alone; /* one that writes, in transactions that it shares with no other call and that may be several: it joins
                   no group, and prints its result itself */
};

/* Appends what a unit of work came to: a record, a list, whatever the operation yields. */
typedef void (*ms_answer_fn)(struct ms_buf *out, const void *result);

struct ms_call {
    mastra_store *store;
    const struct ms_op *op;
    const char
        *error_store; /* the store's part of error ids; a refused call does not touch the store any more */
    mastra_time now;
    int64_t deadline_ns;    /* monotonic; conflicts are retried until then */
    struct ms_group *group; /* the open group that this call joins; NULL: by the executor */
    int64_t sequence; /* the first number of the sequenced records that its unit writes; 0: not drawn yet */
    size_t sequence_count; /* how many numbers were drawn */
    struct ms_arena *ids;  /* where the ids drawn so far stand */
    const char **id;
    size_t id_count;
    size_t id_room;
    ms_answer_fn answer; /* NULL: no text is wanted */
    struct ms_buf *answer_to;
    size_t answer_at;         /* where in it */
    bool counted;             /* among the store's running calls */
    bool unread;              /* nobody reads the answer of a write: it may be null */
    bool compact;             /* the answer may be one that is quicker to read, see MASTRA_COMPACT */
    bool glances;             /* on a thread that must not wait: what cannot be read at once is BUSY */
    struct ms_survey *survey; /* see survey.h; NULL: none was taken */
    uint32_t surveyed;        /* of these entities, as bits */
    mastra_error error;
};

/*
 * Starts a call: refuses it on a store that is closing (CLOSED), was inherited through fork (FORKED) or whose callback
 * is running on this thread (USAGE); makes the tables when that has not happened yet. ms_call_end must follow in any
 * case.
 */
mastra_status ms_call_begin(struct ms_call *call, mastra_store *store, const struct ms_op *op,
                            struct ms_group *group);

/* The same without looking at the tables. */
mastra_status ms_call_enter(struct ms_call *call, mastra_store *store, const struct ms_op *op);

/* Ends it; completes the error (operation, id, category) and copies it to `error`, which may be NULL. */
mastra_status ms_call_end(struct ms_call *call, mastra_status status, mastra_error *error);

/*
 * Has every unit of the call write its result to `out` while it can still be undone: a call that cannot give its
 * answer has written nothing.
 */
void ms_call_answer_to(struct ms_call *call, ms_answer_fn answer, struct ms_buf *out);

/* Room that an answer leaves behind it, so that what encloses it can be ended without asking for memory. */
#define MS_ANSWER_SLACK 16

/* Writes it, in place of what an earlier run wrote; does nothing when none is wanted. */
mastra_status ms_call_answer(struct ms_call *call, const void *result);

/* The n-th random UUID of this call, the same on every run, in its place until the call ends; NULL when memory or random
 * bits are out (error is set). */
const char *ms_call_id(struct ms_call *call, size_t n);

/* Gives a call of many units the time for conflicts anew, before each of them. */
void ms_call_renew_deadline(struct ms_call *call);

/* Whether SQL may stand in the arguments of calls by name. */
bool ms_call_allows_raw_sql(const struct ms_call *call);

/* Whether the backend insists that a message's thread exists. */
bool ms_call_strict_parents(const struct ms_call *call);

/*
 * Gives the error its own last part of the id ("INVALID_PAGE" in place of "FAILED") and, when `category` is not NULL,
 * its category; returns the error's status. To be used right after the error was set.
 */
mastra_status ms_call_reason(mastra_error *error, const char *reason, const char *category);

#endif
