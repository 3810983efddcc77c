#include "domains/check.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "store/query.h"

#include <stdio.h>

#define KEY_MOST   128
#define FIELD_SIZE 64

bool ms_is_blank(mastra_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr(" \t\r\n\v\f", text.ptr[i])) {
            return false;
        }
    }
    return true;
}

mastra_status ms_check_text(mastra_error *error, const char *field, mastra_str text)
{
    if (!text.ptr) {
        return MASTRA_OK;
    }
    if (!ms_utf8_valid(text)) {
        return ms_error_argument(error, field, text, "is not valid UTF-8");
    }
    if (memchr(text.ptr, '\0', text.len)) {
        return ms_error_argument(error, field, text, "must not contain U+0000");
    }
    return MASTRA_OK;
}

mastra_status ms_check_time(mastra_error *error, const char *field, mastra_time time)
{
    if (time == MASTRA_TIME_NONE || (time >= MS_TIME_FIRST && time <= MS_TIME_LAST)) {
        return MASTRA_OK;
    }
    return ms_error_argument(error, field, mastra_str_of(NULL), "must lie within the years 0 to 9999");
}

mastra_status ms_check_id(mastra_error *error, const char *field, mastra_str id)
{
    if (!id.ptr) {
        return ms_error_argument(error, field, id, "is required");
    }
    if (id.len == 0) {
        return ms_error_argument(error, field, id, "must not be empty");
    }
    return ms_check_text(error, field, id);
}

mastra_status ms_check_sought(mastra_error *error, const char *field, mastra_str id)
{
    if (!id.ptr) {
        return ms_error_argument(error, field, id, "is required");
    }
    return ms_check_text(error, field, id);
}

mastra_status ms_check_ids(mastra_error *error, const char *field, const mastra_str *ids, size_t count)
{
    char name[FIELD_SIZE];

    if (!ids && count > 0) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "must not be NULL");
    }
    for (size_t i = 0; i < count; i++) {
        /* The name is only needed for an error: the common case does without formatting. */
        if (ms_check_sought(NULL, field, ids[i]) == MASTRA_OK) {
            continue;
        }
        snprintf(name, sizeof name, "%.40s[%zu]", field, i);
        return ms_check_sought(error, name, ids[i]);
    }
    return MASTRA_OK;
}

mastra_status ms_check_json(mastra_error *error, const char *field, mastra_str text, bool object,
                            mastra_str *ret)
{
    struct ms_json_fault fault;
    mastra_str value = {NULL, 0};

    if (text.ptr && !ms_json_check(text, &value, &fault)) {
        char complaint[128];

        snprintf(complaint, sizeof complaint, "is not valid JSON: %.60s at byte %zu", fault.what,
                 fault.offset);
        return ms_error_argument(error, field, text, complaint);
    }
    if (ms_json_kind(value) == MS_JSON_NULL) {
        value = mastra_str_of(NULL);
    }
    if (object && value.ptr && ms_json_kind(value) != MS_JSON_OBJECT) {
        return ms_error_argument(error, field, text, "must be a JSON object");
    }
    *ret = value;
    return MASTRA_OK;
}

static mastra_status check_column(mastra_error *error, const char *field, const struct ms_column *column,
                                  void *record)
{
    bool required = column->null == MS_NOT_NULL && !(column->flags & MS_OPTIONAL);
    mastra_str text;

    if (column->type == MS_TIMESTAMP) {
        return ms_check_time(error, field, *ms_field_time(column, record));
    }
    text = *ms_field_str(column, record);
    if (!text.ptr) {
        return required ? ms_error_argument(error, field, text, "is required") : MASTRA_OK;
    }
    if (column->flags & MS_KEY) {
        return ms_check_id(error, field, text);
    }
    if (column->flags & MS_STRICT) {
        return ms_check_text(error, field, text);
    }
    if (column->type == MS_JSON) {
        return ms_check_json(error, field, text, false, ms_field_str(column, record));
    }
    return ms_utf8_valid(text) ? MASTRA_OK : ms_error_argument(error, field, text, "is not valid UTF-8");
}

mastra_status ms_check_record(mastra_error *error, const char *prefix, const struct ms_entity *entity,
                              void *record, uint64_t columns)
{
    char field[FIELD_SIZE];

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        /* Twice, so that the name is only built for an error. */
        if (!(columns & MS_BIT(i)) || check_column(NULL, "", column, record) == MASTRA_OK) {
            continue;
        }
        snprintf(field, sizeof field, "%.40s.%.20s", prefix, column->json);
        return check_column(error, field, column, record);
    }
    return MASTRA_OK;
}

static bool key_form(mastra_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return key.len > 0;
}

enum ms_key_fault ms_check_key(mastra_str raw_key)
{
    static const char *const reserved[] = {"__proto__", "prototype", "constructor"};
    char name[MS_FILTER_KEY_RAW];
    mastra_str key = {name, 0};

    if (raw_key.len > sizeof name) {
        return MS_KEY_TOO_LONG;
    }
    key.len = ms_json_unescape(raw_key, name, NULL);
    if (!key_form(key)) {
        return MS_KEY_FORM;
    }
    if (key.len > MS_FILTER_KEY_MOST) {
        return MS_KEY_TOO_LONG;
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strlen(reserved[i]) == key.len && memcmp(reserved[i], key.ptr, key.len) == 0) {
            return MS_KEY_RESERVED;
        }
    }
    return MS_KEY_FINE;
}
