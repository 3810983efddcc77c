/*
 * Workflow runs: their snapshots, and the locks that keep two processes from resuming one run.
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written only
 * on success; each is released as a whole by its _free function, may be used from any thread after that, and stays
 * valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing or malformed,
 * named in the error; nothing has been written), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED
 * and OUT_OF_MEMORY.
 */
#ifndef MASTRA_WORKFLOWS_H
#define MASTRA_WORKFLOWS_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mastra_workflow_run {
    size_t size;
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str resource_id; /* absent: none; when a run is saved again: as it was */
    mastra_str snapshot;    /* JSON text, kept character for character */
    mastra_time created_at;
    mastra_time updated_at;
} mastra_workflow_run;

#define MASTRA_WORKFLOW_RUN_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_workflow_run), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE,           \
            MASTRA_TIME_NONE                                                                                 \
    }

MASTRA_API void mastra_workflow_run_free(mastra_workflow_run *run); /* NULL is allowed */

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_workflow_run_list mastra_workflow_run_list;

MASTRA_API size_t mastra_workflow_run_list_count(const mastra_workflow_run_list *list);
MASTRA_API const mastra_workflow_run *mastra_workflow_run_list_at(const mastra_workflow_run_list *list,
                                                                  size_t index);
MASTRA_API const mastra_page *mastra_workflow_run_list_page(const mastra_workflow_run_list *list);
MASTRA_API void mastra_workflow_run_list_free(mastra_workflow_run_list *list); /* NULL is allowed */

/*
 * What a writer believes to hold: the owner and the generation of the run's lock, as mastra_get_workflow_run_lock
 * tells them. A write that carries it is refused with FENCED, and changes nothing, when the lock has meanwhile been
 * released or has gone to somebody else, or to the same owner anew.
 */
typedef struct mastra_fence {
    size_t size;
    mastra_str owner_id;
    int64_t generation;
} mastra_fence;

#define MASTRA_FENCE_INIT                                                                                    \
    {                                                                                                        \
        sizeof(mastra_fence), {NULL, 0}, 0                                                                   \
    }

/* Snapshots. */

/*
 * Saves a run's snapshot (required: workflow_name, run_id, snapshot). A run saved again keeps its createdAt, and its
 * resource when none is given; updatedAt is what is given, else now. `fence` may be NULL. Errors: FENCED.
 * Mastra: persistWorkflowSnapshot.
 */
MASTRA_API mastra_status mastra_persist_workflow_snapshot(mastra_store *store, const mastra_workflow_run *run,
                                                          const mastra_fence *fence, mastra_error *error);

/* Reads one run for its snapshot; *ret_run is NULL when there is none. Mastra: loadWorkflowSnapshot. */
MASTRA_API mastra_status mastra_load_workflow_snapshot(mastra_store *store, mastra_str workflow_name,
                                                       mastra_str run_id, mastra_workflow_run **ret_run,
                                                       mastra_error *error);

/*
 * Reads the run with this id, the newest of several workflows' when `workflow_name` is absent; *ret_run is NULL when
 * there is none. Mastra: getWorkflowRunById.
 */
MASTRA_API mastra_status mastra_get_workflow_run_by_id(mastra_store *store, mastra_str run_id,
                                                       mastra_str workflow_name,
                                                       mastra_workflow_run **ret_run, mastra_error *error);

/* Deletes a run; an unknown one is no error. `fence` may be NULL. Errors: FENCED. Mastra: deleteWorkflowRunById. */
MASTRA_API mastra_status mastra_delete_workflow_run_by_id(mastra_store *store, mastra_str workflow_name,
                                                          mastra_str run_id, const mastra_fence *fence,
                                                          mastra_error *error);

typedef struct mastra_list_workflow_runs_args {
    size_t size;
    mastra_str workflow_name; /* each filter absent: any */
    mastra_str status;        /* of the snapshot */
    mastra_str resource_id;
    mastra_str thread_id;  /* of the memory that a step, or the input, works in */
    mastra_time from_date; /* of createdAt, inclusive; MASTRA_TIME_NONE: open */
    mastra_time to_date;
    int64_t page;
    int64_t per_page; /* default: all */
    int64_t offset;   /* with `limit`, instead of page and per_page */
    int64_t limit;    /* MASTRA_PER_PAGE_DEFAULT: page and per_page rule */
} mastra_list_workflow_runs_args;

#define MASTRA_LIST_WORKFLOW_RUNS_INIT                                                                       \
    {                                                                                                        \
        sizeof(mastra_list_workflow_runs_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},                  \
            MASTRA_TIME_NONE, MASTRA_TIME_NONE, 0, MASTRA_PER_PAGE_DEFAULT, 0, MASTRA_PER_PAGE_DEFAULT       \
    }

/* Runs, newest first. `args` NULL: all. Mastra: listWorkflowRuns. */
MASTRA_API mastra_status mastra_list_workflow_runs(mastra_store *store,
                                                   const mastra_list_workflow_runs_args *args,
                                                   mastra_workflow_run_list **ret_runs, mastra_error *error);

typedef struct mastra_update_workflow_results_args {
    size_t size;
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str step_id;         /* with `result` */
    mastra_str result;          /* JSON */
    mastra_str results;         /* JSON object of step id to result, instead of or beside the one */
    mastra_str request_context; /* JSON object laid over the snapshot's, one level deep; absent: kept */
    const mastra_fence *fence;  /* may be NULL */
} mastra_update_workflow_results_args;

#define MASTRA_UPDATE_WORKFLOW_RESULTS_INIT                                                                  \
    {                                                                                                        \
        sizeof(mastra_update_workflow_results_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0},  \
            {NULL, 0}, NULL                                                                                  \
    }

/*
 * Lays step results into the snapshot's context; a missing run is created. Where a step's stored and new result both
 * have an array "output" (a foreach that runs in parts), the arrays are merged element by element. updatedAt becomes
 * now. Loses no concurrent update. *ret_run is the run as it is now. Errors: FENCED; NOT_FOUND when the snapshot has no
 * context. Mastra: updateWorkflowResults.
 */
MASTRA_API mastra_status mastra_update_workflow_results(mastra_store *store,
                                                        const mastra_update_workflow_results_args *args,
                                                        mastra_workflow_run **ret_run, mastra_error *error);

typedef struct mastra_update_workflow_state_args {
    size_t size;
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str
        state; /* JSON object laid over the snapshot, one level deep; "expectedStatus" and "fence" in it are not */
    const mastra_str *expected_status; /* not NULL: the snapshot's status must be one of these */
    size_t expected_status_count;
    const mastra_fence *fence; /* may be NULL */
    mastra_str unset;          /* JSON array of names of members of the snapshot that are taken away first */
} mastra_update_workflow_state_args;

#define MASTRA_UPDATE_WORKFLOW_STATE_INIT                                                                    \
    {                                                                                                        \
        sizeof(mastra_update_workflow_state_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, NULL, 0, NULL,           \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

/*
 * Changes members of the snapshot; updatedAt becomes now. Loses no concurrent update. *ret_run is the run as it is now,
 * NULL when there is none or its status is not an expected one (nothing is written then). Errors: FENCED; NOT_FOUND
 * when the snapshot has no context. Mastra: updateWorkflowState.
 */
MASTRA_API mastra_status mastra_update_workflow_state(mastra_store *store,
                                                      const mastra_update_workflow_state_args *args,
                                                      mastra_workflow_run **ret_run, mastra_error *error);

/*
 * Run locks. A lock is a lease: it is its owner's until it expires, is released, or is renewed for longer. Expiry is
 * judged by the database's clock. Each acquisition has a generation, greater than all before it, which together with the
 * owner makes the fence that protects writes.
 */

#define MASTRA_RUN_LOCK_TTL_MS (INT64_C(30) * 60 * 1000) /* when none is given */

typedef struct mastra_run_lock {
    size_t size;
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str owner_id;
    int64_t generation;
    mastra_time acquired_at;
    mastra_time expires_at;
} mastra_run_lock;

#define MASTRA_RUN_LOCK_INIT                                                                                 \
    {                                                                                                        \
        sizeof(mastra_run_lock), {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_INTEGER_NONE, MASTRA_TIME_NONE,     \
            MASTRA_TIME_NONE                                                                                 \
    }

MASTRA_API void mastra_run_lock_free(mastra_run_lock *lock); /* NULL is allowed */

/* Opaque; items and page are borrowed from it. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_run_lock_list mastra_run_lock_list;

MASTRA_API size_t mastra_run_lock_list_count(const mastra_run_lock_list *list);
MASTRA_API const mastra_run_lock *mastra_run_lock_list_at(const mastra_run_lock_list *list, size_t index);
MASTRA_API const mastra_page *mastra_run_lock_list_page(const mastra_run_lock_list *list);
MASTRA_API void mastra_run_lock_list_free(mastra_run_lock_list *list); /* NULL is allowed */

/*
 * Tells that a lock which the library kept alive is no longer held: it was taken over, or could not be renewed before
 * it expired. Called once, on a thread of the library; it may use the store, but not close it. `lock` is what was held; it
 * is valid during the call.
 */
typedef void (*mastra_lock_lost_fn)(void *user, const mastra_run_lock *lock);

typedef struct mastra_run_lock_args {
    size_t size;
    mastra_str workflow_name;
    mastra_str run_id;
    mastra_str owner_id; /* absent: the store's own, see mastra_options */
    int64_t ttl_ms;      /* milliseconds, 0: MASTRA_RUN_LOCK_TTL_MS; at most ten years */
    int64_t generation;  /* renew, release: of the lock that is meant; 0: whichever the owner holds */
    bool keep_alive;     /* acquire: renew in the background until released, lost, or the store is closed */
    mastra_lock_lost_fn lost; /* with keep_alive; may be NULL */
    void *lost_user;
} mastra_run_lock_args;

#define MASTRA_RUN_LOCK_ARGS_INIT                                                                            \
    {                                                                                                        \
        sizeof(mastra_run_lock_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, 0, false, NULL, NULL               \
    }

/*
 * Takes the lock of a run when nobody holds it: *ret_lock is the lock, NULL when it is taken (by the same owner, too).
 * The run need not exist. Mastra: tryAcquireWorkflowRunLock.
 */
MASTRA_API mastra_status mastra_try_acquire_workflow_run_lock(mastra_store *store,
                                                              const mastra_run_lock_args *args,
                                                              mastra_run_lock **ret_lock,
                                                              mastra_error *error);

/* Makes a held lock last for `ttl_ms` from now; *ret_held tells whether it was held. Mastra: renewWorkflowRunLock. */
MASTRA_API mastra_status mastra_renew_workflow_run_lock(mastra_store *store, const mastra_run_lock_args *args,
                                                        bool *ret_held, mastra_error *error);

/* Reads a lock; *ret_lock is NULL when nobody holds it. Mastra: getWorkflowRunLock. */
MASTRA_API mastra_status mastra_get_workflow_run_lock(mastra_store *store, mastra_str workflow_name,
                                                      mastra_str run_id, mastra_run_lock **ret_lock,
                                                      mastra_error *error);

/* Gives a lock back; *ret_held tells whether it was held. Mastra: releaseWorkflowRunLock. */
MASTRA_API mastra_status mastra_release_workflow_run_lock(mastra_store *store,
                                                          const mastra_run_lock_args *args, bool *ret_held,
                                                          mastra_error *error);

typedef struct mastra_list_run_locks_args {
    size_t size;
    int64_t page;
    int64_t per_page; /* default 100 */
} mastra_list_run_locks_args;

#define MASTRA_LIST_RUN_LOCKS_INIT                                                                           \
    {                                                                                                        \
        sizeof(mastra_list_run_locks_args), 0, MASTRA_PER_PAGE_DEFAULT                                       \
    }

/* The locks that are held, the youngest first. `args` NULL: defaults. Not an operation of Mastra: listWorkflowRunLocks. */
MASTRA_API mastra_status mastra_list_workflow_run_locks(mastra_store *store,
                                                        const mastra_list_run_locks_args *args,
                                                        mastra_run_lock_list **ret_locks,
                                                        mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
