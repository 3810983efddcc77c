#include "child.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in the new process, and does not return. */
static void become(int requests, int answers, const char *const *arguments)
{
    if (dup2(requests, STDIN_FILENO) >= 0 && dup2(answers, STDOUT_FILENO) >= 0) {
        execv(arguments[0], (char *const *)arguments);
    }
    perror(arguments[0]);
    _exit(127);
}

bool child_start(struct child *child, const char *const *arguments)
{
    int requests[2];
    int answers[2];

    /* Closed on exec, or the next child would keep this one's input open. */
    if (pipe2(requests, O_CLOEXEC) != 0) {
        perror("bench: pipe");
        return false;
    }
    if (pipe2(answers, O_CLOEXEC) != 0) {
        perror("bench: pipe");
        (void)close(requests[0]);
        (void)close(requests[1]);
        return false;
    }
    child->pid = fork();
    if (child->pid == 0) {
        become(requests[0], answers[1], arguments);
    }
    (void)close(requests[0]);
    (void)close(answers[1]);
    child->requests = fdopen(requests[1], "w");
    child->answers = fdopen(answers[0], "r");
    return child->pid > 0 && child->requests && child->answers;
}

bool child_start_self(struct child *child, const char *option, const char *first, const char *second,
                      const char *third)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    const char *arguments[] = {path, option, first, second, third, NULL};

    if (len < 0) {
        perror("bench: /proc/self/exe");
        return false;
    }
    path[len] = '\0';
    return child_start(child, arguments);
}

double child_number(struct child *child)
{
    char line[64];
    char *end;
    double number;

    if (!fgets(line, sizeof(line), child->answers)) {
        return -1;
    }
    number = strtod(line, &end);
    return end > line && *end == '\n' ? number : -1;
}

bool child_end(struct child *child)
{
    int status = 0;

    (void)fclose(child->requests);
    (void)fclose(child->answers);
    return waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
