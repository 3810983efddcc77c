/* Saves a thread and two messages, then lists them: the shortest useful program. */
#include <mastra/mastra.h>

#include <stdio.h>

static int fail(const mastra_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return mastra_status_exit_code(error->status);
}

static mastra_status save(mastra_store *store, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_message question = MASTRA_MESSAGE_INIT;
    mastra_message answer = MASTRA_MESSAGE_INIT;
    const mastra_message *messages[] = {&question, &answer};
    mastra_status status;

    thread.id = mastra_str_of("thread-1");
    thread.resource_id = mastra_str_of("user-1");
    thread.title = mastra_str_of("Weather");
    question.id = mastra_str_of("message-1");
    question.thread_id = thread.id;
    question.resource_id = thread.resource_id;
    question.role = mastra_str_of("user");
    question.content =
        mastra_str_of("{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"Rain tomorrow?\"}]}");
    answer = question;
    answer.id = mastra_str_of("message-2");
    answer.role = mastra_str_of("assistant");
    answer.content =
        mastra_str_of("{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"Take a coat.\"}]}");

    status = mastra_save_thread(store, &thread, NULL, error);
    return status == MASTRA_OK ? mastra_save_messages(store, messages, 2, NULL, error) : status;
}

static mastra_status list(mastra_store *store, mastra_error *error)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_str thread_id = mastra_str_of("thread-1");
    mastra_message_list *messages = NULL;
    mastra_status status;

    args.thread_ids = &thread_id;
    args.thread_id_count = 1;
    status = mastra_list_messages(store, &args, &messages, error);
    for (size_t i = 0; i < mastra_message_list_count(messages); i++) {
        const mastra_message *message = mastra_message_list_at(messages, i);

        printf("%s: %s\n", message->role.ptr, message->content.ptr);
    }
    mastra_message_list_free(messages);
    return status;
}

int main(void)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status = mastra_open("file:quickstart.db", NULL, &store, &error);

    if (status == MASTRA_OK) {
        status = save(store, &error);
    }
    if (status == MASTRA_OK) {
        status = list(store, &error);
    }
    mastra_close(store, NULL);
    return status == MASTRA_OK ? 0 : fail(&error);
}
