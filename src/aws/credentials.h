/* A set of keys that requests are signed with. It never changes; whoever uses it holds a reference. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdatomic.h>

#include "aws/secret.h"
#include "aws/sigv4.h"

#define MS_SOURCE_SIZE 256

struct ms_credentials {
    atomic_uint refs;
    struct ms_heap *heap;
    size_t size; /* of the block, which ends with the texts of the keys */
    struct ms_sigv4_keys keys;
    mastra_str account_id;
    mastra_time expiration; /* MASTRA_TIME_NONE: never */
    bool stable;            /* good beyond their end when no others can be had: those of an instance */
    char source[MS_SOURCE_SIZE];
};

/* What credentials are made from; the texts are borrowed. */
struct ms_credentials_draft {
    mastra_str access_key_id;
    mastra_str secret_access_key;
    mastra_str session_token;
    mastra_str account_id;
    mastra_time expiration;
    bool stable;
};

/* NULL: memory is out. The reference is the caller's. */
struct ms_credentials *ms_credentials_new(struct ms_heap *heap, const struct ms_credentials_draft *draft,
                                          const char *source);
struct ms_credentials *ms_credentials_ref(struct ms_credentials *credentials);
void ms_credentials_unref(struct ms_credentials *credentials); /* NULL is allowed */

/*
 * Which part of a draft cannot be signed with: "accessKeyId", "secretAccessKey", "sessionToken"; NULL: all can. *ret_why
 * is what it must not be: missing, or with blanks or line ends, which would end up in the headers of requests.
 */
const char *ms_credentials_wrong(const struct ms_credentials_draft *draft, const char **ret_why);

#endif
