/* The typed functions of scores, evals and the traces of Mastra 0.x. */
#include "conformance/typed.h"

#include <math.h>

static mastra_score score_of(const char *id)
{
    mastra_score score = MASTRA_SCORE_INIT;
    score.id = mastra_str_of(id);
    score.scorer_id = S("s");
    score.run_id = S("r");
    score.entity_id = S("e");
    score.entity_type = S("AGENT");
    score.trace_id = S("t");
    score.span_id = S("p");
    score.scorer = S("{\"id\":1}");
    score.entity = S(" {} ");
    score.source = S("LIVE");
    score.output = S("[1]");
    score.score = 0.1 + 0.2;
    return score;
}

static void score_round(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_score score = score_of("a");
    mastra_score *got = &score;
    OK(mastra_get_score_by_id(store, S("a"), &got, &error));
    assert_null(got);
    score.created_at = 5;
    OK(mastra_save_score(store, &score, &got, &error));
    assert_str(got->id, "a");
    assert_true(got->created_at > 5 && got->created_at == got->updated_at);
    assert_str(got->entity, "{}");
    mastra_score_free(got);
    OK(mastra_get_score_by_id(store, S("a"), &got, &error));
    assert_true(got->score == 0.1 + 0.2);
    assert_str(got->output, "[1]");
    assert_null(got->reason.ptr);
    assert_null(got->input.ptr);
    mastra_score_free(got);
    OK(mastra_save_score(store, &score, NULL, NULL));
    OK(mastra_get_score_by_id(store, S("a"), NULL, NULL));
    score.id = mastra_str_of(NULL);
    OK(mastra_save_score(store, &score, &got, &error));
    assert_int_equal(got->id.len, 36);
    mastra_score_free(got);
}

static void score_numbers(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_score score = score_of("a");
    mastra_score *got = NULL;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        score.score = bad[i];
        assert_int_equal(mastra_save_score(store, &score, &got, &error), MASTRA_INVALID_ARGUMENT);
        assert_string_equal(error.field, "score.score");
        assert_non_null(strstr(error.id, "SAVE_SCORE_VALIDATION_FAILED"));
    }
    score.score = -0.0;
    OK(mastra_save_score(store, &score, &got, &error));
    assert_false(signbit(got->score));
    mastra_score_free(got);
    OK(mastra_get_score_by_id(store, S("a"), &got, &error));
    assert_false(signbit(got->score));
    mastra_score_free(got);
    const double small = ((struct typed *)*state)->backend->traits & TRAIT_DOUBLES ? 1e-300 : 1e-120;
    score.score = small;
    OK(mastra_save_score(store, &score, NULL, &error));
    OK(mastra_get_score_by_id(store, S("a"), &got, &error));
    assert_true(got->score == small);
    mastra_score_free(got);
}

static void score_refused(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_score score = score_of("a");
    mastra_score *got = NULL;
    assert_int_equal(mastra_save_score(store, NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "score");
    score.output = mastra_str_of(NULL);
    assert_int_equal(mastra_save_score(store, &score, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "score.output");
    score.output = S("{");
    assert_int_equal(mastra_save_score(store, &score, NULL, &error), MASTRA_INVALID_ARGUMENT);
    score.output = S(" null ");
    OK(mastra_save_score(store, &score, &got, &error));
    assert_null(got->output.ptr);
    mastra_score_free(got);
    score.scorer = S("null");
    assert_int_equal(mastra_save_score(store, &score, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "score.scorer");
    score = score_of("");
    assert_int_equal(mastra_save_score(store, &score, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "score.id");
    score = score_of("b");
    score.reason = S("\xff");
    assert_int_equal(mastra_save_score(store, &score, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "score.reason");
}

typedef mastra_status (*list_function)(mastra_store *, const mastra_list_scores_args *, mastra_score_list **,
                                       mastra_error *);

/* Each list finds the score by its filters and insists on those that it is named after. */
static void scores_listed(void **state)
{
    static const list_function functions[] = {mastra_list_scores_by_scorer_id, mastra_list_scores_by_run_id,
                                              mastra_list_scores_by_entity_id, mastra_list_scores_by_span};
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_scores_args args = MASTRA_LIST_SCORES_INIT;
    mastra_score_list *list = NULL;
    mastra_score score = score_of("a");
    OK(mastra_save_score(store, &score, NULL, &error));
    args.scorer_id = S("s");
    args.run_id = S("r");
    args.entity_id = S("e");
    args.entity_type = S("AGENT");
    args.trace_id = S("t");
    args.span_id = S("p");
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        OK(functions[i](store, &args, &list, &error));
        assert_int_equal(mastra_score_list_count(list), 1);
        assert_str(mastra_score_list_at(list, 0)->id, "a");
        assert_null(mastra_score_list_at(list, 1));
        assert_int_equal(mastra_score_list_page(list)->total, 1);
        mastra_score_list_free(list);
        assert_int_equal(functions[i](store, NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    }
    args.source = S("TEST");
    OK(mastra_list_scores(store, &args, &list, &error));
    assert_int_equal(mastra_score_list_count(list), 0);
    mastra_score_list_free(list);
    OK(mastra_list_scores(store, NULL, NULL, NULL));
}

static mastra_eval eval_of(const char *input, mastra_time at)
{
    mastra_eval eval = MASTRA_EVAL_INIT;
    eval.input = mastra_str_of(input);
    eval.output = S("");
    eval.result = S("{\"score\":null}");
    eval.agent_name = S("agent");
    eval.metric_name = S("m");
    eval.instructions = S("i");
    eval.global_run_id = S("g");
    eval.run_id = S("r");
    eval.created_at = at;
    return eval;
}

static void evals(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_eval eval = eval_of("a", 1000);
    mastra_get_evals_args args = MASTRA_GET_EVALS_INIT;
    mastra_eval_list *list = NULL;
    OK(mastra_save_eval(store, &eval, &error));
    eval = eval_of("b", MASTRA_TIME_NONE);
    eval.test_info = S("{\"testPath\":\"p\"}");
    OK(mastra_save_eval(store, &eval, NULL));
    OK(mastra_get_evals(store, NULL, &list, &error));
    assert_int_equal(mastra_eval_list_count(list), 2);
    assert_str(mastra_eval_list_at(list, 0)->input, "b");
    assert_true(mastra_eval_list_at(list, 0)->created_at > 1000);
    assert_null(mastra_eval_list_at(list, 1)->test_info.ptr);
    mastra_eval_list_free(list);
    args.agent_name = S("agent");
    args.type = MASTRA_EVAL_LIVE;
    args.start_date = 1000;
    args.end_date = 1000;
    OK(mastra_get_evals(store, &args, &list, &error));
    assert_int_equal(mastra_eval_list_count(list), 1);
    assert_json(mastra_eval_list_at(list, 0)->result, "{\"score\":null}");
    mastra_eval_list_free(list);
    OK(mastra_get_evals_by_agent_name(store, S("agent"), MASTRA_EVAL_TEST, &list, &error));
    assert_int_equal(mastra_eval_list_count(list), 1);
    assert_int_equal(mastra_eval_list_page(list)->per_page, MASTRA_PER_PAGE_ALL);
    mastra_eval_list_free(list);
    OK(mastra_get_evals_by_agent_name(store, S("other"), MASTRA_EVAL_ANY, NULL, NULL));
    assert_int_equal(mastra_save_eval(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
    eval.result = S("{}");
    assert_int_equal(mastra_save_eval(store, &eval, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "eval.result");
    assert_int_equal(
        mastra_get_evals_by_agent_name(store, mastra_str_of(NULL), MASTRA_EVAL_ANY, NULL, &error),
        MASTRA_INVALID_ARGUMENT);
}

static mastra_trace_record trace_of(const char *id, int64_t start)
{
    mastra_trace_record record = MASTRA_TRACE_RECORD_INIT;
    record.id = mastra_str_of(id);
    record.name = S("n");
    record.trace_id = S("t");
    record.scope = S("s");
    record.kind = 0;
    record.start_time = start;
    record.end_time = INT64_MAX;
    return record;
}

static void traces(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_trace_record a = trace_of("a", INT64_MAX - 1);
    mastra_trace_record b = trace_of("b", INT64_MIN + 1);
    const mastra_trace_record *records[2] = {&b, &a};
    mastra_get_traces_args args = MASTRA_GET_TRACES_INIT;
    mastra_trace_record_list *list = NULL;
    a.attributes = S(" {\"k\":1} ");
    OK(mastra_batch_trace_insert(store, records, 2, &error));
    OK(mastra_get_traces(store, NULL, &list, &error));
    assert_int_equal(mastra_trace_record_list_count(list), 2);
    assert_int_equal(mastra_trace_record_list_at(list, 0)->start_time, INT64_MAX - 1);
    assert_int_equal(mastra_trace_record_list_at(list, 1)->start_time, INT64_MIN + 1);
    assert_json(mastra_trace_record_list_at(list, 0)->attributes, "{\"k\":1}");
    assert_null(mastra_trace_record_list_at(list, 1)->attributes.ptr);
    assert_int_equal(mastra_trace_record_list_page(list)->total, 2);
    mastra_trace_record_list_free(list);
    args.attributes = S("{\"k\":1}");
    args.filters = S(" {\"startTime\":9223372036854775806,\"id\":\"\\u0061\"} ");
    args.from_date = 0;
    OK(mastra_get_traces(store, &args, &list, &error));
    assert_int_equal(mastra_trace_record_list_count(list), 1);
    mastra_trace_record_list_free(list);
    args.filters = S("{");
    assert_int_equal(mastra_get_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filters");
    OK(mastra_batch_trace_insert(store, NULL, 0, NULL));
    records[1] = NULL;
    assert_int_equal(mastra_batch_trace_insert(store, records, 2, &error), MASTRA_INVALID_ARGUMENT);
    a.kind = MASTRA_INTEGER_NONE;
    records[1] = &a;
    assert_int_equal(mastra_batch_trace_insert(store, records, 2, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "records[1].kind");
    OK(mastra_get_traces(store, NULL, NULL, NULL));
}

/* Names of attributes that are too long for a filter are refused, the longest that are not are found. */
static void long_attribute_names(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_trace_record a = trace_of("a", 1);
    const mastra_trace_record *records[1] = {&a};
    mastra_get_traces_args args = MASTRA_GET_TRACES_INIT;
    mastra_trace_record_list *list = NULL;
    char text[800];
    int len = snprintf(text, sizeof(text), "{\"%0768d\":1}", 0);
    a.attributes = (mastra_str){text, (size_t)len};
    args.attributes = a.attributes;
    OK(mastra_batch_trace_insert(store, records, 1, &error));
    OK(mastra_get_traces(store, &args, &list, &error));
    assert_int_equal(mastra_trace_record_list_count(list), 1);
    mastra_trace_record_list_free(list);
    len = snprintf(text, sizeof(text), "{\"%0769d\":1}", 0);
    args.attributes = (mastra_str){text, (size_t)len};
    assert_int_equal(mastra_get_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
}

static const struct typed_test tests[] = {
    {"a score there and back", score_round, 0},
    {"numbers of scores", score_numbers, 0},
    {"scores refused", score_refused, 0},
    {"lists of scores", scores_listed, 0},
    {"evals", evals, 0},
    {"traces of 0.x", traces, 0},
    {"long names of attributes", long_attribute_names, 0},
};

int main(void)
{
    return typed_main("typed_scores", tests, sizeof(tests) / sizeof(tests[0]));
}
