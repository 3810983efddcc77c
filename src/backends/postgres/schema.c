/* Looking at the schema, and making what it lacks. */
#include "backends/postgres/ddl.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

#define OID_JSONB          3802

/* Others may make the same things at the same moment, without knowing of our lock. */
#define ATTEMPTS_MOST      5

/* Where there is no lock, every change of theirs makes one of ours fail. */
#define STEP_ATTEMPTS      20
#define STEP_PAUSE_MOST_US 100000

/* What a schema has of the catalogue. */
struct inventory {
    bool schema;
    uint64_t columns[MS_ENTITY_COUNT]; /* 0: no table */
    uint64_t twins[MS_ENTITY_COUNT];
    uint64_t text_json[MS_ENTITY_COUNT];
    bool sequence[MS_ENTITY_COUNT];
    bool keyed[MS_ENTITY_COUNT];
    bool identity; /* the run's key is what replicas go by, or is not the constraint that could be */
    bool trigger;
    bool function;
    uint64_t indexes; /* by number */
};

struct look {
    const struct pg_flavour *flavour;
    struct inventory *inventory;
    char index_names[PG_INDEX_COUNT][PG_NAME_MOST + 1];
    char run_key[PG_NAME_MOST + 1];
};

/* One statement: a schema that is complete costs no more. What, of which table, its name, and more of it. */
#define LOOK                                                                                                 \
    "SELECT 'schema', '', nspname::text, '' FROM pg_catalog.pg_namespace WHERE nspname = $1::text"           \
    " UNION ALL SELECT 'column', c.relname::text, a.attname::text, a.atttypid::text"                         \
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"             \
    " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"                                               \
    " WHERE n.nspname = $1::text AND c.relname = ANY($2::text[]) AND a.attnum > 0 AND NOT a.attisdropped"    \
    " UNION ALL SELECT 'index', t.relname::text, i.relname::text,"                                           \
    " CASE WHEN x.indisreplident THEN '!' ELSE '' END ||"                                                    \
    " CASE WHEN x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL THEN"            \
    " (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(x.indkey) WITH ORDINALITY AS k "       \
    "(number,"                                                                                               \
    " place) JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number) ELSE '' END"   \
    " FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid"                     \
    " JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid"                                                 \
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace"                                           \
    " WHERE n.nspname = $1::text AND t.relname = ANY($2::text[])"

static const char narrow_look_text[] = LOOK;
static const char look_text[] =
    LOOK " UNION ALL SELECT 'trigger', t.relname::text, g.tgname::text, '' FROM pg_catalog.pg_trigger AS g"
         " JOIN pg_catalog.pg_class AS t ON t.oid = g.tgrelid"
         " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace"
         " WHERE n.nspname = $1::text AND g.tgname = 'mastra_ai_spans_timestamps' AND g.tgtype = 23"
         " AND NOT g.tgisinternal"
         " UNION ALL SELECT 'function', '', p.proname::text, '' FROM pg_catalog.pg_proc AS p"
         " JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace"
         " WHERE n.nspname = $1::text AND p.proname = 'trigger_set_timestamps' AND p.pronargs = 0";

static bool same(mastra_str text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

/* Whether a column is the twin of this one. */
static bool is_twin(mastra_str name, const struct ms_column *column)
{
    mastra_str base = {name.ptr, name.len - 1};

    return name.len > 1 && name.ptr[name.len - 1] == 'Z' && column->type == MS_TIMESTAMP &&
           !(column->flags & MS_TWINLESS) && same(base, column->name);
}

static void note_column(struct inventory *inventory, const struct ms_entity *entity, mastra_str name,
                        mastra_str type)
{
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (same(name, column->name)) {
            inventory->columns[entity->id] |= MS_BIT(i);
            if (column->type == MS_JSON && strtol(type.ptr, NULL, 10) != OID_JSONB) {
                inventory->text_json[entity->id] |= MS_BIT(i);
            }
        } else if (is_twin(name, column)) {
            inventory->twins[entity->id] |= MS_BIT(i);
        }
    }
    if (entity->sequence && same(name, entity->sequence)) {
        inventory->sequence[entity->id] = true;
    }
}

/* Whether the names, joined by commas, are the columns of the key, in whichever order. */
static bool is_key(mastra_str names, const struct ms_entity *entity)
{
    size_t found = 0;
    size_t parts = 1;

    for (size_t i = 0; i < names.len; i++) {
        parts += names.ptr[i] == ',';
    }
    for (size_t k = 0; k < entity->key_count; k++) {
        const char *name = entity->columns[entity->keys[k]].name;
        size_t len = strlen(name);

        for (size_t i = 0; i + len <= names.len; i++) {
            bool begins = i == 0 || names.ptr[i - 1] == ',';
            bool ends = i + len == names.len || names.ptr[i + len] == ',';

            found += begins && ends && memcmp(names.ptr + i, name, len) == 0;
        }
    }
    return found == entity->key_count && parts == entity->key_count;
}

static void note_index(const struct look *look, const struct ms_entity *entity, mastra_str name,
                       mastra_str unique)
{
    struct inventory *inventory = look->inventory;

    if (unique.len > 0 && unique.ptr[0] == '!') {
        inventory->identity = inventory->identity || entity->id == MS_SNAPSHOT;
        unique.ptr++;
        unique.len--;
    }
    if (unique.len > 0 && entity->key_count > 0 && is_key(unique, entity)) {
        inventory->keyed[entity->id] = true;
    }
    for (size_t i = 0; i < look->flavour->index_count; i++) {
        if (look->flavour->indexes[i].entity == entity->id && same(name, look->index_names[i])) {
            inventory->indexes |= MS_BIT(i);
        }
    }
}

static mastra_status note_row(const struct look *look, const PGresult *result, int row)
{
    struct inventory *inventory = look->inventory;
    mastra_str what = pg_str_at(result, row, 0);
    mastra_str name = pg_str_at(result, row, 2);
    mastra_str more = pg_str_at(result, row, 3);
    const struct ms_entity *entity = ms_entity_of_table(pg_str_at(result, row, 1));

    if (same(what, "schema")) {
        inventory->schema = true;
    } else if (same(what, "trigger")) {
        inventory->trigger = true;
    } else if (same(what, "function")) {
        inventory->function = true;
    } else if (entity && same(what, "column")) {
        note_column(inventory, entity, name, more);
    } else if (entity && same(what, "index")) {
        note_index(look, entity, name, more);
    }
    return MASTRA_OK;
}

static mastra_status note_rows(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    (void)step;
    (void)error;
    for (int i = 0; i < PQntuples(result); i++) {
        note_row(arg, result, i);
    }
    return MASTRA_OK;
}

static mastra_status take_inventory(const struct postgres *backend, struct pg_connection *connection,
                                    const char *digest, struct inventory *inventory, mastra_error *error)
{
    const struct pg_flavour *flavour = backend->flavour;
    const char *schema = backend->base.schema;
    char tables[512] = "{";
    const char *const values[] = {schema, tables};
    const struct pg_step step = {.kind = PG_STEP_TEXT,
                                 .sql = flavour->narrow ? narrow_look_text : look_text,
                                 .param_count = 2,
                                 .values = values};
    struct look look = {.flavour = flavour, .inventory = inventory};

    memset(inventory, 0, sizeof *inventory);
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        size_t len = strlen(tables);

        snprintf(tables + len, sizeof tables - len, "%s%s", e == 0 ? "" : ",", ms_entity(e)->table);
    }
    tables[strlen(tables)] = '}';
    for (size_t i = 0; i < flavour->index_count; i++) {
        pg_index_name(schema, digest, &flavour->indexes[i], look.index_names[i]);
    }
    return pg_exchange(connection, &step, 1, note_rows, &look, NULL, error);
}

/* Which indexes are wanted of a schema like this. */
static uint64_t wanted_indexes(const struct pg_flavour *flavour, const struct inventory *inventory)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < flavour->index_count; i++) {
        if (!flavour->indexes[i].on_jsonb || !inventory->text_json[flavour->indexes[i].entity]) {
            bits |= MS_BIT(i);
        }
    }
    return bits;
}

static uint64_t wanted_twins(const struct ms_entity *entity)
{
    uint64_t bits = 0;

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        bits |= column->type == MS_TIMESTAMP && !(column->flags & MS_TWINLESS) ? MS_BIT(i) : 0;
    }
    return bits;
}

static bool has_all_of(const struct inventory *inventory, const struct ms_entity *entity)
{
    return inventory->columns[entity->id] == ms_entity_all(entity) &&
           inventory->twins[entity->id] == wanted_twins(entity) &&
           (!entity->sequence || inventory->sequence[entity->id]) &&
           (entity->key_count == 0 || inventory->keyed[entity->id]);
}

static bool is_complete(const struct pg_flavour *flavour, const struct inventory *inventory)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        if (!has_all_of(inventory, ms_entity(e))) {
            return false;
        }
    }
    return (flavour->narrow || (inventory->trigger && inventory->identity)) &&
           (wanted_indexes(flavour, inventory) & ~inventory->indexes) == 0;
}

static void remember(struct postgres *backend, const struct inventory *inventory)
{
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        atomic_store(&backend->text_json[e], inventory->text_json[e]);
        atomic_store(&backend->keyless[e], backend->flavour->bears_no_key && inventory->columns[e] &&
                                               ms_entity(e)->key_count > 0 && !inventory->keyed[e]);
    }
    atomic_store(&backend->looked, true);
}

/* Making. */

/* The statements that are to be executed, one after another in one text, and where each begins. */
struct script {
    const struct pg_flavour *flavour;
    const char *schema;
    const char *digest;
    struct ms_buf text;
    struct ms_arena *arena;
    struct pg_step steps[256];
    size_t count;
    bool failed; /* memory is out */
};

static void add_text(struct script *script, const char *text)
{
    if (script->count == sizeof script->steps / sizeof script->steps[0]) {
        script->failed = true;
        return;
    }
    script->steps[script->count++] = (struct pg_step){.kind = PG_STEP_TEXT, .sql = text};
}

/* Ends the statement in the buffer. */
static void add(struct script *script)
{
    mastra_str copy = {NULL, 0};

    if (script->text.failed || !ms_arena_str(script->arena, ms_buf_view(&script->text), &copy)) {
        script->failed = true;
        return;
    }
    ms_buf_clear(&script->text);
    add_text(script, copy.ptr);
}

static void add_table(struct script *script, const struct ms_entity *entity)
{
    const struct pg_flavour *flavour = script->flavour;

    pg_put_table(&script->text, flavour, script->schema, entity);
    add(script);
    if (flavour->narrow) {
        return;
    }
    if (entity->id == MS_SNAPSHOT || entity->id == MS_SPAN) {
        pg_put_key(&script->text, flavour, script->schema, entity);
        add(script);
    }
    for (size_t i = 0; i < flavour->index_count; i++) {
        if (flavour->indexes[i].entity == entity->id) {
            pg_put_index(&script->text, flavour, script->schema, script->digest, &flavour->indexes[i]);
            add(script);
        }
    }
}

static void add_columns(struct script *script, const struct inventory *inventory,
                        const struct ms_entity *entity)
{
    for (int i = 0; i < entity->column_count; i++) {
        if (!(inventory->columns[entity->id] & MS_BIT(i))) {
            pg_put_column(&script->text, script->flavour, script->schema, entity, &entity->columns[i]);
            add(script);
        }
    }
    for (int i = 0; i < entity->column_count; i++) {
        if (wanted_twins(entity) & ~inventory->twins[entity->id] & MS_BIT(i)) {
            pg_put_twin(&script->text, script->schema, entity, &entity->columns[i]);
            add(script);
            if (!script->flavour->narrow) {
                pg_put_twin_default(&script->text, script->schema, entity, &entity->columns[i]);
                add(script);
            }
        }
    }
    if (entity->sequence && !inventory->sequence[entity->id]) {
        pg_put_sequence(&script->text, script->schema, entity);
        add(script);
    }
}

/* What must be there for the store to work. */
static void write_script(struct script *script, const struct inventory *inventory)
{
    if (!inventory->schema) {
        ms_buf_add_text(&script->text, "CREATE SCHEMA IF NOT EXISTS ");
        ms_sql_quote(&script->text, script->schema);
        add(script);
    }
    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        if (inventory->columns[e] == 0) {
            add_table(script, ms_entity(e));
        } else {
            add_columns(script, inventory, ms_entity(e));
        }
    }
    if (script->flavour->narrow) {
        return;
    }
    if (!inventory->trigger) {
        if (!inventory->function) {
            pg_put_trigger_function(&script->text, script->schema);
            add(script);
        }
        pg_put_trigger(&script->text, script->schema);
        add(script);
    }
    if (!inventory->identity && inventory->columns[MS_SNAPSHOT] == 0) {
        pg_put_replica_identity(&script->text, script->schema, ms_entity(MS_SNAPSHOT));
        add(script);
    }
}

static mastra_status lock_schema(struct pg_connection *connection, const char *schema, mastra_error *error)
{
    const char *const values[] = {schema};
    const struct pg_step steps[] = {
        {.kind = PG_STEP_TEXT, .sql = "BEGIN"},
        {.kind = PG_STEP_TEXT,
         .sql = "SELECT pg_advisory_xact_lock(hashtextextended('mastra-store ' || $1::text, 0))",
         .param_count = 1,
         .values = values},
    };

    return pg_exchange(connection, steps, 2, NULL, NULL, NULL, error);
}

static mastra_status explain(const char *schema, mastra_error *error)
{
    char message[sizeof error->message];
    char backend[sizeof error->backend];

    if (error->status != MASTRA_DENIED) {
        return error->status;
    }
    ms_error_copy(message, sizeof message, mastra_str_of(error->message));
    memcpy(backend, error->backend, sizeof backend);
    ms_error_set(
        error, MASTRA_DENIED,
        "the tables in schema \"%s\" cannot be made or completed: %.300s. Grant the role CREATE on it, "
        "or have its owner run init once",
        schema, message);
    memcpy(error->backend, backend, sizeof backend);
    return MASTRA_DENIED;
}

/* Under a lock that other stores mind, in one transaction: whoever was first has done it. */
static mastra_status make_at_once(struct postgres *backend, struct pg_connection *connection,
                                  struct script *script, struct inventory *inventory, mastra_error *error)
{
    mastra_error ignored = MASTRA_ERROR_INIT;
    mastra_status status = lock_schema(connection, script->schema, error);

    if (status == MASTRA_OK) {
        status = take_inventory(backend, connection, script->digest, inventory, error);
    }
    if (status == MASTRA_OK) {
        write_script(script, inventory);
        add_text(script, "COMMIT");
        status = script->failed
                     ? ms_error_oom(error)
                     : pg_exchange(connection, script->steps, script->count, NULL, NULL, NULL, error);
    }
    if (status != MASTRA_OK && !connection->lost) {
        pg_execute(connection, "ROLLBACK", &ignored);
    }
    return status;
}

static bool is_collision(const mastra_error *error)
{
    static const char *const states[] = {"42P07", "42710", "42P06", "23505", "42723", "42701", "XX000"};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(error->backend, states[i]) == 0) {
            return true;
        }
    }
    return error->retriable && error->status == MASTRA_CONFLICT;
}

/* A statement that changes the schema, or does nothing when that has been done. */
static mastra_status change(const struct pg_flavour *flavour, struct pg_connection *connection,
                            const char *sql, mastra_error *error)
{
    mastra_status status = pg_execute(connection, sql, error);

    for (int i = 1; flavour->narrow && i < STEP_ATTEMPTS && status != MASTRA_OK && !connection->lost &&
                    is_collision(error);
         i++) {
        ms_clock_sleep_us((int64_t)ms_random_below(STEP_PAUSE_MOST_US));
        status = pg_execute(connection, sql, error);
    }
    return status;
}

/* Statement by statement, each of which does nothing when somebody else was first. */
static mastra_status make_by_steps(struct postgres *backend, struct pg_connection *connection,
                                   struct script *script, struct inventory *inventory, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    write_script(script, inventory);
    if (script->failed) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < script->count && status == MASTRA_OK; i++) {
        status = change(backend->flavour, connection, script->steps[i].sql, error);
    }
    return status == MASTRA_OK ? take_inventory(backend, connection, script->digest, inventory, error)
                               : status;
}

static mastra_status make(struct postgres *backend, struct pg_connection *connection,
                          struct inventory *inventory, mastra_error *error)
{
    struct ms_arena *arena = ms_arena_new(backend->base.heap, 0);
    struct script *script = arena ? ms_arena_calloc(arena, sizeof *script) : NULL;
    mastra_status status;

    if (!script) {
        ms_arena_free(arena);
        return ms_error_oom(error);
    }
    script->flavour = backend->flavour;
    script->schema = backend->base.schema;
    script->digest = backend->digest;
    script->arena = arena;
    ms_buf_init(&script->text, backend->base.heap, 0);
    status = script->flavour->narrow ? make_by_steps(backend, connection, script, inventory, error)
                                     : make_at_once(backend, connection, script, inventory, error);
    ms_buf_release(&script->text);
    ms_arena_free(arena);
    return status == MASTRA_OK ? status : explain(backend->base.schema, error);
}

/* What makes the store quicker, or safer, and may not be had: an index too large to be built in the time there is, a key
 * over rows that are not unique. The peer goes on without them, too. */
static mastra_status try_statement(struct postgres *backend, struct pg_connection *connection,
                                   struct ms_buf *sql, const char *name, mastra_error *error)
{
    mastra_status status =
        sql->failed ? ms_error_oom(error) : change(backend->flavour, connection, sql->ptr, error);

    ms_buf_clear(sql);
    if (status == MASTRA_OK || connection->lost || status == MASTRA_OUT_OF_MEMORY) {
        return status;
    }
    ms_log_write(backend->base.log, MASTRA_LOG_WARNING, "%s in schema %s: %s", name, backend->base.schema,
                 error->message);
    return MASTRA_OK;
}

static mastra_status complete(struct postgres *backend, struct pg_connection *connection,
                              const struct inventory *inventory, mastra_error *error)
{
    const struct pg_flavour *flavour = backend->flavour;
    const char *schema = backend->base.schema;
    uint64_t missing = wanted_indexes(flavour, inventory) & ~inventory->indexes;
    mastra_status status = MASTRA_OK;
    struct ms_buf sql;

    ms_buf_init(&sql, backend->base.heap, 0);
    for (int e = 0; e < MS_ENTITY_COUNT && status == MASTRA_OK; e++) {
        if (inventory->columns[e] && ms_entity(e)->key_count > 0 && !inventory->keyed[e]) {
            pg_put_key(&sql, flavour, schema, ms_entity(e));
            status = try_statement(backend, connection, &sql, "key", error);
        }
    }
    if (status == MASTRA_OK && !flavour->narrow && inventory->columns[MS_SNAPSHOT] && !inventory->identity) {
        pg_put_replica_identity(&sql, schema, ms_entity(MS_SNAPSHOT));
        status = try_statement(backend, connection, &sql, "replica identity", error);
    }
    for (size_t i = 0; i < flavour->index_count && status == MASTRA_OK; i++) {
        if (missing & MS_BIT(i) && inventory->columns[flavour->indexes[i].entity]) {
            pg_put_index(&sql, flavour, schema, backend->digest, &flavour->indexes[i]);
            status = try_statement(backend, connection, &sql, flavour->indexes[i].name, error);
        }
    }
    ms_buf_release(&sql);
    return status;
}

static mastra_status take_digest(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    (void)step;
    (void)error;
    ms_error_copy(arg, PG_DIGEST_SIZE, pg_str_at(result, 0, 0));
    return MASTRA_OK;
}

/* `digest` is left alone when it is known or not needed. */
static mastra_status find_digest(const struct postgres *backend, struct pg_connection *connection,
                                 char digest[PG_DIGEST_SIZE], mastra_error *error)
{
    char name[PG_LONG_NAME];
    const char *const values[] = {name};
    const struct pg_step step = {.kind = PG_STEP_TEXT,
                                 .sql = "SELECT encode(sha256(convert_to($1::text, 'UTF8')), 'hex')",
                                 .param_count = 1,
                                 .values = values};

    if (digest[0] || !pg_needs_digest(backend->flavour, backend->base.schema, name)) {
        return MASTRA_OK;
    }
    return pg_exchange(connection, &step, 1, take_digest, digest, NULL, error);
}

static mastra_status ensure(struct postgres *backend, bool may_make, mastra_error *error)
{
    struct pg_connection *connection = NULL;
    struct inventory inventory;
    mastra_status status = pg_pool_borrow(&backend->base.client, INT64_MAX, &connection, error);

    if (status == MASTRA_OK && may_make) {
        status = find_digest(backend, connection, backend->digest, error);
    }
    if (status == MASTRA_OK) {
        status = take_inventory(backend, connection, may_make ? backend->digest : "", &inventory, error);
    }
    if (status == MASTRA_OK && may_make && !is_complete(backend->flavour, &inventory)) {
        status = make(backend, connection, &inventory, error);
        if (status == MASTRA_OK) {
            status = complete(backend, connection, &inventory, error);
        }
    }
    if (status == MASTRA_OK) {
        remember(backend, &inventory);
    }
    pg_pool_give_back(connection);
    return status;
}

/* Where each step stays done, it pays to go on after whatever came between. */
static bool worth_again(const struct pg_flavour *flavour, const mastra_error *error)
{
    if (!flavour->narrow) {
        return is_collision(error);
    }
    ms_clock_sleep_us((int64_t)ms_random_below(STEP_PAUSE_MOST_US));
    return error->retriable || is_collision(error);
}

mastra_status pg_ensure_schema(struct ms_backend *base, mastra_error *error)
{
    const struct postgres *backend = postgres_of(base);
    int most = backend->flavour->narrow ? STEP_ATTEMPTS : ATTEMPTS_MOST;
    mastra_status status;
    int attempts = 0;

    do {
        status = ensure(postgres_of(base), true, error);
    } while (status != MASTRA_OK && ++attempts < most && worth_again(backend->flavour, error));
    return status;
}

mastra_status pg_look_once(struct postgres *backend, mastra_error *error)
{
    return ensure(backend, false, error);
}

/* Telling. */

struct telling {
    ms_fault_fn tell;
    void *arg;
    const struct ms_entity *entity;
    bool room;
};

static void tell_of(struct telling *telling, enum ms_fault fault, const char *what)
{
    telling->room =
        telling->room && telling->tell(telling->arg, fault, telling->entity->table, mastra_str_of(what));
}

static void tell_columns(struct telling *telling, const struct inventory *inventory)
{
    const struct ms_entity *entity = telling->entity;
    uint64_t twins = wanted_twins(entity) & ~inventory->twins[entity->id];

    for (int i = 0; i < entity->column_count; i++) {
        char twin[PG_NAME_MOST + 1];

        if (!(inventory->columns[entity->id] & MS_BIT(i))) {
            tell_of(telling, MS_FAULT_COLUMN, entity->columns[i].name);
        }
        if (twins & MS_BIT(i)) {
            snprintf(twin, sizeof twin, "%sZ", entity->columns[i].name);
            tell_of(telling, MS_FAULT_COLUMN, twin);
        }
    }
    if (entity->sequence && !inventory->sequence[entity->id]) {
        tell_of(telling, MS_FAULT_COLUMN, entity->sequence);
    }
}

static void tell_indexes(struct telling *telling, const struct inventory *inventory,
                         const struct postgres *backend, const char *digest)
{
    const struct pg_flavour *flavour = backend->flavour;
    const char *schema = backend->base.schema;
    const struct ms_entity *entity = telling->entity;
    uint64_t missing = wanted_indexes(flavour, inventory) & ~inventory->indexes;
    char name[PG_NAME_MOST + 1];

    if (entity->key_count > 0 && !inventory->keyed[entity->id]) {
        if (entity->id == MS_SNAPSHOT || entity->id == MS_SPAN) {
            pg_constraint_name(flavour, schema, entity, name);
        } else {
            snprintf(name, sizeof name, "%s_pkey", entity->table);
        }
        tell_of(telling, MS_FAULT_INDEX, name);
    }
    for (size_t i = 0; i < flavour->index_count; i++) {
        if (flavour->indexes[i].entity == entity->id && missing & MS_BIT(i)) {
            pg_index_name(schema, digest, &flavour->indexes[i], name);
            tell_of(telling, MS_FAULT_INDEX, name);
        }
    }
}

mastra_status pg_tell_missing(struct pg_session *session, ms_fault_fn tell, void *arg, mastra_error *error)
{
    const struct postgres *backend = session->owner;
    struct telling telling = {tell, arg, NULL, true};
    char digest[PG_DIGEST_SIZE] = "";
    struct inventory inventory;
    mastra_status status = find_digest(backend, session->connection, digest, error);

    if (status == MASTRA_OK) {
        status = take_inventory(backend, session->connection, digest, &inventory, error);
    }
    for (int e = 0; status == MASTRA_OK && e < MS_ENTITY_COUNT; e++) {
        telling.entity = ms_entity(e);
        if (inventory.columns[e] == 0) {
            tell_of(&telling, MS_FAULT_TABLE, telling.entity->table);
        } else {
            tell_columns(&telling, &inventory);
            tell_indexes(&telling, &inventory, backend, digest);
        }
    }
    return telling.room ? status : ms_error_oom(error);
}
