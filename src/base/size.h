/* Numbers of bytes for people. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stddef.h>
#include <stdint.h>

#define MS_SIZE_SIZE 32

/* "128 KB", as PostgreSQL's pg_size_pretty rounds: a unit is used up to ten thousand of it. Returns the length. */
size_t ms_size_format(int64_t bytes, char out[MS_SIZE_SIZE]);

#endif
