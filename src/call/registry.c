#include "call/call.h"

#include "base/error.h"
#include "store/store.h"

#include <stdio.h>

/* One to a line, so that additions merge. Each one's examples work on what those before it have made. */
/* clang-format off */
static const struct ms_operation_set *const sets[] = {
    &ms_thread_operations,
    &ms_message_operations,
    &ms_clone_operations,
    &ms_resource_operations,
    &ms_workflow_operations,
    &ms_run_lock_operations,
    &ms_span_operations,
    &ms_trace_operations,
    &ms_score_operations,
    &ms_eval_operations,
    &ms_trace_record_operations,
    &ms_table_operations,
    &ms_row_operations,
    &ms_last_table_operations,
    &ms_index_operations,
    &ms_prune_operations,
    &ms_store_operations,
};
/* clang-format on */

#define SET_COUNT (sizeof(sets) / sizeof(sets[0]))

/* Stands in for the operation where none could be found. */
static const struct ms_op op_call = {.name = "call", .error = "CALL", .repeatable = true};

const struct ms_operation *ms_operation_at(size_t index)
{
    for (size_t i = 0; i < SET_COUNT; i++) {
        if (index < sets[i]->count) {
            return &sets[i]->operations[index];
        }
        index -= sets[i]->count;
    }
    return NULL;
}

const struct ms_operation *ms_operation_find(mastra_str name)
{
    const struct ms_operation *operation;

    for (size_t i = 0; (operation = ms_operation_at(i)) != NULL; i++) {
        const char *known = operation->op->name;

        if (strlen(known) == name.len && memcmp(known, name.ptr, name.len) == 0) {
            return operation;
        }
    }
    return NULL;
}

mastra_status ms_operation_refuse(mastra_store *store, const struct ms_op *op, const mastra_error *inner,
                                  mastra_error *error)
{
    struct ms_call call = {.op = op ? op : &op_call, .error = *inner};

    call.error_store = store ? store->backend->ops->error_store : NULL;

    return ms_call_end(&call, inner->status, error);
}

static mastra_status refuse_unknown(mastra_store *store, mastra_str name, mastra_error *error)
{
    mastra_error inner = MASTRA_ERROR_INIT;
    char shown[sizeof inner.operation];
    mastra_status status;

    ms_error_copy(shown, sizeof shown, name);
    for (char *c = shown; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
    ms_error_set(&inner, MASTRA_USAGE, "there is no operation \"%s\"", shown);
    ms_call_reason(&inner, "UNKNOWN_OPERATION", "USER");
    status = ms_operation_refuse(store, NULL, &inner, &inner);
    ms_error_copy(inner.operation, sizeof inner.operation, mastra_str_of(shown));
    ms_error_export(error, &inner);
    return status;
}

mastra_status ms_operation_prepare(mastra_store *store, mastra_str name, mastra_str args,
                                   const struct ms_operation **ret_operation, mastra_str *ret_args,
                                   mastra_error *error)
{
    const struct ms_operation *operation = name.ptr ? ms_operation_find(name) : NULL;
    mastra_error inner = MASTRA_ERROR_INIT;
    struct ms_json_fault fault;

    if (!operation) {
        return refuse_unknown(store, name, error);
    }
    if (!store) {
        ms_error_argument(&inner, "store", mastra_str_of(NULL), "must not be NULL");
        return ms_operation_refuse(store, operation->op, &inner, error);
    }
    if (args.ptr && !ms_json_check(args, &args, &fault)) {
        char complaint[128];

        snprintf(complaint, sizeof complaint, "are not valid JSON: %s at offset %zu", fault.what,
                 fault.offset);
        ms_error_argument(&inner, "args", mastra_str_of(NULL), complaint);
        return ms_operation_refuse(store, operation->op, &inner, error);
    }
    *ret_operation = operation;
    *ret_args = args;
    return MASTRA_OK;
}

static void put_null(struct ms_buf *out, const void *result)
{
    (void)result;
    ms_buf_add_text(out, "null");
}

/* What a write answers is written before it is committed, or there is at least room for it. */
static mastra_status run(const struct ms_operation *operation, struct ms_call *call, const void *args,
                         struct ms_buf *out)
{
    ms_answer_fn write = operation->answer && !call->unread ? operation->answer : put_null;
    mastra_status status;

    /* What stands before the answer must be there, or nothing may be written. */
    if (out->failed != MASTRA_OK) {
        return ms_error_oom(&call->error);
    }
    if (operation->op->alone) {
        write = NULL;
        /* It prints when all is done: there must be room by then. */
        if (!ms_buf_reserve(out, MS_OWN_ANSWER_MOST + MS_ANSWER_SLACK)) {
            return ms_error_oom(&call->error);
        }
    }
    ms_call_answer_to(call, operation->op->writes ? write : NULL, out);
    status = operation->handler(call, args, out);
    /* A write of nothing runs no unit. */
    return status == MASTRA_OK && out->len == call->answer_at ? ms_call_answer(call, NULL) : status;
}

mastra_status ms_operation_run(const struct ms_operation *operation, struct ms_call *call, mastra_str args,
                               struct ms_buf *out)
{
    struct ms_arena *arena = ms_arena_new(ms_store_heap(call->store), 0);
    struct ms_reader reader = {arena, &call->error};
    void *values = arena ? ms_arena_alloc(arena, operation->size) : NULL;
    mastra_status status;

    if (!values) {
        ms_arena_free(arena);
        return ms_error_oom(&call->error);
    }
    memcpy(values, operation->blank, operation->size);
    status = ms_args_read(&reader, operation->args, operation->arg_count, args, values);
    if (status == MASTRA_OK) {
        status = run(operation, call, values, out);
    }
    if (status == MASTRA_OK && out->failed == MASTRA_LIMIT_EXCEEDED) {
        status = ms_error_set(&call->error, MASTRA_LIMIT_EXCEEDED, "the result is larger than 1 GiB");
    } else if (status == MASTRA_OK && out->failed != MASTRA_OK) {
        status = ms_error_oom(&call->error);
    }
    ms_arena_free(arena);
    return status;
}
