/*
 * Copying a store into another and comparing two of them, whatever their backends.
 *
 * Both functions read page by page, in memory that does not grow with the number of rows, and may be used while others
 * read and write both stores. Rows are copied as they are stored: times, nulls and all, without what saving a record
 * through its own operation would do besides.
 *
 * Both are thread-safe. `error` may be NULL. Besides the errors that a function lists, each may return INVALID_ARGUMENT
 * (named in the error), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED and OUT_OF_MEMORY.
 */
#ifndef MASTRA_COPY_H
#define MASTRA_COPY_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mastra_copy_news {
    MASTRA_COPY_PLANNED = 1, /* before all else, of each table: how many rows there are to read */
    MASTRA_COPY_COLUMN =
        2, /* a column that is left out: only one of the stores has it, or it differs in type */
    MASTRA_COPY_PROGRESS = 3, /* rows of the table were dealt with */
    MASTRA_COPY_FINISHED = 4, /* all of them */
    MASTRA_COPY_REFUSED = 5,  /* a row that the target did not take, and that was left out */
    MASTRA_COPY_MISSING = 6,  /* comparing: a row that only `from` has */
    MASTRA_COPY_EXTRA = 7,    /* comparing: a row that only `to` has */
    MASTRA_COPY_DIFFERENT = 8 /* comparing: a row that differs */
} mastra_copy_news;

/* What is told on the way. Texts are valid during the call. */
typedef struct mastra_copy_event {
    size_t size;
    mastra_copy_news news;
    const char *table;
    int64_t from_rows; /* rows of the table when it all began */
    int64_t to_rows;   /* comparing: the same of the other store */
    int64_t total;     /* how many there are to read */
    int64_t read;      /* rows of the table dealt with so far, and what became of them: */
    int64_t added;     /*   copying: not there before */
    int64_t changed;   /*   copying: there, but not the same */
    int64_t refused;   /*   copying: left out */
    int64_t different; /*   comparing: missing, extra or different */
    mastra_str key;    /* of the row; a key of several parts has blanks in between. Absent: no row is meant */
    mastra_str columns; /* those concerned, with commas in between; absent: none */
    bool in_from;       /* COLUMN: who has it */
    bool in_to;
    mastra_str reason; /* REFUSED: why */
    int64_t kept;      /* copying, rows dealt with so far: there, not the same, and left alone as newer */
} mastra_copy_event;

/* Called on the thread of the call; it must not use either of the stores. */
typedef void (*mastra_copy_fn)(void *user, const mastra_copy_event *event);

typedef struct mastra_copy_args {
    size_t size;
    const mastra_str *tables; /* "mastra_threads" or "threads"; none: all tables of a store */
    size_t table_count;
    mastra_time since;  /* only rows with a time (created, updated, started...) not before this one */
    int64_t batch_size; /* copying: most rows of a transaction, 1 to 1,000; 0: 1,000 */
    bool dry_run;       /* copying: count what would be written, and write nothing */
    bool skip_refused;  /* copying: go on when the target does not take a row; otherwise that ends the call */
    mastra_copy_fn tell; /* NULL: nobody is told */
    void *user;
    bool keep_newer; /* copying: leave a row alone whose updatedAt is later in the target */
} mastra_copy_args;

#define MASTRA_COPY_INIT                                                                                     \
    {                                                                                                        \
        sizeof(mastra_copy_args), NULL, 0, MASTRA_TIME_NONE, 0, false, false, NULL, NULL, false              \
    }

/* What it came to, of all tables together. */
typedef struct mastra_copy_report {
    size_t size;
    int64_t read;
    int64_t added;
    int64_t changed;
    int64_t refused;
    int64_t different;
    int64_t columns; /* columns left out */
    int64_t kept;
} mastra_copy_report;

#define MASTRA_COPY_REPORT_INIT                                                                              \
    {                                                                                                        \
        sizeof(mastra_copy_report), 0, 0, 0, 0, 0, 0, 0                                                      \
    }

/*
 * Makes every row of `from` stand in `to` as it does there. Rows that only `to` has stay; a row that both have takes the
 * values of `from`, unless `keep_newer` is set, the table has a column updatedAt, and that of `to` is later. Rows are written in batches, each all or nothing, in an order that keeps the order among equal
 * times. What is there already is read and left alone: a copy that was broken off anywhere is taken up by calling
 * again, a second copy writes nothing but what has changed, and neither needs a note of where the first one stood.
 * Rows of a table without a key (evals) are told apart by their content, and are there as often as in `from`.
 *
 * `from` is not written to; when it was opened with `disable_init` it may lack tables and columns. In a dry run `to` may
 * be NULL, which means an empty store. *ret_report, which begins with its size, is the caller's; on failure the batches
 * before it stay. Errors: CONFLICT and whatever `to` may say to a row, whose table and key the message names.
 */
MASTRA_API mastra_status mastra_copy(mastra_store *from, mastra_store *to, const mastra_copy_args *args,
                                     mastra_copy_report *ret_report, mastra_error *error);

/*
 * Compares all rows of two stores, and tells of each that is not in both, or not the same. JSON is compared by value
 * where one of the stores does not keep its text. ret_report->different is 0, and ->columns too, when they are equal.
 * What is written meanwhile may be told of or not.
 */
MASTRA_API mastra_status mastra_diff(mastra_store *from, mastra_store *to, const mastra_copy_args *args,
                                     mastra_copy_report *ret_report, mastra_error *error);

/* Takes a line of an export, without its end; false stops the export, which then fails with INTERNAL. */
typedef bool (*mastra_write_fn)(void *user, mastra_str line);

/*
 * Writes all rows of a store as JSON, one to a line: {"table":"mastra_threads","record":{...}}, with the columns' names,
 * texts as strings, JSON as the value that it is (a text in such a column that is none under "<column>:text"), times in
 * ISO 8601 in UTC, nulls as null. Of `args` (which may be NULL) `tables`, `since` and `tell` count. Columns that are none
 * of the store's own are left out and told of. Errors: INTERNAL (`write` returned false).
 */
MASTRA_API mastra_status mastra_export(mastra_store *store, const mastra_copy_args *args,
                                       mastra_write_fn write, void *write_user,
                                       mastra_copy_report *ret_report, mastra_error *error);

/* Gives the next line, to be valid until the next call: 1; 0 at the end, -1 when it cannot be read. */
typedef int (*mastra_read_fn)(void *user, mastra_str *ret_line);

/*
 * Makes rows as mastra_export writes them, in batches of up to `batch_size` consecutive lines of one table, each all or
 * nothing. What is there already and the same is left alone; columns that a record does not have stay as they are, or
 * are null in a new row. Empty lines are passed over. Of `args` (which may be NULL) `batch_size`, `dry_run`, `keep_newer`
 * (of records that say when they were updated) and `tell` count. Errors: INVALID_ARGUMENT (a line that is no such record, named by its number from 1; nothing of its batch is
 * written), CONFLICT (a row that the table refuses), INTERNAL (`read` returned -1).
 */
MASTRA_API mastra_status mastra_import(mastra_store *store, const mastra_copy_args *args, mastra_read_fn read,
                                       void *read_user, mastra_copy_report *ret_report, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
