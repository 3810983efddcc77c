#include "aws/quiet.h"

#include <stddef.h>
#include <time.h>

static bool pipe_is_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void ms_quiet_begin(struct ms_quiet *quiet)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &quiet->before);
    quiet->pipe_pending = pipe_is_pending();
}

void ms_quiet_end(const struct ms_quiet *quiet)
{
    if (!quiet->pipe_pending && pipe_is_pending()) {
        struct timespec at_once = {0, 0};
        sigset_t pipe;

        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        sigtimedwait(&pipe, NULL, &at_once);
    }
    pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}
