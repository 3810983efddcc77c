/*
 * A unit of work: a function that reads and writes entities, all or nothing, and that may run more than once.
 *
 * Reads of a unit see the state before its own writes; writes are buffered and sent together when the function has
 * returned MASTRA_OK. What must not differ between runs (ids, the time) is drawn from the call. Everything that the
 * function allocates comes from unit->arena, which a failed run discards as a whole; the arena of the run that
 * committed is the result's memory.
 */
#ifndef STORE_UNIT_H
#define STORE_UNIT_H

#include "base/arena.h"
#include "schema/foreign.h"
#include "store/query.h"

struct ms_call;
struct ms_session;

enum ms_write_kind {
    MS_WRITE_PUT,       /* create, or replace all but the kept columns */
    MS_WRITE_INSERT,    /* create; CONFLICT when the key exists */
    MS_WRITE_PATCH,     /* set `columns` of the row with the record's key, when it exists */
    MS_WRITE_TOUCH,     /* set one time of a row, when it exists; may land just after the commit */
    MS_WRITE_ERASE,     /* by key, when it exists */
    MS_WRITE_PATCH_ALL, /* set `columns` of every row that the query selects */
    MS_WRITE_ERASE_ALL, /* erase every row that the query selects */
    MS_WRITE_EXPECT,    /* the row must be there, else NOT_FOUND and nothing is written */
};

struct ms_write {
    struct ms_write *next;
    enum ms_write_kind kind;
    const struct ms_entity *entity;
    const void *record;           /* PUT, INSERT, PATCH (with its key), PATCH_ALL */
    uint64_t columns;             /* PATCH, PATCH_ALL; TOUCH: the one */
    mastra_str key[MS_KEYS_MOST]; /* TOUCH, ERASE, EXPECT */
    mastra_time time;             /* TOUCH */
    int64_t sequence; /* PUT, INSERT of a sequenced entity: grows with every write of the process */
    const struct ms_query *query; /* PATCH_ALL, ERASE_ALL: predicates only */
};

struct ms_unit {
    struct ms_call *call;
    struct ms_session *session;
    struct ms_arena *arena;
    struct ms_write *first;
    struct ms_write *last;
    const void *result;  /* what the call's answer is written from, set by a writing unit's function */
    mastra_error *error; /* never NULL; where a failing step says why */
};

/* An index that is to be made. Names are identifiers that were checked. */
struct ms_index_wish {
    mastra_str name;
    mastra_str table;
    const mastra_str *columns;
    const bool *descending; /* of each column */
    size_t column_count;
    bool unique;
    bool concurrent;  /* without keeping writers out, where the database can */
    mastra_str where; /* SQL that its giver vouches for; absent: all rows. All below may be absent */
    mastra_str method;
    mastra_str opclass;
    mastra_str storage; /* a JSON object */
    mastra_str tablespace;
};

#define MS_REPEATS_LATEST 2

/* Rows of one table that share a key, and which of them is the best. */
struct ms_repeats {
    const struct ms_entity *entity;
    uint8_t present;                   /* column number: one that has it, then */
    uint8_t latest[MS_REPEATS_LATEST]; /* of times: one that is later in the first, then in the second */
};

typedef mastra_status (*ms_unit_fn)(struct ms_unit *unit, void *arg);

/* Reads. `key` has as many texts as the entity has key columns. *ret is NULL when there is no such row. `lock`: the row
 * will be written in this unit, or what is written depends on it. */
mastra_status ms_unit_get(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key, bool lock,
                          void **ret);
mastra_status ms_unit_list(struct ms_unit *unit, const struct ms_query *query, struct ms_rows *ret);
mastra_status ms_unit_count(struct ms_unit *unit, const struct ms_query *query, int64_t *ret);

/* The rows of a query, and how many there are without its window. */
mastra_status ms_unit_page(struct ms_unit *unit, const struct ms_query *query, struct ms_rows *ret,
                           int64_t *ret_total);

/* The database's clock, now: what leases are judged by. In a writing unit, after the rows that matter were read with
 * `lock`, no other writer can have been told a later time and have acted on it. */
mastra_status ms_unit_clock(struct ms_unit *unit, mastra_time *ret);

/* Writes. Records and queries are borrowed until the unit ends. Each fails only with OUT_OF_MEMORY. */
mastra_status ms_unit_put(struct ms_unit *unit, enum ms_entity_id entity, const void *record);
mastra_status ms_unit_insert(struct ms_unit *unit, enum ms_entity_id entity, const void *record);
mastra_status ms_unit_patch(struct ms_unit *unit, enum ms_entity_id entity, const void *record,
                            uint64_t columns);
mastra_status ms_unit_touch(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key,
                            uint8_t column, mastra_time time);
mastra_status ms_unit_erase(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key);
mastra_status ms_unit_patch_all(struct ms_unit *unit, const struct ms_query *query, const void *record,
                                uint64_t columns);
mastra_status ms_unit_erase_all(struct ms_unit *unit, const struct ms_query *query);
mastra_status ms_unit_expect(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key);

/* The same on an entity that need not be of the catalogue. */
mastra_status ms_unit_insert_into(struct ms_unit *unit, const struct ms_entity *entity, const void *record);
mastra_status ms_unit_put_into(struct ms_unit *unit, const struct ms_entity *entity, const void *record);
mastra_status ms_unit_patch_in(struct ms_unit *unit, const struct ms_entity *entity, const void *record,
                               uint64_t columns);
mastra_status ms_unit_erase_from(struct ms_unit *unit, const struct ms_entity *entity, const mastra_str *key);

/*
 * Tables and indexes, see the slots of the same names in backend.h. What they do is done at once, in the unit's own
 * transaction; all but the first and the last want a unit that writes, of an operation that is `alone`.
 */
mastra_status ms_unit_describe_table(struct ms_unit *unit, mastra_str table, const struct ms_entity **ret);
mastra_status ms_unit_ensure_table(struct ms_unit *unit, const struct ms_entity *entity, uint64_t columns);
mastra_status ms_unit_drop_table(struct ms_unit *unit, mastra_str table);
mastra_status ms_unit_create_index(struct ms_unit *unit, const struct ms_index_wish *wish);
mastra_status ms_unit_drop_index(struct ms_unit *unit, mastra_str name);
mastra_status ms_unit_erase_repeats(struct ms_unit *unit, const struct ms_repeats *repeats,
                                    struct ms_rows *ret);
mastra_status ms_unit_list_indexes(struct ms_unit *unit, mastra_str table, mastra_str name,
                                   struct ms_rows *ret);

/* What the backend calls the place in which the tables stand, for messages. */
#define MS_PLACE_SIZE 300
void ms_unit_place(const struct ms_unit *unit, char *out, size_t size);

/* A blank record in the unit's arena, its times absent; NULL when memory is out (error is set). */
void *ms_unit_record(struct ms_unit *unit, enum ms_entity_id entity);

/*
 * Runs `fn` as a unit that may write, again after a conflict with other writers, within the call's deadline. On success
 * *ret_arena (may be NULL) is the arena of the run that committed, to be freed by the caller.
 */
mastra_status ms_transact(struct ms_call *call, ms_unit_fn fn, void *arg, struct ms_arena **ret_arena);

enum ms_read_mode {
    MS_READ_ROW,      /* one row, by its key */
    MS_READ_ONE,      /* a single statement */
    MS_READ_SNAPSHOT, /* several that must agree */
};

/* How a unit that reads one page and nothing else is run. */
enum ms_read_mode ms_page_mode(const struct ms_call *call, const struct ms_query *query);

/* Runs `fn`, which only reads. */
mastra_status ms_read(struct ms_call *call, enum ms_read_mode mode, ms_unit_fn fn, void *arg,
                      struct ms_arena **ret_arena);

#endif
