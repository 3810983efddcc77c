/* The typed C interface of the observability domain: every function once, and what is particular to it. */
#include "conformance/typed.h"

static mastra_store *store_of(void **state)
{
    return ((struct typed *)*state)->store;
}

static mastra_span span_of(const char *trace, const char *id, mastra_time started)
{
    mastra_span span = MASTRA_SPAN_INIT;
    span.trace_id = mastra_str_of(trace);
    span.span_id = mastra_str_of(id);
    span.name = S("name");
    span.span_type = S("agent_run");
    span.started_at = started;
    return span;
}

static mastra_span *read_span(mastra_store *store, const char *trace, const char *id)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span *span = NULL;
    OK(mastra_get_span(store, mastra_str_of(trace), mastra_str_of(id), &span, &error));
    return span;
}

/* A trace of a root and a child, and one of a root alone. */
static void create_three(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span spans[3] = {span_of("t", "a", 1), span_of("t", "b", 2), span_of("u", "a", 3)};
    const mastra_span *list[3] = {&spans[0], &spans[1], &spans[2]};
    spans[1].parent_span_id = S("a");
    spans[0].input = S("{\"x\":1}");
    spans[0].tags = S("[\"x\"]");
    OK(mastra_batch_create_spans(store, list, 3, &error));
}

static void span_round(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span span = span_of("t", "s", 1000);
    span.is_event = true;
    span.input = S(" {\"b\": 1, \"a\":9007199254740993} ");
    span.output = S("null");
    span.ended_at = 2000;
    span.created_at = 5;
    OK(mastra_create_span(store, &span, &error));
    mastra_span *read = read_span(store, "t", "s");
    assert_non_null(read);
    assert_int_equal(read->size, sizeof(mastra_span));
    assert_str(read->name, "name");
    assert_true(read->is_event);
    assert_int_equal(read->started_at, 1000);
    assert_int_equal(read->ended_at, 2000);
    assert_null(read->parent_span_id.ptr);
    assert_null(read->output.ptr);
    assert_true(read->created_at > 1000000);
    assert_int_equal(read->created_at, read->updated_at);
    if (((struct typed *)*state)->backend->traits & TRAIT_RAW_JSON)
        assert_str(read->input, "{\"b\": 1, \"a\":9007199254740993}");
    mastra_span_free(read);
    read = &span;
    OK(mastra_get_span(store, S("t"), S("none"), &read, NULL));
    assert_null(read);
    OK(mastra_get_span(store, S("t"), S("s"), NULL, NULL));
    mastra_span_free(NULL);
}

static void span_refused(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span span = span_of("t", "s", 1000);
    const mastra_span *list[2] = {&span, NULL};
    assert_int_equal(mastra_create_span(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_batch_create_spans(store, list, 2, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "records[1]");
    assert_int_equal(mastra_batch_create_spans(store, NULL, 2, &error), MASTRA_INVALID_ARGUMENT);
    OK(mastra_batch_create_spans(store, NULL, 0, &error));
    span.metadata = S("{\"x\":}");
    assert_int_equal(mastra_create_span(store, &span, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "span.metadata");
    assert_string_equal(error.operation, "createSpan");
    span.metadata = S("{}");
    span.user_id = S("\xff");
    assert_int_equal(mastra_create_span(store, &span, NULL), MASTRA_INVALID_ARGUMENT);
    assert_null(read_span(store, "t", "s"));
}

static void span_updated(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span_patch patch = MASTRA_SPAN_PATCH_INIT;
    create_three(store);
    patch.values.trace_id = S("t");
    patch.values.span_id = S("a");
    patch.values.name = S("not meant");
    patch.values.ended_at = 9;
    patch.set = MASTRA_SPAN_SET_ENDED_AT | MASTRA_SPAN_SET_INPUT | MASTRA_SPAN_SET_CREATED_AT;
    OK(mastra_update_span(store, &patch, &error));
    mastra_span *read = read_span(store, "t", "a");
    assert_str(read->name, "name");
    assert_int_equal(read->ended_at, 9);
    assert_null(read->input.ptr);
    assert_str(read->tags, "[\"x\"]");
    assert_true(read->created_at > 9);
    mastra_span_free(read);
    patch.set = MASTRA_SPAN_SET_STARTED_AT;
    assert_int_equal(mastra_update_span(store, &patch, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "updates.startedAt");
    patch.values.span_id = S("none");
    patch.set = MASTRA_SPAN_SET_ENDED_AT;
    OK(mastra_update_span(store, &patch, &error));
    assert_int_equal(mastra_update_span(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
}

static void spans_updated(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span_patch patches[2] = {MASTRA_SPAN_PATCH_INIT, MASTRA_SPAN_PATCH_INIT};
    const mastra_span_patch *list[2] = {&patches[0], &patches[1]};
    create_three(store);
    for (int i = 0; i < 2; i++) {
        patches[i].values.trace_id = S("t");
        patches[i].values.span_id = i ? S("b") : S("a");
        patches[i].values.is_event = true;
        patches[i].set = MASTRA_SPAN_SET_IS_EVENT;
    }
    OK(mastra_batch_update_spans(store, list, 2, &error));
    OK(mastra_batch_update_spans(store, NULL, 0, &error));
    mastra_span *read = read_span(store, "t", "b");
    assert_true(read->is_event);
    mastra_span_free(read);
    patches[0].values.name = S("changed");
    patches[0].set = MASTRA_SPAN_SET_NAME;
    patches[1].set = MASTRA_SPAN_SET_NAME;
    assert_int_equal(mastra_batch_update_spans(store, list, 2, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "records[1].updates.name");
    read = read_span(store, "t", "a");
    assert_str(read->name, "name");
    mastra_span_free(read);
}

static void traces_read(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span_list *spans = NULL;
    mastra_span *root = NULL;
    create_three(store);
    OK(mastra_get_root_span(store, S("t"), &root, &error));
    assert_str(root->span_id, "a");
    mastra_span_free(root);
    OK(mastra_get_root_span(store, S("none"), &root, &error));
    assert_null(root);
    OK(mastra_get_trace(store, S("t"), &spans, &error));
    assert_int_equal(mastra_span_list_count(spans), 2);
    assert_json(mastra_span_list_at(spans, 0)->input, "{\"x\":1}");
    assert_str(mastra_span_list_at(spans, 1)->span_id, "b");
    assert_null(mastra_span_list_at(spans, 2));
    mastra_span_list_free(spans);
    OK(mastra_get_trace_light(store, S("t"), &spans, &error));
    assert_int_equal(mastra_span_list_count(spans), 2);
    assert_null(mastra_span_list_at(spans, 0)->input.ptr);
    assert_null(mastra_span_list_at(spans, 0)->tags.ptr);
    assert_str(mastra_span_list_at(spans, 0)->name, "name");
    mastra_span_list_free(spans);
    OK(mastra_get_trace(store, S("none"), &spans, &error));
    assert_null(spans);
    OK(mastra_get_trace(store, S("t"), NULL, &error));
    assert_int_equal(mastra_get_trace(store, S("\xff"), &spans, &error), MASTRA_INVALID_ARGUMENT);
}

static void traces_listed(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_span match = MASTRA_SPAN_INIT;
    mastra_span_list *roots = NULL;
    create_three(store);
    OK(mastra_list_traces(store, NULL, &roots, &error));
    assert_int_equal(mastra_span_list_count(roots), 2);
    assert_str(mastra_span_list_at(roots, 0)->trace_id, "u");
    assert_int_equal(mastra_span_list_page(roots)->per_page, 10);
    mastra_span_list_free(roots);
    match.tags = S("[\"x\"]");
    args.match = &match;
    args.status = MASTRA_TRACE_RUNNING;
    OK(mastra_list_traces(store, &args, &roots, &error));
    assert_int_equal(mastra_span_list_count(roots), 1);
    assert_str(mastra_span_list_at(roots, 0)->trace_id, "t");
    mastra_span_list_free(roots);
    roots = NULL;
    /* A program of an older version knows less of either struct. */
    args.size = offsetof(mastra_list_traces_args, page);
    args.page = -1;
    match.size = offsetof(mastra_span, experiment_id);
    match.experiment_id = S("\xff");
    OK(mastra_list_traces(store, &args, &roots, &error));
    assert_int_equal(mastra_span_list_count(roots), 2);
    mastra_span_list_free(roots);
}

static void lists_refused(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_span match = MASTRA_SPAN_INIT;
    args.match = &match;
    match.input = S("{}");
    assert_int_equal(mastra_list_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filters.input");
    match.input = S("");
    match.input.ptr = NULL;
    match.tags = S("{}");
    assert_int_equal(mastra_list_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filters.tags");
    match.tags.ptr = NULL;
    args.status = (mastra_trace_status)9;
    assert_int_equal(mastra_list_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filters.status");
    args.status = MASTRA_TRACE_ANY;
    args.per_page = 101;
    assert_int_equal(mastra_list_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    args.per_page = MASTRA_PER_PAGE_ALL;
    assert_int_equal(mastra_list_traces(store, &args, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "perPage");
    args.per_page = 100;
    OK(mastra_list_traces(store, &args, NULL, &error));
}

/* It looks at nothing but the root that it is given. */
static void statuses(void **state)
{
    mastra_span span = MASTRA_SPAN_INIT;
    (void)state;
    assert_int_equal(mastra_trace_status_of(&span), MASTRA_TRACE_RUNNING);
    span.ended_at = 0;
    assert_int_equal(mastra_trace_status_of(&span), MASTRA_TRACE_SUCCESS);
    span.error = S("{}");
    assert_int_equal(mastra_trace_status_of(&span), MASTRA_TRACE_ERROR);
    span.ended_at = MASTRA_TIME_NONE;
    assert_int_equal(mastra_trace_status_of(&span), MASTRA_TRACE_ERROR);
}

static void traces_deleted(void **state)
{
    mastra_store *store = store_of(state);
    mastra_error error = MASTRA_ERROR_INIT;
    const mastra_str ids[2] = {S("t"), S("none")};
    create_three(store);
    OK(mastra_batch_delete_traces(store, ids, 2, &error));
    OK(mastra_batch_delete_traces(store, NULL, 0, &error));
    assert_int_equal(mastra_batch_delete_traces(store, NULL, 1, &error), MASTRA_INVALID_ARGUMENT);
    assert_null(read_span(store, "t", "a"));
    assert_null(read_span(store, "t", "b"));
    mastra_span *read = read_span(store, "u", "a");
    assert_non_null(read);
    mastra_span_free(read);
}

int main(void)
{
    static const struct typed_test tests[] = {
        {"a span round", span_round, 0},
        {"spans that are refused", span_refused, 0},
        {"a span updated", span_updated, 0},
        {"spans updated", spans_updated, 0},
        {"traces read", traces_read, 0},
        {"traces listed", traces_listed, 0},
        {"lists that are refused", lists_refused, 0},
        {"the status of a trace", statuses, 0},
        {"traces deleted", traces_deleted, 0},
    };
    return typed_main("typed observability", tests, sizeof(tests) / sizeof(tests[0]));
}
