/* What the parts of the limit share. Each kind of work gives the seconds it took, less than 0 when it failed. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "contestant.h"

#include <sqlite3.h>

enum statement {
    BEGIN,
    BEGIN_READ,
    COMMIT,
    SAVE,
    TOUCH,
    NEWEST,
    COUNT,
    THREAD,
    SAVE_THREAD,
    SAVE_RUN,
    SAVE_SPAN,
    SPANS_OF,
    ROOTS,
    COUNT_ROOTS,
    STATEMENT_COUNT,
};

struct raw {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char path[4096];
    char row[8 * CONTENT]; /* where a record that was read is put */
};

double raw_complain(const struct raw *raw, const char *doing);

/* Opens without saving anything; `wait` is the busy timeout in milliseconds. NULL when it cannot. */
struct raw *raw_open(const char *path, bool full, int wait);
/* The same for a file that has its tables. */
struct raw *raw_open_existing(const char *path, int wait);
bool raw_close(void *self);
bool raw_save_thread(struct raw *raw, const char *id);

void raw_bind(sqlite3_stmt *statement, int index, const char *text);
bool raw_done(sqlite3_stmt *statement); /* steps and resets a statement without rows */
void raw_time(char text[25], int64_t milliseconds);
/* Takes a record out of SQLite, as anyone must who wants to keep it; gives its length. */
size_t raw_fetch(struct raw *raw, sqlite3_stmt *statement);

/* One message in a transaction. */
bool raw_save_one(struct raw *raw, const struct note *note);

double raw_save(struct raw *raw, struct batch *batch);
double raw_page(struct raw *raw, const struct batch *batch);
double raw_get_thread(struct raw *raw, const struct batch *batch);
double raw_persist(struct raw *raw, const struct batch *batch);
double raw_create_spans(struct raw *raw, const struct batch *batch);
double raw_get_trace(struct raw *raw, const struct batch *batch);
double raw_list_traces(struct raw *raw, const struct batch *batch);

#endif
