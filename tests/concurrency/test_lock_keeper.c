/* Run locks that are kept alive in the background. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SHORT_MS 300
#define LONG_MS  60000

struct place {
    char *directory;
    char *path;
    mastra_store *store;
    struct crew_gate *lost;
    atomic_int close_answer;
};

static mastra_store *open_store(const char *path)
{
    char *url = test_format("file:%s?busy_timeout=50", path);
    mastra_store *store = NULL;
    assert_int_equal(mastra_open(url, NULL, &store, NULL), MASTRA_OK);
    free(url);
    return store;
}

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    place->store = open_store(place->path);
    place->lost = crew_gate_new();
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    assert_int_equal(mastra_close(place->store, NULL), MASTRA_OK);
    crew_gate_free(place->lost);
    test_dir_remove(place->directory);
    free(place->path);
    free(place);
    return 0;
}

static void note_loss(void *user, const mastra_run_lock *lock)
{
    struct place *place = user;
    if (lock->generation != 1 || strcmp(lock->workflow_name.ptr, "w") != 0 ||
        strcmp(lock->run_id.ptr, "r") != 0 || strcmp(lock->owner_id.ptr, "me") != 0)
        crew_fail("told of another lock: generation %lld of %s", (long long)lock->generation,
                  lock->run_id.ptr);
    crew_gate_add(place->lost);
}

static mastra_run_lock_args lock_of(struct place *place, int64_t ttl_ms)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    args.workflow_name = mastra_str_of("w");
    args.run_id = mastra_str_of("r");
    args.owner_id = mastra_str_of("me");
    args.ttl_ms = ttl_ms;
    args.keep_alive = true;
    args.lost = note_loss;
    args.lost_user = place;
    return args;
}

static void acquire(struct place *place, const mastra_run_lock_args *args)
{
    mastra_run_lock *lock = NULL;
    assert_int_equal(mastra_try_acquire_workflow_run_lock(place->store, args, &lock, NULL), MASTRA_OK);
    assert_non_null(lock);
    assert_int_equal(lock->generation, 1);
    mastra_run_lock_free(lock);
}

static mastra_time expiry(mastra_store *store)
{
    mastra_run_lock *lock = NULL;
    mastra_time expires_at = MASTRA_TIME_NONE;
    assert_int_equal(mastra_get_workflow_run_lock(store, mastra_str_of("w"), mastra_str_of("r"), &lock, NULL),
                     MASTRA_OK);
    if (lock)
        expires_at = lock->expires_at;
    mastra_run_lock_free(lock);
    return expires_at;
}

static void pause_ms(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

/* Waits until the lock expires later than it did; false after a minute, or when it is gone. */
static bool renewed_since(mastra_store *store, mastra_time before)
{
    for (int i = 0; i < 6000; i++) {
        mastra_time now = expiry(store);
        if (now > before || now == MASTRA_TIME_NONE)
            return now > before;
        pause_ms(10);
    }
    return false;
}

static void is_renewed(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, 4 * SHORT_MS);
    acquire(place, &args);
    for (int i = 0; i < 3; i++)
        assert_true(renewed_since(place->store, expiry(place->store)));
    assert_int_equal(crew_gate_count(place->lost), 0);
    crew_check();
}

static void by_name(void **state)
{
    struct place *place = *state;
    char *json = NULL;
    assert_int_equal(client_call(place->store, "tryAcquireWorkflowRunLock", &json, NULL,
                                 "{'workflowName':'w','runId':'r','ttlMs':%d,'keepAlive':true}",
                                 4 * SHORT_MS),
                     MASTRA_OK);
    assert_string_equal(json, "true");
    mastra_json_free(json);
    assert_true(renewed_since(place->store, expiry(place->store)));
}

static void taken_over(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, SHORT_MS);
    acquire(place, &args);
    raw_run_file(place->path, "UPDATE mastra_workflow_run_locks SET owner = 'thief', generation = 2");
    assert_true(crew_gate_wait(place->lost, 1));
    crew_check();
}

/* The same owner, but somebody else's lease: two threads of one process, say. */
static void acquired_anew(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, SHORT_MS);
    acquire(place, &args);
    raw_run_file(place->path, "UPDATE mastra_workflow_run_locks SET generation = 2");
    assert_true(crew_gate_wait(place->lost, 1));
    crew_check();
}

static void database_out_of_reach(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, SHORT_MS);
    acquire(place, &args);
    sqlite3 *db = raw_open(place->path);
    raw_run(db, "BEGIN IMMEDIATE");
    assert_true(crew_gate_wait(place->lost, 1));
    raw_run(db, "ROLLBACK");
    sqlite3_close(db);
    crew_check();
}

static void released(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, SHORT_MS);
    bool held = false;
    acquire(place, &args);
    assert_int_equal(mastra_release_workflow_run_lock(place->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    pause_ms(SHORT_MS);
    assert_int_equal(expiry(place->store), MASTRA_TIME_NONE);
    assert_int_equal(crew_gate_count(place->lost), 0);
}

/* Who gives back an earlier lease of the same owner does not end the keeping of this one. */
static void earlier_lease_released(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, 4 * SHORT_MS);
    bool held = true;
    acquire(place, &args);
    args.generation = 7;
    assert_int_equal(mastra_release_workflow_run_lock(place->store, &args, &held, NULL), MASTRA_OK);
    assert_false(held);
    assert_true(renewed_since(place->store, expiry(place->store)));
    args.generation = 1;
    assert_int_equal(mastra_release_workflow_run_lock(place->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    assert_int_equal(crew_gate_count(place->lost), 0);
}

/* Only a released lock is given back: what a closed store kept stays its own until it expires. */
static void closed(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, LONG_MS);
    acquire(place, &args);
    assert_int_equal(mastra_close(place->store, NULL), MASTRA_OK);
    place->store = open_store(place->path);
    assert_true(expiry(place->store) != MASTRA_TIME_NONE);
    assert_int_equal(crew_gate_count(place->lost), 0);
}

static void use_store(void *user, const mastra_run_lock *lock)
{
    struct place *place = user;
    (void)lock;
    if (client_call(place->store, "listThreads", NULL, NULL, "{}") != MASTRA_OK)
        crew_fail("the store is of no use in the callback");
    atomic_store(&place->close_answer, mastra_close(place->store, NULL));
    crew_gate_add(place->lost);
}

static void callback_may_not_close(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, SHORT_MS);
    args.lost = use_store;
    acquire(place, &args);
    raw_run_file(place->path, "UPDATE mastra_workflow_run_locks SET generation = 2");
    assert_true(crew_gate_wait(place->lost, 1));
    assert_int_equal(atomic_load(&place->close_answer), MASTRA_USAGE);
    crew_check();
}

/* A foreign writer's number, or damage: no second holder of a generation comes of it. */
static void last_generation(void **state)
{
    struct place *place = *state;
    mastra_run_lock_args args = lock_of(place, LONG_MS);
    bool held = false;
    acquire(place, &args);
    raw_run_file(place->path, "UPDATE mastra_workflow_run_locks SET generation = 9223372036854775807");
    assert_int_equal(mastra_release_workflow_run_lock(place->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    assert_int_equal(mastra_try_acquire_workflow_run_lock(place->store, &args, NULL, NULL),
                     MASTRA_LIMIT_EXCEEDED);
    assert_int_equal(expiry(place->store), MASTRA_TIME_NONE);
}

static void many_at_once(void **state)
{
    struct place *place = *state;
    char id[16];
    for (int i = 0; i < 100; i++) {
        mastra_run_lock_args args = lock_of(place, LONG_MS);
        mastra_run_lock *lock = NULL;
        snprintf(id, sizeof(id), "r%d", i);
        args.run_id = mastra_str_of(id);
        assert_int_equal(mastra_try_acquire_workflow_run_lock(place->store, &args, &lock, NULL), MASTRA_OK);
        assert_non_null(lock);
        mastra_run_lock_free(lock);
    }
    assert_int_equal(crew_gate_count(place->lost), 0);
}

static void expect_owner(const char *url, const char *option, const char *owner)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_run_lock_args args = lock_of(NULL, LONG_MS);
    mastra_run_lock *lock = NULL;
    mastra_store *store = NULL;
    options.lock_owner = option;
    args.owner_id = mastra_str_of(NULL);
    args.keep_alive = false;
    assert_int_equal(mastra_open(url, &options, &store, NULL), MASTRA_OK);
    assert_int_equal(mastra_try_acquire_workflow_run_lock(store, &args, &lock, NULL), MASTRA_OK);
    assert_non_null(lock);
    assert_string_equal(lock->owner_id.ptr, owner);
    mastra_run_lock_free(lock);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void named_owner(void **state)
{
    mastra_store *store = NULL;
    (void)state;
    expect_owner(":memory:?owner=worker%207", NULL, "worker 7");
    expect_owner(":memory:", "worker-8", "worker-8");
    expect_owner(":memory:?owner=worker-7", "worker-8", "worker-8");
    assert_int_equal(mastra_open(":memory:?owner=", NULL, &store, NULL), MASTRA_INVALID_ARGUMENT);
}

#define KEEPER_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEEPER_TEST(is_renewed),
        KEEPER_TEST(by_name),
        KEEPER_TEST(taken_over),
        KEEPER_TEST(acquired_anew),
        KEEPER_TEST(database_out_of_reach),
        KEEPER_TEST(released),
        KEEPER_TEST(earlier_lease_released),
        KEEPER_TEST(closed),
        KEEPER_TEST(callback_may_not_close),
        KEEPER_TEST(last_generation),
        KEEPER_TEST(many_at_once),
        cmocka_unit_test(named_owner),
    };
    return cmocka_run_group_tests_name("lock keeper", tests, NULL, NULL);
}
