#include "unit/base_support.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"

/* What Date gives under Node.js 20 with TZ=UTC. */
static void test_forms_that_javascript_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mastra_time time;
        const char *iso;
    } cases[] = {
        {"2024-01-01", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-12", INT64_C(1733011200000), "2024-12-01T00:00:00.000Z"},
        {"2024-01-01T00:00", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01T00:00Z", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01 00:00:01", INT64_C(1704067201000), "2024-01-01T00:00:01.000Z"},
        {"2024-01-01 00:00:01Z", INT64_C(1704067201000), "2024-01-01T00:00:01.000Z"},
        {"2024-01-01T00:00:01.5Z", INT64_C(1704067201500), "2024-01-01T00:00:01.500Z"},
        {"2024-01-01T00:00:01.55Z", INT64_C(1704067201550), "2024-01-01T00:00:01.550Z"},
        {"2024-01-01T00:00:01.5555Z", INT64_C(1704067201555), "2024-01-01T00:00:01.555Z"},
        {"2024-01-01T00:00:01.000Z", INT64_C(1704067201000), "2024-01-01T00:00:01.000Z"},
        {"2024-01-01T24:00:00Z", INT64_C(1704153600000), "2024-01-02T00:00:00.000Z"},
        {"2024-01-01T24:00Z", INT64_C(1704153600000), "2024-01-02T00:00:00.000Z"},
        {"2024-01-01T24:00:00.000Z", INT64_C(1704153600000), "2024-01-02T00:00:00.000Z"},
        {"2024-01-01 24:00", INT64_C(1704153600000), "2024-01-02T00:00:00.000Z"},
        {"2024-12-31T24:00:00Z", INT64_C(1735689600000), "2025-01-01T00:00:00.000Z"},
        {"2024-02-29", INT64_C(1709164800000), "2024-02-29T00:00:00.000Z"},
        {"2024-02-30", INT64_C(1709251200000), "2024-03-01T00:00:00.000Z"},
        {"2024-02-30T00:00:00Z", INT64_C(1709251200000), "2024-03-01T00:00:00.000Z"},
        {"2023-02-29", INT64_C(1677628800000), "2023-03-01T00:00:00.000Z"},
        {"2023-02-29T00:00:00Z", INT64_C(1677628800000), "2023-03-01T00:00:00.000Z"},
        {"2024-02-31T00:00:00Z", INT64_C(1709337600000), "2024-03-02T00:00:00.000Z"},
        {"2024-04-31T00:00:00Z", INT64_C(1714521600000), "2024-05-01T00:00:00.000Z"},
        {"2024-06-31 00:00", INT64_C(1719792000000), "2024-07-01T00:00:00.000Z"},
        {"1900-02-29T00:00Z", INT64_C(-2203891200000), "1900-03-01T00:00:00.000Z"},
        {"2000-02-29T00:00Z", INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {"2024-01-01T00:00:00+01:00", INT64_C(1704063600000), "2023-12-31T23:00:00.000Z"},
        {"2024-01-01T00:00:00-01:00", INT64_C(1704070800000), "2024-01-01T01:00:00.000Z"},
        {"2024-01-01T00:00:00+0100", INT64_C(1704063600000), "2023-12-31T23:00:00.000Z"},
        {"2024-01-01T00:00:00-00:00", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01T00:00:00+23:59", INT64_C(1703980860000), "2023-12-31T00:01:00.000Z"},
        {"2024-01-01T00:00:00-23:59", INT64_C(1704153540000), "2024-01-01T23:59:00.000Z"},
        {"2024-01-01T24:00:00+01:00", INT64_C(1704150000000), "2024-01-01T23:00:00.000Z"},
        {"2024-01-01t00:00:00z", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01T00:00:00z", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01-01 00:00:01+01", INT64_C(1704063601000), "2023-12-31T23:00:01.000Z"},
        {"2024-01-01 00:00:01-05", INT64_C(1704085201000), "2024-01-01T05:00:01.000Z"},
        {"2024-01-01 00:00:01+0100", INT64_C(1704063601000), "2023-12-31T23:00:01.000Z"},
        {"2024-01-01 00:00:01.123456+00", INT64_C(1704067201123), "2024-01-01T00:00:01.123Z"},
        {"2024-01-01 00:00:01.123456+05:30", INT64_C(1704047401123), "2023-12-31T18:30:01.123Z"},
        {"+012345-01-01T00:00:00Z", INT64_C(327403382400000), "+012345-01-01T00:00:00.000Z"},
        {"+012345", INT64_C(327403382400000), "+012345-01-01T00:00:00.000Z"},
        {"+012345-02", INT64_C(327406060800000), "+012345-02-01T00:00:00.000Z"},
        {"-000001-01-01T00:00:00Z", INT64_C(-62198755200000), "-000001-01-01T00:00:00.000Z"},
        {"-000001", INT64_C(-62198755200000), "-000001-01-01T00:00:00.000Z"},
        {"+000000-01-01T00:00:00Z", INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
        {"+275760-09-13T00:00:00.000Z", INT64_C(8640000000000000), "+275760-09-13T00:00:00.000Z"},
        {"+275760-09-13", INT64_C(8640000000000000), "+275760-09-13T00:00:00.000Z"},
        {"+275760-09-13T01:00+01:00", INT64_C(8640000000000000), "+275760-09-13T00:00:00.000Z"},
        {"-271821-04-20T00:00:00Z", INT64_C(-8640000000000000), "-271821-04-20T00:00:00.000Z"},
        {"2024-01-01T00:00:00.9999999999999999999999Z", INT64_C(1704067200999), "2024-01-01T00:00:00.999Z"},
        {"2024-01-01T00:00:00.1", INT64_C(1704067200100), "2024-01-01T00:00:00.100Z"},
        {"2024-01-01T12:59:59.999", INT64_C(1704113999999), "2024-01-01T12:59:59.999Z"},
        {"0000-01-01", INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
        {"0001-01-01", INT64_C(-62135596800000), "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.999Z", INT64_C(-1), "1969-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.9999Z", INT64_C(-1), "1969-12-31T23:59:59.999Z"},
        {"1970-01-01T00:00:00.000Z", INT64_C(0), "1970-01-01T00:00:00.000Z"},
        {"1600-03-01", INT64_C(-11670912000000), "1600-03-01T00:00:00.000Z"},
        {"1582-10-15", INT64_C(-12219292800000), "1582-10-15T00:00:00.000Z"},
        {"2024T00:00", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},
        {"2024-01T00:00Z", INT64_C(1704067200000), "2024-01-01T00:00:00.000Z"},

    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_str text = exact_copy(cases[i].text, strlen(cases[i].text));
        mastra_time time = 42;
        if (!ms_time_parse(text, &time) || time != cases[i].time)
            fail_msg("%s gives %lld", cases[i].text, (long long)time);
        char iso[MS_ISO_SIZE];
        assert_int_equal(ms_time_format(time, iso), strlen(cases[i].iso));
        assert_string_equal(iso, cases[i].iso);
        free_copy(text);
    }
}

static void assert_refused(const char *ptr, size_t len)
{
    mastra_str text = exact_copy(ptr, len);
    mastra_time time = 42;
    if (ms_time_parse(text, &time))
        fail_msg("\"%.*s\" was accepted", (int)len, ptr);
    assert_int_equal(time, 42);
    free_copy(text);
}

static void test_forms_that_javascript_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "2024-01-01T24:00:01Z",
        "2024-01-01T24:01Z",
        "2024-01-01T24:00:00.001Z",
        "2024-01-01T23:59:60Z",
        "2024-02-32",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-01-32T00:00Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+23:60",
        "2024-01-01T00",
        "2024-01-01T00Z",
        "2024-01-01T",
        "2024-01-01+01:00",
        "2024-01-01T00:00:00 +01:00",
        "2024-01-01T00:00:00 Z",
        "2024-01-01T00:00:00+1:00",
        "2024-01-01T00:00:00+100",
        "2024-01-01T00:00:00+",
        "2024-01-01T00:00:00+0",
        "2024-01-01T00:00:00+00:",
        "2024-01-01T00:00:00+00:0",
        "2024-01-01T00:00:00.000+00:00:00",
        "2024-01-01T00:00Z ",
        "2024-01-01T00:00ZZ",
        "-000000-01-01T00:00:00Z",
        "-000000",
        "+275760-09-13T00:00:00.001Z",
        "+275760-09-13T00:00-00:01",
        "+275760-09-14",
        "-271821-04-19T23:59:59.999Z",
        "-271821-04-20T00:00+00:01",
        "+999999-12-31T23:59:59.999Z",
        "-999999-01-01",
        "2024-01-01T1:00:00",
        "2024-01-01T00:0:00",
        "2024-01-01T00:00:0",
        "2024-01-01T00:00:",
        "2024-01-01T00:",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00.",
        "2024-01-01T00:00.5Z",
        "2024-01-01T12:60",
        "2024-01-01T25:00",
        "20240101",
        "",
        "x",
        "2024-01-01x",
        "2024-01-1T00:00Z",
        ("2024-01-01T00:00:00\xe2\x88\x92"
         "01:00"),
        "2024-01-01T00:00:60",
        "2024-W01-1",
        "T00:00Z",
        "2024-01-01TT00:00Z",
        "2024-01-01T-1:00Z",
        "2024-01-01T00:00:00.-1Z",
        "2024-01-01T00:00:00--1:00",
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i], strlen(cases[i]));
    assert_refused("2024-01-01\0", 11);
    assert_refused("2024-01-01\0T00:00Z", 18);
    mastra_time time = 42;
    assert_false(ms_time_parse(mastra_str_of(NULL), &time));
}

/* Node.js reads these through a parser of its own that takes nearly anything; they are not ISO 8601. */
static void test_forms_that_only_the_old_parser_of_javascript_reads(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "202",           "2024-",
        "2024-1",        "2024-01-",
        "2024-001",      "2024-1-1",
        " 2024-01-01",   "2024-01-01 ",
        "2024-01-01Z",   "2024-01-01  00:00",
        "-0001-01-01",   "2024-01-01 00:00:01 UTC",
        "+12345-01-01",  "January 1, 2024",
        "1704067200000", "2024/01/01",
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i], strlen(cases[i]));
}

/* PostgreSQL prints zones of whole hours in this way. */
static void test_short_zones(void **state)
{
    (void)state;
    mastra_time time;
    assert_true(ms_time_parse(mastra_str_of("2024-01-01T00:00:00+01"), &time));
    assert_int_equal(time, INT64_C(1704063600000));
    assert_true(ms_time_parse(mastra_str_of("2024-01-01 00:00-01"), &time));
    assert_int_equal(time, INT64_C(1704070800000));
}

static void test_zones_of_the_process_do_not_matter(void **state)
{
    (void)state;
    mastra_time time;
    setenv("TZ", "Asia/Kolkata", 1);
    tzset();
    assert_true(ms_time_parse(mastra_str_of("2024-01-01T00:00:00"), &time));
    assert_int_equal(time, INT64_C(1704067200000));
    unsetenv("TZ");
    tzset();
}

static void test_validity(void **state)
{
    (void)state;
    assert_true(ms_time_valid(0));
    assert_true(ms_time_valid(INT64_C(8640000000000000)));
    assert_true(ms_time_valid(INT64_C(-8640000000000000)));
    assert_false(ms_time_valid(INT64_C(8640000000000001)));
    assert_false(ms_time_valid(INT64_C(-8640000000000001)));
    assert_false(ms_time_valid(MASTRA_TIME_NONE));
    assert_false(ms_time_valid(INT64_MAX));
}

static void assert_round_trip(mastra_time time)
{
    char iso[MS_ISO_SIZE];
    memset(iso, 'x', sizeof(iso));
    size_t len = ms_time_format(time, iso);
    assert_int_equal(strlen(iso), len);
    assert_true(len == 24 || len == 27);
    mastra_time back = 42;
    if (!ms_time_parse(mastra_str_of(iso), &back) || back != time)
        fail_msg("%lld prints as %s, which reads as %lld", (long long)time, iso, (long long)back);
}

static void test_random_times_come_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = noise(&seed);
        int64_t range = i % 2 ? INT64_C(8640000000000000) : INT64_C(100000000000000);
        assert_round_trip((int64_t)(bits % (uint64_t)(2 * range + 1)) - range);
    }
    assert_round_trip(INT64_C(8640000000000000));
    assert_round_trip(INT64_C(-8640000000000000));
}

/* The calendar against the C library's, on every day of some centuries. */
static void test_days_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -200000; day <= 200000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        char expected[80];
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT00:00:00.000Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
        char iso[MS_ISO_SIZE];
        ms_time_format(day * 86400000, iso);
        assert_string_equal(iso, expected);
        assert_round_trip(day * 86400000 - 1);
    }
}

static void test_prefixes_and_mutations_stay_in_bounds(void **state)
{
    (void)state;
    static const char *const samples[] = {
        "2024-01-01T00:00:01.123Z",
        "+012345-06-07 08:09:10.111213-05:30",
        "-000001-12-31T24:00:00.000+0000",
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        size_t len = strlen(samples[i]);
        for (size_t cut = 0; cut <= len; cut++) {
            mastra_str text = exact_copy(samples[i], cut);
            mastra_time time = 0;
            if (ms_time_parse(text, &time))
                assert_true(ms_time_valid(time));
            free_copy(text);
        }
        for (size_t at = 0; at < len; at++) {
            mastra_str text = exact_copy(samples[i], len);
            for (int byte = 0; byte < 256; byte++) {
                ((char *)(uintptr_t)text.ptr)[at] = (char)byte;
                mastra_time time = 0;
                if (ms_time_parse(text, &time))
                    assert_true(ms_time_valid(time));
            }
            free_copy(text);
        }
    }
}

static void test_now(void **state)
{
    (void)state;
    mastra_time before = (mastra_time)time(NULL) * 1000;
    mastra_time now = ms_clock_now();
    mastra_time after = ((mastra_time)time(NULL) + 1) * 1000;
    /* time() may lag behind by a tick of the kernel's coarse clock. */
    assert_true(now >= before && now <= after + 1000);
}

static void test_the_monotonic_clock(void **state)
{
    (void)state;
    int64_t last = ms_clock_monotonic_ns();
    for (int i = 0; i < 10000; i++) {
        int64_t next = ms_clock_monotonic_ns();
        assert_true(next >= last);
        last = next;
    }
}

static void ignore_signal(int number)
{
    (void)number;
}

/* Never shorter than asked for, even when signals come in between. */
static void test_sleeping(void **state)
{
    (void)state;
    ms_clock_sleep_us(0);
    ms_clock_sleep_us(-5);
    struct sigaction action = {.sa_handler = ignore_signal};
    struct sigaction old;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    const struct itimerval often = {{0, 1000}, {0, 1000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    int64_t start = ms_clock_monotonic_ns();
    ms_clock_sleep_us(20000);
    int64_t slept = ms_clock_monotonic_ns() - start;
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &old, NULL);
    assert_true(slept >= INT64_C(20000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_that_javascript_reads),
        cmocka_unit_test(test_forms_that_javascript_refuses),
        cmocka_unit_test(test_forms_that_only_the_old_parser_of_javascript_reads),
        cmocka_unit_test(test_short_zones),
        cmocka_unit_test(test_zones_of_the_process_do_not_matter),
        cmocka_unit_test(test_validity),
        cmocka_unit_test(test_random_times_come_back),
        cmocka_unit_test(test_days_agree_with_the_c_library),
        cmocka_unit_test(test_prefixes_and_mutations_stay_in_bounds),
        cmocka_unit_test(test_now),
        cmocka_unit_test(test_the_monotonic_clock),
        cmocka_unit_test(test_sleeping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
