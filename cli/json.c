#include "json.h"

#include <stdlib.h>

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) {
        at++;
    }
    return at;
}

/* The end of the string that begins at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end) {
            at++;
        }
    }
    return at < end ? at + 1 : end;
}

/* The end of the value that begins at `at`; at least one byte further, unless that is the end. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
        } else {
            depth += *at == '{' || *at == '[';
            depth -= depth > 0 && (*at == '}' || *at == ']');
            at++;
        }
        if (depth == 0 && (at == end || strchr(",:}] \t\n\r", *at) || strchr("\"}]", at[-1]))) {
            break;
        }
    }
    return at;
}

void json_iter_init(struct json_iter *iter, mastra_str value)
{
    const char *end = value.ptr + value.len;
    const char *at = value.ptr ? skip_space(value.ptr, end) : NULL;
    bool holds = at && at < end && (*at == '{' || *at == '[');

    *iter = (struct json_iter){holds ? at + 1 : end, end, holds && *at == '{'};
}

bool json_next(struct json_iter *iter, mastra_str *key, mastra_str *value)
{
    const char *at = skip_space(iter->at, iter->end);
    const char *from;

    if (at < iter->end && *at == ',') {
        at = skip_space(at + 1, iter->end);
    }
    if (at >= iter->end || *at == '}' || *at == ']') {
        iter->at = iter->end;
        return false;
    }
    if (iter->object) {
        from = at;
        at = skip_value(at, iter->end);
        if (key) {
            *key = (mastra_str){from, (size_t)(at - from)};
        }
        at = skip_space(at, iter->end);
        at = skip_space(at + (at < iter->end && *at == ':'), iter->end);
    }
    from = at;
    at = skip_value(at, iter->end);
    *value = (mastra_str){from, (size_t)(at - from)};
    iter->at = at;
    return true;
}

mastra_str json_member(mastra_str object, const char *name)
{
    size_t len = strlen(name);
    struct json_iter iter;
    mastra_str key;
    mastra_str value;

    json_iter_init(&iter, object);
    /* The names that are asked for need no escapes. */
    while (iter.object && json_next(&iter, &key, &value)) {
        if (key.len == len + 2 && memcmp(key.ptr + 1, name, len) == 0) {
            return value;
        }
    }
    return (mastra_str){NULL, 0};
}

bool json_is_object(mastra_str value)
{
    return value.len > 0 && value.ptr[0] == '{';
}

bool json_is_null(mastra_str value)
{
    return !value.ptr || (value.len == 4 && memcmp(value.ptr, "null", 4) == 0);
}

/* Strings. */

static bool read_hex(const char *at, const char *end, uint32_t *ret)
{
    uint32_t number = 0;

    if (end - at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] ? strchr(digits, at[i] | 0x20) : NULL;

        if (!digit) {
            return false;
        }
        number = number << 4 | (uint32_t)(digit - digits);
    }
    *ret = number;
    return true;
}

static char *put_point(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* The character behind \u at `at`, or a pair of halves; moves *at behind it. A lone half becomes U+FFFD. */
static uint32_t read_escape(const char **at, const char *end)
{
    uint32_t point = 0xfffd;
    uint32_t low;

    if (!read_hex(*at, end, &point)) {
        return 0xfffd;
    }
    *at += 4;
    if (point < 0xd800 || point > 0xdfff) {
        return point;
    }
    if (point < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' &&
        read_hex(*at + 2, end, &low) && low >= 0xdc00 && low <= 0xdfff) {
        *at += 6;
        return 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    return 0xfffd;
}

/* The text is at most half as long again as its spelling: a broken escape of two bytes becomes U+FFFD. */
static size_t unescape(const char *at, const char *end, char *out)
{
    static const char names[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    char *start = out;

    while (at < end) {
        const char *name;

        if (*at != '\\' || at + 1 == end) {
            *out++ = *at++;
            continue;
        }
        name = strchr(names, at[1]);
        at += 2;
        if (at[-1] == 'u') {
            out = put_point(out, read_escape(&at, end));
        } else {
            *out++ = name && *name ? meant[name - names] : at[-1];
        }
    }
    return (size_t)(out - start);
}

bool json_text(mastra_str value, mastra_str *ret_text, char **ret_owned)
{
    *ret_owned = NULL;
    if (json_is_null(value)) {
        *ret_text = (mastra_str){NULL, 0};
        return true;
    }
    if (value.len < 2 || value.ptr[0] != '"') {
        *ret_text = value;
        return true;
    }
    *ret_owned = malloc(2 * value.len);
    if (!*ret_owned) {
        return false;
    }
    ret_text->len = unescape(value.ptr + 1, value.ptr + value.len - 1, *ret_owned);
    ret_text->ptr = *ret_owned;
    return true;
}

mastra_str json_error_text(mastra_str error)
{
    mastra_str message = json_is_object(error) ? json_member(error, "message") : (mastra_str){NULL, 0};

    return json_is_null(message) ? error : message;
}

mastra_time json_time(mastra_str value)
{
    char digits[32] = "";
    char *end;
    double number;

    if (value.len == 0 || value.len >= sizeof digits) {
        return MASTRA_TIME_NONE;
    }
    memcpy(digits, value.ptr, value.len);
    number = strtod(digits, &end);
    /* What a time in milliseconds can be in JavaScript. */
    return *end || !(number > -8.64e15 && number < 8.64e15) ? MASTRA_TIME_NONE : (mastra_time)number;
}
