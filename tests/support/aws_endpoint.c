#include "support/aws_endpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/files.h"

static _Noreturn void give_up(const char *what)
{
    perror(what);
    abort();
}

static _Noreturn void become(const char *certificate, const char *key, int input, int output)
{
    const char *root = getenv("MASTRA_SOURCE_ROOT");
    char *path = test_format("%s/tests/support/aws-endpoint", root ? root : ".");

    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0)
        _exit(126);
    execl(path, path, certificate, key, (char *)NULL);
    _exit(127);
}

void aws_endpoint_start(struct aws_endpoint *endpoint, const char *certificate, const char *key)
{
    int input[2], output[2], port = 0, secure_port = 0;

    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC))
        give_up("pipe");
    endpoint->pid = fork();
    if (endpoint->pid < 0)
        give_up("fork");
    if (endpoint->pid == 0)
        become(certificate, key, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    endpoint->input = input[1];

    FILE *said = fdopen(output[0], "r");
    if (!said || fscanf(said, certificate ? "%d %d" : "%d", &port, &secure_port) < 1)
        give_up("aws-endpoint");
    fclose(said);
    snprintf(endpoint->base, sizeof(endpoint->base), "http://127.0.0.1:%d", port);
    snprintf(endpoint->secure, sizeof(endpoint->secure), "https://localhost:%d", secure_port);
}

void aws_endpoint_stop(struct aws_endpoint *endpoint)
{
    int status;

    close(endpoint->input);
    if (waitpid(endpoint->pid, &status, 0) < 0)
        give_up("waitpid");
}
