#include "domains/check.h"
#include "domains/result.h"
#include "domains/run_locks.h"

#include "base/error.h"

mastra_status ms_check_fence(mastra_error *error, const mastra_fence *fence)
{
    return fence ? ms_check_id(error, "fence.ownerId", fence->owner_id) : MASTRA_OK;
}

/*
 * A lease that has run out, but that nobody has taken since, still protects its run: nothing has happened behind the
 * writer's back.
 */
mastra_status ms_unit_fence(struct ms_unit *unit, mastra_str workflow_name, mastra_str run_id,
                            const mastra_fence *fence)
{
    const mastra_str key[MS_KEYS_MOST] = {workflow_name, run_id};
    const mastra_run_lock *lock;
    void *found = NULL;
    mastra_status status;

    if (!fence) {
        return MASTRA_OK;
    }
    status = ms_unit_get(unit, MS_RUN_LOCK, key, true, &found);
    if (status != MASTRA_OK) {
        return status;
    }
    lock = found;
    if (lock && lock->generation == fence->generation &&
        ms_str_compare(lock->owner_id, fence->owner_id) == 0) {
        return MASTRA_OK;
    }
    ms_error_set(unit->error, MASTRA_FENCED, "the lock of run %.*s is not %.*s's of generation %lld any more",
                 (int)run_id.len, run_id.ptr, (int)fence->owner_id.len, fence->owner_id.ptr,
                 (long long)fence->generation);
    return ms_call_reason(unit->error, "FENCED", "USER");
}
