#include "backends/sqlite/sqlite.h"

static mastra_str text_value(sqlite3_value *value)
{
    mastra_str text = {(const char *)sqlite3_value_text(value), 0};

    text.len = (size_t)sqlite3_value_bytes(value);
    return text;
}

/* mastra_has(text, member, filter): SQLite's own JSON functions take 1 for true and refuse deep nesting. */
static void has(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context,
                       ms_json_has(text_value(values[0]), text_value(values[1]), text_value(values[2])));
}

int sqlite_add_functions(sqlite3 *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

    return sqlite3_create_function_v2(db, "mastra_has", 3, flags, NULL, has, NULL, NULL, NULL);
}
