#include "store/record.h"

struct head {
    struct ms_arena *arena;
    void *padding; /* keeps what follows aligned for any type */
};

void *ms_record_new(struct ms_arena *arena, const struct ms_entity *entity)
{
    struct head *head = ms_arena_alloc(arena, sizeof *head + entity->size);

    if (!head) {
        return NULL;
    }
    head->arena = arena;
    memcpy(head + 1, entity->blank, entity->size);
    return head + 1;
}

void ms_record_free(void *record)
{
    if (record) {
        ms_arena_free(((struct head *)record)[-1].arena);
    }
}

size_t ms_record_bytes(const struct ms_entity *entity, const void *record, uint64_t columns)
{
    size_t bytes = 0;

    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if ((columns & MS_BIT(i)) && column->offset && (column->type == MS_TEXT || column->type == MS_JSON)) {
            bytes += ms_field_str(column, record)->len;
        }
    }
    return bytes;
}
