/* The doors of a PostgreSQL server: passwords, TLS, roles without rights, databases that are not there, and PgBouncer. */
#include "base/clock.h"
#include "support/client.h"
#include "support/crew.h"
#include "support/files.h"
#include "support/pg_client.h"

#include <mastra/mastra.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pwd.h>

#include <cmocka.h>

/* A secret is in no error and in no log. */
static void assert_silent(const struct pg_test *test, const char *secret)
{
    assert_null(strstr(test->error.message, secret));
    assert_null(strstr(test->error.value, secret));
    assert_null(strstr(test->all_log, secret));
}

/* Borrowing fails in this way, for a reason whose text holds the words. */
static void refuses(const char *url, const char *more, mastra_status expected, const char *state,
                    const char *words)
{
    struct pg_test *test = pg_test_open(url, more);
    mastra_status status = pg_test_once(test, "SELECT 1");
    if (status != expected || strcmp(test->error.backend, state) != 0 || !strstr(test->error.message, words))
        fail_msg("%s, \"%s\": %s", mastra_status_name(status), test->error.backend, test->error.message);
    assert_silent(test, postgres_fact(postgres_shared(), "_PASSWORD"));
    assert_silent(test, "wr0ng");
    assert_null(strstr(test->error.message, "LOCATION"));
    pg_test_close(test);
}

static void passwords(void **state)
{
    (void)state;
    const char *url = postgres_fact(postgres_wanted(), "");
    refuses(url, "&password=wr0ng", MASTRA_DENIED, "28P01", "password authentication failed");
    refuses(url, "&user=nobody_of_this_name&password=wr0ng", MASTRA_DENIED, "28P01",
            "password authentication failed");
    refuses(url, "&password=&passfile=/nonexistent", MASTRA_DENIED, "", "password");
    refuses(url, "&dbname=no_such_database", MASTRA_CANNOT_OPEN, "3D000", "no_such_database");
}

static void unreachable(void **state)
{
    (void)state;
    refuses("postgresql://127.0.0.1:1/x?sslmode=disable", "", MASTRA_UNAVAILABLE, "", "refused");
    refuses("postgresql://", "?host=/nonexistent", MASTRA_UNAVAILABLE, "", "No such file");
    refuses(postgres_fact(postgres_wanted(), ""), "&target_session_attrs=s1deways", MASTRA_INVALID_ARGUMENT,
            "", "target_session_attrs");
    refuses(postgres_fact(postgres_wanted(), ""), "&options=-c%20no_such%3D1", MASTRA_INTERNAL, "42704",
            "no_such");
}

/* The second host answers where the first does not. */
static void several_hosts(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_wanted();
    char *more = test_format("&host=127.0.0.1,%s&hostaddr=&port=1,%s", postgres_fact(server, "_HOST"),
                             postgres_fact(server, "_PORT"));
    struct pg_test *test = pg_test_open(postgres_fact(server, ""), more);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
    refuses(postgres_fact(server, ""), "&host=/nonexistent,/nonexistent2&port=1,2&password=wr0ng",
            MASTRA_UNAVAILABLE, "", "No such file");
    free(more);
}

static void tls(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_wanted();
    const char *url = postgres_fact(server, "_TCP");
    struct pg_test *test = pg_test_open(url, "");
    struct pg_connection *connection = pg_test_borrow(test);
    char *used = pg_test_text(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    assert_string_equal(used, "t");
    free(used);
    pg_pool_give_back(connection);
    pg_test_close(test);
    char *other = test_format("&sslrootcert=%s", postgres_fact(server, "_OTHER_CA"));
    refuses(url, other, MASTRA_DENIED, "", "certificate verify failed");
    free(other);
    refuses(url, "&sslrootcert=/nonexistent", MASTRA_DENIED, "", "certificate");
    refuses(url, "&host=not.the.name", MASTRA_DENIED, "", "certificate");
    refuses(url, "&sslmode=verify-all", MASTRA_INVALID_ARGUMENT, "", "sslmode");
}

static void role_without_rights(void **state)
{
    (void)state;
    struct pg_test *test = pg_test_open(postgres_fact(postgres_wanted(), "_PLAIN"), "");
    assert_int_equal(pg_test_once(test, "CREATE TABLE public.not_mine (n int)"), MASTRA_DENIED);
    assert_string_equal(test->error.backend, "42501");
    assert_non_null(strstr(test->error.message, "public"));
    pg_test_close(test);
}

/* Too many sessions are a reason to try again. */
static void crowded_server(void **state)
{
    (void)state;
    const char *settings[] = {"max_connections=4", "superuser_reserved_connections=0", NULL};
    struct postgres_server *server = postgres_start(settings);
    struct pg_test *test = pg_test_open(postgres_fact(server, ""), "&max=9");
    struct pg_connection *connections[9] = {NULL};
    size_t count = 0;
    mastra_status status = MASTRA_OK;
    while (count < 9 && status == MASTRA_OK) {
        status = pg_pool_borrow(&test->backend.client, INT64_MAX, &connections[count], &test->error);
        count += status == MASTRA_OK;
    }
    assert_int_equal(status, MASTRA_UNAVAILABLE);
    assert_string_equal(test->error.backend, "53300");
    assert_true(test->error.retriable);
    assert_true(count > 0 && count <= 4);
    for (size_t i = 0; i < count; i++)
        pg_pool_give_back(connections[i]);
    assert_int_equal(pg_test_once(test, "SELECT 1"), MASTRA_OK);
    pg_test_close(test);
    postgres_end(server);
}

/* A server that recovers from the crash of one of its processes says so: a new connection waits until it has. */
static void recovering_server(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_start(NULL);
    struct pg_test *test = pg_test_open(postgres_fact(server, ""), "&connectionTimeoutMillis=120000");
    for (int i = 0; i < 5; i++) {
        struct pg_connection *connection = pg_test_borrow(test);
        char *pid = pg_test_text(connection, "SELECT pg_backend_pid()");
        assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
        free(pid);
        assert_int_equal(pg_test_run(test, connection, "SELECT 1"), MASTRA_UNAVAILABLE);
        pg_pool_give_back(connection);
        /* It may take a new session before it has noticed, and end it when it has. */
        while (pg_test_once(test, "SELECT pg_sleep(0.05)") != MASTRA_OK) {
            assert_true(test->error.retriable);
            assert_string_not_equal(test->error.backend, "57P03");
        }
    }
    pg_test_close(test);
    postgres_end(server);
}

/* A flavour whose passwords are made for each connection. */

struct flavour {
    const char *password;
    unsigned wrong; /* so many are not right */
    unsigned made;
    unsigned asked; /* the last number of an attempt */
    unsigned most;  /* attempts worth another */
    unsigned released;
};

static mastra_status make_password(void *arg, struct pg_keywords *keywords, mastra_error *error)
{
    struct flavour *flavour = arg;
    (void)error;
    flavour->made++;
    return pg_keywords_set(keywords, "password",
                           flavour->made <= flavour->wrong ? "wr0ng" : flavour->password)
               ? MASTRA_OK
               : MASTRA_OUT_OF_MEMORY;
}

static bool worth_another(void *arg, unsigned attempt, mastra_error *error)
{
    struct flavour *flavour = arg;
    flavour->asked = attempt;
    snprintf(error->message, sizeof(error->message), "refused; is the clock right?");
    return strcmp(error->backend, "28P01") == 0 && attempt <= flavour->most;
}

static void release_flavour(void *arg)
{
    ((struct flavour *)arg)->released++;
}

static void passwords_of_a_flavour(void **state)
{
    (void)state;
    static const struct pg_connect_ops ops = {
        .prepare = make_password, .again = worth_another, .release = release_flavour};
    const struct postgres_server *server = postgres_wanted();
    struct flavour flavour = {.password = postgres_fact(server, "_PASSWORD"), .wrong = 1, .most = 1};
    struct pg_defaults defaults = pg_postgres_defaults;
    defaults.settings.connect = &ops;
    defaults.settings.connect_arg = &flavour;
    struct pg_test *test = pg_test_try_with(postgres_fact(server, ""), NULL, &defaults);
    struct pg_connection *one = pg_test_borrow(test);
    struct pg_connection *two = pg_test_borrow(test);
    assert_int_equal(flavour.made, 3);
    assert_int_equal(flavour.asked, 1);
    flavour.wrong = 9;
    struct pg_connection *three = NULL;
    assert_int_equal(pg_pool_borrow(&test->backend.client, INT64_MAX, &three, &test->error), MASTRA_DENIED);
    assert_non_null(strstr(test->error.message, "is the clock right?"));
    assert_int_equal(flavour.made, 5);
    pg_pool_give_back(one);
    pg_pool_give_back(two);
    assert_int_equal(flavour.released, 0);
    pg_test_close(test);
    assert_int_equal(flavour.released, 1);
    /* Refused before there is a pool. */
    pg_test_close(pg_test_try_with("postgresql://h/d?schema=", NULL, &defaults));
    assert_int_equal(flavour.released, 2);
    pg_test_close(pg_test_try_with("postgresql://h/d?max=x", NULL, &defaults));
    assert_int_equal(flavour.released, 3);
}

/* PgBouncer, which is reached by a socket in a directory of its own: a port might be taken before it is bound. */

#define BOUNCER_PORT 6432 /* a part of the socket's name */

struct bouncer {
    char *directory;
    char *url;
    pid_t pid;
};

static const char *bouncer_program(void)
{
    static const char *const places[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
                                         "/usr/local/bin/pgbouncer"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (access(places[i], X_OK) == 0)
            return places[i];
    }
    fprintf(stderr, "there is no PgBouncer\n");
    skip();
    return NULL;
}

/* It refuses to be root; its files hold passwords. */
static void hand_over(const char *path, const struct passwd *user)
{
    if (geteuid() == 0)
        assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static void write_configuration(const struct bouncer *bouncer, const struct postgres_server *server,
                                const struct passwd *user)
{
    const char *password = postgres_fact(server, "_PASSWORD");
    char *ini = test_format("%s/pgbouncer.ini", bouncer->directory);
    char *users = test_format("%s/users.txt", bouncer->directory);
    char *text = test_format(
        "[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr =\nlisten_port = %d\n"
        "unix_socket_dir = %s\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = transaction\n"
        "default_pool_size = 2\nlogfile =\npidfile =\n",
        postgres_fact(server, "_HOST"), postgres_fact(server, "_PORT"), BOUNCER_PORT, bouncer->directory,
        users);
    char *list = test_format("\"mastra\" \"%s\"\n", password);
    test_file_write(ini, text, strlen(text));
    test_file_write(users, list, strlen(list));
    hand_over(ini, user);
    hand_over(users, user);
    free(list);
    free(text);
    free(users);
    free(ini);
}

static _Noreturn void become_bouncer(const char *program, const char *directory, const struct passwd *user)
{
    char *ini = test_format("%s/pgbouncer.ini", directory);
    if (geteuid() == 0 && (setgid(user->pw_gid) || setuid(user->pw_uid)))
        _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(program, program, "-q", ini, (char *)NULL);
    _exit(127);
}

static bool listens(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.%d", directory, BOUNCER_PORT);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return connected;
}

static void bouncer_start(struct bouncer *bouncer, const struct postgres_server *server)
{
    const char *program = bouncer_program();
    const struct passwd *user = getpwnam("nobody");
    assert_non_null(user);
    bouncer->directory = test_dir_new();
    hand_over(bouncer->directory, user);
    write_configuration(bouncer, server, user);
    /* The server's own URL, led through it. */
    bouncer->url = test_format("%s&host=%s&port=%d&pooler=transaction", postgres_fact(server, ""),
                               bouncer->directory, BOUNCER_PORT);
    bouncer->pid = fork();
    assert_true(bouncer->pid >= 0);
    if (bouncer->pid == 0)
        become_bouncer(program, bouncer->directory, user);
    for (int i = 0; !listens(bouncer->directory); i++) {
        if (i == 12000 || waitpid(bouncer->pid, NULL, WNOHANG) != 0)
            fail_msg("PgBouncer does not start");
        ms_clock_sleep_us(10000);
    }
}

static void bouncer_end(struct bouncer *bouncer)
{
    kill(bouncer->pid, SIGTERM);
    waitpid(bouncer->pid, NULL, 0);
    test_dir_remove(bouncer->directory);
    free(bouncer->url);
}

/* More clients than sessions; every transaction may find itself in another session. */
static void behind_pgbouncer(void **state)
{
    (void)state;
    enum { CLIENTS = 6, ROUNDS = 20 };
    struct bouncer bouncer;
    bouncer_start(&bouncer, postgres_wanted());
    struct pg_test *test = pg_test_open(bouncer.url, "");
    struct pg_connection *connections[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        connections[i] = pg_test_borrow(test);
        assert_null(connections[i]->statements);
    }
    const struct pg_step steps[] = {{.kind = PG_STEP_TEXT, .sql = "BEGIN"},
                                    {.kind = PG_STEP_TEXT, .sql = "SELECT 1"},
                                    {.kind = PG_STEP_TEXT, .sql = "COMMIT", .commits = true}};
    for (size_t i = 0; i < CLIENTS * ROUNDS; i++) {
        if (pg_exchange(connections[i % CLIENTS], steps, 3, NULL, NULL, NULL, &test->error) != MASTRA_OK)
            fail_msg("%s", test->error.message);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        char *zone = pg_test_text(connections[i],
                                  "SELECT current_setting('TimeZone') || current_setting('DateStyle')");
        assert_string_equal(zone, "UTCISO, MDY");
        free(zone);
    }
    /* Where one is lost the others are asked for a sign of life, and give it. */
    uint64_t last = connections[2]->number;
    connections[0]->lost = true;
    for (size_t i = CLIENTS; i > 0; i--)
        pg_pool_give_back(connections[(i + 1) % CLIENTS]);
    connections[0] = pg_test_borrow(test);
    assert_int_equal(connections[0]->number, last);
    pg_pool_give_back(connections[0]);
    assert_silent(test, postgres_fact(postgres_shared(), "_PASSWORD"));
    pg_test_close(test);
    bouncer_end(&bouncer);
}

#define WRITERS  6
#define MESSAGES 15

static void write_messages(int index, void *arg)
{
    mastra_store *store = arg;
    for (int i = 0; i < MESSAGES; i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        if (client_call(
                store, "saveMessages", NULL, &error,
                "{'messages':[{'id':'m%d-%d','threadId':'t','resourceId':'r','role':'user','type':'v2',"
                "'content':{'format':2,'parts':[]}}]}",
                index, i) != MASTRA_OK)
            crew_fail("%s", error.message);
    }
}

/* A whole store: its tables, concurrent writers, lists, run locks. */
static void store_behind_pgbouncer(void **state)
{
    (void)state;
    struct bouncer bouncer;
    bouncer_start(&bouncer, postgres_wanted());
    char *schema = postgres_schema_name();
    char *url = test_format("%s&schema=%s", bouncer.url, schema);
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(mastra_open(url, NULL, &store, &error), MASTRA_OK);
    if (mastra_init(store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    if (client_call(store, "saveThread", NULL, &error,
                    "{'thread':{'id':'t','resourceId':'r','title':'x'}}") != MASTRA_OK)
        fail_msg("%s", error.message);
    crew_run(WRITERS, write_messages, store);
    crew_check();
    assert_int_equal(client_total(store, "t"), WRITERS * MESSAGES);
    char *json = NULL;
    for (int i = 0; i < 2; i++) {
        if (client_call(store, "tryAcquireWorkflowRunLock", &json, &error,
                        "{'workflowName':'w','runId':'%s'}", schema) != MASTRA_OK)
            fail_msg("%s", error.message);
        assert_string_equal(json, i == 0 ? "true" : "false");
        mastra_json_free(json);
    }
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    bouncer_end(&bouncer);
    char *sql = test_format("SET client_min_messages TO warning; DROP SCHEMA \"%s\" CASCADE", schema);
    postgres_run_on(postgres_fact(postgres_shared(), ""), sql);
    free(sql);
    free(url);
    free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords),           cmocka_unit_test(unreachable),
        cmocka_unit_test(several_hosts),       cmocka_unit_test(tls),
        cmocka_unit_test(role_without_rights), cmocka_unit_test(crowded_server),
        cmocka_unit_test(recovering_server),   cmocka_unit_test(passwords_of_a_flavour),
        cmocka_unit_test(behind_pgbouncer),    cmocka_unit_test(store_behind_pgbouncer),
    };
    return cmocka_run_group_tests_name("postgres_doors", tests, NULL, NULL);
}
