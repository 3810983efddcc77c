#include "base/json_internal.h"

#include <math.h>
#include <stdio.h>

/* The bytes in front of the first one that must be escaped. */
static size_t plain_length(const char *ptr, size_t len)
{
    size_t at = 0;
    while (len - at >= 8) {
        uint64_t word = ms_json_word(ptr + at);
        uint64_t marks =
            ms_json_word_equal(word, '"') | ms_json_word_equal(word, '\\') | ms_json_word_control(word);
        if (marks) {
            return at + ms_json_word_index(marks);
        }
        at += 8;
    }
    while (at < len && ptr[at] != '"' && ptr[at] != '\\' && (unsigned char)ptr[at] >= 0x20) {
        at++;
    }
    return at;
}

static void put_escaped(struct ms_buf *buf, char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 0x0f]};
    switch (c) {
    case '\b':
        escape[1] = 'b';
        break;
    case '\f':
        escape[1] = 'f';
        break;
    case '\n':
        escape[1] = 'n';
        break;
    case '\r':
        escape[1] = 'r';
        break;
    case '\t':
        escape[1] = 't';
        break;
    case '"':
    case '\\':
        escape[1] = c;
        break;
    default:
        break;
    }
    ms_buf_add(buf, escape, escape[1] == 'u' ? 6 : 2);
}

void ms_json_put_string(struct ms_buf *buf, mastra_str text)
{
    /* One growth for the usual text, which has nothing to escape. */
    if (text.len > SIZE_MAX - 2 || !ms_buf_reserve(buf, text.len + 2)) {
        return;
    }
    ms_buf_add_char(buf, '"');
    while (text.len) {
        size_t plain = plain_length(text.ptr, text.len);
        ms_buf_add(buf, text.ptr, plain);
        if (plain == text.len) {
            break;
        }
        put_escaped(buf, text.ptr[plain]);
        text.ptr += plain + 1;
        text.len -= plain + 1;
    }
    ms_buf_add_char(buf, '"');
}

void ms_json_put_key(struct ms_buf *buf, const char *name)
{
    ms_json_put_string(buf, mastra_str_of(name));
    ms_buf_add_char(buf, ':');
}

void ms_json_put_int(struct ms_buf *buf, int64_t value)
{
    ms_buf_add_int(buf, value);
}

void ms_json_put_bool(struct ms_buf *buf, bool value)
{
    ms_buf_add_text(buf, value ? "true" : "false");
}

void ms_json_put_double(struct ms_buf *buf, double value)
{
    if (!isfinite(value)) {
        ms_buf_add_text(buf, "null");
        return;
    }
    char text[MS_JSON_DOUBLE_SIZE];
    size_t len = ms_json_format_double(value, text);
    ms_buf_add(buf, text, len);
}

#define MOST_DIGITS 17

/* A positive number as d.ddd times ten to the power of `exponent`. */
struct digits {
    char digits[MOST_DIGITS];
    int count;
    int exponent;
};

/* Appends an integer; returns the end. */
static char *put_int(char *at, int64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        *at++ = digits[--count];
    }
    return at;
}

/* Rounds to `count` significant digits. The radix character of the locale is passed over. */
static void round_digits(double value, int count, struct digits *ret)
{
    char text[64];
    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    const char *at = text;
    for (ret->count = 0; ret->count < count; at++) {
        if (ms_json_is_digit(*at)) {
            ret->digits[ret->count++] = *at;
        }
    }
    bool negative = at[1] == '-';
    ret->exponent = 0;
    for (at += 2; ms_json_is_digit(*at); at++) {
        ret->exponent = 10 * ret->exponent + (*at - '0');
    }
    if (negative) {
        ret->exponent = -ret->exponent;
    }
}

static bool reads_back(const struct digits *digits, double value)
{
    char text[MOST_DIGITS + 16];
    memcpy(text, digits->digits, (size_t)digits->count);
    char *at = text + digits->count;
    int exponent = digits->exponent - (digits->count - 1);
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    at = put_int(at, exponent < 0 ? -exponent : exponent);
    mastra_str number = {text, (size_t)(at - text)};
    return ms_json_double(number) == value;
}

/* The next larger number of as many digits. */
static void increment(struct digits *digits)
{
    int i = digits->count - 1;
    while (i >= 0 && digits->digits[i] == '9') {
        digits->digits[i--] = '0';
    }
    if (i >= 0) {
        digits->digits[i]++;
        return;
    }
    digits->digits[0] = '1';
    digits->exponent++;
}

/*
 * Above a power of two doubles lie twice as far apart as below it: there the digits that are nearest from
 * below may read as the lower neighbour, while those next above still read as the number itself.
 */
static bool fits_with(double value, int count, struct digits *ret)
{
    round_digits(value, count, ret);
    if (reads_back(ret, value)) {
        return true;
    }
    int exponent;
    if (frexp(value, &exponent) != 0.5) {
        return false;
    }
    increment(ret);
    return reads_back(ret, value);
}

/* The fewest digits that read back as the number. */
static void shortest_digits(double value, struct digits *ret)
{
    /*
     * Every decimal of up to 15 digits survives the way through a normal double, so shorter ones show by
     * zeros.
     */
    int count = fpclassify(value) == FP_NORMAL ? 15 : 1;
    while (count < MOST_DIGITS && !fits_with(value, count, ret)) {
        count++;
    }
    if (count == MOST_DIGITS) {
        round_digits(value, count, ret);
    }
    while (ret->count > 1 && ret->digits[ret->count - 1] == '0') {
        ret->count--;
    }
}

/* Appends digits[from..to) and zeros where there are none. */
static char *put_range(char *at, const struct digits *digits, int from, int to)
{
    for (int i = from; i < to; i++) {
        *at++ = i < digits->count ? digits->digits[i] : '0';
    }
    return at;
}

static char *put_digits(char *at, const struct digits *digits)
{
    int point = digits->exponent + 1; /* digits in front of the point */
    if (point > 0 && point <= 21) {
        at = put_range(at, digits, 0, point);
        if (digits->count > point) {
            *at++ = '.';
            at = put_range(at, digits, point, digits->count);
        }
        return at;
    }
    if (point <= 0 && point > -6) {
        *at++ = '0';
        *at++ = '.';
        for (int i = point; i < 0; i++) {
            *at++ = '0';
        }
        return put_range(at, digits, 0, digits->count);
    }
    *at++ = digits->digits[0];
    if (digits->count > 1) {
        *at++ = '.';
        at = put_range(at, digits, 1, digits->count);
    }
    *at++ = 'e';
    *at++ = digits->exponent < 0 ? '-' : '+';
    return put_int(at, digits->exponent < 0 ? -digits->exponent : digits->exponent);
}

size_t ms_json_format_double(double value, char out[MS_JSON_DOUBLE_SIZE])
{
    char *at = out;
    if (value < 0) {
        *at++ = '-';
        value = -value;
    }
    if (value < 9007199254740992.0 && value == (double)(int64_t)value) {
        at = put_int(at, (int64_t)value);
    } else {
        struct digits digits;
        shortest_digits(value, &digits);
        at = put_digits(at, &digits);
    }
    *at = '\0';
    return (size_t)(at - out);
}
