/* Indexes that callers name. */
#include "backends/sqlite/sqlite.h"
#include "base/error.h"
#include "base/json.h"
#include "base/size.h"

/* Creating. */

enum taken {
    TAKEN_NOT,
    TAKEN_BY_INDEX,
    TAKEN_BY_OTHER,
};

static mastra_status who_has_name(struct connection *connection, mastra_str name, enum taken *ret,
                                  mastra_error *error)
{
    static const char sql[] = "SELECT type = 'index' FROM sqlite_schema WHERE name = ? COLLATE NOCASE";
    sqlite3_stmt *stmt = NULL;
    mastra_status status = MASTRA_OK;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_text64(stmt, 1, name.ptr, name.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        *ret = sqlite3_column_int(stmt, 0) ? TAKEN_BY_INDEX : TAKEN_BY_OTHER;
    } else if (code == SQLITE_DONE) {
        *ret = TAKEN_NOT;
    } else {
        status = sqlite_error(connection, code, "read the schema of", error);
    }
    sqlite3_finalize(stmt);
    return status;
}

static void add_name(struct ms_buf *sql, mastra_str name)
{
    ms_buf_printf(sql, "\"%.*s\"", (int)name.len, name.ptr);
}

/* The line's end ends a comment in it, too. */
static void add_condition(struct ms_buf *sql, mastra_str where)
{
    ms_buf_add_text(sql, " WHERE (");
    ms_buf_add_str(sql, where);
    ms_buf_add_text(sql, "\n)");
}

/* An expression compiles where one is expected, and leaves nothing behind it. */
static mastra_status check_condition(struct connection *connection, struct ms_buf *sql,
                                     const struct ms_index_wish *wish, mastra_error *error)
{
    sqlite3_stmt *stmt = NULL;
    const char *tail = NULL;
    mastra_status status = MASTRA_OK;
    int code;

    ms_buf_add_text(sql, "SELECT 1 FROM ");
    add_name(sql, wish->table);
    add_condition(sql, wish->where);
    if (sql->failed) {
        return ms_error_oom(error);
    }
    code = sqlite3_prepare_v2(connection->db, sql->ptr, (int)sql->len + 1, &stmt, &tail);
    if (code == SQLITE_ERROR) {
        status = ms_error_argument(error, "where", wish->where, sqlite3_errmsg(connection->db));
    } else if (code != SQLITE_OK) {
        status = sqlite_error(connection, code, "prepare a statement", error);
    } else if (!stmt || *tail) {
        status = ms_error_argument(error, "where", wish->where, "must be a single expression");
    }
    sqlite3_finalize(stmt);
    ms_buf_clear(sql);
    return status;
}

static void add_index_text(struct ms_buf *sql, const struct ms_index_wish *wish)
{
    ms_buf_add_text(sql, wish->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    add_name(sql, wish->name);
    ms_buf_add_text(sql, " ON ");
    add_name(sql, wish->table);
    for (size_t i = 0; i < wish->column_count; i++) {
        ms_buf_add_text(sql, i == 0 ? " (" : ", ");
        add_name(sql, wish->columns[i]);
        ms_buf_add_text(sql, wish->descending[i] ? " DESC" : "");
    }
    ms_buf_add_char(sql, ')');
    if (wish->where.ptr) {
        add_condition(sql, wish->where);
    }
}

mastra_status sqlite_create_index(struct ms_session *session, const struct ms_index_wish *wish,
                                  mastra_error *error)
{
    struct connection *connection = connection_of(session);
    enum taken taken = TAKEN_NOT;
    struct ms_buf sql;
    mastra_status status = who_has_name(connection, wish->name, &taken, error);

    if (status != MASTRA_OK || taken == TAKEN_BY_INDEX) {
        return status;
    }
    if (taken == TAKEN_BY_OTHER) {
        return ms_error_set(error, MASTRA_CONFLICT, "there is a table or view named \"%.*s\"",
                            (int)wish->name.len, wish->name.ptr);
    }
    ms_buf_init(&sql, connection->owner->heap, 0);
    if (wish->where.ptr) {
        status = check_condition(connection, &sql, wish, error);
    }
    if (status == MASTRA_OK) {
        add_index_text(&sql, wish);
        status = sqlite_run_text(connection, &sql, "create an index in", error);
    }
    /* Some expressions are good for a query and not for an index. */
    if (status == MASTRA_INTERNAL && wish->where.ptr) {
        status = ms_error_argument(error, "where", wish->where, sqlite3_errmsg(connection->db));
    }
    ms_buf_release(&sql);
    return status;
}

/* Listing. */

enum {
    OUT_NAME,
    OUT_TABLE,
    OUT_UNIQUE,
    OUT_DEFINITION,
    OUT_COLUMNS,
    OUT_BYTES,
};

static bool read_size(sqlite3_stmt *stmt, struct ms_arena *arena, mastra_str *ret)
{
    char text[MS_SIZE_SIZE];

    if (sqlite3_column_type(stmt, OUT_BYTES) == SQLITE_NULL) {
        return true;
    }
    mastra_str size = {text, ms_size_format(sqlite3_column_int64(stmt, OUT_BYTES), text)};

    return ms_arena_str(arena, size, ret);
}

/* The names come as a JSON array: they may hold any character. */
static bool read_columns(sqlite3_stmt *stmt, struct ms_arena *arena, mastra_index *index)
{
    struct ms_json_iter iter;
    mastra_str array;
    mastra_str item;

    if (!ms_json_check(sqlite_column_str(stmt, OUT_COLUMNS), &array, NULL)) {
        return true;
    }
    mastra_str *columns = ms_arena_calloc(arena, (ms_json_count(array) + 1) * sizeof *columns);
    bool ok = columns != NULL;

    index->columns = columns;
    ms_json_iter_init(&iter, array);
    while (ok && ms_json_next(&iter, NULL, &item)) {
        ok = ms_json_unescape_arena(item, arena, &columns[index->column_count++], NULL);
    }
    return ok;
}

static mastra_index *read_index(sqlite3_stmt *stmt, struct ms_arena *arena)
{
    static const mastra_index blank = MASTRA_INDEX_INIT;
    mastra_index *index = ms_arena_alloc(arena, sizeof *index);

    if (!index) {
        return NULL;
    }
    *index = blank;
    index->unique = sqlite3_column_int(stmt, OUT_UNIQUE) != 0;
    if (!ms_arena_str(arena, sqlite_column_str(stmt, OUT_NAME), &index->name) ||
        !ms_arena_str(arena, sqlite_column_str(stmt, OUT_TABLE), &index->table) ||
        !ms_arena_str(arena, sqlite_column_str(stmt, OUT_DEFINITION), &index->definition) ||
        !ms_arena_str(arena, mastra_str_of("btree"), &index->method) || !read_columns(stmt, arena, index) ||
        !read_size(stmt, arena, &index->disk_size)) {
        return NULL;
    }
    return index;
}

/* Room for so many more; the items move. */
static bool grow(struct ms_rows *rows, size_t *room, struct ms_arena *arena)
{
    size_t larger = *room ? *room * 2 : 32;
    void **items = ms_arena_alloc(arena, larger * sizeof *items);

    if (!items) {
        return false;
    }
    if (rows->count > 0) {
        memcpy(items, rows->items, rows->count * sizeof *items);
    }
    rows->items = items;
    *room = larger;
    return true;
}

static bool append(struct ms_rows *rows, size_t *room, struct ms_arena *arena, mastra_index *index)
{
    if (!index || (rows->count == *room && !grow(rows, room, arena))) {
        return false;
    }
    rows->items[rows->count++] = index;
    return true;
}

/* SQLite tells sizes when it was built to. */
static mastra_status prepare_list(struct connection *connection, mastra_str table, mastra_str name,
                                  sqlite3_stmt **ret, mastra_error *error)
{
    bool sized = sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB") != 0;
    struct ms_buf sql;
    int code = SQLITE_NOMEM;

    ms_buf_init(&sql, connection->owner->heap, 0);
    ms_buf_add_text(&sql, "SELECT m.name, m.tbl_name, l.\"unique\", m.sql,"
                          " (SELECT json_group_array(c.name) FROM (SELECT name FROM pragma_index_info(m.name)"
                          " WHERE name IS NOT NULL ORDER BY seqno) AS c), ");
    ms_buf_add_text(&sql, sized ? "(SELECT sum(pgsize) FROM dbstat WHERE name = m.name AND aggregate = 1)"
                                : "NULL");
    ms_buf_add_text(&sql,
                    " FROM sqlite_schema AS m JOIN pragma_index_list(m.tbl_name) AS l ON l.name = m.name"
                    " WHERE m.type = 'index' AND m.sql IS NOT NULL AND m.tbl_name NOT GLOB 'sqlite_*'"
                    " AND (?1 IS NULL OR m.tbl_name = ?1 COLLATE NOCASE)"
                    " AND (?2 IS NULL OR m.name = ?2 COLLATE NOCASE) ORDER BY m.tbl_name, m.name");
    if (!sql.failed) {
        code = sqlite3_prepare_v2(connection->db, sql.ptr, (int)sql.len + 1, ret, NULL);
    }
    ms_buf_release(&sql);
    if (code == SQLITE_OK) {
        code = sqlite3_bind_text64(*ret, 1, table.ptr, table.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_bind_text64(*ret, 2, name.ptr, name.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    return code == SQLITE_OK ? MASTRA_OK : sqlite_error(connection, code, "read the schema of", error);
}

mastra_status sqlite_list_indexes(struct ms_session *session, mastra_str table, mastra_str name,
                                  struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct ms_rows rows = {NULL, 0};
    size_t room = 0;
    sqlite3_stmt *stmt = NULL;
    mastra_status status = prepare_list(connection, table, name, &stmt, error);
    int code = SQLITE_DONE;

    while (status == MASTRA_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!append(&rows, &room, arena, read_index(stmt, arena))) {
            status = ms_error_oom(error);
        }
    }
    if (status == MASTRA_OK && code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "read the schema of", error);
    }
    sqlite3_finalize(stmt);
    *ret = rows;
    return status;
}
