#include "unit/buffer_fixture.h"

#include <locale.h>
#include <math.h>

#include "base/json.h"

static void assert_written(struct fixture *fixture, const char *ptr, size_t len, const char *expected)
{
    mastra_str text = exact_copy(ptr, len);
    ms_buf_clear(&fixture->buf);
    ms_json_put_string(&fixture->buf, text);
    assert_str(ms_buf_view(&fixture->buf), expected);
    free_copy(text);
}

static void test_strings(void **state)
{
    struct fixture *fixture = *state;
    assert_written(fixture, "", 0, "\"\"");
    assert_written(fixture, "plain", 5, "\"plain\"");
    assert_written(fixture, "longer than eight", 17, "\"longer than eight\"");
    assert_written(fixture, "\"\\/", 3, "\"\\\"\\\\/\"");
    assert_written(fixture, "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    assert_written(fixture, "a\0b", 3, "\"a\\u0000b\"");
    assert_written(fixture, "\x01\x0b\x1f\x7f", 4, "\"\\u0001\\u000b\\u001f\x7f\"");
    assert_written(fixture, "\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80", 12,
                   "\"\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80\"");
    assert_written(fixture, "1234567\"", 8, "\"1234567\\\"\"");
    assert_written(fixture, "12345678\"9", 10, "\"12345678\\\"9\"");
    assert_written(fixture, "\n12345678901234567890\n", 22, "\"\\n12345678901234567890\\n\"");
    ms_buf_clear(&fixture->buf);
    ms_json_put_string(&fixture->buf, mastra_str_of(NULL));
    assert_str(ms_buf_view(&fixture->buf), "\"\"");
}

static void test_every_ascii_character_at_every_offset(void **state)
{
    struct fixture *fixture = *state;
    for (int c = 0; c < 128; c++) {
        char expected[8];
        const char *shorts = "\b\f\n\r\t\"\\";
        const char *found = c ? strchr(shorts, c) : NULL;
        if (found)
            snprintf(expected, sizeof(expected), "\\%c", "bfnrt\"\\"[found - shorts]);
        else if (c < 0x20)
            snprintf(expected, sizeof(expected), "\\u%04x", (unsigned)c);
        else
            snprintf(expected, sizeof(expected), "%c", c);
        for (size_t at = 0; at < 20; at++) {
            char text[20], whole[64];
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            snprintf(whole, sizeof(whole), "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxxx", expected,
                     (int)(19 - at), "xxxxxxxxxxxxxxxxxxxx");
            assert_written(fixture, text, sizeof(text), whole);
        }
    }
}

/* What is written reads back as itself. */
static void test_random_strings(void **state)
{
    struct fixture *fixture = *state;
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        char text[40], back[40];
        size_t len = (size_t)(noise(&seed) % (sizeof(text) + 1));
        for (size_t k = 0; k < len; k++)
            text[k] = (char)(noise(&seed) % 128);
        ms_buf_clear(&fixture->buf);
        mastra_str copy = exact_copy(text, len), raw;
        ms_json_put_string(&fixture->buf, copy);
        free_copy(copy);
        assert_true(ms_json_check(ms_buf_view(&fixture->buf), &raw, NULL));
        assert_int_equal(ms_json_string_length(raw), len);
        assert_int_equal(ms_json_unescape(raw, back, NULL), len);
        assert_memory_equal(back, text, len);
    }
}

static void test_scalars(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    ms_buf_add_char(buf, '{');
    ms_json_put_key(buf, "createdAt");
    ms_json_put_int(buf, INT64_MIN);
    ms_buf_add_char(buf, ',');
    ms_json_put_key(buf, "b");
    ms_json_put_bool(buf, true);
    ms_json_put_bool(buf, false);
    ms_json_put_double(buf, 0.5);
    ms_json_put_double(buf, (double)NAN);
    ms_json_put_double(buf, (double)INFINITY);
    ms_json_put_double(buf, -(double)INFINITY);
    assert_str(ms_buf_view(buf), "{\"createdAt\":-9223372036854775808,\"b\":truefalse0.5nullnullnull");
}

/* doubles.txt: the bits of a double and what String(x) gives for it in JavaScript. */
static void format_doubles(void)
{
    char line[128];
    FILE *file = open_data("json/doubles.txt");
    size_t count = 0;
    while (fgets(line, sizeof(line), file)) {
        char *expected;
        uint64_t bits = strtoull(line, &expected, 16);
        expected++;
        expected[strcspn(expected, "\n")] = '\0';
        double value;
        memcpy(&value, &bits, sizeof(value));
        char out[MS_JSON_DOUBLE_SIZE];
        memset(out, 'x', sizeof(out));
        assert_int_equal(ms_json_format_double(value, out), strlen(expected));
        assert_string_equal(out, expected);
        mastra_str number = {out, strlen(out)};
        assert_true(ms_json_double(number) == value);
        count++;
    }
    fclose(file);
    assert_true(count > 2000);
}

static void test_doubles(void **state)
{
    (void)state;
    format_doubles();
}

static void test_doubles_in_a_locale_with_commas(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C"};
    for (size_t i = 0; i < COUNT(names) && !setlocale(LC_ALL, names[i]); i++)
        continue;
    format_doubles();
    setlocale(LC_ALL, "C");
}

static void test_random_doubles_read_back(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int i = 0; i < 50000; i++) {
        uint64_t bits = noise(&seed);
        double value, back;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        char out[MS_JSON_DOUBLE_SIZE];
        mastra_str number = {out, ms_json_format_double(value, out)};
        assert_true(ms_json_check(number, NULL, NULL));
        back = ms_json_double(number);
        assert_true(back == value);
    }
}

static void write_everything(struct ms_buf *buf)
{
    for (int i = 0; i < 50; i++) {
        ms_json_put_key(buf, "key");
        ms_json_put_string(buf, mastra_str_of("a \"quoted\"\ntext with \x01 in it"));
        ms_json_put_int(buf, i);
        ms_json_put_double(buf, i / 3.0);
        ms_json_put_bool(buf, true);
    }
}

static void test_each_allocation_fails_in_turn(void **state)
{
    struct fixture *fixture = *state;
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        fixture->memory.fail_at = fixture->memory.calls + n;
        write_everything(&fixture->buf);
        mastra_status failed = fixture->buf.failed;
        ms_buf_release(&fixture->buf);
        if (failed == MASTRA_OK)
            break;
        assert_int_equal(failed, MASTRA_OUT_OF_MEMORY);
        failures++;
    }
    assert_in_range(failures, 5, 20);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_strings),
        TEST(test_every_ascii_character_at_every_offset),
        TEST(test_random_strings),
        TEST(test_scalars),
        TEST(test_doubles),
        TEST(test_doubles_in_a_locale_with_commas),
        TEST(test_random_doubles_read_back),
        TEST(test_each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
