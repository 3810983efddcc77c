/* A buffer on a heap that counts: what the tests of writing begin and end with. */
#ifndef UNIT_BUFFER_FIXTURE_H
#define UNIT_BUFFER_FIXTURE_H

#include "unit/base_support.h"

#include "base/buf.h"

struct fixture {
    struct test_memory memory;
    struct ms_heap *heap;
    struct ms_buf buf;
};

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    test_memory_init(&fixture->memory, 0);
    fixture->heap = ms_heap_new(&fixture->memory.allocator);
    ms_buf_init(&fixture->buf, fixture->heap, 0);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ms_buf_release(&fixture->buf);
    ms_heap_unref(fixture->heap);
    int leaked = fixture->memory.live != 0;
    free(fixture);
    return leaked;
}

#endif
