/* What the characters of raw strings and numbers mean. */
#include "base/json_internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* One unescaped character, or the next byte of one that is not escaped. */
struct piece {
    unsigned char bytes[4];
    unsigned len;
    bool lone_surrogate;
};

static mastra_str inside_quotes(mastra_str raw)
{
    mastra_str inside = {raw.ptr + 1, raw.len - 2};
    return inside;
}

static const char *find_escape(const char *at, const char *end)
{
    const char *found = memchr(at, '\\', (size_t)(end - at));
    return found ? found : end;
}

static uint32_t hex_unit(const char *digits)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        uint32_t digit = (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        unit = unit << 4 | digit;
    }
    return unit;
}

static unsigned encode(uint32_t point, unsigned char *out)
{
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (unsigned char)(0xc0 | point >> 6);
        out[1] = (unsigned char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (unsigned char)(0xe0 | point >> 12);
        out[1] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | point >> 18);
    out[1] = (unsigned char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (point & 0x3f));
    return 4;
}

/* `at` stands behind "\u"; returns what follows the escape, or both escapes of a surrogate pair. */
static const char *read_unicode(const char *at, const char *end, struct piece *piece)
{
    uint32_t unit = hex_unit(at);
    at += 4;
    bool high = unit >= 0xd800 && unit < 0xdc00;
    if (high && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = hex_unit(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
        }
    }
    /*
     * A lone surrogate takes the three bytes that no valid UTF-8 has, so that it stays itself in comparisons.
     */
    piece->lone_surrogate = unit >= 0xd800 && unit < 0xe000;
    piece->len = encode(unit, piece->bytes);
    return at;
}

/* `at` stands on a backslash; returns what follows the escape. */
static const char *read_escape(const char *at, const char *end, struct piece *piece)
{
    char c = at[1];
    at += 2;
    if (c == 'u') {
        return read_unicode(at, end, piece);
    }
    piece->lone_surrogate = false;
    piece->len = 1;
    switch (c) {
    case 'b':
        c = '\b';
        break;
    case 'f':
        c = '\f';
        break;
    case 'n':
        c = '\n';
        break;
    case 'r':
        c = '\r';
        break;
    case 't':
        c = '\t';
        break;
    default:
        break; /* quote, backslash and slash stand for themselves */
    }
    piece->bytes[0] = (unsigned char)c;
    return at;
}

static void replace_surrogate(struct piece *piece)
{
    if (piece->lone_surrogate) {
        piece->len = encode(0xfffd, piece->bytes);
    }
}

size_t ms_json_string_length(mastra_str raw)
{
    mastra_str inside = inside_quotes(raw);
    const char *at = inside.ptr;
    const char *end = at + inside.len;
    size_t len = 0;
    while (at < end) {
        const char *escape = find_escape(at, end);
        len += (size_t)(escape - at);
        if (escape == end) {
            break;
        }
        struct piece piece;
        at = read_escape(escape, end, &piece);
        len += piece.len; /* a lone surrogate is as long as what replaces it */
    }
    return len;
}

size_t ms_json_unescape(mastra_str raw, char *out, struct ms_json_string_facts *facts)
{
    mastra_str inside = inside_quotes(raw);
    const char *at = inside.ptr;
    const char *end = at + inside.len;
    char *to = out;
    struct ms_json_string_facts found = {false, false};
    while (at < end) {
        const char *escape = find_escape(at, end);
        memmove(to, at, (size_t)(escape - at));
        to += escape - at;
        if (escape == end) {
            break;
        }
        struct piece piece;
        at = read_escape(escape, end, &piece);
        found.has_nul |= piece.bytes[0] == '\0';
        found.has_lone_surrogate |= piece.lone_surrogate;
        replace_surrogate(&piece);
        memcpy(to, piece.bytes, piece.len);
        to += piece.len;
    }
    if (facts) {
        *facts = found;
    }
    return (size_t)(to - out);
}

bool ms_json_unescape_arena(mastra_str raw, struct ms_arena *arena, mastra_str *ret,
                            struct ms_json_string_facts *facts)
{
    size_t len = ms_json_string_length(raw);
    char *out = ms_arena_bytes(arena, len + 1);
    if (!out) {
        return false;
    }
    ms_json_unescape(raw, out, facts);
    out[len] = '\0';
    *ret = (mastra_str){out, len};
    return true;
}

bool ms_json_string_equals(mastra_str raw, mastra_str text)
{
    if (!text.ptr || text.len > raw.len - 2) {
        return false;
    }
    mastra_str inside = inside_quotes(raw);
    const char *at = inside.ptr;
    const char *end = at + inside.len;
    const char *other = text.ptr;
    size_t left = text.len;
    while (at < end) {
        const char *escape = find_escape(at, end);
        size_t run = (size_t)(escape - at);
        if (run > left || memcmp(at, other, run) != 0) {
            return false;
        }
        other += run;
        left -= run;
        if (escape == end) {
            break;
        }
        struct piece piece;
        at = read_escape(escape, end, &piece);
        replace_surrogate(&piece);
        if (piece.len > left || memcmp(piece.bytes, other, piece.len) != 0) {
            return false;
        }
        other += piece.len;
        left -= piece.len;
    }
    return left == 0;
}

/* The unescaped bytes of a string one after the other. */
struct byte_reader {
    const char *at;
    const char *end;
    struct piece piece;
    unsigned used;
};

/* Returns -1 at the end. */
static int next_byte(struct byte_reader *reader)
{
    if (reader->used < reader->piece.len) {
        return reader->piece.bytes[reader->used++];
    }
    if (reader->at == reader->end) {
        return -1;
    }
    if (*reader->at != '\\') {
        return (unsigned char)*reader->at++;
    }
    reader->at = read_escape(reader->at, reader->end, &reader->piece);
    reader->used = 1;
    return reader->piece.bytes[0];
}

bool ms_json_string_same(mastra_str a, mastra_str b)
{
    if (a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0) {
        return true;
    }
    mastra_str in_a = inside_quotes(a);
    mastra_str in_b = inside_quotes(b);
    if (!memchr(in_a.ptr, '\\', in_a.len) && !memchr(in_b.ptr, '\\', in_b.len)) {
        return false;
    }
    return ms_json_string_compare(a, b) == 0;
}

int ms_json_string_compare(mastra_str a, mastra_str b)
{
    mastra_str in_a = inside_quotes(a);
    mastra_str in_b = inside_quotes(b);
    struct byte_reader read_a = {.at = in_a.ptr, .end = in_a.ptr + in_a.len};
    struct byte_reader read_b = {.at = in_b.ptr, .end = in_b.ptr + in_b.len};
    for (;;) {
        int byte_a = next_byte(&read_a);
        int byte_b = next_byte(&read_b);
        if (byte_a != byte_b || byte_a < 0) {
            return byte_a - byte_b;
        }
    }
}

/*
 * A number as 0.d1d2d3... times ten to the power of (exponent + shift), where d1 is not 0 and the last digit
 * is not either. No digits mean zero. The digits may have the point among them.
 */
struct decimal {
    bool negative;
    const char *first;
    const char *last; /* behind the last digit */
    size_t count;
    int64_t shift;
    bool exponent_negative;
    mastra_str exponent; /* without leading zeros, empty for 0 */
};

static const char *read_exponent(const char *at, const char *end, struct decimal *decimal)
{
    decimal->exponent_negative = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    while (at < end && *at == '0') {
        at++;
    }
    decimal->exponent = (mastra_str){at, (size_t)(end - at)};
    return end;
}

static struct decimal read_decimal(mastra_str number)
{
    struct decimal decimal = {.negative = false};
    const char *at = number.ptr;
    const char *end = number.ptr + number.len;
    if (at < end && *at == '-') {
        decimal.negative = true;
        at++;
    }
    bool fraction = false;
    size_t zeros = 0; /* since the last digit that is not zero */
    for (; at < end && (*at | 0x20) != 'e'; at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (!decimal.first && *at == '0') {
            decimal.shift -= fraction;
            continue;
        }
        if (!decimal.first) {
            decimal.first = at;
        }
        decimal.shift += !fraction;
        zeros = *at == '0' ? zeros + 1 : 0;
        decimal.count++;
        if (!zeros) {
            decimal.last = at + 1;
        }
    }
    decimal.count -= zeros;
    if (at < end) {
        read_exponent(at + 1, end, &decimal);
    }
    return decimal;
}

/* The power of ten that belongs to 0.d1d2d3...; what is too large for any reader ends at some 10^18. */
static int64_t decimal_power(const struct decimal *decimal)
{
    int64_t exponent = 0;
    for (size_t i = 0; i < decimal->exponent.len && exponent < INT64_C(100000000000000000); i++) {
        exponent = 10 * exponent + (decimal->exponent.ptr[i] - '0');
    }
    return (decimal->exponent_negative ? -exponent : exponent) + decimal->shift;
}

bool ms_json_int(mastra_str number, int64_t *ret)
{
    struct decimal decimal = read_decimal(number);
    int64_t power = decimal.count ? decimal_power(&decimal) : 0;
    if (power > 19 || power < (int64_t)decimal.count) {
        return false;
    }
    uint64_t value = 0;
    for (const char *at = decimal.first; at != decimal.last; at++) {
        if (*at != '.') {
            value = 10 * value + (uint64_t)(*at - '0');
        }
    }
    /* At most 19 digits, so that this fits in 64 bits without a sign. */
    for (int64_t i = (int64_t)decimal.count; i < power; i++) {
        value *= 10;
    }
    uint64_t limit = (uint64_t)INT64_MAX + decimal.negative;
    if (value > limit) {
        return false;
    }
    *ret = decimal.negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* A double is decided by its first 768 significant digits and by whether anything follows them. */
#define DOUBLE_DIGITS 770

/*
 * Any decimal through the C library. Written as an integer with an exponent it has no radix character, which
 * is the one part of a number that depends on the locale.
 */
static double slow_double(const struct decimal *decimal, int64_t power)
{
    char text[DOUBLE_DIGITS + 32];
    size_t len = 0;
    const char *at = decimal->first;
    for (; at != decimal->last && len < DOUBLE_DIGITS; at++) {
        if (*at != '.') {
            text[len++] = *at;
        }
    }
    if (at != decimal->last && len == DOUBLE_DIGITS) {
        text[len++] = '1';
    }
    int64_t exponent = power - (int64_t)len;
    text[len++] = 'e';
    if (exponent < 0) {
        text[len++] = '-';
        exponent = -exponent;
    }
    for (int64_t scale = 10000; scale; scale /= 10) {
        text[len++] = (char)('0' + exponent / scale % 10);
    }
    text[len] = '\0';
    double value = strtod(text, NULL);
    return decimal->negative ? -value : value;
}

double ms_json_double(mastra_str number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal decimal = read_decimal(number);
    if (!decimal.count) {
        return decimal.negative ? -0.0 : 0.0;
    }
    int64_t power = decimal_power(&decimal);
    if (power > 400) {
        return decimal.negative ? -HUGE_VAL : HUGE_VAL;
    }
    if (power < -400) {
        return decimal.negative ? -0.0 : 0.0;
    }
    int64_t exponent = power - (int64_t)decimal.count;
    if (FLT_EVAL_METHOD != 0 || decimal.count > 15 || exponent < -22 || exponent > 22) {
        return slow_double(&decimal, power);
    }

    /* Both operands are exact, so that the one operation rounds correctly. */
    int64_t digits = 0;
    for (const char *at = decimal.first; at != decimal.last; at++) {
        if (*at != '.') {
            digits = 10 * digits + (*at - '0');
        }
    }
    double value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    return decimal.negative ? -value : value;
}

static int exponent_digit(const struct decimal *decimal, size_t len, size_t i)
{
    size_t lead = len - decimal->exponent.len;
    int digit = i < lead ? 0 : decimal->exponent.ptr[i - lead] - '0';
    return decimal->exponent_negative ? -digit : digit;
}

/* Whether a's power of ten equals b's, whatever their number of digits. */
static bool powers_same(const struct decimal *a, const struct decimal *b)
{
    size_t len = a->exponent.len > b->exponent.len ? a->exponent.len : b->exponent.len;
    int64_t wanted = b->shift - a->shift;
    int64_t difference = 0; /* of the exponents, digit by digit */
    for (size_t i = 0; i < len; i++) {
        difference = 10 * difference + exponent_digit(a, len, i) - exponent_digit(b, len, i);
        /* Once far from zero it only goes farther, and no text is long enough to make up for it. */
        if (difference > INT64_C(100000000000000000) || difference < -INT64_C(100000000000000000)) {
            return false;
        }
    }
    return difference == wanted;
}

bool ms_json_number_same(mastra_str a, mastra_str b)
{
    struct decimal left = read_decimal(a);
    struct decimal right = read_decimal(b);
    if (left.count != right.count) {
        return false;
    }
    if (!left.count) {
        return true;
    }
    if (left.negative != right.negative || !powers_same(&left, &right)) {
        return false;
    }
    const char *other = right.first;
    for (const char *at = left.first; at != left.last; at++) {
        if (*at == '.') {
            continue;
        }
        if (*other == '.') {
            other++;
        }
        if (*at != *other++) {
            return false;
        }
    }
    return true;
}
