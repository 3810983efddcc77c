/*
 * Checkpoints beside the writer. SQLite would move the WAL into the database inside the commit that makes it long, and
 * have that one call wait for the disk. Here a thread with a connection of its own does it, while the writer goes on
 * appending. Since it never quite catches up with a writer that does not pause, the writer itself does the rest when
 * the WAL has become far too long: only then can it begin anew at the front.
 */
#ifndef BACKENDS_SQLITE_CHECKPOINT_H
#define BACKENDS_SQLITE_CHECKPOINT_H

#include <pthread.h>
#include <stdbool.h>

struct connection;
struct sqlite_backend;

struct sqlite_checkpoint {
    struct sqlite_backend *backend; /* NULL: SQLite's own way is kept */
    pthread_mutex_t work; /* held during a checkpoint: there is one at a time, and the writer waits for it */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    pthread_t thread;
    bool started;
    bool failed; /* no thread or connection could be had */
    bool wanted;
    bool stopping;
    int moved;  /* pages of the WAL that stand in the database already */
    int frames; /* pages of the WAL behind the last commit; for whoever has the writer */
};

void sqlite_checkpoint_init(struct sqlite_checkpoint *checkpoint);

/* Takes the checkpoints of the open writer over. */
void sqlite_checkpoint_attach(struct sqlite_checkpoint *checkpoint, struct sqlite_backend *backend);

/* Whether a commit could be the one that has to do the rest; asked by whoever has the writer. */
bool sqlite_checkpoint_due(struct sqlite_checkpoint *checkpoint);

/* Waits for a running checkpoint and ends the thread. */
void sqlite_checkpoint_release(struct sqlite_checkpoint *checkpoint);

#endif
