/* What the double of Aurora DSQL lets pass, and above all what it refuses: a lax double would prove nothing. */
#include "fault/double_lab.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The door. */

static void test_door(void **state)
{
    const char *denied = "unable to accept connection, access denied";
    (void)state;

    expect_admitted((struct login){0});
    expect_admitted((struct login){.host = "localhost", .token_host = "localhost"});
    expect_admitted((struct login){.key = dsql_fact(double_server, "_SESSION_KEY_ID"),
                                   .secret = dsql_fact(double_server, "_SESSION_SECRET"),
                                   .session = dsql_fact(double_server, "_SESSION_TOKEN")});
    expect_denied((struct login){.mode = "disable"}, "SSL is required");
    expect_denied((struct login){.mode = "require", .sni = "0"}, "sni was not received");
    expect_denied((struct login){.host = "another.dsql.us-east-1.on.aws"}, denied);
    expect_denied((struct login){.token_host = "another.dsql.us-east-1.on.aws"}, denied);
    expect_denied((struct login){.token_user = "reader"}, denied);
    expect_denied((struct login){.region = "us-west-2"}, denied);
    expect_denied((struct login){.key = "AKIAUNKNOWN000000000"}, denied);
    expect_denied((struct login){.secret = "another"}, denied);
    expect_denied((struct login){.session = "a-token-for-a-key-without-one"}, denied);
    expect_denied((struct login){.key = dsql_fact(double_server, "_SESSION_KEY_ID"),
                                 .secret = dsql_fact(double_server, "_SESSION_SECRET")},
                  denied);
    expect_denied((struct login){.password = "guess"}, denied);
    expect_denied((struct login){.database = "mastra"}, "does not exist");
    expect_denied((struct login){.options = "-c statement_timeout=1"}, "unsupported startup parameter");
}

static void test_token_times(void **state)
{
    (void)state;
    expect_admitted((struct login){.expires_s = 1});
    dsql_do(double_server, "set clock 890");
    expect_admitted((struct login){0});
    dsql_do(double_server, "set clock 901");
    expect_denied((struct login){0}, "access denied");
    expect_denied((struct login){0}, "HINT:  Signature expired");
    expect_admitted((struct login){.expires_s = 604800});
    dsql_do(double_server, "set clock -290");
    expect_admitted((struct login){0});
    dsql_do(double_server, "set clock -301");
    expect_denied((struct login){0}, "access denied");
    dsql_do(double_server, "set clock 0");
    dsql_do(double_server, "key AKIAGONE s expires=-1");
    expect_denied((struct login){.key = "AKIAGONE", .secret = "s"}, "access denied");
}

static void test_roles(void **state)
{
    struct login reader = {.user = "reader", .key = "AKIAREADER", .secret = "r"};
    PGconn *admin = open_connection();
    (void)state;

    make_table(admin);
    dsql_do(double_server, "key AKIAREADER r actions=DbConnect arn=arn:aws:iam::1:role/r");
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

    dsql_do(double_server, "set connections 1");
    expect_denied((struct login){0}, "too many open connections");
    PQfinish(connection);
    dsql_do(double_server, "reset");
    dsql_do(double_server, "set rate 0");
    dsql_do(double_server, "set burst 1");
    PQfinish(try_to_connect((struct login){0}));
    expect_denied((struct login){0}, "rate exceeded");
    dsql_do(double_server, "reset");
    dsql_do(double_server, "set sleeping on");
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
    assert_true(dsql_count(double_server, "refused") > 200);
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

    dsql_do(double_server, "set index_delay 3600");
    for (int extended = 0; extended < 2; extended++) {
        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
            (extended ? expect_extended : expect)(connection, allowed[i], "ok");
    }
    assert_int_equal(dsql_count(double_server, "refused"), 0);
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
    dsql_do(double_server, "set transaction_age 0");
    run(connection, "BEGIN");
    expect(connection, "SELECT 1", "54000 transaction age limit of 0s exceeded");
    run(connection, "ROLLBACK");
    run(connection, "BEGIN");
    expect(connection, "COMMIT", "54000 transaction age limit of 0s exceeded");
    assert_int_equal(PQtransactionStatus(connection), PQTRANS_IDLE);
    dsql_do(double_server, "set transaction_age 300");
    PQclear(PQexec(other, "SELECT 1"));
    run(other, "BEGIN");
    run(other, "INSERT INTO t VALUES (3, 'x')");
    dsql_do(double_server, "set connection_life 0");
    while (PQstatus(connection) == CONNECTION_OK)
        PQclear(PQexec(connection, "SELECT 1"));
    /* A transaction that began in time may end. */
    run(other, "COMMIT");
    while (PQstatus(other) == CONNECTION_OK)
        PQclear(PQexec(other, "SELECT 1"));
    assert_int_equal(dsql_count(double_server, "closed"), 2);
    PQfinish(connection);
    PQfinish(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_door, double_begin),
        cmocka_unit_test_setup(test_token_times, double_begin),
        cmocka_unit_test_setup(test_roles, double_begin),
        cmocka_unit_test_setup(test_crowds, double_begin),
        cmocka_unit_test_setup(test_refusals, double_begin),
        cmocka_unit_test_setup(test_allowed, double_begin),
        cmocka_unit_test_setup(test_shapes, double_begin),
        cmocka_unit_test_setup(test_schema_changes_alone, double_begin),
        cmocka_unit_test_setup(test_limits, double_begin),
        cmocka_unit_test_setup(test_transaction_size, double_begin),
        cmocka_unit_test_setup(test_large_message, double_begin),
        cmocka_unit_test_setup(test_ages, double_begin),
    };
    return cmocka_run_group_tests(tests, double_begin_all, double_end_all);
}
