#include "domains/check.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "store/call.h"
#include "store/query.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#define IDENTIFIER_MOST 63
#define FIELD_SIZE      64

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

mastra_status ms_check_names(mastra_error *error, const char *field, mastra_str text, mastra_str *ret)
{
    struct ms_json_iter iter;
    mastra_str names = {NULL, 0};
    mastra_str name;
    mastra_status status = ms_check_json(error, field, text, false, &names);
    bool wrong = names.ptr && ms_json_kind(names) != MS_JSON_ARRAY;

    if (status != MASTRA_OK || !names.ptr) {
        return status;
    }
    ms_json_iter_init(&iter, names);
    while (!wrong && ms_json_next(&iter, NULL, &name)) {
        wrong = ms_json_kind(name) != MS_JSON_STRING;
    }
    if (wrong) {
        return ms_error_argument(error, field, text, "must be an array of strings");
    }
    *ret = names;
    return MASTRA_OK;
}

static mastra_status check_given_time(mastra_error *error, const char *field, mastra_time time, bool required)
{
    if (required && time == MASTRA_TIME_NONE) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "is required");
    }
    return ms_check_time(error, field, time);
}

/* An absent number is NaN. */
static mastra_status check_real(mastra_error *error, const char *field, double number, bool required)
{
    if (isinf(number)) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "must be a finite number");
    }
    if (required && isnan(number)) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "is required");
    }
    return MASTRA_OK;
}

static mastra_status check_json_field(mastra_error *error, const char *field, const struct ms_column *column,
                                      mastra_str *text)
{
    mastra_str given = *text;
    mastra_status status = ms_check_json(error, field, given, (column->flags & MS_OBJECT) != 0, text);

    /* The literal null has become absent. */
    if (status == MASTRA_OK && !text->ptr && (column->flags & MS_REQUIRED) &&
        !(column->flags & MS_NULLABLE)) {
        return ms_error_argument(error, field, given, "is required");
    }
    return status;
}

static mastra_status check_column(mastra_error *error, const char *field, const struct ms_column *column,
                                  void *record)
{
    bool required = ms_column_required(column);
    mastra_str text;

    switch (column->type) {
    case MS_TIMESTAMP:
        return check_given_time(error, field, *ms_field_time(column, record), required);
    case MS_INTEGER:
    case MS_BIGINT:
        return required && *(int64_t *)ms_field(column, record) == MASTRA_INTEGER_NONE
                   ? ms_error_argument(error, field, mastra_str_of(NULL), "is required")
                   : MASTRA_OK;
    case MS_REAL:
        return check_real(error, field, *(double *)ms_field(column, record), required);
    case MS_BOOLEAN:
        return MASTRA_OK;
    case MS_TEXT:
    case MS_JSON:
        break;
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
        return check_json_field(error, field, column, ms_field_str(column, record));
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
        if (!(columns & MS_BIT(i)) || !column->offset ||
            check_column(NULL, "", column, record) == MASTRA_OK) {
            continue;
        }
        snprintf(field, sizeof field, "%.40s.%.22s", prefix, column->json);
        return check_column(error, field, column, record);
    }
    return MASTRA_OK;
}

static bool is_identifier(mastra_str key)
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

mastra_status ms_check_identifier(mastra_error *error, const char *field, mastra_str name)
{
    if (!name.ptr) {
        return ms_error_argument(error, field, name, "is required");
    }
    if (name.len > IDENTIFIER_MOST || !is_identifier(name)) {
        return ms_error_argument(
            error, field, name,
            "must be a letter or underscore, then letters, digits or underscores, at most 63");
    }
    return MASTRA_OK;
}

mastra_status ms_check_object_name(mastra_error *error, const char *field, mastra_str name)
{
    static const char kept[] = "sqlite_";
    mastra_status status = ms_check_identifier(error, field, name);

    if (status == MASTRA_OK && name.len >= sizeof kept - 1 &&
        strncasecmp(name.ptr, kept, sizeof kept - 1) == 0) {
        return ms_error_argument(error, field, name, "must not begin with sqlite_");
    }
    return status;
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
    if (!is_identifier(key)) {
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

static mastra_status refuse_key(mastra_error *error, const char *field, const char *reason,
                                mastra_str raw_key, enum ms_key_fault fault)
{
    int len = (int)raw_key.len - 2;
    const char *key = raw_key.ptr + 1;

    if (fault == MS_KEY_TOO_LONG) {
        ms_error_set(error, MASTRA_INVALID_ARGUMENT,
                     "Metadata key \"%.*s\" exceeds maximum length of 128 characters.", len, key);
    } else if (fault == MS_KEY_RESERVED) {
        ms_error_set(error, MASTRA_INVALID_ARGUMENT, "Invalid metadata key: \"%.*s\".", len, key);
    } else {
        ms_error_set(
            error, MASTRA_INVALID_ARGUMENT,
            "Invalid metadata key: \"%.*s\". Keys must start with a letter or underscore and contain only "
            "alphanumeric characters and underscores.",
            len, key);
    }
    ms_error_copy(error->field, sizeof error->field, mastra_str_of(field));
    return ms_call_reason(error, reason, "USER");
}

mastra_status ms_check_filter(mastra_error *error, const char *field, const char *reason, mastra_str text,
                              mastra_str *ret)
{
    struct ms_json_iter iter;
    mastra_str filter = {NULL, 0};
    mastra_str key;
    mastra_str value;
    mastra_status status = ms_check_json(error, field, text, true, &filter);

    if (status != MASTRA_OK) {
        return status;
    }
    *ret = mastra_str_of(NULL);
    if (!filter.ptr || ms_json_count(filter) == 0) {
        return MASTRA_OK;
    }
    ms_json_iter_init(&iter, filter);
    while (ms_json_next(&iter, &key, &value)) {
        enum ms_key_fault fault = ms_check_key(key);

        if (fault != MS_KEY_FINE) {
            return refuse_key(error, field, reason, key, fault);
        }
    }
    *ret = filter;
    return MASTRA_OK;
}
