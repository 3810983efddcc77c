#include "unit/base_support.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

static void test_bytes_fill_exactly(void **state)
{
    (void)state;
    bool seen[16] = {false};
    for (int round = 0; round < 200; round++) {
        unsigned char bytes[18] = {0};
        assert_true(ms_random_bytes(bytes + 1, 16));
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[17], 0);
        for (size_t i = 0; i < 16; i++)
            seen[i] |= bytes[i + 1] != 0;
    }
    for (size_t i = 0; i < 16; i++)
        assert_true(seen[i]);
    assert_true(ms_random_bytes(NULL, 0));
}

/* getrandom gives at most 32 MB at once. */
static void test_many_bytes(void **state)
{
    (void)state;
    size_t len = (size_t)34 << 20;
    unsigned char *bytes = calloc(len, 1);
    assert_non_null(bytes);
    assert_true(ms_random_bytes(bytes, len));
    static const unsigned char zeros[32];
    assert_memory_not_equal(bytes + len - sizeof(zeros), zeros, sizeof(zeros));
    free(bytes);
}

static int compare_uuids(const void *a, const void *b)
{
    return memcmp(a, b, MS_UUID_LEN + 1);
}

static void test_uuids(void **state)
{
    (void)state;
    enum { UUIDS = 5000 };
    char(*uuids)[MS_UUID_LEN + 1] = calloc(UUIDS, sizeof(*uuids));
    assert_non_null(uuids);
    for (size_t i = 0; i < UUIDS; i++) {
        assert_true(ms_uuid_v4(uuids[i]));
        assert_int_equal(strlen(uuids[i]), MS_UUID_LEN);
        for (size_t k = 0; k < MS_UUID_LEN; k++) {
            bool dash = k == 8 || k == 13 || k == 18 || k == 23;
            assert_non_null(strchr(dash ? "-" : "0123456789abcdef", uuids[i][k]));
        }
        assert_int_equal(uuids[i][14], '4');
        assert_non_null(strchr("89ab", uuids[i][19]));
    }
    qsort(uuids, UUIDS, sizeof(*uuids), compare_uuids);
    for (size_t i = 1; i < UUIDS; i++)
        assert_memory_not_equal(uuids[i - 1], uuids[i], MS_UUID_LEN);
    free(uuids);
}

static void test_below(void **state)
{
    (void)state;
    assert_int_equal(ms_random_below(0), 0);
    assert_int_equal(ms_random_below(1), 0);
    int counts[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = ms_random_below(7);
        assert_in_range(value, 0, 6);
        counts[value]++;
    }
    /* 1,000 are expected; 700 is ten standard deviations away. */
    for (size_t i = 0; i < COUNT(counts); i++)
        assert_in_range(counts[i], 700, 1300);

    uint64_t high = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t value = ms_random_below(UINT64_MAX);
        assert_true(value < UINT64_MAX);
        high |= value;
        assert_true(ms_random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
    assert_true(high >> 63);
}

static void test_a_fork_does_not_repeat(void **state)
{
    (void)state;
    uint64_t own[4], childs[4];
    int ends[2];
    ms_random_below(100);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    for (size_t i = 0; i < COUNT(own); i++)
        own[i] = ms_random_below(UINT64_MAX);
    if (child == 0)
        _exit(write(ends[1], own, sizeof(own)) == (ssize_t)sizeof(own) ? 0 : 1);
    assert_int_equal(read(ends[0], childs, sizeof(childs)), sizeof(childs));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_memory_not_equal(own, childs, sizeof(own));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_fill_exactly),
        cmocka_unit_test(test_many_bytes),
        cmocka_unit_test(test_uuids),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_a_fork_does_not_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
