#include "backends/sqlite/sqlite.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"

#include <stdio.h>

/* Sleeps between looks at a lock that another process holds: up to this, with full jitter. */
#define BUSY_MOST_US 20000

/* The name of a result code as SQLite spells it. */
static const char *code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {SQLITE_ERROR, "SQLITE_ERROR"},
        {SQLITE_PERM, "SQLITE_PERM"},
        {SQLITE_BUSY, "SQLITE_BUSY"},
        {SQLITE_LOCKED, "SQLITE_LOCKED"},
        {SQLITE_NOMEM, "SQLITE_NOMEM"},
        {SQLITE_READONLY, "SQLITE_READONLY"},
        {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
        {SQLITE_IOERR, "SQLITE_IOERR"},
        {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
        {SQLITE_FULL, "SQLITE_FULL"},
        {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
        {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
        {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
        {SQLITE_AUTH, "SQLITE_AUTH"},
        {SQLITE_NOTADB, "SQLITE_NOTADB"},
        {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            return names[i].name;
        }
    }
    return "SQLITE";
}

static mastra_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return MASTRA_BUSY;
    case SQLITE_NOMEM:
        return MASTRA_OUT_OF_MEMORY;
    case SQLITE_READONLY:
        return MASTRA_READ_ONLY;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return MASTRA_DENIED;
    case SQLITE_INTERRUPT:
        return MASTRA_CLOSED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MASTRA_CORRUPT;
    case SQLITE_FULL:
        return MASTRA_FULL;
    case SQLITE_CANTOPEN:
        return MASTRA_CANNOT_OPEN;
    case SQLITE_TOOBIG:
        return MASTRA_LIMIT_EXCEEDED;
    case SQLITE_CONSTRAINT:
        return MASTRA_CONFLICT;
    case SQLITE_IOERR:
        return MASTRA_UNAVAILABLE;
    default:
        return MASTRA_INTERNAL;
    }
}

mastra_status sqlite_error(struct connection *connection, int code, const char *doing, mastra_error *error)
{
    mastra_status status = status_of(code);
    int extended = connection->db ? sqlite3_extended_errcode(connection->db) : code;
    const char *said = connection->db ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code);

    /* Whatever failed outside SQLite's own calls left no message behind. */
    if ((extended & 0xff) != (code & 0xff)) {
        extended = code;
        said = sqlite3_errstr(code);
    }
    if (code == SQLITE_ERROR && strncmp(said, "no such table", 13) == 0) {
        ms_error_set(error, MASTRA_USAGE,
                     "%s lacks the tables (%s): run init, or open it without disable_init",
                     connection->owner->path, said);
        status = MASTRA_USAGE;
    } else if (atomic_load(&connection->owner->interrupted) &&
               (status == MASTRA_BUSY || status == MASTRA_CLOSED)) {
        status = ms_error_set(error, MASTRA_CLOSED, "the store was closed before the call could end");
    } else if (status == MASTRA_BUSY) {
        ms_error_set(error, status, "%s stayed locked by another process; waited up to %lld ms",
                     connection->owner->path, (long long)connection->owner->busy_timeout_ms);
        error->retriable = true;
    } else {
        ms_error_set(error, status, "SQLite cannot %s %s: %s", doing, connection->owner->path, said);
    }
    error->backend_code = extended;
    ms_error_copy(error->backend, sizeof error->backend, mastra_str_of(code_name(code & 0xff)));
    return status;
}

/* SQLite asks again and again whether to wait on: until the timeout, at random intervals, so that several waiters do
 * not look in step. */
static int wait_for_lock(void *arg, int count)
{
    struct connection *connection = arg;
    int64_t now = ms_clock_monotonic_ns();
    uint64_t most_us = count < 4 ? (uint64_t)500 << count : BUSY_MOST_US;

    if (connection->mode == MS_SESSION_GLANCE || connection->mode == MS_SESSION_WRITE_AT_ONCE) {
        return 0;
    }
    if (count == 0) {
        connection->busy_since_ns = now;
    }
    /* SQLite itself does not look for an interrupt here. */
    if (atomic_load(&connection->owner->interrupted) ||
        now - connection->busy_since_ns >= connection->owner->busy_timeout_ms * 1000000) {
        return 0;
    }
    ms_clock_sleep_us((int64_t)ms_random_below(most_us) + 50);
    return 1;
}

static mastra_status execute(struct connection *connection, const char *sql, const char *doing,
                             mastra_error *error)
{
    int code = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? MASTRA_OK : sqlite_error(connection, code, doing, error);
}

static int journal_mode(struct connection *connection, bool *ret_wal)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(connection->db, "PRAGMA journal_mode", -1, &stmt, NULL);

    *ret_wal = false;
    if (code == SQLITE_OK) {
        code = sqlite3_step(stmt);
    }
    if (code == SQLITE_ROW) {
        *ret_wal = strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
        code = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return code;
}

/* Switching a fresh file to WAL needs it alone for a moment, and SQLite does not always wait for that by itself. */
static int switch_to_wal(struct connection *connection)
{
    int code;
    int attempt = 0;

    do {
        code = sqlite3_exec(connection->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    } while ((code & 0xff) == SQLITE_BUSY && wait_for_lock(connection, attempt++));
    return code;
}

static mastra_status use_wal(struct connection *connection, mastra_error *error)
{
    struct sqlite_backend *backend = connection->owner;
    bool wal;
    int code = journal_mode(connection, &wal);
    int attempt = 0;

    while ((code & 0xff) == SQLITE_BUSY && wait_for_lock(connection, attempt++)) {
        code = journal_mode(connection, &wal);
    }
    if (code != SQLITE_OK) {
        return sqlite_error(connection, code, "open", error);
    }
    if (sqlite3_db_readonly(connection->db, "main") == 1) {
        return MASTRA_OK;
    }
    if (sqlite3_libversion_number() < SQLITE_SAFE_WAL_VERSION && !backend->allow_vulnerable_wal) {
        return ms_error_set(
            error, MASTRA_NOT_SUPPORTED,
            "SQLite %s can corrupt a WAL database; use 3.51.3 or later, or set allow_vulnerable_wal",
            sqlite3_libversion());
    }
    if (!wal) {
        code = switch_to_wal(connection);
    }
    return code == SQLITE_OK ? MASTRA_OK : sqlite_error(connection, code, "switch to WAL", error);
}

/* Kilobytes of pages. The writer goes back to few of them; what readers go through again and again are the indexes of
 * long threads. */
#define CACHE_OF_WRITER "4000"
#define CACHE_OF_READER "16000"

static mastra_status set_up(struct connection *connection, mastra_error *error)
{
    const struct sqlite_backend *backend = connection->owner;
    /* It is set up before the backend knows it, or by the first call. */
    bool writer = !backend->writer || connection == backend->writer;
    char sql[128];

    snprintf(sql, sizeof sql, "PRAGMA synchronous=%s; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%s",
             backend->synchronous == MASTRA_SYNCHRONOUS_FULL ? "FULL" : "NORMAL",
             writer ? CACHE_OF_WRITER : CACHE_OF_READER);
    return execute(connection, sql, "set up", error);
}

/* Much as the peer does it. */
static mastra_status configure(struct connection *connection, mastra_error *error)
{
    struct sqlite_backend *backend = connection->owner;
    mastra_status status = MASTRA_OK;

    sqlite3_extended_result_codes(connection->db, 1);
    sqlite3_busy_handler(connection->db, wait_for_lock, connection);
    /* Else a statement is compiled again whenever a value is bound that a plan might have been made for. */
    sqlite3_db_config(connection->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    if (sqlite_add_functions(connection->db) != SQLITE_OK) {
        return ms_error_oom(error);
    }
    if (!backend->memory) {
        status = use_wal(connection, error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    status = set_up(connection, error);
    return status == MASTRA_OK ? sqlite_prepare_fixed(connection, error) : status;
}

mastra_status sqlite_make_ready(struct connection *connection, mastra_error *error)
{
    mastra_status status = connection->ready ? MASTRA_OK : configure(connection, error);

    connection->ready = status == MASTRA_OK;
    return status;
}

/* The writer of a store that opens at once: BUSY is no failure, it is set up by the first call. */
static mastra_status make_ready_at_once(struct connection *connection, mastra_error *error)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    mastra_error first = blank;
    mastra_status status;

    connection->mode = MS_SESSION_WRITE_AT_ONCE;
    status = sqlite_make_ready(connection, &first);
    if (status == MASTRA_BUSY) {
        return MASTRA_OK;
    }
    if (status != MASTRA_OK) {
        ms_error_export(error, &first);
    }
    return status;
}

mastra_status sqlite_connect(struct sqlite_backend *backend, struct connection **ret, mastra_error *error)
{
    struct connection *connection = ms_heap_calloc(backend->heap, sizeof *connection);
    mastra_status status;
    int code;

    if (!connection) {
        return ms_error_oom(error);
    }
    connection->session.backend = &backend->base;
    connection->owner = backend;
    code = sqlite3_open_v2(backend->path, &connection->db, backend->open_flags, backend->vfs);
    if (code != SQLITE_OK) {
        status = sqlite_error(connection, code, "open", error);
    } else if (backend->open_at_once && !backend->writer) {
        status = make_ready_at_once(connection, error);
    } else {
        status = sqlite_make_ready(connection, error);
    }
    if (status != MASTRA_OK) {
        sqlite_disconnect(connection);
        return status;
    }
    *ret = connection;
    return MASTRA_OK;
}

void sqlite_disconnect(struct connection *connection)
{
    if (!connection) {
        return;
    }
    sqlite_drop_statements(connection);
    sqlite3_close(connection->db);
    ms_heap_release(connection->owner->heap, connection);
}

const char *mastra_sqlite_version(void)
{
    return sqlite3_libversion();
}
