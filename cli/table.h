/* Aligned tables for people. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <mastra/mastra.h>

#include <stdio.h>

#define TABLE_COLUMNS 8

struct table_column {
    const char *title;
    bool whole; /* an id or a time: cut only when cutting the others is not enough */
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
void table_release(struct table *table);

/* Adds cells from left to right, row after row. */
void table_add_text(struct table *table, mastra_str text); /* absent: "-" */
void table_add_time(struct table *table, mastra_time time);

/* Prints the table; `wide`: without cutting. Returns false when memory ran out. */
bool table_print(const struct table *table, FILE *out, bool wide);

#endif
