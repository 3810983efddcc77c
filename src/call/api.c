/* The public side of the registry. */
#include "call/call.h"

#include "base/error.h"
#include "call/records.h"
#include "store/store.h"

#include <stdio.h>

static mastra_status invoke(const struct ms_operation *operation, mastra_store *store, mastra_str args,
                            struct ms_buf *out, mastra_error *error)
{
    struct ms_call call;
    mastra_status status = ms_call_begin(&call, store, operation->op, NULL);

    if (status == MASTRA_OK) {
        status = ms_operation_run(operation, &call, args, out);
    }
    return ms_call_end(&call, status, error);
}

mastra_status mastra_call(mastra_store *store, const char *operation, mastra_str args, char **ret_json,
                          size_t *ret_len, mastra_error *error)
{
    const struct ms_operation *found;
    struct ms_buf out;
    mastra_status status = ms_operation_prepare(store, mastra_str_of(operation), args, &found, &args, error);

    if (status != MASTRA_OK) {
        return status;
    }
    ms_json_text_begin(&out, ms_store_heap(store));
    status = invoke(found, store, args, &out, error);
    if (status != MASTRA_OK) {
        ms_json_text_abandon(&out);
        return status;
    }
    status = ms_json_text_end(&out, ret_json, ret_len);
    return status == MASTRA_OK ? status : ms_error_oom(error);
}

/* One line of the pipe protocol. */

struct request {
    mastra_str id;
    mastra_str op; /* a raw string */
    mastra_str args;
};

static mastra_status malformed(mastra_store *store, mastra_status status, const char *what,
                               mastra_error *error)
{
    mastra_error inner = MASTRA_ERROR_INIT;

    ms_error_set(&inner, status, "%s", what);
    ms_call_reason(&inner, "INVALID_REQUEST", "USER");
    ms_operation_refuse(store, NULL, &inner, error);
    error->operation[0] = '\0';
    return status;
}

static mastra_status read_request(mastra_store *store, mastra_str line, struct request *request,
                                  mastra_error *error)
{
    struct ms_json_fault fault;
    char what[128];

    if (!ms_json_check(line, &line, &fault)) {
        snprintf(what, sizeof what, "the line is not valid JSON: %s at offset %zu", fault.what, fault.offset);
        return malformed(store, MASTRA_INVALID_ARGUMENT, what, error);
    }
    if (ms_json_kind(line) != MS_JSON_OBJECT) {
        return malformed(store, MASTRA_INVALID_ARGUMENT, "the request must be an object", error);
    }
    request->id = ms_json_member(line, mastra_str_of("id"));
    request->op = ms_json_member(line, mastra_str_of("op"));
    request->args = ms_json_member(line, mastra_str_of("args"));
    if (ms_json_kind(request->op) != MS_JSON_STRING) {
        return malformed(store, MASTRA_USAGE, "the request names no operation: \"op\" must be a string",
                         error);
    }
    return MASTRA_OK;
}

static mastra_status run_request(mastra_store *store, const struct request *request, struct ms_buf *out,
                                 mastra_error *error)
{
    const struct ms_operation *operation;
    mastra_str name = {request->op.ptr + 1, request->op.len - 2};
    mastra_str none = {NULL, 0};
    mastra_str ignored;
    char plain[64];
    mastra_status status;

    if (ms_json_string_length(request->op) <= sizeof plain) {
        name.len = ms_json_unescape(request->op, plain, NULL);
        name.ptr = plain;
    }
    status = ms_operation_prepare(store, name, none, &operation, &ignored, error);
    return status == MASTRA_OK ? invoke(operation, store, request->args, out, error) : status;
}

static void begin_response(struct ms_buf *out, mastra_str id, const char *rest)
{
    ms_buf_add_text(out, "{\"id\":");
    if (id.ptr) {
        ms_buf_add_str(out, id);
    } else {
        ms_buf_add_text(out, "null");
    }
    ms_buf_add_text(out, rest);
}

static void put_error_response(struct ms_buf *out, mastra_str id, const mastra_error *error)
{
    ms_json_text_clear(out);
    begin_response(out, id, ",\"ok\":false,\"error\":");
    ms_put_error(out, error);
    ms_buf_add_char(out, '}');
}

mastra_status mastra_call_line(mastra_store *store, mastra_str line, char **ret_json, size_t *ret_len)
{
    struct request request = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    mastra_error error = MASTRA_ERROR_INIT;
    struct ms_buf out;
    mastra_status status;

    if (!store || !ret_json) {
        return MASTRA_INVALID_ARGUMENT;
    }
    ms_json_text_begin(&out, ms_store_heap(store));
    status = read_request(store, line, &request, &error);
    if (status == MASTRA_OK) {
        begin_response(&out, request.id, ",\"ok\":true,\"result\":");
        status = run_request(store, &request, &out, &error);
        ms_buf_add_char(&out, '}');
    }
    if (status != MASTRA_OK) {
        put_error_response(&out, request.id, &error);
    }
    if (out.failed == MASTRA_LIMIT_EXCEEDED) {
        /* The id alone leaves no room for an answer. */
        malformed(store, MASTRA_LIMIT_EXCEEDED, "the answer would be larger than 1 GiB", &error);
        put_error_response(&out, mastra_str_of(NULL), &error);
    }
    ms_json_text_one_line(&out);
    return ms_json_text_end(&out, ret_json, ret_len);
}

/* Errors and operations as JSON. These belong to no store: their memory is malloc's. */

static void put_error_text(struct ms_buf *out, const char *name, const char *text)
{
    mastra_str str = {text[0] ? text : NULL, strlen(text)};

    ms_json_put_key(out, name);
    ms_put_text(out, str);
    ms_buf_add_char(out, ',');
}

static void put_details(struct ms_buf *out, const mastra_error *error)
{
    const struct {
        const char *name;
        const char *text;
    } details[] = {{"field", error->field}, {"value", error->value}, {"backend", error->backend}};
    const char *separator = "";

    ms_buf_add_text(out, "\"details\":{");
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
        if (details[i].text[0]) {
            ms_buf_add_text(out, separator);
            ms_json_put_key(out, details[i].name);
            ms_put_text(out, mastra_str_of(details[i].text));
            separator = ",";
        }
    }
    if (error->backend_code) {
        ms_buf_add_text(out, separator);
        ms_json_put_key(out, "backendCode");
        ms_json_put_int(out, error->backend_code);
    }
    ms_buf_add_char(out, '}');
}

void ms_put_error(struct ms_buf *out, const mastra_error *error)
{
    mastra_error full = MASTRA_ERROR_INIT;

    ms_error_export(&full, error);
    ms_buf_add_char(out, '{');
    put_error_text(out, "code", mastra_status_name(full.status));
    put_error_text(out, "id", full.id);
    put_error_text(out, "category", full.category);
    put_error_text(out, "message", full.message);
    put_error_text(out, "op", full.operation);
    ms_json_put_key(out, "retriable");
    ms_json_put_bool(out, full.retriable);
    ms_buf_add_char(out, ',');
    put_details(out, &full);
    ms_buf_add_char(out, '}');
}

static mastra_status begin_plain(struct ms_buf *out)
{
    struct ms_heap *heap = ms_heap_new(NULL);

    if (!heap) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ms_json_text_begin(out, heap);
    ms_heap_unref(heap);
    return MASTRA_OK;
}

mastra_status mastra_error_json(const mastra_error *error, char **ret_json, size_t *ret_len)
{
    struct ms_buf out;
    mastra_status status = error ? begin_plain(&out) : MASTRA_INVALID_ARGUMENT;

    if (status != MASTRA_OK) {
        return status;
    }
    ms_put_error(&out, error);
    return ms_json_text_end(&out, ret_json, ret_len);
}

mastra_status mastra_operations(char **ret_json, size_t *ret_len, mastra_error *error)
{
    const struct ms_operation *operation;
    struct ms_buf out;
    mastra_status status = begin_plain(&out);

    if (status == MASTRA_OK) {
        ms_buf_add_char(&out, '[');
        for (size_t i = 0; (operation = ms_operation_at(i)) != NULL; i++) {
            ms_buf_add_text(&out, i ? "," : "");
            ms_operation_describe(&out, operation);
        }
        ms_buf_add_char(&out, ']');
        status = ms_json_text_end(&out, ret_json, ret_len);
    }
    return status == MASTRA_OK ? status : ms_error_oom(error);
}

bool mastra_operation_at(size_t index, mastra_operation *ret_operation)
{
    const struct ms_operation *operation = ms_operation_at(index);
    mastra_operation known;

    if (!operation || !ret_operation) {
        return false;
    }
    known = (mastra_operation){.size = ret_operation->size,
                               .name = operation->op->name,
                               .domain = operation->domain,
                               .summary = operation->summary,
                               .writes = operation->op->writes,
                               .repeatable = operation->op->repeatable,
                               .example = operation->example};
    memcpy(ret_operation, &known, known.size < sizeof known ? known.size : sizeof known);
    return true;
}

mastra_status mastra_operation_help(const char *operation, char **ret_text, size_t *ret_len,
                                    mastra_error *error)
{
    const struct ms_operation *found = operation ? ms_operation_find(mastra_str_of(operation)) : NULL;
    struct ms_buf out;
    mastra_status status;

    if (!found) {
        return ms_error_set(error, MASTRA_USAGE, "there is no operation \"%s\"", operation ? operation : "");
    }
    status = begin_plain(&out);
    if (status == MASTRA_OK) {
        ms_operation_explain(&out, found);
        status = ms_json_text_end(&out, ret_text, ret_len);
    }
    return status == MASTRA_OK ? status : ms_error_oom(error);
}
