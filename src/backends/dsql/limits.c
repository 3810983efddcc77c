/* How large records may be, told before anything is sent. */
#include "backends/dsql/dsql.h"
#include "backends/postgres/ddl.h"
#include "base/error.h"

#include <ctype.h>

/* What a row, or a change of one, takes beside its texts. */
#define ROW_OVERHEAD    512
#define NUMBER_OVERHEAD 24

static bool is_text(const struct ms_column *column)
{
    return column->type == MS_TEXT || column->type == MS_JSON;
}

static size_t text_size(const struct ms_column *column, const void *record)
{
    return is_text(column) && column->offset ? ms_field_str(column, record)->len : 0;
}

static mastra_status too_large(const struct ms_entity *entity, const char *field, size_t size, size_t most,
                               const char *what, mastra_error *error)
{
    ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "%s.%s is %zu bytes long; %s of Aurora DSQL holds at most %zu",
                 entity->table, field, size, what, most);
    ms_error_copy(error->field, sizeof error->field, mastra_str_of(field));
    return MASTRA_LIMIT_EXCEEDED;
}

static mastra_status check_row(const struct ms_entity *entity, const void *record, uint64_t columns,
                               mastra_error *error)
{
    size_t row = 0;

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];
        size_t size = columns & MS_BIT(i) ? text_size(column, record) : 0;

        if (size > DSQL_VALUE_MOST) {
            return too_large(entity, column->json, size, DSQL_VALUE_MOST, "a column", error);
        }
        row += is_text(column) ? size : NUMBER_OVERHEAD;
    }
    if (row > DSQL_ROW_MOST) {
        ms_error_set(error, MASTRA_LIMIT_EXCEEDED,
                     "a row of %s would be %zu bytes long; one of Aurora DSQL holds at most %zu",
                     entity->table, row, DSQL_ROW_MOST);
        return MASTRA_LIMIT_EXCEEDED;
    }
    return MASTRA_OK;
}

/* Keys. The key of a row counts in each of its indexes, too. */

struct key {
    const struct ms_entity *entity;
    uint64_t columns; /* that the record has */
    uint64_t met;     /* that are in it */
    size_t size;
    const struct ms_column *longest;
    size_t longest_size;
};

static void add_to_key(struct key *key, const struct ms_column *column, const void *record)
{
    bool known = key->columns & MS_BIT(column - key->entity->columns);
    size_t size = !is_text(column) ? NUMBER_OVERHEAD : known ? text_size(column, record) : 0;

    key->size += size;
    key->met |= MS_BIT(column - key->entity->columns);
    if (!key->longest || size > key->longest_size) {
        key->longest = column;
        key->longest_size = size;
    }
}

static mastra_status check_key(const struct key *key, const char *index, mastra_error *error)
{
    if (key->size <= DSQL_KEY_MOST) {
        return MASTRA_OK;
    }
    ms_error_set(
        error, MASTRA_LIMIT_EXCEEDED,
        "%s.%s is too long (%zu bytes): the key of %s would be %zu bytes long, and one of Aurora DSQL "
        "holds at most %d",
        key->entity->table, key->longest->json, key->longest_size, index, key->size, DSQL_KEY_MOST);
    ms_error_copy(error->field, sizeof error->field, mastra_str_of(key->longest->json));
    return MASTRA_LIMIT_EXCEEDED;
}

/* The next name in "(name, \"other\")". */
static bool next_name(const char **at, mastra_str *ret)
{
    const char *from = *at + strspn(*at, "( ,\"");

    ret->ptr = from;
    ret->len = strcspn(from, ",\")");
    *at = from + ret->len;
    return ret->len > 0;
}

static void add_index_columns(struct key *key, const struct pg_index *index, const void *record)
{
    const char *at = index->columns;
    mastra_str name;

    while (next_name(&at, &name)) {
        int column = ms_entity_column(key->entity, name);

        if (column >= 0) {
            add_to_key(key, &key->entity->columns[column], record);
        }
    }
}

static void add_own_key(struct key *key, const void *record)
{
    for (size_t i = 0; i < key->entity->key_count; i++) {
        add_to_key(key, &key->entity->columns[key->entity->keys[i]], record);
    }
}

/* Of a change, keys alone that it changes: those that are there fit. */
static mastra_status check_keys(const struct ms_entity *entity, const void *record, uint64_t columns,
                                mastra_error *error)
{
    struct key key = {.entity = entity, .columns = columns | ms_entity_keys(entity)};
    mastra_status status = MASTRA_OK;

    if (columns & ms_entity_keys(entity)) {
        add_own_key(&key, record);
        status = check_key(&key, entity->table, error);
    }
    for (size_t i = 0; i < dsql_flavour.index_count && status == MASTRA_OK; i++) {
        const struct pg_index *index = &dsql_flavour.indexes[i];

        if (index->entity == entity->id) {
            key = (struct key){.entity = entity, .columns = key.columns};
            add_index_columns(&key, index, record);
            if (key.met & columns) {
                add_own_key(&key, record);
                status = check_key(&key, index->name, error);
            }
        }
    }
    return status;
}

mastra_status dsql_check_writes(const struct ms_write *first, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (const struct ms_write *write = first; write && status == MASTRA_OK; write = write->next) {
        bool whole = write->kind == MS_WRITE_PUT || write->kind == MS_WRITE_INSERT;
        uint64_t columns = whole ? ms_entity_fields(write->entity) : write->columns;

        if (write->record) {
            status = check_keys(write->entity, write->record, columns, error);
        }
        if (status == MASTRA_OK && write->record) {
            status = check_row(write->entity, write->record, columns, error);
        }
    }
    return status;
}

size_t dsql_write_size(const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    bool whole = write->kind == MS_WRITE_PUT || write->kind == MS_WRITE_INSERT;
    size_t size = ROW_OVERHEAD;

    for (int i = 0; write->record && i < entity->column_count; i++) {
        if (whole || write->columns & MS_BIT(i)) {
            size += text_size(&entity->columns[i], write->record);
        }
    }
    return size;
}
