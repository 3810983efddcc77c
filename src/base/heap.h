/* A counted allocator: a store and each of its results hold one reference, so that results outlive the store. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <mastra/types.h>

struct ms_heap;

/* `allocator` NULL means malloc and friends. Returns NULL when memory is out. The first reference is the caller's. */
struct ms_heap *ms_heap_new(const mastra_allocator *allocator);
struct ms_heap *ms_heap_ref(struct ms_heap *heap);
void ms_heap_unref(struct ms_heap *heap); /* NULL is allowed */

void *ms_heap_alloc(struct ms_heap *heap, size_t size);
void *ms_heap_calloc(struct ms_heap *heap, size_t size); /* zeroed */
void *ms_heap_realloc(struct ms_heap *heap, void *ptr, size_t size);
void ms_heap_release(struct ms_heap *heap, void *ptr); /* NULL is allowed */

/* A NUL-terminated copy in heap memory; NULL when memory is out. */
char *ms_heap_strdup(struct ms_heap *heap, mastra_str text);

#endif
