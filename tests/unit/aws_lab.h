/*
 * What the tests of AWS credentials share: an endpoint, a home folder, an environment, a clock that can be set. Texts for
 * the environment and for files may hold {base} (the endpoint's URL) and {home}.
 */
#ifndef UNIT_AWS_LAB_H
#define UNIT_AWS_LAB_H

#include "unit/base_support.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/aws.h"
#include "base/clock.h"
#include "support/aws_endpoint.h"
#include "support/files.h"
#include "unit/aws_watch.h"

#define LAB_VARIABLES 16

struct lab {
    struct aws_endpoint *endpoint;
    struct watch watch;
    struct ms_heap *heap;
    char *home;
    char *variables[LAB_VARIABLES + 1];
    size_t count;
    _Atomic int64_t ahead_ms; /* of the handle's clock */
    struct mastra_aws *aws;
    int64_t timeout_ms;
    mastra_aws_credentials_fn callback;
    void *callback_user;
};

static inline mastra_time lab_now(void *user)
{
    struct lab *lab = user;

    return ms_clock_now() + atomic_load(&lab->ahead_ms);
}

/* The text with {base} and {home} replaced; to be freed. */
static inline char *lab_fill(const struct lab *lab, const char *text)
{
    char *filled = strdup(text);
    const char *names[] = {"{base}", "{home}"};
    const char *values[] = {lab->endpoint->base, lab->home};

    for (size_t i = 0; i < 2; i++) {
        char *at;
        while ((at = strstr(filled, names[i]))) {
            char *longer =
                test_format("%.*s%s%s", (int)(at - filled), filled, values[i], at + strlen(names[i]));
            free(filled);
            filled = longer;
        }
    }
    return filled;
}

/* A variable for the handle that is opened next. */
static inline void lab_set(struct lab *lab, const char *variable)
{
    assert_true(lab->count < LAB_VARIABLES);
    lab->variables[lab->count++] = lab_fill(lab, variable);
}

static inline void lab_clear(struct lab *lab)
{
    for (size_t i = 0; i < lab->count; i++)
        free(lab->variables[i]);
    memset(lab->variables, 0, sizeof(lab->variables));
    lab->count = 0;
    lab_set(lab, "HOME={home}");
}

/* A file below the home folder, whose folders are made. */
static inline void lab_write(const struct lab *lab, const char *name, const char *text)
{
    char *path = test_format("%s/%s", lab->home, name);
    char *filled = lab_fill(lab, text);

    for (char *at = path + strlen(lab->home) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    test_file_write(path, filled, strlen(filled));
    free(path);
    free(filled);
}

static inline void lab_close(struct lab *lab)
{
    ms_aws_close(lab->aws);
    lab->aws = NULL;
    assert_int_equal(lab->watch.left_behind, 0);
}

static inline mastra_status lab_try_open(struct lab *lab, mastra_error *error)
{
    struct ms_aws_config config = {.heap = lab->heap,
                                   .timeout_ms = lab->timeout_ms,
                                   .credentials = lab->callback,
                                   .credentials_user = lab->callback_user,
                                   .environment = (const char *const *)lab->variables,
                                   .now = lab_now,
                                   .now_user = lab};

    ms_aws_close(lab->aws);
    lab->aws = NULL;
    return ms_aws_open(&config, &lab->aws, error);
}

static inline void lab_open(struct lab *lab)
{
    mastra_error error = MASTRA_ERROR_INIT;

    if (lab_try_open(lab, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
}

static inline mastra_status lab_get(struct lab *lab, struct ms_credentials **ret, mastra_error *error)
{
    mastra_error own = MASTRA_ERROR_INIT;
    mastra_status status = ms_aws_credentials(lab->aws, ms_aws_deadline(lab->aws), ret, &own);

    if (strstr(own.message, "secret-of") || strstr(own.message, "token-of"))
        fail_msg("a secret in an error: %s", own.message);
    if (error)
        *error = own;
    return status;
}

/* Opens a handle and expects these keys; `token` NULL: none. Closes it again. */
static inline void lab_expect(struct lab *lab, const char *source, const char *key, const char *secret,
                              const char *token)
{
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_open(lab);
    if (lab_get(lab, &credentials, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_str(credentials->keys.access_key_id, key);
    assert_str(credentials->keys.secret_access_key, secret);
    if (token)
        assert_str(credentials->keys.session_token, token);
    else
        assert_null(credentials->keys.session_token.ptr);
    assert_string_equal(credentials->source, source);
    ms_credentials_unref(credentials);
    lab_close(lab);
}

/* Opens a handle and expects this error, whose message holds the text. Closes it again. */
static inline void lab_refuse(struct lab *lab, mastra_status status, const char *message)
{
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_open(lab);
    mastra_status got = lab_get(lab, &credentials, &error);
    if (got != status || !strstr(error.message, message))
        fail_msg("%s (%s), not %s", error.message, mastra_status_name(got), message);
    lab_close(lab);
}

static inline void lab_init(struct lab *lab, struct aws_endpoint *endpoint)
{
    *lab = (struct lab){.endpoint = endpoint};
    watch_init(&lab->watch);
    lab->heap = ms_heap_new(&lab->watch.allocator);
    assert_non_null(lab->heap);
    lab->home = test_dir_new();
    lab_clear(lab);
}

static inline void lab_release(struct lab *lab)
{
    lab_close(lab);
    lab_clear(lab);
    free(lab->variables[0]);
    test_dir_remove(lab->home);
    ms_heap_unref(lab->heap);
    assert_int_equal(lab->watch.live, 0);
    assert_int_equal(lab->watch.left_behind, 0);
}

#endif
