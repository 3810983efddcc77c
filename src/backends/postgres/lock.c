/*
 * Advisory locks beside the lease rows of run locks, for programs that know only
 * pg_try_advisory_lock(hashtext(workflowName || ':' || runId)). They belong to a session: all those of a store are held by
 * one connection of its own, which is opened with the first and closed when it has held none for a while.
 */
#include "backends/postgres/client.h"
#include "backends/postgres/connection.h"
#include "backends/postgres/wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "base/thread.h"

#define NS_PER_MS        INT64_C(1000000)

#define APPLICATION_NAME "mastra-store run locks"
#define LINGER_MS        30000 /* how long a connection without locks stays, where the pool sets no limit */

struct ms_guard {
    struct ms_guard *next;
    struct ms_guarded run; /* its texts stand behind the struct */
    uint64_t session;      /* the connection that holds the lock; 0: nobody of ours does */
    int64_t until_ns;      /* when the lease has run out */
    bool missed;           /* it was told that somebody else has the lock */
};

struct pg_guards {
    struct pg_backend *backend;
    pthread_mutex_t lock; /* guards all below, and is held while the server is asked */
    struct ms_guard *kept;
    struct pg_connection *connection;
    int64_t free_since_ns; /* the connection holds no lock that is kept */
    pthread_t warden;
    pthread_cond_t changed;
    bool wards; /* the warden runs */
    bool stopping;
};

struct pg_guards *pg_guards_new(struct pg_backend *backend)
{
    struct pg_guards *guards = ms_heap_calloc(backend->heap, sizeof *guards);
    pthread_condattr_t monotonic;

    if (!guards) {
        return NULL;
    }
    if (pthread_condattr_init(&monotonic) != 0) {
        ms_heap_release(backend->heap, guards);
        return NULL;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    guards->backend = backend;
    pthread_mutex_init(&guards->lock, NULL);
    pthread_cond_init(&guards->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return guards;
}

/* The texts of a guard are copied behind it. */
static mastra_str put_text(char **at, mastra_str text)
{
    mastra_str copy = {*at, text.len};

    memcpy(*at, text.ptr, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

static struct ms_guard *new_guard(struct pg_guards *guards, const struct ms_guarded *run)
{
    size_t texts = run->workflow_name.len + run->run_id.len + run->owner_id.len + 3;
    struct ms_guard *guard = ms_heap_calloc(guards->backend->heap, sizeof *guard + texts);
    char *at = (char *)(guard + 1);

    if (!guard) {
        return NULL;
    }
    guard->run.workflow_name = put_text(&at, run->workflow_name);
    guard->run.run_id = put_text(&at, run->run_id);
    guard->run.owner_id = put_text(&at, run->owner_id);
    guard->run.generation = run->generation;
    return guard;
}

static bool is_of(const struct ms_guard *guard, const struct ms_guarded *run)
{
    return ms_str_compare(guard->run.workflow_name, run->workflow_name) == 0 &&
           ms_str_compare(guard->run.run_id, run->run_id) == 0 &&
           ms_str_compare(guard->run.owner_id, run->owner_id) == 0 &&
           (run->generation == 0 || guard->run.generation == run->generation);
}

/* The session. All that follows is called with the lock held. */

static bool holds(const struct pg_guards *guards, const struct ms_guard *guard)
{
    return guards->connection && guard->session != 0 && guard->session == guards->connection->number;
}

/* Whatever the session held is free now. */
static void hang_up(struct pg_guards *guards)
{
    size_t lost = 0;

    for (const struct ms_guard *at = guards->kept; at; at = at->next) {
        lost += holds(guards, at);
    }
    pg_disconnect(guards->connection);
    guards->connection = NULL;
    if (lost > 0) {
        ms_log_write(
            guards->backend->log, MASTRA_LOG_WARNING,
            "the connection that held the advisory locks of %zu runs was lost; their leases go on, and the "
            "locks are tried for again when these are renewed",
            lost);
    }
}

/* A limit that the role may have on idle sessions would end this one, whose work is to be idle. */
static void stay_idle(struct pg_connection *connection)
{
    mastra_error ignored = MASTRA_ERROR_INIT;

    if (PQserverVersion(connection->pg) >= 140000) {
        pg_execute(connection, "SET idle_session_timeout TO 0", &ignored);
    }
}

static mastra_status need_session(struct pg_guards *guards, mastra_error *error)
{
    mastra_status status;

    if (guards->connection && !pg_connection_alive(guards->connection)) {
        hang_up(guards);
    }
    if (guards->connection) {
        return MASTRA_OK;
    }
    status =
        pg_connect_apart(&guards->backend->client, APPLICATION_NAME, INT64_MAX, &guards->connection, error);
    if (status == MASTRA_OK) {
        stay_idle(guards->connection);
        guards->free_since_ns = ms_clock_monotonic_ns();
    }
    return status;
}

static mastra_status take_answer(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    (void)step;
    (void)error;
    *(bool *)arg = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
    return MASTRA_OK;
}

/* Asks the session; one that was lost meanwhile is hung up. */
static mastra_status ask(struct pg_guards *guards, const char *sql, const struct ms_guard *guard, bool *ret,
                         mastra_error *error)
{
    const char *const values[] = {guard->run.workflow_name.ptr, guard->run.run_id.ptr};
    const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql, .param_count = 2, .values = values};
    mastra_status status = pg_exchange(guards->connection, &step, 1, take_answer, ret, NULL, error);

    if (guards->connection->lost) {
        hang_up(guards);
    }
    return status;
}

/* The lock is counted by the server: taken twice it is to be given back twice, so that a run may have several guards. */
static mastra_status take_lock(struct pg_guards *guards, struct ms_guard *guard, mastra_error *error)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext($1::text || ':' || $2::text))";
    bool taken = false;
    mastra_status status = MASTRA_OK;

    for (int attempt = 0; attempt < 2; attempt++) {
        status = need_session(guards, error);
        if (status != MASTRA_OK) {
            return status;
        }
        status = ask(guards, sql, guard, &taken, error);
        /* A connection that had been lost before it was asked is no reason to fail. */
        if (status != MASTRA_UNAVAILABLE) {
            break;
        }
    }
    guard->session = status == MASTRA_OK && taken ? guards->connection->number : 0;
    return status;
}

static void give_lock_back(struct pg_guards *guards, struct ms_guard *guard)
{
    static const char sql[] =
        "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtext($1::text || ':' || $2::text))";
    mastra_error ignored = MASTRA_ERROR_INIT;
    bool given = false;

    if (holds(guards, guard) && ask(guards, sql, guard, &given, &ignored) != MASTRA_OK &&
        guards->connection) {
        /* What cannot be given back ends with its session. */
        hang_up(guards);
    }
    guard->session = 0;
    guards->free_since_ns = ms_clock_monotonic_ns();
}

static void free_guard(struct pg_guards *guards, struct ms_guard *guard)
{
    give_lock_back(guards, guard);
    ms_heap_release(guards->backend->heap, guard);
}

/* The warden: a thread that lets go what has run out, and the connection when it is not needed any more. */

static int64_t linger_until_ns(const struct pg_guards *guards)
{
    int64_t idle_ms = pg_pool_settings_of(guards->backend->client.pool)->idle_timeout_ms;

    if (guards->kept || !guards->connection) {
        return INT64_MAX;
    }
    return guards->free_since_ns + (idle_ms > 0 ? idle_ms : LINGER_MS) * NS_PER_MS;
}

/* Frees what has run out; when the next does. */
static int64_t let_go(struct pg_guards *guards)
{
    int64_t next_ns = INT64_MAX;
    struct ms_guard **at = &guards->kept;

    while (*at) {
        struct ms_guard *guard = *at;

        if (guard->until_ns <= ms_clock_monotonic_ns()) {
            *at = guard->next;
            free_guard(guards, guard);
        } else {
            next_ns = guard->until_ns < next_ns ? guard->until_ns : next_ns;
            at = &guard->next;
        }
    }
    return next_ns;
}

static void *warden_main(void *arg)
{
    struct pg_guards *guards = arg;

    pthread_mutex_lock(&guards->lock);
    while (!guards->stopping) {
        int64_t until_ns = let_go(guards);
        int64_t linger_ns = linger_until_ns(guards);
        struct timespec until;

        if (linger_ns <= ms_clock_monotonic_ns()) {
            hang_up(guards);
            continue;
        }
        until_ns = linger_ns < until_ns ? linger_ns : until_ns;
        until.tv_sec = until_ns / (1000 * NS_PER_MS);
        until.tv_nsec = until_ns % (1000 * NS_PER_MS);
        if (until_ns == INT64_MAX) {
            pthread_cond_wait(&guards->changed, &guards->lock);
        } else {
            pthread_cond_timedwait(&guards->changed, &guards->lock, &until);
        }
    }
    pthread_mutex_unlock(&guards->lock);
    return NULL;
}

/* Without a warden nothing is let go in time, so that nothing may be taken either. */
static mastra_status need_warden(struct pg_guards *guards, mastra_error *error)
{
    if (!guards->wards) {
        guards->wards = ms_thread_start(&guards->warden, warden_main, guards);
    }
    return guards->wards ? MASTRA_OK : ms_error_oom(error);
}

void pg_guards_free(struct pg_guards *guards)
{
    if (!guards) {
        return;
    }
    pthread_mutex_lock(&guards->lock);
    guards->stopping = true;
    pthread_cond_signal(&guards->changed);
    pthread_mutex_unlock(&guards->lock);
    if (guards->wards) {
        pthread_join(guards->warden, NULL);
    }
    /* The session's end gives its locks back. */
    pg_disconnect(guards->connection);
    while (guards->kept) {
        struct ms_guard *guard = guards->kept;

        guards->kept = guard->next;
        ms_heap_release(guards->backend->heap, guard);
    }
    pthread_cond_destroy(&guards->changed);
    pthread_mutex_destroy(&guards->lock);
    ms_heap_release(guards->backend->heap, guards);
}

/* The slots. */

static mastra_status try_guard(struct ms_backend *backend, const struct ms_guarded *run,
                               struct ms_guard **ret, bool *ret_held, mastra_error *error)
{
    struct pg_guards *guards = pg_backend_of(backend)->guards;
    struct ms_guard *guard;
    mastra_status status;

    *ret = NULL;
    *ret_held = true;
    if (!guards) {
        return MASTRA_OK;
    }
    guard = new_guard(guards, run);
    if (!guard) {
        return ms_error_oom(error);
    }
    pthread_mutex_lock(&guards->lock);
    status = need_warden(guards, error);
    if (status == MASTRA_OK) {
        status = take_lock(guards, guard, error);
        pthread_cond_signal(&guards->changed);
    }
    pthread_mutex_unlock(&guards->lock);
    if (status != MASTRA_OK) {
        ms_heap_release(guards->backend->heap, guard);
        return status;
    }
    *ret = guard;
    *ret_held = guard->session != 0;
    return MASTRA_OK;
}

static void drop(struct ms_backend *backend, struct ms_guard *guard)
{
    struct pg_guards *guards = pg_backend_of(backend)->guards;

    if (guard) {
        pthread_mutex_lock(&guards->lock);
        free_guard(guards, guard);
        pthread_cond_signal(&guards->changed);
        pthread_mutex_unlock(&guards->lock);
    }
}

static int64_t lease_end_ns(int64_t ttl_ms)
{
    return ms_clock_monotonic_ns() + ttl_ms * NS_PER_MS;
}

static void report_missed(struct pg_guards *guards, struct ms_guard *guard)
{
    if (!guard->missed) {
        guard->missed = true;
        ms_log_write(
            guards->backend->log, MASTRA_LOG_WARNING,
            "the run \"%s\" of \"%s\" is locked by its lease alone: another session holds its advisory lock",
            guard->run.run_id.ptr, guard->run.workflow_name.ptr);
    }
}

static void put_kept(struct pg_guards *guards, struct ms_guard *guard)
{
    guard->next = guards->kept;
    guards->kept = guard;
    pthread_cond_signal(&guards->changed);
}

static void keep(struct ms_backend *backend, struct ms_guard *guard, int64_t generation, int64_t ttl_ms)
{
    struct pg_guards *guards = pg_backend_of(backend)->guards;

    if (!guard) {
        return;
    }
    pthread_mutex_lock(&guards->lock);
    guard->run.generation = generation;
    guard->until_ns = lease_end_ns(ttl_ms);
    put_kept(guards, guard);
    if (!holds(guards, guard)) {
        report_missed(guards, guard);
    }
    pthread_mutex_unlock(&guards->lock);
}

static void try_again(struct pg_guards *guards, struct ms_guard *guard)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = need_warden(guards, &error);

    if (status == MASTRA_OK) {
        status = take_lock(guards, guard, &error);
    }
    if (status != MASTRA_OK) {
        ms_log_write(guards->backend->log, MASTRA_LOG_WARNING,
                     "the advisory lock of the run \"%s\" of \"%s\" could not be asked for: %s",
                     guard->run.run_id.ptr, guard->run.workflow_name.ptr, error.message);
    } else if (guard->session == 0) {
        report_missed(guards, guard);
    } else {
        guard->missed = false;
    }
}

/* A lease that an earlier process of the same owner took has no guard yet. */
static void renew(struct ms_backend *backend, const struct ms_guarded *run, int64_t ttl_ms)
{
    struct pg_guards *guards = pg_backend_of(backend)->guards;
    struct ms_guard *guard;

    if (!guards) {
        return;
    }
    pthread_mutex_lock(&guards->lock);
    if (guards->connection && !pg_connection_alive(guards->connection)) {
        hang_up(guards);
    }
    for (guard = guards->kept; guard && !is_of(guard, run); guard = guard->next) {
    }
    if (!guard) {
        guard = new_guard(guards, run);
        if (guard) {
            put_kept(guards, guard);
        }
    }
    if (guard) {
        guard->until_ns = lease_end_ns(ttl_ms);
        if (!holds(guards, guard)) {
            try_again(guards, guard);
        }
        pthread_cond_signal(&guards->changed);
    }
    pthread_mutex_unlock(&guards->lock);
}

static void release(struct ms_backend *backend, const struct ms_guarded *run)
{
    struct pg_guards *guards = pg_backend_of(backend)->guards;
    struct ms_guard **at;

    if (!guards) {
        return;
    }
    pthread_mutex_lock(&guards->lock);
    at = &guards->kept;
    while (*at) {
        struct ms_guard *guard = *at;

        if (is_of(guard, run)) {
            *at = guard->next;
            free_guard(guards, guard);
        } else {
            at = &guard->next;
        }
    }
    pthread_cond_signal(&guards->changed);
    pthread_mutex_unlock(&guards->lock);
}

const struct ms_guard_ops pg_guard_ops = {
    .try_guard = try_guard,
    .drop = drop,
    .keep = keep,
    .renew = renew,
    .release = release,
};
