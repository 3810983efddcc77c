/* Turning checked JSON values into C values, with errors that name the place and show the value. */
#ifndef CALL_READER_H
#define CALL_READER_H

#include "base/arena.h"

/* What the parts of one reading share. Texts without escapes are borrowed from the JSON, all else is arena memory. */
struct ms_reader {
    struct ms_arena *arena;
    mastra_error *error;
};

/* Where a value stands: a member of `in`, or (name NULL) its element `index`. Printed only when something is wrong. */
struct ms_place {
    const struct ms_place *in; /* NULL: the arguments themselves */
    const char *name;
    size_t index;
};

enum ms_text_rule {
    MS_TEXT_STRICT, /* ids, titles, roles, types: U+0000 and lone surrogates are errors */
    MS_TEXT_FREE,   /* U+0000 is kept, a lone surrogate becomes U+FFFD */
    MS_TEXT_CONTENT, /* a string is its text, an object or array its JSON; what text cannot hold stays a JSON literal */
};

/* INVALID_ARGUMENT: "<place> <complaint>, got <value>"; an absent value is not shown. */
mastra_status ms_reader_fail(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             const char *complaint);

/* Each takes a value that is neither absent nor null. */
mastra_status ms_reader_text(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             enum ms_text_rule rule, mastra_str *ret);
mastra_status ms_reader_time(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             mastra_time *ret);
mastra_status ms_reader_bool(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                             bool *ret);

/* Whole numbers that JavaScript holds exactly, +-(2^53 - 1). `complaint` is said of anything else. */
mastra_status ms_reader_int(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                            const char *complaint, int64_t *ret);

/* The same of 64 bits, all but the one that stands for an absent number. */
mastra_status ms_reader_bigint(struct ms_reader *reader, const struct ms_place *place, mastra_str value,
                               int64_t *ret);

#endif
