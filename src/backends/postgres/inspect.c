/* What the commands that look after whole stores ask of a database. */
#include "backends/postgres/postgres.h"
#include "base/error.h"

static bool is_twin(const char *name, const struct ms_column *column)
{
    size_t len = strlen(column->name);

    return column->type == MS_TIMESTAMP && !(column->flags & MS_TWINLESS) &&
           strncmp(name, column->name, len) == 0 && strcmp(name + len, "Z") == 0;
}

/* The order of insertion, and the second columns of times, are read and written with the rest. */
bool pg_own_column(const struct ms_entity *entity, const char *name)
{
    for (int i = 0; i < entity->column_count; i++) {
        if (is_twin(name, &entity->columns[i])) {
            return true;
        }
    }
    return entity->sequence && strcmp(name, entity->sequence) == 0;
}

/* The trigger that the peer puts on spans. */
uint64_t pg_stamped(const struct ms_entity *entity)
{
    return entity->id == MS_SPAN ? MS_BIT(MS_SPAN_CREATED_AT) | MS_BIT(MS_SPAN_UPDATED_AT) : 0;
}

mastra_status pg_inspect(struct ms_session *session, ms_fault_fn tell, void *arg, mastra_error *error)
{
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, pg_session_of(session), error);

    if (status == MASTRA_OK && plan.count > 0) {
        status = pg_plan_run(&plan, error);
    }
    return status == MASTRA_OK ? pg_tell_missing(pg_session_of(session), tell, arg, error) : status;
}

static mastra_status take_size(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    (void)index;
    (void)error;
    *(int64_t *)arg = pg_int_at(result, 0, 0);
    return MASTRA_OK;
}

/* Of all tables in the schema, with their indexes. */
mastra_status pg_size(struct ms_session *base, int64_t *ret, mastra_error *error)
{
    static const char text[] = "SELECT COALESCE(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::int8 FROM "
                               "pg_catalog.pg_class AS c"
                               " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
                               " WHERE n.nspname = $1::text AND c.relkind IN ('r', 'm')";
    struct pg_session *session = pg_session_of(base);
    const char *const values[] = {session->owner->base.schema};
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, session, error);

    plan.read = take_size;
    plan.arg = ret;
    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan, text, values, 1, true, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}
