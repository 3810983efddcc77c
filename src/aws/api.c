/* The public functions of include/mastra/aws.h, but for the answers of callbacks. */
#include <mastra/aws.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/aws.h"
#include "aws/dsql_token.h"
#include "base/error.h"

/* The caller's options in full size: one compiled earlier may have less of them. */
static mastra_aws_options take_options(const mastra_aws_options *options)
{
    mastra_aws_options own = MASTRA_AWS_OPTIONS_INIT;

    if (options) {
        size_t size = options->size < sizeof own ? options->size : sizeof own;

        memcpy(&own, options, size);
        own.size = sizeof own;
    }
    return own;
}

mastra_status mastra_aws_open(const mastra_aws_options *options, mastra_aws **ret_aws, mastra_error *error)
{
    mastra_aws_options own = take_options(options);
    struct ms_aws_config config = {.log = {own.log, own.log_user, own.log_level},
                                   .profile = own.profile,
                                   .region = own.region,
                                   .ca_file = own.ca_file,
                                   .keys = own.keys,
                                   .credentials = own.credentials,
                                   .credentials_user = own.credentials_user,
                                   .timeout_ms = own.timeout_ms};
    mastra_status status;

    if (!ret_aws) {
        return ms_error_argument(error, "ret_aws", mastra_str_of(NULL), "must not be NULL");
    }
    config.heap = ms_heap_new(own.allocator);
    if (!config.heap) {
        return ms_error_oom(error);
    }
    status = ms_aws_open(&config, ret_aws, error);
    ms_heap_unref(config.heap);
    return status;
}

void mastra_aws_close(mastra_aws *aws)
{
    if (aws && aws->pid == getpid()) {
        ms_aws_close(aws);
    }
}

static mastra_status check(const mastra_aws *aws, mastra_error *error)
{
    if (!aws) {
        return ms_error_argument(error, "aws", mastra_str_of(NULL), "must not be NULL");
    }
    if (aws->pid != getpid()) {
        return ms_error_set(error, MASTRA_FORKED, "the handle was opened before fork; open one after it");
    }
    return MASTRA_OK;
}

/* "****MPLE" */
static void hide(mastra_str key, char *out, size_t size)
{
    size_t shown = key.len > 8 ? 4 : 0;

    snprintf(out, size, "****%.*s", (int)shown, key.ptr + key.len - shown);
}

static mastra_status copy_region(const mastra_aws *aws, char *out, size_t size, mastra_error *error)
{
    struct ms_buf region;
    mastra_status status;

    ms_buf_init(&region, aws->heap, 0);
    status = ms_aws_region(aws, &region, error);
    if (status == MASTRA_OK) {
        ms_error_copy(out, size, ms_buf_view(&region));
    }
    ms_buf_release(&region);
    return status;
}

mastra_status mastra_aws_whoami(mastra_aws *aws, mastra_aws_identity *ret_identity, mastra_error *error)
{
    mastra_aws_identity identity = MASTRA_AWS_IDENTITY_INIT;
    struct ms_credentials *credentials = NULL;
    mastra_status status = check(aws, error);

    if (!ret_identity) {
        return ms_error_argument(error, "ret_identity", mastra_str_of(NULL), "must not be NULL");
    }
    if (status == MASTRA_OK) {
        status = copy_region(aws, identity.region, sizeof identity.region, error);
    }
    if (status == MASTRA_OK) {
        status = ms_aws_credentials(aws, ms_aws_deadline(aws), &credentials, error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    ms_error_copy(identity.source, sizeof identity.source, mastra_str_of(credentials->source));
    ms_error_copy(identity.account_id, sizeof identity.account_id, credentials->account_id);
    hide(credentials->keys.access_key_id, identity.access_key_id, sizeof identity.access_key_id);
    identity.expiration = credentials->expiration;
    identity.size = ret_identity->size < sizeof identity ? ret_identity->size : sizeof identity;
    memcpy(ret_identity, &identity, identity.size);
    ms_credentials_unref(credentials);
    return MASTRA_OK;
}

static mastra_status make_token(mastra_aws *aws, const mastra_dsql_token_options *options,
                                struct ms_buf *token, mastra_error *error)
{
    struct ms_dsql_target target;
    mastra_status status = ms_dsql_target_find(&target, aws, options->host, options->region, error);

    if (status == MASTRA_OK) {
        status = ms_dsql_token(aws, &target, options->user ? options->user : "admin",
                               options->expires_s ? options->expires_s : MS_DSQL_EXPIRES_S,
                               ms_aws_deadline(aws), token, NULL, error);
    }
    ms_dsql_target_release(&target);
    return status;
}

mastra_status mastra_dsql_token(mastra_aws *aws, const mastra_dsql_token_options *options, char **ret_token,
                                size_t *ret_len, mastra_error *error)
{
    mastra_dsql_token_options own = MASTRA_DSQL_TOKEN_OPTIONS_INIT;
    struct ms_buf token;
    char *copy = NULL;
    mastra_status status = check(aws, error);

    if (!ret_token) {
        return ms_error_argument(error, "ret_token", mastra_str_of(NULL), "must not be NULL");
    }
    if (status != MASTRA_OK) {
        return status;
    }
    if (options) {
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    }
    ms_buf_init(&token, aws->heap, 0);
    status = make_token(aws, &own, &token, error);
    if (status == MASTRA_OK) {
        /* In memory that is released without knowing the handle, which may be gone by then. */
        copy = malloc(token.len + 1);
        status = copy ? MASTRA_OK : ms_error_oom(error);
    }
    if (status == MASTRA_OK) {
        memcpy(copy, token.ptr, token.len + 1);
        *ret_token = copy;
        if (ret_len) {
            *ret_len = token.len;
        }
    }
    ms_secret_buf_release(&token);
    return status;
}

void mastra_dsql_token_free(char *token)
{
    if (token) {
        ms_secret_wipe(token, strlen(token));
        free(token);
    }
}
