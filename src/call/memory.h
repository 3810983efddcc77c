/* What the memory operations' tables and handlers share. */
#ifndef CALL_MEMORY_H
#define CALL_MEMORY_H

#include "call/common.h"
#include "domains/memory.h"

extern const struct ms_choice ms_order_fields[];

/* Members of the group "orderBy" of the struct T. */
#define MS_ORDER_MEMBERS(T)                                                                                  \
    {.name = "field", .type = MS_ARG_CHOICE, .offset = offsetof(T, order_by), .choices = ms_order_fields},   \
    {                                                                                                        \
        .name = "direction", .type = MS_ARG_CHOICE, .offset = offsetof(T, direction),                        \
        .choices = ms_directions                                                                             \
    }
/* A row of the registry, see MS_OPERATION; `thread_id`: its `order`. */
#define MS_MEMORY_ENTRY(c_name, text, table, initial, returned, thread_id, write, sample, fails)             \
    {                                                                                                        \
        MS_OPERATION("memory", c_name, text, table, initial, returned, write, sample, fails),                \
            .order = (thread_id)                                                                             \
    }

extern const struct ms_arg ms_result_thread;

#endif
