/* Us: messages and threads by the typed functions. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>

mastra_message ours_message(const struct note *note)
{
    mastra_message message = MASTRA_MESSAGE_INIT;

    message.id = mastra_str_of(note->id);
    message.thread_id = mastra_str_of(note->thread);
    message.resource_id = mastra_str_of("user-1");
    message.role = mastra_str_of("user");
    message.content = mastra_str_of(note->content);
    message.created_at = note->created_at;
    return message;
}

double ours_save(struct ours *ours, struct batch *batch)
{
    size_t each = rows[batch->row].things;
    mastra_message *messages = calloc(batch->note_count, sizeof(*messages));
    const mastra_message **list = calloc(batch->note_count, sizeof(*list));
    mastra_status status = messages && list ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
    double begin;
    double last;

    for (size_t i = 0; status == MASTRA_OK && i < batch->note_count; i++) {
        messages[i] = ours_message(&batch->notes[i]);
        list[i] = &messages[i];
    }
    begin = last = seconds_now();
    for (size_t i = 0; status == MASTRA_OK && i < batch->note_count; i += each) {
        status = mastra_save_messages(ours->store, list + i, each, NULL, &ours->error);
        if (batch->laps) {
            double now = seconds_now();

            batch->laps[i] = now - last;
            last = now;
        }
    }
    last = seconds_now();
    batch_sum_up(batch);
    free(list);
    free(messages);
    return status == MASTRA_OK ? last - begin : ours_complain(ours, "saveMessages");
}

static bool right_page(const struct batch *batch, const mastra_message_list *list, int64_t total)
{
    const struct row_info *info = &rows[batch->row];
    const mastra_message *newest = mastra_message_list_at(list, info->newest_first ? 0 : PAGE - 1);

    return mastra_message_list_count(list) == PAGE && newest->content.len == CONTENT &&
           newest->created_at == FIRST_TIME + batch->first &&
           (info->no_total || mastra_message_list_page(list)->total == total);
}

double ours_page(struct ours *ours, const struct batch *batch)
{
    const struct row_info *info = &rows[batch->row];
    mastra_str thread = mastra_str_of(info->thread);
    int64_t total = info->thread[0] == 'h' ? HUGE_THREAD : LONG_THREAD;
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    double begin = seconds_now();

    args.thread_ids = &thread;
    args.thread_id_count = 1;
    args.per_page = PAGE;
    args.skip_total = info->no_total;
    if (info->newest_first) {
        args.direction = MASTRA_DESCENDING;
    } else {
        args.page = total / PAGE - 1;
    }
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_message_list *list = NULL;
        bool right;

        if (mastra_list_messages(ours->store, &args, &list, &ours->error) != MASTRA_OK) {
            return ours_complain(ours, "listMessages");
        }
        right = right_page(batch, list, total);
        mastra_message_list_free(list);
        if (!right) {
            return ours_complain(ours, "listMessages answered something else");
        }
    }
    return seconds_now() - begin;
}

double ours_get_thread(struct ours *ours, const struct batch *batch)
{
    char ids[AT_ONCE][24];
    double begin;

    for (size_t i = 0; i < AT_ONCE; i++) {
        agent_name(ids[i], i);
    }
    begin = seconds_now();
    for (size_t i = 0; i < batch->operations; i++) {
        mastra_str id = mastra_str_of(ids[i % AT_ONCE]);
        mastra_thread *thread = NULL;
        bool right;

        if (mastra_get_thread_by_id(ours->store, id, mastra_str_of(NULL), &thread, &ours->error) !=
            MASTRA_OK) {
            return ours_complain(ours, "getThreadById");
        }
        right = thread && thread->id.len == id.len && thread->metadata.len > 0;
        mastra_thread_free(thread);
        if (!right) {
            return ours_complain(ours, "getThreadById answered something else");
        }
    }
    return seconds_now() - begin;
}
