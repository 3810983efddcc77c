#include "aws/service.h"

#include <stdio.h>

#include <zlib.h>

#include "aws/secret.h"
#include "aws/signed.h"
#include "base/error.h"
#include "base/json.h"

#define CONTENT_TYPE "application/x-amz-json-1.0"

/* A call under way. */
struct job {
    const struct ms_aws_service *service;
    struct ms_service_call *call;
    struct ms_http_exchange exchange;
    struct ms_signed request;
    struct ms_credentials *credentials;
    int64_t deadline_ns;
    mastra_time signed_at;
    char target[128];
    bool renewed;   /* the credentials, once */
    bool corrected; /* the clock, once */
    bool in_doubt;  /* the last attempt may have taken effect */
};

mastra_status ms_service_init(struct ms_aws_service *service, struct mastra_aws *aws, const char *name,
                              const char *target, const struct ms_retry_policy *policy, const char *region,
                              const char *endpoint, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    *service = (struct ms_aws_service){.aws = aws, .name = name, .target = target, .policy = policy};
    ms_buf_init(&service->region, aws->heap, 0);
    if (region && region[0]) {
        ms_buf_add_text(&service->region, region);
        if (!ms_region_valid(mastra_str_of(region))) {
            return ms_error_argument(error, "region", mastra_str_of(region),
                                     "must be the name of a region, such as us-east-1");
        }
    } else {
        status = ms_aws_region(aws, &service->region, error);
    }
    if (status != MASTRA_OK || service->region.failed) {
        return status != MASTRA_OK ? status : ms_error_oom(error);
    }
    if (service->region.len == 0) {
        return ms_error_argument(error, "region", mastra_str_of(NULL),
                                 "must be given, since neither AWS_REGION nor the profile says it");
    }
    return ms_endpoint_find(&service->endpoint, aws, name, ms_buf_view(&service->region), endpoint, error);
}

void ms_service_release(struct ms_aws_service *service)
{
    if (service->aws) {
        ms_buf_release(&service->region);
        ms_endpoint_release(&service->endpoint);
    }
}

/* A string of a JSON object, for people and for comparing with known codes. */
static void copy_string(mastra_str object, const char *name, char *out, size_t size)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));
    char text[512];

    out[0] = '\0';
    if (ms_json_kind(raw) != MS_JSON_STRING) {
        return;
    }
    /* What does not fit is cut as it is spelled: it is only shown. */
    if (raw.len > sizeof text) {
        ms_error_copy(out, size, (mastra_str){raw.ptr + 1, raw.len - 2});
        return;
    }
    ms_error_copy(out, size, (mastra_str){text, ms_json_unescape(raw, text, NULL)});
}

/* A cancelled transaction is worth repeating when all that stood against it were others. */
static enum ms_aws_fault fault_of_reasons(mastra_str object)
{
    mastra_str reasons = ms_json_member(object, mastra_str_of("CancellationReasons"));
    enum ms_aws_fault fault = MS_FAULT_REFUSED;
    struct ms_json_iter iter;
    mastra_str reason;

    if (ms_json_kind(reasons) != MS_JSON_ARRAY) {
        return MS_FAULT_REFUSED;
    }
    ms_json_iter_init(&iter, reasons);
    while (ms_json_next(&iter, NULL, &reason)) {
        char code[64];
        enum ms_aws_fault of_reason;

        copy_string(reason, "Code", code, sizeof code);
        of_reason = ms_fault_of_reason(mastra_str_of(code));
        if (of_reason != MS_FAULT_NONE) {
            fault = of_reason;
        } else if (code[0] && strcmp(code, "None") != 0) {
            return MS_FAULT_REFUSED;
        }
    }
    return fault;
}

static void read_error(struct job *job)
{
    struct ms_service_call *call = job->call;
    struct ms_http_exchange *exchange = &job->exchange;
    char type[MS_SERVICE_CODE_SIZE + 64] = "";
    mastra_str object = {NULL, 0};
    const char *code;

    call->message[0] = '\0';
    if (exchange->answer.ptr && ms_json_check(exchange->answer, &object, NULL) &&
        ms_json_kind(object) == MS_JSON_OBJECT) {
        copy_string(object, "__type", type, sizeof type);
        copy_string(object, "message", call->message, sizeof call->message);
        if (!call->message[0]) {
            copy_string(object, "Message", call->message, sizeof call->message);
        }
    } else {
        object = (mastra_str){NULL, 0};
    }
    code = strchr(type, '#');
    ms_error_copy(call->code, sizeof call->code, mastra_str_of(code ? code + 1 : type));
    call->fault = ms_fault_of(mastra_str_of(call->code), exchange->status);
    if (call->fault == MS_FAULT_REFUSED && strcmp(call->code, "TransactionCanceledException") == 0) {
        call->fault = fault_of_reasons(object);
    }
}

/* Whether the answer is whole: by its checksum, and as JSON where it should be that. */
static bool is_whole(const struct ms_http_exchange *exchange)
{
    const unsigned char *bytes = (const unsigned char *)exchange->answer.ptr;

    if (exchange->has_crc32 &&
        crc32_z(0, bytes ? bytes : (const unsigned char *)"", exchange->answer.len) != exchange->crc32) {
        return false;
    }
    return exchange->status != 200 || (bytes && ms_json_check(exchange->answer, NULL, NULL));
}

static enum ms_http_verdict judge_fault(struct job *job)
{
    struct ms_service_call *call = job->call;

    switch (call->fault) {
    case MS_FAULT_THROTTLED:
    case MS_FAULT_CONFLICT:
        return MS_HTTP_AGAIN;
    case MS_FAULT_SERVER:
        return call->repeatable ? MS_HTTP_AGAIN : MS_HTTP_DONE;
    case MS_FAULT_CREDENTIALS:
        if (job->renewed) {
            return MS_HTTP_DONE;
        }
        job->renewed = true;
        ms_aws_distrust(job->service->aws, job->credentials);
        return MS_HTTP_AGAIN_NOW;
    case MS_FAULT_CLOCK:
        if (job->corrected || !ms_aws_learn_time(job->service->aws, job->exchange.date, job->signed_at)) {
            return MS_HTTP_DONE;
        }
        job->corrected = true;
        return MS_HTTP_AGAIN_NOW;
    default:
        return MS_HTTP_DONE;
    }
}

static enum ms_http_verdict judge(struct ms_http_exchange *exchange)
{
    struct job *job = exchange->user;

    job->call->doubtful |= job->in_doubt;
    job->in_doubt = false;
    job->call->code[0] = '\0';
    job->call->message[0] = '\0';
    job->call->fault = MS_FAULT_NONE;
    if (exchange->end == MS_HTTP_ANSWERED && !is_whole(exchange)) {
        exchange->end = MS_HTTP_LOST;
        ms_error_copy(exchange->why, sizeof exchange->why,
                      mastra_str_of("the answer was damaged on its way"));
    }
    if (exchange->end != MS_HTTP_ANSWERED) {
        job->in_doubt = exchange->sent;
        return ms_http_may_repeat(exchange) ? MS_HTTP_AGAIN : MS_HTTP_DONE;
    }
    if (exchange->status == 200) {
        return MS_HTTP_DONE;
    }
    read_error(job);
    job->in_doubt = job->call->fault == MS_FAULT_SERVER;
    return judge_fault(job);
}

static mastra_status prepare(struct ms_http_exchange *exchange)
{
    struct job *job = exchange->user;
    struct mastra_aws *aws = job->service->aws;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    ms_credentials_unref(job->credentials);
    job->credentials = NULL;
    status = ms_aws_credentials(aws, job->deadline_ns, &job->credentials, &error);
    if (status == MASTRA_OK) {
        job->signed_at = ms_aws_now(aws);
        status = ms_signed_prepare(&job->request, &job->credentials->keys, job->signed_at, exchange, &error);
    }
    ms_error_copy(exchange->why, sizeof exchange->why, mastra_str_of(error.message));
    return status;
}

static void job_init(struct job *job, const struct ms_aws_service *service, struct ms_service_call *call,
                     int64_t deadline_ns)
{
    job->service = service;
    job->call = call;
    job->deadline_ns = deadline_ns;
    snprintf(job->target, sizeof job->target, "%s.%s", service->target, call->operation);
    ms_signed_init(&job->request, service->aws->heap);
    job->request.endpoint = &service->endpoint;
    job->request.service = service->name;
    job->request.region = ms_buf_view(&service->region);
    job->request.content_type = CONTENT_TYPE;
    job->request.target = job->target;
    job->request.body = call->body;
    job->exchange.prepare = prepare;
    job->exchange.judge = judge;
    job->exchange.user = job;
    job->exchange.repeatable = call->repeatable;
    job->exchange.connect_ms = service->connect_ms;
    job->exchange.attempt_ms = service->attempt_ms;
    job->exchange.most_bytes = service->most_bytes;
}

/* Hands the outcome to the call, and the answer's memory with it. */
static void job_finish(struct job *job)
{
    struct ms_service_call *call = job->call;
    struct ms_http_exchange *exchange = &job->exchange;

    call->end = exchange->end;
    call->failure = exchange->failure;
    call->sent = exchange->sent;
    call->attempts = exchange->attempts;
    call->status = exchange->status;
    call->date = exchange->date;
    call->answer = exchange->answer;
    memcpy(call->request_id, exchange->request_id, sizeof call->request_id);
    if (exchange->end != MS_HTTP_ANSWERED) {
        ms_error_copy(call->message, sizeof call->message, mastra_str_of(exchange->why));
    }
    ms_signed_release(&job->request);
    ms_credentials_unref(job->credentials);
}

mastra_status ms_service_send(const struct ms_aws_service *service, struct ms_service_call *calls,
                              size_t count, size_t parallel, int64_t deadline_ns, mastra_error *error)
{
    struct ms_heap *heap = service->aws->heap;
    struct ms_http_exchange **exchanges;
    struct job *jobs;
    mastra_status status;

    if (count == 0) {
        return MASTRA_OK;
    }
    jobs = ms_heap_calloc(heap, count * sizeof *jobs);
    exchanges = ms_heap_calloc(heap, count * sizeof(struct ms_http_exchange *));
    if (!jobs || !exchanges) {
        ms_heap_release(heap, jobs);
        ms_heap_release(heap, exchanges);
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < count; i++) {
        ms_service_call_release(service, &calls[i]);
        job_init(&jobs[i], service, &calls[i], deadline_ns);
        exchanges[i] = &jobs[i].exchange;
    }
    status = ms_http_run(service->aws->http, exchanges, count, parallel, service->policy, deadline_ns, error);
    for (size_t i = 0; i < count; i++) {
        job_finish(&jobs[i]);
    }
    ms_heap_release(heap, jobs);
    ms_heap_release(heap, exchanges);
    return status;
}

void ms_service_call_release(const struct ms_aws_service *service, struct ms_service_call *call)
{
    ms_heap_release(service->aws->heap, (char *)(uintptr_t)call->answer.ptr);
    *call = (struct ms_service_call){
        .operation = call->operation, .body = call->body, .repeatable = call->repeatable};
}

static mastra_status status_of_answer(const struct ms_service_call *call)
{
    switch (call->fault) {
    case MS_FAULT_THROTTLED:
        return MASTRA_BUSY;
    case MS_FAULT_CONFLICT:
        return MASTRA_CONFLICT;
    case MS_FAULT_SERVER:
        return call->repeatable ? MASTRA_UNAVAILABLE : MASTRA_UNKNOWN_OUTCOME;
    case MS_FAULT_CREDENTIALS:
    case MS_FAULT_CLOCK:
        return MASTRA_DENIED;
    default:
        return strncmp(call->code, "AccessDenied", strlen("AccessDenied")) == 0 ? MASTRA_DENIED
                                                                                : MASTRA_INTERNAL;
    }
}

static mastra_status status_of(const struct ms_service_call *call)
{
    switch (call->end) {
    case MS_HTTP_ANSWERED:
        return status_of_answer(call);
    case MS_HTTP_FAILED:
        return call->sent && !call->repeatable ? MASTRA_UNKNOWN_OUTCOME : call->failure;
    case MS_HTTP_CLOSED:
        return call->sent && !call->repeatable ? MASTRA_UNKNOWN_OUTCOME : MASTRA_CLOSED;
    case MS_HTTP_TIMED_OUT:
        return call->sent && !call->repeatable ? MASTRA_UNKNOWN_OUTCOME : MASTRA_TIMEOUT;
    default:
        return call->sent && !call->repeatable ? MASTRA_UNKNOWN_OUTCOME : MASTRA_UNAVAILABLE;
    }
}

mastra_status ms_service_call_error(const struct ms_service_call *call, mastra_error *error)
{
    mastra_status status = status_of(call);
    const char *hint = call->fault == MS_FAULT_CLOCK ? "; is this machine's clock right?" : "";

    if (call->end == MS_HTTP_ANSWERED) {
        ms_error_set(error, status, "%s: %s (status %d)%s%s%s", call->operation,
                     call->code[0] ? call->code : "an error without a name", call->status,
                     call->message[0] ? ": " : "", call->message, hint);
    } else {
        ms_error_set(error, status, "%s: %s", call->operation, call->message);
    }
    /* Only what lies inside the caller's record, which may be an older and shorter one. */
    if (error && error->size >= offsetof(mastra_error, message)) {
        error->retriable = status == MASTRA_BUSY || status == MASTRA_CONFLICT ||
                           status == MASTRA_UNAVAILABLE || status == MASTRA_TIMEOUT;
        ms_error_copy(error->backend, sizeof error->backend, mastra_str_of(call->code));
    }
    return status;
}
