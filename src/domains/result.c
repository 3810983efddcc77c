#include "domains/result.h"

#include "store/record.h"

#include <stdlib.h>

struct ms_list *ms_list_new(struct ms_arena *arena, void **items, size_t count, mastra_page page)
{
    struct ms_list *list = ms_arena_alloc(arena, sizeof *list);

    if (list) {
        list->arena = arena;
        list->page = page;
        list->count = count;
        list->items = items;
    }
    return list;
}

void ms_list_free(struct ms_list *list)
{
    if (list) {
        ms_arena_free(list->arena);
    }
}

#define LIST_ACCESS(type, item)                                                                              \
    size_t type##_count(const type *list)                                                                    \
    {                                                                                                        \
        return list ? list->list.count : 0;                                                                  \
    }                                                                                                        \
    const item *type##_at(const type *list, size_t index)                                                    \
    {                                                                                                        \
        return list && index < list->list.count ? list->list.items[index] : NULL;                            \
    }                                                                                                        \
    const mastra_page *type##_page(const type *list)                                                         \
    {                                                                                                        \
        static const mastra_page none = {0, 0, 0, false};                                                    \
        return list ? &list->list.page : &none;                                                              \
    }                                                                                                        \
    void type##_free(type *list)                                                                             \
    {                                                                                                        \
        ms_list_free(list ? &list->list : NULL);                                                             \
    }

LIST_ACCESS(mastra_thread_list, mastra_thread)
LIST_ACCESS(mastra_message_list, mastra_message)
LIST_ACCESS(mastra_resource_list, mastra_resource)
LIST_ACCESS(mastra_workflow_run_list, mastra_workflow_run)
LIST_ACCESS(mastra_run_lock_list, mastra_run_lock)
LIST_ACCESS(mastra_span_list, mastra_span)
LIST_ACCESS(mastra_score_list, mastra_score)
LIST_ACCESS(mastra_eval_list, mastra_eval)
LIST_ACCESS(mastra_trace_record_list, mastra_trace_record)

#define RECORD_FREE(type)                                                                                    \
    void type##_free(type *record)                                                                           \
    {                                                                                                        \
        ms_record_free(record);                                                                              \
    }

RECORD_FREE(mastra_thread)
RECORD_FREE(mastra_resource)
RECORD_FREE(mastra_workflow_run)
RECORD_FREE(mastra_run_lock)
RECORD_FREE(mastra_span)
RECORD_FREE(mastra_score)

void *ms_record_dup(struct ms_arena *arena, const struct ms_entity *entity, const void *record)
{
    void *copy = ms_record_new(arena, entity);

    if (!copy) {
        return NULL;
    }
    memcpy(copy, record, entity->size);
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];
        bool text = column->type == MS_TEXT || column->type == MS_JSON;

        if (column->offset && text &&
            !ms_arena_str(arena, *ms_field_str(column, copy), ms_field_str(column, copy))) {
            return NULL;
        }
    }
    return copy;
}

const mastra_thread *mastra_clone_thread_of(const mastra_clone *clone)
{
    return clone ? clone->thread : NULL;
}

size_t mastra_clone_count(const mastra_clone *clone)
{
    return clone ? clone->count : 0;
}

const mastra_message *mastra_clone_message_at(const mastra_clone *clone, size_t index)
{
    return clone && index < clone->count ? clone->messages[index] : NULL;
}

mastra_str mastra_clone_source_id_at(const mastra_clone *clone, size_t index)
{
    return clone && index < clone->count ? clone->source_ids[index] : mastra_str_of(NULL);
}

void mastra_clone_free(mastra_clone *clone)
{
    if (clone) {
        ms_arena_free(clone->arena);
    }
}

static int compare_texts(const void *a, const void *b)
{
    return ms_str_compare(*(const mastra_str *)a, *(const mastra_str *)b);
}

size_t ms_distinct(mastra_str *texts, size_t count)
{
    size_t kept = 0;

    if (count > 1) {
        qsort(texts, count, sizeof *texts, compare_texts);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ms_str_compare(texts[kept - 1], texts[i]) != 0) {
            texts[kept++] = texts[i];
        }
    }
    return kept;
}
