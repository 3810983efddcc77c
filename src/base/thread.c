#include "base/thread.h"

#include <signal.h>

/* A library is a guest: signals are for its host's threads. */
bool ms_thread_start(pthread_t *thread, void *(*main)(void *), void *arg)
{
    sigset_t all;
    sigset_t before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}
