/* Sessions: what a unit has seen, and what it is going to write. Nothing is held on the server. */
#include "backends/dynamodb/dynamodb.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

mastra_status ddb_begin(struct ms_backend *base, enum ms_session_mode mode, struct ms_session **ret,
                        mastra_error *error)
{
    struct dynamodb *backend = dynamodb_of(base);
    struct ddb_session *session = ms_heap_calloc(backend->base.client.heap, sizeof *session);

    if (!session) {
        return ms_error_oom(error);
    }
    session->session.backend = base;
    session->owner = backend;
    session->mode = mode;
    session->deadline_ns = ddb_client_deadline(&backend->base.client);
    *ret = &session->session;
    return MASTRA_OK;
}

void ddb_rollback(struct ms_session *base)
{
    struct ddb_session *session = ddb_session_of(base);

    if (session->turn) {
        pthread_mutex_lock(&session->turn->lock);
        session->turn->serving++;
        pthread_cond_broadcast(&session->turn->moved);
        pthread_mutex_unlock(&session->turn->lock);
    }
    ms_arena_free(session->arena);
    ms_heap_release(session->owner->base.client.heap, session);
}

void ddb_take_turn(struct ddb_session *session, const struct ms_key *key)
{
    uint64_t hash = ms_str_hash(ms_str_hash(MS_HASH_START, key->partition), key->sort);
    struct ddb_turn *turn = &session->owner->turns[hash % DDB_TURNS];
    uint64_t ticket;

    if (session->turn || session->mode != MS_SESSION_WRITE) {
        return;
    }
    pthread_mutex_lock(&turn->lock);
    ticket = turn->next++;
    while (turn->serving != ticket) {
        pthread_cond_wait(&turn->moved, &turn->lock);
    }
    pthread_mutex_unlock(&turn->lock);
    session->turn = turn;
    ddb_renew_deadline(session);
}

void ddb_renew_deadline(struct ddb_session *session)
{
    session->deadline_ns = ddb_client_deadline(&session->owner->base.client);
}

struct ms_arena *ddb_session_arena(struct ddb_session *session, mastra_error *error)
{
    if (!session->arena) {
        session->arena = ms_arena_new(session->owner->base.client.heap, 0);
    }
    if (!session->arena) {
        ms_error_oom(error);
    }
    return session->arena;
}

/* The service has no clock that could be asked: it is ours, corrected by the time that its answers tell. */
mastra_status ddb_clock(struct ms_session *base, mastra_time *ret, mastra_error *error)
{
    struct dynamodb *backend = ddb_session_of(base)->owner;

    (void)error;
    *ret = ms_clock_now() + atomic_load_explicit(&backend->ahead_ms, memory_order_relaxed);
    return MASTRA_OK;
}

mastra_status ddb_apply(struct ms_session *base, const struct ms_write *first, bool *ret_begun,
                        mastra_error *error)
{
    (void)error;
    ddb_session_of(base)->writes = first;
    *ret_begun = false;
    return MASTRA_OK;
}
