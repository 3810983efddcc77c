/* What the parts of our contestant share. Each kind of work gives the seconds it took, less than 0 when it failed. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "contestant.h"

#include <mastra/mastra.h>
#include <pthread.h>

struct ours {
    mastra_store *store;
    mastra_error error;
    char path[4096];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t done;
    size_t failed;
};

double ours_complain(const struct ours *ours, const char *doing);
mastra_message ours_message(const struct note *note);

double ours_save(struct ours *ours, struct batch *batch);
double ours_page(struct ours *ours, const struct batch *batch);
double ours_get_thread(struct ours *ours, const struct batch *batch);
double ours_persist(struct ours *ours, const struct batch *batch);
double ours_create_spans(struct ours *ours, const struct batch *batch);
double ours_get_trace(struct ours *ours, const struct batch *batch);
double ours_list_traces(struct ours *ours, const struct batch *batch);
double ours_save_at_once(struct ours *ours, const struct batch *batch);
double ours_save_by_threads(struct ours *ours, const struct batch *batch);

/* By name, with JSON. */

double ours_run_called(void *self, struct batch *batch);
/* The JSON arguments of each saving call of a batch; NULL when memory is out. */
char **ours_arguments(const struct batch *batch);
void ours_arguments_free(char **arguments, size_t count);

#endif
