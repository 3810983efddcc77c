#include "support/place.h"

#include "support/dsql.h"
#include "support/dynamodb.h"
#include "support/files.h"
#include "support/postgres.h"
#include "support/raw.h"

#include <mastra/mastra.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* On a busy machine everything may take long. A parameter that a test adds replaces what stands here. */
#define PATIENCE        "busy_timeout=120000"
#define SERVER_PATIENCE PATIENCE "&connectionTimeoutMillis=120000&statementTimeoutMillis=120000"

void place_file_begin(struct place *place)
{
    *place = (struct place){.directory = test_dir_new()};
    place->path = test_format("%s/store.db", place->directory);
    place->url = test_format("file:%s?" PATIENCE, place->path);
}

void place_memory_begin(struct place *place)
{
    *place = (struct place){.url = test_format(":memory:")};
}

char *place_url(const struct place *place, const char *parameter)
{
    return test_format("%s%c%s", place->url, strchr(place->url, '?') ? '&' : '?', parameter);
}

long long place_number(const struct place *place, const char *sql)
{
    char *text = place_text(place, sql);
    long long value = text ? strtoll(text, NULL, 10) : -1;
    free(text);
    return value;
}

/* The set-up that the peer documents. */
#define PLACE_INDEXES 2

/* Other zones than the server's and the tests' own. */
#define SESSION       "&options=-c%%20TimeZone%%3DPacific/Auckland"

/* A server with schemas: where it is looked at behind stores' backs, and how a store is told of a schema. */
struct realm {
    bool (*available)(void);
    const char *(*behind)(void);      /* URL */
    char *(*url)(const char *schema); /* of stores */
    const char *furnishing;           /* parameter of the store that makes the tables, NULL: none */
    /*
     * A schema whose tables are as a store has made them is only emptied between tests, which is much faster than to make
     * it anew. What it looked like tells whether a test has changed more than rows.
     */
    char *spare;
    char *look;
};

static bool postgres_available(void)
{
    return postgres_shared() != NULL;
}

static const char *postgres_behind(void)
{
    return postgres_fact(postgres_shared(), "");
}

static char *url_on_postgres(const char *schema)
{
    char *more = test_format(SESSION "&" SERVER_PATIENCE "&schema=%s", schema);
    char *url = postgres_url(postgres_shared(), more);
    free(more);
    return url;
}

static bool dsql_available(void)
{
    return dsql_shared() != NULL;
}

static const char *dsql_behind(void)
{
    return dsql_fact(dsql_shared(), "_POSTGRES");
}

static char *url_on_dsql(const char *schema)
{
    char *more = test_format("&" SERVER_PATIENCE "&schema=%s", schema);
    char *url = dsql_url(dsql_shared(), more);
    free(more);
    return url;
}

static struct realm on_postgres = {
    .available = postgres_available, .behind = postgres_behind, .url = url_on_postgres};
static struct realm on_dsql = {
    .available = dsql_available, .behind = dsql_behind, .url = url_on_dsql, .furnishing = "waitForIndexes=1"};

static struct pg_conn *connect_to(const struct place *place)
{
    struct pg_conn *connection = postgres_connect(place->realm->behind());
    char *sql = test_format("SET search_path TO \"%s\"; SET client_min_messages TO error", place->schema);
    postgres_run(connection, sql);
    free(sql);
    return connection;
}

/* Tables, columns, indexes and constraints, in one number; null: there is nothing. */
static const char look_sql[] =
    "SELECT md5(string_agg(concat(c.relname, c.relkind, a.attname, a.attnotnull, a.atttypid, x.conname), ','"
    " ORDER BY c.relname COLLATE \"C\", a.attnum, x.conname COLLATE \"C\"))"
    " FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " LEFT JOIN pg_constraint x ON x.conrelid = c.oid WHERE n.nspname = current_schema()";

/* Rows go one table after the other: on tables as small as these TRUNCATE is slower than DELETE. */
static void empty(struct pg_conn *connection)
{
    char *deletes =
        postgres_text(connection, "SELECT string_agg(format('DELETE FROM %I', tablename), ';') FROM"
                                  " pg_tables WHERE schemaname = current_schema()");
    if (deletes)
        postgres_run(connection, deletes);
    free(deletes);
}

static void drop(const struct place *place)
{
    char *sql =
        test_format("SET client_min_messages TO error; DROP SCHEMA IF EXISTS \"%s\" CASCADE", place->schema);
    postgres_run_on(place->realm->behind(), sql);
    free(sql);
}

static void begin_fresh(struct place *place, struct realm *realm)
{
    *place = (struct place){.schema = postgres_schema_name(), .realm = realm};
    place->url = realm->url(place->schema);
}

/* Lets a store make its tables. */
static void furnish(const struct place *place)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *url =
        place->realm->furnishing ? place_url(place, place->realm->furnishing) : test_format("%s", place->url);
    mastra_status status = mastra_open(url, NULL, &store, &error);
    free(url);
    if (status == MASTRA_OK)
        status = mastra_init(store, &error);
    mastra_close(store, NULL);
    if (status != MASTRA_OK)
        fail_msg("%s", error.message);
}

static void begin(struct place *place, struct realm *realm)
{
    begin_fresh(place, realm);
    place->tidy = true;
    if (!realm->spare) {
        furnish(place);
        struct pg_conn *connection = connect_to(place);
        free(realm->look);
        realm->look = postgres_text(connection, look_sql);
        postgres_close(connection);
        return;
    }
    free(place->schema);
    free(place->url);
    place->schema = realm->spare;
    realm->spare = NULL;
    place->url = realm->url(place->schema);
}

bool place_postgres_available(void)
{
    return postgres_available();
}

void place_postgres_begin_fresh(struct place *place)
{
    begin_fresh(place, &on_postgres);
}

void place_postgres_begin(struct place *place)
{
    begin(place, &on_postgres);
}

bool place_dsql_available(void)
{
    return dsql_available();
}

void place_dsql_begin_fresh(struct place *place)
{
    begin_fresh(place, &on_dsql);
}

void place_dsql_begin(struct place *place)
{
    begin(place, &on_dsql);
}

/* Keeps the schema for the next test, if this one has only changed rows. False: it is of no use any more. */
static bool keep(struct place *place)
{
    struct realm *realm = place->realm;
    struct pg_conn *connection = connect_to(place);
    char *look = postgres_text(connection, look_sql);
    bool same = look && realm->look && strcmp(look, realm->look) == 0;
    if (same)
        empty(connection);
    postgres_close(connection);
    free(look);
    if (!same || realm->spare)
        return false;
    realm->spare = place->schema;
    place->schema = NULL;
    return true;
}

static void put_away(struct place *place)
{
    if (!place->tidy || !keep(place))
        drop(place);
}

static void run_postgres(const struct place *place, const char *sql)
{
    struct pg_conn *connection = connect_to(place);
    postgres_run(connection, sql);
    postgres_close(connection);
}

static char *text_postgres(const struct place *place, const char *sql)
{
    struct pg_conn *connection = connect_to(place);
    char *text = postgres_text(connection, sql);
    postgres_close(connection);
    return text;
}

/* A build without what talks to AWS has no such store. */
bool place_dynamodb_available(void)
{
    for (size_t i = 0; mastra_backend_at(i); i++) {
        if (strcmp(mastra_backend_at(i), "dynamodb") == 0)
            return dynamodb_endpoint() != NULL;
    }
    return false;
}

void place_dynamodb_begin(struct place *place)
{
    *place = (struct place){.table = dynamodb_table_name()};
    char *url = dynamodb_url(dynamodb_endpoint(), place->table);
    place->url = test_format("%s&" PATIENCE "&timeoutMillis=120000", url);
    free(url);
    dynamodb_create(place->table, PLACE_INDEXES);
}

void place_end(struct place *place)
{
    if (place->schema)
        put_away(place);
    if (place->table)
        dynamodb_delete(place->table);
    free(place->url);
    free(place->path);
    free(place->schema);
    free(place->table);
    test_dir_remove(place->directory);
    *place = (struct place){.url = NULL};
}

void place_wipe(const struct place *place)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    if (place->schema)
        drop(place);
    if (place->table) {
        dynamodb_delete(place->table);
        dynamodb_create(place->table, PLACE_INDEXES);
    }
    for (size_t i = 0; place->path && i < sizeof(endings) / sizeof(endings[0]); i++) {
        char *path = test_format("%s%s", place->path, endings[i]);
        unlink(path);
        free(path);
    }
}

static void want_sql(const struct place *place)
{
    if (place->table)
        fail_msg("a test that runs SQL is no test for DynamoDB");
}

void place_run(const struct place *place, const char *sql)
{
    want_sql(place);
    if (place->path)
        raw_run_file(place->path, sql);
    else
        run_postgres(place, sql);
}

char *place_text(const struct place *place, const char *sql)
{
    want_sql(place);
    return place->path ? raw_text(place->path, sql) : text_postgres(place, sql);
}

void place_check(const struct place *place)
{
    if (place->path)
        raw_check(place->path);
}

struct place_kind {
    const char *name;
    bool (*available)(void);
    void (*begin)(struct place *place);
};

static const struct place_kind kinds[] = {
    {"file", NULL, place_file_begin},
    {"memory", NULL, place_memory_begin},
    {"postgres", place_postgres_available, place_postgres_begin_fresh},
    {"dsql", place_dsql_available, place_dsql_begin_fresh},
    {"dynamodb", place_dynamodb_available, place_dynamodb_begin},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void place_begin(struct place *place, const struct place_kind *kind)
{
    kind->begin(place);
}

static void leave_out(void **state)
{
    (void)state;
    skip();
}

int place_main(const char *group, const struct place_test *tests, size_t count, int (*setup)(void **),
               int (*teardown)(void **))
{
    struct CMUnitTest *list = calloc(count * KINDS, sizeof(*list));
    size_t all = 0;
    if (!list)
        return 1;
    for (size_t i = 0; i < count * KINDS; i++) {
        const struct place_test *test = &tests[i / KINDS];
        const struct place_kind *kind = &kinds[i % KINDS];
        if (!(test->kinds & (1u << (i % KINDS))))
            continue;
        char *name = test_format("%s, %s", test->name, kind->name);
        if (!kind->available || kind->available())
            list[all++] = (struct CMUnitTest){name, test->run, setup, teardown, (void *)(uintptr_t)kind};
        else
            list[all++] = (struct CMUnitTest){name, leave_out, NULL, NULL, NULL};
    }
    int failed = _cmocka_run_group_tests(group, list, all, NULL, NULL);
    for (size_t i = 0; i < all; i++)
        free((char *)(uintptr_t)list[i].name);
    free(list);
    return failed;
}
