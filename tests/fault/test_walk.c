/* Walks through a table while its rows come and go and are numbered anew: what stays is met. */
#include "support/files.h"
#include "support/raw.h"

#include "domains/copy.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROWS 300
#define PAGE 50

struct place {
    char *directory;
    char *path;
    mastra_store *store;
    struct ms_backend_ops ops; /* without numbers of rows, where a test wants that */
    struct ms_call call;
    int met[ROWS];
    int order[10 * ROWS]; /* numbers of messages in the order in which they were met */
    int count;
    bool in_order;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->in_order = true;
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    char *url = test_format("file:%s", place->path);
    assert_int_equal(mastra_open(url, NULL, &place->store, NULL), MASTRA_OK);
    assert_int_equal(mastra_init(place->store, NULL), MASTRA_OK);
    free(url);
    /* Ids that sort unlike the numbers; every three rows share a time. */
    raw_run_file(place->path, "WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 299)"
                              " INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt)"
                              " SELECT (n * 7919) % 1000 || '-' || n, 't', n, 'user', 'v2',"
                              " printf('2024-01-01T00:00:00.%03dZ', n / 3) FROM c");
    assert_int_equal(ms_call_begin(&place->call, place->store, &ms_op_copy, NULL), MASTRA_OK);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    ms_call_end(&place->call, MASTRA_OK, NULL);
    place->store->backend->ops = place->store->backend->ops == &place->ops
                                     ? ms_backend_find(mastra_str_of("file"))
                                     : place->store->backend->ops;
    assert_int_equal(mastra_close(place->store, NULL), MASTRA_OK);
    test_dir_remove(place->directory);
    free(place->path);
    free(place);
    return 0;
}

static void without_numbers(struct place *place)
{
    place->ops = *place->store->backend->ops;
    place->ops.row_number = NULL;
    place->store->backend->ops = &place->ops;
}

static void walk_begin(struct place *place, struct ms_walk *walk)
{
    assert_int_equal(ms_walk_begin(walk, &place->call, ms_entity(MS_MESSAGE),
                                   ms_entity_fields(ms_entity(MS_MESSAGE)), place->in_order, PAGE),
                     MASTRA_OK);
}

/* Goes on to the next page; false at the end. */
static bool step(struct place *place, struct ms_walk *walk)
{
    if (ms_walk_next(walk) != MASTRA_OK)
        fail_msg("%s", place->call.error.message);
    for (size_t i = 0; i < walk->page.count; i++) {
        const mastra_message *message = walk->page.items[i];
        int n = (int)strtol(message->content.ptr, NULL, 10);
        assert_true(place->count < 10 * ROWS);
        place->order[place->count++] = n;
        if (n < ROWS)
            place->met[n]++;
    }
    return walk->page.count > 0;
}

static void finish(struct place *place, struct ms_walk *walk)
{
    while (step(place, walk))
        ;
    ms_walk_end(walk);
}

/* Rows from..to - 1 were met, once unless they may have been met again. */
static void assert_met(const struct place *place, int from, int to, bool again)
{
    for (int n = from; n < to; n++) {
        if (place->met[n] == 0 || (place->met[n] > 1 && !again))
            fail_msg("row %d was met %d times", n, place->met[n]);
    }
}

/* By key, as the ids sort, is enough for whom the order does not matter. */
static void test_by_key(void **state)
{
    struct place *place = *state;
    struct ms_walk walk;
    place->in_order = false;
    without_numbers(place);
    walk_begin(place, &walk);
    step(place, &walk);
    raw_run_file(place->path,
                 "UPDATE mastra_messages SET createdAt = '2030-01-01T00:00:00.000Z' WHERE rowid % 2");
    finish(place, &walk);
    assert_met(place, 0, ROWS, false);
    assert_int_not_equal(place->order[1], 1);
}

static void test_undisturbed(void **state)
{
    struct place *place = *state;
    struct ms_walk walk;
    for (int pass = 0; pass < 2; pass++) {
        place->count = 0;
        memset(place->met, 0, sizeof(place->met));
        walk_begin(place, &walk);
        finish(place, &walk);
        assert_met(place, 0, ROWS, false);
        for (int i = 0; i < ROWS; i++)
            assert_int_equal(place->order[i], i);
        if (pass == 0)
            without_numbers(place);
    }
}

/* The numbers of the rows behind fall back by those that were deleted. */
static void test_numbered_anew(void **state)
{
    struct place *place = *state;
    struct ms_walk walk;
    walk_begin(place, &walk);
    step(place, &walk);
    raw_run_file(place->path, "DELETE FROM mastra_messages WHERE rowid < 41; VACUUM");
    step(place, &walk);
    raw_run_file(place->path, "DELETE FROM mastra_messages WHERE content + 0 BETWEEN 80 AND 99; VACUUM");
    finish(place, &walk);
    assert_met(place, 0, ROWS, true);
}

/* The last row of the page goes, and comes back as the last of all. */
static void save_again(struct place *place)
{
    struct ms_walk walk;
    walk_begin(place, &walk);
    step(place, &walk);
    raw_run_file(place->path, "CREATE TEMP TABLE t AS SELECT * FROM mastra_messages WHERE content = '49';"
                              "DELETE FROM mastra_messages WHERE content = '49';"
                              "UPDATE t SET createdAt = '2025-01-01T00:00:00.000Z';"
                              "INSERT INTO mastra_messages SELECT * FROM t");
    finish(place, &walk);
    assert_met(place, 0, ROWS, true);
}

static void test_saved_again(void **state)
{
    save_again(*state);
}

static void test_saved_again_without_numbers(void **state)
{
    without_numbers(*state);
    save_again(*state);
}

/* A page is deleted as a whole; then all that is there. */
static void delete_page(struct place *place)
{
    struct ms_walk walk;
    walk_begin(place, &walk);
    step(place, &walk);
    step(place, &walk);
    raw_run_file(place->path, "DELETE FROM mastra_messages WHERE content + 0 BETWEEN 40 AND 110");
    finish(place, &walk);
    assert_met(place, 0, 100, true);
    assert_met(place, 111, ROWS, true);
    place->count = 0;
    walk_begin(place, &walk);
    step(place, &walk);
    raw_run_file(place->path, "DELETE FROM mastra_messages");
    assert_false(step(place, &walk));
    ms_walk_end(&walk);
}

static void test_deleted(void **state)
{
    delete_page(*state);
}

static void test_deleted_without_numbers(void **state)
{
    without_numbers(*state);
    delete_page(*state);
}

/* Whose rows go faster than they are read gets an error, not an endless walk. */
static void test_faster_than_read(void **state)
{
    struct place *place = *state;
    mastra_status status = MASTRA_OK;
    struct ms_walk walk;
    walk_begin(place, &walk);
    for (int i = 0; status == MASTRA_OK && i < 100; i++) {
        status = ms_walk_next(&walk);
        raw_run_file(place->path, "UPDATE mastra_messages SET id = id || 'x'");
    }
    assert_int_equal(status, MASTRA_CONFLICT);
    ms_walk_end(&walk);
}

/* A page ends early with large rows. */
static void test_large_rows(void **state)
{
    struct place *place = *state;
    struct ms_walk walk;
    raw_run_file(place->path, "UPDATE mastra_messages SET content = content || ' ' || hex(zeroblob(600000))"
                              " WHERE content + 0 BETWEEN 10 AND 20");
    walk_begin(place, &walk);
    while (step(place, &walk)) {
        size_t bytes = 0;
        for (size_t i = 0; i < walk.page.count; i++)
            bytes += ((const mastra_message *)walk.page.items[i])->content.len;
        assert_true(bytes < 5 * 1000 * 1000);
    }
    ms_walk_end(&walk);
    assert_met(place, 0, ROWS, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_undisturbed, begin, end),
        cmocka_unit_test_setup_teardown(test_by_key, begin, end),
        cmocka_unit_test_setup_teardown(test_numbered_anew, begin, end),
        cmocka_unit_test_setup_teardown(test_saved_again, begin, end),
        cmocka_unit_test_setup_teardown(test_saved_again_without_numbers, begin, end),
        cmocka_unit_test_setup_teardown(test_deleted, begin, end),
        cmocka_unit_test_setup_teardown(test_deleted_without_numbers, begin, end),
        cmocka_unit_test_setup_teardown(test_faster_than_read, begin, end),
        cmocka_unit_test_setup_teardown(test_large_rows, begin, end),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
