/* Commands on two stores: copy, diff. */
#include "choice.h"
#include "cli.h"
#include "progress.h"
#include "table.h"
#include "text.h"

#include <stdlib.h>

/* Exit code of a comparison that found something, and of a copy that left something out. */
#define EXIT_DIFFERENT 1

struct transfer {
    struct cli *cli;
    struct progress progress;
    bool compare;
    int64_t done; /* rows of the tables before this one */
    struct table table;
    FILE *notes; /* --json: members of an array: the columns and rows that are told of */
    char *notes_text;
    size_t notes_len;
    const char *separator;
    FILE *tables;
    char *tables_text;
    size_t tables_len;
};

/* What is told of a column or a row. */

static const char *news_name(mastra_copy_news news)
{
    switch (news) {
    case MASTRA_COPY_COLUMN:
        return "column";
    case MASTRA_COPY_REFUSED:
        return "refused";
    case MASTRA_COPY_MISSING:
        return "missing";
    case MASTRA_COPY_EXTRA:
        return "extra";
    default:
        return "different";
    }
}

static void put_member(FILE *out, const char *name, mastra_str text)
{
    if (text.ptr) {
        fprintf(out, ",\"%s\":", name);
        text_write_json_string(out, text.ptr);
    }
}

static void note_json(struct transfer *transfer, const mastra_copy_event *event)
{
    FILE *out = transfer->notes;

    fprintf(out, "%s{\"what\":\"%s\",\"table\":\"%s\"", transfer->separator, news_name(event->news),
            event->table);
    put_member(out, "key", event->key);
    put_member(out, "columns", event->columns);
    put_member(out, "reason", event->reason);
    if (event->news == MASTRA_COPY_COLUMN) {
        fprintf(out, ",\"inFrom\":%s,\"inTo\":%s", event->in_from ? "true" : "false",
                event->in_to ? "true" : "false");
    }
    fputc('}', out);
    transfer->separator = ",";
}

static const char *where_of(const mastra_copy_event *event)
{
    if (event->in_from && event->in_to) {
        return "of different types, left out";
    }
    return event->in_from ? "only in FROM, left out" : "only in TO";
}

static void note_text(const struct transfer *transfer, const mastra_copy_event *event)
{
    static const char *const titles[] = {[MASTRA_COPY_REFUSED] = "refused      ",
                                         [MASTRA_COPY_MISSING] = "only in FROM ",
                                         [MASTRA_COPY_EXTRA] = "only in TO   ",
                                         [MASTRA_COPY_DIFFERENT] = "different    "};
    FILE *out = transfer->compare ? stdout : stderr;

    if (event->news == MASTRA_COPY_COLUMN) {
        fprintf(out, "column        %s.%s: %s\n", event->table, event->columns.ptr, where_of(event));
        return;
    }
    fprintf(out, "%s %s ", titles[event->news], event->table);
    text_write_line(out, event->key);
    if (event->columns.ptr) {
        fprintf(out, ": %s", event->columns.ptr);
    }
    if (event->reason.ptr) {
        fputs(": ", out);
        text_write_line(out, event->reason);
    }
    fputc('\n', out);
}

static void finish_table(struct transfer *transfer, const mastra_copy_event *event)
{
    transfer->done += event->read;
    if (transfer->cli->options.json) {
        fprintf(transfer->tables, "%s\"%s\":{\"from\":%lld", ftell(transfer->tables) > 0 ? "," : "",
                event->table, (long long)event->from_rows);
        if (transfer->compare) {
            fprintf(transfer->tables, ",\"to\":%lld,\"different\":%lld}", (long long)event->to_rows,
                    (long long)event->different);
        } else {
            fprintf(transfer->tables,
                    ",\"read\":%lld,\"added\":%lld,\"changed\":%lld,\"kept\":%lld,\"refused\":%lld}",
                    (long long)event->read, (long long)event->added, (long long)event->changed,
                    (long long)event->kept, (long long)event->refused);
        }
        return;
    }
    table_add_text(&transfer->table, mastra_str_of(event->table));
    table_add_integer(&transfer->table, transfer->compare ? event->from_rows : event->read);
    table_add_integer(&transfer->table, transfer->compare ? event->to_rows : event->added);
    table_add_integer(&transfer->table, transfer->compare ? event->different : event->changed);
    if (!transfer->compare) {
        table_add_integer(&transfer->table, event->refused);
    }
}

static void tell(void *user, const mastra_copy_event *event)
{
    struct transfer *transfer = user;

    switch (event->news) {
    case MASTRA_COPY_PLANNED:
        transfer->progress.total += event->total;
        break;
    case MASTRA_COPY_PROGRESS:
        progress_tell(&transfer->progress, event->table, transfer->done + event->read);
        break;
    case MASTRA_COPY_FINISHED:
        finish_table(transfer, event);
        break;
    default:
        progress_clear(&transfer->progress);
        if (transfer->cli->options.json) {
            note_json(transfer, event);
        } else {
            note_text(transfer, event);
        }
    }
}

/* Opening. */

/* FROM is not to be changed, and neither is made by a slip of the pen. */
static int open_from(struct cli *cli)
{
    mastra_options options = MASTRA_OPTIONS_INIT;

    options.disable_init = true;
    options.must_exist = true;
    return cli_open_as(cli, cli->args[0], &options, &cli->store);
}

static int open_to(struct cli *cli, bool read_only)
{
    mastra_options options = MASTRA_OPTIONS_INIT;

    options.disable_init = read_only;
    options.must_exist = read_only;
    return cli_open_as(cli, cli->args[1], &options, &cli->other);
}

/* A dry run may be about a store that is still to be made. */
static int open_target(struct cli *cli)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    if (!cli->options.dry_run) {
        return open_to(cli, false);
    }
    options.disable_init = true;
    options.must_exist = true;
    if (mastra_open(cli->args[1], &options, &cli->other, &error) == MASTRA_OK) {
        return 0;
    }
    if (error.status != MASTRA_CANNOT_OPEN) {
        return cli_fail(&error);
    }
    fputs("TO cannot be opened; counting as if it were empty\n", stderr);
    return 0;
}

/* Running. */

static const struct table_column copy_columns[] = {{"TABLE", TABLE_WHOLE},   {"ROWS", TABLE_WHOLE},
                                                   {"ADDED", TABLE_WHOLE},   {"CHANGED", TABLE_WHOLE},
                                                   {"REFUSED", TABLE_WHOLE}, {NULL, TABLE_TEXT}};
static const struct table_column diff_columns[] = {{"TABLE", TABLE_WHOLE},
                                                   {"FROM", TABLE_WHOLE},
                                                   {"TO", TABLE_WHOLE},
                                                   {"DIFFERENT", TABLE_WHOLE},
                                                   {NULL, TABLE_TEXT}};

static bool begin(struct transfer *transfer, struct cli *cli, bool compare)
{
    *transfer = (struct transfer){.cli = cli, .compare = compare, .separator = ""};
    progress_begin(&transfer->progress, cli->options.quiet);
    table_init(&transfer->table, compare ? diff_columns : copy_columns);
    transfer->notes = open_memstream(&transfer->notes_text, &transfer->notes_len);
    transfer->tables = open_memstream(&transfer->tables_text, &transfer->tables_len);
    return transfer->notes && transfer->tables;
}

static bool close_texts(struct transfer *transfer)
{
    bool written = !transfer->notes || fclose(transfer->notes) == 0;

    return (!transfer->tables || fclose(transfer->tables) == 0) && written;
}

static void print_result(const struct transfer *transfer, const mastra_copy_report *report)
{
    if (transfer->compare) {
        printf("{\"equal\":%s", report->different == 0 && report->columns == 0 ? "true" : "false");
    } else {
        printf("{\"dryRun\":%s", transfer->cli->options.dry_run ? "true" : "false");
    }
    printf(",\"tables\":{%s},\"notes\":[%s]}\n", transfer->tables_text, transfer->notes_text);
}

static void print_copied(const struct cli *cli, const mastra_copy_report *report)
{
    printf("%s%lld rows read, %lld added, %lld changed", cli->options.dry_run ? "dry run: " : "",
           (long long)report->read, (long long)report->added, (long long)report->changed);
    if (cli->options.keep_newer) {
        printf(", %lld newer in TO and kept", (long long)report->kept);
    }
    if (report->refused > 0) {
        printf(", %lld refused", (long long)report->refused);
    }
    putchar('\n');
}

static void print_compared(const mastra_copy_report *report)
{
    if (report->different == 0 && report->columns == 0) {
        puts("equal");
    } else {
        printf("%lld rows and %lld columns differ\n", (long long)report->different,
               (long long)report->columns);
    }
}

static int show(struct transfer *transfer, const mastra_copy_report *report)
{
    int code;

    if (transfer->cli->options.json) {
        print_result(transfer, report);
        return 0;
    }
    code = table_finish(&transfer->table, false);
    if (code == 0 && transfer->compare) {
        print_compared(report);
    } else if (code == 0) {
        print_copied(transfer->cli, report);
    }
    return code;
}

static int run(struct cli *cli, const mastra_copy_args *given, bool compare)
{
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_args args = *given;
    struct transfer transfer;
    mastra_status status = MASTRA_OUT_OF_MEMORY;
    int code = 0;

    if (begin(&transfer, cli, compare)) {
        args.tell = tell;
        args.user = &transfer;
        status = compare ? mastra_diff(cli->store, cli->other, &args, &report, &error)
                         : mastra_copy(cli->store, cli->other, &args, &report, &error);
    }
    progress_clear(&transfer.progress);
    if (!close_texts(&transfer) && status == MASTRA_OK) {
        status = MASTRA_OUT_OF_MEMORY;
    }
    if (status != MASTRA_OK) {
        table_release(&transfer.table);
        code = error.status != MASTRA_OK ? cli_fail(&error) : cli_complain(status, "out of memory");
    } else {
        code = show(&transfer, &report);
    }
    free(transfer.notes_text);
    free(transfer.tables_text);
    if (code == 0 && (compare ? report.different + report.columns : report.refused) > 0) {
        code = EXIT_DIFFERENT;
    }
    return code;
}

static int run_on(struct cli *cli, bool compare)
{
    mastra_copy_args args = MASTRA_COPY_INIT;
    struct choice choice;
    int code = choice_read(&choice, cli->options.only);

    if (code == 0 && strcmp(cli->args[0], cli->args[1]) == 0) {
        code = cli_complain(MASTRA_USAGE, "FROM and TO are the same store");
    }
    if (code == 0 && (cli->options.given & OPTION_BATCH) && cli->options.batch == 0) {
        code = cli_complain(MASTRA_INVALID_ARGUMENT, "--batch must be 1 to 1000, not 0");
    }
    if (code == 0) {
        code = open_from(cli);
    }
    if (code == 0) {
        code = compare ? open_to(cli, true) : open_target(cli);
    }
    if (code != 0) {
        return code;
    }
    args.tables = choice.names;
    args.table_count = choice.count;
    args.since = cli->options.since;
    args.batch_size = cli->options.batch;
    args.dry_run = cli->options.dry_run;
    args.skip_refused = cli->options.skip_refused;
    args.keep_newer = cli->options.keep_newer;
    return run(cli, &args, compare);
}

int run_copy(struct cli *cli)
{
    return run_on(cli, false);
}

int run_diff(struct cli *cli)
{
    return run_on(cli, true);
}
