/* How often each of many rows was seen, by a hash of 128 bits: what tells rows of a table without a key apart. */
#ifndef DOMAINS_TALLY_H
#define DOMAINS_TALLY_H

#include "base/heap.h"
#include "schema/schema.h"

struct ms_tally_slot {
    uint64_t hash[2];
    int64_t count;
    bool used;
};

struct ms_tally {
    struct ms_heap *heap;
    struct ms_tally_slot *slots;
    size_t room; /* a power of two, or 0 */
    size_t used;
};

void ms_tally_init(struct ms_tally *tally, struct ms_heap *heap);
void ms_tally_release(struct ms_tally *tally);

/* Counts a row by the values of those columns; false when memory is out. */
bool ms_tally_add(struct ms_tally *tally, const struct ms_entity *entity, const void *row, uint64_t columns);

/* Takes one of such rows away; false when none is left. */
bool ms_tally_take(struct ms_tally *tally, const struct ms_entity *entity, const void *row, uint64_t columns);

/* Whether one is left. */
bool ms_tally_has(const struct ms_tally *tally, const struct ms_entity *entity, const void *row,
                  uint64_t columns);

#endif
