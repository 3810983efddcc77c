#include "backends/dynamodb/dynamodb.h"
#include "backends/dynamodb/table.h"
#include "base/error.h"

#include <stdio.h>

static void close_backend(struct ms_backend *base)
{
    struct dynamodb *backend = dynamodb_of(base);
    struct ms_heap *heap = backend->base.client.heap;

    ddb_client_close(&backend->base.client);
    for (size_t i = 0; i < DDB_TURNS; i++) {
        pthread_mutex_destroy(&backend->turns[i].lock);
        pthread_cond_destroy(&backend->turns[i].moved);
    }
    ms_heap_release(heap, backend);
}

static mastra_status open_backend(struct ms_config *config, struct ms_backend **ret, mastra_error *error)
{
    struct dynamodb *backend = ms_heap_calloc(config->heap, sizeof *backend);
    mastra_status status;

    if (!backend) {
        return ms_error_oom(error);
    }
    backend->base.base.ops = &ms_dynamodb_ops;
    for (size_t i = 0; i < DDB_TURNS; i++) {
        pthread_mutex_init(&backend->turns[i].lock, NULL);
        pthread_cond_init(&backend->turns[i].moved, NULL);
    }
    status = ddb_client_open(&backend->base.client, config, error);
    if (status != MASTRA_OK) {
        close_backend(&backend->base.base);
        return status;
    }
    atomic_init(&backend->most_items, backend->base.client.settings.transaction_items);
    *ret = &backend->base.base;
    return MASTRA_OK;
}

static unsigned traits(const struct ms_backend *base)
{
    (void)base;
    return 0;
}

static uint32_t parallel(const struct ms_backend *base)
{
    return ((const struct ddb_backend *)base)->client.settings.parallel;
}

static mastra_status ensure_schema(struct ms_backend *base, mastra_error *error)
{
    return ddb_table_check(ddb_client_of(base), error);
}

static void interrupt(struct ms_backend *base)
{
    ddb_client_interrupt(ddb_client_of(base));
}

static void place(const struct ms_backend *base, char *out, size_t size)
{
    snprintf(out, size, "table \"%s\"", ((const struct ddb_backend *)base)->client.settings.table);
}

const struct ms_backend_ops ms_dynamodb_ops = {
    .name = "dynamodb",
    .error_store = "DYNAMODB",
    .clock_slack_ms = 2000,
    .open = open_backend,
    .close = close_backend,
    .traits = traits,
    .parallel = parallel,
    .ensure_schema = ensure_schema,
    .interrupt = interrupt,
    .begin = ddb_begin,
    .get = ddb_get,
    .list = ddb_list,
    .count = ddb_count,
    .page = ddb_page,
    .clock = ddb_clock,
    .apply = ddb_apply,
    .describe_table = ddb_describe_table,
    .ensure_table = ddb_ensure_table,
    .drop_table = ddb_drop_table,
    .create_index = ddb_create_index,
    .drop_index = ddb_drop_index,
    .place = place,
    .list_indexes = ddb_list_indexes,
    .commit = ddb_commit,
    .rollback = ddb_rollback,
    .surveys = &ddb_survey_ops,
};
