/* One store of JavaScript: opening, calling, closing. All functions run on the thread of JavaScript except where they
 * say otherwise. */
#include "addon.h"

#include <mastra/dsql.h>
#include <mastra/dynamodb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The store waits for its calls by itself (see close_in_thread): once the library is asked to close, they are over or
 * time is up. */
#define LIBRARY_CLOSE_TIMEOUT_MS 1

#define ANSWERS_HERE_MOST        32

enum store_state {
    STORE_OPEN,
    STORE_CLOSING,
    STORE_CLOSED,
};

struct store {
    struct addon *addon;
    struct store *next;
    mastra_store *handle;
    struct credentials_source credentials;
    int64_t close_timeout_ms;
    enum store_state state;
    bool collected; /* JavaScript does not know it any more */
    bool has_thread;
    pthread_t thread; /* the one that closes it */
    struct outcome closed;

    pthread_mutex_t lock;
    pthread_cond_t drained;
    size_t
        pending; /* calls without an outcome; once it is closing also those that still wait in JavaScript */
    bool hurry;  /* closing is not to wait for them */
    bool gone;   /* the handle must not be used any more */
};

/* Beginning and end. */

static struct store *new_store(struct addon *addon)
{
    struct store *store = calloc(1, sizeof *store);
    pthread_condattr_t monotonic;

    if (!store) {
        return NULL;
    }
    if (pthread_mutex_init(&store->lock, NULL) != 0) {
        free(store);
        return NULL;
    }
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (pthread_cond_init(&store->drained, &monotonic) != 0) {
        pthread_condattr_destroy(&monotonic);
        pthread_mutex_destroy(&store->lock);
        free(store);
        return NULL;
    }
    pthread_condattr_destroy(&monotonic);
    store->closed = (struct outcome){.store = store, .closes = true};
    store->addon = addon;
    store->next = addon->stores;
    addon->stores = store;
    addon->users++;
    return store;
}

static void free_store(struct store *store)
{
    struct addon *addon = store->addon;
    struct store **link = &addon->stores;

    while (*link != store) {
        link = &(*link)->next;
    }
    *link = store->next;
    free(outcome_take(&store->closed).text);
    pthread_cond_destroy(&store->drained);
    pthread_mutex_destroy(&store->lock);
    free(store);
    addon_leave(addon);
}

/* Closing. */

/* Waits until the calls are over, time is up or somebody is in a hurry; afterwards no call can be begun. */
static void wait_until_drained(struct store *store)
{
    struct timespec until;
    int timed_out = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += store->close_timeout_ms / 1000;
    until.tv_nsec += store->close_timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&store->lock);
    while (store->pending > 0 && !store->hurry && !timed_out) {
        timed_out = pthread_cond_timedwait(&store->drained, &store->lock, &until);
    }
    store->gone = true;
    pthread_mutex_unlock(&store->lock);
}

static void close_handle(struct store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;

    if (mastra_close(store->handle, &error) != MASTRA_OK) {
        outcome_set_error(&store->closed, &error);
    }
}

/* A thread of its own: closing may take long, and the threads of libuv are for others. */
static void *close_in_thread(void *arg)
{
    struct store *store = arg;

    wait_until_drained(store);
    close_handle(store);
    addon_deliver(store->addon, &store->closed);
    return NULL;
}

/* Signals are for the threads of the host. */
static bool start_thread(struct store *store)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->has_thread = pthread_create(&store->thread, NULL, close_in_thread, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return store->has_thread;
}

static void begin_close(struct store *store)
{
    store->state = STORE_CLOSING;
    if (!start_thread(store)) {
        store->hurry = true;
        close_in_thread(store);
    }
}

static void join_thread(struct store *store)
{
    if (store->has_thread) {
        pthread_join(store->thread, NULL);
        store->has_thread = false;
    }
}

bool store_closed(struct store *store)
{
    join_thread(store);
    /* What could not be closed is left for the end of the environment. */
    store->state = store->closed.failed ? STORE_OPEN : STORE_CLOSED;
    if (store->collected && store->state == STORE_CLOSED) {
        free_store(store);
        return false;
    }
    return !store->collected;
}

/* The handle was collected as garbage. Its calls are over: what waits for a call holds on to the handle. */
static void finalize(napi_env env, void *data, void *hint)
{
    struct store *store = data;

    (void)env;
    (void)hint;
    store->collected = true;
    if (store->state == STORE_OPEN) {
        begin_close(store);
    } else if (store->state == STORE_CLOSED) {
        free_store(store);
    }
}

void stores_shut_down(struct addon *addon)
{
    for (struct store *store = addon->stores; store; store = store->next) {
        pthread_mutex_lock(&store->lock);
        store->hurry = true;
        pthread_cond_signal(&store->drained);
        pthread_mutex_unlock(&store->lock);
    }
    for (struct store *store = addon->stores; store; store = store->next) {
        if (store->state == STORE_OPEN) {
            wait_until_drained(store);
            close_handle(store);
        }
        join_thread(store);
        store->state = STORE_CLOSED;
    }
}

void stores_forget(struct addon *addon)
{
    struct store *next;

    for (struct store *store = addon->stores; store; store = next) {
        next = store->next;
        if (store->collected) {
            free_store(store);
        }
    }
}

/* What JavaScript calls. */

struct open_args {
    const char *url;
    struct value_room url_room;
    struct value_room owner_room;
    mastra_options options;
    int64_t close_timeout_ms;
    uint32_t credentials; /* see struct credentials_source */
};

/* The arguments have been checked by lib/native.js; numbers are 0 where none was given. */
static bool read_numbers(napi_env env, const napi_value *argv, struct open_args *args)
{
    mastra_options *options = &args->options;
    uint32_t synchronous = 0;

    bool ok = napi_get_value_bool(env, argv[1], &options->disable_init) == napi_ok &&
              napi_get_value_uint32(env, argv[2], &synchronous) == napi_ok &&
              napi_get_value_int64(env, argv[3], &options->busy_timeout_ms) == napi_ok &&
              napi_get_value_int64(env, argv[4], &args->close_timeout_ms) == napi_ok &&
              napi_get_value_uint32(env, argv[5], &options->readers) == napi_ok &&
              napi_get_value_uint32(env, argv[6], &options->queue_limit) == napi_ok &&
              napi_get_value_bool(env, argv[8], &options->allow_raw_sql) == napi_ok &&
              napi_get_value_uint32(env, argv[9], &args->credentials) == napi_ok;

    options->synchronous = (mastra_synchronous)synchronous;
    options->close_timeout_ms = LIBRARY_CLOSE_TIMEOUT_MS;
    options->open_at_once = true;
    return ok;
}

static bool read_open_args(napi_env env, const napi_value *argv, struct open_args *args)
{
    napi_valuetype owner_type = napi_undefined;
    size_t len;

    if (!read_numbers(env, argv, args) || napi_typeof(env, argv[7], &owner_type) != napi_ok) {
        return false;
    }
    args->url = value_text(env, argv[0], &args->url_room, &len);
    if (args->url && owner_type == napi_string) {
        args->options.lock_owner = value_text(env, argv[7], &args->owner_room, &len);
        return args->options.lock_owner != NULL;
    }
    return args->url != NULL;
}

/* By the URL, which says all but where credentials come from when that is JavaScript. */
static mastra_status open_handle(struct store *store, const struct open_args *args, mastra_error *error)
{
    mastra_dsql_options dsql = MASTRA_DSQL_OPTIONS_INIT;
    mastra_dynamodb_options dynamodb = MASTRA_DYNAMODB_OPTIONS_INIT;

    store->credentials = (struct credentials_source){store->addon, args->credentials};
    if (args->credentials == 0) {
        return mastra_open(args->url, &args->options, &store->handle, error);
    }
    if (strncmp(args->url, "dsql:", 5) == 0) {
        dsql.url = args->url;
        dsql.credentials = credentials_ask;
        dsql.credentials_user = &store->credentials;
        return mastra_open_dsql(&dsql, &args->options, &store->handle, error);
    }
    dynamodb.url = args->url;
    dynamodb.credentials = credentials_ask;
    dynamodb.credentials_user = &store->credentials;
    return mastra_open_dynamodb(&dynamodb, &args->options, &store->handle, error);
}

/* An external that holds the store, or NULL with an exception. */
static napi_value make_store(napi_env env, struct addon *addon, const struct open_args *args,
                             mastra_error *error)
{
    struct store *store = new_store(addon);
    napi_value external = NULL;

    if (!store) {
        napi_throw_error(env, NULL, "out of memory");
        return NULL;
    }
    store->close_timeout_ms = args->close_timeout_ms;
    if (open_handle(store, args, error) != MASTRA_OK) {
        free_store(store);
        return value_error(env, error);
    }
    if (napi_create_external(env, store, finalize, NULL, &external) != napi_ok) {
        mastra_close(store->handle, NULL);
        free_store(store);
        napi_throw_error(env, NULL, "out of memory");
        return NULL;
    }
    return external;
}

/*
 * open(url, disableInit, synchronous, busyTimeoutMs, closeTimeoutMs, readers, queueLimit, owner, allowRawSql,
 * credentials): a handle, or the text of an error. `credentials` is the number of the function that knows them, or 0.
 */
napi_value store_open(napi_env env, napi_callback_info info)
{
    static const mastra_options blank = MASTRA_OPTIONS_INIT;
    struct open_args args;
    mastra_error error = MASTRA_ERROR_INIT;
    struct addon *addon = NULL;
    napi_value result = NULL;
    napi_value argv[10];
    size_t count = 10;

    args.options = blank;
    args.url_room.block = NULL;
    args.owner_room.block = NULL;
    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    napi_get_instance_data(env, (void **)&addon);
    if (!addon->wake || !read_open_args(env, argv, &args)) {
        napi_throw_type_error(env, NULL, "wrong arguments");
    } else {
        result = make_store(env, addon, &args, &error);
    }
    value_room_release(&args.url_room);
    value_room_release(&args.owner_room);
    return result;
}

static struct store *store_of(napi_env env, napi_value handle)
{
    struct store *store = NULL;

    if (napi_get_value_external(env, handle, (void **)&store) != napi_ok) {
        napi_throw_type_error(env, NULL, "not a store");
    }
    return store;
}

static void forget_call(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    if (--store->pending == 0) {
        pthread_cond_signal(&store->drained);
    }
    pthread_mutex_unlock(&store->lock);
}

/* What JavaScript asks for. */
struct request {
    char operation[64];
    mastra_str args;
    uint32_t ticket;
    unsigned form; /* of the result: 0, MASTRA_COMPACT or MASTRA_NO_RESULT */
    unsigned way;  /* 0, MASTRA_MAY_WRITE_HERE (the event loop has turned before) or MASTRA_MORE_FOLLOWS */
};

/* On a thread of the library, or below `submit`. */
static void finished(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct outcome *outcome = user;
    struct store *store = outcome->store;

    if (status == MASTRA_OK) {
        outcome_set_text(outcome, json);
        outcome->failed = outcome->form == TEXT_NONE;
    } else {
        outcome_set_error(outcome, error);
    }
    if (pthread_equal(pthread_self(), store->addon->thread)) {
        outcome->here = true;
    } else {
        addon_deliver(store->addon, outcome);
    }
    /* Closing joins this thread before the store goes. */
    forget_call(store);
}

static mastra_status submit(struct store *store, const struct request *request, struct outcome *outcome,
                            mastra_error *error)
{
    unsigned flags = MASTRA_NO_WAIT | MASTRA_DONE_IS_BRIEF | request->form;
    bool closing = store->state != STORE_OPEN;
    mastra_status status;

    /* Answers that come at once keep the event loop from turning: now and then one goes the long way. */
    if (!closing && store->addon->answered_here < ANSWERS_HERE_MOST) {
        flags |= MASTRA_MAY_RUN_HERE;
    }
    if (!closing) {
        flags |= request->way;
    }
    /* Another thread may be about to give up the handle. */
    if (closing) {
        pthread_mutex_lock(&store->lock);
    }
    if (store->gone) {
        error->status = status = MASTRA_CLOSED;
    } else {
        status = mastra_call_async(store->handle, request->operation, request->args, flags, finished, outcome,
                                   error);
    }
    if (closing) {
        pthread_mutex_unlock(&store->lock);
    }
    return status;
}

/* A call that does not get as far as the library may have been the last behind some with MASTRA_MORE_FOLLOWS: the library
 * begins those when it refuses one. */
static void begin_those_before(struct store *store)
{
    if (store->state == STORE_OPEN) {
        mastra_call_async(store->handle, "", (mastra_str){NULL, 0}, MASTRA_NO_WAIT, finished, NULL, NULL);
    }
}

/* *ret_here: the outcome, when there is one already. */
static mastra_status begin_call(struct store *store, const struct request *request, struct outcome **ret_here,
                                mastra_error *error)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    mastra_status status;
    bool counted = store->state != STORE_OPEN; /* store_close was told of it */

    if (!outcome) {
        begin_those_before(store);
        return error->status = MASTRA_OUT_OF_MEMORY;
    }
    outcome->store = store;
    outcome->ticket = request->ticket;
    if (!counted) {
        pthread_mutex_lock(&store->lock);
        store->pending++;
        pthread_mutex_unlock(&store->lock);
    }
    status = submit(store, request, outcome, error);
    if (status == MASTRA_OK && !counted && outcome->here) {
        *ret_here = outcome;
        return status;
    }
    if (status == MASTRA_OK) {
        addon_hold(store->addon);
        return status;
    }
    free(outcome);
    if (!counted || status != MASTRA_LIMIT_EXCEEDED) {
        forget_call(store);
    }
    return status;
}

/* The text of an error in an array of one, which a result is not. */
static napi_value wrapped(napi_env env, napi_value error)
{
    napi_value array = NULL;

    if (napi_create_array_with_length(env, 1, &array) == napi_ok && error) {
        napi_set_element(env, array, 0, error);
    }
    return array;
}

static napi_value answer_here(napi_env env, struct outcome *outcome)
{
    struct outcome taken = outcome_take(outcome);
    napi_value text = value_of_outcome(env, &taken);

    free(taken.text);
    return taken.failed || !text ? wrapped(env, text) : text;
}

/* Everything but the arguments' text. */
static bool read_request(napi_env env, const napi_value *argv, struct request *request)
{
    size_t len;

    request->args = (mastra_str){NULL, 0};
    return napi_get_value_uint32(env, argv[1], &request->ticket) == napi_ok &&
           napi_get_value_string_utf8(env, argv[2], request->operation, sizeof request->operation, &len) ==
               napi_ok &&
           napi_get_value_uint32(env, argv[4], &request->form) == napi_ok &&
           napi_get_value_uint32(env, argv[5], &request->way) == napi_ok;
}

/*
 * call(handle, ticket, operation, args, form, way): undefined when the call was begun (its outcome comes to `settle`), a
 * string when it has been answered already, false when the queue is full, else the text of an error in an array.
 */
napi_value store_call(napi_env env, napi_callback_info info)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_OUT_OF_MEMORY;
    struct request request;
    struct value_room room;
    napi_valuetype args_type = napi_undefined;
    struct outcome *here = NULL;
    napi_value result = NULL;
    napi_value argv[6];
    size_t count = 6;
    struct store *store;

    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    store = store_of(env, argv[0]);
    napi_typeof(env, argv[3], &args_type);
    if (!store || !read_request(env, argv, &request)) {
        return NULL;
    }
    room.block = NULL;
    if (args_type == napi_string) {
        request.args.ptr = value_text(env, argv[3], &room, &request.args.len);
    }
    error.status = status;
    if (args_type != napi_string || request.args.ptr) {
        status = begin_call(store, &request, &here, &error);
    } else {
        begin_those_before(store);
    }
    value_room_release(&room);
    if (status == MASTRA_LIMIT_EXCEEDED) {
        napi_get_boolean(env, false, &result);
    } else if (status != MASTRA_OK) {
        result = wrapped(env, value_error(env, &error));
    } else if (here) {
        /* After a turn of the event loop the row of such answers begins anew. */
        store->addon->answered_here = request.way ? 0 : store->addon->answered_here + 1;
        result = answer_here(env, here);
    }
    return result;
}

/* close(handle, ticket, waiting): its outcome comes to `settle`. `waiting`: calls that will still be begun. */
napi_value store_close(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    size_t count = 3;
    uint32_t waiting = 0;
    struct store *store;

    napi_get_cb_info(env, info, &count, argv, NULL, NULL);
    store = store_of(env, argv[0]);
    if (!store || store->state != STORE_OPEN ||
        napi_get_value_uint32(env, argv[1], &store->closed.ticket) != napi_ok ||
        napi_get_value_uint32(env, argv[2], &waiting) != napi_ok) {
        return NULL;
    }
    pthread_mutex_lock(&store->lock);
    store->pending += waiting;
    pthread_mutex_unlock(&store->lock);
    addon_hold(store->addon);
    begin_close(store);
    return NULL;
}
