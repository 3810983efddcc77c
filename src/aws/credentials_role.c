/* Credentials of a role from STS: assumed with other credentials, or with a token of a web identity. */
#include <errno.h>
#include <stdio.h>

#include "aws/credentials_source.h"
#include "aws/signed.h"
#include "aws/xml.h"
#include "base/clock.h"
#include "base/error.h"

#define FORM_TYPE  "application/x-www-form-urlencoded; charset=utf-8"
#define MOST_TOKEN ((size_t)64 << 10)

/* One question to STS. */
struct question {
    struct ms_fetch *fetch;
    const char *action;
    const char *source;
    const struct ms_credentials *credentials; /* NULL: not signed */
    struct ms_endpoint endpoint;
    struct ms_buf region;
    struct ms_buf form;
    struct ms_signed request;
    mastra_time signed_at;
    struct ms_http_exchange exchange;
};

static void add_field(struct ms_buf *form, const char *name, mastra_str value)
{
    ms_buf_printf(form, "&%s=", name);
    ms_uri_encode(form, value, false);
}

/* STS wants a name for each session; a made-up one tells when and by whom. */
static void add_session(struct question *question, const struct ms_role *role)
{
    char name[64];

    if (role->session_name.len > 0) {
        add_field(&question->form, "RoleSessionName", role->session_name);
        return;
    }
    snprintf(name, sizeof name, "mastra-store-%lld", (long long)ms_aws_now(question->fetch->aws));
    add_field(&question->form, "RoleSessionName", mastra_str_of(name));
}

/* Copies the text of an element of an error, for people. */
static void copy_element(mastra_str xml, const char *path, char *out, size_t size)
{
    mastra_str spelled = {NULL, 0};

    ms_xml_find(xml, path, &spelled);
    ms_error_copy(out, size, spelled);
}

static void read_error(mastra_str xml, char code[64], char message[160])
{
    copy_element(xml, "ErrorResponse/Error/Code", code, 64);
    copy_element(xml, "ErrorResponse/Error/Message", message, 160);
}

static enum ms_http_verdict judge(struct ms_http_exchange *exchange)
{
    char code[64];
    char message[160];
    enum ms_aws_fault fault;

    if (exchange->end != MS_HTTP_ANSWERED) {
        return ms_http_may_repeat(exchange) ? MS_HTTP_AGAIN : MS_HTTP_DONE;
    }
    read_error(exchange->answer, code, message);
    fault = ms_fault_of(mastra_str_of(code), exchange->status);
    if (fault == MS_FAULT_CLOCK && exchange->attempts == 1) {
        struct question *question = exchange->user;

        return ms_aws_learn_time(question->fetch->aws, exchange->date, question->signed_at)
                   ? MS_HTTP_AGAIN_NOW
                   : MS_HTTP_DONE;
    }
    return fault == MS_FAULT_THROTTLED || fault == MS_FAULT_SERVER ? MS_HTTP_AGAIN : MS_HTTP_DONE;
}

static mastra_status prepare(struct ms_http_exchange *exchange)
{
    static const char *const plain[] = {"Content-Type: " FORM_TYPE};
    struct question *question = exchange->user;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    if (!question->credentials) {
        exchange->method = "POST";
        exchange->url = question->endpoint.url.ptr;
        exchange->body = ms_buf_view(&question->form);
        exchange->headers[0] = plain[0];
        exchange->header_count = 1;
        return MASTRA_OK;
    }
    question->signed_at = ms_aws_now(question->fetch->aws);
    status = ms_signed_prepare(&question->request, &question->credentials->keys, question->signed_at,
                               exchange, &error);
    ms_error_copy(exchange->why, sizeof exchange->why, mastra_str_of(error.message));
    return status;
}

/* A text of the answer's Credentials, into memory that is wiped. */
static bool read_key(struct question *question, const char *name, struct ms_secret *ret)
{
    char path[128];
    mastra_str spelled;

    snprintf(path, sizeof path, "%sResponse/%sResult/Credentials/%s", question->action, question->action,
             name);
    if (!ms_xml_find(question->exchange.answer, path, &spelled)) {
        ms_fail(question->fetch, MASTRA_UNAVAILABLE, "%s: the answer of STS lacks %s", question->source,
                name);
        return false;
    }
    if (!ms_xml_text(spelled, question->fetch->aws->heap, ret)) {
        ms_fail_oom(question->fetch);
        return false;
    }
    return true;
}

static enum ms_found use_keys(struct question *question, const struct ms_role *role,
                              const struct ms_secret keys[4], struct ms_credentials **ret)
{
    char source[MS_SOURCE_SIZE];
    struct ms_credentials_draft draft = {
        .access_key_id = ms_secret_view(&keys[0]),
        .secret_access_key = ms_secret_view(&keys[1]),
        .session_token = ms_secret_view(&keys[2]),
    };

    snprintf(source, sizeof source, "%s: role %.*s", question->source, (int)role->arn.len, role->arn.ptr);
    if (!ms_time_parse(ms_secret_view(&keys[3]), &draft.expiration)) {
        return ms_fail(question->fetch, MASTRA_UNAVAILABLE, "%s: Expiration is not a time", question->source);
    }
    return ms_found_draft(question->fetch, &draft, source, MS_FAILED, ret);
}

static enum ms_found read_answer(struct question *question, const struct ms_role *role,
                                 struct ms_credentials **ret)
{
    static const char *const names[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};
    struct ms_secret keys[4] = {{0}};
    enum ms_found found = MS_FAILED;
    size_t got = 0;

    if (question->exchange.status != 200) {
        char code[64];
        char message[160];
        bool refused = question->exchange.status < 500 && question->exchange.status != 429;

        read_error(question->exchange.answer, code, message);
        return ms_fail(question->fetch, refused ? MASTRA_DENIED : MASTRA_UNAVAILABLE,
                       "%s: STS answers %d %s: %s", question->source, question->exchange.status, code,
                       message);
    }
    while (got < 4 && read_key(question, names[got], &keys[got])) {
        got++;
    }
    if (got == 4) {
        found = use_keys(question, role, keys, ret);
    }
    for (size_t i = 0; i < 4; i++) {
        ms_secret_release(&keys[i]);
    }
    return found;
}

/* The region of the profile, else that of the handle, else the first one. */
static mastra_status find_endpoint(struct question *question, const struct ms_role *role, mastra_error *error)
{
    const struct mastra_aws *aws = question->fetch->aws;
    mastra_status status = MASTRA_OK;

    ms_buf_add_str(&question->region, role->region);
    if (question->region.len == 0) {
        status = ms_aws_region(aws, &question->region, error);
    }
    if (status == MASTRA_OK && question->region.len == 0) {
        ms_buf_add_text(&question->region, "us-east-1");
    }
    if (question->region.failed) {
        return ms_error_oom(error);
    }
    return status == MASTRA_OK ? ms_endpoint_find(&question->endpoint, aws, "sts",
                                                  ms_buf_view(&question->region), NULL, error)
                               : status;
}

static enum ms_found ask(struct question *question, const struct ms_role *role, struct ms_credentials **ret)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = find_endpoint(question, role, &error);

    if (status != MASTRA_OK) {
        return ms_fail(question->fetch, status, "%s: %.280s", question->source, error.message);
    }
    if (question->form.failed) {
        return ms_fail_oom(question->fetch);
    }
    question->request.endpoint = &question->endpoint;
    question->request.service = "sts";
    question->request.region = ms_buf_view(&question->region);
    question->request.content_type = FORM_TYPE;
    question->request.body = ms_buf_view(&question->form);
    question->exchange = (struct ms_http_exchange){
        .prepare = prepare, .judge = judge, .user = question, .repeatable = true, .attempt_ms = 10000};
    if (!ms_fetch_send(question->fetch, &question->exchange, &ms_retry_standard)) {
        char why[sizeof question->fetch->why];

        memcpy(why, question->fetch->why, sizeof why);
        return ms_fail(question->fetch, question->fetch->status, "%s: STS: %.280s", question->source, why);
    }
    return read_answer(question, role, ret);
}

static enum ms_found ask_and_release(struct question *question, const struct ms_role *role,
                                     struct ms_credentials **ret)
{
    enum ms_found found = ask(question, role, ret);

    ms_http_exchange_release(question->fetch->aws->http, &question->exchange);
    ms_signed_release(&question->request);
    ms_secret_buf_release(&question->form);
    ms_buf_release(&question->region);
    ms_endpoint_release(&question->endpoint);
    return found;
}

/* `extra`: room for what the form will hold besides names. */
static bool question_init(struct question *question, struct ms_fetch *fetch, const char *action,
                          const struct ms_role *role, const char *source, size_t extra)
{
    struct ms_heap *heap = fetch->aws->heap;

    *question = (struct question){.fetch = fetch, .action = action, .source = source};
    ms_buf_init(&question->region, heap, 0);
    ms_buf_init(&question->form, heap, 0);
    ms_signed_init(&question->request, heap);
    ms_buf_reserve(&question->form, 1024 + 3 * extra);
    ms_buf_printf(&question->form, "Action=%s&Version=2011-06-15", action);
    add_field(&question->form, "RoleArn", role->arn);
    add_session(question, role);
    return !question->form.failed;
}

enum ms_found ms_role_assume(struct ms_fetch *fetch, const struct ms_role *role,
                             struct ms_credentials *credentials, const char *source,
                             struct ms_credentials **ret)
{
    struct question question;

    question_init(&question, fetch, "AssumeRole", role, source, role->external_id.len + role->arn.len);
    question.credentials = credentials;
    add_field(&question.form, "DurationSeconds",
              role->duration.len > 0 ? role->duration : mastra_str_of("3600"));
    if (role->external_id.len > 0) {
        add_field(&question.form, "ExternalId", role->external_id);
    }
    return ask_and_release(&question, role, ret);
}

enum ms_found ms_web_identity_assume(struct ms_fetch *fetch, const struct ms_role *role,
                                     const char *token_file, const char *source, struct ms_credentials **ret)
{
    struct ms_secret token = {0};
    struct question question;
    int failed = ms_file_read(fetch->aws->heap, token_file, MOST_TOKEN, &token);
    enum ms_found found;

    if (failed == ENOMEM) {
        return ms_fail_oom(fetch);
    }
    if (failed != 0) {
        return ms_fail(fetch, MASTRA_DENIED, "%s: the token file %.150s: %s", source, token_file,
                       strerror(failed));
    }
    while (token.len > 0 && strchr(" \t\r\n", token.ptr[token.len - 1])) {
        token.ptr[--token.len] = '\0';
    }
    question_init(&question, fetch, "AssumeRoleWithWebIdentity", role, source, token.len + role->arn.len);
    add_field(&question.form, "WebIdentityToken", ms_secret_view(&token));
    found = ask_and_release(&question, role, ret);
    ms_secret_release(&token);
    return found;
}

/* In a cluster the token's file and the role come from the environment. */
static enum ms_found fetch_web_identity(struct ms_fetch *fetch, struct ms_credentials **ret)
{
    const char *file = ms_fetch_variable(fetch, "AWS_WEB_IDENTITY_TOKEN_FILE");
    struct ms_role role = {.arn = mastra_str_of(ms_fetch_variable(fetch, "AWS_ROLE_ARN")),
                           .session_name = mastra_str_of(ms_fetch_variable(fetch, "AWS_ROLE_SESSION_NAME"))};

    if (!file) {
        return ms_pass(fetch, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    if (!role.arn.ptr) {
        return ms_pass(fetch, "AWS_ROLE_ARN is not set");
    }
    return ms_web_identity_assume(fetch, &role, file, "web identity", ret);
}

const struct ms_source ms_source_web_identity = {"web identity", fetch_web_identity};
