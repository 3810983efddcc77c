/* Sessions: units of work in as few exchanges as they can do with. */
#include "backends/postgres/postgres.h"
#include "base/clock.h"
#include "base/error.h"

/* From this offset on a page is counted first, and read from the nearer end. */
#define FAR_OFFSET 1000

mastra_status pg_begin(struct ms_backend *base, enum ms_session_mode mode, struct ms_session **ret,
                       mastra_error *error)
{
    struct postgres *backend = postgres_of(base);
    struct pg_session *session = ms_heap_calloc(backend->base.heap, sizeof *session);

    if (!session) {
        return ms_error_oom(error);
    }
    session->session.backend = base;
    session->owner = backend;
    session->mode = mode;
    session->clock = MASTRA_TIME_NONE;
    *ret = &session->session;
    return MASTRA_OK;
}

static void end(struct pg_session *session)
{
    pg_pool_give_back(session->connection);
    ms_arena_free(session->arena);
    ms_heap_release(session->owner->base.heap, session);
}

void pg_rollback(struct ms_session *base)
{
    struct pg_session *session = pg_session_of(base);
    struct pg_connection *connection = session->connection;
    mastra_error ignored = MASTRA_ERROR_INIT;

    if (connection && !connection->lost && PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
        pg_execute(connection, session->mode == MS_SESSION_WRITE ? "ROLLBACK" : "COMMIT", &ignored);
    }
    end(session);
}

mastra_status pg_apply(struct ms_session *base, const struct ms_write *first, bool *ret_begun,
                       mastra_error *error)
{
    (void)error;
    pg_session_of(base)->writes = first;
    *ret_begun = false;
    return MASTRA_OK;
}

static mastra_status add_commit(struct pg_plan *plan, mastra_error *error)
{
    mastra_status status = pg_plan_text(plan, "COMMIT", NULL, 0, false, error);

    if (status == MASTRA_OK) {
        plan->steps[plan->count - 1].commits = true;
    }
    return status;
}

mastra_status pg_commit(struct ms_session *base, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct postgres *backend = session->owner;
    struct pg_fate fate;
    struct pg_plan plan;
    mastra_status status;
    bool late;

    if (!session->writes && !session->begun) {
        end(session);
        return MASTRA_OK;
    }
    status = pg_plan_begin(&plan, session, error);
    if (status == MASTRA_OK && !session->begun && pg_has_fate(session)) {
        /* An answer of its own: it must be known before the commit is on its way. */
        status = pg_plan_run(&plan, error);
        status = status == MASTRA_OK ? pg_plan_begin(&plan, session, error) : status;
    }
    if (status == MASTRA_OK) {
        status = pg_plan_writes(&plan, session->writes, error);
    }
    if (status == MASTRA_OK) {
        status = add_commit(&plan, error);
    }
    if (status == MASTRA_OK) {
        status = pg_plan_run(&plan, error);
    }
    fate = session->fate;
    late = session->connection && session->connection->late;
    pg_rollback(base);
    return status == MASTRA_UNKNOWN_OUTCOME && fate.transaction[0] ? pg_look_up(backend, &fate, late, error)
                                                                   : status;
}

/* Reading. */

struct reading {
    struct pg_session *session;
    bool last; /* nothing more is read in this transaction */
    const struct ms_entity *entity;
    uint64_t columns;
    const struct ms_query *filter; /* NULL: the server has done it */
    struct ms_arena *arena;
    void **items;
    size_t count;
    size_t room;
    int64_t total; /* -1: none came */
    bool totalled; /* the first result is a page */
};

static bool append(struct reading *reading, void *record)
{
    if (reading->count == reading->room) {
        size_t room = reading->room ? reading->room * 2 : 64;
        void **grown = ms_arena_alloc(reading->arena, room * sizeof *grown);

        if (!grown) {
            return false;
        }
        if (reading->count > 0) {
            memcpy(grown, reading->items, reading->count * sizeof *grown);
        }
        reading->items = grown;
        reading->room = room;
    }
    reading->items[reading->count++] = record;
    return true;
}

static mastra_status read_rows(struct reading *reading, const PGresult *result, mastra_error *error)
{
    int rows = PQntuples(result);

    for (int i = 0; i < rows; i++) {
        void *record = NULL;

        if (!pg_row_read(result, i, reading->entity, reading->columns, reading->arena, &record)) {
            return ms_error_oom(error);
        }
        if ((!reading->filter || pg_row_matches(reading->filter, record)) && !append(reading, record)) {
            return ms_error_oom(error);
        }
    }
    if (reading->totalled && rows > 0) {
        reading->total = pg_int_at(result, 0, PQnfields(result) - 1);
    }
    return MASTRA_OK;
}

/* The rows, then the clock of those that are read with one. */
static mastra_status take_rows(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    struct reading *reading = arg;

    if (index == 0) {
        return read_rows(reading, result, error);
    }
    reading->session->clock = pg_time_at(result, 0, 0);
    return MASTRA_OK;
}

static mastra_status read_by(struct reading *reading, ms_sql_fn fn, const void *what, unsigned *ret_rows,
                             mastra_error *error)
{
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, reading->session, error);

    plan.read = take_rows;
    plan.arg = reading;
    if (status == MASTRA_OK) {
        status = pg_plan_add(&plan, fn, what, true, ret_rows, error);
    }
    if (status == MASTRA_OK && reading->entity->clocked) {
        status = pg_plan_text(&plan, pg_flavour_of(plan.session)->clock, NULL, 0, true, error);
    }
    if (status == MASTRA_OK && reading->last && reading->session->mode == MS_SESSION_SNAPSHOT) {
        status = add_commit(&plan, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}

static mastra_status note_absent(struct pg_session *session, const struct ms_entity *entity,
                                 const mastra_str *key, mastra_error *error)
{
    struct pg_absent *absent = ms_arena_calloc(session->arena, sizeof *absent);

    if (!absent) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < entity->key_count; i++) {
        if (!ms_arena_str(session->arena, key[i], &absent->key[i])) {
            return ms_error_oom(error);
        }
    }
    absent->entity = entity;
    absent->next = session->absent;
    session->absent = absent;
    return MASTRA_OK;
}

mastra_status pg_get(struct ms_session *base, const struct ms_entity *entity, const mastra_str *key,
                     bool lock, struct ms_arena *arena, void **ret, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct ms_sql_key row = {entity, key, lock};
    struct reading reading = {
        .session = session, .entity = entity, .columns = ms_entity_fields(entity), .arena = arena};
    mastra_status status = read_by(&reading, ms_sql_get, &row, NULL, error);

    *ret = status == MASTRA_OK && reading.count > 0 ? reading.items[0] : NULL;
    if (status == MASTRA_OK && lock && reading.count == 0) {
        status = note_absent(session, entity, key, error);
    }
    return status;
}

static void reverse(struct reading *reading)
{
    for (size_t i = 0; i < reading->count / 2; i++) {
        void *swapped = reading->items[i];

        reading->items[i] = reading->items[reading->count - 1 - i];
        reading->items[reading->count - 1 - i] = swapped;
    }
}

/* The window of a query over rows that were all read. */
static void cut(struct reading *reading, const struct ms_query *query)
{
    size_t offset = query->offset < (int64_t)reading->count ? (size_t)query->offset : reading->count;

    if (offset > 0) {
        reading->items += offset;
        reading->count -= offset;
    }
    if (query->limit >= 0 && (uint64_t)query->limit < reading->count) {
        reading->count = (size_t)query->limit;
    }
}

/* All rows that may be meant are read, and looked at here; *ret_total is how many are. */
static mastra_status list_loose(struct reading *reading, const struct ms_query *query, uint64_t needed,
                                int64_t *ret_total, mastra_error *error)
{
    struct ms_query wide = *query;
    mastra_status status;

    wide.columns |= needed;
    wide.offset = 0;
    wide.limit = MS_NO_LIMIT;
    wide.known_total = -1;
    reading->columns = wide.columns;
    reading->filter = query;
    status = read_by(reading, ms_sql_list, &wide, NULL, error);
    *ret_total = (int64_t)reading->count;
    cut(reading, query);
    return status;
}

/* Conditions on JSON depend on what the tables are made of. */
static mastra_status needs_look(struct pg_session *session, const struct ms_query *query, bool *ret_loose,
                                uint64_t *ret_columns, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    *ret_loose = pg_query_is_loose(session->owner, query, ret_columns);
    if (*ret_columns && !*ret_loose && !atomic_load(&session->owner->looked)) {
        status = pg_look_once(session->owner, error);
        *ret_loose = pg_query_is_loose(session->owner, query, ret_columns);
    }
    return status;
}

static mastra_status list(struct ms_session *base, const struct ms_query *query, bool last,
                          struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct reading reading = {.session = pg_session_of(base),
                              .last = last,
                              .entity = query->entity,
                              .columns = query->columns,
                              .arena = arena};
    bool loose = false;
    uint64_t needed = 0;
    int64_t total = 0;
    unsigned rows = 0;
    mastra_status status = needs_look(reading.session, query, &loose, &needed, error);

    if (status == MASTRA_OK && loose) {
        status = list_loose(&reading, query, needed, &total, error);
    } else if (status == MASTRA_OK) {
        status = read_by(&reading, ms_sql_list, query, &rows, error);
    }
    if (rows & MS_ROWS_REVERSED) {
        reverse(&reading);
    }
    ret->items = reading.items;
    ret->count = reading.count;
    return status;
}

mastra_status pg_list(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                      struct ms_rows *ret, mastra_error *error)
{
    return list(session, query, false, arena, ret, error);
}

mastra_status pg_erase_repeats(struct ms_session *session, const struct ms_repeats *repeats,
                               struct ms_arena *arena, struct ms_rows *ret, mastra_error *error)
{
    struct reading reading = {.session = pg_session_of(session),
                              .entity = repeats->entity,
                              .columns = ms_entity_keys(repeats->entity),
                              .arena = arena};
    mastra_status status = read_by(&reading, ms_sql_erase_repeats, repeats, NULL, error);

    *ret = (struct ms_rows){reading.items, reading.count};
    return status;
}

static mastra_status take_number(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    (void)index;
    (void)error;
    *(int64_t *)arg = pg_int_at(result, 0, 0);
    return MASTRA_OK;
}

static mastra_status count_exact(struct pg_session *session, const struct ms_query *query, int64_t *ret,
                                 mastra_error *error)
{
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, session, error);

    plan.read = take_number;
    plan.arg = ret;
    if (status == MASTRA_OK) {
        status = pg_plan_add(&plan, ms_sql_count, query, true, NULL, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}

static mastra_status count_loose(struct pg_session *session, const struct ms_query *query, uint64_t needed,
                                 int64_t *ret, mastra_error *error)
{
    struct ms_arena *arena = ms_arena_new(session->owner->base.heap, 0);
    struct reading reading = {.session = session, .entity = query->entity, .arena = arena};
    struct ms_query narrow = *query;
    mastra_status status;

    if (!arena) {
        return ms_error_oom(error);
    }
    narrow.columns = 0;
    narrow.side = MS_SIDE_ALL;
    narrow.lock = false;
    status = list_loose(&reading, &narrow, needed, ret, error);
    ms_arena_free(arena);
    return status;
}

mastra_status pg_count(struct ms_session *base, const struct ms_query *query, int64_t *ret,
                       mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    bool loose = false;
    uint64_t needed = 0;
    mastra_status status = needs_look(session, query, &loose, &needed, error);

    if (status != MASTRA_OK) {
        return status;
    }
    return loose ? count_loose(session, query, needed, ret, error) : count_exact(session, query, ret, error);
}

/* A total, and what it is a total of. */
struct counting {
    struct reading *page; /* that it is of */
    int64_t total;        /* -1: not known */
    mastra_str snapshot;  /* in the session's arena */
};

static mastra_status take_counted(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    struct counting *counting = arg;

    (void)index;
    counting->total = pg_int_at(result, 0, 0);
    return ms_arena_str(counting->page->session->arena, pg_str_at(result, 0, 1), &counting->snapshot)
               ? MASTRA_OK
               : ms_error_oom(error);
}

/* The rows of a page_since, whose last two columns are of the whole. */
static mastra_status take_page(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    struct counting *counting = arg;
    int last = PQnfields(result) - 1;

    (void)index;
    if (PQntuples(result) == 0) {
        return MASTRA_OK;
    }
    counting->total = pg_int_at(result, 0, last - 1);
    if (!ms_arena_str(counting->page->session->arena, pg_str_at(result, 0, last), &counting->snapshot)) {
        return ms_error_oom(error);
    }
    return read_rows(counting->page, result, error);
}

/* A page of a list that was counted before, in one statement, which counts again unless nothing was committed since. *ret_known
 * false: the list was not counted, or the page is behind its end by now; nothing was read then. */
static mastra_status known_page(struct reading *reading, const struct ms_query *query, int64_t *ret_total,
                                bool *ret_known, mastra_error *error)
{
    struct pg_session *session = reading->session;
    struct counting counting = {.page = reading, .total = -1};
    struct ms_sql_since since = {.query = query};
    struct pg_total before;
    struct pg_plan plan;
    unsigned rows = 0;
    mastra_status status = pg_plan_begin(&plan, session, error);

    if (status != MASTRA_OK || !pg_total_find(session, query, &before) || query->offset >= before.total) {
        return status;
    }
    since.snapshot = mastra_str_of(before.snapshot);
    since.total = before.total;
    plan.read = take_page;
    plan.arg = &counting;
    status = pg_plan_add(&plan, ms_sql_page_since, &since, true, &rows, error);
    if (status == MASTRA_OK) {
        status = pg_plan_run(&plan, error);
    }
    if (status != MASTRA_OK || counting.total < 0) {
        return status;
    }
    *ret_known = true;
    *ret_total = counting.total;
    pg_total_note(session, query, counting.total, counting.snapshot);
    if (rows & MS_ROWS_REVERSED) {
        reverse(reading);
    }
    return MASTRA_OK;
}

/* Counts for far_page, which begins the transaction, and for those that come after it. */
static mastra_status count_anew(struct pg_session *session, const struct ms_query *query, int64_t *ret,
                                mastra_error *error)
{
    struct reading none = {.session = session};
    struct counting counting = {.page = &none};
    const struct ms_sql_since since = {query, {"", 0}, 0};
    struct pg_plan plan;
    mastra_status status = pg_plan_begin(&plan, session, error);
    bool fits = status == MASTRA_OK && pg_total_fits(session, query);

    plan.read = fits ? take_counted : take_number;
    plan.arg = fits ? (void *)&counting : (void *)ret;
    if (status == MASTRA_OK) {
        status = fits ? pg_plan_add(&plan, ms_sql_count_since, &since, true, NULL, error)
                      : pg_plan_add(&plan, ms_sql_count, query, true, NULL, error);
    }
    if (status == MASTRA_OK) {
        status = pg_plan_run(&plan, error);
    }
    if (status == MASTRA_OK && fits) {
        *ret = counting.total;
        pg_total_note(session, query, counting.total, counting.snapshot);
    }
    return status;
}

/* Far from the beginning: count, then read from the nearer end, as of one moment. */
static mastra_status far_page(struct ms_session *base, const struct ms_query *query, struct ms_arena *arena,
                              struct ms_rows *ret, int64_t *ret_total, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    bool alone = session->mode == MS_SESSION_READ;
    struct ms_query known = *query;
    mastra_status status;

    if (alone) {
        session->mode = MS_SESSION_SNAPSHOT;
    }
    status = count_anew(session, query, ret_total, error);
    known.known_total = *ret_total;
    return status == MASTRA_OK && query->offset < *ret_total ? list(base, &known, alone, arena, ret, error)
                                                             : status;
}

mastra_status pg_page(struct ms_session *base, const struct ms_query *query, struct ms_arena *arena,
                      struct ms_rows *ret, int64_t *ret_total, mastra_error *error)
{
    struct reading reading = {.session = pg_session_of(base),
                              .entity = query->entity,
                              .columns = query->columns,
                              .arena = arena,
                              .total = -1,
                              .totalled = true};
    bool loose = false;
    uint64_t needed = 0;
    mastra_status status = needs_look(reading.session, query, &loose, &needed, error);

    if (status == MASTRA_OK && !loose && reading.session->mode == MS_SESSION_READ) {
        bool known = false;

        reading.totalled = false;
        status = known_page(&reading, query, ret_total, &known, error);
        if (status != MASTRA_OK || known) {
            ret->items = reading.items;
            ret->count = reading.count;
            return status;
        }
        reading.totalled = true;
        reading.count = 0;
    }
    if (status == MASTRA_OK && !loose && query->offset >= FAR_OFFSET) {
        return far_page(base, query, arena, ret, ret_total, error);
    }
    if (status == MASTRA_OK && loose) {
        reading.totalled = false;
        status = list_loose(&reading, query, needed, &reading.total, error);
    } else if (status == MASTRA_OK) {
        status = read_by(&reading, ms_sql_page, query, NULL, error);
    }
    if (status == MASTRA_OK && !loose && reading.total >= PG_LONG_LIST) {
        pg_total_note(reading.session, query, reading.total, mastra_str_of(NULL));
    }
    /* No row, no total with it. */
    if (status == MASTRA_OK && reading.total < 0) {
        reading.total = 0;
        if (query->offset > 0 || query->limit == 0) {
            status = count_exact(reading.session, query, &reading.total, error);
        }
    }
    ret->items = reading.items;
    ret->count = reading.count;
    *ret_total = reading.total;
    return status;
}

static mastra_status take_time(void *arg, size_t index, const PGresult *result, mastra_error *error)
{
    (void)index;
    (void)error;
    *(mastra_time *)arg = pg_time_at(result, 0, 0);
    return MASTRA_OK;
}

mastra_status pg_clock(struct ms_session *base, mastra_time *ret, mastra_error *error)
{
    struct pg_session *session = pg_session_of(base);
    struct pg_plan plan;
    mastra_status status;

    if (session->clock != MASTRA_TIME_NONE) {
        *ret = session->clock;
        return MASTRA_OK;
    }
    status = pg_plan_begin(&plan, session, error);
    plan.read = take_time;
    plan.arg = ret;
    if (status == MASTRA_OK) {
        status = pg_plan_text(&plan, pg_flavour_of(plan.session)->clock, NULL, 0, true, error);
    }
    return status == MASTRA_OK ? pg_plan_run(&plan, error) : status;
}
