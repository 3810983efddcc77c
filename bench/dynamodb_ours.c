/* Us, by the typed functions. */
#include "dynamodb.h"

#include <mastra/mastra.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mastra_store *store;
static mastra_error error = MASTRA_ERROR_INIT;

static double complain(const char *doing)
{
    fprintf(stderr, "bench: ours: %s: %s\n", doing, error.message);
    return -1;
}

static bool save_thread(const char *id)
{
    mastra_thread thread = MASTRA_THREAD_INIT;

    thread.id = mastra_str_of(id);
    thread.resource_id = mastra_str_of("user-1");
    thread.title = mastra_str_of("A thread");
    thread.metadata = mastra_str_of("{\"topic\":\"benchmark\"}");
    return mastra_save_thread(store, &thread, NULL, &error) == MASTRA_OK;
}

static bool open_ours(const char *endpoint, const char *table)
{
    char url[512];

    (void)snprintf(url, sizeof(url), "dynamodb://us-east-1/%s?endpoint=%s", table, endpoint);
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK || !save_thread("one") || !save_thread("many") ||
        !save_thread("long")) {
        (void)complain("open");
        return false;
    }
    return true;
}

static double save(const struct note *notes, size_t count, size_t each)
{
    mastra_message *messages = calloc(count, sizeof(*messages));
    const mastra_message **list = calloc(count, sizeof(const mastra_message *));
    mastra_status status = messages && list ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
    double begin;

    for (size_t i = 0; status == MASTRA_OK && i < count; i++) {
        messages[i] = (mastra_message)MASTRA_MESSAGE_INIT;
        messages[i].id = mastra_str_of(notes[i].id);
        messages[i].thread_id = mastra_str_of(notes[i].thread);
        messages[i].resource_id = mastra_str_of("user-1");
        messages[i].role = mastra_str_of("user");
        messages[i].content = mastra_str_of(notes[i].content);
        messages[i].created_at = notes[i].created_at;
        list[i] = &messages[i];
    }
    begin = seconds_now();
    for (size_t i = 0; status == MASTRA_OK && i < count; i += each) {
        status = mastra_save_messages(store, list + i, each, NULL, &error);
    }
    begin = seconds_now() - begin;
    free(list);
    free(messages);
    return status == MASTRA_OK ? begin : complain("saveMessages");
}

static double page(size_t operations, bool newest, bool total)
{
    mastra_str thread = mastra_str_of("long");
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    double begin = seconds_now();

    args.thread_ids = &thread;
    args.thread_id_count = 1;
    args.per_page = PAGE;
    args.skip_total = !total;
    args.direction = newest ? MASTRA_DESCENDING : MASTRA_ASCENDING;
    args.page = newest ? 0 : THREAD / PAGE - 1;
    for (size_t i = 0; i < operations; i++) {
        mastra_message_list *list = NULL;
        bool right;

        if (mastra_list_messages(store, &args, &list, &error) != MASTRA_OK) {
            return complain("listMessages");
        }
        right = mastra_message_list_count(list) == PAGE &&
                mastra_message_list_at(list, 0)->content.len == LISTED_BYTES &&
                (!total || mastra_message_list_page(list)->total == THREAD);
        mastra_message_list_free(list);
        if (!right) {
            return complain("listMessages answered something else");
        }
    }
    return seconds_now() - begin;
}

static double get_thread(size_t operations)
{
    double begin = seconds_now();

    for (size_t i = 0; i < operations; i++) {
        mastra_thread *thread = NULL;
        mastra_status status =
            mastra_get_thread_by_id(store, mastra_str_of("long"), mastra_str_of(NULL), &thread, &error);
        bool right = status == MASTRA_OK && thread && thread->metadata.len > 0;

        mastra_thread_free(thread);
        if (!right) {
            return complain("getThreadById");
        }
    }
    return seconds_now() - begin;
}

static void close_ours(void)
{
    if (mastra_close(store, &error) != MASTRA_OK) {
        (void)complain("close");
    }
}

const struct worker worker_ours = {open_ours, save, page, get_thread, close_ours};
