/* A library that was built without libpq and without AWS support: their functions are there, and say so. */
#undef MASTRA_WITH_POSTGRES
#define MASTRA_WITH_POSTGRES 0
#undef MASTRA_WITH_AWS
#define MASTRA_WITH_AWS 0
#undef MASTRA_WITH_DSQL
#define MASTRA_WITH_DSQL 0
#include "../../src/backends/absent.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check_says(mastra_status status, mastra_error *error, const char *what)
{
    assert_int_equal(status, MASTRA_NOT_SUPPORTED);
    assert_int_equal(error->status, MASTRA_NOT_SUPPORTED);
    assert_non_null(strstr(error->message, what));
    memset(error->message, 0, sizeof(error->message));
}

static void check(mastra_status status, mastra_error *error)
{
    check_says(status, error, "without PostgreSQL");
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

static void no_dynamodb_here(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    char *text = NULL;

    check_says(mastra_open_dynamodb(NULL, NULL, NULL, &error), &error, "without AWS");
    check_says(mastra_dynamodb_setup(NULL, NULL, &error), &error, "without AWS");
    check_says(mastra_dynamodb_template("cdk", "agents", NULL, &text, NULL, &error), &error, "without AWS");
    assert_null(text);
    mastra_dynamodb_template_free(NULL);
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
        cmocka_unit_test(no_dynamodb_here),
        cmocka_unit_test(no_dsql_here),
    };
    return cmocka_run_group_tests_name("absent", tests, NULL, NULL);
}
