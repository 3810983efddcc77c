/* Entities made at run time, and the small checks around tables. */
#include "domains/check.h"
#include "domains/indexes.h"
#include "schema/foreign.h"
#include "sql/sql.h"
#include "store/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(literal) ((mastra_str)MASTRA_STR(literal))

struct place {
    struct ms_heap *heap;
    struct ms_arena *arena;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->heap = ms_heap_new(NULL);
    place->arena = ms_arena_new(place->heap, 0);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    ms_arena_free(place->arena);
    ms_heap_unref(place->heap);
    free(place);
    return 0;
}

static const struct ms_entity *build(struct place *place, const struct ms_foreign_column *columns,
                                     size_t count)
{
    struct ms_entity *entity = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(
        ms_foreign_entity(place->arena, S("t"), MS_KEY_PRIMARY_TABLE, columns, count, &entity, &error),
        MASTRA_OK);
    return entity;
}

static void layout(void **state)
{
    static const enum ms_type types[] = {MS_BOOLEAN, MS_TEXT,    MS_INTEGER,   MS_JSON,
                                         MS_REAL,    MS_BOOLEAN, MS_TIMESTAMP, MS_BIGINT};
    struct ms_foreign_column columns[8] = {{{NULL, 0}, MS_TEXT, MS_NULL, 0, 0}};
    for (size_t i = 0; i < 8; i++) {
        columns[i].name = (mastra_str){&"abcdefgh"[i], 1};
        columns[i].type = types[i];
    }
    const struct ms_entity *entity = build(*state, columns, 8);
    const char *record = ms_record_new(((struct place *)*state)->arena, entity);
    size_t at = sizeof(size_t);
    assert_non_null(record);
    assert_int_equal(*(const size_t *)(const void *)record, entity->size);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(entity->columns[i].offset, at);
        assert_int_equal(entity->columns[i].offset % 8, 0);
        at += types[i] == MS_TEXT || types[i] == MS_JSON ? sizeof(mastra_str) : 8;
    }
    assert_int_equal(entity->size, at);
    assert_null(ms_field_str(&entity->columns[1], record)->ptr);
    assert_int_equal(*(const int64_t *)ms_field(&entity->columns[2], record), MASTRA_INTEGER_NONE);
    assert_true(isnan(*(const double *)ms_field(&entity->columns[4], record)));
    assert_int_equal(*ms_field_time(&entity->columns[6], record), MASTRA_TIME_NONE);
    assert_string_equal(entity->columns[7].name, "h");
    assert_int_equal(ms_entity_fields(entity), 0xff);
}

static void keys(void **state)
{
    const struct ms_foreign_column columns[] = {
        {S("a"), MS_TEXT, MS_NULL, 0, 2}, {S("b"), MS_TEXT, MS_NULL, 0, 0}, {S("c"), MS_TEXT, MS_NULL, 0, 1}};
    const struct ms_entity *entity = build(*state, columns, 3);
    assert_int_equal(entity->key_count, 2);
    assert_int_equal(entity->keys[0], 2);
    assert_int_equal(entity->keys[1], 0);
    assert_int_equal(ms_entity_keys(entity), MS_BIT(0) | MS_BIT(2));
    assert_int_equal(entity->created, 2);
}

static void order(void **state)
{
    const struct ms_foreign_column first[] = {{S("a"), MS_TEXT, MS_NULL, 0, 1},
                                              {S("created_at"), MS_TEXT, MS_NULL, 0, 0},
                                              {S("createdAt"), MS_TEXT, MS_NULL, 0, 0}};
    assert_int_equal(build(*state, first, 3)->created, 2);
    assert_int_equal(build(*state, first, 2)->created, 1);
    assert_int_equal(build(*state, first, 1)->created, 0);
}

static void limits(void **state)
{
    struct place *place = *state;
    struct ms_foreign_column columns[MS_COLUMNS_MOST + 1] = {{{NULL, 0}, MS_TEXT, MS_NULL, 0, 0}};
    struct ms_entity *entity = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    for (size_t i = 0; i <= MS_COLUMNS_MOST; i++)
        columns[i].name = S("c");
    assert_int_equal(ms_entity_all(build(place, columns, MS_COLUMNS_MOST)), UINT64_MAX);
    assert_int_equal(
        ms_foreign_entity(place->arena, S("t"), MS_KEY_NONE, columns, MS_COLUMNS_MOST + 1, &entity, &error),
        MASTRA_LIMIT_EXCEEDED);
    columns[0].in_key = MS_KEYS_MOST + 1;
    assert_int_equal(ms_foreign_entity(place->arena, S("t"), MS_KEY_NONE, columns, 1, &entity, &error),
                     MASTRA_LIMIT_EXCEEDED);
    assert_null(entity);
}

static void narrowed(void **state)
{
    struct place *place = *state;
    const struct ms_foreign_column columns[] = {{S("a"), MS_TEXT, MS_NULL, 0, 1},
                                                {S("b"), MS_TEXT, MS_NULL, 0, 0}};
    const struct ms_entity *entity = build(place, columns, 2);
    const struct ms_entity *narrow = ms_foreign_narrow(place->arena, entity, MS_BIT(1));
    assert_int_equal(ms_entity_fields(narrow), MS_BIT(1));
    assert_int_equal(ms_entity_fields(entity), 3);
    assert_int_equal(narrow->size, entity->size);
}

static void catalogue(void **state)
{
    (void)state;
    assert_ptr_equal(ms_entity_of_table(S("mastra_ai_spans")), ms_entity(MS_SPAN));
    assert_null(ms_entity_of_table(S("mastra_ai_span")));
    assert_null(ms_entity_of_table(S("")));
}

static void quoting(void **state)
{
    struct ms_buf out;
    ms_buf_init(&out, ((struct place *)*state)->heap, 0);
    ms_sql_quote(&out, "a\"b\"\"");
    assert_string_equal(out.ptr, "\"a\"\"b\"\"\"\"\"");
    ms_buf_release(&out);
}

static void identifiers(void **state)
{
    static const char longest[] = "a23456789012345678901234567890123456789012345678901234567890123";
    (void)state;
    assert_int_equal(ms_check_identifier(NULL, "f", S("_aZ9")), MASTRA_OK);
    assert_int_equal(ms_check_identifier(NULL, "f", mastra_str_of(longest)), MASTRA_OK);
    assert_int_equal(ms_check_identifier(NULL, "f", S("sqlite_a")), MASTRA_OK);
    const char *const wrong[] = {
        "",    "9",     "a-b",
        "a b", "a.b",   "\xc3\xa4",
        "a;",  "\"a\"", "a234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ms_check_identifier(NULL, "f", mastra_str_of(wrong[i])), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_check_identifier(NULL, "f", ((mastra_str){"a\0b", 3})), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_check_identifier(NULL, "f", ((mastra_str){NULL, 0})), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_check_object_name(NULL, "f", S("SQLITE_a")), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_check_object_name(NULL, "f", S("sqlite")), MASTRA_OK);
}

static void expressions(void **state)
{
    const char *const closed[] = {"1",          "a = ';'",    "a = '--'",   "\"/*\" > (1)", "a = 'it''s'",
                                  "[;] = `--`", "(a) OR (b)", "a - -b / c", "a->>'$.x'",    ""};
    const char *const open[] = {"1;", "1--", "1/**/", "(1", "1)", ")(", "'", "\"a", "[a", "`", "';' ;"};
    (void)state;
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
        assert_true(ms_is_closed_expression(mastra_str_of(closed[i])));
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        assert_false(ms_is_closed_expression(mastra_str_of(open[i])));
    assert_false(ms_is_closed_expression((mastra_str){"1\0", 2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layout, begin, end),
        cmocka_unit_test_setup_teardown(keys, begin, end),
        cmocka_unit_test_setup_teardown(order, begin, end),
        cmocka_unit_test_setup_teardown(limits, begin, end),
        cmocka_unit_test_setup_teardown(narrowed, begin, end),
        cmocka_unit_test(catalogue),
        cmocka_unit_test_setup_teardown(quoting, begin, end),
        cmocka_unit_test(identifiers),
        cmocka_unit_test(expressions),
    };
    return cmocka_run_group_tests_name("foreign tables", tests, NULL, NULL);
}
