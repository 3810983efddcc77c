/* Tables that come and go beside other calls, queued and from other threads. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS 30
#define SAVES  8

struct place {
    char *directory;
    char *path;
    mastra_store *store;
    struct crew_gate *answered;
    atomic_bool stop;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(place);
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    place->answered = crew_gate_new();
    char *url = test_format("file:%s?busy_timeout=120000", place->path);
    if (mastra_open(url, NULL, &place->store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    mastra_status status = mastra_close(place->store, NULL);
    raw_check(place->path);
    crew_gate_free(place->answered);
    test_dir_remove(place->directory);
    free(place->path);
    free(place);
    return status == MASTRA_OK ? 0 : -1;
}

static void answered(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct place *place = user;
    if (status != MASTRA_OK)
        crew_fail("%s: %s", error->operation, error->message);
    else if (json.len == 0)
        crew_fail("an empty result");
    crew_gate_add(place->answered);
}

static void submit(struct place *place, const char *op, const char *args)
{
    mastra_status status = client_submit(place->store, op, 0, answered, place, "%s", args);
    if (status != MASTRA_OK)
        crew_fail("%s: %s", op, mastra_status_name(status));
}

/* What is queued runs in its order: the table is there for what comes before and made again for what comes after. */
static void queued(void **state)
{
    struct place *place = *state;
    int count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SAVES; i++) {
            char *args = test_format("{'thread':{'id':'t%d','resourceId':'r','title':'T'}}", i);
            submit(place, "saveThread", args);
            free(args);
        }
        submit(place, "createTable",
               "{'tableName':'notes','schema':{'id':{'type':'text','primaryKey':true}}}");
        submit(place, "insert", "{'tableName':'notes','record':{'id':'a'}}");
        submit(place, "createIndex", "{'name':'idx','table':'notes','columns':['id']}");
        submit(place, "load", "{'tableName':'notes','keys':{'id':'a'}}");
        submit(place, "dropTable", "{'tableName':'mastra_threads'}");
        submit(place, "prune", "{'olderThan':{'messages':0}}");
        submit(place, "dropTable", "{'tableName':'notes'}");
        count += SAVES + 7;
    }
    submit(place, "saveThread", "{'thread':{'id':'last','resourceId':'r','title':'T'}}");
    crew_gate_wait(place->answered, count + 1);
    crew_check();
    char *json = NULL;
    assert_int_equal(client_call(place->store, "listThreads", &json, NULL, "{}"), MASTRA_OK);
    assert_int_equal(client_number(json, "total"), 1);
    mastra_json_free(json);
}

/* A call that is under way while its table goes may fail, and says that the table is missing; nothing hangs. */
static void save_or_drop(int index, void *arg)
{
    struct place *place = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    for (int round = 0; index == 0 && round < ROUNDS; round++) {
        if (client_call(place->store, "dropTable", NULL, &error, "{'tableName':'mastra_threads'}") !=
            MASTRA_OK)
            crew_fail("dropTable: %s", error.message);
    }
    if (index == 0)
        atomic_store(&place->stop, true);
    while (!atomic_load(&place->stop)) {
        mastra_status status = client_call(place->store, "saveThread", NULL, &error,
                                           "{'thread':{'id':'t%d','resourceId':'r','title':'T'}}", index);
        if (status != MASTRA_OK && status != MASTRA_USAGE)
            crew_fail("saveThread: %s", error.message);
    }
}

static void beside_threads(void **state)
{
    struct place *place = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    crew_run(4, save_or_drop, place);
    crew_check();
    if (client_call(place->store, "saveThread", NULL, &error,
                    "{'thread':{'id':'after','resourceId':'r','title':'T'}}") != MASTRA_OK)
        fail_msg("%s", error.message);
}

/* Rows of a table that others widen: each is written with the columns that it finds. */
static void insert_or_alter(int index, void *arg)
{
    struct place *place = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    for (int i = 0; i < ROUNDS; i++) {
        mastra_status status =
            index == 0
                ? client_call(place->store, "alterTable", NULL, &error,
                              "{'tableName':'notes','schema':{'c%d':{'type':'text'}},'ifNotExists':['c%d']}",
                              i, i)
                : client_call(place->store, "insert", NULL, &error,
                              "{'tableName':'notes','record':{'id':'%d-%d','c0':'x','c29':'y'}}", index, i);
        if (status != MASTRA_OK)
            crew_fail("%s", error.message);
    }
}

static void widened(void **state)
{
    struct place *place = *state;
    assert_int_equal(client_call(place->store, "createTable", NULL, NULL,
                                 "{'tableName':'notes','schema':{'id':{'type':'text','primaryKey':true}}}"),
                     MASTRA_OK);
    crew_run(4, insert_or_alter, place);
    crew_check();
    char *text = raw_text(place->path, "SELECT count(*) || ' ' || count(c0) || ' ' || count(c29) FROM notes");
    assert_string_equal(text, "90 90 90");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queued, begin, end),
        cmocka_unit_test_setup_teardown(beside_threads, begin, end),
        cmocka_unit_test_setup_teardown(widened, begin, end),
    };
    return cmocka_run_group_tests_name("schema changes", tests, NULL, NULL);
}
