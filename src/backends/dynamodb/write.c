#include "backends/dynamodb/write.h"

#include "backends/dynamodb/fetch.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "schema/form.h"
#include "store/record.h"

#include <stdlib.h>

/* Growing lists in the arena. */
static bool grow(struct ms_arena *arena, void **items, size_t *room, size_t count, size_t size)
{
    size_t wanted = *room ? *room * 2 : 16;
    void *grown;

    if (count < *room) {
        return true;
    }
    grown = ms_arena_alloc(arena, wanted * size);
    if (!grown) {
        return false;
    }
    if (count > 0) {
        memcpy(grown, *items, count * size);
    }
    *items = grown;
    *room = wanted;
    return true;
}

struct ddb_op *ddb_work_add(struct ddb_work *work, const struct ms_entity *entity, enum ms_write_kind what,
                            mastra_error *error)
{
    void *items = work->ops;
    struct ddb_op *op;

    if (!grow(work->arena, &items, &work->room, work->count, sizeof *op)) {
        ms_error_oom(error);
        return NULL;
    }
    work->ops = items;
    op = &work->ops[work->count];
    *op = (struct ddb_op){.entity = entity, .what = what, .place = work->count};
    work->count++;
    return op;
}

/* From writes to operations. */

static mastra_status collect_record(struct ddb_work *work, const struct ms_write *write, mastra_error *error)
{
    struct ddb_op *op = ddb_work_add(work, write->entity, write->kind, error);

    if (!op) {
        return MASTRA_OUT_OF_MEMORY;
    }
    op->kind = DDB_OP_UPDATE;
    op->condition = write->kind == MS_WRITE_INSERT  ? DDB_NEW
                    : write->kind == MS_WRITE_PATCH ? DDB_THERE
                                                    : DDB_ANY;
    op->record = write->record;
    op->columns = write->columns;
    op->sequence = write->sequence;
    return ms_key_of_record(op->entity, op->record, op->sequence, work->arena, &op->key, error);
}

static mastra_status collect_key(struct ddb_work *work, const struct ms_write *write, mastra_error *error)
{
    struct ddb_op *op = ddb_work_add(work, write->entity, write->kind, error);
    mastra_status status;

    if (!op) {
        return MASTRA_OUT_OF_MEMORY;
    }
    op->kind = write->kind == MS_WRITE_ERASE ? DDB_OP_DELETE : DDB_OP_CHECK;
    op->condition = write->kind == MS_WRITE_ERASE ? DDB_ANY : DDB_EXPECT;
    status = ms_key_of_texts(op->entity, write->key, work->arena, &op->key, error);
    if (status == MASTRA_INVALID_ARGUMENT && write->kind == MS_WRITE_ERASE) {
        op->drop = true;
        return MASTRA_OK; /* nothing can be there under such a key */
    }
    return status;
}

static mastra_status collect_touch(struct ddb_work *work, const struct ms_write *write, mastra_error *error)
{
    void *items = work->touches;
    struct ddb_touch *touch;
    struct ms_key key;
    mastra_status status = ms_key_of_texts(write->entity, write->key, work->arena, &key, error);

    if (status != MASTRA_OK) {
        return status == MASTRA_INVALID_ARGUMENT ? MASTRA_OK : status;
    }
    for (size_t i = 0; i < work->touch_count; i++) {
        touch = &work->touches[i];
        if (ms_str_compare(touch->key.partition, key.partition) == 0 &&
            ms_str_compare(touch->key.sort, key.sort) == 0) {
            touch->time = write->time > touch->time ? write->time : touch->time;
            return MASTRA_OK;
        }
    }
    if (!grow(work->arena, &items, &work->touch_room, work->touch_count, sizeof *touch)) {
        return ms_error_oom(error);
    }
    work->touches = items;
    touch = &work->touches[work->touch_count++];
    *touch = (struct ddb_touch){key, write->entity, write->key, 0, write->time};
    for (uint8_t i = 0; i < write->entity->column_count; i++) {
        touch->column = write->columns & MS_BIT(i) ? i : touch->column;
    }
    return MASTRA_OK;
}

mastra_status ddb_work_drop_parts(struct ddb_work *work, const struct ms_entity *entity, const void *record,
                                  const struct ms_item_seen *item, mastra_error *error)
{
    mastra_str generation = ms_item_generation(item->parts);
    mastra_status status = MASTRA_OK;

    for (unsigned i = 1; i <= item->part_count && status == MASTRA_OK; i++) {
        struct ddb_op *op = ddb_work_add(work, entity, MS_WRITE_ERASE, error);

        if (!op) {
            return MASTRA_OUT_OF_MEMORY;
        }
        op->kind = DDB_OP_DELETE;
        op->after = true;
        status = ms_key_of_part(entity, record, item->sequence, generation, i, work->arena, &op->key, error);
    }
    return status;
}

/* The columns, from one record to another. */
void ddb_copy_columns(const struct ms_entity *entity, void *to, const void *from, uint64_t columns)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(columns & MS_BIT(i)) || !column->offset) {
            continue;
        }
        switch (column->type) {
        case MS_TEXT:
        case MS_JSON:
            *ms_field_str(column, to) = *ms_field_str(column, from);
            break;
        case MS_BOOLEAN:
            *(bool *)ms_field(column, to) = *(const bool *)ms_field(column, from);
            break;
        case MS_REAL:
            *(double *)ms_field(column, to) = *(const double *)ms_field(column, from);
            break;
        default:
            memcpy(ms_field(column, to), ms_field(column, from), sizeof(int64_t));
            break;
        }
    }
}

static void *copy_of(struct ddb_work *work, const struct ms_entity *entity, const void *record,
                     mastra_error *error)
{
    void *copy = ms_record_new(work->arena, entity);

    if (!copy) {
        ms_error_oom(error);
        return NULL;
    }
    memcpy(copy, record, entity->size);
    return copy;
}

static mastra_status collect_query(struct ddb_work *work, const struct ms_write *write, mastra_error *error)
{
    const struct ms_entity *entity = write->entity;
    struct ms_item_row *rows = NULL;
    size_t count = 0;
    mastra_status status = ddb_select(work->session, write->query, work->arena, &rows, &count, error);

    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        struct ddb_op *op = ddb_work_add(work, entity, write->kind, error);

        if (!op) {
            return MASTRA_OUT_OF_MEMORY;
        }
        op->bulk = true;
        op->key = rows[i].seen.key;
        op->sequence = rows[i].seen.sequence;
        if (write->kind == MS_WRITE_ERASE_ALL) {
            op->kind = DDB_OP_DELETE;
            status = rows[i].record ? ddb_work_drop_parts(work, entity, rows[i].record, &rows[i].seen, error)
                                    : MASTRA_OK;
            continue;
        }
        void *record = copy_of(work, entity, write->record, error);

        if (!record) {
            return MASTRA_OUT_OF_MEMORY;
        }
        ddb_copy_columns(entity, record, rows[i].record, ms_entity_keys(entity));
        op->kind = DDB_OP_UPDATE;
        op->what = MS_WRITE_PATCH;
        op->condition = DDB_THERE;
        op->record = record;
        op->columns = write->columns;
    }
    return status;
}

static mastra_status collect_write(struct ddb_work *work, const struct ms_write *write, mastra_error *error)
{
    switch (write->kind) {
    case MS_WRITE_PUT:
    case MS_WRITE_INSERT:
    case MS_WRITE_PATCH:
        return collect_record(work, write, error);
    case MS_WRITE_TOUCH:
        return collect_touch(work, write, error);
    case MS_WRITE_ERASE:
    case MS_WRITE_EXPECT:
        return collect_key(work, write, error);
    case MS_WRITE_PATCH_ALL:
    case MS_WRITE_ERASE_ALL:
        return collect_query(work, write, error);
    }
    return MASTRA_OK;
}

/* What was read with a lock comes first: it is checked, or is the condition of what is written. */
static mastra_status collect_seen(struct ddb_work *work, mastra_error *error)
{
    for (const struct ddb_seen *seen = work->session->seen; seen; seen = seen->next) {
        struct ddb_op *op = ddb_work_add(work, seen->entity, MS_WRITE_EXPECT, error);

        if (!op) {
            return MASTRA_OUT_OF_MEMORY;
        }
        op->kind = DDB_OP_CHECK;
        op->condition = DDB_SEEN;
        op->seen = seen;
        op->key = seen->item.key;
    }
    return MASTRA_OK;
}

/* One operation for each item. */

int ddb_key_compare(const struct ms_key *a, const struct ms_key *b)
{
    int order = ms_str_compare(a->partition, b->partition);

    return order != 0 ? order : ms_str_compare(a->sort, b->sort);
}

static int compare_ops(const void *a, const void *b)
{
    const struct ddb_op *left = *(struct ddb_op *const *)a;
    const struct ddb_op *right = *(struct ddb_op *const *)b;
    int order = ddb_key_compare(&left->key, &right->key);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* Two writes of a record, the later of which is to be the only one. */
static mastra_status merge_records(struct ddb_work *work, const struct ddb_op *early, struct ddb_op *late,
                                   mastra_error *error)
{
    const struct ms_entity *entity = late->entity;
    bool patch = late->what == MS_WRITE_PATCH;
    void *record = copy_of(work, entity, patch ? early->record : late->record, error);

    if (!record) {
        return MASTRA_OUT_OF_MEMORY;
    }
    if (patch) {
        ddb_copy_columns(entity, record, late->record, late->columns);
        late->columns |= early->columns;
        late->what = early->what;
        late->condition = early->condition;
    } else if (early->what != MS_WRITE_PATCH) {
        ddb_copy_columns(entity, record, early->record, ms_entity_kept(entity));
        late->condition = early->condition;
        late->what = early->what;
    }
    late->record = record;
    late->whole = early->whole;
    late->sequence = early->what != MS_WRITE_PATCH ? early->sequence : late->sequence;
    return MASTRA_OK;
}

/* The earlier one in the later one's place. */
static void stand_in(const struct ddb_op *early, struct ddb_op *late)
{
    size_t place = late->place;

    *late = *early;
    late->drop = false;
    late->place = place;
}

/* Puts into `late` what `early` asked of the same item before it. */
static mastra_status merge(struct ddb_work *work, struct ddb_op *early, struct ddb_op *late,
                           mastra_error *error)
{
    early->drop = true;
    if (late->kind == DDB_OP_CHECK) {
        stand_in(early, late); /* what is there was seen, or is written anyway */
        return MASTRA_OK;
    }
    if (early->seen) {
        late->seen = early->seen;
        late->condition = DDB_SEEN;
    }
    if (early->kind == DDB_OP_UPDATE && late->kind == DDB_OP_UPDATE) {
        return merge_records(work, early, late, error);
    }
    if (early->kind == DDB_OP_DELETE && late->what == MS_WRITE_PATCH) {
        stand_in(early, late);
    } else if (early->kind == DDB_OP_DELETE && late->kind == DDB_OP_UPDATE) {
        late->condition = late->seen ? DDB_SEEN : DDB_ANY;
        late->what = MS_WRITE_PUT;
        late->whole = true;
    }
    return MASTRA_OK;
}

static mastra_status merge_all(struct ddb_work *work, mastra_error *error)
{
    struct ddb_op **sorted = ms_arena_alloc(work->arena, (work->count + 1) * sizeof(void *));
    size_t count = 0;
    mastra_status status = MASTRA_OK;

    if (!sorted) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < work->count; i++) {
        if (!work->ops[i].drop) {
            sorted[count++] = &work->ops[i];
        }
    }
    qsort(sorted, count, sizeof(void *), compare_ops);
    for (size_t i = 1; i < count && status == MASTRA_OK; i++) {
        if (ddb_key_compare(&sorted[i - 1]->key, &sorted[i]->key) == 0) {
            status = merge(work, sorted[i - 1], sorted[i], error);
        }
    }
    return status;
}

/* What was seen decides over what need not be done. */
static void settle(struct ddb_op *op)
{
    if (!op->seen || op->seen->there) {
        if (op->seen && op->what == MS_WRITE_PATCH && !op->seen->record) {
            op->kind = DDB_OP_CHECK; /* what stands there is not this row */
        }
        return;
    }
    if (op->what == MS_WRITE_PATCH || op->kind == DDB_OP_DELETE) {
        op->kind = DDB_OP_CHECK;
    }
}

void ddb_work_settle(struct ddb_work *work)
{
    size_t kept = 0;
    bool writes = false;

    for (size_t i = 0; i < work->count; i++) {
        if (!work->ops[i].drop) {
            settle(&work->ops[i]);
            writes = writes || work->ops[i].kind != DDB_OP_CHECK || work->ops[i].condition == DDB_EXPECT;
            work->ops[kept++] = work->ops[i];
        }
    }
    work->count = writes ? kept : 0;
}

mastra_status ddb_work_collect(struct ddb_work *work, const struct ms_write *first, mastra_error *error)
{
    mastra_status status = collect_seen(work, error);

    for (const struct ms_write *write = first; write && status == MASTRA_OK; write = write->next) {
        status = collect_write(work, write, error);
    }
    if (status == MASTRA_OK) {
        status = merge_all(work, error);
    }
    if (status == MASTRA_OK) {
        ddb_work_settle(work);
        status = ddb_work_look(work, false, error);
    }
    return status;
}
