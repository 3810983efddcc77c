/*
 * Scores that scorers gave to runs of agents and workflows.
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written only
 * on success; each is released as a whole by its _free function, may be used from any thread after that, and stays
 * valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing or malformed,
 * named in the error; nothing has been written), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED
 * and OUT_OF_MEMORY.
 */
#ifndef MASTRA_SCORES_H
#define MASTRA_SCORES_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mastra_score {
    size_t size;
    mastra_str id;
    mastra_str scorer_id;
    mastra_str trace_id;
    mastra_str span_id;
    mastra_str run_id;
    mastra_str
        scorer; /* JSON text, as are the step results, metadata, input, output, the contexts and the entity */
    mastra_str preprocess_step_result;
    mastra_str extract_step_result;
    mastra_str analyze_step_result;
    double score;
    mastra_str reason;
    mastra_str metadata;
    mastra_str preprocess_prompt;
    mastra_str extract_prompt;
    mastra_str generate_score_prompt;
    mastra_str generate_reason_prompt;
    mastra_str analyze_prompt;
    mastra_str reason_prompt;
    mastra_str input;
    mastra_str output;
    mastra_str additional_context;
    mastra_str request_context;
    mastra_str entity_type;
    mastra_str entity;
    mastra_str entity_id;
    mastra_str source;
    mastra_str resource_id;
    mastra_str thread_id;
    mastra_str organization_id;
    mastra_str project_id;
    mastra_str batch_id;
    mastra_str dataset_id;
    mastra_str dataset_item_id;
    mastra_time created_at;
    mastra_time updated_at;
} mastra_score;

#define MASTRA_SCORE_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_score), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},   \
            {NULL, 0}, {NULL, 0}, MASTRA_REAL_NONE, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},   \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},          \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},          \
            {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE, MASTRA_TIME_NONE                                         \
    }

MASTRA_API void mastra_score_free(mastra_score *score); /* NULL is allowed */

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_score_list mastra_score_list;

MASTRA_API size_t mastra_score_list_count(const mastra_score_list *list);
MASTRA_API const mastra_score *mastra_score_list_at(const mastra_score_list *list, size_t index);
MASTRA_API const mastra_page *mastra_score_list_page(const mastra_score_list *list);
MASTRA_API void mastra_score_list_free(mastra_score_list *list); /* NULL is allowed */

/*
 * Saves a score; one with the same id is replaced. Required: scorer_id, entity_id, run_id, score (a finite number),
 * scorer (a JSON object), entity (a JSON object), output, source ("LIVE" or "TEST"). An output that is the JSON null is
 * stored as none. Metadata, step results and contexts are JSON objects; entity_type is "AGENT", "WORKFLOW",
 * "TRAJECTORY", "STEP", "EXTERNAL" or the type of a span. The id is a new UUID when absent; both times become now.
 * Mastra: saveScore.
 */
MASTRA_API mastra_status mastra_save_score(mastra_store *store, const mastra_score *score,
                                           mastra_score **ret_score, mastra_error *error);

/* Reads one score; *ret_score is NULL when there is none. Mastra: getScoreById. */
MASTRA_API mastra_status mastra_get_score_by_id(mastra_store *store, mastra_str id, mastra_score **ret_score,
                                                mastra_error *error);

typedef struct mastra_list_scores_args {
    size_t size;
    mastra_str scorer_id; /* each filter absent: any */
    mastra_str run_id;
    mastra_str entity_id;
    mastra_str entity_type;
    mastra_str source;
    mastra_str trace_id;
    mastra_str span_id;
    mastra_str organization_id;
    mastra_str project_id;
    mastra_str batch_id;
    mastra_str dataset_id;
    int64_t page;
    int64_t per_page; /* default 100 */
} mastra_list_scores_args;

#define MASTRA_LIST_SCORES_INIT                                                                              \
    {                                                                                                        \
        sizeof(mastra_list_scores_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},   \
            {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, MASTRA_PER_PAGE_DEFAULT                \
    }

/*
 * Scores, newest first, 100 to a page. `args` NULL: all. An entity_id, entity_type or source that is empty counts as
 * absent unless it is required; any other empty filter is matched like the rest. Not an operation of Mastra: listScores.
 */
MASTRA_API mastra_status mastra_list_scores(mastra_store *store, const mastra_list_scores_args *args,
                                            mastra_score_list **ret_scores, mastra_error *error);

/* The same with a scorer_id that is required. Mastra: listScoresByScorerId. */
MASTRA_API mastra_status mastra_list_scores_by_scorer_id(mastra_store *store,
                                                         const mastra_list_scores_args *args,
                                                         mastra_score_list **ret_scores, mastra_error *error);

/* The same with a run_id that is required. Mastra: listScoresByRunId. */
MASTRA_API mastra_status mastra_list_scores_by_run_id(mastra_store *store,
                                                      const mastra_list_scores_args *args,
                                                      mastra_score_list **ret_scores, mastra_error *error);

/* The same with an entity_id and an entity_type that are required. Mastra: listScoresByEntityId. */
MASTRA_API mastra_status mastra_list_scores_by_entity_id(mastra_store *store,
                                                         const mastra_list_scores_args *args,
                                                         mastra_score_list **ret_scores, mastra_error *error);

/* The same with a trace_id and a span_id that are required. Mastra: listScoresBySpan. */
MASTRA_API mastra_status mastra_list_scores_by_span(mastra_store *store, const mastra_list_scores_args *args,
                                                    mastra_score_list **ret_scores, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
