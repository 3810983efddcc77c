/* Indexes that callers name: the table's global secondary ones. */
#include "backends/dynamodb/table.h"

#include "base/error.h"
#include "base/size.h"
#include "schema/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MOST_COLUMNS 4

/* What one index does for one entity: the columns that its keys are made of, in their order. */
struct service {
    unsigned number;
    uint8_t columns[MOST_COLUMNS];
    size_t count;
    size_t needed; /* of them those of the partition: a query must know them all */
};

static void take_columns(const struct ms_entity *entity, const char *template, struct service *service)
{
    const char *at = template;

    while ((at = strchr(at, '{')) != NULL && service->count < MOST_COLUMNS) {
        mastra_str name = {at + 1, strcspn(at + 1, ":}")};
        int column = ms_entity_column(entity, name);

        if (column >= 0) {
            service->columns[service->count++] = (uint8_t)column;
        }
        at++;
    }
}

/* The service of that number, from 0, of an entity; false when there is none. A path for some of its records only is not
 * what a caller means by an index. */
static bool service_at(const struct ms_entity *entity, uint8_t path, struct service *ret)
{
    const struct ms_item_path *found = &entity->item->paths[path];

    *ret = (struct service){.number = found->index};
    if (found->index == 0 || found->absent) {
        return false;
    }
    take_columns(entity, found->partition, ret);
    ret->needed = ret->count;
    take_columns(entity, found->sort, ret);
    return true;
}

static const char *column_name(const struct ms_entity *entity, const struct service *service, size_t index)
{
    return entity->columns[service->columns[index]].name;
}

/* "scorerId, createdAt" */
static void put_columns(struct ms_buf *out, const struct ms_entity *entity, const struct service *service)
{
    for (size_t i = 0; i < service->count; i++) {
        ms_buf_printf(out, "%s%s", i ? ", " : "", column_name(entity, service, i));
    }
}

/* Creating. */

static mastra_status refuse_wish(struct ms_heap *heap, const struct ms_entity *entity, const char *why,
                                 mastra_error *error)
{
    struct ms_buf possible;
    const char *before = "";
    struct service service;
    mastra_status status;

    ms_buf_init(&possible, heap, 0);
    for (uint8_t i = 0; i < entity->item->path_count; i++) {
        if (service_at(entity, i, &service)) {
            ms_buf_add_text(&possible, before);
            put_columns(&possible, entity, &service);
            ms_buf_printf(&possible, " (gsi%u)", service.number);
            before = "; ";
        }
    }
    status =
        ms_error_set(error, MASTRA_NOT_SUPPORTED, "DynamoDB has no such index: %s; on %s there can be %s",
                     why, entity->table, possible.len ? possible.ptr : "none");
    ms_buf_release(&possible);
    return status;
}

/* Whether the wish asks for columns that the index begins with, all of its partition's among them. */
static bool serves(const struct ms_entity *entity, const struct service *service,
                   const struct ms_index_wish *wish)
{
    if (wish->column_count < service->needed || wish->column_count > service->count) {
        return false;
    }
    for (size_t i = 0; i < wish->column_count; i++) {
        const char *name = column_name(entity, service, i);

        if (strlen(name) != wish->columns[i].len ||
            strncasecmp(name, wish->columns[i].ptr, wish->columns[i].len) != 0) {
            return false;
        }
    }
    return true;
}

static bool find_service(const struct ms_entity *entity, const struct ms_index_wish *wish, unsigned *ret)
{
    struct service service;

    for (uint8_t i = 0; i < entity->item->path_count; i++) {
        if (service_at(entity, i, &service) && serves(entity, &service, wish)) {
            *ret = service.number;
            return true;
        }
    }
    return false;
}

static mastra_status describe(struct ddb_client *client, struct ms_arena **ret_arena,
                              struct ddb_description *ret, mastra_error *error)
{
    *ret_arena = ms_arena_new(client->heap, 0);
    return *ret_arena ? ddb_table_describe(client, *ret_arena, ret, error) : ms_error_oom(error);
}

/* The change is made in its own time: nobody waits for it here. */
static mastra_status update(struct ddb_client *client, const struct ms_buf *body, mastra_error *error)
{
    struct ms_service_call call;
    mastra_status status = ddb_table_send(client, "UpdateTable", body, &call, error);

    if (status != MASTRA_OK && ddb_refused_as(&call, "ResourceInUseException")) {
        status = ms_error_set(error, MASTRA_BUSY, "another change of DynamoDB table \"%.64s\" is under way",
                              client->settings.table);
        error->retriable = true;
    }
    ms_service_call_release(&client->service, &call);
    ddb_table_forget(client);
    return status;
}

static mastra_status ensure_index(struct ddb_client *client, unsigned number, mastra_error *error)
{
    struct ms_arena *arena = NULL;
    struct ddb_description table;
    struct ms_buf body;
    mastra_status status = describe(client, &arena, &table, error);

    if (status == MASTRA_OK && table.state != DDB_MISSING && !ddb_find_index(&table, number)) {
        ms_buf_init(&body, client->heap, 0);
        ddb_put_create_index(&body, client->settings.table, number, &table);
        status = update(client, &body, error);
        ms_buf_release(&body);
    }
    ms_arena_free(arena);
    return status;
}

mastra_status ddb_create_index(struct ms_session *session, const struct ms_index_wish *wish,
                               mastra_error *error)
{
    struct ddb_client *client = ddb_client_of(session->backend);
    const struct ms_entity *entity = ms_entity_of_table(wish->table);
    unsigned number = 0;

    if (!entity) {
        return ms_error_set(error, MASTRA_NOT_SUPPORTED,
                            "DynamoDB has no indexes on tables that a program has made itself");
    }
    if (wish->unique || wish->where.ptr) {
        return refuse_wish(client->heap, entity, wish->unique ? "none is unique" : "none takes a condition",
                           error);
    }
    if (!find_service(entity, wish, &number)) {
        return refuse_wish(client->heap, entity, "its keys are made of other columns", error);
    }
    return ensure_index(client, number, error);
}

/* Dropping. */

mastra_status ddb_drop_index(struct ms_session *session, mastra_str name, mastra_error *error)
{
    struct ddb_client *client = ddb_client_of(session->backend);
    unsigned number = ddb_index_number(name);
    struct ms_arena *arena = NULL;
    struct ddb_description table;
    struct ms_buf body;
    mastra_status status;

    if (number > 0 && number <= DDB_INDEXES_LEAST) {
        return ms_error_set(
            error, MASTRA_NOT_SUPPORTED,
            "gsi%u serves lists that every program with this table makes; it cannot be dropped", number);
    }
    if (number == 0) {
        return MASTRA_OK;
    }
    status = describe(client, &arena, &table, error);
    if (status == MASTRA_OK && ddb_find_index(&table, number)) {
        ms_buf_init(&body, client->heap, 0);
        ddb_put_delete_index(&body, client->settings.table, number);
        status = update(client, &body, error);
        ms_buf_release(&body);
    }
    ms_arena_free(arena);
    return status;
}

/* Listing. */

/* "mastra_threads (resourceId, createdAt), mastra_messages (thread_id, createdAt)" */
static void put_services(struct ms_buf *out, unsigned number)
{
    struct service service;

    for (int id = 0; id < MS_ENTITY_COUNT; id++) {
        const struct ms_entity *entity = ms_entity((enum ms_entity_id)id);

        for (uint8_t i = 0; i < entity->item->path_count; i++) {
            if (service_at(entity, i, &service) && service.number == number) {
                ms_buf_printf(out, "%s%s (", out->len ? ", " : "", entity->table);
                put_columns(out, entity, &service);
                ms_buf_add_char(out, ')');
            }
        }
    }
}

static bool is_of(const struct ms_entity *entity, unsigned number)
{
    struct service service;

    for (uint8_t i = 0; i < entity->item->path_count; i++) {
        if (service_at(entity, i, &service) && service.number == number) {
            return true;
        }
    }
    return false;
}

static bool define(struct ddb_client *client, const struct ddb_index *from, struct ms_arena *arena,
                   mastra_index *index)
{
    unsigned number = ddb_index_number(from->name);
    mastra_str *columns = ms_arena_calloc(arena, 2 * sizeof *columns);
    struct ms_buf text;
    bool ok;

    ms_buf_init(&text, client->heap, 0);
    if (number > 0) {
        put_services(&text, number);
    }
    ok = columns && !text.failed && ms_arena_str(arena, ms_buf_view(&text), &index->definition);
    ms_buf_release(&text);
    if (!ok) {
        return false;
    }
    index->columns = columns;
    columns[index->column_count++] = from->hash_key;
    if (from->range_key.ptr) {
        columns[index->column_count++] = from->range_key;
    }
    return true;
}

static mastra_index *copy_index(struct ddb_client *client, const struct ddb_index *from,
                                struct ms_arena *arena)
{
    static const mastra_index blank = MASTRA_INDEX_INIT;
    mastra_index *index = ms_arena_alloc(arena, sizeof *index);
    char size[MS_SIZE_SIZE];

    if (!index) {
        return NULL;
    }
    *index = blank;
    ms_size_format(from->bytes, size);
    index->name = from->name;
    index->items = from->items;
    index->status = from->status;
    if (!ms_arena_str(arena, mastra_str_of(client->settings.table), &index->table) ||
        !ms_arena_str(arena, mastra_str_of("gsi"), &index->method) ||
        (from->bytes >= 0 && !ms_arena_str(arena, mastra_str_of(size), &index->disk_size)) ||
        !define(client, from, arena, index)) {
        return NULL;
    }
    return index;
}

static bool is_same(mastra_str a, mastra_str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* Whether an index is among those that were asked for: by name, by the table of the catalogue that it serves, or by the
 * one table that there is. */
static bool is_asked_for(const struct ddb_client *client, const struct ddb_index *index, mastra_str table,
                         mastra_str name)
{
    const struct ms_entity *entity = table.ptr ? ms_entity_of_table(table) : NULL;
    unsigned number = ddb_index_number(index->name);

    if (name.ptr && !is_same(name, index->name)) {
        return false;
    }
    if (!table.ptr || is_same(table, mastra_str_of(client->settings.table))) {
        return true;
    }
    return entity && number > 0 && is_of(entity, number);
}

static int by_name(const void *a, const void *b)
{
    const mastra_index *const *first = a;
    const mastra_index *const *second = b;

    return strcmp((*first)->name.ptr, (*second)->name.ptr);
}

mastra_status ddb_list_indexes(struct ms_session *session, mastra_str table, mastra_str name,
                               struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct ddb_client *client = ddb_client_of(session->backend);
    struct ddb_description found;
    struct ms_rows rows = {NULL, 0};
    mastra_status status = ddb_table_describe(client, arena, &found, error);

    if (status != MASTRA_OK) {
        return status;
    }
    rows.items = ms_arena_calloc(arena, (found.index_count + 1) * sizeof *rows.items);
    if (!rows.items) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < found.index_count; i++) {
        if (!found.indexes[i].name.ptr || !is_asked_for(client, &found.indexes[i], table, name)) {
            continue;
        }
        rows.items[rows.count] = copy_index(client, &found.indexes[i], arena);
        if (!rows.items[rows.count++]) {
            return ms_error_oom(error);
        }
    }
    qsort(rows.items, rows.count, sizeof *rows.items, by_name);
    *ret = rows;
    return MASTRA_OK;
}
