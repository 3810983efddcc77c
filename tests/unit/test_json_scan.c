#include "unit/base_support.h"

#include "base/json.h"
#include "unit/json_texts.h"

static void walk(mastra_str value, const char *start, const char *end)
{
    assert_true(value.ptr >= start && value.len > 0 && value.len <= (size_t)(end - value.ptr));
    enum ms_json_kind kind = ms_json_kind(value);
    assert_int_not_equal(kind, MS_JSON_NONE);
    mastra_str alone = {NULL, 0};
    assert_true(ms_json_check(value, &alone, NULL));
    assert_ptr_equal(alone.ptr, value.ptr);
    assert_int_equal(alone.len, value.len);
    if (kind != MS_JSON_ARRAY && kind != MS_JSON_OBJECT) {
        assert_int_equal(ms_json_count(value), 0);
        return;
    }
    struct ms_json_iter iter;
    mastra_str key, inner;
    size_t count = 0;
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, &key, &inner)) {
        assert_int_equal(key.ptr != NULL, kind == MS_JSON_OBJECT);
        if (key.ptr) {
            assert_int_equal(ms_json_kind(key), MS_JSON_STRING);
            walk(key, value.ptr, inner.ptr);
        }
        walk(inner, value.ptr, value.ptr + value.len);
        count++;
    }
    assert_false(ms_json_next(&iter, &key, &inner));
    assert_int_equal(ms_json_count(value), count);
}

/* Checks an exact copy; what is accepted is walked through. */
static bool accepted(const char *ptr, size_t len)
{
    mastra_str text = exact_copy(ptr, len);
    mastra_str value = {"untouched", 9};
    struct ms_json_fault fault = {SIZE_MAX, NULL};
    bool ok = ms_json_check(text, &value, &fault);
    assert_int_equal(ms_json_check(text, NULL, NULL), ok);
    if (ok) {
        assert_null(fault.what);
        walk(value, text.ptr, text.ptr + len);
    } else {
        assert_non_null(fault.what);
        assert_true(fault.offset <= len);
        assert_string_equal(value.ptr, "untouched");
    }
    free_copy(text);
    return ok;
}

static void test_table(void **state)
{
    (void)state;
    assert_true(COUNT(cases) >= 250);
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool expected = cases[i].name[0] == 'y';
        if (accepted(cases[i].ptr, cases[i].len) != expected)
            fail_msg("%s was %s", cases[i].name, expected ? "refused" : "accepted");
    }
}

static void test_table_inside_an_array(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (cases[i].name[0] != 'y')
            continue;
        char text[200];
        int len = snprintf(text, sizeof(text), "[{\"key\":%.*s}]", (int)cases[i].len, cases[i].ptr);
        assert_true(len > 0 && (size_t)len < sizeof(text));
        if (!accepted(text, (size_t)len))
            fail_msg("%s was refused as a member", cases[i].name);
    }
}

/* Of a value that its last character closes, no shorter part is valid. */
static void test_prefixes(void **state)
{
    (void)state;
    size_t prefixes = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_str text = {cases[i].ptr, cases[i].len}, value;
        if (cases[i].name[0] != 'y')
            continue;
        assert_true(ms_json_check(text, &value, NULL));
        if (ms_json_kind(value) == MS_JSON_NUMBER)
            continue;
        size_t end = (size_t)(value.ptr - text.ptr) + value.len;
        for (size_t len = 0; len < end; len++, prefixes++) {
            if (accepted(text.ptr, len))
                fail_msg("%s was accepted when cut to %zu bytes", cases[i].name, len);
        }
    }
    assert_true(prefixes > 500);
}

static void test_every_mutation_of_one_byte(void **state)
{
    (void)state;
    static const char *const samples[] = {
        "{\"id\":\"t-1\",\"n\":[0,-1.5e+3,1E-2],\"s\":\"a\\n\\u00e9\\ud83d\\ude00\xc3\xa9\"}",
        " [ true , false , null , \"\\\\\" , { } , [ ] , { \"a\" : \"\\\"\" } ] ",
        "[[[1,2],[3,{\"k\":\"12345678901234567890\"}]],\"\xf0\x9f\x98\x80 text \xf0\x9f\x98\x80\"]",
    };
    size_t valid = 0;
    for (size_t i = 0; i < COUNT(samples); i++) {
        size_t len = strlen(samples[i]);
        char *text = malloc(len);
        assert_non_null(text);
        for (size_t at = 0; at < len; at++) {
            memcpy(text, samples[i], len);
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                valid += accepted(text, len);
            }
        }
        free(text);
    }
    assert_true(valid > 1000);
}

static void test_inserted_and_removed_bytes(void **state)
{
    (void)state;
    static const char sample[] = "{\"a\":[1,2.5,\"x\\ty\"],\"b\":{\"c\":true},\"d\":\"\xc3\xa9\"}";
    static const char inserted[] = "\"\\{}[]:,0-.eu \n\0\x80\xff";
    size_t len = sizeof(sample) - 1;
    char text[sizeof(sample) + 1];
    for (size_t at = 0; at < len; at++) {
        memcpy(text, sample, at);
        memcpy(text + at, sample + at + 1, len - at - 1);
        accepted(text, len - 1);
        for (size_t k = 0; k < sizeof(inserted) - 1; k++) {
            text[at] = inserted[k];
            memcpy(text + at + 1, sample + at, len - at);
            accepted(text, len + 1);
        }
    }
}

/* Opens `depth` levels; 'm' alternates arrays and objects. Returns the length. */
static size_t nest(char *text, char sort, size_t depth, bool closed)
{
    char *at = text;
    for (size_t i = 0; i < depth; i++) {
        bool object = sort == 'o' || (sort == 'm' && i % 2);
        memcpy(at, object ? "{\"k\":" : "[", object ? 5 : 1);
        at += object ? 5 : 1;
    }
    *at++ = '1';
    for (size_t i = depth; closed && i > 0; i--) {
        bool object = sort == 'o' || (sort == 'm' && (i - 1) % 2);
        *at++ = object ? '}' : ']';
    }
    return (size_t)(at - text);
}

static void test_depth(void **state)
{
    (void)state;
    static const char sorts[] = {'a', 'o', 'm'};
    char *text = malloc(100000 * 6 + 1);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT(sorts); i++) {
        struct ms_json_fault fault;
        for (size_t depth = 990; depth <= MS_JSON_MAX_DEPTH; depth++) {
            mastra_str nested = {text, nest(text, sorts[i], depth, true)};
            assert_true(ms_json_check(nested, NULL, NULL));
            nested.len--;
            assert_false(ms_json_check(nested, NULL, &fault));
            assert_string_equal(fault.what, "unexpected end");
        }
        static const size_t refused[] = {MS_JSON_MAX_DEPTH + 1, MS_JSON_MAX_DEPTH + 2, 100000};
        for (size_t k = 0; k < COUNT(refused); k++) {
            mastra_str nested = {text, nest(text, sorts[i], refused[k], k % 2)};
            assert_false(ms_json_check(nested, NULL, &fault));
            assert_string_equal(fault.what, "nested deeper than 1,000");
            assert_int_equal(text[fault.offset], sorts[i] == 'o' ? '{' : '[');
        }
    }
    free(text);
}

/* Siblings at one level: closing must give the level back, with the right sort for what follows. */
static void test_depth_is_given_back(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_buf buf;
    ms_buf_init(&buf, heap, 0);
    ms_buf_add_char(&buf, '[');
    for (int i = 0; i < 3000; i++)
        ms_buf_add_text(&buf, i % 3 ? "[{\"a\":[]},[{}]]," : "{\"a\":{},\"b\":[{}]},");
    ms_buf_add_text(&buf, "0]");
    mastra_str value;
    assert_true(ms_json_check(ms_buf_view(&buf), &value, NULL));
    assert_int_equal(ms_json_count(value), 3001);
    ms_buf_release(&buf);
    ms_heap_unref(heap);
}

static void test_faults_say_where_and_why(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        const char *what;
    } faults[] = {
        {"", 0, "unexpected end"},
        {"  ", 2, "unexpected end"},
        {"[1,", 3, "unexpected end"},
        {"tru", 3, "unexpected end"},
        {"\"abc", 4, "unexpected end"},
        {"\"\\u12", 5, "unexpected end"},
        {"-", 1, "unexpected end"},
        {"1e", 2, "unexpected end"},
        {"{\"a\"", 4, "unexpected end"},
        {"trux", 3, "unexpected character"},
        {"[1 2]", 3, "unexpected character"},
        {"[1,]", 3, "unexpected character"},
        {"{\"a\":1,}", 7, "unexpected character"},
        {"{a:1}", 1, "unexpected character"},
        {"{\"a\" 1}", 5, "unexpected character"},
        {" @", 1, "unexpected character"},
        {"01", 1, "invalid number"},
        {"[1.]", 3, "invalid number"},
        {"[-x]", 2, "invalid number"},
        {"[1e+]", 4, "invalid number"},
        {"\"a\nb\"", 2, "control character in a string"},
        {"\"a\\xb\"", 3, "invalid escape"},
        {"\"a\\u12g4\"", 6, "invalid escape"},
        {"[\"ab\xff\"]", 4, "invalid UTF-8"},
        {"[\"abcdefghijkl\xc3\xa9\xe2\x82\"]", 16, "invalid UTF-8"},
        {"{} {}", 3, "text after the value"},
        {"1 x", 2, "text after the value"},
    };
    for (size_t i = 0; i < COUNT(faults); i++) {
        mastra_str text = exact_copy(faults[i].text, strlen(faults[i].text));
        struct ms_json_fault fault;
        assert_false(ms_json_check(text, NULL, &fault));
        if (fault.offset != faults[i].offset || strcmp(fault.what, faults[i].what) != 0)
            fail_msg("%s: %s at %zu", faults[i].text, fault.what, fault.offset);
        free_copy(text);
    }
}

static void test_the_value_is_trimmed(void **state)
{
    (void)state;
    mastra_str value;
    assert_true(ms_json_check(mastra_str_of(" \n {\"a\" : 1 } \t "), &value, NULL));
    assert_str(value, "{\"a\" : 1 }");
    assert_true(ms_json_check(mastra_str_of(" -12 "), &value, NULL));
    assert_str(value, "-12");
    assert_false(ms_json_check(mastra_str_of(NULL), &value, NULL));
    assert_str(value, "-12");
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ms_json_kind kind;
    } kinds[] = {
        {NULL, MS_JSON_NONE},     {"", MS_JSON_NONE},    {"null", MS_JSON_NULL}, {"true", MS_JSON_TRUE},
        {"false", MS_JSON_FALSE}, {"0", MS_JSON_NUMBER}, {"9", MS_JSON_NUMBER},  {"-1", MS_JSON_NUMBER},
        {"\"\"", MS_JSON_STRING}, {"[]", MS_JSON_ARRAY}, {"{}", MS_JSON_OBJECT}, {"x", MS_JSON_NONE},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        enum ms_json_kind kind = ms_json_kind(mastra_str_of(kinds[i].text));
        assert_int_equal(kind, kinds[i].kind);
    }
}

static void test_iterating(void **state)
{
    (void)state;
    mastra_str text =
        mastra_str_of(" { \"a\" : [ 1 , 2 ] ,\"b]}\\\"\":\"x,\\\\\", \"\" :{ } , \"n\": -1.5e3 } ");
    static const char *const expected[][2] = {
        {"\"a\"", "[ 1 , 2 ]"},
        {"\"b]}\\\"\"", "\"x,\\\\\""},
        {"\"\"", "{ }"},
        {"\"n\"", "-1.5e3"},
    };
    mastra_str object, key, value;
    assert_true(ms_json_check(text, &object, NULL));
    struct ms_json_iter iter;
    ms_json_iter_init(&iter, object);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_true(ms_json_next(&iter, &key, &value));
        assert_str(key, expected[i][0]);
        assert_str(value, expected[i][1]);
    }
    assert_false(ms_json_next(&iter, &key, &value));
    assert_int_equal(ms_json_count(object), 4);

    ms_json_iter_init(&iter, mastra_str_of("[1,\"a\" ,null]"));
    assert_true(ms_json_next(&iter, &key, &value));
    assert_null(key.ptr);
    assert_str(value, "1");
    assert_true(ms_json_next(&iter, NULL, &value));
    assert_str(value, "\"a\"");
    assert_true(ms_json_next(&iter, NULL, &value));
    assert_str(value, "null");
    assert_false(ms_json_next(&iter, NULL, &value));
}

static void test_iterating_over_other_kinds(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "", "null", "12", "\"[1]\"", "[]", "{}", "[ ]"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct ms_json_iter iter;
        mastra_str value;
        ms_json_iter_init(&iter, mastra_str_of(texts[i]));
        assert_false(ms_json_next(&iter, NULL, &value));
        assert_int_equal(ms_json_count(mastra_str_of(texts[i])), 0);
    }
}

static void test_members(void **state)
{
    (void)state;
    mastra_str object =
        mastra_str_of("{\"a\":1,\"b\":{\"a\":2},\"\\u0063\":3,\"a\":4,\"\":5,\"x\\ny\":6,\"\xc3\xa9\":7,"
                      "\"\\u00e9\":8,\"z\\u0000z\":9}");
    assert_true(ms_json_check(object, NULL, NULL));
    assert_str(ms_json_member(object, mastra_str_of("a")), "4");
    assert_str(ms_json_member(object, mastra_str_of("b")), "{\"a\":2}");
    assert_str(ms_json_member(object, mastra_str_of("c")), "3");
    assert_str(ms_json_member(object, mastra_str_of("")), "5");
    assert_str(ms_json_member(object, mastra_str_of("x\ny")), "6");
    assert_str(ms_json_member(object, mastra_str_of("\xc3\xa9")), "8");
    mastra_str with_nul = {"z\0z", 3};
    assert_str(ms_json_member(object, with_nul), "9");
    static const char *const missing[] = {"A", "aa", "ab", "x", "x\\ny", "z", "\\u0063", NULL};
    for (size_t i = 0; i < COUNT(missing); i++)
        assert_null(ms_json_member(object, mastra_str_of(missing[i])).ptr);
    static const char *const others[] = {NULL, "null", "[\"a\",1]", "\"a\"", "1", "{}"};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_null(ms_json_member(mastra_str_of(others[i]), mastra_str_of("a")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_inside_an_array),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_every_mutation_of_one_byte),
        cmocka_unit_test(test_inserted_and_removed_bytes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_depth_is_given_back),
        cmocka_unit_test(test_faults_say_where_and_why),
        cmocka_unit_test(test_the_value_is_trimmed),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_iterating),
        cmocka_unit_test(test_iterating_over_other_kinds),
        cmocka_unit_test(test_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
