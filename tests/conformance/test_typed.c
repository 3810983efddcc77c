/* The typed C interface of the memory domain: every function once. */
#include "conformance/typed.h"

static void thread_round(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_thread *saved = NULL;
    mastra_thread *read = NULL;
    thread.metadata = S("{\"b\": 1, \"a\":2}");
    OK(mastra_save_thread(store, &thread, &saved, &error));
    assert_str(saved->id, "t");
    assert_str(saved->metadata, "{\"b\": 1, \"a\":2}");
    assert_int_equal(saved->size, sizeof(mastra_thread));
    OK(mastra_get_thread_by_id(store, S("t"), (mastra_str){NULL, 0}, &read, &error));
    assert_str(read->id, "t");
    assert_str(read->resource_id, "r");
    assert_str(read->title, "title");
    assert_int_equal(read->created_at, 1000);
    assert_int_equal(read->updated_at, 1000);
    if (((struct typed *)*state)->backend->traits & TRAIT_RAW_JSON)
        assert_str(read->metadata, "{\"b\": 1, \"a\":2}");
    mastra_thread_free(saved);
    mastra_thread_free(read);
}

static void thread_missing(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_thread *read = &thread;
    OK(mastra_get_thread_by_id(store, S("none"), (mastra_str){NULL, 0}, &read, &error));
    assert_null(read);
    OK(mastra_save_thread(store, &thread, NULL, &error));
    read = &thread;
    OK(mastra_get_thread_by_id(store, S("t"), S("other"), &read, &error));
    assert_null(read);
    OK(mastra_get_thread_by_id(store, S("t"), S("r"), NULL, &error));
}

static void thread_created(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_thread *first = NULL;
    mastra_thread *second = NULL;
    thread.resource_id = S("r");
    OK(mastra_create_thread(store, &thread, &first, &error));
    OK(mastra_create_thread(store, &thread, &second, &error));
    assert_int_equal(first->id.len, 36);
    assert_string_not_equal(first->id.ptr, second->id.ptr);
    assert_str(first->title, "");
    assert_null(first->metadata.ptr);
    assert_true(first->created_at > 0);
    assert_int_equal(first->created_at, first->updated_at);
    mastra_thread_free(first);
    mastra_thread_free(second);
}

static void thread_updated(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_thread_patch patch = MASTRA_THREAD_PATCH_INIT;
    mastra_thread *updated = NULL;
    OK(mastra_save_thread(store, &thread, NULL, &error));
    patch.values.id = S("t");
    patch.values.title = S("not meant");
    patch.values.metadata = S("{\"k\":1}");
    patch.set = MASTRA_THREAD_SET_METADATA;
    OK(mastra_update_thread(store, &patch, &updated, &error));
    assert_str(updated->title, "title");
    assert_str(updated->metadata, "{\"k\":1}");
    assert_int_equal(updated->created_at, 1000);
    assert_true(updated->updated_at > 1000);
    mastra_thread_free(updated);
    patch.values.id = S("none");
    updated = &thread;
    assert_int_equal(mastra_update_thread(store, &patch, &updated, &error), MASTRA_NOT_FOUND);
    assert_ptr_equal(updated, &thread);
    assert_string_equal(error.operation, "updateThread");
    assert_int_equal(mastra_update_thread(store, &patch, NULL, NULL), MASTRA_NOT_FOUND);
}

static void thread_deleted_and_moved(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread *moved = NULL;
    typed_save_three(store);
    OK(mastra_update_thread_resource_id(store, S("t"), S("R2"), &moved, &error));
    assert_str(moved->resource_id, "R2");
    mastra_thread_free(moved);
    OK(mastra_delete_thread(store, S("t"), &error));
    OK(mastra_delete_thread(store, S("t"), NULL));
    OK(mastra_get_thread_by_id(store, S("t"), (mastra_str){NULL, 0}, &moved, &error));
    assert_null(moved);
    assert_int_equal(mastra_update_thread_resource_id(store, S("t"), S("r"), NULL, NULL), MASTRA_NOT_FOUND);
}

static void threads_listed(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread_list *list = NULL;
    mastra_list_threads_args args = MASTRA_LIST_THREADS_INIT;
    const char *ids[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        mastra_thread thread = typed_thread(ids[i], i + 1);
        OK(mastra_save_thread(store, &thread, NULL, &error));
    }
    OK(mastra_list_threads(store, NULL, &list, &error));
    assert_int_equal(mastra_thread_list_count(list), 3);
    assert_str(mastra_thread_list_at(list, 0)->id, "c");
    assert_null(mastra_thread_list_at(list, 3));
    assert_null(mastra_thread_list_at(list, SIZE_MAX));
    mastra_thread_list_free(list);
    args.per_page = 2;
    args.page = 1;
    args.direction = MASTRA_ASCENDING;
    OK(mastra_list_threads(store, &args, &list, &error));
    mastra_page page = *mastra_thread_list_page(list);
    assert_int_equal(mastra_thread_list_count(list), 1);
    assert_int_equal(page.total, 3);
    assert_int_equal(page.page, 1);
    assert_int_equal(page.per_page, 2);
    assert_false(page.has_more);
    mastra_thread_list_free(list);
    OK(mastra_list_threads(store, &args, NULL, NULL));
}

static void threads_listed_by_resource(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread_list *list = NULL;
    mastra_list_threads_args args = MASTRA_LIST_THREADS_INIT;
    typed_save_three(store);
    assert_int_equal(mastra_list_threads_by_resource_id(store, &args, &list, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_list_threads_by_resource_id(store, NULL, &list, NULL), MASTRA_INVALID_ARGUMENT);
    assert_null(list);
    args.resource_id = S("r");
    args.per_page = MASTRA_PER_PAGE_ALL;
    OK(mastra_list_threads_by_resource_id(store, &args, &list, &error));
    assert_int_equal(mastra_thread_list_count(list), 1);
    assert_int_equal(mastra_thread_list_page(list)->per_page, MASTRA_PER_PAGE_ALL);
    mastra_thread_list_free(list);
    args.per_page = MASTRA_PER_PAGE_DEFAULT;
    args.limit = 5;
    OK(mastra_list_threads_by_resource_id(store, &args, &list, &error));
    assert_int_equal(mastra_thread_list_page(list)->per_page, 5);
    mastra_thread_list_free(list);
}

static void thread_cloned(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_clone_thread_args args = MASTRA_CLONE_THREAD_INIT;
    mastra_clone *clone = NULL;
    mastra_str ids[2] = {S("c"), S("a")};
    typed_save_three(store);
    args.source_thread_id = S("t");
    args.new_thread_id = S("n");
    args.message_ids = ids;
    args.message_id_count = 2;
    OK(mastra_clone_thread(store, &args, &clone, &error));
    assert_str(mastra_clone_thread_of(clone)->id, "n");
    assert_int_equal(mastra_clone_count(clone), 2);
    assert_str(mastra_clone_source_id_at(clone, 0), "a");
    assert_str(mastra_clone_source_id_at(clone, 1), "c");
    assert_str(mastra_clone_message_at(clone, 0)->thread_id, "n");
    assert_int_equal(mastra_clone_message_at(clone, 1)->id.len, 36);
    assert_null(mastra_clone_message_at(clone, 2));
    assert_null(mastra_clone_source_id_at(clone, 2).ptr);
    assert_int_equal(mastra_clone_thread(store, &args, NULL, &error), MASTRA_CONFLICT);
    mastra_clone_free(clone);
    args.new_thread_id = S("m");
    OK(mastra_clone_thread(store, &args, NULL, NULL));
    args.source_thread_id = S("none");
    assert_int_equal(mastra_clone_thread(store, &args, NULL, NULL), MASTRA_NOT_FOUND);
}

static void messages_saved(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_message_list *list = NULL;
    mastra_message message = typed_message("m", "t", 5);
    const mastra_message *messages[1] = {&message};
    typed_save_three(store);
    message.content = S("{\"format\":2}");
    message.type = S("text");
    OK(mastra_save_messages(store, messages, 1, &list, &error));
    const mastra_message *saved = mastra_message_list_at(list, 0);
    assert_int_equal(mastra_message_list_count(list), 1);
    assert_str(saved->id, "m");
    assert_str(saved->content, "{\"format\":2}");
    assert_str(saved->type, "text");
    assert_null(saved->resource_id.ptr);
    assert_int_equal(saved->created_at, 5);
    assert_null(mastra_message_list_at(list, 1));
    mastra_message_list_free(list);
    OK(mastra_save_messages(store, NULL, 0, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 0);
    assert_null(mastra_message_list_at(list, 0));
    mastra_message_list_free(list);
}

static void messages_listed(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_message_list *list = NULL;
    const mastra_include include = {sizeof include, S("a"), 0, 1};
    const mastra_include *includes[] = {&include};
    mastra_str thread = S("t");
    typed_save_three(store);
    assert_int_equal(mastra_list_messages(store, NULL, &list, NULL), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_list_messages(store, &args, &list, &error), MASTRA_INVALID_ARGUMENT);
    args.thread_ids = &thread;
    args.thread_id_count = 1;
    args.include = includes;
    args.include_count = 1;
    args.per_page = 1;
    args.direction = MASTRA_DESCENDING;
    OK(mastra_list_messages(store, &args, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 3);
    assert_str(mastra_message_list_at(list, 0)->id, "c");
    assert_str(mastra_message_list_at(list, 2)->id, "a");
    assert_str(mastra_message_list_at(list, 0)->type, "v2");
    assert_int_equal(mastra_message_list_page(list)->total, 3);
    assert_false(mastra_message_list_page(list)->has_more);
    mastra_message_list_free(list);
    args.include_count = 0;
    args.start_date = 1;
    args.start_exclusive = true;
    args.end_date = 3;
    args.end_exclusive = true;
    args.skip_total = true;
    OK(mastra_list_messages(store, &args, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 1);
    assert_str(mastra_message_list_at(list, 0)->id, "b");
    mastra_message_list_free(list);
    OK(mastra_list_messages(store, &args, NULL, NULL));
}

static void messages_listed_otherwise(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_message_list *list = NULL;
    mastra_str ids[3] = {S("b"), S("none"), S("a")};
    mastra_message message = typed_message("m", "t", 9);
    const mastra_message *messages[1] = {&message};
    typed_save_three(store);
    message.resource_id = S("r");
    OK(mastra_save_messages(store, messages, 1, NULL, &error));
    OK(mastra_list_messages_by_id(store, ids, 3, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 2);
    assert_str(mastra_message_list_at(list, 0)->id, "a");
    mastra_message_list_free(list);
    OK(mastra_list_messages_by_id(store, NULL, 0, NULL, NULL));
    assert_int_equal(mastra_list_messages_by_resource_id(store, &args, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    args.resource_id = S("r");
    OK(mastra_list_messages_by_resource_id(store, &args, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 1);
    assert_str(mastra_message_list_at(list, 0)->id, "m");
    mastra_message_list_free(list);
}

static void messages_updated_and_deleted(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_message_patch patch = MASTRA_MESSAGE_PATCH_INIT;
    mastra_message_patch none = MASTRA_MESSAGE_PATCH_INIT;
    const mastra_message_patch *patches[2] = {&none, &patch};
    mastra_message_list *list = NULL;
    mastra_str ids[2] = {S("a"), S("none")};
    typed_save_three(store);
    none.values.id = S("none");
    patch.values.id = S("b");
    patch.values.role = S("assistant");
    patch.values.content = S("not meant");
    patch.set = MASTRA_MESSAGE_SET_ROLE | MASTRA_MESSAGE_SET_RESOURCE_ID | MASTRA_MESSAGE_SET_CREATED_AT;
    patch.values.created_at = 77;
    OK(mastra_update_messages(store, patches, 2, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 1);
    const mastra_message *message = mastra_message_list_at(list, 0);
    assert_str(message->role, "assistant");
    assert_str(message->content, "hello");
    assert_int_equal(message->created_at, 77);
    assert_null(message->resource_id.ptr);
    mastra_message_list_free(list);
    OK(mastra_update_messages(store, NULL, 0, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 0);
    mastra_message_list_free(list);
    OK(mastra_delete_messages(store, ids, 2, &error));
    OK(mastra_delete_messages(store, NULL, 0, NULL));
    OK(mastra_list_messages_by_id(store, ids, 2, &list, &error));
    assert_int_equal(mastra_message_list_count(list), 0);
    mastra_message_list_free(list);
}

static void resource_round(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_resource resource = MASTRA_RESOURCE_INIT;
    mastra_resource_patch patch = MASTRA_RESOURCE_PATCH_INIT;
    mastra_resource *got = &resource;
    OK(mastra_get_resource_by_id(store, S("r"), &got, &error));
    assert_null(got);
    resource.id = S("r");
    resource.working_memory = S("wm");
    resource.created_at = 1;
    OK(mastra_save_resource(store, &resource, &got, &error));
    assert_str(got->working_memory, "wm");
    mastra_resource_free(got);
    patch.values.id = S("r");
    patch.values.metadata = S("{\"a\":1}");
    patch.set = MASTRA_RESOURCE_SET_METADATA | MASTRA_RESOURCE_SET_WORKING_MEMORY;
    OK(mastra_update_resource(store, &patch, &got, &error));
    assert_null(got->working_memory.ptr);
    assert_str(got->metadata, "{\"a\":1}");
    assert_int_equal(got->created_at, 1);
    mastra_resource_free(got);
    OK(mastra_get_resource_by_id(store, S("r"), &got, NULL));
    assert_null(got->working_memory.ptr);
    mastra_resource_free(got);
    OK(mastra_save_resource(store, &resource, NULL, NULL));
    OK(mastra_update_resource(store, &patch, NULL, NULL));
    OK(mastra_get_resource_by_id(store, S("r"), NULL, NULL));
}

static void resources_listed(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_resources_args args = MASTRA_LIST_RESOURCES_INIT;
    mastra_resource_list *list = NULL;
    mastra_resource resource = MASTRA_RESOURCE_INIT;
    resource.id = S("r");
    OK(mastra_save_resource(store, &resource, NULL, &error));
    OK(mastra_list_resources(store, NULL, &list, &error));
    assert_int_equal(mastra_resource_list_count(list), 1);
    assert_str(mastra_resource_list_at(list, 0)->id, "r");
    assert_null(mastra_resource_list_at(list, 1));
    assert_int_equal(mastra_resource_list_page(list)->total, 1);
    mastra_resource_list_free(list);
    args.page = 1;
    OK(mastra_list_resources(store, &args, &list, &error));
    assert_int_equal(mastra_resource_list_count(list), 0);
    mastra_resource_list_free(list);
}
static const struct typed_test tests[] = {
    {"a thread there and back", thread_round, 0},
    {"a thread that is not there", thread_missing, 0},
    {"createThread", thread_created, 0},
    {"updateThread", thread_updated, 0},
    {"deleteThread and updateThreadResourceId", thread_deleted_and_moved, 0},
    {"listThreads", threads_listed, 0},
    {"listThreadsByResourceId", threads_listed_by_resource, 0},
    {"cloneThread", thread_cloned, 0},
    {"saveMessages", messages_saved, 0},
    {"listMessages", messages_listed, 0},
    {"listMessagesById and by resource", messages_listed_otherwise, 0},
    {"updateMessages and deleteMessages", messages_updated_and_deleted, 0},
    {"resources", resource_round, 0},
    {"listResources", resources_listed, 0},
};

int main(void)
{
    return typed_main("typed", tests, sizeof(tests) / sizeof(tests[0]));
}
