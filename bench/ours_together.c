/* Us: many saves at a time. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>

/* Submitted at once. */

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct ours *ours = user;

    (void)json;
    (void)error;
    (void)pthread_mutex_lock(&ours->mutex);
    ours->failed += status != MASTRA_OK;
    ours->done++;
    if (ours->done == AT_ONCE) {
        (void)pthread_cond_signal(&ours->changed);
    }
    (void)pthread_mutex_unlock(&ours->mutex);
}

static bool submit_and_wait(struct ours *ours, char **arguments)
{
    ours->done = 0;
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (mastra_call_async(ours->store, "saveMessages", mastra_str_of(arguments[i]), 0, done, ours,
                              &ours->error) != MASTRA_OK) {
            /* What was queued still has its callback to come. */
            (void)ours_complain(ours, "mastra_call_async");
            abort();
        }
    }
    (void)pthread_mutex_lock(&ours->mutex);
    while (ours->done < AT_ONCE) {
        (void)pthread_cond_wait(&ours->changed, &ours->mutex);
    }
    (void)pthread_mutex_unlock(&ours->mutex);
    return ours->failed == 0;
}

double ours_save_at_once(struct ours *ours, const struct batch *batch)
{
    char **arguments = ours_arguments(batch);
    bool saved = arguments != NULL;
    double begin = seconds_now();
    double took;

    for (size_t i = 0; saved && i < batch->operations; i += AT_ONCE) {
        saved = submit_and_wait(ours, arguments + i);
    }
    took = seconds_now() - begin;
    ours_arguments_free(arguments, batch->operations);
    return saved ? took : ours_complain(ours, "saveMessages at once");
}

/* By threads. */

struct saver {
    struct ours *ours;
    const struct batch *batch;
    pthread_barrier_t *barrier;
    size_t number;
    bool failed;
    pthread_t thread;
};

static void *save_own(void *arg)
{
    struct saver *saver = arg;
    const struct batch *batch = saver->batch;
    mastra_error error = MASTRA_ERROR_INIT;

    (void)pthread_barrier_wait(saver->barrier);
    for (size_t i = saver->number; !saver->failed && i < batch->note_count; i += AT_ONCE) {
        mastra_message message = ours_message(&batch->notes[i]);
        const mastra_message *list = &message;

        if (mastra_save_messages(saver->ours->store, &list, 1, NULL, &error) != MASTRA_OK) {
            fprintf(stderr, "bench: saveMessages: %s\n", error.message);
            saver->failed = true;
        }
    }
    return NULL;
}

/* All begin together, once they exist. */
double ours_save_by_threads(struct ours *ours, const struct batch *batch)
{
    struct saver savers[AT_ONCE];
    pthread_barrier_t barrier;
    bool failed = false;
    double begin;

    (void)pthread_barrier_init(&barrier, NULL, AT_ONCE + 1);
    for (size_t i = 0; i < AT_ONCE; i++) {
        savers[i] = (struct saver){.ours = ours, .batch = batch, .barrier = &barrier, .number = i};
        if (pthread_create(&savers[i].thread, NULL, save_own, &savers[i]) != 0) {
            perror("bench: pthread_create");
            exit(1);
        }
    }
    begin = seconds_now();
    (void)pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < AT_ONCE; i++) {
        (void)pthread_join(savers[i].thread, NULL);
        failed = failed || savers[i].failed;
    }
    begin = seconds_now() - begin;
    (void)pthread_barrier_destroy(&barrier);
    return failed ? -1 : begin;
}
