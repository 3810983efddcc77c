/*
 * What reads whole tables of DynamoDB: with how much memory, in how many requests, while others write, and when requests go
 * wrong.
 */
#include "support/client.h"
#include "support/dynamodb.h"
#include "support/files.h"
#include "support/heap.h"
#include "support/place.h"
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_ALLOCATIONS 20000

static mastra_store *open_store(const char *url, struct test_heap *heap)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    if (heap)
        options.allocator = &heap->allocator;
    if (mastra_open(url, &options, &store, &error) != MASTRA_OK)
        fail_msg("%s: %s", url, error.message);
    return store;
}

static void close_store(mastra_store *store)
{
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

/* Messages from number `from` on, of so many bytes each, in a thread; their times fall while their numbers grow. */
static void save_messages(mastra_store *store, int from, int count, int bytes)
{
    size_t room = (size_t)count * ((size_t)bytes + 160);
    char *args = malloc(room);
    assert_non_null(args);
    int len = snprintf(args, room, "{'messages':[");
    for (int i = from; i < from + count; i++)
        len += snprintf(args + len, room - (size_t)len,
                        "%s{'id':'m%d','threadId':'t','resourceId':'r','role':'user','content':'%0*d',"
                        "'createdAt':%d}",
                        i > from ? "," : "", i, bytes, i, 1000000 - i / 3);
    snprintf(args + len, room - (size_t)len, "]}");
    call(store, "saveMessages", args);
    free(args);
}

static void ask(struct script *proxy, const char *line)
{
    char *answer = script_ask(proxy, line);
    if (!answer || strcmp(answer, "ok") != 0)
        fail_msg("%s: %s", line, answer ? answer : "the proxy is gone");
    free(answer);
}

/* Starts a proxy before the shared server; gives a URL of the table through it, to be freed. */
static char *begin_proxy(struct script **ret, const char *table)
{
    const char *arguments[] = {dynamodb_wanted(), "1", NULL};
    *ret = script_start("dynamodb-proxy", arguments);
    char *line = script_line(*ret);
    assert_non_null(line);
    char *url = dynamodb_url(strchr(line, '=') + 1, table);
    free(line);
    free(script_line(*ret));
    return url;
}

/* How many requests of an operation there were since the last time. */
static long requests(struct script *proxy, const char *operation, char **ret_counted)
{
    char *name = test_format("\"%s\": ", operation);
    *ret_counted = script_ask(proxy, "count");
    assert_non_null(*ret_counted);
    const char *at = strstr(*ret_counted, name);
    long count = at ? strtol(at + strlen(name), NULL, 10) : 0;
    free(name);
    return count;
}

static void expect_requests(struct script *proxy, const char *operation, long wanted)
{
    char *counted;
    long count = requests(proxy, operation, &counted);
    if (count != wanted)
        fail_msg("%ld of %s instead of %ld: %s", count, operation, wanted, counted);
    free(counted);
}

/* Memory. */

static bool drop_line(void *user, mastra_str line)
{
    *(size_t *)user += line.len;
    return true;
}

/* Of pages of at most 2 MB a few copies exist for a moment; of all rows, nothing but where they stand. */
static void memory(void **state)
{
    enum { ROWS = 1500, BYTES = 6000, BATCH = 50 };
    struct test_heap heap;
    struct place place;
    (void)state;
    place_dynamodb_begin(&place);
    mastra_store *writer = open_store(place.url, NULL);
    for (int i = 0; i < ROWS; i += BATCH)
        save_messages(writer, i, BATCH, BYTES);
    close_store(writer);

    test_heap_init(&heap);
    mastra_store *store = open_store(place.url, &heap);
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    args.dry_run = true;
    args.batch_size = BATCH;
    assert_int_equal(mastra_init(store, NULL), MASTRA_OK);
    test_heap_mark(&heap);
    if (mastra_copy(store, NULL, &args, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(report.read, ROWS);
    long copied = atomic_load(&heap.peak);
    print_message("# a copy in batches of %d rows: %ld KB\n", BATCH, copied / 1024);
    assert_true(copied < (long)ROWS * BYTES / 3);

    size_t bytes = 0;
    test_heap_mark(&heap);
    if (mastra_export(store, NULL, drop_line, &bytes, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_true(bytes > (size_t)ROWS * BYTES);
    print_message("# an export: %ld KB\n", (long)(atomic_load(&heap.peak) / 1024));
    assert_true(atomic_load(&heap.peak) < (long)ROWS * BYTES * 3 / 4);
    close_store(store);
    assert_int_equal(atomic_load(&heap.live), 0);
    place_end(&place);
}

/* Requests. */

static void fill(mastra_store *store)
{
    call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r','title':'T','metadata':{'a':1}}}");
    save_messages(store, 0, 7, 10);
    call(store, "saveResource", "{'resource':{'id':'r','workingMemory':'w'}}");
    call(store, "batchCreateSpans",
         "{'records':[{'traceId':'t','spanId':'s','name':'n','spanType':'x','isEvent':false,'startedAt':1},"
         "{'traceId':'t','spanId':'u','parentSpanId':'s','name':'n','spanType':'x','isEvent':false,"
         "'startedAt':1}]}");
    call(store, "persistWorkflowSnapshot", "{'workflowName':'W','runId':'1','snapshot':{}}");
    call(store, "saveEval",
         "{'input':'i','output':'o','result':{'score':1},'agentName':'a','metricName':'m','instructions':'x',"
         "'globalRunId':'g','runId':'r','createdAt':1}");
}

static void look(void *user, const mastra_copy_event *event)
{
    if (event->news == MASTRA_COPY_PLANNED)
        *(int64_t *)user += event->from_rows;
}

static void expect_same_list(mastra_store *one, mastra_store *other)
{
    char *left = NULL;
    char *right = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(client_call(one, "listMessages", &left, &error, "{'threadId':'t','perPage':false}"),
                     MASTRA_OK);
    assert_int_equal(client_call(other, "listMessages", &right, &error, "{'threadId':'t','perPage':false}"),
                     MASTRA_OK);
    assert_string_equal(left, right);
    mastra_json_free(left);
    mastra_json_free(right);
}

/* One Scan for all tables together, counts included: the whole fits into its one page. */
static void scans(void **state)
{
    struct script *proxy;
    struct place place;
    (void)state;
    place_dynamodb_begin(&place);
    char *url = begin_proxy(&proxy, place.table);
    mastra_store *store = open_store(url, NULL);
    mastra_store *target = open_store(":memory:", NULL);
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    int64_t planned = 0;
    fill(store);
    args.tell = look;
    args.user = &planned;
    free(script_ask(proxy, "count"));
    if (mastra_copy(store, target, &args, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    expect_requests(proxy, "Scan", 1);
    assert_int_equal(planned, 13);
    assert_int_equal(report.added, 13);
    expect_same_list(store, target);
    if (mastra_diff(store, target, NULL, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(report.different, 0);
    expect_requests(proxy, "Scan", 1);
    assert_int_equal(mastra_stats(store, NULL, NULL, NULL), MASTRA_OK);
    expect_requests(proxy, "Scan", 1);
    assert_int_equal(mastra_check(store, NULL, NULL, NULL), MASTRA_OK);
    expect_requests(proxy, "Scan", 1);
    call(store, "prune", "{'olderThan':{'messages':2000000,'spans':2,'evals':2},'batchSize':1}");
    expect_requests(proxy, "Scan", 1);
    if (mastra_copy(store, NULL, &(mastra_copy_args){.size = sizeof args, .dry_run = true}, &report,
                    &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(report.read, 3);
    close_store(store);
    close_store(target);
    script_end(proxy);
    free(url);
    place_end(&place);
}

static void copy_all(mastra_store *from, mastra_store *to)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    if (mastra_copy(from, to, NULL, &report, &error) != MASTRA_OK)
        fail_msg("copy: %s", error.message);
    assert_int_equal(report.added, 13);
}

static void expect_equal(mastra_store *one, mastra_store *other)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    if (mastra_diff(one, other, NULL, &report, &error) != MASTRA_OK)
        fail_msg("diff: %s", error.message);
    assert_int_equal(report.different, 0);
}

/* Every kind of record goes there and back as it was; evals have a column there that no operation reads. */
static void round_trip(void **state)
{
    struct place place;
    (void)state;
    place_dynamodb_begin(&place);
    mastra_store *file = open_store(":memory:", NULL);
    mastra_store *store = open_store(place.url, NULL);
    mastra_store *back = open_store(":memory:", NULL);
    fill(file);
    copy_all(file, store);
    expect_equal(file, store);
    copy_all(store, back);
    expect_equal(file, back);
    expect_same_list(file, back);
    close_store(file);
    close_store(store);
    close_store(back);
    place_end(&place);
}

/* A page that was full once is asked for together with its total, in as many requests as before. */
static void pages(void **state)
{
    struct script *proxy;
    struct place place;
    (void)state;
    place_dynamodb_begin(&place);
    char *url = begin_proxy(&proxy, place.table);
    mastra_store *store = open_store(url, NULL);
    mastra_error error = MASTRA_ERROR_INIT;
    for (int i = 0; i < 7; i++)
        save_messages(store, 3 * i, 1, 10);
    for (int round = 0; round < 3; round++) {
        for (int page = 0; page < 4; page++) {
            static const size_t there[] = {3, 3, 1, 0};
            char *json = NULL;
            free(script_ask(proxy, "count"));
            assert_int_equal(client_call(store, "listMessages", &json, &error,
                                         "{'threadId':'t','perPage':3,'page':%d}", page),
                             MASTRA_OK);
            assert_int_equal(client_number(json, "total"), 7);
            assert_int_equal(client_count(json, "messages"), there[page]);
            mastra_json_free(json);
            expect_requests(proxy, "Query", page < 3 ? 2 : 1);
        }
        free(script_ask(proxy, "count"));
        assert_int_equal(client_total(store, "t"), 7);
    }
    for (int round = 0; round < 2; round++) {
        char *json = NULL;
        free(script_ask(proxy, "count"));
        assert_int_equal(client_call(store, "listMessages", &json, &error, "{'threadId':'t','perPage':8}"),
                         MASTRA_OK);
        assert_int_equal(client_number(json, "total"), 7);
        mastra_json_free(json);
        expect_requests(proxy, "Query", 1);
    }
    close_store(store);
    script_end(proxy);
    free(url);
    place_end(&place);
}

/* Others. */

struct other {
    mastra_store *store;
    bool wrote;
};

/* Between the first rows and the rest. */
static void write_between(void *user, const mastra_copy_event *event)
{
    struct other *other = user;
    if (event->news != MASTRA_COPY_PROGRESS || strcmp(event->table, "mastra_messages") != 0 || other->wrote)
        return;
    other->wrote = true;
    call(other->store, "deleteMessages", "['m0','m20','m59']");
    save_messages(other->store, 60, 3, 10);
    /* Their times, by which rows are read, are others from now on. */
    call(other->store, "updateMessages",
         "{'messages':[{'id':'m1','content':'later'},{'id':'m58','content':'later'}]}");
    call(
        other->store, "saveMessages",
        "{'messages':[{'id':'m30','threadId':'t','resourceId':'r','role':'user','content':'x','createdAt':1},"
        "{'id':'m2','threadId':'t','resourceId':'r','role':'user','content':'x','createdAt':9000000}]}");
}

static void others_write(void **state)
{
    struct place place;
    struct other other = {.wrote = false};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_args args = MASTRA_COPY_INIT;
    (void)state;
    place_dynamodb_begin(&place);
    mastra_store *store = open_store(place.url, NULL);
    mastra_store *target = open_store(":memory:", NULL);
    other.store = open_store(place.url, NULL);
    save_messages(store, 0, 60, 10);
    args.tell = write_between;
    args.user = &other;
    args.batch_size = 7;
    if (mastra_copy(store, target, &args, NULL, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_true(other.wrote);
    for (int i = 0; i < 60; i++) {
        char *json = NULL;
        assert_int_equal(client_call(target, "listMessagesById", &json, &error, "{'messageIds':['m%d']}", i),
                         MASTRA_OK);
        if (client_count(json, "messages") != 1 && i != 0 && i != 20 && i != 59)
            fail_msg("message %d is lost", i);
        mastra_json_free(json);
    }
    close_store(store);
    close_store(other.store);
    close_store(target);
    place_end(&place);
}

/* Faults. */

static void copy_under_faults(const char *parameters)
{
    struct script *proxy;
    struct place place;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
    place_dynamodb_begin(&place);
    char *through = begin_proxy(&proxy, place.table);
    char *url = test_format("%s%s", through, parameters);
    mastra_store *store = open_store(url, NULL);
    mastra_store *target = open_store(":memory:", NULL);
    fill(store);
    save_messages(store, 10, 200, 10);
    ask(proxy, "fault 40 throttle unheard unanswered cut corrupt internal unprocessed");
    if (mastra_copy(store, target, NULL, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(report.added, 213);
    if (mastra_diff(store, target, NULL, &report, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(report.different, 0);
    ask(proxy, "pass");
    close_store(store);
    close_store(target);
    script_end(proxy);
    free(through);
    free(url);
    place_end(&place);
}

static void faults(void **state)
{
    (void)state;
    copy_under_faults("");
}

/* Every segment goes on where it was. */
static void faults_in_segments(void **state)
{
    (void)state;
    copy_under_faults("&scan_segments=4");
}

/* Each allocation of what reads whole tables fails in turn, or many of them do: it is said, and nothing leaks. */
static void memory_out(void **state)
{
    struct place place;
    mastra_copy_args args = MASTRA_COPY_INIT;
    mastra_status status = MASTRA_OUT_OF_MEMORY;
    long failed = 0;
    (void)state;
    place_dynamodb_begin(&place);
    mastra_store *writer = open_store(place.url, NULL);
    fill(writer);
    close_store(writer);
    args.dry_run = true;
    for (long n = 1; status != MASTRA_OK && n < MOST_ALLOCATIONS; n += 1 + n / 16) {
        struct test_heap heap;
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_copy_report report = MASTRA_COPY_REPORT_INIT;
        test_heap_init(&heap);
        mastra_store *store = open_store(place.url, &heap);
        assert_int_equal(mastra_init(store, NULL), MASTRA_OK);
        test_heap_fail(&heap, n, true);
        status = mastra_copy(store, NULL, &args, &report, &error);
        test_heap_fail(&heap, 0, false);
        if (status != MASTRA_OK && status != MASTRA_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s", n, error.message);
        if (status == MASTRA_OK)
            assert_int_equal(report.read, 13);
        close_store(store);
        if (atomic_load(&heap.live) != 0)
            fail_msg("allocation %ld: %ld blocks were not released", n, (long)atomic_load(&heap.live));
        failed++;
    }
    assert_int_equal(status, MASTRA_OK);
    assert_true(failed > 20);
    place_end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory),
        cmocka_unit_test(scans),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(pages),
        cmocka_unit_test(others_write),
        cmocka_unit_test(faults),
        cmocka_unit_test(faults_in_segments),
        cmocka_unit_test(memory_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
