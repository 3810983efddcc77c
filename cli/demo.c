/* demo: what the library does, in one thread. */
#include "cli.h"
#include "text.h"

#define DEMO_URL      "file:demo.db"
#define DEMO_THREAD   "demo-thread"
#define DEMO_RESOURCE "demo-user"

#define PARTS(text)   "{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"

static const struct {
    const char *id;
    const char *role;
    const char *content;
} talk[] = {
    {"demo-message-1", "user",
     PARTS("Hi, I am Ada. Please keep in mind that I want answers in metric units.")},
    {"demo-message-2", "assistant", PARTS("Noted, Ada: metric units from now on.")},
    {"demo-message-3", "user", PARTS("How high is Mont Blanc?")},
    {"demo-message-4", "assistant", PARTS("About 4,806 metres above the sea.")},
};

#define TALK_COUNT (sizeof talk / sizeof talk[0])

static mastra_status save_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;

    thread.id = mastra_str_of(DEMO_THREAD);
    thread.resource_id = mastra_str_of(DEMO_RESOURCE);
    thread.title = mastra_str_of("Mountains");
    thread.metadata = mastra_str_of("{\"demo\":true}");
    return mastra_save_thread(store, &thread, NULL, error);
}

static mastra_status save_talk(mastra_store *store, mastra_error *error)
{
    static const mastra_message blank = MASTRA_MESSAGE_INIT;
    const mastra_message *pointers[TALK_COUNT];
    mastra_message messages[TALK_COUNT];

    for (size_t i = 0; i < TALK_COUNT; i++) {
        messages[i] = blank;
        messages[i].id = mastra_str_of(talk[i].id);
        messages[i].thread_id = mastra_str_of(DEMO_THREAD);
        messages[i].resource_id = mastra_str_of(DEMO_RESOURCE);
        messages[i].role = mastra_str_of(talk[i].role);
        messages[i].content = mastra_str_of(talk[i].content);
        pointers[i] = &messages[i];
    }
    return mastra_save_messages(store, pointers, TALK_COUNT, NULL, error);
}

static mastra_status save_memory(mastra_store *store, mastra_error *error)
{
    mastra_resource_patch patch = MASTRA_RESOURCE_PATCH_INIT;

    patch.values.id = mastra_str_of(DEMO_RESOURCE);
    patch.values.working_memory = mastra_str_of("# User\n- Name: Ada\n- Units: metric");
    patch.set = MASTRA_RESOURCE_SET_WORKING_MEMORY;
    return mastra_update_resource(store, &patch, NULL, error);
}

static int show_memory(mastra_store *store, mastra_error *error)
{
    mastra_resource *resource = NULL;

    if (mastra_get_resource_by_id(store, mastra_str_of(DEMO_RESOURCE), &resource, error) != MASTRA_OK) {
        return cli_fail(error);
    }
    printf("\nWorking memory of %s\n", DEMO_RESOURCE);
    if (resource) {
        fwrite(resource->working_memory.ptr, 1, resource->working_memory.len, stdout);
    }
    putchar('\n');
    mastra_resource_free(resource);
    return 0;
}

/* Everything below is read back from the store. */
static int show_all(struct cli *cli)
{
    mastra_list_threads_args threads_args = MASTRA_LIST_THREADS_INIT;
    mastra_list_messages_args messages_args = MASTRA_LIST_MESSAGES_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str thread_id = mastra_str_of(DEMO_THREAD);
    mastra_thread_list *threads = NULL;
    mastra_message_list *messages = NULL;
    int code = 0;

    threads_args.resource_id = mastra_str_of(DEMO_RESOURCE);
    messages_args.thread_ids = &thread_id;
    messages_args.thread_id_count = 1;
    if (mastra_list_threads(cli->store, &threads_args, &threads, &error) != MASTRA_OK ||
        mastra_list_messages(cli->store, &messages_args, &messages, &error) != MASTRA_OK) {
        code = cli_fail(&error);
    }
    if (code == 0) {
        puts("\nThreads");
        code = show_threads(threads, cli->options.wide);
    }
    if (code == 0) {
        puts("\nMessages");
        code = show_messages(messages, cli->options.wide);
    }
    if (code == 0) {
        code = show_memory(cli->store, &error);
    }
    mastra_message_list_free(messages);
    mastra_thread_list_free(threads);
    return code;
}

static void print_command(const struct cli *cli, const char *rest)
{
    printf("  %s --store ", cli->program);
    text_write_url(stdout, cli->options.store);
    printf(" %s\n", rest);
}

int run_demo(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    int code;

    if (!(cli->options.given & OPTION_STORE)) {
        cli->options.store = DEMO_URL;
    }
    code = cli_open(cli);
    if (code != 0) {
        return code;
    }
    if (save_thread(cli->store, &error) != MASTRA_OK || save_talk(cli->store, &error) != MASTRA_OK ||
        save_memory(cli->store, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    fputs("Saved a thread, its messages and working memory in ", stdout);
    text_write_url(stdout, cli->options.store);
    fputs(".\n", stdout);
    code = show_all(cli);
    if (code == 0) {
        puts("\nLook at it yourself:");
        print_command(cli, "threads");
        print_command(cli, "messages " DEMO_THREAD);
        print_command(cli, "resources");
        print_command(cli, "call listMessages '{\"threadId\":\"" DEMO_THREAD "\"}'");
    }
    return code;
}
