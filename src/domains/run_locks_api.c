/* The typed functions of <mastra/workflows.h> on run locks. */
#include "domains/run_locks.h"

MS_RUN_LOCK_OPS(MS_OP_DEFINE)

mastra_status mastra_try_acquire_workflow_run_lock(mastra_store *store, const mastra_run_lock_args *args,
                                                   mastra_run_lock **ret_lock, mastra_error *error)
{
    MS_RUN(try_acquire_workflow_run_lock, ms_try_acquire_workflow_run_lock, args, ret_lock);
}

mastra_status mastra_renew_workflow_run_lock(mastra_store *store, const mastra_run_lock_args *args,
                                             bool *ret_held, mastra_error *error)
{
    MS_RUN(renew_workflow_run_lock, ms_renew_workflow_run_lock, args, ret_held);
}

mastra_status mastra_get_workflow_run_lock(mastra_store *store, mastra_str workflow_name, mastra_str run_id,
                                           mastra_run_lock **ret_lock, mastra_error *error)
{
    MS_RUN(get_workflow_run_lock, ms_get_workflow_run_lock, workflow_name, run_id, ret_lock);
}

mastra_status mastra_release_workflow_run_lock(mastra_store *store, const mastra_run_lock_args *args,
                                               bool *ret_held, mastra_error *error)
{
    MS_RUN(release_workflow_run_lock, ms_release_workflow_run_lock, args, ret_held);
}

mastra_status mastra_list_workflow_run_locks(mastra_store *store, const mastra_list_run_locks_args *args,
                                             mastra_run_lock_list **ret_locks, mastra_error *error)
{
    MS_RUN(list_workflow_run_locks, ms_list_workflow_run_locks, args, ret_locks);
}
