/*
 * JSON patterns for tests. Patterns and arguments are written with ' in place of ", so that they can be read inside C
 * strings; an apostrophe in a text is written \u0027.
 *
 * A pattern must equal the value, object members regardless of order and none left over, except for:
 *   "$any"             any value, null too; the member must be there
 *   "$absent"          the member must not be there
 *   "$iso"             a time such as "2024-01-01T00:00:01.000Z"
 *   "$now"             such a time, not before the test began and not after now
 *   "$uuid"            a random UUID in lower case
 *   "$count:N"         an array of N elements
 *   "$bind:x"          any value, kept under the name x
 *   "$same:x"          the value that was kept as x; "$other:x": any but that
 *   "$later:x"         a time after the one kept as x
 *   {"$open": true}    among other members: further ones may be there
 *   {"$raw": v}        the value is spelled as v is, character for character
 *   {"$ids": [...]}    an array of objects whose members "id" are these, in this order
 */
#ifndef SUPPORT_MATCH_H
#define SUPPORT_MATCH_H

#include "base/json.h"

#define MATCH_VARS 16

struct match {
    struct {
        char name[16];
        char *raw;
    } vars[MATCH_VARS];
    size_t count;
    mastra_time since; /* when the test began */
    const char *store; /* the backend's part of error ids */
    char path[256];    /* where in the value the comparison is */
    char why[1024];    /* why it failed */
};

void match_init(struct match *match, const char *store);
void match_release(struct match *match);

/* The text with every ' turned into ", and every "$x" whose x is kept turned into its value. To be freed. */
char *match_expand(const struct match *match, const char *text);

/* Whether a result fits an expanded pattern; when not, match->why tells. */
bool match_value(struct match *match, const char *pattern, mastra_str value);

/*
 * Whether an error fits {"$error": code, "$message": part of the text, "$id": the id behind the store's prefix ("$id PG" that of one store),
 * "$category": ..., "$field": ...}; all but $error may be left out.
 */
bool match_error(struct match *match, const char *pattern, mastra_status status, const mastra_error *error);

/* Whether an expanded pattern asks for an error. */
bool match_wants_error(const char *pattern);

#endif
