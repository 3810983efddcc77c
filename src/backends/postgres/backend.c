#include "backends/postgres/ddl.h"
#include "base/error.h"

#include <stdio.h>

const struct pg_flavour pg_flavour = {
    .dialect = &pg_dialect,
    .text_dialect = &pg_text_dialect,
    /* Rows that a unit depends upon are locked as they are read, and what it did not find must still be missing when it
     * is written (see struct pg_absent): whatever the server does between its statements cannot hurt it. */
    .begin = "BEGIN ISOLATION LEVEL READ COMMITTED",
    .begin_snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .clock = "SELECT clock_timestamp()",
    .fate = "SELECT pg_current_xact_id()::text, " PG_SERVER,
    .indexes = pg_indexes,
    .index_count = PG_INDEX_COUNT,
};

void pg_close(struct ms_backend *base)
{
    struct postgres *backend = postgres_of(base);

    pg_backend_disconnect(&backend->base);
    ms_heap_release(backend->base.heap, backend);
}

mastra_status pg_open_flavour(struct postgres *backend, const struct ms_backend_ops *ops,
                              const struct pg_flavour *flavour, struct ms_config *config,
                              const struct pg_defaults *defaults, mastra_error *error)
{
    backend->base.base.ops = ops;
    backend->base.heap = config->heap;
    backend->base.log = config->log;
    backend->flavour = flavour;
    backend->patience_ms = config->options.busy_timeout_ms;
    for (int e = 0; flavour->json_is_text && e < MS_ENTITY_COUNT; e++) {
        atomic_store(&backend->text_json[e], ms_entity_all(ms_entity(e)));
        atomic_store(&backend->looked, true);
    }
    return pg_backend_connect(&backend->base, config, defaults, error);
}

static mastra_status open_backend(struct ms_config *config, struct ms_backend **ret, mastra_error *error)
{
    struct postgres *backend = ms_heap_calloc(config->heap, sizeof *backend);
    mastra_status status;

    if (!backend) {
        return ms_error_oom(error);
    }
    status = pg_open_flavour(backend, &ms_postgres_ops, &pg_flavour, config, &pg_postgres_defaults, error);
    if (status != MASTRA_OK) {
        pg_close(&backend->base.base);
        return status;
    }
    *ret = &backend->base.base;
    return MASTRA_OK;
}

static unsigned traits(const struct ms_backend *base)
{
    (void)base;
    return MS_TRAIT_STRICT_PARENTS | MS_TRAIT_JSON_BY_VALUE;
}

uint32_t pg_parallel(const struct ms_backend *base)
{
    return pg_pool_settings_of(pg_backend_of(base)->client.pool)->max;
}

void pg_place(const struct ms_backend *base, char *out, size_t size)
{
    snprintf(out, size, "schema \"%s\"", ((const struct postgres *)base)->base.schema);
}

const struct ms_backend_ops ms_postgres_ops = {
    .name = "postgres",
    .error_store = "PG",
    .open = open_backend,
    .close = pg_close,
    .traits = traits,
    .parallel = pg_parallel,
    .ensure_schema = pg_ensure_schema,
    .interrupt = pg_backend_interrupt,
    .begin = pg_begin,
    .get = pg_get,
    .list = pg_list,
    .count = pg_count,
    .page = pg_page,
    .clock = pg_clock,
    .apply = pg_apply,
    .describe_table = pg_describe_table,
    .own_column = pg_own_column,
    .stamped = pg_stamped,
    .ensure_table = pg_ensure_table,
    .drop_table = pg_drop_table,
    .create_index = pg_create_index,
    .drop_index = pg_drop_index,
    .place = pg_place,
    .list_indexes = pg_list_indexes,
    .inspect = pg_inspect,
    .erase_repeats = pg_erase_repeats,
    .size = pg_size,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .guards = &pg_guard_ops,
};
