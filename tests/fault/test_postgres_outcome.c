/*
 * Commits whose answer is lost, of calls that cannot just be repeated: what became of them is looked up, and told unless
 * the server is no longer the one that could know.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/postgres.h"

#include <dlfcn.h>
#include <errno.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define CLONE "{'sourceThreadId':'source','metadata':{'step':1}}"
#define EVAL                                                                                                 \
    "{'agentName':'a','input':'i','output':'o','result':{'score':1},'metricName':'m','instructions':'x',"    \
    "'runId':'r','globalRunId':'g'}"
#define CLONES "SELECT count(*)::text FROM s.mastra_threads WHERE metadata ? 'step'"
#define EVALS  "SELECT count(*)::text FROM s.mastra_evals"

struct fixture {
    struct pg_conn *look;
    mastra_store *store;
    mastra_status status; /* of a call beside the test */
    mastra_error error;
};

/* How the next commit loses its answer: once this query gives `until`, the link to the server is cut. */
static struct {
    atomic_bool armed;
    atomic_bool committing;
    atomic_bool cut;
    struct pg_conn *look;
    const char *query;
    const char *until;
    const char *then; /* run behind it; NULL: nothing */
} loss;

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* These stand before libpq's own. */
int PQsendQueryParams(PGconn *connection, const char *command, int count, const Oid *types,
                      const char *const *values, const int *lengths, const int *formats, int format)
{
    void *found = real("PQsendQueryParams");
    int (*send)(PGconn *, const char *, int, const Oid *, const char *const *, const int *, const int *, int);
    memcpy(&send, &found, sizeof(send));
    if (strcmp(command, "COMMIT") == 0 && atomic_load(&loss.armed))
        atomic_store(&loss.committing, true);
    return send(connection, command, count, types, values, lengths, formats, format);
}

static void wait_for_it(void)
{
    bool done = false;
    for (int i = 0; i < 6000 && !done; i++) {
        char *text = postgres_text(loss.look, loss.query);
        done = text && strcmp(text, loss.until) == 0;
        free(text);
        if (!done)
            usleep(10000);
    }
    if (!done)
        crew_fail("%s: never %s", loss.query, loss.until);
}

int PQpipelineSync(PGconn *connection)
{
    void *found = real("PQpipelineSync");
    int (*sync)(PGconn *);
    char unread[4096];
    memcpy(&sync, &found, sizeof(sync));
    int result = sync(connection);
    if (!atomic_exchange(&loss.committing, false) || !atomic_exchange(&loss.armed, false))
        return result;
    while (PQflush(connection) > 0)
        usleep(1000);
    wait_for_it();
    shutdown(PQsocket(connection), SHUT_RDWR);
    while (recv(PQsocket(connection), unread, sizeof(unread), MSG_DONTWAIT) > 0)
        continue;
    if (loss.then)
        postgres_run(loss.look, loss.then);
    atomic_store(&loss.cut, true);
    return result;
}

static void lose_next(struct fixture *fixture, const char *query, const char *until, const char *then)
{
    loss.look = fixture->look;
    loss.query = query;
    loss.until = until;
    loss.then = then;
    atomic_store(&loss.cut, false);
    atomic_store(&loss.armed, true);
}

/* One for all, which nobody else uses: its statistics are reset. */
static struct postgres_server *server;

static int begin_server(void **state)
{
    (void)state;
    server = postgres_start(NULL);
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    postgres_end(server);
    return 0;
}

static int begin(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    mastra_error error = MASTRA_ERROR_INIT;
    assert_non_null(fixture);
    fixture->look = postgres_connect(postgres_fact(server, ""));
    char *url = postgres_url(server, "&schema=s&busy_timeout=60000");
    assert_int_equal(mastra_open(url, NULL, &fixture->store, &error), MASTRA_OK);
    free(url);
    assert_int_equal(client_call(fixture->store, "saveThread", NULL, &error,
                                 "{'thread':{'id':'source','resourceId':'r'}}"),
                     MASTRA_OK);
    *state = fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    mastra_status status = mastra_close(fixture->store, NULL);
    postgres_run(fixture->look, "SET client_min_messages TO warning; DROP SCHEMA s CASCADE");
    postgres_close(fixture->look);
    free(fixture);
    return status == MASTRA_OK ? 0 : -1;
}

static void expect_count(const struct fixture *fixture, const char *query, const char *count)
{
    char *text = postgres_text(fixture->look, query);
    assert_string_equal(text, count);
    free(text);
}

static void call_fine(const struct fixture *fixture, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(fixture->store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

/* It was committed: the call has succeeded, and is not run again. */
static void committed(void **state)
{
    struct fixture *fixture = *state;
    lose_next(fixture, CLONES, "1", NULL);
    call_fine(fixture, "cloneThread", CLONE);
    assert_true(atomic_load(&loss.cut));
    expect_count(fixture, CLONES, "1");
    /* Of one exchange, otherwise. */
    lose_next(fixture, EVALS, "1", NULL);
    call_fine(fixture, "saveEval", EVAL);
    assert_true(atomic_load(&loss.cut));
    expect_count(fixture, EVALS, "1");
    crew_check();
}

/* The first commit is ended before it has come about: the call is run again. */
static void aborted(void **state)
{
    struct fixture *fixture = *state;
    postgres_run(fixture->look,
                 "CREATE SEQUENCE s.commits;"
                 "CREATE FUNCTION s.fall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                 " IF nextval('s.commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
                 " PERFORM pg_sleep(60); END IF; RETURN NULL; END $$;"
                 "CREATE CONSTRAINT TRIGGER fall AFTER INSERT ON s.mastra_threads"
                 " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.fall()");
    call_fine(fixture, "cloneThread", CLONE);
    expect_count(fixture, CLONES, "1");
    expect_count(fixture, "SELECT last_value::text FROM s.commits", "2");
}

static void clone(int index, void *arg)
{
    struct fixture *fixture = arg;
    (void)index;
    fixture->status = client_call(fixture->store, "cloneThread", NULL, &fixture->error, CLONE);
}

/* The server is still at it when the link is cut: it is waited for. */
static void under_way(void **state)
{
    struct fixture *fixture = *state;
    struct pg_conn *holder = postgres_connect(postgres_fact(server, ""));
    postgres_run(fixture->look, "CREATE FUNCTION s.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                                " PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;"
                                "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON s.mastra_threads"
                                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.wait()");
    postgres_run(holder, "SELECT pg_advisory_lock(7)");
    lose_next(fixture,
              "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted",
              "1", NULL);
    struct crew_thread *thread = crew_start(clone, 0, fixture);
    while (!atomic_load(&loss.cut))
        usleep(1000);
    usleep(100000);
    postgres_run(holder, "SELECT pg_advisory_unlock(7)");
    crew_join(thread);
    crew_check();
    if (fixture->status != MASTRA_OK)
        fail_msg("%s", fixture->error.message);
    expect_count(fixture, CLONES, "1");
    postgres_close(holder);
}

/* What a server that has crashed meanwhile knows of the number may be about another transaction. */
static void another_server(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    lose_next(fixture, CLONES, "1", "SELECT pg_stat_reset_shared('bgwriter')");
    assert_int_equal(client_call(fixture->store, "cloneThread", NULL, &error, CLONE), MASTRA_UNKNOWN_OUTCOME);
    crew_check();
    expect_count(fixture, CLONES, "1");
}

static mastra_store *open_hasty(void)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *url = postgres_url(server, "&schema=s&busy_timeout=60000&statementTimeoutMillis=3000");
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return store;
}

/* A commit that takes too long is cancelled, and the call is not run again. */
static void too_late(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_hasty();
    postgres_run(fixture->look, "CREATE SEQUENCE s.commits;"
                                "CREATE FUNCTION s.sleep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                                " PERFORM nextval('s.commits'); PERFORM pg_sleep(600); RETURN NULL; END $$;"
                                "CREATE CONSTRAINT TRIGGER sleep AFTER INSERT ON s.mastra_threads"
                                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.sleep()");
    mastra_status status = client_call(store, "cloneThread", NULL, &error, CLONE);
    if (status != MASTRA_TIMEOUT)
        fail_msg("%s", error.message);
    assert_false(error.retriable);
    expect_count(fixture, CLONES, "0");
    expect_count(fixture, "SELECT concat_ws(' ', last_value, is_called) FROM s.commits", "1 t");
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* One that is cancelled as it waits for a standby is not as durable as the server was told to make it. */
static void no_standby(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_OK;
    mastra_store *store = open_hasty();
    postgres_run(fixture->look, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    postgres_run(fixture->look, "SELECT pg_reload_conf()");
    /* Until the server has taken notice its commits do not wait. */
    for (int i = 0; i < 100 && status == MASTRA_OK; i++) {
        usleep(50000);
        status = client_call(store, "cloneThread", NULL, &error, CLONE);
    }
    postgres_run(fixture->look, "ALTER SYSTEM RESET synchronous_standby_names");
    postgres_run(fixture->look, "SELECT pg_reload_conf()");
    assert_int_equal(status, MASTRA_UNKNOWN_OUTCOME);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* Where the role may not ask, calls do without. */
static void not_to_be_told(void **state)
{
    struct fixture *fixture = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *url = test_format("%s&schema=s", postgres_fact(server, "_PLAIN"));
    postgres_run(fixture->look,
                 "REVOKE SELECT ON pg_catalog.pg_stat_bgwriter FROM PUBLIC;"
                 "GRANT ALL ON SCHEMA s TO plain; GRANT ALL ON ALL TABLES IN SCHEMA s TO plain");
    assert_int_equal(mastra_open(url, NULL, &store, &error), MASTRA_OK);
    for (int i = 0; i < 2; i++) {
        if (client_call(store, "cloneThread", NULL, &error, CLONE) != MASTRA_OK)
            fail_msg("%s", error.message);
    }
    expect_count(fixture, CLONES, "2");
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    postgres_run(fixture->look, "GRANT SELECT ON pg_catalog.pg_stat_bgwriter TO PUBLIC;"
                                "REVOKE ALL ON SCHEMA s FROM plain");
    free(url);
}

#define STARTED "SELECT pg_postmaster_start_time()::text"

/* One process, which makes the server end all others and recover. */
static void kill_one(void)
{
    struct pg_conn *connection = postgres_connect(postgres_fact(server, ""));
    char *pid = postgres_text(connection, "SELECT pg_backend_pid()::text");
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
    postgres_close(connection);
    free(pid);
}

/* What the query gives once it is something else, to be freed, on connections that may fail until then; NULL: never. */
static char *text_other_than(const char *query, const char *text)
{
    char *found = NULL;
    for (int i = 0; i < 6000 && !found; i++) {
        PGconn *connection = PQconnectdb(postgres_fact(server, ""));
        PGresult *result = PQexec(connection, query);
        if (PQresultStatus(result) == PGRES_TUPLES_OK && strcmp(PQgetvalue(result, 0, 0), text) != 0)
            found = strdup(PQgetvalue(result, 0, 0));
        PQclear(result);
        PQfinish(connection);
        if (!found)
            usleep(10000);
    }
    return found;
}

/* Killed and started again, or recovered from the crash of one process: neither is the server that it was. */
static void crashes_are_seen(void **state)
{
    struct fixture *fixture = *state;
    static const char since[] =
        "SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), (SELECT"
        " extract(epoch FROM stats_reset) FROM pg_catalog.pg_stat_bgwriter))";
    char *before = postgres_text(fixture->look, since);
    postgres_close(fixture->look);
    postgres_do(server, "kill");
    postgres_do(server, "start");
    fixture->look = postgres_connect(postgres_fact(server, ""));
    char *after = postgres_text(fixture->look, since);
    assert_string_not_equal(before, after);
    char *started = postgres_text(fixture->look, STARTED);
    free(before);
    before = after;
    kill_one();
    postgres_close(fixture->look);
    after = text_other_than(since, before);
    assert_non_null(after);
    /* It takes connections again. */
    fixture->look = postgres_connect(postgres_fact(server, ""));
    expect_count(fixture, STARTED, started);
    free(started);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(committed, begin, end),
        cmocka_unit_test_setup_teardown(aborted, begin, end),
        cmocka_unit_test_setup_teardown(under_way, begin, end),
        cmocka_unit_test_setup_teardown(another_server, begin, end),
        cmocka_unit_test_setup_teardown(too_late, begin, end),
        cmocka_unit_test_setup_teardown(no_standby, begin, end),
        cmocka_unit_test_setup_teardown(not_to_be_told, begin, end),
        cmocka_unit_test_setup_teardown(crashes_are_seen, begin, end),
    };
    return cmocka_run_group_tests_name("postgres outcome", tests, begin_server, end_server);
}
