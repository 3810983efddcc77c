#include "aws/credentials_source.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

static void __attribute__((format(printf, 2, 0)))
note(struct ms_fetch *fetch, const char *format, va_list args)
{
    char text[sizeof fetch->why];

    vsnprintf(text, sizeof text, format, args);
    memcpy(fetch->why, text, sizeof text);
}

enum ms_found ms_pass(struct ms_fetch *fetch, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(fetch, format, args);
    va_end(args);
    fetch->status = MASTRA_DENIED;
    return MS_PASSED;
}

enum ms_found ms_fail(struct ms_fetch *fetch, mastra_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(fetch, format, args);
    va_end(args);
    fetch->status = status;
    return MS_FAILED;
}

enum ms_found ms_fail_oom(struct ms_fetch *fetch)
{
    return ms_fail(fetch, MASTRA_OUT_OF_MEMORY, "out of memory");
}

bool ms_fetch_profiles(struct ms_fetch *fetch)
{
    if (!fetch->profiles_loaded) {
        fetch->profiles_loaded = true;
        return ms_profiles_load(&fetch->profiles, fetch->aws->heap, &fetch->aws->environment);
    }
    return true;
}

enum ms_found ms_found_draft(struct ms_fetch *fetch, const struct ms_credentials_draft *draft,
                             const char *source, enum ms_found else_found, struct ms_credentials **ret)
{
    const char *why = NULL;
    const char *wrong = ms_credentials_wrong(draft, &why);

    if (wrong) {
        ms_pass(fetch, "%s: %s %s", source, wrong, why);
        return else_found;
    }
    if (draft->expiration != MASTRA_TIME_NONE && draft->expiration <= ms_aws_now(fetch->aws) &&
        !draft->stable) {
        ms_pass(fetch, "%s: the credentials have expired", source);
        return else_found;
    }
    *ret = ms_credentials_new(fetch->aws->heap, draft, source);
    return *ret ? MS_FOUND : ms_fail_oom(fetch);
}

bool ms_json_secret(struct ms_heap *heap, mastra_str object, const char *name, struct ms_secret *ret)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));

    if (ms_json_kind(raw) != MS_JSON_STRING) {
        ms_secret_release(ret);
        return true;
    }
    if (!ms_secret_reserve(ret, heap, ms_json_string_length(raw))) {
        return false;
    }
    ms_json_unescape(raw, ret->ptr, NULL);
    return true;
}

/* The member as a time; false when it is there and is none. */
static bool read_expiration(mastra_str object, const char *name, mastra_time *ret)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));

    *ret = MASTRA_TIME_NONE;
    switch (ms_json_kind(raw)) {
    case MS_JSON_NONE:
    case MS_JSON_NULL:
        return true;
    case MS_JSON_NUMBER:
        return ms_json_int(raw, ret) && ms_time_valid(*ret);
    case MS_JSON_STRING:
        /* A time has no characters that JSON escapes. */
        return ms_time_parse((mastra_str){raw.ptr + 1, raw.len - 2}, ret);
    default:
        return false;
    }
}

struct json_keys {
    struct ms_secret access_key_id;
    struct ms_secret secret_access_key;
    struct ms_secret session_token;
    struct ms_secret account_id;
};

static bool read_keys(struct ms_heap *heap, mastra_str object, const struct ms_json_names *names,
                      struct json_keys *keys)
{
    return ms_json_secret(heap, object, names->access_key_id, &keys->access_key_id) &&
           ms_json_secret(heap, object, names->secret_access_key, &keys->secret_access_key) &&
           ms_json_secret(heap, object, names->session_token, &keys->session_token) &&
           (!names->account_id || ms_json_secret(heap, object, names->account_id, &keys->account_id));
}

/* The first of the required members that is not there, or NULL. */
static const char *missing(const struct ms_json_names *names, const struct json_keys *keys,
                           mastra_time expiration)
{
    if (names->required > 0 && keys->access_key_id.len == 0) {
        return names->access_key_id;
    }
    if (names->required > 1 && keys->secret_access_key.len == 0) {
        return names->secret_access_key;
    }
    if (names->required > 2 && keys->session_token.len == 0) {
        return names->session_token;
    }
    return names->required > 3 && expiration == MASTRA_TIME_NONE ? names->expiration : NULL;
}

static enum ms_found use_object(struct ms_fetch *fetch, mastra_str object, const struct ms_json_names *names,
                                struct json_keys *keys, const char *source, enum ms_found else_found,
                                struct ms_credentials **ret)
{
    struct ms_credentials_draft draft = {.stable = names->stable};
    const char *lack;

    if (!read_keys(fetch->aws->heap, object, names, keys)) {
        return ms_fail_oom(fetch);
    }
    if (!read_expiration(object, names->expiration, &draft.expiration)) {
        ms_pass(fetch, "%s: %s is not a time", source, names->expiration);
        return else_found;
    }
    lack = missing(names, keys, draft.expiration);
    if (lack) {
        ms_pass(fetch, "%s: the answer lacks %s", source, lack);
        return else_found;
    }
    draft.access_key_id = ms_secret_view(&keys->access_key_id);
    draft.secret_access_key = ms_secret_view(&keys->secret_access_key);
    draft.session_token = ms_secret_view(&keys->session_token);
    draft.account_id = ms_secret_view(&keys->account_id);
    return ms_found_draft(fetch, &draft, source, else_found, ret);
}

enum ms_found ms_found_json(struct ms_fetch *fetch, mastra_str json, const struct ms_json_names *names,
                            const char *source, enum ms_found else_found, struct ms_credentials **ret)
{
    struct json_keys keys = {0};
    enum ms_found found = else_found;
    mastra_str object;

    if (!json.ptr || !ms_json_check(json, &object, NULL) || ms_json_kind(object) != MS_JSON_OBJECT) {
        ms_pass(fetch, "%s: the answer is not a JSON object", source);
    } else {
        found = use_object(fetch, object, names, &keys, source, else_found, ret);
    }
    ms_secret_release(&keys.access_key_id);
    ms_secret_release(&keys.secret_access_key);
    ms_secret_release(&keys.session_token);
    ms_secret_release(&keys.account_id);
    return found;
}

bool ms_fetch_send(struct ms_fetch *fetch, struct ms_http_exchange *exchange,
                   const struct ms_retry_policy *policy)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    exchange->secret = true;
    exchange->most_bytes = (size_t)256 << 10;
    status = ms_http_run(fetch->aws->http, &exchange, 1, 0, policy, fetch->deadline_ns, &error);
    if (status != MASTRA_OK) {
        ms_fail(fetch, status, "%s", error.message);
        return false;
    }
    if (exchange->end != MS_HTTP_ANSWERED) {
        status = ms_http_failure(exchange, "no answer", &error);
        ms_fail(fetch, status, "%.280s", error.message);
        return false;
    }
    return true;
}

static const struct ms_source *const chain[] = {
    &ms_source_environment, &ms_source_profile,  &ms_source_web_identity,
    &ms_source_container,   &ms_source_metadata,
};

/* Appends what a source said, after its name unless that begins it already; returns the length then. */
static size_t append_reason(char *tried, size_t size, size_t len, const char *name, const char *why)
{
    bool named = strncmp(why, name, strlen(name)) == 0;
    int more = snprintf(tried + len, size - len, "%s%s%s%.100s", len ? "; " : "", named ? "" : name,
                        named ? "" : ": ", why);

    return more < 0 || len + (size_t)more >= size ? strlen(tried) : len + (size_t)more;
}

enum ms_found ms_chain_fetch(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    char tried[460] = "";
    size_t len = 0;

    for (size_t i = 0; i < sizeof chain / sizeof chain[0]; i++) {
        enum ms_found found = chain[i]->fetch(fetch, ret);

        if (found == MS_FOUND) {
            return MS_FOUND;
        }
        ms_log_write(&fetch->aws->log, MASTRA_LOG_DEBUG, "AWS credentials: %s: %s", chain[i]->name,
                     fetch->why);
        if (found == MS_FAILED) {
            return MS_FAILED;
        }
        len = append_reason(tried, sizeof tried, len, chain[i]->name, fetch->why);
    }
    return ms_fail(fetch, MASTRA_DENIED, "none found (%s)", tried);
}
