/* Indexes that the service builds by itself. */
#include "backends/dsql/dsql.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdio.h>

#define JOBS_MOST     100
#define JOB_SIZE      64

/* Every index that is ready changes the schema, and every such change is told once. */
#define ATTEMPTS_MOST 50
#define PAUSE_MOST_US 50000

struct jobs {
    size_t count;
    char ids[JOBS_MOST][JOB_SIZE];
};

static mastra_status take_jobs(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    struct jobs *jobs = arg;

    (void)step;
    (void)error;
    for (int i = 0; i < PQntuples(result) && jobs->count < JOBS_MOST; i++) {
        ms_error_copy(jobs->ids[jobs->count++], JOB_SIZE, pg_str_at(result, i, 0));
    }
    return MASTRA_OK;
}

static mastra_status ask(struct pg_connection *connection, const struct pg_step *step, struct jobs *jobs,
                         mastra_error *error)
{
    mastra_status status = pg_exchange(connection, step, 1, jobs ? take_jobs : NULL, jobs, NULL, error);

    for (int i = 1; i < ATTEMPTS_MOST && status == MASTRA_CONFLICT && error->retriable; i++) {
        ms_clock_sleep_us((int64_t)ms_random_below(PAUSE_MOST_US));
        status = pg_exchange(connection, step, 1, jobs ? take_jobs : NULL, jobs, NULL, error);
    }
    return status;
}

/* Ids are of letters and digits. */
static bool is_id(const char *id)
{
    return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(id);
}

static mastra_status wait_for_job(struct pg_connection *connection, const char *id, mastra_error *error)
{
    char sql[JOB_SIZE + 40];
    const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql};

    snprintf(sql, sizeof sql, "CALL sys.wait_for_job('%s')", id);
    return is_id(id) ? ask(connection, &step, NULL, error) : MASTRA_OK;
}

/* One that has failed is told by the service's view alone: the store works without. */
static mastra_status wait_for_all(struct pg_connection *connection, struct jobs *jobs, mastra_error *error)
{
    static const struct pg_step list = {
        .kind = PG_STEP_TEXT,
        .sql = "SELECT job_id::text FROM sys.jobs WHERE status IN ('submitted', 'processing')"};
    mastra_status status = ask(connection, &list, jobs, error);

    for (size_t i = 0; i < jobs->count && status == MASTRA_OK; i++) {
        status = wait_for_job(connection, jobs->ids[i], error);
    }
    return status;
}

mastra_status dsql_wait_for_jobs(struct postgres *backend, mastra_error *error)
{
    struct jobs *jobs = ms_heap_calloc(backend->base.heap, sizeof *jobs);
    struct pg_connection *connection = NULL;
    mastra_status status;

    if (!jobs) {
        return ms_error_oom(error);
    }
    status = pg_pool_borrow(&backend->base.client, INT64_MAX, &connection, error);
    if (status == MASTRA_OK) {
        status = wait_for_all(connection, jobs, error);
    }
    pg_pool_give_back(connection);
    ms_heap_release(backend->base.heap, jobs);
    return status;
}

/* Why a job failed; nothing when it did not. */
static mastra_status ask_reason(struct pg_connection *connection, const char *id, struct jobs *reason,
                                mastra_error *error)
{
    const char *const values[] = {id};
    const struct pg_step step = {.kind = PG_STEP_TEXT,
                                 .sql = "SELECT details::text FROM sys.jobs WHERE job_id::text = $1::text"
                                        " AND status IN ('failed', 'cancelled')",
                                 .param_count = 1,
                                 .values = values};

    return ask(connection, &step, reason, error);
}

/* It has left an index behind that serves nobody. */
static mastra_status clear_away(struct pg_session *session, const struct ms_index_wish *wish,
                                const struct jobs *reason, mastra_error *error)
{
    mastra_error ignored = MASTRA_ERROR_INIT;
    struct ms_buf sql;

    ms_buf_init(&sql, session->owner->base.heap, 0);
    ms_buf_add_text(&sql, "DROP INDEX IF EXISTS ");
    ms_sql_quote(&sql, session->owner->base.schema);
    ms_buf_printf(&sql, ".\"%.*s\"", (int)wish->name.len, wish->name.ptr);
    if (!sql.failed) {
        const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql.ptr};

        ask(session->connection, &step, NULL, &ignored);
    }
    ms_buf_release(&sql);
    return ms_error_set(error, MASTRA_CONFLICT, "index %.*s could not be built: %s", (int)wish->name.len,
                        wish->name.ptr, reason->ids[0]);
}

static mastra_status build(struct pg_session *session, const char *sql, const struct ms_index_wish *wish,
                           struct jobs *jobs, mastra_error *error)
{
    const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql};
    mastra_status status = ask(session->connection, &step, jobs, error);
    char id[JOB_SIZE] = "";

    if (status != MASTRA_OK || jobs->count == 0) {
        return status;
    }
    memcpy(id, jobs->ids[0], sizeof id);
    jobs->count = 0;
    status = wait_for_job(session->connection, id, error);
    if (status == MASTRA_TIMEOUT) {
        return MASTRA_OK;
    }
    if (status == MASTRA_OK) {
        status = ask_reason(session->connection, id, jobs, error);
    }
    return status == MASTRA_OK && jobs->count > 0 ? clear_away(session, wish, jobs, error) : status;
}

mastra_status dsql_build_index(struct pg_session *session, const struct ms_buf *sql,
                               const struct ms_index_wish *wish, mastra_error *error)
{
    struct jobs *jobs = ms_heap_calloc(session->owner->base.heap, sizeof *jobs);
    mastra_status status = jobs ? build(session, sql->ptr, wish, jobs, error) : ms_error_oom(error);

    ms_heap_release(session->owner->base.heap, jobs);
    return status;
}
