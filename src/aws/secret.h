/* Text in memory that is overwritten before it is given back. */
#ifndef AWS_SECRET_H
#define AWS_SECRET_H

#include "base/buf.h"

/* An absent text has no memory. Zeroed is absent. */
struct ms_secret {
    struct ms_heap *heap;
    char *ptr; /* NUL-terminated */
    size_t len;
    size_t cap; /* of what is overwritten */
};

/* Replaces what is there by a copy; an absent text makes it absent. Returns false when memory is out. */
bool ms_secret_set(struct ms_secret *secret, struct ms_heap *heap, mastra_str text);

/* Room for `len` bytes and their end, for the caller to fill. */
bool ms_secret_reserve(struct ms_secret *secret, struct ms_heap *heap, size_t len);

void ms_secret_release(struct ms_secret *secret);

static inline mastra_str ms_secret_view(const struct ms_secret *secret)
{
    mastra_str text = {secret->ptr, secret->len};

    return text;
}

/* Overwrites memory in a way that no compiler leaves out. */
void ms_secret_wipe(void *ptr, size_t len);

/*
 * Releases a buffer and overwrites what it held. Whoever fills it reserves the room beforehand: a buffer that moves
 * leaves its old memory as it was.
 */
void ms_secret_buf_release(struct ms_buf *buf);

#endif
