#include "cli.h"

#include "moment.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* What an option's value is, and the type of the field that keeps it. */
enum kind {
    FLAG,     /* none: bool */
    TEXT,     /* const char * */
    NUMBER,   /* int64_t */
    PER_PAGE, /* the same; "all" is MASTRA_PER_PAGE_ALL */
    MOMENT,   /* mastra_time */
};

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t bit; /* 0: understood by every command */
};

#define FIELD(name) offsetof(struct options, name)

static const struct option known[] = {
    {"--store", TEXT, FIELD(store), OPTION_STORE},
    {"--owner", TEXT, FIELD(owner), OPTION_OWNER},
    {"--json", FLAG, FIELD(json), OPTION_JSON},
    {"--wide", FLAG, FIELD(wide), OPTION_WIDE},
    {"--resource", TEXT, FIELD(resource), OPTION_RESOURCE},
    {"--page", NUMBER, FIELD(page), OPTION_PAGE},
    {"--per-page", PER_PAGE, FIELD(per_page), OPTION_PER_PAGE},
    {"--workflow", TEXT, FIELD(workflow), OPTION_WORKFLOW},
    {"--status", TEXT, FIELD(status), OPTION_STATUS},
    {"--thread", TEXT, FIELD(thread), OPTION_THREAD},
    {"--from", MOMENT, FIELD(from), OPTION_FROM},
    {"--to", MOMENT, FIELD(to), OPTION_TO},
    {"--entity-type", TEXT, FIELD(entity_type), OPTION_ENTITY_TYPE},
    {"--entity", TEXT, FIELD(entity), OPTION_ENTITY},
    {"--name", TEXT, FIELD(name), OPTION_NAME},
    {"--errors", FLAG, FIELD(errors), OPTION_ERRORS},
    {"--scorer", TEXT, FIELD(scorer), OPTION_SCORER},
    {"--run", TEXT, FIELD(run), OPTION_RUN},
    {"--trace", TEXT, FIELD(trace), OPTION_TRACE},
    {"--span", TEXT, FIELD(span), OPTION_SPAN},
    {"--agent", TEXT, FIELD(agent), OPTION_AGENT},
    {"--type", TEXT, FIELD(type), OPTION_TYPE},
    {"--older-than", MOMENT, FIELD(older_than), OPTION_OLDER_THAN},
    {"--only", TEXT, FIELD(only), OPTION_ONLY},
    {"--batch", NUMBER, FIELD(batch), OPTION_BATCH},
    {"--host", TEXT, FIELD(host), OPTION_HOST},
    {"--region", TEXT, FIELD(region), OPTION_REGION},
    {"--user", TEXT, FIELD(user), OPTION_USER},
    {"--expires", NUMBER, FIELD(expires), OPTION_EXPIRES},
    {"--profile", TEXT, FIELD(profile), OPTION_PROFILE},
    {"--table", TEXT, FIELD(table), OPTION_TABLE},
    {"--endpoint", TEXT, FIELD(endpoint), OPTION_ENDPOINT},
    {"--format", TEXT, FIELD(format), OPTION_FORMAT},
    {"--indexes", NUMBER, FIELD(indexes), OPTION_INDEXES},
    {"--ttl", TEXT, FIELD(ttl), OPTION_TTL},
    {"--no-recovery", FLAG, FIELD(no_recovery), OPTION_NO_RECOVERY},
    {"--no-encryption", FLAG, FIELD(no_encryption), OPTION_NO_SSE},
    {"--allow-raw-sql", FLAG, FIELD(allow_raw_sql), OPTION_RAW_SQL},
    {"--since", MOMENT, FIELD(since), OPTION_SINCE},
    {"--dry-run", FLAG, FIELD(dry_run), OPTION_DRY_RUN},
    {"--quiet", FLAG, FIELD(quiet), OPTION_QUIET},
    {"--skip-refused", FLAG, FIELD(skip_refused), OPTION_SKIP},
    {"--keep-newer", FLAG, FIELD(keep_newer), OPTION_KEEP_NEWER},
    {"--repair", FLAG, FIELD(repair), OPTION_REPAIR},
    {"--delete-orphans", FLAG, FIELD(delete_orphans), OPTION_ORPHANS},
    {"--help", FLAG, FIELD(help), 0},
    {"-h", FLAG, FIELD(help), 0},
    {"--version", FLAG, FIELD(version), 0},
};

static int64_t *field_number(struct options *options, const struct option *option)
{
    return (int64_t *)((char *)options + option->offset);
}

static bool read_number(const char *text, int64_t *ret)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    /* Beyond 2^53 a number is not the same in every reader of JSON. */
    if (errno != 0 || end == text || *end || number < 0 || number > INT64_C(9007199254740991)) {
        return false;
    }
    *ret = number;
    return true;
}

/* Keeps the value; returns what it should have been when it is wrong, else NULL. */
static const char *apply(struct options *options, const struct option *option, const char *value)
{
    bool good = true;

    switch (option->kind) {
    case FLAG:
        *(bool *)((char *)options + option->offset) = true;
        break;
    case TEXT:
        *(const char **)((char *)options + option->offset) = value;
        break;
    case PER_PAGE:
        if (strcmp(value, "all") == 0) {
            *field_number(options, option) = MASTRA_PER_PAGE_ALL;
            break;
        }
        good = read_number(value, field_number(options, option));
        break;
    case NUMBER:
        good = read_number(value, field_number(options, option));
        break;
    case MOMENT:
        return moment_read(value, field_number(options, option))
                   ? NULL
                   : "a time (2026-01-31, 2026-01-31T12:00Z) or an age (45m, 12h, 30d)";
    }
    return good ? NULL : "a whole number that is not negative";
}

const char *option_name(uint64_t bits)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].bit & bits) {
            return known[i].name;
        }
    }
    return "";
}

const char *option_at(size_t index, uint64_t *ret_bit, bool *ret_takes_value)
{
    if (index >= sizeof known / sizeof known[0]) {
        return NULL;
    }
    *ret_bit = known[index].bit;
    *ret_takes_value = known[index].kind != FLAG;
    return known[index].name;
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

/* Every user of the machine can list the arguments of our process, and a URL may hold a password: it is moved to where
 * only we see it. */
static int hide(struct options *options, char *url, const char **ret)
{
    char *secret = strstr(url, "://");
    char *copy;

    if (!secret) {
        return 0;
    }
    copy = strdup(url);
    if (!copy) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    options->hidden[options->hidden_count++] = copy;
    *ret = copy;
    for (secret += strlen("://"); *secret; secret++) {
        *secret = 'x';
    }
    return 0;
}

/* Takes in the option at *at and, where it has one, its value; moves *at to the last word used. */
static int take(struct options *options, char **argv, int argc, int *at)
{
    const char *value;
    const char *wanted;
    const struct option *option = find(argv[*at], &value);

    if (!option) {
        /* An option that swallowed a URL is not printed further than to its name. */
        return cli_complain(MASTRA_USAGE, "unknown option %.*s",
                            (int)(cli_is_url(argv[*at]) ? strcspn(argv[*at], "=:") : strlen(argv[*at])),
                            argv[*at]);
    }
    if (option->kind == FLAG && value) {
        return cli_complain(MASTRA_USAGE, "%s takes no value", option->name);
    }
    if (option->kind != FLAG && !value) {
        if (*at + 1 == argc) {
            return cli_complain(MASTRA_USAGE, "%s needs a value", option->name);
        }
        value = argv[++*at];
    }
    wanted = apply(options, option, value);
    if (wanted) {
        return cli_complain(MASTRA_USAGE, "%s must be %s, not \"%s\"", option->name, wanted,
                            cli_shown(value));
    }
    options->given |= option->bit;
    return option->bit == OPTION_STORE ? hide(options, argv[*at] + (value - argv[*at]), &options->store) : 0;
}

/* URLs are words of the commands on two stores. */
static int take_word(struct options *options, char *word)
{
    const char **slot = &options->words[options->word_count++];

    *slot = word;
    return hide(options, word, slot);
}

void options_release(struct options *options)
{
    for (int i = 0; i < options->hidden_count; i++) {
        free(options->hidden[i]);
    }
    free(options->hidden);
    free(options->words);
}

int options_parse(struct options *options, int argc, char **argv)
{
    bool words_only = false;
    int code = 0;

    *options = (struct options){.per_page = MASTRA_PER_PAGE_DEFAULT,
                                .from = MASTRA_TIME_NONE,
                                .to = MASTRA_TIME_NONE,
                                .older_than = MASTRA_TIME_NONE,
                                .since = MASTRA_TIME_NONE,
                                .store = getenv("MASTRA_STORE_URL")};
    options->words = calloc((size_t)argc + 1, sizeof *options->words);
    options->hidden = calloc((size_t)argc + 1, sizeof *options->hidden);
    if (!options->words || !options->hidden) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    for (int i = 1; i < argc && code == 0; i++) {
        /* A lone "-" is a word: standard input. */
        if (words_only || argv[i][0] != '-' || !argv[i][1]) {
            code = take_word(options, argv[i]);
        } else if (strcmp(argv[i], "--") == 0) {
            words_only = true;
        } else {
            code = take(options, argv, argc, &i);
        }
    }
    return code;
}
