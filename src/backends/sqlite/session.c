#include "backends/sqlite/sqlite.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "store/record.h"

#include <stdlib.h>

/* Reading rows. */

static bool read_text(sqlite3_stmt *stmt, int n, struct ms_arena *arena, mastra_str *field)
{
    mastra_str text = {(const char *)sqlite3_column_text(stmt, n), 0};

    text.len = text.ptr ? (size_t)sqlite3_column_bytes(stmt, n) : 0;
    return text.ptr ? ms_arena_str(arena, text, field) : sqlite3_column_type(stmt, n) == SQLITE_NULL;
}

/* JSON may stand as text or as SQLite's binary JSON, which the peer writes. A blob that is neither reads as absent: one
 * bad row must not make a list fail. */
static bool read_json(struct connection *connection, sqlite3_stmt *stmt, int n, struct ms_arena *arena,
                      mastra_str *field)
{
    const void *blob;

    if (sqlite3_column_type(stmt, n) != SQLITE_BLOB) {
        return read_text(stmt, n, arena, field);
    }
    blob = sqlite3_column_blob(stmt, n);
    return sqlite_json_text(connection, blob, (size_t)sqlite3_column_bytes(stmt, n), arena, field);
}

/* A time that is not one (a foreign writer's) reads as absent. */
static void read_time(sqlite3_stmt *stmt, int n, mastra_time *field)
{
    mastra_str text = {(const char *)sqlite3_column_text(stmt, n), 0};

    text.len = text.ptr ? (size_t)sqlite3_column_bytes(stmt, n) : 0;
    if (!text.ptr || !ms_time_parse(text, field)) {
        *field = MASTRA_TIME_NONE;
    }
}

/* Into a field that is absent so far. Numbers of the wrong kind read as SQLite converts them. */
static bool read_field(struct connection *connection, sqlite3_stmt *stmt, int n,
                       const struct ms_column *column, struct ms_arena *arena, void *field)
{
    /* Where null is usual, which wide tables are full of, it is asked for first. */
    if (column->null != MS_NOT_NULL && sqlite3_column_type(stmt, n) == SQLITE_NULL) {
        return true;
    }
    switch (column->type) {
    case MS_TIMESTAMP:
        read_time(stmt, n, field);
        return true;
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)field = sqlite3_column_int64(stmt, n);
        return true;
    case MS_REAL:
        *(double *)field = sqlite3_column_double(stmt, n);
        return true;
    case MS_BOOLEAN:
        *(bool *)field = sqlite3_column_int(stmt, n) != 0;
        return true;
    case MS_JSON:
        return read_json(connection, stmt, n, arena, field);
    case MS_TEXT:
        break;
    }
    return column->flags & MS_LOOSE ? read_json(connection, stmt, n, arena, field)
                                    : read_text(stmt, n, arena, field);
}

/* The record that the statement stands on; NULL when memory is out. */
static void *read_row(struct connection *connection, sqlite3_stmt *stmt, const struct ms_entity *entity,
                      uint64_t columns, struct ms_arena *arena)
{
    void *record = ms_record_new(arena, entity);
    int n = 0;

    if (!record) {
        return NULL;
    }
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i))) {
            continue;
        }
        if (!read_field(connection, stmt, n++, column, arena, ms_field(column, record))) {
            return NULL;
        }
    }
    return record;
}

mastra_status sqlite_get(struct ms_session *session, const struct ms_entity *entity, const mastra_str *key,
                         bool lock, struct ms_arena *arena, void **ret, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct ms_sql_key row = {entity, key, false};
    sqlite3_stmt *stmt = NULL;
    mastra_status status = sqlite_prepare(connection, ms_sql_get, &row, &stmt, NULL, error);
    int code;

    (void)lock; /* a writing session has the whole file */
    if (status != MASTRA_OK) {
        return status;
    }
    *ret = NULL;
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *ret = read_row(connection, stmt, entity, ms_entity_fields(entity), arena);
        status = *ret ? MASTRA_OK : ms_error_oom(error);
    } else if (code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "read", error);
    }
    sqlite_finish(connection, stmt);
    return status;
}

struct row_list {
    struct ms_arena *arena;
    void **items;
    size_t count;
    size_t room;
};

static bool append(struct row_list *list, void *record)
{
    if (!record) {
        return false;
    }
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 64;
        void **grown = ms_arena_alloc(list->arena, room * sizeof *grown);

        if (!grown) {
            return false;
        }
        if (list->count > 0) {
            memcpy(grown, list->items, list->count * sizeof *grown);
        }
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = record;
    return true;
}

static void reverse(struct row_list *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        void *swapped = list->items[i];

        list->items[i] = list->items[list->count - 1 - i];
        list->items[list->count - 1 - i] = swapped;
    }
}

/* A row among others of its time. */
struct tied {
    const struct ms_query *query;
    void *record;
};

static int compare_keys(const void *a, const void *b)
{
    const struct tied *left = a;
    const struct tied *right = b;
    const struct ms_entity *entity = left->query->entity;

    for (size_t i = 0; i < entity->key_count; i++) {
        const struct ms_column *column = &entity->columns[entity->keys[i]];
        int order = ms_str_compare(*ms_field_str(column, left->record), *ms_field_str(column, right->record));

        if (order != 0) {
            return left->query->descending ? -order : order;
        }
    }
    return 0;
}

static bool sort_run(const struct ms_query *query, struct row_list *list, size_t from, size_t to)
{
    struct tied *tied = ms_arena_alloc(list->arena, (to - from) * sizeof *tied);

    for (size_t i = from; tied && i < to; i++) {
        tied[i - from] = (struct tied){query, list->items[i]};
    }
    if (!tied) {
        return false;
    }
    qsort(tied, to - from, sizeof *tied, compare_keys);
    for (size_t i = from; i < to; i++) {
        list->items[i] = tied[i - from].record;
    }
    return true;
}

/* The total order within each time; false when memory is out. */
static bool sort_ties(const struct ms_query *query, struct row_list *list)
{
    const struct ms_column *column = &query->entity->columns[query->order];
    size_t from = 0;

    for (size_t i = 1; i <= list->count; i++) {
        bool ends = i == list->count ||
                    *ms_field_time(column, list->items[i]) != *ms_field_time(column, list->items[from]);

        if (ends && i - from > 1 && !sort_run(query, list, from, i)) {
            return false;
        }
        from = ends ? i : from;
    }
    return true;
}

mastra_status sqlite_list(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                          struct ms_rows *ret, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct row_list list = {.arena = arena};
    sqlite3_stmt *stmt = NULL;
    unsigned rows = 0;
    size_t bytes = 0;
    mastra_status status = sqlite_prepare(connection, ms_sql_list, query, &stmt, &rows, error);
    int code;

    if (status != MASTRA_OK) {
        return status;
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!append(&list, read_row(connection, stmt, query->entity, query->columns, arena))) {
            status = ms_error_oom(error);
            break;
        }
        if (query->most_bytes > 0) {
            bytes += ms_record_bytes(query->entity, list.items[list.count - 1], query->columns);
            if (bytes >= query->most_bytes) {
                code = SQLITE_DONE;
                break;
            }
        }
    }
    if (status == MASTRA_OK && code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "read", error);
    }
    sqlite_finish(connection, stmt);
    if (rows & MS_ROWS_REVERSED) {
        reverse(&list);
    }
    if (status == MASTRA_OK && (rows & MS_ROWS_TIED) && !sort_ties(query, &list)) {
        status = ms_error_oom(error);
    }
    ret->items = list.items;
    ret->count = list.count;
    return status;
}

mastra_status sqlite_erase_repeats(struct ms_session *session, const struct ms_repeats *repeats,
                                   struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    uint64_t keys = ms_entity_keys(repeats->entity);
    struct row_list list = {.arena = arena};
    sqlite3_stmt *stmt = NULL;
    mastra_status status =
        sqlite_prepare(connection, ms_sql_erase_repeats, repeats, &stmt, &(unsigned){0}, error);
    int code;

    if (status != MASTRA_OK) {
        return status;
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!append(&list, read_row(connection, stmt, repeats->entity, keys, arena))) {
            status = ms_error_oom(error);
            break;
        }
    }
    if (status == MASTRA_OK && code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "write", error);
    }
    sqlite_finish(connection, stmt);
    *ret = (struct ms_rows){list.items, list.count};
    return status;
}

static mastra_status count_rows(struct connection *connection, const struct ms_query *query, int64_t *ret,
                                mastra_error *error)
{
    sqlite3_stmt *stmt = NULL;
    mastra_status status = sqlite_prepare(connection, ms_sql_count, query, &stmt, NULL, error);
    int code;

    if (status != MASTRA_OK) {
        return status;
    }
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *ret = sqlite3_column_int64(stmt, 0);
    } else {
        status = sqlite_error(connection, code, "read", error);
    }
    sqlite_finish(connection, stmt);
    return status;
}

mastra_status sqlite_count(struct ms_session *session, const struct ms_query *query, int64_t *ret,
                           mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct sqlite_counts *counts = &connection->owner->counts;
    uint64_t ticket = 0;
    enum count_source source = sqlite_counts_get(counts, query, connection->stamp, ret, &ticket);
    mastra_status status = MASTRA_OK;

    if (source != TOTAL_TAKEN) {
        status = count_rows(connection, query, ret, error);
    }
    if (source == TOTAL_COUNT) {
        sqlite_counts_put(counts, query, ticket, status == MASTRA_OK ? *ret : -1);
    }
    return status;
}

/* All users of a file are on one machine. */
mastra_status sqlite_clock(struct ms_session *session, mastra_time *ret, mastra_error *error)
{
    (void)session;
    (void)error;
    *ret = ms_clock_now();
    return MASTRA_OK;
}

/* Writing. */

static mastra_status missing(const struct ms_write *write, mastra_error *error)
{
    return ms_error_set(error, MASTRA_NOT_FOUND, "%s %.*s not found", write->entity->noun,
                        (int)write->key[0].len, write->key[0].ptr);
}

static mastra_status apply_one(struct connection *connection, const struct ms_write *write,
                               mastra_error *error)
{
    sqlite3_stmt *stmt = NULL;
    mastra_status status = sqlite_prepare(connection, ms_sql_write, write, &stmt, NULL, error);
    int code;

    if (status != MASTRA_OK) {
        return status;
    }
    code = sqlite3_step(stmt);
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        status = sqlite_error(connection, code, "write to", error);
    } else if (write->kind == MS_WRITE_EXPECT && code != SQLITE_ROW) {
        status = missing(write, error);
    }
    sqlite_finish(connection, stmt);
    return status;
}

mastra_status sqlite_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                           mastra_error *error)
{
    struct connection *connection = connection_of(session);

    *ret_begun = false;
    for (const struct ms_write *write = first; write; write = write->next) {
        mastra_status status = apply_one(connection, write, error);

        if (status != MASTRA_OK) {
            sqlite_counts_undone(&connection->owner->counts);
            return status;
        }
        *ret_begun = true;
    }
    return MASTRA_OK;
}
