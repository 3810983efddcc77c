/* Where the rows of a query are looked for. */
#ifndef BACKENDS_DYNAMODB_PLAN_H
#define BACKENDS_DYNAMODB_PLAN_H

#include "backends/dynamodb/dynamodb.h"
#include "backends/dynamodb/item.h"

enum ddb_plan_kind {
    DDB_PLAN_NOTHING, /* no row can match */
    DDB_PLAN_KEYS,    /* items by their keys */
    DDB_PLAN_RANGES,  /* parts of partitions of the table or of an index */
    DDB_PLAN_SCAN,    /* the whole table */
};

struct ddb_plan {
    enum ddb_plan_kind kind;
    uint8_t index;              /* of RANGES: 0 is the table, 1 gsi1 */
    struct ms_key_range *range; /* of KEYS and RANGES, no two alike */
    size_t count;
    struct ms_key prefix; /* of SCAN: what keys begin with */
    uint64_t answered;    /* bits of the predicates that the place answers, but for the spelling of ids */
    uint64_t exact;       /* those of them that it answers completely */
    bool ordered;         /* items of a range come by the query's order column, ascending */
    bool
        in_turn; /* so do the ranges themselves: all of one come before those of the next, in the query's direction */
};

/* All texts are arena memory. May ask the table which indexes and days there are. */
mastra_status ddb_plan_query(struct ddb_session *session, const struct ms_query *query,
                             struct ms_arena *arena, struct ddb_plan *ret, mastra_error *error);

/* Appends the members of a request that name the plan's range: IndexName, KeyConditionExpression. The values' names
 * begin with ":k". */
void ddb_put_range(struct ms_buf *body, const struct ddb_plan *plan, const struct ms_key_range *range);
/* Its values, without braces: ":k0":{"S":"..."}. */
void ddb_put_range_values(struct ms_buf *body, const struct ms_key_range *range);

#endif
