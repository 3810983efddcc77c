#include "schema/foreign.h"

#include "base/error.h"

/* Every field begins at a multiple of this. */
#define FIELD_ALIGN 8

static size_t field_size(enum ms_type type)
{
    return type == MS_TEXT || type == MS_JSON ? sizeof(mastra_str) : FIELD_ALIGN;
}

_Static_assert(sizeof(int64_t) <= FIELD_ALIGN && sizeof(double) <= FIELD_ALIGN &&
                   sizeof(bool) <= FIELD_ALIGN && sizeof(mastra_str) % FIELD_ALIGN == 0,
               "a field fills its place");
_Static_assert(sizeof(size_t) + MS_COLUMNS_MOST * sizeof(mastra_str) <= UINT16_MAX,
               "offsets fit the descriptor");

static void set_blank(const struct ms_column *column, void *record)
{
    switch (column->type) {
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)ms_field(column, record) = MASTRA_INTEGER_NONE;
        break;
    case MS_REAL:
        *(double *)ms_field(column, record) = MASTRA_REAL_NONE;
        break;
    case MS_TIMESTAMP:
        *ms_field_time(column, record) = MASTRA_TIME_NONE;
        break;
    case MS_TEXT:
    case MS_JSON:
    case MS_BOOLEAN:
        break; /* all zeros */
    }
}

/* Columns with fields one behind the other, from `size` on, which grows with them. */
static bool fill_columns(struct ms_arena *arena, const struct ms_foreign_column *given, size_t count,
                         struct ms_column *columns, size_t *size)
{
    for (size_t i = 0; i < count; i++) {
        mastra_str name;

        if (!ms_arena_str(arena, given[i].name, &name)) {
            return false;
        }
        columns[i].name = name.ptr;
        columns[i].json = name.ptr;
        columns[i].type = given[i].type;
        columns[i].null = given[i].null;
        columns[i].flags = given[i].flags | (given[i].in_key ? MS_KEY : 0);
        columns[i].offset = (uint16_t)*size;
        *size += field_size(given[i].type);
    }
    return true;
}

static bool build_columns(struct ms_arena *arena, const struct ms_foreign_column *given, size_t count,
                          struct ms_entity *entity)
{
    struct ms_column *columns = ms_arena_calloc(arena, (count + 1) * sizeof *columns);
    size_t size = FIELD_ALIGN;

    if (!columns || !fill_columns(arena, given, count, columns, &size)) {
        return false;
    }
    entity->columns = columns;
    entity->column_count = (uint8_t)count;
    entity->size = (uint16_t)size;
    return true;
}

static bool build_blank(struct ms_arena *arena, struct ms_entity *entity)
{
    void *blank = ms_arena_calloc(arena, entity->size);

    if (!blank) {
        return false;
    }
    *(size_t *)blank = entity->size;
    for (size_t i = 0; i < entity->column_count; i++) {
        set_blank(&entity->columns[i], blank);
    }
    entity->blank = blank;
    return true;
}

/* False when the key is too long. */
static bool build_key(const struct ms_foreign_column *given, size_t count, struct ms_entity *entity)
{
    for (size_t i = 0; i < count; i++) {
        if (given[i].in_key > MS_KEYS_MOST) {
            return false;
        }
        if (given[i].in_key) {
            entity->keys[given[i].in_key - 1] = (uint8_t)i;
            entity->key_count++;
        }
    }
    return true;
}

static uint8_t order_column(const struct ms_entity *entity)
{
    int column = ms_entity_column(entity, mastra_str_of("createdAt"));

    if (column < 0) {
        column = ms_entity_column(entity, mastra_str_of("created_at"));
    }
    if (column < 0) {
        column = entity->key_count ? entity->keys[0] : 0;
    }
    return (uint8_t)column;
}

mastra_status ms_foreign_entity(struct ms_arena *arena, mastra_str table, enum ms_key_form key_form,
                                const struct ms_foreign_column *columns, size_t count, struct ms_entity **ret,
                                mastra_error *error)
{
    struct ms_entity *entity = ms_arena_calloc(arena, sizeof *entity);
    mastra_str name;

    if (!entity || !ms_arena_str(arena, table, &name)) {
        return ms_error_oom(error);
    }
    if (count > MS_COLUMNS_MOST) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "table %s has %zu columns; the most is %d",
                            name.ptr, count, MS_COLUMNS_MOST);
    }
    entity->id = MS_FOREIGN;
    entity->noun = "Row";
    entity->table = name.ptr;
    entity->key_form = key_form;
    if (!build_key(columns, count, entity)) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "table %s has more than %d columns in its key",
                            name.ptr, MS_KEYS_MOST);
    }
    if (!build_columns(arena, columns, count, entity) || !build_blank(arena, entity)) {
        return ms_error_oom(error);
    }
    entity->created = order_column(entity);
    *ret = entity;
    return MASTRA_OK;
}

const struct ms_entity *ms_foreign_narrow(struct ms_arena *arena, const struct ms_entity *entity,
                                          uint64_t columns)
{
    struct ms_entity *narrow = ms_arena_alloc(arena, sizeof *narrow);
    struct ms_column *copies = ms_arena_alloc(arena, (size_t)entity->column_count * sizeof *copies);

    if (!narrow || !copies) {
        return NULL;
    }
    *narrow = *entity;
    memcpy(copies, entity->columns, (size_t)entity->column_count * sizeof *copies);
    for (int i = 0; i < entity->column_count; i++) {
        if (!(columns & MS_BIT(i))) {
            copies[i].offset = 0;
        }
    }
    narrow->columns = copies;
    return narrow;
}

mastra_status ms_foreign_extend(struct ms_arena *arena, const struct ms_entity *entity,
                                const struct ms_foreign_column *more, size_t count,
                                const struct ms_entity **ret, mastra_error *error)
{
    size_t all = entity->column_count + count;
    size_t size = (entity->size + FIELD_ALIGN - 1u) / FIELD_ALIGN * FIELD_ALIGN;
    struct ms_entity *wide = ms_arena_alloc(arena, sizeof *wide);
    struct ms_column *columns = ms_arena_calloc(arena, all * sizeof *columns);
    char *blank;

    if (all > MS_COLUMNS_MOST) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "table %s has %zu columns; the most is %d",
                            entity->table, all, MS_COLUMNS_MOST);
    }
    if (!wide || !columns || !fill_columns(arena, more, count, columns + entity->column_count, &size)) {
        return ms_error_oom(error);
    }
    blank = ms_arena_calloc(arena, size);
    if (!blank) {
        return ms_error_oom(error);
    }
    memcpy(columns, entity->columns, entity->column_count * sizeof *columns);
    memcpy(blank, entity->blank, entity->size);
    *wide = *entity;
    wide->id = MS_FOREIGN;
    wide->columns = columns;
    wide->column_count = (uint8_t)all;
    wide->size = (uint16_t)size;
    wide->blank = blank;
    for (size_t i = entity->column_count; i < all; i++) {
        set_blank(&columns[i], blank);
    }
    *ret = wide;
    return MASTRA_OK;
}
