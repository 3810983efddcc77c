/*
 * How many messages a thread has, kept in memory, so that a page's exact total costs no counting.
 *
 * What this store's own writer does is followed row by row (by SQLite's pre-update hook) and applied when it commits.
 * What others do is noticed by the writer connection's data_version, which changes with every commit but its own: then
 * everything is forgotten. A total is only given to a reader whose snapshot is known to hold the last commit of the
 * writer and nothing newer, which is decided when the snapshot begins; see sqlite_counts_pin.
 */
#ifndef BACKENDS_SQLITE_COUNTS_H
#define BACKENDS_SQLITE_COUNTS_H

#include "base/heap.h"
#include "store/query.h"

#include <pthread.h>

struct connection;
struct change_list;

/* What the writing connection is doing. */
enum writer_state {
    WRITER_IDLE,  /* nobody uses it: whoever holds the lock may ask it for its data_version */
    WRITER_BUSY,  /* somebody uses it, and others may commit */
    WRITER_ALONE, /* in a write transaction: nobody else can commit, and the version was looked at */
};

struct sqlite_counts {
    pthread_mutex_t lock; /* guards all of it, and is held while the writer commits */
    struct ms_heap *heap; /* NULL: nothing is kept */
    struct connection *writer;
    enum writer_state state;
    bool version_known;
    int64_t version; /* of the writer's last look */
    uint64_t stamp;  /* changes with every commit, ours and others' */
    struct count_slot *slots;
    struct change_list *changes; /* of the running transaction */
    int thread_column;           /* where they stand in the table of this file; -1: not looked up */
    int resource_column;
};

/* What a reader knows of its snapshot. */
#define SQLITE_STAMP_NONE 0

/* Begins with nothing kept: every total is counted. */
void sqlite_counts_init(struct sqlite_counts *counts);

/* Has totals kept, unless this SQLite lacks the hook. Errors: OUT_OF_MEMORY. */
mastra_status sqlite_counts_keep(struct sqlite_counts *counts, struct ms_heap *heap, mastra_error *error);
void sqlite_counts_release(struct sqlite_counts *counts);

/* Follows the writer, which is open. Does nothing where nothing is kept. */
void sqlite_counts_attach(struct sqlite_counts *counts, struct connection *writer);

/* The writer is going to be used; it has the file for itself; it was used without a commit. */
void sqlite_counts_use(struct sqlite_counts *counts);
bool sqlite_counts_try_use(struct sqlite_counts *counts); /* false: a reader is looking */
void sqlite_counts_alone(struct sqlite_counts *counts);
void sqlite_counts_dropped(struct sqlite_counts *counts);

/* The writer has made, changed or dropped a table. */
void sqlite_counts_table_changed(struct sqlite_counts *counts);

/* A statement of the transaction was undone: what the hook has told of it is not so. */
void sqlite_counts_undone(struct sqlite_counts *counts);

/* Around the COMMIT. */
void sqlite_counts_before_commit(struct sqlite_counts *counts);
void sqlite_counts_after_commit(struct sqlite_counts *counts, bool committed);

/*
 * Makes a reader's open transaction see the database as it is now. Returns its stamp, SQLITE_STAMP_NONE when it cannot
 * be told which state it sees (somebody else has just committed) or nothing is kept; *ret_again: it would help to
 * begin anew.
 */
uint64_t sqlite_counts_pin(struct sqlite_counts *counts, struct connection *reader, bool *ret_again);

/*
 * A total that a reader needs. TAKEN: it is known. COUNT: the reader must count, and give the result to
 * sqlite_counts_put with the ticket. COUNT_ONLY: it must count, and keep it to itself.
 */
enum count_source {
    TOTAL_TAKEN,
    TOTAL_COUNT,
    TOTAL_COUNT_ONLY,
};
enum count_source sqlite_counts_get(struct sqlite_counts *counts, const struct ms_query *query,
                                    uint64_t stamp, int64_t *ret_total, uint64_t *ret_ticket);
/* `total` less than 0: the counting failed. */
void sqlite_counts_put(struct sqlite_counts *counts, const struct ms_query *query, uint64_t ticket,
                       int64_t total);

#endif
