/* What is running, and what has come out. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "child.h"
#include "contestant.h"

enum {
    FILES = 2, /* the ordinary one, and the one with synchronous=FULL */
};

/* Of one contestant on one file. */
struct player {
    void *self; /* NULL: does not take part */
    char path[300];
    size_t messages; /* that it must hold in the end */
    size_t spans;
    int64_t last_run; /* number of the last snapshot; 0: none */
};

/* By contestant and round; 0 where it did not take part. */
struct result {
    double rates[CONTESTANTS][ROUNDS_MOST];
    double p50[CONTESTANTS][ROUNDS_MOST];
    double p99[CONTESTANTS][ROUNDS_MOST];
};

struct sizes {
    double bytes[CONTESTANTS];  /* of the file for each message */
    double memory[CONTESTANTS]; /* bytes resident in the process */
};

/* What ours is to reach; 0: anything will do. */
struct target {
    enum row row;
    double of_raw;
    double of_peer;
};

struct bench {
    const char *server; /* what all work on; NULL: files */
    const struct target *targets;
    size_t target_count;
    char folder[256];
    int folder_fd;
    struct player players[FILES][CONTESTANTS];
    size_t rounds;
    size_t warm_up; /* rounds before them that are not counted */
    size_t divisor; /* of the operations in a round */
    const char *json;
    const char *only;    /* key of the rows to run; NULL: all */
    int who;             /* the only contestant; -1: all */
    int64_t newest_long; /* numbers of the newest messages of the two threads that are read */
    int64_t newest_huge;
    struct result results[ROW_COUNT];
    struct sizes sizes;
};

/* Ends the program. */
void give_up(const char *why);

/* Gives the seconds; what must be in the file then is counted. Ends the program when the contestant fails. */
double play(struct player *player, int contestant, struct batch *batch);

/* Fills the files with what is read later. */
void fill(struct bench *bench);

/* Looks into the files that the contestants leave: nobody wins by doing nothing. */
bool check_file(const struct bench *bench, int file, int contestant);

/* Another process that saves a message a hundred times a second. */
bool writer_start(struct child *writer, const char *path);
/* Ends it, and counts what it has saved. */
bool writer_end(struct child *writer, size_t *ret_saved);
/* The same from inside: all of that process. */
int writer_main(const char *path);

/* Loads as many messages as the long thread has into a file of its own, by each in a process of its own. */
void measure_sizes(struct bench *bench);
int load_main(const char *name, const char *path, const char *schema);

/* Prints the tables, and writes the file when `path` is not NULL; false when it cannot be written. */
bool report(const struct bench *bench, const char *path);

#endif
