/*
 * The workflows domain: what saving, listing and changing the snapshots of workflow runs means. The public header says
 * what each operation does; these are the same with the call in place of store and error.
 */
#ifndef DOMAINS_WORKFLOWS_H
#define DOMAINS_WORKFLOWS_H

#include "domains/api.h"

#include <mastra/workflows.h>

/* A status that was expected is not there any more when the change has been made before. */
#define MS_WORKFLOW_OPS(X)                                                                                   \
    X(persist_workflow_snapshot, "persistWorkflowSnapshot", "PERSIST_WORKFLOW_SNAPSHOT", true, true)         \
    X(load_workflow_snapshot, "loadWorkflowSnapshot", "LOAD_WORKFLOW_SNAPSHOT", false, true)                 \
    X(get_workflow_run_by_id, "getWorkflowRunById", "GET_WORKFLOW_RUN_BY_ID", false, true)                   \
    X(list_workflow_runs, "listWorkflowRuns", "LIST_WORKFLOW_RUNS", false, true)                             \
    X(delete_workflow_run_by_id, "deleteWorkflowRunById", "DELETE_WORKFLOW_RUN_BY_ID", true, true)           \
    X(update_workflow_results, "updateWorkflowResults", "UPDATE_WORKFLOW_RESULTS", true, true)               \
    X(update_workflow_state, "updateWorkflowState", "UPDATE_WORKFLOW_STATE", true, false)

MS_WORKFLOW_OPS(MS_OP_DECLARE)

/* The arguments that say which run is meant, workflow name and id; the second is for what may create the run. */
mastra_status ms_check_run(mastra_error *error, const mastra_str *key, const mastra_fence *fence);
mastra_status ms_check_new_run(mastra_error *error, const mastra_str *key, const mastra_fence *fence);

mastra_status ms_persist_workflow_snapshot(struct ms_call *call, const mastra_workflow_run *run,
                                           const mastra_fence *fence);
mastra_status ms_load_workflow_snapshot(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                        mastra_workflow_run **ret);
mastra_status ms_get_workflow_run_by_id(struct ms_call *call, mastra_str run_id, mastra_str workflow_name,
                                        mastra_workflow_run **ret);
mastra_status ms_list_workflow_runs(struct ms_call *call, const mastra_list_workflow_runs_args *args,
                                    mastra_workflow_run_list **ret);
mastra_status ms_delete_workflow_run_by_id(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                           const mastra_fence *fence);

/* The answers of these two are the run as it is now, NULL when there is none (or it has not the status expected). */
mastra_status ms_update_workflow_results(struct ms_call *call,
                                         const mastra_update_workflow_results_args *args,
                                         mastra_workflow_run **ret);
mastra_status ms_update_workflow_state(struct ms_call *call, const mastra_update_workflow_state_args *args,
                                       mastra_workflow_run **ret);

#endif
