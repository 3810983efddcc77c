/* Tokens for Aurora DSQL: a presigned request without its scheme. */
#ifndef AWS_DSQL_TOKEN_H
#define AWS_DSQL_TOKEN_H

#include "aws/aws.h"

#define MS_DSQL_EXPIRES_S 900

struct ms_dsql_target {
    struct ms_buf host; /* complete */
    struct ms_buf region;
};

/*
 * Completes a host that is only the id of a cluster, and finds the region: `region` unless NULL, what the host's name
 * says, that of the handle. To be released in any case. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
 */
mastra_status ms_dsql_target_find(struct ms_dsql_target *target, const struct mastra_aws *aws,
                                  const char *host, const char *region, mastra_error *error);
void ms_dsql_target_release(struct ms_dsql_target *target);

/*
 * Appends a token for that user. *ret_until, which may be NULL: when it ends, by its own time or that of its
 * credentials. `buf` is to be released by ms_secret_buf_release.
 */
mastra_status ms_dsql_token(struct mastra_aws *aws, const struct ms_dsql_target *target, const char *user,
                            int64_t expires_s, int64_t deadline_ns, struct ms_buf *buf,
                            mastra_time *ret_until, mastra_error *error);

#endif
