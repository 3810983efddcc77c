#include "support/script.h"

#include "support/files.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 64

struct script {
    pid_t child;
    FILE *input; /* of the script */
    FILE *output;
};

static _Noreturn void become(const char *name, const char *const *arguments, int input, int output)
{
    const char *root = getenv("MASTRA_SOURCE_ROOT");
    char *path = test_format("%s/tests/support/%s", root ? root : MASTRA_TEST_ROOT, name);
    const char *vector[MOST_ARGUMENTS] = {path};
    for (size_t i = 1; *arguments && i < MOST_ARGUMENTS - 1; i++)
        vector[i] = *arguments++;
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execv(path, (char *const *)(uintptr_t)vector);
    perror(path);
    _exit(127);
}

struct script *script_start(const char *name, const char *const *arguments)
{
    int down[2];
    int up[2];
    struct script *script = calloc(1, sizeof(*script));
    /* Programs that are started later must not keep the input open. */
    if (!script || pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC))
        abort();
    script->child = fork();
    if (script->child < 0)
        abort();
    if (script->child == 0)
        become(name, arguments, down[0], up[1]);
    close(down[0]);
    close(up[1]);
    script->input = fdopen(down[1], "w");
    script->output = fdopen(up[0], "r");
    if (!script->input || !script->output)
        abort();
    return script;
}

char *script_line(struct script *script)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = getline(&line, &size, script->output);
    if (len <= 0) {
        free(line);
        return NULL;
    }
    if (line[len - 1] == '\n')
        line[len - 1] = '\0';
    return line;
}

char *script_ask(struct script *script, const char *line)
{
    fprintf(script->input, "%s\n", line);
    fflush(script->input);
    return script_line(script);
}

void script_end(struct script *script)
{
    if (!script)
        return;
    fclose(script->input);
    fclose(script->output);
    waitpid(script->child, NULL, 0);
    free(script);
}
