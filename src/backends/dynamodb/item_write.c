/* Records to changes of attributes. */
#include "backends/dynamodb/item.h"
#include "backends/dynamodb/key_text.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What DynamoDB's numbers can be, but for zero. */
#define NUMBER_LEAST 1e-130
#define NUMBER_MOST  1e126 /* not itself */

struct writer {
    const struct ms_entity *entity;
    const void *record;
    bool fresh; /* nothing is there that would have to be removed or kept */
    bool whole; /* all columns are written */
    struct ms_arena *arena;
    struct ms_item_change *change;
    mastra_error *error;
    mastra_status status;
    uint64_t empty;   /* columns that hold the empty string */
    uint64_t nothing; /* columns that are null */
};

static const char *const partition_names[] = {"pk",     "gsi1pk", "gsi2pk", "gsi3pk",
                                              "gsi4pk", "gsi5pk", "gsi6pk", "gsi7pk"};
static const char *const sort_names[] = {"sk",     "gsi1sk", "gsi2sk", "gsi3sk",
                                         "gsi4sk", "gsi5sk", "gsi6sk", "gsi7sk"};

/* What a value takes up: numbers a byte for two digits, and one more. */
static size_t size_of(enum ms_item_kind kind, mastra_str text)
{
    return kind == MS_ITEM_NUMBER ? text.len / 2 + 2 : kind == MS_ITEM_BOOLEAN ? 1 : text.len;
}

static void add(struct writer *writer, enum ms_item_action action, const char *name, enum ms_item_kind kind,
                mastra_str text)
{
    struct ms_item_change *change = writer->change;

    assert(change->count < MS_ITEM_ATTRIBUTES);
    change->attributes[change->count++] = (struct ms_item_attribute){name, action, kind, text};
    if (action == MS_ITEM_SET || action == MS_ITEM_SET_ONCE || action == MS_ITEM_ADD) {
        change->bytes += strlen(name) + size_of(kind, text);
    }
}

static void add_remove(struct writer *writer, const char *name)
{
    if (!writer->fresh) {
        add(writer, MS_ITEM_REMOVE, name, MS_ITEM_STRING, (mastra_str){NULL, 0});
    }
}

static void fail(struct writer *writer, mastra_status status)
{
    if (writer->status == MASTRA_OK) {
        writer->status = status;
    }
}

/* A text that was printed, in arena memory. */
static mastra_str keep(struct writer *writer, const char *text, size_t len)
{
    mastra_str kept = {NULL, 0};

    if (!ms_arena_str(writer->arena, (mastra_str){text, len}, &kept)) {
        fail(writer, ms_error_oom(writer->error));
    }
    return kept;
}

static mastra_str print_integer(struct writer *writer, int64_t value)
{
    char room[24];

    return keep(writer, room, (size_t)snprintf(room, sizeof room, "%" PRId64, value));
}

static mastra_str print_time(struct writer *writer, mastra_time time)
{
    char iso[MS_ISO_SIZE];

    return keep(writer, iso, ms_time_format(time, iso));
}

static mastra_str print_real(struct writer *writer, const struct ms_column *column, double value)
{
    char room[MS_JSON_DOUBLE_SIZE];
    mastra_str text = {room, ms_json_format_double(value, room)};

    if (value != 0 && (fabs(value) < NUMBER_LEAST || fabs(value) >= NUMBER_MOST)) {
        fail(writer, ms_error_argument(writer->error, column->json, text,
                                       "is beyond the numbers that DynamoDB can hold"));
    }
    return keep(writer, text.ptr, text.len);
}

/* A JSON string as its bare text, where that cannot be taken for JSON. */
static mastra_str plain_text(struct writer *writer, mastra_str json)
{
    struct ms_json_string_facts facts = {false, false};
    mastra_str text;

    if (json.len <= 2 || json.ptr[0] != '"') {
        return json;
    }
    if (!ms_json_unescape_arena(json, writer->arena, &text, &facts)) {
        fail(writer, ms_error_oom(writer->error));
        return json;
    }
    return facts.has_lone_surrogate || text.len == 0 || ms_json_check(text, NULL, NULL) ? json : text;
}

/* A column's value and kind; false when it is null. */
static bool value_of(struct writer *writer, uint8_t number, enum ms_item_kind *kind, mastra_str *ret)
{
    const struct ms_column *column = &writer->entity->columns[number];
    const void *field = ms_field(column, writer->record);

    *kind = MS_ITEM_NUMBER;
    switch (column->type) {
    case MS_TIMESTAMP: {
        mastra_time time = *(const mastra_time *)field;
        bool epoch = ms_item_epoch(writer->entity, number);

        if (time == MASTRA_TIME_NONE) {
            return false;
        }
        *kind = epoch ? MS_ITEM_NUMBER : MS_ITEM_STRING;
        *ret = epoch ? print_integer(writer, time) : print_time(writer, time);
        return true;
    }
    case MS_INTEGER:
    case MS_BIGINT:
        if (*(const int64_t *)field == MASTRA_INTEGER_NONE) {
            return false;
        }
        *ret = print_integer(writer, *(const int64_t *)field);
        return true;
    case MS_REAL:
        if (isnan(*(const double *)field)) {
            return false;
        }
        *ret = print_real(writer, column, *(const double *)field);
        return true;
    case MS_BOOLEAN:
        *kind = MS_ITEM_BOOLEAN;
        *ret = mastra_str_of(*(const bool *)field ? "true" : "false");
        return true;
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    *kind = MS_ITEM_STRING;
    *ret = *(const mastra_str *)field;
    if (writer->entity->item->plain & MS_BIT(number)) {
        *ret = plain_text(writer, *ret);
    }
    return ret->ptr != NULL;
}

/* Whether it is the end of a lease that nobody has: what tells the peer that it was given back, whatever its clock says. */
static bool is_given_back(const struct writer *writer, uint8_t number)
{
    const struct ms_entity *entity = writer->entity;

    return (entity->item->lease & MS_BIT(number)) &&
           ms_field_str(&entity->columns[entity->item->holder], writer->record)->len == 0;
}

static void write_column(struct writer *writer, uint8_t number)
{
    const struct ms_column *column = &writer->entity->columns[number];
    const char *name = ms_item_attribute(writer->entity, number);
    bool once = writer->whole && !writer->fresh && (column->flags & MS_KEEP);
    enum ms_item_kind kind;
    mastra_str text;

    if (!column->offset) {
        return;
    }
    if (is_given_back(writer, number)) {
        add_remove(writer, name);
    } else if (!value_of(writer, number, &kind, &text)) {
        if (!once && !(writer->whole && (column->flags & MS_STICKY))) {
            writer->nothing |= MS_BIT(number);
            add_remove(writer, name);
        }
    } else if (text.len == 0) {
        writer->empty |= column->null == MS_NOT_NULL ? 0 : MS_BIT(number);
        add_remove(writer, name);
    } else {
        add(writer, once ? MS_ITEM_SET_ONCE : MS_ITEM_SET, name, kind, text);
    }
}

/* The names of attributes, separated by commas. */
static mastra_str names_of(struct writer *writer, uint64_t columns)
{
    char *text;
    size_t len = 0;

    for (uint8_t i = 0; i < writer->entity->column_count; i++) {
        len += columns & MS_BIT(i) ? strlen(ms_item_attribute(writer->entity, i)) + 1 : 0;
    }
    text = ms_arena_bytes(writer->arena, len + 1);
    if (!text) {
        fail(writer, ms_error_oom(writer->error));
        return (mastra_str){NULL, 0};
    }
    len = 0;
    for (uint8_t i = 0; i < writer->entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            const char *name = ms_item_attribute(writer->entity, i);

            text[len] = ',';
            len += len > 0;
            memcpy(text + len, name, strlen(name));
            len += strlen(name);
        }
    }
    text[len] = '\0';
    return (mastra_str){text, len};
}

/* A name that stays behind does no harm while its attribute is there, but must not once it is null. One update cannot
 * both add and remove: then what is empty comes first. */
static void write_empty(struct writer *writer)
{
    uint64_t nullable = 0;

    for (uint8_t i = 0; i < writer->entity->column_count; i++) {
        const struct ms_column *column = &writer->entity->columns[i];

        if ((column->type == MS_TEXT || column->type == MS_JSON) && column->null != MS_NOT_NULL) {
            nullable |= MS_BIT(i);
        }
    }
    if (writer->whole && writer->empty) {
        add(writer, MS_ITEM_SET, MS_ITEM_EMPTY, MS_ITEM_STRINGS, names_of(writer, writer->empty));
    } else if (writer->whole) {
        add_remove(writer, MS_ITEM_EMPTY);
    } else if (writer->empty) {
        add(writer, MS_ITEM_ADD, MS_ITEM_EMPTY, MS_ITEM_STRINGS, names_of(writer, writer->empty));
    } else if (writer->nothing & nullable) {
        add(writer, MS_ITEM_DELETE, MS_ITEM_EMPTY, MS_ITEM_STRINGS,
            names_of(writer, writer->nothing & nullable));
    }
}

/* Whether a text of a key stays what it was first, as the column in it does. */
static bool is_kept(const struct writer *writer, const char *template)
{
    return !writer->fresh && (ms_template_columns(writer->entity, template) & ms_entity_kept(writer->entity));
}

/* The path that a record is found by in an index; any when it is not found there. */
static const struct ms_item_path *path_of(const struct ms_item_form *form, uint8_t index)
{
    for (uint8_t i = 1; i < form->path_count; i++) {
        if (form->paths[i].index == index) {
            return &form->paths[i];
        }
    }
    return NULL;
}

static void write_index(struct writer *writer, uint8_t index, const void *record, int64_t sequence)
{
    const struct ms_item_path *path = path_of(writer->entity->item, index);
    struct ms_key key;
    bool there = false;
    mastra_status status =
        ms_key_of_index(writer->entity, index, record, sequence, writer->arena, &key, &there, writer->error);

    if (status != MASTRA_OK) {
        fail(writer, status);
    } else if (there) {
        add(writer, is_kept(writer, path->partition) ? MS_ITEM_SET_ONCE : MS_ITEM_SET, partition_names[index],
            MS_ITEM_STRING, key.partition);
        add(writer, is_kept(writer, path->sort) ? MS_ITEM_SET_ONCE : MS_ITEM_SET, sort_names[index],
            MS_ITEM_STRING, key.sort);
    } else {
        add_remove(writer, partition_names[index]);
        add_remove(writer, sort_names[index]);
    }
}

static void write_indexes(struct writer *writer, int64_t sequence)
{
    uint64_t indexes = ms_key_indexes(writer->entity);

    for (uint8_t i = 1; i < MS_ITEM_PATHS; i++) {
        if (indexes & MS_BIT(i)) {
            write_index(writer, i, writer->record, sequence);
        }
    }
}

static void write_markers(struct writer *writer)
{
    const struct ms_item_form *form = writer->entity->item;

    add(writer, MS_ITEM_SET, "__edb_e__", MS_ITEM_STRING, mastra_str_of(form->type));
    add(writer, MS_ITEM_SET, "__edb_v__", MS_ITEM_STRING, mastra_str_of("1"));
    if (form->shared) {
        add(writer, MS_ITEM_SET, "entity", MS_ITEM_STRING, mastra_str_of(form->type));
    }
}

static void write_revision(struct writer *writer)
{
    add(writer, writer->fresh ? MS_ITEM_SET : MS_ITEM_ADD, MS_ITEM_REVISION, MS_ITEM_NUMBER,
        mastra_str_of("1"));
}

/* Whether a column stands in that attribute: a copied record may have one that no operation reads, and it counts. */
static bool is_column(const struct ms_entity *entity, const char *name)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if (strcmp(ms_item_attribute(entity, i), name) == 0 && entity->columns[i].offset) {
            return true;
        }
    }
    return false;
}

static void write_stamps(struct writer *writer, const struct ms_item_stamp *stamp)
{
    const struct ms_entity *entity = writer->entity;
    const struct ms_item_form *form = entity->item;

    if (form->stamp && !is_column(entity, form->stamp)) {
        add(writer, MS_ITEM_SET, form->stamp, MS_ITEM_STRING, print_time(writer, stamp->now));
    }
    if (writer->whole && form->stamp_first && !is_column(entity, form->stamp_first)) {
        mastra_time created = *ms_field_time(&entity->columns[entity->created], writer->record);

        add(writer, writer->fresh ? MS_ITEM_SET : MS_ITEM_SET_ONCE, form->stamp_first, MS_ITEM_STRING,
            print_time(writer, created == MASTRA_TIME_NONE ? stamp->now : created));
    }
    if (writer->whole && stamp->ttl) {
        add(writer, MS_ITEM_SET, stamp->ttl, MS_ITEM_NUMBER, print_integer(writer, stamp->ttl_seconds));
    }
}

static void begin(struct writer *writer, const struct ms_key *key)
{
    writer->change->key = *key;
    writer->change->count = 0;
    writer->change->bytes = 4 + key->partition.len + key->sort.len;
}

mastra_status ms_item_put(const struct ms_entity *entity, const void *record, int64_t sequence, bool fresh,
                          const struct ms_item_stamp *stamp, struct ms_arena *arena,
                          struct ms_item_change *ret, mastra_error *error)
{
    struct writer writer = {.entity = entity,
                            .record = record,
                            .fresh = fresh,
                            .whole = true,
                            .arena = arena,
                            .change = ret,
                            .error = error};
    struct ms_key key;
    mastra_status status = ms_key_of_record(entity, record, sequence, arena, &key, error);

    if (status != MASTRA_OK) {
        return status;
    }
    begin(&writer, &key);
    write_markers(&writer);
    for (uint8_t i = 0; i < entity->column_count; i++) {
        write_column(&writer, i);
    }
    write_stamps(&writer, stamp);
    write_empty(&writer);
    add_remove(&writer, MS_ITEM_PARTS);
    write_indexes(&writer, sequence);
    if (sequence > 0) {
        add(&writer, fresh ? MS_ITEM_SET : MS_ITEM_SET_ONCE, MS_ITEM_SEQUENCE, MS_ITEM_NUMBER,
            print_integer(&writer, sequence));
    }
    write_revision(&writer);
    return writer.status;
}

/* Patches. */

/* An index with alternatives is written as a whole, since which of them holds may change. */
static bool has_alternatives(const struct ms_item_form *form, uint8_t index)
{
    unsigned paths = 0;

    for (uint8_t i = 1; i < form->path_count; i++) {
        paths += form->paths[i].index == index;
    }
    return paths > 1;
}

uint64_t ms_item_patch_needs(const struct ms_entity *entity, uint64_t columns)
{
    const struct ms_item_form *form = entity->item;
    uint64_t needs = 0;

    for (uint8_t i = 1; i < form->path_count; i++) {
        const struct ms_item_path *path = &form->paths[i];
        uint64_t partition = ms_template_columns(entity, path->partition);
        uint64_t sort = ms_template_columns(entity, path->sort);

        if (has_alternatives(form, path->index)) {
            needs |= ms_key_columns(entity, path->index) & columns ? ms_key_columns(entity, path->index) : 0;
            continue;
        }
        needs |= partition & columns ? partition : 0;
        needs |= sort & columns ? sort : 0;
    }
    return needs & ~columns & ~ms_entity_keys(entity);
}

/* The record as it will be. */
static const void *merge(struct writer *writer, const void *seen, uint64_t columns)
{
    const struct ms_entity *entity = writer->entity;
    char *merged;

    if (!seen) {
        return writer->record;
    }
    merged = ms_arena_alloc(writer->arena, entity->size);
    if (!merged) {
        fail(writer, ms_error_oom(writer->error));
        return writer->record;
    }
    memcpy(merged, seen, entity->size);
    for (uint8_t i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if ((columns & MS_BIT(i)) && column->offset) {
            size_t size = column->type == MS_BOOLEAN                           ? sizeof(bool)
                          : column->type == MS_TEXT || column->type == MS_JSON ? sizeof(mastra_str)
                                                                               : sizeof(int64_t);

            memcpy(merged + column->offset, ms_field(column, writer->record), size);
        }
    }
    return merged;
}

/* One text of an index of one path. */
static void patch_text(struct writer *writer, const struct ms_item_path *path, bool sort, const void *record,
                       uint64_t columns)
{
    const char *template = sort ? path->sort : path->partition;
    const char *name = sort ? sort_names[path->index] : partition_names[path->index];
    mastra_str text;
    bool complete;
    mastra_status status;

    if (!(ms_template_columns(writer->entity, template) & columns)) {
        return;
    }
    status = ms_template_compose(writer->entity, template, sort ? MS_KEY_SORT_MOST : MS_KEY_PARTITION_MOST,
                                 record, 0, writer->arena, &text, &complete, writer->error);
    if (status != MASTRA_OK) {
        fail(writer, status);
    } else if (complete || path->always) {
        add(writer, MS_ITEM_SET, name, MS_ITEM_STRING, text);
    } else {
        add_remove(writer, name);
    }
}

static void patch_indexes(struct writer *writer, const void *seen, uint64_t columns)
{
    const struct ms_item_form *form = writer->entity->item;
    uint64_t done = 0;
    const void *record;

    if (!(ms_entity_all(writer->entity) & columns)) {
        return;
    }
    record = merge(writer, seen, columns);
    for (uint8_t i = 1; i < form->path_count; i++) {
        const struct ms_item_path *path = &form->paths[i];

        if (!has_alternatives(form, path->index)) {
            patch_text(writer, path, false, record, columns);
            patch_text(writer, path, true, record, columns);
        } else if (!(done & MS_BIT(path->index)) && (ms_key_columns(writer->entity, path->index) & columns)) {
            done |= MS_BIT(path->index);
            write_index(writer, path->index, record, 0);
        }
    }
}

mastra_status ms_item_patch(const struct ms_entity *entity, const void *record, uint64_t columns,
                            const void *seen, const struct ms_item_stamp *stamp, struct ms_arena *arena,
                            struct ms_item_change *ret, mastra_error *error)
{
    struct writer writer = {
        .entity = entity, .record = record, .arena = arena, .change = ret, .error = error};
    struct ms_key key;
    mastra_status status = ms_key_of_record(entity, record, 0, arena, &key, error);

    if (status != MASTRA_OK) {
        return status;
    }
    begin(&writer, &key);
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            write_column(&writer, i);
        }
    }
    write_stamps(&writer, stamp);
    write_empty(&writer);
    patch_indexes(&writer, seen, columns);
    write_revision(&writer);
    return writer.status;
}

mastra_status ms_item_touch(const struct ms_entity *entity, const mastra_str *key, uint8_t column,
                            mastra_time time, struct ms_arena *arena, struct ms_item_change *ret,
                            mastra_error *error)
{
    struct writer writer = {.entity = entity, .arena = arena, .change = ret, .error = error};
    struct ms_key made;
    mastra_status status = ms_key_of_texts(entity, key, arena, &made, error);

    if (status != MASTRA_OK) {
        return status;
    }
    begin(&writer, &made);
    add(&writer, MS_ITEM_SET, ms_item_attribute(entity, column), MS_ITEM_STRING, print_time(&writer, time));
    write_revision(&writer);
    return writer.status;
}
