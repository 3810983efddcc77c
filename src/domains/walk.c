#include "domains/walk.h"

#include "base/error.h"
#include "base/str.h"
#include "store/store.h"

/* Of a page; one row may be larger. */
#define PAGE_BYTES ((size_t)2 << 20)

/* So often all rows of a page may go before the next one is read. */
#define RESTARTS   8

static uint64_t key_columns(const struct ms_entity *entity)
{
    uint64_t columns = 0;

    for (size_t i = 0; i < entity->key_count; i++) {
        columns |= MS_BIT(entity->keys[i]);
    }
    return columns;
}

mastra_status ms_walk_begin(struct ms_walk *walk, struct ms_call *call, const struct ms_entity *table,
                            uint64_t columns, bool in_order, int64_t limit)
{
    const char *name = call->store->backend->ops->row_number;
    struct ms_foreign_column number = {mastra_str_of(name), MS_BIGINT, MS_NOT_NULL, 0, 0};
    mastra_status status = MASTRA_OK;

    *walk = (struct ms_walk){.call = call,
                             .table = table,
                             .entity = table,
                             .columns = columns | key_columns(table),
                             .limit = limit ? limit : MS_WALK_ROWS,
                             .number = -1,
                             .by_time = in_order && table->sequence && table->key_count > 0};
    if (!name || table->column_count == MS_COLUMNS_MOST) {
        walk->columns |= walk->by_time ? MS_BIT(table->created) : 0;
        return MASTRA_OK;
    }
    walk->by_time = false;
    walk->own = ms_arena_new(ms_store_heap(call->store), 0);
    if (!walk->own) {
        return ms_error_oom(&call->error);
    }
    status = ms_foreign_extend(walk->own, table, &number, 1, &walk->entity, &call->error);
    if (status == MASTRA_OK) {
        walk->number = table->column_count;
        walk->columns |= MS_BIT(walk->number);
    }
    return status;
}

void ms_walk_end(struct ms_walk *walk)
{
    ms_arena_free(walk->arena);
    ms_arena_free(walk->own);
    *walk = (struct ms_walk){.ended = true};
}

static int64_t number_of(const struct ms_walk *walk, const void *row)
{
    return *(const int64_t *)ms_field(&walk->entity->columns[walk->number], row);
}

/* What a row's place is told by, besides its key. */
static uint64_t place_columns(const struct ms_walk *walk)
{
    if (walk->number >= 0) {
        return MS_BIT(walk->number);
    }
    return walk->by_time ? MS_BIT(walk->entity->created) : 0;
}

/* Whether the row that was met as `seen` still has its place. Numbers that are given anew, when the database is rewritten,
 * are not greater than before; a greater one is that of a row deleted and saved again, whose place is another. */
static bool has_place(const struct ms_walk *walk, const void *seen, const void *row)
{
    const struct ms_column *created = &walk->entity->columns[walk->entity->created];

    if (walk->number >= 0) {
        return number_of(walk, row) <= number_of(walk, seen);
    }
    return !walk->by_time || *ms_field_time(created, row) == *ms_field_time(created, seen);
}

/* The place of a row that was met, now. Where several have the one key (in a table that lacks its constraint), the one
 * that was met counts, else the first. */
static mastra_status find_again(struct ms_unit *unit, const struct ms_walk *walk, const void *seen,
                                const void **ret)
{
    const struct ms_entity *entity = walk->entity;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    ms_query_init_on(&query, entity);
    query.columns = key_columns(entity) | place_columns(walk);
    query.order = walk->number < 0 ? entity->keys[0] : (uint8_t)walk->number;
    for (size_t i = 0; i < entity->key_count; i++) {
        ms_query_equal(&query, entity->keys[i], *ms_field_str(&entity->columns[entity->keys[i]], seen));
    }
    status = ms_unit_list(unit, &query, &rows);
    *ret = NULL;
    for (size_t i = rows.count; i-- > 0;) {
        if (has_place(walk, seen, rows.items[i])) {
            *ret = rows.items[i];
            if (walk->number >= 0 && number_of(walk, *ret) == number_of(walk, seen)) {
                break;
            }
        }
    }
    return status;
}

/* Behind this row. */
static void go_behind(const struct ms_walk *walk, const void *row, struct ms_query *query)
{
    const struct ms_entity *entity = walk->entity;

    if (walk->number >= 0) {
        ms_query_number(query, MS_MORE, (uint8_t)walk->number, number_of(walk, row));
        return;
    }
    query->side = MS_SIDE_AFTER;
    for (size_t i = 0; i < entity->key_count; i++) {
        query->anchor[i] = *ms_field_str(&entity->columns[entity->keys[i]], row);
    }
}

/* Goes on behind the last row of the last page or, when that is gone, behind the last of that page that has kept its
 * place: the number of a deleted row may have passed to another one since. */
static mastra_status go_on(struct ms_unit *unit, struct ms_walk *walk, struct ms_query *query)
{
    const void *row = NULL;
    mastra_status status = MASTRA_OK;

    if (walk->page.count == 0) {
        return MASTRA_OK;
    }
    if (walk->entity->key_count == 0) {
        go_behind(walk, walk->page.items[walk->page.count - 1], query);
        return MASTRA_OK;
    }
    for (size_t i = walk->page.count; status == MASTRA_OK && !row && i-- > 0;) {
        status = find_again(unit, walk, walk->page.items[i], &row);
    }
    if (status == MASTRA_OK && row) {
        go_behind(walk, row, query);
    } else if (status == MASTRA_OK && walk->restarts++ == RESTARTS) {
        return ms_error_set(unit->error, MASTRA_CONFLICT, "rows of %s are deleted faster than they are read",
                            walk->entity->table);
    }
    return status;
}

static mastra_status read_page(struct ms_unit *unit, void *arg)
{
    struct ms_walk *walk = arg;
    const struct ms_entity *entity = walk->entity;
    struct ms_query query;
    mastra_status status;

    ms_query_init_on(&query, entity);
    query.columns = walk->columns;
    query.limit = walk->limit;
    query.most_bytes = PAGE_BYTES;
    if (walk->number >= 0) {
        query.order = (uint8_t)walk->number;
    } else if (entity->key_count == 0) {
        query.limit = MS_NO_LIMIT;
        query.most_bytes = 0;
    } else if (!walk->by_time) {
        query.order = entity->keys[0];
    }
    for (size_t i = 0; i < entity->key_count; i++) {
        ms_query_null(&query, entity->keys[i], false);
    }
    status = go_on(unit, walk, &query);
    return status == MASTRA_OK ? ms_unit_list(unit, &query, &walk->found) : status;
}

mastra_status ms_walk_next(struct ms_walk *walk)
{
    enum ms_read_mode mode = walk->page.count > 0 ? MS_READ_SNAPSHOT : MS_READ_ONE;
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (walk->ended) {
        walk->page.count = 0;
        return MASTRA_OK;
    }
    walk->found = (struct ms_rows){NULL, 0};
    ms_call_renew_deadline(walk->call);
    status = ms_read(walk->call, mode, read_page, walk, &arena);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_arena_free(walk->arena);
    walk->arena = arena;
    walk->page = walk->found;
    walk->ended = walk->page.count == 0 || (walk->number < 0 && walk->entity->key_count == 0);
    return MASTRA_OK;
}
