/* The typed functions of <mastra/scores.h>: each begins a call, runs the domain's function, ends the call. */
#include "domains/api.h"
#include "domains/scores.h"
#include "schema/schema.h"

MS_SCORE_OPS(MS_OP_DEFINE)

mastra_status mastra_save_score(mastra_store *store, const mastra_score *score, mastra_score **ret_score,
                                mastra_error *error)
{
    MS_RUN(save_score, ms_save_score, score, ret_score);
}

mastra_status mastra_get_score_by_id(mastra_store *store, mastra_str id, mastra_score **ret_score,
                                     mastra_error *error)
{
    MS_RUN(get_score_by_id, ms_get_score_by_id, id, ret_score);
}

mastra_status mastra_list_scores(mastra_store *store, const mastra_list_scores_args *args,
                                 mastra_score_list **ret_scores, mastra_error *error)
{
    static const struct ms_score_scope scope = {0, false};

    MS_RUN(list_scores, ms_list_scores, &scope, args, ret_scores);
}

mastra_status mastra_list_scores_by_scorer_id(mastra_store *store, const mastra_list_scores_args *args,
                                              mastra_score_list **ret_scores, mastra_error *error)
{
    static const struct ms_score_scope scope = {MS_SCORES_BY_SCORER, false};

    MS_RUN(list_scores_by_scorer_id, ms_list_scores, &scope, args, ret_scores);
}

mastra_status mastra_list_scores_by_run_id(mastra_store *store, const mastra_list_scores_args *args,
                                           mastra_score_list **ret_scores, mastra_error *error)
{
    static const struct ms_score_scope scope = {MS_SCORES_BY_RUN, false};

    MS_RUN(list_scores_by_run_id, ms_list_scores, &scope, args, ret_scores);
}

mastra_status mastra_list_scores_by_entity_id(mastra_store *store, const mastra_list_scores_args *args,
                                              mastra_score_list **ret_scores, mastra_error *error)
{
    static const struct ms_score_scope scope = {MS_SCORES_BY_ENTITY, false};

    MS_RUN(list_scores_by_entity_id, ms_list_scores, &scope, args, ret_scores);
}

mastra_status mastra_list_scores_by_span(mastra_store *store, const mastra_list_scores_args *args,
                                         mastra_score_list **ret_scores, mastra_error *error)
{
    static const struct ms_score_scope scope = {MS_SCORES_BY_SPAN, false};

    MS_RUN(list_scores_by_span, ms_list_scores, &scope, args, ret_scores);
}
