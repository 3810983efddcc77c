/* What units of work promise and no operation of the memory domain shows on the backends that there are. */
#include "unit/base_support.h"

#include "base/error.h"
#include "store/call.h"
#include "store/store.h"

static const struct ms_op op = {.name = "test", .error = "TEST", .writes = true, .repeatable = true};

struct work {
    mastra_str expected; /* must be there */
    int runs;
};

/* Saves a thread and expects another one. */
static mastra_status save_and_expect(struct ms_unit *unit, void *arg)
{
    struct work *work = arg;
    mastra_thread *thread = ms_unit_record(unit, MS_THREAD);

    assert_non_null(thread);
    work->runs++;
    thread->id = mastra_str_of("new");
    thread->resource_id = mastra_str_of("r");
    thread->title = mastra_str_of("");
    thread->created_at = unit->call->now;
    thread->updated_at = unit->call->now;
    assert_int_equal(ms_unit_put(unit, MS_THREAD, thread), MASTRA_OK);
    return ms_unit_expect(unit, MS_THREAD, &work->expected);
}

static mastra_status run(mastra_store *store, struct work *work, mastra_error *error)
{
    struct ms_call call;
    mastra_status status = ms_call_begin(&call, store, &op, NULL);

    assert_int_equal(status, MASTRA_OK);
    status = ms_transact(&call, save_and_expect, work, NULL);
    return ms_call_end(&call, status, error);
}

static bool exists(mastra_store *store, const char *id)
{
    mastra_thread *thread = NULL;
    mastra_status status =
        mastra_get_thread_by_id(store, mastra_str_of(id), mastra_str_of(NULL), &thread, NULL);
    bool found = thread != NULL;

    assert_int_equal(status, MASTRA_OK);
    mastra_thread_free(thread);
    return found;
}

static void test_a_row_that_is_expected(void **state)
{
    struct work work = {mastra_str_of("missing"), 0};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_store *store = NULL;

    (void)state;
    assert_int_equal(mastra_open(":memory:", NULL, &store, NULL), MASTRA_OK);
    assert_int_equal(run(store, &work, &error), MASTRA_NOT_FOUND);
    assert_string_equal(error.message, "Thread missing not found");
    assert_int_equal(work.runs, 1);
    assert_false(exists(store, "new"));

    thread.id = work.expected;
    thread.resource_id = mastra_str_of("r");
    assert_int_equal(mastra_save_thread(store, &thread, NULL, NULL), MASTRA_OK);
    assert_int_equal(run(store, &work, &error), MASTRA_OK);
    assert_true(exists(store, "new"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* A backend that commits without being heard, and is gone then. */

static const struct ms_backend_ops *real_ops;
static bool gone;

static mastra_status commit_unheard(struct ms_session *session, mastra_error *error)
{
    assert_int_equal(real_ops->commit(session, error), MASTRA_OK);
    gone = true;
    return ms_error_set(error, MASTRA_UNKNOWN_OUTCOME, "nobody answered");
}

static mastra_status begin_unless_gone(struct ms_backend *backend, enum ms_session_mode mode,
                                       struct ms_session **ret, mastra_error *error)
{
    return gone ? ms_error_set(error, MASTRA_DENIED, "the door is shut")
                : real_ops->begin(backend, mode, ret, error);
}

static void test_an_outcome_stays_unknown(void **state)
{
    struct work work = {mastra_str_of("old"), 0};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_store *store = NULL;
    struct ms_backend_ops ops;

    (void)state;
    assert_int_equal(mastra_open(":memory:", NULL, &store, NULL), MASTRA_OK);
    thread.id = work.expected;
    thread.resource_id = mastra_str_of("r");
    assert_int_equal(mastra_save_thread(store, &thread, NULL, NULL), MASTRA_OK);
    real_ops = store->backend->ops;
    ops = *real_ops;
    ops.commit = commit_unheard;
    ops.begin = begin_unless_gone;
    store->backend->ops = &ops;
    assert_int_equal(run(store, &work, &error), MASTRA_UNKNOWN_OUTCOME);
    store->backend->ops = real_ops;
    assert_int_equal(work.runs, 1);
    assert_non_null(strstr(error.message, "the door is shut; an attempt before may have been committed"));
    assert_false(error.retriable);
    assert_true(exists(store, "new"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_that_is_expected),
        cmocka_unit_test(test_an_outcome_stays_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
