/* Run locks of stores on PostgreSQL beside programs that know only the documented advisory lock. */
#include "base/clock.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/postgres.h"

#include <mastra/mastra.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS     600000
#define PATIENCE_NS INT64_C(120000000000)

struct place {
    char *url;
    char *schema;
    struct pg_conn *other; /* the program that knows only the documented lock */
    mastra_store *store;
    char log[4096];
};

static void take_log(void *user, mastra_log_level level, const char *text)
{
    struct place *place = user;
    size_t len = strlen(place->log);
    (void)level;
    snprintf(place->log + len, sizeof(place->log) - len, "%s\n", text);
}

static mastra_store *open_store(struct place *place, const char *more)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    char *url = test_format("%s%s", place->url, more);
    options.log = take_log;
    options.log_user = place;
    options.log_level = MASTRA_LOG_WARNING;
    if (mastra_open(url, &options, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return store;
}

static int begin(void **state)
{
    struct postgres_server *server = postgres_wanted();
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->schema = postgres_schema_name();
    char *more = test_format("&schema=%s", place->schema);
    place->url = postgres_url(server, more);
    free(more);
    place->other = postgres_connect(postgres_fact(server, ""));
    place->store = open_store(place, "");
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    assert_int_equal(mastra_close(place->store, NULL), MASTRA_OK);
    char *sql = test_format("SET client_min_messages TO warning; DROP SCHEMA IF EXISTS \"%s\" CASCADE",
                            place->schema);
    postgres_run(place->other, sql);
    free(sql);
    postgres_close(place->other);
    free(place->url);
    free(place->schema);
    free(place);
    return 0;
}

/* Every test has a run of its own: advisory locks know no schema. */
static mastra_run_lock_args run_of(const struct place *place, const char *owner, int64_t ttl_ms)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    args.workflow_name = mastra_str_of("w");
    args.run_id = mastra_str_of(place->schema);
    args.owner_id = mastra_str_of(owner);
    args.ttl_ms = ttl_ms;
    return args;
}

static bool other_takes(const struct place *place)
{
    char *sql = test_format("SELECT pg_try_advisory_lock(hashtext('w' || ':' || '%s'))", place->schema);
    char *answer = postgres_text(place->other, sql);
    bool taken = strcmp(answer, "t") == 0;
    free(answer);
    free(sql);
    return taken;
}

static void other_gives_back(const struct place *place)
{
    postgres_run(place->other, "SELECT pg_advisory_unlock_all()");
}

static bool acquires(mastra_store *store, const mastra_run_lock_args *args)
{
    mastra_run_lock *lock = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_try_acquire_workflow_run_lock(store, args, &lock, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    bool acquired = lock != NULL;
    mastra_run_lock_free(lock);
    return acquired;
}

static bool renews(mastra_store *store, const mastra_run_lock_args *args)
{
    bool held = false;
    assert_int_equal(mastra_renew_workflow_run_lock(store, args, &held, NULL), MASTRA_OK);
    return held;
}

static bool releases(mastra_store *store, const mastra_run_lock_args *args)
{
    bool held = false;
    assert_int_equal(mastra_release_workflow_run_lock(store, args, &held, NULL), MASTRA_OK);
    return held;
}

static void exclude_each_other(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args mine = run_of(place, "me", LONG_MS);
    assert_true(other_takes(place));
    assert_false(acquires(place->store, &mine));
    other_gives_back(place);
    assert_true(acquires(place->store, &mine));
    assert_false(other_takes(place));
    assert_false(acquires(place->store, &mine));
    assert_false(other_takes(place));
    assert_true(renews(place->store, &mine));
    assert_true(releases(place->store, &mine));
    assert_true(other_takes(place));
    /* A lease that was given back is none. */
    assert_false(acquires(place->store, &mine));
}

static void stores_exclude_each_other(void **state)
{
    struct place *place = *state;
    mastra_store *second = open_store(place, "");
    mastra_run_lock_args mine = run_of(place, "me", LONG_MS);
    mastra_run_lock_args yours = run_of(place, "you", LONG_MS);
    assert_true(acquires(place->store, &mine));
    assert_false(acquires(second, &yours));
    assert_false(acquires(place->store, &yours));
    assert_true(releases(place->store, &mine));
    assert_true(acquires(second, &yours));
    assert_false(acquires(place->store, &mine));
    assert_int_equal(mastra_close(second, NULL), MASTRA_OK);
    /* Its lease goes on. */
    assert_false(acquires(place->store, &mine));
}

/* The lease decides: one that has run out is no obstacle, whatever its holder's session still holds. */
static void after_a_lease_has_run_out(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args brief = run_of(place, "gone", 300);
    mastra_run_lock_args mine = run_of(place, "me", LONG_MS);
    mastra_store *gone = open_store(place, "");
    assert_true(acquires(gone, &brief));
    assert_int_equal(mastra_close(gone, NULL), MASTRA_OK);
    while (!other_takes(place))
        ms_clock_sleep_us(5000);
    int64_t begun_ns = ms_clock_monotonic_ns();
    while (!acquires(place->store, &mine)) {
        assert_true(ms_clock_monotonic_ns() - begun_ns < PATIENCE_NS);
        ms_clock_sleep_us(20000);
    }
    assert_non_null(strstr(place->log, "another session holds its advisory lock"));
    other_gives_back(place);
    assert_true(renews(place->store, &mine));
    assert_false(other_takes(place));
    assert_true(releases(place->store, &mine));
    assert_true(other_takes(place));
}

static void kept_alive(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args mine = run_of(place, "me", 5000);
    mine.keep_alive = true;
    assert_true(acquires(place->store, &mine));
    /* Past the end of the lease as it was acquired. */
    ms_clock_sleep_us(5500000);
    assert_false(other_takes(place));
    assert_true(releases(place->store, &mine));
    assert_true(other_takes(place));
}

struct holder {
    struct place *place;
    int pipe;
};

static void hold_for_ever(int index, void *arg)
{
    const struct holder *holder = arg;
    mastra_run_lock_args args = run_of(holder->place, "killed", 8000);
    mastra_store *store = open_store(holder->place, "");
    (void)index;
    if (!acquires(store, &args) || write(holder->pipe, "x", 1) != 1)
        crew_fail("the child cannot lock");
    else
        pause();
}

/* Its session ends with it, its lease when it has run out. */
static void killed_holder(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args mine = run_of(place, "me", LONG_MS);
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    struct holder holder = {.place = place, .pipe = ends[1]};
    pid_t child = crew_fork(hold_for_ever, 0, &holder);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_false(other_takes(place));
    assert_false(acquires(place->store, &mine));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    int64_t begun_ns = ms_clock_monotonic_ns();
    while (!acquires(place->store, &mine)) {
        assert_true(ms_clock_monotonic_ns() - begun_ns < PATIENCE_NS);
        ms_clock_sleep_us(20000);
    }
    assert_false(other_takes(place));
    close(ends[0]);
    close(ends[1]);
}

/* Behind a transaction pooler there are leases and nothing else. */
static void leases_alone(void **state)
{
    struct place *place = *state;
    mastra_store *pooled = open_store(place, "&pooler=transaction");
    mastra_run_lock_args mine = run_of(place, "me", LONG_MS);
    mastra_run_lock_args yours = run_of(place, "you", LONG_MS);
    assert_true(other_takes(place));
    assert_true(acquires(pooled, &mine));
    assert_false(acquires(pooled, &yours));
    assert_true(renews(pooled, &mine));
    assert_true(releases(pooled, &mine));
    assert_int_equal(mastra_close(pooled, NULL), MASTRA_OK);
}

struct fight {
    struct place *place;
    mastra_store *stores[2];
    atomic_int inside;
    atomic_int won;
};

/* Of many who want one run at most one is inside at a time. */
static void fight_for_it(int index, void *arg)
{
    struct fight *fight = arg;
    char owner[16];
    snprintf(owner, sizeof(owner), "o%d", index);
    mastra_run_lock_args args = run_of(fight->place, owner, LONG_MS);
    for (int i = 0; i < 25; i++) {
        mastra_run_lock *lock = NULL;
        mastra_error error = MASTRA_ERROR_INIT;
        bool held = false;
        if (mastra_try_acquire_workflow_run_lock(fight->stores[index % 2], &args, &lock, &error) != MASTRA_OK)
            crew_fail("%s", error.message);
        if (!lock)
            continue;
        if (atomic_fetch_add(&fight->inside, 1) != 0)
            crew_fail("two hold the lock");
        atomic_fetch_add(&fight->won, 1);
        atomic_fetch_sub(&fight->inside, 1);
        mastra_run_lock_free(lock);
        if (mastra_release_workflow_run_lock(fight->stores[index % 2], &args, &held, &error) != MASTRA_OK ||
            !held)
            crew_fail("not released: %s", error.message);
    }
}

static void one_at_a_time(void **state)
{
    struct place *place = *state;
    struct fight fight = {.place = place, .stores = {place->store, open_store(place, "")}};
    assert_int_equal(mastra_init(place->store, NULL), MASTRA_OK);
    crew_run(8, fight_for_it, &fight);
    crew_check();
    assert_true(atomic_load(&fight.won) > 0);
    assert_true(other_takes(place));
    assert_int_equal(mastra_close(fight.stores[1], NULL), MASTRA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(exclude_each_other, begin, end),
        cmocka_unit_test_setup_teardown(stores_exclude_each_other, begin, end),
        cmocka_unit_test_setup_teardown(after_a_lease_has_run_out, begin, end),
        cmocka_unit_test_setup_teardown(kept_alive, begin, end),
        cmocka_unit_test_setup_teardown(killed_holder, begin, end),
        cmocka_unit_test_setup_teardown(leases_alone, begin, end),
        cmocka_unit_test_setup_teardown(one_at_a_time, begin, end),
    };
    return cmocka_run_group_tests_name("postgres_run_locks", tests, NULL, NULL);
}
