/* Where and how a PostgreSQL store connects, as its URL and options say it. Nothing is connected here. */
#include "support/files.h"
#include "support/pg_client.h"

#include <mastra/postgres.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct pg_pool_settings *settings_of(const struct pg_test *test)
{
    return pg_pool_settings_of(test->backend.client.pool);
}

/* Refused for a reason whose text holds the words, and never the secret. */
static void refuses(const char *url, const char *field, const char *words)
{
    struct pg_test *test = pg_test_try(url, NULL);
    bool fine = test->error.status == MASTRA_INVALID_ARGUMENT && strcmp(test->error.field, field) == 0 &&
                strstr(test->error.message, words) && !strstr(test->error.message, "s3cret") &&
                !strstr(test->error.value, "s3cret");
    mastra_error error = test->error;
    pg_test_close(test);
    if (!fine)
        fail_msg("%s: %s, field \"%s\": %s", url, mastra_status_name(error.status), error.field,
                 error.message);
}

static void defaults(void **state)
{
    (void)state;
    struct pg_test *test = pg_test_open("postgresql://", "");
    const struct pg_pool_settings *settings = settings_of(test);
    assert_string_equal(test->backend.schema, "public");
    assert_int_equal(settings->max, 10);
    assert_int_equal(settings->min, 0);
    assert_int_equal(settings->idle_timeout_ms, 30000);
    assert_int_equal(settings->max_lifetime_s, 0);
    assert_int_equal(settings->connection_timeout_ms, 10000);
    assert_int_equal(settings->statement_timeout_ms, 30000);
    assert_false(settings->transaction_pooler);
    assert_non_null(test->backend.guards);
    pg_test_close(test);
}

static void all_in_the_url(void **state)
{
    (void)state;
    struct pg_test *test = pg_test_open(
        "postgres://me:s3cret@db.example:5433/agents?schema=My%20%22schema%22&max=3&min=2",
        "&idleTimeoutMillis=0&maxLifetimeSeconds=60&connectionTimeoutMillis=7&statementTimeoutMillis=8"
        "&allowExitOnIdle=true&pooler=transaction&sslmode=require&application_name=x%20y&connect_timeout=3");
    const struct pg_pool_settings *settings = settings_of(test);
    assert_string_equal(test->backend.schema, "My \"schema\"");
    assert_int_equal(settings->max, 3);
    assert_int_equal(settings->min, 2);
    assert_int_equal(settings->idle_timeout_ms, 0);
    assert_int_equal(settings->max_lifetime_s, 60);
    assert_int_equal(settings->connection_timeout_ms, 7);
    assert_int_equal(settings->statement_timeout_ms, 8);
    assert_true(settings->allow_exit_on_idle);
    assert_true(settings->transaction_pooler);
    assert_null(test->backend.guards);
    pg_test_close(test);
}

static void assert_keyword(const struct pg_keywords *keywords, const char *name, const char *value)
{
    const char *is = pg_keywords_get(keywords, name);
    assert_non_null(is);
    assert_string_equal(is, value);
}

/* The keywords of an URL and options. */
static void read_keywords(const char *url, const mastra_postgres_options *options,
                          struct pg_keywords *keywords)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    struct ms_config config = {.heap = heap, .special = options};
    mastra_error error = MASTRA_ERROR_INIT;
    pg_keywords_init(keywords, heap);
    if (url)
        assert_int_equal(ms_url_parse(url, arena, &config, &error), MASTRA_OK);
    if (pg_read_keywords(&config, keywords, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    ms_arena_free(arena);
}

static void release_keywords(struct pg_keywords *keywords)
{
    struct ms_heap *heap = keywords->heap;
    pg_keywords_release(keywords);
    ms_heap_unref(heap);
}

static void keywords_of_a_url(void **state)
{
    (void)state;
    struct pg_keywords keywords;
    read_keywords(
        "postgresql://me:p%40ss%2Fw%3Frd@[::1]:5433,b:5434/my%20agents?host=/run/x&ssl=true&schema=a"
        "&options=-c%20TimeZone%3DUTC",
        NULL, &keywords);
    assert_keyword(&keywords, "user", "me");
    assert_keyword(&keywords, "password", "p@ss/w?rd");
    assert_keyword(&keywords, "port", "5433,5434");
    assert_keyword(&keywords, "dbname", "my agents");
    assert_keyword(&keywords, "host", "/run/x");
    assert_keyword(&keywords, "sslmode", "require");
    assert_keyword(&keywords, "options", "-c TimeZone=UTC");
    assert_null(pg_keywords_get(&keywords, "schema"));
    release_keywords(&keywords);
}

static void keywords_of_options(void **state)
{
    (void)state;
    const char *const names[] = {"user", "password", NULL};
    const char *const values[] = {"her", "s3cret", NULL};
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    struct pg_keywords keywords;
    options.url = "host=/tmp user='me' dbname = agents";
    options.keywords = names;
    options.values = values;
    read_keywords(NULL, &options, &keywords);
    assert_keyword(&keywords, "user", "her");
    assert_keyword(&keywords, "password", "s3cret");
    assert_keyword(&keywords, "dbname", "agents");
    assert_keyword(&keywords, "host", "/tmp");
    release_keywords(&keywords);
}

static void refusals(void **state)
{
    (void)state;
    refuses("postgresql:me@host/db", "url", "must begin with postgresql://");
    refuses("postgresql://me:s3/cret@host/db", "url", "percent-encoded");
    refuses("postgresql://me:s3cret", "port", "must be a number");
    refuses("postgresql://me:s3cret%zz@host/db", "url", "percent-encoded");
    refuses("postgresql://host/db?port=s3cret", "port", "must be a number");
    refuses("postgresql://host/db?flavour=x", "url", "flavour");
    refuses("postgresql://host/db?max=0", "max", "out of range");
    refuses("postgresql://host/db?max=1001", "max", "out of range");
    refuses("postgresql://host/db?max=many", "max", "whole number");
    refuses("postgresql://host/db?min=11", "min", "greater than max");
    refuses("postgresql://host/db?idleTimeoutMillis=-1", "idleTimeoutMillis", "whole number");
    refuses("postgresql://host/db?pooler=session", "pooler", "none or transaction");
    refuses("postgresql://host/db?schema=", "schema", "not empty");
    refuses("postgresql://host/db?schema=%ff", "schema", "UTF-8");
    refuses("postgresql://host/db?schema=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
            "schema", "63 bytes");
    refuses("postgresql://host/db?allowExitOnIdle=perhaps", "allowExitOnIdle", "must be 0, 1");
    refuses("postgresql://host/db?user=a%00b", "user", "NUL");
}

static void refuse_options(const mastra_postgres_options *options, const char *field)
{
    struct pg_test *test = pg_test_try(NULL, options);
    mastra_error error = test->error;
    pg_test_close(test);
    assert_int_equal(error.status, MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, field);
}

static void refused_options(void **state)
{
    (void)state;
    const mastra_postgres_options blank = MASTRA_POSTGRES_OPTIONS_INIT;
    const char *const names[] = {"hots", NULL};
    const char *const values[] = {"x", NULL};
    mastra_postgres_options options = blank;
    options.keywords = names;
    options.values = values;
    refuse_options(&options, "keywords");
    options.values = NULL;
    refuse_options(&options, "values");
    options = blank;
    options.idle_timeout_ms = -2;
    refuse_options(&options, "idleTimeoutMillis");
    options = blank;
    options.max = 1001;
    refuse_options(&options, "max");
    options = blank;
    options.pooler = (mastra_pooler)7;
    refuse_options(&options, "pooler");
    options = blank;
    options.url = "host=x s3cret";
    refuse_options(&options, "url");
}

/* What a program compiled earlier does not know is as if it were not set. */
static void smaller_options(void **state)
{
    (void)state;
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    options.schema = "older";
    options.max = 77;
    options.size = offsetof(mastra_postgres_options, pool);
    struct pg_test *test = pg_test_try(NULL, &options);
    assert_int_equal(test->error.status, MASTRA_OK);
    assert_string_equal(test->backend.schema, "older");
    assert_int_equal(settings_of(test)->max, 10);
    pg_test_close(test);
}

static void no_limits(void **state)
{
    (void)state;
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    options.idle_timeout_ms = MASTRA_NO_LIMIT;
    options.connection_timeout_ms = 5;
    options.statement_timeout_ms = MASTRA_NO_LIMIT;
    options.pooler = MASTRA_POOLER_NONE;
    struct pg_test *test = pg_test_try("postgresql://?pooler=transaction&statementTimeoutMillis=9", &options);
    assert_int_equal(test->error.status, MASTRA_OK);
    assert_int_equal(settings_of(test)->idle_timeout_ms, 0);
    assert_int_equal(settings_of(test)->connection_timeout_ms, 5);
    assert_int_equal(settings_of(test)->statement_timeout_ms, 0);
    assert_false(settings_of(test)->transaction_pooler);
    pg_test_close(test);
}

/* A pool of the program is all that is said about connecting. */
static void given_pools(void **state)
{
    (void)state;
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    options.url = "postgresql://me@host/db?max=4";
    assert_int_equal(mastra_postgres_pool_open(&options, &pool, &error), MASTRA_OK);
    mastra_postgres_options with = MASTRA_POSTGRES_OPTIONS_INIT;
    with.pool = pool;
    with.schema = "one";
    struct pg_test *one = pg_test_try(NULL, &with);
    with.schema = "two";
    struct pg_test *two = pg_test_try(NULL, &with);
    assert_int_equal(one->error.status, MASTRA_OK);
    assert_ptr_equal(one->backend.client.pool, two->backend.client.pool);
    assert_int_not_equal(one->backend.scope, two->backend.scope);
    assert_int_equal(settings_of(one)->max, 4);
    with.max = 5;
    refuse_options(&with, "pool");
    pg_test_close(one);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
    pg_test_close(two);
}

static void pools_that_cannot_be(void **state)
{
    (void)state;
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(mastra_postgres_pool_open(&options, NULL, &error), MASTRA_INVALID_ARGUMENT);
    options.schema = "x";
    assert_int_equal(mastra_postgres_pool_open(&options, &pool, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "schema");
    options.schema = NULL;
    options.url = "file:///tmp/x";
    assert_int_equal(mastra_postgres_pool_open(&options, &pool, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "url");
    assert_null(pool);
    assert_int_equal(mastra_postgres_pool_close(NULL, &error), MASTRA_OK);
    assert_int_equal(mastra_open_postgres(NULL, NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
}

static void pool_of_another_backend(void **state)
{
    (void)state;
    mastra_store *store = NULL;
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(mastra_open(":memory:", NULL, &store, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_store_pool(store, &pool, &error), MASTRA_NOT_SUPPORTED);
    assert_int_equal(mastra_postgres_store_pool(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_close(store, &error), MASTRA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(all_in_the_url),
        cmocka_unit_test(keywords_of_a_url),
        cmocka_unit_test(keywords_of_options),
        cmocka_unit_test(refusals),
        cmocka_unit_test(refused_options),
        cmocka_unit_test(smaller_options),
        cmocka_unit_test(no_limits),
        cmocka_unit_test(given_pools),
        cmocka_unit_test(pools_that_cannot_be),
        cmocka_unit_test(pool_of_another_backend),
    };
    return cmocka_run_group_tests_name("postgres_settings", tests, NULL, NULL);
}
