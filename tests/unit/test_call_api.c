/* Calls by name: the registry, request lines, error records, memory. */
#include "unit/base_support.h"

#include "base/json.h"

#include <mastra/mastra.h>

/* The registry. */

static void test_every_operation_describes_itself(void **state)
{
    mastra_operation operation = MASTRA_OPERATION_INIT;
    struct ms_json_iter iter;
    mastra_str list, item, example;
    size_t count = 0;
    size_t len = 0;
    char *text = NULL;

    (void)state;
    assert_int_equal(mastra_operations(&text, &len, NULL), MASTRA_OK);
    assert_true(ms_json_check((mastra_str){text, len}, &list, NULL));
    ms_json_iter_init(&iter, list);
    while (ms_json_next(&iter, NULL, &item)) {
        mastra_str name = ms_json_member(item, mastra_str_of("name"));
        char *help = NULL;

        assert_true(mastra_operation_at(count++, &operation));
        assert_true(ms_json_string_equals(name, mastra_str_of(operation.name)));
        assert_int_equal(ms_json_count(item), 9);
        assert_int_equal(ms_json_kind(ms_json_member(item, mastra_str_of("args"))), MS_JSON_OBJECT);
        assert_int_equal(ms_json_kind(ms_json_member(item, mastra_str_of("result"))), MS_JSON_OBJECT);
        assert_int_equal(ms_json_kind(ms_json_member(item, mastra_str_of("errors"))), MS_JSON_ARRAY);
        example = ms_json_member(item, mastra_str_of("example"));
        assert_int_equal(example.len, strlen(operation.example));
        assert_memory_equal(example.ptr, operation.example, example.len);
        assert_int_equal(mastra_operation_help(operation.name, &help, NULL, NULL), MASTRA_OK);
        assert_true(strlen(help) > 0 || strcmp(operation.name, "init") == 0);
        mastra_json_free(help);
    }
    assert_true(count >= 19);
    assert_false(mastra_operation_at(count, &operation));
    mastra_json_free(text);
    assert_int_equal(mastra_operation_help("nope", NULL, NULL, NULL), MASTRA_USAGE);
}

static void test_an_error_as_json(void **state)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *text = NULL;

    (void)state;
    error.status = MASTRA_BUSY;
    error.retriable = true;
    error.backend_code = 261;
    strncpy(error.backend, "SQLITE_BUSY", sizeof error.backend - 1);
    strncpy(error.message, "say \"please\"", sizeof error.message - 1);
    assert_int_equal(mastra_error_json(&error, &text, NULL), MASTRA_OK);
    assert_string_equal(text,
                        "{\"code\":\"busy\",\"id\":null,\"category\":null,\"message\":\"say \\\"please\\\"\","
                        "\"op\":null,\"retriable\":true,"
                        "\"details\":{\"backend\":\"SQLITE_BUSY\",\"backendCode\":261}}");
    mastra_json_free(text);
    /* A record of a program that knows fewer fields. */
    error.size = offsetof(mastra_error, field);
    assert_int_equal(mastra_error_json(&error, &text, NULL), MASTRA_OK);
    assert_string_equal(text, "{\"code\":\"busy\",\"id\":null,\"category\":null,\"message\":null,"
                              "\"op\":null,\"retriable\":true,\"details\":{\"backendCode\":261}}");
    mastra_json_free(text);
    mastra_json_free(NULL);
    assert_int_equal(mastra_error_json(NULL, &text, NULL), MASTRA_INVALID_ARGUMENT);
}

static void assert_message_text(const char *content, const char *expected)
{
    mastra_message message = MASTRA_MESSAGE_INIT;
    char *text = NULL;
    size_t len = 0;

    message.content = mastra_str_of(content);
    assert_int_equal(mastra_message_text(&message, &text, &len, NULL), MASTRA_OK);
    assert_string_equal(text, expected);
    assert_int_equal(len, strlen(expected));
    mastra_json_free(text);
}

static void test_the_text_of_a_message(void **state)
{
    (void)state;
    assert_message_text("plain \\u0041", "plain \\u0041");
    assert_message_text("", "");
    assert_message_text(NULL, "");
    assert_message_text("5", "5");
    assert_message_text("\"a\\nb\"", "a\nb");
    assert_message_text(
        "{\"format\":2,\"parts\":[{\"type\":\"step-start\"},{\"type\":\"text\",\"text\":\"one\"},"
        "{\"type\":\"tool-invocation\",\"toolInvocation\":{\"toolName\":\"weather\"}},"
        "{\"type\":\"text\",\"text\":\"t\\u00f6\"}],\"content\":\"ignored\"}",
        "one\n[tool-invocation weather]\nt\xc3\xb6");
    assert_message_text("[{\"type\":\"tool-call\",\"toolName\":\"x\"},\"s\"]", "[tool-call x]\ns");
    assert_message_text("{\"content\":\"inner\"}", "inner");
    assert_message_text("{\"format\":2,\"parts\":[],\"content\":\"kept\"}", "kept");
    assert_message_text("{\"a\":1}", "{\"a\":1}");
}

/* Calls by name, over a real store in memory. */

static mastra_store *open_store(const mastra_allocator *allocator)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;

    options.allocator = allocator;
    assert_int_equal(mastra_open(":memory:", &options, &store, NULL), MASTRA_OK);
    return store;
}

static void assert_answer(mastra_store *store, const char *line, const char *expected)
{
    char *answer = NULL;
    size_t len = 0;

    assert_int_equal(mastra_call_line(store, mastra_str_of(line), &answer, &len), MASTRA_OK);
    assert_int_equal(strlen(answer), len);
    if (strncmp(answer, expected, strlen(expected)) != 0) {
        fail_msg("%s\nis answered by\n%s\nand not\n%s", line, answer, expected);
    }
    assert_true(ms_json_check((mastra_str){answer, len}, NULL, NULL));
    assert_null(strpbrk(answer, "\r\n"));
    mastra_json_free(answer);
}

static void test_request_lines(void **state)
{
    mastra_store *store = open_store(NULL);
    char *answer = NULL;

    (void)state;
    assert_answer(store, "{\"id\":1,\"op\":\"getThreadById\",\"args\":{\"threadId\":\"t\"}}",
                  "{\"id\":1,\"ok\":true,\"result\":null}");
    assert_answer(store, "{\"op\":\"deleteMessages\",\"args\":[\"x\"]}",
                  "{\"id\":null,\"ok\":true,\"result\":null}");
    assert_answer(store, " {\"id\":{\"a\" : [1.0]},\"op\":\"list\\u0054hreads\"}\r\n",
                  "{\"id\":{\"a\" : [1.0]},\"ok\":true,\"result\":{\"threads\":[]");
    assert_answer(store, "{\"id\":\"x\",\"op\":\"nope\"}",
                  "{\"id\":\"x\",\"ok\":false,\"error\":{\"code\":\"usage\",");
    assert_answer(store, "{\"id\":7}", "{\"id\":7,\"ok\":false,\"error\":{\"code\":\"usage\",");
    assert_answer(store, "{\"id\":7,\"op\":5}", "{\"id\":7,\"ok\":false,\"error\":{\"code\":\"usage\",");
    assert_answer(store, "[]", "{\"id\":null,\"ok\":false,\"error\":{\"code\":\"invalid_argument\",");
    assert_answer(store, "{\"id\":1", "{\"id\":null,\"ok\":false,\"error\":{\"code\":\"invalid_argument\",");
    assert_answer(store, "", "{\"id\":null,\"ok\":false,\"error\":{\"code\":\"invalid_argument\",");
    assert_answer(store, "{\"id\":2,\"op\":\"updateThread\",\"args\":{\"id\":\"gone\"}}",
                  "{\"id\":2,\"ok\":false,\"error\":{\"code\":\"not_found\","
                  "\"id\":\"MASTRA_STORAGE_LIBSQL_UPDATE_THREAD_NOT_FOUND\",\"category\":\"USER\",");
    assert_int_equal(mastra_call_line(NULL, mastra_str_of("{}"), &answer, NULL), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_json_over_several_lines_is_answered_on_one(void **state)
{
    mastra_store *store = open_store(NULL);
    mastra_thread thread = MASTRA_THREAD_INIT;

    (void)state;
    thread.id = mastra_str_of("t");
    thread.resource_id = mastra_str_of("r");
    thread.metadata = mastra_str_of("{\r\n\t\"a\": \"\\n\"\n}");
    assert_int_equal(mastra_save_thread(store, &thread, NULL, NULL), MASTRA_OK);
    assert_answer(store, "{\"id\":1,\"op\":\"getThreadById\",\"args\":{\"threadId\":\"t\"}}",
                  "{\"id\":1,\"ok\":true,\"result\":{\"id\":\"t\",\"resourceId\":\"r\",\"title\":\"\","
                  "\"metadata\":{  \t\"a\": \"\\n\" },");
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_calls_that_are_refused(void **state)
{
    mastra_store *store = open_store(NULL);
    mastra_error error = MASTRA_ERROR_INIT;
    char *untouched = (char *)1;

    (void)state;
    assert_int_equal(mastra_call(store, "no\nsuch", mastra_str_of(NULL), &untouched, NULL, &error),
                     MASTRA_USAGE);
    assert_string_equal(error.message, "there is no operation \"no such\"");
    assert_string_equal(error.id, "MASTRA_STORAGE_LIBSQL_CALL_UNKNOWN_OPERATION");
    assert_int_equal(mastra_call(store, NULL, mastra_str_of(NULL), &untouched, NULL, &error), MASTRA_USAGE);
    assert_int_equal(mastra_call(store, "saveThread", mastra_str_of("{"), &untouched, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "args");
    assert_string_equal(error.operation, "saveThread");
    assert_string_equal(error.id, "MASTRA_STORAGE_LIBSQL_SAVE_THREAD_FAILED");
    assert_int_equal(
        mastra_call(store, "saveThread", mastra_str_of("{\"thread\":{}}"), &untouched, NULL, NULL),
        MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_call(NULL, "saveThread", mastra_str_of("{}"), &untouched, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_ptr_equal(untouched, (char *)1);
    assert_int_equal(mastra_call_async(store, "listThreads", mastra_str_of("{}"), 0, NULL, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "done");
    assert_int_equal(mastra_call(store, "listThreads", mastra_str_of(NULL), NULL, NULL, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_a_thread_that_is_only_built(void **state)
{
    mastra_store *store = open_store(NULL);
    char *result = NULL;

    (void)state;
    assert_int_equal(
        mastra_call(store, "createThread",
                    mastra_str_of("{\"thread\":{\"title\":\"a\",\"resourceId\":\"r\"},\"title\":\"b\","
                                  "\"saveThread\":false}"),
                    &result, NULL, NULL),
        MASTRA_OK);
    assert_non_null(strstr(result, "\"resourceId\":\"r\",\"title\":\"b\",\"createdAt\":\"20"));
    mastra_json_free(result);
    assert_int_equal(
        mastra_call(store, "createThread", mastra_str_of("{\"saveThread\":false}"), NULL, NULL, NULL),
        MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_call(store, "listThreads", mastra_str_of(NULL), &result, NULL, NULL), MASTRA_OK);
    assert_non_null(strstr(result, "\"total\":0"));
    mastra_json_free(result);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_results_outlive_the_store(void **state)
{
    struct test_memory memory;
    mastra_store *store;
    char *result = NULL;

    (void)state;
    test_memory_init(&memory, 0);
    store = open_store(&memory.allocator);
    assert_int_equal(mastra_call(store, "listThreads", mastra_str_of(NULL), &result, NULL, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(memory.live, 2); /* the heap and the text */
    assert_string_equal(result, "{\"threads\":[],\"total\":0,\"page\":0,\"perPage\":100,\"hasMore\":false}");
    mastra_json_free(result);
    assert_int_equal(memory.live, 0);
}

/* Fails each allocation of a call in turn; what it answers is out of memory, or, where that was no obstacle, right. */
static void test_no_allocation_is_taken_for_granted(void **state)
{
    static const char *const lines[] = {
        "{\"id\":1,\"op\":\"saveMessages\",\"args\":{\"messages\":[{\"id\":\"m\",\"threadId\":\"t\\u0031\","
        "\"role\":\"user\",\"content\":{\"a\":1},\"resourceId\":\"r\"}]}}",
        "{\"id\":2,\"op\":\"listMessages\",\"args\":{\"threadId\":[\"t1\"],\"include\":[{\"id\":\"m\"}]}}"};
    struct test_memory memory;
    mastra_store *store;

    (void)state;
    test_memory_init(&memory, 0);
    store = open_store(&memory.allocator);
    assert_int_equal(mastra_init(store, NULL), MASTRA_OK);
    for (size_t i = 0; i < COUNT(lines); i++) {
        for (size_t n = 1;; n++) {
            char *answer = NULL;
            mastra_status status;
            bool spared;

            memory.calls = 0;
            memory.fail_at = n;
            status = mastra_call_line(store, mastra_str_of(lines[i]), &answer, NULL);
            spared = memory.calls < n;
            memory.fail_at = 0;
            assert_true(status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY);
            if (status == MASTRA_OK) {
                assert_true(strstr(answer, "\"ok\":true") || strstr(answer, "\"code\":\"out_of_memory\""));
            }
            mastra_json_free(answer);
            if (spared) {
                break;
            }
        }
    }
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_describes_itself),
        cmocka_unit_test(test_an_error_as_json),
        cmocka_unit_test(test_the_text_of_a_message),
        cmocka_unit_test(test_request_lines),
        cmocka_unit_test(test_json_over_several_lines_is_answered_on_one),
        cmocka_unit_test(test_calls_that_are_refused),
        cmocka_unit_test(test_a_thread_that_is_only_built),
        cmocka_unit_test(test_results_outlive_the_store),
        cmocka_unit_test(test_no_allocation_is_taken_for_granted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
