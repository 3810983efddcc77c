#include "base/arena.h"

#define ALIGNMENT      ((size_t)16)
#define SMALLEST_CHUNK ((size_t)1024)
#define LARGEST_CHUNK  ((size_t)1 << 20)

/*
 * Aligned memory is taken from the front of the free span and text from its back, so that neither pads the
 * other.
 */
struct chunk {
    struct chunk *next;
    char *front;
    char *back;
};

struct ms_arena {
    struct ms_heap *heap;
    struct chunk *current; /* the chunk that serves requests; all others follow it */
    size_t next_size;
};

static char *align_up(char *ptr)
{
    size_t past = (uintptr_t)ptr & (ALIGNMENT - 1);
    return past ? ptr + (ALIGNMENT - past) : ptr;
}

/* A chunk with room for at least `room` bytes of either sort, however the allocator aligned it. */
static struct chunk *chunk_new(struct ms_heap *heap, size_t room)
{
    const size_t overhead = sizeof(struct chunk) + ALIGNMENT;
    if (room > SIZE_MAX - overhead) {
        return NULL;
    }
    struct chunk *chunk = ms_heap_alloc(heap, overhead + room);
    if (!chunk) {
        return NULL;
    }
    chunk->next = NULL;
    chunk->front = align_up((char *)(chunk + 1));
    chunk->back = (char *)chunk + overhead + room;
    return chunk;
}

struct ms_arena *ms_arena_new(struct ms_heap *heap, size_t hint)
{
    size_t room = hint > SMALLEST_CHUNK ? hint : SMALLEST_CHUNK;
    if (room > SIZE_MAX / 2) {
        return NULL;
    }
    struct chunk *first = chunk_new(heap, room + sizeof(struct ms_arena) + ALIGNMENT);
    if (!first) {
        return NULL;
    }
    struct ms_arena *arena = (struct ms_arena *)(void *)first->front;
    first->front = align_up(first->front + sizeof(*arena));
    arena->heap = ms_heap_ref(heap);
    arena->current = first;
    arena->next_size = room < LARGEST_CHUNK / 2 ? 2 * room : LARGEST_CHUNK;
    return arena;
}

void ms_arena_free(struct ms_arena *arena)
{
    if (!arena) {
        return;
    }
    /* The arena itself goes with the first chunk, so nothing may be read from it in the loop. */
    struct ms_heap *heap = arena->heap;
    struct chunk *chunk = arena->current;
    while (chunk) {
        struct chunk *next = chunk->next;
        ms_heap_release(heap, chunk);
        chunk = next;
    }
    ms_heap_unref(heap);
}

/*
 * A chunk in which `size` bytes are free: a new current one, or one of its own for a request of unusual size.
 */
static struct chunk *chunk_for(struct ms_arena *arena, size_t size)
{
    bool own = size > arena->next_size / 4;
    struct chunk *chunk = chunk_new(arena->heap, own ? size : arena->next_size);
    if (!chunk) {
        return NULL;
    }
    if (own) {
        chunk->next = arena->current->next;
        arena->current->next = chunk;
        return chunk;
    }
    chunk->next = arena->current;
    arena->current = chunk;
    if (arena->next_size < LARGEST_CHUNK) {
        arena->next_size *= 2;
    }
    return chunk;
}

void *ms_arena_alloc(struct ms_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t padded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct chunk *chunk = arena->current;
    if (padded > (size_t)(chunk->back - chunk->front)) {
        chunk = chunk_for(arena, padded);
        if (!chunk) {
            return NULL;
        }
    }
    char *ptr = chunk->front;
    chunk->front += padded;
    return ptr;
}

void *ms_arena_calloc(struct ms_arena *arena, size_t size)
{
    void *ptr = ms_arena_alloc(arena, size);
    if (ptr) {
        memset(ptr, 0, size);
    }
    return ptr;
}

char *ms_arena_bytes(struct ms_arena *arena, size_t size)
{
    struct chunk *chunk = arena->current;
    if (size > (size_t)(chunk->back - chunk->front)) {
        chunk = chunk_for(arena, size);
        if (!chunk) {
            return NULL;
        }
    }
    chunk->back -= size;
    return chunk->back;
}

bool ms_arena_str(struct ms_arena *arena, mastra_str text, mastra_str *ret)
{
    if (!text.ptr) {
        *ret = text;
        return true;
    }
    if (text.len == SIZE_MAX) {
        return false;
    }
    char *copy = ms_arena_bytes(arena, text.len + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    ret->ptr = copy;
    ret->len = text.len;
    return true;
}

struct ms_heap *ms_arena_heap(const struct ms_arena *arena)
{
    return arena->heap;
}
