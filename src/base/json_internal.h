/* What the parts of the JSON module share with each other only. */
#ifndef BASE_JSON_INTERNAL_H
#define BASE_JSON_INTERNAL_H

#include "base/json.h"

#include <endian.h>

#define MS_JSON_ONES  UINT64_C(0x0101010101010101)
#define MS_JSON_HIGHS UINT64_C(0x8080808080808080)

/* Eight bytes of text; the first one is the lowest byte of the word on every machine. */
static inline uint64_t ms_json_word(const char *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, sizeof(word));
    return le64toh(word);
}

/* The high bit of each byte that equals c. Bits above the lowest one that is set may be false. */
static inline uint64_t ms_json_word_equal(uint64_t word, unsigned char c)
{
    uint64_t zero = word ^ (MS_JSON_ONES * c);
    return (zero - MS_JSON_ONES) & ~zero & MS_JSON_HIGHS;
}

/* The high bit of each byte below 0x20, with the same reserve. */
static inline uint64_t ms_json_word_control(uint64_t word)
{
    return (word - MS_JSON_ONES * 0x20) & ~word & MS_JSON_HIGHS;
}

/* The number of bytes in front of the lowest one that is marked. */
static inline unsigned ms_json_word_index(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) >> 3;
}

static inline bool ms_json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool ms_json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *ms_json_skip_space(const char *at, const char *end)
{
    while (at < end && ms_json_is_space(*at)) {
        at++;
    }
    return at;
}

/* Whether two numbers have the same exact decimal value. */
bool ms_json_number_same(mastra_str a, mastra_str b);

#endif
