/* Short forms of calls for tests that make many of them, from any thread. */
#ifndef SUPPORT_CLIENT_H
#define SUPPORT_CLIENT_H

#include <mastra/mastra.h>

/*
 * Calls an operation with arguments printed from a format, in which ' stands for ". *ret_json may be NULL when the
 * result is not wanted; otherwise it is released with mastra_json_free.
 */
mastra_status client_call(mastra_store *store, const char *op, char **ret_json, mastra_error *error,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for asynchronous calls. */
mastra_status client_submit(mastra_store *store, const char *op, unsigned flags, mastra_done_fn done,
                            void *user, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Of a JSON object: a member that is a whole number (-1: there is none), how many elements or members one has. */
int64_t client_number(const char *json, const char *member);
size_t client_count(const char *json, const char *member);

/* How many messages the thread has by its total; -1 when the call failed. */
int64_t client_total(mastra_store *store, const char *thread_id);

/* How many members the metadata of a thread have; -1 when the call failed. */
int64_t client_metadata_count(mastra_store *store, const char *thread_id);

#endif
