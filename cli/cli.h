/* What the parts of the command share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <mastra/mastra.h>

#include <stdio.h>

/* The command line, taken apart. Texts that were not given are NULL, times MASTRA_TIME_NONE. */
struct options {
    const char *store; /* --store, else MASTRA_STORE_URL, else NULL */
    const char *owner;
    const char *resource;
    const char *workflow;
    const char *status;
    const char *thread;
    const char *entity_type;
    const char *entity;
    const char *name;
    const char *scorer;
    const char *run;
    const char *trace;
    const char *span;
    const char *agent;
    const char *type;
    const char *only;
    const char *host;
    const char *region;
    const char *user;
    const char *profile;
    mastra_time from;
    mastra_time to;
    mastra_time older_than;
    int64_t page;
    int64_t per_page;
    int64_t batch;
    int64_t expires;
    bool errors;
    bool help;
    bool version;
    bool json;
    bool wide;
    bool allow_raw_sql;
    unsigned given;     /* OPTION_ bits */
    char *hidden_store; /* what owns `store` when it was given on the command line */
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
    OPTION_OWNER = 1u << 6,
    OPTION_WORKFLOW = 1u << 7,
    OPTION_STATUS = 1u << 8,
    OPTION_THREAD = 1u << 9,
    OPTION_FROM = 1u << 10,
    OPTION_TO = 1u << 11,
    OPTION_ENTITY_TYPE = 1u << 12,
    OPTION_ENTITY = 1u << 13,
    OPTION_ERRORS = 1u << 14,
    OPTION_SCORER = 1u << 15,
    OPTION_RUN = 1u << 16,
    OPTION_TRACE = 1u << 17,
    OPTION_SPAN = 1u << 18,
    OPTION_AGENT = 1u << 19,
    OPTION_TYPE = 1u << 20,
    OPTION_OLDER_THAN = 1u << 21,
    OPTION_ONLY = 1u << 22,
    OPTION_BATCH = 1u << 23,
    OPTION_NAME = 1u << 24,
    OPTION_RAW_SQL = 1u << 25,
    OPTION_HOST = 1u << 26,
    OPTION_REGION = 1u << 27,
    OPTION_USER = 1u << 28,
    OPTION_EXPIRES = 1u << 29,
    OPTION_PROFILE = 1u << 30,
};

/* What the commands that print a list have in common. */
#define OPTION_LIST (OPTION_STORE | OPTION_JSON | OPTION_WIDE | OPTION_PAGE | OPTION_PER_PAGE)

/* Takes the command line apart; returns 0 or, after saying what is wrong, an exit code. */
int options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

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
int run_aws_whoami(struct cli *cli);
int run_call(struct cli *cli);
int run_demo(struct cli *cli);
int run_dsql_token(struct cli *cli);
int run_evals(struct cli *cli);
int run_index(struct cli *cli);
int run_indexes(struct cli *cli);
int run_init(struct cli *cli);
int run_locks(struct cli *cli);
int run_messages(struct cli *cli);
int run_ops(struct cli *cli);
int run_pipe(struct cli *cli);
int run_prune(struct cli *cli);
int run_resources(struct cli *cli);
int run_run(struct cli *cli);
int run_runs(struct cli *cli);
int run_scores(struct cli *cli);
int run_threads(struct cli *cli);
int run_trace(struct cli *cli);
int run_traces(struct cli *cli);

/* Prints what is known of the named operation, or of every one when `name` is NULL; returns the exit code. */
int print_operations(const char *name);

/* Tables of what a list holds, with a line below them that says where the page stands; return the exit code. */
int show_threads(const mastra_thread_list *list, bool wide);
int show_messages(const mastra_message_list *list, bool wide);

/* The line below a table: "6 messages", or "messages 41-80 of 120; more: --page 2". */
void show_page(const char *noun, size_t count, const mastra_page *page);

/* "3 indexes" */
void show_count(const char *noun, const char *nouns, size_t count);

/* What is known of one thing: a line with its kind and name, then one for each fact. An absent value is "-". */
void show_title(const char *kind, mastra_str name);
void show_fact(const char *name, mastra_str text);
void show_fact_time(const char *name, mastra_time time);

/* Prints an operation's result with a line end. */
void print_json(const char *json, size_t len);

/* Runs an operation and prints its result; returns the exit code. `ret_null`, which may be NULL: whether it is null. */
int call_and_print(struct cli *cli, const char *operation, const char *args, size_t len, bool *ret_null);

#endif
