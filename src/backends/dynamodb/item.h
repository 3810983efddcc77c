/*
 * Records as items and back. Writing yields a list of what to do with which attribute, which the wire then puts as an
 * update expression or as a whole item; reading takes an answer's JSON apart in one pass, its strings decoded where they
 * stand.
 *
 * Besides the peer's attributes there are ours: mastra_rev (N, grows with every write), mastra_seq (N, the order of
 * insertion), mastra_empty (SS, the names of text attributes that hold the empty string, which are left out), mastra_parts (S, what of
 * a large record stands in items of its own).
 */
#ifndef BACKENDS_DYNAMODB_ITEM_H
#define BACKENDS_DYNAMODB_ITEM_H

#include "backends/dynamodb/key.h"
#include "base/buf.h"
#include "store/unit.h"

#define MS_ITEM_REVISION "mastra_rev"
#define MS_ITEM_SEQUENCE "mastra_seq"
#define MS_ITEM_EMPTY    "mastra_empty"
#define MS_ITEM_PARTS    "mastra_parts"

/* Writing. */

enum ms_item_action {
    MS_ITEM_SET,
    MS_ITEM_SET_ONCE, /* unless it is there: if_not_exists */
    MS_ITEM_REMOVE,
    MS_ITEM_ADD,    /* to a number or a set */
    MS_ITEM_DELETE, /* from a set */
};

enum ms_item_kind {
    MS_ITEM_STRING,  /* "S" */
    MS_ITEM_NUMBER,  /* "N" */
    MS_ITEM_BOOLEAN, /* "BOOL": text is "true" or "false" */
    MS_ITEM_STRINGS, /* "SS": text is the names, separated by commas */
};

struct ms_item_attribute {
    const char *name;
    enum ms_item_action action;
    enum ms_item_kind kind;
    mastra_str text; /* borrowed from the record or arena memory */
};

#define MS_ITEM_ATTRIBUTES 112

/* A write of one item, as what is to be done with its attributes. */
struct ms_item_change {
    struct ms_key key;
    struct ms_item_attribute attributes[MS_ITEM_ATTRIBUTES];
    size_t count;
    size_t bytes; /* of names and values that are set: the size of an item that has no other attributes */
};

/* What the writes of one unit share. */
struct ms_item_stamp {
    mastra_time now;     /* stands in attributes of the last write */
    const char *ttl;     /* the attribute of the time to live; NULL: none */
    int64_t ttl_seconds; /* the value: seconds since 1970 */
};

/*
 * The attributes of a whole record (PUT, INSERT): sets what it has, removes what it lacks, keeps what is to be kept, leaves
 * alone what it does not know. `sequence` 0: none. With `fresh` there is no item yet: all of it can be put as it is.
 * INVALID_ARGUMENT names the field: a key too long, a number that DynamoDB cannot hold.
 */
mastra_status ms_item_put(const struct ms_entity *entity, const void *record, int64_t sequence, bool fresh,
                          const struct ms_item_stamp *stamp, struct ms_arena *arena,
                          struct ms_item_change *ret, mastra_error *error);

/*
 * The same of some columns (PATCH). Index keys follow: where they are made of other columns as well, those are taken from
 * `seen`, the record as it was read; see ms_item_patch_needs.
 */
mastra_status ms_item_patch(const struct ms_entity *entity, const void *record, uint64_t columns,
                            const void *seen, const struct ms_item_stamp *stamp, struct ms_arena *arena,
                            struct ms_item_change *ret, mastra_error *error);

/* The columns that `seen` must have for a patch of `columns`; 0: it may be NULL. */
uint64_t ms_item_patch_needs(const struct ms_entity *entity, uint64_t columns);

/* The update of one time (TOUCH). */
mastra_status ms_item_touch(const struct ms_entity *entity, const mastra_str *key, uint8_t column,
                            mastra_time time, struct ms_arena *arena, struct ms_item_change *ret,
                            mastra_error *error);

/* {"S":"text"}. */
void ms_item_write_value(struct ms_buf *buf, const struct ms_item_attribute *attribute);
void ms_item_write_string(struct ms_buf *buf, mastra_str text);
void ms_item_write_number(struct ms_buf *buf, int64_t number);

/* {"pk":{"S":...},"sk":{"S":...}}. */
void ms_item_write_key(struct ms_buf *buf, const struct ms_key *key);

/* {"pk":...,...}: what is set, as a whole item. */
void ms_item_write_whole(struct ms_buf *buf, const struct ms_item_change *change);

/* Large records. */

#define MS_ITEM_MOST 409600 /* bytes of one item */

struct ms_item_part {
    struct ms_key key;
    unsigned number; /* from 1 */
    mastra_str text;
};

/* How large records may be divided. */
struct ms_item_split {
    bool shared;           /* those that peers read, too, although they then cannot */
    mastra_str generation; /* letters and digits: no other writing of the record has had them */
};

/*
 * What is to be done with a change of a whole record whose bytes are over the limit. Where it may be divided its longest values
 * move to parts: the change loses them and gains mastra_parts; the parts are in arena memory. Otherwise LIMIT_EXCEEDED,
 * naming the field, its size and the limit. A change that fits is left alone. A patch that does not fit, or of a row that
 * has parts, is to be written as a whole record instead. Parts are written before the record that names them, and those
 * that it named before are deleted after it, as all are after their record.
 */
mastra_status ms_item_fit(const struct ms_entity *entity, const void *record, int64_t sequence,
                          const struct ms_item_split *parts, struct ms_arena *arena,
                          struct ms_item_change *change, struct ms_item_part **ret, size_t *ret_count,
                          mastra_error *error);

/* The generation of the parts that a record names (its mastra_parts); absent: none. */
mastra_str ms_item_generation(mastra_str parts);

/* The whole item of a part. Where its record has a time to live it lives some days longer: DynamoDB takes items away when
 * it likes, and a record that still is there must have its parts. */
void ms_item_write_part(struct ms_buf *buf, const struct ms_item_part *part,
                        const struct ms_item_stamp *stamp);

/* Reading. */

/* What was seen of an item besides its record. */
struct ms_item_seen {
    struct ms_key key;
    mastra_str witnesses[MS_ITEM_WITNESSES]; /* the texts of the form's; absent where they are missing */
    int64_t revision;                        /* 0: none */
    int64_t sequence;                        /* 0: none */
    mastra_str parts;                        /* mastra_parts; absent: the record is complete */
    unsigned part_count;
    mastra_str
        odd_time; /* the text of the time of creation, unless it is in our form, by which index keys sort as times do */
};

struct ms_item_row {
    void *record; /* NULL: what stands there is no record of the entity, as a thread that was only touched */
    struct ms_item_seen seen;
};

/* What answers hold; gathered over several of them. */
struct ms_items {
    struct ms_item_row *rows;
    size_t count;
    size_t room;
    int64_t counted;     /* the sum of "Count" */
    mastra_str last_key; /* "LastEvaluatedKey" of the last answer, as JSON; absent at the end */
    mastra_str
        unprocessed;     /* "UnprocessedKeys" or "UnprocessedItems" of the last answer, unless it is empty */
    mastra_str consumed; /* "ConsumedCapacity" of the last answer */
};

/*
 * Adds the items of an answer of any operation ("Item", "Items", "Attributes", "Responses") to *ret, which begins
 * zeroed. `text` is checked JSON in arena memory, which is overwritten: texts of records point into it. Columns that
 * are not asked for come back blank. Items of other entities are skipped; with a projection, pk, sk, the two markers and the
 * form's proof must be in it. What is malformed, by whoever wrote it, comes back absent. INTERNAL: not an answer; OUT_OF_MEMORY.
 */
mastra_status ms_items_read(const struct ms_entity *entity, uint64_t columns, char *text, size_t len,
                            struct ms_arena *arena, struct ms_items *ret, mastra_error *error);

/* The texts of the parts in an answer, by their numbers: what ms_item_join takes. `parts` begins zeroed; of *ret, only what
 * answers hold besides items is set. */
mastra_status ms_item_parts_read(char *text, size_t len, mastra_str *parts, size_t count,
                                 struct ms_items *ret, mastra_error *error);

/*
 * Completes the record of a row from its row->seen.part_count parts, the items under ms_key_of_part 1, 2, ...
 * *ret_whole false: they are not those that the record was written with; it changed meanwhile and is to be read anew.
 */
mastra_status ms_item_join(const struct ms_entity *entity, struct ms_item_row *row, const mastra_str *parts,
                           struct ms_arena *arena, bool *ret_whole, mastra_error *error);

/* Foreign tables. */

/* The form of a table that is not in the catalogue, in arena memory: its rows stand in one partition. NULL: memory is out. */
const struct ms_item_form *ms_item_form_of_table(struct ms_arena *arena, const struct ms_entity *entity);

#endif
