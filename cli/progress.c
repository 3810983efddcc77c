#include "progress.h"
#include "text.h"

#include <time.h>
#include <unistd.h>

#define REDRAW_MS 100
#define LINE_MS   10000
#define BAR       24

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, bool quiet)
{
    *progress = (struct progress){.shown = !quiet, .terminal = isatty(STDERR_FILENO) == 1, .unit = "rows"};
    progress->began_ms = now_ms();
    progress->told_ms = progress->began_ms;
}

/* "45 s", "12 min", "3 h" */
static void write_left(int64_t seconds)
{
    if (seconds < 120) {
        fprintf(stderr, "%lld s", (long long)seconds);
    } else if (seconds < 7200) {
        fprintf(stderr, "%lld min", (long long)(seconds / 60));
    } else {
        fprintf(stderr, "%lld h", (long long)(seconds / 3600));
    }
}

static void write_rate(const struct progress *progress, int64_t done, int64_t elapsed_ms)
{
    int64_t rate = elapsed_ms > 0 ? done * 1000 / elapsed_ms : 0;

    fprintf(stderr, "%lld of %lld %s", (long long)done, (long long)progress->total, progress->unit);
    if (rate > 0) {
        fprintf(stderr, ", %lld/s", (long long)rate);
    }
    if (rate > 0 && progress->total > done) {
        fputs(", ", stderr);
        write_left((progress->total - done) / rate);
        fputs(" left", stderr);
    }
}

static void draw(struct progress *progress, const char *what, int64_t done, int64_t elapsed_ms)
{
    int64_t total = progress->total > done ? progress->total : done;
    int filled = total > 0 ? (int)((double)done / (double)total * BAR) : BAR;

    fputs("\r\033[K[", stderr);
    for (int i = 0; i < BAR; i++) {
        fputc(i < filled ? '#' : ' ', stderr);
    }
    fprintf(stderr, "] %s: ", what);
    write_rate(progress, done, elapsed_ms);
    fflush(stderr);
    progress->drawn = true;
}

void progress_tell(struct progress *progress, const char *what, int64_t done)
{
    int64_t now = now_ms();

    if (!progress->shown || now - progress->told_ms < (progress->terminal ? REDRAW_MS : LINE_MS)) {
        return;
    }
    progress->told_ms = now;
    if (progress->terminal) {
        draw(progress, what, done, now - progress->began_ms);
        return;
    }
    fprintf(stderr, "%s: ", what);
    write_rate(progress, done, now - progress->began_ms);
    fputc('\n', stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
    }
}
