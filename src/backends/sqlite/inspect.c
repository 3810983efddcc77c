/* What may be wrong with a file as such. */
#include "backends/sqlite/sqlite.h"
#include "base/error.h"

#include <stdio.h>

/* More lines than that tell nobody more. */
#define LINES_MOST "100"

static mastra_status check_integrity(struct connection *connection, ms_fault_fn tell, void *arg,
                                     mastra_error *error)
{
    sqlite3_stmt *stmt = NULL;
    bool room = true;
    int code = sqlite3_prepare_v2(connection->db, "PRAGMA integrity_check(" LINES_MOST ")", -1, &stmt, NULL);
    mastra_status status = MASTRA_OK;

    while (room && code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        mastra_str line = sqlite_column_str(stmt, 0);

        if (line.len != 2 || memcmp(line.ptr, "ok", 2) != 0) {
            room = tell(arg, MS_FAULT_DAMAGE, NULL, line);
        }
        code = SQLITE_OK;
    }
    if (room && code != SQLITE_DONE) {
        status = sqlite_error(connection, code, "check", error);
    }
    sqlite3_finalize(stmt);
    return room ? status : ms_error_oom(error);
}

static bool check_version(ms_fault_fn tell, void *arg)
{
    char text[160];

    if (sqlite3_libversion_number() >= SQLITE_SAFE_WAL_VERSION) {
        return true;
    }
    snprintf(text, sizeof text,
             "SQLite %s can damage a file when connections checkpoint at the same time; 3.51.3 does not",
             sqlite3_libversion());
    return tell(arg, MS_FAULT_VERSION, NULL, mastra_str_of(text));
}

mastra_status sqlite_inspect(struct ms_session *session, ms_fault_fn tell, void *arg, mastra_error *error)
{
    mastra_status status;

    if (!check_version(tell, arg)) {
        return ms_error_oom(error);
    }
    status = check_integrity(connection_of(session), tell, arg, error);
    return status == MASTRA_OK ? sqlite_tell_missing(connection_of(session), tell, arg, error) : status;
}
