/* JSON on its way into jsonb columns and back. */
#include "backends/postgres/postgres.h"
#include "unit/base_support.h"

static const struct ms_column plain = {.name = "c", .json = "c", .type = MS_JSON};
static const struct ms_column twice = {.name = "c", .json = "c", .type = MS_JSON, .flags = MS_TWICE};

static void expect_sent(const struct ms_column *column, const char *text, const char *wanted)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    mastra_str sent = {NULL, 0};
    assert_true(pg_json_for(column, mastra_str_of(text), arena, &sent));
    assert_string_equal(sent.ptr, wanted);
    assert_int_equal(sent.len, strlen(wanted));
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_what_jsonb_cannot_hold(void **state)
{
    (void)state;
    expect_sent(&plain, "{\"a\\u0000b\":\"\\u0000\"}", "{\"ab\":\"\"}");
    expect_sent(&plain, "\"\\ud800\"", "\"\\ufffd\"");
    expect_sent(&plain, "\"x\\udc00y\\uD800\"", "\"x\\ufffdy\\ufffd\"");
    expect_sent(&plain, "\"\\ud800\\ud800\\udc00\"", "\"\\ufffd\\ud800\\udc00\"");
    expect_sent(&plain, "\"\\ud83d\\ude00\"", "\"\\ud83d\\ude00\"");
}

static void test_what_only_looks_like_it(void **state)
{
    (void)state;
    expect_sent(&plain, "\"\\\\u0000\"", "\"\\\\u0000\"");
    expect_sent(&plain, "\"\\\\\\u0000\"", "\"\\\\\"");
    expect_sent(&plain, "\"\\\\ud800 \\u00e9\\n\"", "\"\\\\ud800 \\u00e9\\n\"");
    expect_sent(&plain, "[1.0,1e400,-0]", "[1.0,1e400,-0]");
}

/* A string that would be taken for what the peer stores is stored as the peer does. */
static void test_strings_that_are_json(void **state)
{
    (void)state;
    expect_sent(&twice, "\"{\\\"a\\\":1}\"", "\"\\\"{\\\\\\\"a\\\\\\\":1}\\\"\"");
    expect_sent(&twice, "\"5\"", "\"\\\"5\\\"\"");
    expect_sent(&twice, "\"five\"", "\"five\"");
    expect_sent(&twice, "{\"a\":1}", "{\"a\":1}");
    expect_sent(&plain, "\"5\"", "\"5\"");
}

static void expect_read(const char *stored, const char *wanted)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    mastra_str text = mastra_str_of(stored);
    assert_true(pg_json_once(arena, &text));
    assert_string_equal(text.ptr, wanted);
    assert_int_equal(text.len, strlen(wanted));
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_what_the_peer_encodes_twice(void **state)
{
    (void)state;
    expect_read("\"{\\\"a\\\":1}\"", "{\"a\":1}");
    expect_read("\"\\\"5\\\"\"", "\"5\"");
    expect_read("\"null\"", "null");
    expect_read("\"five\"", "\"five\"");
    expect_read("{\"a\":\"{}\"}", "{\"a\":\"{}\"}");
    expect_read("\"\"", "\"\"");
}

static void test_blanks(void **state)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    mastra_str text = {NULL, 0};
    (void)state;
    assert_true(
        pg_json_compact(arena, mastra_str_of("{\"a b\": [1, \"c, \\\\\\\" d: \", null], \"e\": {}}"), &text));
    assert_string_equal(text.ptr, "{\"a b\":[1,\"c, \\\\\\\" d: \",null],\"e\":{}}");
    assert_int_equal(text.len, strlen(text.ptr));
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_jsonb_cannot_hold),
        cmocka_unit_test(test_what_only_looks_like_it),
        cmocka_unit_test(test_strings_that_are_json),
        cmocka_unit_test(test_what_the_peer_encodes_twice),
        cmocka_unit_test(test_blanks),
    };
    return cmocka_run_group_tests_name("postgres_json", tests, NULL, NULL);
}
