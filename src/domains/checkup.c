#include "domains/checkup.h"

#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "store/store.h"

MS_CHECKUP_OPS(MS_OP_DEFINE_ALONE)

/* A fault of the database as such, kept so that it can be told after a repair. */
struct fault {
    struct fault *next;
    enum ms_fault fault;
    const char *table;
    mastra_str what;
    bool repaired;
};

struct checkup {
    struct ms_call *call;
    mastra_check_args args;
    mastra_check_report report;
    struct ms_arena *arena;
    struct fault *first;
    struct fault *last;
    struct ms_pair pair; /* the table at hand, beside nothing */
};

static void tell(struct checkup *checkup, mastra_problem *problem)
{
    problem->size = sizeof *problem;
    checkup->report.problems++;
    checkup->report.repaired += problem->repaired;
    if (checkup->args.tell) {
        checkup->args.tell(checkup->args.user, problem);
    }
}

static mastra_status tell_row(struct checkup *checkup, mastra_problem_kind kind, const void *row,
                              mastra_str what, bool repaired)
{
    mastra_problem problem = {
        .kind = kind, .table = checkup->pair.entity->table, .what = what, .repaired = repaired};
    struct ms_buf key;
    mastra_status failed;

    ms_buf_init(&key, ms_store_heap(checkup->call->store), 0);
    ms_put_row_name(&key, checkup->pair.entity, row);
    failed = key.failed;
    if (failed == MASTRA_OK) {
        problem.key = ms_buf_view(&key);
        tell(checkup, &problem);
    }
    ms_buf_release(&key);
    return failed == MASTRA_OK ? MASTRA_OK : ms_error_oom(&checkup->call->error);
}

/* The database as such. */

static bool note_fault(void *arg, enum ms_fault fault, const char *table, mastra_str what)
{
    struct checkup *checkup = arg;
    struct fault *noted = ms_arena_calloc(checkup->arena, sizeof *noted);

    if (!noted || !ms_arena_str(checkup->arena, what, &noted->what)) {
        return false;
    }
    noted->fault = fault;
    noted->table = table;
    if (checkup->last) {
        checkup->last->next = noted;
    } else {
        checkup->first = noted;
    }
    checkup->last = noted;
    return true;
}

static mastra_status inspect(struct ms_unit *unit, void *arg)
{
    struct checkup *checkup = arg;
    const struct ms_backend_ops *ops = unit->session->backend->ops;

    checkup->first = NULL;
    checkup->last = NULL;
    return ops->inspect ? ops->inspect(unit->session, note_fault, checkup, unit->error) : MASTRA_OK;
}

static bool is_missing_part(const struct fault *fault)
{
    return fault->fault == MS_FAULT_TABLE || fault->fault == MS_FAULT_COLUMN ||
           fault->fault == MS_FAULT_INDEX;
}

static bool has_fault(const struct fault *first, const struct fault *wanted)
{
    for (const struct fault *fault = first; fault; fault = fault->next) {
        if (fault->fault == wanted->fault && ms_str_compare(fault->what, wanted->what) == 0) {
            return true;
        }
    }
    return false;
}

/* Spans that share a key, as tables of an older form may hold them: the peer's own repair takes the one that has ended
 * before one that has not, then the one that was updated last, then the one that was made last. */
static mastra_status erase_repeats(struct ms_unit *unit, void *arg)
{
    const struct ms_repeats repeats = {
        ms_entity(MS_SPAN), MS_SPAN_ENDED_AT, {MS_SPAN_UPDATED_AT, MS_SPAN_CREATED_AT}};

    return ms_unit_erase_repeats(unit, &repeats, arg);
}

static bool lacks_index(const struct checkup *checkup, const struct ms_entity *entity)
{
    for (const struct fault *fault = checkup->first; fault; fault = fault->next) {
        if (fault->fault == MS_FAULT_INDEX && !fault->repaired && strcmp(fault->table, entity->table) == 0) {
            return true;
        }
    }
    return false;
}

static mastra_status make_parts(struct checkup *checkup)
{
    mastra_status status = ms_store_init(checkup->call);

    return status == MASTRA_OK ? ms_read(checkup->call, MS_READ_SNAPSHOT, inspect, checkup, NULL) : status;
}

/* What still lacks an index may do so because of its rows. */
static mastra_status repair_repeats(struct checkup *checkup)
{
    struct ms_arena *arena = NULL;
    struct ms_rows erased = {NULL, 0};
    mastra_status status = MASTRA_OK;

    if (!checkup->call->store->backend->ops->erase_repeats || !lacks_index(checkup, ms_entity(MS_SPAN))) {
        return MASTRA_OK;
    }
    status = ms_transact(checkup->call, erase_repeats, &erased, &arena);
    checkup->pair.entity = ms_entity(MS_SPAN);
    for (size_t i = 0; status == MASTRA_OK && i < erased.count; i++) {
        status = tell_row(checkup, MASTRA_PROBLEM_DUPLICATE, erased.items[i], mastra_str_of(NULL), true);
    }
    ms_arena_free(arena);
    return status == MASTRA_OK && erased.count > 0 ? make_parts(checkup) : status;
}

/* Makes what is missing, and looks again. */
static mastra_status repair_schema(struct checkup *checkup)
{
    struct fault *before = checkup->first;
    mastra_status status;
    bool worth = false;

    for (struct fault *fault = before; fault; fault = fault->next) {
        worth = worth || is_missing_part(fault);
    }
    if (!worth) {
        return MASTRA_OK;
    }
    status = make_parts(checkup);
    if (status == MASTRA_OK) {
        status = repair_repeats(checkup);
    }
    for (struct fault *fault = before; status == MASTRA_OK && fault; fault = fault->next) {
        fault->repaired = is_missing_part(fault) && !has_fault(checkup->first, fault);
    }
    checkup->first = before;
    return status;
}

static mastra_status check_database(struct checkup *checkup)
{
    static const mastra_problem_kind kinds[] = {
        [MS_FAULT_DAMAGE] = MASTRA_PROBLEM_DAMAGE, [MS_FAULT_VERSION] = MASTRA_PROBLEM_VERSION,
        [MS_FAULT_TABLE] = MASTRA_PROBLEM_TABLE,   [MS_FAULT_COLUMN] = MASTRA_PROBLEM_COLUMN,
        [MS_FAULT_INDEX] = MASTRA_PROBLEM_INDEX,
    };
    mastra_status status = ms_read(checkup->call, MS_READ_SNAPSHOT, inspect, checkup, NULL);

    if (status == MASTRA_OK && checkup->args.repair) {
        status = repair_schema(checkup);
    }
    for (struct fault *fault = checkup->first; status == MASTRA_OK && fault; fault = fault->next) {
        mastra_problem problem = {.kind = kinds[fault->fault],
                                  .table = fault->table,
                                  .what = fault->what,
                                  .repaired = fault->repaired};

        tell(checkup, &problem);
    }
    return status;
}

static bool lacks_table(const struct checkup *checkup, enum ms_entity_id entity)
{
    for (const struct fault *fault = checkup->first; fault; fault = fault->next) {
        if (fault->fault == MS_FAULT_TABLE && !fault->repaired &&
            strcmp(fault->table, ms_entity(entity)->table) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a table may hold several rows of one key. */
static bool may_repeat(const struct checkup *checkup)
{
    const struct ms_entity *entity = checkup->pair.own;

    return (entity->key_form == MS_KEY_UNIQUE || entity->key_form == MS_KEY_UNIQUE_BACKWARDS) &&
           lacks_index(checkup, entity);
}

/* Rows one by one. */

static mastra_status check_values(struct checkup *checkup, const void *row)
{
    const struct ms_entity *entity = checkup->pair.entity;
    mastra_status status = MASTRA_OK;

    for (int i = 0; status == MASTRA_OK && i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (!(checkup->pair.from_columns & MS_BIT(i))) {
            continue;
        }
        if (column->type == MS_JSON && ms_field_str(column, row)->ptr &&
            !ms_json_check(*ms_field_str(column, row), NULL, NULL)) {
            status = tell_row(checkup, MASTRA_PROBLEM_JSON, row, mastra_str_of(column->name), false);
        } else if (column->type == MS_TIMESTAMP && column->null == MS_NOT_NULL &&
                   *ms_field_time(column, row) == MASTRA_TIME_NONE) {
            status = tell_row(checkup, MASTRA_PROBLEM_TIME, row, mastra_str_of(column->name), false);
        }
    }
    return status;
}

static mastra_status check_repeated(struct checkup *checkup, struct ms_tally *tally, const void *row)
{
    const struct ms_entity *entity = checkup->pair.entity;
    uint64_t keys = ms_entity_keys(checkup->pair.own);
    mastra_status status = MASTRA_OK;

    if (ms_tally_take(tally, entity, row, keys)) {
        status = tell_row(checkup, MASTRA_PROBLEM_DUPLICATE, row, mastra_str_of(NULL), false);
    }
    if (status == MASTRA_OK && !ms_tally_add(tally, entity, row, keys)) {
        status = ms_error_oom(&checkup->call->error);
    }
    return status;
}

/* Messages without their thread. */

struct orphans {
    const struct ms_rows *page;
    bool erase;
    bool *lost; /* of each row, by the last run */
};

static mastra_status find_orphans(struct ms_unit *unit, void *arg)
{
    struct orphans *orphans = arg;
    const struct ms_entity *threads = ms_entity(MS_THREAD);
    size_t count = orphans->page->count;
    void **wanted = ms_arena_alloc(unit->arena, (count + 1) * sizeof *wanted);
    void **found = NULL;
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; wanted && i < count; i++) {
        mastra_thread *thread = ms_unit_record(unit, MS_THREAD);

        if (!thread) {
            return MASTRA_OUT_OF_MEMORY;
        }
        thread->id = ((const mastra_message *)orphans->page->items[i])->thread_id;
        wanted[i] = thread;
    }
    if (!wanted) {
        return ms_error_oom(unit->error);
    }
    status = ms_find_rows(unit, threads, wanted, count, 0, orphans->erase, &found);
    for (size_t i = 0; status == MASTRA_OK && i < count; i++) {
        orphans->lost[i] = !found[i];
        if (orphans->lost[i] && orphans->erase) {
            status = ms_unit_erase(unit, MS_MESSAGE, &((const mastra_message *)orphans->page->items[i])->id);
        }
    }
    return status;
}

static bool any(const bool *flags, size_t count)
{
    return memchr(flags, true, count * sizeof *flags) != NULL;
}

static mastra_status check_threads(struct checkup *checkup, const struct ms_rows *page)
{
    bool lost[MS_WALK_ROWS] = {false};
    struct orphans orphans = {page, false, lost};
    mastra_status status = ms_read(checkup->call, MS_READ_ONE, find_orphans, &orphans, NULL);

    if (status == MASTRA_OK && checkup->args.delete_orphans && any(lost, page->count)) {
        orphans.erase = true;
        status = ms_transact(checkup->call, find_orphans, &orphans, NULL);
    }
    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        if (lost[i]) {
            status =
                tell_row(checkup, MASTRA_PROBLEM_ORPHAN, page->items[i],
                         ((const mastra_message *)page->items[i])->thread_id, checkup->args.delete_orphans);
        }
    }
    return status;
}

/* Spans without the root of their trace. */

struct roots {
    const struct ms_rows *page;
    struct ms_rows found; /* roots */
};

static mastra_status find_roots(struct ms_unit *unit, void *arg)
{
    struct roots *roots = arg;
    mastra_str *set = ms_arena_alloc(unit->arena, roots->page->count * sizeof *set);
    struct ms_query query;

    if (!set) {
        return ms_error_oom(unit->error);
    }
    for (size_t i = 0; i < roots->page->count; i++) {
        set[i] = ((const mastra_span *)roots->page->items[i])->trace_id;
    }
    ms_query_init(&query, MS_SPAN);
    query.columns = MS_BIT(MS_SPAN_TRACE_ID);
    query.order = MS_SPAN_TRACE_ID;
    ms_query_any_of(&query, MS_SPAN_TRACE_ID, set, roots->page->count);
    ms_query_null(&query, MS_SPAN_PARENT_SPAN_ID, true);
    return ms_unit_list(unit, &query, &roots->found);
}

static mastra_status check_roots(struct checkup *checkup, const struct ms_rows *page)
{
    struct roots roots = {page, {NULL, 0}};
    struct ms_arena *arena = NULL;
    struct ms_tally traces;
    mastra_status status = ms_read(checkup->call, MS_READ_ONE, find_roots, &roots, &arena);

    ms_tally_init(&traces, ms_store_heap(checkup->call->store));
    for (size_t i = 0; status == MASTRA_OK && i < roots.found.count; i++) {
        if (!ms_tally_add(&traces, ms_entity(MS_SPAN), roots.found.items[i], MS_BIT(MS_SPAN_TRACE_ID))) {
            status = ms_error_oom(&checkup->call->error);
        }
    }
    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        const mastra_span *span = page->items[i];

        if (!ms_tally_has(&traces, ms_entity(MS_SPAN), span, MS_BIT(MS_SPAN_TRACE_ID))) {
            status = tell_row(checkup, MASTRA_PROBLEM_NO_ROOT, span, span->trace_id, false);
        }
    }
    ms_tally_release(&traces);
    ms_arena_free(arena);
    return status;
}

/* Together. */

static mastra_status check_page(struct checkup *checkup, struct ms_tally *tally, bool repeats,
                                const struct ms_rows *page)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        status = check_values(checkup, page->items[i]);
        if (status == MASTRA_OK && repeats) {
            status = check_repeated(checkup, tally, page->items[i]);
        }
    }
    checkup->report.rows += (int64_t)page->count;
    ms_call_renew_deadline(checkup->call);
    if (status == MASTRA_OK && checkup->pair.own->id == MS_MESSAGE && !lacks_table(checkup, MS_THREAD)) {
        status = check_threads(checkup, page);
    } else if (status == MASTRA_OK && checkup->pair.own->id == MS_SPAN) {
        status = check_roots(checkup, page);
    }
    return status;
}

static mastra_status check_table(struct checkup *checkup)
{
    bool repeats = may_repeat(checkup);
    struct ms_tally tally;
    struct ms_walk walk;
    mastra_status status =
        ms_walk_begin(&walk, checkup->call, checkup->pair.entity, checkup->pair.from_columns, false, 0);

    ms_tally_init(&tally, ms_store_heap(checkup->call->store));
    while (status == MASTRA_OK && (status = ms_walk_next(&walk)) == MASTRA_OK && walk.page.count > 0) {
        status = check_page(checkup, &tally, repeats, &walk.page);
    }
    ms_tally_release(&tally);
    ms_walk_end(&walk);
    return status;
}

static mastra_status check_tables(struct checkup *checkup)
{
    mastra_status status = ms_survey_begin(checkup->call, MS_ALL_ENTITIES, NULL);

    for (int e = 0; status == MASTRA_OK && e < MS_ENTITY_COUNT; e++) {
        struct ms_call *failed = NULL;

        status = ms_pair_open(&checkup->pair, checkup->call, NULL, ms_entity(e), &failed);
        if (status == MASTRA_OK && checkup->pair.from_columns) {
            status = check_table(checkup);
        }
        ms_pair_close(&checkup->pair);
    }
    return status;
}

mastra_status ms_check(struct ms_call *call, const mastra_check_args *given, mastra_check_report *ret)
{
    struct checkup checkup = {.call = call, .args = MASTRA_CHECK_INIT, .report = MASTRA_CHECK_REPORT_INIT};
    mastra_status status;

    if (given) {
        memcpy(&checkup.args, given, given->size < sizeof checkup.args ? given->size : sizeof checkup.args);
    }
    checkup.arena = ms_arena_new(ms_store_heap(call->store), 0);
    if (!checkup.arena) {
        return ms_error_oom(&call->error);
    }
    status = check_database(&checkup);
    if (status == MASTRA_OK) {
        status = check_tables(&checkup);
    }
    ms_arena_free(checkup.arena);
    if (status == MASTRA_OK && ret) {
        checkup.report.size = ret->size;
        memcpy(ret, &checkup.report, ret->size < sizeof *ret ? ret->size : sizeof *ret);
    }
    return status;
}

mastra_status mastra_check(mastra_store *store, const mastra_check_args *args,
                           mastra_check_report *ret_report, mastra_error *error)
{
    MS_RUN(check, ms_check, args, ret_report);
}
