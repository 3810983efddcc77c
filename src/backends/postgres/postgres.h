/* The PostgreSQL backend: sessions, statements, schema. How it connects stands in client.h, who may talk in pool.h. */
#ifndef BACKENDS_POSTGRES_POSTGRES_H
#define BACKENDS_POSTGRES_POSTGRES_H

#include "backends/postgres/client.h"
#include "backends/postgres/wire.h"

/* What is kept of the SHA-256 of a long name, and its end. */
#define PG_DIGEST_SIZE 9

/*
 * Since when the server runs: since it was started, and since it took up its work again after a crash of one of its processes,
 * when it begins its statistics anew. Transactions that a crash has undone may have given their numbers to others.
 */
#define PG_SERVER                                                                                            \
    "concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()),"                                         \
    " (SELECT extract(epoch FROM stats_reset) FROM pg_catalog.pg_stat_bgwriter))"

struct ms_sql_key;

struct pg_index;
struct pg_session;

/* What a flavour of PostgreSQL changes about statements. */
struct pg_flavour {
    const struct ms_dialect *dialect;
    const struct ms_dialect *text_dialect; /* for tables whose JSON stands in columns of text */
    const char *begin;                     /* a transaction that writes */
    const char *begin_snapshot;            /* one that reads, all of it as of one moment */
    const char *clock;                     /* the query for the time that leases are judged by */
    const char *fate;                      /* tells a struct pg_fate of the transaction; NULL: none is told */
    const struct pg_index *indexes;        /* that every schema has */
    size_t index_count;
    bool json_is_text; /* all JSON stands in columns of text, kept character for character */
    /* Nobody waits for anybody: who commits second learns of the conflict, be it about a row that neither had found. */
    bool optimistic;
    /* The server knows less: a statement that changes the schema is a transaction by itself, columns are added by name and
     * type alone, keys are part of CREATE TABLE, indexes are plain and built asynchronously, there are no triggers, and
     * a prepared statement goes with its session only. */
    bool narrow;
    /* Whether tables without an index on their key can be written all the same. */
    bool bears_no_key;
    /* Builds the index that the statement asks for; the session has no transaction open. NULL: executing it does. */
    mastra_status (*build_index)(struct pg_session *session, const struct ms_buf *sql,
                                 const struct ms_index_wish *wish, mastra_error *error);
};

struct postgres {
    struct pg_backend base; /* first */
    const struct pg_flavour *flavour;
    /* The JSON columns that are of text, by entity; known once the schema was looked at. */
    _Atomic uint64_t text_json[MS_ENTITY_COUNT];
    atomic_bool looked;
    atomic_bool fateless;                 /* the server does not tell what the flavour's `fate` asks for */
    int64_t patience_ms;                  /* for what may pass */
    atomic_bool keyless[MS_ENTITY_COUNT]; /* the server has no index on the key, at least not yet */
    char digest
        [PG_DIGEST_SIZE]; /* of an index's name, while init_lock is held; empty: not known, or not needed */
};

/* A key that a unit has asked for with a lock and not found: it must not be there when the unit writes it. */
struct pg_absent {
    struct pg_absent *next;
    const struct ms_entity *entity;
    mastra_str key[MS_KEYS_MOST];
};

/* By what a transaction is known behind its connection's end; empty: not known. */
struct pg_fate {
    char transaction[24];
    char server[64]; /* since when it runs: another one may know another transaction by that number */
};

struct pg_session {
    struct ms_session session; /* first */
    struct postgres *owner;
    enum ms_session_mode mode;
    struct pg_connection *connection; /* NULL until it is needed */
    struct ms_arena *arena;           /* for what is sent; NULL until it is needed */
    bool begun;                       /* the server has an open transaction */
    const struct ms_write *writes;
    struct pg_absent *absent;
    struct pg_fate fate;
    mastra_time clock; /* as of the last row that was read with a lock; MASTRA_TIME_NONE: not known */
};

static inline const struct pg_flavour *pg_flavour_of(const struct pg_session *session)
{
    return session->owner->flavour;
}

extern const struct ms_backend_ops ms_postgres_ops;
extern const struct pg_flavour pg_flavour;

/* backend.c */

/* Sets up the first part of a flavour's backend, which is all zero; pg_close must follow, after a failure as well. */
mastra_status pg_open_flavour(struct postgres *backend, const struct ms_backend_ops *ops,
                              const struct pg_flavour *flavour, struct ms_config *config,
                              const struct pg_defaults *defaults, mastra_error *error);
void pg_close(struct ms_backend *base);
uint32_t pg_parallel(const struct ms_backend *base);
void pg_place(const struct ms_backend *base, char *out, size_t size);

/* dialect.c */
extern const struct ms_dialect pg_dialect;
extern const struct ms_dialect pg_text_dialect;

/* statement.c: plans. A plan is a list of statements that go to the server in one exchange. */

/* What a step of a plan is, beside what is sent. */
struct pg_note {
    struct pg_statement *prepares; /* PREPARE: what is prepared once the server says so */
    uint32_t number;
    const struct ms_write *write; /* the first that it executes; NULL: it reads, or is none of them */
    bool must_be_new;             /* its record is not there as far as the unit knows */
    bool may_be_stale;            /* it executes what an earlier exchange has prepared */
    bool wanted;                  /* its rows go to the plan's reader */
    bool of_catalogue;            /* it is about tables that every schema must have */
    bool tells_fate;              /* its row is the transaction's struct pg_fate */
    unsigned rows;                /* MS_ROWS_ bits */
};

struct pg_plan {
    struct pg_session *session;
    struct ms_arena *arena;
    struct pg_step *steps;
    struct pg_note *notes;
    size_t count;
    size_t room;
    uint32_t first_number; /* statements with this number or a greater one are prepared by this plan */
    mastra_status (*read)(void *arg, size_t index, const PGresult *result,
                          mastra_error *error); /* rows of the wanted steps, by their number among them */
    void *arg;
    size_t wanted;
};

/* Borrows a connection when the session has none; the plan begins a transaction when the session's mode needs one. */
mastra_status pg_plan_begin(struct pg_plan *plan, struct pg_session *session, mastra_error *error);

/* Adds a compiled statement; *ret_rows (may be NULL) gets its MS_ROWS_ bits. */
mastra_status pg_plan_add(struct pg_plan *plan, ms_sql_fn fn, const void *what, bool wanted,
                          unsigned *ret_rows, mastra_error *error);

/* Adds text without parameters, or with texts as parameters. */
mastra_status pg_plan_text(struct pg_plan *plan, const char *sql, const char *const *values, int count,
                           bool wanted, mastra_error *error);

/* The writes of a unit, in few statements. */
mastra_status pg_plan_writes(struct pg_plan *plan, const struct ms_write *first, mastra_error *error);

/* Ends the transaction that the session may have open. */
mastra_status pg_end_transaction(struct pg_session *session, mastra_error *error);

/* A statement that changes the schema: in the session's transaction, or `apart`, which a narrow flavour always does. */
mastra_status pg_change_schema(struct pg_session *session, struct ms_buf *sql, bool apart,
                               mastra_error *error);

/* Sends it. */
mastra_status pg_plan_run(struct pg_plan *plan, mastra_error *error);

/* value.c: values as they are sent. */
struct pg_value {
    const char *ptr; /* NULL: null */
    int len;
    int format;
};

/* `plain_json`: JSON is for a column of text. */
mastra_status pg_value_of(const struct ms_bind *bind, bool plain_json, struct ms_arena *arena,
                          struct pg_value *ret, mastra_error *error);
/* A column of a batch; column NULL: the sequence numbers. */
mastra_status pg_array_of(const struct ms_sql_batch *batch, const struct ms_column *column, bool plain_json,
                          struct ms_arena *arena, struct pg_value *ret, mastra_error *error);

/* json.c */

/* JSON as a jsonb column takes it: without U+0000 and lone surrogates. False: memory is out. */
bool pg_json_for(const struct ms_column *column, mastra_str text, struct ms_arena *arena, mastra_str *ret);
/* A copy of what jsonb prints, without the blanks that it puts between values. False: memory is out. */
bool pg_json_compact(struct ms_arena *arena, mastra_str text, mastra_str *ret);
/* A string that holds the text of a JSON value, as the peer stores some, becomes that value. */
bool pg_json_once(struct ms_arena *arena, mastra_str *text);

/* row.c: rows as they come. */
bool pg_row_read(const PGresult *result, int row, const struct ms_entity *entity, uint64_t columns,
                 struct ms_arena *arena, void **ret); /* false: memory is out */
int64_t pg_int_at(const PGresult *result, int row, int column);
mastra_time pg_time_at(const PGresult *result, int row, int column);
mastra_str pg_str_at(const PGresult *result, int row, int column); /* borrowed; absent when null */

/* Whether the server cannot tell by itself which rows a query means; `columns` are what is needed to tell. */
bool pg_query_is_loose(const struct postgres *backend, const struct ms_query *query, uint64_t *ret_columns);
bool pg_row_matches(const struct ms_query *query, const void *record);

/* outcome.c: what became of a commit that was not answered, for sessions with `once`. */

/* Whether the transaction of the session, which has a connection, is to be known. */
bool pg_has_fate(const struct pg_session *session);
void pg_note_fate(struct pg_session *session, const PGresult *result);
/* OK: it was committed; UNAVAILABLE, retriable, or TIMEOUT if it was cancelled for being `late`: it was not; UNKNOWN_OUTCOME,
 * the error left alone: it cannot be told. */
mastra_status pg_look_up(struct postgres *backend, const struct pg_fate *fate, bool late,
                         mastra_error *error);

/* session.c */
mastra_status pg_begin(struct ms_backend *base, enum ms_session_mode mode, struct ms_session **ret,
                       mastra_error *error);
mastra_status pg_get(struct ms_session *session, const struct ms_entity *entity, const mastra_str *key,
                     bool lock, struct ms_arena *arena, void **ret, mastra_error *error);
mastra_status pg_erase_repeats(struct ms_session *session, const struct ms_repeats *repeats,
                               struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);
mastra_status pg_list(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                      struct ms_rows *ret, mastra_error *error);
mastra_status pg_count(struct ms_session *session, const struct ms_query *query, int64_t *ret,
                       mastra_error *error);
mastra_status pg_page(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                      struct ms_rows *ret, int64_t *ret_total, mastra_error *error);
mastra_status pg_clock(struct ms_session *session, mastra_time *ret, mastra_error *error);
mastra_status pg_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                       mastra_error *error);
mastra_status pg_commit(struct ms_session *session, mastra_error *error);
void pg_rollback(struct ms_session *session);

/*
 * totals.c: how many messages a long list had, in one session of the server, with the snapshot that was counted in. As long as the
 * server's snapshot is the same, nothing has been committed since, by nobody.
 */
#define PG_LONG_LIST 1000 /* counting fewer rows is no matter */

struct pg_total {
    int64_t total;
    const char *snapshot; /* the empty text: not known */
};

/* What the session's connection, which it has, remembers of the query; false: nothing, or such a query is not remembered. */
bool pg_total_find(const struct pg_session *session, const struct ms_query *query, struct pg_total *ret);
/* Whether it may be remembered. */
bool pg_total_fits(const struct pg_session *session, const struct ms_query *query);
void pg_total_note(struct pg_session *session, const struct ms_query *query, int64_t total,
                   mastra_str snapshot);

/* schema.c */
mastra_status pg_ensure_schema(struct ms_backend *backend, mastra_error *error);
/* Finds out which JSON columns are of text, once. */
mastra_status pg_look_once(struct postgres *backend, mastra_error *error);
/* Tells of what the schema lacks of the catalogue. */
mastra_status pg_tell_missing(struct pg_session *session, ms_fault_fn tell, void *arg, mastra_error *error);

/* inspect.c */
bool pg_own_column(const struct ms_entity *entity, const char *name);
uint64_t pg_stamped(const struct ms_entity *entity);
mastra_status pg_inspect(struct ms_session *session, ms_fault_fn tell, void *arg, mastra_error *error);
mastra_status pg_size(struct ms_session *session, int64_t *ret, mastra_error *error);

/* tables.c */
mastra_status pg_describe_table(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                const struct ms_entity **ret, mastra_error *error);
mastra_status pg_ensure_table(struct ms_session *session, const struct ms_entity *entity, uint64_t columns,
                              mastra_error *error);
mastra_status pg_drop_table(struct ms_session *session, mastra_str table, mastra_error *error);

/* indexes.c */
mastra_status pg_create_index(struct ms_session *session, const struct ms_index_wish *wish,
                              mastra_error *error);
mastra_status pg_drop_index(struct ms_session *session, mastra_str name, mastra_error *error);
mastra_status pg_list_indexes(struct ms_session *session, mastra_str table, mastra_str name,
                              struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);

static inline struct pg_session *pg_session_of(struct ms_session *session)
{
    return (struct pg_session *)session;
}

static inline struct postgres *postgres_of(const struct ms_backend *backend)
{
    return (struct postgres *)(uintptr_t)backend;
}

#endif
