/*
 * Moves by its URL alone: a program that begins with a file and goes on with a server, or a service.
 *
 *     move file:agent.db                                        works on the file
 *     move postgresql://user@host/agents                        does the same work on a server
 *     move file:agent.db postgresql://user@host/agents          brings everything over, then works there
 *
 * Nothing but the URL tells where the store is: the scheme picks the backend, which only has to be one of this build
 * (mastra_backend_at lists them).
 */
#include <mastra/mastra.h>

#include <stdio.h>

#define THREAD_ID "visits"

/* One visit: a message in the thread, and a run of a workflow, both with an id made of the number. */
static mastra_status visit(mastra_store *store, int64_t number, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_message message = MASTRA_MESSAGE_INIT;
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
    const mastra_message *messages[] = {&message};
    char id[40];
    mastra_status status = MASTRA_OK;

    snprintf(id, sizeof id, "visit-%lld", (long long)number);
    thread.id = mastra_str_of(THREAD_ID);
    thread.resource_id = mastra_str_of("visitor");
    thread.title = mastra_str_of("Visits");
    message.id = mastra_str_of(id);
    message.thread_id = thread.id;
    message.resource_id = thread.resource_id;
    message.role = mastra_str_of("user");
    message.content = mastra_str_of("{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"Hello\"}]}");
    run.workflow_name = mastra_str_of("welcome");
    run.run_id = message.id;
    run.snapshot = mastra_str_of("{\"status\":\"success\",\"context\":{}}");
    if (number == 1) {
        status = mastra_save_thread(store, &thread, NULL, error);
    }
    if (status == MASTRA_OK) {
        status = mastra_save_messages(store, messages, 1, NULL, error);
    }
    return status == MASTRA_OK ? mastra_persist_workflow_snapshot(store, &run, NULL, error) : status;
}

/* How many visits there have been: a page of one tells the total as well. */
static mastra_status count_visits(mastra_store *store, int64_t *ret_count, mastra_error *error)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_str thread_id = mastra_str_of(THREAD_ID);
    mastra_message_list *messages = NULL;
    mastra_status status;

    args.thread_ids = &thread_id;
    args.thread_id_count = 1;
    args.per_page = 1;
    status = mastra_list_messages(store, &args, &messages, error);
    if (status == MASTRA_OK) {
        *ret_count = mastra_message_list_page(messages)->total;
    }
    mastra_message_list_free(messages);
    return status;
}

/* The work of this program, which does not know which backend it works on. */
static mastra_status work(mastra_store *store, mastra_error *error)
{
    int64_t visits = 0;
    mastra_status status = count_visits(store, &visits, error);

    if (status == MASTRA_OK) {
        status = visit(store, visits + 1, error);
    }
    if (status == MASTRA_OK) {
        printf("visit %lld\n", (long long)visits + 1);
    }
    return status;
}

static void tell(void *user, const mastra_copy_event *event)
{
    (void)user;
    if (event->news == MASTRA_COPY_FINISHED && event->read > 0) {
        printf("%s: %lld rows, %lld of them new\n", event->table, (long long)event->read,
               (long long)event->added);
    }
}

/* Brings everything over. Broken off anywhere, it is taken up by starting again. */
static mastra_status bring_over(const char *from_url, mastra_store *to, mastra_error *error)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_store *from = NULL;
    mastra_status status;

    /* What is left behind is not changed, and not made by a slip of the pen. */
    options.disable_init = true;
    options.must_exist = true;
    args.tell = tell;
    /* What has been changed over there since an earlier move stays. */
    args.keep_newer = true;
    status = mastra_open(from_url, &options, &from, error);
    if (status == MASTRA_OK) {
        status = mastra_copy(from, to, &args, NULL, error);
    }
    mastra_close(from, NULL);
    return status;
}

int main(int argc, char **argv)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status;

    if (argc < 2 || argc > 3) {
        fputs("usage: move URL\n       move OLD_URL NEW_URL\n", stderr);
        return 2;
    }
    status = mastra_open(argv[argc - 1], NULL, &store, &error);
    if (status == MASTRA_OK && argc == 3) {
        status = bring_over(argv[1], store, &error);
    }
    if (status == MASTRA_OK) {
        status = work(store, &error);
    }
    if (status != MASTRA_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    mastra_close(store, NULL);
    return mastra_status_exit_code(status);
}
