#include "store/store.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/utf8.h"

#include <stdio.h>
#include <unistd.h>

#define DEFAULT_BUSY_TIMEOUT_MS  5000
#define DEFAULT_CLOSE_TIMEOUT_MS 30000
#define DEFAULT_READERS          4
#define DEFAULT_QUEUE_LIMIT      1024
#define MOST_READERS             64
#define MOST_QUEUED              1000000
#define MOST_TIMEOUT_MS          (INT64_C(24) * 3600 * 1000)

const struct ms_op ms_op_init = {.name = "init", .error = "INIT", .repeatable = true};
static const struct ms_op op_close = {.name = "close", .error = "CLOSE", .writes = true, .repeatable = true};
static const struct ms_op op_open = {.name = "open", .error = "STORE_INITIALIZATION"};

const char *mastra_version(void)
{
    return MASTRA_VERSION;
}

/* Options. */

static mastra_status set_number(struct ms_config *config, const char *name, int64_t min, int64_t max,
                                int64_t fallback, int64_t *field, mastra_error *error)
{
    int64_t from_url = fallback;
    mastra_status status = ms_config_int(config, name, min, max, &from_url, error);

    if (status == MASTRA_OK && *field == 0) {
        *field = from_url;
    }
    return status;
}

static mastra_status set_count(struct ms_config *config, const char *name, int64_t max, int64_t fallback,
                               uint32_t *field, mastra_error *error)
{
    int64_t number = *field;
    mastra_status status = set_number(config, name, 1, max, fallback, &number, error);

    *field = (uint32_t)number;
    return status;
}

/* Lays the URL's parameters and the defaults under the caller's options. */
static mastra_status resolve_options(const mastra_options *given, struct ms_config *config,
                                     mastra_error *error)
{
    static const mastra_options blank = MASTRA_OPTIONS_INIT;
    mastra_options *options = &config->options;
    mastra_status status;

    *options = blank;
    if (given) {
        memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    }
    options->size = sizeof *options;
    if (options->busy_timeout_ms < 0 || options->busy_timeout_ms > MOST_TIMEOUT_MS ||
        options->close_timeout_ms < 0 || options->close_timeout_ms > MOST_TIMEOUT_MS) {
        return ms_error_argument(error, "options", mastra_str_of(NULL),
                                 "hold a timeout that is not 0 to 24 hours");
    }
    if (options->readers > MOST_READERS || options->queue_limit > MOST_QUEUED) {
        return ms_error_argument(error, "options", mastra_str_of(NULL),
                                 "ask for too many readers or queued calls");
    }
    status = set_number(config, "busy_timeout", 1, MOST_TIMEOUT_MS, DEFAULT_BUSY_TIMEOUT_MS,
                        &options->busy_timeout_ms, error);
    if (status == MASTRA_OK) {
        status = set_number(config, "close_timeout", 1, MOST_TIMEOUT_MS, DEFAULT_CLOSE_TIMEOUT_MS,
                            &options->close_timeout_ms, error);
    }
    if (status == MASTRA_OK) {
        status = set_count(config, "readers", MOST_READERS, DEFAULT_READERS, &options->readers, error);
    }
    if (status == MASTRA_OK) {
        status = set_count(config, "queue", MOST_QUEUED, DEFAULT_QUEUE_LIMIT, &options->queue_limit, error);
    }
    if (status == MASTRA_OK && !options->disable_init) {
        status = ms_config_flag(config, "disable_init", &options->disable_init, error);
    }
    return status;
}

static const mastra_allocator *given_allocator(const mastra_options *options)
{
    if (!options || options->size < offsetof(mastra_options, allocator) + sizeof(void *)) {
        return NULL;
    }
    return options->allocator;
}

/* Opening. */

static bool init_locks(mastra_store *store)
{
    pthread_condattr_t monotonic;
    bool ok;

    if (pthread_condattr_init(&monotonic) != 0) {
        return false;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    ok = pthread_mutex_init(&store->lock, NULL) == 0 && pthread_mutex_init(&store->init_lock, NULL) == 0 &&
         pthread_cond_init(&store->idle, &monotonic) == 0 && ms_executor_init(&store->executor) == MASTRA_OK;
    pthread_condattr_destroy(&monotonic);
    return ok;
}

static void free_store(mastra_store *store)
{
    struct ms_heap *heap = store->heap;

    if (store->backend) {
        store->backend->ops->close(store->backend);
    }
    ms_async_free(store->async);
    if (store->service) {
        store->service->release(store->service);
    }
    ms_heap_release(heap, store->owner);
    ms_executor_destroy(&store->executor);
    pthread_cond_destroy(&store->idle);
    pthread_mutex_destroy(&store->init_lock);
    pthread_mutex_destroy(&store->lock);
    ms_heap_release(heap, store);
    ms_heap_unref(heap);
}

static mastra_status open_backend(mastra_store *store, struct ms_config *config, mastra_error *error)
{
    const struct ms_backend_ops *ops = ms_backend_find(config->scheme);
    mastra_status status;

    if (!ops) {
        return ms_error_set(error, MASTRA_NOT_SUPPORTED,
                            "url has the scheme \"%.*s\", which no backend of this build serves",
                            (int)config->scheme.len, config->scheme.ptr);
    }
    config->heap = store->heap;
    config->log = &store->log;
    status = ops->open(config, &store->backend, error);
    if (status == MASTRA_OK) {
        store->traits = ops->traits(store->backend);
    }
    return status;
}

/* "host:pid:uuid", unless the caller or the URL says who it is. */
static mastra_status choose_owner(mastra_store *store, struct ms_config *config, mastra_error *error)
{
    mastra_str given = mastra_str_of(config->options.lock_owner);
    mastra_str from_url = ms_config_param(config, "owner");
    char host[64] = "localhost";
    char owner[sizeof host + MS_UUID_LEN + 32];
    char uuid[MS_UUID_LEN + 1];

    if (!given.ptr) {
        given = from_url;
    }
    if (given.ptr && (given.len == 0 || !ms_utf8_valid(given) || memchr(given.ptr, '\0', given.len))) {
        return ms_error_argument(error, "owner", given, "must be valid UTF-8 and not empty");
    }
    if (!given.ptr) {
        if (!ms_uuid_v4(uuid)) {
            return ms_error_set(error, MASTRA_INTERNAL, "the system's random generator failed");
        }
        gethostname(host, sizeof host - 1);
        snprintf(owner, sizeof owner, "%s:%ld:%s", host, (long)store->pid, uuid);
        given = mastra_str_of(owner);
    }
    store->owner = ms_heap_strdup(store->heap, given);
    return store->owner ? MASTRA_OK : ms_error_oom(error);
}

mastra_status ms_store_url(const char *url, const char *scheme, struct ms_arena *arena,
                           struct ms_config *config, mastra_error *error)
{
    mastra_status status;

    config->scheme = mastra_str_of(scheme);
    if (!url || strncmp(url + strspn(url, "abcdefghijklmnopqrstuvwxyz"), "://", 3) != 0) {
        return MASTRA_OK;
    }
    status = ms_url_parse(url, arena, config, error);
    if (status == MASTRA_OK && ms_backend_find(config->scheme) != ms_backend_find(mastra_str_of(scheme))) {
        return ms_error_argument(error, "url", config->scheme, "has a scheme of another backend");
    }
    return status;
}

/* How a store is named. */
struct naming {
    const char *url;
    const char *scheme; /* NULL: the URL's */
    const void *special;
};

static mastra_status build(mastra_store *store, const struct naming *naming, const mastra_options *options,
                           mastra_error *error)
{
    struct ms_arena *arena = ms_arena_new(store->heap, 0);
    struct ms_config config = {.special = naming->special};
    mastra_status status;

    if (!arena) {
        return ms_error_oom(error);
    }
    status = naming->scheme ? ms_store_url(naming->url, naming->scheme, arena, &config, error)
                            : ms_url_parse(naming->url, arena, &config, error);
    if (status == MASTRA_OK) {
        status = resolve_options(options, &config, error);
    }
    if (status == MASTRA_OK) {
        store->options = config.options;
        store->log.fn = config.options.log;
        store->log.user = config.options.log_user;
        store->log.level = config.options.log_level;
        status = choose_owner(store, &config, error);
    }
    if (status == MASTRA_OK) {
        status = open_backend(store, &config, error);
    }
    atomic_store(&store->ready, store->options.disable_init);
    ms_arena_free(arena);
    return status;
}

static mastra_status new_store(const mastra_options *options, mastra_store **ret, mastra_error *error)
{
    struct ms_heap *heap = ms_heap_new(given_allocator(options));
    mastra_store *store = heap ? ms_heap_calloc(heap, sizeof *store) : NULL;

    if (!store) {
        ms_heap_unref(heap);
        return ms_error_oom(error);
    }
    store->heap = heap;
    store->pid = getpid();
    if (!init_locks(store)) {
        free_store(store);
        return ms_error_oom(error);
    }
    *ret = store;
    return MASTRA_OK;
}

/* An error before there is a store knows no backend's name: its id takes the general form. */
static mastra_status report_open(mastra_error *error, const mastra_error *inner)
{
    mastra_error full = *inner;

    ms_error_copy(full.operation, sizeof full.operation, mastra_str_of(op_open.name));
    ms_error_copy(full.id, sizeof full.id, mastra_str_of("MASTRA_STORAGE_STORE_INITIALIZATION_FAILED"));
    ms_error_copy(full.category, sizeof full.category,
                  mastra_str_of(full.status == MASTRA_INVALID_ARGUMENT ? "USER" : "THIRD_PARTY"));
    ms_error_export(error, &full);
    return full.status;
}

static mastra_status open_named(const struct naming *naming, const mastra_options *options,
                                mastra_store **ret_store, mastra_error *error)
{
    mastra_error inner = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status;

    if (!ret_store) {
        ms_error_argument(&inner, "ret_store", mastra_str_of(NULL), "must not be NULL");
        return report_open(error, &inner);
    }
    status = new_store(options, &store, &inner);
    if (status == MASTRA_OK) {
        status = build(store, naming, options, &inner);
    }
    if (status != MASTRA_OK) {
        if (store) {
            free_store(store);
        }
        return report_open(error, &inner);
    }
    *ret_store = store;
    return MASTRA_OK;
}

mastra_status mastra_open(const char *url, const mastra_options *options, mastra_store **ret_store,
                          mastra_error *error)
{
    const struct naming naming = {.url = url};

    return open_named(&naming, options, ret_store, error);
}

mastra_status ms_store_open(const char *scheme, const char *url, const void *special,
                            const mastra_options *options, mastra_store **ret_store, mastra_error *error)
{
    const struct naming naming = {.url = url, .scheme = scheme, .special = special};

    return open_named(&naming, options, ret_store, error);
}

mastra_status ms_store_ensure_schema(mastra_store *store, mastra_error *error)
{
    bool grouped = (store->traits & MS_TRAIT_GROUP_COMMIT) != 0;
    mastra_status status;

    if (grouped) {
        ms_executor_acquire(&store->executor);
    }
    status = store->backend->ops->ensure_schema(store->backend, error);
    if (status == MASTRA_OK) {
        atomic_store_explicit(&store->ready, true, memory_order_release);
    }
    if (grouped) {
        ms_executor_release(&store->executor);
    }
    return status;
}

void ms_store_tables_changed(mastra_store *store)
{
    if (!store->options.disable_init) {
        atomic_store_explicit(&store->ready, false, memory_order_release);
    }
}

mastra_status ms_store_init(struct ms_call *call)
{
    mastra_status status;

    pthread_mutex_lock(&call->store->init_lock);
    status = ms_store_ensure_schema(call->store, &call->error);
    pthread_mutex_unlock(&call->store->init_lock);
    return status;
}

mastra_status mastra_init(mastra_store *store, mastra_error *error)
{
    struct ms_call call;
    mastra_status status = ms_call_enter(&call, store, &ms_op_init);

    if (status == MASTRA_OK) {
        status = ms_store_init(&call);
    }
    return ms_call_end(&call, status, error);
}

/* Closing. */

static void wait_until_idle(mastra_store *store, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int timed_out = 0;

    while (store->calls > 0 && !timed_out) {
        timed_out = pthread_cond_timedwait(&store->idle, &store->lock, &until);
    }
    if (store->calls > 0 && store->backend->ops->interrupt) {
        store->backend->ops->interrupt(store->backend);
    }
    while (store->calls > 0) {
        pthread_cond_wait(&store->idle, &store->lock);
    }
}

/* The first to come closes. From then on async and service stay as they are. */
static mastra_status begin_closing(mastra_store *store, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    pthread_mutex_lock(&store->lock);
    if (store->closing) {
        status = ms_error_set(error, MASTRA_CLOSED, "the store is being closed already");
    } else if (store->service && store->service->inside(store->service)) {
        status = ms_error_set(error, MASTRA_USAGE, "a callback of a store must not close it");
    } else {
        store->closing = true;
    }
    pthread_mutex_unlock(&store->lock);
    return status;
}

mastra_status mastra_close(mastra_store *store, mastra_error *error)
{
    int64_t deadline_ns;
    struct ms_call call;
    mastra_status status;

    if (!store) {
        return MASTRA_OK;
    }
    deadline_ns = ms_clock_monotonic_ns() + store->options.close_timeout_ms * 1000000;
    status = ms_call_enter(&call, store, &op_close);
    if (status == MASTRA_OK) {
        status = begin_closing(store, &call.error);
    }
    /* Out again before the wait: closing waits for all calls. */
    status = ms_call_end(&call, status, error);
    if (status != MASTRA_OK) {
        return status;
    }
    if (store->service) {
        store->service->stop(store->service);
    }
    if (store->async) {
        ms_async_stop(store->async, deadline_ns);
    }
    pthread_mutex_lock(&store->lock);
    wait_until_idle(store, deadline_ns);
    pthread_mutex_unlock(&store->lock);
    free_store(store);
    return MASTRA_OK;
}

struct ms_heap *ms_store_heap(const mastra_store *store)
{
    return store->heap;
}

int64_t ms_store_sequence(mastra_store *store, size_t count)
{
    int64_t now = ms_clock_now_us();
    int64_t last = atomic_load(&store->sequence);
    int64_t first;

    do {
        first = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&store->sequence, &last, first + (int64_t)count - 1));
    return first;
}

mastra_status ms_store_enter(mastra_store *store, bool submits, mastra_error *error)
{
    enum ms_async_role role;
    bool closing;

    if (store->pid != getpid()) {
        return ms_error_set(error, MASTRA_FORKED, "the store was opened before this process was forked");
    }
    pthread_mutex_lock(&store->lock);
    role = store->async ? ms_async_role(store->async) : MS_ASYNC_OUTSIDE;
    closing = store->closing && role != MS_ASYNC_RUNNER;
    if (!closing && (submits || role != MS_ASYNC_DELIVERY)) {
        store->calls++;
        pthread_mutex_unlock(&store->lock);
        return MASTRA_OK;
    }
    pthread_mutex_unlock(&store->lock);
    if (role == MS_ASYNC_DELIVERY && !submits) {
        return ms_error_set(error, MASTRA_USAGE,
                            "a callback of a store may only submit asynchronous calls to it");
    }
    return ms_error_set(error, MASTRA_CLOSED, "the store is closed");
}

void ms_store_leave(mastra_store *store)
{
    pthread_mutex_lock(&store->lock);
    if (--store->calls == 0 && store->closing) {
        pthread_cond_broadcast(&store->idle);
    }
    pthread_mutex_unlock(&store->lock);
}

struct ms_async *ms_store_async(mastra_store *store, mastra_error *error)
{
    struct ms_async *async;
    bool closing;

    /* What is made once the store is closing nobody would stop. */
    pthread_mutex_lock(&store->lock);
    closing = store->closing;
    if (!store->async && !closing) {
        store->async = ms_async_new(store, store->heap, store->options.queue_limit);
    }
    async = store->async;
    pthread_mutex_unlock(&store->lock);
    if (!async && closing) {
        ms_error_set(error, MASTRA_CLOSED, "the store is closed");
    } else if (!async) {
        ms_error_oom(error);
    }
    return async;
}

mastra_status ms_store_service(mastra_store *store, ms_service_fn start, struct ms_service **ret,
                               mastra_error *error)
{
    bool closing;

    pthread_mutex_lock(&store->lock);
    closing = store->closing;
    if (!store->service && !closing && start) {
        store->service = start(store);
    }
    *ret = store->service;
    pthread_mutex_unlock(&store->lock);
    if (start && closing) {
        return ms_error_set(error, MASTRA_CLOSED, "the store is closed");
    }
    return start && !*ret ? ms_error_oom(error) : MASTRA_OK;
}
