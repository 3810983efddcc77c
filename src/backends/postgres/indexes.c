/* Indexes that callers name. */
#include "backends/postgres/ddl.h"
#include "base/error.h"
#include "base/json.h"

/* Creating. */

enum taken {
    TAKEN_NOT,
    TAKEN_BY_INDEX,
    TAKEN_BY_RUIN, /* an index that a concurrent build has left unfinished, and that serves nobody */
    TAKEN_BY_OTHER,
};

static mastra_status take_kind(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    (void)index;
    (void)error;
    if (PQntuples(result) == 0) {
        return MASTRA_OK;
    }
    if (PQgetisnull(result, 0, 0)) {
        *(enum taken *)arg = TAKEN_BY_OTHER;
    } else {
        *(enum taken *)arg = PQgetvalue(result, 0, 0)[0] ? TAKEN_BY_INDEX : TAKEN_BY_RUIN;
    }
    return MASTRA_OK;
}

static mastra_status who_has_name(struct pg_session *session, mastra_str name, enum taken *ret,
                                  mastra_error *error)
{
    struct pg_plan plan;
    const char *values[2] = {session->owner->base.schema, NULL};
    mastra_str copy = {NULL, 0};
    mastra_status status = pg_plan_begin(&plan, session, error);

    *ret = TAKEN_NOT;
    plan.read = take_kind;
    plan.arg = ret;
    if (status == MASTRA_OK && !ms_arena_str(plan.arena, name, &copy)) {
        status = ms_error_oom(error);
    }
    values[1] = copy.ptr;
    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan,
                              "SELECT x.indisvalid FROM pg_catalog.pg_class AS c"
                              " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
                              " LEFT JOIN pg_catalog.pg_index AS x ON x.indexrelid = c.oid"
                              " WHERE n.nspname = $1::text AND c.relname = $2::text",
                              values, 2, true, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}

static void add_name(struct ms_buf *sql, mastra_str name)
{
    ms_buf_printf(sql, "\"%.*s\"", (int)name.len, name.ptr);
}

static void add_columns(struct ms_buf *sql, const struct pg_flavour *flavour,
                        const struct ms_index_wish *wish)
{
    for (size_t i = 0; i < wish->column_count; i++) {
        ms_buf_add_text(sql, i == 0 ? " (" : ", ");
        add_name(sql, wish->columns[i]);
        if (flavour->narrow) {
            continue;
        }
        if (wish->opclass.ptr) {
            ms_buf_add_char(sql, ' ');
            add_name(sql, wish->opclass);
        }
        ms_buf_add_text(sql, wish->descending[i] ? " DESC" : "");
    }
    ms_buf_add_char(sql, ')');
}

/* {"fillfactor":70}: names and plain values, which were checked. */
static void add_storage(struct ms_buf *sql, mastra_str storage)
{
    const char *separator = " WITH (";
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    if (!storage.ptr || ms_json_count(storage) == 0) {
        return;
    }
    ms_json_iter_init(&iter, storage);
    while (ms_json_next(&iter, &key, &value)) {
        bool quoted = ms_json_kind(value) == MS_JSON_STRING;

        ms_buf_add_text(sql, separator);
        ms_buf_add(sql, key.ptr + 1, key.len - 2);
        ms_buf_add_text(sql, " = ");
        ms_buf_add(sql, value.ptr + quoted, value.len - 2 * (size_t)quoted);
        separator = ", ";
    }
    ms_buf_add_char(sql, ')');
}

/* The line's end ends a comment in the condition, too. */
static void add_index_text(struct ms_buf *sql, const struct pg_flavour *flavour, const char *schema,
                           const struct ms_index_wish *wish)
{
    ms_buf_add_text(sql, wish->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    ms_buf_add_text(sql, flavour->narrow ? "ASYNC " : wish->concurrent ? "CONCURRENTLY " : "");
    add_name(sql, wish->name);
    ms_buf_add_text(sql, " ON ");
    ms_sql_quote(sql, schema);
    ms_buf_add_char(sql, '.');
    add_name(sql, wish->table);
    if (wish->method.ptr && !flavour->narrow) {
        ms_buf_add_text(sql, " USING ");
        add_name(sql, wish->method);
    }
    add_columns(sql, flavour, wish);
    if (!flavour->narrow) {
        add_storage(sql, wish->storage);
    }
    if (wish->tablespace.ptr && !flavour->narrow) {
        ms_buf_add_text(sql, " TABLESPACE ");
        add_name(sql, wish->tablespace);
    }
    if (wish->where.ptr) {
        ms_buf_add_text(sql, " WHERE (");
        ms_buf_add_str(sql, wish->where);
        ms_buf_add_text(sql, "\n)");
    }
}

static void add_drop_text(struct ms_buf *sql, const char *schema, mastra_str name)
{
    ms_buf_add_text(sql, "DROP INDEX IF EXISTS ");
    ms_sql_quote(sql, schema);
    ms_buf_add_char(sql, '.');
    add_name(sql, name);
}

/* A concurrent build that failed leaves an index behind that serves nobody. After a timeout it is left to the next
 * call: the connection is lost, and the build may go on until the server has heard of it. */
static void drop_invalid(struct pg_session *session, mastra_str name)
{
    mastra_error ignored = MASTRA_ERROR_INIT;
    struct ms_buf sql;

    ms_buf_init(&sql, session->owner->base.heap, 0);
    add_drop_text(&sql, session->owner->base.schema, name);
    if (!sql.failed && !session->connection->lost) {
        pg_execute(session->connection, sql.ptr, &ignored);
    }
    ms_buf_release(&sql);
}

static mastra_status clear_away(struct pg_session *session, mastra_str name, mastra_error *error)
{
    struct ms_buf sql;
    mastra_status status;

    ms_buf_init(&sql, session->owner->base.heap, 0);
    add_drop_text(&sql, session->owner->base.schema, name);
    status = pg_change_schema(session, &sql, false, error);
    ms_buf_release(&sql);
    return status;
}

/* What the server has against the condition is the caller's to know; it complains of nothing else in these classes. */
static mastra_status explain(const struct ms_index_wish *wish, mastra_error *error)
{
    char message[sizeof error->message];
    bool unsupported = error->status == MASTRA_NOT_SUPPORTED;
    bool syntax = strncmp(error->backend, "42", 2) == 0 && error->status == MASTRA_INTERNAL;

    if (!wish->where.ptr && syntax) {
        error->status = MASTRA_INVALID_ARGUMENT;
        return error->status;
    }
    if (!wish->where.ptr || !(syntax || unsupported || error->status == MASTRA_INVALID_ARGUMENT)) {
        return error->status;
    }
    ms_error_copy(message, sizeof message, mastra_str_of(error->message));
    return ms_error_argument(error, "where", wish->where, message);
}

/* A concurrent index is built outside of any transaction. */
static mastra_status build(struct pg_session *session, struct ms_buf *sql, const struct ms_index_wish *wish,
                           bool concurrent, mastra_error *error)
{
    mastra_status status;

    if (!pg_flavour_of(session)->build_index) {
        return pg_change_schema(session, sql, concurrent, error);
    }
    if (sql->failed) {
        return ms_error_oom(error);
    }
    status = pg_end_transaction(session, error);
    return status == MASTRA_OK ? pg_flavour_of(session)->build_index(session, sql, wish, error) : status;
}

mastra_status pg_create_index(struct ms_session *base, const struct ms_index_wish *wish, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    bool concurrent = wish->concurrent && !pg_flavour_of(session)->narrow;
    enum taken taken = TAKEN_NOT;
    struct ms_buf sql;
    mastra_status status = who_has_name(session, wish->name, &taken, error);

    if (status != MASTRA_OK || taken == TAKEN_BY_INDEX) {
        return status;
    }
    if (taken == TAKEN_BY_OTHER) {
        return ms_error_set(error, MASTRA_CONFLICT, "there is a table or view named \"%.*s\"",
                            (int)wish->name.len, wish->name.ptr);
    }
    /* One that is not valid may yet become so where indexes are built asynchronously. */
    if (taken == TAKEN_BY_RUIN && pg_flavour_of(session)->narrow) {
        return MASTRA_OK;
    }
    if (taken == TAKEN_BY_RUIN && clear_away(session, wish->name, error) != MASTRA_OK) {
        return error->status;
    }
    ms_buf_init(&sql, session->owner->base.heap, 0);
    add_index_text(&sql, pg_flavour_of(session), session->owner->base.schema, wish);
    status = build(session, &sql, wish, concurrent, error);
    if (status != MASTRA_OK && concurrent) {
        drop_invalid(session, wish->name);
    }
    ms_buf_release(&sql);
    return status == MASTRA_OK ? status : explain(wish, error);
}

/* Listing. */

enum {
    OUT_NAME,
    OUT_TABLE,
    OUT_UNIQUE,
    OUT_DEFINITION,
    OUT_COLUMNS,
    OUT_SIZE,
    OUT_METHOD,
    OUT_SCANS,
    OUT_READ,
    OUT_FETCHED,
};

#define LIST_WHAT                                                                                            \
    "SELECT i.relname::text, t.relname::text, x.indisunique, pg_get_indexdef(x.indexrelid),"                 \
    " (SELECT COALESCE(json_agg(a.attname ORDER BY k.place), '[]')::text FROM unnest(x.indkey)"              \
    " WITH ORDINALITY AS k (number, place) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid"          \
    " AND a.attnum = k.number WHERE k.place <= x.indnkeyatts),"
#define LIST_FROM                                                                                            \
    " FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid"                   \
    " JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid"                                                   \
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace"                                           \
    " JOIN pg_catalog.pg_am AS m ON m.oid = i.relam"
#define LIST_WHERE                                                                                           \
    " WHERE n.nspname = $1::text AND ($2::text IS NULL OR t.relname = $2::text)"                             \
    " AND ($3::text IS NULL OR i.relname = $3::text)"
#define LIST_ORDER " ORDER BY t.relname, i.relname"

static const char list_text[] = LIST_WHAT
    " pg_size_pretty(pg_relation_size(i.oid)), m.amname::text, COALESCE(s.idx_scan, 0)::int8,"
    " COALESCE(s.idx_tup_read, 0)::int8, COALESCE(s.idx_tup_fetch, 0)::int8" LIST_FROM
    " LEFT JOIN pg_catalog.pg_stat_user_indexes AS s ON s.indexrelid = x.indexrelid" LIST_WHERE LIST_ORDER;

/* What may not be measured is not asked for; the way of access has another name; keys are no indexes there but the tables
 * themselves. */
static const char narrow_list_text[] =
    LIST_WHAT " NULL::text, CASE m.amname WHEN 'btree_index' THEN 'btree' ELSE m.amname::text END,"
              " NULL::int8, NULL::int8, NULL::int8" LIST_FROM LIST_WHERE
              " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS r WHERE r.conindid = "
              "x.indexrelid)" LIST_ORDER;

struct listing {
    struct ms_arena *arena;
    void **items;
    size_t count;
};

static bool read_columns(const PGresult *result, int row, struct ms_arena *arena, mastra_index *index)
{
    struct ms_json_iter iter;
    mastra_str array;
    mastra_str item;

    if (!ms_json_check(pg_str_at(result, row, OUT_COLUMNS), &array, NULL)) {
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

static mastra_index *read_index(const PGresult *result, int row, struct ms_arena *arena)
{
    static const mastra_index blank = MASTRA_INDEX_INIT;
    mastra_index *index = ms_arena_alloc(arena, sizeof *index);

    if (!index) {
        return NULL;
    }
    *index = blank;
    index->unique = PQgetvalue(result, row, OUT_UNIQUE)[0] != 0;
    if (!PQgetisnull(result, row, OUT_SCANS)) {
        index->scans = pg_int_at(result, row, OUT_SCANS);
        index->tuples_read = pg_int_at(result, row, OUT_READ);
        index->tuples_fetched = pg_int_at(result, row, OUT_FETCHED);
    }
    if (!ms_arena_str(arena, pg_str_at(result, row, OUT_NAME), &index->name) ||
        !ms_arena_str(arena, pg_str_at(result, row, OUT_TABLE), &index->table) ||
        !ms_arena_str(arena, pg_str_at(result, row, OUT_DEFINITION), &index->definition) ||
        !ms_arena_str(arena, pg_str_at(result, row, OUT_SIZE), &index->disk_size) ||
        !ms_arena_str(arena, pg_str_at(result, row, OUT_METHOD), &index->method) ||
        !read_columns(result, row, arena, index)) {
        return NULL;
    }
    return index;
}

static mastra_status take_indexes(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    struct listing *listing = arg;
    int rows = PQntuples(result);

    (void)index;
    listing->items = ms_arena_alloc(listing->arena, ((size_t)rows + 1) * sizeof *listing->items);
    for (int i = 0; i < rows && listing->items; i++) {
        listing->items[listing->count] = read_index(result, i, listing->arena);
        if (!listing->items[listing->count++]) {
            return ms_error_oom(error);
        }
    }
    return listing->items ? MASTRA_OK : ms_error_oom(error);
}

mastra_status pg_list_indexes(struct ms_session *base, mastra_str table, mastra_str name,
                              struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct listing listing = {.arena = arena};
    mastra_str table_copy = {NULL, 0};
    mastra_str name_copy = {NULL, 0};
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, session, error);

    plan.read = take_indexes;
    plan.arg = &listing;
    if (status == MASTRA_OK &&
        (!ms_arena_str(arena, table, &table_copy) || !ms_arena_str(arena, name, &name_copy))) {
        status = ms_error_oom(error);
    }
    const char *values[] = {session->owner->base.schema, table_copy.ptr, name_copy.ptr};

    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan, pg_flavour_of(session)->narrow ? narrow_list_text : list_text, values, 3,
                              true, error);
    }
    if (status == MASTRA_OK) {
        status = pg_plan_run(&plan, error);
    }
    ret->items = listing.items;
    ret->count = listing.count;
    return status;
}
