#include "aws/http.h"

#include <pthread.h>
#include <stdatomic.h>

#include "aws/http_attempt.h"
#include "aws/quiet.h"
#include "base/clock.h"
#include "base/error.h"

#define IDLE_LANES      32
#define LANE_HANDLES    32
#define KEPT_PER_LANE   64L /* connections */
#define LONGEST_WAIT_MS 10000

/* Connections for one caller at a time. */
struct lane {
    CURLM *multi;
    CURL *handles[LANE_HANDLES]; /* not in use */
    size_t handle_count;
    struct lane *next;
    struct lane *before; /* among those in use */
};

struct ms_http {
    struct ms_heap *heap;
    char *ca_file;
    pthread_mutex_t lock;
    pthread_cond_t left; /* a lane is no longer in use */
    struct lane *idle;   /* the one that was used last first: its connections are the warmest */
    size_t idle_count;
    struct lane *busy;
    atomic_bool closing;
};

enum slot_state {
    SLOT_WAITING,
    SLOT_RUNNING,
    SLOT_ENDED,
};

struct slot {
    struct ms_http_attempt attempt;
    enum slot_state state;
    int64_t due_ns;
};

struct run {
    struct ms_http *http;
    struct lane *lane;
    const struct ms_retry_policy *policy;
    struct slot *slots;
    size_t count;
    size_t parallel;
    size_t running;
    size_t ended;
    int64_t deadline_ns;
};

/*
 * The one piece of global state, and it is libcurl's own: it has to be initialised once in a process, and never
 * taken down, since the host may use it, too.
 */
static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static CURLcode initialised_as = CURLE_FAILED_INIT;

static void initialise(void)
{
    initialised_as = curl_global_init(CURL_GLOBAL_DEFAULT);
}

mastra_status ms_http_new(struct ms_heap *heap, const char *ca_file, struct ms_http **ret_http,
                          mastra_error *error)
{
    struct ms_http *http;

    pthread_once(&initialised, initialise);
    if (initialised_as != CURLE_OK) {
        return ms_error_set(error, MASTRA_INTERNAL, "libcurl cannot be initialised: %s",
                            curl_easy_strerror(initialised_as));
    }
    http = ms_heap_calloc(heap, sizeof *http);
    if (!http) {
        return ms_error_oom(error);
    }
    http->heap = ms_heap_ref(heap);
    pthread_mutex_init(&http->lock, NULL);
    pthread_cond_init(&http->left, NULL);
    atomic_init(&http->closing, false);
    if (ca_file) {
        http->ca_file = ms_heap_strdup(heap, mastra_str_of(ca_file));
        if (!http->ca_file) {
            ms_http_free(http);
            return ms_error_oom(error);
        }
    }
    *ret_http = http;
    return MASTRA_OK;
}

static void lane_free(struct ms_http *http, struct lane *lane)
{
    struct ms_quiet quiet;

    ms_quiet_begin(&quiet);
    for (size_t i = 0; i < lane->handle_count; i++) {
        curl_easy_cleanup(lane->handles[i]);
    }
    curl_multi_cleanup(lane->multi);
    ms_quiet_end(&quiet);
    ms_heap_release(http->heap, lane);
}

void ms_http_close(struct ms_http *http)
{
    pthread_mutex_lock(&http->lock);
    atomic_store(&http->closing, true);
    for (struct lane *lane = http->busy; lane; lane = lane->next) {
        curl_multi_wakeup(lane->multi);
    }
    while (http->busy) {
        pthread_cond_wait(&http->left, &http->lock);
    }
    pthread_mutex_unlock(&http->lock);
}

void ms_http_free(struct ms_http *http)
{
    struct ms_heap *heap;

    if (!http) {
        return;
    }
    while (http->idle) {
        struct lane *lane = http->idle;

        http->idle = lane->next;
        lane_free(http, lane);
    }
    pthread_cond_destroy(&http->left);
    pthread_mutex_destroy(&http->lock);
    heap = http->heap;
    ms_heap_release(heap, http->ca_file);
    ms_heap_release(heap, http);
    ms_heap_unref(heap);
}

static struct lane *lane_new(struct ms_http *http)
{
    struct lane *lane = ms_heap_calloc(http->heap, sizeof *lane);

    if (!lane) {
        return NULL;
    }
    lane->multi = curl_multi_init();
    if (!lane->multi) {
        ms_heap_release(http->heap, lane);
        return NULL;
    }
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, KEPT_PER_LANE);
    return lane;
}

/* A lane that is the caller's until lane_leave; NULL, with the error set, when there is none to be had. */
static struct lane *lane_enter(struct ms_http *http, mastra_error *error)
{
    struct lane *lane;

    pthread_mutex_lock(&http->lock);
    if (atomic_load(&http->closing)) {
        pthread_mutex_unlock(&http->lock);
        ms_error_set(error, MASTRA_CLOSED, "the connection to AWS is closed");
        return NULL;
    }
    lane = http->idle;
    if (lane) {
        http->idle = lane->next;
        http->idle_count--;
    } else {
        lane = lane_new(http);
    }
    if (lane) {
        lane->before = NULL;
        lane->next = http->busy;
        if (http->busy) {
            http->busy->before = lane;
        }
        http->busy = lane;
    }
    pthread_mutex_unlock(&http->lock);
    if (!lane) {
        ms_error_oom(error);
    }
    return lane;
}

static void lane_leave(struct ms_http *http, struct lane *lane)
{
    bool kept;

    pthread_mutex_lock(&http->lock);
    if (lane->before) {
        lane->before->next = lane->next;
    } else {
        http->busy = lane->next;
    }
    if (lane->next) {
        lane->next->before = lane->before;
    }
    kept = http->idle_count < IDLE_LANES && !atomic_load(&http->closing);
    if (kept) {
        lane->next = http->idle;
        http->idle = lane;
        http->idle_count++;
    } else {
        lane_free(http, lane);
    }
    pthread_cond_broadcast(&http->left);
    pthread_mutex_unlock(&http->lock);
}

static CURL *handle_take(struct lane *lane)
{
    return lane->handle_count > 0 ? lane->handles[--lane->handle_count] : curl_easy_init();
}

static void handle_give(struct lane *lane, CURL *easy)
{
    if (lane->handle_count < LANE_HANDLES) {
        lane->handles[lane->handle_count++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

/* The slot's exchange has its last outcome. */
static void slot_end(struct run *run, struct slot *slot)
{
    slot->state = SLOT_ENDED;
    run->ended++;
}

static void slot_fail(struct run *run, struct slot *slot, enum ms_http_end end, mastra_status failure)
{
    struct ms_http_exchange *exchange = slot->attempt.exchange;

    exchange->end = end;
    exchange->failure = failure;
    ms_error_copy(exchange->why, sizeof exchange->why, mastra_str_of(mastra_status_text(failure)));
    slot_end(run, slot);
}

static bool slot_launch(struct run *run, struct slot *slot)
{
    struct ms_http_attempt *attempt = &slot->attempt;

    attempt->easy = handle_take(run->lane);
    if (!attempt->easy) {
        return false;
    }
    if (!ms_http_attempt_begin(attempt, run->deadline_ns) ||
        curl_multi_add_handle(run->lane->multi, attempt->easy) != CURLM_OK) {
        handle_give(run->lane, attempt->easy);
        attempt->easy = NULL;
        return false;
    }
    return true;
}

static void slot_start(struct run *run, struct slot *slot)
{
    struct ms_http_exchange *exchange = slot->attempt.exchange;
    mastra_status status;

    /* At the deadline an exchange keeps the outcome that it has. */
    if (ms_clock_monotonic_ns() >= run->deadline_ns) {
        if (exchange->end == MS_HTTP_NOT_TRIED) {
            slot_fail(run, slot, MS_HTTP_TIMED_OUT, MASTRA_TIMEOUT);
        } else {
            slot_end(run, slot);
        }
        return;
    }
    ms_http_forget(run->http->heap, exchange);
    exchange->attempts++;
    status = exchange->prepare ? exchange->prepare(exchange) : MASTRA_OK;
    if (status != MASTRA_OK) {
        char why[MS_HTTP_WHY_SIZE];

        memcpy(why, exchange->why, sizeof why);
        slot_fail(run, slot, MS_HTTP_FAILED, status);
        if (why[0]) {
            memcpy(exchange->why, why, sizeof why);
        }
        return;
    }
    if (!slot_launch(run, slot)) {
        slot_fail(run, slot, MS_HTTP_FAILED, MASTRA_OUT_OF_MEMORY);
        return;
    }
    slot->state = SLOT_RUNNING;
    run->running++;
}

/* Ending an attempt early closes its connection. */
static void slot_stop(struct run *run, struct slot *slot)
{
    struct ms_quiet quiet;

    ms_quiet_begin(&quiet);
    curl_multi_remove_handle(run->lane->multi, slot->attempt.easy);
    ms_quiet_end(&quiet);
    handle_give(run->lane, slot->attempt.easy);
    slot->attempt.easy = NULL;
    run->running--;
}

static void slot_judge(struct run *run, struct slot *slot)
{
    struct ms_http_exchange *exchange = slot->attempt.exchange;
    enum ms_http_verdict verdict = MS_HTTP_DONE;
    int64_t delay_ms = 0;

    if (exchange->judge && exchange->end != MS_HTTP_FAILED) {
        verdict = exchange->judge(exchange);
    }
    if (verdict == MS_HTTP_AGAIN) {
        delay_ms = ms_retry_delay_ms(run->policy, exchange->attempts, exchange->retry_after_ms);
    }
    slot->due_ns = ms_clock_monotonic_ns() + delay_ms * 1000000;
    if (verdict == MS_HTTP_DONE || exchange->attempts >= run->policy->attempts ||
        slot->due_ns >= run->deadline_ns) {
        slot_end(run, slot);
        return;
    }
    slot->state = SLOT_WAITING;
}

static void collect(struct run *run)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(run->lane->multi, &left))) {
        struct ms_http_attempt *attempt = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&attempt);
        /* The attempt is the first member of its slot. */
        struct slot *slot = (struct slot *)attempt;

        ms_http_attempt_end(attempt, code);
        slot_stop(run, slot);
        slot_judge(run, slot);
    }
}

/* Starts what is due; returns how long there is nothing to start, in ms. */
static int start_due(struct run *run)
{
    int64_t now = ms_clock_monotonic_ns();
    int64_t next = now + (int64_t)LONGEST_WAIT_MS * 1000000;

    for (size_t i = 0; i < run->count; i++) {
        struct slot *slot = &run->slots[i];

        if (slot->state != SLOT_WAITING || run->running >= run->parallel) {
            continue;
        }
        if (slot->due_ns <= now) {
            slot_start(run, slot);
        } else if (slot->due_ns < next) {
            next = slot->due_ns;
        }
    }
    return (int)((next - now + 999999) / 1000000);
}

static void close_all(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct slot *slot = &run->slots[i];

        if (slot->state == SLOT_ENDED) {
            continue;
        }
        if (slot->state == SLOT_RUNNING) {
            ms_http_attempt_end(&slot->attempt, CURLE_ABORTED_BY_CALLBACK);
            slot_stop(run, slot);
        } else {
            /* Its judge has found that the attempt before changed nothing, or that doing it twice does no harm. */
            slot->attempt.exchange->sent = false;
        }
        slot_fail(run, slot, MS_HTTP_CLOSED, MASTRA_CLOSED);
    }
}

/* libcurl cannot go on: its own errors, of which only memory is left once the calls are right. */
static void give_up(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct slot *slot = &run->slots[i];

        if (slot->state == SLOT_RUNNING) {
            ms_http_attempt_end(&slot->attempt, CURLE_OUT_OF_MEMORY);
            slot_stop(run, slot);
        }
        if (slot->state != SLOT_ENDED) {
            slot_fail(run, slot, MS_HTTP_FAILED, MASTRA_OUT_OF_MEMORY);
        }
    }
}

static bool perform(struct run *run)
{
    struct ms_quiet quiet;
    CURLMcode code;
    int running;

    ms_quiet_begin(&quiet);
    code = curl_multi_perform(run->lane->multi, &running);
    ms_quiet_end(&quiet);
    return code == CURLM_OK;
}

/*
 * One turn; returns how long to wait before the next, in ms. Signals are not kept from the caller's thread longer than
 * libcurl works: preparing a request may wait for credentials.
 */
static int turn(struct run *run)
{
    int wait_ms;

    if (atomic_load(&run->http->closing)) {
        close_all(run);
    }
    wait_ms = start_due(run);
    if (run->running > 0) {
        size_t before = run->running;

        if (!perform(run)) {
            give_up(run);
        }
        collect(run);
        wait_ms = run->running < before ? 0 : wait_ms;
    }
    return wait_ms;
}

mastra_status ms_http_run(struct ms_http *http, struct ms_http_exchange *const *exchanges, size_t count,
                          size_t parallel, const struct ms_retry_policy *policy, int64_t deadline_ns,
                          mastra_error *error)
{
    struct run run = {.http = http,
                      .policy = policy,
                      .count = count,
                      .parallel = parallel ? parallel : count,
                      .deadline_ns = deadline_ns};
    mastra_error failure = MASTRA_ERROR_INIT;
    struct ms_heap *heap;

    if (count == 0) {
        return MASTRA_OK;
    }
    run.slots = ms_heap_calloc(http->heap, count * sizeof *run.slots);
    if (!run.slots) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < count; i++) {
        ms_http_forget(http->heap, exchanges[i]);
        exchanges[i]->attempts = 0;
        run.slots[i].attempt.heap = http->heap;
        run.slots[i].attempt.ca_file = http->ca_file;
        run.slots[i].attempt.exchange = exchanges[i];
    }
    /* Once the lane is left, the client may be gone. */
    heap = ms_heap_ref(http->heap);
    run.lane = lane_enter(http, &failure);
    if (run.lane) {
        while (run.ended < count) {
            int wait_ms = turn(&run);

            if (run.ended < count && wait_ms > 0) {
                curl_multi_poll(run.lane->multi, NULL, 0, wait_ms, NULL);
            }
        }
        lane_leave(http, run.lane);
    } else {
        ms_error_set(error, failure.status, "%s", failure.message);
    }
    ms_heap_release(heap, run.slots);
    ms_heap_unref(heap);
    return failure.status;
}

void ms_http_exchange_release(struct ms_http *http, struct ms_http_exchange *exchange)
{
    if (http) {
        ms_http_forget(http->heap, exchange);
    }
}

bool ms_http_may_repeat(const struct ms_http_exchange *exchange)
{
    switch (exchange->end) {
    case MS_HTTP_NOT_SENT:
        return true;
    case MS_HTTP_LOST:
    case MS_HTTP_TIMED_OUT:
        return exchange->repeatable || !exchange->sent;
    default:
        return false;
    }
}

mastra_status ms_http_failure(const struct ms_http_exchange *exchange, const char *what, mastra_error *error)
{
    static const mastra_status statuses[] = {
        [MS_HTTP_NOT_TRIED] = MASTRA_INTERNAL,    [MS_HTTP_ANSWERED] = MASTRA_UNAVAILABLE,
        [MS_HTTP_NOT_SENT] = MASTRA_UNAVAILABLE,  [MS_HTTP_LOST] = MASTRA_UNAVAILABLE,
        [MS_HTTP_TIMED_OUT] = MASTRA_TIMEOUT,     [MS_HTTP_UNTRUSTED] = MASTRA_UNAVAILABLE,
        [MS_HTTP_TOO_LARGE] = MASTRA_UNAVAILABLE, [MS_HTTP_CLOSED] = MASTRA_CLOSED,
        [MS_HTTP_FAILED] = MASTRA_INTERNAL,
    };
    mastra_status status = exchange->end == MS_HTTP_FAILED ? exchange->failure : statuses[exchange->end];

    if (exchange->end == MS_HTTP_TOO_LARGE) {
        return ms_error_set(error, status, "%s: the answer is too long", what);
    }
    return ms_error_set(error, status, "%s: %s", what, exchange->why);
}
