#include "sql/walk.h"

/* Writing. */

/* Goes through the columns that an insert sets; each function is called for every one of them. */
struct insert_walk {
    void (*column)(struct ms_sql *sql, const struct ms_column *column, const void *arg);
    void (*twin)(struct ms_sql *sql, const struct ms_column *column, const void *arg);
    void (*sequence)(struct ms_sql *sql, const struct ms_entity *entity, const void *arg);
    const void *arg;
};

static void walk_insert(struct ms_sql *sql, const struct ms_entity *entity, const struct insert_walk *walk)
{
    uint64_t columns = ms_entity_fields(entity);
    const char *separator = "";

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i))) {
            continue;
        }
        walk_text(sql, separator);
        separator = ", ";
        walk->column(sql, column, walk->arg);
        if (walk->twin && walk_has_twin(sql, column)) {
            walk_text(sql, separator);
            walk->twin(sql, column, walk->arg);
        }
    }
    if (entity->sequence && !sql->dialect->sequence) {
        walk_text(sql, separator);
        walk->sequence(sql, entity, walk->arg);
    }
}

static void put_name(struct ms_sql *sql, const struct ms_column *column, const void *arg)
{
    (void)arg;
    walk_name(sql, column->name);
}

static void put_twin_name(struct ms_sql *sql, const struct ms_column *column, const void *arg)
{
    (void)arg;
    walk_twin_name(sql, column);
}

static void put_sequence_name(struct ms_sql *sql, const struct ms_entity *entity, const void *arg)
{
    (void)arg;
    walk_name(sql, entity->sequence);
}

static void put_value(struct ms_sql *sql, const struct ms_column *column, const void *arg)
{
    walk_bind_field(sql, column, ((const struct ms_write *)arg)->record);
}

static void put_sequence(struct ms_sql *sql, const struct ms_entity *entity, const void *arg)
{
    (void)entity;
    walk_bind_integer(sql, ((const struct ms_write *)arg)->sequence);
}

static void insert_into(struct ms_sql *sql, const struct ms_entity *entity)
{
    const struct insert_walk names = {put_name, put_twin_name, put_sequence_name, NULL};

    walk_text(sql, "INSERT INTO ");
    walk_table(sql, entity);
    walk_text(sql, " (");
    walk_insert(sql, entity, &names);
    walk_text(sql, ")");
}

static void insert(struct ms_sql *sql, const struct ms_write *write)
{
    const struct insert_walk values = {put_value, put_value, put_sequence, write};

    insert_into(sql, write->entity);
    walk_text(sql, " VALUES (");
    walk_insert(sql, write->entity, &values);
    walk_text(sql, ")");
}

typedef void (*name_fn)(struct ms_sql *sql, const struct ms_column *column, const void *arg);

/* "column" = excluded."column", or what is stored where the new row has null and the column is a sticky one. */
static void replace_column(struct ms_sql *sql, const struct ms_entity *entity, const struct ms_column *column,
                           name_fn put)
{
    bool sticky = (column->flags & MS_STICKY) != 0;

    put(sql, column, NULL);
    walk_text(sql, sticky ? " = COALESCE(excluded." : " = excluded.");
    put(sql, column, NULL);
    if (sticky) {
        walk_text(sql, ", ");
        walk_name(sql, entity->table);
        walk_text(sql, ".");
        put(sql, column, NULL);
        walk_text(sql, ")");
    }
}

/* Replaces all but key and kept columns of a row that is there already. */
static void on_conflict(struct ms_sql *sql, const struct ms_entity *entity)
{
    uint64_t columns = ms_entity_fields(entity) & ~ms_entity_keys(entity) & ~ms_entity_kept(entity);
    const char *separator = "";

    walk_text(sql, " ON CONFLICT (");
    for (size_t i = 0; i < entity->key_count; i++) {
        walk_text(sql, i == 0 ? "" : ", ");
        walk_name(sql, entity->columns[entity->keys[i]].name);
    }
    walk_text(sql, ") DO UPDATE SET ");
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            walk_text(sql, separator);
            separator = ", ";
            replace_column(sql, entity, &entity->columns[i], put_name);
            if (walk_has_twin(sql, &entity->columns[i])) {
                walk_text(sql, separator);
                replace_column(sql, entity, &entity->columns[i], put_twin_name);
            }
        }
    }
}

static void set_column(struct ms_sql *sql, const struct ms_write *write, const struct ms_column *column,
                       name_fn put)
{
    put(sql, column, NULL);
    walk_text(sql, " = ");
    if (write->kind == MS_WRITE_TOUCH) {
        walk_bind_time(sql, write->time);
    } else {
        walk_bind_field(sql, column, write->record);
    }
}

static void update(struct ms_sql *sql, const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    const char *separator = " SET ";

    walk_text(sql, "UPDATE ");
    walk_table(sql, entity);
    walk_shape_bits(sql, write->columns);
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (write->columns & MS_BIT(i)) {
            walk_text(sql, separator);
            separator = ", ";
            set_column(sql, write, column, put_name);
            if (walk_has_twin(sql, column)) {
                walk_text(sql, separator);
                set_column(sql, write, column, put_twin_name);
            }
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
    walk_key_condition(sql, entity, key);
}

static void erase(struct ms_sql *sql, const struct ms_write *write)
{
    walk_text(sql, "DELETE FROM ");
    walk_table(sql, write->entity);
}

static void expect(struct ms_sql *sql, const struct ms_write *write)
{
    bool raises = sql->dialect->raises;
    bool locks = raises && sql->dialect->returning;

    walk_text(sql, locks    ? "SELECT 1 / COUNT(*) FROM (SELECT 1 FROM "
                   : raises ? "SELECT 1 / COUNT(*) FROM "
                            : "SELECT 1 FROM ");
    walk_table(sql, write->entity);
    walk_key_condition(sql, write->entity, write->key);
    if (locks) {
        walk_text(sql, sql->dialect->lock);
        walk_text(sql, ") AS found");
    }
}

void ms_sql_write(struct ms_sql *sql, const void *what)
{
    const struct ms_write *write = what;

    walk_shape(sql, VERB_WRITE);
    walk_shape(sql, write->kind);
    walk_shape_entity(sql, write->entity);
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
        walk_key_condition(sql, write->entity, write->key);
        break;
    case MS_WRITE_ERASE:
        erase(sql, write);
        walk_key_condition(sql, write->entity, write->key);
        break;
    case MS_WRITE_PATCH_ALL:
        update(sql, write);
        walk_conditions(sql, write->query);
        break;
    case MS_WRITE_ERASE_ALL:
        erase(sql, write);
        walk_conditions(sql, write->query);
        break;
    case MS_WRITE_EXPECT:
        expect(sql, write);
        break;
    }
}

void ms_sql_touch_expected(struct ms_sql *sql, const void *what)
{
    const struct ms_write *write = what;

    walk_shape(sql, VERB_TOUCH_EXPECTED);
    walk_shape_entity(sql, write->entity);
    walk_text(sql, "WITH touched AS (");
    update(sql, write);
    walk_key_condition(sql, write->entity, write->key);
    walk_text(sql, " RETURNING 1) SELECT 1 / COUNT(*) FROM touched");
}

/* Batches: one array for each column, and rows made of them. */

static void put_array(struct ms_sql *sql, const struct ms_column *column, const void *arg)
{
    (void)arg;
    walk_bind(sql, MS_BIND_COLUMN)->column = column;
    if (sql->out) {
        sql->dialect->array(sql->out, column, sql->bind_count);
    }
}

static void put_sequence_array(struct ms_sql *sql, const struct ms_entity *entity, const void *arg)
{
    (void)entity;
    put_array(sql, NULL, arg);
}

/* No row with the record's key. */
static void put_unless(struct ms_sql *sql, const struct ms_entity *entity)
{
    walk_text(sql, " WHERE NOT EXISTS (SELECT 1 FROM ");
    walk_table(sql, entity);
    walk_text(sql, " AS present");
    for (size_t i = 0; i < entity->key_count; i++) {
        const char *name = entity->columns[entity->keys[i]].name;

        walk_text(sql, i == 0 ? " WHERE present." : " AND present.");
        walk_name(sql, name);
        walk_text(sql, " = record.");
        walk_name(sql, name);
    }
    walk_text(sql, ")");
}

/* Arrays hold times with their zone. */
static void put_element(struct ms_sql *sql, const struct ms_column *column, const void *arg)
{
    (void)arg;
    walk_name(sql, column->name);
    walk_text(sql, walk_has_twin(sql, column) ? " AT TIME ZONE 'UTC'" : "");
}

void ms_sql_batch(struct ms_sql *sql, const void *what)
{
    const struct insert_walk elements = {put_element, put_name, put_sequence_name, NULL};
    const struct insert_walk arrays = {put_array, NULL, put_sequence_array, NULL};
    const struct insert_walk names = {put_name, NULL, put_sequence_name, NULL};
    const struct ms_sql_batch *batch = what;
    const struct ms_entity *entity = batch->first->entity;

    walk_shape(sql, VERB_BATCH);
    walk_shape(sql, batch->first->kind);
    walk_shape(sql, batch->unless_there);
    walk_shape_entity(sql, entity);
    insert_into(sql, entity);
    walk_text(sql, " SELECT ");
    walk_insert(sql, entity, &elements);
    walk_text(sql, " FROM unnest(");
    walk_insert(sql, entity, &arrays);
    walk_text(sql, ") AS record (");
    walk_insert(sql, entity, &names);
    walk_text(sql, ")");
    if (batch->unless_there) {
        put_unless(sql, entity);
    } else if (batch->first->kind == MS_WRITE_PUT) {
        on_conflict(sql, entity);
    }
}
