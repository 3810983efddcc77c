/* Backups of a file that is in use, and its size. */
#include "backends/sqlite/sqlite.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

/* Pages to copy before somebody is told. */
#define STEP_PAGES 512

static int64_t pragma_number(struct connection *connection, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t number = 0;

    if (sqlite3_prepare_v2(connection->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        number = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return number;
}

mastra_status sqlite_size(struct ms_session *session, int64_t *ret, mastra_error *error)
{
    struct connection *connection = connection_of(session);

    (void)error;
    *ret = pragma_number(connection, "PRAGMA page_count") * pragma_number(connection, "PRAGMA page_size");
    return MASTRA_OK;
}

static mastra_status cannot(mastra_error *error, const char *doing, const char *path)
{
    int code = errno;

    return ms_error_set(error, code == ENOSPC || code == EDQUOT ? MASTRA_FULL : MASTRA_CANNOT_OPEN,
                        "cannot %s %s: %s", doing, path, strerror(code));
}

/* Copies the pages. The session's transaction stays open, so that all of them are of one state; writers of the file, which
 * write to its log, are not kept out. */
static mastra_status copy_pages(struct connection *connection, sqlite3 *target, int64_t page_size,
                                ms_backup_fn tell, void *arg, mastra_error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", connection->db, "main");
    int code = SQLITE_OK;

    if (!backup) {
        return ms_error_set(error, MASTRA_CANNOT_OPEN, "cannot begin the backup: %s", sqlite3_errmsg(target));
    }
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, STEP_PAGES);
        if (tell && (code == SQLITE_OK || code == SQLITE_DONE)) {
            int64_t total = sqlite3_backup_pagecount(backup);

            tell(arg, (total - sqlite3_backup_remaining(backup)) * page_size, total * page_size);
        }
    }
    sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE) {
        return MASTRA_OK;
    }
    return sqlite_error(connection, code, "back up", error);
}

static mastra_status write_part(struct connection *connection, const char *part, ms_backup_fn tell, void *arg,
                                mastra_error *error)
{
    int64_t page_size = pragma_number(connection, "PRAGMA page_size");
    sqlite3 *target = NULL;
    mastra_status status;
    int fd;

    unlink(part);
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return cannot(error, "make", part);
    }
    close(fd);
    if (sqlite3_open_v2(part, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        status = ms_error_set(error, MASTRA_CANNOT_OPEN, "cannot open %s: %s", part,
                              target ? sqlite3_errmsg(target) : "out of memory");
    } else {
        status = copy_pages(connection, target, page_size, tell, arg, error);
    }
    if (sqlite3_close(target) != SQLITE_OK && status == MASTRA_OK) {
        status = ms_error_set(error, MASTRA_INTERNAL, "cannot close %s", part);
    }
    return status;
}

/* The name is on the disk when its folder is. */
static void sync_folder(char *path)
{
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Gives the file its name, unless one has come there meanwhile. */
static mastra_status put_in_place(char *part, const char *path, mastra_error *error)
{
    if (link(part, path) != 0) {
        bool no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;

        /* That there was no file of that name a moment ago must do then. */
        if (no_links && rename(part, path) == 0) {
            sync_folder(part);
            return MASTRA_OK;
        }
        return errno == EEXIST ? ms_error_set(error, MASTRA_CONFLICT, "%s is there already", path)
                               : cannot(error, "make", path);
    }
    unlink(part);
    sync_folder(part);
    return MASTRA_OK;
}

mastra_status sqlite_backup(struct ms_session *session, const char *path, ms_backup_fn tell, void *arg,
                            mastra_error *error)
{
    struct connection *connection = connection_of(session);
    struct ms_buf part;
    mastra_status status;

    if (access(path, F_OK) == 0) {
        return ms_error_set(error, MASTRA_CONFLICT, "%s is there already", path);
    }
    ms_buf_init(&part, connection->owner->heap, 0);
    ms_buf_printf(&part, "%s.part", path);
    if (part.failed) {
        return ms_error_oom(error);
    }
    status = write_part(connection, part.ptr, tell, arg, error);
    if (status == MASTRA_OK) {
        status = put_in_place(part.ptr, path, error);
    }
    if (status != MASTRA_OK) {
        unlink(part.ptr);
    }
    ms_buf_release(&part);
    return status;
}
