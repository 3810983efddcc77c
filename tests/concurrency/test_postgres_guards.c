/* The advisory locks beside run locks: ours and a program that knows only the documented one keep each other out. */
#include "base/clock.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/pg_client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SESSIONS    "mastra-store run locks"
#define LONG_MS     600000
#define PATIENCE_NS INT64_C(120000000000)

struct place {
    struct postgres_server *server; /* of these tests alone: they count its sessions */
    const char *url;
    struct pg_conn *other; /* the program that knows only the documented lock */
    struct pg_test *test;
};

static struct place shared;

static const struct ms_guarded run = {
    .workflow_name = MASTRA_STR("w"), .run_id = MASTRA_STR("r"), .owner_id = MASTRA_STR("me")};

static int start(void **state)
{
    (void)state;
    shared.server = postgres_start(NULL);
    shared.url = postgres_fact(shared.server, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    postgres_end(shared.server);
    return 0;
}

static int begin(void **state)
{
    shared.other = postgres_connect(shared.url);
    shared.test = pg_test_open(shared.url, "");
    *state = &shared;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    pg_test_close(place->test);
    postgres_close(place->other);
    return 0;
}

/* The other program. */

static bool other_takes(struct pg_conn *other, const char *workflow, const char *id)
{
    char *sql = test_format("SELECT pg_try_advisory_lock(hashtext('%s' || ':' || '%s'))", workflow, id);
    char *answer = postgres_text(other, sql);
    bool taken = strcmp(answer, "t") == 0;
    free(answer);
    free(sql);
    return taken;
}

static void other_gives_back(struct pg_conn *other)
{
    postgres_run(other, "SELECT pg_advisory_unlock_all()");
}

/* Until it can be had, which the test has brought about. */
static void other_takes_at_last(struct pg_conn *other)
{
    int64_t begun_ns = ms_clock_monotonic_ns();
    while (!other_takes(other, "w", "r")) {
        if (ms_clock_monotonic_ns() - begun_ns > PATIENCE_NS)
            fail_msg("the lock is never free");
        ms_clock_sleep_us(5000);
    }
    other_gives_back(other);
}

/* Ours. */

static struct ms_guard *take(struct pg_test *test, const struct ms_guarded *which, bool expected)
{
    struct ms_guard *guard = NULL;
    bool held = !expected;
    if (pg_guard_ops.try_guard(&test->backend.base, which, &guard, &held, &test->error) != MASTRA_OK)
        fail_msg("%s", test->error.message);
    assert_int_equal(held, expected);
    assert_non_null(guard);
    return guard;
}

static void keep(struct pg_test *test, struct ms_guard *guard, int64_t generation, int64_t ttl_ms)
{
    pg_guard_ops.keep(&test->backend.base, guard, generation, ttl_ms);
}

static void renew(struct pg_test *test, int64_t ttl_ms)
{
    pg_guard_ops.renew(&test->backend.base, &run, ttl_ms);
}

static void release(struct pg_test *test)
{
    pg_guard_ops.release(&test->backend.base, &run);
}

static void end_our_session(const struct place *place)
{
    postgres_run(
        place->other,
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '" SESSIONS
        "'");
    pg_test_expect_sessions(place->other, SESSIONS, 0);
}

static void excludes_the_other(void **state)
{
    struct place *place = *state;
    struct ms_guard *guard = take(place->test, &run, true);
    assert_false(other_takes(place->other, "w", "r"));
    assert_true(other_takes(place->other, "w", "q"));
    keep(place->test, guard, 1, LONG_MS);
    assert_false(other_takes(place->other, "w", "r"));
    release(place->test);
    assert_true(other_takes(place->other, "w", "r"));
}

static void excluded_by_the_other(void **state)
{
    struct place *place = *state;
    assert_true(other_takes(place->other, "w", "r"));
    struct ms_guard *guard = take(place->test, &run, false);
    pg_guard_ops.drop(&place->test->backend.base, guard);
    other_gives_back(place->other);
    guard = take(place->test, &run, true);
    assert_false(other_takes(place->other, "w", "r"));
    pg_guard_ops.drop(&place->test->backend.base, guard);
    assert_true(other_takes(place->other, "w", "r"));
}

/* Names with whatever in them are hashed as the other hashes them. */
static void odd_names(void **state)
{
    struct place *place = *state;
    const struct ms_guarded odd = {.workflow_name = MASTRA_STR("a:\xc3\xa9%s\\"),
                                   .run_id = MASTRA_STR(":\xf0\x9f\x90\x98\n"),
                                   .owner_id = MASTRA_STR("x")};
    struct ms_guard *guard = take(place->test, &odd, true);
    assert_false(other_takes(place->other, "a:\xc3\xa9%s\\", ":\xf0\x9f\x90\x98\n"));
    pg_guard_ops.drop(&place->test->backend.base, guard);
    assert_true(other_takes(place->other, "a:\xc3\xa9%s\\", ":\xf0\x9f\x90\x98\n"));
}

/* A second try by the same store, which its lease refuses, does not undo the first. */
static void counted(void **state)
{
    struct place *place = *state;
    keep(place->test, take(place->test, &run, true), 1, LONG_MS);
    pg_guard_ops.drop(&place->test->backend.base, take(place->test, &run, true));
    assert_false(other_takes(place->other, "w", "r"));
    pg_guard_ops.drop(&place->test->backend.base, NULL);
    release(place->test);
    assert_true(other_takes(place->other, "w", "r"));
}

/* A fence of another generation or owner lets go nothing. */
static void released_by_its_own(void **state)
{
    struct place *place = *state;
    struct ms_guarded wrong = run;
    keep(place->test, take(place->test, &run, true), 2, LONG_MS);
    wrong.generation = 1;
    pg_guard_ops.release(&place->test->backend.base, &wrong);
    wrong.generation = 0;
    wrong.owner_id = mastra_str_of("you");
    pg_guard_ops.release(&place->test->backend.base, &wrong);
    assert_false(other_takes(place->other, "w", "r"));
    wrong = run;
    wrong.generation = 2;
    pg_guard_ops.release(&place->test->backend.base, &wrong);
    assert_true(other_takes(place->other, "w", "r"));
}

static void ends_with_the_lease(void **state)
{
    struct place *place = *state;
    keep(place->test, take(place->test, &run, true), 1, 100);
    other_takes_at_last(place->other);
    keep(place->test, take(place->test, &run, true), 2, 100);
    renew(place->test, LONG_MS);
    ms_clock_sleep_us(250000);
    assert_false(other_takes(place->other, "w", "r"));
    renew(place->test, 10);
    other_takes_at_last(place->other);
}

static void ends_with_the_store(void **state)
{
    struct place *place = *state;
    struct pg_test *test = pg_test_open(place->url, "");
    keep(test, take(test, &run, true), 1, LONG_MS);
    pg_test_close(test);
    other_takes_at_last(place->other);
}

static void lost_and_had_again(void **state)
{
    struct place *place = *state;
    keep(place->test, take(place->test, &run, true), 1, LONG_MS);
    end_our_session(place);
    assert_true(other_takes(place->other, "w", "r"));
    renew(place->test, LONG_MS);
    assert_non_null(strstr(place->test->all_log, "the advisory locks of 1 runs was lost"));
    assert_non_null(strstr(place->test->all_log, "another session holds its advisory lock"));
    assert_true(other_takes(place->other, "w", "r"));
    other_gives_back(place->other);
    renew(place->test, LONG_MS);
    assert_false(other_takes(place->other, "w", "r"));
    release(place->test);
    assert_true(other_takes(place->other, "w", "r"));
}

/* A lease without a guard, as after a restart of its owner, gets one when it is renewed. */
static void renewed_by_a_new_process(void **state)
{
    struct place *place = *state;
    renew(place->test, LONG_MS);
    assert_false(other_takes(place->other, "w", "r"));
    release(place->test);
    assert_true(other_takes(place->other, "w", "r"));
}

static void one_session_for_all(void **state)
{
    struct place *place = *state;
    struct ms_guard *guards[40];
    char ids[40][8];
    for (size_t i = 0; i < 40; i++) {
        snprintf(ids[i], sizeof(ids[i]), "r%zu", i);
        const struct ms_guarded many = {
            .workflow_name = MASTRA_STR("w"), .run_id = mastra_str_of(ids[i]), .owner_id = MASTRA_STR("me")};
        guards[i] = take(place->test, &many, true);
    }
    pg_test_expect_sessions(place->other, SESSIONS, 1);
    for (size_t i = 0; i < 40; i++) {
        assert_false(other_takes(place->other, "w", ids[i]));
        pg_guard_ops.drop(&place->test->backend.base, guards[i]);
        assert_true(other_takes(place->other, "w", ids[i]));
    }
}

static void closed_when_not_needed(void **state)
{
    struct place *place = *state;
    struct pg_test *test = pg_test_open(place->url, "&idleTimeoutMillis=50");
    keep(test, take(test, &run, true), 1, LONG_MS);
    ms_clock_sleep_us(200000);
    pg_test_expect_sessions(place->other, SESSIONS, 1);
    release(test);
    pg_test_expect_sessions(place->other, SESSIONS, 0);
    pg_guard_ops.drop(&test->backend.base, take(test, &run, true));
    pg_test_expect_sessions(place->other, SESSIONS, 0);
    pg_test_close(test);
}

/* The session's work is to be idle, whatever limit the role has. */
static void limit_on_idle_sessions(void **state)
{
    struct place *place = *state;
    struct pg_test *test = pg_test_open(place->url, "&options=-c%20idle_session_timeout%3D2000");
    keep(test, take(test, &run, true), 1, LONG_MS);
    ms_clock_sleep_us(2500000);
    assert_false(other_takes(place->other, "w", "r"));
    pg_test_close(test);
}

struct holder {
    const char *url;
    int pipe;
};

static void hold_for_ever(int index, void *arg)
{
    const struct holder *holder = arg;
    struct pg_test *test = pg_test_open(holder->url, "");
    (void)index;
    keep(test, take(test, &run, true), 1, LONG_MS);
    if (write(holder->pipe, "x", 1) == 1)
        pause();
}

static void killed_holder(void **state)
{
    struct place *place = *state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    struct holder holder = {.url = place->url, .pipe = ends[1]};
    pid_t child = crew_fork(hold_for_ever, 0, &holder);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_false(other_takes(place->other, "w", "r"));
    pg_guard_ops.drop(&place->test->backend.base, take(place->test, &run, false));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    other_takes_at_last(place->other);
    close(ends[0]);
    close(ends[1]);
}

static void restarted_server(void **state)
{
    struct place *place = *state;
    struct ms_guard *guard = NULL;
    bool held = true;
    keep(place->test, take(place->test, &run, true), 1, LONG_MS);
    postgres_do(place->server, "kill");
    assert_int_equal(
        pg_guard_ops.try_guard(&place->test->backend.base, &run, &guard, &held, &place->test->error),
        MASTRA_UNAVAILABLE);
    assert_true(place->test->error.retriable);
    assert_null(guard);
    renew(place->test, LONG_MS);
    assert_non_null(strstr(place->test->all_log, "could not be asked for"));
    postgres_do(place->server, "start");
    postgres_close(place->other);
    place->other = postgres_connect(place->url);
    renew(place->test, LONG_MS);
    assert_false(other_takes(place->other, "w", "r"));
    release(place->test);
    assert_true(other_takes(place->other, "w", "r"));
}

static void none_behind_a_pooler(void **state)
{
    struct place *place = *state;
    struct pg_test *test = pg_test_open(place->url, "&pooler=transaction");
    struct ms_guard *guard = NULL;
    bool held = false;
    assert_true(other_takes(place->other, "w", "r"));
    assert_int_equal(pg_guard_ops.try_guard(&test->backend.base, &run, &guard, &held, &test->error),
                     MASTRA_OK);
    assert_true(held);
    assert_null(guard);
    keep(test, guard, 1, LONG_MS);
    renew(test, LONG_MS);
    release(test);
    pg_guard_ops.drop(&test->backend.base, guard);
    pg_test_expect_sessions(place->other, SESSIONS, 0);
    pg_test_close(test);
}

/* Many threads at once, each with runs of its own and one that all want. */
static void churn(int index, void *arg)
{
    struct pg_test *test = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    char id[16];
    snprintf(id, sizeof(id), "r%d", index);
    for (int i = 0; i < 30; i++) {
        const struct ms_guarded mine = {.workflow_name = MASTRA_STR("churn"),
                                        .run_id = mastra_str_of(i % 2 ? id : "all"),
                                        .owner_id = mastra_str_of(id)};
        struct ms_guard *guard = NULL;
        bool held = false;
        if (pg_guard_ops.try_guard(&test->backend.base, &mine, &guard, &held, &error) != MASTRA_OK || !held)
            crew_fail("%s", error.message);
        if (i % 3) {
            pg_guard_ops.keep(&test->backend.base, guard, i, i % 5 ? LONG_MS : 1);
            pg_guard_ops.renew(&test->backend.base, &mine, LONG_MS);
            pg_guard_ops.release(&test->backend.base, &mine);
        } else {
            pg_guard_ops.drop(&test->backend.base, guard);
        }
    }
}

static long count_locks(struct pg_conn *other)
{
    char *text = postgres_text(other, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'");
    long count = strtol(text, NULL, 10);
    free(text);
    return count;
}

static void used_by_threads(void **state)
{
    struct place *place = *state;
    crew_run(6, churn, place->test);
    crew_check();
    /* Those whose time ran out go by and by. */
    int64_t begun_ns = ms_clock_monotonic_ns();
    while (count_locks(place->other) > 0) {
        if (ms_clock_monotonic_ns() - begun_ns > PATIENCE_NS)
            fail_msg("a lock is never given back");
        ms_clock_sleep_us(5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(excludes_the_other, begin, end),
        cmocka_unit_test_setup_teardown(excluded_by_the_other, begin, end),
        cmocka_unit_test_setup_teardown(odd_names, begin, end),
        cmocka_unit_test_setup_teardown(counted, begin, end),
        cmocka_unit_test_setup_teardown(released_by_its_own, begin, end),
        cmocka_unit_test_setup_teardown(ends_with_the_lease, begin, end),
        cmocka_unit_test_setup_teardown(ends_with_the_store, begin, end),
        cmocka_unit_test_setup_teardown(lost_and_had_again, begin, end),
        cmocka_unit_test_setup_teardown(renewed_by_a_new_process, begin, end),
        cmocka_unit_test_setup_teardown(one_session_for_all, begin, end),
        cmocka_unit_test_setup_teardown(closed_when_not_needed, begin, end),
        cmocka_unit_test_setup_teardown(limit_on_idle_sessions, begin, end),
        cmocka_unit_test_setup_teardown(killed_holder, begin, end),
        cmocka_unit_test_setup_teardown(restarted_server, begin, end),
        cmocka_unit_test_setup_teardown(none_behind_a_pooler, begin, end),
        cmocka_unit_test_setup_teardown(used_by_threads, begin, end),
    };
    return cmocka_run_group_tests_name("postgres_guards", tests, start, stop);
}
