/* The pool of connections on a real server: who gets one, how long they live, what is lost and replaced. */
#include "base/clock.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/heap.h"
#include "support/pg_client.h"

#include <mastra/postgres.h>

#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct postgres_server *server;
    const char *url;
    char *name; /* application_name of the test's sessions */
    struct pg_conn *look;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->server = postgres_wanted();
    place->url = postgres_fact(place->server, "");
    place->name = postgres_schema_name();
    place->look = postgres_connect(place->url);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    postgres_close(place->look);
    free(place->name);
    free(place);
    return 0;
}

static struct pg_test *open_pool(const struct place *place, const char *more)
{
    char *whole = test_format("&application_name=%s%s", place->name, more);
    struct pg_test *test = pg_test_open(place->url, whole);
    free(whole);
    return test;
}

static struct pg_pool_counts counts_of(struct pg_test *test)
{
    struct pg_pool_counts counts;
    pg_pool_count(test->backend.client.pool, &counts);
    return counts;
}

static void expect_sessions(const struct place *place, int count)
{
    pg_test_expect_sessions(place->look, place->name, count);
}

/* Ends all sessions of the test from outside. */
static void terminate_all(const struct place *place)
{
    char *sql = test_format(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '%s'",
        place->name);
    postgres_run(place->look, sql);
    free(sql);
    expect_sessions(place, 0);
}

/* Opening. */

static void connects_on_first_use(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "");
    expect_sessions(place, 0);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    expect_sessions(place, 1);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    expect_sessions(place, 1);
    pg_test_close(test);
    expect_sessions(place, 0);
}

/* Whatever server, database, role and URL have set. */
static void session_settings(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(
        place, "&client_encoding=LATIN1&options=-c%20TimeZone%3DPacific/Auckland%20-c%20DateStyle%3DGerman"
               "%20-c%20extra_float_digits%3D0%20-c%20standard_conforming_strings%3Doff");
    struct pg_connection *connection = pg_test_borrow(test);
    static const struct {
        const char *name;
        const char *value;
    } wanted[] = {{"client_encoding", "UTF8"},
                  {"TimeZone", "UTC"},
                  {"DateStyle", "ISO, MDY"},
                  {"extra_float_digits", "1"},
                  {"standard_conforming_strings", "on"}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char *sql = test_format("SELECT current_setting('%s')", wanted[i].name);
        char *value = pg_test_text(connection, sql);
        assert_string_equal(value, wanted[i].value);
        free(value);
        free(sql);
    }
    pg_pool_give_back(connection);
    pg_test_close(test);
}

/* Exhaustion. */

static void all_taken(void **state)
{
    struct pg_test *test = open_pool(*state, "&max=2");
    struct pg_connection *one = pg_test_borrow(test);
    struct pg_connection *two = pg_test_borrow(test);
    struct pg_connection *three = NULL;
    int64_t soon_ns = ms_clock_monotonic_ns() + 50000000;
    assert_int_equal(pg_pool_borrow(&test->backend.client, soon_ns, &three, &test->error), MASTRA_TIMEOUT);
    assert_non_null(strstr(test->error.message, "all 2 connections"));
    assert_false(test->error.retriable);
    assert_null(three);
    pg_pool_give_back(two);
    three = pg_test_borrow(test);
    assert_ptr_equal(three, two);
    pg_pool_give_back(three);
    pg_pool_give_back(one);
    assert_int_equal(counts_of(test).total, 2);
    assert_int_equal(counts_of(test).idle, 2);
    assert_int_equal(counts_of(test).waiting, 0);
    pg_test_close(test);
}

struct borrower {
    struct pg_test *test;
    struct pg_connection *connection;
    mastra_status status;
    mastra_error error;
    pthread_t thread;
};

static void *borrow_main(void *arg)
{
    struct borrower *borrower = arg;
    borrower->status =
        pg_pool_borrow(&borrower->test->backend.client, INT64_MAX, &borrower->connection, &borrower->error);
    return NULL;
}

static void start_borrower(struct borrower *borrower, struct pg_test *test, size_t waiting)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    *borrower = (struct borrower){.test = test, .error = blank};
    assert_int_equal(pthread_create(&borrower->thread, NULL, borrow_main, borrower), 0);
    while (counts_of(test).waiting != waiting)
        ms_clock_sleep_us(1000);
}

static void first_come_first_served(void **state)
{
    struct pg_test *test = open_pool(*state, "&max=1");
    struct pg_connection *connection = pg_test_borrow(test);
    struct borrower borrowers[3];
    for (size_t i = 0; i < 3; i++)
        start_borrower(&borrowers[i], test, i + 1);
    for (size_t i = 0; i < 3; i++) {
        pg_pool_give_back(connection);
        pthread_join(borrowers[i].thread, NULL);
        assert_int_equal(borrowers[i].status, MASTRA_OK);
        connection = borrowers[i].connection;
        assert_int_equal(counts_of(test).waiting, 2 - i);
    }
    pg_pool_give_back(connection);
    pg_test_close(test);
}

/* Who waits gets a new connection when the one in use is lost. */
static void lost_place_is_handed_on(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "&max=1");
    struct pg_connection *connection = pg_test_borrow(test);
    struct borrower borrower;
    start_borrower(&borrower, test, 1);
    terminate_all(place);
    assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_UNAVAILABLE);
    assert_true(test->error.retriable);
    assert_true(connection->lost);
    pg_pool_give_back(connection);
    pthread_join(borrower.thread, NULL);
    assert_int_equal(borrower.status, MASTRA_OK);
    assert_int_equal(pg_test_run(test, borrower.connection, "SELECT 1"), MASTRA_OK);
    pg_pool_give_back(borrower.connection);
    assert_int_equal(counts_of(test).total, 1);
    pg_test_close(test);
}

static void interrupted(void **state)
{
    struct pg_test *test = open_pool(*state, "&max=1&connectionTimeoutMillis=0");
    struct pg_connection *connection = pg_test_borrow(test);
    struct borrower borrower;
    start_borrower(&borrower, test, 1);
    pg_client_interrupt(&test->backend.client);
    pthread_join(borrower.thread, NULL);
    assert_int_equal(borrower.status, MASTRA_CLOSED);
    assert_int_equal(pg_test_run(test, connection, "SELECT pg_sleep(1000)"), MASTRA_CLOSED);
    pg_pool_give_back(connection);
    assert_int_equal(pg_pool_borrow(&test->backend.client, INT64_MAX, &connection, &test->error),
                     MASTRA_CLOSED);
    pg_test_close(test);
}

/* One store's end leaves the others of a pool alone. */
static void interrupts_one_client(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "&max=1");
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    options.pool = (mastra_postgres_pool *)test->backend.client.pool;
    struct pg_test *other = pg_test_try(NULL, &options);
    assert_int_equal(other->error.status, MASTRA_OK);
    struct pg_connection *connection = pg_test_borrow(other);
    pg_client_interrupt(&test->backend.client);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_CLOSED);
    assert_int_equal(pg_test_run(other, connection, "SELECT 1"), MASTRA_OK);
    pg_pool_give_back(connection);
    pg_test_close(test);
    assert_int_equal(pg_test_once(other, "SELECT 1"), MASTRA_OK);
    pg_test_close(other);
    expect_sessions(place, 0);
}

/* Lost connections. */

static void replaced_silently(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "");
    struct pg_connection *one = pg_test_borrow(test);
    struct pg_connection *two = pg_test_borrow(test);
    pg_pool_give_back(one);
    pg_pool_give_back(two);
    terminate_all(place);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    expect_sessions(place, 1);
    pg_test_close(test);
}

static void open_transactions_are_not_kept(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "");
    struct pg_connection *connection = pg_test_borrow(test);
    uint64_t number = connection->number;
    assert_int_equal(pg_test_run(test, connection, "BEGIN"), MASTRA_OK);
    pg_pool_give_back(connection);
    assert_int_equal(counts_of(test).total, 0);
    connection = pg_test_borrow(test);
    assert_int_not_equal(connection->number, number);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

static void ended_by_idle_in_transaction(void **state)
{
    struct pg_test *test = open_pool(*state, "&options=-c%20idle_in_transaction_session_timeout%3D500");
    struct pg_connection *connection = pg_test_borrow(test);
    assert_int_equal(pg_test_run(test, connection, "BEGIN"), MASTRA_OK);
    while (pg_connection_alive(connection))
        ms_clock_sleep_us(5000);
    assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_UNAVAILABLE);
    assert_true(test->error.retriable);
    pg_pool_give_back(connection);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
}

static void role_limit_on_statements(void **state)
{
    struct pg_test *test = open_pool(*state, "&options=-c%20statement_timeout%3D1500");
    struct pg_connection *connection = pg_test_borrow(test);
    assert_int_equal(pg_test_run(test, connection, "SELECT pg_sleep(1000)"), MASTRA_TIMEOUT);
    assert_string_equal(test->error.backend, "57014");
    assert_false(connection->lost);
    assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_OK);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

/* Lives. */

static void idle_ones_go(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "&idleTimeoutMillis=200");
    struct pg_connection *borrowed[3];
    for (size_t i = 0; i < 3; i++)
        borrowed[i] = pg_test_borrow(test);
    expect_sessions(place, 3);
    pg_pool_give_back(borrowed[1]);
    pg_pool_give_back(borrowed[2]);
    expect_sessions(place, 1);
    pg_pool_give_back(borrowed[0]);
    expect_sessions(place, 0);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
}

static void some_are_kept(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "&min=2&idleTimeoutMillis=20");
    struct pg_connection *borrowed[4];
    expect_sessions(place, 0);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    expect_sessions(place, 2);
    for (size_t i = 0; i < 4; i++)
        borrowed[i] = pg_test_borrow(test);
    expect_sessions(place, 4);
    for (size_t i = 0; i < 4; i++)
        pg_pool_give_back(borrowed[i]);
    expect_sessions(place, 2);
    pg_test_close(test);
    expect_sessions(place, 0);
}

static void old_ones_are_replaced(void **state)
{
    struct place *place = *state;
    struct pg_test *test = open_pool(place, "&maxLifetimeSeconds=1");
    struct pg_connection *connection = pg_test_borrow(test);
    uint64_t number = connection->number;
    assert_true(connection->expires_ns - connection->opened_ns <= 1000000000);
    assert_true(connection->expires_ns - connection->opened_ns >= 900000000);
    /* One that is in use stays until it comes back. */
    assert_int_equal(pg_test_run(test, connection, "SELECT pg_sleep(1.1)"), MASTRA_OK);
    expect_sessions(place, 1);
    pg_pool_give_back(connection);
    expect_sessions(place, 0);
    connection = pg_test_borrow(test);
    assert_int_not_equal(connection->number, number);
    pg_pool_give_back(connection);
    expect_sessions(place, 0);
    pg_test_close(test);
}

/* The program's own use. */

static mastra_postgres_pool *open_public(const struct place *place, const char *more)
{
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    char *url = test_format("%s&application_name=%s%s", place->url, place->name, more);
    options.url = url;
    if (mastra_postgres_pool_open(&options, &pool, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return pool;
}

static PGconn *borrow_public(mastra_postgres_pool *pool)
{
    PGconn *connection = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_postgres_borrow(pool, 0, &connection, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return connection;
}

static void borrowed_by_the_program(void **state)
{
    struct place *place = *state;
    mastra_postgres_pool *pool = open_public(place, "&max=1");
    mastra_postgres_pool_info info = MASTRA_POSTGRES_POOL_INFO_INIT;
    PGconn *connection = borrow_public(pool);
    PGconn *second = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(PQpipelineStatus(connection), PQ_PIPELINE_OFF);
    assert_false(PQisnonblocking(connection));
    postgres_run(connection,
                 "SET work_mem TO '3MB'; SET TimeZone TO 'Asia/Tokyo'; CREATE TEMPORARY TABLE mine (n int)");
    assert_int_equal(mastra_postgres_borrow(pool, 20, &second, &error), MASTRA_TIMEOUT);
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_INVALID_ARGUMENT);
    second = borrow_public(pool);
    assert_ptr_equal(second, connection);
    char *found = postgres_text(
        second, "SELECT current_setting('work_mem') || ' ' || current_setting('TimeZone') || ' ' || "
                "(to_regclass('mine') IS NULL)::text");
    assert_string_equal(found, "4MB UTC true");
    free(found);
    assert_int_equal(mastra_postgres_pool_inspect(pool, &info, &error), MASTRA_OK);
    assert_int_equal(info.max, 1);
    assert_int_equal(info.total, 1);
    assert_int_equal(info.idle, 0);
    /* What is borrowed outlives the pool's last use. */
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
    postgres_run(second, "SELECT 1");
    assert_int_equal(mastra_postgres_give_back(pool, second, false, &error), MASTRA_OK);
    expect_sessions(place, 0);
}

static void given_back_in_a_bad_state(void **state)
{
    struct place *place = *state;
    mastra_postgres_pool *pool = open_public(place, "");
    PGconn *connection = borrow_public(pool);
    mastra_error error = MASTRA_ERROR_INIT;
    postgres_run(connection, "BEGIN");
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    expect_sessions(place, 0);
    connection = borrow_public(pool);
    assert_int_equal(PQenterPipelineMode(connection), 1);
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    expect_sessions(place, 0);
    connection = borrow_public(pool);
    assert_int_equal(mastra_postgres_give_back(pool, connection, true, &error), MASTRA_OK);
    expect_sessions(place, 0);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
}

/* A child of fork is refused, and leaves its parent's connections as they are. */
static void forked(void **state)
{
    struct place *place = *state;
    mastra_postgres_pool *pool = open_public(place, "");
    mastra_error error = MASTRA_ERROR_INIT;
    PGconn *connection = borrow_public(pool);
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    pid_t child = fork();
    if (child == 0) {
        mastra_postgres_pool_info info = MASTRA_POSTGRES_POOL_INFO_INIT;
        bool refused = mastra_postgres_borrow(pool, 0, &connection, &error) == MASTRA_FORKED &&
                       mastra_postgres_pool_inspect(pool, &info, &error) == MASTRA_FORKED &&
                       mastra_postgres_give_back(pool, connection, false, &error) == MASTRA_FORKED &&
                       mastra_postgres_pool_close(pool, &error) == MASTRA_FORKED;
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    connection = borrow_public(pool);
    postgres_run(connection, "SELECT 1");
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
}

/* Memory that runs out at any one place: an ordinary error, and nothing is left behind. */
static bool use_once(const mastra_postgres_options *options, mastra_error *error)
{
    mastra_postgres_pool *pool = NULL;
    PGconn *connection = NULL;
    mastra_status status = mastra_postgres_pool_open(options, &pool, error);
    if (status == MASTRA_OK)
        status = mastra_postgres_borrow(pool, 0, &connection, error);
    if (connection)
        assert_int_equal(mastra_postgres_give_back(pool, connection, false, error), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_close(pool, error), MASTRA_OK);
    assert_true(status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY);
    return status == MASTRA_OK;
}

static void out_of_memory(void **state)
{
    struct place *place = *state;
    const char *const names[] = {"application_name", NULL};
    const char *const values[] = {place->name, NULL};
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct test_heap heap;
    bool done = false;
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    options.url = place->url;
    options.keywords = names;
    options.values = values;
    for (long n = 1; !done; n++) {
        test_heap_fail(&heap, n, false);
        done = use_once(&options, &error);
        assert_int_equal(atomic_load(&heap.live), 0);
        assert_int_equal(atomic_load(&heap.misused), 0);
        /* It succeeds only where nothing was refused. */
        assert_int_equal(done, atomic_load(&heap.refused) == 0);
    }
    expect_sessions(place, 0);
}

/* Many threads, few connections, sessions ended from outside meanwhile. */

#define THREADS 8
#define ROUNDS  40

struct load {
    struct pg_test *test;
    const struct place *place;
    atomic_int done;
    atomic_int lost;
};

static void *load_main(void *arg)
{
    struct load *load = arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct pg_connection *connection = NULL;
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_status status = pg_pool_borrow(&load->test->backend.client, INT64_MAX, &connection, &error);
        if (status == MASTRA_OK)
            status = pg_execute(connection, "SELECT pg_sleep(0.002)", &error);
        pg_pool_give_back(connection);
        if (status == MASTRA_OK)
            atomic_fetch_add(&load->done, 1);
        else if (status == MASTRA_UNAVAILABLE && error.retriable)
            atomic_fetch_add(&load->lost, 1);
        else
            fprintf(stderr, "%s: %s\n", mastra_status_name(status), error.message);
    }
    return NULL;
}

static void shared_by_threads(void **state)
{
    struct place *place = *state;
    struct load load = {.test = open_pool(place, "&max=3&connectionTimeoutMillis=120000"), .place = place};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_main, &load), 0);
    char *sql = test_format(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s'", place->name);
    while (atomic_load(&load.done) + atomic_load(&load.lost) < THREADS * ROUNDS / 2) {
        postgres_run(place->look, sql);
        ms_clock_sleep_us(10000);
    }
    free(sql);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&load.done) + atomic_load(&load.lost), THREADS * ROUNDS);
    assert_true(counts_of(load.test).total <= 3);
    assert_int_equal(counts_of(load.test).total, counts_of(load.test).idle);
    pg_test_close(load.test);
    expect_sessions(place, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connects_on_first_use, begin, end),
        cmocka_unit_test_setup_teardown(session_settings, begin, end),
        cmocka_unit_test_setup_teardown(all_taken, begin, end),
        cmocka_unit_test_setup_teardown(first_come_first_served, begin, end),
        cmocka_unit_test_setup_teardown(lost_place_is_handed_on, begin, end),
        cmocka_unit_test_setup_teardown(interrupted, begin, end),
        cmocka_unit_test_setup_teardown(interrupts_one_client, begin, end),
        cmocka_unit_test_setup_teardown(replaced_silently, begin, end),
        cmocka_unit_test_setup_teardown(open_transactions_are_not_kept, begin, end),
        cmocka_unit_test_setup_teardown(ended_by_idle_in_transaction, begin, end),
        cmocka_unit_test_setup_teardown(role_limit_on_statements, begin, end),
        cmocka_unit_test_setup_teardown(idle_ones_go, begin, end),
        cmocka_unit_test_setup_teardown(some_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(old_ones_are_replaced, begin, end),
        cmocka_unit_test_setup_teardown(borrowed_by_the_program, begin, end),
        cmocka_unit_test_setup_teardown(given_back_in_a_bad_state, begin, end),
        cmocka_unit_test_setup_teardown(forked, begin, end),
        cmocka_unit_test_setup_teardown(out_of_memory, begin, end),
        cmocka_unit_test_setup_teardown(shared_by_threads, begin, end),
    };
    return cmocka_run_group_tests_name("postgres_pool", tests, NULL, NULL);
}
