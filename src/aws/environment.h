/* What the process's environment says about AWS, as it was at one time: reading it later would race with its host. */
#ifndef AWS_ENVIRONMENT_H
#define AWS_ENVIRONMENT_H

#include "aws/secret.h"

#define MS_ENVIRONMENT_NAMES 32

struct ms_environment {
    struct ms_secret values[MS_ENVIRONMENT_NAMES];
};

/* `list`: "NAME=value" texts ended by NULL; NULL: those of the process. False: memory is out. */
bool ms_environment_init(struct ms_environment *environment, struct ms_heap *heap, const char *const *list);
void ms_environment_release(struct ms_environment *environment);

/* NULL when the variable is not set, empty, or not one of those that are kept. */
const char *ms_environment_get(const struct ms_environment *environment, const char *name);

/* Whether it is set to anything but "false". */
bool ms_environment_flag(const struct ms_environment *environment, const char *name);

#endif
