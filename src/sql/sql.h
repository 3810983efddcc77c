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
    MS_BIND_TIME,
    MS_BIND_INTEGER,
    MS_BIND_REAL,
    MS_BIND_BOOLEAN,
    MS_BIND_SET, /* several texts, bound as the dialect's any_of expects them */
};

struct ms_bind {
    enum ms_bind_kind kind;
    mastra_str text;
    int64_t integer; /* also the time and the boolean */
    double real;
    const mastra_str *set;
    size_t set_count;
};

struct ms_sql;

/* What differs between databases. Each function appends text; `n` is the number of a placeholder, from 1. */
struct ms_dialect {
    void (*placeholder)(struct ms_buf *out, size_t n);
    /* The expression that reads a column as text, JSON decoded from whatever binary form. */
    void (*read)(struct ms_buf *out, const struct ms_column *column);
    /* column is one of the set bound at n. */
    void (*any_of)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_HAS: the member bound at n (null: the object itself), the filter bound at n + 1. */
    void (*has)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_CONTAINS: the array bound at n. */
    void (*contains)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_AT: the path bound at n, the text at n + 1. */
    void (*at)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_MEMBER: the name bound at n; false where the column is null. */
    void (*member)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_PREFIX: the text bound at n. */
    void (*prefix)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* MS_ABOVE: the text bound at n. */
    void (*above)(struct ms_buf *out, const struct ms_column *column, size_t n);
    /* The expression that orders equal times of a sequenced entity by insertion. */
    const char *sequence;
};

#define MS_SQL_BINDS 96
#define MS_SQL_SHAPE 192

enum ms_sql_rows {
    MS_ROWS_REVERSED = 1u << 0, /* in the opposite order */
    MS_ROWS_TIED = 1u << 1, /* those of one time in any order: whoever reads them sorts them by their key */
};

struct ms_sql {
    const struct ms_dialect *dialect;
    struct ms_buf *out; /* NULL: no text wanted */
    unsigned char shape[MS_SQL_SHAPE];
    size_t shape_len;
    struct ms_bind binds[MS_SQL_BINDS];
    size_t bind_count;
    unsigned rows; /* MS_ROWS_ bits: how the rows that come differ from the query's order */
    bool uncached; /* the shape does not say all that the text depends on: the statement is for this once */
};

/* Starts a statement; `out` NULL or an empty buffer. */
void ms_sql_begin(struct ms_sql *sql, const struct ms_dialect *dialect, struct ms_buf *out);

/* A row by its key: entity and as many texts as it has key columns. */
struct ms_sql_key {
    const struct ms_entity *entity;
    const mastra_str *key;
};

/* The statements; `what` is a struct ms_sql_key, ms_query or ms_write. All have one type so that a cache can be
 * written once. */
typedef void (*ms_sql_fn)(struct ms_sql *sql, const void *what);

void ms_sql_get(struct ms_sql *sql, const void *key);
void ms_sql_list(struct ms_sql *sql, const void *query);
void ms_sql_count(struct ms_sql *sql, const void *query);
void ms_sql_write(struct ms_sql *sql, const void *write);

/* Appends a quoted identifier. */
void ms_sql_quote(struct ms_buf *out, const char *name);

#endif
