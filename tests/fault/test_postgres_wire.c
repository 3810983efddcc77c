/* Exchanges with a server that refuses, falls silent, or goes: what is answered, and what is in doubt. */
#include "base/clock.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/pg_client.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As long as a busy machine may take. */
#define PATIENT_MS 120000
#define PATIENT    "&connectionTimeoutMillis=120000&statementTimeoutMillis=120000"

/* Steps. */

static struct pg_step text_step(const char *sql)
{
    return (struct pg_step){.kind = PG_STEP_TEXT, .sql = sql};
}

static struct pg_step commit_step(void)
{
    return (struct pg_step){.kind = PG_STEP_TEXT, .sql = "COMMIT", .commits = true};
}

struct seen {
    char text[64]; /* the number of each step whose result came, and its first value */
    size_t fail_at;
};

static mastra_status note(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);
    (void)error;
    snprintf(seen->text + len, sizeof(seen->text) - len, "%zu%s%s ", step, PQntuples(result) > 0 ? "=" : "",
             PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    return step + 1 == seen->fail_at ? MASTRA_CORRUPT : MASTRA_OK;
}

static char *count_rows(struct pg_test *test, const char *table)
{
    char *sql = test_format("SELECT count(*) FROM %s", table);
    struct pg_connection *connection = pg_test_borrow(test);
    char *text = pg_test_text(connection, sql);
    pg_pool_give_back(connection);
    free(sql);
    return text;
}

/* A table of the test's own; its name is to be freed. */
static char *new_table(struct pg_test *test)
{
    char *table = postgres_schema_name();
    char *sql = test_format("CREATE UNLOGGED TABLE %s (n int PRIMARY KEY)", table);
    assert_int_equal(pg_test_once(test, sql), MASTRA_OK);
    free(sql);
    return table;
}

static void drop_table(struct pg_test *test, char *table)
{
    char *sql = test_format("DROP TABLE %s", table);
    assert_int_equal(pg_test_once(test, sql), MASTRA_OK);
    free(sql);
    free(table);
}

static struct pg_test *open_shared(const char *more)
{
    return pg_test_open(postgres_fact(postgres_wanted(), ""), more);
}

/* What the server answers. */

static void results_in_order(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    struct pg_connection *connection = pg_test_borrow(test);
    const char *const values[] = {"40", "2"};
    const struct pg_step steps[] = {
        text_step("BEGIN"),
        {.kind = PG_STEP_PREPARE, .name = "sum", .sql = "SELECT $1::int + $2::int"},
        {.kind = PG_STEP_EXECUTE, .name = "sum", .param_count = 2, .values = values},
        text_step("SELECT 'x' WHERE false"),
        text_step("SELECT 'last'"),
        commit_step(),
    };
    struct seen seen = {.text = ""};
    struct pg_outcome outcome = {.step = 77};
    assert_int_equal(pg_exchange(connection, steps, 6, note, &seen, &outcome, &test->error), MASTRA_OK);
    assert_string_equal(seen.text, "0 1 2=42 3 4=last 5 ");
    assert_int_equal(outcome.step, 77);
    assert_int_equal(pg_exchange(connection, steps, 0, note, &seen, &outcome, &test->error), MASTRA_OK);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

static void refused_step(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    char *table = new_table(test);
    char *insert = test_format("INSERT INTO %s VALUES (1)", table);
    struct pg_connection *connection = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("BEGIN"), text_step(insert), text_step(insert),
                                    text_step(insert), commit_step()};
    struct seen seen = {.text = ""};
    struct pg_outcome outcome = {.step = 0};
    assert_int_equal(pg_exchange(connection, steps, 5, note, &seen, &outcome, &test->error), MASTRA_CONFLICT);
    assert_string_equal(seen.text, "0 1 ");
    assert_int_equal(outcome.step, 2);
    assert_true(outcome.by_server);
    assert_false(outcome.in_doubt);
    assert_string_equal(test->error.backend, "23505");
    assert_false(connection->lost);
    assert_int_equal(PQtransactionStatus(connection->pg), PQTRANS_INERROR);
    assert_int_equal(pg_test_run(test, connection, "ROLLBACK"), MASTRA_OK);
    pg_pool_give_back(connection);
    char *count = count_rows(test, table);
    assert_string_equal(count, "0");
    free(count);
    free(insert);
    drop_table(test, table);
    pg_test_close(test);
}

/* What is deferred fails as late as can be. */
static void refused_commit(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    char *table = new_table(test);
    char *alter = test_format(
        "ALTER TABLE %s ADD UNIQUE (n) DEFERRABLE INITIALLY DEFERRED, DROP CONSTRAINT %s_pkey", table, table);
    char *insert = test_format("INSERT INTO %s VALUES (1), (1)", table);
    assert_int_equal(pg_test_once(test, alter), MASTRA_OK);
    struct pg_connection *connection = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("BEGIN"), text_step(insert), commit_step()};
    struct pg_step alone = text_step(insert);
    struct pg_outcome outcome = {.step = 0};
    assert_int_equal(pg_exchange(connection, steps, 3, NULL, NULL, &outcome, &test->error), MASTRA_CONFLICT);
    assert_int_equal(outcome.step, 2);
    assert_true(outcome.by_server);
    assert_false(outcome.in_doubt);
    alone.commits = true;
    outcome = (struct pg_outcome){.step = 7};
    assert_int_equal(pg_exchange(connection, &alone, 1, NULL, NULL, &outcome, &test->error), MASTRA_CONFLICT);
    assert_true(outcome.by_server);
    assert_false(outcome.in_doubt);
    assert_int_equal(PQtransactionStatus(connection->pg), PQTRANS_IDLE);
    pg_pool_give_back(connection);
    free(alter);
    free(insert);
    drop_table(test, table);
    pg_test_close(test);
}

static void failure_of_the_function(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    struct pg_connection *connection = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("SELECT 1"), text_step("SELECT 2"), text_step("SELECT 3")};
    struct seen seen = {.text = "", .fail_at = 2};
    struct pg_outcome outcome = {.step = 0};
    assert_int_equal(pg_exchange(connection, steps, 3, note, &seen, &outcome, &test->error), MASTRA_CORRUPT);
    assert_string_equal(seen.text, "0=1 1=2 ");
    assert_int_equal(outcome.step, 1);
    assert_true(outcome.by_function);
    assert_false(outcome.by_server);
    assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_OK);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

static mastra_status count_bytes(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    (void)step;
    (void)error;
    *(size_t *)arg += (size_t)PQgetlength(result, 0, 0);
    return MASTRA_OK;
}

/* Both sides have far more to say than any buffer holds. */
static void large_both_ways(void **state)
{
    (void)state;
    enum { STEPS = 64, BYTES = 1 << 20 };
    struct pg_test *test = open_shared("");
    struct pg_connection *connection = pg_test_borrow(test);
    char *big = calloc(1, BYTES + 1);
    assert_non_null(big);
    memset(big, 'b', BYTES);
    const char *const values[] = {big};
    struct pg_step steps[STEPS];
    for (size_t i = 0; i < STEPS; i++)
        steps[i] = (struct pg_step){
            .kind = PG_STEP_TEXT, .sql = "SELECT $1::text || 'x'", .param_count = 1, .values = values};
    size_t bytes = 0;
    assert_int_equal(pg_exchange(connection, steps, STEPS, count_bytes, &bytes, NULL, &test->error),
                     MASTRA_OK);
    assert_int_equal(bytes, (size_t)STEPS * (BYTES + 1));
    free(big);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

static void copying_is_refused(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    assert_int_equal(pg_test_once(test, "COPY (SELECT 1) TO STDOUT"), MASTRA_NOT_SUPPORTED);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
}

/* Silence. */

/* A statement that takes too long is cancelled on the server, too. */
static void slow_statement(void **state)
{
    (void)state;
    const char *url = postgres_fact(postgres_wanted(), "");
    char *name = postgres_schema_name();
    char *more = test_format("&application_name=%s", name);
    struct pg_test *test = pg_test_open(url, more);
    struct pg_conn *look = postgres_connect(url);
    struct pg_connection *connection = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("SELECT pg_sleep(1000)")};
    struct pg_outcome outcome = {.step = 0};
    pg_test_limit(test->backend.client.pool, PATIENT_MS, 100);
    assert_int_equal(pg_exchange(connection, steps, 1, NULL, NULL, &outcome, &test->error), MASTRA_TIMEOUT);
    assert_false(outcome.in_doubt);
    assert_false(outcome.by_server);
    assert_true(connection->lost);
    pg_pool_give_back(connection);
    pg_test_expect_sessions(look, name, 0);
    pg_test_limit(test->backend.client.pool, PATIENT_MS, PATIENT_MS);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    postgres_close(look);
    pg_test_close(test);
    free(more);
    free(name);
}

static void slow_commit(void **state)
{
    (void)state;
    struct pg_test *test = open_shared("");
    struct pg_connection *connection = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("BEGIN"), text_step("SELECT pg_sleep(1000)"), commit_step()};
    struct pg_outcome outcome = {.step = 0};
    pg_test_limit(test->backend.client.pool, PATIENT_MS, 100);
    assert_int_equal(pg_exchange(connection, steps, 3, NULL, NULL, &outcome, &test->error),
                     MASTRA_UNKNOWN_OUTCOME);
    assert_true(outcome.in_doubt);
    assert_false(test->error.retriable);
    pg_pool_give_back(connection);
    pg_test_close(test);
}

/* A server that answers nobody: neither exchanges nor new connections hang. */
static void stopped_server(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_start(NULL);
    struct pg_test *test = pg_test_open(postgres_fact(server, "_TCP"), "&max=2");
    struct pg_connection *connection = pg_test_borrow(test);
    pg_test_limit(test->backend.client.pool, 300, 200);
    postgres_do(server, "pause");
    assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_TIMEOUT);
    assert_true(connection->lost);
    pg_pool_give_back(connection);
    assert_int_equal(pg_pool_borrow(&test->backend.client, INT64_MAX, &connection, &test->error),
                     MASTRA_TIMEOUT);
    postgres_do(server, "resume");
    pg_test_limit(test->backend.client.pool, PATIENT_MS, PATIENT_MS);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
    postgres_end(server);
}

/* The end of the server. */

static void lost_while_it_works(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_start(NULL);
    struct pg_test *test = pg_test_open(postgres_fact(server, ""), PATIENT);
    struct pg_connection *reading = pg_test_borrow(test);
    struct pg_connection *writing = pg_test_borrow(test);
    const struct pg_step steps[] = {text_step("BEGIN"), commit_step()};
    struct pg_outcome outcome = {.step = 0};
    /* Its end comes without a last word. */
    char *pid = pg_test_text(writing, "SELECT pg_backend_pid()");
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
    free(pid);
    assert_int_equal(pg_exchange(writing, steps, 2, NULL, NULL, &outcome, &test->error),
                     MASTRA_UNKNOWN_OUTCOME);
    assert_true(outcome.in_doubt);
    assert_false(outcome.by_server);
    postgres_do(server, "kill");
    assert_int_equal(pg_test_run(test, reading, "SELECT 1"), MASTRA_UNAVAILABLE);
    assert_true(test->error.retriable);
    pg_pool_give_back(reading);
    pg_pool_give_back(writing);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_UNAVAILABLE);
    assert_true(test->error.retriable);
    postgres_do(server, "start");
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
    postgres_end(server);
}

struct load {
    struct pg_test *test;
    const char *table;
    atomic_int next;
    atomic_int acknowledged;
    atomic_int refused; /* surely not committed */
    atomic_int unknown;
    atomic_bool over;
};

/* One insert, by exchange. */
static void insert_one(struct load *load)
{
    struct pg_connection *connection = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    char *sql = test_format("INSERT INTO %s VALUES (%d)", load->table, atomic_fetch_add(&load->next, 1));
    const struct pg_step steps[] = {text_step("BEGIN"), text_step(sql), commit_step()};
    mastra_status status = pg_pool_borrow(&load->test->backend.client, INT64_MAX, &connection, &error);
    if (status == MASTRA_OK)
        status = pg_exchange(connection, steps, 3, NULL, NULL, NULL, &error);
    pg_pool_give_back(connection);
    free(sql);
    if (status == MASTRA_OK)
        atomic_fetch_add(&load->acknowledged, 1);
    else if (status == MASTRA_UNKNOWN_OUTCOME)
        atomic_fetch_add(&load->unknown, 1);
    else if (status == MASTRA_UNAVAILABLE && error.retriable)
        atomic_fetch_add(&load->refused, 1);
    else
        crew_fail("%s: %s", mastra_status_name(status), error.message);
}

static void *load_main(void *arg)
{
    struct load *load = arg;
    while (!atomic_load(&load->over))
        insert_one(load);
    return NULL;
}

static void work_until(struct load *load, int acknowledged)
{
    while (atomic_load(&load->acknowledged) < acknowledged)
        ms_clock_sleep_us(1000);
}

/* Each restart costs a call in flight one error; what was acknowledged is there, what was refused is not. */
static void restarted_under_load(void **state)
{
    (void)state;
    enum { THREADS = 4, RESTARTS = 3 };
    struct postgres_server *server = postgres_start(NULL);
    struct load load = {.test = pg_test_open(postgres_fact(server, ""), "&max=3" PATIENT)};
    char *table = postgres_schema_name();
    char *sql = test_format("CREATE TABLE %s (n int PRIMARY KEY)", table);
    pthread_t threads[THREADS];
    assert_int_equal(pg_test_once(load.test, sql), MASTRA_OK);
    free(sql);
    load.table = table;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_main, &load), 0);
    for (int i = 0; i < RESTARTS; i++) {
        work_until(&load, atomic_load(&load.acknowledged) + 50);
        postgres_do(server, i % 2 ? "stop" : "kill");
        postgres_do(server, "start");
    }
    work_until(&load, atomic_load(&load.acknowledged) + 50);
    atomic_store(&load.over, true);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    crew_check();
    char *count = count_rows(load.test, table);
    long rows = strtol(count, NULL, 10);
    free(count);
    assert_true(rows >= atomic_load(&load.acknowledged));
    assert_true(rows <= atomic_load(&load.acknowledged) + atomic_load(&load.unknown));
    assert_true(atomic_load(&load.refused) + atomic_load(&load.unknown) > 0);
    free(table);
    pg_test_close(load.test);
    postgres_end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_in_order),     cmocka_unit_test(refused_step),
        cmocka_unit_test(refused_commit),       cmocka_unit_test(failure_of_the_function),
        cmocka_unit_test(large_both_ways),      cmocka_unit_test(copying_is_refused),
        cmocka_unit_test(slow_statement),       cmocka_unit_test(slow_commit),
        cmocka_unit_test(stopped_server),       cmocka_unit_test(lost_while_it_works),
        cmocka_unit_test(restarted_under_load),
    };
    return cmocka_run_group_tests_name("postgres_wire", tests, NULL, NULL);
}
