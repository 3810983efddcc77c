/* Workflow runs through the typed functions. */
#include "conformance/typed.h"

#include "support/files.h"

static mastra_workflow_run run_of(const char *id, const char *snapshot, mastra_time at)
{
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
    run.workflow_name = S("w");
    run.run_id = mastra_str_of(id);
    run.snapshot = mastra_str_of(snapshot);
    run.created_at = at;
    return run;
}

static void save(mastra_store *store, const char *id, const char *snapshot, mastra_time at)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run run = run_of(id, snapshot, at);
    OK(mastra_persist_workflow_snapshot(store, &run, NULL, &error));
}

static void save_and_read(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run run = run_of("r", " { \"a\" : 1.0 }\n", 1000);
    mastra_workflow_run *read = NULL;
    run.resource_id = S("u");
    run.updated_at = 2000;
    OK(mastra_persist_workflow_snapshot(store, &run, NULL, &error));
    OK(mastra_load_workflow_snapshot(store, S("w"), S("r"), &read, &error));
    assert_int_equal(read->size, sizeof(*read));
    assert_str(read->workflow_name, "w");
    assert_str(read->run_id, "r");
    assert_str(read->resource_id, "u");
    assert_json(read->snapshot, "{ \"a\" : 1.0 }");
    assert_int_equal(read->created_at, 1000);
    assert_int_equal(read->updated_at, 2000);
    mastra_workflow_run_free(read);
    OK(mastra_get_workflow_run_by_id(store, S("r"), S(""), &read, &error));
    assert_json(read->snapshot, "{ \"a\" : 1.0 }");
    mastra_workflow_run_free(read);
    OK(mastra_get_workflow_run_by_id(store, S("r"), S("v"), &read, &error));
    assert_null(read);
    OK(mastra_delete_workflow_run_by_id(store, S("w"), S("r"), NULL, &error));
    OK(mastra_load_workflow_snapshot(store, S("w"), S("r"), &read, &error));
    assert_null(read);
    mastra_workflow_run_free(NULL);
}

/* A record of a program that knows no times yet. */
static void older_run(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run run = run_of("r", "{}", -5);
    mastra_workflow_run *read = NULL;
    run.size = offsetof(mastra_workflow_run, created_at);
    OK(mastra_persist_workflow_snapshot(store, &run, NULL, &error));
    OK(mastra_load_workflow_snapshot(store, S("w"), S("r"), &read, &error));
    assert_true(read->created_at > 0);
    assert_int_equal(read->created_at, read->updated_at);
    mastra_workflow_run_free(read);
}

static void lists(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_list_workflow_runs_args args = MASTRA_LIST_WORKFLOW_RUNS_INIT;
    mastra_workflow_run_list *list = NULL;
    for (int i = 0; i < 5; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        save(store, id, i % 2 ? "{\"status\":\"x\"}" : "{}", i * 1000);
    }
    OK(mastra_list_workflow_runs(store, NULL, &list, &error));
    assert_int_equal(mastra_workflow_run_list_count(list), 5);
    assert_int_equal(mastra_workflow_run_list_page(list)->total, 5);
    assert_int_equal(mastra_workflow_run_list_page(list)->per_page, MASTRA_PER_PAGE_ALL);
    assert_false(mastra_workflow_run_list_page(list)->has_more);
    mastra_workflow_run_list_free(list);
    args.page = 1;
    args.per_page = 2;
    OK(mastra_list_workflow_runs(store, &args, &list, &error));
    assert_int_equal(mastra_workflow_run_list_count(list), 2);
    assert_str(mastra_workflow_run_list_at(list, 0)->run_id, "c");
    assert_null(mastra_workflow_run_list_at(list, 2));
    assert_int_equal(mastra_workflow_run_list_page(list)->page, 1);
    assert_int_equal(mastra_workflow_run_list_page(list)->total, 5);
    assert_true(mastra_workflow_run_list_page(list)->has_more);
    mastra_workflow_run_list_free(list);
    args.offset = 3;
    args.limit = 5;
    args.status = S("x");
    args.offset = 1;
    OK(mastra_list_workflow_runs(store, &args, &list, &error));
    assert_int_equal(mastra_workflow_run_list_count(list), 1);
    assert_str(mastra_workflow_run_list_at(list, 0)->run_id, "b");
    mastra_workflow_run_list_free(list);
    /* One of a program that knows no offset and limit. */
    args.size = offsetof(mastra_list_workflow_runs_args, offset);
    args.page = 0;
    args.from_date = 2000;
    OK(mastra_list_workflow_runs(store, &args, &list, &error));
    assert_int_equal(mastra_workflow_run_list_page(list)->total, 1);
    assert_str(mastra_workflow_run_list_at(list, 0)->run_id, "d");
    mastra_workflow_run_list_free(list);
}

static void results(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_update_workflow_results_args args = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    mastra_workflow_run *run = NULL;
    save(store, "r", "{\"context\":{\"a\":0}}", 1000);
    args.workflow_name = S("w");
    args.run_id = S("r");
    args.step_id = S("b");
    args.result = S(" null ");
    args.results = S("{\"c\":{\"output\":[1]}}");
    args.request_context = S("{\"q\":1}");
    OK(mastra_update_workflow_results(store, &args, &run, &error));
    assert_json(run->snapshot,
                "{\"context\":{\"a\":0,\"c\":{\"output\":[1]},\"b\":null},\"requestContext\":{\"q\":1}}");
    assert_int_equal(run->created_at, 1000);
    assert_true(run->updated_at > 1000);
    mastra_workflow_run_free(run);
    args.run_id = S("new");
    OK(mastra_update_workflow_results(store, &args, &run, &error));
    assert_str(run->run_id, "new");
    assert_null(run->resource_id.ptr);
    assert_int_equal(run->created_at, run->updated_at);
    mastra_workflow_run_free(run);
    OK(mastra_update_workflow_results(store, &args, NULL, NULL));
    args.run_id = S("none");
    args.step_id = args.result = args.request_context = mastra_str_of(NULL);
    args.results = S("{}");
    OK(mastra_update_workflow_results(store, &args, &run, &error));
    assert_null(run);
}

static void states(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_update_workflow_state_args args = MASTRA_UPDATE_WORKFLOW_STATE_INIT;
    const mastra_str expected[2] = {S("suspended"), S("running")};
    mastra_workflow_run *run = NULL;
    save(store, "r", "{\"context\":{},\"status\":\"running\"}", 1000);
    args.workflow_name = S("w");
    args.run_id = S("r");
    args.state = S("{\"status\":\"success\",\"expectedStatus\":\"no condition here\"}");
    args.expected_status = expected;
    args.expected_status_count = 1;
    OK(mastra_update_workflow_state(store, &args, &run, &error));
    assert_null(run);
    args.expected_status_count = 2;
    OK(mastra_update_workflow_state(store, &args, &run, &error));
    assert_json(run->snapshot, "{\"context\":{},\"status\":\"success\"}");
    assert_true(run->updated_at > 1000);
    mastra_workflow_run_free(run);
    args.expected_status = NULL;
    OK(mastra_update_workflow_state(store, &args, NULL, NULL));
    args.run_id = S("none");
    OK(mastra_update_workflow_state(store, &args, &run, &error));
    assert_null(run);
}

/* A process that has lost its lock and wakes up. */
static void fences(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_run_lock_args lock_args = MASTRA_RUN_LOCK_ARGS_INIT;
    mastra_update_workflow_results_args results = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    mastra_update_workflow_state_args change = MASTRA_UPDATE_WORKFLOW_STATE_INIT;
    mastra_workflow_run run = run_of("r", "{\"context\":{}}", 1000);
    mastra_workflow_run untouched = MASTRA_WORKFLOW_RUN_INIT;
    mastra_workflow_run *read = &untouched;
    mastra_fence fence = MASTRA_FENCE_INIT;
    mastra_run_lock *lock = NULL;
    lock_args.workflow_name = results.workflow_name = change.workflow_name = S("w");
    lock_args.run_id = results.run_id = change.run_id = S("r");
    lock_args.owner_id = S("me");
    results.step_id = S("a");
    results.result = S("1");
    change.state = S("{\"status\":\"x\"}");
    results.fence = change.fence = &fence;
    OK(mastra_try_acquire_workflow_run_lock(store, &lock_args, &lock, &error));
    fence.owner_id = lock->owner_id;
    fence.generation = lock->generation;
    OK(mastra_persist_workflow_snapshot(store, &run, &fence, &error));
    fence.generation--;
    run.snapshot = S("{}");
    assert_int_equal(mastra_persist_workflow_snapshot(store, &run, &fence, &error), MASTRA_FENCED);
    assert_int_equal(error.status, MASTRA_FENCED);
    assert_int_equal(mastra_update_workflow_results(store, &results, &read, NULL), MASTRA_FENCED);
    assert_int_equal(mastra_update_workflow_state(store, &change, &read, NULL), MASTRA_FENCED);
    assert_int_equal(mastra_delete_workflow_run_by_id(store, S("w"), S("r"), &fence, NULL), MASTRA_FENCED);
    assert_ptr_equal(read, &untouched);
    OK(mastra_load_workflow_snapshot(store, S("w"), S("r"), &read, &error));
    assert_json(read->snapshot, "{\"context\":{}}");
    mastra_workflow_run_free(read);
    mastra_run_lock_free(lock);
}

#define REFUSED(call, name)                                                                                  \
    do {                                                                                                     \
        error = (mastra_error)MASTRA_ERROR_INIT;                                                             \
        assert_int_equal(call, MASTRA_INVALID_ARGUMENT);                                                     \
        assert_string_equal(error.field, name);                                                              \
    } while (0)

static void refused(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run run = run_of("r", "{bad", 1000);
    mastra_update_workflow_results_args results = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    mastra_update_workflow_state_args change = MASTRA_UPDATE_WORKFLOW_STATE_INIT;
    mastra_list_workflow_runs_args list = MASTRA_LIST_WORKFLOW_RUNS_INIT;
    mastra_fence fence = MASTRA_FENCE_INIT;
    mastra_workflow_run_list *runs = NULL;
    REFUSED(mastra_persist_workflow_snapshot(store, NULL, NULL, &error), "run");
    REFUSED(mastra_persist_workflow_snapshot(store, &run, NULL, &error), "snapshot");
    run.snapshot = S("{}");
    REFUSED(mastra_persist_workflow_snapshot(store, &run, &fence, &error), "fence.ownerId");
    run.resource_id = S("\xff");
    REFUSED(mastra_persist_workflow_snapshot(store, &run, NULL, &error), "resourceId");
    run.resource_id = mastra_str_of(NULL);
    run.created_at = INT64_MAX;
    REFUSED(mastra_persist_workflow_snapshot(store, &run, NULL, &error), "createdAt");
    REFUSED(mastra_update_workflow_results(store, NULL, NULL, &error), "workflowName");
    results.workflow_name = change.workflow_name = S("w");
    results.run_id = change.run_id = S("r");
    results.step_id = S("a");
    results.result = S("[1");
    REFUSED(mastra_update_workflow_results(store, &results, NULL, &error), "result");
    results.result = S("1");
    results.results = S("[]");
    REFUSED(mastra_update_workflow_results(store, &results, NULL, &error), "results");
    results.results = mastra_str_of(NULL);
    results.request_context = S("5");
    REFUSED(mastra_update_workflow_results(store, &results, NULL, &error), "requestContext");
    REFUSED(mastra_update_workflow_state(store, NULL, NULL, &error), "workflowName");
    REFUSED(mastra_update_workflow_state(store, &change, NULL, &error), "state");
    change.state = S("[]");
    REFUSED(mastra_update_workflow_state(store, &change, NULL, &error), "state");
    list.status = S("a\xff");
    REFUSED(mastra_list_workflow_runs(store, &list, &runs, &error), "status");
    assert_null(runs);
    OK(mastra_list_workflow_runs(store, NULL, &runs, &error));
    assert_int_equal(mastra_workflow_run_list_count(runs), 0);
    mastra_workflow_run_list_free(runs);
}

/* An object of so many levels. */
static char *deep_object(int levels)
{
    char *text = test_format("1");
    for (int i = 0; i < levels; i++) {
        char *wrapped = test_format("{\"a\":%s}", text);
        free(text);
        text = wrapped;
    }
    return text;
}

/* What is laid into a snapshot may not make it deeper than can be read again. */
static void depths(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_update_workflow_results_args args = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;
    char *deep = deep_object(1000);
    args.workflow_name = S("w");
    args.run_id = S("r");
    args.step_id = S("a");
    args.result = S("1");
    args.request_context = mastra_str_of(deep);
    REFUSED(mastra_update_workflow_results(store, &args, NULL, &error), "requestContext");
    free(deep);
    deep = deep_object(999);
    args.request_context = mastra_str_of(deep);
    OK(mastra_update_workflow_results(store, &args, NULL, &error));
    OK(mastra_update_workflow_results(store, &args, NULL, &error));
    free(deep);
}

int main(void)
{
    const struct typed_test tests[] = {
        {"a run saved, read, deleted", save_and_read, 0},
        {"a run of an older program", older_run, 0},
        {"lists of runs", lists, 0},
        {"results of steps", results, 0},
        {"states of runs", states, 0},
        {"writes with a fence", fences, 0},
        {"what is refused", refused, 0},
        {"how deep a snapshot may become", depths, 0},
    };
    return typed_main("typed workflows", tests, sizeof(tests) / sizeof(tests[0]));
}
