/* Comparing texts. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <mastra/types.h>

/* By bytes, the shorter of two that agree so far first: less than 0, 0, more than 0. An absent text is an empty one. */
static inline int ms_str_compare(mastra_str a, mastra_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* FNV-1a over several texts, beginning with MS_HASH_START: it tells texts apart that nobody has chosen to be alike. */
#define MS_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t ms_str_hash(uint64_t hash, mastra_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif
