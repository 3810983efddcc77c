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

/* Columns of the terminal: what it says itself, else COLUMNS, else 100. */
size_t text_terminal_width(void);

/* Writes JSON to a terminal: the control characters that strings may hold unescaped become escapes. */
void text_write_json(FILE *out, const char *json, size_t len);

/* Writes a JSON string. */
void text_write_json_string(FILE *out, const char *text);

/* Writes "2024-01-01 00:00:01", or "-" for the absent time. UTC. */
void text_write_time(FILE *out, mastra_time time);

/* Writes a URL with the passwords and tokens in it replaced by ***. */
void text_write_url(FILE *out, const char *url);

#endif
