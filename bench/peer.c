/* The peer: peer.mjs, on a file or on a server, in a Node.js process, which is told what to do line by line and times itself. */
#include "child.h"
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Sends a line and reads the line that answers it: numbers, the first of them seconds, or what went wrong. */
static double ask(struct child *peer, const char *what, size_t operations, int64_t first,
                  struct latency *latency)
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
    if (end == line) {
        fprintf(stderr, "bench: peer: %s: %s", what, line);
        return -1;
    }
    latency->p50 = strtod(end, &end);
    latency->p99 = strtod(end, &end);
    if (*end != '\n') {
        fprintf(stderr, "bench: peer: %s: %s", what, line);
        return -1;
    }
    return seconds;
}

static bool close_peer(void *self)
{
    struct child *peer = self;
    bool closed = child_end(peer);

    if (!closed) {
        fputs("bench: the peer's process did not end well\n", stderr);
    }
    free(peer);
    return closed;
}

/* It is taken as it is: there is no setting for synchronous. */
static void *open_peer(const char *path, bool full)
{
    const char *arguments[] = {node_program, "peer.mjs", NULL};
    struct child *peer = calloc(1, sizeof(*peer));

    (void)full;
    /* A place may hold a password, which arguments would show to everybody. */
    (void)setenv("MASTRA_BENCH_PLACE", path, 1);
    if (!peer || !child_start(peer, arguments)) {
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

static double run_peer(void *self, struct batch *batch)
{
    return ask(self, batch->key, batch->operations, batch->first, &batch->latency);
}

double peer_memory(void *self)
{
    struct latency ignored;

    return ask(self, "memory", 0, 0, &ignored);
}

const struct contestant contestant_peer = {"peer", open_peer, run_peer, close_peer};
