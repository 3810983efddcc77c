/* What the double of Aurora DSQL lets pass, and above all what it refuses: a lax double would prove nothing. */
#include "support/dsql.h"
#include "support/files.h"
#include "support/postgres.h"

#include <mastra/aws.h>

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define OC000 "40001 OC000"
#define OC001 "40001 OC001"
#define MIXED "0A000 ddl and dml are not supported in the same transaction"

static struct dsql_server *server;

static int begin_all(void **state)
{
    (void)state;
    server = dsql_start(NULL);
    return 0;
}

static int end_all(void **state)
{
    (void)state;
    dsql_end(server);
    return 0;
}

/* An empty schema, and settings as at the start. */
static int begin(void **state)
{
    (void)state;
    /* What a test that failed has left open would be in the way. */
    dsql_do(server, "drop");
    dsql_do(server, "reset");
    postgres_run_on(dsql_fact(server, "_POSTGRES"),
                    "SET client_min_messages TO error; DROP SCHEMA public CASCADE; CREATE SCHEMA public "
                    "AUTHORIZATION admin; TRUNCATE sys.double_jobs, sys.double_mappings; "
                    "GRANT USAGE ON SCHEMA public TO PUBLIC; DROP SCHEMA IF EXISTS mine CASCADE; "
                    "DROP ROLE IF EXISTS reader");
    return 0;
}

/* Connections. */

struct login {
    const char *user;
    const char *token_user; /* whom the token is for; NULL: the user */
    const char *host;       /* NULL: the double's */
    const char *token_host; /* NULL: the double's */
    const char *region;
    const char *key;
    const char *secret;
    const char *session;
    const char *database;
    const char *password; /* instead of a token */
    const char *mode;     /* sslmode */
    const char *sni;      /* "0": none */
    const char *options;
    const char *address; /* NULL: the double's */
    int64_t expires_s;
};

static const char *or_fact(const char *text, const char *fact)
{
    return text ? text : dsql_fact(server, fact);
}

/* To be freed. */
static char *token_for(const struct login *login)
{
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_aws_options options = MASTRA_AWS_OPTIONS_INIT;
    mastra_dsql_token_options wish = MASTRA_DSQL_TOKEN_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *aws = NULL;
    char *token = NULL;

    keys.access_key_id = mastra_str_of(or_fact(login->key, "_KEY_ID"));
    keys.secret_access_key = mastra_str_of(or_fact(login->secret, "_SECRET"));
    keys.session_token = mastra_str_of(login->session);
    options.keys = &keys;
    wish.host = or_fact(login->token_host, "_HOST");
    wish.region = or_fact(login->region, "_REGION");
    wish.user = login->token_user ? login->token_user : login->user;
    wish.expires_s = login->expires_s;
    if (mastra_aws_open(&options, &aws, &error) != MASTRA_OK ||
        mastra_dsql_token(aws, &wish, &token, NULL, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    char *copy = test_format("%s", token);
    mastra_dsql_token_free(token);
    mastra_aws_close(aws);
    return copy;
}

static PGconn *try_to_connect(struct login login)
{
    if (!login.user)
        login.user = "admin";
    char *token = login.password ? test_format("%s", login.password) : token_for(&login);
    const char *const names[] = {"host",    "hostaddr",    "port",   "user",    "dbname", "password",
                                 "sslmode", "sslrootcert", "sslsni", "options", NULL};
    const char *const values[] = {or_fact(login.host, "_HOST"),
                                  or_fact(login.address, "_ADDRESS"),
                                  dsql_fact(server, "_PORT"),
                                  login.user,
                                  login.database ? login.database : "postgres",
                                  token,
                                  login.mode ? login.mode : "verify-full",
                                  dsql_fact(server, "_CA"),
                                  login.sni ? login.sni : "1",
                                  login.options,
                                  NULL};
    PGconn *connection = PQconnectdbParams(names, values, 0);
    free(token);
    return connection;
}

static PGconn *open_connection(void)
{
    PGconn *connection = try_to_connect((struct login){.user = "admin"});
    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(connection));
    return connection;
}

static void expect_denied(struct login login, const char *text)
{
    PGconn *connection = try_to_connect(login);
    if (PQstatus(connection) == CONNECTION_OK)
        fail_msg("a connection that was to be refused with: %s", text);
    if (!strstr(PQerrorMessage(connection), text))
        fail_msg("\"%s\" instead of \"%s\"", PQerrorMessage(connection), text);
    PQfinish(connection);
}

static void expect_admitted(struct login login)
{
    PGconn *connection = try_to_connect(login);
    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(connection));
    PQfinish(connection);
}

/* Statements. */

/* What came of it, in static memory: "ok", "gone", or SQLSTATE and message. */
static const char *outcome(PGconn *connection, PGresult *result)
{
    static char text[600];
    ExecStatusType status = PQresultStatus(result);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        snprintf(text, sizeof(text), "ok");
    else if (!state)
        snprintf(text, sizeof(text), "%s", PQstatus(connection) == CONNECTION_OK ? "?" : "gone");
    else
        snprintf(text, sizeof(text), "%s %s", state, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    PQclear(result);
    return text;
}

static bool starts_as(const char *text, const char *expected)
{
    /* Of a conflict, the code at the end of the text counts. */
    if (strcmp(expected, OC000) == 0 || strcmp(expected, OC001) == 0)
        return strncmp(text, "40001", 5) == 0 && strstr(text, expected + 6);
    return strncmp(text, expected, strlen(expected)) == 0;
}

static void expect_result(PGconn *connection, PGresult *result, const char *sql, const char *expected)
{
    const char *text = outcome(connection, result);
    if (!starts_as(text, expected))
        fail_msg("%.200s: \"%s\" instead of \"%s\"", sql, text, expected);
}

/* By the simple protocol. */
static void expect(PGconn *connection, const char *sql, const char *expected)
{
    expect_result(connection, PQexec(connection, sql), sql, expected);
}

/* By the extended protocol. */
static void expect_extended(PGconn *connection, const char *sql, const char *expected)
{
    expect_result(connection, PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0), sql, expected);
}

static void run(PGconn *connection, const char *sql)
{
    expect(connection, sql, "ok");
}

/* Rows as "a,b|c,d". */
static void expect_rows(PGconn *connection, const char *sql, const char *expected)
{
    char text[1000] = "";
    size_t len = 0;
    PGresult *result = PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result) && len < sizeof(text) - 100; column++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.90s",
                                    column ? ","
                                    : row  ? "|"
                                           : "",
                                    PQgetvalue(result, row, column));
    }
    PQclear(result);
    if (strcmp(text, expected) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", sql, text, expected);
}

static void make_table(PGconn *connection)
{
    run(connection, "CREATE TABLE t (a integer PRIMARY KEY, b text)");
    run(connection, "INSERT INTO t VALUES (1, 'one'), (2, 'two')");
}

/* The door. */

static void test_door(void **state)
{
    const char *denied = "unable to accept connection, access denied";
    (void)state;

    expect_admitted((struct login){0});
    expect_admitted((struct login){.host = "localhost", .token_host = "localhost"});
    expect_admitted((struct login){.key = dsql_fact(server, "_SESSION_KEY_ID"),
                                   .secret = dsql_fact(server, "_SESSION_SECRET"),
                                   .session = dsql_fact(server, "_SESSION_TOKEN")});
    expect_denied((struct login){.mode = "disable"}, "SSL is required");
    expect_denied((struct login){.mode = "require", .sni = "0"}, "sni was not received");
    expect_denied((struct login){.host = "another.dsql.us-east-1.on.aws"}, denied);
    expect_denied((struct login){.token_host = "another.dsql.us-east-1.on.aws"}, denied);
    expect_denied((struct login){.token_user = "reader"}, denied);
    expect_denied((struct login){.region = "us-west-2"}, denied);
    expect_denied((struct login){.key = "AKIAUNKNOWN000000000"}, denied);
    expect_denied((struct login){.secret = "another"}, denied);
    expect_denied((struct login){.session = "a-token-for-a-key-without-one"}, denied);
    expect_denied((struct login){.key = dsql_fact(server, "_SESSION_KEY_ID"),
                                 .secret = dsql_fact(server, "_SESSION_SECRET")},
                  denied);
    expect_denied((struct login){.password = "guess"}, denied);
    expect_denied((struct login){.database = "mastra"}, "does not exist");
    expect_denied((struct login){.options = "-c statement_timeout=1"}, "unsupported startup parameter");
}

static void test_token_times(void **state)
{
    (void)state;
    expect_admitted((struct login){.expires_s = 1});
    dsql_do(server, "set clock 890");
    expect_admitted((struct login){0});
    dsql_do(server, "set clock 901");
    expect_denied((struct login){0}, "access denied");
    expect_denied((struct login){0}, "HINT:  Signature expired");
    expect_admitted((struct login){.expires_s = 604800});
    dsql_do(server, "set clock -290");
    expect_admitted((struct login){0});
    dsql_do(server, "set clock -301");
    expect_denied((struct login){0}, "access denied");
    dsql_do(server, "set clock 0");
    dsql_do(server, "key AKIAGONE s expires=-1");
    expect_denied((struct login){.key = "AKIAGONE", .secret = "s"}, "access denied");
}

static void test_roles(void **state)
{
    struct login reader = {.user = "reader", .key = "AKIAREADER", .secret = "r"};
    PGconn *admin = open_connection();
    (void)state;

    make_table(admin);
    dsql_do(server, "key AKIAREADER r actions=DbConnect arn=arn:aws:iam::1:role/r");
    expect_denied(reader, "access denied");
    run(admin, "CREATE ROLE reader WITH LOGIN");
    expect_denied(reader, "access denied");
    run(admin, "AWS IAM GRANT reader TO 'arn:aws:iam::1:role/r'");
    expect_admitted(reader);
    /* The key may not do what admin needs. */
    expect_denied((struct login){.key = "AKIAREADER", .secret = "r"}, "access denied");
    PGconn *other = try_to_connect(reader);
    expect(other, "SELECT * FROM t", "42501");
    expect(other, "CREATE TABLE u (a integer)", "42501");
    expect(other, "AWS IAM GRANT reader TO 'arn:aws:iam::1:role/s'", "42501");
    PQfinish(other);
    run(admin, "AWS IAM REVOKE reader FROM 'arn:aws:iam::1:role/r'");
    expect_denied(reader, "access denied");
    PQfinish(admin);
}

static void test_crowds(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    dsql_do(server, "set connections 1");
    expect_denied((struct login){0}, "too many open connections");
    PQfinish(connection);
    dsql_do(server, "reset");
    dsql_do(server, "set rate 0");
    dsql_do(server, "set burst 1");
    PQfinish(try_to_connect((struct login){0}));
    expect_denied((struct login){0}, "rate exceeded");
    dsql_do(server, "reset");
    dsql_do(server, "set sleeping on");
    expect_denied((struct login){0}, "waking up cluster");
}

/* Single statements. */

static const struct {
    const char *sql;
    const char *expected;
} refusals[] = {
    {"CREATE INDEX i ON t (b)", "0A000 unsupported mode. please use CREATE INDEX ASYNC."},
    {"CREATE UNIQUE INDEX i ON t (b)", "0A000 unsupported mode. please use CREATE INDEX ASYNC."},
    {"CREATE INDEX CONCURRENTLY i ON t (b)", "0A000 CONCURRENTLY not supported for CREATE INDEX"},
    {"CREATE INDEX ASYNC i ON t (b DESC)", "0A000 specifying sort order not supported for index keys"},
    {"CREATE INDEX ASYNC i ON t (b ASC NULLS LAST)", "0A000 specifying sort order"},
    {"CREATE INDEX ASYNC i ON t (b text_pattern_ops)", "0A000 opclass not supported for index keys"},
    {"CREATE INDEX ASYNC i ON t ((lower(b)))", "0A000"},
    {"CREATE INDEX ASYNC i ON t (lower(b))", "0A000"},
    {"CREATE INDEX ASYNC i ON t (b) WHERE a > 1", "0A000"},
    {"CREATE INDEX ASYNC i ON t USING hash (b)", "0A000"},
    {"CREATE INDEX ASYNC public.i ON t (b)", "42601"},
    {"CREATE INDEX ASYNC i ON missing (b)", "42P01"},
    {"CREATE INDEX ASYNC t_pkey ON t (b)", "42P07"},
    {"CREATE INDEX ASYNC i ON t (a,a,a,a,a,a,a,a,a)", "54011"},
    {"CREATE TABLE u (a json)", "0A000 datatype json not supported"},
    {"CREATE TABLE u (a jsonb)", "0A000 datatype jsonb not supported"},
    {"CREATE TABLE u (a text[])", "0A000 datatype text[] not supported"},
    {"CREATE TABLE u (a integer ARRAY)", "0A000"},
    {"CREATE TABLE u (a inet)", "0A000 datatype inet not supported"},
    {"CREATE TABLE u (a xml)", "0A000 datatype xml not supported"},
    {"CREATE TABLE u (a tsvector)", "0A000 datatype tsvector not supported"},
    {"CREATE TABLE u (a money)", "0A000 datatype money not supported"},
    {"CREATE TABLE u (a \"serial\")", "42704 type \"serial\" does not exist"},
    {"CREATE TABLE u (a bigserial PRIMARY KEY)", "42704 type \"bigserial\" does not exist"},
    {"CREATE TABLE u (a integer GENERATED ALWAYS AS IDENTITY)", "0A000"},
    {"CREATE TABLE u (a integer REFERENCES t)", "0A000"},
    {"CREATE TABLE u (a integer, FOREIGN KEY (a) REFERENCES t (a))", "0A000"},
    {"CREATE TABLE u (a integer, EXCLUDE USING btree (a WITH =))", "0A000"},
    {"CREATE TABLE u (a text COLLATE \"C\")", "0A000"},
    {"CREATE TABLE u (LIKE t)", "0A000"},
    {"CREATE TABLE u (c integer) INHERITS (t)", "0A000"},
    {"CREATE TABLE u (a integer) PARTITION BY RANGE (a)", "0A000"},
    {"CREATE TABLE u (a integer) WITH (fillfactor = 50)", "0A000"},
    {"CREATE TABLE u (a integer) TABLESPACE pg_default", "0A000"},
    {"CREATE TABLE u (a numeric PRIMARY KEY)", "0A000"},
    {"CREATE TABLE u (a bytea, UNIQUE (a))", "0A000"},
    {"CREATE TABLE u (a char(4097))", "54000"},
    {"CREATE TABLE u (a varchar(65536))", "54000"},
    {"CREATE TABLE u (a varchar(2001) PRIMARY KEY)", "54000 key size too large"},
    {"CREATE TABLE u AS SELECT 1 AS a", "0A000"},
    {"CREATE TABLE u AS TABLE t", "0A000"},
    {"CREATE TEMP TABLE u (a integer)", "0A000"},
    {"CREATE TEMPORARY TABLE u (a integer)", "0A000"},
    {"CREATE UNLOGGED TABLE u (a integer)", "0A000"},
    {"SELECT * INTO u FROM t", "0A000"},
    {"WITH x AS (SELECT 1) SELECT * INTO u FROM x", "0A000"},
    {"CREATE DATABASE d", "0A000 unsupported statement: Createdb"},
    {"CREATE EXTENSION pgcrypto", "0A000"},
    {"CREATE TYPE mood AS ENUM ('a')", "0A000"},
    {"CREATE DOMAIN d AS text", "0A000"},
    {"CREATE SEQUENCE s", "0A000"},
    {"CREATE MATERIALIZED VIEW m AS SELECT 1", "0A000"},
    {"CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'", "0A000"},
    {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "0A000"},
    {"CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'", "0A000"},
    {"CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", "0A000"},
    {"CREATE RULE r AS ON INSERT TO t DO NOTHING", "0A000"},
    {"CREATE ROLE x SUPERUSER", "0A000"},
    {"CREATE USER x", "0A000"},
    {"CREATE SCHEMA s CREATE TABLE u (a integer)", "42601"},
    {"ALTER TABLE t ADD COLUMN c text DEFAULT 'x'", "0A000 ALTER TABLE ADD COLUMN with constraint"},
    {"ALTER TABLE t ADD COLUMN c text NOT NULL", "0A000 ALTER TABLE ADD COLUMN with constraint"},
    {"ALTER TABLE t ADD c jsonb", "0A000 datatype jsonb not supported"},
    {"ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)", "0A000"},
    {"ALTER TABLE t ADD PRIMARY KEY (b)", "0A000"},
    {"ALTER TABLE t ADD UNIQUE (b)", "0A000"},
    {"ALTER TABLE t DROP COLUMN b", "0A000"},
    {"ALTER TABLE t ALTER COLUMN b SET NOT NULL", "0A000"},
    {"ALTER TABLE t ALTER COLUMN b TYPE varchar", "0A000"},
    {"ALTER TABLE t ALTER COLUMN b SET DEFAULT 'x'", "0A000"},
    {"ALTER TABLE t ADD COLUMN c text, ADD COLUMN d text", "0A000"},
    {"ALTER TABLE t ENABLE ROW LEVEL SECURITY", "0A000"},
    {"ALTER INDEX t_pkey RENAME TO k", "0A000"},
    {"ALTER SYSTEM SET work_mem = '1MB'", "0A000"},
    {"ALTER ROLE admin SUPERUSER", "0A000"},
    {"DROP TABLE t CASCADE", "0A000"},
    {"DROP TABLE t, u", "0A000"},
    {"DROP DATABASE postgres", "0A000"},
    {"DROP INDEX CONCURRENTLY i", "0A000"},
    {"TRUNCATE t", "0A000"},
    {"VACUUM t", "0A000"},
    {"SAVEPOINT s", "0A000"},
    {"RELEASE SAVEPOINT s", "0A000"},
    {"ROLLBACK TO SAVEPOINT s", "0A000"},
    {"ROLLBACK TO s", "0A000"},
    {"LOCK TABLE t", "0A000"},
    {"LISTEN x", "0A000"},
    {"NOTIFY x", "0A000"},
    {"COPY t TO STDOUT", "0A000"},
    {"COPY t FROM STDIN", "0A000"},
    {"DO 'BEGIN END'", "0A000"},
    {"DO $$ BEGIN END $$", "0A000"},
    {"DECLARE c CURSOR FOR SELECT 1", "0A000"},
    {"PREPARE p AS SELECT 1", "0A000"},
    {"EXECUTE p", "0A000"},
    {"PREPARE TRANSACTION 'x'", "0A000"},
    {"COMMIT PREPARED 'x'", "0A000"},
    {"COMMIT AND CHAIN", "0A000"},
    {"MERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE", "0A000"},
    {"DISCARD ALL", "0A000"},
    {"REINDEX TABLE t", "0A000"},
    {"REFRESH MATERIALIZED VIEW m", "0A000"},
    {"BEGIN ISOLATION LEVEL READ COMMITTED", "0A000"},
    {"BEGIN ISOLATION LEVEL SERIALIZABLE", "0A000"},
    {"BEGIN TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", "0A000"},
    {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "0A000"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED", "0A000"},
    {"SET default_transaction_isolation TO 'read committed'", "0A000"},
    {"SET SESSION AUTHORIZATION mastra", "0A000"},
    {"SET ROLE mastra", "0A000"},
    {"RESET SESSION AUTHORIZATION", "0A000"},
    {"SET statement_timeout TO 1000", "0A000"},
    {"SET lock_timeout TO 1000", "0A000"},
    {"SET client_encoding TO 'LATIN1'", "0A000"},
    {"SELECT pg_advisory_lock(1)", "0A000 function pg_advisory_lock not supported"},
    {"SELECT pg_catalog.pg_try_advisory_lock(1, 2)", "0A000 function pg_try_advisory_lock not supported"},
    {"SELECT \"pg_advisory_xact_lock\" (1)", "0A000 function pg_advisory_xact_lock not supported"},
    {"SELECT pg_/* */advisory_lock(1)", "42"},
    {"SELECT pg_notify('a', 'b')", "0A000"},
    {"SELECT nextval('s')", "0A000"},
    {"SELECT set_config('dsql.used', '0', true)", "0A000"},
    {"SELECT pg_total_relation_size('t')", "0A000"},
    {"SELECT * FROM pg_stat_user_tables", "42P01"},
    {"SELECT * FROM pg_locks", "42P01"},
    {"SELECT ctid FROM t", "42703"},
    {"SELECT xmin FROM t", "42703"},
    {"SELECT b COLLATE \"C\" FROM t", "0A000"},
    {"SELECT * FROM t ORDER BY b COLLATE \"en_US\"", "0A000"},
    {"SELECT * FROM t FOR UPDATE", "0A000 locking clause such as FOR UPDATE can be applied only"},
    {"SELECT * FROM t WHERE b = 'one' FOR UPDATE", "0A000 locking clause"},
    {"SELECT * FROM t WHERE a > 1 FOR UPDATE", "0A000 locking clause"},
    {"SELECT * FROM t WHERE a = 1 OR a = 2 FOR UPDATE", "0A000 locking clause"},
    {"SELECT * FROM t JOIN t AS s ON t.a = s.a WHERE t.a = 1 FOR UPDATE", "0A000 locking clause"},
    {"SELECT * FROM t WHERE a = 1 FOR SHARE", "0A000"},
    {"SELECT * FROM t WHERE a = 1 FOR KEY SHARE", "0A000"},
    {"SELECT * FROM t WHERE a = 1 FOR UPDATE NOWAIT", "0A000"},
    {"SELECT * FROM t WHERE a = 1 FOR UPDATE SKIP LOCKED", "0A000"},
    {"WITH x AS (UPDATE t SET b = '' RETURNING 1) SELECT * FROM x", "0A000"},
    {"SELECT * FROM sys.double_jobs", "42P01"},
    {"SELECT sys.double_map(true, 'admin', 'x')", "0A000"},
    {"CALL sys.wait_for_job('nothing')", "22023"},
    {"CALL other()", "0A000"},
    {"INSERT INTO sys.jobs (job_id) VALUES ('x')", "42501"},
    {"nonsense", "42601"},
    {"SELECT", "ok"},
    {"", "ok"},
    {"SELECT U&'\\0061'", "0A000"},
};

static void test_refusals(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    make_table(connection);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        expect(connection, refusals[i].sql, refusals[i].expected);
        expect_extended(connection, refusals[i].sql, refusals[i].expected);
    }
    /* Nothing of it has left a trace, or is undone by something in front of it. */
    expect_rows(connection, "SELECT a, b FROM t ORDER BY a", "1,one|2,two");
    expect(connection, "/* x */ -- y\n TRUNCATE t", "0A000");
    expect(connection, "SELECT 1; TRUNCATE t", "0A000");
    expect(connection, "INSERT INTO t VALUES (3, 'x'); SAVEPOINT s", "0A000");
    expect_rows(connection, "SELECT a, b FROM t ORDER BY a", "1,one|2,two");
    assert_true(dsql_count(server, "refused") > 200);
    PQfinish(connection);
}

static const char *const allowed[] = {
    "CREATE SCHEMA IF NOT EXISTS mine",
    "CREATE TABLE IF NOT EXISTS mine.u (\"theId\" uuid NOT NULL, n numeric DEFAULT 1, p numeric(10, 2), c "
    "text "
    "NOT NULL DEFAULT 'a,b', d timestamptz DEFAULT now(), e double precision CHECK (e > 0), f varchar(100), "
    "g "
    "timestamp without time zone, h boolean, i bytea, j float, CONSTRAINT k PRIMARY KEY (\"theId\", c), "
    "UNIQUE (d))",
    "ALTER TABLE mine.u ADD COLUMN IF NOT EXISTS m smallint",
    "ALTER TABLE mine.u RENAME COLUMN m TO o",
    "ALTER TABLE mine.u RENAME TO v",
    "ALTER TABLE mine.v OWNER TO admin",
    "CREATE INDEX ASYNC first ON mine.v (f, d NULLS FIRST) INCLUDE (h)",
    "CREATE INDEX ASYNC IF NOT EXISTS first ON mine.v (f)",
    "CREATE UNIQUE INDEX ASYNC second ON mine.v (f) NULLS NOT DISTINCT",
    "DROP INDEX IF EXISTS mine.first",
    "CREATE VIEW mine.w AS SELECT f FROM mine.v",
    "INSERT INTO mine.v (\"theId\", c, e) VALUES ('00000000-0000-0000-0000-000000000001', 'x', 1.5)",
    "INSERT INTO mine.v (\"theId\", c) VALUES ('00000000-0000-0000-0000-000000000001', 'x') ON CONFLICT "
    "(\"theId\", c) DO UPDATE SET f = excluded.c RETURNING f",
    "UPDATE mine.v SET f = 'y' WHERE c = 'x' AND NOT EXISTS (SELECT 1 FROM mine.w WHERE f = 'z')",
    "WITH x AS (SELECT 1 AS a) SELECT count(*) FROM x, mine.v",
    "WITH x AS (SELECT 'x' AS c) DELETE FROM mine.v USING x WHERE v.c = x.c",
    "SELECT '{\"k\": 1}'::text::jsonb ->> 'k', array_agg(f), substring(f FOR 2) FROM mine.v WHERE f = ANY "
    "(ARRAY['a']) GROUP BY f",
    "SELECT * FROM unnest('{1,2}'::int[]) AS x (a) LEFT JOIN LATERAL (SELECT 1) AS y ON true",
    "SELECT indexdef FROM pg_indexes",
    "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index LIMIT 1",
    "SELECT * FROM information_schema.columns LIMIT 1",
    "SELECT * FROM sys.jobs",
    "SELECT * FROM sys.iam_pg_role_mappings",
    "EXPLAIN SELECT 1",
    "VALUES (1), (2)",
    "(SELECT 1) UNION ALL SELECT 2",
    "SET search_path TO mine",
    "SET TIME ZONE 'UTC'",
    "SET DateStyle TO 'ISO, MDY'",
    "SHOW transaction_isolation",
    "SELECT now(), gen_random_uuid(), current_user, version()",
    "DROP VIEW mine.w",
    "DROP TABLE IF EXISTS mine.v",
    "DROP SCHEMA mine",
};

static void test_allowed(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    dsql_do(server, "set index_delay 3600");
    for (int extended = 0; extended < 2; extended++) {
        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
            (extended ? expect_extended : expect)(connection, allowed[i], "ok");
    }
    assert_int_equal(dsql_count(server, "refused"), 0);
    PQfinish(connection);
}

static void test_shapes(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    assert_int_equal(PQserverVersion(connection) / 10000, 16);
    run(connection, "CREATE TABLE t (a text PRIMARY KEY, n numeric)");
    expect_rows(connection, "SHOW transaction_isolation", "repeatable read");
    expect_rows(connection,
                "SELECT current_user, session_user, current_database(), datcollate FROM pg_database "
                "WHERE datname = 'postgres'",
                "admin,admin,postgres,C");
    expect_rows(connection,
                "SELECT numeric_precision, numeric_scale FROM information_schema.columns WHERE "
                "column_name = 'n'",
                "18,6");
    expect_rows(connection, "SELECT indexdef FROM pg_indexes WHERE tablename = 't'",
                "CREATE UNIQUE INDEX t_pkey ON public.t USING btree_index (a)");
    expect_rows(connection, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal", "");
    expect_rows(connection, "SELECT 'a' < 'B', 'b' < 'a'", "f,f");
    PQfinish(connection);
}

/* Transactions. */

static void test_schema_changes_alone(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    make_table(connection);
    run(connection, "BEGIN; CREATE TABLE u (a integer PRIMARY KEY); COMMIT");
    run(connection, "BEGIN");
    run(connection, "CREATE TABLE v (a integer PRIMARY KEY)");
    expect(connection, "CREATE TABLE w (a integer PRIMARY KEY)",
           "0A000 multiple ddl statements are not supported in a transaction");
    expect(connection, "SELECT 1", "25P02");
    run(connection, "ROLLBACK");
    run(connection, "BEGIN");
    run(connection, "INSERT INTO t VALUES (3, 'x')");
    expect_extended(connection, "CREATE INDEX ASYNC i ON t (b)", MIXED);
    run(connection, "ROLLBACK");
    run(connection, "BEGIN");
    run(connection, "ALTER TABLE t ADD COLUMN c text");
    expect_extended(connection, "INSERT INTO t VALUES (3, 'x')", MIXED);
    run(connection, "ROLLBACK");
    expect(connection, "CREATE TABLE v (a integer); CREATE TABLE w (a integer)", "0A000 multiple ddl");
    expect(connection, "INSERT INTO t VALUES (3, 'x'); CREATE TABLE v (a integer)", MIXED);
    expect_rows(connection, "SELECT count(*), max(a) FROM t", "2,2");
    expect_rows(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "2");
    PQfinish(connection);
}

static void test_limits(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    run(connection, "CREATE TABLE t (a integer PRIMARY KEY, b text, c text, d text)");
    run(connection, "CREATE TABLE k (a text, b text, PRIMARY KEY (a, b))");
    run(connection, "INSERT INTO t SELECT g, 'x' FROM generate_series(1, 3000) AS g");
    expect(connection, "INSERT INTO t SELECT g FROM generate_series(3001, 6001) AS g",
           "54000 transaction row limit exceeded");
    run(connection, "INSERT INTO t VALUES (0)");
    expect(connection, "DELETE FROM t", "54000 transaction row limit exceeded");
    expect(connection, "UPDATE t SET b = b", "54000 transaction row limit exceeded");
    run(connection, "BEGIN");
    run(connection, "DELETE FROM t WHERE a BETWEEN 1 AND 2000");
    expect_extended(connection, "UPDATE t SET b = b", "54000 transaction row limit exceeded");
    run(connection, "ROLLBACK");
    expect_rows(connection, "SELECT count(*) FROM t", "3001");
    run(connection, "DELETE FROM t WHERE a < 3000");
    run(connection, "UPDATE t SET b = repeat('x', 1048576)");
    expect(connection, "UPDATE t SET b = repeat('x', 1048577)",
           "54000 datatype limit greater than 1048576 bytes not supported for text");
    expect(connection,
           "UPDATE t SET b = repeat('x', 1000000), c = repeat('x', 1000000), d = repeat('x', 100000)",
           "54000 maximum row size exceeded");
    run(connection, "INSERT INTO k VALUES (repeat('x', 500), repeat('y', 500))");
    expect(connection, "INSERT INTO k VALUES (repeat('x', 500), repeat('y', 600))",
           "54000 key size too large");
    PQfinish(connection);
}

static void test_transaction_size(void **state)
{
    PGconn *connection = open_connection();
    (void)state;

    run(connection, "CREATE TABLE t (a integer PRIMARY KEY, b text)");
    expect(connection, "INSERT INTO t SELECT g, repeat('x', 1048576) FROM generate_series(1, 10) AS g",
           "54000 transaction size limit 10mb exceeded");
    run(connection, "BEGIN");
    for (int i = 0; i < 2; i++) {
        char *sql =
            test_format("INSERT INTO t SELECT g, repeat('x', 1000000) FROM generate_series(%d, %d) AS g",
                        i * 6, i * 6 + 5);
        run(connection, sql);
        free(sql);
    }
    /* It is judged at the end. */
    expect_extended(connection, "COMMIT", "54000 transaction size limit 10mb exceeded");
    assert_int_equal(PQtransactionStatus(connection), PQTRANS_IDLE);
    expect_rows(connection, "SELECT count(*) FROM t", "0");
    PQfinish(connection);
}

static void test_large_message(void **state)
{
    PGconn *connection = open_connection();
    size_t size = (10u << 20) + 10;
    char *sql = malloc(size + 1);
    (void)state;

    assert_non_null(sql);
    memset(sql, ' ', size);
    memcpy(sql, "SELECT 1", 8);
    sql[size] = '\0';
    expect(connection, sql, "gone");
    free(sql);
    PQfinish(connection);
}

static void test_ages(void **state)
{
    PGconn *connection = open_connection();
    PGconn *other = open_connection();
    (void)state;

    make_table(connection);
    dsql_do(server, "set transaction_age 0");
    run(connection, "BEGIN");
    expect(connection, "SELECT 1", "54000 transaction age limit of 0s exceeded");
    run(connection, "ROLLBACK");
    run(connection, "BEGIN");
    expect(connection, "COMMIT", "54000 transaction age limit of 0s exceeded");
    assert_int_equal(PQtransactionStatus(connection), PQTRANS_IDLE);
    dsql_do(server, "set transaction_age 300");
    PQclear(PQexec(other, "SELECT 1"));
    run(other, "BEGIN");
    run(other, "INSERT INTO t VALUES (3, 'x')");
    dsql_do(server, "set connection_life 0");
    while (PQstatus(connection) == CONNECTION_OK)
        PQclear(PQexec(connection, "SELECT 1"));
    /* A transaction that began in time may end. */
    run(other, "COMMIT");
    while (PQstatus(other) == CONNECTION_OK)
        PQclear(PQexec(other, "SELECT 1"));
    assert_int_equal(dsql_count(server, "closed"), 2);
    PQfinish(connection);
    PQfinish(other);
}

/* Conflicts. */

struct pair {
    PGconn *a;
    PGconn *b;
};

static struct pair open_pair(void)
{
    struct pair pair = {.a = open_connection()};
    make_table(pair.a);
    pair.b = open_connection();
    return pair;
}

static void close_pair(struct pair pair)
{
    assert_int_equal(dsql_count(server, "broken"), 0);
    PQfinish(pair.a);
    PQfinish(pair.b);
}

static void test_second_committer_loses(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "BEGIN");
    expect_rows(pair.a, "SELECT b FROM t WHERE a = 1", "one");
    expect(pair.b, "UPDATE t SET b = 'B' WHERE a = 1", "ok");
    /* It sees its snapshot and its own writes up to the end, and is told at COMMIT. */
    expect_rows(pair.a, "UPDATE t SET b = b || 'A' WHERE a = 1 RETURNING b", "oneA");
    expect_rows(pair.a, "SELECT b FROM t WHERE a = 1", "oneA");
    expect_rows(pair.a, "INSERT INTO t VALUES (7, 'x') ON CONFLICT (a) DO NOTHING RETURNING a", "7");
    expect_rows(pair.a,
                "SELECT a FROM t AS s WHERE EXISTS (SELECT 1 FROM public.t WHERE t.a = s.a) ORDER BY a",
                "1|2|7");
    expect_extended(pair.a, "COMMIT", OC000);
    assert_int_equal(PQtransactionStatus(pair.a), PQTRANS_IDLE);
    expect_rows(pair.a, "SELECT a, b FROM t ORDER BY a", "1,B|2,two");
    run(pair.a, "UPDATE t SET b = 'again' WHERE a = 1");
    close_pair(pair);
}

static void test_nobody_waits(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "BEGIN");
    run(pair.a, "INSERT INTO t VALUES (3, 'three')");
    expect_rows(pair.a, "SELECT b FROM t WHERE a = 1 FOR UPDATE", "one");
    run(pair.b, "BEGIN");
    expect_rows(pair.b, "SELECT b FROM t WHERE a = 1 FOR UPDATE", "one");
    run(pair.b, "UPDATE t SET b = 'B' WHERE a = 1");
    run(pair.b, "COMMIT");
    /* The one that was first, but did not commit, loses, and knows all it did. */
    expect_rows(pair.a, "SELECT a, b FROM t ORDER BY a", "1,one|2,two|3,three");
    expect_rows(pair.a, "UPDATE t SET b = b || 'A' WHERE a = 1 RETURNING b", "oneA");
    expect(pair.a, "COMMIT", OC000);
    expect_rows(pair.a, "SELECT a, b FROM t ORDER BY a", "1,B|2,two");
    close_pair(pair);
}

static void test_circle(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "BEGIN");
    run(pair.b, "BEGIN");
    run(pair.a, "UPDATE t SET b = 'A1' WHERE a = 1");
    run(pair.b, "UPDATE t SET b = 'B2' WHERE a = 2");
    /* Both would wait for each other: sent at once, then looked at. */
    assert_int_equal(PQsendQuery(pair.a, "UPDATE t SET b = 'A2' WHERE a = 2"), 1);
    assert_int_equal(PQsendQuery(pair.b, "UPDATE t SET b = 'B1' WHERE a = 1"), 1);
    PGresult *result = NULL;
    while ((result = PQgetResult(pair.a)))
        expect_result(pair.a, result, "UPDATE of a", "ok");
    while ((result = PQgetResult(pair.b)))
        expect_result(pair.b, result, "UPDATE of b", "ok");
    result = PQexec(pair.a, "COMMIT");
    bool a = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    result = PQexec(pair.b, "COMMIT");
    bool b = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    assert_true(a != b);
    expect_rows(pair.a, "SELECT b FROM t ORDER BY a", a ? "A1|A2" : "B1|B2");
    close_pair(pair);
}

static void test_for_update_counts_as_written(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "INSERT INTO t VALUES (3, 'three')");
    run(pair.a, "BEGIN");
    run(pair.b, "BEGIN");
    expect_rows(pair.b, "SELECT b FROM t WHERE a = 3", "three");
    expect_rows(pair.a, "SELECT b FROM t WHERE a = 3 FOR UPDATE", "three");
    run(pair.a, "UPDATE t SET b = 'A' WHERE a = 1");
    run(pair.a, "COMMIT");
    expect_rows(pair.b, "SELECT b FROM t WHERE a = 3 FOR UPDATE", "three");
    run(pair.b, "UPDATE t SET b = 'B' WHERE a = 2");
    expect(pair.b, "COMMIT", OC000);
    expect_rows(pair.b, "SELECT b FROM t ORDER BY a", "A|two|three");
    close_pair(pair);
}

static void test_same_key_twice(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "BEGIN");
    expect_rows(pair.a, "SELECT count(*) FROM t", "2");
    run(pair.b, "INSERT INTO t VALUES (5, 'b')");
    /* In its snapshot there is no such row. */
    run(pair.a, "INSERT INTO t VALUES (5, 'a')");
    expect(pair.a, "COMMIT", OC000);
    run(pair.a, "BEGIN");
    expect_extended(pair.a, "INSERT INTO t VALUES (5, 'a')", "23505");
    expect(pair.a, "SELECT 1", "25P02");
    run(pair.a, "ROLLBACK");
    expect(pair.a, "INSERT INTO t VALUES (5, 'a')", "23505");
    close_pair(pair);
}

/* Sends all at once, and gives the outcome of each, up to the end. */
static void pipeline(PGconn *connection, const char *const *sqls, const char *const *expected)
{
    assert_int_equal(PQenterPipelineMode(connection), 1);
    for (size_t i = 0; sqls[i]; i++)
        assert_int_equal(PQsendQueryParams(connection, sqls[i], 0, NULL, NULL, NULL, NULL, 0), 1);
    assert_int_equal(PQpipelineSync(connection), 1);
    for (size_t i = 0; sqls[i]; i++) {
        PGresult *result = PQgetResult(connection);
        if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED) {
            assert_string_equal(expected[i], "skipped");
            PQclear(result);
        } else {
            expect_result(connection, result, sqls[i], expected[i]);
        }
        assert_null(PQgetResult(connection));
    }
    PGresult *result = PQgetResult(connection);
    assert_int_equal(PQresultStatus(result), PGRES_PIPELINE_SYNC);
    PQclear(result);
    assert_int_equal(PQexitPipelineMode(connection), 1);
}

static void test_pipelines(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    pipeline(pair.a,
             (const char *const[]){"BEGIN", "SELECT b FROM t WHERE a = 1 FOR UPDATE",
                                   "UPDATE t SET b = 'x' WHERE a = 1", "INSERT INTO t VALUES (3, 'y')",
                                   "COMMIT", NULL},
             (const char *const[]){"ok", "ok", "ok", "ok", "ok"});
    expect_rows(pair.b, "SELECT a, b FROM t ORDER BY a", "1,x|2,two|3,y");
    run(pair.a, "BEGIN");
    expect_rows(pair.a, "SELECT count(*) FROM t", "3");
    run(pair.b, "DELETE FROM t WHERE a = 3");
    pipeline(pair.a,
             (const char *const[]){"UPDATE t SET b = 'z' WHERE a = 3", "SELECT * FROM t", "COMMIT",
                                   "INSERT INTO t VALUES (4, 'w')", NULL},
             (const char *const[]){"ok", "ok", OC000, "skipped"});
    assert_int_equal(PQtransactionStatus(pair.a), PQTRANS_IDLE);
    pipeline(
        pair.a,
        (const char *const[]){"BEGIN", "UPDATE t SET b = 'v' WHERE a = 1", "SAVEPOINT s", "COMMIT", NULL},
        (const char *const[]){"ok", "ok", "0A000", "skipped"});
    assert_int_equal(PQtransactionStatus(pair.a), PQTRANS_INERROR);
    run(pair.a, "ROLLBACK");
    /* Without BEGIN, what is sent together is one transaction. */
    pipeline(pair.a,
             (const char *const[]){"INSERT INTO t VALUES (8, 'v')", "CREATE TABLE u (a integer)", "SELECT 1",
                                   NULL},
             (const char *const[]){"ok", MIXED, "skipped"});
    expect_rows(pair.b, "SELECT a, b FROM t ORDER BY a", "1,x|2,two");
    close_pair(pair);
}

/* What a transaction was does not linger when the next one comes at once. */
static void test_pipelines_of_transactions(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    pipeline(pair.a,
             (const char *const[]){"BEGIN", "UPDATE t SET b = 'x' WHERE a = 1", "COMMIT", "BEGIN",
                                   "UPDATE t SET b = 'y' WHERE a = 2", NULL},
             (const char *const[]){"ok", "ok", "ok", "ok", "ok"});
    /* Its first savepoint is there to go back to. */
    run(pair.b, "UPDATE t SET b = 'z' WHERE a = 2");
    pipeline(pair.a,
             (const char *const[]){"SELECT * FROM t", "ROLLBACK", "BEGIN", "UPDATE t SET b = 'w' WHERE a = 1",
                                   "COMMIT", NULL},
             (const char *const[]){"ok", "ok", "ok", "ok", "ok"});
    expect_rows(pair.b, "SELECT b FROM t ORDER BY a", "w|z");
    close_pair(pair);
}

static void test_prepared(void **state)
{
    struct pair pair = open_pair();
    const char *values[] = {"1", "new"};
    (void)state;

    PQclear(PQprepare(pair.a, "lock", "SELECT b, $2::text FROM t WHERE a = $1 FOR UPDATE", 0, NULL));
    PQclear(PQprepare(pair.a, "change", "UPDATE t SET b = $2 WHERE a = $1 RETURNING b", 0, NULL));
    for (int round = 0; round < 3; round++) {
        run(pair.a, "BEGIN");
        expect_rows(pair.a, "SELECT 1", "1");
        if (round == 1)
            run(pair.b, "UPDATE t SET b = 'B' WHERE a = 1");
        const char *names[] = {"lock", "change"};
        for (int i = 0; i < 2; i++) {
            PGresult *result = PQexecPrepared(pair.a, names[i], 2, values, NULL, NULL, 0);
            assert_int_equal(PQntuples(result), 1);
            expect_result(pair.a, result, names[i], "ok");
        }
        expect(pair.a, "COMMIT", round == 1 ? OC000 : "ok");
    }
    close_pair(pair);
}

static void test_schema_changed(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.b, "SELECT * FROM t");
    run(pair.a, "CREATE TABLE u (a integer PRIMARY KEY)");
    run(pair.a, "SELECT * FROM t");
    expect_extended(pair.b, "SELECT * FROM t", OC001);
    run(pair.b, "SELECT * FROM t");
    /* One that is under way ends. */
    run(pair.b, "BEGIN");
    run(pair.b, "UPDATE t SET b = 'B' WHERE a = 1");
    run(pair.a, "ALTER TABLE t ADD COLUMN c text");
    expect(pair.b, "UPDATE t SET b = 'B' WHERE a = 2", OC001);
    run(pair.b, "ROLLBACK");
    PQclear(PQexec(pair.b, "SELECT 1"));
    expect_rows(pair.b, "SELECT a, b FROM t ORDER BY a", "1,one|2,two");
    dsql_do(server, "schema-changed");
    expect(pair.a, "SELECT 1", OC001);
    expect(pair.b, "UPDATE t SET b = 'x'", OC001);
    /* At the end of a transaction, too. */
    run(pair.b, "BEGIN");
    run(pair.b, "UPDATE t SET b = 'B' WHERE a = 1");
    dsql_do(server, "schema-changed");
    expect(pair.b, "COMMIT", OC001);
    assert_int_equal(PQtransactionStatus(pair.b), PQTRANS_IDLE);
    expect_rows(pair.b, "SELECT b FROM t ORDER BY a", "one|two");
    close_pair(pair);
}

static void test_faults(void **state)
{
    struct pair pair = open_pair();
    PGconn *third = open_connection();
    (void)state;

    dsql_do(server, "fail 2 conflict");
    run(pair.a, "INSERT INTO t VALUES (3, '')");
    run(pair.a, "BEGIN; SELECT 1; COMMIT");
    run(pair.a, "BEGIN; INSERT INTO t VALUES (4, '')");
    expect(pair.a, "COMMIT", OC000);
    run(pair.a, "INSERT INTO t VALUES (5, '')");
    dsql_do(server, "fail 1 conflict");
    expect(pair.a, "INSERT INTO t VALUES (6, '')", OC000);
    dsql_do(server, "fail 1 cut-before");
    run(pair.a, "BEGIN");
    run(pair.a, "INSERT INTO t VALUES (7, '')");
    expect(pair.a, "COMMIT", "gone");
    dsql_do(server, "fail 1 cut-after");
    run(pair.b, "BEGIN");
    run(pair.b, "INSERT INTO t VALUES (8, '')");
    expect_extended(pair.b, "COMMIT", "gone");
    expect_rows(third, "SELECT a FROM t ORDER BY a", "1|2|3|5|8");
    dsql_do(server, "fail 1 cut-after");
    expect_extended(third, "INSERT INTO t VALUES (9, '')", "gone");
    PQfinish(third);
    third = open_connection();
    expect_rows(third, "SELECT a FROM t ORDER BY a", "1|2|3|5|8|9");
    dsql_do(server, "drop");
    expect(third, "SELECT 1", "gone");
    PQfinish(third);
    close_pair(pair);
}

/* Asynchronous indexes. */

static char *value_of(PGconn *connection, const char *sql)
{
    PGresult *result = PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        fail_msg("%s: %s", sql, PQerrorMessage(connection));
    char *text = test_format("%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return text;
}

static void test_indexes(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    dsql_do(server, "set index_delay 3600");
    PGresult *result = PQexec(pair.a, "CREATE UNIQUE INDEX ASYNC i ON t (b)");
    assert_string_equal(PQfname(result, 0), "job_id");
    assert_int_equal(strlen(PQgetvalue(result, 0, 0)), 26);
    PQclear(result);
    PQclear(PQexec(pair.b, "SELECT 1"));
    expect_rows(pair.b, "SELECT status, object_name FROM sys.jobs", "submitted,public.i");
    expect_rows(pair.b, "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'i'::regclass",
                "f,t");
    expect(pair.b, "INSERT INTO t VALUES (3, 'one')", "23505");
    dsql_do(server, "finish-jobs");
    /* It comes into use: everybody is told, also who made it. */
    expect(pair.a, "SELECT 1", OC001);
    expect(pair.b, "SELECT 1", OC001);
    expect_rows(pair.b, "SELECT status, indisvalid FROM sys.jobs, pg_index WHERE indexrelid = object_id",
                "completed,t");
    expect(pair.b, "UPDATE t SET b = 'same'", "23505");
    close_pair(pair);
}

static void test_failing_index(void **state)
{
    struct pair pair = open_pair();
    (void)state;

    run(pair.a, "UPDATE t SET b = 'same'");
    char *job = value_of(pair.a, "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS i ON t (b)");
    char *wait = test_format("CALL sys.wait_for_job('%s')", job);
    char *done = value_of(pair.b, wait);
    assert_string_equal(done, "f");
    PQclear(PQexec(pair.b, "SELECT 1"));
    expect_rows(pair.b, "SELECT status, indisvalid FROM sys.jobs, pg_index WHERE indexrelid = object_id",
                "failed,f");
    run(pair.b, "BEGIN");
    expect(pair.b, wait, "25001");
    run(pair.b, "ROLLBACK");
    run(pair.b, "DROP INDEX i");
    run(pair.b, "UPDATE t SET b = a::text");
    free(job);
    free(done);
    free(wait);
    job = value_of(pair.b, "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS i ON t (b)");
    wait = test_format("CALL sys.wait_for_job('%s')", job);
    done = value_of(pair.b, wait);
    assert_string_equal(done, "t");
    dsql_do(server, "set index_delay 3600");
    PQclear(PQexec(pair.b, "SELECT 1"));
    run(pair.b, "CREATE INDEX ASYNC j ON t (b)");
    run(pair.b, "DROP INDEX j");
    dsql_do(server, "finish-jobs");
    PQclear(PQexec(pair.b, "SELECT 1"));
    expect_rows(pair.b, "SELECT status FROM sys.jobs WHERE object_name = 'public.j'", "cancelled");
    free(job);
    free(done);
    free(wait);
    close_pair(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_door, begin),
        cmocka_unit_test_setup(test_token_times, begin),
        cmocka_unit_test_setup(test_roles, begin),
        cmocka_unit_test_setup(test_crowds, begin),
        cmocka_unit_test_setup(test_refusals, begin),
        cmocka_unit_test_setup(test_allowed, begin),
        cmocka_unit_test_setup(test_shapes, begin),
        cmocka_unit_test_setup(test_schema_changes_alone, begin),
        cmocka_unit_test_setup(test_limits, begin),
        cmocka_unit_test_setup(test_transaction_size, begin),
        cmocka_unit_test_setup(test_large_message, begin),
        cmocka_unit_test_setup(test_ages, begin),
        cmocka_unit_test_setup(test_second_committer_loses, begin),
        cmocka_unit_test_setup(test_nobody_waits, begin),
        cmocka_unit_test_setup(test_circle, begin),
        cmocka_unit_test_setup(test_for_update_counts_as_written, begin),
        cmocka_unit_test_setup(test_same_key_twice, begin),
        cmocka_unit_test_setup(test_pipelines, begin),
        cmocka_unit_test_setup(test_pipelines_of_transactions, begin),
        cmocka_unit_test_setup(test_prepared, begin),
        cmocka_unit_test_setup(test_schema_changed, begin),
        cmocka_unit_test_setup(test_faults, begin),
        cmocka_unit_test_setup(test_indexes, begin),
        cmocka_unit_test_setup(test_failing_index, begin),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
