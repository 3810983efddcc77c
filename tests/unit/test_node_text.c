/* The conversions of the Node.js addon between UTF-8 and UTF-16. */
#include "unit/base_support.h"

#include "base/utf8.h"
#include "bindings/node/native/text.h"

/* Every character, written by hand in both forms. */
static size_t write_utf16(uint32_t point, char16_t *units)
{
    if (point < 0x10000) {
        units[0] = (char16_t)point;
        return 1;
    }
    units[0] = (char16_t)(0xd800 + (point - 0x10000) / 0x400);
    units[1] = (char16_t)(0xdc00 + (point - 0x10000) % 0x400);
    return 2;
}

static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char16_t units[4] = {'<'};
        char16_t back[16];
        char text[16];
        size_t count = 0;
        if (point >= 0xd800 && point < 0xe000)
            continue;
        size_t given = 1 + write_utf16(point, units + 1);
        units[given++] = '>';
        size_t len = text_to_utf8(units, given, text);
        assert_true(ms_utf8_valid((mastra_str){text, len}));
        assert_int_equal(len, 2 + (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4));
        assert_true(text_to_utf16(text, len, back, &count));
        assert_int_equal(count, given);
        assert_memory_equal(back, units, given * sizeof *units);
        assert_int_equal(text_is_ascii(text, len), point < 0x80);
    }
}

static void test_lone_surrogates(void **state)
{
    (void)state;
    for (unsigned unit = 0xd800; unit < 0xe000; unit++) {
        char16_t units[] = {(char16_t)unit, 'x'};
        char text[8];
        assert_int_equal(text_to_utf8(units, 2, text), 4);
        assert_memory_equal(text, "\xef\xbf\xbdx", 4);
        assert_int_equal(text_to_utf8(units, 1, text), 3);
        assert_memory_equal(text, "\xef\xbf\xbd", 3);
    }
    static const char16_t reversed[] = {0xde00, 0xd83d, 0xd83d, 0xde00};
    char text[16];
    assert_int_equal(text_to_utf8(reversed, 4, text), 10);
    assert_memory_equal(text, "\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80", 10);
}

/* The library's own judge decides which short sequences are text. */
static void test_every_short_sequence(void **state)
{
    (void)state;
    static const unsigned char rest[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned first = 0; first < 0x10000; first++) {
        for (size_t last = 0; last < COUNT(rest) * COUNT(rest); last++) {
            unsigned char bytes[4] = {(unsigned char)(first >> 8), (unsigned char)first,
                                      rest[last / COUNT(rest)], rest[last % COUNT(rest)]};
            for (size_t len = 0; len <= 4; len++) {
                /* At the end of the array, so that sanitizers see every overrun. */
                char16_t units[4];
                size_t count;
                mastra_str text = {(const char *)bytes + 4 - len, len};
                assert_int_equal(text_to_utf16(text.ptr, len, units, &count), ms_utf8_valid(text));
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character),
        cmocka_unit_test(test_lone_surrogates),
        cmocka_unit_test(test_every_short_sequence),
    };

    return cmocka_run_group_tests_name("node_text", tests, NULL, NULL);
}
