/* Us: the typed functions, and the same by name with JSON. */
#include "contestant.h"

#include <mastra/mastra.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ours {
    mastra_store *store;
    mastra_error error;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t done;
    size_t failed;
};

static double complain(const struct ours *ours, const char *doing)
{
    fprintf(stderr, "bench: %s: %s\n", doing, ours->error.message);
    return -1;
}

static bool save_thread(struct ours *ours, const char *kind, size_t number)
{
    char id[24];
    mastra_thread thread = MASTRA_THREAD_INIT;

    thread_name(id, sizeof(id), kind, number);
    thread.id = mastra_str_of(id);
    thread.resource_id = mastra_str_of("user-1");
    thread.title = mastra_str_of("A thread");
    thread.metadata = mastra_str_of("{\"topic\":\"benchmark\"}");
    return mastra_save_thread(ours->store, &thread, NULL, &ours->error) == MASTRA_OK;
}

static bool save_threads(struct ours *ours)
{
    bool saved = save_thread(ours, "one", 0) && save_thread(ours, "many", 0) && save_thread(ours, "long", 0);

    for (size_t i = 0; saved && i < AT_ONCE; i++) {
        saved = save_thread(ours, NULL, i);
    }
    return saved;
}

static bool close_ours(void *self)
{
    struct ours *ours = self;
    bool closed = mastra_close(ours->store, &ours->error) == MASTRA_OK;

    if (!closed) {
        complain(ours, "close");
    }
    (void)pthread_cond_destroy(&ours->changed);
    (void)pthread_mutex_destroy(&ours->mutex);
    free(ours);
    return closed;
}

static void *open_ours(const char *path)
{
    struct ours *ours = calloc(1, sizeof(*ours));
    char url[4096];

    if (!ours) {
        return NULL;
    }
    ours->error = (mastra_error)MASTRA_ERROR_INIT;
    (void)pthread_mutex_init(&ours->mutex, NULL);
    (void)pthread_cond_init(&ours->changed, NULL);
    (void)snprintf(url, sizeof(url), "file:%s", path);
    if (mastra_open(url, NULL, &ours->store, &ours->error) != MASTRA_OK) {
        complain(ours, "open");
        free(ours);
        return NULL;
    }
    if (!save_threads(ours)) {
        complain(ours, "saveThread");
        (void)close_ours(ours);
        return NULL;
    }
    return ours;
}

/* The typed functions. */

static double save_typed(struct ours *ours, const struct batch *batch)
{
    size_t each = rows[batch->row].messages;
    mastra_message *messages = calloc(batch->note_count, sizeof(*messages));
    const mastra_message **list = calloc(batch->note_count, sizeof(*list));
    mastra_status status = messages && list ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
    double begin;
    double took;

    for (size_t i = 0; status == MASTRA_OK && i < batch->note_count; i++) {
        const struct note *note = &batch->notes[i];

        messages[i] = (mastra_message)MASTRA_MESSAGE_INIT;
        messages[i].id = mastra_str_of(note->id);
        messages[i].thread_id = mastra_str_of(note->thread);
        messages[i].resource_id = mastra_str_of("user-1");
        messages[i].role = mastra_str_of("user");
        messages[i].content = mastra_str_of(note->content);
        messages[i].created_at = note->created_at;
        list[i] = &messages[i];
    }
    begin = seconds_now();
    for (size_t i = 0; status == MASTRA_OK && i < batch->note_count; i += each) {
        status = mastra_save_messages(ours->store, list + i, each, NULL, &ours->error);
    }
    took = seconds_now() - begin;
    free(list);
    free(messages);
    return status == MASTRA_OK ? took : complain(ours, "saveMessages");
}

static double page_typed(struct ours *ours, const struct batch *batch)
{
    mastra_str thread = mastra_str_of("long");
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    double begin = seconds_now();

    args.thread_ids = &thread;
    args.thread_id_count = 1;
    args.per_page = PAGE;
    if (batch->row == LAST_PAGE) {
        args.direction = MASTRA_DESCENDING;
    } else {
        args.page = LONG_THREAD / PAGE - 1;
    }
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_message_list *list = NULL;
        bool right;

        if (mastra_list_messages(ours->store, &args, &list, &ours->error) != MASTRA_OK) {
            return complain(ours, "listMessages");
        }
        right = mastra_message_list_count(list) == PAGE &&
                mastra_message_list_page(list)->total == LONG_THREAD &&
                mastra_message_list_at(list, PAGE - 1)->content.len == CONTENT;
        mastra_message_list_free(list);
        if (!right) {
            return complain(ours, "listMessages answered something else");
        }
    }
    return seconds_now() - begin;
}

static double thread_typed(struct ours *ours, const struct batch *batch)
{
    char ids[AT_ONCE][24];
    double begin;

    for (size_t i = 0; i < AT_ONCE; i++) {
        thread_name(ids[i], sizeof(ids[i]), NULL, i);
    }
    begin = seconds_now();
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_str id = mastra_str_of(ids[i % AT_ONCE]);
        mastra_thread *thread = NULL;
        bool right;

        if (mastra_get_thread_by_id(ours->store, id, mastra_str_of(NULL), &thread, &ours->error) !=
            MASTRA_OK) {
            return complain(ours, "getThreadById");
        }
        right = thread && thread->id.len == id.len && thread->metadata.len > 0;
        mastra_thread_free(thread);
        if (!right) {
            return complain(ours, "getThreadById answered something else");
        }
    }
    return seconds_now() - begin;
}

/* By name. */

/* The JSON arguments of each call of a batch. */
static char **make_arguments(const struct batch *batch)
{
    size_t each = rows[batch->row].messages;
    size_t room = each * (CONTENT + 256) + 64;
    char **arguments = calloc(batch->operations, sizeof(*arguments));

    for (size_t i = 0; arguments && i < batch->operations; i++) {
        const char *separator = "";
        size_t len;

        arguments[i] = malloc(room);
        if (!arguments[i]) {
            break;
        }
        len = (size_t)snprintf(arguments[i], room, "{\"messages\":[");
        for (size_t j = 0; j < each; j++) {
            const struct note *note = &batch->notes[i * each + j];

            len += (size_t)snprintf(arguments[i] + len, room - len,
                                    "%s{\"id\":\"%s\",\"threadId\":\"%s\",\"resourceId\":\"user-1\","
                                    "\"role\":\"user\",\"createdAt\":%lld,\"content\":%s}",
                                    separator, note->id, note->thread, (long long)note->created_at,
                                    note->content);
            separator = ",";
        }
        (void)snprintf(arguments[i] + len, room - len, "]}");
    }
    return arguments;
}

static void free_arguments(char **arguments, size_t count)
{
    for (size_t i = 0; arguments && i < count; i++) {
        free(arguments[i]);
    }
    free(arguments);
}

/* One call, whose answer must hold a text. */
static bool call(struct ours *ours, const char *operation, const char *arguments, const char *expected)
{
    char *answer = NULL;
    bool right;

    if (mastra_call(ours->store, operation, mastra_str_of(arguments), &answer, NULL, &ours->error) !=
        MASTRA_OK) {
        return false;
    }
    right = strstr(answer, expected) != NULL;
    mastra_json_free(answer);
    return right;
}

static double save_called(struct ours *ours, const struct batch *batch)
{
    char **arguments = make_arguments(batch);
    bool saved = arguments != NULL;
    double begin = seconds_now();
    double took;

    for (size_t i = 0; saved && i < batch->operations; i++) {
        saved = call(ours, "saveMessages", arguments[i], "{\"messages\":[{");
    }
    took = seconds_now() - begin;
    free_arguments(arguments, batch->operations);
    return saved ? took : complain(ours, "saveMessages by name");
}

static double read_called(struct ours *ours, const struct batch *batch)
{
    const char *operation = batch->row == GET_THREAD ? "getThreadById" : "listMessages";
    const char *expected = batch->row == GET_THREAD ? "{\"id\":\"agent-" : "\"total\":10000";
    char arguments[128];
    double begin = seconds_now();

    if (batch->row == LAST_PAGE) {
        (void)snprintf(arguments, sizeof(arguments),
                       "{\"threadId\":\"long\",\"perPage\":%d,\"orderBy\":{\"field\":\"createdAt\","
                       "\"direction\":\"DESC\"}}",
                       PAGE);
    } else {
        (void)snprintf(arguments, sizeof(arguments), "{\"threadId\":\"long\",\"perPage\":%d,\"page\":%d}",
                       PAGE, LONG_THREAD / PAGE - 1);
    }
    for (size_t i = 0; i < batch->operations; i++) {
        if (batch->row == GET_THREAD) {
            (void)snprintf(arguments, sizeof(arguments), "{\"threadId\":\"agent-%zu\"}", i % AT_ONCE);
        }
        if (!call(ours, operation, arguments, expected)) {
            return complain(ours, operation);
        }
    }
    return seconds_now() - begin;
}

/* Submitted at once. */

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct ours *ours = user;

    (void)json;
    (void)error;
    (void)pthread_mutex_lock(&ours->mutex);
    ours->failed += status != MASTRA_OK;
    ours->done++;
    if (ours->done == AT_ONCE) {
        (void)pthread_cond_signal(&ours->changed);
    }
    (void)pthread_mutex_unlock(&ours->mutex);
}

static bool submit_and_wait(struct ours *ours, char **arguments)
{
    ours->done = 0;
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (mastra_call_async(ours->store, "saveMessages", mastra_str_of(arguments[i]), 0, done, ours,
                              &ours->error) != MASTRA_OK) {
            /* What was queued still has its callback to come. */
            (void)complain(ours, "mastra_call_async");
            abort();
        }
    }
    (void)pthread_mutex_lock(&ours->mutex);
    while (ours->done < AT_ONCE) {
        (void)pthread_cond_wait(&ours->changed, &ours->mutex);
    }
    (void)pthread_mutex_unlock(&ours->mutex);
    return ours->failed == 0;
}

static double save_at_once(struct ours *ours, const struct batch *batch)
{
    char **arguments = make_arguments(batch);
    bool saved = arguments != NULL;
    double begin = seconds_now();
    double took;

    for (size_t i = 0; saved && i < batch->operations; i += AT_ONCE) {
        saved = submit_and_wait(ours, arguments + i);
    }
    took = seconds_now() - begin;
    free_arguments(arguments, batch->operations);
    return saved ? took : complain(ours, "saveMessages at once");
}

static double run_ours(void *self, const struct batch *batch)
{
    switch (batch->row) {
    case SAVE_ONE:
    case SAVE_MANY:
        return save_typed(self, batch);
    case SAVE_AT_ONCE:
        return save_at_once(self, batch);
    case GET_THREAD:
        return thread_typed(self, batch);
    default:
        return page_typed(self, batch);
    }
}

static double run_call(void *self, const struct batch *batch)
{
    return rows[batch->row].messages ? save_called(self, batch) : read_called(self, batch);
}

const struct contestant contestant_ours = {"ours", open_ours, run_ours, close_ours};
const struct contestant contestant_call = {"call", open_ours, run_call, close_ours};
