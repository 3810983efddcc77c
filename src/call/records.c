#include "call/records.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"

#include <math.h>

/* Reading. */

static int column_of(const struct ms_entity *entity, mastra_str key)
{
    mastra_str name = {key.ptr + 1, key.len - 2};

    if (!memchr(name.ptr, '\\', name.len)) {
        return ms_entity_column(entity, name);
    }
    for (int i = 0; i < entity->column_count; i++) {
        if (ms_json_string_equals(key, mastra_str_of(entity->columns[i].json))) {
            return i;
        }
    }
    return -1;
}

static size_t field_size(enum ms_type type)
{
    switch (type) {
    case MS_INTEGER:
    case MS_BIGINT:
        return sizeof(int64_t);
    case MS_REAL:
        return sizeof(double);
    case MS_BOOLEAN:
        return sizeof(bool);
    case MS_TIMESTAMP:
        return sizeof(mastra_time);
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    return sizeof(mastra_str);
}

static enum ms_text_rule text_rule(const struct ms_column *column)
{
    if (column->flags & MS_CONTENT) {
        return MS_TEXT_CONTENT;
    }
    return column->flags & MS_STRICT ? MS_TEXT_STRICT : MS_TEXT_FREE;
}

static mastra_status read_number(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                                 double *ret)
{
    if (ms_json_kind(value) != MS_JSON_NUMBER) {
        return ms_reader_fail(reader, place, value, "must be a number");
    }
    *ret = ms_json_double(value);
    return MASTRA_OK;
}

static mastra_status read_whole(struct ms_reader *reader, const struct ms_place *place,
                                const struct ms_column *column, mastra_str value, int64_t *ret)
{
    enum ms_json_kind kind = ms_json_kind(value);

    if ((column->flags & MS_LOOSE) && (kind == MS_JSON_TRUE || kind == MS_JSON_FALSE)) {
        *ret = kind == MS_JSON_TRUE;
        return MASTRA_OK;
    }
    if (column->type == MS_BIGINT) {
        return ms_reader_bigint(reader, place, value, ret);
    }
    return ms_reader_int(reader, place, value, "must be a whole number", ret);
}

static mastra_status read_field(struct ms_reader *reader, const struct ms_place *place,
                                const struct ms_column *column, mastra_str value, void *record)
{
    void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TEXT:
        return ms_reader_text(reader, place, value, text_rule(column), field);
    case MS_JSON:
        *(mastra_str *)field = value;
        return MASTRA_OK;
    case MS_INTEGER:
    case MS_BIGINT:
        return read_whole(reader, place, column, value, field);
    case MS_REAL:
        return read_number(reader, place, value, field);
    case MS_BOOLEAN:
        return ms_reader_bool(reader, place, value, field);
    case MS_TIMESTAMP:
        break;
    }
    return ms_reader_time(reader, place, value, field);
}

/* A null: the blank value, so that an earlier member of the same name does not count. */
static mastra_status read_null(struct ms_reader *reader, const struct ms_place *place,
                               const struct ms_entity *entity, const struct ms_column *column, bool update,
                               void *record)
{
    if (update && column->null == MS_NOT_NULL) {
        return ms_reader_fail(reader, place, mastra_str_of(NULL), "must not be null");
    }
    memcpy(ms_field(column, record), ms_field(column, entity->blank), field_size(column->type));
    return MASTRA_OK;
}

static mastra_status read_record(struct ms_reader *reader, const struct ms_place *place,
                                 const struct ms_entity *entity, mastra_str value, void *record, bool update,
                                 uint64_t *set)
{
    struct ms_json_iter iter;
    mastra_str key, item;

    if (ms_json_kind(value) != MS_JSON_OBJECT) {
        return ms_reader_fail(reader, place, value, "must be an object");
    }
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, &key, &item)) {
        int index = column_of(entity, key);
        mastra_status status;

        if (index < 0) {
            continue;
        }
        const struct ms_column *column = &entity->columns[index];

        if (!column->offset || (update && (column->flags & MS_KEY))) {
            continue;
        }
        struct ms_place member = {place, column->json, 0};

        if (set && !(column->flags & MS_KEY)) {
            *set |= MS_BIT(index);
        }
        status = ms_json_kind(item) == MS_JSON_NULL && !(column->flags & MS_NULLABLE)
                     ? read_null(reader, &member, entity, column, update, record)
                     : read_field(reader, &member, column, item, record);
        if (status != MASTRA_OK) {
            return status;
        }
    }
    return MASTRA_OK;
}

mastra_status ms_record_read(struct ms_reader *reader, const struct ms_place *place,
                             const struct ms_entity *entity, mastra_str value, void *record, uint64_t *set)
{
    return read_record(reader, place, entity, value, record, false, set);
}

mastra_status ms_record_update(struct ms_reader *reader, const struct ms_place *place,
                               const struct ms_entity *entity, mastra_str value, void *record, uint64_t *set)
{
    return read_record(reader, place, entity, value, record, true, set);
}

/* Writing. */

/* A text written by someone else may hold anything. */
static void put_repaired(struct ms_buf *out, mastra_str text)
{
    struct ms_buf repaired;

    ms_buf_init(&repaired, out->heap, 0);
    while (text.len) {
        size_t valid = ms_utf8_valid_prefix(text.ptr, text.len);

        ms_buf_add(&repaired, text.ptr, valid);
        if (valid < text.len) {
            ms_buf_add_text(&repaired, "\xEF\xBF\xBD");
            valid++;
        }
        text.ptr += valid;
        text.len -= valid;
    }
    ms_json_put_string(out, ms_buf_view(&repaired));
    if (out->failed == MASTRA_OK) {
        out->failed = repaired.failed;
    }
    ms_buf_release(&repaired);
}

void ms_put_text(struct ms_buf *out, mastra_str text)
{
    if (!text.ptr) {
        ms_buf_add_text(out, "null");
    } else if (ms_utf8_valid(text)) {
        ms_json_put_string(out, text);
    } else {
        put_repaired(out, text);
    }
}

static bool may_be_container(mastra_str text)
{
    size_t at = 0;

    while (at < text.len &&
           (text.ptr[at] == ' ' || text.ptr[at] == '\t' || text.ptr[at] == '\n' || text.ptr[at] == '\r')) {
        at++;
    }
    return at < text.len && (text.ptr[at] == '{' || text.ptr[at] == '[');
}

void ms_put_value(struct ms_buf *out, mastra_str text)
{
    mastra_str value;

    if (text.ptr && may_be_container(text) && ms_json_check(text, &value, NULL)) {
        ms_buf_add_str(out, value);
    } else {
        ms_put_text(out, text);
    }
}

void ms_put_json(struct ms_buf *out, mastra_str text)
{
    mastra_str value;

    if (text.ptr && ms_json_check(text, &value, NULL)) {
        ms_buf_add_str(out, value);
    } else {
        ms_put_text(out, text);
    }
}

static void put_integer(struct ms_buf *out, int64_t value)
{
    if (value == MASTRA_INTEGER_NONE) {
        ms_buf_add_text(out, "null");
    } else {
        ms_json_put_int(out, value);
    }
}

static void put_time(struct ms_buf *out, mastra_time time)
{
    char iso[MS_ISO_SIZE];

    if (time == MASTRA_TIME_NONE || !ms_time_valid(time)) {
        ms_buf_add_text(out, "null");
        return;
    }
    mastra_str text = {iso, ms_time_format(time, iso)};

    ms_json_put_string(out, text);
}

static void put_field(struct ms_buf *out, const struct ms_column *column, const void *record)
{
    const void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TEXT:
        if (column->flags & MS_CONTENT) {
            ms_put_value(out, *(const mastra_str *)field);
        } else {
            ms_put_text(out, *(const mastra_str *)field);
        }
        break;
    case MS_JSON:
        if (column->flags & MS_VALUE) {
            ms_put_json(out, *(const mastra_str *)field);
        } else {
            ms_put_value(out, *(const mastra_str *)field);
        }
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        put_integer(out, *(const int64_t *)field);
        break;
    case MS_REAL:
        ms_json_put_double(out, *(const double *)field);
        break;
    case MS_BOOLEAN:
        ms_json_put_bool(out, *(const bool *)field);
        break;
    case MS_TIMESTAMP:
        put_time(out, *(const mastra_time *)field);
        break;
    }
}

static bool is_absent(const struct ms_column *column, const void *record)
{
    switch (column->type) {
    case MS_TEXT:
    case MS_JSON:
        return !ms_field_str(column, record)->ptr;
    case MS_TIMESTAMP:
        return *ms_field_time(column, record) == MASTRA_TIME_NONE;
    case MS_INTEGER:
    case MS_BIGINT:
        return *(const int64_t *)ms_field(column, record) == MASTRA_INTEGER_NONE;
    case MS_REAL:
        return isnan(*(const double *)ms_field(column, record));
    case MS_BOOLEAN:
        break;
    }
    return false;
}

/* A text that equals its column's default goes without saying. */
static bool is_default(const struct ms_column *column, const void *record)
{
    if (!column->default_text) {
        return false;
    }
    const mastra_str *text = ms_field_str(column, record);

    return !text->ptr || (text->len == strlen(column->default_text) &&
                          memcmp(text->ptr, column->default_text, text->len) == 0);
}

void ms_put_members(struct ms_buf *out, const struct ms_entity *entity, const void *record, uint64_t columns,
                    unsigned flags)
{
    bool first = true;

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i)) || !column->offset ||
            (!(flags & MS_BY_COLUMN) && is_default(column, record)) ||
            ((flags & MS_OMIT_ABSENT) && is_absent(column, record))) {
            continue;
        }
        if (!first) {
            ms_buf_add_char(out, ',');
        }
        first = false;
        if (flags & MS_BY_COLUMN) {
            ms_put_text(out, mastra_str_of(column->name));
            ms_buf_add_char(out, ':');
        } else {
            ms_json_put_key(out, column->json);
        }
        put_field(out, column, record);
    }
}

void ms_put_fields(struct ms_buf *out, const struct ms_entity *entity, const void *record, unsigned flags)
{
    ms_buf_add_char(out, '{');
    ms_put_members(out, entity, record, ms_entity_all(entity), flags);
    ms_buf_add_char(out, '}');
}

void ms_put_record(struct ms_buf *out, enum ms_entity_id entity, const void *record, unsigned flags)
{
    if (record) {
        ms_put_fields(out, ms_entity(entity), record, flags);
    } else {
        ms_buf_add_text(out, "null");
    }
}

/* The columns that are shown, in their order, numbered from 0 on; NULL after the last. */
static const struct ms_column *next_column(const struct ms_entity *entity, uint64_t columns, int *at)
{
    while (*at < entity->column_count) {
        const struct ms_column *column = &entity->columns[*at];
        bool shown = (columns & MS_BIT(*at)) && column->offset;

        ++*at;
        if (shown) {
            return column;
        }
    }
    return NULL;
}

void ms_put_columns(struct ms_buf *out, const struct ms_entity *entity, uint64_t columns)
{
    const struct ms_column *column;
    const char *separator = "";
    int number = 0;

    ms_buf_add_text(out, "\"columns\":[");
    for (int at = 0; (column = next_column(entity, columns, &at)) != NULL; separator = ",") {
        ms_buf_add_text(out, separator);
        ms_put_text(out, mastra_str_of(column->json));
    }
    ms_buf_add_text(out, "],\"times\":[");
    separator = "";
    for (int at = 0; (column = next_column(entity, columns, &at)) != NULL; number++) {
        if (column->type == MS_TIMESTAMP) {
            ms_buf_add_text(out, separator);
            ms_json_put_int(out, number);
            separator = ",";
        }
    }
    ms_buf_add_char(out, ']');
}

static void put_pair(struct ms_buf *out, int number, const struct ms_column *column, const void *record)
{
    ms_json_put_int(out, number);
    ms_buf_add_char(out, ',');
    if (column->type == MS_TIMESTAMP) {
        ms_json_put_int(out, *(const mastra_time *)ms_field(column, record));
    } else {
        put_field(out, column, record);
    }
}

/* A time that cannot be printed reads as absent in this form too. */
static bool has_value(const struct ms_column *column, const void *record)
{
    if (column->type == MS_TIMESTAMP) {
        return ms_time_valid(*(const mastra_time *)ms_field(column, record));
    }
    return !is_absent(column, record);
}

void ms_put_pairs(struct ms_buf *out, const struct ms_entity *entity, const void *record, uint64_t columns)
{
    const struct ms_column *column;
    char separator = '[';
    int number = 0;

    for (int at = 0; (column = next_column(entity, columns, &at)) != NULL; number++) {
        if (has_value(column, record)) {
            ms_buf_add_char(out, separator);
            put_pair(out, number, column, record);
            separator = ',';
        }
    }
    ms_buf_add_text(out, separator == '[' ? "[]" : "]");
}
