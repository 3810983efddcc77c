#include "aws/provider.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/thread.h"

/* How much longer the credentials of an instance are used when no others can be had. */
#define STABLE_LEAST_MS (5 * INT64_C(60000))
#define STABLE_SPAN_MS  (5 * INT64_C(60000))

struct ms_provider {
    struct mastra_aws *aws;
    mastra_aws_credentials_fn fn;
    void *user;
    bool fixed; /* the credentials never change */
    int wake;   /* readable once closing */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a fetch has ended, or closing; by the monotonic clock */
    struct ms_credentials *current;
    bool distrusted; /* current was refused by a service */
    bool fetching;
    bool thread_started; /* and to be joined */
    bool closing;
    pthread_t thread;
    uint64_t fetches;       /* that have ended */
    mastra_time next_renew; /* no background renewal before */
    mastra_status status;   /* of the last fetch that failed */
    char why[sizeof((struct ms_fetch *)0)->why];
};

mastra_status ms_provider_new(struct mastra_aws *aws, mastra_aws_credentials_fn fn, void *user,
                              struct ms_provider **ret_provider, mastra_error *error)
{
    struct ms_provider *provider = ms_heap_calloc(aws->heap, sizeof *provider);
    pthread_condattr_t monotonic;

    if (!provider) {
        return ms_error_oom(error);
    }
    provider->aws = aws;
    provider->fn = fn;
    provider->user = user;
    provider->next_renew = INT64_MIN;
    provider->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (provider->wake < 0) {
        ms_heap_release(aws->heap, provider);
        return ms_error_set(error, MASTRA_INTERNAL, "eventfd: %s", strerror(errno));
    }
    pthread_mutex_init(&provider->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&provider->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *ret_provider = provider;
    return MASTRA_OK;
}

void ms_provider_set(struct ms_provider *provider, struct ms_credentials *credentials)
{
    provider->current = credentials;
    provider->fixed = true;
}

void ms_provider_stop(struct ms_provider *provider)
{
    uint64_t one = 1;

    pthread_mutex_lock(&provider->lock);
    provider->closing = true;
    pthread_cond_broadcast(&provider->changed);
    pthread_mutex_unlock(&provider->lock);
    if (write(provider->wake, &one, sizeof one) < 0) {
        /* Only a full counter is refused, and that is readable, too. */
        one = 0;
    }
}

void ms_provider_close(struct ms_provider *provider)
{
    bool join;

    ms_provider_stop(provider);
    pthread_mutex_lock(&provider->lock);
    join = provider->thread_started;
    provider->thread_started = false;
    pthread_mutex_unlock(&provider->lock);
    if (join) {
        pthread_join(provider->thread, NULL);
    }
}

void ms_provider_free(struct ms_provider *provider)
{
    if (!provider) {
        return;
    }
    ms_credentials_unref(provider->current);
    pthread_cond_destroy(&provider->changed);
    pthread_mutex_destroy(&provider->lock);
    close(provider->wake);
    ms_heap_release(provider->aws->heap, provider);
}

static bool is_good(const struct ms_provider *provider, mastra_time now)
{
    const struct ms_credentials *current = provider->current;

    return current && !provider->distrusted &&
           (current->expiration == MASTRA_TIME_NONE || current->expiration > now);
}

static bool is_due(const struct ms_provider *provider, mastra_time now)
{
    const struct ms_credentials *current = provider->current;

    return !provider->fixed && current->expiration != MASTRA_TIME_NONE &&
           current->expiration - now < MS_RENEW_BEFORE_MS && now >= provider->next_renew;
}

/* The same keys for some minutes more. NULL: memory is out. */
static struct ms_credentials *extend(struct ms_provider *provider, const struct ms_credentials *old,
                                     mastra_time now)
{
    struct ms_credentials_draft draft = {
        .access_key_id = old->keys.access_key_id,
        .secret_access_key = old->keys.secret_access_key,
        .session_token = old->keys.session_token,
        .account_id = old->account_id,
        .expiration = now + STABLE_LEAST_MS + (mastra_time)ms_random_below((uint64_t)STABLE_SPAN_MS),
        .stable = true,
    };

    ms_log_write(&provider->aws->log, MASTRA_LOG_WARNING,
                 "AWS credentials: %s brings none that hold; the old ones are used for some minutes more",
                 old->source);
    return ms_credentials_new(provider->aws->heap, &draft, old->source);
}

/* What the fetch brought becomes current. With the lock held. */
static void accept(struct ms_provider *provider, enum ms_found found, struct ms_credentials *fresh,
                   const struct ms_fetch *fetch)
{
    mastra_time now = ms_aws_now(provider->aws);
    struct ms_credentials *longer = NULL;
    bool expired = found == MS_FOUND && fresh->expiration != MASTRA_TIME_NONE && fresh->expiration <= now;

    if (expired) {
        longer = extend(provider, fresh, now);
    } else if (found != MS_FOUND && provider->current && provider->current->stable && !provider->distrusted &&
               !is_good(provider, now)) {
        longer = extend(provider, provider->current, now);
    }
    if (longer) {
        ms_credentials_unref(fresh);
        fresh = longer;
        found = MS_FOUND;
    }
    provider->next_renew = now + MS_RENEW_PAUSE_MS;
    if (found != MS_FOUND) {
        provider->status = fetch->status;
        memcpy(provider->why, fetch->why, sizeof provider->why);
        ms_log_write(&provider->aws->log, MASTRA_LOG_WARNING, "AWS credentials: %s", provider->why);
        return;
    }
    if (expired && !longer) {
        provider->status = MASTRA_OUT_OF_MEMORY;
        memcpy(provider->why, "out of memory", sizeof "out of memory");
        ms_credentials_unref(fresh);
        return;
    }
    ms_credentials_unref(provider->current);
    provider->current = fresh;
    provider->distrusted = false;
}

static void *fetch_main(void *arg)
{
    struct ms_provider *provider = arg;
    struct ms_credentials *fresh = NULL;
    struct ms_fetch fetch = {
        .aws = provider->aws, .deadline_ns = ms_aws_deadline(provider->aws), .wake = provider->wake};
    enum ms_found found = provider->fn ? ms_callback_fetch(&fetch, provider->fn, provider->user, &fresh)
                                       : ms_chain_fetch(&fetch, &fresh);

    ms_profiles_release(&fetch.profiles);
    pthread_mutex_lock(&provider->lock);
    accept(provider, found, fresh, &fetch);
    provider->fetching = false;
    provider->fetches++;
    pthread_cond_broadcast(&provider->changed);
    pthread_mutex_unlock(&provider->lock);
    return NULL;
}

/* Begins a fetch unless one is under way. With the lock held; the thread before has ended, or is about to. */
static bool start_fetch(struct ms_provider *provider)
{
    if (provider->fetching) {
        return true;
    }
    if (provider->thread_started) {
        pthread_join(provider->thread, NULL);
        provider->thread_started = false;
    }
    provider->fetching = true;
    if (!ms_thread_start(&provider->thread, fetch_main, provider)) {
        provider->fetching = false;
        return false;
    }
    provider->thread_started = true;
    return true;
}

/* False when the deadline has passed. */
static bool wait_for_change(struct ms_provider *provider, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};

    return pthread_cond_timedwait(&provider->changed, &provider->lock, &until) != ETIMEDOUT;
}

/* With the lock held. */
static mastra_status wait_for_good(struct ms_provider *provider, int64_t deadline_ns, mastra_error *error)
{
    uint64_t before = provider->fetches;

    if (!start_fetch(provider)) {
        return ms_error_set(error, MASTRA_INTERNAL, "AWS credentials: no thread can be started");
    }
    while (provider->fetches == before) {
        if (provider->closing) {
            return ms_error_set(error, MASTRA_CLOSED, "AWS credentials: closed");
        }
        if (!wait_for_change(provider, deadline_ns) && provider->fetches == before) {
            return ms_error_set(error, MASTRA_TIMEOUT,
                                "AWS credentials: their source has not answered in time");
        }
    }
    if (!is_good(provider, ms_aws_now(provider->aws))) {
        return ms_error_set(error, provider->status, "AWS credentials: %s", provider->why);
    }
    return MASTRA_OK;
}

mastra_status ms_provider_get(struct ms_provider *provider, int64_t deadline_ns, struct ms_credentials **ret,
                              mastra_error *error)
{
    mastra_time now = ms_aws_now(provider->aws);
    mastra_status status = MASTRA_OK;

    pthread_mutex_lock(&provider->lock);
    if (provider->closing) {
        status = ms_error_set(error, MASTRA_CLOSED, "AWS credentials: closed");
    } else if (provider->fixed && !is_good(provider, now)) {
        status = ms_error_set(error, MASTRA_DENIED, "AWS credentials: the keys of the options %s",
                              provider->distrusted ? "were refused" : "have expired");
    } else if (!is_good(provider, now)) {
        status = wait_for_good(provider, deadline_ns, error);
    } else if (is_due(provider, now)) {
        /* Those that there are still hold: whether this works out is seen when they do not. */
        start_fetch(provider);
    }
    if (status == MASTRA_OK) {
        *ret = ms_credentials_ref(provider->current);
    }
    pthread_mutex_unlock(&provider->lock);
    return status;
}

void ms_provider_distrust(struct ms_provider *provider, const struct ms_credentials *credentials)
{
    pthread_mutex_lock(&provider->lock);
    if (provider->current == credentials && !provider->fixed) {
        provider->distrusted = true;
    }
    pthread_mutex_unlock(&provider->lock);
}
