#include "backends/dynamodb/key_text.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

/* Where the values of a key come from: a record, or the texts of an entity's key. */
struct source {
    const struct ms_entity *entity;
    const void *record;
    const mastra_str *texts;
    int64_t sequence;
    struct ms_arena *arena;
    mastra_error *error;
};

static mastra_str value_of(const struct source *source, const struct ms_piece *piece,
                           char room[MS_VALUE_ROOM])
{
    const struct ms_entity *entity = source->entity;

    if (source->record) {
        return ms_key_value(&entity->columns[piece->column], source->record, piece->day, room);
    }
    for (size_t i = 0; source->texts && i < entity->key_count; i++) {
        if (entity->keys[i] == piece->column) {
            return source->texts[i];
        }
    }
    return (mastra_str){NULL, 0};
}

static void add_sequence(struct ms_key_text *text, int64_t sequence)
{
    char room[24];

    if (sequence > 0) {
        ms_key_text_add(text, (mastra_str){room, (size_t)snprintf(room, sizeof room, "#%" PRId64, sequence)});
    }
}

/* One of a key's two texts. *ret_complete false: a value is absent. */
static mastra_status compose(const struct source *source, const char *template, size_t most, mastra_str *ret,
                             bool *ret_complete)
{
    struct ms_key_text text;
    struct ms_piece piece;
    bool over = false;

    *ret_complete = true;
    ms_key_text_init(&text, source->entity, most);
    while (ms_template_next(source->entity, &template, &piece)) {
        ms_key_text_add(&text, piece.literal);
        if (piece.sequence) {
            add_sequence(&text, source->sequence);
        } else if (piece.column >= 0) {
            char room[MS_VALUE_ROOM];
            mastra_str value = value_of(source, &piece, room);

            *ret_complete = *ret_complete && value.ptr;
            ms_key_text_add_value(&text, &piece, value);
        }
    }
    if (!ms_key_text_end(&text, source->arena, ret, &over)) {
        return ms_error_oom(source->error);
    }
    return over ? ms_key_text_error(&text, source->error) : MASTRA_OK;
}

static mastra_status compose_path(const struct source *source, const struct ms_item_path *path,
                                  struct ms_key *ret, bool *ret_complete)
{
    bool sorted = false;
    mastra_status status =
        compose(source, path->partition, MS_KEY_PARTITION_MOST, &ret->partition, ret_complete);

    if (status == MASTRA_OK) {
        status = compose(source, path->sort, MS_KEY_SORT_MOST, &ret->sort, &sorted);
        *ret_complete = *ret_complete && sorted;
    }
    return status;
}

mastra_status ms_template_compose(const struct ms_entity *entity, const char *template, size_t most,
                                  const void *record, int64_t sequence, struct ms_arena *arena,
                                  mastra_str *ret, bool *ret_complete, mastra_error *error)
{
    struct source source = {entity, record, NULL, sequence, arena, error};

    return compose(&source, template, most, ret, ret_complete);
}

mastra_status ms_key_of_record(const struct ms_entity *entity, const void *record, int64_t sequence,
                               struct ms_arena *arena, struct ms_key *ret, mastra_error *error)
{
    struct source source = {entity, record, NULL, sequence, arena, error};
    bool complete;

    return compose_path(&source, &entity->item->paths[0], ret, &complete);
}

mastra_status ms_key_of_texts(const struct ms_entity *entity, const mastra_str *key, struct ms_arena *arena,
                              struct ms_key *ret, mastra_error *error)
{
    struct source source = {entity, NULL, key, 0, arena, error};
    bool complete;

    return compose_path(&source, &entity->item->paths[0], ret, &complete);
}

bool ms_key_is(const struct ms_entity *entity, const mastra_str *key, void *record)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        const struct ms_column *column = &entity->columns[entity->keys[i]];
        char room[MS_VALUE_ROOM];

        if (entity->item->nameless & MS_BIT(entity->keys[i])) {
            *ms_field_str(column, record) = key[i];
        } else if (ms_str_compare(ms_key_value(column, record, false, room), key[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_null(const struct ms_column *column, const void *record)
{
    char room[MS_VALUE_ROOM];

    return !ms_key_value(column, record, false, room).ptr;
}

/* Whether the path is for records like this one. */
static bool path_takes(const struct ms_entity *entity, const struct ms_item_path *path, const void *record)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if ((path->absent & MS_BIT(i)) && !is_null(&entity->columns[i], record)) {
            return false;
        }
    }
    return true;
}

mastra_status ms_key_of_index(const struct ms_entity *entity, uint8_t number, const void *record,
                              int64_t sequence, struct ms_arena *arena, struct ms_key *ret, bool *ret_there,
                              mastra_error *error)
{
    const struct ms_item_form *form = entity->item;
    struct source source = {entity, record, NULL, sequence, arena, error};

    *ret_there = false;
    for (uint8_t i = 1; i < form->path_count; i++) {
        const struct ms_item_path *path = &form->paths[i];
        mastra_status status;

        if (path->index != number || !path_takes(entity, path, record)) {
            continue;
        }
        status = compose_path(&source, path, ret, ret_there);
        *ret_there = *ret_there || path->always;
        if (status != MASTRA_OK || *ret_there) {
            return status;
        }
    }
    return MASTRA_OK;
}

uint64_t ms_template_columns(const struct ms_entity *entity, const char *template)
{
    struct ms_piece piece;
    uint64_t columns = 0;

    while (ms_template_next(entity, &template, &piece)) {
        columns |= piece.column >= 0 ? MS_BIT(piece.column) : 0;
    }
    return columns;
}

uint64_t ms_key_columns(const struct ms_entity *entity, uint8_t number)
{
    uint64_t columns = 0;

    for (uint8_t i = 0; i < entity->item->path_count; i++) {
        const struct ms_item_path *path = &entity->item->paths[i];

        if (path->index == number) {
            columns |= path->absent | ms_template_columns(entity, path->partition) |
                       ms_template_columns(entity, path->sort);
        }
    }
    return columns;
}

uint64_t ms_key_indexes(const struct ms_entity *entity)
{
    uint64_t numbers = 0;

    for (uint8_t i = 1; i < entity->item->path_count; i++) {
        numbers |= MS_BIT(entity->item->paths[i].index);
    }
    return numbers;
}

/* A text without values. */
static mastra_status literal(const struct ms_entity *entity, mastra_str text, mastra_str more, size_t most,
                             struct ms_arena *arena, mastra_str *ret, mastra_error *error)
{
    struct ms_key_text made;
    bool over = false;

    ms_key_text_init(&made, entity, most);
    ms_key_text_add(&made, text);
    ms_key_text_add(&made, more);
    if (!ms_key_text_end(&made, arena, ret, &over)) {
        return ms_error_oom(error);
    }
    return over ? ms_key_text_error(&made, error) : MASTRA_OK;
}

mastra_status ms_key_prefix(const struct ms_entity *entity, struct ms_arena *arena, struct ms_key *ret,
                            mastra_error *error)
{
    static const mastra_str nothing = {"", 0};
    const struct ms_item_path *path = &entity->item->paths[0];
    mastra_status status = literal(entity, ms_template_literal(path->partition), nothing,
                                   MS_KEY_PARTITION_MOST, arena, &ret->partition, error);

    return status == MASTRA_OK ? literal(entity, ms_template_literal(path->sort), nothing, MS_KEY_SORT_MOST,
                                         arena, &ret->sort, error)
                               : status;
}

mastra_str ms_key_day(mastra_time time, char out[MS_KEY_DAY_SIZE])
{
    char iso[MS_ISO_SIZE];
    size_t len = ms_time_format(time, iso);
    const char *end = memchr(iso, 'T', len);

    len = (size_t)(end - iso);
    memcpy(out, iso, len);
    out[len] = '\0';
    return (mastra_str){out, len};
}

mastra_status ms_key_of_day(const struct ms_entity *entity, mastra_str day, struct ms_arena *arena,
                            struct ms_key *ret, mastra_error *error)
{
    const struct ms_item_days *days = &entity->item->days;
    mastra_status status = literal(entity, mastra_str_of(days->partition), (mastra_str){"", 0},
                                   MS_KEY_PARTITION_MOST, arena, &ret->partition, error);

    return status == MASTRA_OK
               ? literal(entity, mastra_str_of(days->sort), day, MS_KEY_SORT_MOST, arena, &ret->sort, error)
               : status;
}

mastra_status ms_key_of_part(const struct ms_entity *entity, const void *record, int64_t sequence,
                             mastra_str generation, unsigned number, struct ms_arena *arena,
                             struct ms_key *ret, mastra_error *error)
{
    const struct ms_item_path *own = &entity->item->paths[0];
    struct source source = {entity, record, NULL, sequence, arena, error};
    struct ms_item_path path = {.partition = own->partition};
    char sort[128];
    bool complete;

    snprintf(sort, sizeof sort, "%spart_%.*s%s%04u", entity->item->parts, (int)generation.len,
             generation.len > 0 ? generation.ptr : "", generation.len > 0 ? "_" : "", number);
    path.sort = sort;
    return compose_path(&source, &path, ret, &complete);
}
