/* Opening and closing a store, calling its operations by name, and the options that all backends share. */
#ifndef MASTRA_STORE_H
#define MASTRA_STORE_H

#include <mastra/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MASTRA_VERSION "0.1.0"

/* An open store. Every function that takes one may be called from any number of threads, except where it says not. */
typedef struct mastra_store mastra_store;

typedef enum mastra_synchronous {
    MASTRA_SYNCHRONOUS_DEFAULT = 0, /* what the URL says, else NORMAL */
    MASTRA_SYNCHRONOUS_NORMAL =
        1, /* an acknowledged write survives the process; a power cut may take the last ones */
    MASTRA_SYNCHRONOUS_FULL = 2, /* an acknowledged write survives a power cut */
} mastra_synchronous;

/*
 * How to open a store. Start from MASTRA_OPTIONS_INIT and set what you need: zero always means the default. The
 * query part of the URL can say the same (`disable_init=1`, `synchronous=full`, `busy_timeout=5000`, `readers=4`,
 * `allow_vulnerable_wal=1`, `queue=1024`, `owner=worker-7`; SQLite also `mode=ro|rw|rwc`); a field that is set wins.
 */
typedef struct mastra_options {
    size_t size;                       /* set by MASTRA_OPTIONS_INIT */
    const mastra_allocator *allocator; /* copied; NULL: malloc */
    mastra_log_fn log;                 /* NULL: silent */
    void *log_user;
    mastra_log_level log_level;     /* the most talkative level wanted */
    bool disable_init;              /* never create or migrate tables except by mastra_init */
    mastra_synchronous synchronous; /* SQLite */
    bool allow_vulnerable_wal;      /* SQLite: use WAL even on a library older than 3.51.3 */
    int64_t busy_timeout_ms;  /* how long to wait for another process's lock; default 5,000, at most a day */
    int64_t close_timeout_ms; /* how long mastra_close lets running calls finish; default 30,000 */
    uint32_t readers;         /* SQLite: most reading connections; default 4 */
    uint32_t queue_limit;     /* most asynchronous calls waiting; default 1,024 */
    const char *lock_owner;   /* who this store is to run locks; copied; default "host:pid:uuid" */
    bool allow_raw_sql; /* calls by name may carry SQL: the argument `where` of createIndex. Not in the URL */
    bool must_exist;    /* do not create the file: CANNOT_OPEN when it is not there. Not in the URL */
    bool
        open_at_once; /* SQLite: where another process holds the file for itself, the first call waits for it instead of
                           mastra_open. Not in the URL */
} mastra_options;

#define MASTRA_OPTIONS_INIT                                                                                  \
    {                                                                                                        \
        sizeof(mastra_options), NULL, NULL, NULL, MASTRA_LOG_ERROR, false, MASTRA_SYNCHRONOUS_DEFAULT,       \
            false, 0, 0, 0, 0, NULL, false, false, false                                                     \
    }

/*
 * Opens the store that `url` names: "file:agent.db", "file:/var/lib/agent.db?synchronous=full", ":memory:" or
 * "file::memory:"; or "postgresql://user@host/database?schema=app", see <mastra/postgres.h>; or
 * "dsql://abc123.dsql.us-east-1.on.aws?schema=app", see <mastra/dsql.h>. A file is created when it does not exist, a
 * server is not connected to yet. Tables are not looked at before the first operation
 * (or mastra_init). `options` may be NULL. On success *ret_store is the caller's, to be closed by mastra_close.
 *
 * Errors: INVALID_ARGUMENT (the URL or an option, named in the message), NOT_SUPPORTED (a scheme without a backend in
 * this build; WAL on a vulnerable SQLite), CANNOT_OPEN, CORRUPT (the file is not a database), DENIED, BUSY,
 * OUT_OF_MEMORY, FORKED (a SQLite file in a child of fork whose parent had one open then: the child has inherited
 * SQLite's idea of the locks, but not the locks; open stores after fork). Thread-safe.
 */
MASTRA_API mastra_status mastra_open(const char *url, const mastra_options *options, mastra_store **ret_store,
                                     mastra_error *error);

/*
 * Creates missing tables, columns and indexes; never drops or renames anything. Operations do this by themselves on
 * first use, once per store, unless `disable_init` is set. Safe when many processes start at once. Mastra: init.
 * Errors: READ_ONLY, BUSY, FULL, CORRUPT, CLOSED, FORKED, OUT_OF_MEMORY. Thread-safe.
 */
MASTRA_API mastra_status mastra_init(mastra_store *store, mastra_error *error);

/*
 * Closes the store: new calls are refused with CLOSED, running and queued ones may finish within `close_timeout_ms`,
 * what is left then is cancelled with CLOSED. Results stay valid. NULL is allowed. After OK the handle is gone; no
 * other thread may start a call with it any more. Errors: USAGE when called inside a callback of the same store (the
 * store stays open); FORKED in a child process (nothing is released or touched).
 */
MASTRA_API mastra_status mastra_close(mastra_store *store, mastra_error *error);

/*
 * Runs one operation by its Mastra name with JSON arguments: mastra_call(store, "saveThread", "{\"thread\":{...}}").
 * `args` may be absent, which means {}. On success *ret_json is the result ("null" when there is none),
 * NUL-terminated, to be released with mastra_json_free; *ret_len, when ret_len is not NULL, its length in bytes.
 * Errors: those of the operation; USAGE for an unknown name; INVALID_ARGUMENT for text that is not valid JSON, not
 * valid UTF-8, or nested deeper than 1,000. Thread-safe.
 */
MASTRA_API mastra_status mastra_call(mastra_store *store, const char *operation, mastra_str args,
                                     char **ret_json, size_t *ret_len, mastra_error *error);

/* Releases a result of mastra_call. NULL is allowed. Thread-safe. */
MASTRA_API void mastra_json_free(char *json);

/*
 * Answers one line of the pipe protocol: {"id":…,"op":"saveThread","args":{…}} gives {"id":…,"ok":true,"result":…} or
 * {"id":…,"ok":false,"error":{…}}, the id being echoed whatever JSON value it is, null when the line cannot be read.
 * The answer holds no line end. What goes wrong is told in the answer: the function itself fails only with
 * OUT_OF_MEMORY, or INVALID_ARGUMENT when a pointer is NULL. To be released with mastra_json_free. Thread-safe.
 */
MASTRA_API mastra_status mastra_call_line(mastra_store *store, mastra_str line, char **ret_json,
                                          size_t *ret_len);

/*
 * Receives the outcome of an asynchronous call: `status` and, on success, the result JSON; otherwise `error`. All
 * pointers are valid during the call only. Runs on a thread of the library, one at a time per store (but see
 * MASTRA_DONE_IS_BRIEF, MASTRA_MAY_RUN_HERE and MASTRA_MAY_WRITE_HERE); it may submit further calls with mastra_call_async, and must not call anything else of the same store.
 */
typedef void (*mastra_done_fn)(void *user, mastra_status status, mastra_str json, const mastra_error *error);

/* Flags of mastra_call_async. */
#define MASTRA_NO_WAIT                                                                                       \
    1u /* answer LIMIT_EXCEEDED at once when the queue is full, instead of waiting for room */
#define MASTRA_DONE_IS_BRIEF                                                                                 \
    2u /* `done` only hands the outcome on: it runs on the thread that did the work, several at a time */
#define MASTRA_MAY_RUN_HERE                                                                                  \
    4u /* a row that is read by its key, when no other call is queued and nobody has to be waited for: the work is done,    \
          and `done` called, on the calling thread before mastra_call_async returns. SQLite files only */
#define MASTRA_COMPACT                                                                                       \
    8u /* getTrace and getTraceLight answer {traceId, columns, times, spans}: a span is an array of the number of a column   \
          and its value in turn, what is null left out; `times` numbers the columns that hold times, which are milliseconds */

#define MASTRA_MAY_WRITE_HERE                                                                                \
    16u /* like MASTRA_MAY_RUN_HERE for an operation that writes: when nobody else writes, no lock has to be waited for, and  \
           the commit does not wait for the disk, but for once when the log begins anew. It takes as long as what is    \
           asked for. SQLite files with synchronous=normal only */

#define MASTRA_NO_RESULT                                                                                     \
    32u /* what a write that succeeds has to tell is not wanted: `json` is null, and nobody writes it */

#define MASTRA_MORE_FOLLOWS                                                                                  \
    64u /* the caller submits more at once, in the end a call without this flag: nobody is woken for this one alone, so that   \
           writes are committed together. When submitting fails, those before are begun at once */

/*
 * Queues one operation and returns. Calls that name the same thread run in the order in which they were queued;
 * calls that name none or several wait for all before them and hold back all after them. Calls made by other
 * functions do not join that order. Writes that wait together are committed together; `done` is called only after the
 * commit, exactly once for every call that was queued. `args` is copied.
 *
 * Errors, in which case `done` is not called: USAGE (unknown operation), INVALID_ARGUMENT (not JSON),
 * LIMIT_EXCEEDED (queue full and MASTRA_NO_WAIT given, or full inside a callback), CLOSED, FORKED, OUT_OF_MEMORY.
 * Thread-safe.
 */
MASTRA_API mastra_status mastra_call_async(mastra_store *store, const char *operation, mastra_str args,
                                           unsigned flags, mastra_done_fn done, void *user,
                                           mastra_error *error);

/*
 * The operations that mastra_call knows, as a JSON array of {name, domain, summary, args, result, writes, repeatable,
 * errors, example}. `args` and `result` are JSON Schemas, `errors` the names of statuses that the operation may end in
 * besides those that any call may, `example` its arguments in an example; the examples succeed one after another on an
 * empty store. To be released with mastra_json_free. Errors: OUT_OF_MEMORY. Thread-safe.
 */
MASTRA_API mastra_status mastra_operations(char **ret_json, size_t *ret_len, mastra_error *error);

/* What is known of an operation besides its schemas. The texts live as long as the program. */
typedef struct mastra_operation {
    size_t size;
    const char *name;    /* "saveThread" */
    const char *domain;  /* "memory" */
    const char *summary; /* one sentence */
    bool writes;
    bool repeatable;     /* running it again after a commit whose outcome is unknown does no harm */
    const char *example; /* arguments, as JSON text */
} mastra_operation;

#define MASTRA_OPERATION_INIT                                                                                \
    {                                                                                                        \
        sizeof(mastra_operation), NULL, NULL, NULL, false, false, NULL                                       \
    }

/* Fills in the operation of that number, from 0; false when there is none. Thread-safe. */
MASTRA_API bool mastra_operation_at(size_t index, mastra_operation *ret_operation);

/*
 * The arguments of an operation for people to read, one to a line; to be released with mastra_json_free. Errors:
 * USAGE (unknown operation), OUT_OF_MEMORY. Thread-safe.
 */
MASTRA_API mastra_status mastra_operation_help(const char *operation, char **ret_text, size_t *ret_len,
                                               mastra_error *error);

/*
 * The error record as the JSON object {code, id, category, message, op, retriable, details}, to be released with
 * mastra_json_free. Errors: OUT_OF_MEMORY. Thread-safe.
 */
MASTRA_API mastra_status mastra_error_json(const mastra_error *error, char **ret_json, size_t *ret_len);

/* The version of the library, "0.1.0", and of the SQLite inside, "3.54.1". Never NULL. Thread-safe. */
MASTRA_API const char *mastra_version(void);
MASTRA_API const char *mastra_sqlite_version(void);

/* The backends of this build by their names, from 0: "sqlite". NULL when there are no more. Thread-safe. */
MASTRA_API const char *mastra_backend_at(size_t index);

#ifdef __cplusplus
}
#endif

#endif
