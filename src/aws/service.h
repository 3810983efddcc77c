/*
 * Signed calls to a service that speaks JSON over POST, as DynamoDB does: many side by side, each repeated as its errors
 * ask for, with credentials renewed and the clock corrected where that is what they say.
 */
#ifndef AWS_SERVICE_H
#define AWS_SERVICE_H

#include "aws/endpoint.h"

/* One service in one region. Set up once, then used by any number of threads. */
struct ms_aws_service {
    struct mastra_aws *aws;
    const char *name;   /* of the signature: "dynamodb" */
    const char *target; /* before the operation: "DynamoDB_20120810" */
    const struct ms_retry_policy *policy;
    int64_t connect_ms; /* 0: the client's defaults */
    int64_t attempt_ms;
    size_t most_bytes;
    struct ms_buf region;
    struct ms_endpoint endpoint;
};

/*
 * `region` NULL: that of the handle; `endpoint` NULL: as ms_endpoint_find has it. To be released in any case. Errors:
 * INVALID_ARGUMENT (no region is known, or one of the two is wrong), OUT_OF_MEMORY.
 */
mastra_status ms_service_init(struct ms_aws_service *service, struct mastra_aws *aws, const char *name,
                              const char *target, const struct ms_retry_policy *policy, const char *region,
                              const char *endpoint, mastra_error *error);
void ms_service_release(struct ms_aws_service *service);

#define MS_SERVICE_CODE_SIZE    96
#define MS_SERVICE_MESSAGE_SIZE 256

/* One call and its answer. Zeroed, then filled in by the caller. */
struct ms_service_call {
    const char *operation; /* "GetItem" */
    mastra_str body;
    bool repeatable; /* may be sent again when nobody knows whether it took effect */

    enum ms_http_end
        end; /* how the last attempt ended; an answer that was damaged on its way counts as lost */
    mastra_status failure;
    bool sent;
    bool doubtful; /* an attempt before the last one may have taken effect */
    unsigned attempts;
    int status;
    mastra_str answer; /* JSON text, checked where the status is 200 */
    enum ms_aws_fault fault;
    char code[MS_SERVICE_CODE_SIZE]; /* of an error, without its prefix */
    char message[MS_SERVICE_MESSAGE_SIZE];
    char request_id[MS_HTTP_REQUEST_ID_SIZE];
    mastra_time date; /* of the server */
};

/*
 * Makes all calls, at most `parallel` at a time (0: all). Each tells how it went; that one went wrong is no error here.
 * Errors, in which case none was made: CLOSED, OUT_OF_MEMORY. Thread-safe.
 */
mastra_status ms_service_send(const struct ms_aws_service *service, struct ms_service_call *calls,
                              size_t count, size_t parallel, int64_t deadline_ns, mastra_error *error);
void ms_service_call_release(const struct ms_aws_service *service, struct ms_service_call *call);

/* Whether it was answered well. */
static inline bool ms_service_call_ok(const struct ms_service_call *call)
{
    return call->end == MS_HTTP_ANSWERED && call->status == 200;
}

/*
 * What a call that did not go well comes to, for errors that have no meaning of their own to the caller: UNKNOWN_OUTCOME
 * where it may have taken effect, BUSY, CONFLICT, UNAVAILABLE, TIMEOUT, DENIED, INTERNAL. The service's code stands in
 * error->backend.
 */
mastra_status ms_service_call_error(const struct ms_service_call *call, mastra_error *error);

#endif
