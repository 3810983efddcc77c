/* Aligned tables for people. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <mastra/mastra.h>

#include <stdio.h>

#define TABLE_COLUMNS 8

/* When a row does not fit, texts are cut first, then ids; what should stay whole only when that is not enough. */
enum table_cut {
    TABLE_TEXT,
    TABLE_ID,
    TABLE_WHOLE,
};

struct table_column {
    const char *title;
    enum table_cut cut;
};

struct table {
    const struct table_column *columns; /* ended by a NULL title; at most TABLE_COLUMNS */
    size_t column_count;
    char **cells; /* row by row */
    size_t cell_count;
    size_t cell_room;
    FILE *cell; /* the one that is being written */
    char *cell_text;
    size_t cell_len;
    bool failed; /* memory is out */
};

void table_init(struct table *table, const struct table_column *columns);
void table_release(struct table *table); /* leaves an empty one */

/* Adds cells from left to right, row after row. */
void table_add_text(struct table *table, mastra_str text); /* absent: "-" */
void table_add_time(struct table *table, mastra_time time);
void table_add_span(struct table *table, mastra_time from, mastra_time to); /* how long */
void table_add_size(struct table *table, size_t bytes);
void table_add_number(struct table *table, double number);
void table_add_integer(struct table *table, int64_t number);
void table_add_json(struct table *table, mastra_str value); /* a JSON string without its quotes; null: "-" */

/* Prints the table; `wide`: without cutting. Returns false when memory ran out. */
bool table_print(const struct table *table, FILE *out, bool wide);

/* Prints a table on stdout, unless it is empty, and releases it; returns the exit code. */
int table_finish(struct table *table, bool wide);

#endif
