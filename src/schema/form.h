/*
 * How the records of an entity stand as items in one table of a key-value database: what their keys are made of and
 * under which names their columns are stored. Shared entities are item for item those of Mastra's own adapter.
 */
#ifndef SCHEMA_FORM_H
#define SCHEMA_FORM_H

#include "schema/schema.h"

/*
 * A key of an item, that of the table or of one of its indexes, as two templates. In a template {name} stands for the
 * value of the column of that name, {name:day} for the day of a time, {name:#} for a value with every # doubled, {#} for a # and the
 * number that the order of insertion goes by, or nothing where there is none; all else stands for itself. Keys of
 * shared entities are lower-cased as a whole.
 */
struct ms_item_path {
    uint8_t
        index; /* 0: the table; 1: gsi1, ... Where several have one number, the first that can be made counts */
    const char *partition;
    const char *sort;
    uint64_t absent; /* bits of the columns that are null in all records found here */
    bool always;     /* absent values are written as empty ones; otherwise the record is not found here */
};

struct ms_item_name {
    uint8_t column;
    const char *name;
    bool epoch; /* a time as a number of milliseconds */
};

#define MS_ITEM_PATHS     8
#define MS_ITEM_WITNESSES 2

/* Items of our own that tell on which days there are any in a path by day. */
struct ms_item_days {
    const char *type;
    const char *partition;
    const char *sort; /* the day follows it */
};

struct ms_item_form {
    const char *type; /* "thread" */
    bool shared;      /* with Mastra's adapter */
    uint8_t path_count;
    uint8_t name_count;
    struct ms_item_path paths[MS_ITEM_PATHS]; /* the first is the table's own */
    /* Attributes that are not named or written as their columns are. */
    const struct ms_item_name *names;
    /* An attribute that every record has: an item without it is no record. */
    const char *proof;
    /* Attributes of the time of the last write, where no column holds it, and of the first one, besides the column. NULL:
     * there are none. */
    const char *stamp;
    const char *stamp_first;
    /* Attributes that change with every write of the peer's; whether they are numbers. */
    const char *witnesses[MS_ITEM_WITNESSES];
    bool witnesses_number;
    /* Bits of JSON columns in which a string stands as its bare text, unless that is JSON itself. */
    uint64_t plain;
    /* Bits of columns in which the peer stores the empty string for null. */
    uint64_t hollow;
    /* Bits of the columns of the key that do not tell items apart. */
    uint64_t nameless;
    /* Bits of the columns that are left out while the text of the column `holder` is empty: the peer's leases. */
    uint64_t lease;
    uint8_t holder;
    /* The sort key of the parts of a large record; the part's number follows it. */
    const char *parts;
    struct ms_item_days days; /* type NULL: there are none */
};

extern const struct ms_item_form ms_item_forms[MS_ENTITY_COUNT];

/* The name of the attribute that holds a column. */
const char *ms_item_attribute(const struct ms_entity *entity, uint8_t column);

/* Whether the time in that column is stored as a number. */
bool ms_item_epoch(const struct ms_entity *entity, uint8_t column);

#endif
