/* Operations on evals: arguments, results, handlers. */
#include "domains/evals.h"
#include "call/common.h"

static const struct ms_choice eval_types[] = {
    {"test", MASTRA_EVAL_TEST, false},
    {"live", MASTRA_EVAL_LIVE, false},
    {NULL, 0, false},
};

#define TYPE_ABOUT "test: testInfo has a testPath; live: it has none; anything else: all"

/* saveEval */

struct save_args {
    mastra_eval eval;
};

static const struct save_args save_blank = {MASTRA_EVAL_INIT};

static const struct ms_arg save_table[] = {
    {.name = "eval",
     .type = MS_ARG_RECORD,
     .flags = MS_ARG_REQUIRED | MS_ARG_BARE,
     .offset = offsetof(struct save_args, eval),
     .entity = MS_EVAL},
};

static mastra_status save_eval(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct save_args *save = args;

    (void)out;
    return ms_save_eval(call, &save->eval);
}

static void put_evals(struct ms_buf *out, const mastra_eval_list *list)
{
    ms_put_list(out, MS_EVAL, list, MS_OMIT_ABSENT);
}

/* getEvals, listEvals */

static const mastra_get_evals_args list_blank = MASTRA_GET_EVALS_INIT;

#define LIST(field) offsetof(mastra_get_evals_args, field)
static const struct ms_arg date_range[] = {
    {.name = "start", .type = MS_ARG_TIME, .offset = LIST(start_date), .about = "inclusive"},
    {.name = "end", .type = MS_ARG_TIME, .offset = LIST(end_date), .about = "inclusive"},
};

static const struct ms_arg list_table[] = {
    {.name = "agentName", .type = MS_ARG_TEXT, .offset = LIST(agent_name), .about = "absent or empty: any"},
    {.name = "type", .type = MS_ARG_CHOICE, .offset = LIST(type), .choices = eval_types, .about = TYPE_ABOUT},
    {.name = "dateRange", .type = MS_ARG_GROUP, .members = date_range, .member_count = MS_COUNT(date_range)},
    MS_PAGE_ARG(mastra_get_evals_args),
    MS_PER_PAGE_ARG(mastra_get_evals_args, "100", "must be false or a safe integer", "INVALID_PAGE"),
};
#undef LIST

static const struct ms_arg list_members[] = {MS_PAGE_RESULT("evals", MS_EVAL)};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static mastra_status get_evals(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_eval_list *evals = NULL;
    mastra_status status = ms_get_evals(call, args, &evals);

    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "{\"evals\":");
        put_evals(out, evals);
        ms_put_page(out, mastra_eval_list_page(evals));
    }
    mastra_eval_list_free(evals);
    return status;
}

static mastra_status list_evals(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return get_evals(call, args, out);
}

/* getEvalsByAgentName */

struct agent_args {
    mastra_str agent_name;
    mastra_eval_type type;
};

_Static_assert(sizeof(mastra_eval_type) == sizeof(int), "choices are stored as int");

static const struct agent_args agent_blank = {{NULL, 0}, MASTRA_EVAL_ANY};

static const struct ms_arg agent_table[] = {
    {.name = "agentName",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT | MS_ARG_BARE,
     .offset = offsetof(struct agent_args, agent_name)},
    {.name = "type",
     .type = MS_ARG_CHOICE,
     .offset = offsetof(struct agent_args, type),
     .choices = eval_types,
     .about = TYPE_ABOUT},
};

static const struct ms_arg agent_result = {.type = MS_ARG_RECORDS, .entity = MS_EVAL};

static mastra_status get_evals_by_agent_name(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct agent_args *agent = args;
    mastra_eval_list *evals = NULL;
    mastra_status status = ms_get_evals_by_agent_name(call, agent->agent_name, agent->type, &evals);

    if (status == MASTRA_OK) {
        put_evals(out, evals);
    }
    mastra_eval_list_free(evals);
    return status;
}

/* The operations. */

#define ENTRY(c_name, text, table, initial, returned, sample)                                                \
    {                                                                                                        \
        MS_OPERATION("evals", c_name, text, table, initial, returned, NULL, sample, 0)                       \
    }

static const struct ms_operation operations[] = {
    ENTRY(
        save_eval, "Adds an eval.", save_table, save_blank, ms_result_null,
        "{\"input\":\"Hi\",\"output\":\"Hello!\",\"result\":{\"score\":0.9},\"agentName\":\"helper\","
        "\"metricName\":\"tone\",\"instructions\":\"Be kind.\",\"globalRunId\":\"all1\",\"runId\":\"run1\"}"),
    ENTRY(get_evals, "Lists evals, newest first.", list_table, list_blank, list_result,
          "{\"agentName\":\"helper\",\"type\":\"live\",\"perPage\":50}"),
    ENTRY(list_evals, "The same as getEvals.", list_table, list_blank, list_result,
          "{\"page\":0,\"perPage\":1}"),
    ENTRY(get_evals_by_agent_name, "Lists all evals of an agent, newest first.", agent_table, agent_blank,
          agent_result, "{\"agentName\":\"helper\"}"),
};

const struct ms_operation_set ms_eval_operations = {operations, MS_COUNT(operations)};
