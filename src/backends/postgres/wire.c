#include "backends/postgres/wire.h"

#include "backends/postgres/connection.h"
#include "base/clock.h"
#include "base/error.h"

#include <poll.h>

/* An exchange under way. */
struct exchange {
    struct pg_connection *connection;
    PGconn *pg;
    const struct pg_step *steps;
    size_t count;
    bool committed; /* the server has said so */
    int64_t deadline_ns;
    pg_result_fn fn;
    void *arg;
    mastra_status status; /* the first failure that is not the connection's */
    struct pg_outcome outcome;
    mastra_error *error;
};

/* Failures of the connection. */

static bool in_doubt(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->count && !exchange->committed; i++) {
        if (exchange->steps[i].commits) {
            return true;
        }
    }
    return false;
}

/* Once a step was refused, none behind it runs: what was not heard of them is no doubt. */
static mastra_status lose(struct exchange *exchange, mastra_status status, const char *why)
{
    exchange->connection->lost = true;
    if (exchange->outcome.by_server) {
        return exchange->status;
    }
    exchange->outcome.by_function = false;
    exchange->outcome.step = exchange->count;
    exchange->outcome.in_doubt = in_doubt(exchange);
    if (exchange->outcome.in_doubt) {
        return ms_error_set(exchange->error, MASTRA_UNKNOWN_OUTCOME,
                            "%s while the transaction was being committed", why);
    }
    ms_error_set(exchange->error, status, "%s", why);
    if (exchange->error) {
        exchange->error->retriable = status == MASTRA_UNAVAILABLE;
    }
    return status;
}

static mastra_status lose_link(struct exchange *exchange)
{
    return lose(exchange, MASTRA_UNAVAILABLE, "the connection to the server was lost");
}

/* Waits for the socket, sending what is left to be sent; MASTRA_OK when there may be something to read. */
static mastra_status wait_for_input(struct exchange *exchange)
{
    const struct pg_client *client = exchange->connection->client;
    PGconn *pg = exchange->pg;
    int unsent = PQflush(pg);

    if (unsent < 0) {
        /* What the server has said before it went may still be read. */
        return PQconsumeInput(pg) ? MASTRA_OK : lose_link(exchange);
    }
    switch (pg_wait(PQsocket(pg), (short)(POLLIN | (unsent ? POLLOUT : 0)),
                    client ? &client->interrupt : NULL, exchange->deadline_ns)) {
    case PG_WAIT_READY:
        break;
    case PG_WAIT_INTERRUPTED:
        pg_cancel(pg_pool_cancels(exchange->connection->pool), pg);
        return lose(exchange, MASTRA_CLOSED, "the store was closed");
    case PG_WAIT_TIMEOUT:
        pg_cancel(pg_pool_cancels(exchange->connection->pool), pg);
        exchange->connection->late = true;
        return lose(exchange, MASTRA_TIMEOUT, PG_LATE);
    }
    return PQconsumeInput(pg) ? MASTRA_OK : lose_link(exchange);
}

/* The next result; *ret NULL at the end of a step. */
static mastra_status next_result(struct exchange *exchange, PGresult **ret)
{
    while (PQflush(exchange->pg) > 0 || PQisBusy(exchange->pg)) {
        mastra_status status = wait_for_input(exchange);

        if (status != MASTRA_OK) {
            return status;
        }
        if (PQstatus(exchange->pg) != CONNECTION_OK) {
            break;
        }
    }
    *ret = PQgetResult(exchange->pg);
    return MASTRA_OK;
}

/* Sending. */

static bool send_step(PGconn *pg, const struct pg_step *step)
{
    switch (step->kind) {
    case PG_STEP_PREPARE:
        return PQsendPrepare(pg, step->name, step->sql, step->types ? step->param_count : 0, step->types);
    case PG_STEP_EXECUTE:
        return PQsendQueryPrepared(pg, step->name, step->param_count, step->values, step->lengths,
                                   step->formats, step->result_format);
    case PG_STEP_TEXT:
        return PQsendQueryParams(pg, step->sql, step->param_count, step->types, step->values, step->lengths,
                                 step->formats, step->result_format);
    }
    return false;
}

static mastra_status send_steps(struct exchange *exchange)
{
    size_t sent = 0;

    while (sent < exchange->count && send_step(exchange->pg, &exchange->steps[sent])) {
        sent++;
    }
    if (sent == exchange->count && PQpipelineSync(exchange->pg)) {
        return MASTRA_OK;
    }
    if (PQstatus(exchange->pg) != CONNECTION_OK) {
        return lose_link(exchange);
    }
    /* libpq has no memory for it, or was given what it refuses. What is in its buffers can't be taken back. */
    exchange->connection->lost = true;
    exchange->outcome.step = sent;
    exchange->outcome.in_doubt = in_doubt(exchange) && PQflush(exchange->pg) == 0;
    if (exchange->outcome.in_doubt) {
        return ms_error_set(exchange->error, MASTRA_UNKNOWN_OUTCOME,
                            "memory ran out while the transaction was being committed");
    }
    return ms_error_oom(exchange->error);
}

/* Reading. */

static void take_failure(struct exchange *exchange, size_t step, const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool fatal = severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);

    if (fatal) {
        exchange->connection->lost = true;
    }
    if (exchange->outcome.by_server) {
        return;
    }
    exchange->outcome = (struct pg_outcome){.step = step, .by_server = true};
    exchange->status = pg_error_result(result, exchange->error);
    /* A session that is ended while it commits may have done so. */
    if (fatal && exchange->steps[step].commits) {
        exchange->outcome.in_doubt = true;
        exchange->status = ms_error_set(exchange->error, MASTRA_UNKNOWN_OUTCOME,
                                        "the server ended the session while the transaction was being "
                                        "committed");
    }
}

static void take_result(struct exchange *exchange, size_t step, const PGresult *result)
{
    mastra_status status;

    if (!exchange->fn || exchange->status != MASTRA_OK) {
        return;
    }
    status = exchange->fn(exchange->arg, step, result, exchange->error);
    if (status != MASTRA_OK) {
        exchange->status = status;
        exchange->outcome = (struct pg_outcome){.step = step, .by_function = true};
    }
}

/* COMMIT is done when it is answered; what has no transaction of its own is committed behind its answer, at the Sync. */
static void note_commit(struct exchange *exchange, size_t step, PGresult *result)
{
    if (exchange->steps[step].commits && strcmp(PQcmdStatus(result), "COMMIT") == 0) {
        exchange->committed = true;
    }
}

/* One result of a step; MASTRA_OK unless the connection is lost. */
static mastra_status take(struct exchange *exchange, size_t step, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        note_commit(exchange, step, result);
        take_result(exchange, step, result);
        return MASTRA_OK;
    case PGRES_PIPELINE_ABORTED:
        return MASTRA_OK;
    case PGRES_FATAL_ERROR:
        /* One that libpq has made itself has no SQLSTATE. */
        if (PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
            take_failure(exchange, step, result);
            return MASTRA_OK;
        }
        return PQstatus(exchange->pg) == CONNECTION_OK
                   ? lose(exchange, MASTRA_OUT_OF_MEMORY, "memory ran out while a result was read")
                   : lose_link(exchange);
    default:
        return lose(exchange, MASTRA_NOT_SUPPORTED, "the server answered with a stream of copied data");
    }
}

static mastra_status read_step(struct exchange *exchange, size_t step)
{
    for (;;) {
        PGresult *result = NULL;
        mastra_status status = next_result(exchange, &result);

        if (status != MASTRA_OK || !result) {
            return status;
        }
        status = take(exchange, step, result);
        PQclear(result);
        if (status != MASTRA_OK || (exchange->connection->lost && exchange->outcome.by_server)) {
            return status;
        }
    }
}

static mastra_status read_sync(struct exchange *exchange)
{
    for (;;) {
        PGresult *result = NULL;
        mastra_status status = next_result(exchange, &result);
        ExecStatusType kind;

        if (status != MASTRA_OK) {
            return status;
        }
        kind = PQresultStatus(result);
        if (result && kind == PGRES_FATAL_ERROR && PQresultErrorField(result, PG_DIAG_SQLSTATE)) {
            /* A deferred constraint of a transaction that only the Sync ends. */
            take_failure(exchange, exchange->count - 1, result);
        }
        PQclear(result);
        if (kind == PGRES_PIPELINE_SYNC) {
            return MASTRA_OK;
        }
        if (PQstatus(exchange->pg) != CONNECTION_OK) {
            return lose_link(exchange);
        }
    }
}

static mastra_status read_all(struct exchange *exchange)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; i < exchange->count && status == MASTRA_OK; i++) {
        status = read_step(exchange, i);
        /* The session's last words. */
        if (status == MASTRA_OK && exchange->connection->lost) {
            return exchange->status;
        }
    }
    if (status == MASTRA_OK) {
        status = read_sync(exchange);
        if (status != MASTRA_OK && exchange->committed) {
            /* Nothing but the connection is lost. */
            return MASTRA_OK;
        }
    }
    return status;
}

mastra_status pg_exchange(struct pg_connection *connection, const struct pg_step *steps, size_t count,
                          pg_result_fn fn, void *arg, struct pg_outcome *outcome, mastra_error *error)
{
    struct exchange exchange = {.connection = connection,
                                .pg = connection->pg,
                                .steps = steps,
                                .count = count,
                                .fn = fn,
                                .arg = arg,
                                .status = MASTRA_OK,
                                .error = error};
    mastra_status status;

    if (count == 0) {
        return MASTRA_OK;
    }
    exchange.deadline_ns =
        pg_deadline(INT64_MAX, pg_pool_settings_of(connection->pool)->statement_timeout_ms);
    exchange.outcome.step = count;
    status = send_steps(&exchange);
    if (status == MASTRA_OK) {
        status = read_all(&exchange);
    }
    if (status == MASTRA_OK) {
        status = exchange.status;
    }
    if (status == MASTRA_OK) {
        connection->checked_ns = ms_clock_monotonic_ns();
        return MASTRA_OK;
    }
    if (outcome) {
        *outcome = exchange.outcome;
    }
    return status;
}

mastra_status pg_execute(struct pg_connection *connection, const char *sql, mastra_error *error)
{
    const struct pg_step step = {.kind = PG_STEP_TEXT, .sql = sql};

    return pg_exchange(connection, &step, 1, NULL, NULL, NULL, error);
}
