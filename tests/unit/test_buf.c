#include "unit/buffer_fixture.h"

#include "base/buf.h"

static void test_nothing_is_allocated_before_use(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(fixture->memory.calls, 1);
    assert_str(ms_buf_view(&fixture->buf), "");
    ms_buf_clear(&fixture->buf);
    assert_int_equal(fixture->memory.calls, 1);
}

static void test_appending(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    ms_buf_add(buf, "ab", 2);
    ms_buf_add(buf, NULL, 0);
    ms_buf_add_str(buf, mastra_str_of("cd"));
    ms_buf_add_str(buf, mastra_str_of(NULL));
    ms_buf_add_text(buf, "ef");
    ms_buf_add_char(buf, 'g');
    ms_buf_add_char(buf, '\0');
    ms_buf_printf(buf, "<%s %d>", "h", 7);
    assert_int_equal(buf->len, 13);
    assert_memory_equal(buf->ptr, "abcdefg\0<h 7>", 14);
    assert_int_equal(buf->failed, MASTRA_OK);
}

static void test_integers(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {9, "9"},
        {10, "10"},
        {-100, "-100"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ms_buf_clear(&fixture->buf);
        ms_buf_add_int(&fixture->buf, cases[i].value);
        assert_str(ms_buf_view(&fixture->buf), cases[i].text);
    }
}

static void test_growing_keeps_the_content(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    for (int i = 0; i < 100000; i++) {
        ms_buf_add_char(buf, (char)('a' + i % 26));
        assert_int_equal(buf->ptr[buf->len], 0);
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf->ptr[i], 'a' + i % 26);
    assert_in_range(fixture->memory.calls, 5, 30);
}

static void test_printf_longer_than_the_room(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    for (int width = 50; width < 80; width++) {
        ms_buf_release(buf);
        ms_buf_add_text(buf, "x");
        ms_buf_printf(buf, "%*d", width, 42);
        assert_int_equal(buf->len, width + 1);
        assert_int_equal(strlen(buf->ptr), width + 1);
        assert_memory_equal(buf->ptr + buf->len - 3, " 42", 4);
    }
    ms_buf_printf(buf, "%s", "");
    ms_buf_printf(buf, "%5000s|", "y");
    assert_int_equal(buf->len, 80 + 5001);
}

static void test_the_ceiling(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf buf;
    ms_buf_init(&buf, fixture->heap, 10);
    ms_buf_add_text(&buf, "0123456789");
    assert_int_equal(buf.failed, MASTRA_OK);
    assert_int_equal(buf.cap, 11);
    ms_buf_add_char(&buf, 'x');
    assert_int_equal(buf.failed, MASTRA_LIMIT_EXCEEDED);
    assert_str(ms_buf_view(&buf), "0123456789");

    /* A failure stays, even for what would fit. */
    ms_buf_add(&buf, "", 0);
    ms_buf_printf(&buf, "%s", "");
    assert_false(ms_buf_reserve(&buf, 0));
    assert_null(ms_buf_take(&buf, NULL));

    ms_buf_clear(&buf);
    assert_int_equal(buf.failed, MASTRA_OK);
    ms_buf_printf(&buf, "%s", "123456789");
    ms_buf_printf(&buf, "%s", "12");
    assert_int_equal(buf.failed, MASTRA_LIMIT_EXCEEDED);
    assert_str(ms_buf_view(&buf), "123456789");
    ms_buf_release(&buf);
    assert_int_equal(buf.max, 10);
}

static void test_sizes_do_not_overflow(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf buf;
    ms_buf_init(&buf, fixture->heap, SIZE_MAX);
    ms_buf_add_text(&buf, "x");
    assert_false(ms_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.failed, MASTRA_LIMIT_EXCEEDED);
    ms_buf_clear(&buf);
    assert_false(ms_buf_reserve(&buf, SIZE_MAX - 1));
    ms_buf_release(&buf);
    ms_buf_init(&buf, fixture->heap, 0);
    assert_int_equal(buf.max, MS_BUF_MAX);
    assert_false(ms_buf_reserve(&buf, MS_BUF_MAX + 1));
    ms_buf_release(&buf);
}

static void test_reserving(void **state)
{
    struct fixture *fixture = *state;
    assert_true(ms_buf_reserve(&fixture->buf, 5000));
    size_t calls = fixture->memory.calls;
    for (int i = 0; i < 5000; i++)
        ms_buf_add_char(&fixture->buf, 'x');
    assert_int_equal(fixture->memory.calls, calls);
}

static void test_taking(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    size_t len = 99;
    char *content = ms_buf_take(buf, &len);
    assert_string_equal(content, "");
    assert_int_equal(len, 0);
    ms_heap_release(fixture->heap, content);

    ms_buf_add_text(buf, "abc");
    content = ms_buf_take(buf, &len);
    assert_string_equal(content, "abc");
    assert_int_equal(len, 3);
    assert_int_equal(buf->len, 0);
    ms_buf_add_text(buf, "next");
    assert_string_equal(content, "abc");
    assert_str(ms_buf_view(buf), "next");
    ms_heap_release(fixture->heap, content);
}

static bool use_buf(struct ms_buf *buf)
{
    for (int i = 0; i < 300; i++) {
        ms_buf_add_text(buf, "text");
        ms_buf_add_char(buf, ' ');
        ms_buf_add_int(buf, i);
        ms_buf_printf(buf, "%d %s", i, "text that may need room of its own");
    }
    return buf->failed == MASTRA_OK;
}

static void test_each_allocation_fails_in_turn(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf *buf = &fixture->buf;
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        fixture->memory.fail_at = fixture->memory.calls + n;
        bool ok = use_buf(buf);
        size_t len = buf->len;
        char *content = ms_buf_take(buf, NULL);
        assert_int_equal(ok, content != NULL);
        if (content)
            assert_int_equal(strlen(content), len);
        ms_heap_release(fixture->heap, content);
        if (ok)
            break;
        assert_int_equal(buf->failed, MASTRA_OUT_OF_MEMORY);
        assert_int_equal(strlen(ms_buf_view(buf).ptr), buf->len);
        ms_buf_release(buf);
        failures++;
    }
    assert_in_range(failures, 5, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_allocated_before_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_appending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_growing_keeps_the_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_printf_longer_than_the_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_ceiling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes_do_not_overflow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reserving, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_taking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_allocation_fails_in_turn, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
