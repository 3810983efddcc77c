/*
 * The JSON module on arbitrary bytes: what the checker accepts must hold together in every reader and editor.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer and any sanitizer where the fault is. */
static void require(bool condition)
{
    if (!condition)
        abort();
}

static void use_string(mastra_str raw)
{
    size_t len = ms_json_string_length(raw);
    require(len <= raw.len - 2);
    char *out = malloc(len + 1);
    require(out != NULL);
    struct ms_json_string_facts facts;
    require(ms_json_unescape(raw, out, &facts) == len);
    mastra_str text = {out, len};
    require(ms_utf8_valid(text));
    require(ms_json_string_equals(raw, text));
    require(facts.has_nul == (memchr(out, 0, len) != NULL));
    free(out);
}

static void use_number(mastra_str raw)
{
    int64_t integer;
    double value = ms_json_double(raw);
    if (ms_json_int(raw, &integer))
        require(value == (double)integer);
    char out[MS_JSON_DOUBLE_SIZE];
    if (value - value == 0) {
        mastra_str number = {out, ms_json_format_double(value, out)};
        require(ms_json_check(number, NULL, NULL) && ms_json_double(number) == value);
    }
}

static void use_value(mastra_str value)
{
    enum ms_json_kind kind = ms_json_kind(value);
    require(kind != MS_JSON_NONE && ms_json_equal(value, value));
    if (kind == MS_JSON_STRING)
        use_string(value);
    if (kind == MS_JSON_NUMBER)
        use_number(value);
    if (kind != MS_JSON_ARRAY && kind != MS_JSON_OBJECT)
        return;
    struct ms_json_iter iter;
    mastra_str key, inner;
    const char *last = value.ptr;
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, &key, &inner)) {
        require(inner.ptr > last && inner.len < (size_t)(value.ptr + value.len - inner.ptr));
        last = inner.ptr + inner.len - 1;
        if (kind == MS_JSON_OBJECT)
            use_string(key);
        use_value(inner);
    }
}

/* Checks the text in buf, then empties it. */
static void use_edited(struct ms_buf *buf, mastra_str equal_to)
{
    mastra_str value;
    require(buf->failed == MASTRA_OK && ms_json_check(ms_buf_view(buf), &value, NULL));
    require(!equal_to.ptr || ms_json_equal(value, equal_to));
    ms_buf_clear(buf);
}

static void edit_object(struct ms_buf *buf, mastra_str object)
{
    const mastra_str none = {NULL, 0};
    const mastra_str name = MASTRA_STR("na\"me");
    const mastra_str replacement = MASTRA_STR("{\"a\":[1,2.50]}");
    ms_json_merge(buf, object, object);
    use_edited(buf, object);
    ms_json_merge(buf, none, object);
    use_edited(buf, object);
    ms_json_merge(buf, object, none);
    use_edited(buf, object);
    ms_json_merge(buf, object, replacement);
    use_edited(buf, none);
    ms_json_with_member(buf, object, name, replacement);
    mastra_str edited = ms_buf_view(buf);
    require(ms_json_equal(ms_json_member(edited, name), replacement));
    use_edited(buf, none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mastra_str text = {(const char *)data, size}, value;
    struct ms_json_fault fault;
    if (!ms_json_check(text, &value, &fault)) {
        require(fault.offset <= size && fault.what);
        return 0;
    }
    use_value(value);
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_buf buf;
    require(heap != NULL);
    ms_buf_init(&buf, heap, 0);
    if (ms_json_kind(value) == MS_JSON_OBJECT)
        edit_object(&buf, value);
    ms_json_put_string(&buf, ms_utf8_valid(text) ? text : (mastra_str){"", 0});
    use_edited(&buf, (mastra_str){NULL, 0});
    ms_buf_release(&buf);
    ms_heap_unref(heap);
    return 0;
}
