/* The credentials of a container: ECS, and pods of EKS. */
#include "aws/credentials_container.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <curl/curl.h>

#include "aws/credentials_source.h"
#include "base/error.h"
#include "base/json.h"

#define ECS_HOST   "http://169.254.170.2"
#define MOST_TOKEN ((size_t)64 << 10)
#define URL_SIZE   2048

/* One second, three further attempts a second apart. */
static const struct ms_retry_policy policy = {.attempts = 4, .base_ms = 1000, .fixed = true};
#define ATTEMPT_MS 1000

static bool is_allowed_host(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    struct in6_addr eks;
    char bare[64];
    size_t len = strlen(host);

    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        uint32_t address = ntohl(four.s_addr);

        return address >> 24 == 127 || address == UINT32_C(0xa9feaa02) || address == UINT32_C(0xa9feaa17);
    }
    if (len < 3 || len >= sizeof bare || host[0] != '[') {
        return false;
    }
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    inet_pton(AF_INET6, "fd00:ec2::23", &eks);
    return inet_pton(AF_INET6, bare, &six) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&six) || memcmp(&six, &eks, sizeof six) == 0);
}

bool ms_container_url_allowed(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    bool allowed = false;

    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        allowed = strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && is_allowed_host(host));
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return allowed;
}

bool ms_container_url(const char *relative, const char *full, char *out, size_t size)
{
    int len = relative ? snprintf(out, size, ECS_HOST "%s%s", relative[0] == '/' ? "" : "/", relative)
                       : snprintf(out, size, "%s", full);

    return len >= 0 && (size_t)len < size;
}

static enum ms_http_verdict judge(struct ms_http_exchange *exchange)
{
    if (exchange->end != MS_HTTP_ANSWERED) {
        return ms_http_may_repeat(exchange) ? MS_HTTP_AGAIN : MS_HTTP_DONE;
    }
    return exchange->status >= 500 ? MS_HTTP_AGAIN : MS_HTTP_DONE;
}

/* Copies a string of the error that came as an answer, for people. */
static void copy_member(struct ms_heap *heap, mastra_str object, const char *name, const char *other,
                        char *out, size_t size)
{
    struct ms_secret text = {0};

    ms_json_secret(heap, object, name, &text);
    if (!text.ptr) {
        ms_json_secret(heap, object, other, &text);
    }
    ms_error_copy(out, size, ms_secret_view(&text));
    ms_secret_release(&text);
}

static enum ms_found refuse(struct ms_fetch *fetch, const struct ms_http_exchange *exchange)
{
    char code[64] = "";
    char message[160] = "";
    mastra_str object;

    if (exchange->answer.ptr && ms_json_check(exchange->answer, &object, NULL) &&
        ms_json_kind(object) == MS_JSON_OBJECT) {
        copy_member(fetch->aws->heap, object, "code", "Code", code, sizeof code);
        copy_member(fetch->aws->heap, object, "message", "Message", message, sizeof message);
    }
    return ms_fail(fetch, exchange->status < 500 ? MASTRA_DENIED : MASTRA_UNAVAILABLE,
                   "container: status %d %s%s%s", exchange->status, code, message[0] ? ": " : "", message);
}

/* The value of the Authorization header, read anew each time; absent when there is none. */
static enum ms_found read_authorization(struct ms_fetch *fetch, struct ms_secret *ret)
{
    const char *file = ms_fetch_variable(fetch, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = ms_fetch_variable(fetch, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    int failed;

    if (file) {
        failed = ms_file_read(fetch->aws->heap, file, MOST_TOKEN, ret);
        if (failed) {
            return failed == ENOMEM ? ms_fail_oom(fetch)
                                    : ms_fail(fetch, MASTRA_DENIED, "the authorization token file %.150s: %s",
                                              file, strerror(failed));
        }
    } else if (!ms_secret_set(ret, fetch->aws->heap, mastra_str_of(token))) {
        return ms_fail_oom(fetch);
    }
    if (ret->ptr && strpbrk(ret->ptr, "\r\n")) {
        return ms_fail(fetch, MASTRA_DENIED, "the authorization token must not hold line ends");
    }
    return MS_FOUND;
}

static enum ms_found ask(struct ms_fetch *fetch, const char *url, const struct ms_secret *authorization,
                         struct ms_credentials **ret)
{
    static const struct ms_json_names names = {
        "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId", 4, false};
    struct ms_http_exchange exchange = {
        .method = "GET", .url = url, .judge = judge, .direct = true, .repeatable = true};
    struct ms_buf header;
    enum ms_found found = MS_FAILED;

    exchange.connect_ms = ATTEMPT_MS;
    exchange.attempt_ms = ATTEMPT_MS;
    ms_buf_init(&header, fetch->aws->heap, 0);
    if (authorization->len > 0) {
        ms_buf_reserve(&header, 32 + authorization->len);
        ms_buf_add_text(&header, "Authorization: ");
        ms_buf_add_str(&header, ms_secret_view(authorization));
        exchange.headers[0] = header.ptr;
        exchange.header_count = 1;
    }
    if (header.failed) {
        found = ms_fail_oom(fetch);
    } else if (ms_fetch_send(fetch, &exchange, &policy)) {
        found = exchange.status == 200
                    ? ms_found_json(fetch, exchange.answer, &names, "container", MS_FAILED, ret)
                    : refuse(fetch, &exchange);
    }
    ms_http_exchange_release(fetch->aws->http, &exchange);
    ms_secret_buf_release(&header);
    return found;
}

static enum ms_found fetch_container(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    const char *relative = ms_fetch_variable(fetch, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = ms_fetch_variable(fetch, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct ms_secret authorization = {0};
    char url[URL_SIZE];
    enum ms_found found;

    if (!relative && !full) {
        return ms_pass(fetch, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
    }
    if (!ms_container_url(relative, full, url, sizeof url) || !ms_container_url_allowed(url)) {
        return ms_fail(fetch, MASTRA_INVALID_ARGUMENT,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or lead to this machine or to the "
                       "addresses of ECS and EKS");
    }
    found = read_authorization(fetch, &authorization);
    if (found == MS_FOUND) {
        found = ask(fetch, url, &authorization, ret);
    }
    ms_secret_release(&authorization);
    return found;
}

const struct ms_source ms_source_container = {"container", fetch_container};
