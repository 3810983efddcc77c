/* Status codes, the error record and log lines. */
#include "unit/base_support.h"

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"

static void test_statuses(void **state)
{
    (void)state;
    assert_string_equal(mastra_status_name(MASTRA_OK), "ok");
    assert_string_equal(mastra_status_name(MASTRA_INVALID_ARGUMENT), "invalid_argument");
    assert_string_equal(mastra_status_text(MASTRA_NOT_FOUND), "not found");
    assert_int_equal(mastra_status_exit_code(MASTRA_OK), 0);
    assert_int_equal(mastra_status_exit_code(MASTRA_UNKNOWN_OUTCOME), 11);
    assert_int_equal(mastra_status_http(MASTRA_CONFLICT), 409);

    const mastra_status unknown[] = {(mastra_status)1, (mastra_status)-9999};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        assert_string_equal(mastra_status_name(unknown[i]), "unknown");
        assert_true(strlen(mastra_status_text(unknown[i])) > 0);
        assert_int_equal(mastra_status_exit_code(unknown[i]), 1);
        assert_int_equal(mastra_status_http(unknown[i]), 500);
    }
}

static void test_statuses_are_consistent(void **state)
{
    (void)state;
    static const int values[] = {
#define VALUE(name, value, lower, text, exit_code, http) value,
        MASTRA_STATUS_MAP(VALUE)
#undef VALUE
    };
    for (size_t i = 0; i < COUNT(values); i++) {
        mastra_status status = (mastra_status)values[i];
        assert_int_equal(values[i], -(int)i);
        assert_string_not_equal(mastra_status_name(status), "unknown");
        assert_int_equal(mastra_status_exit_code(status) == 0, status == MASTRA_OK);
        assert_int_equal(mastra_status_http(status) == 200, status == MASTRA_OK);
    }
}

static void fill(mastra_error *error)
{
    *error = (mastra_error)MASTRA_ERROR_INIT;
    error->backend_code = 5;
    error->retriable = true;
    ms_error_copy(error->operation, sizeof(error->operation), mastra_str_of("saveThread"));
    ms_error_copy(error->category, sizeof(error->category), mastra_str_of("USER"));
    ms_error_copy(error->id, sizeof(error->id), mastra_str_of("MASTRA_STORAGE_X"));
    ms_error_copy(error->field, sizeof(error->field), mastra_str_of("id"));
    ms_error_copy(error->value, sizeof(error->value), mastra_str_of("old"));
    ms_error_copy(error->backend, sizeof(error->backend), mastra_str_of("SQLITE_BUSY"));
    ms_error_copy(error->message, sizeof(error->message), mastra_str_of("old message"));
}

static void assert_detail_cleared(const mastra_error *error)
{
    assert_string_equal(error->operation, "saveThread");
    assert_string_equal(error->category, "USER");
    assert_string_equal(error->id, "MASTRA_STORAGE_X");
    assert_string_equal(error->backend, "");
    assert_int_equal(error->backend_code, 0);
    assert_false(error->retriable);
    assert_int_equal(error->size, sizeof(*error));
}

static void test_set(void **state)
{
    (void)state;
    mastra_error error;
    fill(&error);
    assert_int_equal(ms_error_set(&error, MASTRA_NOT_FOUND, "thread %s not found", "t1"), MASTRA_NOT_FOUND);
    assert_int_equal(error.status, MASTRA_NOT_FOUND);
    assert_string_equal(error.message, "thread t1 not found");
    assert_string_equal(error.field, "");
    assert_string_equal(error.value, "");
    assert_detail_cleared(&error);

    /* The message may quote the message that it replaces. */
    ms_error_set(&error, MASTRA_INTERNAL, "again: %s", error.message);
    assert_string_equal(error.message, "again: thread t1 not found");
}

static void test_null_records(void **state)
{
    (void)state;
    assert_int_equal(ms_error_set(NULL, MASTRA_BUSY, "x%d", 1), MASTRA_BUSY);
    assert_int_equal(ms_error_argument(NULL, "f", mastra_str_of("v"), "is bad"), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_error_oom(NULL), MASTRA_OUT_OF_MEMORY);
    mastra_error error;
    fill(&error);
    ms_error_export(NULL, &error);
    ms_error_export(&error, &error);
    assert_string_equal(error.message, "old message");
}

static void test_oom(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(ms_error_oom(&error), MASTRA_OUT_OF_MEMORY);
    assert_int_equal(error.status, MASTRA_OUT_OF_MEMORY);
    assert_string_equal(error.message, "out of memory");
}

static void test_argument(void **state)
{
    (void)state;
    mastra_error error;
    fill(&error);
    assert_int_equal(ms_error_argument(&error, "messages[2].role", mastra_str_of("boss"), "must be a role"),
                     MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.message, "messages[2].role must be a role, got \"boss\"");
    assert_string_equal(error.field, "messages[2].role");
    assert_string_equal(error.value, "boss");
    assert_detail_cleared(&error);

    ms_error_argument(&error, "id", mastra_str_of(NULL), "must not be empty");
    assert_string_equal(error.message, "id must not be empty");
    assert_string_equal(error.value, "");

    ms_error_argument(&error, "id", mastra_str_of(""), "must not be empty");
    assert_string_equal(error.message, "id must not be empty, got \"\"");
}

static void test_argument_with_an_awkward_value(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str value = {"a\nb\0c\x7f\xff!", 8};
    ms_error_argument(&error, "id", value, "is odd");
    assert_string_equal(error.value, "a b c ?!");
    assert_string_equal(error.message, "id is odd, got \"a b c ?!\"");

    char longish[200];
    memset(longish, 'x', sizeof(longish));
    value = exact_copy(longish, sizeof(longish));
    ms_error_argument(&error, "id", value, "is too long");
    assert_int_equal(strlen(error.value), sizeof(error.value) - 1);
    assert_string_equal(error.message + strlen(error.message) - 5, "x\"...");
    free_copy(value);
}

static void test_long_messages_end_with_a_whole_character(void **state)
{
    (void)state;
    char text[700];
    for (size_t pad = 0; pad < 8; pad++) {
        memset(text, 'x', pad);
        for (size_t at = pad; at + 3 < sizeof(text); at += 3)
            memcpy(text + at, "\xe2\x82\xac\0", 4);
        mastra_error error = MASTRA_ERROR_INIT;
        ms_error_set(&error, MASTRA_INTERNAL, "%s", text);
        size_t len = strlen(error.message);
        assert_in_range(len, sizeof(error.message) - 3, sizeof(error.message) - 1);
        assert_true(ms_utf8_valid(mastra_str_of(error.message)));
        assert_memory_equal(error.message, text, len);
    }
}

static void test_messages_are_valid_utf8(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    ms_error_set(&error, MASTRA_INTERNAL, "path %s", "/tmp/\xff\xc3_\xed\xa0\x80.db");
    assert_string_equal(error.message, "path /tmp/??_???.db");
}

static void test_copy(void **state)
{
    (void)state;
    char out[8];
    ms_error_copy(out, sizeof(out), mastra_str_of("1234567"));
    assert_string_equal(out, "1234567");
    ms_error_copy(out, sizeof(out), mastra_str_of("12345678"));
    assert_string_equal(out, "1234567");
    ms_error_copy(out, sizeof(out), mastra_str_of("12345\xf0\x9f\x98\x80"));
    assert_string_equal(out, "12345");
    ms_error_copy(out, sizeof(out), mastra_str_of(NULL));
    assert_string_equal(out, "");
    ms_error_copy(out, 1, mastra_str_of("x"));
    assert_string_equal(out, "");
    out[0] = 'z';
    ms_error_copy(out, 0, mastra_str_of("x"));
    assert_int_equal(out[0], 'z');
}

static void test_export_to_records_of_any_size(void **state)
{
    (void)state;
    mastra_error from;
    fill(&from);
    memset(from.operation, 'o', sizeof(from.operation) - 1);
    for (size_t size = 0; size <= sizeof(mastra_error); size++) {
        size_t room = size < sizeof(size_t) ? sizeof(size_t) : size;
        unsigned char *memory = malloc(room);
        assert_non_null(memory);
        memset(memory, 0, room);
        memcpy(memory, &size, sizeof(size));
        ms_error_export((mastra_error *)(void *)memory, &from);
        assert_memory_equal(memory, &size, sizeof(size));
        if (size > offsetof(mastra_error, operation))
            assert_int_equal(memory[size - 1], 0);
        free(memory);
    }
    mastra_error whole = MASTRA_ERROR_INIT;
    ms_error_export(&whole, &from);
    assert_string_equal(whole.message, "old message");
    assert_string_equal(whole.backend, "SQLITE_BUSY");
    assert_true(whole.retriable);
}

static void test_export_to_a_larger_record(void **state)
{
    (void)state;
    struct {
        mastra_error error;
        char later[16];
    } newer = {MASTRA_ERROR_INIT, "kept"};
    newer.error.size = sizeof(newer);
    ms_error_set(&newer.error, MASTRA_BUSY, "busy");
    assert_int_equal(newer.error.size, sizeof(newer));
    assert_string_equal(newer.error.message, "busy");
    assert_string_equal(newer.later, "kept");
}

struct heard {
    int lines;
    mastra_log_level level;
    char text[1024];
};

static void hear(void *user, mastra_log_level level, const char *text)
{
    struct heard *heard = user;
    heard->lines++;
    heard->level = level;
    snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static void test_log(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct ms_log log = {hear, &heard, MASTRA_LOG_WARNING};
    ms_log_write(NULL, MASTRA_LOG_ERROR, "x");
    ms_log_write(&(struct ms_log){0}, MASTRA_LOG_ERROR, "x");
    ms_log_write(&log, MASTRA_LOG_INFO, "x");
    assert_int_equal(heard.lines, 0);
    ms_log_write(&log, MASTRA_LOG_WARNING, "%d\nlines\r", 2);
    assert_int_equal(heard.lines, 1);
    assert_int_equal(heard.level, MASTRA_LOG_WARNING);
    assert_string_equal(heard.text, "2 lines ");
    ms_log_write(&log, MASTRA_LOG_ERROR, "%1000d", 1);
    assert_int_equal(strlen(heard.text), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_statuses_are_consistent),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_null_records),
        cmocka_unit_test(test_oom),
        cmocka_unit_test(test_argument),
        cmocka_unit_test(test_argument_with_an_awkward_value),
        cmocka_unit_test(test_long_messages_end_with_a_whole_character),
        cmocka_unit_test(test_messages_are_valid_utf8),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_export_to_records_of_any_size),
        cmocka_unit_test(test_export_to_a_larger_record),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
