#include "aws/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/profile.h"
#include "aws/provider.h"
#include "base/clock.h"
#include "base/error.h"

/* Below this much a clock is not what a signature was refused for. */
#define LEAST_SKEW_MS (4 * INT64_C(60000))

static mastra_time clock_now(void *user)
{
    (void)user;
    return ms_clock_now();
}

static bool copy_text(struct ms_heap *heap, const char *text, char **ret)
{
    if (text && text[0]) {
        *ret = ms_heap_strdup(heap, mastra_str_of(text));
        return *ret != NULL;
    }
    return true;
}

static mastra_status set_keys(struct mastra_aws *aws, const mastra_aws_credentials *keys, mastra_error *error)
{
    struct ms_credentials_draft draft = {.access_key_id = keys->access_key_id,
                                         .secret_access_key = keys->secret_access_key,
                                         .session_token = keys->session_token,
                                         .expiration = keys->expiration};
    const char *why = NULL;
    const char *wrong = ms_credentials_wrong(&draft, &why);
    struct ms_credentials *credentials;

    if (wrong) {
        return ms_error_argument(error, wrong, mastra_str_of(NULL), why);
    }
    credentials = ms_credentials_new(aws->heap, &draft, "options");
    if (!credentials) {
        return ms_error_oom(error);
    }
    ms_provider_set(aws->provider, credentials);
    return MASTRA_OK;
}

/* The file of certificates: by option, AWS_CA_BUNDLE, or the system's. */
static const char *ca_file(const struct mastra_aws *aws, const struct ms_aws_config *config)
{
    return config->ca_file && config->ca_file[0] ? config->ca_file
                                                 : ms_environment_get(&aws->environment, "AWS_CA_BUNDLE");
}

static mastra_status set_up(struct mastra_aws *aws, const struct ms_aws_config *config, mastra_error *error)
{
    const char *profile = config->profile;
    mastra_status status;

    if (!ms_environment_init(&aws->environment, aws->heap, config->environment)) {
        return ms_error_oom(error);
    }
    if (!profile || !profile[0]) {
        profile = ms_environment_get(&aws->environment, "AWS_PROFILE");
    }
    if (!copy_text(aws->heap, profile, &aws->profile) ||
        !copy_text(aws->heap, config->region, &aws->region)) {
        return ms_error_oom(error);
    }
    if (aws->region && !ms_region_valid(mastra_str_of(aws->region))) {
        return ms_error_argument(error, "region", mastra_str_of(aws->region),
                                 "must be the name of a region, such as us-east-1");
    }
    status = ms_http_new(aws->heap, ca_file(aws, config), &aws->http, error);
    if (status == MASTRA_OK) {
        status = ms_provider_new(aws, config->credentials, config->credentials_user, &aws->provider, error);
    }
    if (status == MASTRA_OK && config->keys) {
        status = set_keys(aws, config->keys, error);
    }
    return status;
}

mastra_status ms_aws_open(const struct ms_aws_config *config, struct mastra_aws **ret_aws,
                          mastra_error *error)
{
    struct mastra_aws *aws;
    mastra_status status;

    if (config->timeout_ms < 0) {
        char value[24];

        snprintf(value, sizeof value, "%lld", (long long)config->timeout_ms);
        return ms_error_argument(error, "timeout_ms", mastra_str_of(value), "must not be negative");
    }
    aws = ms_heap_calloc(config->heap, sizeof *aws);
    if (!aws) {
        return ms_error_oom(error);
    }
    aws->heap = ms_heap_ref(config->heap);
    aws->log = config->log;
    aws->now = config->now ? config->now : clock_now;
    aws->now_user = config->now_user;
    aws->timeout_ms = config->timeout_ms ? config->timeout_ms : MS_AWS_TIMEOUT_MS;
    aws->pid = getpid();
    atomic_init(&aws->skew_ms, 0);
    status = set_up(aws, config, error);
    if (status != MASTRA_OK) {
        ms_aws_close(aws);
        return status;
    }
    *ret_aws = aws;
    return MASTRA_OK;
}

void ms_aws_interrupt(struct mastra_aws *aws)
{
    /*
     * Calls may be waiting for credentials, and a fetch of credentials for an answer: all are told first. The thread
     * of the fetch ends once its connection has.
     */
    if (aws->provider) {
        ms_provider_stop(aws->provider);
    }
    if (aws->http) {
        ms_http_close(aws->http);
    }
}

void ms_aws_close(struct mastra_aws *aws)
{
    struct ms_heap *heap;

    if (!aws) {
        return;
    }
    ms_aws_interrupt(aws);
    if (aws->provider) {
        ms_provider_close(aws->provider);
    }
    ms_provider_free(aws->provider);
    ms_http_free(aws->http);
    ms_environment_release(&aws->environment);
    heap = aws->heap;
    ms_heap_release(heap, aws->profile);
    ms_heap_release(heap, aws->region);
    ms_heap_release(heap, aws);
    ms_heap_unref(heap);
}

mastra_time ms_aws_now(const struct mastra_aws *aws)
{
    return aws->now(aws->now_user) + atomic_load(&aws->skew_ms);
}

static bool is_skewed(int64_t off)
{
    return off <= -LEAST_SKEW_MS || off >= LEAST_SKEW_MS;
}

bool ms_aws_learn_time(struct mastra_aws *aws, mastra_time date, mastra_time signed_at)
{
    int64_t off;

    if (date == MASTRA_TIME_NONE || !is_skewed(date - signed_at)) {
        return false;
    }
    off = date - ms_aws_now(aws);
    if (!is_skewed(off)) {
        /* Another request, made at the same time, was told before. */
        return true;
    }
    atomic_store(&aws->skew_ms, date - aws->now(aws->now_user));
    ms_log_write(&aws->log, MASTRA_LOG_WARNING,
                 "AWS: this machine's clock is off by %lld s; signatures allow for it",
                 (long long)(off / 1000));
    return true;
}

int64_t ms_aws_deadline(const struct mastra_aws *aws)
{
    int64_t most = INT64_C(86400000);

    return ms_clock_monotonic_ns() + (aws->timeout_ms < most ? aws->timeout_ms : most) * 1000000;
}

mastra_status ms_aws_credentials(struct mastra_aws *aws, int64_t deadline_ns, struct ms_credentials **ret,
                                 mastra_error *error)
{
    return ms_provider_get(aws->provider, deadline_ns, ret, error);
}

void ms_aws_distrust(struct mastra_aws *aws, const struct ms_credentials *credentials)
{
    ms_provider_distrust(aws->provider, credentials);
}

mastra_str ms_aws_profile(const struct mastra_aws *aws)
{
    return mastra_str_of(aws->profile ? aws->profile : "default");
}

mastra_status ms_aws_region(const struct mastra_aws *aws, struct ms_buf *buf, mastra_error *error)
{
    struct ms_profiles profiles = {.why = ""};
    mastra_str region = mastra_str_of(aws->region);
    mastra_status status = MASTRA_OK;

    if (!region.ptr) {
        region = mastra_str_of(ms_environment_get(&aws->environment, "AWS_REGION"));
    }
    if (!region.ptr) {
        region = mastra_str_of(ms_environment_get(&aws->environment, "AWS_DEFAULT_REGION"));
    }
    if (!region.ptr) {
        if (!ms_profiles_load(&profiles, aws->heap, &aws->environment)) {
            ms_profiles_release(&profiles);
            return ms_error_oom(error);
        }
        region = ms_profile_get(&profiles, ms_aws_profile(aws), "region");
    }
    if (region.ptr && !ms_region_valid(region)) {
        status =
            ms_error_argument(error, "region", region, "must be the name of a region, such as us-east-1");
    } else if (region.ptr) {
        ms_buf_add_str(buf, region);
        status = buf->failed ? ms_error_oom(error) : MASTRA_OK;
    }
    ms_profiles_release(&profiles);
    return status;
}
