#include "support/postgres.h"

#include "support/files.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FACTS   16
#define PREFIX  "MASTRA_TEST_POSTGRES"
#define SCRIPT  "tests/support/postgres-server"
#define MISSING 77 /* the script's exit status */

struct postgres_server {
    pid_t child;    /* 0: another program started it */
    FILE *commands; /* to the script, and its answers */
    FILE *answers;
    char *facts[FACTS]; /* "NAME=value" */
    size_t count;
};

static pthread_once_t shared_once = PTHREAD_ONCE_INIT;
static struct postgres_server *shared_server;

/* Becomes the script; its input and output are the two ends. */
static _Noreturn void become_script(int input, int output, const char *const *settings)
{
    const char *root = getenv("MASTRA_SOURCE_ROOT");
    char *path = test_format("%s/" SCRIPT, root ? root : MASTRA_TEST_ROOT);
    const char *arguments[64] = {path};
    size_t count = 1;
    for (; settings && *settings && count < 60; settings++) {
        arguments[count++] = "--option";
        arguments[count++] = *settings;
    }
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execv(path, (char *const *)(uintptr_t)arguments);
    perror(path);
    _exit(127);
}

/* Reads a line without its end; NULL at the end. To be freed. */
static char *read_line(FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = getline(&line, &size, file);
    if (len < 0) {
        free(line);
        return NULL;
    }
    if (len > 0 && line[len - 1] == '\n')
        line[len - 1] = '\0';
    return line;
}

static void read_facts(struct postgres_server *server)
{
    char *line = read_line(server->answers);
    while (line && *line) {
        if (server->count == FACTS)
            abort();
        server->facts[server->count++] = line;
        line = read_line(server->answers);
    }
    free(line);
}

/* NULL when there is no PostgreSQL. */
static struct postgres_server *run_script(const char *const *settings)
{
    int down[2];
    int up[2];
    struct postgres_server *server = calloc(1, sizeof(*server));
    if (!server || pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC))
        abort();
    server->child = fork();
    if (server->child < 0)
        abort();
    if (server->child == 0)
        become_script(down[0], up[1], settings);
    close(down[0]);
    close(up[1]);
    server->commands = fdopen(down[1], "w");
    server->answers = fdopen(up[0], "r");
    if (!server->commands || !server->answers)
        abort();
    read_facts(server);
    if (server->count > 0)
        return server;
    postgres_end(server);
    return NULL;
}

void postgres_end(struct postgres_server *server)
{
    if (!server)
        return;
    if (server->commands)
        fclose(server->commands);
    if (server->answers)
        fclose(server->answers);
    if (server->child > 0)
        waitpid(server->child, NULL, 0);
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
    shared_server = run_script(NULL);
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
    struct postgres_server *server = run_script(settings);
    if (!server)
        skip();
    return server;
}

void postgres_do(struct postgres_server *server, const char *word)
{
    assert_non_null(server->commands);
    fprintf(server->commands, "%s\n", word);
    fflush(server->commands);
    char *answer = read_line(server->answers);
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
