#include "domains/scores.h"

#include "base/error.h"
#include "domains/check.h"
#include "domains/listing.h"

/* What a score may be of: Mastra's own kinds, then every type of span. */
static const char *const entity_types[] = {
    "AGENT",
    "WORKFLOW",
    "TRAJECTORY",
    "STEP",
    "EXTERNAL",
    "agent_run",
    "agent_signal",
    "classifier_evaluation",
    "client_tool_call",
    "generic",
    "graph_action",
    "mapping",
    "mcp_server_request",
    "mcp_tool_call",
    "memory_operation",
    "model_chunk",
    "model_generation",
    "model_inference",
    "model_step",
    "processor_run",
    "provider_tool_call",
    "rag_action",
    "rag_embedding",
    "rag_ingestion",
    "rag_vector_operation",
    "scorer_run",
    "scorer_step",
    "skill_action",
    "skill_resolution",
    "tool_call",
    "workflow_conditional",
    "workflow_conditional_eval",
    "workflow_loop",
    "workflow_parallel",
    "workflow_run",
    "workflow_sleep",
    "workflow_step",
    "workflow_wait_event",
    "workspace_action",
    NULL,
};

static const char *const sources[] = {"LIVE", "TEST", NULL};

static bool one_of(mastra_str text, const char *const *names)
{
    for (; *names; names++) {
        if (strlen(*names) == text.len && memcmp(*names, text.ptr, text.len) == 0) {
            return true;
        }
    }
    return false;
}

static mastra_status check_score(mastra_error *error, mastra_score *score)
{
    const struct ms_entity *entity = ms_entity(MS_SCORE);
    mastra_status status = ms_check_record(error, "score", entity, score, ms_entity_all(entity));

    if (status != MASTRA_OK) {
        return status;
    }
    if (!one_of(score->source, sources)) {
        return ms_error_argument(error, "score.source", score->source, "must be LIVE or TEST");
    }
    if (score->entity_type.ptr && !one_of(score->entity_type, entity_types)) {
        return ms_error_argument(error, "score.entityType", score->entity_type,
                                 "must be AGENT, WORKFLOW, TRAJECTORY, STEP, EXTERNAL or the type of a span");
    }
    return MASTRA_OK;
}

struct score_work {
    mastra_str id;
    const mastra_score *given;
    mastra_score *score;
};

static mastra_status save(struct ms_unit *unit, void *arg)
{
    struct score_work *work = arg;

    work->score = ms_record_dup(unit->arena, ms_entity(MS_SCORE), work->given);
    unit->result = work->score;
    if (!work->score) {
        return ms_error_oom(unit->error);
    }
    return ms_unit_put(unit, MS_SCORE, work->score);
}

mastra_status ms_save_score(struct ms_call *call, const mastra_score *given, mastra_score **ret)
{
    mastra_score score;
    struct score_work work = {.given = &score};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (!given) {
        ms_error_argument(&call->error, "score", mastra_str_of(NULL), "is required");
        return ms_call_reason(&call->error, "VALIDATION_FAILED", "USER");
    }
    ms_record_copy(ms_entity(MS_SCORE), &score, given);
    score.score += 0.0; /* negative zero becomes zero, as it does in JSON */
    score.created_at = call->now;
    score.updated_at = call->now;
    if (check_score(&call->error, &score) != MASTRA_OK) {
        return ms_call_reason(&call->error, "VALIDATION_FAILED", "USER");
    }
    if (!score.id.ptr) {
        score.id = mastra_str_of(ms_call_id(call, 0));
    }
    status = score.id.ptr ? ms_transact(call, save, &work, &arena) : call->error.status;
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.score, ret);
    }
    return status;
}

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct score_work *work = arg;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_SCORE, &work->id, false, &found);

    work->score = found;
    return status;
}

mastra_status ms_get_score_by_id(struct ms_call *call, mastra_str id, mastra_score **ret)
{
    struct score_work work = {.id = id};
    struct ms_arena *arena = NULL;
    mastra_status status = ms_check_sought(&call->error, "id", id);

    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_ROW, get, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.score, ret);
    }
    return status;
}

/* Lists. */

struct score_filter {
    uint8_t column;
    bool loose; /* counts as absent when it is empty and not required */
    size_t offset;
};

#define ARG(field) offsetof(mastra_list_scores_args, field)
static const struct score_filter score_filters[] = {
    {MS_SCORE_SCORER_ID, false, ARG(scorer_id)},   {MS_SCORE_RUN_ID, false, ARG(run_id)},
    {MS_SCORE_ENTITY_ID, true, ARG(entity_id)},    {MS_SCORE_ENTITY_TYPE, true, ARG(entity_type)},
    {MS_SCORE_SOURCE, true, ARG(source)},          {MS_SCORE_TRACE_ID, false, ARG(trace_id)},
    {MS_SCORE_SPAN_ID, false, ARG(span_id)},       {MS_SCORE_ORGANIZATION_ID, false, ARG(organization_id)},
    {MS_SCORE_PROJECT_ID, false, ARG(project_id)}, {MS_SCORE_BATCH_ID, false, ARG(batch_id)},
    {MS_SCORE_DATASET_ID, false, ARG(dataset_id)},
};
#undef ARG

static mastra_status add_filter(mastra_error *error, const struct score_filter *filter, bool required,
                                const mastra_list_scores_args *args, struct ms_query *query)
{
    const struct ms_column *column = &query->entity->columns[filter->column];
    mastra_str text = *(const mastra_str *)(const void *)((const char *)args + filter->offset);
    mastra_status status =
        required ? ms_check_sought(error, column->json, text) : ms_check_text(error, column->json, text);

    if (status == MASTRA_OK && text.ptr && (text.len > 0 || required || !filter->loose)) {
        ms_query_equal(query, filter->column, text);
    }
    return status;
}

mastra_status ms_list_scores(struct ms_call *call, const struct ms_score_scope *scope,
                             const mastra_list_scores_args *given, mastra_score_list **ret)
{
    mastra_list_scores_args args = MASTRA_LIST_SCORES_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_status status = MASTRA_OK;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_SCORE);
    work.query.descending = true;
    for (size_t i = 0; i < sizeof score_filters / sizeof score_filters[0] && status == MASTRA_OK; i++) {
        const struct score_filter *filter = &score_filters[i];

        status = add_filter(&call->error, filter, (scope->required & MS_BIT(filter->column)) != 0, &args,
                            &work.query);
    }
    if (scope->none) {
        ms_query_any_of(&work.query, MS_SCORE_ID, NULL, 0);
    }
    if (status == MASTRA_OK) {
        status = ms_paging_of(&call->error, args.page, args.per_page, MS_RECORDS_PER_PAGE, &work.paging);
    }
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_score_list *)work.list, ret);
    }
    return status;
}
