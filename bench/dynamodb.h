/* What the parts of the worker of the DynamoDB benchmark share; see dynamodb.mjs, which tells them what to do. */
#ifndef BENCH_DYNAMODB_H
#define BENCH_DYNAMODB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MANY = 100,         /* messages in one call of save_many */
    PAGE = 40,          /* messages on a page */
    THREAD = 1000,      /* messages in the thread that is read */
    SAVED_BYTES = 1024, /* of the content of messages that are saved */
    LISTED_BYTES = 400, /* of those that are read: the peer reads no more than 1 MB of a thread */
    TRANSACTION = 10,   /* items that DynamoDB Local takes in a transaction */
};

struct note {
    char id[40];
    const char *thread;
    int64_t created_at;
    char content[SAVED_BYTES + 1];
};

/* Messages with numbers from `first`, whose ids nobody else has; to be freed. Ends the program without memory. */
struct note *notes_new(size_t count, int64_t first, const char *thread, size_t bytes);

double seconds_now(void);

/* Each kind of work gives the seconds that it took, less than 0 when it failed, which has been told on stderr. */
struct worker {
    bool (*open)(const char *endpoint, const char *table);
    double (*save)(const struct note *notes, size_t count, size_t each);
    double (*page)(size_t operations, bool newest, bool total);
    double (*get_thread)(size_t operations);
    void (*close)(void);
};

extern const struct worker worker_ours;
extern const struct worker worker_raw;

#endif
