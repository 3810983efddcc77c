/* Commands that show what scorers and evals said: scores, evals. */
#include "cli.h"
#include "json.h"
#include "request.h"
#include "table.h"

/* scores */

static int show_scores(const mastra_score_list *list, bool wide)
{
    static const struct table_column columns[] = {{"CREATED (UTC)", TABLE_WHOLE}, {"SCORE", TABLE_WHOLE},
                                                  {"SCORER", TABLE_TEXT},         {"SOURCE", TABLE_WHOLE},
                                                  {"ENTITY", TABLE_TEXT},         {"RUN", TABLE_ID},
                                                  {"REASON", TABLE_TEXT},         {NULL, TABLE_TEXT}};
    size_t count = mastra_score_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_score *score = mastra_score_list_at(list, i);

        table_add_time(&table, score->created_at);
        table_add_number(&table, score->score);
        table_add_text(&table, score->scorer_id);
        table_add_text(&table, score->source);
        table_add_text(&table, score->entity_id);
        table_add_text(&table, score->run_id);
        table_add_text(&table, score->reason);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("score", count, mastra_score_list_page(list));
    }
    return code;
}

static int print_scores(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, "scorerId", options->scorer);
    request_add_text(&request, "runId", options->run);
    request_add_text(&request, "entityId", options->entity);
    request_add_text(&request, "entityType", options->entity_type);
    request_add_text(&request, "traceId", options->trace);
    request_add_text(&request, "spanId", options->span);
    request_open(&request, "pagination", '{');
    request_add_page(&request, options);
    request_close(&request, '}');
    return request_print(cli, "listScores", &request);
}

int run_scores(struct cli *cli)
{
    mastra_list_scores_args args = MASTRA_LIST_SCORES_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    const struct options *options = &cli->options;
    mastra_score_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (options->json) {
        return print_scores(cli);
    }
    args.scorer_id = mastra_str_of(options->scorer);
    args.run_id = mastra_str_of(options->run);
    args.entity_id = mastra_str_of(options->entity);
    args.entity_type = mastra_str_of(options->entity_type);
    args.trace_id = mastra_str_of(options->trace);
    args.span_id = mastra_str_of(options->span);
    args.page = options->page;
    args.per_page = options->per_page;
    if (mastra_list_scores(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_scores(list, options->wide);
    mastra_score_list_free(list);
    return code;
}

/* evals */

static int show_evals(const mastra_eval_list *list, bool wide)
{
    static const struct table_column columns[] = {{"CREATED (UTC)", TABLE_WHOLE},
                                                  {"AGENT", TABLE_TEXT},
                                                  {"METRIC", TABLE_TEXT},
                                                  {"SCORE", TABLE_WHOLE},
                                                  {"INPUT", TABLE_TEXT},
                                                  {"OUTPUT", TABLE_TEXT},
                                                  {"RUN", TABLE_ID},
                                                  {NULL, TABLE_TEXT}};
    size_t count = mastra_eval_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_eval *eval = mastra_eval_list_at(list, i);

        table_add_time(&table, eval->created_at);
        table_add_text(&table, eval->agent_name);
        table_add_text(&table, eval->metric_name);
        table_add_json(&table, json_member(eval->result, "score"));
        table_add_text(&table, eval->input);
        table_add_text(&table, eval->output);
        table_add_text(&table, eval->run_id);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("eval", count, mastra_eval_list_page(list));
    }
    return code;
}

static int print_evals(struct cli *cli)
{
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, "agentName", cli->options.agent);
    request_add_text(&request, "type", cli->options.type);
    request_add_page(&request, &cli->options);
    return request_print(cli, "getEvals", &request);
}

static bool read_type(const char *name, mastra_eval_type *ret)
{
    if (!name) {
        return true;
    }
    *ret = strcmp(name, "test") == 0 ? MASTRA_EVAL_TEST : MASTRA_EVAL_LIVE;
    return *ret == MASTRA_EVAL_TEST || strcmp(name, "live") == 0;
}

int run_evals(struct cli *cli)
{
    mastra_get_evals_args args = MASTRA_GET_EVALS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    const struct options *options = &cli->options;
    mastra_eval_list *list = NULL;
    int code;

    if (!read_type(options->type, &args.type)) {
        return cli_complain(MASTRA_USAGE, "--type must be test or live, not \"%s\"",
                            cli_shown(options->type));
    }
    code = cli_open(cli);
    if (code != 0) {
        return code;
    }
    if (options->json) {
        return print_evals(cli);
    }
    args.agent_name = mastra_str_of(options->agent);
    args.page = options->page;
    args.per_page = options->per_page;
    if (mastra_get_evals(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_evals(list, options->wide);
    mastra_eval_list_free(list);
    return code;
}
