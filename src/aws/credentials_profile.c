/* A profile of the shared files: which of its settings count, and how profiles lead to others. */
#include "aws/credentials_source.h"

#include <stdio.h>

#include "base/str.h"

#define MOST_PROFILES 16
#define TEXT_SIZE     MS_SOURCE_SIZE

/* The profiles on the way from the one that was asked for. */
struct way {
    mastra_str profiles[MOST_PROFILES];
    size_t count;
};

static enum ms_found resolve(struct ms_fetch *fetch, mastra_str profile, struct way *way,
                             struct ms_credentials **ret);

static mastra_str get(const struct ms_fetch *fetch, mastra_str profile, const char *key)
{
    return ms_profile_get(&fetch->profiles, profile, key);
}

/* A NUL-terminated copy of a setting, to be released. */
static bool copy_setting(const struct ms_fetch *fetch, mastra_str profile, const char *key,
                         struct ms_secret *ret)
{
    return ms_secret_set(ret, fetch->aws->heap, get(fetch, profile, key));
}

static void name_source(char source[TEXT_SIZE], mastra_str profile)
{
    snprintf(source, TEXT_SIZE, "profile \"%.*s\"", (int)(profile.len < 100 ? profile.len : 100),
             profile.ptr);
}

static enum ms_found fetch_keys(struct ms_fetch *fetch, mastra_str profile, struct ms_credentials **ret)
{
    char source[TEXT_SIZE];
    struct ms_credentials_draft draft = {
        .access_key_id = get(fetch, profile, "aws_access_key_id"),
        .secret_access_key = get(fetch, profile, "aws_secret_access_key"),
        .session_token = get(fetch, profile, "aws_session_token"),
        .account_id = get(fetch, profile, "aws_account_id"),
        .expiration = MASTRA_TIME_NONE,
    };

    name_source(source, profile);
    return ms_found_draft(fetch, &draft, source, MS_PASSED, ret);
}

/* The source that a role's `credential_source` names. */
static enum ms_found fetch_named(struct ms_fetch *fetch, mastra_str name, struct ms_credentials **ret)
{
    static const struct {
        const char *name;
        const struct ms_source *source;
    } sources[] = {
        {"Environment", &ms_source_environment_keys},
        {"EcsContainer", &ms_source_container},
        {"Ec2InstanceMetadata", &ms_source_metadata},
    };

    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (ms_str_compare(name, mastra_str_of(sources[i].name)) == 0) {
            return sources[i].source->fetch(fetch, ret);
        }
    }
    return ms_fail(fetch, MASTRA_INVALID_ARGUMENT,
                   "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata, not \"%.*s\"",
                   (int)(name.len < 60 ? name.len : 60), name.ptr);
}

static enum ms_found visit(struct ms_fetch *fetch, mastra_str profile, struct way *way)
{
    for (size_t i = 0; i < way->count; i++) {
        if (ms_str_compare(way->profiles[i], profile) == 0) {
            return ms_fail(fetch, MASTRA_INVALID_ARGUMENT, "the profiles lead in a circle: \"%.*s\" again",
                           (int)(profile.len < 100 ? profile.len : 100), profile.ptr);
        }
    }
    if (way->count == MOST_PROFILES) {
        return ms_fail(fetch, MASTRA_INVALID_ARGUMENT, "more than %d profiles lead to one another",
                       MOST_PROFILES);
    }
    way->profiles[way->count++] = profile;
    return MS_FOUND;
}

static enum ms_found fetch_of_source(struct ms_fetch *fetch, mastra_str profile, struct way *way,
                                     struct ms_credentials **ret)
{
    mastra_str source_profile = get(fetch, profile, "source_profile");

    if (source_profile.ptr) {
        return resolve(fetch, source_profile, way, ret);
    }
    return fetch_named(fetch, get(fetch, profile, "credential_source"), ret);
}

static enum ms_found fetch_role(struct ms_fetch *fetch, mastra_str profile, struct way *way,
                                struct ms_credentials **ret)
{
    struct ms_role role = {
        .arn = get(fetch, profile, "role_arn"),
        .session_name = get(fetch, profile, "role_session_name"),
        .external_id = get(fetch, profile, "external_id"),
        .duration = get(fetch, profile, "duration_seconds"),
        .region = get(fetch, profile, "region"),
    };
    struct ms_credentials *base = NULL;
    char source[TEXT_SIZE];
    enum ms_found found;

    name_source(source, profile);
    if (get(fetch, profile, "mfa_serial").ptr) {
        return ms_fail(fetch, MASTRA_DENIED,
                       "%s wants a code of a device (mfa_serial), which nobody can be asked for here",
                       source);
    }
    found = fetch_of_source(fetch, profile, way, &base);
    if (found == MS_PASSED) {
        char why[sizeof fetch->why];

        memcpy(why, fetch->why, sizeof why);
        return ms_fail(fetch, MASTRA_DENIED, "%s has no credentials to assume its role with: %.200s", source,
                       why);
    }
    if (found == MS_FOUND) {
        found = ms_role_assume(fetch, &role, base, source, ret);
    }
    ms_credentials_unref(base);
    return found;
}

static enum ms_found fetch_web_identity(struct ms_fetch *fetch, mastra_str profile,
                                        struct ms_credentials **ret)
{
    struct ms_role role = {.arn = get(fetch, profile, "role_arn"),
                           .session_name = get(fetch, profile, "role_session_name"),
                           .region = get(fetch, profile, "region")};
    struct ms_secret file = {0};
    char source[TEXT_SIZE];
    enum ms_found found;

    name_source(source, profile);
    if (!copy_setting(fetch, profile, "web_identity_token_file", &file)) {
        return ms_fail_oom(fetch);
    }
    found = ms_web_identity_assume(fetch, &role, file.ptr, source, ret);
    ms_secret_release(&file);
    return found;
}

static enum ms_found fetch_process(struct ms_fetch *fetch, mastra_str profile, struct ms_credentials **ret)
{
    struct ms_secret command = {0};
    char source[TEXT_SIZE];
    enum ms_found found;

    name_source(source, profile);
    if (!copy_setting(fetch, profile, "credential_process", &command)) {
        return ms_fail_oom(fetch);
    }
    found = ms_process_run(fetch, command.ptr, source, ret);
    ms_secret_release(&command);
    return found;
}

static bool has_keys(const struct ms_fetch *fetch, mastra_str profile)
{
    return get(fetch, profile, "aws_access_key_id").ptr && get(fetch, profile, "aws_secret_access_key").ptr;
}

static bool has_role(const struct ms_fetch *fetch, mastra_str profile)
{
    bool of_profile = get(fetch, profile, "source_profile").ptr != NULL;
    bool of_source = get(fetch, profile, "credential_source").ptr != NULL;

    return get(fetch, profile, "role_arn").ptr && of_profile != of_source;
}

/* Why a profile that is there gives nothing. */
static enum ms_found pass_incomplete(struct ms_fetch *fetch, mastra_str profile, const char *source)
{
    bool of_profile = get(fetch, profile, "source_profile").ptr != NULL;
    bool of_source = get(fetch, profile, "credential_source").ptr != NULL;

    if (get(fetch, profile, "role_arn").ptr) {
        return ms_pass(fetch, "%s has a role_arn with %s source_profile %s credential_source", source,
                       of_profile && of_source ? "both" : "neither", of_profile && of_source ? "and" : "nor");
    }
    if (get(fetch, profile, "aws_access_key_id").ptr) {
        return ms_pass(fetch, "%s has no aws_secret_access_key", source);
    }
    if (get(fetch, profile, "aws_secret_access_key").ptr) {
        return ms_pass(fetch, "%s has no aws_access_key_id", source);
    }
    return ms_pass(fetch, "%s has no credentials", source);
}

/* All but a role over another profile and static keys. */
static enum ms_found fetch_other(struct ms_fetch *fetch, mastra_str profile, struct ms_credentials **ret)
{
    char source[TEXT_SIZE];

    name_source(source, profile);
    if (get(fetch, profile, "web_identity_token_file").ptr && get(fetch, profile, "role_arn").ptr) {
        return fetch_web_identity(fetch, profile, ret);
    }
    if (get(fetch, profile, "credential_process").ptr) {
        return fetch_process(fetch, profile, ret);
    }
    if (get(fetch, profile, "sso_session").ptr || get(fetch, profile, "sso_start_url").ptr) {
        return ms_sso_fetch(fetch, profile, source, ret);
    }
    if (get(fetch, profile, "login_session").ptr) {
        return ms_login_fetch(fetch, get(fetch, profile, "login_session"), source, ret);
    }
    if (fetch->profiles.why[0]) {
        return ms_pass(fetch, "%s", fetch->profiles.why);
    }
    if (!ms_profile_exists(&fetch->profiles, profile)) {
        return ms_pass(fetch, "there is no %s", source);
    }
    return pass_incomplete(fetch, profile, source);
}

/* A profile that another one leads to counts by its own keys, even if it could assume a role. */
static enum ms_found resolve(struct ms_fetch *fetch, mastra_str profile, struct way *way,
                             struct ms_credentials **ret)
{
    bool first = way->count == 0;

    if (!first && has_keys(fetch, profile)) {
        return fetch_keys(fetch, profile, ret);
    }
    if (visit(fetch, profile, way) != MS_FOUND) {
        return MS_FAILED;
    }
    if (has_role(fetch, profile)) {
        return fetch_role(fetch, profile, way, ret);
    }
    if (has_keys(fetch, profile)) {
        return fetch_keys(fetch, profile, ret);
    }
    if (!first && get(fetch, profile, "credential_source").ptr) {
        return fetch_named(fetch, get(fetch, profile, "credential_source"), ret);
    }
    return fetch_other(fetch, profile, ret);
}

static enum ms_found fetch_profile(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    struct way way = {.count = 0};

    if (!ms_fetch_profiles(fetch)) {
        return ms_fail_oom(fetch);
    }
    return resolve(fetch, ms_aws_profile(fetch->aws), &way, ret);
}

const struct ms_source ms_source_profile = {"shared files", fetch_profile};
