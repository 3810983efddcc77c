#include "domains/prune.h"

#include "domains/check.h"
#include "domains/pruning.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

#include <stdio.h>

#define BATCH_MOST 100000

/* Other processes look for their turn at intervals, not in a line: a moment between units lets them find it. */
#define PAUSE_US   1000

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

/* The walk. */

static mastra_status read_page(struct ms_unit *unit, void *arg)
{
    struct ms_pruning *pruning = arg;
    const struct ms_entity *entity = pruning->entity;
    const void *last = pruning->page.count ? pruning->page.items[pruning->page.count - 1] : NULL;
    struct ms_rows rows = {NULL, 0};
    struct ms_query query;
    mastra_status status;

    ms_prune_old_rows(pruning, &query);
    query.order = entity->keys[pruning->within ? 1 : 0];
    query.limit = (int64_t)pruning->batch;
    if (pruning->within) {
        ms_query_equal(&query, entity->keys[0], ms_prune_key(pruning, last, 0));
        ms_query_text(&query, MS_ABOVE, entity->keys[1], ms_prune_key(pruning, last, 1));
    } else if (last) {
        ms_query_text(&query, MS_ABOVE, entity->keys[0], ms_prune_key(pruning, last, 0));
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

struct surveyed_page {
    struct ms_pruning *pruning;
    struct ms_rows rows;
    int64_t at; /* behind it */
};

static mastra_status read_surveyed(struct ms_unit *unit, void *arg)
{
    struct surveyed_page *page = arg;
    struct ms_pruning *pruning = page->pruning;
    const struct ms_entity *entity = pruning->entity;
    struct ms_query query;

    ms_prune_old_rows(pruning, &query);
    query.limit = (int64_t)pruning->batch;
    if (entity->key_count > 0) {
        query.order = entity->keys[0];
        ms_query_null(&query, entity->keys[0], false);
    } else {
        query.columns |= MS_BIT(MS_EVAL_RUN_ID);
    }
    page->at = pruning->surveyed;
    return ms_survey_page(unit, pruning->survey, entity->id, &query, &page->at, &page->rows);
}

static mastra_status walk_surveyed(struct ms_pruning *pruning, size_t *ret_found)
{
    struct surveyed_page page = {.pruning = pruning};
    struct ms_arena *arena = NULL;
    mastra_status status;

    ms_call_renew_deadline(pruning->call);
    status = ms_read(pruning->call, MS_READ_SNAPSHOT, read_surveyed, &page, &arena);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_arena_free(pruning->arena);
    pruning->arena = arena;
    pruning->page = page.rows;
    pruning->at = 0;
    pruning->surveyed = page.at;
    *ret_found = page.rows.count;
    return MASTRA_OK;
}

/* Reads on; *ret_found is how many rows the new page has, 0 at the end. */
static mastra_status walk(struct ms_pruning *pruning, size_t *ret_found)
{
    /* Of a trace that a page ends in, the unit finds the rest. */
    bool in_parts = pruning->entity->key_count > 1 && pruning->entity->id != MS_SPAN;
    mastra_status status;

    if (pruning->survey) {
        return walk_surveyed(pruning, ret_found);
    }
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

/* Together. */

static mastra_status run_unit(struct ms_pruning *pruning, ms_unit_fn fn)
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

static bool may_run_unit(struct ms_pruning *pruning)
{
    pruning->unfinished = pruning->units_most > 0 && pruning->units == pruning->units_most;
    pruning->units++;
    return !pruning->unfinished;
}

static mastra_status prune_evals(struct ms_pruning *pruning)
{
    mastra_status status = MASTRA_OK;

    do {
        if (!may_run_unit(pruning)) {
            break;
        }
        status = run_unit(pruning, ms_prune_evals);
    } while (status == MASTRA_OK && pruning->deleted > 0);
    return status;
}

static mastra_status prune_by_walk(struct ms_pruning *pruning)
{
    ms_unit_fn fn = ms_prune_rows;
    size_t found = 0;
    mastra_status status;

    if (pruning->entity->id == MS_THREAD) {
        fn = ms_prune_threads;
    } else if (pruning->entity->id == MS_SPAN) {
        fn = ms_prune_traces;
    } else if (pruning->entity->key_count == 0) {
        fn = ms_prune_evals_of_runs;
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
    struct ms_pruning pruning = {.call = call,
                                 .entity = ms_entity(target->entity),
                                 .column = target->column,
                                 .before = time_of(args, target),
                                 .batch = (size_t)args->batch_size,
                                 .units_most = args->max_batches,
                                 .survey = ms_survey_of(call, target->entity)};
    bool walked = pruning.entity->key_count > 0 || pruning.survey;
    mastra_status status = walked ? prune_by_walk(&pruning) : prune_evals(&pruning);

    report->unfinished = report->unfinished || pruning.unfinished;
    add_count(report, target->deleted, pruning.total);
    if (target->entity == MS_THREAD) {
        add_count(report, offsetof(mastra_prune_report, messages), pruning.total_messages);
    }
    return status;
}

/* Where walks want a survey, one of all tables serves them all. */
static mastra_status survey(struct ms_call *call, const mastra_prune_args *args)
{
    uint8_t times[MS_ENTITY_COUNT] = {0};
    uint32_t entities = 0;

    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        const struct ms_prune_target *target = &ms_prune_targets[i];

        if (time_of(args, target) != MASTRA_TIME_NONE) {
            entities |= UINT32_C(1) << target->entity;
            times[target->entity] = target->column;
        }
    }
    return ms_survey_begin(call, entities, times);
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
    status = survey(call, &args);
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
