/*
 * Stores on Amazon Aurora DSQL. In a library that was built without libpq or without what talks to AWS every function here
 * answers NOT_SUPPORTED.
 *
 * A plain store needs none of this: mastra_open("dsql://abc123.dsql.us-east-1.on.aws?user=admin&schema=app", ...) takes
 * every setting below but the credentials in its URL, and finds credentials as the AWS SDKs do.
 */
#ifndef MASTRA_DSQL_H
#define MASTRA_DSQL_H

#include <mastra/aws.h>
#include <mastra/postgres.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where to connect, as whom, and how the pool behaves. Start from MASTRA_DSQL_OPTIONS_INIT and set what you need: zero
 * always means the default. What stands in brackets is the parameter of the URL that says the same; a field that is set
 * wins. Texts are copied.
 */
typedef struct mastra_dsql_options {
    size_t size;          /* set by MASTRA_DSQL_OPTIONS_INIT */
    const char *url;      /* "dsql://HOST?..."; NULL: `host` says where */
    const char *host;     /* the cluster's endpoint, or its id alone; not together with `url` or `pool` */
    const char *user;     /* role of the database [user]; default "admin" */
    const char *database; /* [database]; default "postgres", the only one that there is */
    const char *region;   /* [region]; default: what the host's name says, else AWS_REGION and the profile */
    const char *schema;   /* of the tables, a plain identifier [schema]; default "public" */
    const char *profile;  /* of the AWS configuration [profile]; default AWS_PROFILE, else "default" */
    const char *sslrootcert; /* file of the CAs that are trusted [sslrootcert]; default: the system's */
    mastra_aws_credentials_fn credentials; /* asked for credentials instead of the default chain */
    void *credentials_user;
    const mastra_aws_credentials *keys; /* these and no others */
    int64_t
        token_expires_s; /* how long a connection may be begun with a token [tokenDurationSecs]; default 900 */
    mastra_postgres_pool
        *pool;    /* of another store on the same cluster: connect through this one; nothing else but the
                                   schema is set */
    uint32_t max; /* most connections [max]; default 10, at most 1,000 */
    uint32_t min; /* connections kept open once the pool is in use [min]; default 0 */
    int64_t
        idle_timeout_ms; /* idle ones above `min` are closed after this [idleTimeoutMillis]; default 600,000 */
    int64_t
        max_lifetime_s; /* a connection is replaced after this, or up to a tenth sooner [maxLifetimeSeconds]; less
                                   than 3,600, when the service ends it; default 3,300 */
    int64_t
        connection_timeout_ms; /* most that a call waits for a connection [connectionTimeoutMillis]; default 5,000 */
    int64_t
        statement_timeout_ms; /* most that a call waits for the server's answer [statementTimeoutMillis]; default
                                      30,000 */
    bool hold_exit_on_idle; /* for bindings: an idle pool keeps the process running [allowExitOnIdle=0] */
    bool
        wait_for_indexes; /* mastra_init waits until the indexes that it has begun are built [waitForIndexes] */
} mastra_dsql_options;

#define MASTRA_DSQL_OPTIONS_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_dsql_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0,    \
            NULL, 0, 0, 0, 0, 0, 0, false, false                                                             \
    }

/*
 * Opens a store as mastra_open does, by these options. `options` may be NULL. Nothing is connected, and nobody is asked for
 * credentials, before the first operation or mastra_init. The store's pool is got by mastra_postgres_store_pool. Errors:
 * as mastra_open; INVALID_ARGUMENT also when the region cannot be told. Thread-safe.
 */
MASTRA_API mastra_status mastra_open_dsql(const mastra_dsql_options *dsql, const mastra_options *options,
                                          mastra_store **ret_store, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
