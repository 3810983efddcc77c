/* Many threads on one store, and several stores on one file. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define THREADS 16

struct shop {
    struct place place;
    mastra_store *store;
    mastra_store *other;
};

static mastra_store *open_store(const char *url)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static int begin(void **state)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    assert_non_null(shop);
    place_begin(&shop->place, *state);
    shop->store = open_store(shop->place.url);
    *state = shop;
    return 0;
}

static int end(void **state)
{
    struct shop *shop = *state;
    mastra_status status = mastra_close(shop->store, NULL);
    if (shop->other)
        mastra_close(shop->other, NULL);
    place_end(&shop->place);
    free(shop);
    return status == MASTRA_OK ? 0 : -1;
}

/* Notes a failure unless the call went well. */
#define EXPECT_OK(store, op, ...)                                                                            \
    do {                                                                                                     \
        mastra_error expect_error = MASTRA_ERROR_INIT;                                                       \
        if (client_call(store, op, NULL, &expect_error, __VA_ARGS__) != MASTRA_OK)                           \
            crew_fail("%s: %s", op, expect_error.message);                                                   \
    } while (0)

static void make_thread(mastra_store *store, const char *id)
{
    EXPECT_OK(store, "saveThread", "{'thread':{'id':'%s','resourceId':'r'}}", id);
    crew_check();
}

static void save_one(mastra_store *store, const char *thread, int writer, int number)
{
    EXPECT_OK(store, "saveMessages",
              "{'messages':[{'id':'%s-%d-%d','threadId':'%s','resourceId':'r','role':'user',"
              "'content':'message %d of %d'}]}",
              thread, writer, number, thread, number, writer);
}

/* Read, change, write. */

#define ROUNDS 20

static void change_thread(int index, void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        EXPECT_OK(arg, "updateThread", "{'id':'t','metadata':{'k%d-%d':%d,'last%d':%d}}", index, i, i, index,
                  i);
}

static void thread_metadata(void **state)
{
    struct shop *shop = *state;
    make_thread(shop->store, "t");
    crew_run(THREADS, change_thread, shop->store);
    crew_check();
    assert_int_equal(client_metadata_count(shop->store, "t"), THREADS * (ROUNDS + 1));
}

static void change_resource(int index, void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        EXPECT_OK(arg, "updateResource", "{'resourceId':'r','metadata':{'k%d-%d':1}}", index, i);
}

/* The resource does not exist at first: one of the threads makes it. */
static void resource_metadata(void **state)
{
    struct shop *shop = *state;
    char *json = NULL;
    crew_run(THREADS, change_resource, shop->store);
    crew_check();
    assert_int_equal(client_call(shop->store, "getResourceById", &json, NULL, "{'resourceId':'r'}"),
                     MASTRA_OK);
    assert_int_equal(client_count(json, "metadata"), THREADS * ROUNDS);
    mastra_json_free(json);
}

static void change_message(int index, void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        EXPECT_OK(arg, "updateMessages", "{'messages':[{'id':'t-0-0','content':{'k%d-%d':1}}]}", index, i);
}

static void message_content(void **state)
{
    struct shop *shop = *state;
    mastra_message_list *list = NULL;
    mastra_str id = MASTRA_STR("t-0-0");
    make_thread(shop->store, "t");
    EXPECT_OK(shop->store, "saveMessages",
              "{'messages':[{'id':'t-0-0','threadId':'t','role':'user','content':{}}]}");
    crew_run(THREADS, change_message, shop->store);
    crew_check();
    assert_int_equal(mastra_list_messages_by_id(shop->store, &id, 1, &list, NULL), MASTRA_OK);
    char *wrapped = test_format("{\"c\":%s}", mastra_message_list_at(list, 0)->content.ptr);
    assert_int_equal(client_count(wrapped, "c"), THREADS * ROUNDS);
    free(wrapped);
    mastra_message_list_free(list);
}

/* Two handles on one file: each thread uses the one that its number says. */
static void change_through_either(int index, void *arg)
{
    struct shop *shop = arg;
    change_thread(index, index % 2 ? shop->other : shop->store);
}

static void two_stores(void **state)
{
    struct shop *shop = *state;
    make_thread(shop->store, "t");
    shop->other = open_store(shop->place.url);
    crew_run(THREADS, change_through_either, shop);
    crew_check();
    assert_int_equal(client_metadata_count(shop->store, "t"), THREADS * (ROUNDS + 1));
    assert_int_equal(client_metadata_count(shop->other, "t"), THREADS * (ROUNDS + 1));
}

/* Saving while others read. */

#define SAVERS  64
#define SAVES   6
#define READERS 4

struct traffic {
    mastra_store *store;
    atomic_int acknowledged;
    atomic_bool over;
};

static void save_singly(int index, void *arg)
{
    struct traffic *traffic = arg;
    for (int i = 0; i < SAVES; i++) {
        save_one(traffic->store, "t", index, i);
        atomic_fetch_add(&traffic->acknowledged, 1);
    }
}

/* The total never goes back, and holds at least what was acknowledged before the call. */
static void watch_total(int index, void *arg)
{
    struct traffic *traffic = arg;
    int64_t before = 0;
    (void)index;
    while (!atomic_load(&traffic->over)) {
        int known = atomic_load(&traffic->acknowledged);
        int64_t total = client_total(traffic->store, "t");
        if (total < before || total < known)
            crew_fail("total %lld after %lld, %d acknowledged", (long long)total, (long long)before, known);
        before = total;
    }
}

static void save_and_list(void **state)
{
    struct shop *shop = *state;
    struct traffic traffic = {.store = shop->store};
    struct crew_thread *readers[READERS];
    make_thread(shop->store, "t");
    for (int i = 0; i < READERS; i++)
        readers[i] = crew_start(watch_total, i, &traffic);
    crew_run(SAVERS, save_singly, &traffic);
    atomic_store(&traffic.over, true);
    for (int i = 0; i < READERS; i++)
        crew_join(readers[i]);
    crew_check();
    assert_int_equal(client_total(shop->store, "t"), SAVERS * SAVES);
    for (int i = 0; i < SAVERS * SAVES; i++) {
        char *json = NULL;
        client_call(shop->store, "listMessagesById", &json, NULL, "{'messageIds':['t-%d-%d']}", i / SAVES,
                    i % SAVES);
        assert_int_equal(client_count(json, "messages"), 1);
        mastra_json_free(json);
    }
}

/* Every page of a walk through a list comes from a state in which the list has only grown. */
static void walk_pages(int index, void *arg)
{
    struct traffic *traffic = arg;
    (void)index;
    while (!atomic_load(&traffic->over)) {
        int known = atomic_load(&traffic->acknowledged);
        size_t seen = 0;
        int64_t total = 1;
        for (int page = 0; (int64_t)page * 50 < total; page++) {
            char *json = NULL;
            client_call(traffic->store, "listMessages", &json, NULL,
                        "{'threadId':'t','perPage':50,'page':%d}", page);
            total = client_number(json, "total");
            seen += client_count(json, "messages");
            mastra_json_free(json);
        }
        if (seen < (size_t)known)
            crew_fail("saw %zu messages, %d were acknowledged", seen, known);
    }
}

static void walk_while_saving(void **state)
{
    struct shop *shop = *state;
    struct traffic traffic = {.store = shop->store};
    struct crew_thread *readers[2];
    make_thread(shop->store, "t");
    for (int i = 0; i < 2; i++)
        readers[i] = crew_start(walk_pages, i, &traffic);
    crew_run(THREADS, save_singly, &traffic);
    atomic_store(&traffic.over, true);
    for (int i = 0; i < 2; i++)
        crew_join(readers[i]);
    crew_check();
    assert_int_equal(client_total(shop->store, "t"), THREADS * SAVES);
}

/* One reading connection for all. */
static void read_singly(int index, void *arg)
{
    (void)index;
    for (int i = 0; i < 30; i++) {
        if (client_total(arg, "t") != SAVES)
            crew_fail("a total is wrong");
    }
}

static void one_reader(void **state)
{
    struct shop *shop = *state;
    struct traffic traffic = {.store = shop->store};
    char *url = place_url(&shop->place, "readers=1");
    save_singly(0, &traffic);
    shop->other = open_store(url);
    crew_run(THREADS, read_singly, shop->other);
    crew_check();
    free(url);
}

/* Everything at once: save, list, change, delete, each thread in its own thread of messages and in a common one. */
static void all_kinds(int index, void *arg)
{
    mastra_store *store = arg;
    char own[16];
    snprintf(own, sizeof(own), "own%d", index);
    EXPECT_OK(store, "saveThread", "{'thread':{'id':'%s','resourceId':'r'}}", own);
    for (int i = 0; i < 10; i++) {
        save_one(store, own, index, i);
        save_one(store, "t", index, i);
        EXPECT_OK(store, "updateThread", "{'id':'%s','title':'%d'}", own, i);
        EXPECT_OK(store, "listThreads", "{'perPage':3}");
        EXPECT_OK(store, "deleteMessages", "['t-%d-%d']", index, i - 1);
        if (client_total(store, own) != i + 1)
            crew_fail("own thread has %lld messages, not %d", (long long)client_total(store, own), i + 1);
    }
    EXPECT_OK(store, "cloneThread", "{'sourceThreadId':'%s','newThreadId':'copy%d'}", own, index);
    EXPECT_OK(store, "deleteThread", "{'threadId':'%s'}", own);
    if (client_total(store, own) != 0)
        crew_fail("the deleted thread has messages");
}

static void everything_at_once(void **state)
{
    struct shop *shop = *state;
    char *json = NULL;
    make_thread(shop->store, "t");
    crew_run(THREADS, all_kinds, shop->store);
    crew_check();
    assert_int_equal(client_total(shop->store, "t"), THREADS);
    client_call(shop->store, "listThreads", &json, NULL, "{'perPage':1}");
    assert_int_equal(client_number(json, "total"), THREADS + 1);
    mastra_json_free(json);
    client_call(shop->store, "listMessagesByResourceId", &json, NULL, "{'resourceId':'r','perPage':1}");
    assert_int_equal(client_number(json, "total"), THREADS + THREADS * 10);
    mastra_json_free(json);
}

/* The first use of a fresh store, by all threads at the same moment. */
static void first_use(int index, void *arg)
{
    EXPECT_OK(arg, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    save_one(arg, "t", index, 0);
}

static void lazy_start(void **state)
{
    struct shop *shop = *state;
    crew_run(THREADS, first_use, shop->store);
    crew_check();
    assert_int_equal(client_total(shop->store, "t"), THREADS);
}

static void open_save_close(int index, void *arg)
{
    for (int i = 0; i < 5; i++) {
        mastra_store *store = NULL;
        mastra_error error = MASTRA_ERROR_INIT;
        if (mastra_open(arg, NULL, &store, &error) != MASTRA_OK) {
            crew_fail("open: %s", error.message);
            return;
        }
        save_one(store, "t", index, i);
        if (mastra_close(store, &error) != MASTRA_OK)
            crew_fail("close: %s", error.message);
    }
}

static void open_and_close(void **state)
{
    struct shop *shop = *state;
    make_thread(shop->store, "t");
    crew_run(8, open_save_close, shop->place.url);
    crew_check();
    assert_int_equal(client_total(shop->store, "t"), 40);
}

/* A result made by one thread, read and freed by another, after the store is gone. */
static void free_result(int index, void *arg)
{
    mastra_message_list *list = arg;
    (void)index;
    if (mastra_message_list_count(list) != 1)
        crew_fail("%zu messages", mastra_message_list_count(list));
    mastra_message_list_free(list);
}

static void results_cross_threads(void **state)
{
    struct shop *shop = *state;
    mastra_message_list *list = NULL;
    mastra_str id = MASTRA_STR("t-0-0");
    make_thread(shop->store, "t");
    save_one(shop->store, "t", 0, 0);
    assert_int_equal(mastra_list_messages_by_id(shop->store, &id, 1, &list, NULL), MASTRA_OK);
    assert_int_equal(mastra_close(shop->store, NULL), MASTRA_OK);
    shop->store = NULL;
    crew_join(crew_start(free_result, 0, list));
    crew_check();
}

#define ALL    (PLACE_FILE | PLACE_MEMORY | PLACE_POSTGRES | PLACE_DYNAMODB)
#define SHARED (PLACE_FILE | PLACE_POSTGRES | PLACE_DYNAMODB)

int main(void)
{
    const struct place_test tests[] = {
        {"16 threads change one thread's metadata", thread_metadata, ALL},
        {"16 threads change one resource", resource_metadata, ALL},
        {"16 threads change one message", message_content, ALL},
        {"two stores on one database lose no update", two_stores, SHARED},
        {"64 threads save while others count", save_and_list, ALL},
        {"pages while others save", walk_while_saving, ALL},
        {"16 threads share one reader", one_reader, PLACE_FILE},
        {"every operation at once", everything_at_once, ALL},
        {"first use by 16 threads", lazy_start, ALL},
        {"opening and closing beside each other", open_and_close, SHARED},
        {"results cross threads and outlive the store", results_cross_threads, SHARED},
    };
    return place_main("threads", tests, sizeof(tests) / sizeof(tests[0]), begin, end);
}
