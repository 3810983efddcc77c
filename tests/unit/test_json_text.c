#include "unit/base_support.h"

#include <locale.h>
#include <math.h>

#include "base/json_internal.h"
#include "base/utf8.h"

struct string_case {
    const char *raw;
    const char *text;
    size_t len;
    bool nul;
    bool lone;
};

#define STRING(raw, text, nul, lone)                                                                         \
    {                                                                                                        \
        raw, text, sizeof(text) - 1, nul, lone                                                               \
    }
#define PLAIN(raw, text) STRING(raw, text, false, false)
#define REPLACEMENT      "\xef\xbf\xbd"

static const struct string_case strings[] = {
    PLAIN("\"\"", ""),
    PLAIN("\"a\"", "a"),
    PLAIN("\"plain text of some length\"", "plain text of some length"),
    PLAIN("\"\\\"\\\\\\/\"", "\"\\/"),
    PLAIN("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t"),
    PLAIN("\"a\\nb\"", "a\nb"),
    PLAIN("\"\\na\"", "\na"),
    PLAIN("\"a\\n\"", "a\n"),
    PLAIN("\"\\\\n\"", "\\n"),
    PLAIN("\"\\\\u0041\"", "\\u0041"),
    PLAIN("\"\\u0041\"", "A"),
    PLAIN("\"\\u004a\\u004A\"", "JJ"),
    PLAIN("\"\\u007f\"", "\x7f"),
    PLAIN("\"\\u0080\"", "\xc2\x80"),
    PLAIN("\"\\u07ff\"", "\xdf\xbf"),
    PLAIN("\"\\u0800\"", "\xe0\xa0\x80"),
    PLAIN("\"\\ud7ff\"", "\xed\x9f\xbf"),
    PLAIN("\"\\ue000\"", "\xee\x80\x80"),
    PLAIN("\"\\uffff\"", "\xef\xbf\xbf"),
    PLAIN("\"\\uFFFD\"", REPLACEMENT),
    PLAIN("\"\\ud800\\udc00\"", "\xf0\x90\x80\x80"),
    PLAIN("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"),
    PLAIN("\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf"),
    PLAIN("\"x\\ud83d\\ude00y\"", "x\xf0\x9f\x98\x80y"),
    PLAIN("\"\xc3\xa9\\u00e9\"", "\xc3\xa9\xc3\xa9"),
    PLAIN("\"\xf0\x9f\x98\x80\\n\"", "\xf0\x9f\x98\x80\n"),
    STRING("\"\\u0000\"", "\0", true, false),
    STRING("\"a\\u0000b\"", "a\0b", true, false),
    STRING("\"\\ud800\"", REPLACEMENT, false, true),
    STRING("\"\\udfff\"", REPLACEMENT, false, true),
    STRING("\"\\ud800x\"", REPLACEMENT "x", false, true),
    STRING("\"\\ud800\\n\"", REPLACEMENT "\n", false, true),
    STRING("\"\\ud800\\\\u\"", REPLACEMENT "\\u", false, true),
    STRING("\"\\ud800\\u0041\"", REPLACEMENT "A", false, true),
    STRING("\"\\udc00\\ud800\"", REPLACEMENT REPLACEMENT, false, true),
    STRING("\"\\ud800\\ud800\\udc00\"", REPLACEMENT "\xf0\x90\x80\x80", false, true),
    STRING("\"\\ud800\\u0000\"", REPLACEMENT "\0", true, true),
    STRING("\"\\udbff\\ue000\"", REPLACEMENT "\xee\x80\x80", false, true),
};

static void test_unescaping(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        const struct string_case *c = &strings[i];
        mastra_str raw = exact_copy(c->raw, strlen(c->raw));
        assert_true(ms_json_check(raw, NULL, NULL));
        assert_int_equal(ms_json_string_length(raw), c->len);

        char *out = malloc(c->len ? c->len : 1);
        assert_non_null(out);
        struct ms_json_string_facts facts = {!c->nul, !c->lone};
        assert_int_equal(ms_json_unescape(raw, out, &facts), c->len);
        assert_memory_equal(out, c->text, c->len);
        assert_int_equal(facts.has_nul, c->nul);
        assert_int_equal(facts.has_lone_surrogate, c->lone);
        assert_int_equal(ms_utf8_valid_prefix(out, c->len), c->len);
        assert_int_equal(ms_json_unescape(raw, out, NULL), c->len);
        free(out);
        free_copy(raw);
    }
}

static void test_unescaping_into_an_arena(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    mastra_str text;
    struct ms_json_string_facts facts;
    for (size_t i = 0; i < COUNT(strings); i++) {
        assert_true(ms_json_unescape_arena(mastra_str_of(strings[i].raw), arena, &text, &facts));
        assert_int_equal(text.len, strings[i].len);
        assert_memory_equal(text.ptr, strings[i].text, strings[i].len + 1);
        assert_int_equal(facts.has_nul, strings[i].nul);
    }
    mastra_str raw = mastra_str_of("\"x\"");
    assert_true(ms_json_unescape_arena(raw, arena, &text, NULL));
    assert_ptr_not_equal(text.ptr, raw.ptr + 1);

    char long_raw[5000];
    memset(long_raw, 'x', sizeof(long_raw));
    long_raw[0] = long_raw[sizeof(long_raw) - 1] = '"';
    mastra_str long_text = {long_raw, sizeof(long_raw)};
    memory.fail_at = memory.calls + 1;
    assert_false(ms_json_unescape_arena(long_text, arena, &text, NULL));
    assert_str(text, "x");
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_strings_against_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(strings); i++) {
        mastra_str raw = exact_copy(strings[i].raw, strlen(strings[i].raw));
        for (size_t k = 0; k < COUNT(strings); k++) {
            mastra_str text = exact_copy(strings[k].text, strings[k].len);
            bool same = strings[i].len == strings[k].len &&
                        memcmp(strings[i].text, strings[k].text, strings[i].len) == 0;
            assert_int_equal(ms_json_string_equals(raw, text), same);
            if (text.len) {
                text.len--;
                if (same)
                    assert_false(ms_json_string_equals(raw, text));
            }
            free_copy(text);
        }
        assert_false(ms_json_string_equals(raw, mastra_str_of(NULL)));
        free_copy(raw);
    }
}

static void test_strings_against_strings(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } pairs[] = {
        {"\"\"", "\"\"", true},
        {"\"a\"", "\"b\"", false},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"\\n\"", "\"\\u000a\"", true},
        {"\"\\u00E9\"", "\"\\u00e9\"", true},
        {"\"\\u00e9\"", "\"\xc3\xa9\"", true},
        {"\"\\/\"", "\"/\"", true},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", true},
        {"\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", true},
        {"\"\\ud83d\\ude00\"", "\"\\ud83d\\ude01\"", false},
        {"\"\\ud800\"", "\"\\uD800\"", true},
        {"\"\\ud800\"", "\"\\ud801\"", false},
        {"\"\\ud800\"", "\"\\ufffd\"", false},
        {"\"\\ud800\"", "\"" REPLACEMENT "\"", false},
        {"\"\\u0000\"", "\"\"", false},
        {"\"\\u0000\"", "\"\\u0000\\u0000\"", false},
        {"\"ab\\n\"", "\"ab\"", false},
        {"\"ab\"", "\"ab\\n\"", false},
        {"\"ab\\ncd\"", "\"ab\\u000Acd\"", true},
        {"\"ab\\ncd\"", "\"ab\\u000Ace\"", false},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        mastra_str a = exact_copy(pairs[i].a, strlen(pairs[i].a));
        mastra_str b = exact_copy(pairs[i].b, strlen(pairs[i].b));
        if (ms_json_string_same(a, b) != pairs[i].same || ms_json_string_same(b, a) != pairs[i].same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
        assert_true(ms_json_string_same(a, a));
        free_copy(a);
        free_copy(b);
    }
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *number;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"0.000", 0},
        {"-0e9", 0},
        {"0e99999999999999999999", 0},
        {"5", 5},
        {"-5", -5},
        {"5.0", 5},
        {"5e0", 5},
        {"50e-1", 5},
        {"0.5e1", 5},
        {"0.0005E+4", 5},
        {"1e18", INT64_C(1000000000000000000)},
        {"9e18", INT64_C(9000000000000000000)},
        {"12.50e1", 125},
        {"9007199254740993", INT64_C(9007199254740993)},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775807.000", INT64_MAX},
        {"92233720368547758070e-1", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"-9.223372036854775808e18", INT64_MIN},
        {"1000000000000000000000000000000e-30", 1},
        {"0.000000000000000000000000000001e30", 1},
        {"10e00000000000000000000000000000", 10},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_str number = exact_copy(cases[i].number, strlen(cases[i].number));
        int64_t value = 42;
        if (!ms_json_int(number, &value) || value != cases[i].value)
            fail_msg("%s gives %lld", cases[i].number, (long long)value);
        free_copy(number);
    }
    static const char *const refused[] = {
        "0.5",
        "-0.1",
        "1.5",
        "1e-1",
        "12e-3",
        "9223372036854775808",
        "-9223372036854775809",
        "9223372036854775807.5",
        "9999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551621",
        "1e19",
        "1e20",
        "1e400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "1e9223372036854775807",
        "1e-9223372036854775808",
        "1e18446744073709551616",
        "5e-324",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        int64_t value = 42;
        if (ms_json_int(mastra_str_of(refused[i]), &value))
            fail_msg("%s gives %lld", refused[i], (long long)value);
        assert_int_equal(value, 42);
    }
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* decimals.txt: the bits of a double and a number that JavaScript reads as it. */
static void read_decimals(void)
{
    static char line[4096];
    FILE *file = open_data("json/decimals.txt");
    size_t count = 0;
    while (fgets(line, sizeof(line), file)) {
        char *text;
        uint64_t bits = strtoull(line, &text, 16);
        mastra_str number = exact_copy(text + 1, strcspn(text + 1, "\n"));
        assert_true(ms_json_check(number, NULL, NULL));
        double value = ms_json_double(number);
        if (bits_of(value) != bits)
            fail_msg("%.80s gives %a", text + 1, value);
        free_copy(number);
        count++;
    }
    fclose(file);
    assert_true(count > 200);
}

static void test_doubles(void **state)
{
    (void)state;
    read_decimals();
}

static void test_doubles_in_a_locale_with_commas(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C"};
    for (size_t i = 0; i < COUNT(names) && !setlocale(LC_ALL, names[i]); i++)
        continue;
    read_decimals();
    setlocale(LC_ALL, "C");
}

/* What printf writes with 17 digits reads back as itself. */
static void test_random_doubles(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = noise(&seed);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        char text[64];
        int len = snprintf(text, sizeof(text), "%.16e", value);
        mastra_str number = {text, (size_t)len};
        assert_true(bits_of(ms_json_double(number)) == bits);
    }
}

/* The short way must round as the long one does. */
static void test_short_decimals(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int i = 0; i < 100000; i++) {
        uint64_t random = noise(&seed);
        char text[64];
        int len =
            snprintf(text, sizeof(text), "%llu.%03lluE%d", (unsigned long long)(random >> (20 + i % 40)),
                     (unsigned long long)(random % 1000), (int)(random >> 8 & 63) - 32);
        mastra_str number = {text, (size_t)len};
        assert_true(bits_of(ms_json_double(number)) == bits_of(strtod(text, NULL)));
    }
}

static void test_equal_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } pairs[] = {
        {"1", "1.0", true},
        {"1", "1e0", true},
        {"1", "10e-1", true},
        {"1", "0.1e1", true},
        {"100", "1e2", true},
        {"100", "1E+2", true},
        {"100", "0.0001e6", true},
        {"1.50", "15e-1", true},
        {"1.05", "105e-2", true},
        {"1.05", "1.50", false},
        {"12.5", "125", false},
        {"1", "-1", false},
        {"1", "2", false},
        {"12", "123", false},
        {"0", "-0", true},
        {"0", "0.000", true},
        {"0e5", "-0E-999999999999999999999999", true},
        {"0", "1e-400", false},
        {"0", "1e-99999999999999999999", false},
        {"9007199254740993", "9007199254740992", false},
        {"0.1", "0.10000000000000000001", false},
        {"0.1000000000000000055511151231257827", "0.1", false},
        {"1e400", "1e401", false},
        {"1e400", "10e399", true},
        {"1e400", "-1e400", false},
        {"1e99999999999999999999", "1e99999999999999999999", true},
        {"1e99999999999999999999", "10e99999999999999999998", true},
        {"1e99999999999999999999", "1e99999999999999999998", false},
        {"1e99999999999999999999", "1e999999999999999999999", false},
        {"1e100000000000000000000", "10e99999999999999999999", true},
        {"1e-100000000000000000000", "0.1e-99999999999999999999", true},
        {"1e-100000000000000000000", "10e-99999999999999999999", false},
        {"1e99999999999999999999", "1e-99999999999999999999", false},
        {"1e18446744073709551617", "1e1", false},
        {"1e18446744073709551616", "1", false},
        {"1e340282366920938463463374607431768211457", "1e1", false},
        {"1e00000000000000000000001", "10", true},
        {"1e-0", "1e+0", true},
        {"5e-1", "0.5", true},
        {"5e1", "5e-1", false},
        {"123456789012345678901234567890", "1.2345678901234567890123456789e29", true},
        {"123456789012345678901234567890", "1.23456789012345678901234567891e29", false},
        {"0.00000000000000000000000000001", "1e-29", true},
        {"100000000000000000000000000000", "1e29", true},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        mastra_str a = exact_copy(pairs[i].a, strlen(pairs[i].a));
        mastra_str b = exact_copy(pairs[i].b, strlen(pairs[i].b));
        if (ms_json_number_same(a, b) != pairs[i].same || ms_json_number_same(b, a) != pairs[i].same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
        assert_true(ms_json_number_same(a, a));
        free_copy(a);
        free_copy(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unescaping),
        cmocka_unit_test(test_unescaping_into_an_arena),
        cmocka_unit_test(test_strings_against_texts),
        cmocka_unit_test(test_strings_against_strings),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_doubles_in_a_locale_with_commas),
        cmocka_unit_test(test_random_doubles),
        cmocka_unit_test(test_short_decimals),
        cmocka_unit_test(test_equal_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
