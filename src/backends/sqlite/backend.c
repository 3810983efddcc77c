#include "backends/sqlite/sqlite.h"
#include "base/error.h"

#include <stdio.h>

static struct sqlite_backend *backend_of(const struct ms_backend *backend)
{
    return (struct sqlite_backend *)(uintptr_t)backend;
}

/* Opening. */

static bool is_memory(mastra_str path)
{
    return path.len == 8 && memcmp(path.ptr, ":memory:", 8) == 0;
}

/* The path of file:rel, file:/abs, file:///abs and file://localhost/abs. */
static mastra_str file_path(mastra_str path)
{
    static const char localhost[] = "//localhost/";
    size_t skip = 0;

    if (path.len >= sizeof localhost - 1 && memcmp(path.ptr, localhost, sizeof localhost - 1) == 0) {
        skip = sizeof localhost - 2;
    } else if (path.len >= 3 && memcmp(path.ptr, "///", 3) == 0) {
        skip = 2;
    }
    mastra_str file = {path.ptr + skip, path.len - skip};

    return file;
}

static mastra_status open_mode(struct ms_config *config, int *ret, mastra_error *error)
{
    mastra_str mode = ms_config_param(config, "mode");

    *ret = SQLITE_OPEN_NOMUTEX;
    if (!mode.ptr || strcmp(mode.ptr, "rwc") == 0) {
        *ret |= SQLITE_OPEN_READWRITE | (config->options.must_exist ? 0 : SQLITE_OPEN_CREATE);
    } else if (strcmp(mode.ptr, "rw") == 0) {
        *ret |= SQLITE_OPEN_READWRITE;
    } else if (strcmp(mode.ptr, "ro") == 0) {
        *ret |= SQLITE_OPEN_READONLY;
    } else {
        return ms_error_argument(error, "mode", mode, "must be ro, rw or rwc in the URL");
    }
    return MASTRA_OK;
}

static mastra_status synchronous_mode(struct ms_config *config, mastra_synchronous *ret, mastra_error *error)
{
    mastra_str text = ms_config_param(config, "synchronous");

    *ret = config->options.synchronous;
    if (*ret != MASTRA_SYNCHRONOUS_DEFAULT) {
        return MASTRA_OK;
    }
    if (!text.ptr || strcmp(text.ptr, "normal") == 0) {
        *ret = MASTRA_SYNCHRONOUS_NORMAL;
    } else if (strcmp(text.ptr, "full") == 0) {
        *ret = MASTRA_SYNCHRONOUS_FULL;
    } else {
        return ms_error_argument(error, "synchronous", text, "must be normal or full in the URL");
    }
    return MASTRA_OK;
}

static mastra_status read_config(struct sqlite_backend *backend, struct ms_config *config,
                                 mastra_error *error)
{
    mastra_str path = file_path(config->path);
    mastra_str vfs = ms_config_param(config, "vfs");
    mastra_str cache = ms_config_param(config, "cache");
    mastra_status status;

    if (path.len == 0) {
        return ms_error_argument(error, "url", config->path, "names no file");
    }
    if (memchr(path.ptr, '\0', path.len)) {
        return ms_error_argument(error, "url", path, "holds a NUL in the file's name");
    }
    /* Written behind file::memory: out of habit; each store has a database of its own all the same. */
    if (cache.ptr && strcmp(cache.ptr, "shared") != 0 && strcmp(cache.ptr, "private") != 0) {
        return ms_error_argument(error, "cache", cache, "must be shared or private in the URL");
    }
    backend->memory = is_memory(path);
    backend->path = ms_heap_strdup(backend->heap, path);
    backend->vfs = vfs.ptr ? ms_heap_strdup(backend->heap, vfs) : NULL;
    if (!backend->path || (vfs.ptr && !backend->vfs)) {
        return ms_error_oom(error);
    }
    backend->busy_timeout_ms = config->options.busy_timeout_ms;
    backend->readers_max = config->options.readers;
    backend->open_at_once = config->options.open_at_once;
    backend->allow_vulnerable_wal = config->options.allow_vulnerable_wal;
    status = open_mode(config, &backend->open_flags, error);
    if (status == MASTRA_OK) {
        status = synchronous_mode(config, &backend->synchronous, error);
    }
    if (status == MASTRA_OK && !backend->allow_vulnerable_wal) {
        status = ms_config_flag(config, "allow_vulnerable_wal", &backend->allow_vulnerable_wal, error);
    }
    return status;
}

static void close_backend(struct ms_backend *base)
{
    struct sqlite_backend *backend = backend_of(base);

    sqlite_checkpoint_release(&backend->checkpoint);
    while (backend->open) {
        struct connection *reader = backend->open;

        backend->open = reader->next_open;
        sqlite_disconnect(reader);
    }
    sqlite_disconnect(backend->writer);
    sqlite_counts_release(&backend->counts);
    if (backend->counted) {
        sqlite_count_closed();
    }
    pthread_cond_destroy(&backend->returned);
    pthread_mutex_destroy(&backend->lock);
    ms_heap_release(backend->heap, backend->path);
    ms_heap_release(backend->heap, backend->vfs);
    ms_heap_release(backend->heap, backend);
}

static mastra_status open_backend(struct ms_config *config, struct ms_backend **ret, mastra_error *error)
{
    struct sqlite_backend *backend = ms_heap_calloc(config->heap, sizeof *backend);
    mastra_status status;

    if (!backend) {
        return ms_error_oom(error);
    }
    backend->base.ops = &ms_sqlite_ops;
    backend->heap = config->heap;
    backend->log = config->log;
    pthread_mutex_init(&backend->lock, NULL);
    pthread_cond_init(&backend->returned, NULL);
    sqlite_counts_init(&backend->counts);
    sqlite_checkpoint_init(&backend->checkpoint);
    status = read_config(backend, config, error);
    if (status == MASTRA_OK && !backend->memory) {
        status = sqlite_counts_keep(&backend->counts, backend->heap, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_unused(config, error);
    }
    if (status == MASTRA_OK && !backend->memory) {
        status = sqlite_count_open(error);
        backend->counted = status == MASTRA_OK;
    }
    if (status == MASTRA_OK) {
        status = sqlite_connect(backend, &backend->writer, error);
    }
    if (status == MASTRA_OK) {
        sqlite_counts_attach(&backend->counts, backend->writer);
    }
    /* Where every commit waits for the disk a checkpoint is no more than one commit among many, and a log that is kept
     * short is quicker to wait for. */
    if (status == MASTRA_OK && !backend->memory && backend->synchronous != MASTRA_SYNCHRONOUS_FULL) {
        sqlite_checkpoint_attach(&backend->checkpoint, backend);
    }
    if (status != MASTRA_OK) {
        close_backend(&backend->base);
        return status;
    }
    *ret = &backend->base;
    return MASTRA_OK;
}

static unsigned traits(const struct ms_backend *base)
{
    const struct sqlite_backend *backend = backend_of(base);

    if (backend->memory) {
        return MS_TRAIT_GROUP_COMMIT | MS_TRAIT_ONE_CONNECTION;
    }
    return MS_TRAIT_GROUP_COMMIT | MS_TRAIT_GLANCES |
           (backend->synchronous == MASTRA_SYNCHRONOUS_FULL ? 0 : MS_TRAIT_QUICK_COMMITS);
}

static void interrupt(struct ms_backend *base)
{
    struct sqlite_backend *backend = backend_of(base);

    atomic_store(&backend->interrupted, true);
    sqlite3_interrupt(backend->writer->db);
    pthread_mutex_lock(&backend->lock);
    for (struct connection *reader = backend->open; reader; reader = reader->next_open) {
        sqlite3_interrupt(reader->db);
    }
    pthread_mutex_unlock(&backend->lock);
}

/* Readers. */

/* An idle reader, so that nobody has to be waited for; NULL when there is none. */
static struct connection *take_idle_reader(struct sqlite_backend *backend)
{
    struct connection *reader;

    pthread_mutex_lock(&backend->lock);
    reader = backend->idle;
    if (reader) {
        backend->idle = reader->next;
    }
    pthread_mutex_unlock(&backend->lock);
    return reader;
}

/* An idle reader, or NULL when the caller may open one more. */
static struct connection *take_reader(struct sqlite_backend *backend)
{
    struct connection *reader;

    pthread_mutex_lock(&backend->lock);
    while (!backend->idle && backend->reader_count >= backend->readers_max) {
        pthread_cond_wait(&backend->returned, &backend->lock);
    }
    reader = backend->idle;
    if (reader) {
        backend->idle = reader->next;
    } else {
        backend->reader_count++;
    }
    pthread_mutex_unlock(&backend->lock);
    return reader;
}

static mastra_status open_reader(struct sqlite_backend *backend, struct connection **ret, mastra_error *error)
{
    mastra_status status = sqlite_connect(backend, ret, error);

    pthread_mutex_lock(&backend->lock);
    if (status == MASTRA_OK) {
        (*ret)->next_open = backend->open;
        backend->open = *ret;
    } else {
        backend->reader_count--;
        pthread_cond_signal(&backend->returned);
    }
    pthread_mutex_unlock(&backend->lock);
    return status;
}

static void return_reader(struct sqlite_backend *backend, struct connection *reader)
{
    pthread_mutex_lock(&backend->lock);
    reader->next = backend->idle;
    backend->idle = reader;
    pthread_cond_signal(&backend->returned);
    pthread_mutex_unlock(&backend->lock);
}

/* Sessions. */

static bool writes(enum ms_session_mode mode)
{
    return mode == MS_SESSION_WRITE || mode == MS_SESSION_WRITE_AT_ONCE;
}

static mastra_status borrow(struct sqlite_backend *backend, enum ms_session_mode mode,
                            struct connection **ret, mastra_error *error)
{
    if (writes(mode) || backend->memory) {
        *ret = backend->writer;
        return MASTRA_OK;
    }
    if (mode == MS_SESSION_GLANCE) {
        *ret = take_idle_reader(backend);
        return *ret ? MASTRA_OK : ms_error_set(error, MASTRA_BUSY, "all readers are taken");
    }
    *ret = take_reader(backend);
    return *ret ? MASTRA_OK : open_reader(backend, ret, error);
}

static void give_back(struct connection *connection)
{
    if (writes(connection->mode)) {
        sqlite_counts_dropped(&connection->owner->counts);
    }
    if (connection != connection->owner->writer) {
        return_reader(connection->owner, connection);
    }
}

/* A snapshot whose stamp is known, when that can be had. */
static mastra_status begin_snapshot(struct connection *connection, mastra_error *error)
{
    bool again = true;

    for (int attempt = 0; attempt < 2 && again; attempt++) {
        mastra_status status = MASTRA_OK;

        if (attempt > 0) {
            status = sqlite_run_fixed(connection, FIXED_COMMIT, error);
        }
        if (status == MASTRA_OK) {
            status = sqlite_run_fixed(connection, FIXED_BEGIN, error);
        }
        if (status != MASTRA_OK) {
            return status;
        }
        connection->stamp = sqlite_counts_pin(&connection->owner->counts, connection, &again);
    }
    return MASTRA_OK;
}

static mastra_status begin_write(struct connection *connection, mastra_error *error)
{
    mastra_status status = sqlite_run_fixed(connection, FIXED_BEGIN_IMMEDIATE, error);

    if (status == MASTRA_OK) {
        sqlite_counts_alone(&connection->owner->counts);
    }
    return status;
}

static mastra_status begin_mode(struct connection *connection, enum ms_session_mode mode, mastra_error *error)
{
    switch (mode) {
    case MS_SESSION_WRITE:
    case MS_SESSION_WRITE_AT_ONCE:
        return begin_write(connection, error);
    case MS_SESSION_SNAPSHOT:
        return begin_snapshot(connection, error);
    case MS_SESSION_READ:
    case MS_SESSION_GLANCE:
        break;
    }
    return MASTRA_OK;
}

static mastra_status begin(struct ms_backend *base, enum ms_session_mode mode, struct ms_session **ret,
                           mastra_error *error)
{
    struct connection *connection = NULL;
    mastra_status status;

    if (atomic_load(&backend_of(base)->interrupted)) {
        return ms_error_set(error, MASTRA_CLOSED, "the store is closed");
    }
    if (mode == MS_SESSION_WRITE_AT_ONCE && sqlite_checkpoint_due(&backend_of(base)->checkpoint)) {
        return ms_error_set(error, MASTRA_BUSY, "the commit may have to move the log into the database");
    }
    status = borrow(backend_of(base), mode, &connection, error);
    if (status != MASTRA_OK) {
        return status;
    }
    /* Readers look at the writer, too, while nobody uses it. */
    if (mode == MS_SESSION_WRITE_AT_ONCE && !sqlite_counts_try_use(&connection->owner->counts)) {
        return ms_error_set(error, MASTRA_BUSY, "a reader looks at the writer");
    }
    if (mode == MS_SESSION_WRITE) {
        sqlite_counts_use(&connection->owner->counts);
    }
    connection->mode = mode;
    connection->stamp = SQLITE_STAMP_NONE;
    status = sqlite_make_ready(connection, error);
    /* A transaction that could not be ended (memory was out) is ended now, or the connection serves nobody. */
    if (status == MASTRA_OK && !sqlite3_get_autocommit(connection->db)) {
        status = sqlite_run_fixed(connection, FIXED_ROLLBACK, error);
    }
    if (status == MASTRA_OK) {
        status = begin_mode(connection, mode, error);
    }
    if (status != MASTRA_OK) {
        give_back(connection);
        return status;
    }
    *ret = &connection->session;
    return MASTRA_OK;
}

static void end(struct ms_session *session)
{
    struct connection *connection = connection_of(session);
    mastra_error ignored = MASTRA_ERROR_INIT;

    if (!sqlite3_get_autocommit(connection->db)) {
        sqlite_run_fixed(connection, writes(connection->mode) ? FIXED_ROLLBACK : FIXED_COMMIT, &ignored);
    }
    give_back(connection);
}

static mastra_status commit(struct ms_session *session, mastra_error *error)
{
    struct sqlite_counts *counts = &connection_of(session)->owner->counts;
    mastra_status status;

    sqlite_counts_before_commit(counts);
    status = sqlite_run_fixed(connection_of(session), FIXED_COMMIT, error);
    sqlite_counts_after_commit(counts, status == MASTRA_OK);
    end(session);
    return status;
}

static bool broken(const struct ms_session *session)
{
    return sqlite3_get_autocommit(((const struct connection *)session)->db) != 0;
}

static void place(const struct ms_backend *base, char *out, size_t size)
{
    (void)base;
    snprintf(out, size, "schema \"main\"");
}

const struct ms_backend_ops ms_sqlite_ops = {
    .name = "sqlite",
    .error_store = "LIBSQL",
    .row_number = "rowid",
    .open = open_backend,
    .close = close_backend,
    .traits = traits,
    .ensure_schema = sqlite_ensure_schema,
    .interrupt = interrupt,
    .begin = begin,
    .get = sqlite_get,
    .list = sqlite_list,
    .count = sqlite_count,
    .clock = sqlite_clock,
    .apply = sqlite_apply,
    .describe_table = sqlite_describe_table,
    .ensure_table = sqlite_ensure_table,
    .drop_table = sqlite_drop_table,
    .create_index = sqlite_create_index,
    .drop_index = sqlite_drop_index,
    .place = place,
    .list_indexes = sqlite_list_indexes,
    .inspect = sqlite_inspect,
    .erase_repeats = sqlite_erase_repeats,
    .backup = sqlite_backup,
    .size = sqlite_size,
    .broken = broken,
    .commit = commit,
    .rollback = end,
};
