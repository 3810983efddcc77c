/* The parts that dialects of PostgreSQL are put together from; what each appends is told in sql/sql.h. */
#ifndef BACKENDS_POSTGRES_DIALECT_H
#define BACKENDS_POSTGRES_DIALECT_H

#include "backends/postgres/postgres.h"

void pg_sql_placeholder(struct ms_buf *out, size_t n);
void pg_sql_read(struct ms_buf *out, const struct ms_column *column);
void pg_sql_time(struct ms_buf *out, const struct ms_column *column);
void pg_sql_any_of(struct ms_buf *out, const struct ms_column *column, size_t n);
void pg_sql_member(struct ms_buf *out, const struct ms_column *column, size_t n);
void pg_sql_prefix(struct ms_buf *out, const struct ms_column *column, size_t n);
void pg_sql_above(struct ms_buf *out, const struct ms_column *column, size_t n);
void pg_sql_array(struct ms_buf *out, const struct ms_column *column, size_t n);

/* Conditions on JSON that stands in columns of text: the rows are looked at again. */
void pg_sql_has_text(struct ms_buf *out, const struct ms_column *column, const char *member, size_t n);
void pg_sql_contains_text(struct ms_buf *out, const struct ms_column *column, size_t n);
void pg_sql_at_text(struct ms_buf *out, const struct ms_column *column, const char *path, size_t n);

#define PG_DIALECT_COMMON                                                                                    \
    .placeholder = pg_sql_placeholder, .read = pg_sql_read, .time = pg_sql_time, .any_of = pg_sql_any_of,    \
    .member = pg_sql_member, .prefix = pg_sql_prefix, .above = pg_sql_above, .inline_names = true,           \
    .twins = true, .fine_times = true, .raises = true
#define PG_DIALECT_TEXT .has = pg_sql_has_text, .contains = pg_sql_contains_text, .at = pg_sql_at_text

#endif
