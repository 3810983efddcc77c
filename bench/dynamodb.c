/*
 * bench-dynamodb ours|raw ENDPOINT TABLE: a contestant of bench/dynamodb.mjs. Reads lines "ROW OPERATIONS FIRST", does
 * the work, answers with the seconds that it took, or with what is wrong.
 */
#include "dynamodb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_TIME INT64_C(1700000000000)

double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct note *notes_new(size_t count, int64_t first, const char *thread, size_t bytes)
{
    struct note *notes = calloc(count, sizeof(*notes));

    if (!notes) {
        fputs("no memory\n", stderr);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        struct note *note = &notes[i];
        int64_t number = first + (int64_t)i;
        static const char head[] = "{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"";
        static const char tail[] = "\"}]}";

        (void)snprintf(note->id, sizeof(note->id), "%08x-0000-4000-8000-%012llx", (unsigned)getpid(),
                       (unsigned long long)number);
        note->thread = thread;
        note->created_at = FIRST_TIME + number;
        memset(note->content, 'a', bytes);
        memcpy(note->content, head, sizeof(head) - 1);
        memcpy(note->content + bytes - (sizeof(tail) - 1), tail, sizeof(tail));
    }
    return notes;
}

static double save(const struct worker *worker, size_t calls, size_t each, int64_t first, const char *thread,
                   size_t bytes)
{
    struct note *notes = notes_new(calls * each, first, thread, bytes);
    double seconds = worker->save(notes, calls * each, each);

    free(notes);
    return seconds;
}

static double work(const struct worker *worker, const char *row, size_t operations, int64_t first)
{
    if (strcmp(row, "save_one") == 0) {
        return save(worker, operations, 1, first, "one", SAVED_BYTES);
    }
    if (strcmp(row, "save_many") == 0) {
        return save(worker, operations, MANY, first, "many", SAVED_BYTES);
    }
    if (strcmp(row, "fill") == 0) {
        return save(worker, operations, MANY, first, "long", LISTED_BYTES);
    }
    if (strcmp(row, "last_page") == 0) {
        return worker->page(operations, false, true);
    }
    if (strcmp(row, "newest_page") == 0) {
        return worker->page(operations, true, false);
    }
    return strcmp(row, "get_thread") == 0 ? worker->get_thread(operations) : -1;
}

int main(int argc, char **argv)
{
    const struct worker *worker = argc == 4 && strcmp(argv[1], "raw") == 0 ? &worker_raw : &worker_ours;
    char row[32];
    unsigned long operations;
    long long first;

    if (argc != 4) {
        fputs("usage: bench-dynamodb ours|raw ENDPOINT TABLE\n", stderr);
        return 2;
    }
    if (!worker->open(argv[2], argv[3])) {
        return 1;
    }
    printf("%s\n", argv[1]);
    (void)fflush(stdout);
    while (scanf("%31s %lu %lld", row, &operations, &first) == 3) {
        double seconds = work(worker, row, operations, first);

        if (seconds >= 0) {
            printf("%.9f\n", seconds);
        } else {
            puts("failed, see above");
        }
        (void)fflush(stdout);
    }
    worker->close();
    return 0;
}
