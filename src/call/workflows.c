/* Operations on workflow runs: arguments, results, handlers. */
#include "domains/workflows.h"
#include "base/error.h"
#include "call/common.h"

/* What the operations on one run take. */

#define RUN_ARGS(T, name_field, id_field)                                                                    \
    {.name = "workflowName",                                                                                 \
     .type = MS_ARG_TEXT,                                                                                    \
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                                                                 \
     .offset = offsetof(T, name_field)},                                                                     \
    {                                                                                                        \
        .name = "runId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                        \
        .offset = offsetof(T, id_field)                                                                      \
    }

/* The members of the group "fence" of the struct T, whose field `fence` they fill. */
#define FENCE_MEMBERS(T)                                                                                     \
    {.name = "ownerId",                                                                                      \
     .type = MS_ARG_TEXT,                                                                                    \
     .flags = MS_ARG_REQUIRED,                                                                               \
     .offset = offsetof(T, fence.owner_id)},                                                                 \
    {                                                                                                        \
        .name = "generation", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED,                              \
        .offset = offsetof(T, fence.generation)                                                              \
    }
#define FENCE_ARG(table)                                                                                     \
    {                                                                                                        \
        .name = "fence", .type = MS_ARG_GROUP,                                                               \
        .about = "of getWorkflowRunLock: the write is refused when that lock is not held any more",          \
        .members = (table), .member_count = MS_COUNT(table)                                                  \
    }

/* The fence when one was given: its owner is required then. */
static const mastra_fence *fence_of(const mastra_fence *fence)
{
    return fence->owner_id.ptr ? fence : NULL;
}

/* persistWorkflowSnapshot */

struct persist_args {
    mastra_workflow_run run;
    mastra_fence fence;
};

static const struct persist_args persist_blank = {MASTRA_WORKFLOW_RUN_INIT, MASTRA_FENCE_INIT};

#define PERSIST(field) offsetof(struct persist_args, field)
static const struct ms_arg persist_fence[] = {FENCE_MEMBERS(struct persist_args)};
static const struct ms_arg persist_table[] = {
    RUN_ARGS(struct persist_args, run.workflow_name, run.run_id),
    {.name = "snapshot",
     .type = MS_ARG_OBJECT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = PERSIST(run.snapshot),
     .about = "kept character for character"},
    {.name = "resourceId", .type = MS_ARG_TEXT, .offset = PERSIST(run.resource_id), .about = "absent: kept"},
    {.name = "createdAt",
     .type = MS_ARG_TIME,
     .offset = PERSIST(run.created_at),
     .about = "of a new run; absent: now"},
    {.name = "updatedAt", .type = MS_ARG_TIME, .offset = PERSIST(run.updated_at), .about = "absent: now"},
    FENCE_ARG(persist_fence),
};
#undef PERSIST

static mastra_status persist_workflow_snapshot(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct persist_args *persist = args;

    (void)out;
    return ms_persist_workflow_snapshot(call, &persist->run, fence_of(&persist->fence));
}

/* loadWorkflowSnapshot, getWorkflowRunById, deleteWorkflowRunById */

struct run_ref {
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_fence fence;
};

static const struct run_ref ref_blank = {{NULL, 0}, {NULL, 0}, MASTRA_FENCE_INIT};

static const struct ms_arg load_table[] = {RUN_ARGS(struct run_ref, workflow_name, run_id)};

static const struct ms_arg snapshot_result = {
    .type = MS_ARG_OBJECT, .flags = MS_ARG_NULLABLE, .about = "the snapshot"};

static void put_snapshot(struct ms_buf *out, const void *result)
{
    const mastra_workflow_run *run = result;

    ms_put_json(out, run ? run->snapshot : mastra_str_of(NULL));
}

static mastra_status load_workflow_snapshot(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct run_ref *ref = args;
    mastra_workflow_run *run = NULL;
    mastra_status status = ms_load_workflow_snapshot(call, ref->workflow_name, ref->run_id, &run);

    if (status == MASTRA_OK) {
        put_snapshot(out, run);
    }
    mastra_workflow_run_free(run);
    return status;
}

static const struct ms_arg get_table[] = {
    {.name = "runId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct run_ref, run_id)},
    {.name = "workflowName",
     .type = MS_ARG_TEXT,
     .offset = offsetof(struct run_ref, workflow_name),
     .about = "absent: the newest run of that id"},
};

static const struct ms_arg run_result = {
    .type = MS_ARG_RECORD, .entity = MS_SNAPSHOT, .flags = MS_ARG_NULLABLE};

static mastra_status get_workflow_run_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct run_ref *ref = args;
    mastra_workflow_run *run = NULL;
    mastra_status status = ms_get_workflow_run_by_id(call, ref->run_id, ref->workflow_name, &run);

    if (status == MASTRA_OK) {
        ms_put_record(out, MS_SNAPSHOT, run, 0);
    }
    mastra_workflow_run_free(run);
    return status;
}

static const struct ms_arg ref_fence[] = {FENCE_MEMBERS(struct run_ref)};
static const struct ms_arg delete_table[] = {
    RUN_ARGS(struct run_ref, workflow_name, run_id),
    FENCE_ARG(ref_fence),
};

static mastra_status delete_workflow_run_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct run_ref *ref = args;

    (void)out;
    return ms_delete_workflow_run_by_id(call, ref->workflow_name, ref->run_id, fence_of(&ref->fence));
}

/* listWorkflowRuns */

struct list_args {
    mastra_list_workflow_runs_args list; /* its page is MASTRA_INTEGER_NONE when none is given */
};

static const struct list_args list_blank = {{sizeof(mastra_list_workflow_runs_args),
                                             {NULL, 0},
                                             {NULL, 0},
                                             {NULL, 0},
                                             {NULL, 0},
                                             MASTRA_TIME_NONE,
                                             MASTRA_TIME_NONE,
                                             MASTRA_INTEGER_NONE,
                                             MASTRA_PER_PAGE_DEFAULT,
                                             0,
                                             MASTRA_PER_PAGE_DEFAULT}};

#define LIST(field) offsetof(struct list_args, list.field)
#define LIST_PAGE_ARGS                                                                                       \
    {.name = "page",                                                                                         \
     .type = MS_ARG_INTEGER,                                                                                 \
     .offset = LIST(page),                                                                                   \
     .about = "number of the page, from 0; without perPage: all runs",                                       \
     .complaint = "must be >= 0",                                                                            \
     .reason = "INVALID_PAGE"},                                                                              \
    {                                                                                                        \
        .name = "perPage", .type = MS_ARG_PER_PAGE, .offset = LIST(per_page),                                \
        .about = "most runs on a page; without page, or false: all", .complaint = "must be >= 0",            \
        .reason = "INVALID_PAGE"                                                                             \
    }

static const struct ms_arg list_pagination[] = {LIST_PAGE_ARGS};

static const struct ms_arg list_table[] = {
    {.name = "workflowName", .type = MS_ARG_TEXT, .offset = LIST(workflow_name)},
    {.name = "status", .type = MS_ARG_TEXT, .offset = LIST(status), .about = "of the snapshot"},
    {.name = "fromDate", .type = MS_ARG_TIME, .offset = LIST(from_date), .about = "of createdAt, inclusive"},
    {.name = "toDate", .type = MS_ARG_TIME, .offset = LIST(to_date), .about = "of createdAt, inclusive"},
    {.name = "resourceId", .type = MS_ARG_TEXT, .offset = LIST(resource_id)},
    {.name = "threadId",
     .type = MS_ARG_TEXT,
     .offset = LIST(thread_id),
     .about = "of the memory that a suspended step, or the input, works in"},
    LIST_PAGE_ARGS,
    {.name = "pagination",
     .type = MS_ARG_GROUP,
     .members = list_pagination,
     .member_count = MS_COUNT(list_pagination),
     .about = "another place for page and perPage"},
    {.name = "offset",
     .type = MS_ARG_INTEGER,
     .offset = LIST(offset),
     .about = "with limit, in place of page and perPage",
     .complaint = "must be >= 0"},
    {.name = "limit", .type = MS_ARG_PER_PAGE, .offset = LIST(limit), .complaint = "must be >= 0"},
};

static const struct ms_arg list_members[] = {
    {.name = "runs", .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = MS_SNAPSHOT},
    {.name = "total", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED},
};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static void put_runs(struct ms_buf *out, const mastra_workflow_run_list *list)
{
    ms_buf_add_text(out, "{\"runs\":");
    ms_put_list(out, MS_SNAPSHOT, list, 0);
    ms_buf_add_text(out, ",\"total\":");
    ms_json_put_int(out, mastra_workflow_run_list_page(list)->total);
    ms_buf_add_char(out, '}');
}

/* As Mastra has it, one of page and perPage alone asks for no page. */
static mastra_status list_workflow_runs(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_list_workflow_runs_args given = ((const struct list_args *)args)->list;
    mastra_workflow_run_list *list = NULL;
    mastra_status status;

    if (given.page == MASTRA_INTEGER_NONE) {
        given.page = 0;
        given.per_page = MASTRA_PER_PAGE_DEFAULT;
    }
    status = ms_list_workflow_runs(call, &given, &list);
    if (status == MASTRA_OK) {
        put_runs(out, list);
    }
    mastra_workflow_run_list_free(list);
    return status;
}

/* updateWorkflowResults */

struct results_args {
    mastra_update_workflow_results_args results;
    mastra_fence fence;
    uint64_t set;
};

#define SET_RESULT UINT64_C(1)

static const struct results_args results_blank = {MASTRA_UPDATE_WORKFLOW_RESULTS_INIT, MASTRA_FENCE_INIT, 0};

#define RESULTS(field) offsetof(struct results_args, results.field)
static const struct ms_arg results_fence[] = {FENCE_MEMBERS(struct results_args)};
static const struct ms_arg results_table[] = {
    RUN_ARGS(struct results_args, results.workflow_name, results.run_id),
    {.name = "stepId", .type = MS_ARG_TEXT, .offset = RESULTS(step_id), .about = "with result"},
    {.name = "result",
     .type = MS_ARG_OBJECT,
     .offset = RESULTS(result),
     .also = offsetof(struct results_args, set),
     .bit = SET_RESULT,
     .about = "replaces the step's; where both have an array output, its elements are merged"},
    {.name = "results",
     .type = MS_ARG_OBJECT,
     .offset = RESULTS(results),
     .about = "step id to result, for several steps at once"},
    {.name = "requestContext",
     .type = MS_ARG_OBJECT,
     .offset = RESULTS(request_context),
     .about = "laid over the stored members, one level deep"},
    FENCE_ARG(results_fence),
};
#undef RESULTS

static const struct ms_arg context_result = {.type = MS_ARG_OBJECT,
                                             .about = "step id to result, of all steps of the run"};

static void put_context(struct ms_buf *out, const void *result)
{
    const mastra_workflow_run *run = result;

    if (run) {
        ms_buf_add_str(out, ms_json_member(run->snapshot, mastra_str_of("context")));
    } else {
        ms_buf_add_text(out, "{}");
    }
}

static mastra_status update_workflow_results(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct results_args *update = args;
    mastra_update_workflow_results_args given = update->results;

    (void)out;
    given.fence = fence_of(&update->fence);
    if ((update->set & SET_RESULT) && !given.result.ptr) {
        given.result = mastra_str_of("null");
    }
    return ms_update_workflow_results(call, &given, NULL);
}

/* updateWorkflowState */

struct state_args {
    mastra_update_workflow_state_args state;
    mastra_fence fence;
};

static const struct state_args state_blank = {MASTRA_UPDATE_WORKFLOW_STATE_INIT, MASTRA_FENCE_INIT};

#define STATE(field) offsetof(struct state_args, state.field)
static const struct ms_arg state_fence[] = {FENCE_MEMBERS(struct state_args)};
static const struct ms_arg state_members[] = {
    {.name = "expectedStatus",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_OR_ONE,
     .offset = STATE(expected_status),
     .also = STATE(expected_status_count),
     .about = "null is returned and nothing changed unless the snapshot's status is among these"},
    FENCE_ARG(state_fence),
};

#define STATE_ARG(named, text)                                                                               \
    {                                                                                                        \
        .name = (named), .type = MS_ARG_GROUP, .flags = MS_ARG_WHOLE, .offset = STATE(state),                \
        .about = (text), .members = state_members, .member_count = MS_COUNT(state_members)                   \
    }

static const struct ms_arg state_table[] = {
    RUN_ARGS(struct state_args, state.workflow_name, state.run_id),
    STATE_ARG("opts", "laid over the snapshot, one level deep: status, result, error, suspendedPaths, ..."),
    STATE_ARG("state", "the same as opts"),
    {.name = "expectedStatus",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_OR_ONE,
     .offset = STATE(expected_status),
     .also = STATE(expected_status_count),
     .about = "the same as in opts"},
    {.name = "unset",
     .type = MS_ARG_ARRAY,
     .offset = STATE(unset),
     .about = "names of members of the snapshot that are taken away before opts are laid over it"},
    FENCE_ARG(state_fence),
};
#undef STATE

static void put_changed(struct ms_buf *out, const void *result)
{
    const mastra_workflow_run *run = result;

    ms_buf_add_str(out, run ? run->snapshot : mastra_str_of("null"));
}

/* A status that is expected to be null is none. */
static mastra_status update_workflow_state(struct ms_call *call, const void *args, struct ms_buf *out)
{
    static const mastra_str none = {NULL, 0};
    const struct state_args *update = args;
    mastra_update_workflow_state_args given = update->state;
    mastra_str expected = ms_json_member(given.state, mastra_str_of("expectedStatus"));

    (void)out;
    if (!given.state.ptr) {
        return ms_error_argument(&call->error, "opts", given.state, "is required");
    }
    given.fence = fence_of(&update->fence);
    if (!given.expected_status && ms_json_kind(expected) == MS_JSON_NULL) {
        given.expected_status = &none;
    }
    return ms_update_workflow_state(call, &given, NULL);
}

/* The operations. */

#define RUN_EXAMPLE "\"workflowName\":\"order\",\"runId\":\"run-1\""

/* A row of the registry, see MS_OPERATION. */
#define ENTRY(c_name, text, table, initial, returned, write, sample, fails)                                  \
    {                                                                                                        \
        MS_OPERATION("workflows", c_name, text, table, initial, returned, write, sample, fails)              \
    }

static const struct ms_operation operations[] = {
    ENTRY(persist_workflow_snapshot, "Saves the snapshot of a workflow run.", persist_table, persist_blank,
          ms_result_null, NULL,
          "{" RUN_EXAMPLE ",\"resourceId\":\"r1\",\"snapshot\":{\"runId\":\"run-1\",\"status\":\"running\","
          "\"context\":{\"input\":{\"total\":12}}}}",
          MS_FAILS(FENCED)),
    ENTRY(load_workflow_snapshot, "Reads the snapshot of a workflow run.", load_table, ref_blank,
          snapshot_result, NULL, "{" RUN_EXAMPLE "}", 0),
    ENTRY(get_workflow_run_by_id, "Reads one workflow run.", get_table, ref_blank, run_result, NULL,
          "{" RUN_EXAMPLE "}", 0),
    ENTRY(list_workflow_runs, "Lists workflow runs, newest first.", list_table, list_blank, list_result, NULL,
          "{\"workflowName\":\"order\",\"status\":\"running\",\"page\":0,\"perPage\":20}", 0),
    ENTRY(update_workflow_results, "Lays the results of steps into a run's snapshot; returns its context.",
          results_table, results_blank, context_result, put_context,
          "{" RUN_EXAMPLE ",\"stepId\":\"pay\",\"result\":{\"status\":\"success\",\"output\":{\"ok\":true}}}",
          MS_FAILS(FENCED) | MS_FAILS(NOT_FOUND)),
    ENTRY(update_workflow_state, "Changes members of a run's snapshot; returns it.", state_table, state_blank,
          snapshot_result, put_changed,
          "{" RUN_EXAMPLE ",\"opts\":{\"status\":\"suspended\",\"expectedStatus\":\"running\"}}",
          MS_FAILS(FENCED) | MS_FAILS(NOT_FOUND)),
    ENTRY(delete_workflow_run_by_id, "Deletes a workflow run.", delete_table, ref_blank, ms_result_null, NULL,
          "{" RUN_EXAMPLE "}", MS_FAILS(FENCED)),
};

const struct ms_operation_set ms_workflow_operations = {operations, MS_COUNT(operations)};
