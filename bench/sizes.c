/* Bytes on the disk and in memory after a load; each in a process of its own, so that none hides in another's. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes resident in this process; less than 0 when that cannot be found out. */
static double memory_now(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = -1;

    while (file && fgets(line, sizeof(line), file)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kilobytes = strtod(line + 6, NULL);
        }
    }
    if (file) {
        (void)fclose(file);
    }
    return kilobytes * 1024;
}

/* By calls of MANY, of which only one is kept in memory at a time. */
static bool load(const struct contestant *contestant, void *self)
{
    for (int i = 0; i < LONG_THREAD / MANY; i++) {
        struct batch *batch = batch_new_fill(1);
        bool saved = contestant->run(self, batch) > 0;

        batch_free(batch);
        if (!saved) {
            return false;
        }
    }
    return true;
}

int load_main(const char *name, const char *path, const char *schema)
{
    for (int i = 0; i < PEER; i++) {
        void *self;
        bool loaded;

        if (strcmp(contestants[i]->name, name) != 0) {
            continue;
        }
        raw_use_schema_of(schema);
        self = contestants[i]->open(path, false);
        loaded = self && load(contestants[i], self);
        printf("%.0f\n", memory_now());
        return loaded && contestants[i]->close(self) ? 0 : 1;
    }
    return 1;
}

static bool load_apart(const struct bench *bench, int contestant, const char *path, double *ret_memory)
{
    struct child child;

    if (!child_start_self(&child, "--load", contestants[contestant]->name, path,
                          bench->players[0][OURS].path)) {
        return false;
    }
    *ret_memory = child_number(&child);
    return child_end(&child) && *ret_memory > 0;
}

static bool load_peer(const char *path, double *ret_memory)
{
    void *peer = contestant_peer.open(path, false);
    bool loaded = peer && load(&contestant_peer, peer);

    *ret_memory = loaded ? peer_memory(peer) : -1;
    return peer && contestant_peer.close(peer) && loaded;
}

void measure_sizes(struct bench *bench)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        char path[4100];
        struct stat info = {0};
        bool loaded;

        if (!bench->players[0][i].self) {
            continue;
        }
        fresh_path(path, sizeof(path), bench->players[0][i].path);
        loaded = i == PEER ? load_peer(path, &bench->sizes.memory[i])
                           : load_apart(bench, i, path, &bench->sizes.memory[i]);
        loaded = loaded && stat(path, &info) == 0;
        remove_database(path);
        if (!loaded) {
            give_up("a load in a process of its own failed");
        }
        bench->sizes.bytes[i] = (double)info.st_size / LONG_THREAD;
    }
}
