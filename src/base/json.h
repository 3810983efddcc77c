/*
 * JSON on raw slices. Text is scanned without allocation; a value is a slice of the text it came from, so that what
 * is not changed is copied character for character: key order, spelling of numbers, escapes, all survive.
 *
 * ms_json_check must have accepted a text before any other reader sees it: the readers trust the grammar.
 * Strictly RFC 8259: one value, white space around it, no comments, no trailing commas, UTF-8 only (invalid UTF-8 is
 * refused); lone surrogate escapes such as \ud800 are accepted as text. No limit on length.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

#define MS_JSON_MAX_DEPTH 1000

enum ms_json_kind {
    MS_JSON_NONE, /* not JSON, or absent */
    MS_JSON_NULL,
    MS_JSON_FALSE,
    MS_JSON_TRUE,
    MS_JSON_NUMBER,
    MS_JSON_STRING,
    MS_JSON_ARRAY,
    MS_JSON_OBJECT,
};

struct ms_json_fault {
    size_t offset;
    const char *what; /* static text: "unexpected character", "nested deeper than 1,000", ... */
};

/*
 * Checks that the whole text is one JSON value nested at most MS_JSON_MAX_DEPTH deep (the outermost array or object
 * is depth 1). On success *ret (may be NULL) is the value without surrounding white space. On failure *fault (may be
 * NULL) says where and why. Never recurses. This is the hot path: it should run at several hundred MB/s.
 */
bool ms_json_check(mastra_str text, mastra_str *ret, struct ms_json_fault *fault);

/* The kind of a checked value, by its first character; NONE when absent or empty. */
enum ms_json_kind ms_json_kind(mastra_str value);

/* Walks the members of an object, or the elements of an array (where key is absent). */
struct ms_json_iter {
    const char *at;
    const char *end;
    enum ms_json_kind kind;
};

/* `value` must be a checked array or object. */
void ms_json_iter_init(struct ms_json_iter *iter, mastra_str value);

/* key is the raw string with its quotes. Returns false at the end. key may be NULL. */
bool ms_json_next(struct ms_json_iter *iter, mastra_str *key, mastra_str *value);

/*
 * The member of a checked object whose unescaped key equals `name`; the last one when it is repeated, as JSON.parse
 * does. Returns an absent string when there is none (or value is not an object).
 */
mastra_str ms_json_member(mastra_str object, mastra_str name);

size_t ms_json_count(mastra_str value); /* members or elements; 0 for other kinds */

/* Length of the unescaped form of a raw string in UTF-8 bytes; a lone surrogate counts as U+FFFD's 3 bytes. */
size_t ms_json_string_length(mastra_str raw);

/* What unescaping a raw string meets that plain UTF-8 text cannot hold, or should not. */
struct ms_json_string_facts {
    bool has_nul;
    bool has_lone_surrogate;
};

/*
 * Unescapes a raw string (quotes included) into `out`, which has room for ms_json_string_length bytes (raw.len - 2
 * always suffices for U+FFFD too). Lone surrogates become U+FFFD. Returns the length. facts may be NULL. `out` may
 * be where the text stands, behind its opening quote.
 */
size_t ms_json_unescape(mastra_str raw, char *out, struct ms_json_string_facts *facts);

/* The same into arena memory, NUL-terminated; a string without escapes is still copied. False: memory is out. */
bool ms_json_unescape_arena(mastra_str raw, struct ms_arena *arena, mastra_str *ret,
                            struct ms_json_string_facts *facts);

/* Whether a raw string's unescaped form equals `text`; no allocation. */
bool ms_json_string_equals(mastra_str raw, mastra_str text);

/* Whether two raw strings hold the same characters; different lone surrogates differ. */
bool ms_json_string_same(mastra_str a, mastra_str b);

/* Orders raw strings by the bytes of their unescaped forms: less than 0, 0 where they are the same, more than 0. */
int ms_json_string_compare(mastra_str a, mastra_str b);

/* A number that is an integer in int64 range ("5", "5.0", "5e0" too); false otherwise. */
bool ms_json_int(mastra_str number, int64_t *ret);

/* Any number, correctly rounded, in any locale. */
double ms_json_double(mastra_str number);

/*
 * Deep equality of two checked values: types must agree; numbers compare by exact decimal value (1 = 1.0 = 1e0, but
 * 9007199254740993 is not 9007199254740992); strings by their unescaped characters; objects regardless of the order
 * of members (the last of repeated ones counts). Memory for the comparison of objects is not needed. Recursion
 * depth is bounded by MS_JSON_MAX_DEPTH.
 */
bool ms_json_equal(mastra_str a, mastra_str b);

/*
 * Appends the shallow merge {...base, ...patch} of two checked objects: members of base keep their place and raw text
 * unless patch has the key, whose raw value then stands in that place; members that only patch has follow in its
 * order. Absent, null or non-object `base` counts as {}. No white space is added between members.
 */
void ms_json_merge(struct ms_buf *buf, mastra_str base, mastra_str patch);

/* Appends `object` with member `name` set to the raw `value` (replaced in place or appended last). */
void ms_json_with_member(struct ms_buf *buf, mastra_str object, mastra_str name, mastra_str value);

/* Writing. Text arguments must be valid UTF-8. */
void ms_json_put_string(struct ms_buf *buf, mastra_str text); /* quoted and escaped as JSON.stringify does */
void ms_json_put_key(struct ms_buf *buf, const char *name);   /* "name": ; name is plain ASCII */
void ms_json_put_int(struct ms_buf *buf, int64_t value);
void ms_json_put_double(struct ms_buf *buf,
                        double value); /* JavaScript's Number::toString; NaN, infinities: null */
void ms_json_put_bool(struct ms_buf *buf, bool value);

/* JavaScript's Number::toString of a finite double into out (terminated); returns the length. Any locale. */
#define MS_JSON_DOUBLE_SIZE 32
size_t ms_json_format_double(double value, char out[MS_JSON_DOUBLE_SIZE]);

#endif
