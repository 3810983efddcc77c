#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

#define LINE_SIZE 512

void ms_log_write(const struct ms_log *log, mastra_log_level level, const char *format, ...)
{
    if (!log || !log->fn || level > log->level) {
        return;
    }
    char text[LINE_SIZE + 1];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0) {
        return;
    }

    char line[LINE_SIZE];
    ms_error_copy(line, sizeof(line), mastra_str_of(text));
    for (char *at = line; *at; at++) {
        if (*at == '\n' || *at == '\r') {
            *at = ' ';
        }
    }
    log->fn(log->user, level, line);
}
