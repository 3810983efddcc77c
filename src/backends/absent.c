/* What this build lacks, as functions that say so: the interface has the same names everywhere. */
#include <mastra/dsql.h>
#include <mastra/dynamodb.h>
#include <mastra/postgres.h>

#include "base/error.h"

#if !MASTRA_WITH_POSTGRES

static mastra_status no_postgres(mastra_error *error)
{
    return ms_error_set(error, MASTRA_NOT_SUPPORTED, "this library was built without PostgreSQL");
}

mastra_status mastra_open_postgres(const mastra_postgres_options *postgres, const mastra_options *options,
                                   mastra_store **ret_store, mastra_error *error)
{
    (void)postgres;
    (void)options;
    (void)ret_store;
    return no_postgres(error);
}

mastra_status mastra_postgres_pool_open(const mastra_postgres_options *postgres,
                                        mastra_postgres_pool **ret_pool, mastra_error *error)
{
    (void)postgres;
    (void)ret_pool;
    return no_postgres(error);
}

mastra_status mastra_postgres_store_pool(mastra_store *store, mastra_postgres_pool **ret_pool,
                                         mastra_error *error)
{
    (void)store;
    (void)ret_pool;
    return no_postgres(error);
}

mastra_status mastra_postgres_pool_close(mastra_postgres_pool *pool, mastra_error *error)
{
    return pool ? no_postgres(error) : MASTRA_OK;
}

mastra_status mastra_postgres_borrow(mastra_postgres_pool *pool, int64_t timeout_ms,
                                     struct pg_conn **ret_connection, mastra_error *error)
{
    (void)pool;
    (void)timeout_ms;
    (void)ret_connection;
    return no_postgres(error);
}

mastra_status mastra_postgres_give_back(mastra_postgres_pool *pool, struct pg_conn *connection, bool discard,
                                        mastra_error *error)
{
    (void)pool;
    (void)connection;
    (void)discard;
    return no_postgres(error);
}

mastra_status mastra_postgres_pool_inspect(mastra_postgres_pool *pool, mastra_postgres_pool_info *ret_info,
                                           mastra_error *error)
{
    (void)pool;
    (void)ret_info;
    return no_postgres(error);
}

#endif

#if !MASTRA_WITH_DSQL

mastra_status mastra_open_dsql(const mastra_dsql_options *dsql, const mastra_options *options,
                               mastra_store **ret_store, mastra_error *error)
{
    (void)dsql;
    (void)options;
    (void)ret_store;
    return ms_error_set(error, MASTRA_NOT_SUPPORTED, "this library was built without Aurora DSQL");
}

#endif

#if !MASTRA_WITH_AWS

static mastra_status no_dynamodb(mastra_error *error)
{
    return ms_error_set(error, MASTRA_NOT_SUPPORTED,
                        "this library was built without AWS support, which DynamoDB needs");
}

mastra_status mastra_open_dynamodb(const mastra_dynamodb_options *dynamodb, const mastra_options *options,
                                   mastra_store **ret_store, mastra_error *error)
{
    (void)dynamodb;
    (void)options;
    (void)ret_store;
    return no_dynamodb(error);
}

mastra_status mastra_dynamodb_setup(const mastra_dynamodb_options *dynamodb,
                                    const mastra_dynamodb_setup_options *setup, mastra_error *error)
{
    (void)dynamodb;
    (void)setup;
    return no_dynamodb(error);
}

mastra_status mastra_dynamodb_template(const char *format, const char *table,
                                       const mastra_dynamodb_setup_options *setup, char **ret_text,
                                       size_t *ret_len, mastra_error *error)
{
    (void)format;
    (void)table;
    (void)setup;
    (void)ret_text;
    (void)ret_len;
    return no_dynamodb(error);
}

void mastra_dynamodb_template_free(char *text)
{
    (void)text;
}

#endif
