/* Results: one arena each, freed as a whole, independent of the store. */
#ifndef DOMAINS_RESULT_H
#define DOMAINS_RESULT_H

#include "base/str.h"
#include "store/unit.h"

#include <mastra/mastra.h>

/* What every opaque list is. */
struct ms_list {
    struct ms_arena *arena;
    mastra_page page;
    size_t count;
    void **items;
};

struct mastra_thread_list {
    struct ms_list list;
};
struct mastra_message_list {
    struct ms_list list;
};
struct mastra_resource_list {
    struct ms_list list;
};
struct mastra_workflow_run_list {
    struct ms_list list;
};
struct mastra_run_lock_list {
    struct ms_list list;
};
struct mastra_span_list {
    struct ms_list list;
};
struct mastra_score_list {
    struct ms_list list;
};
struct mastra_eval_list {
    struct ms_list list;
};
struct mastra_trace_record_list {
    struct ms_list list;
};
struct mastra_index_list {
    struct ms_list list;
};

struct mastra_clone {
    struct ms_arena *arena;
    mastra_thread *thread;
    size_t count;
    mastra_message **messages;
    mastra_str *source_ids;
};

/* A list in its own arena, over items that are there too; NULL when memory is out. */
struct ms_list *ms_list_new(struct ms_arena *arena, void **items, size_t count, mastra_page page);
void ms_list_free(struct ms_list *list);

/*
 * What becomes of a unit's arena whose answer is a record in it: the record goes to *ret with the arena (NULL stays
 * NULL), or all is freed when there is no record or no ret. Cannot fail: it comes after the commit.
 */
#define MS_HAND_OVER(arena, record, ret)                                                                     \
    do {                                                                                                     \
        if (!(record) || !(ret)) {                                                                           \
            ms_arena_free(arena);                                                                            \
        }                                                                                                    \
        if (ret) {                                                                                           \
            *(ret) = (record);                                                                               \
        }                                                                                                    \
    } while (0)

/* A deep copy of a record into the arena; NULL when memory is out. */
void *ms_record_dup(struct ms_arena *arena, const struct ms_entity *entity, const void *record);

/* The distinct texts of a list, sorted, in place; returns how many are left. */
size_t ms_distinct(mastra_str *texts, size_t count);

#endif
