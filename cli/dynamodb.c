/* Commands that make a table of DynamoDB: dynamodb-setup, dynamodb-template. */
#include "cli.h"
#include "text.h"

/* Of "table", seven indexes, and what goes with them. */
#define MOST_PARTS 16

struct part {
    char name[16];
    mastra_dynamodb_progress progress;
    char detail[256];
};

/* What has been done so far. */
struct tally {
    bool quiet;
    size_t count;
    struct part parts[MOST_PARTS];
};

static const char *word_of(mastra_dynamodb_progress progress)
{
    switch (progress) {
    case MASTRA_DYNAMODB_PRESENT:
        return "present";
    case MASTRA_DYNAMODB_STARTED:
        return "being made";
    case MASTRA_DYNAMODB_DONE:
        return "made";
    default:
        return "skipped";
    }
}

static void take_step(void *user, const mastra_dynamodb_step *step)
{
    struct tally *tally = user;
    struct part *part;

    if (step->progress == MASTRA_DYNAMODB_STARTED) {
        if (!tally->quiet) {
            fprintf(stderr, "%s: being made\n", step->part);
        }
        return;
    }
    if (tally->count < MOST_PARTS) {
        part = &tally->parts[tally->count++];
        snprintf(part->name, sizeof part->name, "%s", step->part);
        part->progress = step->progress;
        snprintf(part->detail, sizeof part->detail, "%s", step->detail);
    }
}

static void print_parts(const struct tally *tally)
{
    for (size_t i = 0; i < tally->count; i++) {
        const struct part *part = &tally->parts[i];

        printf("%-12s%s%s", part->name, word_of(part->progress), part->detail[0] ? ": " : "");
        text_write_line(stdout, mastra_str_of(part->detail));
        putchar('\n');
    }
}

static void print_parts_json(const struct tally *tally, const char *table)
{
    fputs("{\"table\":", stdout);
    text_write_json_string(stdout, table);
    fputs(",\"parts\":[", stdout);
    for (size_t i = 0; i < tally->count; i++) {
        const struct part *part = &tally->parts[i];

        printf("%s{\"name\":\"%s\",\"outcome\":\"%s\",\"detail\":", i ? "," : "", part->name,
               word_of(part->progress));
        if (part->detail[0]) {
            text_write_json_string(stdout, part->detail);
        } else {
            fputs("null", stdout);
        }
        putchar('}');
    }
    puts("]}");
}

/* The options that both commands have; returns 0 or, after saying what is wrong, an exit code. */
static int take_options(const struct cli *cli, mastra_dynamodb_setup_options *setup)
{
    const struct options *options = &cli->options;

    if (!options->table) {
        return cli_complain(MASTRA_USAGE, "no table: give --table NAME");
    }
    /* To the library 0 means the default. */
    if ((options->given & OPTION_INDEXES) && (options->indexes < 2 || options->indexes > 7)) {
        return cli_complain(MASTRA_INVALID_ARGUMENT, "--indexes must be 2 to 7");
    }
    setup->indexes = (uint32_t)options->indexes;
    setup->ttl_attribute = options->ttl;
    setup->no_recovery = options->no_recovery;
    setup->no_encryption = options->no_encryption;
    return 0;
}

int run_dynamodb_setup(struct cli *cli)
{
    mastra_dynamodb_setup_options setup = MASTRA_DYNAMODB_SETUP_OPTIONS_INIT;
    mastra_dynamodb_options place = MASTRA_DYNAMODB_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct tally tally = {.quiet = cli->options.quiet};
    int code = take_options(cli, &setup);

    if (code != 0) {
        return code;
    }
    place.table = cli->options.table;
    place.region = cli->options.region;
    place.endpoint = cli->options.endpoint;
    place.profile = cli->options.profile;
    setup.step = take_step;
    setup.step_user = &tally;
    if (mastra_dynamodb_setup(&place, &setup, &error) != MASTRA_OK) {
        code = cli_fail(&error);
    }
    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        print_parts_json(&tally, cli->options.table);
        return 0;
    }
    print_parts(&tally);
    return 0;
}

int run_dynamodb_template(struct cli *cli)
{
    mastra_dynamodb_setup_options setup = MASTRA_DYNAMODB_SETUP_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    const char *format = cli->options.format ? cli->options.format : "cloudformation";
    char *text = NULL;
    int code = take_options(cli, &setup);

    if (code != 0) {
        return code;
    }
    if (mastra_dynamodb_template(format, cli->options.table, &setup, &text, NULL, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    fputs(text, stdout);
    mastra_dynamodb_template_free(text);
    return 0;
}
