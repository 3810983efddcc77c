/*
 * A workflow that survives: it is killed in the middle, started again, and goes on with the step it was at.
 *
 *     workflow URL RUN [LEASE_MS]      each step is done when somebody presses Enter
 *
 * Two things keep two processes from doing the same step:
 *
 *   the run lock   a lease in the database. The library renews it in the background. Whoever is killed renews it no more,
 *                  and when the lease is over another process may take it.
 *   the fence      the owner and the generation of the lock, which every write carries. A process that was paused for
 *                  longer than its lease does not know that it is too late; the store does, and refuses what it writes.
 */
#define _POSIX_C_SOURCE 200809L

#include <mastra/mastra.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKFLOW "order"

static const char *const steps[] = {"reserve", "charge", "ship"};
#define STEPS (sizeof steps / sizeof steps[0])

struct worker {
    mastra_store *store;
    mastra_str run_id;
    int64_t lease_ms;
    mastra_run_lock *lock;
    mastra_fence fence;
    atomic_bool lost; /* set by a thread of the library */
};

/* Called once, when the lock could not be renewed in time. What is written after that is refused anyway, so a program
 * needs this only to stop earlier what it is doing. */
static void lock_lost(void *user, const mastra_run_lock *lock)
{
    struct worker *worker = user;

    (void)lock;
    atomic_store(&worker->lost, true);
}

/* Tries for as long as two leases last: the lock of a process that was killed is free by then. */
static mastra_status take_lock(struct worker *worker, mastra_error *error)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    const struct timespec pause = {0, 100000000};
    mastra_status status;

    args.workflow_name = mastra_str_of(WORKFLOW);
    args.run_id = worker->run_id;
    args.ttl_ms = worker->lease_ms;
    args.keep_alive = true;
    args.lost = lock_lost;
    args.lost_user = worker;
    for (int64_t waited = 0;; waited += 100) {
        status = mastra_try_acquire_workflow_run_lock(worker->store, &args, &worker->lock, error);
        if (status != MASTRA_OK || worker->lock || waited > 2 * worker->lease_ms) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (worker->lock) {
        worker->fence.owner_id = worker->lock->owner_id;
        worker->fence.generation = worker->lock->generation;
    }
    return status;
}

static void give_lock_back(struct worker *worker)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;

    args.workflow_name = mastra_str_of(WORKFLOW);
    args.run_id = worker->run_id;
    args.generation = worker->fence.generation;
    /* A lock that is lost already is no harm, and one that cannot be given back expires. */
    mastra_release_workflow_run_lock(worker->store, &args, NULL, NULL);
}

/* A new run, in the form that Mastra gives its snapshots: results of steps are collected in its context. */
static mastra_status begin_run(struct worker *worker, mastra_error *error)
{
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;

    run.workflow_name = mastra_str_of(WORKFLOW);
    run.run_id = worker->run_id;
    run.snapshot = mastra_str_of("{\"status\":\"running\",\"value\":{},\"context\":{},\"activePaths\":[],"
                                 "\"suspendedPaths\":{},\"waitingPaths\":{}}");
    return mastra_persist_workflow_snapshot(worker->store, &run, &worker->fence, error);
}

/* Whether the snapshot holds a result of the step. These snapshots hold a step's name nowhere else, so looking for the
 * name is enough; a larger program would ask its JSON library. */
static bool is_done(const char *snapshot, const char *step)
{
    char name[40];

    snprintf(name, sizeof name, "\"%s\"", step);
    return strstr(snapshot, name) != NULL;
}

/* The work itself. False when nobody is there to do it. */
static bool do_step(const char *step)
{
    int c;

    printf("%s: press Enter when it is done\n", step);
    fflush(stdout);
    while ((c = getchar()) != EOF) {
        if (c == '\n') {
            return true;
        }
    }
    return false;
}

static mastra_status save_result(struct worker *worker, const char *step, mastra_error *error)
{
    mastra_update_workflow_results_args args = MASTRA_UPDATE_WORKFLOW_RESULTS_INIT;

    args.workflow_name = mastra_str_of(WORKFLOW);
    args.run_id = worker->run_id;
    args.step_id = mastra_str_of(step);
    args.result = mastra_str_of("{\"status\":\"success\",\"output\":{\"done\":true}}");
    args.fence = &worker->fence;
    return mastra_update_workflow_results(worker->store, &args, NULL, error);
}

static mastra_status end_run(struct worker *worker, mastra_error *error)
{
    mastra_update_workflow_state_args args = MASTRA_UPDATE_WORKFLOW_STATE_INIT;

    args.workflow_name = mastra_str_of(WORKFLOW);
    args.run_id = worker->run_id;
    args.state = mastra_str_of("{\"status\":\"success\"}");
    args.fence = &worker->fence;
    return mastra_update_workflow_state(worker->store, &args, NULL, error);
}

/* Does what is left to do of the run whose snapshot this is. */
static mastra_status go_on(struct worker *worker, const char *snapshot, mastra_error *error)
{
    for (size_t i = 0; i < STEPS; i++) {
        mastra_status status;

        if (is_done(snapshot, steps[i])) {
            printf("%s: done before\n", steps[i]);
            continue;
        }
        if (!do_step(steps[i])) {
            printf("stopped; start again to go on\n");
            return MASTRA_OK;
        }
        if (atomic_load(&worker->lost)) {
            printf("%s: the lock was lost meanwhile\n", steps[i]);
        }
        status = save_result(worker, steps[i], error);
        if (status != MASTRA_OK) {
            return status;
        }
        printf("%s: saved\n", steps[i]);
    }
    printf("run %s is done\n", worker->run_id.ptr);
    return end_run(worker, error);
}

static mastra_status work(struct worker *worker, mastra_error *error)
{
    mastra_workflow_run *run = NULL;
    mastra_status status =
        mastra_load_workflow_snapshot(worker->store, mastra_str_of(WORKFLOW), worker->run_id, &run, error);

    if (status == MASTRA_OK && !run) {
        status = begin_run(worker, error);
    }
    if (status == MASTRA_OK) {
        status = go_on(worker, run ? run->snapshot.ptr : "", error);
    }
    mastra_workflow_run_free(run);
    return status;
}

static mastra_status run(struct worker *worker, mastra_error *error)
{
    mastra_status status = take_lock(worker, error);

    if (status == MASTRA_OK && !worker->lock) {
        printf("another process works on run %s\n", worker->run_id.ptr);
        return MASTRA_OK;
    }
    if (status == MASTRA_OK) {
        printf("locked, generation %lld\n", (long long)worker->lock->generation);
        status = work(worker, error);
        give_lock_back(worker);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct worker worker = {.fence = MASTRA_FENCE_INIT, .lease_ms = 10000};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    if (argc < 3 || argc > 4) {
        fputs("usage: workflow URL RUN [LEASE_MS]\n", stderr);
        return 2;
    }
    worker.run_id = mastra_str_of(argv[2]);
    if (argc == 4) {
        worker.lease_ms = strtoll(argv[3], NULL, 10);
    }
    status = mastra_open(argv[1], NULL, &worker.store, &error);
    if (status == MASTRA_OK) {
        status = run(&worker, &error);
    }
    if (status != MASTRA_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    /* What the callback writes into must stay until the store is closed. */
    mastra_close(worker.store, NULL);
    mastra_run_lock_free(worker.lock);
    return mastra_status_exit_code(status);
}
