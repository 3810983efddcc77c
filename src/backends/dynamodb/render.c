/* Operations as the members of their requests. */
#include "backends/dynamodb/write.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "schema/form.h"
#include "store/record.h"

/* Of an attempt's name, which is drawn at random. */
#define GENERATION_LEN 12

/* Which part of an update expression an action belongs to. */
static const struct {
    const char *clause;
    enum ms_item_action actions[2];
} clauses[] = {
    {"SET ", {MS_ITEM_SET, MS_ITEM_SET_ONCE}},
    {"REMOVE ", {MS_ITEM_REMOVE, MS_ITEM_REMOVE}},
    {"ADD ", {MS_ITEM_ADD, MS_ITEM_ADD}},
    {"DELETE ", {MS_ITEM_DELETE, MS_ITEM_DELETE}},
};

static void put_action(struct ms_buf *body, enum ms_item_action action, size_t number)
{
    switch (action) {
    case MS_ITEM_SET:
        ms_buf_printf(body, "#%zu=:%zu", number, number);
        break;
    case MS_ITEM_SET_ONCE:
        ms_buf_printf(body, "#%zu=if_not_exists(#%zu,:%zu)", number, number, number);
        break;
    case MS_ITEM_REMOVE:
        ms_buf_printf(body, "#%zu", number);
        break;
    default:
        ms_buf_printf(body, "#%zu :%zu", number, number);
        break;
    }
}

static void put_expression(struct ms_buf *body, const struct ms_item_change *change)
{
    const char *gap = "";

    ms_buf_add_text(body, ",\"UpdateExpression\":\"");
    for (size_t c = 0; c < sizeof clauses / sizeof clauses[0]; c++) {
        bool begun = false;

        for (size_t i = 0; i < change->count; i++) {
            enum ms_item_action action = change->attributes[i].action;

            if (action != clauses[c].actions[0] && action != clauses[c].actions[1]) {
                continue;
            }
            ms_buf_add_text(body, begun ? "," : gap);
            ms_buf_add_text(body, begun ? "" : clauses[c].clause);
            put_action(body, action, i);
            begun = true;
            gap = " ";
        }
    }
    ms_buf_add_char(body, '"');
}

/* Conditions. */

/* What the item must be like: names and values begin with "#w" and ":w". */
static void put_seen_condition(struct ms_buf *body, const struct ms_entity *entity,
                               const struct ddb_seen *seen)
{
    ms_buf_add_text(body,
                    seen->item.revision ? "#wr = :wr" : "attribute_exists(pk) AND attribute_not_exists(#wr)");
    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        if (!entity->item->witnesses[i]) {
            continue;
        }
        if (seen->item.witnesses[i].ptr) {
            ms_buf_printf(body, " AND #w%zu = :w%zu", i, i);
        } else {
            ms_buf_printf(body, " AND attribute_not_exists(#w%zu)", i);
        }
    }
}

static void put_simple_condition(struct ms_buf *body, enum ddb_condition condition,
                                 const struct ms_entity *entity)
{
    if (condition == DDB_NEW) {
        /* What a peer's touch has left behind is no record. */
        ms_buf_printf(body, "attribute_not_exists(%s)", entity->item->proof);
    } else if (condition == DDB_PLAIN) {
        ms_buf_printf(body, "attribute_exists(%s) AND attribute_not_exists(" MS_ITEM_PARTS ")",
                      entity->item->proof);
    } else {
        ms_buf_add_text(body, condition == DDB_SEEN ? "attribute_not_exists(pk)" : "attribute_exists(pk)");
    }
}

static void put_condition(struct ms_buf *body, enum ddb_condition condition, const struct ms_entity *entity,
                          const struct ddb_seen *seen)
{
    if (condition == DDB_ANY) {
        return;
    }
    ms_buf_add_text(body, ",\"ConditionExpression\":\"");
    if (condition == DDB_SEEN && seen->there) {
        put_seen_condition(body, entity, seen);
    } else {
        put_simple_condition(body, condition, entity);
    }
    ms_buf_add_char(body, '"');
}

static bool has_witnesses(enum ddb_condition condition, const struct ddb_seen *seen)
{
    return condition == DDB_SEEN && seen->there;
}

static void put_name(struct ms_buf *body, bool *begun, const char *tag, size_t number, const char *name)
{
    ms_buf_printf(body, "%s\"#%s%zu\":", *begun ? "," : "", tag, number);
    ms_json_put_string(body, mastra_str_of(name));
    *begun = true;
}

static void put_names(struct ms_buf *body, const struct ms_item_change *change, enum ddb_condition condition,
                      const struct ms_entity *entity, const struct ddb_seen *seen)
{
    bool begun = false;

    ms_buf_add_text(body, ",\"ExpressionAttributeNames\":{");
    for (size_t i = 0; change && i < change->count; i++) {
        put_name(body, &begun, "", i, change->attributes[i].name);
    }
    if (has_witnesses(condition, seen)) {
        for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
            if (entity->item->witnesses[i]) {
                put_name(body, &begun, "w", i, entity->item->witnesses[i]);
            }
        }
        ms_buf_add_text(body,
                        begun ? ",\"#wr\":\"" MS_ITEM_REVISION "\"" : "\"#wr\":\"" MS_ITEM_REVISION "\"");
        begun = true;
    }
    ms_buf_add_char(body, '}');
}

static void put_values(struct ms_buf *body, const struct ms_item_change *change, enum ddb_condition condition,
                       const struct ms_entity *entity, const struct ddb_seen *seen)
{
    bool begun = false;

    for (size_t i = 0; change && i < change->count; i++) {
        if (change->attributes[i].action == MS_ITEM_REMOVE) {
            continue;
        }
        ms_buf_printf(body, begun ? ",\":%zu\":" : ",\"ExpressionAttributeValues\":{\":%zu\":", i);
        ms_item_write_value(body, &change->attributes[i]);
        begun = true;
    }
    if (has_witnesses(condition, seen) && seen->item.revision) {
        ms_buf_add_text(body, begun ? ",\":wr\":" : ",\"ExpressionAttributeValues\":{\":wr\":");
        ddb_put_number(body, seen->item.revision);
        begun = true;
    }
    for (size_t i = 0; has_witnesses(condition, seen) && i < MS_ITEM_WITNESSES; i++) {
        struct ms_item_attribute witness = {.kind = entity->item->witnesses_number ? MS_ITEM_NUMBER
                                                                                   : MS_ITEM_STRING,
                                            .text = seen->item.witnesses[i]};

        if (!entity->item->witnesses[i] || !witness.text.ptr) {
            continue;
        }
        ms_buf_printf(body, begun ? ",\":w%zu\":" : ",\"ExpressionAttributeValues\":{\":w%zu\":", i);
        ms_item_write_value(body, &witness);
        begun = true;
    }
    if (begun) {
        ms_buf_add_char(body, '}');
    }
}

static void put_place(const struct dynamodb *backend, struct ms_buf *body, const struct ms_key *key)
{
    ms_buf_printf(body, "\"TableName\":\"%s\",\"Key\":", backend->base.client.settings.table);
    ms_item_write_key(body, key);
}

void ddb_put_update(const struct dynamodb *backend, struct ms_buf *body, const struct ms_item_change *change,
                    enum ddb_condition condition, const struct ms_entity *entity, const struct ddb_seen *seen)
{
    put_place(backend, body, &change->key);
    put_expression(body, change);
    put_condition(body, condition, entity, seen);
    put_names(body, change, condition, entity, seen);
    put_values(body, change, condition, entity, seen);
}

/* A delete or a check. */
static void put_bare(const struct dynamodb *backend, struct ms_buf *body, const struct ddb_op *op)
{
    put_place(backend, body, &op->key);
    put_condition(body, op->condition, op->entity, op->seen);
    if (has_witnesses(op->condition, op->seen)) {
        put_names(body, NULL, op->condition, op->entity, op->seen);
        put_values(body, NULL, op->condition, op->entity, op->seen);
    }
}

/* An item in the place of whatever there is. */
static void put_whole(const struct dynamodb *backend, struct ms_buf *body,
                      const struct ms_item_change *change, const struct ddb_op *op)
{
    ms_buf_printf(body, "\"TableName\":\"%s\",\"Item\":", backend->base.client.settings.table);
    ms_item_write_whole(body, change);
    put_condition(body, op->condition, op->entity, op->seen);
    if (has_witnesses(op->condition, op->seen)) {
        put_names(body, NULL, op->condition, op->entity, op->seen);
        put_values(body, NULL, op->condition, op->entity, op->seen);
    }
}

/* The time of the last write of what was read: as its item has it, since the record may have been changed since. */
static mastra_time last_write(const struct ddb_seen *seen)
{
    const struct ms_item_form *form = seen->entity->item;
    mastra_time time = MASTRA_TIME_NONE;

    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        if (form->witnesses[i] && strcmp(form->witnesses[i], "updatedAt") == 0 &&
            seen->item.witnesses[i].ptr && !ms_time_parse(seen->item.witnesses[i], &time)) {
            return MASTRA_TIME_NONE;
        }
    }
    return time;
}

/* Two writes of a row never carry the same time, by which peers tell one from the other. */
static mastra_status keep_times_apart(struct ddb_work *work, struct ddb_op *op, mastra_error *error)
{
    int index = ms_entity_column(op->entity, mastra_str_of("updatedAt"));
    const struct ms_column *column = index >= 0 ? &op->entity->columns[index] : NULL;
    void *record;

    if (!column || op->what != MS_WRITE_PATCH || !op->seen || !op->seen->record || !column->offset ||
        !(op->columns & MS_BIT(index)) || column->type != MS_TIMESTAMP ||
        *ms_field_time(column, op->record) != last_write(op->seen)) {
        return MASTRA_OK;
    }
    record = ms_record_new(work->arena, op->entity);
    if (!record) {
        return ms_error_oom(error);
    }
    memcpy(record, op->record, op->entity->size);
    *ms_field_time(column, record) += 1;
    op->record = record;
    return MASTRA_OK;
}

/* What is kept otherwise is set, or removed, all the same, where a unit has asked for that as well. */
static mastra_status set_kept(struct ddb_work *work, const struct ddb_op *op, struct ms_item_change *change,
                              mastra_error *error)
{
    const struct ms_item_stamp stamp = {.now = work->now};
    struct ms_item_change patch;
    mastra_status status =
        ms_item_patch(op->entity, op->record, op->columns, op->record, &stamp, work->arena, &patch, error);

    for (size_t i = 0; i < patch.count && status == MASTRA_OK; i++) {
        size_t at = 0;

        while (at < change->count && strcmp(change->attributes[at].name, patch.attributes[i].name) != 0) {
            at++;
        }
        if (at < MS_ITEM_ATTRIBUTES) {
            change->attributes[at] = patch.attributes[i];
            change->count += at == change->count;
        }
    }
    return status;
}

/* Of a record that is written as a whole. */
static struct ms_item_stamp stamp_of(const struct ddb_work *work, const struct ms_entity *entity)
{
    const struct ddb_settings *settings = &work->session->owner->base.client.settings;
    struct ms_item_stamp stamp = {.now = work->now};

    if (entity->id < MS_ENTITY_COUNT && settings->ttl[entity->id].attribute) {
        stamp.ttl = settings->ttl[entity->id].attribute;
        stamp.ttl_seconds = work->now / 1000 + settings->ttl[entity->id].seconds;
    }
    return stamp;
}

static mastra_status make_change(struct ddb_work *work, struct ddb_op *op, struct ms_item_change *change,
                                 mastra_error *error)
{
    struct ms_item_stamp stamp = {.now = work->now};
    mastra_status status;

    if (op->what == MS_WRITE_PATCH) {
        status = keep_times_apart(work, op, error);
        return status == MASTRA_OK
                   ? ms_item_patch(op->entity, op->record, op->columns, op->seen ? op->seen->record : NULL,
                                   &stamp, work->arena, change, error)
                   : status;
    }
    stamp = stamp_of(work, op->entity);
    status = ms_item_put(op->entity, op->record, op->sequence, op->condition == DDB_NEW || op->whole, &stamp,
                         work->arena, change, error);
    return status == MASTRA_OK && op->columns && !op->whole ? set_kept(work, op, change, error) : status;
}

/* What tells the parts of this attempt from all others of a record. */
static mastra_str generation_of(const struct ddb_work *work)
{
    return (mastra_str){work->attempt + MS_UUID_LEN - GENERATION_LEN, GENERATION_LEN};
}

/* Large records that may stand in parts: the parts are written before. */
static mastra_status add_parts(struct ddb_work *work, struct ddb_op *op, struct ms_item_change *change,
                               struct ddb_op **parts, size_t *count, mastra_error *error)
{
    const struct ms_item_split split = {work->session->owner->base.client.settings.large_parts,
                                        generation_of(work)};
    struct ms_item_part *part = NULL;
    size_t more = 0;
    struct ddb_op *grown;
    mastra_status status =
        ms_item_fit(op->entity, op->record, op->sequence, &split, work->arena, change, &part, &more, error);

    if (status != MASTRA_OK || more == 0) {
        return status;
    }
    grown = ms_arena_calloc(work->arena, (*count + more) * sizeof *grown);
    if (!grown) {
        return ms_error_oom(error);
    }
    if (*count > 0) {
        memcpy(grown, *parts, *count * sizeof *grown);
    }
    for (size_t i = 0; i < more; i++) {
        grown[*count + i] = (struct ddb_op){.kind = DDB_OP_PUT,
                                            .added = true,
                                            .what = MS_WRITE_PUT,
                                            .entity = op->entity,
                                            .key = part[i].key,
                                            .part = &part[i]};
    }
    *count += more;
    *parts = grown;
    return status;
}

/* Whether the item will not name the parts that it was seen to name. */
static bool leaves_parts(const struct ddb_op *op)
{
    bool replaced = op->kind == DDB_OP_UPDATE && op->what != MS_WRITE_PATCH;

    return (replaced || op->kind == DDB_OP_DELETE) && op->seen && op->seen->record &&
           op->seen->item.part_count > 0;
}

static mastra_status drop_old_parts(struct ddb_work *work, mastra_error *error)
{
    size_t count = work->count;
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        const struct ddb_seen *seen = work->ops[i].seen;

        if (leaves_parts(&work->ops[i])) {
            status = ddb_work_drop_parts(work, work->ops[i].entity, seen->record, &seen->item, error);
        }
    }
    for (size_t i = count; i < work->count; i++) {
        work->ops[i].added = true;
    }
    return status;
}

/* By which it can be told later who has written it. */
static void add_mark(const struct ddb_work *work, const struct ddb_op *op, struct ms_item_change *change)
{
    bool claimed = ddb_claim_marks(work, op);
    bool alone = work->count == 1 && (op->condition == DDB_SEEN || op->condition == DDB_NEW);

    if ((claimed || alone) && change->count < MS_ITEM_ATTRIBUTES) {
        change->attributes[change->count++] =
            (struct ms_item_attribute){DDB_ATTEMPT, MS_ITEM_SET, MS_ITEM_STRING,
                                       mastra_str_of(claimed ? work->claim.mark : work->attempt)};
    }
}

static mastra_status render_op(struct ddb_work *work, struct ddb_op *op, struct ddb_op **parts, size_t *count,
                               mastra_error *error)
{
    const struct dynamodb *backend = work->session->owner;
    mastra_status status = MASTRA_OK;

    op->at = work->texts.len;
    if (op->kind == DDB_OP_UPDATE) {
        struct ms_item_change change;

        status = make_change(work, op, &change, error);
        if (status == MASTRA_OK) {
            status = add_parts(work, op, &change, parts, count, error);
        }
        if (status == MASTRA_OK) {
            add_mark(work, op, &change);
            op->bytes = change.bytes;
            change.key = op->key;
        }
        if (status == MASTRA_OK && op->whole) {
            put_whole(backend, &work->texts, &change, op);
        } else if (status == MASTRA_OK) {
            ddb_put_update(backend, &work->texts, &change, op->condition, op->entity, op->seen);
        }
    } else if (op->kind == DDB_OP_PUT) {
        const struct ms_item_stamp stamp = stamp_of(work, op->entity);

        ms_buf_printf(&work->texts, "\"TableName\":\"%s\",\"Item\":", backend->base.client.settings.table);
        ms_item_write_part(&work->texts, op->part, &stamp);
        op->bytes = op->part->text.len;
    } else {
        put_bare(backend, &work->texts, op);
    }
    op->len = work->texts.len - op->at;
    return status;
}

/* What an earlier rendering has added is added anew. */
static void drop_added(struct ddb_work *work)
{
    size_t kept = 0;

    for (size_t i = 0; i < work->count; i++) {
        if (!work->ops[i].added) {
            work->ops[kept++] = work->ops[i];
        }
    }
    work->count = kept;
}

mastra_status ddb_work_render(struct ddb_work *work, mastra_error *error)
{
    struct ddb_op *parts = NULL;
    size_t part_count = 0;
    mastra_status status = MASTRA_OK;

    drop_added(work);
    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        status = render_op(work, &work->ops[i], &parts, &part_count, error);
    }
    if (status == MASTRA_OK) {
        size_t own = work->count;

        status = drop_old_parts(work, error);
        for (size_t i = own; i < work->count && status == MASTRA_OK; i++) {
            status = render_op(work, &work->ops[i], NULL, NULL, error);
        }
    }
    for (size_t i = 0; i < part_count && status == MASTRA_OK; i++) {
        status = render_op(work, &parts[i], NULL, NULL, error);
    }
    if (status == MASTRA_OK && part_count > 0) {
        struct ddb_op *all = ms_arena_alloc(work->arena, (work->count + part_count) * sizeof *all);

        if (!all) {
            return ms_error_oom(error);
        }
        memcpy(all, parts, part_count * sizeof *all);
        memcpy(all + part_count, work->ops, work->count * sizeof *all);
        work->ops = all;
        work->room = work->count + part_count;
        work->count += part_count;
    }
    if (status == MASTRA_OK && work->texts.failed != MASTRA_OK) {
        return ms_error_oom(error);
    }
    return status;
}
