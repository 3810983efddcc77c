/* What a unit writes, from the days that it needs to the rows that it touches. */
#include "backends/dynamodb/write.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/form.h"

/* A call in parts may be repeated after some of them were done: what is new then need not be new. False: nothing had to
 * be. */
static bool allow_repeats(struct ddb_work *work)
{
    bool changed = false;

    for (size_t i = 0; i < work->count; i++) {
        if (work->ops[i].condition == DDB_NEW) {
            work->ops[i].condition = DDB_ANY;
            changed = true;
        }
    }
    return changed;
}

static mastra_status render(struct ddb_work *work, mastra_error *error)
{
    mastra_status status;

    if (work->count > ddb_most_items(work)) {
        allow_repeats(work);
    }
    ms_buf_clear(&work->texts);
    status = ddb_work_render(work, error);
    /* How long they are is known only now. */
    if (status == MASTRA_OK && !ddb_fits(work) && allow_repeats(work)) {
        ms_buf_clear(&work->texts);
        status = ddb_work_render(work, error);
    }
    return status;
}

/* A single patch of a row that nobody has looked at is tried as if it were a plain one. */
static void expect_plain(struct ddb_work *work)
{
    struct ddb_op *op = &work->ops[0];

    work->unsure = false;
    if (work->count == 1 && op->kind == DDB_OP_UPDATE && op->condition == DDB_THERE &&
        ddb_may_have_parts(work->session->owner, op->entity)) {
        op->condition = DDB_PLAIN;
    }
}

static mastra_status write_all(struct ddb_work *work, mastra_error *error)
{
    bool smaller = false;
    mastra_status status;

    do {
        smaller = false;
        expect_plain(work);
        status = render(work, error);
        if (status == MASTRA_OK) {
            status = ddb_send(work, &smaller, error);
        }
        if (status == MASTRA_OK && work->unsure) {
            status = ddb_work_look(work, true, error);
        }
    } while (smaller || (status == MASTRA_OK && work->unsure && work->count > 0));
    return status;
}

/* The book of days. */

/* Whether the operation may put a record where records are found by their day. */
static bool comes_by_day(const struct ddb_op *op)
{
    const struct ms_item_form *form = op->entity->item;

    if (op->kind != DDB_OP_UPDATE || !form->days.type ||
        (op->what == MS_WRITE_PATCH && !(op->columns & MS_BIT(op->entity->created)))) {
        return false;
    }
    return *ms_field_time(&op->entity->columns[op->entity->created], op->record) != MASTRA_TIME_NONE;
}

static void put_day(const struct dynamodb *backend, const struct ms_item_days *days, const struct ms_key *key,
                    struct ms_buf *body)
{
    ddb_put_head(backend, body);
    ms_buf_add_text(body, ",\"Item\":{\"pk\":");
    ddb_put_string(body, key->partition);
    ms_buf_add_text(body, ",\"sk\":");
    ddb_put_string(body, key->sort);
    ms_buf_printf(body,
                  ",\"__edb_e__\":{\"S\":\"%s\"},\"__edb_v__\":{\"S\":\"1\"},\"entity\":{\"S\":\"%s\"}}}",
                  days->type, days->type);
}

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* Says of every day on which there will be items that there are: before they are written. */
static mastra_status write_days(struct ddb_work *work, mastra_error *error)
{
    struct dynamodb *backend = work->session->owner;
    struct ddb_batch batch;
    uint64_t last = atomic_load(&backend->last_date);
    uint64_t written = last;
    mastra_status status = MASTRA_OK;

    ddb_batch_init(&batch, backend);
    for (size_t i = 0; i < work->count && status == MASTRA_OK; i++) {
        const struct ddb_op *op = &work->ops[i];
        char text[MS_KEY_DAY_SIZE];
        struct ms_buf *body;
        struct ms_key key;
        mastra_time time;
        uint64_t day;

        if (!comes_by_day(op)) {
            continue;
        }
        time = *ms_field_time(&op->entity->columns[op->entity->created], op->record);
        day = (uint64_t)((time - MS_TIME_FIRST) / DAY_MS + 1);
        if (day == last || day == written) {
            continue;
        }
        written = day;
        status = ms_key_of_day(op->entity, ms_key_day(time, text), work->arena, &key, error);
        body = status == MASTRA_OK ? ddb_batch_add(&batch, "PutItem", true, error) : NULL;
        if (!body) {
            status = status == MASTRA_OK ? MASTRA_OUT_OF_MEMORY : status;
            break;
        }
        put_day(backend, &op->entity->item->days, &key, body);
    }
    if (status == MASTRA_OK && batch.count > 0) {
        status = ddb_send_bulk(work, &batch, error);
    }
    if (status == MASTRA_OK && written != last) {
        atomic_store(&backend->last_date, written);
    }
    ddb_batch_release(&batch);
    return status;
}

/* Touches: a row that is not there stays away. */

mastra_status ddb_add_touches(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    /* Those who are changing the row would have to begin anew. */
    if (work->touch_count > 0) {
        ddb_take_turn(work->session, &work->touches[0].key);
    }
    for (size_t i = 0; i < work->touch_count && status == MASTRA_OK; i++) {
        const struct ddb_touch *touch = &work->touches[i];
        struct ms_buf *body = ddb_batch_add(batch, "UpdateItem", true, error);
        struct ms_item_change change;

        if (!body) {
            return MASTRA_OUT_OF_MEMORY;
        }
        status =
            ms_item_touch(touch->entity, touch->ids, touch->column, touch->time, work->arena, &change, error);
        if (status == MASTRA_OK) {
            ms_buf_add_char(body, '{');
            ddb_put_update(work->session->owner, body, &change, DDB_THERE, touch->entity, NULL);
            ddb_put_capacity(work, body);
            ms_buf_add_char(body, '}');
        }
    }
    return status;
}

void ddb_take_touches(struct ddb_work *work, const struct ddb_batch *batch, size_t from)
{
    work->touched = true;
    for (size_t i = from; i < batch->count; i++) {
        work->touched = work->touched && (ms_service_call_ok(&batch->calls[i]) ||
                                          ddb_call_said(&batch->calls[i], "ConditionalCheckFailedException"));
    }
}

static mastra_status touch_all(struct ddb_work *work, mastra_error *error)
{
    struct ddb_batch batch;
    mastra_status status;

    if (work->touch_count == 0 || work->touched) {
        return MASTRA_OK;
    }
    ddb_renew_deadline(work->session);
    ddb_batch_init(&batch, work->session->owner);
    status = ddb_add_touches(work, &batch, error);
    if (status == MASTRA_OK) {
        status = ddb_send_bulk(work, &batch, error);
    }
    ddb_batch_release(&batch);
    /* The rest has been done. */
    if (status != MASTRA_OK) {
        error->status = status = MASTRA_UNKNOWN_OUTCOME;
        error->retriable = false;
    }
    return status;
}

mastra_status ddb_write(struct ddb_session *session, const struct ms_write *first, mastra_error *error)
{
    struct ddb_work work = {.session = session, .now = ms_clock_now()};
    mastra_status status;

    work.arena = ddb_session_arena(session, error);
    if (!work.arena) {
        return MASTRA_OUT_OF_MEMORY;
    }
    if (!ms_uuid_v4(work.attempt)) {
        return ms_error_set(error, MASTRA_INTERNAL, "the system's random generator failed");
    }
    ms_buf_init(&work.texts, session->owner->base.client.heap, 0);
    status = ddb_work_collect(&work, first, error);
    if (status == MASTRA_OK) {
        status = write_days(&work, error);
    }
    if (status == MASTRA_OK && work.count > 0) {
        status = write_all(&work, error);
    }
    if (status == MASTRA_OK) {
        status = touch_all(&work, error);
    }
    if (work.claim.held) {
        ddb_claim_abandon(&work, status);
    }
    ms_buf_release(&work.texts);
    return status;
}

mastra_status ddb_commit(struct ms_session *base, mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    mastra_status status = session->writes ? ddb_write(session, session->writes, error) : MASTRA_OK;

    ddb_rollback(base);
    return status;
}
