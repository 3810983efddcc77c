/*
 * Run locks and the fence. The public header says what each operation does; these are the same with the call in place
 * of store and error.
 */
#ifndef DOMAINS_RUN_LOCKS_H
#define DOMAINS_RUN_LOCKS_H

#include "domains/api.h"
#include "store/unit.h"

#define MS_RUN_LOCK_OPS(X)                                                                                   \
    X(try_acquire_workflow_run_lock, "tryAcquireWorkflowRunLock", "TRY_ACQUIRE_WORKFLOW_RUN_LOCK", true,     \
      false)                                                                                                 \
    X(renew_workflow_run_lock, "renewWorkflowRunLock", "RENEW_WORKFLOW_RUN_LOCK", true, true)                \
    X(get_workflow_run_lock, "getWorkflowRunLock", "GET_WORKFLOW_RUN_LOCK", false, true)                     \
    X(release_workflow_run_lock, "releaseWorkflowRunLock", "RELEASE_WORKFLOW_RUN_LOCK", true, false)         \
    X(list_workflow_run_locks, "listWorkflowRunLocks", "LIST_WORKFLOW_RUN_LOCKS", false, true)

MS_RUN_LOCK_OPS(MS_OP_DECLARE)

/* Checks a fence's form; NULL is allowed. */
mastra_status ms_check_fence(mastra_error *error, const mastra_fence *fence);

/*
 * In a writing unit, before its writes: FENCED unless the run's lock is still the fence's. What a NULL fence asks for
 * is nothing.
 */
mastra_status ms_unit_fence(struct ms_unit *unit, mastra_str workflow_name, mastra_str run_id,
                            const mastra_fence *fence);

mastra_status ms_try_acquire_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *args,
                                               mastra_run_lock **ret);
mastra_status ms_renew_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *args, bool *ret);
mastra_status ms_get_workflow_run_lock(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                       mastra_run_lock **ret);
mastra_status ms_release_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *args, bool *ret);
mastra_status ms_list_workflow_run_locks(struct ms_call *call, const mastra_list_run_locks_args *args,
                                         mastra_run_lock_list **ret);

/* Renews the lock when it is still the one of this owner and generation. */
mastra_status ms_renew_kept_lock(struct ms_call *call, const mastra_run_lock *lock, int64_t ttl_ms,
                                 bool *ret);

#endif
