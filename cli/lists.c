/* Commands that show what a store holds: threads, messages, resources. */
#include "cli.h"
#include "request.h"
#include "table.h"

/* Tables. */

void show_page(const char *noun, size_t count, const mastra_page *page)
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

int show_threads(const mastra_thread_list *list, bool wide)
{
    static const struct table_column columns[] = {
        {"THREAD", TABLE_ID},           {"RESOURCE", TABLE_ID},         {"TITLE", TABLE_TEXT},
        {"CREATED (UTC)", TABLE_WHOLE}, {"UPDATED (UTC)", TABLE_WHOLE}, {NULL, TABLE_TEXT}};
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
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("thread", count, mastra_thread_list_page(list));
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
    static const struct table_column columns[] = {{"MESSAGE", TABLE_ID},
                                                  {"ROLE", TABLE_WHOLE},
                                                  {"CREATED (UTC)", TABLE_WHOLE},
                                                  {"TEXT", TABLE_TEXT},
                                                  {NULL, TABLE_TEXT}};
    size_t count = mastra_message_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        add_message(&table, mastra_message_list_at(list, i));
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("message", count, mastra_message_list_page(list));
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

static const struct table_column resource_columns[] = {{"RESOURCE", TABLE_ID},
                                                       {"WORKING MEMORY", TABLE_TEXT},
                                                       {"METADATA", TABLE_TEXT},
                                                       {"UPDATED (UTC)", TABLE_WHOLE},
                                                       {NULL, TABLE_TEXT}};

/* One operation with at most one text argument and, when `paged`, the page options. */
static int print_as_json(struct cli *cli, const char *operation, const char *name, const char *value,
                         bool paged)
{
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, name, value);
    if (paged) {
        request_add_page(&request, &cli->options);
    }
    return request_print(cli, operation, &request);
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
    code = table_finish(&table, cli->options.wide);
    if (code == 0) {
        show_page("resource", count, mastra_resource_list_page(list));
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
            missing = cli_complain(MASTRA_NOT_FOUND, "there is no resource \"%s\"", cli_shown(cli->args[i]));
        }
        mastra_resource_free(resource);
    }
    code = table_finish(&table, cli->options.wide);
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
