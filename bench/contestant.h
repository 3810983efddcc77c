/* The benchmark: the same work done by several contestants in turn, each on a database file of its own. */
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
    LAST_PAGE,
    LAST_PAGE_BY_NUMBER,
    GET_THREAD,
    ROW_COUNT,
};

enum {
    MANY = 100,          /* messages in one call of SAVE_MANY */
    AT_ONCE = 64,        /* calls of SAVE_AT_ONCE that are under way together, each for a thread of its own */
    PAGE = 40,           /* messages on a page */
    LONG_THREAD = 10000, /* messages in the thread whose last page is read */
    CONTENT = 1024,      /* bytes of a message's content */
    ROUNDS_MOST = 64,
};

struct row_info {
    const char *key; /* as the peer's process knows it */
    const char *name;
    const char *unit;
    size_t operations; /* in a full round */
    size_t messages;   /* saved by one operation */
};

extern const struct row_info rows[ROW_COUNT];

/* Work made ready before the clock runs. */

struct note {
    char id[37];
    char thread[24];
    int64_t created_at;
    char content[CONTENT + 1];
};

struct batch {
    enum row row;
    size_t operations;
    struct note *notes; /* operations * rows[row].messages of them */
    size_t note_count;
    int64_t first; /* number of the first note; the peer's process makes its own from it */
};

/* Thread names: "one", "many", "long", and "agent-0" up to AT_ONCE of them. */
void thread_name(char *text, size_t size, const char *kind, size_t number);

/* Makes a batch; with `thread` all notes are for that one. Ends the program when memory is exhausted. */
struct batch *batch_new(enum row row, size_t operations, const char *thread);
void batch_free(struct batch *batch);

/* Contestants. */

struct contestant {
    const char *name;
    /* Opens a fresh file and saves the threads; NULL when it cannot, which has been told on stderr. */
    void *(*open)(const char *path);
    /* Does the work and gives the seconds it took, preparations not counted; less than 0 when it went wrong. */
    double (*run)(void *self, const struct batch *batch);
    /* False when there was something to complain about. */
    bool (*close)(void *self);
};

extern const struct contestant contestant_ours; /* the typed functions; calls at once by mastra_call_async */
extern const struct contestant contestant_call; /* mastra_call, JSON in and out */
extern const struct contestant contestant_raw;  /* SQLite with the same statements and nothing around them */
extern const struct contestant contestant_peer; /* @mastra/libsql in a Node.js process */

/* The program that runs JavaScript; needed before the peer is opened. */
void peer_use_node(const char *node);
/* What it runs on, "v20.1.0 @mastra/libsql 1.23.1"; empty before it has been opened. */
const char *peer_version(void);

/* The file whose schema is copied, one of ours; needed before raw is opened. */
void raw_use_schema_of(const char *path);

/* Seconds on a clock that only goes forward. */
double seconds_now(void);
int64_t milliseconds_now(void);

/* Results. */

/* Operations or messages a second in each round, by contestant; 0 where it did not take part. */
struct result {
    double ours[ROUNDS_MOST];
    double call[ROUNDS_MOST];
    double raw[ROUNDS_MOST];
    double peer[ROUNDS_MOST];
};

/* Prints the table, and writes the file when `path` is not NULL; false when it cannot be written. */
bool report(const struct result results[ROW_COUNT], size_t rounds, const char *path);

#endif
