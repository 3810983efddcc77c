/* mastra-store: looks after a store from the command line. */
#include "cli.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static const struct command commands[] = {
    {.name = "init",
     .usage = "",
     .summary = "create missing tables, columns and indexes",
     .details =
         "Changes nothing else; the other commands do it by themselves when they first need a table.\n",
     .options = OPTION_STORE,
     .run = run_init},
    {.name = "threads",
     .usage = "[--resource R] [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list threads, newest first",
     .details = "  --resource R      only the threads of this resource\n"
                "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (100)\n"
                "  --json            the result of listThreads\n"
                "  --wide            cut nothing\n",
     .options = OPTION_STORE | OPTION_RESOURCE | OPTION_PAGE | OPTION_PER_PAGE | OPTION_JSON | OPTION_WIDE,
     .run = run_threads},
    {.name = "messages",
     .usage = "THREAD [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list the messages of a thread, oldest first",
     .details = "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (40)\n"
                "  --json            the result of listMessages\n"
                "  --wide            cut nothing\n",
     .options = OPTION_STORE | OPTION_PAGE | OPTION_PER_PAGE | OPTION_JSON | OPTION_WIDE,
     .least_args = 1,
     .most_args = 1,
     .run = run_messages},
    {.name = "resources",
     .usage = "[ID...] [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list resources with their working memory",
     .details = "  ID...             only these\n"
                "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (100)\n"
                "  --json            the result of listResources, or of getResourceById, a line for each ID\n"
                "  --wide            cut nothing\n",
     .options = OPTION_STORE | OPTION_PAGE | OPTION_PER_PAGE | OPTION_JSON | OPTION_WIDE,
     .most_args = -1,
     .run = run_resources},
    {.name = "runs",
     .usage = "[filters] [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list workflow runs, newest first",
     .details =
         "  --workflow W      only the runs of this workflow\n"
         "  --status S        only those whose snapshot says so: running, suspended, success, failed...\n"
         "  --resource R      only the runs for this resource\n"
         "  --thread T        only those whose steps or input work in this thread\n"
         "  --from TIME       created then or later: 2026-01-31, 2026-01-31T12:00Z, or an age: 45m, 12h, "
         "30d\n"
         "  --to TIME         created then or before\n"
         "  --page N          which page, from 0\n"
         "  --per-page N|all  how many on a page (100)\n"
         "  --json            the result of listWorkflowRuns\n"
         "  --wide            cut nothing\n",
     .options = OPTION_LIST | OPTION_WORKFLOW | OPTION_STATUS | OPTION_RESOURCE | OPTION_THREAD |
                OPTION_FROM | OPTION_TO,
     .run = run_runs},
    {.name = "run",
     .usage = "ID [--workflow W] [--json] [--wide]",
     .summary = "show a workflow run: its steps, what it waits for, its error",
     .details = "  --workflow W      the run of this workflow, should several have one of that id\n"
                "  --json            the result of getWorkflowRunById\n"
                "  --wide            cut nothing\n",
     .options = OPTION_STORE | OPTION_WORKFLOW | OPTION_JSON | OPTION_WIDE,
     .least_args = 1,
     .most_args = 1,
     .run = run_run},
    {.name = "locks",
     .usage = "[--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list the locks of workflow runs that are held",
     .details = "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (100)\n"
                "  --json            the result of listWorkflowRunLocks\n"
                "  --wide            cut nothing\n",
     .options = OPTION_LIST,
     .run = run_locks},
    {.name = "traces",
     .usage = "[filters] [--page N] [--per-page N] [--json] [--wide]",
     .summary = "list traces, newest first",
     .details = "  --status S        success, error or running\n"
                "  --errors          only those with an error in any span\n"
                "  --name N          whose root has this name\n"
                "  --entity-type T   whose root is about an entity of this type: agent, workflow_run...\n"
                "  --entity E        whose root is about the entity with this id\n"
                "  --from TIME       started then or later: 2026-01-31, 2026-01-31T12:00Z, or an age: 45m, "
                "12h, 30d\n"
                "  --to TIME         started then or before\n"
                "  --page N          which page, from 0\n"
                "  --per-page N      how many on a page (20), at most 100\n"
                "  --json            the result of listTraces\n"
                "  --wide            cut nothing\n",
     .options = OPTION_LIST | OPTION_STATUS | OPTION_ERRORS | OPTION_NAME | OPTION_ENTITY_TYPE |
                OPTION_ENTITY | OPTION_FROM | OPTION_TO,
     .run = run_traces},
    {.name = "trace",
     .usage = "ID [--json] [--wide]",
     .summary = "show the spans of a trace as a waterfall",
     .details = "As wide as the terminal, or COLUMNS. Draws with lines and blocks where the locale is UTF-8; "
                "in colour\n"
                "on a terminal, unless NO_COLOR is set.\n\n"
                "  --json            the result of getTrace\n"
                "  --wide            do not cut names\n",
     .options = OPTION_STORE | OPTION_JSON | OPTION_WIDE,
     .least_args = 1,
     .most_args = 1,
     .run = run_trace},
    {.name = "scores",
     .usage = "[filters] [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list scores, newest first",
     .details = "  --scorer S        only those of this scorer\n"
                "  --run R           only those of this run\n"
                "  --entity E        only those of the entity with this id\n"
                "  --entity-type T   only those of entities of this type: AGENT, WORKFLOW...\n"
                "  --trace T         only those of this trace\n"
                "  --span S          only those of this span\n"
                "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (100)\n"
                "  --json            the result of listScores\n"
                "  --wide            cut nothing\n",
     .options = OPTION_LIST | OPTION_SCORER | OPTION_RUN | OPTION_ENTITY | OPTION_ENTITY_TYPE | OPTION_TRACE |
                OPTION_SPAN,
     .run = run_scores},
    {.name = "evals",
     .usage = "[--agent A] [--type test|live] [--page N] [--per-page N|all] [--json] [--wide]",
     .summary = "list evals of Mastra 0.x, newest first",
     .details = "  --agent A         only those of this agent\n"
                "  --type T          test: only those of test runs; live: only the others\n"
                "  --page N          which page, from 0\n"
                "  --per-page N|all  how many on a page (100)\n"
                "  --json            the result of getEvals\n"
                "  --wide            cut nothing\n",
     .options = OPTION_LIST | OPTION_AGENT | OPTION_TYPE,
     .run = run_evals},
    {.name = "indexes",
     .usage = "[TABLE] [--json] [--wide]",
     .summary = "list the indexes of a table, or of all",
     .details = "  TABLE             as it is named in the database: mastra_messages\n"
                "  --json            the result of listIndexes\n"
                "  --wide            cut nothing\n",
     .options = OPTION_STORE | OPTION_JSON | OPTION_WIDE,
     .most_args = 1,
     .run = run_indexes},
    {.name = "index",
     .usage = "NAME [--json]",
     .summary = "show an index: its columns, size and definition",
     .details = "  --json            the result of describeIndex\n",
     .options = OPTION_STORE | OPTION_JSON,
     .least_args = 1,
     .most_args = 1,
     .run = run_index},
    {.name = "prune",
     .usage = "--older-than TIME [--only WHAT,...] [--batch N] [--json]",
     .summary = "delete what is old",
     .details =
         "Threads and runs are judged by their last change, spans by their start, all else by its creation. "
         "A "
         "thread\n"
         "takes its messages along; a trace goes when none of its spans is younger.\n\n"
         "  --older-than TIME 2026-01-31, 2026-01-31T12:00Z, or an age: 12h, 30d\n"
         "  --only WHAT,...   threads, messages, resources, runs, spans, scores, evals, traces (of Mastra "
         "0.x);\n"
         "                    all of them unless given\n"
         "  --batch N         about how many rows to delete at a time (1000)\n"
         "  --json            the result of prune\n",
     .options = OPTION_STORE | OPTION_OLDER_THAN | OPTION_ONLY | OPTION_BATCH | OPTION_JSON,
     .run = run_prune},
    {.name = "dsql-token",
     .usage = "--host H [--region R] [--user U] [--expires S] [--profile P]",
     .summary = "print a token, the password for a connection to Aurora DSQL",
     .details = "The token is as secret as a password. Made with temporary credentials it ends with them.\n\n"
                "  --host H          the cluster's host name, or its id\n"
                "  --region R        unless the host's name says it: else AWS_REGION, or the profile's\n"
                "  --user U          the role to connect as (admin)\n"
                "  --expires S       seconds in which a connection may be begun (900), at most 604800\n"
                "  --profile P       the profile of ~/.aws to take credentials from (AWS_PROFILE)\n",
     .options = OPTION_HOST | OPTION_REGION | OPTION_USER | OPTION_EXPIRES | OPTION_PROFILE,
     .run = run_dsql_token},
    {.name = "dynamodb-setup",
     .usage = "--table T [--region R] [--endpoint URL] [--indexes 2..7] [--ttl NAME] [--no-recovery] "
              "[--no-encryption] [--profile P] [--quiet] [--json]",
     .summary = "make a DynamoDB table for a store, or what one lacks",
     .details =
         "Waits until everything is active. Drops and rewrites nothing; running it again does nothing. "
         "What an\n"
         "endpoint other than AWS does not know is skipped.\n\n"
         "  --table T         its name\n"
         "  --region R        instead of AWS_REGION and the profile's\n"
         "  --endpoint URL    instead of AWS: http://localhost:8000\n"
         "  --indexes N       gsi1 to gsiN (2); those from gsi3 serve lists of scores\n"
         "  --ttl NAME        the attribute by which items expire (ttl); \"\" for none\n"
         "  --no-recovery     leave point-in-time recovery as it is\n"
         "  --no-encryption   leave encryption to the key that AWS owns, not the account's in KMS\n"
         "  --profile P       the profile of ~/.aws to take credentials from (AWS_PROFILE)\n"
         "  --quiet           no progress\n"
         "  --json            what was done, as JSON\n",
     .options = OPTION_TABLE | OPTION_REGION | OPTION_ENDPOINT | OPTION_INDEXES | OPTION_TTL |
                OPTION_NO_RECOVERY | OPTION_NO_SSE | OPTION_PROFILE | OPTION_QUIET | OPTION_JSON,
     .run = run_dynamodb_setup},
    {.name = "dynamodb-template",
     .usage = "--table T [--format cloudformation|cdk] [--indexes 2..7] [--ttl NAME] [--no-recovery] "
              "[--no-encryption]",
     .summary = "print the same table as a template",
     .details = "  --table T         its name\n"
                "  --format F        cloudformation (YAML, unless given) or cdk (TypeScript)\n"
                "  --indexes N       gsi1 to gsiN (2)\n"
                "  --ttl NAME        the attribute by which items expire (ttl); \"\" for none\n"
                "  --no-recovery     without point-in-time recovery\n"
                "  --no-encryption   with the key that AWS owns, not the account's in KMS\n",
     .options =
         OPTION_TABLE | OPTION_FORMAT | OPTION_INDEXES | OPTION_TTL | OPTION_NO_RECOVERY | OPTION_NO_SSE,
     .run = run_dynamodb_template},
    {.name = "aws-whoami",
     .usage = "[--profile P] [--region R] [--json]",
     .summary = "tell which AWS credentials are found, and until when they hold",
     .details = "  --profile P       the profile of ~/.aws to take credentials from (AWS_PROFILE)\n"
                "  --region R        instead of AWS_REGION and the profile's\n"
                "  --json            as JSON\n",
     .options = OPTION_PROFILE | OPTION_REGION | OPTION_JSON,
     .run = run_aws_whoami},
    {.name = "copy",
     .usage = "FROM TO [--only TABLE,...] [--since TIME] [--dry-run] [--keep-newer] [--skip-refused] "
              "[--quiet] [--json]",
     .summary = "copy a store into another, of any backend",
     .details =
         "FROM and TO are URLs, as for --store. Every row is made to stand in TO as it does in FROM; rows "
         "that "
         "only TO\n"
         "has stay. What is there already is read and left alone: a copy that was broken off is taken up by "
         "the same\n"
         "command, and a second one brings over what has changed. FROM may be in use, and is not written "
         "to.\n\n"
         "  --only TABLE,...  threads, messages, resources, runs, spans, scores, evals, traces, locks; all "
         "unless given\n"
         "  --since TIME      only rows with a time (created, updated, started...) not before it: "
         "2026-01-31, "
         "30d\n"
         "  --batch N         most rows of a transaction (1000)\n"
         "  --dry-run         write nothing, count what would be written\n"
         "  --keep-newer      leave rows alone whose updatedAt is later in TO\n"
         "  --skip-refused    leave out rows that TO does not take, and end with 1\n"
         "  --quiet           no progress\n"
         "  --json            what was done, as JSON\n",
     .options = OPTION_ONLY | OPTION_SINCE | OPTION_BATCH | OPTION_DRY_RUN | OPTION_SKIP | OPTION_KEEP_NEWER |
                OPTION_QUIET | OPTION_JSON,
     .least_args = 2,
     .most_args = 2,
     .run = run_copy},
    {.name = "diff",
     .usage = "FROM TO [--only TABLE,...] [--since TIME] [--quiet] [--json]",
     .summary = "compare two stores, row by row",
     .details =
         "FROM and TO are URLs, as for --store. Ends with 0 when they are equal and with 1 when not.\n\n"
         "  --only TABLE,...  threads, messages, resources, runs, spans, scores, evals, traces, locks; "
         "all unless given\n"
         "  --since TIME      only rows with a time (created, updated, started...) not before it\n"
         "  --quiet           no progress\n"
         "  --json            what differs, as JSON\n",
     .options = OPTION_ONLY | OPTION_SINCE | OPTION_QUIET | OPTION_JSON,
     .least_args = 2,
     .most_args = 2,
     .run = run_diff},
    {.name = "export",
     .usage = "[--only TABLE,...] [--since TIME] [--quiet]",
     .summary = "write all rows as JSON lines",
     .details =
         "Each line is {\"table\":\"mastra_threads\",\"record\":{...}}, with the names of the columns.\n\n"
         "  --only TABLE,...  threads, messages, resources, runs, spans, scores, evals, traces, locks; all "
         "unless given\n"
         "  --since TIME      only rows with a time (created, updated, started...) not before it\n"
         "  --quiet           no progress\n",
     .options = OPTION_STORE | OPTION_ONLY | OPTION_SINCE | OPTION_QUIET,
     .run = run_export},
    {.name = "import",
     .usage = "[FILE | -] [--batch N] [--dry-run] [--keep-newer] [--json]",
     .summary = "take in rows that export wrote",
     .details =
         "From a file, or from standard input. What is there already and the same is left alone; a row of "
         "the same\n"
         "key takes the values of the line. A line that is wrong ends it, and nothing of its batch is "
         "written.\n\n"
         "  --batch N         most rows of a transaction (1000)\n"
         "  --dry-run         write nothing, count what would be written\n"
         "  --keep-newer      leave rows alone whose updatedAt is later in the store\n"
         "  --json            what was done, as JSON\n",
     .options = OPTION_STORE | OPTION_BATCH | OPTION_DRY_RUN | OPTION_KEEP_NEWER | OPTION_JSON,
     .most_args = 1,
     .run = run_import},
    {.name = "check",
     .usage = "[--repair] [--delete-orphans] [--json] [--wide]",
     .summary = "look for what is wrong with a store",
     .details =
         "Damage, faults of the database software, missing tables, columns and indexes, rows of one key, "
         "messages\n"
         "without their thread, spans without the root of their trace, JSON and times that cannot be read. "
         "Changes\n"
         "nothing unless it is told to. Ends with 0 when nothing is wrong, or all was repaired, with 7 when "
         "the\n"
         "database is damaged, else with 1.\n\n"
         "  --repair          make missing tables, columns and indexes; of spans that share a key, keep the "
         "best\n"
         "  --delete-orphans  delete messages whose thread does not exist\n"
         "  --json            all problems, as JSON\n"
         "  --wide            print every problem, not only the first of each kind\n",
     .options = OPTION_STORE | OPTION_REPAIR | OPTION_ORPHANS | OPTION_JSON | OPTION_WIDE,
     .run = run_check},
    {.name = "stats",
     .usage = "[--json]",
     .summary = "show what fills a store: tables, days, the largest threads and runs",
     .details = "  --json            the same as JSON\n",
     .options = OPTION_STORE | OPTION_JSON,
     .run = run_stats},
    {.name = "backup",
     .usage = "FILE [--quiet]",
     .summary = "write the store's database into a new file, while it is in use",
     .details =
         "The file appears when it is complete, and only its owner may read it. Of SQLite files; other "
         "databases\n"
         "have means of their own (and there are copy and export).\n\n"
         "  --quiet           no progress\n",
     .options = OPTION_STORE | OPTION_QUIET,
     .least_args = 1,
     .most_args = 1,
     .run = run_backup},
    {.name = "call",
     .usage = "OPERATION [JSON | @FILE | -] [--allow-raw-sql]",
     .summary = "run one operation, print its result as JSON",
     .details =
         "The arguments are given as JSON, or read from a file, or (-) from standard input; none means {}.\n"
         "mastra-store ops OPERATION tells which there are.\n"
         "  --allow-raw-sql   take SQL in arguments (where of createIndex); never with arguments of "
         "strangers\n",
     .options = OPTION_STORE | OPTION_RAW_SQL,
     .least_args = 1,
     .most_args = 2,
     .run = run_call},
    {.name = "pipe",
     .usage = "[--allow-raw-sql]",
     .summary = "serve operations from standard input, JSON lines in and out",
     .details = "Each line {\"id\":1,\"op\":\"getThreadById\",\"args\":{\"threadId\":\"t\"}} is answered, in "
                "order, by\n"
                "{\"id\":1,\"ok\":true,\"result\":...} or {\"id\":1,\"ok\":false,\"error\":{...}}; a line "
                "that cannot be\n"
                "read by an error with the id null. Ends with its input.\n"
                "  --allow-raw-sql   take SQL in arguments (where of createIndex); never with arguments of "
                "strangers\n",
     .options = OPTION_STORE | OPTION_RAW_SQL,
     .run = run_pipe},
    {.name = "ops",
     .usage = "[OPERATION] [--json]",
     .summary = "list the operations and their arguments",
     .details = "  OPERATION         only this one\n"
                "  --json            all, with the JSON Schemas of arguments and results\n",
     .options = OPTION_JSON,
     .most_args = 1,
     .run = run_ops},
    {.name = "completion",
     .usage = "bash|zsh|fish",
     .summary = "print what completes this command in a shell",
     .details = "  bash   eval \"$(mastra-store completion bash)\", or into "
                "/usr/share/bash-completion/completions/mastra-store\n"
                "  zsh    mastra-store completion zsh > DIR/_mastra-store, DIR being in fpath\n"
                "  fish   mastra-store completion fish > ~/.config/fish/completions/mastra-store.fish\n",
     .least_args = 1,
     .most_args = 1,
     .run = run_completion},
    {.name = "demo",
     .usage = "[--wide]",
     .summary = "save a short conversation in ./demo.db and show it",
     .details = "Uses file:demo.db unless --store is given. Running it again changes nothing but times.\n",
     .options = OPTION_STORE | OPTION_WIDE,
     .run = run_demo},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(void)
{
    puts("Usage: mastra-store [--store URL] COMMAND [ARGUMENTS]\n\n"
         "Keeps what AI agents must not lose, in the format of Mastra's storage adapters.\n\n"
         "Commands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-10s  %s\n", commands[i].name, commands[i].summary);
    }
    puts("\nOptions:\n"
         "  --store URL   the store: file:agent.db, file:/var/lib/agent.db?synchronous=full, :memory:,\n"
         "                postgresql://user@host/database?schema=app, dynamodb://REGION/TABLE\n"
         "                (without it, the variable MASTRA_STORE_URL)\n"
         "  --owner NAME  who this process is to the locks of workflow runs (without it, host:pid:uuid)\n"
         "  --help        this help; behind a command, help for it\n"
         "  --version     the version\n\n"
         "Exit codes: 0 done, 1 internal error (of diff and check: something was found; of copy: rows were "
         "left "
         "out),\n2 wrong usage, 3 invalid argument, 4 not found, 5 busy or conflict, 6 cannot open, 7 "
         "damaged, "
         "8 read-only\nor denied, 9 full or a limit, 10 lock lost, 11 outcome unknown.");
}

static int print_command_help(const struct command *command)
{
    printf("Usage: mastra-store %s%s%s%s\n\nCommand %s: %s.\n\n%s",
           command->options & OPTION_STORE ? "[--store URL] " : "", command->name,
           command->usage[0] ? " " : "", command->usage, command->name, command->summary, command->details);
    return 0;
}

const struct command *command_at(size_t index)
{
    return index < COMMAND_COUNT ? &commands[index] : NULL;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int cli_open_as(struct cli *cli, const char *url, mastra_options *options, mastra_store **ret)
{
    mastra_error error = MASTRA_ERROR_INIT;

    options->lock_owner = cli->options.owner;
    options->allow_raw_sql = cli->options.allow_raw_sql;
    return mastra_open(url, options, ret, &error) == MASTRA_OK ? 0 : cli_fail(&error);
}

static int open_named(struct cli *cli, mastra_options *options)
{
    if (!cli->options.store || !cli->options.store[0]) {
        return cli_complain(MASTRA_USAGE, "no store: give --store URL or set MASTRA_STORE_URL");
    }
    return cli_open_as(cli, cli->options.store, options, &cli->store);
}

int cli_open(struct cli *cli)
{
    mastra_options options = MASTRA_OPTIONS_INIT;

    return open_named(cli, &options);
}

int cli_open_as_it_is(struct cli *cli)
{
    mastra_options options = MASTRA_OPTIONS_INIT;

    options.disable_init = true;
    options.must_exist = true;
    return open_named(cli, &options);
}

/* Returns 0 or, after saying what is wrong, an exit code. */
static int check_usage(const struct command *command, const struct cli *cli)
{
    uint64_t foreign = cli->options.given & ~command->options & ~(OPTION_STORE | OPTION_OWNER);

    if (foreign) {
        return cli_complain(MASTRA_USAGE, "%s has no option %s; see mastra-store %s --help", command->name,
                            option_name(foreign), command->name);
    }
    if (cli->arg_count < command->least_args) {
        return cli_complain(MASTRA_USAGE, "%s needs an argument: mastra-store %s %s", command->name,
                            command->name, command->usage);
    }
    if (command->most_args >= 0 && cli->arg_count > command->most_args) {
        if (cli_is_url(cli->args[command->most_args])) {
            return cli_complain(MASTRA_USAGE, "%s: one argument too many", command->name);
        }
        return cli_complain(MASTRA_USAGE, "%s: unexpected argument \"%s\"", command->name,
                            cli->args[command->most_args]);
    }
    return 0;
}

static int close_store(mastra_store *store, int code)
{
    mastra_error error = MASTRA_ERROR_INIT;

    return mastra_close(store, &error) != MASTRA_OK && code == 0 ? cli_fail(&error) : code;
}

static int run_command(const struct command *command, struct cli *cli)
{
    int code = check_usage(command, cli);

    if (code == 0) {
        code = command->run(cli);
    }
    code = close_store(cli->other, code);
    return close_store(cli->store, code);
}

static int dispatch(struct cli *cli)
{
    const struct options *options = &cli->options;
    const struct command *command = options->word_count ? find_command(options->words[0]) : NULL;

    if (options->version) {
        printf("mastra-store %s (SQLite %s)\n", mastra_version(), mastra_sqlite_version());
        return 0;
    }
    if (!options->word_count && !options->help) {
        return cli_complain(MASTRA_USAGE, "no command given; see mastra-store --help");
    }
    if (!options->word_count) {
        print_help();
        return 0;
    }
    if (!command && cli_is_url(options->words[0])) {
        return cli_complain(MASTRA_USAGE,
                            "no command given; a store is named with --store; see mastra-store --help");
    }
    if (!command) {
        return cli_complain(MASTRA_USAGE, "unknown command \"%s\"; see mastra-store --help",
                            options->words[0]);
    }
    cli->args = options->words + 1;
    cli->arg_count = options->word_count - 1;
    if (options->help) {
        bool of_operation = command->run == run_call && cli->arg_count > 0;

        return of_operation ? print_operations(cli->args[0]) : print_command_help(command);
    }
    return run_command(command, cli);
}

/* A file or socket that is opened must not become what is read from and printed to: a stream that we were started without
 * is replaced by one that fails. */
static bool reserve_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 &&
            open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) != stream) {
            return false;
        }
    }
    return true;
}

/* Output that never arrived is a failure, except when its reader has seen enough. */
static int finish_output(int code)
{
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};

    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    if (errno == EPIPE || (poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)))) {
        return code;
    }
    return cli_complain(errno == ENOSPC ? MASTRA_FULL : MASTRA_INTERNAL, "cannot write the output: %s",
                        strerror(errno));
}

int main(int argc, char **argv)
{
    struct cli cli = {.program = argc > 0 ? argv[0] : "mastra-store"};
    int code;

    if (!reserve_streams()) {
        return cli_complain(MASTRA_CANNOT_OPEN, "cannot open /dev/null");
    }
    /* Widths of characters; nothing else depends on a locale. */
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    code = options_parse(&cli.options, argc, argv);
    if (code == 0) {
        code = dispatch(&cli);
    }
    options_release(&cli.options);
    return finish_output(code);
}
