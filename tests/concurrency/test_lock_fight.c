/*
 * 32 threads in 8 processes fight over the locks of 50 runs with short leases, while processes are paused past their
 * leases and killed. No generation may have two holders, and no write of a superseded owner may land: a trigger in
 * the database compares every snapshot that is written with the lock that is in force at that moment.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES   8
#define THREADS     4
#define RUNS        50
#define HOT_RUNS    6
#define LEASE_MS    60
#define GENERATIONS 20000
#define TROUBLES    24 /* pauses and kills */

/* A trigger notes each write beside the lock as it is at that moment; n tells the order of the writes of one run. */
static const char audit_sqlite[] =
    "CREATE TABLE audit (n INTEGER PRIMARY KEY, run TEXT, written INTEGER, held INTEGER, writer TEXT,"
    " holder TEXT);"
    "CREATE TRIGGER audit_insert AFTER INSERT ON mastra_workflow_snapshot BEGIN INSERT INTO audit"
    " SELECT NULL, new.run_id, json_extract(new.snapshot, '$.generation'), generation,"
    " json_extract(new.snapshot, '$.owner'), owner FROM mastra_workflow_run_locks WHERE run_id = new.run_id; "
    "END;"
    "CREATE TRIGGER audit_update AFTER UPDATE ON mastra_workflow_snapshot BEGIN INSERT INTO audit"
    " SELECT NULL, new.run_id, json_extract(new.snapshot, '$.generation'), generation,"
    " json_extract(new.snapshot, '$.owner'), owner FROM mastra_workflow_run_locks WHERE run_id = new.run_id; "
    "END;";

static const char audit_postgres[] =
    "CREATE TABLE audit (n BIGSERIAL PRIMARY KEY, run TEXT, written BIGINT, held BIGINT, writer TEXT,"
    " holder TEXT);"
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN"
    " INSERT INTO audit (run, written, held, writer, holder) SELECT new.run_id,"
    " (new.snapshot->>'generation')::bigint, generation, new.snapshot->>'owner', owner"
    " FROM mastra_workflow_run_locks WHERE run_id = new.run_id; RETURN NULL; END $$;"
    "CREATE TRIGGER audit AFTER INSERT OR UPDATE ON mastra_workflow_snapshot FOR EACH ROW"
    " EXECUTE FUNCTION note();";

/* What all processes see. */
struct board {
    atomic_uchar holders[RUNS][GENERATIONS];
    atomic_int acquired;
    atomic_int acknowledged;
    atomic_int fenced;
    atomic_bool over;
};

struct fight {
    struct place place;
    struct board *board;
    int incarnation; /* of the process that is started next */
};

struct fighter {
    const struct fight *fight;
    mastra_store *store;
    char owner[48];
    unsigned seed;
};

static void sleep_ms(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static int below(struct fighter *self, int bound)
{
    return (int)((unsigned)rand_r(&self->seed) % (unsigned)bound);
}

/* Writes a snapshot under the fence; false when the lock is gone. */
static bool write_snapshot(struct fighter *self, const mastra_run_lock *lock)
{
    struct board *board = self->fight->board;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_fence fence = MASTRA_FENCE_INIT;
    mastra_workflow_run run = MASTRA_WORKFLOW_RUN_INIT;
    char *snapshot =
        test_format("{\"status\":\"running\",\"context\":{},\"generation\":%lld,\"owner\":\"%s\"}",
                    (long long)lock->generation, self->owner);
    run.workflow_name = lock->workflow_name;
    run.run_id = lock->run_id;
    run.snapshot = mastra_str_of(snapshot);
    fence.owner_id = mastra_str_of(self->owner);
    fence.generation = lock->generation;
    mastra_status status = mastra_persist_workflow_snapshot(self->store, &run, &fence, &error);
    free(snapshot);
    if (status == MASTRA_OK)
        atomic_fetch_add(&board->acknowledged, 1);
    else if (status == MASTRA_FENCED)
        atomic_fetch_add(&board->fenced, 1);
    else
        crew_fail("persist: %s: %s", mastra_status_name(status), error.message);
    return status == MASTRA_OK;
}

static void hold(struct fighter *self, int run, const mastra_run_lock *lock, mastra_run_lock_args *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    atomic_fetch_add(&self->fight->board->acquired, 1);
    if (lock->generation >= GENERATIONS)
        crew_fail("more generations than the board has room for");
    else if (atomic_exchange(&self->fight->board->holders[run][lock->generation], 1))
        crew_fail("run %d has two holders of generation %lld", run, (long long)lock->generation);
    for (int i = below(self, 5); i >= 0 && write_snapshot(self, lock); i--) {
        if (below(self, 4) == 0)
            sleep_ms(below(self, 2 * LEASE_MS));
    }
    args->generation = lock->generation;
    if (below(self, 3) && mastra_release_workflow_run_lock(self->store, args, NULL, &error) != MASTRA_OK)
        crew_fail("release: %s", error.message);
}

static void fight_in_thread(int index, void *arg)
{
    const struct fighter *mould = arg;
    struct fighter self = *mould;
    snprintf(self.owner, sizeof(self.owner), "%.30s.%d", mould->owner, index);
    self.seed = mould->seed + (unsigned)index;
    while (!atomic_load(&self.fight->board->over)) {
        int run = below(&self, 2) ? below(&self, HOT_RUNS) : below(&self, RUNS);
        char id[16];
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
        mastra_run_lock *lock = NULL;
        snprintf(id, sizeof(id), "run-%d", run);
        args.workflow_name = mastra_str_of("fight");
        args.run_id = mastra_str_of(id);
        args.owner_id = mastra_str_of(self.owner);
        args.ttl_ms = LEASE_MS / 2 + below(&self, LEASE_MS);
        if (mastra_try_acquire_workflow_run_lock(self.store, &args, &lock, &error) != MASTRA_OK)
            crew_fail("acquire: %s", error.message);
        if (lock)
            hold(&self, run, lock, &args);
        mastra_run_lock_free(lock);
    }
}

static void fight_in_process(int index, void *arg)
{
    const struct fight *fight = arg;
    struct fighter mould = {.fight = fight, .seed = (unsigned)(index * 1000 + fight->incarnation * 10)};
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    options.busy_timeout_ms = 60000;
    snprintf(mould.owner, sizeof(mould.owner), "p%d.%d", index, fight->incarnation);
    if (mastra_open(fight->place.url, &options, &mould.store, &error) != MASTRA_OK) {
        crew_fail("open: %s", error.message);
        return;
    }
    crew_run(THREADS, fight_in_thread, &mould);
    if (mastra_close(mould.store, &error) != MASTRA_OK)
        crew_fail("close: %s", error.message);
}

static void kill_and_replace(struct fight *fight, pid_t *children, int victim)
{
    kill(children[victim], SIGKILL);
    waitpid(children[victim], NULL, 0);
    fight->incarnation++;
    children[victim] = crew_fork(fight_in_process, victim, fight);
}

static void make_trouble(struct fight *fight, pid_t *children)
{
    struct fighter dice = {.seed = 7};
    for (int i = 0; i < TROUBLES; i++) {
        int victim = below(&dice, PROCESSES);
        sleep_ms(below(&dice, LEASE_MS));
        if (below(&dice, 3) == 0) {
            kill_and_replace(fight, children, victim);
            continue;
        }
        kill(children[victim], SIGSTOP);
        sleep_ms(2 * LEASE_MS + below(&dice, LEASE_MS));
        kill(children[victim], SIGCONT);
    }
}

static bool fought(const struct board *board)
{
    return atomic_load(&board->acquired) > RUNS && atomic_load(&board->fenced) > 0;
}

static int begin(void **state)
{
    struct fight *fight = calloc(1, sizeof(*fight));
    mastra_store *store = NULL;
    assert_non_null(fight);
    place_begin(&fight->place, *state);
    fight->board =
        mmap(NULL, sizeof(*fight->board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(fight->board, MAP_FAILED);
    assert_int_equal(mastra_open(fight->place.url, NULL, &store, NULL), MASTRA_OK);
    assert_int_equal(mastra_init(store, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    place_run(&fight->place, fight->place.schema ? audit_postgres : audit_sqlite);
    *state = fight;
    return 0;
}

static int end(void **state)
{
    struct fight *fight = *state;
    munmap(fight->board, sizeof(*fight->board));
    place_end(&fight->place);
    free(fight);
    return 0;
}

static void one_holder_and_no_late_write(void **state)
{
    struct fight *fight = *state;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = crew_fork(fight_in_process, i, fight);
    make_trouble(fight, children);
    /* A slow machine has not fought enough by then. */
    for (int i = 0; i < 6000 && !fought(fight->board); i++)
        sleep_ms(10);
    atomic_store(&fight->board->over, true);
    for (int i = 0; i < PROCESSES; i++)
        crew_wait(children[i]);
    crew_check();
    place_check(&fight->place);
    assert_int_equal(
        place_number(&fight->place, "SELECT count(*) FROM audit WHERE written <> held OR writer <> holder"),
        0);
    assert_int_equal(place_number(&fight->place,
                                  "SELECT count(*) FROM audit AS a JOIN audit AS b ON a.run = b.run AND"
                                  " a.n < b.n AND a.written > b.written"),
                     0);
    /* A killed process may have written what it could not acknowledge any more, never the reverse. */
    assert_true(place_number(&fight->place, "SELECT count(*) FROM audit") >=
                atomic_load(&fight->board->acknowledged));
    assert_true(fought(fight->board));
    print_message("# %d acquired, %d written, %d refused\n", atomic_load(&fight->board->acquired),
                  atomic_load(&fight->board->acknowledged), atomic_load(&fight->board->fenced));
}

int main(void)
{
    const struct place_test tests[] = {
        {"one holder, and no late write", one_holder_and_no_late_write, PLACE_FILE | PLACE_POSTGRES},
    };
    return place_main("lock fight", tests, sizeof(tests) / sizeof(tests[0]), begin, end);
}
