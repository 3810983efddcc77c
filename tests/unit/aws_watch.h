/* An allocator that looks for the tests' secrets ("secret-of…", "token-of…") in what is given back. */
#ifndef UNIT_AWS_WATCH_H
#define UNIT_AWS_WATCH_H

#include <mastra/types.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct watch {
    mastra_allocator allocator;
    atomic_int left_behind; /* blocks that still held a secret */
    atomic_long live;
    atomic_long fail_at; /* allocations until one fails; 0: none does */
};

#define WATCH_HEAD 16

static inline void *watch_alloc(void *user, size_t size)
{
    struct watch *watch = user;

    if (atomic_load(&watch->fail_at) > 0 && atomic_fetch_sub(&watch->fail_at, 1) == 1)
        return NULL;
    char *block = malloc(WATCH_HEAD + size);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof(size));
    atomic_fetch_add(&watch->live, 1);
    /* What the block held before is nobody's fault. */
    memset(block + WATCH_HEAD, 0, size);
    return block + WATCH_HEAD;
}

static inline void watch_release(void *user, void *ptr)
{
    struct watch *watch = user;
    size_t size;

    memcpy(&size, (char *)ptr - WATCH_HEAD, sizeof(size));
    if (memmem(ptr, size, "secret-of", 9) || memmem(ptr, size, "token-of", 8))
        atomic_fetch_add(&watch->left_behind, 1);
    atomic_fetch_sub(&watch->live, 1);
    free((char *)ptr - WATCH_HEAD);
}

static inline void *watch_realloc(void *user, void *ptr, size_t size)
{
    void *fresh = watch_alloc(user, size);
    size_t old;

    if (fresh && ptr) {
        memcpy(&old, (char *)ptr - WATCH_HEAD, sizeof(old));
        memcpy(fresh, ptr, old < size ? old : size);
        watch_release(user, ptr);
    }
    return fresh;
}

static inline void watch_init(struct watch *watch)
{
    watch->allocator = (mastra_allocator){watch_alloc, watch_realloc, watch_release, watch};
    atomic_init(&watch->left_behind, 0);
    atomic_init(&watch->live, 0);
    atomic_init(&watch->fail_at, 0);
}

#endif
