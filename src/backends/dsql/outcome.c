/* What became of a commit whose answer was not heard. */
#include "backends/dsql/dsql.h"
#include "base/error.h"
#include "base/str.h"

#include <math.h>

static bool same_field(const struct ms_column *column, const void *a, const void *b)
{
    const void *left = ms_field(column, a);
    const void *right = ms_field(column, b);

    switch (column->type) {
    case MS_TEXT:
    case MS_JSON: {
        const mastra_str *x = left;
        const mastra_str *y = right;

        return (x->ptr == NULL) == (y->ptr == NULL) && ms_str_compare(*x, *y) == 0;
    }
    case MS_INTEGER:
    case MS_BIGINT:
        return *(const int64_t *)left == *(const int64_t *)right;
    case MS_REAL:
        return (isnan(*(const double *)left) && isnan(*(const double *)right)) ||
               *(const double *)left == *(const double *)right;
    case MS_BOOLEAN:
        return *(const bool *)left == *(const bool *)right;
    case MS_TIMESTAMP:
        break;
    }
    return *(const mastra_time *)left == *(const mastra_time *)right;
}

/* The columns that a row has from this write. */
static uint64_t columns_of(const struct ms_write *write)
{
    const struct ms_entity *entity = write->entity;
    uint64_t columns = write->columns;

    if (write->kind != MS_WRITE_PATCH) {
        columns = ms_entity_fields(entity) & ~ms_entity_kept(entity);
        for (int i = 0; i < entity->column_count; i++) {
            const struct ms_column *column = &entity->columns[i];

            if (column->flags & MS_STICKY && !ms_field_str(column, write->record)->ptr) {
                columns &= ~MS_BIT(i);
            }
        }
    }
    return columns;
}

/* Others may have touched it since. */
static bool is_touched(const struct ms_write *write, const void *row)
{
    const struct ms_entity *entity = write->entity;

    for (int i = 0; i < entity->column_count; i++) {
        if (write->columns & MS_BIT(i)) {
            const mastra_time *time = ms_field(&entity->columns[i], row);

            return *time != MASTRA_TIME_NONE && *time >= write->time;
        }
    }
    return true;
}

static bool is_in_place(const struct ms_write *write, const void *row)
{
    const struct ms_entity *entity = write->entity;
    uint64_t columns;

    if (write->kind == MS_WRITE_ERASE) {
        return row == NULL;
    }
    if (!row) {
        /* A change of a row that is not there does nothing. */
        return write->kind == MS_WRITE_PATCH || write->kind == MS_WRITE_TOUCH;
    }
    if (write->kind == MS_WRITE_TOUCH) {
        return is_touched(write, row);
    }
    columns = columns_of(write);
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i) && !same_field(&entity->columns[i], write->record, row)) {
            return false;
        }
    }
    return true;
}

static bool tells(const struct ms_write *write)
{
    switch (write->kind) {
    case MS_WRITE_PUT:
    case MS_WRITE_INSERT:
    case MS_WRITE_PATCH:
    case MS_WRITE_TOUCH:
    case MS_WRITE_ERASE:
        return write->entity->key_count > 0;
    case MS_WRITE_ERASE_ALL:
        return true;
    default:
        return false;
    }
}

static mastra_status read_row(struct ms_session *session, const struct ms_write *write,
                              struct ms_arena *arena, void **ret, mastra_error *error)
{
    mastra_str key[MS_KEYS_MOST] = {{NULL, 0}};

    for (size_t i = 0; i < write->entity->key_count; i++) {
        key[i] = write->kind == MS_WRITE_ERASE || write->kind == MS_WRITE_TOUCH
                     ? write->key[i]
                     : *ms_field_str(&write->entity->columns[write->entity->keys[i]], write->record);
    }
    return pg_get(session, write->entity, key, false, arena, ret, error);
}

struct finding {
    size_t asked;
    bool in_place;
};

static mastra_status look_at(struct ms_session *session, const struct ms_write *write, struct ms_arena *arena,
                             bool *ret_in_place, mastra_error *error)
{
    void *row = NULL;
    int64_t left = 0;
    mastra_status status;

    if (write->kind == MS_WRITE_ERASE_ALL) {
        status = pg_count(session, write->query, &left, error);
        *ret_in_place = status == MASTRA_OK && left == 0;
        return status;
    }
    status = read_row(session, write, arena, &row, error);
    *ret_in_place = status == MASTRA_OK && is_in_place(write, row);
    return status;
}

/* All of them: rows may have been before as they are to be, and only one of them tells that nothing has happened. */
static mastra_status look(struct ms_session *session, const struct ms_write *first, struct ms_arena *arena,
                          struct finding *finding, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    finding->in_place = true;
    for (const struct ms_write *write = first; write && finding->in_place && status == MASTRA_OK;
         write = write->next) {
        if (tells(write)) {
            status = look_at(session, write, arena, &finding->in_place, error);
            finding->asked++;
        }
    }
    return status;
}

/* Even if the commit is still on its way: a transaction that writes the same rows makes it fail, or fails itself. */
mastra_status dsql_look_up(struct ms_backend *backend, const struct ms_write *first, mastra_error *error)
{
    struct ms_arena *arena = ms_arena_new(dsql_of(backend)->postgres.base.heap, 0);
    mastra_error own = MASTRA_ERROR_INIT;
    struct finding finding = {0};
    struct ms_session *session = NULL;
    mastra_status status =
        arena ? pg_begin(backend, MS_SESSION_SNAPSHOT, &session, &own) : ms_error_oom(&own);

    if (status == MASTRA_OK) {
        status = look(session, first, arena, &finding, &own);
        pg_rollback(session);
    }
    ms_arena_free(arena);
    if (status != MASTRA_OK || finding.asked == 0) {
        /* Then what is known already is all. */
        return MASTRA_UNKNOWN_OUTCOME;
    }
    if (finding.in_place) {
        return MASTRA_OK;
    }
    ms_error_set(error, MASTRA_UNAVAILABLE, "the connection was lost before the transaction was committed");
    error->retriable = true;
    return MASTRA_UNAVAILABLE;
}
