/*
 * Queries on records in memory: they must give the rows that SQLite gives, whatever the query. Records and queries are drawn
 * at random, the same ones in every run.
 */
#include "unit/base_support.h"

#include "base/str.h"
#include "store/call.h"
#include "store/match.h"
#include "store/record.h"
#include "store/store.h"

#include <math.h>

#define RECORDS 60
#define QUERIES 1500

static const struct ms_op op = {.name = "test", .error = "TEST", .writes = true, .repeatable = true};

struct lab {
    const struct ms_entity *entity;
    uint64_t state;
    struct ms_arena *arena;
    void *records[RECORDS]; /* in the order in which they were inserted */
    size_t given;           /* how many rows queries have given so far */
    /* What the predicates of a query point at. */
    mastra_str sets[MS_QUERY_PREDICATES][3];
    struct ms_predicate related[MS_QUERY_PREDICATES];
};

static uint64_t draw(struct lab *lab, uint64_t below)
{
    return noise(&lab->state) % below;
}

static mastra_str pick(struct lab *lab, const char *const *texts, size_t count)
{
    return mastra_str_of(texts[draw(lab, count)]);
}

static const char *const words[] = {"", "a", "A", "ab", "b", "b\xc3\xa9", "a_c", "a%", "\xf0\x9f\x99\x82"};
static const char *const values[] = {"{\"a\":{\"b\":\"x\"},\"c\":1}",
                                     "{\"a\":1.0,\"k\":null}",
                                     "{\"a\":\"x\",\"c\":[1,2]}",
                                     "[\"x\",1,{\"a\":true}]",
                                     "[]",
                                     "[1.0,\"y\"]",
                                     "\"x\"",
                                     "5",
                                     "null",
                                     "{}"};
static const char *const objects[] = {"{\"a\":1}", "{\"c\":[1,2]}", "{\"b\":\"x\"}", "{}", "{\"k\":null}"};
static const char *const arrays[] = {"[\"x\"]", "[1]", "[]", "[1,\"x\"]", "[{\"a\":true}]"};
static const char *const paths[] = {".a.b", ".a|.c", "", ".*.b"};

static mastra_time draw_time(struct lab *lab)
{
    return INT64_C(1735787045000) + (int64_t)draw(lab, 6) * 250;
}

/* Records. */

static void fill_column(struct lab *lab, const struct ms_column *column, void *record)
{
    void *field = ms_field(column, record);
    bool null = column->null == MS_NULL && draw(lab, 4) == 0;

    switch (column->type) {
    case MS_TIMESTAMP:
        *(mastra_time *)field = null ? MASTRA_TIME_NONE : draw_time(lab);
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)field = null ? MASTRA_INTEGER_NONE : (int64_t)draw(lab, 4);
        break;
    case MS_REAL:
        *(double *)field = (double)draw(lab, 5) / 2;
        break;
    case MS_BOOLEAN:
        *(bool *)field = draw(lab, 2);
        break;
    case MS_JSON:
        *(mastra_str *)field = null ? mastra_str_of(NULL) : pick(lab, values, COUNT(values));
        break;
    case MS_TEXT:
        *(mastra_str *)field = null ? mastra_str_of(NULL) : pick(lab, words, COUNT(words));
        break;
    }
}

/* Keys are all different, and so is a column of those that have none. */
static void fill(struct lab *lab, void *record, size_t number)
{
    const struct ms_entity *entity = lab->entity;
    uint8_t last = entity->key_count > 0 ? entity->keys[entity->key_count - 1] : MS_EVAL_RUN_ID;
    char name[16];
    mastra_str text;

    for (uint8_t i = 0; i < entity->column_count; i++) {
        if (entity->columns[i].offset)
            fill_column(lab, &entity->columns[i], record);
    }
    snprintf(name, sizeof(name), "%c%zu", "kK"[draw(lab, 2)], (number * 37) % 100);
    assert_true(ms_arena_str(lab->arena, mastra_str_of(name), &text));
    *ms_field_str(&entity->columns[last], record) = text;
}

static mastra_status insert_all(struct ms_unit *unit, void *arg)
{
    struct lab *lab = arg;

    for (size_t i = 0; i < RECORDS; i++)
        assert_int_equal(ms_unit_insert(unit, lab->entity->id, lab->records[i]), MASTRA_OK);
    return MASTRA_OK;
}

/* Queries. */

static void draw_related(struct lab *lab, struct ms_query *query, uint8_t column)
{
    struct ms_predicate *inner = &lab->related[query->where_count];

    memset(inner, 0, sizeof(*inner));
    inner->column = (uint8_t)draw(lab, lab->entity->column_count);
    if (!lab->entity->columns[inner->column].offset)
        inner->column = column;
    inner->compare = draw(lab, 2) ? MS_NULL_VALUE : MS_ANY_VALUE;
    if (lab->entity->columns[inner->column].type == MS_TEXT && draw(lab, 2)) {
        inner->compare = MS_EQUAL;
        inner->text = pick(lab, words, COUNT(words));
    }
    ms_query_related(query, draw(lab, 2), column, inner);
}

static void draw_on_text(struct lab *lab, struct ms_query *query, uint8_t column)
{
    mastra_str *set = lab->sets[query->where_count];
    /* What a query equals is often the value of some record. */
    mastra_str text = *ms_field_str(&lab->entity->columns[column], lab->records[draw(lab, RECORDS)]);

    switch (draw(lab, 6)) {
    case 0:
        ms_query_equal(query, column, draw(lab, 8) ? text : mastra_str_of(NULL));
        break;
    case 1:
        for (size_t i = 0; i < 3; i++)
            set[i] = i == 0 && text.ptr ? text : pick(lab, words, COUNT(words));
        ms_query_any_of(query, column, set, draw(lab, 4));
        break;
    case 2:
        ms_query_text(query, MS_PREFIX, column, pick(lab, words, COUNT(words)));
        break;
    case 3:
        ms_query_text(query, MS_ABOVE, column, pick(lab, words, COUNT(words)));
        break;
    case 4:
        if (lab->entity->columns[column].null == MS_NOT_NULL) {
            draw_related(lab, query, column);
            break;
        }
        /* fall through */
    default:
        ms_query_null(query, column, draw(lab, 2));
    }
}

static void draw_on_json(struct lab *lab, struct ms_query *query, uint8_t column)
{
    switch (draw(lab, 6)) {
    case 0:
        ms_query_has(query, column, NULL, pick(lab, objects, COUNT(objects)));
        break;
    case 1:
        ms_query_has(query, column, "a", pick(lab, objects, COUNT(objects)));
        break;
    case 2:
        ms_query_contains(query, column, pick(lab, arrays, COUNT(arrays)));
        break;
    case 3:
        ms_query_at(query, column, paths[draw(lab, COUNT(paths))], mastra_str_of("x"));
        break;
    case 4:
        ms_query_member(query, draw(lab, 2), column, mastra_str_of(draw(lab, 2) ? "a" : "k"));
        break;
    default:
        ms_query_null(query, column, draw(lab, 2));
    }
}

static void draw_predicate(struct lab *lab, struct ms_query *query)
{
    uint8_t column = (uint8_t)draw(lab, lab->entity->column_count);

    if (!lab->entity->columns[column].offset)
        return;
    switch (lab->entity->columns[column].type) {
    case MS_TEXT:
        draw_on_text(lab, query, column);
        break;
    case MS_JSON:
        draw_on_json(lab, query, column);
        break;
    case MS_TIMESTAMP:
        if (draw(lab, 5) == 0)
            ms_query_null(query, column, draw(lab, 2));
        else
            ms_query_time(query, (enum ms_compare)(MS_AT_LEAST + draw(lab, 4)), column, draw_time(lab));
        break;
    default:
        ms_query_number(query, draw(lab, 2) ? MS_NUMBER : MS_MORE, column, (int64_t)draw(lab, 4));
    }
}

static void draw_order(struct lab *lab, struct ms_query *query)
{
    const struct ms_entity *entity = lab->entity;
    uint8_t column = (uint8_t)draw(lab, entity->column_count);

    query->descending = draw(lab, 2);
    if (entity->columns[column].type == MS_TIMESTAMP && entity->columns[column].offset)
        query->order = column;
    else if (entity->key_count > 0 && draw(lab, 4) == 0)
        query->order = entity->keys[0];
    query->grouped = entity->id == MS_MESSAGE && draw(lab, 4) == 0;
    if (entity->key_count > 0 && entity->columns[query->order].null == MS_NOT_NULL && draw(lab, 3) == 0) {
        const void *anchor = lab->records[draw(lab, RECORDS)];

        query->side = draw(lab, 2) ? MS_SIDE_UP_TO : MS_SIDE_AFTER;
        for (size_t i = 0; i < entity->key_count; i++)
            query->anchor[i] = *ms_field_str(&entity->columns[entity->keys[i]], anchor);
        if (draw(lab, 10) == 0)
            query->anchor[0] = mastra_str_of("nobody");
    }
}

static void draw_query(struct lab *lab, struct ms_query *query)
{
    size_t predicates = draw(lab, 4);

    ms_query_init(query, lab->entity->id);
    while (predicates-- > 0)
        draw_predicate(lab, query);
    draw_order(lab, query);
    if (draw(lab, 3) == 0)
        query->columns &= noise(&lab->state) | MS_BIT(query->order);
    query->offset = draw(lab, 2) ? 0 : (int64_t)draw(lab, 30);
    query->limit = draw(lab, 2) ? MS_NO_LIMIT : (int64_t)draw(lab, 20);
}

/* Comparison. */

static bool are_equal(const struct ms_column *column, const void *a, const void *b)
{
    const void *left = ms_field(column, a);
    const void *right = ms_field(column, b);

    if (column->type == MS_TEXT || column->type == MS_JSON) {
        const mastra_str *x = left;
        const mastra_str *y = right;

        return !x->ptr == !y->ptr && ms_str_compare(*x, *y) == 0;
    }
    if (column->type == MS_BOOLEAN)
        return *(const bool *)left == *(const bool *)right;
    if (column->type == MS_REAL && isnan(*(const double *)left))
        return isnan(*(const double *)right);
    return memcmp(left, right, sizeof(int64_t)) == 0;
}

static void assert_rows(const struct ms_entity *entity, size_t number, const struct ms_rows *expected,
                        const struct ms_rows *actual)
{
    if (expected->count != actual->count)
        fail_msg("%s, query %zu: %zu rows, not %zu", entity->table, number, actual->count, expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        for (uint8_t k = 0; k < entity->column_count; k++) {
            if (entity->columns[k].offset &&
                !are_equal(&entity->columns[k], expected->items[i], actual->items[i]))
                fail_msg("%s, query %zu, row %zu: %s differs", entity->table, number, i,
                         entity->columns[k].name);
        }
    }
}

/* Copies of all records, in another order. */
static void shuffle(struct lab *lab, struct ms_arena *arena, struct ms_match_row *rows)
{
    for (size_t i = 0; i < RECORDS; i++) {
        size_t place = draw(lab, i + 1);

        rows[i] = rows[place];
        rows[place].record = ms_record_new(arena, lab->entity);
        assert_non_null(rows[place].record);
        memcpy(rows[place].record, lab->records[i], lab->entity->size);
        rows[place].sequence = (int64_t)i + 1;
    }
}

static bool has_key(const struct ms_entity *entity, const mastra_str *key, const void *record)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        if (ms_str_compare(*ms_field_str(&entity->columns[entity->keys[i]], record), key[i]) != 0)
            return false;
    }
    return true;
}

static void match(struct lab *lab, const struct ms_query *query, struct ms_arena *arena, struct ms_rows *ret)
{
    struct ms_match_row rows[RECORDS] = {{0}};
    struct ms_match_row relatives[RECORDS];
    struct ms_match_row anchor;
    struct ms_match_set set = {
        .rows = rows, .count = RECORDS, .relatives = relatives, .relative_count = RECORDS, .arena = arena};

    shuffle(lab, arena, rows);
    for (size_t i = 0; i < RECORDS; i++) {
        relatives[i] = (struct ms_match_row){lab->records[i], (int64_t)i + 1, {NULL, 0}};
        if (query->side != MS_SIDE_ALL && has_key(lab->entity, query->anchor, lab->records[i])) {
            anchor = relatives[i];
            set.anchor = &anchor;
        }
    }
    /* What is not to be compared is not there. */
    for (size_t i = 0; i < RECORDS; i++)
        ms_match_narrow(lab->entity, rows[i].record, ms_match_columns(query));
    assert_true(ms_match_rows(query, 0, &set, ret));
}

static mastra_status ask_all(struct ms_unit *unit, void *arg)
{
    struct lab *lab = arg;

    for (size_t i = 0; i < QUERIES; i++) {
        struct ms_query query;
        struct ms_rows expected = {NULL, 0};
        struct ms_rows actual;
        struct ms_arena *arena = ms_arena_new(ms_arena_heap(unit->arena), 0);

        assert_non_null(arena);
        draw_query(lab, &query);
        if (ms_unit_list(unit, &query, &expected) != MASTRA_OK)
            fail_msg("%s, query %zu: %s", lab->entity->table, i, unit->error->message);
        match(lab, &query, arena, &actual);
        assert_rows(lab->entity, i, &expected, &actual);
        lab->given += expected.count;
        ms_arena_free(arena);
    }
    return MASTRA_OK;
}

static void compare(enum ms_entity_id id)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    mastra_store *store = NULL;
    struct ms_call call;
    struct ms_heap *heap = ms_heap_new(NULL);

    assert_non_null(lab);
    lab->entity = ms_entity(id);
    lab->state = (uint64_t)id + 1;
    lab->arena = ms_arena_new(heap, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        lab->records[i] = ms_record_new(lab->arena, lab->entity);
        assert_non_null(lab->records[i]);
        fill(lab, lab->records[i], i);
    }
    assert_int_equal(mastra_open(":memory:", NULL, &store, NULL), MASTRA_OK);
    assert_int_equal(ms_call_begin(&call, store, &op, NULL), MASTRA_OK);
    if (ms_transact(&call, insert_all, lab, NULL) != MASTRA_OK)
        fail_msg("%s: %s", lab->entity->table, call.error.message);
    assert_int_equal(ms_call_end(&call, MASTRA_OK, NULL), MASTRA_OK);
    assert_int_equal(ms_call_begin(&call, store, &op, NULL), MASTRA_OK);
    if (ms_read(&call, MS_READ_SNAPSHOT, ask_all, lab, NULL) != MASTRA_OK)
        fail_msg("%s: %s", lab->entity->table, call.error.message);
    assert_int_equal(ms_call_end(&call, MASTRA_OK, NULL), MASTRA_OK);
    /* Queries that nothing answers compare nothing. */
    assert_true(lab->given > QUERIES);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    ms_arena_free(lab->arena);
    ms_heap_unref(heap);
    free(lab);
}

static void as_sqlite_does(void **state)
{
    static const enum ms_entity_id ids[] = {MS_THREAD, MS_MESSAGE, MS_RESOURCE, MS_SNAPSHOT, MS_SPAN,
                                            MS_SCORE,  MS_EVAL,    MS_TRACE,    MS_RUN_LOCK};

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++)
        compare(ids[i]);
}

/* Rows that are known to satisfy a predicate are not asked again; those that others have skipped already count. */
static void what_is_done(void **state)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    struct ms_match_row rows[3];
    struct ms_match_set set = {.rows = rows, .count = 3, .done = 1, .arena = arena};
    struct ms_query query;
    struct ms_rows found;
    static const char *const names[] = {"c", "a", "b"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mastra_thread *thread = ms_record_new(arena, ms_entity(MS_THREAD));

        thread->id = mastra_str_of(names[i]);
        thread->created_at = 5;
        rows[i] = (struct ms_match_row){thread, 0, {NULL, 0}};
    }
    ms_query_init(&query, MS_THREAD);
    ms_query_equal(&query, MS_THREAD_RESOURCE_ID, mastra_str_of("not looked at"));
    query.offset = 2;
    query.limit = 1;
    assert_true(ms_match_rows(&query, 1, &set, &found));
    assert_int_equal(found.count, 1);
    assert_str(((const mastra_thread *)found.items[0])->id, "b");
    set = (struct ms_match_set){.rows = rows, .count = 3, .arena = arena};
    assert_true(ms_match_rows(&query, 0, &set, &found));
    assert_int_equal(found.count, 0);
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_sqlite_does),
        cmocka_unit_test(what_is_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
