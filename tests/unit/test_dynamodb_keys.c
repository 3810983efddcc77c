/* Keys from templates, and the predicates of queries as key conditions. */
#include "base_support.h"

#include "backends/dynamodb/item.h"
#include "base/json.h"
#include "base/str.h"
#include "schema/foreign.h"

#define JAN_2 INT64_C(1735787045678) /* 2025-01-02T03:04:05.678Z */

struct bench {
    struct ms_heap *heap;
    struct ms_arena *arena;
    mastra_error error;
    struct ms_query query;
    struct ms_key_use use;
    struct ms_key_range range;
    bool empty;
};

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    bench->heap = ms_heap_new(NULL);
    bench->arena = ms_arena_new(bench->heap, 0);
    bench->error = (mastra_error)MASTRA_ERROR_INIT;
    assert_non_null(bench->arena);
    *state = bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;

    ms_arena_free(bench->arena);
    ms_heap_unref(bench->heap);
    free(bench);
    return 0;
}

static mastra_str str(const char *text)
{
    return mastra_str_of(text);
}

/* Of records. */

static void of_texts(void **state)
{
    struct bench *bench = *state;
    const mastra_str thread[MS_KEYS_MOST] = {str("Ab#C_1")};
    const mastra_str run[MS_KEYS_MOST] = {str("Flow"), str("RUN\xce\xa3")};
    const mastra_str span[MS_KEYS_MOST] = {str("Trace"), str("Span#1")};
    struct ms_key key;

    assert_int_equal(ms_key_of_texts(ms_entity(MS_THREAD), thread, bench->arena, &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.partition, "$mastra#entity_thread#id_ab#c_1");
    assert_str(key.sort, "$thread_1#id_ab#c_1");
    assert_int_equal(ms_key_of_texts(ms_entity(MS_SNAPSHOT), run, bench->arena, &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.partition, "$mastra#entity_workflow_snapshot#workflow_name_flow");
    assert_str(key.sort, "$workflow_snapshot_1#run_id_run\xcf\x82");
    assert_int_equal(ms_key_of_texts(ms_entity(MS_SPAN), span, bench->arena, &key, &bench->error), MASTRA_OK);
    assert_str(key.partition, "$mastra_ext#entity_ai_span#traceid_Trace");
    assert_str(key.sort, "$ai_span_1#spanid_Span#1");
    assert_int_equal(ms_key_of_texts(ms_entity(MS_RUN_LOCK), run, bench->arena, &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.partition, "$mastra#entity_workflow_run_owner#run_id_run\xcf\x82");
    assert_str(key.sort, "$workflow_run_owner_1#entity_workflow_run_owner");
}

static mastra_str repeated(struct bench *bench, char c, size_t count)
{
    char *text = ms_arena_bytes(bench->arena, count);

    assert_non_null(text);
    memset(text, c, count);
    return (mastra_str){text, count};
}

static void assert_longest(struct bench *bench, enum ms_entity_id id, size_t place, size_t most,
                           const char *field)
{
    mastra_str texts[MS_KEYS_MOST] = {str("x"), str("x")};
    struct ms_key key;

    texts[place] = repeated(bench, 'A', most);
    assert_int_equal(ms_key_of_texts(ms_entity(id), texts, bench->arena, &key, &bench->error), MASTRA_OK);
    texts[place] = repeated(bench, 'A', most + 1);
    assert_int_equal(ms_key_of_texts(ms_entity(id), texts, bench->arena, &key, &bench->error),
                     MASTRA_INVALID_ARGUMENT);
    assert_string_equal(bench->error.field, field);
    assert_memory_equal(bench->error.value, "AAAAAAAA", 8);
    texts[place] = repeated(bench, 'A', 100000);
    assert_int_equal(ms_key_of_texts(ms_entity(id), texts, bench->arena, &key, &bench->error),
                     MASTRA_INVALID_ARGUMENT);
}

static void too_long(void **state)
{
    struct bench *bench = *state;

    assert_longest(bench, MS_THREAD, 0, 1011, "id");
    assert_longest(bench, MS_MESSAGE, 0, 2022, "id");
    assert_longest(bench, MS_RESOURCE, 0, 2021, "id");
    assert_longest(bench, MS_SNAPSHOT, 1, 996, "runId");
}

static void exact_ids(void **state)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_run_lock lock = MASTRA_RUN_LOCK_INIT;
    const mastra_str same[MS_KEYS_MOST] = {str("Ab")};
    const mastra_str other[MS_KEYS_MOST] = {str("ab")};
    const mastra_str run[MS_KEYS_MOST] = {str("Flow"), str("r")};

    (void)state;
    thread.id = str("Ab");
    assert_true(ms_key_is(ms_entity(MS_THREAD), same, &thread));
    assert_false(ms_key_is(ms_entity(MS_THREAD), other, &thread));
    lock.workflow_name = str("another");
    lock.run_id = str("r");
    assert_true(ms_key_is(ms_entity(MS_RUN_LOCK), run, &lock));
    assert_str(lock.workflow_name, "Flow");
    /* The one item of both; whoever asks sees the id that was asked for. */
    lock.run_id = str("R");
    assert_true(ms_key_is(ms_entity(MS_RUN_LOCK), run, &lock));
    assert_str(lock.run_id, "r");
}

static void index_keys_of_spans(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    mastra_span span = MASTRA_SPAN_INIT;
    struct ms_key key;
    bool there;

    span.trace_id = str("T1");
    span.span_id = str("S1");
    span.name = str("agent run");
    span.started_at = JAN_2;
    assert_int_equal(ms_key_of_index(entity, 1, &span, 0, bench->arena, &key, &there, &bench->error),
                     MASTRA_OK);
    assert_true(there);
    assert_str(key.partition, "$mastra_ext#entity_ai_span#name_agent run");
    assert_str(key.sort, "$ai_span_1#startedat_2025-01-02T03:04:05.678Z#spanid_S1");
    assert_int_equal(ms_key_of_index(entity, 2, &span, 0, bench->arena, &key, &there, &bench->error),
                     MASTRA_OK);
    assert_true(there);
    assert_str(key.partition, "$mastra_ext#entity_ai_span#rootday_2025-01-02");
    span.parent_span_id = str("P");
    assert_int_equal(ms_key_of_index(entity, 2, &span, 0, bench->arena, &key, &there, &bench->error),
                     MASTRA_OK);
    assert_str(key.partition, "$mastra_ext#entity_ai_span#parentspanid_P");
    span.started_at = MASTRA_TIME_NONE;
    assert_int_equal(ms_key_of_index(entity, 2, &span, 0, bench->arena, &key, &there, &bench->error),
                     MASTRA_OK);
    assert_false(there);
    assert_int_equal(ms_key_of_index(entity, 3, &span, 0, bench->arena, &key, &there, &bench->error),
                     MASTRA_OK);
    assert_false(there);
    assert_int_equal(ms_key_indexes(entity), 6);
}

static void evals_of_one_run(void **state)
{
    struct bench *bench = *state;
    mastra_eval eval = MASTRA_EVAL_INIT;
    struct ms_key key;

    eval.run_id = str("R");
    assert_int_equal(ms_key_of_record(ms_entity(MS_EVAL), &eval, 0, bench->arena, &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.sort, "$eval_1");
    assert_int_equal(ms_key_of_record(ms_entity(MS_EVAL), &eval, 17, bench->arena, &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.partition, "$mastra#entity_eval#run_id_r");
    assert_str(key.sort, "$eval_1#17");
    assert_int_equal(ms_key_of_part(ms_entity(MS_EVAL), &eval, 17, (mastra_str){NULL, 0}, 2, bench->arena,
                                    &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.sort, "$eval_part_1#17#part_0002");
    assert_int_equal(ms_key_of_part(ms_entity(MS_EVAL), &eval, 17, mastra_str_of("5d1f"), 2, bench->arena,
                                    &key, &bench->error),
                     MASTRA_OK);
    assert_str(key.sort, "$eval_part_1#17#part_5d1f_0002");
    assert_int_equal(ms_key_prefix(ms_entity(MS_EVAL), bench->arena, &key, &bench->error), MASTRA_OK);
    assert_str(key.partition, "$mastra#entity_eval#run_id_");
    assert_str(key.sort, "$eval_1");
}

static void days(void **state)
{
    struct bench *bench = *state;
    char day[MS_KEY_DAY_SIZE];
    struct ms_key key;

    assert_str(ms_key_day(JAN_2, day), "2025-01-02");
    assert_int_equal(
        ms_key_of_day(ms_entity(MS_SPAN), ms_key_day(JAN_2, day), bench->arena, &key, &bench->error),
        MASTRA_OK);
    assert_str(key.partition, "$mastra_ext#entity_ai_span_day#all");
    assert_str(key.sort, "$ai_span_day_1#2025-01-02");
}

/* Of queries. */

static const struct ms_item_path *path_of(const struct ms_entity *entity, uint8_t number)
{
    for (uint8_t i = 0; i < entity->item->path_count; i++) {
        if (entity->item->paths[i].index == number)
            return &entity->item->paths[i];
    }
    fail_msg("no path %u", number);
    return NULL;
}

static void use(struct bench *bench, const struct ms_item_path *path)
{
    assert_true(ms_key_use_path(&bench->query, path, &bench->use));
}

static void range(struct bench *bench, size_t i, const char *day)
{
    assert_true(i < bench->use.ranges);
    assert_int_equal(ms_key_use_range(&bench->query, &bench->use, i, str(day), bench->arena, &bench->range,
                                      &bench->empty, &bench->error),
                     MASTRA_OK);
}

static void messages_of_a_thread(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);

    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_equal(&bench->query, MS_MESSAGE_THREAD_ID, str("Thread"));
    ms_query_equal(&bench->query, MS_MESSAGE_RESOURCE_ID, str("R"));
    assert_false(ms_key_use_path(&bench->query, path_of(entity, 0), &bench->use));
    use(bench, path_of(entity, 1));
    assert_int_equal(bench->use.answered, 1);
    assert_int_equal(bench->use.exact, 0);
    assert_true(bench->use.ordered);
    assert_false(bench->use.single);
    range(bench, 0, NULL);
    assert_false(bench->empty);
    assert_int_equal(bench->range.sort, MS_SORT_PREFIX);
    assert_str(bench->range.partition, "$mastra#entity_message#threadid_thread");
    assert_str(bench->range.low, "$message_1#createdat_");
}

static void ranges_of_times(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_MESSAGE);

    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_equal(&bench->query, MS_MESSAGE_THREAD_ID, str("t"));
    ms_query_time(&bench->query, MS_AFTER, MS_MESSAGE_CREATED_AT, JAN_2);
    use(bench, path_of(entity, 1));
    assert_int_equal(bench->use.answered, 3);
    assert_int_equal(bench->use.exact, 2);
    range(bench, 0, NULL);
    assert_int_equal(bench->range.sort, MS_SORT_BETWEEN);
    assert_str(bench->range.low, "$message_1#createdat_2025-01-02t03:04:05.679z");
    assert_str(bench->range.high, "$message_1#createdat`");
    ms_query_time(&bench->query, MS_AT_MOST, MS_MESSAGE_CREATED_AT, JAN_2 + 1000);
    ms_query_time(&bench->query, MS_BEFORE, MS_MESSAGE_CREATED_AT, JAN_2 + 500);
    use(bench, path_of(entity, 1));
    assert_int_equal(bench->use.exact, 14);
    range(bench, 0, NULL);
    assert_str(bench->range.high, "$message_1#createdat_2025-01-02t03:04:06.177z");
    ms_query_time(&bench->query, MS_BEFORE, MS_MESSAGE_CREATED_AT, JAN_2);
    use(bench, path_of(entity, 1));
    assert_int_equal(bench->use.ranges, 0);
}

static void sets(void **state)
{
    static const mastra_str ids[] = {{"A", 1}, {"b", 1}, {"C", 1}};
    struct bench *bench = *state;
    const struct ms_entity *message = ms_entity(MS_MESSAGE);
    const struct ms_entity *span = ms_entity(MS_SPAN);

    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_any_of(&bench->query, MS_MESSAGE_ID, ids, 3);
    use(bench, path_of(message, 0));
    assert_true(bench->use.single && bench->use.set);
    assert_int_equal(bench->use.ranges, 3);
    range(bench, 2, NULL);
    assert_int_equal(bench->range.sort, MS_SORT_EQUAL);
    assert_str(bench->range.partition, "$mastra#entity_message#id_c");
    assert_str(bench->range.low, "$message_1#entity_message");
    ms_query_init(&bench->query, MS_SPAN);
    ms_query_equal(&bench->query, MS_SPAN_TRACE_ID, str("T"));
    ms_query_any_of(&bench->query, MS_SPAN_SPAN_ID, ids, 2);
    use(bench, path_of(span, 0));
    assert_true(bench->use.single);
    assert_int_equal(bench->use.ranges, 2);
    range(bench, 1, NULL);
    assert_str(bench->range.partition, "$mastra_ext#entity_ai_span#traceid_T");
    assert_str(bench->range.low, "$ai_span_1#spanid_b");
    ms_query_init(&bench->query, MS_SPAN);
    ms_query_any_of(&bench->query, MS_SPAN_TRACE_ID, ids, 3);
    ms_query_any_of(&bench->query, MS_SPAN_SPAN_ID, ids, 2);
    use(bench, path_of(span, 0));
    assert_int_equal(bench->use.ranges, 3);
    assert_int_equal(bench->use.answered, 1);
    assert_false(bench->use.single);
    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_any_of(&bench->query, MS_MESSAGE_ID, ids, 0);
    use(bench, path_of(message, 0));
    assert_int_equal(bench->use.ranges, 0);
}

static void roots_by_day(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    const struct ms_item_path *root = &entity->item->paths[3];

    ms_query_init(&bench->query, MS_SPAN);
    assert_false(ms_key_use_path(&bench->query, root, &bench->use));
    ms_query_null(&bench->query, MS_SPAN_PARENT_SPAN_ID, true);
    assert_false(ms_key_use_path(&bench->query, &entity->item->paths[2], &bench->use));
    ms_query_range(&bench->query, MS_SPAN_STARTED_AT, JAN_2, false, JAN_2 + 5, false);
    use(bench, root);
    assert_true(bench->use.by_day);
    assert_int_equal(bench->use.exact, 7);
    range(bench, 0, "2025-01-02");
    assert_str(bench->range.partition, "$mastra_ext#entity_ai_span#rootday_2025-01-02");
    assert_str(bench->range.low, "$ai_span_1#startedat_2025-01-02T03:04:05.678Z");
    assert_str(bench->range.high, "$ai_span_1#startedat_2025-01-02T03:04:05.683Z$");
}

static void runs_of_a_workflow(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_SNAPSHOT);

    ms_query_init(&bench->query, MS_SNAPSHOT);
    ms_query_equal(&bench->query, MS_SNAPSHOT_WORKFLOW_NAME, str("Flow"));
    use(bench, path_of(entity, 0));
    assert_false(bench->use.ordered);
    range(bench, 0, NULL);
    assert_str(bench->range.low, "$workflow_snapshot_1#run_id_");
    ms_query_text(&bench->query, MS_PREFIX, MS_SNAPSHOT_RUN_ID, str("A\xce\xa3"));
    use(bench, path_of(entity, 0));
    assert_int_equal(bench->use.answered, 1);
    range(bench, 0, NULL);
    assert_str(bench->range.low, "$workflow_snapshot_1#run_id_a");
    ms_query_init(&bench->query, MS_SNAPSHOT);
    ms_query_equal(&bench->query, MS_SNAPSHOT_RUN_ID, str("r"));
    assert_false(ms_key_use_path(&bench->query, path_of(entity, 0), &bench->use));
    use(bench, path_of(entity, 2));
    assert_false(bench->use.single);
    range(bench, 0, NULL);
    assert_str(bench->range.partition, "$mastra#entity_workflow_snapshot#run_id_r");
    assert_int_equal(bench->range.sort, MS_SORT_PREFIX);
}

static void above(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_SPAN);

    ms_query_init(&bench->query, MS_SPAN);
    bench->query.order = MS_SPAN_SPAN_ID;
    ms_query_equal(&bench->query, MS_SPAN_TRACE_ID, str("T"));
    ms_query_text(&bench->query, MS_ABOVE, MS_SPAN_SPAN_ID, str("S5"));
    use(bench, path_of(entity, 0));
    assert_true(bench->use.ordered);
    assert_int_equal(bench->use.answered, 1);
    range(bench, 0, NULL);
    assert_int_equal(bench->range.sort, MS_SORT_BETWEEN);
    assert_str(bench->range.low, "$ai_span_1#spanid_S5");
    assert_str(bench->range.high, "$ai_span_1#spanid`");
}

static void never(void **state)
{
    struct bench *bench = *state;

    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_equal(&bench->query, MS_MESSAGE_ID, str(NULL));
    use(bench, path_of(ms_entity(MS_MESSAGE), 0));
    assert_int_equal(bench->use.ranges, 0);
    ms_query_init(&bench->query, MS_MESSAGE);
    ms_query_equal(&bench->query, MS_MESSAGE_ID, repeated(bench, 'x', 5000));
    use(bench, path_of(ms_entity(MS_MESSAGE), 0));
    range(bench, 0, NULL);
    assert_true(bench->empty);
}

/* Tables of the user's. */

static void foreign(void **state)
{
    static const struct ms_foreign_column columns[] = {
        {{"a", 1}, MS_TEXT, MS_NOT_NULL, 0, 1},
        {{"n", 1}, MS_INTEGER, MS_NOT_NULL, 0, 2},
        {{"pk", 2}, MS_TEXT, MS_NULL, 0, 0},
    };
    struct bench *bench = *state;
    struct ms_entity *entity;
    struct ms_key key;
    mastra_str texts[MS_KEYS_MOST] = {{"x#n_1", 5}, {"2", 1}};

    assert_int_equal(ms_foreign_entity(bench->arena, str("things"), MS_KEY_PRIMARY_TABLE, columns, 3, &entity,
                                       &bench->error),
                     MASTRA_OK);
    entity->item = ms_item_form_of_table(bench->arena, entity);
    assert_non_null(entity->item);
    assert_int_equal(ms_key_of_texts(entity, texts, bench->arena, &key, &bench->error), MASTRA_OK);
    assert_str(key.partition, "$mastra_ext#entity_row#table_things");
    assert_str(key.sort, "$row_1#a_x##n_1#n_2");
    assert_string_equal(ms_item_attribute(entity, 0), "a");
    assert_string_equal(ms_item_attribute(entity, 2), "c_pk");
    assert_int_equal(ms_key_prefix(entity, bench->arena, &key, &bench->error), MASTRA_OK);
    assert_str(key.sort, "$row_1#a_");
    assert_int_equal(
        ms_foreign_entity(bench->arena, str("bare"), MS_KEY_NONE, columns + 2, 1, &entity, &bench->error),
        MASTRA_OK);
    entity->item = ms_item_form_of_table(bench->arena, entity);
    assert_string_equal(entity->item->paths[0].sort, "$row_1{#}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_texts, begin, end),
        cmocka_unit_test_setup_teardown(too_long, begin, end),
        cmocka_unit_test_setup_teardown(exact_ids, begin, end),
        cmocka_unit_test_setup_teardown(index_keys_of_spans, begin, end),
        cmocka_unit_test_setup_teardown(evals_of_one_run, begin, end),
        cmocka_unit_test_setup_teardown(days, begin, end),
        cmocka_unit_test_setup_teardown(messages_of_a_thread, begin, end),
        cmocka_unit_test_setup_teardown(ranges_of_times, begin, end),
        cmocka_unit_test_setup_teardown(sets, begin, end),
        cmocka_unit_test_setup_teardown(roots_by_day, begin, end),
        cmocka_unit_test_setup_teardown(runs_of_a_workflow, begin, end),
        cmocka_unit_test_setup_teardown(above, begin, end),
        cmocka_unit_test_setup_teardown(never, begin, end),
        cmocka_unit_test_setup_teardown(foreign, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
