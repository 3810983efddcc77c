#include "backends/sqlite/sqlite.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

/* The dialect. */

static void placeholder(struct ms_buf *out, size_t n)
{
    (void)n;
    ms_buf_add_char(out, '?');
}

/* JSON may stand as text or as SQLite's binary JSON, which the peer writes. A blob that is neither reads as absent: one
 * bad row must not make a list fail. */
static void json_text(struct ms_buf *out, const struct ms_column *column)
{
    if (column->type != MS_JSON && !(column->type == MS_TEXT && column->flags & MS_LOOSE)) {
        ms_sql_quote(out, column->name);
        return;
    }
    ms_buf_add_text(out, "CASE WHEN typeof(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, ") <> 'blob' THEN ");
    ms_sql_quote(out, column->name);
    if (sqlite3_libversion_number() >= SQLITE_BINARY_JSON_VERSION) {
        ms_buf_add_text(out, " WHEN json_valid(");
        ms_sql_quote(out, column->name);
        ms_buf_add_text(out, ", 8) THEN json(");
        ms_sql_quote(out, column->name);
        ms_buf_add_char(out, ')');
    }
    ms_buf_add_text(out, " END");
}

/* As it stands: whoever reads the row turns binary JSON into text, see sqlite_json_text. Having the statement do it costs
 * as much again as reading the row, even where there is none. */
static void read_column(struct ms_buf *out, const struct ms_column *column)
{
    ms_sql_quote(out, column->name);
}

static void any_of(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)n;
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " IN (SELECT value FROM json_each(?))");
}

static void call_with(struct ms_buf *out, const char *function, const struct ms_column *column,
                      const char *arguments)
{
    ms_buf_add_text(out, function);
    json_text(out, column);
    ms_buf_add_text(out, arguments);
}

static void has(struct ms_buf *out, const struct ms_column *column, const char *name, size_t n)
{
    (void)name;
    (void)n;
    call_with(out, "mastra_has(", column, ", ?, ?)");
}

static void contains(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)n;
    call_with(out, "mastra_contains(", column, ", ?)");
}

static void at(struct ms_buf *out, const struct ms_column *column, const char *path, size_t n)
{
    (void)path;
    (void)n;
    call_with(out, "mastra_at(", column, ", ?, ?)");
}

static void member(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)n;
    call_with(out, "mastra_member(", column, ", ?)");
}

/* LIKE would fold case and take the text for a pattern. */
static void prefix(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)n;
    call_with(out, "instr(", column, ", ?) = 1");
}

/* Any blob, which a foreign writer may have stored, compares above every text. */
static void above(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)n;
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " > ? AND ");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " < x''");
}

static const struct ms_dialect dialect = {
    .placeholder = placeholder,
    .read = read_column,
    .any_of = any_of,
    .has = has,
    .contains = contains,
    .at = at,
    .member = member,
    .prefix = prefix,
    .above = above,
    .sequence = "rowid",
    .row_id = "rowid",
    .row_place = "rowid",
    .bytewise = "",
    .lock = "",
    .lock_list = "",
    .leaves_ties = true,
};

/* The cache. */

static uint32_t hash_of(const unsigned char *shape, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ shape[i]) * 16777619u;
    }
    return hash;
}

static struct statement *look_up(struct connection *connection, const struct ms_sql *sql, uint32_t hash)
{
    for (size_t i = 0; i < connection->statement_count; i++) {
        struct statement *statement = &connection->statements[i];

        if (statement->hash == hash && statement->shape_len == sql->shape_len &&
            memcmp(statement->shape, sql->shape, sql->shape_len) == 0) {
            return statement;
        }
    }
    return NULL;
}

/* A free slot, or that of the statement unused for longest. */
static struct statement *make_room(struct connection *connection)
{
    struct statement *oldest = &connection->statements[0];

    if (connection->statement_count < STATEMENTS_MAX) {
        return &connection->statements[connection->statement_count++];
    }
    for (size_t i = 1; i < STATEMENTS_MAX; i++) {
        if (connection->clock - connection->statements[i].used > connection->clock - oldest->used) {
            oldest = &connection->statements[i];
        }
    }
    sqlite3_finalize(oldest->stmt);
    return oldest;
}

static mastra_status compile(struct connection *connection, struct ms_sql *sql, ms_sql_fn fn,
                             const void *what, sqlite3_stmt **ret, mastra_error *error)
{
    unsigned flags = sql->uncached ? 0 : SQLITE_PREPARE_PERSISTENT;
    struct ms_buf text;
    mastra_status status = MASTRA_OK;
    int code;

    ms_buf_init(&text, connection->owner->heap, 0);
    ms_sql_begin(sql, &dialect, NULL, &text);
    fn(sql, what);
    if (text.failed) {
        status = ms_error_oom(error);
    } else {
        code = sqlite3_prepare_v3(connection->db, text.ptr, (int)text.len + 1, flags, ret, NULL);
        if (code != SQLITE_OK) {
            status = sqlite_error(connection, code, "prepare a statement", error);
        }
    }
    ms_buf_release(&text);
    return status;
}

static mastra_status cached(struct connection *connection, struct ms_sql *sql, ms_sql_fn fn, const void *what,
                            sqlite3_stmt **ret, mastra_error *error)
{
    uint32_t hash = hash_of(sql->shape, sql->shape_len);
    struct statement *statement = look_up(connection, sql, hash);
    mastra_status status;

    connection->clock++;
    if (!statement) {
        sqlite3_stmt *stmt = NULL;

        status = compile(connection, sql, fn, what, &stmt, error);
        if (status != MASTRA_OK) {
            return status;
        }
        statement = make_room(connection);
        statement->stmt = stmt;
        statement->hash = hash;
        statement->shape_len = (uint8_t)sql->shape_len;
        memcpy(statement->shape, sql->shape, sql->shape_len);
    }
    statement->used = connection->clock;
    *ret = statement->stmt;
    return MASTRA_OK;
}

/* A statement for this once; there is one of them at a time. */
static mastra_status passing(struct connection *connection, struct ms_sql *sql, ms_sql_fn fn,
                             const void *what, sqlite3_stmt **ret, mastra_error *error)
{
    mastra_status status = compile(connection, sql, fn, what, &connection->passing, error);

    *ret = connection->passing;
    return status;
}

/* Binding. */

static int bind_time(sqlite3_stmt *stmt, int n, mastra_time time)
{
    char iso[MS_ISO_SIZE];
    size_t len = ms_time_format(time, iso);

    return sqlite3_bind_text(stmt, n, iso, (int)len, SQLITE_TRANSIENT);
}

/* A set goes in as a JSON array of strings. */
static int bind_set(struct connection *connection, sqlite3_stmt *stmt, int n, const struct ms_bind *value)
{
    struct ms_buf json;
    int code = SQLITE_NOMEM;

    ms_buf_init(&json, connection->owner->heap, 0);
    ms_buf_add_char(&json, '[');
    for (size_t i = 0; i < value->set_count; i++) {
        if (i > 0) {
            ms_buf_add_char(&json, ',');
        }
        ms_json_put_string(&json, value->set[i]);
    }
    ms_buf_add_char(&json, ']');
    if (!json.failed) {
        code = sqlite3_bind_text64(stmt, n, json.ptr, json.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    ms_buf_release(&json);
    return code;
}

static int bind_value(struct connection *connection, sqlite3_stmt *stmt, int n, const struct ms_bind *value)
{
    switch (value->kind) {
    case MS_BIND_TEXT:
    case MS_BIND_JSON:
        return sqlite3_bind_text64(stmt, n, value->text.ptr, value->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case MS_BIND_TIME:
        return bind_time(stmt, n, value->integer);
    case MS_BIND_REAL:
        return sqlite3_bind_double(stmt, n, value->real);
    case MS_BIND_INTEGER:
    case MS_BIND_BOOLEAN:
        return sqlite3_bind_int64(stmt, n, value->integer);
    case MS_BIND_SET:
        return bind_set(connection, stmt, n, value);
    default:
        return sqlite3_bind_null(stmt, n);
    }
}

mastra_status sqlite_prepare(struct connection *connection, ms_sql_fn fn, const void *what,
                             sqlite3_stmt **ret, unsigned *ret_rows, mastra_error *error)
{
    struct ms_sql sql;
    sqlite3_stmt *stmt = NULL;
    mastra_status status;

    ms_sql_begin(&sql, &dialect, NULL, NULL);
    fn(&sql, what);
    status = sql.uncached ? passing(connection, &sql, fn, what, &stmt, error)
                          : cached(connection, &sql, fn, what, &stmt, error);
    if (status != MASTRA_OK) {
        return status;
    }
    for (size_t i = 0; i < sql.bind_count; i++) {
        int code = bind_value(connection, stmt, (int)i + 1, &sql.binds[i]);

        if (code != SQLITE_OK) {
            sqlite_finish(connection, stmt);
            return sqlite_error(connection, code, "bind a value", error);
        }
    }
    if (ret_rows) {
        *ret_rows = sql.rows;
    }
    *ret = stmt;
    return MASTRA_OK;
}

void sqlite_finish(struct connection *connection, sqlite3_stmt *stmt)
{
    if (stmt == connection->passing) {
        sqlite3_finalize(stmt);
        connection->passing = NULL;
        return;
    }
    sqlite3_reset(stmt);
    /* The values bound without a copy go out of scope now. */
    sqlite3_clear_bindings(stmt);
}

/* Statements without values. */

static const char *const fixed_text[FIXED_COUNT] = {
    [FIXED_BEGIN] = "BEGIN",
    [FIXED_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
    [FIXED_COMMIT] = "COMMIT",
    [FIXED_ROLLBACK] = "ROLLBACK",
    [FIXED_PIN] = "SELECT 1 FROM sqlite_schema LIMIT 0",
    [FIXED_DATA_VERSION] = "PRAGMA data_version",
    [FIXED_JSON_TEXT] = "SELECT CASE WHEN json_valid(?1, 8) THEN json(?1) END",
};

/* All of them when the connection is opened: ending a transaction must not depend on memory being there. */
mastra_status sqlite_prepare_fixed(struct connection *connection, mastra_error *error)
{
    for (int i = 0; i < FIXED_COUNT; i++) {
        if (connection->fixed[i]) {
            continue;
        }
        if (i == FIXED_JSON_TEXT && sqlite3_libversion_number() < SQLITE_BINARY_JSON_VERSION) {
            continue;
        }
        int code = sqlite3_prepare_v3(connection->db, fixed_text[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &connection->fixed[i], NULL);

        if (code != SQLITE_OK) {
            return sqlite_error(connection, code, "open", error);
        }
    }
    return MASTRA_OK;
}

mastra_status sqlite_run_fixed(struct connection *connection, enum fixed which, mastra_error *error)
{
    sqlite3_stmt *stmt = connection->fixed[which];
    int code = sqlite3_step(stmt);
    mastra_status status = MASTRA_OK;

    if (code != SQLITE_DONE) {
        status = sqlite_error(connection, code, fixed_text[which], error);
    }
    sqlite3_reset(stmt);
    return status;
}

bool sqlite_pin(struct connection *connection)
{
    mastra_error ignored = MASTRA_ERROR_INIT;

    return sqlite_run_fixed(connection, FIXED_PIN, &ignored) == MASTRA_OK;
}

bool sqlite_json_text(struct connection *connection, const void *blob, size_t len, struct ms_arena *arena,
                      mastra_str *ret)
{
    sqlite3_stmt *stmt = connection->fixed[FIXED_JSON_TEXT];
    mastra_str text = {NULL, 0};
    bool read = true;

    if (!stmt) {
        return true;
    }
    if (sqlite3_bind_blob64(stmt, 1, blob, len, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(stmt) == SQLITE_NOMEM) {
        read = false;
    } else if (sqlite3_column_type(stmt, 0) == SQLITE_TEXT) {
        text.ptr = (const char *)sqlite3_column_text(stmt, 0);
        text.len = (size_t)sqlite3_column_bytes(stmt, 0);
        read = text.ptr && ms_arena_str(arena, text, ret);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return read;
}

bool sqlite_data_version(struct connection *connection, int64_t *ret)
{
    sqlite3_stmt *stmt = connection->fixed[FIXED_DATA_VERSION];
    bool found = stmt && sqlite3_step(stmt) == SQLITE_ROW;

    if (found) {
        *ret = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    return found;
}

void sqlite_drop_statements(struct connection *connection)
{
    for (size_t i = 0; i < connection->statement_count; i++) {
        sqlite3_finalize(connection->statements[i].stmt);
    }
    connection->statement_count = 0;
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        sqlite3_finalize(connection->fixed[i]);
        connection->fixed[i] = NULL;
    }
}
