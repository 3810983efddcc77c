/* The functions of <mastra/dynamodb.h>. */
#include "backends/dynamodb/setup.h"

#include "base/error.h"
#include "store/store.h"

#include <stdlib.h>

static mastra_status missing(mastra_error *error, const char *what)
{
    return ms_error_argument(error, what, mastra_str_of(NULL), "must not be NULL");
}

mastra_status mastra_open_dynamodb(const mastra_dynamodb_options *dynamodb, const mastra_options *options,
                                   mastra_store **ret_store, mastra_error *error)
{
    if (!dynamodb) {
        return missing(error, "dynamodb");
    }
    return ms_store_open("dynamodb", dynamodb->url, dynamodb, options, ret_store, error);
}

/* Setting up. */

/* The same way that a store takes, up to its client. */
static mastra_status set_up(const mastra_dynamodb_options *dynamodb,
                            const mastra_dynamodb_setup_options *setup, struct ms_arena *arena,
                            mastra_error *error)
{
    struct ms_config config = {.heap = ms_arena_heap(arena), .special = dynamodb};
    struct ddb_client client = {.heap = NULL};
    struct ddb_wish plan;
    mastra_status status = ms_store_url(dynamodb->url, "dynamodb", arena, &config, error);

    if (status == MASTRA_OK) {
        status = ddb_client_open(&client, &config, error);
    }
    if (status == MASTRA_OK) {
        status = ddb_wish_read(setup, &client.settings, &plan, error);
    }
    if (status == MASTRA_OK) {
        status = ddb_setup(&client, &plan, error);
    }
    ddb_client_close(&client);
    return status;
}

mastra_status mastra_dynamodb_setup(const mastra_dynamodb_options *dynamodb,
                                    const mastra_dynamodb_setup_options *setup, mastra_error *error)
{
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    mastra_error inner = MASTRA_ERROR_INIT;
    struct ms_heap *heap;
    struct ms_arena *arena;
    mastra_status status;

    if (!dynamodb) {
        return missing(error, "dynamodb");
    }
    memcpy(&options, dynamodb, dynamodb->size < sizeof options ? dynamodb->size : sizeof options);
    options.size = sizeof options;
    heap = ms_heap_new(NULL);
    arena = heap ? ms_arena_new(heap, 0) : NULL;
    status = arena ? set_up(&options, setup, arena, &inner) : ms_error_oom(&inner);
    ms_arena_free(arena);
    ms_heap_unref(heap);
    if (status != MASTRA_OK) {
        ms_error_export(error, &inner);
    }
    return status;
}

/* Templates. */

static mastra_status write_template(const char *format, const char *table,
                                    const mastra_dynamodb_setup_options *setup, struct ms_buf *out,
                                    mastra_error *error)
{
    struct ddb_wish plan;
    mastra_status status = ddb_check_table_name(mastra_str_of(table), error);

    if (status == MASTRA_OK) {
        status = ddb_wish_read(setup, NULL, &plan, error);
    }
    return status == MASTRA_OK ? ddb_template(format, table, &plan, out, error) : status;
}

mastra_status mastra_dynamodb_template(const char *format, const char *table,
                                       const mastra_dynamodb_setup_options *setup, char **ret_text,
                                       size_t *ret_len, mastra_error *error)
{
    struct ms_heap *heap;
    struct ms_buf out;
    char *copy = NULL;
    mastra_status status;

    if (!ret_text) {
        return missing(error, "ret_text");
    }
    heap = ms_heap_new(NULL);
    if (!heap) {
        return ms_error_oom(error);
    }
    ms_buf_init(&out, heap, 0);
    status = write_template(format, table, setup, &out, error);
    if (status == MASTRA_OK) {
        /* In memory that is released without a heap to release it to. */
        copy = malloc(out.len + 1);
        status = copy ? MASTRA_OK : ms_error_oom(error);
    }
    if (status == MASTRA_OK) {
        memcpy(copy, out.ptr, out.len + 1);
        *ret_text = copy;
        if (ret_len) {
            *ret_len = out.len;
        }
    }
    ms_buf_release(&out);
    ms_heap_unref(heap);
    return status;
}

void mastra_dynamodb_template_free(char *text)
{
    free(text);
}
