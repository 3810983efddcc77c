/* Saving, reading and listing the snapshots of workflow runs. */
#include "domains/workflows.h"

#include "base/error.h"
#include "domains/check.h"
#include "domains/listing.h"
#include "domains/run_locks.h"

/* What a unit is about: its arguments, already checked, and its answer. */
struct run_work {
    mastra_str
        key[MS_KEYS_MOST]; /* workflow name and run id; the first may be absent when one is looked for */
    const mastra_fence *fence;
    const mastra_workflow_run *given;
    mastra_workflow_run *run;
};

mastra_status ms_check_run(mastra_error *error, const mastra_str *key, const mastra_fence *fence)
{
    mastra_status status = ms_check_sought(error, "workflowName", key[0]);

    if (status == MASTRA_OK) {
        status = ms_check_sought(error, "runId", key[1]);
    }
    return status == MASTRA_OK ? ms_check_fence(error, fence) : status;
}

mastra_status ms_check_new_run(mastra_error *error, const mastra_str *key, const mastra_fence *fence)
{
    mastra_status status = ms_check_id(error, "workflowName", key[0]);

    if (status == MASTRA_OK) {
        status = ms_check_id(error, "runId", key[1]);
    }
    return status == MASTRA_OK ? ms_check_fence(error, fence) : status;
}

static mastra_status fenced(struct ms_unit *unit, const struct run_work *work)
{
    return ms_unit_fence(unit, work->key[0], work->key[1], work->fence);
}

/* Saving. */

static mastra_status persist(struct ms_unit *unit, void *arg)
{
    const struct run_work *work = arg;
    mastra_status status = fenced(unit, work);

    return status == MASTRA_OK ? ms_unit_put(unit, MS_SNAPSHOT, work->given) : status;
}

static mastra_status check_given(mastra_error *error, mastra_workflow_run *run)
{
    mastra_status status = ms_check_text(error, "resourceId", run->resource_id);

    if (status == MASTRA_OK) {
        status = ms_check_json(error, "snapshot", run->snapshot, false, &run->snapshot);
    }
    if (status == MASTRA_OK && !run->snapshot.ptr) {
        status = ms_error_argument(error, "snapshot", run->snapshot, "is required");
    }
    if (status == MASTRA_OK) {
        status = ms_check_time(error, "createdAt", run->created_at);
    }
    return status == MASTRA_OK ? ms_check_time(error, "updatedAt", run->updated_at) : status;
}

mastra_status ms_persist_workflow_snapshot(struct ms_call *call, const mastra_workflow_run *given,
                                           const mastra_fence *fence)
{
    mastra_workflow_run run;
    struct run_work work = {.given = &run, .fence = fence};
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "run", mastra_str_of(NULL), "is required");
    }
    ms_record_copy(ms_entity(MS_SNAPSHOT), &run, given);
    if (run.created_at == MASTRA_TIME_NONE) {
        run.created_at = call->now;
    }
    if (run.updated_at == MASTRA_TIME_NONE) {
        run.updated_at = call->now;
    }
    work.key[0] = run.workflow_name;
    work.key[1] = run.run_id;
    status = ms_check_new_run(&call->error, work.key, fence);
    if (status == MASTRA_OK) {
        status = check_given(&call->error, &run);
    }
    return status == MASTRA_OK ? ms_transact(call, persist, &work, NULL) : status;
}

static mastra_status erase(struct ms_unit *unit, void *arg)
{
    const struct run_work *work = arg;
    mastra_status status = fenced(unit, work);

    return status == MASTRA_OK ? ms_unit_erase(unit, MS_SNAPSHOT, work->key) : status;
}

mastra_status ms_delete_workflow_run_by_id(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                           const mastra_fence *fence)
{
    struct run_work work = {.key = {workflow_name, run_id}, .fence = fence};
    mastra_status status = ms_check_run(&call->error, work.key, work.fence);

    return status == MASTRA_OK ? ms_transact(call, erase, &work, NULL) : status;
}

/* Reading. */

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct run_work *work = arg;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_SNAPSHOT, work->key, false, &found);

    work->run = found;
    return status;
}

/* Of several workflows' runs with the id, the newest. */
static mastra_status find(struct ms_unit *unit, void *arg)
{
    struct run_work *work = arg;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    ms_query_init(&query, MS_SNAPSHOT);
    ms_query_equal(&query, MS_SNAPSHOT_RUN_ID, work->key[1]);
    query.descending = true;
    query.limit = 1;
    status = ms_unit_list(unit, &query, &rows);
    work->run = status == MASTRA_OK && rows.count > 0 ? rows.items[0] : NULL;
    return status;
}

static mastra_status read_run(struct ms_call *call, ms_unit_fn fn, struct run_work *work,
                              mastra_workflow_run **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_read(call, fn == get ? MS_READ_ROW : MS_READ_ONE, fn, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work->run, ret);
    }
    return status;
}

mastra_status ms_load_workflow_snapshot(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                        mastra_workflow_run **ret)
{
    struct run_work work = {.key = {workflow_name, run_id}};
    mastra_status status = ms_check_run(&call->error, work.key, work.fence);

    return status == MASTRA_OK ? read_run(call, get, &work, ret) : status;
}

mastra_status ms_get_workflow_run_by_id(struct ms_call *call, mastra_str run_id, mastra_str workflow_name,
                                        mastra_workflow_run **ret)
{
    struct run_work work = {.key = {workflow_name, run_id}};
    mastra_status status = ms_check_sought(&call->error, "runId", run_id);

    if (status == MASTRA_OK) {
        status = ms_check_text(&call->error, "workflowName", workflow_name);
    }
    return status == MASTRA_OK ? read_run(call, workflow_name.len > 0 ? get : find, &work, ret) : status;
}

/* Listing. */

/* Where a run's snapshot names the memory thread that it works in: a suspended step does, or the input. */
#define THREAD_PATHS                                                                                         \
    ".context.*status=suspended.suspendPayload.__streamState.messageList.memoryInfo.threadId|"               \
    ".context.input.messageListState.memoryInfo.threadId"

static mastra_status filter(mastra_error *error, const mastra_list_workflow_runs_args *args,
                            struct ms_query *query)
{
    const struct {
        const char *name;
        mastra_str text;
        uint8_t column;
        const char *path;
    } filters[] = {
        {"workflowName", args->workflow_name, MS_SNAPSHOT_WORKFLOW_NAME, NULL},
        {"resourceId", args->resource_id, MS_SNAPSHOT_RESOURCE_ID, NULL},
        {"status", args->status, MS_SNAPSHOT_SNAPSHOT, ".status"},
        {"threadId", args->thread_id, MS_SNAPSHOT_SNAPSHOT, THREAD_PATHS},
    };

    ms_query_range(query, MS_SNAPSHOT_CREATED_AT, args->from_date, false, args->to_date, false);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        mastra_status status = ms_check_text(error, filters[i].name, filters[i].text);

        if (status != MASTRA_OK) {
            return status;
        }
        if (filters[i].text.len > 0 && filters[i].path) {
            ms_query_at(query, filters[i].column, filters[i].path, filters[i].text);
        } else if (filters[i].text.len > 0) {
            ms_query_equal(query, filters[i].column, filters[i].text);
        }
    }
    return MASTRA_OK;
}

static mastra_status paging_of(mastra_error *error, const mastra_list_workflow_runs_args *args,
                               struct ms_paging *ret)
{
    if (args->limit != MASTRA_PER_PAGE_DEFAULT || args->offset != 0) {
        int64_t limit = args->limit == MASTRA_PER_PAGE_DEFAULT ? MASTRA_PER_PAGE_ALL : args->limit;

        return ms_paging_of_window(error, args->offset, limit, ret);
    }
    return ms_paging_of(error, args->page, args->per_page, MASTRA_PER_PAGE_ALL, ret);
}

mastra_status ms_list_workflow_runs(struct ms_call *call, const mastra_list_workflow_runs_args *given,
                                    mastra_workflow_run_list **ret)
{
    mastra_list_workflow_runs_args args = MASTRA_LIST_WORKFLOW_RUNS_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_SNAPSHOT);
    work.query.descending = true;
    status = paging_of(&call->error, &args, &work.paging);
    if (status == MASTRA_OK) {
        status = filter(&call->error, &args, &work.query);
    }
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_workflow_run_list *)work.list, ret);
    }
    return status;
}
