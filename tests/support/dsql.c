#include "support/dsql.h"

#include "support/files.h"
#include "support/script.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define FACTS  32
#define PREFIX "MASTRA_TEST_DSQL"
#define ANSWER 65536

struct dsql_server {
    struct script *script; /* NULL: another program started it */
    char *facts[FACTS];    /* "NAME=value" */
    size_t count;
};

static pthread_once_t shared_once = PTHREAD_ONCE_INIT;
static struct dsql_server *shared_server;

/* NULL when there is no PostgreSQL. */
static struct dsql_server *start_server(const char *const *settings)
{
    const char *arguments[64] = {NULL};
    struct dsql_server *server = calloc(1, sizeof(*server));
    if (!server)
        abort();
    for (size_t i = 0; settings && *settings && i < 60; settings++) {
        arguments[i++] = "--set";
        arguments[i++] = *settings;
    }
    server->script = script_start("dsql-server", arguments);
    char *line = script_line(server->script);
    for (; line && *line; line = script_line(server->script)) {
        if (server->count == FACTS)
            abort();
        server->facts[server->count++] = line;
    }
    free(line);
    if (server->count > 0)
        return server;
    dsql_end(server);
    return NULL;
}

void dsql_end(struct dsql_server *server)
{
    if (!server)
        return;
    script_end(server->script);
    for (size_t i = 0; i < server->count; i++)
        free(server->facts[i]);
    free(server);
}

/* What the environment tells; NULL when it tells nothing. */
static struct dsql_server *from_environment(char **environment)
{
    struct dsql_server *server = calloc(1, sizeof(*server));
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
    /* A child of ours that ends by exit() must leave the double to us; the script ends with our end of its pipe. */
    dsql_end(shared_server);
    shared_server = NULL;
}

/* So that stores find the key, and none that the machine may have. */
static void export_key(const struct dsql_server *server)
{
    setenv("AWS_ACCESS_KEY_ID", dsql_fact(server, "_KEY_ID"), 1);
    setenv("AWS_SECRET_ACCESS_KEY", dsql_fact(server, "_SECRET"), 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    unsetenv("AWS_SESSION_TOKEN");
    unsetenv("AWS_PROFILE");
}

static void find_shared(void)
{
    shared_server = from_environment(environ);
    if (!shared_server) {
        shared_server = start_server(NULL);
        if (shared_server)
            atexit(end_shared);
    }
    if (shared_server)
        export_key(shared_server);
}

struct dsql_server *dsql_shared(void)
{
    pthread_once(&shared_once, find_shared);
    return shared_server;
}

struct dsql_server *dsql_wanted(void)
{
    struct dsql_server *server = dsql_shared();
    if (!server)
        skip();
    return server;
}

struct dsql_server *dsql_start(const char *const *settings)
{
    struct dsql_server *server = start_server(settings);
    if (!server)
        skip();
    export_key(server);
    return server;
}

const char *dsql_fact(const struct dsql_server *server, const char *name)
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

/* One line there and one back; NULL when nobody is there. */
static char *exchange(const char *path, const char *command)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char *answer = calloc(1, ANSWER);
    size_t len = 0;
    ssize_t got = 1;
    if (!answer || fd < 0)
        abort();
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && dprintf(fd, "%s\n", command) > 0) {
        while (got > 0 && len < ANSWER - 1 && !memchr(answer, '\n', len)) {
            got = read(fd, answer + len, ANSWER - 1 - len);
            len += got > 0 ? (size_t)got : 0;
        }
    }
    close(fd);
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

char *dsql_ask(const struct dsql_server *server, const char *command)
{
    char *answer = exchange(dsql_fact(server, "_CONTROL"), command);
    char text[400];
    bool good = strncmp(answer, "ok", 2) == 0;
    char *rest = test_format("%s", good ? answer + 2 + strspn(answer + 2, " ") : "");
    snprintf(text, sizeof(text), "%s", answer);
    free(answer);
    if (!good) {
        free(rest);
        fail_msg("%s: %s", command, text);
    }
    return rest;
}

void dsql_do(const struct dsql_server *server, const char *command)
{
    free(dsql_ask(server, command));
}

long long dsql_count(const struct dsql_server *server, const char *name)
{
    char *command = test_format("count %s", name);
    char *answer = dsql_ask(server, command);
    long long number = strtoll(answer, NULL, 10);
    free(command);
    free(answer);
    return number;
}

char *dsql_url(const struct dsql_server *server, const char *more)
{
    /* A busy machine may take longer than the five seconds that are usual. */
    const char *patience = strstr(more, "connectionTimeoutMillis") ? "" : "&connectionTimeoutMillis=120000";
    return test_format("dsql://%s?hostaddr=%s&port=%s&sslrootcert=%s%s%s", dsql_fact(server, "_HOST"),
                       dsql_fact(server, "_ADDRESS"), dsql_fact(server, "_PORT"), dsql_fact(server, "_CA"),
                       patience, more);
}
