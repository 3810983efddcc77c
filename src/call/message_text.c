/* The readable text of a message, whatever form its content has. */
#include "base/error.h"
#include "base/utf8.h"
#include "call/call.h"
#include "domains/memory.h"

/* Messages are not nested; one that pretends to be is cut off. */
#define MAX_DEPTH 8

static void put_raw_string(struct ms_buf *out, mastra_str raw)
{
    size_t length = ms_json_string_length(raw);

    if (ms_buf_reserve(out, length)) {
        out->len += ms_json_unescape(raw, out->ptr + out->len, NULL);
        out->ptr[out->len] = '\0';
    }
}

static bool is_string(mastra_str raw, const char *text)
{
    return ms_json_kind(raw) == MS_JSON_STRING && ms_json_string_equals(raw, mastra_str_of(text));
}

static void put_value(struct ms_buf *out, mastra_str value, int depth);

/* A part that is no text is named: "[tool-invocation getWeather]". */
static void put_part(struct ms_buf *out, mastra_str part, int depth)
{
    mastra_str type = ms_json_member(part, mastra_str_of("type"));
    mastra_str text = ms_json_member(part, mastra_str_of("text"));
    mastra_str tool = ms_json_member(part, mastra_str_of("toolName"));
    mastra_str call = ms_json_member(part, mastra_str_of("toolInvocation"));

    if (ms_json_kind(text) == MS_JSON_STRING || ms_json_kind(type) != MS_JSON_STRING) {
        put_value(out, ms_json_kind(text) == MS_JSON_STRING ? text : part, depth);
        return;
    }
    if (ms_json_kind(tool) != MS_JSON_STRING) {
        tool = ms_json_member(call, mastra_str_of("toolName"));
    }
    ms_buf_add_char(out, '[');
    put_raw_string(out, type);
    if (ms_json_kind(tool) == MS_JSON_STRING) {
        ms_buf_add_char(out, ' ');
        put_raw_string(out, tool);
    }
    ms_buf_add_char(out, ']');
}

/* What only marks where a step begins says nothing. */
static bool is_silent(mastra_str part)
{
    return is_string(ms_json_member(part, mastra_str_of("type")), "step-start");
}

static void put_parts(struct ms_buf *out, mastra_str parts, int depth)
{
    struct ms_json_iter iter;
    mastra_str part;
    bool first = true;

    ms_json_iter_init(&iter, parts);
    while (ms_json_next(&iter, NULL, &part)) {
        if (is_silent(part)) {
            continue;
        }
        if (!first) {
            ms_buf_add_char(out, '\n');
        }
        first = false;
        if (ms_json_kind(part) == MS_JSON_OBJECT) {
            put_part(out, part, depth);
        } else {
            put_value(out, part, depth);
        }
    }
}

static void put_value(struct ms_buf *out, mastra_str value, int depth)
{
    mastra_str parts = ms_json_member(value, mastra_str_of("parts"));
    mastra_str content = ms_json_member(value, mastra_str_of("content"));

    if (ms_json_kind(value) == MS_JSON_STRING) {
        put_raw_string(out, value);
    } else if (depth < MAX_DEPTH && ms_json_kind(value) == MS_JSON_ARRAY) {
        put_parts(out, value, depth + 1);
    } else if (depth < MAX_DEPTH && ms_json_kind(parts) == MS_JSON_ARRAY && ms_json_count(parts)) {
        put_parts(out, parts, depth + 1);
    } else if (depth < MAX_DEPTH && content.ptr) {
        put_value(out, content, depth + 1);
    } else {
        ms_buf_add_str(out, value);
    }
}

mastra_status mastra_message_text(const mastra_message *message, char **ret_text, size_t *ret_len,
                                  mastra_error *error)
{
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_buf out;
    mastra_str value;
    mastra_status status;

    if (!heap) {
        return ms_error_oom(error);
    }
    ms_json_text_begin(&out, heap);
    ms_heap_unref(heap);
    if (message->content.ptr && ms_json_check(message->content, &value, NULL) &&
        ms_json_kind(value) >= MS_JSON_STRING) {
        put_value(&out, value, 0);
    } else {
        ms_buf_add_str(&out, message->content);
    }
    status = ms_json_text_end(&out, ret_text, ret_len);
    return status == MASTRA_OK ? status : ms_error_oom(error);
}
