#include "backends/sqlite/checkpoint.h"

#include "backends/sqlite/sqlite.h"
#include "base/error.h"
#include "base/thread.h"

/* Pages of the WAL that wait to be moved: as many as SQLite lets wait by itself; pages in all, before the writer stops. */
#define FRAMES_WANTED 1000
#define FRAMES_MOST   8000

/* Moves what no reader keeps in the WAL. One that fails is tried again later; the data is safe in the WAL. */
static void run(struct sqlite_checkpoint *checkpoint, struct connection *connection)
{
    int moved = -1;
    int code;

    pthread_mutex_lock(&checkpoint->work);
    code = sqlite3_wal_checkpoint_v2(connection->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, &moved);
    pthread_mutex_unlock(&checkpoint->work);
    if (code == SQLITE_OK && moved >= 0) {
        pthread_mutex_lock(&checkpoint->lock);
        checkpoint->moved = moved;
        pthread_mutex_unlock(&checkpoint->lock);
    }
}

/* The thread. */

static bool wait_until_wanted(struct sqlite_checkpoint *checkpoint)
{
    bool go_on;

    pthread_mutex_lock(&checkpoint->lock);
    while (!checkpoint->wanted && !checkpoint->stopping) {
        pthread_cond_wait(&checkpoint->changed, &checkpoint->lock);
    }
    checkpoint->wanted = false;
    go_on = !checkpoint->stopping;
    pthread_mutex_unlock(&checkpoint->lock);
    return go_on;
}

static void *checkpoint_main(void *arg)
{
    struct sqlite_checkpoint *checkpoint = arg;
    struct connection *connection = NULL;
    mastra_error ignored = MASTRA_ERROR_INIT;

    while (wait_until_wanted(checkpoint)) {
        if (!connection && sqlite_connect(checkpoint->backend, &connection, &ignored) != MASTRA_OK) {
            pthread_mutex_lock(&checkpoint->lock);
            checkpoint->failed = true;
            pthread_mutex_unlock(&checkpoint->lock);
            continue;
        }
        run(checkpoint, connection);
    }
    sqlite_disconnect(connection);
    return NULL;
}

/* The writer. */

/* Has the thread look after a WAL of so many pages, when that is worth it; false when there is no thread. */
static bool ask(struct sqlite_checkpoint *checkpoint, int frames)
{
    bool asked;

    pthread_mutex_lock(&checkpoint->lock);
    /* A shorter one has begun anew. */
    if (frames < checkpoint->moved) {
        checkpoint->moved = 0;
    }
    if (frames - checkpoint->moved < FRAMES_WANTED) {
        pthread_mutex_unlock(&checkpoint->lock);
        return true;
    }
    if (!checkpoint->started && !checkpoint->failed) {
        checkpoint->started = ms_thread_start(&checkpoint->thread, checkpoint_main, checkpoint);
        checkpoint->failed = !checkpoint->started;
    }
    asked = !checkpoint->failed;
    if (asked && !checkpoint->wanted) {
        checkpoint->wanted = true;
        pthread_cond_signal(&checkpoint->changed);
    }
    pthread_mutex_unlock(&checkpoint->lock);
    return asked;
}

/* Called behind every commit, with the number of pages in the WAL. */
static int after_commit(void *arg, sqlite3 *db, const char *database, int frames)
{
    struct sqlite_checkpoint *checkpoint = arg;
    struct connection *writer = checkpoint->backend->writer;
    bool due;

    (void)db;
    (void)database;
    checkpoint->frames = frames;
    due = frames >= FRAMES_MOST || (frames >= FRAMES_WANTED && !ask(checkpoint, frames));
    /* What may not wait leaves it to the next commit: see sqlite_checkpoint_due. */
    if (due && writer->mode != MS_SESSION_WRITE_AT_ONCE) {
        run(checkpoint, writer);
    }
    return SQLITE_OK;
}

void sqlite_checkpoint_init(struct sqlite_checkpoint *checkpoint)
{
    memset(checkpoint, 0, sizeof *checkpoint);
    pthread_mutex_init(&checkpoint->work, NULL);
    pthread_mutex_init(&checkpoint->lock, NULL);
    pthread_cond_init(&checkpoint->changed, NULL);
}

void sqlite_checkpoint_attach(struct sqlite_checkpoint *checkpoint, struct sqlite_backend *backend)
{
    /* Before that version two connections must not checkpoint at once. */
    if (sqlite3_libversion_number() < SQLITE_SAFE_WAL_VERSION) {
        return;
    }
    checkpoint->backend = backend;
    sqlite3_wal_hook(backend->writer->db, after_commit, checkpoint);
}

bool sqlite_checkpoint_due(struct sqlite_checkpoint *checkpoint)
{
    bool failed;

    pthread_mutex_lock(&checkpoint->lock);
    failed = checkpoint->failed;
    pthread_mutex_unlock(&checkpoint->lock);
    /* Without the hook SQLite itself looks after the WAL, in the commits. */
    return failed || !checkpoint->backend || checkpoint->frames >= FRAMES_MOST - FRAMES_WANTED;
}

void sqlite_checkpoint_release(struct sqlite_checkpoint *checkpoint)
{
    pthread_mutex_lock(&checkpoint->lock);
    checkpoint->stopping = true;
    pthread_cond_signal(&checkpoint->changed);
    pthread_mutex_unlock(&checkpoint->lock);
    if (checkpoint->started) {
        pthread_join(checkpoint->thread, NULL);
    }
    pthread_cond_destroy(&checkpoint->changed);
    pthread_mutex_destroy(&checkpoint->lock);
    pthread_mutex_destroy(&checkpoint->work);
}
