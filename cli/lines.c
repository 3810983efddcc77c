/* The commands export and import. */
#include "choice.h"
#include "cli.h"
#include "progress.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

/* export */

struct exporting {
    struct progress progress;
    int64_t done; /* rows of the tables before this one */
};

static bool write_line(void *user, mastra_str line)
{
    (void)user;
    fwrite(line.ptr, 1, line.len, stdout);
    fputc('\n', stdout);
    return !ferror(stdout);
}

static void tell_export(void *user, const mastra_copy_event *event)
{
    struct exporting *exporting = user;

    switch (event->news) {
    case MASTRA_COPY_PLANNED:
        exporting->progress.total += event->total;
        break;
    case MASTRA_COPY_PROGRESS:
        progress_tell(&exporting->progress, event->table, exporting->done + event->read);
        break;
    case MASTRA_COPY_FINISHED:
        exporting->done += event->read;
        break;
    case MASTRA_COPY_COLUMN:
        progress_clear(&exporting->progress);
        fprintf(stderr, "column        %s.%s: left out\n", event->table, event->columns.ptr);
        break;
    default:
        break;
    }
}

int run_export(struct cli *cli)
{
    struct exporting exporting = {.done = 0};
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct choice choice;
    mastra_status status;
    int code = choice_read(&choice, cli->options.only);

    if (code == 0) {
        code = cli_open_as_it_is(cli);
    }
    if (code != 0) {
        return code;
    }
    progress_begin(&exporting.progress, cli->options.quiet);
    args.tables = choice.names;
    args.table_count = choice.count;
    args.since = cli->options.since;
    args.tell = tell_export;
    args.user = &exporting;
    status = mastra_export(cli->store, &args, write_line, NULL, NULL, &error);
    progress_clear(&exporting.progress);
    /* Of output that did not arrive the end of the program tells. */
    return status == MASTRA_OK || ferror(stdout) ? 0 : cli_fail(&error);
}

/* import */

struct importing {
    FILE *in;
    char *line;
    size_t room;
    int failure; /* errno */
};

static int read_line(void *user, mastra_str *ret_line)
{
    struct importing *importing = user;
    ssize_t len;

    errno = 0;
    len = getline(&importing->line, &importing->room, importing->in);
    if (len < 0) {
        importing->failure = errno;
        return feof(importing->in) && !ferror(importing->in) ? 0 : -1;
    }
    *ret_line = (mastra_str){importing->line, (size_t)len};
    return 1;
}

static void show_import(const struct options *options, const mastra_copy_report *report)
{
    if (options->json) {
        printf("{\"dryRun\":%s,\"read\":%lld,\"added\":%lld,\"changed\":%lld,\"kept\":%lld}\n",
               options->dry_run ? "true" : "false", (long long)report->read, (long long)report->added,
               (long long)report->changed, (long long)report->kept);
        return;
    }
    printf("%s%lld rows read, %lld added, %lld changed", options->dry_run ? "dry run: " : "",
           (long long)report->read, (long long)report->added, (long long)report->changed);
    if (options->keep_newer) {
        printf(", %lld newer in the store and kept", (long long)report->kept);
    }
    putchar('\n');
}

static int import_from(struct cli *cli, struct importing *importing, const char *name)
{
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    args.batch_size = cli->options.batch;
    args.dry_run = cli->options.dry_run;
    args.keep_newer = cli->options.keep_newer;
    if (mastra_import(cli->store, &args, read_line, importing, &report, &error) != MASTRA_OK) {
        return importing->failure ? cli_complain(MASTRA_INVALID_ARGUMENT, "cannot read %s: %s", name,
                                                 strerror(importing->failure))
                                  : cli_fail(&error);
    }
    show_import(&cli->options, &report);
    return 0;
}

int run_import(struct cli *cli)
{
    const char *name = cli->arg_count && strcmp(cli->args[0], "-") != 0 ? cli->args[0] : NULL;
    struct importing importing = {.in = stdin};
    int code;

    if ((cli->options.given & OPTION_BATCH) && cli->options.batch == 0) {
        return cli_complain(MASTRA_INVALID_ARGUMENT, "--batch must be 1 to 1000, not 0");
    }
    code = name ? cli_check_file("import", name) : 0;
    if (code != 0) {
        return code;
    }
    if (name) {
        importing.in = fopen(name, "rb");
        if (!importing.in) {
            return cli_complain(MASTRA_INVALID_ARGUMENT, "cannot read %s: %s", name, strerror(errno));
        }
    }
    code = cli->options.dry_run ? cli_open_as_it_is(cli) : cli_open(cli);
    if (code == 0) {
        code = import_from(cli, &importing, name ? name : "standard input");
    }
    if (name) {
        fclose(importing.in);
    }
    free(importing.line);
    return code;
}
