/* Changing the snapshots of workflow runs: step results, state. */
#include "domains/workflows.h"

#include "base/error.h"
#include "domains/check.h"
#include "domains/merge.h"
#include "domains/result.h"
#include "domains/run_locks.h"
#include "domains/workflow_results.h"
#include "store/store.h"

#define CHANGED_COLUMNS (MS_BIT(MS_SNAPSHOT_SNAPSHOT) | MS_BIT(MS_SNAPSHOT_UPDATED_AT))

/* What a unit is about: its arguments, already checked, and its answer. */
struct change_work {
    mastra_str key[MS_KEYS_MOST]; /* workflow name and run id */
    const mastra_fence *fence;
    struct ms_step_results results;
    mastra_str state;
    const mastra_str *expected_status;
    size_t expected_status_count;
    mastra_str unset; /* names of members of the snapshot, or absent */
    mastra_workflow_run *run;
};

/* Runs a unit whose answer is its run. */
static mastra_status change(struct ms_call *call, ms_unit_fn fn, struct change_work *work,
                            mastra_workflow_run **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_transact(call, fn, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work->run, ret);
    }
    return status;
}

/* Reads the run that is to be changed, and the parts of its snapshot; work->run is NULL when there is none. */
static mastra_status get_to_change(struct ms_unit *unit, struct change_work *work,
                                   struct ms_snapshot_parts *parts)
{
    mastra_status status = ms_unit_fence(unit, work->key[0], work->key[1], work->fence);
    void *found = NULL;

    if (status == MASTRA_OK) {
        status = ms_unit_get(unit, MS_SNAPSHOT, work->key, true, &found);
    }
    work->run = found;
    unit->result = found;
    if (found) {
        mastra_str snapshot = ms_stored_object(work->run->snapshot);

        /* A foreign writer's may stand in white space. */
        if (snapshot.ptr && snapshot.len < work->run->snapshot.len &&
            !ms_arena_str(unit->arena, snapshot, &work->run->snapshot)) {
            return ms_error_oom(unit->error);
        }
        ms_snapshot_parts(snapshot.ptr ? work->run->snapshot : snapshot, parts);
    }
    return status;
}

static bool has_context(const struct ms_snapshot_parts *parts)
{
    return ms_json_kind(parts->context) == MS_JSON_OBJECT;
}

static mastra_status refuse(struct ms_unit *unit, const char *what, mastra_str run_id)
{
    ms_error_set(unit->error, MASTRA_NOT_FOUND, "%s not found for runId %.*s", what, (int)run_id.len,
                 run_id.ptr);
    return ms_call_reason(unit->error, "FAILED", "THIRD_PARTY");
}

/* Mastra's adapters tell the id that the snapshot holds, as JavaScript prints it. */
static mastra_status no_context(struct ms_unit *unit, const struct ms_snapshot_parts *parts)
{
    mastra_str id = parts->run_id.ptr ? parts->run_id : mastra_str_of("undefined");

    if (ms_json_kind(id) == MS_JSON_STRING && !ms_json_unescape_arena(id, unit->arena, &id, NULL)) {
        return ms_error_oom(unit->error);
    }
    return refuse(unit, "Snapshot context", id);
}

static mastra_workflow_run *new_run(struct ms_unit *unit, const struct change_work *work)
{
    mastra_workflow_run *run = ms_unit_record(unit, MS_SNAPSHOT);
    struct ms_buf buf;

    if (!run) {
        return NULL;
    }
    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_put_new_snapshot(&buf, work->key[1], unit->call->now);
    if (ms_unit_keep(unit, &buf, &run->snapshot) != MASTRA_OK) {
        return NULL;
    }
    if (!ms_arena_str(unit->arena, work->key[0], &run->workflow_name) ||
        !ms_arena_str(unit->arena, work->key[1], &run->run_id)) {
        ms_error_oom(unit->error);
        return NULL;
    }
    run->created_at = unit->call->now;
    return run;
}

static mastra_status lay_results(struct ms_unit *unit, struct change_work *work,
                                 const struct ms_snapshot_parts *parts)
{
    struct ms_buf buf;

    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_put_results(&buf, work->run->snapshot, parts, &work->results);
    work->run->updated_at = unit->call->now;
    return ms_unit_keep(unit, &buf, &work->run->snapshot);
}

/* One that has been created meanwhile is not overwritten: the insertion fails. */
static mastra_status create_with_results(struct ms_unit *unit, struct change_work *work)
{
    struct ms_snapshot_parts parts;
    mastra_status status;

    work->run = new_run(unit, work);
    unit->result = work->run;
    if (!work->run) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ms_snapshot_parts(work->run->snapshot, &parts);
    status = lay_results(unit, work, &parts);
    return status == MASTRA_OK ? ms_unit_insert(unit, MS_SNAPSHOT, work->run) : status;
}

static mastra_status update_results(struct ms_unit *unit, void *arg)
{
    struct change_work *work = arg;
    const struct ms_step_results *given = &work->results;
    bool nothing = !given->step_id.ptr && ms_json_count(given->results) + ms_json_count(given->context) == 0;
    struct ms_snapshot_parts parts;
    mastra_status status = get_to_change(unit, work, &parts);

    if (status != MASTRA_OK) {
        return status;
    }
    if (work->run && !has_context(&parts)) {
        return no_context(unit, &parts);
    }
    if (nothing) {
        return MASTRA_OK;
    }
    if (!work->run) {
        return create_with_results(unit, work);
    }
    status = lay_results(unit, work, &parts);
    return status == MASTRA_OK ? ms_unit_patch(unit, MS_SNAPSHOT, work->run, CHANGED_COLUMNS) : status;
}

/* Results stand two levels deep in the snapshot, the request's context one, and the snapshot must be readable again:
 * `levels` of them are missing here. */
static mastra_status check_depth(struct ms_call *call, const char *field, mastra_str value, int levels)
{
    struct ms_buf buf;
    bool fits;

    ms_buf_init(&buf, ms_store_heap(call->store), 0);
    for (int i = 0; i < levels; i++) {
        ms_buf_add_char(&buf, '[');
    }
    ms_buf_add_str(&buf, value);
    for (int i = 0; i < levels; i++) {
        ms_buf_add_char(&buf, ']');
    }
    if (buf.failed != MASTRA_OK) {
        ms_buf_release(&buf);
        return ms_error_oom(&call->error);
    }
    fits = ms_json_check(ms_buf_view(&buf), NULL, NULL);
    ms_buf_release(&buf);
    return fits ? MASTRA_OK
                : ms_error_argument(&call->error, field, mastra_str_of(NULL),
                                    "makes a snapshot nested deeper than 1,000");
}

/* The result of one step is any value, null too. */
static mastra_status check_result(mastra_error *error, const mastra_update_workflow_results_args *args,
                                  struct ms_step_results *ret)
{
    mastra_status status;

    if (!args->step_id.ptr && !args->result.ptr && args->results.ptr) {
        return MASTRA_OK;
    }
    status = ms_check_sought(error, "stepId", args->step_id);
    if (status == MASTRA_OK) {
        status = ms_check_json(error, "result", args->result, false, &ret->result);
    }
    if (status == MASTRA_OK && !args->result.ptr) {
        return ms_error_argument(error, "result", args->result, "is required");
    }
    if (!ret->result.ptr) {
        ret->result = mastra_str_of("null");
    }
    ret->step_id = args->step_id;
    return status;
}

mastra_status ms_update_workflow_results(struct ms_call *call,
                                         const mastra_update_workflow_results_args *given,
                                         mastra_workflow_run **ret)
{
    mastra_update_workflow_results_args args = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    struct change_work work = {0};
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    work.key[0] = args.workflow_name;
    work.key[1] = args.run_id;
    work.fence = args.fence;
    status = ms_check_new_run(&call->error, work.key, work.fence);
    if (status == MASTRA_OK) {
        status = check_result(&call->error, &args, &work.results);
    }
    if (status == MASTRA_OK) {
        status = ms_check_json(&call->error, "results", args.results, true, &work.results.results);
    }
    if (status == MASTRA_OK) {
        status =
            ms_check_json(&call->error, "requestContext", args.request_context, true, &work.results.context);
    }
    if (status == MASTRA_OK && work.results.result.ptr) {
        status = check_depth(call, "result", work.results.result, 2);
    }
    if (status == MASTRA_OK && work.results.results.ptr) {
        status = check_depth(call, "results", work.results.results, 1);
    }
    if (status == MASTRA_OK && work.results.context.ptr) {
        status = check_depth(call, "requestContext", work.results.context, 1);
    }
    return status == MASTRA_OK ? change(call, update_results, &work, ret) : status;
}

static bool is_expected(mastra_str status, const struct change_work *work)
{
    if (!work->expected_status) {
        return true;
    }
    for (size_t i = 0; i < work->expected_status_count; i++) {
        if (ms_json_kind(status) == MS_JSON_STRING &&
            ms_json_string_equals(status, work->expected_status[i])) {
            return true;
        }
    }
    return false;
}

/* Members that are conditions are no state. */
static mastra_status lay_state(struct ms_unit *unit, const struct change_work *work, mastra_str *ret)
{
    static const mastra_str conditions = MASTRA_STR("[\"expectedStatus\",\"fence\"]");
    mastra_str snapshot = work->run->snapshot;
    struct ms_buf laid;
    struct ms_buf rest;
    struct ms_buf whole;

    ms_buf_init(&laid, ms_arena_heap(unit->arena), 0);
    ms_buf_init(&rest, ms_arena_heap(unit->arena), 0);
    ms_buf_init(&whole, ms_arena_heap(unit->arena), 0);
    ms_put_without(&laid, work->state, conditions);
    if (work->unset.ptr) {
        ms_put_without(&rest, snapshot, work->unset);
        snapshot = ms_buf_view(&rest);
    }
    if (laid.failed == MASTRA_OK && rest.failed == MASTRA_OK) {
        ms_json_merge(&whole, snapshot, ms_buf_view(&laid));
    } else {
        whole.failed = laid.failed == MASTRA_OK ? rest.failed : laid.failed;
    }
    ms_buf_release(&laid);
    ms_buf_release(&rest);
    return ms_unit_keep(unit, &whole, ret);
}

static mastra_status update_state(struct ms_unit *unit, void *arg)
{
    struct change_work *work = arg;
    struct ms_snapshot_parts parts;
    mastra_status status = get_to_change(unit, work, &parts);

    if (status != MASTRA_OK || !work->run) {
        return status;
    }
    if (!has_context(&parts)) {
        return refuse(unit, "Snapshot", work->key[1]);
    }
    if (!is_expected(parts.status, work)) {
        work->run = NULL;
        unit->result = NULL;
        return MASTRA_OK;
    }
    status = lay_state(unit, work, &work->run->snapshot);
    work->run->updated_at = unit->call->now;
    return status == MASTRA_OK ? ms_unit_patch(unit, MS_SNAPSHOT, work->run, CHANGED_COLUMNS) : status;
}

mastra_status ms_update_workflow_state(struct ms_call *call, const mastra_update_workflow_state_args *given,
                                       mastra_workflow_run **ret)
{
    mastra_update_workflow_state_args args = MASTRA_UPDATE_WORKFLOW_STATE_INIT;
    struct change_work work = {0};
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    work.key[0] = args.workflow_name;
    work.key[1] = args.run_id;
    work.fence = args.fence;
    work.expected_status = args.expected_status;
    work.expected_status_count = args.expected_status_count;
    status = ms_check_run(&call->error, work.key, work.fence);
    if (status == MASTRA_OK) {
        status = ms_check_json(&call->error, "state", args.state, true, &work.state);
    }
    if (status == MASTRA_OK && !work.state.ptr) {
        status = ms_error_argument(&call->error, "state", work.state, "is required");
    }
    if (status == MASTRA_OK) {
        status = ms_check_names(&call->error, "unset", args.unset, &work.unset);
    }
    return status == MASTRA_OK ? change(call, update_state, &work, ret) : status;
}
