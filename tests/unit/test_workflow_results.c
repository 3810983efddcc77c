#include "unit/buffer_fixture.h"

#include "base/json.h"
#include "domains/workflow_results.h"

#define PENDING "{\"__mastra_pending__\":true}"
#define ASLEEP  "{\"status\":\"suspended\",\"suspendPayload\":{}}"

static const char *written(struct fixture *fixture)
{
    assert_int_equal(fixture->buf.failed, MASTRA_OK);
    return fixture->buf.len ? fixture->buf.ptr : "";
}

/* Exact copies, so that no reader may look past them. */
static mastra_str copy_of(const char *json)
{
    mastra_str text = json ? exact_copy(json, strlen(json)) : mastra_str_of(NULL);
    if (json && !ms_json_check(text, NULL, NULL))
        fail_msg("not JSON: %s", json);
    return text;
}

/* What core's mergeWorkflowStepResult makes of the same; an interop test compares with it live. */
static const struct {
    const char *stored;
    const char *given;
    const char *merged; /* NULL: what is given */
} steps[] = {
    /* replaced, whatever it is */
    {NULL, "{\"output\":[1]}", NULL},
    {"null", "{\"output\":[1]}", NULL},
    {"{\"output\":[1]}", "null", NULL},
    {"{\"output\":[1]}", "5", NULL},
    {"{\"output\":[1]}", "[1]", NULL},
    {"{\"output\":[1]}", "\"output\"", NULL},
    {"\"output\"", "{\"output\":[1]}", NULL},
    {"5", "{\"output\":[1]}", NULL},
    {"[[1]]", "{\"output\":[1]}", NULL},
    {"{\"output\":[1],\"a\":1}", "{\"b\":2}", NULL},
    {"{\"output\":[1],\"a\":1}", "{\"output\":{\"x\":1}}", NULL},
    {"{\"output\":{},\"a\":1}", "{\"output\":[1]}", NULL},
    {"{\"output\":null,\"a\":1}", "{\"output\":[1]}", NULL},
    {"{\"a\":1}", "{\"output\":[1]}", NULL},
    /* element by element: what is not null wins */
    {"{\"output\":[]}", "{\"output\":[]}", NULL},
    {"{\"output\":[1,2]}", "{\"output\":[]}", "{\"output\":[1,2]}"},
    {"{\"output\":[]}", "{\"output\":[1,null]}", "{\"output\":[1,null]}"},
    {"{\"output\":[1,2,3]}", "{\"output\":[null,5]}", "{\"output\":[1,5,3]}"},
    {"{\"output\":[1]}", "{\"output\":[null,null,7]}", "{\"output\":[1,null,7]}"},
    {"{\"output\":[1,2]}", "{\"output\":[false,0]}", "{\"output\":[false,0]}"},
    {"{\"output\":[null,null]}", "{\"output\":[{\"a\":1},\"\"]}", "{\"output\":[{\"a\":1},\"\"]}"},
    {"{\"output\":[" ASLEEP "]}", "{\"output\":[null]}", "{\"output\":[" ASLEEP "]}"},
    /* other members of the new one are laid over those of the old one */
    {"{\"a\":1,\"output\":[1],\"b\":2}", "{\"b\":3,\"output\":[null],\"c\":4}",
     "{\"a\":1,\"output\":[1],\"b\":3,\"c\":4}"},
    {"{\"output\":[1],\"status\":\"running\"}", "{\"output\":[2],\"status\":null}",
     "{\"output\":[2],\"status\":null}"},
    /* marks: only the marked elements change, and nothing else does */
    {"{\"output\":[1,null,3],\"a\":1}", "{\"output\":[9,9," PENDING "],\"a\":2,\"b\":2}",
     "{\"output\":[1,null,3],\"a\":1}"},
    {"{\"output\":[null]}", "{\"output\":[" PENDING "]}", "{\"output\":[null]}"},
    {"{\"output\":[" PENDING "]}", "{\"output\":[" PENDING "]}", "{\"output\":[null]}"},
    {"{\"output\":[" ASLEEP "]}", "{\"output\":[" PENDING "]}", "{\"output\":[null]}"},
    {"{\"output\":[{\"status\":\"suspended\",\"suspendedAt\":null}]}", "{\"output\":[" PENDING "]}",
     "{\"output\":[null]}"},
    {"{\"output\":[{\"status\":\"suspended\"}]}", "{\"output\":[" PENDING "]}",
     "{\"output\":[{\"status\":\"suspended\"}]}"},
    {"{\"output\":[{\"status\":\"success\",\"suspendedAt\":1}]}", "{\"output\":[" PENDING "]}",
     "{\"output\":[{\"status\":\"success\",\"suspendedAt\":1}]}"},
    {"{\"output\":[{\"suspendedAt\":1}]}", "{\"output\":[" PENDING "]}",
     "{\"output\":[{\"suspendedAt\":1}]}"},
    {"{\"output\":[[\"suspended\"]]}", "{\"output\":[" PENDING "]}", "{\"output\":[[\"suspended\"]]}"},
    {"{\"output\":[0,false,\"\"]}", "{\"output\":[" PENDING "," PENDING "," PENDING "]}",
     "{\"output\":[0,false,\"\"]}"},
    {"{\"output\":[1]}", "{\"output\":[" PENDING ",5," PENDING "]}", "{\"output\":[1,null,null]}"},
    {"{\"output\":[]}", "{\"output\":[" PENDING "]}", "{\"output\":[null]}"},
    {"{\"output\":[" PENDING "]}", "{\"output\":[5]}", "{\"output\":[5]}"},
    {"{\"output\":[" PENDING "]}", "{\"output\":[null]}", "{\"output\":[" PENDING "]}"},
    /* what is no mark */
    {"{\"output\":[1]}", "{\"output\":[{\"__mastra_pending__\":1}]}",
     "{\"output\":[{\"__mastra_pending__\":1}]}"},
    {"{\"output\":[1]}", "{\"output\":[{\"__mastra_pending__\":true,\"x\":1}]}",
     "{\"output\":[{\"__mastra_pending__\":true,\"x\":1}]}"},
    {"{\"output\":[1]}", "{\"output\":[{}]}", "{\"output\":[{}]}"},
    {"{\"output\":[1]}", "{\"output\":[[true]]}", "{\"output\":[[true]]}"},
    /* a mark in another spelling */
    {"{\"output\":[1]}", "{\"output\":[{ \"\\u005f_mastra_pending__\" : true }]}", "{\"output\":[1]}"},
    /* untouched values keep every character */
    {"{ \"n\" : 1.50 , \"output\" : [ 1.0 , { \"k\" : [ 1e2 ] } ] }", "{\"output\":[ 2.00 ]}",
     "{\"n\":1.50,\"output\":[2.00,{ \"k\" : [ 1e2 ] }]}"},
};

static void test_steps(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(steps); i++) {
        mastra_str stored = copy_of(steps[i].stored);
        mastra_str given = copy_of(steps[i].given);
        ms_buf_clear(&fixture->buf);
        ms_put_step_result(&fixture->buf, stored, given);
        assert_string_equal(written(fixture), steps[i].merged ? steps[i].merged : steps[i].given);
        free_copy(stored);
        free_copy(given);
    }
}

static const struct {
    const char *snapshot;
    const char *step_id;
    const char *result;
    const char *results;
    const char *context;
    const char *merged;
} snapshots[] = {
    {"{\"context\":{},\"requestContext\":{}}", "a", "1", NULL, NULL,
     "{\"context\":{\"a\":1},\"requestContext\":{}}"},
    {"{\"a\":0,\"context\":{\"a\":0,\"b\":0},\"b\":0,\"requestContext\":{\"r\":1}}", "a", "{\"x\":1}", NULL,
     NULL, "{\"a\":0,\"context\":{\"a\":{\"x\":1},\"b\":0},\"b\":0,\"requestContext\":{\"r\":1}}"},
    /* the context of the request: always there afterwards */
    {"{\"context\":{}}", "a", "1", NULL, NULL, "{\"context\":{\"a\":1},\"requestContext\":{}}"},
    {"{\"context\":{},\"requestContext\":null}", "a", "1", NULL, "{}",
     "{\"context\":{\"a\":1},\"requestContext\":{}}"},
    {"{\"requestContext\":[1],\"context\":{}}", "a", "1", NULL, "{\"q\":1}",
     "{\"requestContext\":{\"q\":1},\"context\":{\"a\":1}}"},
    {"{\"requestContext\":{\"q\":{\"x\":1},\"r\":2},\"context\":{}}", "a", "1", NULL,
     "{\"q\":{\"y\":1},\"s\":3}",
     "{\"requestContext\":{\"q\":{\"y\":1},\"r\":2,\"s\":3},\"context\":{\"a\":1}}"},
    /* several steps */
    {"{\"context\":{\"b\":{\"output\":[1,null]},\"c\":0},\"requestContext\":{}}", NULL, NULL,
     "{\"a\":1,\"b\":{\"output\":[null,2]}}", NULL,
     "{\"context\":{\"b\":{\"output\":[1,2]},\"c\":0,\"a\":1},\"requestContext\":{}}"},
    {"{\"context\":{\"b\":{\"output\":[1,null]}},\"requestContext\":{}}", "b", "{\"output\":[null,3]}",
     "{\"a\":1}", NULL, "{\"context\":{\"b\":{\"output\":[1,3]},\"a\":1},\"requestContext\":{}}"},
    {"{\"context\":{},\"requestContext\":{}}", NULL, NULL, "{}", NULL,
     "{\"context\":{},\"requestContext\":{}}"},
    {"{\"context\":{},\"requestContext\":{}}", NULL, NULL, NULL, "{\"q\":1}",
     "{\"context\":{},\"requestContext\":{\"q\":1}}"},
    /* step ids of every kind */
    {"{\"context\":{\"\":0},\"requestContext\":{}}", "", "1", NULL, NULL,
     "{\"context\":{\"\":1},\"requestContext\":{}}"},
    {"{\"context\":{\"\\u0061\":{\"output\":[1]}},\"requestContext\":{}}", "a", "{\"output\":[null,2]}", NULL,
     NULL, "{\"context\":{\"\\u0061\":{\"output\":[1,2]}},\"requestContext\":{}}"},
    {"{\"context\":{},\"requestContext\":{}}", "say \"hi\"\n\\", "1", NULL, NULL,
     "{\"context\":{\"say \\\"hi\\\"\\n\\\\\":1},\"requestContext\":{}}"},
    {"{\"context\":{\"context\":{\"context\":1}},\"requestContext\":{}}", "requestContext", "1", NULL, NULL,
     "{\"context\":{\"context\":{\"context\":1},\"requestContext\":1},\"requestContext\":{}}"},
    {"{\"context\":{\"\\ud800\":{\"output\":[1]}},\"requestContext\":{}}", NULL, NULL,
     "{\"\\ud800\":{\"output\":[null,2]},\"\\ud801\":3}", NULL,
     "{\"context\":{\"\\ud800\":{\"output\":[1,2]},\"\\ud801\":3},\"requestContext\":{}}"},
    /* of repeated names the last one counts */
    {"{\"context\":{\"a\":1},\"context\":{\"b\":{\"output\":[1]},\"b\":{\"output\":[2]}},\"requestContext\":{"
     "}}",
     "b", "{\"output\":[null]}", NULL, NULL,
     "{\"context\":{\"a\":1},\"context\":{\"b\":{\"output\":[1]},\"b\":{\"output\":[2]}},\"requestContext\":{"
     "}}"},
    /* the members in any order and with any white space */
    {"{ \"requestContext\" : { \"r\" : 1 } , \"context\" : { \"b\" : 0 , \"a\" : { } } , \"x\" : 1 }", NULL,
     NULL, "{\"c\":3,\"a\":1,\"b\":2}", "{\"q\":2}",
     "{ \"requestContext\" : {\"r\":1,\"q\":2} , \"context\" : { \"b\" : 2 , \"a\" : 1 ,\"c\":3} , \"x\" : 1 "
     "}"},
    {"{ \"context\" : { } }", "a", "1", NULL, NULL, "{ \"context\" : { \"a\":1} ,\"requestContext\":{}}"},
    {"{\"context\":{},\"requestContext\":{}}", NULL, NULL, "{\"a\":1,\"a\":2}", NULL,
     "{\"context\":{\"a\":2},\"requestContext\":{}}"},
    /* untouched values keep every character */
    {"{\"n\":1.50,\"context\":{\"a\":{ \"k\" : 9007199254740993 }},\"requestContext\":{ \"r\" : 1.0 }}", "b",
     "[ 1 ]", NULL, NULL,
     "{\"n\":1.50,\"context\":{\"a\":{ \"k\" : 9007199254740993 },\"b\":[ 1 ]},\"requestContext\":{ \"r\" : "
     "1.0 }}"},
};

static void put_snapshot(struct ms_buf *buf, size_t i)
{
    struct ms_step_results given = {copy_of(NULL), copy_of(snapshots[i].result),
                                    copy_of(snapshots[i].results), copy_of(snapshots[i].context)};
    mastra_str snapshot = copy_of(snapshots[i].snapshot);
    struct ms_snapshot_parts parts;
    given.step_id = mastra_str_of(snapshots[i].step_id);
    ms_snapshot_parts(snapshot, &parts);
    ms_put_results(buf, snapshot, &parts, &given);
    free_copy(snapshot);
    free_copy(given.result);
    free_copy(given.results);
    free_copy(given.context);
}

static void test_snapshots(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(snapshots); i++) {
        ms_buf_clear(&fixture->buf);
        put_snapshot(&fixture->buf, i);
        assert_string_equal(written(fixture), snapshots[i].merged);
        assert_true(ms_json_check(ms_buf_view(&fixture->buf), NULL, NULL));
    }
}

static void test_new_snapshot(void **state)
{
    struct fixture *fixture = *state;
    ms_put_new_snapshot(&fixture->buf, mastra_str_of("run \"1\""), 1700000000123);
    assert_string_equal(
        written(fixture),
        "{\"context\":{},\"activePaths\":[],\"timestamp\":1700000000123,\"suspendedPaths\":{},"
        "\"activeStepsPath\":{},\"resumeLabels\":{},\"serializedStepGraph\":[],\"status\":\"pending\","
        "\"value\":{},\"waitingPaths\":{},\"runId\":\"run \\\"1\\\"\",\"requestContext\":{}}");
}

/* More steps than are kept on any stack, in another order than they are stored in. */
static void test_many_steps(void **state)
{
    struct fixture *fixture = *state;
    struct ms_buf snapshot, results;
    struct ms_step_results given = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct ms_snapshot_parts parts;
    ms_buf_init(&snapshot, fixture->heap, 0);
    ms_buf_init(&results, fixture->heap, 0);
    ms_buf_add_text(&snapshot, "{\"context\":{");
    ms_buf_add_char(&results, '{');
    for (int i = 0; i < 300; i++) {
        ms_buf_printf(&snapshot, "%s\"s%d\":{\"output\":[%d,null]}", i ? "," : "", i, i);
        ms_buf_printf(&results, "%s\"s%d\":{\"output\":[null,%d]}", i ? "," : "", 349 - i, i);
    }
    ms_buf_add_text(&snapshot, "},\"requestContext\":{}}");
    ms_buf_add_char(&results, '}');
    given.results = ms_buf_view(&results);
    ms_snapshot_parts(ms_buf_view(&snapshot), &parts);
    ms_put_results(&fixture->buf, ms_buf_view(&snapshot), &parts, &given);
    assert_true(ms_json_check(ms_buf_view(&fixture->buf), NULL, NULL));
    mastra_str context = ms_json_member(ms_buf_view(&fixture->buf), mastra_str_of("context"));
    assert_int_equal(ms_json_count(context), 350);
    for (int i = 0; i < 350; i++) {
        char name[16], expected[48];
        snprintf(name, sizeof(name), "s%d", i);
        if (i < 50)
            snprintf(expected, sizeof(expected), "{\"output\":[%d,null]}", i);
        else if (i < 300)
            snprintf(expected, sizeof(expected), "{\"output\":[%d,%d]}", i, 349 - i);
        else
            snprintf(expected, sizeof(expected), "{\"output\":[null,%d]}", 349 - i);
        assert_str(ms_json_member(context, mastra_str_of(name)), expected);
    }
    ms_buf_release(&snapshot);
    ms_buf_release(&results);
}

/* Whichever allocation fails, the failure is in the buffer and nothing leaks. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(snapshots); i++) {
        bool failed = true;
        for (size_t n = 1; failed; n++) {
            struct test_memory memory;
            struct ms_buf buf;
            test_memory_init(&memory, 0);
            struct ms_heap *heap = ms_heap_new(&memory.allocator);
            memory.fail_at = memory.calls + n;
            ms_buf_init(&buf, heap, 0);
            put_snapshot(&buf, i);
            failed = memory.calls >= memory.fail_at;
            assert_int_equal(buf.failed, failed ? MASTRA_OUT_OF_MEMORY : MASTRA_OK);
            if (!failed)
                assert_string_equal(buf.ptr, snapshots[i].merged);
            ms_buf_release(&buf);
            ms_heap_unref(heap);
            assert_int_equal(memory.live, 0);
        }
    }
}

/* So many that comparing each with each would take many minutes. */
static void test_huge_results(void **state)
{
    enum { MANY = 300000 };
    struct fixture *fixture = *state;
    struct ms_buf snapshot, results;
    struct ms_step_results given = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct ms_snapshot_parts parts;
    ms_buf_init(&snapshot, fixture->heap, 0);
    ms_buf_init(&results, fixture->heap, 0);
    ms_buf_add_text(&snapshot, "{\"context\":{");
    ms_buf_add_char(&results, '{');
    for (int i = 0; i < MANY; i++) {
        ms_buf_printf(&snapshot, "%s\"s%d\":%d", i ? "," : "", i, i);
        ms_buf_printf(&results, "%s\"s%d\":%d", i ? "," : "", MANY / 2 + i, i);
    }
    ms_buf_add_text(&snapshot, "}}");
    ms_buf_add_text(&results, ",\"\\u0073299999\":\"last\"}");
    given.results = ms_buf_view(&results);
    ms_snapshot_parts(ms_buf_view(&snapshot), &parts);
    ms_put_results(&fixture->buf, ms_buf_view(&snapshot), &parts, &given);
    mastra_str context = ms_json_member(ms_buf_view(&fixture->buf), mastra_str_of("context"));
    assert_int_equal(ms_json_count(context), MANY + MANY / 2);
    assert_str(ms_json_member(context, mastra_str_of("s149999")), "149999");
    assert_str(ms_json_member(context, mastra_str_of("s150000")), "0");
    assert_str(ms_json_member(context, mastra_str_of("s299999")), "\"last\"");
    assert_str(ms_json_member(context, mastra_str_of("s449999")), "299999");
    ms_buf_release(&snapshot);
    ms_buf_release(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_huge_results, set_up, tear_down),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("workflow_results", tests, NULL, NULL);
}
