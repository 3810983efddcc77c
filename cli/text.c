#include "text.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define REPLACEMENT "\xEF\xBF\xBD"
#define USUAL_WIDTH 100
#define NARROWEST   20
#define WIDEST      10000

/* Decodes one character; returns its length, or 0 when the bytes are no UTF-8. */
static size_t decode(const char *text, size_t len, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);

    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size > len) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        unsigned char next = (unsigned char)text[i];

        if ((next & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (next & 0x3f);
    }
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        return 0;
    }
    *ret = point;
    return size;
}

/* Controls, line and paragraph separators, and what reorders the rest of the line. */
static bool is_harmful(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c || point == 0x200e ||
           point == 0x200f || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void text_write_line(FILE *out, mastra_str text)
{
    bool blank = false;

    for (size_t at = 0; at < text.len;) {
        uint32_t point = 0;
        size_t size = decode(text.ptr + at, text.len - at, &point);

        if (size == 0) {
            fputs(REPLACEMENT, out);
            blank = false;
            at++;
            continue;
        }
        if (!is_harmful(point)) {
            fwrite(text.ptr + at, 1, size, out);
            blank = point == ' ';
        } else if (!blank) {
            fputc(' ', out);
            blank = true;
        }
        at += size;
    }
}

static size_t point_columns(uint32_t point)
{
    int columns = wcwidth((wchar_t)point);

    return columns < 0 ? 1 : (size_t)columns;
}

size_t text_fitting(const char *text, size_t columns, size_t *ret_columns)
{
    size_t len = strlen(text);
    size_t used = 0;
    size_t at = 0;

    while (at < len) {
        uint32_t point = 0;
        size_t size = decode(text + at, len - at, &point);
        size_t more = size ? point_columns(point) : 1;

        if (more > columns - used) {
            break;
        }
        used += more;
        at += size ? size : 1;
    }
    *ret_columns = used;
    return at;
}

size_t text_columns(const char *text)
{
    size_t columns;

    text_fitting(text, SIZE_MAX, &columns);
    return columns;
}

size_t text_width_of(int descriptor)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    long width = 0;

    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
        width = size.ws_col;
    }
    if (width == 0 && columns) {
        width = strtol(columns, NULL, 10);
    }
    return width <= 0 || width > WIDEST ? USUAL_WIDTH : (size_t)width;
}

size_t text_terminal_width(void)
{
    size_t width = text_width_of(STDOUT_FILENO);

    return width < NARROWEST ? NARROWEST : width;
}

void text_write_json(FILE *out, const char *json, size_t len)
{
    size_t from = 0;

    for (size_t at = 0; at < len; at++) {
        unsigned char c = (unsigned char)json[at];
        unsigned char next = at + 1 < len ? (unsigned char)json[at + 1] : 0;
        bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

        if (c != 0x7f && !c1) {
            continue;
        }
        fwrite(json + from, 1, at - from, out);
        fprintf(out, "\\u%04x", c1 ? next : c);
        at += c1;
        from = at + 1;
    }
    fwrite(json + from, 1, len - from, out);
}

void text_write_json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
            fputc(*text, out);
        } else if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\u%04x", (unsigned)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

void text_write_time(FILE *out, mastra_time time)
{
    /* Rounded down, for times before 1970 too. */
    time_t seconds = (time_t)(time / 1000 - (time % 1000 < 0));
    struct tm parts;
    char text[40];

    if (time == MASTRA_TIME_NONE || !gmtime_r(&seconds, &parts) ||
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        fputc('-', out);
        return;
    }
    fputs(text, out);
}

void text_write_size(FILE *out, size_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;

    if (bytes < 1024) {
        fprintf(out, "%zu B", bytes);
        return;
    }
    for (; size >= 1024 && unit < 2; unit++) {
        size /= 1024;
    }
    fprintf(out, "%.1f %s", size, units[unit]);
}

static bool is_set(const char *name, const char **ret_value)
{
    *ret_value = getenv(name);
    return *ret_value && **ret_value;
}

bool text_is_utf8(void)
{
    const char *locale;

    if (!is_set("LC_ALL", &locale) && !is_set("LC_CTYPE", &locale) && !is_set("LANG", &locale)) {
        return false;
    }
    return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
}

bool text_is_coloured(void)
{
    const char *value;

    if (!isatty(STDOUT_FILENO) || is_set("NO_COLOR", &value)) {
        return false;
    }
    return is_set("TERM", &value) && strcmp(value, "dumb") != 0;
}

/* Where the secret part of user:secret@host begins and ends; false when there is none. */
static bool find_user_secret(const char *url, const char **ret_from, const char **ret_to)
{
    const char *authority = strstr(url, "://");
    const char *at = NULL;
    const char *colon;

    if (!authority) {
        return false;
    }
    authority += 3;
    for (const char *c = authority; *c && !strchr("/?#", *c); c++) {
        at = *c == '@' ? c : at;
    }
    colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    if (!colon) {
        return false;
    }
    *ret_from = colon + 1;
    *ret_to = at;
    return true;
}

static bool is_secret_name(const char *name, size_t len)
{
    static const char *const secrets[] = {"password", "token", "secret", "key"};

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        size_t wanted = strlen(secrets[i]);

        for (size_t at = 0; at + wanted <= len; at++) {
            if (strncasecmp(name + at, secrets[i], wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}

void text_write_url(FILE *out, const char *url)
{
    const char *from;
    const char *to;
    const char *query;

    if (find_user_secret(url, &from, &to)) {
        text_write_line(out, (mastra_str){url, (size_t)(from - url)});
        fputs("***", out);
        url = to;
    }
    query = strchr(url, '?');
    text_write_line(out, (mastra_str){url, query ? (size_t)(query - url) : strlen(url)});
    while (query) {
        const char *end = query + 1 + strcspn(query + 1, "&");
        size_t name = strcspn(query + 1, "=&");

        if (is_secret_name(query + 1, name)) {
            text_write_line(out, (mastra_str){query, name + 1});
            fputs("=***", out);
        } else {
            text_write_line(out, (mastra_str){query, (size_t)(end - query)});
        }
        query = *end ? end : NULL;
    }
}
