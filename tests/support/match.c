#include "support/match.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR(literal) ((mastra_str)MASTRA_STR(literal))

void match_init(struct match *match, const char *store)
{
    memset(match, 0, sizeof(*match));
    match->store = store;
    match->since = ms_clock_now();
}

void match_release(struct match *match)
{
    for (size_t i = 0; i < match->count; i++)
        free(match->vars[i].raw);
    match->count = 0;
}

static const char *bound(const struct match *match, const char *name, size_t len)
{
    for (size_t i = 0; i < match->count; i++) {
        if (strlen(match->vars[i].name) == len && memcmp(match->vars[i].name, name, len) == 0)
            return match->vars[i].raw;
    }
    return NULL;
}

static bool bind(struct match *match, mastra_str name, mastra_str value)
{
    if (bound(match, name.ptr, name.len) || match->count == MATCH_VARS ||
        name.len >= sizeof(match->vars[0].name))
        return false;
    match->vars[match->count].raw = strndup(value.ptr, value.len);
    memcpy(match->vars[match->count].name, name.ptr, name.len);
    match->vars[match->count++].name[name.len] = '\0';
    return true;
}

/* The value that stands for the string that begins at `at` ("$x"), and behind what it ends. */
static const char *variable_at(const struct match *match, const char *at, const char **end)
{
    if (at[0] != '"' || at[1] != '$')
        return NULL;
    size_t len = strcspn(at + 2, "\"'");
    *end = at + 2 + len + 1;
    return at[2 + len] == '"' ? bound(match, at + 2, len) : NULL;
}

char *match_expand(const struct match *match, const char *text)
{
    char *plain = strdup(text);
    char *out = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&out, &size);
    if (!plain || !stream)
        abort();
    for (char *at = plain; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    for (const char *at = plain; *at;) {
        const char *end;
        const char *value = variable_at(match, at, &end);
        if (value) {
            fputs(value, stream);
            at = end;
        } else {
            fputc(*at++, stream);
        }
    }
    fclose(stream);
    free(plain);
    return out;
}

static bool __attribute__((format(printf, 2, 3))) differ(struct match *match, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int used = snprintf(match->why, sizeof(match->why), "%s: ", *match->path ? match->path : "result");
    if (used > 0 && (size_t)used < sizeof(match->why))
        vsnprintf(match->why + used, sizeof(match->why) - (size_t)used, format, args);
    va_end(args);
    return false;
}

/* As much of a value as fits a message. */
#define SHOWN(value) (int)((value).len > 300 ? 300 : (value).len), (value).ptr ? (value).ptr : "nothing"

static bool begins(mastra_str text, const char *prefix, mastra_str *rest)
{
    size_t len = strlen(prefix);
    if (text.len < len || memcmp(text.ptr, prefix, len) != 0)
        return false;
    *rest = (mastra_str){text.ptr + len, text.len - len};
    return true;
}

static bool equals(mastra_str text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

/* The canonical form only: three decimals and Z. */
static bool iso_time(mastra_str raw, mastra_time *ret)
{
    char text[MS_ISO_SIZE];
    if (ms_json_kind(raw) != MS_JSON_STRING)
        return false;
    mastra_str inner = {raw.ptr + 1, raw.len - 2};
    if (!ms_time_parse(inner, ret))
        return false;
    size_t len = ms_time_format(*ret, text);
    return len == inner.len && memcmp(text, inner.ptr, len) == 0;
}

static bool is_uuid(mastra_str raw)
{
    static const char form[] = "\"xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx\"";
    if (raw.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        bool fits = form[i] == 'x' ? hex : form[i] == 'y' ? c && strchr("89ab", c) : c == form[i];
        if (!fits)
            return false;
    }
    return true;
}

static bool match_times(struct match *match, mastra_str sign, mastra_str value)
{
    mastra_time time;
    mastra_time other;
    mastra_str rest;
    if (!iso_time(value, &time))
        return differ(match, "want a time, got %.*s", SHOWN(value));
    if (equals(sign, "$now") && (time < match->since || time > ms_clock_now()))
        return differ(match, "want the present time, got %.*s", SHOWN(value));
    if (begins(sign, "$later:", &rest)) {
        const char *raw = bound(match, rest.ptr, rest.len);
        if (!raw || !iso_time(mastra_str_of(raw), &other))
            return differ(match, "no time is kept as %.*s", SHOWN(rest));
        if (time <= other)
            return differ(match, "want a time after %s, got %.*s", raw, SHOWN(value));
    }
    return true;
}

static bool match_kept(struct match *match, mastra_str name, mastra_str value, bool same)
{
    const char *raw = bound(match, name.ptr, name.len);
    if (!raw)
        return differ(match, "nothing is kept as %.*s", SHOWN(name));
    if (ms_json_equal(mastra_str_of(raw), value) != same)
        return differ(match, "want %s %s, got %.*s", same ? "" : "anything but", raw, SHOWN(value));
    return true;
}

static bool match_count(struct match *match, mastra_str number, mastra_str value)
{
    size_t want = strtoul(number.ptr, NULL, 10);
    if (ms_json_kind(value) != MS_JSON_ARRAY)
        return differ(match, "want an array, got %.*s", SHOWN(value));
    if (ms_json_count(value) != want)
        return differ(match, "want %zu elements, got %zu", want, ms_json_count(value));
    return true;
}

/* A pattern string that begins with $; `sign` is what stands between its quotes. */
static bool match_sign(struct match *match, mastra_str sign, mastra_str value)
{
    mastra_str rest;
    if (equals(sign, "$any"))
        return true;
    if (equals(sign, "$iso") || equals(sign, "$now") || begins(sign, "$later:", &rest))
        return match_times(match, sign, value);
    if (equals(sign, "$uuid"))
        return is_uuid(value) || differ(match, "want a UUID, got %.*s", SHOWN(value));
    if (begins(sign, "$count:", &rest))
        return match_count(match, rest, value);
    if (begins(sign, "$bind:", &rest))
        return bind(match, rest, value) || differ(match, "cannot keep %.*s", SHOWN(rest));
    if (begins(sign, "$same:", &rest))
        return match_kept(match, rest, value, true);
    if (begins(sign, "$other:", &rest))
        return match_kept(match, rest, value, false);
    return differ(match, "the pattern says %.*s", SHOWN(sign));
}

static bool match_any(struct match *match, mastra_str pattern, mastra_str value);

/* The same with the path longer by one step. */
static bool match_below(struct match *match, const char *step, int len, mastra_str pattern, mastra_str value)
{
    size_t before = strlen(match->path);
    snprintf(match->path + before, sizeof(match->path) - before, "%s%.*s", *step == '[' ? "" : ".", len,
             step);
    bool fits = match_any(match, pattern, value);
    match->path[before] = '\0';
    return fits;
}

static bool match_array(struct match *match, mastra_str pattern, mastra_str value)
{
    struct ms_json_iter wanted;
    struct ms_json_iter got;
    mastra_str want;
    mastra_str item;
    if (ms_json_kind(value) != MS_JSON_ARRAY)
        return differ(match, "want an array, got %.*s", SHOWN(value));
    if (ms_json_count(value) != ms_json_count(pattern))
        return differ(match, "want %zu elements, got %zu: %.*s", ms_json_count(pattern), ms_json_count(value),
                      SHOWN(value));
    ms_json_iter_init(&wanted, pattern);
    ms_json_iter_init(&got, value);
    for (size_t i = 0; ms_json_next(&wanted, NULL, &want) && ms_json_next(&got, NULL, &item); i++) {
        char step[32];
        int len = snprintf(step, sizeof(step), "[%zu]", i);
        if (!match_below(match, step, len, want, item))
            return false;
    }
    return true;
}

static void show_ids(mastra_str value, char *out, size_t size)
{
    struct ms_json_iter iter;
    mastra_str item;
    size_t used = 0;
    out[0] = '\0';
    ms_json_iter_init(&iter, value);
    while (used < size && ms_json_next(&iter, NULL, &item)) {
        mastra_str id = ms_json_member(item, STR("id"));
        used += (size_t)snprintf(out + used, size - used, "%.*s ", SHOWN(id));
    }
}

static bool match_ids(struct match *match, mastra_str ids, mastra_str value)
{
    struct ms_json_iter wanted;
    struct ms_json_iter got;
    mastra_str want;
    mastra_str item;
    char shown[400];
    if (ms_json_kind(value) != MS_JSON_ARRAY)
        return differ(match, "want an array, got %.*s", SHOWN(value));
    show_ids(value, shown, sizeof(shown));
    ms_json_iter_init(&wanted, ids);
    ms_json_iter_init(&got, value);
    while (ms_json_next(&wanted, NULL, &want)) {
        if (!ms_json_next(&got, NULL, &item) || !ms_json_equal(want, ms_json_member(item, STR("id"))))
            return differ(match, "want the ids %.*s, got %s", SHOWN(ids), shown);
    }
    if (ms_json_next(&got, NULL, &item))
        return differ(match, "want the ids %.*s, got %s", SHOWN(ids), shown);
    return true;
}

/* Whether the value has no members but the pattern's. */
static bool no_others(struct match *match, mastra_str pattern, mastra_str value)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str item;
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, &key, &item)) {
        char *name = malloc(key.len);
        if (!name)
            abort();
        mastra_str plain = {name, ms_json_unescape(key, name, NULL)};
        bool known = ms_json_member(pattern, plain).ptr;
        free(name);
        if (!known)
            return differ(match, "unexpected member %.*s: %.*s", SHOWN(key), SHOWN(item));
    }
    return true;
}

static bool match_member(struct match *match, mastra_str key, mastra_str want, mastra_str object)
{
    char *name = malloc(key.len);
    if (!name)
        abort();
    mastra_str plain = {name, ms_json_unescape(key, name, NULL)};
    mastra_str item = ms_json_member(object, plain);
    bool fits;
    if (equals(want, "\"$absent\""))
        fits = !item.ptr || differ(match, "unexpected member %.*s: %.*s", SHOWN(key), SHOWN(item));
    else if (!item.ptr)
        fits = differ(match, "member %.*s is missing in %.*s", SHOWN(key), SHOWN(object));
    else
        fits = match_below(match, name, (int)plain.len, want, item);
    free(name);
    return fits;
}

static bool match_object(struct match *match, mastra_str pattern, mastra_str value)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str want;
    mastra_str raw = ms_json_member(pattern, STR("$raw"));
    mastra_str ids = ms_json_member(pattern, STR("$ids"));
    if (raw.ptr)
        return (raw.len == value.len && memcmp(raw.ptr, value.ptr, raw.len) == 0) ||
               differ(match, "want exactly %.*s, got %.*s", SHOWN(raw), SHOWN(value));
    if (ids.ptr)
        return match_ids(match, ids, value);
    if (ms_json_kind(value) != MS_JSON_OBJECT)
        return differ(match, "want an object, got %.*s", SHOWN(value));
    ms_json_iter_init(&iter, pattern);
    while (ms_json_next(&iter, &key, &want)) {
        if (!equals(key, "\"$open\"") && !match_member(match, key, want, value))
            return false;
    }
    return ms_json_member(pattern, STR("$open")).ptr || no_others(match, pattern, value);
}

static bool match_any(struct match *match, mastra_str pattern, mastra_str value)
{
    switch (ms_json_kind(pattern)) {
    case MS_JSON_OBJECT:
        return match_object(match, pattern, value);
    case MS_JSON_ARRAY:
        return match_array(match, pattern, value);
    case MS_JSON_STRING:
        if (pattern.len > 2 && pattern.ptr[1] == '$')
            return match_sign(match, (mastra_str){pattern.ptr + 1, pattern.len - 2}, value);
        break;
    default:
        break;
    }
    return ms_json_equal(pattern, value) ||
           differ(match, "want %.*s, got %.*s", SHOWN(pattern), SHOWN(value));
}

static bool checked(struct match *match, const char *pattern, mastra_str *ret)
{
    struct ms_json_fault fault;
    match->path[0] = '\0';
    match->why[0] = '\0';
    if (ms_json_check(mastra_str_of(pattern), ret, &fault))
        return true;
    return differ(match, "the pattern is not JSON at %zu (%s): %.600s", fault.offset, fault.what, pattern);
}

bool match_value(struct match *match, const char *pattern, mastra_str value)
{
    mastra_str want;
    mastra_str got;
    struct ms_json_fault fault;
    if (!checked(match, pattern, &want))
        return false;
    if (!ms_json_check(value, &got, &fault))
        return differ(match, "not JSON at %zu (%s): %.*s", fault.offset, fault.what, SHOWN(value));
    return match_any(match, want, got);
}

bool match_wants_error(const char *pattern)
{
    mastra_str checked_pattern;
    return ms_json_check(mastra_str_of(pattern), &checked_pattern, NULL) &&
           ms_json_member(checked_pattern, STR("$error")).ptr;
}

/* The member of the pattern as plain text; false when it is not there. */
static bool wanted_text(mastra_str pattern, const char *name, char *out, size_t size)
{
    mastra_str raw = ms_json_member(pattern, mastra_str_of(name));
    if (!raw.ptr || raw.len > size)
        return false;
    out[ms_json_unescape(raw, out, NULL)] = '\0';
    return true;
}

bool match_error(struct match *match, const char *pattern, mastra_status status, const mastra_error *error)
{
    mastra_str want;
    char text[400];
    char id[512];
    if (!checked(match, pattern, &want))
        return false;
    if (wanted_text(want, "$error", text, sizeof(text)) && strcmp(text, mastra_status_name(status)) != 0)
        return differ(match, "want the error %s, got %s: %s", text, mastra_status_name(status),
                      error->message);
    if (error->status != status)
        return differ(match, "the error record says %s, the call %s", mastra_status_name(error->status),
                      mastra_status_name(status));
    if (wanted_text(want, "$message", text, sizeof(text)) && !strstr(error->message, text))
        return differ(match, "want a message with \"%s\", got \"%s\"", text, error->message);
    if (wanted_text(want, "$category", text, sizeof(text)) && strcmp(text, error->category) != 0)
        return differ(match, "want the category %s, got %s", text, error->category);
    if (wanted_text(want, "$field", text, sizeof(text)) && strcmp(text, error->field) != 0)
        return differ(match, "want the field %s, got \"%s\" (%s)", text, error->field, error->message);
    snprintf(id, sizeof(id), "$id %s", match->store);
    if (wanted_text(want, id, text, sizeof(text)) || wanted_text(want, "$id", text, sizeof(text))) {
        snprintf(id, sizeof(id), "MASTRA_STORAGE_%s_%s", match->store, text);
        if (strcmp(id, error->id) != 0)
            return differ(match, "want the id %s, got %s", id, error->id);
    }
    return true;
}
