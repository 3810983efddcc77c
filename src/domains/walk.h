/*
 * Walks: reading all rows of a table, page by page, in memory that does not grow with them, while others write. A row that
 * is there from the beginning to the end of the walk is met; none is skipped because others come or go. What is written
 * meanwhile may be met or not, and a row may be met again.
 *
 * Where the backend numbers its rows they come in that order, which is that of their insertion; elsewhere by their key
 * or, when a walk that is in order is wanted and equal times keep the order of insertion, thread by thread in the order of
 * lists, which is that of an index. Rows of a table without a key are read all at once there. Where a page of rows costs
 * as much as all, they come as a survey of them has them: by their time and in the order of insertion.
 */
#ifndef DOMAINS_WALK_H
#define DOMAINS_WALK_H

#include "store/survey.h"

#define MS_WALK_ROWS 1000

struct ms_walk {
    struct ms_call *call;
    const struct ms_entity *table;  /* what the walk was begun with: rows serve as its records */
    const struct ms_entity *entity; /* the same, with the number of the row where there is one */
    uint64_t columns;
    int64_t limit;
    int number;   /* its column, -1: none */
    bool by_time; /* thread by thread, in the order of lists */
    bool sequenced;
    unsigned restarts;
    bool ended;
    struct ms_arena *own; /* holds the entity */

    struct ms_survey *survey; /* NULL: none is needed */
    bool survey_own;          /* it is dropped with the walk; else the call's */
    enum ms_entity_id id;     /* of its rows */
    int64_t at;               /* in it */

    struct ms_arena *arena; /* of the page */
    struct ms_rows page;    /* the rows of the last step; none: the walk is over */
    struct ms_rows found;
};

/*
 * Begins a walk through the table of an entity, which must be there and outlive the walk. `columns` are those to read, the
 * key besides; `in_order`: rows of equal times come in the order of insertion, where that counts; `limit` is the most
 * rows of a page, 0: MS_WALK_ROWS. Rows without a key, which no operation finds, are passed over where the entity has one.
 */
mastra_status ms_walk_begin(struct ms_walk *walk, struct ms_call *call, const struct ms_entity *table,
                            uint64_t columns, bool in_order, int64_t limit);

/* Reads the next page, in place of the last one. */
mastra_status ms_walk_next(struct ms_walk *walk);

void ms_walk_end(struct ms_walk *walk);

#endif
