/* Operations on scores: arguments, results, handlers. */
#include "domains/scores.h"
#include "call/common.h"

/* saveScore */

struct save_args {
    mastra_score score;
};

static const struct save_args save_blank = {MASTRA_SCORE_INIT};

static const struct ms_arg save_table[] = {
    {.name = "score",
     .type = MS_ARG_RECORD,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct save_args, score),
     .entity = MS_SCORE,
     .reason = "VALIDATION_FAILED"},
};

static const struct ms_arg save_members[] = {
    {.name = "score", .type = MS_ARG_RECORD, .flags = MS_ARG_REQUIRED, .entity = MS_SCORE},
};
static const struct ms_arg save_result = {
    .type = MS_ARG_GROUP, .members = save_members, .member_count = MS_COUNT(save_members)};

static void put_saved(struct ms_buf *out, const void *score)
{
    ms_buf_add_text(out, "{\"score\":");
    ms_put_record(out, MS_SCORE, score, MS_OMIT_ABSENT);
    ms_buf_add_char(out, '}');
}

static mastra_status save_score(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct save_args *save = args;

    (void)out;
    return ms_save_score(call, &save->score, NULL);
}

/* getScoreById */

struct get_args {
    mastra_str id;
};

static const struct get_args get_blank = {{NULL, 0}};

static const struct ms_arg get_table[] = {
    {.name = "id",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT | MS_ARG_BARE,
     .offset = offsetof(struct get_args, id)},
};

static const struct ms_arg get_result = {.type = MS_ARG_RECORD, .entity = MS_SCORE, .flags = MS_ARG_NULLABLE};

static mastra_status get_score_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct get_args *get = args;
    mastra_score *score = NULL;
    mastra_status status = ms_get_score_by_id(call, get->id, &score);

    if (status == MASTRA_OK) {
        ms_put_record(out, MS_SCORE, score, MS_OMIT_ABSENT);
    }
    mastra_score_free(score);
    return status;
}

/* listScores, listScoresByScorerId, listScoresByRunId, listScoresByEntityId, listScoresBySpan */

struct list_args {
    mastra_list_scores_args list;
    uint64_t given; /* the tenants that were asked for, null or not */
};

static const struct list_args list_blank = {MASTRA_LIST_SCORES_INIT, 0};

#define LIST(field) offsetof(struct list_args, list.field)
#define FILTER(argument, field)                                                                              \
    {                                                                                                        \
        .name = (argument), .type = MS_ARG_TEXT, .offset = LIST(field)                                       \
    }
#define REQUIRED(argument, field)                                                                            \
    {                                                                                                        \
        .name = (argument), .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,                     \
        .offset = LIST(field)                                                                                \
    }
/* Who owns the scores: null is a tenant that none belongs to, not the wish for all of them. */
#define TENANT(argument, field, column)                                                                      \
    {                                                                                                        \
        .name = (argument), .type = MS_ARG_TEXT, .offset = LIST(field),                                      \
        .also = offsetof(struct list_args, given), .bit = MS_BIT(column), .about = "null: none matches"      \
    }

static const struct ms_arg list_filters[] = {
    TENANT("organizationId", organization_id, MS_SCORE_ORGANIZATION_ID),
    TENANT("projectId", project_id, MS_SCORE_PROJECT_ID),
    TENANT("batchId", batch_id, MS_SCORE_BATCH_ID),
    TENANT("datasetId", dataset_id, MS_SCORE_DATASET_ID),
};

static const struct ms_arg list_page[] = {
    MS_PAGE_ARG(mastra_list_scores_args),
    MS_PER_PAGE_ARG(mastra_list_scores_args, "100", "must be false or a safe integer", "INVALID_PAGE"),
};

_Static_assert(offsetof(struct list_args, list) == 0, "the page's offsets are those of the public struct");

#define LIST_ARGS                                                                                            \
    {.name = "filters",                                                                                      \
     .type = MS_ARG_GROUP,                                                                                   \
     .members = list_filters,                                                                                \
     .member_count = MS_COUNT(list_filters)},                                                                \
    {                                                                                                        \
        .name = "pagination", .type = MS_ARG_GROUP, .members = list_page,                                    \
        .member_count = MS_COUNT(list_page)                                                                  \
    }

static const struct ms_arg list_table[] = {
    FILTER("scorerId", scorer_id), FILTER("runId", run_id),
    FILTER("entityId", entity_id), FILTER("entityType", entity_type),
    FILTER("source", source),      FILTER("traceId", trace_id),
    FILTER("spanId", span_id),     LIST_ARGS,
};

static const struct ms_arg by_scorer_table[] = {
    REQUIRED("scorerId", scorer_id),
    FILTER("entityId", entity_id),
    FILTER("entityType", entity_type),
    FILTER("source", source),
    LIST_ARGS,
};

static const struct ms_arg by_run_table[] = {REQUIRED("runId", run_id), LIST_ARGS};

static const struct ms_arg by_entity_table[] = {REQUIRED("entityId", entity_id),
                                                REQUIRED("entityType", entity_type), LIST_ARGS};

static const struct ms_arg by_span_table[] = {REQUIRED("traceId", trace_id), REQUIRED("spanId", span_id),
                                              LIST_ARGS};

static const struct ms_arg list_members[] = {
    {.name = "scores", .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = MS_SCORE},
    {.name = "pagination",
     .type = MS_ARG_GROUP,
     .flags = MS_ARG_REQUIRED,
     .members = ms_page_members,
     .member_count = MS_PAGE_MEMBER_COUNT},
};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static mastra_status list(struct ms_call *call, uint64_t required, const void *args, struct ms_buf *out)
{
    const struct list_args *wanted = args;
    struct ms_score_scope scope = {required, false};
    mastra_score_list *scores = NULL;
    mastra_status status;

    for (size_t i = 0; i < MS_COUNT(list_filters); i++) {
        const struct ms_arg *tenant = &list_filters[i];
        const mastra_str *text = (const void *)((const char *)args + tenant->offset);

        scope.none = scope.none || ((wanted->given & tenant->bit) && !text->ptr);
    }
    status = ms_list_scores(call, &scope, &wanted->list, &scores);
    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "{\"scores\":");
        ms_put_list(out, MS_SCORE, scores, MS_OMIT_ABSENT);
        ms_buf_add_text(out, ",\"pagination\":");
        ms_put_page_object(out, mastra_score_list_page(scores));
        ms_buf_add_char(out, '}');
    }
    mastra_score_list_free(scores);
    return status;
}

static mastra_status list_scores(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return list(call, 0, args, out);
}

static mastra_status list_scores_by_scorer_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return list(call, MS_SCORES_BY_SCORER, args, out);
}

static mastra_status list_scores_by_run_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return list(call, MS_SCORES_BY_RUN, args, out);
}

static mastra_status list_scores_by_entity_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return list(call, MS_SCORES_BY_ENTITY, args, out);
}

static mastra_status list_scores_by_span(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return list(call, MS_SCORES_BY_SPAN, args, out);
}

/* The operations. */

#define ENTRY(c_name, text, table, initial, returned, write, sample)                                         \
    {                                                                                                        \
        MS_OPERATION("scores", c_name, text, table, initial, returned, write, sample, 0)                     \
    }

static const struct ms_operation operations[] = {
    ENTRY(save_score, "Saves a score; one with the same id is replaced.", save_table, save_blank, save_result,
          put_saved,
          "{\"id\":\"score1\",\"scorerId\":\"tone\",\"runId\":\"run1\",\"entityId\":\"agent1\","
          "\"entityType\":\"AGENT\","
          "\"traceId\":\"tr1\",\"spanId\":\"s1\","
          "\"entity\":{\"name\":\"Helper\"},\"scorer\":{\"name\":\"Tone\"},\"score\":0.9,"
          "\"reason\":\"friendly\",\"output\":{\"text\":\"Hello!\"},\"source\":\"LIVE\"}"),
    ENTRY(get_score_by_id, "Reads one score.", get_table, get_blank, get_result, NULL, "{\"id\":\"score1\"}"),
    ENTRY(list_scores, "Lists scores, newest first.", list_table, list_blank, list_result, NULL,
          "{\"source\":\"LIVE\",\"pagination\":{\"page\":0,\"perPage\":50}}"),
    ENTRY(list_scores_by_scorer_id, "Lists the scores of one scorer, newest first.", by_scorer_table,
          list_blank, list_result, NULL,
          "{\"scorerId\":\"tone\",\"pagination\":{\"page\":0,\"perPage\":50}}"),
    ENTRY(list_scores_by_run_id, "Lists the scores of one run, newest first.", by_run_table, list_blank,
          list_result, NULL, "{\"runId\":\"run1\",\"pagination\":{\"page\":0,\"perPage\":50}}"),
    ENTRY(list_scores_by_entity_id, "Lists the scores of one agent or workflow, newest first.",
          by_entity_table, list_blank, list_result, NULL,
          "{\"entityId\":\"agent1\",\"entityType\":\"AGENT\"}"),
    ENTRY(list_scores_by_span, "Lists the scores of one span, newest first.", by_span_table, list_blank,
          list_result, NULL, "{\"traceId\":\"tr1\",\"spanId\":\"s1\"}"),
};

const struct ms_operation_set ms_score_operations = {operations, MS_COUNT(operations)};
