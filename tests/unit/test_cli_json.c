/* The command's reader of JSON texts, which need not be well formed. */
#include "unit/base_support.h"

#include "cli/json.h"

static const char SAMPLE[] = "{\"status\":\"a\\u0041\\ud83d\\ude00\\n\",\"context\":{\"input\":{\"n\":21},"
                             "\"list\":[1,2,{\"a\":null},\"]}\\\"\"]},\"at\":1795237309085}";

static void assert_text(mastra_str value, const char *want)
{
    mastra_str text = {NULL, 0};
    char *owned = NULL;

    assert_true(json_text(value, &text, &owned));
    if (want) {
        assert_int_equal(text.len, strlen(want));
        assert_memory_equal(text.ptr, want, text.len);
    } else {
        assert_null(text.ptr);
    }
    free(owned);
}

static void test_members(void **state)
{
    mastra_str sample = mastra_str_of(SAMPLE);
    mastra_str context = json_member(sample, "context");

    (void)state;
    assert_text(json_member(sample, "status"), "aA\xF0\x9F\x98\x80\n");
    assert_text(json_member(context, "input"), "{\"n\":21}");
    assert_text(json_member(json_member(context, "input"), "n"), "21");
    assert_text(json_member(sample, "none"), NULL);
    assert_text(json_member(sample, "statu"), NULL);
    assert_text(json_member(json_member(sample, "status"), "status"), NULL);
    assert_true(json_time(json_member(sample, "at")) == INT64_C(1795237309085));
    assert_true(json_time(json_member(sample, "status")) == MASTRA_TIME_NONE);
    assert_true(json_time(json_member(sample, "none")) == MASTRA_TIME_NONE);
    assert_text(json_member(mastra_str_of(" { \"a\" : [ ] , \"b\" : 5 } "), "b"), "5");
}

static void test_elements(void **state)
{
    static const char *const want[] = {"1", "2", "{\"a\":null}", "]}\""};
    mastra_str list = json_member(json_member(mastra_str_of(SAMPLE), "context"), "list");
    struct json_iter iter;
    mastra_str value;
    size_t count = 0;

    (void)state;
    json_iter_init(&iter, list);
    while (json_next(&iter, NULL, &value)) {
        assert_true(count < COUNT(want));
        assert_text(value, want[count++]);
    }
    assert_int_equal(count, COUNT(want));
    json_iter_init(&iter, mastra_str_of("5"));
    assert_false(json_next(&iter, NULL, &value));
    json_iter_init(&iter, mastra_str_of(NULL));
    assert_false(json_next(&iter, NULL, &value));
}

static void test_strings(void **state)
{
    (void)state;
    assert_text(mastra_str_of("\"\\b\\f\\n\\r\\t\\\"\\\\\\/\""), "\b\f\n\r\t\"\\/");
    assert_text(mastra_str_of("\"\\u00e9\\u20AC\""), "\xC3\xA9\xE2\x82\xAC");
    assert_text(mastra_str_of("\"\\ud83d-\\ude00\""), "\xEF\xBF\xBD-\xEF\xBF\xBD");
    assert_text(mastra_str_of("\"\\u\\u12\""), "\xEF\xBF\xBD\xEF\xBF\xBD"
                                               "12");
    assert_text(mastra_str_of("null"), NULL);
    assert_text(mastra_str_of(NULL), NULL);
    assert_text(mastra_str_of("12.5"), "12.5");
    assert_text(mastra_str_of("\""), "\"");
}

static void test_errors(void **state)
{
    (void)state;
    assert_text(json_error_text(mastra_str_of("{\"name\":\"E\",\"message\":\"why\"}")), "why");
    assert_text(json_error_text(mastra_str_of("{\"name\":\"E\"}")), "{\"name\":\"E\"}");
    assert_text(json_error_text(mastra_str_of("\"why\"")), "why");
    assert_text(json_error_text(mastra_str_of(NULL)), NULL);
}

/* Every value lies in the one that it is taken from, and no walk goes on for ever. */
static void walk(mastra_str value, int depth)
{
    struct json_iter iter;
    mastra_str text, key, inner;
    char *owned;
    size_t count = 0;

    assert_true(json_text(value, &text, &owned));
    free(owned);
    json_time(value);
    json_error_text(value);
    json_iter_init(&iter, value);
    while (depth < 20 && json_next(&iter, &key, &inner)) {
        assert_true(++count <= value.len);
        assert_true(inner.ptr >= value.ptr && inner.ptr + inner.len <= value.ptr + value.len);
        walk(inner, depth + 1);
    }
}

static void test_what_is_no_json(void **state)
{
    static const char noise[] = "{}[]\",:\\u0 ad8\n";
    uint32_t random = 1;

    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        size_t len = round % 3 ? sizeof SAMPLE - 1 : round % sizeof SAMPLE;
        mastra_str text = exact_copy(SAMPLE, len);

        for (size_t i = 0; len > 0 && i < round % 7; i++) {
            random = random * 1664525 + 1013904223;
            ((char *)(uintptr_t)text.ptr)[(random >> 8) % len] = noise[(random >> 20) % sizeof noise];
        }
        walk(text, 0);
        free((char *)(uintptr_t)text.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),         cmocka_unit_test(test_elements),
        cmocka_unit_test(test_strings),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_what_is_no_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
