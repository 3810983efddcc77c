/* Operations on rows of any table, which come and go as JSON: arguments, results, handlers, and the typed functions. */
#include "call/common.h"
#include "domains/tables.h"

#include "base/error.h"
#include "domains/check.h"
#include "store/store.h"

/* Rows out of JSON: one object, or the elements of an array. */
struct json_rows {
    struct ms_row_source source; /* first */
    mastra_str value;
    struct ms_json_iter *iter;
};

static mastra_str row_at(const struct json_rows *rows, size_t n)
{
    mastra_str row = {NULL, 0};

    if (!rows->source.listed) {
        return rows->value;
    }
    if (n == 0) {
        ms_json_iter_init(rows->iter, rows->value);
    }
    ms_json_next(rows->iter, NULL, &row);
    return row;
}

/* Which columns of the key are there; of the others the reading of the record tells. */
static uint64_t given_keys(const struct ms_entity *entity, mastra_str row)
{
    uint64_t given = 0;

    for (size_t i = 0; i < entity->key_count; i++) {
        const struct ms_column *column = &entity->columns[entity->keys[i]];
        mastra_str by_name = ms_json_member(row, mastra_str_of(column->name));
        mastra_str value = by_name.ptr ? by_name : ms_json_member(row, mastra_str_of(column->json));

        if (value.ptr && ms_json_kind(value) != MS_JSON_NULL) {
            given |= MS_BIT(entity->keys[i]);
        }
    }
    return given;
}

static mastra_status fill(const struct ms_row_source *source, struct ms_unit *unit,
                          const struct ms_entity *entity, size_t n, void *record, uint64_t *given)
{
    mastra_str row = row_at((const struct json_rows *)source, n);
    struct ms_reader reader = {unit->arena, unit->error};
    struct ms_place one = {NULL, "record", 0};
    struct ms_place list = {NULL, "records", 0};
    struct ms_place element = {&list, NULL, n};
    mastra_status status =
        ms_record_read(&reader, source->listed ? &element : &one, entity, row, record, given);

    if (status == MASTRA_OK) {
        *given |= given_keys(entity, row);
    }
    return status;
}

static mastra_status insert_rows(struct ms_call *call, mastra_str table, mastra_str given, bool listed)
{
    const char *field = listed ? "records" : "record";
    struct ms_json_iter iter;
    struct json_rows rows = {{1, listed, fill}, {NULL, 0}, &iter};
    mastra_status status = ms_check_json(&call->error, field, given, !listed, &rows.value);

    if (status == MASTRA_OK && !rows.value.ptr) {
        return ms_error_argument(&call->error, field, rows.value, "is required");
    }
    if (status == MASTRA_OK && listed && ms_json_kind(rows.value) != MS_JSON_ARRAY) {
        return ms_error_argument(&call->error, field, given, "must be an array");
    }
    if (listed) {
        rows.source.count = ms_json_count(rows.value);
    }
    return status == MASTRA_OK ? ms_insert(call, table, &rows.source) : status;
}

static mastra_status insert_record(struct ms_call *call, mastra_str table, mastra_str record)
{
    return insert_rows(call, table, record, false);
}

static mastra_status insert_records(struct ms_call *call, mastra_str table, mastra_str records)
{
    return insert_rows(call, table, records, true);
}

mastra_status mastra_insert(mastra_store *store, mastra_str table_name, mastra_str record,
                            mastra_error *error)
{
    MS_RUN(insert, insert_record, table_name, record);
}

mastra_status mastra_batch_insert(mastra_store *store, mastra_str table_name, mastra_str records,
                                  mastra_error *error)
{
    MS_RUN(batch_insert, insert_records, table_name, records);
}

#define TABLE_NAME(T)                                                                                        \
    {                                                                                                        \
        .name = "tableName", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                    \
        .offset = offsetof(T, table), .about = "a table of the store or any other"                           \
    }

struct row_args {
    mastra_str table;
    mastra_str row;
};

static const struct row_args row_blank = {{NULL, 0}, {NULL, 0}};

static const struct ms_arg insert_table[] = {
    TABLE_NAME(struct row_args),
    {.name = "record",
     .type = MS_ARG_OBJECT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct row_args, row),
     .about = "values by column; what is no column is passed over"},
};

static const struct ms_arg batch_table[] = {
    TABLE_NAME(struct row_args),
    {.name = "records",
     .type = MS_ARG_OBJECTS,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct row_args, row),
     .about = "values by column; what is no column is passed over"},
};

static mastra_status insert(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct row_args *row = args;

    (void)out;
    return insert_record(call, row->table, row->row);
}

static mastra_status batch_insert(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct row_args *rows = args;

    (void)out;
    return insert_records(call, rows->table, rows->row);
}

/* load */

static const struct ms_arg load_table[] = {
    TABLE_NAME(struct row_args),
    {.name = "keys",
     .type = MS_ARG_OBJECT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct row_args, row),
     .about = "values that columns must have"},
};

static const struct ms_arg load_result = {.type = MS_ARG_OBJECT, .flags = MS_ARG_NULLABLE};

/* Unlike a record's, the names of keys must be known: one that is passed over would find other rows. */
static mastra_status fill_keys(const struct ms_row_source *source, struct ms_unit *unit,
                               const struct ms_entity *entity, size_t n, void *record, uint64_t *given)
{
    mastra_str keys = row_at((const struct json_rows *)source, n);
    struct ms_reader reader = {unit->arena, unit->error};
    struct ms_place place = {NULL, "keys", 0};
    struct ms_json_iter iter;
    mastra_str key, value;

    ms_json_iter_init(&iter, keys);
    while (ms_json_next(&iter, &key, &value)) {
        mastra_str name;
        int column;

        if (!ms_json_unescape_arena(key, unit->arena, &name, NULL)) {
            return ms_error_oom(unit->error);
        }
        column = ms_entity_column(entity, name);
        if (column < 0 || !entity->columns[column].offset) {
            return ms_reader_fail(&reader, &place, key, "must be columns of the table");
        }
    }
    mastra_status status = ms_record_read(&reader, &place, entity, keys, record, given);

    if (status == MASTRA_OK) {
        *given |= given_keys(entity, keys);
    }
    return status;
}

static mastra_status load_row(struct ms_call *call, mastra_str table, mastra_str given, struct ms_buf *out)
{
    struct json_rows keys = {{1, false, fill_keys}, {NULL, 0}, NULL};
    struct ms_loaded loaded = {0};
    mastra_status status = ms_check_json(&call->error, "keys", given, true, &keys.value);

    if (status == MASTRA_OK && !keys.value.ptr) {
        return ms_error_argument(&call->error, "keys", keys.value, "is required");
    }
    if (status == MASTRA_OK) {
        status = ms_load(call, table, &keys.source, &loaded);
    }
    if (status == MASTRA_OK && loaded.row) {
        ms_put_fields(out, loaded.entity, loaded.row, MS_BY_COLUMN);
    } else if (status == MASTRA_OK) {
        ms_buf_add_text(out, "null");
    }
    ms_arena_free(loaded.arena);
    return status;
}

static mastra_status load(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct row_args *row = args;

    return load_row(call, row->table, row->row, out);
}

static mastra_status load_text(struct ms_call *call, mastra_str table, mastra_str keys, char **ret_json,
                               size_t *ret_len)
{
    struct ms_buf out;
    mastra_status status;

    ms_json_text_begin(&out, ms_store_heap(call->store));
    status = load_row(call, table, keys, &out);
    if (status != MASTRA_OK) {
        ms_json_text_abandon(&out);
        return status;
    }
    status = ms_json_text_end(&out, ret_json, ret_len);
    return status == MASTRA_OK ? status : ms_error_oom(&call->error);
}

mastra_status mastra_load(mastra_store *store, mastra_str table_name, mastra_str keys, char **ret_json,
                          size_t *ret_len, mastra_error *error)
{
    MS_RUN(load, load_text, table_name, keys, ret_json, ret_len);
}

/* The operations. */

static const struct ms_operation operations[] = {
    {MS_OPERATION("tables", insert, "Adds a row to a table, or replaces the one of its key.", insert_table,
                  row_blank, ms_result_null, NULL,
                  "{\"tableName\":\"notes\",\"record\":{\"id\":\"n1\",\"body\":{\"text\":\"tea\"},"
                  "\"createdAt\":\"2026-01-01T00:00:00.000Z\"}}",
                  MS_FAILS(NOT_FOUND) | MS_FAILS(CONFLICT))},
    {MS_OPERATION("tables", batch_insert, "Adds or replaces rows of a table, all or none.", batch_table,
                  row_blank, ms_result_null, NULL,
                  "{\"tableName\":\"notes\",\"records\":[{\"id\":\"n2\"},{\"id\":\"n3\"}]}",
                  MS_FAILS(NOT_FOUND) | MS_FAILS(CONFLICT))},
    {MS_OPERATION("tables", load, "Reads the newest row with the given values.", load_table, row_blank,
                  load_result, NULL, "{\"tableName\":\"notes\",\"keys\":{\"id\":\"n1\"}}",
                  MS_FAILS(NOT_FOUND))},
};

const struct ms_operation_set ms_row_operations = {operations, MS_COUNT(operations)};
