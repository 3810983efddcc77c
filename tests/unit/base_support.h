/*
 * What the tests of src/base share: cmocka's prelude, exact-size copies, a heap that fails on demand, fixed
 * noise.
 */
#ifndef UNIT_BASE_SUPPORT_H
#define UNIT_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/heap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Not in one block with its neighbours, so that sanitizers and valgrind see every overrun. */
static inline mastra_str exact_copy(const char *ptr, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, ptr, len);
    mastra_str text = {copy, len};
    return text;
}

static inline void free_copy(mastra_str text)
{
    free((void *)(uintptr_t)text.ptr);
}

static inline void assert_str(mastra_str actual, const char *expected)
{
    assert_non_null(actual.ptr);
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.ptr, expected, actual.len);
}

/* Counts what is alive and fails the allocation number `fail_at` (from 1; 0 never). */
struct test_memory {
    size_t calls;
    size_t fail_at;
    size_t live;
    mastra_allocator allocator;
};

static inline void *test_memory_alloc(void *user, size_t size)
{
    struct test_memory *memory = user;
    if (++memory->calls == memory->fail_at)
        return NULL;
    void *ptr = malloc(size);
    memory->live += ptr != NULL;
    return ptr;
}

static inline void *test_memory_realloc(void *user, void *ptr, size_t size)
{
    struct test_memory *memory = user;
    if (++memory->calls == memory->fail_at)
        return NULL;
    void *moved = realloc(ptr, size);
    memory->live += !ptr && moved;
    return moved;
}

static inline void test_memory_release(void *user, void *ptr)
{
    struct test_memory *memory = user;
    assert_non_null(ptr);
    memory->live--;
    free(ptr);
}

static inline void test_memory_init(struct test_memory *memory, size_t fail_at)
{
    *memory = (struct test_memory){
        .fail_at = fail_at,
        .allocator = {test_memory_alloc, test_memory_realloc, test_memory_release, memory},
    };
}

/* Opens a file below tests/data. */
static inline FILE *open_data(const char *name)
{
    const char *data = getenv("MASTRA_TEST_DATA");
    const char *root = getenv("MASTRA_SOURCE_ROOT");
    char path[4096];
    if (data)
        snprintf(path, sizeof(path), "%s/%s", data, name);
    else if (root)
        snprintf(path, sizeof(path), "%s/tests/data/%s", root, name);
    else
#ifdef MASTRA_TEST_DATA_DIR
        snprintf(path, sizeof(path), "%s/%s", MASTRA_TEST_DATA_DIR, name);
#else
        snprintf(path, sizeof(path), "tests/data/%s", name);
#endif
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s; set MASTRA_TEST_DATA to the folder tests/data", path);
    return file;
}

/* The same sequence in every run, so that a failure can be repeated. */
static inline uint64_t noise(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
