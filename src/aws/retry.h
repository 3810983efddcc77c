/* When a request is worth repeating, and how long to wait before: what AWS's errors mean, as data. */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <mastra/types.h>

struct ms_retry_policy {
    unsigned attempts; /* all together, at least 1 */
    int64_t base_ms;   /* the most that is waited before the second attempt; it doubles with each one */
    int64_t cap_ms;
    bool fixed; /* wait base_ms each time, without chance */
};

extern const struct ms_retry_policy ms_retry_never;
extern const struct ms_retry_policy ms_retry_standard; /* of services that are asked once in a while */
extern const struct ms_retry_policy ms_retry_dynamodb;

/*
 * How long to wait after attempt number `attempt` (from 1): full jitter, a random part of the doubled base. At least
 * what the server asked for (`retry_after_ms`; negative: it did not).
 */
int64_t ms_retry_delay_ms(const struct ms_retry_policy *policy, unsigned attempt, int64_t retry_after_ms);

/* What an error of a service asks for. */
enum ms_aws_fault {
    MS_FAULT_NONE,
    MS_FAULT_THROTTLED,   /* again, after a while */
    MS_FAULT_SERVER,      /* again; whether it took effect is not known */
    MS_FAULT_CONFLICT,    /* another transaction was in the way: again */
    MS_FAULT_CREDENTIALS, /* again, once, with new credentials */
    MS_FAULT_CLOCK,       /* again, once, with the server's idea of the time */
    MS_FAULT_REFUSED,     /* the same request will fail the same way */
};

/* By the error's code ("ThrottlingException", without what stands before a "#"), else by the HTTP status. */
enum ms_aws_fault ms_fault_of(mastra_str code, int http_status);

/* The same for the reason for which a transaction was cancelled ("TransactionConflict", "ThrottlingError"). */
enum ms_aws_fault ms_fault_of_reason(mastra_str code);

#endif
