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

/* What a row's place is told by, besides its key. */
static uint64_t place_columns(const struct ms_walk *walk)
{
    if (walk->number >= 0) {
        return MS_BIT(walk->number);
    }
    return walk->by_time ? MS_BIT(walk->entity->created) | MS_BIT(walk->entity->sequence_within) : 0;
}

/* Where rows are not numbered. */

static mastra_status find_sequence(struct ms_unit *unit, void *arg)
{
    struct ms_walk *walk = arg;
    const struct ms_entity *found = NULL;
    mastra_status status = ms_unit_describe_table(unit, mastra_str_of(walk->table->table), &found);

    walk->sequenced = false;
    for (int i = 0; status == MASTRA_OK && found && i < found->column_count; i++) {
        walk->sequenced = walk->sequenced || strcmp(found->columns[i].name, walk->table->sequence) == 0;
    }
    return status;
}

/* Whether the order of insertion is known: a table that nobody has completed may lack the column that tells it. */
static mastra_status look_for_sequence(struct ms_walk *walk)
{
    const struct ms_entity *table = walk->table;
    const struct ms_backend_ops *ops = walk->call->store->backend->ops;

    walk->sequenced = table->sequence != NULL;
    if (!walk->sequenced || !ops->own_column || !ops->own_column(table, table->sequence)) {
        return MASTRA_OK;
    }
    return ms_read(walk->call, MS_READ_ONE, find_sequence, walk, NULL);
}

/* Keys are compared as their index has them, as those of tables are of which nothing else is known. */
static mastra_status begin_unnumbered(struct ms_walk *walk, bool in_order)
{
    const struct ms_entity *table = walk->table;
    struct ms_entity *plain;
    mastra_status status = look_for_sequence(walk);

    if (status != MASTRA_OK) {
        return status;
    }
    if (walk->sequenced && table->key_count == 0) {
        return MASTRA_OK;
    }
    if (walk->sequenced && in_order) {
        walk->by_time = true;
        walk->columns |= place_columns(walk);
        return MASTRA_OK;
    }
    walk->own = ms_arena_new(ms_store_heap(walk->call->store), 0);
    plain = walk->own ? ms_arena_alloc(walk->own, sizeof *plain) : NULL;
    if (!plain) {
        return ms_error_oom(&walk->call->error);
    }
    *plain = *table;
    plain->id = MS_FOREIGN;
    plain->sequence = NULL;
    walk->entity = plain;
    return MASTRA_OK;
}

/* By the call's survey, or one of this table alone. */
static mastra_status begin_surveyed(struct ms_walk *walk, enum ms_entity_id id)
{
    walk->id = id;
    walk->survey = ms_survey_of(walk->call, id);
    if (walk->survey) {
        return MASTRA_OK;
    }
    walk->survey_own = true;
    return ms_survey_take(walk->call, UINT32_C(1) << id, NULL, &walk->survey);
}

mastra_status ms_walk_begin(struct ms_walk *walk, struct ms_call *call, const struct ms_entity *table,
                            uint64_t columns, bool in_order, int64_t limit)
{
    const struct ms_entity *own = ms_entity_of_table(mastra_str_of(table->table));
    const char *name = call->store->backend->ops->row_number;
    struct ms_foreign_column number = {mastra_str_of(name), MS_BIGINT, MS_NOT_NULL, 0, 0};
    mastra_status status = MASTRA_OK;

    *walk = (struct ms_walk){.call = call,
                             .table = table,
                             .entity = table,
                             .columns = columns | key_columns(table),
                             .limit = limit ? limit : MS_WALK_ROWS,
                             .number = -1};
    if (own && ms_survey_wanted(call)) {
        return begin_surveyed(walk, own->id);
    }
    if (!name || table->column_count == MS_COLUMNS_MOST) {
        return begin_unnumbered(walk, in_order);
    }
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
    if (walk->survey_own) {
        ms_survey_drop(walk->call, walk->survey);
    }
    *walk = (struct ms_walk){.ended = true};
}

static int64_t number_of(const struct ms_walk *walk, const void *row)
{
    return *(const int64_t *)ms_field(&walk->entity->columns[walk->number], row);
}

/* Whether the row that was met as `seen` still has its place. Numbers that are given anew, when the database is rewritten,
 * are not greater than before; a greater one is that of a row deleted and saved again, whose place is another. */
static bool has_place(const struct ms_walk *walk, const void *seen, const void *row)
{
    const struct ms_column *created = &walk->entity->columns[walk->entity->created];
    const struct ms_column *group = &walk->entity->columns[walk->entity->sequence_within];

    if (walk->number >= 0) {
        return number_of(walk, row) <= number_of(walk, seen);
    }
    return !walk->by_time || (*ms_field_time(created, row) == *ms_field_time(created, seen) &&
                              ms_str_compare(*ms_field_str(group, row), *ms_field_str(group, seen)) == 0);
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
    query.grouped = walk->by_time;
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

struct surveyed_page {
    struct ms_walk *walk;
    int64_t at; /* behind it */
};

static mastra_status read_surveyed(struct ms_unit *unit, void *arg)
{
    struct surveyed_page *page = arg;
    struct ms_walk *walk = page->walk;
    struct ms_query query;

    ms_query_init_on(&query, walk->entity);
    query.columns = walk->columns;
    query.limit = walk->limit;
    query.most_bytes = PAGE_BYTES;
    for (size_t i = 0; i < walk->entity->key_count; i++) {
        ms_query_null(&query, walk->entity->keys[i], false);
    }
    page->at = walk->at;
    return ms_survey_page(unit, walk->survey, walk->id, &query, &page->at, &walk->found);
}

static mastra_status read_next(struct ms_walk *walk, struct ms_arena **ret_arena)
{
    enum ms_read_mode mode = walk->page.count > 0 ? MS_READ_SNAPSHOT : MS_READ_ONE;
    struct surveyed_page surveyed = {.walk = walk};
    mastra_status status;

    if (!walk->survey) {
        return ms_read(walk->call, mode, read_page, walk, ret_arena);
    }
    /* Nothing of the last page is needed to find the next one. */
    ms_arena_free(walk->arena);
    walk->arena = NULL;
    walk->page.count = 0;
    status = ms_read(walk->call, MS_READ_SNAPSHOT, read_surveyed, &surveyed, ret_arena);
    walk->at = status == MASTRA_OK ? surveyed.at : walk->at;
    return status;
}

mastra_status ms_walk_next(struct ms_walk *walk)
{
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (walk->ended) {
        walk->page.count = 0;
        return MASTRA_OK;
    }
    walk->found = (struct ms_rows){NULL, 0};
    ms_call_renew_deadline(walk->call);
    status = read_next(walk, &arena);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_arena_free(walk->arena);
    walk->arena = arena;
    walk->page = walk->found;
    walk->ended =
        walk->page.count == 0 || (!walk->survey && walk->number < 0 && walk->entity->key_count == 0);
    return MASTRA_OK;
}
