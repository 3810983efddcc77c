/* The credentials of an EC2 instance, from its metadata service. */
#include <stdio.h>
#include <strings.h>

#include "aws/credentials_source.h"
#include "aws/endpoint.h"
#include "base/error.h"
#include "base/json.h"

#define TOKEN_PATH "/latest/api/token"
#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL  "x-aws-ec2-metadata-token-ttl-seconds: 21600"
#define ATTEMPT_MS 1000
#define URL_SIZE   1024

/* One visit to the service. */
struct visit {
    struct ms_fetch *fetch;
    struct ms_endpoint endpoint;
    struct ms_buf url;    /* of the request under way */
    struct ms_buf header; /* with the token; empty: the first version of the protocol, without one */
    struct ms_http_exchange exchange;
};

static const char *setting(const struct ms_fetch *fetch, const char *variable, const char *key,
                           struct ms_secret *room)
{
    const char *value = ms_fetch_variable(fetch, variable);

    if (value) {
        return value;
    }
    ms_secret_set(room, fetch->aws->heap, ms_profile_get(&fetch->profiles, ms_aws_profile(fetch->aws), key));
    return room->ptr;
}

static bool first_version_disabled(const struct ms_fetch *fetch)
{
    struct ms_secret room = {0};
    const char *value = setting(fetch, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled", &room);
    bool disabled = value && strcasecmp(value, "false") != 0;

    ms_secret_release(&room);
    return disabled;
}

static mastra_status find_endpoint(struct visit *visit, mastra_error *error)
{
    struct ms_fetch *fetch = visit->fetch;
    struct ms_secret room = {0};
    struct ms_secret mode_room = {0};
    const char *url =
        setting(fetch, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint", &room);
    const char *mode = setting(fetch, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                               "ec2_metadata_service_endpoint_mode", &mode_room);
    mastra_status status;

    if (!url) {
        url = mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    }
    status = ms_endpoint_parse(&visit->endpoint, fetch->aws->heap, mastra_str_of(url),
                               "AWS_EC2_METADATA_SERVICE_ENDPOINT", error);
    ms_secret_release(&room);
    ms_secret_release(&mode_room);
    return status;
}

/* One request; false, with the reason noted, when there is no answer. The answer is in visit->exchange. */
static bool request(struct visit *visit, const char *method, const char *path, const char *header)
{
    struct ms_http_exchange *exchange = &visit->exchange;
    mastra_str base = ms_buf_view(&visit->endpoint.url);

    if (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    ms_buf_clear(&visit->url);
    ms_buf_add_str(&visit->url, base);
    ms_buf_add_text(&visit->url, path);
    if (visit->url.failed) {
        ms_fail_oom(visit->fetch);
        return false;
    }
    ms_http_exchange_release(visit->fetch->aws->http, exchange);
    *exchange = (struct ms_http_exchange){.method = method,
                                          .url = visit->url.ptr,
                                          .direct = true,
                                          .repeatable = true,
                                          .connect_ms = ATTEMPT_MS,
                                          .attempt_ms = ATTEMPT_MS};
    if (header && header[0]) {
        exchange->headers[0] = header;
        exchange->header_count = 1;
    }
    return ms_fetch_send(visit->fetch, exchange, &ms_retry_never);
}

static bool is_text(mastra_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0;
}

/*
 * Gets a token, or decides to do without: where the service does not know tokens, and where the answer is lost on its
 * way into a container.
 */
static enum ms_found get_token(struct visit *visit)
{
    struct ms_fetch *fetch = visit->fetch;
    struct ms_http_exchange *exchange = &visit->exchange;
    bool answered = request(visit, "PUT", TOKEN_PATH, TOKEN_TTL);

    ms_buf_clear(&visit->header);
    if (!answered && (fetch->status == MASTRA_OUT_OF_MEMORY || fetch->status == MASTRA_CLOSED)) {
        return MS_FAILED;
    }
    if (!answered && !exchange->sent) {
        return MS_PASSED;
    }
    if (answered && exchange->status == 400) {
        return ms_pass(fetch, "the token request is refused with status 400");
    }
    if (answered && exchange->status == 200 && is_text(exchange->answer)) {
        ms_buf_reserve(&visit->header, 64 + exchange->answer.len);
        ms_buf_add_text(&visit->header, "x-aws-ec2-metadata-token: ");
        ms_buf_add_str(&visit->header, exchange->answer);
        return visit->header.failed ? ms_fail_oom(fetch) : MS_FOUND;
    }
    if (first_version_disabled(fetch)) {
        return ms_pass(fetch, "there is no token, and doing without is disabled");
    }
    return MS_FOUND;
}

/* GETs a path with the token; one that is no longer taken is fetched anew once. */
static enum ms_found get_path(struct visit *visit, const char *path)
{
    struct ms_fetch *fetch = visit->fetch;

    for (int attempt = 0;; attempt++) {
        if (!request(visit, "GET", path, visit->header.ptr)) {
            return fetch->status == MASTRA_OUT_OF_MEMORY || fetch->status == MASTRA_CLOSED ? MS_FAILED
                                                                                           : MS_PASSED;
        }
        if (visit->exchange.status != 401 || attempt > 0) {
            break;
        }
        enum ms_found found = get_token(visit);

        if (found != MS_FOUND) {
            return found;
        }
    }
    if (visit->exchange.status != 200) {
        return ms_pass(fetch, "%s: status %d", path, visit->exchange.status);
    }
    return MS_FOUND;
}

/* The path of the role's credentials: that of the list, and the first line of it. */
static enum ms_found find_role(struct visit *visit, char out[URL_SIZE])
{
    enum ms_found found = get_path(visit, ROLES_PATH);
    mastra_str list = visit->exchange.answer;
    mastra_str name = {list.ptr, 0};

    if (found != MS_FOUND) {
        return found;
    }
    while (name.len < list.len && !strchr("\r\n", name.ptr[name.len])) {
        name.len++;
    }
    if (!is_text(name) || name.len > 128) {
        return ms_pass(visit->fetch, "the instance has no role");
    }
    snprintf(out, URL_SIZE, "%s%.*s", ROLES_PATH, (int)name.len, name.ptr);
    return MS_FOUND;
}

static enum ms_found read_credentials(struct visit *visit, const char *path, struct ms_credentials **ret)
{
    static const struct ms_json_names names = {
        "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId", 4, true};
    enum ms_found found = get_path(visit, path);
    char source[MS_SOURCE_SIZE];
    mastra_str object;

    if (found != MS_FOUND) {
        return found;
    }
    if (visit->exchange.answer.ptr && ms_json_check(visit->exchange.answer, &object, NULL)) {
        mastra_str code = ms_json_member(object, mastra_str_of("Code"));

        if (ms_json_kind(code) == MS_JSON_STRING && !ms_json_string_equals(code, mastra_str_of("Success"))) {
            return ms_pass(visit->fetch, "the instance's role: %.*s", (int)(code.len < 80 ? code.len : 80),
                           code.ptr);
        }
    }
    snprintf(source, sizeof source, "instance metadata: role %.130s", path + strlen(ROLES_PATH));
    return ms_found_json(visit->fetch, visit->exchange.answer, &names, source, MS_PASSED, ret);
}

static enum ms_found run(struct visit *visit, struct ms_credentials **ret)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char path[URL_SIZE];
    mastra_status status = find_endpoint(visit, &error);
    enum ms_found found;

    if (status != MASTRA_OK) {
        return ms_fail(visit->fetch, status, "%.280s", error.message);
    }
    found = get_token(visit);
    if (found == MS_FOUND) {
        found = find_role(visit, path);
    }
    return found == MS_FOUND ? read_credentials(visit, path, ret) : found;
}

static enum ms_found fetch_metadata(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    struct visit visit = {.fetch = fetch};
    enum ms_found found;

    if (ms_environment_flag(&fetch->aws->environment, "AWS_EC2_METADATA_DISABLED")) {
        return ms_pass(fetch, "AWS_EC2_METADATA_DISABLED is set");
    }
    if (!ms_fetch_profiles(fetch)) {
        return ms_fail_oom(fetch);
    }
    ms_buf_init(&visit.header, fetch->aws->heap, 0);
    ms_buf_init(&visit.url, fetch->aws->heap, 0);
    found = run(&visit, ret);
    ms_http_exchange_release(fetch->aws->http, &visit.exchange);
    ms_secret_buf_release(&visit.header);
    ms_buf_release(&visit.url);
    ms_endpoint_release(&visit.endpoint);
    return found;
}

const struct ms_source ms_source_metadata = {"instance metadata", fetch_metadata};
