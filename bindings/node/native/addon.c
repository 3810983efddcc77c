/* What an environment has: its queue of outcomes, the way to wake JavaScript, and the module's functions. */
#include "addon.h"
#include "text.h"

#include <stdlib.h>

/* Outcomes. */

static void keep_bytes(struct outcome *outcome, mastra_str text, enum text_form form)
{
    outcome->text = malloc(text.len + 1);
    if (outcome->text) {
        memcpy(outcome->text, text.ptr, text.len);
        outcome->len = text.len;
        outcome->form = form;
    }
}

static void keep_utf16(struct outcome *outcome, mastra_str text)
{
    char16_t *units = malloc((text.len + 1) * sizeof *units);

    if (units && text_to_utf16(text.ptr, text.len, units, &outcome->len)) {
        outcome->text = units;
        outcome->form = TEXT_UTF16;
        return;
    }
    free(units);
    keep_bytes(outcome, text, TEXT_UTF8);
}

void outcome_set_text(struct outcome *outcome, mastra_str text)
{
    if (text_is_ascii(text.ptr, text.len)) {
        keep_bytes(outcome, text, TEXT_ASCII);
    } else {
        keep_utf16(outcome, text);
    }
}

void outcome_set_error(struct outcome *outcome, const mastra_error *error)
{
    mastra_str text = {NULL, 0};
    char *json = NULL;

    outcome->failed = true;
    if (mastra_error_json(error, &json, &text.len) == MASTRA_OK) {
        text.ptr = json;
        outcome_set_text(outcome, text);
        mastra_json_free(json);
    }
}

struct outcome outcome_take(struct outcome *outcome)
{
    struct outcome taken = *outcome;

    if (outcome->closes) {
        outcome->text = NULL;
        outcome->form = TEXT_NONE;
        outcome->failed = false;
    } else {
        free(outcome);
    }
    return taken;
}

/* Delivery. */

void addon_deliver(struct addon *addon, struct outcome *outcome)
{
    bool wake;

    outcome->next = NULL;
    pthread_mutex_lock(&addon->lock);
    wake = !addon->first && !addon->deaf;
    *addon->end = outcome;
    addon->end = &outcome->next;
    pthread_mutex_unlock(&addon->lock);
    if (wake) {
        napi_call_threadsafe_function(addon->wake, NULL, napi_tsfn_nonblocking);
    }
}

static struct outcome *take_all(struct addon *addon)
{
    struct outcome *first;

    pthread_mutex_lock(&addon->lock);
    first = addon->first;
    addon->first = NULL;
    addon->end = &addon->first;
    pthread_mutex_unlock(&addon->lock);
    return first;
}

void addon_hold(struct addon *addon)
{
    if (addon->busy++ == 0) {
        napi_ref_threadsafe_function(addon->env, addon->wake);
    }
}

void addon_release(struct addon *addon)
{
    if (--addon->busy == 0) {
        napi_unref_threadsafe_function(addon->env, addon->wake);
    }
}

/* A function of lib/native.js was called. It does not throw; if it does, that must not go unnoticed. */
static void watch(napi_env env, napi_status status)
{
    napi_value thrown;

    if (status == napi_pending_exception) {
        napi_get_and_clear_last_exception(env, &thrown);
        napi_fatal_exception(env, thrown);
    }
}

/* settle(ticket, failed, text); without a text when it could not be made. */
static void settle(napi_env env, napi_value function, const struct outcome *outcome)
{
    napi_handle_scope scope;
    napi_value undefined;
    napi_value args[3];

    if (napi_open_handle_scope(env, &scope) != napi_ok) {
        return;
    }
    napi_get_undefined(env, &undefined);
    args[2] = value_of_outcome(env, outcome);
    if (!args[2]) {
        args[2] = undefined;
    }
    napi_create_uint32(env, outcome->ticket, &args[0]);
    napi_get_boolean(env, outcome->failed, &args[1]);
    watch(env, napi_call_function(env, undefined, function, 3, args, NULL));
    napi_close_handle_scope(env, scope);
}

/* provide(number, question) */
static void ask(napi_env env, struct addon *addon, struct outcome *outcome)
{
    napi_handle_scope scope;
    napi_value undefined;
    napi_value function;
    napi_value args[2];

    if (napi_open_handle_scope(env, &scope) != napi_ok) {
        credentials_refuse(outcome);
        return;
    }
    args[1] = credentials_question(env, outcome);
    if (args[1]) {
        napi_get_undefined(env, &undefined);
        napi_create_uint32(env, outcome->ticket, &args[0]);
        napi_get_reference_value(env, addon->provide, &function);
        watch(env, napi_call_function(env, undefined, function, 2, args, NULL));
    }
    napi_close_handle_scope(env, scope);
}

/* Runs on the thread of JavaScript. */
static void woken(napi_env env, napi_value function, void *context, void *data)
{
    struct addon *addon = context;
    struct outcome *outcome;
    struct outcome *next;

    (void)data;
    addon->answered_here = 0;
    /* When the environment ends, what has not been taken is released by end_environment. */
    if (!env) {
        return;
    }
    for (outcome = take_all(addon); outcome; outcome = next) {
        struct outcome taken;

        next = outcome->next;
        if (outcome->question) {
            ask(env, addon, outcome);
            free(outcome);
            continue;
        }
        if (outcome->closes && !store_closed(outcome->store)) {
            continue;
        }
        /* Once JavaScript was told of a closing, the store may be collected at any moment. */
        taken = outcome_take(outcome);
        settle(env, function, &taken);
        addon_release(addon);
        free(taken.text);
    }
}

/* The environment's beginning and end. */

void addon_leave(struct addon *addon)
{
    if (--addon->users == 0) {
        pthread_mutex_destroy(&addon->lock);
        free(addon);
    }
}

static void drop_instance(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    addon_leave(data);
}

/* Runs before the threadsafe function goes: afterwards nobody may call it. */
static void end_environment(void *data)
{
    struct addon *addon = data;
    struct outcome *outcome;
    struct outcome *next;

    pthread_mutex_lock(&addon->lock);
    addon->deaf = true;
    pthread_mutex_unlock(&addon->lock);
    stores_shut_down(addon);
    for (outcome = take_all(addon); outcome; outcome = next) {
        next = outcome->next;
        if (outcome->question) {
            credentials_refuse(outcome);
        }
        free(outcome_take(outcome).text);
    }
    stores_forget(addon);
}

/* start(settle, provide): says who is told of outcomes, and who is asked for credentials. Once, before any store is
 * opened. */
static napi_value start(napi_env env, napi_callback_info info)
{
    struct addon *addon = NULL;
    napi_value name;
    napi_value functions[2];
    size_t count = 2;

    napi_get_instance_data(env, (void **)&addon);
    napi_get_cb_info(env, info, &count, functions, NULL, NULL);
    if (addon->wake) {
        napi_throw_error(env, NULL, "the addon was started already");
        return NULL;
    }
    napi_create_string_utf8(env, "mastra-store", NAPI_AUTO_LENGTH, &name);
    if (napi_create_reference(env, functions[1], 1, &addon->provide) != napi_ok ||
        napi_create_threadsafe_function(env, functions[0], NULL, name, 0, 1, NULL, NULL, addon, woken,
                                        &addon->wake) != napi_ok) {
        addon->wake = NULL;
        return NULL; /* with the exception that Node-API has thrown, or one of ours */
    }
    napi_unref_threadsafe_function(env, addon->wake);
    napi_add_env_cleanup_hook(env, end_environment, addon);
    return NULL;
}

/* operations(): the registry as JSON text. */
static napi_value operations(napi_env env, napi_callback_info info)
{
    mastra_error error = MASTRA_ERROR_INIT;
    napi_value text = NULL;
    char *json = NULL;
    size_t len = 0;

    (void)info;
    if (mastra_operations(&json, &len, &error) == MASTRA_OK) {
        napi_create_string_utf8(env, json, len, &text);
        mastra_json_free(json);
    }
    if (!text) {
        napi_throw_error(env, NULL, "out of memory");
    }
    return text;
}

static struct addon *new_addon(napi_env env)
{
    struct addon *addon = calloc(1, sizeof *addon);

    if (!addon) {
        return NULL;
    }
    if (pthread_mutex_init(&addon->lock, NULL) != 0) {
        free(addon);
        return NULL;
    }
    addon->env = env;
    addon->thread = pthread_self();
    addon->users = 1;
    addon->end = &addon->first;
    if (napi_set_instance_data(env, addon, drop_instance, NULL) != napi_ok) {
        addon_leave(addon);
        return NULL;
    }
    return addon;
}

static bool set_text(napi_env env, napi_value exports, const char *name, const char *text)
{
    napi_value string;

    return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &string) == napi_ok &&
           napi_set_named_property(env, exports, name, string) == napi_ok;
}

static bool set_number(napi_env env, napi_value exports, const char *name, uint32_t value)
{
    napi_value number;

    return napi_create_uint32(env, value, &number) == napi_ok &&
           napi_set_named_property(env, exports, name, number) == napi_ok;
}

static bool set_backends(napi_env env, napi_value exports)
{
    napi_value list;
    const char *name;

    if (napi_create_array(env, &list) != napi_ok) {
        return false;
    }
    for (uint32_t i = 0; (name = mastra_backend_at(i)) != NULL; i++) {
        napi_value string;

        if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &string) != napi_ok ||
            napi_set_element(env, list, i, string) != napi_ok) {
            return false;
        }
    }
    return napi_set_named_property(env, exports, "backends", list) == napi_ok;
}

/* The macro below defines it without having declared it. */
NAPI_MODULE_EXPORT int32_t NODE_API_MODULE_GET_API_VERSION(void);

NAPI_MODULE_INIT()
{
    static const napi_property_descriptor functions[] = {
        {"start", NULL, start, NULL, NULL, NULL, napi_default, NULL},
        {"open", NULL, store_open, NULL, NULL, NULL, napi_default, NULL},
        {"call", NULL, store_call, NULL, NULL, NULL, napi_default, NULL},
        {"close", NULL, store_close, NULL, NULL, NULL, napi_default, NULL},
        {"answer", NULL, credentials_answer, NULL, NULL, NULL, napi_default, NULL},
        {"fail", NULL, credentials_fail, NULL, NULL, NULL, napi_default, NULL},
        {"operations", NULL, operations, NULL, NULL, NULL, napi_default, NULL},
    };

    if (!new_addon(env) ||
        napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions) != napi_ok ||
        !set_number(env, exports, "COMPACT", MASTRA_COMPACT) ||
        !set_number(env, exports, "NO_RESULT", MASTRA_NO_RESULT) ||
        !set_number(env, exports, "MAY_WRITE_HERE", MASTRA_MAY_WRITE_HERE) ||
        !set_number(env, exports, "MORE_FOLLOWS", MASTRA_MORE_FOLLOWS) ||
        !set_text(env, exports, "version", mastra_version()) ||
        !set_text(env, exports, "sqliteVersion", mastra_sqlite_version()) || !set_backends(env, exports)) {
        napi_throw_error(env, NULL, "mastra-store: the addon could not be set up");
        return NULL;
    }
    return exports;
}
