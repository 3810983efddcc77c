#include "unit/base_support.h"

#include "base/utf8.h"

/* The rule itself, slowly: decode, then ask whether this was the shortest form of a permitted code point. */
static bool valid_by_definition(const unsigned char *ptr, size_t len)
{
    for (size_t at = 0; at < len;) {
        unsigned char lead = ptr[at++];
        if (lead < 0x80)
            continue;
        int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        uint32_t point = lead & (0x3fu >> more);
        if (lead < 0xc0 || lead >= 0xf8)
            return false;
        for (int i = 0; i < more; i++, at++) {
            if (at == len || (ptr[at] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (ptr[at] & 0x3fu);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
    }
    return true;
}

static void test_every_short_sequence(void **state)
{
    (void)state;
    static const unsigned char seconds[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    unsigned char bytes[4];
    for (unsigned lead = 0; lead < 256; lead++) {
        bytes[0] = (unsigned char)lead;
        for (unsigned second = 0; second < 256; second++) {
            bytes[1] = (unsigned char)second;
            for (size_t rest = 0; rest < COUNT(seconds) * COUNT(seconds); rest++) {
                bytes[2] = seconds[rest % COUNT(seconds)];
                bytes[3] = seconds[rest / COUNT(seconds)];
                for (size_t len = 1; len <= 4; len++) {
                    size_t valid = ms_utf8_valid_prefix((const char *)bytes, len);
                    if ((valid == len) != valid_by_definition(bytes, len) ||
                        !valid_by_definition(bytes, valid))
                        fail_msg("%02x %02x %02x %02x, %zu bytes", bytes[0], bytes[1], bytes[2], bytes[3],
                                 len);
                }
            }
        }
    }
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0x80; point <= 0x1fffff; point++) {
        char bytes[4];
        size_t len = 0;
        if (point >= 0x10000) {
            bytes[len++] = (char)(0xf0 | point >> 18);
            bytes[len++] = (char)(0x80 | (point >> 12 & 0x3f));
        } else if (point >= 0x800) {
            bytes[len++] = (char)(0xe0 | point >> 12);
        } else {
            bytes[len++] = (char)(0xc0 | point >> 6);
        }
        if (point >= 0x800)
            bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
        bytes[len++] = (char)(0x80 | (point & 0x3f));
        bool surrogate = point >= 0xd800 && point < 0xe000;
        mastra_str text = {bytes, len};
        if (ms_utf8_valid(text) != (point <= 0x10ffff && !surrogate))
            fail_msg("U+%04X", point);
    }
}

/* A fault at each place of a text, with the fast steps before and after it. */
static void test_faults_at_every_offset(void **state)
{
    (void)state;
    static const char *const faults[] = {"\x80",         "\xc0\xaf",         "\xe2\x82",
                                         "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};
    for (size_t k = 0; k < COUNT(faults); k++) {
        size_t fault_len = strlen(faults[k]);
        for (size_t before = 0; before < 40; before++) {
            for (size_t after = 0; after < 12; after++) {
                char text[64];
                memset(text, 'a', sizeof(text));
                memcpy(text + before, faults[k], fault_len);
                mastra_str copy = exact_copy(text, before + fault_len + after);
                assert_int_equal(ms_utf8_valid_prefix(copy.ptr, copy.len), before);
                assert_false(ms_utf8_valid(copy));
                free_copy(copy);
            }
        }
    }
}

static void test_valid_texts(void **state)
{
    (void)state;
    static const char text[] = "plain, \xc3\xa4\xc3\xb6\xc3\xbc, \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e, "
                               "\xf0\x9f\x98\x80\xf0\x9f\x98\x80 and plain again, for long enough";
    mastra_str whole = {text, sizeof(text) - 1};
    assert_true(ms_utf8_valid(whole));
    assert_true(ms_utf8_valid(mastra_str_of("")));
    assert_true(ms_utf8_valid(mastra_str_of(NULL)));
    mastra_str with_nul = {"a\0b", 3};
    assert_true(ms_utf8_valid(with_nul));
    for (size_t len = 0; len < whole.len; len++) {
        mastra_str prefix = exact_copy(text, len);
        size_t valid = ms_utf8_valid_prefix(prefix.ptr, len);
        assert_int_equal(valid, ms_utf8_cut(text, whole.len, len));
        free_copy(prefix);
    }
}

static void test_cut(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"; /* characters begin at 0 1 3 6 10 */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t max = 0; max < COUNT(expected); max++)
        assert_int_equal(ms_utf8_cut(text, sizeof(text) - 1, max), expected[max]);
    assert_int_equal(ms_utf8_cut("", 0, 5), 0);
    assert_int_equal(ms_utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
    assert_int_equal(ms_utf8_cut("\x80\x80\x80", 3, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_faults_at_every_offset),
        cmocka_unit_test(test_valid_texts),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
