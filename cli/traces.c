/* Commands around traces: traces, trace. */
#include "cli.h"
#include "json.h"
#include "request.h"
#include "table.h"
#include "text.h"
#include "waterfall.h"

#include <stdlib.h>

#define PER_PAGE 20 /* a screen full */

static const char *const status_names[] = {
    [MASTRA_TRACE_ANY] = "-",
    [MASTRA_TRACE_SUCCESS] = "success",
    [MASTRA_TRACE_ERROR] = "error",
    [MASTRA_TRACE_RUNNING] = "running",
};

static mastra_str status_text(const mastra_span *root)
{
    return mastra_str_of(status_names[root ? mastra_trace_status_of(root) : MASTRA_TRACE_ANY]);
}

/* traces */

static int show_traces(const mastra_span_list *roots, bool wide)
{
    static const struct table_column columns[] = {
        {"STARTED (UTC)", TABLE_WHOLE}, {"DURATION", TABLE_WHOLE}, {"NAME", TABLE_TEXT}, {"TYPE", TABLE_TEXT},
        {"STATUS", TABLE_WHOLE},        {"ENTITY", TABLE_TEXT},    {"TRACE", TABLE_ID},  {NULL, TABLE_TEXT}};
    size_t count = mastra_span_list_count(roots);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_span *root = mastra_span_list_at(roots, i);

        table_add_time(&table, root->started_at);
        table_add_span(&table, root->started_at, root->ended_at);
        table_add_text(&table, root->name);
        table_add_text(&table, root->span_type);
        table_add_text(&table, status_text(root));
        table_add_text(&table, root->entity_name.ptr ? root->entity_name : root->entity_id);
        table_add_text(&table, root->trace_id);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("trace", count, mastra_span_list_page(roots));
    }
    return code;
}

static int print_traces(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_open(&request, "filters", '{');
    if (options->given & (OPTION_FROM | OPTION_TO)) {
        request_open(&request, "startedAt", '{');
        request_add_time(&request, "start", options->from);
        request_add_time(&request, "end", options->to);
        request_close(&request, '}');
    }
    request_add_text(&request, "name", options->name);
    request_add_text(&request, "entityType", options->entity_type);
    request_add_text(&request, "entityId", options->entity);
    request_add_text(&request, "status", options->status);
    if (options->errors) {
        request_add_bool(&request, "hasChildError", true);
    }
    request_close(&request, '}');
    request_open(&request, "pagination", '{');
    request_add_page(&request, options);
    request_close(&request, '}');
    return request_print(cli, "listTraces", &request);
}

static bool read_status(const char *name, mastra_trace_status *ret)
{
    for (int i = MASTRA_TRACE_SUCCESS; i <= MASTRA_TRACE_RUNNING; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *ret = (mastra_trace_status)i;
            return true;
        }
    }
    return false;
}

int run_traces(struct cli *cli)
{
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_span match = MASTRA_SPAN_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct options *options = &cli->options;
    mastra_span_list *roots = NULL;
    int code;

    if (options->status && !read_status(options->status, &args.status)) {
        return cli_complain(MASTRA_USAGE, "--status must be success, error or running, not \"%s\"",
                            cli_shown(options->status));
    }
    code = cli_open(cli);
    if (code != 0) {
        return code;
    }
    options->per_page = options->per_page == MASTRA_PER_PAGE_DEFAULT ? PER_PAGE : options->per_page;
    if (options->json) {
        return print_traces(cli);
    }
    match.name = mastra_str_of(options->name);
    match.entity_type = mastra_str_of(options->entity_type);
    match.entity_id = mastra_str_of(options->entity);
    args.match = &match;
    args.started_from = options->from;
    args.started_to = options->to;
    args.has_child_error = options->errors ? 1 : -1;
    args.page = options->page;
    args.per_page = options->per_page;
    if (mastra_list_traces(cli->store, &args, &roots, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_traces(roots, options->wide);
    mastra_span_list_free(roots);
    return code;
}

/* trace */

struct counts {
    const mastra_span *root;
    size_t spans;
    size_t errors;
    size_t events;
    size_t running;
};

static struct counts count_spans(const mastra_span_list *spans)
{
    struct counts counts = {.spans = mastra_span_list_count(spans)};

    for (size_t i = 0; i < counts.spans; i++) {
        const mastra_span *span = mastra_span_list_at(spans, i);
        bool failed = !json_is_null(span->error);

        if (!span->parent_span_id.ptr && !counts.root) {
            counts.root = span;
        }
        counts.errors += failed;
        counts.events += span->is_event;
        counts.running += !span->is_event && !failed && span->ended_at == MASTRA_TIME_NONE;
    }
    return counts;
}

static void print_count(const char **separator, size_t count, const char *noun, const char *ending)
{
    if (count > 0) {
        printf("%s%zu %s%s", *separator, count, noun, count > 1 ? ending : "");
        *separator = ", ";
    }
}

static void print_head(const mastra_span_list *spans)
{
    struct counts counts = count_spans(spans);
    const char *separator = " (";

    show_title("Trace", mastra_span_list_at(spans, 0)->trace_id);
    show_fact_time("started", mastra_span_list_at(spans, 0)->started_at);
    show_fact("status", status_text(counts.root));
    printf("  %-10s  %zu", "spans", counts.spans);
    print_count(&separator, counts.errors, "error", "s");
    print_count(&separator, counts.events, "event", "s");
    print_count(&separator, counts.running, "running", "");
    fputs(separator[0] == ',' ? ")\n\n" : "\n\n", stdout);
}

static int no_trace(const char *id)
{
    return cli_complain(MASTRA_NOT_FOUND, "there is no trace \"%s\"", cli_shown(id));
}

static int print_trace(struct cli *cli)
{
    struct request request;
    bool missing = false;
    int code;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, "traceId", cli->args[0]);
    code = request_print_or_null(cli, "getTrace", &request, &missing);
    return missing ? no_trace(cli->args[0]) : code;
}

int run_trace(struct cli *cli)
{
    struct waterfall_style style = {.width = text_terminal_width(),
                                    .whole = cli->options.wide,
                                    .utf8 = text_is_utf8(),
                                    .coloured = text_is_coloured()};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span_list *spans = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_trace(cli);
    }
    if (mastra_get_trace_light(cli->store, mastra_str_of(cli->args[0]), &spans, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    if (!spans) {
        return no_trace(cli->args[0]);
    }
    print_head(spans);
    if (!waterfall_print(stdout, spans, &style)) {
        code = cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    mastra_span_list_free(spans);
    return code;
}
