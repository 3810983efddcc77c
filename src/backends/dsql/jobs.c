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

/* One that has failed is told by the store's log no more than by the service's view: the store works without. */
static mastra_status wait_for(struct pg_connection *connection, struct jobs *jobs, mastra_error *error)
{
    static const struct pg_step list = {
        .kind = PG_STEP_TEXT,
        .sql = "SELECT job_id::text FROM sys.jobs WHERE status IN ('submitted', 'processing')"};
    mastra_status status = ask(connection, &list, jobs, error);

    for (size_t i = 0; i < jobs->count && status == MASTRA_OK; i++) {
        char sql[JOB_SIZE + 40];
        const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql};

        /* Ids are of letters and digits. */
        if (strspn(jobs->ids[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
            strlen(jobs->ids[i])) {
            snprintf(sql, sizeof sql, "CALL sys.wait_for_job('%s')", jobs->ids[i]);
            status = ask(connection, &step, NULL, error);
        }
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
        status = wait_for(connection, jobs, error);
    }
    pg_pool_give_back(connection);
    ms_heap_release(backend->base.heap, jobs);
    return status;
}
