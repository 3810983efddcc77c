#include "backends/postgres/pool.h"

void pg_keywords_init(struct pg_keywords *keywords, struct ms_heap *heap)
{
    *keywords = (struct pg_keywords){.heap = heap};
}

static void wipe(struct ms_heap *heap, char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
        ms_heap_release(heap, text);
    }
}

void pg_keywords_release(struct pg_keywords *keywords)
{
    for (size_t i = 0; i < keywords->count; i++) {
        ms_heap_release(keywords->heap, keywords->names[i]);
        wipe(keywords->heap, keywords->values[i]);
    }
    ms_heap_release(keywords->heap, keywords->names);
    ms_heap_release(keywords->heap, keywords->values);
    pg_keywords_init(keywords, keywords->heap);
}

/* Room for one more and for the NULL behind it. */
static bool grow(char ***list, struct ms_heap *heap, size_t count)
{
    char **grown = ms_heap_realloc(heap, *list, (count + 2) * sizeof(char *));

    if (!grown) {
        return false;
    }
    grown[count] = NULL;
    grown[count + 1] = NULL;
    *list = grown;
    return true;
}

static bool append(struct pg_keywords *keywords, const char *name, char *value)
{
    char *copy = ms_heap_strdup(keywords->heap, mastra_str_of(name));

    if (!copy || !grow(&keywords->names, keywords->heap, keywords->count) ||
        !grow(&keywords->values, keywords->heap, keywords->count)) {
        ms_heap_release(keywords->heap, copy);
        return false;
    }
    keywords->names[keywords->count] = copy;
    keywords->values[keywords->count] = value;
    keywords->count++;
    return true;
}

bool pg_keywords_set(struct pg_keywords *keywords, const char *name, const char *value)
{
    char *copy = ms_heap_strdup(keywords->heap, mastra_str_of(value));

    if (!copy) {
        return false;
    }
    for (size_t i = 0; i < keywords->count; i++) {
        if (strcmp(keywords->names[i], name) == 0) {
            wipe(keywords->heap, keywords->values[i]);
            keywords->values[i] = copy;
            return true;
        }
    }
    if (append(keywords, name, copy)) {
        return true;
    }
    wipe(keywords->heap, copy);
    return false;
}

const char *pg_keywords_get(const struct pg_keywords *keywords, const char *name)
{
    for (size_t i = 0; i < keywords->count; i++) {
        if (strcmp(keywords->names[i], name) == 0) {
            return keywords->values[i];
        }
    }
    return NULL;
}

bool pg_keywords_copy(struct pg_keywords *to, const struct pg_keywords *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!pg_keywords_set(to, from->names[i], from->values[i])) {
            return false;
        }
    }
    return true;
}
