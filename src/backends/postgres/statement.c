/* Plans: statements made ready for one exchange, prepared once on each connection. */
#include "backends/postgres/postgres.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdio.h>

#define NAME_SIZE       16

/* That a session is left with where they cannot be forgotten one by one. */
#define STATEMENTS_MOST 1000

/* Prepared statements of the connection. */

static uint32_t hash_of(const unsigned char *shape, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ shape[i]) * 16777619u;
    }
    return hash;
}

static struct pg_statement *look_up(const struct pg_connection *connection, const struct ms_sql *sql,
                                    uint32_t scope, uint32_t hash)
{
    for (size_t i = 0; i < connection->statement_count; i++) {
        struct pg_statement *statement = &connection->statements[i];

        if (statement->hash == hash && statement->scope == scope && statement->shape_len == sql->shape_len &&
            memcmp(statement->shape, sql->shape, sql->shape_len) == 0) {
            return statement;
        }
    }
    return NULL;
}

/* A free slot, or that of the statement unused for longest, which the server is told to forget. */
static struct pg_statement *make_room(struct pg_plan *plan, mastra_error *error)
{
    struct pg_connection *connection = plan->session->connection;
    struct pg_statement *oldest = &connection->statements[0];

    if (connection->statement_count < PG_STATEMENTS_MAX) {
        return &connection->statements[connection->statement_count++];
    }
    for (size_t i = 1; i < PG_STATEMENTS_MAX; i++) {
        if (connection->clock - connection->statements[i].used > connection->clock - oldest->used) {
            oldest = &connection->statements[i];
        }
    }
    if (pg_flavour_of(plan->session)->narrow) {
        /* It has no word for that: the session is replaced before it knows too many. */
        oldest->prepared = false;
        connection->worn = connection->next_statement > STATEMENTS_MOST;
    } else if (oldest->prepared) {
        char *sql = ms_arena_bytes(plan->arena, NAME_SIZE + 16);

        if (!sql) {
            ms_error_oom(error);
            return NULL;
        }
        snprintf(sql, NAME_SIZE + 16, "DEALLOCATE ms%u", oldest->number);
        oldest->prepared = false;
        if (pg_plan_text(plan, sql, NULL, 0, false, error) != MASTRA_OK) {
            return NULL;
        }
    }
    return oldest;
}

/* Steps. */

static struct pg_step *add_step(struct pg_plan *plan, struct pg_note **ret_note, mastra_error *error)
{
    if (plan->count == plan->room) {
        size_t room = plan->room ? plan->room * 2 : 16;
        struct pg_step *steps = ms_arena_alloc(plan->arena, room * sizeof *steps);
        struct pg_note *notes = ms_arena_alloc(plan->arena, room * sizeof *notes);

        if (!steps || !notes) {
            ms_error_oom(error);
            return NULL;
        }
        if (plan->count > 0) {
            memcpy(steps, plan->steps, plan->count * sizeof *steps);
            memcpy(notes, plan->notes, plan->count * sizeof *notes);
        }
        plan->steps = steps;
        plan->notes = notes;
        plan->room = room;
    }
    memset(&plan->steps[plan->count], 0, sizeof *plan->steps);
    memset(&plan->notes[plan->count], 0, sizeof *plan->notes);
    *ret_note = &plan->notes[plan->count];
    return &plan->steps[plan->count++];
}

mastra_status pg_plan_text(struct pg_plan *plan, const char *sql, const char *const *values, int count,
                           bool wanted, mastra_error *error)
{
    struct pg_note *note;
    struct pg_step *step = add_step(plan, &note, error);

    if (!step) {
        return MASTRA_OUT_OF_MEMORY;
    }
    step->kind = PG_STEP_TEXT;
    step->sql = sql;
    step->values = values;
    step->param_count = count;
    step->result_format = 1;
    note->wanted = wanted;
    return MASTRA_OK;
}

static mastra_status add_fate(struct pg_plan *plan, mastra_error *error)
{
    mastra_status status = pg_plan_text(plan, pg_flavour_of(plan->session)->fate, NULL, 0, false, error);

    if (status == MASTRA_OK) {
        plan->notes[plan->count - 1].tells_fate = true;
    }
    return status;
}

mastra_status pg_plan_begin(struct pg_plan *plan, struct pg_session *session, mastra_error *error)
{
    const struct pg_flavour *flavour = session->owner->flavour;
    mastra_status status = MASTRA_OK;

    memset(plan, 0, sizeof *plan);
    plan->session = session;
    if (!session->arena) {
        session->arena = ms_arena_new(session->owner->base.heap, 0);
    }
    plan->arena = session->arena;
    if (!plan->arena) {
        return ms_error_oom(error);
    }
    if (!session->connection) {
        status = pg_pool_borrow(&session->owner->base.client, INT64_MAX, &session->connection, error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    plan->first_number = session->connection->next_statement;
    if (session->begun || session->mode == MS_SESSION_READ) {
        return MASTRA_OK;
    }
    status = pg_plan_text(plan, session->mode == MS_SESSION_WRITE ? flavour->begin : flavour->begin_snapshot,
                          NULL, 0, false, error);
    return status == MASTRA_OK && pg_has_fate(session) ? add_fate(plan, error) : status;
}

/* The text of a statement, in the arena. */
static mastra_status compile(struct pg_plan *plan, struct ms_sql *sql, ms_sql_fn fn, const void *what,
                             const char **ret, mastra_error *error)
{
    const struct ms_dialect *dialect = sql->dialect;
    struct ms_buf text;
    mastra_str copy = {NULL, 0};
    mastra_status status = MASTRA_OK;

    ms_buf_init(&text, plan->session->owner->base.heap, 0);
    ms_sql_begin(sql, dialect, plan->session->owner->base.schema, &text);
    fn(sql, what);
    if (text.failed || !ms_arena_str(plan->arena, ms_buf_view(&text), &copy)) {
        status = ms_error_oom(error);
    }
    ms_buf_release(&text);
    *ret = copy.ptr;
    return status;
}

static mastra_status bind_values(struct pg_plan *plan, struct pg_step *step, const struct ms_sql *sql,
                                 const void *what, mastra_error *error)
{
    const char **values = ms_arena_alloc(plan->arena, (sql->bind_count + 1) * sizeof *values);
    int *lengths = ms_arena_alloc(plan->arena, (sql->bind_count + 1) * sizeof *lengths);
    int *formats = ms_arena_alloc(plan->arena, (sql->bind_count + 1) * sizeof *formats);
    bool plain_json = pg_flavour_of(plan->session)->json_is_text;
    mastra_status status = values && lengths && formats ? MASTRA_OK : ms_error_oom(error);

    for (size_t i = 0; i < sql->bind_count && status == MASTRA_OK; i++) {
        const struct ms_bind *bind = &sql->binds[i];
        struct pg_value value = {NULL, 0, 0};

        status = bind->kind == MS_BIND_COLUMN
                     ? pg_array_of(what, bind->column, plain_json, plan->arena, &value, error)
                     : pg_value_of(bind, plain_json, plan->arena, &value, error);
        values[i] = value.ptr;
        lengths[i] = value.len;
        formats[i] = value.format;
    }
    step->param_count = (int)sql->bind_count;
    step->values = values;
    step->lengths = lengths;
    step->formats = formats;
    step->result_format = 1;
    return status;
}

/* The step that has the server prepare the statement under a new name. */
static mastra_status prepare(struct pg_plan *plan, struct pg_statement *statement, struct ms_sql *sql,
                             ms_sql_fn fn, const void *what, mastra_error *error)
{
    struct pg_note *note;
    struct pg_step *step = add_step(plan, &note, error);
    char *name = ms_arena_bytes(plan->arena, NAME_SIZE);

    if (!step || !name) {
        return ms_error_oom(error);
    }
    statement->number = plan->session->connection->next_statement++;
    statement->prepared = false;
    snprintf(name, NAME_SIZE, "ms%u", statement->number);
    note->prepares = statement;
    note->number = statement->number;
    note->of_catalogue = true;
    step->kind = PG_STEP_PREPARE;
    step->name = name;
    return compile(plan, sql, fn, what, &step->sql, error);
}

static mastra_status find_or_prepare(struct pg_plan *plan, struct ms_sql *sql, ms_sql_fn fn, const void *what,
                                     uint32_t *ret_number, mastra_error *error)
{
    struct pg_connection *connection = plan->session->connection;
    uint32_t scope = plan->session->owner->base.scope;
    uint32_t hash = hash_of(sql->shape, sql->shape_len);
    struct pg_statement *statement = look_up(connection, sql, scope, hash);
    mastra_status status = MASTRA_OK;

    if (!statement) {
        statement = make_room(plan, error);
        if (!statement) {
            return error->status;
        }
        statement->hash = hash;
        statement->scope = scope;
        statement->rows = sql->rows;
        statement->shape_len = (uint8_t)sql->shape_len;
        memcpy(statement->shape, sql->shape, sql->shape_len);
        statement->used = connection->clock;
        status = prepare(plan, statement, sql, fn, what, error);
    } else if (!statement->prepared && statement->number < plan->first_number) {
        status = prepare(plan, statement, sql, fn, what, error);
    }
    statement->used = connection->clock++;
    *ret_number = statement->number;
    return status;
}

static mastra_status execute(struct pg_plan *plan, struct ms_sql *sql, ms_sql_fn fn, const void *what,
                             struct pg_step *step, bool *ret_stale, mastra_error *error)
{
    char *name = ms_arena_bytes(plan->arena, NAME_SIZE);
    uint32_t number = 0;
    mastra_status status = name ? find_or_prepare(plan, sql, fn, what, &number, error) : ms_error_oom(error);

    if (status == MASTRA_OK) {
        snprintf(name, NAME_SIZE, "ms%u", number);
        step->kind = PG_STEP_EXECUTE;
        step->name = name;
        *ret_stale = number < plan->first_number;
    }
    return status;
}

/* JSON that stands in columns of text is asked for in other words. */
static const struct ms_dialect *dialect_for(const struct pg_plan *plan, ms_sql_fn fn, const void *what)
{
    const struct pg_flavour *flavour = plan->session->owner->flavour;
    uint64_t columns;

    if (fn != ms_sql_list && fn != ms_sql_count && fn != ms_sql_page) {
        return flavour->dialect;
    }
    return pg_query_is_loose(plan->session->owner, what, &columns) ? flavour->text_dialect : flavour->dialect;
}

mastra_status pg_plan_add(struct pg_plan *plan, ms_sql_fn fn, const void *what, bool wanted,
                          unsigned *ret_rows, mastra_error *error)
{
    struct pg_step made = {.kind = PG_STEP_TEXT};
    struct ms_sql *sql = ms_arena_alloc(plan->arena, sizeof *sql);
    struct pg_note *note;
    struct pg_step *step;
    bool may_be_stale = false;
    mastra_status status;

    if (!sql) {
        return ms_error_oom(error);
    }
    ms_sql_begin(sql, dialect_for(plan, fn, what), plan->session->owner->base.schema, NULL);
    fn(sql, what);
    if (sql->uncached || !plan->session->connection->statements) {
        status = compile(plan, sql, fn, what, &made.sql, error);
    } else {
        status = execute(plan, sql, fn, what, &made, &may_be_stale, error);
    }
    if (status == MASTRA_OK) {
        status = bind_values(plan, &made, sql, what, error);
    }
    step = status == MASTRA_OK ? add_step(plan, &note, error) : NULL;
    if (!step) {
        return error->status;
    }
    *step = made;
    note->wanted = wanted;
    note->may_be_stale = may_be_stale;
    note->of_catalogue = !sql->uncached;
    if (ret_rows) {
        *ret_rows = sql->rows;
    }
    return MASTRA_OK;
}

/* Running. */

static mastra_status take(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    struct pg_plan *plan = arg;
    const struct pg_note *note = &plan->notes[step];

    if (note->prepares && note->prepares->number == note->number) {
        note->prepares->prepared = true;
    }
    if (note->tells_fate) {
        pg_note_fate(plan->session, result);
    }
    return note->wanted ? plan->read(plan->arg, plan->wanted++, result, error) : MASTRA_OK;
}

static bool is_state(const mastra_error *error, const char *state)
{
    return strcmp(error->backend, state) == 0;
}

static bool is_class(const mastra_error *error, const char *class_code)
{
    return strncmp(error->backend, class_code, strlen(class_code)) == 0;
}

/* Whether a row with the key of one that is written can be there although it was not as far as the unit knows. */
static bool may_have_come(const struct pg_plan *plan, const struct pg_note *note)
{
    if (note->must_be_new) {
        return true;
    }
    if (!pg_flavour_of(plan->session)->optimistic) {
        return false;
    }
    return note->write ? note->write->kind == MS_WRITE_PUT : plan->session->absent != NULL;
}

/* A table or column of the catalogue that is not there (any more). */
static mastra_status lacking(const struct pg_plan *plan, mastra_error *error)
{
    mastra_error said = *error;

    ms_error_set(
        error, MASTRA_USAGE,
        "schema \"%s\" lacks what the store needs (%.300s): run init, or open it without disable_init",
        plan->session->owner->base.schema, said.message);
    memcpy(error->backend, said.backend, sizeof error->backend);
    return MASTRA_USAGE;
}

/* What the refusal of a step means to the unit that it is of. */
static mastra_status explain(struct pg_plan *plan, const struct pg_note *note, mastra_error *error)
{
    const struct ms_write *write = note->write;

    if (write && write->kind == MS_WRITE_EXPECT && is_state(error, "22012")) {
        return ms_error_set(error, MASTRA_NOT_FOUND, "%s %.*s not found", write->entity->noun,
                            (int)write->key[0].len, write->key[0].ptr);
    }
    /* The server does not know how, or the role may not ask: the next run does without. Anything else may pass. */
    if (note->tells_fate && (is_class(error, "42") || is_class(error, "0A"))) {
        atomic_store(&plan->session->owner->fateless, true);
        error->retriable = true;
    }
    if (note->of_catalogue && (is_state(error, "42P01") || is_state(error, "42703"))) {
        return lacking(plan, error);
    }
    /* Somebody else was quicker: the next run will find the row. */
    if (is_state(error, "23505") && may_have_come(plan, note)) {
        error->retriable = true;
    }
    /* The next run does without the index. */
    if (is_state(error, "42P10") && write && write->entity->id < MS_ENTITY_COUNT &&
        pg_flavour_of(plan->session)->bears_no_key) {
        atomic_store(&plan->session->owner->keyless[write->entity->id], true);
        error->retriable = true;
    }
    /* The server has forgotten a statement, or has another idea of its table. A new connection has neither. What the
     * server says is no help, it speaks its owner's language. */
    if (is_state(error, "26000") || (is_state(error, "0A000") && note->may_be_stale)) {
        plan->session->connection->lost = true;
        error->retriable = true;
    }
    return error->status;
}

mastra_status pg_plan_run(struct pg_plan *plan, mastra_error *error)
{
    struct pg_session *session = plan->session;
    struct pg_outcome outcome = {0};
    bool commits = plan->count > 0 && plan->steps[plan->count - 1].commits;
    mastra_status status =
        pg_exchange(session->connection, plan->steps, plan->count, take, plan, &outcome, error);

    if (session->mode != MS_SESSION_READ) {
        session->begun = status != MASTRA_OK || !commits;
    }
    if (status != MASTRA_OK && outcome.by_server && outcome.step < plan->count) {
        status = explain(plan, &plan->notes[outcome.step], error);
    }
    return status;
}

/* Writes. */

/* How a record's key hashes; records without a key are all different. */
static uint32_t key_hash(const struct ms_write *write)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < write->entity->key_count; i++) {
        mastra_str part = *ms_field_str(&write->entity->columns[write->entity->keys[i]], write->record);

        hash = (hash ^ hash_of((const unsigned char *)part.ptr, part.len)) * 16777619u;
    }
    return hash;
}

/* In a table of so many places, a power of two more than there are hashes; false when it is there already. Different keys
 * that hash alike count as the same, which does no harm. */
static bool add_hash(uint32_t *places, size_t size, uint32_t hash)
{
    size_t at = hash & (size - 1);

    hash = hash ? hash : 1;
    while (places[at]) {
        if (places[at] == hash) {
            return false;
        }
        at = (at + 1) & (size - 1);
    }
    places[at] = hash;
    return true;
}

static bool same_kind(const struct ms_write *a, const struct ms_write *b)
{
    return b && a->kind == b->kind && a->entity == b->entity;
}

static size_t run_length(const struct ms_write *first)
{
    size_t count = 1;

    for (const struct ms_write *write = first->next; same_kind(first, write); write = write->next) {
        count++;
    }
    return count;
}

/* How many writes from here on can be one statement: in one, no row may be met twice. */
static size_t batch_length(struct pg_plan *plan, const struct ms_write *first, mastra_error *error)
{
    size_t most = run_length(first);
    size_t size = 16;
    size_t count = 0;
    uint32_t *places;

    if (most == 1 || first->entity->key_count == 0) {
        return most;
    }
    while (size < most * 2) {
        size *= 2;
    }
    places = ms_arena_calloc(plan->arena, size * sizeof *places);
    if (!places) {
        ms_error_oom(error);
        return 0;
    }
    for (const struct ms_write *write = first; count < most && add_hash(places, size, key_hash(write));
         write = write->next) {
        count++;
    }
    return count;
}

static bool same_key(const struct ms_entity *entity, const mastra_str *a, const mastra_str *b)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        if (ms_str_compare(a[i], b[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_absent(const struct pg_session *session, const struct ms_write *write)
{
    mastra_str key[MS_KEYS_MOST] = {{NULL, 0}};

    for (size_t i = 0; i < write->entity->key_count; i++) {
        key[i] = *ms_field_str(&write->entity->columns[write->entity->keys[i]], write->record);
    }
    for (const struct pg_absent *absent = session->absent; absent; absent = absent->next) {
        if (absent->entity == write->entity && same_key(absent->entity, absent->key, key)) {
            return true;
        }
    }
    return false;
}

static mastra_status add_write(struct pg_plan *plan, ms_sql_fn fn, const void *what,
                               const struct ms_write *write, mastra_error *error)
{
    mastra_status status = pg_plan_add(plan, fn, what, false, NULL, error);

    if (status == MASTRA_OK) {
        plan->notes[plan->count - 1].write = write;
    }
    return status;
}

/* A record whose key was asked for and not found: one that has come meanwhile must not be written over. */
static mastra_status add_new(struct pg_plan *plan, const struct ms_write *write, mastra_error *error)
{
    struct ms_write *insert = ms_arena_alloc(plan->arena, sizeof *insert);
    mastra_status status;

    if (!insert) {
        return ms_error_oom(error);
    }
    *insert = *write;
    insert->kind = MS_WRITE_INSERT;
    status = add_write(plan, ms_sql_write, insert, write, error);
    if (status == MASTRA_OK) {
        plan->notes[plan->count - 1].must_be_new = true;
    }
    return status;
}

static bool may_be_absent(const struct pg_session *session, const struct ms_entity *entity)
{
    const struct pg_absent *absent = session->absent;

    while (absent && absent->entity != entity) {
        absent = absent->next;
    }
    return absent != NULL;
}

/* A row whose key no index keeps: changed where it is there, and put there where it is not. */
static mastra_status add_keyless(struct pg_plan *plan, const struct ms_write *write, mastra_error *error)
{
    const struct ms_entity *entity = write->entity;
    struct ms_write *patch = ms_arena_alloc(plan->arena, sizeof *patch);
    struct ms_sql_batch *batch = ms_arena_alloc(plan->arena, sizeof *batch);
    mastra_status status;

    if (!patch || !batch) {
        return ms_error_oom(error);
    }
    *patch = *write;
    patch->kind = MS_WRITE_PATCH;
    patch->columns = ms_entity_fields(entity) & ~ms_entity_keys(entity) & ~ms_entity_kept(entity);
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (column->flags & MS_STICKY && !ms_field_str(column, write->record)->ptr) {
            patch->columns &= ~MS_BIT(i);
        }
    }
    *batch = (struct ms_sql_batch){write, 1, true};
    status = add_write(plan, ms_sql_write, patch, write, error);
    return status == MASTRA_OK ? add_write(plan, ms_sql_batch, batch, write, error) : status;
}

static bool is_keyless(const struct pg_session *session, const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;

    return write->kind == MS_WRITE_PUT && entity->id < MS_ENTITY_COUNT &&
           atomic_load(&session->owner->keyless[entity->id]);
}

static mastra_status add_records(struct pg_plan *plan, const struct ms_write *first, size_t *ret_taken,
                                 mastra_error *error)
{
    const struct pg_session *session = plan->session;
    bool alone = may_be_absent(session, first->entity);
    struct ms_sql_batch batch = {first, 1, false};

    *ret_taken = 1;
    if (is_keyless(session, first)) {
        return add_keyless(plan, first, error);
    }
    if (alone && first->entity->id < MS_ENTITY_COUNT && is_absent(session, first)) {
        return add_new(plan, first, error);
    }
    if (!alone && first->entity->id < MS_ENTITY_COUNT && session->owner->flavour->dialect->array) {
        batch.count = batch_length(plan, first, error);
    }
    if (batch.count == 0) {
        return MASTRA_OUT_OF_MEMORY;
    }
    *ret_taken = batch.count;
    return batch.count > 1 ? add_write(plan, ms_sql_batch, &batch, first, error)
                           : add_write(plan, ms_sql_write, first, first, error);
}

/* Rows that go by the single column of their key go together. */
static mastra_status add_erasures(struct pg_plan *plan, const struct ms_write *first, size_t *ret_taken,
                                  mastra_error *error)
{
    const struct ms_entity *entity = first->entity;
    size_t count = entity->key_count == 1 && entity->id < MS_ENTITY_COUNT ? run_length(first) : 1;
    struct ms_query *query = ms_arena_alloc(plan->arena, sizeof *query);
    mastra_str *keys = ms_arena_alloc(plan->arena, count * sizeof *keys);
    struct ms_write *all = ms_arena_alloc(plan->arena, sizeof *all);

    *ret_taken = count;
    if (count == 1) {
        return add_write(plan, ms_sql_write, first, first, error);
    }
    if (!query || !keys || !all) {
        return ms_error_oom(error);
    }
    ms_query_init_on(query, entity);
    ms_query_any_of(query, entity->keys[0], keys, count);
    *all = *first;
    all->kind = MS_WRITE_ERASE_ALL;
    all->query = query;
    for (size_t i = 0; i < count; i++, first = first->next) {
        keys[i] = first->key[0];
    }
    return add_write(plan, ms_sql_write, all, all, error);
}

static bool is_touch_of(const struct ms_write *expected, const struct ms_write *write)
{
    return write && write->kind == MS_WRITE_TOUCH && write->entity == expected->entity &&
           same_key(write->entity, write->key, expected->key);
}

static mastra_status add_next(struct pg_plan *plan, const struct ms_write *write, size_t *ret_taken,
                              mastra_error *error)
{
    *ret_taken = 1;
    switch (write->kind) {
    case MS_WRITE_PUT:
    case MS_WRITE_INSERT:
        return add_records(plan, write, ret_taken, error);
    case MS_WRITE_ERASE:
        return add_erasures(plan, write, ret_taken, error);
    case MS_WRITE_EXPECT:
        if (pg_flavour_of(plan->session)->dialect->returning && is_touch_of(write, write->next)) {
            *ret_taken = 2;
            return add_write(plan, ms_sql_touch_expected, write->next, write, error);
        }
        break;
    default:
        break;
    }
    return add_write(plan, ms_sql_write, write, write, error);
}

mastra_status pg_plan_writes(struct pg_plan *plan, const struct ms_write *first, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    while (first && status == MASTRA_OK) {
        size_t taken = 0;

        status = add_next(plan, first, &taken, error);
        for (size_t i = 0; i < taken && first; i++) {
            first = first->next;
        }
    }
    return status;
}
