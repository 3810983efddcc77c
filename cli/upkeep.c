/* Commands that look after tables: indexes, index, prune. */
#include "cli.h"
#include "moment.h"
#include "request.h"
#include "table.h"

#include <stddef.h>
#include <stdlib.h>

/* The columns of an index with commas between them; to be freed. NULL: no memory. */
static char *join_columns(const mastra_index *index)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        return NULL;
    }
    for (size_t i = 0; i < index->column_count; i++) {
        fputs(i ? ", " : "", out);
        fwrite(index->columns[i].ptr, 1, index->columns[i].len, out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static mastra_str yes_or_no(bool yes)
{
    return mastra_str_of(yes ? "yes" : "no");
}

/* indexes */

static int show_indexes(const mastra_index_list *list, bool wide)
{
    static const struct table_column columns[] = {{"INDEX", TABLE_TEXT},   {"TABLE", TABLE_TEXT},
                                                  {"COLUMNS", TABLE_TEXT}, {"UNIQUE", TABLE_WHOLE},
                                                  {"SIZE", TABLE_WHOLE},   {NULL, TABLE_TEXT}};
    size_t count = mastra_index_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_index *index = mastra_index_list_at(list, i);
        char *names = join_columns(index);

        table.failed = table.failed || !names;
        table_add_text(&table, index->name);
        table_add_text(&table, index->table);
        table_add_text(&table, mastra_str_of(names));
        table_add_text(&table, yes_or_no(index->unique));
        table_add_text(&table, index->disk_size);
        free(names);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_count("index", "indexes", count);
    }
    return code;
}

/* One operation with one text argument. */
static int print_about(struct cli *cli, const char *operation, const char *name, const char *value)
{
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, name, value);
    return request_print(cli, operation, &request);
}

int run_indexes(struct cli *cli)
{
    const char *table = cli->arg_count ? cli->args[0] : NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_index_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_about(cli, "listIndexes", "tableName", table);
    }
    if (mastra_list_indexes(cli->store, mastra_str_of(table), &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_indexes(list, cli->options.wide);
    mastra_index_list_free(list);
    return code;
}

/* index */

static void show_number(const char *name, int64_t number)
{
    char text[32];

    if (number != MASTRA_INTEGER_NONE) {
        snprintf(text, sizeof text, "%lld", (long long)number);
        show_fact(name, mastra_str_of(text));
    }
}

static int show_index(const mastra_index *index)
{
    char *names = join_columns(index);

    if (!names) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    show_title("Index", index->name);
    show_fact("table", index->table);
    show_fact("columns", mastra_str_of(names));
    show_fact("unique", yes_or_no(index->unique));
    show_fact("size", index->disk_size);
    show_fact("method", index->method);
    show_fact("definition", index->definition);
    show_number("scans", index->scans);
    show_number("read", index->tuples_read);
    show_number("fetched", index->tuples_fetched);
    show_number("items", index->items);
    if (index->status.ptr) {
        show_fact("status", index->status);
    }
    free(names);
    return 0;
}

int run_index(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_index_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_about(cli, "describeIndex", "indexName", cli->args[0]);
    }
    if (mastra_describe_index(cli->store, mastra_str_of(cli->args[0]), &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_index(mastra_index_list_at(list, 0));
    mastra_index_list_free(list);
    return code;
}

/* prune */

/* What can be pruned: its name for --only, another one, the operation's name, and the fields. */
struct kind {
    const char *name;
    const char *alias;
    const char *key;
    size_t argument;
    size_t report;
};

#define KIND(name, alias, field)                                                                             \
    {                                                                                                        \
        name, alias, #field, offsetof(mastra_prune_args, field), offsetof(mastra_prune_report, field)        \
    }

static const struct kind kinds[] = {
    KIND("threads", "threads", threads),
    KIND("messages", "messages", messages),
    KIND("resources", "resources", resources),
    KIND("runs", "workflow_snapshot", workflow_snapshot),
    KIND("spans", "ai_spans", ai_spans),
    KIND("scores", "scorers", scorers),
    KIND("evals", "evals", evals),
    KIND("traces", "traces", traces),
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static bool is_name(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

/* Sets the bits of the kinds that a list with commas names; returns 0 or, after saying what is wrong, an exit code. */
static int choose(const char *list, unsigned *ret_kinds)
{
    unsigned chosen = 0;

    for (const char *at = list; list; at++) {
        size_t len = strcspn(at, ",");
        size_t i = 0;

        while (i < KIND_COUNT && !is_name(kinds[i].name, at, len) && !is_name(kinds[i].alias, at, len)) {
            i++;
        }
        if (i == KIND_COUNT) {
            return cli_complain(
                MASTRA_USAGE,
                "--only knows threads, messages, resources, runs, spans, scores, evals and traces, "
                "not \"%.*s\"",
                (int)(len < 100 ? len : 100), at);
        }
        chosen |= 1u << i;
        at += len;
        if (!*at) {
            break;
        }
    }
    *ret_kinds = list ? chosen : (1u << KIND_COUNT) - 1;
    return 0;
}

static int print_prune(struct cli *cli, unsigned chosen)
{
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_open(&request, "olderThan", '{');
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (chosen & (1u << i)) {
            request_add_time(&request, kinds[i].key, cli->options.older_than);
        }
    }
    request_close(&request, '}');
    if (cli->options.given & OPTION_BATCH) {
        request_add_number(&request, "batchSize", cli->options.batch);
    }
    return request_print(cli, "prune", &request);
}

static int show_report(const mastra_prune_report *report, unsigned chosen)
{
    static const struct table_column columns[] = {
        {"WHAT", TABLE_WHOLE}, {"DELETED", TABLE_WHOLE}, {NULL, TABLE_TEXT}};
    struct table table;

    table_init(&table, columns);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const int64_t *count = (const int64_t *)((const char *)report + kinds[i].report);

        /* Messages go with their threads, whether they were named or not. */
        if (*count != MASTRA_INTEGER_NONE || (chosen & (1u << i))) {
            table_add_text(&table, mastra_str_of(kinds[i].name));
            table_add_integer(&table, *count);
        }
    }
    return table_finish(&table, false);
}

static int prune(struct cli *cli, unsigned chosen)
{
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    mastra_prune_args args = MASTRA_PRUNE_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (chosen & (1u << i)) {
            *(mastra_time *)((char *)&args + kinds[i].argument) = cli->options.older_than;
        }
    }
    args.batch_size = cli->options.batch;
    if (mastra_prune(cli->store, &args, &report, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    return show_report(&report, chosen);
}

int run_prune(struct cli *cli)
{
    const struct options *options = &cli->options;
    unsigned chosen = 0;
    int code;

    if (options->older_than == MASTRA_TIME_NONE) {
        return cli_complain(MASTRA_USAGE, "prune needs --older-than: a time (2026-01-31) or an age (30d)");
    }
    /* A slip of the pen should not empty a store. */
    if (options->older_than > moment_now()) {
        return cli_complain(MASTRA_USAGE, "--older-than must not lie in the future");
    }
    if ((options->given & OPTION_BATCH) && options->batch == 0) {
        return cli_complain(MASTRA_INVALID_ARGUMENT, "--batch must be 1 to 100000, not 0");
    }
    code = choose(options->only, &chosen);
    if (code == 0) {
        code = cli_open(cli);
    }
    if (code != 0) {
        return code;
    }
    return options->json ? print_prune(cli, chosen) : prune(cli, chosen);
}
