#include "base/error.h"
#include "store/store.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* Percent-decodes into the arena; a % without two hex digits stands for itself. False: memory is out. */
static bool decode(mastra_str text, struct ms_arena *arena, mastra_str *ret)
{
    char *out = ms_arena_bytes(arena, text.len + 1);
    size_t len = 0;

    if (!out) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

        if (low >= 0) {
            out[len++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    out[len] = '\0';
    ret->ptr = out;
    ret->len = len;
    return true;
}

static size_t find(mastra_str text, char c)
{
    const char *at = memchr(text.ptr, c, text.len);

    return at ? (size_t)(at - text.ptr) : text.len;
}

static mastra_str part(mastra_str text, size_t from, size_t to)
{
    mastra_str slice = {text.ptr + from, to - from};

    return slice;
}

static size_t scheme_length(mastra_str url)
{
    size_t colon = find(url, ':');

    for (size_t i = 0; i < colon; i++) {
        char c = url.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            return 0;
        }
    }
    return colon < url.len ? colon : 0;
}

static mastra_status parse_params(mastra_str text, struct ms_arena *arena, struct ms_config *config,
                                  mastra_error *error)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++) {
        count += text.ptr[i] == '&';
    }
    config->params = ms_arena_calloc(arena, count * sizeof *config->params);
    if (!config->params) {
        return ms_error_oom(error);
    }
    while (text.len > 0) {
        size_t end = find(text, '&');
        mastra_str pair = part(text, 0, end);
        size_t equals = find(pair, '=');
        struct ms_param *param = &config->params[config->param_count];
        mastra_str value = part(pair, equals < pair.len ? equals + 1 : pair.len, pair.len);

        if (pair.len > 0) {
            if (!decode(part(pair, 0, equals), arena, &param->name) || !decode(value, arena, &param->value)) {
                return ms_error_oom(error);
            }
            config->param_count++;
        }
        text = part(text, end < text.len ? end + 1 : end, text.len);
    }
    return MASTRA_OK;
}

/* ":memory:" is the one name without a scheme. */
static const char memory_url[] = ":memory:";

mastra_status ms_url_parse(const char *url, struct ms_arena *arena, struct ms_config *config,
                           mastra_error *error)
{
    mastra_str text = mastra_str_of(url);
    size_t scheme;
    size_t query;

    if (!url || text.len == 0) {
        return ms_error_argument(error, "url", mastra_str_of(NULL),
                                 "must name a store, such as file:agent.db");
    }
    query = find(text, '?');
    if (query == sizeof memory_url - 1 && strncmp(url, memory_url, query) == 0) {
        config->scheme = mastra_str_of("file");
        config->path = part(text, 0, query);
        config->raw_path = config->path;
    } else {
        scheme = scheme_length(text);
        if (scheme == 0) {
            /* No value is shown here or below: a URL may hold a password. */
            return ms_error_argument(error, "url", mastra_str_of(NULL),
                                     "has no scheme; a file is named like file:agent.db");
        }
        if (scheme + 1 > query) {
            query = text.len;
        }
        config->scheme = part(text, 0, scheme);
        config->raw_path = part(text, scheme + 1, query);
        if (!decode(part(text, scheme + 1, query), arena, &config->path)) {
            return ms_error_oom(error);
        }
    }
    if (query >= text.len) {
        return MASTRA_OK;
    }
    return parse_params(part(text, query + 1, text.len), arena, config, error);
}

mastra_str ms_config_param(struct ms_config *config, const char *name)
{
    mastra_str value = {NULL, 0};

    for (size_t i = 0; i < config->param_count; i++) {
        if (strcmp(config->params[i].name.ptr, name) == 0) {
            config->params[i].used = true;
            value = config->params[i].value;
        }
    }
    return value;
}

mastra_status ms_config_int(struct ms_config *config, const char *name, int64_t min, int64_t max,
                            int64_t *ret, mastra_error *error)
{
    mastra_str value = ms_config_param(config, name);
    int64_t number = 0;

    if (!value.ptr) {
        return MASTRA_OK;
    }
    if (value.len == 0 || value.len > 18) {
        return ms_error_argument(error, name, value, "must be a whole number in the URL");
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') {
            return ms_error_argument(error, name, value, "must be a whole number in the URL");
        }
        number = number * 10 + (value.ptr[i] - '0');
    }
    if (number < min || number > max) {
        return ms_error_argument(error, name, value, "is out of range");
    }
    *ret = number;
    return MASTRA_OK;
}

mastra_status ms_config_flag(struct ms_config *config, const char *name, bool *ret, mastra_error *error)
{
    mastra_str value = ms_config_param(config, name);

    if (!value.ptr) {
        return MASTRA_OK;
    }
    if (strcmp(value.ptr, "1") == 0 || strcmp(value.ptr, "true") == 0) {
        *ret = true;
    } else if (strcmp(value.ptr, "0") == 0 || strcmp(value.ptr, "false") == 0) {
        *ret = false;
    } else {
        return ms_error_argument(error, name, value, "must be 0, 1, true or false in the URL");
    }
    return MASTRA_OK;
}

mastra_status ms_config_unused(const struct ms_config *config, mastra_error *error)
{
    for (size_t i = 0; i < config->param_count; i++) {
        if (!config->params[i].used) {
            return ms_error_argument(error, "url", config->params[i].name, "has an unknown parameter");
        }
    }
    return MASTRA_OK;
}
