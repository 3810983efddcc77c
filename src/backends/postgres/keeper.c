#include "backends/postgres/pool_internal.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"

#define NS_PER_MS INT64_C(1000000)

/* After a failure to fill the pool up. */
#define PAUSE_NS  (1000 * NS_PER_MS)

static bool needs_keeper(const struct pg_pool_settings *settings)
{
    return settings->idle_timeout_ms > 0 || settings->max_lifetime_s > 0 || settings->min > 0;
}

int64_t pg_keeper_due(const struct pg_pool *pool, const struct pg_connection *connection)
{
    int64_t idle_ns = INT64_MAX;

    if (pool->settings.idle_timeout_ms > 0 && pool->total > pool->settings.min) {
        idle_ns = connection->idle_since_ns + pool->settings.idle_timeout_ms * NS_PER_MS;
    }
    return idle_ns < connection->expires_ns ? idle_ns : connection->expires_ns;
}

static struct pg_connection *next_due(const struct pg_pool *pool, int64_t *ret_ns)
{
    struct pg_connection *first = NULL;

    *ret_ns = INT64_MAX;
    for (struct pg_connection *at = pool->idle_last; at; at = at->previous) {
        int64_t at_ns = pg_keeper_due(pool, at);

        if (at_ns < *ret_ns) {
            *ret_ns = at_ns;
            first = at;
        }
    }
    return first;
}

/* The lock is held on entry and on return. */
static void refill(struct pg_pool *pool)
{
    struct pg_connection *connection = NULL;
    int64_t deadline_ns = pg_deadline(INT64_MAX, pool->settings.connection_timeout_ms);
    mastra_error ignored = MASTRA_ERROR_INIT;
    mastra_status status;

    pool->total++;
    pthread_mutex_unlock(&pool->lock);
    status = pg_pool_connect(pool, &pool->closing, NULL, deadline_ns, &connection, &ignored);
    pthread_mutex_lock(&pool->lock);
    if (status == MASTRA_OK) {
        pg_pool_hand_on(pool, connection);
    } else {
        pool->refill_ns = ms_clock_monotonic_ns() + PAUSE_NS;
        pg_pool_hand_on_place(pool);
    }
}

static void wait_for_change(struct pg_pool *pool, int64_t until_ns)
{
    struct timespec until = {until_ns / (1000 * NS_PER_MS), until_ns % (1000 * NS_PER_MS)};

    pool->awake_ns = until_ns;
    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    } else {
        pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
    }
}

static void *keeper_main(void *arg)
{
    struct pg_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        int64_t now_ns = ms_clock_monotonic_ns();
        int64_t at_ns;
        struct pg_connection *due = next_due(pool, &at_ns);

        if (due && at_ns <= now_ns) {
            pg_pool_take_idle(pool, due);
            pthread_mutex_unlock(&pool->lock);
            pg_pool_retire(due);
            pthread_mutex_lock(&pool->lock);
        } else if (pool->total < pool->settings.min && pool->refill_ns <= now_ns) {
            refill(pool);
        } else {
            if (pool->total < pool->settings.min && pool->refill_ns < at_ns) {
                at_ns = pool->refill_ns;
            }
            wait_for_change(pool, at_ns);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* It is not woken for what it will find by itself: this is called whenever a connection is given back. */
void pg_keeper_expect(struct pg_pool *pool, int64_t due_ns)
{
    if (due_ns < pool->awake_ns) {
        pthread_cond_signal(&pool->changed);
    }
}

void pg_keeper_start(struct pg_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->keeps && needs_keeper(&pool->settings)) {
        pool->keeps = ms_thread_start(&pool->keeper, keeper_main, pool);
    }
    pthread_mutex_unlock(&pool->lock);
}

void pg_keeper_stop(struct pg_pool *pool)
{
    pg_interrupt_raise(&pool->closing);
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (pool->keeps) {
        pthread_join(pool->keeper, NULL);
    }
}
