/*
 * The scores domain. The public header says what each operation does; these are the same with the call in place of
 * store and error.
 */
#ifndef DOMAINS_SCORES_H
#define DOMAINS_SCORES_H

#include "domains/api.h"

#include <mastra/scores.h>

#define MS_SCORE_OPS(X)                                                                                      \
    X(save_score, "saveScore", "SAVE_SCORE", true, true)                                                     \
    X(get_score_by_id, "getScoreById", "GET_SCORE_BY_ID", false, true)                                       \
    X(list_scores, "listScores", "LIST_SCORES", false, true)                                                 \
    X(list_scores_by_scorer_id, "listScoresByScorerId", "LIST_SCORES_BY_SCORER_ID", false, true)             \
    X(list_scores_by_run_id, "listScoresByRunId", "LIST_SCORES_BY_RUN_ID", false, true)                      \
    X(list_scores_by_entity_id, "listScoresByEntityId", "LIST_SCORES_BY_ENTITY_ID", false, true)             \
    X(list_scores_by_span, "listScoresBySpan", "LIST_SCORES_BY_SPAN", false, true)

MS_SCORE_OPS(MS_OP_DECLARE)

mastra_status ms_save_score(struct ms_call *call, const mastra_score *score, mastra_score **ret);
mastra_status ms_get_score_by_id(struct ms_call *call, mastra_str id, mastra_score **ret);

/* What the lists differ in. */
struct ms_score_scope {
    uint64_t required; /* the bits of the columns whose filters must be given */
    bool none;         /* no score can match; the arguments are checked all the same */
};

mastra_status ms_list_scores(struct ms_call *call, const struct ms_score_scope *scope,
                             const mastra_list_scores_args *args, mastra_score_list **ret);

/* The filters that the lists of Mastra require. */
#define MS_SCORES_BY_SCORER MS_BIT(MS_SCORE_SCORER_ID)
#define MS_SCORES_BY_RUN    MS_BIT(MS_SCORE_RUN_ID)
#define MS_SCORES_BY_ENTITY (MS_BIT(MS_SCORE_ENTITY_ID) | MS_BIT(MS_SCORE_ENTITY_TYPE))
#define MS_SCORES_BY_SPAN   (MS_BIT(MS_SCORE_TRACE_ID) | MS_BIT(MS_SCORE_SPAN_ID))

#endif
