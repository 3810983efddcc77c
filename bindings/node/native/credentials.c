/* Credentials from a function of JavaScript: questions go there as outcomes do, and come back by answer(). */
#include "addon.h"

#include <stdlib.h>

struct question {
    mastra_aws_reply *reply; /* NULL: it was answered */
};

static void fail(mastra_aws_reply *reply, const char *reason)
{
    mastra_aws_reply_failure(reply, reason);
}

void credentials_ask(struct addon *addon, uint32_t ticket, mastra_aws_reply *reply)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);

    if (!outcome) {
        fail(reply, "out of memory");
        return;
    }
    outcome->ticket = ticket;
    outcome->reply = reply;
    addon_deliver(addon, outcome);
}

void credentials_drop(struct outcome *outcome)
{
    fail(outcome->reply, "the environment of JavaScript has ended");
    free(outcome);
}

/* What was never answered would be waited for. */
static void finalize(napi_env env, void *data, void *hint)
{
    struct question *question = data;

    (void)env;
    (void)hint;
    if (question->reply) {
        fail(question->reply, "customCredentialsProvider did not answer");
    }
    free(question);
}

napi_value credentials_question(napi_env env, const struct outcome *outcome)
{
    struct question *question = calloc(1, sizeof *question);
    napi_value external = NULL;

    if (question) {
        question->reply = outcome->reply;
    }
    if (!question || napi_create_external(env, question, finalize, NULL, &external) != napi_ok) {
        free(question);
        fail(outcome->reply, "out of memory");
        return NULL;
    }
    return external;
}

struct answer {
    struct value_room rooms[3];
    mastra_str texts[3];
    double expiration;
};

/* A text, or nothing where it is undefined. */
static bool read_text(napi_env env, napi_value value, struct value_room *room, mastra_str *ret)
{
    napi_valuetype type = napi_undefined;
    size_t len = 0;

    if (napi_typeof(env, value, &type) != napi_ok || type != napi_string) {
        return type == napi_undefined;
    }
    ret->ptr = value_text(env, value, room, &len);
    ret->len = len;
    return ret->ptr != NULL;
}

/* Secrets do not stay in memory that somebody else gets. */
static void release_rooms(struct answer *answer)
{
    for (size_t i = 0; i < 3; i++) {
        if (answer->texts[i].ptr) {
            explicit_bzero((char *)(uintptr_t)answer->texts[i].ptr, answer->texts[i].len);
        }
        value_room_release(&answer->rooms[i]);
    }
}

static void reply(struct question *question, const struct answer *answer, bool readable)
{
    mastra_aws_credentials credentials = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_aws_reply *asked = question->reply;

    question->reply = NULL;
    if (!readable) {
        fail(asked, "out of memory");
    } else if (!answer->texts[1].ptr) {
        fail(asked, answer->texts[0].ptr);
    } else {
        credentials.access_key_id = answer->texts[0];
        credentials.secret_access_key = answer->texts[1];
        credentials.session_token = answer->texts[2];
        if (answer->expiration > 0) {
            credentials.expiration = (mastra_time)answer->expiration;
        }
        /* Whoever waits is told what is wrong with them. */
        mastra_aws_reply_credentials(asked, &credentials, NULL);
    }
}

/*
 * answer(question, accessKeyId, secretAccessKey, sessionToken, expiration): the last in milliseconds, 0 for none. With
 * nothing behind it the second is the reason why there are none.
 */
napi_value credentials_answer(napi_env env, napi_callback_info info)
{
    struct question *question = NULL;
    struct answer *answer = calloc(1, sizeof *answer);
    bool readable = answer != NULL;
    napi_value argv[5];
    size_t count = 5;

    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    if (napi_get_value_external(env, argv[0], (void **)&question) != napi_ok || !question->reply) {
        free(answer);
        napi_throw_type_error(env, NULL, "not a question that waits for its answer");
        return NULL;
    }
    for (size_t i = 0; i < 3 && readable; i++) {
        readable = read_text(env, argv[i + 1], &answer->rooms[i], &answer->texts[i]);
    }
    readable = readable && napi_get_value_double(env, argv[4], &answer->expiration) == napi_ok;
    reply(question, answer, readable);
    if (answer) {
        release_rooms(answer);
    }
    free(answer);
    return NULL;
}
