/* Stores by <mastra/postgres.h>: pools that they share with the program, limits, secrets, fork. */
#include "base/clock.h"
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/pg_client.h"

#include <mastra/mastra.h>

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    const char *url; /* of the server */
    char *name;      /* schema, and application_name of the test's sessions */
    struct pg_conn *look;
    char log[8192];
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->url = postgres_fact(postgres_wanted(), "");
    place->name = postgres_schema_name();
    place->look = postgres_connect(place->url);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    char *sql = test_format("SET client_min_messages TO warning; DROP SCHEMA IF EXISTS \"%s\" CASCADE; "
                            "DROP SCHEMA IF EXISTS \"%s b\" CASCADE",
                            place->name, place->name);
    postgres_run(place->look, sql);
    free(sql);
    postgres_close(place->look);
    free(place->name);
    free(place);
    return 0;
}

static void take_log(void *user, mastra_log_level level, const char *text)
{
    struct place *place = user;
    size_t len = strlen(place->log);
    (void)level;
    snprintf(place->log + len, sizeof(place->log) - len, "%s\n", text);
}

static mastra_store *open_store(struct place *place, const mastra_postgres_options *postgres)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    options.log = take_log;
    options.log_user = place;
    options.log_level = MASTRA_LOG_DEBUG;
    if (mastra_open_postgres(postgres, &options, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static mastra_postgres_options options_of(const struct place *place, char **ret_url, const char *more)
{
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    *ret_url = test_format("%s&application_name=%s%s", place->url, place->name, more);
    options.url = *ret_url;
    options.schema = place->name;
    return options;
}

static void save_thread(mastra_store *store, const char *id)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, "saveThread", NULL, &error, "{'thread':{'id':'%s','resourceId':'r','title':'x'}}",
                    id) != MASTRA_OK)
        fail_msg("%s", error.message);
}

static bool has_thread(mastra_store *store, const char *id)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, "getThreadById", &json, &error, "{'threadId':'%s'}", id) != MASTRA_OK)
        fail_msg("%s", error.message);
    bool there = strcmp(json, "null") != 0;
    mastra_json_free(json);
    return there;
}

/* Two stores and the program on one pool, with no more connections than it has. */
static void one_pool_for_all(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options options = options_of(place, &url, "&max=1");
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    PGconn *connection = NULL;
    options.schema = NULL;
    assert_int_equal(mastra_postgres_pool_open(&options, &pool, &error), MASTRA_OK);
    mastra_postgres_options with = MASTRA_POSTGRES_OPTIONS_INIT;
    with.pool = pool;
    with.schema = place->name;
    mastra_store *one = open_store(place, &with);
    char *second = test_format("%s b", place->name);
    with.schema = second;
    mastra_store *two = open_store(place, &with);
    pg_test_expect_sessions(place->look, place->name, 0);
    save_thread(one, "a");
    save_thread(two, "b");
    for (int i = 0; i < 3; i++) {
        assert_true(has_thread(one, "a"));
        assert_false(has_thread(two, "a"));
        assert_true(has_thread(two, "b"));
    }
    pg_test_expect_sessions(place->look, place->name, 1);
    assert_int_equal(mastra_postgres_borrow(pool, 0, &connection, &error), MASTRA_OK);
    char *sql = test_format("SELECT id FROM \"%s\".mastra_threads", second);
    char *id = postgres_text(connection, sql);
    assert_string_equal(id, "b");
    free(id);
    free(sql);
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    /* The session has forgotten what was prepared. */
    assert_true(has_thread(one, "a"));
    assert_int_equal(mastra_close(one, NULL), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
    assert_true(has_thread(two, "b"));
    assert_int_equal(mastra_close(two, NULL), MASTRA_OK);
    pg_test_expect_sessions(place->look, place->name, 0);
    free(second);
    free(url);
}

/* The pool of a store outlives it. */
static void pool_of_a_store(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options options = options_of(place, &url, "");
    mastra_store *store = open_store(place, &options);
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    PGconn *connection = NULL;
    assert_int_equal(mastra_postgres_store_pool(store, &pool, &error), MASTRA_OK);
    save_thread(store, "a");
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(mastra_postgres_borrow(pool, 0, &connection, &error), MASTRA_OK);
    postgres_run(connection, "SELECT 1");
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
    pg_test_expect_sessions(place->look, place->name, 0);
    free(url);
}

/* A connection that the program keeps is one that the store lacks. */
static void exhausted(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options options = options_of(place, &url, "&max=1");
    mastra_store *store = NULL;
    mastra_postgres_pool *pool = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    PGconn *connection = NULL;
    store = open_store(place, &options);
    save_thread(store, "a");
    assert_int_equal(mastra_postgres_store_pool(store, &pool, &error), MASTRA_OK);
    assert_int_equal(mastra_postgres_borrow(pool, MASTRA_NO_LIMIT, &connection, &error), MASTRA_OK);
    pg_test_limit((struct pg_pool *)pool, 100, 30000);
    assert_int_equal(client_call(store, "getThreadById", NULL, &error, "{'threadId':'a'}"), MASTRA_TIMEOUT);
    assert_non_null(strstr(error.message, "all 1 connections of the pool"));
    assert_string_equal(error.operation, "getThreadById");
    assert_int_equal(mastra_postgres_give_back(pool, connection, false, &error), MASTRA_OK);
    assert_true(has_thread(store, "a"));
    assert_int_equal(mastra_postgres_pool_close(pool, &error), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
}

/* By libpq's other form, and by keywords laid over it. */
static void by_keywords(void **state)
{
    struct place *place = *state;
    const struct postgres_server *server = postgres_shared();
    const char *const keywords[] = {"password", "user", NULL};
    const char *const values[] = {postgres_fact(server, "_PASSWORD"), "mastra", NULL};
    char *text = test_format("host='%s' port=%s dbname=mastra user=nobody", postgres_fact(server, "_HOST"),
                             postgres_fact(server, "_PORT"));
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;
    options.url = text;
    options.keywords = keywords;
    options.values = values;
    options.schema = place->name;
    mastra_store *store = open_store(place, &options);
    save_thread(store, "a");
    assert_true(has_thread(store, "a"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(text);
}

/* Closing ends what waits for the server. */

struct closing {
    mastra_store *store;
    struct crew_gate *begun;
    mastra_status status;
};

static void call_for_long(int index, void *arg)
{
    struct closing *closing = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    (void)index;
    crew_gate_add(closing->begun);
    closing->status = client_call(closing->store, "saveThread", NULL, &error,
                                  "{'thread':{'id':'held','resourceId':'r','title':'y'}}");
}

static void closed_while_it_waits(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options postgres = options_of(place, &url, "");
    mastra_options options = MASTRA_OPTIONS_INIT;
    struct closing closing = {.begun = crew_gate_new()};
    options.close_timeout_ms = 100;
    assert_int_equal(mastra_open_postgres(&postgres, &options, &closing.store, NULL), MASTRA_OK);
    save_thread(closing.store, "held");
    char *sql =
        test_format("BEGIN; SELECT 1 FROM \"%s\".mastra_threads WHERE id = 'held' FOR UPDATE", place->name);
    postgres_run(place->look, sql);
    free(sql);
    struct crew_thread *thread = crew_start(call_for_long, 0, &closing);
    crew_gate_wait(closing.begun, 1);
    char *waits = test_format(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND wait_event_type = "
        "'Lock'",
        place->name);
    char *count = postgres_text(place->look, waits);
    while (strcmp(count, "1") != 0) {
        free(count);
        ms_clock_sleep_us(5000);
        count = postgres_text(place->look, waits);
    }
    free(count);
    free(waits);
    assert_int_equal(mastra_close(closing.store, NULL), MASTRA_OK);
    crew_join(thread);
    /* Its COMMIT was on its way with the rest. */
    assert_true(closing.status == MASTRA_CLOSED || closing.status == MASTRA_UNKNOWN_OUTCOME);
    postgres_run(place->look, "ROLLBACK");
    crew_gate_free(closing.begun);
    free(url);
}

/* Secrets. */

static bool file_holds(const char *path, const char *secret)
{
    size_t len = 0;
    char *text = test_file_read(path, &len);
    bool found = memmem(text, len, secret, strlen(secret)) != NULL;
    free(text);
    return found;
}

static void the_password_is_nowhere(void **state)
{
    struct place *place = *state;
    const char *password = postgres_fact(postgres_shared(), "_PASSWORD");
    char *url;
    mastra_postgres_options options = options_of(place, &url, "");
    mastra_store *store = open_store(place, &options);
    mastra_error error = MASTRA_ERROR_INIT;
    save_thread(store, "a");
    char *sql = test_format(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '%s'",
        place->name);
    postgres_run(place->look, sql);
    free(sql);
    assert_true(has_thread(store, "a"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_null(strstr(place->log, password));
    assert_false(file_holds("/proc/self/cmdline", password));
    /* A URL that cannot be read is not quoted. */
    static const char *const wrong[] = {
        "postgresql://me:hush%zz@h/d", "postgresql://me:hu/sh@h/d", "postgresql://me:hush",
        "postgresql://h/d?password=hush&pasword=hush2", "postgresql://me:hush@h/d?max=x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        store = NULL;
        assert_int_equal(mastra_open(wrong[i], NULL, &store, &error), MASTRA_INVALID_ARGUMENT);
        assert_null(strstr(error.message, "hu"));
        assert_null(strstr(error.value, "hu"));
        assert_null(store);
    }
    free(url);
}

static void expect_lacking(mastra_store *store, const char *op, const char *args, const char *what)
{
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(client_call(store, op, NULL, &error, "%s", args), MASTRA_USAGE);
    if (!strstr(error.message, what) || !strstr(error.message, "run init"))
        fail_msg("%s: %s", op, error.message);
    assert_false(error.retriable);
}

/* What somebody drops while the store is open is named, with what to do; `init` makes it again. */
static void tables_that_go(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options options = options_of(place, &url, "");
    mastra_store *store = open_store(place, &options);
    static const char message[] = "{'messages':[{'id':'m','threadId':'a','resourceId':'r','role':'user',"
                                  "'content':'c'}]}";
    char *drop = test_format("ALTER TABLE \"%s\".mastra_messages DROP COLUMN \"mastraSeq\" CASCADE;"
                             " DROP TABLE \"%s\".mastra_threads",
                             place->name, place->name);
    for (int round = 0; round < 2; round++) {
        save_thread(store, "a");
        assert_true(has_thread(store, "a"));
        assert_int_equal(client_call(store, "saveMessages", NULL, NULL, "%s", message), MASTRA_OK);
        assert_int_equal(client_call(store, "listThreads", NULL, NULL, "{}"), MASTRA_OK);
        postgres_run(place->look, drop);
        expect_lacking(store, "getThreadById", "{'threadId':'a'}", "mastra_threads");
        expect_lacking(store, "listThreads", "{}", "mastra_threads");
        expect_lacking(store, "saveThread", "{'thread':{'id':'a','resourceId':'r'}}", "mastra_threads");
        expect_lacking(store, "listMessages", "{'threadId':'a'}", "mastraSeq");
        assert_int_equal(client_call(store, "init", NULL, NULL, "{}"), MASTRA_OK);
        assert_false(has_thread(store, "a"));
    }
    free(drop);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
}

/* A child of fork is refused; its parent goes on. */
static void forked(void **state)
{
    struct place *place = *state;
    char *url;
    mastra_postgres_options options = options_of(place, &url, "");
    mastra_store *store = open_store(place, &options);
    save_thread(store, "a");
    pid_t child = fork();
    if (child == 0) {
        mastra_postgres_pool *pool = NULL;
        mastra_error error = MASTRA_ERROR_INIT;
        bool refused =
            client_call(store, "getThreadById", NULL, &error, "{'threadId':'a'}") == MASTRA_FORKED &&
            mastra_postgres_store_pool(store, &pool, &error) == MASTRA_FORKED &&
            mastra_close(store, &error) == MASTRA_FORKED;
        mastra_store *fresh = NULL;
        refused = refused && mastra_open_postgres(&options, NULL, &fresh, &error) == MASTRA_OK &&
                  client_call(fresh, "getThreadById", NULL, &error, "{'threadId':'a'}") == MASTRA_OK &&
                  mastra_close(fresh, &error) == MASTRA_OK;
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(has_thread(store, "a"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_pool_for_all, begin, end),
        cmocka_unit_test_setup_teardown(pool_of_a_store, begin, end),
        cmocka_unit_test_setup_teardown(exhausted, begin, end),
        cmocka_unit_test_setup_teardown(by_keywords, begin, end),
        cmocka_unit_test_setup_teardown(closed_while_it_waits, begin, end),
        cmocka_unit_test_setup_teardown(the_password_is_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(tables_that_go, begin, end),
        cmocka_unit_test_setup_teardown(forked, begin, end),
    };
    return cmocka_run_group_tests_name("postgres_stores", tests, NULL, NULL);
}
