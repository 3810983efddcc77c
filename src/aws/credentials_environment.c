/* Keys in the environment. */
#include "aws/credentials_source.h"
#include "base/clock.h"

static enum ms_found fetch_environment(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    const char *expiration = ms_fetch_variable(fetch, "AWS_CREDENTIAL_EXPIRATION");
    struct ms_credentials_draft draft = {
        .access_key_id = mastra_str_of(ms_fetch_variable(fetch, "AWS_ACCESS_KEY_ID")),
        .secret_access_key = mastra_str_of(ms_fetch_variable(fetch, "AWS_SECRET_ACCESS_KEY")),
        .session_token = mastra_str_of(ms_fetch_variable(fetch, "AWS_SESSION_TOKEN")),
        .account_id = mastra_str_of(ms_fetch_variable(fetch, "AWS_ACCOUNT_ID")),
        .expiration = MASTRA_TIME_NONE,
    };

    if (!draft.access_key_id.ptr) {
        return ms_pass(fetch, "AWS_ACCESS_KEY_ID is not set");
    }
    if (!draft.secret_access_key.ptr) {
        return ms_pass(fetch, "AWS_SECRET_ACCESS_KEY is not set");
    }
    if (expiration && !ms_time_parse(mastra_str_of(expiration), &draft.expiration)) {
        return ms_pass(fetch, "AWS_CREDENTIAL_EXPIRATION is not a time");
    }
    return ms_found_draft(fetch, &draft, "environment", MS_PASSED, ret);
}

/* A profile that was chosen goes before the keys. */
static enum ms_found fetch_in_chain(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    if (fetch->aws->profile) {
        return ms_pass(fetch, "left out, since a profile is chosen");
    }
    return fetch_environment(fetch, ret);
}

const struct ms_source ms_source_environment = {"environment", fetch_in_chain};
const struct ms_source ms_source_environment_keys = {"environment", fetch_environment};
