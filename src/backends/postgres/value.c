/* Values as they are sent: binary where that spares copying or parsing and the column's type is certain, else text. */
#include "backends/postgres/postgres.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>

enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT8 = 701,
    OID_TIMESTAMPTZ = 1184,
    OID_JSONB = 3802,
};

/* Milliseconds from 1970 to 2000, where the server's time begins. */
#define EPOCH_MS     INT64_C(946684800000)

/* What jsonb's binary form begins with. */
#define JSONB_FORMAT '\1'

#define REAL_SIZE    32

static void put_int(char *out, uint64_t value, int len)
{
    for (int i = len - 1; i >= 0; i--) {
        out[i] = (char)(value & 0xff);
        value >>= 8;
    }
}

static uint64_t real_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t time_bits(mastra_time time)
{
    return (uint64_t)((time - EPOCH_MS) * 1000);
}

static mastra_status check_text(const struct ms_column *column, mastra_str text, mastra_error *error)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len)) {
        return ms_error_argument(error, column ? column->json : "text", text,
                                 "holds U+0000, which PostgreSQL cannot store");
    }
    if (text.len > INT32_MAX) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "%s is longer than 2 GiB",
                            column ? column->json : "a text");
    }
    return MASTRA_OK;
}

/* Of our own columns of text it is known that they are. */
static bool is_text(const struct ms_column *column)
{
    return !column || (column->type == MS_TEXT && !(column->flags & MS_LOOSE));
}

static mastra_status text_value(const struct ms_bind *bind, struct ms_arena *arena, struct pg_value *ret,
                                mastra_error *error)
{
    mastra_str copy;

    if (check_text(bind->column, bind->text, error) != MASTRA_OK) {
        return error->status;
    }
    if (is_text(bind->column)) {
        *ret = (struct pg_value){bind->text.ptr, (int)bind->text.len, 1};
        return MASTRA_OK;
    }
    if (!ms_arena_str(arena, bind->text, &copy)) {
        return ms_error_oom(error);
    }
    *ret = (struct pg_value){copy.ptr, 0, 0};
    return MASTRA_OK;
}

static mastra_status json_value(const struct ms_bind *bind, bool plain, struct ms_arena *arena,
                                struct pg_value *ret, mastra_error *error)
{
    mastra_str copy;

    if (plain ? !ms_arena_str(arena, bind->text, &copy)
              : !pg_json_for(bind->column, bind->text, arena, &copy)) {
        return ms_error_oom(error);
    }
    *ret = (struct pg_value){copy.ptr, 0, 0};
    return MASTRA_OK;
}

/* Where the peer's table does not take null, JSON's own stands for it. */
static bool stands_null(const struct ms_column *column)
{
    return column && column->type == MS_JSON && column->null != MS_NULL && !(column->flags & MS_LOOSE);
}

/* Numbers go as text: the server then takes them for whatever type is wanted there. */
static mastra_status number_value(const struct ms_bind *bind, struct ms_arena *arena, struct pg_value *ret,
                                  mastra_error *error)
{
    char *text = ms_arena_bytes(arena, REAL_SIZE);

    if (!text) {
        return ms_error_oom(error);
    }
    if (bind->kind == MS_BIND_REAL) {
        snprintf(text, REAL_SIZE, "%.17g", bind->real);
    } else {
        snprintf(text, REAL_SIZE, "%lld", (long long)bind->integer);
    }
    for (char *c = text; *c; c++) {
        *c = *c == ',' ? '.' : *c; /* in whatever locale */
    }
    *ret = (struct pg_value){text, 0, 0};
    return MASTRA_OK;
}

static mastra_status time_value(mastra_time time, struct ms_arena *arena, struct pg_value *ret,
                                mastra_error *error)
{
    char *bytes = ms_arena_bytes(arena, 8);

    if (!bytes) {
        return ms_error_oom(error);
    }
    put_int(bytes, time_bits(time), 8);
    *ret = (struct pg_value){bytes, 8, 1};
    return MASTRA_OK;
}

/* Arrays. */

static void array_begin(struct ms_buf *out, unsigned type, size_t count)
{
    char head[20];

    put_int(head, count > 0, 4); /* dimensions */
    put_int(head + 4, 1, 4);     /* there may be nulls */
    put_int(head + 8, type, 4);
    put_int(head + 12, count, 4);
    put_int(head + 16, 1, 4); /* where counting begins */
    ms_buf_add(out, head, count > 0 ? 20 : 12);
}

static void array_null(struct ms_buf *out)
{
    ms_buf_add(out, "\377\377\377\377", 4);
}

static void array_bytes(struct ms_buf *out, const char *bytes, size_t len)
{
    char head[4];

    put_int(head, len, 4);
    ms_buf_add(out, head, sizeof head);
    ms_buf_add(out, bytes, len);
}

static void array_int(struct ms_buf *out, uint64_t value, int len)
{
    char bytes[8];

    put_int(bytes, value, len);
    array_bytes(out, bytes, (size_t)len);
}

/* Hands the array over to the arena. */
static mastra_status array_end(struct ms_buf *out, struct ms_arena *arena, struct pg_value *ret,
                               mastra_error *error)
{
    mastra_str copy = {NULL, 0};
    mastra_status status = MASTRA_OK;

    if (out->len > INT32_MAX || out->failed == MASTRA_LIMIT_EXCEEDED) {
        status = ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "the records are larger than 1 GiB");
    } else if (out->failed || !ms_arena_str(arena, ms_buf_view(out), &copy)) {
        status = ms_error_oom(error);
    }
    ms_buf_release(out);
    *ret = (struct pg_value){copy.ptr, (int)copy.len, 1};
    return status;
}

static mastra_status set_value(const struct ms_bind *bind, struct ms_arena *arena, struct pg_value *ret,
                               mastra_error *error)
{
    struct ms_buf out;

    ms_buf_init(&out, ms_arena_heap(arena), 0);
    array_begin(&out, OID_TEXT, bind->set_count);
    for (size_t i = 0; i < bind->set_count; i++) {
        array_bytes(&out, bind->set[i].ptr, bind->set[i].len);
    }
    return array_end(&out, arena, ret, error);
}

mastra_status pg_value_of(const struct ms_bind *bind, bool plain_json, struct ms_arena *arena,
                          struct pg_value *ret, mastra_error *error)
{
    switch (bind->kind) {
    case MS_BIND_NULL:
        *ret = (struct pg_value){stands_null(bind->column) ? "null" : NULL, 0, 0};
        return MASTRA_OK;
    case MS_BIND_TEXT:
        return text_value(bind, arena, ret, error);
    case MS_BIND_JSON:
        return json_value(bind, plain_json, arena, ret, error);
    case MS_BIND_TIME:
        return time_value(bind->integer, arena, ret, error);
    case MS_BIND_INTEGER:
    case MS_BIND_REAL:
        return number_value(bind, arena, ret, error);
    case MS_BIND_BOOLEAN:
        *ret = (struct pg_value){bind->integer ? "t" : "f", 0, 0};
        return MASTRA_OK;
    case MS_BIND_SET:
        return set_value(bind, arena, ret, error);
    case MS_BIND_COLUMN:
        break;
    }
    return ms_error_set(error, MASTRA_INTERNAL, "a value of an unknown kind");
}

/* A column of a batch. */

static unsigned element_type(const struct ms_column *column, bool plain_json)
{
    switch (column->type) {
    case MS_TEXT:
        return OID_TEXT;
    case MS_JSON:
        return plain_json ? OID_TEXT : OID_JSONB;
    case MS_INTEGER:
        return OID_INT4;
    case MS_BIGINT:
        return OID_INT8;
    case MS_REAL:
        return OID_FLOAT8;
    case MS_BOOLEAN:
        return OID_BOOL;
    case MS_TIMESTAMP:
        break;
    }
    return OID_TIMESTAMPTZ;
}

static mastra_status put_text(struct ms_buf *out, const struct ms_column *column, mastra_str text,
                              mastra_error *error)
{
    if (!text.ptr) {
        array_null(out);
        return MASTRA_OK;
    }
    array_bytes(out, text.ptr, text.len);
    return check_text(column, text, error);
}

static mastra_status put_json(struct ms_buf *out, const struct ms_column *column, mastra_str text, bool plain,
                              struct ms_arena *arena, mastra_error *error)
{
    char head[5] = {0, 0, 0, 0, JSONB_FORMAT};

    if (!text.ptr && !stands_null(column)) {
        array_null(out);
        return MASTRA_OK;
    }
    if (!text.ptr) {
        text = mastra_str_of("null");
    } else if (!plain && !pg_json_for(column, text, arena, &text)) {
        return ms_error_oom(error);
    }
    if (plain) {
        array_bytes(out, text.ptr, text.len);
        return MASTRA_OK;
    }
    put_int(head, text.len + 1, 4);
    ms_buf_add(out, head, sizeof head);
    ms_buf_add_str(out, text);
    return MASTRA_OK;
}

static void put_number(struct ms_buf *out, int64_t value, int len)
{
    if (value == MASTRA_INTEGER_NONE) {
        array_null(out);
    } else {
        array_int(out, (uint64_t)value, len);
    }
}

static mastra_status put_element(struct ms_buf *out, const struct ms_column *column, const void *record,
                                 bool plain_json, struct ms_arena *arena, mastra_error *error)
{
    const void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TEXT:
        return put_text(out, column, *(const mastra_str *)field, error);
    case MS_JSON:
        return put_json(out, column, *(const mastra_str *)field, plain_json, arena, error);
    case MS_INTEGER:
        put_number(out, *(const int64_t *)field, 4);
        break;
    case MS_BIGINT:
        put_number(out, *(const int64_t *)field, 8);
        break;
    case MS_REAL:
        if (isnan(*(const double *)field)) {
            array_null(out);
        } else {
            array_int(out, real_bits(*(const double *)field), 8);
        }
        break;
    case MS_BOOLEAN:
        array_int(out, *(const bool *)field, 1);
        break;
    case MS_TIMESTAMP:
        if (*(const mastra_time *)field == MASTRA_TIME_NONE) {
            array_null(out);
        } else {
            array_int(out, time_bits(*(const mastra_time *)field), 8);
        }
        break;
    }
    return MASTRA_OK;
}

mastra_status pg_array_of(const struct ms_sql_batch *batch, const struct ms_column *column, bool plain_json,
                          struct ms_arena *arena, struct pg_value *ret, mastra_error *error)
{
    const struct ms_write *write = batch->first;
    mastra_status status = MASTRA_OK;
    struct ms_buf out;

    ms_buf_init(&out, ms_arena_heap(arena), 0);
    array_begin(&out, column ? element_type(column, plain_json) : OID_INT8, batch->count);
    for (size_t i = 0; i < batch->count && status == MASTRA_OK; i++) {
        if (column) {
            status = put_element(&out, column, write->record, plain_json, arena, error);
        } else {
            array_int(&out, (uint64_t)write->sequence, 8);
        }
        write = write->next;
    }
    if (status != MASTRA_OK) {
        ms_buf_release(&out);
        return status;
    }
    return array_end(&out, arena, ret, error);
}
