#include "domains/run_locks.h"

#include "domains/check.h"
#include "domains/listing.h"
#include "domains/lock_keeper.h"
#include "domains/result.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#define TTL_MOST_MS (INT64_C(3653) * 24 * 3600 * 1000)

/* What a unit is asked, and what it answers. */
struct lock_work {
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str owner_id;
    int64_t generation; /* 0: whichever the owner's is */
    int64_t ttl_ms;
    bool keeps;   /* renew: the lease must not become shorter */
    bool guarded; /* acquire: somebody who may know nothing of leases holds the run's guard */
    mastra_run_lock *lock;
    bool held; /* the answer of the operations that answer yes or no */
};

/* Arguments. */

static mastra_status check_ttl(mastra_error *error, int64_t ttl_ms, int64_t *ret)
{
    char shown[24];

    if (ttl_ms < 0 || ttl_ms > TTL_MOST_MS) {
        snprintf(shown, sizeof shown, "%" PRId64, ttl_ms);
        return ms_error_argument(error, "ttlMs", mastra_str_of(shown), "must lie between 1 ms and ten years");
    }
    *ret = ttl_ms == 0 ? MASTRA_RUN_LOCK_TTL_MS : ttl_ms;
    return MASTRA_OK;
}

static mastra_status check_run(mastra_error *error, mastra_str workflow_name, mastra_str run_id)
{
    mastra_status status = ms_check_id(error, "workflowName", workflow_name);

    return status == MASTRA_OK ? ms_check_id(error, "runId", run_id) : status;
}

/* `args` and `work` hold their defaults. */
static mastra_status read_args(struct ms_call *call, const mastra_run_lock_args *given,
                               mastra_run_lock_args *args, struct lock_work *work)
{
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "args", mastra_str_of(NULL), "is required");
    }
    memcpy(args, given, given->size < sizeof *args ? given->size : sizeof *args);
    work->workflow_name = args->workflow_name;
    work->run_id = args->run_id;
    work->generation = args->generation;
    work->owner_id = args->owner_id.ptr ? args->owner_id : mastra_str_of(call->store->owner);
    status = check_run(&call->error, work->workflow_name, work->run_id);
    if (status == MASTRA_OK && args->generation < 0) {
        status = ms_error_argument(&call->error, "generation", mastra_str_of(NULL), "must not be negative");
    }
    if (status == MASTRA_OK) {
        status = ms_check_id(&call->error, "ownerId", work->owner_id);
    }
    return status == MASTRA_OK ? check_ttl(&call->error, args->ttl_ms, &work->ttl_ms) : status;
}

/* Units. */

/* A released lock stays in the table, owned by nobody: the generations of a run must go on growing. */
static bool is_free(const mastra_run_lock *lock, mastra_time now)
{
    return !lock || lock->owner_id.len == 0 || lock->expires_at == MASTRA_TIME_NONE ||
           lock->expires_at <= now;
}

static bool is_mine(const mastra_run_lock *lock, const struct lock_work *work)
{
    return lock && ms_str_compare(lock->owner_id, work->owner_id) == 0 &&
           (work->generation == 0 || lock->generation == work->generation);
}

/* The lock's row, and the time when it was certain that nobody else would change it. */
static mastra_status look(struct ms_unit *unit, const struct lock_work *work, bool lock,
                          mastra_run_lock **ret, mastra_time *now)
{
    const mastra_str key[MS_KEYS_MOST] = {work->workflow_name, work->run_id};
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_RUN_LOCK, key, lock, &found);

    *ret = found;
    return status == MASTRA_OK ? ms_unit_clock(unit, now) : status;
}

/* A first lock is inserted: of two who find no row, one must fail. */
static mastra_status acquire(struct ms_unit *unit, void *arg)
{
    struct lock_work *work = arg;
    mastra_run_lock *found = NULL;
    mastra_run_lock *lock;
    mastra_time now = 0;
    mastra_status status = look(unit, work, true, &found, &now);
    int64_t slack_ms = unit->call->store->backend->ops->clock_slack_ms;

    work->lock = NULL;
    work->held = false;
    unit->result = &work->held;
    /* What another holder may still take for its own is not taken from it. */
    if (status != MASTRA_OK || !is_free(found, is_mine(found, work) ? now : now - slack_ms)) {
        return status;
    }
    /* A lease that has run out was its holder's, whatever else that one still holds. */
    if (work->guarded && (!found || found->owner_id.len == 0)) {
        return MASTRA_OK;
    }
    if (found && found->generation == INT64_MAX) {
        return ms_error_set(unit->error, MASTRA_LIMIT_EXCEEDED, "the lock's generation cannot grow any more");
    }
    lock = ms_unit_record(unit, MS_RUN_LOCK);
    if (!lock || !ms_arena_str(unit->arena, work->workflow_name, &lock->workflow_name) ||
        !ms_arena_str(unit->arena, work->run_id, &lock->run_id) ||
        !ms_arena_str(unit->arena, work->owner_id, &lock->owner_id)) {
        return ms_error_oom(unit->error);
    }
    lock->generation = found && found->generation > 0 ? found->generation + 1 : 1;
    lock->acquired_at = now;
    lock->expires_at = now + work->ttl_ms;
    work->lock = lock;
    work->held = true;
    return found ? ms_unit_put(unit, MS_RUN_LOCK, lock) : ms_unit_insert(unit, MS_RUN_LOCK, lock);
}

static mastra_status renew(struct ms_unit *unit, void *arg)
{
    struct lock_work *work = arg;
    mastra_time now = 0;
    mastra_status status = look(unit, work, true, &work->lock, &now);

    unit->result = &work->held;
    work->held = status == MASTRA_OK && !is_free(work->lock, now) && is_mine(work->lock, work);
    if (!work->held) {
        return status;
    }
    /* What keeps a lock alive does not take away what was asked for by hand. */
    if (!work->keeps || work->lock->expires_at < now + work->ttl_ms) {
        work->lock->expires_at = now + work->ttl_ms;
    }
    return ms_unit_patch(unit, MS_RUN_LOCK, work->lock, MS_BIT(MS_RUN_LOCK_EXPIRES_AT));
}

/* What has run out, but was taken by nobody, is given back as well: its fence must not hold any more. */
static mastra_status release(struct ms_unit *unit, void *arg)
{
    struct lock_work *work = arg;
    mastra_time now = 0;
    mastra_status status = look(unit, work, true, &work->lock, &now);

    unit->result = &work->held;
    work->held = status == MASTRA_OK && !is_free(work->lock, now) && is_mine(work->lock, work);
    if (status != MASTRA_OK || !is_mine(work->lock, work)) {
        return status;
    }
    work->lock->owner_id = mastra_str_of("");
    work->lock->expires_at = now;
    return ms_unit_patch(unit, MS_RUN_LOCK, work->lock,
                         MS_BIT(MS_RUN_LOCK_OWNER_ID) | MS_BIT(MS_RUN_LOCK_EXPIRES_AT));
}

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct lock_work *work = arg;
    mastra_time now = 0;
    mastra_status status = look(unit, work, false, &work->lock, &now);

    if (status == MASTRA_OK && is_free(work->lock, now)) {
        work->lock = NULL;
    }
    return status;
}

/* Guards, where the backend has them. */

static struct ms_guarded guarded_run(const struct lock_work *work)
{
    return (struct ms_guarded){.workflow_name = work->workflow_name,
                               .run_id = work->run_id,
                               .owner_id = work->owner_id,
                               .generation = work->generation};
}

static void guard_renewed(struct ms_call *call, const struct lock_work *work)
{
    struct ms_backend *backend = call->store->backend;
    struct ms_guarded run = guarded_run(work);

    if (backend->ops->guards && work->held) {
        run.generation = work->lock->generation;
        backend->ops->guards->renew(backend, &run, work->ttl_ms);
    }
}

static void guard_released(struct ms_call *call, const struct lock_work *work)
{
    struct ms_backend *backend = call->store->backend;
    const struct ms_guarded run = guarded_run(work);

    if (backend->ops->guards) {
        backend->ops->guards->release(backend, &run);
    }
}

/* Operations. */

static mastra_status acquire_lease(struct ms_call *call, struct lock_work *work, struct ms_arena **ret_arena)
{
    mastra_status status = ms_transact(call, acquire, work, ret_arena);

    if (status != MASTRA_CONFLICT) {
        return status;
    }
    /* Somebody else's first lock of the run was quicker. */
    work->lock = NULL;
    work->held = false;
    return ms_call_answer(call, &work->held);
}

static mastra_status try_acquire(struct ms_call *call, struct lock_work *work, struct ms_arena **ret_arena)
{
    struct ms_backend *backend = call->store->backend;
    const struct ms_guard_ops *ops = backend->ops->guards;
    const struct ms_guarded run = guarded_run(work);
    struct ms_guard *guard = NULL;
    bool guard_held = true;
    mastra_status status = MASTRA_OK;

    if (ops) {
        status = ops->try_guard(backend, &run, &guard, &guard_held, &call->error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    work->guarded = !guard_held;
    status = acquire_lease(call, work, ret_arena);
    if (ops && status == MASTRA_OK && work->held) {
        ops->keep(backend, guard, work->lock->generation, work->ttl_ms);
    } else if (ops) {
        ops->drop(backend, guard);
    }
    return status;
}

mastra_status ms_try_acquire_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *given,
                                               mastra_run_lock **ret)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    struct lock_work work = {0};
    struct ms_kept_lock *kept = NULL;
    struct ms_arena *arena = NULL;
    mastra_status status = read_args(call, given, &args, &work);

    if (status == MASTRA_OK && args.keep_alive) {
        mastra_run_lock lock = MASTRA_RUN_LOCK_INIT;

        lock.workflow_name = work.workflow_name;
        lock.run_id = work.run_id;
        lock.owner_id = work.owner_id;
        status = ms_keeper_prepare(call, &lock, &args, work.ttl_ms, &kept);
    }
    if (status == MASTRA_OK) {
        status = try_acquire(call, &work, &arena);
    }
    if (status != MASTRA_OK || !work.held) {
        ms_keeper_discard(kept);
    } else if (kept) {
        ms_keeper_keep(call, kept, work.lock);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.lock, ret);
    }
    return status;
}

static mastra_status renew_lease(struct ms_call *call, struct lock_work *work)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_transact(call, renew, work, &arena);

    if (status == MASTRA_OK) {
        guard_renewed(call, work);
    }
    ms_arena_free(arena);
    return status;
}

mastra_status ms_renew_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *given, bool *ret)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    struct lock_work work = {0};
    mastra_status status = read_args(call, given, &args, &work);

    if (status == MASTRA_OK) {
        status = renew_lease(call, &work);
    }
    if (status == MASTRA_OK && ret) {
        *ret = work.held;
    }
    return status;
}

mastra_status ms_renew_kept_lock(struct ms_call *call, const mastra_run_lock *lock, int64_t ttl_ms, bool *ret)
{
    struct lock_work work = {.workflow_name = lock->workflow_name,
                             .run_id = lock->run_id,
                             .owner_id = lock->owner_id,
                             .generation = lock->generation,
                             .ttl_ms = ttl_ms,
                             .keeps = true};
    mastra_status status = renew_lease(call, &work);

    *ret = work.held;
    return status;
}

mastra_status ms_get_workflow_run_lock(struct ms_call *call, mastra_str workflow_name, mastra_str run_id,
                                       mastra_run_lock **ret)
{
    struct lock_work work = {.workflow_name = workflow_name, .run_id = run_id};
    struct ms_arena *arena = NULL;
    mastra_status status = check_run(&call->error, workflow_name, run_id);

    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_ONE, get, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.lock, ret);
    }
    return status;
}

mastra_status ms_release_workflow_run_lock(struct ms_call *call, const mastra_run_lock_args *given, bool *ret)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    struct lock_work work = {0};
    mastra_status status = read_args(call, given, &args, &work);

    if (status == MASTRA_OK) {
        const mastra_run_lock lock = {.workflow_name = work.workflow_name,
                                      .run_id = work.run_id,
                                      .owner_id = work.owner_id,
                                      .generation = work.generation};

        ms_keeper_forget(call, &lock);
        status = ms_transact(call, release, &work, NULL);
        if (status == MASTRA_OK) {
            guard_released(call, &work);
        }
    }
    if (status == MASTRA_OK && ret) {
        *ret = work.held;
    }
    return status;
}

/* Listing. */

static mastra_status list(struct ms_unit *unit, void *arg)
{
    struct ms_listing *listing = arg;
    mastra_time now = 0;
    mastra_status status = ms_unit_clock(unit, &now);

    if (status != MASTRA_OK) {
        return status;
    }
    listing->query.where_count = 0;
    ms_query_time(&listing->query, MS_AFTER, MS_RUN_LOCK_EXPIRES_AT, now);
    return ms_listing_read(unit, listing);
}

mastra_status ms_list_workflow_run_locks(struct ms_call *call, const mastra_list_run_locks_args *given,
                                         mastra_run_lock_list **ret)
{
    mastra_list_run_locks_args args = MASTRA_LIST_RUN_LOCKS_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_RUN_LOCK);
    work.query.descending = true;
    status = ms_paging_of(&call->error, args.page, args.per_page, MS_RECORDS_PER_PAGE, &work.paging);
    if (status == MASTRA_OK) {
        ms_paging_apply(&work.paging, &work.query);
        status = ms_read(call, MS_READ_SNAPSHOT, list, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_run_lock_list *)work.list, ret);
    }
    return status;
}
