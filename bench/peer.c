/* The peer: peer.mjs in a Node.js process, which is told what to do line by line and times itself. */
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
    pid_t pid;
    FILE *requests;
    FILE *answers;
};

static const char *node_program;
static char version[128];

void peer_use_node(const char *node)
{
    node_program = node;
}

const char *peer_version(void)
{
    return version;
}

/* Sends a line and reads the line that answers it: a number of seconds, or what went wrong. */
static double ask(struct peer *peer, const char *what, size_t operations, int64_t first)
{
    char line[512];
    char *end;
    double seconds;

    if (fprintf(peer->requests, "%s %zu %lld\n", what, operations, (long long)first) < 0 ||
        fflush(peer->requests) != 0 || !fgets(line, sizeof(line), peer->answers)) {
        fputs("bench: the peer's process has gone\n", stderr);
        return -1;
    }
    seconds = strtod(line, &end);
    if (end == line || *end != '\n') {
        fprintf(stderr, "bench: peer: %s: %s", what, line);
        return -1;
    }
    return seconds;
}

static bool close_peer(void *self)
{
    struct peer *peer = self;
    int status = 0;
    bool closed;

    (void)fclose(peer->requests);
    (void)fclose(peer->answers);
    closed = waitpid(peer->pid, &status, 0) == peer->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!closed) {
        fputs("bench: the peer's process did not end well\n", stderr);
    }
    free(peer);
    return closed;
}

/* Runs in the new process, and does not return. */
static void become_peer(int requests, int answers, const char *path)
{
    if (dup2(requests, STDIN_FILENO) >= 0 && dup2(answers, STDOUT_FILENO) >= 0) {
        execl(node_program, node_program, "peer.mjs", path, (char *)NULL);
    }
    perror(node_program);
    _exit(127);
}

static bool start(struct peer *peer, const char *path)
{
    int requests[2];
    int answers[2];

    if (pipe(requests) != 0) {
        return false;
    }
    if (pipe(answers) != 0) {
        (void)close(requests[0]);
        (void)close(requests[1]);
        return false;
    }
    peer->pid = fork();
    if (peer->pid == 0) {
        (void)close(requests[1]);
        (void)close(answers[0]);
        become_peer(requests[0], answers[1], path);
    }
    (void)close(requests[0]);
    (void)close(answers[1]);
    peer->requests = fdopen(requests[1], "w");
    peer->answers = fdopen(answers[0], "r");
    return peer->pid > 0 && peer->requests && peer->answers;
}

static void *open_peer(const char *path)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (!peer || !start(peer, path)) {
        perror("bench: the peer's process");
        free(peer);
        return NULL;
    }
    if (!fgets(version, sizeof(version), peer->answers)) {
        (void)close_peer(peer);
        return NULL;
    }
    version[strcspn(version, "\n")] = '\0';
    return peer;
}

static double run_peer(void *self, const struct batch *batch)
{
    bool fills = batch->note_count > 0 && strcmp(batch->notes[0].thread, "long") == 0;

    return ask(self, fills ? "fill" : rows[batch->row].key, batch->operations, batch->first);
}

const struct contestant contestant_peer = {"peer", open_peer, run_peer, close_peer};
