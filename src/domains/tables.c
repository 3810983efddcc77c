/* Making, widening, emptying and dropping tables. */
#include "domains/tables.h"

#include "base/error.h"
#include "domains/check.h"

#include <stdio.h>
#include <strings.h>

#define FIELD_SIZE 80

mastra_status ms_unit_table(struct ms_unit *unit, mastra_str table, const struct ms_entity **ret)
{
    const struct ms_entity *own = ms_entity_of_table(table);
    mastra_status status;

    if (own) {
        *ret = own;
        return MASTRA_OK;
    }
    status = ms_unit_describe_table(unit, table, ret);
    if (status != MASTRA_OK || !*ret) {
        return status;
    }
    /* A database that does not mind the case may know it by another spelling. */
    own = ms_entity_of_table(mastra_str_of((*ret)->table));
    *ret = own ? own : *ret;
    return MASTRA_OK;
}

mastra_status ms_no_table(mastra_error *error, mastra_str table)
{
    return ms_error_set(error, MASTRA_NOT_FOUND, "there is no table \"%.*s\"", (int)table.len, table.ptr);
}

/* What a caller wants a table to be. */

static bool same_name(mastra_str a, mastra_str b)
{
    return a.ptr && b.ptr && a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static mastra_status check_columns(mastra_error *error, const mastra_table_column *const *columns,
                                   size_t count)
{
    char field[FIELD_SIZE];

    if (count > 0 && !columns) {
        return ms_error_argument(error, "schema", mastra_str_of(NULL), "must not be NULL");
    }
    if (count > MS_COLUMNS_MOST) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "schema has %zu columns; the most is %d", count,
                            MS_COLUMNS_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        mastra_str name = columns[i]->name;

        snprintf(field, sizeof field, "schema.%.*s", name.len < 60 ? (int)name.len : 60,
                 name.ptr ? name.ptr : "");
        if (ms_check_identifier(error, field, name) != MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
        for (size_t k = 0; k < i; k++) {
            if (same_name(name, columns[k]->name)) {
                return ms_error_argument(error, field, name, "is there twice");
            }
        }
    }
    return MASTRA_OK;
}

/* The number of the column of that very name, or `count`. */
static size_t find_column(const mastra_table_column *const *columns, size_t count, mastra_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (columns[i]->name.len == name.len && memcmp(columns[i]->name.ptr, name.ptr, name.len) == 0) {
            return i;
        }
    }
    return count;
}

static mastra_status check_names(mastra_error *error, const char *what, const mastra_str *names, size_t count)
{
    char field[FIELD_SIZE];

    if (count > 0 && !names) {
        return ms_error_argument(error, what, mastra_str_of(NULL), "must not be NULL");
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(field, sizeof field, "%s[%zu]", what, i);
        if (ms_check_identifier(error, field, names[i]) != MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
    }
    return MASTRA_OK;
}

static const enum ms_type types[] = {
    [MASTRA_COLUMN_TEXT] = MS_TEXT,       [MASTRA_COLUMN_TIMESTAMP] = MS_TIMESTAMP,
    [MASTRA_COLUMN_JSONB] = MS_JSON,      [MASTRA_COLUMN_FLOAT] = MS_REAL,
    [MASTRA_COLUMN_INTEGER] = MS_INTEGER, [MASTRA_COLUMN_BIGINT] = MS_BIGINT,
    [MASTRA_COLUMN_BOOLEAN] = MS_BOOLEAN, [MASTRA_COLUMN_UUID] = MS_TEXT,
};

static const enum ms_null nulls[] = {
    [MASTRA_NULLABLE_UNSET] = MS_NULL_UNSET,
    [MASTRA_NULLABLE_YES] = MS_NULL,
    [MASTRA_NULLABLE_NO] = MS_NOT_NULL,
};

/* A table in the making. */
struct design {
    mastra_str table;
    struct ms_foreign_column columns[MS_COLUMNS_MOST];
    size_t count;
    enum ms_key_form key_form;
    uint64_t add; /* which of the columns a table that is there gets */
};

static void take_columns(struct design *design, const mastra_table_column *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t type = (size_t)columns[i]->type;
        size_t null = (size_t)columns[i]->nullable;

        design->columns[i] = (struct ms_foreign_column){
            .name = columns[i]->name,
            .type = type < sizeof types / sizeof types[0] ? types[type] : MS_TEXT,
            .null = null < sizeof nulls / sizeof nulls[0] ? nulls[null] : MS_NULL_UNSET,
            .flags = columns[i]->type == MASTRA_COLUMN_UUID ? MS_UUID : 0,
        };
    }
    design->count = count;
}

static mastra_status take_composite_key(struct design *design, const mastra_create_table_args *args,
                                        mastra_error *error)
{
    char field[FIELD_SIZE];

    for (size_t i = 0; i < args->composite_primary_key_count; i++) {
        mastra_str name = args->composite_primary_key[i];
        size_t column = find_column(args->columns, args->column_count, name);

        snprintf(field, sizeof field, "compositePrimaryKey[%zu]", i);
        if (column == args->column_count) {
            return ms_error_argument(error, field, name, "is no column of the schema");
        }
        if (design->columns[column].in_key) {
            return ms_error_argument(error, field, name, "is there twice");
        }
        design->columns[column].in_key = (unsigned)i + 1;
    }
    design->key_form = MS_KEY_PRIMARY_TABLE;
    return MASTRA_OK;
}

static mastra_status take_key(struct design *design, const mastra_create_table_args *args,
                              mastra_error *error)
{
    mastra_status status = MASTRA_OK;
    char field[FIELD_SIZE];

    if (args->composite_primary_key_count > 0) {
        status = take_composite_key(design, args, error);
    }
    for (size_t i = 0; status == MASTRA_OK && i < args->column_count; i++) {
        if (!args->columns[i]->primary_key || design->columns[i].in_key) {
            continue;
        }
        if (design->key_form != MS_KEY_NONE) {
            snprintf(field, sizeof field, "schema.%.*s.primaryKey", 40, design->columns[i].name.ptr);
            return ms_error_argument(error, field, mastra_str_of(NULL),
                                     "makes a second key; use compositePrimaryKey");
        }
        design->columns[i].in_key = 1;
        design->key_form = MS_KEY_PRIMARY;
    }
    return status;
}

/* createTable */

static mastra_status create(struct ms_unit *unit, void *arg)
{
    const struct design *design = arg;
    const struct ms_entity *own = ms_entity_of_table(design->table);
    struct ms_entity *entity = NULL;
    mastra_status status;

    if (own) {
        return ms_unit_ensure_table(unit, own, 0);
    }
    status = ms_foreign_entity(unit->arena, design->table, design->key_form, design->columns, design->count,
                               &entity, unit->error);
    return status == MASTRA_OK ? ms_unit_ensure_table(unit, entity, 0) : status;
}

mastra_status ms_create_table(struct ms_call *call, const mastra_create_table_args *given)
{
    mastra_create_table_args args = MASTRA_CREATE_TABLE_INIT;
    struct design design = {.key_form = MS_KEY_NONE};
    mastra_error *error = &call->error;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    status = ms_check_object_name(error, "tableName", args.table_name);
    if (status == MASTRA_OK && args.column_count == 0) {
        status = ms_error_argument(error, "schema", mastra_str_of(NULL), "must have a column");
    }
    if (status == MASTRA_OK) {
        status = check_columns(error, args.columns, args.column_count);
    }
    if (status == MASTRA_OK) {
        status = check_names(error, "compositePrimaryKey", args.composite_primary_key,
                             args.composite_primary_key_count);
    }
    if (status == MASTRA_OK) {
        design.table = args.table_name;
        take_columns(&design, args.columns, args.column_count);
        status = take_key(&design, &args, error);
    }
    return status == MASTRA_OK ? ms_transact(call, create, &design, NULL) : status;
}

/* alterTable */

static bool has_column(const struct ms_entity *entity, mastra_str name)
{
    for (int i = 0; i < entity->column_count; i++) {
        if (same_name(mastra_str_of(entity->columns[i].name), name)) {
            return true;
        }
    }
    return false;
}

static mastra_status alter(struct ms_unit *unit, void *arg)
{
    const struct design *design = arg;
    const struct ms_entity *present = NULL;
    struct ms_entity *wanted = NULL;
    uint64_t missing = design->add;
    size_t count;
    mastra_status status = ms_unit_describe_table(unit, design->table, &present);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!present) {
        return ms_no_table(unit->error, design->table);
    }
    count = present->column_count;
    for (size_t i = 0; i < design->count; i++) {
        if (has_column(present, design->columns[i].name)) {
            missing &= ~MS_BIT(i);
        }
        count += (missing & MS_BIT(i)) != 0;
    }
    if (count > MS_COLUMNS_MOST) {
        return ms_error_set(unit->error, MASTRA_LIMIT_EXCEEDED,
                            "table %s would have %zu columns; the most is %d", present->table, count,
                            MS_COLUMNS_MOST);
    }
    status = ms_foreign_entity(unit->arena, design->table, MS_KEY_NONE, design->columns, design->count,
                               &wanted, unit->error);
    return status == MASTRA_OK ? ms_unit_ensure_table(unit, wanted, missing) : status;
}

mastra_status ms_alter_table(struct ms_call *call, const mastra_alter_table_args *given)
{
    mastra_alter_table_args args = MASTRA_ALTER_TABLE_INIT;
    struct design design = {.key_form = MS_KEY_NONE};
    mastra_error *error = &call->error;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    status = ms_check_object_name(error, "tableName", args.table_name);
    if (status == MASTRA_OK) {
        status = check_columns(error, args.columns, args.column_count);
    }
    if (status == MASTRA_OK) {
        status = check_names(error, "ifNotExists", args.if_not_exists, args.if_not_exists_count);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    design.table = args.table_name;
    take_columns(&design, args.columns, args.column_count);
    for (size_t i = 0; i < args.if_not_exists_count; i++) {
        size_t column = find_column(args.columns, args.column_count, args.if_not_exists[i]);

        design.add |= column < args.column_count ? MS_BIT(column) : 0;
    }
    return ms_transact(call, alter, &design, NULL);
}

/* clearTable, dropTable, hasColumn */

static mastra_status clear(struct ms_unit *unit, void *arg)
{
    const mastra_str *table = arg;
    const struct ms_entity *entity = NULL;
    mastra_status status = ms_unit_table(unit, *table, &entity);
    struct ms_query *query;

    if (status != MASTRA_OK || !entity) {
        return status;
    }
    query = ms_arena_alloc(unit->arena, sizeof *query);
    if (!query) {
        return ms_error_oom(unit->error);
    }
    ms_query_init_on(query, entity);
    return ms_unit_erase_all(unit, query);
}

mastra_status ms_clear_table(struct ms_call *call, mastra_str table)
{
    mastra_status status = ms_check_object_name(&call->error, "tableName", table);

    return status == MASTRA_OK ? ms_transact(call, clear, &table, NULL) : status;
}

static mastra_status drop(struct ms_unit *unit, void *arg)
{
    return ms_unit_drop_table(unit, *(const mastra_str *)arg);
}

mastra_status ms_drop_table(struct ms_call *call, mastra_str table)
{
    mastra_status status = ms_check_object_name(&call->error, "tableName", table);

    return status == MASTRA_OK ? ms_transact(call, drop, &table, NULL) : status;
}

struct column_work {
    mastra_str table;
    mastra_str column;
    bool has;
};

static mastra_status look(struct ms_unit *unit, void *arg)
{
    struct column_work *work = arg;
    const struct ms_entity *entity = NULL;
    mastra_status status = ms_unit_describe_table(unit, work->table, &entity);

    work->has = status == MASTRA_OK && entity && ms_entity_column(entity, work->column) >= 0;
    return status;
}

mastra_status ms_has_column(struct ms_call *call, mastra_str table, mastra_str column, bool *ret)
{
    struct column_work work = {.table = table, .column = column};
    mastra_status status = ms_check_object_name(&call->error, "tableName", table);

    if (status == MASTRA_OK) {
        status = ms_check_identifier(&call->error, "column", column);
    }
    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_ONE, look, &work, NULL);
    }
    if (status == MASTRA_OK && ret) {
        *ret = work.has;
    }
    return status;
}
