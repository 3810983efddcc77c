/*
 * What a query means, on records in memory: for backends whose database cannot say all of it. Predicates, the total order,
 * sides and windows are those of store/query.h; null and false are as in SQL.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include "base/arena.h"
#include "store/query.h"

/* A record that may belong to the rows of a query. */
struct ms_match_row {
    void *record;
    int64_t sequence; /* of a sequenced entity, else 0 */
    mastra_str
        odd; /* the time of creation as it is stored, when it was written in another form than ours; absent
                         otherwise. By it the row has its place: among the texts of the other times */
};

/* The columns that must have been read for the functions below: those to return and those to compare. */
uint64_t ms_match_columns(const struct ms_query *query);

/* Whether a record satisfies one predicate; not for MS_RELATED and MS_UNRELATED, which are taken as satisfied. */
bool ms_match_one(const struct ms_entity *entity, const struct ms_predicate *predicate, const void *record);

/* Whether it satisfies those of the query whose bits are not in `done`. MS_RELATED and MS_UNRELATED as above. */
bool ms_match(const struct ms_query *query, uint64_t done, const void *record);

/* Whether the query has any MS_RELATED or MS_UNRELATED: then ms_match_rows must be given the relatives. */
bool ms_match_relates(const struct ms_query *query);

/* The order in which the query's rows come, direction included: less than 0 when a comes first, 0 for the same row. */
int ms_match_compare(const struct ms_query *query, const struct ms_match_row *a,
                     const struct ms_match_row *b);

/* The same by the column alone that the query orders by, ascending. */
int ms_match_order(const struct ms_query *query, const struct ms_match_row *a, const struct ms_match_row *b);

/* Sorts rows into the query's order; does not allocate, and is fast on rows that are sorted already. */
void ms_match_sort(const struct ms_query *query, struct ms_match_row *rows, size_t count);

/* What a query is answered from. */
struct ms_match_set {
    struct ms_match_row *rows; /* at least all that satisfy the query; reordered and cut */
    size_t count;
    uint64_t done;                     /* bits of predicates that all of them are known to satisfy */
    const struct ms_match_row *anchor; /* of a query with a side; NULL: there is no such row */
    const struct ms_match_row
        *relatives; /* rows that MS_RELATED looks at, at least all for which `related` holds */
    size_t relative_count;
    struct ms_arena *arena;
};

/* Leaves those rows that satisfy the query's predicates and lie on its side, in their place. False: memory is out. */
bool ms_match_filter(const struct ms_query *query, struct ms_match_set *set);

/*
 * The whole query: filters, sorts, cuts the window, and leaves in the records nothing but the columns that were asked for.
 * `offset` has been dealt with by so many rows already. False: memory is out.
 */
bool ms_match_rows(const struct ms_query *query, int64_t offset_done, struct ms_match_set *set,
                   struct ms_rows *ret);

/* Clears the columns of a record that were not asked for. */
void ms_match_narrow(const struct ms_entity *entity, void *record, uint64_t columns);

#endif
