/*
 * Stores on Amazon DynamoDB: where the table is, and how it is made. In a build without AWS support every function here
 * answers NOT_SUPPORTED.
 *
 * A plain store needs none of this: mastra_open("dynamodb://us-east-1/mastra-single-table", ...) takes every setting below
 * in its URL, and credentials from where AWS programs find them (see <mastra/aws.h>).
 */
#ifndef MASTRA_DYNAMODB_H
#define MASTRA_DYNAMODB_H

#include <mastra/aws.h>
#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When the items of one entity are to expire. */
typedef struct mastra_dynamodb_ttl {
    size_t size; /* set by MASTRA_DYNAMODB_TTL_INIT */
    const char
        *entity;  /* "thread", "message", "resource", "workflow_snapshot", "score", "eval", "trace", "span" */
    bool enabled; /* false: items of it get no time of expiry, whatever the URL says */
    const char *attribute; /* that holds the time, in seconds; NULL: "ttl" */
    int64_t seconds;       /* after the item was saved */
} mastra_dynamodb_ttl;

#define MASTRA_DYNAMODB_TTL_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_dynamodb_ttl), NULL, true, NULL, 0                                                     \
    }

typedef enum mastra_large_records {
    MASTRA_LARGE_DEFAULT = 0, /* what the URL says, else REFUSE */
    MASTRA_LARGE_REFUSE = 1,  /* a record of more than 400 KB is an error */
    MASTRA_LARGE_PARTS = 2,   /* it is stored in parts, which Mastra's own adapter cannot read */
} mastra_large_records;

/*
 * Where the table is. Start from MASTRA_DYNAMODB_OPTIONS_INIT and set what you need: zero always means the default. What
 * stands in brackets is the part or parameter of the URL that says the same; a field that is set wins. Texts are copied.
 */
typedef struct mastra_dynamodb_options {
    size_t size;     /* set by MASTRA_DYNAMODB_OPTIONS_INIT */
    const char *url; /* "dynamodb://REGION/TABLE?endpoint=..."; NULL: the fields below say everything */
    const char *
        region; /* [dynamodb://REGION/]; NULL and not in the URL: AWS_REGION, AWS_DEFAULT_REGION, the profile's */
    const char *table; /* [/TABLE] */
    const char *
        endpoint; /* [endpoint]; default: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, the profile's, else AWS's */
    const char *profile; /* [profile]; default: AWS_PROFILE, else "default" */
    const char *ca_file; /* [ca_file]; default: AWS_CA_BUNDLE, else the system's certificates */
    const mastra_aws_credentials *keys;    /* these and no others */
    mastra_aws_credentials_fn credentials; /* asked instead of the default chain */
    void *credentials_user;
    const mastra_dynamodb_ttl *const
        *ttl; /* [ttl.ENTITY=SECONDS, ttl.ENTITY.attribute=NAME, ttl.attribute=NAME] */
    size_t ttl_count;
    int64_t
        timeout_ms;    /* most that a request may take with its repetitions [timeoutMillis]; default 30,000 */
    uint32_t parallel; /* most requests of a call at the same time [parallel]; default 16, at most 256 */
    mastra_large_records large_records; /* [large_records=refuse|parts] */
} mastra_dynamodb_options;

#define MASTRA_DYNAMODB_OPTIONS_INIT                                                                         \
    {                                                                                                        \
        sizeof(mastra_dynamodb_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0,   \
            0, MASTRA_LARGE_DEFAULT                                                                          \
    }

/*
 * Opens a store as mastra_open does, by these options. `options` may be NULL. Nothing is asked of AWS before the first
 * operation or mastra_init. Errors as mastra_open. Thread-safe.
 */
MASTRA_API mastra_status mastra_open_dynamodb(const mastra_dynamodb_options *dynamodb,
                                              const mastra_options *options, mastra_store **ret_store,
                                              mastra_error *error);

/* Making the table. */

/* What became of a part of the table. */
typedef enum mastra_dynamodb_progress {
    MASTRA_DYNAMODB_PRESENT = 1, /* it is as it should be; nothing was done */
    MASTRA_DYNAMODB_STARTED = 2, /* it is being made */
    MASTRA_DYNAMODB_DONE = 3,    /* it has been made */
    MASTRA_DYNAMODB_SKIPPED = 4, /* it is left as it is; `detail` says why */
} mastra_dynamodb_progress;

typedef struct mastra_dynamodb_step {
    size_t size;
    const char *part; /* "table", "gsi1" to "gsi7", "ttl", "recovery", "encryption" */
    mastra_dynamodb_progress progress;
    const char *detail; /* a few words for people; "" when there is nothing to say */
} mastra_dynamodb_step;

/* Told of each step, in the thread of the caller. The step is valid during the call. */
typedef void (*mastra_dynamodb_step_fn)(void *user, const mastra_dynamodb_step *step);

/* What table is wanted. Zero always means the default. */
typedef struct mastra_dynamodb_setup_options {
    size_t size;      /* set by MASTRA_DYNAMODB_SETUP_OPTIONS_INIT */
    uint32_t indexes; /* gsi1 to this one, 2 to 7; default 2. The others serve lists of scores */
    const char *
        ttl_attribute; /* by which DynamoDB deletes items; default: that of the TTL options, else "ttl"; "": none */
    bool no_recovery;   /* leave point-in-time recovery as it is */
    bool no_encryption; /* leave encryption to the key that AWS owns, instead of the account's key in KMS */
    int64_t wait_ms;    /* most to wait for the table and its indexes; default an hour */
    mastra_dynamodb_step_fn step; /* NULL: silent */
    void *step_user;
} mastra_dynamodb_setup_options;

#define MASTRA_DYNAMODB_SETUP_OPTIONS_INIT                                                                   \
    {                                                                                                        \
        sizeof(mastra_dynamodb_setup_options), 0, NULL, false, false, 0, NULL, NULL                          \
    }

/*
 * Creates the table, or what an existing one lacks (indexes one after another), and returns when everything is active.
 * Never drops or rewrites anything; doing it again does nothing. Several may do it at the same time. `setup` may be
 * NULL. What an endpoint other than AWS does not know is skipped.
 *
 * Errors: INVALID_ARGUMENT; CONFLICT (a table or an index of that name is there whose keys are others: the message says
 * which); TIMEOUT (what was begun goes on: do it again); DENIED, UNAVAILABLE, LIMIT_EXCEEDED, OUT_OF_MEMORY, NOT_SUPPORTED.
 */
MASTRA_API mastra_status mastra_dynamodb_setup(const mastra_dynamodb_options *dynamodb,
                                               const mastra_dynamodb_setup_options *setup,
                                               mastra_error *error);

/*
 * Writes the same table as a template: `format` "cloudformation" (YAML) or "cdk" (TypeScript). `setup` may be NULL.
 * *ret_text is NUL-terminated, to be released with mastra_dynamodb_template_free; *ret_len, when ret_len is not NULL, its length.
 * Errors: INVALID_ARGUMENT, OUT_OF_MEMORY, NOT_SUPPORTED. Thread-safe.
 */
MASTRA_API mastra_status mastra_dynamodb_template(const char *format, const char *table,
                                                  const mastra_dynamodb_setup_options *setup, char **ret_text,
                                                  size_t *ret_len, mastra_error *error);

/* Releases a template. NULL is allowed. */
MASTRA_API void mastra_dynamodb_template_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
