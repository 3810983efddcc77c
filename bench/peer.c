/* Mastra's own adapter, in a Node.js process that is told what to do over a pipe. */
#include "contestant.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
    pid_t pid;
    FILE *to;
    FILE *from;
};

static const char *const names[WORKLOADS] = {"save_one", "save_batch", "submit", "last_page", "get_thread"};

static void close_peer(void *user)
{
    struct peer *self = user;

    if (self->to) {
        fclose(self->to);
    }
    if (self->from) {
        fclose(self->from);
    }
    if (self->pid > 0) {
        waitpid(self->pid, NULL, 0);
    }
    free(self);
}

/* The answer is the seconds it took. */
static double ask(struct peer *self, const char *what, int count)
{
    char line[256];
    char *end;
    double seconds;

    fprintf(self->to, "%s %d\n", what, count);
    fflush(self->to);
    if (!fgets(line, sizeof line, self->from)) {
        bench_complain("peer", "gave no answer");
        return -1;
    }
    seconds = strtod(line, &end);
    if (end == line || *end != '\n') {
        bench_complain("peer", line);
        return -1;
    }
    return seconds;
}

static bool start(struct peer *self, const char *path)
{
    int in[2];
    int out[2];

    if (pipe(in) != 0 || pipe(out) != 0) {
        return bench_complain("peer", "no pipe");
    }
    self->pid = fork();
    if (self->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execl("../scripts/node", "node", "peer.mjs", path, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    self->to = fdopen(in[1], "w");
    self->from = fdopen(out[0], "r");
    return self->pid > 0 && self->to && self->from;
}

static void *open_peer(const char *path)
{
    struct peer *self = calloc(1, sizeof *self);

    signal(SIGPIPE, SIG_IGN);
    if (!self) {
        return NULL;
    }
    if (!start(self, path) || ask(self, "open", BENCH_LONG_THREAD) < 0) {
        close_peer(self);
        return NULL;
    }
    return self;
}

static double run(void *self, enum workload workload, int count)
{
    return ask(self, names[workload], count);
}

const struct contestant contestant_peer = {"peer", open_peer, run, close_peer};
