/*
 * Answers of DynamoDB, on arbitrary bytes: what comes back must be whole texts, and a record that is written again must be
 * read as the same. The first byte chooses the entity.
 */
#include <stdlib.h>

#include "backends/dynamodb/item.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer and any sanitizer where the fault is. */
static void require(bool condition)
{
    if (!condition)
        abort();
}

static char *copy(struct ms_arena *arena, mastra_str text)
{
    char *bytes = ms_arena_bytes(arena, text.len + 1);

    require(bytes != NULL);
    if (text.len)
        memcpy(bytes, text.ptr, text.len);
    bytes[text.len] = '\0';
    return bytes;
}

static void use_text(mastra_str text)
{
    require(!text.ptr || (ms_utf8_valid(text) && text.ptr[text.len] == '\0'));
}

static void use_record(const struct ms_entity *entity, const void *record)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (column->offset && (column->type == MS_TEXT || column->type == MS_JSON))
            use_text(*ms_field_str(column, record));
    }
}

static bool is_same(const struct ms_column *column, const void *a, const void *b)
{
    if (!column->offset)
        return true;
    if (column->type == MS_TEXT || column->type == MS_JSON) {
        mastra_str x = *ms_field_str(column, a);
        mastra_str y = *ms_field_str(column, b);

        return !x.ptr == !y.ptr && ms_str_compare(x, y) == 0;
    }
    return memcmp(ms_field(column, a), ms_field(column, b), column->type == MS_BOOLEAN ? 1 : 8) == 0;
}

/* Whether the record lacks what every record has: then it cannot be read again. */
static bool lacks_proof(const struct ms_entity *entity, const struct ms_item_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        if (strcmp(change->attributes[i].name, entity->item->proof) == 0)
            return change->attributes[i].action != MS_ITEM_SET;
    }
    return true;
}

static void write_again(const struct ms_entity *entity, const void *record, struct ms_heap *heap,
                        struct ms_arena *arena)
{
    struct ms_item_stamp stamp = {.now = 0};
    mastra_error error = MASTRA_ERROR_INIT;
    struct ms_item_change change;
    struct ms_items again = {0};
    struct ms_buf buf;

    if (ms_item_put(entity, record, 0, true, &stamp, arena, &change, &error) != MASTRA_OK) {
        require(error.status == MASTRA_INVALID_ARGUMENT && error.field[0]);
        return;
    }
    ms_buf_init(&buf, heap, 0);
    ms_buf_add_text(&buf, "{\"Item\":");
    ms_item_write_whole(&buf, &change);
    ms_buf_add_char(&buf, '}');
    require(buf.failed == MASTRA_OK && ms_json_check(ms_buf_view(&buf), NULL, NULL));
    require(ms_items_read(entity, ms_entity_all(entity), copy(arena, ms_buf_view(&buf)), buf.len, arena,
                          &again, &error) == MASTRA_OK);
    ms_buf_release(&buf);
    require(again.count == 1);
    if (lacks_proof(entity, &change)) {
        require(!again.rows[0].record);
        return;
    }
    for (uint8_t i = 0; i < entity->column_count; i++)
        require(is_same(&entity->columns[i], record, again.rows[0].record));
}

static void use_row(const struct ms_entity *entity, struct ms_item_row *row, const mastra_str *parts,
                    struct ms_heap *heap, struct ms_arena *arena)
{
    mastra_error error = MASTRA_ERROR_INIT;
    bool whole;

    use_text(row->seen.key.partition);
    use_text(row->seen.key.sort);
    use_text(row->seen.parts);
    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++)
        use_text(row->seen.witnesses[i]);
    if (!row->record)
        return;
    use_record(entity, row->record);
    write_again(entity, row->record, heap, arena);
    if (row->seen.part_count <= 4) {
        require(ms_item_join(entity, row, parts, arena, &whole, &error) == MASTRA_OK);
        use_record(entity, row->record);
    }
}

static void use_answer(const struct ms_entity *entity, mastra_str text, struct ms_heap *heap,
                       struct ms_arena *arena)
{
    mastra_error error = MASTRA_ERROR_INIT;
    struct ms_items items = {0};
    struct ms_items rest = {0};
    mastra_str parts[4] = {{NULL, 0}};
    mastra_status status;

    status = ms_item_parts_read(copy(arena, text), text.len, parts, 4, &rest, &error);
    require(status == MASTRA_OK || status == MASTRA_INTERNAL);
    require(ms_items_read(entity, ms_entity_all(entity), copy(arena, text), text.len, arena, &items,
                          &error) == status);
    require(!items.last_key.ptr || ms_json_check(items.last_key, NULL, NULL));
    require(!items.unprocessed.ptr || ms_json_check(items.unprocessed, NULL, NULL));
    require(!items.consumed.ptr || ms_json_check(items.consumed, NULL, NULL));
    require(items.counted >= 0 && items.counted == rest.counted);
    for (size_t i = 0; i < items.count; i++)
        use_row(entity, &items.rows[i], parts, heap, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mastra_str text = {(const char *)data + 1, size > 0 ? size - 1 : 0};
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);

    require(heap && arena);
    if (size > 1 && ms_json_check(text, &text, NULL))
        use_answer(ms_entity((enum ms_entity_id)(data[0] % MS_ENTITY_COUNT)), text, heap, arena);
    ms_arena_free(arena);
    ms_heap_unref(heap);
    return 0;
}
