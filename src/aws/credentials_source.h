/*
 * What every source of credentials is: one function. It finds some, passes (it is not set up, or has none: the next
 * source is tried) or fails (it was meant, and what went wrong must not be hidden by another identity).
 */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include "aws/aws.h"
#include "aws/profile.h"

enum ms_found {
    MS_FOUND,
    MS_PASSED,
    MS_FAILED,
};

/* One search for credentials. */
struct ms_fetch {
    struct mastra_aws *aws;
    int64_t deadline_ns;
    int wake; /* becomes readable when the handle is closed */
    struct ms_profiles profiles;
    bool profiles_loaded;
    /* What the last source said that passed or failed. */
    mastra_status status;
    char why[480];
};

struct ms_source {
    const char *name;
    enum ms_found (*fetch)(struct ms_fetch *fetch, struct ms_credentials **ret);
};

/* In the order of the chain. */
extern const struct ms_source ms_source_environment;
extern const struct ms_source ms_source_profile;
extern const struct ms_source ms_source_web_identity;
extern const struct ms_source ms_source_container;
extern const struct ms_source ms_source_metadata;

/* The keys in the environment even where a profile is chosen, for roles that are assumed with them. */
extern const struct ms_source ms_source_environment_keys;

/* All of them in turn. On failure fetch->why says what was tried. */
enum ms_found ms_chain_fetch(struct ms_fetch *fetch, struct ms_credentials **ret);

/* Notes why, and returns MS_PASSED or MS_FAILED. Secrets do not belong in there. */
enum ms_found ms_pass(struct ms_fetch *fetch, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum ms_found ms_fail(struct ms_fetch *fetch, mastra_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum ms_found ms_fail_oom(struct ms_fetch *fetch);

/* Makes the credentials of a draft that has both keys and has not expired; fails or passes otherwise as `else_found`. */
enum ms_found ms_found_draft(struct ms_fetch *fetch, const struct ms_credentials_draft *draft,
                             const char *source, enum ms_found else_found, struct ms_credentials **ret);

/*
 * Makes credentials of a JSON object. `names` are those of its members; `required`: how many of them, from the first,
 * must be there. What does not fit is noted, without any of it, and else_found returned.
 */
struct ms_json_names {
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token;
    const char *expiration; /* ISO 8601, or milliseconds when it is a number */
    const char *account_id; /* or NULL */
    int required;
    bool stable;
};
enum ms_found ms_found_json(struct ms_fetch *fetch, mastra_str json, const struct ms_json_names *names,
                            const char *source, enum ms_found else_found, struct ms_credentials **ret);

/* A member of a checked JSON object that is a string, into memory that is wiped. Absent when there is none. */
bool ms_json_secret(struct ms_heap *heap, mastra_str object, const char *name, struct ms_secret *ret);

/* Sends one request of a source and repeats it by the policy; false, with the reason noted, when there is no answer. */
bool ms_fetch_send(struct ms_fetch *fetch, struct ms_http_exchange *exchange,
                   const struct ms_retry_policy *policy);

/* Sees that the shared files are read; false: memory is out. */
bool ms_fetch_profiles(struct ms_fetch *fetch);

static inline const char *ms_fetch_variable(const struct ms_fetch *fetch, const char *name)
{
    return ms_environment_get(&fetch->aws->environment, name);
}

/* Parts of a profile; see each file. `source` tells where the settings stand: "profile \"dev\"". */
struct ms_role {
    mastra_str arn;
    mastra_str session_name; /* absent: one is made up */
    mastra_str external_id;
    mastra_str duration; /* seconds; absent: 3600 */
    mastra_str region;   /* absent: that of the handle */
};
enum ms_found ms_role_assume(struct ms_fetch *fetch, const struct ms_role *role,
                             struct ms_credentials *credentials, const char *source,
                             struct ms_credentials **ret);
enum ms_found ms_web_identity_assume(struct ms_fetch *fetch, const struct ms_role *role,
                                     const char *token_file, const char *source, struct ms_credentials **ret);
enum ms_found ms_process_run(struct ms_fetch *fetch, const char *command, const char *source,
                             struct ms_credentials **ret);
enum ms_found ms_sso_fetch(struct ms_fetch *fetch, mastra_str profile, const char *source,
                           struct ms_credentials **ret);
enum ms_found ms_login_fetch(struct ms_fetch *fetch, mastra_str session, const char *source,
                             struct ms_credentials **ret);

/* The application's own source. */
enum ms_found ms_callback_fetch(struct ms_fetch *fetch, mastra_aws_credentials_fn fn, void *user,
                                struct ms_credentials **ret);

#endif
