/* Threads of the library. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a joinable thread that no signal is delivered to. */
bool ms_thread_start(pthread_t *thread, void *(*main)(void *), void *arg);

#endif
