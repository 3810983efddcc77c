/*
 * A bump allocator whose memory goes all at once. The arena stands in its own first chunk, so that making one costs a
 * single allocation; it holds a reference on its heap. One arena is used by one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/heap.h"

struct ms_arena;

/* `hint`: bytes expected to be used, 0 for a small default. Returns NULL when memory is out. */
struct ms_arena *ms_arena_new(struct ms_heap *heap, size_t hint);
void ms_arena_free(struct ms_arena *arena); /* NULL is allowed */

/* Aligned for any type (16 bytes). NULL when memory is out. */
void *ms_arena_alloc(struct ms_arena *arena, size_t size);
void *ms_arena_calloc(struct ms_arena *arena, size_t size);

/* Memory of alignment 1, for text. */
char *ms_arena_bytes(struct ms_arena *arena, size_t size);

/* A NUL-terminated copy. An absent text stays absent. Returns false when memory is out. */
bool ms_arena_str(struct ms_arena *arena, mastra_str text, mastra_str *ret);

struct ms_heap *ms_arena_heap(const struct ms_arena *arena);

#endif
