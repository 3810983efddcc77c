#include "unit/buffer_fixture.h"

#include "base/json.h"

/* An exact copy of a value, so that no reader may look past it. */
static mastra_str checked(const char *text)
{
    if (!text)
        return mastra_str_of(NULL);
    mastra_str copy = exact_copy(text, strlen(text));
    if (!ms_json_check(copy, NULL, NULL))
        fail_msg("not JSON: %s", text);
    return copy;
}

static void test_equality(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool equal;
    } cases[] = {
        {"null", "null", true},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "false", false},
        {"null", "0", false},
        {"0", "false", false},
        {"\"1\"", "1", false},
        {"\"\"", "null", false},
        {"[]", "{}", false},
        {"1", "1.0", true},
        {"1e2", "100", true},
        {"9007199254740993", "9007199254740992", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"a\"", "\"A\"", false},
        {"[]", "[ ]", true},
        {"[1,2]", "[ 1.0 , 2e0 ]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"[1]", "[1,2]", false},
        {"[1]", "[[1]]", false},
        {"[null]", "[]", false},
        {"{}", "{ }", true},
        {"{\"a\":1}", "{ \"\\u0061\" : 1.0 }", true},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"c\":3}", false},
        {"{\"a\":1,\"b\":2}", "{\"c\":3,\"b\":2,\"a\":1}", false},
        {"{\"a\":null}", "{\"b\":null}", false},
        {"{\"a\":null}", "{}", false},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
        {"{\"a\":1,\"a\":2}", "{\"a\":9,\"a\":2}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", false},
        {"{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":2}", true},
        {"{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":2,\"b\":1}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"a\":1}", false},
        {"{\"a\":{\"x\":1,\"y\":[1,{\"z\":2}]}}", "{\"a\":{\"y\":[1,{\"z\":2.0}],\"x\":1}}", true},
        {"{\"a\":{\"x\":1,\"y\":[1,{\"z\":2}]}}", "{\"a\":{\"y\":[1,{\"z\":3}],\"x\":1}}", false},
        {"{\"\":1}", "{\"\":1}", true},
        {"{\"\\ud800\":1}", "{\"\\ud801\":1}", false},
        {"{\"\\ud800\":1}", "{\"\\ufffd\":1}", false},
        {NULL, NULL, true},
        {NULL, "null", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_str a = checked(cases[i].a);
        mastra_str b = checked(cases[i].b);
        if (ms_json_equal(a, b) != cases[i].equal || ms_json_equal(b, a) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        assert_true(ms_json_equal(a, a));
        free_copy(a);
        free_copy(b);
    }
}

/* Nests `depth` objects around `core`, with the two members of each in the given order. */
static void nest(struct ms_buf *buf, int depth, bool reversed, const char *core)
{
    for (int i = 0; i < depth; i++)
        ms_buf_add_text(buf, reversed ? "{\"b\":1,\"a\":" : "{\"a\":");
    ms_buf_add_text(buf, core);
    for (int i = 0; i < depth; i++)
        ms_buf_add_text(buf, reversed ? "}" : ",\"b\":1}");
}

/* Each pair of values may be compared once only, or this would not end. */
static void test_deep_values(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *a = &fixture->buf;
    for (int reversed = 0; reversed < 2; reversed++) {
        for (int same = 0; same < 2; same++) {
            struct ms_buf b;
            ms_buf_init(&b, fixture->heap, 0);
            ms_buf_clear(a);
            nest(a, MS_JSON_MAX_DEPTH, false, "1");
            nest(&b, MS_JSON_MAX_DEPTH, reversed, same ? "1.0" : "2.0");
            assert_true(ms_json_check(ms_buf_view(a), NULL, NULL));
            assert_true(ms_json_check(ms_buf_view(&b), NULL, NULL));
            assert_int_equal(ms_json_equal(ms_buf_view(a), ms_buf_view(&b)), same);
            ms_buf_release(&b);
        }
    }
}

static const struct {
    const char *base;
    const char *patch;
    const char *merged;
} merges[] = {
    {"{}", "{}", "{}"},
    {"{\"a\":1}", "{}", "{\"a\":1}"},
    {"{}", "{\"a\":1}", "{\"a\":1}"},
    {NULL, "{\"a\":1}", "{\"a\":1}"},
    {"null", "{\"a\":1}", "{\"a\":1}"},
    {"[1]", "{\"a\":1}", "{\"a\":1}"},
    {"\"x\"", "{}", "{}"},
    {"{\"a\":1}", NULL, "{\"a\":1}"},
    {"{\"a\":1}", "null", "{\"a\":1}"},
    {NULL, NULL, "{}"},
    {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
    {"{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":{\"x\":0},\"d\":4}", "{\"a\":1,\"b\":{\"x\":0},\"c\":3,\"d\":4}"},
    {"{\"a\":1,\"b\":2}", "{\"b\":3,\"a\":4}", "{\"a\":4,\"b\":3}"},
    {"{\"a\":1}", "{\"a\":null}", "{\"a\":null}"},
    {"{\"a\":{\"x\":1}}", "{\"a\":{\"y\":2}}", "{\"a\":{\"y\":2}}"},
    /* raw text survives, white space between members does not */
    {" {\"n\" : 1.50e+3 , \"s\":\"\\u00e9\\/\" , \"o\" : { \"k\" : [ 1 ] } } ", "{ \"z\" : [ ] }",
     "{\"n\":1.50e+3,\"s\":\"\\u00e9\\/\",\"o\":{ \"k\" : [ 1 ] },\"z\":[ ]}"},
    {"{\"big\":9007199254740993}", "{\"x\":1}", "{\"big\":9007199254740993,\"x\":1}"},
    /* keys are the same by their characters; the spelling of base stays */
    {"{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}"},
    {"{\"a\":1}", "{\"\\u0061\":2}", "{\"a\":2}"},
    {"{\"\\ud800\":1}", "{\"\\ud801\":2}", "{\"\\ud800\":1,\"\\ud801\":2}"},
    {"{\"\":1}", "{\"\":2,\"x\":3}", "{\"\":2,\"x\":3}"},
    /* repeated keys */
    {"{\"a\":1,\"a\":2}", "{\"b\":3}", "{\"a\":1,\"a\":2,\"b\":3}"},
    {"{\"a\":1,\"b\":0,\"a\":2}", "{\"a\":3}", "{\"a\":3,\"b\":0}"},
    {"{\"a\":1}", "{\"a\":2,\"a\":3}", "{\"a\":3}"},
    {"{}", "{\"a\":2,\"b\":0,\"a\":3}", "{\"a\":3,\"b\":0}"},
};

static void test_merging(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(merges); i++) {
        mastra_str base = checked(merges[i].base), patch = checked(merges[i].patch), value;
        if (base.ptr)
            assert_true(ms_json_check(base, &base, NULL));
        ms_buf_clear(&fixture->buf);
        ms_buf_add_text(&fixture->buf, "before ");
        ms_json_merge(&fixture->buf, base, patch);
        value = ms_buf_view(&fixture->buf);
        assert_memory_equal(value.ptr, "before ", 7);
        value.ptr += 7;
        value.len -= 7;
        assert_str(value, merges[i].merged);
        assert_true(ms_json_check(value, NULL, NULL));
        if (merges[i].base && merges[i].base[0] != ' ')
            free_copy(base);
        else if (merges[i].base)
            free((char *)(uintptr_t)(base.ptr - 1));
        free_copy(patch);
    }
}

static void put_numbered(struct ms_buf *buf, int from, int to, int step, const char *value)
{
    ms_buf_add_char(buf, '{');
    for (int i = from; i < to; i += step)
        ms_buf_printf(buf, "%s\"key%d\":%s", i == from ? "" : ",", i, value);
    ms_buf_add_char(buf, '}');
}

/* More members than are kept on the stack. */
static void test_merging_large_objects(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf base, patch;
    ms_buf_init(&base, fixture->heap, 0);
    ms_buf_init(&patch, fixture->heap, 0);
    for (int count = 20; count < 30; count++) {
        ms_buf_clear(&base);
        ms_buf_clear(&patch);
        ms_buf_clear(&fixture->buf);
        put_numbered(&base, 0, count, 1, "0");
        put_numbered(&patch, 0, 2 * count, 2, "[1]");
        ms_json_merge(&fixture->buf, ms_buf_view(&base), ms_buf_view(&patch));
        mastra_str merged = ms_buf_view(&fixture->buf);
        assert_true(ms_json_check(merged, NULL, NULL));
        assert_int_equal(ms_json_count(merged), (size_t)(count + count - (count + 1) / 2));
        for (int i = 0; i < 2 * count; i++) {
            char name[16];
            snprintf(name, sizeof(name), "key%d", i);
            mastra_str value = ms_json_member(merged, mastra_str_of(name));
            if (i % 2 == 0)
                assert_str(value, "[1]");
            else if (i < count)
                assert_str(value, "0");
            else
                assert_null(value.ptr);
        }
    }
    ms_buf_release(&base);
    ms_buf_release(&patch);
}

/* Objects of many members are merged by the rules for few, repeated and escaped keys included. */
static void test_padded_objects(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf base, patch, expected;
    size_t merged = 0;
    ms_buf_init(&base, fixture->heap, 0);
    ms_buf_init(&patch, fixture->heap, 0);
    ms_buf_init(&expected, fixture->heap, 0);
    for (size_t i = 0; i < COUNT(merges); i++) {
        const char *texts[] = {merges[i].base, merges[i].patch, merges[i].merged};
        struct ms_buf *padded[] = {&base, &patch, &expected};
        bool plain = true;
        for (size_t k = 0; k < COUNT(texts); k++)
            plain = plain && texts[k] && texts[k][0] == '{' && texts[k][1] != '}' && texts[k][1] != ' ';
        if (!plain)
            continue;
        for (size_t k = 0; k < COUNT(texts); k++) {
            ms_buf_clear(padded[k]);
            put_numbered(padded[k], 0, 40, 1, "0");
            ms_buf_cut(padded[k], padded[k]->len - 1);
            ms_buf_add_char(padded[k], ',');
            ms_buf_add_text(padded[k], texts[k] + 1);
        }
        ms_buf_clear(&fixture->buf);
        ms_json_merge(&fixture->buf, ms_buf_view(&base), ms_buf_view(&patch));
        assert_str(ms_buf_view(&fixture->buf), ms_buf_view(&expected).ptr);
        merged++;
    }
    assert_in_range(merged, 5, COUNT(merges));
    ms_buf_release(&base);
    ms_buf_release(&patch);
    ms_buf_release(&expected);
}

/* So many that comparing each with each would take many minutes. */
static void test_merging_huge_objects(void **state)
{
    enum { MANY = 300000 };
    struct fixture *fixture = *state;
    struct ms_buf base, patch;
    ms_buf_init(&base, fixture->heap, 0);
    ms_buf_init(&patch, fixture->heap, 0);
    put_numbered(&base, 0, MANY, 1, "0");
    put_numbered(&patch, MANY / 2, 2 * MANY, 1, "1");
    ms_json_merge(&fixture->buf, ms_buf_view(&base), ms_buf_view(&patch));
    assert_int_equal(ms_json_count(ms_buf_view(&fixture->buf)), 2 * MANY);
    ms_buf_release(&base);
    ms_buf_release(&patch);
}

static void test_setting_a_member(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *object;
        const char *name;
        const char *value;
        const char *result;
    } cases[] = {
        {"{}", "a", "1", "{\"a\":1}"},
        {NULL, "a", "1", "{\"a\":1}"},
        {"null", "a", "[]", "{\"a\":[]}"},
        {"{\"b\":2}", "a", "1", "{\"b\":2,\"a\":1}"},
        {"{\"a\":0,\"b\":2}", "a", "{ \"x\" : 1 }", "{\"a\":{ \"x\" : 1 },\"b\":2}"},
        {"{\"b\" : 2.0 , \"a\" : 0}", "a", "1", "{\"b\":2.0,\"a\":1}"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "a", "4", "{\"a\":4,\"b\":2}"},
        {"{\"b\":1,\"b\":2}", "a", "4", "{\"b\":1,\"b\":2,\"a\":4}"},
        {"{\"\\u0061\":1}", "a", "2", "{\"\\u0061\":2}"},
        {"{}", "q\"\n", "2", "{\"q\\\"\\n\":2}"},
        {"{\"q\\\"\":1}", "q\"", "2", "{\"q\\\"\":2}"},
        {"{}", "", "2", "{\"\":2}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_str object = checked(cases[i].object);
        ms_buf_clear(&fixture->buf);
        ms_buf_add_char(&fixture->buf, '!');
        ms_json_with_member(&fixture->buf, object, mastra_str_of(cases[i].name),
                            mastra_str_of(cases[i].value));
        assert_string_equal(ms_buf_view(&fixture->buf).ptr + 1, cases[i].result);
        free_copy(object);
    }
}

static void test_each_allocation_fails_in_turn(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    struct ms_buf base, patch;
    ms_buf_init(&base, fixture->heap, 0);
    ms_buf_init(&patch, fixture->heap, 0);
    put_numbered(&base, 0, 100, 1, "\"value\"");
    put_numbered(&patch, 0, 200, 2, "\"other\"");
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        size_t live = fixture->memory.live;
        fixture->memory.fail_at = fixture->memory.calls + n;
        ms_json_merge(buf, ms_buf_view(&base), ms_buf_view(&patch));
        ms_json_with_member(buf, ms_buf_view(&base), mastra_str_of("new"), mastra_str_of("1"));
        bool ok = buf->failed == MASTRA_OK;
        assert_int_equal(ok, fixture->memory.calls < fixture->memory.fail_at);
        if (!ok)
            assert_int_equal(buf->failed, MASTRA_OUT_OF_MEMORY);
        ms_buf_release(buf);
        assert_int_equal(fixture->memory.live, live);
        if (ok)
            break;
        failures++;
    }
    assert_in_range(failures, 5, 40);
    ms_buf_release(&base);
    ms_buf_release(&patch);
}

static void test_the_ceiling_of_the_buffer(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf buf;
    ms_buf_init(&buf, fixture->heap, 12);
    ms_json_merge(&buf, mastra_str_of("{\"a\":1}"), mastra_str_of("{\"b\":23456}"));
    assert_int_equal(buf.failed, MASTRA_LIMIT_EXCEEDED);
    ms_buf_release(&buf);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_equality),
        TEST(test_deep_values),
        TEST(test_merging),
        TEST(test_merging_large_objects),
        TEST(test_padded_objects),
        TEST(test_merging_huge_objects),
        TEST(test_setting_a_member),
        TEST(test_each_allocation_fails_in_turn),
        TEST(test_the_ceiling_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
