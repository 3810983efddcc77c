/*
 * Records that are larger than an item may be. Their longest texts are laid end to end and cut into parts, items of their
 * own beside the record's. The attribute mastra_parts says how to undo it: "2.5d1f 9ae16a3b2f90404f input:700000,output:81"
 * are the number of parts and what their keys have in common, a hash of all their text, and the attributes with their
 * lengths. Parts of every writing have keys of their own: those that a record names are never changed while it names them.
 */
#include "backends/dynamodb/item_scan.h"

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define PART_TYPE       "ext_part"
#define PART_NUMBER     "mastra_part"
#define PART_TEXT       "mastra_text"

/* What parts live longer than their record. */
#define LINGER_SECONDS  (7 * 24 * 3600)

/* Room for keys, names and what an update adds. */
#define RESERVE         4096
#define PART_MOST       ((size_t)MS_ITEM_MOST - 2 * RESERVE)

/* More than is ever written. */
#define GENERATION_MOST 40

/* Writing. */

struct splitter {
    const struct ms_entity *entity;
    struct ms_item_change *change;
    struct ms_arena *arena;
    mastra_str generation;
    bool moved[MS_ITEM_ATTRIBUTES];
    size_t moved_bytes;
    size_t names_bytes;
};

static int column_named(const struct ms_entity *entity, const char *name)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if (strcmp(ms_item_attribute(entity, i), name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Whether a value may leave the item: it is a text that no key is made of. */
static bool can_move(const struct splitter *splitter, size_t i)
{
    const struct ms_item_attribute *attribute = &splitter->change->attributes[i];
    const struct ms_item_form *form = splitter->entity->item;
    int column = column_named(splitter->entity, attribute->name);
    uint64_t keys = ms_entity_keys(splitter->entity) | ms_key_columns(splitter->entity, 0);

    for (uint8_t path = 1; path < form->path_count; path++) {
        keys |= ms_key_columns(splitter->entity, form->paths[path].index);
    }
    return attribute->action == MS_ITEM_SET && attribute->kind == MS_ITEM_STRING && column >= 0 &&
           (splitter->entity->columns[column].type == MS_TEXT ||
            splitter->entity->columns[column].type == MS_JSON) &&
           !(keys & MS_BIT(column)) && !splitter->moved[i];
}

/* The longest value that may leave; -1: there is none. */
static int longest(const struct splitter *splitter)
{
    int found = -1;

    for (size_t i = 0; i < splitter->change->count; i++) {
        if (can_move(splitter, i) && (found < 0 || splitter->change->attributes[i].text.len >
                                                       splitter->change->attributes[found].text.len)) {
            found = (int)i;
        }
    }
    return found;
}

static mastra_status too_large(const struct splitter *splitter, mastra_error *error)
{
    const struct ms_item_change *change = splitter->change;
    int found = longest(splitter);
    int column = found >= 0 ? column_named(splitter->entity, change->attributes[found].name) : -1;
    const char *field = column >= 0 ? splitter->entity->columns[column].json : "";

    ms_error_set(error, MASTRA_LIMIT_EXCEEDED,
                 "%s is too large for DynamoDB: %zu bytes, %s%s%zu of them; an item has at most %d",
                 splitter->entity->noun, change->bytes, field, *field ? " " : "",
                 found >= 0 ? change->attributes[found].text.len : 0, MS_ITEM_MOST);
    ms_error_copy(error->field, sizeof error->field, mastra_str_of(field));
    return MASTRA_LIMIT_EXCEEDED;
}

static void move(struct splitter *splitter, size_t i)
{
    struct ms_item_attribute *attribute = &splitter->change->attributes[i];
    size_t name = strlen(attribute->name);

    splitter->moved[i] = true;
    splitter->moved_bytes += attribute->text.len;
    splitter->names_bytes += name + 24;
    splitter->change->bytes -= attribute->text.len + name;
}

/* All that was moved, end to end. */
static char *join_moved(const struct splitter *splitter)
{
    char *all = ms_arena_bytes(splitter->arena, splitter->moved_bytes + 1);
    size_t len = 0;

    for (size_t i = 0; all && i < splitter->change->count; i++) {
        const struct ms_item_attribute *attribute = &splitter->change->attributes[i];

        if (splitter->moved[i]) {
            memcpy(all + len, attribute->text.ptr, attribute->text.len);
            len += attribute->text.len;
        }
    }
    return all;
}

/* Cuts between characters; `parts` NULL: only counts. */
static size_t cut(mastra_str all, struct ms_item_part *parts)
{
    size_t count = 0;

    for (size_t at = 0; at < all.len; count++) {
        size_t len = ms_utf8_cut(all.ptr + at, all.len - at, PART_MOST);

        if (parts) {
            parts[count].text = (mastra_str){all.ptr + at, len};
        }
        at += len;
    }
    return count;
}

/* What mastra_parts says; the moved attributes are removed from the item. */
static bool describe(struct splitter *splitter, size_t count, uint64_t hash)
{
    mastra_str generation = splitter->generation;
    size_t room = splitter->names_bytes + generation.len + 64;
    char *text = ms_arena_bytes(splitter->arena, room);
    struct ms_item_change *change = splitter->change;
    const char *separator = " ";
    size_t len;
    size_t slot = change->count;

    if (!text) {
        return false;
    }
    len = (size_t)snprintf(text, room, "%zu.%.*s %016" PRIx64, count, (int)generation.len, generation.ptr,
                           hash);
    for (size_t i = 0; i < change->count; i++) {
        struct ms_item_attribute *attribute = &change->attributes[i];

        if (strcmp(attribute->name, MS_ITEM_PARTS) == 0) {
            slot = i;
        }
        if (splitter->moved[i]) {
            len += (size_t)snprintf(text + len, room - len, "%s%s:%zu", separator, attribute->name,
                                    attribute->text.len);
            separator = ",";
            attribute->action = MS_ITEM_REMOVE;
            attribute->text = (mastra_str){NULL, 0};
        }
    }
    change->count += slot == change->count;
    change->attributes[slot] =
        (struct ms_item_attribute){MS_ITEM_PARTS, MS_ITEM_SET, MS_ITEM_STRING, {text, len}};
    change->bytes += strlen(MS_ITEM_PARTS) + len;
    return true;
}

static mastra_status split(struct splitter *splitter, const void *record, int64_t sequence,
                           struct ms_item_part **ret, size_t *ret_count, mastra_error *error)
{
    mastra_str all = {NULL, splitter->moved_bytes};
    size_t count;

    all.ptr = join_moved(splitter);
    if (!all.ptr) {
        return ms_error_oom(error);
    }
    count = cut(all, NULL);
    *ret = ms_arena_calloc(splitter->arena, count * sizeof **ret);
    if (!*ret || !describe(splitter, count, ms_str_hash(MS_HASH_START, all))) {
        return ms_error_oom(error);
    }
    cut(all, *ret);
    for (size_t i = 0; i < count; i++) {
        mastra_status status = ms_key_of_part(splitter->entity, record, sequence, splitter->generation,
                                              (unsigned)i + 1, splitter->arena, &(*ret)[i].key, error);

        if (status != MASTRA_OK) {
            return status;
        }
        (*ret)[i].number = (unsigned)i + 1;
    }
    *ret_count = count;
    return MASTRA_OK;
}

mastra_status ms_item_fit(const struct ms_entity *entity, const void *record, int64_t sequence,
                          const struct ms_item_split *parts, struct ms_arena *arena,
                          struct ms_item_change *change, struct ms_item_part **ret, size_t *ret_count,
                          mastra_error *error)
{
    struct splitter splitter = {
        .entity = entity, .change = change, .arena = arena, .generation = parts->generation};

    *ret = NULL;
    *ret_count = 0;
    if (change->bytes <= MS_ITEM_MOST) {
        return MASTRA_OK;
    }
    if (!entity->item->parts || !(parts->shared || !entity->item->shared)) {
        return too_large(&splitter, error);
    }
    while (change->bytes + splitter.names_bytes + RESERVE > MS_ITEM_MOST) {
        int found = longest(&splitter);

        if (found < 0) {
            return too_large(&splitter, error);
        }
        move(&splitter, (size_t)found);
    }
    return split(&splitter, record, sequence, ret, ret_count, error);
}

mastra_str ms_item_generation(mastra_str parts)
{
    size_t at = 0;
    size_t len = 0;

    while (at < parts.len && parts.ptr[at] >= '0' && parts.ptr[at] <= '9') {
        at++;
    }
    if (at == parts.len || parts.ptr[at] != '.') {
        return (mastra_str){NULL, 0};
    }
    at++;
    while (at + len < parts.len && len < GENERATION_MOST && parts.ptr[at + len] != ' ') {
        len++;
    }
    return (mastra_str){parts.ptr + at, len};
}

void ms_item_write_part(struct ms_buf *buf, const struct ms_item_part *part,
                        const struct ms_item_stamp *stamp)
{
    ms_buf_add_text(buf, "{\"pk\":");
    ms_item_write_string(buf, part->key.partition);
    ms_buf_add_text(buf, ",\"sk\":");
    ms_item_write_string(buf, part->key.sort);
    ms_buf_add_text(buf, ",\"__edb_e__\":{\"S\":\"" PART_TYPE "\"},\"__edb_v__\":{\"S\":\"1\"},\"" PART_NUMBER
                         "\":");
    ms_item_write_number(buf, part->number);
    if (stamp->ttl) {
        ms_buf_printf(buf, ",\"%s\":", stamp->ttl);
        ms_item_write_number(buf, stamp->ttl_seconds + LINGER_SECONDS);
    }
    ms_buf_add_text(buf, ",\"" PART_TEXT "\":");
    ms_item_write_string(buf, part->text);
    ms_buf_add_char(buf, '}');
}

/* Reading. */

struct part_reader {
    mastra_str *parts;
    size_t count;
};

static bool is(mastra_str text, const char *name)
{
    return ms_str_compare(text, mastra_str_of(name)) == 0;
}

static bool read_part(struct ms_scan *scan, void *arg)
{
    struct part_reader *reader = arg;
    struct ms_scan_value value;
    bool first = true;
    bool typed = false;
    int64_t number = 0;
    mastra_str name;
    mastra_str text = {NULL, 0};

    while (ms_scan_member(scan, &first, &name)) {
        ms_scan_value(scan, &value);
        if (value.kind == MS_SCAN_STRING && is(name, "__edb_e__")) {
            typed = is(value.text, PART_TYPE);
        } else if (value.kind == MS_SCAN_STRING && is(name, PART_TEXT)) {
            text = value.text;
        } else if (value.kind == MS_SCAN_NUMBER && is(name, PART_NUMBER) &&
                   (!ms_json_check(value.text, NULL, NULL) || ms_json_kind(value.text) != MS_JSON_NUMBER ||
                    !ms_json_int(value.text, &number))) {
            number = 0;
        }
    }
    if (typed && number > 0 && (uint64_t)number <= reader->count) {
        reader->parts[number - 1] = text;
    }
    return true;
}

mastra_status ms_item_parts_read(char *text, size_t len, mastra_str *parts, size_t count,
                                 struct ms_items *ret, mastra_error *error)
{
    struct part_reader reader = {parts, count};
    struct ms_scan scan = {text, text + len};
    struct ms_scan_rest rest = {.counted = ret->counted};

    if (!ms_scan_answer(&scan, read_part, &reader, &rest)) {
        return ms_error_set(error, MASTRA_INTERNAL, "DynamoDB's answer is no object");
    }
    ret->counted = rest.counted;
    ret->last_key = rest.last_key;
    ret->unprocessed = rest.unprocessed;
    ret->consumed = rest.consumed;
    return MASTRA_OK;
}

/* "name:length" that comes next in what mastra_parts says, which begins at *at; false at its end or where it is malformed. */
static bool next_moved(const struct ms_entity *entity, mastra_str *at, int *ret_column, size_t *ret_len)
{
    const char *colon = at->len > 0 ? memchr(at->ptr, ':', at->len) : NULL;
    size_t used;
    size_t len = 0;

    if (!colon) {
        return false;
    }
    *ret_column = -1;
    for (uint8_t i = 0; i < entity->column_count && *ret_column < 0; i++) {
        mastra_str name = {at->ptr, (size_t)(colon - at->ptr)};

        *ret_column = is(name, ms_item_attribute(entity, i)) ? i : -1;
    }
    for (used = (size_t)(colon - at->ptr) + 1; used < at->len && at->ptr[used] != ','; used++) {
        if (at->ptr[used] < '0' || at->ptr[used] > '9' || len > SIZE_MAX / 16) {
            return false;
        }
        len = 10 * len + (size_t)(at->ptr[used] - '0');
    }
    used += used < at->len;
    at->ptr += used;
    at->len -= used;
    *ret_len = len;
    return true;
}

/* Gives the columns that are still missing their texts. False when the lengths are not those of the whole. */
static bool hand_out(const struct ms_entity *entity, void *record, mastra_str names, mastra_str all,
                     struct ms_arena *arena, bool *ret_memory_out)
{
    size_t at = 0;
    size_t len;
    int column;

    while (next_moved(entity, &names, &column, &len)) {
        if (len > all.len - at) {
            return false;
        }
        if (column >= 0 && entity->columns[column].offset &&
            (entity->columns[column].type == MS_TEXT || entity->columns[column].type == MS_JSON) &&
            ms_field_str(&entity->columns[column], record)->len == 0 &&
            !ms_arena_str(arena, (mastra_str){all.ptr + at, len},
                          ms_field_str(&entity->columns[column], record))) {
            *ret_memory_out = true;
            return false;
        }
        at += len;
    }
    return at == all.len;
}

mastra_status ms_item_join(const struct ms_entity *entity, struct ms_item_row *row, const mastra_str *parts,
                           struct ms_arena *arena, bool *ret_whole, mastra_error *error)
{
    mastra_str parts_text = row->seen.parts;
    mastra_str all = {NULL, 0};
    const char *space = parts_text.ptr ? memchr(parts_text.ptr, ' ', parts_text.len) : NULL;
    char hash[17];
    char *joined;
    bool memory_out = false;

    *ret_whole = false;
    for (unsigned i = 0; i < row->seen.part_count; i++) {
        if (!parts[i].ptr) {
            return MASTRA_OK;
        }
        all.len += parts[i].len;
    }
    joined = ms_arena_bytes(arena, all.len + 1);
    if (!joined) {
        return ms_error_oom(error);
    }
    all.ptr = joined;
    for (unsigned i = 0; i < row->seen.part_count; i++) {
        memcpy(joined, parts[i].ptr, parts[i].len);
        joined += parts[i].len;
    }
    snprintf(hash, sizeof hash, "%016" PRIx64, ms_str_hash(MS_HASH_START, all));
    if (space && parts_text.len - (size_t)(space + 1 - parts_text.ptr) > 17 && !memcmp(space + 1, hash, 16)) {
        mastra_str names = {space + 18, parts_text.len - (size_t)(space + 18 - parts_text.ptr)};

        *ret_whole = hand_out(entity, row->record, names, all, arena, &memory_out);
    }
    return memory_out ? ms_error_oom(error) : MASTRA_OK;
}
