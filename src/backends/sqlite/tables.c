/* Tables that callers name: what they are made of, making, widening and dropping them. */
#include "backends/sqlite/sqlite.h"
#include "base/error.h"

#include <strings.h>

/* Describing. */

struct description {
    mastra_str table;
    struct ms_foreign_column columns[MS_COLUMNS_MOST];
    size_t count;
};

static bool holds(mastra_str type, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= type.len; i++) {
        if (strncasecmp(type.ptr + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* By the declared type, much as SQLite finds the affinity. What is no number may be text as well as JSON: the peer
 * declares both as TEXT. */
static enum ms_type type_of(mastra_str declared)
{
    static const char *const reals[] = {"REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"};

    if (holds(declared, "INT") || holds(declared, "BOOL")) {
        return MS_INTEGER;
    }
    if (holds(declared, "JSON")) {
        return MS_JSON;
    }
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        if (holds(declared, reals[i])) {
            return MS_REAL;
        }
    }
    return MS_TEXT;
}

static unsigned flags_of(const struct ms_foreign_column *column, bool has_default)
{
    unsigned flags = has_default ? MS_OPTIONAL : 0;

    switch (column->type) {
    case MS_TEXT:
        return flags | (column->in_key ? MS_STRICT : MS_CONTENT | MS_LOOSE);
    case MS_JSON:
        return flags | MS_VALUE;
    default:
        return flags | MS_LOOSE;
    }
}

enum {
    OUT_TABLE,
    OUT_NAME,
    OUT_TYPE,
    OUT_NOT_NULL,
    OUT_DEFAULT,
    OUT_IN_KEY,
};

static bool note_column(struct description *description, sqlite3_stmt *stmt, struct ms_arena *arena)
{
    struct ms_foreign_column *column;

    if (description->count++ == 0 &&
        !ms_arena_str(arena, sqlite_column_str(stmt, OUT_TABLE), &description->table)) {
        return false;
    }
    if (description->count > MS_COLUMNS_MOST) {
        return true; /* the count is all that matters now */
    }
    column = &description->columns[description->count - 1];
    if (!ms_arena_str(arena, sqlite_column_str(stmt, OUT_NAME), &column->name)) {
        return false;
    }
    column->type = type_of(sqlite_column_str(stmt, OUT_TYPE));
    column->in_key = (unsigned)sqlite3_column_int(stmt, OUT_IN_KEY);
    column->null = column->in_key || sqlite3_column_int(stmt, OUT_NOT_NULL) ? MS_NOT_NULL : MS_NULL_UNSET;
    column->flags = flags_of(column, sqlite3_column_type(stmt, OUT_DEFAULT) != SQLITE_NULL);
    return true;
}

/* The number of a row, under another name, is drawn by SQLite. */
static void note_drawn_key(struct description *description)
{
    struct ms_foreign_column *only = NULL;

    if (description->count > MS_COLUMNS_MOST) {
        return;
    }
    for (size_t i = 0; i < description->count; i++) {
        if (description->columns[i].in_key) {
            if (only) {
                return;
            }
            only = &description->columns[i];
        }
    }
    if (only && only->type == MS_INTEGER) {
        only->flags |= MS_OPTIONAL;
    }
}

static mastra_status read_description(struct connection *connection, mastra_str table, struct ms_arena *arena,
                                      struct description *description, mastra_error *error)
{
    static const char sql[] =
        "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk"
        " FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c"
        " WHERE m.type IN ('table', 'view') AND m.name = ? COLLATE NOCASE ORDER BY c.cid";
    sqlite3_stmt *stmt = NULL;
    bool room = true;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_text64(stmt, 1, table.ptr, table.len, SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code == SQLITE_OK) {
        while (room && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
            room = note_column(description, stmt, arena);
        }
    }
    mastra_status status =
        room && code != SQLITE_DONE ? sqlite_error(connection, code, "read the schema of", error) : MASTRA_OK;

    sqlite3_finalize(stmt);
    return room ? status : ms_error_oom(error);
}

mastra_status sqlite_describe_table(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                    const struct ms_entity **ret, mastra_error *error)
{
    struct description *description = ms_arena_calloc(arena, sizeof *description);
    struct ms_entity *entity = NULL;
    mastra_status status;

    *ret = NULL;
    if (!description) {
        return ms_error_oom(error);
    }
    status = read_description(connection_of(session), table, arena, description, error);
    if (status != MASTRA_OK || description->count == 0) {
        return status;
    }
    note_drawn_key(description);
    status = ms_foreign_entity(arena, description->table, MS_KEY_PRIMARY_TABLE, description->columns,
                               description->count, &entity, error);
    *ret = entity;
    return status;
}

/* Changing. */

static mastra_status table_exists(struct connection *connection, const char *table, bool *ret,
                                  mastra_error *error)
{
    static const char sql[] = "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?"
                              " COLLATE NOCASE";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);
    mastra_status status = MASTRA_OK;

    if (code == SQLITE_OK) {
        code = sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    *ret = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "read the schema of", error);
    }
    sqlite3_finalize(stmt);
    return status;
}

mastra_status sqlite_ensure_table(struct ms_session *session, const struct ms_entity *entity,
                                  uint64_t columns, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    bool exists = false;
    mastra_status status = table_exists(connection, entity->table, &exists, error);

    if (status != MASTRA_OK) {
        return status;
    }
    sqlite_counts_table_changed(&connection->owner->counts);
    return exists ? sqlite_add_columns(connection, entity, columns, error)
                  : sqlite_create_table(connection, entity, error);
}

static mastra_status drop(struct ms_session *session, const char *what, mastra_str name, mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct ms_buf sql;
    mastra_status status;

    ms_buf_init(&sql, connection->owner->heap, 0);
    ms_buf_printf(&sql, "DROP %s IF EXISTS \"%.*s\"", what, (int)name.len, name.ptr);
    status = sqlite_run_text(connection, &sql, "change the schema of", error);
    ms_buf_release(&sql);
    return status;
}

mastra_status sqlite_drop_table(struct ms_session *session, mastra_str table, mastra_error *error)
{
    sqlite_counts_table_changed(&connection_of(session)->owner->counts);
    return drop(session, "TABLE", table, error);
}

mastra_status sqlite_drop_index(struct ms_session *session, mastra_str name, mastra_error *error)
{
    return drop(session, "INDEX", name, error);
}
