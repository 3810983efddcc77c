#include "domains/evals.h"

#include "base/error.h"
#include "domains/check.h"
#include "domains/listing.h"

/* What tells a test from a live run. */
#define TEST_PATH "testPath"

static mastra_status insert(struct ms_unit *unit, void *arg)
{
    return ms_unit_insert(unit, MS_EVAL, arg);
}

mastra_status ms_save_eval(struct ms_call *call, const mastra_eval *given)
{
    const struct ms_entity *entity = ms_entity(MS_EVAL);
    mastra_eval eval;
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "eval", mastra_str_of(NULL), "is required");
    }
    ms_record_copy(entity, &eval, given);
    if (eval.created_at == MASTRA_TIME_NONE) {
        eval.created_at = call->now;
    }
    status = ms_check_record(&call->error, "eval", entity, &eval, ms_entity_all(entity));
    if (status != MASTRA_OK) {
        return status;
    }
    if (!ms_json_member(eval.result, mastra_str_of("score")).ptr) {
        return ms_error_argument(&call->error, "eval.result", eval.result, "must have a member \"score\"");
    }
    return ms_transact(call, insert, &eval, NULL);
}

static mastra_status list(struct ms_call *call, struct ms_listing *work, mastra_eval_type type,
                          mastra_eval_list **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (type == MASTRA_EVAL_TEST || type == MASTRA_EVAL_LIVE) {
        ms_query_member(&work->query, type == MASTRA_EVAL_TEST, MS_EVAL_TEST_INFO, mastra_str_of(TEST_PATH));
    }
    work->query.descending = true;
    status = ms_listing_run(call, work, &arena);
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_eval_list *)work->list, ret);
    }
    return status;
}

mastra_status ms_get_evals(struct ms_call *call, const mastra_get_evals_args *given, mastra_eval_list **ret)
{
    mastra_get_evals_args args = MASTRA_GET_EVALS_INIT;
    struct ms_listing work = {0};
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_EVAL);
    status = ms_check_text(&call->error, "agentName", args.agent_name);
    if (status == MASTRA_OK) {
        status = ms_paging_of(&call->error, args.page, args.per_page, MS_RECORDS_PER_PAGE, &work.paging);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    if (args.agent_name.len > 0) {
        ms_query_equal(&work.query, MS_EVAL_AGENT_NAME, args.agent_name);
    }
    ms_query_range(&work.query, MS_EVAL_CREATED_AT, args.start_date, false, args.end_date, false);
    return list(call, &work, args.type, ret);
}

mastra_status ms_get_evals_by_agent_name(struct ms_call *call, mastra_str agent_name, mastra_eval_type type,
                                         mastra_eval_list **ret)
{
    struct ms_listing work = {.paging = {0, MASTRA_PER_PAGE_ALL, 0}};
    mastra_status status = ms_check_sought(&call->error, "agentName", agent_name);

    if (status != MASTRA_OK) {
        return status;
    }
    ms_query_init(&work.query, MS_EVAL);
    ms_query_equal(&work.query, MS_EVAL_AGENT_NAME, agent_name);
    return list(call, &work, type, ret);
}
