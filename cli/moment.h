/* Times as people write them, and as they read them. */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include <mastra/mastra.h>

#include <stdio.h>

mastra_time moment_now(void);

/*
 * Reads "2026-01-31", "2026-01-31T12:00", with seconds, fractions of them and a zone (else UTC), or an age: "90s",
 * "45m", "12h", "30d", "2w" before now. False when it is neither.
 */
bool moment_read(const char *text, mastra_time *ret);

/* Writes "0 ms", "1.25 s", "2 min 05 s", "3 h 20 min" or "4 d 6 h"; "-" for what is not known. */
void moment_write_span(FILE *out, mastra_time from, mastra_time to);

#endif
