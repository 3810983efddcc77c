/* Laying new JSON over stored JSON. */
#ifndef DOMAINS_MERGE_H
#define DOMAINS_MERGE_H

#include "base/buf.h"
#include "store/unit.h"

/* The value when a stored text is a valid JSON object, else absent. */
mastra_str ms_stored_object(mastra_str text);

/* What was written to the buffer, in the unit's arena; the buffer is released in any case. */
mastra_status ms_unit_keep(struct ms_unit *unit, struct ms_buf *buf, mastra_str *ret);

/* The object without its members of these names, a JSON array of texts, or absent. */
void ms_put_without(struct ms_buf *out, mastra_str object, mastra_str names);

/*
 * {...stored, ...patch}, one level deep, into the unit's arena, the members named by `unset` being taken away first.
 * `patch` is a checked object; of what is stored anything but a valid object counts as {}.
 */
mastra_status ms_merge_stored(struct ms_unit *unit, mastra_str stored, mastra_str unset, mastra_str patch,
                              mastra_str *ret);

/*
 * The same for message content, whose member "metadata" is merged one level deep as well where both have one: it is that
 * which `unset` is about. `patch` that is no object, or over stored content that is none, replaces.
 */
mastra_status ms_merge_content(struct ms_unit *unit, mastra_str stored, mastra_str unset, mastra_str patch,
                               mastra_str *ret);

#endif
