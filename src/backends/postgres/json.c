/* JSON between our text, which is kept character for character, and jsonb, which cannot hold every text. */
#include "base/json.h"
#include "backends/postgres/postgres.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of an escape such as \u00e9 at the beginning of the text, -1 when there is none. */
static int escape_at(const char *at, const char *end)
{
    int number = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        number = number * 16 + hex_value(at[i]);
    }
    return number;
}

static bool is_high(int number)
{
    return number >= 0xd800 && number < 0xdc00;
}

static bool is_low(int number)
{
    return number >= 0xdc00 && number < 0xe000;
}

/* How much of the text from `at`, a backslash, belongs together, and whether it is fine as it is. */
static size_t take_escape(const char *at, const char *end, const char **ret_instead)
{
    int number = escape_at(at, end);

    *ret_instead = NULL;
    if (number < 0) {
        return 2;
    }
    if (is_high(number) && is_low(escape_at(at + 6, end))) {
        return 12;
    }
    if (number == 0) {
        *ret_instead = "";
    } else if (is_high(number) || is_low(number)) {
        *ret_instead = "\\ufffd";
    }
    return 6;
}

/* Whether there is an escape that jsonb refuses. */
static bool is_fine(mastra_str text)
{
    const char *end = text.ptr + text.len;
    const char *at = memchr(text.ptr, '\\', text.len);

    while (at) {
        const char *instead;

        at += take_escape(at, end, &instead);
        if (instead) {
            return false;
        }
        at = at < end ? memchr(at, '\\', (size_t)(end - at)) : NULL;
    }
    return true;
}

static void clean(struct ms_buf *out, mastra_str text)
{
    const char *end = text.ptr + text.len;
    const char *from = text.ptr;
    const char *at = memchr(text.ptr, '\\', text.len);

    while (at) {
        const char *instead;
        size_t len = take_escape(at, end, &instead);

        if (instead) {
            ms_buf_add(out, from, (size_t)(at - from));
            ms_buf_add_text(out, instead);
            from = at + len;
        }
        at += len;
        at = at < end ? memchr(at, '\\', (size_t)(end - at)) : NULL;
    }
    ms_buf_add(out, from, (size_t)(end - from));
}

/* Where the string that begins here ends; the text is JSON. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\';
    }
    return at;
}

bool pg_json_compact(struct ms_arena *arena, mastra_str text, mastra_str *ret)
{
    char *out = ms_arena_bytes(arena, text.len + 1);
    const char *end = text.ptr + text.len;
    size_t len = 0;

    if (!out) {
        return false;
    }
    for (const char *at = text.ptr; at < end; at++) {
        const char *from = at;

        if (*at == ' ') {
            continue;
        }
        at = *at == '"' ? string_end(at, end) : at;
        memcpy(out + len, from, (size_t)(at - from) + 1);
        len += (size_t)(at - from) + 1;
    }
    out[len] = '\0';
    *ret = (mastra_str){out, len};
    return true;
}

/* The value that a JSON string holds as text; absent when it holds none. */
static bool inner_value(struct ms_arena *arena, mastra_str text, mastra_str *ret)
{
    mastra_str inner;
    mastra_str value;

    *ret = mastra_str_of(NULL);
    if (ms_json_kind(text) != MS_JSON_STRING) {
        return true;
    }
    if (!ms_json_unescape_arena(text, arena, &inner, NULL)) {
        return false;
    }
    if (ms_json_check(inner, &value, NULL)) {
        *ret = value;
    }
    return true;
}

bool pg_json_once(struct ms_arena *arena, mastra_str *text)
{
    mastra_str inner;

    if (!inner_value(arena, *text, &inner)) {
        return false;
    }
    return !inner.ptr || ms_arena_str(arena, inner, text);
}

/* What would be taken for a string of the peer's is made one. */
static bool put_twice(const struct ms_column *column, struct ms_arena *arena, struct ms_buf *out,
                      mastra_str *text)
{
    mastra_str inner = {NULL, 0};

    if (!column || !(column->flags & MS_TWICE)) {
        return true;
    }
    if (!inner_value(arena, *text, &inner)) {
        return false;
    }
    if (inner.ptr) {
        ms_json_put_string(out, *text);
        *text = ms_buf_view(out);
    }
    return !out->failed;
}

bool pg_json_for(const struct ms_column *column, mastra_str text, struct ms_arena *arena, mastra_str *ret)
{
    struct ms_buf twice;
    struct ms_buf cleaned;
    bool done;

    ms_buf_init(&twice, ms_arena_heap(arena), 0);
    ms_buf_init(&cleaned, ms_arena_heap(arena), 0);
    done = put_twice(column, arena, &twice, &text);
    if (done && !is_fine(text)) {
        clean(&cleaned, text);
        done = !cleaned.failed;
        text = ms_buf_view(&cleaned);
    }
    done = done && ms_arena_str(arena, text, ret);
    ms_buf_release(&cleaned);
    ms_buf_release(&twice);
    return done;
}
