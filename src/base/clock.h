/* Wall-clock time in milliseconds, its ISO 8601 forms, and a monotonic clock for deadlines. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <mastra/types.h>

/* "2024-01-01T00:00:01.000Z" and its terminator; years outside 0..9999 print as JavaScript does ("+012345-…"). */
#define MS_ISO_SIZE 32

mastra_time ms_clock_now(void);
int64_t ms_clock_now_us(void);

/* Nanoseconds of a clock that never goes back. */
int64_t ms_clock_monotonic_ns(void);

/* Blocks the thread for the given time. */
void ms_clock_sleep_us(int64_t microseconds);

/* The years 0 to 9999, whose forms compare as text as the times do. */
#define MS_TIME_FIRST INT64_C(-62167219200000)
#define MS_TIME_LAST  INT64_C(253402300799999)

/* The range of times that JavaScript dates can hold: +-8.64e15 ms. */
bool ms_time_valid(mastra_time time);

/* Writes the form that JavaScript's toISOString gives; returns its length. `time` must be valid. */
size_t ms_time_format(mastra_time time, char out[MS_ISO_SIZE]);

/*
 * Reads ISO 8601 as JavaScript's Date does: date alone (UTC), date and time separated by T or a blank, optional
 * seconds and fraction (any number of digits, cut to milliseconds), zone Z, +hh:mm, -hh:mm, +hhmm, +hh; a missing
 * zone means UTC whatever the process's time zone is. 24:00:00 is allowed, leap seconds are not. Also
 * "+012345-01-01T…" years. Returns false when the text is anything else.
 */
bool ms_time_parse(mastra_str text, mastra_time *ret);

#endif
