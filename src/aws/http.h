/*
 * HTTP over libcurl. A client keeps connections alive between calls. Each call to ms_http_run works on connections that
 * no other caller has at that time, in the thread of its caller: callers do not wait for each other, nothing is handed
 * from thread to thread, and one caller's requests run side by side.
 *
 * Certificates are always verified. Proxies come from the environment (https_proxy, http_proxy, no_proxy) as libcurl
 * reads it. Redirections are not followed.
 */
#ifndef AWS_HTTP_H
#define AWS_HTTP_H

#include "aws/retry.h"
#include "base/heap.h"

struct ms_http;

/* `ca_file` NULL: the system's certificates. Errors: OUT_OF_MEMORY, INTERNAL (libcurl cannot be initialised). */
mastra_status ms_http_new(struct ms_heap *heap, const char *ca_file, struct ms_http **ret_http,
                          mastra_error *error);

/* Ends what runs (their exchanges end as MS_HTTP_CLOSED), refuses what comes, and waits until nobody is left. */
void ms_http_close(struct ms_http *http);

/* Nobody may use the client any more. NULL is allowed. */
void ms_http_free(struct ms_http *http);

#define MS_HTTP_HEADERS         12
#define MS_HTTP_REQUEST_ID_SIZE 96
#define MS_HTTP_WHY_SIZE        256

/* How an attempt ended. */
enum ms_http_end {
    MS_HTTP_NOT_TRIED,
    MS_HTTP_ANSWERED,  /* completely, with whatever status */
    MS_HTTP_NOT_SENT,  /* no connection: the server has seen nothing of the request */
    MS_HTTP_LOST,      /* the connection broke after the request had begun to leave */
    MS_HTTP_TIMED_OUT, /* `sent` tells whether the server may have it */
    MS_HTTP_UNTRUSTED, /* the server's certificate was not accepted */
    MS_HTTP_TOO_LARGE, /* the answer was longer than most_bytes */
    MS_HTTP_CLOSED,    /* the client was closed */
    MS_HTTP_FAILED,    /* not to be repeated: a URL that is none, no memory, `prepare` failed */
};

enum ms_http_verdict {
    MS_HTTP_DONE,
    MS_HTTP_AGAIN,     /* after the wait of the policy */
    MS_HTTP_AGAIN_NOW, /* something was put right */
};

/* One request and its answer. Zeroed, then filled in by the caller. */
struct ms_http_exchange {
    /* The request. What is pointed to must stay until the attempt has ended. */
    const char *method; /* GET, POST, PUT */
    const char *url;
    const char *headers[MS_HTTP_HEADERS]; /* "name: value" */
    size_t header_count;
    mastra_str body;
    int64_t connect_ms; /* 0: 5,000 */
    int64_t attempt_ms; /* 0: 30,000 */
    size_t most_bytes;  /* of the answer's body; 0: 64 MiB */
    bool direct;        /* never through a proxy */
    bool secret;        /* the answer's memory is overwritten before it is given back */
    bool repeatable;    /* libcurl may send it anew when a kept-alive connection turns out to be dead */

    /*
     * Called before each attempt, to build or sign the request; NULL: it stands as it is. What it returns other than
     * MASTRA_OK ends the exchange as MS_HTTP_FAILED with that status.
     */
    mastra_status (*prepare)(struct ms_http_exchange *exchange);
    /* Called after each attempt; NULL: done. */
    enum ms_http_verdict (*judge)(struct ms_http_exchange *exchange);
    void *user;

    /* The last attempt and its answer. */
    enum ms_http_end end;
    mastra_status failure; /* of MS_HTTP_FAILED */
    bool sent;             /* the server may have got the request, or a part of it */
    unsigned attempts;
    int status;
    mastra_str answer; /* NUL-terminated when there is any */
    size_t answer_cap;
    mastra_time date;       /* of the server; MASTRA_TIME_NONE */
    int64_t retry_after_ms; /* -1: not given */
    bool has_crc32;
    uint32_t crc32;
    char request_id[MS_HTTP_REQUEST_ID_SIZE];
    char why[MS_HTTP_WHY_SIZE]; /* what went wrong, where it did; free of secrets */
};

/*
 * Runs the exchanges, at most `parallel` of them at a time (0: all), and repeats them as their judges and the policy
 * say until the deadline (of ms_clock_monotonic_ns). Returns when the last has ended; each tells how. Errors, in which
 * case nothing was tried: CLOSED, OUT_OF_MEMORY. Thread-safe.
 */
mastra_status ms_http_run(struct ms_http *http, struct ms_http_exchange *const *exchanges, size_t count,
                          size_t parallel, const struct ms_retry_policy *policy, int64_t deadline_ns,
                          mastra_error *error);

/* Gives back the answer's memory. Zeroed is allowed. */
void ms_http_exchange_release(struct ms_http *http, struct ms_http_exchange *exchange);

/* Puts what became of an exchange that was not answered into an error, after "what: ". Returns its status. */
mastra_status ms_http_failure(const struct ms_http_exchange *exchange, const char *what, mastra_error *error);

/* Whether a request that ended like this may be sent again without doing it twice. */
bool ms_http_may_repeat(const struct ms_http_exchange *exchange);

#endif
