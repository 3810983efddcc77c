/* The public functions of include/mastra/aws.h in a build without libcurl, OpenSSL or zlib. */
#include <mastra/aws.h>

#include "base/error.h"

static mastra_status refuse(mastra_error *error)
{
    return ms_error_set(error, MASTRA_NOT_SUPPORTED,
                        "this build has no AWS support (it was made without libcurl, OpenSSL or zlib)");
}

mastra_status mastra_aws_open(const mastra_aws_options *options, mastra_aws **ret_aws, mastra_error *error)
{
    (void)options;
    (void)ret_aws;
    return refuse(error);
}

void mastra_aws_close(mastra_aws *aws)
{
    (void)aws;
}

mastra_status mastra_aws_whoami(mastra_aws *aws, mastra_aws_identity *ret_identity, mastra_error *error)
{
    (void)aws;
    (void)ret_identity;
    return refuse(error);
}

mastra_status mastra_dsql_token(mastra_aws *aws, const mastra_dsql_token_options *options, char **ret_token,
                                size_t *ret_len, mastra_error *error)
{
    (void)aws;
    (void)options;
    (void)ret_token;
    (void)ret_len;
    return refuse(error);
}

void mastra_dsql_token_free(char *token)
{
    (void)token;
}

mastra_status mastra_aws_reply_credentials(mastra_aws_reply *reply, const mastra_aws_credentials *credentials,
                                           mastra_error *error)
{
    (void)reply;
    (void)credentials;
    return refuse(error);
}

void mastra_aws_reply_failure(mastra_aws_reply *reply, const char *reason)
{
    (void)reply;
    (void)reason;
}
