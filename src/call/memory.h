/* What the memory operations' tables and handlers share. */
#ifndef CALL_MEMORY_H
#define CALL_MEMORY_H

#include "call/call.h"
#include "call/records.h"
#include "domains/memory.h"

#define MS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Pages: arguments of the struct T that has fields page and per_page. */
#define MS_PAGE_ARG(T)                                                                                       \
    {                                                                                                        \
        .name = "page", .type = MS_ARG_INTEGER, .offset = offsetof(T, page),                                 \
        .about = "number of the page, from 0", .standard = "0", .complaint = "must be >= 0",                 \
        .reason = "INVALID_PAGE"                                                                             \
    }
#define MS_PER_PAGE_ARG(T, usual, wrong, why)                                                                \
    {                                                                                                        \
        .name = "perPage", .type = MS_ARG_PER_PAGE, .offset = offsetof(T, per_page),                         \
        .about = "most records on a page; false: all", .standard = (usual), .complaint = (wrong),            \
        .reason = (why)                                                                                      \
    }

extern const struct ms_choice ms_order_fields[];
extern const struct ms_choice ms_directions[];

/* Members of the group "orderBy" of the struct T. */
#define MS_ORDER_MEMBERS(T)                                                                                  \
    {.name = "field", .type = MS_ARG_CHOICE, .offset = offsetof(T, order_by), .choices = ms_order_fields},   \
    {                                                                                                        \
        .name = "direction", .type = MS_ARG_CHOICE, .offset = offsetof(T, direction),                        \
        .choices = ms_directions                                                                             \
    }
#define MS_ORDER_ARG(table)                                                                                  \
    {                                                                                                        \
        .name = "orderBy", .type = MS_ARG_GROUP, .flags = MS_ARG_LENIENT,                                    \
        .about = "anything unknown in it counts as absent", .members = (table),                              \
        .member_count = MS_COUNT(table)                                                                      \
    }

/* The result of a list: its records under `what`, then where the page stands. */
#define MS_PAGE_RESULT(what, which)                                                                          \
    {.name = (what), .type = MS_ARG_RECORDS, .flags = MS_ARG_REQUIRED, .entity = (which)},                   \
        {.name = "total", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED},                                 \
        {.name = "page", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED},                                  \
        {.name = "perPage", .type = MS_ARG_PER_PAGE, .flags = MS_ARG_REQUIRED},                              \
    {                                                                                                        \
        .name = "hasMore", .type = MS_ARG_BOOLEAN, .flags = MS_ARG_REQUIRED                                  \
    }

/* A row of the registry; its handler is the static function of the same name. `write`: see struct ms_operation. */
#define MS_MEMORY_ENTRY(c_name, text, table, initial, returned, thread_id, write)                            \
    {                                                                                                        \
        .op = &ms_op_##c_name, .domain = "memory", .summary = (text), .args = (table),                       \
        .arg_count = MS_COUNT(table), .blank = &(initial), .size = sizeof(initial), .result = &(returned),   \
        .order = (thread_id), .handler = c_name, .answer = (write)                                           \
    }

extern const struct ms_arg ms_result_null;
extern const struct ms_arg ms_result_thread;

/* Appends ,"total":...,"hasMore":... and closes the object. */
void ms_put_page(struct ms_buf *out, const mastra_page *page);

/* Appends an array of messages. */
void ms_put_messages(struct ms_buf *out, const mastra_message_list *list, unsigned flags);

#endif
