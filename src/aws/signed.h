/* A POST with a signature in its headers, made anew for each attempt. */
#ifndef AWS_SIGNED_H
#define AWS_SIGNED_H

#include "aws/endpoint.h"

struct ms_signed {
    struct ms_heap *heap;
    const struct ms_endpoint *endpoint;
    const char *service;
    mastra_str region;
    const char *content_type;
    const char *target; /* of x-amz-target; NULL: none */
    mastra_str body;
    bool content_sha256;
    struct ms_buf lines; /* the headers that the exchange points to */
};

/* The rest is filled in by the caller. */
void ms_signed_init(struct ms_signed *request, struct ms_heap *heap);
void ms_signed_release(struct ms_signed *request);

/* Sets URL, headers and body of the exchange, signed for that time. */
mastra_status ms_signed_prepare(struct ms_signed *request, const struct ms_sigv4_keys *keys, mastra_time time,
                                struct ms_http_exchange *exchange, mastra_error *error);

#endif
