/*
 * DynamoDB under a load of writes behind a proxy that refuses requests, loses them or their answers, cuts and damages
 * answers. Nothing that was acknowledged may be lost, nothing that was refused may be there, nothing may be there twice
 * or in part; what the library could not know it must have said so of. No call hangs, and afterwards all is well.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/dynamodb.h"
#include "support/files.h"
#include "support/place.h"
#include "support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WRITERS 8
#define STEPS   32
#define LARGE   450000

/*
 * What is written: three messages in one call, a step's result of a run that others write to as well, metadata of a thread likewise,
 * three spans, the lock of a run, two messages that go away, a copy of a thread with two messages, a span in parts.
 */
enum kind { MESSAGES, RESULT, METADATA, SPANS, LOCK, REMOVAL, COPY, PARTS, KINDS };

/* Of how many pieces each consists. */
static const int pieces[KINDS] = {3, 1, 1, 3, 1, 2, 3, 1};
static const char *const kind_names[KINDS] = {"messages", "result",  "metadata", "spans",
                                              "lock",     "removal", "copy",     "parts"};

/* What a writer was told of one step. */
enum fate { UNTRIED, DONE, UNKNOWN, REFUSED };

struct load {
    mastra_store *store;
    char *large;
    atomic_int told[REFUSED + 1]; /* how often */
    unsigned char fates[WRITERS][STEPS];
    unsigned char found[WRITERS][STEPS]; /* pieces in the table, afterwards */
};

static enum kind kind_of(int step)
{
    return (enum kind)(step % KINDS);
}

#define MESSAGE_TEXT                                                                                         \
    "{'id':'%d-%d.%d','threadId':'%s%d','resourceId':'r','role':'user','content':'x','createdAt':%d}"
#define SPAN_TEXT                                                                                            \
    "{'traceId':'%d-%d','spanId':'%d','name':'n','spanType':'agent_run','isEvent':false,'startedAt':1000}"

static mastra_status write_step(struct load *load, int writer, int step, mastra_error *error)
{
    mastra_store *store = load->store;
    switch (kind_of(step)) {
    case MESSAGES:
        return client_call(store, "saveMessages", NULL, error,
                           "{'messages':[" MESSAGE_TEXT "," MESSAGE_TEXT "," MESSAGE_TEXT "]}", writer, step,
                           1, "t", writer % 2, 1000, writer, step, 2, "t", writer % 2, 1000, writer, step, 3,
                           "t", writer % 2, 1000);
    case RESULT:
        return client_call(store, "updateWorkflowResults", NULL, error,
                           "{'workflowName':'w','runId':'shared','stepId':'step %d-%d','result':{'n':1}}",
                           writer, step);
    case METADATA:
        return client_call(store, "updateThread", NULL, error,
                           "{'id':'shared','title':'T','metadata':{'step %d-%d':1}}", writer, step);
    case SPANS:
        return client_call(store, "batchCreateSpans", NULL, error,
                           "{'records':[" SPAN_TEXT "," SPAN_TEXT "," SPAN_TEXT "]}", writer, step, 1, writer,
                           step, 2, writer, step, 3);
    case REMOVAL:
        return client_call(store, "deleteMessages", NULL, error, "['%d-%d.1','%d-%d.2']", writer, step,
                           writer, step);
    case COPY:
        return client_call(store, "cloneThread", NULL, error,
                           "{'sourceThreadId':'source','resourceId':'copies','title':'%d-%d'}", writer, step);
    default:
        return client_call(store, "createSpan", NULL, error,
                           "{'span':{'traceId':'%d-%d','spanId':'1','name':'n','spanType':'agent_run',"
                           "'isEvent':false,'startedAt':1000,'input':'%s'}}",
                           writer, step, load->large);
    }
}

/* Nobody else wants these locks: an answer of false is wrong, unless an earlier attempt was lost. */
static mastra_status take_lock(struct load *load, int writer, int step, mastra_error *error)
{
    char *answer = NULL;
    mastra_status status =
        client_call(load->store, "tryAcquireWorkflowRunLock", &answer, error,
                    "{'workflowName':'w','runId':'%d-%d','ownerId':'owner','ttlMs':600000}", writer, step);
    if (status == MASTRA_OK && strcmp(answer, "true") != 0)
        crew_fail("step %d-%d: the lock that nobody has is not had", writer, step);
    mastra_json_free(answer);
    return status;
}

static enum fate fate_of(mastra_status status, const mastra_error *error, int writer, int step)
{
    switch (status) {
    case MASTRA_OK:
        return DONE;
    case MASTRA_UNKNOWN_OUTCOME:
        return UNKNOWN;
    case MASTRA_UNAVAILABLE:
    case MASTRA_BUSY:
    case MASTRA_TIMEOUT:
    case MASTRA_CONFLICT:
        return REFUSED;
    default:
        crew_fail("step %d-%d: %s: %s", writer, step, mastra_status_name(status), error->message);
        return REFUSED;
    }
}

static void write_on(int index, void *arg)
{
    struct load *load = arg;
    for (int step = 0; step < STEPS; step++) {
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_status status = kind_of(step) == LOCK ? take_lock(load, index, step, &error)
                                                     : write_step(load, index, step, &error);
        enum fate fate = fate_of(status, &error, index, step);
        load->fates[index][step] = (unsigned char)fate;
        atomic_fetch_add(&load->told[fate], 1);
    }
}

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

/* On a busy machine what may take little time fails for that alone. */
static void call_at_last(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_TIMEOUT;
    for (int i = 0; i < 100 && status != MASTRA_OK; i++) {
        status = client_call(store, op, NULL, &error, "%s", args);
        if (status != MASTRA_OK && status != MASTRA_TIMEOUT && status != MASTRA_UNKNOWN_OUTCOME)
            break;
    }
    if (status != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static mastra_store *open_store(const char *url)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static void close_store(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (mastra_close(store, &error) != MASTRA_OK)
        fail_msg("close: %s", error.message);
}

/* What has to be there before anything goes wrong. */
static void prepare(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    call(store, "saveThread", "{'thread':{'id':'shared','resourceId':'r','title':'T','metadata':{}}}");
    call(store, "saveThread", "{'thread':{'id':'source','resourceId':'r','title':'T'}}");
    call(store, "saveMessages",
         "{'messages':[{'id':'a','threadId':'source','resourceId':'r','role':'user','content':'x'},"
         "{'id':'b','threadId':'source','resourceId':'r','role':'user','content':'x'}]}");
    for (int writer = 0; writer < WRITERS; writer++) {
        for (int step = REMOVAL; step < STEPS; step += KINDS) {
            if (client_call(store, "saveMessages", NULL, &error,
                            "{'messages':[" MESSAGE_TEXT "," MESSAGE_TEXT "]}", writer, step, 1, "gone", 0,
                            1000, writer, step, 2, "gone", 0, 1000) != MASTRA_OK)
                fail_msg("%s", error.message);
        }
    }
}

/* Notes each "writer-step" that stands behind the mark. */
static void count_marks(struct load *load, const char *json, const char *mark)
{
    for (const char *at = strstr(json, mark); at; at = strstr(at + 1, mark)) {
        int writer = -1;
        int step = -1;
        if (sscanf(at + strlen(mark), "%d-%d", &writer, &step) == 2 && writer >= 0 && writer < WRITERS &&
            step >= 0 && step < STEPS)
            load->found[writer][step]++;
    }
}

static void find_in(struct load *load, mastra_store *store, const char *op, const char *args,
                    const char *mark)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, &json, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
    count_marks(load, json, mark);
    mastra_json_free(json);
}

/* Copies have ids of their own, and their titles tell where they come from. */
static void find_copies(struct load *load, mastra_store *store)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, "listThreads", &json, &error,
                    "{'filter':{'resourceId':'copies'},'perPage':false}") != MASTRA_OK)
        fail_msg("listThreads: %s", error.message);
    count_marks(load, json, "\"title\":\"");
    for (const char *at = strstr(json, "{\"id\":\""); at; at = strstr(at + 1, "{\"id\":\"")) {
        char *id = test_format("%.36s", at + strlen("{\"id\":\""));
        int writer = -1;
        int step = -1;
        assert_int_equal(sscanf(strstr(at, "\"title\":\"") + strlen("\"title\":\""), "%d-%d", &writer, &step),
                         2);
        load->found[writer][step] += (unsigned char)client_total(store, id);
        free(id);
    }
    mastra_json_free(json);
}

static void find_lock(struct load *load, mastra_store *store, int writer, int step)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(client_call(store, "getWorkflowRunLock", &json, &error,
                                 "{'workflowName':'w','runId':'%d-%d'}", writer, step),
                     MASTRA_OK);
    if (strcmp(json, "null") != 0) {
        load->found[writer][step] = 1;
        if (client_number(json, "generation") != 1)
            fail_msg("the lock of step %d-%d was had more than once: %s", writer, step, json);
    }
    mastra_json_free(json);
}

static void find_spans(struct load *load, mastra_store *store, int writer, int step)
{
    char *json = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, "getTrace", &json, &error, "{'traceId':'%d-%d'}", writer, step) != MASTRA_OK)
        fail_msg("the spans of step %d-%d: %s", writer, step, error.message);
    if (strcmp(json, "null") != 0)
        load->found[writer][step] = (unsigned char)client_count(json, "spans");
    if (kind_of(step) == PARTS && load->found[writer][step] && !strstr(json, load->large))
        fail_msg("the large span of step %d-%d is there in part", writer, step);
    mastra_json_free(json);
}

static void find_all(struct load *load, mastra_store *store)
{
    find_in(load, store, "listMessages", "{'threadId':'t0','perPage':false}", "\"id\":\"");
    find_in(load, store, "listMessages", "{'threadId':'t1','perPage':false}", "\"id\":\"");
    find_in(load, store, "listMessages", "{'threadId':'gone0','perPage':false}", "\"id\":\"");
    find_in(load, store, "loadWorkflowSnapshot", "{'workflowName':'w','runId':'shared'}", "\"step ");
    find_in(load, store, "getThreadById", "{'threadId':'shared'}", "\"step ");
    find_copies(load, store);
    for (int writer = 0; writer < WRITERS; writer++) {
        for (int step = 0; step < STEPS; step++) {
            if (kind_of(step) == LOCK)
                find_lock(load, store, writer, step);
            else if (kind_of(step) == SPANS || kind_of(step) == PARTS)
                find_spans(load, store, writer, step);
        }
    }
}

static void check_step(const struct load *load, int writer, int step)
{
    static const char *const words[] = {"untried", "done", "unknown", "refused"};
    enum kind kind = kind_of(step);
    enum fate fate = (enum fate)load->fates[writer][step];
    int found = load->found[writer][step];
    int whole = kind == REMOVAL ? 0 : pieces[kind];
    int none = kind == REMOVAL ? pieces[kind] : 0;
    bool right = fate == DONE      ? found == whole
                 : fate == UNKNOWN ? found == whole || found == none
                                   : found == none;
    if (!right)
        fail_msg("step %d-%d (%s) was %s, and %d of its %d pieces are there", writer, step, kind_names[kind],
                 words[fate], found, pieces[kind]);
}

/* Compares what was told with what is there. */
static void judge(struct load *load, const char *url)
{
    mastra_store *store = open_store(url);
    find_all(load, store);
    for (int writer = 0; writer < WRITERS; writer++) {
        for (int step = 0; step < STEPS; step++)
            check_step(load, writer, step);
    }
    close_store(store);
}

static void ask(struct script *proxy, const char *line)
{
    char *answer = script_ask(proxy, line);
    if (!answer || strcmp(answer, "ok") != 0)
        fail_msg("%s: %s", line, answer ? answer : "the proxy is gone");
    free(answer);
}

/* Starts a proxy before the shared server; gives its endpoint, to be freed. */
static char *begin_proxy(struct script **ret, const char *seed)
{
    const char *arguments[] = {dynamodb_wanted(), seed, NULL};
    *ret = script_start("dynamodb-proxy", arguments);
    char *line = script_line(*ret);
    assert_non_null(line);
    char *endpoint = test_format("%s", strchr(line, '=') + 1);
    free(line);
    free(script_line(*ret));
    return endpoint;
}

static int faults_met(struct script *proxy)
{
    char *counted = script_ask(proxy, "count");
    int sum = 0;
    assert_non_null(counted);
    const char *faults = strstr(counted, "\"faults\": {");
    assert_non_null(faults);
    for (const char *at = strstr(faults, ": ") + 1; *at != '}'; at++) {
        if (*at == ':')
            sum += (int)strtol(at + 1, NULL, 10);
    }
    print_message("# %s\n", counted);
    free(counted);
    return sum;
}

static void storm(const char *seed, const char *faults, int least, const char *parameters)
{
    struct script *proxy;
    struct place place;
    char *endpoint = begin_proxy(&proxy, seed);
    struct load *load = calloc(1, sizeof(*load));
    assert_non_null(load);
    load->large = test_format("%0*d", LARGE, 0);
    place_dynamodb_begin(&place);
    char *there = dynamodb_url(endpoint, place.table);
    char *url = test_format("%s%s", there, parameters);
    /* With all the time it takes, unlike what follows. */
    load->store = open_store(place.url);
    prepare(load->store);
    close_store(load->store);
    load->store = open_store(url);
    ask(proxy, faults);
    crew_run(WRITERS, write_on, load);
    ask(proxy, "pass");
    crew_check();
    call_at_last(load->store, "updateThread", "{'id':'source','title':'after','metadata':{}}");
    close_store(load->store);
    int met = faults_met(proxy);
    print_message("# %d done, %d unknown, %d refused\n", atomic_load(&load->told[DONE]),
                  atomic_load(&load->told[UNKNOWN]), atomic_load(&load->told[REFUSED]));
    judge(load, place.url);
    assert_true(met >= least);
    assert_true(atomic_load(&load->told[DONE]) > 0);
    script_end(proxy);
    place_end(&place);
    free(load->large);
    free(load);
    free(endpoint);
    free(there);
    free(url);
}

/* Patience gets nearly everything through. */
static void some_faults(void **state)
{
    (void)state;
    storm("1", "fault 20", 60, "");
}

/* So little time that many calls are given up. */
static void many_faults(void **state)
{
    (void)state;
    storm("2", "fault 60", 150, "&timeoutMillis=1500");
}

/* Nothing but answers of which nobody knows what they said. */
static void lost_answers(void **state)
{
    (void)state;
    storm("3", "fault 50 unanswered late cut corrupt unheard", 100, "&timeoutMillis=3000");
}

static void refusals(void **state)
{
    (void)state;
    storm("4", "fault 50 throttle provisioned limit conflict unavailable unprocessed", 100, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_faults),
        cmocka_unit_test(many_faults),
        cmocka_unit_test(lost_answers),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests_name("dynamodb faults", tests, NULL, NULL);
}
