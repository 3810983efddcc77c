#include "support/postgres.h"

#include "support/files.h"
#include "support/script.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FACTS  16
#define PREFIX "MASTRA_TEST_POSTGRES"

struct postgres_server {
    struct script *script; /* NULL: another program started it */
    char *facts[FACTS];    /* "NAME=value" */
    size_t count;
};

static pthread_once_t shared_once = PTHREAD_ONCE_INIT;
static struct postgres_server *shared_server;

/* NULL when there is no PostgreSQL. */
static struct postgres_server *start_server(const char *const *settings)
{
    const char *arguments[64] = {NULL};
    struct postgres_server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    for (size_t i = 0; settings && *settings && i < 60; settings++) {
        arguments[i++] = "--option";
        arguments[i++] = *settings;
    }
    server->script = script_start("postgres-server", arguments);
    char *line = script_line(server->script);
    for (; line && *line; line = script_line(server->script)) {
        if (server->count == FACTS)
            abort();
        server->facts[server->count++] = line;
    }
    free(line);
    if (server->count > 0)
        return server;
    postgres_end(server);
    return NULL;
}

void postgres_end(struct postgres_server *server)
{
    if (!server)
        return;
    script_end(server->script);
    for (size_t i = 0; i < server->count; i++)
        free(server->facts[i]);
    free(server);
}

/* What the environment tells; NULL when it tells nothing. */
static struct postgres_server *from_environment(char **environment)
{
    struct postgres_server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    for (; *environment; environment++) {
        if (strncmp(*environment, PREFIX, strlen(PREFIX)) == 0 && server->count < FACTS)
            server->facts[server->count++] = test_format("%s", *environment);
    }
    if (server->count > 0)
        return server;
    free(server);
    return NULL;
}

static void end_shared(void)
{
    /* A child of ours that ends by exit() must leave the server to us; the script ends with our end of its pipe. */
    postgres_end(shared_server);
    shared_server = NULL;
}

static void find_shared(void)
{
    shared_server = from_environment(environ);
    if (shared_server)
        return;
    shared_server = start_server(NULL);
    if (shared_server)
        atexit(end_shared);
}

struct postgres_server *postgres_shared(void)
{
    pthread_once(&shared_once, find_shared);
    return shared_server;
}

struct postgres_server *postgres_wanted(void)
{
    struct postgres_server *server = postgres_shared();
    if (!server)
        skip();
    return server;
}

struct postgres_server *postgres_start(const char *const *settings)
{
    struct postgres_server *server = start_server(settings);
    if (!server)
        skip();
    return server;
}

void postgres_do(struct postgres_server *server, const char *word)
{
    assert_non_null(server->script);
    char *answer = script_ask(server->script, word);
    bool fine = answer && strcmp(answer, "ok") == 0;
    char text[400];
    snprintf(text, sizeof(text), "%s", answer ? answer : "the server's script ended");
    free(answer);
    if (!fine)
        fail_msg("%s: %s", word, text);
}

const char *postgres_fact(const struct postgres_server *server, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < server->count; i++) {
        const char *fact = server->facts[i] + strlen(PREFIX);
        if (strncmp(fact, name, len) == 0 && fact[len] == '=')
            return fact + len + 1;
    }
    fprintf(stderr, "nothing is known of " PREFIX "%s\n", name);
    abort();
}

char *postgres_url(const struct postgres_server *server, const char *more)
{
    return test_format("%s%s", postgres_fact(server, ""), more);
}

char *postgres_schema_name(void)
{
    static atomic_uint next;
    /* Tests of other programs share the database, and process ids come again within a run. */
    return test_format("t%d_%u_%lld", (int)getpid(), atomic_fetch_add(&next, 1), (long long)time(NULL));
}

PGconn *postgres_connect(const char *url)
{
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK) {
        char text[400];
        snprintf(text, sizeof(text), "%s", PQerrorMessage(connection));
        PQfinish(connection);
        fail_msg("%s", text);
    }
    return connection;
}

void postgres_close(PGconn *connection)
{
    PQfinish(connection);
}

static PGresult *results_of(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
        char text[400];
        snprintf(text, sizeof(text), "%s", PQerrorMessage(connection));
        PQclear(result);
        fail_msg("%.300s\n  %s", sql, text);
    }
    return result;
}

void postgres_run(PGconn *connection, const char *sql)
{
    PQclear(results_of(connection, sql));
}

char *postgres_text(PGconn *connection, const char *sql)
{
    PGresult *result = results_of(connection, sql);
    char *text = NULL;
    if (PQntuples(result) > 0 && !PQgetisnull(result, 0, 0))
        text = test_format("%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return text;
}

void postgres_run_on(const char *url, const char *sql)
{
    PGconn *connection = postgres_connect(url);
    postgres_run(connection, sql);
    postgres_close(connection);
}

char *postgres_text_on(const char *url, const char *sql)
{
    PGconn *connection = postgres_connect(url);
    char *text = postgres_text(connection, sql);
    postgres_close(connection);
    return text;
}
