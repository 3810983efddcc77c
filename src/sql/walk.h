/* What reading and writing share: the walk's steps, each of which appends to shape, values and text. */
#ifndef SQL_WALK_H
#define SQL_WALK_H

#include "sql/sql.h"

/* What a shape begins with. */
enum verb {
    VERB_GET = 1,
    VERB_LIST,
    VERB_COUNT,
    VERB_WRITE,
    VERB_PAGE,
    VERB_BATCH,
    VERB_TOUCH_EXPECTED,
    VERB_COUNT_SINCE,
    VERB_PAGE_SINCE,
    VERB_ERASE_REPEATS,
};

void walk_shape(struct ms_sql *sql, unsigned value);
void walk_shape_entity(struct ms_sql *sql, const struct ms_entity *entity);
void walk_shape_bits(struct ms_sql *sql, uint64_t bits);
void walk_text(struct ms_sql *sql, const char *fragment);
void walk_name(struct ms_sql *sql, const char *identifier);
void walk_table(struct ms_sql *sql, const struct ms_entity *entity);
bool walk_has_twin(const struct ms_sql *sql, const struct ms_column *column);
void walk_twin_name(struct ms_sql *sql, const struct ms_column *column);
/* What a time is compared by. */
void walk_time(struct ms_sql *sql, const struct ms_column *column);
/* Those columns, as they are read. */
void walk_columns(struct ms_sql *sql, const struct ms_entity *entity, uint64_t columns);
struct ms_bind *walk_bind(struct ms_sql *sql, enum ms_bind_kind kind);
void walk_bind_time(struct ms_sql *sql, mastra_time value);
void walk_bind_integer(struct ms_sql *sql, int64_t value);
void walk_bind_field(struct ms_sql *sql, const struct ms_column *column, const void *record);
void walk_key_condition(struct ms_sql *sql, const struct ms_entity *entity, const mastra_str *key);
void walk_conditions(struct ms_sql *sql, const struct ms_query *query);

#endif
