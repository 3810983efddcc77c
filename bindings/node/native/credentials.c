/*
 * Credentials for AWS that JavaScript has: the library asks on a thread of its own, the question waits among the
 * outcomes, and JavaScript answers it whenever it can, by one of the two functions below.
 */
#include "addon.h"

#include <stdlib.h>

/* What JavaScript holds of a question: an answer is taken once. */
struct asked {
    mastra_aws_reply *reply; /* NULL once it was answered */
};

void credentials_ask(void *user, mastra_aws_reply *reply)
{
    const struct credentials_source *source = user;
    struct outcome *question = calloc(1, sizeof *question);

    if (!question) {
        mastra_aws_reply_failure(reply, "out of memory");
        return;
    }
    question->ticket = source->number;
    question->question = reply;
    addon_deliver(source->addon, question);
}

void credentials_refuse(struct outcome *question)
{
    mastra_aws_reply_failure(question->question, "the environment of JavaScript has ended");
    question->question = NULL;
}

/* JavaScript has lost the question, or has answered it. */
static void finalize(napi_env env, void *data, void *hint)
{
    struct asked *asked = data;

    (void)env;
    (void)hint;
    if (asked->reply) {
        mastra_aws_reply_failure(asked->reply, "the provider of credentials did not answer");
    }
    free(asked);
}

napi_value credentials_question(napi_env env, struct outcome *question)
{
    struct asked *asked = calloc(1, sizeof *asked);
    napi_value external = NULL;

    if (asked && napi_create_external(env, asked, finalize, NULL, &external) == napi_ok) {
        asked->reply = question->question;
    } else {
        free(asked);
        external = NULL;
        mastra_aws_reply_failure(question->question, "out of memory");
    }
    question->question = NULL;
    return external;
}

/* The reply, which is the caller's then; NULL when it was answered already or is none. */
static mastra_aws_reply *take_reply(napi_env env, napi_value external)
{
    struct asked *asked = NULL;
    mastra_aws_reply *reply = NULL;

    if (napi_get_value_external(env, external, (void **)&asked) == napi_ok) {
        reply = asked->reply;
        asked->reply = NULL;
    }
    return reply;
}

/* One of the texts, with the room that it stands in until it is wiped. */
struct secret {
    struct value_room room;
    size_t len;
};

static mastra_str read_secret(napi_env env, napi_value value, struct secret *secret)
{
    napi_valuetype type = napi_undefined;
    mastra_str text = {NULL, 0};

    secret->room.block = NULL;
    secret->len = 0;
    if (napi_typeof(env, value, &type) == napi_ok && type == napi_string) {
        text.ptr = value_text(env, value, &secret->room, &secret->len);
        text.len = text.ptr ? secret->len : 0;
    }
    return text;
}

static void wipe(struct secret *secret)
{
    if (secret->room.block) {
        explicit_bzero(secret->room.block, secret->room.block_size);
    }
    value_room_release(&secret->room);
    explicit_bzero(secret, sizeof *secret);
}

enum {
    ARG_QUESTION,
    ARG_KEY,
    ARG_SECRET,
    ARG_TOKEN,
    ARG_EXPIRATION,
    ARG_COUNT,
};

#define SECRETS (ARG_TOKEN - ARG_KEY + 1)

static void answer(napi_env env, mastra_aws_reply *reply, const napi_value *argv, struct secret *secrets)
{
    mastra_aws_credentials credentials = MASTRA_AWS_CREDENTIALS_INIT;
    double expiration;

    credentials.access_key_id = read_secret(env, argv[ARG_KEY], &secrets[0]);
    credentials.secret_access_key = read_secret(env, argv[ARG_SECRET], &secrets[1]);
    credentials.session_token = read_secret(env, argv[ARG_TOKEN], &secrets[2]);
    /* Checked by lib/native.js: a whole number of milliseconds, or none. */
    if (napi_get_value_double(env, argv[ARG_EXPIRATION], &expiration) == napi_ok) {
        credentials.expiration = (mastra_time)expiration;
    }
    /* Whoever waits is told what is wrong with them. */
    mastra_aws_reply_credentials(reply, &credentials, NULL);
    for (size_t i = 0; i < SECRETS; i++) {
        wipe(&secrets[i]);
    }
}

/* answer(question, accessKeyId, secretAccessKey, sessionToken or undefined, expiration in ms or undefined) */
napi_value credentials_answer(napi_env env, napi_callback_info info)
{
    napi_value argv[ARG_COUNT];
    size_t count = ARG_COUNT;
    mastra_aws_reply *reply;
    struct secret *secrets;

    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    reply = take_reply(env, argv[ARG_QUESTION]);
    if (!reply) {
        return NULL;
    }
    secrets = malloc(SECRETS * sizeof *secrets);
    if (secrets) {
        answer(env, reply, argv, secrets);
    } else {
        mastra_aws_reply_failure(reply, "out of memory");
    }
    free(secrets);
    return NULL;
}

/* fail(question, reason) */
napi_value credentials_fail(napi_env env, napi_callback_info info)
{
    napi_value argv[2];
    size_t count = 2;
    struct value_room room;
    mastra_aws_reply *reply;
    const char *reason;
    size_t len = 0;

    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    reply = take_reply(env, argv[0]);
    if (reply) {
        reason = value_text(env, argv[1], &room, &len);
        mastra_aws_reply_failure(reply, reason);
        value_room_release(&room);
    }
    return NULL;
}
