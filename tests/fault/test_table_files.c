/* Tables and indexes that someone else has made, pruning that meets an obstacle. */
#include "support/client.h"
#include "support/files.h"
#include "support/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct place {
    char *directory;
    char *path;
    char *url;
};

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->directory = test_dir_new();
    place->path = test_format("%s/store.db", place->directory);
    place->url = test_format("file:%s", place->path);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    test_dir_remove(place->directory);
    free(place->path);
    free(place->url);
    free(place);
    return 0;
}

static mastra_store *open_store(const struct place *place)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_open(place->url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static void init(const struct place *place)
{
    mastra_store *store = open_store(place);
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_init(store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* What a call answers; its error's message when it fails. To be freed with free. */
static char *answer(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    if (client_call(store, op, &json, &error, "%s", args) != MASTRA_OK)
        return test_format("%s: %s", mastra_status_name(error.status), error.message);
    char *copy = test_format("%s", json);
    mastra_json_free(json);
    return copy;
}

static void expect(mastra_store *store, const char *op, const char *args, const char *expected)
{
    char *given = answer(store, op, args);
    assert_string_equal(given, expected);
    free(given);
}

static void expect_text(const struct place *place, const char *sql, const char *expected)
{
    char *text = raw_text(place->path, sql);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

/* Default indexes. */

#define HAS_INDEX(name) "SELECT name FROM sqlite_schema WHERE type = 'index' AND name = '" name "'"

static void own_index(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(place->path,
                 "DROP INDEX mastra_ai_spans_name_idx;"
                 "DROP INDEX mastra_ai_spans_spantype_startedat_idx;"
                 "DROP INDEX mastra_threads_resourceid_createdat_idx;"
                 "CREATE INDEX by_name ON mastra_ai_spans (name DESC);"
                 "CREATE INDEX some ON mastra_ai_spans (spanType, startedAt) WHERE error IS NULL;"
                 "CREATE INDEX other ON mastra_threads (createdAt, resourceId);");
    init(place);
    expect_text(place, HAS_INDEX("mastra_ai_spans_name_idx"), NULL);
    expect_text(place, HAS_INDEX("mastra_ai_spans_spantype_startedat_idx"),
                "mastra_ai_spans_spantype_startedat_idx");
    expect_text(place, HAS_INDEX("mastra_threads_resourceid_createdat_idx"),
                "mastra_threads_resourceid_createdat_idx");
    expect_text(place, HAS_INDEX("mastra_messages_thread_id_createdat_idx"), NULL);
    expect_text(place, HAS_INDEX("mastra_ai_spans_traceid_startedat_idx"), NULL);
}

/* Where the peer's own index is missing, it is made, and still no second one on the same columns. */
static void peer_index_missing(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(place->path, "DROP INDEX idx_messages_thread_created_at");
    init(place);
    expect_text(place, HAS_INDEX("idx_messages_thread_created_at"), "idx_messages_thread_created_at");
    expect_text(place, HAS_INDEX("mastra_messages_thread_id_createdat_idx"), NULL);
}

static void second_open(void **state)
{
    struct place *place = *state;
    size_t before_len;
    size_t after_len;
    init(place);
    char *before = test_file_read(place->path, &before_len);
    init(place);
    char *after = test_file_read(place->path, &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

/* Foreign tables. */

static void odd_columns(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(place->path, "CREATE TABLE odd (\"a b\" TEXT, \"q\"\"x\" INTEGER, \"select\" REAL,"
                              " plain, PRIMARY KEY (\"a b\", \"q\"\"x\")) WITHOUT ROWID");
    mastra_store *store = open_store(place);
    expect(store, "insert", "{'tableName':'odd','record':{'a b':'k','q\\u0022x':1,'select':0.5,'plain':'p'}}",
           "null");
    expect(store, "insert", "{'tableName':'odd','record':{'a b':'k','q\\u0022x':1,'select':1.5}}", "null");
    expect(store, "load", "{'tableName':'odd','keys':{'a b':'k','q\\u0022x':1}}",
           "{\"a b\":\"k\",\"q\\\"x\":1,\"select\":1.5,\"plain\":null}");
    expect(store, "clearTable", "{'tableName':'odd'}", "null");
    expect(store, "load", "{'tableName':'odd','keys':{'select':1.5}}", "null");
    mastra_close(store, NULL);
    raw_check(place->path);
}

static void defaults(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(place->path,
                 "CREATE TABLE d (id TEXT PRIMARY KEY, n INTEGER NOT NULL DEFAULT 7, t TEXT DEFAULT 'x',"
                 " g INTEGER GENERATED ALWAYS AS (n * 2))");
    mastra_store *store = open_store(place);
    expect(store, "insert", "{'tableName':'d','record':{'id':'a'}}", "null");
    expect(store, "load", "{'tableName':'d','keys':{'id':'a'}}", "{\"id\":\"a\",\"n\":7,\"t\":\"x\"}");
    expect(store, "insert", "{'tableName':'d','record':{'id':'a','t':null,'n':8}}", "null");
    expect(store, "load", "{'tableName':'d','keys':{'id':'a'}}", "{\"id\":\"a\",\"n\":8,\"t\":null}");
    mastra_close(store, NULL);
}

/* Every type that the adapters have ever declared. */
static void declared_types(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(
        place->path,
        "CREATE TABLE legacy (a JSONB, b BOOLEAN, c FLOAT, d BIGINT, e TIMESTAMP, f VARCHAR(9), g DOUBLE);"
        "INSERT INTO legacy VALUES ('{\"k\":1}', 1, 0.5, 9007199254740993, '2024-01-01', '[1]', 2);"
        "INSERT INTO legacy (a, f) VALUES ('\"s\"', '[broken')");
    mastra_store *store = open_store(place);
    expect(
        store, "load", "{'tableName':'legacy','keys':{'g':2}}",
        "{\"a\":{\"k\":1},\"b\":1,\"c\":0.5,\"d\":9007199254740993,\"e\":\"2024-01-01\",\"f\":[1],\"g\":2}");
    expect(store, "load", "{'tableName':'legacy','keys':{'f':'[broken'}}",
           "{\"a\":\"s\",\"b\":null,\"c\":null,\"d\":null,\"e\":null,\"f\":\"[broken\",\"g\":null}");
    expect(store, "insert", "{'tableName':'legacy','record':{'a':[1,2],'b':true,'e':'now'}}", "null");
    expect(store, "load", "{'tableName':'legacy','keys':{'e':'now'}}",
           "{\"a\":[1,2],\"b\":1,\"c\":null,\"d\":null,\"e\":\"now\",\"f\":null,\"g\":null}");
    mastra_close(store, NULL);
}

static void binary_json(void **state)
{
    struct place *place = *state;
    init(place);
    if (sqlite3_libversion_number() < 3045000)
        skip();
    raw_run_file(place->path, "CREATE TABLE agents (id TEXT PRIMARY KEY, metadata TEXT);"
                              "INSERT INTO agents VALUES ('a', jsonb('{\"k\":[1,2]}')), ('b', x'ffff')");
    mastra_store *store = open_store(place);
    expect(store, "load", "{'tableName':'agents','keys':{'id':'a'}}",
           "{\"id\":\"a\",\"metadata\":{\"k\":[1,2]}}");
    expect(store, "load", "{'tableName':'agents','keys':{'id':'b'}}", "{\"id\":\"b\",\"metadata\":null}");
    mastra_close(store, NULL);
}

/* The case of names is SQLite's own affair: the rules of the store's tables hold whatever it is. */
static void other_case(void **state)
{
    struct place *place = *state;
    mastra_store *store = open_store(place);
    expect(store, "insert", "{'tableName':'MASTRA_Threads','record':{'id':'t'}}",
           "invalid_argument: record.resourceId is required");
    expect(store, "hasColumn", "{'tableName':'MASTRA_Threads','column':'title'}", "true");
    expect(store, "dropTable", "{'tableName':'MASTRA_Threads'}", "null");
    expect(store, "listThreads", "{}",
           "{\"threads\":[],\"total\":0,\"page\":0,\"perPage\":100,\"hasMore\":false}");
    mastra_close(store, NULL);
}

static void views(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(place->path, "CREATE VIEW seen AS SELECT id, title FROM mastra_threads");
    mastra_store *store = open_store(place);
    expect(store, "saveThread",
           "{'thread':{'id':'t','resourceId':'r','title':'T','createdAt':0,'updatedAt':0}}",
           "{\"id\":\"t\",\"resourceId\":\"r\",\"title\":\"T\",\"createdAt\":\"1970-01-01T00:00:00.000Z\","
           "\"updatedAt\":\"1970-01-01T00:00:00.000Z\"}");
    expect(store, "load", "{'tableName':'seen','keys':{'id':'t'}}", "{\"id\":\"t\",\"title\":\"T\"}");
    expect(store, "hasColumn", "{'tableName':'seen','column':'title'}", "true");
    char *given = answer(store, "createTable", "{'tableName':'seen','schema':{'x':{'type':'text'}}}");
    assert_string_equal(given, "null");
    free(given);
    mastra_close(store, NULL);
}

/* Without leave to make tables, a dropped one stays away until init. */
static void not_made_again(void **state)
{
    struct place *place = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    init(place);
    options.disable_init = true;
    assert_int_equal(mastra_open(place->url, &options, &store, &error), MASTRA_OK);
    expect(store, "dropTable", "{'tableName':'mastra_threads'}", "null");
    assert_int_equal(client_call(store, "listThreads", NULL, &error, "{}"), MASTRA_USAGE);
    expect(store, "hasColumn", "{'tableName':'mastra_threads','column':'id'}", "false");
    expect(store, "createTable", "{'tableName':'mastra_threads','schema':{'x':{'type':'text'}}}", "null");
    expect(store, "listThreads", "{}",
           "{\"threads\":[],\"total\":0,\"page\":0,\"perPage\":100,\"hasMore\":false}");
    mastra_close(store, NULL);
}

/* Pruning. */

static void obstacle(void **state)
{
    struct place *place = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    init(place);
    raw_run_file(place->path,
                 "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 49)"
                 " INSERT INTO mastra_resources SELECT 'r' || i, NULL, NULL, '1970-01-01T00:00:01.000Z',"
                 " '1970-01-01T00:00:01.000Z' FROM n;"
                 "CREATE TRIGGER hold BEFORE DELETE ON mastra_resources WHEN old.id = 'r33'"
                 " BEGIN SELECT RAISE(ABORT, 'held'); END");
    mastra_store *store = open_store(place);
    assert_int_equal(
        client_call(store, "prune", NULL, &error, "{'olderThan':{'resources':5000},'batchSize':10}"),
        MASTRA_CONFLICT);
    assert_non_null(strstr(error.message, "held"));
    assert_non_null(strstr(error.message, "; 20 rows were deleted before that"));
    assert_string_equal(error.id, "MASTRA_STORAGE_LIBSQL_PRUNE_FAILED");
    expect_text(place, "SELECT min(id) || count(*) FROM mastra_resources", "r3020");
    raw_run_file(place->path, "DROP TRIGGER hold");
    expect(store, "prune", "{'olderThan':{'resources':5000},'batchSize':10}",
           "{\"deleted\":{\"mastra_resources\":20}}");
    mastra_close(store, NULL);
}

/* Times in other forms are judged by what they mean, where they compare as text at all. */
static void odd_times(void **state)
{
    struct place *place = *state;
    init(place);
    raw_run_file(
        place->path,
        "INSERT INTO mastra_resources (id, createdAt, updatedAt) VALUES"
        " ('young', '2024-01-01 12:00:00', ''), ('old', '2024-01-01 09:00:00', ''), ('none', '', ''),"
        " ('ends', '2024-01-01T10:00:00.000Z', '');"
        "INSERT INTO mastra_evals (input, output, result, agent_name, metric_name, instructions,"
        " global_run_id, run_id, created_at) SELECT 'i', 'o', '{}', 'a', 'm', 'x', 'g', 'r', createdAt"
        " FROM mastra_resources WHERE id <> 'young'");
    mastra_store *store = open_store(place);
    expect(store, "prune",
           "{'olderThan':{'resources':'2024-01-01T10:00:00Z','evals':'2024-01-01T10:00:00Z'}}",
           "{\"deleted\":{\"mastra_resources\":1,\"mastra_evals\":1}}");
    mastra_close(store, NULL);
    expect_text(place, "SELECT group_concat(id) FROM (SELECT id FROM mastra_resources ORDER BY id)",
                "ends,none,young");
    expect_text(place, "SELECT count(*) FROM mastra_evals", "2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(own_index), TEST(peer_index_missing), TEST(second_open), TEST(odd_columns),
        TEST(defaults),  TEST(declared_types),     TEST(binary_json), TEST(other_case),
        TEST(views),     TEST(not_made_again),     TEST(obstacle),    TEST(odd_times),
    };
    return cmocka_run_group_tests_name("table files", tests, NULL, NULL);
}
