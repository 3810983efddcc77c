/* Other programs that the benchmark starts and talks to through their standard input and output. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    FILE *requests;
    FILE *answers;
};

/* Starts a program with these arguments, the first being its path; false (told on stderr) when it cannot. */
bool child_start(struct child *child, const char *const *arguments);
/* This program once more. */
bool child_start_self(struct child *child, const char *option, const char *first, const char *second,
                      const char *third);
/* Reads a line that is a number; less than 0 when it is not. */
double child_number(struct child *child);
/* Closes its standard input and waits for its end; false when that was not a good one. */
bool child_end(struct child *child);

#endif
