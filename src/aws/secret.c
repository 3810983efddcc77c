#include "aws/secret.h"

#include <openssl/crypto.h>

void ms_secret_wipe(void *ptr, size_t len)
{
    if (ptr) {
        OPENSSL_cleanse(ptr, len);
    }
}

bool ms_secret_reserve(struct ms_secret *secret, struct ms_heap *heap, size_t len)
{
    char *ptr = len < SIZE_MAX ? ms_heap_alloc(heap, len + 1) : NULL;

    if (!ptr) {
        return false;
    }
    ms_secret_release(secret);
    ptr[0] = '\0';
    ptr[len] = '\0';
    secret->heap = heap;
    secret->ptr = ptr;
    secret->len = len;
    secret->cap = len;
    return true;
}

bool ms_secret_set(struct ms_secret *secret, struct ms_heap *heap, mastra_str text)
{
    struct ms_secret copy = {0};

    if (text.ptr) {
        if (!ms_secret_reserve(&copy, heap, text.len)) {
            return false;
        }
        if (text.len > 0) {
            memcpy(copy.ptr, text.ptr, text.len);
        }
    }
    ms_secret_release(secret);
    *secret = copy;
    return true;
}

void ms_secret_release(struct ms_secret *secret)
{
    if (secret->ptr) {
        ms_secret_wipe(secret->ptr, secret->cap);
        ms_heap_release(secret->heap, secret->ptr);
    }
    *secret = (struct ms_secret){0};
}

void ms_secret_buf_release(struct ms_buf *buf)
{
    ms_secret_wipe(buf->ptr, buf->cap);
    ms_buf_release(buf);
}
