/*
 * Threads and processes for tests. cmocka's assertions belong to the test's own thread: the others report what is
 * wrong with crew_fail, and the test asks with crew_check.
 */
#ifndef SUPPORT_CREW_H
#define SUPPORT_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef void (*crew_fn)(int index, void *arg);

/* Runs fn in so many threads, which begin together, and waits for all of them. */
void crew_run(int count, crew_fn fn, void *arg);

/* One thread that goes on beside the test until crew_join. */
struct crew_thread;
struct crew_thread *crew_start(crew_fn fn, int index, void *arg);
void crew_join(struct crew_thread *thread);

/* Notes a failure; the first one's text is kept. Any thread. */
void crew_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails the cmocka test when anything was noted since the last check. */
void crew_check(void);

/*
 * Waits until every other thread of this process sleeps: those that were started are as far as they come by themselves.
 * Notes a failure and gives up after ten minutes.
 */
void crew_settle(void);

/* Runs fn in a child process, which ends with 0 unless crew_fail was called in it. */
pid_t crew_fork(crew_fn fn, int index, void *arg);

/* Waits for a child; notes a failure unless it ended with 0. */
void crew_wait(pid_t child);

/* A counter that threads wait for. */
struct crew_gate;
struct crew_gate *crew_gate_new(void);
void crew_gate_free(struct crew_gate *gate);
void crew_gate_add(struct crew_gate *gate);
int crew_gate_count(struct crew_gate *gate);

/* Waits until the count is at least `count`; notes a failure and gives up after ten minutes. */
bool crew_gate_wait(struct crew_gate *gate, int count);

#endif
