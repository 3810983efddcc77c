/*
 * Tables that are not in the catalogue, and further columns of those that are: an item for each of them tells its columns
 * as JSON. Rows stand as items of a form that follows from it.
 */
#include "schema/foreign.h"
#include "backends/dynamodb/item.h"
#include "backends/dynamodb/write.h"
#include "base/error.h"
#include "base/json.h"
#include "schema/form.h"

#define TABLES_PARTITION "$mastra_ext#entity_table"
#define TABLES_SORT      "$table_1#name_"
#define TABLE_TYPE       "ext_table"
#define DEFINITION       "mastra_definition"

static const char *const type_names[] = {
    [MS_TEXT] = "text",  [MS_JSON] = "jsonb",      [MS_INTEGER] = "integer",     [MS_BIGINT] = "bigint",
    [MS_REAL] = "float", [MS_BOOLEAN] = "boolean", [MS_TIMESTAMP] = "timestamp",
};
#define TYPES (sizeof type_names / sizeof type_names[0])

/* What is stored of a table. */
struct definition {
    struct ms_key key;
    bool there;
    mastra_str text; /* as it is stored */
    struct ms_foreign_column columns[MS_COLUMNS_MOST];
    size_t count;
};

static mastra_status key_of_table(mastra_str table, struct ms_arena *arena, struct ms_key *ret,
                                  mastra_error *error)
{
    size_t prefix = strlen(TABLES_SORT);
    char *sort = ms_arena_bytes(arena, prefix + table.len + 1);

    if (!sort) {
        return ms_error_oom(error);
    }
    memcpy(sort, TABLES_SORT, prefix);
    memcpy(sort + prefix, table.ptr, table.len);
    sort[prefix + table.len] = '\0';
    *ret = (struct ms_key){mastra_str_of(TABLES_PARTITION), {sort, prefix + table.len}};
    return MASTRA_OK;
}

/* Reading. */

static int64_t number_member(mastra_str object, const char *name)
{
    int64_t number = 0;
    mastra_str raw = ms_json_member(object, mastra_str_of(name));

    return ms_json_kind(raw) == MS_JSON_NUMBER && ms_json_int(raw, &number) ? number : 0;
}

/* What its rows hold: a boolean may be null, which a field of that type cannot tell; as JSON it can. */
static void settle_column(struct ms_foreign_column *column)
{
    column->null = column->null == MS_NOT_NULL ? MS_NOT_NULL : MS_NULL_UNSET;
    if (column->type == MS_JSON || column->type == MS_BOOLEAN) {
        column->type = MS_JSON;
        column->flags |= MS_VALUE;
    } else if (column->type == MS_INTEGER) {
        column->type = MS_BIGINT;
    } else if (column->type == MS_TEXT) {
        column->flags |= column->in_key ? MS_STRICT : MS_CONTENT;
    }
}

static bool read_column(mastra_str object, struct ms_arena *arena, struct ms_foreign_column *ret)
{
    mastra_str name = ms_json_member(object, mastra_str_of("name"));
    mastra_str type = ms_json_member(object, mastra_str_of("type"));

    *ret = (struct ms_foreign_column){.null = (enum ms_null)number_member(object, "null"),
                                      .flags = (unsigned)number_member(object, "flags"),
                                      .in_key = (unsigned)number_member(object, "key")};
    for (size_t i = 0; i < TYPES; i++) {
        if (ms_json_kind(type) == MS_JSON_STRING &&
            ms_json_string_equals(type, mastra_str_of(type_names[i]))) {
            ret->type = (enum ms_type)i;
        }
    }
    settle_column(ret);
    return ms_json_kind(name) == MS_JSON_STRING && ms_json_unescape_arena(name, arena, &ret->name, NULL);
}

static mastra_status read_columns(struct definition *definition, struct ms_arena *arena, mastra_error *error)
{
    struct ms_json_iter iter;
    mastra_str array;
    mastra_str column;

    if (!ms_json_check(definition->text, &array, NULL) || ms_json_kind(array) != MS_JSON_ARRAY) {
        return ms_error_set(error, MASTRA_CORRUPT, "the definition of a table is no JSON array");
    }
    ms_json_iter_init(&iter, array);
    while (ms_json_next(&iter, NULL, &column) && definition->count < MS_COLUMNS_MOST) {
        if (!read_column(column, arena, &definition->columns[definition->count++])) {
            return ms_error_oom(error);
        }
    }
    return MASTRA_OK;
}

static mastra_status take_answer(mastra_str answer, struct ms_arena *arena, struct definition *ret,
                                 mastra_error *error)
{
    mastra_str item = ms_json_member(answer, mastra_str_of("Item"));
    mastra_str raw = ms_json_member(ms_json_member(item, mastra_str_of(DEFINITION)), mastra_str_of("S"));

    if (ms_json_kind(raw) != MS_JSON_STRING) {
        return MASTRA_OK;
    }
    ret->there = true;
    if (!ms_json_unescape_arena(raw, arena, &ret->text, NULL)) {
        return ms_error_oom(error);
    }
    return read_columns(ret, arena, error);
}

static mastra_status read_definition(struct ddb_session *session, mastra_str table, struct ms_arena *arena,
                                     struct definition *ret, mastra_error *error)
{
    struct ddb_batch batch;
    struct ms_buf *body;
    mastra_status status;

    memset(ret, 0, sizeof *ret);
    status = key_of_table(table, arena, &ret->key, error);
    if (status != MASTRA_OK) {
        return status;
    }
    ddb_batch_init(&batch, session->owner);
    body = ddb_batch_add(&batch, "GetItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(session->owner, body);
    ms_buf_add_text(body, ",\"ConsistentRead\":true,\"Key\":");
    ms_item_write_key(body, &ret->key);
    ms_buf_add_char(body, '}');
    status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
        status = ddb_call_failed(session->owner, &batch.calls[0], error);
    }
    if (status == MASTRA_OK) {
        status = take_answer(batch.calls[0].answer, arena, ret, error);
    }
    ddb_batch_release(&batch);
    return status;
}

/* A table of the user's, as it is described. */
static mastra_status make_entity(mastra_str table, const struct definition *definition,
                                 struct ms_arena *arena, const struct ms_entity **ret, mastra_error *error)
{
    bool keyed = false;
    struct ms_entity *entity = NULL;
    mastra_status status;

    for (size_t i = 0; i < definition->count; i++) {
        keyed = keyed || definition->columns[i].in_key;
    }
    status = ms_foreign_entity(arena, table, keyed ? MS_KEY_PRIMARY_TABLE : MS_KEY_NONE, definition->columns,
                               definition->count, &entity, error);
    if (status != MASTRA_OK) {
        return status;
    }
    /* Rows without a key are told apart by the order in which they came. */
    entity->sequence = keyed ? NULL : MS_ITEM_SEQUENCE;
    entity->item = ms_item_form_of_table(arena, entity);
    *ret = entity;
    return entity->item ? MASTRA_OK : ms_error_oom(error);
}

/* A table of the catalogue, with what was added to it. Columns go by their own names alone. */
static mastra_status describe_own(const struct ms_entity *own, const struct definition *definition,
                                  struct ms_arena *arena, const struct ms_entity **ret, mastra_error *error)
{
    struct ms_entity *plain = ms_arena_alloc(arena, sizeof *plain);
    struct ms_column *columns = ms_arena_alloc(arena, own->column_count * sizeof *columns);

    if (!plain || !columns) {
        return ms_error_oom(error);
    }
    *plain = *own;
    memcpy(columns, own->columns, own->column_count * sizeof *columns);
    for (uint8_t i = 0; i < own->column_count; i++) {
        columns[i].json = columns[i].name;
    }
    plain->columns = columns;
    *ret = plain;
    return definition->count == 0
               ? MASTRA_OK
               : ms_foreign_extend(arena, plain, definition->columns, definition->count, ret, error);
}

mastra_status ddb_describe_table(struct ms_session *base, mastra_str table, struct ms_arena *arena,
                                 const struct ms_entity **ret, mastra_error *error)
{
    const struct ms_entity *own = ms_entity_of_table(table);
    struct definition *definition = ms_arena_alloc(arena, sizeof *definition);
    mastra_status status;

    *ret = NULL;
    if (!definition) {
        return ms_error_oom(error);
    }
    status = read_definition(ddb_session_of(base), table, arena, definition, error);
    if (status != MASTRA_OK) {
        return status;
    }
    if (own) {
        return describe_own(own, definition, arena, ret, error);
    }
    return definition->there ? make_entity(table, definition, arena, ret, error) : MASTRA_OK;
}

/* Changing. */

static void put_column(struct ms_buf *text, const struct ms_entity *entity, uint8_t number)
{
    const struct ms_column *column = &entity->columns[number];
    unsigned in_key = 0;

    for (uint8_t i = 0; i < entity->key_count; i++) {
        in_key = entity->keys[i] == number ? i + 1u : in_key;
    }
    ms_buf_add_text(text, text->len > 1 ? ",{\"name\":" : "{\"name\":");
    ms_json_put_string(text, mastra_str_of(column->name));
    ms_buf_printf(text, ",\"type\":\"%s\",\"null\":%d,\"flags\":%u,\"key\":%u}", type_names[column->type],
                  (int)column->null, column->flags & ~(unsigned)MS_KEY, in_key);
}

/* Stores it, unless somebody has changed it since it was read. */
static mastra_status write_definition(struct ddb_session *session, const struct definition *old,
                                      mastra_str text, mastra_error *error)
{
    struct ddb_batch batch;
    struct ms_buf *body;
    mastra_status status;

    ddb_batch_init(&batch, session->owner);
    body = ddb_batch_add(&batch, "PutItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(session->owner, body);
    ms_buf_add_text(body, ",\"Item\":{\"pk\":");
    ddb_put_string(body, old->key.partition);
    ms_buf_add_text(body, ",\"sk\":");
    ddb_put_string(body, old->key.sort);
    ms_buf_add_text(body, ",\"__edb_e__\":{\"S\":\"" TABLE_TYPE
                          "\"},\"__edb_v__\":{\"S\":\"1\"},\"" DEFINITION "\":");
    ddb_put_string(body, text);
    ms_buf_add_text(body, "},\"ConditionExpression\":\"");
    ms_buf_add_text(body, old->there ? DEFINITION " = :old OR " DEFINITION " = :new\""
                                     : "attribute_not_exists(pk) OR " DEFINITION " = :new\"");
    ms_buf_add_text(body, ",\"ExpressionAttributeValues\":{\":new\":");
    ddb_put_string(body, text);
    if (old->there) {
        ms_buf_add_text(body, ",\":old\":");
        ddb_put_string(body, old->text);
    }
    ms_buf_add_text(body, "}}");
    status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
        status = ddb_call_failed(session->owner, &batch.calls[0], error);
    }
    ddb_batch_release(&batch);
    return status;
}

static bool is_known(const struct definition *definition, const char *name)
{
    for (size_t i = 0; i < definition->count; i++) {
        const char *known = definition->columns[i].name.ptr;

        if (known && strcmp(known, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The columns that are there, and those to come. */
static void put_definition(struct ms_buf *text, const struct definition *old, const struct ms_entity *entity,
                           uint64_t columns)
{
    mastra_str kept = old->text;

    ms_buf_add_char(text, '[');
    if (old->there && old->count > 0) {
        ms_buf_add_str(text, (mastra_str){kept.ptr + 1, kept.len - 2});
    }
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if ((columns & MS_BIT(i)) && !is_known(old, entity->columns[i].name)) {
            put_column(text, entity, i);
        }
    }
    ms_buf_add_char(text, ']');
}

mastra_status ddb_ensure_table(struct ms_session *base, const struct ms_entity *entity, uint64_t columns,
                               mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    mastra_str table = mastra_str_of(entity->table);
    struct ms_arena *arena = ddb_session_arena(session, error);
    struct definition *old = arena ? ms_arena_alloc(arena, sizeof *old) : NULL;
    struct ms_buf text;
    mastra_status status;

    if (!old) {
        return ms_error_oom(error);
    }
    status = read_definition(session, table, arena, old, error);
    if (status != MASTRA_OK) {
        return status;
    }
    if (!old->there && !ms_entity_of_table(table)) {
        columns = ms_entity_all(entity);
    }
    if (columns == 0) {
        return MASTRA_OK;
    }
    ms_buf_init(&text, session->owner->base.client.heap, 0);
    put_definition(&text, old, entity, columns);
    status = text.failed == MASTRA_OK ? write_definition(session, old, ms_buf_view(&text), error)
                                      : ms_error_oom(error);
    ms_buf_release(&text);
    return status;
}

static mastra_status drop_definition(struct ddb_session *session, mastra_str table, struct ms_arena *arena,
                                     mastra_error *error)
{
    struct ddb_batch batch;
    struct ms_buf *body;
    struct ms_key key;
    mastra_status status = key_of_table(table, arena, &key, error);

    if (status != MASTRA_OK) {
        return status;
    }
    ddb_batch_init(&batch, session->owner);
    body = ddb_batch_add(&batch, "DeleteItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    ddb_put_head(session->owner, body);
    ms_buf_add_text(body, ",\"Key\":");
    ms_item_write_key(body, &key);
    ms_buf_add_char(body, '}');
    status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    if (status == MASTRA_OK && !ms_service_call_ok(&batch.calls[0])) {
        status = ddb_call_failed(session->owner, &batch.calls[0], error);
    }
    ddb_batch_release(&batch);
    return status;
}

/* First the rows, then what tells how to find them: it can be done again after a failure. */
mastra_status ddb_drop_table(struct ms_session *base, mastra_str table, mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    struct ms_arena *arena = ddb_session_arena(session, error);
    const struct ms_entity *entity = NULL;
    struct ms_query query;
    struct ms_write write = {.kind = MS_WRITE_ERASE_ALL, .query = &query};
    mastra_status status;

    if (!arena) {
        return MASTRA_OUT_OF_MEMORY;
    }
    status = ddb_describe_table(base, table, arena, &entity, error);
    if (status != MASTRA_OK || !entity) {
        return status;
    }
    ms_query_init_on(&query, entity);
    write.entity = entity;
    status = ddb_write(session, &write, error);
    return status == MASTRA_OK ? drop_definition(session, table, arena, error) : status;
}
