#include "support/pg_client.h"

#include "base/clock.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* For what the server does by and by; a test that waits so long has failed. */
#define PATIENCE_NS INT64_C(120000000000)

static void take_log(void *user, mastra_log_level level, const char *text)
{
    struct pg_test *test = user;
    size_t len = strlen(test->all_log);
    (void)level;
    snprintf(test->all_log + len, sizeof(test->all_log) - len, "%s\n", text);
}

static mastra_status connect_backend(struct pg_test *test, const char *url, const void *options,
                                     const struct pg_defaults *defaults)
{
    struct ms_arena *arena = ms_arena_new(test->heap, 0);
    struct ms_config config = {.heap = test->heap, .log = &test->log, .special = options};
    mastra_status status = url ? ms_url_parse(url, arena, &config, &test->error) : MASTRA_OK;
    if (status == MASTRA_OK)
        status = pg_backend_connect(&test->backend, &config, defaults, &test->error);
    ms_arena_free(arena);
    return status;
}

struct pg_test *pg_test_try(const char *url, const void *options)
{
    return pg_test_try_with(url, options, &pg_postgres_defaults);
}

struct pg_test *pg_test_try_with(const char *url, const void *options, const struct pg_defaults *defaults)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    struct pg_test *test = calloc(1, sizeof(*test));
    assert_non_null(test);
    test->error = blank;
    test->heap = ms_heap_new(NULL);
    test->log = (struct ms_log){.fn = take_log, .user = test, .level = MASTRA_LOG_DEBUG};
    connect_backend(test, url, options, defaults);
    return test;
}

struct pg_test *pg_test_open(const char *url, const char *more)
{
    char *whole = test_format("%s%s", url, more);
    struct pg_test *test = pg_test_try(whole, NULL);
    free(whole);
    if (test->error.status != MASTRA_OK)
        fail_msg("%s", test->error.message);
    return test;
}

void pg_test_close(struct pg_test *test)
{
    pg_backend_disconnect(&test->backend);
    ms_heap_unref(test->heap);
    free(test);
}

void pg_test_limit(struct pg_pool *pool, int64_t connection_ms, int64_t statement_ms)
{
    struct pg_pool_settings *settings = (struct pg_pool_settings *)(uintptr_t)pg_pool_settings_of(pool);
    settings->connection_timeout_ms = connection_ms;
    settings->statement_timeout_ms = statement_ms;
}

struct pg_connection *pg_test_borrow(struct pg_test *test)
{
    struct pg_connection *connection = NULL;
    mastra_status status = pg_pool_borrow(&test->backend.client, INT64_MAX, &connection, &test->error);
    if (status != MASTRA_OK)
        fail_msg("%s: %s", mastra_status_name(status), test->error.message);
    return connection;
}

mastra_status pg_test_run(struct pg_test *test, struct pg_connection *connection, const char *sql)
{
    return pg_execute(connection, sql, &test->error);
}

static mastra_status copy_text(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    (void)step;
    (void)error;
    if (PQntuples(result) > 0)
        *(char **)arg = test_format("%s", PQgetvalue(result, 0, 0));
    return MASTRA_OK;
}

char *pg_test_text(struct pg_connection *connection, const char *sql)
{
    const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql};
    mastra_error error = MASTRA_ERROR_INIT;
    char *text = NULL;
    if (pg_exchange(connection, &step, 1, copy_text, &text, NULL, &error) != MASTRA_OK || !text)
        fail_msg("%s: %s", sql, error.message);
    return text;
}

mastra_status pg_test_once(struct pg_test *test, const char *sql)
{
    struct pg_connection *connection = NULL;
    mastra_status status = pg_pool_borrow(&test->backend.client, INT64_MAX, &connection, &test->error);
    if (status != MASTRA_OK)
        return status;
    status = pg_test_run(test, connection, sql);
    pg_pool_give_back(connection);
    return status;
}

void pg_test_expect_sessions(struct pg_conn *look, const char *application_name, int count)
{
    char *sql =
        test_format("SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s'", application_name);
    int64_t begun_ns = ms_clock_monotonic_ns();
    int seen = -1;
    while (seen != count && ms_clock_monotonic_ns() - begun_ns < PATIENCE_NS) {
        char *text = postgres_text(look, sql);
        seen = (int)strtol(text, NULL, 10);
        free(text);
        if (seen != count)
            ms_clock_sleep_us(10000);
    }
    free(sql);
    if (seen != count)
        fail_msg("%d sessions, not %d", seen, count);
}
