#include "backends/dynamodb/item_scan.h"

#include "base/json.h"
#include "base/str.h"

static void skip_space(struct ms_scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

bool ms_scan_sees(struct ms_scan *scan, char c)
{
    skip_space(scan);
    return scan->at < scan->end && *scan->at == c;
}

bool ms_scan_take(struct ms_scan *scan, char c)
{
    bool there = ms_scan_sees(scan, c);

    scan->at += there;
    return there;
}

/* The quote that ends a string, of which `at` is inside. */
static char *closing_quote(char *at, const char *end)
{
    char *start = at;

    for (;;) {
        char *quote = memchr(at, '"', (size_t)(end - at));
        char *before = quote;

        if (!quote) {
            return NULL;
        }
        while (before > start && before[-1] == '\\') {
            before--;
        }
        if ((quote - before) % 2 == 0) {
            return quote;
        }
        at = quote + 1;
    }
}

static void skip_string(struct ms_scan *scan)
{
    char *quote = closing_quote(scan->at + 1, scan->end);

    scan->at = quote ? quote + 1 : scan->end;
}

static void skip_scalar(struct ms_scan *scan)
{
    while (scan->at < scan->end && *scan->at != ',' && *scan->at != '}' && *scan->at != ']' &&
           *scan->at != ' ' && *scan->at != '\n' && *scan->at != '\r' && *scan->at != '\t') {
        scan->at++;
    }
}

void ms_scan_skip(struct ms_scan *scan, mastra_str *ret)
{
    const char *start;
    unsigned depth = 0;

    skip_space(scan);
    start = scan->at;
    while (scan->at < scan->end) {
        char c = *scan->at;

        if (c == '"') {
            skip_string(scan);
        } else if (c == '{' || c == '[') {
            depth++;
            scan->at++;
        } else if (depth > 0) {
            depth -= c == '}' || c == ']';
            scan->at++;
        } else {
            skip_scalar(scan);
        }
        if (depth == 0) {
            break;
        }
    }
    if (ret) {
        *ret = (mastra_str){start, (size_t)(scan->at - start)};
    }
}

mastra_str ms_scan_string(struct ms_scan *scan)
{
    char *start = scan->at + 1;
    char *quote = closing_quote(start, scan->end);
    mastra_str text = {start, 0};

    if (!quote) {
        scan->at = scan->end;
        return (mastra_str){"", 0};
    }
    text.len = (size_t)(quote - start);
    scan->at = quote + 1;
    if (memchr(start, '\\', text.len)) {
        text.len = ms_json_unescape((mastra_str){start - 1, text.len + 2}, start, NULL);
    }
    start[text.len] = '\0';
    return text;
}

bool ms_scan_element(struct ms_scan *scan, bool *first)
{
    if (ms_scan_take(scan, ']') || (!*first && !ms_scan_take(scan, ','))) {
        return false;
    }
    *first = false;
    skip_space(scan);
    return scan->at < scan->end;
}

bool ms_scan_member(struct ms_scan *scan, bool *first, mastra_str *ret_name)
{
    if (ms_scan_take(scan, '}') || (!*first && !ms_scan_take(scan, ',')) || !ms_scan_sees(scan, '"')) {
        return false;
    }
    *first = false;
    *ret_name = ms_scan_string(scan);
    return ms_scan_take(scan, ':');
}

static bool is(mastra_str text, const char *name)
{
    return ms_str_compare(text, mastra_str_of(name)) == 0;
}

/* Type and value, of which only those that fit each other are taken. */
static void read_typed(struct ms_scan *scan, mastra_str type, struct ms_scan_value *ret)
{
    if (type.len == 1 && (type.ptr[0] == 'S' || type.ptr[0] == 'N') && ms_scan_sees(scan, '"')) {
        ret->kind = type.ptr[0] == 'S' ? MS_SCAN_STRING : MS_SCAN_NUMBER;
        ret->text = ms_scan_string(scan);
    } else if (is(type, "BOOL") && (ms_scan_sees(scan, 't') || ms_scan_sees(scan, 'f'))) {
        ret->kind = MS_SCAN_BOOLEAN;
        ret->truth = *scan->at == 't';
        ms_scan_skip(scan, NULL);
    } else if (is(type, "SS") && ms_scan_sees(scan, '[')) {
        ret->kind = MS_SCAN_STRINGS;
        ms_scan_skip(scan, &ret->text);
    } else {
        ms_scan_skip(scan, NULL);
    }
}

void ms_scan_value(struct ms_scan *scan, struct ms_scan_value *ret)
{
    bool first = true;
    mastra_str type;

    *ret = (struct ms_scan_value){.kind = MS_SCAN_NONE};
    if (!ms_scan_take(scan, '{')) {
        ms_scan_skip(scan, NULL);
        return;
    }
    while (ms_scan_member(scan, &first, &type)) {
        read_typed(scan, type, ret);
    }
}

/* Answers. */

struct answer {
    struct ms_scan *scan;
    ms_scan_item_fn item;
    void *arg;
    struct ms_scan_rest *rest;
};

static bool read_item(const struct answer *answer)
{
    if (!ms_scan_take(answer->scan, '{')) {
        ms_scan_skip(answer->scan, NULL);
        return true;
    }
    return answer->item(answer->scan, answer->arg);
}

static bool read_items(const struct answer *answer)
{
    bool first = true;

    if (!ms_scan_take(answer->scan, '[')) {
        ms_scan_skip(answer->scan, NULL);
        return true;
    }
    while (ms_scan_element(answer->scan, &first)) {
        if (!read_item(answer)) {
            return false;
        }
    }
    return true;
}

/* {"Item":{...}} or {}, of a transaction. */
static bool read_response(const struct answer *answer)
{
    bool first = true;
    mastra_str name;

    if (!ms_scan_take(answer->scan, '{')) {
        ms_scan_skip(answer->scan, NULL);
        return true;
    }
    while (ms_scan_member(answer->scan, &first, &name)) {
        if (!is(name, "Item")) {
            ms_scan_skip(answer->scan, NULL);
        } else if (!read_item(answer)) {
            return false;
        }
    }
    return true;
}

/* An array of those, or an object with an array of items for each table. */
static bool read_responses(const struct answer *answer)
{
    bool first = true;
    mastra_str name;

    if (ms_scan_take(answer->scan, '[')) {
        while (ms_scan_element(answer->scan, &first)) {
            if (!read_response(answer)) {
                return false;
            }
        }
        return true;
    }
    if (!ms_scan_take(answer->scan, '{')) {
        ms_scan_skip(answer->scan, NULL);
        return true;
    }
    while (ms_scan_member(answer->scan, &first, &name)) {
        if (!read_items(answer)) {
            return false;
        }
    }
    return true;
}

static void read_rest(const struct answer *answer, mastra_str name)
{
    struct ms_scan_rest *rest = answer->rest;
    mastra_str json;

    ms_scan_skip(answer->scan, &json);
    if (is(name, "Count")) {
        int64_t counted = 0;

        rest->counted += ms_json_kind(json) == MS_JSON_NUMBER && ms_json_int(json, &counted) && counted > 0 &&
                                 counted < INT64_MAX - rest->counted
                             ? counted
                             : 0;
    } else if (is(name, "LastEvaluatedKey")) {
        rest->last_key = json;
    } else if (is(name, "UnprocessedKeys") || is(name, "UnprocessedItems")) {
        bool full = ms_json_kind(json) == MS_JSON_OBJECT && ms_json_count(json) > 0;

        rest->unprocessed = full ? json : (mastra_str){NULL, 0};
    } else if (is(name, "ConsumedCapacity")) {
        rest->consumed = json;
    }
}

bool ms_scan_answer(struct ms_scan *scan, ms_scan_item_fn item, void *arg, struct ms_scan_rest *rest)
{
    struct answer answer = {scan, item, arg, rest};
    bool first = true;
    bool good = true;
    mastra_str name;

    if (!ms_scan_take(scan, '{')) {
        return false;
    }
    while (good && ms_scan_member(scan, &first, &name)) {
        if (is(name, "Items")) {
            good = read_items(&answer);
        } else if (is(name, "Item") || is(name, "Attributes")) {
            good = read_item(&answer);
        } else if (is(name, "Responses")) {
            good = read_responses(&answer);
        } else {
            read_rest(&answer, name);
        }
    }
    return good;
}
