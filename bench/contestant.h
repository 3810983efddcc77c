/* The benchmark: the same work done by several contestants in turn, each on database files of its own. */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is measured. */
enum row {
    SAVE_ONE,
    SAVE_MANY,
    SAVE_AT_ONCE,
    SAVE_THREADS,
    FULL_ONE,
    FULL_MANY,
    FULL_AT_ONCE,
    FULL_THREADS,
    NEWEST_LONG,
    NEWEST_HUGE,
    LAST_LONG,
    LAST_HUGE,
    NEWEST_BESIDE,
    NEWEST_NO_TOTAL,
    GET_THREAD,
    PERSIST,
    CREATE_SPANS,
    GET_TRACE,
    LIST_TRACES,
    START,
    ROW_COUNT,
};

enum work {
    WORK_SAVE,    /* call after call */
    WORK_AT_ONCE, /* AT_ONCE calls under way together, each for a thread of its own */
    WORK_THREADS, /* the same by as many threads of the program, each with one call at a time */
    WORK_PAGE,
    WORK_GET_THREAD,
    WORK_PERSIST,
    WORK_SPANS,
    WORK_TRACE,
    WORK_TRACES,
    WORK_START,
};

enum {
    MANY = 100,           /* messages in one call of SAVE_MANY, spans in one of CREATE_SPANS */
    AT_ONCE = 64,         /* calls that are under way together */
    PAGE = 40,            /* messages on a page */
    LONG_THREAD = 10000,  /* messages in the threads whose pages are read */
    HUGE_THREAD = 100000, /* filled by ours, and copied for the others */
    CONTENT = 1024,       /* bytes of a message's content */
    RUNS = 8,             /* workflow runs that are saved again and again */
    SNAPSHOT = 20480,     /* bytes of a run's snapshot */
    TRACES = 2000,        /* traces with a root */
    TRACE_SPANS = 200,    /* spans of the trace that is read */
    TRACES_PAGE = 10,
    THREAD_KINDS = 5,
    ROUNDS_MOST = 64,
};

enum contestant_id {
    OURS,
    CALL,
    RAW,
    PEER,
    CONTESTANTS,
};

struct row_info {
    const char *key; /* as the peer's process knows it */
    const char *name;
    const char *unit;
    enum work work;
    size_t operations; /* in a full round */
    size_t things;     /* messages or spans saved by one operation; 0: operations are counted */
    size_t fewer;      /* the peer does only the so-many-th part of the operations */
    const char *thread;
    bool full; /* on the file with synchronous=FULL */
    bool newest_first;
    bool no_total;
    bool beside; /* while another process writes */
};

extern const struct row_info rows[ROW_COUNT];

/* Threads with names of their own, of which the files have one each; besides them "agent-0" up to AT_ONCE. */
extern const char *const thread_kinds[THREAD_KINDS];
void agent_name(char text[24], size_t number);

/* Work made ready before the clock runs. */

struct note {
    char id[37];
    char thread[24];
    int64_t created_at;
    char content[CONTENT + 1];
};

struct span_note {
    char trace[24];
    char id[17];
    int64_t started_at;
    bool root;
};

struct latency {
    double p50; /* microseconds */
    double p99;
};

struct batch {
    enum row row;
    const char *key; /* what the peer is told to do */
    size_t operations;
    int64_t
        first; /* number of the first thing; the peer's process makes its own from it. Pages: of the newest */
    struct note *notes;
    size_t note_count;
    struct span_note *spans;
    size_t span_count;
    char **snapshots; /* one for each operation */
    double *laps;     /* where saves one after another put the seconds of each; NULL: nowhere */
    struct latency latency;
};

/* All of these end the program when memory is exhausted. */
struct batch *batch_new(enum row row, size_t operations);
struct batch *batch_new_fill(size_t calls); /* saves LONG_THREAD's messages, by calls of MANY */
struct batch *batch_new_huge(void);         /* a tenth of HUGE_THREAD's */
struct batch *batch_new_spans(const char *key, size_t count); /* "fill_roots", "fill_trace" */
void batch_free(struct batch *batch);
/* Fills in the latency from the laps. */
void batch_sum_up(struct batch *batch);

/* What all spans hold, each a JSON object. */
extern const char span_attributes[];
extern const char span_input[];
extern const char span_output[];

#define FIRST_TIME   INT64_C(1700000000000)

/* What the numbers of messages by another process begin from: none of ours. */
#define WRITER_FIRST (INT64_C(1) << 40)
void note_make(struct note *note, const char *thread, int64_t number);

/* Contestants. */

struct contestant {
    const char *name;
    /* Opens a fresh file, or a fresh schema of a server, and saves the threads; NULL when it cannot, which has been told on stderr. */
    void *(*open)(const char *path, bool full);
    /* Does the work and gives the seconds it took, preparations not counted; less than 0 when it went wrong. */
    double (*run)(void *self, struct batch *batch);
    /* False when there was something to complain about. */
    bool (*close)(void *self);
};

extern const struct contestant contestant_ours; /* the typed functions; calls at once by mastra_call_async */
extern const struct contestant contestant_call; /* mastra_call, JSON in and out */
extern const struct contestant contestant_raw;  /* SQLite with the same statements and nothing around them */
extern const struct contestant contestant_peer; /* Mastra's adapter in a Node.js process */

/* In the order of enum contestant_id; each program of the benchmark has its own. */
extern const struct contestant *const contestants[CONTESTANTS];

/* The program that runs JavaScript; needed before the peer is opened. */
void peer_use_node(const char *node);
/* What it runs on, "v20.1.0 @mastra/libsql 1.23.1"; empty before it has been opened. */
const char *peer_version(void);
/* Resident memory of the peer's process in bytes; less than 0 when it cannot tell. */
double peer_memory(void *self);

/* The file whose schema is copied, one of ours; needed before raw is opened. */
void raw_use_schema_of(const char *path);

/* Seconds on a clock that only goes forward. */
double seconds_now(void);
int64_t milliseconds_now(void);
/* A file that nobody has used, beside `path`. */
void fresh_path(char *text, size_t size, const char *path);
/* Removes a database with what SQLite puts beside it. */
void remove_database(const char *path);

#endif
