/*
 * Looking after tables: making and filling any table, indexes, and pruning what is old.
 *
 * A table is one of the store's own or any other of the same database. Names of tables, columns and indexes are
 * identifiers: a letter or "_", then letters, digits and "_", at most 63 characters; none begins with "sqlite_".
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written only
 * on success; each is released as a whole by its _free function, may be used from any thread after that, and stays
 * valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing or malformed,
 * named in the error; nothing has been written), LIMIT_EXCEEDED (a table of more than 64 columns, or more than 8 in its
 * key), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED and OUT_OF_MEMORY.
 */
#ifndef MASTRA_TABLES_H
#define MASTRA_TABLES_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tables. */

typedef enum mastra_column_type {
    MASTRA_COLUMN_TEXT = 0, /* what a name that is not known stands for, too */
    MASTRA_COLUMN_TIMESTAMP = 1,
    MASTRA_COLUMN_JSONB = 2,
    MASTRA_COLUMN_FLOAT = 3,
    MASTRA_COLUMN_INTEGER = 4,
    MASTRA_COLUMN_BIGINT = 5,
    MASTRA_COLUMN_BOOLEAN = 6,
    MASTRA_COLUMN_UUID = 7,
} mastra_column_type;

typedef enum mastra_nullable {
    MASTRA_NULLABLE_UNSET = 0, /* SQLite: as YES, but a column that is added has a default */
    MASTRA_NULLABLE_YES = 1,
    MASTRA_NULLABLE_NO = 2,
} mastra_nullable;

typedef struct mastra_table_column {
    size_t size;
    mastra_str name;
    mastra_column_type type;
    mastra_nullable nullable;
    bool primary_key; /* at most one column; for more there is the composite key */
} mastra_table_column;

#define MASTRA_TABLE_COLUMN_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_table_column), {NULL, 0}, MASTRA_COLUMN_TEXT, MASTRA_NULLABLE_UNSET, false             \
    }

typedef struct mastra_create_table_args {
    size_t size;
    mastra_str table_name;
    const mastra_table_column *const *columns;
    size_t column_count;
    const mastra_str *composite_primary_key; /* names of columns; none: no such key */
    size_t composite_primary_key_count;
} mastra_create_table_args;

#define MASTRA_CREATE_TABLE_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_create_table_args), {NULL, 0}, NULL, 0, NULL, 0                                        \
    }

/*
 * Creates a table unless there is one of that name, which is left as it is. One of the store's own is made as the store
 * makes it. Mastra: createTable.
 */
MASTRA_API mastra_status mastra_create_table(mastra_store *store, const mastra_create_table_args *args,
                                             mastra_error *error);

typedef struct mastra_alter_table_args {
    size_t size;
    mastra_str table_name;
    const mastra_table_column *const *columns;
    size_t column_count;
    const mastra_str *if_not_exists; /* which of the columns to add */
    size_t if_not_exists_count;
} mastra_alter_table_args;

#define MASTRA_ALTER_TABLE_INIT                                                                              \
    {                                                                                                        \
        sizeof(mastra_alter_table_args), {NULL, 0}, NULL, 0, NULL, 0                                         \
    }

/*
 * Adds columns that the table lacks. One that is not nullable gets the default of its type in the rows that are there:
 * an empty text, 0, {}, the year 1970. Names without a column are passed over. Errors: NOT_FOUND (no such table).
 * Mastra: alterTable.
 */
MASTRA_API mastra_status mastra_alter_table(mastra_store *store, const mastra_alter_table_args *args,
                                            mastra_error *error);

/* Deletes all rows of a table, when there is one. Mastra: clearTable. */
MASTRA_API mastra_status mastra_clear_table(mastra_store *store, mastra_str table_name, mastra_error *error);

/*
 * Drops a table with its rows and indexes, when there is one. Tables of the store's own are made again, empty, by the next
 * call, unless `disable_init` is set; calls that are under way at that moment may fail. Mastra: dropTable.
 */
MASTRA_API mastra_status mastra_drop_table(mastra_store *store, mastra_str table_name, mastra_error *error);

/* Whether the table has a column of exactly that name; a missing table has none. Mastra: hasColumn. */
MASTRA_API mastra_status mastra_has_column(mastra_store *store, mastra_str table_name, mastra_str column,
                                           bool *ret_has, mastra_error *error);

/*
 * Writes a record, a JSON object of column names (for the store's own tables also the names of Mastra's records, such as
 * threadId), into a table. Where the table has a key and the row is there, it is replaced as a whole; otherwise a row is
 * added. Columns that are left out take their default, or null; times of the store's own tables take now. Members that
 * are no columns are passed over; a record without any that is writes nothing. Errors: NOT_FOUND (no such table), CONFLICT
 * (a constraint of the table). Mastra: insert.
 */
MASTRA_API mastra_status mastra_insert(mastra_store *store, mastra_str table_name, mastra_str record,
                                       mastra_error *error);

/* The same for a JSON array of records, all or none. Mastra: batchInsert. */
MASTRA_API mastra_status mastra_batch_insert(mastra_store *store, mastra_str table_name, mastra_str records,
                                             mastra_error *error);

/*
 * Reads the newest row by createdAt (where there is no such column: the last by its key) in which the columns have the
 * values that `keys`, a JSON object, gives. *ret_json is the row as a JSON object of column names, or null, to be
 * released with mastra_json_free. Errors: NOT_FOUND (no such table). Mastra: load.
 */
MASTRA_API mastra_status mastra_load(mastra_store *store, mastra_str table_name, mastra_str keys,
                                     char **ret_json, size_t *ret_len, mastra_error *error);

/* Indexes. */

typedef struct mastra_create_index_args {
    size_t size;
    mastra_str name;
    mastra_str table;
    const mastra_str *columns; /* "thread_id", "createdAt DESC" */
    size_t column_count;
    bool unique;
    bool concurrent; /* without keeping writers out, where the database can; SQLite cannot */
    mastra_str
        where; /* SQL: only the rows for which this expression holds. It is part of the statement as it is, so it
                   must come from whoever may change the database; never from users. Absent: all rows */
    mastra_str method;     /* of the access; SQLite has btree alone and ignores the others */
    mastra_str opclass;    /* SQLite ignores this, as */
    mastra_str storage;    /* a JSON object of parameters, and */
    mastra_str tablespace; /* the place */
} mastra_create_index_args;

#define MASTRA_CREATE_INDEX_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_create_index_args), {NULL, 0}, {NULL, 0}, NULL, 0, false, true, {NULL, 0}, {NULL, 0},  \
            {NULL, 0}, {NULL, 0},                                                                            \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

/*
 * Creates an index; does nothing when there is one of that name. Errors: NOT_FOUND (no such table), CONFLICT (the name is
 * a table's; rows that a unique index forbids). Mastra: createIndex.
 */
MASTRA_API mastra_status mastra_create_index(mastra_store *store, const mastra_create_index_args *args,
                                             mastra_error *error);

/* What is known of an index. */
typedef struct mastra_index {
    size_t size;
    mastra_str name;
    mastra_str table;
    const mastra_str *columns; /* without expressions */
    size_t column_count;
    bool unique;
    mastra_str disk_size;  /* "128 KB"; absent when the SQLite in use does not tell */
    mastra_str definition; /* the SQL that made it; DynamoDB: which columns of which tables it serves */
    mastra_str method;     /* "btree"; DynamoDB: "gsi" */
    int64_t
        scans; /* how often it was used; MASTRA_INTEGER_NONE where the database does not count, as SQLite */
    int64_t tuples_read;
    int64_t tuples_fetched;
    int64_t items;     /* DynamoDB: how many items it has, as of some hours ago */
    mastra_str status; /* DynamoDB: "ACTIVE", "CREATING", ... */
} mastra_index;

#define MASTRA_INDEX_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_index), {NULL, 0}, {NULL, 0}, NULL, 0, false, {NULL, 0}, {NULL, 0}, {NULL, 0},         \
            MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE,              \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

/* Opaque; items are borrowed from it. An index out of range gives NULL. */
typedef struct mastra_index_list mastra_index_list;

MASTRA_API size_t mastra_index_list_count(const mastra_index_list *list);
MASTRA_API const mastra_index *mastra_index_list_at(const mastra_index_list *list, size_t index);
MASTRA_API void mastra_index_list_free(mastra_index_list *list); /* NULL is allowed */

/*
 * The indexes of a table, or (table absent) of all, by table and name. Those that the database keeps by itself for a
 * key are not among them. Mastra: listIndexes.
 */
MASTRA_API mastra_status mastra_list_indexes(mastra_store *store, mastra_str table,
                                             mastra_index_list **ret_indexes, mastra_error *error);

/* One index, as a list of one. Errors: NOT_FOUND. Mastra: describeIndex. */
MASTRA_API mastra_status mastra_describe_index(mastra_store *store, mastra_str name,
                                               mastra_index_list **ret_indexes, mastra_error *error);

/*
 * Drops an index, when there is one. One that the store makes by itself comes back when the store is opened again.
 * Mastra: dropIndex.
 */
MASTRA_API mastra_status mastra_drop_index(mastra_store *store, mastra_str name, mastra_error *error);

/* Pruning. */

/*
 * What to delete: whatever is older than the time of its table. MASTRA_TIME_NONE: nothing of that table. Threads and
 * workflow runs are judged by updatedAt, spans by startedAt, all else by createdAt.
 */
typedef struct mastra_prune_args {
    size_t size;
    mastra_time threads;  /* with their messages */
    mastra_time messages; /* one by one, whatever their thread */
    mastra_time resources;
    mastra_time workflow_snapshot;
    mastra_time ai_spans; /* whole traces, of which no span started at that time or later */
    mastra_time scorers;
    mastra_time evals;
    mastra_time traces;  /* of Mastra 0.x */
    int64_t batch_size;  /* about how many rows to delete at a time, 1 to 100,000; 0: 1,000 */
    int64_t max_batches; /* of each table, most times to do so; 0: until nothing is left */
} mastra_prune_args;

#define MASTRA_PRUNE_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_prune_args), MASTRA_TIME_NONE, MASTRA_TIME_NONE, MASTRA_TIME_NONE, MASTRA_TIME_NONE,   \
            MASTRA_TIME_NONE, MASTRA_TIME_NONE, MASTRA_TIME_NONE, MASTRA_TIME_NONE, 0, 0                     \
    }

/* How many rows were deleted of each table; MASTRA_INTEGER_NONE where none were asked for. */
typedef struct mastra_prune_report {
    size_t size;
    int64_t threads;
    int64_t messages; /* those that went with their threads among them */
    int64_t resources;
    int64_t workflow_snapshot;
    int64_t ai_spans;
    int64_t scorers;
    int64_t evals;
    int64_t traces;
    bool unfinished; /* max_batches was reached; the call can be repeated */
} mastra_prune_report;

#define MASTRA_PRUNE_REPORT_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_prune_report), MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE,          \
            MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE, MASTRA_INTEGER_NONE,              \
            MASTRA_INTEGER_NONE, false                                                                       \
    }

/*
 * Deletes what is older than the given times, in many transactions of about batch_size rows each, with a turn for other
 * writers between them. A thread goes with its messages, and a trace with its spans, in one transaction, in which it is
 * looked at again: what has become young meanwhile stays. When a transaction fails, what earlier ones have deleted stays
 * deleted, and the error tells how much that is; the call can be repeated. *ret_report, which begins with its size, is
 * the caller's. Mastra: prune.
 */
MASTRA_API mastra_status mastra_prune(mastra_store *store, const mastra_prune_args *args,
                                      mastra_prune_report *ret_report, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
