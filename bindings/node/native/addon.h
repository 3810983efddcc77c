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
#include <uchar.h>

struct store;

/* How an outcome's text is held: so that the thread of JavaScript has only to copy it. */
enum text_form {
    TEXT_NONE, /* there was no memory for it */
    TEXT_ASCII,
    TEXT_UTF16,
    TEXT_UTF8, /* it was not valid; JavaScript gets it with U+FFFD */
};

/* What a call or the closing of a store came to. */
struct outcome {
    struct outcome *next;
    struct store *store;
    uint32_t ticket; /* by which JavaScript knows the call */
    bool closes;     /* part of the store itself, unlike that of a call */
    bool here;       /* the call was executed on the thread of JavaScript, which has the outcome at once */
    bool failed;     /* the text is an error record */
    enum text_form form;
    void *text; /* JSON */
    size_t len; /* in units of the form */
};

struct addon {
    napi_env env;
    pthread_t thread; /* of JavaScript */
    size_t users;     /* the environment and each store */
    napi_threadsafe_function wake;
    uint32_t busy; /* what is under way and keeps the process alive */
    struct store *stores;
    uint32_t answered_here; /* calls in a row, without a turn of the event loop for an outcome */

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

/* Room for a text on the stack; a longer one gets a block. */
#define VALUE_ROOM_UNITS 4096

struct value_room {
    void *block;
    char16_t units[VALUE_ROOM_UNITS];
    char text[VALUE_ROOM_UNITS * 3];
};

/* A string of JavaScript as UTF-8, NUL-terminated, until the room is released; that has to follow in any case. NULL: memory
 * is out or it is no string. */
char *value_text(napi_env env, napi_value value, struct value_room *room, size_t *ret_len);
void value_room_release(struct value_room *room);

/* NULL when there is no text or no string could be made of it. */
napi_value value_of_outcome(napi_env env, const struct outcome *outcome);

/* The error record as the JSON text that lib/native.js makes an error of; null when memory is out. */
napi_value value_error(napi_env env, const mastra_error *error);

#endif
