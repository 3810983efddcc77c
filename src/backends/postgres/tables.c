/* Tables that callers name: what they are made of, making, widening and dropping them. */
#include "backends/postgres/ddl.h"
#include "base/error.h"

/* Describing. */

struct description {
    struct ms_foreign_column columns[MS_COLUMNS_MOST];
    bool zoned[MS_COLUMNS_MOST]; /* a time that knows its zone */
    uint64_t twins;
    size_t count; /* may be more than there is room for */
    struct ms_arena *arena;
    mastra_str table;
};

/* Name, type, whether null is refused, whether it may be left out, its place in the key. */
static const char describe_text[] =
    "SELECT c.relname::text, a.attname::text, t.typname::text, a.attnotnull,"
    " a.atthasdef OR a.attidentity <> '',"
    " COALESCE(array_position(x.indkey::int2[], a.attnum) + 1, 0)::int4"
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"
    " JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid AND x.indisprimary"
    " WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

static bool is_name(mastra_str text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

static bool is_one_of(mastra_str text, const char *const *names)
{
    for (; *names; names++) {
        if (is_name(text, *names)) {
            return true;
        }
    }
    return false;
}

/* A boolean may be null, which a field of that type cannot tell; as JSON it can. */
static void note_type(struct ms_foreign_column *column, mastra_str type, bool *ret_zoned)
{
    static const char *const integers[] = {"int2", "int4", "int8", NULL};
    static const char *const reals[] = {"float4", "float8", "numeric", NULL};
    static const char *const values[] = {"json", "jsonb", "bool", NULL};
    static const char *const times[] = {"timestamp", "timestamptz", NULL};

    column->flags = MS_LOOSE;
    column->type = MS_TEXT;
    if (is_one_of(type, integers)) {
        column->type = MS_BIGINT;
    } else if (is_one_of(type, reals)) {
        column->type = MS_REAL;
    } else if (is_one_of(type, values)) {
        column->type = MS_JSON;
        column->flags |= MS_VALUE;
    } else if (is_one_of(type, times)) {
        column->type = MS_TIMESTAMP;
        column->flags |= MS_TWINLESS;
    }
    *ret_zoned = is_name(type, "timestamptz");
}

static mastra_status note_row(struct description *description, const PGresult *result, int row,
                              mastra_error *error)
{
    struct ms_foreign_column *column = &description->columns[description->count];
    bool has_default = PQgetvalue(result, row, 4)[0] != 0;

    if (description->count++ >= MS_COLUMNS_MOST) {
        return MASTRA_OK;
    }
    note_type(column, pg_str_at(result, row, 2), &description->zoned[description->count - 1]);
    column->null = PQgetvalue(result, row, 3)[0] ? MS_NOT_NULL : MS_NULL_UNSET;
    column->flags |= has_default ? MS_OPTIONAL : 0;
    column->in_key = (unsigned)pg_int_at(result, row, 5);
    if (column->type == MS_TEXT) {
        column->flags |= column->in_key ? MS_STRICT : MS_CONTENT;
    }
    if (!ms_arena_str(description->arena, pg_str_at(result, row, 0), &description->table) ||
        !ms_arena_str(description->arena, pg_str_at(result, row, 1), &column->name)) {
        return ms_error_oom(error);
    }
    return MASTRA_OK;
}

static mastra_status note_rows(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    (void)index;
    for (int i = 0; i < PQntuples(result) && status == MASTRA_OK; i++) {
        status = note_row(arg, result, i, error);
    }
    return status;
}

static bool is_twin(mastra_str name, mastra_str of)
{
    return name.len == of.len + 1 && name.ptr[of.len] == 'Z' && memcmp(name.ptr, of.ptr, of.len) == 0;
}

/* Times without a zone whose twin is there, too, which is read and written with them. */
static void find_twins(struct description *description)
{
    for (size_t i = 0; i < description->count; i++) {
        struct ms_foreign_column *column = &description->columns[i];

        for (size_t k = 0; k < description->count && !description->zoned[i]; k++) {
            if (column->type == MS_TIMESTAMP && description->zoned[k] &&
                is_twin(description->columns[k].name, column->name)) {
                column->flags &= ~(unsigned)MS_TWINLESS;
                description->twins |= MS_BIT(k);
            }
        }
    }
}

mastra_status pg_describe_table(struct ms_session *base, mastra_str table, struct ms_arena *arena,
                                const struct ms_entity **ret, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct description *description = ms_arena_calloc(arena, sizeof *description);
    const char **values = ms_arena_alloc(arena, 2 * sizeof *values);
    struct ms_entity *entity = NULL;
    mastra_str name;
    struct pg_plan plan;
    mastra_status status;

    *ret = NULL;
    if (!description || !values || !ms_arena_str(arena, table, &name)) {
        return ms_error_oom(error);
    }
    values[0] = session->owner->base.schema;
    values[1] = name.ptr;
    description->arena = arena;
    status = pg_plan_begin(&plan, session, error);
    plan.read = note_rows;
    plan.arg = description;
    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan, describe_text, values, 2, true, error);
    }
    if (status == MASTRA_OK) {
        status = pg_plan_run(&plan, error);
    }
    if (status != MASTRA_OK || description->count == 0) {
        return status;
    }
    if (description->count <= MS_COLUMNS_MOST) {
        find_twins(description);
    }
    status = ms_foreign_entity(arena, description->table, MS_KEY_PRIMARY_TABLE, description->columns,
                               description->count, &entity, error);
    if (status == MASTRA_OK) {
        *ret = ms_foreign_narrow(arena, entity, ms_entity_all(entity) & ~description->twins);
        status = *ret ? MASTRA_OK : ms_error_oom(error);
    }
    return status;
}

/* Changing. */

mastra_status pg_end_transaction(struct pg_session *session, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    if (session->begun) {
        status = pg_execute(session->connection, "COMMIT", error);
        session->begun = false;
    }
    return status;
}

mastra_status pg_change_schema(struct pg_session *session, struct ms_buf *sql, bool apart,
                               mastra_error *error)
{
    struct pg_plan plan;
    mastra_status status;

    if (sql->failed) {
        return ms_error_oom(error);
    }
    status = pg_plan_begin(&plan, session, error);
    if (status == MASTRA_OK && (apart || pg_flavour_of(session)->narrow)) {
        status = pg_end_transaction(session, error);
        return status == MASTRA_OK ? pg_execute(session->connection, sql->ptr, error) : status;
    }
    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan, sql->ptr, NULL, 0, false, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}

static mastra_status run_text(struct pg_session *session, struct ms_buf *sql, mastra_error *error)
{
    mastra_status status = pg_change_schema(session, sql, false, error);

    ms_buf_clear(sql);
    return status;
}

static mastra_status add_column(struct pg_session *session, struct ms_buf *sql,
                                const struct ms_entity *entity, const struct ms_column *column,
                                mastra_error *error)
{
    const char *schema = session->owner->base.schema;
    mastra_status status;

    pg_put_column(sql, pg_flavour_of(session), schema, entity, column);
    status = run_text(session, sql, error);
    if (status != MASTRA_OK || column->type != MS_TIMESTAMP || column->flags & MS_TWINLESS) {
        return status;
    }
    pg_put_twin(sql, schema, entity, column);
    status = run_text(session, sql, error);
    if (status == MASTRA_OK && !pg_flavour_of(session)->narrow) {
        pg_put_twin_default(sql, schema, entity, column);
        status = run_text(session, sql, error);
    }
    return status;
}

static mastra_status create_table(struct pg_session *session, struct ms_buf *sql,
                                  const struct ms_entity *entity, mastra_error *error)
{
    mastra_status status;

    pg_put_table(sql, pg_flavour_of(session), session->owner->base.schema, entity);
    status = run_text(session, sql, error);
    if (status == MASTRA_OK && !pg_flavour_of(session)->narrow &&
        (entity->id == MS_SNAPSHOT || entity->id == MS_SPAN)) {
        pg_put_key(sql, pg_flavour_of(session), session->owner->base.schema, entity);
        status = run_text(session, sql, error);
    }
    return status;
}

mastra_status pg_ensure_table(struct ms_session *base, const struct ms_entity *entity, uint64_t columns,
                              mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct ms_arena *arena = ms_arena_new(session->owner->base.heap, 0);
    const struct ms_entity *present = NULL;
    struct ms_buf sql;
    mastra_status status;

    if (!arena) {
        return ms_error_oom(error);
    }
    ms_buf_init(&sql, session->owner->base.heap, 0);
    status = pg_describe_table(base, mastra_str_of(entity->table), arena, &present, error);
    if (status == MASTRA_OK && !present) {
        status = create_table(session, &sql, entity, error);
        columns = 0;
    }
    for (int i = 0; i < entity->column_count && status == MASTRA_OK; i++) {
        if (columns & MS_BIT(i)) {
            status = add_column(session, &sql, entity, &entity->columns[i], error);
        }
    }
    ms_buf_release(&sql);
    ms_arena_free(arena);
    return status;
}

/* The name is one that needs no care within quotes. */
static mastra_status drop(struct pg_session *session, const char *what, mastra_str name, mastra_error *error)
{
    struct ms_buf sql;
    mastra_status status;

    ms_buf_init(&sql, session->owner->base.heap, 0);
    ms_buf_printf(&sql, "DROP %s IF EXISTS ", what);
    ms_sql_quote(&sql, session->owner->base.schema);
    ms_buf_printf(&sql, ".\"%.*s\"", (int)name.len, name.ptr);
    status = run_text(session, &sql, error);
    ms_buf_release(&sql);
    return status;
}

mastra_status pg_drop_table(struct ms_session *session, mastra_str table, mastra_error *error)
{
    return drop(pg_session_of(session), "TABLE", table, error);
}

mastra_status pg_drop_index(struct ms_session *session, mastra_str name, mastra_error *error)
{
    return drop(pg_session_of(session), "INDEX", name, error);
}
