/* Answers to records: what is well-formed, what is not, and large records in parts. */
#include "item_support.h"

static const struct ms_item_split refuse = {.generation = MASTRA_STR("5d1f")};
static const struct ms_item_split divide = {.shared = true, .generation = MASTRA_STR("5d1f")};

static void read_answer(struct bench *bench, const char *json, struct ms_items *ret)
{
    mastra_str text;

    assert_true(ms_arena_str(bench->arena, str(json), &text));
    assert_true(ms_json_check(text, NULL, NULL));
    assert_int_equal(ms_items_read(ms_entity(MS_THREAD), ms_entity_all(ms_entity(MS_THREAD)),
                                   (char *)(uintptr_t)text.ptr, text.len, bench->arena, ret, &bench->error),
                     MASTRA_OK);
}

#define MARKS "\"__edb_e__\":{\"S\":\"thread\"},\"__edb_v__\":{\"S\":\"1\"}"
#define BORN  "\"createdAt\":{\"S\":\"2025-01-02T03:04:05.678Z\"}"

static void answers(void **state)
{
    struct bench *bench = *state;
    struct ms_items items = {0};
    const mastra_thread *thread;

    read_answer(
        bench,
        "{ \"Count\": 2, \"Items\" : [ { \"id\":{\"S\":\"a\\n\\u00e9\"}, " MARKS "," BORN
        ",\"mastra_rev\":{\"N\":\"7\"},\"updatedAt\":{\"S\":\"x\"}}, {" MARKS
        ",\"updatedAt\":{\"S\":\"y\"}} ] , \"ScannedCount\":3,"
        "\"LastEvaluatedKey\":{\"pk\":{\"S\":\"p\\\"\"}},\"ConsumedCapacity\":{\"CapacityUnits\":1.5}}",
        &items);
    assert_int_equal(items.count, 2);
    assert_int_equal(items.counted, 2);
    thread = items.rows[0].record;
    assert_str(thread->id, "a\n\xc3\xa9");
    assert_int_equal(thread->id.ptr[thread->id.len], 0);
    assert_str(thread->title, "");
    assert_null(thread->metadata.ptr);
    assert_int_equal(thread->updated_at, MASTRA_TIME_NONE);
    assert_int_equal(items.rows[0].seen.revision, 7);
    assert_str(items.rows[0].seen.witnesses[0], "x");
    assert_null(items.rows[1].record);
    assert_str(items.rows[1].seen.witnesses[0], "y");
    assert_str(items.last_key, "{\"pk\":{\"S\":\"p\\\"\"}}");
    assert_str(items.consumed, "{\"CapacityUnits\":1.5}");
    read_answer(bench, "{\"Count\":40}", &items);
    assert_int_equal(items.counted, 42);
    assert_null(items.last_key.ptr);
    read_answer(bench, "{\"Item\":{" MARKS "," BORN "}}", &items);
    read_answer(bench, "{\"Attributes\":{" MARKS "," BORN "}}", &items);
    read_answer(bench,
                "{\"Responses\":{\"t\":[{" MARKS "," BORN "},{" MARKS "," BORN
                "}]},\"UnprocessedKeys\":{\"t\":{\"Keys\":[]}}}",
                &items);
    assert_str(items.unprocessed, "{\"t\":{\"Keys\":[]}}");
    read_answer(bench, "{\"Responses\":[{\"Item\":{" MARKS "," BORN "}},{}],\"UnprocessedKeys\":{}}", &items);
    assert_null(items.unprocessed.ptr);
    assert_int_equal(items.count, 7);
    read_answer(bench, "{}", &items);
    assert_int_equal(items.count, 7);
}

/* What is not ours, or not as it should be. */
static void strange_answers(void **state)
{
    static const char *const nothing[] = {
        "{\"Items\":5,\"Item\":[],\"Responses\":null,\"Count\":\"x\"}",
        "{\"Items\":[1,\"a\",null,[],{}]}",
        "{\"Items\":[{\"__edb_e__\":{\"S\":\"message\"},\"__edb_v__\":{\"S\":\"1\"}}]}",
        "{\"Items\":[{\"__edb_e__\":{\"S\":\"thread\"},\"__edb_v__\":{\"S\":\"2\"}}]}",
        "{\"Items\":[{\"__edb_e__\":{\"N\":\"1\"},\"__edb_v__\":\"1\"}]}",
        "{\"Responses\":[1,{\"Item\":5},{\"Error\":{}}]}",
        "{\"Responses\":{\"t\":5}}",
    };
    struct bench *bench = *state;
    struct ms_items items = {0};
    const mastra_thread *thread;
    char array[] = "[]";

    for (size_t i = 0; i < COUNT(nothing); i++)
        read_answer(bench, nothing[i], &items);
    assert_int_equal(items.count, 0);
    read_answer(bench,
                "{\"Items\":[{" MARKS "," BORN
                ",\"id\":{\"N\":\"5\"},\"title\":{\"M\":{\"S\":{\"S\":\"no\"}}},"
                "\"metadata\":{\"NULL\":true},\"updatedAt\":{\"S\":5},\"resourceId\":\"bare\","
                "\"mastra_empty\":{\"SS\":[\"metadata\",\"nobody\"]},\"mastra_rev\":{\"N\":\"\"}}]}",
                &items);
    assert_int_equal(items.count, 1);
    thread = items.rows[0].record;
    assert_str(thread->id, "");
    assert_str(thread->title, "");
    assert_str(thread->resource_id, "");
    assert_str(thread->metadata, "");
    assert_int_equal(items.rows[0].seen.revision, 0);
    assert_int_equal(ms_items_read(ms_entity(MS_THREAD), 1, array, 2, bench->arena, &items, &bench->error),
                     MASTRA_INTERNAL);
}

static void columns_not_asked_for(void **state)
{
    struct bench *bench = *state;
    struct ms_items items = {0};
    char text[] = "{\"Items\":[{" MARKS "," BORN ",\"id\":{\"S\":\"a\"},\"title\":{\"S\":\"b\"}}]}";
    const mastra_thread *thread;

    assert_int_equal(ms_items_read(ms_entity(MS_THREAD), MS_BIT(MS_THREAD_ID), text, strlen(text),
                                   bench->arena, &items, &bench->error),
                     MASTRA_OK);
    thread = items.rows[0].record;
    assert_str(thread->id, "a");
    assert_null(thread->title.ptr);
    assert_int_equal(thread->created_at, MASTRA_TIME_NONE);
}

/* Large records. */

static mastra_str long_json(struct bench *bench, char c, size_t len)
{
    char *text = ms_arena_bytes(bench->arena, len);

    assert_non_null(text);
    memset(text, c, len);
    text[0] = text[len - 1] = '"';
    return (mastra_str){text, len};
}

static void too_large(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_message message = message_of("M");
    struct ms_item_change change;
    struct ms_item_part *parts;
    size_t count;
    size_t rest;

    for (size_t size = 1; size <= 2; size++) {
        message.content = long_json(bench, 'x', size);
        assert_int_equal(ms_item_put(ms_entity(MS_MESSAGE), &message, 0, true, &stamp, bench->arena, &change,
                                     &bench->error),
                         MASTRA_OK);
    }
    rest = change.bytes - 2;
    message.content = long_json(bench, 'x', MS_ITEM_MOST - rest);
    assert_int_equal(
        ms_item_put(ms_entity(MS_MESSAGE), &message, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_int_equal(change.bytes, MS_ITEM_MOST);
    assert_int_equal(ms_item_fit(ms_entity(MS_MESSAGE), &message, 0, &refuse, bench->arena, &change, &parts,
                                 &count, &bench->error),
                     MASTRA_OK);
    assert_int_equal(count, 0);
    message.content = long_json(bench, 'x', MS_ITEM_MOST - rest + 1);
    assert_int_equal(
        ms_item_put(ms_entity(MS_MESSAGE), &message, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_int_equal(ms_item_fit(ms_entity(MS_MESSAGE), &message, 0, &refuse, bench->arena, &change, &parts,
                                 &count, &bench->error),
                     MASTRA_LIMIT_EXCEEDED);
    assert_string_equal(bench->error.field, "content");
    assert_non_null(strstr(bench->error.message, "409601"));
    assert_non_null(strstr(bench->error.message, "409600"));
    assert_int_equal(ms_item_fit(ms_entity(MS_MESSAGE), &message, 0, &divide, bench->arena, &change, &parts,
                                 &count, &bench->error),
                     MASTRA_OK);
    assert_int_equal(count, 2);
    assert_str(parts[1].key.sort, "$message_part_1#part_5d1f_0002");
    assert_null(strstr(whole(bench, &change).ptr, "xxxx"));
}

/* A span in parts, as whoever reads it finds it. */
static void read_back(struct bench *bench, const struct ms_item_change *change,
                      const struct ms_item_part *parts, size_t count, struct ms_items *items,
                      mastra_str *texts)
{
    const struct ms_item_stamp lives = {.ttl = "expiresAt", .ttl_seconds = 100};
    struct ms_buf buf;
    mastra_str kept;
    struct ms_items rest = {0};

    ms_buf_init(&buf, bench->heap, 0);
    ms_buf_add_text(&buf, "{\"Items\":[");
    ms_item_write_whole(&buf, change);
    for (size_t i = 0; i < count; i++) {
        ms_buf_add_char(&buf, ',');
        ms_item_write_part(&buf, &parts[i], &lives);
    }
    ms_buf_add_text(&buf, "]}");
    assert_true(ms_json_check(ms_buf_view(&buf), NULL, NULL));
    assert_true(count == 0 || strstr(buf.ptr, "\"expiresAt\":{\"N\":\"604900\"}"));
    assert_true(ms_arena_str(bench->arena, ms_buf_view(&buf), &kept));
    memset(items, 0, sizeof(*items));
    assert_int_equal(ms_items_read(ms_entity(MS_SPAN), ms_entity_all(ms_entity(MS_SPAN)),
                                   (char *)(uintptr_t)kept.ptr, kept.len, bench->arena, items, &bench->error),
                     MASTRA_OK);
    assert_true(ms_arena_str(bench->arena, ms_buf_view(&buf), &kept));
    assert_int_equal(
        ms_item_parts_read((char *)(uintptr_t)kept.ptr, kept.len, texts, count, &rest, &bench->error),
        MASTRA_OK);
    ms_buf_release(&buf);
}

static void parts_of_spans(void **state)
{
    struct bench *bench = *state;
    const struct ms_entity *entity = ms_entity(MS_SPAN);
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_span span = MASTRA_SPAN_INIT;
    struct ms_item_change change;
    struct ms_item_part *parts;
    size_t count;
    struct ms_items items;
    mastra_str texts[8] = {{NULL, 0}};
    mastra_span *read;
    bool whole_again;

    span.trace_id = str("T");
    span.span_id = str("S");
    span.name = str("n");
    span.started_at = span.created_at = 1000;
    span.input = long_json(bench, 'i', 900000);
    span.output = long_json(bench, 'o', 300000);
    span.metadata = str("{\"a\":1}");
    assert_int_equal(ms_item_put(entity, &span, 0, false, &stamp, bench->arena, &change, &bench->error),
                     MASTRA_OK);
    assert_int_equal(
        ms_item_fit(entity, &span, 0, &refuse, bench->arena, &change, &parts, &count, &bench->error),
        MASTRA_OK);
    assert_int_equal(count, 3);
    assert_str(parts[2].key.partition, "$mastra_ext#entity_ai_span#traceid_T");
    assert_str(parts[2].key.sort, "$ai_span_chunk_1#spanid_S#part_5d1f_0003");
    assert_change(&change, "input", MS_ITEM_REMOVE, NULL);
    assert_true(change.bytes < MS_ITEM_MOST);
    read_back(bench, &change, parts, count, &items, texts);
    assert_int_equal(items.count, 1);
    assert_int_equal(items.rows[0].seen.part_count, 3);
    assert_str(ms_item_generation(items.rows[0].seen.parts), "5d1f");
    assert_null(ms_item_generation(str("3 9ae16a3b2f90404f input:1")).ptr);
    read = items.rows[0].record;
    assert_null(read->input.ptr);
    assert_int_equal(ms_item_join(entity, &items.rows[0], texts, bench->arena, &whole_again, &bench->error),
                     MASTRA_OK);
    assert_true(whole_again);
    assert_int_equal(ms_str_compare(read->input, span.input), 0);
    assert_int_equal(ms_str_compare(read->output, span.output), 0);
    assert_str(read->metadata, "{\"a\":1}");
    texts[1] = long_json(bench, 'z', texts[1].len);
    assert_int_equal(ms_item_join(entity, &items.rows[0], texts, bench->arena, &whole_again, &bench->error),
                     MASTRA_OK);
    assert_false(whole_again);
    texts[1] = (mastra_str){NULL, 0};
    assert_int_equal(ms_item_join(entity, &items.rows[0], texts, bench->arena, &whole_again, &bench->error),
                     MASTRA_OK);
    assert_false(whole_again);
}

/* Cuts fall between characters. */
static void parts_of_long_characters(void **state)
{
    struct bench *bench = *state;
    struct ms_item_stamp stamp = {.now = 2000};
    mastra_span span = MASTRA_SPAN_INIT;
    struct ms_item_change change;
    struct ms_item_part *parts;
    size_t count;
    size_t len = 3 * 300000 + 2;
    char *text = ms_arena_bytes(bench->arena, len);

    text[0] = text[len - 1] = '"';
    for (size_t i = 1; i + 2 < len; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    span.trace_id = span.span_id = str("x");
    span.started_at = span.created_at = 1;
    span.input = (mastra_str){text, len};
    assert_int_equal(
        ms_item_put(ms_entity(MS_SPAN), &span, 0, true, &stamp, bench->arena, &change, &bench->error),
        MASTRA_OK);
    assert_int_equal(ms_item_fit(ms_entity(MS_SPAN), &span, 0, &refuse, bench->arena, &change, &parts, &count,
                                 &bench->error),
                     MASTRA_OK);
    for (size_t i = 0; i < count; i++)
        assert_true(ms_utf8_valid(parts[i].text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, begin, end),
        cmocka_unit_test_setup_teardown(strange_answers, begin, end),
        cmocka_unit_test_setup_teardown(columns_not_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(too_large, begin, end),
        cmocka_unit_test_setup_teardown(parts_of_spans, begin, end),
        cmocka_unit_test_setup_teardown(parts_of_long_characters, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
