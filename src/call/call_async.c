/* Asynchronous calls by name. */
#include "call/call.h"

#include "base/error.h"
#include "domains/memory.h"
#include "domains/run_locks.h"
#include "domains/scores.h"
#include "domains/spans.h"
#include "domains/workflows.h"
#include "store/store.h"

struct call_task {
    struct ms_task task;    /* first */
    struct ms_arena *arena; /* holds this struct and all that it points at */
    mastra_store *store;
    const struct ms_operation *operation;
    mastra_str args;
    mastra_done_fn done;
    void *user;

    /* Begun by the first run and kept to the end, so that a repeated run draws the same ids and the same time. */
    struct ms_call call;
    bool begun;
    bool compact;
    bool unread;
    bool here; /* it runs on the submitter's thread */
    struct ms_buf out;
    mastra_error error;
};

/* Running. */

static mastra_status begin_or_repeat(struct call_task *self, struct ms_group *group)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;

    if (self->begun) {
        self->call.group = group;
        self->call.error = blank;
        ms_buf_clear(&self->out);
        return MASTRA_OK;
    }
    mastra_status status = ms_call_begin(&self->call, self->store, self->operation->op, group);

    self->call.compact = self->compact;
    self->call.unread = self->unread;
    self->call.glances = self->here;
    if (status == MASTRA_OK) {
        self->begun = true;
    } else {
        ms_call_end(&self->call, status, &self->error);
    }
    return status;
}

static mastra_status run(struct ms_task *task, struct ms_group *group)
{
    struct call_task *self = (struct call_task *)task;

    task->status = begin_or_repeat(self, group);
    if (task->status == MASTRA_OK) {
        task->status = ms_operation_run(self->operation, &self->call, self->args, &self->out);
    }
    return task->status;
}

static void cancel(struct ms_task *task)
{
    struct call_task *self = (struct call_task *)task;
    mastra_error inner = MASTRA_ERROR_INIT;

    ms_error_set(&inner, MASTRA_CLOSED, "the store was closed before the call ran");
    task->status = ms_operation_refuse(self->store, self->operation->op, &inner, &self->error);
}

static void release(struct call_task *self)
{
    ms_buf_release(&self->out);
    ms_arena_free(self->arena);
}

static void finish(struct ms_task *task)
{
    struct call_task *self = (struct call_task *)task;
    mastra_str none = {NULL, 0};

    if (self->begun) {
        ms_call_end(&self->call, task->status, &self->error);
    }
    if (task->status == MASTRA_OK) {
        self->done(self->user, MASTRA_OK, ms_buf_view(&self->out), NULL);
    } else {
        self->done(self->user, task->status, none, &self->error);
    }
    release(self);
}

/* The thread that a call concerns. */

/* Goes along the path from `value`; false when what lies at the end is not one string, the same in all branches. */
static bool follow(mastra_str value, const char *path, mastra_str *ret)
{
    enum ms_json_kind kind = ms_json_kind(value);

    if (kind == MS_JSON_ARRAY) {
        struct ms_json_iter iter;
        mastra_str item;
        bool same = true;

        ms_json_iter_init(&iter, value);
        while (same && ms_json_next(&iter, NULL, &item)) {
            same = follow(item, path, ret);
        }
        return same;
    }
    if (!*path) {
        if (kind != MS_JSON_STRING || (ret->ptr && !ms_json_equal(*ret, value))) {
            return false;
        }
        *ret = value;
        return true;
    }
    size_t len = strcspn(path, ".");
    mastra_str name = {path, len};
    mastra_str member = ms_json_member(value, name);

    return member.ptr && follow(member, path[len] ? path + len + 1 : path + len, ret);
}

/* The id of the one thread that the arguments name, as it is told by the operation's entry; absent when there is none
 * or more than one. False: memory is out. */
static bool find_order(const struct ms_operation *operation, mastra_str args, struct ms_arena *arena,
                       mastra_str *ret)
{
    mastra_str raw = {NULL, 0};

    *ret = raw;
    if (operation->across && ms_json_count(ms_json_member(args, mastra_str_of(operation->across))) > 0) {
        return true;
    }
    for (const char *const *path = operation->order; path && *path; path++) {
        raw = mastra_str_of(NULL);
        if (args.ptr && follow(args, *path, &raw) && raw.ptr) {
            return ms_json_unescape_arena(raw, arena, ret, NULL);
        }
    }
    return true;
}

/* Submitting. */

static mastra_status new_task(mastra_store *store, const struct ms_operation *operation, mastra_str args,
                              struct call_task **ret, mastra_error *error)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    struct ms_heap *heap = ms_store_heap(store);
    struct ms_arena *arena = ms_arena_new(heap, sizeof(struct call_task) + args.len + 256);
    struct call_task *self = arena ? ms_arena_calloc(arena, sizeof *self) : NULL;

    if (!self || !ms_arena_str(arena, args, &self->args) ||
        !find_order(operation, self->args, arena, &self->task.order)) {
        ms_arena_free(arena);
        return ms_error_oom(error);
    }
    self->task.writes = operation->op->writes && !operation->op->alone;
    self->task.run = run;
    self->task.cancel = cancel;
    self->task.finish = finish;
    self->arena = arena;
    self->store = store;
    self->operation = operation;
    self->error = blank;
    ms_buf_init(&self->out, heap, 0);
    *ret = self;
    return MASTRA_OK;
}

/* Operations that read a row by its key. */
static const struct ms_op *const glances[] = {
    &ms_op_get_thread_by_id,       &ms_op_get_resource_by_id,    &ms_op_load_workflow_snapshot,
    &ms_op_get_workflow_run_by_id, &ms_op_get_workflow_run_lock, &ms_op_get_span,
    &ms_op_get_score_by_id,
};

static bool tables_ready(const mastra_store *store)
{
    return atomic_load_explicit(&store->ready, memory_order_acquire);
}

/* Whether the task may be tried at once. */
static bool can_run_here(const struct call_task *task, unsigned flags)
{
    unsigned traits = task->store->traits;
    bool found = false;

    if (!tables_ready(task->store)) {
        return false;
    }
    if (task->task.writes) {
        return (flags & MASTRA_MAY_WRITE_HERE) && (traits & MS_TRAIT_QUICK_COMMITS);
    }
    if (!(flags & MASTRA_MAY_RUN_HERE) || !(traits & MS_TRAIT_GLANCES)) {
        return false;
    }
    for (size_t i = 0; i < sizeof glances / sizeof glances[0] && !found; i++) {
        found = task->operation->op == glances[i];
    }
    return found;
}

/* Runs the task in a transaction of its own; BUSY when nothing was written and the queue is to decide. The writer is
 * held. */
static mastra_status write_alone(struct call_task *task)
{
    struct ms_group group;
    mastra_error ignored = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_BUSY;

    if (ms_group_open_at_once(&group, task->store) != MASTRA_OK) {
        return MASTRA_BUSY;
    }
    /* A table may have been dropped until now. */
    if (tables_ready(task->store)) {
        status = run(&task->task, &group);
    }
    if (group.broken || status == MASTRA_BUSY) {
        ms_group_abandon(&group);
        return MASTRA_BUSY;
    }
    return ms_group_commit(&group, &ignored) == MASTRA_OK ? status : MASTRA_BUSY;
}

static mastra_status write_at_once(struct call_task *task)
{
    struct ms_executor *executor = &task->store->executor;
    mastra_status status;

    if (!ms_executor_try_acquire(executor)) {
        return MASTRA_BUSY;
    }
    status = write_alone(task);
    ms_executor_release(executor);
    return status;
}

/* Runs the task on this thread. False: somebody would have to be waited for, and the task is as it was. */
static bool run_here(struct call_task *task)
{
    bool waits;

    task->here = true;
    task->task.status = task->task.writes ? write_at_once(task) : run(&task->task, NULL);
    waits = task->task.status == MASTRA_BUSY;
    if (waits && task->begun) {
        ms_call_end(&task->call, MASTRA_BUSY, NULL);
    }
    task->here = false;
    if (waits) {
        task->begun = false;
        ms_buf_clear(&task->out);
        return false;
    }
    finish(&task->task);
    return true;
}

static mastra_status submit(mastra_store *store, const struct ms_operation *operation, mastra_str args,
                            unsigned flags, mastra_done_fn done, void *user, mastra_error *error)
{
    struct call_task *task = NULL;
    struct ms_async *async;
    mastra_status status;

    if (!done) {
        return ms_error_argument(error, "done", mastra_str_of(NULL), "must not be NULL");
    }
    async = ms_store_async(store, error);
    if (!async) {
        return MASTRA_OUT_OF_MEMORY;
    }
    status = new_task(store, operation, args, &task, error);
    if (status != MASTRA_OK) {
        return status;
    }
    task->done = done;
    task->user = user;
    task->task.brief = flags & MASTRA_DONE_IS_BRIEF;
    task->compact = flags & MASTRA_COMPACT;
    task->unread = flags & MASTRA_NO_RESULT;
    if (can_run_here(task, flags) && ms_async_step_in(async)) {
        bool over = run_here(task);

        ms_async_step_out(async);
        if (over) {
            return MASTRA_OK;
        }
    }
    status =
        ms_async_submit(async, &task->task, !(flags & MASTRA_NO_WAIT), flags & MASTRA_MORE_FOLLOWS, error);
    if (status != MASTRA_OK) {
        release(task);
    }
    return status;
}

/* Those before may have been queued with MASTRA_MORE_FOLLOWS, and this was to be the last. The store has been entered. */
static void wake_others(mastra_store *store)
{
    mastra_error ignored = MASTRA_ERROR_INIT;
    struct ms_async *async = ms_store_async(store, &ignored);

    if (async) {
        ms_async_wake(async);
    }
}

mastra_status mastra_call_async(mastra_store *store, const char *operation, mastra_str args, unsigned flags,
                                mastra_done_fn done, void *user, mastra_error *error)
{
    const struct ms_operation *found;
    mastra_error inner = MASTRA_ERROR_INIT;
    mastra_status status = ms_operation_prepare(store, mastra_str_of(operation), args, &found, &args, error);

    if (status != MASTRA_OK) {
        if (store && ms_store_enter(store, true, &inner) == MASTRA_OK) {
            wake_others(store);
            ms_store_leave(store);
        }
        return status;
    }
    status = ms_store_enter(store, true, &inner);
    if (status != MASTRA_OK) {
        return ms_operation_refuse(store, found->op, &inner, error);
    }
    status = submit(store, found, args, flags, done, user, &inner);
    /* Once it is left the store may be closed and gone. */
    if (status != MASTRA_OK) {
        wake_others(store);
        status = ms_operation_refuse(store, found->op, &inner, error);
    }
    ms_store_leave(store);
    return status;
}
