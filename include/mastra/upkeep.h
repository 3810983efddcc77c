/*
 * Looking after a store: checking it, backing it up, and what fills it.
 *
 * All functions here are thread-safe, read in memory that does not grow with the number of rows (but where it says so),
 * and may be used while others read and write. `error` may be NULL. Besides the errors that a function lists, each may
 * return INVALID_ARGUMENT, BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED and OUT_OF_MEMORY.
 */
#ifndef MASTRA_UPKEEP_H
#define MASTRA_UPKEEP_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Checking. */

typedef enum mastra_problem_kind {
    MASTRA_PROBLEM_DAMAGE = 1,    /* the database contradicts itself */
    MASTRA_PROBLEM_VERSION = 2,   /* the database software in use has a known fault */
    MASTRA_PROBLEM_TABLE = 3,     /* a table is missing, */
    MASTRA_PROBLEM_COLUMN = 4,    /* a column, */
    MASTRA_PROBLEM_INDEX = 5,     /* an index; these three can be repaired */
    MASTRA_PROBLEM_DUPLICATE = 6, /* a row has the key of another one; of spans this can be repaired */
    MASTRA_PROBLEM_ORPHAN = 7,    /* a message whose thread does not exist */
    MASTRA_PROBLEM_NO_ROOT =
        8, /* a span whose trace has no root; that of a trace under way may come at its end */
    MASTRA_PROBLEM_JSON = 9, /* a column of JSON holds something else */
    MASTRA_PROBLEM_TIME = 10 /* a time that must be there is none */
} mastra_problem_kind;

typedef struct mastra_problem {
    size_t size;
    mastra_problem_kind kind;
    const char *table; /* NULL: of the whole database */
    mastra_str key;    /* of the row; absent: of the whole table */
    mastra_str what;   /* the column, the index, the thread, the trace, or what the database says */
    bool repaired;
} mastra_problem;

/* Called on the thread of the call; texts are valid during it, and it must not use the store. */
typedef void (*mastra_problem_fn)(void *user, const mastra_problem *problem);

typedef struct mastra_check_args {
    size_t size;
    bool
        repair; /* make missing tables, columns and indexes; of spans that share a key delete all but the best */
    bool delete_orphans; /* delete messages whose thread does not exist */
    mastra_problem_fn tell;
    void *user;
} mastra_check_args;

#define MASTRA_CHECK_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_check_args), false, false, NULL, NULL                                                  \
    }

typedef struct mastra_check_report {
    size_t size;
    int64_t rows; /* looked at */
    int64_t problems;
    int64_t repaired; /* of them */
} mastra_check_report;

#define MASTRA_CHECK_REPORT_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_check_report), 0, 0, 0                                                                 \
    }

/*
 * Looks for what is wrong with a store: with the database as such, and with each row of its tables. A store that is to
 * be told what is missing from its tables must have been opened with `disable_init`: others make it by themselves.
 * Nothing is changed unless `args` says so. *ret_report, which begins with its size, is the caller's. Where the constraint
 * of a key is missing, memory grows with the rows of that table.
 */
MASTRA_API mastra_status mastra_check(mastra_store *store, const mastra_check_args *args,
                                      mastra_check_report *ret_report, mastra_error *error);

/* Backing up. */

/* Told how many bytes of how many are done. */
typedef void (*mastra_backup_fn)(void *user, int64_t done, int64_t total);

/*
 * Writes the store's whole database, as it is when the call begins, into a new file, while others read and write it. The
 * file appears under its name when it is complete, and only its owner may read it. `tell` may be NULL. Errors:
 * CONFLICT (there is a file of that name), CANNOT_OPEN (it cannot be made), NOT_SUPPORTED (the database is no file:
 * its own means, or mastra_export and mastra_copy, back it up).
 */
MASTRA_API mastra_status mastra_backup(mastra_store *store, const char *path, mastra_backup_fn tell,
                                       void *user, mastra_error *error);

/* What fills a store. */

typedef enum mastra_stat_kind {
    MASTRA_STAT_TABLE = 1, /* of a table */
    MASTRA_STAT_DAY =
        2, /* of the rows of a table that were created on one day, UTC; days without rows are left out */
    MASTRA_STAT_LARGEST =
        3 /* one of the threads with the most messages, or of the largest workflow snapshots */
} mastra_stat_kind;

typedef struct mastra_stat {
    size_t size;
    mastra_stat_kind kind;
    const char *table;
    int64_t rows;       /* of a thread: its messages */
    int64_t bytes;      /* of their texts, and eight for each other value */
    mastra_time oldest; /* TABLE: by creation; MASTRA_TIME_NONE: there is none */
    mastra_time newest;
    mastra_time day; /* DAY: its beginning */
    mastra_str key;  /* LARGEST */
} mastra_stat;

/* Called on the thread of the call; it must not use the store. */
typedef void (*mastra_stat_fn)(void *user, const mastra_stat *stat);

typedef struct mastra_stats_args {
    size_t size;
    int64_t days;    /* so many, up to today, 0 to 366 */
    int64_t largest; /* so many, 0 to 100 */
    mastra_stat_fn tell;
    void *user;
} mastra_stats_args;

#define MASTRA_STATS_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_stats_args), 30, 10, NULL, NULL                                                        \
    }

typedef struct mastra_stats_report {
    size_t size;
    int64_t rows;
    int64_t bytes;
    int64_t database_bytes; /* that the database takes; MASTRA_INTEGER_NONE: it does not tell */
} mastra_stats_report;

#define MASTRA_STATS_REPORT_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_stats_report), 0, 0, MASTRA_INTEGER_NONE                                               \
    }

/* Reads all rows of a store, and tells what it is filled with: of each table, its days, and what is largest in it. */
MASTRA_API mastra_status mastra_stats(mastra_store *store, const mastra_stats_args *args,
                                      mastra_stats_report *ret_report, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
