/* What does not fit into a value, a row, a key or a transaction of Aurora DSQL. */
#include "support/client.h"
#include "support/dsql.h"
#include "support/files.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((size_t)1024 * 1024)

struct fixture {
    struct place place;
    mastra_store *store;
};

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(fixture);
    dsql_wanted();
    place_dsql_begin(&fixture->place);
    char *url = place_url(&fixture->place, "busy_timeout=120000&statementTimeoutMillis=120000");
    if (mastra_open(url, NULL, &fixture->store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    mastra_close(fixture->store, NULL);
    place_end(&fixture->place);
    free(fixture);
    return 0;
}

static void expect_ok(struct fixture *fixture, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(fixture->store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static void expect_refused(struct fixture *fixture, const char *op, const char *args, const char *words)
{
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(client_call(fixture->store, op, NULL, &error, "%s", args), MASTRA_LIMIT_EXCEEDED);
    if (!strstr(error.message, words))
        fail_msg("%s: %s", op, error.message);
}

/* A text of so many letters; to be freed. */
static char *letters(size_t count)
{
    char *text = malloc(count + 1);
    assert_non_null(text);
    memset(text, 'x', count);
    text[count] = '\0';
    return text;
}

#define THREAD "{'thread':{'id':'t','resourceId':'r','title':'x'}}"

static void test_values(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        size_t size;
        const char *refusal;
    } sizes[] = {{MIB, NULL}, {MIB + 1, "mastra_messages.content is 1048577 bytes long"}};
    expect_ok(fixture, "saveThread", THREAD);
    for (size_t i = 0; i < 2; i++) {
        char *text = letters(sizes[i].size);
        char *args =
            test_format("{'messages':[{'id':'m','threadId':'t','resourceId':'r','role':'user','content':'a'},"
                        "{'id':'n','threadId':'t','resourceId':'r','role':'user','content':'%s'}]}",
                        text);
        if (sizes[i].refusal)
            expect_refused(fixture, "saveMessages", args, sizes[i].refusal);
        else
            expect_ok(fixture, "saveMessages", args);
        expect_ok(fixture, "deleteMessages", "{'messageIds':['n']}");
        expect_ok(fixture, "deleteMessages", "{'messageIds':['m']}");
        free(args);
        free(text);
    }
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_messages"), 0);
}

static void test_rows(void **state)
{
    struct fixture *fixture = *state;
    char *text = letters(MIB - 100);
    char *args = test_format("{'span':{'traceId':'a','spanId':'b','name':'n','spanType':'generic','startedAt'"
                             ":1000,'isEvent':false,"
                             "'input':'%s','output':'%s','error':'%s'}}",
                             text, text, text);
    expect_refused(fixture, "createSpan", args, "a row of mastra_ai_spans");
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_ai_spans"), 0);
    free(args);
    free(text);
}

static void test_keys(void **state)
{
    struct fixture *fixture = *state;
    char *longest = letters(1024);
    char *too_long = letters(1025);
    char *args = test_format("{'resource':{'id':'%s'}}", longest);
    char *wrong = test_format("{'resource':{'id':'%s'}}", too_long);
    char *title = test_format("{'thread':{'id':'t','resourceId':'r','title':'%s'}}", too_long);
    char *resource = test_format("{'thread':{'id':'t','resourceId':'%s','title':'x'}}", longest);
    expect_ok(fixture, "saveResource", args);
    expect_refused(fixture, "saveResource", wrong, "mastra_resources.id is too long (1025 bytes)");
    expect_ok(fixture, "saveThread", title);
    expect_refused(fixture, "saveThread", resource, "mastra_threads_resourceid_createdat_idx");
    /* A change of what an index holds, too. */
    char *name = test_format("{'traceId':'a','spanId':'b','updates':{'name':'%s'}}", too_long);
    expect_ok(fixture, "createSpan",
              "{'span':{'traceId':'a','spanId':'b','name':'n','spanType':'generic','startedAt':1000,'isEvent'"
              ":false}}");
    expect_refused(fixture, "updateSpan", name, "mastra_ai_spans.name is too long (1025 bytes)");
    expect_ok(fixture, "updateSpan", "{'traceId':'a','spanId':'b','updates':{'name':'m'}}");
    free(name);
    free(longest);
    free(too_long);
    free(args);
    free(wrong);
    free(title);
    free(resource);
}

/* Arguments of saveMessages: messages from..from+count, each of so many bytes. */
static char *messages(int from, int count, size_t size)
{
    size_t room = (size_t)count * (size + 120);
    char *args = malloc(room);
    char *text = letters(size);
    size_t len;
    assert_non_null(args);
    len = (size_t)snprintf(args, room, "{'messages':[");
    for (int i = from; i < from + count; i++)
        len += (size_t)snprintf(args + len, room - len,
                                "%s{'id':'m%d','threadId':'t','resourceId':'r','role':'user','content':'%s'}",
                                i == from ? "" : ",", i, text);
    snprintf(args + len, room - len, "]}");
    free(text);
    return args;
}

/* Ten thousand messages: saved by a call, moved to another resource, deleted with their thread. */
static void test_many_rows(void **state)
{
    struct fixture *fixture = *state;
    char *args = messages(0, 10000, 10);
    expect_ok(fixture, "saveThread", THREAD);
    expect_ok(fixture, "saveMessages", args);
    /* The same again changes nothing. */
    expect_ok(fixture, "saveMessages", args);
    assert_int_equal(client_total(fixture->store, "t"), 10000);
    expect_ok(fixture, "updateThreadResourceId", "{'threadId':'t','resourceId':'s'}");
    assert_int_equal(
        place_number(&fixture->place, "SELECT count(*) FROM mastra_messages WHERE \"resourceId\" = 's'"),
        10000);
    expect_ok(fixture, "cloneThread", "{'sourceThreadId':'t','newThreadId':'u'}");
    assert_int_equal(client_total(fixture->store, "u"), 10000);
    expect_ok(fixture, "deleteThread", "{'threadId':'t'}");
    expect_ok(fixture, "deleteThread", "{'threadId':'u'}");
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_messages"), 0);
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_threads"), 0);
    free(args);
}

/* Nothing is written for a thread that does not exist, however many parts there were to be. */
static void test_parent_missing(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    char *args = messages(0, 4000, 10);
    assert_int_equal(client_call(fixture->store, "saveMessages", NULL, &error, "%s", args), MASTRA_NOT_FOUND);
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_messages"), 0);
    free(args);
}

static void test_many_bytes(void **state)
{
    struct fixture *fixture = *state;
    char *args = messages(0, 30, 900000);
    expect_ok(fixture, "saveThread", THREAD);
    expect_ok(fixture, "saveMessages", args);
    assert_int_equal(client_total(fixture->store, "t"), 30);
    free(args);
}

static void test_traces(void **state)
{
    struct fixture *fixture = *state;
    size_t room = 4000 * 160;
    char *args = malloc(room);
    assert_non_null(args);
    size_t len = (size_t)snprintf(args, room, "{'records':[");
    for (int i = 0; i < 4000; i++)
        len += (size_t)snprintf(
            args + len, room - len,
            "%s{'traceId':'a%d','spanId':'b%d','name':'n','spanType':'generic','startedAt':1000,'isEvent':"
            "false}",
            i ? "," : "", i % 2, i);
    snprintf(args + len, room - len, "]}");
    expect_ok(fixture, "batchCreateSpans", args);
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_ai_spans"), 4000);
    expect_ok(fixture, "batchDeleteTraces", "{'traceIds':['a0','a1']}");
    assert_int_equal(place_number(&fixture->place, "SELECT count(*) FROM mastra_ai_spans"), 0);
    free(args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, begin, end),
        cmocka_unit_test_setup_teardown(test_rows, begin, end),
        cmocka_unit_test_setup_teardown(test_keys, begin, end),
        cmocka_unit_test_setup_teardown(test_many_rows, begin, end),
        cmocka_unit_test_setup_teardown(test_parent_missing, begin, end),
        cmocka_unit_test_setup_teardown(test_many_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_traces, begin, end),
    };
    return cmocka_run_group_tests_name("dsql limits", tests, NULL, NULL);
}
