/* Lower-casing against what a JavaScript engine gave: every character alone, and sigmas in their surroundings. */
#include "base_support.h"

#include "base/json.h"
#include "base/lowercase.h"

#define FILE_MOST 65536
#define TEXT_MOST 256

static char *read_data(size_t *ret_len)
{
    FILE *file = open_data("dynamodb/js-lowercase.json");
    char *text = malloc(FILE_MOST);

    assert_non_null(text);
    *ret_len = fread(text, 1, FILE_MOST, file);
    assert_true(*ret_len > 0 && *ret_len < FILE_MOST);
    fclose(file);
    return text;
}

/* "0391 03a3" or "10400": hexadecimal units of UTF-16, or a character beyond them, to JSON and from there to UTF-8. */
static mastra_str utf8_of(mastra_str units, char out[TEXT_MOST])
{
    char json[4 * TEXT_MOST];
    size_t len = 0;
    const char *at = units.ptr + 1;
    const char *last = units.ptr + units.len - 1;

    json[len++] = '"';
    while (at < last) {
        char *next;
        unsigned long point = strtoul(at, &next, 16);

        if (point >= 0x10000) {
            len += (size_t)snprintf(json + len, sizeof(json) - len, "\\u%04lx", 0xd7c0 + (point >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        len += (size_t)snprintf(json + len, sizeof(json) - len, "\\u%04lx", point);
        at = next + 1;
    }
    json[len++] = '"';
    return (mastra_str){out, ms_json_unescape((mastra_str){json, len}, out, NULL)};
}

static void check(mastra_str in, mastra_str expected)
{
    char upper[TEXT_MOST];
    char wanted[TEXT_MOST];
    char made[TEXT_MOST];
    mastra_str text = utf8_of(in, upper);
    mastra_str lower = utf8_of(expected, wanted);
    mastra_str exact = exact_copy(text.ptr, text.len);
    size_t len = ms_lowercase(exact, made);

    free_copy(exact);
    assert_true(len <= MS_LOWERCASE_ROOM(text.len));
    if (len != lower.len || memcmp(made, lower.ptr, len) != 0)
        fail_msg("%.*s gives %.*s, not %.*s", (int)text.len, text.ptr, (int)len, made, (int)lower.len,
                 lower.ptr);
}

static void every_character(void **state)
{
    size_t len;
    char *file = read_data(&len);
    mastra_str all;
    mastra_str pair;
    struct ms_json_iter iter;
    size_t count = 0;

    (void)state;
    assert_true(ms_json_check((mastra_str){file, len}, &all, NULL));
    ms_json_iter_init(&iter, ms_json_member(all, mastra_str_of("codePoints")));
    while (ms_json_next(&iter, NULL, &pair)) {
        struct ms_json_iter sides;
        mastra_str upper;
        mastra_str lower;

        ms_json_iter_init(&sides, pair);
        assert_true(ms_json_next(&sides, NULL, &upper));
        assert_true(ms_json_next(&sides, NULL, &lower));
        check(upper, lower);
        count++;
    }
    assert_int_equal(count, 1488);
    free(file);
}

static void sigmas(void **state)
{
    size_t len;
    char *file = read_data(&len);
    mastra_str all;
    mastra_str item;
    struct ms_json_iter iter;
    size_t count = 0;

    (void)state;
    assert_true(ms_json_check((mastra_str){file, len}, &all, NULL));
    ms_json_iter_init(&iter, ms_json_member(all, mastra_str_of("strings")));
    while (ms_json_next(&iter, NULL, &item)) {
        check(ms_json_member(item, mastra_str_of("in")), ms_json_member(item, mastra_str_of("out")));
        count++;
    }
    assert_true(count > 20);
    free(file);
}

/* What no table mentions stays: all other characters. */
static void others_stay(void **state)
{
    static const char *const texts[] = {"",
                                        "abc \t\n#$_0",
                                        "\xc3\x9f",
                                        "\xe6\x97\xa5\xe6\x9c\xac",
                                        "\xf0\x9f\x99\x82",
                                        "\xcf\x82\xcf\x83",
                                        "e\xcc\x81"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char made[64];
        size_t len = ms_lowercase(mastra_str_of(texts[i]), made);

        assert_int_equal(len, strlen(texts[i]));
        assert_memory_equal(made, texts[i], len);
    }
}

/* The beginning that is steady must be what every longer text's lower case begins with. */
static void steady(void **state)
{
    static const char *const starts[] = {"A\xce\xa3",  "A\xce\xa3.", "A\xce\xa3\xcc\x81\xce\xa3",
                                         "ABC",        "\xce\xa3#",  "A\xce\xa3 B",
                                         "A-\xce\xa3'"};
    static const char *const ends[] = {"", "A", ".A", " A", "#", "'\xce\xa3", "1"};

    (void)state;
    for (size_t i = 0; i < COUNT(starts); i++) {
        mastra_str start = {starts[i], ms_lowercase_steady(mastra_str_of(starts[i]))};
        char beginning[64];
        size_t len = ms_lowercase(start, beginning);

        for (size_t k = 0; k < COUNT(ends); k++) {
            char text[64];
            char made[64];
            int whole = snprintf(text, sizeof(text), "%s%s", starts[i], ends[k]);

            assert_true(ms_lowercase((mastra_str){text, (size_t)whole}, made) >= len);
            assert_memory_equal(made, beginning, len);
        }
    }
    assert_int_equal(ms_lowercase_steady(mastra_str_of("ABC")), 3);
    assert_int_equal(ms_lowercase_steady(mastra_str_of("A\xce\xa3")), 1);
    assert_int_equal(ms_lowercase_steady(mastra_str_of("A\xce\xa3 B")), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character),
        cmocka_unit_test(sigmas),
        cmocka_unit_test(others_stay),
        cmocka_unit_test(steady),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
