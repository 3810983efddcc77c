/* What the tests of DynamoDB's items share. */
#ifndef UNIT_ITEM_SUPPORT_H
#define UNIT_ITEM_SUPPORT_H

#include "base_support.h"

#include "backends/dynamodb/item.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

#define FILE_MOST 200000

struct bench {
    struct ms_heap *heap;
    struct ms_arena *arena;
    mastra_error error;
};

static inline int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    assert_non_null(bench);
    bench->heap = ms_heap_new(NULL);
    bench->arena = ms_arena_new(bench->heap, 0);
    bench->error = (mastra_error)MASTRA_ERROR_INIT;
    assert_non_null(bench->arena);
    *state = bench;
    return 0;
}

static inline int end(void **state)
{
    struct bench *bench = *state;

    ms_arena_free(bench->arena);
    ms_heap_unref(bench->heap);
    free(bench);
    return 0;
}

static inline mastra_str str(const char *text)
{
    return mastra_str_of(text);
}

static inline mastra_str load(struct bench *bench, const char *name)
{
    FILE *file = open_data(name);
    char *text = ms_arena_bytes(bench->arena, FILE_MOST);
    mastra_str value;
    size_t len;

    assert_non_null(text);
    len = fread(text, 1, FILE_MOST, file);
    assert_true(len > 0 && len < FILE_MOST);
    fclose(file);
    assert_true(ms_json_check((mastra_str){text, len}, &value, NULL));
    return value;
}

static inline mastra_str whole(struct bench *bench, const struct ms_item_change *change)
{
    struct ms_buf buf;
    mastra_str kept;
    mastra_str value;

    ms_buf_init(&buf, bench->heap, 0);
    ms_item_write_whole(&buf, change);
    assert_int_equal(buf.failed, MASTRA_OK);
    assert_true(ms_arena_str(bench->arena, ms_buf_view(&buf), &kept));
    ms_buf_release(&buf);
    assert_true(ms_json_check(kept, &value, NULL));
    return value;
}

static inline const struct ms_item_attribute *find(const struct ms_item_change *change, const char *name)
{
    for (size_t i = 0; i < change->count; i++) {
        if (strcmp(change->attributes[i].name, name) == 0)
            return &change->attributes[i];
    }
    return NULL;
}

static inline void assert_change(const struct ms_item_change *change, const char *name,
                                 enum ms_item_action action, const char *text)
{
    const struct ms_item_attribute *attribute = find(change, name);

    if (!attribute)
        fail_msg("no %s", name);
    assert_int_equal(attribute->action, action);
    if (text)
        assert_str(attribute->text, text);
    else
        assert_null(attribute->text.ptr);
}

static inline mastra_message message_of(const char *id)
{
    mastra_message message = MASTRA_MESSAGE_INIT;

    message.id = str(id);
    message.thread_id = str("T");
    message.content = str("hello");
    message.role = str("user");
    message.type = str("v2");
    message.created_at = 1000;
    return message;
}

#endif
