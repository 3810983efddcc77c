#include "call/args.h"

#include "base/error.h"
#include "base/json.h"
#include "call/records.h"
#include "store/call.h"

#include <stdio.h>

/* Every patch struct begins like this and goes on with the record. */
struct patch_head {
    size_t size;
    uint64_t set;
};

_Static_assert(offsetof(mastra_message_patch, values) == sizeof(struct patch_head), "layout of patches");
_Static_assert(sizeof(mastra_message_patch) == sizeof(struct patch_head) + sizeof(mastra_message),
               "no padding");
_Static_assert(sizeof(mastra_direction) == sizeof(int) && sizeof(mastra_order_field) == sizeof(int),
               "choices are stored as int");

static mastra_status read_members(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *table, size_t count, mastra_str object, char *out);

/* An argument with a complaint of its own gets Mastra's very words, whichever part of it is wrong. */
static mastra_status refuse(struct ms_reader *reader, const struct ms_place *place, const struct ms_arg *arg,
                            mastra_str value, const char *complaint)
{
    ms_reader_fail(reader, place, value, arg->complaint ? arg->complaint : complaint);
    if (arg->complaint) {
        snprintf(reader->error->message, sizeof reader->error->message, "%s %s", arg->name, arg->complaint);
    }
    if (arg->reason) {
        ms_call_reason(reader->error, arg->reason, NULL);
    }
    return MASTRA_INVALID_ARGUMENT;
}

static const char *plain_complaint(enum ms_arg_type type)
{
    switch (type) {
    case MS_ARG_TEXTS:
        return "must be an array of strings";
    case MS_ARG_OBJECTS:
    case MS_ARG_GROUPS:
    case MS_ARG_RECORDS:
    case MS_ARG_PATCHES:
        return "must be an array";
    case MS_ARG_CHOICE:
        return "is not one of those known";
    default:
        return "must be an object";
    }
}

/* The field of a list: where the array begins and how many elements it has. */
static void store_list(const struct ms_arg *arg, char *out, const void *items, size_t count)
{
    memcpy(out + arg->offset, &items, sizeof items);
    memcpy(out + arg->also, &count, sizeof count);
}

/* Room for `count` elements, never NULL unless memory is out. */
static void *list_memory(struct ms_reader *reader, size_t count, size_t size)
{
    void *items = count > SIZE_MAX / size ? NULL : ms_arena_calloc(reader->arena, count ? count * size : 1);

    if (!items) {
        ms_error_oom(reader->error);
    }
    return items;
}

/* The value that a string spells, where that will do. */
static mastra_str spelled(const struct ms_arg *arg, mastra_str value)
{
    mastra_str inner;

    if (!(arg->flags & MS_ARG_SPELLED) || ms_json_kind(value) != MS_JSON_STRING) {
        return value;
    }
    return ms_json_check((mastra_str){value.ptr + 1, value.len - 2}, &inner, NULL) ? inner : value;
}

static mastra_status read_integer(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *arg, mastra_str value, char *out)
{
    int64_t number;

    value = spelled(arg, value);

    if (arg->type == MS_ARG_PER_PAGE && ms_json_kind(value) == MS_JSON_FALSE) {
        number = MASTRA_PER_PAGE_ALL;
    } else if (ms_reader_int(reader, place, value, "must be a whole number", &number) != MASTRA_OK) {
        return refuse(reader, place, arg, value, "must be a whole number");
    }
    memcpy(out + arg->offset, &number, sizeof number);
    return MASTRA_OK;
}

static mastra_status read_boolean(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *arg, mastra_str value, char *out)
{
    bool flag = false;
    mastra_status status = ms_reader_bool(reader, place, spelled(arg, value), &flag);

    if (status != MASTRA_OK) {
        return status;
    }
    flag = flag != ((arg->flags & MS_ARG_INVERTED) != 0);
    if (arg->flags & MS_ARG_INT) {
        int number = flag;

        memcpy(out + arg->offset, &number, sizeof number);
    } else {
        memcpy(out + arg->offset, &flag, sizeof flag);
    }
    return MASTRA_OK;
}

static mastra_status read_choice(struct ms_reader *reader, const struct ms_place *place,
                                 const struct ms_arg *arg, mastra_str value, char *out)
{
    bool text = ms_json_kind(value) == MS_JSON_STRING;

    for (const struct ms_choice *choice = arg->choices; text && choice->name; choice++) {
        if (ms_json_string_equals(value, mastra_str_of(choice->name))) {
            memcpy(out + arg->offset, &choice->value, sizeof choice->value);
            return MASTRA_OK;
        }
    }
    return arg->flags & MS_ARG_KNOWN ? refuse(reader, place, arg, value, plain_complaint(arg->type))
                                     : MASTRA_OK;
}

static mastra_status read_one_of_texts(struct ms_reader *reader, const struct ms_place *place,
                                       const struct ms_arg *arg, mastra_str value, mastra_str *ret)
{
    if (ms_json_kind(value) != MS_JSON_STRING) {
        return refuse(reader, place, arg, value, "must be a string");
    }
    return ms_reader_text(reader, place, value, MS_TEXT_STRICT, ret);
}

static mastra_status read_texts(struct ms_reader *reader, const struct ms_place *place,
                                const struct ms_arg *arg, mastra_str value, char *out)
{
    enum ms_json_kind kind = ms_json_kind(value);
    bool one = kind == MS_JSON_STRING && (arg->flags & MS_ARG_OR_ONE);

    if (kind != MS_JSON_ARRAY && !one) {
        return refuse(reader, place, arg, value, plain_complaint(arg->type));
    }
    size_t count = one ? 1 : ms_json_count(value);
    mastra_str *texts = list_memory(reader, count, sizeof *texts);
    mastra_status status = texts ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;

    if (status == MASTRA_OK && one) {
        status = read_one_of_texts(reader, place, arg, value, &texts[0]);
    } else if (status == MASTRA_OK) {
        struct ms_json_iter iter;
        mastra_str item;

        ms_json_iter_init(&iter, value);
        for (size_t i = 0; status == MASTRA_OK && ms_json_next(&iter, NULL, &item); i++) {
            struct ms_place element = {place, NULL, i};

            status = read_one_of_texts(reader, &element, arg, item, &texts[i]);
        }
    }
    if (status == MASTRA_OK) {
        store_list(arg, out, texts, count);
    }
    return status;
}

/* Structs that begin with their size, by pointer, as the public headers have them. */
static mastra_status read_groups(struct ms_reader *reader, const struct ms_place *place,
                                 const struct ms_arg *arg, mastra_str value, char *out)
{
    struct ms_json_iter iter;
    mastra_str item;

    if (ms_json_kind(value) != MS_JSON_ARRAY) {
        return refuse(reader, place, arg, value, plain_complaint(arg->type));
    }
    size_t count = ms_json_count(value);
    char *items = list_memory(reader, count, arg->size);
    const void **pointers = items ? list_memory(reader, count, sizeof(void *)) : NULL;
    mastra_status status = pointers ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;

    ms_json_iter_init(&iter, value);
    for (size_t i = 0; status == MASTRA_OK && ms_json_next(&iter, NULL, &item); i++) {
        struct ms_place element = {place, NULL, i};
        char *group = items + i * arg->size;

        if (arg->blank) {
            memcpy(group, arg->blank, arg->size);
        } else {
            memcpy(group, &arg->size, sizeof arg->size);
        }
        pointers[i] = group;
        status = read_members(reader, &element, arg->members, arg->member_count, item, group);
    }
    if (status == MASTRA_OK) {
        store_list(arg, out, pointers, count);
    }
    return status;
}

/* A new record from `value`; of a patch, what *ret points at begins with its head. */
static mastra_status read_new_record(struct ms_reader *reader, const struct ms_place *place,
                                     const struct ms_arg *arg, mastra_str value, const void **ret)
{
    const struct ms_entity *entity = ms_entity(arg->entity);
    size_t before = arg->type == MS_ARG_PATCHES ? sizeof(struct patch_head) : 0;
    struct patch_head head = {before + entity->size, 0};
    char *memory = ms_arena_alloc(reader->arena, before + entity->size);
    mastra_status status;

    if (!memory) {
        return ms_error_oom(reader->error);
    }
    memcpy(memory + before, entity->blank, entity->size);
    status = ms_record_read(reader, place, entity, value, memory + before, before ? &head.set : NULL);
    memcpy(memory, &head, before);
    *ret = memory;
    return status;
}

static mastra_status read_records(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *arg, mastra_str value, char *out)
{
    struct ms_json_iter iter;
    mastra_str item;

    if (ms_json_kind(value) != MS_JSON_ARRAY) {
        return refuse(reader, place, arg, value, plain_complaint(arg->type));
    }
    size_t count = ms_json_count(value);
    const void **records = list_memory(reader, count, sizeof *records);
    mastra_status status = records ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;

    ms_json_iter_init(&iter, value);
    for (size_t i = 0; status == MASTRA_OK && ms_json_next(&iter, NULL, &item); i++) {
        struct ms_place element = {place, NULL, i};

        status = read_new_record(reader, &element, arg, item, &records[i]);
    }
    if (status == MASTRA_OK) {
        store_list(arg, out, records, count);
    }
    return status;
}

static mastra_status read_record(struct ms_reader *reader, const struct ms_place *place,
                                 const struct ms_arg *arg, mastra_str value, void *record)
{
    mastra_status status = ms_record_read(reader, place, ms_entity(arg->entity), value, record, NULL);

    if (status == MASTRA_INVALID_ARGUMENT && arg->reason) {
        ms_call_reason(reader->error, arg->reason, NULL);
    }
    return status;
}

static mastra_status read_updates(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *arg, mastra_str value, char *out)
{
    uint64_t set = 0;
    mastra_status status =
        ms_record_update(reader, place, ms_entity(arg->entity), value, out + arg->offset, &set);

    memcpy(out + arg->also, &set, sizeof set);
    return status;
}

/* A value that is neither absent nor null. */
static mastra_status read_value(struct ms_reader *reader, const struct ms_place *place,
                                const struct ms_arg *arg, mastra_str value, char *out)
{
    void *field = out + arg->offset;

    switch (arg->type) {
    case MS_ARG_TEXT:
        return ms_reader_text(reader, place, value, MS_TEXT_STRICT, field);
    case MS_ARG_FREE_TEXT:
        return ms_reader_text(reader, place, value, MS_TEXT_FREE, field);
    case MS_ARG_OBJECTS:
        if (ms_json_kind(value) != MS_JSON_ARRAY) {
            return refuse(reader, place, arg, value, plain_complaint(arg->type));
        }
        *(mastra_str *)field = value;
        return MASTRA_OK;
    case MS_ARG_OBJECT:
    case MS_ARG_ARRAY:
    case MS_ARG_TIMES:
        *(mastra_str *)field = value;
        return MASTRA_OK;
    case MS_ARG_TIME:
        return ms_reader_time(reader, place, value, field);
    case MS_ARG_INTEGER:
    case MS_ARG_PER_PAGE:
        return read_integer(reader, place, arg, value, out);
    case MS_ARG_BOOLEAN:
        return read_boolean(reader, place, arg, value, out);
    case MS_ARG_CHOICE:
        return read_choice(reader, place, arg, value, out);
    case MS_ARG_TEXTS:
        return read_texts(reader, place, arg, value, out);
    case MS_ARG_GROUP:
        if ((arg->flags & MS_ARG_LENIENT) && ms_json_kind(value) != MS_JSON_OBJECT) {
            return MASTRA_OK;
        }
        if (arg->flags & MS_ARG_WHOLE) {
            *(mastra_str *)field = value;
        }
        return read_members(reader, place, arg->members, arg->member_count, value, out);
    case MS_ARG_GROUPS:
        return read_groups(reader, place, arg, value, out);
    case MS_ARG_RECORD:
        return read_record(reader, place, arg, value, field);
    case MS_ARG_RECORDS:
    case MS_ARG_PATCHES:
        return read_records(reader, place, arg, value, out);
    case MS_ARG_UPDATES:
        return read_updates(reader, place, arg, value, out);
    case MS_ARG_NULL:
    case MS_ARG_TEXT_MAP:
        break;
    }
    return ms_error_set(reader->error, MASTRA_INTERNAL, "argument %s has a type of results", arg->name);
}

static mastra_status read_arg(struct ms_reader *reader, const struct ms_place *in, const struct ms_arg *arg,
                              mastra_str value, char *out)
{
    struct ms_place place = {in, arg->name, 0};
    mastra_str absent = {NULL, 0};

    if (value.ptr && arg->bit) {
        uint64_t set;

        memcpy(&set, out + arg->also, sizeof set);
        set |= arg->bit;
        memcpy(out + arg->also, &set, sizeof set);
    }
    if (value.ptr && ms_json_kind(value) != MS_JSON_NULL) {
        return read_value(reader, &place, arg, value, out);
    }
    if ((arg->flags & MS_ARG_REQUIRED) && !(arg->flags & MS_ARG_LEFT)) {
        return ms_reader_fail(reader, &place, absent, "is required");
    }
    return MASTRA_OK;
}

static mastra_status read_members(struct ms_reader *reader, const struct ms_place *place,
                                  const struct ms_arg *table, size_t count, mastra_str object, char *out)
{
    mastra_status status = MASTRA_OK;

    if (ms_json_kind(object) != MS_JSON_OBJECT) {
        return ms_reader_fail(reader, place, object, "must be an object");
    }
    for (size_t i = 0; status == MASTRA_OK && i < count; i++) {
        mastra_str value = ms_json_member(object, mastra_str_of(table[i].name));

        status = read_arg(reader, place, &table[i], value, out);
    }
    return status;
}

/* Refuses members that the table does not know; `args` that is no object is complained of elsewhere. */
static mastra_status refuse_strangers(struct ms_reader *reader, const struct ms_arg *table, size_t count,
                                      mastra_str args)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    if (ms_json_kind(args) != MS_JSON_OBJECT) {
        return MASTRA_OK;
    }
    ms_json_iter_init(&iter, args);
    while (ms_json_next(&iter, &key, &value)) {
        bool known = false;

        for (size_t i = 0; i < count && !known; i++) {
            known = ms_json_string_equals(key, mastra_str_of(table[i].name));
        }
        if (!known) {
            return ms_reader_fail(reader, NULL, key, "have an unknown member");
        }
    }
    return MASTRA_OK;
}

/* A record may have a member of the argument's name itself, as a score has. */
static bool is_bare_record(const struct ms_arg *arg, mastra_str args)
{
    mastra_str name = mastra_str_of(arg->name);
    mastra_str member = ms_json_member(args, name);
    bool own = ms_entity_column(ms_entity(arg->entity), name) >= 0;

    return !member.ptr || (own && ms_json_kind(member) != MS_JSON_OBJECT);
}

/* Whether the arguments are not an object of them, but the first one itself. */
static bool is_bare(const struct ms_arg *arg, mastra_str args)
{
    switch (ms_json_kind(args)) {
    case MS_JSON_ARRAY:
        return true;
    case MS_JSON_STRING:
        return arg->type == MS_ARG_TEXT;
    case MS_JSON_OBJECT:
        return arg->type == MS_ARG_RECORD && is_bare_record(arg, args);
    default:
        return false;
    }
}

mastra_status ms_args_read(struct ms_reader *reader, const struct ms_arg *table, size_t count,
                           mastra_str args, void *out)
{
    enum ms_json_kind kind = ms_json_kind(args);

    if (kind == MS_JSON_NONE || kind == MS_JSON_NULL) {
        args = mastra_str_of("{}");
    }
    if (count && (table[0].flags & MS_ARG_BARE) && is_bare(&table[0], args)) {
        return read_arg(reader, NULL, &table[0], args, out);
    }
    if (count && (table[0].flags & MS_ARG_CLOSED) &&
        refuse_strangers(reader, table, count, args) != MASTRA_OK) {
        return MASTRA_INVALID_ARGUMENT;
    }
    return read_members(reader, NULL, table, count, args, out);
}
