#include "aws/retry.h"

#include "base/random.h"

const struct ms_retry_policy ms_retry_never = {.attempts = 1};
const struct ms_retry_policy ms_retry_standard = {.attempts = 3, .base_ms = 100, .cap_ms = 5000};
const struct ms_retry_policy ms_retry_dynamodb = {.attempts = 10, .base_ms = 50, .cap_ms = 5000};

struct meaning {
    const char *code;
    enum ms_aws_fault fault;
};

static const struct meaning errors[] = {
    {"ProvisionedThroughputExceededException", MS_FAULT_THROTTLED},
    {"ProvisionedThroughputExceeded", MS_FAULT_THROTTLED},
    {"ThrottlingException", MS_FAULT_THROTTLED},
    {"Throttling", MS_FAULT_THROTTLED},
    {"ThrottledException", MS_FAULT_THROTTLED},
    {"RequestThrottled", MS_FAULT_THROTTLED},
    {"RequestThrottledException", MS_FAULT_THROTTLED},
    {"RequestLimitExceeded", MS_FAULT_THROTTLED},
    {"LimitExceededException", MS_FAULT_THROTTLED},
    {"TooManyRequestsException", MS_FAULT_THROTTLED},
    {"SlowDown", MS_FAULT_THROTTLED},
    {"InternalServerError", MS_FAULT_SERVER},
    {"InternalFailure", MS_FAULT_SERVER},
    {"ServiceUnavailable", MS_FAULT_SERVER},
    {"IDPCommunicationError", MS_FAULT_SERVER},
    {"TransactionInProgressException", MS_FAULT_CONFLICT},
    {"TransactionConflictException", MS_FAULT_CONFLICT},
    {"ExpiredToken", MS_FAULT_CREDENTIALS},
    {"ExpiredTokenException", MS_FAULT_CREDENTIALS},
    {"UnrecognizedClientException", MS_FAULT_CREDENTIALS},
    {"RequestExpired", MS_FAULT_CLOCK},
    {"RequestTimeTooSkewed", MS_FAULT_CLOCK},
    {"RequestInTheFuture", MS_FAULT_CLOCK},
    {"InvalidSignatureException", MS_FAULT_CLOCK},
    {"SignatureDoesNotMatch", MS_FAULT_CLOCK},
    {NULL, MS_FAULT_NONE},
};

static const struct meaning reasons[] = {
    {"TransactionConflict", MS_FAULT_CONFLICT},
    {"ThrottlingError", MS_FAULT_THROTTLED},
    {"ProvisionedThroughputExceeded", MS_FAULT_THROTTLED},
    {NULL, MS_FAULT_NONE},
};

static enum ms_aws_fault find(const struct meaning *meanings, mastra_str code)
{
    for (; meanings->code; meanings++) {
        if (strlen(meanings->code) == code.len && memcmp(meanings->code, code.ptr, code.len) == 0) {
            return meanings->fault;
        }
    }
    return MS_FAULT_NONE;
}

enum ms_aws_fault ms_fault_of(mastra_str code, int http_status)
{
    enum ms_aws_fault fault = find(errors, code);

    if (fault != MS_FAULT_NONE) {
        return fault;
    }
    if (http_status == 429) {
        return MS_FAULT_THROTTLED;
    }
    if (http_status >= 500) {
        return MS_FAULT_SERVER;
    }
    return http_status >= 300 ? MS_FAULT_REFUSED : MS_FAULT_NONE;
}

enum ms_aws_fault ms_fault_of_reason(mastra_str code)
{
    return find(reasons, code);
}

int64_t ms_retry_delay_ms(const struct ms_retry_policy *policy, unsigned attempt, int64_t retry_after_ms)
{
    int64_t most = policy->base_ms;
    int64_t delay;

    for (unsigned i = 1; i < attempt && most < policy->cap_ms; i++) {
        most *= 2;
    }
    if (policy->cap_ms > 0 && most > policy->cap_ms) {
        most = policy->cap_ms;
    }
    delay = policy->fixed ? policy->base_ms : (int64_t)ms_random_below((uint64_t)most + 1);
    return delay < retry_after_ms ? retry_after_ms : delay;
}
