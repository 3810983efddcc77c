#include "sql/sql.h"

#include <assert.h>
#include <math.h>

/* What a shape begins with. */
enum verb {
    VERB_GET = 1,
    VERB_LIST,
    VERB_COUNT,
    VERB_WRITE,
};

void ms_sql_begin(struct ms_sql *sql, const struct ms_dialect *dialect, struct ms_buf *out)
{
    sql->dialect = dialect;
    sql->out = out;
    sql->shape_len = 0;
    sql->bind_count = 0;
    sql->rows = 0;
    sql->uncached = false;
}

void ms_sql_quote(struct ms_buf *out, const char *name)
{
    ms_buf_add_char(out, '"');
    for (const char *quote; (quote = strchr(name, '"')) != NULL; name = quote + 1) {
        ms_buf_add(out, name, (size_t)(quote - name));
        ms_buf_add_text(out, "\"\"");
    }
    ms_buf_add_text(out, name);
    ms_buf_add_char(out, '"');
}

/* The walk's three outputs. */

static void shape(struct ms_sql *sql, unsigned value)
{
    assert(sql->shape_len < MS_SQL_SHAPE);
    sql->shape[sql->shape_len++] = (unsigned char)value;
}

/* Which columns a table of someone else's has is in no shape. */
static void shape_entity(struct ms_sql *sql, const struct ms_entity *entity)
{
    shape(sql, entity->id);
    sql->uncached = sql->uncached || entity->id == MS_FOREIGN;
}

static void shape_bits(struct ms_sql *sql, uint64_t bits)
{
    assert(sql->shape_len + sizeof bits <= MS_SQL_SHAPE);
    memcpy(sql->shape + sql->shape_len, &bits, sizeof bits);
    sql->shape_len += sizeof bits;
}

static void text(struct ms_sql *sql, const char *fragment)
{
    if (sql->out) {
        ms_buf_add_text(sql->out, fragment);
    }
}

static void name(struct ms_sql *sql, const char *identifier)
{
    if (sql->out) {
        ms_sql_quote(sql->out, identifier);
    }
}

static struct ms_bind *bind(struct ms_sql *sql, enum ms_bind_kind kind)
{
    assert(sql->bind_count < MS_SQL_BINDS);
    struct ms_bind *slot = &sql->binds[sql->bind_count++];

    slot->kind = kind;
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
    bind(sql, value.ptr ? MS_BIND_TEXT : MS_BIND_NULL)->text = value;
    placeholder(sql);
}

static void bind_time(struct ms_sql *sql, mastra_time value)
{
    bind(sql, value == MASTRA_TIME_NONE ? MS_BIND_NULL : MS_BIND_TIME)->integer = value;
    placeholder(sql);
}

static void bind_integer(struct ms_sql *sql, int64_t value)
{
    bind(sql, MS_BIND_INTEGER)->integer = value;
    placeholder(sql);
}

static void bind_number(struct ms_sql *sql, int64_t value)
{
    bind(sql, value == MASTRA_INTEGER_NONE ? MS_BIND_NULL : MS_BIND_INTEGER)->integer = value;
    placeholder(sql);
}

static void bind_real(struct ms_sql *sql, double value)
{
    bind(sql, isnan(value) ? MS_BIND_NULL : MS_BIND_REAL)->real = value;
    placeholder(sql);
}

static void bind_field(struct ms_sql *sql, const struct ms_column *column, const void *record)
{
    const void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TIMESTAMP:
        bind_time(sql, *(const mastra_time *)field);
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        bind_number(sql, *(const int64_t *)field);
        break;
    case MS_REAL:
        bind_real(sql, *(const double *)field);
        break;
    case MS_BOOLEAN:
        bind(sql, MS_BIND_BOOLEAN)->integer = *(const bool *)field;
        placeholder(sql);
        break;
    case MS_TEXT:
    case MS_JSON:
        bind_text(sql, *(const mastra_str *)field);
        break;
    }
}

/* Conditions. */

static void key_condition(struct ms_sql *sql, const struct ms_entity *entity, const mastra_str *key)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        text(sql, i == 0 ? " WHERE " : " AND ");
        name(sql, entity->columns[entity->keys[i]].name);
        text(sql, " = ");
        bind_text(sql, key[i]);
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

/* column, operator and value. */
static void comparison(struct ms_sql *sql, const struct ms_column *column,
                       const struct ms_predicate *predicate)
{
    name(sql, column->name);
    text(sql, operator_of(predicate->compare));
    if (predicate->compare == MS_EQUAL) {
        bind_text(sql, predicate->text);
    } else if (predicate->compare == MS_NUMBER || predicate->compare == MS_MORE) {
        bind_integer(sql, predicate->number);
    } else if (predicate->compare != MS_NULL_VALUE && predicate->compare != MS_ANY_VALUE) {
        bind_time(sql, predicate->time);
    }
}

static void any_of(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    struct ms_bind *slot = bind(sql, MS_BIND_SET);

    slot->set = predicate->set;
    slot->set_count = predicate->set_count;
    if (sql->out) {
        sql->dialect->any_of(sql->out, column, sql->bind_count);
    }
}

static void has(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    mastra_str member = mastra_str_of(predicate->member);

    bind(sql, member.ptr ? MS_BIND_TEXT : MS_BIND_NULL)->text = member;
    bind(sql, MS_BIND_TEXT)->text = predicate->text;
    if (sql->out) {
        sql->dialect->has(sql->out, column, sql->bind_count - 1);
    }
}

static void contains(struct ms_sql *sql, const struct ms_column *column, mastra_str array)
{
    bind(sql, MS_BIND_TEXT)->text = array;
    if (sql->out) {
        sql->dialect->contains(sql->out, column, sql->bind_count);
    }
}

static void prefix(struct ms_sql *sql, const struct ms_column *column, mastra_str beginning)
{
    bind(sql, MS_BIND_TEXT)->text = beginning;
    if (sql->out) {
        sql->dialect->prefix(sql->out, column, sql->bind_count);
    }
}

static void above(struct ms_sql *sql, const struct ms_column *column, mastra_str limit)
{
    bind(sql, MS_BIND_TEXT)->text = limit;
    if (sql->out) {
        sql->dialect->above(sql->out, column, sql->bind_count);
    }
}

static void at(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    bind(sql, MS_BIND_TEXT)->text = mastra_str_of(predicate->path);
    bind(sql, MS_BIND_TEXT)->text = predicate->text;
    if (sql->out) {
        sql->dialect->at(sql->out, column, sql->bind_count - 1);
    }
}

static void member(struct ms_sql *sql, const struct ms_column *column, const struct ms_predicate *predicate)
{
    text(sql, predicate->compare == MS_NO_MEMBER ? "NOT " : "");
    bind(sql, MS_BIND_TEXT)->text = predicate->text;
    if (sql->out) {
        sql->dialect->member(sql->out, column, sql->bind_count);
    }
}

/* By a set of values, computed once, not by a subquery for each row. */
static void related(struct ms_sql *sql, const struct ms_entity *entity, const struct ms_predicate *predicate)
{
    const struct ms_column *column = &entity->columns[predicate->column];
    const struct ms_predicate *inner = predicate->related;

    shape(sql, inner->compare);
    shape(sql, inner->column);
    name(sql, column->name);
    text(sql, predicate->compare == MS_RELATED ? " IN (SELECT " : " NOT IN (SELECT ");
    name(sql, column->name);
    text(sql, " FROM ");
    name(sql, entity->table);
    text(sql, " WHERE ");
    comparison(sql, &entity->columns[inner->column], inner);
    text(sql, ")");
}

static void condition(struct ms_sql *sql, const struct ms_entity *entity,
                      const struct ms_predicate *predicate)
{
    const struct ms_column *column = &entity->columns[predicate->column];

    shape(sql, predicate->compare);
    shape(sql, predicate->column);
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

static void conditions(struct ms_sql *sql, const struct ms_query *query)
{
    shape(sql, (unsigned)query->where_count);
    for (size_t i = 0; i < query->where_count; i++) {
        text(sql, i == 0 ? " WHERE " : " AND ");
        condition(sql, query->entity, &query->where[i]);
    }
}

/* Order and side. */

static bool nullable(const struct ms_query *query)
{
    return query->entity->columns[query->order].null == MS_NULL;
}

struct window {
    bool reversed;
    int64_t offset;
    int64_t limit;
};

/* Of all rows of a wide table the database would copy each into a sorter, for the sake of the few that are of one time. */
static bool ties_are_left(const struct ms_query *query, const struct window *window)
{
    const struct ms_entity *entity = query->entity;

    return window->limit < 0 && window->offset == 0 && query->side == MS_SIDE_ALL && !entity->sequenced &&
           entity->columns[query->order].type == MS_TIMESTAMP && (query->columns & MS_BIT(query->order)) &&
           (query->columns & ms_entity_keys(entity)) == ms_entity_keys(entity);
}

static void order_by_time(struct ms_sql *sql, const struct ms_query *query, const char *suffix,
                          const char *nulls)
{
    name(sql, query->entity->columns[query->order].name);
    text(sql, suffix);
    if (nullable(query)) {
        text(sql, nulls);
    }
}

/* The terms of the total order: time, sequence, key. `suffix` follows each, `nulls` the first where it may be null. */
static void order_terms(struct ms_sql *sql, const struct ms_query *query, const char *suffix,
                        const char *nulls)
{
    const struct ms_entity *entity = query->entity;

    order_by_time(sql, query, suffix, nulls);
    if (entity->sequenced) {
        text(sql, ", ");
        text(sql, sql->dialect->sequence);
        text(sql, suffix);
        return;
    }
    for (size_t i = 0; i < entity->key_count; i++) {
        /* A term that is there twice would keep SQLite from using the key's own index for the order. */
        if (entity->keys[i] != query->order) {
            text(sql, ", ");
            name(sql, entity->columns[entity->keys[i]].name);
            text(sql, suffix);
        }
    }
}

/* The anchor's place is looked up by the statement itself: it is exact even when its time is stored in an odd form. */
static void side(struct ms_sql *sql, const struct ms_query *query)
{
    shape(sql, query->side);
    if (query->side == MS_SIDE_ALL) {
        return;
    }
    text(sql, query->where_count == 0 ? " WHERE (" : " AND (");
    order_terms(sql, query, "", "");
    text(sql, query->side == MS_SIDE_UP_TO ? ") <= (SELECT " : ") > (SELECT ");
    order_terms(sql, query, "", "");
    text(sql, " FROM ");
    name(sql, query->entity->table);
    key_condition(sql, query->entity, query->anchor);
    text(sql, ")");
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

static void order_and_window(struct ms_sql *sql, const struct ms_query *query)
{
    struct window window = window_of(query);
    bool descending = query->descending != window.reversed;

    bool tied = ties_are_left(query, &window);

    sql->rows = (window.reversed ? MS_ROWS_REVERSED : 0) | (tied ? MS_ROWS_TIED : 0);
    shape(sql, query->order);
    shape(sql, descending);
    shape(sql, (window.limit >= 0) | (window.offset > 0) << 1);
    text(sql, " ORDER BY ");
    if (tied) {
        order_by_time(sql, query, descending ? " DESC" : " ASC", descending ? " NULLS FIRST" : " NULLS LAST");
    } else {
        order_terms(sql, query, descending ? " DESC" : " ASC", descending ? " NULLS FIRST" : " NULLS LAST");
    }
    if (window.limit >= 0) {
        text(sql, " LIMIT ");
        bind_integer(sql, window.limit);
    } else if (window.offset > 0) {
        text(sql, " LIMIT ");
        bind_integer(sql, INT64_MAX);
    }
    if (window.offset > 0) {
        text(sql, " OFFSET ");
        bind_integer(sql, window.offset);
    }
}

/* Reading. */

static void column_list(struct ms_sql *sql, const struct ms_entity *entity, uint64_t columns)
{
    const char *separator = "";

    shape_bits(sql, columns);
    if (!sql->out) {
        return;
    }
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            text(sql, separator);
            sql->dialect->read(sql->out, &entity->columns[i]);
            separator = ", ";
        }
    }
}

void ms_sql_get(struct ms_sql *sql, const void *what)
{
    const struct ms_sql_key *row = what;

    shape(sql, VERB_GET);
    shape_entity(sql, row->entity);
    text(sql, "SELECT ");
    column_list(sql, row->entity, ms_entity_fields(row->entity));
    text(sql, " FROM ");
    name(sql, row->entity->table);
    key_condition(sql, row->entity, row->key);
}

void ms_sql_list(struct ms_sql *sql, const void *what)
{
    const struct ms_query *query = what;

    shape(sql, VERB_LIST);
    shape_entity(sql, query->entity);
    text(sql, "SELECT ");
    column_list(sql, query->entity, query->columns);
    text(sql, " FROM ");
    name(sql, query->entity->table);
    conditions(sql, query);
    side(sql, query);
    order_and_window(sql, query);
}

void ms_sql_count(struct ms_sql *sql, const void *what)
{
    const struct ms_query *query = what;

    shape(sql, VERB_COUNT);
    shape_entity(sql, query->entity);
    text(sql, "SELECT COUNT(*) FROM ");
    name(sql, query->entity->table);
    conditions(sql, query);
}

/* Writing. */

static void insert(struct ms_sql *sql, const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    uint64_t columns = ms_entity_fields(entity);
    const char *separator = " (";

    text(sql, "INSERT INTO ");
    name(sql, entity->table);
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            text(sql, separator);
            name(sql, entity->columns[i].name);
            separator = ", ";
        }
    }
    separator = ") VALUES (";
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            text(sql, separator);
            bind_field(sql, &entity->columns[i], write->record);
            separator = ", ";
        }
    }
    text(sql, ")");
}

/* "column" = excluded."column", or what is stored where the new row has null and the column is a sticky one. */
static void replace_column(struct ms_sql *sql, const struct ms_entity *entity, const struct ms_column *column)
{
    bool sticky = (column->flags & MS_STICKY) != 0;

    name(sql, column->name);
    text(sql, sticky ? " = COALESCE(excluded." : " = excluded.");
    name(sql, column->name);
    if (sticky) {
        text(sql, ", ");
        name(sql, entity->table);
        text(sql, ".");
        name(sql, column->name);
        text(sql, ")");
    }
}

/* Replaces all but key and kept columns of a row that is there already. */
static void on_conflict(struct ms_sql *sql, const struct ms_entity *entity)
{
    uint64_t columns = ms_entity_fields(entity) & ~ms_entity_keys(entity) & ~ms_entity_kept(entity);
    const char *separator = "";

    text(sql, " ON CONFLICT (");
    for (size_t i = 0; i < entity->key_count; i++) {
        text(sql, i == 0 ? "" : ", ");
        name(sql, entity->columns[entity->keys[i]].name);
    }
    text(sql, ") DO UPDATE SET ");
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            text(sql, separator);
            replace_column(sql, entity, &entity->columns[i]);
            separator = ", ";
        }
    }
}

static void update(struct ms_sql *sql, const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    const char *separator = " SET ";

    text(sql, "UPDATE ");
    name(sql, entity->table);
    shape_bits(sql, write->columns);
    for (int i = 0; i < entity->column_count; i++) {
        if (write->columns & MS_BIT(i)) {
            text(sql, separator);
            name(sql, entity->columns[i].name);
            text(sql, " = ");
            if (write->kind == MS_WRITE_TOUCH) {
                bind_time(sql, write->time);
            } else {
                bind_field(sql, &entity->columns[i], write->record);
            }
            separator = ", ";
        }
    }
}

static void patch(struct ms_sql *sql, const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    mastra_str key[MS_KEYS_MOST];

    for (size_t i = 0; i < entity->key_count; i++) {
        key[i] = *ms_field_str(&entity->columns[entity->keys[i]], write->record);
    }
    update(sql, write);
    key_condition(sql, entity, key);
}

static void erase(struct ms_sql *sql, const struct ms_write *write)
{
    text(sql, "DELETE FROM ");
    name(sql, write->entity->table);
}

void ms_sql_write(struct ms_sql *sql, const void *what)
{
    const struct ms_write *write = what;

    shape(sql, VERB_WRITE);
    shape(sql, write->kind);
    shape_entity(sql, write->entity);
    switch (write->kind) {
    case MS_WRITE_PUT:
        insert(sql, write);
        on_conflict(sql, write->entity);
        break;
    case MS_WRITE_INSERT:
        insert(sql, write);
        break;
    case MS_WRITE_PATCH:
        patch(sql, write);
        break;
    case MS_WRITE_TOUCH:
        update(sql, write);
        key_condition(sql, write->entity, write->key);
        break;
    case MS_WRITE_ERASE:
        erase(sql, write);
        key_condition(sql, write->entity, write->key);
        break;
    case MS_WRITE_PATCH_ALL:
        update(sql, write);
        conditions(sql, write->query);
        break;
    case MS_WRITE_ERASE_ALL:
        erase(sql, write);
        conditions(sql, write->query);
        break;
    case MS_WRITE_EXPECT:
        text(sql, "SELECT 1 FROM ");
        name(sql, write->entity->table);
        key_condition(sql, write->entity, write->key);
        break;
    }
}
