/* SQL as PostgreSQL speaks it. */
#include "backends/postgres/dialect.h"

/* What PostgreSQL itself can do and its relations need not be able to. */
#define PG_DIALECT_OWN                                                                                       \
    .row_id = "ctid", .row_place = "tableoid, ctid", .bytewise = " COLLATE \"C\"", .lock = " FOR UPDATE",    \
    .lock_list = " FOR UPDATE", .returning = true

void pg_sql_placeholder(struct ms_buf *out, size_t n)
{
    ms_buf_add_char(out, '$');
    ms_buf_add_int(out, (int64_t)n);
}

/* The twin tells the instant; where it is null, the column was written by somebody who does not know it. */
static void instant(struct ms_buf *out, const struct ms_column *column)
{
    ms_buf_add_text(out, "COALESCE(");
    ms_sql_quote_twin(out, column->name);
    ms_buf_add_text(out, ", ");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " AT TIME ZONE 'UTC')");
}

/* A twin has a default: of a time that was left out it says nothing. */
static void instant_or_null(struct ms_buf *out, const struct ms_column *column)
{
    bool may_be_null = column->null == MS_NULL || (column->null == MS_NULL_UNSET && column->flags & MS_LOOSE);

    if (!may_be_null) {
        instant(out, column);
        return;
    }
    ms_buf_add_text(out, "CASE WHEN ");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " IS NOT NULL THEN ");
    instant(out, column);
    ms_buf_add_text(out, " END");
}

/* The index of pages is on this very expression, see ddl.c. */
void pg_sql_time(struct ms_buf *out, const struct ms_column *column)
{
    if (column->flags & (MS_TWINLESS | MS_STEADY)) {
        ms_sql_quote(out, column->name);
    } else {
        instant_or_null(out, column);
    }
}

static void read_time(struct ms_buf *out, const struct ms_column *column)
{
    if (column->flags & MS_TWINLESS) {
        ms_sql_quote(out, column->name);
        ms_buf_add_text(out, column->flags & MS_LOOSE ? "::timestamptz" : "");
    } else {
        instant_or_null(out, column);
    }
}

/* Columns of tables that are not ours may be of any type that comes near. */
static const char *cast_of(const struct ms_column *column)
{
    if (!(column->flags & MS_LOOSE)) {
        return "";
    }
    switch (column->type) {
    case MS_INTEGER:
    case MS_BIGINT:
        return "::int8";
    case MS_REAL:
        return "::float8";
    case MS_JSON:
    case MS_TEXT:
        return "::text";
    default:
        return "";
    }
}

void pg_sql_read(struct ms_buf *out, const struct ms_column *column)
{
    if (column->type == MS_TIMESTAMP) {
        read_time(out, column);
        return;
    }
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, cast_of(column));
}

void pg_sql_any_of(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " = ANY(");
    pg_sql_placeholder(out, n);
    ms_buf_add_char(out, ')');
}

/* Conditions on JSON. What is said of jsonb is exact; of text, which may be no JSON at all, only what it costs nothing to
 * say: pg_rows_filter looks at the rest. */

static void put_name(struct ms_buf *out, const char *name, size_t len)
{
    ms_buf_add_char(out, '\'');
    ms_buf_add(out, name, len);
    ms_buf_add_char(out, '\'');
}

/* A member name that is not spelled out in a JSON text must be spelled with escapes. */
static void mentions(struct ms_buf *out, const struct ms_column *column, const char *name)
{
    ms_buf_add_text(out, "(strpos(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, ", ");
    put_name(out, name, strlen(name));
    ms_buf_add_text(out, ") > 0 OR strpos(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, ", '\\u') > 0)");
}

/* The object itself, or its member. */
static void put_object(struct ms_buf *out, const struct ms_column *column, const char *member)
{
    ms_sql_quote(out, column->name);
    if (member) {
        ms_buf_add_text(out, " -> ");
        put_name(out, member, strlen(member));
    }
}

static void put_json(struct ms_buf *out, size_t n)
{
    pg_sql_placeholder(out, n);
    ms_buf_add_text(out, "::jsonb");
}

/* The parameter has to be used. */
static void any_text(struct ms_buf *out, size_t n)
{
    pg_sql_placeholder(out, n);
    ms_buf_add_text(out, "::text IS NOT NULL");
}

void pg_sql_has_text(struct ms_buf *out, const struct ms_column *column, const char *member, size_t n)
{
    if (member) {
        mentions(out, column, member);
        ms_buf_add_text(out, " AND ");
    }
    any_text(out, n);
}

void pg_sql_contains_text(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    (void)column;
    any_text(out, n);
}

void pg_sql_at_text(struct ms_buf *out, const struct ms_column *column, const char *path, size_t n)
{
    (void)column;
    (void)path;
    any_text(out, n);
}

/* Containment follows from equality, and an index may know it. */
static void has(struct ms_buf *out, const struct ms_column *column, const char *member, size_t n)
{
    if (column->type != MS_JSON) {
        pg_sql_has_text(out, column, member, n);
        return;
    }
    put_object(out, column, member);
    ms_buf_add_text(out, " @> ");
    put_json(out, n);
    ms_buf_add_text(out, " AND CASE WHEN jsonb_typeof(");
    put_object(out, column, member);
    ms_buf_add_text(out, ") = 'object' THEN NOT EXISTS (SELECT 1 FROM jsonb_each(");
    put_json(out, n);
    ms_buf_add_text(out, ") AS wanted WHERE (");
    put_object(out, column, member);
    ms_buf_add_text(out, ") -> wanted.key IS DISTINCT FROM wanted.value) ELSE false END");
}

static void contains(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " @> ");
    put_json(out, n);
    ms_buf_add_text(out, " AND CASE WHEN jsonb_typeof(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, ") = 'array' THEN NOT EXISTS (SELECT 1 FROM jsonb_array_elements(");
    put_json(out, n);
    ms_buf_add_text(out, ") AS wanted WHERE wanted.value NOT IN (SELECT jsonb_array_elements(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, "))) ELSE false END");
}

/* One alternative of a path: ".a.b" or ".a.*name=text.b", see store/query.h. */
struct path {
    const char *at;
    const char *end;
};

static bool next_segment(struct path *path, const char **name, size_t *len)
{
    if (path->at == path->end) {
        return false;
    }
    *name = path->at + 1;
    *len = strcspn(*name, ".|");
    path->at = *name + *len;
    return true;
}

static void put_text_at(struct ms_buf *out, size_t n)
{
    ms_buf_add_text(out, " = to_jsonb(");
    pg_sql_placeholder(out, n);
    ms_buf_add_text(out, "::text)");
}

/* Behind an expression: the segments up to the next "*", whose text is returned, or the end. */
static const char *put_segments(struct ms_buf *out, struct path *path, size_t *star_len)
{
    const char *name;
    size_t len;

    while (next_segment(path, &name, &len)) {
        if (name[0] == '*') {
            *star_len = len;
            return name;
        }
        ms_buf_add_text(out, " -> ");
        put_name(out, name, len);
    }
    return NULL;
}

/* Members of an object that the expression in `out` from `from` on yields, one of which must lead on. */
static void put_any_member(struct ms_buf *out, size_t from, struct path *path, const char *star, size_t len,
                           size_t n)
{
    const char *equals = memchr(star, '=', len);
    struct ms_buf object;
    size_t star_len = 0;

    if (out->failed) {
        return;
    }
    ms_buf_init(&object, out->heap, 0);
    ms_buf_add(&object, out->ptr + from, out->len - from);
    ms_buf_cut(out, from);
    ms_buf_add_text(out, "CASE WHEN jsonb_typeof(");
    ms_buf_add_str(out, ms_buf_view(&object));
    ms_buf_add_text(out, ") = 'object' THEN EXISTS (SELECT 1 FROM jsonb_each(");
    ms_buf_add_str(out, ms_buf_view(&object));
    ms_buf_add_text(out, ") AS member WHERE ");
    if (equals) {
        ms_buf_add_text(out, "member.value -> ");
        put_name(out, star + 1, (size_t)(equals - star) - 1);
        ms_buf_add_text(out, " = to_jsonb(");
        put_name(out, equals + 1, len - (size_t)(equals + 1 - star));
        ms_buf_add_text(out, "::text) AND ");
    }
    ms_buf_add_text(out, "member.value");
    put_segments(out, path, &star_len);
    put_text_at(out, n);
    ms_buf_add_text(out, ") ELSE false END");
    if (object.failed && !out->failed) {
        out->failed = object.failed;
    }
    ms_buf_release(&object);
}

/* A text that the peer's index on the expression knows, where it is that of a plain member. */
static void put_hint(struct ms_buf *out, const struct ms_column *column, struct path path, size_t n)
{
    const char *name = NULL;
    size_t len = 0;

    if (next_segment(&path, &name, &len) && path.at == path.end && name[0] != '*') {
        ms_sql_quote(out, column->name);
        ms_buf_add_text(out, " ->> ");
        put_name(out, name, len);
        ms_buf_add_text(out, " = ");
        pg_sql_placeholder(out, n);
        ms_buf_add_text(out, "::text AND ");
    }
}

static void at(struct ms_buf *out, const struct ms_column *column, const char *text, size_t n)
{
    ms_buf_add_char(out, '(');
    for (;;) {
        struct path path = {text, text + strcspn(text, "|")};
        const char *star;
        size_t star_len = 0;
        size_t from;

        put_hint(out, column, path, n);
        from = out->len;
        ms_sql_quote(out, column->name);
        star = put_segments(out, &path, &star_len);
        if (star) {
            put_any_member(out, from, &path, star, star_len, n);
        } else {
            put_text_at(out, n);
        }
        if (path.at[0] != '|') {
            break;
        }
        text = path.at + 1;
        ms_buf_add_text(out, " OR ");
    }
    ms_buf_add_char(out, ')');
}

void pg_sql_member(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    ms_buf_add_text(out, "COALESCE(jsonb_typeof(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, "::jsonb -> ");
    pg_sql_placeholder(out, n);
    ms_buf_add_text(out, "::text) <> 'null', false)");
}

void pg_sql_prefix(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    ms_buf_add_text(out, "starts_with(");
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, ", ");
    pg_sql_placeholder(out, n);
    ms_buf_add_char(out, ')');
}

/* In the collation of the column, in which its index and lists in its order are sorted. */
void pg_sql_above(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    ms_sql_quote(out, column->name);
    ms_buf_add_text(out, " > ");
    pg_sql_placeholder(out, n);
}

static const char *array_type(const struct ms_column *column)
{
    switch (column->type) {
    case MS_TEXT:
        return "::text[]";
    case MS_JSON:
        return "::jsonb[]";
    case MS_INTEGER:
        return "::int4[]";
    case MS_BIGINT:
        return "::int8[]";
    case MS_REAL:
        return "::float8[]";
    case MS_BOOLEAN:
        return "::bool[]";
    case MS_TIMESTAMP:
        break;
    }
    return "::timestamptz[]";
}

void pg_sql_array(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    pg_sql_placeholder(out, n);
    ms_buf_add_text(out, column ? array_type(column) : "::int8[]");
}

/* A standby's snapshots do not name the transactions that are under way. */
#define SNAPSHOT "CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_snapshot()::text END"

const struct ms_dialect pg_dialect = {PG_DIALECT_COMMON,    PG_DIALECT_OWN, .array = pg_sql_array, .has = has,
                                      .contains = contains, .at = at,       .snapshot = SNAPSHOT};
const struct ms_dialect pg_text_dialect = {PG_DIALECT_COMMON, PG_DIALECT_OWN, .array = pg_sql_array,
                                           PG_DIALECT_TEXT};
