#include "aws/environment.h"

#include <pwd.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char *const names[] = {
    "HOME",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
};

#define NAME_COUNT (sizeof names / sizeof names[0])
_Static_assert(NAME_COUNT <= MS_ENVIRONMENT_NAMES, "room for every variable");

static const char *find(const char *const *list, const char *name)
{
    size_t len = strlen(name);

    if (!list) {
        return getenv(name);
    }
    for (; *list; list++) {
        if (strncmp(*list, name, len) == 0 && (*list)[len] == '=') {
            return *list + len + 1;
        }
    }
    return NULL;
}

/* Where there is no HOME, as in many services, the user's own folder. */
static bool set_home(struct ms_environment *environment, struct ms_heap *heap)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char room[4096];

    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) != 0 || !found || !found->pw_dir[0]) {
        return true;
    }
    return ms_secret_set(&environment->values[0], heap, mastra_str_of(found->pw_dir));
}

bool ms_environment_init(struct ms_environment *environment, struct ms_heap *heap, const char *const *list)
{
    *environment = (struct ms_environment){0};
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const char *value = find(list, names[i]);

        if (value && value[0] && !ms_secret_set(&environment->values[i], heap, mastra_str_of(value))) {
            ms_environment_release(environment);
            return false;
        }
    }
    if (!environment->values[0].ptr && !list && !set_home(environment, heap)) {
        ms_environment_release(environment);
        return false;
    }
    return true;
}

void ms_environment_release(struct ms_environment *environment)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        ms_secret_release(&environment->values[i]);
    }
}

const char *ms_environment_get(const struct ms_environment *environment, const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return environment->values[i].ptr;
        }
    }
    return NULL;
}

bool ms_environment_flag(const struct ms_environment *environment, const char *name)
{
    const char *value = ms_environment_get(environment, name);

    return value && strcasecmp(value, "false") != 0;
}
