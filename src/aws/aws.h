/* What everything that talks to AWS shares: environment, clock, connections, credentials. */
#ifndef AWS_AWS_H
#define AWS_AWS_H

#include <mastra/aws.h>

#include <stdatomic.h>
#include <sys/types.h>

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/http.h"
#include "base/log.h"

struct ms_provider;

/* As mastra_aws_options, for the backends; texts are copied. Zeroed means the defaults. */
struct ms_aws_config {
    struct ms_heap *heap;
    struct ms_log log;
    const char *profile;
    const char *region;
    const char *ca_file;
    const mastra_aws_credentials *keys;
    mastra_aws_credentials_fn credentials;
    void *credentials_user;
    int64_t timeout_ms;
    /* For tests. */
    const char *const *environment; /* "NAME=value" up to NULL; NULL: the process's */
    mastra_time (*now)(void *user); /* NULL: the clock */
    void *now_user;
};

struct mastra_aws {
    struct ms_heap *heap;
    struct ms_log log;
    struct ms_environment environment;
    char *profile; /* by name, or NULL: "default" */
    char *region;  /* by option, or NULL */
    mastra_time (*now)(void *user);
    void *now_user;
    _Atomic int64_t skew_ms; /* what the services' clocks are ahead of ours, once one has complained */
    struct ms_http *http;
    struct ms_provider *provider;
    int64_t timeout_ms;
    pid_t pid;
};

#define MS_AWS_TIMEOUT_MS 30000

mastra_status ms_aws_open(const struct ms_aws_config *config, struct mastra_aws **ret_aws,
                          mastra_error *error);

/* NULL is allowed. */
void ms_aws_close(struct mastra_aws *aws);

/* Ends what is under way, and refuses what comes, with CLOSED; waits for the requests' ends. The handle is still to be
 * closed. Any thread. */
void ms_aws_interrupt(struct mastra_aws *aws);

/* The time as services see it. */
mastra_time ms_aws_now(const struct mastra_aws *aws);

/*
 * Told the `Date` of an answer that complained about the time, and the time with which the request was signed: true
 * when that was wrong by so much that signing anew may help, which later signatures then take into account.
 */
bool ms_aws_learn_time(struct mastra_aws *aws, mastra_time date, mastra_time signed_at);

/* The deadline of a call that begins now. */
int64_t ms_aws_deadline(const struct mastra_aws *aws);

/*
 * Credentials that are good now; the reference is the caller's. Waits for others only when those that there are have
 * expired. Errors: DENIED, TIMEOUT, UNAVAILABLE, CLOSED, OUT_OF_MEMORY, and what the source says.
 */
mastra_status ms_aws_credentials(struct mastra_aws *aws, int64_t deadline_ns, struct ms_credentials **ret,
                                 mastra_error *error);

/* A service did not take these: whoever asks next waits for others. */
void ms_aws_distrust(struct mastra_aws *aws, const struct ms_credentials *credentials);

/*
 * The region: of the handle, AWS_REGION, AWS_DEFAULT_REGION, the profile's. Appends nothing when none of them says.
 * Errors: INVALID_ARGUMENT for one that cannot be a region's name, OUT_OF_MEMORY.
 */
mastra_status ms_aws_region(const struct mastra_aws *aws, struct ms_buf *buf, mastra_error *error);

/* The profile by name or "default". */
mastra_str ms_aws_profile(const struct mastra_aws *aws);

/* Whether a text can be a region's name: it becomes a part of host names. */
bool ms_region_valid(mastra_str region);

#endif
