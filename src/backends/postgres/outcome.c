/* What became of a commit whose answer was not heard. */
#include "backends/postgres/connection.h"
#include "backends/postgres/postgres.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <libpq-fe.h>

#define OLDEST_SERVER  150000 /* before, asking for the statistics' age may take a while */
#define PAUSE_FIRST_US 5000
#define PAUSE_MOST_US  200000

bool pg_has_fate(const struct pg_session *session)
{
    return session->session.once && !atomic_load(&session->owner->fateless) &&
           session->mode == MS_SESSION_WRITE && pg_flavour_of(session)->fate &&
           PQserverVersion(session->connection->pg) >= OLDEST_SERVER;
}

void pg_note_fate(struct pg_session *session, const PGresult *result)
{
    mastra_str transaction = pg_str_at(result, 0, 0);
    mastra_str server = pg_str_at(result, 0, 1);

    if (transaction.len < sizeof session->fate.transaction && server.len < sizeof session->fate.server) {
        ms_error_copy(session->fate.transaction, sizeof session->fate.transaction, transaction);
        ms_error_copy(session->fate.server, sizeof session->fate.server, server);
    }
}

enum finding { NOTHING, UNDER_WAY, COMMITTED, ABORTED };

struct answer {
    enum finding finding;
    bool alone; /* commits wait for no standby */
};

static mastra_status take_answer(void *arg, size_t step, const PGresult *result, mastra_error *error)
{
    static const char *const words[] = {"", "in progress", "committed", "aborted"};
    struct answer *answer = arg;
    mastra_str word = pg_str_at(result, 0, 0);

    (void)step;
    (void)error;
    for (size_t i = 1; i < sizeof words / sizeof words[0]; i++) {
        if (word.len == strlen(words[i]) && memcmp(word.ptr, words[i], word.len) == 0) {
            answer->finding = (enum finding)i;
        }
    }
    answer->alone = pg_str_at(result, 0, 1).len == 0;
    return MASTRA_OK;
}

/* A server that was started since, or is another one, is not asked: the number may be another transaction's. */
static mastra_status ask(struct postgres *backend, const struct pg_fate *fate, struct answer *ret,
                         mastra_error *error)
{
    const char *const values[] = {fate->transaction, fate->server};
    const struct pg_step step = {.kind = PG_STEP_TEXT,
                                 .sql = "SELECT CASE WHEN NOT pg_is_in_recovery() AND " PG_SERVER
                                        " = $2::text THEN pg_xact_status($1::text::xid8) END,"
                                        " current_setting('synchronous_standby_names')",
                                 .param_count = 2,
                                 .values = values,
                                 .result_format = 1};
    struct pg_connection *connection = NULL;
    mastra_status status = pg_pool_borrow(&backend->base.client, INT64_MAX, &connection, error);

    *ret = (struct answer){NOTHING, false};
    if (status == MASTRA_OK) {
        status = pg_exchange(connection, &step, 1, take_answer, ret, NULL, error);
    }
    pg_pool_give_back(connection);
    return status;
}

mastra_status pg_look_up(struct postgres *backend, const struct pg_fate *fate, bool late, mastra_error *error)
{
    int64_t deadline_ns = ms_clock_monotonic_ns() + backend->patience_ms * 1000000;
    int64_t pause_us = PAUSE_FIRST_US;
    struct answer answer = {NOTHING, false};
    bool again = true;

    while (again) {
        mastra_error own = MASTRA_ERROR_INIT;
        mastra_status status = ask(backend, fate, &answer, &own);

        /* Its session may not have noticed yet that nobody listens any more. */
        again = (status == MASTRA_OK ? answer.finding == UNDER_WAY : own.retriable) &&
                ms_clock_monotonic_ns() < deadline_ns;
        if (again) {
            ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)pause_us));
            pause_us = pause_us * 2 < PAUSE_MOST_US ? pause_us * 2 : PAUSE_MOST_US;
        }
    }
    /* A commit that is cancelled as it waits for a standby is done here, and maybe nowhere else. */
    if (answer.finding == COMMITTED && (!late || answer.alone)) {
        return MASTRA_OK;
    }
    if (answer.finding != ABORTED) {
        return MASTRA_UNKNOWN_OUTCOME;
    }
    if (late) {
        return ms_error_set(error, MASTRA_TIMEOUT, PG_LATE);
    }
    ms_error_set(error, MASTRA_UNAVAILABLE, "the connection was lost before the transaction was committed");
    error->retriable = true;
    return MASTRA_UNAVAILABLE;
}
