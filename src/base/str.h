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

#endif
