/* IAM Identity Center: the token that `aws sso login` has left, exchanged at the portal. */
#include <errno.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "aws/credentials_source.h"
#include "aws/endpoint.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#define MOST_CACHE ((size_t)256 << 10)
#define PATH_SIZE  4096

/* The settings of one profile; views of the shared files. */
struct settings {
    mastra_str profile;
    mastra_str session; /* absent in the old form */
    mastra_str start_url;
    mastra_str region;
    mastra_str account;
    mastra_str role;
    const char *source;
};

/* All that a person can do about it. */
static enum ms_found fail_login(struct ms_fetch *fetch, const struct settings *settings, const char *what)
{
    return ms_fail(fetch, MASTRA_DENIED, "%s: %s; run: aws sso login --profile %.*s", settings->source, what,
                   (int)(settings->profile.len < 100 ? settings->profile.len : 100), settings->profile.ptr);
}

static bool differ(mastra_str a, mastra_str b)
{
    return a.ptr && b.ptr && (a.len != b.len || memcmp(a.ptr, b.ptr, a.len) != 0);
}

static enum ms_found read_settings(struct ms_fetch *fetch, struct settings *settings)
{
    const struct ms_profiles *profiles = &fetch->profiles;
    mastra_str session;

    settings->session = ms_profile_get(profiles, settings->profile, "sso_session");
    settings->start_url = ms_profile_get(profiles, settings->profile, "sso_start_url");
    settings->region = ms_profile_get(profiles, settings->profile, "sso_region");
    settings->account = ms_profile_get(profiles, settings->profile, "sso_account_id");
    settings->role = ms_profile_get(profiles, settings->profile, "sso_role_name");
    session = settings->session;
    if (session.ptr) {
        mastra_str url = ms_ini_get(&profiles->config, MS_INI_SSO_SESSION, session, NULL, "sso_start_url");
        mastra_str region = ms_ini_get(&profiles->config, MS_INI_SSO_SESSION, session, NULL, "sso_region");

        if (!url.ptr || !region.ptr) {
            return ms_fail(fetch, MASTRA_INVALID_ARGUMENT,
                           "%s: the section [sso-session %.*s] lacks sso_start_url or sso_region",
                           settings->source, (int)(session.len < 100 ? session.len : 100), session.ptr);
        }
        if (differ(settings->start_url, url) || differ(settings->region, region)) {
            return ms_fail(fetch, MASTRA_INVALID_ARGUMENT, "%s and its sso-session say different things",
                           settings->source);
        }
        settings->start_url = url;
        settings->region = region;
    }
    if (!settings->region.ptr || !settings->account.ptr || !settings->role.ptr) {
        return ms_fail(fetch, MASTRA_INVALID_ARGUMENT,
                       "%s lacks one of sso_region, sso_account_id, sso_role_name", settings->source);
    }
    return MS_FOUND;
}

/* ~/.aws/sso/cache/<SHA-1 of the session's name, or of the URL in the old form>.json */
static bool cache_path(const struct ms_fetch *fetch, mastra_str name, char out[PATH_SIZE])
{
    const char *home = ms_fetch_variable(fetch, "HOME");
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;

    if (!home || !EVP_Digest(name.ptr, name.len, digest, &len, EVP_sha1(), NULL)) {
        return false;
    }
    for (unsigned i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return snprintf(out, PATH_SIZE, "%s/.aws/sso/cache/%s.json", home, hex) < PATH_SIZE;
}

/* "2026-01-31T12:00:00Z", or as older tools wrote it "2026-01-31T12:00:00UTC". */
static bool parse_expiry(mastra_str text, mastra_time *ret)
{
    if (text.len > 3 && memcmp(text.ptr + text.len - 3, "UTC", 3) == 0) {
        text.len -= 3;
    }
    return ms_time_parse(text, ret);
}

static enum ms_found read_token(struct ms_fetch *fetch, const struct settings *settings, mastra_str object,
                                struct ms_secret *token)
{
    mastra_str expires = ms_json_member(object, mastra_str_of("expiresAt"));
    mastra_time at;

    if (!ms_json_secret(fetch->aws->heap, object, "accessToken", token)) {
        return ms_fail_oom(fetch);
    }
    if (token->len == 0 || ms_json_kind(expires) != MS_JSON_STRING ||
        !parse_expiry((mastra_str){expires.ptr + 1, expires.len - 2}, &at)) {
        return fail_login(fetch, settings, "the cached SSO token cannot be read");
    }
    if (strpbrk(token->ptr, "\r\n")) {
        return fail_login(fetch, settings, "the cached SSO token cannot be sent");
    }
    return at <= ms_aws_now(fetch->aws) ? fail_login(fetch, settings, "the SSO session has expired")
                                        : MS_FOUND;
}

static enum ms_found load_token(struct ms_fetch *fetch, const struct settings *settings,
                                struct ms_secret *token)
{
    struct ms_secret text = {0};
    char path[PATH_SIZE];
    mastra_str object;
    enum ms_found found;
    int failed;

    if (!cache_path(fetch, settings->session.ptr ? settings->session : settings->start_url, path)) {
        return fail_login(fetch, settings, "there is no HOME in which its token could be");
    }
    failed = ms_file_read(fetch->aws->heap, path, MOST_CACHE, &text);
    if (failed == ENOMEM) {
        return ms_fail_oom(fetch);
    }
    if (failed != 0) {
        return fail_login(fetch, settings, "there is no SSO session");
    }
    if (!ms_json_check(ms_secret_view(&text), &object, NULL) || ms_json_kind(object) != MS_JSON_OBJECT) {
        found = fail_login(fetch, settings, "the cached SSO token cannot be read");
    } else {
        found = read_token(fetch, settings, object, token);
    }
    ms_secret_release(&text);
    return found;
}

static enum ms_http_verdict judge(struct ms_http_exchange *exchange)
{
    if (exchange->end != MS_HTTP_ANSWERED) {
        return ms_http_may_repeat(exchange) ? MS_HTTP_AGAIN : MS_HTTP_DONE;
    }
    return exchange->status >= 500 || exchange->status == 429 ? MS_HTTP_AGAIN : MS_HTTP_DONE;
}

static enum ms_found read_answer(struct ms_fetch *fetch, const struct settings *settings,
                                 const struct ms_http_exchange *exchange, struct ms_credentials **ret)
{
    static const struct ms_json_names names = {
        "accessKeyId", "secretAccessKey", "sessionToken", "expiration", NULL, 4, false};
    char source[MS_SOURCE_SIZE];
    mastra_str object = {NULL, 0};

    snprintf(source, sizeof source, "%s: SSO role %.*s", settings->source,
             (int)(settings->role.len < 64 ? settings->role.len : 64), settings->role.ptr);
    if (exchange->status == 401) {
        return fail_login(fetch, settings, "the SSO session is no longer accepted");
    }
    if (exchange->status != 200) {
        return ms_fail(fetch, exchange->status < 500 ? MASTRA_DENIED : MASTRA_UNAVAILABLE,
                       "%s: the portal answers %d", source, exchange->status);
    }
    if (ms_json_check(exchange->answer, &object, NULL)) {
        object = ms_json_member(object, mastra_str_of("roleCredentials"));
    }
    return ms_found_json(fetch, object, &names, source, MS_FAILED, ret);
}

static enum ms_found exchange_token(struct ms_fetch *fetch, const struct settings *settings,
                                    struct ms_endpoint *endpoint, const char *header,
                                    struct ms_credentials **ret)
{
    struct ms_http_exchange exchange = {.method = "GET",
                                        .url = endpoint->url.ptr,
                                        .headers = {header},
                                        .header_count = 1,
                                        .judge = judge,
                                        .repeatable = true,
                                        .attempt_ms = 10000};
    enum ms_found found = MS_FAILED;

    if (ms_fetch_send(fetch, &exchange, &ms_retry_standard)) {
        found = read_answer(fetch, settings, &exchange, ret);
    }
    ms_http_exchange_release(fetch->aws->http, &exchange);
    return found;
}

static enum ms_found ask_portal(struct ms_fetch *fetch, const struct settings *settings,
                                const struct ms_secret *token, struct ms_credentials **ret)
{
    struct ms_endpoint endpoint;
    struct ms_buf header;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = ms_endpoint_find(&endpoint, fetch->aws, "sso", settings->region, NULL, &error);
    enum ms_found found;

    ms_buf_init(&header, fetch->aws->heap, 0);
    if (status == MASTRA_OK) {
        ms_endpoint_extend(&endpoint, "/federation/credentials");
        ms_buf_add_text(&endpoint.url, "?role_name=");
        ms_uri_encode(&endpoint.url, settings->role, false);
        ms_buf_add_text(&endpoint.url, "&account_id=");
        ms_uri_encode(&endpoint.url, settings->account, false);
        ms_buf_reserve(&header, 64 + token->len);
        ms_buf_add_text(&header, "x-amz-sso_bearer_token: ");
        ms_buf_add_str(&header, ms_secret_view(token));
        if (endpoint.url.failed || header.failed) {
            status = ms_error_oom(&error);
        }
    }
    found = status == MASTRA_OK ? exchange_token(fetch, settings, &endpoint, header.ptr, ret)
                                : ms_fail(fetch, status, "%s: %.280s", settings->source, error.message);
    ms_secret_buf_release(&header);
    ms_endpoint_release(&endpoint);
    return found;
}

enum ms_found ms_sso_fetch(struct ms_fetch *fetch, mastra_str profile, const char *source,
                           struct ms_credentials **ret)
{
    struct settings settings = {.profile = profile, .source = source};
    struct ms_secret token = {0};
    enum ms_found found = read_settings(fetch, &settings);

    if (found == MS_FOUND) {
        found = load_token(fetch, &settings, &token);
    }
    if (found == MS_FOUND) {
        found = ask_portal(fetch, &settings, &token, ret);
    }
    ms_secret_release(&token);
    return found;
}
