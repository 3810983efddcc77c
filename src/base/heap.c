#include "base/heap.h"

#include <stdatomic.h>
#include <stdlib.h>

struct ms_heap {
    mastra_allocator allocator;
    atomic_size_t refs;
};

static void *default_alloc(void *user, size_t size)
{
    (void)user;
    return malloc(size);
}

static void *default_realloc(void *user, void *ptr, size_t size)
{
    (void)user;
    return realloc(ptr, size);
}

static void default_release(void *user, void *ptr)
{
    (void)user;
    free(ptr);
}

static const mastra_allocator default_allocator = {default_alloc, default_realloc, default_release, NULL};

struct ms_heap *ms_heap_new(const mastra_allocator *allocator)
{
    if (!allocator) {
        allocator = &default_allocator;
    }
    struct ms_heap *heap = allocator->alloc(allocator->user, sizeof(*heap));
    if (!heap) {
        return NULL;
    }
    heap->allocator = *allocator;
    atomic_init(&heap->refs, 1);
    return heap;
}

struct ms_heap *ms_heap_ref(struct ms_heap *heap)
{
    atomic_fetch_add_explicit(&heap->refs, 1, memory_order_relaxed);
    return heap;
}

void ms_heap_unref(struct ms_heap *heap)
{
    if (!heap || atomic_fetch_sub_explicit(&heap->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    /* The allocator is copied out because the record that holds it is what goes. */
    mastra_allocator allocator = heap->allocator;
    allocator.release(allocator.user, heap);
}

/* NULL must mean "out of memory" only, and allocators may answer a request for nothing with NULL. */
static size_t at_least_one(size_t size)
{
    return size ? size : 1;
}

void *ms_heap_alloc(struct ms_heap *heap, size_t size)
{
    return heap->allocator.alloc(heap->allocator.user, at_least_one(size));
}

void *ms_heap_calloc(struct ms_heap *heap, size_t size)
{
    void *ptr = ms_heap_alloc(heap, size);
    if (ptr) {
        memset(ptr, 0, size);
    }
    return ptr;
}

void *ms_heap_realloc(struct ms_heap *heap, void *ptr, size_t size)
{
    return heap->allocator.realloc(heap->allocator.user, ptr, at_least_one(size));
}

void ms_heap_release(struct ms_heap *heap, void *ptr)
{
    if (ptr) {
        heap->allocator.release(heap->allocator.user, ptr);
    }
}

char *ms_heap_strdup(struct ms_heap *heap, mastra_str text)
{
    if (text.len == SIZE_MAX) {
        return NULL;
    }
    char *copy = ms_heap_alloc(heap, text.len + 1);
    if (!copy) {
        return NULL;
    }
    if (text.len) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return copy;
}
