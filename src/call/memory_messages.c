/* Operations on messages: arguments, results, handlers. */
#include "call/memory.h"

/* saveMessages */

struct save_args {
    const mastra_message *const *messages;
    size_t count;
};

static const struct save_args save_blank = {NULL, 0};

static const struct ms_arg save_table[] = {
    {.name = "messages",
     .type = MS_ARG_RECORDS,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct save_args, messages),
     .also = offsetof(struct save_args, count),
     .entity = MS_MESSAGE},
};

static const struct ms_arg messages_members[] = {
    {.name = "messages", .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = MS_MESSAGE},
};
static const struct ms_arg messages_result = {
    .type = MS_ARG_GROUP, .members = messages_members, .member_count = MS_COUNT(messages_members)};

static void put_saved(struct ms_buf *out, const void *list)
{
    ms_buf_add_text(out, "{\"messages\":");
    ms_put_list(out, MS_MESSAGE, list, MS_OMIT_ABSENT);
    ms_buf_add_char(out, '}');
}

static mastra_status save_messages(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct save_args *save = args;

    (void)out;
    return ms_save_messages(call, save->messages, save->count, NULL);
}

/* listMessages, listMessagesByResourceId */

static const mastra_list_messages_args list_blank = MASTRA_LIST_MESSAGES_INIT;

#define INCLUDE(field) offsetof(mastra_include, field)
static const struct ms_arg include_members[] = {
    {.name = "id", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED, .offset = INCLUDE(id)},
    {.name = "withPreviousMessages",
     .type = MS_ARG_INTEGER,
     .offset = INCLUDE(with_previous),
     .standard = "0"},
    {.name = "withNextMessages", .type = MS_ARG_INTEGER, .offset = INCLUDE(with_next), .standard = "0"},
};
#undef INCLUDE

#define LIST(field) offsetof(mastra_list_messages_args, field)
static const struct ms_arg date_range[] = {
    {.name = "start", .type = MS_ARG_TIME, .offset = LIST(start_date)},
    {.name = "end", .type = MS_ARG_TIME, .offset = LIST(end_date)},
    {.name = "startExclusive", .type = MS_ARG_BOOLEAN, .offset = LIST(start_exclusive), .standard = "false"},
    {.name = "endExclusive", .type = MS_ARG_BOOLEAN, .offset = LIST(end_exclusive), .standard = "false"},
};

static const struct ms_arg list_filter[] = {
    {.name = "dateRange", .type = MS_ARG_GROUP, .members = date_range, .member_count = MS_COUNT(date_range)},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = LIST(metadata),
     .about = "every member must equal the one in content.metadata"},
};

static const struct ms_arg list_order[] = {MS_ORDER_MEMBERS(mastra_list_messages_args)};

#define LIST_ARGS                                                                                            \
    {.name = "include",                                                                                      \
     .type = MS_ARG_GROUPS,                                                                                  \
     .offset = LIST(include),                                                                                \
     .also = LIST(include_count),                                                                            \
     .members = include_members,                                                                             \
     .member_count = MS_COUNT(include_members),                                                              \
     .size = sizeof(mastra_include),                                                                         \
     .about = "messages to add with their neighbours, of any thread"},                                       \
        {.name = "filter",                                                                                   \
         .type = MS_ARG_GROUP,                                                                               \
         .members = list_filter,                                                                             \
         .member_count = MS_COUNT(list_filter)},                                                             \
        MS_PAGE_ARG(mastra_list_messages_args),                                                              \
        MS_PER_PAGE_ARG(mastra_list_messages_args, "40", "must be >= 0", "INVALID_PAGE"),                    \
        MS_ORDER_ARG(list_order),                                                                            \
    {                                                                                                        \
        .name = "includeTotal", .type = MS_ARG_BOOLEAN, .flags = MS_ARG_INVERTED,                            \
        .offset = LIST(skip_total), .about = "false: total counts the pages so far only", .standard = "true" \
    }

static const struct ms_arg list_table[] = {
    {.name = "threadId",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT | MS_ARG_OR_ONE,
     .offset = LIST(thread_ids),
     .also = LIST(thread_id_count),
     .complaint = "must be a non-empty string or array of non-empty strings",
     .reason = "INVALID_THREAD_ID"},
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .offset = LIST(resource_id),
     .about = "only messages of this one"},
    LIST_ARGS,
};

static const struct ms_arg list_by_resource_table[] = {
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = LIST(resource_id)},
    LIST_ARGS,
};

static const struct ms_arg list_members[] = {MS_PAGE_RESULT("messages", MS_MESSAGE)};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static void put_message_page(struct ms_buf *out, const mastra_message_list *list)
{
    ms_buf_add_text(out, "{\"messages\":");
    ms_put_list(out, MS_MESSAGE, list, 0);
    ms_put_page(out, mastra_message_list_page(list));
}

static mastra_status list_messages(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_message_list *list = NULL;
    mastra_status status = ms_list_messages(call, args, &list);

    if (status == MASTRA_OK) {
        put_message_page(out, list);
    }
    mastra_message_list_free(list);
    return status;
}

static mastra_status list_messages_by_resource_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_message_list *list = NULL;
    mastra_status status = ms_list_messages_by_resource_id(call, args, &list);

    if (status == MASTRA_OK) {
        put_message_page(out, list);
    }
    mastra_message_list_free(list);
    return status;
}

/* listMessagesById, deleteMessages */

struct id_args {
    const mastra_str *ids;
    size_t count;
};

static const struct id_args id_blank = {NULL, 0};

static const struct ms_arg id_table[] = {
    {.name = "messageIds",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct id_args, ids),
     .also = offsetof(struct id_args, count)},
};

static mastra_status list_messages_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct id_args *which = args;
    mastra_message_list *list = NULL;
    mastra_status status = ms_list_messages_by_id(call, which->ids, which->count, &list);

    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "{\"messages\":");
        ms_put_list(out, MS_MESSAGE, list, 0);
        ms_buf_add_char(out, '}');
    }
    mastra_message_list_free(list);
    return status;
}

static mastra_status delete_messages(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct id_args *which = args;

    (void)out;
    return ms_delete_messages(call, which->ids, which->count);
}

/* updateMessages */

struct update_args {
    const mastra_message_patch *const *patches;
    size_t count;
    mastra_str unset;
};

static const struct update_args update_blank = {NULL, 0, {NULL, 0}};

static const struct ms_arg update_table[] = {
    {.name = "messages",
     .type = MS_ARG_PATCHES,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct update_args, patches),
     .also = offsetof(struct update_args, count),
     .entity = MS_MESSAGE,
     .about = "a member that is missing keeps what is stored"},
    {.name = "unset",
     .type = MS_ARG_OBJECT,
     .offset = offsetof(struct update_args, unset),
     .about = "id to names of members of the stored content.metadata that are taken away before"},
};

static const struct ms_arg update_result = {.type = MS_ARG_RECORDS, .entity = MS_MESSAGE};

static void put_updated(struct ms_buf *out, const void *list)
{
    ms_put_list(out, MS_MESSAGE, list, 0);
}

static mastra_status update_messages(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct update_args *update = args;

    (void)out;
    return ms_update_messages(call, update->patches, update->count, update->unset, NULL);
}

/* The operations. */

static const char *const order_messages[] = {"messages.threadId", NULL};
static const char *const order_thread_id[] = {"threadId", NULL};

static const struct ms_operation operations[] = {
    MS_MEMORY_ENTRY(
        save_messages, "Creates or replaces messages by id, all or none.", save_table, save_blank,
        messages_result, order_messages, put_saved,
        "{\"messages\":[{\"id\":\"m1\",\"threadId\":\"t1\",\"resourceId\":\"r1\",\"role\":\"user\","
        "\"content\":{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"Where is it?\"}]}},"
        "{\"id\":\"m2\",\"threadId\":\"t1\",\"resourceId\":\"r1\",\"role\":\"assistant\","
        "\"content\":\"Near the station.\"}]}",
        MS_FAILS(NOT_FOUND)),
    {.op = &ms_op_list_messages,
     .example = "{\"threadId\":\"t1\",\"page\":0,\"perPage\":40}",
     .domain = "memory",
     .summary = "Lists the messages of one or several threads, oldest first.",
     .args = list_table,
     .arg_count = MS_COUNT(list_table),
     .blank = &list_blank,
     .size = sizeof list_blank,
     .result = &list_result,
     .order = order_thread_id,
     .across = "include",
     .handler = list_messages},
    MS_MEMORY_ENTRY(list_messages_by_resource_id, "Lists the messages of a resource over all its threads.",
                    list_by_resource_table, list_blank, list_result, NULL, NULL,
                    "{\"resourceId\":\"r1\",\"perPage\":20}", 0),
    MS_MEMORY_ENTRY(list_messages_by_id, "Reads messages by their ids, oldest first.", id_table, id_blank,
                    messages_result, NULL, NULL, "{\"messageIds\":[\"m1\",\"m2\"]}", 0),
    MS_MEMORY_ENTRY(update_messages, "Changes messages, all or none; returns those that exist.", update_table,
                    update_blank, update_result, NULL, put_updated,
                    "{\"messages\":[{\"id\":\"m1\",\"content\":{\"metadata\":{\"seen\":true}}}]}", 0),
    MS_MEMORY_ENTRY(delete_messages, "Deletes messages, all or none.", id_table, id_blank, ms_result_null,
                    NULL, NULL, "{\"messageIds\":[\"m2\"]}", 0),
};

const struct ms_operation_set ms_message_operations = {operations, MS_COUNT(operations)};
