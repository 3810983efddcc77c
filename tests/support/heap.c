#include "support/heap.h"

#include <stdlib.h>

#define MAGIC UINT64_C(0x6d61737472612121)

/* Stands in front of every block; its size keeps the alignment. */
struct header {
    uint64_t magic;
    size_t size;
};

static bool refuses(struct test_heap *heap)
{
    long number = atomic_fetch_add(&heap->asked, 1) + 1;
    long first = atomic_load(&heap->first);
    bool refused = first > 0 && (number == first || (number > first && atomic_load(&heap->all)));
    if (refused)
        atomic_fetch_add(&heap->refused, 1);
    return refused;
}

static void note_peak(struct test_heap *heap, long bytes)
{
    long more = bytes - atomic_load(&heap->marked);
    long peak = atomic_load(&heap->peak);
    while (more > peak && !atomic_compare_exchange_weak(&heap->peak, &peak, more)) {
    }
}

static void *heap_alloc(void *user, size_t size)
{
    struct test_heap *heap = user;
    struct header *header = refuses(heap) ? NULL : malloc(sizeof(*header) + size);
    if (!header)
        return NULL;
    header->magic = MAGIC;
    header->size = size;
    atomic_fetch_add(&heap->live, 1);
    note_peak(heap, atomic_fetch_add(&heap->bytes, (long)size) + (long)size);
    return header + 1;
}

static bool is_ours(struct test_heap *heap, const struct header *header)
{
    if (header->magic == MAGIC)
        return true;
    atomic_fetch_add(&heap->misused, 1);
    return false;
}

static void heap_release(void *user, void *ptr)
{
    struct test_heap *heap = user;
    if (!ptr)
        return;
    struct header *header = (struct header *)ptr - 1;
    if (!is_ours(heap, header))
        return;
    header->magic = 0;
    memset(ptr, 0xdd, header->size);
    atomic_fetch_sub(&heap->live, 1);
    atomic_fetch_sub(&heap->bytes, (long)header->size);
    free(header);
}

/* Always moves, so that pointers into the old block show. */
static void *heap_realloc(void *user, void *ptr, size_t size)
{
    if (!ptr)
        return heap_alloc(user, size);
    struct header *header = (struct header *)ptr - 1;
    if (!is_ours(user, header))
        return NULL;
    void *moved = heap_alloc(user, size);
    if (!moved)
        return NULL;
    memcpy(moved, ptr, header->size < size ? header->size : size);
    heap_release(user, ptr);
    return moved;
}

void test_heap_init(struct test_heap *heap)
{
    memset(heap, 0, sizeof(*heap));
    heap->allocator = (mastra_allocator){heap_alloc, heap_realloc, heap_release, heap};
}

void test_heap_mark(struct test_heap *heap)
{
    atomic_store(&heap->marked, atomic_load(&heap->bytes));
    atomic_store(&heap->peak, 0);
}

void test_heap_fail(struct test_heap *heap, long n, bool all)
{
    atomic_store(&heap->asked, 0);
    atomic_store(&heap->refused, 0);
    atomic_store(&heap->all, all);
    atomic_store(&heap->first, n);
}
