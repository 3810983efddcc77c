/*
 * Tables of any name. The public header says what each operation does; these are the same with the call in place of
 * store and error. What is written and looked for comes through a function that knows where to read it, since which
 * columns there are is only known within the unit of work.
 */
#ifndef DOMAINS_TABLES_H
#define DOMAINS_TABLES_H

#include "domains/api.h"
#include "store/unit.h"

#include <mastra/tables.h>

#define MS_TABLE_OPS(X)                                                                                      \
    X(clear_table, "clearTable", "CLEAR_TABLE", true, true)                                                  \
    X(has_column, "hasColumn", "HAS_COLUMN", false, true)                                                    \
    X(insert, "insert", "INSERT", true, false)                                                               \
    X(batch_insert, "batchInsert", "BATCH_INSERT", true, false)                                              \
    X(load, "load", "LOAD", false, true)

#define MS_SCHEMA_OPS(X)                                                                                     \
    X(create_table, "createTable", "CREATE_TABLE", true, true)                                               \
    X(alter_table, "alterTable", "ALTER_TABLE", true, true)                                                  \
    X(drop_table, "dropTable", "DROP_TABLE", true, true)

MS_TABLE_OPS(MS_OP_DECLARE)
MS_SCHEMA_OPS(MS_OP_DECLARE)

mastra_status ms_create_table(struct ms_call *call, const mastra_create_table_args *args);
mastra_status ms_alter_table(struct ms_call *call, const mastra_alter_table_args *args);
mastra_status ms_clear_table(struct ms_call *call, mastra_str table);
mastra_status ms_drop_table(struct ms_call *call, mastra_str table);
mastra_status ms_has_column(struct ms_call *call, mastra_str table, mastra_str column, bool *ret);

/* Where rows come from. */
struct ms_row_source {
    size_t count;
    bool listed; /* their names in errors are records[n], not record */

    /* Fills the blank record with the n-th row; *given has a bit for each column that is there, null or not. What it
     * allocates comes from the arena. May be called again for another run of the unit. */
    mastra_status (*fill)(const struct ms_row_source *source, struct ms_unit *unit,
                          const struct ms_entity *entity, size_t n, void *record, uint64_t *given);
};

mastra_status ms_insert(struct ms_call *call, mastra_str table, const struct ms_row_source *source);

struct ms_loaded {
    struct ms_arena *arena; /* holds all below; the caller's */
    const struct ms_entity *entity;
    void *row; /* NULL: there is none */
};

/* Looks for a row with the values of the source's only one. */
mastra_status ms_load(struct ms_call *call, mastra_str table, const struct ms_row_source *keys,
                      struct ms_loaded *ret);

/* The entity of a table, from the catalogue where it is there; *ret NULL when the database has no such table. */
mastra_status ms_unit_table(struct ms_unit *unit, mastra_str table, const struct ms_entity **ret);

/* NOT_FOUND. */
mastra_status ms_no_table(mastra_error *error, mastra_str table);

#endif
