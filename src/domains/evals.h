/*
 * Evals and traces of Mastra 0.x. The public header says what each operation does; these are the same with the call in
 * place of store and error.
 */
#ifndef DOMAINS_EVALS_H
#define DOMAINS_EVALS_H

#include "domains/api.h"

#include <mastra/evals.h>

#define MS_EVAL_OPS(X)                                                                                       \
    X(save_eval, "saveEval", "SAVE_EVAL", true, false)                                                       \
    X(get_evals, "getEvals", "GET_EVALS", false, true)                                                       \
    X(list_evals, "listEvals", "LIST_EVALS", false, true)                                                    \
    X(get_evals_by_agent_name, "getEvalsByAgentName", "GET_EVALS_BY_AGENT_NAME", false, true)                \
    X(batch_trace_insert, "batchTraceInsert", "BATCH_TRACE_INSERT", true, true)                              \
    X(get_traces, "getTraces", "GET_TRACES", false, true)

MS_EVAL_OPS(MS_OP_DECLARE)

mastra_status ms_save_eval(struct ms_call *call, const mastra_eval *eval);
mastra_status ms_get_evals(struct ms_call *call, const mastra_get_evals_args *args, mastra_eval_list **ret);
mastra_status ms_get_evals_by_agent_name(struct ms_call *call, mastra_str agent_name, mastra_eval_type type,
                                         mastra_eval_list **ret);

mastra_status ms_batch_trace_insert(struct ms_call *call, const mastra_trace_record *const *records,
                                    size_t count);
mastra_status ms_get_traces(struct ms_call *call, const mastra_get_traces_args *args,
                            mastra_trace_record_list **ret);

#endif
