/* The server that the other tests stand on: what it promises them holds. */
#include "support/postgres.h"

#include "support/files.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(const char *url, const char *sql, const char *expected)
{
    char *text = postgres_text_on(url, sql);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

/* Fails to connect, for a reason whose text holds the word. */
static void assert_refused(const char *url, const char *word)
{
    PGconn *connection = PQconnectdb(url);
    char text[400];
    snprintf(text, sizeof(text), "%s", PQerrorMessage(connection));
    bool refused = PQstatus(connection) == CONNECTION_BAD && strstr(text, word);
    PQfinish(connection);
    if (!refused)
        fail_msg("no \"%s\" in \"%s\"", word, text);
}

static void ways_in(void **state)
{
    (void)state;
    struct postgres_server *server = postgres_wanted();
    const char *tcp = postgres_fact(server, "_TCP");
    assert_text(postgres_fact(server, ""), "SELECT current_setting('is_superuser')", "on");
    assert_text(tcp, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "t");
    assert_text(postgres_fact(server, "_PLAIN"), "SELECT has_schema_privilege('public', 'CREATE')", "f");
    char *wrong = test_format("%s&sslrootcert=%s", tcp, postgres_fact(server, "_OTHER_CA"));
    assert_refused(wrong, "certificate verify failed");
    free(wrong);
    wrong = test_format("%s&password=friend", tcp);
    assert_refused(wrong, "password authentication failed");
    free(wrong);
}

/* Whether the server compares as a language does, and tells the time of its own zone. */
static void surroundings(void **state)
{
    (void)state;
    const char *url = postgres_fact(postgres_wanted(), "");
    assert_text(url, "SELECT 'a' < 'B' COLLATE \"default\"", "t");
    assert_text(url, "SHOW timezone", "Asia/Kathmandu");
}

static void ends_and_starts(void **state)
{
    (void)state;
    const char *settings[] = {"work_mem=3MB", NULL};
    struct postgres_server *server = postgres_start(settings);
    const char *url = postgres_fact(server, "");
    assert_text(url, "SHOW work_mem", "3MB");
    postgres_run_on(url, "CREATE TABLE kept AS SELECT 7 AS n");
    postgres_do(server, "kill");
    assert_refused(url, "refused");
    postgres_do(server, "start");
    assert_text(url, "SELECT n FROM kept", "7");
    char *hasty = postgres_url(server, "&connect_timeout=2");
    postgres_do(server, "pause");
    assert_refused(hasty, "timeout expired");
    postgres_do(server, "resume");
    free(hasty);
    assert_text(url, "SELECT n FROM kept", "7");
    postgres_do(server, "stop");
    assert_refused(url, "No such file");
    postgres_end(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ways_in),
        cmocka_unit_test(surroundings),
        cmocka_unit_test(ends_and_starts),
    };
    return cmocka_run_group_tests_name("postgres_server", tests, NULL, NULL);
}
