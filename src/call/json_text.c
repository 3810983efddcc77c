#include "call/call.h"

#include "base/error.h"

/* As wide as the strictest alignment, so that the text behind it begins as malloc's memory does. */
struct head {
    _Alignas(16) struct ms_heap *heap;
};

void ms_json_text_begin(struct ms_buf *buf, struct ms_heap *heap)
{
    ms_buf_init(buf, ms_heap_ref(heap), 0);
    ms_json_text_clear(buf);
}

void ms_json_text_clear(struct ms_buf *buf)
{
    struct head head = {buf->heap};

    ms_buf_clear(buf);
    ms_buf_add(buf, &head, sizeof head);
}

/* Stored JSON may be spread over lines; between its tokens any white space is as good as a line's end. */
void ms_json_text_one_line(struct ms_buf *buf)
{
    for (size_t i = sizeof(struct head); i < buf->len; i++) {
        if (buf->ptr[i] == '\n' || buf->ptr[i] == '\r') {
            buf->ptr[i] = ' ';
        }
    }
}

void ms_json_text_abandon(struct ms_buf *buf)
{
    ms_buf_release(buf);
    ms_heap_unref(buf->heap);
}

mastra_status ms_json_text_end(struct ms_buf *buf, char **ret_json, size_t *ret_len)
{
    mastra_status status = buf->failed;
    size_t len = 0;
    char *memory = status == MASTRA_OK ? ms_buf_take(buf, &len) : NULL;

    if (!memory || !ret_json) {
        ms_heap_release(buf->heap, memory);
        ms_json_text_abandon(buf);
        return status == MASTRA_OK && !memory ? MASTRA_OUT_OF_MEMORY : status;
    }
    *ret_json = memory + sizeof(struct head);
    if (ret_len) {
        *ret_len = len - sizeof(struct head);
    }
    return MASTRA_OK;
}

void mastra_json_free(char *json)
{
    struct head head;

    if (json) {
        memcpy(&head, json - sizeof head, sizeof head);
        ms_heap_release(head.heap, json - sizeof head);
        ms_heap_unref(head.heap);
    }
}
