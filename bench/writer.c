/* Another process that commits a hundred times a second to another thread of the file. */
#include "bench.h"
#include "raw.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_NS 10000000

/* Waits until it writes: its first line. */
bool writer_start(struct child *writer, const char *path)
{
    char line[64];

    return child_start_self(writer, "--write", path, NULL, NULL) &&
           fgets(line, sizeof(line), writer->answers) != NULL;
}

bool writer_end(struct child *writer, size_t *ret_saved)
{
    double saved = -1;

    if (fputc('\n', writer->requests) != EOF && fflush(writer->requests) == 0) {
        saved = child_number(writer);
    }
    *ret_saved = saved > 0 ? (size_t)saved : 0;
    return child_end(writer) && saved > 0;
}

/* Asked to end as soon as there is anything to read. */
static bool asked_to_end(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) != 0;
}

static void wait_until(struct timespec *next)
{
    next->tv_nsec += INTERVAL_NS;
    if (next->tv_nsec >= 1000000000) {
        next->tv_nsec -= 1000000000;
        next->tv_sec++;
    }
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int writer_main(const char *path)
{
    struct raw *raw = raw_open_existing(path, 5000);
    int64_t number = WRITER_FIRST + milliseconds_now() * 64;
    size_t saved = 0;
    struct timespec next;
    struct note note;

    if (!raw) {
        return 1;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    do {
        note_make(&note, "other", number++);
        note.created_at = milliseconds_now();
        if (!raw_save_one(raw, &note)) {
            raw_complain(raw, "the process that writes");
            return 1;
        }
        if (saved++ == 0) {
            puts("writing");
            (void)fflush(stdout);
        }
        wait_until(&next);
    } while (!asked_to_end());
    printf("%zu\n", saved);
    return raw_close(raw) ? 0 : 1;
}
