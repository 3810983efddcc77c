/*
 * The entities: one constant descriptor per table. DDL, binding, reading, JSON in and out are driven by it; a column
 * more is one line in schema.c and one field at the end of the public struct.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <mastra/mastra.h>

/* Logical types; each dialect maps them to its own. */
enum ms_type {
    MS_TEXT,      /* mastra_str */
    MS_JSON,      /* mastra_str holding JSON text */
    MS_INTEGER,   /* int64_t */
    MS_BIGINT,    /* int64_t */
    MS_REAL,      /* double */
    MS_BOOLEAN,   /* bool */
    MS_TIMESTAMP, /* mastra_time */
};

/* Whether NULL may be stored. Mastra leaves it open for some columns; its SQLite adapter then allows NULL, its SQL
 * server adapters do not. */
enum ms_null {
    MS_NOT_NULL,
    MS_NULL,
    MS_NULL_UNSET,
};

enum ms_column_flag {
    MS_KEY = 1u << 0,     /* part of the key */
    MS_CONTENT = 1u << 1, /* text that goes in and out of JSON as a value when it is a JSON object or array */
    MS_KEEP = 1u << 2,    /* survives when a record is saved again */
    MS_STRICT = 1u << 3,  /* an id, title, role or type: no U+0000, no lone surrogates */
    MS_OPTIONAL =
        1u << 4, /* may be left out of a saved record although it is not null; a default stands in */
};

struct ms_column {
    const char *name; /* in every database */
    const char *json; /* in arguments and results */
    enum ms_type type;
    enum ms_null null;
    unsigned flags;
    uint16_t offset; /* of the field in the C struct, 0: none (the struct begins with its size) */
    const char
        *default_text; /* stored when a record leaves the column out; hidden from JSON results when set */
};

#define MS_INDEX_COLUMNS 3

struct ms_index_column {
    uint8_t column;
    bool descending;
};

enum ms_index_where {
    MS_INDEX_ALL,
    MS_INDEX_ROOTS, /* rows whose parentSpanId is null */
};

/* An index that Mastra's SQLite adapter makes; the names of other backends' indexes differ. */
struct ms_index {
    const char *name;
    bool unique;
    enum ms_index_where where;
    uint8_t column_count;
    struct ms_index_column columns[MS_INDEX_COLUMNS];
};

enum ms_entity_id {
    MS_THREAD,
    MS_MESSAGE,
    MS_RESOURCE,
    MS_SNAPSHOT,
    MS_SPAN,
    MS_SCORE,
    MS_EVAL,
    MS_TRACE,
    MS_ENTITY_COUNT,
};

/* How the key stands in a SQLite table made by the peer. */
enum ms_key_form {
    MS_KEY_NONE,
    MS_KEY_PRIMARY, /* PRIMARY KEY on the one key column */
    MS_KEY_UNIQUE,  /* table-level UNIQUE over the key columns, no primary key */
};

struct ms_entity {
    enum ms_entity_id id;
    const char *noun;  /* "Thread", for messages to people */
    const char *table; /* "mastra_threads" */
    const struct ms_column *columns;
    uint8_t column_count; /* at most 64 */
    uint8_t key_count;
    uint8_t keys[2]; /* column numbers */
    enum ms_key_form key_form;
    uint8_t created;   /* column number of the time that lists order by */
    bool sequenced;    /* equal times keep the order of insertion */
    bool legacy;       /* tables of the 0.x adapters, whose declared types differ */
    uint16_t size;     /* of the C struct; 0: none yet */
    const void *blank; /* the C struct's _INIT value */
    const struct ms_index *indexes;
    uint8_t index_count;
};

const struct ms_entity *ms_entity(enum ms_entity_id id);

/* The column number of a name (or JSON name), -1 when there is none. */
int ms_entity_column(const struct ms_entity *entity, mastra_str name);

/* Column numbers, in the order of the tables; the bits of the public patches are these. */
enum ms_thread_column {
    MS_THREAD_ID,
    MS_THREAD_RESOURCE_ID,
    MS_THREAD_TITLE,
    MS_THREAD_METADATA,
    MS_THREAD_CREATED_AT,
    MS_THREAD_UPDATED_AT,
};
enum ms_message_column {
    MS_MESSAGE_ID,
    MS_MESSAGE_THREAD_ID,
    MS_MESSAGE_CONTENT,
    MS_MESSAGE_ROLE,
    MS_MESSAGE_TYPE,
    MS_MESSAGE_CREATED_AT,
    MS_MESSAGE_RESOURCE_ID,
};
enum ms_resource_column {
    MS_RESOURCE_ID,
    MS_RESOURCE_WORKING_MEMORY,
    MS_RESOURCE_METADATA,
    MS_RESOURCE_CREATED_AT,
    MS_RESOURCE_UPDATED_AT,
};

#define MS_BIT(column) (UINT64_C(1) << (column))

/* The bits of all columns, of all but the key, of those that survive being saved again. */
uint64_t ms_entity_all(const struct ms_entity *entity);
uint64_t ms_entity_keys(const struct ms_entity *entity);
uint64_t ms_entity_kept(const struct ms_entity *entity);

/* Fields of a record by descriptor. */
static inline void *ms_field(const struct ms_column *column, const void *record)
{
    return (char *)(uintptr_t)record + column->offset;
}

static inline mastra_str *ms_field_str(const struct ms_column *column, const void *record)
{
    return (mastra_str *)ms_field(column, record);
}

static inline mastra_time *ms_field_time(const struct ms_column *column, const void *record)
{
    return (mastra_time *)ms_field(column, record);
}

/*
 * Copies an input struct of any version into one of this version: what the caller's lacks takes the blank value.
 * `out` has entity->size bytes.
 */
void ms_record_copy(const struct ms_entity *entity, void *out, const void *input);

#endif
