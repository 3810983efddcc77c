#include "backends/sqlite/sqlite.h"

static mastra_str text_value(sqlite3_value *value)
{
    mastra_str text = {(const char *)sqlite3_value_text(value), 0};

    text.len = (size_t)sqlite3_value_bytes(value);
    return text;
}

/* mastra_has(text, member, filter) and the others: SQLite's own JSON functions take 1 for true and refuse deep nesting. */
static void has(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context,
                       ms_json_has(text_value(values[0]), text_value(values[1]), text_value(values[2])));
}

/* mastra_contains(text, array) */
static void contains(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context, ms_json_contains(text_value(values[0]), text_value(values[1])));
}

/* mastra_at(text, path, string) */
static void at(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *path = (const char *)sqlite3_value_text(values[1]);

    (void)count;
    sqlite3_result_int(context, path && ms_json_at(text_value(values[0]), path, text_value(values[2])));
}

/* mastra_member(text, name) */
static void member(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_int(context, ms_json_has_member(text_value(values[0]), text_value(values[1])));
}

int sqlite_add_functions(sqlite3 *db)
{
    static const struct {
        const char *name;
        int arguments;
        void (*function)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"mastra_has", 3, has},
        {"mastra_contains", 2, contains},
        {"mastra_at", 3, at},
        {"mastra_member", 2, member},
    };
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int code = SQLITE_OK;

    for (size_t i = 0; i < sizeof functions / sizeof functions[0] && code == SQLITE_OK; i++) {
        code = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments, flags, NULL,
                                          functions[i].function, NULL, NULL, NULL);
    }
    return code;
}
