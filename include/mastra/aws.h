/*
 * AWS: where credentials come from, and what is made of them. Every function may be called from any number of threads.
 * In a build without AWS support all of them answer NOT_SUPPORTED.
 */
#ifndef MASTRA_AWS_H
#define MASTRA_AWS_H

#include <mastra/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Keys to sign requests with. Borrowed for the call wherever it is an argument. */
typedef struct mastra_aws_credentials {
    size_t size; /* set by MASTRA_AWS_CREDENTIALS_INIT */
    mastra_str access_key_id;
    mastra_str secret_access_key;
    mastra_str session_token; /* absent or empty: none */
    mastra_time expiration;   /* MASTRA_TIME_NONE: they do not expire */
} mastra_aws_credentials;

#define MASTRA_AWS_CREDENTIALS_INIT                                                                          \
    {                                                                                                        \
        sizeof(mastra_aws_credentials), {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE                    \
    }

/* A question for credentials that waits for its answer. */
typedef struct mastra_aws_reply mastra_aws_reply;

/*
 * The application's own source of credentials. It answers at once or later, from any thread, by exactly one call of
 * mastra_aws_reply_credentials or mastra_aws_reply_failure. It is called on a thread of the library, one question at a
 * time, when there are no credentials yet, when less than five minutes are left of those that there are, and when a
 * service no longer takes them. It must not call back into what asks.
 */
typedef void (*mastra_aws_credentials_fn)(void *user, mastra_aws_reply *reply);

/*
 * Answers a question and takes `reply` away, whatever is returned: a copy of the credentials is kept. An answer that
 * comes too late is dropped. Errors: INVALID_ARGUMENT (a key that is missing, or that holds blanks or line
 * ends; whoever waits is told the same), OUT_OF_MEMORY.
 */
MASTRA_API mastra_status mastra_aws_reply_credentials(mastra_aws_reply *reply,
                                                      const mastra_aws_credentials *credentials,
                                                      mastra_error *error);

/* Answers that there are none. `reason` is shown in errors: it must not hold a secret. NULL is allowed. */
MASTRA_API void mastra_aws_reply_failure(mastra_aws_reply *reply, const char *reason);

/* What is needed to talk to AWS: credentials that are kept and refreshed, connections, the region. */
typedef struct mastra_aws mastra_aws;

/* Zero always means the default. Texts are copied. Environment variables are read once, by mastra_aws_open. */
typedef struct mastra_aws_options {
    size_t size;                       /* set by MASTRA_AWS_OPTIONS_INIT */
    const mastra_allocator *allocator; /* copied; NULL: malloc */
    mastra_log_fn log;                 /* NULL: silent */
    void *log_user;
    mastra_log_level log_level;
    const char *profile;                   /* NULL: AWS_PROFILE, else "default" */
    const char *region;                    /* NULL: AWS_REGION, AWS_DEFAULT_REGION, else the profile's */
    const char *ca_file;                   /* NULL: AWS_CA_BUNDLE, else the system's certificates */
    const mastra_aws_credentials *keys;    /* these and no others */
    mastra_aws_credentials_fn credentials; /* asked instead of the default chain */
    void *credentials_user;
    int64_t timeout_ms; /* how long a call waits for credentials; default 30,000 */
} mastra_aws_options;

#define MASTRA_AWS_OPTIONS_INIT                                                                              \
    {                                                                                                        \
        sizeof(mastra_aws_options), NULL, NULL, NULL, MASTRA_LOG_ERROR, NULL, NULL, NULL, NULL, NULL, NULL,  \
            0                                                                                                \
    }

/*
 * Reads the options and the environment; asks nobody for anything yet. `options` may be NULL. On success *ret_aws is
 * the caller's, to be closed by mastra_aws_close. Errors: INVALID_ARGUMENT, NOT_SUPPORTED, OUT_OF_MEMORY, INTERNAL.
 */
MASTRA_API mastra_status mastra_aws_open(const mastra_aws_options *options, mastra_aws **ret_aws,
                                         mastra_error *error);

/*
 * Ends what is under way with CLOSED and overwrites the secrets. No other thread may use the handle any more. NULL is
 * allowed; in a child of fork nothing is touched.
 */
MASTRA_API void mastra_aws_close(mastra_aws *aws);

/* Whose credentials are in use; there is no secret in it. In memory of the caller. */
typedef struct mastra_aws_identity {
    size_t size;
    char source[256];       /* "environment", "profile \"dev\": role arn:aws:iam::…" */
    char access_key_id[32]; /* all but the last four characters hidden */
    char account_id[32];    /* empty when the source does not tell */
    char region[64];        /* empty when none is set */
    mastra_time expiration; /* MASTRA_TIME_NONE: they do not expire */
} mastra_aws_identity;

#define MASTRA_AWS_IDENTITY_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_aws_identity), "", "", "", "", MASTRA_TIME_NONE                                        \
    }

/*
 * Gets credentials unless there are some, and tells about them. Errors: DENIED (there are none, or their source refused;
 * the message says what was tried), TIMEOUT, UNAVAILABLE, CLOSED, FORKED, OUT_OF_MEMORY, NOT_SUPPORTED.
 */
MASTRA_API mastra_status mastra_aws_whoami(mastra_aws *aws, mastra_aws_identity *ret_identity,
                                           mastra_error *error);

/* For which connection to Aurora DSQL a token is. */
typedef struct mastra_dsql_token_options {
    size_t size;
    const char *host;   /* of the cluster, or its id alone */
    const char *region; /* NULL: what the host's name says, else that of the handle */
    const char *user;   /* NULL: "admin" */
    int64_t expires_s;  /* how long a connection may be begun with it; 0: 900, at most 604,800 (a week) */
} mastra_dsql_token_options;

#define MASTRA_DSQL_TOKEN_OPTIONS_INIT                                                                       \
    {                                                                                                        \
        sizeof(mastra_dsql_token_options), NULL, NULL, NULL, 0                                               \
    }

/*
 * Makes a token, the password for a connection to Aurora DSQL. With temporary credentials it ends with them, even
 * earlier than it says. *ret_token is NUL-terminated, to be released with mastra_dsql_token_free; *ret_len, when
 * ret_len is not NULL, its length, often over a thousand. It is as secret as a password. Errors: INVALID_ARGUMENT (names
 * the option), and those of mastra_aws_whoami.
 */
MASTRA_API mastra_status mastra_dsql_token(mastra_aws *aws, const mastra_dsql_token_options *options,
                                           char **ret_token, size_t *ret_len, mastra_error *error);

/* Overwrites and releases a token. NULL is allowed. */
MASTRA_API void mastra_dsql_token_free(char *token);

#ifdef __cplusplus
}
#endif

#endif
