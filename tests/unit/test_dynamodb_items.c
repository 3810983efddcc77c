/*
 * Items against those that Mastra's adapter wrote: each is read into a record and written again, which must give the same
 * attributes; then what only our items have.
 */
#include "item_support.h"

/* Reads items that stand in an array as JSON; what they are read from is a copy. */
static void read_items(struct bench *bench, const struct ms_entity *entity, mastra_str array,
                       struct ms_items *ret)
{
    char *text = ms_arena_bytes(bench->arena, array.len + 20);
    int len;

    assert_non_null(text);
    len = snprintf(text, array.len + 20, "{\"Items\":%.*s}", (int)array.len, array.ptr);
    memset(ret, 0, sizeof(*ret));
    assert_int_equal(
        ms_items_read(entity, ms_entity_all(entity), text, (size_t)len, bench->arena, ret, &bench->error),
        MASTRA_OK);
}

static mastra_str text_of(mastra_str item, const char *name)
{
    mastra_str typed = ms_json_member(item, str(name));
    mastra_str text = ms_json_member(typed, str("S"));

    return text.ptr ? text : ms_json_member(typed, str("N"));
}

static mastra_time time_of(mastra_str item, const char *name)
{
    char out[64];
    mastra_str raw = text_of(item, name);
    mastra_time time = 0;

    assert_true(raw.ptr && raw.len < sizeof(out));
    assert_true(ms_time_parse((mastra_str){out, ms_json_unescape(raw, out, NULL)}, &time));
    return time;
}

/* What the peer writes of itself and we do not: what only it knows, and texts that are empty. */
static bool is_let_go(mastra_str name, mastra_str value)
{
    static const char *const unknown[] = {"toolCallIds", "toolCallArgs", "toolNames", "metadata"};
    mastra_str text = ms_json_member(value, str("S"));

    for (size_t i = 0; i < COUNT(unknown); i++) {
        if (ms_json_string_equals(name, str(unknown[i])))
            return true;
    }
    return text.ptr && text.len == 2;
}

/* The server keeps numbers without exponents. */
static bool are_equal(mastra_str a, mastra_str b)
{
    mastra_str left = ms_json_member(a, str("N"));
    mastra_str right = ms_json_member(b, str("N"));

    if (!left.ptr || !right.ptr)
        return ms_json_equal(a, b);
    return ms_json_double((mastra_str){left.ptr + 1, left.len - 2}) ==
           ms_json_double((mastra_str){right.ptr + 1, right.len - 2});
}

static void compare_attributes(const struct ms_entity *entity, mastra_str expected, mastra_str made)
{
    struct ms_json_iter iter;
    mastra_str name;
    mastra_str value;
    char plain[64];
    mastra_str key = {plain, 0};

    ms_json_iter_init(&iter, expected);
    while (ms_json_next(&iter, &name, &value)) {
        mastra_str ours;

        key.len = ms_json_unescape(name, plain, NULL);
        ours = ms_json_member(made, key);
        if (!ours.ptr && is_let_go(name, value) &&
            (ms_entity_column(entity, key) < 0 || ms_json_member(value, str("S")).len == 2))
            continue;
        if (!ours.ptr || !are_equal(ours, value))
            fail_msg("%s %.*s: %.*s, not %.*s", entity->item->type, (int)key.len, key.ptr, (int)ours.len,
                     ours.ptr ? ours.ptr : "", (int)value.len, value.ptr);
    }
    ms_json_iter_init(&iter, made);
    while (ms_json_next(&iter, &name, &value)) {
        key.len = ms_json_unescape(name, plain, NULL);
        if (!ms_json_member(expected, key).ptr && strncmp(plain, "mastra_", 7) != 0)
            fail_msg("%s has %.*s", entity->item->type, (int)key.len, key.ptr);
    }
}

/* Whether a time is spelled as we never do, or has a fraction, which ours have not. */
static bool is_odd(mastra_str item)
{
    mastra_str created = text_of(item, "createdAt");

    mastra_str start = text_of(item, "startTime");

    return created.len != strlen("\"2025-01-02T03:04:05.678Z\"") ||
           (start.ptr && memchr(start.ptr, '.', start.len));
}

static void round_trip(struct bench *bench, const struct ms_entity *entity, mastra_str item,
                       const struct ms_item_row *row)
{
    struct ms_item_stamp stamp = {.now = 0};
    struct ms_item_change change;
    mastra_str index = text_of(item, "gsi1pk");

    assert_non_null(row->record);
    if (entity->item->stamp)
        stamp.now = time_of(item, "updatedAt");
    /* The server that the items come from takes index keys that DynamoDB does not. */
    if (index.ptr && index.len - 2 > MS_KEY_PARTITION_MOST) {
        assert_int_equal(
            ms_item_put(entity, row->record, 0, true, &stamp, bench->arena, &change, &bench->error),
            MASTRA_INVALID_ARGUMENT);
        return;
    }
    if (ms_item_put(entity, row->record, row->seen.sequence, true, &stamp, bench->arena, &change,
                    &bench->error) != MASTRA_OK)
        fail_msg("%s", bench->error.message);
    compare_attributes(entity, item, whole(bench, &change));
}

/* All items of a file that are of the entity. */
static size_t round_trips(struct bench *bench, const struct ms_entity *entity, mastra_str cases)
{
    struct ms_json_iter iter;
    mastra_str one;
    size_t count = 0;

    ms_json_iter_init(&iter, cases);
    while (ms_json_next(&iter, NULL, &one)) {
        mastra_str items = ms_json_member(one, str("items"));
        struct ms_json_iter inner;
        mastra_str item;
        struct ms_items read;
        size_t at = 0;

        if (ms_json_kind(items) != MS_JSON_ARRAY)
            continue;
        read_items(bench, entity, items, &read);
        ms_json_iter_init(&inner, items);
        while (ms_json_next(&inner, NULL, &item)) {
            mastra_str type = ms_json_member(ms_json_member(item, str("__edb_e__")), str("S"));

            if (!ms_json_string_equals(type, str(entity->item->type)))
                continue;
            assert_true(at < read.count);
            if (!is_odd(item) || entity->id == MS_RUN_LOCK)
                round_trip(bench, entity, item, &read.rows[at]);
            at++;
            count++;
        }
        assert_int_equal(at, read.count);
    }
    return count;
}

static void as_the_peer_writes(void **state)
{
    static const struct {
        enum ms_entity_id id;
        const char *file;
        size_t count;
    } files[] = {
        {MS_THREAD, "dynamodb/thread.json", 26},     {MS_MESSAGE, "dynamodb/message.json", 25},
        {MS_RESOURCE, "dynamodb/resource.json", 25}, {MS_SNAPSHOT, "dynamodb/workflow_snapshot.json", 23},
        {MS_SCORE, "dynamodb/score.json", 5},        {MS_EVAL, "dynamodb/eval.json", 2},
        {MS_TRACE, "dynamodb/trace.json", 3},        {MS_RUN_LOCK, "dynamodb/unreleased-entities.json", 1},
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT(files); i++) {
        mastra_str cases = ms_json_member(load(bench, files[i].file), str("cases"));

        assert_int_equal(round_trips(bench, ms_entity(files[i].id), cases), files[i].count);
    }
}

/* What the peer was given, and what we read of what it made of it. */

static mastra_str compact(struct bench *bench, mastra_str json)
{
    char *out = ms_arena_bytes(bench->arena, json.len + 1);
    size_t len = 0;
    bool inside = false;

    assert_non_null(out);
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];

        if (inside && c == '\\') {
            out[len++] = c;
            out[len++] = json.ptr[++i];
            continue;
        }
        inside = inside != (c == '"');
        if (inside || (c != ' ' && c != '\n'))
            out[len++] = c;
    }
    return (mastra_str){out, len};
}

static void assert_same(struct bench *bench, mastra_str actual, mastra_str given, bool is_json)
{
    mastra_str expected = compact(bench, given);

    if (ms_json_kind(given) == MS_JSON_STRING && !is_json)
        assert_true(ms_json_unescape_arena(given, bench->arena, &expected, NULL));
    assert_int_equal(ms_str_compare(actual, expected), 0);
}

static void inputs_of_threads(void **state)
{
    struct bench *bench = *state;
    struct ms_json_iter iter;
    mastra_str one;
    size_t count = 0;

    ms_json_iter_init(&iter, ms_json_member(load(bench, "dynamodb/thread.json"), str("cases")));
    while (ms_json_next(&iter, NULL, &one)) {
        mastra_str thread = ms_json_member(ms_json_member(one, str("input")), str("thread"));
        mastra_str metadata = ms_json_member(thread, str("metadata"));
        mastra_str items = ms_json_member(one, str("items"));
        struct ms_items read;
        const mastra_thread *record;

        if (ms_json_count(items) != 1)
            continue;
        read_items(bench, ms_entity(MS_THREAD), items, &read);
        record = read.rows[0].record;
        assert_same(bench, record->id, ms_json_member(thread, str("id")), false);
        assert_same(bench, record->resource_id, ms_json_member(thread, str("resourceId")), false);
        if (metadata.ptr)
            assert_same(bench, record->metadata, metadata, true);
        else
            assert_null(record->metadata.ptr);
        assert_true(record->created_at != MASTRA_TIME_NONE && record->updated_at != MASTRA_TIME_NONE);
        assert_true(read.rows[0].seen.key.partition.len > 0 && read.rows[0].seen.witnesses[0].len == 24);
        count++;
    }
    assert_true(count >= 20);
}

static void inputs_of_scores(void **state)
{
    struct bench *bench = *state;
    struct ms_json_iter iter;
    mastra_str one;
    size_t count = 0;

    ms_json_iter_init(&iter, ms_json_member(load(bench, "dynamodb/score.json"), str("cases")));
    while (ms_json_next(&iter, NULL, &one)) {
        mastra_str input = ms_json_member(one, str("input"));
        mastra_str items = ms_json_member(one, str("items"));
        mastra_str trace = ms_json_member(input, str("traceId"));
        struct ms_items read;
        const mastra_score *record;

        if (ms_json_count(items) != 1)
            continue;
        read_items(bench, ms_entity(MS_SCORE), items, &read);
        record = read.rows[0].record;
        assert_same(bench, record->input, ms_json_member(input, str("input")), true);
        assert_same(bench, record->output, ms_json_member(input, str("output")), true);
        assert_same(bench, record->entity, ms_json_member(input, str("entity")), true);
        assert_true(record->score == ms_json_double(ms_json_member(input, str("score"))));
        if (trace.ptr)
            assert_same(bench, record->trace_id, trace, false);
        else
            assert_null(record->trace_id.ptr);
        count++;
    }
    assert_true(count >= 5);
}

static void proposed_spans(void **state)
{
    static const char *const keys[] = {"pk",     "sk",     "gsi1pk",    "gsi1sk",
                                       "gsi2pk", "gsi2sk", "__edb_e__", "__edb_v__"};
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 1};
    struct ms_json_iter iter;
    mastra_str item;
    size_t count = 0;

    ms_json_iter_init(&iter, ms_json_member(load(bench, "dynamodb/proposed.json"), str("spanItems")));
    while (ms_json_next(&iter, NULL, &item)) {
        mastra_span span = MASTRA_SPAN_INIT;
        struct ms_item_change change;
        mastra_str parent = text_of(item, "parentSpanId");
        mastra_str made;

        assert_true(ms_json_unescape_arena(text_of(item, "traceId"), bench->arena, &span.trace_id, NULL));
        assert_true(ms_json_unescape_arena(text_of(item, "spanId"), bench->arena, &span.span_id, NULL));
        assert_true(ms_json_unescape_arena(text_of(item, "name"), bench->arena, &span.name, NULL));
        if (parent.ptr)
            assert_true(ms_json_unescape_arena(parent, bench->arena, &span.parent_span_id, NULL));
        span.started_at = time_of(item, "startedAt");
        assert_int_equal(
            ms_item_put(ms_entity(MS_SPAN), &span, 0, true, &stamp, bench->arena, &change, &bench->error),
            MASTRA_OK);
        made = whole(bench, &change);
        for (size_t i = 0; i < COUNT(keys); i++)
            assert_true(
                ms_json_equal(ms_json_member(item, str(keys[i])), ms_json_member(made, str(keys[i]))));
        count++;
    }
    assert_true(count >= 5);
}

/* Changes. */

static void saving_again(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000, .ttl = "ttl", .ttl_seconds = 77};
    mastra_message message = message_of("M");
    struct ms_item_change change;

    assert_int_equal(
        ms_item_put(ms_entity(MS_MESSAGE), &message, 5, false, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_str(change.key.partition, "$mastra#entity_message#id_m");
    assert_change(&change, "createdAt", MS_ITEM_SET_ONCE, "1970-01-01T00:00:01.000Z");
    assert_change(&change, "gsi1sk", MS_ITEM_SET_ONCE, "$message_1#createdat_1970-01-01t00:00:01.000z");
    assert_change(&change, "gsi1pk", MS_ITEM_SET, "$mastra#entity_message#threadid_t");
    assert_change(&change, "threadId", MS_ITEM_SET, "T");
    assert_change(&change, "resourceId", MS_ITEM_REMOVE, NULL);
    assert_change(&change, "updatedAt", MS_ITEM_SET, "1970-01-01T00:00:02.000Z");
    assert_change(&change, "ttl", MS_ITEM_SET, "77");
    assert_change(&change, "mastra_seq", MS_ITEM_SET_ONCE, "5");
    assert_change(&change, "mastra_rev", MS_ITEM_ADD, "1");
    assert_change(&change, "mastra_empty", MS_ITEM_REMOVE, NULL);
    assert_null(find(&change, "toolNames"));
}

static void sticky_columns(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
    struct ms_item_change change;

    run.workflow_name = str("W");
    run.run_id = str("R");
    run.snapshot = str("\"text\"");
    run.created_at = run.updated_at = 1000;
    assert_int_equal(
        ms_item_put(ms_entity(MS_SNAPSHOT), &run, 0, false, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_null(find(&change, "resourceId"));
    assert_change(&change, "snapshot", MS_ITEM_SET, "\"text\"");
    assert_change(&change, "createdAt", MS_ITEM_SET_ONCE, "1970-01-01T00:00:01.000Z");
    assert_change(&change, "gsi2sk", MS_ITEM_SET, "$workflow_snapshot_1#workflow_name_w");
}

static void empty_texts(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_message message = message_of("M");
    struct ms_item_change change;
    struct ms_items items;
    mastra_str item;
    char array[2000];
    const mastra_message *read;

    message.content = str("");
    message.resource_id = str("");
    assert_int_equal(
        ms_item_put(ms_entity(MS_MESSAGE), &message, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_null(find(&change, "content"));
    assert_change(&change, "mastra_empty", MS_ITEM_SET, "resourceId");
    item = whole(bench, &change);
    read_items(bench, ms_entity(MS_MESSAGE),
               (mastra_str){array, (size_t)snprintf(array, sizeof(array), "[%.*s]", (int)item.len, item.ptr)},
               &items);
    read = items.rows[0].record;
    assert_str(read->content, "");
    assert_str(read->resource_id, "");
    assert_int_equal(ms_item_patch(ms_entity(MS_MESSAGE), &message, MS_BIT(MS_MESSAGE_RESOURCE_ID), NULL,
                                   &stamp, bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_change(&change, "resourceId", MS_ITEM_REMOVE, NULL);
    assert_change(&change, "mastra_empty", MS_ITEM_ADD, "resourceId");
    message.resource_id = str(NULL);
    assert_int_equal(ms_item_patch(ms_entity(MS_MESSAGE), &message, MS_BIT(MS_MESSAGE_RESOURCE_ID), NULL,
                                   &stamp, bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_change(&change, "mastra_empty", MS_ITEM_DELETE, "resourceId");
    message.resource_id = str("R");
    assert_int_equal(ms_item_patch(ms_entity(MS_MESSAGE), &message, MS_BIT(MS_MESSAGE_RESOURCE_ID), NULL,
                                   &stamp, bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_null(find(&change, "mastra_empty"));
}

static void patches(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_message message = message_of("M");
    mastra_span span = MASTRA_SPAN_INIT;
    mastra_span seen = MASTRA_SPAN_INIT;
    struct ms_item_change change;

    message.thread_id = str("Other");
    assert_int_equal(ms_item_patch_needs(ms_entity(MS_MESSAGE), MS_BIT(MS_MESSAGE_THREAD_ID)), 0);
    assert_int_equal(ms_item_patch(ms_entity(MS_MESSAGE), &message, MS_BIT(MS_MESSAGE_THREAD_ID), NULL,
                                   &stamp, bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_int_equal(change.count, 4);
    assert_change(&change, "threadId", MS_ITEM_SET, "Other");
    assert_change(&change, "gsi1pk", MS_ITEM_SET, "$mastra#entity_message#threadid_other");
    assert_change(&change, "updatedAt", MS_ITEM_SET, "1970-01-01T00:00:02.000Z");
    assert_change(&change, "mastra_rev", MS_ITEM_ADD, "1");
    span.trace_id = seen.trace_id = str("T");
    span.span_id = seen.span_id = str("S");
    span.parent_span_id = str("P");
    seen.started_at = 1000;
    assert_int_equal(ms_item_patch_needs(ms_entity(MS_SPAN), MS_BIT(MS_SPAN_PARENT_SPAN_ID)),
                     MS_BIT(MS_SPAN_STARTED_AT));
    assert_int_equal(ms_item_patch_needs(ms_entity(MS_SPAN), MS_BIT(MS_SPAN_OUTPUT)), 0);
    assert_int_equal(ms_item_patch(ms_entity(MS_SPAN), &span, MS_BIT(MS_SPAN_PARENT_SPAN_ID), &seen, &stamp,
                                   bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_change(&change, "gsi2pk", MS_ITEM_SET, "$mastra_ext#entity_ai_span#parentspanid_P");
    assert_change(&change, "gsi2sk", MS_ITEM_SET, "$ai_span_1#startedat_1970-01-01T00:00:01.000Z#spanid_S");
    span.parent_span_id = str(NULL);
    assert_int_equal(ms_item_patch(ms_entity(MS_SPAN), &span, MS_BIT(MS_SPAN_PARENT_SPAN_ID), &seen, &stamp,
                                   bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_change(&change, "gsi2pk", MS_ITEM_SET, "$mastra_ext#entity_ai_span#rootday_1970-01-01");
    assert_null(find(&change, "gsi1pk"));
}

static void touches(void **state)
{
    struct bench *bench = *state;
    const mastra_str key[MS_KEYS_MOST] = {str("T")};
    struct ms_item_change change;

    assert_int_equal(ms_item_touch(ms_entity(MS_THREAD), key, MS_THREAD_UPDATED_AT, 1000, bench->arena,
                                   &change, &bench->error),
                     MASTRA_OK);
    assert_int_equal(change.count, 2);
    assert_str(change.key.sort, "$thread_1#id_t");
    assert_change(&change, "updatedAt", MS_ITEM_SET, "1970-01-01T00:00:01.000Z");
}

static void numbers(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_score score = MASTRA_SCORE_INIT;
    struct ms_item_change change;

    score.id = str("s");
    score.created_at = 1;
    score.score = 1e126;
    assert_int_equal(
        ms_item_put(ms_entity(MS_SCORE), &score, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_INVALID_ARGUMENT);
    assert_string_equal(bench->error.field, "score");
    score.score = -1e-131;
    assert_int_equal(
        ms_item_put(ms_entity(MS_SCORE), &score, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_INVALID_ARGUMENT);
    score.score = -9.5e125;
    assert_int_equal(
        ms_item_put(ms_entity(MS_SCORE), &score, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_change(&change, "score", MS_ITEM_SET, "-9.5e+125");
    score.score = 0;
    score.input = str("\"123\"");
    score.output = str("\"a\\\"b\"");
    assert_int_equal(
        ms_item_put(ms_entity(MS_SCORE), &score, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_change(&change, "input", MS_ITEM_SET, "\"123\"");
    assert_change(&change, "output", MS_ITEM_SET, "a\"b");
    assert_change(&change, "gsi7pk", MS_ITEM_SET, "$mastra#entity_score#traceid_#spanid_");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_the_peer_writes, begin, end),
        cmocka_unit_test_setup_teardown(inputs_of_threads, begin, end),
        cmocka_unit_test_setup_teardown(inputs_of_scores, begin, end),
        cmocka_unit_test_setup_teardown(proposed_spans, begin, end),
        cmocka_unit_test_setup_teardown(saving_again, begin, end),
        cmocka_unit_test_setup_teardown(sticky_columns, begin, end),
        cmocka_unit_test_setup_teardown(empty_texts, begin, end),
        cmocka_unit_test_setup_teardown(patches, begin, end),
        cmocka_unit_test_setup_teardown(touches, begin, end),
        cmocka_unit_test_setup_teardown(numbers, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
