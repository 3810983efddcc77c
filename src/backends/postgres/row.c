/* Rows as the server sends them, in binary form. */
#include "backends/postgres/postgres.h"
#include "base/json.h"
#include "base/str.h"
#include "store/record.h"

#include <math.h>

#define OID_JSONB 3802

/* Microseconds from 1970 to 2000, where the server's time begins. */
#define EPOCH_US  INT64_C(946684800000000)

static uint64_t big_endian(const char *bytes, int len)
{
    uint64_t value = 0;

    for (int i = 0; i < len; i++) {
        value = value << 8 | (unsigned char)bytes[i];
    }
    return value;
}

int64_t pg_int_at(const PGresult *result, int row, int column)
{
    int len = PQgetlength(result, row, column);
    uint64_t bits = big_endian(PQgetvalue(result, row, column), len);

    switch (len) {
    case 2:
        return (int16_t)bits;
    case 4:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static double real_at(const PGresult *result, int row, int column)
{
    int len = PQgetlength(result, row, column);
    uint64_t bits = big_endian(PQgetvalue(result, row, column), len);
    double wide;

    if (len == 4) {
        uint32_t half = (uint32_t)bits;
        float narrow;

        memcpy(&narrow, &half, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* Infinity is no time of ours. */
mastra_time pg_time_at(const PGresult *result, int row, int column)
{
    int64_t us;

    if (PQgetisnull(result, row, column)) {
        return MASTRA_TIME_NONE;
    }
    us = pg_int_at(result, row, column);
    if (us == INT64_MAX || us == INT64_MIN) {
        return MASTRA_TIME_NONE;
    }
    us += EPOCH_US;
    return us >= 0 ? us / 1000 : -((999 - us) / 1000);
}

mastra_str pg_str_at(const PGresult *result, int row, int column)
{
    mastra_str text = {NULL, 0};

    if (!PQgetisnull(result, row, column)) {
        text.ptr = PQgetvalue(result, row, column);
        text.len = (size_t)PQgetlength(result, row, column);
    }
    return text;
}

static bool is_json_null(mastra_str text)
{
    return text.len == 4 && memcmp(text.ptr, "null", 4) == 0;
}

/* Some of the peer's adapters store a string as it is, without quotes. */
static bool read_json_text(mastra_str text, const struct ms_column *column, struct ms_arena *arena,
                           mastra_str *field)
{
    struct ms_buf quoted;
    mastra_str value;
    bool done;

    if (!(column->flags & MS_VALUE) || ms_json_check(text, &value, NULL)) {
        return ms_arena_str(arena, text, field);
    }
    ms_buf_init(&quoted, ms_arena_heap(arena), 0);
    ms_json_put_string(&quoted, text);
    done = !quoted.failed && ms_arena_str(arena, ms_buf_view(&quoted), field);
    ms_buf_release(&quoted);
    return done;
}

/* Where the peer's table does not take null, JSON's own stands for it. */
static bool read_json(mastra_str text, bool jsonb, const struct ms_column *column, struct ms_arena *arena,
                      mastra_str *field)
{
    /* The version of the binary form comes first. */
    if (jsonb && text.len > 0) {
        text.ptr++;
        text.len--;
    }
    if (column->null != MS_NULL && is_json_null(text)) {
        return true;
    }
    if (!jsonb) {
        return read_json_text(text, column, arena, field);
    }
    return pg_json_compact(arena, text, field) && (!(column->flags & MS_TWICE) || pg_json_once(arena, field));
}

static bool read_field(const PGresult *result, int row, int n, const struct ms_column *column,
                       struct ms_arena *arena, void *field)
{
    if (PQgetisnull(result, row, n)) {
        return true;
    }
    switch (column->type) {
    case MS_TIMESTAMP:
        *(mastra_time *)field = pg_time_at(result, row, n);
        return true;
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)field = pg_int_at(result, row, n);
        return true;
    case MS_REAL:
        *(double *)field = real_at(result, row, n);
        return true;
    case MS_BOOLEAN:
        *(bool *)field = PQgetvalue(result, row, n)[0] != 0;
        return true;
    case MS_JSON:
        return read_json(pg_str_at(result, row, n), PQftype(result, n) == OID_JSONB, column, arena, field);
    case MS_TEXT:
        break;
    }
    return ms_arena_str(arena, pg_str_at(result, row, n), field);
}

bool pg_row_read(const PGresult *result, int row, const struct ms_entity *entity, uint64_t columns,
                 struct ms_arena *arena, void **ret)
{
    void *record = ms_record_new(arena, entity);
    int n = 0;

    if (!record) {
        return false;
    }
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i))) {
            continue;
        }
        if (!read_field(result, row, n++, column, arena, ms_field(column, record))) {
            return false;
        }
    }
    *ret = record;
    return true;
}

/* Conditions on JSON that stands in columns of text, of which the server only says which rows are out of the question. */

static bool is_on_json(const struct ms_predicate *predicate)
{
    return predicate->compare == MS_HAS || predicate->compare == MS_CONTAINS || predicate->compare == MS_AT;
}

static bool is_text(const struct postgres *backend, const struct ms_entity *entity, uint8_t column)
{
    return entity->columns[column].type != MS_JSON || entity->id >= MS_ENTITY_COUNT ||
           (atomic_load(&backend->text_json[entity->id]) & MS_BIT(column));
}

bool pg_query_is_loose(const struct postgres *backend, const struct ms_query *query, uint64_t *ret_columns)
{
    bool loose = false;

    *ret_columns = 0;
    for (size_t i = 0; i < query->where_count; i++) {
        if (is_on_json(&query->where[i])) {
            *ret_columns |= MS_BIT(query->where[i].column);
            loose = loose || is_text(backend, query->entity, query->where[i].column);
        }
    }
    return loose;
}

bool pg_row_matches(const struct ms_query *query, const void *record)
{
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];
        const struct ms_column *column = &query->entity->columns[predicate->column];
        bool matches = true;

        if (predicate->compare == MS_HAS) {
            matches =
                ms_json_has(*ms_field_str(column, record), mastra_str_of(predicate->member), predicate->text);
        } else if (predicate->compare == MS_CONTAINS) {
            matches = ms_json_contains(*ms_field_str(column, record), predicate->text);
        } else if (predicate->compare == MS_AT) {
            matches = ms_json_at(*ms_field_str(column, record), predicate->path, predicate->text);
        }
        if (!matches) {
            return false;
        }
    }
    return true;
}
