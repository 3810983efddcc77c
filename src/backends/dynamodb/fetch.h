/* Reading the items of a plan: as many as are needed, in requests side by side. */
#ifndef BACKENDS_DYNAMODB_FETCH_H
#define BACKENDS_DYNAMODB_FETCH_H

#include "backends/dynamodb/plan.h"
#include "store/match.h"

/* Filled in by the caller up to `need`, else zeroed. */
struct ddb_fetch {
    struct ddb_session *session;
    const struct ms_query *query; /* which items count; its window and relatives are not looked at */
    const struct ddb_plan *plan;
    struct ms_arena *arena;            /* of the rows */
    uint64_t columns;                  /* to be read */
    const struct ms_match_row *anchor; /* of a query with a side */
    int64_t
        need; /* so many of the first rows in the query's order are enough, with all that are equal to the last of them
                     in the order column; MS_NO_LIMIT: all */
    bool heads; /* what stands in parts is left out */

    struct ms_item_row *rows; /* that match, in no order */
    size_t count;
    size_t room;
};

mastra_status ddb_fetch(struct ddb_fetch *fetch, mastra_error *error);

/* A row that was fetched, to be matched. */
struct ms_match_row ddb_match_row(const struct ms_item_row *row);

/* Reads one item by its key, consistently; ret->record NULL and ret->seen.key absent: there is none. */
mastra_status ddb_fetch_item(struct ddb_session *session, const struct ms_entity *entity,
                             const struct ms_key *key, struct ms_arena *arena, struct ms_item_row *ret,
                             bool *ret_there, mastra_error *error);

/* The same without what stands in parts. */
mastra_status ddb_fetch_item_plain(struct ddb_session *session, const struct ms_entity *entity,
                                   const struct ms_key *key, struct ms_arena *arena, struct ms_item_row *ret,
                                   bool *ret_there, mastra_error *error);

/* How many items there are, as the service counts them. Only for a plan of ranges or a scan whose open predicates
 * ddb_can_filter. */
mastra_status ddb_fetch_count(struct ddb_session *session, const struct ms_query *query,
                              const struct ddb_plan *plan, int64_t *ret, mastra_error *error);

/* Whether the service can tell which items of a plan match: of ids it compares the attributes. */
bool ddb_can_filter(const struct ms_query *query, const struct ddb_plan *plan);

/* parts.c: completes the records of rows that stand in parts. */
mastra_status ddb_join_parts(struct ddb_session *session, const struct ms_entity *entity,
                             struct ms_item_row *rows, size_t count, struct ms_arena *arena,
                             mastra_error *error);

/* An answer's text, copied to where it can be taken apart; NULL when memory is out (error is set). */
char *ddb_answer_copy(const struct ms_service_call *call, struct ms_arena *arena, mastra_error *error);

#endif
