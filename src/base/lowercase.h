/* JavaScript's String.prototype.toLowerCase on UTF-8: Unicode's full mapping without regard to language. */
#ifndef BASE_LOWERCASE_H
#define BASE_LOWERCASE_H

#include "base/buf.h"

/* Appends the lower-case form of valid UTF-8. What a final sigma becomes depends on what stands around it: `text` is
 * taken as a whole. */
void ms_lowercase(struct ms_buf *buf, mastra_str text);

/* How much of a text keeps its lower-case form whatever follows it. */
size_t ms_lowercase_prefix(mastra_str text);

#endif
