/* Commands that show what a store holds: threads, messages, resources. */
#include "cli.h"
#include "table.h"
#include "text.h"

#include <stdlib.h>

/* Tables. */

/* "6 messages", or "messages 41-80 of 120; more: --page 2". */
static void print_footer(const char *noun, size_t count, const mastra_page *page)
{
    if (page->total == 0 && count == 0) {
        printf("no %ss\n", noun);
    } else if (!page->has_more && page->page == 0) {
        printf("%zu %s%s\n", count, noun, count == 1 ? "" : "s");
    } else if (count == 0) {
        printf("no %ss on page %lld; %lld in all\n", noun, (long long)page->page, (long long)page->total);
    } else {
        long long first = (long long)(page->page * page->per_page) + 1;

        printf("%ss %lld-%lld of %lld", noun, first, first + (long long)count - 1, (long long)page->total);
        if (page->has_more) {
            printf("; more: --page %lld", (long long)page->page + 1);
        }
        putchar('\n');
    }
}

/* Prints and releases a table, unless it is empty. */
static int finish_table(struct table *table, bool wide)
{
    bool ok = table->cell_count == 0 ? !table->failed : table_print(table, stdout, wide);

    table_release(table);
    return ok ? 0 : cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
}

int show_threads(const mastra_thread_list *list, bool wide)
{
    static const struct table_column columns[] = {{"THREAD", true},        {"RESOURCE", true},
                                                  {"TITLE", false},        {"CREATED (UTC)", true},
                                                  {"UPDATED (UTC)", true}, {NULL, false}};
    size_t count = mastra_thread_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_thread *thread = mastra_thread_list_at(list, i);

        table_add_text(&table, thread->id);
        table_add_text(&table, thread->resource_id);
        table_add_text(&table, thread->title);
        table_add_time(&table, thread->created_at);
        table_add_time(&table, thread->updated_at);
    }
    code = finish_table(&table, wide);
    if (code == 0) {
        print_footer("thread", count, mastra_thread_list_page(list));
    }
    return code;
}

static void add_message(struct table *table, const mastra_message *message)
{
    size_t len = 0;
    char *text = NULL;

    table_add_text(table, message->id);
    table_add_text(table, message->role);
    table_add_time(table, message->created_at);
    if (mastra_message_text(message, &text, &len, NULL) == MASTRA_OK) {
        table_add_text(table, (mastra_str){text, len});
        mastra_json_free(text);
    } else {
        table->failed = true;
    }
}

int show_messages(const mastra_message_list *list, bool wide)
{
    static const struct table_column columns[] = {
        {"MESSAGE", true}, {"ROLE", true}, {"CREATED (UTC)", true}, {"TEXT", false}, {NULL, false}};
    size_t count = mastra_message_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        add_message(&table, mastra_message_list_at(list, i));
    }
    code = finish_table(&table, wide);
    if (code == 0) {
        print_footer("message", count, mastra_message_list_page(list));
    }
    return code;
}

static void add_resource(struct table *table, const mastra_resource *resource)
{
    table_add_text(table, resource->id);
    table_add_text(table, resource->working_memory);
    table_add_text(table, resource->metadata);
    table_add_time(table, resource->updated_at);
}

static const struct table_column resource_columns[] = {{"RESOURCE", true},
                                                       {"WORKING MEMORY", false},
                                                       {"METADATA", false},
                                                       {"UPDATED (UTC)", true},
                                                       {NULL, false}};

/* Arguments as JSON, for --json. */

struct json_args {
    FILE *out;
    char *text;
    size_t len;
    const char *separator;
};

static bool begin_args(struct json_args *args)
{
    *args = (struct json_args){.separator = ""};
    args->out = open_memstream(&args->text, &args->len);
    if (args->out) {
        fputc('{', args->out);
    }
    return args->out != NULL;
}

static void add_text_arg(struct json_args *args, const char *name, const char *value)
{
    fprintf(args->out, "%s\"%s\":", args->separator, name);
    text_write_json_string(args->out, value);
    args->separator = ",";
}

static void add_page_args(struct json_args *args, const struct options *options)
{
    fprintf(args->out, "%s\"page\":%lld", args->separator, (long long)options->page);
    args->separator = ",";
    if (options->per_page == MASTRA_PER_PAGE_ALL) {
        fputs(",\"perPage\":false", args->out);
    } else if (options->per_page != MASTRA_PER_PAGE_DEFAULT) {
        fprintf(args->out, ",\"perPage\":%lld", (long long)options->per_page);
    }
}

static int call_with_args(struct cli *cli, const char *operation, struct json_args *args)
{
    int code;

    fputc('}', args->out);
    if (fclose(args->out) == 0) {
        code = call_and_print(cli, operation, args->text, args->len);
    } else {
        code = cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    free(args->text);
    return code;
}

/* One operation with at most one text argument and, when `paged`, the page options. */
static int print_as_json(struct cli *cli, const char *operation, const char *name, const char *value,
                         bool paged)
{
    struct json_args args;

    if (!begin_args(&args)) {
        return cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    if (value) {
        add_text_arg(&args, name, value);
    }
    if (paged) {
        add_page_args(&args, &cli->options);
    }
    return call_with_args(cli, operation, &args);
}

/* The commands. */

int run_threads(struct cli *cli)
{
    mastra_list_threads_args args = MASTRA_LIST_THREADS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_as_json(cli, "listThreads", "resourceId", cli->options.resource, true);
    }
    args.resource_id = mastra_str_of(cli->options.resource);
    args.page = cli->options.page;
    args.per_page = cli->options.per_page;
    if (mastra_list_threads(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_threads(list, cli->options.wide);
    mastra_thread_list_free(list);
    return code;
}

int run_messages(struct cli *cli)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str thread_id = mastra_str_of(cli->args[0]);
    mastra_message_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_as_json(cli, "listMessages", "threadId", cli->args[0], true);
    }
    args.thread_ids = &thread_id;
    args.thread_id_count = 1;
    args.page = cli->options.page;
    args.per_page = cli->options.per_page;
    if (mastra_list_messages(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_messages(list, cli->options.wide);
    mastra_message_list_free(list);
    return code;
}

static int show_all_resources(struct cli *cli)
{
    mastra_list_resources_args args = MASTRA_LIST_RESOURCES_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_resource_list *list = NULL;
    struct table table;
    size_t count;
    int code;

    args.page = cli->options.page;
    args.per_page = cli->options.per_page;
    if (mastra_list_resources(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    table_init(&table, resource_columns);
    count = mastra_resource_list_count(list);
    for (size_t i = 0; i < count; i++) {
        add_resource(&table, mastra_resource_list_at(list, i));
    }
    code = finish_table(&table, cli->options.wide);
    if (code == 0) {
        print_footer("resource", count, mastra_resource_list_page(list));
    }
    mastra_resource_list_free(list);
    return code;
}

/* Shows those that exist and complains of the others. */
static int show_resources(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    struct table table;
    int missing = 0;
    int code;

    table_init(&table, resource_columns);
    for (int i = 0; i < cli->arg_count; i++) {
        mastra_resource *resource = NULL;

        if (mastra_get_resource_by_id(cli->store, mastra_str_of(cli->args[i]), &resource, &error) !=
            MASTRA_OK) {
            table_release(&table);
            return cli_fail(&error);
        }
        if (resource) {
            add_resource(&table, resource);
        } else {
            missing = cli_complain(MASTRA_NOT_FOUND, "there is no resource \"%s\"", cli->args[i]);
        }
        mastra_resource_free(resource);
    }
    code = finish_table(&table, cli->options.wide);
    return code != 0 ? code : missing;
}

int run_resources(struct cli *cli)
{
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (!cli->options.json) {
        return cli->arg_count ? show_resources(cli) : show_all_resources(cli);
    }
    if (!cli->arg_count) {
        return print_as_json(cli, "listResources", NULL, NULL, true);
    }
    for (int i = 0; code == 0 && i < cli->arg_count; i++) {
        code = print_as_json(cli, "getResourceById", "resourceId", cli->args[i], false);
    }
    return code;
}
