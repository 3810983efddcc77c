/* Which queued calls may run together. */
#include "store/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TASKS 12

/* Calls by their keys: "ab-a" is one of a, one of b, a barrier, another of a. */
struct fixture {
    struct ms_lanes lanes;
    struct ms_task tasks[TASKS];
    char taken[TASKS * 2 + 1];
};

static void submit(struct fixture *fixture, const char *keys)
{
    memset(fixture, 0, sizeof(*fixture));
    for (size_t i = 0; keys[i]; i++) {
        if (keys[i] != '-')
            fixture->tasks[i].order = (mastra_str){keys + i, 1};
        ms_lanes_add(&fixture->lanes, &fixture->tasks[i]);
    }
}

/* The numbers of all that may run now. */
static const char *take_all(struct fixture *fixture)
{
    struct ms_task *task;
    size_t len = 0;
    while ((task = ms_lanes_take(&fixture->lanes)) != NULL)
        len += (size_t)snprintf(fixture->taken + len, sizeof(fixture->taken) - len, "%d",
                                (int)(task - fixture->tasks));
    fixture->taken[len] = '\0';
    return fixture->taken;
}

static void end(struct fixture *fixture, size_t number)
{
    ms_lanes_done(&fixture->lanes, &fixture->tasks[number]);
}

static void test_keys_run_side_by_side(void **state)
{
    struct fixture fixture;
    (void)state;
    submit(&fixture, "abc");
    assert_string_equal(take_all(&fixture), "012");
}

static void test_one_key_keeps_its_order(void **state)
{
    struct fixture fixture;
    (void)state;
    submit(&fixture, "aabaa");
    assert_string_equal(take_all(&fixture), "02");
    end(&fixture, 0);
    assert_string_equal(take_all(&fixture), "1");
    end(&fixture, 2);
    assert_string_equal(take_all(&fixture), "");
    end(&fixture, 1);
    assert_string_equal(take_all(&fixture), "3");
    end(&fixture, 3);
    assert_string_equal(take_all(&fixture), "4");
    assert_false(ms_lanes_empty(&fixture.lanes));
    end(&fixture, 4);
    assert_true(ms_lanes_empty(&fixture.lanes));
}

static void test_a_key_that_comes_again(void **state)
{
    struct fixture fixture;
    struct ms_task late = {.order = {"a", 1}};
    (void)state;
    submit(&fixture, "a");
    assert_string_equal(take_all(&fixture), "0");
    end(&fixture, 0);
    ms_lanes_add(&fixture.lanes, &late);
    assert_ptr_equal(ms_lanes_take(&fixture.lanes), &late);
}

static void test_a_barrier_waits_and_holds_back(void **state)
{
    struct fixture fixture;
    (void)state;
    submit(&fixture, "ab-ac-");
    assert_string_equal(take_all(&fixture), "01");
    end(&fixture, 1);
    assert_string_equal(take_all(&fixture), "");
    end(&fixture, 0);
    assert_string_equal(take_all(&fixture), "2");
    end(&fixture, 2);
    assert_string_equal(take_all(&fixture), "34");
    end(&fixture, 3);
    end(&fixture, 4);
    assert_string_equal(take_all(&fixture), "5");
}

static void test_a_barrier_waits_for_those_behind_others(void **state)
{
    struct fixture fixture;
    (void)state;
    submit(&fixture, "aa-");
    assert_string_equal(take_all(&fixture), "0");
    end(&fixture, 0);
    assert_string_equal(take_all(&fixture), "1");
    end(&fixture, 1);
    assert_string_equal(take_all(&fixture), "2");
}

/* More keys than the table has places: several share one. */
static void test_many_keys(void **state)
{
    static struct ms_task tasks[3 * MS_LANE_BUCKETS][2];
    static char keys[3 * MS_LANE_BUCKETS][8];
    static struct ms_lanes lanes;
    struct ms_task *task;
    size_t count = 0;
    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3 * MS_LANE_BUCKETS; i++) {
            int len = snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
            tasks[i][round].order = (mastra_str){keys[i], (size_t)len};
            ms_lanes_add(&lanes, &tasks[i][round]);
        }
    }
    while ((task = ms_lanes_take(&lanes)) != NULL) {
        size_t at = (size_t)(task - &tasks[0][0]);
        assert_int_equal(at % 2, count >= 3 * MS_LANE_BUCKETS);
        count++;
        if (count == 3 * MS_LANE_BUCKETS) {
            for (size_t i = 0; i < 3 * MS_LANE_BUCKETS; i++)
                ms_lanes_done(&lanes, &tasks[3 * MS_LANE_BUCKETS - 1 - i][0]);
        }
    }
    assert_int_equal(count, 6 * MS_LANE_BUCKETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_run_side_by_side),
        cmocka_unit_test(test_one_key_keeps_its_order),
        cmocka_unit_test(test_a_key_that_comes_again),
        cmocka_unit_test(test_a_barrier_waits_and_holds_back),
        cmocka_unit_test(test_a_barrier_waits_for_those_behind_others),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
