/*
 * Keys of items: from templates (see schema/form.h) and a record, the texts of a key, or the predicates of a query. All
 * texts are arena memory.
 */
#ifndef BACKENDS_DYNAMODB_KEY_H
#define BACKENDS_DYNAMODB_KEY_H

#include "base/arena.h"
#include "schema/form.h"
#include "store/query.h"

/* What DynamoDB takes, in bytes. */
#define MS_KEY_PARTITION_MOST 2048
#define MS_KEY_SORT_MOST      1024

/* The key of an item. */
struct ms_key {
    mastra_str partition;
    mastra_str sort;
};

/*
 * The table's key of a record, or of as many texts as the entity has key columns. `sequence` stands for {#}. A text that
 * makes it too long is INVALID_ARGUMENT, naming the field: no such item can exist.
 */
mastra_status ms_key_of_record(const struct ms_entity *entity, const void *record, int64_t sequence,
                               struct ms_arena *arena, struct ms_key *ret, mastra_error *error);
mastra_status ms_key_of_texts(const struct ms_entity *entity, const mastra_str *key, struct ms_arena *arena,
                              struct ms_key *ret, mastra_error *error);

/* Whether a record that was found under a key is the one of these texts, and not one whose ids are spelled otherwise. Where
 * items are told apart by less than the key, the record takes what was asked for. */
bool ms_key_is(const struct ms_entity *entity, const mastra_str *key, void *record);

/* A record's key in an index: `number` 1 is gsi1. *ret_there false: the record does not stand in it. */
mastra_status ms_key_of_index(const struct ms_entity *entity, uint8_t number, const void *record,
                              int64_t sequence, struct ms_arena *arena, struct ms_key *ret, bool *ret_there,
                              mastra_error *error);

/* The columns that the keys of that index are made of, or, 0, of the table. */
uint64_t ms_key_columns(const struct ms_entity *entity, uint8_t number);

/* The numbers of an entity's indexes, as bits (MS_BIT(1) for gsi1). */
uint64_t ms_key_indexes(const struct ms_entity *entity);

/* Which items of a partition. */
enum ms_key_sort {
    MS_SORT_EQUAL,   /* low is the key */
    MS_SORT_PREFIX,  /* low is what it begins with */
    MS_SORT_BETWEEN, /* low and high belong to them */
};

/* A key condition. */
struct ms_key_range {
    mastra_str partition;
    enum ms_key_sort sort;
    mastra_str low;
    mastra_str high;
};

/* How a query's predicates can be put as key conditions of a path. */
struct ms_key_use {
    const struct ms_item_path *path;
    uint64_t
        answered;   /* bits of the predicates that need no look at the items, but for the spelling of ids */
    uint64_t exact; /* those of them that need none at all: times */
    uint8_t terms;  /* how many columns the conditions name: the more, the fewer items */
    bool single;    /* each condition names one item */
    bool by_day;    /* there is a partition for each day: ms_key_use_range wants to know which */
    bool ordered;   /* items of a partition come by the query's order column */
    bool set;       /* there is a partition for each element of a set */
    uint8_t set_predicate; /* its predicate */
    size_t ranges;         /* how many conditions there are (per day); 0: no row can match */
};

/* False when the query's predicates do not name the path's partition. */
bool ms_key_use_path(const struct ms_query *query, const struct ms_item_path *path, struct ms_key_use *ret);

/*
 * The key condition of number i < use->ranges; `day` as ms_key_day has it, absent where there are none. A range that
 * nothing can lie in has *ret_empty. Ids that are too long for a key lie in none.
 */
mastra_status ms_key_use_range(const struct ms_query *query, const struct ms_key_use *use, size_t i,
                               mastra_str day, struct ms_arena *arena, struct ms_key_range *ret,
                               bool *ret_empty, mastra_error *error);

/* What the keys of all records of an entity begin with, for scans. */
mastra_status ms_key_prefix(const struct ms_entity *entity, struct ms_arena *arena, struct ms_key *ret,
                            mastra_error *error);

/* "2025-01-02". */
#define MS_KEY_DAY_SIZE 24
mastra_str ms_key_day(mastra_time time, char out[MS_KEY_DAY_SIZE]);

/* The key of the item that says that there are items on that day. */
mastra_status ms_key_of_day(const struct ms_entity *entity, mastra_str day, struct ms_arena *arena,
                            struct ms_key *ret, mastra_error *error);

/* The key of part `number`, from 1, of a record, of those that were written with it at one time; `generation` is what
 * tells these from others, absent in records of old. */
mastra_status ms_key_of_part(const struct ms_entity *entity, const void *record, int64_t sequence,
                             mastra_str generation, unsigned number, struct ms_arena *arena,
                             struct ms_key *ret, mastra_error *error);

#endif
