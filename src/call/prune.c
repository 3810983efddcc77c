/* The operation prune: arguments, result, handler. */
#include "domains/prune.h"
#include "call/common.h"

#include "base/error.h"
#include "store/store.h"

struct prune_args {
    mastra_str older_than;
    int64_t batch_size;
    int64_t max_batches;
};

static const struct prune_args prune_blank = {{NULL, 0}, MS_PRUNE_BATCH, 0};

static const struct ms_arg prune_table[] = {
    {.name = "olderThan",
     .type = MS_ARG_TIMES,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct prune_args, older_than),
     .about = "a time for each table, with or without mastra_ in front, or one for all"},
    {.name = "batchSize",
     .type = MS_ARG_INTEGER,
     .offset = offsetof(struct prune_args, batch_size),
     .about = "about how many rows to delete at a time",
     .standard = "1000",
     .complaint = "must be 1 to 100000"},
    {.name = "maxBatches",
     .type = MS_ARG_INTEGER,
     .offset = offsetof(struct prune_args, max_batches),
     .about = "most times to do so, for each table; 0: until nothing is left",
     .standard = "0"},
};

static const struct ms_arg prune_members[] = {
    {.name = "deleted",
     .type = MS_ARG_OBJECT,
     .flags = MS_ARG_REQUIRED,
     .about = "how many rows of each table"},
    {.name = "done",
     .type = MS_ARG_BOOLEAN,
     .about = "with maxBatches; false: it was reached, call again to go on"},
};
static const struct ms_arg prune_result = {
    .type = MS_ARG_GROUP, .members = prune_members, .member_count = MS_COUNT(prune_members)};

/* The table of that name, "mastra_threads", "threads", or one that is usual besides; NULL: none. */
static const struct ms_prune_target *find_target(mastra_str key)
{
    static const char prefix[] = "mastra_";

    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        const struct ms_prune_target *target = &ms_prune_targets[i];
        const char *table = ms_entity(target->entity)->table;

        if (ms_json_string_equals(key, mastra_str_of(table)) ||
            ms_json_string_equals(key, mastra_str_of(table + sizeof prefix - 1)) ||
            (target->alias && ms_json_string_equals(key, mastra_str_of(target->alias)))) {
            return target;
        }
    }
    return NULL;
}

static mastra_time *time_of(mastra_prune_args *args, const struct ms_prune_target *target)
{
    return (mastra_time *)(void *)((char *)args + target->before);
}

static mastra_status read_times(struct ms_reader *reader, mastra_str times, mastra_prune_args *args)
{
    struct ms_place place = {NULL, "olderThan", 0};
    struct ms_json_iter iter;
    mastra_str key, value;
    mastra_status status = MASTRA_OK;

    ms_json_iter_init(&iter, times);
    while (status == MASTRA_OK && ms_json_next(&iter, &key, &value)) {
        const struct ms_prune_target *target = find_target(key);

        if (!target) {
            return ms_reader_fail(reader, &place, key, "names a table that is not pruned");
        }
        struct ms_place member = {&place, ms_entity(target->entity)->table, 0};

        if (ms_json_kind(value) != MS_JSON_NULL) {
            status = ms_reader_time(reader, &member, value, time_of(args, target));
        }
    }
    return status;
}

static mastra_status read_one_time(struct ms_reader *reader, mastra_str value, mastra_prune_args *args)
{
    struct ms_place place = {NULL, "olderThan", 0};
    mastra_time time = MASTRA_TIME_NONE;
    mastra_status status = ms_reader_time(reader, &place, value, &time);

    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        *time_of(args, &ms_prune_targets[i]) = time;
    }
    return status;
}

static mastra_status read_args(struct ms_call *call, const struct prune_args *given, mastra_prune_args *args)
{
    struct ms_reader reader = {ms_arena_new(ms_store_heap(call->store), 0), &call->error};
    mastra_status status;

    if (!reader.arena) {
        return ms_error_oom(&call->error);
    }
    status = ms_json_kind(given->older_than) == MS_JSON_OBJECT
                 ? read_times(&reader, given->older_than, args)
                 : read_one_time(&reader, given->older_than, args);
    ms_arena_free(reader.arena);
    if (status == MASTRA_OK && given->batch_size == 0) {
        return ms_error_argument(&call->error, "batchSize", mastra_str_of("0"), "must be 1 to 100000");
    }
    args->batch_size = given->batch_size;
    args->max_batches = given->max_batches;
    return status;
}

static void put_report(struct ms_buf *out, const mastra_prune_report *report, bool bounded)
{
    const char *separator = "";

    ms_buf_add_text(out, "{\"deleted\":{");
    for (size_t i = 0; i < MS_PRUNE_TARGETS; i++) {
        const struct ms_prune_target *target = &ms_prune_targets[i];
        int64_t count = *(const int64_t *)(const void *)((const char *)report + target->deleted);

        if (count != MASTRA_INTEGER_NONE) {
            ms_buf_add_text(out, separator);
            ms_json_put_key(out, ms_entity(target->entity)->table);
            ms_json_put_int(out, count);
            separator = ",";
        }
    }
    ms_buf_add_char(out, '}');
    if (bounded) {
        ms_buf_add_text(out, report->unfinished ? ",\"done\":false" : ",\"done\":true");
    }
    ms_buf_add_char(out, '}');
}

static mastra_status prune(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_prune_args wanted = MASTRA_PRUNE_INIT;
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    mastra_status status = read_args(call, args, &wanted);

    if (status == MASTRA_OK) {
        status = ms_prune(call, &wanted, &report);
    }
    if (status == MASTRA_OK) {
        put_report(out, &report, wanted.max_batches > 0);
    }
    return status;
}

static const struct ms_operation operations[] = {
    {MS_OPERATION("store", prune,
                  "Deletes what is older than the given times: threads with their messages, traces whole.",
                  prune_table, prune_blank, prune_result, NULL,
                  "{\"olderThan\":{\"mastra_threads\":\"2020-01-01T00:00:00.000Z\","
                  "\"mastra_ai_spans\":\"2026-01-02T00:00:00.000Z\"},\"batchSize\":1000}",
                  0)},
};

const struct ms_operation_set ms_prune_operations = {operations, MS_COUNT(operations)};
