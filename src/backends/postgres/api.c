/* The functions of <mastra/postgres.h>. */
#include "backends/postgres/client.h"
#include "base/error.h"
#include "store/store.h"

#include <mastra/postgres.h>

#include <unistd.h>

static struct pg_pool *pool_of(mastra_postgres_pool *pool)
{
    return (struct pg_pool *)pool;
}

static mastra_status missing(mastra_error *error, const char *what)
{
    return ms_error_argument(error, what, mastra_str_of(NULL), "must not be NULL");
}

void pg_backend_interrupt(struct ms_backend *backend)
{
    pg_client_interrupt(&pg_backend_of(backend)->client);
}

/* Stores. */

mastra_status mastra_open_postgres(const mastra_postgres_options *postgres, const mastra_options *options,
                                   mastra_store **ret_store, mastra_error *error)
{
    if (!postgres) {
        return missing(error, "postgres");
    }
    return ms_store_open("postgresql", postgres->url, postgres, options, ret_store, error);
}

static const struct ms_op op_pool = {.name = "pool", .error = "POOL"};

static mastra_status get_pool(const mastra_store *store, mastra_postgres_pool **ret_pool, mastra_error *error)
{
    if (!ret_pool) {
        return missing(error, "ret_pool");
    }
    if (store->backend->ops->interrupt != pg_backend_interrupt) {
        return ms_error_set(error, MASTRA_NOT_SUPPORTED, "the store is not on PostgreSQL");
    }
    *ret_pool = (mastra_postgres_pool *)pg_pool_ref(pg_backend_of(store->backend)->client.pool);
    return MASTRA_OK;
}

mastra_status mastra_postgres_store_pool(mastra_store *store, mastra_postgres_pool **ret_pool,
                                         mastra_error *error)
{
    struct ms_call call;
    mastra_status status = ms_call_enter(&call, store, &op_pool);

    if (status == MASTRA_OK) {
        status = get_pool(store, ret_pool, &call.error);
    }
    return ms_call_end(&call, status, error);
}

/* Pools. */

/* The same way that a store takes, up to the pool. */
static mastra_status open_pool(const mastra_postgres_options *options, struct ms_arena *arena,
                               struct pg_pool **ret, mastra_error *error)
{
    struct ms_config config = {.heap = ms_arena_heap(arena), .special = options};
    struct pg_pool_settings settings = pg_postgres_defaults.settings;
    struct pg_keywords keywords;
    mastra_status status = MASTRA_OK;

    pg_keywords_init(&keywords, config.heap);
    if (options->url) {
        status = ms_store_url(options->url, "postgresql", arena, &config, error);
    }
    if (status == MASTRA_OK) {
        status = pg_read_keywords(&config, &keywords, error);
    }
    if (status == MASTRA_OK) {
        status = pg_read_pool_settings(&config, &settings, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_unused(&config, error);
    }
    if (status == MASTRA_OK) {
        status = pg_pool_new(config.heap, &keywords, &settings, ret, error);
    }
    pg_keywords_release(&keywords);
    return status;
}

mastra_status mastra_postgres_pool_open(const mastra_postgres_options *postgres,
                                        mastra_postgres_pool **ret_pool, mastra_error *error)
{
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    struct pg_pool *pool = NULL;
    struct ms_heap *heap;
    struct ms_arena *arena;
    mastra_status status;

    if (!ret_pool) {
        return missing(error, "ret_pool");
    }
    if (postgres) {
        memcpy(&options, postgres, postgres->size < sizeof options ? postgres->size : sizeof options);
        options.size = sizeof options;
    }
    if (options.pool || options.schema) {
        return ms_error_argument(error, options.pool ? "pool" : "schema", mastra_str_of(NULL),
                                 "is for a store, not for a pool");
    }
    heap = ms_heap_new(options.allocator);
    arena = heap ? ms_arena_new(heap, 0) : NULL;
    status = arena ? open_pool(&options, arena, &pool, error) : ms_error_oom(error);
    ms_arena_free(arena);
    ms_heap_unref(heap);
    if (status == MASTRA_OK) {
        *ret_pool = (mastra_postgres_pool *)pool;
    }
    return status;
}

static mastra_status check_pool(const mastra_postgres_pool *pool, mastra_error *error)
{
    if (!pool) {
        return missing(error, "pool");
    }
    if (pg_pool_forked((const struct pg_pool *)pool)) {
        return ms_error_set(error, MASTRA_FORKED,
                            "the connection pool was opened before this process was forked");
    }
    return MASTRA_OK;
}

mastra_status mastra_postgres_pool_close(mastra_postgres_pool *pool, mastra_error *error)
{
    mastra_status status = pool ? check_pool(pool, error) : MASTRA_OK;

    if (status == MASTRA_OK) {
        pg_pool_unref(pool_of(pool));
    }
    return status;
}

mastra_status mastra_postgres_borrow(mastra_postgres_pool *pool, int64_t timeout_ms,
                                     struct pg_conn **ret_connection, mastra_error *error)
{
    mastra_status status = check_pool(pool, error);

    if (status == MASTRA_OK && !ret_connection) {
        return missing(error, "ret_connection");
    }
    if (status == MASTRA_OK && timeout_ms < MASTRA_NO_LIMIT) {
        return ms_error_argument(error, "timeout_ms", mastra_str_of(NULL), "must not be negative");
    }
    if (status == MASTRA_OK) {
        status = pg_pool_lend(pool_of(pool), timeout_ms, ret_connection, error);
    }
    return status;
}

mastra_status mastra_postgres_give_back(mastra_postgres_pool *pool, struct pg_conn *connection, bool discard,
                                        mastra_error *error)
{
    mastra_status status = check_pool(pool, error);

    if (status == MASTRA_OK && !pg_pool_take_back(pool_of(pool), connection, discard)) {
        return ms_error_argument(error, "connection", mastra_str_of(NULL), "is not borrowed from this pool");
    }
    return status;
}

mastra_status mastra_postgres_pool_inspect(mastra_postgres_pool *pool, mastra_postgres_pool_info *ret_info,
                                           mastra_error *error)
{
    mastra_postgres_pool_info info = MASTRA_POSTGRES_POOL_INFO_INIT;
    struct pg_pool_counts counts;
    mastra_status status = check_pool(pool, error);

    if (status == MASTRA_OK && !ret_info) {
        return missing(error, "ret_info");
    }
    if (status != MASTRA_OK) {
        return status;
    }
    pg_pool_count(pool_of(pool), &counts);
    info.size = ret_info->size < sizeof info ? ret_info->size : sizeof info;
    info.max = pg_pool_settings_of(pool_of(pool))->max;
    info.total = (uint32_t)counts.total;
    info.idle = (uint32_t)counts.idle;
    info.waiting = (uint32_t)counts.waiting;
    info.allow_exit_on_idle = pg_pool_settings_of(pool_of(pool))->allow_exit_on_idle;
    memcpy(ret_info, &info, info.size);
    return MASTRA_OK;
}
