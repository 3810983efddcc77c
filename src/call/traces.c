/* Lists of traces: arguments, results, handlers. */
#include "call/common.h"
#include "domains/spans.h"

#include "base/error.h"

/* What the two operations read their arguments into. */
struct list_args {
    mastra_list_traces_args list;
    mastra_span match;
    int mode;
    uint64_t given; /* GIVEN_ bits */
    mastra_str after;
    int64_t limit;
};

enum list_mode {
    MODE_PAGE,
    MODE_DELTA,
};

#define GIVEN_PAGINATION (UINT64_C(1) << 0)
#define GIVEN_ORDER      (UINT64_C(1) << 1)
#define GIVEN_AFTER      (UINT64_C(1) << 2)
#define GIVEN_LIMIT      (UINT64_C(1) << 3)

static const struct list_args list_blank = {
    MASTRA_LIST_TRACES_INIT, MASTRA_SPAN_INIT, MODE_PAGE, 0, {NULL, 0}, 0};

#define AT(field) offsetof(struct list_args, field)

/* Filters. */

#define RANGE(from, to, from_exclusive, to_exclusive)                                                        \
    {.name = "start", .type = MS_ARG_TIME, .offset = AT(list.from)},                                         \
        {.name = "end", .type = MS_ARG_TIME, .offset = AT(list.to)},                                         \
        {.name = "startExclusive",                                                                           \
         .type = MS_ARG_BOOLEAN,                                                                             \
         .offset = AT(list.from_exclusive),                                                                  \
         .standard = "false"},                                                                               \
    {                                                                                                        \
        .name = "endExclusive", .type = MS_ARG_BOOLEAN, .offset = AT(list.to_exclusive), .standard = "false" \
    }

static const struct ms_arg started_range[] = {
    RANGE(started_from, started_to, started_from_exclusive, started_to_exclusive)};
static const struct ms_arg ended_range[] = {
    RANGE(ended_from, ended_to, ended_from_exclusive, ended_to_exclusive)};

static const struct ms_choice statuses[] = {
    {"success", MASTRA_TRACE_SUCCESS, false},
    {"error", MASTRA_TRACE_ERROR, false},
    {"running", MASTRA_TRACE_RUNNING, false},
    {NULL, 0, false},
};

#define GROUP(named, table)                                                                                  \
    {                                                                                                        \
        .name = (named), .type = MS_ARG_GROUP, .members = (table), .member_count = MS_COUNT(table)           \
    }
#define EQUAL(named, field)                                                                                  \
    {                                                                                                        \
        .name = (named), .type = MS_ARG_TEXT, .offset = AT(match.field)                                      \
    }
#define EQUAL_FREE(named, field)                                                                             \
    {                                                                                                        \
        .name = (named), .type = MS_ARG_FREE_TEXT, .offset = AT(match.field)                                 \
    }
#define HOLDS(named, field, what)                                                                            \
    {                                                                                                        \
        .name = (named), .type = MS_ARG_OBJECT, .offset = AT(match.field), .about = (what)                   \
    }

#define FILTERS                                                                                              \
    GROUP("startedAt", started_range), GROUP("endedAt", ended_range), EQUAL("traceId", trace_id),            \
        EQUAL_FREE("name", name), EQUAL("spanType", span_type), EQUAL("entityType", entity_type),            \
        EQUAL("entityId", entity_id), EQUAL_FREE("entityName", entity_name),                                 \
        EQUAL("parentEntityType", parent_entity_type), EQUAL("parentEntityId", parent_entity_id),            \
        EQUAL_FREE("parentEntityName", parent_entity_name), EQUAL("rootEntityType", root_entity_type),       \
        EQUAL("rootEntityId", root_entity_id), EQUAL_FREE("rootEntityName", root_entity_name),               \
        EQUAL("userId", user_id), EQUAL("organizationId", organization_id),                                  \
        EQUAL("resourceId", resource_id), EQUAL("runId", run_id), EQUAL("sessionId", session_id),            \
        EQUAL("threadId", thread_id), EQUAL("requestId", request_id), EQUAL("environment", environment),     \
        EQUAL("serviceName", service_name), EQUAL("entityVersionId", entity_version_id),                     \
        EQUAL("parentEntityVersionId", parent_entity_version_id),                                            \
        EQUAL("rootEntityVersionId", root_entity_version_id), EQUAL("experimentId", experiment_id),          \
        EQUAL("source", source), HOLDS("scope", scope, "every member must equal the root's"),                \
        HOLDS("metadata", metadata, "every member must equal the root's"),                                   \
        {.name = "tags",                                                                                     \
         .type = MS_ARG_ARRAY,                                                                               \
         .offset = AT(match.tags),                                                                           \
         .about = "the root must have all of them"},                                                         \
        {.name = "status",                                                                                   \
         .type = MS_ARG_CHOICE,                                                                              \
         .flags = MS_ARG_KNOWN,                                                                              \
         .offset = AT(list.status),                                                                          \
         .choices = statuses,                                                                                \
         .about = "of the root"},                                                                            \
    {                                                                                                        \
        .name = "hasChildError", .type = MS_ARG_BOOLEAN, .flags = MS_ARG_SPELLED | MS_ARG_INT,               \
        .offset = AT(list.has_child_error), .about = "whether any span of the trace has an error"            \
    }

static const struct ms_arg filters[] = {FILTERS};

/* Pages and order. */

#define PAGE_ARG                                                                                             \
    {                                                                                                        \
        .name = "page", .type = MS_ARG_INTEGER, .flags = MS_ARG_SPELLED, .offset = AT(list.page),            \
        .about = "number of the page, from 0", .standard = "0", .complaint = "must be >= 0",                 \
        .reason = "INVALID_PAGE"                                                                             \
    }

static const struct ms_arg pagination[] = {
    PAGE_ARG,
    {.name = "perPage",
     .type = MS_ARG_INTEGER,
     .flags = MS_ARG_SPELLED,
     .offset = AT(list.per_page),
     .about = "from 1 to 100",
     .standard = "10",
     .complaint = "must be from 1 to 100",
     .reason = "INVALID_PAGE"},
};

static const struct ms_arg loose_pagination[] = {
    PAGE_ARG,
    {.name = "perPage",
     .type = MS_ARG_PER_PAGE,
     .flags = MS_ARG_SPELLED,
     .offset = AT(list.per_page),
     .about = "most traces on a page; false: all",
     .standard = "10",
     .complaint = "must be >= 0",
     .reason = "INVALID_PAGE"},
    {.name = "dateRange",
     .type = MS_ARG_GROUP,
     .members = started_range,
     .member_count = MS_COUNT(started_range),
     .about = "of startedAt"},
};

static const struct ms_choice order_fields[] = {
    {"startedAt", MASTRA_SPAN_ORDER_STARTED_AT, false},
    {"endedAt", MASTRA_SPAN_ORDER_ENDED_AT, false},
    {NULL, 0, false},
};

static const struct ms_arg order[] = {
    {.name = "field",
     .type = MS_ARG_CHOICE,
     .offset = AT(list.order_by),
     .choices = order_fields,
     .standard = "\"startedAt\""},
    {.name = "direction",
     .type = MS_ARG_CHOICE,
     .offset = AT(list.direction),
     .choices = ms_directions,
     .standard = "\"DESC\""},
};

#define ORDER_ARG                                                                                            \
    {                                                                                                        \
        .name = "orderBy", .type = MS_ARG_GROUP, .flags = MS_ARG_LENIENT, .also = AT(given),                 \
        .bit = GIVEN_ORDER, .about = "anything unknown in it counts as absent", .members = order,            \
        .member_count = MS_COUNT(order)                                                                      \
    }

/* listTraces */

static const struct ms_choice modes[] = {
    {"page", MODE_PAGE, false},
    {"delta", MODE_DELTA, false},
    {NULL, 0, false},
};

static const struct ms_arg list_table[] = {
    {.name = "mode",
     .type = MS_ARG_CHOICE,
     .flags = MS_ARG_CLOSED | MS_ARG_KNOWN,
     .offset = AT(mode),
     .choices = modes,
     .about = "delta: answered with the first page",
     .standard = "\"page\""},
    GROUP("filters", filters),
    {.name = "pagination",
     .type = MS_ARG_GROUP,
     .also = AT(given),
     .bit = GIVEN_PAGINATION,
     .members = pagination,
     .member_count = MS_COUNT(pagination)},
    ORDER_ARG,
    {.name = "after",
     .type = MS_ARG_TEXT,
     .offset = AT(after),
     .also = AT(given),
     .bit = GIVEN_AFTER,
     .about = "in mode delta only"},
    {.name = "limit",
     .type = MS_ARG_INTEGER,
     .flags = MS_ARG_SPELLED,
     .offset = AT(limit),
     .also = AT(given),
     .bit = GIVEN_LIMIT,
     .about = "in mode delta only"},
};

static const struct ms_arg status_member[] = {
    {.name = "status", .type = MS_ARG_CHOICE, .flags = MS_ARG_REQUIRED, .choices = statuses},
};

static const struct ms_arg list_members[] = {
    {.name = "pagination",
     .type = MS_ARG_GROUP,
     .flags = MS_ARG_REQUIRED,
     .members = ms_page_members,
     .member_count = MS_PAGE_MEMBER_COUNT},
    {.name = "spans",
     .type = MS_ARG_RECORDS,
     .flags = MS_ARG_REQUIRED,
     .entity = MS_SPAN,
     .members = status_member,
     .member_count = MS_COUNT(status_member)},
};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static const char *status_name(mastra_trace_status status)
{
    const struct ms_choice *choice = statuses;

    while (choice->value != (int)status) {
        choice++;
    }
    return choice->name;
}

static void put_roots(struct ms_buf *out, const mastra_span_list *roots)
{
    const struct ms_entity *entity = ms_entity(MS_SPAN);

    ms_buf_add_text(out, "{\"pagination\":");
    ms_put_page_object(out, mastra_span_list_page(roots));
    ms_buf_add_text(out, ",\"spans\":[");
    for (size_t i = 0; i < mastra_span_list_count(roots); i++) {
        const mastra_span *root = mastra_span_list_at(roots, i);

        ms_buf_add_text(out, i ? ",{" : "{");
        ms_put_members(out, entity, root, ms_entity_all(entity), 0);
        ms_buf_printf(out, ",\"status\":\"%s\"}", status_name(mastra_trace_status_of(root)));
    }
    ms_buf_add_text(out, "]}");
}

typedef mastra_status (*list_fn)(struct ms_call *call, const mastra_list_traces_args *args,
                                 mastra_span_list **ret);

static mastra_status run_list(struct ms_call *call, list_fn fn, const struct list_args *args,
                              struct ms_buf *out)
{
    mastra_list_traces_args list = args->list;
    mastra_span_list *roots = NULL;
    mastra_status status;

    list.match = &args->match;
    status = fn(call, &list, &roots);
    if (status == MASTRA_OK) {
        put_roots(out, roots);
    }
    mastra_span_list_free(roots);
    return status;
}

/* Which arguments go with which mode. A store that keeps no record of changes answers a poll for them with its newest
 * traces, as Mastra's adapters do. */
static mastra_status check_mode(mastra_error *error, const struct list_args *args)
{
    static const struct {
        uint64_t bit;
        int mode;
        const char *name;
        const char *complaint;
    } rules[] = {
        {GIVEN_PAGINATION, MODE_PAGE, "pagination", "is not allowed in delta mode"},
        {GIVEN_ORDER, MODE_PAGE, "orderBy", "is not allowed in delta mode"},
        {GIVEN_AFTER, MODE_DELTA, "after", "is only allowed in delta mode"},
        {GIVEN_LIMIT, MODE_DELTA, "limit", "is only allowed in delta mode"},
    };

    for (size_t i = 0; i < MS_COUNT(rules); i++) {
        if ((args->given & rules[i].bit) && args->mode != rules[i].mode) {
            return ms_error_argument(error, rules[i].name, mastra_str_of(NULL), rules[i].complaint);
        }
    }
    return MASTRA_OK;
}

static mastra_status list_traces(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_status status = check_mode(&call->error, args);

    return status == MASTRA_OK ? run_list(call, ms_list_traces, args, out) : status;
}

/* getTracesPaginated: the older form, whose filters may also stand beside the pagination. */

static const struct ms_arg paginated_table[] = {
    GROUP("filters", filters),
    GROUP("pagination", loose_pagination),
    ORDER_ARG,
    FILTERS,
};

static mastra_status get_traces_paginated(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return run_list(call, ms_get_traces_paginated, args, out);
}

/* The operations. */

static const struct ms_operation operations[] = {
    {MS_OPERATION("observability", list_traces, "Lists traces by their roots, newest first.", list_table,
                  list_blank, list_result, NULL,
                  "{\"filters\":{\"entityId\":\"chef\",\"status\":\"success\"},\"pagination\":{\"page\":0,"
                  "\"perPage\":20}}",
                  0)},
    {MS_OPERATION("observability", get_traces_paginated,
                  "Lists traces by their roots, newest first; the older form of listTraces.", paginated_table,
                  list_blank, list_result, NULL,
                  "{\"entityId\":\"chef\",\"pagination\":{\"page\":0,\"perPage\":20}}", 0)},
};

const struct ms_operation_set ms_trace_operations = {operations, MS_COUNT(operations)};
