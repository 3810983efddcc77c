/* How far a long command has come: a bar on a terminal, now and then a line elsewhere; on stderr. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;    /* at all */
    bool terminal; /* as a bar that is drawn over */
    bool drawn;    /* the bar stands there now */
    int64_t total; /* rows, or whatever `unit` says */
    const char *unit;
    int64_t began_ms;
    int64_t told_ms;
};

void progress_begin(struct progress *progress, bool quiet);

/* So many of `total` rows are done, now those of `what`. */
void progress_tell(struct progress *progress, const char *what, int64_t done);

/* Takes the bar away, so that something else can be written. */
void progress_clear(struct progress *progress);

#endif
