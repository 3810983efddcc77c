/* Several processes on one file; a store that was inherited through fork. */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PROCESSES 8
#define SAVES     25

static int begin(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place_begin(place, *state);
    *state = place;
    return 0;
}

static int end(void **state)
{
    struct place *place = *state;
    place_end(place);
    free(place);
    return 0;
}

static mastra_store *open_store(const char *url)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        crew_fail("open: %s", error.message);
    return store;
}

static void close_store(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_close(store, &error) != MASTRA_OK)
        crew_fail("close: %s", error.message);
}

static bool try_call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) == MASTRA_OK)
        return true;
    crew_fail("%s: %s: %s", op, mastra_status_name(error.status), error.message);
    return false;
}

/* Runs fn in so many processes at once and waits for them. */
static void run_processes(int count, crew_fn fn, void *arg)
{
    pid_t children[PROCESSES];
    for (int i = 0; i < count; i++)
        children[i] = crew_fork(fn, i, arg);
    for (int i = 0; i < count; i++)
        crew_wait(children[i]);
    crew_check();
}

/* Every process makes the thread, so that all of them may be the first to use the database. */
static void save_in_process(int index, void *arg)
{
    mastra_store *store = open_store(arg);
    if (store)
        try_call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    for (int i = 0; store && i < SAVES; i++) {
        char *args = test_format("{'messages':[{'id':'m%d-%d','threadId':'t','role':'user','content':'x'}]}",
                                 index, i);
        try_call(store, "saveMessages", args);
        free(args);
    }
    close_store(store);
}

static void fresh_start(void **state)
{
    struct place *place = *state;
    run_processes(PROCESSES, save_in_process, place->url);
    mastra_store *store = open_store(place->url);
    assert_int_equal(client_total(store, "t"), PROCESSES * SAVES);
    close_store(store);
    crew_check();
}

/* Opens a fresh file and makes its tables, nothing else. */
static void init_in_process(int index, void *arg)
{
    mastra_store *store = open_store(arg);
    mastra_error error = MASTRA_ERROR_INIT;
    (void)index;
    if (store && mastra_init(store, &error) != MASTRA_OK)
        crew_fail("init: %s", error.message);
    close_store(store);
}

/* Once more with what the first ones have left taken away. */
static void many_fresh_starts(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 10; i++) {
        run_processes(PROCESSES, init_in_process, place->url);
        place_wipe(place);
    }
}

static void change_in_process(int index, void *arg)
{
    mastra_store *store = open_store(arg);
    for (int i = 0; store && i < SAVES; i++) {
        char *thread = test_format("{'id':'t','metadata':{'k%d-%d':1}}", index, i);
        char *resource = test_format("{'resourceId':'r','metadata':{'k%d-%d':1}}", index, i);
        try_call(store, "updateThread", thread);
        try_call(store, "updateResource", resource);
        free(thread);
        free(resource);
    }
    close_store(store);
}

static void read_change_write(void **state)
{
    struct place *place = *state;
    char *json = NULL;
    mastra_store *store = open_store(place->url);
    try_call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    close_store(store);
    run_processes(PROCESSES, change_in_process, place->url);
    store = open_store(place->url);
    assert_int_equal(client_metadata_count(store, "t"), PROCESSES * SAVES);
    client_call(store, "getResourceById", &json, NULL, "{'resourceId':'r'}");
    assert_int_equal(client_count(json, "metadata"), PROCESSES * SAVES);
    mastra_json_free(json);
    close_store(store);
    crew_check();
}

/* Counts while another process saves: never backwards, exact at the end. */
static void totals(void **state)
{
    struct place *place = *state;
    int64_t before = 0;
    pid_t child = crew_fork(save_in_process, 0, place->url);
    mastra_store *store = open_store(place->url);
    try_call(store, "saveThread", "{'thread':{'id':'u','resourceId':'r'}}");
    while (before < SAVES) {
        int64_t total = client_total(store, "t");
        if (total < before)
            fail_msg("%lld after %lld", (long long)total, (long long)before);
        before = total;
        try_call(store, "saveMessages",
                 "{'messages':[{'id':'mine','threadId':'u','role':'user','content':'x'}]}");
        crew_check();
    }
    crew_wait(child);
    crew_check();
    assert_int_equal(client_total(store, "t"), SAVES);
    assert_int_equal(client_total(store, "u"), 1);
    close_store(store);
}

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    (void)json;
    if (status != MASTRA_OK)
        crew_fail("async: %s", error->message);
    crew_gate_add(user);
}

/* What an inherited store answers. */
static void use_inherited(int index, void *arg)
{
    mastra_store *store = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    (void)index;
    if (client_call(store, "listThreads", NULL, &error, "{}") != MASTRA_FORKED)
        crew_fail("mastra_call: %s", mastra_status_name(error.status));
    if (mastra_list_threads(store, NULL, NULL, &error) != MASTRA_FORKED)
        crew_fail("mastra_list_threads: %s", mastra_status_name(error.status));
    if (client_submit(store, "listThreads", 0, done, NULL, "{}") != MASTRA_FORKED)
        crew_fail("mastra_call_async is taken");
    if (mastra_init(store, &error) != MASTRA_FORKED)
        crew_fail("mastra_init: %s", mastra_status_name(error.status));
    if (mastra_close(store, &error) != MASTRA_FORKED)
        crew_fail("mastra_close: %s", mastra_status_name(error.status));
}

static void inherited(void **state)
{
    struct place *place = *state;
    mastra_store *store = open_store(place->url);
    try_call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    crew_wait(crew_fork(use_inherited, 0, store));
    crew_check();
    try_call(store, "updateThread", "{'id':'t','metadata':{'a':1}}");
    assert_int_equal(client_metadata_count(store, "t"), 1);
    close_store(store);
    crew_check();
}

/* The same with the library's threads running in the parent. */
static void inherited_with_threads(void **state)
{
    struct place *place = *state;
    struct crew_gate *gate = crew_gate_new();
    mastra_store *store = open_store(place->url);
    assert_int_equal(
        client_submit(store, "saveThread", 0, done, gate, "{'thread':{'id':'t','resourceId':'r'}}"),
        MASTRA_OK);
    crew_gate_wait(gate, 1);
    crew_wait(crew_fork(use_inherited, 0, store));
    assert_int_equal(
        client_submit(store, "saveThread", 0, done, gate, "{'thread':{'id':'u','resourceId':'r'}}"),
        MASTRA_OK);
    crew_gate_wait(gate, 2);
    close_store(store);
    crew_gate_free(gate);
    crew_check();
}

/*
 * A child that opens the file anew beside the handle that it inherited: either it is refused, or all that was
 * acknowledged to it is there, also when the parent closes its handle in between.
 */
struct handover {
    const char *url;
    int to_parent[2];
    int to_child[2];
    int *acknowledged; /* shared with the child */
};

static void tell(int fd)
{
    if (write(fd, "x", 1) != 1)
        crew_fail("nobody listens");
}

static void hear(int fd)
{
    char byte;
    if (read(fd, &byte, 1) != 1)
        crew_fail("nobody speaks");
}

static void save_some(struct handover *handover, mastra_store *store, const char *prefix)
{
    for (int i = 0; store && i < SAVES; i++) {
        char *args =
            test_format("{'messages':[{'id':'%s%d','threadId':'t','role':'user','content':'x'}]}", prefix, i);
        *handover->acknowledged += try_call(store, "saveMessages", args);
        free(args);
    }
}

static void open_beside_inherited(int index, void *arg)
{
    struct handover *handover = arg;
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = mastra_open(handover->url, NULL, &store, &error);
    (void)index;
    if (status != MASTRA_OK && status != MASTRA_FORKED)
        crew_fail("open: %s", error.message);
    save_some(handover, store, "a");
    tell(handover->to_parent[1]);
    hear(handover->to_child[0]);
    save_some(handover, store, "b");
    close_store(store);
}

static void check_handover(struct place *place, bool close_early)
{
    struct handover handover = {.url = place->url};
    mastra_store *store = open_store(place->url);
    assert_int_equal(pipe(handover.to_parent) | pipe(handover.to_child), 0);
    handover.acknowledged =
        mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(handover.acknowledged, MAP_FAILED);
    try_call(store, "saveThread", "{'thread':{'id':'t','resourceId':'r'}}");
    pid_t child = crew_fork(open_beside_inherited, 0, &handover);
    /* Nobody is waited for who is gone. */
    close(handover.to_parent[1]);
    hear(handover.to_parent[0]);
    if (close_early)
        close_store(store);
    tell(handover.to_child[1]);
    crew_wait(child);
    if (!close_early)
        close_store(store);
    crew_check();
    store = open_store(place->url);
    assert_int_equal(client_total(store, "t"), *handover.acknowledged);
    close_store(store);
    munmap(handover.acknowledged, sizeof(int));
    close(handover.to_parent[0]);
    close(handover.to_child[0]);
    close(handover.to_child[1]);
}

static void child_opens_anew(void **state)
{
    check_handover(*state, false);
}

static void child_outlives_parent_handle(void **state)
{
    check_handover(*state, true);
}

#define SHARED (PLACE_FILE | PLACE_POSTGRES | PLACE_DYNAMODB)

/* Where a store has threads from its first use on, its child of fork has them, too, which the sanitizer does not allow. */
#ifdef __SANITIZE_THREAD__
#define ANEW      PLACE_FILE
#define INHERITED (PLACE_FILE | PLACE_POSTGRES)
#else
#define ANEW      SHARED
#define INHERITED SHARED
#endif

int main(void)
{
    const struct place_test tests[] = {
        {"8 processes begin with nothing and save", fresh_start, SHARED},
        {"8 processes begin with nothing, ten times", many_fresh_starts, SHARED},
        {"no update is lost between processes", read_change_write, SHARED},
        {"totals while another process saves", totals, SHARED},
        {"an inherited store is refused", inherited, INHERITED},
        {"an inherited store with threads is refused", inherited_with_threads, SHARED},
        {"a child opens anew", child_opens_anew, ANEW},
        {"a child outlives the parent's handle", child_outlives_parent_handle, ANEW},
    };
    return place_main("processes", tests, sizeof(tests) / sizeof(tests[0]), begin, end);
}
