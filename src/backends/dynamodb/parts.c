/* Large records: what of them stands in items of their own. */
#include "backends/dynamodb/fetch.h"

#include "base/error.h"

/* A record that is written again and again while it is read is given up after so many times. */
#define ATTEMPTS 5

static mastra_status read_parts(struct ddb_session *session, const struct ms_entity *entity,
                                const struct ms_item_row *row, struct ms_arena *arena, mastra_str *parts,
                                mastra_error *error)
{
    mastra_str generation = ms_item_generation(row->seen.parts);
    struct ddb_batch batch;
    mastra_status status = MASTRA_OK;

    ddb_batch_init(&batch, session->owner);
    for (unsigned number = 1; number <= row->seen.part_count && status == MASTRA_OK; number++) {
        struct ms_buf *body = ddb_batch_add(&batch, "GetItem", true, error);
        struct ms_key key;

        if (!body) {
            status = MASTRA_OUT_OF_MEMORY;
            break;
        }
        status =
            ms_key_of_part(entity, row->record, row->seen.sequence, generation, number, arena, &key, error);
        if (status == MASTRA_OK) {
            ddb_put_head(session->owner, body);
            ms_buf_add_text(body, ",\"ConsistentRead\":true,\"Key\":");
            ms_item_write_key(body, &key);
            ms_buf_add_char(body, '}');
        }
    }
    if (status == MASTRA_OK) {
        status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    }
    for (size_t i = 0; i < batch.count && status == MASTRA_OK; i++) {
        struct ms_items ignored = {0};
        char *text;

        if (!ms_service_call_ok(&batch.calls[i])) {
            status = ddb_call_failed(session->owner, &batch.calls[i], error);
            break;
        }
        text = ddb_answer_copy(&batch.calls[i], arena, error);
        status = text ? ms_item_parts_read(text, batch.calls[i].answer.len, parts, row->seen.part_count,
                                           &ignored, error)
                      : MASTRA_OUT_OF_MEMORY;
    }
    ddb_batch_release(&batch);
    return status;
}

static mastra_status join(struct ddb_session *session, const struct ms_entity *entity,
                          struct ms_item_row *row, struct ms_arena *arena, bool *ret_whole,
                          mastra_error *error)
{
    mastra_str *parts = ms_arena_calloc(arena, (row->seen.part_count + 1) * sizeof *parts);
    mastra_status status;

    if (!parts) {
        return ms_error_oom(error);
    }
    status = read_parts(session, entity, row, arena, parts, error);
    return status == MASTRA_OK ? ms_item_join(entity, row, parts, arena, ret_whole, error) : status;
}

mastra_status ddb_join_parts(struct ddb_session *session, const struct ms_entity *entity,
                             struct ms_item_row *rows, size_t count, struct ms_arena *arena,
                             mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        bool whole = !rows[i].record || rows[i].seen.part_count == 0;

        for (int attempt = 0; !whole && status == MASTRA_OK; attempt++) {
            bool there = false;
            struct ms_key key = rows[i].seen.key;

            status = join(session, entity, &rows[i], arena, &whole, error);
            if (status != MASTRA_OK || whole) {
                break;
            }
            if (attempt == ATTEMPTS) {
                return ms_error_set(error, MASTRA_CORRUPT, "%s: its parts are not those of the record",
                                    entity->noun);
            }
            status = ddb_fetch_item_plain(session, entity, &key, arena, &rows[i], &there, error);
            if (status == MASTRA_OK && !there) {
                rows[i] = (struct ms_item_row){.record = NULL}; /* it was deleted meanwhile */
            }
            whole = !rows[i].record || rows[i].seen.part_count == 0;
        }
    }
    return status;
}
