#include "aws/xml.h"

#include "base/str.h"

struct reader {
    const char *at;
    const char *end;
};

enum tag_kind {
    TAG_OPEN,
    TAG_CLOSE,
    TAG_EMPTY, /* <a/> */
    TAG_OTHER, /* comments, declarations */
    TAG_NONE,  /* the end, or nothing that could be read */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the next ">" that is not inside quotes; NULL when there is none. */
static const char *tag_end(const char *at, const char *end)
{
    char quote = 0;

    for (; at < end; at++) {
        if (quote) {
            quote = *at == quote ? 0 : quote;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (*at == '>') {
            return at + 1;
        }
    }
    return NULL;
}

static const char *behind(const char *at, const char *end, const char *mark)
{
    const char *found = memmem(at, (size_t)(end - at), mark, strlen(mark));

    return found ? found + strlen(mark) : NULL;
}

/* Whether the rest begins with a mark. */
static bool begins(const struct reader *reader, const char *mark)
{
    size_t len = strlen(mark);

    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, mark, len) == 0;
}

static mastra_str tag_name(const char *from, const char *to)
{
    const char *at = from;

    while (at < to && !is_blank(*at) && *at != '/' && *at != '>') {
        at++;
    }
    return (mastra_str){from, (size_t)(at - from)};
}

/* Goes behind the next tag. */
static enum tag_kind next_tag(struct reader *reader, mastra_str *ret_name)
{
    const char *from =
        reader->at < reader->end ? memchr(reader->at, '<', (size_t)(reader->end - reader->at)) : NULL;
    enum tag_kind kind = TAG_OPEN;
    const char *to;

    if (!from) {
        return TAG_NONE;
    }
    reader->at = from;
    if (begins(reader, "<!") || begins(reader, "<?")) {
        to = begins(reader, "<!--") ? behind(from + 4, reader->end, "-->") : tag_end(from, reader->end);
        kind = TAG_OTHER;
    } else {
        bool close = begins(reader, "</");

        to = tag_end(from, reader->end);
        if (to) {
            *ret_name = tag_name(from + (close ? 2 : 1), to);
            kind = close ? TAG_CLOSE : to[-2] == '/' ? TAG_EMPTY : TAG_OPEN;
        }
    }
    if (!to) {
        return TAG_NONE;
    }
    reader->at = to;
    return kind;
}

/* The length of the first part of a path. */
static size_t part_length(const char *path)
{
    return strcspn(path, "/");
}

static bool is_part(mastra_str name, const char *path)
{
    return ms_str_compare(name, (mastra_str){path, part_length(path)}) == 0;
}

/* The text between the tag that was read and the one that closes it. */
static bool text_here(struct reader *reader, mastra_str *ret)
{
    const char *from = reader->at;
    const char *to = from < reader->end ? memchr(from, '<', (size_t)(reader->end - from)) : NULL;

    if (!to || to + 1 >= reader->end || to[1] != '/') {
        return false;
    }
    *ret = (mastra_str){from, (size_t)(to - from)};
    return true;
}

bool ms_xml_find(mastra_str xml, const char *path, mastra_str *ret)
{
    struct reader reader = {xml.ptr, xml.ptr + xml.len};
    const char *rest = path; /* what is left of the path below the elements that fit */
    size_t depth = 0;
    size_t fitting = 0;
    mastra_str name = {NULL, 0};

    if (!xml.ptr) {
        return false;
    }
    for (;;) {
        switch (next_tag(&reader, &name)) {
        case TAG_NONE:
            return false;
        case TAG_OPEN:
            if (fitting == depth && is_part(name, rest)) {
                rest += part_length(rest);
                if (!*rest) {
                    return text_here(&reader, ret);
                }
                rest++;
                fitting++;
            }
            depth++;
            break;
        case TAG_CLOSE:
            if (depth == 0) {
                return false;
            }
            depth--;
            /* An element of the path ends: what was looked for is not in it, and is not looked for elsewhere. */
            if (fitting > depth) {
                return false;
            }
            break;
        default:
            break;
        }
    }
}

static const struct {
    const char *name;
    char c;
} entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* An ASCII character by its number, "&#43;" or "&#x2B;"; 0 when it is none. *ret_len is the length of its spelling. */
static char read_number(const char *at, const char *end, size_t *ret_len)
{
    const char *digit = at + 2;
    int base = 10;
    int number = 0;

    if (digit < end && (*digit == 'x' || *digit == 'X')) {
        base = 16;
        digit++;
    }
    for (; digit < end && *digit != ';'; digit++) {
        if (digit_of(*digit) >= base || number > 127) {
            return 0;
        }
        number = number * base + digit_of(*digit);
    }
    *ret_len = (size_t)(digit - at) + 1;
    return digit < end && number < 128 ? (char)number : 0;
}

/* The character that begins at `at`, and the length of its spelling. What is no reference stands for itself. */
static char read_char(const char *at, const char *end, size_t *ret_len)
{
    char c;

    *ret_len = 1;
    if (*at != '&') {
        return *at;
    }
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        size_t len = strlen(entities[i].name);

        if ((size_t)(end - at) >= len && memcmp(at, entities[i].name, len) == 0) {
            *ret_len = len;
            return entities[i].c;
        }
    }
    if (end - at > 2 && at[1] == '#') {
        c = read_number(at, end, ret_len);
        if (c) {
            return c;
        }
    }
    *ret_len = 1;
    return *at;
}

bool ms_xml_text(mastra_str spelled, struct ms_heap *heap, struct ms_secret *ret)
{
    const char *at = spelled.ptr;
    const char *end = spelled.ptr + spelled.len;
    size_t len = 0;

    while (at < end && is_blank(*at)) {
        at++;
    }
    while (at < end && is_blank(end[-1])) {
        end--;
    }
    if (!ms_secret_reserve(ret, heap, (size_t)(end - at))) {
        return false;
    }
    while (at < end) {
        size_t used;

        ret->ptr[len++] = read_char(at, end, &used);
        at += used;
    }
    ret->ptr[len] = '\0';
    ret->len = len;
    return true;
}
