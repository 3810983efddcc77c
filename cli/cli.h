/* What the parts of the command share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <mastra/mastra.h>

#include <stdio.h>

/* The command line, taken apart. */
struct options {
    const char *store;    /* --store, else MASTRA_STORE_URL, else NULL */
    const char *resource; /* --resource */
    int64_t page;
    int64_t per_page;
    bool help;
    bool version;
    bool json;
    bool wide;
    unsigned given;     /* OPTION_ bits */
    const char **words; /* the command and its arguments */
    int word_count;
};

enum option_bit {
    OPTION_STORE = 1u << 0,
    OPTION_JSON = 1u << 1,
    OPTION_WIDE = 1u << 2,
    OPTION_RESOURCE = 1u << 3,
    OPTION_PAGE = 1u << 4,
    OPTION_PER_PAGE = 1u << 5,
};

/* Takes the command line apart; returns 0 or, after saying what is wrong, an exit code. */
int options_parse(struct options *options, int argc, char **argv);

/* The name of the first option among these bits. */
const char *option_name(unsigned bits);

struct cli {
    const char *program; /* as it was called */
    struct options options;
    const char **args; /* behind the command's name */
    int arg_count;
    mastra_store *store; /* NULL until cli_open */
};

struct command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *details;
    unsigned options; /* OPTION_ bits that it understands */
    int most_args;    /* -1: any number */
    int least_args;
    int (*run)(struct cli *cli); /* returns the exit code */
};

/* Opens the store that the options name; returns 0 or, after saying why not, an exit code. */
int cli_open(struct cli *cli);

/* Each says in one line on stderr what went wrong and returns the exit code for it. */
int cli_fail(const mastra_error *error);
int cli_complain(mastra_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Commands. */
int run_call(struct cli *cli);
int run_demo(struct cli *cli);
int run_init(struct cli *cli);
int run_messages(struct cli *cli);
int run_ops(struct cli *cli);
int run_pipe(struct cli *cli);
int run_resources(struct cli *cli);
int run_threads(struct cli *cli);

/* Prints what is known of the named operation, or of every one when `name` is NULL; returns the exit code. */
int print_operations(const char *name);

/* Tables of what a list holds, with a line below them that says where the page stands; return the exit code. */
int show_threads(const mastra_thread_list *list, bool wide);
int show_messages(const mastra_message_list *list, bool wide);

/* Prints an operation's result with a line end. */
void print_json(const char *json, size_t len);

/* Runs an operation and prints its result; returns the exit code. */
int call_and_print(struct cli *cli, const char *operation, const char *args, size_t len);

#endif
