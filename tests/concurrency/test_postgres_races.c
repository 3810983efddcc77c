/* PostgreSQL's tables changed by somebody else, before or while the store works on them. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"
#include "support/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct race {
    struct place place;
    mastra_store *store;
    struct pg_conn *other; /* who is quicker */
    char *application;     /* the store's sessions */
    mastra_status status;  /* of the call that is held up */
    char *json;
};

static void call_fine(mastra_store *store, const char *op, const char *arguments)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", arguments) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static int begin(void **state)
{
    struct postgres_server *server = postgres_wanted();
    struct race *race = calloc(1, sizeof(*race));
    assert_non_null(race);
    place_postgres_begin(&race->place);
    race->application = postgres_schema_name();
    char *parameter = test_format("application_name=%s", race->application);
    char *url = place_url(&race->place, parameter);
    assert_int_equal(mastra_open(url, NULL, &race->store, NULL), MASTRA_OK);
    free(url);
    free(parameter);
    race->other = postgres_connect(postgres_fact(server, ""));
    char *path = test_format("SET search_path TO \"%s\"", race->place.schema);
    postgres_run(race->other, path);
    free(path);
    *state = race;
    return 0;
}

static int end(void **state)
{
    struct race *race = *state;
    assert_int_equal(mastra_close(race->store, NULL), MASTRA_OK);
    postgres_close(race->other);
    place_end(&race->place);
    mastra_json_free(race->json);
    free(race->application);
    free(race);
    return 0;
}

/* Until one of the store's sessions waits for a lock. */
static void wait_until_held_up(const struct race *race)
{
    char *sql = test_format("SELECT 1 FROM pg_stat_activity WHERE application_name = '%s'"
                            " AND wait_event_type = 'Lock'",
                            race->application);
    char *found = NULL;
    for (int i = 0; i < 6000 && !found; i++) {
        /* In a transaction, what was seen once would be seen again. */
        postgres_run(race->other, "SELECT pg_stat_clear_snapshot()");
        found = postgres_text(race->other, sql);
        usleep(10000);
    }
    assert_non_null(found);
    free(found);
    free(sql);
}

static void clone(int index, void *arg)
{
    struct race *race = arg;
    (void)index;
    race->status = client_call(race->store, "cloneThread", &race->json, NULL,
                               "{'sourceThreadId':'source','newThreadId':'copy'}");
}

/* The source goes with its messages while it is being copied: there is no thread without them to be copied. */
static void source_deleted(void **state)
{
    struct race *race = *state;
    call_fine(race->store, "saveThread", "{'thread':{'id':'source','resourceId':'r'}}");
    call_fine(race->store, "saveThread", "{'thread':{'id':'copy','resourceId':'r'}}");
    call_fine(race->store, "saveMessages",
              "{'messages':[{'id':'m','threadId':'source','resourceId':'r','role':'user','content':'x'}]}");
    postgres_run(race->other, "BEGIN; DELETE FROM mastra_threads; DELETE FROM mastra_messages");
    struct crew_thread *cloning = crew_start(clone, 0, race);
    wait_until_held_up(race);
    postgres_run(race->other, "COMMIT");
    crew_join(cloning);
    if (race->json)
        print_message("%s\n", race->json);
    assert_int_equal(race->status, MASTRA_NOT_FOUND);
    assert_int_equal(place_number(&race->place, "SELECT COUNT(*) FROM mastra_threads"), 0);
}

/* That the new thread must not be there says nothing about its messages: they still go in one statement. */
static void copied_together(void **state)
{
    struct race *race = *state;
    char message[128];
    call_fine(race->store, "saveThread", "{'thread':{'id':'source','resourceId':'r'}}");
    for (int i = 0; i < 5; i++) {
        snprintf(
            message, sizeof(message),
            "{'messages':[{'id':'m%d','threadId':'source','resourceId':'r','role':'user','content':'x'}]}",
            i);
        call_fine(race->store, "saveMessages", message);
    }
    clone(0, race);
    assert_int_equal(race->status, MASTRA_OK);
    assert_int_equal(
        place_number(&race->place, "SELECT COUNT(*) FROM mastra_messages WHERE thread_id = 'copy'"), 5);
    assert_int_equal(place_number(&race->place, "SELECT COUNT(DISTINCT cmin::text) FROM mastra_messages"
                                                " WHERE thread_id = 'copy'"),
                     1);
}

/* What somebody else has dated beyond all time is copied nevertheless. */
static void endless_times_copied(void **state)
{
    struct race *race = *state;
    call_fine(race->store, "saveThread", "{'thread':{'id':'source','resourceId':'r'}}");
    call_fine(race->store, "saveMessages",
              "{'messages':[{'id':'m','threadId':'source','resourceId':'r','role':'user','content':'x'}]}");
    postgres_run(race->other,
                 "UPDATE mastra_messages SET \"createdAt\" = 'infinity', \"createdAtZ\" = 'infinity'");
    clone(0, race);
    assert_int_equal(race->status, MASTRA_OK);
    assert_int_equal(
        place_number(&race->place, "SELECT COUNT(*) FROM mastra_messages WHERE thread_id = 'copy'"), 1);
}

/* What the sessions have prepared is of another table by now, as far as the server is concerned. */
static void column_altered(void **state)
{
    struct race *race = *state;
    char *json = NULL;
    call_fine(race->store, "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'before'}}");
    call_fine(race->store, "getThreadById", "{'threadId':'t'}");
    postgres_run(race->other, "ALTER TABLE mastra_threads ALTER COLUMN title TYPE varchar(100)");
    assert_int_equal(client_call(race->store, "getThreadById", &json, NULL, "{'threadId':'t'}"), MASTRA_OK);
    assert_non_null(strstr(json, "before"));
    mastra_json_free(json);
    postgres_run(race->other, "ALTER TABLE mastra_threads ALTER COLUMN title TYPE text");
    call_fine(race->store, "updateThread", "{'id':'t','title':'after','metadata':{}}");
}

static char *validity(const struct race *race)
{
    return postgres_text(race->other,
                         "SELECT string_agg(indisvalid::text, ',') FROM pg_index WHERE indexrelid IN"
                         " (SELECT oid FROM pg_class WHERE relname = 'late')");
}

/* A concurrent build that came to no end in time leaves an index that serves nobody; asked again it is built. */
static void index_unfinished(void **state)
{
    static const char index[] =
        "{'name':'late','table':'mastra_threads','columns':['title'],'concurrent':true}";
    struct race *race = *state;
    mastra_store *store = NULL;
    char *url = place_url(&race->place, "statementTimeoutMillis=4000");
    char *valid = NULL;
    call_fine(race->store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    assert_int_equal(mastra_open(url, NULL, &store, NULL), MASTRA_OK);
    call_fine(store, "getThreadById", "{'threadId':'t'}");
    postgres_run(race->other, "BEGIN; UPDATE mastra_threads SET title = 'x'");
    assert_int_equal(client_call(store, "createIndex", NULL, NULL, "%s", index), MASTRA_TIMEOUT);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
    /* The build is cancelled behind our back. */
    char *building = test_format("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%%%s%%'"
                                 " AND state = 'active'",
                                 race->place.schema);
    for (int i = 0; i < 6000 && (valid = postgres_text(race->other, building)) != NULL; i++) {
        free(valid);
        postgres_run(race->other, "SELECT pg_stat_clear_snapshot()");
        usleep(10000);
    }
    postgres_run(race->other, "COMMIT");
    free(building);
    valid = validity(race);
    assert_string_equal(valid, "false");
    free(valid);
    call_fine(race->store, "createIndex", index);
    valid = validity(race);
    assert_string_equal(valid, "true");
    free(valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(source_deleted, begin, end),
        cmocka_unit_test_setup_teardown(copied_together, begin, end),
        cmocka_unit_test_setup_teardown(endless_times_copied, begin, end),
        cmocka_unit_test_setup_teardown(column_altered, begin, end),
        cmocka_unit_test_setup_teardown(index_unfinished, begin, end),
    };
    return cmocka_run_group_tests_name("postgres_races", tests, NULL, NULL);
}
