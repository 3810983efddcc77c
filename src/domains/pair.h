/* A table in two stores: what both have of it, finding rows of one in the other, comparing them. */
#ifndef DOMAINS_PAIR_H
#define DOMAINS_PAIR_H

#include "base/buf.h"
#include "domains/tally.h"
#include "domains/walk.h"

#include <mastra/copy.h>

/* A column that only one of the two has (or that they have as different types). */
struct ms_lone_column {
    const char *name;
    bool in_from;
    bool in_to;
};

struct ms_pair {
    struct ms_call *from;
    struct ms_call *to;             /* NULL: an empty store */
    const struct ms_entity *own;    /* of the catalogue */
    const struct ms_entity *entity; /* the same, with the columns that both have besides */
    uint64_t from_columns;          /* of the entity's, those that the table has there; 0: no table */
    uint64_t to_columns;
    bool by_value; /* JSON that says the same is the same */
    uint64_t
        stamped; /* columns that one of the databases sets by itself: what they say cannot be kept, nor compared */
    struct ms_lone_column lone[2 * MS_COLUMNS_MOST];
    size_t lone_count;
    struct ms_arena *from_arena;
    struct ms_arena *to_arena;
};

/* Looks at the table in both stores. The error of a failure is that of the call in `ret_failed`. */
mastra_status ms_pair_open(struct ms_pair *pair, struct ms_call *from, struct ms_call *to,
                           const struct ms_entity *own, struct ms_call **ret_failed);
/* The same of rows that come from elsewhere, with all of the catalogue's columns. */
mastra_status ms_pair_open_target(struct ms_pair *pair, struct ms_call *to, const struct ms_entity *own);

void ms_pair_close(struct ms_pair *pair);

/* The columns that both have. */
uint64_t ms_pair_common(const struct ms_pair *pair);

/* Of those, the ones that tell apart rows of a table without a key. */
uint64_t ms_pair_identity(const struct ms_pair *pair);

/* The bits of the columns that both have and in which two rows differ. */
uint64_t ms_pair_differences(const struct ms_pair *pair, const void *a, const void *b);

/* Whether row `a` was updated after row `b`; false where the table, or a row, does not tell. */
bool ms_pair_is_newer(const struct ms_pair *pair, const void *a, const void *b);

/*
 * Looks for the rows with the keys of `wanted` in the unit's store; ret[i], in the unit's arena, is that of wanted[i] or
 * NULL. `columns` are to be read, the key besides.
 */
mastra_status ms_find_rows(struct ms_unit *unit, const struct ms_entity *entity, void *const *wanted,
                           size_t count, uint64_t columns, bool lock, void ***ret);

/* Counts all rows of the table in a store, those that a walk meets. */
mastra_status ms_count_rows(struct ms_call *call, const struct ms_entity *entity, int64_t *ret);

/* Appends what a row is told by to people: its key, its parts separated by blanks, or its time and first text. */
void ms_put_row_name(struct ms_buf *out, const struct ms_entity *entity, const void *row);

/* Appends the names of columns, separated by ", ". */
void ms_put_column_names(struct ms_buf *out, const struct ms_entity *entity, uint64_t columns);

/*
 * The entities whose tables a list names, "mastra_threads" or "threads", as bits; an empty list: all of them.
 * INVALID_ARGUMENT where a name is no table's.
 */
mastra_status ms_choose_tables(mastra_error *error, const mastra_str *names, size_t count, uint32_t *ret);

#endif
