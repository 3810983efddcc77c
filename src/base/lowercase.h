/* JavaScript's String.prototype.toLowerCase on UTF-8: Unicode's full mapping without regard to language. */
#ifndef BASE_LOWERCASE_H
#define BASE_LOWERCASE_H

#include <mastra/types.h>

/* The room that the lower-case form of so many bytes may take. */
#define MS_LOWERCASE_ROOM(len) ((len) + (len) / 2)

/*
 * Writes the lower-case form of valid UTF-8 and returns its length. What a sigma becomes depends on what stands around
 * it: `text` is taken as a whole.
 */
size_t ms_lowercase(mastra_str text, char *out);

/* How much of a text keeps its lower-case form whatever follows it. */
size_t ms_lowercase_steady(mastra_str text);

#endif
