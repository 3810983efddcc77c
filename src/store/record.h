/* Records in an arena. Each is preceded by its arena, so that a single record can be handed out and freed as a whole. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/arena.h"
#include "schema/schema.h"

/* A blank record; NULL when memory is out. */
void *ms_record_new(struct ms_arena *arena, const struct ms_entity *entity);

/* Frees the record's whole arena; NULL is allowed. */
void ms_record_free(void *record);

/* How many bytes of text those of its columns hold. */
size_t ms_record_bytes(const struct ms_entity *entity, const void *record, uint64_t columns);

#endif
