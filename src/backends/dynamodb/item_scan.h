/* Reading answers: one pass over checked JSON, strings decoded in place. */
#ifndef BACKENDS_DYNAMODB_ITEM_SCAN_H
#define BACKENDS_DYNAMODB_ITEM_SCAN_H

#include "backends/dynamodb/item.h"

struct ms_scan {
    char *at;
    char *end;
};

enum ms_scan_kind {
    MS_SCAN_NONE, /* of a kind that no attribute of ours has, or null */
    MS_SCAN_STRING,
    MS_SCAN_NUMBER,
    MS_SCAN_BOOLEAN,
    MS_SCAN_STRINGS,
};

/* An attribute's value. */
struct ms_scan_value {
    enum ms_scan_kind kind;
    mastra_str text; /* of strings and numbers, terminated; the array as JSON of a set of strings */
    bool truth;
};

/* Takes a character, and the white space before it, when it comes next. */
bool ms_scan_take(struct ms_scan *scan, char c);

/* Whether it comes next; takes the white space only. */
bool ms_scan_sees(struct ms_scan *scan, char c);

/* Passes over a value; *ret (may be NULL) is its JSON. */
void ms_scan_skip(struct ms_scan *scan, mastra_str *ret);

/* A string that comes next. */
mastra_str ms_scan_string(struct ms_scan *scan);

/* The name of the next member of an object whose "{" was taken; *first is true before the first. False at its end, which
 * is taken. */
bool ms_scan_member(struct ms_scan *scan, bool *first, mastra_str *ret_name);

/* The same with the elements of an array. */
bool ms_scan_element(struct ms_scan *scan, bool *first);

/* {"S":"text"}, or whatever else comes next. */
void ms_scan_value(struct ms_scan *scan, struct ms_scan_value *ret);

/* A value as a whole number, `none` when it is not one, and as a time. */
int64_t ms_item_integer(const struct ms_scan_value *value, int64_t none);
mastra_time ms_item_time(const struct ms_scan_value *value);

/* Told of every item, whose "{" was taken. */
typedef bool (*ms_scan_item_fn)(struct ms_scan *scan, void *arg);

/* What answers hold besides items; see struct ms_items. */
struct ms_scan_rest {
    int64_t counted;
    mastra_str last_key;
    mastra_str unprocessed;
    mastra_str consumed;
};

/* Passes over an answer. False: it is none, or the function returned false. */
bool ms_scan_answer(struct ms_scan *scan, ms_scan_item_fn item, void *arg, struct ms_scan_rest *rest);

#endif
