/* Those who are compared: each does the same work on a file of its own and reports the seconds it took. */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all of them do. */
#define BENCH_CONTENT_SIZE 1024 /* bytes of content in a message */
#define BENCH_BATCH        100  /* messages in a call */
#define BENCH_SUBMITTED    64   /* single saves submitted at once */
#define BENCH_LONG_THREAD  10000
#define BENCH_PAGE         40

enum workload {
    SAVE_ONE,   /* single saves, one after the other, on one thread */
    SAVE_BATCH, /* calls with BENCH_BATCH messages */
    SUBMIT,     /* BENCH_SUBMITTED single saves at once, waiting for all */
    LAST_PAGE,  /* the last page of a thread of BENCH_LONG_THREAD, with the exact total where there is one */
    GET_THREAD, /* one thread by its id */
    WORKLOADS,
};

struct contestant {
    const char *name;

    /* Opens `path`, a file that does not exist yet, makes the tables, a thread "short" and a thread "long" of
     * BENCH_LONG_THREAD messages. NULL: it cannot take part, and has said why. */
    void *(*open)(const char *path);

    /* Does `count` units of the workload; returns the seconds, or a negative number after saying what failed. */
    double (*run)(void *self, enum workload workload, int count);

    void (*close)(void *self);
};

extern const struct contestant contestant_ours;
extern const struct contestant contestant_call;
extern const struct contestant contestant_raw;
extern const struct contestant contestant_peer;

/* What every contestant needs. */
double bench_seconds(void);
const char *bench_content(void); /* BENCH_CONTENT_SIZE bytes of JSON, a message in Mastra's second format */
int64_t bench_time(void);        /* milliseconds, one more with each call */
bool bench_complain(const char *who, const char *what);

/* Makes the tables in a fresh file. */
bool bench_make_tables(const char *path);

#endif
