/* Commands around workflow runs: runs, run, locks. */
#include "cli.h"
#include "json.h"
#include "moment.h"
#include "request.h"
#include "table.h"
#include "text.h"

#include <stdlib.h>

#define PER_PAGE 100 /* snapshots are large: not all of them unless asked */

/* runs */

static int show_runs(const mastra_workflow_run_list *list, bool wide)
{
    static const struct table_column columns[] = {{"RUN", TABLE_ID},
                                                  {"WORKFLOW", TABLE_TEXT},
                                                  {"STATUS", TABLE_WHOLE},
                                                  {"CREATED (UTC)", TABLE_WHOLE},
                                                  {"UPDATED (UTC)", TABLE_WHOLE},
                                                  {"SIZE", TABLE_WHOLE},
                                                  {NULL, TABLE_TEXT}};
    size_t count = mastra_workflow_run_list_count(list);
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_workflow_run *run = mastra_workflow_run_list_at(list, i);

        table_add_text(&table, run->run_id);
        table_add_text(&table, run->workflow_name);
        table_add_json(&table, json_member(run->snapshot, "status"));
        table_add_time(&table, run->created_at);
        table_add_time(&table, run->updated_at);
        table_add_size(&table, run->snapshot.len);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("run", count, mastra_workflow_run_list_page(list));
    }
    return code;
}

static int print_runs(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct request request;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, "workflowName", options->workflow);
    request_add_text(&request, "status", options->status);
    request_add_text(&request, "resourceId", options->resource);
    request_add_text(&request, "threadId", options->thread);
    request_add_time(&request, "fromDate", options->from);
    request_add_time(&request, "toDate", options->to);
    request_add_page(&request, options);
    return request_print(cli, "listWorkflowRuns", &request);
}

int run_runs(struct cli *cli)
{
    mastra_list_workflow_runs_args args = MASTRA_LIST_WORKFLOW_RUNS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct options *options = &cli->options;
    mastra_workflow_run_list *list = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    options->per_page = options->per_page == MASTRA_PER_PAGE_DEFAULT ? PER_PAGE : options->per_page;
    if (options->json) {
        return print_runs(cli);
    }
    args.workflow_name = mastra_str_of(options->workflow);
    args.status = mastra_str_of(options->status);
    args.resource_id = mastra_str_of(options->resource);
    args.thread_id = mastra_str_of(options->thread);
    args.from_date = options->from;
    args.to_date = options->to;
    args.page = options->page;
    args.per_page = options->per_page;
    if (mastra_list_workflow_runs(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_runs(list, options->wide);
    mastra_workflow_run_list_free(list);
    return code;
}

/* run */

/* A JSON value: a string without its quotes. */
static bool print_fact_json(const char *name, mastra_str value)
{
    mastra_str text;
    char *owned;
    bool ok = json_text(value, &text, &owned);

    if (ok) {
        show_fact(name, text);
    }
    free(owned);
    return ok;
}

/* The steps that the run waits for: the names in an object of them. */
static bool print_names(const char *fact, mastra_str object)
{
    struct json_iter iter;
    mastra_str name;
    mastra_str path;
    bool ok = true;

    json_iter_init(&iter, object);
    while (ok && iter.object && json_next(&iter, &name, &path)) {
        ok = print_fact_json(fact, name);
    }
    return ok;
}

static bool print_facts(const mastra_workflow_run *run)
{
    mastra_str error = json_error_text(json_member(run->snapshot, "error"));
    bool ok;

    show_title("Run", run->run_id);
    show_fact("workflow", run->workflow_name);
    ok = print_fact_json("status", json_member(run->snapshot, "status"));
    show_fact("resource", run->resource_id);
    show_fact_time("created", run->created_at);
    show_fact_time("updated", run->updated_at);
    fputs("  snapshot    ", stdout);
    text_write_size(stdout, run->snapshot.len);
    putchar('\n');
    ok = ok && print_names("suspended", json_member(run->snapshot, "suspendedPaths")) &&
         print_names("waiting", json_member(run->snapshot, "waitingPaths"));
    if (!json_is_null(error)) {
        ok = ok && print_fact_json("error", error);
    }
    return ok;
}

static bool has_key(mastra_str key, const char *name)
{
    return key.len == strlen(name) + 2 && memcmp(key.ptr + 1, name, key.len - 2) == 0;
}

static void add_step(struct table *table, mastra_str name, mastra_str step)
{
    mastra_str detail = json_error_text(json_member(step, "error"));
    mastra_time started = json_time(json_member(step, "startedAt"));

    if (json_is_null(detail)) {
        detail = json_member(step, "suspendPayload");
    }
    table_add_json(table, name);
    table_add_json(table, json_member(step, "status"));
    table_add_time(table, started);
    table_add_span(table, started, json_time(json_member(step, "endedAt")));
    table_add_json(table, detail);
}

/* The members of the snapshot's context are the results of the steps, and the input. */
static int show_steps(mastra_str context, bool wide)
{
    static const struct table_column columns[] = {{"STEP", TABLE_TEXT},           {"STATUS", TABLE_WHOLE},
                                                  {"STARTED (UTC)", TABLE_WHOLE}, {"DURATION", TABLE_WHOLE},
                                                  {"DETAIL", TABLE_TEXT},         {NULL, TABLE_TEXT}};
    struct json_iter iter;
    struct table table;
    mastra_str name;
    mastra_str step;

    table_init(&table, columns);
    json_iter_init(&iter, context);
    while (iter.object && json_next(&iter, &name, &step)) {
        if (!has_key(name, "input")) {
            add_step(&table, name, step);
        }
    }
    if (table.cell_count > 0) {
        putchar('\n');
    }
    return table_finish(&table, wide);
}

static int no_run(const char *id)
{
    return cli_complain(MASTRA_NOT_FOUND, "there is no run \"%s\"", cli_shown(id));
}

static int print_run(struct cli *cli)
{
    struct request request;
    bool missing = false;
    int code;

    if (!request_begin(&request)) {
        return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
    }
    request_add_text(&request, "runId", cli->args[0]);
    request_add_text(&request, "workflowName", cli->options.workflow);
    code = request_print_or_null(cli, "getWorkflowRunById", &request, &missing);
    return missing ? no_run(cli->args[0]) : code;
}

int run_run(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_workflow_run *run = NULL;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        return print_run(cli);
    }
    if (mastra_get_workflow_run_by_id(cli->store, mastra_str_of(cli->args[0]),
                                      mastra_str_of(cli->options.workflow), &run, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    if (!run) {
        return no_run(cli->args[0]);
    }
    if (print_facts(run)) {
        code = show_steps(json_member(run->snapshot, "context"), cli->options.wide);
    } else {
        code = cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    mastra_workflow_run_free(run);
    return code;
}

/* locks */

static int show_locks(const mastra_run_lock_list *list, bool wide)
{
    static const struct table_column columns[] = {{"WORKFLOW", TABLE_TEXT},
                                                  {"RUN", TABLE_ID},
                                                  {"OWNER", TABLE_ID},
                                                  {"GENERATION", TABLE_WHOLE},
                                                  {"ACQUIRED (UTC)", TABLE_WHOLE},
                                                  {"EXPIRES IN", TABLE_WHOLE},
                                                  {NULL, TABLE_TEXT}};
    size_t count = mastra_run_lock_list_count(list);
    mastra_time now = moment_now();
    struct table table;
    int code;

    table_init(&table, columns);
    for (size_t i = 0; i < count; i++) {
        const mastra_run_lock *lock = mastra_run_lock_list_at(list, i);

        table_add_text(&table, lock->workflow_name);
        table_add_text(&table, lock->run_id);
        table_add_text(&table, lock->owner_id);
        table_add_integer(&table, lock->generation);
        table_add_time(&table, lock->acquired_at);
        table_add_span(&table, now, lock->expires_at);
    }
    code = table_finish(&table, wide);
    if (code == 0) {
        show_page("lock", count, mastra_run_lock_list_page(list));
    }
    return code;
}

int run_locks(struct cli *cli)
{
    mastra_list_run_locks_args args = MASTRA_LIST_RUN_LOCKS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_run_lock_list *list = NULL;
    struct request request;
    int code = cli_open(cli);

    if (code != 0) {
        return code;
    }
    if (cli->options.json) {
        if (!request_begin(&request)) {
            return mastra_status_exit_code(MASTRA_OUT_OF_MEMORY);
        }
        request_add_page(&request, &cli->options);
        return request_print(cli, "listWorkflowRunLocks", &request);
    }
    args.page = cli->options.page;
    args.per_page = cli->options.per_page;
    if (mastra_list_workflow_run_locks(cli->store, &args, &list, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    code = show_locks(list, cli->options.wide);
    mastra_run_lock_list_free(list);
    return code;
}
