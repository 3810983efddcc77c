/* The checker, which trusts nothing, and the iterator, which trusts the checker. */
#include "base/json_internal.h"

#include "base/utf8.h"

static const char unexpected_end[] = "unexpected end";
static const char unexpected_character[] = "unexpected character";

struct scanner {
    const char *at;
    const char *end;
    const char *what; /* the complaint about the character at `at` */
    unsigned depth;
    unsigned char objects[MS_JSON_MAX_DEPTH / 8]; /* a bit for each open level: set when it is an object */
};

static bool fail(struct scanner *scan, const char *what)
{
    scan->what = what;
    return false;
}

static bool fail_here(struct scanner *scan)
{
    return fail(scan, scan->at == scan->end ? unexpected_end : unexpected_character);
}

static inline void skip_space(struct scanner *scan)
{
    scan->at = ms_json_skip_space(scan->at, scan->end);
}

static bool in_object(const struct scanner *scan)
{
    unsigned level = scan->depth - 1;
    return scan->objects[level / 8] >> (level % 8) & 1;
}

static bool push(struct scanner *scan, bool object)
{
    if (scan->depth == MS_JSON_MAX_DEPTH) {
        return fail(scan, "nested deeper than 1,000");
    }
    unsigned level = scan->depth++;
    unsigned char bit = (unsigned char)(1u << (level % 8));
    if (object) {
        scan->objects[level / 8] |= bit;
    } else {
        scan->objects[level / 8] &= (unsigned char)~bit;
    }
    scan->at++;
    return true;
}

/*
 * Moves to the next quote, backslash or control character, or to the end. Into *high go the bytes that were
 * passed, so that their high bits tell whether there is anything but ASCII among them.
 */
static inline const char *find_special(const char *at, const char *end, uint64_t *high)
{
    while (end - at >= 8) {
        uint64_t word = ms_json_word(at);
        uint64_t marks =
            ms_json_word_equal(word, '"') | ms_json_word_equal(word, '\\') | ms_json_word_control(word);
        if (marks) {
            unsigned index = ms_json_word_index(marks);
            *high |= word & ((UINT64_C(1) << (8 * index)) - 1);
            return at + index;
        }
        *high |= word;
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        *high |= (unsigned char)*at++;
    }
    return at;
}

static bool is_hex(char c)
{
    return ms_json_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Stands on the backslash. */
static bool check_escape(struct scanner *scan)
{
    static const char invalid_escape[] = "invalid escape";
    scan->at++;
    if (scan->at == scan->end) {
        return fail(scan, unexpected_end);
    }
    char c = *scan->at++;
    switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return true;
    case 'u':
        break;
    default:
        scan->at--;
        return fail(scan, invalid_escape);
    }
    for (int i = 0; i < 4; i++, scan->at++) {
        if (scan->at == scan->end) {
            return fail(scan, unexpected_end);
        }
        if (!is_hex(*scan->at)) {
            return fail(scan, invalid_escape);
        }
    }
    return true;
}

/* Stands on the opening quote. */
static bool check_string(struct scanner *scan)
{
    const char *start = ++scan->at;
    uint64_t high = 0;
    for (;;) {
        scan->at = find_special(scan->at, scan->end, &high);
        if (scan->at == scan->end) {
            return fail(scan, unexpected_end);
        }
        if (*scan->at == '"') {
            break;
        }
        if (*scan->at != '\\') {
            return fail(scan, "control character in a string");
        }
        if (!check_escape(scan)) {
            return false;
        }
    }
    if (high & MS_JSON_HIGHS) {
        size_t len = (size_t)(scan->at - start);
        size_t valid = ms_utf8_valid_prefix(start, len);
        if (valid < len) {
            scan->at = start + valid;
            return fail(scan, "invalid UTF-8");
        }
    }
    scan->at++;
    return true;
}

static bool check_digits(struct scanner *scan)
{
    if (scan->at == scan->end || !ms_json_is_digit(*scan->at)) {
        return fail(scan, scan->at == scan->end ? unexpected_end : "invalid number");
    }
    while (scan->at < scan->end && ms_json_is_digit(*scan->at)) {
        scan->at++;
    }
    return true;
}

static bool accept(struct scanner *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c) {
        return false;
    }
    scan->at++;
    return true;
}

static bool check_number(struct scanner *scan)
{
    accept(scan, '-');
    if (accept(scan, '0')) {
        if (scan->at < scan->end && ms_json_is_digit(*scan->at)) {
            return fail(scan, "invalid number");
        }
    } else if (!check_digits(scan)) {
        return false;
    }
    if (accept(scan, '.') && !check_digits(scan)) {
        return false;
    }
    if (accept(scan, 'e') || accept(scan, 'E')) {
        if (!accept(scan, '+')) {
            accept(scan, '-');
        }
        return check_digits(scan);
    }
    return true;
}

static bool check_literal(struct scanner *scan, const char *literal)
{
    for (; *literal; literal++) {
        if (!accept(scan, *literal)) {
            return fail_here(scan);
        }
    }
    return true;
}

/* A key, its colon, and the white space in front of the value. */
static bool check_key(struct scanner *scan)
{
    if (scan->at == scan->end || *scan->at != '"') {
        return fail_here(scan);
    }
    if (!check_string(scan)) {
        return false;
    }
    skip_space(scan);
    if (!accept(scan, ':')) {
        return fail_here(scan);
    }
    skip_space(scan);
    return true;
}

/* Opens an array or object. *ret_complete: it is empty, and closed again. */
static bool check_open(struct scanner *scan, bool object, bool *ret_complete)
{
    if (!push(scan, object)) {
        return false;
    }
    skip_space(scan);
    *ret_complete = accept(scan, object ? '}' : ']');
    if (*ret_complete) {
        scan->depth--;
        return true;
    }
    return !object || check_key(scan);
}

/* A scalar, or the beginning of an array or object up to its first value: then *ret_complete is false. */
static bool check_value(struct scanner *scan, bool *ret_complete)
{
    *ret_complete = true;
    if (scan->at == scan->end) {
        return fail(scan, unexpected_end);
    }
    switch (*scan->at) {
    case '{':
        return check_open(scan, true, ret_complete);
    case '[':
        return check_open(scan, false, ret_complete);
    case '"':
        return check_string(scan);
    case 't':
        return check_literal(scan, "true");
    case 'f':
        return check_literal(scan, "false");
    case 'n':
        return check_literal(scan, "null");
    default:
        if (*scan->at != '-' && !ms_json_is_digit(*scan->at)) {
            return fail(scan, unexpected_character);
        }
        return check_number(scan);
    }
}

/* After a complete value: closes what ends here and stops in front of the next value, or at depth 0. */
static bool check_after(struct scanner *scan)
{
    while (scan->depth) {
        bool object = in_object(scan);
        skip_space(scan);
        if (accept(scan, ',')) {
            skip_space(scan);
            return !object || check_key(scan);
        }
        if (!accept(scan, object ? '}' : ']')) {
            return fail_here(scan);
        }
        scan->depth--;
    }
    return true;
}

static bool check_document(struct scanner *scan)
{
    do {
        bool complete;
        if (!check_value(scan, &complete)) {
            return false;
        }
        if (!complete) {
            skip_space(scan);
            continue;
        }
        if (!check_after(scan)) {
            return false;
        }
    } while (scan->depth);
    return true;
}

bool ms_json_check(mastra_str text, mastra_str *ret, struct ms_json_fault *fault)
{
    const char *start = text.ptr ? text.ptr : "";
    struct scanner scan = {.at = start, .end = start + text.len};
    skip_space(&scan);
    mastra_str value = {scan.at, 0};
    bool ok = check_document(&scan);
    if (ok) {
        value.len = (size_t)(scan.at - value.ptr);
        skip_space(&scan);
        if (scan.at < scan.end) {
            ok = fail(&scan, "text after the value");
        }
    }
    if (ok && ret) {
        *ret = value;
    }
    if (!ok && fault) {
        fault->offset = (size_t)(scan.at - start);
        fault->what = scan.what;
    }
    return ok;
}

enum ms_json_kind ms_json_kind(mastra_str value)
{
    if (!value.ptr || !value.len) {
        return MS_JSON_NONE;
    }
    switch (value.ptr[0]) {
    case 'n':
        return MS_JSON_NULL;
    case 'f':
        return MS_JSON_FALSE;
    case 't':
        return MS_JSON_TRUE;
    case '"':
        return MS_JSON_STRING;
    case '[':
        return MS_JSON_ARRAY;
    case '{':
        return MS_JSON_OBJECT;
    default:
        return value.ptr[0] == '-' || ms_json_is_digit(value.ptr[0]) ? MS_JSON_NUMBER : MS_JSON_NONE;
    }
}

/* Stands on the opening quote; returns what follows the closing one. */
static const char *pass_string(const char *at, const char *end)
{
    at++;
    for (;;) {
        while (end - at >= 8) {
            uint64_t word = ms_json_word(at);
            uint64_t marks = ms_json_word_equal(word, '"') | ms_json_word_equal(word, '\\');
            if (marks) {
                at += ms_json_word_index(marks);
                break;
            }
            at += 8;
        }
        while (at < end && *at != '"' && *at != '\\') {
            at++;
        }
        if (at >= end || *at == '"') {
            return at < end ? at + 1 : end;
        }
        at += 2; /* the escaped character cannot end the string; the digits of \u are plain text */
    }
}

/* Stands on the opening bracket; only brackets outside of strings matter, and they are known to match. */
static const char *pass_container(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = pass_string(at, end);
            continue;
        }
        char c = (char)(*at++ | 0x20); /* makes [ a {, and ] a } */
        if (c == '{') {
            depth++;
        } else if (c == '}' && --depth == 0) {
            break;
        }
    }
    return at;
}

static const char *pass_scalar(const char *at, const char *end)
{
    while (at < end && *at != ',' && *at != ']' && *at != '}' && !ms_json_is_space(*at)) {
        at++;
    }
    return at;
}

static const char *pass_value(const char *at, const char *end)
{
    if (at == end) {
        return end;
    }
    if (*at == '"') {
        return pass_string(at, end);
    }
    return *at == '{' || *at == '[' ? pass_container(at, end) : pass_scalar(at, end);
}

/* The iterator always stands on the first character of a member or element, or on the closing bracket. */
void ms_json_iter_init(struct ms_json_iter *iter, mastra_str value)
{
    iter->kind = ms_json_kind(value);
    iter->at = value.ptr;
    iter->end = value.ptr ? value.ptr + value.len : NULL;
    if (iter->kind == MS_JSON_ARRAY || iter->kind == MS_JSON_OBJECT) {
        iter->at = ms_json_skip_space(iter->at + 1, iter->end);
    } else {
        iter->at = iter->end;
    }
}

bool ms_json_next(struct ms_json_iter *iter, mastra_str *key, mastra_str *value)
{
    const char *at = iter->at;
    const char *end = iter->end;
    if (at == end || *at == ']' || *at == '}') {
        return false;
    }
    mastra_str name = {NULL, 0};
    if (iter->kind == MS_JSON_OBJECT) {
        name.ptr = at;
        at = pass_string(at, end);
        name.len = (size_t)(at - name.ptr);
        at = ms_json_skip_space(at, end);
        at = ms_json_skip_space(at < end ? at + 1 : end, end); /* the colon */
    }
    const char *value_end = pass_value(at, end);
    if (key) {
        *key = name;
    }
    *value = (mastra_str){at, (size_t)(value_end - at)};

    at = ms_json_skip_space(value_end, end);
    if (at < end && *at == ',') {
        at = ms_json_skip_space(at + 1, end);
    }
    iter->at = at;
    return true;
}

mastra_str ms_json_member(mastra_str object, mastra_str name)
{
    mastra_str found = {NULL, 0};
    if (ms_json_kind(object) != MS_JSON_OBJECT) {
        return found;
    }
    struct ms_json_iter iter;
    mastra_str key, value;
    ms_json_iter_init(&iter, object);
    while (ms_json_next(&iter, &key, &value)) {
        if (ms_json_string_equals(key, name)) {
            found = value;
        }
    }
    return found;
}

size_t ms_json_count(mastra_str value)
{
    struct ms_json_iter iter;
    mastra_str element;
    size_t count = 0;
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, NULL, &element)) {
        count++;
    }
    return count;
}
