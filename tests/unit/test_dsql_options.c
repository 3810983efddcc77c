/* What is refused of a dsql:// URL and of mastra_dsql_options before anything is connected. */
#include <mastra/mastra.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "abc123.dsql.us-east-1.on.aws"

static int begin(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIATEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "never shown", 1);
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    return 0;
}

static void refused(const char *url, const char *words)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    assert_int_equal(mastra_open(url, NULL, &store, &error), MASTRA_INVALID_ARGUMENT);
    assert_null(store);
    if (!strstr(error.message, words))
        fail_msg("%s: %s", url, error.message);
}

static void taken(const char *url)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s: %s", url, error.message);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_urls(void **state)
{
    (void)state;
    taken("dsql://" HOST);
    taken("dsql://" HOST "/?user=admin&schema=app&database=postgres&region=eu-west-1");
    taken("dsql://abc123?region=us-east-1");
    taken("dsql://" HOST "?max=3&min=1&idleTimeoutMillis=0&maxLifetimeSeconds=3599&connectionTimeoutMillis=1"
          "&statementTimeoutMillis=1&allowExitOnIdle=0&tokenDurationSecs=1&waitForIndexes=1&profile=default");
    taken("dsql://" HOST "?port=5433&hostaddr=127.0.0.1&application_name=x&connect_timeout=3&sslrootcert=/x");
    refused("dsql://", "dsql://");
    refused("dsql:" HOST, "dsql://");
    refused("dsql://admin@" HOST, "user");
    refused("dsql://" HOST "/postgres", "behind the host");
    refused("dsql://" HOST ":5432", "host");
    refused("dsql://abc123", "region");
    refused("dsql://cluster.example.com", "region");
    refused("dsql://" HOST "?region=nowhere/at/all", "region");
    refused("dsql://" HOST "?sslmode=disable", "sslmode");
    refused("dsql://" HOST "?password=x", "password");
    refused("dsql://" HOST "?user=", "user");
    refused("dsql://" HOST "?database=", "database");
    refused("dsql://" HOST "?schema=a-b", "schema");
    refused("dsql://" HOST "?schema=1a", "schema");
    refused("dsql://" HOST "?schema=", "schema");
    refused("dsql://" HOST "?pooler=transaction", "pooler");
    refused("dsql://" HOST "?max=0", "max");
    refused("dsql://" HOST "?min=11", "min");
    refused("dsql://" HOST "?tokenDurationSecs=604801", "tokenDurationSecs");
    refused("dsql://" HOST "?waitForIndexes=perhaps", "waitForIndexes");
    refused("dsql://" HOST "?sslrootcert=", "sslrootcert");
}

/* The service ends connections after an hour. */
static void test_lifetime(void **state)
{
    (void)state;
    refused("dsql://" HOST "?maxLifetimeSeconds=3600", "60 minutes");
    refused("dsql://" HOST "?maxLifetimeSeconds=0", "60 minutes");
    refused("dsql://" HOST "?maxLifetimeSeconds=-1", "maxLifetimeSeconds");
    mastra_dsql_options dsql = MASTRA_DSQL_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    dsql.host = HOST;
    dsql.max_lifetime_s = MASTRA_NO_LIMIT;
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &store, &error), MASTRA_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "60 minutes"));
}

static void open_refused(const mastra_dsql_options *dsql, const char *words)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    assert_int_equal(mastra_open_dsql(dsql, NULL, &store, &error), MASTRA_INVALID_ARGUMENT);
    assert_null(store);
    if (!strstr(error.message, words))
        fail_msg("%s", error.message);
}

static void test_options(void **state)
{
    (void)state;
    mastra_dsql_options dsql = MASTRA_DSQL_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    open_refused(NULL, "dsql");
    open_refused(&dsql, "host");
    dsql.host = HOST;
    dsql.url = "dsql://" HOST;
    open_refused(&dsql, "host");
    dsql.url = "postgresql://" HOST;
    open_refused(&dsql, "scheme");
    dsql.url = NULL;
    dsql.token_expires_s = -1;
    open_refused(&dsql, "token_expires_s");
    dsql.token_expires_s = 0;
    dsql.schema = "no good";
    open_refused(&dsql, "schema");
    dsql.schema = "app";
    dsql.user = "";
    open_refused(&dsql, "user");
    dsql.user = NULL;
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &store, &error), MASTRA_OK);

    mastra_postgres_pool *pool = NULL;
    mastra_postgres_pool_info info = MASTRA_POSTGRES_POOL_INFO_INIT;
    assert_int_equal(mastra_postgres_store_pool(store, &pool, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_inspect(pool, &info, &error), MASTRA_OK);
    assert_int_equal(info.max, 10);
    assert_true(info.allow_exit_on_idle);
    dsql.pool = pool;
    open_refused(&dsql, "pool");
    dsql.host = NULL;
    dsql.max = 3;
    open_refused(&dsql, "pool");
    dsql.max = 0;

    mastra_store *other = NULL;
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &other, &error), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(other, NULL), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_urls, begin),
        cmocka_unit_test_setup(test_lifetime, begin),
        cmocka_unit_test_setup(test_options, begin),
    };
    return cmocka_run_group_tests_name("dsql options", tests, NULL, NULL);
}
