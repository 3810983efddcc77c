#include "backends/dsql/dsql.h"

#include "base/error.h"
#include "store/store.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

/* The service ends connections after an hour. */
#define LIFETIME_S      3300
#define LIFETIME_MOST_S 3599

static const struct pg_defaults defaults = {
    .settings = {.max = 10,
                 .idle_timeout_ms = 600000,
                 .max_lifetime_s = LIFETIME_S,
                 .connection_timeout_ms = 5000,
                 .statement_timeout_ms = 30000,
                 .allow_exit_on_idle = true,
                 .connect = &dsql_connect_ops},
    .schema = "public",
    .keywords = dsql_door_keywords,
    .leases_only = true,
};

/* Options. */

static mastra_status check_lifetime(struct ms_config *config, const mastra_dsql_options *options,
                                    mastra_error *error)
{
    int64_t seconds = LIFETIME_S;
    mastra_status status = ms_config_int(config, "maxLifetimeSeconds", INT64_MIN, INT64_MAX, &seconds, error);
    char shown[24];

    seconds = options->max_lifetime_s ? options->max_lifetime_s : seconds;
    if (status == MASTRA_OK && (seconds < 1 || seconds > LIFETIME_MOST_S)) {
        snprintf(shown, sizeof shown, "%" PRId64, seconds);
        return ms_error_argument(error, "maxLifetimeSeconds", mastra_str_of(shown),
                                 "must be 1 to 3599: Aurora DSQL ends connections after 60 minutes");
    }
    return status;
}

static mastra_status check_schema(struct ms_config *config, const mastra_dsql_options *options,
                                  mastra_error *error)
{
    mastra_str schema = options->schema ? mastra_str_of(options->schema) : ms_config_param(config, "schema");

    for (size_t i = 0; i < schema.len; i++) {
        unsigned char c = (unsigned char)schema.ptr[i];

        if (c != '_' && !(c < 0x80 && (isalpha(c) || (i > 0 && isdigit(c))))) {
            return ms_error_argument(error, "schema", schema,
                                     "must be a plain identifier: letters, digits and _, no digit first");
        }
    }
    return MASTRA_OK;
}

static mastra_status check_options(struct ms_config *config, const mastra_dsql_options *options,
                                   mastra_error *error)
{
    mastra_str pooler = ms_config_param(config, "pooler");
    mastra_status status = check_lifetime(config, options, error);

    if (status == MASTRA_OK) {
        status = check_schema(config, options, error);
    }
    if (status == MASTRA_OK && pooler.ptr) {
        status = ms_error_argument(error, "pooler", pooler, "is nothing that Aurora DSQL stands behind");
    }
    return status;
}

/* Nothing may be said about how a pool connects that is there already. */
static mastra_status check_pool(const struct ms_config *config, const mastra_dsql_options *options,
                                mastra_error *error)
{
    if (config->raw_path.ptr || options->host || options->user || options->database || options->region ||
        options->profile || options->sslrootcert || options->credentials || options->keys ||
        options->token_expires_s) {
        return ms_error_argument(error, "pool", mastra_str_of(NULL),
                                 "cannot be given together with where or how to connect");
    }
    return MASTRA_OK;
}

/* What both kinds of options say alike. */
static mastra_postgres_options plain_options(const mastra_dsql_options *options)
{
    mastra_postgres_options plain = MASTRA_POSTGRES_OPTIONS_INIT;

    plain.schema = options->schema;
    plain.pool = options->pool;
    plain.max = options->max;
    plain.min = options->min;
    plain.idle_timeout_ms = options->idle_timeout_ms;
    plain.max_lifetime_s = options->max_lifetime_s;
    plain.connection_timeout_ms = options->connection_timeout_ms;
    plain.statement_timeout_ms = options->statement_timeout_ms;
    return plain;
}

/* Opening. */

/* The door goes with the pool, or is let go by it. */
static mastra_status open_pool(struct dsql *backend, struct ms_config *config,
                               const mastra_dsql_options *options, mastra_error *error)
{
    const mastra_postgres_options plain = plain_options(options);
    struct pg_defaults own = defaults;
    struct dsql_door *door = NULL;
    const void *special = config->special;
    mastra_status status =
        options->pool ? check_pool(config, options, error) : dsql_door_new(config, &door, error);

    if (status != MASTRA_OK) {
        return status;
    }
    own.settings.connect_arg = door;
    own.settings.allow_exit_on_idle = !options->hold_exit_on_idle;
    config->special = &plain;
    status = pg_open_flavour(&backend->postgres, &ms_dsql_ops, &dsql_flavour, config, &own, error);
    config->special = special;
    return status;
}

static mastra_status open_backend(struct ms_config *config, struct ms_backend **ret, mastra_error *error)
{
    const mastra_dsql_options options = dsql_given_options(config);
    struct dsql *backend = ms_heap_calloc(config->heap, sizeof *backend);
    mastra_status status;

    if (!backend) {
        return ms_error_oom(error);
    }
    /* For pg_close. */
    backend->postgres.base.heap = config->heap;
    backend->patience_ms = config->options.busy_timeout_ms;
    backend->wait_for_indexes = options.wait_for_indexes;
    status = ms_config_flag(config, "waitForIndexes", &backend->wait_for_indexes, error);
    if (status == MASTRA_OK) {
        status = check_options(config, &options, error);
    }
    if (status == MASTRA_OK) {
        status = open_pool(backend, config, &options, error);
    }
    if (status != MASTRA_OK) {
        pg_close(&backend->postgres.base.base);
        return status;
    }
    *ret = &backend->postgres.base.base;
    return MASTRA_OK;
}

mastra_status mastra_open_dsql(const mastra_dsql_options *dsql, const mastra_options *options,
                               mastra_store **ret_store, mastra_error *error)
{
    if (!dsql) {
        return ms_error_argument(error, "dsql", mastra_str_of(NULL), "must not be NULL");
    }
    return ms_store_open("dsql", dsql->url, dsql, options, ret_store, error);
}

static unsigned traits(const struct ms_backend *base)
{
    (void)base;
    return MS_TRAIT_STRICT_PARENTS;
}

static mastra_status ensure_schema(struct ms_backend *base, mastra_error *error)
{
    mastra_status status = pg_ensure_schema(base, error);

    if (status == MASTRA_OK && dsql_of(base)->wait_for_indexes) {
        status = dsql_wait_for_jobs(postgres_of(base), error);
    }
    return status;
}

const struct ms_backend_ops ms_dsql_ops = {
    .name = "dsql",
    .error_store = "DSQL",
    .open = open_backend,
    .close = pg_close,
    .traits = traits,
    .parallel = pg_parallel,
    .ensure_schema = ensure_schema,
    .interrupt = pg_backend_interrupt,
    .begin = pg_begin,
    .get = pg_get,
    .list = pg_list,
    .count = pg_count,
    .page = pg_page,
    .clock = pg_clock,
    .apply = dsql_apply,
    .describe_table = pg_describe_table,
    .own_column = pg_own_column,
    .ensure_table = pg_ensure_table,
    .drop_table = pg_drop_table,
    .create_index = pg_create_index,
    .drop_index = pg_drop_index,
    .place = pg_place,
    .list_indexes = pg_list_indexes,
    .inspect = pg_inspect,
    .commit = dsql_commit,
    .rollback = pg_rollback,
};
