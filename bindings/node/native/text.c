#include "text.h"

#include <stdint.h>
#include <string.h>

/* Several characters are looked at together. */
#define BYTES_AT_ONCE  8
#define NOT_ASCII      UINT64_C(0x8080808080808080)
#define UNITS_AT_ONCE  4
#define NOT_ASCII_WIDE UINT64_C(0xff80ff80ff80ff80)
#define HALVES         UINT64_C(0x0000ffff0000ffff)
#define UNITS          UINT64_C(0x00ff00ff00ff00ff)

static uint64_t word_at(const void *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
    return word;
}

/* Four units of ASCII as bytes, and back; either way on machines of either byte order. */
static void narrow(uint64_t units, unsigned char *out)
{
    uint32_t bytes;

    units = (units | units >> 8) & HALVES;
    bytes = (uint32_t)(units | units >> 16);
    memcpy(out, &bytes, sizeof bytes);
}

static void widen(const unsigned char *bytes, char16_t *out)
{
    uint32_t word;
    uint64_t units;

    memcpy(&word, bytes, sizeof word);
    units = word;
    units = (units | units << 16) & HALVES;
    units = (units | units << 8) & UNITS;
    memcpy(out, &units, sizeof units);
}

bool text_is_ascii(const char *text, size_t len)
{
    uint64_t seen = 0;
    size_t at = 0;

    for (; at + BYTES_AT_ONCE <= len; at += BYTES_AT_ONCE) {
        seen |= word_at(text + at);
    }
    for (; at < len; at++) {
        seen |= (unsigned char)text[at];
    }
    return (seen & NOT_ASCII) == 0;
}

/* How many bytes the character has that begins with this one, and the smallest that needs as many; 0: none does. */
static size_t sequence(unsigned char first, char32_t *ret_min)
{
    if (first >= 0xc2 && first < 0xe0) {
        *ret_min = 0x80;
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        *ret_min = 0x800;
        return 3;
    }
    if (first >= 0xf0 && first < 0xf5) {
        *ret_min = 0x10000;
        return 4;
    }
    return 0;
}

/* The character of several bytes at the beginning of the text, and its length; 0: there is none. */
static size_t decode(const unsigned char *text, size_t len, char32_t *ret)
{
    char32_t min = 0;
    size_t count = sequence(text[0], &min);
    char32_t character;

    if (count == 0 || count > len) {
        return 0;
    }
    character = text[0] & (0xffu >> (count + 1));
    for (size_t i = 1; i < count; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (text[i] & 0x3f);
    }
    if (character < min || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) {
        return 0;
    }
    *ret = character;
    return count;
}

bool text_to_utf16(const char *text, size_t len, char16_t *units, size_t *ret_units)
{
    const unsigned char *bytes = (const unsigned char *)text;
    char16_t *out = units;
    size_t at = 0;

    while (at < len) {
        char32_t character;
        size_t count;

        if (at + BYTES_AT_ONCE <= len && !(word_at(bytes + at) & NOT_ASCII)) {
            widen(bytes + at, out);
            widen(bytes + at + UNITS_AT_ONCE, out + UNITS_AT_ONCE);
            out += BYTES_AT_ONCE;
            at += BYTES_AT_ONCE;
            continue;
        }
        if (bytes[at] < 0x80) {
            *out++ = bytes[at++];
            continue;
        }
        count = decode(bytes + at, len - at, &character);
        if (count == 0) {
            return false;
        }
        at += count;
        if (character >= 0x10000) {
            *out++ = (char16_t)(0xd7c0 + (character >> 10));
            character = 0xdc00 | (character & 0x3ff);
        }
        *out++ = (char16_t)character;
    }
    *ret_units = (size_t)(out - units);
    return true;
}

/* The character of one unit or two at the beginning. */
static size_t join(const char16_t *units, size_t count, char32_t *ret)
{
    char32_t unit = units[0];

    *ret = unit;
    if (unit < 0xd800 || unit >= 0xe000) {
        return 1;
    }
    if (unit < 0xdc00 && count > 1 && units[1] >= 0xdc00 && units[1] < 0xe000) {
        *ret = 0x10000 + ((unit - 0xd800) << 10) + (units[1] - 0xdc00u);
        return 2;
    }
    *ret = 0xfffd;
    return 1;
}

size_t text_to_utf8(const char16_t *units, size_t count, char *text)
{
    unsigned char *out = (unsigned char *)text;
    size_t at = 0;

    while (at < count) {
        char32_t character;

        if (at + UNITS_AT_ONCE <= count && !(word_at(units + at) & NOT_ASCII_WIDE)) {
            narrow(word_at(units + at), out);
            out += UNITS_AT_ONCE;
            at += UNITS_AT_ONCE;
            continue;
        }
        if (units[at] < 0x80) {
            *out++ = (unsigned char)units[at++];
            continue;
        }
        at += join(units + at, count - at, &character);
        if (character < 0x800) {
            *out++ = (unsigned char)(0xc0 | character >> 6);
        } else if (character < 0x10000) {
            *out++ = (unsigned char)(0xe0 | character >> 12);
            *out++ = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        } else {
            *out++ = (unsigned char)(0xf0 | character >> 18);
            *out++ = (unsigned char)(0x80 | (character >> 12 & 0x3f));
            *out++ = (unsigned char)(0x80 | (character >> 6 & 0x3f));
        }
        *out++ = (unsigned char)(0x80 | (character & 0x3f));
    }
    return (size_t)(out - (unsigned char *)text);
}
