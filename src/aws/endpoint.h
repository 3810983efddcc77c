/* Where a service is, and the parts of its URL that a signature needs. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "aws/aws.h"

struct ms_endpoint {
    struct ms_buf url;  /* "https://dynamodb.us-east-1.amazonaws.com/" */
    struct ms_buf host; /* as in the header: with the port unless it is the scheme's own */
    struct ms_buf path; /* "/" */
};

/*
 * The endpoint of a service ("dynamodb", "sts", "sso") in a region: `given` unless NULL, else AWS_ENDPOINT_URL_<SERVICE>,
 * AWS_ENDPOINT_URL, the profile's `services` section, its endpoint_url, else AWS's own. To be released in any case.
 * Errors: INVALID_ARGUMENT (a URL that is none), OUT_OF_MEMORY.
 */
mastra_status ms_endpoint_find(struct ms_endpoint *endpoint, const struct mastra_aws *aws,
                               const char *service, mastra_str region, const char *given,
                               mastra_error *error);

/* Takes a URL apart: http or https, a host, perhaps a port and a path, nothing else. `field` is named in errors. */
mastra_status ms_endpoint_parse(struct ms_endpoint *endpoint, struct ms_heap *heap, mastra_str url,
                                const char *field, mastra_error *error);
void ms_endpoint_release(struct ms_endpoint *endpoint);

/* Adds to the path, with the slash that belongs between. */
void ms_endpoint_extend(struct ms_endpoint *endpoint, const char *path);

#endif
