#include "progress.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS   100
#define LINE_MS     10000

/* The bar, what stands around it, and terminals that have room for one. */
#define MOST_BAR    ((size_t)24)
#define LEAST_BAR   ((size_t)10)
#define FRAME       ((size_t)3)
#define LEAST_WIDTH ((size_t)59)

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

/* What is told, in parts. */
struct account {
    char text[160];
    size_t len;
    size_t room;
};

/* False when the part does not fit, and is left out. */
__attribute__((format(printf, 2, 3))) static bool add(struct account *account, const char *format, ...)
{
    char part[sizeof account->text];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    if (len < 0 || (size_t)len > account->room - account->len) {
        return false;
    }
    memcpy(account->text + account->len, part, (size_t)len + 1);
    account->len += (size_t)len;
    return true;
}

/* "45 s", "12 min", "3 h" */
static void add_left(struct account *account, int64_t seconds)
{
    if (seconds < 120) {
        add(account, ", %lld s left", (long long)seconds);
    } else if (seconds < 7200) {
        add(account, ", %lld min left", (long long)(seconds / 60));
    } else {
        add(account, ", %lld h left", (long long)(seconds / 3600));
    }
}

static void account_for(struct account *account, size_t room, const struct progress *progress,
                        const char *what, int64_t done)
{
    int64_t elapsed_ms = progress->told_ms - progress->began_ms;
    int64_t rate = elapsed_ms > 0 ? done * 1000 / elapsed_ms : 0;

    *account = (struct account){.room = room < sizeof account->text ? room : sizeof account->text - 1};
    /* What is too long for a narrow terminal is told without the name, and what comes last is left out first. */
    if (!add(account, "%s: %lld of %lld %s", what, (long long)done, (long long)progress->total,
             progress->unit) &&
        !add(account, "%lld of %lld %s", (long long)done, (long long)progress->total, progress->unit)) {
        return;
    }
    if (rate > 0 && add(account, ", %lld/s", (long long)rate) && progress->total > done) {
        add_left(account, (progress->total - done) / rate);
    }
}

/* A line that fills the terminal's last column would be wrapped, and not be drawn over. */
static void draw(struct progress *progress, const char *what, int64_t done)
{
    size_t width = text_width_of(STDERR_FILENO) - 1;
    size_t frame = width >= LEAST_WIDTH ? LEAST_BAR + FRAME : 0;
    int64_t total = progress->total > done ? progress->total : done;
    struct account account;
    size_t bar;
    size_t filled;

    account_for(&account, width - frame, progress, what, done);
    fputs("\r\033[K", stderr);
    if (frame > 0) {
        bar = width - account.len - FRAME < MOST_BAR ? width - account.len - FRAME : MOST_BAR;
        filled = total > 0 ? (size_t)((double)done / (double)total * (double)bar) : bar;
        fputc('[', stderr);
        for (size_t i = 0; i < bar; i++) {
            fputc(i < filled ? '#' : ' ', stderr);
        }
        fputs("] ", stderr);
    }
    fputs(account.text, stderr);
    fflush(stderr);
    progress->drawn = true;
}

void progress_tell(struct progress *progress, const char *what, int64_t done)
{
    int64_t now = now_ms();
    struct account account;

    if (!progress->shown || now - progress->told_ms < (progress->terminal ? REDRAW_MS : LINE_MS)) {
        return;
    }
    progress->told_ms = now;
    if (progress->terminal) {
        draw(progress, what, done);
        return;
    }
    account_for(&account, SIZE_MAX, progress, what, done);
    fprintf(stderr, "%s\n", account.text);
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
    }
}
