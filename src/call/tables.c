/* Operations on tables of any name: arguments, results, handlers. */
#include "domains/tables.h"
#include "call/common.h"

#include "base/error.h"
#include "store/store.h"

#define TABLE_NAME(T, field)                                                                                 \
    {                                                                                                        \
        .name = "tableName", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                    \
        .offset = offsetof(T, field), .about = "a table of the store or any other"                           \
    }

/* A schema: {"id":{"type":"text","nullable":false,"primaryKey":true},...} */

static const struct ms_choice column_types[] = {
    {"text", MASTRA_COLUMN_TEXT, false},
    {"timestamp", MASTRA_COLUMN_TIMESTAMP, false},
    {"jsonb", MASTRA_COLUMN_JSONB, false},
    {"float", MASTRA_COLUMN_FLOAT, false},
    {"integer", MASTRA_COLUMN_INTEGER, false},
    {"bigint", MASTRA_COLUMN_BIGINT, false},
    {"boolean", MASTRA_COLUMN_BOOLEAN, false},
    {"uuid", MASTRA_COLUMN_UUID, false},
    {NULL, 0, false},
};

/* Any other type is text. */
static mastra_column_type type_of(mastra_str value)
{
    for (const struct ms_choice *choice = column_types; choice->name; choice++) {
        if (ms_json_kind(value) == MS_JSON_STRING &&
            ms_json_string_equals(value, mastra_str_of(choice->name))) {
            return (mastra_column_type)choice->value;
        }
    }
    return MASTRA_COLUMN_TEXT;
}

static mastra_nullable nullable_of(mastra_str value)
{
    switch (ms_json_kind(value)) {
    case MS_JSON_TRUE:
        return MASTRA_NULLABLE_YES;
    case MS_JSON_FALSE:
        return MASTRA_NULLABLE_NO;
    default:
        return MASTRA_NULLABLE_UNSET;
    }
}

struct schema {
    struct ms_arena *arena;
    mastra_table_column *columns;
    const mastra_table_column **pointers;
    size_t count;
};

static mastra_status read_column(struct ms_reader *reader, mastra_str key, mastra_str value,
                                 mastra_table_column *column)
{
    static const mastra_table_column blank = MASTRA_TABLE_COLUMN_INIT;
    struct ms_place schema = {NULL, "schema", 0};
    mastra_str type = ms_json_member(value, mastra_str_of("type"));

    *column = blank;
    if (!ms_json_unescape_arena(key, reader->arena, &column->name, NULL)) {
        return ms_error_oom(reader->error);
    }
    struct ms_place place = {&schema, column->name.ptr, 0};

    if (ms_json_kind(value) != MS_JSON_OBJECT) {
        return ms_reader_fail(reader, &place, value, "must be an object");
    }
    struct ms_place at_type = {&place, "type", 0};

    if (ms_json_kind(type) != MS_JSON_STRING) {
        return ms_reader_fail(reader, &at_type, type, "must be a string");
    }
    column->type = type_of(type);
    column->nullable = nullable_of(ms_json_member(value, mastra_str_of("nullable")));
    column->primary_key = ms_json_kind(ms_json_member(value, mastra_str_of("primaryKey"))) == MS_JSON_TRUE;
    return MASTRA_OK;
}

/* The memory is released with schema->arena, also after a failure. */
static mastra_status read_schema(struct ms_call *call, mastra_str given, struct schema *schema)
{
    struct ms_arena *arena = ms_arena_new(ms_store_heap(call->store), 0);
    struct ms_reader reader = {arena, &call->error};
    struct ms_place place = {NULL, "schema", 0};
    struct ms_json_iter iter;
    mastra_str key, value;
    mastra_status status = MASTRA_OK;
    size_t room = ms_json_count(given);

    schema->arena = arena;
    if (ms_json_kind(given) != MS_JSON_OBJECT) {
        return ms_reader_fail(&reader, &place, given, given.ptr ? "must be an object" : "is required");
    }
    schema->columns = arena ? ms_arena_calloc(arena, (room + 1) * sizeof *schema->columns) : NULL;
    schema->pointers = arena ? ms_arena_calloc(arena, (room + 1) * sizeof(void *)) : NULL;
    if (!schema->columns || !schema->pointers) {
        return ms_error_oom(&call->error);
    }
    ms_json_iter_init(&iter, given);
    while (status == MASTRA_OK && ms_json_next(&iter, &key, &value)) {
        schema->pointers[schema->count] = &schema->columns[schema->count];
        status = read_column(&reader, key, value, &schema->columns[schema->count++]);
    }
    return status;
}

#define SCHEMA_ARG(T)                                                                                        \
    {                                                                                                        \
        .name = "schema", .type = MS_ARG_OBJECT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                     \
        .offset = offsetof(T, schema),                                                                       \
        .about = "of each column {type: text|timestamp|jsonb|float|integer|bigint|boolean|uuid, nullable, "  \
                 "primaryKey}"                                                                               \
    }

/* createTable */

struct create_args {
    mastra_str schema;
    mastra_create_table_args table;
};

static const struct create_args create_blank = {{NULL, 0}, MASTRA_CREATE_TABLE_INIT};

static const struct ms_arg create_args_table[] = {
    TABLE_NAME(struct create_args, table.table_name),
    SCHEMA_ARG(struct create_args),
    {.name = "compositePrimaryKey",
     .type = MS_ARG_TEXTS,
     .offset = offsetof(struct create_args, table.composite_primary_key),
     .also = offsetof(struct create_args, table.composite_primary_key_count),
     .about = "columns that are the key together"},
};

static mastra_status put_null(struct ms_buf *out, mastra_status status)
{
    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "null");
    }
    return status;
}

static mastra_status create_table(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct create_args *create = args;
    mastra_create_table_args table = create->table;
    struct schema schema = {0};
    mastra_status status = read_schema(call, create->schema, &schema);

    table.columns = schema.pointers;
    table.column_count = schema.count;
    if (status == MASTRA_OK) {
        status = ms_create_table(call, &table);
    }
    ms_arena_free(schema.arena);
    return put_null(out, status);
}

/* alterTable */

struct alter_args {
    mastra_str schema;
    mastra_alter_table_args table;
};

static const struct alter_args alter_blank = {{NULL, 0}, MASTRA_ALTER_TABLE_INIT};

static const struct ms_arg alter_args_table[] = {
    TABLE_NAME(struct alter_args, table.table_name),
    SCHEMA_ARG(struct alter_args),
    {.name = "ifNotExists",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct alter_args, table.if_not_exists),
     .also = offsetof(struct alter_args, table.if_not_exists_count),
     .about = "which of the columns to add where they are missing"},
};

static mastra_status alter_table(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct alter_args *alter = args;
    mastra_alter_table_args table = alter->table;
    struct schema schema = {0};
    mastra_status status = read_schema(call, alter->schema, &schema);

    table.columns = schema.pointers;
    table.column_count = schema.count;
    if (status == MASTRA_OK) {
        status = ms_alter_table(call, &table);
    }
    ms_arena_free(schema.arena);
    return put_null(out, status);
}

/* clearTable, dropTable, hasColumn */

struct name_args {
    mastra_str table;
    mastra_str column;
};

static const struct name_args name_blank = {{NULL, 0}, {NULL, 0}};

static const struct ms_arg name_table[] = {TABLE_NAME(struct name_args, table)};

static const struct ms_arg has_table[] = {
    TABLE_NAME(struct name_args, table),
    {.name = "table",
     .type = MS_ARG_TEXT,
     .offset = offsetof(struct name_args, table),
     .about = "another name of tableName"},
    {.name = "column",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct name_args, column)},
};

static mastra_status clear_table(struct ms_call *call, const void *args, struct ms_buf *out)
{
    (void)out;
    return ms_clear_table(call, ((const struct name_args *)args)->table);
}

static mastra_status drop_table(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return put_null(out, ms_drop_table(call, ((const struct name_args *)args)->table));
}

static mastra_status has_column(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct name_args *names = args;
    bool has = false;
    mastra_status status = ms_has_column(call, names->table, names->column, &has);

    if (status == MASTRA_OK) {
        ms_json_put_bool(out, has);
    }
    return status;
}

/* The operations. */

static const struct ms_operation operations[] = {
    {MS_OPERATION("tables", create_table, "Creates a table unless there is one of that name.",
                  create_args_table, create_blank, ms_result_null, NULL,
                  "{\"tableName\":\"notes\",\"schema\":{\"id\":{\"type\":\"text\",\"nullable\":false,"
                  "\"primaryKey\":true},\"body\":{\"type\":\"jsonb\",\"nullable\":true},"
                  "\"createdAt\":{\"type\":\"timestamp\"}}}",
                  0)},
    {MS_OPERATION("tables", alter_table, "Adds columns that a table lacks.", alter_args_table, alter_blank,
                  ms_result_null, NULL,
                  "{\"tableName\":\"notes\",\"schema\":{\"author\":{\"type\":\"text\",\"nullable\":true}},"
                  "\"ifNotExists\":[\"author\"]}",
                  MS_FAILS(NOT_FOUND))},
    {MS_OPERATION("tables", has_column, "Tells whether a table has a column.", has_table, name_blank,
                  ms_result_boolean, NULL, "{\"tableName\":\"notes\",\"column\":\"author\"}", 0)},
};

/* Behind the operations on rows, whose examples need the table. */
static const struct ms_operation last_operations[] = {
    {MS_OPERATION("tables", clear_table, "Deletes all rows of a table.", name_table, name_blank,
                  ms_result_null, NULL, "{\"tableName\":\"notes\"}", 0)},
    {MS_OPERATION("tables", drop_table,
                  "Drops a table with its rows and indexes; one of the store's own comes back empty.",
                  name_table, name_blank, ms_result_null, NULL, "{\"tableName\":\"notes\"}", 0)},
};

const struct ms_operation_set ms_table_operations = {operations, MS_COUNT(operations)};
const struct ms_operation_set ms_last_table_operations = {last_operations, MS_COUNT(last_operations)};
