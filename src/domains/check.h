/* Checks of what a caller gives, made before anything is written. Each error names the field and shows the value. */
#ifndef DOMAINS_CHECK_H
#define DOMAINS_CHECK_H

#include "base/json.h"
#include "schema/schema.h"

/* A required id: present, not empty, UTF-8, no U+0000. */
mastra_status ms_check_id(mastra_error *error, const char *field, mastra_str id);

/* An id that is looked for: present, UTF-8, no U+0000. The empty one is never found, which is no error. */
mastra_status ms_check_sought(mastra_error *error, const char *field, mastra_str id);

/* The same for a list, whose elements are named field[n]. */
mastra_status ms_check_ids(mastra_error *error, const char *field, const mastra_str *ids, size_t count);

/* A time that is to be stored, or absent: within the years 0 to 9999. */
mastra_status ms_check_time(mastra_error *error, const char *field, mastra_time time);

/* Text that may be absent: UTF-8, and no U+0000. */
mastra_status ms_check_text(mastra_error *error, const char *field, mastra_str text);

/*
 * JSON text that may be absent. *ret becomes the text without surrounding white space, or absent when the text was
 * absent or the literal null. `object`: nothing but an object will do.
 */
mastra_status ms_check_json(mastra_error *error, const char *field, mastra_str text, bool object,
                            mastra_str *ret);

/* The same for an array of texts. */
mastra_status ms_check_names(mastra_error *error, const char *field, mastra_str text, mastra_str *ret);

/*
 * Every field of a record, or of those that `columns` has bits for. `prefix` is what field names begin with:
 * "thread", "messages[3]". A column that is not null and not optional must be present.
 * JSON columns lose their surrounding white space, and become absent when they hold the literal null.
 */
mastra_status ms_check_record(mastra_error *error, const char *prefix, const struct ms_entity *entity,
                              void *record, uint64_t columns);

/* The name of a column: a letter or underscore, then letters, digits and underscores, at most 63. */
mastra_status ms_check_identifier(mastra_error *error, const char *field, mastra_str name);

/* The same for what names a table or an index: none that the database keeps for itself. */
mastra_status ms_check_object_name(mastra_error *error, const char *field, mastra_str name);

/* Whether a text is absent or holds nothing but white space. */
bool ms_is_blank(mastra_str text);

/* What is wrong with a key of a metadata filter: it must be a plain identifier of at most 128 characters, and no name
 * that JavaScript reserves. `raw_key` is the key as it stands in the filter, quotes and escapes included. */
enum ms_key_fault {
    MS_KEY_FINE,
    MS_KEY_TOO_LONG,
    MS_KEY_RESERVED,
    MS_KEY_FORM,
};
enum ms_key_fault ms_check_key(mastra_str raw_key);

/*
 * JSON text that lists filter by: an object with keys of that form, or absent. *ret becomes absent also when it has no
 * members. `reason`: last part of the error id when a key is refused.
 */
mastra_status ms_check_filter(mastra_error *error, const char *field, const char *reason, mastra_str text,
                              mastra_str *ret);

#endif
