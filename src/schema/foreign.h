/*
 * Foreign tables: those of the user's database that are not in the catalogue. Each becomes an entity at run time, built
 * from what the database says of it (or, for one that is to be made, from what the caller says), so that all that
 * serves the catalogue serves them too. Its statements are never cached: the entity's id does not tell the table.
 */
#ifndef SCHEMA_FOREIGN_H
#define SCHEMA_FOREIGN_H

#include "base/arena.h"
#include "schema/schema.h"

struct ms_foreign_column {
    mastra_str name;
    enum ms_type type;
    enum ms_null null;
    unsigned flags;  /* without MS_KEY */
    unsigned in_key; /* its place in the key, from 1; 0: none */
};

/*
 * The entity of a table, in arena memory. Its JSON names are the columns' own; lists order by "createdAt", or
 * "created_at", or the first column of the key, or the first of all. LIMIT_EXCEEDED beyond MS_COLUMNS_MOST columns or
 * MS_KEYS_MOST of them in the key.
 */
mastra_status ms_foreign_entity(struct ms_arena *arena, mastra_str table, enum ms_key_form key_form,
                                const struct ms_foreign_column *columns, size_t count, struct ms_entity **ret,
                                mastra_error *error);

/* The same with fields for these columns alone: an insert leaves the others to their defaults. NULL: memory is out. */
const struct ms_entity *ms_foreign_narrow(struct ms_arena *arena, const struct ms_entity *entity,
                                          uint64_t columns);

/*
 * The same with further columns behind its own, in arena memory; a record of it serves as one of the entity, too. LIMIT_EXCEEDED beyond MS_COLUMNS_MOST columns.
 */
mastra_status ms_foreign_extend(struct ms_arena *arena, const struct ms_entity *entity,
                                const struct ms_foreign_column *more, size_t count,
                                const struct ms_entity **ret, mastra_error *error);

#endif
