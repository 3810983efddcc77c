/* Operations on threads: arguments, results, handlers. */
#include "call/memory.h"

/* saveThread */

struct save_args {
    mastra_thread thread;
};

static const struct save_args save_blank = {MASTRA_THREAD_INIT};

static const struct ms_arg save_table[] = {
    {.name = "thread",
     .type = MS_ARG_RECORD,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct save_args, thread),
     .entity = MS_THREAD},
};

static void put_saved(struct ms_buf *out, const void *thread)
{
    ms_put_record(out, MS_THREAD, thread, MS_OMIT_ABSENT);
}

static mastra_status save_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct save_args *save = args;

    (void)out;
    return ms_save_thread(call, &save->thread, NULL);
}

/* createThread */

struct create_args {
    mastra_thread thread;
    bool build_only;
};

static const struct create_args create_blank = {MASTRA_THREAD_INIT, false};

#define CREATE(field) offsetof(struct create_args, field)
static const struct ms_arg create_table[] = {
    {.name = "thread",
     .type = MS_ARG_RECORD,
     .offset = CREATE(thread),
     .entity = MS_THREAD,
     .about = "all in one; the members beside it win"},
    {.name = "id", .type = MS_ARG_TEXT, .offset = CREATE(thread.id), .about = "the same as threadId"},
    {.name = "threadId", .type = MS_ARG_TEXT, .offset = CREATE(thread.id), .about = "absent: a new UUID"},
    {.name = "resourceId", .type = MS_ARG_TEXT, .offset = CREATE(thread.resource_id)},
    {.name = "title", .type = MS_ARG_TEXT, .offset = CREATE(thread.title), .standard = "\"\""},
    {.name = "metadata", .type = MS_ARG_OBJECT, .offset = CREATE(thread.metadata)},
    {.name = "createdAt", .type = MS_ARG_TIME, .offset = CREATE(thread.created_at), .about = "absent: now"},
    {.name = "updatedAt", .type = MS_ARG_TIME, .offset = CREATE(thread.updated_at), .about = "absent: now"},
    {.name = "saveThread",
     .type = MS_ARG_BOOLEAN,
     .flags = MS_ARG_INVERTED,
     .offset = CREATE(build_only),
     .about = "false: return what would be saved, save nothing",
     .standard = "true"},
};
#undef CREATE

static mastra_status create_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct create_args *create = args;
    mastra_thread thread;
    mastra_status status;

    (void)out;
    if (!create->build_only) {
        return ms_create_thread(call, &create->thread, NULL);
    }
    status = ms_build_thread(call, &create->thread, &thread);
    return status == MASTRA_OK ? ms_call_answer(call, &thread) : status;
}

/* getThreadById, deleteThread, updateThreadResourceId */

struct thread_ref {
    mastra_str thread_id;
    mastra_str resource_id;
};

static const struct thread_ref ref_blank = {{NULL, 0}, {NULL, 0}};

#define REF_THREAD_ARG                                                                                       \
    {                                                                                                        \
        .name = "threadId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                     \
        .offset = offsetof(struct thread_ref, thread_id)                                                     \
    }

static const struct ms_arg get_table[] = {
    REF_THREAD_ARG,
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .offset = offsetof(struct thread_ref, resource_id),
     .about = "null is returned when the thread belongs to another"},
};

static const struct ms_arg get_result = {
    .type = MS_ARG_RECORD, .entity = MS_THREAD, .flags = MS_ARG_NULLABLE};

static mastra_status get_thread_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct thread_ref *ref = args;
    mastra_thread *thread = NULL;
    mastra_status status = ms_get_thread_by_id(call, ref->thread_id, ref->resource_id, &thread);

    if (status == MASTRA_OK) {
        ms_put_record(out, MS_THREAD, thread, 0);
    }
    mastra_thread_free(thread);
    return status;
}

static const struct ms_arg delete_table[] = {REF_THREAD_ARG};

static mastra_status delete_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct thread_ref *ref = args;

    (void)out;
    return ms_delete_thread(call, ref->thread_id);
}

static const struct ms_arg move_table[] = {
    REF_THREAD_ARG,
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct thread_ref, resource_id),
     .about = "the new owner"},
};

static void put_changed(struct ms_buf *out, const void *thread)
{
    ms_put_record(out, MS_THREAD, thread, 0);
}

static mastra_status update_thread_resource_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct thread_ref *ref = args;

    (void)out;
    return ms_update_thread_resource_id(call, ref->thread_id, ref->resource_id, NULL);
}

/* updateThread */

struct update_args {
    mastra_thread_patch patch;
    mastra_str unset;
};

static const struct update_args update_blank = {MASTRA_THREAD_PATCH_INIT, {NULL, 0}};

#define PATCH(field) offsetof(struct update_args, patch.field)
static const struct ms_arg update_table[] = {
    {.name = "id", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT, .offset = PATCH(values.id)},
    {.name = "title",
     .type = MS_ARG_TEXT,
     .offset = PATCH(values.title),
     .also = PATCH(set),
     .bit = MASTRA_THREAD_SET_TITLE,
     .about = "absent or null: kept"},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = PATCH(values.metadata),
     .also = PATCH(set),
     .bit = MASTRA_THREAD_SET_METADATA,
     .about = "laid over the stored members, one level deep"},
    {.name = "unset",
     .type = MS_ARG_ARRAY,
     .offset = offsetof(struct update_args, unset),
     .about = "names of members of the stored metadata that are taken away before"},
};
#undef PATCH

static mastra_status update_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct update_args *update = args;

    (void)out;
    return ms_update_thread(call, &update->patch, update->unset, NULL);
}

/* listThreads, listThreadsByResourceId */

static const mastra_list_threads_args list_blank = MASTRA_LIST_THREADS_INIT;

#define LIST(field) offsetof(mastra_list_threads_args, field)
#define LIST_PAGE_ARGS                                                                                       \
    MS_PAGE_ARG(mastra_list_threads_args),                                                                   \
        MS_PER_PAGE_ARG(mastra_list_threads_args, "100", "must be false or a safe integer", "INVALID_PAGE"), \
        MS_ORDER_ARG(list_order)

static const struct ms_arg list_order[] = {MS_ORDER_MEMBERS(mastra_list_threads_args)};

static const struct ms_arg list_filter[] = {
    {.name = "resourceId", .type = MS_ARG_TEXT, .offset = LIST(resource_id)},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = LIST(metadata),
     .about = "every member must equal the thread's of that name"},
};

static const struct ms_arg list_table[] = {
    LIST_PAGE_ARGS,
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .offset = LIST(resource_id),
     .about = "older form of the filter"},
    {.name = "filter", .type = MS_ARG_GROUP, .members = list_filter, .member_count = MS_COUNT(list_filter)},
};

static const struct ms_arg list_by_resource_table[] = {
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = LIST(resource_id)},
    LIST_PAGE_ARGS,
    {.name = "offset",
     .type = MS_ARG_INTEGER,
     .offset = LIST(offset),
     .about = "with limit, in place of page and perPage",
     .complaint = "must be >= 0"},
    {.name = "limit", .type = MS_ARG_PER_PAGE, .offset = LIST(limit), .complaint = "must be >= 0"},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = LIST(metadata),
     .about = "every member must equal the thread's of that name"},
};

static const struct ms_arg list_members[] = {MS_PAGE_RESULT("threads", MS_THREAD)};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static void put_threads(struct ms_buf *out, const mastra_thread_list *list)
{
    ms_buf_add_text(out, "{\"threads\":");
    ms_put_list(out, MS_THREAD, list, 0);
    ms_put_page(out, mastra_thread_list_page(list));
}

static mastra_status list_threads(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_thread_list *list = NULL;
    mastra_status status = ms_list_threads(call, args, &list);

    if (status == MASTRA_OK) {
        put_threads(out, list);
    }
    mastra_thread_list_free(list);
    return status;
}

static mastra_status list_threads_by_resource_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_thread_list *list = NULL;
    mastra_status status = ms_list_threads_by_resource_id(call, args, &list);

    if (status == MASTRA_OK) {
        put_threads(out, list);
    }
    mastra_thread_list_free(list);
    return status;
}

/* cloneThread, copyThread */

static const mastra_clone_thread_args clone_blank = MASTRA_CLONE_THREAD_INIT;

#define CLONE(field) offsetof(mastra_clone_thread_args, field)
static const struct ms_arg clone_filter[] = {
    {.name = "startDate", .type = MS_ARG_TIME, .offset = CLONE(start_date), .about = "inclusive"},
    {.name = "endDate", .type = MS_ARG_TIME, .offset = CLONE(end_date), .about = "inclusive"},
    {.name = "messageIds",
     .type = MS_ARG_TEXTS,
     .offset = CLONE(message_ids),
     .also = CLONE(message_id_count),
     .about = "only these"},
};

static const struct ms_arg clone_options[] = {
    {.name = "messageLimit",
     .type = MS_ARG_INTEGER,
     .offset = CLONE(message_limit),
     .about = "only the newest so many; 0: all"},
    {.name = "messageFilter",
     .type = MS_ARG_GROUP,
     .members = clone_filter,
     .member_count = MS_COUNT(clone_filter)},
};

static const struct ms_arg clone_table[] = {
    {.name = "sourceThreadId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = CLONE(source_thread_id)},
    {.name = "newThreadId",
     .type = MS_ARG_TEXT,
     .offset = CLONE(new_thread_id),
     .about = "absent: a new UUID"},
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .offset = CLONE(resource_id),
     .about = "absent: the source's"},
    {.name = "title", .type = MS_ARG_TEXT, .offset = CLONE(title), .about = "absent: Clone of <title>"},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = CLONE(metadata),
     .about = "gets a member \"clone\""},
    {.name = "options",
     .type = MS_ARG_GROUP,
     .members = clone_options,
     .member_count = MS_COUNT(clone_options)},
};
#undef CLONE

#define ID_MAP_RESULT                                                                                        \
    {                                                                                                        \
        .name = "messageIdMap", .type = MS_ARG_TEXT_MAP, .flags = MS_ARG_REQUIRED,                           \
        .about = "the new id of each source message"                                                         \
    }
#define THREAD_RESULT                                                                                        \
    {                                                                                                        \
        .name = "thread", .type = MS_ARG_RECORD, .flags = MS_ARG_REQUIRED, .entity = MS_THREAD               \
    }

static const struct ms_arg clone_members[] = {
    THREAD_RESULT,
    {.name = "clonedMessages", .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = MS_MESSAGE},
    ID_MAP_RESULT,
};
static const struct ms_arg clone_result = {
    .type = MS_ARG_GROUP, .members = clone_members, .member_count = MS_COUNT(clone_members)};

static const struct ms_arg copy_members[] = {THREAD_RESULT, ID_MAP_RESULT};
static const struct ms_arg copy_result = {
    .type = MS_ARG_GROUP, .members = copy_members, .member_count = MS_COUNT(copy_members)};

static void put_clone(struct ms_buf *out, const mastra_clone *clone, bool with_messages)
{
    size_t count = mastra_clone_count(clone);

    ms_buf_add_text(out, "{\"thread\":");
    ms_put_record(out, MS_THREAD, mastra_clone_thread_of(clone), 0);
    if (with_messages) {
        ms_buf_add_text(out, ",\"clonedMessages\":[");
        for (size_t i = 0; i < count; i++) {
            ms_buf_add_text(out, i ? "," : "");
            ms_put_record(out, MS_MESSAGE, mastra_clone_message_at(clone, i), 0);
        }
        ms_buf_add_char(out, ']');
    }
    ms_buf_add_text(out, ",\"messageIdMap\":{");
    for (size_t i = 0; i < count; i++) {
        ms_buf_add_text(out, i ? "," : "");
        ms_put_text(out, mastra_clone_source_id_at(clone, i));
        ms_buf_add_char(out, ':');
        ms_put_text(out, mastra_clone_message_at(clone, i)->id);
    }
    ms_buf_add_text(out, "}}");
}

static void put_cloned(struct ms_buf *out, const void *clone)
{
    put_clone(out, clone, true);
}

static void put_copied(struct ms_buf *out, const void *clone)
{
    put_clone(out, clone, false);
}

static mastra_status clone_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    (void)out;
    return ms_clone_thread(call, args, NULL);
}

/* The two differ in their answers only. */
static mastra_status copy_thread(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return clone_thread(call, args, out);
}

/* The operations. */

static const char *const order_record[] = {"thread.id", NULL};
static const char *const order_create[] = {"threadId", "id", "thread.id", NULL};
static const char *const order_id[] = {"id", NULL};
static const char *const order_thread_id[] = {"threadId", NULL};

static const struct ms_operation operations[] = {
    MS_MEMORY_ENTRY(save_thread, "Creates or wholly replaces a thread.", save_table, save_blank,
                    ms_result_thread, order_record, put_saved,
                    "{\"thread\":{\"id\":\"t1\",\"resourceId\":\"r1\",\"title\":\"Trip\",\"metadata\":{"
                    "\"topic\":\"travel\"}}}",
                    0),
    MS_MEMORY_ENTRY(create_thread, "Saves a new thread, with an id of its own when none is given.",
                    create_table, create_blank, ms_result_thread, order_create, put_saved,
                    "{\"threadId\":\"t2\",\"resourceId\":\"r1\",\"title\":\"Dinner\"}", 0),
    MS_MEMORY_ENTRY(get_thread_by_id, "Reads one thread.", get_table, ref_blank, get_result, order_thread_id,
                    NULL, "{\"threadId\":\"t1\"}", 0),
    MS_MEMORY_ENTRY(update_thread, "Changes title and metadata of a thread.", update_table, update_blank,
                    ms_result_thread, order_id, put_changed,
                    "{\"id\":\"t1\",\"title\":\"Trip to Rome\",\"metadata\":{\"stage\":\"booked\"}}",
                    MS_FAILS(NOT_FOUND)),
    MS_MEMORY_ENTRY(delete_thread, "Deletes a thread and its messages.", delete_table, ref_blank,
                    ms_result_null, order_thread_id, NULL, "{\"threadId\":\"t2\"}", 0),
    MS_MEMORY_ENTRY(
        list_threads, "Lists threads, newest first.", list_table, list_blank, list_result, NULL, NULL,
        "{\"filter\":{\"resourceId\":\"r1\",\"metadata\":{\"topic\":\"travel\"}},\"perPage\":20}", 0),
    MS_MEMORY_ENTRY(list_threads_by_resource_id, "Lists the threads of a resource, newest first.",
                    list_by_resource_table, list_blank, list_result, NULL, NULL,
                    "{\"resourceId\":\"r1\",\"orderBy\":{\"field\":\"updatedAt\",\"direction\":\"DESC\"}}",
                    0),
    MS_MEMORY_ENTRY(update_thread_resource_id, "Gives a thread and its messages to another resource.",
                    move_table, ref_blank, ms_result_thread, order_thread_id, put_changed,
                    "{\"threadId\":\"t1\",\"resourceId\":\"r2\"}", MS_FAILS(NOT_FOUND)),
};

/* Behind the operations on messages, whose examples give these something to copy. */
static const struct ms_operation clone_operations[] = {
    MS_MEMORY_ENTRY(clone_thread, "Copies a thread with its messages under new ids; returns the messages.",
                    clone_table, clone_blank, clone_result, NULL, put_cloned,
                    "{\"sourceThreadId\":\"t1\",\"newThreadId\":\"t3\",\"options\":{\"messageLimit\":10}}",
                    MS_FAILS(NOT_FOUND) | MS_FAILS(CONFLICT)),
    MS_MEMORY_ENTRY(copy_thread, "Copies a thread with its messages under new ids.", clone_table, clone_blank,
                    copy_result, NULL, put_copied, "{\"sourceThreadId\":\"t1\",\"newThreadId\":\"t4\"}",
                    MS_FAILS(NOT_FOUND) | MS_FAILS(CONFLICT)),
};

const struct ms_operation_set ms_thread_operations = {operations, MS_COUNT(operations)};
const struct ms_operation_set ms_clone_operations = {clone_operations, MS_COUNT(clone_operations)};
