/* What fills a store. The public header says what is told. */
#include "domains/checkup.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "store/record.h"
#include "store/store.h"

#include <stdio.h>

#define DAYS_MOST    366
#define LARGEST_MOST 100
#define DAY_MS       INT64_C(86400000)

struct sum {
    int64_t rows;
    int64_t bytes;
};

/* One of the largest. */
struct large {
    char *key;
    int64_t rows;
    int64_t bytes;
};

struct stats {
    struct ms_call *call;
    mastra_stats_args args;
    mastra_stats_report report;
    struct ms_pair pair; /* the table at hand, beside nothing */
    struct sum days[DAYS_MOST];
    mastra_time first_day;
    struct large threads[LARGEST_MOST]; /* by their messages, the most first */
    size_t thread_count;
    struct large snapshots[LARGEST_MOST]; /* by their bytes */
    size_t snapshot_count;
};

static void tell(struct stats *stats, mastra_stat *stat)
{
    stat->size = sizeof *stat;
    if (stats->args.tell) {
        stats->args.tell(stats->args.user, stat);
    }
}

/* The largest. */

static void release_list(struct stats *stats, struct large *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ms_heap_release(ms_store_heap(stats->call->store), list[i].key);
    }
}

/* Puts one in its place, when it is among the largest; `by_rows` or by bytes. Equal ones stay in the order they come in. */
static mastra_status rank(struct stats *stats, struct large *list, size_t *count, bool by_rows,
                          const struct large *one, const struct ms_entity *entity, const void *row)
{
    size_t most = (size_t)stats->args.largest;
    struct ms_heap *heap = ms_store_heap(stats->call->store);
    size_t at = *count;
    struct ms_buf key;
    size_t len;
    char *name;

    while (at > 0 && (by_rows ? list[at - 1].rows < one->rows : list[at - 1].bytes < one->bytes)) {
        at--;
    }
    if (at >= most) {
        return MASTRA_OK;
    }
    ms_buf_init(&key, heap, 0);
    ms_put_row_name(&key, entity, row);
    name = ms_buf_take(&key, &len);
    ms_buf_release(&key);
    if (!name) {
        return ms_error_oom(&stats->call->error);
    }
    if (*count == most) {
        ms_heap_release(heap, list[most - 1].key);
    } else {
        (*count)++;
    }
    memmove(&list[at + 1], &list[at], (*count - at - 1) * sizeof *list);
    list[at] = (struct large){name, one->rows, one->bytes};
    return MASTRA_OK;
}

static void tell_largest(struct stats *stats, const char *table, const struct large *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mastra_stat stat = {.kind = MASTRA_STAT_LARGEST,
                            .table = table,
                            .rows = list[i].rows,
                            .bytes = list[i].bytes,
                            .key = mastra_str_of(list[i].key)};

        tell(stats, &stat);
    }
}

struct counting {
    mastra_str thread;
    int64_t messages;
};

static mastra_status count_messages(struct ms_unit *unit, void *arg)
{
    struct counting *counting = arg;
    struct ms_query query;

    ms_query_init(&query, MS_MESSAGE);
    ms_query_equal(&query, MS_MESSAGE_THREAD_ID, counting->thread);
    return ms_unit_count(unit, &query, &counting->messages);
}

static mastra_status rank_thread(struct stats *stats, const void *row)
{
    struct counting counting = {((const mastra_thread *)row)->id, 0};
    mastra_status status = ms_read(stats->call, MS_READ_ONE, count_messages, &counting, NULL);
    struct large one = {NULL, counting.messages, 0};

    return status == MASTRA_OK
               ? rank(stats, stats->threads, &stats->thread_count, true, &one, ms_entity(MS_THREAD), row)
               : status;
}

/* The messages are read after the threads. */
static void add_to_thread(struct stats *stats, const void *row, int64_t bytes)
{
    for (size_t i = 0; i < stats->thread_count; i++) {
        if (ms_str_compare(mastra_str_of(stats->threads[i].key), ((const mastra_message *)row)->thread_id) ==
            0) {
            stats->threads[i].bytes += bytes;
            return;
        }
    }
}

/* Tables. */

static int64_t bytes_of(const struct stats *stats, const void *row)
{
    const struct ms_entity *entity = stats->pair.entity;
    int64_t bytes = (int64_t)ms_record_bytes(entity, row, stats->pair.from_columns);

    for (int i = 0; i < entity->column_count; i++) {
        bool text = entity->columns[i].type == MS_TEXT || entity->columns[i].type == MS_JSON;

        bytes += !text && (stats->pair.from_columns & MS_BIT(i)) ? (int64_t)sizeof(int64_t) : 0;
    }
    return bytes;
}

static void add_to_day(struct stats *stats, mastra_time created, int64_t bytes)
{
    int64_t day = (created - stats->first_day) / DAY_MS;

    if (created != MASTRA_TIME_NONE && created >= stats->first_day && day < stats->args.days) {
        stats->days[day].rows++;
        stats->days[day].bytes += bytes;
    }
}

static mastra_status add_row(struct stats *stats, const void *row, mastra_stat *stat)
{
    const struct ms_entity *entity = stats->pair.entity;
    mastra_time created = *ms_field_time(&entity->columns[entity->created], row);
    int64_t bytes = bytes_of(stats, row);
    struct large one = {NULL, 1, bytes};

    stat->rows++;
    stat->bytes += bytes;
    if (created != MASTRA_TIME_NONE) {
        stat->oldest = stat->oldest == MASTRA_TIME_NONE || created < stat->oldest ? created : stat->oldest;
        stat->newest = stat->newest == MASTRA_TIME_NONE || created > stat->newest ? created : stat->newest;
    }
    add_to_day(stats, created, bytes);
    switch (stats->pair.own->id) {
    case MS_THREAD:
        return stats->args.largest ? rank_thread(stats, row) : MASTRA_OK;
    case MS_MESSAGE:
        add_to_thread(stats, row, bytes);
        return MASTRA_OK;
    case MS_SNAPSHOT:
        return rank(stats, stats->snapshots, &stats->snapshot_count, false, &one, entity, row);
    default:
        return MASTRA_OK;
    }
}

static void tell_table(struct stats *stats, mastra_stat *stat)
{
    stats->report.rows += stat->rows;
    stats->report.bytes += stat->bytes;
    tell(stats, stat);
    for (int64_t i = 0; i < stats->args.days; i++) {
        mastra_stat day = {.kind = MASTRA_STAT_DAY,
                           .table = stat->table,
                           .rows = stats->days[i].rows,
                           .bytes = stats->days[i].bytes,
                           .day = stats->first_day + i * DAY_MS};

        if (day.rows > 0) {
            tell(stats, &day);
        }
    }
}

static mastra_status read_table(struct stats *stats)
{
    mastra_stat stat = {.kind = MASTRA_STAT_TABLE,
                        .table = stats->pair.own->table,
                        .oldest = MASTRA_TIME_NONE,
                        .newest = MASTRA_TIME_NONE};
    struct ms_walk walk;
    mastra_status status =
        ms_walk_begin(&walk, stats->call, stats->pair.entity, stats->pair.from_columns, false, 0);

    memset(stats->days, 0, sizeof stats->days);
    while (status == MASTRA_OK && (status = ms_walk_next(&walk)) == MASTRA_OK && walk.page.count > 0) {
        for (size_t i = 0; status == MASTRA_OK && i < walk.page.count; i++) {
            status = add_row(stats, walk.page.items[i], &stat);
        }
    }
    ms_walk_end(&walk);
    if (status == MASTRA_OK) {
        tell_table(stats, &stat);
    }
    return status;
}

static mastra_status read_tables(struct stats *stats)
{
    mastra_status status = ms_survey_begin(stats->call, MS_ALL_ENTITIES, NULL);

    for (int e = 0; status == MASTRA_OK && e < MS_ENTITY_COUNT; e++) {
        struct ms_call *failed = NULL;

        status = ms_pair_open(&stats->pair, stats->call, NULL, ms_entity(e), &failed);
        if (status == MASTRA_OK && stats->pair.from_columns) {
            status = read_table(stats);
        }
        ms_pair_close(&stats->pair);
    }
    return status;
}

static mastra_status read_size(struct ms_unit *unit, void *arg)
{
    const struct ms_backend_ops *ops = unit->session->backend->ops;

    return ops->size ? ops->size(unit->session, arg, unit->error) : MASTRA_OK;
}

static mastra_status check_number(mastra_error *error, const char *field, int64_t number, int64_t most)
{
    char text[32];
    char complaint[48];

    if (number >= 0 && number <= most) {
        return MASTRA_OK;
    }
    snprintf(text, sizeof text, "%lld", (long long)number);
    snprintf(complaint, sizeof complaint, "must be 0 to %lld", (long long)most);
    return ms_error_argument(error, field, mastra_str_of(text), complaint);
}

static mastra_status take_stats(struct stats *stats)
{
    mastra_error *error = &stats->call->error;
    mastra_status status = check_number(error, "days", stats->args.days, DAYS_MOST);

    if (status == MASTRA_OK) {
        status = check_number(error, "largest", stats->args.largest, LARGEST_MOST);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    stats->first_day = stats->call->now - stats->call->now % DAY_MS - (stats->args.days - 1) * DAY_MS;
    status = ms_read(stats->call, MS_READ_SNAPSHOT, read_size, &stats->report.database_bytes, NULL);
    if (status == MASTRA_OK) {
        status = read_tables(stats);
    }
    if (status == MASTRA_OK) {
        tell_largest(stats, ms_entity(MS_THREAD)->table, stats->threads, stats->thread_count);
        tell_largest(stats, ms_entity(MS_SNAPSHOT)->table, stats->snapshots, stats->snapshot_count);
    }
    return status;
}

static mastra_status run_stats(struct ms_call *call, const mastra_stats_args *args, mastra_stats_report *ret)
{
    static const mastra_stats_args args_blank = MASTRA_STATS_INIT;
    static const mastra_stats_report report_blank = MASTRA_STATS_REPORT_INIT;
    struct stats *stats = ms_heap_calloc(ms_store_heap(call->store), sizeof *stats);
    mastra_status status;

    if (!stats) {
        return ms_error_oom(&call->error);
    }
    stats->call = call;
    stats->args = args_blank;
    stats->report = report_blank;
    if (args) {
        memcpy(&stats->args, args, args->size < sizeof *args ? args->size : sizeof *args);
    }
    status = take_stats(stats);
    if (status == MASTRA_OK && ret) {
        stats->report.size = ret->size;
        memcpy(ret, &stats->report, ret->size < sizeof *ret ? ret->size : sizeof *ret);
    }
    release_list(stats, stats->threads, stats->thread_count);
    release_list(stats, stats->snapshots, stats->snapshot_count);
    ms_heap_release(ms_store_heap(call->store), stats);
    return status;
}

mastra_status mastra_stats(mastra_store *store, const mastra_stats_args *args,
                           mastra_stats_report *ret_report, mastra_error *error)
{
    MS_RUN(stats, run_stats, args, ret_report);
}
