/*
 * The Node.js addon: stores for JavaScript over mastra_call_async. What belongs to one environment (the main thread or
 * a worker) hangs on its instance data; nothing is shared between environments.
 *
 * Outcomes come in on threads of the library and leave on the thread of JavaScript: they are queued under the addon's
 * lock, and one threadsafe function, called when the queue was empty, takes all that there are at a time.
 */
#ifndef NATIVE_ADDON_H
#define NATIVE_ADDON_H

#include <mastra/store.h>
#include <node_api.h>
#include <pthread.h>

struct store;

/* What a call or the closing of a store came to. */
struct outcome {
    struct outcome *next;
    struct store *store;
    uint32_t ticket; /* by which JavaScript knows the call */
    bool closes;     /* part of the store itself, unlike that of a call */
    bool failed;     /* the text is an error record */
    bool ascii;
    char *text; /* JSON; NULL: there was no memory for it */
    size_t len;
};

struct addon {
    napi_env env;
    size_t users; /* the environment and each store */
    napi_threadsafe_function wake;
    uint32_t busy; /* what is under way and keeps the process alive */
    struct store *stores;

    pthread_mutex_t lock;
    struct outcome *first;
    struct outcome **end;
    bool deaf; /* the environment ends: nobody is to be woken any more */
};

/* addon.c */

/* Queues an outcome for JavaScript. Any thread. */
void addon_deliver(struct addon *addon, struct outcome *outcome);

/* The process stays alive until each hold was followed by a release. */
void addon_hold(struct addon *addon);
void addon_release(struct addon *addon);

void addon_leave(struct addon *addon);

/* Stores the text, or nothing when memory is out. */
void outcome_set_text(struct outcome *outcome, mastra_str text);
void outcome_set_error(struct outcome *outcome, const mastra_error *error);

/* Its content; the text is then the caller's. The record itself is released unless it is part of a store. */
struct outcome outcome_take(struct outcome *outcome);

/* store.c: the functions that JavaScript calls, and what the environment does with stores. */

napi_value store_open(napi_env env, napi_callback_info info);
napi_value store_call(napi_env env, napi_callback_info info);
napi_value store_close(napi_env env, napi_callback_info info);

/* Takes note that closing has come to an end; returns whether JavaScript is to be told. */
bool store_closed(struct store *store);

/* Closes all stores without waiting for what they still have to do. No thread of theirs runs afterwards. */
void stores_shut_down(struct addon *addon);

/* Afterwards: releases those that JavaScript has given up. The others follow when their handles are finalized. */
void stores_forget(struct addon *addon);

/* value.c */

/* A copy of a string of JavaScript, NUL-terminated; in `room` when it fits, else to be freed. NULL: memory is out or
 * an exception is pending. */
char *value_text(napi_env env, napi_value value, char *room, size_t room_size, size_t *ret_len);

/* A string for JavaScript; NULL when it cannot be made. */
napi_value value_string(napi_env env, const char *text, size_t len, bool ascii);

/* The error record as the JSON text that lib/native.js makes an error of; null when memory is out. */
napi_value value_error(napi_env env, const mastra_error *error);

#endif
