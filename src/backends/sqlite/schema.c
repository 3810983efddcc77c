#include "backends/sqlite/sqlite.h"
#include "base/error.h"

/* What a file has of the catalogue: a bit per column (0: no table) and per index. */
struct inventory {
    uint64_t columns[MS_ENTITY_COUNT];
    uint64_t indexes[MS_ENTITY_COUNT];
};

mastra_str sqlite_column_str(sqlite3_stmt *stmt, int n)
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

/* Whether the names, joined by commas, are the index's columns. */
static bool same_columns(mastra_str names, const struct ms_entity *entity, const struct ms_index *index)
{
    for (int i = 0; i < index->column_count; i++) {
        const char *column = entity->columns[index->columns[i].column].name;
        size_t len = strlen(column);
        bool last = i + 1 == index->column_count;

        if (!names.ptr || names.len < len + !last || memcmp(names.ptr, column, len) != 0 ||
            (!last && names.ptr[len] != ',')) {
            return false;
        }
        names.ptr += len + !last;
        names.len -= len + !last;
    }
    return names.len == 0;
}

/* A spare index is there when any on its columns is. */
static void note_index(struct inventory *inventory, mastra_str table, mastra_str name, mastra_str columns)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        const struct ms_entity *entity = ms_entity(e);

        if (!same(table, entity->table)) {
            continue;
        }
        for (int i = 0; i < entity->index_count; i++) {
            const struct ms_index *index = &entity->indexes[i];

            if (same(name, index->name) || (index->spare && same_columns(columns, entity, index))) {
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
        "SELECT m.name, c.name, NULL, NULL FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c"
        " WHERE m.type = 'table' AND m.name GLOB 'mastra_*'"
        " UNION ALL SELECT tbl_name, NULL, name,"
        " CASE WHEN sql NOT LIKE '% WHERE %' THEN (SELECT group_concat(i.name) FROM"
        " (SELECT name FROM pragma_index_info(sqlite_schema.name) ORDER BY seqno) AS i) END"
        " FROM sqlite_schema WHERE type = 'index' AND tbl_name GLOB 'mastra_*'";
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL);

    memset(inventory, 0, sizeof *inventory);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code != SQLITE_ROW) {
            break;
        }
        mastra_str column = sqlite_column_str(stmt, 1);

        if (column.ptr) {
            note_column(inventory, sqlite_column_str(stmt, 0), column);
        } else {
            note_index(inventory, sqlite_column_str(stmt, 0), sqlite_column_str(stmt, 2),
                       sqlite_column_str(stmt, 3));
        }
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? MASTRA_OK : sqlite_error(connection, code, "read the schema of", error);
}

void sqlite_find_columns(struct connection *connection, int *ret_thread, int *ret_resource)
{
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(
        connection->db, "SELECT cid, name FROM pragma_table_info('mastra_messages')", -1, &stmt, NULL);
    int thread = -1;
    int resource = -1;

    while (code == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        if (same(sqlite_column_str(stmt, 1), entity->columns[MS_MESSAGE_THREAD_ID].name)) {
            thread = sqlite3_column_int(stmt, 0);
        } else if (same(sqlite_column_str(stmt, 1), entity->columns[MS_MESSAGE_RESOURCE_ID].name)) {
            resource = sqlite3_column_int(stmt, 0);
        }
    }
    sqlite3_finalize(stmt);
    *ret_thread = resource < 0 ? -1 : thread;
    *ret_resource = resource;
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

static void add_table_key(struct ms_buf *sql, const struct ms_entity *entity)
{
    bool backwards = entity->key_form == MS_KEY_UNIQUE_BACKWARDS;

    if (entity->key_form == MS_KEY_NONE || entity->key_form == MS_KEY_PRIMARY) {
        return;
    }
    ms_buf_add_text(sql, entity->key_form == MS_KEY_PRIMARY_TABLE ? ",\n  PRIMARY KEY (" : ",\n  UNIQUE (");
    for (size_t i = 0; i < entity->key_count; i++) {
        size_t n = backwards ? entity->key_count - 1 - i : i;

        ms_buf_add_text(sql, i == 0 ? "" : ", ");
        ms_sql_quote(sql, entity->columns[entity->keys[n]].name);
    }
    ms_buf_add_char(sql, ')');
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
    add_table_key(sql, entity);
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
    if (entity->id == MS_FOREIGN ? column->null == MS_NULL : !not_null(entity, column)) {
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

mastra_status sqlite_run_text(struct connection *connection, struct ms_buf *sql, const char *doing,
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

mastra_status sqlite_create_table(struct connection *connection, const struct ms_entity *entity,
                                  mastra_error *error)
{
    struct ms_buf sql;
    mastra_status status;

    ms_buf_init(&sql, connection->owner->heap, 0);
    add_table_text(&sql, entity);
    status = sqlite_run_text(connection, &sql, "create a table in", error);
    ms_buf_release(&sql);
    return status;
}

mastra_status sqlite_add_columns(struct connection *connection, const struct ms_entity *entity,
                                 uint64_t columns, mastra_error *error)
{
    struct ms_buf sql;
    mastra_status status = MASTRA_OK;

    ms_buf_init(&sql, connection->owner->heap, 0);
    for (int i = 0; i < entity->column_count && status == MASTRA_OK; i++) {
        if (columns & MS_BIT(i)) {
            add_column_text(&sql, entity, &entity->columns[i]);
            status = sqlite_run_text(connection, &sql, "add a column in", error);
        }
    }
    ms_buf_release(&sql);
    return status;
}

static mastra_status complete_table(struct connection *connection, const struct ms_entity *entity,
                                    uint64_t present, mastra_error *error)
{
    if (present == 0) {
        return sqlite_create_table(connection, entity, error);
    }
    return sqlite_add_columns(connection, entity, ms_entity_all(entity) & ~present, error);
}

/* The spare indexes that are not wanted beside an index. */
static uint64_t spared_by(const struct ms_entity *entity, const struct ms_index *index)
{
    uint64_t bits = 0;

    for (int i = 0; i < entity->index_count && index->where == MS_INDEX_ALL; i++) {
        const struct ms_index *other = &entity->indexes[i];
        bool same = other->spare && other->column_count == index->column_count;

        for (int k = 0; same && k < index->column_count; k++) {
            same = other->columns[k].column == index->columns[k].column;
        }
        bits |= same ? MS_BIT(i) : 0;
    }
    return bits;
}

/* The spare indexes that are covered by others of the catalogue, there or not. */
static uint64_t covered(const struct ms_entity *entity)
{
    uint64_t bits = 0;

    for (int i = 0; i < entity->index_count; i++) {
        bits |= entity->indexes[i].spare ? 0 : spared_by(entity, &entity->indexes[i]);
    }
    return bits;
}

mastra_status sqlite_tell_missing(struct connection *connection, ms_fault_fn tell, void *arg,
                                  mastra_error *error)
{
    struct inventory inventory;
    mastra_status status = take_inventory(connection, &inventory, error);
    bool room = true;

    for (int e = 0; status == MASTRA_OK && room && e < MS_ENTITY_COUNT; e++) {
        const struct ms_entity *entity = ms_entity(e);
        uint64_t indexes = inventory.indexes[e] | covered(entity);

        if (inventory.columns[e] == 0) {
            room = tell(arg, MS_FAULT_TABLE, entity->table, mastra_str_of(entity->table));
            continue;
        }
        for (int i = 0; room && i < entity->column_count; i++) {
            if (!(inventory.columns[e] & MS_BIT(i))) {
                room = tell(arg, MS_FAULT_COLUMN, entity->table, mastra_str_of(entity->columns[i].name));
            }
        }
        for (int i = 0; room && i < entity->index_count; i++) {
            if (!(indexes & MS_BIT(i))) {
                room = tell(arg, MS_FAULT_INDEX, entity->table, mastra_str_of(entity->indexes[i].name));
            }
        }
    }
    return room ? status : ms_error_oom(error);
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
        status = sqlite_run_text(connection, sql, "create an index in", error);
        if (status == MASTRA_CONFLICT) {
            ms_log_write(connection->owner->log, MASTRA_LOG_WARNING, "index %s: %s", entity->indexes[i].name,
                         error->message);
            status = MASTRA_OK;
        } else if (status == MASTRA_OK) {
            present |= spared_by(entity, &entity->indexes[i]);
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

        status = complete_table(connection, entity, inventory.columns[e], error);
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
    mastra_status status;

    sqlite_counts_use(&writer->owner->counts);
    /* Whoever used it last may not have been allowed to wait. */
    writer->mode = MS_SESSION_READ;
    status = sqlite_make_ready(writer, error);
    if (status == MASTRA_OK) {
        status = take_inventory(writer, &inventory, error);
    }
    sqlite_counts_dropped(&writer->owner->counts);
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
