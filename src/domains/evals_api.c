/* The typed functions of <mastra/evals.h>: each begins a call, runs the domain's function, ends the call. */
#include "domains/api.h"
#include "domains/evals.h"

MS_EVAL_OPS(MS_OP_DEFINE)

mastra_status mastra_save_eval(mastra_store *store, const mastra_eval *eval, mastra_error *error)
{
    MS_RUN(save_eval, ms_save_eval, eval);
}

mastra_status mastra_get_evals(mastra_store *store, const mastra_get_evals_args *args,
                               mastra_eval_list **ret_evals, mastra_error *error)
{
    MS_RUN(get_evals, ms_get_evals, args, ret_evals);
}

mastra_status mastra_get_evals_by_agent_name(mastra_store *store, mastra_str agent_name,
                                             mastra_eval_type type, mastra_eval_list **ret_evals,
                                             mastra_error *error)
{
    MS_RUN(get_evals_by_agent_name, ms_get_evals_by_agent_name, agent_name, type, ret_evals);
}

mastra_status mastra_batch_trace_insert(mastra_store *store, const mastra_trace_record *const *records,
                                        size_t count, mastra_error *error)
{
    MS_RUN(batch_trace_insert, ms_batch_trace_insert, records, count);
}

mastra_status mastra_get_traces(mastra_store *store, const mastra_get_traces_args *args,
                                mastra_trace_record_list **ret_records, mastra_error *error)
{
    MS_RUN(get_traces, ms_get_traces, args, ret_records);
}
