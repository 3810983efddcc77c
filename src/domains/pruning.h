/* Pruning one table: what its walk and its units of work share. */
#ifndef DOMAINS_PRUNING_H
#define DOMAINS_PRUNING_H

#include "store/survey.h"

/* One table's pruning: a single walk through the table, in the order of its key or of a survey, and a unit of work for each
 * part of what the walk has found. */
struct ms_pruning {
    struct ms_call *call;
    const struct ms_entity *entity;
    uint8_t column;
    mastra_time before;
    size_t batch;
    int64_t units_most; /* 0: as many as it takes */
    int64_t units;
    bool unfinished; /* old rows were left because that many units have run */

    /* Where the walk stands: the page of old rows that it has found last, with nothing but keys and time. */
    struct ms_arena *arena;
    struct ms_rows page;
    bool within;              /* the page after it lies in the same first part of the key */
    struct ms_survey *survey; /* NULL: none is needed */
    int64_t surveyed;         /* how far it was read */

    /* What the next unit works on, and what it came to. */
    size_t at;
    size_t taken;
    int64_t deleted;
    int64_t messages;

    int64_t total;
    int64_t total_messages;
};

static inline mastra_str ms_prune_key(const struct ms_pruning *pruning, const void *row, size_t part)
{
    return *ms_field_str(&pruning->entity->columns[pruning->entity->keys[part]], row);
}

/* Selects old rows, with keys and time. */
void ms_prune_old_rows(const struct ms_pruning *pruning, struct ms_query *query);

/* Units. Each says in `taken` how many of the page's rows from `at` on it has dealt with; `arg` is the pruning. */
mastra_status ms_prune_rows(struct ms_unit *unit, void *arg);
mastra_status ms_prune_threads(struct ms_unit *unit, void *arg);
mastra_status ms_prune_traces(struct ms_unit *unit, void *arg);

/* Evals have no key: without a page the oldest go, up to a time, rows of one time together; with one, those of its runs. */
mastra_status ms_prune_evals(struct ms_unit *unit, void *arg);
mastra_status ms_prune_evals_of_runs(struct ms_unit *unit, void *arg);

#endif
