#include "domains/copy.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

#include <stdio.h>

/* Other processes look for their turn at intervals, not in a line: a moment between units lets them find it. */
#define PAUSE_US 1000

/* Writing a batch. */

/* What a store of an older form lacks and the target insists on. */
static void fill_in(const struct ms_pair *pair, void *row)
{
    for (int i = 0; i < pair->own->column_count; i++) {
        const struct ms_column *column = &pair->own->columns[i];

        if (!(pair->from_columns & MS_BIT(i)) && column->offset && column->null == MS_NOT_NULL &&
            column->type == MS_TEXT && !ms_field_str(column, row)->ptr) {
            *ms_field_str(column, row) = mastra_str_of(column->default_text ? column->default_text : "");
        }
    }
}

static mastra_status add_row(struct ms_unit *unit, struct ms_writing *writing, void *row)
{
    const struct ms_entity *entity = writing->pair->entity;

    writing->added++;
    if (writing->dry_run) {
        return MASTRA_OK;
    }
    fill_in(writing->pair, row);
    return entity->key_count ? ms_unit_put_into(unit, entity, row) : ms_unit_insert_into(unit, entity, row);
}

static mastra_status change_row(struct ms_unit *unit, struct ms_writing *writing, const void *row)
{
    const struct ms_pair *pair = writing->pair;

    writing->changed++;
    if (writing->dry_run) {
        return MASTRA_OK;
    }
    return ms_unit_patch_in(unit, pair->entity, row, ms_pair_common(pair) & ~ms_entity_keys(pair->own));
}

static mastra_status write_keyed(struct ms_unit *unit, void *arg)
{
    struct ms_writing *writing = arg;
    const struct ms_pair *pair = writing->pair;
    void **found = NULL;
    mastra_status status = ms_find_rows(unit, pair->entity, writing->rows, writing->count,
                                        ms_pair_common(pair), !writing->dry_run, &found);

    writing->added = 0;
    writing->changed = 0;
    writing->kept = 0;
    for (size_t i = 0; status == MASTRA_OK && i < writing->count; i++) {
        if (!found[i]) {
            status = add_row(unit, writing, writing->rows[i]);
        } else if (!ms_pair_differences(pair, writing->rows[i], found[i])) {
            continue;
        } else if (writing->keep_newer && ms_pair_is_newer(pair, found[i], writing->rows[i])) {
            writing->kept++;
        } else {
            status = change_row(unit, writing, writing->rows[i]);
        }
    }
    return status;
}

static mastra_status write_new(struct ms_unit *unit, void *arg)
{
    struct ms_writing *writing = arg;
    mastra_status status = MASTRA_OK;

    writing->added = 0;
    for (size_t i = 0; status == MASTRA_OK && i < writing->count; i++) {
        status = add_row(unit, writing, writing->rows[i]);
    }
    return status;
}

/* What the tally was asked for, and what was not written after all, it has again. */
static mastra_status give_back(struct ms_writing *writing, const struct ms_writing *fresh,
                               mastra_status status)
{
    size_t next = 0;

    for (size_t i = 0; i < writing->count; i++) {
        if (next < fresh->count && fresh->rows[next] == writing->rows[i]) {
            next++;
        } else if (!ms_tally_add(writing->tally, writing->pair->entity, writing->rows[i],
                                 ms_pair_identity(writing->pair))) {
            return ms_error_oom(&writing->to->error);
        }
    }
    return status;
}

/* Rows without a key: those that the target has as often are left alone. */
static mastra_status write_keyless(struct ms_writing *writing)
{
    struct ms_writing fresh = *writing;
    void **rows = ms_heap_alloc(ms_store_heap(writing->to->store), (writing->count + 1) * sizeof *rows);
    mastra_status status = MASTRA_OK;

    if (!rows) {
        return ms_error_oom(&writing->to->error);
    }
    fresh.rows = rows;
    fresh.count = 0;
    for (size_t i = 0; i < writing->count; i++) {
        if (!ms_tally_take(writing->tally, writing->pair->entity, writing->rows[i],
                           ms_pair_identity(writing->pair))) {
            rows[fresh.count++] = writing->rows[i];
        }
    }
    if (writing->dry_run) {
        fresh.added = (int64_t)fresh.count;
    } else if (fresh.count > 0) {
        status = ms_transact(writing->to, write_new, &fresh, NULL);
    }
    writing->added = fresh.added;
    if (status != MASTRA_OK) {
        status = give_back(writing, &fresh, status);
    }
    ms_heap_release(ms_store_heap(writing->to->store), rows);
    return status;
}

mastra_status ms_write_rows(struct ms_writing *writing)
{
    writing->added = 0;
    writing->changed = 0;
    writing->kept = 0;
    if (writing->count == 0) {
        return MASTRA_OK;
    }
    if (writing->dry_run && (!writing->to || !writing->pair->to_columns)) {
        writing->added = (int64_t)writing->count;
        return MASTRA_OK;
    }
    ms_call_renew_deadline(writing->to);
    if (writing->pair->entity->key_count == 0) {
        return write_keyless(writing);
    }
    return writing->dry_run ? ms_read(writing->to, MS_READ_SNAPSHOT, write_keyed, writing, NULL)
                            : ms_transact(writing->to, write_keyed, writing, NULL);
}

mastra_status ms_tally_table(struct ms_tally *tally, struct ms_call *call, const struct ms_pair *pair)
{
    uint64_t columns = ms_pair_identity(pair);
    struct ms_walk walk;
    mastra_status status = ms_walk_begin(&walk, call, pair->entity, columns, false, 0);

    while (status == MASTRA_OK && (status = ms_walk_next(&walk)) == MASTRA_OK && walk.page.count > 0) {
        for (size_t i = 0; i < walk.page.count; i++) {
            if (!ms_tally_add(tally, pair->entity, walk.page.items[i], columns)) {
                status = ms_error_oom(&call->error);
                break;
            }
        }
    }
    ms_walk_end(&walk);
    return status;
}

/* A table. */

/* Whether a row itself may be at fault. */
static bool is_refusal(const struct ms_call *call, mastra_status status)
{
    return !call->error.retriable && (status == MASTRA_CONFLICT || status == MASTRA_INVALID_ARGUMENT ||
                                      status == MASTRA_LIMIT_EXCEEDED || status == MASTRA_NOT_SUPPORTED);
}

static void count(struct ms_transfer *transfer, const struct ms_writing *writing)
{
    transfer->event.added += writing->added;
    transfer->event.changed += writing->changed;
    transfer->event.kept += writing->kept;
}

/* The message of the row that was refused, with its name. */
static mastra_status name_row(struct ms_transfer *transfer, const void *row, mastra_status status)
{
    mastra_error *error = &transfer->to->error;
    char message[sizeof error->message];
    struct ms_buf name;

    ms_buf_init(&name, ms_store_heap(transfer->from->store), 0);
    ms_put_row_name(&name, transfer->pair.entity, row);
    snprintf(message, sizeof message, "%s %.200s: %.250s", transfer->pair.entity->table,
             name.failed ? "" : ms_buf_view(&name).ptr, error->message);
    ms_error_copy(error->message, sizeof error->message, mastra_str_of(message));
    ms_buf_release(&name);
    return ms_transfer_fail(transfer, transfer->to, status);
}

/* A batch was refused: its rows one by one. */
static mastra_status write_singly(struct ms_transfer *transfer, const struct ms_writing *batch)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; status == MASTRA_OK && i < batch->count; i++) {
        struct ms_writing one = *batch;

        one.rows = batch->rows + i;
        one.count = 1;
        status = ms_write_rows(&one);
        if (status == MASTRA_OK) {
            count(transfer, &one);
        } else if (!is_refusal(transfer->to, status)) {
            return ms_transfer_fail(transfer, transfer->to, status);
        } else if (!transfer->args.skip_refused) {
            return name_row(transfer, one.rows[0], status);
        } else {
            transfer->event.refused++;
            status = ms_transfer_tell_row(transfer, MASTRA_COPY_REFUSED, one.rows[0], 0,
                                          mastra_str_of(transfer->to->error.message));
        }
    }
    return status;
}

static mastra_status write_page(struct ms_transfer *transfer, struct ms_tally *tally, struct ms_rows *page)
{
    struct ms_writing writing = {.to = transfer->to,
                                 .pair = &transfer->pair,
                                 .tally = tally,
                                 .rows = page->items,
                                 .dry_run = transfer->args.dry_run,
                                 .keep_newer = transfer->args.keep_newer};
    mastra_status status;

    /* The page's last row, behind which the walk goes on, stays where it is. */
    for (size_t i = 0; i < page->count; i++) {
        if (ms_transfer_wants(transfer, page->items[i])) {
            page->items[writing.count++] = page->items[i];
        }
    }
    status = ms_write_rows(&writing);
    if (status == MASTRA_OK) {
        count(transfer, &writing);
    } else if (is_refusal(transfer->to, status)) {
        status = write_singly(transfer, &writing);
    } else {
        status = ms_transfer_fail(transfer, transfer->to, status);
    }
    transfer->event.read += (int64_t)page->count;
    if (status == MASTRA_OK) {
        ms_transfer_tell(transfer, MASTRA_COPY_PROGRESS);
    }
    return status;
}

static mastra_status copy_rows(struct ms_transfer *transfer, struct ms_tally *tally)
{
    const struct ms_pair *pair = &transfer->pair;
    struct ms_walk walk;
    mastra_status status = ms_walk_begin(&walk, transfer->from, pair->entity, pair->from_columns, true,
                                         transfer->args.batch_size);

    while (status == MASTRA_OK && (status = ms_walk_next(&walk)) == MASTRA_OK && walk.page.count > 0) {
        struct ms_rows page = walk.page;

        if (transfer->event.added + transfer->event.changed > 0) {
            ms_clock_sleep_us(PAUSE_US);
        }
        status = write_page(transfer, tally, &page);
    }
    ms_walk_end(&walk);
    return status;
}

mastra_status ms_copy_table(struct ms_transfer *transfer)
{
    const struct ms_pair *pair = &transfer->pair;
    struct ms_tally tally;
    mastra_status status = MASTRA_OK;

    if (!pair->from_columns) {
        return MASTRA_OK;
    }
    ms_tally_init(&tally, ms_store_heap(transfer->from->store));
    if (pair->entity->key_count == 0 && pair->to_columns) {
        status = ms_tally_table(&tally, transfer->to, pair);
        status = status == MASTRA_OK ? status : ms_transfer_fail(transfer, transfer->to, status);
    }
    if (status == MASTRA_OK) {
        status = copy_rows(transfer, &tally);
    }
    ms_tally_release(&tally);
    return status;
}
