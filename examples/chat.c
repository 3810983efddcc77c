/*
 * A chat that remembers: keeps one thread of messages and goes on with it whenever it is started again.
 *
 *     chat file:chat.db            then type; an empty line or Ctrl-D ends it
 *     chat postgresql://...        the same on a server
 *
 * Where a model would answer stands a stub. What a model needs of the past is the last page of the thread.
 */
#define _POSIX_C_SOURCE 200809L

#include <mastra/mastra.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define THREAD_ID   "chat"
#define RESOURCE_ID "me"
#define PAGE        6

/* Ids are the caller's: anything that nobody else uses. */
static void make_id(char id[33])
{
    unsigned char bytes[16];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        abort();
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* The form in which Mastra keeps a text: {"format":2,"parts":[{"type":"text","text":...}]}. To be freed. */
static char *content_of(const char *text)
{
    char *content = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&content, &len);

    if (!out) {
        return NULL;
    }
    fputs("{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"", out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputs("\"}]}", out);
    if (fclose(out) != 0) {
        free(content);
        return NULL;
    }
    return content;
}

/* Saves the question and the answer in one call: either both are kept, or neither, and they stay in this order. */
static mastra_status save_turn(mastra_store *store, const char *question, const char *answer,
                               mastra_error *error)
{
    mastra_message asked = MASTRA_MESSAGE_INIT;
    mastra_message answered = MASTRA_MESSAGE_INIT;
    const mastra_message *turn[] = {&asked, &answered};
    char *contents[] = {content_of(question), content_of(answer)};
    char ids[2][33];
    mastra_status status = MASTRA_OUT_OF_MEMORY;

    if (contents[0] && contents[1]) {
        make_id(ids[0]);
        make_id(ids[1]);
        asked.id = mastra_str_of(ids[0]);
        asked.thread_id = mastra_str_of(THREAD_ID);
        asked.resource_id = mastra_str_of(RESOURCE_ID);
        asked.role = mastra_str_of("user");
        asked.content = mastra_str_of(contents[0]);
        answered = asked;
        answered.id = mastra_str_of(ids[1]);
        answered.role = mastra_str_of("assistant");
        answered.content = mastra_str_of(contents[1]);
        /* The text must be UTF-8: the library says so, and where, when it is not. */
        status = mastra_save_messages(store, turn, 2, NULL, error);
    }
    free(contents[0]);
    free(contents[1]);
    return status;
}

/* The thread is made when it is not there, and left as it is when it is. */
static mastra_status open_thread(mastra_store *store, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_thread *there = NULL;
    mastra_status status;

    thread.id = mastra_str_of(THREAD_ID);
    thread.resource_id = mastra_str_of(RESOURCE_ID);
    thread.title = mastra_str_of("A chat");
    status = mastra_get_thread_by_id(store, thread.id, mastra_str_of(NULL), &there, error);
    if (status == MASTRA_OK && !there) {
        status = mastra_save_thread(store, &thread, NULL, error);
    }
    mastra_thread_free(there);
    return status;
}

/* The last page: newest first is how to ask for it. */
static mastra_status recall(mastra_store *store, mastra_message_list **ret_page, mastra_error *error)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_str thread_id = mastra_str_of(THREAD_ID);

    args.thread_ids = &thread_id;
    args.thread_id_count = 1;
    args.per_page = PAGE;
    args.direction = MASTRA_DESCENDING;
    return mastra_list_messages(store, &args, ret_page, error);
}

static mastra_status show_page(const mastra_message_list *page, mastra_error *error)
{
    mastra_status status = MASTRA_OK;
    int64_t total = mastra_message_list_page(page)->total;
    size_t count = mastra_message_list_count(page);

    if (total > (int64_t)count) {
        printf("(%lld earlier messages)\n", (long long)(total - (int64_t)count));
    }
    for (size_t i = count; status == MASTRA_OK && i-- > 0;) {
        const mastra_message *message = mastra_message_list_at(page, i);
        char *text = NULL;

        status = mastra_message_text(message, &text, NULL, error);
        if (status == MASTRA_OK) {
            printf("%s: %s\n", message->role.ptr, text);
        }
        mastra_json_free(text);
    }
    return status;
}

/* What stands in for a model: it gets the last page and the question. */
static void think(const mastra_message_list *page, const char *question, char *answer, size_t size)
{
    snprintf(answer, size, "That was message %lld of ours, %zu bytes long.",
             (long long)mastra_message_list_page(page)->total / 2 + 1, strlen(question));
}

static mastra_status take_turn(mastra_store *store, const char *question, mastra_error *error)
{
    mastra_message_list *page = NULL;
    char answer[100];
    mastra_status status = recall(store, &page, error);

    if (status == MASTRA_OK) {
        think(page, question, answer, sizeof answer);
        status = save_turn(store, question, answer, error);
    }
    if (status == MASTRA_OK) {
        printf("assistant: %s\n", answer);
    }
    mastra_message_list_free(page);
    return status;
}

static mastra_status chat(mastra_store *store, mastra_error *error)
{
    mastra_message_list *page = NULL;
    char *line = NULL;
    size_t size = 0;
    mastra_status status = open_thread(store, error);

    if (status == MASTRA_OK) {
        status = recall(store, &page, error);
    }
    if (status == MASTRA_OK) {
        status = show_page(page, error);
    }
    mastra_message_list_free(page);
    while (status == MASTRA_OK && fflush(stdout) == 0 && getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0') {
            break;
        }
        status = take_turn(store, line, error);
        if (status == MASTRA_INVALID_ARGUMENT) {
            /* Nothing has been written; the next line may do better. */
            fprintf(stderr, "%s\n", error->message);
            status = MASTRA_OK;
        }
    }
    free(line);
    return status;
}

int main(int argc, char **argv)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status;

    if (argc != 2) {
        fputs("usage: chat URL\n", stderr);
        return 2;
    }
    status = mastra_open(argv[1], NULL, &store, &error);
    if (status == MASTRA_OK) {
        status = chat(store, &error);
    }
    if (status != MASTRA_OK) {
        fprintf(stderr, "%s\n", error.message[0] ? error.message : mastra_status_text(status));
    }
    mastra_close(store, NULL);
    return mastra_status_exit_code(status);
}
