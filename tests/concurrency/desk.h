/* What the tests of asynchronous calls share: a store, and the outcomes of calls. */
#ifndef DESK_H
#define DESK_H

#include "support/client.h"
#include "support/crew.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct desk {
    struct place place;
    mastra_store *store;    /* closed with the desk */
    struct crew_gate *done; /* callbacks so far */
    struct crew_gate *open; /* what a callback waits for */
};

/* Setup and teardown of a test; desk_begin is for place_main, desk_begin_file for tests of files alone. */
int desk_begin(void **state);
int desk_begin_file(void **state);
int desk_end(void **state);

/* Opens the store, which the test keeps in desk->store; the parameter is "name=value" or empty. */
mastra_store *desk_open(const struct desk *desk, const char *parameter);

/* What became of one call. */
struct outcome {
    struct desk *desk;
    atomic_int calls; /* of the callback: one is right */
    mastra_status status;
    int64_t total; /* member of the result, -1: none */
    int position;  /* among all outcomes */
};

struct outcome *outcomes_new(struct desk *desk, size_t count);

/* Callbacks; `user` is the outcome. Several threads may run the brief one at a time. The slow one waits until the desk's
 * gate is open. */
void note(void *user, mastra_status status, mastra_str json, const mastra_error *error);
void note_briefly(void *user, mastra_status status, mastra_str json, const mastra_error *error);
void note_slowly(void *user, mastra_status status, mastra_str json, const mastra_error *error);

/* Fails the test unless each callback was called exactly once. */
void check_once(const struct outcome *outcomes, size_t count);

/* Makes threads of these names, which a message's must have been made before it on some kinds of store. NULL ends. */
void desk_threads(mastra_store *store, ...) __attribute__((sentinel));

#define SAVE_FORMAT                                                                                          \
    "{'messages':[{'id':'%s-%d','threadId':'%s','resourceId':'r','role':'user','content':'x'}]}"

/* Each notes a failure when the call is not taken. */
void submit_save(mastra_store *store, const char *thread, int number, struct outcome *outcome);
void submit_list(mastra_store *store, const char *args, struct outcome *outcome);

#define DESK_TEST(name, function)                                                                            \
    {                                                                                                        \
        name, function, desk_begin_file, desk_end, NULL                                                      \
    }

#endif
