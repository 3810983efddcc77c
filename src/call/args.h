/*
 * Arguments as data: a table of struct ms_arg drives both the reading of a JSON object into the public structs and the
 * JSON Schema and help that are printed of it. Results are described the same way, for the schema alone.
 */
#ifndef CALL_ARGS_H
#define CALL_ARGS_H

#include "base/buf.h"
#include "call/reader.h"
#include "schema/schema.h"

enum ms_arg_type {
    /* The C type at `offset`: */
    MS_ARG_TEXT,      /* mastra_str, read strictly */
    MS_ARG_FREE_TEXT, /* mastra_str, any text */
    MS_ARG_OBJECT,    /* mastra_str, the raw JSON, whatever it is: the domain insists on an object */
    MS_ARG_ARRAY,     /* the same: the domain insists on an array */
    MS_ARG_OBJECTS,   /* mastra_str, the raw JSON of an array, of objects if the domain finds them so */
    MS_ARG_TIMES,     /* mastra_str, the raw JSON: one time, or an object of times */
    MS_ARG_TIME,      /* mastra_time */
    MS_ARG_INTEGER,   /* int64_t */
    MS_ARG_PER_PAGE,  /* int64_t; false is MASTRA_PER_PAGE_ALL */
    MS_ARG_BOOLEAN,   /* bool */
    MS_ARG_CHOICE,    /* a C enum; anything but one of `choices` counts as absent */
    MS_ARG_TEXTS,     /* const mastra_str *, with their number at `also` */
    MS_ARG_GROUP,     /* none: an object whose members fill the same struct */
    MS_ARG_GROUPS,    /* const T *, T of `size` bytes filled by the members; their number at `also` */
    MS_ARG_RECORD,    /* the entity's struct */
    MS_ARG_RECORDS,   /* const T *const *, T the entity's struct; their number at `also` */
    MS_ARG_PATCHES,   /* const P *const *, P the entity's patch; their number at `also` */
    MS_ARG_UPDATES, /* the entity's struct, its key left alone; at `also` the uint64_t mask of the columns that
                         are there, null or not */

    /* Results only: */
    MS_ARG_NULL,
    MS_ARG_TEXT_MAP, /* an object of strings */
};

enum ms_arg_flag {
    MS_ARG_REQUIRED = 1u << 0,
    MS_ARG_LEFT = 1u << 1,     /* required, but the domain complains by itself when it is missing */
    MS_ARG_LENIENT = 1u << 2,  /* a value of another type counts as absent */
    MS_ARG_INVERTED = 1u << 3, /* BOOLEAN: the C field says the opposite */
    MS_ARG_OR_ONE = 1u << 4,   /* TEXTS: a single text stands for a list of one */
    MS_ARG_BARE =
        1u << 5, /* of the first: in place of the arguments, an array is this list, a string this text,
                                  an object without an object of this name in it this record */
    MS_ARG_NULLABLE = 1u << 6, /* results: null when there is none */
    MS_ARG_CLOSED = 1u << 7,   /* of the first: a member that the table lacks is an error */
    MS_ARG_KNOWN = 1u << 8,    /* CHOICE: anything but one of `choices` is an error */
    MS_ARG_SPELLED = 1u << 9,  /* INTEGER, BOOLEAN: a string that spells one will do, as in a URL */
    MS_ARG_INT = 1u << 10,     /* BOOLEAN: the C field is an int, 0 or 1 */
    MS_ARG_WHOLE =
        1u << 11, /* GROUP: `offset` is that of a mastra_str, which gets the raw JSON of the object */
};

struct ms_choice {
    const char *name; /* NULL ends the list */
    int value;
    bool alias; /* understood, but not documented */
};

struct ms_arg {
    const char *name;
    enum ms_arg_type type;
    unsigned flags;
    size_t offset;
    size_t also; /* offset of a list's number; with `bit`, of the uint64_t mask that it belongs to */
    uint64_t
        bit; /* set when the member is there, even when it is null; results, RECORD and RECORDS: the columns that
                     are left out */
    const char *about;
    const char *standard;  /* the default, as JSON, for the schema */
    const char *complaint; /* said of a value of another type; NULL: the type's own */
    const char *reason; /* last part of Mastra's error id in that case, and when a RECORD's members are wrong;
                              NULL: the usual one */
    enum ms_entity_id entity;
    const struct ms_choice *choices;
    const struct ms_arg
        *members; /* of GROUP and GROUPS; results, RECORDS: what each has besides its columns */
    size_t member_count;
    size_t size;
    const void *blank; /* GROUPS: what each begins as; NULL: zeros and its size */
};

/*
 * Reads `args`, a checked value (absent and null count as {}), into the struct `out`, which holds the defaults. What
 * it borrows and allocates lives as long as `args` and the reader's arena. Unknown members are ignored, see CLOSED.
 */
mastra_status ms_args_read(struct ms_reader *reader, const struct ms_arg *table, size_t count,
                           mastra_str args, void *out);

#endif
