#include "base/lowercase.h"

#include "base/lowercase_tables.h"

#include <string.h>

#define COUNT(array)       (sizeof(array) / sizeof((array)[0]))

#define CAPITAL_I_WITH_DOT 0x130
#define COMBINING_DOT      0x307
#define CAPITAL_SIGMA      0x3a3
#define FINAL_SIGMA        0x3c2
#define SMALL_SIGMA        0x3c3

/* The text is valid: lengths follow from the first byte. */
static size_t decode(const unsigned char *at, uint32_t *point)
{
    if (at[0] < 0x80) {
        *point = at[0];
        return 1;
    }
    if (at[0] < 0xe0) {
        *point = (uint32_t)(at[0] & 0x1f) << 6 | (at[1] & 0x3f);
        return 2;
    }
    if (at[0] < 0xf0) {
        *point = (uint32_t)(at[0] & 0x0f) << 12 | (uint32_t)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
        return 3;
    }
    *point = (uint32_t)(at[0] & 0x07) << 18 | (uint32_t)(at[1] & 0x3f) << 12 | (uint32_t)(at[2] & 0x3f) << 6 |
             (at[3] & 0x3f);
    return 4;
}

static size_t encode(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static bool in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;

        if (point > ranges[middle].last) {
            low = middle + 1;
        } else if (point < ranges[middle].first) {
            count = middle;
        } else {
            return true;
        }
    }
    return false;
}

/* What a final sigma sees when it looks past a character. */
enum sight {
    SIGHT_THROUGH,
    SIGHT_CASED,
    SIGHT_OTHER,
};

/* Some characters are both; they are looked through. */
static enum sight sight_of(uint32_t point)
{
    if (in_ranges(case_ignorable, COUNT(case_ignorable), point)) {
        return SIGHT_THROUGH;
    }
    return in_ranges(cased, COUNT(cased), point) ? SIGHT_CASED : SIGHT_OTHER;
}

static bool follows_cased(const unsigned char *start, const unsigned char *at)
{
    while (at > start) {
        enum sight sight;
        uint32_t point;

        do {
            at--;
        } while ((*at & 0xc0) == 0x80);
        decode(at, &point);
        sight = sight_of(point);
        if (sight != SIGHT_THROUGH) {
            return sight == SIGHT_CASED;
        }
    }
    return false;
}

static bool precedes_cased(const unsigned char *at, const unsigned char *end)
{
    while (at < end) {
        enum sight sight;
        uint32_t point;

        at += decode(at, &point);
        sight = sight_of(point);
        if (sight != SIGHT_THROUGH) {
            return sight == SIGHT_CASED;
        }
    }
    return false;
}

static uint32_t lower(uint32_t point)
{
    size_t low = 0;
    size_t count = COUNT(mappings);

    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const struct mapping *mapping = &mappings[middle];

        if (point > mapping->last) {
            low = middle + 1;
        } else if (point < mapping->first) {
            count = middle;
        } else {
            return (point - mapping->first) % mapping->step == 0 ? point + (uint32_t)mapping->delta : point;
        }
    }
    return point;
}

size_t ms_lowercase(mastra_str text, char *out)
{
    const unsigned char *start = (const unsigned char *)text.ptr;
    const unsigned char *end = start + text.len;
    char *to = out;

    for (const unsigned char *at = start; at < end;) {
        uint32_t point;
        size_t len;

        if (*at < 0x80) {
            *to++ = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
            at++;
            continue;
        }
        len = decode(at, &point);
        if (point == CAPITAL_I_WITH_DOT) {
            *to++ = 'i';
            to += encode(COMBINING_DOT, to);
        } else if (point == CAPITAL_SIGMA) {
            bool final = follows_cased(start, at) && !precedes_cased(at + len, end);

            to += encode(final ? FINAL_SIGMA : SMALL_SIGMA, to);
        } else {
            to += encode(lower(point), to);
        }
        at += len;
    }
    return (size_t)(to - out);
}

size_t ms_lowercase_steady(mastra_str text)
{
    const unsigned char *start = (const unsigned char *)text.ptr;
    const unsigned char *end = start + text.len;
    size_t steady = text.len;

    /* The last sigma beyond which there is nothing that stops its view. */
    for (const unsigned char *at = end; at > start;) {
        uint32_t point;

        do {
            at--;
        } while ((*at & 0xc0) == 0x80);
        decode(at, &point);
        if (point == CAPITAL_SIGMA) {
            steady = (size_t)(at - start);
        }
        if (sight_of(point) != SIGHT_THROUGH && point != CAPITAL_SIGMA) {
            break;
        }
    }
    return steady;
}
