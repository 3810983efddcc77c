#include "backends/sqlite/sqlite.h"
#include "base/error.h"

/* What a file has of the catalogue: a bit per column (0: no table) and per index. */
struct inventory {
    uint64_t columns[MS_ENTITY_COUNT];
    uint64_t indexes[MS_ENTITY_COUNT];
};

static mastra_str column_str(sqlite3_stmt *stmt, int n)
{
    mastra_str text = {(const char *)sqlite3_column_text(stmt, n), 0};

    text.len = text.ptr ? (size_t)sqlite3_column_bytes(stmt, n) : 0;
    return text;
}

static bool same(mastra_str text, const char *name)
{
    return text.ptr && text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

static void note_column(struct inventory *inventory, mastra_str table, mastra_str column)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        const struct ms_entity *entity = ms_entity(e);

        if (!same(table, entity->table)) {
            continue;
        }
        for (int i = 0; i < entity->column_count; i++) {
            if (same(column, entity->columns[i].name)) {
                inventory->columns[e] |= MS_BIT(i);
            }
        }
    }
}

static void note_index(struct inventory *inventory, mastra_str name)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        const struct ms_entity *entity = ms_entity(e);

        for (int i = 0; i < entity->index_count; i++) {
            if (same(name, entity->indexes[i].name)) {
                inventory->indexes[e] |= MS_BIT(i);
            }
        }
    }
}

/* One statement, whatever the file holds: a file that is current costs no more. */
static mastra_status take_inventory(struct connection *connection, struct inventory *inventory,
                                    mastra_error *error)
{
    static const char sql[] =
        "SELECT m.name, c.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND m.name GLOB 'mastra_*'"
        " UNION ALL SELECT name, NULL FROM sqlite_schema WHERE type = 'index'";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);

    memset(inventory, 0, sizeof *inventory);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code != SQLITE_ROW) {
            break;
        }
        mastra_str column = column_str(stmt, 1);

        if (column.ptr) {
            note_column(inventory, column_str(stmt, 0), column);
        } else {
            note_index(inventory, column_str(stmt, 0));
        }
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? MASTRA_OK : sqlite_error(connection, code, "read the schema of", error);
}

static bool complete(const struct inventory *inventory)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        const struct ms_entity *entity = ms_entity(e);
        uint64_t all_indexes = MS_BIT(entity->index_count) - 1;

        if (inventory->columns[e] != ms_entity_all(entity) || inventory->indexes[e] != all_indexes) {
            return false;
        }
    }
    return true;
}

/* Declared types as the peers declare them; those of 0.x differ from those of 1.x. */
static const char *declared_type(const struct ms_entity *entity, const struct ms_column *column)
{
    switch (column->type) {
    case MS_INTEGER:
    case MS_BOOLEAN:
        return "INTEGER";
    case MS_BIGINT:
        return entity->legacy ? "BIGINT" : "INTEGER";
    case MS_REAL:
        return "REAL";
    case MS_JSON:
        return entity->legacy ? "JSONB" : "TEXT";
    default:
        return "TEXT";
    }
}

static bool not_null(const struct ms_entity *entity, const struct ms_column *column)
{
    return column->null == MS_NOT_NULL || (column->null == MS_NULL_UNSET && entity->legacy);
}

static void add_table_text(struct ms_buf *sql, const struct ms_entity *entity)
{
    ms_buf_add_text(sql, "CREATE TABLE IF NOT EXISTS ");
    ms_sql_quote(sql, entity->table);
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        ms_buf_add_text(sql, i == 0 ? " (\n  " : ",\n  ");
        ms_sql_quote(sql, column->name);
        ms_buf_add_char(sql, ' ');
        ms_buf_add_text(sql, declared_type(entity, column));
        ms_buf_add_text(sql, not_null(entity, column) ? " NOT NULL" : "");
        if (entity->key_form == MS_KEY_PRIMARY && column->flags & MS_KEY) {
            ms_buf_add_text(sql, " PRIMARY KEY");
        }
    }
    for (size_t i = 0; entity->key_form == MS_KEY_UNIQUE && i < entity->key_count; i++) {
        ms_buf_add_text(sql, i == 0 ? ",\n  UNIQUE (" : ", ");
        ms_sql_quote(sql, entity->columns[entity->keys[i]].name);
        ms_buf_add_text(sql, i + 1 == entity->key_count ? ")" : "");
    }
    ms_buf_add_text(sql, "\n)");
}

/* A column that rows exist without must take NULL or a default. */
static void add_column_text(struct ms_buf *sql, const struct ms_entity *entity,
                            const struct ms_column *column)
{
    ms_buf_add_text(sql, "ALTER TABLE ");
    ms_sql_quote(sql, entity->table);
    ms_buf_add_text(sql, " ADD COLUMN ");
    ms_sql_quote(sql, column->name);
    ms_buf_add_char(sql, ' ');
    ms_buf_add_text(sql, declared_type(entity, column));
    if (!not_null(entity, column)) {
        ms_buf_add_text(sql, " DEFAULT NULL");
        return;
    }
    switch (column->type) {
    case MS_TEXT:
        ms_buf_add_text(sql, " DEFAULT ''");
        break;
    case MS_JSON:
        ms_buf_add_text(sql, " DEFAULT '{}'");
        break;
    case MS_TIMESTAMP:
        ms_buf_add_text(sql, " DEFAULT '1970-01-01T00:00:00.000Z'");
        break;
    default:
        ms_buf_add_text(sql, " DEFAULT 0");
        break;
    }
}

static void add_index_text(struct ms_buf *sql, const struct ms_entity *entity, const struct ms_index *index)
{
    ms_buf_add_text(sql,
                    index->unique ? "CREATE UNIQUE INDEX IF NOT EXISTS " : "CREATE INDEX IF NOT EXISTS ");
    ms_sql_quote(sql, index->name);
    ms_buf_add_text(sql, " ON ");
    ms_sql_quote(sql, entity->table);
    for (int i = 0; i < index->column_count; i++) {
        ms_buf_add_text(sql, i == 0 ? " (" : ", ");
        ms_sql_quote(sql, entity->columns[index->columns[i].column].name);
        ms_buf_add_text(sql, index->columns[i].descending ? " DESC" : "");
    }
    ms_buf_add_text(sql, index->where == MS_INDEX_ROOTS ? ") WHERE \"parentSpanId\" IS NULL" : ")");
}

static mastra_status run(struct connection *connection, struct ms_buf *sql, const char *doing,
                         mastra_error *error)
{
    int code;

    if (sql->failed) {
        return ms_error_oom(error);
    }
    code = sqlite3_exec(connection->db, sql->ptr, NULL, NULL, NULL);
    ms_buf_clear(sql);
    return code == SQLITE_OK ? MASTRA_OK : sqlite_error(connection, code, doing, error);
}

static mastra_status complete_table(struct connection *connection, struct ms_buf *sql,
                                    const struct ms_entity *entity, uint64_t present, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    if (present == 0) {
        add_table_text(sql, entity);
        return run(connection, sql, "create a table in", error);
    }
    for (int i = 0; i < entity->column_count && status == MASTRA_OK; i++) {
        if (!(present & MS_BIT(i))) {
            add_column_text(sql, entity, &entity->columns[i]);
            status = run(connection, sql, "add a column in", error);
        }
    }
    return status;
}

/* An index that cannot be built (a unique one over rows that are not) leaves the store usable: the peers go on, too. */
static mastra_status complete_indexes(struct connection *connection, struct ms_buf *sql,
                                      const struct ms_entity *entity, uint64_t present, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (int i = 0; i < entity->index_count && status == MASTRA_OK; i++) {
        if (present & MS_BIT(i)) {
            continue;
        }
        add_index_text(sql, entity, &entity->indexes[i]);
        status = run(connection, sql, "create an index in", error);
        if (status == MASTRA_CONFLICT) {
            ms_log_write(connection->owner->log, MASTRA_LOG_WARNING, "index %s: %s", entity->indexes[i].name,
                         error->message);
            status = MASTRA_OK;
        }
    }
    return status;
}

/* Inside a write transaction: whoever was first has done it. */
static mastra_status complete_schema(struct connection *connection, mastra_error *error)
{
    struct inventory inventory;
    struct ms_buf sql;
    mastra_status status = take_inventory(connection, &inventory, error);

    ms_buf_init(&sql, connection->owner->heap, 0);
    for (int e = 0; e < MS_ENTITY_COUNT && status == MASTRA_OK; e++) {
        const struct ms_entity *entity = ms_entity(e);

        status = complete_table(connection, &sql, entity, inventory.columns[e], error);
        if (status == MASTRA_OK) {
            status = complete_indexes(connection, &sql, entity, inventory.indexes[e], error);
        }
    }
    ms_buf_release(&sql);
    return status;
}

mastra_status sqlite_ensure_schema(struct ms_backend *base, mastra_error *error)
{
    const struct ms_backend_ops *ops = base->ops;
    struct connection *writer = ((struct sqlite_backend *)base)->writer;
    struct inventory inventory;
    struct ms_session *session = NULL;
    mastra_status status = take_inventory(writer, &inventory, error);

    if (status != MASTRA_OK || complete(&inventory)) {
        return status;
    }
    status = ops->begin(base, MS_SESSION_WRITE, &session, error);
    if (status != MASTRA_OK) {
        return status;
    }
    status = complete_schema(writer, error);
    if (status != MASTRA_OK) {
        ops->rollback(session);
        return status;
    }
    return ops->commit(session, error);
}
