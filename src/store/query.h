/*
 * A query is a value: which rows of one entity, in which order, which page of them. The SQL compiler turns it into
 * cached prepared statements; a planner for key-value tables picks an access path for it.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "schema/schema.h"

enum ms_compare {
    MS_EQUAL,    /* column = text */
    MS_ANY_OF,   /* column is one of set */
    MS_AT_LEAST, /* column >= time */
    MS_AFTER,    /* column > time */
    MS_AT_MOST,  /* column <= time */
    MS_BEFORE,   /* column < time */
    MS_HAS, /* the JSON object in column (in its member `member`, when that is given) has every member of the JSON
                    object `text` with a value that is deeply equal, type included */
};

struct ms_predicate {
    enum ms_compare compare;
    uint8_t column;
    mastra_str text;
    mastra_time time;
    const mastra_str *set;
    size_t set_count;
    const char *member;
};

/* Which part of the total order: all of it, or what lies on one side of an anchor row of the same entity. */
enum ms_side {
    MS_SIDE_ALL,
    MS_SIDE_UP_TO, /* the anchor and everything before it */
    MS_SIDE_AFTER, /* everything after it */
};

#define MS_QUERY_PREDICATES 16
#define MS_NO_LIMIT         INT64_C(-1)

/*
 * The order is total: by the order column, then, where the entity is sequenced, by the order of insertion, then by the
 * key, all in the one direction.
 */
struct ms_query {
    const struct ms_entity *entity;
    uint64_t columns; /* to read; the others come back absent */
    struct ms_predicate where[MS_QUERY_PREDICATES];
    size_t where_count;
    uint8_t order;
    bool descending;
    enum ms_side side;
    mastra_str
        anchor[2]; /* key of the anchor row; sides are meant in ascending order whatever the direction */
    int64_t offset;
    int64_t limit; /* MS_NO_LIMIT: all */
    int64_t
        known_total; /* rows that match, when the caller has counted them in this snapshot, else -1: a backend may
                            then read a page near the end from the end */
    bool lock;       /* the rows will be written in this unit */
};

/* All rows, all columns, by creation time, ascending. */
void ms_query_init(struct ms_query *query, enum ms_entity_id entity);

void ms_query_equal(struct ms_query *query, uint8_t column, mastra_str text);
void ms_query_any_of(struct ms_query *query, uint8_t column, const mastra_str *set,
                     size_t count); /* borrowed */
void ms_query_time(struct ms_query *query, enum ms_compare compare, uint8_t column, mastra_time time);
/* From `from` to `to`, either MASTRA_TIME_NONE for open; the ends belong to it unless excluded. */
void ms_query_range(struct ms_query *query, uint8_t column, mastra_time from, bool from_excluded,
                    mastra_time to, bool to_excluded);
void ms_query_has(struct ms_query *query, uint8_t column, const char *member, mastra_str object);

/* The keys of an MS_HAS filter are plain identifiers of at most so many characters; escaped they are not longer than
 * MS_FILTER_KEY_RAW with their quotes. */
#define MS_FILTER_KEY_MOST 128
#define MS_FILTER_KEY_RAW  (6 * MS_FILTER_KEY_MOST + 2)

/* What MS_HAS means, for a backend that cannot say it natively, or not exactly. `filter` is a checked object. */
bool ms_json_has(mastra_str text, mastra_str member, mastra_str filter);

struct ms_rows {
    void **items; /* records in the unit's arena */
    size_t count;
};

#endif
