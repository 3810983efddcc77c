/* Records from and to JSON, driven by the entity's descriptor. */
#ifndef CALL_RECORDS_H
#define CALL_RECORDS_H

#include "base/buf.h"
#include "call/reader.h"
#include "schema/schema.h"

/*
 * Fills the C struct of an entity, which holds the blank values already, from a JSON object; `thread_id` is understood
 * beside `threadId`, unknown members are ignored and null counts as absent, except where a column takes it for a value
 * (MS_NULLABLE). When `set` is given it receives the bit of
 * every member that is there, null or not, except the key.
 */
mastra_status ms_record_read(struct ms_reader *reader, const struct ms_place *place,
                             const struct ms_entity *entity, mastra_str value, void *record, uint64_t *set);

/*
 * Fills it with changes: as above, but members that are part of the key are ignored, and null is refused where the
 * column cannot hold it.
 */
mastra_status ms_record_update(struct ms_reader *reader, const struct ms_place *place,
                               const struct ms_entity *entity, mastra_str value, void *record, uint64_t *set);

enum ms_put_flag {
    MS_OMIT_ABSENT = 1u << 0, /* absent values are left out instead of being null */
    MS_BY_COLUMN = 1u << 1,   /* members have the names of the columns, and no value goes without saying */
};

/* Appends a record as a JSON object, or null when `record` is NULL. */
void ms_put_record(struct ms_buf *out, enum ms_entity_id entity, const void *record, unsigned flags);
void ms_put_fields(struct ms_buf *out, const struct ms_entity *entity, const void *record, unsigned flags);

/* Appends the members of those columns, without the braces around them. */
void ms_put_members(struct ms_buf *out, const struct ms_entity *entity, const void *record, uint64_t columns,
                    unsigned flags);

/* The compact form: first the members `columns`, their names, and `times`, the numbers of those that hold times; then each
 * record as an array of a column's number and its value in turn, without what is absent. Times are milliseconds. */
void ms_put_columns(struct ms_buf *out, const struct ms_entity *entity, uint64_t columns);
void ms_put_pairs(struct ms_buf *out, const struct ms_entity *entity, const void *record, uint64_t columns);

/* Appends a text as a JSON string; bytes that are not UTF-8 become U+FFFD. Absent: null. */
void ms_put_text(struct ms_buf *out, mastra_str text);

/* Appends a text that may be JSON: as the value when it is wholly an object or an array, else as a string. */
void ms_put_value(struct ms_buf *out, mastra_str text);

/* Appends a JSON text as the value that it is; what is no JSON as a string. */
void ms_put_json(struct ms_buf *out, mastra_str text);

#endif
