/* Files that others wrote or share: older tables, binary JSON, odd rows, foreign writers; what opening them costs. */
#include "support/client.h"
#include "support/files.h"
#include "support/raw.h"

#include "support/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct yard {
    char *directory;
    char *path;
    char *url;
    mastra_store *store;
};

static int begin(void **state)
{
    struct yard *yard = calloc(1, sizeof(*yard));
    assert_non_null(yard);
    yard->directory = test_dir_new();
    yard->path = test_format("%s/store.db", yard->directory);
    yard->url = test_format("file:%s", yard->path);
    *state = yard;
    return 0;
}

static int end(void **state)
{
    struct yard *yard = *state;
    mastra_status status = mastra_close(yard->store, NULL);
    test_dir_remove(yard->directory);
    free(yard->path);
    free(yard->url);
    free(yard);
    return status == MASTRA_OK ? 0 : -1;
}

static void open_yard(struct yard *yard)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_open(yard->url, NULL, &yard->store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
}

static void close_yard(struct yard *yard)
{
    mastra_store *store = yard->store;
    yard->store = NULL;
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* Makes one call and compares its result with a pattern. */
static void expect(struct yard *yard, const char *op, const char *args, const char *pattern)
{
    struct match match;
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    match_init(&match, "LIBSQL");
    if (client_call(yard->store, op, &json, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s: %s", op, mastra_status_name(error.status), error.message);
    char *expanded = match_expand(&match, pattern);
    bool fits = match_value(&match, expanded, mastra_str_of(json));
    free(expanded);
    mastra_json_free(json);
    match_release(&match);
    if (!fits)
        fail_msg("%s: %s", op, match.why);
}

#define PAGE "'total':'$any','page':0,'perPage':'$any','hasMore':false"

/* The tables as the libSQL adapter of 0.x made them: fewer tables, fewer columns, JSON as text. */
static const char old_tables[] =
    "CREATE TABLE mastra_threads (id TEXT NOT NULL PRIMARY KEY, resourceId TEXT NOT NULL, title TEXT NOT "
    "NULL,"
    " metadata TEXT, createdAt TEXT NOT NULL, updatedAt TEXT NOT NULL);"
    "CREATE TABLE mastra_messages (id TEXT NOT NULL PRIMARY KEY, thread_id TEXT NOT NULL, content TEXT NOT "
    "NULL,"
    " role TEXT NOT NULL, type TEXT NOT NULL, createdAt TEXT NOT NULL);"
    "CREATE TABLE notes (a, b);"
    "INSERT INTO notes VALUES (1, x'00ff');"
    "INSERT INTO mastra_threads VALUES ('t', 'r', 'Old', '{\"a\": 1}', '2024-01-01T00:00:00.000Z',"
    " '2024-01-02T00:00:00.000Z');"
    "INSERT INTO mastra_messages VALUES ('m1', 't', '{\"format\":2,\"parts\":[]}', 'user', 'v2',"
    " '2024-01-01T00:00:01.000Z'), ('m2', 't', 'plain', 'assistant', 'text', '2024-01-01T00:00:02.000Z');";

static void older_tables(void **state)
{
    struct yard *yard = *state;
    raw_run_file(yard->path, old_tables);
    open_yard(yard);
    expect(
        yard, "getThreadById", "{'threadId':'t'}",
        "{'id':'t','resourceId':'r','title':'Old','metadata':{'a':1},'createdAt':'2024-01-01T00:00:00.000Z',"
        "'updatedAt':'2024-01-02T00:00:00.000Z'}");
    expect(yard, "listMessages", "{'threadId':'t'}",
           "{'messages':[{'id':'m1','threadId':'t','resourceId':null,'role':'user','content':{'format':2,"
           "'parts':[]},'createdAt':'2024-01-01T00:00:01.000Z'},{'id':'m2','threadId':'t','resourceId':null,"
           "'role':'assistant','type':'text','content':'plain','createdAt':'2024-01-01T00:00:02.000Z'}]," PAGE
           "}");
    expect(yard, "saveMessages",
           "{'messages':[{'id':'m3','threadId':'t','resourceId':'r','role':'user','content':'x'}]}",
           "'$any'");
    expect(yard, "listMessages", "{'threadId':'t','resourceId':'r'}",
           "{'messages':{'$ids':['m3']}," PAGE "}");
    expect(yard, "updateResource", "{'resourceId':'r','workingMemory':'w'}", "{'$open':true,'id':'r'}");
    close_yard(yard);
    raw_check(yard->path);
    char *notes = raw_text(yard->path, "SELECT a || hex(b) FROM notes");
    assert_string_equal(notes, "100FF");
    free(notes);
    /* The old adapter's statements, which name its columns, go on working. */
    raw_run_file(yard->path,
                 "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt) VALUES"
                 " ('m4', 't', 'late', 'user', 'v2', '2024-01-01T00:00:03.000Z')");
    open_yard(yard);
    expect(yard, "listMessages", "{'threadId':'t','perPage':3}",
           "{'messages':{'$ids':['m1','m2','m4']},'total':4,'page':0,'perPage':3,'hasMore':true}");
}

/* Tables with a column that we do not know, and with one that we have to add to rows that are there. */
static void missing_and_extra_columns(void **state)
{
    struct yard *yard = *state;
    raw_run_file(yard->path,
                 "CREATE TABLE mastra_threads (id TEXT NOT NULL PRIMARY KEY, resourceId TEXT NOT NULL,"
                 " colour TEXT DEFAULT 'red', createdAt TEXT NOT NULL);"
                 "INSERT INTO mastra_threads (id, resourceId, createdAt) VALUES ('t', 'r', "
                 "'2024-01-01T00:00:00.000Z');"
                 "CREATE TABLE mastra_resources (id TEXT NOT NULL PRIMARY KEY, createdAt TEXT NOT NULL);"
                 "INSERT INTO mastra_resources VALUES ('r', '2024-01-01T00:00:00.000Z');");
    open_yard(yard);
    expect(yard, "getThreadById", "{'threadId':'t'}",
           "{'id':'t','resourceId':'r','title':'','metadata':null,'createdAt':'2024-01-01T00:00:00.000Z',"
           "'updatedAt':'$any'}");
    expect(yard, "updateThread", "{'id':'t','title':'New'}",
           "{'$open':true,'title':'New','updatedAt':'$now'}");
    expect(yard, "getResourceById", "{'resourceId':'r'}",
           "{'id':'r','workingMemory':null,'metadata':null,'createdAt':'2024-01-01T00:00:00.000Z',"
           "'updatedAt':'$any'}");
    expect(yard, "saveThread", "{'thread':{'id':'u','resourceId':'r'}}", "{'$open':true}");
    close_yard(yard);
    char *colours = raw_text(yard->path, "SELECT group_concat(colour) FROM mastra_threads");
    assert_string_equal(colours, "red,red");
    free(colours);
}

/* Binary JSON, which the adapter of 1.x writes. */
static void binary_json(void **state)
{
    struct yard *yard = *state;
    open_yard(yard);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    raw_run_file(
        yard->path,
        "INSERT INTO mastra_threads (id, resourceId, title, metadata, createdAt, updatedAt) VALUES"
        " ('t', 'r', 'T', jsonb('{\"z\":1,\"a\":{\"n\":[1.50,null,\"x\\u0000\"]},\"big\":9007199254740993}'),"
        " '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z'),"
        " ('e', 'r', 'E', jsonb('{}'), '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z');"
        "INSERT INTO mastra_resources (id, workingMemory, metadata, createdAt, updatedAt) VALUES"
        " ('r', 'w', jsonb('{\"k\":\"v\"}'), '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z');");
    expect(
        yard, "getThreadById", "{'threadId':'t'}",
        "{'$open':true,'metadata':{'$raw':{'z':1,'a':{'n':[1.50,null,'x\\u0000']},'big':9007199254740993}}}");
    expect(yard, "getThreadById", "{'threadId':'e'}", "{'$open':true,'metadata':{}}");
    expect(yard, "getResourceById", "{'resourceId':'r'}", "{'$open':true,'metadata':{'k':'v'}}");
    expect(yard, "listThreads", "{'filter':{'metadata':{'z':1}}}", "{'threads':{'$ids':['t']}," PAGE "}");
    expect(yard, "listThreads", "{'filter':{'metadata':{'a':{'n':[1.5,null,'x\\u0000']}}}}",
           "{'threads':{'$ids':['t']}," PAGE "}");
    expect(yard, "updateThread", "{'id':'t','metadata':{'y':2}}",
           "{'$open':true,'metadata':{'z':1,'a':{'n':[1.50,null,'x\\u0000']},'big':9007199254740993,'y':2}}");
    expect(yard, "updateResource", "{'resourceId':'r','metadata':{'l':1}}",
           "{'$open':true,'metadata':{'k':'v','l':1}}");
    close_yard(yard);
    char *types = raw_text(yard->path, "SELECT group_concat(typeof(metadata)) FROM (SELECT metadata FROM"
                                       " mastra_threads ORDER BY id DESC)");
    assert_string_equal(types, "text,blob");
    free(types);
}

/* Rows that no adapter would write: they are shown as well as can be, and spoil nothing for the others. */
static void odd_rows(void **state)
{
    struct yard *yard = *state;
    open_yard(yard);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    raw_run_file(
        yard->path,
        "INSERT INTO mastra_threads (id, resourceId, title, metadata, createdAt, updatedAt) VALUES"
        " ('a', 'r', 'A', 'not json', '2024-01-01 00:00:00', '2024-01-01T02:00:00+02:00'),"
        " ('b', 'r', 'B', '[1,2]', '2024-01-02T00:00:00.000Z', '2024-01-02'),"
        " ('c', 'r', 7, '\"text\"', '2024-01-03T00:00:00.000Z', '2024-01-03T00:00:00.000Z'),"
        " ('d', 'r', 'D', '', '2024-01-04T00:00:00.000Z', '2024-01-04T00:00:00.000Z');"
        "INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt, resourceId) VALUES"
        " ('m', 'a', '{\"cut', 'user', 'v2', '2024-01-01T00:00:00.123456Z', 'r'),"
        " ('n', 'a', 42, 'user', 'v2', '2024-01-02T00:00:00.000Z', NULL);");
    expect(
        yard, "listThreads", "{'orderBy':{'direction':'ASC'}}",
        "{'threads':["
        "{'id':'a','resourceId':'r','title':'A','metadata':'not json','createdAt':'2024-01-01T00:00:00.000Z',"
        "'updatedAt':'2024-01-01T00:00:00.000Z'},"
        "{'id':'b','resourceId':'r','title':'B','metadata':'$any','createdAt':'2024-01-02T00:00:00.000Z',"
        "'updatedAt':'2024-01-02T00:00:00.000Z'},"
        "{'$open':true,'id':'c','title':'7','metadata':'$any'},"
        "{'$open':true,'id':'d','metadata':'$any'}]," PAGE "}");
    expect(yard, "listMessages", "{'threadId':'a'}",
           "{'messages':[{'$open':true,'id':'m','content':'{\\'cut','createdAt':'2024-01-01T00:00:00.123Z'},"
           "{'$open':true,'id':'n','content':'42'}]," PAGE "}");
    expect(yard, "listThreads", "{'filter':{'metadata':{'k':1}}}", "{'threads':[]," PAGE "}");
    expect(yard, "listMessages", "{'threadId':'a','filter':{'metadata':{'k':1}}}",
           "{'messages':[]," PAGE "}");
    expect(yard, "updateThread", "{'id':'a','metadata':{'k':1}}", "{'$open':true,'metadata':{'k':1}}");
}

/* A time that is no time and a blob that is no JSON: the call may fail, the others must not. */
static void broken_rows(void **state)
{
    struct yard *yard = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    open_yard(yard);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    raw_run_file(yard->path,
                 "INSERT INTO mastra_threads (id, resourceId, title, metadata, createdAt, updatedAt) VALUES"
                 " ('good', 'r', 'G', '{}', '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z'),"
                 " ('blob', 's', 'B', x'ffffff', '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z'),"
                 " ('time', 'q', 'T', '{}', 'yesterday', 'today');");
    expect(yard, "getThreadById", "{'threadId':'good'}", "{'$open':true,'id':'good','metadata':{}}");
    expect(yard, "listThreads", "{'filter':{'resourceId':'r'}}", "{'threads':{'$ids':['good']}," PAGE "}");
    mastra_status status = client_call(yard->store, "getThreadById", NULL, &error, "{'threadId':'blob'}");
    if (status != MASTRA_OK && status != MASTRA_CORRUPT)
        fail_msg("%s: %s", mastra_status_name(status), error.message);
    status = client_call(yard->store, "getThreadById", NULL, &error, "{'threadId':'time'}");
    if (status != MASTRA_OK && status != MASTRA_CORRUPT)
        fail_msg("%s: %s", mastra_status_name(status), error.message);
    expect(yard, "saveThread", "{'thread':{'id':'blob','resourceId':'s'}}", "{'$open':true}");
    expect(yard, "saveThread", "{'thread':{'id':'time','resourceId':'q'}}", "{'$open':true}");
    expect(yard, "listThreads", "{}", "{'threads':'$count:3'," PAGE "}");
}

/* Someone else writes the same file between our calls. */
static void foreign_writer(void **state)
{
    struct yard *yard = *state;
    open_yard(yard);
    expect(yard, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}", "{'$open':true}");
    sqlite3 *other = raw_open(yard->path);
    for (int i = 1; i <= 20; i++) {
        char *sql = test_format("INSERT INTO mastra_messages (id, thread_id, content, role, type, createdAt,"
                                " resourceId) VALUES ('x%d', 't', 'x', 'user', 'v2',"
                                " '2024-01-01T00:00:%02d.000Z', 'r')",
                                i, i);
        char *args = test_format("{'messages':[{'id':'o%d','threadId':'t','resourceId':'r','role':'user',"
                                 "'content':'x'}]}",
                                 i);
        raw_run(other, sql);
        assert_int_equal(client_total(yard->store, "t"), 2 * i - 1);
        expect(yard, "saveMessages", args, "'$any'");
        assert_int_equal(client_total(yard->store, "t"), 2 * i);
        free(sql);
        free(args);
    }
    raw_run(other, "DELETE FROM mastra_messages WHERE id LIKE 'x%'");
    assert_int_equal(client_total(yard->store, "t"), 20);
    raw_run(other, "PRAGMA wal_checkpoint(TRUNCATE)");
    raw_run(other, "VACUUM");
    assert_int_equal(client_total(yard->store, "t"), 20);
    raw_run(other, "ALTER TABLE mastra_messages ADD COLUMN more TEXT");
    expect(yard, "listMessagesById", "{'messageIds':['o1']}", "{'messages':{'$ids':['o1']}}");
    expect(yard, "saveMessages", "{'messages':[{'id':'o1','threadId':'t','role':'user','content':'y'}]}",
           "'$any'");
    raw_run(other, "DELETE FROM mastra_messages");
    assert_int_equal(client_total(yard->store, "t"), 0);
    sqlite3_close(other);
}

/* VACUUM keeps the order of messages with equal times. */
static void order_after_vacuum(void **state)
{
    struct yard *yard = *state;
    open_yard(yard);
    expect(yard, "saveMessages",
           "{'messages':[{'id':'z','threadId':'t','role':'user','content':'x','createdAt':1},"
           "{'id':'gone','threadId':'t','role':'user','content':'x','createdAt':1},"
           "{'id':'a','threadId':'t','role':'user','content':'x','createdAt':1},"
           "{'id':'m','threadId':'t','role':'user','content':'x','createdAt':1}]}",
           "'$any'");
    expect(yard, "deleteMessages", "['gone']", "null");
    close_yard(yard);
    raw_run_file(yard->path, "VACUUM");
    open_yard(yard);
    expect(yard, "saveMessages",
           "{'messages':[{'id':'b','threadId':'t','role':'user','content':'x','createdAt':1}]}", "'$any'");
    expect(yard, "listMessages", "{'threadId':'t'}", "{'messages':{'$ids':['z','a','m','b']}," PAGE "}");
}

/* What opening a current file costs. */

static atomic_int statements;

/* The table-valued pragmas run a pragma of their own for each table: that is not one of our statements. */
static int count_statement(unsigned kind, void *user, void *stmt, void *sql)
{
    (void)kind;
    (void)user;
    (void)stmt;
    if (!strstr(sql, "PRAGMA table_info=") && !strstr(sql, "PRAGMA index_info="))
        atomic_fetch_add(&statements, 1);
    return 0;
}

static int on_connect(sqlite3 *db, const char **ret_message, const void *api)
{
    (void)ret_message;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_statement, NULL);
}

static void cheap_init(void **state)
{
    struct yard *yard = *state;
    open_yard(yard);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    close_yard(yard);
    sqlite3_auto_extension((void (*)(void))on_connect);
    open_yard(yard);
    atomic_store(&statements, 0);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    assert_in_range(atomic_load(&statements), 1, 3);
    close_yard(yard);
    sqlite3_reset_auto_extension();
}

/* Opening, making sure of the tables and reading leave the file alone, byte for byte. */
static void untouched_when_current(void **state)
{
    struct yard *yard = *state;
    size_t before_len;
    size_t after_len;
    open_yard(yard);
    expect(yard, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}", "{'$open':true}");
    close_yard(yard);
    char *before = test_file_read(yard->path, &before_len);
    open_yard(yard);
    assert_int_equal(mastra_init(yard->store, NULL), MASTRA_OK);
    expect(yard, "getThreadById", "{'threadId':'t'}", "{'$open':true,'id':'t'}");
    assert_int_equal(client_total(yard->store, "t"), 0);
    close_yard(yard);
    char *after = test_file_read(yard->path, &after_len);
    assert_int_equal(after_len, before_len);
    assert_memory_equal(after, before, before_len);
    free(before);
    free(after);
}

/* Closing the last handle leaves one file, without a log beside it. */
static void closed_cleanly(void **state)
{
    struct yard *yard = *state;
    char *wal = test_format("%s-wal", yard->path);
    open_yard(yard);
    expect(yard, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}", "{'$open':true}");
    expect(yard, "listThreads", "{}", "{'$open':true,'total':1}");
    close_yard(yard);
    assert_int_equal(access(wal, F_OK), -1);
    char *mode = raw_text(yard->path, "PRAGMA journal_mode");
    assert_string_equal(mode, "wal");
    free(mode);
    free(wal);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(older_tables),
        TEST(missing_and_extra_columns),
        TEST(binary_json),
        TEST(odd_rows),
        TEST(broken_rows),
        TEST(foreign_writer),
        TEST(order_after_vacuum),
        TEST(cheap_init),
        TEST(untouched_when_current),
        TEST(closed_cleanly),
    };
    return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
