/*
 * A SQLite file system that fails when told to. Stores use it by "vfs=fault" in their URL; the settings hold for all
 * of them in this process.
 */
#ifndef SUPPORT_VFS_H
#define SUPPORT_VFS_H

#include <sqlite3.h>

#define FAULT_VFS "fault"

/* Makes it known to SQLite; more than once does no harm. */
void fault_vfs_register(void);

/* Writes that end behind `bytes` in any file fail with `code` (SQLITE_FULL, SQLITE_IOERR_WRITE); -1: none do. */
void fault_vfs_limit(sqlite3_int64 bytes, int code);

/* Calls `hook` before each write that ends behind the limit's place, which then is done; NULL: no more. */
void fault_vfs_watch(sqlite3_int64 bytes, void (*hook)(void *user), void *user);

/* How many writes were refused since the limit was set. */
int fault_vfs_refused(void);

#endif
