/* An allocator for mastra_options that counts, checks and fails when told to. Safe in any number of threads. */
#ifndef SUPPORT_HEAP_H
#define SUPPORT_HEAP_H

#include <mastra/types.h>

#include <stdatomic.h>

struct test_heap {
    mastra_allocator allocator;
    atomic_long live;  /* blocks that were not released */
    atomic_long bytes; /* in them */
    atomic_long peak;  /* the most that they had over those of the last mark */
    atomic_long marked;
    atomic_long asked;   /* allocations since the last setting */
    atomic_long refused; /* of these, failed */
    atomic_long misused; /* releases of what did not come from here, or came twice */
    atomic_long first;   /* the number of the first allocation that fails, from 1; 0: none does */
    atomic_bool all;     /* all from there on */
};

void test_heap_init(struct test_heap *heap);

/* Begins the peak anew: what is there now does not count. */
void test_heap_mark(struct test_heap *heap);

/* Fails the n-th allocation from now on (n from 1), or with `all` that one and every later one; 0: none. */
void test_heap_fail(struct test_heap *heap, long n, bool all);

#endif
