/*
 * PostgreSQL under a load of writes while connections are cut at random bytes, and while the server is killed and
 * started again. Nothing that was acknowledged may be lost, nothing that was refused may be there, nothing may be there
 * twice; what the library could not know it must have said so of. No call hangs, and afterwards all is well.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/place.h"
#include "support/postgres.h"
#include "support/script.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define WRITERS 8
#define STEPS   20000
#define CUTS    1000
#define KILLS   5
/* Nothing here is about being slow. */
#define PATIENT "&connectionTimeoutMillis=120000&statementTimeoutMillis=120000"

/* What is written: two messages in one call, a step's result of a run, a copy of a thread under a new id. */
enum kind { MESSAGES, RESULT, COPY, KINDS };

/* What a writer was told of one step. */
enum fate { UNTRIED, DONE, UNKNOWN, REFUSED };

struct load {
    mastra_store *store;
    struct crew_thread *writers[WRITERS];
    atomic_bool over;
    atomic_int busy;              /* writers that have steps left */
    atomic_int told[REFUSED + 1]; /* how often */
    unsigned char fates[WRITERS][STEPS];
    unsigned char found[WRITERS][STEPS]; /* in the database, afterwards */
    unsigned char twins[WRITERS][STEPS];
};

static enum kind kind_of(int step)
{
    return (enum kind)(step % KINDS);
}

static mastra_status write_step(mastra_store *store, int writer, int step, mastra_error *error)
{
    switch (kind_of(step)) {
    case MESSAGES:
        return client_call(
            store, "saveMessages", NULL, error,
            "{'messages':[{'id':'%d-%d','threadId':'t%d','resourceId':'r','role':'user','content':'x'},"
            "{'id':'%d-%d+','threadId':'t%d','resourceId':'r','role':'user','content':'%0*d'}]}",
            writer, step, writer, writer, step, writer, step % 3000 + 1, 0);
    case RESULT:
        return client_call(store, "updateWorkflowResults", NULL, error,
                           "{'workflowName':'w','runId':'%d-%d','stepId':'%d-%d','result':1}", writer,
                           step / 60, writer, step);
    default:
        return client_call(store, "cloneThread", NULL, error,
                           "{'sourceThreadId':'source','metadata':{'step':'%d-%d'}}", writer, step);
    }
}

static enum fate fate_of(mastra_status status, const mastra_error *error, int writer, int step)
{
    switch (status) {
    case MASTRA_OK:
        return DONE;
    case MASTRA_UNKNOWN_OUTCOME:
        return UNKNOWN;
    case MASTRA_UNAVAILABLE:
        if (!error->retriable)
            crew_fail("step %d-%d is not to be tried again: %s", writer, step, error->message);
        return REFUSED;
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
    for (int step = 0; step < STEPS && !atomic_load(&load->over); step++) {
        mastra_error error = MASTRA_ERROR_INIT;
        mastra_status status = write_step(load->store, index, step, &error);
        enum fate fate = fate_of(status, &error, index, step);
        load->fates[index][step] = (unsigned char)fate;
        atomic_fetch_add(&load->told[fate], 1);
    }
    atomic_fetch_sub(&load->busy, 1);
}

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static struct load *begin_load(const char *url)
{
    struct load *load = calloc(1, sizeof(*load));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(load);
    if (mastra_open(url, NULL, &load->store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    call(load->store, "saveThread", "{'thread':{'id':'source','resourceId':'r'}}");
    for (int i = 0; i < WRITERS; i++) {
        char *args = test_format("{'thread':{'id':'t%d','resourceId':'r'}}", i);
        call(load->store, "saveThread", args);
        free(args);
    }
    atomic_store(&load->busy, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        load->writers[i] = crew_start(write_on, i, load);
    return load;
}

/* Stops the writers; then the store must be as good as new, and is closed. */
static void end_load(struct load *load)
{
    mastra_error error = MASTRA_ERROR_INIT;
    atomic_store(&load->over, true);
    for (int i = 0; i < WRITERS; i++)
        crew_join(load->writers[i]);
    crew_check();
    for (int i = 0; i < 2 * WRITERS; i++)
        call(load->store, "getThreadById", "{'threadId':'source'}");
    call(load->store, "updateThread", "{'id':'source','title':'after'}");
    if (mastra_close(load->store, &error) != MASTRA_OK)
        fail_msg("close: %s", error.message);
}

/* Counts the "writer-step" of each row. */
static void count_rows(PGconn *connection, const char *sql, unsigned char counts[WRITERS][STEPS])
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(connection));
    for (int i = 0; i < PQntuples(result); i++) {
        int writer = -1;
        int step = -1;
        if (sscanf(PQgetvalue(result, i, 0), "%d-%d", &writer, &step) != 2 || writer < 0 ||
            writer >= WRITERS || step < 0 || step >= STEPS)
            fail_msg("who wrote %s?", PQgetvalue(result, i, 0));
        counts[writer][step]++;
    }
    PQclear(result);
}

static void find_all(struct load *load, const char *url, const char *schema)
{
    PGconn *connection = postgres_connect(url);
    char *path = test_format("SET search_path TO \"%s\"", schema);
    postgres_run(connection, path);
    free(path);
    count_rows(connection, "SELECT id FROM mastra_messages WHERE id NOT LIKE '%+'", load->found);
    count_rows(connection, "SELECT id FROM mastra_messages WHERE id LIKE '%+'", load->twins);
    count_rows(connection, "SELECT jsonb_object_keys(snapshot->'context') FROM mastra_workflow_snapshot",
               load->found);
    count_rows(connection, "SELECT metadata->>'step' FROM mastra_threads WHERE metadata ? 'step'",
               load->found);
    postgres_close(connection);
}

static void check_step(const struct load *load, int writer, int step)
{
    static const char *const words[] = {"untried", "done", "unknown", "refused"};
    enum fate fate = (enum fate)load->fates[writer][step];
    int found = load->found[writer][step];
    bool right = fate == DONE ? found == 1 : fate == UNKNOWN ? found <= 1 : found == 0;
    if (!right)
        fail_msg("step %d-%d of kind %d was %s and is there %d times", writer, step, (int)kind_of(step),
                 words[fate], found);
    if (kind_of(step) == MESSAGES && load->twins[writer][step] != found)
        fail_msg("half of step %d-%d is there", writer, step);
}

/* Compares what was told with what is there, and frees the load. */
static void judge_load(struct load *load, const char *url, const char *schema)
{
    find_all(load, url, schema);
    for (int i = 0; i < WRITERS; i++) {
        for (int step = 0; step < STEPS; step++)
            check_step(load, i, step);
    }
    print_message("# %d done, %d unknown, %d refused\n", atomic_load(&load->told[DONE]),
                  atomic_load(&load->told[UNKNOWN]), atomic_load(&load->told[REFUSED]));
    assert_true(atomic_load(&load->told[DONE]) > 0);
    free(load);
}

static void pause_ms(int ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static int ask_proxy(struct script *proxy, const char *word)
{
    char *answer = script_ask(proxy, word);
    assert_non_null(answer);
    int count = (int)strtol(answer, NULL, 10);
    free(answer);
    return count;
}

/* The server's URL by way of the proxy. */
static char *url_through(const char *port, const char *schema, const char *mode)
{
    const char *direct = postgres_fact(postgres_shared(), "");
    return test_format("%.*s@127.0.0.1:%s/mastra?sslmode=%s&schema=%s" PATIENT,
                       (int)(strchr(direct, '@') - direct), direct, port, mode, schema);
}

static void cut_connections(const char *mode, int cuts)
{
    struct postgres_server *server = postgres_wanted();
    const char *arguments[] = {"127.0.0.1", postgres_fact(server, "_PORT"), "20", NULL};
    struct script *proxy = script_start("cutting-proxy", arguments);
    struct place place;
    char *port = script_line(proxy);
    assert_non_null(port);
    place_postgres_begin_fresh(&place);
    char *url = url_through(port, place.schema, mode);
    struct load *load = begin_load(url);
    ask_proxy(proxy, "cut");
    ask_proxy(proxy, "drop");
    while (ask_proxy(proxy, "count") < cuts && atomic_load(&load->busy) > 0)
        pause_ms(20);
    ask_proxy(proxy, "pass");
    end_load(load);
    assert_true(ask_proxy(proxy, "count") >= cuts);
    judge_load(load, postgres_fact(server, ""), place.schema);
    script_end(proxy);
    place_end(&place);
    free(port);
    free(url);
}

static void cut_plain(void **state)
{
    (void)state;
    cut_connections("disable", CUTS);
}

static void cut_tls(void **state)
{
    (void)state;
    cut_connections("require", CUTS / 4);
}

static void server_killed(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_start(NULL);
    char *url = postgres_url(server, "&schema=load" PATIENT);
    struct load *load = begin_load(url);
    for (int i = 0; i < KILLS; i++) {
        int done = atomic_load(&load->told[DONE]);
        while (atomic_load(&load->told[DONE]) < done + 50 && atomic_load(&load->busy) > 0)
            pause_ms(10);
        postgres_do(server, "kill");
        pause_ms(i * 50);
        postgres_do(server, "start");
    }
    end_load(load);
    judge_load(load, postgres_fact(server, ""), "load");
    postgres_end(server);
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_plain),
        cmocka_unit_test(cut_tls),
        cmocka_unit_test(server_killed),
    };
    return cmocka_run_group_tests_name("postgres cuts", tests, NULL, NULL);
}
