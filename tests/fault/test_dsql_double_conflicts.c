/* How the double of Aurora DSQL has transactions conflict, schemas change and commits fail. */
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
    assert_int_equal(dsql_count(double_server, "broken"), 0);
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
    dsql_do(double_server, "schema-changed");
    expect(pair.a, "SELECT 1", OC001);
    expect(pair.b, "UPDATE t SET b = 'x'", OC001);
    /* At the end of a transaction, too. */
    run(pair.b, "BEGIN");
    run(pair.b, "UPDATE t SET b = 'B' WHERE a = 1");
    dsql_do(double_server, "schema-changed");
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

    dsql_do(double_server, "fail 2 conflict");
    run(pair.a, "INSERT INTO t VALUES (3, '')");
    run(pair.a, "BEGIN; SELECT 1; COMMIT");
    run(pair.a, "BEGIN; INSERT INTO t VALUES (4, '')");
    expect(pair.a, "COMMIT", OC000);
    run(pair.a, "INSERT INTO t VALUES (5, '')");
    dsql_do(double_server, "fail 1 conflict");
    expect(pair.a, "INSERT INTO t VALUES (6, '')", OC000);
    dsql_do(double_server, "fail 1 cut-before");
    run(pair.a, "BEGIN");
    run(pair.a, "INSERT INTO t VALUES (7, '')");
    expect(pair.a, "COMMIT", "gone");
    dsql_do(double_server, "fail 1 cut-after");
    run(pair.b, "BEGIN");
    run(pair.b, "INSERT INTO t VALUES (8, '')");
    expect_extended(pair.b, "COMMIT", "gone");
    expect_rows(third, "SELECT a FROM t ORDER BY a", "1|2|3|5|8");
    dsql_do(double_server, "fail 1 cut-after");
    expect_extended(third, "INSERT INTO t VALUES (9, '')", "gone");
    PQfinish(third);
    third = open_connection();
    expect_rows(third, "SELECT a FROM t ORDER BY a", "1|2|3|5|8|9");
    dsql_do(double_server, "drop");
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

    dsql_do(double_server, "set index_delay 3600");
    PGresult *result = PQexec(pair.a, "CREATE UNIQUE INDEX ASYNC i ON t (b)");
    assert_string_equal(PQfname(result, 0), "job_id");
    assert_int_equal(strlen(PQgetvalue(result, 0, 0)), 26);
    PQclear(result);
    PQclear(PQexec(pair.b, "SELECT 1"));
    expect_rows(pair.b, "SELECT status, object_name FROM sys.jobs", "submitted,public.i");
    expect_rows(pair.b, "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'i'::regclass",
                "f,t");
    expect(pair.b, "INSERT INTO t VALUES (3, 'one')", "23505");
    dsql_do(double_server, "finish-jobs");
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
    dsql_do(double_server, "set index_delay 3600");
    PQclear(PQexec(pair.b, "SELECT 1"));
    run(pair.b, "CREATE INDEX ASYNC j ON t (b)");
    run(pair.b, "DROP INDEX j");
    dsql_do(double_server, "finish-jobs");
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
        cmocka_unit_test_setup(test_second_committer_loses, double_begin),
        cmocka_unit_test_setup(test_nobody_waits, double_begin),
        cmocka_unit_test_setup(test_circle, double_begin),
        cmocka_unit_test_setup(test_for_update_counts_as_written, double_begin),
        cmocka_unit_test_setup(test_same_key_twice, double_begin),
        cmocka_unit_test_setup(test_pipelines, double_begin),
        cmocka_unit_test_setup(test_pipelines_of_transactions, double_begin),
        cmocka_unit_test_setup(test_prepared, double_begin),
        cmocka_unit_test_setup(test_schema_changed, double_begin),
        cmocka_unit_test_setup(test_faults, double_begin),
        cmocka_unit_test_setup(test_indexes, double_begin),
        cmocka_unit_test_setup(test_failing_index, double_begin),
    };
    return cmocka_run_group_tests(tests, double_begin_all, double_end_all);
}
