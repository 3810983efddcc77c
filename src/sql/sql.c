#include "sql/walk.h"

#include <assert.h>
#include <math.h>

void ms_sql_begin(struct ms_sql *sql, const struct ms_dialect *dialect, const char *schema,
                  struct ms_buf *out)
{
    sql->dialect = dialect;
    sql->schema = schema;
    sql->out = out;
    sql->shape_len = 0;
    sql->bind_count = 0;
    sql->rows = 0;
    sql->uncached = false;
}

/* All but the last quote. */
static void quote_open(struct ms_buf *out, const char *name)
{
    ms_buf_add_char(out, '"');
    for (const char *quote; (quote = strchr(name, '"')) != NULL; name = quote + 1) {
        ms_buf_add(out, name, (size_t)(quote - name));
        ms_buf_add_text(out, "\"\"");
    }
    ms_buf_add_text(out, name);
}

void ms_sql_quote(struct ms_buf *out, const char *name)
{
    quote_open(out, name);
    ms_buf_add_char(out, '"');
}

void ms_sql_quote_twin(struct ms_buf *out, const char *name)
{
    quote_open(out, name);
    ms_buf_add_text(out, "Z\"");
}

/* The walk's three outputs. */

void walk_shape(struct ms_sql *sql, unsigned value)
{
    assert(sql->shape_len < MS_SQL_SHAPE);
    sql->shape[sql->shape_len++] = (unsigned char)value;
}

/* Which columns a table of someone else's has is in no shape. */
void walk_shape_entity(struct ms_sql *sql, const struct ms_entity *entity)
{
    walk_shape(sql, entity->id);
    sql->uncached = sql->uncached || entity->id == MS_FOREIGN;
}

void walk_shape_bits(struct ms_sql *sql, uint64_t bits)
{
    assert(sql->shape_len + sizeof bits <= MS_SQL_SHAPE);
    memcpy(sql->shape + sql->shape_len, &bits, sizeof bits);
    sql->shape_len += sizeof bits;
}

void walk_text(struct ms_sql *sql, const char *fragment)
{
    if (sql->out) {
        ms_buf_add_text(sql->out, fragment);
    }
}

void walk_name(struct ms_sql *sql, const char *identifier)
{
    if (sql->out) {
        ms_sql_quote(sql->out, identifier);
    }
}

void walk_table(struct ms_sql *sql, const struct ms_entity *entity)
{
    if (sql->schema) {
        walk_name(sql, sql->schema);
        walk_text(sql, ".");
    }
    walk_name(sql, entity->table);
}

/* Names that are constants of the program: their address tells which. */
static void shape_constant(struct ms_sql *sql, const char *constant)
{
    walk_shape_bits(sql, (uint64_t)(uintptr_t)constant);
}

/* A time's second column, when it has one. */
bool walk_has_twin(const struct ms_sql *sql, const struct ms_column *column)
{
    return sql->dialect->twins && column->type == MS_TIMESTAMP && !(column->flags & MS_TWINLESS);
}

void walk_twin_name(struct ms_sql *sql, const struct ms_column *column)
{
    if (sql->out) {
        ms_sql_quote_twin(sql->out, column->name);
    }
}

void walk_time(struct ms_sql *sql, const struct ms_column *column)
{
    if (column->type != MS_TIMESTAMP || !sql->dialect->time) {
        walk_name(sql, column->name);
    } else if (sql->out) {
        sql->dialect->time(sql->out, column);
    }
}

struct ms_bind *walk_bind(struct ms_sql *sql, enum ms_bind_kind kind)
{
    assert(sql->bind_count < MS_SQL_BINDS);
    struct ms_bind *slot = &sql->binds[sql->bind_count++];

    slot->kind = kind;
    slot->column = NULL;
    return slot;
}

static void placeholder(struct ms_sql *sql)
{
    if (sql->out) {
        sql->dialect->placeholder(sql->out, sql->bind_count);
    }
}

static void bind_text(struct ms_sql *sql, mastra_str value)
{
    walk_bind(sql, value.ptr ? MS_BIND_TEXT : MS_BIND_NULL)->text = value;
    placeholder(sql);
}

/* The text that a column is compared with. */
static void bind_text_for(struct ms_sql *sql, const struct ms_column *column, mastra_str value)
{
    bind_text(sql, value);
    sql->binds[sql->bind_count - 1].column = column;
}

void walk_bind_time(struct ms_sql *sql, mastra_time value)
{
    walk_bind(sql, value == MASTRA_TIME_NONE ? MS_BIND_NULL : MS_BIND_TIME)->integer = value;
    placeholder(sql);
}

void walk_bind_integer(struct ms_sql *sql, int64_t value)
{
    walk_bind(sql, MS_BIND_INTEGER)->integer = value;
    placeholder(sql);
}

static void bind_number(struct ms_sql *sql, int64_t value)
{
    walk_bind(sql, value == MASTRA_INTEGER_NONE ? MS_BIND_NULL : MS_BIND_INTEGER)->integer = value;
    placeholder(sql);
}

static void bind_real(struct ms_sql *sql, double value)
{
    walk_bind(sql, isnan(value) ? MS_BIND_NULL : MS_BIND_REAL)->real = value;
    placeholder(sql);
}

static void bind_json(struct ms_sql *sql, mastra_str value)
{
    walk_bind(sql, value.ptr ? MS_BIND_JSON : MS_BIND_NULL)->text = value;
    placeholder(sql);
}

void walk_bind_field(struct ms_sql *sql, const struct ms_column *column, const void *record)
{
    const void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TIMESTAMP:
        walk_bind_time(sql, *(const mastra_time *)field);
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        bind_number(sql, *(const int64_t *)field);
        break;
    case MS_REAL:
        bind_real(sql, *(const double *)field);
        break;
    case MS_BOOLEAN:
        walk_bind(sql, MS_BIND_BOOLEAN)->integer = *(const bool *)field;
        placeholder(sql);
        break;
    case MS_TEXT:
        bind_text(sql, *(const mastra_str *)field);
        break;
    case MS_JSON:
        bind_json(sql, *(const mastra_str *)field);
        break;
    }
    sql->binds[sql->bind_count - 1].column = column;
}

/* Conditions. */

void walk_key_condition(struct ms_sql *sql, const struct ms_entity *entity, const mastra_str *key)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        walk_text(sql, i == 0 ? " WHERE " : " AND ");
        walk_name(sql, entity->columns[entity->keys[i]].name);
        walk_text(sql, " = ");
        bind_text_for(sql, &entity->columns[entity->keys[i]], key[i]);
    }
}

static const char *operator_of(enum ms_compare compare)
{
    switch (compare) {
    case MS_EQUAL:
    case MS_NUMBER:
        return " = ";
    case MS_AT_LEAST:
        return " >= ";
    case MS_AFTER:
    case MS_MORE:
        return " > ";
    case MS_AT_MOST:
        return " <= ";
    case MS_NULL_VALUE:
        return " IS NULL";
    case MS_ANY_VALUE:
        return " IS NOT NULL";
    default:
        return " < ";
    }
}

static void time_comparison(struct ms_sql *sql, const struct ms_column *column,
                            const struct ms_predicate *predicate)
{
    enum ms_compare compare = predicate->compare;
    mastra_time time = predicate->time;

    /* All of a millisecond is that millisecond. */
    if (sql->dialect->fine_times && (compare == MS_AT_MOST || compare == MS_AFTER)) {
        compare = compare == MS_AT_MOST ? MS_BEFORE : MS_AT_LEAST;
        time++;
    }
    walk_time(sql, column);
    walk_text(sql, operator_of(compare));
    walk_bind_time(sql, time);
}

/* column, operator and value. */
static void comparison(struct ms_sql *sql, const struct ms_column *column,
                       const struct ms_predicate *predicate)
{
    bool asks_null = predicate->compare == MS_NULL_VALUE || predicate->compare == MS_ANY_VALUE;

    if (!asks_null && predicate->compare != MS_EQUAL && predicate->compare != MS_NUMBER &&
        predicate->compare != MS_MORE) {
        time_comparison(sql, column, predicate);
        return;
    }
    walk_name(sql, column->name);
    walk_text(sql, operator_of(predicate->compare));
    if (predicate->compare == MS_EQUAL) {
        bind_text_for(sql, column, predicate->text);
    } else if (predicate->compare == MS_NUMBER || predicate->compare == MS_MORE) {
        walk_bind_integer(sql, predicate->number);
    }
}

static void any_of(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    walk_shape(sql, predicate->set_count > 0);
    if (predicate->set_count == 0) {
        walk_text(sql, "1 = 0");
        return;
    }
    struct ms_bind *slot = walk_bind(sql, MS_BIND_SET);

    slot->set = predicate->set;
    slot->set_count = predicate->set_count;
    if (sql->out) {
        sql->dialect->any_of(sql->out, column, sql->bind_count);
    }
}

static void has(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    mastra_str member = mastra_str_of(predicate->member);

    if (sql->dialect->inline_names) {
        shape_constant(sql, predicate->member);
    } else {
        walk_bind(sql, member.ptr ? MS_BIND_TEXT : MS_BIND_NULL)->text = member;
    }
    walk_bind(sql, MS_BIND_JSON)->text = predicate->text;
    if (sql->out) {
        sql->dialect->has(sql->out, column, predicate->member, sql->bind_count - !sql->dialect->inline_names);
    }
}

static void contains(struct ms_sql *sql, const struct ms_column *column, mastra_str array)
{
    walk_bind(sql, MS_BIND_JSON)->text = array;
    if (sql->out) {
        sql->dialect->contains(sql->out, column, sql->bind_count);
    }
}

static void prefix(struct ms_sql *sql, const struct ms_column *column, mastra_str beginning)
{
    walk_bind(sql, MS_BIND_TEXT)->text = beginning;
    sql->binds[sql->bind_count - 1].column = column;
    if (sql->out) {
        sql->dialect->prefix(sql->out, column, sql->bind_count);
    }
}

static void above(struct ms_sql *sql, const struct ms_column *column, mastra_str limit)
{
    walk_bind(sql, MS_BIND_TEXT)->text = limit;
    sql->binds[sql->bind_count - 1].column = column;
    if (sql->out) {
        sql->dialect->above(sql->out, column, sql->bind_count);
    }
}

static void at(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    if (sql->dialect->inline_names) {
        shape_constant(sql, predicate->path);
    } else {
        walk_bind(sql, MS_BIND_TEXT)->text = mastra_str_of(predicate->path);
    }
    walk_bind(sql, MS_BIND_TEXT)->text = predicate->text;
    if (sql->out) {
        sql->dialect->at(sql->out, column, predicate->path, sql->bind_count - !sql->dialect->inline_names);
    }
}

static void member(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    walk_text(sql, predicate->compare == MS_NO_MEMBER ? "NOT " : "");
    walk_bind(sql, MS_BIND_TEXT)->text = predicate->text;
    if (sql->out) {
        sql->dialect->member(sql->out, column, sql->bind_count);
    }
}

/* By a set of values, computed once, not by a subquery for each row. */
static void related(struct ms_sql *sql, const struct ms_entity *entity, const struct ms_predicate *predicate)
{
    const struct ms_column *column = &entity->columns[predicate->column];
    const struct ms_predicate *inner = predicate->related;

    walk_shape(sql, inner->compare);
    walk_shape(sql, inner->column);
    walk_name(sql, column->name);
    walk_text(sql, predicate->compare == MS_RELATED ? " IN (SELECT " : " NOT IN (SELECT ");
    walk_name(sql, column->name);
    walk_text(sql, " FROM ");
    walk_table(sql, entity);
    walk_text(sql, " WHERE ");
    comparison(sql, &entity->columns[inner->column], inner);
    walk_text(sql, ")");
}

static void condition(struct ms_sql *sql, const struct ms_entity *entity,
                      const struct ms_predicate *predicate)
{
    const struct ms_column *column = &entity->columns[predicate->column];

    walk_shape(sql, predicate->compare);
    walk_shape(sql, predicate->column);
    switch (predicate->compare) {
    case MS_ANY_OF:
        any_of(sql, column, predicate);
        break;
    case MS_HAS:
        has(sql, column, predicate);
        break;
    case MS_CONTAINS:
        contains(sql, column, predicate->text);
        break;
    case MS_AT:
        at(sql, column, predicate);
        break;
    case MS_MEMBER:
    case MS_NO_MEMBER:
        member(sql, column, predicate);
        break;
    case MS_PREFIX:
        prefix(sql, column, predicate->text);
        break;
    case MS_ABOVE:
        above(sql, column, predicate->text);
        break;
    case MS_RELATED:
    case MS_UNRELATED:
        related(sql, entity, predicate);
        break;
    default:
        comparison(sql, column, predicate);
        break;
    }
}

void walk_conditions(struct ms_sql *sql, const struct ms_query *query)
{
    walk_shape(sql, (unsigned)query->where_count);
    for (size_t i = 0; i < query->where_count; i++) {
        walk_text(sql, i == 0 ? " WHERE " : " AND ");
        condition(sql, query->entity, &query->where[i]);
    }
}

/* Order and side. */

static bool nullable(const struct ms_query *query)
{
    return query->entity->columns[query->order].null == MS_NULL;
}

/* Null counts as the latest, as an end that has not come; in tables of which nothing is known, as the earliest. */
static const char *nulls_of(const struct ms_query *query, bool descending)
{
    bool foreign = query->entity->id == MS_FOREIGN;

    if (!nullable(query) && !(foreign && query->entity->columns[query->order].null == MS_NULL_UNSET)) {
        return "";
    }
    return descending == nullable(query) ? " NULLS FIRST" : " NULLS LAST";
}

struct window {
    bool reversed;
    int64_t offset;
    int64_t limit;
};

/* Of all rows of a wide table the database would copy each into a sorter, for the sake of the few that are of one time. */
static bool ties_are_left(const struct ms_sql *sql, const struct ms_query *query, const struct window *window)
{
    const struct ms_entity *entity = query->entity;

    return sql->dialect->leaves_ties && window->limit < 0 && window->offset == 0 &&
           query->side == MS_SIDE_ALL && !entity->sequence &&
           entity->columns[query->order].type == MS_TIMESTAMP && (query->columns & MS_BIT(query->order)) &&
           (query->columns & ms_entity_keys(entity)) == ms_entity_keys(entity);
}

static void order_by_time(struct ms_sql *sql, const struct ms_query *query, const char *suffix,
                          const char *nulls)
{
    walk_time(sql, &query->entity->columns[query->order]);
    walk_text(sql, suffix);
    walk_text(sql, nulls);
}

/* The order of insertion; false when the database knows it by itself, and no further term is needed. */
static bool sequence_term(struct ms_sql *sql, const struct ms_entity *entity, const char *suffix)
{
    walk_text(sql, ", ");
    if (sql->dialect->sequence) {
        walk_text(sql, sql->dialect->sequence);
    } else {
        walk_text(sql, "COALESCE(");
        walk_name(sql, entity->sequence);
        walk_text(sql, ", 0)");
    }
    walk_text(sql, suffix);
    if (!sql->dialect->sequence && entity->key_count == 0 && sql->dialect->row_id) {
        walk_text(sql, ", ");
        walk_text(sql, sql->dialect->row_id);
        walk_text(sql, suffix);
    }
    return !sql->dialect->sequence;
}

/* The terms of the total order: group, time, sequence, key. `suffix` follows each, `nulls` the first where it may be null. */
static void order_terms(struct ms_sql *sql, const struct ms_query *query, const char *suffix,
                        const char *nulls)
{
    const struct ms_entity *entity = query->entity;

    if (query->grouped) {
        walk_name(sql, entity->columns[entity->sequence_within].name);
        walk_text(sql, suffix);
        walk_text(sql, ", ");
    }
    order_by_time(sql, query, suffix, nulls);
    if (entity->key_count == 1 && query->order == entity->keys[0]) {
        return;
    }
    if (entity->sequence && !sequence_term(sql, entity, suffix)) {
        return;
    }
    for (size_t i = 0; i < entity->key_count; i++) {
        /* A term that is there twice would keep a database from using the key's own index for the order. */
        if (entity->keys[i] != query->order) {
            walk_text(sql, ", ");
            walk_name(sql, entity->columns[entity->keys[i]].name);
            walk_text(sql, entity->id == MS_FOREIGN ? "" : sql->dialect->bytewise);
            walk_text(sql, suffix);
        }
    }
}

/* The anchor's place is looked up by the statement itself: it is exact even when its time is stored in an odd form. */
static void side(struct ms_sql *sql, const struct ms_query *query)
{
    walk_shape(sql, query->side);
    if (query->side == MS_SIDE_ALL) {
        return;
    }
    walk_text(sql, query->where_count == 0 ? " WHERE (" : " AND (");
    order_terms(sql, query, "", "");
    walk_text(sql, query->side == MS_SIDE_UP_TO ? ") <= (SELECT " : ") > (SELECT ");
    order_terms(sql, query, "", "");
    walk_text(sql, " FROM ");
    walk_table(sql, query->entity);
    walk_key_condition(sql, query->entity, query->anchor);
    walk_text(sql, ")");
}

/* A page beyond the middle of a list of known length is nearer to the other end. */
static struct window window_of(const struct ms_query *query)
{
    struct window window = {false, query->offset, query->limit};
    int64_t total = query->known_total;

    if (total < 0 || query->limit < 0 || query->offset <= total / 2) {
        return window;
    }
    window.reversed = true;
    window.limit = query->offset >= total ? 0 : total - query->offset;
    if (window.limit > query->limit) {
        window.limit = query->limit;
    }
    window.offset = query->offset >= total ? 0 : total - query->offset - window.limit;
    return window;
}

/* By the direction and the terms of the window; the rows it is cut from are told by sql->rows. */
static void order_by(struct ms_sql *sql, const struct ms_query *query, const struct window *window)
{
    bool descending = query->descending != window->reversed;
    bool tied = ties_are_left(sql, query, window);

    sql->rows = (window->reversed ? MS_ROWS_REVERSED : 0) | (tied ? MS_ROWS_TIED : 0);
    walk_shape(sql, query->order);
    walk_shape(sql, descending | query->grouped << 1);
    walk_text(sql, " ORDER BY ");
    if (tied) {
        order_by_time(sql, query, descending ? " DESC" : " ASC", nulls_of(query, descending));
    } else {
        order_terms(sql, query, descending ? " DESC" : " ASC", nulls_of(query, descending));
    }
}

static void order_and_window(struct ms_sql *sql, const struct ms_query *query)
{
    struct window window = window_of(query);

    order_by(sql, query, &window);
    walk_shape(sql, (window.limit >= 0) | (window.offset > 0) << 1);
    if (window.limit >= 0) {
        walk_text(sql, " LIMIT ");
        walk_bind_integer(sql, window.limit);
    } else if (window.offset > 0) {
        walk_text(sql, " LIMIT ");
        walk_bind_integer(sql, INT64_MAX);
    }
    if (window.offset > 0) {
        walk_text(sql, " OFFSET ");
        walk_bind_integer(sql, window.offset);
    }
}

/* Reading. */

void walk_columns(struct ms_sql *sql, const struct ms_entity *entity, uint64_t columns)
{
    const char *separator = "";

    walk_shape_bits(sql, columns);
    if (!sql->out) {
        return;
    }
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            walk_text(sql, separator);
            sql->dialect->read(sql->out, &entity->columns[i]);
            separator = ", ";
        }
    }
}

static void lock_rows(struct ms_sql *sql, bool lock, const char *clause)
{
    walk_shape(sql, lock);
    if (lock) {
        walk_text(sql, clause);
    }
}

static bool can_lock(const struct ms_sql *sql, const struct ms_entity *entity)
{
    return !sql->dialect->locks_primary || entity->key_form == MS_KEY_PRIMARY ||
           entity->key_form == MS_KEY_PRIMARY_TABLE;
}

void ms_sql_get(struct ms_sql *sql, const void *what)
{
    const struct ms_sql_key *row = what;

    walk_shape(sql, VERB_GET);
    walk_shape_entity(sql, row->entity);
    walk_text(sql, "SELECT ");
    walk_columns(sql, row->entity, ms_entity_fields(row->entity));
    walk_text(sql, " FROM ");
    walk_table(sql, row->entity);
    walk_key_condition(sql, row->entity, row->key);
    lock_rows(sql, row->lock && can_lock(sql, row->entity), sql->dialect->lock);
}

static void from_table(struct ms_sql *sql, const struct ms_query *query)
{
    walk_text(sql, " FROM ");
    walk_table(sql, query->entity);
    walk_conditions(sql, query);
}

static void count_rows(struct ms_sql *sql, const struct ms_query *query)
{
    walk_text(sql, "SELECT COUNT(*)");
    from_table(sql, query);
}

static void list_rows(struct ms_sql *sql, const struct ms_query *query)
{
    from_table(sql, query);
    side(sql, query);
    order_and_window(sql, query);
    lock_rows(sql, query->lock, sql->dialect->lock_list);
}

void ms_sql_list(struct ms_sql *sql, const void *what)
{
    const struct ms_query *query = what;

    walk_shape(sql, VERB_LIST);
    walk_shape_entity(sql, query->entity);
    walk_text(sql, "SELECT ");
    walk_columns(sql, query->entity, query->columns);
    list_rows(sql, query);
}

/* The second list of conditions takes the placeholders of the first again. */
void ms_sql_page(struct ms_sql *sql, const void *what)
{
    const struct ms_query *query = what;

    walk_shape(sql, VERB_PAGE);
    walk_shape_entity(sql, query->entity);
    walk_text(sql, "SELECT ");
    walk_columns(sql, query->entity, query->columns);
    walk_text(sql, ", (");
    count_rows(sql, query);
    walk_text(sql, ")");
    sql->bind_count = 0;
    list_rows(sql, query);
}

void ms_sql_count(struct ms_sql *sql, const void *what)
{
    const struct ms_query *query = what;

    walk_shape(sql, VERB_COUNT);
    walk_shape_entity(sql, query->entity);
    count_rows(sql, query);
}

/* The snapshot's condition, with the statement's first value. */
static void since_snapshot(struct ms_sql *sql, mastra_str snapshot)
{
    walk_text(sql, "SELECT CASE WHEN ");
    walk_text(sql, sql->dialect->snapshot);
    walk_text(sql, " = ");
    bind_text(sql, snapshot);
    walk_text(sql, " THEN ");
}

static void counted_rows(struct ms_sql *sql, const struct ms_query *query)
{
    walk_text(sql, " ELSE (");
    count_rows(sql, query);
    walk_text(sql, ") END");
}

void ms_sql_count_since(struct ms_sql *sql, const void *what)
{
    const struct ms_sql_since *since = what;

    walk_shape(sql, VERB_COUNT_SINCE);
    walk_shape_entity(sql, since->query->entity);
    since_snapshot(sql, since->snapshot);
    walk_text(sql, "-1");
    counted_rows(sql, since->query);
    walk_text(sql, ", ");
    walk_text(sql, sql->dialect->snapshot);
}

/* The window as window_of has it, reckoned by the server, which alone knows the total. */
static void window_since(struct ms_sql *sql, const struct ms_query *query)
{
    walk_text(sql, " LIMIT GREATEST(0, LEAST(");
    walk_bind_integer(sql, query->limit);
    walk_text(sql, ", (SELECT total FROM counted) - ");
    walk_bind_integer(sql, query->offset);
    walk_text(sql, ")) OFFSET GREATEST(0, (SELECT total FROM counted) - ");
    walk_bind_integer(sql, query->offset);
    walk_text(sql, " - ");
    walk_bind_integer(sql, query->limit);
    walk_text(sql, ")");
}

/* The page's conditions take the placeholders of the count's again. */
void ms_sql_page_since(struct ms_sql *sql, const void *what)
{
    const struct ms_sql_since *since = what;
    struct ms_query query = *since->query;
    struct window window;
    size_t first;

    query.known_total = since->total;
    window = window_of(&query);
    query.known_total = -1;
    walk_shape(sql, VERB_PAGE_SINCE);
    walk_shape_entity(sql, query.entity);
    walk_text(sql, "WITH counted AS MATERIALIZED (");
    since_snapshot(sql, since->snapshot);
    walk_bind_integer(sql, since->total);
    first = sql->bind_count;
    counted_rows(sql, &query);
    walk_text(sql, " AS total, ");
    walk_text(sql, sql->dialect->snapshot);
    walk_text(sql, " AS snapshot) SELECT ");
    walk_columns(sql, query.entity, query.columns);
    walk_text(sql, ", (SELECT total FROM counted), (SELECT snapshot FROM counted)");
    sql->bind_count = first;
    from_table(sql, &query);
    walk_shape(sql, window.reversed);
    if (window.reversed) {
        order_by(sql, &query, &window);
        window_since(sql, &query);
    } else {
        order_and_window(sql, &query);
    }
}
