/*
 * Totals are exact whoever writes: two handles on one file and SQLite itself take turns in every order, and after every
 * step both handles are asked.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS    4000
#define THREADS  5
#define MESSAGES 60
#define WRITERS  4
#define SAVES    200

struct place {
    char *directory;
    char *path;
    mastra_store *stores[2];
    sqlite3 *raw;
    sqlite3_stmt *count;
    unsigned seed;
    struct crew_gate *finished;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    char *url = test_format("file:%s?busy_timeout=120000", place->path);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mastra_open(url, NULL, &place->stores[i], NULL), MASTRA_OK);
        assert_int_equal(mastra_init(place->stores[i], NULL), MASTRA_OK);
    }
    free(url);
    place->raw = raw_open(place->path);
    raw_run(place->raw, "PRAGMA busy_timeout = 120000;"
                        "CREATE TRIGGER refuse BEFORE INSERT ON mastra_messages WHEN new.content = 'refused'"
                        " BEGIN SELECT RAISE(ABORT, 'refused'); END");
    assert_int_equal(sqlite3_prepare_v2(place->raw,
                                        "SELECT count(*) FROM mastra_messages WHERE thread_id = ?1 AND"
                                        " (?2 IS NULL OR resourceId = ?2)",
                                        -1, &place->count, NULL),
                     SQLITE_OK);
    place->seed = 11;
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(mastra_close(place->stores[i], NULL), MASTRA_OK);
    sqlite3_finalize(place->count);
    sqlite3_close(place->raw);
    test_dir_remove(place->directory);
    free(place->path);
    free(place);
    return 0;
}

static int below(struct place *place, int bound)
{
    return (int)((unsigned)rand_r(&place->seed) % (unsigned)bound);
}

static int64_t counted(struct place *place, const char *thread, const char *resource)
{
    sqlite3_bind_text(place->count, 1, thread, -1, SQLITE_TRANSIENT);
    if (resource)
        sqlite3_bind_text(place->count, 2, resource, -1, SQLITE_TRANSIENT);
    assert_int_equal(sqlite3_step(place->count), SQLITE_ROW);
    int64_t total = sqlite3_column_int64(place->count, 0);
    sqlite3_reset(place->count);
    sqlite3_clear_bindings(place->count);
    return total;
}

static void check_totals(struct place *place, int step, const char *what)
{
    for (int i = 0; i < 2; i++) {
        char thread[8];
        char *json = NULL;
        bool narrow = below(place, 2);
        const char *resource = narrow ? (below(place, 2) ? "r0" : "r1") : NULL;
        snprintf(thread, sizeof(thread), "t%d", below(place, THREADS));
        assert_int_equal(client_call(place->stores[i], "listMessages", &json, NULL,
                                     "{'threadId':'%s','page':%d,'perPage':1%s%s%s}", thread, below(place, 3),
                                     narrow ? ",'resourceId':'" : "", narrow ? resource : "",
                                     narrow ? "'" : ""),
                         MASTRA_OK);
        int64_t want = counted(place, thread, resource);
        if (client_number(json, "total") != want)
            fail_msg("step %d (%s): handle %d says %lld of %s %s, there are %lld", step, what, i,
                     (long long)client_number(json, "total"), thread, resource ? resource : "",
                     (long long)want);
        mastra_json_free(json);
    }
}

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    (void)status;
    (void)json;
    (void)error;
    crew_gate_add(user);
}

/* Several writes that are committed together, one of which fails and is undone alone. */
static void write_group(struct place *place, mastra_store *store)
{
    struct crew_gate *gate = crew_gate_new();
    int thread = below(place, THREADS);
    client_submit(store, "saveMessages", 0, done, gate,
                  "{'messages':[{'id':'m%d','threadId':'t%d','role':'user','content':'x'}]}",
                  below(place, MESSAGES), thread);
    client_submit(store, "saveMessages", 0, done, gate,
                  "{'messages':[{'id':'m%d','threadId':'t%d','role':'user','content':'x'},"
                  "{'id':'o','threadId':'t%d','role':'user','content':'refused'}]}",
                  below(place, MESSAGES), thread, thread);
    client_submit(store, "deleteMessages", 0, done, gate, "{'messageIds':['m%d','m%d']}",
                  below(place, MESSAGES), below(place, MESSAGES));
    crew_gate_wait(gate, 3);
    crew_gate_free(gate);
}

static const char *write_something(struct place *place, mastra_store *store)
{
    int thread = below(place, THREADS);
    int message = below(place, MESSAGES);
    int resource = below(place, 2);
    switch (below(place, 8)) {
    case 0:
        client_call(
            store, "saveMessages", NULL, NULL,
            "{'messages':[{'id':'m%d','threadId':'t%d','resourceId':'r%d','role':'user','content':'x'},"
            "{'id':'m%d','threadId':'t%d','role':'user','content':'y'}]}",
            message, thread, resource, below(place, MESSAGES), below(place, THREADS));
        return "saveMessages";
    case 1:
        client_call(store, "deleteMessages", NULL, NULL, "{'messageIds':['m%d']}", message);
        return "deleteMessages";
    case 2:
        client_call(store, "updateMessages", NULL, NULL,
                    "{'messages':[{'id':'m%d','threadId':'t%d','resourceId':'r%d'}]}", message, thread,
                    resource);
        return "updateMessages";
    case 3:
        client_call(store, "saveThread", NULL, NULL, "{'thread':{'id':'t%d','resourceId':'r%d'}}", thread,
                    resource);
        return "saveThread";
    case 4:
        client_call(store, "updateThreadResourceId", NULL, NULL, "{'threadId':'t%d','resourceId':'r%d'}",
                    thread, resource);
        return "updateThreadResourceId";
    case 5:
        if (below(place, 10) == 0)
            client_call(store, "deleteThread", NULL, NULL, "{'threadId':'t%d'}", thread);
        return "deleteThread";
    case 6:
        write_group(place, store);
        return "a group";
    default:
        client_call(store, "cloneThread", NULL, NULL, "{'sourceThreadId':'t%d','newThreadId':'t%d'}", thread,
                    below(place, THREADS));
        return "cloneThread";
    }
}

static const char *write_behind_the_back(struct place *place)
{
    char *sql =
        test_format("%s INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId)"
                    " VALUES ('m%d', 't%d', 'x', 'user', 'v2', '2024-01-01T00:00:00.000Z', 'r%d')",
                    below(place, 2) ? "INSERT OR REPLACE" : "INSERT OR IGNORE", below(place, MESSAGES),
                    below(place, THREADS), below(place, 2));
    raw_run(place->raw, below(place, 4) ? sql : "DELETE FROM mastra_messages WHERE rowid % 7 = 0");
    free(sql);
    return "SQLite";
}

static void any_order(void **state)
{
    struct place *place = *state;
    for (int step = 0; step < STEPS; step++) {
        int who = below(place, 5);
        const char *what =
            who == 0 ? write_behind_the_back(place) : write_something(place, place->stores[who < 4 ? 0 : 1]);
        check_totals(place, step, what);
    }
}

/* A table that is made anew with its columns in another order does not confuse a handle that knew the old one. */
static void odd_table(void **state)
{
    struct place *place = *state;
    for (int step = 0; step < 20; step++)
        write_something(place, place->stores[0]);
    raw_run(place->raw,
            "DROP TABLE mastra_messages;"
            "CREATE TABLE mastra_messages (content TEXT NOT NULL, resourceId TEXT, createdAt TEXT NOT NULL,"
            " type TEXT NOT NULL, role TEXT NOT NULL, thread_id TEXT NOT NULL, id TEXT PRIMARY KEY)");
    sqlite3_finalize(place->count);
    assert_int_equal(sqlite3_prepare_v2(place->raw,
                                        "SELECT count(*) FROM mastra_messages WHERE thread_id = ?1 AND"
                                        " (?2 IS NULL OR resourceId = ?2)",
                                        -1, &place->count, NULL),
                     SQLITE_OK);
    for (int step = 0; step < STEPS / 10; step++)
        check_totals(place, step, write_something(place, place->stores[0]));
}

static void save_in_thread(int index, void *arg)
{
    struct place *place = arg;
    for (int i = 0; i < SAVES; i++) {
        if (client_call(place->stores[index % 2], "saveMessages", NULL, NULL,
                        "{'messages':[{'id':'m%d-%d','threadId':'t','role':'user','content':'x'}]}", index,
                        i) != MASTRA_OK)
            crew_fail("save %d-%d", index, i);
    }
}

static void read_in_thread(int index, void *arg)
{
    struct place *place = arg;
    int64_t before = 0;
    if (index < WRITERS) {
        save_in_thread(index, arg);
        crew_gate_add(place->finished);
        return;
    }
    while (crew_gate_count(place->finished) < WRITERS) {
        int64_t total = client_total(place->stores[index % 2], "t");
        if (total < before) {
            crew_fail("%lld after %lld", (long long)total, (long long)before);
            return;
        }
        before = total;
    }
}

/* Readers and writers at once, over both handles: never backwards, and exact at the end. */
static void at_once(void **state)
{
    struct place *place = *state;
    place->finished = crew_gate_new();
    crew_run(2 * WRITERS, read_in_thread, place);
    crew_gate_free(place->finished);
    crew_check();
    for (int i = 0; i < 2; i++)
        assert_int_equal(client_total(place->stores[i], "t"), WRITERS * SAVES);
}

#define TOTALS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOTALS_TEST(any_order),
        TOTALS_TEST(odd_table),
        TOTALS_TEST(at_once),
    };
    return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
