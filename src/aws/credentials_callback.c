/* The application's own source, which may answer from another thread, late, or never. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aws/credentials_source.h"
#include "base/clock.h"
#include "base/error.h"

#define SOURCE "application"

/* Held by the one who asks and the one who answers: either may be the last. */
struct mastra_aws_reply {
    struct ms_heap *heap;
    atomic_uint refs;
    int answered; /* becomes readable */
    pthread_mutex_t lock;
    struct ms_credentials *credentials; /* NULL: failed */
    mastra_status status;
    char why[256];
};

static struct mastra_aws_reply *reply_new(struct ms_heap *heap)
{
    struct mastra_aws_reply *reply = ms_heap_calloc(heap, sizeof *reply);

    if (!reply) {
        return NULL;
    }
    reply->answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (reply->answered < 0) {
        ms_heap_release(heap, reply);
        return NULL;
    }
    reply->heap = ms_heap_ref(heap);
    atomic_init(&reply->refs, 2);
    pthread_mutex_init(&reply->lock, NULL);
    return reply;
}

static void reply_unref(struct mastra_aws_reply *reply)
{
    struct ms_heap *heap = reply->heap;

    if (atomic_fetch_sub(&reply->refs, 1) > 1) {
        return;
    }
    ms_credentials_unref(reply->credentials);
    pthread_mutex_destroy(&reply->lock);
    close(reply->answered);
    ms_heap_release(heap, reply);
    ms_heap_unref(heap);
}

/* Hands over the answer, and the answerer's part of the reply. */
static void answer(struct mastra_aws_reply *reply, struct ms_credentials *credentials, mastra_status status,
                   const char *why)
{
    uint64_t one = 1;

    pthread_mutex_lock(&reply->lock);
    reply->credentials = credentials;
    reply->status = status;
    ms_error_copy(reply->why, sizeof reply->why, mastra_str_of(why));
    pthread_mutex_unlock(&reply->lock);
    while (write(reply->answered, &one, sizeof one) < 0 && errno == EINTR) {
    }
    reply_unref(reply);
}

mastra_status mastra_aws_reply_credentials(mastra_aws_reply *reply, const mastra_aws_credentials *credentials,
                                           mastra_error *error)
{
    struct ms_credentials_draft draft = {.expiration = MASTRA_TIME_NONE};
    struct ms_credentials *made;
    const char *wrong;
    const char *why = NULL;

    if (!reply) {
        return ms_error_argument(error, "reply", mastra_str_of(NULL), "must not be NULL");
    }
    if (credentials) {
        draft.access_key_id = credentials->access_key_id;
        draft.secret_access_key = credentials->secret_access_key;
        draft.session_token = credentials->session_token;
        draft.expiration = credentials->expiration;
    }
    wrong = ms_credentials_wrong(&draft, &why);
    if (wrong) {
        char told[96];

        snprintf(told, sizeof told, "%s %s", wrong, why);
        answer(reply, NULL, MASTRA_DENIED, told);
        return ms_error_argument(error, wrong, mastra_str_of(NULL), why);
    }
    made = ms_credentials_new(reply->heap, &draft, SOURCE);
    answer(reply, made, made ? MASTRA_OK : MASTRA_OUT_OF_MEMORY, "out of memory");
    return made ? MASTRA_OK : ms_error_oom(error);
}

void mastra_aws_reply_failure(mastra_aws_reply *reply, const char *reason)
{
    if (reply) {
        answer(reply, NULL, MASTRA_DENIED, reason && reason[0] ? reason : "it has none");
    }
}

/* Waits for the answer; false, with the reason noted, when there will be none. */
static bool wait_for_answer(struct ms_fetch *fetch, const struct mastra_aws_reply *reply)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = reply->answered, .events = POLLIN},
                               {.fd = fetch->wake, .events = POLLIN}};
        int64_t left = (fetch->deadline_ns - ms_clock_monotonic_ns()) / 1000000;
        int got;

        if (left <= 0) {
            ms_fail(fetch, MASTRA_TIMEOUT, SOURCE ": no answer in time");
            return false;
        }
        got = poll(fds, 2, left > 60000 ? 60000 : (int)left + 1);
        if (got > 0 && fds[0].revents) {
            return true;
        }
        if (got > 0 && fds[1].revents) {
            ms_fail(fetch, MASTRA_CLOSED, "closed");
            return false;
        }
    }
}

static enum ms_found take_answer(struct ms_fetch *fetch, struct mastra_aws_reply *reply,
                                 struct ms_credentials **ret)
{
    enum ms_found found = MS_FOUND;

    pthread_mutex_lock(&reply->lock);
    if (!reply->credentials) {
        found = ms_fail(fetch, reply->status, SOURCE ": %s", reply->why);
    } else if (reply->credentials->expiration != MASTRA_TIME_NONE &&
               reply->credentials->expiration <= ms_aws_now(fetch->aws)) {
        found = ms_fail(fetch, MASTRA_DENIED, SOURCE ": the credentials have expired");
    } else {
        *ret = reply->credentials;
        reply->credentials = NULL;
    }
    pthread_mutex_unlock(&reply->lock);
    return found;
}

enum ms_found ms_callback_fetch(struct ms_fetch *fetch, mastra_aws_credentials_fn fn, void *user,
                                struct ms_credentials **ret)
{
    struct mastra_aws_reply *reply = reply_new(fetch->aws->heap);
    enum ms_found found = MS_FAILED;

    if (!reply) {
        return ms_fail_oom(fetch);
    }
    fn(user, reply);
    if (wait_for_answer(fetch, reply)) {
        found = take_answer(fetch, reply, ret);
    }
    reply_unref(reply);
    return found;
}
