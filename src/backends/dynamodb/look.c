/* What must be known of rows before they are patched. */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/write.h"
#include "base/error.h"
#include "schema/form.h"
#include "store/record.h"

#include <stdlib.h>

/* A patch of more text than this may make a record too large for one item. */
#define LARGE_BYTES ((size_t)MS_ITEM_MOST / 2)

bool ddb_may_have_parts(const struct dynamodb *backend, const struct ms_entity *entity)
{
    return entity->item->parts && (!entity->item->shared || backend->base.client.settings.large_parts);
}

static bool is_patch(const struct ddb_op *op)
{
    return op->kind == DDB_OP_UPDATE && op->what == MS_WRITE_PATCH;
}

/* Whether there may be parts that have to go when the operation is done: of a record that is replaced by one that is as
 * large, or deleted. */
static bool may_leave_parts(const struct ddb_work *work, const struct ddb_op *op)
{
    if (op->bulk || op->after || op->entity->id >= MS_ENTITY_COUNT ||
        !ddb_may_have_parts(work->session->owner, op->entity)) {
        return false;
    }
    return op->kind == DDB_OP_DELETE ||
           (op->kind == DDB_OP_UPDATE && op->what == MS_WRITE_PUT &&
            ms_record_bytes(op->entity, op->record, ms_entity_fields(op->entity)) > LARGE_BYTES);
}

static bool needs_look(const struct ddb_work *work, const struct ddb_op *op, bool all)
{
    if (op->seen) {
        return false;
    }
    if (!is_patch(op)) {
        return may_leave_parts(work, op);
    }
    if (all || ms_item_patch_needs(op->entity, op->columns) != 0) {
        return true;
    }
    if (ddb_may_have_parts(work->session->owner, op->entity) &&
        ms_record_bytes(op->entity, op->record, op->columns) > LARGE_BYTES) {
        return true;
    }
    return work->count > 1 && !op->bulk;
}

static int compare_rows(const void *a, const void *b)
{
    return ddb_key_compare(&((const struct ms_item_row *)a)->seen.key,
                           &((const struct ms_item_row *)b)->seen.key);
}

static const struct ms_item_row *find_row(const struct ddb_fetch *fetch, const struct ms_key *key)
{
    struct ms_item_row wanted = {.seen = {.key = *key}};

    return fetch->count == 0 ? NULL
                             : bsearch(&wanted, fetch->rows, fetch->count, sizeof wanted, compare_rows);
}

static mastra_status take_row(struct ddb_work *work, struct ddb_op *op, const struct ms_item_row *row,
                              mastra_error *error)
{
    struct ddb_seen *seen;

    if (!row && (is_patch(op) || op->kind == DDB_OP_DELETE)) {
        op->drop = true;
        return MASTRA_OK;
    }
    seen = ms_arena_calloc(work->arena, sizeof *seen);
    if (!seen) {
        return ms_error_oom(error);
    }
    *seen = (struct ddb_seen){.entity = op->entity, .item.key = op->key};
    if (row) {
        seen->there = true;
        seen->item = row->seen;
        seen->record = row->record;
    }
    op->seen = seen;
    op->condition = DDB_SEEN;
    return MASTRA_OK;
}

/* Those of one entity, from `first` on; of patches the whole records are read. */
static mastra_status look_at(struct ddb_work *work, size_t first, bool all, mastra_error *error)
{
    const struct ms_entity *entity = work->ops[first].entity;
    bool patches = is_patch(&work->ops[first]);
    struct ms_query query = {.entity = entity};
    struct ddb_plan plan = {.kind = DDB_PLAN_KEYS};
    struct ddb_fetch fetch = {.session = work->session,
                              .query = &query,
                              .plan = &plan,
                              .arena = work->arena,
                              .columns = patches ? ms_entity_fields(entity) : ms_entity_keys(entity),
                              .heads = !patches,
                              .need = MS_NO_LIMIT};
    mastra_status status;

    plan.range = ms_arena_alloc(work->arena, work->count * sizeof *plan.range);
    if (!plan.range) {
        return ms_error_oom(error);
    }
    for (size_t i = first; i < work->count; i++) {
        const struct ddb_op *op = &work->ops[i];

        if (op->entity == entity && is_patch(op) == patches && needs_look(work, op, all)) {
            plan.range[plan.count++] =
                (struct ms_key_range){op->key.partition, MS_SORT_EQUAL, op->key.sort, {NULL, 0}};
        }
    }
    status = ddb_fetch(&fetch, error);
    if (status == MASTRA_OK && fetch.count > 0) {
        qsort(fetch.rows, fetch.count, sizeof *fetch.rows, compare_rows);
    }
    for (size_t i = first; i < work->count && status == MASTRA_OK; i++) {
        struct ddb_op *op = &work->ops[i];

        if (op->entity == entity && is_patch(op) == patches && !op->drop && needs_look(work, op, all)) {
            status = take_row(work, op, find_row(&fetch, &op->key), error);
        }
    }
    return status;
}

/* A record that stands in parts, or that will, is written as a whole. */
static mastra_status make_whole(struct ddb_work *work, struct ddb_op *op, mastra_error *error)
{
    void *record;

    if (op->kind != DDB_OP_UPDATE || op->what != MS_WRITE_PATCH || !op->seen || !op->seen->record ||
        (op->seen->item.part_count == 0 &&
         (!ddb_may_have_parts(work->session->owner, op->entity) ||
          ms_record_bytes(op->entity, op->record, op->columns) +
                  ms_record_bytes(op->entity, op->seen->record, ms_entity_fields(op->entity)) <
              LARGE_BYTES))) {
        return MASTRA_OK;
    }
    record = ms_record_new(work->arena, op->entity);
    if (!record) {
        return ms_error_oom(error);
    }
    memcpy(record, op->seen->record, op->entity->size);
    ddb_copy_columns(op->entity, record, op->record, op->columns);
    op->record = record;
    op->what = MS_WRITE_PUT;
    op->sequence = op->seen->item.sequence;
    return MASTRA_OK;
}

mastra_status ddb_work_look(struct ddb_work *work, bool all, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        if (!work->ops[i].drop && needs_look(work, &work->ops[i], all)) {
            status = look_at(work, i, all, error);
        }
    }
    if (status != MASTRA_OK) {
        return status;
    }
    ddb_work_settle(work);
    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        status = make_whole(work, &work->ops[i], error);
    }
    return status;
}
