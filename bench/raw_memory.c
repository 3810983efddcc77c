/* The limit: messages and threads. */
#include "raw.h"

#include <string.h>

static bool save_note(struct raw *raw, const struct note *note)
{
    sqlite3_stmt *save = raw->statements[SAVE];
    char created[25];

    raw_time(created, note->created_at);
    sqlite3_bind_text(save, 1, note->id, 36, SQLITE_STATIC);
    raw_bind(save, 2, note->thread);
    sqlite3_bind_text(save, 3, note->content, CONTENT, SQLITE_STATIC);
    sqlite3_bind_text(save, 4, "user", 4, SQLITE_STATIC);
    sqlite3_bind_text(save, 5, "v2", 2, SQLITE_STATIC);
    sqlite3_bind_text(save, 6, created, 24, SQLITE_STATIC);
    sqlite3_bind_text(save, 7, "user-1", 6, SQLITE_STATIC);
    return raw_done(save);
}

static bool touch(struct raw *raw, const char *thread)
{
    sqlite3_stmt *statement = raw->statements[TOUCH];
    char now[25];

    raw_time(now, milliseconds_now());
    sqlite3_bind_text(statement, 1, now, 24, SQLITE_STATIC);
    raw_bind(statement, 2, thread);
    return raw_done(statement);
}

bool raw_save_one(struct raw *raw, const struct note *note)
{
    return raw_done(raw->statements[BEGIN]) && save_note(raw, note) && touch(raw, note->thread) &&
           raw_done(raw->statements[COMMIT]);
}

/* Calls that are under way together are one transaction here, each with its own touch. */
static bool save_group(struct raw *raw, const struct note *notes, size_t count, bool together)
{
    bool saved = raw_done(raw->statements[BEGIN]);

    for (size_t i = 0; saved && i < count; i++) {
        saved = save_note(raw, &notes[i]);
        if (saved && (together || i + 1 == count)) {
            saved = touch(raw, notes[i].thread);
        }
    }
    return saved && raw_done(raw->statements[COMMIT]);
}

double raw_save(struct raw *raw, struct batch *batch)
{
    bool together = rows[batch->row].work != WORK_SAVE;
    size_t group = together ? AT_ONCE : rows[batch->row].things;
    double begin = seconds_now();
    double last = begin;
    bool saved = true;

    for (size_t i = 0; saved && i < batch->note_count; i += group) {
        saved = save_group(raw, &batch->notes[i], group, together);
        if (batch->laps) {
            double now = seconds_now();

            batch->laps[i] = now - last;
            last = now;
        }
    }
    last = seconds_now();
    batch_sum_up(batch);
    return saved ? last - begin : raw_complain(raw, "save");
}

static bool read_newest(struct raw *raw, const char *thread, const char *newest)
{
    sqlite3_stmt *statement = raw->statements[NEWEST];
    size_t count = 0;
    bool right = true;

    raw_bind(statement, 1, thread);
    sqlite3_bind_int(statement, 2, PAGE);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        right = right && raw_fetch(raw, statement) > CONTENT;
        if (count++ == 0) {
            right = right && strcmp((const char *)sqlite3_column_text(statement, 5), newest) == 0;
        }
    }
    return sqlite3_reset(statement) == SQLITE_OK && right && count == PAGE;
}

static bool count_messages(struct raw *raw, const char *thread)
{
    sqlite3_stmt *statement = raw->statements[COUNT];
    bool right;

    raw_bind(statement, 1, thread);
    right = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == LONG_THREAD;
    return sqlite3_reset(statement) == SQLITE_OK && right;
}

/* From the thread's end, without a total; while another process writes both, in one transaction. */
double raw_page(struct raw *raw, const struct batch *batch)
{
    const struct row_info *info = &rows[batch->row];
    char newest[25];
    double begin = seconds_now();

    raw_time(newest, FIRST_TIME + batch->first);
    for (size_t i = 0; i < batch->operations; i++) {
        bool right = !info->beside || raw_done(raw->statements[BEGIN_READ]);

        right = right && read_newest(raw, info->thread, newest);
        if (info->beside) {
            right = right && count_messages(raw, info->thread) && raw_done(raw->statements[COMMIT]);
        }
        if (!right) {
            return raw_complain(raw, "page");
        }
    }
    return seconds_now() - begin;
}

double raw_get_thread(struct raw *raw, const struct batch *batch)
{
    sqlite3_stmt *statement = raw->statements[THREAD];
    char ids[AT_ONCE][24];
    double begin;

    for (size_t i = 0; i < AT_ONCE; i++) {
        agent_name(ids[i], i);
    }
    begin = seconds_now();
    for (size_t i = 0; i < batch->operations; i++) {
        raw_bind(statement, 1, ids[i % AT_ONCE]);
        if (sqlite3_step(statement) != SQLITE_ROW || raw_fetch(raw, statement) == 0 ||
            sqlite3_reset(statement) != SQLITE_OK) {
            return raw_complain(raw, "thread");
        }
    }
    return seconds_now() - begin;
}
