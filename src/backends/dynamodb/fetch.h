/* Reading the items of a plan: as many as are needed, in requests side by side. */
#ifndef BACKENDS_DYNAMODB_FETCH_H
#define BACKENDS_DYNAMODB_FETCH_H

#include "backends/dynamodb/plan.h"
#include "store/match.h"

struct ddb_count;

/* Filled in by the caller up to `beside`, else zeroed. */
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

    struct ddb_count *beside; /* counted in requests at the same time; NULL: nothing is */

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

/*
 * The same in steps: so that what is counted is asked for together with something else. To be ended in any case. The
 * query and the plan are borrowed.
 */
struct ddb_count {
    struct ddb_session *session;
    const struct ms_query *query;
    const struct ddb_plan *plan;
    struct ms_arena *arena;
    struct counter *counters;
    size_t count;
    bool open; /* there is more to be asked for */
    int64_t total;
};

mastra_status ddb_count_begin(struct ddb_count *counting, struct ddb_session *session,
                              const struct ms_query *query, const struct ddb_plan *plan, mastra_error *error);
void ddb_count_end(struct ddb_count *counting);

/* Adds the next requests; takes their answers, which stand from number `first` on. */
mastra_status ddb_count_ask(const struct ddb_count *counting, struct ddb_batch *batch, mastra_error *error);
mastra_status ddb_count_take(struct ddb_count *counting, const struct ddb_batch *batch, size_t first,
                             mastra_error *error);

/* Asks until the total is known. */
mastra_status ddb_count_finish(struct ddb_count *counting, mastra_error *error);

/* Appends which part of a scan a request is for; nothing where there is but one. */
void ddb_put_segment(struct ms_buf *body, size_t number, size_t count);

/* Whether the service can tell which items of a plan match: of ids it compares the attributes. */
bool ddb_can_filter(const struct ms_query *query, const struct ddb_plan *plan);

/* parts.c: completes the records of rows that stand in parts. */
mastra_status ddb_join_parts(struct ddb_session *session, const struct ms_entity *entity,
                             struct ms_item_row *rows, size_t count, struct ms_arena *arena,
                             mastra_error *error);

/* An answer's text, copied to where it can be taken apart; NULL when memory is out (error is set). */
char *ddb_answer_copy(const struct ms_service_call *call, struct ms_arena *arena, mastra_error *error);

#endif
