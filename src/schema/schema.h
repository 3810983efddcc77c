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
    MS_INTEGER,   /* int64_t, MASTRA_INTEGER_NONE for null */
    MS_BIGINT,    /* the same */
    MS_REAL,      /* double, NaN for null */
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
        1u << 4,         /* may be left out of a saved record although it is not null; a default stands in */
    MS_STICKY = 1u << 5, /* keeps what is stored when a record saved again leaves it out */
    MS_VALUE = 1u << 6,  /* JSON of any kind: comes out as the value that is stored, a string as a string */
    MS_LOOSE = 1u << 7,  /* of a table that is not ours: text may be binary JSON, a whole number a boolean */
    MS_REQUIRED = 1u << 8,  /* a saved record must have it, although the column may be null */
    MS_OBJECT = 1u << 9,    /* JSON: nothing but an object will do */
    MS_NULLABLE = 1u << 10, /* JSON that is required: null will do, and is stored as none */
    MS_TWICE = 1u << 11,    /* JSON that Mastra's PostgreSQL adapter stores as a string of its text */
    MS_TWINLESS = 1u << 12, /* a time that SQL servers keep in one column, without the twin that has a zone */
    MS_STEADY =
        1u
        << 13, /* a time that every writer stores alike in column and twin: SQL servers order by the column,
                             which the peer's indexes are on */
    MS_UUID = 1u << 14, /* text that is a UUID, where the database has a type for it */
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

/* An index of SQLite files; the names of other backends' indexes differ. */
struct ms_index {
    const char *name;
    bool unique;
    bool spare; /* not one that Mastra's adapter makes: left out where any index on the same columns exists */
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
    MS_RUN_LOCK,
    MS_ENTITY_COUNT,
    MS_FOREIGN = MS_ENTITY_COUNT, /* a table that is not in the catalogue, see foreign.h */
};

/* The bits of all of the catalogue. */
#define MS_ALL_ENTITIES ((UINT32_C(1) << MS_ENTITY_COUNT) - 1)

/* How the key stands in a table made by the peer: on SQLite; SQL servers go by the names that they give. */
enum ms_key_form {
    MS_KEY_NONE,
    MS_KEY_PRIMARY,          /* PRIMARY KEY on the one key column */
    MS_KEY_UNIQUE,           /* table-level UNIQUE over the key columns, no primary key */
    MS_KEY_UNIQUE_BACKWARDS, /* the same with the columns in the opposite order */
    MS_KEY_PRIMARY_TABLE,    /* table-level PRIMARY KEY over the key columns */
};

struct ms_item_form;

#define MS_KEYS_MOST    8
#define MS_COLUMNS_MOST 64

struct ms_entity {
    enum ms_entity_id id;
    const char *noun;  /* "Thread", for messages to people */
    const char *table; /* "mastra_threads" */
    const struct ms_column *columns;
    uint8_t column_count; /* at most MS_COLUMNS_MOST */
    uint8_t key_count;
    uint8_t keys[MS_KEYS_MOST]; /* column numbers */
    enum ms_key_form key_form;
    uint8_t created; /* column number of the time that lists order by */
    const char
        *sequence; /* equal times keep the order of insertion: the column that tells it, where the database
                             does not by itself. NULL: they need not */
    uint8_t sequence_within; /* column number: the order counts among rows that are alike in it */
    bool clocked;  /* what rows mean depends on the database's clock: whoever reads them will ask for it */
    bool legacy;   /* tables of the 0.x adapters, whose declared types differ */
    uint16_t size; /* of the C struct */
    const void *blank; /* the C struct's _INIT value */
    const struct ms_index *indexes;
    uint8_t index_count;
    const struct ms_item_form *item; /* how it stands in a key-value database, see form.h */
};

const struct ms_entity *ms_entity(enum ms_entity_id id);

/* The entity whose table has that name; NULL when it is none of the catalogue. */
const struct ms_entity *ms_entity_of_table(mastra_str table);

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

enum ms_snapshot_column {
    MS_SNAPSHOT_WORKFLOW_NAME,
    MS_SNAPSHOT_RUN_ID,
    MS_SNAPSHOT_RESOURCE_ID,
    MS_SNAPSHOT_SNAPSHOT,
    MS_SNAPSHOT_CREATED_AT,
    MS_SNAPSHOT_UPDATED_AT,
};
enum ms_span_column {
    MS_SPAN_TRACE_ID,
    MS_SPAN_SPAN_ID,
    MS_SPAN_NAME,
    MS_SPAN_SPAN_TYPE,
    MS_SPAN_IS_EVENT,
    MS_SPAN_STARTED_AT,
    MS_SPAN_PARENT_SPAN_ID,
    MS_SPAN_ENTITY_TYPE,
    MS_SPAN_ENTITY_ID,
    MS_SPAN_ENTITY_NAME,
    MS_SPAN_PARENT_ENTITY_TYPE,
    MS_SPAN_PARENT_ENTITY_ID,
    MS_SPAN_PARENT_ENTITY_NAME,
    MS_SPAN_ROOT_ENTITY_TYPE,
    MS_SPAN_ROOT_ENTITY_ID,
    MS_SPAN_ROOT_ENTITY_NAME,
    MS_SPAN_USER_ID,
    MS_SPAN_ORGANIZATION_ID,
    MS_SPAN_RESOURCE_ID,
    MS_SPAN_RUN_ID,
    MS_SPAN_SESSION_ID,
    MS_SPAN_THREAD_ID,
    MS_SPAN_REQUEST_ID,
    MS_SPAN_ENVIRONMENT,
    MS_SPAN_SERVICE_NAME,
    MS_SPAN_SCOPE,
    MS_SPAN_ENTITY_VERSION_ID,
    MS_SPAN_PARENT_ENTITY_VERSION_ID,
    MS_SPAN_ROOT_ENTITY_VERSION_ID,
    MS_SPAN_EXPERIMENT_ID,
    MS_SPAN_SOURCE,
    MS_SPAN_METADATA,
    MS_SPAN_TAGS,
    MS_SPAN_ATTRIBUTES,
    MS_SPAN_LINKS,
    MS_SPAN_INPUT,
    MS_SPAN_OUTPUT,
    MS_SPAN_ERROR,
    MS_SPAN_ENDED_AT,
    MS_SPAN_REQUEST_CONTEXT,
    MS_SPAN_CREATED_AT,
    MS_SPAN_UPDATED_AT,
};
enum ms_score_column {
    MS_SCORE_ID,
    MS_SCORE_SCORER_ID,
    MS_SCORE_TRACE_ID,
    MS_SCORE_SPAN_ID,
    MS_SCORE_RUN_ID,
    MS_SCORE_SCORER,
    MS_SCORE_PREPROCESS_STEP_RESULT,
    MS_SCORE_EXTRACT_STEP_RESULT,
    MS_SCORE_ANALYZE_STEP_RESULT,
    MS_SCORE_SCORE,
    MS_SCORE_REASON,
    MS_SCORE_METADATA,
    MS_SCORE_PREPROCESS_PROMPT,
    MS_SCORE_EXTRACT_PROMPT,
    MS_SCORE_GENERATE_SCORE_PROMPT,
    MS_SCORE_GENERATE_REASON_PROMPT,
    MS_SCORE_ANALYZE_PROMPT,
    MS_SCORE_REASON_PROMPT,
    MS_SCORE_INPUT,
    MS_SCORE_OUTPUT,
    MS_SCORE_ADDITIONAL_CONTEXT,
    MS_SCORE_REQUEST_CONTEXT,
    MS_SCORE_ENTITY_TYPE,
    MS_SCORE_ENTITY,
    MS_SCORE_ENTITY_ID,
    MS_SCORE_SOURCE,
    MS_SCORE_RESOURCE_ID,
    MS_SCORE_THREAD_ID,
    MS_SCORE_ORGANIZATION_ID,
    MS_SCORE_PROJECT_ID,
    MS_SCORE_BATCH_ID,
    MS_SCORE_DATASET_ID,
    MS_SCORE_DATASET_ITEM_ID,
    MS_SCORE_CREATED_AT,
    MS_SCORE_UPDATED_AT,
};
enum ms_eval_column {
    MS_EVAL_INPUT,
    MS_EVAL_OUTPUT,
    MS_EVAL_RESULT,
    MS_EVAL_AGENT_NAME,
    MS_EVAL_METRIC_NAME,
    MS_EVAL_INSTRUCTIONS,
    MS_EVAL_TEST_INFO,
    MS_EVAL_GLOBAL_RUN_ID,
    MS_EVAL_RUN_ID,
    MS_EVAL_CREATED_AT,
    MS_EVAL_CREATED_AT_LEGACY,
};
enum ms_trace_column {
    MS_TRACE_ID,
    MS_TRACE_PARENT_SPAN_ID,
    MS_TRACE_NAME,
    MS_TRACE_TRACE_ID,
    MS_TRACE_SCOPE,
    MS_TRACE_KIND,
    MS_TRACE_ATTRIBUTES,
    MS_TRACE_STATUS,
    MS_TRACE_EVENTS,
    MS_TRACE_LINKS,
    MS_TRACE_OTHER,
    MS_TRACE_START_TIME,
    MS_TRACE_END_TIME,
    MS_TRACE_CREATED_AT,
};
enum ms_run_lock_column {
    MS_RUN_LOCK_WORKFLOW_NAME,
    MS_RUN_LOCK_RUN_ID,
    MS_RUN_LOCK_OWNER_ID,
    MS_RUN_LOCK_GENERATION,
    MS_RUN_LOCK_ACQUIRED_AT,
    MS_RUN_LOCK_EXPIRES_AT,
};

#define MS_BIT(column) (UINT64_C(1) << (column))

/* The bits of all columns, of those with a field in the C struct, of the key, of those that survive being saved again. */
uint64_t ms_entity_all(const struct ms_entity *entity);
uint64_t ms_entity_fields(const struct ms_entity *entity);
uint64_t ms_entity_keys(const struct ms_entity *entity);
uint64_t ms_entity_kept(const struct ms_entity *entity);

/* Whether a saved record must have the column. */
static inline bool ms_column_required(const struct ms_column *column)
{
    return (column->flags & MS_REQUIRED) || (column->null == MS_NOT_NULL && !(column->flags & MS_OPTIONAL));
}

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
