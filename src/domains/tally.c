#include "domains/tally.h"

#define FIRST_ROOM 1024

void ms_tally_init(struct ms_tally *tally, struct ms_heap *heap)
{
    *tally = (struct ms_tally){.heap = heap};
}

void ms_tally_release(struct ms_tally *tally)
{
    ms_heap_release(tally->heap, tally->slots);
    tally->slots = NULL;
    tally->room = 0;
    tally->used = 0;
}

/* Two hashes of one text that have nothing in common but the text. */
static void mix(uint64_t hash[2], const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++) {
        hash[0] = (hash[0] ^ at[i]) * UINT64_C(0x100000001b3);
        hash[1] = (hash[1] + at[i] + 1) * UINT64_C(0x9e3779b97f4a7c15);
        hash[1] ^= hash[1] >> 29;
    }
}

static void mix_field(uint64_t hash[2], const struct ms_column *column, const void *row)
{
    if (column->type == MS_TEXT || column->type == MS_JSON) {
        mastra_str text = *ms_field_str(column, row);
        uint64_t len = text.ptr ? text.len : UINT64_MAX;

        mix(hash, &len, sizeof len);
        mix(hash, text.ptr, text.len);
    } else if (column->type == MS_BOOLEAN) {
        mix(hash, ms_field(column, row), sizeof(bool));
    } else {
        mix(hash, ms_field(column, row), sizeof(int64_t));
    }
}

static void hash_row(const struct ms_entity *entity, const void *row, uint64_t columns, uint64_t hash[2])
{
    hash[0] = UINT64_C(0xcbf29ce484222325);
    hash[1] = UINT64_C(0x243f6a8885a308d3);
    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            mix_field(hash, &entity->columns[i], row);
        }
    }
}

/* The slot of a hash, or the free one where it belongs. There is always one. */
static struct ms_tally_slot *find(const struct ms_tally *tally, const uint64_t hash[2])
{
    size_t at = (size_t)hash[1] & (tally->room - 1);

    while (tally->slots[at].used &&
           (tally->slots[at].hash[0] != hash[0] || tally->slots[at].hash[1] != hash[1])) {
        at = (at + 1) & (tally->room - 1);
    }
    return &tally->slots[at];
}

static bool grow(struct ms_tally *tally)
{
    struct ms_tally wide = {.heap = tally->heap, .room = tally->room ? tally->room * 2 : FIRST_ROOM};

    wide.slots = ms_heap_calloc(tally->heap, wide.room * sizeof *wide.slots);
    if (!wide.slots) {
        return false;
    }
    for (size_t i = 0; i < tally->room; i++) {
        if (tally->slots[i].used) {
            *find(&wide, tally->slots[i].hash) = tally->slots[i];
        }
    }
    wide.used = tally->used;
    ms_heap_release(tally->heap, tally->slots);
    *tally = wide;
    return true;
}

bool ms_tally_add(struct ms_tally *tally, const struct ms_entity *entity, const void *row, uint64_t columns)
{
    struct ms_tally_slot *slot;
    uint64_t hash[2];

    if (tally->used * 4 >= tally->room * 3 && !grow(tally)) {
        return false;
    }
    hash_row(entity, row, columns, hash);
    slot = find(tally, hash);
    if (!slot->used) {
        *slot = (struct ms_tally_slot){{hash[0], hash[1]}, 0, true};
        tally->used++;
    }
    slot->count++;
    return true;
}

/* The slot that holds such a row, NULL when none is left. */
static struct ms_tally_slot *held(const struct ms_tally *tally, const struct ms_entity *entity,
                                  const void *row, uint64_t columns)
{
    struct ms_tally_slot *slot;
    uint64_t hash[2];

    if (tally->room == 0) {
        return NULL;
    }
    hash_row(entity, row, columns, hash);
    slot = find(tally, hash);
    return slot->used && slot->count > 0 ? slot : NULL;
}

bool ms_tally_take(struct ms_tally *tally, const struct ms_entity *entity, const void *row, uint64_t columns)
{
    struct ms_tally_slot *slot = held(tally, entity, row, columns);

    if (slot) {
        slot->count--;
    }
    return slot != NULL;
}

bool ms_tally_has(const struct ms_tally *tally, const struct ms_entity *entity, const void *row,
                  uint64_t columns)
{
    return held(tally, entity, row, columns) != NULL;
}
