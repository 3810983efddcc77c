#include "table.h"

#include "cli.h"
#include "json.h"
#include "moment.h"
#include "text.h"

#include <stdlib.h>

#define GAP      2
#define ELLIPSIS "\xE2\x80\xA6"

void table_init(struct table *table, const struct table_column *columns)
{
    *table = (struct table){.columns = columns};
    while (table->column_count < TABLE_COLUMNS && columns[table->column_count].title) {
        table->column_count++;
    }
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
    table->cell_room = 0;
}

/* A stream for the next cell; NULL when memory is out. */
static FILE *begin_cell(struct table *table)
{
    if (table->cell_count == table->cell_room) {
        size_t room = table->cell_room ? 2 * table->cell_room : 64;
        char **cells = realloc(table->cells, room * sizeof *cells);

        if (!cells) {
            table->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->cell_room = room;
    }
    table->cell = open_memstream(&table->cell_text, &table->cell_len);
    table->failed = table->failed || !table->cell;
    return table->cell;
}

static void end_cell(struct table *table)
{
    if (fclose(table->cell) == 0) {
        table->cells[table->cell_count++] = table->cell_text;
    } else {
        free(table->cell_text);
        table->failed = true;
    }
}

void table_add_text(struct table *table, mastra_str text)
{
    FILE *cell = begin_cell(table);

    if (cell) {
        text_write_line(cell, text.ptr ? text : mastra_str_of("-"));
        end_cell(table);
    }
}

void table_add_time(struct table *table, mastra_time time)
{
    FILE *cell = begin_cell(table);

    if (cell) {
        text_write_time(cell, time);
        end_cell(table);
    }
}

void table_add_span(struct table *table, mastra_time from, mastra_time to)
{
    FILE *cell = begin_cell(table);

    if (cell) {
        moment_write_span(cell, from, to);
        end_cell(table);
    }
}

void table_add_size(struct table *table, size_t bytes)
{
    FILE *cell = begin_cell(table);

    if (cell) {
        text_write_size(cell, bytes);
        end_cell(table);
    }
}

void table_add_number(struct table *table, double number)
{
    FILE *cell = begin_cell(table);

    if (cell) {
        if (isnan(number)) {
            fputc('-', cell);
        } else {
            fprintf(cell, "%.6g", number);
        }
        end_cell(table);
    }
}

void table_add_integer(struct table *table, int64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", (long long)number);
    table_add_text(table, mastra_str_of(number == MASTRA_INTEGER_NONE ? NULL : text));
}

void table_add_json(struct table *table, mastra_str value)
{
    mastra_str text = {NULL, 0};
    char *owned = NULL;

    if (!json_text(value, &text, &owned)) {
        table->failed = true;
    }
    table_add_text(table, text);
    free(owned);
}

/* The widest column that is cut no later than `cut`; column_count when none is wider than `least`. */
static size_t widest(const struct table *table, const size_t *widths, enum table_cut cut, size_t least)
{
    size_t found = table->column_count;

    for (size_t i = 0; i < table->column_count; i++) {
        if (widths[i] > least && table->columns[i].cut <= cut) {
            found = i;
            least = widths[i];
        }
    }
    return found;
}

/* Takes from the widest column, a step at a time, until the row fits. */
static void shrink(const struct table *table, size_t *widths, size_t room)
{
    static const size_t least[] = {[TABLE_TEXT] = 16, [TABLE_ID] = 12, [TABLE_WHOLE] = 4};
    enum table_cut cut = TABLE_TEXT;
    size_t total = GAP * (table->column_count - 1);

    for (size_t i = 0; i < table->column_count; i++) {
        total += widths[i];
    }
    while (total > room && cut <= TABLE_WHOLE) {
        size_t column = widest(table, widths, cut, least[cut]);

        if (column == table->column_count) {
            cut++;
            continue;
        }
        widths[column]--;
        total--;
    }
}

/* The column of the cell that follows one of this column. */
static size_t next_column(const struct table *table, size_t column)
{
    return column + 1 < table->column_count ? column + 1 : 0;
}

static void measure(const struct table *table, size_t *widths, bool wide)
{
    size_t room = wide ? SIZE_MAX : text_terminal_width();

    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = text_columns(table->columns[i].title);
    }
    for (size_t i = 0, column = 0; i < table->cell_count; i++, column = next_column(table, column)) {
        size_t columns;

        /* A long text need not be measured to its end. */
        text_fitting(table->cells[i], room, &columns);
        widths[column] = columns > widths[column] ? columns : widths[column];
    }
    if (!wide) {
        shrink(table, widths, room);
    }
}

/* Nothing follows the last column, not even blanks. */
static void print_cell(FILE *out, const char *text, size_t width, bool last)
{
    size_t columns;
    size_t len = text_fitting(text, width, &columns);

    if (text[len]) {
        len = text_fitting(text, width - 1, &columns);
        fwrite(text, 1, len, out);
        fputs(ELLIPSIS, out);
        columns++;
    } else {
        fwrite(text, 1, len, out);
    }
    if (last) {
        fputc('\n', out);
    } else {
        fprintf(out, "%*s", (int)(width - columns + GAP), "");
    }
}

bool table_print(const struct table *table, FILE *out, bool wide)
{
    size_t widths[TABLE_COLUMNS] = {0};

    if (table->failed) {
        return false;
    }
    measure(table, widths, wide);
    for (size_t i = 0; i < table->column_count; i++) {
        print_cell(out, table->columns[i].title, widths[i], i + 1 == table->column_count);
    }
    for (size_t i = 0, column = 0; i < table->cell_count; i++, column = next_column(table, column)) {
        print_cell(out, table->cells[i], widths[column], column + 1 == table->column_count);
    }
    return true;
}

int table_finish(struct table *table, bool wide)
{
    bool ok = table->cell_count == 0 ? !table->failed : table_print(table, stdout, wide);

    table_release(table);
    return ok ? 0 : cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
}
