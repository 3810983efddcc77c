/* What the typed functions of every public header share. */
#ifndef DOMAINS_API_H
#define DOMAINS_API_H

#include "store/call.h"

/* A domain's operations are listed once, X(c_name, Mastra's name, part of error ids, writes, repeatable), and declared in
 * its header, defined beside its typed functions with these. */
#define MS_OP_DECLARE(c_name, name, error, writes, repeatable) extern const struct ms_op ms_op_##c_name;
#define MS_OP_DEFINE(c_name, name, error, writes, repeatable)                                                \
    const struct ms_op ms_op_##c_name = {name, error, writes, repeatable, false};
#define MS_OP_DEFINE_ALONE(c_name, name, error, writes, repeatable)                                          \
    const struct ms_op ms_op_##c_name = {name, error, writes, repeatable, true};

/* Runs `function(&call, ...)` as the operation of that name. */
#define MS_RUN(operation, function, ...)                                                                     \
    struct ms_call call;                                                                                     \
    mastra_status status = ms_call_begin(&call, store, &ms_op_##operation, NULL);                            \
    if (status == MASTRA_OK) {                                                                               \
        status = function(&call, __VA_ARGS__);                                                               \
    }                                                                                                        \
    return ms_call_end(&call, status, error)

#endif
