/* The commands stats and backup. */
#include "cli.h"
#include "progress.h"
#include "table.h"
#include "text.h"

#include <stdlib.h>

/* stats */

struct stats {
    bool json;
    struct table tables;
    struct table days;
    struct table largest;
    FILE *out[3]; /* --json: members of the arrays, by kind */
    char *texts[3];
    size_t lens[3];
};

static const struct table_column table_columns[] = {{"TABLE", TABLE_WHOLE},  {"ROWS", TABLE_WHOLE},
                                                    {"SIZE", TABLE_WHOLE},   {"OLDEST", TABLE_WHOLE},
                                                    {"NEWEST", TABLE_WHOLE}, {NULL, TABLE_TEXT}};
static const struct table_column day_columns[] = {{"DAY", TABLE_WHOLE},
                                                  {"TABLE", TABLE_WHOLE},
                                                  {"ROWS", TABLE_WHOLE},
                                                  {"SIZE", TABLE_WHOLE},
                                                  {NULL, TABLE_TEXT}};
static const struct table_column largest_columns[] = {{"LARGEST", TABLE_WHOLE},
                                                      {"KEY", TABLE_ID},
                                                      {"ROWS", TABLE_WHOLE},
                                                      {"SIZE", TABLE_WHOLE},
                                                      {NULL, TABLE_TEXT}};

static void put_time(FILE *out, const char *name, mastra_time time)
{
    if (time == MASTRA_TIME_NONE) {
        fprintf(out, ",\"%s\":null", name);
    } else {
        fprintf(out, ",\"%s\":%lld", name, (long long)time);
    }
}

static void put_stat(struct stats *stats, const mastra_stat *stat)
{
    int n = (int)stat->kind - 1;
    FILE *out = stats->out[n];

    fprintf(out, "%s{\"table\":\"%s\",\"rows\":%lld,\"bytes\":%lld", ftell(out) > 0 ? "," : "", stat->table,
            (long long)stat->rows, (long long)stat->bytes);
    if (stat->kind == MASTRA_STAT_TABLE) {
        put_time(out, "oldest", stat->oldest);
        put_time(out, "newest", stat->newest);
    } else if (stat->kind == MASTRA_STAT_DAY) {
        put_time(out, "day", stat->day);
    } else {
        fputs(",\"key\":", out);
        text_write_json_string(out, stat->key.ptr);
    }
    fputc('}', out);
}

/* "2024-01-31" */
static void add_day(struct table *table, mastra_time day)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out) {
        text_write_time(out, day);
    }
    if (!out || fclose(out) != 0) {
        table->failed = true;
    }
    table_add_text(table, (mastra_str){text, text ? strcspn(text, " ") : 0});
    free(text);
}

static void tell(void *user, const mastra_stat *stat)
{
    struct stats *stats = user;

    if (stats->json) {
        put_stat(stats, stat);
        return;
    }
    switch (stat->kind) {
    case MASTRA_STAT_TABLE:
        table_add_text(&stats->tables, mastra_str_of(stat->table));
        table_add_integer(&stats->tables, stat->rows);
        table_add_size(&stats->tables, (size_t)stat->bytes);
        table_add_time(&stats->tables, stat->oldest);
        table_add_time(&stats->tables, stat->newest);
        break;
    case MASTRA_STAT_DAY:
        add_day(&stats->days, stat->day);
        table_add_text(&stats->days, mastra_str_of(stat->table));
        table_add_integer(&stats->days, stat->rows);
        table_add_size(&stats->days, (size_t)stat->bytes);
        break;
    default:
        table_add_text(&stats->largest, mastra_str_of(stat->table));
        table_add_text(&stats->largest, stat->key);
        table_add_integer(&stats->largest, stat->rows);
        table_add_size(&stats->largest, (size_t)stat->bytes);
    }
}

static bool begin(struct stats *stats, bool json)
{
    *stats = (struct stats){.json = json};
    table_init(&stats->tables, table_columns);
    table_init(&stats->days, day_columns);
    table_init(&stats->largest, largest_columns);
    for (int i = 0; json && i < 3; i++) {
        stats->out[i] = open_memstream(&stats->texts[i], &stats->lens[i]);
        if (!stats->out[i]) {
            return false;
        }
    }
    return true;
}

static bool close_texts(struct stats *stats)
{
    bool written = true;

    for (int i = 0; i < 3; i++) {
        written = (!stats->out[i] || fclose(stats->out[i]) == 0) && written;
    }
    return written;
}

static void print_total(const mastra_stats_report *report)
{
    printf("\n%lld rows, ", (long long)report->rows);
    text_write_size(stdout, (size_t)report->bytes);
    if (report->database_bytes != MASTRA_INTEGER_NONE) {
        fputs("; the database takes ", stdout);
        text_write_size(stdout, (size_t)report->database_bytes);
    }
    putchar('\n');
}

static int print(struct stats *stats, const mastra_stats_report *report)
{
    bool days = stats->days.cell_count > 0;
    bool largest = stats->largest.cell_count > 0;
    int code;

    if (stats->json) {
        printf("{\"rows\":%lld,\"bytes\":%lld,\"databaseBytes\":", (long long)report->rows,
               (long long)report->bytes);
        if (report->database_bytes == MASTRA_INTEGER_NONE) {
            fputs("null", stdout);
        } else {
            printf("%lld", (long long)report->database_bytes);
        }
        printf(",\"tables\":[%s],\"days\":[%s],\"largest\":[%s]}\n", stats->texts[0], stats->texts[1],
               stats->texts[2]);
        return 0;
    }
    code = table_finish(&stats->tables, false);
    if (days) {
        putchar('\n');
    }
    code = code ? code : table_finish(&stats->days, false);
    if (largest) {
        putchar('\n');
    }
    code = code ? code : table_finish(&stats->largest, false);
    print_total(report);
    return code;
}

int run_stats(struct cli *cli)
{
    mastra_stats_report report = MASTRA_STATS_REPORT_INIT;
    mastra_stats_args args = MASTRA_STATS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_OUT_OF_MEMORY;
    struct stats stats;
    int code = cli_open_as_it_is(cli);

    if (code != 0) {
        return code;
    }
    if (begin(&stats, cli->options.json)) {
        args.tell = tell;
        args.user = &stats;
        status = mastra_stats(cli->store, &args, &report, &error);
    }
    if (!close_texts(&stats) && status == MASTRA_OK) {
        status = MASTRA_OUT_OF_MEMORY;
    }
    if (status == MASTRA_OK) {
        code = print(&stats, &report);
    } else {
        code = error.status != MASTRA_OK ? cli_fail(&error) : cli_complain(status, "out of memory");
    }
    table_release(&stats.tables);
    table_release(&stats.days);
    table_release(&stats.largest);
    for (int i = 0; i < 3; i++) {
        free(stats.texts[i]);
    }
    return code;
}

/* backup */

static void tell_backup(void *user, int64_t done, int64_t total)
{
    struct progress *progress = user;

    progress->total = total;
    progress_tell(progress, "backup", done);
}

int run_backup(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    struct progress progress;
    mastra_status status;
    int code = cli_check_file("backup", cli->args[0]);

    if (code == 0) {
        code = cli_open_as_it_is(cli);
    }
    if (code != 0) {
        return code;
    }
    progress_begin(&progress, cli->options.quiet);
    progress.unit = "bytes";
    status = mastra_backup(cli->store, cli->args[0], tell_backup, &progress, &error);
    progress_clear(&progress);
    if (status != MASTRA_OK) {
        return cli_fail(&error);
    }
    fputs("written: ", stdout);
    text_write_line(stdout, mastra_str_of(cli->args[0]));
    putchar('\n');
    return 0;
}
