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
    const char *table;
    const char *endpoint;
    const char *format;
    const char *ttl;
    mastra_time from;
    mastra_time to;
    mastra_time older_than;
    mastra_time since;
    int64_t page;
    int64_t per_page;
    int64_t batch;
    int64_t expires;
    int64_t indexes;
    bool errors;
    bool help;
    bool version;
    bool json;
    bool wide;
    bool allow_raw_sql;
    bool dry_run;
    bool quiet;
    bool skip_refused;
    bool keep_newer;
    bool repair;
    bool delete_orphans;
    bool no_recovery;
    bool no_encryption;
    uint64_t given; /* OPTION_ bits */
    char **hidden;  /* what owns `store` and words that were moved out of sight */
    int hidden_count;
    const char **words; /* the command and its arguments */
    int word_count;
};

/* Which options were given, and which a command understands. */
#define OPTION_STORE       (UINT64_C(1) << 0)
#define OPTION_JSON        (UINT64_C(1) << 1)
#define OPTION_WIDE        (UINT64_C(1) << 2)
#define OPTION_RESOURCE    (UINT64_C(1) << 3)
#define OPTION_PAGE        (UINT64_C(1) << 4)
#define OPTION_PER_PAGE    (UINT64_C(1) << 5)
#define OPTION_OWNER       (UINT64_C(1) << 6)
#define OPTION_WORKFLOW    (UINT64_C(1) << 7)
#define OPTION_STATUS      (UINT64_C(1) << 8)
#define OPTION_THREAD      (UINT64_C(1) << 9)
#define OPTION_FROM        (UINT64_C(1) << 10)
#define OPTION_TO          (UINT64_C(1) << 11)
#define OPTION_ENTITY_TYPE (UINT64_C(1) << 12)
#define OPTION_ENTITY      (UINT64_C(1) << 13)
#define OPTION_ERRORS      (UINT64_C(1) << 14)
#define OPTION_SCORER      (UINT64_C(1) << 15)
#define OPTION_RUN         (UINT64_C(1) << 16)
#define OPTION_TRACE       (UINT64_C(1) << 17)
#define OPTION_SPAN        (UINT64_C(1) << 18)
#define OPTION_AGENT       (UINT64_C(1) << 19)
#define OPTION_TYPE        (UINT64_C(1) << 20)
#define OPTION_OLDER_THAN  (UINT64_C(1) << 21)
#define OPTION_ONLY        (UINT64_C(1) << 22)
#define OPTION_BATCH       (UINT64_C(1) << 23)
#define OPTION_NAME        (UINT64_C(1) << 24)
#define OPTION_RAW_SQL     (UINT64_C(1) << 25)
#define OPTION_SINCE       (UINT64_C(1) << 26)
#define OPTION_DRY_RUN     (UINT64_C(1) << 27)
#define OPTION_QUIET       (UINT64_C(1) << 28)
#define OPTION_SKIP        (UINT64_C(1) << 29)
#define OPTION_REPAIR      (UINT64_C(1) << 30)
#define OPTION_ORPHANS     (UINT64_C(1) << 31)
#define OPTION_HOST        (UINT64_C(1) << 32)
#define OPTION_REGION      (UINT64_C(1) << 33)
#define OPTION_USER        (UINT64_C(1) << 34)
#define OPTION_EXPIRES     (UINT64_C(1) << 35)
#define OPTION_PROFILE     (UINT64_C(1) << 36)
#define OPTION_KEEP_NEWER  (UINT64_C(1) << 44)
#define OPTION_TABLE       (UINT64_C(1) << 37)
#define OPTION_ENDPOINT    (UINT64_C(1) << 38)
#define OPTION_FORMAT      (UINT64_C(1) << 39)
#define OPTION_TTL         (UINT64_C(1) << 40)
#define OPTION_INDEXES     (UINT64_C(1) << 41)
#define OPTION_NO_RECOVERY (UINT64_C(1) << 42)
#define OPTION_NO_SSE      (UINT64_C(1) << 43)

/* What the commands that print a list have in common. */
#define OPTION_LIST        (OPTION_STORE | OPTION_JSON | OPTION_WIDE | OPTION_PAGE | OPTION_PER_PAGE)

/* Takes the command line apart; returns 0 or, after saying what is wrong, an exit code. */
int options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

/* The name of the first option among these bits. */
const char *option_name(uint64_t bits);

/* The option of that number, from 0; NULL when there is none. Its bit is 0 when every command understands it. */
const char *option_at(size_t index, uint64_t *ret_bit, bool *ret_takes_value);

struct cli {
    const char *program; /* as it was called */
    struct options options;
    const char **args; /* behind the command's name */
    int arg_count;
    mastra_store *store; /* NULL until cli_open */
    mastra_store *other; /* of a command on two of them */
};

struct command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *details;
    uint64_t options; /* OPTION_ bits that it understands */
    int most_args;    /* -1: any number */
    int least_args;
    int (*run)(struct cli *cli); /* returns the exit code */
};

/* The command of that number, from 0; NULL when there is none. */
const struct command *command_at(size_t index);

/* Opens the store that the options name; returns 0 or, after saying why not, an exit code. */
int cli_open(struct cli *cli);

/* The same with nothing made that is missing, neither the store nor parts of it. */
int cli_open_as_it_is(struct cli *cli);

/* The same with a URL and options of one's own; the store goes to *ret, which is the cli's `store` or `other`. */
int cli_open_as(struct cli *cli, const char *url, mastra_options *options, mastra_store **ret);

/* Each says in one line on stderr what went wrong and returns the exit code for it. */
int cli_fail(const mastra_error *error);
int cli_complain(mastra_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether a word looks like a URL, which may hold a password: it is not to be printed. */
bool cli_is_url(const char *word);

/* A word as it may be printed. */
const char *cli_shown(const char *word);

/* Complains when what is to name a file looks like a store's URL, as a slip of the pen has it. */
int cli_check_file(const char *command, const char *name);

/* Commands. */
int run_aws_whoami(struct cli *cli);
int run_backup(struct cli *cli);
int run_call(struct cli *cli);
int run_check(struct cli *cli);
int run_completion(struct cli *cli);
int run_copy(struct cli *cli);
int run_demo(struct cli *cli);
int run_dsql_token(struct cli *cli);
int run_dynamodb_setup(struct cli *cli);
int run_dynamodb_template(struct cli *cli);
int run_diff(struct cli *cli);
int run_evals(struct cli *cli);
int run_export(struct cli *cli);
int run_import(struct cli *cli);
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
int run_stats(struct cli *cli);
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
