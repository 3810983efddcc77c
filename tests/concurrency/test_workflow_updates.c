/* Many writers of one workflow run: no step result is lost, and a status is claimed by one of them. */
#include "support/client.h"
#include "support/crew.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define WRITERS   64
#define PROCESSES 8
#define EACH      (WRITERS / PROCESSES)

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
    if (store && mastra_close(store, NULL) != MASTRA_OK)
        crew_fail("close");
}

#define RUN "'workflowName':'w','runId':'r'"

#define EXPECT_OK(store, op, ret_json, ...)                                                                  \
    do {                                                                                                     \
        mastra_error expect_error = MASTRA_ERROR_INIT;                                                       \
        if (client_call(store, op, ret_json, &expect_error, __VA_ARGS__) != MASTRA_OK)                       \
            crew_fail("%s: %s", op, expect_error.message);                                                   \
    } while (0)

/* How many of an array's elements are not null; -1 when it is none. */
static int filled(const char *json, const char *open)
{
    const char *at = json ? strstr(json, open) : NULL;
    int count = 0;
    if (!at)
        return -1;
    for (at += strlen(open); *at && *at != ']'; at++)
        count += *at == 'v';
    return count;
}

/* A result of its own, an element of a common foreach, a member of the request's context, the state. */
static void write_results(mastra_store *store, int writer)
{
    static const char gap[] = "null,";
    char *before = calloc((size_t)writer * 5 + 1, 1);
    char *json = NULL;
    for (int i = 0; i < writer; i++)
        memcpy(before + i * 5, gap, 5);
    EXPECT_OK(store, "updateWorkflowResults", &json, "{" RUN ",'stepId':'s%d','result':{'output':{'n':%d}}}",
              writer, writer);
    mastra_json_free(json);
    EXPECT_OK(store, "updateWorkflowResults", NULL,
              "{" RUN ",'stepId':'each','result':{'output':[%s'v']},'requestContext':{'k%d':1}}", before,
              writer);
    EXPECT_OK(store, "updateWorkflowState", NULL, "{" RUN ",'opts':{'m%d':1}}", writer);
    free(before);
}

static void check_results(mastra_store *store)
{
    char *json = NULL;
    EXPECT_OK(store, "loadWorkflowSnapshot", &json, "{" RUN "}");
    crew_check();
    assert_int_equal(client_count(json, "context"), WRITERS + 1);
    assert_int_equal(client_count(json, "requestContext"), WRITERS);
    assert_int_equal(filled(json, "\"each\":{\"output\":["), WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%d", i);
        assert_int_equal(client_number(json, name), 1);
    }
    mastra_json_free(json);
}

static void write_in_thread(int index, void *arg)
{
    write_results(arg, index);
}

/* The run does not exist at first: one of the threads makes it. */
static void threads(void **state)
{
    struct place *place = *state;
    mastra_store *store = open_store(place->url);
    crew_run(WRITERS, write_in_thread, store);
    crew_check();
    check_results(store);
    close_store(store);
    crew_check();
}

static void write_in_process(int index, void *arg)
{
    mastra_store *store = open_store(arg);
    for (int i = 0; store && i < EACH; i++)
        write_results(store, index * EACH + i);
    close_store(store);
}

static void processes(void **state)
{
    struct place *place = *state;
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        children[i] = crew_fork(write_in_process, i, place->url);
    for (int i = 0; i < PROCESSES; i++)
        crew_wait(children[i]);
    crew_check();
    mastra_store *store = open_store(place->url);
    check_results(store);
    close_store(store);
    crew_check();
}

/* Asynchronous calls, which wait together. */
static void count_done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    (void)json;
    if (status != MASTRA_OK)
        crew_fail("queued: %s", error->message);
    crew_gate_add(user);
}

static void queued(void **state)
{
    struct place *place = *state;
    mastra_store *store = open_store(place->url);
    struct crew_gate *gate = crew_gate_new();
    char *json = NULL;
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(client_submit(store, "updateWorkflowResults", 0, count_done, gate,
                                       "{" RUN ",'stepId':'s%d','result':1}", i),
                         MASTRA_OK);
    assert_true(crew_gate_wait(gate, WRITERS));
    EXPECT_OK(store, "loadWorkflowSnapshot", &json, "{" RUN "}");
    assert_int_equal(client_count(json, "context"), WRITERS);
    mastra_json_free(json);
    close_store(store);
    crew_gate_free(gate);
    crew_check();
}

/* A suspended run is resumed by one of all who try. */
struct claim {
    mastra_store *store;
    atomic_int winners;
};

static void claim_run(int index, void *arg)
{
    struct claim *claim = arg;
    char *json = NULL;
    EXPECT_OK(claim->store, "updateWorkflowState", &json,
              "{" RUN ",'opts':{'status':'running','by':%d,'expectedStatus':'suspended'}}", index);
    if (json && strcmp(json, "null") != 0)
        atomic_fetch_add(&claim->winners, 1);
    mastra_json_free(json);
}

static void one_claims(void **state)
{
    struct place *place = *state;
    struct claim claim = {.store = open_store(place->url)};
    for (int round = 1; round <= 5; round++) {
        EXPECT_OK(claim.store, "persistWorkflowSnapshot", NULL,
                  "{" RUN ",'snapshot':{'context':{},'status':'suspended'}}");
        crew_run(16, claim_run, &claim);
        crew_check();
        assert_int_equal(atomic_load(&claim.winners), round);
    }
    close_store(claim.store);
}

#define ALL (PLACE_FILE | PLACE_MEMORY | PLACE_POSTGRES | PLACE_DYNAMODB)

int main(void)
{
    const struct place_test tests[] = {
        {"64 threads update one run", threads, ALL},
        {"8 processes update one run", processes, PLACE_FILE | PLACE_POSTGRES | PLACE_DYNAMODB},
        {"64 queued updates of one run", queued, ALL},
        {"one of 16 threads claims a suspended run", one_claims, ALL},
    };
    return place_main("workflow updates", tests, sizeof(tests) / sizeof(tests[0]), begin, end);
}
