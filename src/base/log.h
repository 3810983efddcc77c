/* The log callback of one store. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <mastra/types.h>

struct ms_log {
    mastra_log_fn fn; /* NULL: silent */
    void *user;
    mastra_log_level level;
};

/* Formats into a line of at most 512 bytes and hands it to the callback, when there is one for this level. */
void ms_log_write(const struct ms_log *log, mastra_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
