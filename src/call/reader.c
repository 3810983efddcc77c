#include "call/reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <stdio.h>

#define SAFE_INTEGER ((INT64_C(1) << 53) - 1)

/* Appends the place to `out`, what it stands in first; returns the length so far, which never passes size - 1. */
static size_t print_place(const struct ms_place *place, char *out, size_t size)
{
    size_t len = place->in ? print_place(place->in, out, size) : 0;
    int more;

    if (place->name) {
        more = snprintf(out + len, size - len, "%s%s", len ? "." : "", place->name);
    } else {
        more = snprintf(out + len, size - len, "[%zu]", place->index);
    }
    if (more > 0) {
        len += (size_t)more;
    }
    return len < size ? len : size - 1;
}

mastra_status ms_reader_fail(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             const char *complaint)
{
    char field[sizeof reader->error->field] = "args";

    if (place) {
        print_place(place, field, sizeof field);
    }
    if (ms_json_kind(value) == MS_JSON_STRING) {
        value.ptr++;
        value.len -= 2;
    }
    return ms_error_argument(reader->error, field, value, complaint);
}

/* What a raw string says; borrowed when it has no escapes. */
static mastra_status unescape(struct ms_reader *reader, mastra_str raw, mastra_str *ret,
                              struct ms_json_string_facts *facts)
{
    *facts = (struct ms_json_string_facts){false, false};
    if (!memchr(raw.ptr, '\\', raw.len)) {
        ret->ptr = raw.ptr + 1;
        ret->len = raw.len - 2;
        return MASTRA_OK;
    }
    if (!ms_json_unescape_arena(raw, reader->arena, ret, facts)) {
        return ms_error_oom(reader->error);
    }
    return MASTRA_OK;
}

static const char *expected(enum ms_text_rule rule)
{
    return rule == MS_TEXT_CONTENT ? "must be a string, an object or an array" : "must be a string";
}

mastra_status ms_reader_text(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             enum ms_text_rule rule, mastra_str *ret)
{
    enum ms_json_kind kind = ms_json_kind(value);
    struct ms_json_string_facts facts;
    mastra_str text;
    mastra_status status;

    if (rule == MS_TEXT_CONTENT && (kind == MS_JSON_OBJECT || kind == MS_JSON_ARRAY)) {
        *ret = value;
        return MASTRA_OK;
    }
    if (kind != MS_JSON_STRING) {
        return ms_reader_fail(reader, place, value, expected(rule));
    }
    status = unescape(reader, value, &text, &facts);
    if (status != MASTRA_OK) {
        return status;
    }
    if (facts.has_nul || facts.has_lone_surrogate) {
        if (rule == MS_TEXT_STRICT) {
            return ms_reader_fail(reader, place, value,
                                  facts.has_nul ? "must not hold U+0000" : "must not hold a lone surrogate");
        }
        if (rule == MS_TEXT_CONTENT) {
            text = value;
        }
    }
    *ret = text;
    return MASTRA_OK;
}

mastra_status ms_reader_time(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             mastra_time *ret)
{
    enum ms_json_kind kind = ms_json_kind(value);
    bool valid = false;
    int64_t time = 0;

    if (kind == MS_JSON_STRING) {
        struct ms_json_string_facts facts;
        mastra_str text;
        mastra_status status = unescape(reader, value, &text, &facts);

        if (status != MASTRA_OK) {
            return status;
        }
        valid = ms_time_parse(text, &time);
    } else if (kind == MS_JSON_NUMBER) {
        valid = ms_json_int(value, &time) && ms_time_valid(time);
    }
    if (!valid) {
        return ms_reader_fail(reader, place, value, "must be an ISO 8601 time or whole milliseconds");
    }
    *ret = time;
    return MASTRA_OK;
}

mastra_status ms_reader_bool(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             bool *ret)
{
    enum ms_json_kind kind = ms_json_kind(value);

    if (kind != MS_JSON_TRUE && kind != MS_JSON_FALSE) {
        return ms_reader_fail(reader, place, value, "must be true or false");
    }
    *ret = kind == MS_JSON_TRUE;
    return MASTRA_OK;
}

mastra_status ms_reader_int(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                            const char *complaint, int64_t *ret)
{
    int64_t number = 0;

    if (ms_json_kind(value) != MS_JSON_NUMBER || !ms_json_int(value, &number) || number > SAFE_INTEGER ||
        number < -SAFE_INTEGER) {
        return ms_reader_fail(reader, place, value, complaint);
    }
    *ret = number;
    return MASTRA_OK;
}

mastra_status ms_reader_bigint(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                               int64_t *ret)
{
    int64_t number = 0;

    if (ms_json_kind(value) != MS_JSON_NUMBER || !ms_json_int(value, &number) ||
        number == MASTRA_INTEGER_NONE) {
        return ms_reader_fail(reader, place, value, "must be a whole number of 64 bits");
    }
    *ret = number;
    return MASTRA_OK;
}
