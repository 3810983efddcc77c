#include "aws/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "aws/secret.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#define DIGEST_SIZE 32
#define DAY_LEN     8

static const mastra_str algorithm = MASTRA_STR("AWS4-HMAC-SHA256");

/* One signature in the making. */
struct signing {
    const struct ms_sigv4_request *request;
    const struct ms_sigv4_keys *keys;
    struct ms_heap *heap;
    char date[MS_SIGV4_DATE_SIZE];
    char payload_hash[MS_SIGV4_HASH_SIZE];
    char signature[MS_SIGV4_HASH_SIZE];
    struct ms_buf scope;  /* "20250102/us-east-1/dynamodb/aws4_request" */
    struct ms_buf query;  /* canonical */
    struct ms_buf names;  /* of the signed headers, "host;x-amz-date" */
    struct ms_buf text;   /* canonical request */
    struct ms_buf string; /* to sign */
    struct ms_sigv4_pair pairs[MS_SIGV4_PAIRS];
    size_t count;
};

/* Headers that a proxy may add or change, and the signature itself. */
static const char *const unsigned_headers[] = {
    "authorization", "cache-control",     "connection", "expect",     "from",
    "keep-alive",    "max-forwards",      "pragma",     "referer",    "te",
    "trailer",       "transfer-encoding", "upgrade",    "user-agent", "x-amzn-trace-id",
};

static bool begins_with(mastra_str text, const char *start)
{
    size_t len = strlen(start);

    return text.len >= len && memcmp(text.ptr, start, len) == 0;
}

static bool is_signed_header(mastra_str name)
{
    for (size_t i = 0; i < sizeof unsigned_headers / sizeof unsigned_headers[0]; i++) {
        if (ms_str_compare(name, mastra_str_of(unsigned_headers[i])) == 0) {
            return false;
        }
    }
    return !begins_with(name, "proxy-") && !begins_with(name, "sec-");
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void ms_uri_encode(struct ms_buf *buf, mastra_str text, bool slashes)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (is_unreserved(c) || (c == '/' && slashes)) {
            ms_buf_add_char(buf, (char)c);
        } else {
            char escape[] = {'%', hex[c >> 4], hex[c & 15]};

            ms_buf_add(buf, escape, sizeof escape);
        }
    }
}

static void write_hex(const unsigned char digest[DIGEST_SIZE], char out[MS_SIGV4_HASH_SIZE])
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        out[2 * i] = hex[digest[i] >> 4];
        out[2 * i + 1] = hex[digest[i] & 15];
    }
    out[2 * DIGEST_SIZE] = '\0';
}

static bool hash(mastra_str text, char out[MS_SIGV4_HASH_SIZE])
{
    unsigned char digest[DIGEST_SIZE];

    if (!EVP_Digest(text.ptr ? text.ptr : "", text.len, digest, NULL, EVP_sha256(), NULL)) {
        return false;
    }
    write_hex(digest, out);
    return true;
}

static bool mac(const void *key, size_t key_len, mastra_str text, unsigned char out[DIGEST_SIZE])
{
    return HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text.ptr, text.len, out, NULL) !=
           NULL;
}

/* The key of the day, the region and the service signs the text; none of the keys stays in memory. */
static bool sign_text(struct signing *signing, mastra_str text)
{
    static const mastra_str end = MASTRA_STR("aws4_request");
    mastra_str secret = signing->keys->secret_access_key;
    mastra_str day = {signing->date, DAY_LEN};
    unsigned char one[DIGEST_SIZE];
    unsigned char two[DIGEST_SIZE];
    struct ms_secret first = {0};
    bool good = ms_secret_reserve(&first, signing->heap, secret.len + 4);

    if (good) {
        memcpy(first.ptr, "AWS4", 4);
        memcpy(first.ptr + 4, secret.ptr, secret.len);
        good = mac(first.ptr, first.len, day, one) && mac(one, DIGEST_SIZE, signing->request->region, two) &&
               mac(two, DIGEST_SIZE, signing->request->service, one) && mac(one, DIGEST_SIZE, end, two) &&
               mac(two, DIGEST_SIZE, text, one);
    }
    if (good) {
        write_hex(one, signing->signature);
    }
    ms_secret_release(&first);
    ms_secret_wipe(one, sizeof one);
    ms_secret_wipe(two, sizeof two);
    return good;
}

/* "2025-01-02T03:04:05.678Z" without what is between the digits, and without the milliseconds. */
static bool write_date(mastra_time time, char out[MS_SIGV4_DATE_SIZE])
{
    char iso[MS_ISO_SIZE];
    size_t len = 0;

    if (time < MS_TIME_FIRST || time > MS_TIME_LAST) {
        return false;
    }
    ms_time_format(time, iso);
    for (const char *at = iso; *at && *at != '.'; at++) {
        if (*at != '-' && *at != ':') {
            out[len++] = *at;
        }
    }
    memcpy(out + len, "Z", 2);
    return true;
}

static void release(struct signing *signing)
{
    /* The session token stands in these. */
    ms_secret_buf_release(&signing->query);
    ms_secret_buf_release(&signing->text);
    ms_buf_release(&signing->scope);
    ms_buf_release(&signing->names);
    ms_buf_release(&signing->string);
}

static mastra_status begin(struct signing *signing, struct ms_heap *heap,
                           const struct ms_sigv4_request *request, const struct ms_sigv4_keys *keys,
                           mastra_error *error)
{
    /* Every byte may take three when it is encoded; the token stands there once. */
    size_t room = 4096 + 3 * keys->session_token.len;

    *signing = (struct signing){.request = request, .keys = keys, .heap = heap};
    ms_buf_init(&signing->scope, heap, 0);
    ms_buf_init(&signing->query, heap, 0);
    ms_buf_init(&signing->names, heap, 0);
    ms_buf_init(&signing->text, heap, 0);
    ms_buf_init(&signing->string, heap, 0);
    if (!ms_buf_reserve(&signing->query, room) || !ms_buf_reserve(&signing->text, 2 * room)) {
        return ms_error_oom(error);
    }
    if (!write_date(request->time, signing->date)) {
        return ms_error_set(error, MASTRA_INVALID_ARGUMENT, "the time lies outside the years 0 to 9999");
    }
    if (!hash(request->body, signing->payload_hash)) {
        return ms_error_oom(error);
    }
    ms_buf_printf(&signing->scope, "%.*s/", DAY_LEN, signing->date);
    ms_buf_add_str(&signing->scope, request->region);
    ms_buf_add_char(&signing->scope, '/');
    ms_buf_add_str(&signing->scope, request->service);
    ms_buf_add_text(&signing->scope, "/aws4_request");
    return signing->scope.failed ? ms_error_oom(error) : MASTRA_OK;
}

static bool add_pair(struct signing *signing, mastra_str name, mastra_str value)
{
    if (signing->count == MS_SIGV4_PAIRS) {
        return false;
    }
    signing->pairs[signing->count++] = (struct ms_sigv4_pair){name, value};
    return true;
}

static bool add_pairs(struct signing *signing, const struct ms_sigv4_pair *pairs, size_t count)
{
    bool good = true;

    for (size_t i = 0; i < count && good; i++) {
        good = add_pair(signing, pairs[i].name, pairs[i].value);
    }
    return good;
}

/*
 * By name, then by value, as they are spelled. All characters of our names are unreserved, and no repeated name has
 * values that order differently once encoded, so sorting before the encoding gives the canonical order.
 */
static void sort_pairs(struct signing *signing)
{
    for (size_t i = 1; i < signing->count; i++) {
        struct ms_sigv4_pair pair = signing->pairs[i];
        size_t at = i;

        while (at > 0) {
            const struct ms_sigv4_pair *before = &signing->pairs[at - 1];
            int order = ms_str_compare(before->name, pair.name);

            if (order < 0 || (order == 0 && ms_str_compare(before->value, pair.value) <= 0)) {
                break;
            }
            signing->pairs[at] = signing->pairs[at - 1];
            at--;
        }
        signing->pairs[at] = pair;
    }
}

static void add_parameter(struct ms_buf *buf, mastra_str name, mastra_str value)
{
    if (buf->len > 0 && buf->ptr[buf->len - 1] != '?') {
        ms_buf_add_char(buf, '&');
    }
    ms_uri_encode(buf, name, false);
    ms_buf_add_char(buf, '=');
    ms_uri_encode(buf, value, false);
}

static void write_query(struct signing *signing, struct ms_buf *out)
{
    for (size_t i = 0; i < signing->count; i++) {
        add_parameter(out, signing->pairs[i].name, signing->pairs[i].value);
    }
}

/* Trimmed, and with runs of blanks made one. */
static void add_header_value(struct ms_buf *buf, mastra_str value)
{
    bool blank = false;
    bool any = false;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];

        if (c == ' ' || c == '\t') {
            blank = any;
            continue;
        }
        if (blank) {
            ms_buf_add_char(buf, ' ');
        }
        ms_buf_add_char(buf, c);
        blank = false;
        any = true;
    }
}

/* The canonical request, from the canonical query and the headers, which stand in the pairs. */
static void write_request(struct signing *signing)
{
    const struct ms_sigv4_request *request = signing->request;
    struct ms_buf *text = &signing->text;

    sort_pairs(signing);
    ms_buf_add_str(text, request->method);
    ms_buf_add_char(text, '\n');
    ms_uri_encode(text, request->path, true);
    ms_buf_add_char(text, '\n');
    ms_buf_add_str(text, ms_buf_view(&signing->query));
    ms_buf_add_char(text, '\n');
    for (size_t i = 0; i < signing->count; i++) {
        mastra_str name = signing->pairs[i].name;

        if (!is_signed_header(name)) {
            continue;
        }
        ms_buf_add_str(text, name);
        ms_buf_add_char(text, ':');
        add_header_value(text, signing->pairs[i].value);
        ms_buf_add_char(text, '\n');
        if (signing->names.len > 0) {
            ms_buf_add_char(&signing->names, ';');
        }
        ms_buf_add_str(&signing->names, name);
    }
    ms_buf_add_char(text, '\n');
    ms_buf_add_str(text, ms_buf_view(&signing->names));
    ms_buf_add_char(text, '\n');
    ms_buf_add_text(text, signing->payload_hash);
}

/* Signs what the pairs and the query say. */
static mastra_status conclude(struct signing *signing, const struct ms_sigv4_texts *texts,
                              mastra_error *error)
{
    char request_hash[MS_SIGV4_HASH_SIZE];

    write_request(signing);
    if (signing->text.failed || signing->query.failed || signing->names.failed ||
        !hash(ms_buf_view(&signing->text), request_hash)) {
        return ms_error_oom(error);
    }
    ms_buf_add_str(&signing->string, algorithm);
    ms_buf_printf(&signing->string, "\n%s\n%s\n%s", signing->date, signing->scope.ptr, request_hash);
    if (signing->string.failed || !sign_text(signing, ms_buf_view(&signing->string))) {
        return ms_error_oom(error);
    }
    if (texts && texts->canonical_request) {
        ms_buf_add_str(texts->canonical_request, ms_buf_view(&signing->text));
    }
    if (texts && texts->string_to_sign) {
        ms_buf_add_str(texts->string_to_sign, ms_buf_view(&signing->string));
    }
    return MASTRA_OK;
}

static mastra_status too_many(mastra_error *error)
{
    return ms_error_set(error, MASTRA_INVALID_ARGUMENT, "more than %d names to be signed", MS_SIGV4_PAIRS);
}

static bool collect_headers(struct signing *signing)
{
    const struct ms_sigv4_request *request = signing->request;
    bool good;

    signing->count = 0;
    good = add_pairs(signing, request->headers, request->header_count) &&
           add_pair(signing, mastra_str_of("x-amz-date"), mastra_str_of(signing->date));
    if (good && signing->keys->session_token.len > 0) {
        good = add_pair(signing, mastra_str_of("x-amz-security-token"), signing->keys->session_token);
    }
    if (good && request->content_sha256) {
        good = add_pair(signing, mastra_str_of("x-amz-content-sha256"), mastra_str_of(signing->payload_hash));
    }
    return good;
}

mastra_status ms_sigv4_sign(struct ms_heap *heap, const struct ms_sigv4_request *request,
                            const struct ms_sigv4_keys *keys, const struct ms_sigv4_texts *texts,
                            struct ms_sigv4_signed *ret, mastra_error *error)
{
    struct signing signing;
    mastra_status status = begin(&signing, heap, request, keys, error);

    if (status == MASTRA_OK && !add_pairs(&signing, request->query, request->query_count)) {
        status = too_many(error);
    }
    if (status == MASTRA_OK) {
        sort_pairs(&signing);
        write_query(&signing, &signing.query);
        status = collect_headers(&signing) ? conclude(&signing, texts, error) : too_many(error);
    }
    if (status == MASTRA_OK) {
        struct ms_buf *out = ret->authorization;

        memcpy(ret->date, signing.date, sizeof ret->date);
        memcpy(ret->payload_hash, signing.payload_hash, sizeof ret->payload_hash);
        ms_buf_add_str(out, algorithm);
        ms_buf_add_text(out, " Credential=");
        ms_buf_add_str(out, keys->access_key_id);
        ms_buf_printf(out, "/%s, SignedHeaders=%s, Signature=%s", signing.scope.ptr, signing.names.ptr,
                      signing.signature);
        status = out->failed ? ms_error_oom(error) : MASTRA_OK;
    }
    release(&signing);
    return status;
}

/* The parameters of the signature itself; `credential` and `expires` must live as long as the signing. */
static bool collect_parameters(struct signing *signing, mastra_str credential, mastra_str expires)
{
    const struct ms_sigv4_request *request = signing->request;
    bool good = add_pairs(signing, request->query, request->query_count) &&
                add_pair(signing, mastra_str_of("X-Amz-Algorithm"), algorithm) &&
                add_pair(signing, mastra_str_of("X-Amz-Credential"), credential) &&
                add_pair(signing, mastra_str_of("X-Amz-Date"), mastra_str_of(signing->date)) &&
                add_pair(signing, mastra_str_of("X-Amz-Expires"), expires) &&
                add_pair(signing, mastra_str_of("X-Amz-SignedHeaders"), mastra_str_of("host"));

    if (good && signing->keys->session_token.len > 0) {
        good = add_pair(signing, mastra_str_of("X-Amz-Security-Token"), signing->keys->session_token);
    }
    return good;
}

static bool collect_host(struct signing *signing)
{
    const struct ms_sigv4_request *request = signing->request;

    signing->count = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (ms_str_compare(request->headers[i].name, mastra_str_of("host")) == 0) {
            return add_pair(signing, request->headers[i].name, request->headers[i].value);
        }
    }
    return true;
}

static mastra_status presign(struct signing *signing, mastra_str credential,
                             const struct ms_sigv4_texts *texts, struct ms_buf *query, mastra_error *error)
{
    char expires[24];
    mastra_status status;

    snprintf(expires, sizeof expires, "%lld", (long long)signing->request->expires_s);
    if (!collect_parameters(signing, credential, mastra_str_of(expires))) {
        return too_many(error);
    }
    sort_pairs(signing);
    write_query(signing, &signing->query);
    if (!collect_host(signing)) {
        return too_many(error);
    }
    status = conclude(signing, texts, error);
    if (status != MASTRA_OK) {
        return status;
    }
    /* The same once more, with the signature in its place. */
    signing->count = 0;
    if (!collect_parameters(signing, credential, mastra_str_of(expires)) ||
        !add_pair(signing, mastra_str_of("X-Amz-Signature"), mastra_str_of(signing->signature))) {
        return too_many(error);
    }
    sort_pairs(signing);
    write_query(signing, query);
    return query->failed ? ms_error_oom(error) : MASTRA_OK;
}

mastra_status ms_sigv4_presign(struct ms_heap *heap, const struct ms_sigv4_request *request,
                               const struct ms_sigv4_keys *keys, const struct ms_sigv4_texts *texts,
                               struct ms_buf *query, mastra_error *error)
{
    struct signing signing;
    struct ms_buf credential;
    mastra_status status;

    if (request->expires_s < 1 || request->expires_s > MS_SIGV4_MOST_EXPIRES) {
        char value[24];

        snprintf(value, sizeof value, "%lld", (long long)request->expires_s);
        return ms_error_argument(error, "expires", mastra_str_of(value),
                                 "must be 1 to 604800 seconds (one week)");
    }
    status = begin(&signing, heap, request, keys, error);
    ms_buf_init(&credential, heap, 0);
    if (status == MASTRA_OK) {
        ms_buf_add_str(&credential, keys->access_key_id);
        ms_buf_printf(&credential, "/%s", signing.scope.ptr);
        status = credential.failed ? ms_error_oom(error)
                                   : presign(&signing, ms_buf_view(&credential), texts, query, error);
    }
    ms_buf_release(&credential);
    release(&signing);
    return status;
}
