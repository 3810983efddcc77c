/* One attempt of an exchange: its libcurl handle. Between aws/http.c and aws/http_attempt.c only. */
#ifndef AWS_HTTP_ATTEMPT_H
#define AWS_HTTP_ATTEMPT_H

#include <curl/curl.h>

#include "aws/http.h"

struct ms_http_attempt {
    struct ms_heap *heap;
    const char *ca_file;
    struct ms_http_exchange *exchange;
    CURL *easy;
    struct curl_slist headers[MS_HTTP_HEADERS + 2]; /* linked over the exchange's own texts */
    size_t body_sent;
    bool rewind_refused;
    bool too_large;
    bool no_memory;
    char why[CURL_ERROR_SIZE];
};

/* Sets up the handle for the exchange, forgetting any answer. False: memory is out. */
bool ms_http_attempt_begin(struct ms_http_attempt *attempt, int64_t deadline_ns);

/* Notes in the exchange how the attempt ended. */
void ms_http_attempt_end(struct ms_http_attempt *attempt, CURLcode code);

/* Forgets the answer of the attempt before. */
void ms_http_forget(struct ms_heap *heap, struct ms_http_exchange *exchange);

#endif
