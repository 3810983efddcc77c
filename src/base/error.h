/* Filling the caller's error record. Every function takes a NULL error and returns the status it was given. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <mastra/types.h>

/* Sets status and message; clears field, value and backend detail; keeps operation and id. */
mastra_status ms_error_set(mastra_error *error, mastra_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A bad argument: "<field> <complaint>" or, when `value` is present, "<field> <complaint>, got <value>", the value
 * quoted, cut to what fits and with control characters shown as spaces.
 */
mastra_status ms_error_argument(mastra_error *error, const char *field, mastra_str value,
                                const char *complaint);

/* Out of memory. */
static inline mastra_status ms_error_oom(mastra_error *error)
{
    ms_error_set(error, MASTRA_OUT_OF_MEMORY, "out of memory");
    return MASTRA_OUT_OF_MEMORY;
}

/* Copies `text` into `dst` of `size` bytes, cut at a UTF-8 boundary, always terminated. */
void ms_error_copy(char *dst, size_t size, mastra_str text);

/* Copies what fits of `from` into the caller's record, whose size field rules; does nothing when `error` is NULL. */
void ms_error_export(mastra_error *error, const mastra_error *from);

#endif
