/* The SQLite backend: one writing connection, several reading ones (or one for everything, in memory). */
#ifndef BACKENDS_SQLITE_SQLITE_H
#define BACKENDS_SQLITE_SQLITE_H

#include "backends/sqlite/checkpoint.h"
#include "backends/sqlite/counts.h"
#include "sql/sql.h"
#include "store/backend.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* The first version without the defect that can corrupt a WAL database when two connections checkpoint at once. */
#define SQLITE_SAFE_WAL_VERSION    3051003

/* The first version that reads binary JSON; with an older one such values read as absent. */
#define SQLITE_BINARY_JSON_VERSION 3045000

/* Prepared statements of one connection, by shape. */
#define STATEMENTS_MAX             64

struct statement {
    sqlite3_stmt *stmt;
    uint32_t hash;
    uint32_t used;     /* when, in statements */
    uint8_t shape_len; /* at most MS_SQL_SHAPE */
    unsigned char shape[MS_SQL_SHAPE];
};

/* Statements without values. */
enum fixed {
    FIXED_BEGIN,
    FIXED_BEGIN_IMMEDIATE,
    FIXED_COMMIT,
    FIXED_ROLLBACK,
    FIXED_PIN,
    FIXED_DATA_VERSION,
    FIXED_JSON_TEXT,
    FIXED_COUNT,
};

struct connection {
    struct ms_session session; /* first: a connection serves one session at a time */
    struct sqlite_backend *owner;
    struct connection *next; /* among the idle ones */
    struct connection *next_open;
    sqlite3 *db;
    bool ready; /* it was set up; see sqlite_make_ready */
    enum ms_session_mode mode;
    int64_t busy_since_ns;
    uint64_t stamp; /* of its snapshot, see sqlite_counts_pin */
    uint32_t clock;
    size_t statement_count;
    struct statement statements[STATEMENTS_MAX];
    sqlite3_stmt *fixed[FIXED_COUNT];
    sqlite3_stmt *passing; /* the one in use that is not cached, or NULL */
};

struct sqlite_backend {
    struct ms_backend base; /* first */
    struct ms_heap *heap;
    const struct ms_log *log;
    char *path;
    char *vfs;
    int open_flags;
    bool memory;
    atomic_bool interrupted; /* for good: the store is closing */
    bool counted;            /* among the open files of this process */
    bool allow_vulnerable_wal;
    bool open_at_once; /* the writer may be set up later */
    mastra_synchronous synchronous;
    int64_t busy_timeout_ms;
    uint32_t readers_max;

    struct connection *writer;
    struct sqlite_counts counts;
    struct sqlite_checkpoint checkpoint;

    pthread_mutex_t lock; /* guards the readers */
    pthread_cond_t returned;
    struct connection *idle;
    struct connection *open; /* all readers */
    uint32_t reader_count;
};

extern const struct ms_backend_ops ms_sqlite_ops;

/* connection.c */
mastra_status sqlite_connect(struct sqlite_backend *backend, struct connection **ret, mastra_error *error);

/* Sets a connection up that could not be so far, because another process had the file for itself. */
mastra_status sqlite_make_ready(struct connection *connection, mastra_error *error);
void sqlite_disconnect(struct connection *connection); /* NULL is allowed */

/* Turns the connection's last error into the record; `doing` says what was tried. */
mastra_status sqlite_error(struct connection *connection, int code, const char *doing, mastra_error *error);

/* statement.c */

/* The prepared and bound statement of a query or write, and how its rows come (MS_ROWS_ bits; may be NULL); released with
 * sqlite_finish. */
mastra_status sqlite_prepare(struct connection *connection, ms_sql_fn fn, const void *what,
                             sqlite3_stmt **ret, unsigned *ret_rows, mastra_error *error);
void sqlite_finish(struct connection *connection, sqlite3_stmt *stmt);
mastra_status sqlite_prepare_fixed(struct connection *connection, mastra_error *error);
mastra_status sqlite_run_fixed(struct connection *connection, enum fixed which, mastra_error *error);
/* Has an open transaction see the file as it is now; false when that failed. */
bool sqlite_pin(struct connection *connection);

/* The text of binary JSON; what is none leaves *ret alone, as every blob does on a SQLite that cannot read it. False:
 * memory is out. */
bool sqlite_json_text(struct connection *connection, const void *blob, size_t len, struct ms_arena *arena,
                      mastra_str *ret);

/* A number that changes with every commit of somebody else; false when it could not be read. */
bool sqlite_data_version(struct connection *connection, int64_t *ret);
void sqlite_drop_statements(struct connection *connection);

/* session.c */
mastra_status sqlite_get(struct ms_session *session, const struct ms_entity *entity, const mastra_str *key,
                         bool lock, struct ms_arena *arena, void **ret, mastra_error *error);
mastra_status sqlite_erase_repeats(struct ms_session *session, const struct ms_repeats *repeats,
                                   struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);
mastra_status sqlite_list(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                          struct ms_rows *ret, mastra_error *error);
mastra_status sqlite_count(struct ms_session *session, const struct ms_query *query, int64_t *ret,
                           mastra_error *error);
mastra_status sqlite_clock(struct ms_session *session, mastra_time *ret, mastra_error *error);
mastra_status sqlite_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                           mastra_error *error);

/* inherited.c: how many files this process has open. FORKED when a parent's are still among them. */
mastra_status sqlite_count_open(mastra_error *error);
void sqlite_count_closed(void);

/* schema.c */

/* Where thread and resource stand in the file's table of messages; -1 when there is no such table. */
void sqlite_find_columns(struct connection *connection, int *ret_thread, int *ret_resource);
mastra_status sqlite_ensure_schema(struct ms_backend *backend, mastra_error *error);
mastra_status sqlite_create_table(struct connection *connection, const struct ms_entity *entity,
                                  mastra_error *error);
mastra_status sqlite_add_columns(struct connection *connection, const struct ms_entity *entity,
                                 uint64_t columns, mastra_error *error);

/* Runs the text, and empties the buffer; `doing` says what was tried. */
mastra_status sqlite_run_text(struct connection *connection, struct ms_buf *sql, const char *doing,
                              mastra_error *error);

/* A column of the row that a statement stands on, as text, valid until its next step. */
mastra_str sqlite_column_str(sqlite3_stmt *stmt, int n);

/* tables.c */
mastra_status sqlite_describe_table(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                    const struct ms_entity **ret, mastra_error *error);
mastra_status sqlite_ensure_table(struct ms_session *session, const struct ms_entity *entity,
                                  uint64_t columns, mastra_error *error);
mastra_status sqlite_drop_table(struct ms_session *session, mastra_str table, mastra_error *error);

/* indexes.c */
mastra_status sqlite_create_index(struct ms_session *session, const struct ms_index_wish *wish,
                                  mastra_error *error);
mastra_status sqlite_drop_index(struct ms_session *session, mastra_str name, mastra_error *error);
mastra_status sqlite_list_indexes(struct ms_session *session, mastra_str table, mastra_str name,
                                  struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);

/* Tells of the tables, columns and indexes of the catalogue that the file lacks. */
mastra_status sqlite_tell_missing(struct connection *connection, ms_fault_fn tell, void *arg,
                                  mastra_error *error);

/* inspect.c */
mastra_status sqlite_inspect(struct ms_session *session, ms_fault_fn tell, void *arg, mastra_error *error);

/* backup.c */
mastra_status sqlite_backup(struct ms_session *session, const char *path, ms_backup_fn tell, void *arg,
                            mastra_error *error);
mastra_status sqlite_size(struct ms_session *session, int64_t *ret, mastra_error *error);

/* function.c: the SQL functions that conditions on JSON compile to. */
int sqlite_add_functions(sqlite3 *db);

static inline struct connection *connection_of(struct ms_session *session)
{
    return (struct connection *)session;
}

#endif
