/* Writing and reading rows of any table. */
#include "domains/check.h"
#include "domains/tables.h"

#include "base/error.h"
#include "store/record.h"

#include <stdio.h>

/* The most columns that a row is looked for by. */
#define LOAD_KEYS_MOST (MS_QUERY_PREDICATES / 2)

/* A number as the text that compares with its column. */
static mastra_status number_text(struct ms_unit *unit, const struct ms_column *column, const void *record,
                                 mastra_str *ret)
{
    const void *field = ms_field(column, record);
    char text[MS_JSON_DOUBLE_SIZE + 8];
    mastra_str view = {text, 0};

    switch (column->type) {
    case MS_REAL:
        view.len = ms_json_format_double(*(const double *)field, text);
        break;
    case MS_BOOLEAN:
        view = mastra_str_of(*(const bool *)field ? "1" : "0");
        break;
    default:
        view.len = (size_t)snprintf(text, sizeof text, "%lld", (long long)*(const int64_t *)field);
        break;
    }
    return ms_arena_str(unit->arena, view, ret) ? MASTRA_OK : ms_error_oom(unit->error);
}

/* insert, batchInsert */

struct insert_work {
    mastra_str table;
    const struct ms_row_source *source;
    const struct ms_entity *narrow; /* of the row before, which as a rule has the same columns */
    uint64_t narrow_to;
};

/* What a record of the store's own may leave out. */
static void fill_in(const struct ms_entity *entity, void *record, mastra_time now)
{
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!column->offset || !(column->flags & MS_OPTIONAL)) {
            continue;
        }
        if (column->type == MS_TIMESTAMP && *ms_field_time(column, record) == MASTRA_TIME_NONE) {
            *ms_field_time(column, record) = now;
        } else if (column->type == MS_TEXT && !ms_field_str(column, record)->ptr) {
            *ms_field_str(column, record) = mastra_str_of(column->default_text ? column->default_text : "");
        }
    }
}

static mastra_status check_keys(mastra_error *error, const char *prefix, const struct ms_entity *entity,
                                const void *record)
{
    char field[64];

    for (size_t i = 0; i < entity->key_count; i++) {
        const struct ms_column *column = &entity->columns[entity->keys[i]];

        snprintf(field, sizeof field, "%.40s.%.20s", prefix, column->name);
        if (ms_check_id(error, field, *ms_field_str(column, record)) != MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
    }
    return MASTRA_OK;
}

/* The columns that saving again leaves alone, which an insert sets all the same. */
static uint64_t protected_columns(const struct ms_entity *entity)
{
    uint64_t columns = ms_entity_kept(entity);

    for (int i = 0; i < entity->column_count; i++) {
        columns |= entity->columns[i].flags & MS_STICKY ? MS_BIT(i) : 0;
    }
    return columns;
}

static mastra_status insert_own(struct ms_unit *unit, const char *prefix, const struct ms_entity *entity,
                                void *record)
{
    uint64_t protected = protected_columns(entity);
    mastra_status status = check_keys(unit->error, prefix, entity, record);

    if (status == MASTRA_OK) {
        fill_in(entity, record, unit->call->now);
        status = ms_check_record(unit->error, prefix, entity, record, ms_entity_all(entity));
    }
    if (status == MASTRA_OK) {
        status = entity->key_count ? ms_unit_put(unit, entity->id, record)
                                   : ms_unit_insert(unit, entity->id, record);
    }
    if (status == MASTRA_OK && entity->key_count && protected) {
        status = ms_unit_patch(unit, entity->id, record, protected);
    }
    return status;
}

/* The row that the new one replaces goes first. A key that is left to the database replaces none. */
static mastra_status erase_replaced(struct ms_unit *unit, const struct ms_entity *entity, const void *record,
                                    uint64_t given)
{
    mastra_str key[MS_KEYS_MOST];
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; status == MASTRA_OK && i < entity->key_count; i++) {
        const struct ms_column *column = &entity->columns[entity->keys[i]];

        if (!(given & MS_BIT(entity->keys[i]))) {
            return MASTRA_OK;
        }
        if (column->type == MS_TEXT || column->type == MS_JSON) {
            key[i] = *ms_field_str(column, record);
        } else {
            status = number_text(unit, column, record, &key[i]);
        }
    }
    return status == MASTRA_OK && entity->key_count ? ms_unit_erase_from(unit, entity, key) : status;
}

static mastra_status insert_foreign(struct ms_unit *unit, struct insert_work *work, const char *prefix,
                                    const struct ms_entity *entity, void *record, uint64_t given)
{
    mastra_status status = ms_check_record(unit->error, prefix, entity, record, ms_entity_all(entity));

    if (status == MASTRA_OK) {
        status = erase_replaced(unit, entity, record, given);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    if (!work->narrow || work->narrow_to != given) {
        work->narrow = ms_foreign_narrow(unit->arena, entity, given);
        work->narrow_to = given;
    }
    return work->narrow ? ms_unit_insert_into(unit, work->narrow, record) : ms_error_oom(unit->error);
}

static mastra_status insert_row(struct ms_unit *unit, struct insert_work *work,
                                const struct ms_entity *entity, size_t n)
{
    const struct ms_row_source *source = work->source;
    void *record = ms_record_new(unit->arena, entity);
    uint64_t given = 0;
    char prefix[32] = "record";
    mastra_status status;

    if (!record) {
        return ms_error_oom(unit->error);
    }
    status = source->fill(source, unit, entity, n, record, &given);
    if (status != MASTRA_OK || !given) {
        return status;
    }
    if (source->listed) {
        snprintf(prefix, sizeof prefix, "records[%zu]", n);
    }
    return entity->id == MS_FOREIGN ? insert_foreign(unit, work, prefix, entity, record, given)
                                    : insert_own(unit, prefix, entity, record);
}

static mastra_status insert_rows(struct ms_unit *unit, void *arg)
{
    struct insert_work *work = arg;
    const struct ms_entity *entity = NULL;
    mastra_status status = ms_unit_table(unit, work->table, &entity);

    work->narrow = NULL;
    if (status == MASTRA_OK && !entity) {
        return ms_no_table(unit->error, work->table);
    }
    for (size_t i = 0; status == MASTRA_OK && i < work->source->count; i++) {
        status = insert_row(unit, work, entity, i);
    }
    return status;
}

mastra_status ms_insert(struct ms_call *call, mastra_str table, const struct ms_row_source *source)
{
    struct insert_work work = {.table = table, .source = source};
    mastra_status status = ms_check_object_name(&call->error, "tableName", table);

    if (status != MASTRA_OK || source->count == 0) {
        return status;
    }
    return ms_transact(call, insert_rows, &work, NULL);
}

/* load */

struct load_work {
    mastra_str table;
    const struct ms_row_source *keys;
    struct ms_query query;
    struct ms_loaded loaded;
};

static mastra_status refuse_key(struct ms_unit *unit, const struct ms_column *column)
{
    char field[64];

    snprintf(field, sizeof field, "keys.%.40s", column->name);
    return ms_error_argument(unit->error, field, mastra_str_of(NULL),
                             "is JSON, which no row is looked for by");
}

static mastra_status add_key(struct ms_unit *unit, struct ms_query *query, uint8_t number, const void *record)
{
    const struct ms_column *column = &query->entity->columns[number];
    mastra_str text = {NULL, 0};
    mastra_status status = MASTRA_OK;
    bool null = false;

    switch (column->type) {
    case MS_JSON:
        return refuse_key(unit, column);
    case MS_TIMESTAMP:
        if (*ms_field_time(column, record) != MASTRA_TIME_NONE) {
            ms_query_time(query, MS_AT_LEAST, number, *ms_field_time(column, record));
            ms_query_time(query, MS_AT_MOST, number, *ms_field_time(column, record));
            return MASTRA_OK;
        }
        null = true;
        break;
    case MS_TEXT:
        text = *ms_field_str(column, record);
        null = !text.ptr;
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        null = *(const int64_t *)ms_field(column, record) == MASTRA_INTEGER_NONE;
        break;
    case MS_REAL:
        null = isnan(*(const double *)ms_field(column, record));
        break;
    case MS_BOOLEAN:
        break;
    }
    if (null) {
        ms_query_null(query, number, true);
        return MASTRA_OK;
    }
    if (!text.ptr) {
        status = number_text(unit, column, record, &text);
    }
    if (status == MASTRA_OK) {
        ms_query_equal(query, number, text);
    }
    return status;
}

static mastra_status add_keys(struct ms_unit *unit, struct load_work *work)
{
    const struct ms_entity *entity = work->query.entity;
    void *record = ms_record_new(unit->arena, entity);
    uint64_t given = 0;
    size_t count = 0;
    mastra_status status;

    if (!record) {
        return ms_error_oom(unit->error);
    }
    status = work->keys->fill(work->keys, unit, entity, 0, record, &given);
    for (uint8_t i = 0; status == MASTRA_OK && i < entity->column_count; i++) {
        if (!(given & MS_BIT(i))) {
            continue;
        }
        if (++count > LOAD_KEYS_MOST) {
            return ms_error_set(unit->error, MASTRA_LIMIT_EXCEEDED, "keys names more than %d columns",
                                LOAD_KEYS_MOST);
        }
        status = add_key(unit, &work->query, i, record);
    }
    if (status == MASTRA_OK && count == 0) {
        return ms_error_argument(unit->error, "keys", mastra_str_of(NULL), "must name a column");
    }
    return status;
}

static mastra_status read_newest(struct ms_unit *unit, void *arg)
{
    struct load_work *work = arg;
    const struct ms_entity *entity = NULL;
    struct ms_rows rows = {NULL, 0};
    mastra_status status = ms_unit_table(unit, work->table, &entity);

    if (status == MASTRA_OK && !entity) {
        return ms_no_table(unit->error, work->table);
    }
    if (status == MASTRA_OK) {
        ms_query_init_on(&work->query, entity);
        work->query.descending = true;
        work->query.limit = 1;
        status = add_keys(unit, work);
    }
    if (status == MASTRA_OK) {
        status = ms_unit_list(unit, &work->query, &rows);
    }
    work->loaded.entity = entity;
    work->loaded.row = rows.count ? rows.items[0] : NULL;
    return status;
}

mastra_status ms_load(struct ms_call *call, mastra_str table, const struct ms_row_source *keys,
                      struct ms_loaded *ret)
{
    struct load_work work = {.table = table, .keys = keys};
    mastra_status status = ms_check_object_name(&call->error, "tableName", table);

    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_SNAPSHOT, read_newest, &work, &work.loaded.arena);
    }
    if (status == MASTRA_OK) {
        *ret = work.loaded;
    }
    return status;
}
