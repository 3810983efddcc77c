/*
 * AWS Signature Version 4: a signature in the headers of a request, or in the query of a URL that somebody else will
 * use. Keys that are derived on the way are overwritten before the functions return.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "base/buf.h"

/* Names and values that one request may have. */
#define MS_SIGV4_PAIRS        24

#define MS_SIGV4_DATE_SIZE    17 /* "20250102T030405Z" */
#define MS_SIGV4_HASH_SIZE    65

#define MS_SIGV4_MOST_EXPIRES 604800 /* a week, in seconds */

struct ms_sigv4_keys {
    mastra_str access_key_id;
    mastra_str secret_access_key;
    mastra_str session_token; /* absent or empty: none */
};

struct ms_sigv4_pair {
    mastra_str name;
    mastra_str value;
};

struct ms_sigv4_request {
    mastra_str method;
    mastra_str
        path; /* as it is sent; it is encoded once more for the signature, as all services but S3 want */
    const struct ms_sigv4_pair *query; /* not encoded, in any order */
    size_t query_count;
    const struct ms_sigv4_pair *headers; /* in any order, names in lower case, `host` among them */
    size_t header_count;
    mastra_str body;
    mastra_str region;
    mastra_str service;
    mastra_time time;
    bool content_sha256; /* x-amz-content-sha256 is sent, and signed */
    int64_t expires_s;   /* presigning only */
};

/* What the signature is made of, for tests: each may be NULL. Appended to. */
struct ms_sigv4_texts {
    struct ms_buf *canonical_request;
    struct ms_buf *string_to_sign;
};

/* What has to be sent besides the headers that were given, and the session token as x-amz-security-token. */
struct ms_sigv4_signed {
    char date[MS_SIGV4_DATE_SIZE];         /* x-amz-date */
    char payload_hash[MS_SIGV4_HASH_SIZE]; /* x-amz-content-sha256, where it was asked for */
    struct ms_buf *authorization;          /* given by the caller; appended to */
};

/*
 * Signs the headers; those that proxies may change are left out of the signature. `texts` may be NULL. Errors:
 * INVALID_ARGUMENT (a time that has no such form, too many names), OUT_OF_MEMORY.
 */
mastra_status ms_sigv4_sign(struct ms_heap *heap, const struct ms_sigv4_request *request,
                            const struct ms_sigv4_keys *keys, const struct ms_sigv4_texts *texts,
                            struct ms_sigv4_signed *ret, mastra_error *error);

/*
 * Appends the query of the presigned URL, without "?": the request's own parameters and those of the signature,
 * sorted by name. The only header that is signed is `host`. Errors as above, and INVALID_ARGUMENT for expires_s
 * outside 1 to MS_SIGV4_MOST_EXPIRES.
 */
mastra_status ms_sigv4_presign(struct ms_heap *heap, const struct ms_sigv4_request *request,
                               const struct ms_sigv4_keys *keys, const struct ms_sigv4_texts *texts,
                               struct ms_buf *query, mastra_error *error);

/* Appends text with all but A-Z a-z 0-9 - _ . ~ as %XX, and "/" as it is when `slashes` is set. */
void ms_uri_encode(struct ms_buf *buf, mastra_str text, bool slashes);

#endif
