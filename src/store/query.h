/*
 * A query is a value: which rows of one entity, in which order, which page of them. The SQL compiler turns it into
 * cached prepared statements; a planner for key-value tables picks an access path for it.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "schema/schema.h"

enum ms_compare {
    MS_EQUAL,      /* column = text */
    MS_ANY_OF,     /* column is one of set */
    MS_AT_LEAST,   /* column >= time */
    MS_AFTER,      /* column > time */
    MS_AT_MOST,    /* column <= time */
    MS_BEFORE,     /* column < time */
    MS_ABOVE,      /* column > text, byte by byte; false where the column holds no text */
    MS_PREFIX,     /* column begins with text */
    MS_NULL_VALUE, /* column is null */
    MS_ANY_VALUE,  /* column is not null */
    MS_HAS, /* the JSON object in column (in its member `member`, when that is given) has every member of the JSON
                    object `text` with a value that is deeply equal, type included */
    MS_CONTAINS, /* the JSON array in column has an element deeply equal to each element of the JSON array `text` */
    MS_AT, /* the JSON in column holds the string `text` at one of the places that `path` names, see ms_json_at */
    MS_MEMBER,    /* the JSON in column is an object with a member of the name `text` that is not null */
    MS_NO_MEMBER, /* it is not; the column may be null */
    MS_NUMBER,    /* column = number */
    MS_MORE,      /* column > number */
    MS_RELATED, /* there is a row of the same table with the same value in column for which `related` holds; the row
                    itself counts */
    MS_UNRELATED, /* there is none */
};

struct ms_predicate {
    enum ms_compare compare;
    uint8_t column;
    mastra_str text;
    mastra_time time;
    int64_t number;
    const mastra_str *set;
    size_t set_count;
    const char *member; /* this and the next are constants of the program: their addresses tell them apart */
    const char *path;
    const struct ms_predicate *related; /* borrowed; of a comparison with a text or time, or with null */
};

/* Which part of the total order: all of it, or what lies on one side of an anchor row of the same entity. */
enum ms_side {
    MS_SIDE_ALL,
    MS_SIDE_UP_TO, /* the anchor and everything before it */
    MS_SIDE_AFTER, /* everything after it */
};

#define MS_QUERY_PREDICATES 48
#define MS_NO_LIMIT         INT64_C(-1)

/*
 * The order is total: by the order column, then, where the entity is sequenced, by the order of insertion, then by the
 * key, all in the one direction; the one column of a key is enough by itself. In a column that may be null, null counts as the latest.
 */
struct ms_query {
    const struct ms_entity *entity;
    uint64_t columns; /* to read; the others come back absent */
    struct ms_predicate where[MS_QUERY_PREDICATES];
    size_t where_count;
    uint8_t order;
    bool descending;
    enum ms_side side;
    mastra_str anchor
        [MS_KEYS_MOST]; /* key of the anchor row; sides are meant in ascending order whatever the direction */
    int64_t offset;
    int64_t limit; /* MS_NO_LIMIT: all */
    int64_t
        known_total; /* rows that match, when the caller has counted them in this snapshot, else -1: a backend may
                            then read a page near the end from the end */
    bool
        grouped; /* rows that are alike in the entity's `sequence_within` come together: it is the order's first term */
    bool lock; /* the rows will be written in this unit */
    size_t
        most_bytes; /* 0: no limit. Rows behind those that have so many bytes of text may be left out, as by `limit`;
                          where a backend gets all rows at once it does not matter */
};

/* All rows, all columns, by creation time, ascending. */
void ms_query_init(struct ms_query *query, enum ms_entity_id entity);
void ms_query_init_on(struct ms_query *query, const struct ms_entity *entity);

void ms_query_equal(struct ms_query *query, uint8_t column, mastra_str text);
void ms_query_any_of(struct ms_query *query, uint8_t column, const mastra_str *set,
                     size_t count); /* borrowed */
void ms_query_time(struct ms_query *query, enum ms_compare compare, uint8_t column, mastra_time time);
/* From `from` to `to`, either MASTRA_TIME_NONE for open; the ends belong to it unless excluded. */
void ms_query_range(struct ms_query *query, uint8_t column, mastra_time from, bool from_excluded,
                    mastra_time to, bool to_excluded);
void ms_query_has(struct ms_query *query, uint8_t column, const char *member, mastra_str object);

void ms_query_null(struct ms_query *query, uint8_t column, bool null); /* or not null */
void ms_query_text(struct ms_query *query, enum ms_compare compare, uint8_t column, mastra_str text);
/* Every element of the array. */
void ms_query_contains(struct ms_query *query, uint8_t column, mastra_str array);
void ms_query_at(struct ms_query *query, uint8_t column, const char *path, mastra_str text);
void ms_query_member(struct ms_query *query, bool wanted, uint8_t column, mastra_str name);
void ms_query_number(struct ms_query *query, enum ms_compare compare, uint8_t column, int64_t number);
void ms_query_related(struct ms_query *query, bool wanted, uint8_t column,
                      const struct ms_predicate *related);

/* The keys of an MS_HAS filter on metadata are plain identifiers of at most so many characters. Those of other filters
 * may be any text; escaped, none is longer than MS_FILTER_KEY_RAW with its quotes. */
#define MS_FILTER_KEY_MOST 128
#define MS_FILTER_KEY_RAW  (6 * MS_FILTER_KEY_MOST + 2)

/* What MS_HAS means, for a backend that cannot say it natively, or not exactly. `filter` is a checked object. */
bool ms_json_has(mastra_str text, mastra_str member, mastra_str filter);

/* The same of MS_CONTAINS; `wanted` is a checked array. */
bool ms_json_contains(mastra_str text, mastra_str wanted);

/*
 * The same of MS_AT. A path is member names with "." before each; alternatives are joined by "|". "*" stands for any member,
 * "*status=suspended" for any whose member "status" is that string: ".a.b|.c.*status=suspended.d".
 */
bool ms_json_at(mastra_str text, const char *path, mastra_str wanted);

/* The same of MS_MEMBER. */
bool ms_json_has_member(mastra_str text, mastra_str name);

struct ms_rows {
    void **items; /* records in the unit's arena */
    size_t count;
};

#endif
