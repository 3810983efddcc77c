/* Text for a terminal: what it may hold, and how wide it is. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <mastra/mastra.h>

#include <stdio.h>

/*
 * Writes a text on one line: control characters and characters that turn the direction of writing become spaces (one
 * for several), bytes that are not UTF-8 become U+FFFD.
 */
void text_write_line(FILE *out, mastra_str text);

/* Columns that a text takes which text_write_line has written. */
size_t text_columns(const char *text);

/* The length of the longest beginning of such a text that takes at most so many columns. */
size_t text_fitting(const char *text, size_t columns, size_t *ret_columns);

/* Columns of the terminal that a descriptor is open to: what it says itself, else COLUMNS, else 100. */
size_t text_width_of(int descriptor);

/* The same of stdout, but never too few for a table. */
size_t text_terminal_width(void);

/* Writes JSON to a terminal: the control characters that strings may hold unescaped become escapes. */
void text_write_json(FILE *out, const char *json, size_t len);

/* Writes a JSON string. */
void text_write_json_string(FILE *out, const char *text);

/* Writes "2024-01-01 00:00:01", or "-" for the absent time. UTC. */
void text_write_time(FILE *out, mastra_time time);

/* Writes "662 B", "1.5 KiB", "3.0 MiB". */
void text_write_size(FILE *out, size_t bytes);

/* Whether the terminal takes UTF-8, by what LC_ALL, LC_CTYPE or LANG says; and whether stdout takes colours. */
bool text_is_utf8(void);
bool text_is_coloured(void);

/* Writes a URL with the passwords and tokens in it replaced by ***. */
void text_write_url(FILE *out, const char *url);

#endif
