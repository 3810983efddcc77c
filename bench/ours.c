/* Us: opening, and what is whose. */
#include "ours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double ours_complain(const struct ours *ours, const char *doing)
{
    fprintf(stderr, "bench: %s: %s\n", doing, ours->error.message);
    return -1;
}

static bool save_thread(mastra_store *store, const char *id, mastra_error *error)
{
    mastra_thread thread = MASTRA_THREAD_INIT;

    thread.id = mastra_str_of(id);
    thread.resource_id = mastra_str_of("user-1");
    thread.title = mastra_str_of("A thread");
    thread.metadata = mastra_str_of("{\"topic\":\"benchmark\"}");
    return mastra_save_thread(store, &thread, NULL, error) == MASTRA_OK;
}

static bool save_threads(struct ours *ours)
{
    bool saved = true;
    char agent[24];

    for (size_t i = 0; saved && i < THREAD_KINDS; i++) {
        saved = save_thread(ours->store, thread_kinds[i], &ours->error);
    }
    for (size_t i = 0; saved && i < AT_ONCE; i++) {
        agent_name(agent, i);
        saved = save_thread(ours->store, agent, &ours->error);
    }
    return saved;
}

static bool close_ours(void *self)
{
    struct ours *ours = self;
    bool closed = mastra_close(ours->store, &ours->error) == MASTRA_OK;

    if (!closed) {
        ours_complain(ours, "close");
    }
    (void)pthread_cond_destroy(&ours->changed);
    (void)pthread_mutex_destroy(&ours->mutex);
    free(ours);
    return closed;
}

static void *open_ours(const char *path, bool full)
{
    struct ours *ours = calloc(1, sizeof(*ours));
    char url[4200];

    if (!ours) {
        return NULL;
    }
    ours->error = (mastra_error)MASTRA_ERROR_INIT;
    (void)pthread_mutex_init(&ours->mutex, NULL);
    (void)pthread_cond_init(&ours->changed, NULL);
    (void)snprintf(ours->path, sizeof(ours->path), "%s", path);
    if (strstr(path, "://")) {
        (void)snprintf(url, sizeof(url), "%s", path);
    } else {
        (void)snprintf(url, sizeof(url), "file:%s%s", path, full ? "?synchronous=full" : "");
    }
    if (mastra_open(url, NULL, &ours->store, &ours->error) != MASTRA_OK) {
        ours_complain(ours, "open");
        free(ours);
        return NULL;
    }
    if (!save_threads(ours)) {
        ours_complain(ours, "saveThread");
        (void)close_ours(ours);
        return NULL;
    }
    return ours;
}

/* Each on a new file; only the closing is not counted. */
static double start(struct ours *ours, const struct batch *batch)
{
    double took = 0;

    for (size_t i = 0; i < batch->operations; i++) {
        mastra_store *store = NULL;
        char path[4150];
        char url[4200];
        double begin;
        bool saved;

        fresh_path(path, sizeof(path), ours->path);
        (void)snprintf(url, sizeof(url), "file:%s", path);
        begin = seconds_now();
        saved = mastra_open(url, NULL, &store, &ours->error) == MASTRA_OK &&
                save_thread(store, "first", &ours->error);
        took += seconds_now() - begin;
        (void)mastra_close(store, NULL);
        remove_database(path);
        if (!saved) {
            return ours_complain(ours, "start");
        }
    }
    return took;
}

static double run_ours(void *self, struct batch *batch)
{
    switch (rows[batch->row].work) {
    case WORK_SAVE:
        return ours_save(self, batch);
    case WORK_AT_ONCE:
        return ours_save_at_once(self, batch);
    case WORK_THREADS:
        return ours_save_by_threads(self, batch);
    case WORK_PAGE:
        return ours_page(self, batch);
    case WORK_GET_THREAD:
        return ours_get_thread(self, batch);
    case WORK_PERSIST:
        return ours_persist(self, batch);
    case WORK_SPANS:
        return ours_create_spans(self, batch);
    case WORK_TRACE:
        return ours_get_trace(self, batch);
    case WORK_TRACES:
        return ours_list_traces(self, batch);
    case WORK_START:
        return start(self, batch);
    }
    return -1;
}

const struct contestant contestant_ours = {"ours", open_ours, run_ours, close_ours};
const struct contestant contestant_call = {"call", open_ours, ours_run_called, close_ours};
