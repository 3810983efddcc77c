/*
 * What a backend is: the operations table below and nothing else. A backend knows tables, rows and transactions; what
 * a message or a thread is stands in the domains. A new backend can be written from this header alone.
 *
 * Every slot must be filled unless it says that NULL is allowed. `error` is never NULL; a slot that fails fills it and
 * returns its status; `error->retriable` says that running the whole unit again may succeed.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "base/log.h"
#include "store/unit.h"

struct ms_backend_ops;
struct ms_guard;
struct ms_survey;

/* The common part of every backend's and session's own struct, which begin with these. */
struct ms_backend {
    const struct ms_backend_ops *ops;
};

struct ms_session {
    struct ms_backend *backend;
    bool
        once; /* set by who began it: what it writes cannot just be written again, so that it pays to find out what became of
                * a commit without an answer */
};

struct ms_param {
    mastra_str name;
    mastra_str value; /* percent-decoded */
    bool used;        /* set by whoever understood it; what is left over is refused */
};

/* A store's URL, taken apart, with its options. Borrowed during open. */
struct ms_config {
    struct ms_heap *heap; /* outlives the backend */
    const struct ms_log *log;
    mastra_str scheme;   /* "file", "postgresql" */
    mastra_str path;     /* what stands between scheme and parameters, percent-decoded */
    mastra_str raw_path; /* the same as it was written; not NUL-terminated */
    struct ms_param *params;
    size_t param_count;
    const void *special; /* what the backend's own function of opening hands over; NULL: by mastra_open */
    mastra_options
        options; /* with the parameters that all backends share applied; zeros replaced by defaults */
};

/* Takes a URL apart into arena memory. */
mastra_status ms_url_parse(const char *url, struct ms_arena *arena, struct ms_config *config,
                           mastra_error *error);

/* The value of a parameter, marked as used; absent when the URL lacks it. */
mastra_str ms_config_param(struct ms_config *config, const char *name);

/* The same as a whole number in min..max or a flag (0, 1, true, false). *ret is left alone when it is missing. */
mastra_status ms_config_int(struct ms_config *config, const char *name, int64_t min, int64_t max,
                            int64_t *ret, mastra_error *error);
mastra_status ms_config_flag(struct ms_config *config, const char *name, bool *ret, mastra_error *error);

/* Refuses parameters that nobody understood. */
mastra_status ms_config_unused(const struct ms_config *config, mastra_error *error);

enum ms_trait {
    /* Writers exclude each other: units are committed in groups, led by one thread at a time. */
    MS_TRAIT_GROUP_COMMIT = 1u << 0,
    /* There is one connection: readers exclude the writer too. Known only per instance: see `traits` below. */
    MS_TRAIT_ONE_CONNECTION = 1u << 1,
    /* A message for a thread that does not exist is refused. */
    MS_TRAIT_STRICT_PARENTS = 1u << 2,
    /* JSON columns keep the value, not the text: the order of members and the form of numbers may change. */
    MS_TRAIT_JSON_BY_VALUE = 1u << 3,
    /* A row can be read where waiting is not allowed: the backend knows MS_SESSION_GLANCE. */
    MS_TRAIT_GLANCES = 1u << 4,
    /* With GROUP_COMMIT: a commit does not wait for the disk, so that a row can be written where waiting is not allowed:
     * the backend knows MS_SESSION_WRITE_AT_ONCE. */
    MS_TRAIT_QUICK_COMMITS = 1u << 5,
};

enum ms_session_mode {
    MS_SESSION_READ,     /* one statement */
    MS_SESSION_GLANCE,   /* one statement, at once: BUSY when somebody would have to be waited for */
    MS_SESSION_SNAPSHOT, /* reads that agree with each other */
    MS_SESSION_WRITE,
    MS_SESSION_WRITE_AT_ONCE, /* the same; BUSY when somebody would have to be waited for */
};

/* A run of which the lock is, or is to be, held by this owner. */
struct ms_guarded {
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str owner_id;
    int64_t generation; /* 0: any, or not known yet */
};

/*
 * Guards stand beside the lease rows of run locks, to keep out programs that know only them: on PostgreSQL session
 * advisory locks. The lease decides; a guard tells of somebody who has none. Every slot may be called from any thread
 * outside of units of work.
 */
struct ms_guard_ops {
    /* Before a lease is asked for: tries to take the run's guard. *ret_held false: somebody else has it. The guard is
     * to be kept or dropped, whether it is held or not; NULL when the instance has no guards. An error says that nothing
     * can be told. */
    mastra_status (*try_guard)(struct ms_backend *backend, const struct ms_guarded *run,
                               struct ms_guard **ret, bool *ret_held, mastra_error *error);

    /* The lease was not had. NULL is allowed. */
    void (*drop)(struct ms_backend *backend, struct ms_guard *guard);

    /* The lease was had, with this generation and for so long: the guard is let go when it has run out. NULL is
     * allowed. */
    void (*keep)(struct ms_backend *backend, struct ms_guard *guard, int64_t generation, int64_t ttl_ms);

    /* The lease was renewed: the kept guard lasts as long, and is tried for again when it is not held. */
    void (*renew)(struct ms_backend *backend, const struct ms_guarded *run, int64_t ttl_ms);

    /* The lease was given back. */
    void (*release)(struct ms_backend *backend, const struct ms_guarded *run);
};

/*
 * Surveys, where rows cannot be read in the order of their keys, so that a page of them costs as much as all: one look
 * through the whole database notes which rows there are, in little memory; pages are then read by what was noted.
 */
struct ms_survey_ops {
    /* In a reading session: notes the rows of all entities of the catalogue whose bits are set. Those of each come by a
     * time, the column of that number in `times`, rows of equal times in the order of insertion. A row that is there
     * from the beginning on is noted. The survey outlives the session. */
    mastra_status (*take)(struct ms_session *session, uint32_t entities, const uint8_t *times,
                          struct ms_survey **ret, mastra_error *error);

    /* How many rows were noted of an entity, at that time. */
    int64_t (*count)(const struct ms_survey *survey, enum ms_entity_id id);

    /* In a reading session: reads rows that were noted, from number *at on, as they are now: those that are still there and
     * that the query's predicates select, within its limit and most_bytes; query->order is that of the rows of the
     * page. The query's entity is that of `id`, or the same with more columns. *at ends up behind them; there are no rows
     * only at the end. */
    mastra_status (*page)(struct ms_session *session, struct ms_survey *survey, enum ms_entity_id id,
                          const struct ms_query *query, int64_t *at, struct ms_arena *arena,
                          struct ms_rows *ret, mastra_error *error);

    void (*drop)(struct ms_survey *survey);
};

/* What may be wrong with a database as such. */
enum ms_fault {
    MS_FAULT_DAMAGE,  /* it contradicts itself */
    MS_FAULT_VERSION, /* the software in use has a known fault */
    MS_FAULT_TABLE,   /* something of the catalogue is missing that ensure_schema would make */
    MS_FAULT_COLUMN,
    MS_FAULT_INDEX,
};

/* Told how far a backup has come, in bytes. */
typedef void (*ms_backup_fn)(void *arg, int64_t done, int64_t total);

/* Told of a fault: the table concerned or NULL, and its name or description. False: memory is out. */
typedef bool (*ms_fault_fn)(void *arg, enum ms_fault fault, const char *table, mastra_str what);

struct ms_backend_ops {
    const char *name;        /* "sqlite" */
    const char *error_store; /* the store's part of Mastra's error ids: "LIBSQL" */

    /* A whole number that every row of every table has under this name, as if it were a column: no two of a table have the
     * same, a new row's is greater than those of all rows that are there, and rows can be read in its order at no cost.
     * It may change when the whole database is rewritten. NULL: there is none. */
    const char *row_number;

    /* How far the clocks may be apart by which those who share the database judge leases: one that has run out is taken
     * over only so much later. 0: they all go by the database's own clock. */
    int64_t clock_slack_ms;

    /* Opens far enough to say that the database can be used. First it reads its parameters and has ms_config_unused
     * refuse the others: a URL with a slip of the pen must not create anything. */
    mastra_status (*open)(struct ms_config *config, struct ms_backend **ret, mastra_error *error);

    /* Releases everything. No session is open any more. Cannot fail. */
    void (*close)(struct ms_backend *backend);

    /* The traits of this instance. */
    unsigned (*traits)(const struct ms_backend *backend);

    /* How many units can run at the same time. NULL: writers exclude each other, see GROUP_COMMIT. */
    uint32_t (*parallel)(const struct ms_backend *backend);

    /* Creates what is missing, changes nothing else. Called once at a time per store; other processes may do the same
     * at the same moment. */
    mastra_status (*ensure_schema)(struct ms_backend *backend, mastra_error *error);

    /* The store is closing and its time is up: what runs or waits fails soon, and what is begun from now on fails at
     * once, with CLOSED. Any thread, any time between open and close. NULL: not possible. */
    void (*interrupt)(struct ms_backend *backend);

    /* Begins a session; blocks while all connections are taken. A WRITE session under GROUP_COMMIT is asked for by the
     * executor's leader only. BUSY when another process does not let go in time. */
    mastra_status (*begin)(struct ms_backend *backend, enum ms_session_mode mode, struct ms_session **ret,
                           mastra_error *error);

    /* Reads one row by its key, all columns, into the arena; *ret NULL when there is none. */
    mastra_status (*get)(struct ms_session *session, const struct ms_entity *entity, const mastra_str *key,
                         bool lock, struct ms_arena *arena, void **ret, mastra_error *error);

    /* Reads the rows of a query. */
    mastra_status (*list)(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                          struct ms_rows *ret, mastra_error *error);

    /* Counts what the predicates select (order, side, offset and limit are ignored). */
    mastra_status (*count)(struct ms_session *session, const struct ms_query *query, int64_t *ret,
                           mastra_error *error);

    /*
     * Reads a page, that is the rows of a query, and how many the predicates select, as of one moment, in a session of
     * any mode. query->known_total is -1. NULL: a list and a count in a SNAPSHOT will do.
     */
    mastra_status (*page)(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                          struct ms_rows *ret, int64_t *ret_total, mastra_error *error);

    /* The time by the clock that all users of the database share; see ms_unit_clock. */
    mastra_status (*clock)(struct ms_session *session, mastra_time *ret, mastra_error *error);

    /* Executes, or queues for commit, a list of writes in their order; it and what it points at stay until the session
     * ends. A write that fails has no effect; *ret_begun tells whether one before it had: then the session must be rolled
     * back by its caller. */
    mastra_status (*apply)(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                           mastra_error *error);

    /* What the database says of a table, as an entity in the arena (see schema/foreign.h), whichever table it is; *ret
     * NULL when there is none of that name. entity->table is the name as the database spells it. A column that must
     * be given on insert is MS_NOT_NULL, one that takes a default MS_OPTIONAL as well; a key that the database draws
     * by itself is MS_OPTIONAL. */
    mastra_status (*describe_table)(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                    const struct ms_entity **ret, mastra_error *error);

    /* Whether a column that an entity of the catalogue does not have is one that the backend adds to every table of that
     * entity for itself. NULL: there are none. */
    bool (*own_column)(const struct ms_entity *entity, const char *name);

    /* The columns of an entity that the database itself sets whenever a row is written, whatever the row says. NULL: there
     * are none. */
    uint64_t (*stamped)(const struct ms_entity *entity);

    /* In a WRITE session: creates the entity's table, without indexes, when there is none of that name; adds to one that
     * is there those of `columns` that it lacks. */
    mastra_status (*ensure_table)(struct ms_session *session, const struct ms_entity *entity,
                                  uint64_t columns, mastra_error *error);

    /* In a WRITE session: drops a table with its indexes, when there is one. */
    mastra_status (*drop_table)(struct ms_session *session, mastra_str table, mastra_error *error);

    /* In a WRITE session: creates an index on columns that are there. Does nothing when an index of that name is there
     * already; CONFLICT when the name is taken by something else, or when rows are not unique. `where` comes as the
     * user wrote it: INVALID_ARGUMENT unless it is a single expression. What the database has no use for (opclass,
     * storage, tablespace) is ignored. */
    mastra_status (*create_index)(struct ms_session *session, const struct ms_index_wish *wish,
                                  mastra_error *error);

    /* In a WRITE session: drops an index, when there is one. */
    mastra_status (*drop_index)(struct ms_session *session, mastra_str name, mastra_error *error);

    /* What the place is called in which its tables stand, for messages: schema "public". */
    void (*place)(const struct ms_backend *backend, char *out, size_t size);

    /* The indexes of a table, or all; or the one of that name: mastra_index records in the arena, by table and name. Those
     * that the database has made by itself for a constraint do not count. What it does not measure is absent. */
    mastra_status (*list_indexes)(struct ms_session *session, mastra_str table, mastra_str name,
                                  struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);

    /* In a reading session: tells of every fault. May read the whole database. NULL: none is looked for. */
    mastra_status (*inspect)(struct ms_session *session, ms_fault_fn tell, void *arg, mastra_error *error);

    /* In a WRITE session: of the rows that share a key, in a table that lacks the index to keep them from it, erases all
     * but the best; *ret are records in the arena with the keys of those erased, one for each. NULL: not possible. */
    mastra_status (*erase_repeats)(struct ms_session *session, const struct ms_repeats *repeats,
                                   struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);

    /* In a SNAPSHOT session: writes the whole database, as the session sees it, into a new file of that name, which is
     * only for the eyes of its owner; others can go on writing meanwhile. `tell` may be NULL. NULL: not possible. */
    mastra_status (*backup)(struct ms_session *session, const char *path, ms_backup_fn tell, void *arg,
                            mastra_error *error);

    /* In a reading session: how many bytes the database takes. NULL: it is not known. */
    mastra_status (*size)(struct ms_session *session, int64_t *ret, mastra_error *error);

    /* Whether the database has dropped the session's whole transaction by itself. NULL without GROUP_COMMIT. */
    bool (*broken)(const struct ms_session *session);

    /* Commits and ends the session, whatever it returns. UNKNOWN_OUTCOME when it cannot be told whether it happened. */
    mastra_status (*commit)(struct ms_session *session, mastra_error *error);

    /* Undoes and ends the session. Cannot fail. Ends a reading session too. */
    void (*rollback)(struct ms_session *session);

    /* NULL: run locks are leases and nothing else. */
    const struct ms_guard_ops *guards;

    /* NULL: rows can be read in the order of their keys, page by page. */
    const struct ms_survey_ops *surveys;
};

/* The backend of a scheme; NULL when this build has none. */
const struct ms_backend_ops *ms_backend_find(mastra_str scheme);

#endif
