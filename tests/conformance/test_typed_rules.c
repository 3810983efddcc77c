/* What holds for the whole typed C interface: ownership, older structs, values that are refused. */
#include "conformance/typed.h"

/* Strings need no terminator; what stands behind them is not looked at. */
static void views(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1);
    mastra_thread *saved = NULL;
    char *id = malloc(2);
    assert_non_null(id);
    memcpy(id, "ab", 2);
    thread.id = (mastra_str){id, 2};
    thread.metadata = (mastra_str){"{\"k\":[1]}garbage", 9};
    OK(mastra_save_thread(store, &thread, &saved, &error));
    free(id);
    assert_str(saved->id, "ab");
    assert_str(saved->metadata, "{\"k\":[1]}");
    mastra_thread_free(saved);
}

/* Programs compiled against a version with fewer fields: what lies behind `size` is not read. */
static void older_records(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_message message = typed_message("m", "t", 1);
    const mastra_message *messages[1] = {&message};
    mastra_thread *saved = NULL;
    mastra_message_list *list = NULL;
    thread.size = offsetof(mastra_thread, updated_at);
    thread.updated_at = -5;
    OK(mastra_save_thread(store, &thread, &saved, &error));
    assert_true(saved->updated_at > 1000);
    assert_int_equal(saved->created_at, 1000);
    mastra_thread_free(saved);
    message.size = offsetof(mastra_message, resource_id);
    message.resource_id = (mastra_str){(const char *)1, 5};
    OK(mastra_save_messages(store, messages, 1, &list, &error));
    assert_null(mastra_message_list_at(list, 0)->resource_id.ptr);
    mastra_message_list_free(list);
}

static void older_arguments(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_threads_args threads = MASTRA_LIST_THREADS_INIT;
    mastra_list_messages_args messages = MASTRA_LIST_MESSAGES_INIT;
    mastra_clone_thread_args clone = MASTRA_CLONE_THREAD_INIT;
    mastra_thread_list *list = NULL;
    mastra_str thread = S("t");
    typed_save_three(store);
    threads.size = offsetof(mastra_list_threads_args, offset);
    threads.offset = 1;
    threads.limit = -7;
    OK(mastra_list_threads(store, &threads, &list, &error));
    assert_int_equal(mastra_thread_list_count(list), 1);
    mastra_thread_list_free(list);
    messages.size = offsetof(mastra_list_messages_args, page);
    messages.page = -1;
    messages.thread_ids = &thread;
    messages.thread_id_count = 1;
    OK(mastra_list_messages(store, &messages, NULL, &error));
    clone.size = offsetof(mastra_clone_thread_args, message_ids);
    clone.source_thread_id = thread;
    clone.message_ids = (const mastra_str *)16;
    clone.message_id_count = 3;
    OK(mastra_clone_thread(store, &clone, NULL, &error));
}

static void older_error(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    memset(error.message, 'x', sizeof(error.message));
    error.size = offsetof(mastra_error, message);
    assert_int_equal(mastra_delete_thread(store, (mastra_str){NULL, 0}, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(error.status, MASTRA_INVALID_ARGUMENT);
    assert_int_equal(error.message[0], 'x');
    assert_int_equal(error.message[sizeof(error.message) - 1], 'x');
}

static void bad_values(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_thread good = typed_thread("t", 1);
    mastra_thread bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].id = (mastra_str){"a\0b", 3};
    bad[1].title = S("\xff");
    bad[2].metadata = S("{");
    bad[3].metadata = S("{} {}");
    bad[4].created_at = INT64_MAX;
    bad[5].resource_id.ptr = NULL;
    for (size_t i = 0; i < 6; i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_thread *saved = NULL;
        if (mastra_save_thread(store, &bad[i], &saved, &error) != MASTRA_INVALID_ARGUMENT)
            fail_msg("bad thread %zu was taken", i);
        assert_null(saved);
        assert_string_not_equal(error.message, "");
        assert_string_not_equal(error.field, "");
    }
    mastra_thread *read = NULL;
    assert_int_equal(mastra_get_thread_by_id(store, S("t"), (mastra_str){NULL, 0}, &read, NULL), MASTRA_OK);
    assert_null(read);
}

/* NULL where a value has to be. */
static void nulls(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    const mastra_message *no_message[1] = {NULL};
    const mastra_message_patch *no_patch[1] = {NULL};
    mastra_list_messages_args list = MASTRA_LIST_MESSAGES_INIT;
    mastra_thread thread = typed_thread("t", 1);
    mastra_str id = S("t");
    mastra_str none = {NULL, 0};
    list.thread_ids = &id;
    list.thread_id_count = 1;
    list.include_count = 1;
    const mastra_status refused[] = {
        mastra_save_thread(store, NULL, NULL, NULL),
        mastra_save_thread(NULL, &thread, NULL, NULL),
        mastra_create_thread(store, NULL, NULL, NULL),
        mastra_get_thread_by_id(store, none, none, NULL, NULL),
        mastra_update_thread(store, NULL, NULL, NULL),
        mastra_delete_thread(store, none, NULL),
        mastra_update_thread_resource_id(store, id, none, NULL, NULL),
        mastra_clone_thread(store, NULL, NULL, NULL),
        mastra_save_messages(store, NULL, 1, NULL, NULL),
        mastra_save_messages(store, no_message, 1, NULL, NULL),
        mastra_list_messages(store, &list, NULL, NULL),
        mastra_list_messages_by_id(store, NULL, 1, NULL, NULL),
        mastra_list_messages_by_id(store, &none, 1, NULL, NULL),
        mastra_update_messages(store, NULL, 1, NULL, NULL),
        mastra_update_messages(store, no_patch, 1, NULL, NULL),
        mastra_delete_messages(store, NULL, 1, NULL),
        mastra_get_resource_by_id(store, none, NULL, NULL),
        mastra_save_resource(store, NULL, NULL, NULL),
        mastra_update_resource(store, NULL, NULL, NULL),
        mastra_call(NULL, "listThreads", none, NULL, NULL, NULL),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i] != MASTRA_INVALID_ARGUMENT)
            fail_msg("call %zu: %s", i, mastra_status_name(refused[i]));
    }
    assert_int_not_equal(mastra_call(store, NULL, none, NULL, NULL, NULL), MASTRA_OK);
    assert_int_not_equal(mastra_init(NULL, NULL), MASTRA_OK);
}

/* A bit that this version does not know changes nothing, the thread's time included. */
static void unknown_bits(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_message_patch patch = MASTRA_MESSAGE_PATCH_INIT;
    const mastra_message_patch *patches[1] = {&patch};
    mastra_thread *found = NULL;
    typed_save_three(store);
    thread.updated_at = 2000;
    OK(mastra_save_thread(store, &thread, NULL, &error));
    patch.values.id = S("a");
    patch.set = UINT64_C(1) << 40;
    OK(mastra_update_messages(store, patches, 1, NULL, &error));
    OK(mastra_get_thread_by_id(store, S("t"), mastra_str_of(NULL), &found, &error));
    assert_int_equal(found->updated_at, 2000);
    mastra_thread_free(found);
}

/* Only the very name means memory: a longer one must not become a file. */
static void names_of_memory(void **state)
{
    mastra_store *store = NULL;
    (void)state;
    assert_int_equal(mastra_open(":memory:x", NULL, &store, NULL), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_open("file::memory:?cache=shared", NULL, &store, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(mastra_open(":memory:?cache=no", NULL, &store, NULL), MASTRA_INVALID_ARGUMENT);
}

/* Windows and limits that cannot be. */
static void negative_numbers(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_list_messages_args list = MASTRA_LIST_MESSAGES_INIT;
    mastra_clone_thread_args clone = MASTRA_CLONE_THREAD_INIT;
    mastra_include include = {sizeof include, S("a"), -1, 0};
    const mastra_include *includes[] = {&include};
    mastra_str thread = S("t");
    typed_save_three(store);
    list.thread_ids = &thread;
    list.thread_id_count = 1;
    list.include = includes;
    list.include_count = 1;
    assert_int_equal(mastra_list_messages(store, &list, NULL, NULL), MASTRA_OK);
    include.with_previous = INT64_MAX;
    include.with_next = INT64_MAX;
    assert_int_equal(mastra_list_messages(store, &list, NULL, NULL), MASTRA_OK);
    list.include_count = 0;
    list.page = INT64_MAX;
    list.per_page = INT64_MAX - 1;
    assert_int_not_equal(mastra_list_messages(store, &list, NULL, NULL), MASTRA_INTERNAL);
    clone.source_thread_id = thread;
    clone.message_limit = -1;
    assert_int_equal(mastra_clone_thread(store, &clone, NULL, NULL), MASTRA_OK);
}

/* Text with a NUL in it: working memory keeps it, content keeps it as a JSON literal. */
static void texts_with_nul(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_resource resource = MASTRA_RESOURCE_INIT;
    mastra_resource *got = NULL;
    mastra_thread thread = typed_thread("t", 1);
    mastra_message message = typed_message("m", "t", 1);
    const mastra_message *messages[1] = {&message};
    mastra_message_list *list = NULL;
    mastra_str id = S("m");
    resource.id = S("r");
    resource.working_memory = (mastra_str){"a\0b", 3};
    if (((struct typed *)*state)->backend->traits & TRAIT_NUL) {
        OK(mastra_save_resource(store, &resource, NULL, &error));
        OK(mastra_get_resource_by_id(store, S("r"), &got, &error));
        assert_int_equal(got->working_memory.len, 3);
        assert_memory_equal(got->working_memory.ptr, "a\0b", 4);
        mastra_resource_free(got);
    } else {
        assert_int_equal(mastra_save_resource(store, &resource, NULL, &error), MASTRA_INVALID_ARGUMENT);
        assert_string_equal(error.field, "workingMemory");
    }
    OK(mastra_save_thread(store, &thread, NULL, &error));
    message.content = (mastra_str){"a\0b", 3};
    OK(mastra_save_messages(store, messages, 1, NULL, &error));
    OK(mastra_list_messages_by_id(store, &id, 1, &list, &error));
    assert_str(mastra_message_list_at(list, 0)->content, "\"a\\u0000b\"");
    mastra_message_list_free(list);
}

/* Results are the caller's: they live on after the store. */
static void results_outlive_the_store(void **state)
{
    struct typed *typed = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread *thread = NULL;
    mastra_message_list *list = NULL;
    mastra_clone *clone = NULL;
    char *json = NULL;
    mastra_str ids[1] = {S("a")};
    mastra_clone_thread_args args = MASTRA_CLONE_THREAD_INIT;
    args.source_thread_id = S("t");
    typed_save_three(typed->store);
    OK(mastra_get_thread_by_id(typed->store, S("t"), (mastra_str){NULL, 0}, &thread, &error));
    OK(mastra_list_messages_by_id(typed->store, ids, 1, &list, &error));
    OK(mastra_clone_thread(typed->store, &args, &clone, &error));
    OK(mastra_call(typed->store, "listThreads", mastra_str_of("{}"), &json, NULL, &error));
    OK(mastra_close(typed->store, &error));
    typed->store = NULL;
    assert_str(thread->id, "t");
    assert_str(mastra_message_list_at(list, 0)->content, "hello");
    assert_int_equal(mastra_clone_count(clone), 3);
    assert_non_null(strstr(json, "\"threads\""));
    mastra_thread_free(thread);
    mastra_message_list_free(list);
    mastra_clone_free(clone);
    mastra_json_free(json);
}

static void nothing_to_free(void **state)
{
    (void)state;
    mastra_thread_free(NULL);
    mastra_resource_free(NULL);
    mastra_thread_list_free(NULL);
    mastra_message_list_free(NULL);
    mastra_resource_list_free(NULL);
    mastra_clone_free(NULL);
    mastra_json_free(NULL);
    assert_int_equal(mastra_close(NULL, NULL), MASTRA_OK);
}

static void initialisation(void **state)
{
    struct typed *typed = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_thread thread = typed_thread("t", 1);
    struct place place;
    typed->backend->begin_fresh(&place);
    options.disable_init = true;
    OK(mastra_open(place.url, &options, &store, &error));
    /* A table of DynamoDB is made by other means, before any store. */
    if (!(typed->backend->traits & TRAIT_DYNAMODB))
        assert_int_not_equal(mastra_save_thread(store, &thread, NULL, &error), MASTRA_OK);
    OK(mastra_init(store, &error));
    OK(mastra_init(store, &error));
    OK(mastra_save_thread(store, &thread, NULL, &error));
    OK(mastra_close(store, &error));
    place_end(&place);
}

static void versions(void **state)
{
    (void)state;
    assert_string_equal(mastra_version(), MASTRA_VERSION);
    assert_non_null(strchr(mastra_sqlite_version(), '.'));
    assert_string_equal(mastra_status_name(MASTRA_NOT_FOUND), "not_found");
    assert_string_equal(mastra_status_name((mastra_status)-999), "unknown");
    assert_int_equal(mastra_status_exit_code(MASTRA_BUSY), 5);
    assert_int_equal(mastra_status_http(MASTRA_NOT_FOUND), 404);
    assert_string_not_equal(mastra_status_text((mastra_status)-999), "");
}
static const struct typed_test tests[] = {
    {"strings are views", views, 0},
    {"older records", older_records, 0},
    {"older arguments", older_arguments, 0},
    {"an older error record", older_error, 0},
    {"values that are refused", bad_values, 0},
    {"NULL where a value has to be", nulls, 0},
    {"numbers that cannot be", negative_numbers, 0},
    {"bits of a later version", unknown_bits, 0},
    {"names of memory", names_of_memory, 0},
    {"texts with NUL", texts_with_nul, 0},
    {"results outlive the store", results_outlive_the_store, 0},
    {"nothing to free", nothing_to_free, 0},
    {"explicit initialisation", initialisation, 0},
    {"versions and statuses", versions, 0},
};

int main(void)
{
    return typed_main("typed rules", tests, sizeof(tests) / sizeof(tests[0]));
}
