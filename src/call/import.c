/* Lines of JSON as rows. */
#include "call/export.h"
#include "call/records.h"
#include "domains/copy.h"

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "store/record.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>

/* A batch ends when it has so many bytes, too. */
#define BATCH_BYTES ((size_t)2 << 20)

struct importing {
    struct ms_transfer transfer; /* of which `from` is the one call, and the pair that of the table at hand */
    mastra_read_fn read;
    void *user;
    int64_t line;
    struct ms_arena *arena; /* of the batch */
    void **rows;
    size_t count;
    size_t bytes;
    int64_t first_line; /* of the batch */
    int64_t last_line;
    uint64_t given; /* the columns that its records have */
    bool opened;    /* the pair */
    struct ms_tally tallies[MS_ENTITY_COUNT];
    bool counted[MS_ENTITY_COUNT];
    int64_t added;
    int64_t changed;
};

static mastra_error *error_of(struct importing *importing)
{
    return &importing->transfer.from->error;
}

/* Puts the number of the line in front of what is wrong with it. */
static mastra_status at_line(struct importing *importing, int64_t from, int64_t to, mastra_status status)
{
    mastra_error *error = error_of(importing);
    char message[sizeof error->message];

    if (from == to) {
        snprintf(message, sizeof message, "line %lld: %.450s", (long long)from, error->message);
    } else {
        snprintf(message, sizeof message, "lines %lld to %lld: %.430s", (long long)from, (long long)to,
                 error->message);
    }
    ms_error_copy(error->message, sizeof error->message, mastra_str_of(message));
    return status;
}

/* Writing a batch. */

static mastra_status count_table(struct importing *importing, int entity)
{
    mastra_status status = MASTRA_OK;

    if (!importing->counted[entity]) {
        status =
            ms_tally_table(&importing->tallies[entity], importing->transfer.from, &importing->transfer.pair);
        importing->counted[entity] = status == MASTRA_OK;
    }
    return status;
}

static mastra_status write_batch(struct importing *importing)
{
    struct ms_transfer *transfer = &importing->transfer;
    int entity = (int)transfer->pair.own->id;
    struct ms_writing writing = {.to = transfer->from,
                                 .pair = &transfer->pair,
                                 .tally = &importing->tallies[entity],
                                 .rows = importing->rows,
                                 .count = importing->count,
                                 .dry_run = transfer->args.dry_run,
                                 .keep_newer = transfer->args.keep_newer};
    mastra_status status = MASTRA_OK;

    if (transfer->pair.own->key_count == 0 && transfer->pair.to_columns) {
        status = count_table(importing, entity);
    }
    if (transfer->pair.own->key_count > 0) {
        transfer->pair.from_columns = importing->given;
    }
    if (status == MASTRA_OK) {
        status = ms_write_rows(&writing);
    }
    if (status != MASTRA_OK) {
        return at_line(importing, importing->first_line, importing->last_line, status);
    }
    transfer->event.added += writing.added;
    transfer->event.changed += writing.changed;
    transfer->report.added += writing.added;
    transfer->report.changed += writing.changed;
    transfer->event.kept += writing.kept;
    transfer->report.kept += writing.kept;
    ms_transfer_tell(transfer, MASTRA_COPY_PROGRESS);
    return MASTRA_OK;
}

/* Writes what there is, and begins anew. */
static mastra_status flush(struct importing *importing)
{
    mastra_status status = importing->count > 0 ? write_batch(importing) : MASTRA_OK;

    ms_arena_free(importing->arena);
    importing->arena = NULL;
    importing->rows = NULL;
    importing->count = 0;
    importing->bytes = 0;
    return status;
}

/* Reading a record. */

static mastra_status read_text(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                               mastra_str *ret)
{
    if (ms_json_kind(value) != MS_JSON_STRING) {
        return ms_reader_fail(reader, place, value, "must be a string");
    }
    return ms_json_unescape_arena(value, reader->arena, ret, NULL) ? MASTRA_OK : ms_error_oom(reader->error);
}

static mastra_status read_value(struct ms_reader *reader, const struct ms_place *place,
                                const struct ms_column *column, bool as_text, mastra_str value, void *row)
{
    void *field = ms_field(column, row);

    switch (column->type) {
    case MS_TEXT:
        return read_text(reader, place, value, field);
    case MS_JSON:
        if (as_text) {
            return read_text(reader, place, value, field);
        }
        return ms_arena_str(reader->arena, value, field) ? MASTRA_OK : ms_error_oom(reader->error);
    case MS_INTEGER:
    case MS_BIGINT:
        return ms_reader_bigint(reader, place, value, field);
    case MS_REAL:
        if (ms_json_kind(value) != MS_JSON_NUMBER) {
            return ms_reader_fail(reader, place, value, "must be a number");
        }
        *(double *)field = ms_json_double(value);
        return MASTRA_OK;
    case MS_BOOLEAN:
        return ms_reader_bool(reader, place, value, field);
    case MS_TIMESTAMP:
        break;
    }
    return ms_reader_time(reader, place, value, field);
}

/* The column that a member is about, -1: none. */
static int column_of(const struct ms_entity *entity, mastra_str key, bool *ret_as_text)
{
    char name[80];

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!column->offset) {
            continue;
        }
        *ret_as_text = false;
        if (ms_json_string_equals(key, mastra_str_of(column->name))) {
            return i;
        }
        snprintf(name, sizeof name, "%.70s" MS_EXPORT_TEXT, column->name);
        *ret_as_text = true;
        if (column->type == MS_JSON && ms_json_string_equals(key, mastra_str_of(name))) {
            return i;
        }
    }
    return -1;
}

static bool is_null(const struct ms_column *column, const void *row)
{
    switch (column->type) {
    case MS_TEXT:
    case MS_JSON:
        return !ms_field_str(column, row)->ptr;
    case MS_REAL:
        return isnan(*(const double *)ms_field(column, row));
    case MS_BOOLEAN:
        return false;
    default:
        return *(const int64_t *)ms_field(column, row) == MASTRA_INTEGER_NONE;
    }
}

/* What no table takes without. */
static mastra_status check_row(struct ms_reader *reader, const struct ms_place *place,
                               const struct ms_entity *entity, const void *row)
{
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];
        struct ms_place member = {place, column->name, 0};

        if ((column->flags & MS_OPTIONAL) && column->type == MS_TEXT) {
            continue; /* a title or a type, which has a default */
        }
        if (column->offset && (column->null == MS_NOT_NULL || (column->flags & MS_KEY)) &&
            is_null(column, row)) {
            return ms_reader_fail(reader, &member, mastra_str_of(NULL), "is required");
        }
    }
    return MASTRA_OK;
}

static mastra_status read_row(struct ms_reader *reader, const struct ms_entity *entity, mastra_str record,
                              void *row, uint64_t *given)
{
    struct ms_place place = {NULL, "record", 0};
    struct ms_json_iter iter;
    mastra_str key, value;
    mastra_status status = MASTRA_OK;

    if (ms_json_kind(record) != MS_JSON_OBJECT) {
        return ms_reader_fail(reader, &place, record, "must be an object");
    }
    ms_json_iter_init(&iter, record);
    while (status == MASTRA_OK && ms_json_next(&iter, &key, &value)) {
        bool as_text = false;
        int column = column_of(entity, key, &as_text);

        if (column < 0) {
            return ms_reader_fail(reader, &place, key, "has a member that is no column");
        }
        struct ms_place member = {&place, entity->columns[column].name, 0};

        *given |= MS_BIT(column);
        if (ms_json_kind(value) != MS_JSON_NULL) {
            status = read_value(reader, &member, &entity->columns[column], as_text, value, row);
        }
    }
    return status == MASTRA_OK ? check_row(reader, &place, entity, row) : status;
}

/* Reading a line. */

static mastra_status entity_of(struct importing *importing, mastra_str line, const struct ms_entity **ret)
{
    mastra_str table = ms_json_member(line, mastra_str_of("table"));

    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        if (ms_json_kind(table) == MS_JSON_STRING &&
            ms_json_string_equals(table, mastra_str_of(ms_entity(e)->table))) {
            *ret = ms_entity(e);
            return MASTRA_OK;
        }
    }
    if (ms_json_kind(table) == MS_JSON_STRING) {
        table = (mastra_str){table.ptr + 1, table.len - 2};
    }
    return ms_error_argument(error_of(importing), "table", table, "must name a table of the store");
}

/* Goes over to another table. */
static mastra_status open_table(struct importing *importing, const struct ms_entity *entity)
{
    struct ms_transfer *transfer = &importing->transfer;
    mastra_status status;

    if (importing->opened) {
        ms_transfer_tell(transfer, MASTRA_COPY_FINISHED);
        ms_pair_close(&transfer->pair);
    }
    importing->opened = false;
    status = ms_pair_open_target(&transfer->pair, transfer->from, entity);
    if (status != MASTRA_OK) {
        ms_pair_close(&transfer->pair);
        return status;
    }
    importing->opened = true;
    transfer->event = (mastra_copy_event){.size = sizeof transfer->event, .table = entity->table};
    return MASTRA_OK;
}

static mastra_status begin_batch(struct importing *importing)
{
    importing->arena = ms_arena_new(ms_store_heap(importing->transfer.from->store), 0);
    importing->rows = importing->arena
                          ? ms_arena_alloc(importing->arena, (size_t)importing->transfer.args.batch_size *
                                                                 sizeof *importing->rows)
                          : NULL;
    return importing->rows ? MASTRA_OK : ms_error_oom(error_of(importing));
}

/* Adds the row to the batch; `line` is a checked object. When it is wrong the batch is dropped. A record with other
 * columns than those before it begins another one. */
static mastra_status take_row(struct importing *importing, mastra_str line)
{
    const struct ms_entity *entity = importing->transfer.pair.entity;
    struct ms_reader reader = {importing->arena, error_of(importing)};
    void *row = ms_record_new(importing->arena, entity);
    uint64_t given = 0;
    mastra_status status;

    if (!row) {
        return ms_error_oom(reader.error);
    }
    status = read_row(&reader, entity, ms_json_member(line, mastra_str_of("record")), row, &given);
    if (status != MASTRA_OK) {
        return status;
    }
    if (importing->count > 0 && given != importing->given) {
        status = write_batch(importing);
        importing->count = 0;
    }
    if (importing->count == 0) {
        importing->given = given;
        importing->first_line = importing->line;
    }
    importing->last_line = importing->line;
    importing->rows[importing->count++] = row;
    importing->bytes += line.len;
    importing->transfer.event.read++;
    importing->transfer.report.read++;
    return status;
}

static mastra_status take_line(struct importing *importing, mastra_str text)
{
    const struct ms_entity *entity = NULL;
    struct ms_json_fault fault;
    mastra_str line;
    mastra_status status;

    if (!ms_json_check(text, &line, &fault)) {
        return ms_error_set(error_of(importing), MASTRA_INVALID_ARGUMENT, "is not valid JSON: %s at byte %zu",
                            fault.what, fault.offset);
    }
    if (ms_json_kind(line) != MS_JSON_OBJECT) {
        return ms_error_set(error_of(importing), MASTRA_INVALID_ARGUMENT, "is no JSON object");
    }
    status = entity_of(importing, line, &entity);
    if (status != MASTRA_OK) {
        return status;
    }
    if (importing->count > 0 && entity != importing->transfer.pair.own) {
        status = flush(importing);
    }
    if (status == MASTRA_OK && (!importing->opened || entity != importing->transfer.pair.own)) {
        status = open_table(importing, entity);
    }
    if (status == MASTRA_OK && !importing->arena) {
        status = begin_batch(importing);
    }
    if (status == MASTRA_OK) {
        status = take_row(importing, line);
    }
    if (status == MASTRA_OK && (importing->count == (size_t)importing->transfer.args.batch_size ||
                                importing->bytes >= BATCH_BYTES)) {
        status = flush(importing);
    }
    return status;
}

static bool is_empty(mastra_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (!strchr(" \t\r\n", line.ptr[i]) || !line.ptr[i]) {
            return false;
        }
    }
    return true;
}

static mastra_status take_lines(struct importing *importing)
{
    mastra_str line = {NULL, 0};
    mastra_status status = MASTRA_OK;
    int got;

    while ((got = importing->read(importing->user, &line)) > 0) {
        importing->line++;
        if (is_empty(line)) {
            continue;
        }
        error_of(importing)->message[0] = '\0';
        status = take_line(importing, line);
        if (status != MASTRA_OK) {
            bool told = strncmp(error_of(importing)->message, "line", 4) == 0;

            return told ? status : at_line(importing, importing->line, importing->line, status);
        }
    }
    if (got < 0) {
        return ms_error_set(error_of(importing), MASTRA_INTERNAL, "the lines could not be read");
    }
    return flush(importing);
}

static void release(struct importing *importing)
{
    if (importing->opened) {
        ms_pair_close(&importing->transfer.pair);
    }
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        ms_tally_release(&importing->tallies[e]);
    }
    ms_arena_free(importing->arena);
}

static mastra_status import_lines(struct ms_call *call, const mastra_copy_args *args, mastra_read_fn read,
                                  void *read_user, mastra_copy_report *ret)
{
    struct importing importing = {
        .transfer = {.from = call, .report = MASTRA_COPY_REPORT_INIT}, .read = read, .user = read_user};
    mastra_status status = ms_transfer_args(&importing.transfer, args);

    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        ms_tally_init(&importing.tallies[e], ms_store_heap(call->store));
    }
    if (status == MASTRA_OK && !read) {
        status = ms_error_argument(&call->error, "read", mastra_str_of(NULL), "must not be NULL");
    }
    if (status == MASTRA_OK) {
        status = take_lines(&importing);
    }
    if (status == MASTRA_OK && importing.opened) {
        ms_transfer_tell(&importing.transfer, MASTRA_COPY_FINISHED);
    }
    release(&importing);
    if (status == MASTRA_OK) {
        ms_transfer_report(&importing.transfer, ret);
    }
    return status;
}

mastra_status mastra_import(mastra_store *store, const mastra_copy_args *args, mastra_read_fn read,
                            void *read_user, mastra_copy_report *ret_report, mastra_error *error)
{
    MS_RUN(import, import_lines, args, read, read_user, ret_report);
}
