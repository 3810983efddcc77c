/*
 * A growing byte buffer with a ceiling. The first failure (memory out, ceiling passed) latches: later appends do
 * nothing, and the caller asks once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/heap.h"

struct ms_buf {
    struct ms_heap *heap;
    char *ptr; /* NUL-terminated once anything was appended */
    size_t len;
    size_t cap;
    size_t max;           /* bytes, the terminator not counted */
    mastra_status failed; /* MASTRA_OK, MASTRA_OUT_OF_MEMORY or MASTRA_LIMIT_EXCEEDED */
};

#define MS_BUF_MAX ((size_t)1 << 30)

/* Allocates nothing yet. `max` 0 means MS_BUF_MAX. */
void ms_buf_init(struct ms_buf *buf, struct ms_heap *heap, size_t max);
void ms_buf_release(struct ms_buf *buf);
void ms_buf_clear(struct ms_buf *buf); /* empties, keeps the memory, forgets a failure */

/* Back to a length it had before, before any failure since. */
void ms_buf_cut(struct ms_buf *buf, size_t len);

/* Makes room for `extra` further bytes; returns false after a failure. */
bool ms_buf_reserve(struct ms_buf *buf, size_t extra);
void ms_buf_add(struct ms_buf *buf, const void *bytes, size_t len);
void ms_buf_add_str(struct ms_buf *buf, mastra_str text);
void ms_buf_add_text(struct ms_buf *buf, const char *text);
void ms_buf_add_char(struct ms_buf *buf, char c);
void ms_buf_add_int(struct ms_buf *buf, int64_t value);
void ms_buf_printf(struct ms_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a view; the empty string (never absent) when nothing was appended. */
mastra_str ms_buf_view(const struct ms_buf *buf);

/* Hands the NUL-terminated content to the caller, who releases it with ms_heap_release; NULL after a failure. */
char *ms_buf_take(struct ms_buf *buf, size_t *ret_len);

#endif
