/* Operations on run locks: arguments, results, handlers. */
#include "domains/run_locks.h"
#include "base/error.h"
#include "call/common.h"

static const mastra_run_lock_args lock_blank = {.size = sizeof lock_blank, .ttl_ms = MASTRA_RUN_LOCK_TTL_MS};

#define LOCK(field) offsetof(mastra_run_lock_args, field)
#define RUN_ARGS                                                                                             \
    {.name = "workflowName",                                                                                 \
     .type = MS_ARG_TEXT,                                                                                    \
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                                                                 \
     .offset = LOCK(workflow_name)},                                                                         \
    {                                                                                                        \
        .name = "runId", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT, .offset = LOCK(run_id) \
    }
#define OWNER_ARG                                                                                            \
    {                                                                                                        \
        .name = "ownerId", .type = MS_ARG_TEXT, .offset = LOCK(owner_id),                                    \
        .about = "who holds the lock; absent: the store's own identity"                                      \
    }
#define TTL_ARG                                                                                              \
    {                                                                                                        \
        .name = "ttlMs", .type = MS_ARG_INTEGER, .offset = LOCK(ttl_ms),                                     \
        .about = "milliseconds until the lock expires", .standard = "1800000"                                \
    }
#define GENERATION_ARG                                                                                       \
    {                                                                                                        \
        .name = "generation", .type = MS_ARG_INTEGER, .offset = LOCK(generation),                            \
        .about = "of the lock that is meant; absent: whichever the owner holds"                              \
    }

static const struct ms_arg acquire_table[] = {
    RUN_ARGS,
    OWNER_ARG,
    TTL_ARG,
    {.name = "keepAlive",
     .type = MS_ARG_BOOLEAN,
     .offset = LOCK(keep_alive),
     .about = "renew it in the background until it is released or the store is closed",
     .standard = "false"},
};
static const struct ms_arg renew_table[] = {RUN_ARGS, OWNER_ARG, TTL_ARG, GENERATION_ARG};
static const struct ms_arg release_table[] = {RUN_ARGS, OWNER_ARG, GENERATION_ARG};
static const struct ms_arg get_table[] = {RUN_ARGS};
#undef LOCK

static void put_held(struct ms_buf *out, const void *held)
{
    ms_json_put_bool(out, *(const bool *)held);
}

/* Only in C does 0 stand for the time that is usual. */
static mastra_status check_ttl(struct ms_call *call, const mastra_run_lock_args *args)
{
    return args->ttl_ms != 0 ? MASTRA_OK
                             : ms_error_argument(&call->error, "ttlMs", mastra_str_of("0"),
                                                 "must lie between 1 ms and ten years");
}

static mastra_status try_acquire_workflow_run_lock(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_status status = check_ttl(call, args);

    (void)out;
    return status == MASTRA_OK ? ms_try_acquire_workflow_run_lock(call, args, NULL) : status;
}

static mastra_status renew_workflow_run_lock(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_status status = check_ttl(call, args);

    (void)out;
    return status == MASTRA_OK ? ms_renew_workflow_run_lock(call, args, NULL) : status;
}

static mastra_status release_workflow_run_lock(struct ms_call *call, const void *args, struct ms_buf *out)
{
    (void)out;
    return ms_release_workflow_run_lock(call, args, NULL);
}

static const struct ms_arg lock_result = {
    .type = MS_ARG_RECORD, .flags = MS_ARG_NULLABLE, .entity = MS_RUN_LOCK};

static mastra_status get_workflow_run_lock(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const mastra_run_lock_args *get = args;
    mastra_run_lock *lock = NULL;
    mastra_status status = ms_get_workflow_run_lock(call, get->workflow_name, get->run_id, &lock);

    if (status == MASTRA_OK) {
        ms_put_record(out, MS_RUN_LOCK, lock, 0);
    }
    mastra_run_lock_free(lock);
    return status;
}

static const mastra_list_run_locks_args list_blank = MASTRA_LIST_RUN_LOCKS_INIT;

static const struct ms_arg list_table[] = {
    MS_PAGE_ARG(mastra_list_run_locks_args),
    MS_PER_PAGE_ARG(mastra_list_run_locks_args, "100", "must be false or a safe integer", "INVALID_PAGE"),
};

static const struct ms_arg list_members[] = {MS_PAGE_RESULT("locks", MS_RUN_LOCK)};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static mastra_status list_workflow_run_locks(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_run_lock_list *list = NULL;
    mastra_status status = ms_list_workflow_run_locks(call, args, &list);

    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "{\"locks\":");
        ms_put_list(out, MS_RUN_LOCK, list, 0);
        ms_put_page(out, mastra_run_lock_list_page(list));
    }
    mastra_run_lock_list_free(list);
    return status;
}

#define RUN_EXAMPLE "{\"workflowName\":\"import\",\"runId\":\"run-1\""

static const struct ms_operation operations[] = {
    {MS_OPERATION("workflows", try_acquire_workflow_run_lock,
                  "Takes the lock of a run when nobody holds it; tells whether it did.", acquire_table,
                  lock_blank, ms_result_boolean, put_held,
                  RUN_EXAMPLE ",\"ownerId\":\"worker-7\",\"ttlMs\":60000}", 0)},
    {MS_OPERATION("workflows", renew_workflow_run_lock,
                  "Makes a held lock last longer; tells whether it was held.", renew_table, lock_blank,
                  ms_result_boolean, put_held, RUN_EXAMPLE ",\"ownerId\":\"worker-7\",\"ttlMs\":60000}", 0)},
    {MS_OPERATION("workflows", get_workflow_run_lock, "Reads who holds the lock of a run.", get_table,
                  lock_blank, lock_result, NULL, RUN_EXAMPLE "}", 0)},
    {MS_OPERATION("workflows", list_workflow_run_locks, "Lists the locks that are held, the youngest first.",
                  list_table, list_blank, list_result, NULL, "{}", 0)},
    {MS_OPERATION("workflows", release_workflow_run_lock, "Gives a lock back; tells whether it was held.",
                  release_table, lock_blank, ms_result_boolean, put_held,
                  RUN_EXAMPLE ",\"ownerId\":\"worker-7\"}", 0)},
};

const struct ms_operation_set ms_run_lock_operations = {operations, MS_COUNT(operations)};
