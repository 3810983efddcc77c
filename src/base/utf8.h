/* UTF-8 checks as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <mastra/types.h>

/* The offset of the first byte that is not part of valid UTF-8, or len when all is valid. Fast on ASCII. */
size_t ms_utf8_valid_prefix(const char *ptr, size_t len);
bool ms_utf8_valid(mastra_str text);

/* The largest n <= max such that ptr[0..n) does not cut a character. */
size_t ms_utf8_cut(const char *ptr, size_t len, size_t max);

#endif
