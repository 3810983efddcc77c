/* The command check. */
#include "cli.h"
#include "text.h"

#include <stdlib.h>

/* Exit codes when something is wrong. */
#define EXIT_PROBLEM 1
#define EXIT_DAMAGED 7

/* Of each kind, so many are printed. */
#define PRINTED_MOST 10

#define KINDS        (MASTRA_PROBLEM_TIME + 1)

/* A kind's name in JSON, and what is said of it: with %t for the table, %k for the key, %w for what it is about. */
static const struct {
    const char *name;
    const char *text;
} kinds[KINDS] = {
    [MASTRA_PROBLEM_DAMAGE] = {"damage", "damaged: %w"},
    [MASTRA_PROBLEM_VERSION] = {"version", "%w"},
    [MASTRA_PROBLEM_TABLE] = {"table", "missing table: %w"},
    [MASTRA_PROBLEM_COLUMN] = {"column", "missing column: %t.%w"},
    [MASTRA_PROBLEM_INDEX] = {"index", "missing index on %t: %w"},
    [MASTRA_PROBLEM_DUPLICATE] = {"duplicate", "%t %k: there are several rows of this key"},
    [MASTRA_PROBLEM_ORPHAN] = {"orphan", "%t %k: there is no thread %w"},
    [MASTRA_PROBLEM_NO_ROOT] = {"no_root", "%t %k: the trace has no root"},
    [MASTRA_PROBLEM_JSON] = {"json", "%t %k: %w is not JSON"},
    [MASTRA_PROBLEM_TIME] = {"time", "%t %k: %w is not a time"},
};

struct checking {
    const struct options *options;
    int64_t counts[KINDS];
    FILE *json;
    char *text;
    size_t len;
};

static void print_problem(const mastra_problem *problem)
{
    for (const char *at = kinds[problem->kind].text; *at; at++) {
        if (*at != '%') {
            putchar(*at);
            continue;
        }
        switch (*++at) {
        case 't':
            fputs(problem->table, stdout);
            break;
        case 'k':
            text_write_line(stdout, problem->key);
            break;
        default:
            text_write_line(stdout, problem->what);
        }
    }
    puts(problem->repaired ? " (repaired)" : "");
}

static void put_member(FILE *out, const char *name, const char *text)
{
    if (text) {
        fprintf(out, ",\"%s\":", name);
        text_write_json_string(out, text);
    }
}

static void put_problem(struct checking *checking, const mastra_problem *problem)
{
    fprintf(checking->json, "%s{\"kind\":\"%s\"", ftell(checking->json) > 0 ? "," : "",
            kinds[problem->kind].name);
    put_member(checking->json, "table", problem->table);
    put_member(checking->json, "key", problem->key.ptr);
    put_member(checking->json, "what", problem->what.ptr);
    fprintf(checking->json, ",\"repaired\":%s}", problem->repaired ? "true" : "false");
}

static void tell(void *user, const mastra_problem *problem)
{
    struct checking *checking = user;
    int64_t count = ++checking->counts[problem->kind];

    if (checking->options->json) {
        put_problem(checking, problem);
    } else if (checking->options->wide || count <= PRINTED_MOST) {
        print_problem(problem);
    } else if (count == PRINTED_MOST + 1) {
        puts("... and more of these; --wide prints all");
    }
}

static int show(const struct checking *checking, const mastra_check_report *report)
{
    if (checking->options->json) {
        printf("{\"rows\":%lld,\"problems\":[%s],\"repaired\":%lld}\n", (long long)report->rows,
               checking->text, (long long)report->repaired);
    } else {
        printf("%lld rows, %lld problems", (long long)report->rows, (long long)report->problems);
        if (report->repaired > 0) {
            printf(", %lld repaired", (long long)report->repaired);
        }
        putchar('\n');
    }
    if (checking->counts[MASTRA_PROBLEM_DAMAGE] > 0) {
        return EXIT_DAMAGED;
    }
    return report->problems > report->repaired ? EXIT_PROBLEM : 0;
}

int run_check(struct cli *cli)
{
    struct checking checking = {.options = &cli->options};
    mastra_check_report report = MASTRA_CHECK_REPORT_INIT;
    mastra_check_args args = MASTRA_CHECK_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;
    int code = cli_open_as_it_is(cli);

    if (code != 0) {
        return code;
    }
    checking.json = open_memstream(&checking.text, &checking.len);
    if (!checking.json) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    args.repair = cli->options.repair;
    args.delete_orphans = cli->options.delete_orphans;
    args.tell = tell;
    args.user = &checking;
    status = mastra_check(cli->store, &args, &report, &error);
    if (fclose(checking.json) != 0) {
        code = cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    } else if (status != MASTRA_OK) {
        code = cli_fail(&error);
    } else {
        code = show(&checking, &report);
    }
    free(checking.text);
    return code;
}
