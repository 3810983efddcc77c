/*
 * Types that every part of the mastra-store interface shares: strings, times, status codes, the error record,
 * the allocator and the log callback.
 */
#ifndef MASTRA_TYPES_H
#define MASTRA_TYPES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define MASTRA_API __attribute__((visibility("default")))
#else
#define MASTRA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A view of UTF-8 text. `ptr` NULL means absent, which is not the same as the empty string. Inputs are borrowed
 * for the duration of the call and need no terminator; the strings in results are also NUL-terminated and live as
 * long as the result that holds them.
 */
typedef struct mastra_str {
    const char *ptr;
    size_t len;
} mastra_str;

/* A view of a NUL-terminated string; NULL gives an absent string. */
static inline mastra_str mastra_str_of(const char *text)
{
    mastra_str str = {text, text ? strlen(text) : 0};
    return str;
}

/* A view of a string literal, usable as an initialiser. */
#define MASTRA_STR(literal)                                                                                  \
    {                                                                                                        \
        ("" literal), sizeof(literal) - 1                                                                    \
    }

/* Milliseconds since the Unix epoch, UTC. */
typedef int64_t mastra_time;

/* The absent time: in inputs "not given", in results SQL NULL. */
#define MASTRA_TIME_NONE    INT64_MIN

/* The absent number: in inputs "not given", in results SQL NULL. A double is absent when it is NaN. */
#define MASTRA_INTEGER_NONE INT64_MIN
#define MASTRA_REAL_NONE    ((double)NAN)

/*
 * Every status, once: X(enumerator, value, lower-case name, text, exit code of the command, HTTP status).
 * Values are stable; new ones are appended.
 */
#define MASTRA_STATUS_MAP(X)                                                                                 \
    X(OK, 0, "ok", "success", 0, 200)                                                                        \
    X(INTERNAL, -1, "internal", "internal error", 1, 500)                                                    \
    X(USAGE, -2, "usage", "wrong use of the interface", 2, 400)                                              \
    X(INVALID_ARGUMENT, -3, "invalid_argument", "invalid argument", 3, 400)                                  \
    X(NOT_FOUND, -4, "not_found", "not found", 4, 404)                                                       \
    X(CONFLICT, -5, "conflict", "conflict with a concurrent or earlier write", 5, 409)                       \
    X(BUSY, -6, "busy", "the database is busy", 5, 503)                                                      \
    X(CANNOT_OPEN, -7, "cannot_open", "the database cannot be opened", 6, 503)                               \
    X(CORRUPT, -8, "corrupt", "the database is damaged or is not a database", 7, 500)                        \
    X(READ_ONLY, -9, "read_only", "the database is read-only", 8, 403)                                       \
    X(DENIED, -10, "denied", "permission denied", 8, 403)                                                    \
    X(FULL, -11, "full", "the disk or the database is full", 9, 507)                                         \
    X(LIMIT_EXCEEDED, -12, "limit_exceeded", "a limit was exceeded", 9, 413)                                 \
    X(FENCED, -13, "fenced", "the lock that fences this write was lost", 10, 409)                            \
    X(TIMEOUT, -14, "timeout", "the deadline passed", 5, 504)                                                \
    X(UNAVAILABLE, -15, "unavailable", "the server cannot be reached", 6, 503)                               \
    X(UNKNOWN_OUTCOME, -16, "unknown_outcome", "the outcome of the commit is unknown", 11, 500)              \
    X(NOT_SUPPORTED, -17, "not_supported", "not supported by this backend", 2, 501)                          \
    X(OUT_OF_MEMORY, -18, "out_of_memory", "out of memory", 1, 500)                                          \
    X(CLOSED, -19, "closed", "the store is closed", 2, 503)                                                  \
    X(FORKED, -20, "forked", "the store was inherited through fork", 2, 500)

typedef enum mastra_status {
#define MASTRA_STATUS_ENUM(name, value, lower, text, exit_code, http) MASTRA_##name = (value),
    MASTRA_STATUS_MAP(MASTRA_STATUS_ENUM)
#undef MASTRA_STATUS_ENUM
} mastra_status;

/* The lower-case name of a status ("invalid_argument"); "unknown" for a value outside the list. Never NULL. */
MASTRA_API const char *mastra_status_name(mastra_status status);

/* One line of English for a status. Never NULL. */
MASTRA_API const char *mastra_status_text(mastra_status status);

/* The exit code that the mastra-store command gives for a status. */
MASTRA_API int mastra_status_exit_code(mastra_status status);

/* The HTTP status that fits a status. */
MASTRA_API int mastra_status_http(mastra_status status);

/*
 * What went wrong, in memory of the caller: it may live on the stack, crosses threads safely and works when memory
 * is exhausted. Every function that takes one accepts NULL. It is written only when the call fails. All texts are
 * NUL-terminated, valid UTF-8 and cut where they would not fit; none ever holds a secret.
 */
typedef struct mastra_error {
    size_t size; /* set by MASTRA_ERROR_INIT */
    mastra_status status;
    int backend_code;   /* extended result code of the database library, 0 when it has none */
    bool retriable;     /* the same call may succeed when it is repeated unchanged */
    char operation[48]; /* Mastra's name of the operation, "saveThread"; empty outside one */
    char category[16];  /* Mastra's error category: USER, THIRD_PARTY or SYSTEM */
    char id[96];        /* Mastra's error id, MASTRA_STORAGE_<STORE>_<OPERATION>_<STATUS> */
    char field[64];     /* the argument at fault, "messages[2].role"; empty when none is */
    char value[64];     /* the beginning of its value */
    char backend[32];   /* the database's own name of the failure, "SQLITE_BUSY" or an SQLSTATE */
    char message[512];
} mastra_error;

#define MASTRA_ERROR_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_error), MASTRA_OK, 0, false, "", "", "", "", "", "", ""                                \
    }

/* Pages. */

#define MASTRA_PER_PAGE_DEFAULT INT64_MIN /* the operation's own */
#define MASTRA_PER_PAGE_ALL     INT64_MAX /* no limit; what Mastra writes as perPage: false */

/* Which page a list is, and what lies beyond it. */
typedef struct mastra_page {
    int64_t total;    /* records that match, on all pages */
    int64_t page;     /* zero-based */
    int64_t per_page; /* MASTRA_PER_PAGE_ALL: no limit */
    bool has_more;
} mastra_page;

typedef enum mastra_direction {
    MASTRA_DIRECTION_DEFAULT = 0, /* the operation's own */
    MASTRA_ASCENDING = 1,
    MASTRA_DESCENDING = 2,
} mastra_direction;

/*
 * The memory functions of one store. All three are called from any thread. `realloc` and `release` get only
 * pointers that came from the same allocator; `realloc` of NULL allocates. Returning NULL means out of memory, which
 * every function of the library reports as MASTRA_OUT_OF_MEMORY. The allocator must live until the last result of
 * its store has been freed.
 */
typedef struct mastra_allocator {
    void *(*alloc)(void *user, size_t size);
    void *(*realloc)(void *user, void *ptr, size_t size);
    void (*release)(void *user, void *ptr);
    void *user;
} mastra_allocator;

typedef enum mastra_log_level {
    MASTRA_LOG_ERROR = 0,
    MASTRA_LOG_WARNING = 1,
    MASTRA_LOG_INFO = 2,
    MASTRA_LOG_DEBUG = 3,
} mastra_log_level;

/*
 * Receives what the library has to say; it says nothing by default. `text` is valid during the call, one line
 * without its end, free of secrets. Called from any thread; it must not call into the store that it belongs to.
 */
typedef void (*mastra_log_fn)(void *user, mastra_log_level level, const char *text);

#ifdef __cplusplus
}
#endif

#endif
