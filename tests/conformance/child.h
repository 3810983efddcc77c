/*
 * The other way to a store: a child process that opens stores and calls them. Requests are lines of JSON on its
 * standard input, {"op": name, "args": text}; it answers each with a line "ok LENGTH" or "error LENGTH" and so many
 * bytes of JSON. The operations "(open)", whose text is the URL, and "(close)" concern the store itself. Its first
 * line tells what it passes on: "text" (arguments and results letter for letter) or "values".
 */
#ifndef CONFORMANCE_CHILD_H
#define CONFORMANCE_CHILD_H

#include <mastra/mastra.h>
#include <stdbool.h>

struct child;

/* Starts a command of the shell; NULL when it does not come up, which has been told on stderr. */
struct child *child_start(const char *command);

/* Whether it ended with success. */
bool child_end(struct child *child);

bool child_passes_text(const struct child *child);

/* As mastra_call; the result is released with free. A child that is gone is an INTERNAL error. */
mastra_status child_call(struct child *child, const char *op, const char *args, char **ret_json,
                         size_t *ret_len, mastra_error *error);

#endif
