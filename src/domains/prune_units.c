/* The units of work that delete what a walk has found to be old. */
#include "domains/pruning.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

/* Threads that one unit looks at; each may have many messages. */
#define THREADS_MOST 256

/* Old rows are first found by comparing in the database, then looked at here: a foreign writer's odd form of a time may
 * compare differently as text. */
static bool is_old(const struct ms_pruning *pruning, const void *row)
{
    mastra_time time = *ms_field_time(&pruning->entity->columns[pruning->column], row);

    return time != MASTRA_TIME_NONE && time < pruning->before;
}

/* Keys and time of old rows. */
void ms_prune_old_rows(const struct ms_pruning *pruning, struct ms_query *query)
{
    ms_query_init_on(query, pruning->entity);
    query->columns = MS_BIT(pruning->column);
    for (size_t i = 0; i < pruning->entity->key_count; i++) {
        query->columns |= MS_BIT(pruning->entity->keys[i]);
    }
    ms_query_time(query, MS_BEFORE, pruning->column, pruning->before);
}

/* The texts of one part of the key, of `count` rows of the page. */
static mastra_str *key_set(const struct ms_pruning *pruning, struct ms_arena *arena, size_t from,
                           size_t count, size_t part)
{
    mastra_str *set = ms_arena_alloc(arena, count * sizeof *set);

    for (size_t i = 0; set && i < count; i++) {
        set[i] = ms_prune_key(pruning, pruning->page.items[from + i], part);
    }
    return set;
}

/* Erases those of the given rows, which share all of their key but the last part, that are still old. */
static mastra_status erase_still_old(struct ms_unit *unit, struct ms_pruning *pruning, size_t from,
                                     size_t count)
{
    const struct ms_entity *entity = pruning->entity;
    size_t last = entity->key_count - 1u;
    mastra_str *set = key_set(pruning, unit->arena, from, count, last);
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    if (!set) {
        return ms_error_oom(unit->error);
    }
    ms_prune_old_rows(pruning, &query);
    query.lock = true;
    if (last > 0) {
        ms_query_equal(&query, entity->keys[0], ms_prune_key(pruning, pruning->page.items[from], 0));
    }
    ms_query_any_of(&query, entity->keys[last], set, count);
    status = ms_unit_list(unit, &query, &rows);
    for (size_t i = 0; status == MASTRA_OK && i < rows.count; i++) {
        mastra_str key[MS_KEYS_MOST];

        if (!is_old(pruning, rows.items[i])) {
            continue;
        }
        for (size_t k = 0; k <= last; k++) {
            key[k] = ms_prune_key(pruning, rows.items[i], k);
        }
        status = ms_unit_erase(unit, entity->id, key);
        pruning->deleted++;
    }
    return status;
}

/* How many rows of the page from here on agree in the first part of their key. */
static size_t run_of(const struct ms_pruning *pruning, size_t from)
{
    mastra_str first = ms_prune_key(pruning, pruning->page.items[from], 0);
    size_t to = from + 1;

    while (to < pruning->page.count &&
           ms_str_compare(ms_prune_key(pruning, pruning->page.items[to], 0), first) == 0) {
        to++;
    }
    return to - from;
}

mastra_status ms_prune_rows(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    size_t at = pruning->at;
    mastra_status status = MASTRA_OK;

    pruning->deleted = 0;
    while (status == MASTRA_OK && at < pruning->page.count) {
        size_t count = pruning->entity->key_count > 1 ? run_of(pruning, at) : pruning->page.count - at;

        status = erase_still_old(unit, pruning, at, count);
        at += count;
    }
    pruning->taken = at - pruning->at;
    return status;
}

/* Threads. */

static mastra_status count_messages(struct ms_unit *unit, mastra_str thread_id, int64_t *ret)
{
    struct ms_query query;

    ms_query_init(&query, MS_MESSAGE);
    ms_query_equal(&query, MS_MESSAGE_THREAD_ID, thread_id);
    return ms_unit_count(unit, &query, ret);
}

static mastra_status erase_messages(struct ms_unit *unit, const mastra_str *threads, size_t count)
{
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);

    if (!query) {
        return ms_error_oom(unit->error);
    }
    ms_query_init(query, MS_MESSAGE);
    ms_query_any_of(query, MS_MESSAGE_THREAD_ID, threads, count);
    return ms_unit_erase_all(unit, query);
}

/* The threads of the page from `at` on that are still old, in its order. */
static mastra_status old_threads(struct ms_unit *unit, struct ms_pruning *pruning, size_t count,
                                 struct ms_rows *ret)
{
    mastra_str *set = key_set(pruning, unit->arena, pruning->at, count, 0);
    struct ms_query query;

    if (!set) {
        return ms_error_oom(unit->error);
    }
    ms_prune_old_rows(pruning, &query);
    query.lock = true;
    query.order = MS_THREAD_ID;
    ms_query_any_of(&query, MS_THREAD_ID, set, count);
    return ms_unit_list(unit, &query, ret);
}

/* Goes on to the thread in the page. */
static void take_until(struct ms_pruning *pruning, mastra_str thread_id)
{
    bool found = false;

    while (!found && pruning->at + pruning->taken < pruning->page.count) {
        found = ms_str_compare(ms_prune_key(pruning, pruning->page.items[pruning->at + pruning->taken], 0),
                               thread_id) == 0;
        pruning->taken++;
    }
}

mastra_status ms_prune_threads(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    size_t left = pruning->page.count - pruning->at;
    size_t count = left < THREADS_MOST ? left : THREADS_MOST;
    struct ms_rows rows = {NULL, 0};
    mastra_status status = old_threads(unit, pruning, count, &rows);
    mastra_str *erased = ms_arena_alloc(unit->arena, count * sizeof *erased);
    size_t next = 0;

    pruning->taken = 0;
    pruning->deleted = 0;
    pruning->messages = 0;
    if (status == MASTRA_OK && !erased) {
        return ms_error_oom(unit->error);
    }
    while (status == MASTRA_OK && next < rows.count &&
           pruning->deleted + pruning->messages < (int64_t)pruning->batch) {
        const mastra_thread *thread = rows.items[next++];
        int64_t messages = 0;

        take_until(pruning, thread->id);
        if (!is_old(pruning, thread)) {
            continue;
        }
        status = count_messages(unit, thread->id, &messages);
        if (status == MASTRA_OK) {
            status = ms_unit_erase(unit, MS_THREAD, &thread->id);
        }
        pruning->messages += messages;
        erased[pruning->deleted++] = thread->id;
    }
    if (next == rows.count) {
        pruning->taken = count;
    }
    if (status != MASTRA_OK || pruning->deleted == 0) {
        return status;
    }
    return erase_messages(unit, erased, (size_t)pruning->deleted);
}

/* Traces. */

/* The distinct traces of the page. */
static size_t traces_of(const struct ms_pruning *pruning, mastra_str *traces)
{
    size_t count = 0;

    for (size_t i = 0; i < pruning->page.count; i += run_of(pruning, i)) {
        traces[count++] = ms_prune_key(pruning, pruning->page.items[i], 0);
    }
    return count;
}

/* All spans of the traces, young ones too, trace by trace. */
static mastra_status read_traces(struct ms_unit *unit, const mastra_str *traces, size_t count,
                                 struct ms_rows *ret)
{
    struct ms_query query;

    ms_query_init(&query, MS_SPAN);
    query.columns = MS_BIT(MS_SPAN_TRACE_ID) | MS_BIT(MS_SPAN_STARTED_AT);
    query.order = MS_SPAN_TRACE_ID;
    query.lock = true;
    ms_query_any_of(&query, MS_SPAN_TRACE_ID, traces, count);
    return ms_unit_list(unit, &query, ret);
}

/* Leaves in `traces` those that are old as a whole; counts their spans. */
static size_t keep_old(struct ms_pruning *pruning, const struct ms_rows *rows, mastra_str *traces)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count;) {
        mastra_str trace = ms_prune_key(pruning, rows->items[i], 0);
        size_t first = i;
        bool old = true;

        for (; i < rows->count && ms_str_compare(ms_prune_key(pruning, rows->items[i], 0), trace) == 0; i++) {
            old = old && is_old(pruning, rows->items[i]);
        }
        if (old) {
            traces[count++] = trace;
            pruning->deleted += (int64_t)(i - first);
        }
    }
    return count;
}

mastra_status ms_prune_traces(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    mastra_str *traces = ms_arena_alloc(unit->arena, pruning->page.count * sizeof *traces);
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);
    struct ms_rows rows = {NULL, 0};
    size_t count;
    mastra_status status;

    pruning->taken = pruning->page.count;
    pruning->deleted = 0;
    if (!traces || !query) {
        return ms_error_oom(unit->error);
    }
    count = traces_of(pruning, traces);
    status = read_traces(unit, traces, count, &rows);
    if (status != MASTRA_OK) {
        return status;
    }
    count = keep_old(pruning, &rows, traces);
    if (count == 0) {
        return MASTRA_OK;
    }
    ms_query_init(query, MS_SPAN);
    ms_query_any_of(query, MS_SPAN_TRACE_ID, traces, count);
    ms_query_time(query, MS_BEFORE, MS_SPAN_STARTED_AT, pruning->before);
    return ms_unit_erase_all(unit, query);
}

/* Evals have no key: the oldest go, up to a time. Rows of one time go together. */

static void old_evals(const struct ms_pruning *pruning, mastra_time until, struct ms_query *query)
{
    ms_query_init(query, MS_EVAL);
    query->columns = MS_BIT(pruning->column);
    query->lock = true;
    /* No text that is no time lies in between. */
    ms_query_time(query, MS_AT_LEAST, pruning->column, MS_TIME_FIRST);
    ms_query_time(query, MS_BEFORE, pruning->column, pruning->before);
    if (until != MASTRA_TIME_NONE) {
        ms_query_time(query, MS_AT_MOST, pruning->column, until);
    }
}

mastra_status ms_prune_evals(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);
    struct ms_rows rows = {NULL, 0};
    mastra_time until = MASTRA_TIME_NONE;
    mastra_status status;

    pruning->deleted = 0;
    if (!query) {
        return ms_error_oom(unit->error);
    }
    old_evals(pruning, MASTRA_TIME_NONE, query);
    query->limit = (int64_t)pruning->batch;
    status = ms_unit_list(unit, query, &rows);
    for (size_t i = rows.count; i > 0 && until == MASTRA_TIME_NONE; i--) {
        until = is_old(pruning, rows.items[i - 1]) ? ((const mastra_eval *)rows.items[i - 1])->created_at
                                                   : MASTRA_TIME_NONE;
    }
    if (status != MASTRA_OK || until == MASTRA_TIME_NONE) {
        return status;
    }
    old_evals(pruning, until, query);
    status = ms_unit_count(unit, query, &pruning->deleted);
    return status == MASTRA_OK ? ms_unit_erase_all(unit, query) : status;
}

/* The same where the runs are known that have them: by those, as far as the page goes, which comes by time. */
mastra_status ms_prune_evals_of_runs(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    size_t count = pruning->page.count - pruning->at;
    mastra_str *runs = ms_arena_alloc(unit->arena, count * sizeof *runs);
    struct ms_query *query = ms_arena_alloc(unit->arena, sizeof *query);
    mastra_time until = MASTRA_TIME_NONE;
    mastra_status status;

    pruning->taken = count;
    pruning->deleted = 0;
    if (!runs || !query) {
        return ms_error_oom(unit->error);
    }
    for (size_t i = 0; i < count; i++) {
        const mastra_eval *eval = pruning->page.items[pruning->at + i];

        runs[i] = eval->run_id;
        until = eval->created_at;
    }
    old_evals(pruning, until, query);
    ms_query_any_of(query, MS_EVAL_RUN_ID, runs, count);
    status = ms_unit_count(unit, query, &pruning->deleted);
    return status == MASTRA_OK ? ms_unit_erase_all(unit, query) : status;
}
