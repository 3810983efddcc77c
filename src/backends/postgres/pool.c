#include "backends/postgres/pool_internal.h"
#include "base/clock.h"
#include "base/error.h"

#include <unistd.h>

#define NS_PER_MS   INT64_C(1000000)

/* One that was silent for longer is asked for a sign of life: its network may have forgotten it without a word. */
#define SILENT_NS   (60 * 1000 * NS_PER_MS)
#define ASK_MOST_MS 5000

/* Lists; the pool's lock is held. */

static void put_idle(struct pg_pool *pool, struct pg_connection *connection)
{
    connection->idle_since_ns = ms_clock_monotonic_ns();
    connection->client = NULL;
    connection->previous = NULL;
    connection->next = pool->idle;
    if (pool->idle) {
        pool->idle->previous = connection;
    } else {
        pool->idle_last = connection;
    }
    pool->idle = connection;
    pool->idle_count++;
    pg_keeper_expect(pool, pg_keeper_due(pool, connection));
}

void pg_pool_take_idle(struct pg_pool *pool, struct pg_connection *connection)
{
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        pool->idle = connection->next;
    }
    if (connection->next) {
        connection->next->previous = connection->previous;
    } else {
        pool->idle_last = connection->previous;
    }
    connection->next = NULL;
    connection->previous = NULL;
    pool->idle_count--;
}

static struct waiter *first_waiter(struct pg_pool *pool)
{
    struct waiter *waiter = pool->waiters;

    if (waiter) {
        pool->waiters = waiter->next;
        if (!pool->waiters) {
            pool->waiters_end = &pool->waiters;
        }
        waiter->next = NULL;
        pool->waiting--;
    }
    return waiter;
}

static void leave_line(struct pg_pool *pool, const struct waiter *waiter)
{
    struct waiter **at = &pool->waiters;

    while (*at && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = waiter->next;
        if (!*at) {
            pool->waiters_end = at;
        }
        pool->waiting--;
    }
}

void pg_pool_hand_on(struct pg_pool *pool, struct pg_connection *connection)
{
    struct waiter *waiter = first_waiter(pool);

    if (waiter) {
        waiter->given = connection;
        pthread_cond_signal(&waiter->wake);
    } else {
        put_idle(pool, connection);
    }
}

void pg_pool_hand_on_place(struct pg_pool *pool)
{
    struct waiter *waiter = first_waiter(pool);

    if (waiter) {
        waiter->may_open = true;
        pthread_cond_signal(&waiter->wake);
    } else {
        pool->total--;
        if (pool->total < pool->settings.min) {
            pg_keeper_expect(pool, pool->refill_ns);
        }
    }
}

/* Closing and opening; without the lock. */

void pg_disconnect(struct pg_connection *connection)
{
    struct ms_heap *heap;

    if (!connection) {
        return;
    }
    heap = connection->pool->heap;
    pg_totals_drop(connection);
    PQfinish(connection->pg);
    ms_heap_release(heap, connection->statements);
    ms_heap_release(heap, connection);
}

void pg_pool_retire(struct pg_connection *connection)
{
    struct pg_pool *pool = connection->pool;

    pg_disconnect(connection);
    pthread_mutex_lock(&pool->lock);
    pg_pool_hand_on_place(pool);
    pthread_mutex_unlock(&pool->lock);
}

mastra_status pg_pool_connect(struct pg_pool *pool, const struct pg_interrupt *interrupt,
                              const char *application_name, int64_t deadline_ns, struct pg_connection **ret,
                              mastra_error *error)
{
    const struct pg_origin origin = {.pool = pool,
                                     .heap = pool->heap,
                                     .keywords = &pool->keywords,
                                     .settings = &pool->settings,
                                     .interrupt = interrupt,
                                     .application_name = application_name,
                                     .deadline_ns = deadline_ns};
    mastra_status status = pg_connect(&origin, ret, error);

    if (status == MASTRA_OK) {
        pthread_mutex_lock(&pool->lock);
        (*ret)->number = ++pool->last_number;
        pthread_mutex_unlock(&pool->lock);
    }
    return status;
}

/* The pool. */

static void free_pool(struct pg_pool *pool)
{
    struct ms_heap *heap = pool->heap;
    const struct pg_connect_ops *ops = pool->settings.connect;

    if (ops && ops->release) {
        ops->release(pool->settings.connect_arg);
    }
    while (pool->scopes) {
        struct scope *scope = pool->scopes;

        pool->scopes = scope->next;
        ms_heap_release(heap, scope);
    }
    pg_cancels_unref(pool->cancels);
    pg_interrupt_release(&pool->closing);
    pg_keywords_release(&pool->keywords);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    ms_heap_release(heap, pool);
    ms_heap_unref(heap);
}

static bool init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    bool ok;

    if (pthread_condattr_init(&monotonic) != 0) {
        return false;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    ok = pthread_cond_init(condition, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    return ok;
}

mastra_status pg_pool_new(struct ms_heap *heap, const struct pg_keywords *keywords,
                          const struct pg_pool_settings *settings, struct pg_pool **ret, mastra_error *error)
{
    struct pg_pool *pool = ms_heap_calloc(heap, sizeof *pool);
    mastra_status status;

    if (!pool) {
        if (settings->connect && settings->connect->release) {
            settings->connect->release(settings->connect_arg);
        }
        return ms_error_oom(error);
    }
    pool->heap = ms_heap_ref(heap);
    atomic_init(&pool->refs, 1);
    pool->pid = getpid();
    pool->settings = *settings;
    pool->waiters_end = &pool->waiters;
    pg_keywords_init(&pool->keywords, heap);
    pthread_mutex_init(&pool->lock, NULL);
    init_condition(&pool->changed);
    status = pg_interrupt_init(&pool->closing, error);
    if (status == MASTRA_OK) {
        pool->cancels = pg_cancels_new();
        if (!pool->cancels || !pg_keywords_copy(&pool->keywords, keywords)) {
            status = ms_error_oom(error);
        }
    }
    if (status != MASTRA_OK) {
        free_pool(pool);
        return status;
    }
    *ret = pool;
    return MASTRA_OK;
}

struct pg_pool *pg_pool_ref(struct pg_pool *pool)
{
    atomic_fetch_add(&pool->refs, 1);
    return pool;
}

void pg_pool_unref(struct pg_pool *pool)
{
    /* A child of fork leaves alone what is its parent's. */
    if (!pool || pg_pool_forked(pool) || atomic_fetch_sub(&pool->refs, 1) != 1) {
        return;
    }
    pg_keeper_stop(pool);
    while (pool->idle) {
        struct pg_connection *connection = pool->idle;

        pg_pool_take_idle(pool, connection);
        pg_disconnect(connection);
    }
    free_pool(pool);
}

bool pg_pool_forked(const struct pg_pool *pool)
{
    return pool->pid != getpid();
}

const struct pg_pool_settings *pg_pool_settings_of(const struct pg_pool *pool)
{
    return &pool->settings;
}

struct pg_cancels *pg_pool_cancels(struct pg_pool *pool)
{
    return pool->cancels;
}

void pg_pool_count(struct pg_pool *pool, struct pg_pool_counts *ret)
{
    pthread_mutex_lock(&pool->lock);
    ret->total = pool->total;
    ret->idle = pool->idle_count;
    ret->waiting = pool->waiting;
    pthread_mutex_unlock(&pool->lock);
}

uint32_t pg_pool_scope(struct pg_pool *pool, const char *schema)
{
    size_t size = strlen(schema) + 1;
    struct scope *scope;
    uint32_t number = 0;

    pthread_mutex_lock(&pool->lock);
    for (scope = pool->scopes; scope && strcmp(scope->schema, schema) != 0; scope = scope->next) {
    }
    if (!scope) {
        scope = ms_heap_alloc(pool->heap, sizeof *scope + size);
        if (scope) {
            memcpy(scope->schema, schema, size);
            scope->number = pool->scopes ? pool->scopes->number + 1 : 1;
            scope->next = pool->scopes;
            pool->scopes = scope;
        }
    }
    number = scope ? scope->number : 0;
    pthread_mutex_unlock(&pool->lock);
    return number;
}

/* Clients. */

mastra_status pg_client_init(struct pg_client *client, struct pg_pool *pool, const struct ms_log *log,
                             mastra_error *error)
{
    mastra_status status = pg_interrupt_init(&client->interrupt, error);

    client->pool = status == MASTRA_OK ? pg_pool_ref(pool) : NULL;
    client->log = log;
    return status;
}

void pg_client_release(struct pg_client *client)
{
    if (client->pool) {
        pg_interrupt_release(&client->interrupt);
        pg_pool_unref(client->pool);
        client->pool = NULL;
    }
}

void pg_client_interrupt(struct pg_client *client)
{
    struct pg_pool *pool = client->pool;

    pg_interrupt_raise(&client->interrupt);
    pthread_mutex_lock(&pool->lock);
    for (struct waiter *at = pool->waiters; at; at = at->next) {
        if (at->client == client) {
            pthread_cond_signal(&at->wake);
        }
    }
    pthread_mutex_unlock(&pool->lock);
}

/* Borrowing. */

static bool is_interrupted(const struct pg_client *client)
{
    return client && atomic_load(&client->interrupt.raised);
}

/* Not marked as retriable: whoever set the limit does not want to be kept waiting for a multiple of it. */
static mastra_status all_taken(const struct pg_pool *pool, mastra_error *error)
{
    return ms_error_set(error, MASTRA_TIMEOUT,
                        "all %u connections of the pool are in use, and none was given back in time",
                        (unsigned)pool->settings.max);
}

/* Waits in line; the lock is held on entry and on return. What comes is given->given or the right to open one. */
static mastra_status stand_in_line(struct pg_pool *pool, struct waiter *waiter, int64_t deadline_ns,
                                   mastra_error *error)
{
    struct timespec until = {deadline_ns / (1000 * NS_PER_MS), deadline_ns % (1000 * NS_PER_MS)};
    bool late = false;

    if (!init_condition(&waiter->wake)) {
        return ms_error_oom(error);
    }
    *pool->waiters_end = waiter;
    pool->waiters_end = &waiter->next;
    pool->waiting++;
    while (!waiter->given && !waiter->may_open && !late && !is_interrupted(waiter->client)) {
        if (deadline_ns == INT64_MAX) {
            pthread_cond_wait(&waiter->wake, &pool->lock);
        } else {
            late = pthread_cond_timedwait(&waiter->wake, &pool->lock, &until) != 0;
        }
    }
    pthread_cond_destroy(&waiter->wake);
    if (waiter->given || waiter->may_open) {
        return MASTRA_OK;
    }
    leave_line(pool, waiter);
    return late ? all_taken(pool, error) : ms_error_set(error, MASTRA_CLOSED, "the store is closed");
}

/* An idle connection, or a place for a new one. */
static mastra_status find_place(struct pg_pool *pool, struct waiter *waiter, int64_t deadline_ns,
                                mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    pthread_mutex_lock(&pool->lock);
    if (pool->idle && !pool->waiters) {
        waiter->given = pool->idle;
        pg_pool_take_idle(pool, waiter->given);
    } else if (pool->total < pool->settings.max && !pool->waiters) {
        waiter->may_open = true;
        pool->total++;
    } else {
        status = stand_in_line(pool, waiter, deadline_ns, error);
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

/* Whether one that was idle can be used. */
static bool is_fit(struct pg_pool *pool, struct pg_connection *connection,
                   const struct pg_interrupt *interrupt, int64_t deadline_ns)
{
    int64_t now_ns = ms_clock_monotonic_ns();

    if (connection->expires_ns <= now_ns || !pg_connection_alive(connection)) {
        return false;
    }
    if (connection->checked_ns > atomic_load(&pool->suspect_ns) &&
        now_ns - connection->checked_ns < SILENT_NS) {
        return true;
    }
    return pg_connection_ask(connection, interrupt, pg_deadline(deadline_ns, ASK_MOST_MS));
}

static mastra_status open_in_place(struct pg_pool *pool, const struct pg_interrupt *interrupt,
                                   int64_t deadline_ns, struct pg_connection **ret, mastra_error *error)
{
    mastra_status status = pg_pool_connect(pool, interrupt, NULL, deadline_ns, ret, error);

    if (status != MASTRA_OK) {
        pthread_mutex_lock(&pool->lock);
        pg_pool_hand_on_place(pool);
        pthread_mutex_unlock(&pool->lock);
        return status;
    }
    pg_keeper_start(pool);
    return MASTRA_OK;
}

static mastra_status borrow(struct pg_pool *pool, struct pg_client *client, int64_t deadline_ns,
                            struct pg_connection **ret, mastra_error *error)
{
    const struct pg_interrupt *interrupt = client ? &client->interrupt : NULL;

    if (pg_pool_forked(pool)) {
        return ms_error_set(error, MASTRA_FORKED,
                            "the connection pool was opened before this process was forked");
    }
    for (;;) {
        struct waiter waiter = {.client = client};
        mastra_status status;

        if (is_interrupted(client)) {
            return ms_error_set(error, MASTRA_CLOSED, "the store is closed");
        }
        status = find_place(pool, &waiter, deadline_ns, error);
        if (status != MASTRA_OK) {
            return status;
        }
        if (waiter.may_open) {
            status = open_in_place(pool, interrupt, deadline_ns, ret, error);
            if (status == MASTRA_OK) {
                (*ret)->client = client;
            }
            return status;
        }
        if (is_fit(pool, waiter.given, interrupt, deadline_ns)) {
            *ret = waiter.given;
            (*ret)->client = client;
            return MASTRA_OK;
        }
        pg_pool_retire(waiter.given);
    }
}

mastra_status pg_pool_borrow(struct pg_client *client, int64_t deadline_ns, struct pg_connection **ret,
                             mastra_error *error)
{
    struct pg_pool *pool = client->pool;

    return borrow(pool, client, pg_deadline(deadline_ns, pool->settings.connection_timeout_ms), ret, error);
}

void pg_pool_give_back(struct pg_connection *connection)
{
    struct pg_pool *pool;

    if (!connection) {
        return;
    }
    pool = connection->pool;
    connection->client = NULL;
    if (connection->lost) {
        /* Others may be as well: the server may have been restarted. */
        atomic_store(&pool->suspect_ns, ms_clock_monotonic_ns());
    }
    if (connection->lost || connection->worn || connection->expires_ns <= ms_clock_monotonic_ns() ||
        PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        pg_pool_retire(connection);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pg_pool_hand_on(pool, connection);
    pthread_mutex_unlock(&pool->lock);
}

mastra_status pg_connect_apart(struct pg_client *client, const char *application_name, int64_t deadline_ns,
                               struct pg_connection **ret, mastra_error *error)
{
    struct pg_pool *pool = client->pool;
    mastra_status status;

    if (pg_pool_forked(pool)) {
        return ms_error_set(error, MASTRA_FORKED,
                            "the connection pool was opened before this process was forked");
    }
    status = pg_pool_connect(pool, &client->interrupt, application_name,
                             pg_deadline(deadline_ns, pool->settings.connection_timeout_ms), ret, error);
    if (status == MASTRA_OK) {
        (*ret)->client = client;
    }
    return status;
}

/* Lending to the program. */

mastra_status pg_pool_lend(struct pg_pool *pool, int64_t timeout_ms, PGconn **ret, mastra_error *error)
{
    int64_t limit_ms = timeout_ms == 0 ? pool->settings.connection_timeout_ms : timeout_ms;
    struct pg_connection *connection = NULL;
    mastra_status status = borrow(pool, NULL, pg_deadline(INT64_MAX, limit_ms), &connection, error);

    if (status != MASTRA_OK || !connection) {
        return status;
    }
    if (!pg_connection_lend(connection)) {
        pg_pool_retire(connection);
        ms_error_set(error, MASTRA_UNAVAILABLE, "the connection to the server was lost");
        return MASTRA_UNAVAILABLE;
    }
    pg_pool_ref(pool);
    pthread_mutex_lock(&pool->lock);
    connection->next = pool->lent;
    pool->lent = connection;
    pthread_mutex_unlock(&pool->lock);
    *ret = connection->pg;
    return MASTRA_OK;
}

bool pg_pool_take_back(struct pg_pool *pool, PGconn *pg, bool discard)
{
    struct pg_connection **at = &pool->lent;
    struct pg_connection *connection;

    pthread_mutex_lock(&pool->lock);
    while (*at && (*at)->pg != pg) {
        at = &(*at)->next;
    }
    connection = *at;
    if (connection) {
        *at = connection->next;
        connection->next = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!connection) {
        return false;
    }
    if (discard || !pg_connection_take_back(connection)) {
        connection->lost = true;
    }
    pg_pool_give_back(connection);
    pg_pool_unref(pool);
    return true;
}
