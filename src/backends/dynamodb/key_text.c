#include "backends/dynamodb/key_text.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/lowercase.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

bool ms_template_next(const struct ms_entity *entity, const char **at, struct ms_piece *ret)
{
    const char *start = *at;
    const char *open = strchr(start, '{');
    const char *close = open ? strchr(open, '}') : NULL;
    const char *colon;

    *ret = (struct ms_piece){.literal = {start, open ? (size_t)(open - start) : strlen(start)}, .column = -1};
    if (!close) {
        *at = start + ret->literal.len;
        return ret->literal.len > 0;
    }
    *at = close + 1;
    if (open[1] == '#') {
        ret->sequence = true;
        return true;
    }
    colon = memchr(open, ':', (size_t)(close - open));
    ret->day = colon && colon[1] == 'd';
    ret->doubled = colon && colon[1] == '#';
    ret->column =
        ms_entity_column(entity, (mastra_str){open + 1, (size_t)((colon ? colon : close) - open) - 1});
    assert(ret->column >= 0);
    return true;
}

mastra_str ms_template_literal(const char *template)
{
    return (mastra_str){template, strcspn(template, "{")};
}

void ms_key_text_init(struct ms_key_text *text, const struct ms_entity *entity, size_t most)
{
    text->entity = entity;
    text->most = most;
    text->column = -1;
    text->value = (mastra_str){NULL, 0};
    text->over = false;
    text->steady = false;
    text->len = 0;
}

void ms_key_text_add(struct ms_key_text *text, mastra_str part)
{
    if (part.len > sizeof text->raw - text->len) {
        text->over = true;
    }
    if (!text->over && part.len > 0) {
        memcpy(text->raw + text->len, part.ptr, part.len);
        text->len += part.len;
    }
}

void ms_key_text_add_value(struct ms_key_text *text, const struct ms_piece *piece, mastra_str value)
{
    if (text->column < 0 || value.len > text->value.len) {
        text->column = piece->column;
        text->value = value;
    }
    if (!piece->doubled) {
        ms_key_text_add(text, value);
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        ms_key_text_add(text, (mastra_str){value.ptr + i, 1});
        if (value.ptr[i] == '#') {
            ms_key_text_add(text, (mastra_str){"#", 1});
        }
    }
}

bool ms_key_text_end(struct ms_key_text *text, struct ms_arena *arena, mastra_str *ret, bool *ret_over)
{
    char lower[MS_LOWERCASE_ROOM(MS_TEMPLATE_ROOM)];
    mastra_str made = {text->raw, text->len};

    if (!text->over && text->entity->item->shared) {
        made.len = text->steady ? ms_lowercase_steady(made) : made.len;
        made = (mastra_str){lower, ms_lowercase(made, lower)};
    }
    *ret_over = text->over || made.len > text->most;
    return *ret_over || ms_arena_str(arena, made, ret);
}

mastra_status ms_key_text_error(const struct ms_key_text *text, mastra_error *error)
{
    char complaint[80];

    if (text->column < 0) {
        return ms_error_set(error, MASTRA_INVALID_ARGUMENT, "a key is too long: at most %zu bytes",
                            text->most);
    }
    snprintf(complaint, sizeof complaint, "is too long for a key of at most %zu bytes with what precedes it",
             text->most);
    return ms_error_argument(error, text->entity->columns[text->column].json, text->value, complaint);
}

static mastra_str printed(char *room, int len)
{
    return (mastra_str){room, (size_t)len};
}

mastra_str ms_key_value(const struct ms_column *column, const void *record, bool day,
                        char room[MS_VALUE_ROOM])
{
    static const mastra_str none = {NULL, 0};
    const void *field = ms_field(column, record);

    _Static_assert(MS_VALUE_ROOM >= MS_ISO_SIZE && MS_VALUE_ROOM >= MS_JSON_DOUBLE_SIZE &&
                       MS_VALUE_ROOM >= MS_KEY_DAY_SIZE,
                   "every value fits");
    switch (column->type) {
    case MS_TIMESTAMP:
        if (*(const mastra_time *)field == MASTRA_TIME_NONE) {
            return none;
        }
        if (day) {
            return ms_key_day(*(const mastra_time *)field, room);
        }
        return printed(room, (int)ms_time_format(*(const mastra_time *)field, room));
    case MS_INTEGER:
    case MS_BIGINT:
        if (*(const int64_t *)field == MASTRA_INTEGER_NONE) {
            return none;
        }
        return printed(room, snprintf(room, MS_VALUE_ROOM, "%" PRId64, *(const int64_t *)field));
    case MS_REAL:
        if (isnan(*(const double *)field)) {
            return none;
        }
        return printed(room, (int)ms_json_format_double(*(const double *)field, room));
    case MS_BOOLEAN:
        return mastra_str_of(*(const bool *)field ? "true" : "false");
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    return *(const mastra_str *)field;
}
