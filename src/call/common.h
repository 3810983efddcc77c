/* What the tables and handlers of all domains share. */
#ifndef CALL_COMMON_H
#define CALL_COMMON_H

#include "call/call.h"
#include "call/records.h"

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

extern const struct ms_choice ms_directions[];

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

/*
 * Fields of a row of the registry. Its handler is the static function of the same name. `write`: see struct ms_operation.
 * `sample` is the arguments of an example, as JSON text; `fails` the errors besides those that any call may end in, as
 * MS_FAILS(NOT_FOUND) | MS_FAILS(FENCED).
 */
#define MS_OPERATION(area, c_name, text, table, initial, returned, write, sample, fails)                     \
    .op = &ms_op_##c_name, .domain = (area), .summary = (text), .args = (table),                             \
    .arg_count = MS_COUNT(table), .blank = &(initial), .size = sizeof(initial), .result = &(returned),       \
    .handler = c_name, .answer = (write), .example = (sample), .errors = (fails)

/* The members of such an object. */
extern const struct ms_arg ms_page_members[];
#define MS_PAGE_MEMBER_COUNT 4

extern const struct ms_arg ms_result_null;
extern const struct ms_arg ms_result_boolean;

/* Appends a list's records, of whichever entity its items are, as an array. `list` is any of the public lists. */
void ms_put_list(struct ms_buf *out, enum ms_entity_id entity, const void *list, unsigned flags);

/* Appends ,"total":...,"hasMore":... and closes the object. */
void ms_put_page(struct ms_buf *out, const mastra_page *page);

/* Appends {"total":...,"hasMore":...}. */
void ms_put_page_object(struct ms_buf *out, const mastra_page *page);

#endif
