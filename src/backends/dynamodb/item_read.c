/* Items to records. */
#include "backends/dynamodb/item_scan.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "store/record.h"

#define FIRST_ROOM 16
#define WHOLE_MOST 9007199254740992.0 /* doubles hold all whole numbers below it */

/* An item that is being read. */
struct item {
    struct ms_item_row row;
    bool typed;     /* it is one of the entity's */
    bool versioned; /* in the form that is known */
    bool proven;    /* it is a record, and not the stub of one */
    uint64_t empty; /* columns that hold the empty string */
};

struct reader {
    const struct ms_entity *entity;
    uint64_t columns;
    struct ms_arena *arena;
    struct ms_items *items;
    void *spare; /* a blank record */
    bool memory_out;
    struct item item;
    const char *names[MS_COLUMNS_MOST]; /* of the attributes */
    size_t lengths[MS_COLUMNS_MOST];
};

static bool is(mastra_str text, const char *name)
{
    return ms_str_compare(text, mastra_str_of(name)) == 0;
}

static int column_of(const struct reader *reader, mastra_str name)
{
    for (int i = 0; i < reader->entity->column_count; i++) {
        if (reader->lengths[i] == name.len && memcmp(reader->names[i], name.ptr, name.len) == 0) {
            return i;
        }
    }
    return -1;
}

/* Values. */

static bool is_number(const struct ms_scan_value *value)
{
    return value->kind == MS_SCAN_NUMBER && ms_json_check(value->text, NULL, NULL) &&
           ms_json_kind(value->text) == MS_JSON_NUMBER;
}

/* The peer lets times of traces have fractions; they are cut off. */
int64_t ms_item_integer(const struct ms_scan_value *value, int64_t none)
{
    int64_t integer = none;
    double real;

    if (!is_number(value) || ms_json_int(value->text, &integer)) {
        return integer;
    }
    real = ms_json_double(value->text);
    return real > -WHOLE_MOST && real < WHOLE_MOST ? (int64_t)real : none;
}

static double real_of(const struct ms_scan_value *value)
{
    return is_number(value) ? ms_json_double(value->text) : MASTRA_REAL_NONE;
}

mastra_time ms_item_time(const struct ms_scan_value *value)
{
    mastra_time time = MASTRA_TIME_NONE;

    if (value->kind == MS_SCAN_NUMBER) {
        time = ms_item_integer(value, MASTRA_TIME_NONE);
        return time != MASTRA_TIME_NONE && ms_time_valid(time) ? time : MASTRA_TIME_NONE;
    }
    if (value->kind != MS_SCAN_STRING || !ms_time_parse(value->text, &time)) {
        return MASTRA_TIME_NONE;
    }
    return time;
}

/* What is no JSON stands for the string that it is. */
static mastra_str quoted(struct reader *reader, mastra_str text)
{
    struct ms_buf buf;
    mastra_str kept = {NULL, 0};

    if (ms_json_check(text, NULL, NULL)) {
        return text;
    }
    ms_buf_init(&buf, ms_arena_heap(reader->arena), 0);
    ms_json_put_string(&buf, text);
    if (buf.failed != MASTRA_OK || !ms_arena_str(reader->arena, ms_buf_view(&buf), &kept)) {
        reader->memory_out = true;
    }
    ms_buf_release(&buf);
    return kept;
}

/* Index keys are made of the text: those of this form alone sort as the times do. */
static void note_form(struct reader *reader, int number, const struct ms_scan_value *value)
{
    mastra_str text = value->text;

    if (number != reader->entity->created || value->kind != MS_SCAN_STRING) {
        return;
    }
    if (text.len != strlen("2025-01-02T03:04:05.678Z") || text.ptr[10] != 'T' || text.ptr[19] != '.' ||
        text.ptr[23] != 'Z') {
        reader->item.row.seen.odd_time = text;
    }
}

static void set_column(struct reader *reader, int number, const struct ms_scan_value *value)
{
    const struct ms_column *column = &reader->entity->columns[number];
    void *field = ms_field(column, reader->item.row.record);

    if (!column->offset || !(reader->columns & MS_BIT(number))) {
        return;
    }
    switch (column->type) {
    case MS_TIMESTAMP:
        *(mastra_time *)field = ms_item_time(value);
        note_form(reader, number, value);
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)field = ms_item_integer(value, MASTRA_INTEGER_NONE);
        break;
    case MS_REAL:
        *(double *)field = real_of(value);
        break;
    case MS_BOOLEAN:
        *(bool *)field = value->kind == MS_SCAN_BOOLEAN ? value->truth : ms_item_integer(value, 0) != 0;
        break;
    case MS_TEXT:
    case MS_JSON:
        if (value->kind == MS_SCAN_STRING &&
            (value->text.len > 0 || !(reader->entity->item->hollow & MS_BIT(number)))) {
            bool plain = reader->entity->item->plain & MS_BIT(number);

            *(mastra_str *)field = plain ? quoted(reader, value->text) : value->text;
        }
        break;
    }
}

/* The names of attributes that were left out because they hold the empty string. */
static uint64_t empty_columns(const struct reader *reader, const struct ms_scan_value *value)
{
    struct ms_scan scan = {(char *)(uintptr_t)value->text.ptr, NULL};
    uint64_t columns = 0;
    bool first = true;

    if (value->kind != MS_SCAN_STRINGS) {
        return 0;
    }
    scan.end = scan.at + value->text.len;
    ms_scan_take(&scan, '[');
    while (ms_scan_element(&scan, &first)) {
        int column = -1;

        if (ms_scan_sees(&scan, '"')) {
            column = column_of(reader, ms_scan_string(&scan));
        } else {
            ms_scan_skip(&scan, NULL);
        }
        columns |= column >= 0 ? MS_BIT(column) : 0;
    }
    return columns;
}

static unsigned parts_of(mastra_str parts)
{
    unsigned count = 0;

    for (size_t i = 0; i < parts.len && parts.ptr[i] >= '0' && parts.ptr[i] <= '9' && count < 100000; i++) {
        count = 10 * count + (unsigned)(parts.ptr[i] - '0');
    }
    return count;
}

/* Attributes. */

static void read_ours(struct reader *reader, mastra_str name, const struct ms_scan_value *value)
{
    struct ms_item_seen *seen = &reader->item.row.seen;

    if (is(name, MS_ITEM_REVISION)) {
        seen->revision = ms_item_integer(value, 0);
    } else if (is(name, MS_ITEM_SEQUENCE)) {
        seen->sequence = ms_item_integer(value, 0);
    } else if (is(name, MS_ITEM_EMPTY)) {
        reader->item.empty = empty_columns(reader, value);
    } else if (is(name, MS_ITEM_PARTS) && value->kind == MS_SCAN_STRING) {
        seen->parts = value->text;
        seen->part_count = parts_of(value->text);
    }
}

static void read_marker(struct reader *reader, mastra_str name, const struct ms_scan_value *value)
{
    if (value->kind != MS_SCAN_STRING) {
        return;
    }
    if (is(name, "pk")) {
        reader->item.row.seen.key.partition = value->text;
    } else if (is(name, "sk")) {
        reader->item.row.seen.key.sort = value->text;
    } else if (is(name, "__edb_e__")) {
        reader->item.typed = is(value->text, reader->entity->item->type);
    } else if (is(name, "__edb_v__")) {
        reader->item.versioned = is(value->text, "1");
    }
}

static void read_attribute(struct reader *reader, mastra_str name, const struct ms_scan_value *value)
{
    const struct ms_item_form *form = reader->entity->item;
    int column = column_of(reader, name);
    bool there = value->kind != MS_SCAN_NONE;

    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        if (form->witnesses[i] && is(name, form->witnesses[i]) &&
            (value->kind == MS_SCAN_STRING || value->kind == MS_SCAN_NUMBER)) {
            reader->item.row.seen.witnesses[i] = value->text;
        }
    }
    reader->item.proven = reader->item.proven || (there && is(name, form->proof));
    if (column >= 0) {
        set_column(reader, column, value);
    } else if (name.len > 7 && memcmp(name.ptr, "mastra_", 7) == 0) {
        read_ours(reader, name, value);
    } else {
        read_marker(reader, name, value);
    }
}

/* Texts that were left out because they are empty. */
static void fill_empty(struct reader *reader)
{
    for (int i = 0; i < reader->entity->column_count; i++) {
        const struct ms_column *column = &reader->entity->columns[i];
        bool empty =
            (reader->item.empty & MS_BIT(i)) || (column->type == MS_TEXT && column->null == MS_NOT_NULL);

        if (empty && (reader->columns & MS_BIT(i)) && column->offset &&
            (column->type == MS_TEXT || column->type == MS_JSON)) {
            mastra_str *text = ms_field_str(column, reader->item.row.record);

            *text = text->ptr ? *text : (mastra_str){"", 0};
        }
    }
}

static bool make_room(struct reader *reader)
{
    struct ms_items *items = reader->items;
    size_t room = items->room ? 2 * items->room : FIRST_ROOM;
    struct ms_item_row *rows;

    if (items->count < items->room) {
        return true;
    }
    rows = ms_arena_alloc(reader->arena, room * sizeof *rows);
    if (!rows) {
        return false;
    }
    if (items->count > 0) {
        memcpy(rows, items->rows, items->count * sizeof *rows);
    }
    items->rows = rows;
    items->room = room;
    return true;
}

static bool begin_item(struct reader *reader)
{
    if (!reader->spare) {
        reader->spare = ms_record_new(reader->arena, reader->entity);
    }
    reader->item = (struct item){.row.record = reader->spare};
    return reader->spare != NULL;
}

/* What is none of the entity's leaves no trace. */
static bool end_item(struct reader *reader)
{
    struct item *item = &reader->item;

    if (!item->typed || !item->versioned) {
        memcpy(reader->spare, reader->entity->blank, reader->entity->size);
        return true;
    }
    if (!make_room(reader)) {
        return false;
    }
    if (item->proven) {
        fill_empty(reader);
        reader->spare = NULL;
    } else {
        memcpy(reader->spare, reader->entity->blank, reader->entity->size);
        item->row.record = NULL;
    }
    reader->items->rows[reader->items->count++] = item->row;
    return true;
}

static bool read_item(struct ms_scan *scan, void *arg)
{
    struct reader *reader = arg;
    struct ms_scan_value value;
    bool first = true;
    mastra_str name;

    if (!begin_item(reader)) {
        reader->memory_out = true;
        return false;
    }
    while (ms_scan_member(scan, &first, &name)) {
        ms_scan_value(scan, &value);
        read_attribute(reader, name, &value);
    }
    reader->memory_out = reader->memory_out || !end_item(reader);
    return !reader->memory_out;
}

mastra_status ms_items_read(const struct ms_entity *entity, uint64_t columns, char *text, size_t len,
                            struct ms_arena *arena, struct ms_items *ret, mastra_error *error)
{
    struct reader reader = {.entity = entity, .columns = columns, .arena = arena, .items = ret};
    struct ms_scan scan = {text, text + len};
    struct ms_scan_rest rest = {.counted = ret->counted};

    for (uint8_t i = 0; i < entity->column_count; i++) {
        reader.names[i] = ms_item_attribute(entity, i);
        reader.lengths[i] = strlen(reader.names[i]);
    }
    if (!ms_scan_answer(&scan, read_item, &reader, &rest)) {
        return reader.memory_out ? ms_error_oom(error)
                                 : ms_error_set(error, MASTRA_INTERNAL, "DynamoDB's answer is no object");
    }
    ret->counted = rest.counted;
    ret->last_key = rest.last_key;
    ret->unprocessed = rest.unprocessed;
    ret->consumed = rest.consumed;
    return MASTRA_OK;
}
