/* What the tables of a schema are made of, as text: what the peer makes, and what is ours beside it. */
#ifndef BACKENDS_POSTGRES_DDL_H
#define BACKENDS_POSTGRES_DDL_H

#include "backends/postgres/postgres.h"

#define PG_NAME_MOST 63 /* bytes; the server cuts what is longer */

/* How the name of an index tells the schema, when that is not "public", and what becomes of a name that is too long. */
enum pg_index_prefix {
    PG_PREFIX_PLAIN, /* as the schema is written, with "_" for what no plain identifier holds; kept apart by a hash */
    PG_PREFIX_FOLDED, /* the schema itself in lower case; cut */
    PG_PREFIX_DIGEST, /* the same; cut, and the beginning of its SHA-256 behind */
};

struct pg_index {
    enum ms_entity_id entity;
    const char *name;
    const char *columns; /* with their brackets */
    enum pg_index_prefix prefix;
    bool on_jsonb;       /* of an expression that a snapshot in a column of text has not */
    const char *method;  /* NULL: btree */
    const char *include; /* behind the columns */
    const char *where;
};

#define PG_INDEX_COUNT 19
extern const struct pg_index pg_indexes[PG_INDEX_COUNT];

#define PG_LONG_NAME 192

/* The names as they are in this schema; each is cut to what the server keeps. `digest` is of the one name that takes it. */
void pg_index_name(const char *schema, const char *digest, const struct pg_index *index,
                   char out[PG_NAME_MOST + 1]);

/* The whole of the name that takes a digest; false when it needs none. */
bool pg_needs_digest(const struct pg_flavour *flavour, const char *schema, char out[PG_LONG_NAME]);

/* Of the constraint that is the entity's key where it has a name of its own: of runs and of spans. */
void pg_constraint_name(const struct pg_flavour *flavour, const char *schema, const struct ms_entity *entity,
                        char out[PG_NAME_MOST + 1]);

/* Statements. */
void pg_put_table(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                  const struct ms_entity *entity);
/* A column or, of a time, its twin, that a table which is there lacks. */
void pg_put_column(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                   const struct ms_entity *entity, const struct ms_column *column);
void pg_put_twin(struct ms_buf *out, const char *schema, const struct ms_entity *entity,
                 const struct ms_column *column);
void pg_put_twin_default(struct ms_buf *out, const char *schema, const struct ms_entity *entity,
                         const struct ms_column *column);
void pg_put_sequence(struct ms_buf *out, const char *schema, const struct ms_entity *entity);
/* A key for a table that is there. */
void pg_put_key(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                const struct ms_entity *entity);
void pg_put_replica_identity(struct ms_buf *out, const char *schema, const struct ms_entity *entity);
void pg_put_index(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                  const char *digest, const struct pg_index *index);
void pg_put_trigger_function(struct ms_buf *out, const char *schema);
void pg_put_trigger(struct ms_buf *out, const char *schema);

void pg_put_qualified(struct ms_buf *out, const char *schema, const char *name);

#endif
