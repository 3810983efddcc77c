/* A store's file looked at and changed behind its back, by SQLite directly. These fail the cmocka test on error. */
#ifndef SUPPORT_RAW_H
#define SUPPORT_RAW_H

#include <sqlite3.h>
#include <stdbool.h>

sqlite3 *raw_open(const char *path);

/* Runs statements on an open connection, or on a file. */
void raw_run(sqlite3 *db, const char *sql);
void raw_run_file(const char *path, const char *sql);

/* The first column of the first row, to be freed; NULL when there is none. */
char *raw_text(const char *path, const char *sql);

/* Fails unless PRAGMA integrity_check says ok. */
void raw_check(const char *path);

#endif
