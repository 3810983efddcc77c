/*
 * A stretch of code in the caller's thread in which no signal is delivered and after which no SIGPIPE is left: a broken
 * TLS connection raises one, and threads that libcurl starts inherit what is blocked.
 */
#ifndef AWS_QUIET_H
#define AWS_QUIET_H

#include <signal.h>
#include <stdbool.h>

struct ms_quiet {
    sigset_t before;
    bool pipe_pending; /* a SIGPIPE that is not ours to take away */
};

void ms_quiet_begin(struct ms_quiet *quiet);
void ms_quiet_end(const struct ms_quiet *quiet);

#endif
