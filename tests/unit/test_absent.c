/* A library that was built without libpq: its functions are there, and say so. */
#undef MASTRA_WITH_POSTGRES
#define MASTRA_WITH_POSTGRES 0
#undef MASTRA_WITH_DSQL
#define MASTRA_WITH_DSQL 0
#include "../../src/backends/absent.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(mastra_status status, mastra_error *error)
{
    assert_int_equal(status, MASTRA_NOT_SUPPORTED);
    assert_int_equal(error->status, MASTRA_NOT_SUPPORTED);
    assert_non_null(strstr(error->message, "without PostgreSQL"));
    memset(error->message, 0, sizeof(error->message));
}

static void no_postgres_here(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    check(mastra_open_postgres(NULL, NULL, NULL, &error), &error);
    check(mastra_postgres_pool_open(NULL, NULL, &error), &error);
    check(mastra_postgres_store_pool(NULL, NULL, &error), &error);
    check(mastra_postgres_borrow(NULL, 0, NULL, &error), &error);
    check(mastra_postgres_give_back(NULL, NULL, false, &error), &error);
    check(mastra_postgres_pool_inspect(NULL, NULL, &error), &error);
    assert_int_equal(mastra_postgres_pool_close(NULL, &error), MASTRA_OK);
}

static void no_dsql_here(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(mastra_open_dsql(NULL, NULL, NULL, &error), MASTRA_NOT_SUPPORTED);
    assert_non_null(strstr(error.message, "without Aurora DSQL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_postgres_here),
        cmocka_unit_test(no_dsql_here),
    };
    return cmocka_run_group_tests_name("absent", tests, NULL, NULL);
}
