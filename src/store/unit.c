#include "store/unit.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "store/record.h"
#include "store/store.h"

/* Full jitter between attempts: up to this at first, doubling to the ceiling. */
#define BACKOFF_FIRST_US 2000
#define BACKOFF_MOST_US  200000

mastra_status ms_unit_get(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key, bool lock,
                          void **ret)
{
    return unit->session->backend->ops->get(unit->session, ms_entity(entity), key, lock, unit->arena, ret,
                                            unit->error);
}

mastra_status ms_unit_list(struct ms_unit *unit, const struct ms_query *query, struct ms_rows *ret)
{
    return unit->session->backend->ops->list(unit->session, query, unit->arena, ret, unit->error);
}

mastra_status ms_unit_count(struct ms_unit *unit, const struct ms_query *query, int64_t *ret)
{
    return unit->session->backend->ops->count(unit->session, query, ret, unit->error);
}

/* A first page that is not full is the whole list: its rows need no counting. A later page is counted first, so that
 * the backend may read it from the nearer end. */
static mastra_status list_and_count(struct ms_unit *unit, const struct ms_query *query, struct ms_rows *ret,
                                    int64_t *ret_total)
{
    struct ms_query known = *query;
    mastra_status status;

    if (query->offset == 0) {
        status = ms_unit_list(unit, query, ret);
        *ret_total = (int64_t)ret->count;
        return status == MASTRA_OK && *ret_total == query->limit ? ms_unit_count(unit, query, ret_total)
                                                                 : status;
    }
    status = ms_unit_count(unit, query, ret_total);
    known.known_total = *ret_total;
    return status == MASTRA_OK && query->offset < *ret_total ? ms_unit_list(unit, &known, ret) : status;
}

/* All rows from the first on are one statement, and their number is their count. */
static bool is_whole(const struct ms_query *query)
{
    return query->limit == MS_NO_LIMIT && query->offset == 0;
}

mastra_status ms_unit_page(struct ms_unit *unit, const struct ms_query *query, struct ms_rows *ret,
                           int64_t *ret_total)
{
    const struct ms_backend_ops *ops = unit->session->backend->ops;

    if (is_whole(query) || !ops->page) {
        return list_and_count(unit, query, ret, ret_total);
    }
    return ops->page(unit->session, query, unit->arena, ret, ret_total, unit->error);
}

enum ms_read_mode ms_page_mode(const struct ms_call *call, const struct ms_query *query)
{
    return is_whole(query) || call->store->backend->ops->page ? MS_READ_ONE : MS_READ_SNAPSHOT;
}

mastra_status ms_unit_clock(struct ms_unit *unit, mastra_time *ret)
{
    return unit->session->backend->ops->clock(unit->session, ret, unit->error);
}

static struct ms_write *add(struct ms_unit *unit, enum ms_write_kind kind, const struct ms_entity *entity)
{
    struct ms_write *write = ms_arena_calloc(unit->arena, sizeof *write);

    if (!write) {
        ms_error_oom(unit->error);
        return NULL;
    }
    write->kind = kind;
    write->entity = entity;
    if (unit->last) {
        unit->last->next = write;
    } else {
        unit->first = write;
    }
    unit->last = write;
    return write;
}

static mastra_status add_record(struct ms_unit *unit, enum ms_write_kind kind, const struct ms_entity *entity,
                                const void *record, uint64_t columns)
{
    struct ms_write *write = add(unit, kind, entity);

    if (!write) {
        return MASTRA_OUT_OF_MEMORY;
    }
    write->record = record;
    write->columns = columns;
    return MASTRA_OK;
}

static mastra_status add_key(struct ms_unit *unit, enum ms_write_kind kind, const struct ms_entity *entity,
                             const mastra_str *key)
{
    struct ms_write *write = add(unit, kind, entity);

    if (!write) {
        return MASTRA_OUT_OF_MEMORY;
    }
    memcpy(write->key, key, write->entity->key_count * sizeof *key);
    return MASTRA_OK;
}

mastra_status ms_unit_put(struct ms_unit *unit, enum ms_entity_id entity, const void *record)
{
    return add_record(unit, MS_WRITE_PUT, ms_entity(entity), record, 0);
}

mastra_status ms_unit_insert(struct ms_unit *unit, enum ms_entity_id entity, const void *record)
{
    return add_record(unit, MS_WRITE_INSERT, ms_entity(entity), record, 0);
}

mastra_status ms_unit_patch(struct ms_unit *unit, enum ms_entity_id entity, const void *record,
                            uint64_t columns)
{
    return add_record(unit, MS_WRITE_PATCH, ms_entity(entity), record, columns);
}

mastra_status ms_unit_touch(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key,
                            uint8_t column, mastra_time time)
{
    mastra_status status = add_key(unit, MS_WRITE_TOUCH, ms_entity(entity), key);

    if (status == MASTRA_OK) {
        unit->last->columns = MS_BIT(column);
        unit->last->time = time;
    }
    return status;
}

mastra_status ms_unit_erase(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key)
{
    return add_key(unit, MS_WRITE_ERASE, ms_entity(entity), key);
}

mastra_status ms_unit_expect(struct ms_unit *unit, enum ms_entity_id entity, const mastra_str *key)
{
    return add_key(unit, MS_WRITE_EXPECT, ms_entity(entity), key);
}

mastra_status ms_unit_insert_into(struct ms_unit *unit, const struct ms_entity *entity, const void *record)
{
    return add_record(unit, MS_WRITE_INSERT, entity, record, 0);
}

mastra_status ms_unit_put_into(struct ms_unit *unit, const struct ms_entity *entity, const void *record)
{
    return add_record(unit, MS_WRITE_PUT, entity, record, 0);
}

mastra_status ms_unit_patch_in(struct ms_unit *unit, const struct ms_entity *entity, const void *record,
                               uint64_t columns)
{
    return add_record(unit, MS_WRITE_PATCH, entity, record, columns);
}

mastra_status ms_unit_erase_from(struct ms_unit *unit, const struct ms_entity *entity, const mastra_str *key)
{
    return add_key(unit, MS_WRITE_ERASE, entity, key);
}

static mastra_status add_query(struct ms_unit *unit, enum ms_write_kind kind, const struct ms_query *query)
{
    struct ms_write *write = add(unit, kind, query->entity);

    if (!write) {
        return MASTRA_OUT_OF_MEMORY;
    }
    write->query = query;
    return MASTRA_OK;
}

mastra_status ms_unit_patch_all(struct ms_unit *unit, const struct ms_query *query, const void *record,
                                uint64_t columns)
{
    mastra_status status = add_query(unit, MS_WRITE_PATCH_ALL, query);

    if (status == MASTRA_OK) {
        unit->last->record = record;
        unit->last->columns = columns;
    }
    return status;
}

mastra_status ms_unit_erase_all(struct ms_unit *unit, const struct ms_query *query)
{
    return add_query(unit, MS_WRITE_ERASE_ALL, query);
}

mastra_status ms_unit_describe_table(struct ms_unit *unit, mastra_str table, const struct ms_entity **ret)
{
    return unit->session->backend->ops->describe_table(unit->session, table, unit->arena, ret, unit->error);
}

mastra_status ms_unit_ensure_table(struct ms_unit *unit, const struct ms_entity *entity, uint64_t columns)
{
    return unit->session->backend->ops->ensure_table(unit->session, entity, columns, unit->error);
}

mastra_status ms_unit_drop_table(struct ms_unit *unit, mastra_str table)
{
    ms_store_tables_changed(unit->call->store);
    return unit->session->backend->ops->drop_table(unit->session, table, unit->error);
}

mastra_status ms_unit_create_index(struct ms_unit *unit, const struct ms_index_wish *wish)
{
    return unit->session->backend->ops->create_index(unit->session, wish, unit->error);
}

mastra_status ms_unit_drop_index(struct ms_unit *unit, mastra_str name)
{
    return unit->session->backend->ops->drop_index(unit->session, name, unit->error);
}

mastra_status ms_unit_erase_repeats(struct ms_unit *unit, const struct ms_repeats *repeats,
                                    struct ms_rows *ret)
{
    return unit->session->backend->ops->erase_repeats(unit->session, repeats, unit->arena, ret, unit->error);
}

mastra_status ms_unit_list_indexes(struct ms_unit *unit, mastra_str table, mastra_str name,
                                   struct ms_rows *ret)
{
    return unit->session->backend->ops->list_indexes(unit->session, table, name, unit->arena, ret,
                                                     unit->error);
}

void ms_unit_place(const struct ms_unit *unit, char *out, size_t size)
{
    unit->session->backend->ops->place(unit->session->backend, out, size);
}

void *ms_unit_record(struct ms_unit *unit, enum ms_entity_id entity)
{
    void *record = ms_record_new(unit->arena, ms_entity(entity));

    if (!record) {
        ms_error_oom(unit->error);
    }
    return record;
}

/* Whether another attempt makes sense; waits before it. */
static bool try_again(struct ms_call *call, mastra_status status, int64_t *backoff_us)
{
    bool worth = call->error.retriable || (status == MASTRA_UNKNOWN_OUTCOME && call->op->repeatable);

    if (!worth || ms_clock_monotonic_ns() >= call->deadline_ns) {
        return false;
    }
    ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)*backoff_us));
    *backoff_us = *backoff_us * 2 < BACKOFF_MOST_US ? *backoff_us * 2 : BACKOFF_MOST_US;
    return true;
}

/* However the last attempt failed: one before it may have been committed. */
static mastra_status still_unknown(mastra_error *error)
{
    char message[sizeof error->message];

    ms_error_copy(message, sizeof message, mastra_str_of(error->message));
    error->id[0] = '\0';
    error->category[0] = '\0';
    return ms_error_set(error, MASTRA_UNKNOWN_OUTCOME, "%.400s; an attempt before may have been committed",
                        message);
}

mastra_status ms_transact(struct ms_call *call, ms_unit_fn fn, void *arg, struct ms_arena **ret_arena)
{
    int64_t backoff_us = BACKOFF_FIRST_US;
    struct ms_arena *arena = NULL;
    bool unknown = false;
    mastra_status status;

    /* A call may have several units; what the next one inserts comes behind what the last one did. */
    call->sequence_count = 0;
    if (call->group) {
        status = ms_group_run(call->group, call, fn, arg, &arena);
    } else {
        do {
            status = ms_executor_run(call, fn, arg, &arena);
            unknown = unknown || status == MASTRA_UNKNOWN_OUTCOME;
        } while (status != MASTRA_OK && try_again(call, status, &backoff_us));
    }
    if (status != MASTRA_OK) {
        return unknown && status != MASTRA_UNKNOWN_OUTCOME ? still_unknown(&call->error) : status;
    }
    if (ret_arena) {
        *ret_arena = arena;
    } else {
        ms_arena_free(arena);
    }
    return MASTRA_OK;
}

static enum ms_session_mode session_mode_of(const struct ms_call *call, enum ms_read_mode mode)
{
    if (call->glances) {
        return MS_SESSION_GLANCE;
    }
    return mode == MS_READ_SNAPSHOT ? MS_SESSION_SNAPSHOT : MS_SESSION_READ;
}

static mastra_status read_once(struct ms_call *call, enum ms_read_mode mode, ms_unit_fn fn, void *arg,
                               struct ms_arena **ret_arena)
{
    struct ms_backend *backend = call->store->backend;
    enum ms_session_mode session_mode = session_mode_of(call, mode);
    struct ms_unit unit = {.call = call, .error = &call->error};
    mastra_status status = backend->ops->begin(backend, session_mode, &unit.session, &call->error);

    if (status != MASTRA_OK) {
        return status;
    }
    unit.arena = ms_arena_new(call->store->heap, 0);
    status = unit.arena ? fn(&unit, arg) : ms_error_oom(&call->error);
    backend->ops->rollback(unit.session);
    if (status != MASTRA_OK || !ret_arena) {
        ms_arena_free(unit.arena);
    } else {
        *ret_arena = unit.arena;
    }
    return status;
}

mastra_status ms_read(struct ms_call *call, enum ms_read_mode mode, ms_unit_fn fn, void *arg,
                      struct ms_arena **ret_arena)
{
    mastra_store *store = call->store;
    bool alone = (store->traits & MS_TRAIT_ONE_CONNECTION) != 0;
    int64_t backoff_us = BACKOFF_FIRST_US;
    mastra_status status;

    if (call->glances) {
        return mode == MS_READ_ROW ? read_once(call, mode, fn, arg, ret_arena)
                                   : ms_error_set(&call->error, MASTRA_BUSY, "more than a row is to be read");
    }
    if (alone) {
        ms_executor_acquire(&store->executor);
    }
    do {
        status = read_once(call, mode, fn, arg, ret_arena);
    } while (status != MASTRA_OK && try_again(call, status, &backoff_us));
    if (alone) {
        ms_executor_release(&store->executor);
    }
    return status;
}
