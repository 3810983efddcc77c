/* The typed functions of <mastra/workflows.h> that are about snapshots. */
#include "domains/api.h"
#include "domains/workflows.h"

MS_WORKFLOW_OPS(MS_OP_DEFINE)

mastra_status mastra_persist_workflow_snapshot(mastra_store *store, const mastra_workflow_run *run,
                                               const mastra_fence *fence, mastra_error *error)
{
    MS_RUN(persist_workflow_snapshot, ms_persist_workflow_snapshot, run, fence);
}

mastra_status mastra_load_workflow_snapshot(mastra_store *store, mastra_str workflow_name, mastra_str run_id,
                                            mastra_workflow_run **ret_run, mastra_error *error)
{
    MS_RUN(load_workflow_snapshot, ms_load_workflow_snapshot, workflow_name, run_id, ret_run);
}

mastra_status mastra_get_workflow_run_by_id(mastra_store *store, mastra_str run_id, mastra_str workflow_name,
                                            mastra_workflow_run **ret_run, mastra_error *error)
{
    MS_RUN(get_workflow_run_by_id, ms_get_workflow_run_by_id, run_id, workflow_name, ret_run);
}

mastra_status mastra_list_workflow_runs(mastra_store *store, const mastra_list_workflow_runs_args *args,
                                        mastra_workflow_run_list **ret_runs, mastra_error *error)
{
    MS_RUN(list_workflow_runs, ms_list_workflow_runs, args, ret_runs);
}

mastra_status mastra_delete_workflow_run_by_id(mastra_store *store, mastra_str workflow_name,
                                               mastra_str run_id, const mastra_fence *fence,
                                               mastra_error *error)
{
    MS_RUN(delete_workflow_run_by_id, ms_delete_workflow_run_by_id, workflow_name, run_id, fence);
}

mastra_status mastra_update_workflow_results(mastra_store *store,
                                             const mastra_update_workflow_results_args *args,
                                             mastra_workflow_run **ret_run, mastra_error *error)
{
    MS_RUN(update_workflow_results, ms_update_workflow_results, args, ret_run);
}

mastra_status mastra_update_workflow_state(mastra_store *store, const mastra_update_workflow_state_args *args,
                                           mastra_workflow_run **ret_run, mastra_error *error)
{
    MS_RUN(update_workflow_state, ms_update_workflow_state, args, ret_run);
}
