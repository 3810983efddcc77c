#include "domains/prune.h"

#include "domains/check.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "store/unit.h"

#include <stdio.h>

#define BATCH_MOST   100000

/* Threads that one unit looks at; each may have many messages. */
#define THREADS_MOST 256

/* Other processes look for their turn at intervals, not in a line: a moment between units lets them find it. */
#define PAUSE_US     1000

#define TARGET(entity, column, field, alias)                                                                 \
    {                                                                                                        \
        entity, column, offsetof(mastra_prune_args, field), offsetof(mastra_prune_report, field), alias      \
    }

const struct ms_prune_target ms_prune_targets[MS_PRUNE_TARGETS] = {
    TARGET(MS_THREAD, MS_THREAD_UPDATED_AT, threads, NULL),
    TARGET(MS_MESSAGE, MS_MESSAGE_CREATED_AT, messages, NULL),
    TARGET(MS_RESOURCE, MS_RESOURCE_CREATED_AT, resources, NULL),
    TARGET(MS_SNAPSHOT, MS_SNAPSHOT_UPDATED_AT, workflow_snapshot, NULL),
    TARGET(MS_SPAN, MS_SPAN_STARTED_AT, ai_spans, "spans"),
    TARGET(MS_SCORE, MS_SCORE_CREATED_AT, scorers, "scores"),
    TARGET(MS_EVAL, MS_EVAL_CREATED_AT, evals, NULL),
    TARGET(MS_TRACE, MS_TRACE_CREATED_AT, traces, NULL),
};

/* One table's pruning: a single walk through the table in the order of its key, and a unit of work for each part of what
 * the walk has found. */
struct pruning {
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
    bool within; /* the page after it lies in the same first part of the key */

    /* What the next unit works on, and what it came to. */
    size_t at;
    size_t taken;
    int64_t deleted;
    int64_t messages;

    int64_t total;
    int64_t total_messages;
};

static mastra_str key_part(const struct pruning *pruning, const void *row, size_t part)
{
    return *ms_field_str(&pruning->entity->columns[pruning->entity->keys[part]], row);
}

/* Old rows are first found by comparing in the database, then looked at here: a foreign writer's odd form of a time may
 * compare differently as text. */
static bool is_old(const struct pruning *pruning, const void *row)
{
    mastra_time time = *ms_field_time(&pruning->entity->columns[pruning->column], row);

    return time != MASTRA_TIME_NONE && time < pruning->before;
}

/* Keys and time of old rows. */
static void old_rows(const struct pruning *pruning, struct ms_query *query)
{
    ms_query_init_on(query, pruning->entity);
    query->columns = MS_BIT(pruning->column);
    for (size_t i = 0; i < pruning->entity->key_count; i++) {
        query->columns |= MS_BIT(pruning->entity->keys[i]);
    }
    ms_query_time(query, MS_BEFORE, pruning->column, pruning->before);
}

/* The walk. */

static mastra_status read_page(struct ms_unit *unit, void *arg)
{
    struct pruning *pruning = arg;
    const struct ms_entity *entity = pruning->entity;
    const void *last = pruning->page.count ? pruning->page.items[pruning->page.count - 1] : NULL;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    old_rows(pruning, &query);
    query.order = entity->keys[pruning->within ? 1 : 0];
    query.limit = (int64_t)pruning->batch;
    if (pruning->within) {
        ms_query_equal(&query, entity->keys[0], key_part(pruning, last, 0));
        ms_query_text(&query, MS_ABOVE, entity->keys[1], key_part(pruning, last, 1));
    } else if (last) {
        ms_query_text(&query, MS_ABOVE, entity->keys[0], key_part(pruning, last, 0));
    } else {
        ms_query_null(&query, entity->keys[0], false);
    }
    status = ms_unit_list(unit, &query, &rows);
    if (status == MASTRA_OK && rows.count > 0) {
        pruning->page = rows;
    }
    pruning->taken = rows.count;
    return status;
}

/* Reads on; *ret_found is how many rows the new page has, 0 at the end. */
static mastra_status walk(struct pruning *pruning, size_t *ret_found)
{
    /* Of a trace that a page ends in, the unit finds the rest. */
    bool in_parts = pruning->entity->key_count > 1 && pruning->entity->id != MS_SPAN;
    mastra_status status;

    for (;;) {
        struct ms_arena *arena = NULL;
        bool within = pruning->within;

        ms_call_renew_deadline(pruning->call);
        status = ms_read(pruning->call, MS_READ_ONE, read_page, pruning, &arena);
        if (status != MASTRA_OK) {
            return status;
        }
        *ret_found = pruning->taken;
        pruning->within = in_parts && pruning->taken == pruning->batch;
        if (pruning->taken > 0) {
            ms_arena_free(pruning->arena);
            pruning->arena = arena;
            pruning->at = 0;
            return MASTRA_OK;
        }
        ms_arena_free(arena);
        if (!within) {
            return MASTRA_OK;
        }
    }
}

/* Units. Each says in `taken` how many of the page's rows from `at` on it has dealt with. */

/* The texts of one part of the key, of `count` rows of the page. */
static mastra_str *key_set(const struct pruning *pruning, struct ms_arena *arena, size_t from, size_t count,
                           size_t part)
{
    mastra_str *set = ms_arena_alloc(arena, count * sizeof *set);

    for (size_t i = 0; set && i < count; i++) {
        set[i] = key_part(pruning, pruning->page.items[from + i], part);
    }
    return set;
}

/* Erases those of the given rows, which share all of their key but the last part, that are still old. */
static mastra_status erase_still_old(struct ms_unit *unit, struct pruning *pruning, size_t from, size_t count)
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
    old_rows(pruning, &query);
    query.lock = true;
    if (last > 0) {
        ms_query_equal(&query, entity->keys[0], key_part(pruning, pruning->page.items[from], 0));
    }
    ms_query_any_of(&query, entity->keys[last], set, count);
    status = ms_unit_list(unit, &query, &rows);
    for (size_t i = 0; status == MASTRA_OK && i < rows.count; i++) {
        mastra_str key[MS_KEYS_MOST];

        if (!is_old(pruning, rows.items[i])) {
            continue;
        }
        for (size_t k = 0; k <= last; k++) {
            key[k] = key_part(pruning, rows.items[i], k);
        }
        status = ms_unit_erase(unit, entity->id, key);
        pruning->deleted++;
    }
    return status;
}

/* How many rows of the page from here on agree in the first part of their key. */
static size_t run_of(const struct pruning *pruning, size_t from)
{
    mastra_str first = key_part(pruning, pruning->page.items[from], 0);
    size_t to = from + 1;

    while (to < pruning->page.count &&
           ms_str_compare(key_part(pruning, pruning->page.items[to], 0), first) == 0) {
        to++;
    }
    return to - from;
}

static mastra_status erase_rows(struct ms_unit *unit, void *arg)
{
    struct pruning *pruning = arg;
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
static mastra_status old_threads(struct ms_unit *unit, struct pruning *pruning, size_t count,
                                 struct ms_rows *ret)
{
    mastra_str *set = key_set(pruning, unit->arena, pruning->at, count, 0);
    struct ms_query query;

    if (!set) {
        return ms_error_oom(unit->error);
    }
    old_rows(pruning, &query);
    query.lock = true;
    query.order = MS_THREAD_ID;
    ms_query_any_of(&query, MS_THREAD_ID, set, count);
    return ms_unit_list(unit, &query, ret);
}

/* Goes on to the thread in the page. */
static void take_until(struct pruning *pruning, mastra_str thread_id)
{
    bool found = false;

    while (!found && pruning->at + pruning->taken < pruning->page.count) {
        found = ms_str_compare(key_part(pruning, pruning->page.items[pruning->at + pruning->taken], 0),
                               thread_id) == 0;
        pruning->taken++;
    }
}

static mastra_status erase_threads(struct ms_unit *unit, void *arg)
{
    struct pruning *pruning = arg;
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
static size_t traces_of(const struct pruning *pruning, mastra_str *traces)
{
    size_t count = 0;

    for (size_t i = 0; i < pruning->page.count; i += run_of(pruning, i)) {
        traces[count++] = key_part(pruning, pruning->page.items[i], 0);
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
static size_t keep_old(struct pruning *pruning, const struct ms_rows *rows, mastra_str *traces)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count;) {
        mastra_str trace = key_part(pruning, rows->items[i], 0);
        size_t first = i;
        bool old = true;

        for (; i < rows->count && ms_str_compare(key_part(pruning, rows->items[i], 0), trace) == 0; i++) {
            old = old && is_old(pruning, rows->items[i]);
        }
        if (old) {
            traces[count++] = trace;
            pruning->deleted += (int64_t)(i - first);
        }
    }
    return count;
}

static mastra_status erase_traces(struct ms_unit *unit, void *arg)
{
    struct pruning *pruning = arg;
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

static void old_evals(const struct pruning *pruning, mastra_time until, struct ms_query *query)
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

static mastra_status erase_evals(struct ms_unit *unit, void *arg)
{
    struct pruning *pruning = arg;
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

/* Together. */

static mastra_status run_unit(struct pruning *pruning, ms_unit_fn fn)
{
    mastra_status status;

    if (pruning->total > 0) {
        ms_clock_sleep_us(PAUSE_US);
    }
    ms_call_renew_deadline(pruning->call);
    status = ms_transact(pruning->call, fn, pruning, NULL);
    if (status == MASTRA_OK) {
        pruning->total += pruning->deleted;
        pruning->total_messages += pruning->messages;
        pruning->at += pruning->taken;
    }
    return status;
}

static bool may_run_unit(struct pruning *pruning)
{
    pruning->unfinished = pruning->units_most > 0 && pruning->units == pruning->units_most;
    pruning->units++;
    return !pruning->unfinished;
}

static mastra_status prune_evals(struct pruning *pruning)
{
    mastra_status status = MASTRA_OK;

    do {
        if (!may_run_unit(pruning)) {
            break;
        }
        status = run_unit(pruning, erase_evals);
    } while (status == MASTRA_OK && pruning->deleted > 0);
    return status;
}

static mastra_status prune_by_key(struct pruning *pruning)
{
    ms_unit_fn fn = erase_rows;
    size_t found = 0;
    mastra_status status;

    if (pruning->entity->id == MS_THREAD) {
        fn = erase_threads;
    } else if (pruning->entity->id == MS_SPAN) {
        fn = erase_traces;
    }
    do {
        status = walk(pruning, &found);
        while (status == MASTRA_OK && found > 0 && pruning->at < pruning->page.count &&
               may_run_unit(pruning)) {
            status = run_unit(pruning, fn);
        }
    } while (status == MASTRA_OK && found > 0 && !pruning->unfinished);
    ms_arena_free(pruning->arena);
    return status;
}

static mastra_time time_of(const mastra_prune_args *args, const struct ms_prune_target *target)
{
    return *(const mastra_time *)(const void *)((const char *)args + target->before);
}

static void add_count(mastra_prune_report *report, size_t offset, int64_t more)
{
    int64_t *count = (int64_t *)(void *)((char *)report + offset);

    *count = *count == MASTRA_INTEGER_NONE ? more : *count + more;
}

static mastra_status prune_table(struct ms_call *call, const mastra_prune_args *args,
                                 const struct ms_prune_target *target, mastra_prune_report *report)
{
    struct pruning pruning = {.call = call,
                              .entity = ms_entity(target->entity),
                              .column = target->column,
                              .before = time_of(args, target),
                              .batch = (size_t)args->batch_size,
                              .units_most = args->max_batches};
    mastra_status status = pruning.entity->key_count ? prune_by_key(&pruning) : prune_evals(&pruning);

    report->unfinished = report->unfinished || pruning.unfinished;
    add_count(report, target->deleted, pruning.total);
    if (target->entity == MS_THREAD) {
        add_count(report, offsetof(mastra_prune_report, messages), pruning.total_messages);
    }
    return status;
}

static mastra_status check_args(const mastra_prune_args *args, mastra_error *error)
{
    char field[64];

    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        snprintf(field, sizeof field, "olderThan.%s", ms_entity(ms_prune_targets[i].entity)->table);
        if (ms_check_time(error, field, time_of(args, &ms_prune_targets[i])) != MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
    }
    if (args->batch_size < 1 || args->batch_size > BATCH_MOST) {
        char text[32];

        snprintf(text, sizeof text, "%lld", (long long)args->batch_size);
        return ms_error_argument(error, "batchSize", mastra_str_of(text), "must be 1 to 100000");
    }
    if (args->max_batches < 0) {
        return ms_error_argument(error, "maxBatches", mastra_str_of(NULL), "must not be negative");
    }
    return MASTRA_OK;
}

/* What a failure leaves done is part of what it says. */
static void tell_progress(mastra_error *error, const mastra_prune_report *report)
{
    char message[sizeof error->message];
    int64_t rows = 0;

    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        int64_t count = *(const int64_t *)(const void *)((const char *)report + ms_prune_targets[i].deleted);

        rows += count == MASTRA_INTEGER_NONE ? 0 : count;
    }
    snprintf(message, sizeof message, "%.400s; %lld rows were deleted before that", error->message,
             (long long)rows);
    ms_error_copy(error->message, sizeof error->message, mastra_str_of(message));
}

mastra_status ms_prune(struct ms_call *call, const mastra_prune_args *given, mastra_prune_report *ret)
{
    mastra_prune_args args = MASTRA_PRUNE_INIT;
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    if (args.batch_size == 0) {
        args.batch_size = MS_PRUNE_BATCH;
    }
    status = check_args(&args, &call->error);
    if (status != MASTRA_OK) {
        return status;
    }
    for (size_t i = 0; i < MS_PRUNE_TARGETS && status == MASTRA_OK; i++) {
        if (time_of(&args, &ms_prune_targets[i]) != MASTRA_TIME_NONE) {
            status = prune_table(call, &args, &ms_prune_targets[i], &report);
        }
    }
    if (status != MASTRA_OK) {
        tell_progress(&call->error, &report);
        return status;
    }
    if (ret) {
        report.size = ret->size;
        memcpy(ret, &report, ret->size < sizeof report ? ret->size : sizeof report);
    }
    return MASTRA_OK;
}
