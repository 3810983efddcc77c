#include "backends/postgres/connection.h"

#include "backends/postgres/wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_MS         INT64_C(1000000)

/* A server that is starting up is asked again after so long. */
#define STARTING_PAUSE_MS 50
#define ATTEMPTS_MOST     4 /* that a flavour may ask for */

/* Interrupts and waiting. */

mastra_status pg_interrupt_init(struct pg_interrupt *interrupt, mastra_error *error)
{
    atomic_init(&interrupt->raised, false);
    interrupt->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (interrupt->fd < 0) {
        return ms_error_set(error, MASTRA_INTERNAL, "no file descriptor is left for the connection pool");
    }
    return MASTRA_OK;
}

void pg_interrupt_release(struct pg_interrupt *interrupt)
{
    if (interrupt->fd >= 0) {
        close(interrupt->fd);
        interrupt->fd = -1;
    }
}

void pg_interrupt_raise(struct pg_interrupt *interrupt)
{
    const uint64_t one = 1;
    ssize_t written;

    atomic_store(&interrupt->raised, true);
    do {
        written = write(interrupt->fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

int64_t pg_deadline(int64_t deadline_ns, int64_t limit_ms)
{
    int64_t limit_ns = limit_ms > 0 ? ms_clock_monotonic_ns() + limit_ms * NS_PER_MS : INT64_MAX;

    return limit_ns < deadline_ns ? limit_ns : deadline_ns;
}

/* For poll: rounded up, so that it does not spin through the last millisecond. */
static int milliseconds_left(int64_t deadline_ns)
{
    int64_t left = deadline_ns - ms_clock_monotonic_ns();

    if (deadline_ns == INT64_MAX) {
        return -1;
    }
    if (left <= 0) {
        return 0;
    }
    left = (left + NS_PER_MS - 1) / NS_PER_MS;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

enum pg_wait pg_wait(int fd, short events, const struct pg_interrupt *interrupt, int64_t deadline_ns)
{
    struct pollfd polled[2] = {{.fd = fd, .events = events},
                               {.fd = interrupt ? interrupt->fd : -1, .events = POLLIN}};

    for (;;) {
        int ready = poll(polled, 2, milliseconds_left(deadline_ns));

        if (interrupt && atomic_load(&interrupt->raised)) {
            return PG_WAIT_INTERRUPTED;
        }
        if (ready > 0 && polled[0].revents) {
            return PG_WAIT_READY;
        }
        if (ready <= 0 && ms_clock_monotonic_ns() >= deadline_ns) {
            return PG_WAIT_TIMEOUT;
        }
        if (ready < 0 && errno != EINTR) {
            /* poll itself fails only for want of memory. */
            ms_clock_sleep_us(1000);
        }
    }
}

/* Cancelling. */

#define CANCELS_MOST 8

struct pg_cancels {
    atomic_uint refs;
    atomic_uint running;
};

struct cancel {
    struct pg_cancels *cancels;
    PGcancel *request;
};

struct pg_cancels *pg_cancels_new(void)
{
    /* From malloc: a thread may hold it for longer than the caller's allocator lives. */
    struct pg_cancels *cancels = calloc(1, sizeof *cancels);

    if (cancels) {
        atomic_init(&cancels->refs, 1);
        atomic_init(&cancels->running, 0);
    }
    return cancels;
}

void pg_cancels_unref(struct pg_cancels *cancels)
{
    if (cancels && atomic_fetch_sub(&cancels->refs, 1) == 1) {
        free(cancels);
    }
}

static void free_cancel(struct cancel *cancel)
{
    PQfreeCancel(cancel->request);
    atomic_fetch_sub(&cancel->cancels->running, 1);
    pg_cancels_unref(cancel->cancels);
    free(cancel);
}

/* PQcancel knows no deadline, and a server that does not answer may be why it is called: nobody waits for it. */
static void *cancel_main(void *arg)
{
    struct cancel *cancel = arg;
    char ignored[256];

    PQcancel(cancel->request, ignored, sizeof ignored);
    free_cancel(cancel);
    return NULL;
}

void pg_cancel(struct pg_cancels *cancels, PGconn *pg)
{
    struct cancel *cancel;
    pthread_t thread;

    if (atomic_fetch_add(&cancels->running, 1) >= CANCELS_MOST) {
        atomic_fetch_sub(&cancels->running, 1);
        return;
    }
    cancel = calloc(1, sizeof *cancel);
    if (!cancel) {
        atomic_fetch_sub(&cancels->running, 1);
        return;
    }
    atomic_fetch_add(&cancels->refs, 1);
    cancel->cancels = cancels;
    cancel->request = PQgetCancel(pg);
    if (!cancel->request || !ms_thread_start(&thread, cancel_main, cancel)) {
        free_cancel(cancel);
        return;
    }
    pthread_detach(thread);
}

/* Why a connection could not be made. */

/* Where ":  28P01: " stands, which libpq writes behind the severity when it is asked to be verbose; the last one. */
static const char *find_state(const char *text)
{
    const char *found = NULL;

    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 1, ":  ")) {
        if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':' && at[9] == ' ') {
            found = at + 3;
        }
    }
    return found;
}

/* The line that says why, without its SQLSTATE when it stands in it, and what the server advises. With several hosts it
 * is the last that has one. */
static void reason_line(const char *text, const char *state, char *out, size_t size)
{
    static const char mark[] = "\nHINT:  ";
    const char *begin = text;
    const char *behind = state ? state + 7 : text;
    const char *hint = state ? strstr(behind, mark) : NULL;
    char line[1024];

    for (const char *at = text; state && at < state; at++) {
        if (*at == '\n') {
            begin = at + 1;
        }
    }
    hint = hint ? hint + sizeof mark - 1 : "";
    snprintf(line, sizeof line, "%.*s%.*s%s%.*s", state ? (int)(state - begin) : 0, begin,
             (int)strcspn(behind, "\n"), behind, *hint ? "; " : "", (int)strcspn(hint, "\n"), hint);
    ms_error_copy(out, size, mastra_str_of(line[0] ? line : "no reason was given"));
}

/* Whether one side does not want the other's TLS. A handshake that was cut off is no refusal. */
static bool is_tls_refusal(const char *text)
{
    static const char *const words[] = {"certificate", "does not support SSL", "private key", " alert "};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(text, words[i])) {
            return true;
        }
    }
    return false;
}

static mastra_status refused(PGconn *pg, mastra_error *error)
{
    const char *text = PQerrorMessage(pg);
    const char *state = find_state(text);
    char sqlstate[6] = "";
    char line[400];

    reason_line(text, state, line, sizeof line);
    if (state) {
        memcpy(sqlstate, state, 5);
        return pg_error_state(sqlstate, line, error);
    }
    if (PQconnectionNeedsPassword(pg)) {
        return ms_error_set(error, MASTRA_DENIED, "the server asks for a password and none was given");
    }
    if (is_tls_refusal(text)) {
        return ms_error_set(error, MASTRA_DENIED, "%s", line);
    }
    if (strncmp(text, "invalid ", 8) == 0) {
        return ms_error_set(error, MASTRA_INVALID_ARGUMENT, "the connection's keywords: %s", line);
    }
    ms_error_set(error, MASTRA_UNAVAILABLE, "%s", line);
    error->retriable = true;
    return MASTRA_UNAVAILABLE;
}

static mastra_status not_ready(enum pg_wait waited, mastra_error *error)
{
    if (waited == PG_WAIT_INTERRUPTED) {
        return ms_error_set(error, MASTRA_CLOSED, "the store is closed");
    }
    return ms_error_set(error, MASTRA_TIMEOUT, "the server did not answer in time to a new connection");
}

/* Talking to a session that is not in pipeline mode yet. */

/* Runs statements and drops their results. */
static mastra_status run_plain(PGconn *pg, const char *sql, const struct pg_interrupt *interrupt,
                               int64_t deadline_ns, mastra_error *error)
{
    mastra_status status = MASTRA_OK;
    PGresult *result;

    if (!PQsendQuery(pg, sql)) {
        return refused(pg, error);
    }
    for (;;) {
        int unsent = PQflush(pg);
        enum pg_wait waited;

        if (unsent < 0) {
            return refused(pg, error);
        }
        if (!unsent && !PQisBusy(pg)) {
            result = PQgetResult(pg);
            if (!result) {
                return status;
            }
            if (PQresultStatus(result) == PGRES_FATAL_ERROR && status == MASTRA_OK) {
                status = pg_error_result(result, error);
            }
            PQclear(result);
            continue;
        }
        waited = pg_wait(PQsocket(pg), (short)(POLLIN | (unsent ? POLLOUT : 0)), interrupt, deadline_ns);
        if (waited != PG_WAIT_READY) {
            return not_ready(waited, error);
        }
        if (!PQconsumeInput(pg)) {
            return refused(pg, error);
        }
    }
}

static const char session_settings[] =
    "SET DateStyle TO 'ISO, MDY'; SET TimeZone TO 'UTC'; SET extra_float_digits TO 1; "
    "SET standard_conforming_strings TO on";

static bool reports(PGconn *pg, const char *name, const char *wanted)
{
    const char *value = PQparameterStatus(pg, name);

    return value && strncmp(value, wanted, strlen(wanted)) == 0;
}

/* Behind a transaction pooler only what it follows can be set: what the server reports of itself. */
static mastra_status settle_reported(PGconn *pg, const struct pg_interrupt *interrupt, int64_t deadline_ns,
                                     mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    if (!reports(pg, "DateStyle", "ISO")) {
        status = run_plain(pg, "SET DateStyle TO 'ISO, MDY'", interrupt, deadline_ns, error);
    }
    if (status == MASTRA_OK && !reports(pg, "TimeZone", "UTC")) {
        status = run_plain(pg, "SET TimeZone TO 'UTC'", interrupt, deadline_ns, error);
    }
    if (status == MASTRA_OK && !reports(pg, "standard_conforming_strings", "on")) {
        status = run_plain(pg, "SET standard_conforming_strings TO on", interrupt, deadline_ns, error);
    }
    return status;
}

static mastra_status settle(PGconn *pg, const struct pg_pool_settings *settings,
                            const struct pg_interrupt *interrupt, int64_t deadline_ns, mastra_error *error)
{
    const char *sql = settings->connect ? settings->connect->session : NULL;

    if (settings->transaction_pooler || (sql && !*sql)) {
        return settle_reported(pg, interrupt, deadline_ns, error);
    }
    return run_plain(pg, sql ? sql : session_settings, interrupt, deadline_ns, error);
}

/* Opening. */

/* Without one, libpq prints notices to stderr. */
static void take_notice(void *arg, const PGresult *result)
{
    struct pg_connection *connection = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    /* What the server says as it ends an idle session. */
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
        connection->lost = true;
    }
}

static bool be_ours(struct pg_connection *connection)
{
    PQsetNoticeReceiver(connection->pg, take_notice, connection);
    PQsetErrorVerbosity(connection->pg, PQERRORS_DEFAULT);
    return PQsetnonblocking(connection->pg, 1) == 0 && PQenterPipelineMode(connection->pg) == 1;
}

static mastra_status shake_hands(PGconn *pg, const struct pg_origin *origin, int64_t deadline_ns,
                                 mastra_error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (PQstatus(pg) != CONNECTION_BAD && state != PGRES_POLLING_FAILED) {
        enum pg_wait waited;

        if (state == PGRES_POLLING_OK) {
            return MASTRA_OK;
        }
        waited = pg_wait(PQsocket(pg), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, origin->interrupt,
                         deadline_ns);
        if (waited != PG_WAIT_READY) {
            return not_ready(waited, error);
        }
        state = PQconnectPoll(pg);
    }
    return refused(pg, error);
}

/* libpq heeds connect_timeout only where it waits itself. */
static int64_t connect_deadline(const struct pg_origin *origin)
{
    const char *given = pg_keywords_get(origin->keywords, "connect_timeout");
    long seconds = given ? strtol(given, NULL, 10) : 0;

    return pg_deadline(origin->deadline_ns, seconds > 0 && seconds < 86400 ? seconds * 1000 : 0);
}

static mastra_status connect_once(struct pg_connection *connection, const struct pg_origin *origin,
                                  const struct pg_keywords *keywords, mastra_error *error)
{
    int64_t deadline_ns = connect_deadline(origin);
    mastra_status status;

    connection->lost = false;
    connection->pg =
        PQconnectStartParams((const char *const *)keywords->names, (const char *const *)keywords->values, 0);
    if (!connection->pg) {
        return ms_error_oom(error);
    }
    /* So that the reason of a refusal holds its SQLSTATE: there is no other way to it. */
    PQsetErrorVerbosity(connection->pg, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(connection->pg, take_notice, connection);
    status = shake_hands(connection->pg, origin, deadline_ns, error);
    if (status == MASTRA_OK) {
        status = settle(connection->pg, origin->settings, origin->interrupt, deadline_ns, error);
    }
    if (status == MASTRA_OK && !be_ours(connection)) {
        status = ms_error_oom(error);
    }
    if (status != MASTRA_OK) {
        PQfinish(connection->pg);
        connection->pg = NULL;
    }
    return status;
}

static mastra_status gather_keywords(const struct pg_origin *origin, struct pg_keywords *keywords,
                                     mastra_error *error)
{
    const struct pg_connect_ops *ops = origin->settings->connect;

    if (!pg_keywords_copy(keywords, origin->keywords) ||
        !pg_keywords_set(keywords, "client_encoding", "UTF8") ||
        (origin->application_name &&
         !pg_keywords_set(keywords, "application_name", origin->application_name))) {
        return ms_error_oom(error);
    }
    return ops && ops->prepare ? ops->prepare(origin->settings->connect_arg, keywords, error) : MASTRA_OK;
}

/* Whether the server will be there soon, in which case it was waited for a moment. */
static bool is_starting(const struct pg_origin *origin, const mastra_error *error)
{
    int64_t pause_ms = STARTING_PAUSE_MS + (int64_t)ms_random_below(STARTING_PAUSE_MS);

    if (strcmp(error->backend, "57P03") != 0) {
        return false;
    }
    pg_wait(-1, 0, origin->interrupt, pg_deadline(origin->deadline_ns, pause_ms));
    return ms_clock_monotonic_ns() < origin->deadline_ns &&
           (!origin->interrupt || !atomic_load(&origin->interrupt->raised));
}

static mastra_status connect_somehow(struct pg_connection *connection, const struct pg_origin *origin,
                                     mastra_error *error)
{
    const struct pg_connect_ops *ops = origin->settings->connect;
    mastra_error starting = MASTRA_ERROR_INIT;
    unsigned attempt = 0;

    for (;;) {
        struct pg_keywords keywords;
        mastra_status status;

        pg_keywords_init(&keywords, origin->heap);
        status = gather_keywords(origin, &keywords, error);
        if (status == MASTRA_OK) {
            status = connect_once(connection, origin, &keywords, error);
        }
        pg_keywords_release(&keywords);
        if (status == MASTRA_OK || status == MASTRA_CLOSED || status == MASTRA_OUT_OF_MEMORY) {
            return status;
        }
        if (is_starting(origin, error)) {
            starting = *error;
            continue;
        }
        /* What the server said tells more than that time ran out while it was asked once more. */
        if (status == MASTRA_TIMEOUT && starting.status != MASTRA_OK) {
            *error = starting;
            return error->status;
        }
        attempt++;
        if (!ops || !ops->again || attempt > ATTEMPTS_MOST ||
            !ops->again(origin->settings->connect_arg, attempt, error)) {
            return error->status;
        }
    }
}

/* Less up to a tenth, so that connections which were opened together do not all go together. */
static int64_t lifetime_ns(const struct pg_pool_settings *settings)
{
    int64_t life_ns = settings->max_lifetime_s * 1000 * NS_PER_MS;

    return life_ns - (int64_t)ms_random_below((uint64_t)life_ns / 10 + 1);
}

mastra_status pg_connect(const struct pg_origin *origin, struct pg_connection **ret, mastra_error *error)
{
    const struct pg_pool_settings *settings = origin->settings;
    struct pg_connection *connection = ms_heap_calloc(origin->heap, sizeof *connection);
    mastra_status status;

    if (!connection) {
        return ms_error_oom(error);
    }
    connection->pool = origin->pool;
    if (!settings->transaction_pooler) {
        connection->statements =
            ms_heap_calloc(origin->heap, PG_STATEMENTS_MAX * sizeof *connection->statements);
        if (!connection->statements) {
            ms_heap_release(origin->heap, connection);
            return ms_error_oom(error);
        }
    }
    status = connect_somehow(connection, origin, error);
    if (status != MASTRA_OK) {
        ms_heap_release(origin->heap, connection->statements);
        ms_heap_release(origin->heap, connection);
        return status;
    }
    connection->opened_ns = ms_clock_monotonic_ns();
    connection->checked_ns = connection->opened_ns;
    connection->expires_ns =
        settings->max_lifetime_s > 0 ? connection->opened_ns + lifetime_ns(settings) : INT64_MAX;
    *ret = connection;
    return MASTRA_OK;
}

/* Whether it still stands. */

bool pg_connection_alive(struct pg_connection *connection)
{
    struct pollfd polled = {.fd = PQsocket(connection->pg), .events = POLLIN};
    PGnotify *notify;

    while (!connection->lost && PQstatus(connection->pg) == CONNECTION_OK) {
        if (poll(&polled, 1, 0) <= 0) {
            return true;
        }
        /* The end of the connection, or something that the server says unasked: reading tells. */
        if (!PQconsumeInput(connection->pg)) {
            break;
        }
        PQisBusy(connection->pg);
        while ((notify = PQnotifies(connection->pg)) != NULL) {
            PQfreemem(notify);
        }
    }
    connection->lost = true;
    return false;
}

bool pg_connection_ask(struct pg_connection *connection, const struct pg_interrupt *interrupt,
                       int64_t deadline_ns)
{
    PGconn *pg = connection->pg;
    bool answered = false;

    if (!PQpipelineSync(pg)) {
        connection->lost = true;
        return false;
    }
    while (!answered) {
        int unsent = PQstatus(pg) == CONNECTION_OK ? PQflush(pg) : -1;
        PGresult *result;

        if (unsent == 0 && !PQisBusy(pg)) {
            result = PQgetResult(pg);
            answered = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
            PQclear(result);
            continue;
        }
        if (unsent < 0 ||
            pg_wait(PQsocket(pg), (short)(POLLIN | (unsent ? POLLOUT : 0)), interrupt, deadline_ns) !=
                PG_WAIT_READY ||
            !PQconsumeInput(pg)) {
            connection->lost = true;
            return false;
        }
    }
    connection->checked_ns = ms_clock_monotonic_ns();
    return !connection->lost;
}

/* Lending it to the program. */

bool pg_connection_lend(struct pg_connection *connection)
{
    return PQexitPipelineMode(connection->pg) == 1 && PQsetnonblocking(connection->pg, 0) == 0;
}

static void forget_statements(struct pg_connection *connection)
{
    /* What is seen may depend on settings that the program has changed. */
    pg_totals_drop(connection);
    connection->statement_count = 0;
    if (connection->statements) {
        memset(connection->statements, 0, PG_STATEMENTS_MAX * sizeof *connection->statements);
    }
}

bool pg_connection_take_back(struct pg_connection *connection)
{
    const struct pg_pool_settings *settings = pg_pool_settings_of(connection->pool);
    int64_t deadline_ns = pg_deadline(INT64_MAX, settings->statement_timeout_ms);
    mastra_error ignored = MASTRA_ERROR_INIT;
    PGconn *pg = connection->pg;

    PQsetNoticeReceiver(pg, take_notice, connection);
    if (connection->lost || PQstatus(pg) != CONNECTION_OK || PQpipelineStatus(pg) != PQ_PIPELINE_OFF ||
        PQtransactionStatus(pg) != PQTRANS_IDLE || PQsetnonblocking(pg, 1) != 0) {
        return false;
    }
    forget_statements(connection);
    if (settings->connect && settings->connect->session) {
        return false;
    }
    if (!settings->transaction_pooler &&
        run_plain(pg, "DISCARD ALL", NULL, deadline_ns, &ignored) != MASTRA_OK) {
        return false;
    }
    return settle(pg, settings, NULL, deadline_ns, &ignored) == MASTRA_OK && be_ours(connection);
}
