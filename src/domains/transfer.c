/* What copying and comparing stores have in common. */
#include "domains/copy.h"

#include "base/error.h"
#include "store/store.h"

#include <stdio.h>

MS_COPY_OPS(MS_OP_DEFINE_ALONE)

#define BATCH_MOST MS_WALK_ROWS

void ms_transfer_tell(struct ms_transfer *transfer, mastra_copy_news news)
{
    if (transfer->args.tell) {
        transfer->event.news = news;
        transfer->args.tell(transfer->args.user, &transfer->event);
    }
    transfer->event.key = mastra_str_of(NULL);
    transfer->event.columns = mastra_str_of(NULL);
    transfer->event.reason = mastra_str_of(NULL);
}

mastra_status ms_transfer_tell_row(struct ms_transfer *transfer, mastra_copy_news news, const void *row,
                                   uint64_t columns, mastra_str reason)
{
    mastra_status failed;
    struct ms_buf key;
    struct ms_buf names;

    if (!transfer->args.tell) {
        return MASTRA_OK;
    }
    ms_buf_init(&key, ms_store_heap(transfer->from->store), 0);
    ms_buf_init(&names, ms_store_heap(transfer->from->store), 0);
    ms_put_row_name(&key, transfer->pair.entity, row);
    ms_put_column_names(&names, transfer->pair.entity, columns);
    failed = key.failed != MASTRA_OK ? key.failed : names.failed;
    if (failed == MASTRA_OK) {
        transfer->event.key = ms_buf_view(&key);
        transfer->event.columns = columns ? ms_buf_view(&names) : mastra_str_of(NULL);
        transfer->event.reason = reason;
        ms_transfer_tell(transfer, news);
    }
    ms_buf_release(&key);
    ms_buf_release(&names);
    return failed == MASTRA_OK ? MASTRA_OK : ms_error_oom(&transfer->from->error);
}

mastra_status ms_transfer_fail(struct ms_transfer *transfer, const struct ms_call *failed,
                               mastra_status status)
{
    if (failed != transfer->from) {
        transfer->from->error = failed->error;
        transfer->from->error_store = failed->error_store;
    }
    return status;
}

bool ms_transfer_wants(const struct ms_transfer *transfer, const void *row)
{
    const struct ms_entity *entity = transfer->pair.entity;

    if (transfer->args.since == MASTRA_TIME_NONE) {
        return true;
    }
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (column->offset && column->type == MS_TIMESTAMP &&
            *ms_field_time(column, row) != MASTRA_TIME_NONE &&
            *ms_field_time(column, row) >= transfer->args.since) {
            return true;
        }
    }
    return false;
}

static mastra_status open_pair(struct ms_transfer *transfer, int entity)
{
    struct ms_call *failed = NULL;
    mastra_status status =
        ms_pair_open(&transfer->pair, transfer->from, transfer->to, ms_entity(entity), &failed);

    transfer->event = (mastra_copy_event){.size = sizeof transfer->event,
                                          .table = ms_entity(entity)->table,
                                          .from_rows = transfer->from_rows[entity],
                                          .to_rows = transfer->to_rows[entity],
                                          .total = transfer->from_rows[entity] + transfer->to_rows[entity]};
    return status == MASTRA_OK ? status : ms_transfer_fail(transfer, failed, status);
}

/* How much there is to do, before any of it is done. */
static mastra_status plan(struct ms_transfer *transfer, int entity, bool count_both)
{
    mastra_copy_event *event = &transfer->event;
    mastra_status status = open_pair(transfer, entity);

    if (status != MASTRA_OK) {
        return status;
    }
    if (transfer->pair.from_columns) {
        status = ms_count_rows(transfer->from, ms_entity(entity), &event->from_rows);
    }
    if (status == MASTRA_OK && count_both && transfer->pair.to_columns) {
        status = ms_count_rows(transfer->to, ms_entity(entity), &event->to_rows);
        status = status == MASTRA_OK ? status : ms_transfer_fail(transfer, transfer->to, status);
    }
    if (status == MASTRA_OK) {
        transfer->from_rows[entity] = event->from_rows;
        transfer->to_rows[entity] = event->to_rows;
        event->total = event->from_rows + event->to_rows;
        ms_transfer_tell(transfer, MASTRA_COPY_PLANNED);
    }
    ms_pair_close(&transfer->pair);
    return status;
}

static void tell_columns(struct ms_transfer *transfer)
{
    for (size_t i = 0; i < transfer->pair.lone_count; i++) {
        const struct ms_lone_column *lone = &transfer->pair.lone[i];

        transfer->event.columns = mastra_str_of(lone->name);
        transfer->event.in_from = lone->in_from;
        transfer->event.in_to = lone->in_to;
        ms_transfer_tell(transfer, MASTRA_COPY_COLUMN);
        transfer->report.columns++;
    }
}

static mastra_status run_table(struct ms_transfer *transfer, int entity, ms_transfer_fn table)
{
    mastra_status status = open_pair(transfer, entity);

    if (status != MASTRA_OK) {
        return status;
    }
    tell_columns(transfer);
    status = table(transfer);
    ms_pair_close(&transfer->pair);
    transfer->report.read += transfer->event.read;
    transfer->report.added += transfer->event.added;
    transfer->report.changed += transfer->event.changed;
    transfer->report.refused += transfer->event.refused;
    transfer->report.kept += transfer->event.kept;
    transfer->report.different += transfer->event.different;
    if (status == MASTRA_OK) {
        ms_transfer_tell(transfer, MASTRA_COPY_FINISHED);
    }
    return status;
}

/* Where a walk wants a survey, one of all tables serves all walks, and tells how many rows there are. */
static mastra_status survey(struct ms_transfer *transfer, bool both)
{
    mastra_status status = ms_survey_begin(transfer->from, transfer->tables, NULL);

    if (status != MASTRA_OK || !both) {
        return status;
    }
    status = ms_survey_begin(transfer->to, transfer->tables, NULL);
    return status == MASTRA_OK ? status : ms_transfer_fail(transfer, transfer->to, status);
}

mastra_status ms_transfer_run(struct ms_transfer *transfer, bool count_both, ms_transfer_fn table)
{
    mastra_status status = survey(transfer, count_both);

    for (int e = 0; status == MASTRA_OK && e < MS_ENTITY_COUNT; e++) {
        if (transfer->tables & (UINT32_C(1) << e)) {
            status = plan(transfer, e, count_both);
        }
    }
    for (int e = 0; status == MASTRA_OK && e < MS_ENTITY_COUNT; e++) {
        if (transfer->tables & (UINT32_C(1) << e)) {
            status = run_table(transfer, e, table);
        }
    }
    return status;
}

/* The typed functions. */

mastra_status ms_transfer_args(struct ms_transfer *transfer, const mastra_copy_args *given)
{
    static const mastra_copy_args blank = MASTRA_COPY_INIT;
    mastra_copy_args *args = &transfer->args;
    mastra_error *error = &transfer->from->error;
    char text[32];

    *args = blank;
    if (given) {
        memcpy(args, given, given->size < sizeof *args ? given->size : sizeof *args);
    }
    if (args->batch_size == 0) {
        args->batch_size = BATCH_MOST;
    }
    if (args->batch_size < 1 || args->batch_size > BATCH_MOST) {
        snprintf(text, sizeof text, "%lld", (long long)args->batch_size);
        return ms_error_argument(error, "batchSize", mastra_str_of(text), "must be 1 to 1000");
    }
    return ms_choose_tables(error, args->tables, args->table_count, &transfer->tables);
}

void ms_transfer_report(const struct ms_transfer *transfer, mastra_copy_report *ret)
{
    mastra_copy_report report = transfer->report;

    if (ret) {
        report.size = ret->size;
        memcpy(ret, &report, ret->size < sizeof report ? ret->size : sizeof report);
    }
}

static mastra_status run_both(struct ms_transfer *transfer, const mastra_copy_args *args, bool compare)
{
    mastra_status status = ms_transfer_args(transfer, args);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!transfer->to && (compare || !transfer->args.dry_run)) {
        return ms_error_argument(&transfer->from->error, "to", mastra_str_of(NULL), "must not be NULL");
    }
    return ms_transfer_run(transfer, compare, compare ? ms_diff_table : ms_copy_table);
}

static mastra_status transfer_stores(mastra_store *from, mastra_store *to, const mastra_copy_args *args,
                                     bool compare, mastra_copy_report *ret, mastra_error *error)
{
    static const mastra_copy_report blank = MASTRA_COPY_REPORT_INIT;
    const struct ms_op *op = compare ? &ms_op_diff : &ms_op_copy;
    struct ms_call from_call;
    struct ms_call to_call;
    struct ms_transfer transfer = {.from = &from_call, .to = to ? &to_call : NULL, .report = blank};
    mastra_status status = ms_call_begin(&from_call, from, op, NULL);

    if (status == MASTRA_OK && from == to) {
        status = ms_error_argument(&from_call.error, "to", mastra_str_of(NULL), "must not be the same store");
        transfer.to = NULL;
    } else if (status == MASTRA_OK && to) {
        status = ms_call_begin(&to_call, to, op, NULL);
        if (status != MASTRA_OK) {
            ms_transfer_fail(&transfer, &to_call, status);
        }
    } else {
        transfer.to = NULL;
    }
    if (status == MASTRA_OK) {
        status = run_both(&transfer, args, compare);
    }
    if (transfer.to) {
        ms_call_end(transfer.to, MASTRA_OK, NULL);
    }
    if (status == MASTRA_OK) {
        ms_transfer_report(&transfer, ret);
    }
    return ms_call_end(&from_call, status, error);
}

mastra_status mastra_copy(mastra_store *from, mastra_store *to, const mastra_copy_args *args,
                          mastra_copy_report *ret_report, mastra_error *error)
{
    return transfer_stores(from, to, args, false, ret_report, error);
}

mastra_status mastra_diff(mastra_store *from, mastra_store *to, const mastra_copy_args *args,
                          mastra_copy_report *ret_report, mastra_error *error)
{
    return transfer_stores(from, to, args, true, ret_report, error);
}
