/* Run locks that are kept alive in the background. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"
#include "support/postgres.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* What is to be lost soon, what is to be renewed in time however busy the machine is, and what nobody waits for. */
#define SHORT_MS 300
#define SAFE_MS  4500
#define LONG_MS  60000

struct keeping {
    struct place place;
    mastra_store *store;
    struct crew_gate *lost;
    atomic_int close_answer;
};

static mastra_store *open_store(const struct place *place)
{
    char *url = place->path ? place_url(place, "busy_timeout=50") : test_format("%s", place->url);
    mastra_store *store = NULL;
    assert_int_equal(mastra_open(url, NULL, &store, NULL), MASTRA_OK);
    free(url);
    return store;
}

static int begin(void **state)
{
    struct keeping *keeping = calloc(1, sizeof(*keeping));
    assert_non_null(keeping);
    place_begin(&keeping->place, *state);
    keeping->store = open_store(&keeping->place);
    keeping->lost = crew_gate_new();
    *state = keeping;
    return 0;
}

static int end(void **state)
{
    struct keeping *keeping = *state;
    assert_int_equal(mastra_close(keeping->store, NULL), MASTRA_OK);
    crew_gate_free(keeping->lost);
    place_end(&keeping->place);
    free(keeping);
    return 0;
}

static void note_loss(void *user, const mastra_run_lock *lock)
{
    struct keeping *keeping = user;
    if (lock->generation != 1 || strcmp(lock->workflow_name.ptr, "w") != 0 ||
        strcmp(lock->run_id.ptr, "r") != 0 || strcmp(lock->owner_id.ptr, "me") != 0)
        crew_fail("told of another lock: generation %lld of %s", (long long)lock->generation,
                  lock->run_id.ptr);
    crew_gate_add(keeping->lost);
}

static mastra_run_lock_args lock_of(struct keeping *keeping, int64_t ttl_ms)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    args.workflow_name = mastra_str_of("w");
    args.run_id = mastra_str_of("r");
    args.owner_id = mastra_str_of("me");
    args.ttl_ms = ttl_ms;
    args.keep_alive = true;
    args.lost = note_loss;
    args.lost_user = keeping;
    return args;
}

static void acquire(struct keeping *keeping, const mastra_run_lock_args *args)
{
    mastra_run_lock *lock = NULL;
    assert_int_equal(mastra_try_acquire_workflow_run_lock(keeping->store, args, &lock, NULL), MASTRA_OK);
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
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SAFE_MS);
    acquire(keeping, &args);
    for (int i = 0; i < 2; i++)
        assert_true(renewed_since(keeping->store, expiry(keeping->store)));
    assert_int_equal(crew_gate_count(keeping->lost), 0);
    crew_check();
}

static void by_name(void **state)
{
    struct keeping *keeping = *state;
    char *json = NULL;
    assert_int_equal(client_call(keeping->store, "tryAcquireWorkflowRunLock", &json, NULL,
                                 "{'workflowName':'w','runId':'r','ttlMs':%d,'keepAlive':true}", SAFE_MS),
                     MASTRA_OK);
    assert_string_equal(json, "true");
    mastra_json_free(json);
    assert_true(renewed_since(keeping->store, expiry(keeping->store)));
}

static void taken_over(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SHORT_MS);
    acquire(keeping, &args);
    place_run(&keeping->place, "UPDATE mastra_workflow_run_locks SET owner = 'thief', generation = 2");
    assert_true(crew_gate_wait(keeping->lost, 1));
    crew_check();
}

/* The same owner, but somebody else's lease: two threads of one process, say. */
static void acquired_anew(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SHORT_MS);
    acquire(keeping, &args);
    place_run(&keeping->place, "UPDATE mastra_workflow_run_locks SET generation = 2");
    assert_true(crew_gate_wait(keeping->lost, 1));
    crew_check();
}

/* Whatever the library asks of the locks waits. */
static void shut_out(const struct place *place, sqlite3 **ret_file, struct pg_conn **ret_server)
{
    if (place->path) {
        *ret_file = raw_open(place->path);
        raw_run(*ret_file, "BEGIN IMMEDIATE");
        return;
    }
    char *lock = test_format("BEGIN; LOCK TABLE \"%s\".mastra_workflow_run_locks", place->schema);
    *ret_server = postgres_connect(postgres_fact(postgres_shared(), ""));
    postgres_run(*ret_server, lock);
    free(lock);
}

/* A renewal that waits for the server is given up soon; the tables are there, which takes longer. */
static void hurry(struct keeping *keeping)
{
    char *url = place_url(&keeping->place, "statementTimeoutMillis=3000");
    assert_int_equal(mastra_init(keeping->store, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(keeping->store, NULL), MASTRA_OK);
    assert_int_equal(mastra_open(url, NULL, &keeping->store, NULL), MASTRA_OK);
    free(url);
}

static void database_out_of_reach(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SHORT_MS);
    sqlite3 *file = NULL;
    struct pg_conn *server = NULL;
    if (keeping->place.schema)
        hurry(keeping);
    acquire(keeping, &args);
    shut_out(&keeping->place, &file, &server);
    assert_true(crew_gate_wait(keeping->lost, 1));
    sqlite3_close(file);
    postgres_close(server);
    crew_check();
}

static void released(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SAFE_MS);
    bool held = false;
    acquire(keeping, &args);
    assert_int_equal(mastra_release_workflow_run_lock(keeping->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    /* Past the time of the next renewal. */
    pause_ms(SAFE_MS / 2);
    assert_int_equal(expiry(keeping->store), MASTRA_TIME_NONE);
    assert_int_equal(crew_gate_count(keeping->lost), 0);
}

/* Who gives back an earlier lease of the same owner does not end the keeping of this one. */
static void earlier_lease_released(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SAFE_MS);
    bool held = true;
    acquire(keeping, &args);
    args.generation = 7;
    assert_int_equal(mastra_release_workflow_run_lock(keeping->store, &args, &held, NULL), MASTRA_OK);
    assert_false(held);
    assert_true(renewed_since(keeping->store, expiry(keeping->store)));
    args.generation = 1;
    assert_int_equal(mastra_release_workflow_run_lock(keeping->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    assert_int_equal(crew_gate_count(keeping->lost), 0);
}

/* Only a released lock is given back: what a closed store kept stays its own until it expires. */
static void closed(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, LONG_MS);
    acquire(keeping, &args);
    assert_int_equal(mastra_close(keeping->store, NULL), MASTRA_OK);
    keeping->store = open_store(&keeping->place);
    assert_true(expiry(keeping->store) != MASTRA_TIME_NONE);
    assert_int_equal(crew_gate_count(keeping->lost), 0);
}

static void use_store(void *user, const mastra_run_lock *lock)
{
    struct keeping *keeping = user;
    (void)lock;
    if (client_call(keeping->store, "listThreads", NULL, NULL, "{}") != MASTRA_OK)
        crew_fail("the store is of no use in the callback");
    atomic_store(&keeping->close_answer, mastra_close(keeping->store, NULL));
    crew_gate_add(keeping->lost);
}

static void callback_may_not_close(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, SHORT_MS);
    args.lost = use_store;
    acquire(keeping, &args);
    place_run(&keeping->place, "UPDATE mastra_workflow_run_locks SET generation = 2");
    assert_true(crew_gate_wait(keeping->lost, 1));
    assert_int_equal(atomic_load(&keeping->close_answer), MASTRA_USAGE);
    crew_check();
}

/* A foreign writer's number, or damage: no second holder of a generation comes of it. */
static void last_generation(void **state)
{
    struct keeping *keeping = *state;
    mastra_run_lock_args args = lock_of(keeping, LONG_MS);
    bool held = false;
    acquire(keeping, &args);
    place_run(&keeping->place, "UPDATE mastra_workflow_run_locks SET generation = 9223372036854775807");
    assert_int_equal(mastra_release_workflow_run_lock(keeping->store, &args, &held, NULL), MASTRA_OK);
    assert_true(held);
    assert_int_equal(mastra_try_acquire_workflow_run_lock(keeping->store, &args, NULL, NULL),
                     MASTRA_LIMIT_EXCEEDED);
    assert_int_equal(expiry(keeping->store), MASTRA_TIME_NONE);
}

static void many_at_once(void **state)
{
    struct keeping *keeping = *state;
    char id[16];
    for (int i = 0; i < 100; i++) {
        mastra_run_lock_args args = lock_of(keeping, LONG_MS);
        mastra_run_lock *lock = NULL;
        snprintf(id, sizeof(id), "r%d", i);
        args.run_id = mastra_str_of(id);
        assert_int_equal(mastra_try_acquire_workflow_run_lock(keeping->store, &args, &lock, NULL), MASTRA_OK);
        assert_non_null(lock);
        mastra_run_lock_free(lock);
    }
    assert_int_equal(crew_gate_count(keeping->lost), 0);
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

#define SQL    (PLACE_FILE | PLACE_POSTGRES)
#define SHARED (SQL | PLACE_DYNAMODB)

int main(void)
{
    const struct place_test tests[] = {
        {"a lock is renewed", is_renewed, SHARED},
        {"a lock by name", by_name, SHARED},
        {"a lock that is taken over", taken_over, SQL},
        {"a lock that is acquired anew", acquired_anew, SQL},
        {"the database is out of reach", database_out_of_reach, SQL},
        {"a lock that is released", released, SHARED},
        {"an earlier lease is released", earlier_lease_released, SHARED},
        {"a store that is closed", closed, SHARED},
        {"a callback may not close the store", callback_may_not_close, SQL},
        {"the last generation", last_generation, SQL},
        {"many locks at once", many_at_once, SHARED},
        {"owners by name", named_owner, PLACE_FILE},
    };
    return place_main("lock keeper", tests, sizeof(tests) / sizeof(tests[0]), begin, end);
}
