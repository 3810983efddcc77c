#include "fault/double_lab.h"

#include "support/files.h"
#include "support/postgres.h"

#include <mastra/aws.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct dsql_server *double_server;

int double_begin_all(void **state)
{
    (void)state;
    double_server = dsql_start(NULL);
    return 0;
}

int double_end_all(void **state)
{
    (void)state;
    dsql_end(double_server);
    return 0;
}

/* An empty schema, and settings as at the start. */
int double_begin(void **state)
{
    (void)state;
    /* What a test that failed has left open would be in the way. */
    dsql_do(double_server, "drop");
    dsql_do(double_server, "reset");
    postgres_run_on(dsql_fact(double_server, "_POSTGRES"),
                    "SET client_min_messages TO error; DROP SCHEMA public CASCADE; CREATE SCHEMA public "
                    "AUTHORIZATION admin; TRUNCATE sys.double_jobs, sys.double_mappings; "
                    "GRANT USAGE ON SCHEMA public TO PUBLIC; DROP SCHEMA IF EXISTS mine CASCADE; "
                    "DROP ROLE IF EXISTS reader");
    return 0;
}

/* Connections. */

static const char *or_fact(const char *text, const char *fact)
{
    return text ? text : dsql_fact(double_server, fact);
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

PGconn *try_to_connect(struct login login)
{
    if (!login.user)
        login.user = "admin";
    char *token = login.password ? test_format("%s", login.password) : token_for(&login);
    const char *const names[] = {"host",    "hostaddr",    "port",   "user",    "dbname", "password",
                                 "sslmode", "sslrootcert", "sslsni", "options", NULL};
    const char *const values[] = {or_fact(login.host, "_HOST"),
                                  or_fact(login.address, "_ADDRESS"),
                                  dsql_fact(double_server, "_PORT"),
                                  login.user,
                                  login.database ? login.database : "postgres",
                                  token,
                                  login.mode ? login.mode : "verify-full",
                                  dsql_fact(double_server, "_CA"),
                                  login.sni ? login.sni : "1",
                                  login.options,
                                  NULL};
    PGconn *connection = PQconnectdbParams(names, values, 0);
    free(token);
    return connection;
}

PGconn *open_connection(void)
{
    PGconn *connection = try_to_connect((struct login){.user = "admin"});
    if (PQstatus(connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(connection));
    return connection;
}

void expect_denied(struct login login, const char *text)
{
    PGconn *connection = try_to_connect(login);
    if (PQstatus(connection) == CONNECTION_OK)
        fail_msg("a connection that was to be refused with: %s", text);
    if (!strstr(PQerrorMessage(connection), text))
        fail_msg("\"%s\" instead of \"%s\"", PQerrorMessage(connection), text);
    PQfinish(connection);
}

void expect_admitted(struct login login)
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

void expect_result(PGconn *connection, PGresult *result, const char *sql, const char *expected)
{
    const char *text = outcome(connection, result);
    if (!starts_as(text, expected))
        fail_msg("%.200s: \"%s\" instead of \"%s\"", sql, text, expected);
}

/* By the simple protocol. */
void expect(PGconn *connection, const char *sql, const char *expected)
{
    expect_result(connection, PQexec(connection, sql), sql, expected);
}

/* By the extended protocol. */
void expect_extended(PGconn *connection, const char *sql, const char *expected)
{
    expect_result(connection, PQexecParams(connection, sql, 0, NULL, NULL, NULL, NULL, 0), sql, expected);
}

void run(PGconn *connection, const char *sql)
{
    expect(connection, sql, "ok");
}

/* Rows as "a,b|c,d". */
void expect_rows(PGconn *connection, const char *sql, const char *expected)
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

void make_table(PGconn *connection)
{
    run(connection, "CREATE TABLE t (a integer PRIMARY KEY, b text)");
    run(connection, "INSERT INTO t VALUES (1, 'one'), (2, 'two')");
}
