/*
 * Committing within the limits of one transaction. What does not fit is done in parts, in the order in which the unit gave
 * its writes: what others depend upon comes last when it is made and first when it goes. Each part is safe to repeat, so
 * that the whole is.
 */
#include "backends/dsql/dsql.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdio.h>

#define PAUSE_FIRST_US 5000
#define PAUSE_MOST_US  500000

/* Parts under way. */
struct parts {
    struct dsql *backend;
    struct ms_session *session; /* of the unit, in which the first part is written; NULL behind it */
    struct ms_arena *arena;     /* of the part */
    int64_t deadline_ns;
    size_t done;
    mastra_error *error;
};

mastra_status dsql_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                         mastra_error *error)
{
    mastra_status status = dsql_check_writes(first, error);

    *ret_begun = false;
    return status == MASTRA_OK ? pg_apply(session, first, ret_begun, error) : status;
}

static bool is_wide(const struct ms_write *write)
{
    return write->kind == MS_WRITE_ERASE_ALL || write->kind == MS_WRITE_PATCH_ALL;
}

/* Whether all of it is one transaction. How many rows a query means is asked for in the unit's own. */
static mastra_status measure(struct ms_session *session, const struct ms_write *first, bool *ret_fits,
                             mastra_error *error)
{
    mastra_status status = MASTRA_OK;
    int64_t rows = 0;
    size_t bytes = 0;

    for (const struct ms_write *write = first; write && status == MASTRA_OK; write = write->next) {
        int64_t met = write->kind != MS_WRITE_EXPECT;

        if (is_wide(write)) {
            status = pg_count(session, write->query, &met, error);
        }
        rows += met;
        bytes += dsql_write_size(write) * (size_t)(met > 0 ? met : 1);
    }
    *ret_fits = rows <= DSQL_ROWS_MOST && bytes <= DSQL_BYTES_MOST;
    return status;
}

/* Parts. */

static bool may_repeat(const struct ms_write *first, mastra_status status, const mastra_error *error)
{
    if (status != MASTRA_UNKNOWN_OUTCOME) {
        return error->retriable;
    }
    for (; first; first = first->next) {
        if (first->kind == MS_WRITE_INSERT) {
            return false;
        }
    }
    return true;
}

/* The first part is in the unit's own transaction; if it fails, nothing has happened, and the unit is run again. */
static mastra_status send_part(struct parts *parts, const struct ms_write *first)
{
    struct ms_session *session = parts->session;
    bool begun = false;
    mastra_status status = MASTRA_OK;

    parts->session = NULL;
    if (!session) {
        status = pg_begin(&parts->backend->postgres.base.base, MS_SESSION_WRITE, &session, parts->error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    pg_apply(session, first, &begun, parts->error);
    status = pg_commit(session, parts->error);
    if (status == MASTRA_UNKNOWN_OUTCOME) {
        status = dsql_look_up(&parts->backend->postgres.base.base, first, parts->error);
    }
    return status;
}

static mastra_status write_part(struct parts *parts, const struct ms_write *first)
{
    int64_t pause_us = PAUSE_FIRST_US;
    mastra_status status = send_part(parts, first);

    while (status != MASTRA_OK && parts->done > 0 && may_repeat(first, status, parts->error) &&
           ms_clock_monotonic_ns() < parts->deadline_ns) {
        ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)pause_us));
        pause_us = pause_us * 2 < PAUSE_MOST_US ? pause_us * 2 : PAUSE_MOST_US;
        status = send_part(parts, first);
    }
    parts->done += status == MASTRA_OK;
    return status;
}

/* Copies so many writes of a list, which ends behind them. */
static struct ms_write *copy_writes(struct parts *parts, const struct ms_write *first, size_t count)
{
    struct ms_write *copies = ms_arena_alloc(parts->arena, count * sizeof *copies);

    for (size_t i = 0; copies && i < count; i++, first = first->next) {
        copies[i] = *first;
        copies[i].next = i + 1 < count ? &copies[i + 1] : NULL;
    }
    return copies;
}

/* Forgets the memory of the last part. */
static mastra_status begin_part(struct parts *parts)
{
    ms_arena_free(parts->arena);
    parts->arena = ms_arena_new(parts->backend->postgres.base.heap, 0);
    return parts->arena ? MASTRA_OK : ms_error_oom(parts->error);
}

static mastra_status write_some(struct parts *parts, const struct ms_write *first, size_t count)
{
    struct ms_write *copies;
    mastra_status status;

    if (count == 0) {
        return MASTRA_OK;
    }
    status = begin_part(parts);
    if (status != MASTRA_OK) {
        return status;
    }
    copies = copy_writes(parts, first, count);
    return copies ? write_part(parts, copies) : ms_error_oom(parts->error);
}

/* What must be there is looked for before anything is written. */
static mastra_status check_expected(struct parts *parts, const struct ms_write *first)
{
    struct ms_write *expected = NULL;
    struct ms_write **end = &expected;
    struct pg_plan plan;
    mastra_status status = begin_part(parts);

    for (; first && status == MASTRA_OK; first = first->next) {
        if (first->kind == MS_WRITE_EXPECT) {
            *end = copy_writes(parts, first, 1);
            status = *end ? MASTRA_OK : ms_error_oom(parts->error);
            end = *end ? &(*end)->next : end;
        }
    }
    if (status != MASTRA_OK || !expected) {
        return status;
    }
    status = pg_plan_begin(&plan, pg_session_of(parts->session), parts->error);
    if (status == MASTRA_OK) {
        status = pg_plan_writes(&plan, expected, parts->error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, parts->error) : status;
}

/* Queries that mean many rows. */

static mastra_status list_keys(struct parts *parts, const struct ms_query *query, struct ms_rows *rows)
{
    struct ms_session *session = NULL;
    mastra_status status;

    if (parts->session) {
        return pg_list(parts->session, query, parts->arena, rows, parts->error);
    }
    status = pg_begin(&parts->backend->postgres.base.base, MS_SESSION_READ, &session, parts->error);
    if (status == MASTRA_OK) {
        status = pg_list(session, query, parts->arena, rows, parts->error);
        pg_rollback(session);
    }
    return status;
}

static void set_key(struct ms_write *write, const void *row)
{
    for (size_t i = 0; i < write->entity->key_count; i++) {
        write->key[i] = *ms_field_str(&write->entity->columns[write->entity->keys[i]], row);
    }
}

/* The same for these rows alone: one of them that has come to be no such row meanwhile stays as it is. */
static struct ms_write *narrowed(struct parts *parts, const struct ms_write *wide, const struct ms_rows *rows)
{
    const struct ms_entity *entity = wide->entity;
    struct ms_write *write = ms_arena_alloc(parts->arena, sizeof *write);
    struct ms_query *query = ms_arena_alloc(parts->arena, sizeof *query);
    mastra_str *keys = ms_arena_alloc(parts->arena, rows->count * sizeof *keys);

    if (!write || !query || !keys) {
        return NULL;
    }
    for (size_t i = 0; i < rows->count; i++) {
        keys[i] = *ms_field_str(&entity->columns[entity->keys[0]], rows->items[i]);
    }
    *query = *wide->query;
    ms_query_any_of(query, entity->keys[0], keys, rows->count);
    *write = *wide;
    write->next = NULL;
    write->query = query;
    return write;
}

/* What a query is to change, so many rows at a time. */
static struct ms_write *writes_of(struct parts *parts, const struct ms_write *wide,
                                  const struct ms_rows *rows)
{
    const struct ms_entity *entity = wide->entity;
    struct ms_write *writes;

    if (entity->key_count == 1) {
        return narrowed(parts, wide, rows);
    }
    writes = ms_arena_calloc(parts->arena, rows->count * sizeof *writes);
    for (size_t i = 0; writes && i < rows->count; i++) {
        writes[i].kind = MS_WRITE_ERASE;
        writes[i].entity = entity;
        writes[i].next = i + 1 < rows->count ? &writes[i + 1] : NULL;
        set_key(&writes[i], rows->items[i]);
    }
    return writes;
}

static mastra_status refuse_keyless(const struct ms_write *wide, mastra_error *error)
{
    return ms_error_set(
        error, MASTRA_LIMIT_EXCEEDED,
        "more than %d rows of %s cannot be changed at once: the table has no key by which they "
        "could be changed in parts",
        DSQL_ROWS_MOST, wide->entity->table);
}

/* Rows that are gone are not met again; those that are changed lie behind the last key. */
static mastra_status write_wide(struct parts *parts, const struct ms_write *wide)
{
    const struct ms_entity *entity = wide->entity;
    struct ms_query query = *wide->query;
    char *last = NULL;
    mastra_status status = MASTRA_OK;
    size_t met;

    if (entity->key_count == 0 || (wide->kind == MS_WRITE_PATCH_ALL && entity->key_count != 1)) {
        return refuse_keyless(wide, parts->error);
    }
    query.columns = ms_entity_keys(entity);
    query.order = entity->keys[0];
    query.descending = false;
    query.grouped = false;
    query.lock = false;
    query.offset = 0;
    query.limit = DSQL_PART_ROWS;
    query.known_total = -1;
    do {
        struct ms_rows rows = {NULL, 0};
        struct ms_write *writes = NULL;

        status = begin_part(parts);
        if (status == MASTRA_OK) {
            status = list_keys(parts, &query, &rows);
        }
        met = rows.count;
        if (status == MASTRA_OK && met > 0) {
            writes = writes_of(parts, wide, &rows);
            status = writes ? write_part(parts, writes) : ms_error_oom(parts->error);
        }
        if (status == MASTRA_OK && met > 0 && wide->kind == MS_WRITE_PATCH_ALL) {
            mastra_str key = *ms_field_str(&entity->columns[entity->keys[0]], rows.items[met - 1]);

            ms_heap_release(parts->backend->postgres.base.heap, last);
            last = ms_heap_strdup(parts->backend->postgres.base.heap, key);
            status = last ? MASTRA_OK : ms_error_oom(parts->error);
            query.where_count = wide->query->where_count;
            ms_query_text(&query, MS_ABOVE, entity->keys[0], (mastra_str){last, key.len});
        }
    } while (status == MASTRA_OK && met == DSQL_PART_ROWS);
    ms_heap_release(parts->backend->postgres.base.heap, last);
    return status;
}

static mastra_status write_all(struct parts *parts, const struct ms_write *first)
{
    const struct ms_write *from = first;
    mastra_status status = MASTRA_OK;
    size_t bytes = 0;
    size_t count = 0;

    for (const struct ms_write *write = first; write && status == MASTRA_OK; write = write->next) {
        size_t size = dsql_write_size(write);
        bool full = count >= DSQL_PART_ROWS || bytes + size > DSQL_PART_BYTES;

        if (is_wide(write) || full) {
            status = write_some(parts, from, count);
            from = write;
            count = 0;
            bytes = 0;
        }
        if (is_wide(write) && status == MASTRA_OK) {
            status = write_wide(parts, write);
            from = write->next;
        } else {
            bytes += size;
            count++;
        }
    }
    return status == MASTRA_OK ? write_some(parts, from, count) : status;
}

/* Some of it is there by now. */
static mastra_status report(const struct parts *parts, mastra_status status)
{
    char message[sizeof parts->error->message];

    if (parts->done == 0 || status == MASTRA_OK) {
        return status;
    }
    ms_error_copy(message, sizeof message, mastra_str_of(parts->error->message));
    snprintf(parts->error->message, sizeof parts->error->message,
             "%.300s; the call was too large for one transaction, and %zu of its parts had been written: "
             "repeat it",
             message, parts->done);
    parts->error->retriable = false;
    return status;
}

static mastra_status commit_in_parts(struct ms_session *session, const struct ms_write *first,
                                     mastra_error *error)
{
    struct dsql *backend = dsql_of(session->backend);
    struct parts parts = {.backend = backend, .session = session, .error = error};
    mastra_status status;

    parts.deadline_ns = ms_clock_monotonic_ns() + backend->patience_ms * 1000000;
    status = check_expected(&parts, first);
    if (status == MASTRA_OK) {
        status = write_all(&parts, first);
    }
    if (parts.session) {
        pg_rollback(parts.session);
    }
    ms_arena_free(parts.arena);
    return report(&parts, status);
}

mastra_status dsql_commit(struct ms_session *session, mastra_error *error)
{
    const struct ms_write *first = pg_session_of(session)->writes;
    struct ms_backend *backend = session->backend;
    bool fits = true;
    mastra_status status = first ? measure(session, first, &fits, error) : MASTRA_OK;

    if (status != MASTRA_OK) {
        pg_rollback(session);
        return status;
    }
    if (!fits) {
        return commit_in_parts(session, first, error);
    }
    status = pg_commit(session, error);
    return status == MASTRA_UNKNOWN_OUTCOME && first ? dsql_look_up(backend, first, error) : status;
}
