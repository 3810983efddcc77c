#include "store/executor.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

/* More would make the first of a group wait long for the last. */
#define GROUP_MAX        256

/* A commit that waits for the disk takes longer than this. */
#define SLOW_COMMIT_NS   INT64_C(150000)
#define PATIENCE_PART    4
#define PATIENCE_MOST_NS INT64_C(500000)

enum member_state {
    MEMBER_WAITS,
    MEMBER_LEADS,
    MEMBER_DONE,
};

/* A thread that waits for its unit to be run, or (fn NULL) for the writer itself. */
struct ms_member {
    struct ms_member *next;
    struct ms_call *call;
    ms_unit_fn fn;
    void *arg;
    struct ms_arena *arena;
    mastra_status status;
    enum member_state state;
    pthread_cond_t wake;
};

mastra_status ms_executor_init(struct ms_executor *executor)
{
    pthread_condattr_t monotonic;

    memset(executor, 0, sizeof *executor);
    if (pthread_condattr_init(&monotonic) != 0) {
        return MASTRA_OUT_OF_MEMORY;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&executor->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pthread_mutex_init(&executor->lock, NULL) == 0 ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
}

void ms_executor_destroy(struct ms_executor *executor)
{
    pthread_cond_destroy(&executor->arrived);
    pthread_mutex_destroy(&executor->lock);
}

int64_t ms_executor_patience_ns(const struct ms_executor *executor, size_t in_hand, size_t expected)
{
    int64_t patience = executor->commit_ns / PATIENCE_PART;

    if (executor->commit_ns < SLOW_COMMIT_NS || in_hand >= expected) {
        return 0;
    }
    return patience < PATIENCE_MOST_NS ? patience : PATIENCE_MOST_NS;
}

/* Groups. */

static mastra_status open_group(struct ms_group *group, mastra_store *store, enum ms_session_mode mode)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;

    group->store = store;
    group->session = NULL;
    group->error = blank;
    group->broken = false;
    return store->backend->ops->begin(store->backend, mode, &group->session, &group->error);
}

mastra_status ms_group_open(struct ms_group *group, mastra_store *store)
{
    return open_group(group, store, MS_SESSION_WRITE);
}

mastra_status ms_group_open_at_once(struct ms_group *group, mastra_store *store)
{
    return open_group(group, store, MS_SESSION_WRITE_AT_ONCE);
}

/* Numbers the sequenced records, alike on every run. */
static void number_records(struct ms_unit *unit)
{
    struct ms_call *call = unit->call;
    size_t count = 0;

    for (struct ms_write *write = unit->first; write; write = write->next) {
        write->sequence = write->entity->sequence ? (int64_t)count++ : 0;
    }
    if (count > call->sequence_count) {
        call->sequence = ms_store_sequence(call->store, count);
        call->sequence_count = count;
    }
    for (struct ms_write *write = unit->first; write; write = write->next) {
        write->sequence += call->sequence;
    }
}

static mastra_status run_unit(struct ms_group *group, struct ms_unit *unit, ms_unit_fn fn, void *arg)
{
    const struct ms_backend_ops *ops = group->store->backend->ops;
    bool begun = false;
    mastra_status status = fn(unit, arg);

    if (status == MASTRA_OK) {
        status = ms_call_answer(unit->call, unit->result);
    }
    if (status == MASTRA_OK && unit->first) {
        number_records(unit);
        status = ops->apply(unit->session, unit->first, &begun, unit->error);
        group->broken = status != MASTRA_OK && begun;
    }
    if (ops->broken && ops->broken(group->session)) {
        group->broken = true;
        return status == MASTRA_OK ? ms_error_set(unit->error, MASTRA_INTERNAL, "the transaction was lost")
                                   : status;
    }
    return status;
}

mastra_status ms_group_run(struct ms_group *group, struct ms_call *call, ms_unit_fn fn, void *arg,
                           struct ms_arena **ret_arena)
{
    struct ms_unit unit = {.call = call, .session = group->session, .error = &call->error};
    mastra_status status;

    /* What an earlier run had to say of itself must not colour this one's error. */
    call->error.id[0] = '\0';
    call->error.category[0] = '\0';
    if (!group->session) {
        ms_error_export(&call->error, &group->error);
        return group->error.status;
    }
    unit.arena = ms_arena_new(group->store->heap, 0);
    if (!unit.arena) {
        return ms_error_oom(&call->error);
    }
    group->session->once = group->session->once || !call->op->repeatable;
    status = run_unit(group, &unit, fn, arg);
    if (status != MASTRA_OK) {
        ms_arena_free(unit.arena);
        return status;
    }
    *ret_arena = unit.arena;
    return MASTRA_OK;
}

mastra_status ms_group_commit(struct ms_group *group, mastra_error *error)
{
    struct ms_executor *executor = &group->store->executor;
    struct ms_session *session = group->session;
    int64_t begun_ns = ms_clock_monotonic_ns();
    mastra_status status;

    group->session = NULL;
    status = group->store->backend->ops->commit(session, error);
    if (group->store->traits & MS_TRAIT_GROUP_COMMIT) {
        executor->commit_ns = (3 * executor->commit_ns + ms_clock_monotonic_ns() - begun_ns) / 4;
    }
    return status;
}

void ms_group_abandon(struct ms_group *group)
{
    if (group->session) {
        group->store->backend->ops->rollback(group->session);
        group->session = NULL;
    }
}

/* One unit in a transaction of its own. */
static mastra_status run_alone(struct ms_call *call, ms_unit_fn fn, void *arg, struct ms_arena **ret_arena)
{
    struct ms_group group;
    struct ms_arena *arena = NULL;
    mastra_status status;

    ms_group_open(&group, call->store);
    status = ms_group_run(&group, call, fn, arg, &arena);
    if (status != MASTRA_OK) {
        ms_group_abandon(&group);
        return status;
    }
    status = ms_group_commit(&group, &call->error);
    if (status != MASTRA_OK) {
        ms_arena_free(arena);
        return status;
    }
    *ret_arena = arena;
    return MASTRA_OK;
}

/* The line of those who wait. */

static struct ms_member *pop(struct ms_executor *executor)
{
    struct ms_member *member = executor->head;

    if (member) {
        executor->head = member->next;
        if (!executor->head) {
            executor->tail = NULL;
        }
        member->next = NULL;
        executor->waiting--;
    }
    return member;
}

static void wake(struct ms_member *member, enum member_state state)
{
    member->state = state;
    pthread_cond_signal(&member->wake);
}

/* Returns when the member leads or is done. */
static enum member_state stand_in_line(struct ms_executor *executor, struct ms_member *member)
{
    enum member_state state;

    pthread_mutex_lock(&executor->lock);
    if (!executor->busy) {
        executor->busy = true;
        pthread_mutex_unlock(&executor->lock);
        return MEMBER_LEADS;
    }
    member->state = MEMBER_WAITS;
    member->next = NULL;
    pthread_cond_init(&member->wake, NULL);
    if (executor->tail) {
        executor->tail->next = member;
    } else {
        executor->head = member;
    }
    executor->tail = member;
    executor->waiting++;
    if (executor->awaited > 0 && executor->waiting >= executor->awaited) {
        pthread_cond_signal(&executor->arrived);
    }
    while (member->state == MEMBER_WAITS) {
        pthread_cond_wait(&member->wake, &executor->lock);
    }
    state = member->state;
    pthread_mutex_unlock(&executor->lock);
    pthread_cond_destroy(&member->wake);
    return state;
}

void ms_executor_release(struct ms_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    struct ms_member *next = pop(executor);

    if (next) {
        wake(next, MEMBER_LEADS);
    } else {
        executor->busy = false;
    }
    pthread_mutex_unlock(&executor->lock);
}

void ms_executor_acquire(struct ms_executor *executor)
{
    struct ms_member member = {0};

    stand_in_line(executor, &member);
}

bool ms_executor_try_acquire(struct ms_executor *executor)
{
    bool free;

    pthread_mutex_lock(&executor->lock);
    free = !executor->busy;
    executor->busy = true;
    pthread_mutex_unlock(&executor->lock);
    return free;
}

/* Leading. */

/* Lets those come who were there the last time; `executor->lock` is held. */
static void linger(struct ms_executor *executor)
{
    int64_t patience_ns = ms_executor_patience_ns(executor, executor->waiting + 1, executor->group_size);
    int64_t until_ns = ms_clock_monotonic_ns() + patience_ns;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    int timed_out = patience_ns == 0;

    executor->awaited = executor->group_size - 1;
    while (!timed_out && executor->waiting < executor->awaited) {
        timed_out = pthread_cond_timedwait(&executor->arrived, &executor->lock, &until);
    }
    executor->awaited = 0;
}

/* The leader's own unit and those that wait right behind it. */
static struct ms_member *gather(struct ms_executor *executor, struct ms_member *own)
{
    struct ms_member *last = own;
    size_t count = 1;

    own->next = NULL;
    pthread_mutex_lock(&executor->lock);
    if (executor->group_size > 1) {
        linger(executor);
    }
    for (; count < GROUP_MAX && executor->head && executor->head->fn; count++) {
        last->next = pop(executor);
        last = last->next;
    }
    executor->group_size = count;
    pthread_mutex_unlock(&executor->lock);
    return own;
}

/* Returns false when nothing of the group may be acknowledged. */
static bool run_together(mastra_store *store, struct ms_member *first)
{
    struct ms_group group;
    mastra_error error = MASTRA_ERROR_INIT;

    ms_group_open(&group, store);
    for (struct ms_member *member = first; member && !group.broken; member = member->next) {
        member->status = ms_group_run(&group, member->call, member->fn, member->arg, &member->arena);
    }
    if (!group.session) {
        return true;
    }
    if (group.broken) {
        ms_group_abandon(&group);
        return false;
    }
    return ms_group_commit(&group, &error) == MASTRA_OK;
}

/* When another process does not let go, that is the answer for all: each would wait as long again. */
static void run_each_alone(struct ms_member *first)
{
    const struct ms_member *locked_out = NULL;

    for (struct ms_member *member = first; member; member = member->next) {
        ms_arena_free(member->arena);
        member->arena = NULL;
        if (locked_out) {
            ms_error_export(&member->call->error, &locked_out->call->error);
            member->status = locked_out->status;
            continue;
        }
        member->status = run_alone(member->call, member->fn, member->arg, &member->arena);
        if (member->status == MASTRA_BUSY) {
            locked_out = member;
        }
    }
}

static void lead(struct ms_executor *executor, mastra_store *store, struct ms_member *own)
{
    struct ms_member *group = gather(executor, own);

    if (!group->next || !run_together(store, group)) {
        run_each_alone(group);
    }
    pthread_mutex_lock(&executor->lock);
    for (struct ms_member *member = own->next; member;) {
        struct ms_member *next = member->next;

        /* Once woken the member's memory is its thread's again. */
        wake(member, MEMBER_DONE);
        member = next;
    }
    pthread_mutex_unlock(&executor->lock);
    ms_executor_release(executor);
}

mastra_status ms_executor_run(struct ms_call *call, ms_unit_fn fn, void *arg, struct ms_arena **ret_arena)
{
    mastra_store *store = call->store;
    struct ms_member member = {.call = call, .fn = fn, .arg = arg};

    if (!(store->traits & MS_TRAIT_GROUP_COMMIT)) {
        return run_alone(call, fn, arg, ret_arena);
    }
    if (call->op->alone) {
        ms_executor_acquire(&store->executor);
        member.status = run_alone(call, fn, arg, ret_arena);
        ms_executor_release(&store->executor);
        return member.status;
    }
    if (stand_in_line(&store->executor, &member) == MEMBER_LEADS) {
        lead(&store->executor, store, &member);
    }
    if (member.status == MASTRA_OK) {
        *ret_arena = member.arena;
    }
    return member.status;
}
