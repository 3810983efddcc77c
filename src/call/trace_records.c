/* Operations on the traces of Mastra 0.x: arguments, results, handlers. */
#include "call/common.h"
#include "domains/evals.h"

/* batchTraceInsert */

struct insert_args {
    const mastra_trace_record *const *records;
    size_t count;
};

static const struct insert_args insert_blank = {NULL, 0};

static const struct ms_arg insert_table[] = {
    {.name = "records",
     .type = MS_ARG_RECORDS,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct insert_args, records),
     .also = offsetof(struct insert_args, count),
     .entity = MS_TRACE},
};

static mastra_status batch_trace_insert(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct insert_args *insert = args;

    (void)out;
    return ms_batch_trace_insert(call, insert->records, insert->count);
}

/* getTraces */

static const mastra_get_traces_args get_blank = MASTRA_GET_TRACES_INIT;

#define GET(field) offsetof(mastra_get_traces_args, field)
static const struct ms_arg date_range[] = {
    {.name = "start", .type = MS_ARG_TIME, .offset = GET(from_date), .about = "the same as fromDate"},
    {.name = "end", .type = MS_ARG_TIME, .offset = GET(to_date), .about = "the same as toDate"},
};

#define PAGE_ARGS                                                                                            \
    MS_PAGE_ARG(mastra_get_traces_args),                                                                     \
        MS_PER_PAGE_ARG(mastra_get_traces_args, "100", "must be false or a safe integer", "INVALID_PAGE")

static const struct ms_arg get_page[] = {PAGE_ARGS};

/* Of two names for one thing the later in the table wins. */
static const struct ms_arg get_table[] = {
    {.name = "name", .type = MS_ARG_TEXT, .offset = GET(name), .about = "what the name begins with"},
    {.name = "scope", .type = MS_ARG_TEXT, .offset = GET(scope), .about = "absent or empty: any"},
    {.name = "attributes",
     .type = MS_ARG_OBJECT,
     .offset = GET(attributes),
     .about = "every member must equal the record's attribute of that name"},
    {.name = "filters",
     .type = MS_ARG_OBJECT,
     .offset = GET(filters),
     .about = "column to text, number or null; the record's must equal it"},
    PAGE_ARGS,
    {.name = "pagination", .type = MS_ARG_GROUP, .members = get_page, .member_count = MS_COUNT(get_page)},
    {.name = "dateRange",
     .type = MS_ARG_GROUP,
     .members = date_range,
     .member_count = MS_COUNT(date_range),
     .about = "of createdAt"},
    {.name = "fromDate", .type = MS_ARG_TIME, .offset = GET(from_date), .about = "of createdAt, inclusive"},
    {.name = "toDate", .type = MS_ARG_TIME, .offset = GET(to_date), .about = "of createdAt, inclusive"},
};
#undef GET

static const struct ms_arg get_result = {.type = MS_ARG_RECORDS, .entity = MS_TRACE};

static mastra_status get_traces(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_trace_record_list *records = NULL;
    mastra_status status = ms_get_traces(call, args, &records);

    if (status == MASTRA_OK) {
        ms_put_list(out, MS_TRACE, records, 0);
    }
    mastra_trace_record_list_free(records);
    return status;
}

/* The operations. */

#define ENTRY(c_name, text, table, initial, returned, sample)                                                \
    {                                                                                                        \
        MS_OPERATION("traces", c_name, text, table, initial, returned, NULL, sample, 0)                      \
    }

static const struct ms_operation operations[] = {
    ENTRY(batch_trace_insert, "Creates or replaces trace records of Mastra 0.x, all or none.", insert_table,
          insert_blank, ms_result_null,
          "{\"records\":[{\"id\":\"span1\",\"parentSpanId\":null,\"traceId\":\"trace1\","
          "\"name\":\"agent.generate\",\"scope\":\"agent\",\"kind\":0,\"attributes\":{\"model\":\"m1\"},"
          "\"status\":{\"code\":0},\"events\":[],\"links\":[],\"startTime\":1704067200000000,"
          "\"endTime\":1704067200250000}]}"),
    ENTRY(get_traces, "Lists trace records of Mastra 0.x, the latest start first.", get_table, get_blank,
          get_result, "{\"name\":\"agent.\",\"attributes\":{\"model\":\"m1\"},\"perPage\":50}"),
};

const struct ms_operation_set ms_trace_record_operations = {operations, MS_COUNT(operations)};
