#include "aws/http_attempt.h"

#include <stdlib.h>
#include <strings.h>

#include "aws/secret.h"
#include "base/clock.h"
#include "base/error.h"

#define CONNECT_MS     5000
#define ATTEMPT_MS     30000
#define MOST_BYTES     ((size_t)64 << 20)
#define FIRST_CAPACITY ((size_t)4096)

void ms_http_forget(struct ms_heap *heap, struct ms_http_exchange *exchange)
{
    if (exchange->answer.ptr) {
        if (exchange->secret) {
            ms_secret_wipe((char *)(uintptr_t)exchange->answer.ptr, exchange->answer_cap);
        }
        ms_heap_release(heap, (char *)(uintptr_t)exchange->answer.ptr);
    }
    exchange->answer = (mastra_str){NULL, 0};
    exchange->answer_cap = 0;
    exchange->end = MS_HTTP_NOT_TRIED;
    exchange->failure = MASTRA_OK;
    exchange->sent = false;
    exchange->status = 0;
    exchange->date = MASTRA_TIME_NONE;
    exchange->retry_after_ms = -1;
    exchange->has_crc32 = false;
    exchange->crc32 = 0;
    exchange->request_id[0] = '\0';
    exchange->why[0] = '\0';
}

/* The answer's memory with room for `cap` bytes and their end; a secret is not left behind where it was. */
static bool grow(struct ms_http_attempt *attempt, size_t cap)
{
    struct ms_http_exchange *exchange = attempt->exchange;
    char *old = (char *)(uintptr_t)exchange->answer.ptr;
    char *ptr;

    if (exchange->secret) {
        ptr = ms_heap_alloc(attempt->heap, cap + 1);
        if (ptr && old) {
            memcpy(ptr, old, exchange->answer.len);
            ms_secret_wipe(old, exchange->answer_cap);
            ms_heap_release(attempt->heap, old);
        }
    } else {
        ptr = ms_heap_realloc(attempt->heap, old, cap + 1);
    }
    if (!ptr) {
        attempt->no_memory = true;
        return false;
    }
    exchange->answer.ptr = ptr;
    exchange->answer_cap = cap;
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct ms_http_attempt *attempt = user;
    struct ms_http_exchange *exchange = attempt->exchange;
    size_t most = exchange->most_bytes ? exchange->most_bytes : MOST_BYTES;
    size_t len = exchange->answer.len;
    size_t extra = size * count;
    size_t cap = exchange->answer_cap ? exchange->answer_cap : FIRST_CAPACITY;
    char *out;

    if (extra > most - len) {
        attempt->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    while (cap < len + extra) {
        cap *= 2;
    }
    if (cap != exchange->answer_cap && !grow(attempt, cap)) {
        return CURL_WRITEFUNC_ERROR;
    }
    out = (char *)(uintptr_t)exchange->answer.ptr;
    memcpy(out + len, bytes, extra);
    out[len + extra] = '\0';
    exchange->answer.len = len + extra;
    return extra;
}

static size_t on_read(char *out, size_t size, size_t count, void *user)
{
    struct ms_http_attempt *attempt = user;
    mastra_str body = attempt->exchange->body;
    size_t left = body.len - attempt->body_sent;
    size_t part = size * count < left ? size * count : left;

    if (part > 0) {
        memcpy(out, body.ptr + attempt->body_sent, part);
        attempt->body_sent += part;
    }
    return part;
}

/* libcurl would send a request anew, of which the server may have seen enough to act on it. */
static int on_rewind(void *user, curl_off_t offset, int origin)
{
    struct ms_http_attempt *attempt = user;

    (void)offset;
    (void)origin;
    attempt->rewind_refused = true;
    return CURL_SEEKFUNC_FAIL;
}

/* Whether a header line has that name; *ret_value is what follows, trimmed. */
static bool header_is(mastra_str line, const char *name, mastra_str *ret_value)
{
    size_t len = strlen(name);

    if (line.len <= len || line.ptr[len] != ':' || strncasecmp(line.ptr, name, len) != 0) {
        return false;
    }
    line.ptr += len + 1;
    line.len -= len + 1;
    while (line.len > 0 && strchr(" \t", line.ptr[0])) {
        line.ptr++;
        line.len--;
    }
    while (line.len > 0 && strchr(" \t\r\n", line.ptr[line.len - 1])) {
        line.len--;
    }
    *ret_value = line;
    return true;
}

static mastra_time parse_date(const char *text)
{
    time_t seconds = curl_getdate(text, NULL);

    return seconds < 0 ? MASTRA_TIME_NONE : (mastra_time)seconds * 1000;
}

/* Seconds, or the date until which to wait. */
static int64_t parse_retry_after(const char *text)
{
    char *end;
    long seconds = strtol(text, &end, 10);
    mastra_time date;

    if (end != text && *end == '\0') {
        return seconds < 0 ? -1 : seconds > 86400 ? INT64_C(86400000) : (int64_t)seconds * 1000;
    }
    date = parse_date(text);
    if (date == MASTRA_TIME_NONE) {
        return -1;
    }
    return date > ms_clock_now() ? date - ms_clock_now() : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
    struct ms_http_attempt *attempt = user;
    struct ms_http_exchange *exchange = attempt->exchange;
    mastra_str line = {bytes, size * count};
    mastra_str value;
    char text[MS_HTTP_REQUEST_ID_SIZE];

    if (header_is(line, "Date", &value)) {
        ms_error_copy(text, sizeof text, value);
        exchange->date = parse_date(text);
    } else if (header_is(line, "Retry-After", &value)) {
        ms_error_copy(text, sizeof text, value);
        exchange->retry_after_ms = parse_retry_after(text);
    } else if (header_is(line, "x-amz-crc32", &value)) {
        ms_error_copy(text, sizeof text, value);
        exchange->crc32 = (uint32_t)strtoul(text, NULL, 10);
        exchange->has_crc32 = true;
    } else if (header_is(line, "x-amzn-RequestId", &value)) {
        ms_error_copy(exchange->request_id, sizeof exchange->request_id, value);
    }
    return line.len;
}

static long at_least_one(int64_t ms)
{
    return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static void set_times(struct ms_http_attempt *attempt, int64_t deadline_ns)
{
    const struct ms_http_exchange *exchange = attempt->exchange;
    int64_t left = (deadline_ns - ms_clock_monotonic_ns()) / 1000000;
    int64_t total = exchange->attempt_ms ? exchange->attempt_ms : ATTEMPT_MS;
    int64_t connect = exchange->connect_ms ? exchange->connect_ms : CONNECT_MS;

    curl_easy_setopt(attempt->easy, CURLOPT_TIMEOUT_MS, at_least_one(total < left ? total : left));
    curl_easy_setopt(attempt->easy, CURLOPT_CONNECTTIMEOUT_MS, at_least_one(connect < left ? connect : left));
}

/* A list over texts that stand already: nothing is copied, nothing has to be overwritten. */
static void set_headers(struct ms_http_attempt *attempt)
{
    static char no_expect[] = "Expect:";
    static char no_type[] = "Content-Type:";
    const struct ms_http_exchange *exchange = attempt->exchange;
    bool typed = false;
    size_t count = 0;

    for (size_t i = 0; i < exchange->header_count; i++) {
        attempt->headers[count++].data = (char *)(uintptr_t)exchange->headers[i];
        typed = typed || strncasecmp(exchange->headers[i], no_type, strlen(no_type)) == 0;
    }
    attempt->headers[count++].data = no_expect;
    if (!typed) {
        attempt->headers[count++].data = no_type;
    }
    for (size_t i = 0; i < count; i++) {
        attempt->headers[i].next = i + 1 < count ? &attempt->headers[i + 1] : NULL;
    }
    curl_easy_setopt(attempt->easy, CURLOPT_HTTPHEADER, attempt->headers);
}

/*
 * A body that libcurl holds in full is sent again by it when a kept-alive connection was closed in the meantime. For a
 * request that must not be done twice it reads the body from us, and cannot go back.
 */
static void set_method(struct ms_http_attempt *attempt)
{
    const struct ms_http_exchange *exchange = attempt->exchange;
    CURL *easy = attempt->easy;

    if (strcmp(exchange->method, "GET") == 0) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.len);
    if (exchange->repeatable || exchange->body.len == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body.len ? exchange->body.ptr : "");
        return;
    }
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, attempt);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, attempt);
}

bool ms_http_attempt_begin(struct ms_http_attempt *attempt, int64_t deadline_ns)
{
    const struct ms_http_exchange *exchange = attempt->exchange;
    CURL *easy = attempt->easy;

    attempt->body_sent = 0;
    attempt->rewind_refused = false;
    attempt->too_large = false;
    attempt->no_memory = false;
    attempt->why[0] = '\0';
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, attempt);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->why);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A name server that does not answer holds up neither a deadline nor the end: its thread is not waited for. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mastra-store");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, attempt);
    if (attempt->ca_file && curl_easy_setopt(easy, CURLOPT_CAINFO, attempt->ca_file) != CURLE_OK) {
        return false;
    }
    if (exchange->direct && curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") != CURLE_OK) {
        return false;
    }
    set_method(attempt);
    set_headers(attempt);
    set_times(attempt, deadline_ns);
    return curl_easy_setopt(easy, CURLOPT_URL, exchange->url) != CURLE_OUT_OF_MEMORY;
}

static enum ms_http_end end_of(const struct ms_http_attempt *attempt, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return MS_HTTP_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        return MS_HTTP_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return MS_HTTP_UNTRUSTED;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return MS_HTTP_FAILED;
    case CURLE_UNSUPPORTED_PROTOCOL:
        /* Of the URL, or an answer that is no HTTP. */
        return attempt->exchange->sent ? MS_HTTP_LOST : MS_HTTP_FAILED;
    default:
        break;
    }
    if (attempt->too_large) {
        return MS_HTTP_TOO_LARGE;
    }
    if (attempt->no_memory) {
        return MS_HTTP_FAILED;
    }
    return attempt->exchange->sent ? MS_HTTP_LOST : MS_HTTP_NOT_SENT;
}

void ms_http_attempt_end(struct ms_http_attempt *attempt, CURLcode code)
{
    struct ms_http_exchange *exchange = attempt->exchange;
    curl_off_t before_transfer = 0;
    long status = 0;

    curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(attempt->easy, CURLINFO_PRETRANSFER_TIME_T, &before_transfer);
    exchange->status = (int)status;
    exchange->sent = before_transfer > 0 || attempt->body_sent > 0 || attempt->rewind_refused;
    exchange->end = end_of(attempt, code);
    if (exchange->end == MS_HTTP_FAILED) {
        exchange->failure = attempt->no_memory || code == CURLE_OUT_OF_MEMORY ? MASTRA_OUT_OF_MEMORY
                                                                              : MASTRA_INVALID_ARGUMENT;
    }
    if (exchange->end != MS_HTTP_ANSWERED) {
        ms_error_copy(exchange->why, sizeof exchange->why,
                      mastra_str_of(attempt->rewind_refused ? "the connection was closed before the answer"
                                    : attempt->why[0]       ? attempt->why
                                                            : curl_easy_strerror(code)));
    }
}
