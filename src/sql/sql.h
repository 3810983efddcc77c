/*
 * Queries and writes to SQL. One walk yields the shape (what the text depends on), the values to bind and, when it is
 * asked for, the text: a statement cache is looked up by shape, and text is only built for a statement that is not
 * prepared yet. Identifiers come from the descriptors, values are always bound.
 */
#ifndef SQL_SQL_H
#define SQL_SQL_H

#include "base/buf.h"
#include "store/unit.h"

enum ms_bind_kind {
    MS_BIND_NULL,
    MS_BIND_TEXT,
    MS_BIND_JSON, /* text that is JSON */
    MS_BIND_TIME,
    MS_BIND_INTEGER,
    MS_BIND_REAL,
    MS_BIND_BOOLEAN,
    MS_BIND_SET,    /* several texts, bound as the dialect's any_of expects them */
    MS_BIND_COLUMN, /* one column of all records of a batch, bound as the dialect's array expects it */
};

struct ms_bind {
    enum ms_bind_kind kind;
    const struct ms_column
        *column; /* that it is stored in, also when it is null, or compared with; else NULL */
    mastra_str text;
    int64_t integer; /* also the time and the boolean */
    double real;
    const mastra_str *set;
    size_t set_count;
};

/*
 * What differs between databases. Each function appends text; `n` is the number of a placeholder, from 1. Conditions on
 * JSON may be less strict than what they stand for (see store/query.h) where the backend looks at the rows again.
 */
struct ms_dialect {
    void (*placeholder)(struct ms_buf *out, size_t n);
    /* The expression that reads a column as text, JSON decoded from whatever binary form. */
    void (*read)(struct ms_buf *out, const struct ms_column *column);
    /* What a time compares and sorts by. NULL: its column. */
    void (*time)(struct ms_buf *out, const struct ms_column *column);
    /* column is one of the set bound at n. */
    void (*any_of)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_HAS: the member bound at n (null: the object itself), the filter bound at n + 1. Where `inline_names` is set,
     * the member is a constant of the text instead, and the filter bound at n. */
    void (*has)(struct ms_buf *out, const struct ms_column *column, const char *member, size_t n);
    /* MS_CONTAINS: the array bound at n. */
    void (*contains)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_AT: the path bound at n, the text at n + 1. Where `inline_names` is set, only the text, at n. */
    void (*at)(struct ms_buf *out, const struct ms_column *column, const char *path, size_t n);
    /* MS_MEMBER: the name bound at n; false where the column is null. */
    void (*member)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_PREFIX: the text bound at n. */
    void (*prefix)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_ABOVE: the text bound at n, compared as a list in the order of this column is sorted. */
    void (*above)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* The array of a batch's column that is bound at n, with its type; column NULL: of sequence numbers. NULL: records are
     * not written in batches. */
    void (*array)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* The expression that orders equal times of a sequenced entity by insertion. NULL: its column does. */
    const char *sequence;
    /* Tells apart rows that are equal, or share a key. NULL: nothing does. */
    const char *row_id;
    /* The same in all of a table, however many physical ones it is stored in: a list of columns. NULL: nothing does. */
    const char *row_place;
    /* Behind a text that breaks ties: has it compared byte by byte. */
    const char *bytewise;
    /* Behind a query for one row by its key that will be written, or that what is written depends on. */
    const char *lock;
    /* A text that is the same as long as no transaction that wrote has ended anywhere. NULL: there is none. */
    const char *snapshot;
    /* Behind a query for several rows that will be written. */
    const char *lock_list;
    bool inline_names; /* members and paths, which are constants of the program, are part of the text */
    bool twins; /* times are kept twice: in a column without and, named with a Z behind, one with a zone */
    bool fine_times;  /* stored times may be finer than milliseconds; what is within one counts as it */
    bool leaves_ties; /* whoever reads rows of one time may be asked to sort them */
    bool raises;      /* EXPECT fails by itself: with a division by zero */
    bool
        locks_primary; /* a row can be locked by its table's primary key only; what is written needs no lock */
    bool returning; /* queries may take their rows from what a statement writes, and lock them further in */
};

#define MS_SQL_BINDS 128
#define MS_SQL_SHAPE 240

enum ms_sql_rows {
    MS_ROWS_REVERSED = 1u << 0, /* in the opposite order */
    MS_ROWS_TIED = 1u << 1, /* those of one time in any order: whoever reads them sorts them by their key */
};

struct ms_sql {
    const struct ms_dialect *dialect;
    const char *schema; /* that all tables are in; NULL: where the connection looks by itself */
    struct ms_buf *out; /* NULL: no text wanted */
    unsigned char shape[MS_SQL_SHAPE];
    size_t shape_len;
    struct ms_bind binds[MS_SQL_BINDS];
    size_t bind_count;
    unsigned rows; /* MS_ROWS_ bits: how the rows that come differ from the query's order */
    bool uncached; /* the shape does not say all that the text depends on: the statement is for this once */
};

/* Starts a statement; `schema` and `out` NULL, or `out` an empty buffer. */
void ms_sql_begin(struct ms_sql *sql, const struct ms_dialect *dialect, const char *schema,
                  struct ms_buf *out);

/* A row by its key: entity and as many texts as it has key columns. */
struct ms_sql_key {
    const struct ms_entity *entity;
    const mastra_str *key;
    bool lock;
};

/* So many writes in a row that put or insert records of one entity of the catalogue, no two with one key. */
struct ms_sql_batch {
    const struct ms_write *first;
    size_t count;
    bool
        unless_there; /* rows whose key is there already are left alone; for a table whose key no index keeps */
};

/* A query whose rows were counted before, in this snapshot; the empty text: they were not. */
struct ms_sql_since {
    const struct ms_query *query;
    mastra_str snapshot;
    int64_t total;
};

/* The statements; `what` is a struct ms_sql_key, ms_query or ms_write. All have one type so that a cache can be
 * written once. */
typedef void (*ms_sql_fn)(struct ms_sql *sql, const void *what);

void ms_sql_get(struct ms_sql *sql, const void *key);
void ms_sql_list(struct ms_sql *sql, const void *query);
/* The same with how many rows the predicates select, in every row behind the columns. */
void ms_sql_page(struct ms_sql *sql, const void *query);
void ms_sql_count(struct ms_sql *sql, const void *query);
/* The same of a struct ms_sql_since, -1 when nothing has changed; then the dialect's snapshot, which it must have. */
void ms_sql_count_since(struct ms_sql *sql, const void *since);
/* A page of a struct ms_sql_since, from the end that was nearer then, by a count that is made when anything has changed: in
 * every row behind the columns the total, then the snapshot. */
void ms_sql_page_since(struct ms_sql *sql, const void *since);
void ms_sql_write(struct ms_sql *sql, const void *write);
void ms_sql_batch(struct ms_sql *sql, const void *batch);
/* A TOUCH of a row that must be there: it raises, see struct ms_dialect. */
void ms_sql_touch_expected(struct ms_sql *sql, const void *write);

/* Erases, of the rows that share a key, all but the best, and yields the keys of those erased; `what` is a struct
 * ms_repeats. The dialect has a row_id and a row_place. */
void ms_sql_erase_repeats(struct ms_sql *sql, const void *repeats);

/* Appends a quoted identifier, or that of a time's second column. */
void ms_sql_quote(struct ms_buf *out, const char *name);
void ms_sql_quote_twin(struct ms_buf *out, const char *name);

#endif
