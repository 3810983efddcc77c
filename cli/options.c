#include "cli.h"

#include <errno.h>
#include <stdlib.h>

struct option {
    const char *name;
    bool takes_value;
    unsigned bit; /* 0: understood by every command */
    mastra_status (*apply)(struct options *options, const char *value);
};

static mastra_status set_store(struct options *options, const char *value)
{
    options->store = value;
    return MASTRA_OK;
}

static mastra_status set_resource(struct options *options, const char *value)
{
    options->resource = value;
    return MASTRA_OK;
}

static mastra_status set_help(struct options *options, const char *value)
{
    (void)value;
    options->help = true;
    return MASTRA_OK;
}

static mastra_status set_version(struct options *options, const char *value)
{
    (void)value;
    options->version = true;
    return MASTRA_OK;
}

static mastra_status set_json(struct options *options, const char *value)
{
    (void)value;
    options->json = true;
    return MASTRA_OK;
}

static mastra_status set_wide(struct options *options, const char *value)
{
    (void)value;
    options->wide = true;
    return MASTRA_OK;
}

static mastra_status to_number(const char *text, int64_t *ret)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    /* Beyond 2^53 a number is not the same in every reader of JSON. */
    if (errno != 0 || end == text || *end || number < 0 || number > INT64_C(9007199254740991)) {
        return MASTRA_USAGE;
    }
    *ret = number;
    return MASTRA_OK;
}

static mastra_status set_page(struct options *options, const char *value)
{
    return to_number(value, &options->page);
}

static mastra_status set_per_page(struct options *options, const char *value)
{
    if (strcmp(value, "all") == 0) {
        options->per_page = MASTRA_PER_PAGE_ALL;
        return MASTRA_OK;
    }
    return to_number(value, &options->per_page);
}

static const struct option known[] = {
    {"--store", true, OPTION_STORE, set_store},
    {"--json", false, OPTION_JSON, set_json},
    {"--wide", false, OPTION_WIDE, set_wide},
    {"--resource", true, OPTION_RESOURCE, set_resource},
    {"--page", true, OPTION_PAGE, set_page},
    {"--per-page", true, OPTION_PER_PAGE, set_per_page},
    {"--help", false, 0, set_help},
    {"-h", false, 0, set_help},
    {"--version", false, 0, set_version},
};

const char *option_name(unsigned bits)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].bit & bits) {
            return known[i].name;
        }
    }
    return "";
}

/* The option that a word begins with; *ret_value is what stands behind its "=", or NULL. */
static const struct option *find(const char *word, const char **ret_value)
{
    size_t len = strcspn(word, "=");

    *ret_value = word[len] ? word + len + 1 : NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == len && strncmp(known[i].name, word, len) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

/* Takes in the option at *at and, where it has one, its value; moves *at to the last word used. */
static int take(struct options *options, char **argv, int argc, int *at)
{
    const char *value;
    const struct option *option = find(argv[*at], &value);

    if (!option) {
        return cli_complain(MASTRA_USAGE, "unknown option %s", argv[*at]);
    }
    if (!option->takes_value && value) {
        return cli_complain(MASTRA_USAGE, "%s takes no value", option->name);
    }
    if (option->takes_value && !value) {
        if (*at + 1 == argc) {
            return cli_complain(MASTRA_USAGE, "%s needs a value", option->name);
        }
        value = argv[++*at];
    }
    if (option->apply(options, value) != MASTRA_OK) {
        return cli_complain(MASTRA_USAGE, "%s must be a whole number that is not negative, not \"%s\"",
                            option->name, value);
    }
    options->given |= option->bit;
    return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
    bool words_only = false;
    int code = 0;

    *options = (struct options){.per_page = MASTRA_PER_PAGE_DEFAULT, .store = getenv("MASTRA_STORE_URL")};
    options->words = calloc((size_t)argc + 1, sizeof *options->words);
    if (!options->words) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    for (int i = 1; i < argc && code == 0; i++) {
        /* A lone "-" is a word: standard input. */
        if (words_only || argv[i][0] != '-' || !argv[i][1]) {
            options->words[options->word_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else {
            code = take(options, argv, argc, &i);
        }
    }
    return code;
}
