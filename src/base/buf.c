#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#define SMALLEST_CAPACITY ((size_t)64)

void ms_buf_init(struct ms_buf *buf, struct ms_heap *heap, size_t max)
{
    *buf = (struct ms_buf){.heap = heap, .max = max ? max : MS_BUF_MAX, .failed = MASTRA_OK};
    /* Keeps len + extra + 1 and the doubling below free of overflow. */
    if (buf->max > SIZE_MAX / 4) {
        buf->max = SIZE_MAX / 4;
    }
}

void ms_buf_release(struct ms_buf *buf)
{
    ms_heap_release(buf->heap, buf->ptr);
    ms_buf_init(buf, buf->heap, buf->max);
}

void ms_buf_clear(struct ms_buf *buf)
{
    buf->len = 0;
    buf->failed = MASTRA_OK;
    if (buf->ptr) {
        buf->ptr[0] = '\0';
    }
}

static bool grow(struct ms_buf *buf, size_t needed)
{
    size_t cap = buf->cap > SMALLEST_CAPACITY / 2 ? 2 * buf->cap : SMALLEST_CAPACITY;
    if (cap < needed) {
        cap = needed;
    }
    if (cap > buf->max + 1) {
        cap = buf->max + 1;
    }
    char *ptr = ms_heap_realloc(buf->heap, buf->ptr, cap);
    if (!ptr) {
        buf->failed = MASTRA_OUT_OF_MEMORY;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    buf->ptr[buf->len] = '\0';
    return true;
}

void ms_buf_cut(struct ms_buf *buf, size_t len)
{
    buf->len = len;
    buf->failed = MASTRA_OK;
    if (buf->ptr) {
        buf->ptr[len] = '\0';
    }
}

bool ms_buf_reserve(struct ms_buf *buf, size_t extra)
{
    if (buf->failed != MASTRA_OK) {
        return false;
    }
    if (extra > buf->max - buf->len) {
        buf->failed = MASTRA_LIMIT_EXCEEDED;
        return false;
    }
    size_t needed = buf->len + extra + 1;
    return needed <= buf->cap || grow(buf, needed);
}

void ms_buf_add(struct ms_buf *buf, const void *bytes, size_t len)
{
    if (!ms_buf_reserve(buf, len)) {
        return;
    }
    if (len) {
        memcpy(buf->ptr + buf->len, bytes, len);
    }
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void ms_buf_add_str(struct ms_buf *buf, mastra_str text)
{
    ms_buf_add(buf, text.ptr, text.len);
}

void ms_buf_add_text(struct ms_buf *buf, const char *text)
{
    ms_buf_add(buf, text, strlen(text));
}

void ms_buf_add_char(struct ms_buf *buf, char c)
{
    if (!ms_buf_reserve(buf, 1)) {
        return;
    }
    buf->ptr[buf->len++] = c;
    buf->ptr[buf->len] = '\0';
}

void ms_buf_add_int(struct ms_buf *buf, int64_t value)
{
    char digits[20];
    char *at = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) {
        *--at = '-';
    }
    ms_buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void ms_buf_printf(struct ms_buf *buf, const char *format, ...)
{
    if (!ms_buf_reserve(buf, 0)) {
        return;
    }
    size_t room = buf->cap - buf->len;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(buf->ptr + buf->len, room, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len >= room && ms_buf_reserve(buf, (size_t)len)) {
        /* The first pass has measured; this one has the room. */
        va_start(args, format);
        len = vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    if (len < 0) {
        buf->failed = MASTRA_OUT_OF_MEMORY;
    }
    if (buf->failed == MASTRA_OK) {
        buf->len += (size_t)len;
    }
    buf->ptr[buf->len] = '\0';
}

mastra_str ms_buf_view(const struct ms_buf *buf)
{
    mastra_str view = {buf->ptr ? buf->ptr : "", buf->len};
    return view;
}

char *ms_buf_take(struct ms_buf *buf, size_t *ret_len)
{
    if (!ms_buf_reserve(buf, 0)) {
        return NULL;
    }
    char *content = buf->ptr;
    if (ret_len) {
        *ret_len = buf->len;
    }
    ms_buf_init(buf, buf->heap, buf->max);
    return content;
}
