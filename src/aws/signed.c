#include "aws/signed.h"

#include "base/error.h"

void ms_signed_init(struct ms_signed *request, struct ms_heap *heap)
{
    *request = (struct ms_signed){.heap = heap};
    ms_buf_init(&request->lines, heap, 0);
}

void ms_signed_release(struct ms_signed *request)
{
    if (request->heap) {
        ms_secret_buf_release(&request->lines);
    }
}

static void add_line(struct ms_buf *lines, const char *name, mastra_str value)
{
    ms_buf_add_text(lines, name);
    ms_buf_add_text(lines, ": ");
    ms_buf_add_str(lines, value);
    ms_buf_add_char(lines, '\0');
}

/* Each line ends with a NUL; the exchange's headers point into them. */
static void point_to_lines(const struct ms_buf *lines, struct ms_http_exchange *exchange)
{
    const char *at = lines->ptr;

    exchange->header_count = 0;
    while (at < lines->ptr + lines->len) {
        exchange->headers[exchange->header_count++] = at;
        at += strlen(at) + 1;
    }
}

static void write_lines(struct ms_signed *request, const struct ms_sigv4_keys *keys,
                        const struct ms_sigv4_signed *made)
{
    struct ms_buf *lines = &request->lines;

    add_line(lines, "Host", ms_buf_view(&request->endpoint->host));
    add_line(lines, "Content-Type", mastra_str_of(request->content_type));
    if (request->target) {
        add_line(lines, "X-Amz-Target", mastra_str_of(request->target));
    }
    add_line(lines, "X-Amz-Date", mastra_str_of(made->date));
    if (keys->session_token.len > 0) {
        add_line(lines, "X-Amz-Security-Token", keys->session_token);
    }
    if (request->content_sha256) {
        add_line(lines, "X-Amz-Content-Sha256", mastra_str_of(made->payload_hash));
    }
    add_line(lines, "Authorization", ms_buf_view(made->authorization));
}

mastra_status ms_signed_prepare(struct ms_signed *request, const struct ms_sigv4_keys *keys, mastra_time time,
                                struct ms_http_exchange *exchange, mastra_error *error)
{
    struct ms_sigv4_pair headers[3] = {
        {mastra_str_of("host"), ms_buf_view(&request->endpoint->host)},
        {mastra_str_of("content-type"), mastra_str_of(request->content_type)},
        {mastra_str_of("x-amz-target"), mastra_str_of(request->target)},
    };
    struct ms_sigv4_request to_sign = {
        .method = mastra_str_of("POST"),
        .path = ms_buf_view(&request->endpoint->path),
        .headers = headers,
        .header_count = request->target ? 3 : 2,
        .body = request->body,
        .region = request->region,
        .service = mastra_str_of(request->service),
        .time = time,
        .content_sha256 = request->content_sha256,
    };
    struct ms_buf authorization;
    struct ms_sigv4_signed made = {.authorization = &authorization};
    mastra_status status;

    ms_buf_init(&authorization, request->heap, 0);
    ms_buf_clear(&request->lines);
    if (!ms_buf_reserve(&request->lines, 1536 + request->endpoint->host.len + keys->session_token.len)) {
        return ms_error_oom(error);
    }
    status = ms_sigv4_sign(request->heap, &to_sign, keys, NULL, &made, error);
    if (status == MASTRA_OK) {
        write_lines(request, keys, &made);
        status = request->lines.failed ? ms_error_oom(error) : MASTRA_OK;
    }
    if (status == MASTRA_OK) {
        point_to_lines(&request->lines, exchange);
        exchange->method = "POST";
        exchange->url = request->endpoint->url.ptr;
        exchange->body = request->body;
    }
    ms_buf_release(&authorization);
    return status;
}
