/* Copying and comparing stores. The public header says what it does. */
#ifndef DOMAINS_COPY_H
#define DOMAINS_COPY_H

#include "domains/api.h"
#include "domains/pair.h"

#include <mastra/copy.h>

#define MS_COPY_OPS(X)                                                                                       \
    X(copy, "copy", "COPY", true, true)                                                                      \
    X(diff, "diff", "DIFF", false, true)                                                                     \
    X(export, "export", "EXPORT", false, true)                                                               \
    X(import, "import", "IMPORT", true, true)

MS_COPY_OPS(MS_OP_DECLARE)

/* Writing rows into a table, each as it stands, where it is not there yet or not the same. */
struct ms_writing {
    struct ms_call *to;
    const struct ms_pair *pair;
    struct ms_tally *tally; /* of the rows that a table without a key has, and that were not matched so far */
    void *const *rows;
    size_t count;
    bool dry_run;
    bool keep_newer;

    /* What it came to. */
    int64_t added;
    int64_t changed;
    int64_t kept;
};

/* Writes them in one unit, all or none. What the tally holds of them is taken away. */
mastra_status ms_write_rows(struct ms_writing *writing);

/* Counts the rows of a table without a key in the store of the call. */
mastra_status ms_tally_table(struct ms_tally *tally, struct ms_call *call, const struct ms_pair *pair);

/* What copying and comparing have in common: two stores, the tables, who is told, and what it has come to. */
struct ms_transfer {
    struct ms_call *from;
    struct ms_call *to;
    mastra_copy_args args;
    uint32_t tables;         /* by bits of their entities */
    mastra_copy_event event; /* of the table at hand */
    int64_t from_rows[MS_ENTITY_COUNT];
    int64_t to_rows[MS_ENTITY_COUNT];
    mastra_copy_report report;
    struct ms_pair pair;
    void *user; /* of whoever runs it */
};

typedef mastra_status (*ms_transfer_fn)(struct ms_transfer *transfer);

/* Takes in the arguments, which may be NULL. */
mastra_status ms_transfer_args(struct ms_transfer *transfer, const mastra_copy_args *args);

/* Hands out what it came to, to a caller who may not want it. */
void ms_transfer_report(const struct ms_transfer *transfer, mastra_copy_report *ret);

/* Runs `table` for every table, told of before and after, with its pair opened. The failed call's error ends up in that of
 * `transfer->from`. */
mastra_status ms_transfer_run(struct ms_transfer *transfer, bool count_both, ms_transfer_fn table);

/* Tells of the table at hand. */
void ms_transfer_tell(struct ms_transfer *transfer, mastra_copy_news news);

/* Tells of one of its rows. */
mastra_status ms_transfer_tell_row(struct ms_transfer *transfer, mastra_copy_news news, const void *row,
                                   uint64_t columns, mastra_str reason);

/* Makes a failure of `to` one of the transfer. */
mastra_status ms_transfer_fail(struct ms_transfer *transfer, const struct ms_call *failed,
                               mastra_status status);

/* Whether a row is young enough. */
bool ms_transfer_wants(const struct ms_transfer *transfer, const void *row);

mastra_status ms_copy_table(struct ms_transfer *transfer);
mastra_status ms_diff_table(struct ms_transfer *transfer);

#endif
